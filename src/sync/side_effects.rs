//! A trigger of one table can write into another, which was brought in sync before. Where triggers have
//! fired, all tables are looked at again when the last one has been written.

use std::sync::Arc;

use crate::context::Round;
use crate::error::{Error, Result};
use crate::outcome::{Status, TableOutcome};
use crate::plan::TablePlan;
use crate::source::Lock;
use crate::sync::reconcile;
use crate::sync::reconcile::Sessions;
use crate::sync::reconcile::proof;
use crate::sync::table_state::{PendingLogRow, TableRun, TableState};

/// Turns the success of every table that is not in sync any more into a failure. `ended` is in the
/// order of `plans`.
///
/// # Errors
/// The snapshot or a connection was lost: nobody knows whether the tables are in sync.
pub async fn check(
    round: &Round,
    plans: &[Arc<TablePlan>],
    ended: &mut [(TableOutcome, Option<PendingLogRow>)],
) -> Result<()> {
    let wrote = |outcome: &TableOutcome| outcome.counts.batches > 0 || outcome.counts.changed();
    let fired: Vec<&TablePlan> = plans
        .iter()
        .zip(&*ended)
        .filter(|(plan, (outcome, _))| !plan.always_triggers.is_empty() && wrote(outcome))
        .map(|(plan, _)| &**plan)
        .collect();
    // The only one was looked at after its own triggers.
    let only = if let [plan] = fired.as_slice() { Some(&plan.name) } else { None };
    let doubtful = plans.iter().zip(ended).filter(|(plan, (outcome, _))| {
        outcome.status == Status::Success && Some(&plan.name) != only
    });
    let doubtful: Vec<_> = doubtful.collect();
    if fired.is_empty() || doubtful.is_empty() {
        return Ok(());
    }
    let sessions = tokio::try_join!(round.source.reader(), round.target.reading_session());
    let (mut source, mut target) = sessions?;
    for (plan, (outcome, unlogged)) in doubtful {
        let at = Sessions { source: &source, target: &target, lock: Lock::LetGo };
        if reconcile::same_rows(plan, at).await? {
            continue;
        }
        let state = &mut TableState::new(round, plan.clone());
        let mut run = TableRun { round, source: &mut source, target: &mut target, state };
        run.lock_against_truncate("digesting rows").await?;
        if proof::differs(&mut run).await? {
            round.retract(outcome, Error::Blocked(words(&fired))).await;
            let distrust = round.sync_log.distrust(&round.run_id, &plan.name);
            round.target.on_control_session("writing sync_log", &distrust).await?;
            if let Some(row) = unlogged {
                row.distrusted = true;
            }
        }
    }
    round.source.release(source, true).await;
    target.set_clean(true);
    Ok(())
}

fn words(fired: &[&TablePlan]) -> String {
    let one = |plan: &&TablePlan| {
        format!("\"{}\" on {}", plan.always_triggers.join("\", \""), plan.mapping.target.name)
    };
    let triggers: Vec<String> = fired.iter().map(one).collect();
    format!(
        "rows of the table are not as on the source: a trigger of another table has written into it ({}), or somebody has \
         changed it on the target; the next run compares the whole table; if this comes again, disable the trigger, or \
         leave the table out (-exclude)",
        triggers.join("; ")
    )
}
