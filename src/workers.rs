//! A pool of workers over a queue of ready tasks, largest first. Small tables are looked at in groups,
//! all at once over one pair of sessions. Each table gets exactly one outcome, also when its task
//! panics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::task::JoinError;

use crate::error::Error;
use crate::event::{Event, Note, NoteLevel};
use crate::outcome::{Status, Strategy, TableOutcome};
use crate::plan::TablePlan;
use crate::plan::schedule::{Part, Task};
use crate::reconcile::{self, Probe};
use crate::strategy::Engine;
use crate::table_job::{self, End, Unlogged, Work};

/// Tables that are looked at at once over one pair of sessions.
const GROUP: usize = 64;
/// A table larger than this is looked at alone, in bytes: others would wait behind it.
const SMALL: u64 = 8 * 1024 * 1024;

const TOO_MANY_CONNECTIONS: &str = "53300";

/// How the tables ended, in the order of the plans.
pub struct Ended {
    pub outcomes: Vec<(TableOutcome, Option<Unlogged>)>,
    /// Why the round cannot be trusted to have read one moment, if it cannot.
    pub lost: Option<Error>,
}

/// Runs all tasks to their end.
pub async fn run(engine: &Arc<Engine>, plans: &[Arc<TablePlan>], tasks: Vec<Task>) -> Ended {
    let queue = Arc::new(Queue::new(plans, tasks));
    let workers = muster(engine, engine.settings.parallel.min(plans.len())).await;
    let workers = (0..workers).map(|_| tokio::spawn(worker(engine.clone(), queue.clone())));
    for end in join_all(workers).await {
        // A worker itself only hands on; its tasks are guarded one by one.
        if let Err(error) = end {
            queue.lose(Error::Internal(format!("a worker {}", ended_early(&error))));
        }
    }
    let ended = queue.ended(engine);
    for (outcome, _) in &ended.outcomes {
        if outcome.status == Status::Skipped {
            engine.events.send(Event::Finished(Box::new(outcome.clone())));
        }
    }
    ended
}

/// Opens a pair of sessions for each of `wanted` workers, all at once; gives the number of workers for
/// which both servers have room, at least one.
async fn muster(engine: &Engine, wanted: usize) -> usize {
    let pair = || async { tokio::try_join!(engine.source.session(), engine.target.session()) };
    let mut pairs = join_all((0..wanted).map(|_| pair())).await;
    for (source, target) in pairs.iter_mut().flatten() {
        source.set_clean(true);
        target.set_clean(true);
    }
    let full = |error: &&Error| error.sqlstate() == Some(TOO_MANY_CONNECTIONS);
    let refused: Vec<&Error> =
        pairs.iter().filter_map(|pair| pair.as_ref().err()).filter(full).collect();
    let workers = (wanted - refused.len()).max(1);
    if let Some(error) = refused.first() {
        engine.slots.forget_permits(engine.settings.parallel - workers);
        let text = format!("{workers} of {wanted} jobs at once, for want of connections: {error}");
        engine.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
    }
    workers
}

async fn worker(engine: Arc<Engine>, queue: Arc<Queue>) {
    loop {
        let turn = queue.turn.notified();
        match queue.take(&engine) {
            Taken::Tasks(tasks) => {
                let Ok(_slot) = engine.slots.acquire().await else { return };
                work(&engine, &queue, tasks).await;
            }
            Taken::Wait => turn.await,
            Taken::Nothing => return,
        }
    }
}

/// A task with the work of its tables so far.
struct Turn {
    task: usize,
    part: Part,
    works: Vec<Work>,
}

impl Turn {
    /// What a look found, if it is all there is to do.
    fn unchanged(&self) -> Option<&Probe> {
        let probe = self.works[0].probe.as_ref().filter(|_| self.works.len() == 1);
        let owes = || !self.works[0].plan.owed.is_empty();
        probe.filter(|probe| probe.unchanged() && self.part != Part::Delete && !owes())
    }
}

async fn work(engine: &Arc<Engine>, queue: &Queue, mut turns: Vec<Turn>) {
    if turns.len() > 1 {
        look(engine, &mut turns).await;
    }
    for turn in turns {
        let task = turn.task;
        let ends = match turn.unchanged() {
            Some(probe) => vec![turn.works[0].unchanged(engine, probe)],
            None => guarded(engine, turn).await,
        };
        for end in &ends {
            if let End::Done(outcome, _) = end {
                engine.events.send(Event::Finished(outcome.clone()));
            }
        }
        queue.end(task, ends);
    }
}

/// Looks at all tables of a group at once. A look that fails is repeated by its own task, which then
/// says why.
async fn look(engine: &Engine, turns: &mut [Turn]) {
    let sessions = tokio::try_join!(engine.source.session(), engine.target.session());
    let Ok((mut source, mut target)) = sessions else { return };
    let plans = turns.iter().map(|turn| &turn.works[0].plan);
    let looks = plans.map(|plan| reconcile::probe(plan, &engine.horizon, &source, &target));
    let probes: Vec<Result<Probe, Error>> = join_all(looks).await;
    if probes.iter().any(Result::is_err) {
        return;
    }
    for (turn, probe) in turns.iter_mut().zip(probes) {
        turn.works[0].probe = probe.ok();
    }
    source.set_clean(true);
    target.set_clean(true);
}

/// A panic in a task fails its tables only.
async fn guarded(engine: &Arc<Engine>, Turn { part, works, .. }: Turn) -> Vec<End> {
    let kept = works.clone();
    match tokio::spawn(table_job::run(engine.clone(), works, part)).await {
        Ok(ends) => ends,
        Err(error) => {
            let error = Error::Internal(format!("the table's task {}", ended_early(&error)));
            let fail = |work| table_job::fail(engine, work, Status::Failed, error.clone());
            join_all(kept.into_iter().map(fail)).await
        }
    }
}

/// Without the panic's own text, which may hold a value.
fn ended_early(error: &JoinError) -> &'static str {
    match error.is_panic() {
        true => "panicked",
        false => "was cancelled",
    }
}

/// The tasks and how far each is.
struct Queue {
    state: Mutex<State>,
    turn: Notify,
}

struct State {
    tasks: Vec<Task>,
    progress: Vec<Progress>,
    plans: Vec<Arc<TablePlan>>,
    carried: Vec<Option<Work>>,
    outcomes: Vec<Option<(TableOutcome, Option<Unlogged>)>>,
    lost: Option<Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Running,
    Done,
    Failed,
}

enum Taken {
    Tasks(Vec<Turn>),
    /// Something has to end first.
    Wait,
    Nothing,
}

impl Queue {
    fn new(plans: &[Arc<TablePlan>], mut tasks: Vec<Task>) -> Self {
        tasks.iter_mut().for_each(|task| task.after.sort_unstable());
        let state = State {
            progress: vec![Progress::Waiting; tasks.len()],
            tasks,
            plans: plans.to_vec(),
            carried: vec![None; plans.len()],
            outcomes: vec![None; plans.len()],
            lost: None,
        };
        Self { state: Mutex::new(state), turn: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, error: Error) {
        self.state().lost = Some(error);
        self.turn.notify_waiters();
    }

    fn take(&self, engine: &Engine) -> Taken {
        let mut state = self.state();
        if state.lost.is_some() || engine.stop.requested().is_some() {
            return Taken::Nothing;
        }
        state.skip_orphans(engine);
        let mut ready = state.ready();
        if ready.is_empty() {
            let open = |progress: &Progress| *progress == Progress::Waiting;
            return match state.progress.iter().any(open) {
                true => Taken::Wait,
                false => Taken::Nothing,
            };
        }
        ready.sort_by_key(|task| std::cmp::Reverse(state.plan_of(*task).bytes));
        let alone = !state.is_small(ready[0]);
        let share = ready.len().div_ceil(engine.settings.parallel).clamp(1, GROUP);
        let count = if alone { 1 } else { share };
        let taken = ready.into_iter().take(count).map(|task| state.start(engine, task)).collect();
        Taken::Tasks(taken)
    }

    fn end(&self, task: usize, ends: Vec<End>) {
        let mut state = self.state();
        state.progress[task] = Progress::Done;
        let tables: Vec<usize> = state.tasks[task].tables().collect();
        for (table, end) in tables.into_iter().zip(ends) {
            match end {
                End::Carried(work) => state.carried[table] = Some(*work),
                End::Done(outcome, log) => {
                    if outcome.status != Status::Success {
                        state.progress[task] = Progress::Failed;
                    }
                    state.close_others(table, task);
                    state.outcomes[table] = Some((*outcome, log));
                }
                End::Lost(outcome) => {
                    state.lost.clone_from(&outcome.error);
                    state.outcomes[table] = Some((*outcome, None));
                }
            }
        }
        drop(state);
        self.turn.notify_waiters();
    }

    /// One outcome per table: those that nobody reached were skipped or interrupted.
    fn ended(&self, engine: &Engine) -> Ended {
        let mut state = self.state();
        let stopped = engine.stop.requested().map(Error::Stopped);
        let reason = stopped.or_else(|| state.lost.clone());
        let outcomes = (0..state.plans.len()).map(|table| {
            state.outcomes[table].take().unwrap_or_else(|| {
                let carried = state.carried[table].take();
                let plan = &state.plans[table];
                let work = carried.unwrap_or_else(|| Work::new(engine, plan.clone()));
                let reason = reason.clone().or(Some(Error::Internal("never reached".to_owned())));
                let begun = work.log_id.is_some();
                let status = if begun { Status::Interrupted } else { Status::Skipped };
                let log = (!begun).then(|| work.unlogged(None));
                (work.outcome(status, reason), log)
            })
        });
        Ended { outcomes: outcomes.collect(), lost: state.lost.clone() }
    }
}

impl State {
    fn plan_of(&self, task: usize) -> &TablePlan {
        &self.plans[self.tasks[task].table]
    }

    /// Waiting tasks whose predecessors have ended.
    fn ready(&self) -> Vec<usize> {
        let ended =
            |task: &usize| matches!(self.progress[*task], Progress::Done | Progress::Failed);
        let waiting = |task: &usize| self.progress[*task] == Progress::Waiting;
        let all = 0..self.tasks.len();
        all.filter(waiting).filter(|task| self.tasks[*task].after.iter().all(ended)).collect()
    }

    fn is_small(&self, task: usize) -> bool {
        let plan = self.plan_of(task);
        plan.bytes <= SMALL
            && plan.owed.is_empty()
            && plan.strategy != Strategy::Copy
            && self.tasks[task].part != Part::Delete
            && self.tasks[task].ring.is_empty()
    }

    fn start(&mut self, engine: &Engine, task: usize) -> Turn {
        self.progress[task] = Progress::Running;
        let tables: Vec<usize> = self.tasks[task].tables().collect();
        let mut work_of = |table: usize| {
            let carried = self.carried[table].take();
            carried.unwrap_or_else(|| Work::new(engine, self.plans[table].clone()))
        };
        let works = tables.into_iter().map(&mut work_of).collect();
        Turn { task, part: self.tasks[task].part, works }
    }

    /// A write whose parent failed is not tried: its rows could refer to missing ones.
    fn skip_orphans(&mut self, engine: &Engine) {
        for task in self.ready() {
            let Task { part, after, .. } = &self.tasks[task];
            let failed = after.iter().find(|before| self.progress[**before] == Progress::Failed);
            let Some(&failed) = failed.filter(|_| *part == Part::Write) else { continue };
            let parent = self.plan_of(failed).shape.source.name.clone();
            let error = Error::Table(format!(
                "not tried, because it refers to {parent}, which failed: mend that one first"
            ));
            self.progress[task] = Progress::Failed;
            for table in self.tasks[task].tables().collect::<Vec<usize>>() {
                let work = Work::new(engine, self.plans[table].clone());
                let outcome = work.outcome(Status::Skipped, Some(error.clone()));
                self.outcomes[table] = Some((outcome, Some(work.unlogged(None))));
                self.close_others(table, task);
            }
        }
    }

    /// A table that has ended has no other task to come.
    fn close_others(&mut self, table: usize, task: usize) {
        for other in 0..self.tasks.len() {
            let same = self.tasks[other].table == table && other != task;
            if same && self.progress[other] == Progress::Waiting {
                self.progress[other] = self.progress[task];
            }
        }
    }
}
