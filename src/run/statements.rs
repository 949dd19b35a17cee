//! `beforeSql` and `afterSql`: the user's own statements on the target, each in a transaction of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::endpoints::Endpoints;
use crate::config::Settings;
use crate::error::Result;
use crate::outcome::{RunReport, Status};
use crate::stop::Stop;

/// How many statements of `beforeSql` a run has done: another round goes on behind them.
pub(super) type Done = Arc<AtomicUsize>;

/// The statements before the first table; none of them in a dry run.
///
/// # Errors
/// What the target says of the first one that fails. Those before it stand.
pub(super) async fn before(settings: &Settings, endpoints: &Endpoints) -> Result<()> {
    if settings.dry_run {
        return Ok(());
    }
    let done = &endpoints.before_sql_done;
    let from = done.load(Ordering::Relaxed);
    for (number, statement) in settings.before_sql.iter().enumerate().skip(from) {
        let doing = format!("running beforeSql, statement {}", number + 1);
        endpoints.target.run_of_the_user(&doing, statement, settings.lock_timeout).await?;
        done.store(number + 1, Ordering::Relaxed);
    }
    Ok(())
}

/// The statements after the last table, if every table is in sync; none of them in a dry run.
///
/// # Errors
/// What the target says of the first one that fails. Those before it stand.
pub(super) async fn after(
    settings: &Settings,
    endpoints: &Endpoints,
    report: &RunReport,
    stop: &Stop,
) -> Result<()> {
    let is_in_sync = report.tables.iter().all(|table| table.status == Status::Success);
    if settings.dry_run || !is_in_sync {
        return Ok(());
    }
    for (number, statement) in settings.after_sql.iter().enumerate() {
        if stop.requested().is_some() {
            break;
        }
        let doing = format!("running afterSql, statement {}", number + 1);
        endpoints.target.run_of_the_user(&doing, statement, settings.lock_timeout).await?;
    }
    endpoints.close().await;
    Ok(())
}
