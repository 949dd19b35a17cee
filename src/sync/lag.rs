//! How far the target is behind, when a run ends: from its newest timestamp to that of the source as it is
//! then, which may have gone on since the snapshot. A look, which changes nothing about the run.

use std::sync::Arc;
use std::time::Duration;

use crate::context::Round;
use crate::error::{Result, Side};
use crate::event::Event;
use crate::note::{Note, NoteLevel};
use crate::outcome::TableOutcome;
use crate::pg::Row;
use crate::plan::TablePlan;
use crate::sql::Sql;
use crate::sql::read::TimedTable;

/// Tables that are asked about together.
const GROUP: usize = 200;

/// Measures each table that has a timestamp column. `outcomes` are in the order of `plans`.
pub async fn measure(round: &Round, plans: &[Arc<TablePlan>], outcomes: &mut [TableOutcome]) {
    let mut measured: Vec<_> =
        plans.iter().zip(outcomes).filter(|(plan, _)| plan.timestamp.is_some()).collect();
    for group in measured.chunks_mut(GROUP) {
        match newest(round, &tables(group)).await {
            Ok([source, target]) => {
                let ends = source.into_iter().zip(target);
                group.iter_mut().zip(ends).for_each(|((_, outcome), (source, target))| {
                    outcome.lag = source.zip(target).and_then(|(one, other)| lag(one - other));
                });
            }
            Err(error) => {
                let error = round.explained(error).await;
                let text = format!("how far the target is behind cannot be said: {error}");
                let note = Note { table: None, text, level: NoteLevel::Warning };
                return round.events.send(Event::Note(note));
            }
        }
    }
}

fn tables<'a>(group: &[(&'a Arc<TablePlan>, &mut TableOutcome)]) -> Vec<TimedTable<'a>> {
    let timed = |plan: &'a Arc<TablePlan>| {
        Some(TimedTable { mapping: &plan.mapping, timestamp: plan.timestamp.as_ref()? })
    };
    group.iter().filter_map(|(plan, _)| timed(plan)).collect()
}

/// A target that is ahead is not behind.
fn lag(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

/// The newest timestamps of both sides, source first, in the order of the tables.
async fn newest(round: &Round, tables: &[TimedTable<'_>]) -> Result<[Vec<Option<f64>>; 2]> {
    const ACTION: &str = "looking how far the target is behind";
    let newest = |table: &TimedTable| table.newest(&round.horizon, Side::Target);
    let statements = Sql::join(tables.iter().map(newest), "; ");
    // The target first: what comes to the source meanwhile counts.
    let target = round.target.on_control_session(ACTION, &statements).await?;
    let number = |rows: &Vec<Row>| rows.first()?.text(0)?.parse().ok();
    let target = target.iter().map(number).collect();
    Ok([round.source.newest(ACTION, tables, &round.horizon).await?, target])
}
