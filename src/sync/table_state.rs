//! A table's work: what is known of it between its tasks and tries, what it is done with, and how a task ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::context::Round;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::{Event, Phase};
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Counts, Status, TableOutcome};
use crate::pg::PooledSession;
use crate::plan::TablePlan;
use crate::schema::post_data::CompletedSteps;
use crate::source::{Lock, Reader};
use crate::sql::horizon::Watermark;
use crate::sync::reconcile::{Difference, Probe};
use crate::target_side::apply::Applied;

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
    /// The digest of the target's keys as the writes of this run have left them, while that is known.
    pub keys: Option<Digest>,
    /// Whether something wrote into the table behind our statements: only a look at all rows tells then.
    pub more: bool,
    /// What a comparison found when it wrote, until vanished rows are deleted and all is proven.
    pub unproven: Option<Difference>,
    /// Whether rows that vanished have placeholders until they are deleted.
    pub holds_placeholders: bool,
    /// Tables in a circle with it whose vanished rows are deleted already, by their names on the target.
    pub deleted_first: Vec<TableName>,
    /// What of its indexes and constraints is built.
    pub built: CompletedSteps,
    /// Set once the source is read no more for this table.
    pub rows: Option<Rows>,
}

/// One table's work under way: its state, and a session of each side.
pub struct TableRun<'s> {
    pub round: &'s Round,
    pub source: &'s mut Reader,
    pub target: &'s mut PooledSession,
    pub state: &'s mut TableState,
}

impl TableRun<'_> {
    /// Says what is being done.
    pub fn phase(&self, phase: Phase) {
        let table = self.state.plan.mapping.source.name.clone();
        self.round.events.send(Event::Phase { table, phase });
    }

    /// Says how many rows will travel from here on.
    pub fn expect(&self, rows: u64) {
        let table = self.state.plan.mapping.source.name.clone();
        self.round.events.send(Event::Expected { table, rows });
    }

    /// Notes the digest of all rows of the source, for the next run.
    pub fn note_source(&self, digest: Digest) {
        let plan = &self.state.plan;
        self.round.recall.note(&plan.name, plan.rows_before.mark.as_ref(), digest);
    }

    /// Says that so many more rows have travelled.
    pub fn moved(&self, rows: u64) {
        self.round.moved(&self.state.plan, rows);
    }

    /// Whether nothing is written, only counted.
    pub fn is_dry(&self) -> bool {
        self.state.log_id.is_none()
    }

    /// A reader in place of one that is in the middle of a stream.
    pub async fn renew_source(&mut self) -> Result<()> {
        self.source.close();
        *self.source = self.round.source.reader().await?;
        self.lock_against_truncate("reading again").await
    }

    /// A target session in place of one whose batch failed, perhaps with another opened behind it.
    pub async fn renew_target(&mut self) -> Result<()> {
        self.target.close();
        *self.target = self.round.target.reading_session().await?;
        Ok(())
    }

    /// Takes the table's lock on the source, once it is sure that the snapshot still shows its rows.
    pub async fn lock_against_truncate(&self, doing: &str) -> Result<()> {
        self.source.check_not_rewritten(doing, &self.state.plan, Lock::Kept).await
    }

    /// The watermark after the whole table was read in the snapshot.
    pub async fn final_watermark(&self) -> Result<Option<Watermark>> {
        let plan = &self.state.plan;
        let Some(timestamp) = &plan.timestamp else { return Ok(None) };
        let horizon = &self.round.horizon;
        let greatest = self.source.greatest_timestamp(&plan.mapping, timestamp, horizon).await?;
        Ok(greatest.and_then(|greatest| self.round.watermark(plan, &greatest)))
    }
}

/// How it was found that a table's rows are the source's.
#[derive(Clone, Debug)]
pub enum Rows {
    /// By a look, and nothing was written.
    Unchanged(Box<Probe>),
    /// They were written; the next run starts at this watermark.
    Written(Option<Watermark>),
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
    /// Where the next run starts.
    pub watermark: Option<Watermark>,
    /// The row that an earlier round wrote.
    pub earlier: Option<u64>,
    /// Whether there is no place for the next run to go on from: it compares.
    pub distrusted: bool,
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
            holds_placeholders: false,
            deleted_first: Vec::new(),
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

    /// Counts what a transaction has committed.
    pub fn add(&mut self, applied: &Applied) {
        self.counts.add(applied.counts);
        self.keys = applied.keys_after(self.keys);
        self.more |= applied.more;
    }

    /// Notes what a look at both sides has found.
    pub fn set_probe(&mut self, round: &Round, probe: Probe) {
        self.keys = probe.target_keys;
        if let Some(digest) = probe.source_rows {
            round.recall.note(&self.plan.name, self.plan.rows_before.mark.as_ref(), digest);
        }
        if probe.untouched {
            let table = Some(self.plan.mapping.source.name.clone());
            let text =
                "not read, because nobody has written to the source since the last run".to_owned();
            round.events.send(Event::Note(Note { table, text, level: NoteLevel::Detail }));
        }
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
            error: error.map(|error| self.with_placeholders(error)),
            retries: self.retries,
        }
    }

    /// The error, with what stands in rows that could not be deleted after their values passed to others.
    fn with_placeholders(&self, error: Error) -> Error {
        if !self.holds_placeholders {
            return error;
        }
        let columns =
            self.plan.moves.placeholders.iter().map(|placeholder| placeholder.column.as_str());
        let columns: Vec<&str> = columns.collect();
        error.with_remark(&format!(
            "until they are deleted, rows that vanished from the source have a placeholder in \"{}\", because their \
             values passed to others",
            columns.join("\", \"")
        ))
    }

    /// What is still to be written about a table whose work has not begun.
    pub fn unlogged(&self, watermark: Option<Watermark>) -> PendingLogRow {
        PendingLogRow {
            plan: self.plan.clone(),
            watermark,
            earlier: self.earlier,
            distrusted: false,
        }
    }

    /// The end of a table that a look found unchanged.
    pub fn unchanged(&self, round: &Round, probe: &Probe) -> TaskResult {
        let greatest = probe.greatest.as_deref();
        let watermark = greatest.and_then(|greatest| round.watermark(&self.plan, greatest));
        let sync_log = self.unlogged(watermark);
        TaskResult::Done(Box::new(self.outcome(Status::Success, None)), Some(sync_log))
    }
}
