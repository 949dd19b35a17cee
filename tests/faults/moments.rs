//! Tables that are emptied and filled again, or rewritten, while a run is under way: an older snapshot
//! finds no row in them, though there was never a moment without.

use crate::support::{Pair, Sync};

const TABLES: &str = "
    create table inc (id int primary key, n int, updated_at timestamptz);
    create table cmp (id int primary key, n int);
    create table large (id int primary key, n int);
    create table bag (n int, m int);
    create table part (id int primary key, n int) partition by range (id);
    create table part_1 partition of part for values from (0) to (1000);
    create table part_2 partition of part for values from (1000) to (9000)";
const NAMES: [&str; 5] = ["inc", "cmp", "large", "bag", "part"];
const ROWS: &str = "
    insert into inc select i, 0, '2024-01-01' from generate_series(1, 2000) i;
    insert into cmp select i, 0 from generate_series(1, 2000) i;
    insert into large select i, 0 from generate_series(1, 30000) i;
    insert into bag select i % 500, 0 from generate_series(1, 2000) i;
    insert into part select i, 0 from generate_series(1, 2000) i; analyze";
const REFILL: &str = "begin; truncate inc, cmp, large, bag, part_2;
    insert into inc select i, 1, '2024-02-01' from generate_series(1, 2000) i;
    insert into cmp select i, 1 from generate_series(1, 2000) i;
    insert into large select i, i % 3 / 2 from generate_series(1, 30000) i;
    insert into bag select i % 500, 1 from generate_series(1, 2000) i;
    insert into part select i, 1 from generate_series(1000, 2000) i";

/// A run begins while the source's rows are being replaced, and reads on when that is committed.
async fn beside(db: &Pair, changes: &str, sync: Sync<'_>) -> crate::support::Outcome {
    let writer = db.source_session().await;
    writer.run(changes).await;
    let run = sync.start();
    let waiting = "select exists (select from pg_stat_activity where datname = current_database()
        and application_name = 'pgsync' and wait_event_type = 'Lock')";
    db.source.until(waiting).await;
    writer.run("commit").await;
    run.end().await.expect_ok()
}

#[tokio::test]
async fn rows_that_are_replaced_during_a_run_never_vanish() {
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    db.sync().await.expect_ok();
    let run = beside(&db, REFILL, db.sync().while_writing()).await;
    assert_ne!(run.json["retries"], 0, "{run}");
    for table in ["inc", "cmp", "large", "part"] {
        assert_eq!(run.table(table).deleted, 0, "{table} in {run}");
    }
    for table in NAMES {
        db.assert_same(table).await;
    }
}

#[tokio::test]
async fn rows_that_are_replaced_during_a_first_copy_are_copied() {
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    let run = beside(&db, REFILL, db.sync().while_writing()).await;
    assert_eq!(run.table("inc").inserted, 2000, "{run}");
    for table in NAMES {
        db.assert_same(table).await;
    }
}

#[tokio::test]
async fn a_source_whose_only_table_is_being_refilled_is_not_taken_for_the_wrong_one() {
    let db = Pair::with("create table cmp (id int primary key, n int)").await;
    db.source("insert into cmp select i, 0 from generate_series(1, 2000) i").await;
    db.sync().await.expect_ok();
    let refill = "begin; truncate cmp; insert into cmp select i, 1 from generate_series(1, 2000) i";
    let run = beside(&db, refill, db.sync().while_writing()).await;
    run.expect_changes("cmp", (0, 2000, 0));
    db.assert_same("cmp").await;
}

#[tokio::test]
async fn a_table_that_is_rewritten_during_a_run_is_read_as_it_is_then() {
    let db = Pair::with("create table cmp (id int primary key, n int)").await;
    db.source("insert into cmp select i, 0 from generate_series(1, 2000) i").await;
    db.sync().await.expect_ok();
    db.target("alter table cmp alter n type bigint").await;
    let rewrite = "begin; alter table cmp alter n type bigint using n + 1";
    let run = beside(&db, rewrite, db.sync().while_writing().arg("-force")).await;
    run.expect_changes("cmp", (0, 2000, 0));
    db.assert_same("cmp").await;
}

#[tokio::test]
async fn a_table_that_is_dropped_during_a_run_is_no_part_of_it() {
    let db =
        Pair::with("create table one (id int primary key); create table two (id int primary key)")
            .await;
    db.source("insert into one values (1); insert into two values (1)").await;
    for target in ["", "insert into one values (2)"] {
        db.target(target).await;
        let run = beside(&db, "begin; drop table two", db.sync().while_writing()).await;
        run.expect_tables(&["one"]);
        db.assert_same("one").await;
        db.source("create table two (id int primary key)").await;
    }
}

#[tokio::test]
async fn a_table_that_is_emptied_all_the_time_fails_alone_and_the_others_are_finished() {
    let db = Pair::fresh().await;
    db.source("create table hot (id int primary key); create table parent (id int primary key);
        create table child (id serial primary key, parent int references parent);
        insert into parent values (1); insert into child (parent) select 1 from generate_series(1, 500)").await;
    let writer = db.source_session().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let emptying = tokio::spawn(async move {
        while !*stopped.borrow() {
            writer.run("truncate hot; select pg_sleep(0.01)").await;
        }
    });
    for changes in ["select", "insert into child (parent) values (1)"] {
        db.source(changes).await;
        let run = db.sync().while_writing().args(&["-retries", "2"]).start().end().await;
        let run = run.expect_exit(1).expect_failed("hot", &["TRUNCATE"]);
        assert_eq!(run.json["retries"], 2, "{run}");
        for table in ["parent", "child"] {
            assert_eq!(run.table(table).status, "success", "{table} in {run}");
            db.assert_same(table).await;
        }
        let keys = "select count(*) from pg_constraint where contype = 'f'";
        assert_eq!(db.target_value(keys).await, "1");
        let last = db.source_value("select last_value from child_id_seq").await;
        assert_eq!(db.target_value("select last_value from child_id_seq").await, last);
    }
    stop.send(true).expect("it is being emptied");
    emptying.await.expect("it was emptied to the end");
    db.settle().await;
}
