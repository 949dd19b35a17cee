//! Slices of a table's keys, small enough that few equal rows travel with one that changed.

use super::digest::Measure;
use super::{Literal, Sql, sql};
use crate::error::Side;
use crate::plan::Shape;
use crate::plan::columns::Hashed;

/// How a table's keys are cut into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slicing {
    /// Bucket `b` holds the integer keys from `b << shift`.
    Range { shift: u32 },
    /// Bucket `b` holds the keys whose hash ends in the bits `b`.
    Hash { mask: i64 },
}

impl Shape {
    /// The least and the greatest key of a table with one integer key column.
    pub fn key_bounds(&self, side: Side) -> Sql {
        let key = self.key_values(side).swap_remove(0);
        sql!(
            "select pg_catalog.min({key}), pg_catalog.max({key}) from {from}",
            key = key.value,
            from = self.from(side),
        )
    }

    /// Whether the key can be cut into ranges.
    pub fn has_integer_key(&self) -> bool {
        self.key.len() == 1 && self.key[0].hashed == Hashed::Integer
    }

    /// The bucket of a row.
    pub fn bucket(&self, side: Side, slicing: Slicing) -> Sql {
        match slicing {
            Slicing::Range { shift } => sql!(
                "({key}::pg_catalog.int8 operator(pg_catalog.>>) {shift})",
                key = self.key_values(side).swap_remove(0).value,
                shift = shift,
            ),
            Slicing::Hash { mask } => sql!(
                "({hash} operator(pg_catalog.&) {mask}::pg_catalog.int8)",
                hash = self.hash_of(self.identity(side)),
                mask = mask,
            ),
        }
    }
}

/// Buckets of one table, as a relation `b` to join and the condition that a row lies in one.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    pub relation: Sql,
    slicing: Slicing,
}

impl Buckets {
    /// `spans` are closed ranges of bucket numbers, ascending and apart.
    pub fn new(slicing: Slicing, spans: &[(i64, i64)]) -> Self {
        let list = |bound: &dyn Fn(&(i64, i64)) -> i64| {
            let texts: Vec<String> = spans.iter().map(|span| bound(span).to_string()).collect();
            format!("{{{}}}", texts.join(","))
        };
        let relation = match slicing {
            Slicing::Range { shift } => sql!(
                "rows from (pg_catalog.unnest({low}::pg_catalog.int8[]), \
                 pg_catalog.unnest({high}::pg_catalog.int8[])) b(low, high)",
                low = Literal(&list(&|span| span.0 << shift)),
                high = Literal(&list(&|span| (span.1 << shift) | ((1 << shift) - 1))),
            ),
            Slicing::Hash { .. } => {
                let all = spans.iter().flat_map(|(low, high)| *low..=*high);
                let all: Vec<String> = all.map(|bucket| bucket.to_string()).collect();
                sql!(
                    "pg_catalog.unnest({all}::pg_catalog.int8[]) b(bucket)",
                    all = Literal(&format!("{{{}}}", all.join(","))),
                )
            }
        };
        Self { relation, slicing }
    }

    /// The target's rows in which the staged keys of these buckets are looked up, as a relation `t` of
    /// `ctid`, key and `pgsync_hash`. Keys that are equal but not alike fall into different buckets by
    /// hash: there it is the whole table. `limit all` because a planner that takes the ranges apart
    /// again looks through all of them for every key.
    pub fn target_rows(&self, shape: &Shape, measure: Measure) -> Sql {
        let keys = shape.key.iter().map(|column| sql!("t.{name}", name = column.name));
        let rows = sql!(
            "select t.ctid, {keys}, {hash} as pgsync_hash from",
            keys = Sql::join(keys, ", "),
            hash = shape.hash(Side::Target, measure),
        );
        let from = shape.from(Side::Target);
        match self.slicing {
            Slicing::Range { .. } => sql!(
                "({rows} {buckets} join {from} on {condition} limit all) t",
                rows = rows,
                buckets = self.relation,
                from = from,
                condition = self.condition(shape, Side::Target),
            ),
            Slicing::Hash { .. } => sql!("({rows} {from}) t", rows = rows, from = from),
        }
    }

    /// Whether row `t` lies in bucket `b`.
    pub fn condition(&self, shape: &Shape, side: Side) -> Sql {
        match self.slicing {
            Slicing::Range { .. } => sql!(
                "{key} operator(pg_catalog.>=) b.low and {key} operator(pg_catalog.<=) b.high",
                key = shape.key_values(side).swap_remove(0).value,
            ),
            Slicing::Hash { .. } => sql!(
                "{bucket} operator(pg_catalog.=) b.bucket",
                bucket = shape.bucket(side, self.slicing),
            ),
        }
    }
}
