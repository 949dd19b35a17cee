//! One table's task: look, work, retry what passes by itself, and say how it ended. A failed table is
//! a value; the others go on.

pub mod copy_small_tables;
mod failure;
mod state;

use std::sync::Arc;

use crate::backoff;
use crate::context::Round;
use crate::error::{Error, Result};
use crate::event::{Event, Phase};
use crate::outcome::{Counts, Status, Strategy};
use crate::plan::TablePlan;
use crate::plan::schedule::Pass;
use crate::schema::post_data;
use crate::source::{Lock, ReadPermit, Reader};
use crate::sql::sync_log::{Entry, Progress};
use crate::sql::{Sql, sql};
use crate::sync::reconcile;
use crate::sync::reconcile::Probe;
use crate::sync::reconcile::proof;
use crate::sync::strategy::TableRun;
use crate::sync::strategy::compare;
use crate::sync::strategy::copy;
use crate::sync::strategy::incremental;
use crate::sync_log::store;
use crate::target_side::apply;
pub use failure::fail;
use failure::{fail_all, locate_bad_row};
pub use state::{PendingLogRow, Rows, TableState, TaskResult};

/// Does one task, trying again what passes by itself. Several tables share one transaction and so one
/// fate; gives an end for each.
///
/// `permit` is given back as soon as the source is read no more.
pub async fn run(
    round: Arc<Round>,
    mut states: Vec<TableState>,
    pass: Pass,
    mut permit: Option<ReadPermit>,
) -> Vec<TaskResult> {
    loop {
        let mut at = 0;
        let error = match attempt(&round, &mut states, pass, &mut at, &mut permit).await {
            Ok(results) => return results,
            Err(error) => error,
        };
        if let Some(signal) = round.stop.requested() {
            return fail_all(&round, states, Status::Interrupted, (None, Error::Stopped(signal)))
                .await;
        }
        let replaced = error.outdates_snapshot();
        if replaced && let Some(state) = states.get(at) {
            round.source.note_replaced(&state.plan.mapping.source.name);
        }
        let given_up = states[0].retries >= round.settings.retries || replaced && round.last_round;
        if !error.is_transient() || given_up {
            let (culprit, error) = match states.get(at) {
                Some(state) => (
                    Some(state.plan.mapping.source.name.clone()),
                    locate_bad_row(&round, state, error).await,
                ),
                None => (None, error),
            };
            return fail_all(&round, states, Status::Failed, (culprit, error)).await;
        }
        states.iter_mut().for_each(|state| state.retries += 1);
        let table = states[0].plan.mapping.source.name.clone();
        round.events.send(Event::Retry {
            table: Some(table.clone()),
            error: error.to_string(),
            attempt: states[0].retries,
            of: round.settings.retries,
        });
        round.events.send(Event::Phase { table, phase: Phase::Retrying });
        backoff::pause(&mut round.stop.clone(), states[0].retries).await;
        if replaced {
            round.source.close().await;
        }
        let reads = states.iter().any(|state| state.rows.is_none());
        let outdated = reads && !round.source.snapshot_lives().await;
        if outdated || !round.target.locks_live().await {
            return lost(&round, &states, &error).await;
        }
        for at in 0..states.len() {
            match resume(&round, &mut states[at]).await {
                Ok(()) => {}
                Err(error) if error.is_transient() => return lost(&round, &states, &error).await,
                Err(error) => {
                    return fail_all(&round, states, Status::Failed, (None, error)).await;
                }
            }
        }
    }
}

/// The log says so where it can be reached: no other round may come to fix it.
async fn lost(round: &Round, states: &[TableState], error: &Error) -> Vec<TaskResult> {
    let mut results = Vec::new();
    for state in states {
        let mut outcome = state.outcome(Status::Failed, Some(error.clone()));
        failure::log(round, state, &mut outcome).await;
        results.push(TaskResult::Lost(Box::new(outcome)));
    }
    results
}

/// What was committed is in the log, also when the connection broke before the answer came.
async fn resume(round: &Round, state: &mut TableState) -> Result<()> {
    state.probe = None;
    state.keys = None;
    state.unproven = None;
    round.target.end_leftovers().await?;
    if state.rows.is_some() {
        return Ok(());
    }
    let Some(id) = state.log_id else {
        if !round.settings.dry_run {
            let rows = store::of_run(&round.target, &round.sync_log, &round.run_id).await?;
            state.earlier = rows.get(&state.plan.name).map(|row| row.id);
        }
        return Ok(());
    };
    let committed = store::committed(&round.target, &round.sync_log, id).await?;
    let mut plan = (*state.plan).clone();
    plan.strategy = match plan.strategy {
        Strategy::Copy if committed.counts.changed() => Strategy::Compare,
        other => other,
    };
    plan.reached = committed.watermark.filter(|_| plan.watermark.is_some());
    state.plan = Arc::new(plan);
    state.counts = committed.counts;
    Ok(())
}

/// One try. `at` tells which table it has come to; none when it is about to commit for all.
async fn attempt(
    round: &Arc<Round>,
    states: &mut [TableState],
    pass: Pass,
    at: &mut usize,
    permit: &mut Option<ReadPermit>,
) -> Result<Vec<TaskResult>> {
    if let Some(signal) = round.stop.requested() {
        return Err(Error::Stopped(signal));
    }
    let reads = states.iter().any(|state| state.rows.is_none());
    let target = round.target.reading_session();
    let (source, target) = if reads {
        tokio::try_join!(round.source.reader(), target)?
    } else {
        (Reader::none(), target.await?)
    };
    let mut run = TableRun {
        round: round.clone(),
        plan: states[0].plan.clone(),
        source,
        target,
        log_id: None,
        counts: Counts::default(),
        travelled: 0,
        keys: None,
        more: false,
        unproven: None,
    };
    if reads {
        bring_rows(&mut run, states, pass, at).await?;
    }
    *at = states.len();
    let source = run.source.take();
    let let_go = async {
        let is_last = permit.as_ref().is_some_and(ReadPermit::is_last);
        round.source.release(source, is_last).await;
        *permit = None;
    };
    let (results, ()) = tokio::join!(complete(&mut run, states), let_go);
    let results = results?;
    run.target.set_clean(true);
    Ok(results)
}

/// Makes the rows of all tables the source's; says so in the works of those that have no other task.
async fn bring_rows(
    run: &mut TableRun,
    states: &mut [TableState],
    pass: Pass,
    at: &mut usize,
) -> Result<()> {
    let looked = states.iter().map(|state| state.probe.is_some()).collect::<Vec<bool>>();
    let unchanged = look(run, states).await?;
    if unchanged.iter().flatten().count() == states.len() {
        for (state, probe) in states.iter_mut().zip(unchanged) {
            state.rows = probe.map(Rows::Unchanged);
        }
        return Ok(());
    }
    for (state, looked) in states.iter_mut().zip(looked) {
        run.take_up(state);
        begin(run, state, looked).await?;
    }
    let plans: Vec<Arc<TablePlan>> = states.iter().map(|state| state.plan.clone()).collect();
    let plans: Vec<&TablePlan> = plans.iter().map(|plan| &**plan).collect();
    let joint = states.len() > 1;
    if joint {
        apply::begin_joint(&run.target, &plans).await?;
    }
    for step in 0..states.len() {
        *at = if pass == Pass::Delete { states.len() - 1 - step } else { step };
        work_on(run, &mut states[*at], pass).await?;
    }
    *at = states.len();
    if joint {
        apply::commit_joint(&run.target, &plans).await?;
    }
    for state in states.iter_mut().filter(|_| pass != Pass::Write) {
        run.take_up(state);
        require_untouched(run).await?;
        let greatest =
            async { if run.log_id.is_some() { run.final_watermark().await } else { Ok(None) } };
        // A partition may have been attached while the table was read: that needs no lock of its own.
        let (held, watermark) =
            tokio::join!(run.lock_against_truncate("looking at the table again"), greatest);
        held?;
        state.rows = Some(Rows::Written(watermark?));
    }
    Ok(())
}

/// Builds what follows the rows, and says how each table ended. Needs nothing of the source.
async fn complete(run: &mut TableRun, states: &[TableState]) -> Result<Vec<TaskResult>> {
    if let Some(path) = &run.plan.path {
        // What is built now may call functions, as what is written does.
        let path = sql!("set search_path = {path}", path = path);
        run.target.run("setting the search path", &path).await?;
    }
    let mut results = Vec::new();
    for state in states {
        run.take_up(state);
        results.push(match &state.rows {
            None => TaskResult::Carried(Box::new(state.clone())),
            Some(rows) => {
                post_data::follow_rows(
                    &run.round,
                    &run.target,
                    &run.plan,
                    &state.built,
                    state.retries > 0,
                )
                .await?;
                match rows {
                    Rows::Unchanged(probe) => state.unchanged(&run.round, probe),
                    Rows::Written(watermark) => finish(run, state, watermark.clone()).await?,
                }
            }
        });
    }
    Ok(results)
}

/// The look at each table, for those that it found unchanged.
async fn look(run: &TableRun, states: &mut [TableState]) -> Result<Vec<Option<Probe>>> {
    let mut unchanged = Vec::new();
    for state in states {
        if state.probe.is_none() {
            let table = state.plan.mapping.source.name.clone();
            run.round.events.send(Event::Phase { table, phase: Phase::Looking });
            let TableRun { source, target, .. } = run;
            let at = reconcile::Sessions { source, target, lock: Lock::Kept };
            state.set_probe(reconcile::probe(&state.plan, &run.round.horizon, at).await?);
        }
        let Some(probe) = &state.probe else { continue };
        // Statistics may be missing, or older than the rows.
        if probe.rows > state.plan.rows {
            Arc::make_mut(&mut state.plan).rows = probe.rows;
        }
        unchanged.push((probe.unchanged() && !state.counts.changed()).then(|| probe.clone()));
    }
    Ok(unchanged)
}

async fn work_on(run: &mut TableRun, state: &mut TableState, pass: Pass) -> Result<()> {
    run.take_up(state);
    let probe = state.probe.clone().unwrap_or_else(Probe::blank);
    let done = follow(run, &probe, pass).await;
    state.counts = run.counts;
    state.travelled += run.travelled;
    state.keys = run.keys;
    state.more = run.more;
    state.unproven = run.unproven.take();
    done
}

impl TableRun {
    /// Goes on with a table on the same sessions.
    fn take_up(&mut self, state: &TableState) {
        self.plan = state.plan.clone();
        self.log_id = state.log_id;
        self.counts = state.counts;
        self.travelled = 0;
        self.keys = state.keys;
        self.more = state.more;
        self.unproven = state.unproven.clone();
    }
}

/// Says that work begins, in the log and to whoever looks. A table that was `looked` at in another
/// transaction is taken hold of again.
async fn begin(run: &mut TableRun, state: &mut TableState, looked: bool) -> Result<()> {
    let hold = async {
        if looked { run.lock_against_truncate("looking at the table").await } else { Ok(()) }
    };
    let (id, held) = tokio::join!(open_entry(run, state), hold);
    state.log_id = id?;
    run.log_id = state.log_id;
    held
}

/// The table's row in the log, if the run writes one.
async fn open_entry(run: &TableRun, state: &TableState) -> Result<Option<u64>> {
    if state.log_id.is_some() {
        return Ok(state.log_id);
    }
    let plan = &run.plan;
    run.round.events.send(Event::Started {
        table: plan.mapping.source.name.clone(),
        strategy: plan.strategy,
        watermark: plan.watermark.as_ref().map(|moment| format!("{}Z", moment.replace(' ', "T"))),
        rows: (plan.strategy == Strategy::Copy).then_some(plan.rows),
    });
    if run.round.settings.dry_run {
        return Ok(None);
    }
    let round = &run.round;
    let entry = Entry { earlier: state.earlier, ..entry(round, plan, "running") };
    store::begin(&run.target, &round.sync_log, entry).await.map(Some)
}

/// The `sync_type` of a repair.
const REPAIR: &str = "repair";

/// A row of the log about this plan. A watermark that was trusted stays good until a better one.
pub fn entry<'a>(round: &'a Round, plan: &'a TablePlan, status: &'a str) -> Entry<'a> {
    let moment = plan.reads_from();
    Entry {
        run_id: &round.run_id,
        source: &round.source_name,
        table: &plan.name,
        sync_type: Some(if round.settings.repair { REPAIR } else { plan.strategy.name() }),
        status,
        fingerprint: Some(&plan.fingerprint),
        watermark: moment.map(crate::sql::horizon::utc),
        counts: Counts::default(),
        error: None,
        elapsed: None,
        earlier: None,
    }
}

async fn follow(run: &mut TableRun, probe: &Probe, pass: Pass) -> Result<()> {
    match (run.plan.strategy, pass) {
        (Strategy::Copy, Pass::Delete) => Ok(()),
        (Strategy::Copy, _) => copy::run(run).await,
        (Strategy::Incremental, _) => incremental::run(run, probe, pass).await,
        (Strategy::Compare, _) => compare::run(run, pass).await,
    }
}

/// A trigger that fires whatever we do may have changed or swallowed rows.
async fn require_untouched(run: &mut TableRun) -> Result<()> {
    if run.plan.always_triggers.is_empty() { Ok(()) } else { proof::table(run).await }
}

async fn finish(run: &TableRun, state: &TableState, watermark: Option<Sql>) -> Result<TaskResult> {
    let mut outcome = state.outcome(Status::Success, None);
    outcome.counts.bytes += state.travelled;
    if let Some(id) = run.log_id {
        let progress = Progress { watermark, bytes: state.travelled, ..Progress::default() };
        let sync_log = &run.round.sync_log;
        let status = run.plan.filled();
        outcome.watermark =
            store::finish(&run.target, sync_log, id, (status, None), &progress).await?;
    }
    Ok(TaskResult::Done(Box::new(outcome), None))
}
