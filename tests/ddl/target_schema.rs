//! `-target-schema`: the tables of one schema under another name.

use crate::support::Pair;

const SHOP: &str = "
    create schema shop;
    create type shop.state as enum ('new', 'old');
    create domain shop.amount as int check (value > 0);
    create table shop.customer (id serial primary key, name text, state shop.state default 'new', nick text generated always as (lower(name)) stored);
    create table shop.purchase (id int generated always as identity primary key, customer int references shop.customer on delete cascade,
        amount shop.amount, updated_at timestamptz default now());
    create index by_amount on shop.purchase (customer, amount) where amount > 1;
    create statistics shop.correlated on customer, amount from shop.purchase;
    create table shop.part (id int, at date) partition by range (at);
    create table shop.part_1 partition of shop.part for values from ('2024-01-01') to ('2025-01-01');
    create index on shop.part (id);
    insert into shop.customer (name) select 'C' || i from generate_series(1, 30) i;
    insert into shop.purchase (customer, amount) select 1 + i % 30, i from generate_series(1, 90) i;
    insert into shop.part values (1, '2024-02-02')";

#[tokio::test]
async fn a_schema_gets_another_name_with_everything_in_it() {
    let db = Pair::fresh().await;
    db.source(SHOP).await;
    let run = || db.sync().schema("shop").args(&["-target-schema", "Copy of shop"]);
    run().await.expect_ok();
    db.source("update shop.purchase set amount = 7, updated_at = now() where id = 3; delete from shop.customer where id = 9;
        alter table shop.customer add level int not null default 3; alter type shop.state add value 'gone'").await;
    run()
        .await
        .expect_ok()
        .expect_changes("purchase", (0, 1, 3))
        .expect_changes("customer", (0, 0, 1));
    run().await.expect_unchanged();
    let things = "select string_agg(quote_ident(relname) || relkind::text || coalesce(pg_get_indexdef(i.indexrelid), ''), E'\\n' order by relname)
        from pg_class c left join pg_index i on i.indexrelid = c.oid where relnamespace = 'SCHEMA'::regnamespace and relname !~ 'sync_log'";
    let keys = "select string_agg(conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid), E'\\n' order by conname)
        from pg_constraint where connamespace = 'SCHEMA'::regnamespace and conrelid::regclass::text !~ 'sync_log'";
    for question in [things, keys] {
        let here = db.source_value(&question.replace("SCHEMA", "shop")).await;
        let there = db.target_value(&question.replace("SCHEMA", "\"Copy of shop\"")).await;
        assert_eq!(there.replace("\"Copy of shop\"", "shop"), here);
    }
    let rows = "select count(*) || ' ' || sum(amount) from";
    assert_eq!(
        db.target_value(&format!("{rows} \"Copy of shop\".purchase")).await,
        db.source_value(&format!("{rows} shop.purchase")).await
    );
}

#[tokio::test]
async fn several_schemas_cannot_share_one_name() {
    let db = Pair::fresh().await;
    db.sync()
        .schema("a,b")
        .args(&["-target-schema", "c"])
        .await
        .expect_exit(2)
        .expect_said("-target-schema");
}

#[tokio::test]
async fn what_is_made_of_extensions_in_the_renamed_schema_is_not_another_thing() {
    let db = Pair::fresh().await;
    db.both("create extension citext; create extension pg_trgm").await;
    db.source(
        "create domain email as citext check (value ~ '@'); create table t (id int primary key, e email, v text);
         create index t_v on t using gin (v gin_trgm_ops); insert into t values (1, 'a@b', 'x')",
    )
    .await;
    let run = || db.sync().args(&["-target-schema", "copy"]);
    run().await.expect_ok();
    run().await.expect_unchanged();
    // Another index of that name lies in the schema that a session of psql looks in.
    db.target("create table t (v text); create index t_v on t (v)").await;
    db.source("drop index t_v; create index t_v on t (v)").await;
    let said = run().await.expect_ok().notes().concat();
    let (_, advice) = said.split_once("run on the target: ").expect(&said);
    let (statements, _) = advice.split_once("; the next run").expect(&said);
    assert_eq!(statements, "set search_path = \"copy\", \"public\"; drop index \"t_v\"");
    db.target(statements).await;
    run().await.expect_ok().expect_said("created on the target: 1 index");
    run().await.expect_unchanged();
    let public = "select count(*) from pg_indexes where schemaname = 'public' and tablename = 't'";
    assert_eq!(db.target_value(public).await, "1");
}

#[tokio::test]
async fn a_function_whose_body_names_the_sources_schema_is_named() {
    let db = Pair::fresh().await;
    db.source(
        "create sequence no; create function next_no() returns text language sql as $$select 'I' || nextval('public.no')$$;
         create function other_public() returns text language sql as $$select 'x_public.y'$$;
         create table invoice (no text primary key default next_no(), o text default other_public())",
    )
    .await;
    let args = ["-target-schema", "copy"];
    let told = "the body of function next_no() names the schema public, and is copied as it is: on the target it uses public, \
                too, and not copy";
    db.sync().args(&args).arg("-dry-run").await.expect_said(told);
    db.sync().args(&args).await.expect_ok().expect_note(told).expect_unsaid("other_public() names");
    db.sync().args(&args).await.expect_unchanged().expect_unsaid("names the schema");
}

/// The body of a function is copied as it is, and finds what it names by the search path.
#[tokio::test]
async fn a_function_that_names_another_one_without_its_schema_is_told_with_the_search_path() {
    let db = Pair::fresh().await;
    db.source(
        "create function a(t text) returns text language sql immutable as $$ select t $$;
         create function b(t text) returns boolean language plpgsql immutable as $$ begin return a(t) <> ''; end $$;
         create table c (id int primary key, p text check (b(p))); create table d (id int primary key, p text check (a(p) <> ''));
         insert into c values (1, 'x')",
    )
    .await;
    let run = || db.sync().args(&["-target-schema", "copy"]);
    let failed = run().await.expect_exit(1);
    let database = db.target_value("select quote_ident(current_database())").await;
    let path = format!("alter role postgres in database {database} set search_path = copy, public");
    let told = format!(
        "a function that the table uses names it without a schema, and the search_path of the role does not lead to it: run on \
         the target: {path}"
    );
    failed.expect_failed("c", &["function a(text) does not exist", &told]);
    db.target(&path).await;
    run().await.expect_ok();
    assert_eq!(db.target_value("select count(*) from copy.c").await, "1");
    db.source("create or replace function a(t text) returns text language sql immutable as $$ select t || 'x' $$").await;
    let other = "run on the target what \\sf public.a(text) prints in psql on the source, with copy.a in place of public.a";
    run().await.expect_ok().expect_said(other);
}

#[tokio::test]
async fn a_copy_beside_another_one_has_sequences_of_its_own() {
    let db = Pair::fresh().await;
    // The extension is looked up in public, where the other copy lies.
    db.both("create extension citext").await;
    db.source(
        "create sequence numbers; create table a (id bigserial primary key, e citext);
         create table k (id int primary key default nextval('numbers'), e citext);
         insert into a (e) values ('q'); insert into k (e) values ('x'), ('y')",
    )
    .await;
    db.sync().await.expect_ok();
    let other = || db.sync().args(&["-target-schema", "copy2"]);
    other().await.expect_ok().expect_changes("a", (1, 0, 0)).expect_changes("k", (2, 0, 0));
    other().await.expect_unchanged();
    db.target("insert into copy2.a (e) values ('r'); insert into copy2.k (e) values ('z')").await;
    let numbers = "select (select last_value from public.numbers) || ' ' || (select last_value from copy2.numbers) || ' '
        || (select last_value from public.a_id_seq) || ' ' || (select last_value from copy2.a_id_seq)";
    assert_eq!(db.target_value(numbers).await, "2 3 1 2");
}

#[tokio::test]
async fn statements_for_another_schema_can_be_pasted() {
    let db = Pair::fresh().await;
    db.source("create type mood as enum ('a', 'b'); create table line (id int primary key, sku varchar(20), m mood, n int, g int);
        insert into line values (1, 'x', 'b', 2, 4)")
        .await;
    let run = || db.sync().args(&["-target-schema", "copy"]);
    run().await.expect_ok();
    db.target("create view copy.held as select sku from copy.line").await;
    db.source("alter table line alter sku type varchar(40); alter table line drop g;
        alter table line add g int generated always as (n * 2) stored; alter type mood rename value 'b' to 'bb'")
        .await;
    let rename = "set search_path = \"copy\"; alter type \"mood\" rename value 'b' to 'bb'";
    run().arg("-dry-run").await.expect_note(rename);
    let after = run().await.expect_ok();
    let widen = "set search_path = \"copy\"; drop view copy.held; alter table \"line\" alter column \"sku\" type character varying(40)";
    let recompute = "set search_path = \"copy\"; alter table \"line\" drop column \"g\", add column \"g\" integer generated always as ((n * 2)) stored";
    let exchange = "set search_path = \"copy\"; alter type \"mood\" rename value 'bb' to 'pgsync_between'; alter type \"mood\" rename value 'b' to 'bb'";
    after.expect_note(widen).expect_note(recompute).expect_note(exchange);
    for told in [widen, recompute] {
        db.target(told).await;
    }
    run().await.expect_ok();
}
