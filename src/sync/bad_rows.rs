//! Rows of a SQLite file with values that the target cannot hold: when all tables have ended, those that were met
//! are listed, and their tables have failed.

use std::sync::{Arc, Mutex, PoisonError};

use crate::context::Round;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::plan::TablePlan;
use crate::rejects::Rejects;
use crate::source::BadRow;
use crate::sync::table_state::PendingLogRow;

/// Rows of a table that are named.
const NAMED: usize = 20;

/// What was found in a table.
#[derive(Debug, Default)]
struct Found {
    rows: u64,
    /// What is said of the first of them.
    named: Vec<String>,
}

/// Names the bad rows of every table that has some, and lets it fail. `ended` is in the order of `plans`.
pub async fn tell(
    round: &Round,
    plans: &[Arc<TablePlan>],
    ended: &mut [(TableOutcome, Option<PendingLogRow>)],
) {
    if let Some(rejects) = &round.rejects {
        rejects.restart();
    }
    for (plan, (outcome, unlogged)) in plans.iter().zip(ended) {
        if !round.source.has_bad_rows(&outcome.table) {
            continue;
        }
        let error = match list(round, plan).await {
            Ok(found) => {
                // What else a table has failed by stays its error.
                let left_out = are_left_out(round, plan);
                let is_other =
                    outcome.error.as_ref().is_some_and(|error| left_out || !is_of_rows(error));
                if found.rows > 1 || is_other {
                    name_each(round, plan, &found);
                }
                let are_listed = round.rejects.is_some();
                Error::Blocked(words(&found, left_out, are_listed))
            }
            Err(error) => error,
        };
        fail(round, plan, outcome, error).await;
        if let Some(row) = unlogged {
            row.distrusted = true;
        }
    }
}

/// Reads the table once more, for its bad rows only.
async fn list(round: &Round, plan: &TablePlan) -> Result<Found> {
    let found = Arc::new(Mutex::new(Found::default()));
    let (filled, rejects) = (found.clone(), round.rejects.clone());
    let (table, verbose) = (plan.mapping.source.name.clone(), round.settings.output.verbose);
    let reader = round.source.reader().await?;
    let listed = reader.bad_rows(&plan.mapping, move |row: &BadRow| {
        let mut found = filled.lock().unwrap_or_else(PoisonError::into_inner);
        found.rows += 1;
        if found.named.len() < NAMED {
            found.named.push(row.describe());
        }
        rejects.iter().for_each(|rejects: &Arc<Rejects>| rejects.add(&table, row, verbose));
        Ok(())
    });
    listed.await?;
    round.source.release(reader, true).await;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *found))
}

/// The error of a unique value, with what to try where rows were left out: the target's rows of their keys stay
/// as they are, and may hold the value.
pub fn add_hint(error: Error) -> Error {
    let Error::Database(mut failed) = error else { return error };
    if matches!(failed.sqlstate.as_deref(), Some("23505" | "23P01")) {
        let hint = "a bad row of the file was left out, and the target's row of its key may still hold the value: \
                    fix the bad rows";
        failed.hint = Some(hint.to_owned());
    }
    Error::Database(failed)
}

/// Names the first rows one by one.
fn name_each(round: &Round, plan: &TablePlan, found: &Found) {
    for text in &found.named {
        let table = Some(plan.mapping.source.name.clone());
        let note = Note { table, text: text.clone(), level: NoteLevel::Notice };
        round.events.send(Event::Note(note));
    }
}

/// Why the table fails.
fn words(found: &Found, are_left_out: bool, are_listed: bool) -> String {
    let (rows, first) = (found.rows, found.named.first().map_or("a row", String::as_str));
    let list = if rows > NAMED as u64 && !are_listed { "; -rejects FILE lists all" } else { "" };
    match (are_left_out, rows) {
        (true, ..=1) => format!("1 row was left out: {first}"),
        (true, _) => format!("{rows} rows were left out, the first of them {first}{list}"),
        (false, ..=1) => first.to_owned(),
        (false, _) => format!("{first}; {rows} rows hold such values{list}"),
    }
}

/// Turns the end of the table into a failure, in the log too; the next run compares.
async fn fail(round: &Round, plan: &TablePlan, outcome: &mut TableOutcome, error: Error) {
    match (outcome.status, &outcome.error) {
        (Status::Success, _) => {}
        // It has failed by the first of these rows.
        (Status::Failed, Some(error)) if is_of_rows(error) && !are_left_out(round, plan) => {}
        _ => return,
    }
    round.retract(outcome, error).await;
    if round.settings.dry_run {
        return;
    }
    let distrust = round.sync_log.distrust(&round.run_id, &plan.name);
    // Where the log cannot be reached, that was said.
    let _ = round.target.on_control_session("writing sync_log", &distrust).await;
}

/// Whether a table may have failed by a bad row.
fn is_of_rows(error: &Error) -> bool {
    matches!(error, Error::Blocked(_))
}

fn are_left_out(round: &Round, plan: &TablePlan) -> bool {
    round.source.leaves_rows_out(&plan.mapping.source.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_how_many_rows_there_are_and_which_is_the_first() {
        let found = |rows| Found { rows, named: vec!["row (id) = (1): …".to_owned()] };
        for (rows, are_left_out, expected) in [
            (1, true, "1 row was left out: row (id) = (1): …"),
            (2, true, "2 rows were left out, the first of them row (id) = (1): …"),
            (
                21,
                true,
                "21 rows were left out, the first of them row (id) = (1): …; -rejects FILE lists all",
            ),
            (1, false, "row (id) = (1): …"),
            (3, false, "row (id) = (1): …; 3 rows hold such values"),
        ] {
            assert_eq!(words(&found(rows), are_left_out, false), expected);
        }
        assert!(words(&found(21), true, true).ends_with("…"));
    }
}
