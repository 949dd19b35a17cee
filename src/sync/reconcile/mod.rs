//! Finding what differs by digests, without collecting keys: a look at both sides' sums, then
//! buckets, then the keys of differing buckets, which the target itself compares (DESIGN §4.6).

mod buckets;
pub mod delete;
pub mod digest;
pub mod max_delete;
mod probe;
pub mod proof;

pub use digest::Digest;
pub use probe::{Lock, Probe, Sessions, Window, probe, read_in_snapshot, same_rows};

use crate::error::{Result, Side};
use crate::event::Phase;
use crate::outcome::Strategy;
use crate::plan::schedule::Pass;
use crate::sql::buckets::{Bucketing, Buckets, LoneKey};
use crate::sql::digest::DigestOf;
use crate::sql::keys::KeyList;
use crate::sql::{Sql, sql};
use crate::sync::strategy::{Batch, TableRun};
use crate::target_side::apply::{Mode, Writer};
use crate::target_side::keys;

/// Keys looked up on the source by one statement.
const LOOKUP: u64 = 2000;

/// Which rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Table,
    /// Those without a finite timestamp.
    Timeless,
}

impl Scope {
    fn predicate(self, run: &TableRun) -> Option<Sql> {
        match self {
            Scope::Table => None,
            Scope::Timeless => {
                run.plan.timestamp.as_ref().map(|timestamp| timestamp.without_timestamp())
            }
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
    differing: Vec<(i64, i64)>,
    /// Buckets that only the source has.
    missing_on_target: Vec<(i64, i64)>,
    /// Of buckets that differ by one key.
    singles: Vec<LoneKey>,
    /// All rows of the target, for shares.
    pub target_rows: u64,
    /// What the source has in the buckets of this difference.
    pub source: Digest,
}

impl Difference {
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
    async fn missing_digest(&self, run: &TableRun) -> Result<Digest> {
        if self.missing_on_target.is_empty() {
            return Ok(Digest::default());
        }
        let scope = self.scope.predicate(run);
        let statement = run.plan.mapping.digest_buckets(
            Side::Source,
            &self.only_missing(),
            false,
            scope.as_ref(),
        );
        Digest::of(&run.source.row("counting missing rows", &statement).await?)
    }

    /// All buckets that differ, with those that only the source has, but without single keys.
    pub fn every_bucket(&self) -> Buckets {
        let mut spans: Vec<(i64, i64)> =
            self.differing.iter().chain(&self.missing_on_target).copied().collect();
        spans.sort_unstable();
        Buckets::new(self.slicing, &spans)
    }

    /// The buckets that differ, but for those that only the source has.
    pub fn differing(&self) -> Buckets {
        if self.singles.is_empty() {
            Buckets::new(self.slicing, &self.differing)
        } else {
            Buckets::with_singles(self.slicing, &self.differing, &self.singles)
        }
    }

    /// Reads the rows of the buckets that the target does not have at all.
    fn missing_rows(&self, run: &TableRun, counted: Option<&Sql>) -> Option<Sql> {
        if self.missing_on_target.is_empty() {
            return None;
        }
        let buckets = Buckets::new(self.slicing, &self.missing_on_target);
        let scope = self.scope.predicate(run);
        let scope = scope.or_else(|| counted.cloned().map(crate::sql::read::not));
        Some(run.plan.mapping.copy_buckets(&buckets, scope.as_ref()))
    }
}

/// After the changes of an incremental run: vanished keys are deleted, missing ones fetched. Gives whether
/// the rows that were fetched arrived as the source has them.
pub async fn keys(run: &mut TableRun, probe: &Probe, pass: Pass) -> Result<bool> {
    run.phase(Phase::Keys);
    if keys_equal(run, probe).await? {
        return Ok(true);
    }
    let mut difference = find(run, DigestOf::Keys, Scope::Table, expected(run, probe)).await?;
    if difference.is_none() {
        return Ok(true);
    }
    stage(run, &difference).await?;
    if !keys::all_found(&run.target, &run.plan, &difference.singles).await? {
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
fn expected(run: &TableRun, probe: &Probe) -> Option<u64> {
    let source = probe.source_keys?.rows;
    let target = probe.target_keys?.rows + run.counts.inserted;
    let number = source.abs_diff(target);
    (number > 0 && run.plan.mapping.drifting.is_empty()).then_some(number)
}

/// Whether no key has vanished and none is missing, after what the job has written. Where its writes
/// told what they did to the keys, these are not read again. Where the rows do not even add up the
/// digest is spared: the buckets' digests tell more.
pub async fn keys_equal(run: &TableRun, probe: &Probe) -> Result<bool> {
    let Some(source) = probe.source_keys else { return Ok(false) };
    if run.log_id.is_none() {
        // Nothing was written.
        return Ok(probe.keys_equal && run.counts.inserted == 0);
    }
    match (run.keys, probe.target_keys) {
        (Some(target), _) => Ok(source == target),
        (None, Some(before)) if before.rows + run.counts.inserted != source.rows => Ok(false),
        (None, _) => Ok(source == digest::one(run, Side::Target, DigestOf::Keys, None).await?),
    }
}

/// Compares the digests of all buckets. Where it is known how many keys are `expected` to differ, those
/// that differ alone in their bucket are told apart.
pub async fn find(
    run: &mut TableRun,
    measure: DigestOf,
    scope: Scope,
    expected: Option<u64>,
) -> Result<Difference> {
    let slicing = buckets::slicing(run, expected).await?;
    let predicate = scope.predicate(run);
    let statement =
        |side| run.plan.mapping.bucket_digests(side, measure, slicing, predicate.as_ref());
    let (here, there) = (statement(Side::Source), statement(Side::Target));
    let (here, there) = tokio::try_join!(
        run.source.copy_out("digesting buckets", &here),
        run.target.copy_out("digesting buckets", &there),
    )?;
    let singles = expected.is_some() && matches!(slicing, Bucketing::Hash { .. });
    let merged = buckets::merge(here, there, singles).await?;
    run.travelled += merged.bytes;
    Ok(Difference {
        measure,
        scope,
        slicing,
        differing: merged.differing,
        missing_on_target: merged.missing_on_target,
        singles: merged.singles,
        target_rows: merged.target_rows,
        source: merged.source,
    })
}

/// Sends the source's keys and hashes of the differing buckets to the target, which then knows what
/// it lacks.
pub async fn stage(run: &mut TableRun, difference: &Difference) -> Result<()> {
    let (buckets, measure) = (difference.differing(), difference.measure);
    let predicate = difference.scope.predicate(run);
    let copy = run.plan.mapping.copy_keys(&buckets, measure, predicate.as_ref());
    // Both servers look up their rows at once.
    let (rows, taken) = tokio::join!(
        run.source.copy_out("reading keys", &copy),
        keys::stage_target_keys(&run.target, &run.plan, measure, &buckets),
    );
    let mut rows = rows?;
    taken?;
    let mut keys = keys::stage_keys(&run.target, &run.plan).await?;
    while let Some(row) = rows.next().await? {
        run.travelled += row.len() as u64;
        keys.push(row).await?;
    }
    keys::finish_keys(&run.target, &run.plan, keys).await
}

/// Fetches what the target lacks or has otherwise, and writes it; gives how many keys it had listed for
/// that. May be repeated.
pub async fn fetch(run: &mut TableRun, difference: &Difference, mode: Mode) -> Result<u64> {
    let plan = run.plan.clone();
    let round = run.round.clone();
    let wanted = keys::number_missing_keys(&run.target, &plan).await?;
    if difference.missing_on_target.is_empty() {
        run.expect(wanted);
    }
    let together = plan.one_statement || mode.takes_all();
    let size = if together { u64::MAX } else { run.round.settings.batch_size };
    let counted = already_counted(run, difference.scope);
    let mut fetched = difference.missing_rows(run, counted.as_ref());
    let mut writer = Writer::new(&run.target, &plan, &round.sync_log, run.log_id, mode);
    let mut batch = Batch::default();
    let mut from = 1;
    loop {
        let copy = match fetched.take() {
            Some(copy) => copy,
            None if from <= wanted => {
                writer.suspend().await?;
                let list = KeyList::Wanted;
                let keys = keys::numbered(&run.target, &plan, list, from, from + LOOKUP).await?;
                from += LOOKUP;
                plan.mapping.copy_wanted(&keys, counted.as_ref())
            }
            None => break,
        };
        let mut rows = run.source.copy_out("reading differing rows", &copy).await?;
        while let Some(row) = rows.next().await? {
            if batch.rows >= size {
                run.moved(batch.rows);
                let applied = batch.commit_and_continue(&mut writer, None).await?;
                run.counts.add(applied.counts);
                run.keys = Digest::after(run.keys, &applied);
                run.more |= applied.more;
                run.round.check_stopped()?;
            }
            batch.push(&mut writer, row).await?;
        }
    }
    if batch.rows > 0 {
        run.moved(batch.rows);
        run.add(&batch.commit(&mut writer, None).await?);
    }
    Ok(wanted)
}

/// In a dry run nothing was written, so rows of the window, and after them those without a finite
/// timestamp, would be counted as missing again.
fn already_counted(run: &TableRun, scope: Scope) -> Option<Sql> {
    let dry = run.log_id.is_none() && run.plan.strategy == Strategy::Incremental;
    let timestamp = run.plan.timestamp.as_ref().filter(|_| dry)?;
    let window = timestamp.window(Side::Source, run.plan.reads_from()?);
    Some(match scope {
        Scope::Timeless => window,
        Scope::Table => {
            sql!(
                "({window}) or ({timeless})",
                window = window,
                timeless = timestamp.without_timestamp()
            )
        }
    })
}
