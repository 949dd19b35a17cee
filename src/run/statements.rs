//! `beforeSql` and `afterSql`: the user's own statements on the target, each in a transaction of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::endpoints::Endpoints;
use crate::config::Settings;
use crate::error::Result;
use crate::event::{Event, Events};
use crate::note::{Note, NoteLevel};
use crate::outcome::{RunReport, Status};
use crate::stop::Stop;

/// How many statements of `beforeSql` a run has done: another round goes on behind them.
pub(super) type Done = Arc<AtomicUsize>;

/// The statements before the first table; none of them in a dry run.
///
/// # Errors
/// What the target says of the first one that fails. Those before it stand.
pub(super) async fn before(
    settings: &Settings,
    endpoints: &Endpoints,
    events: &Events,
) -> Result<()> {
    if settings.dry_run {
        return Ok(());
    }
    let done = &endpoints.before_sql_done;
    let from = done.load(Ordering::Relaxed);
    for (number, statement) in settings.before_sql.iter().enumerate().skip(from) {
        let place = format!("beforeSql, statement {}", number + 1);
        let own = UserStatement { place, text: statement };
        own.run(settings, endpoints, events).await?;
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
    events: &Events,
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
        let place = format!("afterSql, statement {}", number + 1);
        let own = UserStatement { place, text: statement };
        own.run(settings, endpoints, events).await?;
    }
    endpoints.close().await;
    Ok(())
}

/// One of the user's statements.
struct UserStatement<'s> {
    /// `afterSql, statement 1`
    place: String,
    text: &'s str,
}

impl UserStatement<'_> {
    /// What the server only warns of becomes a warning of the run: a grant that grants nothing is no error.
    async fn run(&self, settings: &Settings, endpoints: &Endpoints, events: &Events) -> Result<()> {
        let doing = format!("running {}", self.place);
        let wait = settings.lock_timeout;
        let warnings = endpoints.target.run_of_the_user(&doing, self.text, wait).await?;
        for warning in warnings {
            let text = format!("{}: the target warns: {warning}", self.place);
            events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
        }
        Ok(())
    }
}
