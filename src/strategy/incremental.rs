//! The usual run: the rows changed since the watermark come as one ordered stream, cut into batches
//! where the timestamp changes; then the keys are reconciled.

use super::{Batch, Job, compare};
use crate::error::{Error, Result, Side};
use crate::event::Phase;
use crate::plan::schedule::Part;
use crate::reconcile::{self, Digest, Probe, Scope, Window, digest};
use crate::sql::digest::Measure;
use crate::target::apply::{Mode, Writer};

/// What a look at both sides found is followed up; what was equal is left alone.
pub async fn run(job: &mut Job, probe: &Probe, part: Part) -> Result<()> {
    let changed = changes(job, probe, part).await;
    if changed.as_ref().is_err_and(|error| job.plan.one_statement && comes_too_early(error)) {
        compare::start_over(job).await?;
        return compare::run(job, part).await;
    }
    match compare::unless_collision(changed)? {
        Ok(()) => Ok(()),
        Err(collision) => compare::untangle(job, part, collision).await,
    }
}

/// Whether a row refers to one of its own table that is not there yet, because it has no finite
/// timestamp, or none that changed: only a comparison writes all of them in one statement.
fn comes_too_early(error: &Error) -> bool {
    error.sqlstate() == Some("23503")
}

async fn changes(job: &mut Job, probe: &Probe, part: Part) -> Result<()> {
    if part != Part::Delete {
        reconcile::rail::allow_vanished(job, probe).await?;
        if window_differs(job, probe).await? {
            job.phase(Phase::Applying);
            stream(job).await?;
        }
        if !probe.timeless_equal {
            compare::timeless(job).await?;
        }
    }
    let fetched = reconcile::keys(job, probe, part).await?;
    let proven = fetched && (part == Part::Write || is_settled(job, probe).await?);
    if proven { Ok(()) } else { compare::rows(job, Part::Whole).await }
}

/// The windows must be equal now, and so must be the keys and the rows without a timestamp. Where they
/// are not, a row has left the source's window backwards in time, somebody else writes to the target, or
/// what was written is not what arrived: the whole table is compared, and proven.
async fn is_settled(job: &Job, probe: &Probe) -> Result<bool> {
    if job.log_id.is_none() || !job.counts.changed() && probe.unchanged() {
        return Ok(true);
    }
    if job.more {
        return Ok(false);
    }
    if !probe.timeless_equal && !digest::equal_in(job, Scope::Timeless).await? {
        return Ok(false);
    }
    let keys = !job.plan.deletes || reconcile::keys_equal(job, probe).await?;
    if probe.window == Window::Equal || !keys {
        return Ok(keys);
    }
    let (source, target) = windows(job)?;
    let target = digest::one(job, Side::Target, Measure::Rows, Some(&target)).await?;
    let source = match probe.source_window {
        Some(source) => source,
        None => digest::one(job, Side::Source, Measure::Rows, Some(&source)).await?,
    };
    Ok(source == target)
}

/// A large window was not digested by the look, and is now.
async fn window_differs(job: &Job, probe: &Probe) -> Result<bool> {
    match probe.window {
        Window::Equal => Ok(false),
        Window::Differs => Ok(true),
        Window::Large => {
            let (source, target) = windows(job)?;
            let equal = digest::equal(job, Measure::Rows, Some((&source, &target))).await?;
            Ok(!equal)
        }
    }
}

/// What has to be equal in the end: everything since the last run that has settled it.
fn windows(job: &Job) -> Result<(crate::sql::Sql, crate::sql::Sql)> {
    match (&job.plan.timestamp, &job.plan.watermark) {
        (Some(timestamp), Some(watermark)) => Ok((
            timestamp.window(Side::Source, watermark),
            timestamp.window(Side::Target, watermark),
        )),
        _ => Err(Error::Internal("an incremental plan without a watermark".to_owned())),
    }
}

/// Applies the window, batch by batch, without what an earlier try or run has brought over.
async fn stream(job: &mut Job) -> Result<()> {
    let plan = job.plan.clone();
    let (Some(timestamp), Some(from)) = (&plan.timestamp, plan.reads_from()) else {
        return Ok(());
    };
    let window = timestamp.window(Side::Source, from);
    let size = if plan.one_statement { u64::MAX } else { job.engine.settings.batch_size };
    let copy = plan.shape.copy_ordered(timestamp, &window);
    let mut rows = job.source.copy_out("reading changed rows", &copy).await?;
    let engine = job.engine.clone();
    let mut batch = Batch::default();
    let mut writer = Writer::new(&job.target, &plan, &engine.log, job.log_id, Mode::Upsert);
    while let Some(row) = rows.next().await? {
        if batch.ends_before(&row, size) {
            job.moved(batch.rows);
            let watermark = job.watermark(&batch.last());
            let applied = batch.turn(&mut writer, watermark).await?;
            job.counts.add(applied.counts);
            job.keys = Digest::after(job.keys, &applied);
            job.more |= applied.more;
            job.unless_stopped()?;
        }
        batch.push(&mut writer, row).await?;
    }
    if batch.rows > 0 {
        job.moved(batch.rows);
        let watermark = job.watermark(&batch.last());
        job.add(&batch.commit(&mut writer, watermark).await?);
    }
    Ok(())
}
