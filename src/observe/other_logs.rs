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
        let logs = self.target.control.all_logs().await?;
        for log in logs.into_iter().filter(|log| log.name != self.sync_log.table) {
            if !log.is_readable {
                self.note_hidden_log(&log.name, &target.server.role);
                continue;
            }
            let log = SyncLog { table: log.name };
            let found = match store::exists(self.target, &log).await {
                Ok(true) => store::last_runs(self.target, &log, &unknown).await?,
                // What somebody else has made to look like a log counts for nothing.
                Ok(false) | Err(Error::Blocked(_)) => continue,
                Err(error) => return Err(error),
            };
            self.note_other_log(&log, &found);
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

    fn note_other_log(&self, log: &SyncLog, found: &HashMap<TableName, LastRun>) {
        let count = match found.len() {
            0 => return,
            1 => "1 selected table".to_owned(),
            count => format!("{count} selected tables"),
        };
        let text = format!(
            "{} knows {count} of earlier runs, and {} does not: every row of these tables is compared, and pgsync does not know \
             which of them it has created; to go on with that log, use -log-table {}",
            log.table,
            self.sync_log.table,
            log.table.typed()
        );
        self.note(NoteLevel::Warning, None, text);
    }
}
