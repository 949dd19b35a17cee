//! One table's task: look, work, retry what passes by itself, and say how it ended. A failed table is
//! a value; the others go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, Result, Side};
use crate::event::{Event, Phase};
use crate::outcome::{Counts, Status, Strategy, TableOutcome};
use crate::plan::TablePlan;
use crate::plan::schedule::Part;
use crate::reconcile::{self, Probe};
use crate::schema::build::{self, Built};
use crate::sql::Sql;
use crate::sql::log::{Entry, Progress};
use crate::stop::Stop;
use crate::strategy::{Engine, Job, compare, copy, incremental};
use crate::target::sync_log;

/// The first pause before something is tried again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// A table's work so far, carried from its write to its delete and from one try to the next.
#[derive(Clone, Debug)]
pub struct Work {
    pub plan: Arc<TablePlan>,
    pub started: Instant,
    pub log_id: Option<u64>,
    pub counts: Counts,
    /// Bytes of keys and digests, which enter the log at the end.
    pub travelled: u64,
    pub retries: u32,
    /// The last look, until something was written.
    pub probe: Option<Probe>,
    /// What of its indexes and constraints is built.
    pub built: Built,
}

/// How a task ended.
pub enum End {
    /// The table's other task is still to come.
    Carried(Box<Work>),
    /// The table is done; `log` is what is still to be written about it.
    Done(Box<TableOutcome>, Option<Unlogged>),
    /// The snapshot or the locks are gone: nothing can go on in this round.
    Lost(Box<TableOutcome>),
}

/// A table that ended without a row in the log: they are written together.
#[derive(Clone, Debug)]
pub struct Unlogged {
    pub plan: Arc<TablePlan>,
    /// Where the next run starts, as an expression.
    pub watermark: Option<Sql>,
}

impl Work {
    pub fn new(plan: Arc<TablePlan>) -> Self {
        Self {
            plan,
            started: Instant::now(),
            log_id: None,
            counts: Counts::default(),
            travelled: 0,
            retries: 0,
            probe: None,
            built: Built::default(),
        }
    }

    pub fn outcome(&self, status: Status, error: Option<Error>) -> TableOutcome {
        TableOutcome {
            table: self.plan.shape.source.name.clone(),
            strategy: Some(self.plan.strategy),
            status,
            counts: self.counts,
            elapsed: self.started.elapsed(),
            watermark: None,
            error,
            retries: self.retries,
        }
    }

    /// The end of a table that a look found unchanged.
    pub fn unchanged(&self, engine: &Engine, probe: &Probe) -> End {
        let greatest = probe.greatest.as_deref().zip(self.plan.timestamp.as_ref());
        let watermark = greatest.map(|(greatest, timestamp)| {
            engine.horizon.watermark(timestamp, Side::Source, greatest)
        });
        let log = Unlogged { plan: self.plan.clone(), watermark };
        End::Done(Box::new(self.outcome(Status::Success, None)), Some(log))
    }
}

/// Does one task, trying again what passes by itself.
pub async fn run(engine: Arc<Engine>, mut work: Work, part: Part) -> End {
    loop {
        let error = match attempt(&engine, &mut work, part).await {
            Ok(end) => return end,
            Err(error) => error,
        };
        if let Some(signal) = engine.stop.requested() {
            return fail(&engine, work, Status::Interrupted, Error::Stopped(signal)).await;
        }
        if !error.is_transient() || work.retries >= engine.settings.retries {
            let error = name_row(&engine, &work, error).await;
            return fail(&engine, work, Status::Failed, error).await;
        }
        work.retries += 1;
        let table = work.plan.shape.source.name.clone();
        engine.events.send(Event::Retry {
            table: Some(table.clone()),
            error: error.to_string(),
            attempt: work.retries,
            of: engine.settings.retries,
        });
        engine.events.send(Event::Phase { table, phase: Phase::Retrying });
        pause(&mut engine.stop.clone(), work.retries).await;
        if !engine.source.snapshot_lives().await || !engine.target.locks_live().await {
            return End::Lost(Box::new(work.outcome(Status::Failed, Some(error))));
        }
        match resume(&engine, &mut work).await {
            Ok(()) => {}
            Err(error) if error.is_transient() => {
                return End::Lost(Box::new(work.outcome(Status::Failed, Some(error))));
            }
            Err(error) => return fail(&engine, work, Status::Failed, error).await,
        }
    }
}

/// A source without an encoding may hold bytes that no text has: says in which row, so that it can be
/// mended. What cannot be found out leaves the error as it is.
async fn name_row(engine: &Engine, work: &Work, error: Error) -> Error {
    let Error::Database(mut failed) = error else { return error };
    if failed.side == Side::Source && failed.sqlstate.as_deref() == Some("22021") {
        let statement = work.plan.shape.unreadable_row();
        if let Ok(source) = engine.source.session().await
            && let Ok(row) = source.row("looking for the row", &statement).await
        {
            failed.detail = row.text(0).map(|row| format!("the first such row has {row}"));
            failed.hint = Some("mend the text there: -verbose names the row".to_owned());
        }
    }
    Error::Database(failed)
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
    engine.target.end_leftovers().await?;
    let Some(id) = work.log_id else { return Ok(()) };
    let committed = sync_log::committed(&engine.target, &engine.log, id).await?;
    let mut plan = (*work.plan).clone();
    plan.strategy = match plan.strategy {
        Strategy::Copy if committed.counts.changed() => Strategy::Compare,
        other => other,
    };
    plan.watermark = plan.watermark.and(committed.watermark);
    work.plan = Arc::new(plan);
    work.counts = committed.counts;
    Ok(())
}

async fn attempt(engine: &Arc<Engine>, work: &mut Work, part: Part) -> Result<End> {
    if let Some(signal) = engine.stop.requested() {
        return Err(Error::Stopped(signal));
    }
    let (source, target) = tokio::try_join!(engine.source.session(), engine.target.session())?;
    let probe = match &work.probe {
        Some(probe) => probe.clone(),
        None => reconcile::probe(&work.plan, &source, &target).await?,
    };
    let mut job = Job {
        engine: engine.clone(),
        plan: work.plan.clone(),
        source,
        target,
        log_id: work.log_id,
        counts: work.counts,
        travelled: 0,
    };
    if probe.unchanged() && !work.counts.changed() {
        build::follow_rows(&job, &work.built, work.retries > 0).await?;
        give_back(&mut job);
        return Ok(work.unchanged(engine, &probe));
    }
    begin(&mut job, work).await?;
    let done = follow(&mut job, &probe, part).await;
    work.counts = job.counts;
    work.travelled += job.travelled;
    work.probe = Some(probe);
    done?;
    let end = match part {
        Part::Write => End::Carried(Box::new(work.clone())),
        Part::Whole | Part::Delete => {
            build::follow_rows(&job, &work.built, work.retries > 0).await?;
            finish(&job, work).await?
        }
    };
    give_back(&mut job);
    Ok(end)
}

fn give_back(job: &mut Job) {
    job.source.set_clean(true);
    job.target.set_clean(true);
}

/// Says that work begins, in the log and to whoever looks.
async fn begin(job: &mut Job, work: &mut Work) -> Result<()> {
    if work.log_id.is_some() {
        return Ok(());
    }
    let plan = &job.plan;
    job.engine.events.send(Event::Started {
        table: plan.shape.source.name.clone(),
        strategy: plan.strategy,
        watermark: plan.watermark.as_ref().map(|moment| format!("{}Z", moment.replace(' ', "T"))),
        rows: (plan.strategy == Strategy::Copy).then_some(plan.rows),
    });
    if job.engine.settings.dry_run {
        return Ok(());
    }
    let engine = &job.engine;
    let entry = entry(engine, plan, "running");
    let id = sync_log::begin(&job.target, &engine.log, entry).await?;
    work.log_id = Some(id);
    job.log_id = Some(id);
    Ok(())
}

/// A row of the log about this plan. A watermark that was trusted stays good until a better one.
pub fn entry<'a>(engine: &'a Engine, plan: &'a TablePlan, status: &'a str) -> Entry<'a> {
    let moment = plan.watermark.as_deref();
    Entry {
        run_id: &engine.run_id,
        source: &engine.source_name,
        table: &plan.shape.target.name,
        sync_type: Some(plan.strategy.name()),
        status,
        fingerprint: Some(&plan.fingerprint),
        watermark: moment.map(crate::sql::log::utc),
        counts: Counts::default(),
        error: None,
        elapsed: None,
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

async fn finish(job: &Job, work: &Work) -> Result<End> {
    let mut outcome = work.outcome(Status::Success, None);
    outcome.counts.bytes += work.travelled;
    if let Some(id) = job.log_id {
        let watermark = job.final_watermark().await?;
        let progress = Progress { watermark, bytes: work.travelled, ..Progress::default() };
        let log = &job.engine.log;
        outcome.watermark =
            sync_log::finish(&job.target, log, id, ("success", None), &progress).await?;
    }
    Ok(End::Done(Box::new(outcome), None))
}

/// Ends a table that did not get there; what cannot be written to the log is in the outcome.
pub async fn fail(engine: &Engine, work: Work, status: Status, error: Error) -> End {
    let outcome = work.outcome(status, Some(work.plan.advise(error)));
    if engine.settings.dry_run {
        return End::Done(Box::new(outcome), None);
    }
    let log = match work.log_id {
        Some(id) => {
            let text = outcome.error.as_ref().map(ToString::to_string);
            let said = (status.name(), text.as_deref());
            let _ = sync_log::finish_on_keeper(&engine.target, &engine.log, id, said).await;
            None
        }
        None => Some(Unlogged { plan: work.plan.clone(), watermark: None }),
    };
    End::Done(Box::new(outcome), log)
}
