//! Finding what differs by digests, without collecting keys: a look at both sides' sums, then
//! buckets, then the keys of differing buckets, which the target itself compares (DESIGN §4.6).

mod buckets;
pub mod delete;
pub mod digest;
mod probe;
pub mod proof;
pub mod rail;

pub use digest::Digest;
pub use probe::{Lock, Probe, Sessions, Window, of_one_moment, probe, same_rows};

use crate::error::{Result, Side};
use crate::event::Phase;
use crate::outcome::Strategy;
use crate::plan::schedule::Part;
use crate::sql::buckets::{Buckets, Single, Slicing};
use crate::sql::digest::Measure;
use crate::sql::keys::KeyList;
use crate::sql::{Sql, sql};
use crate::strategy::{Batch, Job};
use crate::target::apply::{Mode, Writer};
use crate::target::keys;

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
    fn predicate(self, job: &Job) -> Option<Sql> {
        match self {
            Scope::Table => None,
            Scope::Timeless => job.plan.timestamp.as_ref().map(|timestamp| timestamp.timeless()),
        }
    }
}

/// The buckets in which two sides differ, ascending, as closed spans of bucket numbers.
#[derive(Clone, Debug)]
pub struct Difference {
    measure: Measure,
    scope: Scope,
    slicing: Slicing,
    /// Buckets that both sides or only the target have.
    differing: Vec<(i64, i64)>,
    /// Buckets that only the source has.
    absent: Vec<(i64, i64)>,
    /// Of buckets that differ by one key.
    singles: Vec<Single>,
    /// All rows of the target, for shares.
    pub target_rows: u64,
    /// What the source has in the buckets of this difference.
    pub source: Digest,
}

impl Difference {
    pub fn is_none(&self) -> bool {
        self.differing.is_empty() && self.absent.is_empty() && self.singles.is_empty()
    }

    /// Whether rows that only the source has are all the difference there is.
    pub fn is_all_absent(&self) -> bool {
        self.differing.is_empty() && self.singles.is_empty()
    }

    /// Whether there are buckets that only the source has.
    pub fn has_absent(&self) -> bool {
        !self.absent.is_empty()
    }

    pub fn only_absent(&self) -> Buckets {
        Buckets::new(self.slicing, &self.absent)
    }

    /// What the source has in the buckets that only it has.
    async fn absent_digest(&self, job: &Job) -> Result<Digest> {
        if self.absent.is_empty() {
            return Ok(Digest::default());
        }
        let scope = self.scope.predicate(job);
        let statement =
            job.plan.shape.digest_buckets(Side::Source, &self.only_absent(), false, scope.as_ref());
        Digest::of(&job.source.row("counting missing rows", &statement).await?)
    }

    pub fn every_bucket(&self) -> Buckets {
        let mut spans: Vec<(i64, i64)> =
            self.differing.iter().chain(&self.absent).copied().collect();
        spans.sort_unstable();
        Buckets::new(self.slicing, &spans)
    }

    pub fn differing(&self) -> Buckets {
        match self.singles.is_empty() {
            true => Buckets::new(self.slicing, &self.differing),
            false => Buckets::with_singles(self.slicing, &self.differing, &self.singles),
        }
    }

    /// Reads the rows of the buckets that the target does not have at all.
    fn absent_rows(&self, job: &Job, counted: Option<&Sql>) -> Option<Sql> {
        if self.absent.is_empty() {
            return None;
        }
        let buckets = Buckets::new(self.slicing, &self.absent);
        let scope = self.scope.predicate(job);
        let scope = scope.or_else(|| counted.cloned().map(crate::sql::read::not));
        Some(job.plan.shape.copy_buckets(&buckets, scope.as_ref()))
    }
}

/// After the changes of an incremental run: vanished keys are deleted, missing ones fetched. Gives whether
/// the rows that were fetched arrived as the source has them.
pub async fn keys(job: &mut Job, probe: &Probe, part: Part) -> Result<bool> {
    job.phase(Phase::Keys);
    if keys_equal(job, probe).await? {
        return Ok(true);
    }
    let mut difference = find(job, Measure::Keys, Scope::Table, expected(job, probe)).await?;
    if difference.is_none() {
        return Ok(true);
    }
    stage(job, &difference).await?;
    if !keys::all_found(&job.target, &job.plan, &difference.singles).await? {
        difference = find(job, Measure::Keys, Scope::Table, None).await?;
        stage(job, &difference).await?;
    }
    let mut proven = true;
    if part != Part::Delete {
        let wanted = fetch(job, &difference, Mode::Upsert).await?;
        proven = proof::fetched(job, &difference, wanted).await?;
    }
    if part != Part::Write {
        delete::vanished(job, &difference).await?;
    }
    Ok(proven)
}

/// How many keys differ, going by the numbers of rows; nothing where they say nothing, or where more than
/// the key is digested.
fn expected(job: &Job, probe: &Probe) -> Option<u64> {
    let source = probe.source_keys?.rows;
    let target = probe.target_keys?.rows + job.counts.inserted;
    let number = source.abs_diff(target);
    (number > 0 && job.plan.shape.drifting.is_empty()).then_some(number)
}

/// Whether no key has vanished and none is missing, after what the job has written. Where its writes
/// told what they did to the keys, these are not read again. Where the rows do not even add up the
/// digest is spared: the buckets' digests tell more.
pub async fn keys_equal(job: &Job, probe: &Probe) -> Result<bool> {
    let Some(source) = probe.source_keys else { return Ok(false) };
    if job.log_id.is_none() {
        // Nothing was written.
        return Ok(probe.keys_equal && job.counts.inserted == 0);
    }
    match (job.keys, probe.target_keys) {
        (Some(target), _) => Ok(source == target),
        (None, Some(before)) if before.rows + job.counts.inserted != source.rows => Ok(false),
        (None, _) => Ok(source == digest::one(job, Side::Target, Measure::Keys, None).await?),
    }
}

/// Compares the digests of all buckets. Where it is known how many keys are `expected` to differ, those
/// that differ alone in their bucket are told apart.
pub async fn find(
    job: &mut Job,
    measure: Measure,
    scope: Scope,
    expected: Option<u64>,
) -> Result<Difference> {
    let slicing = buckets::slicing(job, expected).await?;
    let predicate = scope.predicate(job);
    let statement =
        |side| job.plan.shape.bucket_digests(side, measure, slicing, predicate.as_ref());
    let (here, there) = (statement(Side::Source), statement(Side::Target));
    let (here, there) = tokio::try_join!(
        job.source.copy_out("digesting buckets", &here),
        job.target.copy_out("digesting buckets", &there),
    )?;
    let singles = expected.is_some() && matches!(slicing, Slicing::Hash { .. });
    let merged = buckets::merge(here, there, singles).await?;
    job.travelled += merged.bytes;
    Ok(Difference {
        measure,
        scope,
        slicing,
        differing: merged.differing,
        absent: merged.absent,
        singles: merged.singles,
        target_rows: merged.target_rows,
        source: merged.source,
    })
}

/// Sends the source's keys and hashes of the differing buckets to the target, which then knows what
/// it lacks.
pub async fn stage(job: &mut Job, difference: &Difference) -> Result<()> {
    let (buckets, measure) = (difference.differing(), difference.measure);
    let predicate = difference.scope.predicate(job);
    let copy = job.plan.shape.copy_keys(&buckets, measure, predicate.as_ref());
    // Both servers look up their rows at once.
    let (rows, taken) = tokio::join!(
        job.source.copy_out("reading keys", &copy),
        keys::take_down(&job.target, &job.plan, measure, &buckets),
    );
    let mut rows = rows?;
    taken?;
    let mut keys = keys::stage_keys(&job.target, &job.plan).await?;
    while let Some(row) = rows.next().await? {
        job.travelled += row.len() as u64;
        keys.push(row).await?;
    }
    keys::finish_keys(&job.target, &job.plan, keys).await
}

/// Fetches what the target lacks or has otherwise, and writes it; gives how many keys it had listed for
/// that. May be repeated.
pub async fn fetch(job: &mut Job, difference: &Difference, mode: Mode) -> Result<u64> {
    let plan = job.plan.clone();
    let engine = job.engine.clone();
    let wanted = keys::want(&job.target, &plan).await?;
    if difference.absent.is_empty() {
        job.expect(wanted);
    }
    let together = plan.one_statement || mode.takes_all();
    let size = if together { u64::MAX } else { job.engine.settings.batch_size };
    let counted = already_counted(job, difference.scope);
    let mut fetched = difference.absent_rows(job, counted.as_ref());
    let mut writer = Writer::new(&job.target, &plan, &engine.log, job.log_id, mode);
    let mut batch = Batch::default();
    let mut from = 1;
    loop {
        let copy = match fetched.take() {
            Some(copy) => copy,
            None if from <= wanted => {
                writer.suspend().await?;
                let list = KeyList::Wanted;
                let keys = keys::numbered(&job.target, &plan, list, from, from + LOOKUP).await?;
                from += LOOKUP;
                plan.shape.copy_wanted(&keys, counted.as_ref())
            }
            None => break,
        };
        let mut rows = job.source.copy_out("reading differing rows", &copy).await?;
        while let Some(row) = rows.next().await? {
            if batch.rows >= size {
                job.moved(batch.rows);
                let applied = batch.turn(&mut writer, None).await?;
                job.counts.add(applied.counts);
                job.keys = Digest::after(job.keys, &applied);
                job.more |= applied.more;
                job.unless_stopped()?;
            }
            batch.push(&mut writer, row).await?;
        }
    }
    if batch.rows > 0 {
        job.moved(batch.rows);
        job.add(&batch.commit(&mut writer, None).await?);
    }
    Ok(wanted)
}

/// In a dry run nothing was written, so rows of the window, and after them those without a finite
/// timestamp, would be counted as missing again.
fn already_counted(job: &Job, scope: Scope) -> Option<Sql> {
    let dry = job.log_id.is_none() && job.plan.strategy == Strategy::Incremental;
    let timestamp = job.plan.timestamp.as_ref().filter(|_| dry)?;
    let window = timestamp.window(Side::Source, job.plan.reads_from()?);
    Some(match scope {
        Scope::Timeless => window,
        Scope::Table => {
            sql!("({window}) or ({timeless})", window = window, timeless = timestamp.timeless())
        }
    })
}
