//! Finding what differs by digests, without collecting keys: a look at both sides' sums, then
//! buckets, then the keys of differing buckets, which the target itself compares (`docs/how-it-works.md`).

mod buckets;
pub mod delete;
pub mod digest;
pub mod gentle;
pub mod max_delete;
mod merge;
mod probe;
pub mod proof;

pub use probe::{Probe, Sessions, Window, probe, probes, same_rows};

use std::ops::RangeInclusive;
use std::time::Duration;

use buckets::{Detail, Slicing};
use merge::BucketDiff;

use crate::digest::Digest;
use crate::digest::buckets::OpenBuckets;
use crate::error::{Result, Side};
use crate::event::Phase;
use crate::outcome::Strategy;
use crate::plan::TablePlan;
use crate::plan::schedule::Pass;
use crate::source::Reader;
use crate::sql::buckets::{Bucketing, Buckets, LoneKey};
use crate::sql::digest::DigestOf;
use crate::sql::keys::KeyList;
use crate::sql::query::{BucketQuery, DigestQuery, RowQuery, RowScope, Since};
use crate::sync::batches::Batches;
use crate::sync::table_state::TableRun;
use crate::target_side;
use crate::target_side::apply::Mode;
use crate::target_side::keys;

/// Keys looked up on the source by one statement; and in a file, which is read ahead while the target writes.
const LOOKUP: u64 = 2000;
const LOOKUP_OF_FILE: u64 = 8000;
/// The round trip to a target in the same network.
const NEAR: Duration = Duration::from_millis(1);

/// Which rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Table,
    /// Those without a finite timestamp.
    Timeless,
}

impl Scope {
    fn rows(self, plan: &TablePlan) -> RowScope<'_> {
        match (self, &plan.timestamp) {
            (Scope::Timeless, Some(timestamp)) => RowScope::WithoutTimestamp(timestamp),
            _ => RowScope::Table,
        }
    }
}

/// The buckets in which two sides differ, ascending, as closed spans of bucket numbers.
#[derive(Clone, Debug)]
pub struct Difference {
    measure: DigestOf,
    scope: Scope,
    slicing: Bucketing,
    /// Buckets that both sides or only the target have.
    differing: Vec<RangeInclusive<i64>>,
    /// Buckets that only the source has.
    missing_on_target: Vec<RangeInclusive<i64>>,
    /// Of buckets that differ by one key.
    singles: Vec<LoneKey>,
    /// All rows of the target, for shares.
    pub target_rows: u64,
    /// What the source has in the buckets of this difference.
    pub source: Digest,
    /// Whether the source has no row at all.
    pub source_is_empty: bool,
}

impl Difference {
    fn of(found: BucketDiff, measure: DigestOf, scope: Scope, slicing: Bucketing) -> Self {
        Self {
            measure,
            scope,
            slicing,
            differing: found.differing,
            missing_on_target: found.missing_on_target,
            singles: found.singles,
            target_rows: found.target_rows,
            source: found.source,
            source_is_empty: scope == Scope::Table && found.source_rows.rows == 0,
        }
    }

    /// Whether no bucket and no single key differs.
    pub fn is_none(&self) -> bool {
        self.differing.is_empty() && self.missing_on_target.is_empty() && self.singles.is_empty()
    }

    /// Whether rows that only the source has are all the difference there is.
    pub fn is_all_missing(&self) -> bool {
        self.differing.is_empty() && self.singles.is_empty()
    }

    /// Whether there are buckets that only the source has.
    pub fn has_missing(&self) -> bool {
        !self.missing_on_target.is_empty()
    }

    /// The buckets that only the source has.
    fn only_missing(&self) -> Buckets {
        Buckets::new(self.slicing, &self.missing_on_target)
    }

    /// What the source has in the buckets that only it has.
    async fn missing_digest(&self, run: &TableRun<'_>) -> Result<Digest> {
        if self.missing_on_target.is_empty() {
            return Ok(Digest::default());
        }
        let (buckets, scope) = (&self.only_missing(), self.scope.rows(&run.state.plan));
        let missing = DigestQuery::Buckets { buckets, scope };
        run.source.digest("counting missing rows", &run.state.plan.mapping, missing).await
    }

    /// The rows of the source in the buckets that only it has.
    ///
    /// # Errors
    /// The source's.
    pub async fn missing_rows(&self, run: &TableRun<'_>) -> Result<u64> {
        Ok(self.missing_digest(run).await?.rows)
    }

    /// All buckets that differ, with those that only the source has, but without single keys.
    pub fn every_bucket(&self) -> Buckets {
        let spans = self.differing.iter().chain(&self.missing_on_target);
        let mut spans: Vec<RangeInclusive<i64>> = spans.cloned().collect();
        spans.sort_unstable_by_key(|span| *span.start());
        Buckets::new(self.slicing, &spans)
    }

    /// The same, with the buckets that only the source has among those whose keys are staged.
    pub fn with_missing_staged(mut self) -> Self {
        self.differing.append(&mut self.missing_on_target);
        self.differing.sort_unstable_by_key(|span| *span.start());
        self
    }

    /// The buckets that differ, but for those that only the source has.
    pub fn differing(&self) -> Buckets {
        Buckets::new(self.slicing, &self.differing).with_singles(&self.singles)
    }
}

/// After the changes of an incremental run: vanished keys are deleted, missing ones fetched. Gives whether
/// the rows that were fetched arrived as the source has them.
pub async fn keys(run: &mut TableRun<'_>, probe: &Probe, pass: Pass) -> Result<bool> {
    run.phase(Phase::Keys);
    if keys_equal(run, probe).await? {
        return Ok(true);
    }
    let mut difference = find(run, DigestOf::Keys, Scope::Table, expected(run, probe)).await?;
    if difference.is_none() {
        return Ok(true);
    }
    stage(run, &difference).await?;
    if !keys::all_found(run.target, &run.state.plan, &difference.singles).await? {
        difference = find(run, DigestOf::Keys, Scope::Table, None).await?;
        stage(run, &difference).await?;
    }
    let mut proven = true;
    if pass != Pass::Delete {
        let wanted = fetch(run, &difference, Mode::Upsert).await?;
        proven = proof::fetched(run, &difference, wanted).await?;
    }
    if pass != Pass::Write {
        delete::vanished(run, &difference).await?;
    }
    Ok(proven)
}

/// How many keys differ, going by the numbers of rows; nothing where they say nothing, or where more than
/// the key is digested.
fn expected(run: &TableRun<'_>, probe: &Probe) -> Option<u64> {
    let source = probe.source_keys?.rows;
    let target = probe.target_keys?.rows + run.state.counts.inserted;
    let number = source.abs_diff(target);
    (number > 0 && run.state.plan.mapping.drifting.is_empty()).then_some(number)
}

/// Whether no key has vanished and none is missing, after what the job has written. Where its writes
/// told what they did to the keys, these are not read again. Where the rows do not even add up the
/// digest is spared: the buckets' digests tell more.
pub async fn keys_equal(run: &TableRun<'_>, probe: &Probe) -> Result<bool> {
    let Some(source) = probe.source_keys else { return Ok(false) };
    if run.is_dry() {
        // Nothing was written.
        return Ok(probe.keys_equal && run.state.counts.inserted == 0);
    }
    match (run.state.keys, probe.target_keys) {
        (Some(target), _) => Ok(source == target),
        (None, Some(before)) if before.rows + run.state.counts.inserted != source.rows => Ok(false),
        (None, _) => Ok(source == digest::one(run, Side::Target, DigestQuery::Keys).await?),
    }
}

/// Compares the digests of all buckets. Where it is known how many keys are `expected` to differ, those
/// that differ alone in their bucket are told apart.
pub async fn find(
    run: &mut TableRun<'_>,
    measure: DigestOf,
    scope: Scope,
    expected: Option<u64>,
) -> Result<Difference> {
    let detail = match expected {
        Some(keys) => Detail::Expected(keys),
        None if is_summed_here(run).await? => Detail::Fine,
        None => Detail::Coarse,
    };
    let Slicing { bucketing: slicing, buckets } = buckets::slicing(run, detail).await?;
    let (mapping, rows) = (&run.state.plan.mapping, scope.rows(&run.state.plan));
    let query = BucketQuery { of: measure, bucketing: slicing, scope: rows, within: None };
    let doing = "digesting buckets";
    let target = async {
        if detail == Detail::Fine {
            let sums = OpenBuckets::numbered(buckets);
            target_side::digest::buckets_of_hashes(run.target, doing, mapping, query, sums).await
        } else {
            target_side::digest::buckets(run.target, doing, mapping, query).await
        }
    };
    let (source, target) =
        tokio::try_join!(run.source.bucket_digests(doing, mapping, query), target)?;
    let singles = expected.is_some() && matches!(slicing, Bucketing::Hash { .. });
    let merged = merge::merge(source, target, singles).await?;
    run.state.travelled += merged.bytes;
    if (measure, scope) == (DigestOf::Rows, Scope::Table) {
        run.note_source(merged.source_rows);
    }
    Ok(Difference::of(merged, measure, scope, slicing))
}

/// Whether the target's rows are hashed there and summed here, as those of a file are: it has to be near, because
/// 26 bytes of each row travel.
async fn is_summed_here(run: &TableRun<'_>) -> Result<bool> {
    Ok(run.round.source.is_local() && run.target.round_trip().await? < NEAR)
}

/// Sends the source's keys and hashes of the differing buckets to the target, which then knows what
/// it lacks.
pub async fn stage(run: &mut TableRun<'_>, difference: &Difference) -> Result<()> {
    let (buckets, measure) = (difference.differing(), difference.measure);
    let scope = difference.scope.rows(&run.state.plan);
    let hashes = RowQuery::KeyHashes { buckets: &buckets, of: measure, scope };
    // Both servers look up their rows at once.
    let (rows, taken) = tokio::join!(
        run.source.copy_out("reading keys", &run.state.plan.mapping, hashes),
        keys::stage_target_keys(run.target, &run.state.plan, measure, &buckets),
    );
    let mut rows = rows?;
    taken?;
    let mut keys = keys::stage_keys(run.target, &run.state.plan).await?;
    while let Some(row) = rows.next().await? {
        run.state.travelled += row.len() as u64;
        keys.push(row).await?;
    }
    keys::finish_keys(run.target, &run.state.plan, keys).await
}

/// Fetches what the target lacks or has otherwise, and writes it; gives how many keys it had listed for
/// that. May be repeated.
pub async fn fetch(run: &mut TableRun<'_>, difference: &Difference, mode: Mode) -> Result<u64> {
    let plan = run.state.plan.clone();
    let wanted = keys::number_missing_keys(run.target, &plan).await?;
    if difference.missing_on_target.is_empty() {
        run.expect(wanted);
    }
    let uncounted = uncounted(&plan, run.is_dry(), difference.scope);
    let all = plan.one_statement || mode.takes_all();
    let mut batches = Batches::new(run.round, run.target, &plan, run.state, mode).together(all);
    if difference.has_missing() {
        let scope = match difference.scope {
            Scope::Table => uncounted,
            Scope::Timeless => difference.scope.rows(&plan),
        };
        let buckets = &difference.only_missing();
        write(run.source, &plan, RowQuery::Buckets { buckets, scope }, &mut batches).await?;
    }
    let lookup = if run.round.source.is_local() { LOOKUP_OF_FILE } else { LOOKUP };
    for from in (1..=wanted).step_by(lookup as usize) {
        batches.suspend().await?;
        let (list, to) = (KeyList::Wanted, from + lookup);
        let keys = &keys::numbered(run.target, &plan, list, from, to).await?;
        write(run.source, &plan, RowQuery::Keys { keys, scope: uncounted }, &mut batches).await?;
    }
    batches.finish().await?;
    Ok(wanted)
}

/// Reads rows that differ, and hands them on.
async fn write(
    source: &Reader,
    plan: &TablePlan,
    query: RowQuery<'_>,
    batches: &mut Batches<'_>,
) -> Result<()> {
    let mut rows = source.copy_out("reading differing rows", &plan.mapping, query).await?;
    while let Some(row) = rows.next().await? {
        batches.push(row).await?;
    }
    Ok(())
}

/// In a dry run nothing was written, so rows of the window, and after them those without a finite
/// timestamp, would be counted as missing again.
fn uncounted(plan: &TablePlan, dry: bool, scope: Scope) -> RowScope<'_> {
    let counted = dry && plan.strategy == Strategy::Incremental;
    match (plan.timestamp.as_ref().filter(|_| counted), plan.reads_from()) {
        (Some(timestamp), Some(from)) => match scope {
            Scope::Timeless => RowScope::NotSince(Since { timestamp, from }),
            Scope::Table => RowScope::Before(Since { timestamp, from }),
        },
        _ => RowScope::Table,
    }
}
