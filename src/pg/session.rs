//! One connection, ready for work: settings pinned, statements sent as [`Sql`], answers as text.
//!
//! Statements go by the simple protocol: one round trip each, and several may be under way at once
//! on one session (the driver pipelines them in the order in which their futures are first polled).

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::ClientWrapper;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::cancel::Canceller;
use super::connect::Connector;
use super::copy::{RowSink, RowStream};
use super::failure::{Reason, db_error, to_role, without_values};
use super::pooler::announced_pid;
use super::rights;
use super::warnings::Warnings;
use crate::config::conninfo::Secret;
use crate::digest::Digest;
use crate::error::{Cause, DbError, Error, Result, Side};
use crate::ident::Ident;
use crate::sql::mask::KEY_SETTING;
use crate::sql::statement::Statement;
use crate::sql::{Literal, Sql, sql};

/// How often a round trip is tried.
const ROUND_TRIPS: usize = 3;

/// Of all settings of PostgreSQL 10 to 18 that a role, a database or a connection string can change,
/// those that count here; a server that does not have one skips it. Only what differs is set: where the
/// role may not, it is an error only if somebody has changed it.
///
/// Left as they are, on purpose: `default_transaction_read_only` (whoever sets it means it, see
/// `require_writable`), `default_tablespace`, `temp_tablespaces`, `default_table_access_method` and
/// `default_toast_compression` (where and how the target keeps what is made), `role`, the planner's
/// other settings (they cost time only), `restrict_nonsystem_relation_kind` (an error, no silence) and
/// all that only some statement that is never sent would see: `transform_null_equals`,
/// `backslash_quote`, `escape_string_warning`, `xmlbinary`, `lc_numeric`, `lc_time`,
/// `default_text_search_config`, `timezone_abbreviations`.
const SETTINGS: &[(&str, &str)] = &[
    // How values are printed and read: the text that travels and is hashed means the same everywhere.
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("lc_monetary", "C"),
    ("xmloption", "content"),
    ("client_encoding", "UTF8"),
    ("array_nulls", "on"),
    // How statements and definitions are read and printed.
    ("standard_conforming_strings", "on"),
    ("quote_all_identifiers", "off"),
    ("default_with_oids", "off"),
    // What a function calls may be created after it.
    ("check_function_bodies", "off"),
    // What would hide rows: a policy has to be an error; an index may not give a sample; a damaged page
    // is not an empty one.
    ("row_security", "off"),
    ("gin_fuzzy_search_limit", "0"),
    ("zero_damaged_pages", "off"),
    ("ignore_checksum_failure", "off"),
    // How transactions go: batches of other tables would turn each other back over sync_log.
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    // What would end a long session, or one with an error that is expected.
    ("exit_on_error", "off"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("transaction_timeout", "0"),
    ("idle_session_timeout", "0"),
    // A server notices a machine of ours that has gone for good, and with it the locks it held.
    ("tcp_keepalives_idle", "60"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "6"),
    // It costs more than it gives for digests (measured: 5-10 %).
    ("jit", "off"),
    // Without statistics about hashes of keys the planner sorts whole tables to merge them with a few
    // buckets (measured on 2 M rows: 2.7 s, and 0.7 s by hashing).
    ("enable_mergejoin", "off"),
    // How many keys are staged is all that the planner has to know of them: 3,000 of them tell.
    ("default_statistics_target", "10"),
    ("client_min_messages", "error"),
];

/// The search path is the role's own, for functions behind checks and indexes may need it. Where values
/// are read that print names of relations and their like it is empty, so that each has its schema:
/// else the same name would be another relation on the other side.
pub const EMPTY_PATH: &str = "set search_path = ''";

/// For the statement that pins the others: a standby lets no serializable transaction read.
const READ_COMMITTED: &str = "set transaction isolation level read committed";

/// Room for the digests of a table's buckets: with PostgreSQL's 4 MB they go through a file (2 M rows:
/// 31 MB of it). Who has more keeps it.
const WORK_MEM: &str = "select pg_catalog.set_config('work_mem', greatest(32768, pg_catalog.pg_size_bytes( \
     pg_catalog.current_setting('work_mem')) operator(pg_catalog./) 1024)::pg_catalog.text, false)";

/// How long taking leave of a server may take.
const LEAVE: Duration = Duration::from_millis(500);

/// Bytes of an answer that is kept: the catalog of 50,000 tables is half of it.
const LARGEST_ANSWER: usize = 512 * 1024 * 1024;

/// Bytes that a row costs beside its text, with its allocations: endless short rows are bounded as well.
const ROW_OVERHEAD: usize = 256;

/// How many statements are under way at once; `join_all` polls so many in their order.
const PIPELINED: usize = 30;

/// Lets a server look every second whether we are still there while it works or waits for a lock, so
/// that nothing of a killed run lives on (PostgreSQL 14). Not every operating system can.
const WATCH: &str = "select pg_catalog.set_config('client_connection_check_interval', '1s', false) \
     where pg_catalog.current_setting('client_connection_check_interval', true) is not null";

/// A role or a database may have the replica role as its own setting: triggers that are asked for would
/// stay silent. Without the statement where it is not needed, for not every role may make it.
const LEAVE_REPLICA: &str = "select pg_catalog.set_config('session_replication_role', 'origin', false) where \
     pg_catalog.current_setting('session_replication_role') operator(pg_catalog.<>) 'origin'";

/// In place of an exported snapshot: that of the session itself.
pub const OWN_SNAPSHOT: &str = "of its own";

/// SQLSTATEs of statements about things that are no more what they were: undefined schema, table,
/// column, object and function, wrong kind of object, impossible cast, types that do not match.
const OUTDATED: [&str; 8] =
    ["3F000", "42P01", "42703", "42704", "42883", "42809", "42846", "42804"];

/// The server processes of sessions that were left in the middle of something: they may still be at it.
pub type AbandonedBackends = Arc<Mutex<Vec<Backend>>>;

/// One row of an answer: text, or NULL, by position.
#[derive(Debug)]
pub struct Row(SimpleQueryRow);

impl Row {
    /// The value of a column; none for NULL and for a column that is not there.
    pub fn text(&self, column: usize) -> Option<&str> {
        // A server may answer anything: what is no text, or is not there, is NULL.
        self.0.try_get(column).ok().flatten()
    }

    /// The value of a column that the statement never leaves NULL.
    pub fn needed(&self, column: usize) -> Result<&str> {
        self.text(column).ok_or_else(|| Error::Internal(format!("column {column} came back NULL")))
    }

    /// A count that the statement never leaves NULL.
    pub fn count(&self, column: usize) -> Result<u64> {
        let text = self.needed(column)?;
        text.parse().map_err(|_| Error::Internal(format!("\"{text}\" is not a count")))
    }

    /// The digest in the first two columns, which are a count and a sum.
    ///
    /// # Errors
    /// The columns are something else.
    pub fn digest(&self) -> Result<Digest> {
        Digest::parse(self.count(0)?, self.text(1))
    }

    /// All values.
    pub fn texts(&self) -> Vec<Option<String>> {
        (0..self.0.len()).map(|column| self.text(column).map(str::to_owned)).collect()
    }

    /// All values that are whole numbers.
    pub fn numbers(&self) -> Vec<i128> {
        (0..self.0.len()).filter_map(|column| self.text(column)?.parse().ok()).collect()
    }

    /// Whether a boolean column holds true; NULL is false.
    pub fn is_true(&self, column: usize) -> bool {
        self.text(column) == Some("t")
    }
}

/// A prepared `copy … from stdin`.
#[derive(Clone)]
pub struct CopyIn {
    doing: &'static str,
    statement: tokio_postgres::Statement,
}

/// The server process behind a session. Numbers are used again; with its start it is unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    pub pid: u32,
    pub since: String,
    /// Whether a pooler stands between, which gives the process to others after us.
    pub pooled: bool,
}

/// A connection of which nothing is known yet.
pub struct Connection {
    pub client: ClientWrapper,
    pub driver: JoinHandle<bool>,
    pub canceller: Canceller,
    pub warnings: Warnings,
}

/// One connection of one side.
pub struct Session {
    side: Side,
    backend: Backend,
    /// Where it is noted that the session was left in the middle of something.
    left: AbandonedBackends,
    client: ClientWrapper,
    /// Moves the bytes; ends when the client is gone (true) or the connection is lost (false).
    driver: JoinHandle<bool>,
    canceller: Canceller,
    warnings: Warnings,
    /// Whether nothing is under way: only such a session goes back to its pool.
    clean: bool,
    /// The exported snapshot that this session's transaction reads, if any.
    snapshot: Option<String>,
    /// Whether errors may quote no value.
    discreet: bool,
    /// Whose rights count.
    role: Option<Ident>,
}

impl Session {
    /// Pins the settings, in one round trip beyond the connection itself, which `connector` made.
    ///
    /// # Errors
    /// A setting that the server refuses; no answer within the time for connecting.
    pub async fn open(
        connection: Connection,
        connector: &Connector,
        settings: &Settings,
        left: AbandonedBackends,
    ) -> Result<Self> {
        let Connection { client, driver, canceller, warnings } = connection;
        let side = connector.side();
        let announced = announced_pid(&canceller.token);
        let backend = Backend { pid: 0, since: String::new(), pooled: false };
        let discreet = settings.masking.discreet;
        let mut session = Self {
            side,
            backend,
            left,
            client,
            driver,
            canceller,
            warnings,
            clean: true,
            snapshot: None,
            discreet,
            role: Some(Ident::new(&connector.info().user)),
        };
        let pins = settings.statement(side);
        let role = Sql::trusted(if settings.replica_role {
            "set session_replication_role = replica"
        } else {
            LEAVE_REPLICA
        });
        let watch = Sql::trusted(WATCH);
        let begun = async {
            tokio::join!(
                session.row("pinning the session's settings", &pins),
                session.run("asking to be watched", &watch),
                session.run("setting the replica role", &role),
                session.set_mask_key(settings.masking.key.as_ref()),
            )
        };
        // A pooler that is paused takes a connection, and then says nothing.
        let begun = match connector.info().connect_timeout {
            Some(limit) => tokio::time::timeout(limit, begun).await.map_err(|_| limit),
            None => Ok(begun.await),
        };
        let (pinned, watched, role, keyed) = begun.map_err(|limit| {
            let why = format!("no answer within {} s", limit.as_secs_f64());
            Reason::connection(why).error(side, "pinning the session's settings")
        })?;
        let pinned = rights::explained_if_denied(&session, pinned).await?;
        watched.or_else(ignore_denied)?;
        role.or_else(ignore_denied)?;
        keyed?;
        let pid = u32::try_from(pinned.count(0)?).unwrap_or_default();
        // A role that is not the one that logged in may not see when its own session began.
        let since = pinned.text(1).unwrap_or_default().to_owned();
        session.role = pinned.text(2).map(Ident::new).or(session.role.take());
        session.backend = Backend { pid, since, pooled: announced.is_some_and(|said| said != pid) };
        Ok(session)
    }

    /// Keeps the key of masks in a setting: as a parameter, which no list of statements shows.
    async fn set_mask_key(&self, key: Option<&Secret>) -> Result<()> {
        let Some(key) = key else { return Ok(()) };
        let key = key.expose();
        let set = "select pg_catalog.set_config($1, $2, false)";
        let set =
            self.client.execute_typed(set, &[(&KEY_SETTING, Type::TEXT), (&key, Type::TEXT)]).await;
        let doing = "setting the key of masks";
        set.map(drop).map_err(|error| without_values(db_error(self.side, doing, error)))
    }

    /// The server process that answers.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The side that its server is on.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether nothing is under way in it, so that it can be used again.
    pub fn is_clean(&self) -> bool {
        self.clean && !self.is_closed()
    }

    /// Whether words that may quote a value are left out of errors.
    pub fn is_discreet(&self) -> bool {
        self.discreet
    }

    /// Says that work begins (`false`) or that nothing is under way any more (`true`).
    pub fn set_clean(&mut self, clean: bool) {
        self.clean = clean;
    }

    /// The snapshot that its open transaction reads, if it has one.
    pub fn snapshot(&self) -> Option<&str> {
        self.snapshot.as_deref()
    }

    /// Whether its transaction is the run's snapshot, which no other session can have: what is under way
    /// in it can be left behind, but it is not closed.
    pub fn is_kept(&self) -> bool {
        self.snapshot() == Some(OWN_SNAPSHOT) && !self.is_closed()
    }

    /// Notes the snapshot that its transaction reads now; none when the transaction has ended.
    pub fn set_snapshot(&mut self, snapshot: Option<String>) {
        self.snapshot = snapshot;
    }

    /// The connection as its manager knows it.
    pub fn client_mut(&mut self) -> &mut ClientWrapper {
        &mut self.client
    }

    /// What cancels its statements, from outside.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// What the server has warned of since the last time; nothing while the settings are those of a session of ours.
    pub fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// The answers of every statement in `statements`, in order.
    pub async fn query_all(&self, doing: &str, statements: &Sql) -> Result<Vec<Vec<Row>>> {
        let sent = self.client.simple_query_raw(statements.as_str()).await;
        let messages = sent.map_err(|error| self.error(doing, error))?;
        let mut messages = pin!(messages);
        let (mut answers, mut size) = (vec![Vec::new()], 0);
        while let Some(message) = messages.next().await {
            match message.map_err(|error| self.error(doing, error))? {
                SimpleQueryMessage::Row(row) => {
                    size += (0..row.len())
                        .filter_map(|n| row.try_get(n).ok()?)
                        .map(str::len)
                        .sum::<usize>();
                    size += ROW_OVERHEAD;
                    if size > LARGEST_ANSWER {
                        return Err(self.unexpected(doing, "the answer does not end"));
                    }
                    if let Some(last) = answers.last_mut() {
                        last.push(Row(row));
                    }
                }
                SimpleQueryMessage::CommandComplete(_) => answers.push(Vec::new()),
                _ => {}
            }
        }
        answers.pop();
        Ok(answers)
    }

    /// The rows of the last statement in `statements`.
    pub async fn rows(&self, doing: &str, statements: &Sql) -> Result<Vec<Row>> {
        Ok(self.query_all(doing, statements).await?.pop().unwrap_or_default())
    }

    /// The only row of the last statement.
    pub async fn row(&self, doing: &str, statements: &Sql) -> Result<Row> {
        let rows = self.rows(doing, statements).await?;
        rows.into_iter().next_back().ok_or_else(|| self.unexpected(doing, "no row came back"))
    }

    /// Sends statements whose answers do not matter.
    pub async fn run(&self, doing: &str, statements: &Sql) -> Result<()> {
        let done = self.client.batch_execute(statements.as_str()).await;
        done.map_err(|error| self.error(doing, error))
    }

    /// Runs one statement, and no second one that its text may hold: the extended protocol refuses it.
    pub async fn run_alone(&self, doing: &str, statement: &Statement) -> Result<()> {
        let done = self.client.execute_typed(statement.as_str(), &[]).await;
        done.map(drop).map_err(|error| self.error(doing, error))
    }

    /// Runs each statement alone, in order, in few round trips; gives the first error. Those after an
    /// error are sent all the same: a transaction that has failed refuses them, up to its end.
    pub async fn run_each(&self, doing: &str, statements: &[Statement]) -> Result<()> {
        let mut outcome = Ok(());
        for some in statements.chunks(PIPELINED) {
            // Polled in this order, and so sent in it.
            let sent =
                join_all(some.iter().map(|statement| self.run_alone(doing, statement))).await;
            outcome = sent.into_iter().fold(outcome, Result::and);
        }
        outcome
    }

    /// The time of a round trip: the least of a few.
    pub async fn round_trip(&self) -> Result<Duration> {
        let mut least = Duration::MAX;
        for _ in 0..ROUND_TRIPS {
            let began = Instant::now();
            self.run("looking how far the server is", &Sql::trusted("")).await?;
            least = least.min(began.elapsed());
        }
        Ok(least)
    }

    /// Starts `copy (…) to stdout`; rows arrive as COPY text, one message each.
    pub async fn copy_out(&self, doing: &'static str, copy: &Sql) -> Result<RowStream> {
        let stream = self.client.copy_out(copy.as_str()).await;
        let stream = stream.map_err(|error| self.error(doing, error))?;
        Ok(RowStream::new(self.side, doing, stream).discreet(self.discreet))
    }

    /// Prepares `copy … from stdin`, to be started any number of times without a round trip of its own.
    pub async fn prepare_copy_in(&self, doing: &'static str, copy: &Sql) -> Result<CopyIn> {
        let statement = self.client.prepare(copy.as_str()).await;
        Ok(CopyIn { doing, statement: statement.map_err(|error| self.error(doing, error))? })
    }

    /// Starts a prepared `copy … from stdin`.
    pub async fn copy_in(&self, copy: &CopyIn) -> Result<RowSink> {
        let sink = self.client.copy_in(&copy.statement).await;
        let sink = sink.map_err(|error| self.error(copy.doing, error))?;
        Ok(RowSink::new(self.side, copy.doing, sink, self.role.clone()))
    }

    /// Takes leave of the server. One that does not listen is not waited for.
    pub async fn end(mut self) {
        self.clean = true;
        let mut driver = std::mem::replace(&mut self.driver, tokio::spawn(async { true }));
        let (left, backend) = (self.left.clone(), self.backend.clone());
        drop(self);
        if !matches!(tokio::time::timeout(LEAVE, &mut driver).await, Ok(Ok(true))) {
            driver.abort();
            left.lock().unwrap_or_else(PoisonError::into_inner).push(backend);
        }
    }

    fn error(&self, doing: &str, error: tokio_postgres::Error) -> Error {
        let error = to_role(db_error(self.side, doing, error), self.role.as_ref());
        let error = if self.discreet { without_values(error) } else { error };
        if self.side == Side::Source { as_outdated(error, self.snapshot.is_some()) } else { error }
    }

    fn unexpected(&self, doing: &str, message: &str) -> Error {
        Error::Database(Box::new(DbError {
            side: self.side,
            action: doing.to_owned(),
            sqlstate: None,
            message: message.to_owned(),
            detail: None,
            hint: None,
            constraint: None,
            inner_right: None,
            cause: Cause::Refused,
        }))
    }
}

impl Drop for Session {
    /// The driver ends by itself when the client is gone; a session dropped in the middle of a
    /// COPY must not leave it reading on. One whose connection is lost may live on at the server, and
    /// hold its locks.
    fn drop(&mut self) {
        if !self.clean || self.client.is_closed() {
            self.driver.abort();
            // One that ended before it could say who serves it has done nothing yet.
            if self.backend.since.is_empty() {
                return;
            }
            self.left.lock().unwrap_or_else(PoisonError::into_inner).push(self.backend.clone());
        }
    }
}

/// What of a session's settings depends on the run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub lock_timeout: Duration,
    /// Whether triggers and foreign keys are switched off, where the role may.
    pub replica_role: bool,
    pub masking: Masking,
}

/// What sessions need where columns are masked.
#[derive(Clone, Debug, Default)]
pub struct Masking {
    /// See [`KEY_SETTING`].
    pub key: Option<Secret>,
    /// Whether errors may quote no value.
    pub discreet: bool,
}

impl Settings {
    /// One statement that pins them all; those that the server does not know are skipped.
    fn statement(&self, side: Side) -> Sql {
        let lock_timeout = self.lock_timeout.as_millis().to_string();
        let mut settings = SETTINGS.to_vec();
        settings.push(("lock_timeout", &lock_timeout));
        if side == Side::Target {
            settings.push(("synchronous_commit", "off"));
        }
        let values = settings.iter().map(|(name, value)| {
            sql!("({name}, {value})", name = Literal(name), value = Literal(value))
        });
        sql!(
            "{isolation}; \
             select pg_catalog.set_config(s.name, s.value, false) from (values {values}) s(name, value) \
             where pg_catalog.current_setting(s.name, true) operator(pg_catalog.<>) s.value; {memory}; \
             select a.pid, a.backend_start::pg_catalog.text, current_user \
             from pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a",
            isolation = Sql::trusted(READ_COMMITTED),
            values = Sql::join(values, ", "),
            memory = Sql::trusted(WORK_MEM),
        )
    }
}

/// The catalog of a snapshot names what others may have dropped, renamed or altered since: with a new
/// one the run can do. `reads` says that the session reads a snapshot; only then a name is one of ours.
fn as_outdated(error: Error, reads: bool) -> Error {
    match error {
        Error::Database(mut error) if is_outdated(error.sqlstate.as_deref(), reads) => {
            error.sqlstate = None;
            error.cause = Cause::Snapshot;
            Error::Database(error)
        }
        error => error,
    }
}

fn is_outdated(sqlstate: Option<&str>, reads: bool) -> bool {
    let Some(state) = sqlstate else { return false };
    // An object that vanished while the server looked at it has no code of its own.
    state == "XX000" || reads && OUTDATED.contains(&state)
}

/// A role that may not disable triggers works without: the plan finds another way or says so. And not
/// every server can watch its clients (22023).
fn ignore_denied(error: Error) -> Result<()> {
    match error.sqlstate() {
        Some("42501" | "22023") => Ok(()),
        _ => Err(error),
    }
}
