//! What someone may look at while a run goes on. Events are for eyes only: nothing is decided by
//! them, and a run whose receiver is gone does the same work.

use crate::note::Note;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::ident::TableName;
use crate::outcome::{RunReport, Strategy, TableOutcome};
use crate::stop::Signal;

/// What a table's job is doing, in the order in which it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Both sides are asked whether anything changed.
    Looking,
    Digests,
    Copying,
    Applying,
    Keys,
    Deleting,
    /// A part of a table is proven.
    Proving,
    Building,
    Retrying,
}

impl Phase {
    /// Whether rows travel, so that their number tells how far it is.
    pub fn moves_rows(self) -> bool {
        matches!(self, Phase::Copying | Phase::Applying)
    }

    /// The words that progress shows.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Looking => "looking for changes",
            Phase::Digests => "comparing digests",
            Phase::Copying => "copying",
            Phase::Applying => "applying changes",
            Phase::Keys => "comparing keys",
            Phase::Deleting => "deleting",
            Phase::Proving => "proving a part",
            Phase::Building => "building indexes",
            Phase::Retrying => "retrying",
        }
    }
}

/// One thing that happened in a run.
#[derive(Clone, Debug)]
pub enum Event {
    /// The run has a name, under which `sync_log` knows it.
    Begun {
        run_id: String,
    },
    /// Both ends are connected: `host:port/database` of each, and the number of workers.
    Connected {
        source: String,
        target: String,
        parallel: usize,
    },
    /// The plan stands.
    Planned {
        tables: usize,
    },
    Note(Note),
    /// A job began to change a table. `watermark` is set for an incremental one, `rows` is the
    /// planner's estimate of the rows to travel when there is one.
    Started {
        table: TableName,
        strategy: Strategy,
        watermark: Option<String>,
        rows: Option<u64>,
    },
    Phase {
        table: TableName,
        phase: Phase,
    },
    /// How many rows will travel in all, once that is known.
    Expected {
        table: TableName,
        rows: u64,
    },
    /// Rows that travelled since the last such event of this table.
    Rows {
        table: TableName,
        rows: u64,
    },
    /// A transient fault of a table (or of the run), tried again after a pause.
    Retry {
        table: Option<TableName>,
        error: String,
        attempt: u32,
        of: u32,
    },
    /// A table ended. Sent once per selected table, also for one that had nothing to do.
    Finished(Box<TableOutcome>),
    /// A table that had ended well failed after all, when the tables around it had ended.
    Retracted(Box<TableOutcome>),
    /// Somebody asked the run to stop.
    Stopping(Signal),
    /// A run ended, and another will follow.
    Ended(Box<RunReport>),
}

/// Where the engine says what it does. Notes are kept as well, and how tables ended: they belong to
/// the report.
#[derive(Clone, Debug)]
pub struct Events {
    sender: mpsc::UnboundedSender<Event>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    notes: Vec<Note>,
    outcomes: HashMap<TableName, TableOutcome>,
}

impl Events {
    /// The two ends: who sends, and who receives.
    pub fn channel() -> (Events, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Events { sender, kept: Arc::default() }, receiver)
    }

    /// For the run that follows: the same listener, and no notes yet.
    pub fn of_next_run(&self) -> Events {
        Events { sender: self.sender.clone(), kept: Arc::default() }
    }

    /// Nobody listening is no error.
    pub fn send(&self, event: Event) {
        let mut kept = self.kept();
        match &event {
            // A second round makes the same remarks.
            Event::Note(note) if kept.notes.contains(note) => return,
            Event::Note(note) => kept.notes.push(note.clone()),
            Event::Finished(outcome) | Event::Retracted(outcome) => {
                kept.outcomes.insert(outcome.table.clone(), (**outcome).clone());
            }
            _ => {}
        }
        drop(kept);
        let _ = self.sender.send(event);
    }

    /// Every note so far.
    pub fn notes(&self) -> Vec<Note> {
        self.kept().notes.clone()
    }

    /// How a table ended, if it has.
    pub fn outcome(&self, table: &TableName) -> Option<TableOutcome> {
        self.kept().outcomes.get(table).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
