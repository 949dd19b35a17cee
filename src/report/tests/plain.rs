//! Log lines, and names that would like to be more than names.

use chrono::TimeDelta;

use crate::config::{LogFormat, Output, SummaryFormat};
use crate::event::{Event, Phase};
use crate::report::grid::Page;
use crate::report::json;
use crate::report::line::{Clock, Line};
use crate::report::plain;
use crate::report::summary;
use crate::report::tests::*;
use crate::stop::Signal;

const VERBOSE: Output =
    Output { json: false, quiet: false, verbose: true, summary: SummaryFormat::Text };
const QUIET: Output =
    Output { json: false, quiet: true, verbose: false, summary: SummaryFormat::Text };

/// Log lines as they are printed as text.
struct Plain(plain::Plain);

impl Plain {
    fn new(output: Output, dry_run: bool) -> Self {
        Self(plain::Plain::new(output, dry_run))
    }

    fn event(&mut self, now: DateTime<Utc>, event: &Event) -> Vec<String> {
        printed(self.0.event(now, event))
    }

    fn tick(&mut self, now: DateTime<Utc>) -> Vec<String> {
        printed(self.0.tick(now))
    }

    fn progress(&mut self, now: DateTime<Utc>) -> Vec<String> {
        printed(self.0.progress(now))
    }
}

fn run_error(now: DateTime<Utc>, report: &RunReport, verbose: bool) -> Vec<String> {
    printed(plain::run_error(now, report, verbose))
}

fn printed(lines: Vec<Line>) -> Vec<String> {
    lines.iter().map(|line| line.printed(LogFormat::Text, Clock::Utc)).collect()
}

fn started(table: &str) -> Event {
    Event::Started {
        table: TableName::new("public", table),
        strategy: Strategy::Incremental,
        watermark: Some("2024-12-13T15:25:30Z".into()),
        rows: None,
    }
}

fn finished(outcome: TableOutcome) -> Event {
    Event::Finished(Box::new(outcome))
}

/// One event per second; the log lines.
fn log(output: Output, dry_run: bool, events: &[Event]) -> String {
    let mut plain = Plain::new(output, dry_run);
    let mut lines = Vec::new();
    for (second, event) in events.iter().enumerate() {
        lines.extend(plain.event(at(second as i64), event));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn busy() -> Vec<Event> {
    let users = TableName::new("public", "users");
    vec![
        Event::Connected { source: "a:5432/x".into(), target: "b:5432/x".into(), parallel: 4 },
        Event::Planned { tables: 4 },
        Event::Note(note(None, NoteLevel::Detail, "few rows")),
        Event::Note(note(Some("users"), NoteLevel::Warning, "two\nlines")),
        started("users"),
        Event::Phase { table: users.clone(), phase: Phase::Applying },
        Event::Rows { table: users.clone(), rows: 1204 },
        Event::Retry { table: Some(users), error: "closed".into(), attempt: 1, of: 5 },
        finished(done("users", Strategy::Incremental, [1204, 12, 40, 3])),
        started("audit"),
        finished(done("audit", Strategy::Incremental, [7, 0, 0, 0])),
        finished(done("empty", Strategy::Compare, [0; 4])),
        finished(ended("orders", Status::Failed, check_violation())),
        finished(ended("last", Status::Skipped, Error::Stopped(Signal::Interrupt))),
    ]
}

#[test]
fn the_log_tells_what_changes_and_what_fails() {
    assert_eq!(
        log(Output::default(), false, &busy()),
        "\
[2024-12-13T15:30:45Z] from a:5432/x to b:5432/x, 4 workers
[2024-12-13T15:30:46Z] 4 tables selected
[2024-12-13T15:30:48Z] users - warning: two\\nlines
[2024-12-13T15:30:49Z] users - incremental from 2024-12-13T15:25:30Z
[2024-12-13T15:30:52Z] users - retry 1 of 5: closed
[2024-12-13T15:30:53Z] users - 1,204 rows: 12 inserted, 40 updated, 3 deleted in 0.8s
[2024-12-13T15:30:57Z] orders - failed: target while writing a batch: new row for relation \
\"orders\" violates check constraint \"orders_sum\" (SQLSTATE 23514); hint: look at it
"
    );
}

#[test]
fn on_a_terminal_notes_and_reasons_are_left_to_the_summary() {
    let mut plain = Plain(plain::Plain::new(VERBOSE, false).without_notes());
    let events = busy().into_iter().enumerate();
    let lines = events.flat_map(|(second, event)| plain.event(at(second as i64), &event));
    let lines: Vec<String> = lines.collect();
    assert!(
        lines.iter().all(|line| !line.contains("warning") && !line.contains("note")),
        "{lines:?}"
    );
    let told = "[2024-12-13T15:30:57Z] orders - failed; the summary says why";
    assert!(lines.iter().any(|line| line == told), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("secret")), "{lines:?}");
}

#[test]
fn the_verbose_log_tells_everything_at_once() {
    assert_eq!(
        log(VERBOSE, true, &busy()),
        "\
[2024-12-13T15:30:45Z] from a:5432/x to b:5432/x, 4 workers
[2024-12-13T15:30:46Z] 4 tables selected
[2024-12-13T15:30:47Z] note: few rows
[2024-12-13T15:30:48Z] users - warning: two\\nlines
[2024-12-13T15:30:49Z] users - incremental from 2024-12-13T15:25:30Z
[2024-12-13T15:30:50Z] users - applying changes
[2024-12-13T15:30:52Z] users - retry 1 of 5: closed
[2024-12-13T15:30:53Z] users - 1,204 rows: would insert 12, update 40, delete 3 in 0.8s
[2024-12-13T15:30:54Z] audit - incremental from 2024-12-13T15:25:30Z
[2024-12-13T15:30:55Z] audit - 7 rows: unchanged in 0.8s
[2024-12-13T15:30:56Z] empty - unchanged in 0.8s
[2024-12-13T15:30:57Z] orders - failed: target while writing a batch: new row for relation \
\"orders\" violates check constraint \"orders_sum\" (SQLSTATE 23514); hint: look at it
[2024-12-13T15:30:57Z] orders - detail: Failing row contains (1, secret).
[2024-12-13T15:30:58Z] last - skipped: stopped by SIGINT
"
    );
}

#[test]
fn the_quiet_log_holds_errors_and_warnings_only() {
    assert_eq!(
        log(QUIET, false, &busy()),
        "\
[2024-12-13T15:30:48Z] users - warning: two\\nlines
[2024-12-13T15:30:57Z] orders - failed: target while writing a batch: new row for relation \
\"orders\" violates check constraint \"orders_sum\" (SQLSTATE 23514); hint: look at it
"
    );
}

#[test]
fn the_quiet_log_tells_what_fails_after_its_end_and_nothing_of_what_was_skipped() {
    let blocked = || Error::Blocked("not tried, because orders failed".into());
    let skipped = finished(ended("lines", Status::Skipped, blocked()));
    let retracted = Event::Retracted(Box::new(ended("orders", Status::Failed, blocked())));
    assert_eq!(
        log(QUIET, false, &[skipped, retracted]),
        "[2024-12-13T15:30:46Z] orders - failed: not tried, because orders failed\n"
    );
}

#[test]
fn a_start_is_told_when_the_table_takes_its_time() {
    let mut plain = Plain::new(Output::default(), false);
    assert!(plain.event(at(0), &started("users")).is_empty());
    assert!(plain.tick(at(0) + TimeDelta::milliseconds(999)).is_empty());
    let start = "[2024-12-13T15:30:45Z] users - incremental from 2024-12-13T15:25:30Z";
    assert_eq!(plain.tick(at(1)), [start]);
    assert!(plain.tick(at(2)).is_empty());
    let unchanged = finished(done("users", Strategy::Incremental, [7, 0, 0, 0]));
    let end = "[2024-12-13T15:30:47Z] users - 7 rows: unchanged in 0.8s";
    assert_eq!(plain.event(at(2), &unchanged), [end]);
}

#[test]
fn the_error_of_the_run_is_told_last() {
    let problems = Error::Config(vec!["no table matches -include \"x\"".into(), "b\nc".into()]);
    let cases = [
        (
            Error::Stopped(Signal::Interrupt),
            "[2024-12-13T15:30:45Z] interrupted: stopped by SIGINT",
        ),
        (Error::Refused("same database".into()), "[2024-12-13T15:30:45Z] refused: same database"),
        (
            problems,
            "[2024-12-13T15:30:45Z] invalid: no table matches -include \"x\"\n\
             [2024-12-13T15:30:45Z] invalid: b\\nc",
        ),
        (
            check_violation(),
            "[2024-12-13T15:30:45Z] failed: target while writing a batch: new row for relation \
             \"orders\" violates check constraint \"orders_sum\" (SQLSTATE 23514); hint: look at it\n\
             [2024-12-13T15:30:45Z] detail: Failing row contains (1, secret).",
        ),
    ];
    for (error, lines) in cases {
        let report = RunReport { error: Some(error), ..run(Vec::new()) };
        assert_eq!(run_error(at(0), &report, true).join("\n"), lines);
    }
}

#[test]
fn hostile_names_and_messages_stay_in_their_place() {
    let mut outcome =
        ended("x\n\u{1b}[2Jin step", Status::Failed, Error::Blocked("a\nb\u{9b}m".into()));
    outcome.table.schema = crate::ident::Ident::new("s\t");
    let report = run(vec![outcome.clone()]);
    assert_eq!(
        summary::summary(&report, false, Page::Paper),
        "\
table                    strategy   rows  inserted  time  status
s\\t.x\\n\\u{1b}[2Jin step  copy      3,000     3,000  0.8s  failed
total                              3,000     3,000  3.2s

s\\t.x\\n\\u{1b}[2Jin step - failed: a
    b\\u{9b}m

NOT in sync: 1 of 1 table failed
"
    );
    assert_eq!(
        Plain::new(QUIET, false).event(at(0), &Event::Finished(Box::new(outcome))),
        ["[2024-12-13T15:30:45Z] s\\t.x\\n\\u{1b}[2Jin step - failed: a\\nb\\u{9b}m"]
    );
    let object = json::object(&report, false).expect("json");
    assert!(object.contains(r#""schema":"s\t","table":"x\n\u001b[2Jin step""#), "{object}");
    assert!(object.contains(r#""message":"a\nb\u009bm""#), "{object}");
    assert!(serde_json::from_str::<serde_json::Value>(&object).is_ok(), "{object}");
}

fn phase(table: &str, phase: Phase) -> Event {
    Event::Phase { table: TableName::new("public", table), phase }
}

fn rows(table: &str, rows: u64) -> Event {
    Event::Rows { table: TableName::new("public", table), rows }
}

fn copy(table: &str, rows: u64) -> Event {
    let table = TableName::new("public", table);
    Event::Started { table, strategy: Strategy::Copy, watermark: None, rows: Some(rows) }
}

#[test]
fn a_table_that_is_at_work_says_every_minute_how_far_it_is() {
    let mut plain = Plain::new(Output::default(), false);
    for event in [copy("users", 2_000_000), phase("users", Phase::Copying)] {
        plain.event(at(0), &event);
    }
    plain.event(at(10), &rows("users", 500_000));
    plain.tick(at(11));
    assert!(plain.progress(at(59)).is_empty());
    assert_eq!(
        plain.progress(at(60)),
        [
            "[2024-12-13T15:31:45Z] users - copying: 500,000 of about 2,000,000 rows (25 %), 10,000 rows/s, \
          about 2m30s left"
        ]
    );
    assert!(plain.progress(at(119)).is_empty());
    plain.event(at(119), &rows("users", 1_600_000));
    assert_eq!(
        plain.progress(at(120)),
        ["[2024-12-13T15:32:45Z] users - copying: 2,100,000 rows, 19,090 rows/s, for 2m00s"]
    );
    plain.event(at(130), &phase("users", Phase::Building));
    assert_eq!(
        plain.progress(at(180)),
        ["[2024-12-13T15:33:45Z] users - building indexes for 50.0s, 2,100,000 rows so far"]
    );
    plain.event(at(181), &finished(done("users", Strategy::Copy, [2_100_000, 2_100_000, 0, 0])));
    assert!(plain.progress(at(999)).is_empty());
}

#[test]
fn a_comparison_that_takes_long_says_so_before_it_finds_anything() {
    let mut plain = Plain::new(Output::default(), false);
    plain.event(at(0), &phase("users", Phase::Looking));
    assert!(plain.tick(at(2)).is_empty());
    let looking = "[2024-12-13T15:31:45Z] users - looking for changes for 1m00s";
    assert_eq!(plain.progress(at(60)), [looking]);
    let unchanged = finished(done("users", Strategy::Compare, [0; 4]));
    assert_eq!(plain.event(at(61), &unchanged).len(), 1, "its end is owed");
    plain.event(at(70), &phase("audit", Phase::Looking));
    let unchanged = finished(done("audit", Strategy::Compare, [0; 4]));
    assert!(plain.event(at(71), &unchanged).is_empty());
}

#[test]
fn the_verbose_log_says_every_ten_seconds_how_far_a_table_is() {
    let mut plain = Plain::new(VERBOSE, false);
    plain.event(at(0), &copy("users", 0));
    plain.event(at(0), &phase("users", Phase::Copying));
    plain.event(at(5), &rows("users", 4096));
    assert!(plain.progress(at(9)).is_empty());
    assert_eq!(
        plain.progress(at(10)),
        ["[2024-12-13T15:30:55Z] users - copying: 4,096 rows, 819 rows/s, for 10.0s"]
    );
    let expected = Event::Expected { table: TableName::new("public", "users"), rows: 4096 };
    plain.event(at(10), &expected);
    plain.event(at(10), &phase("users", Phase::Applying));
    assert_eq!(
        plain.progress(at(20)),
        [
            "[2024-12-13T15:31:05Z] users - applying changes: 4,096 of about 8,192 rows (50 %), 273 rows/s, \
          about 15.0s left"
        ]
    );
}
