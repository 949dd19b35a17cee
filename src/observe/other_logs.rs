//! Logs on the target that other runs keep: where the log of this run does not know a table, they may know which
//! of its columns were masked.

use std::collections::HashMap;

use crate::context::RunContext;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::note::NoteLevel;
use crate::plan::LastRun;
use crate::sql::sync_log::SyncLog;
use crate::sync_log::store;
use crate::target_side::TargetState;

impl RunContext<'_> {
    /// Adds to `last` what other logs say of the tables of the target that it does not know. Of all that they
    /// know, only the memory of masks counts: how far their runs got holds for what they select.
    ///
    /// # Errors
    /// The target's.
    pub(crate) async fn add_other_logs(
        &self,
        last: &mut HashMap<TableName, LastRun>,
        names: &[&TableName],
        target: &TargetState,
    ) -> Result<()> {
        // A run that was refused knows no more than before.
        let is_known =
            |name: &TableName| last.get(name).is_some_and(|run| run.written_as.is_some());
        let is_there = |name: &TableName| target.tables.iter().any(|table| table.name == *name);
        let unknown = names.iter().filter(|name| !is_known(name) && is_there(name));
        let unknown: Vec<&TableName> = unknown.copied().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let known = names.iter().filter(|name| is_known(name)).count();
        let logs = self.target.control.all_logs().await?;
        for log in logs.into_iter().filter(|log| log.name != self.sync_log.table) {
            if !log.is_readable {
                self.note_hidden_log(&log.name, &target.server.role);
                continue;
            }
            let log = SyncLog { table: log.name };
            let found = match store::exists(self.target, &log).await {
                Ok(true) => store::last_runs(self.target, &log, names).await?,
                // What somebody else has made to look like a log counts for nothing.
                Ok(false) | Err(Error::Blocked(_)) => continue,
                Err(error) => return Err(error),
            };
            let (all, mut found) = (found.len(), found);
            found.retain(|name, _| unknown.contains(&name));
            self.note_other_log(&log, &found, all > known);
            for (name, run) in found {
                let known = &mut last.entry(name).or_default().written_as;
                *known = known.take().or(run.written_as);
            }
        }
        Ok(())
    }

    /// There may be rows that must stay masked.
    fn note_hidden_log(&self, log: &TableName, role: &Ident) {
        let text = format!(
            "{log} may be the log of other runs into these tables, and this role may not read it: whether they have \
             masked columns is not known; to find out, run on the target: grant usage on schema {} to {role}; grant \
             select on table {} to {role}",
            log.schema.typed(),
            log.typed(),
            role = role.typed(),
        );
        self.note(NoteLevel::Warning, None, text);
    }

    /// What another log knows of tables that this one does not. To go on with that log only makes sense if it knows more.
    fn note_other_log(&self, log: &SyncLog, found: &HashMap<TableName, LastRun>, has_more: bool) {
        let (own, other) = (&self.sync_log.table, &log.table);
        let (level, text) = match (found.len(), has_more) {
            (0, _) => return,
            (count, true) => {
                let tables = if count == 1 {
                    "1 selected table".to_owned()
                } else {
                    format!("{count} selected tables")
                };
                let text = format!(
                    "{other} knows {tables} of earlier runs, and {own} does not: every row of these tables is compared, and \
                     pgsync does not know which of them it has created; to go on with that log, use -log-table {}",
                    other.typed()
                );
                (NoteLevel::Warning, text)
            }
            (count, false) => {
                let first = found.keys().min().map(TableName::to_string).unwrap_or_default();
                let (its, it) = if count == 1 { ("its", "it") } else { ("their", "them") };
                let tables = match count - 1 {
                    0 => first,
                    1 => format!("{first} and 1 more table"),
                    more => format!("{first} and {more} more tables"),
                };
                let text = format!(
                    "{other} knows {tables} of earlier runs, and {own} does not: this run compares all {its} rows, and from \
                     then on {own} knows {it}, too",
                );
                (NoteLevel::Notice, text)
            }
        };
        self.note(level, None, text);
    }
}
