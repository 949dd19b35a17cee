//! Columns that the target computes: other values than the source's are never a success, whatever else
//! differs in the table.

use crate::dump::assert_same_definitions;
use crate::support::{Outcome, Pair};

const ITEM: &str = "create table item (id int primary key, v varchar(10), g int generated always as (id * 2) stored);
    insert into item (id, v) select i, 'x' from generate_series(1, 3) i";

async fn mode(db: &Pair, mode: &str) -> Outcome {
    db.sync().args(&["-ddl", mode]).await
}

/// Both ways that rebuild nothing fail the table, and a reset fixes it at once.
async fn fails_until_reset(change: &str) {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.settle().await;
    db.source(change).await;
    for way in ["none", "additive", "additive"] {
        let run = mode(&db, way).await.expect_exit(1);
        run.expect_failed("item", &["public.item.g", "-ddl reset"]);
    }
    mode(&db, "reset").await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
    db.sync().await.expect_unchanged();
}

const THREE: &str =
    "alter table item drop g, add g int generated always as (id * 3) stored; alter table item";

#[tokio::test]
async fn another_expression_beside_a_column_that_grows() {
    fails_until_reset(&format!("{THREE} alter v type varchar(20)")).await;
}

#[tokio::test]
async fn another_expression_beside_a_column_that_shrinks() {
    fails_until_reset(&format!("{THREE} alter v type varchar(5)")).await;
}

#[tokio::test]
async fn another_expression_of_a_column_whose_own_type_is_another() {
    fails_until_reset(&format!("{THREE} alter g type bigint")).await;
}

#[tokio::test]
async fn another_expression_of_columns_whose_types_are_others() {
    let g = "alter table item drop g, alter v type text;
        alter table item add g int generated always as (length(v) + 1) stored";
    fails_until_reset(g).await;
}

/// Of the same words, or but for a constant of a user's type.
#[tokio::test]
async fn another_order_of_columns_or_another_label() {
    for (here, there) in [
        ("int generated always as (a - b) stored", "int generated always as (b - a) stored"),
        (
            "bool generated always as (mood = 'sad'::mood) stored",
            "bool generated always as (mood = 'glad'::mood) stored",
        ),
        (
            "text generated always as (t || ' ' || u) stored",
            "text generated always as (u || ' ' || t) stored",
        ),
        (
            "bool generated always as (mood = any (array['sad', 'glad']::mood[])) stored",
            "bool generated always as (mood = any (array['glad']::mood[])) stored",
        ),
    ] {
        let db = Pair::with("create type mood as enum ('sad', 'glad')").await;
        let table = |g: &str| {
            format!(
                "create table item (id int primary key, a int, b int, t text, u text, mood mood, g {g})"
            )
        };
        let row = "insert into item (id, a, b, t, u, mood) values (1, 2, 3, 'x', 'y', 'sad')";
        db.source(&format!("{}; {row}", table(here))).await;
        db.target(&table(there)).await;
        for way in ["none", "additive"] {
            mode(&db, way)
                .await
                .expect_exit(1)
                .expect_failed("item", &["public.item.g", "-ddl reset"]);
        }
        db.target(&format!("drop table item; {}", table(here))).await;
        db.settle().await;
        // A table that a run made, and a migration of the source.
        db.source(&format!("alter table item drop g, add g {there}")).await;
        mode(&db, "additive").await.expect_exit(1).expect_failed("item", &["public.item.g"]);
        mode(&db, "reset").await.expect_ok();
        db.assert_all_same().await;
        db.sync().await.expect_unchanged();
    }
}

#[tokio::test]
async fn the_same_expression_rounded_otherwise() {
    let db = Pair::fresh().await;
    let rounded = |digits: u32| {
        format!(
            "create table item (id int primary key, g numeric(9, {digits}) generated always as (id / 3.0) stored)"
        )
    };
    db.source(&rounded(2)).await;
    db.source("insert into item values (1)").await;
    db.target(&rounded(1)).await;
    db.sync().await.expect_exit(1).expect_failed("item", &["public.item.g", "numeric(9,1)"]);
    db.target("drop table item").await;
    db.target(&rounded(2).replace("numeric(9", "numeric(12")).await;
    db.settle().await;
}

#[tokio::test]
async fn another_expression_beside_a_column_that_is_added() {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.settle().await;
    db.source(&format!("{THREE} add w int")).await;
    let run = mode(&db, "none").await.expect_exit(1);
    run.expect_failed("item", &["public.item.g"]);
    for _ in 0..2 {
        let run = mode(&db, "additive").await.expect_exit(1);
        run.expect_failed("item", &["public.item.g", "(id * 3)", "(id * 2)", "-ddl reset"]);
    }
    mode(&db, "reset").await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn the_same_expression_worded_otherwise_for_the_types_of_its_columns_is_no_other() {
    let columns = |text: &str, number: &str| {
        format!("create table item (id int primary key, \"V v\" {text}, n {number}, up text generated always as (upper(\"V v\") || 'a::b (''c'')') stored,
            twice bigint generated always as (n * 2 + 1::int8) stored)")
    };
    let db = Pair::fresh().await;
    db.source(&columns("varchar(10)", "int")).await;
    db.source("insert into item (id, \"V v\", n) values (1, 'x', 7)").await;
    db.target(&columns("text", "bigint")).await;
    db.settle().await;
    db.target("drop table item").await;
    db.target(&columns("text", "bigint").replace("upper(\"V v\")", "lower(\"V v\")")).await;
    db.sync().await.expect_exit(1).expect_failed("item", &["public.item.up"]);
}

/// Before PostgreSQL 16 a child may not repeat the expression of its parent.
#[tokio::test]
async fn children_with_generated_columns_are_made() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source(
        "create table a (n int, twice int generated always as (n * 2) stored);
         create table b (n int, twice int generated always as (n * 2) stored, own int generated always as (n * 3) stored);
         alter table b inherit a; create table c (n int, extra int) inherits (b); create table d () inherits (a);
         insert into a values (1); insert into b values (2); insert into c values (3); insert into d values (4)",
    )
    .await;
    db.settle().await;
    assert_same_definitions(&db).await;
    db.source("update c set n = 7; insert into b values (8)").await;
    db.settle().await.expect_unsaid("on the source");
}

/// From PostgreSQL 16 on a parent's ordinary column has no child that computes it.
#[tokio::test]
async fn a_child_that_alone_computes_a_column_computes_it_on_the_target() {
    let db = Pair::fresh().await;
    let version = "select current_setting('server_version_num')::int / 10000";
    let source: u32 = db.source_value(version).await.parse().expect("a number");
    let target: u32 = db.target_value(version).await.parse().expect("a number");
    if !db.has(12, "generated columns").await || source >= 16 {
        return;
    }
    db.source(
        "create table a (n int, twice int); create table b (n int, twice int generated always as (n * 2) stored) inherits (a);
         create table c (n int, twice int generated always as (n * 3) stored); alter table c inherit a;
         create table d (own int) inherits (b);
         create table p (day date, n int, twice int) partition by range (day);
         create table p1 (twice int generated always as (n * 2) stored, day date, n int);
         alter table p attach partition p1 for values from ('2024-01-01') to ('2025-01-01');
         insert into a values (1, 1); insert into b values (2); insert into c values (3); insert into d (n) values (4);
         insert into p1 (day, n) values ('2024-02-03', 5)",
    )
    .await;
    if target >= 16 {
        let run = db.sync().await.expect_exit(1);
        let hint = "only if its parent's is";
        let run = run.expect_failed("b", &["twice", hint]).expect_failed("c", &["twice", hint]);
        run.expect_failed("p", &["twice", hint]);
        return;
    }
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
    db.source("update b set n = 7").await;
    db.settle().await;
}

#[tokio::test]
async fn a_column_that_comes_to_be_generated_is_told_with_its_statement() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source("create table t (a int primary key, g int); insert into t values (1, 5)").await;
    db.settle().await;
    db.source("alter table t drop g; alter table t add g int generated always as (a * 2) stored")
        .await;
    let run = db.sync().await.expect_ok();
    db.assert_same("t").await;
    let notes = run.notes();
    let statement = notes.iter().find_map(|note| note.split_once("; to change that, run: "));
    db.target(statement.expect("a statement").1).await;
    db.sync().await.expect_ok().expect_unsaid("to change that");
    db.assert_same("t").await;
    let generated =
        "select attgenerated from pg_attribute where attrelid = 't'::regclass and attname = 'g'";
    assert_eq!(db.target_value(generated).await, "s");
}
