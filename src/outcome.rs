//! What became of each table and of the run: the truth from which summary, `sync_log` and exit
//! status are derived.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::ident::TableName;
use crate::note::Note;

/// How a table is brought in sync; the plan picks one per table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Copy,
    Incremental,
    Compare,
}

impl Strategy {
    /// The word in `sync_log.sync_type`, logs and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Copy => "copy",
            Strategy::Incremental => "incremental",
            Strategy::Compare => "compare",
        }
    }
}

/// Work done on one table. `processed` counts the rows that travelled; `bytes` their COPY text and
/// that of keys and digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub processed: u64,
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    pub batches: u64,
    pub bytes: u64,
}

impl Counts {
    /// Adds each of the other's numbers to its own.
    pub fn add(&mut self, other: Counts) {
        self.processed += other.processed;
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.batches += other.batches;
        self.bytes += other.bytes;
    }

    /// Whether the target was changed.
    pub fn changed(&self) -> bool {
        self.inserted + self.updated + self.deleted > 0
    }
}

/// How a table ended; the word in `sync_log.status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Success,
    Failed,
    /// A safety check held it back before anything of it changed.
    Refused,
    Interrupted,
    /// Selected, but not tried: something it depends on failed, or the run ended first.
    Skipped,
}

impl Status {
    /// The word that reports and `sync_log` use.
    pub fn name(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Failed => "failed",
            Status::Refused => "refused",
            Status::Interrupted => "interrupted",
            Status::Skipped => "skipped",
        }
    }
}

/// One selected table's end. There is exactly one per table and run.
#[derive(Clone, Debug)]
pub struct TableOutcome {
    pub table: TableName,
    /// `None` when no strategy could be planned (say the table is missing on the target).
    pub strategy: Option<Strategy>,
    pub status: Status,
    pub counts: Counts,
    pub elapsed: Duration,
    /// The watermark stored for the next run, as `2024-12-13T15:25:30.5Z`; none without a usable column.
    pub watermark: Option<String>,
    /// From the target's newest timestamp to that of the source, when that was asked for.
    pub lag: Option<Duration>,
    /// Why, unless the status is success.
    pub error: Option<Error>,
    /// Transient faults that were tried again.
    pub retries: u32,
}

impl TableOutcome {
    /// Of a table of which nothing is known but that its work has not ended.
    pub fn unended(table: TableName, strategy: Strategy) -> Self {
        Self {
            table,
            strategy: Some(strategy),
            status: Status::Interrupted,
            counts: Counts::default(),
            elapsed: Duration::ZERO,
            watermark: None,
            lag: None,
            error: None,
            retries: 0,
        }
    }
}

/// One run's end.
#[derive(Clone, Debug)]
pub struct RunReport {
    pub run_id: String,
    /// `host:port/database`, never a password.
    pub source: String,
    pub target: String,
    pub started: DateTime<Utc>,
    pub elapsed: Duration,
    pub dry_run: bool,
    /// In the order of their names.
    pub tables: Vec<TableOutcome>,
    pub notes: Vec<Note>,
    /// Why the run as a whole ended early: no connection, refused, locked, stopped.
    pub error: Option<Error>,
    /// In a dry run: whether a run could not write its log.
    pub log_denied: bool,
    /// Transient faults of the run as a whole (a lost snapshot), beside those of its tables.
    pub retries: u32,
}

impl RunReport {
    /// Of a run that never began.
    pub fn of_no_run(error: Error) -> Self {
        Self {
            run_id: String::new(),
            source: String::new(),
            target: String::new(),
            started: Utc::now(),
            elapsed: Duration::ZERO,
            dry_run: false,
            tables: Vec::new(),
            notes: Vec::new(),
            error: Some(error),
            log_denied: false,
            retries: 0,
        }
    }

    /// Whether `error` is no more than what a run would say of its log: the dry run has counted all tables.
    pub fn is_log_denied(&self) -> bool {
        let ended = matches!(self.error, Some(Error::Database(_))) && !self.tables.is_empty();
        self.log_denied && ended
    }

    /// The sum over all tables.
    pub fn totals(&self) -> Counts {
        let mut sum = Counts::default();
        self.tables.iter().for_each(|table| sum.add(table.counts));
        sum
    }

    /// As in `docs/operations.md`: 0 in sync, 1 failed, 2 configuration, 4 locked, 5 refused, 130/143 stopped.
    pub fn exit_status(&self) -> u8 {
        match &self.error {
            Some(Error::Stopped(signal)) => signal.exit_status(),
            Some(Error::Config(_)) => 2,
            Some(Error::Locked(_)) => 4,
            Some(Error::Refused(_)) => 5,
            Some(Error::Database(_) | Error::Blocked(_) | Error::Internal(_)) => 1,
            None => self.tables_exit_status(),
        }
    }

    fn tables_exit_status(&self) -> u8 {
        let not_done = || self.tables.iter().filter(|table| table.status != Status::Success);
        // What was skipped stands behind something else that was not done.
        let mut causes = not_done().filter(|table| table.status != Status::Skipped).peekable();
        let refused = |table: &TableOutcome| table.status == Status::Refused;
        match not_done().count() {
            0 => 0,
            _ if causes.peek().is_some() && causes.all(refused) => 5,
            _ => 1,
        }
    }
}
