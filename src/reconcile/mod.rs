//! Finding what differs by digests, without collecting keys: a look at both sides' sums, then
//! buckets, then the keys of differing buckets, which the target itself compares (DESIGN §4.6).

mod buckets;
mod probe;
pub mod rail;

pub use probe::{Lock, Probe, Sessions, Window, of_one_moment, probe, same_rows};

use crate::error::{Error, Result, Side};
use crate::event::Phase;
use crate::outcome::{Counts, Strategy};
use crate::plan::schedule::Part;
use crate::sql::buckets::{Buckets, Single, Slicing};
use crate::sql::digest::Measure;
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
}

impl Difference {
    pub fn is_none(&self) -> bool {
        self.differing.is_empty() && self.absent.is_empty() && self.singles.is_empty()
    }

    /// Whether rows that only the source has are all the difference there is.
    fn is_all_absent(&self) -> bool {
        self.differing.is_empty() && self.singles.is_empty()
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

/// Whether both sides' digests agree, over the table or over a predicate per side.
pub async fn equal(job: &Job, measure: Measure, scope: Option<(&Sql, &Sql)>) -> Result<bool> {
    let shape = &job.plan.shape;
    let here = shape.digest(Side::Source, measure, scope.map(|(source, _)| source));
    let there = shape.digest(Side::Target, measure, scope.map(|(_, target)| target));
    let (here, there) = tokio::try_join!(
        job.source.row("digesting rows", &here),
        job.target.row("digesting rows", &there),
    )?;
    Ok(here.text(0) == there.text(0) && here.text(1) == there.text(1))
}

/// After the changes of an incremental run: vanished keys are deleted, missing ones fetched.
pub async fn keys(job: &mut Job, probe: &Probe, part: Part) -> Result<()> {
    job.phase(Phase::Keys);
    if keys_equal(job, probe).await? {
        return Ok(());
    }
    let mut difference = find(job, Measure::Keys, Scope::Table, expected(job, probe)).await?;
    if difference.is_none() {
        return Ok(());
    }
    stage(job, &difference).await?;
    if !keys::all_found(&job.target, &job.plan, &difference.singles).await? {
        difference = find(job, Measure::Keys, Scope::Table, None).await?;
        stage(job, &difference).await?;
    }
    if part != Part::Delete {
        fetch(job, &difference, Mode::Upsert).await?;
    }
    match part {
        Part::Write => Ok(()),
        Part::Whole | Part::Delete => delete(job, &difference).await,
    }
}

/// How many keys differ, going by the numbers of rows; nothing where they say nothing, or where more than
/// the key is digested.
fn expected(job: &Job, probe: &Probe) -> Option<u64> {
    let here: u64 = probe.source_keys.0.parse().ok()?;
    let there = probe.target_rows + job.counts.inserted;
    let number = here.abs_diff(there);
    (number > 0 && job.plan.shape.drifting.is_empty()).then_some(number)
}

/// Whether no key has vanished and none is missing, after what the job has written. Where the rows
/// do not even add up the digest is spared: the buckets' digests tell more.
async fn keys_equal(job: &Job, probe: &Probe) -> Result<bool> {
    if probe.keys_equal && !job.counts.changed() {
        return Ok(true);
    }
    let (rows, sum) = &probe.source_keys;
    if *rows != (probe.target_rows + job.counts.inserted).to_string() {
        return Ok(false);
    }
    let statement = job.plan.shape.digest(Side::Target, Measure::Keys, None);
    let now = job.target.row("digesting keys", &statement).await?;
    Ok(now.text(0) == Some(rows) && now.text(1) == sum.as_deref())
}

/// Deletes vanished keys and nothing else.
pub async fn vanished(job: &mut Job) -> Result<()> {
    job.phase(Phase::Keys);
    let difference = find(job, Measure::Keys, Scope::Table, None).await?;
    if difference.is_none() {
        return Ok(());
    }
    stage(job, &difference).await?;
    delete(job, &difference).await
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

/// Fetches what the target lacks or has otherwise, and writes it. May be repeated.
pub async fn fetch(job: &mut Job, difference: &Difference, mode: Mode) -> Result<()> {
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
                let keys = keys::wanted(&job.target, &plan, from, from + LOOKUP).await?;
                from += LOOKUP;
                plan.shape.copy_wanted(&keys, counted.as_ref())
            }
            None => break,
        };
        let mut rows = job.source.copy_out("reading differing rows", &copy).await?;
        while let Some(row) = rows.next().await? {
            if batch.rows >= size {
                job.moved(batch.rows);
                job.counts.add(batch.turn(&mut writer, None).await?);
                job.unless_stopped()?;
            }
            batch.push(&mut writer, row).await?;
        }
    }
    if batch.rows > 0 {
        job.moved(batch.rows);
        job.counts.add(batch.commit(&mut writer, None).await?);
    }
    Ok(())
}

/// In a dry run nothing was written, so rows of the window, and after them those without a finite
/// timestamp, would be counted as missing again.
fn already_counted(job: &Job, scope: Scope) -> Option<Sql> {
    let dry = job.log_id.is_none() && job.plan.strategy == Strategy::Incremental;
    let timestamp = job.plan.timestamp.as_ref().filter(|_| dry)?;
    let watermark = job.plan.watermark.as_ref()?;
    let window = timestamp.window(Side::Source, watermark);
    Some(match scope {
        Scope::Timeless => window,
        Scope::Table => {
            sql!("({window}) or ({timeless})", window = window, timeless = timestamp.timeless())
        }
    })
}

/// Deletes the target's rows of the differing buckets whose keys are not staged.
pub async fn delete(job: &mut Job, difference: &Difference) -> Result<()> {
    if !job.plan.deletes || difference.is_all_absent() {
        return Ok(());
    }
    job.phase(Phase::Deleting);
    let buckets = difference.differing();
    let Some(id) = job.log_id else {
        let count = job.plan.shape.count_vanished();
        let deleted = job.target.row("counting vanished rows", &count).await?.count(0)?;
        job.counts.add(Counts { deleted, ..Counts::default() });
        return Ok(());
    };
    if let Some((key, rows)) = keys::referring(&job.target, &job.plan, &buckets).await? {
        return Err(Error::Table(format!(
            "rows that vanished from the source cannot be deleted: {rows} rows of {} still refer to \
             them, and the foreign key \"{}\" would change those: bring that table in step too, or \
             remove its rows",
            key.child,
            key.name.as_str()
        )));
    }
    let log = (&job.engine.log, id);
    let counts = keys::delete_vanished(&job.target, &job.plan, log, &buckets).await?;
    job.counts.add(counts);
    Ok(())
}
