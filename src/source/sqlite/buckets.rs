//! Digests of buckets while the rows of a table are read.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::sql::buckets::Bucketing;

/// A bucket and the digest of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub number: i64,
    pub digest: Digest,
}

/// The digests of buckets that may still get rows.
pub enum OpenBuckets {
    /// Rows come in the order of their keys, so there is one.
    InOrder(Option<Bucket>),
    /// All buckets of hashes, by their numbers. A map takes twice as long (measured on 1 M rows).
    Hashed(Vec<Compact>),
    Ranges(BTreeMap<i64, Digest>),
}

/// A digest in half its space: 96 bits hold the hashes of four billion rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compact {
    rows: u32,
    high: i32,
    low: u64,
}

impl OpenBuckets {
    /// No rows yet.
    pub fn of(bucketing: Bucketing, is_ordered: bool) -> Self {
        match bucketing {
            Bucketing::Range { .. } if is_ordered => Self::InOrder(None),
            Bucketing::Range { .. } => Self::Ranges(BTreeMap::new()),
            Bucketing::Hash { mask } => Self::Hashed(vec![Compact::default(); mask as usize + 1]),
        }
    }

    /// Adds rows to the bucket of their number; gives another that is complete by that.
    ///
    /// # Errors
    /// [`Error::Blocked`] where keys come in another order than theirs.
    pub fn add(&mut self, rows: Bucket) -> Result<Option<Bucket>> {
        let Bucket { number, digest } = rows;
        match self {
            Self::InOrder(Some(open)) if open.number == number => open.digest.add(digest),
            Self::InOrder(Some(open)) if open.number > number => return Err(unordered()),
            Self::InOrder(open) => return Ok(open.replace(rows)),
            Self::Hashed(all) => all[number as usize].add(digest),
            Self::Ranges(all) => all.entry(number).or_default().add(digest),
        }
        Ok(None)
    }

    /// All that are left and have rows, in the order of their numbers.
    pub fn into_all(self) -> Box<dyn Iterator<Item = Bucket>> {
        match self {
            Self::InOrder(open) => Box::new(open.into_iter()),
            Self::Hashed(all) => {
                let all = all.into_iter().map(Compact::whole).zip(0..);
                let all = all.map(|(digest, number)| Bucket { number, digest });
                Box::new(all.filter(|bucket| bucket.digest.rows > 0))
            }
            Self::Ranges(all) => {
                Box::new(all.into_iter().map(|(number, digest)| Bucket { number, digest }))
            }
        }
    }
}

impl Compact {
    fn whole(self) -> Digest {
        let sum = i128::from(self.high) << 64 | i128::from(self.low);
        Digest { rows: self.rows.into(), sum }
    }

    fn add(&mut self, other: Digest) {
        let mut sum = self.whole();
        sum.add(other);
        *self = Self { rows: sum.rows as u32, high: (sum.sum >> 64) as i32, low: sum.sum as u64 };
    }
}

fn unordered() -> Error {
    Error::Blocked(
        "its rows do not come in the order of their integer key: check the file with PRAGMA integrity_check"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hash: i64) -> Digest {
        Digest { rows: 1, sum: hash.into() }
    }

    fn bucket(number: i64, rows: u64, sum: i128) -> Bucket {
        Bucket { number, digest: Digest { rows, sum } }
    }

    #[test]
    fn sums_are_exact_on_both_sides_of_zero() {
        let mut compact = Compact::default();
        let mut digest = Digest::default();
        for hash in [i64::MIN, i64::MIN, i64::MIN, -1, 0, 1, i64::MAX, i64::MAX, i64::MAX, i64::MAX]
        {
            compact.add(row(hash));
            digest.add(row(hash));
            assert_eq!(compact.whole(), digest);
        }
    }

    #[test]
    fn buckets_come_in_their_order_and_only_those_with_rows() {
        let hash = Bucketing::Hash { mask: 7 };
        for (bucketing, is_ordered) in [(hash, false), (Bucketing::Range { shift: 3 }, false)] {
            let mut open = OpenBuckets::of(bucketing, is_ordered);
            for (number, hash) in [(5, 7), (0, -2), (5, 1)] {
                assert_eq!(open.add(bucket(number, 1, hash)).expect("a bucket"), None);
            }
            let all: Vec<_> = open.into_all().collect();
            assert_eq!(all, [bucket(0, 1, -2), bucket(5, 2, 8)]);
        }
    }

    #[test]
    fn a_bucket_is_complete_when_the_next_one_begins() {
        let mut open = OpenBuckets::of(Bucketing::Range { shift: 3 }, true);
        let mut add = |number, hash| open.add(bucket(number, 1, hash));
        assert_eq!(add(-1, 4).expect("a bucket"), None);
        assert_eq!(add(-1, 4).expect("a bucket"), None);
        assert_eq!(add(3, 5).expect("a bucket"), Some(bucket(-1, 2, 8)));
        assert!(add(2, 1).is_err());
        assert_eq!(open.into_all().collect::<Vec<_>>(), [bucket(3, 1, 5)]);
    }
}
