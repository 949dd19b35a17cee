//! A transaction that commits after a run carries the time of its start, which the run has already
//! passed. Without an overlap only the horizon keeps its rows from being lost for ever.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{OwnServer, Pair, Session, bin_folder, pgsync};

async fn items(kind: &str) -> Pair {
    let table = format!("create table item (id int primary key, name text, updated_at {kind})");
    let db = Pair::with(&table).await;
    db.source("insert into item select i, 'n', '2024-01-01' from generate_series(1, 10) i").await;
    db
}

const EARLY: &str = "begin; update item set name = 'early', updated_at = now() where id = 1";
const OVERTAKING: &str = "update item set name = 'overtaking', updated_at = now() where id = 2";

#[tokio::test]
async fn an_update_that_commits_after_the_run_arrives_with_the_next() {
    for kind in ["timestamptz", "timestamp", "date"] {
        let db = items(kind).await;
        db.sync().no_overlap().await.expect_ok();
        let early = db.source_session().await;
        early.run(EARLY).await;
        db.source(OVERTAKING).await;
        db.sync().no_overlap().await.expect_ok().expect_changes("item", (0, 1, 0));
        early.run("commit").await;
        db.sync().no_overlap().await.expect_ok().expect_changes("item", (0, 1, 0));
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn an_insert_that_commits_after_the_run_arrives_with_the_next() {
    let db = items("timestamptz").await;
    db.sync().no_overlap().await.expect_ok();
    let early = db.source_session().await;
    early.run("begin; insert into item values (11, 'early', now())").await;
    db.source("insert into item values (12, 'overtaking', now())").await;
    db.sync().no_overlap().await.expect_ok();
    early.run("commit").await;
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn an_update_that_commits_after_the_first_copy_arrives_with_the_next_run() {
    let db = items("timestamptz").await;
    let early = db.source_session().await;
    early.run(EARLY).await;
    db.source(OVERTAKING).await;
    db.sync().no_overlap().await.expect_ok().expect_strategy("item", "copy");
    early.run("commit").await;
    db.sync().no_overlap().await.expect_ok().expect_strategy("item", "incremental");
    db.assert_same("item").await;
}

#[tokio::test]
async fn an_update_that_commits_after_a_comparison_arrives_with_the_next_run() {
    let db = items("timestamptz").await;
    db.target("insert into item values (1, 'other', '2020-01-01')").await;
    let early = db.source_session().await;
    early.run(EARLY).await;
    db.source(OVERTAKING).await;
    db.sync().no_overlap().await.expect_ok().expect_strategy("item", "compare");
    early.run("commit").await;
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_transaction_that_has_not_written_yet_counts_too() {
    let db = items("timestamptz").await;
    db.sync().no_overlap().await.expect_ok();
    let early = db.source_session().await;
    early.run("begin; select now()").await;
    db.source(OVERTAKING).await;
    db.sync().no_overlap().await.expect_ok();
    early.run("update item set name = 'early', updated_at = now() where id = 1; commit").await;
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn an_update_that_stays_open_for_several_runs_arrives() {
    let db = items("timestamptz").await;
    let early = db.source_session().await;
    early.run(EARLY).await;
    for id in 2..6 {
        let name = format!("update item set name = 'run {id}', updated_at = now() where id = {id}");
        db.source(&name).await;
        db.sync().no_overlap().await.expect_ok();
    }
    early.run("commit").await;
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_role_that_cannot_see_other_transactions_is_told_so_and_loses_nothing() {
    let db = items("timestamptz").await;
    let reader = db.source_reader().await;
    db.sync().source_role(&reader).await.expect_ok();
    let early = db.source_session().await;
    early.run(EARLY).await;
    db.source(OVERTAKING).await;
    let run = db.sync().source_role(&reader).await.expect_ok();
    run.expect_note(&format!("grant pg_read_all_stats to {}", reader.name));
    early.run("commit").await;
    db.sync().source_role(&reader).await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_prepared_transaction_that_commits_after_the_run_arrives_with_the_next() {
    let db = items("timestamptz").await;
    db.sync().await.expect_ok();
    let name = &db.name;
    db.source_session().await.run(&format!("{EARLY}; prepare transaction '{name}'")).await;
    db.source(OVERTAKING).await;
    let run = db.sync().await.expect_ok();
    db.source(&format!("commit prepared '{name}'")).await;
    run.expect_note("prepared");
    db.sync().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_prepared_transaction_that_waits_for_several_runs_arrives() {
    let db = items("timestamptz").await;
    db.sync().no_overlap().await.expect_ok();
    let name = &db.name;
    db.source_session().await.run(&format!("{EARLY}; prepare transaction '{name}'")).await;
    for id in 2..5 {
        let name = format!("update item set name = 'run {id}', updated_at = now() where id = {id}");
        db.source(&name).await;
        let run = db.sync().no_overlap().await.expect_ok().expect_strategy("item", "incremental");
        run.expect_note("prepared");
    }
    db.source(&format!("commit prepared '{name}'")).await;
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
    db.source("update item set name = 'after', updated_at = now() where id = 9").await;
    db.sync().no_overlap().await.expect_ok().expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_transaction_that_was_prepared_before_the_first_run_arrives() {
    let db = items("timestamptz").await;
    let name = &db.name;
    db.source_session().await.run(&format!("{EARLY}; prepare transaction '{name}'")).await;
    db.source(OVERTAKING).await;
    db.sync().no_overlap().await.expect_ok();
    db.source(&format!("commit prepared '{name}'")).await;
    db.sync().no_overlap().await.expect_ok().expect_strategy("item", "compare");
    db.assert_same("item").await;
    db.sync().no_overlap().await.expect_unchanged().expect_strategy("item", "incremental");
}

#[tokio::test]
async fn prepared_transactions_are_no_matter_for_tables_without_a_timestamp() {
    let db = Pair::with("create table item (id int primary key, name text)").await;
    let name = &db.name;
    let prepare = format!("begin; insert into item values (1, 'a'); prepare transaction '{name}'");
    db.source_session().await.run(&prepare).await;
    let run = db.sync().await.expect_ok();
    assert!(run.notes().is_empty(), "{run}");
    db.source(&format!("rollback prepared '{name}'")).await;
}

#[tokio::test]
async fn an_update_by_a_replication_connection_that_commits_after_the_run_arrives() {
    let db = items("timestamptz").await;
    db.sync().no_overlap().await.expect_ok();
    let url = format!("{}?replication=database", db.source_url());
    let mut psql = Command::new(bin_folder("SOURCE").join("psql"));
    let psql = psql.args(["-qXd", &url]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut psql = psql.expect("psql is there");
    let mut input = psql.stdin.take().expect("its input is a pipe");
    writeln!(input, "{EARLY};").expect("psql listens");
    let open = "select exists (select from pg_stat_activity where datname = current_database()
        and backend_type = 'walsender' and state = 'idle in transaction' and backend_xid is not null)";
    db.source_session().await.until(open).await;
    db.source(OVERTAKING).await;
    db.sync().no_overlap().while_writing().await.expect_ok().expect_note("replication connection");
    writeln!(input, "commit;").expect("psql listens");
    drop(input);
    assert!(psql.wait().expect("psql ends").success());
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_procedure_that_has_committed_before_writes_the_time_of_its_call() {
    let db = items("timestamptz").await;
    if !db.has(11, "procedures").await {
        return;
    }
    db.source(
        "create procedure late() language plpgsql as $$ begin
           perform pg_advisory_xact_lock(1); commit; perform pg_advisory_xact_lock(2);
           update item set name = 'early', updated_at = statement_timestamp() where id = 1;
         end $$",
    )
    .await;
    db.sync().no_overlap().await.expect_ok();
    let (first, second) = (db.source_session().await, db.source_session().await);
    first.run("select pg_advisory_lock(1)").await;
    second.run("select pg_advisory_lock(2)").await;
    let caller = db.source_session().await;
    let call = tokio::spawn(async move { caller.run("call late()").await });
    let waits = |lock: u8| {
        format!("select exists (select from pg_locks where locktype = 'advisory' and objid = {lock}
            and not granted and database = (select oid from pg_database where datname = current_database()))")
    };
    first.until(&waits(1)).await;
    db.source(OVERTAKING).await;
    first.run("select pg_advisory_unlock(1)").await;
    first.until(&waits(2)).await;
    db.sync().no_overlap().while_writing().await.expect_ok();
    second.run("select pg_advisory_unlock(2)").await;
    call.await.expect("the procedure ends");
    db.sync().no_overlap().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn an_unknown_horizon_is_a_warning_only_where_timestamps_matter() {
    let db = Pair::with("create table item (id int primary key, name text)").await;
    let reader = db.source_reader().await;
    let _other = db.source_session().await;
    let run = db.sync().source_role(&reader).await.expect_ok();
    assert!(run.notes().is_empty(), "{run}");
    db.both("alter table item add updated_at timestamptz").await;
    let quiet = db.sync().plain().arg("-quiet").source_role(&reader).await.expect_ok();
    for word in ["pg_read_all_stats", "-overlap", "-reconcile"] {
        assert!(quiet.stderr.contains(word), "{word} in {quiet}");
    }
    let listed = pgsync(&["schema", "-source", &reader.url, "-target", &db.target_url()]).await;
    assert!(listed.stderr.contains("grant pg_read_all_stats to"), "{listed}");
}

#[tokio::test]
async fn what_commits_late_on_the_first_of_three_databases_reaches_the_last() {
    let (near, far) = (items("timestamptz").await, items("timestamptz").await);
    let to_far = || far.sync().source_url(near.target_url()).no_overlap();
    near.sync().no_overlap().await.expect_ok();
    to_far().await.expect_ok();
    let early = near.source_session().await;
    early.run(EARLY).await;
    near.source(OVERTAKING).await;
    near.sync().no_overlap().await.expect_ok();
    to_far()
        .await
        .expect_ok()
        .expect_strategy("item", "compare")
        .expect_note("runs of pgsync write");
    early.run("commit").await;
    // Nothing was written in between.
    to_far().await.expect_unchanged().expect_strategy("item", "incremental");
    near.sync().no_overlap().await.expect_ok();
    to_far().await.expect_ok().expect_changes("item", (0, 1, 0));
    let name = "select name from item where id = 1";
    assert_eq!(far.target_value(name).await, "early");
}

#[tokio::test]
async fn a_table_that_a_subscription_writes_is_compared() {
    let own = OwnServer::start("wal_level = logical");
    let publisher = Session::open(&own.url("postgres")).await;
    publisher.run("create database copy").await;
    let subscriber = Session::open(&own.url("copy")).await;
    let table = "create table item (id int primary key, name text, updated_at timestamptz);
        insert into item select i, 'n', '2024-01-01' from generate_series(1, 10) i";
    publisher.run(table).await;
    subscriber.run(table).await;
    publisher.run("create publication p for table item").await;
    publisher.run("select pg_create_logical_replication_slot('s', 'pgoutput')").await;
    subscriber
        .run(&format!(
            "create subscription s connection '{}' publication p with (create_slot = false, copy_data = false)",
            own.url("postgres")
        ))
        .await;
    let db =
        Pair::with("create table item (id int primary key, name text, updated_at timestamptz)")
            .await;
    let sync = || db.sync().source_url(own.url("copy")).no_overlap().while_writing();
    sync().await.expect_ok();
    let early = Session::open(&own.url("postgres")).await;
    early.run(EARLY).await;
    publisher.run(OVERTAKING).await;
    subscriber.until("select name = 'overtaking' from item where id = 2").await;
    sync().await.expect_ok().expect_note("a subscription writes public.item");
    early.run("commit").await;
    subscriber.until("select name = 'early' from item where id = 1").await;
    sync().await.expect_ok().expect_strategy("item", "compare");
    assert_eq!(db.target_value("select name from item where id = 1").await, "early");
    subscriber.run("drop subscription s").await;
}

#[tokio::test]
async fn parents_and_children_are_read_at_the_same_moment() {
    let db = Pair::with(
        "create table parent (id int primary key, updated_at timestamptz not null);
         create table child (id int primary key, parent_id int references parent, updated_at timestamptz not null)",
    )
    .await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table parent in exclusive mode").await;
    db.source("insert into parent values (1, now()); insert into child values (1, 1, now())").await;
    let run = db.sync().parallel(1).while_writing().start();
    let waiting = "select exists (select from pg_stat_activity where datname = current_database()
        and application_name = 'pgsync' and wait_event_type = 'Lock')";
    db.target.until(waiting).await;
    db.source("insert into parent values (2, now()); insert into child values (2, 2, now())").await;
    blocker.run("commit").await;
    tokio::task::spawn_blocking(|| run.finish().expect_ok()).await.expect("the run ends");
    assert_eq!(db.target_value("select count(*) from child").await, "1");
    db.settle().await;
}
