//! One table's task: look, work, retry what passes by itself, and say how it ended. A failed table is
//! a value; the others go on.

pub mod copy_small_tables;
mod failure;

use std::sync::Arc;

use crate::backoff;
use crate::context::Round;
use crate::error::{Error, Result, denied};
use crate::event::{Event, Phase};
use crate::note::{Note, NoteLevel};
use crate::outcome::{Counts, Status, Strategy};
use crate::pg::{PooledSession, Session};
use crate::plan::TablePlan;
use crate::plan::schedule::Pass;
use crate::schema::post_data;
use crate::source::{Lock, ReadPermit, Reader};
use crate::sql::horizon::Watermark;
use crate::sql::rights_trial::Writes;
use crate::sql::sql;
use crate::sql::sync_log::{Entry, Progress};
use crate::sync::reconcile;
use crate::sync::reconcile::Probe;
use crate::sync::reconcile::proof;
use crate::sync::scrub;
use crate::sync::strategy::compare;
use crate::sync::strategy::copy;
use crate::sync::strategy::incremental;
use crate::sync::table_state::{Rows, TableRun, TableState, TaskResult};
use crate::sync_log::store;
use crate::target_side::apply;
use crate::target_side::rights_trial::try_writes;
pub use failure::fail;
use failure::{Failure, fail_all, locate_bad_row};

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
        let held: Vec<bool> = states.iter().map(|state| state.holds_placeholders).collect();
        let error = match attempt(&round, &mut states, pass, &mut at, &mut permit).await {
            Ok(results) => return results,
            Err(error) => error,
        };
        roll_back_placeholders(&mut states, held);
        if let Some(signal) = round.stop.requested() {
            let stopped = Failure::of_all(Status::Interrupted, Error::Stopped(signal));
            return fail_all(&round, states, stopped).await;
        }
        if round.settings.foretells() && states.iter().all(|state| is_uncounted(state, &error)) {
            return failure::leave_uncounted(&round, states, &error);
        }
        let replaced = error.outdates_snapshot();
        if replaced && let Some(state) = states.get(at) {
            round.source.note_replaced(&state.plan.mapping.source.name);
        }
        let given_up = states[0].retries >= round.settings.retries || replaced && round.last_round;
        if !error.is_transient() || given_up {
            let mut failure = Failure::of_all(Status::Failed, error);
            if let Some(state) = states.get(at) {
                failure.culprit = Some(state.plan.mapping.source.name.clone());
                failure.error = locate_bad_row(&round, state, failure.error).await;
            }
            return fail_all(&round, states, failure).await;
        }
        states.iter_mut().for_each(|state| state.retries += 1);
        announce_retry(&round, &states[0], &error).await;
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
                    let failure = Failure::of_all(Status::Failed, error);
                    return fail_all(&round, states, failure).await;
                }
            }
        }
    }
}

/// What several tables share was rolled back.
fn roll_back_placeholders(states: &mut [TableState], held: Vec<bool>) {
    if states.len() > 1 {
        for (state, held) in states.iter_mut().zip(held) {
            state.holds_placeholders = held;
        }
    }
}

async fn announce_retry(round: &Round, state: &TableState, error: &Error) {
    let table = state.plan.mapping.source.name.clone();
    let name = &state.plan.mapping.target.name;
    let holder = round.target.lock_holder(error, name).await;
    let holder = holder.map_or_else(String::new, |holder| format!("; {}", holder.has(name)));
    round.events.send(Event::Retry {
        table: Some(table.clone()),
        error: format!("{error}{holder}"),
        attempt: state.retries,
        of: round.settings.retries,
    });
    round.events.send(Event::Phase { table, phase: Phase::Retrying });
}

/// Whether a dry run has met a value that the target takes only when the run has changed a type.
fn is_uncounted(state: &TableState, error: &Error) -> bool {
    state.plan.is_widened && matches!(error.sqlstate(), Some("22P02" | "22001" | "22003"))
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
    let resumed = state.plan.resumed(committed.counts.changed(), committed.watermark);
    state.plan = Arc::new(resumed);
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
    let mut sessions = Sessions { source, target };
    if reads {
        bring_rows(round, &mut sessions, states, pass, at).await?;
    }
    *at = states.len();
    let source = sessions.source.take();
    let let_go = async {
        let is_last = permit.as_ref().is_some_and(ReadPermit::is_last);
        // A try that had only to complete the table has no reader.
        if reads {
            round.source.release(source, is_last).await;
        }
        *permit = None;
    };
    let (results, ()) = tokio::join!(complete(round, &mut sessions, states), let_go);
    let results = results?;
    sessions.target.set_clean(true);
    Ok(results)
}

/// A session of each side, on which a task works.
struct Sessions {
    source: Reader,
    target: PooledSession,
}

impl Sessions {
    /// To go on with a table.
    fn of<'s>(&'s mut self, round: &'s Round, state: &'s mut TableState) -> TableRun<'s> {
        TableRun { round, source: &mut self.source, target: &mut self.target, state }
    }
}

/// Makes the rows of all tables the source's; says so in the states of those that have no other task.
async fn bring_rows(
    round: &Round,
    sessions: &mut Sessions,
    states: &mut [TableState],
    pass: Pass,
    at: &mut usize,
) -> Result<()> {
    let looked = states.iter().map(|state| state.probe.is_some()).collect::<Vec<bool>>();
    let unchanged = look(round, sessions, states).await?;
    let all_unchanged = unchanged.iter().flatten().count() == states.len();
    if all_unchanged && (pass == Pass::Write || all_hold(round, sessions, states).await?) {
        for (state, probe) in states.iter_mut().zip(unchanged) {
            state.rows = probe.map(|probe| Rows::Unchanged(Box::new(probe)));
        }
        return Ok(());
    }
    for (state, looked) in states.iter_mut().zip(looked) {
        begin(&mut sessions.of(round, state), looked).await?;
    }
    let plans: Vec<Arc<TablePlan>> = states.iter().map(|state| state.plan.clone()).collect();
    let plans: Vec<&TablePlan> = plans.iter().map(|plan| &**plan).collect();
    let joint = states.len() > 1;
    if joint {
        apply::begin_joint(&sessions.target, &plans).await?;
    }
    for step in 0..states.len() {
        *at = if pass == Pass::Delete { states.len() - 1 - step } else { step };
        if pass == Pass::Delete {
            let before = states[*at + 1..].iter().map(|state| state.plan.name.clone());
            states[*at].deleted_first = before.collect();
        }
        let mut run = sessions.of(round, &mut states[*at]);
        work_on(&mut run, pass).await?;
        if pass != Pass::Write {
            scrub::prove(&mut run).await?;
        }
    }
    *at = states.len();
    if joint {
        apply::commit_joint(&sessions.target, &plans).await?;
    }
    for state in states.iter_mut().filter(|_| pass != Pass::Write) {
        let mut run = sessions.of(round, state);
        require_untouched(&mut run).await?;
        let greatest = async { if run.is_dry() { Ok(None) } else { run.final_watermark().await } };
        // A partition may have been attached while the table was read: that needs no lock of its own.
        let (held, watermark) =
            tokio::join!(run.lock_against_truncate("looking at the table again"), greatest);
        held?;
        state.rows = Some(Rows::Written(watermark?));
    }
    Ok(())
}

/// Whether the parts of the tables that are proven beside are equal.
async fn all_hold(
    round: &Round,
    sessions: &mut Sessions,
    states: &mut [TableState],
) -> Result<bool> {
    for state in states {
        if !scrub::holds(&sessions.of(round, state)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Builds what follows the rows, and says how each table ended. Needs nothing of the source.
async fn complete(
    round: &Round,
    sessions: &mut Sessions,
    states: &mut [TableState],
) -> Result<Vec<TaskResult>> {
    if let Some(path) = states.first().and_then(|state| state.plan.path.as_ref()) {
        // What is built now may call functions, as what is written does.
        let path = sql!("set search_path = {path}", path = path);
        sessions.target.run("setting the search path", &path).await?;
    }
    let target = &sessions.target;
    let mut results = Vec::new();
    for state in states {
        let Some(rows) = &state.rows else {
            results.push(TaskResult::Carried(Box::new(state.clone())));
            continue;
        };
        let again = state.retries > 0;
        post_data::follow_rows(round, target, &state.plan, &state.built, again).await?;
        results.push(match rows {
            Rows::Unchanged(probe) => state.unchanged(round, probe),
            Rows::Written(watermark) => {
                if round.settings.foretells() {
                    foretold(target, state).await?;
                }
                finish(round, target, state, watermark.clone()).await?
            }
        });
    }
    Ok(results)
}

/// The look at each table, for those that it found unchanged.
async fn look(
    round: &Round,
    sessions: &Sessions,
    states: &mut [TableState],
) -> Result<Vec<Option<Probe>>> {
    let mut unchanged = Vec::new();
    for state in states {
        if state.probe.is_none() {
            let table = state.plan.mapping.source.name.clone();
            round.events.send(Event::Phase { table, phase: Phase::Looking });
            let Sessions { source, target } = sessions;
            let at = reconcile::Sessions { source, target, lock: Lock::Kept };
            let probe = reconcile::probe(&state.plan, &round.horizon, at).await?;
            state.set_probe(round, probe);
        }
        let Some(probe) = &state.probe else { continue };
        // Statistics may be missing, or older than the rows.
        if probe.rows > state.plan.rows {
            state.plan = Arc::new(state.plan.of_rows(probe.rows));
        }
        unchanged.push((probe.unchanged() && !state.counts.changed()).then(|| probe.clone()));
    }
    Ok(unchanged)
}

/// Does what the strategy of the table says.
async fn work_on(run: &mut TableRun<'_>, pass: Pass) -> Result<()> {
    let probe = run.state.probe.clone().unwrap_or_else(Probe::blank);
    match (run.state.plan.strategy, pass) {
        (Strategy::Copy, Pass::Delete) => Ok(()),
        (Strategy::Copy, _) => copy::run(run).await,
        (Strategy::Incremental, _) => incremental::run(run, &probe, pass).await,
        (Strategy::Compare, _) => compare::run(run, pass).await,
    }
}

/// Says that work begins, in the log and in an event. A table that was `looked` at in another
/// transaction is locked again.
async fn begin(run: &mut TableRun<'_>, looked: bool) -> Result<()> {
    let lock = async {
        if looked { run.lock_against_truncate("looking at the table").await } else { Ok(()) }
    };
    let (id, locked) = tokio::join!(open_entry(run), lock);
    run.state.log_id = id?;
    locked
}

/// The table's row in the log, if the run writes one.
async fn open_entry(run: &TableRun<'_>) -> Result<Option<u64>> {
    let TableRun { round, state, .. } = run;
    if state.log_id.is_some() {
        return Ok(state.log_id);
    }
    let plan = &state.plan;
    round.events.send(Event::Started {
        table: plan.mapping.source.name.clone(),
        strategy: plan.strategy,
        watermark: plan.watermark.as_ref().map(|moment| format!("{}Z", moment.replace(' ', "T"))),
        rows: (plan.strategy == Strategy::Copy).then_some(plan.rows),
    });
    if round.settings.dry_run {
        return Ok(None);
    }
    let entry = Entry { earlier: state.earlier, ..entry(round, plan, "running") };
    store::begin(run.target, &round.sync_log, entry).await.map(Some)
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
        watermark: moment.map(Watermark::left),
        counts: Counts::default(),
        error: None,
        elapsed: None,
        earlier: None,
    }
}

/// A trigger that fires whatever we do may have changed or swallowed rows.
async fn require_untouched(run: &mut TableRun<'_>) -> Result<()> {
    let fires = !run.state.plan.always_triggers.is_empty();
    if fires { proof::table(run).await } else { Ok(()) }
}

/// Has the server plan what a run would write into the table.
///
/// # Errors
/// The target's, if a right is missing.
async fn foretold(target: &Session, state: &TableState) -> Result<()> {
    let (plan, counts) = (&state.plan, &state.counts);
    let inserts = counts.inserted + counts.updated > 0;
    // Rows that are inserted meet those that are there, unless all of them are new.
    let updates = inserts && !plan.append && plan.strategy != Strategy::Copy;
    let writes = Writes { inserts, updates, deletes: counts.deleted > 0 };
    match denied(try_writes(target, plan, writes).await)? {
        Some(denied) => Err(denied),
        None => Ok(()),
    }
}

/// Ends the table's row in the log, and says that the table is in sync.
async fn finish(
    round: &Round,
    target: &Session,
    state: &TableState,
    watermark: Option<Watermark>,
) -> Result<TaskResult> {
    let mut outcome = state.outcome(Status::Success, None);
    outcome.counts.bytes += state.travelled;
    if let Some(id) = state.log_id {
        let progress = Progress { watermark, bytes: state.travelled, ..Progress::default() };
        let (sync_log, status) = (&round.sync_log, state.plan.filled());
        outcome.watermark = store::finish(target, sync_log, id, status, &progress).await?;
    }
    if let Some(text) = lost_rows(state) {
        let table = Some(state.plan.mapping.source.name.clone());
        round.events.send(Event::Note(Note { table, text, level: NoteLevel::Warning }));
    }
    Ok(TaskResult::Done(Box::new(outcome), None))
}

/// What is said of rows of the target that no run had written, and that are not there any more as they were.
fn lost_rows(state: &TableState) -> Option<String> {
    let Counts { updated, deleted, .. } = state.counts;
    if !state.plan.many_deletes.are_of_others || updated + deleted == 0 {
        return None;
    }
    let name = &state.plan.name;
    Some(if state.log_id.is_some() {
        let were = if deleted == 1 { "was" } else { "were" };
        // The name keeps tables with the same counts apart.
        format!(
            "the target had rows in {name} before the first run in sync_log: {deleted} of them {were} deleted and {updated} \
             changed, to be as on the source"
        )
    } else {
        format!(
            "the target has rows, and sync_log has no run that wrote any: {deleted} of them would be deleted and {updated} changed, to be as \
             on the source; if {name} is another table there, rename it on the target, or exclude this one"
        )
    })
}
