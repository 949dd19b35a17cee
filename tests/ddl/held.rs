//! Tables that others hold in ACCESS EXCLUSIVE mode while definitions have to be read.

use crate::dump::assert_same_definitions;
use crate::support::{Outcome, Pair, Session};

const TABLES: &str = "create table one (id int primary key, n int default 3 check (n > 0)); create index one_n on one ((n + 1)) where n > 5;
    create table part (id int, n int check (n > 0)) partition by range (id); create table part_1 partition of part for values from (0) to (100);
    create table two (id int primary key, one int references one, n int default 4 check (n > 0)); create index two_n on two ((n + 1));
    create table three (id int primary key); insert into one values (1); insert into two values (1, 1); insert into part values (1, 1); insert into three values (3)";

async fn run(db: &Pair) -> Outcome {
    // Started, not awaited: that would look itself whether the source was touched, and wait.
    db.sync().args(&["-lock-timeout", "400ms", "-retries", "0"]).start().end().await
}

async fn held(session: Session, tables: &str) -> Session {
    session.run(&format!("begin; lock table {tables} in access exclusive mode")).await;
    session
}

#[tokio::test]
async fn a_table_that_is_locked_on_the_source_fails_alone_though_definitions_are_read() {
    let db = Pair::fresh().await;
    db.source(TABLES).await;
    let other = held(db.source_session().await, "one, part_1").await;
    let pid = other.value("select pg_backend_pid()").await;
    let run = run(&db).await.expect_exit(1);
    let said = format!("its definition cannot be read, because process {pid} of role postgres");
    let end = format!(
        "run on the source as that role or a superuser: select pg_terminate_backend({pid})"
    );
    let run = run.expect_failed("one", &[&said, "holds a lock on public.one: ", &end]);
    let run = run.expect_failed("part", &[&said, "holds a lock on public.part: ", &end]);
    assert_eq!(run.table("three").status, "success");
    assert_eq!(db.target_value("select count(*) from three").await, "1");
    other.run("rollback").await;
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_table_that_is_locked_on_the_target_fails_alone_though_definitions_are_read() {
    let db = Pair::fresh().await;
    db.source(TABLES).await;
    db.settle().await;
    db.source("alter table one add extra int default 5; alter table three add extra int default 6")
        .await;
    let other = held(db.target_session().await, "one").await;
    let run = run(&db).await.expect_exit(1);
    let run = run.expect_failed(
        "one",
        &[
            "its definition cannot be read, because process",
            ", idle in transaction since 20",
            "run on the target",
        ],
    );
    assert_eq!(run.table("three").status, "success");
    other.run("rollback").await;
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_lock_that_is_let_go_in_time_is_waited_for() {
    let db = Pair::fresh().await;
    db.source(TABLES).await;
    let other = held(db.source_session().await, "one").await;
    let running = db.sync().args(&["-lock-timeout", "60s"]).start();
    let connected = "select exists (select from pg_stat_activity where datname = current_database() and application_name = 'pgsync')";
    db.target.until(connected).await;
    other.run("rollback").await;
    running.end().await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
}

/// A reader of the target in the middle of its work, and a run that needs the table to itself.
async fn queue_behind_a_reader(db: &Pair, change: &str, mode: &str) {
    db.source(change).await;
    let reader = db.target_session().await;
    reader.run("begin; select count(*) from one").await;
    let run = db.sync().args(&["-lock-timeout", "60s", "-ddl", mode]).start();
    let another = db.target_session().await;
    another.run("set lock_timeout = '2s'").await;
    for _ in 0..3 {
        db.until_blocked().await;
        another.run("select count(*) from one").await;
    }
    reader.run("rollback").await;
    let run = run.end().await.expect_ok();
    assert_eq!(run.json["retries"], 0, "{run}");
    assert!(run.tables().iter().all(|table| table.retries == 0), "{run}");
    db.assert_all_same().await;
    assert_same_definitions(db).await;
}

#[tokio::test]
async fn no_reader_of_the_target_waits_behind_a_run_that_waits_for_a_reader() {
    let db = Pair::fresh().await;
    db.source(TABLES).await;
    db.settle().await;
    let changes = [
        ("alter table one add extra int default 5", "additive"),
        ("alter table one add constraint own unique (id, n)", "additive"),
        ("alter table one add constraint positive check (id > 0)", "additive"),
        ("alter table one alter n type bigint", "reset"),
        (
            "drop index one_n; alter table one drop constraint one_n_check, alter n drop default, alter n type text",
            "reset",
        ),
    ];
    for (change, mode) in changes {
        queue_behind_a_reader(&db, change, mode).await;
    }
}

#[tokio::test]
async fn who_keeps_a_table_from_being_changed_is_told_while_the_run_waits() {
    let db = Pair::with("create table one (id int primary key)").await;
    db.source("insert into one values (1)").await;
    db.settle().await;
    db.source("alter table one add extra int").await;
    let other = db.target_session().await;
    other.run("begin; update one set id = 1").await;
    let pid = other.value("select pg_backend_pid()").await;
    let run = db.sync().args(&["-lock-timeout", "500ms", "-retries", "2"]).start();
    let run = run.end().await.expect_exit(1);
    let waits = "one - retry 1 of 2: target while creating column public.one.extra: ";
    let run = run.expect_said(waits).expect_said(&format!("; process {pid} of role postgres"));
    drop(run.expect_failed("one", &["holds a lock on public.one", "run on the target"]));
    other.run("rollback").await;
    db.sync().await.expect_ok();
}
