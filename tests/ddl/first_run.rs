//! A first run into an empty database, and what may stand in its way.

use crate::dump::assert_same_definitions;
use crate::support::Pair;

async fn source(sql: &str) -> Pair {
    let db = Pair::fresh().await;
    db.source(sql).await;
    db
}

const TWO: &str = "create table parent (id int primary key, v text);
    create table child (id int primary key, parent int references parent, unique (parent, id));
    create index on child (parent);
    insert into parent select i, 'p' from generate_series(1, 100) i;
    insert into child select i, i from generate_series(1, 100) i";

#[tokio::test]
async fn a_second_run_makes_nothing() {
    let db = source(TWO).await;
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_dry_run_makes_nothing_and_shows_the_statements() {
    let db = source(TWO).await;
    db.sync()
        .arg("-dry-run")
        .await
        .expect_ok()
        .expect_changes("child", (100, 0, 0))
        .expect_said("create table \"public\".\"child\"")
        .expect_said("child_pkey")
        .expect_said("foreign key child_parent_fkey of public.child");
    let made = "select count(*) from pg_class where relnamespace = 'public'::regnamespace";
    assert_eq!(db.target_value(made).await, "0");
}

#[tokio::test]
async fn a_dry_run_counts_what_it_would_make_where_that_is_much() {
    let tables: Vec<String> =
        (1..=12).map(|n| format!("create table t{n} (id serial primary key)")).collect();
    let db = source(&tables.join(";")).await;
    let run = db.sync().arg("-dry-run").await.expect_ok();
    run.expect_note("would create 12 sequences, 12 tables; pgsync schema prints the statements")
        .expect_unsaid("create table");
}

#[tokio::test]
async fn a_partition_is_counted_among_the_partitions_only() {
    let partition = |n| {
        format!(
            "create table p{n} partition of p for values from ({n}) to ({}) partition by range (id)",
            n + 1
        )
    };
    let partitions: Vec<String> = (1..=9).map(partition).collect();
    let db = Pair::fresh().await;
    db.source(&format!(
        "create table p (id int) partition by range (id); {};
         create table p1_all partition of p1 default; insert into p values (1)",
        partitions.join(";")
    ))
    .await;
    let run = db.sync().arg("-dry-run").await.expect_ok();
    run.expect_note("would create 10 partitions, 1 table;");
    let run = db.sync().await.expect_ok();
    assert!(run.notes().contains(&"created on the target: 10 partitions, 1 table".to_owned()));
    db.source("create table p10 partition of p for values from (10) to (11)").await;
    let run = db.sync().await.expect_ok();
    assert!(run.notes().contains(&"created on the target: 1 partition".to_owned()));
    db.assert_all_same().await;
}

#[tokio::test]
async fn without_ddl_a_missing_table_fails_by_its_name() {
    let db = source(TWO).await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1);
    let told = "missing on the target: table public.parent; pgsync schema, with the same settings, prints the statements";
    run.expect_failed("parent", &[told]);
    db.target("create table parent (id int primary key, v text)").await;
    db.sync().args(&["-ddl", "none", "-include", "parent"]).await.expect_ok();
}

#[tokio::test]
async fn a_table_that_others_made_keeps_its_own_indexes() {
    let db = source(TWO).await;
    db.target("create table child (id int primary key, parent int)").await;
    db.settle().await;
    let keys = "select count(*) from pg_index where indrelid = 'child'::regclass";
    assert_eq!(db.target_value(keys).await, "1");
}

#[tokio::test]
async fn an_index_that_is_lost_from_a_table_of_ours_is_made_again() {
    let db = source(TWO).await;
    db.settle().await;
    db.target("drop index child_parent_idx; alter table child drop constraint child_parent_fkey")
        .await;
    db.sync().await.expect_unchanged();
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_filled_table_gets_its_indexes_also_when_it_is_one_of_many() {
    let db = source(
        "create table large (id int primary key); create table small (id int primary key);
        insert into large select generate_series(1, 5000); insert into small values (1)",
    )
    .await;
    db.settle().await;
    // As a run leaves it that is killed after the rows and before the key.
    db.target("alter table small drop constraint small_pkey").await;
    db.sync().parallel(1).await.expect_unchanged();
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_foreign_key_to_a_table_beyond_the_selection_is_left_out_and_named() {
    let db = source(TWO).await;
    db.sync().include("child").await.expect_ok().expect_note("child_parent_fkey is left out");
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_name_clash_with_a_view_fails_that_table_alone() {
    let db = source(TWO).await;
    db.target("create view child as select 1 as x").await;
    let run = db.sync().await.expect_exit(1);
    let run = run.expect_failed("child", &["creating table public.child", "already exists"]);
    assert_eq!(run.table("parent").status, "success");
}

#[tokio::test]
async fn an_index_or_constraint_whose_name_another_table_has_fails_its_table_by_name() {
    let db = source(TWO).await;
    db.target("create table other (x int); create index child_parent_idx on other (x)").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed(
        "child",
        &[
            "child_parent_idx",
            "already exists",
            "alter index public.child_parent_idx rename to child_parent_idx_old",
        ],
    );
    db.assert_all_same().await;
    // Every run says so, until it is fixed.
    db.sync().await.expect_exit(1).expect_failed("child", &["child_parent_idx"]);
    db.target("alter index child_parent_idx rename to mine; alter table child drop constraint if exists child_parent_id_key;
        create index child_parent_id_key on other (x)").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("child", &["child_parent_id_key", "already exists"]);
    db.target("drop table other").await;
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_missing_function_fails_its_table_by_name() {
    let db = source(TWO).await;
    db.source("create function f(int) returns int language sql immutable security definer as 'select $1'; create table g (a int default f(1))").await;
    let run = db
        .sync()
        .await
        .expect_exit(1)
        .expect_failed("g", &["function public.f(integer) does not exist"]);
    assert_eq!(run.table("child").status, "success");
}

#[tokio::test]
async fn a_foreign_key_that_the_rows_break_fails_its_table() {
    let db = source(
        "create table parent (id int primary key); create table child (id int);
        insert into child values (7);
        alter table child add constraint broken foreign key (id) references parent not valid",
    )
    .await;
    db.source("update pg_constraint set convalidated = true where conname = 'broken'").await;
    db.sync().await.expect_exit(1).expect_failed("child", &["broken", "violates foreign key"]);
}

#[tokio::test]
async fn a_function_that_the_target_lacks_is_asked_for_without_a_word_about_casts() {
    let db = Pair::fresh().await;
    db.source(
        "create function canon(text) returns text language sql immutable security definer as 'select lower($1)';
         create table crate (id int primary key, name text); create index canonical on crate (canon(name))",
    )
    .await;
    let run = db.sync().await.expect_exit(1).expect_unsaid("type casts");
    run.expect_failed("crate", &["public.canon(text)", "create it on the target first"]);
    db.target(
        "create function canon(text) returns text language sql immutable security definer as 'select lower($1)'",
    )
    .await;
    db.settle().await;
}

#[tokio::test]
async fn an_extension_that_lies_in_another_schema_on_the_target_is_found_there() {
    let users = "create extension citext; create extension btree_gist;
        create table users (id int primary key, email citext unique default 'Nobody'::citext, names citext[], at int4range, check (email <> 'x'::citext),
            exclude using gist (id with =, at with &&));
        create index by_email on users (lower(email::text), email citext_pattern_ops) where email = 'a'::citext;
        insert into users values (1, 'A@x.test', '{B}'), (2, 'b@x.test', null)";
    for schemas in [&[][..], &["-target-schema", "copy"]] {
        let db = Pair::fresh().await;
        db.source(users).await;
        db.target("create schema extensions; create extension citext schema extensions; create extension btree_gist schema extensions").await;
        db.sync().args(schemas).await.expect_ok();
        db.source("update users set email = 'a@X.test' where id = 1").await;
        db.sync().args(schemas).await.expect_ok().expect_unsaid("on the source");
        let run = db.sync().args(schemas).await.expect_unchanged();
        assert_eq!(run.notes(), Vec::<String>::new());
        let table = if schemas.is_empty() { "public.users" } else { "copy.users" };
        let rows = db
            .target_value(&format!(
                "select string_agg(u.id || email::text, ' ' order by id) from {table} u"
            ))
            .await;
        assert_eq!(rows, "1a@X.test 2b@x.test");
        let parts = format!("select count(*) from pg_index where indrelid = '{table}'::regclass");
        assert_eq!(db.target_value(&parts).await, "4");
    }
}

/// What the target has in another way than the source, and how the message says so.
#[tokio::test]
async fn no_hint_asks_for_casts_in_definitions_that_are_the_sources() {
    let db = Pair::fresh().await;
    db.source(
        "create type mood as enum ('a', 'b');
         create function many(smallint, smallint) returns int language sql security definer as 'select 1';
         create function typed() returns int language sql security definer as 'select 1';
         create function fixed(int) returns int language plpgsql immutable as 'begin return $1; end';
         create function to_int(mood) returns int language sql immutable as 'select 1'; create cast (mood as int) with function to_int(mood);
         create operator === (leftarg = int, rightarg = int, function = int4eq);
         create table many (a int default many(1::smallint, 2::smallint)); create table typed (a int default typed());
         create table fixed (a int); create index on fixed (fixed(a)); create table cast_to (a int default ('b'::mood)::int);
         create table operated (a int check (a === 1))",
    )
    .await;
    db.target(
        "create function many(int, bigint) returns int language sql as 'select 1';
         create function many(bigint, int) returns int language sql as 'select 1';
         create function typed() returns text language sql as 'select ''1''::text';
         create function fixed(int) returns int language plpgsql as 'begin return $1; end'",
    )
    .await;
    let run = db.sync().await.expect_exit(1).expect_unsaid("type cast").expect_unsaid("rewrite or");
    run.expect_failed("many", &["is not unique", "has other functions or operators of this name"])
        .expect_failed("typed", &["is of type text", "gives another type on the target"])
        .expect_failed(
            "fixed",
            &["marked IMMUTABLE", "IMMUTABLE on the source and not on the target"],
        )
        .expect_failed("cast_to", &["cannot cast type", "pgsync creates no casts"])
        .expect_failed("operated", &["operator does not exist", "pgsync creates no operators"]);
}

/// Newer servers word SIMILAR TO with a function that older ones lack.
#[tokio::test]
async fn a_built_in_function_of_a_newer_version_is_not_asked_for() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v text check (v similar to 'a%'))").await;
    let [source, target] = [
        db.source_value("show server_version_num").await,
        db.target_value("show server_version_num").await,
    ]
    .map(|version| version.parse::<u32>().unwrap());
    let run = db.sync().await;
    if source < 130_000 || target >= 130_000 {
        run.expect_ok();
        return;
    }
    let run = run.expect_exit(1).expect_unsaid("\\sf");
    run.expect_failed("item", &["similar_to_escape", "PostgreSQL has no such function"]);
}

#[tokio::test]
async fn a_function_that_a_body_finds_by_the_search_path_is_not_asked_for() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source(
        "create schema app; set search_path = app; create function plain(text) returns text language sql immutable as 'select lower($1)';
         create function hash(text) returns text language sql immutable as 'select md5(plain($1))';
         create table item (id int primary key, v text, h text generated always as (hash(v)) stored)",
    )
    .await;
    let run = db.sync().args(&["-schema", "app"]).await.expect_exit(1).expect_unsaid("\\sf");
    run.expect_failed(
        "item",
        &["function plain(text) does not exist", "finds it by the search_path of the session"],
    );
}

#[tokio::test]
async fn an_extension_is_found_elsewhere_though_its_schema_holds_types_and_functions_of_its_own() {
    let web = "create schema web; create extension citext schema web; create type web.mood as enum ('a', 'b'); create function web.fn(web.citext) returns int language sql immutable as 'select 1';
        create domain public.em as web.citext check (value <> 'x'::web.citext); create domain web.short as varchar(9); create type mood as enum ('other');
        create table b (id int primary key, name web.citext unique, m web.mood default 'a', n mood, e em, s web.short, f int generated always as (web.fn(name)) stored, check (web.fn(name) > 0));
        create index on b (web.fn(name), lower(name::text)); insert into b values (1, 'A', 'a', 'other', 'e', 's')";
    for schemas in [&[][..], &["-target-schema", "copy"]] {
        let db = Pair::fresh().await;
        db.source(web).await;
        db.target("create extension citext").await;
        db.sync().args(schemas).await.expect_ok();
        db.source(
            "create table c (id int primary key, m web.mood); alter type web.mood add value 'c'",
        )
        .await;
        db.source("insert into b (id, m) values (2, 'c')").await;
        db.sync().args(schemas).await.expect_ok().expect_unsaid("on the source");
        let run = db.sync().args(schemas).await.expect_unchanged();
        assert_eq!(run.notes(), Vec::<String>::new());
        let place = "select string_agg(typname || ' ' || typnamespace::regnamespace, ', ' order by typname, typnamespace::regnamespace::text) from pg_type where typname in ('mood', 'short', 'em')";
        let home = if schemas.is_empty() { "public" } else { "copy" };
        let [first, second] = if schemas.is_empty() {
            ["mood public", "mood web"]
        } else {
            ["mood copy", "mood web"]
        };
        assert_eq!(
            db.target_value(place).await,
            format!("em {home}, {first}, {second}, short web")
        );
    }
}
