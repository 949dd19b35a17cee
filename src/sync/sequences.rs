//! Sequences of the target: after the rows, an insert there must not collide with what was copied.
//! One round trip for all tables of a run; what a role may not do is a note, not a failure.

use std::collections::HashSet;
use std::sync::Arc;

use crate::context::Round;
use crate::error::Result;
use crate::event::Event;
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::pg::sequences::SequenceValue;
use crate::plan::TablePlan;
use crate::sql::mapping::OwnedSequence;
use crate::sql::{Sql, sequence};

/// Sequences that one statement moves.
const GROUP: usize = 200;

/// What a sequence that stays behind falls short of, and what may come of it.
pub const BEYOND_ROWS: &str = ", so inserts on the target can fail with a duplicate key";

/// What moves a sequence.
struct Move {
    sequence: TableName,
    /// The table of the source whose column draws from it.
    table: Option<TableName>,
    statement: Sql,
}

/// Moves the sequences of every table that is in sync or was written to. `outcomes` are in the order
/// of `plans`.
pub async fn raise(round: &Round, plans: &[Arc<TablePlan>], outcomes: &[TableOutcome]) {
    let (mut moves, mut denied) = (Vec::new(), Vec::new());
    for (plan, outcome) in plans.iter().zip(outcomes) {
        if outcome.status != Status::Success && !outcome.counts.changed() {
            continue;
        }
        let is_there = |owned: &&OwnedSequence| !owned.is_new || outcome.status == Status::Success;
        let may = plan.sequences.iter().filter(|owned| owned.is_movable());
        let may = may.filter(is_there);
        let may: Vec<&OwnedSequence> = may.collect();
        let no_right = plan.sequences.iter().filter(|owned| !owned.is_movable());
        denied.extend(no_right.map(|owned| &owned.sequence.name));
        plan.sequences.iter().for_each(|owned| remark_too_small(round, plan, owned));
        moves.extend(may.iter().filter_map(|owned| {
            let is_looked_up = outcome.counts.changed() || owned.sequence.indexed || owned.is_new;
            let rows = owned.numeric && is_looked_up;
            let needed = rows || owned.source_last.is_some();
            needed.then(|| Move {
                sequence: owned.sequence.name.clone(),
                table: Some(plan.name.clone()),
                statement: plan.mapping.raise(owned, rows),
            })
        }));
    }
    remark_denied(round, &denied);
    let moved = move_all(round, &moves, "beyond the rows, so an insert there can collide").await;
    if let Err(error) = moved {
        let text = format!("not all sequences were moved beyond the rows: {error}");
        round.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
    }
}

/// Moves sequences, many by one statement. One that cannot be moved is named, and the others are moved; `short_of`
/// says what it was not moved to.
async fn move_all(round: &Round, moves: &[Move], short_of: &str) -> Result<()> {
    const MOVING: &str = "moving sequences";
    for group in moves.chunks(GROUP) {
        let statement = Sql::join(group.iter().map(|one| &one.statement), " union all ");
        match round.target.on_control_session(MOVING, &statement).await {
            Ok(_) => continue,
            Err(error) if error.is_transient() => return Err(error),
            Err(_) => {}
        }
        for Move { sequence, table, statement } in group {
            match round.target.on_control_session(MOVING, statement).await {
                Ok(_) => {}
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    let name = sequence.typed();
                    let text = format!("the sequence {name} was not moved {short_of}: {error}");
                    let (table, level) = (table.clone(), NoteLevel::Warning);
                    round.events.send(Event::Note(Note { table, text, level }));
                }
            }
        }
    }
    Ok(())
}

/// Where sequences of the source stand, by their names on the target.
struct Places {
    given: Vec<(TableName, i64)>,
    /// Those that belong to no table of the source.
    free: HashSet<TableName>,
}

impl Places {
    /// Of sequences that belong to no table of the run.
    fn of(round: &Round, sequences: &[SequenceValue], plans: &[Arc<TablePlan>]) -> Self {
        let target = |one: &SequenceValue| round.settings.target_name_of(&one.name);
        let of_plans = plans.iter().flat_map(|plan| &plan.sequences);
        let of_plans: HashSet<&TableName> = of_plans.map(|owned| &owned.sequence.name).collect();
        let concerns = |one: &&SequenceValue| one.free || !of_plans.contains(&target(one));
        let given = sequences.iter().filter(concerns);
        let given = given.filter_map(|one| Some((target(one), one.last?)));
        let free = sequences.iter().filter(|one| one.free).map(target);
        Self { given: given.collect(), free: free.collect() }
    }
}

/// The number that is advised for a sequence of which nobody knows how far the source's has come.
const HIGH: i64 = 1_000_000;

/// Names sequences that belong to no table of the run and may not be read: nobody knows how far the target's have to move.
/// Of one that somebody has given a high number nothing more is said.
pub async fn remark_hidden(round: &Round, sequences: &[SequenceValue]) {
    let is_whole = round.settings.include.is_empty();
    let hidden: Vec<&SequenceValue> =
        sequences.iter().filter(|one| one.hidden && is_whole).collect();
    if hidden.is_empty() {
        return;
    }
    let names: Vec<TableName> =
        hidden.iter().map(|one| round.settings.target_name_of(&one.name)).collect();
    // What cannot be asked is told once more.
    let known = round.target.control.known_sequences(&names).await.unwrap_or_default();
    let is_high = |name: &TableName| {
        known.iter().any(|one| &one.name == name && one.last.is_some_and(|last| last >= HIGH))
    };
    for (one, _) in hidden.into_iter().zip(&names).filter(|(_, name)| !is_high(name)) {
        let name = one.name.typed();
        let text = format!(
            "the sequence {name} is not set on the target, because pgsync may not read it on the source: an insert that takes \
             its next number can violate a unique key; run on the source: grant select on sequence {name} to {}; or give it a \
             high number yourself, on the target: select pg_catalog.setval('{}', {HIGH})",
            round.roles.source,
            round.settings.target_name_of(&one.name).typed().replace('\'', "''"),
        );
        round.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Notice }));
    }
}

/// Moves sequences that belong to no table, to where the source's stand, and never back. Those
/// that are not there were named when they could not be made. Of a run of some tables they are no concern: it moves
/// them where it can, and says nothing. A sequence that belongs to a table of the source alone, which is not selected, is
/// moved, too: a function of a selected table may draw from it.
pub async fn raise_free(round: &Round, sequences: &[SequenceValue], plans: &[Arc<TablePlan>]) {
    remark_hidden(round, sequences).await;
    let is_whole = round.settings.include.is_empty();
    let Places { given, free } = Places::of(round, sequences, plans);
    if given.is_empty() {
        return;
    }
    let names: Vec<TableName> = given.iter().map(|(name, _)| name.clone()).collect();
    let moved = async {
        let mut known = round.target.control.known_sequences(&names).await?;
        known.retain(|one| !one.drawn || free.contains(&one.name));
        let no_right = known.iter().filter(|one| !one.settable && is_whole).map(|one| &one.name);
        let short_of = " to where the source's stands, so its numbers can collide";
        let text = denied(&no_right.collect::<Vec<_>>(), short_of, &round.roles.target);
        if let Some(text) = text {
            round.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
        }
        for (name, last) in &given {
            let Some(one) = known.iter().find(|one| &one.name == name) else { continue };
            let up = one.increment > 0;
            let end = if up { one.greatest } else { one.least };
            if up && *last > end || !up && *last < end {
                let text = too_small(name, end, *last);
                round.events.send(Event::Note(Note {
                    table: None,
                    text,
                    level: NoteLevel::Warning,
                }));
            }
        }
        let is_settable = |name: &TableName| known.iter().any(|k| k.settable && &k.name == name);
        let settable = given.iter().filter(|(name, _)| is_settable(name));
        let moves = settable.map(|(name, last)| Move {
            sequence: name.clone(),
            table: None,
            statement: sequence::follow(name, *last),
        });
        let moves: Vec<Move> = moves.collect();
        move_all(round, &moves, "to where the source's stands, so its numbers can collide").await
    };
    if let Err(error) = moved.await {
        let text = format!("not all sequences were moved to where the source's stand: {error}");
        round.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
    }
}

/// A sequence that ends before the number that the source's gave last.
fn remark_too_small(round: &Round, plan: &TablePlan, owned: &OwnedSequence) {
    let (sequence, Some(last)) = (&owned.sequence, owned.source_last) else { return };
    let (end, is_beyond) = if sequence.increment > 0 {
        (sequence.greatest, last > sequence.greatest)
    } else {
        (sequence.least, last < sequence.least)
    };
    if is_beyond {
        let text = too_small(&sequence.name, end, last);
        let table = Some(plan.name.clone());
        round.events.send(Event::Note(Note { table, text, level: NoteLevel::Warning }));
    }
}

/// What is said of a sequence that ends at `end`, where the source's gave `last`.
fn too_small(name: &TableName, end: i64, last: i64) -> String {
    let bounds = [i16::MAX.into(), i32::MAX.into(), i16::MIN.into(), i32::MIN.into()];
    let bound = match end {
        end if bounds.contains(&end) => String::new(),
        end if end < last => format!(" maxvalue {}", i64::MAX),
        _ => format!(" minvalue {}", i64::MIN),
    };
    let name = name.typed();
    format!(
        "the sequence {name} ends at {end}, and the source's stands at {last}, so the next insert there fails: \
         run on the target: alter sequence {name} as bigint{bound}"
    )
}

/// For a dry run: names those that the run may not move.
pub fn remark_all_denied(round: &Round, plans: &[Arc<TablePlan>], outcomes: &[TableOutcome]) {
    let is_moved = |outcome: &TableOutcome| outcome.status == Status::Success;
    let moved = plans.iter().zip(outcomes).filter(|(_, outcome)| is_moved(outcome));
    let sequences = moved.flat_map(|(plan, _)| &plan.sequences);
    let denied = sequences.filter(|owned| !owned.is_movable()).map(|owned| &owned.sequence.name);
    remark_denied(round, &denied.collect::<Vec<_>>());
}

/// Names the sequences that the role may not move. In every run: where one stands is not known, and inserts collide until
/// it is moved.
fn remark_denied(round: &Round, sequences: &[&TableName]) {
    let text = denied(sequences, BEYOND_ROWS, &round.roles.target);
    let note = |text| Event::Note(Note { table: None, text, level: NoteLevel::Warning });
    text.map(note).into_iter().for_each(|event| round.events.send(event));
}

/// What is said of sequences that the role may not set: one statement gives the right for all of them.
pub fn denied(sequences: &[&TableName], short_of: &str, role: &str) -> Option<String> {
    let names: Vec<String> = sequences.iter().map(|name| name.typed()).collect();
    let which = match names.as_slice() {
        [] => return None,
        [only] => format!("the sequence {only}"),
        all => format!("{} sequences", all.len()),
    };
    Some(format!(
        "{role} has no right to set {which}{short_of}: run on the target: grant select, update on sequence {} to {role}",
        names.join(", ")
    ))
}
