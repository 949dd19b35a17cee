//! Log lines as events: their forms and their order.

use crate::config::{LogFormat, LogLevel, Logging};
use crate::report::line::{Clock, Line, Untold, united};
use crate::report::log::Logger;
use crate::report::tests::*;

fn line(seconds: i64, level: LogLevel, text: &str) -> Line {
    Line { run_id: Some("0193c1".into()), ..Line::new(at(seconds), level, text) }
}

/// What is printed when all of these are told.
fn printed(logging: Logging, own: LogLevel, lines: &[Line]) -> Vec<String> {
    let (log, mut printed) = Logger::open(logging, own, Clock::Utc);
    lines.iter().for_each(|line| log.tell(line));
    std::iter::from_fn(|| printed.try_recv().ok()).collect()
}

fn failure() -> Line {
    let error = check_violation();
    let table = TableName::new("public", "orders");
    line(1, LogLevel::Error, "failed: \"x\"").about(&table).on_side_of(Some(&error))
}

#[test]
fn a_line_has_a_form_for_people_and_one_for_programs() {
    let lines =
        [line(0, LogLevel::Info, "4 tables selected"), failure(), line(2, LogLevel::Debug, "x")];
    assert_eq!(
        printed(Logging::default(), LogLevel::Info, &lines),
        [
            "[2024-12-13T15:30:45Z] 4 tables selected",
            "[2024-12-13T15:30:46Z] orders - failed: \"x\""
        ]
    );
    let json = Logging { format: LogFormat::Json, level: None };
    assert_eq!(
        printed(json, LogLevel::Debug, &lines),
        [
            r#"{"time":"2024-12-13T15:30:45Z","level":"info","run_id":"0193c1","table":null,"message":"4 tables selected"}"#,
            r#"{"time":"2024-12-13T15:30:46Z","level":"error","run_id":"0193c1","table":"public.orders","side":"target","message":"failed: \"x\""}"#,
            r#"{"time":"2024-12-13T15:30:47Z","level":"debug","run_id":"0193c1","table":null,"message":"x"}"#,
        ]
    );
    assert_eq!(printed(json, LogLevel::Error, &lines).len(), 1);
}

#[test]
fn a_line_that_is_told_late_is_not_older_than_the_one_before_it() {
    let lines = [5, 3, 6].map(|second| line(second, LogLevel::Info, "x"));
    let times = ["50", "50", "51"].map(|second| format!("[2024-12-13T15:30:{second}Z] x"));
    assert_eq!(printed(Logging::default(), LogLevel::Info, &lines), times);
}

#[test]
fn what_is_said_of_several_tables_at_once_is_one_line() {
    let about = |table: &str, text: &str, unites| {
        let line = line(0, LogLevel::Warn, text).about(&TableName::new("public", table));
        Untold { line, unites }
    };
    let lines = vec![
        about("users", "warning: a", true),
        about("orders", "compare", false),
        about("items", "warning: a", true),
        about("items", "compare", false),
        about("audit", "warning: b", true),
    ];
    let told = united(lines).iter().map(Line::to_string).collect::<Vec<_>>();
    assert_eq!(
        told.join("\n"),
        "\
[2024-12-13T15:30:45Z] users, items - warning: a
[2024-12-13T15:30:45Z] orders - compare
[2024-12-13T15:30:45Z] items - compare
[2024-12-13T15:30:45Z] audit - warning: b"
    );
}
