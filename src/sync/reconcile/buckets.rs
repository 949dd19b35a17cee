//! Cutting a table into buckets: so many, and of ranges of keys or of their hashes.

use std::ops::RangeInclusive;

use crate::error::Result;
use crate::sql::buckets::Bucketing;
use crate::sync::table_state::TableRun;
use crate::target_side;

/// Rows that a bucket should hold: small enough that few equal rows travel with a changed one.
const ROWS: u64 = 32;
/// Of ranges of keys where the source is no server: nearly all of its changed rows are found by buckets, and they
/// lie anywhere. With one changed row in a hundred, three buckets of 32 in ten differ, and one of 8 in thirteen
/// (measured on 1 M rows: 3.2 s of CPU in all, and 2.4 s).
const ROWS_OF_FILE: u64 = 8;
/// The same of hashes of keys, whose buckets cost more: the target's rows of each lie everywhere (measured on 1 M
/// rows: 3.9 s of CPU for buckets of 32, 3.7 s for 16 and for 8, and 1.7 s, 1.9 s, 2.4 s where no row has changed).
const HASHED_ROWS_OF_FILE: u64 = 16;
/// Where both sides are summed here, a bucket costs 16 bytes of memory on each side.
const FINE_ROWS: u64 = 4;
const MOST_FINE: u32 = 19;
/// Buckets of a table at most, 2^18: their digests are what both servers keep in memory.
const MOST: u32 = 19;
/// Where so many keys are expected to differ that each has a bucket for itself among this many, most
/// often: fewer buckets cost less (measured on 2 M rows: 0.7 s for 2^13, 2.0 s for 2^17), and a key that
/// differs alone is known by its hash. 2^10 at least.
const SINGLE: u64 = 4;
const LEAST: u32 = 10;

/// How keys are cut, and the numbers of all buckets that there can be.
#[derive(Clone, Debug, PartialEq)]
pub struct Slicing {
    pub bucketing: Bucketing,
    pub buckets: RangeInclusive<i64>,
}

/// How small buckets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// For servers that sum them.
    Coarse,
    /// So large that about so many keys that differ lie alone.
    Expected(u64),
    /// For sums that are made here.
    Fine,
}

impl Detail {
    /// The digits of the number of buckets of a table with so many rows, of which `rows` should lie in one bucket.
    fn bits(self, all: u64, rows: u64) -> u32 {
        let bits_of = |buckets: u64| u64::BITS - buckets.max(1).leading_zeros();
        match self {
            Self::Coarse => bits_of(all / rows).min(MOST),
            Self::Expected(keys) => {
                let few = bits_of(keys.saturating_mul(SINGLE)).clamp(LEAST, MOST);
                few.min(bits_of(all / rows))
            }
            Self::Fine => bits_of(all / FINE_ROWS).min(MOST_FINE),
        }
    }
}

/// Ranges of integer keys, when they lie close enough together that each holds some rows; else
/// buckets of key hashes.
pub async fn slicing(run: &TableRun<'_>, detail: Detail) -> Result<Slicing> {
    let mapping = &run.state.plan.mapping;
    let is_file = run.round.source.is_local();
    let rows = if is_file { HASHED_ROWS_OF_FILE } else { ROWS };
    let mask = (1 << detail.bits(run.state.plan.rows, rows)) - 1;
    let hash = Slicing { bucketing: Bucketing::Hash { mask }, buckets: 0..=mask };
    if !mapping.has_integer_key() {
        return Ok(hash);
    }
    let doing = "reading the bounds of keys";
    let (source, target) = tokio::try_join!(
        run.source.key_bounds(doing, mapping),
        target_side::digest::key_bounds(run.target, doing, mapping),
    )?;
    let bounds = || source.iter().chain(&target);
    let (least, greatest) = (bounds().min(), bounds().max());
    let ends = least.zip(greatest);
    let span = ends.map_or(1, |(least, greatest)| greatest - least + 1);
    if span > i128::from(run.state.plan.rows.max(1)) * i128::from(ROWS) {
        return Ok(hash);
    }
    let rows = if is_file { ROWS_OF_FILE } else { ROWS };
    // Neighbours share a bucket, and no key is expected to lie alone.
    let detail = if detail == Detail::Fine { detail } else { Detail::Coarse };
    let bits = detail.bits(run.state.plan.rows, rows);
    let shift = (0..62).find(|shift| span >> shift <= i128::from(1u64 << bits)).unwrap_or(62);
    let number = |key: i128| i64::try_from(key >> shift).unwrap_or_default();
    let buckets = ends.map_or(0..=0, |(least, greatest)| number(*least)..=number(*greatest));
    Ok(Slicing { bucketing: Bucketing::Range { shift }, buckets })
}
