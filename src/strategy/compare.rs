//! Digests per bucket of whole rows; only differing buckets travel. Always right, whatever was done
//! to either side.

use super::incremental::unless_collision;
use super::{Batch, Job};
use crate::error::{Error, Result};
use crate::event::Phase;
use crate::plan::schedule::Part;
use crate::reconcile::{self, Scope};
use crate::sql::digest::Measure;
use crate::target::apply::{self, Mode, Writer};

/// The whole table.
pub async fn run(job: &mut Job, part: Part) -> Result<()> {
    match (job.plan.shape.key.is_empty(), part) {
        (true, Part::Delete) => Ok(()),
        (true, _) => keyless(job).await,
        (false, Part::Delete) => reconcile::vanished(job).await,
        (false, _) => rows(job, part).await,
    }
}

/// Brings every differing row in step, by key.
pub async fn rows(job: &mut Job, part: Part) -> Result<()> {
    job.phase(Phase::Digests);
    let difference = reconcile::find(job, Measure::Rows, Scope::Table).await?;
    if difference.is_none() {
        return Ok(());
    }
    reconcile::stage(job, &difference).await?;
    job.phase(Phase::Applying);
    let Err(collision) = unless_collision(reconcile::fetch(job, &difference, Mode::Upsert).await)?
    else {
        return thin(job, &difference, part).await;
    };
    recover(job).await?;
    if part == Part::Whole {
        reconcile::delete(job, &difference).await?;
        if unless_collision(reconcile::fetch(job, &difference, Mode::Upsert).await)?.is_ok() {
            return Ok(());
        }
        recover(job).await?;
    }
    match job.plan.replaceable {
        true => reconcile::fetch(job, &difference, Mode::Replace).await?,
        false => return Err(collision),
    }
    thin(job, &difference, part).await
}

async fn thin(job: &mut Job, difference: &reconcile::Difference, part: Part) -> Result<()> {
    match part {
        Part::Whole => reconcile::delete(job, difference).await,
        Part::Write | Part::Delete => Ok(()),
    }
}

async fn recover(job: &mut Job) -> Result<()> {
    apply::roll_back(&job.target).await?;
    job.renew_source().await
}

/// The rows without a finite timestamp, as a small table of their own. Nothing is deleted: a row
/// that left this set is elsewhere, or vanished and found by its key.
pub async fn timeless(job: &mut Job) -> Result<()> {
    let difference = reconcile::find(job, Measure::Rows, Scope::Timeless).await?;
    if difference.is_none() {
        return Ok(());
    }
    reconcile::stage(job, &difference).await?;
    reconcile::fetch(job, &difference, Mode::Upsert).await
}

/// A table without a key: the rows of all differing buckets are replaced in one transaction.
async fn keyless(job: &mut Job) -> Result<()> {
    job.phase(Phase::Digests);
    let difference = reconcile::find(job, Measure::Rows, Scope::Table).await?;
    if difference.is_none() {
        return Ok(());
    }
    job.phase(Phase::Applying);
    let buckets = difference.every_bucket();
    let plan = job.plan.clone();
    if !plan.deletes {
        return Err(Error::Table(
            "the table has no key, so a changed row cannot be told from a new one without deletes: \
             give it a key, or leave out -no-deletes"
                .to_owned(),
        ));
    }
    reconcile::allow_deletes(job, &difference).await?;
    let copy = plan.shape.copy_buckets(&buckets, None);
    let mut rows = job.source.copy_out("reading rows", &copy).await?;
    let mut batch = Batch::default();
    let mode = Mode::ReplaceRows(buckets);
    let mut writer = Writer::new(&job.target, &plan, &job.engine.log, job.log_id, mode);
    writer.open().await?;
    while let Some(row) = rows.next().await? {
        batch.push(&mut writer, row).await?;
    }
    let counts = batch.commit(&mut writer, None).await?;
    job.counts.add(counts);
    Ok(())
}
