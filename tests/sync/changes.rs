//! What happens on the source between two runs arrives with the next.

use crate::support::Pair;

const ITEM: &str = "create table item (id int primary key, name text, updated_at timestamptz not null default now())";
const ROWS: &str =
    "insert into item select i, 'n' || i, '2024-01-01'::timestamptz + i * interval '1 hour'
    from generate_series(1, 100) i";

async fn items() -> Pair {
    let db = Pair::with(ITEM).await;
    db.source(ROWS).await;
    db
}

#[tokio::test]
async fn updates_inserts_and_deletes_arrive_together() {
    let db = items().await;
    let changes = "update item set name = 'new', updated_at = now() where id in (5, 6, 7);
        insert into item values (101, 'more'), (102, 'still more');
        delete from item where id between 20 and 23";
    let run = db.follow(changes).await;
    run.expect_strategy("item", "incremental").expect_changes("item", (2, 3, 4));
}

#[tokio::test]
async fn a_key_that_was_deleted_and_inserted_again_has_its_new_row() {
    let db = items().await;
    let changes = "delete from item where id = 9; insert into item values (9, 'again', now())";
    db.follow(changes).await.expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_changed_key_moves_its_row() {
    let db = items().await;
    let changes = "update item set id = 1000, updated_at = now() where id = 10";
    db.follow(changes).await.expect_changes("item", (1, 0, 1));
}

#[tokio::test]
async fn a_changed_key_moves_its_row_even_when_the_timestamp_stays() {
    let db = items().await;
    db.follow("update item set id = 1000 where id = 10").await.expect_changes("item", (1, 0, 1));
}

#[tokio::test]
async fn a_truncated_table_is_emptied() {
    let db = items().await;
    db.both("create table other (id int primary key)").await;
    db.source("insert into other values (1)").await;
    db.follow("truncate item").await.expect_changes("item", (0, 0, 100));
}

#[tokio::test]
async fn a_truncated_and_refilled_table_holds_the_new_rows_only() {
    let db = items().await;
    let changes =
        "truncate item; insert into item select i, 'z', now() from generate_series(90, 300) i";
    db.follow(changes).await;
}

#[tokio::test]
async fn a_row_inserted_with_an_old_timestamp_arrives() {
    let db = items().await;
    db.follow("insert into item values (500, 'late', '2020-02-02')")
        .await
        .expect_changes("item", (1, 0, 0));
}

#[tokio::test]
async fn rows_that_only_the_target_changed_are_left_to_reconcile() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.target("update item set name = 'local' where id = 4").await;
    db.sync().arg("-reconcile").await.expect_ok().expect_changes("item", (0, 1, 0));
    db.assert_same("item").await;
}

#[tokio::test]
async fn rows_that_only_the_target_has_lost_or_gained_are_put_right() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.target("delete from item where id = 4; insert into item values (-1, 'local', now())").await;
    db.settle().await.expect_changes("item", (1, 0, 1));
}

#[tokio::test]
async fn reconcile_finds_a_change_that_did_not_set_the_timestamp() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.source("update item set name = 'quietly' where id = 4").await;
    let run = db.sync().arg("-reconcile").await.expect_ok();
    run.expect_strategy("item", "compare").expect_changes("item", (0, 1, 0));
    db.assert_same("item").await;
}

#[tokio::test]
async fn without_deletes_vanished_rows_stay_and_all_else_arrives() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.source("delete from item where id = 1; update item set name = 'u', updated_at = now() where id = 2")
        .await;
    db.sync().arg("-no-deletes").await.expect_ok().expect_changes("item", (0, 1, 0));
    assert_eq!(db.target_value("select count(*) from item").await, "100");
    db.settle().await.expect_changes("item", (0, 0, 1));
}

#[tokio::test]
async fn an_equal_row_in_the_overlap_is_neither_sent_nor_written() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.source("update item set name = 'fresh', updated_at = now() where id = 3").await;
    db.sync().await.expect_ok().expect_changes("item", (0, 1, 0));
    let before = db.target_marks("item").await;
    let run = db.sync().await.expect_unchanged();
    assert_eq!(run.table("item").processed, 0, "equal rows do not travel in {run}");
    assert_eq!(db.target_marks("item").await, before);
}

#[tokio::test]
async fn every_table_without_a_timestamp_follows_too() {
    let db = Pair::with("create table plain (id int primary key, name text)").await;
    db.source("insert into plain select i, 'n' || i from generate_series(1, 3000) i").await;
    let changes =
        "update plain set name = 'new' where id % 700 = 0; delete from plain where id = 8;
        insert into plain values (-1, 'first'), (5000, 'last')";
    db.follow(changes).await.expect_strategy("plain", "compare").expect_changes("plain", (2, 4, 1));
}

#[tokio::test]
async fn a_row_whose_timestamp_went_backwards_is_followed() {
    let db = items().await;
    db.source("update item set updated_at = now() where id = 3").await;
    db.sync().await.expect_ok();
    db.source("update item set name = 'restored', updated_at = '2020-01-01' where id = 3").await;
    db.sync().await.expect_ok().expect_changes("item", (0, 1, 0));
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_change_older_than_a_row_that_vanished_is_followed() {
    let db =
        Pair::with("create table item (id int primary key, name text, updated_at timestamptz)")
            .await;
    db.source("insert into item values (1, 'a', '2024-01-01'), (2, 'b', '2026-06-01')").await;
    db.sync().await.expect_ok();
    db.source("delete from item where id = 2").await;
    db.sync().await.expect_ok();
    db.source("update item set name = 'z', updated_at = '2025-01-01' where id = 1").await;
    db.sync().await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn without_deletes_a_row_that_differs_is_repaired_all_the_same() {
    let db = items().await;
    db.sync().arg("-no-deletes").await.expect_ok();
    db.target("update item set name = 'local', updated_at = now() where id = 3").await;
    db.sync().arg("-no-deletes").await.expect_ok();
    db.assert_same("item").await;
}
