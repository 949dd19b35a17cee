//! How a task ends that did not get there: one error for each of its tables, with what to try.

use std::time::Duration;

use super::{End, Work};
use crate::error::{Error, Side};
use crate::ident::TableName;
use crate::outcome::{Status, TableOutcome};
use crate::strategy::Engine;
use crate::target::sync_log;

/// How long broken sessions are waited for when a table has failed: a stop leaves little time.
const LEFTOVERS: Duration = Duration::from_millis(500);
/// How often a statement about the end of a table is sent.
const TRIES: u32 = 4;

/// Ends all tables of a task. Where one of them is to blame, the others say so.
pub(super) async fn fail_all(
    engine: &Engine,
    works: Vec<Work>,
    status: Status,
    (culprit, error): (Option<TableName>, Error),
) -> Vec<End> {
    let mut ends = Vec::new();
    for work in works {
        let other = culprit.as_ref().filter(|culprit| **culprit != work.plan.shape.source.name);
        let error = match other {
            Some(culprit) => Error::Table(format!(
                "not done, because it shares a transaction with {culprit}, which failed: mend that one \
                 first"
            )),
            None => error.clone(),
        };
        ends.push(fail(engine, work, status, error).await);
    }
    ends
}

/// Ends a table that did not get there; what cannot be written to the log is in the outcome.
pub async fn fail(engine: &Engine, work: Work, status: Status, error: Error) -> End {
    let status = match error {
        Error::Refused(_) => Status::Refused,
        _ => status,
    };
    let mut outcome = work.outcome(status, Some(work.plan.advise(error)));
    if engine.settings.dry_run {
        return End::Done(Box::new(outcome), None);
    }
    log(engine, &work, &mut outcome).await;
    let unlogged = work.log_id.is_none().then(|| work.unlogged(None));
    End::Done(Box::new(outcome), unlogged)
}

/// Says in the table's row, if it has one, how it ended. What the row counts was committed, also by
/// sessions that could not say so any more; nothing else was.
pub(super) async fn log(engine: &Engine, work: &Work, outcome: &mut TableOutcome) {
    let Some(id) = work.log_id else { return };
    // A broken session may still be about to commit.
    let leftovers = engine.target.end_leftovers();
    let _ = tokio::time::timeout(LEFTOVERS, leftovers).await;
    let text = outcome.error.as_ref().map(ToString::to_string);
    let said = (outcome.status.name(), text.as_deref());
    for _ in 0..TRIES {
        let ended = sync_log::finish_on_keeper(&engine.target, &engine.log, id, said).await;
        match ended {
            Ok(committed) => return outcome.counts = committed,
            // A stop cancels whatever takes long, this too.
            Err(error) if error.sqlstate() == Some("57014") => {}
            Err(_) => return,
        }
    }
}

/// A source without an encoding may hold bytes that no text has: says in which row, so that it can be
/// mended. What cannot be found out leaves the error as it is.
pub(super) async fn name_row(engine: &Engine, work: &Work, error: Error) -> Error {
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
