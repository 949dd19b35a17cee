//! A column that cannot take the source's values: the statement that the failed table prints settles it, pasted as it
//! stands.

use crate::support::{Outcome, Pair};

/// What the failed table says that somebody is to run on the target.
fn statement(run: &Outcome, table: &str) -> String {
    let message = run.table(table).error.expect("an error").message;
    let statement = message.rsplit_once("alter t").map(|(_, rest)| format!("alter t{rest}"));
    statement.unwrap_or_else(|| panic!("a statement expected of {message}"))
}

/// Runs until the table is in sync, and pastes what it says in between.
async fn paste(db: &Pair, mode: &str) -> String {
    let run = db.sync().args(&["-ddl", mode]).await.expect_exit(1);
    let statement = statement(&run, "item");
    let told = run.stdout.matches("alter t").count();
    assert_eq!(told, 1, "one statement expected of {run}");
    db.target(&statement).await;
    db.sync().args(&["-ddl", mode]).await.expect_ok();
    db.assert_same("item").await;
    statement
}

#[tokio::test]
async fn a_statement_for_another_type_is_one_that_the_server_takes() {
    let cases = [
        ("int", "smallint default 7", "1", "type integer"),
        ("timestamptz", "int", "'2024-01-01'", "drop column v"),
        ("int[]", "int", "'{1}'", "drop column v"),
        ("boolean", "int default 1", "true", "using null::boolean"),
        ("int", "mood default 'sad'", "1", "drop column v"),
        ("varchar(5)", "mood default 'sad'", "'sad'", "type character varying(5)"),
        ("mood", "int", "'sad'", "drop column v"),
        ("positive", "smallint", "1", "type public.positive"),
        ("text[]", "int[] default '{1}'", "'{1}'", "type text[]"),
        ("inet", "uuid", "'10.0.0.1'", "drop column v"),
        ("numeric(10,3)", "numeric(4,2)", "1.125", "type numeric(10,3)"),
    ];
    for (here, there, value, expected) in cases {
        for mode in ["additive", "none"] {
            let db = Pair::with(
                "create type mood as enum ('sad'); create domain positive as int check (value > 0)",
            )
            .await;
            db.source(&format!("create table item (id int primary key, v {here})")).await;
            db.target(&format!("create table item (id int primary key, v {there})")).await;
            db.source(&format!("insert into item values (1, {value})")).await;
            db.target("insert into item values (2, default)").await;
            let statement = paste(&db, mode).await;
            assert!(statement.contains(expected), "{here} {there}: {statement}");
        }
    }
}

#[tokio::test]
async fn a_type_that_the_source_has_renamed_is_renamed() {
    let kinds = [
        ("enum ('sad', 'glad')", "'sad'"),
        ("(a int, b text)", "'(1,x)'"),
        ("range (subtype = int4)", "'[1,2)'"),
    ];
    for (kind, value) in kinds {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create type mood as {kind}; create table item (id int primary key, v mood, w mood[]);
             insert into item values (1, {value}, null)"
        ))
        .await;
        db.settle().await;
        db.source("alter type mood rename to \"Feeling\"").await;
        let run = db.sync().await.expect_exit(1);
        let statement = statement(&run, "item");
        assert_eq!(statement, "alter type public.mood rename to \"Feeling\"");
        db.target(&statement).await;
        db.settle().await;
    }
}

#[tokio::test]
async fn a_domain_of_arrays_that_the_source_has_renamed_is_renamed() {
    let db = Pair::fresh().await;
    if !db.has(11, "arrays of domains").await {
        return;
    }
    db.source(
        "create domain email as varchar(20) check (value <> ''); create table item (id int primary key, v email[]);
         insert into item values (1, '{a,b}')",
    )
    .await;
    db.settle().await;
    db.source("alter domain email rename to address").await;
    let statement = "alter domain public.email rename to address";
    db.sync().await.expect_failed("item", &["run on the target: ", statement]);
    db.target(statement).await;
    db.settle().await;
}

#[tokio::test]
async fn a_composite_type_that_is_made_otherwise_is_told_with_its_statement() {
    let cases = [
        (
            "add attribute note text cascade",
            "alter type public.amount add attribute note text cascade",
        ),
        ("drop attribute cur cascade", "alter type public.amount drop attribute cur cascade"),
        (
            "rename attribute cur to \"Of\" cascade",
            "alter type public.amount rename attribute cur to \"Of\" cascade",
        ),
        (
            "drop attribute n cascade, add attribute n bigint cascade, add attribute \"Of\" mood cascade",
            "alter type public.amount drop attribute n cascade, add attribute n bigint cascade, add attribute \
             \"Of\" public.mood cascade",
        ),
    ];
    for (change, expected) in cases {
        let db = Pair::fresh().await;
        db.source(
            "create type mood as enum ('sad'); create type amount as (n int, cur char(3));
             create table item (id int primary key, v amount, m mood);
             insert into item values (1, '(1,EUR)', 'sad')",
        )
        .await;
        db.settle().await;
        db.source(&format!("alter type amount {change}; update item set v = v")).await;
        assert_eq!(paste(&db, "additive").await, expected);
    }
}

#[tokio::test]
async fn a_column_that_is_computed_no_more_is_told_with_its_statement() {
    let db = Pair::fresh().await;
    if !db.has(13, "expressions that are dropped").await {
        return;
    }
    db.source("create table item (id int primary key, v int generated always as (id * 2) stored); insert into item values (1)").await;
    db.settle().await;
    db.source("alter table item drop v, add v int not null default 7").await;
    let statement = paste(&db, "additive").await;
    assert_eq!(statement, "alter table public.item alter column v drop expression");
}

#[tokio::test]
async fn a_column_that_is_computed_otherwise_is_told_with_its_statement() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source("create table item (id int primary key, v int generated always as (id * 2) stored); insert into item values (1)").await;
    db.settle().await;
    db.source("alter table item drop v, add v int generated always as (id * 3) stored").await;
    paste(&db, "additive").await;
    db.source("alter table item drop v, add v int generated always as (id * 4) stored").await;
    paste(&db, "none").await;
}

#[tokio::test]
async fn a_column_that_was_renamed_on_the_target_under_a_computed_one_is_named() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source(
        "create table item (id int primary key, body text, v text generated always as (lower(body)) stored);
         insert into item values (1, 'A')",
    )
    .await;
    db.settle().await;
    db.target("alter table item rename body to bodyx").await;
    let run = db.sync().await.expect_exit(1);
    let run = run.expect_failed("item", &["has no column \"body\" (\"bodyx\" may be it)"]);
    db.target(&statement(&run, "item")).await;
    db.settle().await.expect_unchanged();
}

#[tokio::test]
async fn a_table_that_is_never_rebuilt_is_not_told_to_be() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v inet, mail text)").await;
    db.target("create table item (id int primary key, v int, mail text)").await;
    let config = db.file("c.json", r#"{"tables": {"item": {"excludeColumns": ["mail"]}}}"#);
    for mode in ["additive", "reset"] {
        let run = db.sync().args(&["-config", &config, "-ddl", mode]).await.expect_exit(1);
        run.expect_failed("item", &["drop column v"]).expect_unsaid("-ddl reset");
    }
}

#[tokio::test]
async fn several_columns_of_other_types_are_settled_by_one_statement_whatever_their_values_are() {
    for timestamp in [false, true] {
        let db = Pair::fresh().await;
        db.source(
            "create table item (id int primary key, a varchar(30), b varchar(5), c int not null, d varchar(9), updated_at timestamp not null default now());
             insert into item values (1, '6f7c', 'maybe', 7, '', '2024-01-01'), (2, 'x', 'no', 8, 'y', '2024-01-01')",
        )
        .await;
        let sync = || if timestamp { db.sync().timestamp("updated_at") } else { db.sync() };
        sync().await.expect_ok();
        db.source(
            "alter table item alter a type int using 1, alter b type boolean using true, alter c type bigint, alter d type int[] using array[id]",
        )
        .await;
        let run = sync().await.expect_exit(1);
        let message = run.table("item").error.expect("an error").message;
        assert!(
            message.contains(
                "and the target's type has to be the same, or a wider one: use -ddl reset, or run on the target"
            ),
            "{message}"
        );
        assert_eq!(message.matches("alter table").count(), 1, "{message}");
        db.target(&statement(&run, "item")).await;
        sync().await.expect_ok();
        db.assert_same("item").await;
    }
}
