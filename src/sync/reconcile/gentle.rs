//! Digests of buckets range by range, with a pause after each: for servers that have other work to do.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::buckets::{self, Detail, Slicing};
use super::merge::{self, BucketDiff};
use super::{Difference, Scope};
use crate::error::Result;
use crate::sql::buckets::Bucketing;
use crate::sql::digest::DigestOf;
use crate::sql::query::BucketQuery;
use crate::sync::table_state::TableRun;
use crate::target_side;

/// How long both servers should work on a range.
const WORK: Duration = Duration::from_millis(500);
/// Buckets of the first range, whose time is unknown.
const FIRST: i64 = 1024;
/// A range is at most so many times as large as the one before.
const GROWTH: f64 = 8.0;
/// Ranges of a table whose keys are hashed: for each, the servers hash all keys.
const MOST_OF_HASHES: i64 = 16;

/// Compares whole rows as [`super::find`] does, while the servers work for so large a `share` of the time.
///
/// # Errors
/// Those of both sides, and a stop.
pub async fn find(run: &mut TableRun<'_>, share: f64) -> Result<Difference> {
    let Slicing { bucketing, buckets } = buckets::slicing(run, Detail::Coarse).await?;
    // One server process, not one and its helpers.
    tokio::try_join!(
        run.source.without_helpers("calming the source"),
        target_side::digest::without_helpers(run.target, "calming the target"),
    )?;
    let least = match bucketing {
        Bucketing::Range { .. } => 1,
        Bucketing::Hash { mask } => mask / MOST_OF_HASHES + 1,
    };
    let (mut all, mut from, mut size) = (BucketDiff::default(), *buckets.start(), FIRST.max(least));
    while from <= *buckets.end() {
        run.round.check_stopped()?;
        let to = from.saturating_add(size - 1).min(*buckets.end());
        let began = Instant::now();
        all.append(range(run, bucketing, from..=to).await?);
        let took = began.elapsed();
        size = next_size(size, took).max(least);
        if to < *buckets.end() {
            let mut stop = run.round.stop.clone();
            tokio::select! {
                _ = stop.wait() => {}
                () = tokio::time::sleep(took.mul_f64(1.0 / share - 1.0)) => {}
            }
        }
        let Some(next) = to.checked_add(1) else { break };
        from = next;
    }
    run.state.travelled += all.bytes;
    Ok(Difference::of(all, DigestOf::Rows, Scope::Table, bucketing))
}

async fn range(
    run: &TableRun<'_>,
    bucketing: Bucketing,
    buckets: RangeInclusive<i64>,
) -> Result<BucketDiff> {
    let (mapping, scope) = (&run.state.plan.mapping, Scope::Table.rows(&run.state.plan));
    let within = Some(&buckets);
    let query = BucketQuery { of: DigestOf::Rows, bucketing, scope, within };
    let (source, target) = tokio::try_join!(
        run.source.bucket_digests("digesting buckets", mapping, query),
        target_side::digest::buckets(run.target, "digesting buckets", mapping, query),
    )?;
    merge::merge(source, target, false).await
}

/// The size of a range that takes as long as it should, going by the last one.
fn next_size(size: i64, took: Duration) -> i64 {
    let factor = WORK.as_secs_f64() / took.as_secs_f64().max(0.001);
    (size as f64 * factor.min(GROWTH)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_grow_and_shrink_towards_half_a_second() {
        let next = |size, ms| next_size(size, Duration::from_millis(ms));
        assert_eq!(next(1000, 500), 1000);
        assert_eq!(next(1000, 1000), 500);
        assert_eq!(next(1000, 250), 2000);
        assert_eq!(next(1000, 0), 8000);
        assert_eq!(next(3, 60_000), 0);
    }
}
