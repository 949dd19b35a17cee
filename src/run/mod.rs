//! One run from the first connection to the report. A round reads one snapshot; when the snapshot or
//! the locks are lost to a transient error, another round follows over all tables, so that what is
//! reported as in sync was so at one moment.

pub(crate) mod endpoints;
mod lacking;
mod listing;
pub mod mask_check;
pub mod memory;
pub(crate) mod prepare;
mod round;
mod statements;
mod stopping;
mod sync_log;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;

use crate::backoff;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::event::{Event, Events};
use crate::outcome::RunReport;
use crate::schema::Listing;
use crate::stop::Stop;
use endpoints::Endpoints;
use memory::Memory;

/// Runs, and reports whatever happens.
pub async fn run(settings: Settings, events: Events, stop: Stop) -> RunReport {
    run_knowing(settings, events, stop, &Memory::default()).await
}

/// The same, with what earlier runs have left in memory.
pub async fn run_knowing(
    settings: Settings,
    events: Events,
    stop: Stop,
    memory: &Memory,
) -> RunReport {
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
        log_denied: false,
        retries: 0,
    };
    events.send(Event::Begun { run_id: report.run_id.clone() });
    let started = Instant::now();
    // Boxed: the nested futures are too deep for the compiler to lay out in one piece.
    let endpoints = Endpoints::open_knowing(&settings, memory);
    let rounds = Box::pin(rounds(&settings, endpoints, &events, &stop, &mut report));
    let ended = tokio::select! {
        ended = rounds => Some(ended),
        () = stopping::hard_deadline(stop.clone()) => None,
    };
    let ended = ended.unwrap_or_else(|| {
        stopping::left(&mut report.tables, &events);
        Ok(())
    });
    // A statement that was cancelled for a stop is no error of its own.
    report.error = stop.requested().map(Error::Stopped).or(ended.err());
    report.tables.sort_by(|one, other| one.table.cmp(&other.table));
    report.notes = events.notes();
    report.elapsed = started.elapsed();
    report
}

/// What a run would change in the target's definitions.
///
/// # Errors
/// What concerns both ends as a whole.
pub async fn schema(settings: &Settings, events: &Events) -> Result<Listing> {
    let endpoints = Endpoints::open(settings)?;
    let settings = endpoints.with_schemas(&Arc::new(settings.clone())).await?;
    let listed = endpoints.context(&settings, events, "").list().await;
    endpoints.close().await;
    listed
}

/// Short, sortable, and unlike any other: the time in microseconds and the process.
fn run_id() -> String {
    format!("{}-{}", Utc::now().format("%Y%m%dT%H%M%S%.6f"), std::process::id())
}

async fn rounds(
    settings: &Arc<Settings>,
    endpoints: Result<Endpoints>,
    events: &Events,
    stop: &Stop,
    report: &mut RunReport,
) -> Result<()> {
    // For all rounds: what broken sessions left behind on a server has to be known to the next.
    let endpoints = endpoints?.with_rejects(settings)?;
    loop {
        let ended = match endpoints.with_schemas(settings).await {
            Ok(settings) => round::round(&settings, &endpoints, events, stop, report).await,
            Err(error) => Err(error),
        };
        endpoints.close().await;
        let error = match ended {
            Ok(None) => {
                if stop.requested().is_none() {
                    endpoints.place_rejects(events);
                }
                return statements::after(settings, &endpoints, report, events, stop).await;
            }
            Ok(Some(lost)) => lost,
            Err(error) if endpoints.may_recover_from(&error) => error,
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
