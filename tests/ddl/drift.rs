//! What stands on both sides under one name and came to be another thing on the source.

use crate::dump::assert_same_definitions;
use crate::support::{Outcome, Pair, pgsync};

const ITEM: &str = "
    create table parent (id int primary key, v text);
    create table item (id int primary key, name varchar(20) default 'x', n int not null default 1 check (n > 0), total int generated always as (n * 2) stored,
        body text, parent int constraint up references parent, constraint once unique (name, id), constraint later check (n < 1000) not valid);
    create index by_n on item (n); create index \"By Name\" on item (lower(name)) where n > 3; create statistics s on n, parent from item;
    insert into parent values (1); insert into item (id, n, parent) select i, i, 1 from generate_series(1, 50) i";

async fn changed(change: &str) -> Pair {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.settle().await;
    assert_same_definitions(&db).await;
    db.source(change).await;
    db
}

async fn mode(db: &Pair, mode: &str) -> Outcome {
    db.sync().args(&["-ddl", mode]).await
}

/// Nothing is left to be done or said.
async fn is_quiet(db: &Pair) {
    db.assert_all_same().await;
    assert_same_definitions(db).await;
    let run = db.sync().await.expect_unchanged();
    run.expect_unsaid("on the source").expect_unsaid("created on the target");
}

const SETTINGS: &str = "alter table item alter name set default 'it''s', alter n set default 1 + 2, alter body set default 'b', alter body set storage external,
        alter body set statistics 300, alter body set compression pglz, alter n set (n_distinct = 7), set (fillfactor = 60, autovacuum_enabled = false);
    comment on column item.n is 'a number'; comment on table item is 'things'; comment on index by_n is 'fast'; comment on constraint once on item is 'one';
    create sequence numbers; alter table item alter parent set default nextval('numbers'); alter table item validate constraint later, replica identity full";

#[tokio::test]
async fn defaults_comments_and_settings_of_our_tables_are_followed_in_place() {
    let db = changed(SETTINGS).await;
    let file = db.target_value("select pg_relation_filenode('item')").await;
    let run = mode(&db, "none").await.expect_ok();
    let run = run.expect_note("default of column public.item.name");
    run.expect_note("alter column \"name\" set default ('it''s'::character varying)");
    let foretold = db.sync().arg("-dry-run").await.expect_ok();
    foretold.expect_note(
        "would change 3 comments (column public.item.n, constraint once of public.item, index public.by_n), ",
    );
    db.sync().await.expect_unchanged();
    is_quiet(&db).await;
    assert_eq!(db.target_value("select pg_relation_filenode('item')").await, file);
}

#[tokio::test]
async fn what_the_source_gave_up_stays_and_is_named_unless_it_is_a_reset() {
    let db = changed("alter table item alter name drop default, alter n set (n_distinct = 7); comment on column item.n is 'x'").await;
    db.sync().await.expect_ok();
    db.source("alter table item alter n reset (n_distinct); comment on column item.n is null")
        .await;
    for _ in 0..2 {
        let run = db.sync().await.expect_unchanged();
        let run = run.expect_note("default of column public.item.name exists only on the target");
        let run = run.expect_note("alter column \"name\" drop default");
        run.expect_note("comment of column public.item.n exists only on the target");
    }
    mode(&db, "reset").await.expect_unchanged();
    is_quiet(&db).await;
}

const PARTS: &str = "drop index by_n, \"By Name\"; create index by_n on item (n desc); create index \"By Name\" on item (lower(name)) where n > 4;
    alter table item drop constraint once, add constraint once unique (n, id), drop constraint up, add constraint up foreign key (parent) references parent on delete cascade,
        drop constraint item_n_check, add constraint item_n_check check (n > -1);
    drop statistics s; create statistics s on n, name from item";

#[tokio::test]
async fn indexes_and_constraints_of_the_same_name_are_named_and_rebuilt_by_a_reset() {
    let db = changed(PARTS).await;
    let parts = [
        "index public.by_n",
        "index public.\"By Name\"",
        "constraint once of public.item",
        "foreign key up of public.item",
        "constraint item_n_check of public.item",
        "statistics object public.s",
    ];
    let before = db.target_value("select pg_get_indexdef('by_n'::regclass)").await;
    for way in ["additive", "none", "additive"] {
        let mut run = mode(&db, way).await.expect_unchanged();
        for part in parts {
            run = run.expect_note(&format!("{part} is defined differently on the source"));
        }
    }
    assert_eq!(db.target_value("select pg_get_indexdef('by_n'::regclass)").await, before);
    db.target("drop index by_n").await;
    let run = db.sync().await.expect_unchanged();
    run.expect_unsaid("public.by_n").expect_note("constraint once of public.item");
    mode(&db, "reset").await.expect_unchanged();
    is_quiet(&db).await;
}

#[tokio::test]
async fn another_expression_of_a_generated_column_fails_the_table_until_it_is_rebuilt() {
    let change = "alter table item drop total; alter table item add total int generated always as (n * 3) stored";
    let db = changed(change).await;
    for way in ["additive", "none"] {
        let run = mode(&db, way).await.expect_exit(1);
        run.expect_failed("item", &["public.item.total", "(n * 3)", "(n * 2)", "-ddl reset"]);
    }
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    assert!(listed.stdout.starts_with("-- public.item: column"), "{}", listed.stdout);
    mode(&db, "reset").await.expect_ok();
    is_quiet(&db).await;
}

#[tokio::test]
async fn values_that_others_let_the_target_compute_otherwise_are_no_success() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, twice int generated always as (id * 2) stored); insert into item values (1)").await;
    db.target(
        "create table item (id int primary key, twice int generated always as (id * 3) stored)",
    )
    .await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("item", &["public.item.twice", "run on the target: alter table"]);
}

#[tokio::test]
async fn another_collation_is_named_and_followed_by_a_reset() {
    let db = changed("create collation plain (locale = 'C'); alter table item alter body type text collate plain").await;
    let run = db.sync().await.expect_unchanged();
    run.expect_note(
        "column public.item.body has the collation public.plain on the source and default",
    );
    mode(&db, "reset").await.expect_ok();
    is_quiet(&db).await;
}

#[tokio::test]
async fn a_table_that_others_made_keeps_its_own_settings_in_silence() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, n int default 1 check (n > 0)); create index by_n on item (n);
        comment on table item is 'theirs'; create table ours (id int primary key)").await;
    db.target("create table item (id int primary key, n int default 2); create index by_n on item (n, id)").await;
    db.settle().await.expect_unsaid("on the source");
    let kept = "select pg_get_indexdef('by_n'::regclass) || column_default from information_schema.columns where table_name = 'item' and column_name = 'n'";
    assert!(db.target_value(kept).await.ends_with("(n, id)2"));
}

#[tokio::test]
async fn a_schema_of_another_name_is_followed_in_detail_too() {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    let run = || db.sync().args(&["-target-schema", "copy"]);
    run().await.expect_ok();
    run()
        .await
        .expect_unchanged()
        .expect_unsaid("on the source")
        .expect_unsaid("created on the target");
    db.source(SETTINGS).await;
    run().await.expect_unchanged().expect_note("created on the target");
    run()
        .await
        .expect_unchanged()
        .expect_unsaid("on the source")
        .expect_unsaid("created on the target");
    let defaults = "select string_agg(column_default, ' ' order by ordinal_position) from information_schema.columns where table_schema = 'copy' and table_name = 'item'";
    assert_eq!(
        db.target_value(defaults).await,
        "'it''s'::character varying (1 + 2) 'b'::text nextval('copy.numbers'::regclass)"
    );
}

#[tokio::test]
async fn a_run_that_finds_nothing_to_make_waits_for_no_table_that_is_not_its_own() {
    let db = changed("create table other (id int primary key, n int default 3, m int generated always as (n + 1) stored, check (n > 0));
        create index on other ((n + 1)) where n > 5").await;
    db.settle().await;
    let (source, target) = (db.source_session().await, db.target_session().await);
    source.run("begin; lock table other in access exclusive mode").await;
    target.run("begin; lock table other in access exclusive mode").await;
    // Started, not awaited: that would look itself whether the source was touched, and wait.
    let run = db.sync().exclude("other").args(&["-lock-timeout", "300ms", "-retries", "0"]);
    run.start().end().await.expect_unchanged();
}

#[tokio::test]
async fn a_change_of_one_setting_alone_is_seen() {
    let db = changed("alter table item add number int generated always as identity").await;
    db.settle().await;
    let changes = [
        "comment on constraint once on item is 'one'",
        "comment on index by_n is 'fast'",
        "comment on index once is 'its index'",
        "comment on index item_pkey is 'its key'",
        "alter table item set (toast.autovacuum_enabled = false)",
        "alter table item replica identity full",
        "alter table item alter number set generated by default",
        "alter table item alter name set default 'y'",
        "alter table item alter body set storage external",
        "alter table item validate constraint later",
        "comment on table item is 'x'",
        "alter table item cluster on by_n",
    ];
    for change in changes {
        db.source(change).await;
        db.sync().await.expect_unchanged();
        assert_same_definitions(&db).await;
    }
    let gone = [
        "comment on constraint once on item is null",
        "comment on index once is null",
        "comment on table item is null",
        "alter table item replica identity default",
        "alter table item alter number drop identity",
        "alter table item reset (toast.autovacuum_enabled)",
    ];
    for change in gone {
        db.source(change).await;
        let run = db.sync().await.expect_unchanged();
        run.expect_note("exists only on the target; to drop it, run");
        mode(&db, "reset").await.expect_ok();
        let noted = change.contains("once");
        if noted {
            db.target(change).await;
        }
        assert_same_definitions(&db).await;
    }
}

#[tokio::test]
async fn a_key_to_which_others_refer_and_a_table_that_is_unlogged_are_rebuilt_by_a_reset() {
    let db = changed("alter table item drop constraint up; alter table parent drop constraint parent_pkey, add constraint parent_pkey primary key (id) include (v);
        alter table item add constraint up foreign key (parent) references parent").await;
    db.sync().await.expect_unchanged().expect_note(
        "constraint parent_pkey of public.parent is defined differently on the source",
    );
    mode(&db, "reset").await.expect_ok();
    is_quiet(&db).await;
    db.source("alter table item set unlogged").await;
    db.sync().await.expect_unchanged().expect_note("table public.item is unlogged on the source");
    mode(&db, "reset").await.expect_ok();
    is_quiet(&db).await;
    db.source("alter table item set logged").await;
    let told = r#"alter table "public"."item" set logged"#;
    db.sync().await.expect_unchanged().expect_note(&format!("or run on the target: {told}"));
    db.target(told).await;
    is_quiet(&db).await;
}

#[tokio::test]
async fn a_unique_constraint_that_became_an_index_of_its_name_is_named_until_it_is_dropped() {
    for [before, after] in [
        [
            "alter table c add constraint ab unique (a)",
            "alter table c drop constraint ab; create unique index ab on c (a, b)",
        ],
        [
            "create unique index ab on c (a)",
            "drop index ab; alter table c add constraint ab unique (a, b)",
        ],
    ] {
        let db = Pair::fresh().await;
        db.source(
            "create table c (id int primary key, a int, b int); insert into c values (1, 1, 1)",
        )
        .await;
        db.source(before).await;
        db.settle().await;
        db.source(after).await;
        for _ in 0..2 {
            let run = db
                .sync()
                .await
                .expect_ok()
                .expect_said("exists only on the target; to drop it, run: ");
            drop(run.expect_unsaid("already exists"));
        }
        let drop = if before.starts_with("alter") {
            "alter table c drop constraint ab"
        } else {
            "drop index ab"
        };
        db.target(drop).await;
        db.sync().await.expect_ok();
        assert_same_definitions(&db).await;
    }
}

#[tokio::test]
async fn an_index_over_a_column_that_grows_in_the_same_run_is_no_other_one() {
    let db = Pair::fresh().await;
    db.source(
        "create function norm(v varchar) returns varchar language sql immutable as 'select lower(v)';
         create table t (id int primary key, name varchar(255), check (norm(name) <> '')); create index on t (norm(name));
         insert into t values (1, 'A')",
    )
    .await;
    db.settle().await;
    db.source("alter table t alter name type text").await;
    let none = db.sync().args(&["-ddl", "none"]).await.expect_ok();
    drop(none.expect_unsaid("defined differently"));
    db.sync().await.expect_ok().expect_unsaid("defined differently");
    assert_same_definitions(&db).await;
    db.sync().await.expect_unchanged();
}
