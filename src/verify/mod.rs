//! Compares whole rows of both sides, and writes nothing: the source in one snapshot, the target after it,
//! while the locks of the tables are held. What it is told to repair, a run repairs, with its safety checks.

mod settings;
mod table;
mod verdict;

pub use settings::{Repair, VerifyFlags, VerifySettings};
pub use verdict::{DifferencePage, RowDifference, RowKind, TableVerdict, VerifyReport};

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::config::Settings;
use crate::context::RunContext;
use crate::error::{Error, Result};
use crate::event::{Event, Events};
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::RunReport;
use crate::run;
use crate::run::endpoints::Endpoints;
use crate::run::prepare::RunPlan;
use crate::stop::Stop;
use crate::sync::workers;
use table::Looking;

/// How long a snapshot may be held before somebody should hear of it.
const LONG: Duration = Duration::from_secs(3600);

/// Compares the selected tables; rows that differ go into `pages` as they are found.
pub async fn verify(
    settings: &VerifySettings,
    stop: &Stop,
    pages: mpsc::Sender<DifferencePage>,
) -> VerifyReport {
    let started = Instant::now();
    let (events, _) = Events::channel();
    let mut report = VerifyReport {
        source: settings.base.source.describe(),
        target: settings.base.target.describe(),
        is_live: settings.flags.live,
        repair: settings.flags.repair,
        tables: Vec::new(),
        notes: Vec::new(),
        error: None,
        elapsed: Duration::ZERO,
    };
    let compared = Box::pin(compare(settings, &events, stop, &pages)).await;
    match compared {
        Ok(tables) => report.tables = tables,
        Err(error) => report.error = Some(error),
    }
    report.tables.sort_by(|one, other| one.table.cmp(&other.table));
    report.notes = events.notes();
    report.elapsed = started.elapsed();
    report
}

async fn compare(
    settings: &VerifySettings,
    events: &Events,
    stop: &Stop,
    pages: &mpsc::Sender<DifferencePage>,
) -> Result<Vec<TableVerdict>> {
    // As a dry run, which makes temporary tables and nothing else.
    let base = (*settings.base).clone();
    let source = base.source.clone().complete();
    let rules_of_runs = Some(Box::new(base.rules.clone()));
    let base = Settings { source, dry_run: true, only_compares: true, rules_of_runs, ..base };
    let base = base.without_ddl();
    let (endpoints, holder) = (Endpoints::open(&base)?, Endpoints::open(&base)?);
    let looking = Looking { flags: &settings.flags, pages };
    let compared = async {
        let settings = &endpoints.with_schemas(&Arc::new(base)).await?;
        let context = endpoints.context(settings, events, "");
        let on_holder =
            RunContext { target: &holder.target, ..endpoints.context(settings, events, "") };
        let planned = planned(&context, &on_holder).await?;
        let verdicts = verdicts(&context, planned, stop, &looking).await?;
        // Somebody else may have written in the meantime, if the locks were lost.
        holder.target.require_locks().await?;
        Ok(verdicts)
    };
    let compared = compared.await;
    tokio::join!(endpoints.close(), holder.close());
    compared
}

/// Takes the locks of all tables, and then the snapshot that is compared: a run that ends between the two would
/// have brought rows that the snapshot does not show.
async fn planned(context: &RunContext<'_>, holder: &RunContext<'_>) -> Result<RunPlan> {
    let mut locked = Box::pin(holder.names_to_lock()).await?;
    lock(holder, &locked).await?;
    loop {
        let plan = Box::pin(context.prepare()).await?;
        let names = plan.plans.iter().map(|one| &one.name);
        // Tables that somebody has made meanwhile.
        let new: Vec<TableName> = names.filter(|name| !locked.contains(name)).cloned().collect();
        if new.is_empty() {
            return Ok(plan);
        }
        lock(holder, &new).await?;
        context.source.close().await;
        locked.extend(new);
    }
}

async fn lock(holder: &RunContext<'_>, names: &[TableName]) -> Result<()> {
    match holder.target.lock(&names.iter().collect::<Vec<_>>()).await? {
        None => Ok(()),
        Some(holder) => Err(Error::Locked(format!(
            "a run is working on {}: {}",
            holder.table, holder.description
        ))),
    }
}

async fn verdicts(
    context: &RunContext<'_>,
    planned: RunPlan,
    stop: &Stop,
    looking: &Looking<'_>,
) -> Result<Vec<TableVerdict>> {
    let RunPlan { plans, failed, horizon, page_ranges, .. } = planned;
    let round = Arc::new(context.round(stop, horizon, page_ranges));
    // The locks are held elsewhere: where connections are scarce, a table is compared over this one.
    if let Some(mut session) = context.target.control.take().await {
        session.set_clean(true);
    }
    let wanted = context.settings.parallel.min(plans.len()).max(1);
    let workers = workers::open_worker_sessions(&round, wanted).await;
    let compared = plans.iter().map(|plan| table::compare(&round, plan, looking));
    // A share of the time is one of all tables together.
    let at_once = if looking.flags.throttle.is_some() { 1 } else { workers };
    let compared = stream::iter(compared).buffer_unordered(at_once).collect();
    let mut verdicts: Vec<TableVerdict> = noted_if_long(context.events, LONG, compared).await;
    round.check_stopped()?;
    verdicts.extend(failed.into_iter().map(|outcome| {
        let verdict = TableVerdict::new(outcome.table, Vec::new());
        TableVerdict { error: outcome.error, ..verdict }
    }));
    Ok(verdicts)
}

/// Awaits work on a snapshot of the source, and notes it if the work takes longer than `limit`.
async fn noted_if_long<T>(events: &Events, limit: Duration, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(limit) => {}
    }
    let text = "the snapshot of the source has been held for more than an hour: VACUUM removes nothing there that \
                was deleted since it was taken; -scrub proves a part of each table in each run"
        .to_owned();
    events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
    work.await
}

/// Brings the tables in sync that differ, by a run that compares them.
pub async fn repair(
    settings: &VerifySettings,
    found: &VerifyReport,
    events: Events,
    stop: Stop,
) -> RunReport {
    let differing = found.tables.iter().filter(|table| table.rows() > 0);
    let settings = Settings {
        include: differing.map(|table| table.table.to_string()).collect(),
        exclude: Vec::new(),
        reconcile: true,
        repair: true,
        ..(*settings.base).clone()
    };
    run::run(settings.without_ddl(), events, stop).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_snapshot_that_is_held_for_long_is_noted() {
        let (events, _heard) = Events::channel();
        let work = |time| tokio::time::sleep(Duration::from_millis(time));
        noted_if_long(&events, Duration::from_secs(60), work(1)).await;
        assert!(events.notes().is_empty());
        noted_if_long(&events, Duration::from_millis(1), work(20)).await;
        assert!(events.notes()[0].text.contains("for more than an hour"));
    }
}
