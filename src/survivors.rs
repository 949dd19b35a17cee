//! Where a table failed, the tables around it were brought to another moment than its own. Foreign
//! keys that nothing checked are looked at then: rows that refer to what is not there are no success.

use crate::error::Error;
use crate::event::{Event, Note, NoteLevel};
use crate::ident::TableName;
use crate::outcome::{Status, TableOutcome};
use crate::plan::references::References;
use crate::sql::park::dangling;
use crate::strategy::Engine;
use crate::table::ForeignKey;

/// Turns the success of every table with dangling rows into a failure. `failed` are the tables that
/// could not even be planned.
pub async fn check(
    engine: &Engine,
    references: &References,
    outcomes: &mut [TableOutcome],
    failed: &[TableOutcome],
) {
    let all = || outcomes.iter().chain(failed);
    let broken: Vec<TableName> = all()
        .filter(|outcome| outcome.status != Status::Success)
        .map(|outcome| engine.settings.target_name_of(&outcome.table))
        .collect();
    let doubtful = |key: &&ForeignKey| broken.contains(&key.child) || broken.contains(&key.parent);
    let keys: Vec<&ForeignKey> = references.trusted().filter(doubtful).collect();
    if keys.is_empty() {
        return;
    }
    let rows = match engine.target.on_keeper("looking for dangling rows", &dangling(&keys)).await {
        Ok(rows) => rows,
        Err(error) => return warn(engine, None, format!("foreign keys were not checked: {error}")),
    };
    for row in rows.iter().flatten() {
        let number = row.count(0).ok().and_then(|number| usize::try_from(number).ok());
        let Some(key) = number.and_then(|number| keys.get(number)) else { continue };
        let error = Error::Table(words(key, &broken));
        let is_child = |outcome: &&mut TableOutcome| {
            engine.settings.target_name_of(&outcome.table) == key.child
        };
        match outcomes.iter_mut().find(is_child) {
            Some(outcome) if outcome.status == Status::Success => {
                retract(engine, outcome, error).await;
            }
            _ => warn(engine, Some(key.child.clone()), error.to_string()),
        }
    }
}

fn words(key: &ForeignKey, broken: &[TableName]) -> String {
    let failed = if broken.contains(&key.parent) { &key.parent } else { &key.child };
    format!(
        "rows refer to rows of {} that are not there (foreign key \"{}\"), because {failed} failed: mend \
         {failed} and run again",
        key.parent,
        key.name.as_str()
    )
}

/// Turns a success into a failure, in the log too.
pub async fn retract(engine: &Engine, outcome: &mut TableOutcome, error: Error) {
    let table = engine.settings.target_name_of(&outcome.table);
    warn(engine, Some(table.clone()), error.to_string());
    let statement = engine.log.retract(&engine.run_id, &table, &error.to_string());
    outcome.status = Status::Failed;
    outcome.error = Some(error);
    if let Err(error) = engine.target.on_keeper("writing sync_log", &statement).await {
        warn(engine, Some(table), format!("sync_log still says success: {error}"));
    }
}

fn warn(engine: &Engine, table: Option<TableName>, text: String) {
    engine.events.send(Event::Note(Note { table, text, level: NoteLevel::Warning }));
}
