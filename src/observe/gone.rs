//! Tables that earlier runs filled and that the source has no more: said once, with what settles it.

use std::collections::{HashMap, HashSet};

use crate::config::Settings;
use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName, as_argument};
use crate::note::NoteLevel;
use crate::observe::renamed_tables::RenamedTable;
use crate::pg::holders::Holder;
use crate::plan::dropping;
use crate::rules::Ddl;
use crate::schema::{SchemaOutcome, holders};
use crate::schema_object::view::View;
use crate::select;
use crate::select::schemas;
use crate::sync_log::store::{self, KnownTable};
use crate::table::{ForeignKey, OtherRelation, Partition, Table};

/// A table of the target that the source has no more.
pub struct GoneTable {
    /// The target's name.
    pub name: TableName,
    /// What settles it; none where there is nothing to say.
    pub text: Option<String>,
    /// A table of the source that may be the same one, renamed.
    pub renamed: Option<NewName>,
    /// Whether a schema that is not selected has a table of its name.
    pub is_elsewhere: bool,
}

/// What is known of tables that are gone, by their names on the target.
struct Found<'f> {
    /// The target's names of the tables that the source has.
    there: &'f HashSet<TableName>,
    renamed: &'f HashMap<&'f TableName, RenamedTable<'f>>,
    holders: &'f HashMap<TableName, Vec<Holder>>,
    /// See [`RunContext::schemas_elsewhere`].
    elsewhere: &'f HashMap<TableName, Ident>,
}

/// What a table may be called now.
pub struct NewName {
    /// On the source.
    pub table: TableName,
    /// The statements that give the target's table that name.
    statements: String,
    /// Whether the target's table has partitions, and keeps them until it has that name.
    is_partitioned: bool,
}

/// Names the statements for tables that may be renamed where one fails, because the old one still has the children, or
/// where rows find no place, because the old one still has the partitions.
pub(crate) fn tell_renames(gone: &[GoneTable], aligned: &mut SchemaOutcome) {
    for GoneTable { name, renamed, .. } in gone {
        let Some(NewName { table, statements, is_partitioned }) = renamed else { continue };
        if let Some(Error::Blocked(text)) = aligned.failed.get_mut(table) {
            *text = format!(
                "if the source has renamed {name}, run on the target: {statements}; otherwise, {text}"
            );
        }
        if let Some(said) = aligned.lost_partitions.get_mut(table).filter(|_| *is_partitioned) {
            *said = format!(
                "its partitions belong to {name} on the target: if the source has renamed that table, run on the target: {statements}"
            );
        }
    }
}

impl RunContext<'_> {
    /// Says of each table that the source has no more what settles it, and gives them.
    pub(crate) async fn note_gone_tables(
        &self,
        existing: &[Table],
        selected: &[&Table],
        catalogs: &Catalogs,
    ) -> Result<Vec<GoneTable>> {
        let gone = self.gone_tables(existing, selected, catalogs).await?;
        for one in &gone {
            if let Some(text) = one.text.clone() {
                self.note(NoteLevel::Warning, Some(one.name.clone()), text);
            }
        }
        Ok(gone)
    }

    /// The target's names of tables that earlier runs from this source filled, that this run would select, and
    /// that the source has no more as tables of their own. `existing` are all such tables of the source.
    pub(crate) async fn gone_tables(
        &self,
        existing: &[Table],
        selected: &[&Table],
        catalogs: &Catalogs,
    ) -> Result<Vec<GoneTable>> {
        // A run has made its log by now.
        let writes = !self.settings.dry_run && !self.run_id.is_empty();
        let has_log = writes || store::exists(self.target, &self.sync_log).await?;
        if self.settings.repair || !has_log {
            return Ok(Vec::new());
        }
        let known = store::known_from(self.target, &self.sync_log, &self.source_name).await?;
        let there = self.places_of(existing, catalogs);
        let target_schemas = self.settings.target_schemas();
        let is_gone = |one: &KnownTable| {
            let source = self.settings.source_name_of(&one.name);
            let is_selected = target_schemas.contains(&one.name.schema)
                || schemas::is_asked_for(&self.settings.schema_patterns, &source.schema);
            is_selected && !there.contains(&one.name) && self.would_select(&source)
        };
        let (gone, known): (Vec<KnownTable>, Vec<KnownTable>) =
            known.into_iter().partition(is_gone);
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.held(&there, &target_schemas).await?;
        let new = self.new_tables(selected, &known, &held, catalogs);
        let mut partitions = self.partitions_among(&gone).await?;
        partitions.extend(self.left_partitions_among(&gone, &there).await?);
        let is_left = |one: &&KnownTable| {
            matches!(one.kind, Some('r' | 'p')) && !partitions.contains(&one.name)
        };
        let left: Vec<&TableName> = gone.iter().filter(is_left).map(|one| &one.name).collect();
        let moved = |name: &TableName| self.brought_elsewhere(name, &there);
        let renamed = self.renamed_tables(&left, &new, &moved, catalogs);
        let holders = self.holders_of(&left, catalogs).await?;
        let elsewhere = self.schemas_elsewhere(&left).await?;
        let found =
            Found { there: &there, renamed: &renamed, holders: &holders, elsewhere: &elsewhere };
        // It is moved by hand or never.
        let is_news = |one: &&KnownTable| !(one.is_said && elsewhere.contains_key(&one.name));
        let gone = gone.iter().filter(is_news).map(|one| {
            let of_it: Vec<&Partition> = held.iter().filter(|held| held.root == one.name).collect();
            if is_left(&one) {
                return self.gone_table(&one.name, &of_it, &found, catalogs);
            }
            GoneTable { name: one.name.clone(), text: None, renamed: None, is_elsewhere: false }
        });
        Ok(gone.collect())
    }

    /// What is said of a table that is gone; `held` are tables of the source that are its partitions.
    fn gone_table(
        &self,
        name: &TableName,
        held: &[&Partition],
        found: &Found<'_>,
        catalogs: &Catalogs,
    ) -> GoneTable {
        let Found { there, renamed, holders, elsewhere } = found;
        let moved = self.brought_elsewhere(name, there);
        let reason = self.reason(name, moved.as_ref());
        let views = holders::views(holders.get(name).into_iter().flatten());
        let left = self.left_behind(name, moved.as_ref(), renamed, &views, there, catalogs);
        let detached = detached(held);
        let schema = elsewhere.get(name).filter(|_| moved.is_none() && !renamed.contains_key(name));
        let asked = schema.map(|schema| self.moved_by_hand(name, schema, catalogs));
        let (is_elsewhere, asked) = (asked.is_some(), asked.unwrap_or_default());
        GoneTable {
            name: name.clone(),
            text: Some(format!("{reason}; {detached}{asked}{left}")),
            renamed: renamed.get(name).map(|renamed| self.new_name(renamed, catalogs)),
            is_elsewhere,
        }
    }

    /// By table of the target: the schema in which the source has a table of its name, if that is one alone, and not selected.
    async fn schemas_elsewhere(&self, names: &[&TableName]) -> Result<HashMap<TableName, Ident>> {
        let settings = self.settings;
        // One schema of the target has the tables of one.
        if settings.target_schema.is_some() || names.is_empty() {
            return Ok(HashMap::new());
        }
        let sources = names.iter().map(|name| settings.source_name_of(name).name);
        let sources: Vec<Ident> = sources.collect();
        let bare: Vec<&str> = sources.iter().map(Ident::as_str).collect();
        let others = self.source.other_relations(&settings.schemas, &bare).await?;
        let schema_of = |source: &Ident| {
            let is_it = |one: &&OtherRelation| one.kind.is_none() && one.name.name == *source;
            let mut found = others.iter().filter(is_it);
            let schema = found.next()?.name.schema.clone();
            found.next().is_none().then_some(schema)
        };
        let all = names.iter().zip(&sources);
        Ok(all.filter_map(|(name, source)| Some(((*name).clone(), schema_of(source)?))).collect())
    }

    /// Asks whether the source has moved a table to a schema, with what moves the target's.
    fn moved_by_hand(&self, name: &TableName, schema: &Ident, catalogs: &Catalogs) -> String {
        let is_there = catalogs.target.server.schemas.contains(schema);
        let new = (!is_there).then(|| format!("create schema {}; ", schema.typed()));
        let Settings { schema_patterns: patterns, schemas, .. } = &**self.settings;
        let asked = if patterns.is_empty() { schemas } else { patterns };
        let asked = asked.iter().chain([schema]).map(Ident::as_str);
        format!(
            "moved to schema {schema}? Then run on the target: {new}alter table {name} set schema {typed}, and select that schema, \
             too: -schema {asked}; otherwise, ",
            schema = schema.as_str(),
            new = new.unwrap_or_default(),
            name = name.typed(),
            typed = schema.typed(),
            asked = as_argument(&asked.collect::<Vec<_>>()),
        )
    }

    /// By table of the target: what holds its columns.
    async fn holders_of(
        &self,
        tables: &[&TableName],
        catalogs: &Catalogs,
    ) -> Result<HashMap<TableName, Vec<Holder>>> {
        let there = catalogs.target.tables.iter().filter(|table| tables.contains(&&table.name));
        let there: Vec<&Table> = there.collect();
        let held = self.column_holders(&there).await?;
        let own = |table: &&Table| {
            let own = held.iter().filter(|held| held.table == table.oid);
            (table.name.clone(), own.map(|held| held.holder.clone()).collect())
        };
        Ok(there.iter().map(own).collect())
    }

    fn new_name(&self, renamed: &RenamedTable<'_>, catalogs: &Catalogs) -> NewName {
        let statements = self.renaming(renamed, catalogs).join("; ");
        let is_partitioned = renamed.old.partitioned;
        NewName { table: renamed.new.name.clone(), statements, is_partitioned }
    }

    /// The tables that the target has from a run that failed, or lacks.
    fn new_tables<'t>(
        &self,
        selected: &[&'t Table],
        known: &[KnownTable],
        held: &[Partition],
        catalogs: &Catalogs,
    ) -> Vec<&'t Table> {
        let failed = known.iter().filter(|one| one.has_failed).map(|one| &one.name);
        let failed: HashSet<&TableName> = failed.collect();
        let target = catalogs.target.tables.iter().map(|table| &table.name);
        let old: HashSet<&TableName> = target.filter(|name| !failed.contains(name)).collect();
        let is_new = |table: &&Table| {
            let name = self.settings.target_name_of(&table.name);
            !old.contains(&name) && held.iter().all(|held| held.name != name)
        };
        selected.iter().copied().filter(is_new).collect()
    }

    /// What tables of the source are called on the target. What cannot be read is there all the same.
    fn places_of(&self, existing: &[Table], catalogs: &Catalogs) -> HashSet<TableName> {
        let names = existing.iter().map(|table| &table.name);
        let failed = catalogs.source.failed.iter().map(|(name, _)| name);
        names.chain(failed).map(|name| self.settings.target_name_of(name)).collect()
    }

    /// Tables of the source that are partitions on the target.
    async fn held(
        &self,
        there: &HashSet<TableName>,
        target_schemas: &[Ident],
    ) -> Result<Vec<Partition>> {
        let names: Vec<String> = there.iter().map(TableName::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut held = self.target.control.partitions(target_schemas, &names).await?;
        held.retain(|held| there.contains(&held.name));
        Ok(held)
    }

    /// The target's names of those that are partitions on the source, at any depth: their rows are those of other tables
    /// by now, and nothing is to be said of them.
    async fn partitions_among(&self, gone: &[KnownTable]) -> Result<HashSet<TableName>> {
        let settings = self.settings;
        let names = gone.iter().map(|one| settings.source_name_of(&one.name).to_string());
        let names: Vec<String> = names.collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let partitions = self.source.partitions(&settings.schemas, &names).await?;
        Ok(partitions.iter().map(|one| settings.target_name_of(&one.name)).collect())
    }

    /// Those that are partitions, on the target, of tables that pgsync made and the source has: what is said of these
    /// names them.
    async fn left_partitions_among(
        &self,
        gone: &[KnownTable],
        there: &HashSet<TableName>,
    ) -> Result<HashSet<TableName>> {
        let names: Vec<String> = gone.iter().map(|one| one.name.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let schemas = self.settings.target_schemas();
        let mut left = self.target.control.partitions(&schemas, &names).await?;
        left.retain(|one| there.contains(&one.root));
        let roots: Vec<&TableName> = left.iter().map(|one| &one.root).collect();
        if roots.is_empty() {
            return Ok(HashSet::new());
        }
        let made = store::created_tables(self.target, &self.sync_log, &roots).await?;
        let left = left.iter().filter(|one| made.contains_key(&one.root));
        Ok(left.map(|one| one.name.clone()).collect())
    }

    /// The target's name of the table of the source that an earlier run brought to `name`, if the source still has it
    /// and a rule brings it elsewhere now.
    fn brought_elsewhere(&self, name: &TableName, there: &HashSet<TableName>) -> Option<TableName> {
        let now = self.settings.target_name_of(&self.settings.source_name_of(name));
        (now != *name && there.contains(&now)).then_some(now)
    }

    /// Why a table of the target gets no rows any more; `moved` is where they go instead.
    fn reason(&self, name: &TableName, moved: Option<&TableName>) -> String {
        match moved {
            Some(moved) => format!(
                "a rule brings {} of the source to {moved} now; this table keeps the rows that earlier runs brought",
                self.settings.source_name_of(name)
            ),
            None => {
                "the source no longer has this table; the target keeps it with the rows that it has"
                    .to_owned()
            }
        }
    }

    fn would_select(&self, name: &TableName) -> bool {
        select::would_select(name, &self.settings.include, &self.settings.exclude)
            && !self.settings.rules.effective(name).skip
    }

    /// The statements for a table of the target that gets no rows any more. `moved` is where they go instead, `there` the
    /// target's names of those that the source has.
    fn left_behind(
        &self,
        name: &TableName,
        moved: Option<&TableName>,
        renamed: &HashMap<&TableName, RenamedTable<'_>>,
        views: &[View],
        there: &HashSet<TableName>,
        catalogs: &Catalogs,
    ) -> String {
        // A reset takes from the tables that the source has the keys that it does not have.
        let is_reset = |key: &&ForeignKey| {
            let child = self.settings.source_name_of(&key.child);
            there.contains(&key.child) && self.settings.ddl_of(&child) == Ddl::Reset
        };
        let keys = catalogs.target.foreign_keys.of_tables.iter();
        let keys = keys.filter(|key| key.parent == *name && key.child != *name);
        let (taken, kept): (Vec<&ForeignKey>, Vec<&ForeignKey>) = keys.partition(is_reset);
        // One that is renamed before has its keys still.
        let later = kept.iter().filter_map(|key| {
            let child = renamed.get(&key.child)?.place.clone();
            Some(ForeignKey { child, ..(*key).clone() })
        });
        let later: Vec<ForeignKey> = later.collect();
        let kept = kept.into_iter().chain(&later);
        let drop = dropping::told(name, kept, views);
        let Some(renamed) = renamed.get(name) else { return drop };
        // The new one may have its children by then; the next run gives them their keys again.
        let mut statements: Vec<String> = taken.into_iter().map(dropping::foreign_key).collect();
        statements.extend(self.renaming(renamed, catalogs));
        let go_on = match moved {
            Some(_) => "to go on with them, run on the target".to_owned(),
            None => format!("renamed to {}? Then run on the target", renamed.new.name),
        };
        format!(
            "{go_on}: {rename}, and run pgsync once with -reconcile; otherwise, {drop}",
            rename = statements.join("; "),
        )
    }
}

/// What is said before all else of a partitioned table that the source has no more, of which these partitions are tables
/// of their own on the source: dropped with it, they would be lost.
fn detached(held: &[&Partition]) -> String {
    if held.is_empty() {
        return String::new();
    }
    let names: Vec<String> = held.iter().map(|held| held.name.to_string()).collect();
    let detach = |held: &&Partition| {
        format!("alter table {} detach partition {}", held.root.typed(), held.name.typed())
    };
    let statements: Vec<String> = held.iter().map(detach).collect();
    format!(
        "it holds {}, which the source still has: before all else, run on the target: {}; then, ",
        names.join(", "),
        statements.join("; "),
    )
}
