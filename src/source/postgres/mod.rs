//! A PostgreSQL source. The snapshot lives as long as the session that exported it: the control session.
//!
//! Not on a standby: where a transaction of the primary has many subtransactions, the snapshot that is
//! exported there lacks the list of what is running, and whoever imports it takes those transactions for
//! aborted and marks their rows so, for everybody and for ever. There, one session reads, in whose own
//! transaction the snapshot is.

mod database;
mod horizon;
mod reader;
mod snapshot;
mod trial;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::{RwLock, Semaphore};

use crate::config::conninfo::ConnInfo;
use crate::error::{Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::outcome::Strategy;
use crate::pg;
use crate::pg::catalog;
use crate::pg::catalog::Server;
use crate::pg::rights;
use crate::pg::sequences;
use crate::pg::{
    ControlSession, EMPTY_PATH, KnownTables, OWN_SNAPSHOT, Pool, PooledSession, RowStream, Session,
};
use crate::plan::TablePlan;
use crate::source::{Lock, SourceState};
use crate::sql::Sql;
use crate::sql::dialect::Dialect;
use crate::sql::horizon::Horizon;
use crate::sql::read::TimedTable;
use crate::sql::rights_trial::PlannedUse;
use crate::table::Table;
pub use horizon::{Doubt, Visibility};
pub use reader::Reader;
use snapshot::{BEGIN, BEGIN_ALONE, EXPORT, import, import_again, lost};
pub use trial::MaskVerdict;

/// The version from which a server can read a range of pages.
const TID_RANGES: u32 = 140_000;

/// One source database.
pub struct Source {
    pool: Pool,
    /// Holds the transaction that exported the snapshot.
    control: ControlSession,
    snapshot: RwLock<String>,
    /// Who uses the one session that reads a standby.
    turns: Arc<Semaphore>,
    /// Tables that were replaced under a snapshot of this run.
    replaced: Mutex<HashSet<TableName>>,
    /// The one that was replaced under the snapshot of now.
    outdated_by: Mutex<Option<TableName>>,
    /// See [`Server::prints_names`].
    prints_names: AtomicBool,
    /// What earlier runs of this program know of tables.
    known: Option<Arc<KnownTables>>,
}

/// Rows as the source sends them: COPY text, one row a message with its line feed.
pub struct SourceRows(RowStream);

impl SourceRows {
    /// The next row, or `None` at the end.
    ///
    /// # Errors
    /// The source's.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        self.0.next().await
    }

    /// The rows as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Unpin {
        self.0
    }
}

impl Source {
    /// Reads what connecting needs, such as certificates; connects to nothing yet. At most `readers` read
    /// at once.
    ///
    /// # Errors
    /// TLS files that cannot be used.
    pub fn new(
        info: &ConnInfo,
        readers: usize,
        lock_timeout: Duration,
        masking: pg::Masking,
    ) -> Result<Self> {
        let session = pg::Settings { lock_timeout, replica_role: false, masking };
        Ok(Self {
            // And the control session.
            pool: Pool::new(info, Side::Source, readers + 1, session)?,
            control: ControlSession::new(Side::Source),
            snapshot: RwLock::default(),
            turns: Arc::new(Semaphore::new(1)),
            replaced: Mutex::default(),
            outdated_by: Mutex::default(),
            prints_names: AtomicBool::default(),
            known: None,
        })
    }

    /// The same, which need not be told again what is known.
    pub fn knowing(self, known: Arc<KnownTables>) -> Self {
        Self { known: Some(known), ..self }
    }

    /// The schemas that a pattern may mean; outside of the snapshot.
    pub async fn schemas(&self) -> Result<Vec<Ident>> {
        let mut session = self.outside().await?;
        let schemas = catalog::schemas(&session).await?;
        session.set_clean(true);
        Ok(schemas)
    }

    /// See [`catalog::filled_schemas`].
    pub async fn filled_schemas(&self) -> Result<Vec<Ident>> {
        self.control.filled_schemas().await
    }

    /// The names of the tables of some schemas, outside of the snapshot.
    pub async fn table_names(&self, schemas: &[Ident]) -> Result<Vec<TableName>> {
        let mut session = self.outside().await?;
        let names = catalog::table_names(&session, schemas).await?;
        session.set_clean(true);
        Ok(names)
    }

    /// Looks for the horizon, takes the snapshot and reads the catalog in it, in that order, in two
    /// round trips.
    ///
    /// `names` are those by which somebody may ask for a partition, a view and the like.
    pub async fn open(
        &self,
        schemas: &[Ident],
        names: &[&str],
        overlap: Option<Duration>,
    ) -> Result<SourceState> {
        let session = self.outside().await?;
        let opened = match self.look(&session, schemas, names, overlap).await {
            Ok(opened) => opened,
            Err(error) => {
                if error.sqlstate() == Some("42501") {
                    // A transaction that has failed answers nothing more.
                    let _ = session.run("leaving a snapshot", &Sql::trusted("rollback")).await;
                }
                return Err(rights::explained(&session, error, true).await);
            }
        };
        if opened.server.standby {
            self.read_alone(session).await?;
        } else {
            self.control.set(session).await;
        }
        Ok(opened)
    }

    /// What a session says that takes the snapshot.
    async fn look(
        &self,
        session: &Session,
        schemas: &[Ident],
        names: &[&str],
        overlap: Option<Duration>,
    ) -> Result<SourceState> {
        // What may fail without being an error goes before: it would end the transaction.
        let (hash_probe, server, sight, sequences) = tokio::try_join!(
            catalog::hash_probe(session),
            catalog::server(session),
            horizon::observe(session, overlap),
            sequences::sequence_values(session, schemas),
        )?;
        if server.standby && catalog::prints_names(session, &server).await? {
            session.run("setting the search path", &Sql::trusted(EMPTY_PATH)).await?;
        }
        let begin = Sql::trusted(if server.standby { BEGIN_ALONE } else { EXPORT });
        let (snapshot, tables, foreign_keys, partitions, others, logs, prints_names) = tokio::join!(
            session.row("exporting a snapshot", &begin),
            catalog::tables_knowing(session, schemas, server.user_types, self.known.as_deref()),
            catalog::foreign_keys(session, schemas),
            catalog::partitions(session, schemas, names),
            catalog::other_relations(session, schemas, names),
            catalog::logs(session),
            catalog::prints_names(session, &server),
        );
        // Before the others: a transaction that has failed refuses the rest.
        let snapshot = snapshot?;
        let opening = SourceState {
            sight,
            hash_probe,
            tables: with_values(tables?, &sequences.of_tables),
            sequences: sequences.all,
            foreign_keys: foreign_keys?.of_tables,
            partitions: partitions?,
            others: others?,
            elsewhere: Vec::new(),
            logs: logs?,
            page_ranges: server.version >= TID_RANGES && !server.standby,
            local: false,
            dialect: Dialect::Postgres,
            failed: Vec::new(),
            notes: Vec::new(),
            systems: Vec::new(),
            mark: None,
            server: Server { prints_names: prints_names?, ..server },
        };
        self.prints_names.store(opening.server.prints_names, Ordering::Relaxed);
        *self.snapshot.write().await = snapshot.needed(0)?.to_owned();
        *self.outdated_by.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(opening)
    }

    /// Makes a session the only one that reads, and another one the control session.
    async fn read_alone(&self, mut reader: PooledSession) -> Result<()> {
        let control = self.pool.get().await?;
        control.run("beginning a transaction", &Sql::trusted(BEGIN)).await?;
        reader.set_snapshot(Some(OWN_SNAPSHOT.to_owned()));
        self.control.set(control).await;
        Ok(())
    }

    /// The session that reads for all, as soon as nobody else has it. What failed in it, or is under way,
    /// is left behind.
    async fn only_reader(&self) -> Result<PooledSession> {
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|error| Error::Internal(error.to_string()))?;
        let lease = self.pool.get().await?.in_turn(turn);
        if !lease.is_kept() {
            return Err(self.lost());
        }
        lease.run("going back to the snapshot", &import_again(OWN_SNAPSHOT)).await?;
        Ok(lease)
    }

    /// Whether one session reads for all.
    pub async fn is_read_alone(&self) -> bool {
        *self.snapshot.read().await == OWN_SNAPSHOT
    }

    /// A session outside of any transaction; one of an earlier round may still read its snapshot.
    async fn outside(&self) -> Result<PooledSession> {
        let mut lease = self.pool.get().await?;
        if lease.snapshot().is_some() {
            lease.run("leaving a snapshot", &Sql::trusted("rollback")).await?;
            lease.set_snapshot(None);
        }
        Ok(lease)
    }

    /// The newest timestamps of tables as they are by now, whatever the snapshot shows: seconds of Unix time.
    ///
    /// # Errors
    /// The source's.
    pub async fn newest(
        &self,
        doing: &str,
        tables: &[TimedTable<'_>],
        horizon: &Horizon,
    ) -> Result<Vec<Option<f64>>> {
        let newest = |table: &TimedTable| table.newest(horizon, Side::Source);
        let statements = Sql::join(tables.iter().map(newest), "; ");
        let answers = self.outside().await?.query_all(doing, &statements).await?;
        let number = |rows: &Vec<pg::Row>| rows.first()?.text(0)?.parse().ok();
        Ok(answers.iter().map(number).collect())
    }

    /// The error with what to grant, where a right is missing.
    pub async fn explained(&self, error: Error) -> Error {
        self.control.explained(error, true).await
    }

    /// One that reads the run's snapshot and holds no lock of any table. Importing the snapshot costs one
    /// round trip per session, not per use: see [`Source::release`].
    ///
    /// # Errors
    /// The source cannot be reached, or the snapshot is gone.
    pub async fn reader(&self) -> Result<Reader> {
        Ok(Reader { session: self.session().await? })
    }

    /// Tries whether a table may be read as a run reads it; reads no row.
    ///
    /// # Errors
    /// The source's.
    pub async fn try_rights(&self, plan: &TablePlan) -> Result<()> {
        let (look, read) = match plan.strategy {
            Strategy::Copy => ("looking at the table", "reading rows"),
            _ => ("digesting rows", "digesting rows"),
        };
        let reader = self.reader().await?;
        reader.check_not_rewritten(look, plan, Lock::LetGo).await?;
        let PlannedUse { action, statement } = plan.mapping.explain_read(Side::Source, read);
        reader.session.run(action, &statement).await?;
        self.release(reader, false).await;
        Ok(())
    }

    async fn session(&self) -> Result<PooledSession> {
        let snapshot = self.snapshot.read().await.clone();
        if snapshot == OWN_SNAPSHOT {
            return self.only_reader().await;
        }
        let mut lease = self.pool.get().await?;
        if lease.snapshot() != Some(&snapshot) {
            if lease.snapshot().is_none() && self.prints_names.load(Ordering::Relaxed) {
                lease.run("setting the search path", &Sql::trusted(EMPTY_PATH)).await?;
            }
            // Without a transaction a rollback leaves a warning in the server's log.
            let import = match lease.snapshot() {
                Some(_) => import_again(&snapshot),
                None => import(&snapshot),
            };
            if let Err(error) = lease.run("importing the snapshot", &import).await {
                return Err(self.as_snapshot_lost(error).await);
            }
            lease.set_snapshot(Some(snapshot));
        }
        Ok(lease)
    }

    /// Gives a reader back and lets the locks of all tables go that it has read: who wants to alter
    /// or empty one of them waits for its own reader, not for the end of the run.
    ///
    /// Where nobody will ask for it again, a round trip is spared: see [`super::ReadPermits`].
    pub async fn release(&self, reader: Reader, is_last: bool) {
        let mut lease = reader.session;
        if is_last {
            return lease.set_clean(true);
        }
        let Some(snapshot) = lease.snapshot() else { return };
        // A session that cannot go on is closed; who needs another hears why.
        if lease.run("letting go of tables", &import_again(snapshot)).await.is_ok() {
            lease.set_clean(true);
        }
    }

    /// Remembers that a table was replaced under a snapshot: the next one reads it first.
    pub fn note_replaced(&self, table: &TableName) {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner).insert(table.clone());
        let mut outdated_by = self.outdated_by.lock().unwrap_or_else(PoisonError::into_inner);
        *outdated_by = Some(table.clone());
    }

    fn lost(&self) -> Error {
        lost(self.outdated_by.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }

    /// Whether the table was replaced under a snapshot of this run.
    pub fn was_replaced(&self, table: &TableName) -> bool {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner).contains(table)
    }

    /// A snapshot that is gone is no fault of the statement that asks for it: there will be another.
    async fn as_snapshot_lost(&self, error: Error) -> Error {
        match error {
            Error::Database(_) if !self.snapshot_lives().await => self.lost(),
            error => error,
        }
    }

    /// Whether the snapshot can still be read.
    pub async fn snapshot_lives(&self) -> bool {
        if self.control.require("looking after the snapshot").await.is_err() {
            return false;
        }
        // Boxed: a session is refused without a snapshot, which asks for one.
        !self.is_read_alone().await || Box::pin(self.session()).await.is_ok()
    }

    /// Asks the server to cancel what it is working on for this run.
    pub async fn cancel_all(&self) {
        self.pool.cancel_all().await;
    }

    /// Whether a server has ever let us in.
    pub fn was_reached(&self) -> bool {
        self.pool.was_reached()
    }

    /// Lets the snapshot go, and all sessions.
    pub async fn close(&self) {
        self.pool.close(self.control.take().await).await;
    }
}

/// The tables with the numbers that their sequences gave last.
fn with_values(mut tables: Vec<Table>, values: &HashMap<TableName, i64>) -> Vec<Table> {
    for sequence in tables.iter_mut().flat_map(|table| &mut table.sequences) {
        sequence.last = values.get(&sequence.name).copied();
    }
    tables
}
