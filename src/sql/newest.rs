//! The newest timestamps of tables of which nothing is known but their names.

use super::sync_log::names;
use crate::ident::{Ident, TableName};
use crate::sql::{Literal, Sql, sql};

/// Which of these tables have a timestamp column of this name: `schema, table`.
pub fn with_timestamp<'a>(column: &Ident, tables: impl Iterator<Item = &'a TableName>) -> Sql {
    sql!(
        "select w.schema_name, w.table_name from {names} \
         join pg_catalog.pg_namespace n on n.nspname operator(pg_catalog.=) w.schema_name \
         join pg_catalog.pg_class c on c.relnamespace operator(pg_catalog.=) n.oid \
         and c.relname operator(pg_catalog.=) w.table_name \
         join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) c.oid \
         and a.attname operator(pg_catalog.=) {column} and not a.attisdropped \
         and a.atttypid operator(pg_catalog.=) any \
         (array['pg_catalog.date', 'pg_catalog.timestamp', 'pg_catalog.timestamptz']::pg_catalog.regtype[])",
        names = names(tables),
        column = Literal(column.as_str()),
    )
}

/// The newest finite timestamp of a table in seconds of Unix time; null where there is none.
pub fn newest(table: &TableName, column: &Ident) -> Sql {
    sql!(
        "select pg_catalog.date_part('epoch', (select t.{column} from {table} t \
         where t.{column} operator(pg_catalog.<) 'infinity' and t.{column} operator(pg_catalog.>) '-infinity' \
         order by t.{column} desc limit 1))::pg_catalog.text",
        column = column,
        table = table,
    )
}
