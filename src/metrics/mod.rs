//! Figures of runs for Prometheus: what they are called, how they change with a run, and their text.
//! Pure but for `file` and `listen`, which hand the text over.
//!
//! The text is read back, too: a run of cron goes on counting where the last one ended, and a run that
//! fails does not lose the moment of the last success.

pub mod file;
pub mod listen;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::outcome::{RunReport, Status, Strategy, TableOutcome};

/// With more tables than this, their figures are summed up.
const MOST_TABLES: usize = 500;

/// A kind of figure: name, type, and what it means.
type Family = (&'static str, &'static str, &'static str);

const BUILD: &str = "pgsync_build_info";
const LAST_RUN: &str = "pgsync_last_run_timestamp_seconds";
const STATUS: &str = "pgsync_last_run_status";
const DURATION: &str = "pgsync_run_duration_seconds";
const LAST_SUCCESS: &str = "pgsync_last_success_timestamp_seconds";
const ROWS: &str = "pgsync_rows_total";
const BYTES: &str = "pgsync_bytes_total";
const FAILED: &str = "pgsync_table_failed";
const WATERMARK_LAG: &str = "pgsync_watermark_lag_seconds";
const LAG: &str = "pgsync_lag_seconds";
const FAILURES: &str = "pgsync_consecutive_failures";
const RETRIES: &str = "pgsync_retries_total";
const LAST_PROOF: &str = "pgsync_last_proof_timestamp_seconds";
const PROVEN_AGE: &str = "pgsync_proven_age_seconds";

const FAMILIES: [Family; 14] = [
    (BUILD, "gauge", "The version of pgsync; always 1."),
    (LAST_RUN, "gauge", "When the last run ended."),
    (STATUS, "gauge", "The exit status of the last run."),
    (DURATION, "gauge", "How long the last run took."),
    (LAST_SUCCESS, "gauge", "When everything, or a table, was last brought in sync."),
    (ROWS, "counter", "Rows of the target that were inserted, updated and deleted."),
    (BYTES, "counter", "Bytes of rows, keys and digests that travelled."),
    (FAILED, "gauge", "Whether a table was not in sync after the last run."),
    (WATERMARK_LAG, "gauge", "From the watermark of a table to the end of the last run."),
    (LAG, "gauge", "From the newest timestamp of a table of the target to that of the source."),
    (FAILURES, "gauge", "Runs that failed since the last success."),
    (RETRIES, "counter", "Transient errors that were tried again."),
    (LAST_PROOF, "gauge", "When all rows of all tables were last compared and equal."),
    (PROVEN_AGE, "gauge", "How long ago that was."),
];

/// Figures of tables, which come and go with them.
const OF_TABLES: [&str; 5] = [LAST_SUCCESS, ROWS, FAILED, WATERMARK_LAG, LAG];

/// All figures, by family and labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    samples: BTreeMap<(&'static str, String), f64>,
    /// Whether each of many tables has figures of its own.
    every_table: bool,
}

impl Metrics {
    /// No run yet.
    pub fn new(every_table: bool) -> Self {
        Self { samples: BTreeMap::new(), every_table }
    }

    /// As an earlier text has them; what it does not say in our words does not count.
    pub fn from_text(text: &str, every_table: bool) -> Self {
        let mut metrics = Self::new(every_table);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((sample, value)) = line.rsplit_once(' ') else { continue };
            let start = sample.find('{').unwrap_or(sample.len());
            let (name, labels) = sample.split_at(start);
            let known = FAMILIES.iter().find(|(own, ..)| *own == name);
            if let (Some((name, ..)), Ok(value)) = (known, value.parse::<f64>())
                && value.is_finite()
                && ![BUILD, PROVEN_AGE].contains(name)
            {
                metrics.samples.insert((name, labels.to_owned()), value);
            }
        }
        metrics
    }

    /// Whether each of many tables has figures of its own, from the next run on.
    pub fn set_every_table(&mut self, every_table: bool) {
        self.every_table = every_table;
    }

    /// Takes in a run. One that found another run at work, or that only counted, has no figures.
    pub fn observe(&mut self, report: &RunReport) {
        let status = report.exit_status();
        if status == 4 || report.dry_run {
            return;
        }
        let end = seconds(report.started) + report.elapsed.as_secs_f64();
        self.set(LAST_RUN, "", end);
        self.set(STATUS, "", status.into());
        self.set(DURATION, "", report.elapsed.as_secs_f64());
        match status {
            0 => {
                self.set(LAST_SUCCESS, "", end);
                self.set(FAILURES, "", 0.0);
            }
            // Somebody wanted it so.
            130 | 143 => self.add(FAILURES, "", 0.0),
            _ => self.add(FAILURES, "", 1.0),
        }
        let retries = report.tables.iter().map(|table| table.retries).sum::<u32>() + report.retries;
        self.add(RETRIES, "", retries.into());
        self.add(BYTES, "", report.totals().bytes as f64);
        if status == 0 && report.tables.iter().all(is_proof) {
            self.set(LAST_PROOF, "", end);
        }
        self.tables(report, end);
    }

    fn tables(&mut self, report: &RunReport, end: f64) {
        if report.tables.is_empty() {
            return;
        }
        let are_summed = report.tables.len() > MOST_TABLES && !self.every_table;
        let label = |table: &TableOutcome| {
            if are_summed { String::new() } else { escaped(&table.table.to_string()) }
        };
        let kept: BTreeSet<String> = report.tables.iter().map(label).collect();
        self.samples.retain(|(name, labels), _| {
            !OF_TABLES.contains(name)
                || *name == LAST_SUCCESS && labels.is_empty()
                || kept.contains(table_of(labels))
        });
        if are_summed {
            self.set(FAILED, "", 0.0);
        }
        self.samples.retain(|(name, _), _| ![WATERMARK_LAG, LAG].contains(name));
        for table in &report.tables {
            self.table(table, &label(table), end);
        }
    }

    fn table(&mut self, table: &TableOutcome, label: &str, end: f64) {
        let labels = |more: &str| match (label, more) {
            ("", "") => String::new(),
            ("", more) => format!("{{{more}}}"),
            (label, "") => format!("{{table=\"{label}\"}}"),
            (label, more) => format!("{{table=\"{label}\",{more}}}"),
        };
        let own = labels("");
        let counts = table.counts;
        let kinds = [
            ("inserted", counts.inserted),
            ("updated", counts.updated),
            ("deleted", counts.deleted),
        ];
        for (kind, rows) in kinds {
            self.add(ROWS, &labels(&format!("op=\"{kind}\"")), rows as f64);
        }
        let is_failed = f64::from(table.status != Status::Success);
        match label {
            "" => self.add(FAILED, "", is_failed),
            _ => self.set(FAILED, &own, is_failed),
        }
        if table.status == Status::Success && !label.is_empty() {
            self.set(LAST_SUCCESS, &own, end);
        }
        let watermark = table.watermark.as_deref().and_then(|text| text.parse().ok());
        if let Some(watermark) = watermark.map(seconds) {
            self.raise(WATERMARK_LAG, &own, end - watermark);
        }
        if let Some(lag) = table.lag {
            self.raise(LAG, &own, lag.as_secs_f64());
        }
    }

    fn set(&mut self, name: &'static str, labels: &str, value: f64) {
        self.samples.insert((name, labels.to_owned()), value);
    }

    fn add(&mut self, name: &'static str, labels: &str, value: f64) {
        *self.samples.entry((name, labels.to_owned())).or_default() += value;
    }

    /// Of several tables that share a figure the greatest counts.
    fn raise(&mut self, name: &'static str, labels: &str, value: f64) {
        let known = self.samples.entry((name, labels.to_owned())).or_default();
        *known = known.max(value);
    }

    /// When the last success was, as Unix time.
    pub fn last_success(&self) -> Option<f64> {
        self.samples.get(&(LAST_SUCCESS, String::new())).copied()
    }

    /// How long the last run took, in seconds.
    pub fn last_duration(&self) -> f64 {
        self.samples.get(&(DURATION, String::new())).copied().unwrap_or_default()
    }

    /// In the text format of Prometheus.
    pub fn text(&self, now: DateTime<Utc>) -> String {
        let mut all = self.samples.clone();
        all.insert((BUILD, format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))), 1.0);
        if let Some(proof) = self.samples.get(&(LAST_PROOF, String::new())) {
            all.insert((PROVEN_AGE, String::new()), (seconds(now) - proof).max(0.0));
        }
        let mut text = String::new();
        for (name, kind, help) in FAMILIES {
            let own = all.range((name, String::new())..).take_while(|((own, _), _)| *own == name);
            let mut lines = own.peekable();
            if lines.peek().is_some() {
                let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            }
            for ((_, labels), value) in lines {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        }
        text
    }
}

/// Whether the run compared all rows of the table.
fn is_proof(table: &TableOutcome) -> bool {
    matches!(table.strategy, Some(Strategy::Copy | Strategy::Compare))
}

fn seconds(moment: DateTime<Utc>) -> f64 {
    moment.timestamp_millis() as f64 / 1000.0
}

/// The table in `{table="…",op="…"}`, as it is escaped there.
fn table_of(labels: &str) -> &str {
    let rest = labels.strip_prefix("{table=\"").unwrap_or_default();
    let end = rest.find("\",op=").or_else(|| rest.rfind('"')).unwrap_or(rest.len());
    &rest[..end]
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
