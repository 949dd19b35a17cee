//! SIGINT and SIGTERM: a stop is a normal result within two seconds, whatever a server waits for.

use std::time::{Duration, Instant};

use crate::support::{Outcome, Pair, Running, Session};

const TABLES: &str = "create table one (id int primary key, n int);
    create table two (id int primary key, n int)";
const ROWS: &str = "insert into one select i, i from generate_series(1, 1000) i;
    insert into two select * from one";

/// A pair of which a run cannot finish table `one`.
async fn blocked(mode: &str) -> (Pair, Session) {
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    let blocker = db.target_session().await;
    blocker.run(&format!("begin; lock table one in {mode} mode")).await;
    (db, blocker)
}

async fn stopped(db: &Pair, run: Running, signal: &str) -> Outcome {
    db.until_blocked().await;
    let begun = Instant::now();
    run.signal(signal);
    let outcome = run.end().await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?} until the end of {outcome}");
    db.until_no_sessions().await;
    outcome
}

#[tokio::test]
async fn a_signal_ends_a_run_within_two_seconds_though_a_statement_waits_for_a_lock() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let (db, blocker) = blocked("exclusive").await;
        let run = db.sync().while_writing().parallel(1).start();
        let run = stopped(&db, run, signal).await.expect_exit(status);
        assert_eq!(run.json["status"], "interrupted", "{run}");
        let statuses =
            "select string_agg(distinct status, ' ') from sync_log where table_name = 'one'";
        assert_eq!(db.target_value(statuses).await, "interrupted");
        let running = "select count(*) from sync_log where status = 'running'";
        assert_eq!(db.target_value(running).await, "0");
        blocker.run("rollback").await;
        db.settle().await;
    }
}

#[tokio::test]
async fn a_signal_ends_a_run_that_waits_before_its_first_table() {
    let (db, _blocker) = blocked("access exclusive").await;
    let run = db.sync().while_writing().start();
    stopped(&db, run, "TERM").await.expect_exit(143);
}

#[tokio::test]
async fn a_second_signal_leaves_at_once() {
    let (db, blocker) = blocked("exclusive").await;
    let run = db.sync().while_writing().start();
    db.until_blocked().await;
    run.signal("INT");
    let begun = Instant::now();
    run.signal("TERM");
    let outcome = run.end().await;
    assert!(begun.elapsed() < Duration::from_millis(500), "{outcome}");
    assert!([130, 143].contains(&outcome.status), "{outcome}");
    db.until_no_sessions().await;
    blocker.run("rollback").await;
    db.settle().await;
}

#[tokio::test]
async fn what_was_committed_before_a_signal_is_not_sent_again() {
    let db =
        Pair::with("create table one (id int primary key, n int, updated_at timestamptz)").await;
    db.sync().await.expect_ok();
    db.source("insert into one select i, i, '2024-01-01'::timestamptz + i * interval '1 s' from generate_series(1, 1000) i")
        .await;
    db.sync().await.expect_ok();
    db.source("update one set n = -n, updated_at = updated_at + interval '1 day'").await;
    // The row of the last batch is held by somebody else.
    let blocker = db.target_session().await;
    blocker.run("begin; update one set n = 0 where id = 1000").await;
    let run = db.sync().while_writing().batch_size(100).no_overlap().start();
    stopped(&db, run, "INT").await.expect_exit(130);
    blocker.run("rollback").await;
    let run = db.sync().batch_size(100).no_overlap().await.expect_ok();
    db.assert_same("one").await;
    let sent = run.table("one");
    // A row is some 35 bytes; the one that the watermark stands on comes again.
    let is_last_batch = sent.updated <= 100 && sent.processed <= 101 && sent.bytes <= 101 * 60;
    assert!(is_last_batch, "only the last batch was missing in {run}");
}

#[tokio::test]
async fn a_signal_ends_a_run_whose_server_does_not_answer() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = silent.local_addr().expect("a bound socket has an address");
    let db = Pair::fresh().await;
    let run = db.sync().source_url(format!("postgres://u@{address}/x?sslmode=disable")).start();
    let (_peer, _) = silent.accept().expect("the run connects");
    let begun = Instant::now();
    run.signal("INT");
    let outcome = run.end().await.expect_exit(130);
    assert!(begun.elapsed() < Duration::from_secs(2), "{outcome}");
}

/// A copy in several parts, of which the last waits: somebody else is writing the key of its last row.
async fn copying_in_parts() -> (Pair, Session) {
    let db = Pair::with("create table big (id int primary key, body text)").await;
    db.source("insert into big select i, repeat('b', 1000) from generate_series(1, 40000) i").await;
    db.source("vacuum analyze big").await;
    let blocker = db.target_session().await;
    blocker.run("begin; insert into big values (40000, 'mine')").await;
    (db, blocker)
}

/// The numbers of the table are those of its rows, in the outcome and in the log.
async fn counted(db: &Pair, run: &Outcome, others: u64) {
    let rows: u64 = db.target_value("select count(*) from big").await.parse().expect("a number");
    let copied = rows - others;
    assert!(copied > 10_000, "{copied} rows were committed before {run}");
    let table = run.table("big");
    assert_eq!((table.inserted, table.processed), (copied, copied), "{run}");
    let logged =
        "select rows_inserted || ' ' || rows_processed from sync_log where table_name = 'big'";
    assert_eq!(db.target_value(logged).await, format!("{copied} {copied}"), "{run}");
}

#[tokio::test]
async fn what_an_interrupted_first_copy_has_committed_is_counted_everywhere() {
    let (db, blocker) = copying_in_parts().await;
    let run = db.sync().while_writing().parallel(2).start();
    let run = stopped(&db, run, "INT").await.expect_exit(130);
    counted(&db, &run, 0).await;
    run.expect_unsaid("unchanged");
    blocker.run("rollback").await;
    db.settle().await;
}

#[tokio::test]
async fn what_a_failed_first_copy_has_committed_is_counted_everywhere() {
    let (db, blocker) = copying_in_parts().await;
    let run = db.sync().while_writing().parallel(2).start();
    db.until_blocked().await;
    blocker.run("commit").await;
    let run = run.end().await.expect_exit(1);
    counted(&db, &run, 1).await;
    db.settle().await;
}
