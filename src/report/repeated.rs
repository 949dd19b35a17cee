//! What is said of runs that follow each other: one line for a run that changed something, one an hour
//! otherwise, and of what goes wrong each thing once, not in every run. Pure but for what it remembers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::config::{LogLevel, Output};
use crate::error::Error;
use crate::outcome::RunReport;
use crate::report::format;
use crate::report::line::Line;
use crate::report::plain;
use crate::report::summary;

/// An idle program says as often that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3600);

/// What was said, and what has not been said yet.
#[derive(Debug)]
pub struct Repeated {
    output: Output,
    /// Whether each line of each run is told.
    in_full: bool,
    /// What was said since the last success, without its numbers: those of processes and times change.
    told: BTreeSet<String>,
    /// The same of the run under way.
    heard: BTreeSet<String>,
    /// Failed runs in a row.
    failures: u64,
    /// When the last line about a whole run was told.
    said: Option<Instant>,
    /// Runs since then, and those of them that found another one at work.
    runs: u64,
    skipped: u64,
}

impl Repeated {
    /// Before the first run.
    pub fn new(output: Output, in_full: bool) -> Self {
        Self {
            output,
            in_full,
            told: BTreeSet::new(),
            heard: BTreeSet::new(),
            failures: 0,
            said: None,
            runs: 0,
            skipped: 0,
        }
    }

    /// Of the lines that an event deserves those that are news. A note is one whatever its level is.
    pub fn news(&mut self, lines: Vec<Line>, is_note: bool) -> Vec<Line> {
        if self.in_full {
            return lines;
        }
        let matters = |line: &Line| is_note || line.level <= LogLevel::Warn;
        lines.into_iter().filter(|line| matters(line) && self.is_new(line)).collect()
    }

    fn is_new(&mut self, line: &Line) -> bool {
        let table = line.table.as_ref().map(ToString::to_string).unwrap_or_default();
        let message: String = line.message.chars().filter(|c| !c.is_ascii_digit()).collect();
        let key = format!("{table} {message}");
        !self.told.contains(&key) && self.heard.insert(key)
    }

    /// The lines that the end of a run deserves. `at` is the same moment on a clock that nobody sets.
    pub fn ended(&mut self, now: DateTime<Utc>, at: Instant, report: &RunReport) -> Vec<Line> {
        self.runs += 1;
        let mut lines = match report.exit_status() {
            0 => self.succeeded(now, at, report),
            4 => self.found_another(now, at, report),
            _ => self.failed(now, at, report),
        };
        if self.output.quiet {
            lines.retain(|line| line.level <= LogLevel::Warn);
        }
        lines
    }

    fn succeeded(&mut self, now: DateTime<Utc>, at: Instant, report: &RunReport) -> Vec<Line> {
        self.told = std::mem::take(&mut self.heard);
        let verdict = summary::verdict(report);
        let failures = std::mem::take(&mut self.failures);
        if failures > 0 {
            let runs = format::counted(failures, "failed run");
            return self.say(now, at, LogLevel::Warn, format!("after {runs}: {verdict}"));
        }
        if self.in_full || self.said.is_none() || report.totals().changed() {
            return self.say(now, at, LogLevel::Info, verdict);
        }
        self.sign_of_life(now, at, LogLevel::Info, &verdict)
    }

    fn found_another(&mut self, now: DateTime<Utc>, at: Instant, report: &RunReport) -> Vec<Line> {
        self.heard.clear();
        self.skipped += 1;
        if self.in_full {
            return plain::run_error(now, report, self.output.verbose);
        }
        self.sign_of_life(now, at, LogLevel::Info, "another run is at work")
    }

    fn failed(&mut self, now: DateTime<Utc>, at: Instant, report: &RunReport) -> Vec<Line> {
        self.failures += 1;
        let lines = plain::run_error(now, report, self.output.verbose);
        if matches!(report.error, Some(Error::Stopped(_))) {
            return lines;
        }
        let mut lines = self.news(lines, false);
        let verdict = summary::verdict(report);
        // The error of the run as a whole is all there is to say when no table was tried.
        let has_tables = !report.tables.is_empty();
        let verdict_line = Line::new(now, LogLevel::Error, verdict.as_str());
        let is_new = has_tables && self.is_new(&verdict_line);
        if is_new || has_tables && (self.in_full || report.totals().changed()) {
            lines.extend(self.say(now, at, LogLevel::Error, verdict));
        } else if lines.is_empty() {
            let failures = format::counted(self.failures, "failed run");
            lines = self.sign_of_life(now, at, LogLevel::Error, &format!("{verdict}; {failures}"));
        } else {
            self.begin_silence(at);
        }
        self.told.append(&mut self.heard);
        lines
    }

    fn sign_of_life(
        &mut self,
        now: DateTime<Utc>,
        at: Instant,
        level: LogLevel,
        state: &str,
    ) -> Vec<Line> {
        let said = *self.said.get_or_insert(at);
        if at.duration_since(said) < SIGN_OF_LIFE {
            return Vec::new();
        }
        let runs = format::counted(self.runs, "run");
        let skipped = match self.skipped {
            0 => String::new(),
            n => format!(", {} found another one at work", format::number(n)),
        };
        self.say(now, at, level, format!("{state}; {runs} since the last line{skipped}"))
    }

    fn say(&mut self, now: DateTime<Utc>, at: Instant, level: LogLevel, text: String) -> Vec<Line> {
        self.begin_silence(at);
        vec![Line::new(now, level, text)]
    }

    fn begin_silence(&mut self, at: Instant) {
        (self.said, self.runs, self.skipped) = (Some(at), 0, 0);
    }
}
