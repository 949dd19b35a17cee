//! Digests of buckets while the rows of a table arrive.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use futures_util::stream::{self, BoxStream, StreamExt};

use super::Digest;
use crate::error::{Error, Result};

/// A bucket and the digest of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub number: i64,
    pub digest: Digest,
}

impl Bucket {
    /// From `number, count, sum` as COPY text.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(line: &[u8]) -> Result<Self> {
        let parsed = std::str::from_utf8(line).ok().and_then(|line| {
            let mut fields = line.trim_end().split('\t');
            let number = fields.next()?.parse().ok()?;
            let rows = fields.next()?.parse().ok()?;
            let sum = fields.next()?.parse().ok()?;
            Some(Self { number, digest: Digest { rows, sum } })
        });
        parsed.ok_or_else(|| Error::Internal("a digest cannot be read".to_owned()))
    }
}

/// A bucket, and the bytes that travelled for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub bucket: Bucket,
    pub bytes: u64,
}

/// Buckets in the order of their numbers.
pub type BucketStream = BoxStream<'static, Result<Arrival>>;

/// The digests of buckets that may still get rows.
pub struct OpenBuckets(Order);

enum Order {
    /// Rows come in the order of their keys, so one is open, behind those that are complete.
    InOrder(Option<Bucket>, Vec<Complete>),
    Numbered(Numbered),
}

/// A digest in half its space: 96 bits hold the hashes of four billion rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compact {
    rows: u32,
    high: i32,
    low: u64,
}

/// Buckets by their numbers, which lie in a range. A map takes twice as long (measured on 1 M rows).
#[derive(Default)]
struct Numbered {
    first: i64,
    all: Vec<Compact>,
    /// Those outside of the range.
    others: BTreeMap<i64, Digest>,
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
    /// No rows yet; they come in the order of their buckets.
    pub fn in_order() -> Self {
        Self(Order::InOrder(None, Vec::new()))
    }

    /// No rows yet; the numbers of most buckets lie in this range, for each of which there is room.
    pub fn numbered(range: RangeInclusive<i64>) -> Self {
        let many = range.end().saturating_sub(*range.start()).saturating_add(1).max(0);
        Self(Order::Numbered(Numbered {
            first: *range.start(),
            all: vec![Compact::default(); many as usize],
            others: BTreeMap::new(),
            waiting: Vec::with_capacity(WAITING),
        }))
    }

    /// No rows yet; nothing is known of the numbers of their buckets.
    pub fn anywhere() -> Self {
        Self(Order::Numbered(Numbered::default()))
    }

    /// Adds rows to the bucket of their number.
    ///
    /// # Errors
    /// [`Error::Blocked`] where keys come in another order than theirs.
    pub fn add(&mut self, rows: Bucket) -> Result<()> {
        match &mut self.0 {
            Order::InOrder(Some(open), _) if open.number == rows.number => {
                open.digest.add(rows.digest);
            }
            Order::InOrder(Some(open), _) if open.number > rows.number => return Err(unordered()),
            Order::InOrder(open, complete) => {
                complete.extend(open.replace(rows).map(Complete::of));
            }
            Order::Numbered(numbered) => numbered.add(rows),
        }
        Ok(())
    }

    /// All that have rows; `bytes` travelled for each row.
    pub fn into_stream(self, bytes: u64) -> BucketStream {
        let arrival = move |bucket: Bucket| Arrival { bucket, bytes: bytes * bucket.digest.rows };
        stream::iter(self.into_all().map(move |bucket| Ok(arrival(bucket)))).boxed()
    }

    /// All that have rows, in the order of their numbers.
    fn into_all(self) -> Box<dyn Iterator<Item = Bucket> + Send> {
        match self.0 {
            Order::InOrder(open, complete) => {
                Box::new(complete.into_iter().map(Complete::whole).chain(open))
            }
            Order::Numbered(numbered) => Box::new(numbered.into_all()),
        }
    }
}

impl Numbered {
    fn add(&mut self, rows: Bucket) {
        self.waiting.push(rows);
        if self.waiting.len() == WAITING {
            self.add_waiting();
        }
    }

    fn add_waiting(&mut self) {
        for Bucket { number, digest } in self.waiting.drain(..) {
            let place = usize::try_from(number.wrapping_sub(self.first)).ok();
            match place.and_then(|place| self.all.get_mut(place)) {
                Some(bucket) => bucket.add(digest),
                None => self.others.entry(number).or_default().add(digest),
            }
        }
    }

    fn into_all(mut self) -> impl Iterator<Item = Bucket> + Send {
        self.add_waiting();
        let of_map = |(number, digest)| Bucket { number, digest };
        let behind = self.others.split_off(&self.first);
        let number = move |place: usize| self.first.wrapping_add(place as i64);
        let all = self.all.into_iter().enumerate();
        let all =
            all.map(move |(place, sum)| Bucket { number: number(place), digest: sum.whole() });
        let all = all.filter(|bucket| bucket.digest.rows > 0);
        self.others.into_iter().map(of_map).chain(all).chain(behind.into_iter().map(of_map))
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
        let ranges = [0..=7, -3..=0, 5..=5, 2..=3, i64::MAX..=i64::MAX];
        let open = ranges.into_iter().map(OpenBuckets::numbered);
        for mut open in open.chain([OpenBuckets::anywhere()]) {
            for (number, hash) in [(5, 7), (0, -2), (5, 1), (i64::MIN, 3)] {
                open.add(bucket(number, 1, hash)).expect("a bucket");
            }
            let all: Vec<_> = open.into_all().collect();
            assert_eq!(all, [bucket(i64::MIN, 1, 3), bucket(0, 1, -2), bucket(5, 2, 8)]);
        }
    }

    #[test]
    fn buckets_that_come_in_order_go_on_behind_each_other_only() {
        let mut open = OpenBuckets::in_order();
        let mut add = |number, hash| open.add(bucket(number, 1, hash));
        add(-1, 4).expect("a bucket");
        add(-1, 4).expect("a bucket");
        add(3, 5).expect("a bucket");
        assert!(add(2, 1).is_err());
        assert_eq!(open.into_all().collect::<Vec<_>>(), [bucket(-1, 2, 8), bucket(3, 1, 5)]);
    }
}
