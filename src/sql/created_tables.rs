//! What `sync_log` knows of the tables that pgsync made: only their indexes and constraints are its
//! matter.

use super::sync_log::{OID, SyncLog, names, walk};
use super::sync_log_rows::kept_rows;
use crate::ident::TableName;
use crate::recall::Kept;
use crate::sql::{Literal, Sql, sql};

/// What tells a table of `w` from another that has its name later.
fn oid() -> Sql {
    sql!("{oid}::pg_catalog.text", oid = Sql::trusted(OID))
}

impl SyncLog {
    /// A row per table that says that this program made it; its `oid` names the very table.
    pub fn created_tables<'a>(
        &self,
        run_id: &str,
        source: &str,
        tables: impl Iterator<Item = &'a TableName>,
    ) -> Sql {
        sql!(
            "insert into {log} (run_id, source, schema_name, table_name, sync_type, status, start_time, \
             end_time, fingerprint) select {run}, {source}, w.schema_name, w.table_name, 'create', \
             'success', pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp(), {oid} from {names}",
            log = self.table,
            run = Literal(run_id),
            source = Literal(source),
            oid = oid(),
            names = names(tables),
        )
    }

    /// Those of the tables that are the very ones that this program made: `schema, table, definitions`.
    pub fn made_tables<'a>(&self, tables: impl Iterator<Item = &'a TableName>) -> Sql {
        sql!(
            "select w.schema_name, w.table_name, c.definitions from {names} cross join lateral (\
             select pg_catalog.to_json(l) operator(pg_catalog.->>) 'definitions' as definitions from {log} l \
             where l.schema_name operator(pg_catalog.=) w.schema_name \
             and l.table_name operator(pg_catalog.=) w.table_name \
             and l.sync_type operator(pg_catalog.=) 'create' and l.fingerprint operator(pg_catalog.=) {oid} \
             order by l.id limit 1) c",
            names = names(tables),
            log = self.table,
            oid = oid(),
        )
    }

    /// Those of the tables that this program made under a name that the target has no more: `schema, table`. See the file.
    pub fn renamed_tables<'a>(&self, tables: impl Iterator<Item = &'a TableName>) -> Sql {
        let log = sql!("{log}", log = self.table);
        let (tables, oid) = (names(tables), oid());
        let holes: &[(&str, &Sql)] =
            &[("log", &log), ("walk", &walk(&log)), ("tables", &tables), ("oid", &oid)];
        Sql::filled(include_str!("sync_log_renamed.sql"), holes)
    }

    /// Whether it says of any table that this program made it, or failed over something that it was to make.
    pub fn has_tried_to_create(&self) -> Sql {
        sql!(
            "select exists (select from {log} l where l.sync_type operator(pg_catalog.=) 'create' \
             or (l.status operator(pg_catalog.=) 'failed' \
             and pg_catalog.strpos(l.error_message, ' while creating ') operator(pg_catalog.>) 0))",
            log = self.table,
        )
    }

    /// Whether the log has the column of definitions.
    pub fn has_definitions(&self) -> Sql {
        sql!(
            "select exists (select from pg_catalog.pg_attribute a \
             where a.attrelid operator(pg_catalog.=) pg_catalog.to_regclass({name}) and not a.attisdropped \
             and a.attname operator(pg_catalog.=) 'definitions')",
            name = Literal(&self.table.quoted()),
        )
    }

    /// Gives it to the log of an older version, if nobody uses that for long.
    pub fn add_definitions(&self) -> Sql {
        sql!(
            "select pg_catalog.set_config('lock_timeout', '1s', true); \
             alter table {log} add column if not exists definitions pg_catalog.text",
            log = self.table,
        )
    }

    /// What is remembered of the source's parts of tables that this program made: `schema, table, source_parts`.
    pub fn source_parts<'a>(&self, tables: impl Iterator<Item = &'a TableName>) -> Sql {
        sql!(
            "select w.schema_name, w.table_name, c.parts from {names} cross join lateral (\
             select pg_catalog.to_json(l) operator(pg_catalog.->>) 'source_parts' as parts from {log} l \
             where l.schema_name operator(pg_catalog.=) w.schema_name \
             and l.table_name operator(pg_catalog.=) w.table_name \
             and l.sync_type operator(pg_catalog.=) 'create' and l.fingerprint operator(pg_catalog.=) {oid} \
             order by l.id limit 1) c",
            names = names(tables),
            log = self.table,
            oid = oid(),
        )
    }

    /// Gives the log of an older version its column for what the source has of each table.
    pub fn add_source_parts(&self) -> Sql {
        sql!(
            "select pg_catalog.set_config('lock_timeout', '1s', true); \
             alter table {log} add column if not exists source_parts pg_catalog.text",
            log = self.table,
        )
    }

    /// Writes that of the tables that this program made.
    pub fn write_source_parts(&self, kept: &[Kept]) -> Sql {
        sql!(
            "update {log} l set source_parts = w.kept from (values {rows}) w (schema_name, table_name, kept) \
             where l.schema_name operator(pg_catalog.=) w.schema_name \
             and l.table_name operator(pg_catalog.=) w.table_name \
             and l.sync_type operator(pg_catalog.=) 'create' and l.fingerprint operator(pg_catalog.=) {oid}",
            log = self.table,
            rows = kept_rows(kept),
            oid = oid(),
        )
    }

    /// Writes what both sides were, in digest, when the definitions of these tables were equal.
    pub fn write_definitions<'a>(
        &self,
        tables: impl Iterator<Item = &'a TableName>,
        digest: &str,
    ) -> Sql {
        sql!(
            "update {log} l set definitions = {digest} from {names} \
             where l.schema_name operator(pg_catalog.=) w.schema_name \
             and l.table_name operator(pg_catalog.=) w.table_name \
             and l.sync_type operator(pg_catalog.=) 'create' and l.fingerprint operator(pg_catalog.=) {oid} \
             and l.definitions is distinct from {digest}",
            log = self.table,
            digest = Literal(digest),
            names = names(tables),
            oid = oid(),
        )
    }
}
