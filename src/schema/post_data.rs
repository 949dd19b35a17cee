//! What follows rows: a table's keys, indexes and the like once it is filled, large ones by several
//! sessions at once; foreign keys when all tables are.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;

use super::tally::Tally;
use crate::backoff;
use crate::config::Settings;
use crate::context::Round;
use crate::ddl_step::Step;
use crate::error::{Error, Result};
use crate::event::{Event, Phase};
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, Strategy, TableOutcome};
use crate::pg::Session;
use crate::plan::TablePlan;
use crate::schema_object::Kind;
use crate::sql::sync_log::SyncLog;
use crate::target_side::ddl::DdlRunner;

/// Below this size of a table, in bytes, all that follows its rows is built at once.
const SMALL: u64 = 16 * 1024 * 1024;

/// The steps of one table that are done, by their places. Kept from one try to the next.
#[derive(Clone, Debug, Default)]
pub struct CompletedSteps(Arc<Mutex<BTreeSet<usize>>>);

impl CompletedSteps {
    fn has(&self, place: usize) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&place)
    }

    fn add(&self, place: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
    }
}

impl DdlRunner {
    /// Takes what statements need from the settings.
    pub fn of(settings: &Settings) -> Self {
        Self {
            home: settings.target_schema.clone(),
            memory: settings.maintenance_work_mem.clone(),
            lock_timeout: settings.lock_timeout,
            log: SyncLog { table: settings.log_table_name() },
        }
    }
}

/// Builds what the table still lacks, on `session` and on others. `again` for a try after one that may
/// have got further than it could say.
pub async fn follow_rows(
    round: &Round,
    session: &Session,
    plan: &TablePlan,
    built: &CompletedSteps,
    again: bool,
) -> Result<()> {
    let owed = &plan.post_data;
    let is_open = |place: &usize| !built.has(*place);
    let open: Vec<usize> = (0..owed.len()).filter(is_open).collect();
    if open.is_empty() {
        return Ok(());
    }
    let table = plan.mapping.source.name.clone();
    round.events.send(Event::Phase { table, phase: Phase::Building });
    let shop = DdlRunner::of(&round.settings);
    if plan.bytes < SMALL && !again {
        // What is built first lets readers through; from the first key on they wait.
        let lets_read = |step: &&Step| step.builds || step.kind == Kind::Index;
        let (first, then): (Vec<&Step>, Vec<&Step>) =
            open.iter().map(|place| &owed[*place]).partition(lets_read);
        let all = first.into_iter().chain(then);
        if shop.run_once(session, "building indexes", all, &[]).await.is_ok() {
            open.iter().for_each(|place| built.add(*place));
            return Ok(());
        }
    }
    let bench = IndexBuilder { round, session, plan, shop, built, again };
    for stage in stages(owed, &open) {
        bench.work(stage).await?;
    }
    Ok(())
}

/// Builds all that small tables lack once their rows are there, within a transaction that is open.
pub async fn follow_group(round: &Round, session: &Session, plans: &[&TablePlan]) -> Result<()> {
    let steps: Vec<&Step> = plans.iter().flat_map(|plan| &plan.post_data).collect();
    if steps.is_empty() {
        return Ok(());
    }
    DdlRunner::of(&round.settings).run_within(session, "building indexes", steps).await
}

/// Lots of steps in an order in which none waits for a lock of another: indexes are a lot each, those of
/// keys before others; keys lock their table, so those of one table are one lot; the rest is one. Columns
/// come before keys: a primary key needs that they hold no NULL.
fn stages(owed: &[Step], open: &[usize]) -> [VecDeque<Vec<usize>>; 5] {
    let of =
        |wanted: fn(&Step) -> bool| open.iter().copied().filter(move |place| wanted(&owed[*place]));
    let key_indexes = of(|step| step.builds).map(|place| vec![place]).collect();
    let columns: Vec<usize> = of(|step| step.kind < Kind::Key).collect();
    let keys: Vec<usize> = of(|step| step.kind == Kind::Key && !step.builds).collect();
    let same_table = |one: &usize, other: &usize| owed[*one].table == owed[*other].table;
    let keys = keys.chunk_by(same_table).map(<[usize]>::to_vec).collect();
    let indexes = of(|step| step.kind == Kind::Index).map(|place| vec![place]).collect();
    let rest: Vec<usize> = of(|step| step.kind > Kind::Index).collect();
    [key_indexes, VecDeque::from([columns]), keys, indexes, VecDeque::from([rest])]
}

/// Where one table's steps are worked on.
struct IndexBuilder<'a> {
    round: &'a Round,
    session: &'a Session,
    plan: &'a TablePlan,
    shop: DdlRunner,
    built: &'a CompletedSteps,
    again: bool,
}

impl IndexBuilder<'_> {
    /// Works off the lots on the job's own session, and on others as long as slots are free.
    async fn work(&self, lots: VecDeque<Vec<usize>>) -> Result<()> {
        let most = self.round.settings.parallel.min(lots.len());
        let lots = Mutex::new(lots);
        let helpers = (1..most).map(|_| self.help(&lots));
        let (own, helped) = tokio::join!(self.take(self.session, &lots), join_all(helpers));
        own.and(helped.into_iter().collect())
    }

    async fn help(&self, lots: &Mutex<VecDeque<Vec<usize>>>) -> Result<()> {
        let Ok(_slot) = self.round.slots.try_acquire() else { return Ok(()) };
        // The job's own session does the work all the same.
        let Ok(mut session) = self.round.target.session().await else { return Ok(()) };
        self.take(&session, lots).await?;
        session.set_clean(true);
        Ok(())
    }

    async fn take(&self, session: &Session, lots: &Mutex<VecDeque<Vec<usize>>>) -> Result<()> {
        let next = || lots.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        while let Some(lot) = next() {
            for place in lot {
                self.round.check_stopped()?;
                let step = &self.plan.post_data[place];
                let doing = step.doing();
                match self.shop.run(session, &doing, [step], &[]).await {
                    Err(error) if !(self.again && is_built(&error)) => {
                        lots.lock().unwrap_or_else(PoisonError::into_inner).clear();
                        return Err(error);
                    }
                    _ => self.built.add(place),
                }
            }
        }
        Ok(())
    }
}

/// The connection broke after the step was committed and before the answer came.
pub(super) fn is_there(error: &Error) -> bool {
    matches!(error.sqlstate(), Some("42P07" | "42710" | "42P16"))
}

/// The same of a step that may have made a key of an index: it is in no state to become another one.
fn is_built(error: &Error) -> bool {
    is_there(error) || error.sqlstate() == Some("55000")
}

/// Says what was made of tables that were there before: what a new one has goes without saying.
/// `keys` are the foreign keys that were made.
pub fn remark(round: &Round, plans: &[Arc<TablePlan>], outcomes: &[TableOutcome], keys: &[&Step]) {
    let is_done = |plan: &&Arc<TablePlan>| {
        let own = outcomes.iter().find(|outcome| outcome.table == plan.mapping.source.name);
        own.is_some_and(|own| own.status == Status::Success)
    };
    let owed = plans.iter().filter(|plan| !plan.post_data.is_empty());
    let owed = owed.filter(|plan| plan.strategy != Strategy::Copy && !round.settings.dry_run);
    let steps = || owed.clone().filter(is_done).flat_map(|plan| &plan.post_data);
    let is_of_old = |step: &&&Step| {
        let old = |one: &TableOutcome| one.strategy.is_some_and(|by| by != Strategy::Copy);
        let mut own = outcomes.iter().filter(|one| step.roots.first() == Some(&one.table));
        own.any(old)
    };
    let (mut created, mut changed) = (Tally::of(steps()), Tally::of(steps()));
    keys.iter().filter(is_of_old).for_each(|step| created.add(step));
    for step in steps() {
        if step.is_change() {
            changed.add(step)
        } else if !step.completes {
            created.add(step)
        }
    }
    for text in Tally::told(&created, &changed) {
        round.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Notice }));
    }
}

/// Takes back the success of the table of this name.
pub(super) async fn retract(
    round: &Round,
    outcomes: &mut [TableOutcome],
    table: &TableName,
    error: Error,
) {
    for outcome in outcomes.iter_mut().filter(|outcome| &outcome.table == table) {
        round.retract(outcome, error.clone()).await;
    }
}

/// Does a step that follows all tables, trying again what passes by itself. `is_done` tells by the
/// error of a later try that an earlier one did it, and was not heard.
pub(super) async fn retry_foreign_keys(
    round: &Round,
    step: &Step,
    is_done: fn(&Error) -> bool,
) -> Result<()> {
    // As many at once as both servers have room for.
    let slot = round.slots.acquire().await;
    let _slot = slot.map_err(|error| Error::Internal(error.to_string()))?;
    let mut tries = 0;
    loop {
        let mut session = round.target.session().await?;
        let doing = step.doing();
        let done = DdlRunner::of(&round.settings).run(&session, &doing, [step], &[]).await;
        match done {
            Err(error) if error.is_transient() && tries < round.settings.retries => {
                tries += 1;
                backoff::pause(&mut round.stop.clone(), tries).await;
            }
            Err(error) if tries > 0 && is_done(&error) => return Ok(()),
            done => {
                session.set_clean(true);
                return done;
            }
        }
    }
}
