//! What is refused before anything changes (exit status 5), and what `-force` lets through.

use crate::support::{Outcome, Pair};

const LOG_IS_MISSING: &str = "select to_regclass('public.sync_log') is null";

/// Nothing at all was changed on the target, not even a log was made.
async fn refused(db: &Pair, run: Outcome, texts: &[&str]) {
    let run = run.expect_exit(5);
    texts.iter().fold(run, |run, text| run.expect_said(text));
    assert_eq!(db.target_value(LOG_IS_MISSING).await, "t");
}

#[tokio::test]
async fn the_same_database_on_both_ends_is_refused_whatever_its_names() {
    let db = Pair::with("create table t (id int primary key); insert into t values (1)").await;
    let url = db.target_url();
    let names = [url.clone(), url.replace("127.0.0.1", "localhost"), socket(&db, &url).await];
    for name in names {
        let run = db.sync().source_url(name).target_url(&url).await;
        refused(&db, run, &["are the same database", "nothing was changed"]).await;
    }
}

/// The same database by the server's socket.
async fn socket(db: &Pair, url: &str) -> String {
    let folder = db.target_value("show unix_socket_directories").await;
    let port = db.target_value("show port").await;
    let database = url.rsplit('/').next().unwrap_or_default();
    format!("host={folder} port={port} user=postgres dbname={database}")
}

#[tokio::test]
async fn another_database_of_the_same_server_is_fine() {
    let (one, two) = (Pair::fresh().await, Pair::fresh().await);
    one.target("create table t (id int primary key); insert into t values (1)").await;
    two.target("create table t (id int primary key)").await;
    one.sync().source_url(one.target_url()).target_url(two.target_url()).await.expect_ok();
    assert_eq!(two.target_value("select count(*) from t").await, "1");
}

async fn filled(rows: u32) -> Pair {
    let db = Pair::with("create table one (id int primary key); create table two (id int)").await;
    db.target(&format!("insert into one select generate_series(1, {rows} / 2)")).await;
    db.target(&format!("insert into two select generate_series(1, {rows} - {rows} / 2)")).await;
    db
}

#[tokio::test]
async fn a_source_with_nothing_but_empty_tables_is_refused() {
    let db = filled(1001).await;
    let run = db.sync().await;
    refused(&db, run, &["every selected table of the source is empty", "1000 rows", "-force"])
        .await;
    assert_eq!(db.target_value("select count(*) from one").await, "500");
    db.sync().arg("-force").await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_few_rows_may_go_when_the_source_is_empty() {
    let db = filled(1000).await;
    db.settle().await;
}

#[tokio::test]
async fn a_single_emptied_table_is_followed() {
    let db = filled(4000).await;
    db.source("insert into two values (1)").await;
    db.settle().await;
    assert_eq!(db.target_value("select count(*) from one").await, "0");
}

const ITEM: &str = "create table item (id int primary key, n int, updated_at timestamptz)";
const ROWS: &str = "insert into item select i, 0, '2024-01-01' from generate_series(1, 100) i";
/// Thirty rows vanish and ten change.
const CHANGES: &str = "delete from item where id <= 30;
    update item set n = 1, updated_at = now() where id > 90";

async fn item(tables: &str) -> Pair {
    let db = Pair::with(tables).await;
    db.source(ROWS).await;
    db.sync().await.expect_ok();
    db.source(CHANGES).await;
    db
}

async fn held_back(db: &Pair, run: Outcome) {
    let run = run.expect_exit(5);
    let texts = ["30 of 100 rows would be deleted", "-max-delete", "-force"];
    let run = run.expect_refused("item", &texts);
    if run.json["dry_run"] == false {
        let last = "select status from sync_log where table_name = 'item' order by id desc limit 1";
        assert_eq!(db.target_value(last).await, "refused", "{run}");
    }
    let state = "select count(*) || ' ' || count(*) filter (where n = 1) from item";
    assert_eq!(db.target_value(state).await, "100 0", "nothing of the table was changed");
}

#[tokio::test]
async fn deletes_beyond_the_limit_hold_back_the_whole_table() {
    let db = item(ITEM).await;
    for limit in ["29", "20%", "0"] {
        held_back(&db, db.sync().args(&["-max-delete", limit]).await).await;
        let reconciled = db.sync().args(&["-max-delete", limit, "-reconcile"]).await;
        held_back(&db, reconciled).await;
    }
    db.sync().args(&["-max-delete", "30"]).await.expect_ok().expect_changes("item", (0, 10, 30));
    db.assert_same("item").await;
}

#[tokio::test]
async fn force_lets_deletes_beyond_the_limit_through() {
    let db = item(ITEM).await;
    db.sync().args(&["-max-delete", "1%", "-force"]).await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_table_has_a_limit_of_its_own() {
    let db = item(ITEM).await;
    let config =
        db.file("limits.json", r#"{"maxDelete": "90%", "maxDeleteByTable": {"item": "5%"}}"#);
    let run = db.sync().args(&["-config", &config]).await;
    assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
    held_back(&db, run).await;
    let config =
        db.file("misspelt.json", r#"{"maxDeleteByTable": {"items": "5%", "public.item": "5%"}}"#);
    let run = db.sync().args(&["-config", &config]).await;
    let run = run.expect_note("\"items\", which is no table of the source; did you mean \"item\"?");
    held_back(&db, run).await;
}

#[tokio::test]
async fn deletes_are_counted_before_parents_and_children_are_written_in_order() {
    let tables = "create table item (id int primary key, n int, updated_at timestamptz);
        create table part (id int primary key, item int references item, updated_at timestamptz)";
    let db = item(tables).await;
    let writer = db.target_writer().await;
    let run = db.sync().target_role(&writer).args(&["-max-delete", "10%"]).await;
    held_back(&db, run).await;
    db.sync().target_role(&writer).args(&["-max-delete", "30%"]).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn deletes_from_a_table_without_a_key_are_counted_too() {
    let db = item("create table item (id int, n int, updated_at timestamptz)").await;
    let run = db.sync().args(&["-max-delete", "20%"]).await.expect_exit(5);
    run.expect_refused("item", &["40 of 100 rows would be deleted", "no key", "-force"]);
    assert_eq!(db.target_value("select sum(n) || ' ' || count(*) from item").await, "0 100");
    db.sync().args(&["-max-delete", "40"]).await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_dry_run_says_that_it_would_be_refused() {
    let db = item(ITEM).await;
    held_back(&db, db.sync().args(&["-max-delete", "29", "-dry-run"]).await).await;
}

#[tokio::test]
async fn a_refused_table_does_not_hold_up_the_others() {
    let db = item(&format!("{ITEM}; create table other (id int primary key)")).await;
    db.source("insert into other values (1)").await;
    let run = db.sync().plain().args(&["-max-delete", "20%"]).await.expect_exit(5);
    run.expect_said("item - refused: 30 of 100 rows").expect_said("1 of 2 tables refused");
    db.assert_same("other").await;
}
