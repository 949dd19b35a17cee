//! How a task ends that did not get there: one error for each of its tables, with what to try.

use std::time::Duration;

use crate::context::Round;
use crate::error::{Error, Side};
use crate::event::Event;
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::sync::bad_rows;
use crate::sync::table_state::{TableState, TaskResult};
use crate::sync_log::store;

/// How long broken sessions are waited for when a table has failed: a stop leaves little time.
const LEFTOVERS: Duration = Duration::from_millis(500);
/// How often a statement about the end of a table is sent.
const TRIES: u32 = 4;

/// Why a task did not get there.
pub(super) struct Failure {
    pub status: Status,
    /// The table that is to blame, if it is one.
    pub culprit: Option<TableName>,
    pub error: Error,
}

impl Failure {
    /// None of the tables is to blame more than another.
    pub fn of_all(status: Status, error: Error) -> Self {
        Self { status, culprit: None, error }
    }
}

/// Ends all tables of a task. Where one of them is to blame, the others say so.
pub(super) async fn fail_all(
    round: &Round,
    states: Vec<TableState>,
    failure: Failure,
) -> Vec<TaskResult> {
    let Failure { status, culprit, error } = failure;
    // What stands behind a refusal did not fail.
    let (behind, what) = match error {
        Error::Refused(_) => (Status::Skipped, "was refused: settle"),
        _ => (status, "failed: fix"),
    };
    let mut results = Vec::new();
    for state in states {
        let other = culprit.as_ref().filter(|culprit| **culprit != state.plan.mapping.source.name);
        let (status, error) = match other {
            Some(culprit) => {
                let text = format!(
                    "not done, because it shares a transaction with {culprit}, which {what} that one first"
                );
                (behind, Error::Blocked(text))
            }
            None => (status, error.clone()),
        };
        results.push(fail(round, state, status, error).await);
    }
    results
}

/// Ends a table that did not get there; what cannot be written to the log is in the outcome.
pub async fn fail(round: &Round, state: TableState, status: Status, error: Error) -> TaskResult {
    let status = match error {
        Error::Refused(_) => Status::Refused,
        _ => status,
    };
    let leaves_rows_out = round.source.leaves_rows_out(&state.plan.mapping.source.name);
    let error = if leaves_rows_out { bad_rows::add_hint(error) } else { error };
    let error = round.explained(error).await;
    let error = round.target.with_lock_holder(error, &state.plan.mapping.target.name).await;
    let error = with_holder_on_source(round, &state, error).await;
    let mut outcome = state.outcome(status, Some(state.plan.add_hint(error)));
    if round.settings.dry_run {
        return TaskResult::Done(Box::new(outcome), None);
    }
    log(round, &state, &mut outcome).await;
    let unlogged = state.log_id.is_none().then(|| state.unlogged(None));
    TaskResult::Done(Box::new(outcome), unlogged)
}

/// The error with who holds a lock of the table on the source, if that kept its rows from being read.
async fn with_holder_on_source(round: &Round, state: &TableState, error: Error) -> Error {
    let is_of_source = matches!(&error, Error::Database(said) if said.side == Side::Source);
    if !is_of_source || error.sqlstate() != Some("55P03") {
        return error;
    }
    let Ok(reader) = round.source.reader().await else { return error };
    let error = reader.with_lock_holder(error, &state.plan.mapping.source.name).await;
    round.source.release(reader, false).await;
    error
}

/// Ends tables of a dry run that were counted in part: what hinders it would not hinder a run.
pub(super) fn leave_uncounted(
    round: &Round,
    states: Vec<TableState>,
    error: &Error,
) -> Vec<TaskResult> {
    let results = states.into_iter().map(|state| {
        let table = Some(state.plan.mapping.source.name.clone());
        let text = format!(
            "not all rows are counted, for the run changes a type before it writes them: {error}"
        );
        round.events.send(Event::Note(Note { table, text, level: NoteLevel::Notice }));
        TaskResult::Done(Box::new(state.outcome(Status::Success, None)), None)
    });
    results.collect()
}

/// Says in the table's row, if it has one, how it ended. What the row counts was committed, also by
/// sessions that could not say so any more; nothing else was.
pub(super) async fn log(round: &Round, state: &TableState, outcome: &mut TableOutcome) {
    let Some(id) = state.log_id else { return };
    // A broken session may still be about to commit.
    let leftovers = round.target.end_leftovers();
    let _ = tokio::time::timeout(LEFTOVERS, leftovers).await;
    let text = outcome.error.as_ref().map(ToString::to_string);
    let (status, error) = (outcome.status.name(), text.as_deref());
    for _ in 0..TRIES {
        let ended =
            store::finish_from_outside(&round.target, &round.sync_log, id, status, error).await;
        match ended {
            Ok(committed) => return outcome.counts = committed,
            // A stop cancels whatever takes long, this too.
            Err(error) if error.sqlstate() == Some("57014") => {}
            Err(_) => return,
        }
    }
}

/// A source without an encoding may hold bytes that no text has: says in which row, so that it can be
/// fixed. What cannot be found out leaves the error as it is.
pub(super) async fn locate_bad_row(round: &Round, state: &TableState, error: Error) -> Error {
    let Error::Database(mut failed) = error else { return error };
    if failed.side == Side::Source
        && failed.sqlstate.as_deref() == Some("22021")
        && let Ok(source) = round.source.reader().await
        && let Ok(row) = source.unreadable_row(&state.plan.mapping).await
    {
        failed.detail = row.map(|row| format!("the first such row has {row}"));
        failed.hint = Some("fix the text there: -verbose names the row".to_owned());
    }
    Error::Database(failed)
}
