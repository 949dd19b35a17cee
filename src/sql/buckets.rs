//! Slices of a table's keys, small enough that few equal rows travel with one that changed.

use std::ops::RangeInclusive;

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
            buckets = buckets.relation(),
            from = self.from(Side::Target),
            condition = buckets.condition(self, Side::Target),
        )
    }

    /// Whether row `t` lies in one of the buckets.
    pub fn between(&self, side: Side, slicing: Bucketing, buckets: &RangeInclusive<i64>) -> Sql {
        let (first, last) = (*buckets.start(), *buckets.end());
        let (value, first, last) = match slicing {
            Bucketing::Range { shift } => {
                let key = self.key_values(side).swap_remove(0).value;
                (key, first << shift, (last << shift) | ((1 << shift) - 1))
            }
            Bucketing::Hash { .. } => (self.bucket(side, slicing), first, last),
        };
        sql!(
            "{value} operator(pg_catalog.>=) {first}::pg_catalog.int8 \
             and {value} operator(pg_catalog.<=) {last}::pg_catalog.int8",
            value = value,
            first = Literal(&first.to_string()),
            last = Literal(&last.to_string()),
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

/// Buckets of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    slicing: Bucketing,
    /// Closed ranges of bucket numbers, ascending and apart.
    spans: Vec<RangeInclusive<i64>>,
    /// Of other buckets, ascending, the one row that is meant of each; only where keys are hashed.
    singles: Vec<LoneKey>,
}

impl Buckets {
    /// All rows of these buckets: closed ranges of their numbers, ascending and apart.
    pub fn new(slicing: Bucketing, spans: &[RangeInclusive<i64>]) -> Self {
        Self { slicing, spans: spans.to_vec(), singles: Vec::new() }
    }

    /// Buckets as above, and single rows of others.
    pub fn with_singles(self, singles: &[LoneKey]) -> Self {
        let mut singles = singles.to_vec();
        singles.sort_by_key(|single| single.bucket);
        Self { singles, ..self }
    }

    /// How the table is cut into buckets.
    pub fn bucketing(&self) -> Bucketing {
        self.slicing
    }

    /// The integer keys of these buckets, as closed ranges, ascending and apart.
    pub fn key_ranges(&self, shift: u32) -> impl Iterator<Item = RangeInclusive<i64>> {
        self.spans
            .iter()
            .map(move |span| span.start() << shift..=(span.end() << shift) | ((1 << shift) - 1))
    }

    /// Whether a bucket is one of these; of single rows, whether it is the one with this hash of its key.
    pub fn hold(&self, bucket: i64, key_hash: impl FnOnce() -> i64) -> bool {
        if self.hold_all_of(bucket) {
            return true;
        }
        let mut singles = self.singles_of(bucket).peekable();
        if singles.peek().is_none() {
            return false;
        }
        let hash = key_hash();
        singles.any(|single| single.hash == hash)
    }

    /// The numbers of all buckets of which rows can be among these.
    pub fn numbers(&self) -> impl Iterator<Item = i64> {
        let singles = self.singles.iter().map(|single| single.bucket);
        self.spans.iter().cloned().flatten().chain(singles)
    }

    fn hold_all_of(&self, bucket: i64) -> bool {
        let before = self.spans.partition_point(|span| *span.end() < bucket);
        self.spans.get(before).is_some_and(|span| span.contains(&bucket))
    }

    fn singles_of(&self, bucket: i64) -> impl Iterator<Item = &LoneKey> {
        let before = self.singles.partition_point(|single| single.bucket < bucket);
        self.singles[before..].iter().take_while(move |single| single.bucket == bucket)
    }

    /// The buckets as a relation `b` to join, by [`Buckets::condition`].
    pub fn relation(&self) -> Sql {
        match self.slicing {
            Bucketing::Range { shift } => sql!(
                "rows from (pg_catalog.unnest({low}::pg_catalog.int8[]), \
                 pg_catalog.unnest({high}::pg_catalog.int8[])) b(low, high)",
                low = Literal(&array(self.spans.iter().map(|span| span.start() << shift))),
                high = Literal(&array(
                    self.spans.iter().map(|span| (span.end() << shift) | ((1 << shift) - 1))
                )),
            ),
            Bucketing::Hash { .. } if self.singles.is_empty() => sql!(
                "pg_catalog.unnest({buckets}::pg_catalog.int8[]) b(bucket)",
                buckets = Literal(&self.listed()),
            ),
            // `b.hash` names the one row that is meant of a bucket, where it is not NULL.
            Bucketing::Hash { .. } => sql!(
                "rows from (pg_catalog.unnest({buckets}::pg_catalog.int8[]), \
                 pg_catalog.unnest({hashes}::pg_catalog.int8[])) b(bucket, hash)",
                buckets = Literal(&self.listed()),
                hashes = Literal(&self.listed_hashes()),
            ),
        }
    }

    /// All buckets of the spans, then those of the singles.
    fn listed(&self) -> String {
        array(self.numbers())
    }

    /// Beside them, the hashes of the singles.
    fn listed_hashes(&self) -> String {
        let spans = self.spans.iter().cloned().flatten().map(|_| "null".to_owned());
        array(spans.chain(self.singles.iter().map(|single| single.hash.to_string())))
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
                single = if !self.singles.is_empty() {
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

/// An array literal.
fn array(values: impl Iterator<Item = impl ToString>) -> String {
    let values: Vec<String> = values.map(|value| value.to_string()).collect();
    format!("{{{}}}", values.join(","))
}
