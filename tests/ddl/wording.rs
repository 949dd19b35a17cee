//! Definitions that the servers word differently and that mean the same are no difference; others are,
//! however little it is.

use crate::support::Pair;

/// The server words each of these otherwise once its own words have been read back.
const REWORDED: &str = "create table item (id int primary key, state varchar(20) default 'new', kinds text[] default array['a', 'b']::varchar[],
        constraint known check (state in ('queued', 'done')), constraint odd exclude using btree ((state in ('a', 'b')) with =) where (state in ('x', 'y')));
    create index open on item (id) where state in ('queued', 'stuck'); create index \"Is open\" on item ((state in ('queued', 'stuck')));
    insert into item values (1, 'queued')";

async fn is_quiet(db: &Pair) {
    for mode in ["additive", "none", "reset", "reset"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_unchanged();
        assert_eq!(run.notes(), Vec::<String>::new(), "{mode}");
    }
}

#[tokio::test]
async fn an_expression_that_the_server_words_otherwise_is_no_difference() {
    let db = Pair::fresh().await;
    db.source(REWORDED).await;
    if db.has(12, "generated columns").await {
        db.source("alter table item add is_open bool generated always as (state in ('new', 'paid')) stored").await;
    }
    if db.has(14, "statistics of expressions").await {
        db.source("create statistics two on (state in ('a', 'b')), id from item").await;
    }
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    is_quiet(&db).await;
    // Made by somebody else from the same words.
    db.target("drop table item cascade").await;
    db.target(REWORDED).await;
    db.settle().await;
    is_quiet(&db).await;
}

#[tokio::test]
async fn an_expression_that_means_something_else_is_named() {
    let db = Pair::fresh().await;
    db.source(REWORDED).await;
    db.settle().await;
    db.source(
        "alter table item drop constraint known, add constraint known check (state in ('queued', 'gone'));
         drop index open, \"Is open\"; create index open on item (id) where state in ('stuck', 'queued');
         create index \"Is open\" on item ((state not in ('queued', 'stuck')));
         alter table item alter kinds set default array['b', 'a']::varchar[]",
    )
    .await;
    let mut run = db.sync().args(&["-ddl", "none"]).await.expect_unchanged();
    for what in [
        "constraint known of public.item",
        "index public.open",
        "index public.\"Is open\"",
        "default of column public.item.kinds",
    ] {
        run = run.expect_note(what);
    }
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    is_quiet(&db).await;
}

#[tokio::test]
async fn another_order_or_constant_in_what_a_column_computes_is_never_passed_over() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    let table = |expression: &str| {
        format!(
            "create table item (id int primary key, a int, b int, s varchar(9), g text generated always as ({expression}) stored)"
        )
    };
    let cases = [
        ("(a - b)::text", "(b - a)::text"),
        ("(s in ('x', 'y'))::text", "(s in ('x', 'z'))::text"),
        ("s || 'x'::varchar", "'x'::varchar || s"),
    ];
    for (here, there) in cases {
        db.source(&table(here)).await;
        db.target(&table(there)).await;
        db.sync().await.expect_exit(1).expect_failed("item", &["public.item.g is generated as"]);
        db.both("drop table item").await;
    }
}
