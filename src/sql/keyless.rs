//! Statements for a table without a key: whole rows, with their multiplicity, take the place of others.
//!
//! Rows are told apart by a hash of 128 bits, never by their text: what is sorted and kept aside is a
//! row's place and its hash, a small part of most tables.

use super::apply::STAGE;
use super::buckets::Buckets;
use crate::error::Side;
use crate::sql::mapping::TableMapping;
use crate::sql::{Sql, sql};

impl TableMapping {
    /// For a table without a key, with the whole rows of some buckets staged: the surplus of each
    /// row is deleted, then what is short is inserted. CTEs `removed` and `written`.
    pub fn replace_rows(&self, buckets: &Buckets) -> Sql {
        let staged = self.columns.iter().map(|c| sql!("s.{n}", n = c.name));
        sql!(
            "{surplus}, gone as (delete from {from} using surplus x where not x.staged \
             and t.ctid operator(pg_catalog.=) x.at and t.tableoid operator(pg_catalog.=) x.part returning 1), \
             n as (select pg_catalog.count(*) as gone from gone), \
             added as (insert into {table}{names} overriding system value select {staged} \
             from n join surplus x on n.gone operator(pg_catalog.>=) 0 and x.staged \
             join {stage} s on s.ctid operator(pg_catalog.=) x.at returning 1), \
             removed as (select n.gone as deleted, null::pg_catalog.numeric as keys from n), \
             written as (select pg_catalog.count(*) as inserted, 0 as updated, null::pg_catalog.numeric as keys from added)",
            surplus = self.surplus(buckets),
            from = self.from(Side::Target),
            table = self.target.name,
            names = if self.columns.is_empty() {
                Sql::trusted("")
            } else {
                sql!(" ({names})", names = self.names())
            },
            staged = Sql::join(staged, ", "),
            stage = Sql::trusted(STAGE),
        )
    }

    /// What [`TableMapping::replace_rows`] would do: `inserted, deleted`.
    pub fn count_replace_rows(&self, buckets: &Buckets) -> Sql {
        sql!(
            "with {surplus} select pg_catalog.count(*) filter (where x.staged), \
             pg_catalog.count(*) filter (where not x.staged) from surplus x",
            surplus = self.surplus(buckets),
        )
    }

    /// The rows of which one side has more than the other: of the table too many, of the stage those
    /// that are missing. Equal rows are numbered on each side, and both sides' are sorted together.
    fn surplus(&self, buckets: &Buckets) -> Sql {
        let image = |prefix: &'static str| {
            let prefix = Sql::trusted(prefix);
            let values = self.columns.iter().map(|c| sql!("{p}.{c}", p = prefix, c = c.name));
            sql!(
                "pg_catalog.md5(row({values})::pg_catalog.text)::pg_catalog.uuid",
                values = Sql::join(values, ", ")
            )
        };
        sql!(
            "surplus as (select x.at, x.part, x.staged from (select r.at, r.part, r.staged, \
             pg_catalog.row_number() over (partition by r.image, r.staged) as n, \
             pg_catalog.count(*) filter (where not r.staged) over (partition by r.image) as present, \
             pg_catalog.count(*) filter (where r.staged) over (partition by r.image) as wanted from \
             (select t.ctid as at, t.tableoid as part, {target} as image, false as staged \
             from {buckets} join {from} on {condition} \
             union all select s.ctid, s.tableoid, {staged}, true from {stage} s) r) x \
             where x.n operator(pg_catalog.>) case when x.staged then x.present else x.wanted end)",
            target = image("t"),
            buckets = buckets.relation(),
            from = self.from(Side::Target),
            condition = buckets.condition(self, Side::Target),
            staged = image("s"),
            stage = Sql::trusted(STAGE),
        )
    }
}
