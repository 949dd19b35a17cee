//! Which tasks are ready, which are under way, and how each table ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::context::Round;
use crate::error::Error;
use crate::outcome::{Status, Strategy, TableOutcome};
use crate::plan::TablePlan;
use crate::plan::schedule::{Pass, Task};
use crate::source::ReadPermit;
use crate::sync::table_run::copy_small_tables;
use crate::sync::table_state::{PendingLogRow, TableState, TaskResult};
use crate::sync::workers::first_look::Budget;
use crate::sync::workers::{Assignment, TableResults};

/// Tables that are worked on at once over one pair of sessions.
const GROUP: usize = 64;
/// A table larger than this is looked at alone, in bytes: others would wait behind it.
const SMALL: u64 = 8 * 1024 * 1024;

/// The tasks and how far each is.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    tasks: Vec<Task>,
    progress: Vec<Progress>,
    /// Of tasks that may still begin.
    permits: Vec<Option<ReadPermit>>,
    plans: Vec<Arc<TablePlan>>,
    carried: Vec<Option<TableState>>,
    outcomes: Vec<Option<(TableOutcome, Option<PendingLogRow>)>>,
    /// By table that was not tried: the table that failed.
    causes: HashMap<usize, usize>,
    lost: Option<Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Running,
    Done,
    Failed,
}

/// A task that is not tried.
struct Orphan {
    task: usize,
    /// The task that comes before, and failed.
    failed: usize,
}

/// Why a task was not tried.
struct Cause {
    /// The table that failed.
    table: usize,
    /// Whether it failed itself in the task that comes before.
    is_direct: bool,
}

pub(super) enum Taken {
    Tasks(Vec<Assignment>),
    /// Something has to end first.
    Wait,
    Nothing,
}

impl Queue {
    pub(super) fn new(plans: &[Arc<TablePlan>], mut tasks: Vec<Task>, permit: ReadPermit) -> Self {
        tasks.iter_mut().for_each(|task| task.after.sort_unstable());
        let state = State {
            progress: vec![Progress::Waiting; tasks.len()],
            permits: vec![Some(permit); tasks.len()],
            tasks,
            plans: plans.to_vec(),
            carried: vec![None; plans.len()],
            outcomes: vec![None; plans.len()],
            causes: HashMap::new(),
            lost: None,
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// Resolves when the next task ends.
    pub(super) fn next_change(&self) -> Notified<'_> {
        self.changed.notified()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lose(&self, error: Error) {
        self.state().lost = Some(error);
        self.changed.notify_waiters();
    }

    pub(super) fn take(&self, round: &Round) -> Taken {
        let mut state = self.state();
        if state.lost.is_some() || round.stop.requested().is_some() {
            return Taken::Nothing;
        }
        state.skip_orphans(round);
        let mut ready = state.ready();
        if ready.is_empty() {
            let open = |progress: &Progress| *progress == Progress::Waiting;
            return if state.progress.iter().any(open) { Taken::Wait } else { Taken::Nothing };
        }
        ready.sort_by_key(|task| std::cmp::Reverse(state.plan_of(*task).bytes));
        // The sooner it is read after the snapshot, the less can happen to it.
        ready.sort_by_key(|task| !state.was_replaced(round, *task));
        let alone = !state.is_small(ready[0])
            || state.was_replaced(round, ready[0])
            || state.was_looked_at(ready[0]);
        let share = ready.len().div_ceil(round.settings.parallel).clamp(1, GROUP);
        let count = if alone { 1 } else { share };
        let joins = |task: &usize| alone || !state.was_looked_at(*task);
        let taken: Vec<usize> = ready.into_iter().filter(joins).take(count).collect();
        Taken::Tasks(taken.into_iter().map(|task| state.start(round, task)).collect())
    }

    /// How many small tables there are that nobody has looked at.
    pub(super) fn small_tables(&self, round: &Round) -> usize {
        let state = self.state();
        state.ready().into_iter().filter(|task| state.can_be_looked_at(round, *task)).count()
    }

    /// Those tables, as many as the budget allows.
    pub(super) fn take_small(&self, round: &Round, budget: &mut Budget) -> Vec<Assignment> {
        let mut state = self.state();
        if state.tasks.len() < 2 || state.lost.is_some() || round.stop.requested().is_some() {
            return Vec::new();
        }
        let mut ready = state.ready();
        ready.retain(|task| state.can_be_looked_at(round, *task));
        ready.sort_by_key(|task| state.plan_of(*task).bytes);
        let fits = |task: &usize| budget.takes(state.plan_of(*task).bytes);
        let taken: Vec<usize> = ready.into_iter().take(GROUP).take_while(fits).collect();
        taken.into_iter().map(|task| state.start(round, task)).collect()
    }

    /// Gives a task back, with what is known of its table by now.
    pub(super) fn put_back(&self, assignment: Assignment) {
        let Assignment { task, states, permit, .. } = assignment;
        let mut state = self.state();
        state.progress[task] = Progress::Waiting;
        state.permits[task] = permit;
        for mut known in states {
            known.pause();
            let table = state.tasks[task].table;
            state.carried[table] = Some(known);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// How many tasks have not begun.
    pub(super) fn open(&self) -> usize {
        let is_open = |progress: &&Progress| **progress == Progress::Waiting;
        self.state().progress.iter().filter(is_open).count()
    }

    pub(super) fn complete(&self, task: usize, results: Vec<TaskResult>) {
        let mut state = self.state();
        state.progress[task] = Progress::Done;
        let tables: Vec<usize> = state.tasks[task].tables().collect();
        for (table, end) in tables.into_iter().zip(results) {
            match end {
                TaskResult::Carried(mut carried_state) => {
                    carried_state.pause();
                    state.carried[table] = Some(*carried_state);
                }
                TaskResult::Done(outcome, log) => {
                    if outcome.status != Status::Success {
                        state.progress[task] = Progress::Failed;
                    }
                    state.close_others(table, task);
                    state.outcomes[table] = Some((*outcome, log));
                }
                TaskResult::Lost(outcome) => {
                    state.lost.clone_from(&outcome.error);
                    state.outcomes[table] = Some((*outcome, None));
                }
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// One outcome per table: those that nobody reached were skipped or interrupted.
    pub(super) fn ended(&self, round: &Round) -> TableResults {
        let mut state = self.state();
        state.permits.clear();
        let stopped = round.stop.requested().map(Error::Stopped);
        let reason = stopped.or_else(|| state.lost.clone());
        let outcomes = (0..state.plans.len()).map(|table| {
            state.outcomes[table].take().unwrap_or_else(|| {
                let carried = state.carried[table].take();
                let plan = &state.plans[table];
                let carried_state = carried.unwrap_or_else(|| TableState::new(round, plan.clone()));
                let reason = reason.clone().or(Some(Error::Internal("never reached".to_owned())));
                let begun = carried_state.log_id.is_some();
                let status = if begun { Status::Interrupted } else { Status::Skipped };
                let log = (!begun).then(|| carried_state.unlogged(None));
                (carried_state.outcome(status, reason), log)
            })
        });
        TableResults { outcomes: outcomes.collect(), lost: state.lost.clone() }
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

    fn was_replaced(&self, round: &Round, task: usize) -> bool {
        round.source.was_replaced(&self.plan_of(task).mapping.source.name)
    }

    fn was_looked_at(&self, task: usize) -> bool {
        let carried = self.carried[self.tasks[task].table].as_ref();
        carried.is_some_and(|state| state.probe.is_some())
    }

    /// Whether a look may find that nothing is to be done, and costs little.
    fn can_be_looked_at(&self, round: &Round, task: usize) -> bool {
        self.plan_of(task).strategy != Strategy::Copy
            && self.is_small(task)
            && !self.was_replaced(round, task)
            && !self.was_looked_at(task)
    }

    fn is_small(&self, task: usize) -> bool {
        let plan = self.plan_of(task);
        let Task { pass, fk_cycle: ring, .. } = &self.tasks[task];
        let fits = match plan.strategy {
            Strategy::Copy => copy_small_tables::fits(plan),
            _ => plan.bytes <= SMALL && plan.post_data.is_empty(),
        };
        fits && *pass != Pass::Delete && ring.is_empty()
    }

    fn start(&mut self, round: &Round, task: usize) -> Assignment {
        self.progress[task] = Progress::Running;
        let tables: Vec<usize> = self.tasks[task].tables().collect();
        let mut work_of = |table: usize| {
            let Some(mut carried) = self.carried[table].take() else {
                return TableState::new(round, self.plans[table].clone());
            };
            carried.go_on();
            carried
        };
        let states = tables.into_iter().map(&mut work_of).collect();
        Assignment { task, pass: self.tasks[task].pass, states, permit: self.permits[task].take() }
    }

    /// A write whose parent failed is not tried: its rows could refer to missing ones. Neither are those that wait for it.
    fn skip_orphans(&mut self, round: &Round) {
        while let Some(Orphan { task, failed }) = self.orphan() {
            let Cause { table: cause, is_direct } = self.cause(failed);
            let parent = &self.plans[cause].mapping.source.name;
            let keys = if is_direct && self.tasks[task].fk_cycle.is_empty() {
                "a foreign key to"
            } else {
                "foreign keys that lead to"
            };
            let ended = self.outcomes[cause].as_ref().map(|(outcome, _)| outcome.status);
            let what = match ended {
                Some(Status::Refused) => {
                    "was refused: settle that one first (then this table may be refused, too)"
                }
                _ => "failed: fix that one first",
            };
            let error =
                Error::Blocked(format!("not tried, because of {keys} {parent}, which {what}"));
            self.progress[task] = Progress::Failed;
            self.permits[task] = None;
            for table in self.tasks[task].tables().collect::<Vec<usize>>() {
                let carried_state = TableState::new(round, self.plans[table].clone());
                let outcome = carried_state.outcome(Status::Skipped, Some(error.clone()));
                self.outcomes[table] = Some((outcome, Some(carried_state.unlogged(None))));
                self.causes.insert(table, cause);
                self.close_others(table, task);
            }
        }
    }

    /// The next write whose parent failed.
    fn orphan(&self) -> Option<Orphan> {
        self.ready().into_iter().find_map(|task| {
            let Task { pass, after, perhaps, .. } = &self.tasks[task];
            let mut sure = after.iter().filter(|before| !perhaps.contains(before));
            let failed = sure.find(|before| self.progress[**before] == Progress::Failed);
            let failed = failed.filter(|_| *pass == Pass::Write)?;
            Some(Orphan { task, failed: *failed })
        })
    }

    /// The table for which a task has failed, or was not tried.
    fn cause(&self, task: usize) -> Cause {
        let tables: Vec<usize> = self.tasks[task].tables().collect();
        if let Some(cause) = tables.iter().find_map(|table| self.causes.get(table)) {
            return Cause { table: *cause, is_direct: false };
        }
        let has_failed = |table: &&usize| {
            let outcome = self.outcomes[**table].as_ref();
            outcome.is_some_and(|(one, _)| matches!(one.status, Status::Failed | Status::Refused))
        };
        let failed = tables.iter().find(has_failed).copied();
        Cause { table: failed.unwrap_or(self.tasks[task].table), is_direct: true }
    }

    /// A table that has ended has no other task to come.
    fn close_others(&mut self, table: usize, task: usize) {
        for other in 0..self.tasks.len() {
            let same = self.tasks[other].table == table && other != task;
            if same && self.progress[other] == Progress::Waiting {
                self.progress[other] = self.progress[task];
                self.permits[other] = None;
            }
        }
    }
}
