//! Statements about `sync_log`. A batch's counters and watermark are set by a CTE of the statement
//! that writes the batch, so they commit with it or not at all.

use std::time::Duration;

use super::horizon::{Watermark, shown};
use super::trust::{is_superuser, is_trusted};
use crate::ident::TableName;
use crate::outcome::Counts;
use crate::sql::{Literal, Sql, sql};

/// What one transaction adds to a table's row in the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub processed: u64,
    pub bytes: u64,
    pub batches: u64,
    pub watermark: Option<Watermark>,
}

/// A new row of the log.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    pub run_id: &'a str,
    pub source: &'a str,
    pub table: &'a TableName,
    pub sync_type: Option<&'a str>,
    pub status: &'a str,
    pub fingerprint: Option<&'a str>,
    pub watermark: Option<Watermark>,
    pub counts: Counts,
    pub error: Option<&'a str>,
    /// Seconds since the table's work began, for a row that is written when it has ended.
    pub elapsed: Option<Duration>,
    /// The row that an earlier round of the run wrote, which becomes this one: a table has one row
    /// per run.
    pub earlier: Option<u64>,
}

impl Entry<'_> {
    fn end(&self) -> Sql {
        Sql::trusted(match self.elapsed {
            Some(_) => "pg_catalog.clock_timestamp()",
            None => "null::pg_catalog.timestamptz",
        })
    }

    fn moment(&self) -> Sql {
        match &self.watermark {
            Some(watermark) => watermark.sql(),
            None => Sql::trusted("null::pg_catalog.timestamptz"),
        }
    }

    /// One of the `values` of [`SyncLog::insert`].
    fn value(&self, rules: &mut Vec<Sql>) -> Sql {
        let Counts { processed, inserted, updated, deleted, batches, bytes } = self.counts;
        let elapsed = self.elapsed.map(|elapsed| sql!("{n}", n = elapsed.as_micros() as u64));
        let (rule, moment) = match &self.watermark {
            Some(watermark) => (sql!("{n}", n = place(watermark, rules)), watermark.moment.clone()),
            None => (
                Sql::trusted("null::pg_catalog.int4"),
                Sql::trusted("null::pg_catalog.timestamptz"),
            ),
        };
        sql!(
            "({schema}, {table}, {kind}, {status}, {elapsed}, {rule}, {moment}, {fingerprint}, {processed}, \
             {inserted}, {updated}, {deleted}, {batches}, {bytes}, {error})",
            schema = Literal(self.table.schema.as_str()),
            table = Literal(self.table.name.as_str()),
            kind = self.sync_type.map(Literal),
            status = Literal(self.status),
            elapsed = elapsed.unwrap_or_else(|| Sql::trusted("null::pg_catalog.int8")),
            rule = rule,
            moment = moment,
            fingerprint = self.fingerprint.map(Literal),
            processed = processed,
            inserted = inserted,
            updated = updated,
            deleted = deleted,
            batches = batches,
            bytes = bytes,
            error = self.error.map(Literal),
        )
    }
}

const COUNTS: &str =
    "l.rows_processed, l.rows_inserted, l.rows_updated, l.rows_deleted, l.batches, l.bytes";

/// The rows `l` about a table `w`. A planner that was told `=` twice would drop the names from [`LATEST_FIRST`], take
/// the primary key for that order, and read all rows of other tables that are later.
pub(super) const OF_TABLE: &str = "l.schema_name operator(pg_catalog.=) w.schema_name \
     and l.table_name operator(pg_catalog.>=) w.table_name \
     and l.table_name operator(pg_catalog.<=) w.table_name";

/// The table of `w`, if it is there: `to_regclass` would fail over a schema that the role may not use.
pub(super) const OID: &str = "(select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n \
     on n.oid operator(pg_catalog.=) c.relnamespace \
     where n.nspname operator(pg_catalog.=) w.schema_name::pg_catalog.name \
     and c.relname operator(pg_catalog.=) w.table_name::pg_catalog.name)";

/// The order of the index that the rows of a table are found by.
pub(super) const LATEST_FIRST: &str = "l.table_name desc, l.id desc";

/// A table that has failed, or was skipped, more often than this is compared when it can be.
const MOST_LOOKED_AT: u64 = 10_000;

/// The statements of one log table.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncLog {
    pub table: TableName,
}

impl SyncLog {
    /// Creates the table and its indexes.
    pub fn create(&self) -> Sql {
        let table = sql!("{log}", log = self.table);
        let table = Sql::filled(include_str!("sync_log.sql"), &[("log", &table)]);
        sql!("{table} {indexes}", table = table, indexes = self.indexes())
    }

    /// What is there under its name: see the file.
    pub fn exists_query(&self) -> Sql {
        let name = sql!("{name}", name = Literal(&self.table.quoted()));
        let trusted = is_trusted("c.relowner");
        let holes: &[(&str, &Sql)] =
            &[("name", &name), ("trusted", &trusted), ("superuser", &is_superuser())];
        Sql::filled(include_str!("log_look.sql"), holes)
    }

    /// The last row of each table: `schema, table, watermark (UTC), fingerprint, source`; and the watermark
    /// of the last success for that fingerprint; and the last fingerprint that any run wrote, but those that were refused
    /// or failed before they changed a row; and whether the latest row, of whatever kind, says that the table failed. Between the row and
    /// that success nothing else was done: whoever works under another fingerprint leaves no watermark.
    pub fn last_rows<'a>(&self, tables: impl Iterator<Item = &'a TableName>) -> Sql {
        sql!(
            "select w.schema_name, w.table_name, \
             pg_catalog.timezone('UTC', l.watermark)::pg_catalog.text, l.fingerprint, l.source, \
             pg_catalog.timezone('UTC', case when l.status operator(pg_catalog.=) 'success' then l.watermark else (\
             select l.watermark from {latest} l where l.status operator(pg_catalog.=) 'success' \
             and l.fingerprint operator(pg_catalog.=) m.fingerprint \
             and coalesce(l.sync_type operator(pg_catalog.<>) 'repair', true) \
             order by {order} limit 1) end)::pg_catalog.text, (\
             select l.fingerprint from {log} l where {of_table} and l.fingerprint is not null \
             and l.status operator(pg_catalog.<>) 'refused' \
             and (l.status operator(pg_catalog.<>) all (array['failed', 'interrupted']) \
             or l.rows_inserted operator(pg_catalog.+) l.rows_updated operator(pg_catalog.+) \
             l.rows_deleted operator(pg_catalog.>) 0) \
             and coalesce(l.sync_type operator(pg_catalog.<>) 'create', true) order by {order} limit 1), \
             l.status operator(pg_catalog.=) 'interrupted', (\
             select l.status operator(pg_catalog.=) any (array['failed', 'refused', 'skipped']) from {latest} l \
             order by {order} limit 1) from {names} cross join lateral (\
             select l.* from {latest} l where l.status operator(pg_catalog.<>) 'skipped' \
             and coalesce(l.sync_type operator(pg_catalog.<>) 'repair', true) order by {order} limit 1) l \
             cross join lateral (select l.fingerprint) m",
            latest = self.latest(),
            log = self.table,
            of_table = Sql::trusted(OF_TABLE),
            order = Sql::trusted(LATEST_FIRST),
            names = names(tables),
        )
    }

    /// The latest rows about the table that `w` names, so many that no run needs those before.
    pub(super) fn latest(&self) -> Sql {
        sql!(
            "(select l.* from {log} l where {of_table} order by {order} limit {most})",
            log = self.table,
            of_table = Sql::trusted(OF_TABLE),
            order = Sql::trusted(LATEST_FIRST),
            most = MOST_LOOKED_AT,
        )
    }

    /// What was ever written into each table, as one JSON array of `schema, name, written`. Counts are
    /// committed with the rows, so whoever sees the same counts sees the same rows.
    pub fn written(&self) -> Sql {
        sql!(
            "select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('schema', w.schema_name, \
             'name', w.table_name, 'written', w.written)), '[]')::pg_catalog.text from (\
             select l.schema_name, l.table_name, pg_catalog.concat_ws('/', pg_catalog.max(l.id), \
             pg_catalog.sum(l.rows_inserted operator(pg_catalog.+) l.rows_updated operator(pg_catalog.+) \
             l.rows_deleted)) as written from {log} l where l.rows_inserted operator(pg_catalog.>) 0 \
             or l.rows_updated operator(pg_catalog.>) 0 or l.rows_deleted operator(pg_catalog.>) 0 \
             group by l.schema_name, l.table_name) w",
            log = self.table,
        )
    }

    /// Closes rows of other runs: whoever holds the lock of a table knows that they are gone.
    pub fn close_stale<'a>(
        &self,
        run_id: &str,
        tables: impl Iterator<Item = &'a TableName>,
    ) -> Sql {
        sql!(
            "update {log} l set status = 'interrupted', end_time = pg_catalog.clock_timestamp(), \
             error_message = 'the run was killed or lost its connection' from {names} \
             where l.status operator(pg_catalog.=) 'running' \
             and l.run_id operator(pg_catalog.<>) {run} \
             and l.schema_name operator(pg_catalog.=) w.schema_name \
             and l.table_name operator(pg_catalog.=) w.table_name",
            log = self.table,
            run = Literal(run_id),
            names = names(tables),
        )
    }

    /// Whether there is a run, other than this one, of which no row tells that it was killed or is under way.
    pub fn has_ended_run(&self, run_id: &str) -> Sql {
        sql!(
            "select exists (select from {log} l where l.run_id operator(pg_catalog.<>) {run} \
             and coalesce(l.sync_type, '') operator(pg_catalog.<>) 'create' group by l.run_id \
             having pg_catalog.bool_and(l.status operator(pg_catalog.<>) all (array['running', 'interrupted'])))",
            log = self.table,
            run = Literal(run_id),
        )
    }

    /// What earlier rounds of a run wrote: `schema, table, id`, and counts as in [`SyncLog::committed`].
    pub fn of_run(&self, run_id: &str) -> Sql {
        sql!(
            "select l.schema_name, l.table_name, l.id, {counts} from {log} l \
             where l.run_id operator(pg_catalog.=) {run} \
             and coalesce(l.sync_type, '') operator(pg_catalog.<>) 'create' order by l.id",
            counts = Sql::trusted(COUNTS),
            log = self.table,
            run = Literal(run_id),
        )
    }

    /// Row `id` becomes the entry, and keeps its counts; gives `id, watermark`.
    pub fn take_up(&self, id: u64, entry: &Entry<'_>) -> Sql {
        sql!(
            "update {log} l set sync_type = {kind}, status = {status}, end_time = {end}, \
             watermark = {watermark}, fingerprint = {fingerprint}, error_message = {error} \
             where l.id operator(pg_catalog.=) {id} returning l.id, {shown}",
            log = self.table,
            kind = entry.sync_type.map(Literal),
            status = Literal(entry.status),
            end = entry.end(),
            watermark = entry.moment(),
            fingerprint = entry.fingerprint.map(Literal),
            error = entry.error.map(Literal),
            id = id,
            shown = shown(&Sql::trusted("l.watermark")),
        )
    }

    /// New rows of one run; gives `id, watermark` of each, in order. What is the same for many rows is said
    /// once: a server takes longer to read a statement like this than to write its rows.
    pub fn insert(&self, entries: &[Entry<'_>]) -> Sql {
        let mut rules: Vec<Sql> = Vec::new();
        let rows: Vec<Sql> = entries.iter().map(|entry| entry.value(&mut rules)).collect();
        let first = entries.first();
        let cases = rules.iter().enumerate();
        let cases = cases.map(|(n, rule)| {
            sql!("when w.rule operator(pg_catalog.=) {n} then {rule}", n = n, rule = rule)
        });
        // NULL where there is none.
        let watermark = match &rules[..] {
            [] => Sql::trusted("w.moment"),
            _ => sql!("case {cases} end", cases = Sql::join(cases, " ")),
        };
        sql!(
            "insert into {log} (run_id, source, schema_name, table_name, sync_type, status, start_time, \
             end_time, watermark, fingerprint, rows_processed, rows_inserted, rows_updated, \
             rows_deleted, batches, bytes, error_message) select {run}, {source}, w.schema_name, \
             w.table_name, w.sync_type, w.status, pg_catalog.clock_timestamp() operator(pg_catalog.-) \
             (coalesce(w.elapsed, 0) operator(pg_catalog.*) '1 microsecond'::pg_catalog.interval), \
             case when w.elapsed is not null then pg_catalog.clock_timestamp() end, {watermark}, \
             w.fingerprint, w.processed, w.inserted, w.updated, w.deleted, w.batches, w.bytes, w.error \
             from (values {rows}) w(schema_name, table_name, sync_type, status, elapsed, rule, moment, \
             fingerprint, processed, inserted, updated, deleted, batches, bytes, error) \
             returning id, {shown}",
            log = self.table,
            run = Literal(first.map_or("", |entry| entry.run_id)),
            source = Literal(first.map_or("", |entry| entry.source)),
            watermark = watermark,
            rows = Sql::join(rows, ", "),
            shown = shown(&Sql::trusted("watermark")),
        )
    }

    /// What row `id` says: `processed, inserted, updated, deleted, batches, bytes, watermark (UTC)`.
    /// Waits for a transaction that is still writing it.
    pub fn committed(&self, id: u64) -> Sql {
        sql!(
            "select {counts}, pg_catalog.timezone('UTC', l.watermark)::pg_catalog.text from {log} l \
             where l.id operator(pg_catalog.=) {id} for update",
            counts = Sql::trusted(COUNTS),
            log = self.table,
            id = id,
        )
    }

    /// Runs `writes` (CTEs of which `written` or `removed` count) and adds to row `id` in the same
    /// statement; gives `inserted, updated, deleted, keys`: the last is what the sum of the keys' hashes
    /// grew by, where that is tracked.
    pub fn counted(&self, id: u64, writes: &Sql, has: CteSet, progress: &Progress) -> Sql {
        let (written, removed) = match has {
            CteSet::Written => ("written", "(values (0, 0)) removed(deleted, keys)"),
            CteSet::Removed => ("(values (0, 0, 0)) written(inserted, updated, keys)", "removed"),
            CteSet::Both => ("written", "removed"),
        };
        sql!(
            "with {writes}, counts as (select inserted, updated, deleted, \
             written.keys operator(pg_catalog.-) removed.keys as keys from {written} cross join {removed}), \
             logged as (update {log} l set {progress}, rows_inserted = l.rows_inserted operator(pg_catalog.+) c.inserted, \
             rows_updated = l.rows_updated operator(pg_catalog.+) c.updated, \
             rows_deleted = l.rows_deleted operator(pg_catalog.+) c.deleted \
             from counts c where l.id operator(pg_catalog.=) {id}) \
             select inserted, updated, deleted, keys from counts",
            writes = writes,
            written = Sql::trusted(written),
            removed = Sql::trusted(removed),
            log = self.table,
            progress = progress.assignments(When::Batch),
            id = id,
        )
    }

    /// Adds to row `id` what a direct copy of `inserted` rows did.
    pub fn copied(&self, id: u64, inserted: u64, progress: &Progress) -> Sql {
        sql!(
            "update {log} l set {progress}, rows_inserted = l.rows_inserted operator(pg_catalog.+) {inserted} \
             where l.id operator(pg_catalog.=) {id}",
            log = self.table,
            progress = progress.assignments(When::Batch),
            inserted = inserted,
            id = id,
        )
    }

    /// Ends row `id`; gives its watermark as `2024-12-13T15:25:30.5Z`, and counts as [`SyncLog::committed`].
    /// Waits for a transaction that is still writing it.
    pub fn finish(&self, id: u64, status: &str, error: Option<&str>, progress: &Progress) -> Sql {
        sql!(
            "update {log} l set {progress}, status = {status}, error_message = {error}, \
             end_time = pg_catalog.clock_timestamp() where l.id operator(pg_catalog.=) {id} \
             returning {shown}, {counts}",
            log = self.table,
            counts = Sql::trusted(COUNTS),
            progress = progress.assignments(When::End),
            status = Literal(status),
            error = error.map(Literal),
            id = id,
            shown = shown(&Sql::trusted("l.watermark")),
        )
    }

    /// A table that was filled in this run has come to its place.
    pub fn placed(&self, run_id: &str, table: &TableName) -> Sql {
        sql!(
            "update {log} l set status = 'success', end_time = pg_catalog.clock_timestamp() \
             where l.run_id operator(pg_catalog.=) {run} and l.schema_name operator(pg_catalog.=) {schema} \
             and l.table_name operator(pg_catalog.=) {table} and l.status operator(pg_catalog.=) 'running'",
            log = self.table,
            run = Literal(run_id),
            schema = Literal(table.schema.as_str()),
            table = Literal(table.name.as_str()),
        )
    }

    /// Takes back the success of a table that was written in this run, or says why it failed.
    pub fn retract(&self, run_id: &str, table: &TableName, error: &str) -> Sql {
        sql!(
            "update {log} l set status = 'failed', error_message = {error} \
             where l.run_id operator(pg_catalog.=) {run} and l.schema_name operator(pg_catalog.=) {schema} \
             and l.table_name operator(pg_catalog.=) {table} \
             and l.status operator(pg_catalog.=) any (array['success', 'running', 'failed']) \
             and l.sync_type operator(pg_catalog.<>) 'create'",
            log = self.table,
            error = Literal(error),
            run = Literal(run_id),
            schema = Literal(table.schema.as_str()),
            table = Literal(table.name.as_str()),
        )
    }

    /// What was written in this run is no place to go on from: the next run compares.
    pub fn distrust(&self, run_id: &str, table: &TableName) -> Sql {
        sql!(
            "update {log} l set watermark = null where l.run_id operator(pg_catalog.=) {run} \
             and l.schema_name operator(pg_catalog.=) {schema} \
             and l.table_name operator(pg_catalog.=) {table}",
            log = self.table,
            run = Literal(run_id),
            schema = Literal(table.schema.as_str()),
            table = Literal(table.name.as_str()),
        )
    }

    /// Ends every row of a run that still says `running`.
    pub fn finish_run(&self, run_id: &str, status: &str) -> Sql {
        sql!(
            "update {log} l set status = {status}, end_time = pg_catalog.clock_timestamp() \
             where l.run_id operator(pg_catalog.=) {run} and l.status operator(pg_catalog.=) 'running'",
            log = self.table,
            status = Literal(status),
            run = Literal(run_id),
        )
    }
}

/// Which CTEs a write has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CteSet {
    Written,
    Removed,
    Both,
}

/// When a row of the log is written. Batches only move its watermark forward; at the end it is that of
/// the snapshot, which is further back where the latest rows have vanished.
#[derive(Clone, Copy)]
enum When {
    Batch,
    End,
}

impl Progress {
    fn assignments(&self, at: When) -> Sql {
        let watermark = match (&self.watermark, at) {
            (None, _) => Sql::trusted("l.watermark"),
            (Some(mark), When::Batch) => sql!("greatest(l.watermark, {mark})", mark = mark.sql()),
            (Some(mark), When::End) => sql!("coalesce({mark}, l.watermark)", mark = mark.sql()),
        };
        sql!(
            "rows_processed = l.rows_processed operator(pg_catalog.+) {processed}, \
             bytes = l.bytes operator(pg_catalog.+) {bytes}, \
             batches = l.batches operator(pg_catalog.+) {batches}, watermark = {watermark}",
            processed = self.processed,
            bytes = self.bytes,
            batches = self.batches,
            watermark = watermark,
        )
    }
}

/// Where the rule of a watermark stands among `rules`; it is added, if it is new.
fn place(watermark: &Watermark, rules: &mut Vec<Sql>) -> usize {
    let rule = watermark.of(&Sql::trusted("w.moment"));
    rules.iter().position(|known| *known == rule).unwrap_or_else(|| {
        rules.push(rule);
        rules.len() - 1
    })
}

/// A CTE `w` of the tables that a log knows, each once: a step for each along the index on (schema_name, table_name, id),
/// however long the log is.
pub(super) fn walk(log: &Sql) -> Sql {
    Sql::filled(include_str!("sync_log_walk.sql").trim_ascii_end(), &[("log", log)])
}

pub(super) fn names<'a>(tables: impl Iterator<Item = &'a TableName>) -> Sql {
    let tables: Vec<&TableName> = tables.collect();
    let schemas = tables.iter().map(|table| Literal(table.schema.as_str()));
    let names = tables.iter().map(|table| Literal(table.name.as_str()));
    sql!(
        "rows from (pg_catalog.unnest(array[{schemas}]::pg_catalog.text[]), \
         pg_catalog.unnest(array[{tables}]::pg_catalog.text[])) w(schema_name, table_name)",
        schemas = Sql::join(schemas, ", "),
        tables = Sql::join(names, ", "),
    )
}
