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
    /// Rows come in the order of their keys, so one is open, behind those that are complete.
    InOrder(Option<Bucket>, Vec<Complete>),
    Hashed(Hashed),
    Ranges(BTreeMap<i64, Digest>),
}

/// A digest in half its space: 96 bits hold the hashes of four billion rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compact {
    rows: u32,
    high: i32,
    low: u64,
}

/// All buckets of hashes, by their numbers. A map takes twice as long (measured on 1 M rows).
pub struct Hashed {
    all: Vec<Compact>,
    /// Rows that are added together: each bucket lies elsewhere, and several are fetched from memory at once.
    waiting: Vec<Bucket>,
}

/// Rows that wait.
const WAITING: usize = 256;

/// A bucket that gets no more rows.
#[derive(Clone, Copy, Debug)]
pub struct Complete {
    number: i64,
    digest: Compact,
}

impl OpenBuckets {
    /// No rows yet.
    pub fn of(bucketing: Bucketing, is_ordered: bool) -> Self {
        match bucketing {
            Bucketing::Range { .. } if is_ordered => Self::InOrder(None, Vec::new()),
            Bucketing::Range { .. } => Self::Ranges(BTreeMap::new()),
            Bucketing::Hash { mask } => Self::Hashed(Hashed {
                all: vec![Compact::default(); mask as usize + 1],
                waiting: Vec::with_capacity(WAITING),
            }),
        }
    }

    /// Adds rows to the bucket of their number.
    ///
    /// # Errors
    /// [`Error::Blocked`] where keys come in another order than theirs.
    pub fn add(&mut self, rows: Bucket) -> Result<()> {
        let Bucket { number, digest } = rows;
        match self {
            Self::InOrder(Some(open), _) if open.number == number => open.digest.add(digest),
            Self::InOrder(Some(open), _) if open.number > number => return Err(unordered()),
            Self::InOrder(open, complete) => {
                complete.extend(open.replace(rows).map(Complete::of));
            }
            Self::Hashed(hashed) => hashed.add(rows),
            Self::Ranges(all) => all.entry(number).or_default().add(digest),
        }
        Ok(())
    }

    /// All that are left and have rows, in the order of their numbers.
    pub fn into_all(self) -> Box<dyn Iterator<Item = Bucket>> {
        match self {
            Self::InOrder(open, complete) => {
                Box::new(complete.into_iter().map(Complete::whole).chain(open))
            }
            Self::Hashed(mut hashed) => {
                hashed.add_waiting();
                let all = hashed.all.into_iter().map(Compact::whole).zip(0..);
                let all = all.map(|(digest, number)| Bucket { number, digest });
                Box::new(all.filter(|bucket| bucket.digest.rows > 0))
            }
            Self::Ranges(all) => {
                Box::new(all.into_iter().map(|(number, digest)| Bucket { number, digest }))
            }
        }
    }
}

impl Hashed {
    fn add(&mut self, rows: Bucket) {
        self.waiting.push(rows);
        if self.waiting.len() == WAITING {
            self.add_waiting();
        }
    }

    fn add_waiting(&mut self) {
        for Bucket { number, digest } in self.waiting.drain(..) {
            self.all[number as usize].add(digest);
        }
    }
}

impl Complete {
    fn of(bucket: Bucket) -> Self {
        let mut digest = Compact::default();
        digest.add(bucket.digest);
        Self { number: bucket.number, digest }
    }

    fn whole(self) -> Bucket {
        Bucket { number: self.number, digest: self.digest.whole() }
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
                open.add(bucket(number, 1, hash)).expect("a bucket");
            }
            let all: Vec<_> = open.into_all().collect();
            assert_eq!(all, [bucket(0, 1, -2), bucket(5, 2, 8)]);
        }
    }

    #[test]
    fn buckets_that_come_in_order_go_on_behind_each_other_only() {
        let mut open = OpenBuckets::of(Bucketing::Range { shift: 3 }, true);
        let mut add = |number, hash| open.add(bucket(number, 1, hash));
        add(-1, 4).expect("a bucket");
        add(-1, 4).expect("a bucket");
        add(3, 5).expect("a bucket");
        assert!(add(2, 1).is_err());
        assert_eq!(open.into_all().collect::<Vec<_>>(), [bucket(-1, 2, 8), bucket(3, 1, 5)]);
    }
}
