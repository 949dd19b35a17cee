//! What people ask of `sync_log`: how each table stands, what happened to one, and what may go.

use std::time::Duration;

use super::sync_log::{LATEST_FIRST, OF_TABLE, OID, SyncLog, walk};
use crate::ident::TableName;
use crate::sql::{Literal, Sql, sql};

/// Whether row `l` is of a run that brought its table in sync, or should have. To ask for each word costs less than
/// an array of them.
const IS_RUN: &str = "coalesce(l.sync_type operator(pg_catalog.<>) 'create' \
     and l.sync_type operator(pg_catalog.<>) 'repair', true)";

impl SyncLog {
    /// How each table stands: see the file.
    pub fn status(&self) -> Sql {
        let log = sql!("{log}", log = self.table);
        let (of_table, order) = (Sql::trusted(OF_TABLE), Sql::trusted(LATEST_FIRST));
        let holes: &[(&str, &Sql)] = &[
            ("log", &log),
            ("walk", &walk(&log)),
            ("run", &Sql::trusted(IS_RUN)),
            ("of_table", &of_table),
            ("order", &order),
            ("oid", &Sql::trusted(OID)),
        ];
        Sql::filled(include_str!("sync_log_status.sql"), holes)
    }

    /// The last runs of one table, the latest first: `start, seconds, sync_type, status, processed, inserted,
    /// updated, deleted, error`.
    pub fn history(&self, table: &TableName, most: u64) -> Sql {
        sql!(
            "select pg_catalog.to_char(pg_catalog.timezone('UTC', l.start_time), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), \
             coalesce(pg_catalog.date_part('epoch', l.end_time operator(pg_catalog.-) l.start_time), -1), \
             l.sync_type, l.status, l.rows_processed, l.rows_inserted, l.rows_updated, l.rows_deleted, \
             l.error_message from (select {schema} as schema_name, {name} as table_name) w \
             join {log} l on {of_table} order by {order} limit {most}",
            log = self.table,
            of_table = Sql::trusted(OF_TABLE),
            order = Sql::trusted(LATEST_FIRST),
            schema = Literal(table.schema.as_str()),
            name = Literal(table.name.as_str()),
            most = most,
        )
    }

    /// The tables that runs from this source last had to do with: see the file.
    pub fn known_from(&self, source: &str) -> Sql {
        let log = sql!("{log}", log = self.table);
        let source = sql!("{source}", source = Literal(source));
        let (of_table, order) = (Sql::trusted(OF_TABLE), Sql::trusted(LATEST_FIRST));
        let holes: &[(&str, &Sql)] = &[
            ("log", &log),
            ("walk", &walk(&log)),
            ("source", &source),
            ("of_table", &of_table),
            ("order", &order),
            ("oid", &Sql::trusted(OID)),
        ];
        Sql::filled(include_str!("sync_log_gone.sql"), holes)
    }

    /// Deletes rows that began longer ago than `keep`, and gives their number: see the file.
    pub fn prune(&self, keep: Duration) -> Sql {
        let log = sql!("{log}", log = self.table);
        let before = sql!(
            "(pg_catalog.clock_timestamp() operator(pg_catalog.-) {keep}::pg_catalog.interval)",
            keep = Literal(&format!("{} seconds", keep.as_secs())),
        );
        let (of_table, order) = (Sql::trusted(OF_TABLE), Sql::trusted(LATEST_FIRST));
        let holes: &[(&str, &Sql)] = &[
            ("log", &log),
            ("walk", &walk(&log)),
            ("before", &before),
            ("run", &Sql::trusted(IS_RUN)),
            ("of_table", &of_table),
            ("order", &order),
        ];
        Sql::filled(include_str!("sync_log_prune.sql"), holes)
    }
}
