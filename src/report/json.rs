//! The result as one JSON object on one line, for programs. Its shape is an interface: fields are
//! added, never renamed or removed. Pure: from the [`RunReport`] to text.
//!
//! ```json
//! {"pgsync":"0.1.0","run_id":"…","source":"host:port/db","target":"host:port/db",
//!  "status":"success|failed|interrupted|refused|locked|invalid","exit_status":0,"dry_run":false,
//!  "started":"2026-01-01T00:00:00Z","elapsed_seconds":1.234,"retries":0,
//!  "tables":[{"schema":"public","table":"users","strategy":"copy|incremental|compare"|null,
//!    "status":"success|failed|refused|interrupted|skipped","rows_processed":0,"rows_inserted":0,
//!    "rows_updated":0,"rows_deleted":0,"batches":0,"bytes":0,"elapsed_seconds":0.1,
//!    "watermark":"…"|null,"lag_seconds":0.1|null,"retries":0,"error":error|null}],
//!  "totals":{"rows_processed":0,"rows_inserted":0,"rows_updated":0,"rows_deleted":0,"batches":0,
//!    "bytes":0},
//!  "notes":[{"table":"public.users"|null,"level":"detail|notice|warning","text":"…"}],
//!  "error":error|null}
//! ```
//! where `error` is `{"message":"…","sqlstate":"23514"|null,"constraint":"…"|null,"hint":"…"|null,
//! "detail":"…"|null}`; `detail` can carry row values and is null without `-verbose`. `retries` of
//! the run counts what concerned it as a whole, that of a table what concerned the table.

use std::time::Duration;

use serde::Serialize;

use crate::error::{DbError, Error};
use crate::note::{Note, NoteLevel};
use crate::outcome::{Counts, RunReport, TableOutcome};
use crate::report::format;

#[derive(Serialize)]
struct Run<'a> {
    pgsync: &'static str,
    run_id: &'a str,
    source: &'a str,
    target: &'a str,
    status: &'static str,
    exit_status: u8,
    dry_run: bool,
    started: String,
    elapsed_seconds: f64,
    retries: u32,
    tables: Vec<Table<'a>>,
    totals: Work,
    notes: Vec<Remark<'a>>,
    error: Option<Fault<'a>>,
}

#[derive(Serialize)]
struct Table<'a> {
    schema: &'a str,
    table: &'a str,
    strategy: Option<&'static str>,
    status: &'static str,
    #[serde(flatten)]
    work: Work,
    elapsed_seconds: f64,
    watermark: Option<&'a str>,
    lag_seconds: Option<f64>,
    retries: u32,
    error: Option<Fault<'a>>,
}

#[derive(Serialize)]
struct Work {
    rows_processed: u64,
    rows_inserted: u64,
    rows_updated: u64,
    rows_deleted: u64,
    batches: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Remark<'a> {
    table: Option<String>,
    level: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Fault<'a> {
    message: String,
    sqlstate: Option<&'a str>,
    constraint: Option<&'a str>,
    hint: Option<&'a str>,
    detail: Option<&'a str>,
}

/// The object and a line break.
pub fn object(report: &RunReport, verbose: bool) -> Result<String, serde_json::Error> {
    let run = Run {
        pgsync: env!("CARGO_PKG_VERSION"),
        run_id: &report.run_id,
        source: &report.source,
        target: &report.target,
        status: status(report.exit_status()),
        exit_status: report.exit_status(),
        dry_run: report.dry_run,
        started: format::moment(report.started),
        elapsed_seconds: seconds(report.elapsed),
        retries: report.retries,
        tables: report.tables.iter().map(|outcome| table(outcome, verbose)).collect(),
        totals: work(report.totals()),
        notes: report.notes.iter().map(remark).collect(),
        error: report.error.as_ref().map(|error| fault(error, verbose)),
    };
    Ok(escaped(&serde_json::to_string(&run)?) + "\n")
}

fn status(exit_status: u8) -> &'static str {
    match exit_status {
        0 => "success",
        2 => "invalid",
        4 => "locked",
        5 => "refused",
        130 | 143 => "interrupted",
        _ => "failed",
    }
}

fn table(outcome: &TableOutcome, verbose: bool) -> Table<'_> {
    Table {
        schema: outcome.table.schema.as_str(),
        table: outcome.table.name.as_str(),
        strategy: outcome.strategy.map(|strategy| strategy.name()),
        status: outcome.status.name(),
        work: work(outcome.counts),
        elapsed_seconds: seconds(outcome.elapsed),
        watermark: outcome.watermark.as_deref(),
        lag_seconds: outcome.lag.map(seconds),
        retries: outcome.retries,
        error: outcome.error.as_ref().map(|error| fault(error, verbose)),
    }
}

fn work(counts: Counts) -> Work {
    Work {
        rows_processed: counts.processed,
        rows_inserted: counts.inserted,
        rows_updated: counts.updated,
        rows_deleted: counts.deleted,
        batches: counts.batches,
        bytes: counts.bytes,
    }
}

fn remark(note: &Note) -> Remark<'_> {
    let level = match note.level {
        NoteLevel::Detail => "detail",
        NoteLevel::Notice => "notice",
        NoteLevel::Warning => "warning",
    };
    Remark { table: note.table.as_ref().map(ToString::to_string), level, text: &note.text }
}

/// The message is the one for people, but for the hint, which has a field.
fn fault(error: &Error, verbose: bool) -> Fault<'_> {
    let Error::Database(db) = error else {
        let message = error.to_string();
        return Fault { message, sqlstate: None, constraint: None, hint: None, detail: None };
    };
    Fault {
        message: DbError { hint: None, ..(**db).clone() }.to_string(),
        sqlstate: db.sqlstate.as_deref(),
        constraint: db.constraint.as_deref(),
        hint: db.hint.as_deref(),
        detail: db.detail.as_deref().filter(|_| verbose),
    }
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// serde escapes what JSON must have escaped. The rest of what a terminal obeys is escaped here: such
/// characters can only stand inside of strings, so each becomes `\u009b` and keeps its meaning.
pub fn escaped(json: &str) -> String {
    let is_harmless = |byte: u8| matches!(byte, b' '..=b'~');
    if json.bytes().all(is_harmless) {
        return json.to_owned();
    }
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if format::is_terminal_control(c) {
            safe += &format!("\\u{:04x}", u32::from(c))
        } else {
            safe.push(c)
        }
    }
    safe
}
