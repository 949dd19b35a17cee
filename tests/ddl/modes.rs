//! Each kind of change on the source under each mode: the table of the README, row by row.

use crate::dump::assert_same_definitions;
use crate::support::{Pair, pgsync};

const ITEM: &str = "
    create type mood as enum ('sad', 'happy');
    create table item (id int primary key, name varchar(20), n int not null, m mood, updated_at timestamptz not null default now());
    insert into item select i, 'n' || i, i, 'sad' from generate_series(1, 50) i";

/// What a run comes to.
#[derive(Clone, Copy)]
enum End {
    /// Rows and definitions are the source's.
    Equal,
    /// The rows of the source's columns are there; the target's definition stays as it was.
    Stays,
    /// The same, and a note says what is missing.
    Noted(&'static str),
    /// The table fails with this, and nothing of it changes.
    Fails(&'static str),
}
use End::{Equal, Fails, Noted, Stays};

/// A change, and what additive, none and reset make of it.
const CASES: &[(&str, [End; 3])] = &[
    (
        "alter table item add extra text; update item set extra = 'e'",
        [Equal, Fails("item.extra"), Equal],
    ),
    ("alter table item add extra int not null default 7", [Equal, Fails("item.extra"), Equal]),
    (
        "alter table item drop n",
        [
            Fails("\"n\", which is NOT NULL without a default"),
            Fails("\"n\", which is NOT NULL"),
            Equal,
        ],
    ),
    ("alter table item drop m", [Stays, Stays, Equal]),
    ("alter table item rename m to state", [Stays, Fails("item.state"), Equal]),
    (
        "alter table item alter name type varchar(40); update item set name = repeat('x', 30) where id = 1",
        [Equal, Fails("value too long"), Equal],
    ),
    (
        "alter table item alter name type text",
        [Equal, Noted("type of column public.item.name"), Equal],
    ),
    (
        "alter table item alter n type bigint",
        [Fails("\"n\" is bigint"), Fails("\"n\" is bigint"), Equal],
    ),
    ("alter table item alter name type varchar(10)", [Stays, Stays, Equal]),
    ("alter table item alter n type smallint", [Stays, Stays, Equal]),
    ("alter table item alter n type text", [Fails("\"n\" is text"), Fails("\"n\" is text"), Equal]),
    (
        "alter table item alter n drop not null; update item set n = null where id = 1",
        [Equal, Fails("violates not-null"), Equal],
    ),
    ("alter type mood add value 'fine' after 'sad'", [Equal, Fails("add value"), Equal]),
    (
        "alter table item drop constraint item_pkey; alter table item add primary key (id, n)",
        [Stays, Stays, Equal],
    ),
    (
        "alter table item rename to thing",
        [Fails("already exists"), Fails("missing on the target"), Fails("already exists")],
    ),
    ("create index later on item (n) where n > 3", [Equal, Noted("index public.later"), Equal]),
    (
        "alter table item add check (n > 0), add unique (name)",
        [Equal, Noted("constraint item_n_check of public.item"), Equal],
    ),
];

async fn each_case(mode: &str, place: usize) {
    for (change, ends) in CASES {
        let db = Pair::fresh().await;
        db.source(ITEM).await;
        db.sync().await.expect_ok();
        db.source(change).await;
        let before = shape(&db).await;
        let run = db.sync().args(&["-ddl", mode]).await;
        let changed = run.tables()[0].table.clone();
        match ends[place] {
            Equal => {
                run.expect_ok();
                db.assert_all_same().await;
                assert_same_definitions(&db).await;
            }
            Stays => {
                run.expect_ok();
                db.assert_all_same().await;
            }
            Noted(text) => {
                run.expect_ok().expect_note(text);
                assert_eq!(shape(&db).await, before, "{change}");
                db.assert_all_same().await;
            }
            Fails(text) => {
                run.expect_exit(1).expect_failed(&changed, &[text]);
                assert_eq!(shape(&db).await, before, "{change}");
            }
        }
        // Whatever the mode, what the target had and the source dropped is there unless it was reset.
        if mode != "reset" {
            let all = "select count(m) || ' ' || count(name) from item";
            assert_eq!(db.target_value(all).await, "50 50", "{change}");
        }
        if mode == "reset" && matches!(ends[place], Equal) {
            db.sync().args(&["-ddl", mode]).await.expect_unchanged();
        }
    }
}

/// The target's columns and indexes.
async fn shape(db: &Pair) -> String {
    let question = "select string_agg(attrelid::regclass || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull::text, ', '
        order by attrelid, attnum) from pg_attribute where attnum > 0
        and attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace and relname ~ '^item')";
    db.target_value(question).await
}

#[tokio::test]
async fn additive_makes_what_can_be_added_and_fails_the_rest_by_name() {
    each_case("additive", 0).await;
}

#[tokio::test]
async fn none_changes_no_definition() {
    each_case("none", 1).await;
}

#[tokio::test]
async fn reset_makes_the_target_what_the_source_is() {
    each_case("reset", 2).await;
}

#[tokio::test]
async fn a_column_that_is_renamed_on_both_sides_stays_one() {
    for ddl in ["additive", "none"] {
        let db = Pair::with("create table item (id int primary key, old text not null)").await;
        db.source("insert into item values (1, 'a'), (2, 'b')").await;
        db.sync().await.expect_ok();
        db.both("alter table item rename column old to new").await;
        db.source("update item set new = 'c' where id = 2").await;
        db.sync().args(&["-ddl", ddl]).await.expect_ok().expect_changes("item", (0, 1, 0));
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn what_is_there_and_otherwise_is_not_said_to_be_missing() {
    let db = Pair::fresh().await;
    db.source("create type status as enum ('a'); create table item (id int primary key, s status)")
        .await;
    db.settle().await;
    db.source("alter type status add value 'b'; create table ship (id int primary key, s status)")
        .await;
    let run = db.sync().args(&["-ddl", "none"]).await;
    let run = run.expect_failed(
        "item",
        &["missing on the target: label 'b' of type public.status; run there"],
    );
    run.expect_failed(
        "ship",
        &["missing on the target: label 'b' of type public.status, table public.ship; run there"],
    );
}

#[tokio::test]
async fn a_table_that_fails_without_changes_of_definitions_names_all_that_it_lacks() {
    let db = Pair::fresh().await;
    db.source("create type e as enum ('a'); create table a (id int primary key, x int, k e, v varchar(3)); insert into a values (1, 1, 'a', 'b')")
        .await;
    db.settle().await;
    db.source("alter type e add value 'b'").await;
    db.source("alter table a add column y int default 4 not null, alter x type bigint, alter v type varchar(10); update a set k = 'b', v = 'longer'")
        .await;
    let told = [
        "run on the target: alter table public.a alter column x type bigint",
        "; missing on the target: label 'b' of type public.e, column public.a.y; run there: alter type",
        "; type of column public.a.v differs on the target; run there: alter table \"public\".\"a\" alter column \"v\" type character varying(10)",
    ];
    let run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1);
    drop(run.expect_failed("a", &told));
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target, "-ddl", "none"]).await;
    assert!(told.iter().all(|told| listed.stdout.contains(told)), "{listed}");
}
