//! Columns that get another type together with their constraints: what is printed is true, and the target takes it.

use crate::support::{Outcome, Pair};

/// The statement of the note that has this text.
fn statement(run: &Outcome, text: &str) -> String {
    let notes = run.notes();
    let note = notes.iter().find(|note| note.contains(text));
    let note = note.unwrap_or_else(|| panic!("a note with {text} expected of {run}"));
    note.split_once("run on the target: ").expect("a statement").1.to_owned()
}

async fn assert_settled(db: &Pair) {
    db.sync().await.expect_ok();
    db.settle().await;
    let run = db.sync().await.expect_unchanged();
    assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
}

#[tokio::test]
async fn two_columns_that_swap_their_names_one_of_them_of_a_domain_are_told_with_their_types() {
    let db = Pair::fresh().await;
    db.source(
        "create domain positive as int check (value > 0); create table item (id int primary key, a positive, b int);
         insert into item values (1, 1, -5)",
    )
    .await;
    db.settle().await;
    db.source("alter table item rename a to c; alter table item rename b to a; alter table item rename c to b").await;
    let of_a = "column public.item.a is integer on the source and public.positive on the target";
    let run = db.sync().await.expect_exit(1).expect_unsaid("do not keep this constraint");
    let run = run.expect_failed("item", &[of_a]);
    db.target(&statement(&run, of_a)).await;
    let run = db.sync().await.expect_ok();
    db.assert_same("item").await;
    let of_b = "to change it, when a run has brought the rows, run on the target: ";
    db.target(&statement(&run, of_b)).await;
    assert_settled(&db).await;
}

#[tokio::test]
async fn a_domain_that_another_column_still_has_is_named_where_the_column_has_it_no_more() {
    let db = Pair::fresh().await;
    db.source(
        "create domain positive as int check (value > 0); create table item (id int primary key, a positive, b positive);
         insert into item values (1, 1, 1)",
    )
    .await;
    db.settle().await;
    db.source("alter table item alter a type int; update item set a = -1").await;
    let run = db.sync().await.expect_exit(1).expect_unsaid("drop constraint");
    db.target(&statement(&run, "column public.item.a is integer on the source")).await;
    assert_settled(&db).await;
}

#[tokio::test]
async fn a_check_that_goes_with_the_type_of_its_column_is_dropped_by_the_statement_that_is_printed()
{
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, state int check (state >= 0) check (state <> id)); insert into item values (1, 2)")
        .await;
    db.settle().await;
    db.source("alter table item drop constraint item_state_check, drop constraint item_check, alter state type text").await;
    let run = db.sync().await.expect_exit(1);
    let failed = run.table("item").error.expect("an error").message;
    let (_, statement) = failed.split_once("run on the target: ").expect("a statement");
    assert!(statement.contains("drop constraint if exists item_state_check, "), "{run}");
    db.target(statement).await;
    assert_settled(&db).await;
}

#[tokio::test]
async fn a_check_of_numbers_stays_when_its_column_gets_larger_ones() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, n int check (n >= 0)); insert into item values (1, 2)").await;
    db.settle().await;
    db.source("alter table item alter n type bigint").await;
    db.sync().await.expect_exit(1).expect_unsaid("drop constraint");
}

#[tokio::test]
async fn a_new_check_of_a_column_that_gets_another_type_is_told_in_the_servers_words() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, n text); insert into item values (1, '2')")
        .await;
    db.settle().await;
    db.source("alter table item alter n type int using n::int, add constraint small check (n < 9)")
        .await;
    let run = db.sync().arg("-quiet").await.expect_exit(1);
    let run = run.expect_failed("item", &["operator does not exist: text < integer"]);
    drop(run.expect_unsaid("-verbose shows"));
    let run = db.sync().await;
    db.target(&statement(&run, "column public.item.n is integer on the source")).await;
    assert_settled(&db).await;
}
