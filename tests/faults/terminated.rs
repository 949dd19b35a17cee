//! What servers do to sessions: they end them, refuse them, time them out and resolve deadlocks.

use crate::support::{Outcome, Pair, Role, Session, pgsync};

const TABLES: &str = "create table one (id int primary key, n int, updated_at timestamptz);
    create table two (id int primary key, n int)";
const ROWS: &str = "insert into one select i, i, '2024-01-01' from generate_series(1, 1000) i;
    insert into two select i, i from generate_series(1, 1000) i";
const CHANGES: &str = "update one set n = -n, updated_at = now(); update two set n = -n";

async fn changed() -> Pair {
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    db.sync().await.expect_ok();
    db.source(CHANGES).await;
    db
}

/// A run that waits for a row of `one` when sessions of one side, picked by `which`, are ended.
async fn terminated(side: fn(&Pair) -> &Session, which: &str) -> Outcome {
    let db = changed().await;
    let blocker = db.target_session().await;
    blocker.run("begin; update one set n = n where id = 1000").await;
    let run = db.sync().while_writing().start();
    db.until_blocked().await;
    let end = format!(
        "select count(pg_terminate_backend(pid)) from (select * from pg_stat_activity
         where datname = current_database() and application_name = 'pgsync' {which}) a"
    );
    assert_ne!(side(&db).value(&end).await, "0", "somebody was there to be ended");
    blocker.run("rollback").await;
    let run = run.end().await.expect_ok();
    db.assert_all_same().await;
    db.sync().await.expect_unchanged();
    run
}

fn source(db: &Pair) -> &Session {
    &db.source
}

fn target(db: &Pair) -> &Session {
    &db.target
}

#[tokio::test]
async fn a_worker_of_the_target_that_is_ended_is_replaced() {
    let run = terminated(target, "and wait_event_type = 'Lock'").await;
    assert_eq!(run.table("one").retries, 1, "{run}");
    run.expect_said("57P01");
}

#[tokio::test]
async fn workers_of_the_source_that_are_ended_are_replaced() {
    terminated(source, "order by backend_start offset 1").await;
}

#[tokio::test]
async fn the_keeper_of_the_snapshot_may_end_once_everybody_has_it() {
    terminated(source, "order by backend_start limit 1").await;
}

#[tokio::test]
async fn the_keeper_of_the_locks_that_is_ended_costs_another_round() {
    let run = terminated(target, "order by backend_start limit 1").await;
    assert_eq!(run.json["retries"], 1, "{run}");
}

#[tokio::test]
async fn all_sessions_of_a_side_that_are_ended_cost_another_round() {
    for side in [source, target] {
        terminated(side, "").await;
    }
}

#[tokio::test]
async fn a_deadlock_is_tried_again() {
    let db = changed().await;
    let other = db.target_session().await;
    other.run("set deadlock_timeout = '60s'; begin; update one set n = n where id = 1000").await;
    let run = db.sync().while_writing().start();
    db.until_blocked().await;
    other.run("update one set n = n where id between 1 and 999; rollback").await;
    let run = run.end().await.expect_ok();
    run.expect_said("40P01");
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_statement_timeout_of_the_role_does_not_hold_for_a_run() {
    let db = changed().await;
    db.target(
        "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(1); return null; end';
         create trigger slow after update on one for each statement execute function slow();
         alter table one enable always trigger slow",
    )
    .await;
    for side in [&db.source, &db.target] {
        for timeout in ["statement_timeout", "idle_in_transaction_session_timeout"] {
            side.run(&format!("alter database {} set {timeout} = '500ms'", db.name)).await;
        }
    }
    db.settle().await;
}

async fn limited(db: &Pair, connections: u32) -> Role {
    let role = db.target_owner().await;
    db.target(&format!("alter role {} connection limit {connections}", role.name)).await;
    role
}

#[tokio::test]
async fn a_server_without_room_for_all_workers_is_used_by_fewer() {
    let db = Pair::fresh().await;
    for number in 0..40 {
        db.both(&format!("create table t{number} (id int primary key)")).await;
        db.source(&format!("insert into t{number} values (1)")).await;
    }
    let role = limited(&db, 6).await;
    let run = db.sync().target_role(&role).parallel(32).await.expect_ok();
    run.expect_note("working on 5 instead of 32 tables at once: the server is out of connections: target while connecting to");
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_server_without_room_for_any_worker_is_named() {
    let db = changed().await;
    let role = limited(&db, 1).await;
    let run = db.sync().target_role(&role).args(&["-retries", "1"]).await.expect_exit(1);
    run.expect_failed(
        "one",
        &["target while connecting to", "too many connections", "53300", "needs 2 connections"],
    );
}

#[tokio::test]
async fn a_target_that_is_read_only_on_purpose_is_left_alone() {
    let db = changed().await;
    let read_only = |state: &str| {
        format!("alter database {} set default_transaction_read_only = {state}", db.name)
    };
    for side in [&db.source, &db.target] {
        side.run(&read_only("on")).await;
    }
    let run = db.sync().await.expect_exit(1);
    run.expect_said("is read-only for this role (default_transaction_read_only)");
    let allowed = db.target_url() + "?options=-c%20default_transaction_read_only%3Doff";
    db.sync().target_url(allowed).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_session_that_ends_after_the_rows_costs_a_retry_and_no_more() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v text); create index by_v on item (v); insert into item select i, 'x' from generate_series(1, 50) i").await;
    // The session ends when it builds the index for the first time, and only then.
    db.target(
        "create sequence ends; create function ends() returns event_trigger language plpgsql as \
         $$ begin if current_query() like '%by_v%' and nextval('public.ends') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if; end $$; \
         create event trigger ends on ddl_command_start when tag in ('CREATE INDEX') execute procedure ends(); \
         alter event trigger ends enable always",
    )
    .await;
    let run = db.sync().await.expect_ok();
    assert_eq!(run.table("item").retries, 1, "{run}");
    db.assert_same("item").await;
    assert_eq!(
        db.target_value("select count(*) from pg_indexes where tablename = 'item'").await,
        "2"
    );
}

/// A parent, and tables that refer to it, which the target does not have yet.
async fn many_that_refer_to_one() -> Pair {
    let db = Pair::fresh().await;
    db.source("create table parent (id int primary key); insert into parent values (1)").await;
    for number in 0..12 {
        let table =
            format!("create table t{number} (id int primary key, up int references parent)");
        db.source(&format!("{table}; insert into t{number} values (1, 1)")).await;
    }
    db
}

#[tokio::test]
async fn foreign_keys_are_added_over_as_few_connections_as_a_role_may_have() {
    for connections in [2, 3, 4] {
        let db = many_that_refer_to_one().await;
        let role = limited(&db, connections).await;
        db.sync().target_role(&role).parallel(4).args(&["-retries", "0"]).await.expect_ok();
        db.assert_all_same().await;
        let keys = "select count(*) from pg_constraint where contype = 'f' and convalidated";
        assert_eq!(db.target_value(keys).await, "12", "{connections} connections");
    }
}

#[tokio::test]
async fn tables_are_verified_over_as_few_connections_as_a_role_may_have() {
    let db = many_that_refer_to_one().await;
    db.sync().await.expect_ok();
    let reader = db.source_reader().await;
    for connections in [2, 3, 4] {
        let role = limited(&db, connections).await;
        db.hand_over_log(&role).await;
        db.source(&format!("alter role {} connection limit {connections}", reader.name)).await;
        let ends = ["verify", "-source", &reader.url, "-target", &role.url];
        let run = pgsync(&ends).args(&["-parallel", "4"]).await.expect_exit(0);
        run.expect_said("equal: 13 tables");
    }
}
