//! Rules that are wrong for the tables that the source has: each case and what is said of it.

use std::fs;
use std::path::Path;

use super::support::Pair;

/// Lines of rules; below each, indented, what is said.
fn cases() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/wrong.txt");
    fs::read_to_string(path).expect("the cases")
}

#[tokio::test]
async fn rules_that_the_source_does_not_fit_are_told_and_the_target_is_left_alone() {
    let db = Pair::with(
        "create table item (id int primary key, name text, updated_at timestamptz);
         create table part (id int primary key, item_id int not null constraint of_item references item)",
    )
    .await;
    db.source("insert into item values (1, 'a', now()); insert into part values (1, 1)").await;
    db.sync().await.expect_ok();
    db.source("insert into item values (2, 'b', now())").await;
    let marks = db.target_marks_of_all().await;
    let cases = cases();
    let mut told = String::new();
    for rules in cases.lines().filter(|line| line.starts_with('"')) {
        let text = format!(r#"{{"maskKey": "env:MASK_KEY", "unmasked": "off", {rules}}}"#);
        let file = db.file("c.json", &text);
        let run = db.sync().args(&["-config", &file]).env("MASK_KEY", "0123456789abcdef").await;
        let message = run.json["error"]["message"].as_str().unwrap_or_default();
        let problems = message.replace(&file, "c.json");
        let status = run.status;
        assert_eq!(status, 2, "{rules}: {run}");
        told += &format!("{rules}\n");
        problems.lines().for_each(|problem| told += &format!("  {problem}\n"));
        told += "\n";
    }
    assert_eq!(db.target_marks_of_all().await, marks);
    assert!(told.trim_end() == cases.trim_end(), "{told}");
}
