//! Parts of a table of about the same size, by its keys: a row stays in its part however the table grows.

use std::fmt;
use std::ops::RangeInclusive;

use super::buckets::Bucketing;
use super::digest::DigestOf;
use crate::error::Side;
use crate::sql::mapping::TableMapping;
use crate::sql::{Literal, Sql, sql};

/// Integer keys that lie together are in the same part: 2^10 of them.
const NEIGHBOURS: Bucketing = Bucketing::Range { shift: SHIFT };
const SHIFT: u32 = 10;
/// In a smaller table no bucket is looked up: reading all of it costs nothing.
const FEW: u64 = 10_000;
/// Rows that a bucket should hold on average, so that looking it up is worth the while.
const WORTH: u64 = 32;
/// What of a bucket's number, or of a hash, says the part.
const BITS: i64 = 0x7fff_ffff;

/// Part `part` of `of`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub part: u32,
    pub of: u32,
}

impl Share {
    /// The part after the one that `sync_log` names, or the first.
    pub fn after(text: Option<&str>, of: u32) -> Self {
        let part = text.and_then(|text| text.split_once('/')?.0.parse::<u32>().ok());
        Self { part: part.filter(|part| *part < of).unwrap_or(0) + 1, of }
    }

    /// How the keys of a table are cut, so that each bucket lies in one part.
    pub fn bucketing(self, mapping: &TableMapping) -> Bucketing {
        if mapping.has_integer_key() { NEIGHBOURS } else { Bucketing::Hash { mask: BITS } }
    }

    /// The buckets that are looked up one by one, by the answer to [`TableMapping::neighbours`]; nothing where
    /// all rows are read.
    pub fn looked_up(answer: &[i128], rows: u64) -> Option<RangeInclusive<i64>> {
        let [least, greatest, 1] = *answer else { return None };
        let is_plain = least >= 0 && greatest <= i128::from(BITS) && Self::may_be_looked_up(rows);
        let buckets = greatest - least + 1;
        if !is_plain || buckets * i128::from(WORTH) > i128::from(rows) {
            return None;
        }
        Some(i64::try_from(least).ok()?..=i64::try_from(greatest).ok()?)
    }

    /// Whether a table has so many rows that it may be worth the while to ask.
    pub fn may_be_looked_up(rows: u64) -> bool {
        rows >= FEW
    }

    /// The first bucket of the part, from `least` on.
    fn first(self, least: i64) -> i64 {
        let of = i64::from(self.of);
        least + (i64::from(self.part) - 1 - least).rem_euclid(of)
    }

    /// Whether a bucket lies in the part.
    pub fn holds(self, bucket: i64) -> bool {
        (bucket & BITS) % i64::from(self.of) == i64::from(self.part) - 1
    }

    /// All parts, the last of which was just proven.
    pub fn whole(of: u32) -> Self {
        Self { part: of, of }
    }
}

/// As `sync_log` has it: `3/7`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

impl TableMapping {
    /// The buckets of the least and the greatest key, and 1 where rows lie in the order of their keys: then those
    /// of a bucket lie together.
    pub fn neighbours(&self, side: Side) -> Sql {
        let (key, column) = (self.key_values(side).swap_remove(0).value, &self.key[0].name);
        let table = match side {
            Side::Source => &self.source.name,
            Side::Target => &self.target.name,
        };
        sql!(
            "select pg_catalog.min({key})::pg_catalog.int8 operator(pg_catalog.>>) {shift}, \
             pg_catalog.max({key})::pg_catalog.int8 operator(pg_catalog.>>) {shift}, \
             (select pg_catalog.count(*) from pg_catalog.pg_stats s where s.schemaname operator(pg_catalog.=) {schema} \
             and s.tablename operator(pg_catalog.=) {table} and s.attname operator(pg_catalog.=) {column} \
             and not s.inherited and s.correlation operator(pg_catalog.>=) 0.9::pg_catalog.float4) from {from}",
            key = key,
            shift = SHIFT,
            schema = Literal(table.schema.as_str()),
            table = Literal(table.name.as_str()),
            column = Literal(column.as_str()),
            from = self.from(side),
        )
    }

    /// The digest of the rows of a part, by the index of the key. The order and the limit, which leaves out
    /// nothing, keep the planner from reading the table once for each bucket.
    pub fn digest_looked_up(&self, side: Side, share: Share, buckets: &RangeInclusive<i64>) -> Sql {
        sql!(
            "select pg_catalog.count(*), pg_catalog.sum(r.h) from pg_catalog.generate_series({first}::pg_catalog.int8, \
             {last}::pg_catalog.int8, {of}::pg_catalog.int8) b(n) cross join lateral (select {hash} as h from {from} \
             where {key} operator(pg_catalog.>=) (b.n operator(pg_catalog.<<) {shift}) \
             and {key} operator(pg_catalog.<=) ((b.n operator(pg_catalog.<<) {shift}) operator(pg_catalog.|) \
             {rest}::pg_catalog.int8) order by {key} limit {size}) r",
            first = share.first(*buckets.start()),
            last = *buckets.end(),
            of = share.of,
            hash = self.hash(side, DigestOf::Rows),
            from = self.from(side),
            key = self.key_values(side).swap_remove(0).value,
            shift = SHIFT,
            rest = (1i64 << SHIFT) - 1,
            size = 1i64 << SHIFT,
        )
    }

    /// The digest of the rows of a part.
    pub fn digest_share(&self, side: Side, share: Share) -> Sql {
        let number = self.bucket(side, share.bucketing(self));
        let scope = sql!(
            "pg_catalog.mod({number} operator(pg_catalog.&) {bits}::pg_catalog.int8, {of}::pg_catalog.int8) \
             operator(pg_catalog.=) {part}::pg_catalog.int8",
            number = number,
            bits = BITS,
            of = share.of,
            part = share.part - 1,
        );
        self.digest(side, DigestOf::Rows, Some(&scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_after_the_last_is_the_first() {
        let after = |text, of| Share::after(text, of).to_string();
        assert_eq!(after(None, 7), "1/7");
        assert_eq!(after(Some("3/7"), 7), "4/7");
        assert_eq!(after(Some("7/7"), 7), "1/7");
        assert_eq!(after(Some("9/12"), 7), "1/7");
        assert_eq!(after(Some("x"), 1), "1/1");
        assert!(Share { part: 5, of: 7 }.holds(-5), "2147483643 is 4 modulo 7");
        assert_eq!((1..=7).filter(|part| Share { part: *part, of: 7 }.holds(i64::MIN)).count(), 1);
        assert_eq!([0, 3, 7, 8].map(|least| Share { part: 4, of: 7 }.first(least)), [3, 3, 10, 10]);
        assert_eq!(Share::looked_up(&[0, 99, 1], 100_000), Some(0..=99));
        // Few rows, few in a bucket, negative keys, and rows in another order than their keys.
        for (answer, rows) in [
            ([0, 9, 1], 9_000),
            ([0, 9_999, 1], 100_000),
            ([-1, 9, 1], 100_000),
            ([0, 9, 0], 100_000),
        ] {
            assert_eq!(Share::looked_up(&answer, rows), None);
        }
        assert_eq!(Share::whole(7), Share { part: 7, of: 7 });
    }
}
