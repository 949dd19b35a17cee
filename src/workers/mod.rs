//! A pool of workers over a queue of ready tasks, largest first. Small tables are looked at in groups,
//! all at once over one pair of sessions. Each table gets exactly one outcome, also when its task
//! panics.

mod queue;

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::task::JoinError;

use crate::error::Error;
use crate::event::{Event, Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::pg::Lease;
use crate::plan::TablePlan;
use crate::plan::schedule::{Part, Task};
use crate::reconcile::{self, Lock, Probe, Sessions};
use crate::side_effects;
use crate::source::{Reader, Readers};
use crate::strategy::Engine;
use crate::table_job::{self, End, Unlogged, Work, group};
use queue::{Queue, Taken};

const TOO_MANY_CONNECTIONS: &str = "53300";

/// How the tables ended, in the order of the plans.
pub struct Ended {
    pub outcomes: Vec<(TableOutcome, Option<Unlogged>)>,
    /// Why the round cannot be trusted to have read one moment, if it cannot.
    pub lost: Option<Error>,
}

/// Runs all tasks to their end.
pub async fn run(engine: &Arc<Engine>, plans: &[Arc<TablePlan>], tasks: Vec<Task>) -> Ended {
    let (reader, readers) = Readers::new();
    // What triggers may have done to tables that are done is looked at when all are.
    let meddling = plans.iter().any(|plan| !plan.meddling.is_empty());
    let last_reader = meddling.then(|| reader.clone());
    let queue = Arc::new(Queue::new(plans, tasks, reader));
    let workers = muster(engine, engine.settings.parallel.min(plans.len())).await;
    let workers = (0..workers).map(|_| tokio::spawn(worker(engine.clone(), queue.clone())));
    let working = async {
        for end in join_all(workers).await {
            // A worker itself only hands on; its tasks are guarded one by one.
            if let Err(error) = end {
                queue.lose(Error::Internal(format!("a worker {}", ended_early(&error))));
            }
        }
        let mut ended = queue.ended(engine);
        let can_go_on = ended.lost.is_none() && engine.stop.requested().is_none();
        if last_reader.is_some() && can_go_on && !engine.settings.dry_run {
            ended.lost = side_effects::check(engine, plans, &mut ended.outcomes).await.err();
        }
        drop(last_reader);
        ended
    };
    let let_go = async {
        readers.all_gone().await;
        engine.source.close().await;
    };
    let (ended, ()) = tokio::join!(working, let_go);
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
    let alone = engine.source.is_read_alone().await;
    let source = || async {
        // Each waits for the other ones then.
        if alone { Ok(Lease::none()) } else { engine.source.session().await }
    };
    let pair = || async { tokio::try_join!(source(), engine.target.session()) };
    let mut pairs = join_all((0..wanted).map(|_| pair())).await;
    for (source, target) in pairs.iter_mut().flatten() {
        if !alone {
            source.set_clean(true);
        }
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
        let turn = queue.turn();
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
    reader: Option<Reader>,
}

impl Turn {
    /// Whether the table is copied together with others, which proves nothing; the queue sees to its size.
    fn is_copied_in_group(&self, engine: &Engine) -> bool {
        let Work { plan, earlier, .. } = &self.works[0];
        let alone = self.part != Part::Whole || self.works.len() > 1;
        let afresh = earlier.is_none() && !engine.settings.dry_run && !engine.settings.reconcile;
        group::fits(plan) && afresh && !alone
    }

    /// What a look found, if it is all there is to do.
    fn unchanged(&self) -> Option<&Probe> {
        let probe = self.works[0].probe.as_ref().filter(|_| self.works.len() == 1);
        let owes = || !self.works[0].plan.owed.is_empty();
        probe.filter(|probe| probe.unchanged() && self.part != Part::Delete && !owes())
    }
}

async fn work(engine: &Arc<Engine>, queue: &Queue, mut turns: Vec<Turn>) {
    let (mut copies, others): (Vec<Turn>, Vec<Turn>) =
        turns.into_iter().partition(|turn| turn.is_copied_in_group(engine));
    if copies.len() > 1 && copy(engine, queue, &copies).await {
        copies.clear();
    }
    turns = others;
    turns.append(&mut copies);
    if turns.len() > 1 {
        look(engine, &mut turns).await;
    }
    for turn in turns {
        let task = turn.task;
        let ends = match turn.unchanged() {
            Some(probe) => vec![turn.works[0].unchanged(engine, probe)],
            None => guarded(engine, turn).await,
        };
        close(engine, queue, task, ends);
    }
}

/// Copies small tables together. What hinders one of them is said by its own task.
async fn copy(engine: &Engine, queue: &Queue, turns: &[Turn]) -> bool {
    let works: Vec<&Work> = turns.iter().map(|turn| &turn.works[0]).collect();
    let ends = match group::copy(engine, &works).await {
        Ok(Ok(ends)) => ends,
        Ok(Err(_)) => return false,
        // Another round looks what is there.
        Err(error) => {
            let lost = |work: &&Work| work.outcome(Status::Failed, Some(error.clone()));
            works.iter().map(|work| End::Lost(Box::new(lost(work)))).collect()
        }
    };
    for (turn, end) in turns.iter().zip(ends) {
        close(engine, queue, turn.task, vec![end]);
    }
    true
}

fn close(engine: &Engine, queue: &Queue, task: usize, ends: Vec<End>) {
    for end in &ends {
        if let End::Done(outcome, _) = end {
            engine.events.send(Event::Finished(outcome.clone()));
        }
    }
    queue.end(task, ends);
}

/// Looks at all tables of a group at once. A look that fails is repeated by its own task, which then
/// says why.
async fn look(engine: &Engine, turns: &mut [Turn]) {
    let sessions = tokio::try_join!(engine.source.session(), engine.target.reading_session());
    let Ok((mut source, mut target)) = sessions else { return };
    let plans = turns.iter().map(|turn| &turn.works[0].plan);
    let at = Sessions { source: &source, target: &target, lock: Lock::LetGo };
    let looks = plans.map(|plan| reconcile::probe(plan, &engine.horizon, at));
    let probes: Vec<Result<Probe, Error>> = join_all(looks).await;
    if probes.iter().any(Result::is_err) {
        return;
    }
    for (turn, probe) in turns.iter_mut().zip(probes) {
        if let Ok(probe) = probe {
            turn.works[0].look(probe);
        }
    }
    source.set_clean(true);
    target.set_clean(true);
}

/// A panic in a task fails its tables only.
async fn guarded(engine: &Arc<Engine>, turn: Turn) -> Vec<End> {
    let Turn { part, works, reader, .. } = turn;
    let kept = works.clone();
    match tokio::spawn(table_job::run(engine.clone(), works, part, reader)).await {
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
