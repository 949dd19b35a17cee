//! Comparing two streams of the digests of buckets, both in the order of buckets. Memory holds the differing
//! buckets only, as spans.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use futures_util::TryStreamExt;

use crate::digest::Digest;
use crate::digest::buckets::{Arrival, Bucket, BucketStream};
use crate::error::Result;
use crate::sql::buckets::LoneKey;

/// What the comparison of all buckets found.
#[derive(Debug, Default, PartialEq)]
pub struct BucketDiff {
    /// Buckets that both sides or only the target have.
    pub differing: Vec<RangeInclusive<i64>>,
    /// Buckets that only the source has.
    pub missing_on_target: Vec<RangeInclusive<i64>>,
    /// Buckets that differ by one key, where such are told apart.
    pub singles: Vec<LoneKey>,
    pub target_rows: u64,
    /// What the source has in the buckets that differ and in those that only it has.
    pub source: Digest,
    /// What the source has in all buckets.
    pub source_rows: Digest,
    pub bytes: u64,
}

impl BucketDiff {
    /// Adds what was found in buckets behind these.
    pub fn append(&mut self, other: Self) {
        self.differing.extend(other.differing);
        self.missing_on_target.extend(other.missing_on_target);
        self.singles.extend(other.singles);
        self.target_rows += other.target_rows;
        self.source.add(other.source);
        self.source_rows.add(other.source_rows);
        self.bytes += other.bytes;
    }

    /// Notes a bucket of which the sides have these digests.
    fn note(&mut self, source: Option<Bucket>, target: Option<Bucket>, singles: bool) {
        self.target_rows += target.map_or(0, |bucket| bucket.digest.rows);
        self.source_rows.add(digest(source));
        if source == target {
            return;
        }
        self.source.add(digest(source));
        match (source, target) {
            (Some(bucket), None) => extend(&mut self.missing_on_target, bucket.number),
            _ => match single(source, target).filter(|_| singles) {
                Some(single) => self.singles.push(single),
                None => source.or(target).iter().for_each(|bucket| {
                    extend(&mut self.differing, bucket.number);
                }),
            },
        }
    }

    /// Takes the next bucket of a stream.
    async fn next(&mut self, stream: &mut BucketStream) -> Result<Option<Bucket>> {
        let Some(Arrival { bucket, bytes }) = stream.try_next().await? else { return Ok(None) };
        self.bytes += bytes;
        Ok(Some(bucket))
    }
}

/// Of no bucket, that of no rows.
fn digest(bucket: Option<Bucket>) -> Digest {
    bucket.map(|bucket| bucket.digest).unwrap_or_default()
}

/// The hash by which a bucket of the source differs from that of the target, if that may be one row's: sums are
/// exact, so the difference of two sums of which one has one row more is the hash of this row, or else that of none.
fn single(source: Option<Bucket>, target: Option<Bucket>) -> Option<LoneKey> {
    let bucket = source.or(target)?.number;
    let (source, target) = (digest(source), digest(target));
    let difference = source.sum - target.sum;
    let hash = if source.rows == target.rows + 1 {
        difference
    } else if source.rows + 1 == target.rows {
        -difference
    } else {
        return None;
    };
    Some(LoneKey { bucket, hash: i64::try_from(hash).ok()? })
}

/// Walks both streams in the order of buckets, with an eye for `singles`.
pub async fn merge(
    mut source: BucketStream,
    mut target: BucketStream,
    singles: bool,
) -> Result<BucketDiff> {
    let mut diff = BucketDiff::default();
    let mut here = diff.next(&mut source).await?;
    let mut there = diff.next(&mut target).await?;
    loop {
        let order = match (&here, &there) {
            (None, None) => return Ok(diff),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(two)) => one.number.cmp(&two.number),
        };
        // The lower bucket is the other side's turn to wait.
        let one = here.take_if(|_| order.is_le());
        let two = there.take_if(|_| order.is_ge());
        diff.note(one, two, singles);
        if one.is_some() {
            here = diff.next(&mut source).await?;
        }
        if two.is_some() {
            there = diff.next(&mut target).await?;
        }
    }
}

/// Adds a bucket behind the others.
fn extend(spans: &mut Vec<RangeInclusive<i64>>, bucket: i64) {
    match spans.last_mut() {
        Some(span) if *span.end() == bucket - 1 => *span = *span.start()..=bucket,
        _ => spans.push(bucket..=bucket),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt, stream};

    use super::*;

    /// What the merge of two lists of lines finds. Streams of lists are always ready.
    fn merged(source: &[&str], target: &[&str], singles: bool) -> Result<BucketDiff> {
        let lines = |lines: &[&str]| {
            let arrival = |line: &&str| {
                Ok(Arrival { bucket: Bucket::parse(line.as_bytes())?, bytes: line.len() as u64 })
            };
            stream::iter(lines.iter().map(arrival).collect::<Vec<_>>()).boxed()
        };
        let merged = merge(lines(source), lines(target), singles).now_or_never();
        merged.expect("nothing is waited for")
    }

    #[test]
    fn buckets_that_are_equal_say_nothing() {
        let lines = ["0\t3\t30", "5\t1\t-7"];
        let diff = merged(&lines, &lines, true).expect("merges");
        let bytes = 2 * ("0\t3\t30".len() + "5\t1\t-7".len()) as u64;
        let source_rows = Digest { rows: 4, sum: 23 };
        let equal = BucketDiff { target_rows: 4, source_rows, bytes, ..BucketDiff::default() };
        assert_eq!(diff, equal);
        let none = merged(&[], &[], true).expect("merges");
        assert_eq!(none, BucketDiff::default());
    }

    #[test]
    fn buckets_are_told_apart_by_the_sides_that_have_them() {
        type Spans = Vec<RangeInclusive<i64>>;
        let cases: [(&[&str], &[&str], Spans, Spans); 7] = [
            (&["1\t1\t9"], &["1\t1\t8"], vec![1..=1], vec![]),
            (&["1\t1\t9"], &[], vec![], vec![1..=1]),
            (&[], &["1\t1\t9"], vec![1..=1], vec![]),
            (&["1\t1\t9", "2\t1\t9"], &["3\t1\t9"], vec![3..=3], vec![1..=2]),
            (&["3\t1\t9"], &["1\t1\t9", "2\t1\t9"], vec![1..=2], vec![3..=3]),
            (&["1\t2\t9", "4\t1\t1"], &["1\t3\t9", "2\t1\t1"], vec![1..=2], vec![4..=4]),
            (&["-2\t1\t1", "-1\t1\t1"], &["-1\t1\t2"], vec![-1..=-1], vec![-2..=-2]),
        ];
        for (source, target, differing, missing) in cases {
            let diff = merged(source, target, false).expect("merges");
            assert_eq!(diff.differing, differing, "{source:?} {target:?}");
            assert_eq!(diff.missing_on_target, missing, "{source:?} {target:?}");
            assert_eq!(diff.singles, [], "{source:?} {target:?}");
        }
    }

    #[test]
    fn the_sources_digest_is_that_of_the_buckets_that_differ() {
        let source = ["1\t1\t5", "2\t2\t7", "3\t4\t-1"];
        let target = ["2\t2\t7", "3\t3\t-1", "9\t6\t6"];
        let diff = merged(&source, &target, false).expect("merges");
        assert_eq!(diff.source, Digest { rows: 5, sum: 4 });
        assert_eq!(diff.source_rows, Digest { rows: 7, sum: 11 });
        assert_eq!(diff.target_rows, 11);
    }

    #[test]
    fn a_bucket_that_differs_by_one_row_gives_its_hash() {
        let single = |bucket, hash| vec![LoneKey { bucket, hash }];
        let cases: [(&[&str], &[&str], Vec<LoneKey>); 6] = [
            // One more on the source, one more on the target, the only one there.
            (&["1\t2\t9"], &["1\t1\t4"], single(1, 5)),
            (&["1\t1\t4"], &["1\t2\t9"], single(1, 5)),
            (&[], &["1\t1\t-4"], single(1, -4)),
            // As many rows, or two more: any rows may differ.
            (&["1\t2\t9"], &["1\t2\t4"], vec![]),
            (&["1\t3\t9"], &["1\t1\t4"], vec![]),
            // A difference that no hash has.
            (&["1\t2\t9223372036854775808"], &["1\t1\t0"], vec![]),
        ];
        for (source, target, singles) in cases {
            let diff = merged(source, target, true).expect("merges");
            assert_eq!(diff.singles, singles, "{source:?} {target:?}");
            assert_eq!(diff.differing.is_empty(), !singles.is_empty(), "{source:?} {target:?}");
        }
    }

    #[test]
    fn a_line_that_is_no_digest_is_an_error() {
        for line in ["", "x\t1\t1", "1", "1\t-1\t1", "1\t1", "1\t1\tx"] {
            let merged = merged(&[line], &["1\t1\t1"], false);
            assert!(merged.is_err(), "{line:?}");
        }
    }
}
