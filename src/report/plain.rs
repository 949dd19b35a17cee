//! Log lines: which events deserve one, and its words. Holds what is needed to say little: the
//! start of a table is told once it is known to matter. Pure but for that state; `report` prints.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::config::{LogLevel, Output};
use crate::error::Error;
use crate::event::{Event, Phase};
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{RunReport, Status, TableOutcome};
use crate::report::format;
use crate::report::line::Line;
use crate::report::pace::Pace;
use crate::report::summary;

/// An unchanged table that is through sooner than this says nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// A table that is at work says so as often.
const INTERVAL: Duration = Duration::from_secs(60);
const VERBOSE_INTERVAL: Duration = Duration::from_secs(10);

/// Turns events into log lines.
#[derive(Debug)]
pub struct Plain {
    output: Output,
    dry_run: bool,
    /// Whether what is for `-verbose` is told, too; details of errors are not meant.
    in_full: bool,
    /// Whether notes and the reasons of failures are left to the summary, which the same person reads.
    leaves_notes: bool,
    /// Tables that are at work, oldest first: as many as there are workers.
    begun: Vec<Begun>,
}

#[derive(Debug)]
struct Begun {
    table: TableName,
    since: DateTime<Utc>,
    /// Its start, until it is told.
    untold: Option<Line>,
    /// Whether anything was told of it, so that its end is owed.
    told: bool,
    /// When it was last told how far it is.
    heard: DateTime<Utc>,
    phase: Phase,
    phase_since: DateTime<Utc>,
    rows: u64,
    estimate: Option<u64>,
    /// When the first rows travelled.
    moving: Option<DateTime<Utc>>,
}

impl Begun {
    fn new(table: &TableName, now: DateTime<Utc>) -> Self {
        Self {
            table: table.clone(),
            since: now,
            untold: None,
            told: false,
            heard: now,
            phase: Phase::Looking,
            phase_since: now,
            rows: 0,
            estimate: None,
            moving: None,
        }
    }

    fn tell_start(&mut self) -> Option<Line> {
        self.told = self.told || self.untold.is_some();
        self.untold.take()
    }

    fn begin_phase(&mut self, now: DateTime<Utc>, phase: Phase) {
        if self.phase != phase {
            (self.phase, self.phase_since) = (phase, now);
        }
    }

    /// `copying: 1,204,000 of about 2,000,000 rows (60 %), 52,300 rows/s, about 15.2s left`.
    fn progress(&self, now: DateTime<Utc>) -> String {
        let since = |moment: DateTime<Utc>| (now - moment).to_std().unwrap_or_default();
        let moving = self.moving.map(since).unwrap_or_default();
        let pace = Pace { rows: self.rows, estimate: self.estimate, moving };
        let phase = self.phase.name();
        let for_long = || format!("for {}", format::duration(since(self.phase_since)));
        if self.rows == 0 || !self.phase.moves_rows() {
            return format!("{phase} {}{}", for_long(), so_far(self.rows));
        }
        let mut text = format!("{phase}: {}", format::number(self.rows));
        if let (Some(share), Some(all)) = (pace.share(), self.estimate) {
            text += &format!(" of about {} rows ({share} %)", format::number(all));
        } else {
            text += " rows";
        }
        if let Some(rate) = pace.rate() {
            text += &format!(", {} rows/s", format::number(rate as u64));
        }
        match pace.left() {
            Some(left) => text + &format!(", about {} left", format::duration(left)),
            None => text + &format!(", {}", for_long()),
        }
    }
}

fn so_far(rows: u64) -> String {
    if rows == 0 { String::new() } else { format!(", {} so far", format::counted(rows, "row")) }
}

impl Plain {
    /// Begins with no table announced.
    pub fn new(output: Output, dry_run: bool) -> Self {
        Self { output, dry_run, in_full: output.verbose, leaves_notes: false, begun: Vec::new() }
    }

    /// Tells what is for this level, too.
    pub fn down_to(self, level: LogLevel) -> Self {
        Self { in_full: self.in_full || level >= LogLevel::Debug, ..self }
    }

    /// Leaves notes, warnings among them, and the reasons of failures to the summary.
    pub fn without_notes(self) -> Self {
        Self { leaves_notes: true, ..self }
    }

    /// The lines that this event deserves.
    pub fn event(&mut self, now: DateTime<Utc>, event: &Event) -> Vec<Line> {
        if self.output.quiet && !is_urgent(event) {
            return Vec::new();
        }
        match event {
            Event::Connected { source, target, parallel } => {
                let (source, target) = (format::sanitize(source), format::sanitize(target));
                let workers = format::counted(*parallel as u64, "worker");
                vec![info(now, format!("from {source} to {target}, {workers}"))]
            }
            Event::Planned { tables } => {
                let selected = format::counted(*tables as u64, "table");
                vec![info(now, format!("{selected} selected"))]
            }
            Event::Begun { .. } | Event::Ended(_) => Vec::new(),
            Event::Stopping(signal) => {
                let text = "received, stopping; send it again to quit immediately";
                vec![info(now, format!("{} {text}", signal.name()))]
            }
            Event::Note(_) if self.leaves_notes => Vec::new(),
            Event::Note(note) => note_line(now, note, self.in_full).into_iter().collect(),
            Event::Started { table, strategy, watermark, rows } => {
                let from = watermark.as_ref().map(|w| format!(" from {}", format::sanitize(w)));
                let what = format!("{}{}", strategy.name(), from.unwrap_or_default());
                self.at(now, table).estimate = *rows;
                self.started(now, table, &what)
            }
            Event::Phase { table, phase } => self.phase(now, table, *phase),
            Event::Expected { table, rows } => {
                let begun = self.at(now, table);
                begun.estimate = Some(begun.rows + rows);
                Vec::new()
            }
            Event::Rows { table, rows } => {
                let begun = self.at(now, table);
                begun.moving.get_or_insert(now);
                begun.rows += rows;
                Vec::new()
            }
            Event::Retry { table, error, attempt, of } => {
                let text = format!("retry {attempt} of {of}: {}", format::sanitize(error));
                let line = Line::new(now, LogLevel::Warn, text);
                match table {
                    Some(table) => {
                        self.release(table).into_iter().chain([line.about(table)]).collect()
                    }
                    None => vec![line],
                }
            }
            Event::Finished(outcome) | Event::Retracted(outcome) => self.finished(now, outcome),
        }
    }

    /// The lines that have become due since the last event.
    pub fn tick(&mut self, now: DateTime<Utc>) -> Vec<Line> {
        let due = |begun: &&mut Begun| (now - begun.since).to_std().is_ok_and(|t| t >= PATIENCE);
        self.begun.iter_mut().filter(due).filter_map(Begun::tell_start).collect()
    }

    /// How far the tables are that have said nothing for long.
    pub fn progress(&mut self, now: DateTime<Utc>) -> Vec<Line> {
        let interval = if self.in_full { VERBOSE_INTERVAL } else { INTERVAL };
        let due = |begun: &&mut Begun| (now - begun.heard).to_std().is_ok_and(|t| t >= interval);
        let mut lines = Vec::new();
        for begun in self.begun.iter_mut().filter(due) {
            lines.extend(begun.tell_start());
            lines.push(info(now, begun.progress(now)).about(&begun.table));
            (begun.told, begun.heard) = (true, now);
        }
        lines
    }

    /// What is known of a table that is at work.
    fn at(&mut self, now: DateTime<Utc>, table: &TableName) -> &mut Begun {
        let at = self.begun.iter().position(|begun| begun.table == *table);
        let at = at.unwrap_or_else(|| {
            self.begun.push(Begun::new(table, now));
            self.begun.len() - 1
        });
        &mut self.begun[at]
    }

    fn phase(&mut self, now: DateTime<Utc>, table: &TableName, phase: Phase) -> Vec<Line> {
        let in_full = self.in_full;
        let begun = self.at(now, table);
        begun.begin_phase(now, phase);
        // Of a thousand tables, nine hundred are looked at and found unchanged.
        if !in_full || phase == Phase::Looking {
            return Vec::new();
        }
        let text = format!("{}{}", phase.name(), so_far(begun.rows));
        vec![Line::new(now, LogLevel::Debug, text).about(table)]
    }

    /// Held back at first: of a thousand tables that start, nine hundred will turn out unchanged.
    fn started(&mut self, now: DateTime<Utc>, table: &TableName, what: &str) -> Vec<Line> {
        let line = info(now, what).about(table);
        let in_full = self.in_full;
        let begun = self.at(now, table);
        if in_full {
            begun.told = true;
            return vec![line];
        }
        begun.since = now;
        begun.untold = Some(line);
        Vec::new()
    }

    /// The start of a table, if it is still untold.
    fn release(&mut self, table: &TableName) -> Option<Line> {
        self.begun.iter_mut().find(|begun| begun.table == *table)?.tell_start()
    }

    fn finished(&mut self, now: DateTime<Utc>, outcome: &TableOutcome) -> Vec<Line> {
        let at = self.begun.iter().position(|begun| begun.table == outcome.table);
        let begun = at.map(|at| self.begun.remove(at));
        let start_told = begun.as_ref().is_some_and(|begun| begun.told);
        let Some(text) = self.ending(outcome, start_told) else { return Vec::new() };
        let start = begun.and_then(|begun| begun.untold);
        let mut lines = Vec::from_iter(start);
        let error = outcome.error.as_ref();
        let line = |text: String| {
            Line::new(now, self.level(outcome), text).about(&outcome.table).on_side_of(error)
        };
        lines.push(line(text));
        let detail = error.and_then(Error::detail).filter(|_| self.output.verbose);
        let detail = detail.filter(|_| !self.leaves_notes);
        lines.extend(detail.map(|detail| line(format!("detail: {}", format::sanitize(detail)))));
        lines
    }

    /// How much the end of a table matters.
    fn level(&self, outcome: &TableOutcome) -> LogLevel {
        match outcome.status {
            Status::Success if self.in_full && !outcome.counts.changed() => LogLevel::Debug,
            Status::Success => LogLevel::Info,
            Status::Interrupted | Status::Skipped => LogLevel::Warn,
            Status::Failed | Status::Refused => LogLevel::Error,
        }
    }

    /// `None` for what only `-verbose` shows. A start that was told gets its end.
    fn ending(&self, outcome: &TableOutcome, start_told: bool) -> Option<String> {
        let unasked = !self.in_full;
        match (outcome.status, &outcome.error) {
            (Status::Success, _) if !outcome.counts.changed() && unasked && !start_told => None,
            (Status::Success, _) => Some(work(outcome, self.dry_run)),
            (Status::Interrupted, _) => {
                Some(format!("interrupted, {}", work(outcome, self.dry_run)))
            }
            (Status::Skipped, _) if unasked && format::own_error(outcome).is_none() => None,
            (status, Some(_)) if self.leaves_notes => {
                Some(format!("{}; the summary says why", status.name()))
            }
            (status, Some(error)) => Some(format!("{}: {}", status.name(), format::error(error))),
            (status, None) => Some(status.name().to_owned()),
        }
    }
}

/// The line of a note; none of a detail that nobody has asked for.
fn note_line(now: DateTime<Utc>, note: &Note, in_full: bool) -> Option<Line> {
    let (word, level) = match note.level {
        NoteLevel::Detail if !in_full => return None,
        NoteLevel::Detail => ("note", LogLevel::Debug),
        NoteLevel::Notice => ("note", LogLevel::Info),
        NoteLevel::Warning => ("warning", LogLevel::Warn),
    };
    let line = Line::new(now, level, format!("{word}: {}", format::sanitize(&note.text)));
    Some(Line { table: note.table.clone(), ..line })
}

/// The lines of notes that were left to a summary, where there is none.
pub fn left_notes(now: DateTime<Utc>, report: &RunReport, verbose: bool) -> Vec<Line> {
    report.notes.iter().filter_map(|note| note_line(now, note, verbose)).collect()
}

/// Where failures are all that is told: how many tables were skipped for them.
pub fn left_behind(now: DateTime<Utc>, report: &RunReport) -> Option<Line> {
    let mut tables = report.tables.iter();
    let is_short = tables.any(|table| table.status == Status::Skipped) && report.exit_status() != 0;
    is_short.then(|| Line::new(now, LogLevel::Warn, summary::verdict(report)))
}

/// The lines for the error that ended the run as a whole.
pub fn run_error(now: DateTime<Utc>, report: &RunReport, verbose: bool) -> Vec<Line> {
    let Some(error) = &report.error else { return Vec::new() };
    let word = match error {
        Error::Stopped(_) => "interrupted",
        Error::Config(_) => "invalid",
        Error::Locked(_) => "locked",
        Error::Refused(_) => "refused",
        Error::Database(_) | Error::Blocked(_) | Error::Internal(_) => "failed",
    };
    let texts = match error {
        Error::Config(problems) => problems.iter().map(|text| format::sanitize(text)).collect(),
        _ => vec![format::error(error)],
    };
    let detail = error.detail().filter(|_| verbose).map(format::sanitize);
    let texts = texts.iter().map(|text| format!("{word}: {text}"));
    texts
        .chain(detail.map(|detail| format!("detail: {detail}")))
        .map(|text| Line::new(now, LogLevel::Error, text).on_side_of(Some(error)))
        .collect()
}

/// Whether `-quiet` shows it too.
fn is_urgent(event: &Event) -> bool {
    match event {
        Event::Note(note) => note.level == NoteLevel::Warning,
        Event::Finished(outcome) | Event::Retracted(outcome) => {
            matches!(outcome.status, Status::Failed | Status::Refused)
        }
        _ => false,
    }
}

/// `1,204 rows: 12 inserted, 40 updated in 0.8s, after 1 retry`.
fn work(outcome: &TableOutcome, dry_run: bool) -> String {
    let rows = format::counted(outcome.counts.processed, "row");
    let done = match (outcome.counts.processed, format::changes(outcome.counts, dry_run)) {
        (0, Some(changes)) => changes,
        (_, Some(changes)) => format!("{rows}: {changes}"),
        (0, None) => "unchanged".to_owned(),
        (_, None) => format!("{rows}: unchanged"),
    };
    let retries = match outcome.retries {
        0 => String::new(),
        n => format!(", after {}", format::counted(n.into(), "retry")),
    };
    format!("{done} in {}{retries}", format::duration(outcome.elapsed))
}

fn info(now: DateTime<Utc>, text: impl Into<String>) -> Line {
    Line::new(now, LogLevel::Info, text)
}
