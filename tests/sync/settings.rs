//! What a session's settings are, whatever role, database and connection string say.

use crate::support::Pair;

/// A table whose rows note what a setting is in the session that inserts them.
const NOTED: &str = "create table item (id int primary key);
     create table seen (name text);
     create function note() returns trigger language plpgsql as $$ begin
         insert into public.seen values (current_setting('application_name')); return null; end $$;
     create trigger noted after insert on item for each statement execute procedure note();
     alter table item enable always trigger noted";

#[tokio::test]
async fn the_application_name_that_the_user_gives_reaches_the_server() {
    for (parameter, variable, expected) in [
        ("", "", "pgsync"),
        ("application_name=nightly", "", "nightly"),
        ("fallback_application_name=last", "", "last"),
        ("", "of the environment", "of the environment"),
        ("application_name=nightly", "of the environment", "nightly"),
    ] {
        let db = Pair::fresh().await;
        db.source("create table item (id int primary key); insert into item values (1)").await;
        db.target(NOTED).await;
        let url = db.target_url();
        let joint = if url.contains('?') { '&' } else { '?' };
        let run = db.sync().include("item").target_url(format!("{url}{joint}{parameter}"));
        let run = if variable.is_empty() { run } else { run.env("PGAPPNAME", variable) };
        run.await.expect_ok();
        assert_eq!(
            db.target_value("select string_agg(distinct name, ',') from seen").await,
            expected
        );
    }
}

#[tokio::test]
async fn settings_of_a_role_that_change_what_text_means_do_not_count() {
    let db = Pair::with(
        "create table item (id int primary key, tags text[], at timestamptz, span interval, price money,
             raw bytea, n float8, v text, updated_at timestamptz not null default '2024-01-01')",
    )
    .await;
    let sides = [
        ("array_nulls", "off"),
        ("quote_all_identifiers", "on"),
        ("exit_on_error", "on"),
        ("default_transaction_isolation", "serializable"),
        ("default_transaction_deferrable", "on"),
        ("transform_null_equals", "on"),
        ("datestyle", "German, DMY"),
        ("intervalstyle", "iso_8601"),
        ("extra_float_digits", "-10"),
        ("bytea_output", "escape"),
        ("xmlbinary", "hex"),
        ("backslash_quote", "off"),
        ("zero_damaged_pages", "on"),
        ("gin_fuzzy_search_limit", "1"),
        ("timezone", "Asia/Kolkata"),
        ("constraint_exclusion", "on"),
        ("enable_seqscan", "off"),
        ("check_function_bodies", "off"),
        ("synchronous_commit", "off"),
    ];
    db.source(
        "insert into item select g, array['a', null, 'NULL', '\\'], now() - g * interval '1 h', g * interval '1 month 3 min',
             g::numeric, decode(to_hex(g + 4096), 'hex'), g / 3.0, '\\' from generate_series(1, 50) g",
    )
    .await;
    for side in [&db.target, &db.source] {
        for (name, value) in sides {
            side.run(&format!("alter database {} set {name} = '{value}'", db.name)).await;
        }
        db.target("truncate item").await;
        db.sync().await.expect_ok();
        db.source(
            "set array_nulls = on; update item set tags = array[null, 'NULL'], n = n + 0.1, updated_at = now() where id < 20;
             update item set tags = '{NULL,b}' where id > 45",
        )
        .await;
        db.sync().await.expect_ok().expect_strategy("item", "incremental");
        db.sync().arg("-reconcile").await.expect_ok();
        db.sync().arg("-reconcile").await.expect_unchanged();
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn a_name_of_a_relation_means_the_same_relation_on_both_sides() {
    let db = Pair::with(
        "create schema app; create table app.item (id int); create table item (id int); create table app.only_app (id int);
         create type app.pair as (a regclass, b int); create domain app.name as regtype;
         create function app.doubled(int) returns int language sql immutable as 'select $1 * 2';
         create function checked(n int) returns boolean language plpgsql immutable as
             'begin return doubled(n) > 0; end';
         create table named (id int primary key, r regclass, many regclass[], t app.name, p app.pair, f regprocedure,
             n int, updated_at timestamptz not null default '2024-01-01')",
    )
    .await;
    for side in [&db.source, &db.target] {
        side.run(&format!("alter database {} set search_path = app, public", db.name)).await;
    }
    // What is written on the target is checked by a function that needs the role's path.
    db.target("alter table named add check (public.checked(n))").await;
    for side in [&db.source, &db.target] {
        side.run("set search_path = ''").await;
    }
    db.source(
        "insert into public.named values
             (1, 'app.item', '{app.item,public.item,pg_class}', 'app.pair', row('app.only_app', 1), 'app.doubled(int)', 1),
             (2, 'public.item', '{public.item}', 'int', row('public.item', 1), 'abs(int)', 2), (3, null, null, null, null, null, 3)",
    )
    .await;
    let shown = "select string_agg(n::text, ' ' order by id) from public.named n";
    for (source, target) in
        [("app, public", "public, app"), ("public", "app, public"), ("''", "app")]
    {
        for (side, path) in [(&db.source, source), (&db.target, target)] {
            side.run(&format!("alter database {} set search_path = {path}", db.name)).await;
        }
        let only = || db.sync().include("public.named");
        only().await.expect_ok();
        assert_eq!(db.target_value(shown).await, db.source_value(shown).await);
        only().await.expect_unchanged();
        only().arg("-reconcile").await.expect_unchanged();
        db.source("update public.named set n = n + 1, many = array[r, 'app.item'], updated_at = now() where id < 3").await;
    }
}
