//! A PostgreSQL source. The snapshot lives as long as the session that exported it, the keeper.
//!
//! Not on a standby: where a transaction of the primary has many subtransactions, the snapshot that is
//! exported there lacks the list of what is running, and whoever imports it takes those transactions for
//! aborted and marks their rows so, for everybody and for ever. There, one session reads, in whose own
//! transaction the snapshot is.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{RwLock, Semaphore};

use super::horizon;
use super::horizon::Visibility;
use crate::error::{Cause, DbError, Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::pg::catalog;
use crate::pg::catalog::Server;
use crate::pg::sequences;
use crate::pg::sequences::FreeSequence;
use crate::pg::{ControlSession, EMPTY_PATH, OWN_SNAPSHOT, Pool, PooledSession, Row, Session};
use crate::sql::mapping::Relation;
use crate::sql::{Literal, Sql, sql};
use crate::table::{ForeignKey, OtherRelation, Partition, Table};

/// The number of statements in [`import_again`].
pub const IMPORT_AGAIN: usize = 3;

/// One source database.
pub struct Source {
    pub pool: Pool,
    /// Holds the transaction that exported the snapshot.
    pub control: ControlSession,
    snapshot: RwLock<String>,
    /// Who uses the one session that reads a standby.
    turns: Arc<Semaphore>,
    /// Tables that were replaced under a snapshot of this run.
    replaced: Mutex<HashSet<TableName>>,
    /// See [`Server::prints_names`].
    prints_names: AtomicBool,
}

/// What a source says when its snapshot is taken.
pub struct SourceState {
    pub server: Server,
    pub tables: Vec<Table>,
    pub foreign_keys: Vec<ForeignKey>,
    /// Those that belong to no table.
    pub sequences: Vec<FreeSequence>,
    /// See [`catalog::partitions`].
    pub partitions: Vec<Partition>,
    /// See [`catalog::other_relations`].
    pub others: Vec<OtherRelation>,
    /// Logs of runs that have written here.
    pub logs: Vec<TableName>,
    pub sight: Visibility,
    pub hash_probe: Option<String>,
}

impl Source {
    /// Begins without a snapshot.
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            control: ControlSession::new(Side::Source),
            snapshot: RwLock::default(),
            turns: Arc::new(Semaphore::new(1)),
            replaced: Mutex::default(),
            prints_names: AtomicBool::default(),
        }
    }

    /// The schemas that a pattern may mean; outside of the snapshot.
    pub async fn schemas(&self) -> Result<Vec<Ident>> {
        let session = self.outside().await?;
        let schemas = catalog::schemas(&session).await?;
        self.release(session, true).await;
        Ok(schemas)
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
        // What may fail without being an error goes before: it would end the transaction.
        let (hash_probe, server, sight, sequences) = tokio::try_join!(
            catalog::hash_probe(&session),
            catalog::server(&session),
            horizon::observe(&session, overlap),
            sequences::sequence_values(&session, schemas),
        )?;
        if server.standby && catalog::prints_names(&session, &server).await? {
            session.run("setting the search path", &Sql::trusted(EMPTY_PATH)).await?;
        }
        let begin = Sql::trusted(if server.standby { BEGIN_ALONE } else { EXPORT });
        let (snapshot, tables, foreign_keys, partitions, others, logs, prints_names) = tokio::join!(
            session.row("exporting a snapshot", &begin),
            catalog::tables(&session, schemas, server.user_types),
            catalog::foreign_keys(&session, schemas),
            catalog::partitions(&session, schemas, names),
            catalog::other_relations(&session, schemas, names),
            catalog::logs(&session),
            catalog::prints_names(&session, &server),
        );
        let opening = SourceState {
            sight,
            hash_probe,
            tables: with_values(tables?, &sequences.of_tables),
            sequences: sequences.free,
            foreign_keys: foreign_keys?,
            partitions: partitions?,
            others: others?,
            logs: logs?,
            // After the others: what fails first says why, and the transaction refuses the rest.
            server: Server { prints_names: prints_names?, ..server },
        };
        self.prints_names.store(opening.server.prints_names, Ordering::Relaxed);
        *self.snapshot.write().await = snapshot?.needed(0)?.to_owned();
        if opening.server.standby {
            self.read_alone(session).await?;
        } else {
            self.control.set(session).await;
        }
        Ok(opening)
    }

    /// Makes a session the only one that reads, and another one the keeper.
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
            return Err(lost());
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

    /// A session that reads the run's snapshot and holds no lock of any table. Importing it costs one
    /// round trip per session, not per use: see [`Source::release`].
    pub async fn session(&self) -> Result<PooledSession> {
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

    /// Gives a session back and lets the locks of all tables go that it has read: who wants to alter
    /// or empty one of them waits for its own reader, not for the end of the run.
    ///
    /// Where nobody will ask for it again, a round trip is spared: see [`super::Readers`].
    pub async fn release(&self, mut lease: PooledSession, is_last: bool) {
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
    }

    /// Whether the table was replaced under a snapshot of this run.
    pub fn was_replaced(&self, table: &TableName) -> bool {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner).contains(table)
    }

    /// A snapshot that is gone is no fault of the statement that asks for it: there will be another.
    async fn as_snapshot_lost(&self, error: Error) -> Error {
        match error {
            Error::Database(_) if !self.snapshot_lives().await => lost(),
            error => error,
        }
    }

    /// Whether any of the tables holds a row; one that is locked or may not be read may.
    pub async fn any_row(&self, tables: &[&Table]) -> Result<bool> {
        let looks = tables.iter().map(|table| {
            let only = Sql::trusted(if table.partitioned { "" } else { "only " });
            sql!("exists (select from {only}{name})", only = only, name = table.name)
        });
        let statement = sql!("select {any}", any = Sql::join(looks, " or "));
        let session = self.session().await?;
        match session.row("looking for rows", &statement).await {
            Ok(row) => {
                let any = row.is_true(0);
                if !any {
                    self.require_moment(&session, tables).await?;
                }
                self.release(session, false).await;
                Ok(any)
            }
            Err(error) if matches!(error.sqlstate(), Some("42501" | "55P03")) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// What a log of the source answers; nothing, where it cannot: it is no part of the run.
    pub async fn ask_log(&self, question: &Sql) -> Result<Option<Row>> {
        let session = self.session().await?;
        let answer = session.row("reading a log of the source", question).await;
        // Also after an error: on a standby this session is the only one.
        self.release(session, false).await;
        match answer {
            Ok(row) => Ok(Some(row)),
            Err(error) if error.outdates_snapshot() || error.sqlstate() == Some("55P03") => {
                Ok(None)
            }
            Err(error) if !error.is_transient() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a session of the same database holds this advisory lock.
    pub async fn sees_lock(&self, key: &str) -> Result<bool> {
        let statement = sql!(
            "select exists (select from pg_catalog.pg_locks l \
             join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) l.database \
             where l.locktype operator(pg_catalog.=) 'advisory' and l.granted \
             and d.datname operator(pg_catalog.=) pg_catalog.current_database() \
             and l.objsubid operator(pg_catalog.=) 1 \
             and ((l.classid::pg_catalog.int8 operator(pg_catalog.<<) 32) operator(pg_catalog.|) \
             l.objid::pg_catalog.int8) operator(pg_catalog.=) {key}::pg_catalog.int8)",
            key = Literal(key),
        );
        let rows = self.control.query_all("looking for the target's lock", &statement).await?;
        Ok(rows.iter().flatten().any(|row| row.is_true(0)))
    }

    async fn require_moment(&self, session: &Session, tables: &[&Table]) -> Result<()> {
        let relations = tables.iter().map(|table| Relation::of(table));
        let looks =
            relations.flat_map(|relation| [relation.lock_against_truncate(), relation.storage()]);
        let answers = session.query_all("looking for rows", &Sql::join(looks, "; ")).await?;
        let mut rows = answers.into_iter().flatten();
        tables
            .iter()
            .try_for_each(|table| check_not_rewritten(&table.storage, rows.next().as_ref()))
    }

    /// Whether the snapshot can still be read.
    pub async fn snapshot_lives(&self) -> bool {
        if self.control.require("looking after the snapshot").await.is_err() {
            return false;
        }
        // Boxed: a session is refused without a snapshot, which asks for one.
        !self.is_read_alone().await || Box::pin(self.session()).await.is_ok()
    }

    /// Lets the snapshot go, and all sessions.
    pub async fn close(&self) {
        self.pool.close(self.control.take().await).await;
    }
}

const BEGIN: &str = "begin transaction isolation level repeatable read read only";

const EXPORT: &str = "begin transaction isolation level repeatable read read only; \
     select pg_catalog.pg_export_snapshot()";

/// The first query takes the snapshot; gives [`OWN_SNAPSHOT`].
const BEGIN_ALONE: &str = "begin transaction isolation level repeatable read read only; \
     select 1; savepoint pgsync; select 'of its own'";

fn import(snapshot: &str) -> Sql {
    sql!(
        "{begin}; set transaction snapshot {snapshot}",
        begin = Sql::trusted(BEGIN),
        snapshot = Literal(snapshot),
    )
}

/// Ends a transaction that reads the snapshot, and with it the locks of what was read, and begins
/// another one. Where the snapshot is the session's own, a subtransaction.
pub fn import_again(snapshot: &str) -> Sql {
    if snapshot == OWN_SNAPSHOT {
        return sql!("rollback to savepoint pgsync; release savepoint pgsync; savepoint pgsync");
    }
    sql!("rollback; {import}", import = import(snapshot))
}

fn lost() -> Error {
    Error::Database(Box::new(DbError {
        side: Side::Source,
        action: "reading the snapshot".to_owned(),
        sqlstate: None,
        message: "the session that held the snapshot was lost".to_owned(),
        detail: None,
        hint: None,
        constraint: None,
        cause: Cause::Connection,
    }))
}

/// The tables with the numbers that their sequences gave last.
fn with_values(mut tables: Vec<Table>, values: &HashMap<TableName, i64>) -> Vec<Table> {
    for sequence in tables.iter_mut().flat_map(|table| &mut table.sequences) {
        sequence.last = values.get(&sequence.name).copied();
    }
    tables
}

/// Whether a table is what it was at the snapshot; `now` answers [`Relation::storage`].
///
/// # Errors
/// [`Cause::Snapshot`], when it is not.
pub fn check_not_rewritten(storage: &str, now: Option<&Row>) -> Result<()> {
    if now.and_then(|row| row.text(0)) == Some(storage) {
        Ok(())
    } else {
        Err(Error::Database(Box::new(DbError {
        side: Side::Source,
        action: "looking at the table".to_owned(),
        sqlstate: None,
        message:
            "it was emptied or rewritten, or a partition came or went (TRUNCATE, ALTER TABLE), after \
             the snapshot was taken"
                .to_owned(),
        detail: None,
        hint: None,
        constraint: None,
        cause: Cause::Snapshot,
    })))
    }
}
