//! Statements for a table without a key: whole rows, with their multiplicity, take the place of others.

use super::apply::STAGE;
use super::buckets::Buckets;
use super::{Sql, sql};
use crate::error::Side;
use crate::plan::Shape;

impl Shape {
    /// For a table without a key, with the whole rows of some buckets staged: the surplus of each
    /// row is deleted, then what is short is inserted. CTEs `removed` and `written`.
    pub fn replace_rows(&self, buckets: &Buckets) -> Sql {
        let staged = self.columns.iter().map(|c| sql!("s.{n}", n = c.name));
        sql!(
            "{ranked}, gone as (delete from {from} using here where t.ctid operator(pg_catalog.=) here.at \
             and t.tableoid operator(pg_catalog.=) here.part and not exists (select from there \
             where there.image operator(pg_catalog.=) here.image and there.n operator(pg_catalog.=) here.n) \
             returning 1), \
             n as (select pg_catalog.count(*) as gone from gone), \
             added as (insert into {table}{names} overriding system value select {staged} \
             from n join there on n.gone operator(pg_catalog.>=) 0 join {stage} s on s.ctid operator(pg_catalog.=) there.at where not exists \
             (select from here where here.image operator(pg_catalog.=) there.image \
             and here.n operator(pg_catalog.=) there.n) returning 1), \
             removed as (select n.gone as deleted from n), \
             written as (select pg_catalog.count(*) as inserted, 0 as updated from added)",
            ranked = self.ranked(buckets),
            from = self.from(Side::Target),
            table = self.target.name,
            names = match self.columns.is_empty() {
                true => Sql::trusted(""),
                false => sql!(" ({names})", names = self.names()),
            },
            staged = Sql::join(staged, ", "),
            stage = Sql::trusted(STAGE),
        )
    }

    /// What [`Shape::replace_rows`] would do: `inserted, deleted`.
    pub fn count_replace_rows(&self, buckets: &Buckets) -> Sql {
        sql!(
            "with {ranked} select pg_catalog.count(*) filter (where here.image is null), \
             pg_catalog.count(*) filter (where there.image is null) from there full join here \
             on here.image operator(pg_catalog.=) there.image and here.n operator(pg_catalog.=) there.n",
            ranked = self.ranked(buckets),
        )
    }

    /// The rows of both sides as text, equal ones numbered.
    fn ranked(&self, buckets: &Buckets) -> Sql {
        let text = |prefix: &'static str| {
            let prefix = Sql::trusted(prefix);
            let values = self.columns.iter().map(|c| sql!("{p}.{c}", p = prefix, c = c.name));
            sql!("row({values})::pg_catalog.text", values = Sql::join(values, ", "))
        };
        sql!(
            "here as (select x.*, pg_catalog.row_number() over (partition by x.image) as n from \
             (select t.ctid as at, t.tableoid as part, {target} as image from {buckets} join {from} \
             on {condition}) x), \
             there as (select x.*, pg_catalog.row_number() over (partition by x.image) as n from \
             (select s.ctid as at, {staged} as image from {stage} s) x)",
            target = text("t"),
            buckets = buckets.relation,
            from = self.from(Side::Target),
            condition = buckets.condition(self, Side::Target),
            staged = text("s"),
            stage = Sql::trusted(STAGE),
        )
    }
}
