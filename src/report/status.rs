//! How the tables stand, for people and for programs. Pure: from the [`StatusReport`] to text.
//!
//! The object of `-json`: `{"pgsync":"0.1.0","version":1,"target":"host:port/db","log":"public.sync_log",
//! "exit_status":0,"sentence":"…","as_of":"…"|null,"tables":[{"schema","table","state","trouble":false,
//! "last_success":"…"|null,"age_seconds":7200|null,"strategy","rows_inserted","rows_updated","rows_deleted",
//! "failures":0,"durations_seconds":[…],"watermark","lag_seconds","proven_since","error"}]}`. Fields are added, never renamed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::config::Output;
use crate::report::grid::{self, Column, Page};
use crate::report::summary::{self, Grouped, Said};
use crate::report::{format, json, page};
use crate::status::{Change, History, PastRun, PruneSettings, State, StatusReport, TableStatus};

/// Tables that the sentence names.
const NAMED: usize = 3;

/// What `pgsync status` prints.
pub fn text(report: &StatusReport, page: Page) -> String {
    let mut tables: Vec<&TableStatus> = report.tables.iter().collect();
    tables.sort_by_key(|table| weight(report, table));
    if report.only_failed {
        tables.retain(|table| report.is_in_trouble(table));
    }
    let mut lines = vec![sentence(report)];
    if !tables.is_empty() {
        lines.push(String::new());
        lines.extend(grid::lines(columns(report, &tables, page), page));
    }
    let errors = error_lines(&tables);
    if !errors.is_empty() {
        lines.push(String::new());
    }
    lines.extend(errors);
    lines.extend(gone_line(report));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The one sentence that says whether all is well.
pub fn sentence(report: &StatusReport) -> String {
    let count = report.present().count() as u64;
    if report.tables.is_empty() {
        let log = format::sanitize(&report.log.to_string());
        return match report.unselected {
            0 if !report.has_log => format!(
                "{} has no table {log}: no run has written there, or one with another -log-table, -schema or -target-schema.",
                format::sanitize(&report.target)
            ),
            0 => format!("No run of a table is recorded in {log}."),
            n => format!(
                "None of the {} of {log} is selected: look at -include, -exclude and the rule skip.",
                format::counted(n as u64, "table")
            ),
        };
    }
    let mut troubled: Vec<&TableStatus> = report.troubled().collect();
    troubled.sort_by_key(|table| weight(report, table));
    let counted = format::counted(count, "table");
    if troubled.is_empty() {
        let all = if count == 1 { counted.clone() } else { format!("All {counted}") };
        if count == 0 {
            return "The source no longer has any of the recorded tables.".to_owned();
        }
        return match report.as_of() {
            Some(moment) => format!("{all} in sync as of {}.", when(moment, report.now)),
            None => {
                let (done, begun): (Vec<&TableStatus>, Vec<&TableStatus>) =
                    report.present().partition(|table| table.last_success.is_some());
                let names = begun.iter().map(|table| format::table(&table.table)).collect();
                let done = format::number(done.len() as u64);
                let begun = named(names);
                format!("{done} of {counted} in sync; a first run is at work on {begun}.")
            }
        };
    }
    let is_one = troubled.len() == 1;
    let named = named(troubled.iter().map(|table| trouble(table)).collect());
    let verb = if is_one { "is" } else { "are" };
    let number = format::number(troubled.len() as u64);
    let is_old = |table: &&TableStatus| table.state.is_good();
    let what = match report.stale.filter(|_| troubled.iter().all(is_old)) {
        Some(stale) => format!("without a success for more than {}", age(stale)),
        None => "NOT in sync".to_owned(),
    };
    format!("{number} of {counted} {verb} {what}: {named}.")
}

/// The first of some, and how many more there are.
fn named(mut all: Vec<String>) -> String {
    if all.len() > NAMED {
        let more = format::number((all.len() - NAMED) as u64);
        all.truncate(NAMED);
        all.push(format!("and {more} more"));
    }
    all.join(", ")
}

/// Where a table stands in a list: causes first, then what follows from them, then what is well.
fn weight(report: &StatusReport, table: &TableStatus) -> u8 {
    match table.state {
        _ if !report.is_in_trouble(table) => 3,
        State::Skipped => 2,
        state if state.is_good() => 1,
        _ => 0,
    }
}

/// What settles tables that the source has no more.
fn gone_line(report: &StatusReport) -> Option<String> {
    let names: Vec<String> = report.gone().map(|table| format::table(&table.table)).collect();
    let drops = format::sanitize(&report.drops.join("; "));
    (!names.is_empty()).then(|| {
        let names = names.join(", ");
        format!("\nGone from the source: {names}; to drop what is left, run on the target: {drops}")
    })
}

/// `orders (failed)`, `items (last success 3d ago)`.
fn trouble(table: &TableStatus) -> String {
    let name = format::table(&table.table);
    match table.age.filter(|_| table.state.is_good()) {
        Some(time) => format!("{name} (last success {} ago)", age(time)),
        None => format!("{name} ({})", table.state.name()),
    }
}

/// `03:14 UTC, 2h ago`; with the day, unless that is today.
fn when(moment: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let form = if moment.date_naive() == now.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    let ago = age((now - moment).to_std().unwrap_or_default());
    format!("{} UTC, {ago} ago", moment.format(form))
}

/// `12s`, `5m`, `2h`, `6d`.
fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn columns(report: &StatusReport, tables: &[&TableStatus], page: Page) -> Vec<Column> {
    let texts = |title, rank, cell: &dyn Fn(&TableStatus) -> Option<String>| Column {
        title,
        cells: tables.iter().map(|table| cell(table).unwrap_or_else(|| "-".to_owned())).collect(),
        is_number: false,
        rank,
    };
    let numbers = |title, rank, cell: &dyn Fn(&TableStatus) -> Option<String>| Column {
        is_number: true,
        ..texts(title, rank, cell)
    };
    let minute = |moment: &DateTime<Utc>| moment.format("%Y-%m-%d %H:%M").to_string();
    let state = |table: &TableStatus| {
        let is_stale = table.state.is_good() && report.is_in_trouble(table);
        Some(if is_stale { "stale" } else { table.state.name() }.to_owned())
    };
    let seconds = |seconds: &f64| format::duration(Duration::from_secs_f64(seconds.max(0.0)));
    let lag = numbers("lag", 0, &|table| table.lag.map(format::duration));
    let columns = vec![
        texts("table", 0, &|table| Some(format::table(&table.table))),
        texts("state", 0, &state),
        numbers("succeeded", 0, &|table| table.age.map(|time| format!("{} ago", age(time)))),
        texts("last success", 7, &|table| table.last_success.as_ref().map(minute)),
        texts("strategy", 6, &|table| table.strategy.as_deref().map(format::sanitize)),
        texts("last change", 2, &|table| last_change(table)),
        numbers("failures", 1, &|table| Some(format::number(table.failures))),
        numbers("time", 3, &|table| table.durations.first().map(seconds)),
        texts(BARS_TITLE, 4, &|table| Some(sparkline(&table.durations))),
        texts("watermark", 9, &|table| table.watermark.as_ref().map(minute)),
        texts("proven", 8, &|table| table.proven_since.as_ref().map(minute)),
    ];
    let lag = tables.iter().any(|table| table.lag.is_some()).then_some(lag);
    let is_drawn = |column: &Column| column.title != BARS_TITLE || page != Page::Paper;
    let columns = columns.into_iter().filter(|column| says_something(column) && is_drawn(column));
    columns.chain(lag).collect()
}

const BARS_TITLE: &str = "last 20";

/// Whether a column that need not be there says anything of any table.
fn says_something(column: &Column) -> bool {
    column.rank == 0 || column.cells.iter().any(|cell| !matches!(cell.as_str(), "-" | "0" | "none"))
}

/// What the latest of the last 20 runs changed, if any ended.
fn last_change(table: &TableStatus) -> Option<String> {
    let none = || (!table.durations.is_empty()).then(|| "none".to_owned());
    table.change.map(change).or_else(none)
}

/// `12 inserted, 40 updated, 3 deleted`
fn change(change: Change) -> String {
    let kinds =
        [(change.inserted, "inserted"), (change.updated, "updated"), (change.deleted, "deleted")];
    let some = kinds.iter().filter(|(n, _)| *n > 0);
    let some = some.map(|(n, deed)| format!("{} {deed}", format::number(*n)));
    some.collect::<Vec<_>>().join(", ")
}

/// Bars of the durations, the oldest first; the longest is a full one.
fn sparkline(durations: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let longest = durations.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let bar = |seconds: &f64| {
        let step = (seconds / longest * (BARS.len() - 1) as f64).round() as usize;
        BARS[step.min(BARS.len() - 1)]
    };
    durations.iter().rev().map(bar).collect()
}

/// Why tables are not in sync: each reason once, with the tables that it concerns.
fn error_lines(tables: &[&TableStatus]) -> Vec<String> {
    let said = tables.iter().filter_map(|table| {
        let lines = table.error.as_deref()?.trim_end().split('\n').map(format::sanitize);
        let lines: Vec<String> = lines.collect();
        let text = format!("{}: {}", table.state.name(), lines.join("\n    "));
        Some(Said { text, table: Some(&table.table) })
    });
    let line = |Grouped { text, tables }: Grouped<'_>| {
        let names: Vec<String> = tables.iter().map(|table| format::table(table)).collect();
        match names.len() {
            0..=NAMED => format!("{} - {text}", names.join(", ")),
            n => format!("{} - {text}", format::counted(n as u64, "table")),
        }
    };
    summary::grouped(said).into_iter().map(line).collect()
}

/// What `pgsync status -history` prints.
pub fn history(found: &History) -> String {
    let History { runs, meant } = found;
    if runs.is_empty() {
        let meant: Vec<String> = meant.iter().map(format::table).collect();
        return match meant.join(", ") {
            meant if meant.is_empty() => "No run of this table is recorded.\n".to_owned(),
            meant => format!("No run of this table is recorded; did you mean {meant}?\n"),
        };
    }
    let column = |title, is_number, rank, cell: &dyn Fn(&PastRun) -> Option<String>| Column {
        title,
        cells: runs.iter().map(|run| cell(run).unwrap_or_else(|| "-".to_owned())).collect(),
        is_number,
        rank,
    };
    let seconds = |seconds: f64| format::duration(Duration::from_secs_f64(seconds));
    let first_line = |error: &str| format::sanitize(error.lines().next().unwrap_or_default());
    let columns = vec![
        column("start", false, 0, &|run| Some(format::sanitize(&run.start))),
        column("strategy", false, 0, &|run| run.strategy.as_deref().map(format::sanitize)),
        column("status", false, 0, &|run| Some(format::sanitize(&run.status))),
        column("rows", true, 2, &|run| Some(format::number(run.processed))),
        column("change", false, 0, &|run| Some(change(run.change)).filter(|text| !text.is_empty())),
        column("time", true, 0, &|run| run.seconds.map(seconds)),
        column("error", false, 0, &|run| run.error.as_deref().map(first_line)),
    ];
    // An error is as long as it is, and takes no room from the rest.
    grid::lines(columns, Page::Terminal(usize::MAX))
        .iter()
        .map(|line| format!("{line}\n"))
        .collect()
}

#[derive(Serialize)]
struct Object<'a> {
    pgsync: &'static str,
    version: u32,
    target: &'a str,
    log: String,
    exit_status: u8,
    sentence: String,
    as_of: Option<String>,
    tables: Vec<Table<'a>>,
}

#[derive(Serialize)]
struct Table<'a> {
    schema: &'a str,
    table: &'a str,
    state: &'static str,
    trouble: bool,
    last_success: Option<String>,
    age_seconds: Option<u64>,
    strategy: Option<&'a str>,
    rows_inserted: u64,
    rows_updated: u64,
    rows_deleted: u64,
    failures: u64,
    durations_seconds: &'a [f64],
    watermark: Option<String>,
    lag_seconds: Option<f64>,
    proven_since: Option<String>,
    error: Option<&'a str>,
}

/// The object of `-json` and a line break.
pub fn object(report: &StatusReport) -> String {
    let wanted = |table: &&TableStatus| !report.only_failed || report.is_in_trouble(table);
    let object = Object {
        pgsync: env!("CARGO_PKG_VERSION"),
        version: 1,
        target: &report.target,
        log: report.log.to_string(),
        exit_status: report.exit_status(),
        sentence: sentence(report),
        as_of: report.as_of().map(format::moment),
        tables: report.tables.iter().filter(wanted).map(|table| entry(report, table)).collect(),
    };
    serialized(&object)
}

fn entry<'a>(report: &StatusReport, table: &'a TableStatus) -> Table<'a> {
    let change = table.change.unwrap_or_default();
    Table {
        schema: table.table.schema.as_str(),
        table: table.table.name.as_str(),
        state: table.state.name(),
        trouble: report.is_in_trouble(table),
        last_success: table.last_success.map(format::moment),
        age_seconds: table.age.map(|age| age.as_secs()),
        strategy: table.strategy.as_deref(),
        rows_inserted: change.inserted,
        rows_updated: change.updated,
        rows_deleted: change.deleted,
        failures: table.failures,
        durations_seconds: &table.durations,
        watermark: table.watermark.map(format::moment),
        lag_seconds: table.lag.map(|lag| lag.as_secs_f64()),
        proven_since: table.proven_since.map(format::moment),
        error: table.error.as_deref(),
    }
}

#[derive(Serialize)]
struct HistoryRun<'a> {
    start: &'a str,
    seconds: Option<f64>,
    strategy: Option<&'a str>,
    status: &'a str,
    rows_processed: u64,
    rows_inserted: u64,
    rows_updated: u64,
    rows_deleted: u64,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct HistoryObject<'a> {
    pgsync: &'static str,
    version: u32,
    runs: Vec<HistoryRun<'a>>,
}

/// The object of `-history -json` and a line break.
pub fn history_object(runs: &[PastRun]) -> String {
    fn of(run: &PastRun) -> HistoryRun<'_> {
        HistoryRun {
            start: &run.start,
            seconds: run.seconds,
            strategy: run.strategy.as_deref(),
            status: &run.status,
            rows_processed: run.processed,
            rows_inserted: run.change.inserted,
            rows_updated: run.change.updated,
            rows_deleted: run.change.deleted,
            error: run.error.as_deref(),
        }
    }
    let runs = runs.iter().map(of).collect();
    serialized(&HistoryObject { pgsync: env!("CARGO_PKG_VERSION"), version: 1, runs })
}

/// What `pgsync status` prints in the form that is asked for.
pub fn printed(report: &StatusReport, output: Output) -> String {
    match output {
        Output { json: true, .. } => object(report),
        Output { quiet: true, .. } if report.exit_status() == 0 => String::new(),
        Output { quiet: true, .. } => format!("{}\n", sentence(report)),
        _ => text(report, page()),
    }
}

/// What `pgsync status -history` prints in the form that is asked for.
pub fn printed_history(found: &History, output: Output) -> String {
    if output.json { history_object(&found.runs) } else { history(found) }
}

/// What `pgsync log prune` prints.
pub fn pruned(settings: &PruneSettings, rows: u64) -> String {
    if settings.base.output.quiet {
        return String::new();
    }
    let log = format::sanitize(&settings.log.to_string());
    let rows = format::counted(rows, "row");
    if settings.base.dry_run {
        format!("{rows} of {log} would be deleted\n")
    } else {
        format!("{rows} of {log} deleted\n")
    }
}

fn serialized(object: &impl Serialize) -> String {
    // Strings and numbers always serialize; the type system cannot know.
    json::escaped(&serde_json::to_string(object).unwrap_or_default()) + "\n"
}
