//! Which tables a summary lists, in which order and with which columns. Pure.
//!
//! What says the same of every table is left out: a column that is zero in all rows, the word `success`. Of
//! many tables those that failed come first, then those that changed most, then those that lag most; the others are
//! counted.

use std::cmp::Reverse;

use crate::outcome::{Counts, RunReport, Status, TableOutcome};
use crate::report::format;
use crate::report::grid;
use crate::report::grid::{Column, Page};

/// Up to so many tables are listed as they are, and so many of more.
const LISTED: usize = 20;

/// The columns of a summary; the last cell of each is that of the total.
pub(super) struct Listed {
    pub columns: Vec<Column>,
    /// `… 999 tables unchanged`: tables that are not listed.
    pub folded: Vec<String>,
}

/// What a summary of the run lists; all tables with `all`.
pub(super) fn rows(report: &RunReport, all: bool) -> Listed {
    let mut shown: Vec<&TableOutcome> = report.tables.iter().collect();
    let mut folded = Vec::new();
    if !all && shown.len() > LISTED {
        let order = |one: &&TableOutcome| (rank(one), Reverse((changes(one.counts), one.lag)));
        shown.sort_by_key(order);
        // The lag was asked for.
        let is_news = |one: &&&TableOutcome| rank(one) < NO_NEWS || one.lag.is_some();
        let news = shown.iter().take_while(is_news).count();
        folded = shown.split_off(news.min(LISTED));
    }
    Listed { columns: columns(report, &shown), folded: counted(&folded, &shown, report.dry_run) }
}

/// The rank of a table that has nothing to tell.
const NO_NEWS: u8 = 3;

fn rank(outcome: &TableOutcome) -> u8 {
    match outcome.status {
        Status::Failed | Status::Refused | Status::Interrupted => 0,
        Status::Skipped if format::own_error(outcome).is_some() => 1,
        Status::Success if outcome.counts.changed() => 2,
        Status::Success | Status::Skipped => NO_NEWS,
    }
}

fn changes(counts: Counts) -> u64 {
    counts.inserted + counts.updated + counts.deleted
}

/// A line for each way in which tables that are not listed ended; of those that are listed, some may have ended so, too.
fn counted(folded: &[&TableOutcome], listed: &[&TableOutcome], dry_run: bool) -> Vec<String> {
    let of = |wanted: &dyn Fn(&TableOutcome) -> bool, word: &str| {
        let found: Vec<_> = folded.iter().filter(|outcome| wanted(outcome)).collect();
        let rows: u64 = found.iter().map(|outcome| changes(outcome.counts)).sum();
        let noun = if listed.iter().any(|one| wanted(one)) { "more table" } else { "table" };
        let tables = format::counted(found.len() as u64, noun);
        let rows = (rows > 0).then(|| format!(" ({})", format::counted(rows, "row")));
        (!found.is_empty()).then(|| format!("… {tables} {word}{}", rows.unwrap_or_default()))
    };
    let lines = [
        of(&|outcome| rank(outcome) == 0, "failed"),
        of(&|outcome| rank(outcome) == 1, "skipped"),
        of(&|outcome| rank(outcome) == 2, if dry_run { "would change" } else { "changed" }),
        of(&|outcome| rank(outcome) == NO_NEWS && outcome.status == Status::Success, "unchanged"),
        of(&|outcome| rank(outcome) == NO_NEWS && outcome.status != Status::Success, "not tried"),
    ];
    lines.into_iter().flatten().collect()
}

fn columns(report: &RunReport, shown: &[&TableOutcome]) -> Vec<Column> {
    let totals = report.totals();
    let texts = |title, rank, cell: &dyn Fn(&TableOutcome) -> String, total: String| Column {
        title,
        cells: shown.iter().map(|outcome| cell(outcome)).chain([total]).collect(),
        is_number: false,
        rank,
    };
    let counts = |title, rank, count: fn(&Counts) -> u64| {
        let is_zero = report.tables.iter().all(|outcome| count(&outcome.counts) == 0);
        let total = format::number(count(&totals));
        let cell = |outcome: &TableOutcome| format::number(count(&outcome.counts));
        (!is_zero).then(|| Column { is_number: true, ..texts(title, rank, &cell, total) })
    };
    let would = |done, would| if report.dry_run { would } else { done };
    let strategy = |outcome: &TableOutcome| {
        outcome.strategy.map_or("-", |strategy| strategy.name()).to_owned()
    };
    let time = |outcome: &TableOutcome| format::duration(outcome.elapsed);
    let lag = |outcome: &TableOutcome| outcome.lag.map_or("-".into(), format::duration);
    let has_lag = report.tables.iter().any(|outcome| outcome.lag.is_some());
    let status = |outcome: &TableOutcome| match outcome.status {
        Status::Success => String::new(),
        status => status.name().to_owned(),
    };
    let all_succeeded = report.tables.iter().all(|outcome| outcome.status == Status::Success);
    let name = |outcome: &TableOutcome| format::table(&outcome.table);
    let number = |column: Column| Column { is_number: true, ..column };
    let spent = format::duration(report.elapsed);
    let columns = [
        Some(texts("table", 0, &name, "total".to_owned())),
        Some(texts("strategy", 4, &strategy, String::new())),
        counts("rows", 5, |counts| counts.processed),
        counts(would("inserted", "would insert"), 0, |counts| counts.inserted),
        counts(would("updated", "would update"), 0, |counts| counts.updated),
        counts(would("deleted", "would delete"), 0, |counts| counts.deleted),
        Some(number(texts("time", 3, &time, spent))),
        has_lag.then(|| number(texts("lag", 2, &lag, String::new()))),
        (!all_succeeded).then(|| texts("status", 0, &status, String::new())),
    ];
    columns.into_iter().flatten().collect()
}

/// The table for people, each line with its break.
pub(super) fn text(listed: &Listed, page: Page) -> String {
    let mut lines = grid::lines(listed.columns.clone(), page);
    let total = lines.pop();
    lines.extend(listed.folded.iter().cloned());
    lines.extend(total);
    lines.iter().map(|line| format!("{line}\n")).collect()
}
