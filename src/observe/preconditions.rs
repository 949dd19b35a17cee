//! What a run refuses before anything is written: ends that are not what they are taken for.

use std::collections::{HashMap, HashSet};

use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::observe::looks_like_log;
use crate::pg::catalog::Server;
use crate::plan::LastRun;
use crate::plan::shown::ShownTable;
use crate::rules::Mode;
use crate::source::ReadTable;
use crate::table::Table;

/// Rows of a target that a run with nothing but empty source tables may not touch, when its tables
/// have been filled from this source before.
const WRONG_SOURCE: u64 = 1_000;

/// Bytes of a table whose comparison takes no longer than a few questions.
const SMALL: u64 = 1024 * 1024;

impl RunContext<'_> {
    /// A role or a database may be read-only on purpose: nothing is overruled in silence. A dry run
    /// makes temporary tables, which counts as writing.
    pub(crate) fn require_writable(&self, server: &Server) -> Result<()> {
        let why = match (server.standby, server.read_only) {
            (true, _) => {
                "is a standby, which nobody can write: connect to its primary (of several hosts, \
                 target_session_attrs=read-write finds it)"
            }
            (_, true) => {
                "is read-only for this role (default_transaction_read_only): if it may be written, \
                 add options='-c default_transaction_read_only=off' to its connection string (in a URL \
                 ?options=-c%20default_transaction_read_only%3Doff)"
            }
            (false, false) => return Ok(()),
        };
        Err(Error::Blocked(format!("the target, {}, {why}", self.settings.target.describe())))
    }

    /// Only a schema that is synced is made for the log: in any other one the name is misspelt, and a
    /// log of its own would begin there.
    pub(crate) fn require_log_schema(&self, server: &Server) -> Result<()> {
        let schema = &self.sync_log.table.schema;
        if server.schemas.contains(schema) || self.settings.target_schemas().contains(schema) {
            Ok(())
        } else {
            let problem = no_schema("-log-table (logTable)", schema, "target", server);
            let (schema, role) = (schema.typed(), server.role.typed());
            let create = format!("run on the target: create schema {schema} authorization {role}");
            Err(Error::Config(vec![format!("{problem}; if the name is right, {create}")]))
        }
    }

    /// The selected tables that have no page on the target, and so no row. Refuses a source in which all are
    /// empty while the target is not: somebody named the wrong database.
    pub(crate) async fn without_pages(
        &self,
        shown: &[ShownTable<'_>],
        catalogs: &Catalogs,
    ) -> Result<HashSet<TableName>> {
        let selected: Vec<&Table> = shown.iter().map(|shown| &*shown.table).collect();
        let there = by_name(&catalogs.target.tables);
        let name = |table: &&&Table| self.settings.target_name_of(&table.name);
        let targets: Vec<&Table> =
            selected.iter().filter_map(|table| there.get(&name(&table)).copied()).collect();
        let empty: HashSet<TableName> =
            self.target.without_pages(&targets).await?.into_iter().collect();
        let filled: Vec<&Table> =
            targets.into_iter().filter(|table| !empty.contains(&table.name)).collect();
        if filled.is_empty() || self.settings.force || !self.settings.deletes {
            return Ok(empty);
        }
        // A thousand looks take their time to plan, and the largest table most often has the answer.
        let mut largest_first: Vec<&ShownTable<'_>> = shown.iter().collect();
        largest_first.sort_by_key(|shown| std::cmp::Reverse(shown.table.bytes));
        let reads: Vec<ReadTable<'_>> = largest_first
            .iter()
            .map(|shown| ReadTable { relation: shown.relation(), storage: &shown.table.storage })
            .collect();
        let largest = &reads[..reads.len().min(1)];
        if self.source.any_row(largest).await? || self.source.any_row(&reads).await? {
            return Ok(empty);
        }
        let names: Vec<TableName> = filled.iter().map(|table| table.name.clone()).collect();
        let known = self.filled_from(&catalogs.source.server, &names).await?;
        let (limit, held) = match known.tables {
            0 => (0, "rows of another origin".to_owned()),
            _ => (WRONG_SOURCE, format!("more than {WRONG_SOURCE} rows")),
        };
        if !self.target.holds_more_than(&filled, limit).await? {
            return Ok(empty);
        }
        Err(Error::Refused(format!(
            "every selected table of the source is empty, while the target holds {held}, which would \
             all be deleted: is {} the right source, or are source and target swapped? If it is right, \
             use -force",
            self.settings.source.describe()
        )))
    }

    /// Adds the tables that have pages and no row all the same. Of small ones that the last run of this source
    /// left in sync it is not asked: whether they are copied or compared matters less than the question.
    pub(crate) async fn add_without_rows(
        &self,
        empty: &mut HashSet<TableName>,
        shown: &[ShownTable<'_>],
        catalogs: &Catalogs,
        last: &HashMap<TableName, LastRun>,
    ) -> Result<()> {
        let there = by_name(&catalogs.target.tables);
        let server = &catalogs.source.server;
        let is_left = |shown: &ShownTable<'_>, name: &TableName| {
            let last = last.get(name).filter(|last| self.other_source(server, last).is_none());
            let is_plain = shown.rules.mode == Mode::Mirror && shown.rules.strategy.is_none();
            is_plain
                && shown.table.bytes <= SMALL
                && last.is_some_and(|last| last.settled.is_some())
        };
        let asked = shown.iter().filter_map(|shown| {
            let name = self.settings.target_name_of(&shown.table.name);
            let is_open = !empty.contains(&name) && !is_left(shown, &name);
            there.get(&name).copied().filter(|_| is_open)
        });
        let asked: Vec<&Table> = asked.collect();
        empty.extend(self.target.empty(&asked).await?);
        Ok(())
    }

    /// Refuses a source without a single table while the target has tables with rows.
    pub(crate) async fn refuse_no_tables(&self, tables: &[Table], there: &[Table]) -> Result<()> {
        let is_log = |table: &&Table| table.name == self.sync_log.table || looks_like_log(table);
        if self.settings.force || tables.iter().any(|table| !is_log(&table)) {
            return Ok(());
        }
        let there: Vec<&Table> = there.iter().filter(|table| !is_log(table)).collect();
        if there.is_empty() || !self.target.holds_more_than(&there, 0).await? {
            return Ok(());
        }
        Err(Error::Refused(format!(
            "the source has no table to sync, while the target has {} and rows in them: is {} the right \
             source, or are source and target swapped? Nothing was changed",
            there.len(),
            self.settings.source.describe()
        )))
    }
}

pub(crate) fn require_schemas(schemas: &[Ident], server: &Server) -> Result<()> {
    let missing: Vec<&Ident> =
        schemas.iter().filter(|schema| !server.schemas.contains(schema)).collect();
    let problems =
        missing.iter().map(|schema| no_schema("-schema (schema)", schema, "source", server));
    if missing.is_empty() { Ok(()) } else { Err(Error::Config(problems.collect())) }
}

fn no_schema(setting: &str, schema: &Ident, side: &str, server: &Server) -> String {
    let name = schema.as_str();
    if name.starts_with("pg_") || name == "information_schema" {
        return format!("{setting}: the schema \"{name}\" belongs to the server: name another");
    }
    let there: Vec<&str> = server.schemas.iter().map(Ident::as_str).collect();
    let quotes = if name.contains('"') { "; names stand without SQL's quotes here" } else { "" };
    format!("{setting}: the {side} has no schema \"{name}\"; it has {}{quotes}", there.join(", "))
}

fn by_name(tables: &[Table]) -> HashMap<&TableName, &Table> {
    tables.iter().map(|table| (&table.name, table)).collect()
}
