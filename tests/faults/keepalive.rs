//! Peers that vanish without a word: no packet arrives any more, and nobody says so.

use std::time::Duration;

use crate::support::{Pair, Proxy, Wire};

const IMPATIENT: &str = "?sslmode=disable&connect_timeout=1&keepalives_idle=1&keepalives_interval=1\
                         &keepalives_count=2&tcp_user_timeout=2000";

#[tokio::test]
async fn servers_that_vanish_without_a_word_are_given_up_and_found_again() {
    let db = Pair::with("create table one (id int primary key, n int)").await;
    db.source("insert into one select i, i from generate_series(1, 1000) i").await;
    db.sync().await.expect_ok();
    db.source("update one set n = -n").await;
    let wire = Wire::laid();
    let source = Proxy::at(&wire.address, db.source_server().address()).await;
    let target = Proxy::at(&wire.address, db.target_server().address()).await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table one in exclusive mode").await;
    let sync = db.sync().while_writing().args(&["-retries", "100"]);
    let sync = sync.source_url(source.url(&db.source_url()) + IMPATIENT);
    let run = sync.target_url(target.url(&db.target_url()) + IMPATIENT).start_behind(&wire);
    db.until_blocked().await;
    wire.cut();
    wire.until_given_up().await;
    blocker.run("rollback").await;
    wire.fix();
    let run = run.end().await.expect_ok();
    assert_ne!(run.json["retries"], 0, "{run}");
    db.assert_same("one").await;
}

#[tokio::test]
async fn a_signal_ends_a_run_whose_servers_vanished_with_what_is_known_of_its_tables() {
    let db = Pair::with(
        "create table done (id int primary key); create table held (id int primary key)",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("insert into done values (1); insert into held values (1)").await;
    let wire = Wire::laid();
    let source = Proxy::at(&wire.address, db.source_server().address()).await;
    let target = Proxy::at(&wire.address, db.target_server().address()).await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table held in exclusive mode").await;
    let sync = db.sync().while_writing().parallel(2);
    let sync =
        sync.source_url(source.url(&db.source_url())).target_url(target.url(&db.target_url()));
    let run = sync.start_behind(&wire);
    db.until_blocked().await;
    blocker.until("select count(*) = 1 from done").await;
    // The row is there a moment before the run knows.
    tokio::time::sleep(Duration::from_millis(300)).await;
    wire.cut();
    run.signal("INT");
    let outcome = run.end().await.expect_exit(130);
    assert_eq!(outcome.table("done").inserted, 1, "{outcome}");
    assert_eq!(outcome.table("held").status, "interrupted", "{outcome}");
    blocker.run("rollback").await;
    wire.fix();
    db.until_no_sessions().await;
    db.settle().await;
}

#[tokio::test]
async fn a_statement_that_takes_long_is_no_silence() {
    let db = Pair::with("create table one (id int primary key, n int)").await;
    db.target(
        "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(5); return null; end';
         create trigger slow after insert on one for each statement execute function slow();
         alter table one enable always trigger slow",
    )
    .await;
    db.source("insert into one select i, i from generate_series(1, 1000) i").await;
    let sync = db.sync().source_url(db.source_url() + IMPATIENT);
    let run = sync.target_url(db.target_url() + IMPATIENT).await.expect_ok();
    assert_eq!((run.table("one").retries, run.json["retries"].as_u64()), (0, Some(0)), "{run}");
}
