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
    // Another database of the same server has a table of the same name.
    let elsewhere = Pair::with(TABLES).await;
    let (other, others_blocker) = held(&elsewhere).await;
    let (first, blocker) = held(&db).await;
    let begun = std::time::Instant::now();
    let second = db.sync().while_writing().await.expect_exit(4);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "at once, not {second}");
    let keeper = "select a.pid || '|' || to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')
        from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and a.datname = current_database() order by a.backend_start limit 1";
    let keeper = db.target_value(keeper).await;
    let (pid, since) = keeper.split_once('|').expect("two values");
    let words = [
        "public.one",
        "another run",
        &format!("server process {pid} on the target, role "),
        "from 127.0.0.1 since",
        since,
    ];
    words.into_iter().fold(second, |run, text| run.expect_said(text));
    blocker.run("rollback").await;
    first.end().await.expect_ok();
    others_blocker.run("rollback").await;
    other.end().await.expect_ok();
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
        let pid = side.value("select pg_backend_pid()").await;
        let end = format!("that role or a superuser: select pg_terminate_backend({pid})");
        let run = run.await.expect_exit(1).expect_failed("one", &["lock timeout", "55P03", &end]);
        assert_eq!(run.table("one").retries, 1, "{run}");
        db.assert_same("two").await;
        side.run("rollback").await;
    }
    db.settle().await;
}

#[tokio::test]
async fn a_table_whose_definition_cannot_be_changed_for_a_lock_fails_alone_and_names_who_holds_it()
{
    let db = Pair::with(TABLES).await;
    db.settle().await;
    db.source(
        "alter table one add more text; insert into one values (1); insert into two values (2)",
    )
    .await;
    let reader = db.target_session().await;
    reader.run("begin; select count(*) from one").await;
    let pid = reader.value("select pg_backend_pid()").await;
    let run = db.sync().while_writing().args(&["-lock-timeout", "50ms", "-retries", "1"]);
    let run = run.await.expect_exit(1);
    let holder = format!("process {pid} of role postgres");
    let end = format!(
        "holds a lock on public.one: run pgsync again when that transaction has ended; to end it, run on the target as \
         that role or a superuser: select pg_terminate_backend({pid})"
    );
    run.expect_failed("one", &["lock timeout", &holder, ", idle in transaction since 20", &end]);
    db.assert_same("two").await;
    reader.run("rollback").await;
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
        "select exists (select from pg_locks where not granted and relation = 'one'::regclass and pid is distinct from {first})"
    );
    db.target.until(&again).await;
    blocker.run("rollback").await;
    let run = run.end().await.expect_ok();
    assert!(run.table("one").retries >= 1, "{run}");
    run.expect_said("lock timeout");
    db.assert_all_same().await;
}

/// Returns once no run holds a lock of a table of the source.
async fn until_let_go(db: &Pair, table: &str) {
    let free = format!(
        "select not exists (select from pg_locks l join pg_stat_activity a using (pid)
        where a.application_name = 'pgsync' and l.relation = '{table}'::regclass)"
    );
    db.source.until(&free).await;
}

#[tokio::test]
async fn a_table_of_the_source_is_let_go_when_it_is_done_and_not_at_the_end_of_the_run() {
    let tables = "create table one (id int primary key, n int, updated_at timestamptz); create table two (id int primary key, n int)";
    let db = Pair::with(tables).await;
    db.source("insert into one values (1, 0, now()); insert into two values (2, 0)").await;
    let changes = [
        "select",
        "update two set n = n + 1",
        "update one set n = n + 1, updated_at = now(); update two set n = n + 1",
        "insert into two select i, 0 from generate_series(3, 30000) i; analyze two",
        "update two set n = n + 1",
    ];
    for change in changes {
        db.source(change).await;
        let blocker = db.target_session().await;
        blocker.run("begin; lock table two in exclusive mode").await;
        let run = db.sync().while_writing().parallel(1).start();
        db.until_blocked().await;
        until_let_go(&db, "one").await;
        db.source("set lock_timeout = '5s'; truncate one; insert into one values (1, 0, now())")
            .await;
        blocker.run("rollback").await;
        let run = run.end().await.expect_ok();
        assert_eq!(run.json["retries"], 0, "{run} after {change}");
        db.settle().await;
    }
}

const WAITS_FOR_US: &str = "create function wait() returns event_trigger language plpgsql as 'begin perform pg_advisory_xact_lock(1); end';
    create event trigger wait on ddl_command_start when tag in ('CREATE INDEX', 'ALTER TABLE') execute function wait();
    alter event trigger wait enable always";

/// The log is made: what waits from here on are statements about tables.
async fn with_log() -> Pair {
    let db = Pair::with("create table other (id int primary key)").await;
    db.settle().await;
    db
}

#[tokio::test]
async fn nothing_of_the_source_is_held_while_indexes_and_foreign_keys_are_made() {
    let db = with_log().await;
    let tables = "create table one (id int primary key, n int); create index on one (n);
        create table two (id int primary key, one int references one); create index on two (one)";
    db.source(tables).await;
    db.source("insert into one select i, i from generate_series(1, 20000) i; insert into two select i, i from generate_series(1, 20000) i")
        .await;
    let blocker = db.target_session().await;
    for kind in ["index", "foreign key"] {
        blocker.run("begin; select pg_advisory_xact_lock(1)").await;
        db.target(WAITS_FOR_US).await;
        let run = db.sync().while_writing().start();
        db.until_blocked().await;
        let gone = "select not exists (select from pg_stat_activity where datname = current_database()
            and application_name = 'pgsync' and (backend_xmin is not null or xact_start is not null))";
        db.source.until(gone).await;
        assert_eq!(db.target_value("select count(*) from two").await, "20000", "{kind}");
        blocker.run("rollback").await;
        run.end().await.expect_ok();
        db.assert_all_same().await;
        db.target("drop event trigger wait; drop function wait; alter table two drop constraint two_one_fkey").await;
    }
}

#[tokio::test]
async fn what_fails_after_the_last_row_is_tried_again_without_reading_the_source_again() {
    let db = with_log().await;
    db.source("create table one (id int primary key, n int); create index on one (n); insert into one select i, i from generate_series(1, 20000) i")
        .await;
    let blocker = db.target_session().await;
    blocker.run("begin; select pg_advisory_xact_lock(1)").await;
    db.target(WAITS_FOR_US).await;
    let run = db.sync().while_writing().args(&["-lock-timeout", "200ms", "-retries", "20"]).start();
    db.until_blocked().await;
    let none = "select not exists (select from pg_stat_activity where datname = current_database() and application_name = 'pgsync')";
    db.source.until(none).await;
    blocker.run("rollback").await;
    let run = run.end().await.expect_ok();
    assert_eq!(run.json["retries"], 0, "no other round, {run}");
    db.assert_same("one").await;
}

/// Parents are written before their children here, and lose their vanished rows after them.
#[tokio::test]
async fn the_time_of_a_parent_does_not_contain_the_wait_for_its_children() {
    let db = Pair::with(
        "create table parent (id int primary key, n int);
        create table child (id int primary key, parent int references parent)",
    )
    .await;
    db.source("insert into parent values (1, 1), (2, 2); insert into child values (1, 1)").await;
    let writer = db.target_writer().await;
    db.sync().target_role(&writer).await.expect_ok();
    db.source("delete from parent where id = 2; update parent set n = 3").await;
    db.source("update child set id = 2").await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table child in exclusive mode").await;
    let run = db.sync().while_writing().target_role(&writer).start();
    let long = "select exists (select from pg_stat_activity where datname = current_database() and application_name = 'pgsync'
        and wait_event_type = 'Lock' and clock_timestamp() - query_start > interval '3 s')";
    db.target.until(long).await;
    blocker.run("rollback").await;
    let run = run.end().await.expect_ok();
    let seconds = |name: &str| {
        let tables = run.json["tables"].as_array().cloned().unwrap_or_default();
        let table = tables.into_iter().find(|table| table["table"] == name);
        table.and_then(|table| table["elapsed_seconds"].as_f64()).expect("a table has its time")
    };
    assert_eq!(run.table("parent").changes(), (0, 1, 1), "{run}");
    assert!(seconds("child") > 3.0 && seconds("parent") < seconds("child") - 1.5, "{run}");
}

#[tokio::test]
async fn when_a_run_has_ended_its_locks_are_free_at_once() {
    let db = Pair::with("create table item (id int primary key)").await;
    let session = db.target_session().await;
    let held = "select count(*) from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())";
    for _ in 0..5 {
        db.sync().await.expect_ok();
        assert_eq!(session.value(held).await, "0");
    }
}
