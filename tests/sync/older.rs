//! Targets of versions that do not have all that the source has.

use crate::support::Pair;

async fn target_version(db: &Pair) -> u32 {
    let sql = "select current_setting('server_version_num')::int / 10000";
    db.target_value(sql).await.parse().expect("a number")
}

#[tokio::test]
async fn options_that_the_target_does_not_know_are_left_out_and_fail_no_table() {
    let db = Pair::fresh().await;
    if !db.source_has(13, "these options").await {
        return;
    }
    db.source("create table a (id int primary key) with (autovacuum_vacuum_insert_threshold = 1000, fillfactor = 70);
        create table b (id int primary key) with (vacuum_truncate = off); create index b_i on b (id) with (deduplicate_items = off, fillfactor = 60);
        create unlogged table u (id serial primary key); insert into a values (1); insert into b values (1); insert into u values (1)").await;
    let run = db.sync().await.expect_ok();
    db.assert_all_same().await;
    if target_version(&db).await < 13 {
        drop(run.expect_note("left out: the target would have to be PostgreSQL 13 or later"));
    }
    let options = "select string_agg(array_to_string(reloptions, ','), ' ' order by relname) from pg_class where relname in ('a', 'b_i') and reloptions::text ~ 'fillfactor'";
    assert!(db.target_value(options).await.contains("fillfactor=70"));
    assert!(db.target_value(options).await.contains("fillfactor=60"));
    db.sync().await.expect_unchanged().expect_unsaid("left out");
}

#[tokio::test]
async fn a_generated_column_that_is_a_plain_one_on_the_target_is_told() {
    let db = Pair::fresh().await;
    if !db.source_has(12, "generated columns").await {
        return;
    }
    db.source("create table g (a int primary key, b int generated always as (a * 2) stored); insert into g values (1)").await;
    let run = db.sync().await.expect_ok();
    if target_version(&db).await < 12 {
        drop(run.expect_note("the expression of generated column public.g.b is left out"));
    }
    db.assert_same("g").await;
    db.sync().await.expect_unchanged().expect_unsaid("left out");
}

#[tokio::test]
async fn partitions_that_the_target_cannot_have_are_told_before_anything_is_made() {
    let db = Pair::fresh().await;
    if !db.source_has(11, "these partitions").await || target_version(&db).await >= 11 {
        return;
    }
    db.source("create table h (id int) partition by hash (id); create table d (id int) partition by list (id);
        create table dd partition of d default; insert into d values (5)").await;
    let run = db.sync().await.expect_exit(1);
    let run = run.expect_failed("h", &["partitioned by hash", "PostgreSQL 11"]);
    drop(run.expect_failed("d", &["public.dd is a default partition", "PostgreSQL 11"]));
    assert_eq!(
        db.target_value("select count(*) from pg_class where relname in ('h', 'd', 'dd')").await,
        "0"
    );
}

#[tokio::test]
async fn a_type_that_the_target_is_too_old_for_is_not_to_be_created() {
    let db = Pair::fresh().await;
    if !db.source_has(12, "jsonpath").await || target_version(&db).await >= 12 {
        return;
    }
    db.source("create table j (id int primary key, p jsonpath)").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("j", &["the target's version of PostgreSQL does not have it"]);
}
