//! How each table stands, from `sync_log` alone: no source is needed, and nothing is written, but for
//! what [`prune`] deletes from the log. The words and the table that people read are `report`'s.

mod asked;
mod lag;
mod settings;
mod standing;

pub use settings::{PruneFlags, PruneSettings, StatusFlags, StatusSettings};
pub use standing::{Change, State, TableStatus};

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::config::Settings;
use crate::error::{Error, Result, Side};
use crate::ident::TableName;
use crate::pg;
use crate::pg::rights::PRUNING;
use crate::pg::{Pool, Row};
use crate::schema::holders;
use crate::select;
use crate::sql::sync_log::SyncLog;
use crate::sql::{Sql, sql};
use crate::sync_log::store;
use crate::target_side::Target;

/// Rows that the history of a table shows.
const HISTORY: u64 = 50;

/// How all tables of one log stand.
#[derive(Clone, Debug)]
pub struct StatusReport {
    /// `host:port/database`
    pub target: String,
    pub log: TableName,
    /// Whether there is such a table.
    pub has_log: bool,
    /// By the server's clock.
    pub now: DateTime<Utc>,
    /// In the order of their names.
    pub tables: Vec<TableStatus>,
    /// How many tables of the log are left out, because they are not selected.
    pub unselected: usize,
    /// Only those in trouble are wanted.
    pub only_failed: bool,
    /// How old a success may be.
    pub stale: Option<Duration>,
    /// What drops the tables that the source has no more.
    pub drops: Vec<String>,
    /// What could not be found out.
    pub notes: Vec<String>,
}

impl StatusReport {
    /// Those that are not as they should be.
    pub fn troubled(&self) -> impl Iterator<Item = &TableStatus> {
        self.tables.iter().filter(|table| self.is_in_trouble(table))
    }

    /// Whether the last run of the table did not succeed, or its last success is too old.
    /// A table that the source has no more cannot be.
    pub fn is_in_trouble(&self, table: &TableStatus) -> bool {
        let is_stale = || {
            table.state != State::Gone && self.stale.is_some_and(|stale| table.age > Some(stale))
        };
        !table.state.is_good() || is_stale()
    }

    /// 0 when all is well; 1 when a table is in trouble, or there are none.
    pub fn exit_status(&self) -> u8 {
        u8::from(self.present().next().is_none() || self.troubled().next().is_some())
    }

    /// The moment since which every table has been in sync: that of the oldest of the last successes.
    pub fn as_of(&self) -> Option<DateTime<Utc>> {
        let successes: Option<Vec<_>> = self.present().map(|table| table.last_success).collect();
        successes?.into_iter().min()
    }

    /// Those that the source had when a run last looked.
    pub fn present(&self) -> impl Iterator<Item = &TableStatus> {
        self.tables.iter().filter(|table| table.state != State::Gone)
    }

    /// Those that the source has no more, that are still on the target, and of which nothing else is to be said.
    pub fn gone(&self) -> impl Iterator<Item = &TableStatus> {
        self.tables.iter().filter(|table| table.state == State::Gone && table.error.is_none())
    }
}

/// The runs of one table.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The latest first.
    pub runs: Vec<PastRun>,
    /// Where there are none: the tables that may be meant.
    pub meant: Vec<TableName>,
}

/// One run of one table, as the log has it.
#[derive(Clone, Debug)]
pub struct PastRun {
    pub start: String,
    /// None while it runs.
    pub seconds: Option<f64>,
    pub strategy: Option<String>,
    pub status: String,
    pub processed: u64,
    pub change: Change,
    pub error: Option<String>,
}

/// Reads how the tables stand.
///
/// # Errors
/// The target cannot be reached, or what has the log's name is none.
pub async fn status(settings: &StatusSettings) -> Result<StatusReport> {
    let OpenLog { target, log } = OpenLog::open(&settings.base, &settings.log).await?;
    let report = read(&target, &log, settings).await;
    target.close().await;
    report
}

async fn read(target: &Target, log: &SyncLog, settings: &StatusSettings) -> Result<StatusReport> {
    let mut report = StatusReport {
        target: settings.base.target.describe(),
        log: log.table.clone(),
        has_log: true,
        now: Utc::now(),
        tables: Vec::new(),
        unselected: 0,
        only_failed: settings.only_failed,
        stale: settings.stale,
        drops: Vec::new(),
        notes: Vec::new(),
    };
    if !store::exists(target, log).await? {
        let other = |log: &TableName| {
            format!("the target has a log of this name: {log}; to read it, use -log-table {log}")
        };
        report.notes = target.control.logs().await?.iter().map(other).collect();
        report.has_log = false;
        return Ok(report);
    }
    let rows = target.on_control_session("reading sync_log", &log.status()).await?.pop();
    for row in rows.unwrap_or_default() {
        report.now = standing::moment(row.text(3)).unwrap_or(report.now);
        report.tables.extend(standing::of_row(&row)?);
    }
    let (base, recorded) = (&settings.base, report.tables.len());
    let is_selected = |name: &TableName| {
        let source = base.source_name_of(name);
        select::would_select(name, &base.include, &base.exclude)
            && !base.rules.effective(&source).skip
    };
    report.tables.retain(|table| is_selected(&table.table));
    report.unselected = recorded - report.tables.len();
    // A run that died has left its row as it was; its locks died with it.
    let running: Vec<TableName> = running(&report).map(|table| table.table.clone()).collect();
    let names: Vec<&TableName> = running.iter().collect();
    let at_work = target.tables_at_work(&names).await?;
    for table in report.tables.iter_mut().filter(|table| table.state == State::Running) {
        table.settle_running(at_work.contains(&table.table));
    }
    report.tables.sort_by(|one, other| one.table.cmp(&other.table));
    report.drops = drops(&report, target).await?;
    if settings.base.lag {
        report.notes = lag::measure(&settings.base, &mut report.tables).await?;
    }
    Ok(report)
}

/// What drops the tables that the source has no more, with the views that read them and the keys that refer to them.
async fn drops(report: &StatusReport, target: &Target) -> Result<Vec<String>> {
    let oids: Vec<u32> = report.gone().filter_map(|table| table.oid).collect();
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    let held = target.control.held_columns(&oids).await?;
    let drop = |table: &TableStatus| {
        let own = held.iter().filter(|held| Some(held.table) == table.oid);
        holders::drops_with(&table.table, own.map(|held| &held.holder))
    };
    Ok(report.gone().map(drop).collect())
}

fn running(report: &StatusReport) -> impl Iterator<Item = &TableStatus> {
    report.tables.iter().filter(|table| table.state == State::Running)
}

/// Reads the last runs of one table, the latest first.
///
/// # Errors
/// As for [`status`].
pub async fn history(settings: &StatusSettings, table: &TableName) -> Result<History> {
    let OpenLog { target, log } = OpenLog::open(&settings.base, &settings.log).await?;
    let found = past_runs(&target, &log, settings, table).await;
    target.close().await;
    found
}

async fn past_runs(
    target: &Target,
    log: &SyncLog,
    settings: &StatusSettings,
    table: &TableName,
) -> Result<History> {
    if !store::exists(target, log).await? {
        return Ok(History::default());
    }
    let reading = "reading sync_log";
    let rows = target.on_control_session(reading, &log.status()).await?.pop().unwrap_or_default();
    let mut known = Vec::new();
    for row in rows {
        known.push(TableName::new(row.needed(0)?, row.needed(1)?));
    }
    let first = settings.base.target_schemas().into_iter().next();
    let first = first.unwrap_or_else(|| log.table.schema.clone());
    let table = match asked::find(table, &known, &first) {
        Ok(table) => table,
        Err(meant) => return Ok(History { meant, ..History::default() }),
    };
    let rows = target.on_control_session(reading, &log.history(&table, HISTORY)).await?.pop();
    let runs: Result<Vec<PastRun>> = rows.unwrap_or_default().iter().map(past_run).collect();
    Ok(History { runs: runs?, meant: Vec::new() })
}

fn past_run(row: &Row) -> Result<PastRun> {
    let seconds = row.text(1).and_then(|text| text.parse().ok());
    Ok(PastRun {
        start: row.needed(0)?.to_owned(),
        seconds: seconds.filter(|seconds| *seconds >= 0.0),
        strategy: row.text(2).map(str::to_owned),
        status: row.needed(3)?.to_owned(),
        processed: row.count(4)?,
        change: Change { inserted: row.count(5)?, updated: row.count(6)?, deleted: row.count(7)? },
        error: row.text(8).map(str::to_owned),
    })
}

/// Deletes old rows of the log, or counts them; gives their number.
///
/// # Errors
/// The target cannot be reached, there is no log, or the role may not delete.
pub async fn prune(settings: &PruneSettings) -> Result<u64> {
    let OpenLog { target, log } = OpenLog::open(&settings.base, &settings.log).await?;
    let pruned = async {
        if !store::exists(&target, &log).await? {
            return Err(Error::Blocked(format!("there is no log {} on the target", log.table)));
        }
        let prune = log.prune(settings.keep);
        let end = Sql::trusted(if settings.base.dry_run { "rollback" } else { "commit" });
        let statements = sql!("begin; {prune}; {end}", prune = prune, end = end);
        let rows = match target.control.query_all(PRUNING, &statements).await {
            Ok(rows) => rows,
            Err(error) => {
                // A transaction that has failed does not say which right is missing.
                let rollback = Sql::trusted("rollback");
                target.control.query_all(PRUNING, &rollback).await.map_err(|_| error.clone())?;
                return Err(target.explained_of(error, &statements).await);
            }
        };
        let row = rows.iter().flatten().next();
        row.ok_or_else(|| Error::Internal("no answer about deleted rows".to_owned()))?.count(0)
    };
    let pruned = pruned.await;
    target.close().await;
    pruned
}

/// A log, and the target that it is on.
struct OpenLog {
    target: Target,
    log: SyncLog,
}

impl OpenLog {
    async fn open(base: &Settings, log: &TableName) -> Result<Self> {
        let session = pg::Settings { lock_timeout: base.lock_timeout, ..pg::Settings::default() };
        let target = Target::new(Pool::new(&base.target, Side::Target, 1, session)?).reading(true);
        target.control.set(target.pool.get().await?).await;
        Ok(Self { target, log: SyncLog { table: log.clone() } })
    }
}
