//! What people and programs read of a run, each case with its whole expected text. Here are the
//! outcomes that the cases share.

mod json;
mod log;
mod plain;
mod repeated;
mod status;
mod summary;
mod verify;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::error::{Cause, DbError, Error, Side};
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Counts, RunReport, Status, Strategy, TableOutcome};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_734_103_845 + seconds, 0).expect("a moment")
}

fn done(table: &str, strategy: Strategy, [processed, i, u, d]: [u64; 4]) -> TableOutcome {
    TableOutcome {
        table: TableName::new("public", table),
        strategy: Some(strategy),
        status: Status::Success,
        counts: Counts {
            processed,
            inserted: i,
            updated: u,
            deleted: d,
            batches: processed.div_ceil(1000),
            bytes: processed * 100,
        },
        elapsed: Duration::from_millis(812),
        watermark: None,
        lag: None,
        error: None,
        retries: 0,
    }
}

fn ended(table: &str, status: Status, error: Error) -> TableOutcome {
    let counts = [3000, 3000, 0, 0];
    let outcome =
        done(table, Strategy::Copy, if status == Status::Failed { counts } else { [0; 4] });
    TableOutcome { status, error: Some(error), ..outcome }
}

fn check_violation() -> Error {
    Error::Database(Box::new(DbError {
        side: Side::Target,
        action: "writing a batch".into(),
        sqlstate: Some("23514".into()),
        message: "new row for relation \"orders\" violates check constraint \"orders_sum\"".into(),
        detail: Some("Failing row contains (1, secret).".into()),
        hint: Some("look at it".into()),
        constraint: Some("orders_sum".into()),
        inner_right: None,
        cause: Cause::Server,
    }))
}

fn note(table: Option<&str>, level: NoteLevel, text: &str) -> Note {
    let table = table.map(|name| TableName::new("public", name));
    Note { table, text: text.into(), level }
}

fn run(tables: Vec<TableOutcome>) -> RunReport {
    RunReport {
        run_id: "0193c1".into(),
        source: "a:5432/shop".into(),
        target: "b:5432/shop".into(),
        started: at(0),
        elapsed: Duration::from_millis(3_210),
        dry_run: false,
        tables,
        notes: Vec::new(),
        error: None,
        log_denied: false,
        retries: 0,
    }
}

fn mixed() -> Vec<TableOutcome> {
    let dependant = Error::Blocked("not tried: orders, which it references, failed".into());
    vec![
        ended("order_lines", Status::Skipped, dependant),
        ended("orders", Status::Failed, check_violation()),
        done("users", Strategy::Incremental, [1204, 12, 40, 3]),
    ]
}

#[test]
fn a_panic_shows_no_text_that_was_put_together() {
    let caught = |panics: fn()| std::panic::catch_unwind(panics).expect_err("it panics");
    let secret = caught(|| {
        let url = String::from("postgres://u:hunter2@h");
        assert!(url.is_empty(), "byte index 1 is not a char boundary of {url}");
    });
    assert_eq!(super::constant_text(&*secret), "panic");
    assert_eq!(
        super::constant_text(&*caught(|| panic!("a batch did not open"))),
        "a batch did not open"
    );
}
