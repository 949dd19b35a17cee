//! Digests per bucket of whole rows; only differing buckets travel. Always right, whatever was done
//! to either side.

use super::{Batch, Job, TOLD};
use crate::error::{Error, Result};
use crate::event::Phase;
use crate::plan::schedule::Part;
use crate::reconcile::{self, Difference, Scope, delete, proof};
use crate::sql::digest::Measure;
use crate::target::apply::{self, Mode, Writer};

/// The whole table.
pub async fn run(job: &mut Job, part: Part) -> Result<()> {
    match (job.plan.shape.key.is_empty(), part) {
        (true, Part::Delete) => Ok(()),
        (true, _) => keyless(job).await,
        (false, Part::Delete) => match job.unproven.take() {
            Some(difference) => delete_and_prove(job, &difference, part).await,
            // A try that broke has forgotten what it found.
            None => rows(job, Part::Whole).await,
        },
        (false, _) => match unless_collision(rows(job, part).await)? {
            Ok(()) => Ok(()),
            Err(collision) => untangle(job, part, collision).await,
        },
    }
}

/// Brings every differing row in step, by key.
pub async fn rows(job: &mut Job, part: Part) -> Result<()> {
    let difference = differing(job, Scope::Table).await?;
    if !difference.is_none() {
        reconcile::rail::allow_differing(job, &difference).await?;
        job.phase(Phase::Applying);
        reconcile::fetch(job, &difference, Mode::Upsert).await?;
    }
    if part == Part::Write {
        job.unproven = Some(difference);
        return Ok(());
    }
    delete_and_prove(job, &difference, part).await
}

/// Ends a comparison. The part that deletes is another task, on sessions that have staged nothing yet.
async fn delete_and_prove(job: &mut Job, difference: &Difference, part: Part) -> Result<()> {
    if difference.is_none() {
        return Ok(());
    }
    if part == Part::Delete {
        reconcile::stage(job, difference).await?;
    }
    delete::vanished(job, difference).await?;
    prove(job, difference).await
}

async fn prove(job: &mut Job, difference: &Difference) -> Result<()> {
    if job.more && job.plan.deletes {
        proof::table(job).await
    } else {
        proof::buckets(job, difference).await
    }
}

/// Digests of whole rows, and the keys of the buckets that differ staged.
async fn differing(job: &mut Job, scope: Scope) -> Result<Difference> {
    job.phase(Phase::Digests);
    let difference = reconcile::find(job, Measure::Rows, scope, None).await?;
    if !difference.is_none() {
        reconcile::stage(job, &difference).await?;
    }
    Ok(difference)
}

/// Sorts out a unique violation, which has a remedy, from every other error.
pub fn unless_collision(result: Result<()>) -> Result<Result<()>> {
    match result {
        Err(error) if matches!(error.sqlstate(), Some("23505" | "23P01")) => Ok(Err(error)),
        Err(error) => Err(error),
        Ok(()) => Ok(Ok(())),
    }
}

/// Where unique values moved between rows: the whole table is compared, so that every row that stands
/// in the way is known, and all rows that differ are written in one transaction. Vanished rows go
/// first where they can. Then all that differs is taken out and put in again in one statement; where
/// a foreign key would act on that, or vanished rows have to wait for others, rows are parked.
pub async fn untangle(job: &mut Job, part: Part, collision: Error) -> Result<()> {
    start_over(job).await?;
    let difference = differing(job, Scope::Table).await?;
    if difference.is_none() {
        job.unproven = Some(difference);
        return Ok(());
    }
    // Before anything is parked, too.
    reconcile::rail::allow_differing(job, &difference).await?;
    let plan = job.plan.clone();
    let alone = part == Part::Whole && !plan.one_statement;
    if alone {
        delete::vanished(job, &difference).await?;
    }
    job.phase(Phase::Applying);
    let mode = match (plan.replaceable, plan.placeholders.is_empty()) {
        (true, true) => Mode::Replace,
        (true, false) if alone => Mode::Replace,
        (_, false) => Mode::Park(difference.differing()),
        (false, true) => return Err(collision),
    };
    if matches!(mode, Mode::Park(_)) {
        delete::list(job).await?;
    }
    reconcile::fetch(job, &difference, mode).await?;
    if part == Part::Write {
        job.unproven = Some(difference);
        return Ok(());
    }
    delete_and_prove(job, &difference, Part::Whole).await
}

/// Ends what failed: a transaction of the target, and on the source perhaps the middle of a stream.
pub async fn start_over(job: &mut Job) -> Result<()> {
    match job.plan.joint {
        true => apply::roll_back(&job.target, &job.plan).await?,
        false => job.renew_target().await?,
    }
    job.renew_source().await
}

/// The rows without a finite timestamp, as a small table of their own. Nothing is deleted: a row
/// that left this set is elsewhere, or vanished and found by its key.
pub async fn timeless(job: &mut Job) -> Result<()> {
    let difference = differing(job, Scope::Timeless).await?;
    if !difference.is_none() {
        reconcile::fetch(job, &difference, Mode::Upsert).await?;
    }
    Ok(())
}

/// A table without a key: the rows of all differing buckets are replaced in one transaction.
async fn keyless(job: &mut Job) -> Result<()> {
    job.phase(Phase::Digests);
    let difference = reconcile::find(job, Measure::Rows, Scope::Table, None).await?;
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
    let copy = plan.shape.copy_buckets(&buckets, None);
    let mut rows = job.source.copy_out("reading rows", &copy).await?;
    let mut batch = Batch::default();
    let mode = Mode::ReplaceRows(buckets);
    let mut writer = Writer::new(&job.target, &plan, &job.engine.log, job.log_id, mode);
    writer.open().await?;
    while let Some(row) = rows.next().await? {
        batch.push(&mut writer, row).await?;
        if batch.rows.is_multiple_of(TOLD) {
            job.moved(TOLD);
        }
    }
    job.moved(batch.rows % TOLD);
    if reconcile::rail::limit(job).is_some() {
        let counted = writer.foresee().await?;
        if let Err(refused) = reconcile::rail::allow(job, counted.deleted, difference.target_rows) {
            apply::roll_back(&job.target, &plan).await?;
            return Err(refused);
        }
    }
    let applied = batch.commit(&mut writer, None).await?;
    job.add(&applied);
    prove(job, &difference).await
}
