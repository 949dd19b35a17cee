//! A column of type `regclass`, `regtype` and the like holds the number of what it names, and a table that was
//! rebuilt has a new number: what named the old one names nothing any more.

use std::collections::HashSet;
use std::sync::Arc;

use crate::context::Round;
use crate::error::{Error, Result};
use crate::ident::TableName;
use crate::outcome::{Status, TableOutcome};
use crate::pg::catalog;
use crate::plan::TablePlan;
use crate::schema::rebuild::plan::RebuiltTable;
use crate::sync::table_state::PendingLogRow;

/// What the next run does about it, and why this one does not: the source's snapshot was let go before the swap.
const RENUMBERED: &str = "its columns of types like regclass may name a table that this run has rebuilt, which is another \
     one for them now: run again, and they are brought in sync";

/// Turns the success of every table with such columns into a failure, if a table was rebuilt. `outcomes` and
/// `unlogged` are in the order of `plans`.
///
/// # Errors
/// The target cannot be asked. Another round would not know that tables were rebuilt.
pub async fn check(
    round: &Round,
    rebuilt: &[RebuiltTable],
    plans: &[Arc<TablePlan>],
    outcomes: &mut [TableOutcome],
    unlogged: &mut [Option<PendingLogRow>],
) -> Result<()> {
    let is_placed = |one: &RebuiltTable| {
        let is_it = |outcome: &&TableOutcome| outcome.table == one.source;
        outcomes.iter().find(is_it).is_some_and(|outcome| outcome.status == Status::Success)
    };
    let is_renumbered = round.target.prints_names() && rebuilt.iter().any(is_placed);
    if !is_renumbered || round.settings.dry_run {
        return Ok(());
    }
    let unasked = |error| {
        Error::Blocked(format!(
            "tables of the target were rebuilt, and which columns name them could not be asked: {error}; run again \
             with -reconcile"
        ))
    };
    let named = tables_that_print_names(round).await.map_err(unasked)?;
    for ((plan, outcome), unlogged) in plans.iter().zip(outcomes).zip(unlogged) {
        // The name by which readers know a rebuilt table.
        let name = round.settings.target_name_of(&outcome.table);
        if outcome.status != Status::Success || !named.contains(&name) {
            continue;
        }
        if let Some(row) = unlogged {
            row.distrusted = true;
        }
        round.retract(outcome, Error::Blocked(RENUMBERED.to_owned())).await;
        let distrust = round.sync_log.distrust(&round.run_id, &plan.name);
        round.target.on_control_session("writing sync_log", &distrust).await.map_err(unasked)?;
    }
    Ok(())
}

async fn tables_that_print_names(round: &Round) -> Result<HashSet<TableName>> {
    let mut session = round.target.session().await?;
    let named = catalog::tables_that_print_names(&session).await?;
    session.set_clean(true);
    Ok(named)
}
