//! Tables that are emptied and filled again, or rewritten, while a run is under way: an older snapshot
//! finds no row in them, though there was never a moment without. And partitions that come, go or move:
//! a read finds those of its own time, and in them the rows of the snapshot.

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
        // Nobody has lost a session: the run lets go of the snapshot.
        let run = run.expect_unsaid("session that held the snapshot");
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

/// Two partitioned tables with rows, of which the target is a plain copy: it takes any row.
async fn partitioned() -> Pair {
    let db = Pair::fresh().await;
    db.source(
        "create table live (id int, k int, v text, primary key (id, k)) partition by list (k);
         create table live_1 partition of live for values in (1);
         create table live_2 partition of live for values in (2);
         create table old (id int, k int, v text, primary key (id, k)) partition by list (k);
         create table old_0 partition of old for values in (0);
         create table filled (id int, k int not null, v text, primary key (id, k));
         insert into live select g, 1 + g % 2, 'x' from generate_series(1, 2000) g;
         insert into old select g, 0, 'x' from generate_series(1, 3000) g;
         insert into filled select g, 3, 'x' from generate_series(5001, 5400) g; analyze",
    )
    .await;
    db.target(
        "create table live (id int, k int, v text, primary key (id, k));
         create table old (id int, k int, v text, primary key (id, k));
         create table filled (id int, k int, v text, primary key (id, k))",
    )
    .await;
    db.sync().await.expect_ok();
    db
}

/// Both tables are what they are after the move, and the run has noticed it.
async fn expect_moved(db: &Pair, run: &crate::support::Outcome) {
    assert_ne!(run.json["retries"], 0, "{run}");
    for table in ["live", "old"] {
        db.assert_same(table).await;
    }
}

/// The same as `beside`, where the definitions of both sides differ: they are read before the tables,
/// which waits for the table that is held without asking for its lock.
async fn beside_definitions(db: &Pair, changes: &str, sync: Sync<'_>) -> crate::support::Outcome {
    let writer = db.source_session().await;
    writer.run(changes).await;
    let run = sync.start();
    db.source.until(SNAPSHOT).await;
    writer.run("commit").await;
    run.end().await.expect_ok()
}

/// Whether a run has taken its snapshot.
const SNAPSHOT: &str =
    "select exists (select from pg_stat_activity where datname = current_database()
    and application_name = 'pgsync' and state = 'idle in transaction')";

const MOVES: [&str; 5] = [
    "alter table live detach partition live_1; alter table old attach partition live_1 for values in (1)",
    "alter table live detach partition live_1",
    "alter table live attach partition filled for values in (3)",
    "alter table live detach partition live_1; alter table live_1 rename to live_1_old;
     create table live_1 partition of live for values in (1)",
    "alter table live rename to live_before; alter table old rename to live;
     alter table live_before rename to old",
];

#[tokio::test]
async fn a_partition_that_is_moved_while_a_run_waits_is_where_it_is_then() {
    for moves in MOVES {
        let db = partitioned().await;
        // Changed rows, so that both tables are read beyond the look at them.
        db.source(
            "update live set v = 'y' where id % 7 = 0; update old set v = 'y' where id % 7 = 0",
        )
        .await;
        let moves = format!("begin; lock table live in access exclusive mode; {moves}");
        let sync = db.sync().while_writing().parallel(1).exclude("filled,live_1*");
        let run = beside_definitions(&db, &moves, sync).await;
        expect_moved(&db, &run).await;
    }
}

#[tokio::test]
async fn a_partition_that_moves_during_a_first_copy_is_copied_once() {
    for moves in MOVES {
        let db = partitioned().await;
        db.target("truncate live, old").await;
        let moves = format!("begin; lock table live in access exclusive mode; {moves}");
        let sync = db.sync().while_writing().exclude("filled,live_1*");
        let run = beside_definitions(&db, &moves, sync).await;
        expect_moved(&db, &run).await;
    }
}

/// Attaching locks against writers only: it comes between two reads of one table.
#[tokio::test]
async fn a_filled_table_that_is_attached_between_two_reads_of_its_parent_is_noticed() {
    let db = partitioned().await;
    db.source("update live set v = 'y' where id % 7 = 0").await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table live in exclusive mode").await;
    let run = db.sync().while_writing().parallel(1).include("live,old").start();
    db.until_blocked().await;
    db.source("alter table live attach partition filled for values in (3)").await;
    blocker.run("commit").await;
    let run = run.end().await.expect_ok();
    expect_moved(&db, &run).await;
}

#[tokio::test]
async fn a_partition_that_is_detached_concurrently_is_where_it_is_then() {
    let db = partitioned().await;
    if !db.has(14, "detach concurrently").await {
        return;
    }
    db.source("update live set v = 'y' where id % 7 = 0; update old set v = 'y' where id % 7 = 0")
        .await;
    // Held by another, the first table makes the run wait with its snapshot taken.
    let holder = db.source_session().await;
    holder.run("begin; lock table filled in access exclusive mode").await;
    let run = db.sync().while_writing().parallel(1).start();
    db.source.until(SNAPSHOT).await;
    db.source("alter table live detach partition live_1 concurrently").await;
    db.source("drop table live_1").await;
    holder.run("commit").await;
    let run = run.end().await.expect_ok();
    expect_moved(&db, &run).await;
}

/// An interrupted one leaves the partition half detached: no read shows it, and no run waits for it.
#[tokio::test]
async fn a_partition_that_is_half_detached_holds_no_run_up() {
    let db = partitioned().await;
    if !db.has(14, "detach concurrently").await {
        return;
    }
    let reader = db.source_session().await;
    reader.run("begin; select count(*) from live").await;
    let other = db.source_session().await;
    let detaching = tokio::spawn(async move {
        other.try_run("set lock_timeout = '1s'; select 1").await.expect("a setting");
        other.try_run("alter table live detach partition live_1 concurrently").await
    });
    assert!(detaching.await.expect("the task ends").is_err(), "it waits for the reader in vain");
    reader.run("commit").await;
    let pending = "select count(*) from pg_inherits where inhdetachpending";
    assert_eq!(db.source_value(pending).await, "1");
    let run = db.sync().await.expect_ok();
    assert_eq!(run.json["retries"], 0, "{run}");
    db.assert_same("live").await;
}

/// The source's catalog is read in the snapshot, and what it names is another thing when it is read.
#[tokio::test]
async fn a_table_that_is_altered_or_renamed_during_a_run_is_read_as_it_is_then() {
    let alterations = [
        "alter table two rename n to m",
        "alter table two drop n",
        "alter table two rename to other",
        "alter table two set schema elsewhere",
        "alter table two alter n type text",
        "alter type mood rename to humour; alter table two rename column mood to humour",
        "drop table two; create view two as select 1 as id",
    ];
    for alteration in alterations {
        for rows in [10, 30000] {
            let db = Pair::with(
                "create schema elsewhere; create type mood as enum ('sad', 'glad');
                create table one (id int primary key); create table two (id int primary key, n int, mood mood)",
            )
            .await;
            let fill = format!(
                "insert into two select i, i, 'sad' from generate_series(1, {rows}) i; analyze"
            );
            db.source(&fill).await;
            db.source("insert into one values (1)").await;
            db.sync().await.expect_ok();
            db.source("update two set n = n + 1; insert into one values (2)").await;
            let changes = format!("begin; {alteration}");
            let writer = db.source_session().await;
            writer.run(&changes).await;
            let run = db.sync().while_writing().start();
            let waiting =
                "select exists (select from pg_stat_activity where datname = current_database()
                and application_name = 'pgsync' and wait_event_type = 'Lock')";
            db.source.until(waiting).await;
            writer.run("commit").await;
            let run = run.end().await;
            assert_ne!(run.json["retries"], 0, "{alteration}: {run}");
            // What the target has otherwise is a failure by name, or none.
            db.assert_same("one").await;
            if run.status == 0 && alteration.contains("drop n") {
                db.assert_same("two").await;
            }
        }
    }
}

/// A session that reads the sequence holds it, and TRUNCATE holds the table that we read.
#[tokio::test]
async fn a_table_whose_sequence_is_started_again_does_not_wait_for_a_run_that_waits_for_it() {
    let db = Pair::with(
        "create table one (id serial primary key, n int); create table two (id int generated always as identity primary key, n int);
        create sequence free; create table three (id bigint default nextval('free') primary key, n int)",
    )
    .await;
    for table in ["one", "two", "three"] {
        db.source(&format!("insert into {table} (n) select 0 from generate_series(1, 2000) i"))
            .await;
    }
    db.sync().await.expect_ok();
    // The run holds its snapshot, and waits for somebody else on the target.
    let blocker = db.target_session().await;
    blocker.run("begin; lock table one, two, three in exclusive mode").await;
    db.source("update one set n = 1; update two set n = 1; update three set n = 1").await;
    let run = db.sync().while_writing().parallel(1).start();
    db.until_blocked().await;
    let held = "select count(*)::int from pg_locks l join pg_class c on c.oid = l.relation join pg_stat_activity a using (pid)
        where a.application_name = 'pgsync' and a.datname = current_database() and c.relkind = 'S'";
    assert_eq!(db.source_value(held).await, "0", "no sequence is held");
    blocker.run("rollback").await;
    run.end().await.expect_ok();
    // One that is held when the run begins is not waited for.
    let writer = db.source_session().await;
    writer.run("begin; alter sequence free restart with 5000").await;
    db.sync().while_writing().args(&["-lock-timeout", "300ms", "-retries", "0"]).await.expect_ok();
    writer.run("commit").await;
    db.settle().await;
}
