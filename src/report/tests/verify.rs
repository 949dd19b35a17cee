//! The page of a comparison, as a whole.

use std::time::Duration;

use crate::config::Output;
use crate::error::Error;
use crate::ident::{Ident, TableName};
use crate::report::verify;
use crate::verify::{Repair, RowDifference, RowKind, TableVerdict, VerifyReport};

fn row(kind: RowKind, key: &str, columns: &[&str]) -> RowDifference {
    let value =
        |text: &str| vec![(Ident::new("name"), Some(text.to_owned())), (Ident::new("note"), None)];
    RowDifference {
        kind,
        key: vec![key.to_owned()],
        columns: columns.iter().map(|name| Ident::new(*name)).collect(),
        is_behind: kind == RowKind::Missing,
        is_computed: false,
        source: (kind != RowKind::Extra).then(|| value("<script>alert(1)</script> & 'more'")),
        target: (kind != RowKind::Missing).then(|| value("\u{1b}[31mred \"text\"")),
        statement: None,
    }
}

#[test]
fn the_page_has_verdicts_and_rows_and_nothing_of_them_is_markup() {
    let table =
        |name: &str| TableVerdict::new(TableName::new("public", name), vec![Ident::new("id")]);
    let differs = TableVerdict {
        missing: 1,
        extra: 1,
        changed: 1_500,
        behind: 1,
        first: vec![
            row(RowKind::Changed, "7", &["name", "note"]),
            row(RowKind::Missing, "<8>", &[]),
            row(RowKind::Extra, "9", &[]),
        ],
        ..table("orders")
    };
    let barred = TableVerdict {
        error: Some(Error::Blocked("the target has no table <public>.odd".into())),
        ..table("odd & \"quoted\"")
    };
    let report = VerifyReport {
        source: "prod:5432/shop".into(),
        target: "localhost:5432/shop".into(),
        is_live: false,
        repair: Repair::Nothing,
        tables: vec![table("customers"), differs, barred],
        notes: Vec::new(),
        error: None,
        elapsed: Duration::from_millis(1_234),
    };
    assert_eq!(verify::page(&report), include_str!("verify.html"));
}

#[test]
fn a_comparison_that_did_not_come_about_is_not_called_equal() {
    let report = VerifyReport {
        source: "prod:5432/shop".into(),
        target: "localhost:5432/shop".into(),
        is_live: false,
        repair: Repair::Nothing,
        tables: Vec::new(),
        notes: Vec::new(),
        error: Some(Error::Blocked("no server".into())),
        elapsed: Duration::from_millis(1_234),
    };
    let object = verify::object(&report);
    assert!(
        object.contains(r#""sentence":"NOT compared: an error came first; took 1.2s""#),
        "{object}"
    );
}

#[test]
fn tables_that_cannot_be_compared_for_one_reason_are_one_line() {
    let denied = |name: &str| TableVerdict {
        error: Some(Error::Blocked("permission denied for schema public".into())),
        ..TableVerdict::new(TableName::new("public", name), vec![Ident::new("id")])
    };
    let mut report = VerifyReport {
        source: "prod:5432/shop".into(),
        target: "localhost:5432/shop".into(),
        is_live: false,
        repair: Repair::Nothing,
        tables: ["a", "b", "c", "d", "e"].map(denied).to_vec(),
        notes: Vec::new(),
        error: None,
        elapsed: Duration::from_millis(1_234),
    };
    let text = verify::text(&report, Output::default());
    let line = "a, b, c and 2 more - not comparable: permission denied for schema public\n";
    assert!(text.starts_with(line), "{text}");
    report.tables.truncate(3);
    let text = verify::text(&report, Output::default());
    assert!(
        text.starts_with("a  not comparable: permission denied for schema public\nb  not"),
        "{text}"
    );
}
