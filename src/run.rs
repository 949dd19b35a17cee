//! One run from the first connection to the report. A round reads one snapshot; when the snapshot or
//! the locks are lost to a transient error, another round follows over all tables, so that what is
//! reported as in sync was so at one moment.

mod prepare;
mod sync_log;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::Semaphore;

use crate::backoff;
use crate::config::Settings;
use crate::context::Round;
use crate::context::RunContext;
use crate::error::{Error, Result, Side};
use crate::event::{Event, Events};
use crate::ident::{Ident, TableName};
use crate::outcome::{RunReport, TableOutcome};
use crate::pg;
use crate::pg::Pool;
use crate::schema::Listing;
use crate::schema::post_data;
use crate::schema::rebuild::swap;
use crate::source::Source;
use crate::sql::sync_log::SyncLog;
use crate::stop::{Signal, Stop};
use crate::sync::orphan_check;
use crate::sync::sequences;
use crate::sync::workers;
use crate::sync_log::store;
use crate::target_side::Target;
use prepare::RunPlan;

/// How long a stop waits for batches to end before it cancels their statements, how long after that
/// it cancels what has begun since, and when it leaves whatever is under way.
const GRACE: Duration = Duration::from_millis(700);
const AGAIN: Duration = Duration::from_millis(200);
const LIMIT: Duration = Duration::from_millis(1700);

/// Runs, and reports whatever happens.
pub async fn run(settings: Settings, events: Events, stop: Stop) -> RunReport {
    let settings = Arc::new(settings);
    let mut report = RunReport {
        run_id: run_id(),
        source: settings.source.describe(),
        target: settings.target.describe(),
        started: Utc::now(),
        elapsed: Duration::ZERO,
        dry_run: settings.dry_run,
        tables: Vec::new(),
        notes: Vec::new(),
        error: None,
        retries: 0,
    };
    events.send(Event::Begun { run_id: report.run_id.clone() });
    let started = Instant::now();
    // Boxed: the nested futures are too deep for the compiler to lay out in one piece.
    let rounds = Box::pin(rounds(&settings, &events, &stop, &mut report));
    let ended = tokio::select! {
        ended = rounds => ended,
        signal = hard_deadline(stop.clone()) => Err(Error::Stopped(signal)),
    };
    // A statement that was cancelled for a stop is no error of its own.
    report.error = stop.requested().map(Error::Stopped).or(ended.err());
    report.tables.sort_by(|one, other| one.table.cmp(&other.table));
    report.notes = events.notes();
    report.elapsed = started.elapsed();
    report
}

/// A stop that nothing could honour in time: a server that does not answer cannot cancel either.
async fn hard_deadline(mut stop: Stop) -> Signal {
    let signal = stop.wait().await;
    tokio::time::sleep(LIMIT).await;
    signal
}

/// What a run would change in the target's definitions.
///
/// # Errors
/// What concerns both ends as a whole.
pub async fn schema(settings: &Settings, events: &Events) -> Result<Listing> {
    let sync_log = SyncLog { table: log_table(settings) };
    let (source, target) = open_endpoints(settings)?;
    let (source, target) = (&source, &target);
    let sync_log = &sync_log;
    let listed =
        RunContext { settings, source, target, sync_log, events, run_id: "", source_name: "" }
            .list()
            .await;
    tokio::join!(source.close(), target.close());
    listed
}

/// Short, sortable, and unlike any other: the time in microseconds and the process.
fn run_id() -> String {
    format!("{}-{}", Utc::now().format("%Y%m%dT%H%M%S%.6f"), std::process::id())
}

async fn rounds(
    settings: &Arc<Settings>,
    events: &Events,
    stop: &Stop,
    report: &mut RunReport,
) -> Result<()> {
    // For all rounds: what broken sessions left behind on a server has to be known to the next.
    let ends = open_endpoints(settings)?;
    loop {
        let ended = round((settings, &ends), events, stop, report).await;
        tokio::join!(ends.0.close(), ends.1.close());
        let error = match ended {
            Ok(None) => return Ok(()),
            Ok(Some(lost)) => lost,
            Err(error) if is_retryable(&error, &ends) => error,
            Err(error) => return Err(error),
        };
        if stop.requested().is_some() || report.retries >= settings.retries {
            return Err(error);
        }
        report.retries += 1;
        events.send(Event::Retry {
            table: None,
            error: error.to_string(),
            attempt: report.retries,
            of: settings.retries,
        });
        backoff::pause(&mut stop.clone(), report.retries).await;
    }
}

/// Whether a round that did not come to work is tried again: a server that answers that it is
/// starting or full, or one that was there before. A name that leads nowhere is said at once.
fn is_retryable(error: &Error, (source, target): &(Arc<Source>, Arc<Target>)) -> bool {
    let Error::Database(error) = error else { return false };
    let reached = match error.side {
        Side::Source => source.pool.was_reached(),
        Side::Target => target.pool.was_reached(),
    };
    error.is_transient() && (reached || error.sqlstate.is_some())
}

/// One snapshot's work. Gives the reason when another round has to follow.
async fn round(
    (settings, (source, target)): (&Arc<Settings>, &(Arc<Source>, Arc<Target>)),
    events: &Events,
    stop: &Stop,
    report: &mut RunReport,
) -> Result<Option<Error>> {
    let (source, target) = (source.clone(), target.clone());
    let sync_log = SyncLog { table: log_table(settings) };
    let ends = RunContext {
        settings,
        source: &source,
        target: &target,
        sync_log: &sync_log,
        events,
        run_id: &report.run_id,
        source_name: &report.source,
    };
    let found = cancelled_on_stop(stop, (&source, &target), Box::pin(ends.prepare())).await?;
    let earlier = if report.retries > 0 && !settings.dry_run {
        store::of_run(&target, &sync_log, &report.run_id).await?
    } else {
        HashMap::new()
    };
    let RunPlan { plans, failed, tasks, references, horizon, page_ranges, last, rebuilt } = found;
    let round = Arc::new(Round {
        source,
        target,
        sync_log,
        horizon,
        events: events.clone(),
        stop: stop.clone(),
        run_id: report.run_id.clone(),
        source_name: report.source.clone(),
        last_round: report.retries >= settings.retries,
        slots: Semaphore::new(settings.parallel),
        settings: settings.clone(),
        page_ranges,
        earlier,
    });
    let before = std::mem::take(&mut report.tables);
    let working = workers::run(&round, &plans, tasks);
    let ended = cancelled_on_stop(stop, (&round.source, &round.target), working).await;
    let (mut outcomes, unlogged): (Vec<_>, Vec<_>) = ended.outcomes.into_iter().unzip();
    let early = stop.requested().map(Error::Stopped).or(ended.lost.clone());
    if settings.dry_run {
        // Nothing was written that could be put in its place.
    } else if let Some(why) = early {
        swap::not_swapped(&rebuilt, &mut outcomes, &why);
    } else {
        sequences::raise(&round, &plans, &outcomes).await;
        swap::tables(&round, &rebuilt, &references.target, &mut outcomes).await;
        orphan_check::check(&round, &references, &mut outcomes, &failed).await;
        post_data::foreign_keys(&round, &last, &mut outcomes).await;
    }
    let logged = sync_log::write(&round, &mut outcomes, &unlogged, &failed).await;
    failed.iter().for_each(|outcome| events.send(Event::Finished(Box::new(outcome.clone()))));
    report.tables = outcomes.into_iter().chain(failed).collect();
    carry_over(&mut report.tables, &before);
    match (ended.lost, logged) {
        (Some(lost), _) => Ok(Some(lost)),
        // The rows are in sync; that has to be said where the next run looks for it.
        (None, Err(error)) if error.is_transient() => Ok(Some(error)),
        (None, logged) => logged.map(|()| None),
    }
}

/// Does the work. A stop lets statements end; what takes longer is cancelled on the servers.
async fn cancelled_on_stop<T>(
    stop: &Stop,
    (source, target): (&Source, &Target),
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    let mut stop = stop.clone();
    tokio::select! {
        done = &mut work => return done,
        _ = stop.wait() => {}
    }
    let mut wait = GRACE;
    loop {
        if let Ok(done) = tokio::time::timeout(wait, &mut work).await {
            return done;
        }
        // To their end: a request under way must not hit what follows the work.
        let cancelling = async { tokio::join!(source.pool.cancel_all(), target.pool.cancel_all()) };
        let cancelled =
            async { tokio::join!(cancelling, tokio::time::timeout(AGAIN, &mut work)).1 };
        match cancelled.await {
            Ok(done) => return done,
            Err(_) => wait = AGAIN,
        }
    }
}

fn open_endpoints(settings: &Settings) -> Result<(Arc<Source>, Arc<Target>)> {
    // One session per job, and the keeper of snapshot or locks.
    let size = settings.parallel + 1;
    let session = |replica_role| pg::Settings { lock_timeout: settings.lock_timeout, replica_role };
    let source = Pool::new(&settings.source, Side::Source, size, session(false))?;
    let replica_role = !settings.fire_triggers;
    let target = Pool::new(&settings.target, Side::Target, size, session(replica_role))?;
    Ok((Arc::new(Source::new(source)), Arc::new(Target::new(target))))
}

fn log_table(settings: &Settings) -> TableName {
    let first = settings.schemas.first().map(|schema| settings.target_schema_of(schema));
    let first = first.map_or("public", Ident::as_str);
    settings.log_table.clone().unwrap_or_else(|| TableName::new(first, "sync_log"))
}

/// The time and the retries of earlier rounds of this run; what they did stands in the log.
fn carry_over(tables: &mut [TableOutcome], before: &[TableOutcome]) {
    for table in tables {
        if let Some(earlier) = before.iter().find(|earlier| earlier.table == table.table) {
            table.elapsed += earlier.elapsed;
            table.retries += earlier.retries;
        }
    }
}
