//! The memory of a run does not grow with what it moves; `scripts/stress.sh` does the large sizes.

use crate::support::{Outcome, PROMISED, Pair, Running, peak};

/// Of the large value, in KiB.
const VALUE: u64 = 20 * 1024;

async fn within(limit: u64, run: Running) -> Outcome {
    let (outcome, peak) = peak(run).await;
    let outcome = outcome.expect_ok();
    assert!((1..=limit).contains(&peak), "{peak} KiB, more than {limit}, for {outcome}");
    outcome
}

#[tokio::test]
async fn memory_does_not_grow_with_the_rows() {
    let db = Pair::with(
        "create table item (id int primary key, body text, updated_at timestamptz);
         create table bag (n int, body text)",
    )
    .await;
    db.source(
        "insert into item select i, repeat('x', 50), '2024-01-01' from generate_series(1, 200000) i;
         insert into bag select i, 'x' from generate_series(1, 50000) i",
    )
    .await;
    within(PROMISED, db.sync().start()).await;
    within(PROMISED, db.sync().start()).await.expect_unchanged();
    db.source("update item set body = 'y', updated_at = '2024-02-01' where id % 10 = 0").await;
    let run = within(PROMISED, db.sync().start()).await;
    run.expect_changes("item", (0, 20_000, 0));
    db.target("update item set body = 'z' where id % 3 = 0").await;
    within(PROMISED, db.sync().arg("-reconcile").start()).await;
    db.assert_all_same().await;
}

#[tokio::test]
async fn memory_grows_with_the_largest_value_alone() {
    let db = Pair::with("create table large (id int primary key, body text)").await;
    let fill = format!(
        "insert into large select i, repeat('v', {VALUE} * 1024) from generate_series(1, 3) i"
    );
    db.source(&fill).await;
    // README: beside twice the largest value.
    let limit = PROMISED + 2 * VALUE;
    within(limit, db.sync().start()).await;
    db.source("update large set body = body || 'w'").await;
    within(limit, db.sync().start()).await.expect_changes("large", (0, 3, 0));
}

#[tokio::test]
async fn a_keyless_table_that_changed_throughout_takes_twice_its_size_in_temporary_files_at_most() {
    let db = Pair::with("create table bag (a int, v text)").await;
    db.source("insert into bag select i, repeat(md5(i::text), 12) from generate_series(1, 100000) i; analyze bag")
        .await;
    db.sync().await.expect_ok();
    db.source("update bag set v = v || 'x'").await;
    db.until_no_sessions().await;
    let written = "select temp_bytes from pg_stat_database where datname = current_database()";
    let before: u64 = db.target_value(written).await.parse().expect("a number");
    db.sync().await.expect_ok().expect_changes("bag", (100000, 0, 100000));
    db.until_no_sessions().await;
    let after: u64 = db.target_value(written).await.parse().expect("a number");
    let size = "select sum(pg_column_size(bag.*)) from bag";
    let size: u64 = db.target_value(size).await.parse().expect("a number");
    assert!(after - before <= 2 * size, "{} bytes for {size}", after - before);
    db.assert_same("bag").await;
}
