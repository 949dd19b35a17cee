//! Functions that definitions of tables need.

use crate::dump::assert_same_definitions;
use crate::support::Pair;

const NEEDED: &str = "create schema util;
    create type util.level as enum ('low', 'high');
    create function util.plain(v text) returns text language plpgsql immutable strict parallel safe
        as $$ begin return translate(v, 'é', 'e'); end $$;
    create function slug(v text, sep text default '-') returns text language sql immutable set search_path = util, pg_temp
        as $$ select lower(util.plain(v)) || sep $$;
    create function is_level(v util.level) returns boolean language sql immutable as $$ select v >= 'low'::util.level $$;
    create function next_code() returns text language plpgsql set \"TimeZone\" to 'UTC' as $$ begin return 'c' || 1; end $$;
    create domain word as text check (slug(value) <> '');
    create function unneeded() returns int language sql as 'select 1'";

const TABLES: &str =
    "create table town (id int primary key, name word, code text default next_code(),
        level util.level check (is_level(level)));
    create index town_slug on town (slug(name::text));
    insert into town select i, 'Orléans ' || i, 'x', 'high' from generate_series(1, 20) i";

async fn functions(db: &Pair) -> String {
    db.target_value(
        "select coalesce(string_agg(p.oid::regprocedure::text, ' ' order by p.proname), '') from pg_proc p
         join pg_namespace n on n.oid = p.pronamespace
         where n.nspname in ('public', 'util') and p.prolang <> (select oid from pg_language where lanname = 'c')",
    )
    .await
}

#[tokio::test]
async fn functions_that_definitions_need_are_created_with_what_they_need() {
    let db = Pair::fresh().await;
    db.source(NEEDED).await;
    db.source(TABLES).await;
    let run = db.sync().schema("public,util").await.expect_ok();
    run.expect_note("4 functions");
    assert_eq!(
        functions(&db).await,
        "is_level(util.level) next_code() util.plain(text) slug(text,text)"
    );
    db.assert_same("town").await;
    let definition = "select string_agg(pg_get_functiondef(p.oid), '' order by p.proname) from pg_proc p \
                      where p.proname in ('is_level', 'next_code', 'plain', 'slug')";
    assert_eq!(db.target_value(definition).await, db.source_value(definition).await);
    db.sync().schema("public,util").await.expect_ok().expect_unchanged().expect_unsaid("function");
    db.target("insert into town (id, name, level) values (99, 'Évian', 'low')").await;
}

#[tokio::test]
async fn a_function_that_a_new_column_needs_is_created_later() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key); insert into item values (1)").await;
    db.sync().await.expect_ok();
    db.source(
        "create function code() returns text language sql stable as $$ select 'c'::text $$;
         alter table item add code text default code()",
    )
    .await;
    db.sync().await.expect_ok();
    assert_eq!(functions(&db).await, "code()");
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_function_of_the_target_is_never_replaced() {
    let db = Pair::fresh().await;
    db.source(
        "create function code() returns text language sql stable as $$ select 'source'::text $$",
    )
    .await;
    db.target(
        "create function code() returns text language sql stable as $$ select 'target'::text $$",
    )
    .await;
    db.source("create table item (id int primary key, code text default code()); insert into item values (1)")
        .await;
    let run = db.sync().await.expect_ok();
    run.expect_note(
        "function public.code() is defined differently on the source; the one of the target is used",
    );
    assert_eq!(db.target_value("select code()").await, "target");
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_function_that_runs_with_its_owners_rights_is_named_and_not_created() {
    let db = Pair::fresh().await;
    db.source(
        "create function code() returns text language sql security definer as $$ select 'c'::text $$;
         create table item (id int primary key, code text default code()); create table other (id int primary key);
         insert into item values (1); insert into other values (1)",
    )
    .await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("item", &["code()", "create it on the target first", "SECURITY DEFINER"]);
    assert_eq!(functions(&db).await, "");
    db.assert_same("other").await;
}

#[tokio::test]
async fn with_ddl_none_a_missing_function_is_no_obstacle_to_rows() {
    let db = Pair::fresh().await;
    db.source(
        "create function code() returns text language sql as $$ select 'c'::text $$;
         create table item (id int primary key, code text default code()); insert into item values (1)",
    )
    .await;
    db.target("create table item (id int primary key, code text)").await;
    db.sync().args(&["-ddl", "none"]).await.expect_ok();
    assert_eq!(functions(&db).await, "");
    db.assert_same("item").await;
}

#[tokio::test]
async fn functions_that_cannot_be_created_are_no_obstacle_to_tables_that_do_not_need_them() {
    let db = Pair::fresh().await;
    db.source(
        "create function priced(v text default '$5; -- x') returns text language sql as 'select v';
         create table item (id int primary key); insert into item values (1)",
    )
    .await;
    if db.has(14, "bodies of functions as trees").await {
        db.source(
            "create function plus(int) returns int return $1 + 1;
             create function one() returns int begin atomic select 1; end",
        )
        .await;
    }
    db.sync().await.expect_ok();
    assert_eq!(functions(&db).await, "");
    db.assert_same("item").await;
}

/// A function that takes rows of the table is made after the table, and what calls it after the function.
#[tokio::test]
async fn a_function_of_the_tables_own_row_type_comes_between_the_table_and_what_calls_it() {
    let db = Pair::fresh().await;
    db.source(
        "create table c (id int primary key, f int, g int);
         create function c_ok(c) returns boolean language sql immutable as 'select $1.f > 0';
         create function c_more(c) returns boolean language plpgsql immutable as 'begin return c_ok($1); end';
         create function c_number(c default null) returns int language sql stable as 'select coalesce($1.f, 7)';
         alter table c add constraint ok check (c_ok(c)), add constraint more check (c_more(c)) not valid,
            add constraint plain check (f < 100), alter g set default c_number();
         create index by_row on c (c_more(c)); comment on constraint ok on c is 'of rows';
         create table other (id int primary key, c c, check (c_ok(c)));
         insert into c values (1, 2, 3); insert into other values (1, (1, 2, 3));",
    )
    .await;
    db.sync().arg("-dry-run").await.expect_exit(0);
    db.sync().await.expect_ok().expect_unsaid("left out");
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
    db.sync().await.expect_unchanged().expect_unsaid("on the target");
    db.source("create function c_late(c) returns boolean language sql immutable as 'select $1.g > 0'; alter table c add check (c_late(c))")
        .await;
    db.settle().await;
    assert_same_definitions(&db).await;
}

/// `int4div` of the server itself, under another name: what is in C needs a library.
#[tokio::test]
async fn a_function_that_another_one_calls_and_that_is_in_c_is_called_so() {
    let db = Pair::fresh().await;
    db.source(
        "create extension citext;
         create function in_c(citext, citext) returns boolean language c immutable strict as '$libdir/citext', 'citext_eq';
         create function wrap(text) returns boolean language sql immutable as 'select public.in_c($1::public.citext, ''x'')';
         create table item (id int primary key, v text check (wrap(v))); create table other (id int primary key);
         create table found (id int primary key, v text); create index on found (wrap(v)); insert into item values (1, 'x'); insert into found values (1, 'x')",
    )
    .await;
    let run = db.sync().await.expect_exit(1);
    let missing =
        ["function public.in_c(", "on the source it is in C: create it on the target first"];
    let run =
        run.expect_failed("found", &missing).expect_failed("item", &["function public.in_c("]);
    let note = "function public.in_c(public.citext,public.citext) is left out, and function public.wrap(text) calls it";
    let run = run.expect_note(note);
    assert_eq!(run.table("other").status, "success", "{run}");
}

/// An index that compares by it finds other rows alike.
#[tokio::test]
async fn a_unique_index_over_another_function_names_it_when_rows_do_not_fit() {
    let db = Pair::fresh().await;
    let function = |body: &str| {
        format!(
            "create or replace function f(text) returns text immutable language sql as $$select {body}$$"
        )
    };
    db.source(&function("$1")).await;
    db.source("create table item (id int primary key, v text); create unique index by_f on item (f(v)); insert into item values (1, 'a')").await;
    db.sync().await.expect_ok();
    db.target(&function("lower($1)")).await;
    db.source("insert into item values (2, 'A')").await;
    let run = db.sync().await.expect_exit(1);
    let run = run.expect_failed("item", &["by_f", "function public.f(text)", "\\sf"]);
    drop(run.expect_unsaid("session_replication_role"));
}

/// The source's rows were computed again, and no timestamp says so.
#[tokio::test]
async fn values_that_another_function_computes_fail_a_table_with_timestamps_too() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    let function = |factor: &str| {
        format!(
            "create or replace function vat(n numeric) returns numeric immutable language sql as $$select n * {factor}$$"
        )
    };
    db.source(&function("1.19")).await;
    db.source(
        "create table product (id int primary key, price numeric(9, 2), gross numeric(9, 2) generated always as (vat(price)) stored,
            updated_at timestamptz not null default now());
         insert into product (id, price, updated_at) select i, i, now() - interval '1 day' from generate_series(1, 40) i",
    )
    .await;
    db.settle().await;
    db.source(&format!("{}; update product set price = price where id <= 7", function("1.2")))
        .await;
    for _ in 0..2 {
        let run = db.sync().await.expect_exit(1);
        let again = "give the target the source's function (\\sf in psql prints it), collation and expression, and run again";
        run.expect_failed("product", &["7 rows", "differs in column \"gross\"", again])
            .expect_note("function public.vat(numeric) is defined differently on the source");
    }
    let run = db.sync().arg("-reconcile").await.expect_exit(1);
    run.expect_failed("product", &["7 rows"])
        .expect_unsaid("somebody writes to the target, or changes");
    db.target(&function("1.2")).await;
    db.sync().await.expect_ok().expect_changes("product", (0, 7, 0));
    db.assert_same("product").await;
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn a_dry_run_says_that_rows_can_fail_over_another_function_of_the_target() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source("create function vat(int) returns int language sql immutable as 'select $1 * 2'; create table a (id int check (vat(id) > 0));
        create table product (id int primary key, n int, g int generated always as (vat(n)) stored); insert into product values (1, 1)").await;
    db.settle().await;
    db.source("create or replace function vat(int) returns int language sql immutable as 'select $1 * 3'; update product set n = 2").await;
    for args in [&["-dry-run"][..], &[]] {
        let run = db.sync().args(args).await;
        run.expect_note("the one of the target is used, and public.a fails if a check refuses a row by it, and public.product fails if a generated column gets another value by it");
    }
}

#[tokio::test]
async fn a_sequence_of_a_table_that_is_not_selected_is_created_where_a_function_draws_from_it() {
    let db = Pair::fresh().await;
    db.source(
        "create table other (id serial primary key); insert into other select from generate_series(1, 7);
         create function next_id() returns int language sql as $$ select nextval('other_id_seq')::int $$;
         create table item (id int primary key default next_id(), v int); insert into item (v) values (1), (2)",
    )
    .await;
    db.sync().include("item").await.expect_ok();
    db.target("insert into item (v) values (3)").await;
    assert_eq!(db.target_value("select max(id)::text from item").await, "10");
    // Its table takes it as its own.
    db.sync().await.expect_ok();
    db.settle().await;
    let owned = "select pg_get_serial_sequence('other', 'id')";
    assert_eq!(db.target_value(owned).await, "public.other_id_seq");
}
