//! A transaction that commits after a run carries the time of its start, which the run has already
//! passed. Without an overlap only the horizon keeps its rows from being lost for ever.

use crate::support::Pair;

async fn items(kind: &str) -> Pair {
    let table = format!("create table item (id int primary key, name text, updated_at {kind})");
    let db = Pair::with(&table).await;
    db.source("insert into item select i, 'n', '2024-01-01' from generate_series(1, 10) i").await;
    db
}

const EARLY: &str = "begin; update item set name = 'early', updated_at = now() where id = 1";
const OVERTAKING: &str = "update item set name = 'overtaking', updated_at = now() where id = 2";

#[tokio::test]
async fn an_update_that_commits_after_the_run_arrives_with_the_next() {
    for kind in ["timestamptz", "timestamp", "date"] {
        let db = items(kind).await;
        db.sync().no_overlap().await.expect_ok();
        let early = db.source_session().await;
        early.run(EARLY).await;
        db.source(OVERTAKING).await;
        db.sync().no_overlap().await.expect_ok().expect_changes("item", (0, 1, 0));
        early.run("commit").await;
        db.sync().no_overlap().await.expect_ok().expect_changes("item", (0, 1, 0));
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn an_insert_that_commits_after_the_run_arrives_with_the_next() {
    let db = items("timestamptz").await;
    db.sync().no_overlap().await.expect_ok();
    let early = db.source_session().await;
    early.run("begin; insert into item values (11, 'early', now())").await;
    db.source("insert into item values (12, 'overtaking', now())").await;
    db.sync().no_overlap().await.expect_ok();
    early.run("commit").await;
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn an_update_that_commits_after_the_first_copy_arrives_with_the_next_run() {
    let db = items("timestamptz").await;
    let early = db.source_session().await;
    early.run(EARLY).await;
    db.source(OVERTAKING).await;
    db.sync().no_overlap().await.expect_ok().expect_strategy("item", "copy");
    early.run("commit").await;
    db.sync().no_overlap().await.expect_ok().expect_strategy("item", "incremental");
    db.assert_same("item").await;
}

#[tokio::test]
async fn an_update_that_commits_after_a_comparison_arrives_with_the_next_run() {
    let db = items("timestamptz").await;
    db.target("insert into item values (1, 'other', '2020-01-01')").await;
    let early = db.source_session().await;
    early.run(EARLY).await;
    db.source(OVERTAKING).await;
    db.sync().no_overlap().await.expect_ok().expect_strategy("item", "compare");
    early.run("commit").await;
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_transaction_that_has_not_written_yet_counts_too() {
    let db = items("timestamptz").await;
    db.sync().no_overlap().await.expect_ok();
    let early = db.source_session().await;
    early.run("begin; select now()").await;
    db.source(OVERTAKING).await;
    db.sync().no_overlap().await.expect_ok();
    early.run("update item set name = 'early', updated_at = now() where id = 1; commit").await;
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn an_update_that_stays_open_for_several_runs_arrives() {
    let db = items("timestamptz").await;
    let early = db.source_session().await;
    early.run(EARLY).await;
    for id in 2..6 {
        let name = format!("update item set name = 'run {id}', updated_at = now() where id = {id}");
        db.source(&name).await;
        db.sync().no_overlap().await.expect_ok();
    }
    early.run("commit").await;
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_role_that_cannot_see_other_transactions_is_told_so_and_loses_nothing() {
    let db = items("timestamptz").await;
    let reader = db.source_reader().await;
    db.sync().source_role(&reader).await.expect_ok();
    let early = db.source_session().await;
    early.run(EARLY).await;
    db.source(OVERTAKING).await;
    let run = db.sync().source_role(&reader).await.expect_ok();
    run.expect_note("pg_read_all_stats");
    early.run("commit").await;
    db.sync().source_role(&reader).await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_prepared_transaction_that_commits_after_the_run_arrives_with_the_next() {
    let db = items("timestamptz").await;
    db.sync().await.expect_ok();
    let name = &db.name;
    db.source_session().await.run(&format!("{EARLY}; prepare transaction '{name}'")).await;
    db.source(OVERTAKING).await;
    let run = db.sync().await.expect_ok();
    db.source(&format!("commit prepared '{name}'")).await;
    run.expect_note("prepared");
    db.sync().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn parents_and_children_are_read_at_the_same_moment() {
    let db = Pair::with(
        "create table parent (id int primary key, updated_at timestamptz not null);
         create table child (id int primary key, parent_id int references parent, updated_at timestamptz not null)",
    )
    .await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table parent in exclusive mode").await;
    db.source("insert into parent values (1, now()); insert into child values (1, 1, now())").await;
    let run = db.sync().parallel(1).while_writing().start();
    let waiting = "select exists (select from pg_stat_activity where datname = current_database()
        and application_name = 'pgsync' and wait_event_type = 'Lock')";
    db.target.until(waiting).await;
    db.source("insert into parent values (2, now()); insert into child values (2, 2, now())").await;
    blocker.run("commit").await;
    tokio::task::spawn_blocking(|| run.finish().expect_ok()).await.expect("the run ends");
    assert_eq!(db.target_value("select count(*) from child").await, "1");
    db.settle().await;
}
