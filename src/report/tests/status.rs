//! What `pgsync status` prints, whole.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::config::Output;
use crate::ident::TableName;
use crate::report::grid::Page;
use crate::report::status::{object, printed, sentence, text};
use crate::status::{Change, State, StatusReport, TableStatus};

fn now() -> DateTime<Utc> {
    "2026-11-28T05:14:30Z".parse().unwrap()
}

fn ago(seconds: u64) -> DateTime<Utc> {
    now() - Duration::from_secs(seconds)
}

fn report(tables: Vec<TableStatus>) -> StatusReport {
    StatusReport {
        target: "db:5432/shop".into(),
        log: TableName::new("public", "sync_log"),
        now: now(),
        tables,
        has_log: true,
        unselected: 0,
        only_failed: false,
        drops: Vec::new(),
        notes: Vec::new(),
        stale: None,
    }
}

fn table(name: &str) -> TableStatus {
    TableStatus {
        oid: None,
        table: TableName::new("public", name),
        state: State::Success,
        last_success: Some(ago(7_230)),
        age: Some(Duration::from_secs(7_230)),
        strategy: Some("incremental".into()),
        change: Some(Change { inserted: 12, updated: 1_040, deleted: 3 }),
        failures: 0,
        durations: vec![1.25, 0.5, 0.25, 0.05],
        watermark: Some(ago(7_300)),
        lag: None,
        proven_since: None,
        error: None,
        before: Some(State::Success),
    }
}

fn failed(name: &str, state: State, error: &str) -> TableStatus {
    TableStatus { state, failures: 2, error: Some(error.into()), ..table(name) }
}

fn never(name: &str) -> TableStatus {
    let nothing = TableStatus { last_success: None, age: None, change: None, ..table(name) };
    let error = Some("target while writing: disk full\nfree some".into());
    TableStatus { state: State::Failed, failures: 1, error, watermark: None, ..nothing }
}

#[test]
fn nothing_has_run() {
    let report = report(Vec::new());
    assert_eq!(
        text(&report, Page::Terminal(80)),
        "No run of a table is recorded in public.sync_log.\n"
    );
    assert_eq!(report.exit_status(), 1);
    let elsewhere = StatusReport { has_log: false, ..report.clone() };
    assert_eq!(
        text(&elsewhere, Page::Terminal(80)),
        "db:5432/shop has no table public.sync_log: no run has written there, or one with another -log-table, -schema or -target-schema.\n"
    );
    let unselected = StatusReport { unselected: 34, ..report };
    let expected = "None of the 34 tables of public.sync_log is selected: look at -include, -exclude and the rule skip.\n";
    assert_eq!(text(&unselected, Page::Paper), expected);
}

#[test]
fn all_is_fresh() {
    let proven = TableStatus { proven_since: Some(ago(600_000)), ..table("customers") };
    let report = report(vec![proven, TableStatus { change: None, ..table("orders") }]);
    assert_eq!(text(&report, Page::Terminal(200)), include_str!("status/fresh_200.txt"));
    assert_eq!(text(&report, Page::Terminal(80)), include_str!("status/fresh_80.txt"));
    assert_eq!(text(&report, Page::Paper), include_str!("status/fresh_paper.txt"));
    assert_eq!(report.exit_status(), 0);
}

#[test]
fn some_failed_were_interrupted_or_never_succeeded() {
    let tables = vec![
        table("a_good_one"),
        failed("orders", State::Failed, "duplicate key \u{1b}[2J"),
        failed("items", State::Interrupted, "the run was killed or lost its connection"),
        never("new_one"),
    ];
    let report = report(tables);
    assert_eq!(text(&report, Page::Terminal(200)), include_str!("status/failed_200.txt"));
    assert_eq!(text(&report, Page::Terminal(80)), include_str!("status/failed_80.txt"));
    assert_eq!(report.exit_status(), 1);
    let only = StatusReport { only_failed: true, ..report };
    assert!(!text(&only, Page::Paper).contains("a_good_one"));
    assert!(object(&only).contains(r#""exit_status":1,"sentence":"3 of 4 tables are NOT in sync"#));
}

#[test]
fn a_table_that_the_source_has_no_more_is_no_trouble() {
    let gone = TableStatus { state: State::Gone, last_success: Some(ago(900_000)), ..table("b") };
    let mut report = report(vec![table("a"), gone]);
    report.stale = Some(Duration::from_secs(26 * 3_600));
    report.drops = vec!["drop view v; drop table public.b".into()];
    assert_eq!(report.exit_status(), 0);
    let text = text(&report, Page::Terminal(80));
    assert!(text.starts_with("1 table in sync as of 03:14 UTC, 2h ago.\n"), "{text}");
    let settles = "\nGone from the source: b; to drop what is left, run on the target: drop view v; drop table public.b\n";
    assert!(text.ends_with(settles), "{text}");
}

#[test]
fn a_reason_that_several_tables_share_is_said_once() {
    let stopped = |name: &str| failed(name, State::Skipped, "stopped by SIGTERM");
    let tables = ["a", "b", "c", "d"].map(stopped);
    let other = failed("e", State::Failed, "disk full\nfree some");
    let long =
        text(&report(tables.iter().cloned().chain([other.clone()]).collect()), Page::Terminal(120));
    let ends = "\n\ne - failed: disk full\n    free some\n4 tables - skipped: stopped by SIGTERM\n";
    assert!(long.ends_with(ends), "{long}");
    let short =
        text(&report(tables.into_iter().take(3).chain([other]).collect()), Page::Terminal(120));
    assert!(short.ends_with("\na, b, c - skipped: stopped by SIGTERM\n"), "{short}");
}

#[test]
fn a_quiet_status_speaks_of_trouble_only() {
    let quiet = Output { quiet: true, ..Output::default() };
    assert_eq!(printed(&report(vec![table("fine")]), quiet), "");
    let trouble = report(vec![table("fine"), never("new")]);
    assert_eq!(printed(&trouble, quiet), format!("{}\n", sentence(&trouble)));
}

#[test]
fn a_success_is_too_old() {
    let old = TableStatus { age: Some(Duration::from_secs(300_000)), ..table("orders") };
    let mut report = report(vec![table("customers"), old]);
    assert_eq!(report.exit_status(), 0);
    report.stale = Some(Duration::from_secs(26 * 3_600));
    assert_eq!(text(&report, Page::Terminal(80)), include_str!("status/stale_80.txt"));
    assert_eq!(report.exit_status(), 1);
}

#[test]
fn a_thousand_tables_fit_those_in_trouble_first() {
    let mut tables: Vec<TableStatus> = (0..1_000)
        .map(|n| table(&format!("a_table_with_quite_a_long_name_for_a_terminal_{n}")))
        .collect();
    tables[500].state = State::Failed;
    for width in [80, 200] {
        let text = text(&report(tables.clone()), Page::Terminal(width));
        assert_eq!(text.lines().count(), 1_003);
        assert!(
            text.lines().skip(1).all(|line| crate::report::format::width(line) <= width),
            "{text}"
        );
        assert!(text.lines().nth(3).is_some_and(|line| line.contains("failed")), "{text}");
        assert!(text.starts_with("1 of 1,000 tables is NOT in sync: "), "{text}");
    }
}
