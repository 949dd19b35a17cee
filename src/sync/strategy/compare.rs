//! Digests per bucket of whole rows; only differing buckets travel. Always right, whatever was done
//! to either side.

use crate::error::{Error, Result};
use crate::event::Phase;
use crate::plan::schedule::Pass;
use crate::plan::shown::place;
use crate::rules::Key;
use crate::rules::Mode as RowMode;
use crate::sql::digest::DigestOf;
use crate::sql::query::{RowQuery, RowScope};
use crate::sync::batches::Batch;
use crate::sync::reconcile;
use crate::sync::reconcile::delete;
use crate::sync::reconcile::delete::Kept;
use crate::sync::reconcile::proof;
use crate::sync::reconcile::{Difference, Probe, Scope};
use crate::sync::strategy::TOLD;
use crate::sync::table_state::TableRun;
use crate::sync::unexplained;
use crate::target_side::apply;
use crate::target_side::apply::{Mode, Writer};

/// Missing rows up to which each is known by its key where somebody is told of them. More are fetched by their buckets.
const NAMED: u64 = 10_000;

/// The whole table.
pub async fn run(run: &mut TableRun<'_>, pass: Pass) -> Result<()> {
    if run.state.plan.append {
        return append(run, pass).await;
    }
    match (run.state.plan.mapping.key.is_empty(), pass) {
        (true, Pass::Delete) => Ok(()),
        (true, _) => keyless(run).await,
        (false, Pass::Delete) => match run.state.unproven.take() {
            Some(difference) => delete_and_prove(run, &difference, pass).await,
            // A try that broke has forgotten what it found.
            None => rows(run, Pass::Whole).await,
        },
        (false, _) => match split_unique_violation(rows(run, pass).await)? {
            Ok(()) => Ok(()),
            Err(collision) => resolve_unique_conflicts(run, pass, collision).await,
        },
    }
}

/// Inserts the rows whose keys the target does not have; all others stay as they are.
async fn append(run: &mut TableRun<'_>, pass: Pass) -> Result<()> {
    if reconcile::keys(run, &Probe::blank(), pass).await? {
        return Ok(());
    }
    Err(Error::Blocked(
        "rows that were inserted are not what the source has: a trigger, a type or somebody else on the \
         target has changed them"
            .to_owned(),
    ))
}

/// Brings every differing row in sync, by key.
pub async fn rows(run: &mut TableRun<'_>, pass: Pass) -> Result<()> {
    let difference = differing(run, Scope::Table).await?;
    if !difference.is_none() {
        reconcile::max_delete::allow_differing(run, &difference).await?;
        run.phase(Phase::Applying);
        reconcile::fetch(run, &difference, Mode::Upsert).await?;
    }
    if pass == Pass::Write {
        run.state.unproven = Some(difference);
        return Ok(());
    }
    delete_and_prove(run, &difference, pass).await
}

/// Ends a comparison. The part that deletes is another task, on sessions that have staged nothing yet.
async fn delete_and_prove(
    run: &mut TableRun<'_>,
    difference: &Difference,
    pass: Pass,
) -> Result<()> {
    if difference.is_none() {
        return Ok(());
    }
    if pass == Pass::Delete {
        reconcile::stage(run, difference).await?;
    }
    delete::vanished(run, difference).await?;
    prove(run, difference).await
}

async fn prove(run: &mut TableRun<'_>, difference: &Difference) -> Result<()> {
    if run.state.more && run.state.plan.deletes {
        proof::table(run).await
    } else {
        proof::buckets(run, difference).await
    }
}

/// Digests of whole rows, and the keys of the buckets that differ staged.
async fn differing(run: &mut TableRun<'_>, scope: Scope) -> Result<Difference> {
    run.phase(Phase::Digests);
    let mut difference = reconcile::find(run, DigestOf::Rows, scope, None).await?;
    if difference.is_none() {
        return Ok(difference);
    }
    let is_told = scope == Scope::Table && unexplained::is_wanted(run);
    if is_told && difference.missing_rows(run).await? <= NAMED {
        difference = difference.with_missing_staged();
    }
    reconcile::stage(run, &difference).await?;
    if is_told {
        unexplained::warn(run, &difference).await?;
    }
    Ok(difference)
}

/// Sorts out a unique violation, which has a remedy, from every other error.
pub fn split_unique_violation(result: Result<()>) -> Result<Result<()>> {
    match result {
        Err(error) if matches!(error.sqlstate(), Some("23505" | "23P01")) => Ok(Err(error)),
        Err(error) => Err(error),
        Ok(()) => Ok(Ok(())),
    }
}

/// Where unique values moved between rows: the whole table is compared, so that every row that stands
/// in the way is known, and all rows that differ are written in one transaction. Vanished rows go
/// first where they can. Then all that differs is taken out and put in again in one statement; where
/// a foreign key would act on that, or vanished rows have to wait for others, rows are put aside.
pub async fn resolve_unique_conflicts(
    run: &mut TableRun<'_>,
    pass: Pass,
    collision: Error,
) -> Result<()> {
    start_over(run).await?;
    let difference = differing(run, Scope::Table).await?;
    if difference.is_none() {
        run.state.unproven = Some(difference);
        return Ok(());
    }
    // Before anything is put aside, too.
    reconcile::max_delete::allow_differing(run, &difference).await?;
    let plan = run.state.plan.clone();
    let alone = pass == Pass::Whole && !plan.one_statement;
    if alone {
        delete::vanished(run, &difference).await?;
    }
    run.phase(Phase::Applying);
    let mode = match (plan.moves.by_replacing, plan.moves.placeholders.is_empty()) {
        (true, true) => Mode::Replace,
        (true, false) if alone => Mode::Replace,
        (_, false) => Mode::Displace,
        (false, true) => return Err(collision),
    };
    let vanished = if mode == Mode::Displace { delete::list(run).await? } else { 0 };
    let moves = vanished > 0 && plan.deletes;
    let kept = if moves { delete::unlist_kept(run).await? } else { Kept::default() };
    let written = reconcile::fetch(run, &difference, mode).await.map(drop);
    // A value that is still in the way belongs to a row that stays.
    split_unique_violation(written)?
        .map_err(|collision| kept.why.map_or(collision, Error::Blocked))?;
    run.state.holds_placeholders = vanished > kept.rows && plan.deletes && !run.is_dry();
    if pass == Pass::Write {
        run.state.unproven = Some(difference);
        return Ok(());
    }
    delete_and_prove(run, &difference, Pass::Whole).await
}

/// Ends what failed: a transaction of the target, and on the source perhaps the middle of a stream.
pub async fn start_over(run: &mut TableRun<'_>) -> Result<()> {
    if run.state.plan.shared_transaction {
        apply::roll_back(run.target, &run.state.plan).await?
    } else {
        run.renew_target().await?
    }
    run.renew_source().await
}

/// The rows without a finite timestamp, as a small table of their own. Nothing is deleted: a row
/// that left this set is elsewhere, or vanished and found by its key.
pub async fn without_timestamp(run: &mut TableRun<'_>) -> Result<()> {
    let difference = differing(run, Scope::Timeless).await?;
    if !difference.is_none() {
        reconcile::fetch(run, &difference, Mode::Upsert).await?;
    }
    Ok(())
}

/// A table without a key: the rows of all differing buckets are replaced in one transaction.
async fn keyless(run: &mut TableRun<'_>) -> Result<()> {
    run.phase(Phase::Digests);
    let difference = reconcile::find(run, DigestOf::Rows, Scope::Table, None).await?;
    if difference.is_none() {
        return Ok(());
    }
    run.phase(Phase::Applying);
    let buckets = difference.every_bucket();
    let plan = run.state.plan.clone();
    if !plan.deletes {
        let rules = run.round.settings.rules.effective(&plan.mapping.source.name);
        let keeps = if rules.mode == RowMode::Mirror { Key::Deletes } else { Key::Mode };
        return Err(Error::Blocked(format!(
            "the table has no key, so a changed row cannot be told from a new one without deletes: give it a key, or let runs \
             delete its rows (take out {})",
            place(&rules, keeps)
        )));
    }
    let rows = RowQuery::Buckets { buckets: &buckets, scope: RowScope::Table };
    let mut rows = run.source.copy_out("reading rows", &plan.mapping, rows).await?;
    let mut batch = Batch::default();
    let mode = Mode::ReplaceRows(buckets);
    let mut writer = Writer::new(run.target, &plan, &run.round.sync_log, run.state.log_id, mode);
    writer.open().await?;
    while let Some(row) = rows.next().await? {
        batch.push(&mut writer, row).await?;
        if batch.rows.is_multiple_of(TOLD) {
            run.moved(TOLD);
        }
    }
    run.moved(batch.rows % TOLD);
    if reconcile::max_delete::limit(run).is_some() {
        let counted = writer.count_changes().await?;
        if let Err(refused) = reconcile::max_delete::allow(run, counted.deleted, &difference) {
            apply::roll_back(run.target, &plan).await?;
            return Err(refused);
        }
    }
    let applied = batch.commit(&mut writer).await?;
    run.state.add(&applied);
    prove(run, &difference).await
}
