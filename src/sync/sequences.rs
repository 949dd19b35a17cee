//! Sequences of the target: after the rows, an insert there must not collide with what was copied.
//! One round trip for all tables of a run; what a role may not do is a note, not a failure.

use std::sync::Arc;

use crate::context::Round;
use crate::event::Event;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::plan::TablePlan;
use crate::sql::Sql;
use crate::sql::mapping::OwnedSequence;

/// Sequences that one statement moves.
const GROUP: usize = 200;

/// Moves the sequences of every table that is in sync or was written to. `outcomes` are in the order
/// of `plans`.
pub async fn raise(round: &Round, plans: &[Arc<TablePlan>], outcomes: &[TableOutcome]) {
    let mut statements = Vec::new();
    for (plan, outcome) in plans.iter().zip(outcomes) {
        if outcome.status != Status::Success && !outcome.counts.changed() {
            continue;
        }
        let (may, may_not): (Vec<&OwnedSequence>, Vec<&OwnedSequence>) = plan
            .sequences
            .iter()
            .partition(|owned| owned.sequence.readable && owned.sequence.settable);
        if outcome.counts.changed() {
            may_not.iter().for_each(|owned| remark(round, plan, owned));
        }
        statements.extend(may.iter().filter_map(|owned| {
            let rows = owned.numeric && (outcome.counts.changed() || owned.sequence.indexed);
            let needed = rows || owned.source_last.is_some();
            needed.then(|| plan.mapping.raise(owned, rows))
        }));
    }
    for group in statements.chunks(GROUP) {
        let statement = Sql::join(group, " union all ");
        if let Err(error) = round.target.on_keeper("moving sequences", &statement).await {
            let text = format!("not all sequences were moved beyond the rows: {error}");
            round.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
        }
    }
}

fn remark(round: &Round, plan: &TablePlan, owned: &OwnedSequence) {
    let name = &owned.sequence.name;
    let text = format!(
        "the sequence {name} was not moved beyond the rows, so an insert there can collide: grant \
         select, update on sequence {name} to the target role"
    );
    let table = Some(plan.name.clone());
    round.events.send(Event::Note(Note { table, text, level: NoteLevel::Notice }));
}
