//! What `sync_log` remembers of parts of tables that were proven to be equal.

use super::sync_log::{LATEST_FIRST, SyncLog, names};
use crate::ident::TableName;
use crate::sql::share::Share;
use crate::sql::{Literal, Sql, sql};

/// A table and what a run has proven of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    pub table: TableName,
    /// The last part, if not this one only.
    pub share: Share,
    /// Whether all rows were proven.
    pub whole: bool,
}

impl SyncLog {
    /// Whether the log has the columns of proofs.
    pub fn has_proofs(&self) -> Sql {
        sql!(
            "select pg_catalog.count(*) operator(pg_catalog.=) 2 from pg_catalog.pg_attribute a \
             where a.attrelid operator(pg_catalog.=) pg_catalog.to_regclass({name}) and not a.attisdropped \
             and a.attname operator(pg_catalog.=) any (array['proven_buckets', 'proven_since']::pg_catalog.name[])",
            name = Literal(&self.table.quoted()),
        )
    }

    /// Gives them to the log of an older version.
    pub fn add_proofs(&self) -> Sql {
        sql!(
            "alter table {log} add column if not exists proven_buckets pg_catalog.text, \
             add column if not exists proven_since pg_catalog.timestamptz",
            log = self.table,
        )
    }

    /// The part of each table that was proven last: `schema, table, part`.
    pub fn last_proofs<'a>(&self, tables: impl Iterator<Item = &'a TableName>) -> Sql {
        sql!(
            "select w.schema_name, w.table_name, p.proven_buckets from {names} cross join lateral (\
             select l.proven_buckets from {latest} l where l.proven_buckets is not null \
             order by {order} limit 1) p",
            names = names(tables),
            latest = self.latest(),
            order = Sql::trusted(LATEST_FIRST),
        )
    }

    /// Writes proofs into the rows of a run: see the file.
    pub fn write_proofs(&self, run_id: &str, of: u32, proofs: &[Proof]) -> Sql {
        let rows = proofs.iter().map(|proof| {
            sql!(
                "({schema}::pg_catalog.text, {table}::pg_catalog.text, {share}::pg_catalog.text, {whole})",
                schema = Literal(proof.table.schema.as_str()),
                table = Literal(proof.table.name.as_str()),
                share = Literal(&proof.share.to_string()),
                whole = proof.whole || of == 1,
            )
        });
        let log = sql!("{log}", log = self.table);
        let others = sql!("{others}", others = of - 1);
        let holes: &[(&str, &Sql)] = &[
            ("log", &log),
            ("latest", &self.latest()),
            ("order", &Sql::trusted(LATEST_FIRST)),
            ("others", &others),
            ("of", &sql!("{of}", of = Literal(&of.to_string()))),
            ("proven", &Sql::join(rows, ", ")),
            ("run", &sql!("{run}", run = Literal(run_id))),
        ];
        Sql::filled(include_str!("sync_log_proofs.sql"), holes)
    }
}
