//! Tables that inherit: what `select * from parent` shows is the same on both sides, or the parent fails
//! by name and keeps its rows.

use crate::support::{Outcome, Pair, pgsync};

/// A parent with rows of its own and a child, alike on both sides, with one more row on the source.
async fn family() -> Pair {
    let db = Pair::with(
        "create table log (id int primary key, v text); create table log_2024 (primary key (id)) inherits (log);
         insert into log values (1, 'own'); insert into log_2024 values (2, 'child')",
    )
    .await;
    db.source("insert into log values (3, 'new')").await;
    db
}

/// The parent has failed with these words, and nothing of it has changed.
async fn expect_left_alone(db: &Pair, run: Outcome, texts: &[&str]) {
    run.expect_exit(1).expect_failed("log", texts);
    assert_eq!(
        db.target_value("select string_agg(id::text, ' ' order by id) from only log").await,
        "1"
    );
}

#[tokio::test]
async fn a_parent_whose_child_is_left_out_fails_by_name() {
    let db = family().await;
    let run = db.sync().exclude("log_2024").await;
    expect_left_alone(&db, run, &["public.log_2024", "select it too, or exclude public.log"]).await;
    let run = db.sync().include("log").await;
    expect_left_alone(&db, run, &["public.log_2024"]).await;
    db.sync().exclude("log").await.expect_ok().expect_tables(&["log_2024"]);
    db.sync().await.expect_ok();
    db.assert_all_same().await;
}

/// Only what differs is chosen for a repair.
#[tokio::test]
async fn a_parent_is_repaired_though_its_child_is_equal() {
    let db = family().await;
    let (source, target) = (db.source_url(), db.target_url());
    let verify = pgsync(&["verify", "-repair", "-source", &source, "-target", &target]);
    verify.await.expect_exit(0).expect_said("log");
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_parent_with_a_child_in_another_schema_fails_by_name_unless_that_is_selected_too() {
    let db = family().await;
    for side in [&db.source, &db.target] {
        side.run("create schema old; alter table log_2024 set schema old").await;
    }
    let run = db.sync().await;
    expect_left_alone(&db, run, &["old.log_2024", "add old to -schema, or exclude public.log"])
        .await;
    db.sync().schema("public,old").await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_parent_with_a_foreign_child_fails_by_name() {
    let db = family().await;
    db.source(
        "create foreign data wrapper none; create server nowhere foreign data wrapper none;
         create foreign table far () inherits (log) server nowhere",
    )
    .await;
    let run = db.sync().await;
    expect_left_alone(&db, run, &["public.far is a foreign table", "exclude public.log"]).await;
}

/// PostgreSQL shows the rows of a temporary child to the session that made it, and to nobody else.
#[tokio::test]
async fn a_temporary_child_of_another_session_is_not_looked_at() {
    let db = family().await;
    let other = db.source_session().await;
    other
        .run("create temp table mine () inherits (log); insert into mine values (9, 'temporary')")
        .await;
    db.sync().while_writing().await.expect_ok();
    assert_eq!(db.target_value("select count(*) from log").await, "3");
}

#[tokio::test]
async fn every_parent_above_a_child_that_is_left_out_fails() {
    let db = Pair::fresh().await;
    db.source(
        "create table log (id int primary key); create table mid (primary key (id)) inherits (log);
         create table low (primary key (id)) inherits (mid); create table side (primary key (id)) inherits (log);
         insert into low values (1)",
    )
    .await;
    let run = db.sync().exclude("low").await.expect_exit(1);
    let run = run.expect_failed("log", &["public.low"]).expect_failed("mid", &["public.low"]);
    // Its parent is made for it, and gets no rows.
    assert_eq!(run.table("side").status, "success", "{run}");
    assert_eq!(db.target_value("select count(*) from log").await, "0");
    db.settle().await;
}

#[tokio::test]
async fn a_child_with_two_parents_is_missed_by_both() {
    let db = Pair::with(
        "create table log (id int primary key); create table other (id int primary key);
         create table both_s (primary key (id)) inherits (log, other)",
    )
    .await;
    db.source("insert into both_s values (1)").await;
    let run = db.sync().exclude("both_s").await.expect_exit(1);
    run.expect_failed("log", &["public.both_s"]).expect_failed("other", &["public.both_s"]);
    db.settle().await;
}

#[tokio::test]
async fn a_child_that_only_the_target_has_is_named_with_the_statement_that_parts_it() {
    let db = family().await;
    db.sync().await.expect_ok();
    db.source("alter table log_2024 no inherit log; insert into log values (4, 'later')").await;
    let run = db.sync().await.expect_exit(1);
    let statement = "alter table \"public\".\"log_2024\" no inherit \"public\".\"log\"";
    run.expect_failed("log", &["not on the source, so that reads of it show more rows", statement]);
    assert_eq!(db.target_value("select count(*) from only log").await, "2");
    db.target(statement).await;
    db.settle().await;

    db.target("create table own (primary key (id)) inherits (log)").await;
    db.sync().await.expect_exit(1).expect_failed("log", &["public.own"]);
}

#[tokio::test]
async fn a_child_that_does_not_inherit_on_the_target_is_named_with_the_statement_that_joins_it() {
    let db = family().await;
    db.target("alter table log_2024 no inherit log").await;
    let run = db.sync().await;
    let statement = "alter table \"public\".\"log_2024\" inherit \"public\".\"log\"";
    expect_left_alone(&db, run, &["reads of it show fewer rows there", statement]).await;
    db.target(statement).await;
    db.settle().await;
}

#[tokio::test]
async fn a_parent_that_the_target_partitions_in_place_of_its_children_fails_by_name() {
    let db = Pair::fresh().await;
    db.source(
        "create table log (id int primary key, v text); create table log_1 (primary key (id)) inherits (log);
         insert into log_1 values (1, 'x')",
    )
    .await;
    db.target(
        "create table log (id int primary key, v text) partition by range (id);
         create table log_1 partition of log default; insert into log values (1, 'x')",
    )
    .await;
    db.sync().await.expect_exit(1).expect_failed("log", &["public.log_1"]);
    assert_eq!(db.target_value("select count(*) from log").await, "1");
}

#[tokio::test]
async fn a_listing_names_what_a_run_would_name() {
    let db = family().await;
    let (source, target) = (db.source_url(), db.target_url());
    let listing =
        pgsync(&["schema", "-source", &source, "-target", &target, "-exclude", "log_2024"]);
    listing.await.expect_said("public.log_2024");
    db.sync().arg("-dry-run").exclude("log_2024").await.expect_exit(1).expect_failed("log", &[]);
}

/// Stands in for TimescaleDB: its catalog names the table, whose chunks are its children elsewhere.
const CHUNKED: &str = "create schema _timescaledb_catalog; create schema _timescaledb_internal;
     create table _timescaledb_catalog.hypertable (schema_name name, table_name name);
     insert into _timescaledb_catalog.hypertable values ('public', 'metric');
     create table metric (id bigint primary key, v text, updated_at timestamptz not null default '2024-01-01');
     create table _timescaledb_internal.chunk (primary key (id)) inherits (metric);
     create table near_chunk (primary key (id)) inherits (metric)";

#[tokio::test]
async fn a_hypertable_is_read_through_its_root() {
    let db = Pair::fresh().await;
    db.source(CHUNKED).await;
    db.source(
        "insert into _timescaledb_internal.chunk select g, 'x' from generate_series(1, 500) g;
         insert into near_chunk select g, 'y' from generate_series(501, 700) g",
    )
    .await;
    db.sync().await.expect_ok().expect_tables(&["metric"]);
    let rows = "select md5(string_agg(m::text, ' ' order by id)) from metric m";
    assert_eq!(db.target_value(rows).await, db.source_value(rows).await);
    db.source(
        "update metric set v = 'new', updated_at = now() where id in (3, 600);
         delete from near_chunk where id = 650",
    )
    .await;
    db.sync().await.expect_ok().expect_changes("metric", (0, 2, 1));
    assert_eq!(db.target_value(rows).await, db.source_value(rows).await);
    db.sync().arg("-reconcile").await.expect_unchanged();
}

#[tokio::test]
async fn a_hypertable_of_the_target_is_read_and_written_through_its_root() {
    let db = Pair::fresh().await;
    db.target(CHUNKED).await;
    db.source(
        "create table metric (id bigint primary key, v text, updated_at timestamptz not null default '2024-01-01');
         insert into metric select g, 'x' from generate_series(1, 500) g",
    )
    .await;
    db.target("insert into near_chunk values (900, 'gone'); insert into _timescaledb_internal.chunk values (4, 'x')")
        .await;
    db.sync().await.expect_ok().expect_changes("metric", (499, 0, 1));
    assert_eq!(db.target_value("select count(*) from metric").await, "500");
}

#[tokio::test]
async fn a_column_that_a_child_inherits_is_dropped_from_its_parent() {
    let db = Pair::fresh().await;
    db.source(
        "create table par (id int primary key, x text); create table kid (y int, primary key (id)) inherits (par);
         insert into kid values (1, 'a', 2)",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("alter table par drop column x").await;
    let drop = "alter table public.par drop column x";
    let run = db.sync().await.expect_ok().expect_note(drop).expect_unsaid("public.kid drop");
    assert_eq!(run.notes().len(), 1, "{run}");
    db.target(drop).await;
    db.sync().await.expect_unchanged().expect_unsaid("drop column");
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_column_that_a_child_keeps_is_dropped_from_its_parent_alone() {
    let db = Pair::fresh().await;
    db.source(
        "create table par (id int primary key, x text, y text not null); create table kid (primary key (id)) inherits (par);
         create table heir (primary key (id)) inherits (kid); insert into kid values (1, 'a', 'b')",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("alter table only par drop column x").await;
    let drop = "alter table only public.par drop column x";
    db.sync().await.expect_ok().expect_note(drop);
    db.target(drop).await;
    db.settle().await.expect_unsaid("drop column");
    db.source("alter table only par drop column y; insert into par values (2)").await;
    let drop = "alter table only public.par drop column y";
    db.sync().await.expect_exit(1).expect_failed("par", &[drop]);
    db.target(drop).await;
    db.settle().await.expect_unsaid("drop column");
    assert_eq!(db.target_value("select x || y from kid").await, "ab");
}

/// Each check, as the catalog has it.
const CHECKS: &str = "select string_agg(concat_ws(' ', k.conrelid::regclass, k.conname, k.convalidated, k.conislocal), E'\n' order by k.conrelid::regclass::text, k.conname)
    from pg_constraint k where k.contype = 'c' and k.connamespace = 'public'::regnamespace and k.conrelid::regclass::text !~ 'sync_log'";

async fn settles_with_checks(db: &Pair) {
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    assert_eq!(db.target_value(CHECKS).await, db.source_value(CHECKS).await);
    db.sync().await.expect_unchanged().expect_unsaid("on the target").expect_unsaid("left out");
}

#[tokio::test]
async fn a_check_that_a_child_keeps_and_its_parent_may_not_is_validated_in_the_child() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (a int) partition by range (a); create table p1 partition of p for values from (0) to (10);
         create table p2 partition of p for values from (10) to (20) partition by range (a); create table p21 partition of p2 for values from (10) to (15);
         create table top (a int); create table c () inherits (top); create table cc () inherits (c); insert into top values (-1);
         insert into c values (1); insert into cc values (2); insert into p values (1), (11);
         alter table p add constraint ck check (a > 5) not valid; alter table p21 validate constraint ck;
         alter table top add constraint ck check (a >= 0) not valid; alter table c validate constraint ck",
    )
    .await;
    settles_with_checks(&db).await;
    db.source("delete from p where a = 1; alter table p1 validate constraint ck").await;
    settles_with_checks(&db).await;
    db.source(
        "alter table p add constraint more check (a < 100) not valid, add constraint other check (a <> 50) not valid;
         alter table p1 validate constraint more; alter table top add constraint more check (a < 9) not valid; alter table cc validate constraint more",
    )
    .await;
    settles_with_checks(&db).await;
}

#[tokio::test]
async fn what_is_printed_validates_the_check_of_a_child_once_its_parent_has_it() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (a int) partition by range (a); create table p1 partition of p for values from (0) to (10);
         create table top (a int); create table c () inherits (top);
         alter table p add constraint ck check (a > 5) not valid; alter table p1 validate constraint ck;
         alter table top add constraint ck check (a >= 0) not valid; alter table c validate constraint ck",
    )
    .await;
    let (source, target) = (db.source_url(), db.target_url());
    let printed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    db.target(&printed.stdout).await;
    assert_eq!(db.target_value(CHECKS).await, db.source_value(CHECKS).await);
}
