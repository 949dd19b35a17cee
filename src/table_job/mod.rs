//! One table's task: look, work, retry what passes by itself, and say how it ended. A failed table is
//! a value; the others go on.

mod failure;
pub mod group;
mod work;

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::event::{Event, Phase};
use crate::outcome::{Counts, Status, Strategy};
use crate::pg::Lease;
use crate::plan::TablePlan;
use crate::plan::schedule::Part;
use crate::reconcile::{self, Lock, Probe, proof};
use crate::schema::build;
use crate::source::Reader;
use crate::sql::log::{Entry, Progress};
use crate::sql::{Sql, sql};
use crate::stop::Stop;
use crate::strategy::{Engine, Job, compare, copy, incremental};
use crate::target::{apply, sync_log};
pub use failure::fail;
use failure::{fail_all, name_row};
pub use work::{End, Rows, Unlogged, Work};

/// The first pause before something is tried again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Does one task, trying again what passes by itself. Several tables share one transaction and so one
/// fate; gives an end for each.
///
/// `reader` is given up as soon as the source is read no more.
pub async fn run(
    engine: Arc<Engine>,
    mut works: Vec<Work>,
    part: Part,
    mut reader: Option<Reader>,
) -> Vec<End> {
    loop {
        let mut at = 0;
        let error = match attempt(&engine, &mut works, part, &mut at, &mut reader).await {
            Ok(ends) => return ends,
            Err(error) => error,
        };
        if let Some(signal) = engine.stop.requested() {
            return fail_all(&engine, works, Status::Interrupted, (None, Error::Stopped(signal)))
                .await;
        }
        let replaced = error.outdates_snapshot();
        if replaced && let Some(work) = works.get(at) {
            engine.source.note_replaced(&work.plan.shape.source.name);
        }
        let given_up = works[0].retries >= engine.settings.retries || replaced && engine.last_round;
        if !error.is_transient() || given_up {
            let (culprit, error) = match works.get(at) {
                Some(work) => (
                    Some(work.plan.shape.source.name.clone()),
                    name_row(&engine, work, error).await,
                ),
                None => (None, error),
            };
            return fail_all(&engine, works, Status::Failed, (culprit, error)).await;
        }
        works.iter_mut().for_each(|work| work.retries += 1);
        let table = works[0].plan.shape.source.name.clone();
        engine.events.send(Event::Retry {
            table: Some(table.clone()),
            error: error.to_string(),
            attempt: works[0].retries,
            of: engine.settings.retries,
        });
        engine.events.send(Event::Phase { table, phase: Phase::Retrying });
        pause(&mut engine.stop.clone(), works[0].retries).await;
        if replaced {
            engine.source.close().await;
        }
        let reads = works.iter().any(|work| work.rows.is_none());
        let outdated = reads && !engine.source.snapshot_lives().await;
        if outdated || !engine.target.locks_live().await {
            return lost(&engine, &works, &error).await;
        }
        for at in 0..works.len() {
            match resume(&engine, &mut works[at]).await {
                Ok(()) => {}
                Err(error) if error.is_transient() => return lost(&engine, &works, &error).await,
                Err(error) => {
                    return fail_all(&engine, works, Status::Failed, (None, error)).await;
                }
            }
        }
    }
}

/// The log says so where it can be reached: no other round may come to mend it.
async fn lost(engine: &Engine, works: &[Work], error: &Error) -> Vec<End> {
    let mut ends = Vec::new();
    for work in works {
        let mut outcome = work.outcome(Status::Failed, Some(error.clone()));
        failure::log(engine, work, &mut outcome).await;
        ends.push(End::Lost(Box::new(outcome)));
    }
    ends
}

/// A pause before try number `retries`, cut short by a stop.
pub async fn pause(stop: &mut Stop, retries: u32) {
    let pause = PAUSE.saturating_mul(1 << (retries - 1).min(16)).min(LONGEST_PAUSE);
    tokio::select! {
        _ = tokio::time::sleep(pause) => {}
        _ = stop.wait() => {}
    }
}

/// What was committed is in the log, also when the connection broke before the answer came.
async fn resume(engine: &Engine, work: &mut Work) -> Result<()> {
    work.probe = None;
    work.keys = None;
    work.unproven = None;
    engine.target.end_leftovers().await?;
    if work.rows.is_some() {
        return Ok(());
    }
    let Some(id) = work.log_id else {
        if !engine.settings.dry_run {
            let rows = sync_log::of_run(&engine.target, &engine.log, &engine.run_id).await?;
            work.earlier = rows.get(&work.plan.name).map(|row| row.id);
        }
        return Ok(());
    };
    let committed = sync_log::committed(&engine.target, &engine.log, id).await?;
    let mut plan = (*work.plan).clone();
    plan.strategy = match plan.strategy {
        Strategy::Copy if committed.counts.changed() => Strategy::Compare,
        other => other,
    };
    plan.reached = committed.watermark.filter(|_| plan.watermark.is_some());
    work.plan = Arc::new(plan);
    work.counts = committed.counts;
    Ok(())
}

/// One try. `at` tells which table it has come to; none when it is about to commit for all.
async fn attempt(
    engine: &Arc<Engine>,
    works: &mut [Work],
    part: Part,
    at: &mut usize,
    reader: &mut Option<Reader>,
) -> Result<Vec<End>> {
    if let Some(signal) = engine.stop.requested() {
        return Err(Error::Stopped(signal));
    }
    let reads = works.iter().any(|work| work.rows.is_none());
    let target = engine.target.reading_session();
    let (source, target) = if reads {
        tokio::try_join!(engine.source.session(), target)?
    } else {
        (Lease::none(), target.await?)
    };
    let mut job = Job {
        engine: engine.clone(),
        plan: works[0].plan.clone(),
        source,
        target,
        log_id: None,
        counts: Counts::default(),
        travelled: 0,
        keys: None,
        more: false,
        unproven: None,
    };
    if reads {
        bring_rows(&mut job, works, part, at).await?;
    }
    *at = works.len();
    let source = job.source.take();
    let let_go = async {
        let is_last = reader.as_ref().is_some_and(Reader::is_last);
        engine.source.release(source, is_last).await;
        *reader = None;
    };
    let (ends, ()) = tokio::join!(complete(&mut job, works), let_go);
    let ends = ends?;
    job.target.set_clean(true);
    Ok(ends)
}

/// Makes the rows of all tables the source's; says so in the works of those that have no other task.
async fn bring_rows(job: &mut Job, works: &mut [Work], part: Part, at: &mut usize) -> Result<()> {
    let looked = works.iter().map(|work| work.probe.is_some()).collect::<Vec<bool>>();
    let unchanged = look(job, works).await?;
    if unchanged.iter().flatten().count() == works.len() {
        for (work, probe) in works.iter_mut().zip(unchanged) {
            work.rows = probe.map(Rows::Unchanged);
        }
        return Ok(());
    }
    for (work, looked) in works.iter_mut().zip(looked) {
        job.take_up(work);
        begin(job, work, looked).await?;
    }
    let plans: Vec<Arc<TablePlan>> = works.iter().map(|work| work.plan.clone()).collect();
    let plans: Vec<&TablePlan> = plans.iter().map(|plan| &**plan).collect();
    let joint = works.len() > 1;
    if joint {
        apply::begin_joint(&job.target, &plans).await?;
    }
    for step in 0..works.len() {
        *at = if part == Part::Delete { works.len() - 1 - step } else { step };
        work_on(job, &mut works[*at], part).await?;
    }
    *at = works.len();
    if joint {
        apply::commit_joint(&job.target, &plans).await?;
    }
    for work in works.iter_mut().filter(|_| part != Part::Write) {
        job.take_up(work);
        require_untouched(job).await?;
        let greatest =
            async { if job.log_id.is_some() { job.final_watermark().await } else { Ok(None) } };
        // A partition may have been attached while the table was read: that needs no lock of its own.
        let (held, watermark) = tokio::join!(job.hold("looking at the table again"), greatest);
        held?;
        work.rows = Some(Rows::Written(watermark?));
    }
    Ok(())
}

/// Builds what follows the rows, and says how each table ended. Needs nothing of the source.
async fn complete(job: &mut Job, works: &[Work]) -> Result<Vec<End>> {
    if let Some(path) = &job.plan.path {
        // What is built now may call functions, as what is written does.
        let path = sql!("set search_path = {path}", path = path);
        job.target.run("setting the search path", &path).await?;
    }
    let mut ends = Vec::new();
    for work in works {
        job.take_up(work);
        ends.push(match &work.rows {
            None => End::Carried(Box::new(work.clone())),
            Some(rows) => {
                build::follow_rows(job, &work.built, work.retries > 0).await?;
                match rows {
                    Rows::Unchanged(probe) => work.unchanged(&job.engine, probe),
                    Rows::Written(watermark) => finish(job, work, watermark.clone()).await?,
                }
            }
        });
    }
    Ok(ends)
}

/// The look at each table, for those that it found unchanged.
async fn look(job: &Job, works: &mut [Work]) -> Result<Vec<Option<Probe>>> {
    let mut unchanged = Vec::new();
    for work in works {
        if work.probe.is_none() {
            let table = work.plan.shape.source.name.clone();
            job.engine.events.send(Event::Phase { table, phase: Phase::Looking });
            let Job { source, target, .. } = job;
            let at = reconcile::Sessions { source, target, lock: Lock::Kept };
            work.look(reconcile::probe(&work.plan, &job.engine.horizon, at).await?);
        }
        let Some(probe) = &work.probe else { continue };
        // Statistics may be missing, or older than the rows.
        if probe.rows > work.plan.rows {
            Arc::make_mut(&mut work.plan).rows = probe.rows;
        }
        unchanged.push((probe.unchanged() && !work.counts.changed()).then(|| probe.clone()));
    }
    Ok(unchanged)
}

async fn work_on(job: &mut Job, work: &mut Work, part: Part) -> Result<()> {
    job.take_up(work);
    let probe = work.probe.clone().unwrap_or_else(Probe::blank);
    let done = follow(job, &probe, part).await;
    work.counts = job.counts;
    work.travelled += job.travelled;
    work.keys = job.keys;
    work.more = job.more;
    work.unproven = job.unproven.take();
    done
}

impl Job {
    /// Goes on with a table on the same sessions.
    fn take_up(&mut self, work: &Work) {
        self.plan = work.plan.clone();
        self.log_id = work.log_id;
        self.counts = work.counts;
        self.travelled = 0;
        self.keys = work.keys;
        self.more = work.more;
        self.unproven = work.unproven.clone();
    }
}

/// Says that work begins, in the log and to whoever looks. A table that was `looked` at in another
/// transaction is taken hold of again.
async fn begin(job: &mut Job, work: &mut Work, looked: bool) -> Result<()> {
    let hold = async { if looked { job.hold("looking at the table").await } else { Ok(()) } };
    let (id, held) = tokio::join!(open_entry(job, work), hold);
    work.log_id = id?;
    job.log_id = work.log_id;
    held
}

/// The table's row in the log, if the run writes one.
async fn open_entry(job: &Job, work: &Work) -> Result<Option<u64>> {
    if work.log_id.is_some() {
        return Ok(work.log_id);
    }
    let plan = &job.plan;
    job.engine.events.send(Event::Started {
        table: plan.shape.source.name.clone(),
        strategy: plan.strategy,
        watermark: plan.watermark.as_ref().map(|moment| format!("{}Z", moment.replace(' ', "T"))),
        rows: (plan.strategy == Strategy::Copy).then_some(plan.rows),
    });
    if job.engine.settings.dry_run {
        return Ok(None);
    }
    let engine = &job.engine;
    let entry = Entry { earlier: work.earlier, ..entry(engine, plan, "running") };
    sync_log::begin(&job.target, &engine.log, entry).await.map(Some)
}

/// A row of the log about this plan. A watermark that was trusted stays good until a better one.
pub fn entry<'a>(engine: &'a Engine, plan: &'a TablePlan, status: &'a str) -> Entry<'a> {
    let moment = plan.reads_from();
    Entry {
        run_id: &engine.run_id,
        source: &engine.source_name,
        table: &plan.name,
        sync_type: Some(plan.strategy.name()),
        status,
        fingerprint: Some(&plan.fingerprint),
        watermark: moment.map(crate::sql::horizon::utc),
        counts: Counts::default(),
        error: None,
        elapsed: None,
        earlier: None,
    }
}

async fn follow(job: &mut Job, probe: &Probe, part: Part) -> Result<()> {
    match (job.plan.strategy, part) {
        (Strategy::Copy, Part::Delete) => Ok(()),
        (Strategy::Copy, _) => copy::run(job).await,
        (Strategy::Incremental, _) => incremental::run(job, probe, part).await,
        (Strategy::Compare, _) => compare::run(job, part).await,
    }
}

/// A trigger that fires whatever we do may have changed or swallowed rows.
async fn require_untouched(job: &mut Job) -> Result<()> {
    if job.plan.meddling.is_empty() { Ok(()) } else { proof::table(job).await }
}

async fn finish(job: &Job, work: &Work, watermark: Option<Sql>) -> Result<End> {
    let mut outcome = work.outcome(Status::Success, None);
    outcome.counts.bytes += work.travelled;
    if let Some(id) = job.log_id {
        let progress = Progress { watermark, bytes: work.travelled, ..Progress::default() };
        let log = &job.engine.log;
        let status = job.plan.filled();
        outcome.watermark =
            sync_log::finish(&job.target, log, id, (status, None), &progress).await?;
    }
    Ok(End::Done(Box::new(outcome), None))
}
