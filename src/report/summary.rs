//! The summary for people: a table of what changed, what failed and why, and the verdict.
//! Pure: from the [`RunReport`] to text. Every table's error and every note is in it, once; the error
//! that ended the run as a whole stands on stderr, and the verdict says its kind.

use std::collections::HashMap;

use crate::error::Error;
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Counts, RunReport, Status, TableOutcome};
use crate::report::format;

/// With more tables than this, those with nothing to tell are counted, not listed.
const FOLD_ABOVE: usize = 20;

/// The whole summary, ending with a line break. Empty when the run ended before any table was
/// selected: its error, on stderr, is all there is to say.
pub fn summary(report: &RunReport, verbose: bool) -> String {
    if report.tables.is_empty() && report.error.is_some() {
        return String::new();
    }
    let mut sections = vec![
        table(report, verbose),
        failures(&report.tables, verbose),
        notes(&report.notes, verbose),
        verdict(report) + "\n",
    ];
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

/// The summary for a message that leaves the machine: it begins with the verdict, and tells of every
/// failure, that of the run as a whole, too. No detail is in it.
pub fn for_message(report: &RunReport) -> String {
    let error = report.error.as_ref().map(|error| format::error(error) + "\n");
    let parts = [headline(report) + "\n", error.unwrap_or_default(), summary(report, false)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The verdict, and what failed first.
pub fn for_chat(report: &RunReport) -> String {
    let error = report.error.as_ref().map(|error| format::error(error) + "\n");
    let failures = failures(&report.tables, false);
    let lines = error.iter().chain([&failures]).flat_map(|text| text.lines()).take(LONGEST_CHAT);
    let lines: String = lines.map(|line| format!("\n{line}")).collect();
    headline(report) + &lines
}

/// Lines about failures that a chat is told.
const LONGEST_CHAT: usize = 20;

/// `host/shop -> host/copy: in sync: …`.
fn headline(report: &RunReport) -> String {
    format!("{} -> {}: {}", report.source, report.target, verdict(report))
}

type Row = Vec<String>;

fn table(report: &RunReport, verbose: bool) -> String {
    let all = verbose || report.tables.len() <= FOLD_ABOVE;
    let (shown, folded): (Vec<_>, Vec<_>) =
        report.tables.iter().partition(|outcome| all || has_news(outcome));
    let mut rows = vec![header(report.dry_run)];
    rows.extend(shown.iter().map(|outcome| row(outcome)));
    let (counts, time) = (report.totals(), format::duration(report.elapsed));
    rows.push(cells(["total", "", &time, ""].map(str::to_owned), counts));
    if report.tables.iter().any(|outcome| outcome.lag.is_some()) {
        let lag = |outcome: &&TableOutcome| outcome.lag.map_or("-".into(), format::duration);
        let lags = shown.iter().copied().map(|outcome| lag(&outcome));
        let lags = std::iter::once("lag".to_owned()).chain(lags).chain([String::new()]);
        rows.iter_mut().zip(lags).for_each(|(row, lag)| row.insert(row.len() - 1, lag));
    }

    let mut lines = aligned(&rows);
    let total = lines.pop();
    let unchanged = folded.iter().filter(|outcome| outcome.status == Status::Success).count();
    lines.extend(fold(unchanged, "unchanged"));
    lines.extend(fold(folded.len() - unchanged, "not tried"));
    lines.extend(total);
    lines.concat()
}

fn has_news(outcome: &TableOutcome) -> bool {
    match outcome.status {
        Status::Success => outcome.counts.changed(),
        Status::Failed | Status::Refused | Status::Interrupted => true,
        Status::Skipped => format::own_error(outcome).is_some(),
    }
}

fn fold(tables: usize, word: &str) -> Option<String> {
    let counted = format::counted(tables as u64, "table");
    (tables > 0).then(|| format!("… {counted} {word}\n"))
}

fn header(dry_run: bool) -> Row {
    let names = if !dry_run {
        ["table", "strategy", "rows", "inserted", "updated", "deleted", "time", "status"]
    } else {
        [
            "table",
            "strategy",
            "rows",
            "would insert",
            "would update",
            "would delete",
            "time",
            "status",
        ]
    };
    names.map(str::to_owned).to_vec()
}

fn row(outcome: &TableOutcome) -> Row {
    let strategy = outcome.strategy.map_or("-", |strategy| strategy.name());
    let time = format::duration(outcome.elapsed);
    let texts = [format::table(&outcome.table), strategy.to_owned(), time];
    let [table, strategy, time] = texts;
    cells([table, strategy, time, outcome.status.name().to_owned()], outcome.counts)
}

fn cells([table, strategy, time, status]: [String; 4], counts: Counts) -> Row {
    let [rows, inserted, updated, deleted] =
        [counts.processed, counts.inserted, counts.updated, counts.deleted].map(format::number);
    vec![table, strategy, rows, inserted, updated, deleted, time, status]
}

/// Words to the left, numbers to the right, two spaces between; no line ends in a space.
fn aligned(rows: &[Row]) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let width =
        |column: usize| rows.iter().map(|row| format::width(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Row| {
        let cells: Vec<String> = (0..columns)
            .map(|column| {
                let gap = " ".repeat(widths[column] - format::width(&row[column]));
                match column {
                    _ if column < 2 || column + 1 == columns => format!("{}{gap}", row[column]),
                    _ => format!("{gap}{}", row[column]),
                }
            })
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn failures(outcomes: &[TableOutcome], verbose: bool) -> String {
    group_by_text(outcomes.iter().filter_map(|outcome| {
        let error = format::own_error(outcome)?;
        let mut text = format!("{}: {}", outcome.status.name(), lines(&error.to_string()));
        if let (true, Some(detail)) = (verbose, error.detail()) {
            text += &format!("\n    detail: {}", lines(detail));
        }
        Some(Said { text, table: Some(&outcome.table) })
    }))
}

/// Notices and warnings; details with `-verbose`.
fn notes(notes: &[Note], verbose: bool) -> String {
    let matters = |note: &&Note| verbose || note.level != NoteLevel::Detail;
    group_by_text(notes.iter().filter(matters).map(|note| {
        let word = match note.level {
            NoteLevel::Detail | NoteLevel::Notice => "note",
            NoteLevel::Warning => "warning",
        };
        Said { text: format!("{word}: {}", lines(&note.text)), table: note.table.as_ref() }
    }))
}

/// A remedy may be several statements: each keeps its line, indented so that none can pass for one
/// of ours.
fn lines(text: &str) -> String {
    text.trim_end().split('\n').map(format::sanitize).collect::<Vec<_>>().join("\n    ")
}

/// What is said about a table, or about the run.
struct Said<'a> {
    text: String,
    table: Option<&'a TableName>,
}

/// Each text once, with the tables that it concerns: a thousand tables that lack the same right are
/// one thing to fix.
fn group_by_text<'a>(texts: impl Iterator<Item = Said<'a>>) -> String {
    let mut told: Vec<(String, Vec<&TableName>)> = Vec::new();
    let mut places = HashMap::new();
    for Said { text, table } in texts {
        let place = *places.entry(text.clone()).or_insert(told.len());
        if place == told.len() {
            told.push((text, Vec::new()));
        }
        told[place].1.extend(table);
    }
    told.iter().map(|(text, tables)| format!("{}{text}\n", named(tables))).collect()
}

/// `users - `, or `users, orders, items and 997 more - `.
fn named(tables: &[&TableName]) -> String {
    let first: Vec<String> = tables.iter().take(3).map(|table| format::table(table)).collect();
    match tables.len() {
        0 => String::new(),
        1..=3 => format!("{} - ", first.join(", ")),
        n => format!("{} and {} more - ", first.join(", "), format::number(n as u64 - 3)),
    }
}

/// One line that says whether the promise holds.
pub fn verdict(report: &RunReport) -> String {
    let all = format::counted(report.tables.len() as u64, "table");
    let done = with(report, Status::Success);
    if report.exit_status() == 0 {
        return in_step(report, &all);
    }
    let head = if report.dry_run { "dry run" } else { "NOT in sync" };
    let tail = if report.dry_run { "; nothing was written" } else { "" };
    let ended = |why: &str| format!("{head}: {why}; {} of {all} done{tail}", format::number(done));
    match &report.error {
        Some(Error::Stopped(signal)) => ended(&format!("interrupted by {}", signal.name())),
        Some(Error::Refused(_)) => ended("refused by a safety check"),
        Some(Error::Locked(_)) => ended("another run holds the lock"),
        Some(_) => ended("the run ended early"),
        None => format!("{head}: {}{tail}", shortfall(report, &all)),
    }
}

/// `2 of 12 tables failed, 1 skipped`.
fn shortfall(report: &RunReport, all: &str) -> String {
    let not_done = [Status::Failed, Status::Refused, Status::Skipped, Status::Interrupted];
    let parts: Vec<String> = not_done
        .into_iter()
        .map(|status| (with(report, status), status.name()))
        .filter(|(n, _)| *n > 0)
        .enumerate()
        .map(|(at, (n, word))| match at {
            0 => format!("{} of {all} {word}", format::number(n)),
            _ => format!("{} {word}", format::number(n)),
        })
        .collect();
    parts.join(", ")
}

fn with(report: &RunReport, status: Status) -> u64 {
    report.tables.iter().filter(|table| table.status == status).count() as u64
}

fn in_step(report: &RunReport, all: &str) -> String {
    let counts = report.totals();
    let rows = format::counted(counts.inserted + counts.updated + counts.deleted, "row");
    let time = format::duration(report.elapsed);
    let retries = report.retries + report.tables.iter().map(|table| table.retries).sum::<u32>();
    let retries = match retries {
        0 => String::new(),
        n => format!(", after {}", format::counted(n.into(), "retry")),
    };
    if !report.dry_run {
        format!("in sync: {all}, {rows} changed in {time}{retries}")
    } else {
        format!("dry run: {all}, {rows} would change; nothing was written; took {time}{retries}")
    }
}
