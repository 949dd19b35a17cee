//! Foreign keys, made when all tables are filled.

use std::collections::BTreeSet;

use futures_util::StreamExt;

use super::post_data::{is_there, retract, retry_foreign_keys};
use crate::context::Round;
use crate::ddl_step::Step;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::sql::{Sql, sql};
use crate::table::ForeignKey;

/// A key that could not be made, or that rows do not keep.
struct FailedKey<'s> {
    step: &'s Step,
    error: Error,
}

/// Makes the foreign keys of tables that are in sync. One that cannot be made fails its table, unless it refers to a
/// table that failed: then only rows that refer to nothing do. `of_source` are those that the source has. Gives those
/// that were made.
pub async fn create<'s>(
    round: &Round,
    steps: &'s [Step],
    of_source: &[ForeignKey],
    outcomes: &mut [TableOutcome],
) -> Vec<&'s Step> {
    let child_is_done =
        |step: &&Step| step.roots.first().is_none_or(|child| ended_well(child, outcomes));
    let steps: Vec<&Step> = steps.iter().filter(child_is_done).collect();
    let (look, make): (Vec<&Step>, Vec<&Step>) = steps.iter().partition(|step| step.is_validation);
    let mut made = make.clone();
    let mut failed: Vec<FailedKey<'_>> = Vec::new();
    for step in make {
        let error = retry_foreign_keys(round, step, is_there).await.err();
        failed.extend(error.map(|error| FailedKey { step, error }));
    }
    let lost: BTreeSet<&str> = failed.iter().map(|one| one.step.title.as_str()).collect();
    let look = look.into_iter().filter(|step| !lost.iter().any(|lost| step.title.ends_with(lost)));
    let looks =
        look.map(|step| async move { (step, retry_foreign_keys(round, step, is_there).await) });
    let looks = futures_util::stream::iter(looks).buffer_unordered(round.settings.parallel);
    let looks: Vec<(&Step, Result<()>)> = looks.collect().await;
    let unkept = looks.into_iter();
    failed.extend(unkept.filter_map(|(step, done)| Some(FailedKey { step, error: done.err()? })));
    made.retain(|step| failed.iter().all(|one| one.step.title != step.title));
    for one in failed {
        one.settle(round, of_source, outcomes).await;
    }
    made
}

fn ended_well(table: &TableName, outcomes: &[TableOutcome]) -> bool {
    let is_done = |one: &TableOutcome| &one.table == table && one.status == Status::Success;
    outcomes.iter().any(is_done)
}

impl FailedKey<'_> {
    /// Fails the table, or says that the key is missing.
    async fn settle(self, round: &Round, of_source: &[ForeignKey], outcomes: &mut [TableOutcome]) {
        let Self { step, error } = self;
        let Some(child) = step.roots.first() else {
            // It belongs to no table of the run alone, such as a key that was away while rows were written.
            let text = format!("{} is not there: {error}", step.title);
            round.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
            return;
        };
        let parent = step.roots.get(1);
        let Some(parent) = parent.filter(|parent| !ended_well(parent, outcomes)) else {
            let error = with_orphan(round, child, parent, error).await;
            return retract(round, outcomes, child, error).await;
        };
        let refers = match error.sqlstate() {
            Some("23503") => true,
            Some("42P01" | "3F000") => refers_to_nothing(round, child, parent, of_source).await,
            _ => false,
        };
        if refers {
            let text = format!(
                "rows refer to rows of {parent} that are not there ({}), because {parent} failed: fix {parent} and \
                 run again",
                step.title.trim_start_matches("validation of ")
            );
            return retract(round, outcomes, child, Error::Blocked(text)).await;
        }
        // Without the parent, or its key, the server's words say nothing new.
        let is_known = matches!(error.sqlstate(), Some("42830" | "42P01" | "3F000"));
        let why = if is_known { String::new() } else { format!(": {error}") };
        let text =
            format!("{} is missing on the target until {parent} is in sync{why}", step.title);
        let table = Some(child.clone());
        round.events.send(Event::Note(Note { table, text, level: NoteLevel::Notice }));
    }
}

/// Whether the child has rows that refer to rows of a table which is not there at all, as far as that can be looked at.
async fn refers_to_nothing(
    round: &Round,
    child: &TableName,
    parent: &TableName,
    of_source: &[ForeignKey],
) -> bool {
    let (child, parent) =
        (round.settings.target_name_of(child), round.settings.target_name_of(parent));
    let between = of_source.iter().filter(|key| key.child == child && key.parent == parent);
    let between: Vec<&ForeignKey> = between.collect();
    if between.is_empty() {
        return false;
    }
    let has_rows = between.into_iter().map(|key| {
        let columns =
            key.child_columns.iter().map(|column| sql!("{column} is not null", column = column));
        let refers = Sql::join(columns, " and ");
        sql!("select from {child} where {refers}", child = child, refers = refers)
    });
    let look = Sql::join(has_rows, " union all ");
    let look = sql!("select 1 where exists ({look})", look = look);
    let rows = round.target.on_control_session("checking foreign keys", &look).await;
    // What could not be looked at is not taken for right.
    rows.map_or(true, |rows| rows.iter().flatten().next().is_some())
}

/// The error with a row that refers to nothing, where it is about one and the source knows it.
async fn with_orphan(
    round: &Round,
    child: &TableName,
    parent: Option<&TableName>,
    error: Error,
) -> Error {
    match error {
        Error::Database(mut said) if said.sqlstate.as_deref() == Some("23503") => {
            if let Some(orphan) = round.source.orphan(child, parent).await {
                said.hint = Some(orphan);
            }
            Error::Database(said)
        }
        error => error,
    }
}
