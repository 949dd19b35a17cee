//! The summary for people: a table of what changed, what failed and why, and the verdict.
//! Pure: from the [`RunReport`] to text. Every table's error and every note is in it, once; the error
//! that ended the run as a whole stands on stderr, and the verdict says its kind.

use std::collections::HashMap;

use crate::error::Error;
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{RunReport, Status, TableOutcome};
use crate::report::denied;
use crate::report::format;
use crate::report::grid::Page;
use crate::report::listed;

/// The whole summary, ending with a line break. Empty when the run ended before any table was
/// selected: its error, on stderr, is all there is to say.
pub fn summary(report: &RunReport, verbose: bool, page: Page) -> String {
    if report.tables.is_empty() && report.error.is_some() {
        return String::new();
    }
    let mut sections = vec![
        listed::text(&listed::rows(report, verbose), page),
        failures(&report.tables, verbose),
        last_error(report, page),
        notes(&report.notes, verbose),
        verdict(report) + "\n",
    ];
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

/// What failed beside the tables: why a run could not write its log, in a dry run that has counted all tables; and where
/// nobody sees stderr beside it, what follows the tables.
fn last_error(report: &RunReport, page: Page) -> String {
    let all_done = with(report, Status::Success) == report.tables.len() as u64;
    let is_apart = |error: &&Error| {
        all_done && !matches!(page, Page::Terminal(_)) && !matches!(error, Error::Stopped(_))
    };
    let error = report.error.as_ref().filter(|error| report.is_log_denied() || is_apart(error));
    error.map(|error| format!("failed: {}\n", format::error(error))).unwrap_or_default()
}

/// The summary for a message that leaves the machine: it begins with the verdict, and tells of every
/// failure, that of the run as a whole, too. No detail is in it.
pub fn for_message(report: &RunReport) -> String {
    let is_in_summary = !last_error(report, Page::Paper).is_empty();
    let error = report.error.as_ref().filter(|_| report.tables.is_empty() || !is_in_summary);
    let error = error.map(|error| format::error(error) + "\n");
    let parts =
        [headline(report) + "\n", error.unwrap_or_default(), summary(report, false, Page::Paper)];
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

/// Why tables failed: causes before what follows from them.
pub(super) fn failures(outcomes: &[TableOutcome], verbose: bool) -> String {
    let mut ordered: Vec<&TableOutcome> = outcomes.iter().collect();
    ordered.sort_by_key(|outcome| follows(outcome));
    let own = |outcome: &&TableOutcome| format::own_error(outcome).is_some();
    let failed: Vec<&TableOutcome> = ordered.into_iter().filter(own).collect();
    let errors = denied::alike(failed.iter().filter_map(|outcome| format::own_error(outcome)));
    group_by_text(failed.into_iter().zip(&errors).map(|(outcome, error)| {
        let mut text = format!("{}: {}", outcome.status.name(), lines(&error.to_string()));
        if let (true, Some(detail)) = (verbose, error.detail()) {
            text += &format!("\n    detail: {}", lines(detail));
        }
        Said { text, table: Some(&outcome.table) }
    }))
}

/// Whether a table most likely was not done because another one was not: it was skipped, or its rows lack
/// their parents.
fn follows(outcome: &TableOutcome) -> bool {
    let sqlstate = outcome.error.as_ref().and_then(Error::sqlstate);
    outcome.status == Status::Skipped || sqlstate == Some("23503")
}

/// Notices and warnings; details with `-verbose`.
pub(super) fn notes(notes: &[Note], verbose: bool) -> String {
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
pub(super) struct Said<'a> {
    pub text: String,
    pub table: Option<&'a TableName>,
}

/// Each text once, with the tables that it concerns: a thousand tables that lack the same right are
/// one thing to fix.
fn group_by_text<'a>(texts: impl Iterator<Item = Said<'a>>) -> String {
    let told = grouped(texts);
    told.iter().map(|Grouped { text, tables }| format!("{}{text}\n", named(tables))).collect()
}

/// A text with the tables that it concerns.
pub(super) struct Grouped<'a> {
    pub text: String,
    pub tables: Vec<&'a TableName>,
}

/// The texts in the order in which they come first.
pub(super) fn grouped<'a>(texts: impl Iterator<Item = Said<'a>>) -> Vec<Grouped<'a>> {
    let mut told: Vec<Grouped<'a>> = Vec::new();
    let mut places = HashMap::new();
    for Said { text, table } in texts {
        let place = *places.entry(text.clone()).or_insert(told.len());
        if place == told.len() {
            told.push(Grouped { text, tables: Vec::new() });
        }
        told[place].tables.extend(table);
    }
    told
}

/// `users - `, or `users, orders, items and 997 more - `.
pub(super) fn named(tables: &[&TableName]) -> String {
    if tables.is_empty() { String::new() } else { format!("{} - ", names(tables)) }
}

/// `users`, or `users, orders, items and 997 more`.
pub(super) fn names(tables: &[&TableName]) -> String {
    let first: Vec<String> = tables.iter().take(3).map(|table| format::table(table)).collect();
    match tables.len() {
        0..=3 => first.join(", "),
        n => format!("{} and {} more", first.join(", "), format::number(n as u64 - 3)),
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
    let how_far = match report.tables.len() as u64 {
        0 => "no table was begun".to_owned(),
        count if count == done => format!("{all} done, but not what follows the tables"),
        _ => format!("{} of {all} done", format::number(done)),
    };
    let ended = |why: &str| format!("{head}: {why}; {how_far}{tail}");
    if report.is_log_denied() {
        let counted = shortfall(report, &all);
        let counted = if counted.is_empty() { format!("{all} counted") } else { counted };
        return format!(
            "{head}: a run would fail, for it could not write its log; {counted}{tail}"
        );
    }
    match &report.error {
        Some(Error::Stopped(signal)) => ended(&format!("interrupted by {}", signal.name())),
        Some(Error::Refused(_)) => ended("refused by a safety check"),
        Some(Error::Locked(_)) => ended("another run holds the lock"),
        Some(Error::Config(_)) => format!("{head}: wrong usage or configuration{tail}"),
        Some(_) if report.tables.is_empty() => {
            format!("{head}: an error came before the first table{tail}")
        }
        Some(_) if done > 0 && done == report.tables.len() as u64 => {
            let step = match &report.error {
                Some(Error::Database(said)) => format!(" ({})", said.action),
                _ => String::new(),
            };
            format!("failed: {all} in sync, but a later step failed{step}{tail}")
        }
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
