//! Statements about where rows came from, as the logs of earlier runs tell it.

use super::sync_log::{SyncLog, names};
use crate::ident::TableName;
use crate::sql::{Literal, Sql, sql};

impl SyncLog {
    /// For how many of the tables the log's last word is that they were filled from the database with
    /// this identity: `count, latest start (UTC), what that source was called`. Rows about tables that
    /// were made or left alone tell nothing.
    pub fn filled_from<'a>(
        &self,
        tables: impl Iterator<Item = &'a TableName>,
        identity: &str,
    ) -> Sql {
        sql!(
            "select pg_catalog.count(*), pg_catalog.to_char(pg_catalog.timezone('UTC', \
             pg_catalog.max(l.start_time)), 'YYYY-MM-DD HH24:MI:SS.US'), pg_catalog.max(l.source) \
             from {names} cross join lateral (select l.start_time, l.source, l.fingerprint from {log} l \
             where l.schema_name operator(pg_catalog.=) w.schema_name \
             and l.table_name operator(pg_catalog.=) w.table_name and l.fingerprint is not null \
             and l.sync_type operator(pg_catalog.<>) 'create' \
             and l.status operator(pg_catalog.<>) all (array['skipped', 'refused']) \
             order by l.id desc limit 1) l \
             where pg_catalog.left(l.fingerprint, {length}) operator(pg_catalog.=) {identity}",
            names = names(tables),
            log = self.table,
            length = identity.chars().count() as u64,
            identity = Literal(identity),
        )
    }
}
