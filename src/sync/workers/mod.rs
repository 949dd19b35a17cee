//! A pool of workers over a queue of ready tasks, largest first. Small tables are looked at in groups,
//! all at once over one pair of sessions, and the first of them before another pair is open. Each table gets exactly one outcome, also when its task
//! panics.

mod first_look;
mod queue;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinError;

use crate::context::Round;
use crate::error::Error;
use crate::event::Event;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::plan::TablePlan;
use crate::plan::schedule::{Pass, Task};
use crate::source::{Lock, ReadPermit, ReadPermits, Reader};
use crate::sync::bad_rows;
use crate::sync::reconcile;
use crate::sync::reconcile::Sessions;
use crate::sync::scrub;
use crate::sync::side_effects;
use crate::sync::table_run;
use crate::sync::table_run::copy_small_tables;
use crate::sync::table_state::{PendingLogRow, TableState, TaskResult};
use first_look::first_look;
use queue::{Queue, Taken};

const TOO_MANY_CONNECTIONS: &str = "53300";

/// Workers begin after this, though the first look is not done: a table that somebody holds does not hold
/// the others.
const PATIENCE: Duration = Duration::from_millis(500);

/// How the tables ended, in the order of the plans.
pub struct TableResults {
    pub outcomes: Vec<(TableOutcome, Option<PendingLogRow>)>,
    /// Why the round cannot be trusted to have read one moment, if it cannot.
    pub lost: Option<Error>,
}

/// Runs all tasks to their end.
pub async fn run(round: &Arc<Round>, plans: &[Arc<TablePlan>], tasks: Vec<Task>) -> TableResults {
    let (permit, permits) = ReadPermits::new();
    // What triggers may have done to tables that are done is looked at when all are, and so are bad rows.
    let fires = plans.iter().any(|plan| !plan.always_triggers.is_empty());
    let looks_back = fires || round.source.may_have_bad_rows();
    let last_permit = looks_back.then(|| permit.clone());
    let queue = Arc::new(Queue::new(plans, tasks, permit));
    let working = async {
        // A worker itself only hands on; its tasks are guarded one by one.
        let lose = |error| {
            queue.lose(Error::Internal(format!("a worker {}", ended_early(&error))));
        };
        let mut look = tokio::spawn(first_look(round.clone(), queue.clone()));
        let looked = tokio::time::timeout(PATIENCE, &mut look).await;
        let is_late = looked.is_err();
        looked.unwrap_or(Ok(())).unwrap_or_else(lose);
        run_workers(round, &queue, usize::from(is_late)).await.into_iter().for_each(lose);
        if is_late {
            // Somebody held a table for long. What it has found to be done is left.
            look.await.unwrap_or_else(lose);
            run_workers(round, &queue, 0).await.into_iter().for_each(lose);
        }
        let mut ended = queue.ended(round);
        let can_go_on = ended.lost.is_none() && round.stop.requested().is_none();
        if fires && can_go_on && !round.settings.dry_run {
            ended.lost = side_effects::check(round, plans, &mut ended.outcomes).await.err();
        }
        if can_go_on {
            bad_rows::tell(round, plans, &mut ended.outcomes).await;
        }
        drop(last_permit);
        ended
    };
    let let_go = async {
        permits.all_returned().await;
        round.source.close().await;
    };
    let (ended, ()) = tokio::join!(working, let_go);
    for (outcome, _) in &ended.outcomes {
        if outcome.status == Status::Skipped {
            round.events.send(Event::Finished(Box::new(outcome.clone())));
        }
    }
    ended
}

/// Works until nothing is left that can begin; gives the errors of workers. So many pairs of sessions are
/// in use elsewhere.
async fn run_workers(round: &Arc<Round>, queue: &Arc<Queue>, in_use: usize) -> Vec<JoinError> {
    let wanted = (round.settings.parallel - in_use).min(queue.open());
    if wanted == 0 {
        return Vec::new();
    }
    let workers = open_worker_sessions(round, wanted).await;
    let workers = (0..workers).map(|_| tokio::spawn(worker(round.clone(), queue.clone())));
    join_all(workers).await.into_iter().filter_map(Result::err).collect()
}

/// Opens a pair of sessions for each of `wanted` workers, all at once; gives the number of workers for
/// which both servers have room, at least one.
pub(crate) async fn open_worker_sessions(round: &Round, wanted: usize) -> usize {
    let alone = round.source.is_read_alone().await;
    let source = || async {
        // Each waits for the other ones then.
        if alone { Ok(Reader::none()) } else { round.source.reader().await }
    };
    let pair = || async { tokio::try_join!(source(), round.target.session()) };
    let mut pairs = join_all((0..wanted).map(|_| pair())).await;
    for (source, target) in pairs.iter_mut().flatten() {
        if !alone {
            source.set_clean();
        }
        target.set_clean(true);
    }
    let full = |error: &&Error| error.sqlstate() == Some(TOO_MANY_CONNECTIONS);
    let refused: Vec<&Error> =
        pairs.iter().filter_map(|pair| pair.as_ref().err()).filter(full).collect();
    let workers = (wanted - refused.len()).max(1);
    if let Some(error) = refused.first() {
        round.slots.forget_permits(round.settings.parallel - workers);
        let text = format!(
            "working on {workers} instead of {wanted} tables at once: the server is out of connections: {error}"
        );
        round.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
    }
    workers
}

async fn worker(round: Arc<Round>, queue: Arc<Queue>) {
    loop {
        let assignment = queue.next_change();
        match queue.take(&round) {
            Taken::Tasks(tasks) => {
                let Ok(_slot) = round.slots.acquire().await else { return };
                work(&round, &queue, tasks).await;
            }
            Taken::Wait => assignment.await,
            Taken::Nothing => return,
        }
    }
}

/// A task with the work of its tables so far.
struct Assignment {
    task: usize,
    pass: Pass,
    states: Vec<TableState>,
    permit: Option<ReadPermit>,
}

impl Assignment {
    /// Whether the table is copied together with others, which proves nothing; the queue sees to its size.
    fn is_copied_in_group(&self, round: &Round) -> bool {
        let TableState { plan, earlier, .. } = &self.states[0];
        let alone = self.pass != Pass::Whole || self.states.len() > 1;
        let afresh = earlier.is_none() && !round.settings.dry_run && !round.settings.reconcile;
        copy_small_tables::fits(plan) && afresh && !alone
    }

    /// The end of the table, if a look has found that there is nothing to do.
    fn ended(&self, round: &Round) -> Option<TaskResult> {
        let [state] = &self.states[..] else { return None };
        let probe = state.probe.as_ref().filter(|probe| probe.unchanged())?;
        let is_all = self.pass != Pass::Delete && state.plan.post_data.is_empty();
        let is_all = is_all && !scrub::is_owed(round, &state.plan);
        is_all.then(|| state.unchanged(round, probe))
    }
}

async fn work(round: &Arc<Round>, queue: &Queue, mut assignments: Vec<Assignment>) {
    let (mut copies, others): (Vec<Assignment>, Vec<Assignment>) =
        assignments.into_iter().partition(|assignment| assignment.is_copied_in_group(round));
    if copies.len() > 1 && copy(round, queue, &copies).await {
        copies.clear();
    }
    assignments = others;
    assignments.append(&mut copies);
    if assignments.len() > 1 {
        look(round, &mut assignments).await;
    }
    for assignment in assignments {
        let task = assignment.task;
        let results = match assignment.ended(round) {
            Some(end) => vec![end],
            None => catch_panic(round, assignment).await,
        };
        close(round, queue, task, results);
    }
}

/// Copies small tables together. What hinders one of them is said by its own task.
async fn copy(round: &Round, queue: &Queue, assignments: &[Assignment]) -> bool {
    let states: Vec<&TableState> =
        assignments.iter().map(|assignment| &assignment.states[0]).collect();
    let results = match copy_small_tables::copy(round, &states).await {
        Ok(Ok(results)) => results,
        Ok(Err(_)) => return false,
        // Another round looks what is there.
        Err(error) => {
            let lost = |state: &&TableState| state.outcome(Status::Failed, Some(error.clone()));
            states.iter().map(|state| TaskResult::Lost(Box::new(lost(state)))).collect()
        }
    };
    for (assignment, end) in assignments.iter().zip(results) {
        close(round, queue, assignment.task, vec![end]);
    }
    true
}

fn close(round: &Round, queue: &Queue, task: usize, results: Vec<TaskResult>) {
    for end in &results {
        if let TaskResult::Done(outcome, _) = end {
            round.events.send(Event::Finished(outcome.clone()));
        }
    }
    queue.complete(task, results);
}

/// Looks at all tables of a group at once; gives whether that was possible. A look that fails is repeated
/// by its own task, which then says why.
async fn look(round: &Round, assignments: &mut [Assignment]) -> bool {
    let sessions = tokio::try_join!(round.source.reader(), round.target.reading_session());
    let Ok((mut source, mut target)) = sessions else { return false };
    let plans = assignments.iter().map(|assignment| &*assignment.states[0].plan);
    let plans: Vec<&TablePlan> = plans.collect();
    let at = Sessions { source: &source, target: &target, lock: Lock::LetGo };
    let Ok(probes) = reconcile::probes(&plans, &round.horizon, at).await else { return false };
    for (assignment, probe) in assignments.iter_mut().zip(probes) {
        assignment.states[0].set_probe(round, probe);
    }
    source.set_clean();
    target.set_clean(true);
    true
}

/// A panic in a task fails its tables only.
async fn catch_panic(round: &Arc<Round>, assignment: Assignment) -> Vec<TaskResult> {
    let Assignment { pass, states, permit, .. } = assignment;
    let kept = states.clone();
    match tokio::spawn(table_run::run(round.clone(), states, pass, permit)).await {
        Ok(results) => results,
        Err(error) => {
            let error = Error::Internal(format!("the table's task {}", ended_early(&error)));
            let fail = |state| table_run::fail(round, state, Status::Failed, error.clone());
            join_all(kept.into_iter().map(fail)).await
        }
    }
}

/// Without the panic's own text, which may hold a value.
fn ended_early(error: &JoinError) -> &'static str {
    if error.is_panic() { "panicked" } else { "was cancelled" }
}
