//! A run that looks at definitions in short says what one says that reads them whole.

use crate::support::{Outcome, Pair};

/// What is remembered after a good copy is not enough to miss the change: a run that has forgotten ends in the same way.
async fn is_seen(db: &Pair, change: &str, said: &str) {
    db.settle().await;
    db.sync().await.expect_unchanged();
    let remembered = "select count(*) from sync_log where definitions is not null";
    assert_ne!(db.target_value(remembered).await, "0");
    db.source(change).await;
    let way = || db.sync().args(&["-ddl", "none"]);
    let run = way().await;
    db.target("update sync_log set definitions = null").await;
    let forgetful = way().await;
    let words = |run: &Outcome| (run.status, run.notes(), errors(run));
    assert_eq!(words(&run), words(&forgetful), "after {change}");
    assert!(run.to_string().contains(said), "{said:?} expected of {run}");
}

fn errors(run: &Outcome) -> Vec<String> {
    let errors = run.tables().into_iter().filter_map(|table| table.error);
    errors.map(|error| error.message).collect()
}

const PAGE: &str = "create text search configuration own (copy = pg_catalog.english);
    create text search dictionary words (template = pg_catalog.simple);
    create table page (id int primary key, body text, words tsvector default to_tsvector('own', 'x')); insert into page values (1, 'the cats');
    create index found on page using gin (to_tsvector('own', body))";

#[tokio::test]
async fn another_name_of_a_text_search_configuration_is_seen() {
    let db = Pair::fresh().await;
    db.source(PAGE).await;
    is_seen(&db, "alter text search configuration own rename to other", "index public.found").await;
    let db = Pair::fresh().await;
    db.source(PAGE).await;
    if db.has(12, "generated columns").await {
        db.source("drop index found; alter table page add found tsvector generated always as (to_tsvector('own', body)) stored")
            .await;
        is_seen(&db, "alter text search configuration own rename to other", "public.page.found")
            .await;
    }
}

#[tokio::test]
async fn another_mapping_of_a_text_search_configuration_is_seen() {
    let db = Pair::fresh().await;
    db.source(PAGE).await;
    let change = "alter text search configuration own alter mapping for asciiword with words";
    is_seen(&db, change, "configuration public.own is defined differently").await;
}

#[tokio::test]
async fn another_body_of_a_function_in_a_schema_that_is_not_selected_is_seen() {
    let db = Pair::fresh().await;
    db.source(
        "create schema util; create function util.called(int) returns int language sql immutable as 'select 1';
         create function util.code(v int) returns int language sql immutable as 'select v + util.called(v)';
         create table item (id int primary key, n int, code int default util.code(1)); insert into item values (1, 2)",
    )
    .await;
    let change = "create or replace function util.called(int) returns int language sql immutable as 'select 2'";
    is_seen(&db, change, "function util.called(integer) is defined differently").await;
}

#[tokio::test]
async fn another_expression_of_a_partition_key_is_seen() {
    let db = Pair::fresh().await;
    db.source("create table item (name text) partition by range (lower(name)); insert into item select 1 where false")
        .await;
    let change = "drop table item; create table item (name text) partition by range (upper(name))";
    is_seen(&db, change, "partition").await;
}

#[tokio::test]
async fn other_statistics_are_seen() {
    let db = Pair::fresh().await;
    let table = "create table item (id int primary key, n int, t text); create statistics two on n, id from item";
    if db.has(13, "targets of extended statistics").await {
        db.source(table).await;
        is_seen(&db, "alter statistics two set statistics 77", "public.two").await;
    }
    let db = Pair::fresh().await;
    if db.has(14, "statistics of expressions").await {
        db.source(&format!("{table}; create statistics three on lower(t), n from item")).await;
        let change = "drop statistics three; create statistics three on upper(t), n from item";
        is_seen(&db, change, "public.three").await;
    }
}
