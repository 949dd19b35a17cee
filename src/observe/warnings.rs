//! What a run has to say about its two ends before it begins.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Settings;
use crate::context::{Catalogs, RunContext};
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::plan::PlanContext;
use crate::select;
use crate::suggest;
use crate::table::{Partition, Table};

/// Partitions that a warning names before it says "and N more".
const LISTED: usize = 3;

impl RunContext<'_> {
    pub(crate) fn remark(&self, catalogs: &Catalogs, context: &PlanContext) {
        if self.settings.foretells() {
            let text = "a dry run counts rows: constraints and triggers of the target are not tried, \
                        and what others write meanwhile is not foreseen";
            self.note(NoteLevel::Notice, None, text.to_owned());
        }
        if !self.settings.deletes && !self.settings.only_compares {
            let text = "rows that vanished from the source are kept on the target (-no-deletes)";
            self.note(NoteLevel::Notice, None, text.to_owned());
        }
        if let Some(why) = catalogs.hasher().slower_because {
            self.note(NoteLevel::Detail, None, format!("{why}: rows are compared by md5, slower"));
        }
        if !context.replica_role && !context.fire_triggers {
            let text = "the target role may not set session_replication_role: foreign keys are \
                        checked, so parents are written first and vanished rows removed last";
            self.note(NoteLevel::Detail, None, text.to_owned());
        }
    }
}

impl RunContext<'_> {
    /// A column that was asked for and that no table has is misspelt.
    pub(crate) fn remark_timestamp(&self, selected: &[&Table]) {
        let column = &self.settings.timestamp;
        let has_it = |table: &&Table| {
            let rules = self.settings.rules.effective(&table.name);
            table.column(rules.target_timestamp()).is_some()
        };
        if !self.settings.timestamp_given || selected.iter().any(has_it) {
            return;
        }
        let there: BTreeSet<&str> = selected
            .iter()
            .flat_map(|table| table.columns.iter().map(|column| column.name.as_str()))
            .collect();
        let near = suggest::did_you_mean(column.as_str(), there);
        let text = format!(
            "no selected table has the column \"{}\" (-timestamp), so each is compared whole{near}",
            column.as_str()
        );
        self.note(NoteLevel::Warning, None, text);
    }

    /// Partitions whose root is in no selected schema travel with nothing.
    pub(crate) fn note_rootless(&self, partitions: &[Partition]) {
        let Settings { schemas, include, exclude, .. } = &**self.settings;
        let mut rootless: BTreeMap<&TableName, Vec<String>> = BTreeMap::new();
        for Partition { name, root } in partitions {
            if !schemas.contains(&root.schema) && select::would_select(name, include, exclude) {
                rootless.entry(root).or_default().push(name.to_string());
            }
        }
        for (root, names) in rootless {
            let listed = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
            let more = match names.len().saturating_sub(LISTED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let text = format!(
                "not synced: {listed}{more}: of {root}, which is partitioned and whose schema is not \
                 selected (add {} to -schema)",
                root.schema.as_str()
            );
            self.note(NoteLevel::Warning, None, text);
        }
    }

    /// A limit for a table that does not exist guards nothing.
    pub(crate) fn remark_limits(&self, tables: &[Table]) {
        let names: Vec<(String, &str)> =
            tables.iter().map(|table| (table.name.to_string(), table.name.name.as_str())).collect();
        let known =
            |given: &&String| names.iter().any(|(full, name)| *given == full || *given == name);
        for given in self.settings.max_delete_by_table.keys().filter(|given| !known(given)) {
            let near = suggest::did_you_mean(given, names.iter().map(|(_, name)| *name));
            let text = format!(
                "maxDeleteByTable names \"{given}\", which is no table of the source{near}"
            );
            self.note(NoteLevel::Warning, None, text);
        }
    }
}
