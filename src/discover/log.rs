//! The run's place on the target: the locks of its tables, and the log.

use std::collections::HashMap;

use super::{Ends, Sides};
use crate::config::Ddl;
use crate::error::{Error, Result};
use crate::event::NoteLevel;
use crate::ident::TableName;
use crate::plan::LastRun;
use crate::sql::sql;
use crate::target::sync_log;

impl Ends<'_> {
    pub(super) async fn lock(&self, names: &[&TableName]) -> Result<()> {
        if self.settings.dry_run {
            return Ok(());
        }
        self.target.end_leftovers().await?;
        match self.target.lock(names).await? {
            None => Ok(()),
            Some(holder) => Err(Error::Locked(format!(
                "another run is working on {}: {}",
                holder.table, holder.description
            ))),
        }
    }

    /// In a real run the log is made if it is missing, and rows of dead runs are closed.
    pub(super) async fn open_log(&self, sides: &Sides, names: &[&TableName]) -> Result<()> {
        if self.settings.dry_run {
            return Ok(());
        }
        if sync_log::exists(self.target, self.log).await? {
            let hindered = sync_log::tidy(self.target, self.log, self.run_id, names).await?;
            if let Some(why) = hindered {
                let text = format!("{} stays without some of its indexes: {why}", self.log.table);
                self.note(NoteLevel::Detail, None, text);
            }
            return Ok(());
        }
        let schema = &self.log.table.schema;
        if self.settings.ddl != Ddl::None && !sides.target.server.schemas.contains(schema) {
            let create = sql!("create schema if not exists {schema}", schema = schema);
            self.target.on_keeper("making the schema of sync_log", &create).await?;
        }
        sync_log::create(self.target, self.log).await
    }

    pub(super) async fn last_runs(
        &self,
        names: &[&TableName],
    ) -> Result<HashMap<TableName, LastRun>> {
        match self.settings.dry_run && !sync_log::exists(self.target, self.log).await? {
            true => Ok(HashMap::new()),
            false => sync_log::last_runs(self.target, self.log, names).await,
        }
    }
}
