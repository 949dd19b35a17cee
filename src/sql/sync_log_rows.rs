//! What `sync_log` keeps of the rows of a source that can tell whether somebody has written to it.

use super::sync_log::{SyncLog, names};
use crate::ident::TableName;
use crate::recall::Kept;
use crate::sql::{Literal, Sql, sql};

impl SyncLog {
    /// What the last row of each table keeps: `schema, table, text`. A log of an older version has no such column.
    pub fn source_rows<'a>(&self, tables: impl Iterator<Item = &'a TableName>) -> Sql {
        sql!(
            "select w.schema_name, w.table_name, k.kept from {names} cross join lateral (\
             select pg_catalog.to_jsonb(l) operator(pg_catalog.->>) 'source_rows' as kept from {log} l \
             where l.schema_name operator(pg_catalog.=) w.schema_name \
             and l.table_name operator(pg_catalog.=) w.table_name \
             and coalesce(l.sync_type, '') operator(pg_catalog.<>) 'create' \
             order by l.id desc limit 1) k where k.kept is not null",
            names = names(tables),
            log = self.table,
        )
    }

    /// Gives the column to the log of an older version.
    pub fn add_source_rows(&self) -> Sql {
        sql!(
            "alter table {log} add column if not exists source_rows pg_catalog.text",
            log = self.table
        )
    }

    /// Keeps texts in the rows of a run.
    pub fn keep_source_rows(&self, run_id: &str, kept: &[Kept]) -> Sql {
        sql!(
            "update {log} l set source_rows = k.kept from (values {rows}) k (schema_name, table_name, kept) \
             where l.run_id operator(pg_catalog.=) {run} \
             and l.schema_name operator(pg_catalog.=) k.schema_name \
             and l.table_name operator(pg_catalog.=) k.table_name \
             and coalesce(l.sync_type, '') operator(pg_catalog.<>) 'create'",
            log = self.table,
            rows = kept_rows(kept),
            run = Literal(run_id),
        )
    }
}

/// The rows of `values` of what is kept: the names of the table, and the text.
pub(super) fn kept_rows(kept: &[Kept]) -> Sql {
    let rows = kept.iter().map(|Kept { table, text }| {
        sql!(
            "({schema}::pg_catalog.text, {table}::pg_catalog.text, {text}::pg_catalog.text)",
            schema = Literal(table.schema.as_str()),
            table = Literal(table.name.as_str()),
            text = Literal(text),
        )
    });
    Sql::join(rows, ", ")
}
