//! Tables that earlier runs filled and that the source has no more: said once, with what settles it.

use std::collections::HashSet;

use crate::context::{Catalogs, RunContext};
use crate::error::Result;
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::select;
use crate::sync_log::store::{self, KnownTable};
use crate::table::Table;

impl RunContext<'_> {
    /// The target's names of tables that earlier runs from this source filled, that this run would select, and
    /// that the source has no more. `existing` are all tables of the source.
    pub(crate) async fn gone_tables(
        &self,
        existing: &[Table],
        selected: &[&Table],
        catalogs: &Catalogs,
    ) -> Result<Vec<TableName>> {
        if self.settings.dry_run || self.settings.repair {
            return Ok(Vec::new());
        }
        let known = store::known_from(self.target, &self.sync_log, &self.source_name).await?;
        let names = existing.iter().map(|table| &table.name);
        let partitions = catalogs.source.partitions.iter().map(|one| &one.name);
        // What cannot be read is there all the same.
        let failed = catalogs.source.failed.iter().map(|(name, _)| name);
        let there = names.chain(partitions).chain(failed);
        let there: HashSet<TableName> =
            there.map(|name| self.settings.target_name_of(name)).collect();
        let schemas = self.settings.target_schemas();
        let is_gone = |one: &KnownTable| {
            schemas.contains(&one.name.schema)
                && !there.contains(&one.name)
                && self.would_select(&self.settings.source_name_of(&one.name))
        };
        let (gone, known): (Vec<KnownTable>, Vec<KnownTable>) =
            known.into_iter().partition(is_gone);
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        // The target has them from a run that failed, or lacks them.
        let failed = known.iter().filter(|one| one.has_failed).map(|one| &one.name);
        let failed: HashSet<&TableName> = failed.collect();
        let target = catalogs.target.tables.iter().map(|table| &table.name);
        let old: HashSet<&TableName> = target.filter(|name| !failed.contains(name)).collect();
        let is_new = |table: &&Table| !old.contains(&self.settings.target_name_of(&table.name));
        let new: Vec<&Table> = selected.iter().copied().filter(is_new).collect();
        for one in gone.iter().filter(|one| matches!(one.kind, Some('r' | 'p'))) {
            let text = self.left_behind(&one.name, &new, &catalogs.target.tables);
            self.note(NoteLevel::Warning, Some(one.name.clone()), text);
        }
        Ok(gone.into_iter().map(|one| one.name).collect())
    }

    fn would_select(&self, name: &TableName) -> bool {
        select::would_select(name, &self.settings.include, &self.settings.exclude)
            && !self.settings.rules.effective(name).skip
    }

    /// What is said of a table of the target that the source has no more. `new` are tables that the target lacked.
    fn left_behind(&self, name: &TableName, new: &[&Table], target: &[Table]) -> String {
        let start =
            "the source has this table no more; the target keeps it with the rows that it has";
        let drop = format!("to drop it, run on the target: drop table {}", name.typed());
        let old = target.iter().find(|table| table.name == *name);
        let renamed = old.and_then(|old| new.iter().find(|new| has_same_columns(old, new)));
        let Some(new) = renamed else { return format!("{start}; {drop}") };
        let there = self.settings.target_name_of(&new.name);
        format!(
            "{start}; renamed to {new}? Then run on the target: {rename}, and run pgsync once with -reconcile; \
             otherwise, {drop}",
            new = new.name,
            rename = renaming(name, &there),
        )
    }
}

fn has_same_columns(old: &Table, new: &Table) -> bool {
    let shape = |table: &Table| -> Vec<String> {
        let columns = table.columns.iter();
        let mut columns: Vec<String> =
            columns.map(|one| format!("{} {}", one.name.quoted(), one.type_text)).collect();
        columns.sort();
        columns
    };
    !old.columns.is_empty() && shape(old) == shape(new)
}

/// The statements that give the rows of `old` the name that a run may meanwhile have given to a new table.
fn renaming(old: &TableName, new: &TableName) -> String {
    let mut statements = vec![format!("drop table if exists {}", new.typed())];
    let mut moved = old.clone();
    if old.schema != new.schema {
        let schema = new.schema.typed();
        statements.push(format!("alter table {} set schema {schema}", old.typed()));
        moved.schema = new.schema.clone();
    }
    if old.name != new.name {
        statements.push(format!("alter table {} rename to {}", moved.typed(), new.name.typed()));
    }
    statements.join("; ")
}
