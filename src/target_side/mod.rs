//! The target: its catalog, the transactions that write batches, and `sync_log`. It never imports
//! the source; what arrives is COPY text.

pub mod apply;
pub mod ddl;
mod ddl_hints;
pub mod digest;
pub mod group;
pub mod keys;
pub mod lock;
pub mod rights_trial;
mod statements;
pub mod taken_name;
mod transaction;
pub mod trial;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::pg::catalog;
use crate::pg::catalog::{ForeignKeys, Server};
use crate::pg::lock_holder::LockHolder;
use crate::pg::rights;
use crate::pg::{ControlSession, EMPTY_PATH, KnownTables, Pool, PooledSession, Row, Session};
use crate::sql::{Literal, Sql, sql};
use crate::table::Table;

/// How often, and how long apart, it is looked whether a terminated session is gone.
const LEFTOVER_LOOKS: u32 = 500;
const LEFTOVER_PAUSE: Duration = Duration::from_millis(20);

/// How long the end of a run waits for its locks to be let go; they end with the session at the latest.
const UNLOCK: Duration = Duration::from_millis(200);

/// One target database.
pub struct Target {
    pub pool: Pool,
    /// Holds the advisory locks of the selected tables.
    pub control: ControlSession,
    /// See [`Server::prints_names`].
    prints_names: AtomicBool,
    /// Whether locks of tables were asked for on the control session.
    has_locks: AtomicBool,
    /// What earlier runs of this program know of tables.
    known: Option<Arc<KnownTables>>,
    /// Whether nothing is written, the log included.
    only_reads: bool,
}

/// What a target says when it is opened.
pub struct TargetState {
    pub server: Server,
    pub tables: Vec<Table>,
    pub foreign_keys: ForeignKeys,
    pub hash_probe: Option<String>,
}

impl Target {
    /// Begins without a control session.
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            control: ControlSession::new(Side::Target),
            prints_names: AtomicBool::default(),
            has_locks: AtomicBool::default(),
            known: None,
            only_reads: false,
        }
    }

    /// The same, of which nothing is written if `only_reads`.
    pub fn reading(self, only_reads: bool) -> Self {
        Self { only_reads, ..self }
    }

    /// The same, which need not be told again what is known.
    pub fn knowing(self, known: Arc<KnownTables>) -> Self {
        Self { known: Some(known), ..self }
    }

    /// Asks who the server is, and reads the catalog: in two round trips, as on the source.
    pub async fn open(&self, schemas: &[Ident]) -> Result<TargetState> {
        let session = self.pool.get().await?;
        match self.look(&session, schemas).await {
            Ok(state) => {
                self.control.set(session).await;
                Ok(state)
            }
            Err(error) => Err(rights::explained(&session, error, self.only_reads).await),
        }
    }

    async fn look(&self, session: &Session, schemas: &[Ident]) -> Result<TargetState> {
        let (hash_probe, server) =
            tokio::try_join!(catalog::hash_probe(session), catalog::server(session))?;
        let (tables, foreign_keys, prints_names) = tokio::join!(
            catalog::tables_knowing(session, schemas, server.user_types, self.known.as_deref()),
            catalog::foreign_keys(session, schemas),
            catalog::prints_names(session, &server),
        );
        let server = Server { prints_names: prints_names?, ..server };
        self.prints_names.store(server.prints_names, Ordering::Relaxed);
        let (tables, foreign_keys) = (tables?, foreign_keys?);
        Ok(TargetState { server, tables, foreign_keys, hash_probe })
    }

    /// Opens the session that holds locks, and asks nothing.
    ///
    /// # Errors
    /// The target's.
    pub async fn open_for_locks(&self) -> Result<()> {
        let session = self.pool.get().await?;
        self.control.set(session).await;
        Ok(())
    }

    /// Whether tables print names: those that are there, or those that the source's tables become.
    pub fn prints_names(&self) -> bool {
        self.prints_names.load(Ordering::Relaxed)
    }

    /// Has readers of values print names with their schemas, because the source does.
    pub fn print_names(&self) {
        self.prints_names.store(true, Ordering::Relaxed);
    }

    /// A session for writes.
    pub async fn session(&self) -> Result<PooledSession> {
        self.pool.get().await
    }

    /// One that reads values, too: their names have schemas. Transactions that write take the role's path.
    pub async fn reading_session(&self) -> Result<PooledSession> {
        let lease = self.pool.get().await?;
        if self.prints_names() {
            lease.run("setting the search path", &Sql::trusted(EMPTY_PATH)).await?;
        }
        Ok(lease)
    }

    /// Statements on the session that holds the locks.
    pub async fn on_control_session(&self, doing: &str, statements: &Sql) -> Result<Vec<Vec<Row>>> {
        match self.control.query_all(doing, statements).await {
            Err(error) => Err(self.explained_of(error, statements).await),
            answers => answers,
        }
    }

    /// The error with what to grant, where a right is missing.
    pub async fn explained(&self, error: Error) -> Error {
        self.control.explained(error, self.only_reads).await
    }

    /// The error with who holds a lock of the table, if it is about one that was not to be had.
    pub async fn with_lock_holder(&self, error: Error, table: &TableName) -> Error {
        let Some(holder) = self.lock_holder(&error, table).await else { return error };
        let Error::Database(mut said) = error else { return error };
        said.hint = Some(holder.told(Side::Target, table));
        Error::Database(said)
    }

    /// Who holds a lock of the table, if the error is about one that was not to be had.
    pub async fn lock_holder(&self, error: &Error, table: &TableName) -> Option<LockHolder> {
        let Error::Database(said) = error else { return None };
        let is_of_lock = said.sqlstate.as_deref() == Some("55P03") && said.side == Side::Target;
        if is_of_lock { self.control.lock_holder(table).await.unwrap_or_default() } else { None }
    }

    /// The same of these statements.
    pub async fn explained_of(&self, error: Error, statements: &Sql) -> Error {
        self.control.explained_of(error, self.only_reads, statements.as_str()).await
    }

    /// Whether the locks are still held: they live and die with one session.
    pub async fn locks_live(&self) -> bool {
        self.require_locks().await.is_ok()
    }

    /// # Errors
    /// That of the session that held the locks, if it is gone.
    pub async fn require_locks(&self) -> Result<()> {
        self.control.require("looking after the locks").await
    }

    /// Ends what sessions that broke are still doing on the server, and waits until they are gone. A
    /// server can finish and commit a batch long after the connection is lost; what is in the log is
    /// the truth only afterwards.
    pub async fn end_leftovers(&self) -> Result<()> {
        let left = self.pool.left();
        if left.is_empty() {
            return Ok(());
        }
        let processes = left.iter().map(|backend| {
            let (pid, pooled) = (backend.pid, backend.pooled);
            sql!(
                "({pid}, {since}, {pooled})",
                pid = pid,
                since = Literal(&backend.since),
                pooled = pooled
            )
        });
        // Behind a pooler an idle process may serve somebody else by now.
        let statement = sql!(
            "select pg_catalog.count(*), pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid)) \
             from (values {processes}) w(pid, since, pooled) join pg_catalog.pg_stat_activity a \
             on a.pid operator(pg_catalog.=) w.pid \
             and a.backend_start operator(pg_catalog.=) w.since::pg_catalog.timestamptz \
             and (not w.pooled or a.state operator(pg_catalog.<>) 'idle')",
            processes = Sql::join(processes, ", "),
        );
        for _ in 0..LEFTOVER_LOOKS {
            let rows =
                self.on_control_session("ending sessions left behind", &statement).await?.pop();
            let alive = rows.unwrap_or_default().first().map(|row| row.count(0)).transpose()?;
            if alive.unwrap_or_default() == 0 {
                self.pool.forget(&left);
                return Ok(());
            }
            tokio::time::sleep(LEFTOVER_PAUSE).await;
        }
        Err(Error::Blocked(
            "a session that broke is still at work on the target and cannot be ended: try again \
             once it is gone"
                .to_owned(),
        ))
    }

    /// Which of the tables have no page yet, and so no row; partitioned ones are never among them. Nobody's lock is waited
    /// for long.
    pub async fn without_pages(&self, tables: &[&Table]) -> Result<Vec<TableName>> {
        let plain: Vec<&&Table> = tables.iter().filter(|table| !table.partitioned).collect();
        let names: Vec<String> = plain.iter().map(|table| table.name.quoted()).collect();
        let statement = sql!(
            "set local lock_timeout = '1s'; select u.n operator(pg_catalog.-) 1 from \
             pg_catalog.unnest(array[{names}]::pg_catalog.text[]) with ordinality as u(name, n) \
             where pg_catalog.pg_relation_size(pg_catalog.to_regclass(u.name)) operator(pg_catalog.=) 0",
            names = Sql::join(names.iter().map(|name| Literal(name)), ", "),
        );
        let rows = match self.on_control_session("looking which tables are empty", &statement).await
        {
            // One of them is locked or gone.
            Err(error) if error.sqlstate().is_some() => return Ok(Vec::new()),
            rows => rows?.pop().unwrap_or_default(),
        };
        let numbers: Vec<u64> = rows.iter().map(|row| row.count(0)).collect::<Result<_>>()?;
        let names = numbers.into_iter().filter_map(|n| plain.get(usize::try_from(n).ok()?));
        Ok(names.map(|table| table.name.clone()).collect())
    }

    /// Which of the tables hold no row. A table that cannot be looked at is taken to hold some: its own
    /// job will say why.
    pub async fn empty(&self, tables: &[&Table]) -> Result<Vec<TableName>> {
        let mut empty = Vec::new();
        for group in tables.chunks(500) {
            match self.empty_among(group).await {
                Ok(names) => empty.extend(names),
                Err(error) if error.sqlstate().is_none() => return Err(error),
                Err(_) => {
                    for table in group {
                        empty.extend(self.empty_among(&[table]).await.unwrap_or_default());
                    }
                }
            }
        }
        Ok(empty)
    }

    async fn empty_among(&self, tables: &[&Table]) -> Result<Vec<TableName>> {
        let looks = tables.iter().enumerate().map(|(number, table)| {
            let only = Sql::trusted(if table.partitioned { "" } else { "only " });
            sql!(
                "select {number} where not exists (select from {only}{name})",
                number = number,
                only = only,
                name = table.name,
            )
        });
        let statement =
            sql!("set local lock_timeout = '1s'; {looks}", looks = Sql::join(looks, " union all "));
        let rows =
            self.on_control_session("looking which tables are empty", &statement).await?.pop();
        let mut empty = Vec::new();
        for row in rows.unwrap_or_default() {
            let number = usize::try_from(row.count(0)?).unwrap_or(usize::MAX);
            empty.extend(tables.get(number).map(|table| table.name.clone()));
        }
        Ok(empty)
    }

    /// Whether the tables hold more than `limit` rows together, as far as the role may see.
    pub async fn holds_more_than(&self, tables: &[&Table], limit: u64) -> Result<bool> {
        let readable: Vec<_> = tables.iter().filter(|table| table.is_readable()).collect();
        if readable.is_empty() {
            return Ok(false);
        }
        let rows = readable.into_iter().map(|table| {
            let only = Sql::trusted(if table.partitioned { "" } else { "only " });
            let limit = limit + 1;
            sql!(
                "(select 1 from {only}{name} limit {limit})",
                only = only,
                name = table.name,
                limit = limit
            )
        });
        let statement = sql!(
            "select pg_catalog.count(*) from ({rows}) r",
            rows = Sql::join(rows, " union all "),
        );
        let rows = self.on_control_session("counting rows", &statement).await?;
        let count = rows.iter().flatten().next().map(|row| row.count(0)).transpose()?;
        Ok(count.is_some_and(|count| count > limit))
    }

    /// Lets the locks go, and all sessions.
    pub async fn close(&self) {
        // By a statement: a busy server takes its time to end a session, and the next run would find them taken.
        if self.has_locks.swap(false, Ordering::Relaxed) {
            let unlock = Sql::trusted("select pg_catalog.pg_advisory_unlock_all()");
            let unlocked = self.on_control_session("letting the locks go", &unlock);
            let _ = tokio::time::timeout(UNLOCK, unlocked).await;
        }
        self.pool.close(self.control.take().await).await;
    }
}
