//! `-lag`: how far the target is behind, when a run ends.

use serde_json::Value;

use crate::support::{Pair, pgsync};

const TABLES: &str = "create table item (id int primary key, updated_at timestamptz);
    create table plain (id int primary key, updated_at timestamp);
    create table daily (id int primary key, updated_at date);
    create table empty (id int primary key, updated_at timestamptz);
    create table other (id int primary key)";

#[tokio::test]
async fn the_lag_is_from_the_newest_timestamp_of_the_target_to_that_of_the_source_by_then() {
    let db = Pair::with(TABLES).await;
    db.source("insert into item values (1, '2024-05-01 10:00Z'), (2, '-infinity'), (3, null), (4, 'infinity');
        insert into plain values (1, '2024-05-01 10:00'); insert into daily values (1, '2024-05-01'); insert into other values (1)").await;
    let run = db.sync().arg("-lag").await.expect_ok();
    let lag = |run: &crate::support::Outcome, name: &str| {
        let tables = run.json["tables"].as_array().expect("a list").clone();
        let table = tables.iter().find(|table| table["table"] == name).expect("the table");
        table["lag_seconds"].as_f64()
    };
    for (table, expected) in [
        ("item", Some(0.0)),
        ("plain", Some(0.0)),
        ("daily", Some(0.0)),
        ("empty", None),
        ("other", None),
    ] {
        assert_eq!(lag(&run, table), expected, "{table} in {run}");
    }
    assert_eq!(lag(&db.sync().await.expect_ok(), "item"), None);
    // The run waits for the target, and the source goes on meanwhile.
    db.source("update item set updated_at = '2024-05-02 10:00Z' where id = 1").await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table item in exclusive mode").await;
    let run = db.sync().while_writing().arg("-lag").start();
    db.until_blocked().await;
    db.source("update item set updated_at = '2024-05-02 10:01:30.5Z' where id = 1").await;
    blocker.run("rollback").await;
    let run = run.end().await.expect_ok();
    assert_eq!(lag(&run, "item"), Some(90.5), "{run}");
}

#[tokio::test]
async fn the_summary_has_a_column_for_the_lag() {
    let db = Pair::with(TABLES).await;
    db.source("insert into item values (1, '2024-05-01 10:00Z')").await;
    let run = db.sync().plain().arg("-lag").await.expect_ok();
    let header = run.stdout.lines().next().expect("a header");
    assert!(header.ends_with("time  lag"), "{run}");
    let row = run.stdout.lines().find(|line| line.starts_with("item ")).expect("a row");
    assert!(row.ends_with("  0ms"), "{run}");
    let row = run.stdout.lines().find(|line| line.starts_with("other ")).expect("a row");
    assert!(row.ends_with("    -"), "{run}");
    db.sync().plain().await.expect_ok().expect_unsaid("lag");
}

#[tokio::test]
async fn a_status_tells_the_lag_too_and_needs_the_source_for_it() {
    let db = Pair::with(TABLES).await;
    db.source("insert into item values (1, '2024-05-01 10:00Z'); insert into daily values (1, '2024-05-01')").await;
    db.sync().await.expect_ok();
    db.source("update item set updated_at = '2024-05-01 10:00:02Z'; insert into daily values (2, '2024-05-03')").await;
    let urls = [db.source_url(), db.target_url()];
    let both = ["status", "-lag", "-source", &urls[0], "-target", &urls[1]];
    let run = pgsync(&both).arg("-json").await.expect_exit(0);
    let told: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let tables = told["tables"].as_array().expect("a list");
    let lags = ["daily", "empty", "item", "other", "plain"].map(|name| {
        let table = tables.iter().find(|table| table["table"] == name).expect("the table");
        table["lag_seconds"].as_f64()
    });
    assert_eq!(lags, [Some(172_800.0), None, Some(2.0), None, None], "{run}");
    pgsync(&both).await.expect_exit(0).expect_said("lag").expect_said("2.0s");
    let target = ["status", "-lag", "-target", &urls[1]];
    pgsync(&target).await.expect_exit(2).expect_said("-source (sourceDb): missing");
    pgsync(&["status", "-target", &urls[1]]).await.expect_exit(0).expect_unsaid("lag");
}
