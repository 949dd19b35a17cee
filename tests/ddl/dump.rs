//! Both sides' definitions as pg_dump prints them, without what pgsync never copies.

use std::process::Command;

use crate::support::Pair;

/// Sorted statements of each side are equal, line by line.
pub async fn assert_same_definitions(db: &Pair) {
    let (source, target) = (definitions(&db.source_url()), definitions(&db.target_url()));
    let missing: Vec<&String> = source.iter().filter(|line| !target.contains(line)).collect();
    let surplus: Vec<&String> = target.iter().filter(|line| !source.contains(line)).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing on the target:\n{missing:#?}\nonly there:\n{surplus:#?}"
    );
    assert_eq!(source, target);
}

/// The statements of a database in a stable order.
fn definitions(url: &str) -> Vec<String> {
    let folder = crate::support::bin_folder("SOURCE");
    let output = Command::new(folder.join("pg_dump"))
        .args(["--schema-only", "--no-owner", "--no-privileges", "--no-publications"])
        .args(["--exclude-table=sync_log", "--exclude-table=*.sync_log", url])
        .output()
        .expect("pg_dump can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pg_dump: {said}");
    let text = String::from_utf8(output.stdout).expect("pg_dump prints UTF-8");
    let mut statements = statements(&text);
    statements.sort();
    statements
}

/// Without comments, settings, and what is never copied: functions, triggers, views, rules, policies.
fn statements(dump: &str) -> Vec<String> {
    let code: Vec<&str> = dump.lines().filter(|line| !line.starts_with("--")).collect();
    let code = code.join("\n");
    let omitted = [
        "SET ",
        "SELECT pg_catalog.set_config",
        "CREATE FUNCTION",
        "CREATE TRIGGER",
        "CREATE VIEW",
        "CREATE RULE",
        "CREATE POLICY",
        "\\",
        // Whatever an extension says of itself.
        "COMMENT ON EXTENSION",
    ];
    let all = code.split(";\n").map(|text| text.trim().to_owned());
    let kept = all.filter(|text| !text.is_empty() && !omitted.iter().any(|o| text.starts_with(o)));
    kept.collect()
}
