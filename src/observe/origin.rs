//! Where rows went in earlier runs, as the logs on both sides tell it: a run in the other direction,
//! or from another source, most often has its connection strings mixed up.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::pg::catalog::Server;
use crate::plan::LastRun;
use crate::source::Filled;
use crate::sync_log::store;
use crate::table::Table;

impl RunContext<'_> {
    /// A copy of a data directory has the identifiers of its original, so a lock that is taken on the
    /// target tells: in the same database the source sees it. A standby does not see its primary's
    /// locks.
    pub(crate) async fn refuse_same_database(&self, catalogs: &Catalogs) -> Result<()> {
        let (source, target) = (&catalogs.source.server, &catalogs.target.server);
        if self.settings.force {
            return Ok(());
        }
        if source.follows(target) && source.may_be(target) {
            return Err(Error::Refused(format!(
                "the source is a standby of the target (database {}, system {}): nothing was changed; \
                 name two different databases (-force, if it follows a copy of the target)",
                source.database, source.system
            )));
        }
        if !source.may_be(target) || !self.sees_itself().await? {
            return Ok(());
        }
        Err(Error::Refused(format!(
            "source and target are the same database, {} (system {}): nothing was changed; name two \
             different ones",
            source.database, source.system
        )))
    }

    /// Whether a lock of the target's session is seen by the source's.
    async fn sees_itself(&self) -> Result<bool> {
        let key = self.target.lock_secret().await?;
        let seen = self.source.sees_lock(&key).await?;
        self.target.unlock_secret(&key).await?;
        Ok(seen)
    }

    /// Refuses ends that are swapped, and then a target that lacks the log's schema: the advice to create that would be
    /// about the wrong database.
    pub(crate) async fn require_right_ends(
        &self,
        catalogs: &Catalogs,
        selected: &[&Table],
    ) -> Result<()> {
        self.refuse_swapped(catalogs, selected).await?;
        self.require_log_schema(&catalogs.target.server)
    }

    /// Refuses a source whose selected tables were filled from this target: what was written to the
    /// target since then would be lost. Where a later run went in today's direction, that was meant.
    async fn refuse_swapped(&self, catalogs: &Catalogs, selected: &[&Table]) -> Result<()> {
        if self.settings.force {
            return Ok(());
        }
        let target = catalogs.target.server.identity();
        for table in &catalogs.source.logs {
            let names = selected.iter().map(|table| &table.name);
            let filled = self.source.filled_from(table, names, &target).await?;
            let latest = filled.latest.as_deref();
            if filled.tables == 0 || self.filled_since(catalogs, selected, latest).await? {
                continue;
            }
            return Err(Error::Refused(format!(
                "{} of the selected tables were last filled from this target ({}), says {table} \
                 on the source: are source and target swapped? Nothing was changed; if rows are to go \
                 this way from now on, use -force once",
                filled.tables,
                filled.from.unwrap_or_default(),
            )));
        }
        Ok(())
    }

    /// Whether the target was filled from this source after `moment` (UTC).
    async fn filled_since(
        &self,
        catalogs: &Catalogs,
        selected: &[&Table],
        moment: Option<&str>,
    ) -> Result<bool> {
        let names: Vec<TableName> = self.target_names(selected);
        let filled = self.filled_from(&catalogs.source.server, &names).await?;
        Ok(filled.latest.as_deref() > moment)
    }

    /// How many of the tables, by the target's names, were last filled from `source`, and when.
    pub(crate) async fn filled_from(&self, source: &Server, names: &[TableName]) -> Result<Filled> {
        if !store::exists(self.target, &self.sync_log).await? {
            return Ok(Filled::default());
        }
        let statement = self.sync_log.filled_from(names.iter(), &source.identity());
        let rows = self.target.on_control_session("reading sync_log", &statement).await?;
        rows.iter().flatten().next().map_or(Ok(Filled::default()), Filled::of)
    }

    pub(crate) fn target_names(&self, selected: &[&Table]) -> Vec<TableName> {
        selected.iter().map(|table| self.settings.target_name_of(&table.name)).collect()
    }

    /// Names both sources where tables with rows were last filled from another one.
    pub(crate) fn remark_other_source(
        &self,
        source: &Server,
        last: &HashMap<TableName, LastRun>,
        empty: &HashSet<TableName>,
    ) {
        let mut others: BTreeMap<&str, usize> = BTreeMap::new();
        let filled = last.iter().filter(|(name, _)| !empty.contains(*name));
        for name in filled.filter_map(|(_, last)| self.other_source(source, last)) {
            *others.entry(name).or_default() += 1;
        }
        for (other, tables) in others {
            let tables =
                if tables == 1 { "1 table".to_owned() } else { format!("{tables} tables") };
            let now = if other == self.source_name {
                format!(
                    "another database of the name {other} (was it created again, or restored from a backup?)"
                )
            } else {
                format!(
                    "{other}: now the source is {} (database {}, system {})",
                    self.source_name, source.database, source.system
                )
            };
            let text = format!(
                "{tables} with rows had another source in the last run, {now}; rows that it does not have are removed"
            );
            self.note(NoteLevel::Warning, None, text);
        }
    }

    /// What the last source of a table was called, if it was another database. Where system identifiers
    /// are not known, names have to do.
    pub(super) fn other_source<'l>(&self, source: &Server, last: &'l LastRun) -> Option<&'l str> {
        let (fingerprint, name) = (last.fingerprint.as_deref()?, last.source.as_deref()?);
        // A row that says who made the table names no source.
        let (system, _) = fingerprint.split_once('/')?;
        let known = source.is_lasting() && system.bytes().all(|byte| byte.is_ascii_digit());
        let own = format!("{}{}/", source.identity(), source.database);
        let is_other =
            if known { !fingerprint.starts_with(&own) } else { name != self.source_name };
        is_other.then_some(name)
    }
}
