//! Definitions that change under rows that stay: what old rows say changes then, and no timestamp with it.

use crate::support::Pair;

/// Two thousand rows far below the watermark, and a run that has found nothing to do.
async fn settled(types: &str, kind: &str, value: &str) -> Pair {
    let db = Pair::with(&format!(
        "{types}; create table item (id int primary key, value {kind}, updated_at timestamptz)"
    ))
    .await;
    let rows = format!(
        "insert into item select i, {value}, '2024-01-01'::timestamptz + i * interval '1 minute'
         from generate_series(1, 2000) i"
    );
    db.source(&rows).await;
    db.sync().await.expect_ok();
    db.sync().await.expect_unchanged().expect_strategy("item", "incremental");
    db
}

#[tokio::test]
async fn a_column_that_took_the_place_of_another_is_compared_once() {
    let db = settled("select 1", "int", "i").await;
    db.source(
        "alter table item add new int; update item set new = value * 100; alter table item drop value;
         alter table item rename new to value",
    )
    .await;
    let run = db.sync().await.expect_ok();
    run.expect_strategy("item", "compare").expect_changes("item", (0, 2000, 0));
    db.assert_same("item").await;
    db.sync().await.expect_unchanged().expect_strategy("item", "incremental");
}

#[tokio::test]
async fn columns_that_exchanged_their_names_on_either_side_are_compared() {
    for on_source in [true, false] {
        let db = Pair::with(
            "create table item (id int primary key, a int, b int, updated_at timestamptz)",
        )
        .await;
        db.source("insert into item select i, i, -i, '2024-01-01' from generate_series(1, 2000) i")
            .await;
        db.sync().await.expect_ok();
        let exchange = "alter table item rename a to c; alter table item rename b to a;
            alter table item rename c to b";
        if on_source {
            db.source(exchange).await;
        } else {
            db.target(exchange).await;
        }
        let run = db.sync().await.expect_ok();
        run.expect_strategy("item", "compare").expect_changes("item", (0, 2000, 0));
        db.assert_same("item").await;
    }
}

const MOOD: &str = "create type mood as enum ('sad', 'glad')";
const EXCHANGE: &str = "alter type mood rename value 'sad' to 'other';
    alter type mood rename value 'glad' to 'sad'; alter type mood rename value 'other' to 'glad'";

#[tokio::test]
async fn labels_that_exchanged_their_places_arrive_wherever_the_type_is_used() {
    let value = "(array['sad', 'glad'])[1 + i % 2]::mood";
    let uses = [
        ("", "mood", value.to_owned()),
        ("", "mood[]", format!("array[{value}]")),
        ("create domain inner_mood as mood", "inner_mood", value.to_owned()),
        (
            "create domain inner_mood as mood; create type pair as (n int, m inner_mood[])",
            "pair",
            format!("row(i, array[{value}])::pair"),
        ),
        (
            "create type moods as range (subtype = mood)",
            "moods",
            format!("moods({value}, {value}, '[]')"),
        ),
    ];
    for (types, kind, value) in uses {
        let types = [MOOD, types].join(";");
        let db = settled(&types, kind, &value).await;
        db.source(EXCHANGE).await;
        let run = db.sync().await.expect_ok();
        run.expect_strategy("item", "compare").expect_changes("item", (0, 2000, 0));
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn labels_that_exchanged_their_places_arrive_in_multiranges() {
    let db = Pair::fresh().await;
    if !db.has(14, "multiranges").await {
        return;
    }
    let types = format!(
        "{MOOD}; create type moods as range (subtype = mood, multirange_type_name = many_moods)"
    );
    let value = "many_moods(moods((array['sad', 'glad'])[1 + i % 2]::mood, null))";
    let db = settled(&types, "many_moods", value).await;
    db.source(EXCHANGE).await;
    db.sync().await.expect_ok().expect_strategy("item", "compare");
    db.assert_same("item").await;
}

#[tokio::test]
async fn an_attribute_of_a_type_that_was_replaced_arrives() {
    let db = settled("create type pair as (a int, b int)", "pair", "row(i, i)::pair").await;
    db.source("alter type pair drop attribute b; alter type pair add attribute b int").await;
    let run = db.sync().await.expect_ok();
    run.expect_strategy("item", "compare").expect_changes("item", (0, 2000, 0));
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_constraint_of_a_domain_that_changed_lets_the_table_be_compared() {
    let types = "create domain amount as int constraint bounds check (value > 0)";
    let db = settled(types, "amount", "i").await;
    db.both("alter domain amount drop constraint bounds; alter domain amount add constraint bounds check (value >= 0)")
        .await;
    db.sync().await.expect_unchanged().expect_strategy("item", "compare");
    db.sync().await.expect_unchanged().expect_strategy("item", "incremental");
}

#[tokio::test]
async fn a_column_that_others_compute_again_is_compared() {
    let db = Pair::with("select 1").await;
    if !db.has(17, "expressions that are set again").await {
        return;
    }
    db.source("create table item (id int primary key, twice int generated always as (id * 2) stored, updated_at timestamptz)").await;
    db.target("create table item (id int primary key, twice int, updated_at timestamptz)").await;
    db.source("insert into item select i, default, '2024-01-01' from generate_series(1, 2000) i")
        .await;
    db.sync().await.expect_ok();
    db.source("alter table item alter twice set expression as (id * 3)").await;
    db.sync().await.expect_ok().expect_strategy("item", "compare");
    db.assert_same("item").await;
}

#[tokio::test]
async fn an_option_that_the_target_does_not_know_is_told_in_its_words() {
    let db = Pair::fresh().await;
    let option =
        "select count(*) filter (where current_setting('server_version_num')::int >= 130000)";
    let [here, there] = [db.source_value(option).await, db.target_value(option).await];
    if here == "0" {
        // It is one of PostgreSQL 13.
        return;
    }
    db.source(
        "create table item (id int primary key) with (autovacuum_vacuum_insert_threshold = 1000)",
    )
    .await;
    let run = db.sync().await;
    if there == "1" {
        run.expect_ok();
        return;
    }
    let words = "unrecognized parameter \"autovacuum_vacuum_insert_threshold\"";
    run.expect_exit(1).expect_failed("item", &[words]);
}
