//! Statements about the source's keys, staged on the target: which rows it lacks or has otherwise, and
//! which have vanished.

use super::buckets::{Buckets, Single};
use super::digest::Measure;
use super::{Literal, Sql, sql};
use crate::error::Side;
use crate::plan::Shape;

pub(super) const KEYS: &str = "pg_temp.pgsync_keys";
/// The target's own rows of the buckets of which keys are staged.
pub(super) const HERE: &str = "pg_temp.pgsync_here";
const WANTED: &str = "pg_temp.pgsync_wanted";

impl Shape {
    /// A stage for the source's keys and hashes of some buckets; it outlives transactions.
    pub fn create_key_stage(&self) -> Sql {
        sql!(
            "drop table if exists {keys}; create temporary table pgsync_keys as select {names}, 0::pg_catalog.int8 as pgsync_hash \
             from {from} with no data",
            keys = Sql::trusted(KEYS),
            names = Sql::join(self.key.iter().map(|c| sql!("t.{n}", n = c.name)), ", "),
            from = self.from(Side::Target),
        )
    }

    pub fn copy_into_key_stage(&self) -> Sql {
        Sql::trusted(format!("copy {KEYS} from stdin"))
    }

    /// Without statistics the planner looks for each staged key in all others.
    pub fn analyze_key_stage(&self) -> Sql {
        Sql::trusted(format!("analyze {KEYS}"))
    }

    /// Takes down the target's rows of some buckets, by key, so that they are looked up once, while the
    /// source looks up its own, and not for every statement about them.
    pub fn create_here(&self, measure: Measure, buckets: &Buckets) -> Sql {
        sql!(
            "drop table if exists {here}; create temporary table pgsync_here as {rows}; analyze {here}",
            here = Sql::trusted(HERE),
            rows = self.key_hashes(measure, buckets),
        )
    }

    /// Counts the singles that neither side has: what their buckets' sums differ by is not one row.
    pub fn count_unfound(&self, singles: &[Single]) -> Sql {
        let hashes: Vec<String> = singles.iter().map(|single| single.hash.to_string()).collect();
        sql!(
            "select pg_catalog.count(*) from pg_catalog.unnest({hashes}::pg_catalog.int8[]) u(hash) \
             where not exists (select from {here} t where t.pgsync_hash operator(pg_catalog.=) u.hash) \
             and not exists (select from {keys} s where s.pgsync_hash operator(pg_catalog.=) u.hash)",
            hashes = Literal(&format!("{{{}}}", hashes.join(","))),
            here = Sql::trusted(HERE),
            keys = Sql::trusted(KEYS),
        )
    }

    /// Numbers the staged keys that the target lacks or has with another hash; gives their number.
    pub fn want(&self) -> Sql {
        sql!(
            "drop table if exists {wanted}; create temporary table pgsync_wanted as \
             select pg_catalog.row_number() over () as pgsync_n, {names} from {keys} s left join {here} t \
             on {matching} where t.pgsync_hash is null or t.pgsync_hash operator(pg_catalog.<>) s.pgsync_hash; \
             create index on {wanted} (pgsync_n); select pg_catalog.count(*) from {wanted}",
            keys = Sql::trusted(KEYS),
            names = Sql::join(self.key.iter().map(|c| sql!("s.{n}", n = c.name)), ", "),
            here = Sql::trusted(HERE),
            matching = self.matching("s"),
            wanted = Sql::trusted(WANTED),
        )
    }

    /// Wanted keys number `from` to before `to`: per key column one array literal of texts.
    pub fn wanted(&self, from: u64, to: u64) -> Sql {
        let arrays = self.key.iter().map(|column| {
            sql!(
                "pg_catalog.array_agg(w.{n}::pg_catalog.text order by w.pgsync_n)::pg_catalog.text",
                n = column.name
            )
        });
        sql!(
            "select {arrays} from {wanted} w where w.pgsync_n operator(pg_catalog.>=) {from} \
             and w.pgsync_n operator(pg_catalog.<) {to}",
            arrays = Sql::join(arrays, ", "),
            wanted = Sql::trusted(WANTED),
            from = from,
            to = to,
        )
    }

    /// Counts the rows taken down whose keys are not staged.
    pub fn count_vanished(&self) -> Sql {
        sql!(
            "select pg_catalog.count(*) from {here} t where {unstaged}",
            here = Sql::trusted(HERE),
            unstaged = self.unstaged()
        )
    }

    /// Deletes them; a CTE `removed` of one row `deleted`. A row that has changed its bucket since it was
    /// taken down has been given another key, equal but not alike, and stays.
    pub fn delete_vanished(&self, buckets: &Buckets) -> Sql {
        sql!(
            "gone as (delete from {from} using (select t.* from {here} t where {unstaged} limit all) h \
             where {matching} and {still} returning 1), \
             removed as (select pg_catalog.count(*) as deleted from gone)",
            from = self.from(Side::Target),
            here = Sql::trusted(HERE),
            unstaged = self.unstaged(),
            matching = self.matching("h"),
            still = buckets.still(self),
        )
    }

    /// That the key of row `t` is not staged.
    fn unstaged(&self) -> Sql {
        sql!(
            "not exists (select from {keys} s where {matching})",
            keys = Sql::trusted(KEYS),
            matching = self.matching("s"),
        )
    }
}
