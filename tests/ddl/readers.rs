//! Readers of the target while definitions change: what looks at all rows of a table lets them through.

use crate::dump::assert_same_definitions;
use crate::support::{Pair, Running, Session};

/// Large enough to be worked on step by step.
const ROWS: &str = "alter table item alter body set storage plain;
    insert into item (id, code, body) select i, i, repeat('x', 1900) from generate_series(1, 9000) i; analyze item";

/// The target notes every statement that looked at rows of `item` while it shut its readers out. A key of
/// an index looks at the index alone.
const WATCH: &str = "create table seen (statement text, shuts_out bool);
    create function looked() returns bigint language sql as
        'select sum(pg_stat_get_xact_tuples_returned(oid))::bigint from pg_class where relname in (''item'', ''report'')';
    create function begins() returns event_trigger language plpgsql as
        'begin perform set_config(''test.looked'', public.looked()::text, true); end';
    create function ends() returns event_trigger language plpgsql as
        'begin
            insert into public.seen select current_query(), exists (select from pg_locks where pid = pg_backend_pid() and granted
                and mode = ''AccessExclusiveLock'' and relation in (to_regclass(''public.item''), to_regclass(''public.report'')))
            where public.looked() > coalesce(nullif(current_setting(''test.looked'', true), ''''), ''0'')::bigint;
        end';
    create event trigger begins on ddl_command_start when tag in ('ALTER TABLE', 'CREATE INDEX') execute procedure begins();
    create event trigger ends on ddl_command_end when tag in ('ALTER TABLE', 'CREATE INDEX') execute procedure ends();
    alter event trigger begins enable always; alter event trigger ends enable always";

async fn stop_watching(db: &Pair) {
    db.target("drop event trigger begins; drop event trigger ends; drop function begins(), ends(), looked(); drop table seen").await;
}

/// The statements that looked at rows, each with whether it shut readers out.
async fn seen(db: &Pair) -> Vec<String> {
    let seen = "select statement || case when shuts_out then ' SHUTS OUT' else '' end from seen order by 1";
    let seen = db.target_rows(seen).await.into_iter().flatten().flatten().collect();
    db.target("truncate seen").await;
    seen
}

/// Readers are let through by all of them, and each of `parts` is in one of them.
async fn lets_readers_through(db: &Pair, parts: &[&str]) {
    let seen = seen(db).await;
    assert!(seen.iter().all(|statement| !statement.ends_with("SHUTS OUT")), "{seen:#?}");
    for part in parts {
        assert!(seen.iter().any(|statement| statement.contains(part)), "{part} in {seen:#?}");
    }
}

#[tokio::test]
async fn keys_checks_and_columns_of_a_large_table_are_made_while_others_read_it() {
    let db = Pair::fresh().await;
    db.target(WATCH).await;
    db.source("create table item (id int primary key, code int not null, body text, constraint once unique (code) deferrable initially deferred)").await;
    db.source(ROWS).await;
    db.sync().await.expect_ok();
    lets_readers_through(&db, &["unique index \"item_pkey\"", "unique index \"once\""]).await;

    db.source("alter table item add n int, add m int; update item set n = id, m = id; alter table item alter n set not null,
        add unique (n), add constraint positive check (m > 0); alter table item drop constraint item_pkey; alter table item add constraint other primary key (m, id)")
        .await;
    db.target("alter table item drop constraint item_pkey").await;
    db.sync().await.expect_ok();
    if db.has(12, "a proof that a column holds no NULL").await {
        let parts = [
            "index \"item_n_key\"",
            "index \"other\"",
            "validate constraint \"positive\"",
            "validate constraint \"pgsync_not_null_",
        ];
        lets_readers_through(&db, &parts).await;
    }
    stop_watching(&db).await;
    assert_same_definitions(&db).await;
    db.sync().await.expect_unchanged().expect_unsaid("on the target");
}

#[tokio::test]
async fn what_a_reset_makes_in_the_place_of_the_old_lets_readers_through() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, code int not null, body text, constraint once unique (code), constraint small check (code < 10000))").await;
    db.source(ROWS).await;
    db.settle().await;
    db.target(WATCH).await;
    db.source("alter table item drop constraint once, add constraint once unique (code, id), drop constraint small, add constraint small check (code < 20000)").await;
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    lets_readers_through(&db, &["unique index \"once\"", "validate constraint \"small\""]).await;
    db.target("create table report (item int constraint up references item (id)); insert into report select generate_series(1, 9000); truncate seen").await;
    db.source("alter table item alter code type bigint").await;
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    lets_readers_through(&db, &["validate constraint up"]).await;
    let valid = "select convalidated from pg_constraint where conname = 'up'";
    assert_eq!(db.target_value(valid).await, "t");
    db.target("drop table report").await;
    stop_watching(&db).await;
    db.assert_same("item").await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_reset_whose_rows_another_table_of_the_target_refers_to_in_vain_changes_nothing() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v int); insert into item select i, i from generate_series(1, 9) i").await;
    db.settle().await;
    db.target("create table report (item int constraint up references item (id)); insert into report values (7)").await;
    db.source("alter table item alter v type text; delete from item where id = 7").await;
    let run = db.sync().args(&["-ddl", "reset"]).await.expect_exit(1);
    run.expect_failed("item", &["public.report", "\"up\"", "the source does not have"]);
    assert_eq!(db.target_value("select count(v + 0) from item").await, "9");
    db.target("delete from report").await;
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_column_with_another_default_for_each_row_is_added_without_a_rewrite() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id int primary key); insert into item select generate_series(1, 100)",
    )
    .await;
    db.settle().await;
    let file = "select pg_relation_filenode('item')";
    let before = db.target_value(file).await;
    db.source("alter table item add n bigserial, add r float8 not null default random()").await;
    db.sync().await.expect_ok();
    assert_eq!(db.target_value(file).await, before);
    db.assert_same("item").await;
    assert_same_definitions(&db).await;
    db.sync().await.expect_unchanged();
}

/// Statements of a sort wait for somebody who holds advisory lock 1.
async fn hold_up(db: &Pair, pattern: &str) -> Session {
    let blocker = db.target_session().await;
    blocker.run("begin; select pg_advisory_xact_lock(1)").await;
    db.target(&format!(
        "create function wait() returns event_trigger language plpgsql as
            'begin if current_query() ~ ''{pattern}'' then perform pg_advisory_xact_lock(1); end if; end';
        create event trigger wait on ddl_command_start when tag in ('ALTER TABLE') execute procedure wait();
        alter event trigger wait enable always"
    ))
    .await;
    blocker
}

/// Not any lock: copies wait for one another while they make a table longer.
async fn until_held_up(db: &Pair) {
    let held_up = "select exists (select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database()))";
    db.target.until(held_up).await;
}

/// Ends the run and its sessions, which have the end of their transaction already.
async fn kill(db: &Pair, run: Running, blocker: Session) {
    run.signal("KILL");
    assert_eq!(run.end().await.status, 137);
    db.target("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'pgsync'").await;
    db.until_no_sessions().await;
    blocker.run("rollback").await;
    db.target("drop event trigger wait; drop function wait()").await;
}

#[tokio::test]
async fn a_run_goes_on_with_the_index_of_a_key_that_a_killed_one_built() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, code int not null, body text)").await;
    db.source(ROWS).await;
    let blocker = hold_up(&db, "using index").await;
    let run = db.sync().start();
    until_held_up(&db).await;
    let index = "select relfilenode from pg_class where relname = 'item_pkey'";
    let built = db.target_value(index).await;
    kill(&db, run, blocker).await;
    let run = db.sync().arg("-dry-run").await.expect_ok();
    run.expect_note("would create constraint item_pkey of public.item: alter table only \"public\".\"item\" add constraint \"item_pkey\" primary key using index");
    db.sync().await.expect_ok().expect_unsaid("only on the target");
    assert_eq!(db.target_value(index).await, built);
    db.assert_same("item").await;
    assert_same_definitions(&db).await;
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn what_a_killed_run_left_to_prove_a_column_is_used_or_dropped() {
    let db = Pair::fresh().await;
    if !db.has(12, "a proof that a column holds no NULL").await {
        return;
    }
    db.source("create table item (id int primary key, code int not null, body text)").await;
    db.source(ROWS).await;
    db.settle().await;
    for goes_on in [true, false] {
        db.source("alter table item add n int; update item set n = id; alter table item alter n set not null").await;
        let blocker = hold_up(&db, "validate constraint").await;
        let run = db.sync().start();
        until_held_up(&db).await;
        kill(&db, run, blocker).await;
        let left = "select count(*) from pg_constraint where conname ~ 'pgsync'";
        assert_eq!(db.target_value(left).await, "1");
        if !goes_on {
            db.source("alter table item alter n drop not null; update item set n = null").await;
        }
        db.sync().await.expect_ok();
        db.assert_same("item").await;
        assert_same_definitions(&db).await;
        db.sync().await.expect_unchanged();
        db.source("alter table item drop n").await;
        db.target("alter table item drop n").await;
    }
}
