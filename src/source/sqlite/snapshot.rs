//! Several connections that read one moment of a file, and who has which of them.
//!
//! SQLite cannot hand a snapshot from one connection to another without unsafe code. But a connection outside
//! of any transaction can tell whether somebody has committed between two moments (`PRAGMA data_version`):
//! where nobody has from before the first reader began until after the last one had, all of them read the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, InterruptHandle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure;
use super::file::{Database, Written};
use crate::error::{Error, Result};

const TAKING: &str = "taking a snapshot";
/// How long it is tried to begin all readers between two commits of others. After that one reads alone.
const PATIENCE: Duration = Duration::from_secs(2);

/// The readers of one moment.
pub struct Snapshot {
    pub database: Database,
    /// Differs from that of an earlier snapshot wherever the rows do; none where nobody can tell.
    pub mark: Option<String>,
    free: Mutex<Vec<Arc<Handle>>>,
    turns: Arc<Semaphore>,
    interrupts: Vec<InterruptHandle>,
}

/// A connection in its transaction.
pub struct Handle {
    connection: Mutex<Connection>,
    interrupt: InterruptHandle,
    database: Database,
    /// As the file was when its reading began.
    written: Option<Written>,
}

/// A connection that nobody else has.
pub struct Lease {
    handle: Option<Arc<Handle>>,
    snapshot: Arc<Snapshot>,
    _turn: OwnedSemaphorePermit,
}

impl Snapshot {
    /// Blocks: opens so many connections on the file as it is at one moment.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn take(database: Database, readers: usize) -> Result<Self> {
        let told = |error: rusqlite::Error| failure::of(TAKING, &error);
        let before = database.traces();
        let mut connections = vec![database.connect()?];
        begin(&connections[0]).map_err(told)?;
        if readers > 1 {
            let sentinel = database.connect()?;
            for _ in 1..readers {
                connections.push(database.connect()?);
            }
            let together = begin_together(&sentinel, &connections);
            database.before_closing(&sentinel);
            if !together.map_err(told)? {
                connections.drain(1..).for_each(|connection| database.before_closing(&connection));
                begin(&connections[0]).map_err(told)?;
            }
        }
        let written = database.written();
        let handles = connections.into_iter().map(|connection| {
            let interrupt = connection.get_interrupt_handle();
            let database = database.clone();
            Arc::new(Handle { connection: Mutex::new(connection), interrupt, database, written })
        });
        let handles: Vec<Arc<Handle>> = handles.collect();
        // Whoever has written while the snapshot was taken may be in it or not.
        let mark = before.filter(|before| database.traces().as_ref() == Some(before));
        Ok(Self {
            database,
            mark,
            turns: Arc::new(Semaphore::new(handles.len())),
            interrupts: handles
                .iter()
                .map(|handle| handle.connection().get_interrupt_handle())
                .collect(),
            free: Mutex::new(handles),
        })
    }

    /// The next connection that is free.
    ///
    /// # Errors
    /// The snapshot was let go.
    pub async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|error| Error::Internal(error.to_string()))?;
        let handle = self.free().pop();
        Ok(Lease { handle, snapshot: self.clone(), _turn: turn })
    }

    /// Ends what is under way.
    pub fn interrupt(&self) {
        self.interrupts.iter().for_each(InterruptHandle::interrupt);
    }

    fn free(&self) -> MutexGuard<'_, Vec<Arc<Handle>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.database.before_closing(&self.connection());
    }
}

impl Handle {
    /// The connection; waits until what is under way in it has ended.
    pub fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be asked when rows have been read.
    ///
    /// # Errors
    /// Somebody has written into the file without SQLite's locks, so that they may be of two moments.
    pub fn require_same(&self) -> Result<()> {
        if self.database.written() == self.written {
            return Ok(());
        }
        Err(failure::refused("reading rows", OVERWRITTEN, Some(REPLACE)))
    }
}

const OVERWRITTEN: &str = "the file was overwritten while it was read, as cp or scp do";
const REPLACE: &str =
    "copy to another name, and give the copy the name of the file with mv; then run again";

impl Lease {
    /// Has the connection work in a thread that may block. What nobody waits for any more is ended.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Wanted) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask_alone(move |connection, wanted| work(connection, wanted)).await
    }

    /// The same for work that changes for its time how the connection works.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn ask_alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Wanted) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let handle = self.handle()?;
        let wanted = Wanted::new(&handle);
        let mut unless_done = Unwanted(Some(wanted.clone()));
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = handle.connection();
            wanted.check()?;
            let done = work(&mut connection, &wanted);
            handle.require_same().and(done)
        });
        let done = done.await;
        unless_done.0 = None;
        done.map_err(|_| Error::Internal("a reader of the file panicked".to_owned()))?
    }

    /// The connection, for work that goes on by itself.
    pub fn handle(&self) -> Result<Arc<Handle>> {
        self.handle.clone().ok_or_else(|| Error::Internal("a reader has no connection".to_owned()))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.snapshot.free().push(handle);
        }
    }
}

/// Whether somebody still waits for what is under way.
#[derive(Clone)]
pub struct Wanted {
    is_wanted: Arc<AtomicBool>,
    handle: Arc<Handle>,
}

impl Wanted {
    /// What runs on this connection is given up as soon as nobody waits for it.
    pub fn new(handle: &Arc<Handle>) -> Self {
        Self { is_wanted: Arc::new(AtomicBool::new(true)), handle: handle.clone() }
    }

    /// Says that there is nothing any more that could be given up.
    pub fn finish(&self) {
        self.is_wanted.store(false, Ordering::Relaxed);
    }

    /// Says that nobody waits any more.
    pub fn give_up(&self) {
        if self.is_wanted.swap(false, Ordering::Relaxed) {
            self.handle.interrupt.interrupt();
        }
    }

    /// To be asked between rows.
    ///
    /// # Errors
    /// Nobody waits any more.
    pub fn check(&self) -> Result<()> {
        if self.is_wanted.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(Error::Internal("reading the file was given up".to_owned()))
        }
    }
}

/// Ends what is under way when it is dropped with something in it.
pub struct Unwanted(pub Option<Wanted>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        if let Some(wanted) = &self.0 {
            wanted.give_up();
        }
    }
}

/// Begins a transaction that shows the file as it is now.
fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("begin")?;
    connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))
}

/// Whether all of them could begin at one moment.
fn begin_together(sentinel: &Connection, connections: &[Connection]) -> rusqlite::Result<bool> {
    let version = || sentinel.query_row("pragma data_version", [], |row| row.get::<_, i64>(0));
    let until = Instant::now() + PATIENCE;
    loop {
        for connection in connections.iter().filter(|connection| !connection.is_autocommit()) {
            connection.execute_batch("rollback")?;
        }
        let before = version()?;
        for connection in connections {
            begin(connection)?;
        }
        if version()? == before {
            return Ok(true);
        }
        if Instant::now() > until {
            connections[0].execute_batch("rollback")?;
            return Ok(false);
        }
    }
}
