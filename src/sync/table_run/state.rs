//! A table's work between its tasks and tries, and how a task ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::context::Round;
use crate::digest::Digest;
use crate::error::Error;
use crate::outcome::{Counts, Status, TableOutcome};
use crate::plan::TablePlan;
use crate::schema::post_data::CompletedSteps;
use crate::sql::Sql;
use crate::sync::reconcile::{Difference, Probe};

/// A table's work so far, carried from its write to its delete and from one try to the next.
#[derive(Clone, Debug)]
pub struct TableState {
    pub plan: Arc<TablePlan>,
    /// The time that its earlier tasks took; what it waits for others between two of them is no work.
    worked: Duration,
    /// Since when its task is under way, if it is.
    since: Option<Instant>,
    /// The table's row in the log, once it says that work has begun.
    pub log_id: Option<u64>,
    /// The row that an earlier round or try wrote.
    pub earlier: Option<u64>,
    /// What has been committed, in earlier rounds too.
    pub counts: Counts,
    /// Bytes of keys and digests, which enter the log at the end.
    pub travelled: u64,
    pub retries: u32,
    /// The last look, until something was written.
    pub probe: Option<Probe>,
    /// See [`crate::sync::strategy::TableRun::keys`].
    pub keys: Option<Digest>,
    /// See [`crate::sync::strategy::TableRun::more`].
    pub more: bool,
    /// See [`crate::sync::strategy::TableRun::unproven`].
    pub unproven: Option<Difference>,
    /// What of its indexes and constraints is built.
    pub built: CompletedSteps,
    /// Set once the source is read no more for this table.
    pub rows: Option<Rows>,
}

/// How it was found that a table's rows are the source's.
#[derive(Clone, Debug)]
pub enum Rows {
    /// By a look, and nothing was written.
    Unchanged(Probe),
    /// They were written; the next run starts at this watermark.
    Written(Option<Sql>),
}

/// How a task ended.
pub enum TaskResult {
    /// The table's other task is still to come.
    Carried(Box<TableState>),
    /// The table is done; `log` is what is still to be written about it.
    Done(Box<TableOutcome>, Option<PendingLogRow>),
    /// The snapshot or the locks are gone: nothing can go on in this round.
    Lost(Box<TableOutcome>),
}

/// A table that ended without a row in the log: they are written together.
#[derive(Clone, Debug)]
pub struct PendingLogRow {
    pub plan: Arc<TablePlan>,
    /// Where the next run starts, as an expression.
    pub watermark: Option<Sql>,
    /// The row that an earlier round wrote.
    pub earlier: Option<u64>,
}

impl PendingLogRow {
    /// There is no place for the next run to go on from: it compares.
    pub fn distrust(&mut self) {
        self.watermark = None;
        let plan = Arc::make_mut(&mut self.plan);
        (plan.watermark, plan.reached) = (None, None);
    }
}

impl TableState {
    /// Begins with what earlier rounds of the run counted for the table; the clock runs.
    pub fn new(round: &Round, plan: Arc<TablePlan>) -> Self {
        let earlier = round.earlier.get(&plan.name);
        Self {
            plan,
            worked: Duration::ZERO,
            since: Some(Instant::now()),
            log_id: None,
            earlier: earlier.map(|row| row.id),
            counts: earlier.map(|row| row.counts).unwrap_or_default(),
            travelled: 0,
            retries: 0,
            probe: None,
            keys: None,
            more: false,
            unproven: None,
            built: CompletedSteps::default(),
            rows: None,
        }
    }

    /// The time spent on the table so far.
    pub fn elapsed(&self) -> Duration {
        self.worked + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Stops its clock until another task goes on with the table.
    pub fn pause(&mut self) {
        self.worked = self.elapsed();
        self.since = None;
    }

    /// Starts its clock again, if it was stopped.
    pub fn go_on(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// Notes what a look at both sides has found.
    pub fn set_probe(&mut self, probe: Probe) {
        self.keys = probe.target_keys;
        self.probe = Some(probe);
    }

    /// What the report says of the table, with a watermark still to be filled in.
    pub fn outcome(&self, status: Status, error: Option<Error>) -> TableOutcome {
        TableOutcome {
            table: self.plan.mapping.source.name.clone(),
            strategy: Some(self.plan.strategy),
            status,
            counts: self.counts,
            elapsed: self.elapsed(),
            lag: None,
            watermark: None,
            error,
            retries: self.retries,
        }
    }

    /// What is still to be written about a table whose work has not begun.
    pub fn unlogged(&self, watermark: Option<Sql>) -> PendingLogRow {
        PendingLogRow { plan: self.plan.clone(), watermark, earlier: self.earlier }
    }

    /// The end of a table that a look found unchanged.
    pub fn unchanged(&self, round: &Round, probe: &Probe) -> TaskResult {
        let greatest = probe.greatest.as_deref().zip(self.plan.timestamp.as_ref());
        let watermark =
            greatest.and_then(|(greatest, timestamp)| round.horizon.watermark(timestamp, greatest));
        let sync_log = self.unlogged(watermark);
        TaskResult::Done(Box::new(self.outcome(Status::Success, None)), Some(sync_log))
    }
}
