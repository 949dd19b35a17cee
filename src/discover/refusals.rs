//! What a run refuses before anything is written: ends that are not what they are taken for.

use std::collections::{HashMap, HashSet};

use super::{Ends, Sides};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::pg::catalog::Server;
use crate::table::Table;

/// Rows of a target that a run with nothing but empty source tables may not touch.
const WRONG_SOURCE: u64 = 1_000;

impl Ends<'_> {
    pub(super) fn refuse_same_database(&self, sides: &Sides) -> Result<()> {
        let same = sides.source.server.is_same_database(&sides.target.server);
        match same && !self.settings.force {
            true => Err(Error::Refused(format!(
                "source and target are the same database, {} (system {}): nothing was changed; name \
                 two different ones",
                sides.source.server.database, sides.source.server.system
            ))),
            false => Ok(()),
        }
    }

    /// A role or a database may be read-only on purpose: nothing is overruled in silence. A dry run
    /// makes temporary tables, which counts as writing.
    pub(super) fn require_writable(&self, server: &Server) -> Result<()> {
        let why = match (server.standby, server.read_only) {
            (true, _) => {
                "is a standby, which nobody can write: connect to its primary (of several hosts, \
                 target_session_attrs=read-write finds it)"
            }
            (_, true) => {
                "is read-only for this role (default_transaction_read_only): if it may be written, \
                 add options='-c default_transaction_read_only=off' to its connection string"
            }
            (false, false) => return Ok(()),
        };
        Err(Error::Table(format!("the target, {}, {why}", self.settings.target.describe())))
    }

    /// Only a schema that is synced is made for the log: in any other one the name is misspelt, and a
    /// log of its own would begin there.
    pub(super) fn require_log_schema(&self, server: &Server) -> Result<()> {
        let schema = &self.log.table.schema;
        match server.schemas.contains(schema) || self.settings.target_schemas().contains(schema) {
            true => Ok(()),
            false => {
                let problem = no_schema("-log-table (logTable)", schema, "target", server);
                Err(Error::Config(vec![problem]))
            }
        }
    }

    /// The selected tables that are empty on the target. Refuses a source in which all are empty
    /// while the target is not: somebody named the wrong database.
    pub(super) async fn empty(
        &self,
        selected: &[&Table],
        sides: &Sides,
    ) -> Result<HashSet<TableName>> {
        let there: HashMap<&TableName, &Table> =
            sides.target.tables.iter().map(|table| (&table.name, table)).collect();
        let name = |table: &&&Table| self.settings.target_name_of(&table.name);
        let targets: Vec<&Table> =
            selected.iter().filter_map(|table| there.get(&name(&table)).copied()).collect();
        let empty: HashSet<TableName> = self.target.empty(&targets).await?.into_iter().collect();
        let filled: Vec<&Table> =
            targets.into_iter().filter(|table| !empty.contains(&table.name)).collect();
        if filled.is_empty() || self.settings.force || !self.settings.deletes {
            return Ok(empty);
        }
        // A thousand looks take their time to plan, and the largest table most often has the answer.
        let largest = selected.iter().copied().max_by_key(|table| table.bytes);
        let largest: Vec<&Table> = largest.into_iter().collect();
        if self.source.any_row(&largest).await? || self.source.any_row(selected).await? {
            return Ok(empty);
        }
        match self.target.holds_more_than(&filled, WRONG_SOURCE).await? {
            true => Err(Error::Refused(format!(
                "every selected table of the source is empty, while the target holds more than \
                 {WRONG_SOURCE} rows, which would all be deleted: is {} the right source? If it is, \
                 use -force",
                self.settings.source.describe()
            ))),
            false => Ok(empty),
        }
    }
}

pub(super) fn require_schemas(schemas: &[Ident], server: &Server) -> Result<()> {
    let missing: Vec<&Ident> =
        schemas.iter().filter(|schema| !server.schemas.contains(schema)).collect();
    let problems =
        missing.iter().map(|schema| no_schema("-schema (schema)", schema, "source", server));
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Error::Config(problems.collect())),
    }
}

fn no_schema(setting: &str, schema: &Ident, side: &str, server: &Server) -> String {
    let there: Vec<&str> = server.schemas.iter().map(Ident::as_str).collect();
    format!(
        "{setting}: the {side} has no schema \"{}\"; it has {}",
        schema.as_str(),
        there.join(", ")
    )
}
