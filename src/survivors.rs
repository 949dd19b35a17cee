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
        let text = words(key, &broken);
        warn(engine, Some(key.child.clone()), text.clone());
        retract(engine, outcomes, &key.child, text).await;
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

async fn retract(engine: &Engine, outcomes: &mut [TableOutcome], child: &TableName, text: String) {
    let is_it = |outcome: &&mut TableOutcome| {
        let is_child = engine.settings.target_name_of(&outcome.table) == *child;
        is_child && outcome.status == Status::Success
    };
    let Some(outcome) = outcomes.iter_mut().find(is_it) else { return };
    let statement = engine.log.retract(&engine.run_id, child, &text);
    outcome.status = Status::Failed;
    outcome.error = Some(Error::Table(text));
    if let Err(error) = engine.target.on_keeper("writing sync_log", &statement).await {
        warn(engine, Some(child.clone()), format!("sync_log still says success: {error}"));
    }
}

fn warn(engine: &Engine, table: Option<TableName>, text: String) {
    engine.events.send(Event::Note(Note { table, text, level: NoteLevel::Warning }));
}
