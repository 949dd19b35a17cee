//! One run per table at a time.

use crate::support::{Pair, Running};

const TABLES: &str = "create table one (id int primary key); create table two (id int primary key)";

/// A run that holds the locks of `one` and waits, with the transaction that it waits for.
async fn held(db: &Pair) -> (Running, crate::support::Session) {
    db.source("insert into one values (1); insert into two values (2)").await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table one in exclusive mode").await;
    let run = db.sync().while_writing().include("one").start();
    db.until_blocked().await;
    (run, blocker)
}

#[tokio::test]
async fn a_second_run_over_the_same_table_ends_at_once_and_says_who_holds_it() {
    let db = Pair::with(TABLES).await;
    let (first, blocker) = held(&db).await;
    let begun = std::time::Instant::now();
    let second = db.sync().while_writing().await.expect_exit(4);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "at once, not {second}");
    let keeper = "select a.pid || '|' || to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')
        from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and a.datname = current_database() order by a.backend_start limit 1";
    let keeper = db.target_value(keeper).await;
    let (pid, since) = keeper.split_once('|').expect("two values");
    let words =
        ["public.one", "another run", &format!("process {pid}"), "from 127.0.0.1 since", since];
    words.into_iter().fold(second, |run, text| run.expect_said(text));
    blocker.run("rollback").await;
    first.end().await.expect_ok();
    db.assert_same("one").await;
}

#[tokio::test]
async fn runs_over_disjoint_tables_work_side_by_side() {
    let db = Pair::with(TABLES).await;
    let (first, blocker) = held(&db).await;
    db.sync().while_writing().include("two").await.expect_ok();
    db.assert_same("two").await;
    blocker.run("rollback").await;
    first.end().await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_lock_left_by_a_dead_process_is_free() {
    let db = Pair::with(TABLES).await;
    let (first, blocker) = held(&db).await;
    first.signal("KILL");
    assert_eq!(first.end().await.status, 137);
    db.until_no_sessions().await;
    blocker.run("rollback").await;
    db.settle().await;
}

#[tokio::test]
async fn the_same_table_names_in_another_database_are_free() {
    let (one, two) = (Pair::with(TABLES).await, Pair::with(TABLES).await);
    let (first, blocker) = held(&one).await;
    two.sync().await.expect_ok();
    blocker.run("rollback").await;
    first.end().await.expect_ok();
}

#[tokio::test]
async fn a_table_that_somebody_else_locks_fails_by_name_and_holds_up_no_other() {
    let db = Pair::with(TABLES).await;
    db.source("insert into one values (1); insert into two values (2)").await;
    for side in [db.target_session().await, db.source_session().await] {
        side.run("begin; lock table one in access exclusive mode").await;
        let run = db.sync().while_writing().args(&["-lock-timeout", "50ms", "-retries", "1"]);
        let run = run.await.expect_exit(1).expect_failed("one", &["lock timeout", "55P03"]);
        assert_eq!(run.table("one").retries, 1, "{run}");
        db.assert_same("two").await;
        side.run("rollback").await;
    }
    db.settle().await;
}

#[tokio::test]
async fn a_lock_that_is_let_go_in_time_costs_a_retry_and_nothing_else() {
    let db = Pair::with(TABLES).await;
    db.source("insert into one values (1); insert into two values (2)").await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table one in exclusive mode").await;
    let run = db.sync().while_writing().args(&["-lock-timeout", "100ms", "-retries", "20"]).start();
    db.until_blocked().await;
    // The second wait is another statement's.
    let first =
        "select max(pid)::text from pg_locks where not granted and relation = 'one'::regclass";
    let first = db.target_value(first).await;
    let again = format!(
        "select exists (select from pg_locks where not granted and relation = 'one'::regclass and pid <> {first})"
    );
    db.target.until(&again).await;
    blocker.run("rollback").await;
    let run = run.end().await.expect_ok();
    assert!(run.table("one").retries >= 1, "{run}");
    run.expect_said("lock timeout");
    db.assert_all_same().await;
}
