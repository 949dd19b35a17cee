//! A source that is written to all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;

use crate::support::{Pair, Random, Session};

const TABLES: &str = "
    create table account (id int primary key, name text, updated_at timestamptz not null);
    create table entry (id bigint primary key, account_id int not null references account, n int, updated_at timestamptz not null);
    create table plain (id int primary key, n int)";

const WRITERS: u64 = 4;
const RUNS: u32 = 10;

/// One statement of a writer; writers may get into each other's way, which is no failure.
fn statement(random: &mut Random) -> String {
    let (id, entry, n) = (random.below(60), random.below(1000), random.below(1000));
    match random.below(10) {
        0 => format!("insert into account values ({id}, 'new', now()) on conflict do nothing"),
        1..=2 => format!("update account set name = 'n{n}', updated_at = now() where id = {id}"),
        3 => format!(
            "delete from entry where account_id = {id}; delete from account where id = {id}"
        ),
        4..=5 => format!(
            "insert into entry select {entry}, id, {n}, now() from account where id = {id} on conflict do nothing"
        ),
        6 => format!(
            "update entry set n = {n}, updated_at = now() where id between {entry} and {entry} + 20"
        ),
        7 => format!("delete from entry where id between {entry} and {entry} + 3"),
        8 => format!(
            "insert into plain values ({entry}, {n}) on conflict (id) do update set n = excluded.n"
        ),
        _ => format!("delete from plain where id between {entry} and {entry} + 2"),
    }
}

/// Short transactions, some rolled back, some held open while others commit.
async fn write(session: Session, mut random: Random, stop: Arc<AtomicBool>) -> u64 {
    let mut committed = 0;
    while !stop.load(Ordering::Relaxed) {
        let _ = session.try_run("begin").await;
        for _ in 0..=random.below(3) {
            let _ = session.try_run(&statement(&mut random)).await;
        }
        let pause = if random.below(8) == 0 { "0.3" } else { "0.004" };
        let _ = session.try_run(&format!("select pg_sleep({pause})")).await;
        let end = if random.below(6) == 0 { "rollback" } else { "commit" };
        let done = session.try_run(end).await.is_ok();
        committed += u64::from(done && end == "commit");
    }
    committed
}

#[tokio::test]
async fn after_ten_runs_beside_random_writers_one_more_makes_all_equal() {
    let db = Pair::with(TABLES).await;
    let mut random = Random::seeded();
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers: Vec<JoinHandle<u64>> = Vec::new();
    for _ in 0..WRITERS {
        let session = db.source_session().await;
        writers.push(tokio::spawn(write(session, Random::new(random.next()), stop.clone())));
    }
    for _ in 0..RUNS {
        // A second, not none: a transaction is seen by others only shortly after its clock began.
        db.sync().arg("-overlap=1s").batch_size(50).while_writing().await.expect_ok();
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.expect("a writer ends") > 0, "every writer has written");
    }
    db.sync().arg("-overlap=1s").await.expect_ok();
    db.assert_all_same().await;
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn no_run_beside_writers_leaves_a_child_without_its_parent() {
    let db = Pair::with(TABLES).await;
    db.target("alter table entry drop constraint entry_account_id_fkey").await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(db.source_session().await, Random::seeded(), stop.clone()));
    let orphans = "select count(*) from entry where account_id not in (select id from account)";
    for _ in 0..RUNS {
        db.sync().while_writing().await.expect_ok();
        assert_eq!(db.target_value(orphans).await, "0");
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.expect("a writer ends");
}
