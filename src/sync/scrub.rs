//! Proving a part of each table in a normal run, so that after some runs every row has been proven. A part that
//! differs has the whole table compared and repaired, and that is a warning: no run explains it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::context::Round;
use crate::error::{Result, Side};
use crate::event::{Event, Phase};
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::TableOutcome;
use crate::plan::TablePlan;
use crate::plan::schedule::Pass;
use crate::scrub::Scrub;
use crate::sql::query::DigestQuery;
use crate::sql::share::Share;
use crate::sql::sync_log::SyncLog;
use crate::sync::reconcile::digest;
use crate::sync::strategy::compare;
use crate::sync::table_state::TableRun;
use crate::sync_log::store;
use crate::target_side;
use crate::target_side::Target;

/// Reads how far earlier runs have got.
///
/// # Errors
/// The log cannot remember it.
pub async fn begin(
    target: &Target,
    sync_log: &SyncLog,
    of: u32,
    tables: &[&TableName],
) -> Result<Scrub> {
    store::add_proofs(target, sync_log).await?;
    Ok(Scrub::new(of, store::last_proofs(target, sync_log, tables).await?))
}

/// Whether a table cannot be said to be done before a part of it is proven.
pub fn is_owed(round: &Round, plan: &TablePlan) -> bool {
    round.scrub.as_ref().is_some_and(|scrub| scrub.share(plan).is_some())
}

/// Whether a part of a table has differed in this run.
pub fn has_differed(round: &Round, plan: &TablePlan) -> bool {
    round.scrub.as_ref().is_some_and(|scrub| scrub.has_differed(plan))
}

/// Whether the part of the table whose turn it is, is equal on both sides.
///
/// # Errors
/// Those of both sides.
pub async fn holds(run: &TableRun<'_>) -> Result<bool> {
    let Some(scrub) = &run.round.scrub else { return Ok(true) };
    let Some(share) = scrub.share(&run.state.plan) else { return Ok(true) };
    run.phase(Phase::Proving);
    let LookedUp { source, target } = looked_up(run).await?;
    let query = |buckets| match buckets {
        Some(buckets) => DigestQuery::LookedUp { share, buckets },
        None => DigestQuery::Share(share),
    };
    let (source, target) = tokio::try_join!(
        digest::one(run, Side::Source, query(source.as_ref())),
        digest::one(run, Side::Target, query(target.as_ref()))
    )?;
    if source == target {
        scrub.note(&run.state.plan, share, false);
    }
    Ok(source == target)
}

/// The buckets of keys that each side looks up one by one; nothing where it reads the table.
#[derive(Default)]
struct LookedUp {
    source: Option<RangeInclusive<i64>>,
    target: Option<RangeInclusive<i64>>,
}

async fn looked_up(run: &TableRun<'_>) -> Result<LookedUp> {
    let plan = &run.state.plan;
    if !plan.mapping.has_integer_key() || !Share::may_be_looked_up(plan.rows) {
        return Ok(LookedUp::default());
    }
    let doing = "reading where keys lie";
    let (source, target) = tokio::try_join!(
        run.source.neighbours(doing, &plan.mapping),
        target_side::digest::neighbours(run.target, doing, &plan.mapping),
    )?;
    Ok(LookedUp {
        source: Share::looked_up(&source, plan.rows),
        target: Share::looked_up(&target, plan.rows),
    })
}

/// Proves a part of a table that is in sync by all that a usual run looks at. If it is not, the table is compared and
/// repaired.
///
/// # Errors
/// Those of the comparison.
pub async fn prove(run: &mut TableRun<'_>) -> Result<()> {
    if holds(run).await? {
        return Ok(());
    }
    let explained = run.round.source.leaves_rows_out(&run.state.plan.mapping.source.name);
    if let Some(scrub) = run.round.scrub.as_ref().filter(|_| !explained) {
        scrub.note_differing(&run.state.plan);
    }
    compare::run(run, Pass::Whole).await?;
    if let Some(scrub) = &run.round.scrub {
        scrub.note(&run.state.plan, Share::whole(scrub.parts()), true);
    }
    Ok(())
}

/// Says which tables stay unproven, and why.
pub fn remark(round: &Round, plans: &[Arc<TablePlan>]) {
    if round.scrub.is_none() {
        return;
    }
    for plan in plans {
        let why = if plan.append {
            "its rows stay as they are on the target (\"mode\": \"append\")"
        } else if !plan.deletes {
            "rows that vanished from the source stay on the target"
        } else {
            continue;
        };
        let text = format!("-scrub leaves it out: {why}");
        let table = Some(plan.mapping.source.name.clone());
        round.events.send(Event::Note(Note { table, text, level: NoteLevel::Notice }));
    }
}

/// Writes into the log what was proven.
///
/// # Errors
/// The target's.
pub async fn write(
    round: &Round,
    plans: &[Arc<TablePlan>],
    outcomes: &[TableOutcome],
) -> Result<()> {
    let Some(scrub) = &round.scrub else { return Ok(()) };
    let proofs = scrub.proofs(plans, outcomes);
    let (target, sync_log, run_id) = (&round.target, &round.sync_log, &round.run_id);
    store::write_proofs(target, sync_log, run_id, scrub.parts(), &proofs).await
}
