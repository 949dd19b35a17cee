//! Compares whole rows of both sides, and writes nothing: the source in one snapshot, the target after it,
//! while the locks of the tables are held. What it is told to repair, a run repairs, with its safety checks.

mod settings;
mod table;
mod verdict;

pub use settings::{Repair, VerifyFlags, VerifySettings};
pub use verdict::{DifferencePage, RowDifference, RowKind, TableVerdict, VerifyReport};

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::config::{Ddl, Settings};
use crate::context::RunContext;
use crate::error::{Error, Result};
use crate::event::Events;
use crate::ident::TableName;
use crate::outcome::RunReport;
use crate::run;
use crate::run::endpoints::Endpoints;
use crate::run::prepare::RunPlan;
use crate::stop::Stop;
use table::Looking;

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
    let base = Settings { dry_run: true, ddl: Ddl::None, ..(*settings.base).clone() };
    let endpoints = Endpoints::open(&base)?;
    let base = endpoints.with_schemas(&Arc::new(base)).await?;
    let looking = Looking { flags: &settings.flags, pages };
    let context = endpoints.context(&base, events, "");
    let tables = tables(&context, stop, &looking).await;
    endpoints.close().await;
    tables
}

async fn tables(
    context: &RunContext<'_>,
    stop: &Stop,
    looking: &Looking<'_>,
) -> Result<Vec<TableVerdict>> {
    let RunPlan { plans, failed, horizon, page_ranges, .. } = Box::pin(context.prepare()).await?;
    let round = Arc::new(context.round(stop, horizon, page_ranges));
    let names: Vec<&TableName> = plans.iter().map(|plan| &plan.name).collect();
    if let Some(holder) = round.target.lock(&names).await? {
        return Err(Error::Locked(format!(
            "a run is working on {}: {}",
            holder.table, holder.description
        )));
    }
    let compared = plans.iter().map(|plan| table::compare(&round, plan, looking));
    let mut verdicts: Vec<TableVerdict> =
        stream::iter(compared).buffer_unordered(context.settings.parallel).collect().await;
    round.check_stopped()?;
    // Somebody else may have written in the meantime, if the locks were lost.
    round.target.require_locks().await?;
    verdicts.extend(failed.into_iter().map(|outcome| {
        let verdict = TableVerdict::new(outcome.table, Vec::new());
        TableVerdict { error: outcome.error, ..verdict }
    }));
    Ok(verdicts)
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
        ddl: Ddl::None,
        ..(*settings.base).clone()
    };
    run::run(settings, events, stop).await
}
