//! The run's place on the target: the locks of its tables, and the log.

use std::collections::HashMap;

use crate::config::Ddl;
use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result, denied};
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::plan::LastRun;
use crate::sql::sql;
use crate::sync_log::store;

impl RunContext<'_> {
    pub(crate) async fn lock(&self, names: &[&TableName]) -> Result<()> {
        if self.settings.dry_run {
            return Ok(());
        }
        self.target.end_leftovers().await?;
        match self.target.lock(names).await? {
            None => Ok(()),
            Some(holder) => Err(Error::Locked(format!(
                "another run, or a verification, is working on {}: {}",
                holder.table, holder.description
            ))),
        }
    }

    /// Whether a real run finds its log.
    pub(crate) async fn sync_log_exists(&self) -> Result<bool> {
        if self.settings.dry_run {
            Ok(false)
        } else {
            store::exists(self.target, &self.sync_log).await
        }
    }

    /// In a real run the log is made if it is not there, and rows of dead runs are closed. A dry run gives what the run
    /// would say, if the role may not do with the log what a run does.
    pub(crate) async fn open_log(
        &self,
        catalogs: &Catalogs,
        names: &[&TableName],
        is_there: bool,
    ) -> Result<Option<Error>> {
        if self.settings.foretells() {
            return self.log_denied(catalogs).await;
        }
        if self.settings.dry_run {
            return Ok(None);
        }
        if is_there {
            // Else each table would fail that has something to write.
            let (hindered, may_write) = tokio::join!(
                store::tidy(self.target, &self.sync_log, self.run_id, names),
                store::try_to_write(self.target, &self.sync_log),
            );
            let hindered = hindered?;
            may_write?;
            if let Some(why) = hindered {
                let text =
                    format!("{} stays without some of its indexes: {why}", self.sync_log.table);
                self.note(NoteLevel::Detail, None, text);
            }
            return Ok(None);
        }
        let schema = &self.sync_log.table.schema;
        if self.settings.ddl != Ddl::None && !catalogs.target.server.schemas.contains(schema) {
            let create = sql!("create schema if not exists {schema}", schema = schema);
            self.target.on_control_session(store::CREATING_SCHEMA, &create).await?;
            let text = format!("created on the target: schema {}, for sync_log", schema.typed());
            self.note(NoteLevel::Notice, None, text);
        }
        store::create(self.target, &self.sync_log).await?;
        // Another run, or somebody else, may have been faster.
        store::exists(self.target, &self.sync_log).await.map(|_| None)
    }

    /// What a run would say of its log, if the role may not do with it what a run does.
    pub(crate) async fn log_denied(&self, catalogs: &Catalogs) -> Result<Option<Error>> {
        denied(self.try_log(catalogs).await)
    }

    /// Whether the role may do with the log what a run does: tried, and nothing stays of it.
    ///
    /// # Errors
    /// The target's, as a run says it.
    async fn try_log(&self, catalogs: &Catalogs) -> Result<()> {
        if store::exists(self.target, &self.sync_log).await? {
            return store::try_to_use(self.target, &self.sync_log).await;
        }
        let schema = &self.sync_log.table.schema;
        let is_missing = !catalogs.target.server.schemas.contains(schema);
        let made = Some(schema).filter(|_| is_missing && self.settings.ddl != Ddl::None);
        store::try_to_create(self.target, &self.sync_log, made).await
    }

    /// What logs say last of each table, and, where the source has a mark, of its rows.
    pub(crate) async fn last_runs(
        &self,
        names: &[&TableName],
        catalogs: &Catalogs,
    ) -> Result<HashMap<TableName, LastRun>> {
        let mut last = self.own_last_runs(names, catalogs.source.mark.is_some()).await?;
        self.add_other_logs(&mut last, names, &catalogs.target).await?;
        Ok(last)
    }

    async fn own_last_runs(
        &self,
        names: &[&TableName],
        is_marked: bool,
    ) -> Result<HashMap<TableName, LastRun>> {
        if self.settings.dry_run && !store::exists(self.target, &self.sync_log).await? {
            return Ok(HashMap::new());
        }
        let mut last = store::last_runs(self.target, &self.sync_log, names).await?;
        if is_marked {
            let mut kept = store::source_rows(self.target, &self.sync_log, names).await?;
            for (name, run) in &mut last {
                run.rows = kept.remove(name);
            }
        }
        Ok(last)
    }
}
