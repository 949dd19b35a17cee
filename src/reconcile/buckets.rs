//! Cutting a table into buckets and comparing two ordered streams of their digests. Memory holds the
//! differing buckets only, as spans.

use bytes::Bytes;

use crate::copy_text;
use crate::error::{Error, Result, Side};
use crate::pg::RowStream;
use crate::sql::buckets::Slicing;
use crate::strategy::Job;

/// Rows that a bucket should hold: small enough that few equal rows travel with a changed one.
const ROWS: u64 = 32;
/// Buckets of a table at most, 2^18: their digests are what both servers keep in memory.
const MOST: u32 = 18;

/// What the comparison of all buckets found.
#[derive(Debug, Default)]
pub struct Merged {
    pub differing: Vec<(i64, i64)>,
    pub absent: Vec<(i64, i64)>,
    pub target_rows: u64,
    pub bytes: u64,
}

/// Ranges of integer keys, when they lie close enough together that each holds some rows; else
/// buckets of key hashes.
pub async fn slicing(job: &Job) -> Result<Slicing> {
    let shape = &job.plan.shape;
    let buckets = (job.plan.rows / ROWS).max(1);
    let bits = (u64::BITS - buckets.leading_zeros()).min(MOST);
    let hash = Slicing::Hash { mask: (1 << bits) - 1 };
    if !shape.has_integer_key() {
        return Ok(hash);
    }
    let (here, there) = (shape.key_bounds(Side::Source), shape.key_bounds(Side::Target));
    let (here, there) = tokio::try_join!(
        job.source.row("reading the bounds of keys", &here),
        job.target.row("reading the bounds of keys", &there),
    )?;
    let bounds = [here.text(0), here.text(1), there.text(0), there.text(1)];
    let bounds: Vec<i128> = bounds.into_iter().flatten().filter_map(|b| b.parse().ok()).collect();
    let (least, greatest) = (bounds.iter().min(), bounds.iter().max());
    let span = least.zip(greatest).map_or(1, |(least, greatest)| greatest - least + 1);
    if span > i128::from(job.plan.rows.max(1)) * i128::from(ROWS) {
        return Ok(hash);
    }
    let shift = (0..62).find(|shift| span >> shift <= i128::from(1u64 << bits)).unwrap_or(62);
    Ok(Slicing::Range { shift })
}

/// One line of digests: the bucket's number, its rows, and the rest as it came.
struct Line {
    bucket: i64,
    rows: u64,
    bytes: Bytes,
}

/// Walks both streams in the order of buckets.
pub async fn merge(mut here: RowStream, mut there: RowStream) -> Result<Merged> {
    let mut merged = Merged::default();
    let (mut source, mut target) =
        (next(&mut here, &mut merged).await?, next(&mut there, &mut merged).await?);
    loop {
        match (&source, &target) {
            (None, None) => return Ok(merged),
            (Some(line), other) if other.as_ref().is_none_or(|o| line.bucket < o.bucket) => {
                extend(&mut merged.absent, line.bucket);
                source = next(&mut here, &mut merged).await?;
            }
            (other, Some(line)) if other.as_ref().is_none_or(|o| line.bucket < o.bucket) => {
                extend(&mut merged.differing, line.bucket);
                merged.target_rows += line.rows;
                target = next(&mut there, &mut merged).await?;
            }
            (Some(one), Some(two)) => {
                if one.bytes != two.bytes {
                    extend(&mut merged.differing, one.bucket);
                }
                merged.target_rows += two.rows;
                source = next(&mut here, &mut merged).await?;
                target = next(&mut there, &mut merged).await?;
            }
            // The arms above take every pair in which one side is missing.
            (Some(_), None) | (None, Some(_)) => {
                return Err(Error::Internal("two streams of digests do not merge".to_owned()));
            }
        }
    }
}

async fn next(stream: &mut RowStream, merged: &mut Merged) -> Result<Option<Line>> {
    let Some(bytes) = stream.next().await? else { return Ok(None) };
    merged.bytes += bytes.len() as u64;
    let mut fields = copy_text::fields(&bytes);
    let bucket = fields.next().and_then(|field| field.parse().ok());
    let rows = fields.next().and_then(|field| field.parse().ok());
    match (bucket, rows) {
        (Some(bucket), Some(rows)) => Ok(Some(Line { bucket, rows, bytes: bytes.clone() })),
        _ => Err(Error::Internal("a digest cannot be read".to_owned())),
    }
}

/// Adds a bucket behind the others.
fn extend(spans: &mut Vec<(i64, i64)>, bucket: i64) {
    match spans.last_mut() {
        Some((_, high)) if *high == bucket - 1 => *high = bucket,
        _ => spans.push((bucket, bucket)),
    }
}
