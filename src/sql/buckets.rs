//! Slices of a table's keys, small enough that few equal rows travel with one that changed.

use super::digest::DigestOf;
use crate::error::Side;
use crate::sql::mapping::HashMethod;
use crate::sql::mapping::TableMapping;
use crate::sql::{Literal, Sql, sql};

/// How a table's keys are cut into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucketing {
    /// Bucket `b` holds the integer keys from `b << shift`.
    Range { shift: u32 },
    /// Bucket `b` holds the keys whose hash ends in the bits `b`.
    Hash { mask: i64 },
}

impl TableMapping {
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
        self.key.len() == 1 && self.key[0].hashed == HashMethod::Integer
    }

    /// Key, `pgsync_hash` and `pgsync_bucket` of the target's rows of some buckets.
    pub(super) fn key_hashes(&self, measure: DigestOf, buckets: &Buckets) -> Sql {
        let keys = self.key.iter().map(|column| sql!("t.{name}", name = column.name));
        sql!(
            "select {keys}, {hash} as {hash_name}, {bucket} as {bucket_name} \
             from {buckets} join {from} on {condition}",
            hash_name = self.beside_key("pgsync_hash"),
            bucket_name = self.beside_key("pgsync_bucket"),
            keys = Sql::join(keys, ", "),
            hash = self.hash(Side::Target, measure),
            bucket = self.bucket(Side::Target, buckets.slicing),
            buckets = buckets.relation,
            from = self.from(Side::Target),
            condition = buckets.condition(self, Side::Target),
        )
    }

    /// The bucket of a row.
    pub fn bucket(&self, side: Side, slicing: Bucketing) -> Sql {
        match slicing {
            Bucketing::Range { shift } => sql!(
                "({key}::pg_catalog.int8 operator(pg_catalog.>>) {shift})",
                key = self.key_values(side).swap_remove(0).value,
                shift = shift,
            ),
            Bucketing::Hash { mask } => sql!(
                "({hash} operator(pg_catalog.&) {mask}::pg_catalog.int8)",
                hash = self.hash_of(side, self.identity(side)),
                mask = mask,
            ),
        }
    }
}

/// The one key that a bucket has on one side only: the bucket, and the hash that both sides' sums differ
/// by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoneKey {
    pub bucket: i64,
    pub hash: i64,
}

/// Buckets of one table, as a relation `b` to join and the condition that a row lies in one.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    pub relation: Sql,
    slicing: Bucketing,
    /// Whether `b.hash` names the one row that is meant of a bucket, where it is not NULL.
    singles: bool,
}

impl Buckets {
    /// `spans` are closed ranges of bucket numbers, ascending and apart.
    pub fn new(slicing: Bucketing, spans: &[(i64, i64)]) -> Self {
        let list = |bound: &dyn Fn(&(i64, i64)) -> i64| {
            let texts: Vec<String> = spans.iter().map(|span| bound(span).to_string()).collect();
            format!("{{{}}}", texts.join(","))
        };
        let relation = match slicing {
            Bucketing::Range { shift } => sql!(
                "rows from (pg_catalog.unnest({low}::pg_catalog.int8[]), \
                 pg_catalog.unnest({high}::pg_catalog.int8[])) b(low, high)",
                low = Literal(&list(&|span| span.0 << shift)),
                high = Literal(&list(&|span| (span.1 << shift) | ((1 << shift) - 1))),
            ),
            Bucketing::Hash { .. } => sql!(
                "pg_catalog.unnest({all}::pg_catalog.int8[]) b(bucket)",
                all = Literal(&listed(spans, [].iter()).0),
            ),
        };
        Self { relation, slicing, singles: false }
    }

    /// Buckets of hashes as above, and single rows of others.
    pub fn with_singles(slicing: Bucketing, spans: &[(i64, i64)], singles: &[LoneKey]) -> Self {
        let (buckets, hashes) = listed(spans, singles.iter());
        let relation = sql!(
            "rows from (pg_catalog.unnest({buckets}::pg_catalog.int8[]), \
             pg_catalog.unnest({hashes}::pg_catalog.int8[])) b(bucket, hash)",
            buckets = Literal(&buckets),
            hashes = Literal(&hashes),
        );
        Self { relation, slicing, singles: true }
    }

    /// Whether row `t` lies in bucket `b`.
    pub fn condition(&self, mapping: &TableMapping, side: Side) -> Sql {
        match self.slicing {
            Bucketing::Range { .. } => sql!(
                "{key} operator(pg_catalog.>=) b.low and {key} operator(pg_catalog.<=) b.high",
                key = mapping.key_values(side).swap_remove(0).value,
            ),
            Bucketing::Hash { .. } => sql!(
                "{bucket} operator(pg_catalog.=) b.bucket{single}",
                bucket = mapping.bucket(side, self.slicing),
                single = if self.singles {
                    sql!(
                        " and (b.hash is null or {hash} operator(pg_catalog.=) b.hash)",
                        hash = mapping.hash(side, DigestOf::Keys),
                    )
                } else {
                    Sql::trusted("")
                },
            ),
        }
    }

    /// Whether row `t` of the target lies in the bucket in which row `h` was found.
    pub fn same_buckets(&self, mapping: &TableMapping) -> Sql {
        sql!(
            "{bucket} operator(pg_catalog.=) h.{name}",
            name = mapping.beside_key("pgsync_bucket"),
            bucket = mapping.bucket(Side::Target, self.slicing),
        )
    }
}

/// All buckets of spans, then those of singles; and the hashes of the latter beside them, as array
/// literals.
fn listed<'s>(
    spans: &[(i64, i64)],
    singles: impl Iterator<Item = &'s LoneKey>,
) -> (String, String) {
    let whole = spans.iter().flat_map(|(low, high)| *low..=*high);
    let whole = whole.map(|bucket| (bucket.to_string(), "null".to_owned()));
    let singles = singles.map(|single| (single.bucket.to_string(), single.hash.to_string()));
    let (buckets, hashes): (Vec<String>, Vec<String>) = whole.chain(singles).unzip();
    (format!("{{{}}}", buckets.join(",")), format!("{{{}}}", hashes.join(",")))
}
