//! Statements about the source's keys, staged on the target: which rows it lacks or has otherwise, and
//! which have vanished.

use super::buckets::Buckets;
use super::digest::Measure;
use super::{Sql, sql};
use crate::error::Side;
use crate::plan::Shape;

pub(super) const KEYS: &str = "pg_temp.pgsync_keys";
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

    /// Numbers the staged keys that the target lacks or has with another hash; gives their number.
    pub fn want(&self, measure: Measure, buckets: &Buckets) -> Sql {
        sql!(
            "drop table if exists {wanted}; create temporary table pgsync_wanted as \
             select pg_catalog.row_number() over () as pgsync_n, {names} from {keys} s left join {rows} \
             on {matching} where t.ctid is null or t.pgsync_hash operator(pg_catalog.<>) s.pgsync_hash; \
             select pg_catalog.count(*) from {wanted}",
            keys = Sql::trusted(KEYS),
            names = Sql::join(self.key.iter().map(|c| sql!("s.{n}", n = c.name)), ", "),
            rows = buckets.target_rows(self, measure),
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

    /// Counts the target's rows in some buckets whose keys are not staged.
    pub fn count_vanished(&self, buckets: &Buckets) -> Sql {
        sql!(
            "select pg_catalog.count(*) from {buckets} join {from} on {condition} where not exists \
             (select from {keys} s where {matching})",
            buckets = buckets.relation,
            from = self.from(Side::Target),
            condition = buckets.condition(self, Side::Target),
            keys = Sql::trusted(KEYS),
            matching = self.matching("s"),
        )
    }

    /// Deletes them; a CTE `removed` of one row `deleted`.
    pub fn delete_vanished(&self, buckets: &Buckets) -> Sql {
        sql!(
            "gone as (delete from {from} using {buckets} where {condition} and not exists \
             (select from {keys} s where {matching}) returning 1), \
             removed as (select pg_catalog.count(*) as deleted from gone)",
            from = self.from(Side::Target),
            buckets = buckets.relation,
            condition = buckets.condition(self, Side::Target),
            keys = Sql::trusted(KEYS),
            matching = self.matching("s"),
        )
    }
}
