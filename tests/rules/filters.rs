//! `where`: some rows of a table travel, and what leaves or enters the filter is followed.

use crate::support::Pair;

const ITEMS: &str =
    "create table item (id int primary key, kind text not null, updated_at timestamptz not null);
     create index on item (updated_at)";

/// Whether the target holds what the filter lets through.
async fn assert_shows(db: &Pair, filter: &str) {
    let rows = |filter: &str| {
        format!(
            "select coalesce(string_agg(item::text, ';' order by id), '') from item where {filter}"
        )
    };
    assert_eq!(db.target_value(&rows("true")).await, db.source_value(&rows(filter)).await);
}

async fn filled() -> Pair {
    let db = Pair::with(ITEMS).await;
    db.source(
        "insert into item select i, case when i % 3 = 0 then 'a' else 'b' end, '2024-01-01'::timestamptz + i * interval '1 minute'
         from generate_series(1, 900) i",
    )
    .await;
    db
}

#[tokio::test]
async fn rows_leave_and_enter_the_filter_and_the_next_run_changes_nothing() {
    let db = filled().await;
    let filter = "kind = 'a'";
    let rule = format!("item.where={filter}");
    let sync = || db.sync().args(&["-set", &rule]).no_overlap();
    sync().await.expect_ok().expect_changes("item", (300, 0, 0)).expect_strategy("item", "copy");
    sync().await.expect_unchanged();
    // With its timestamp: one leaves, one enters, one changes within, one without.
    db.source(
        "update item set kind = 'b', updated_at = now() where id = 3;
         update item set kind = 'a', updated_at = now() where id = 4;
         update item set updated_at = now() where id in (6, 7)",
    )
    .await;
    sync()
        .await
        .expect_ok()
        .expect_changes("item", (1, 1, 1))
        .expect_strategy("item", "incremental");
    assert_shows(&db, filter).await;
    sync().await.expect_unchanged();
    // Without it, as when others decide what the filter says.
    db.source(
        "update item set kind = 'b' where id = 9; update item set kind = 'a' where id in (10, 11)",
    )
    .await;
    sync()
        .await
        .expect_ok()
        .expect_changes("item", (2, 0, 1))
        .expect_strategy("item", "incremental");
    assert_shows(&db, filter).await;
    sync().await.expect_unchanged();
}

#[tokio::test]
async fn a_changed_filter_compares_the_table_once() {
    let db = filled().await;
    let sync = |filter: &'static str| db.sync().args(&["-set", filter]).no_overlap();
    sync("item.where=kind = 'a'").await.expect_ok();
    let wider = "item.where=kind = 'a' or id < 10";
    sync(wider)
        .await
        .expect_ok()
        .expect_changes("item", (6, 0, 0))
        .expect_strategy("item", "compare");
    assert_shows(&db, "kind = 'a' or id < 10").await;
    sync(wider).await.expect_unchanged().expect_strategy("item", "incremental");
    // Without one again.
    db.sync().no_overlap().await.expect_ok().expect_strategy("item", "compare");
    db.assert_same("item").await;
}

#[tokio::test]
async fn rows_follow_what_other_tables_say() {
    let db = filled().await;
    db.source("create table wanted (id int primary key); insert into wanted select generate_series(1, 50)")
        .await;
    let filter = "exists (select from wanted w where w.id = item.id)";
    let rule = format!("item.where={filter}");
    let sync = || db.sync().include("item").args(&["-set", &rule]).no_overlap();
    sync().await.expect_ok().expect_changes("item", (50, 0, 0));
    db.source("delete from wanted where id < 11; insert into wanted values (777)").await;
    sync()
        .await
        .expect_ok()
        .expect_changes("item", (1, 0, 10))
        .expect_strategy("item", "incremental");
    assert_shows(&db, filter).await;
    sync().await.expect_unchanged();
}

#[tokio::test]
async fn rows_leave_a_window_that_moves_with_the_clock() {
    let db = Pair::with(ITEMS).await;
    db.source(
        "insert into item select i, 'a', now() - interval '1 day' + i * interval '1 minute'
         from generate_series(1, 9) i;
         insert into item values (0, 'a', now() - interval '1 day' + interval '300 milliseconds')",
    )
    .await;
    let rule = "item.where=updated_at > now() - interval '1 day'";
    while db.target_value("select count(*) from item").await != "9" {
        db.sync().args(&["-set", rule]).await.expect_ok();
    }
    db.sync().args(&["-set", rule]).await.expect_unchanged();
    assert_eq!(db.target_value("select min(id) from item").await, "1");
}

#[tokio::test]
async fn large_tables_and_dry_runs_see_the_filter_too() {
    let db =
        Pair::with("create table item (id int primary key, kind text not null, filler text)").await;
    db.source("insert into item select i, (i % 4)::text, repeat(md5(i::text), 16) from generate_series(1, 60000) i")
        .await;
    let rule = "item.where=kind = '1'";
    let sync = || db.sync().args(&["-set", rule]).parallel(3);
    sync().arg("-dry-run").await.expect_ok().expect_changes("item", (15_000, 0, 0));
    sync().await.expect_ok().expect_changes("item", (15_000, 0, 0));
    db.source("update item set kind = '2' where id % 1000 = 1; update item set kind = '1' where id % 1000 = 3")
        .await;
    sync().arg("-dry-run").await.expect_ok().expect_changes("item", (60, 0, 60));
    sync().await.expect_ok().expect_changes("item", (60, 0, 60));
    assert_shows(&db, "kind = '1'").await;
    sync().await.expect_unchanged();
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused_before_anything_is_written() {
    let db = filled().await;
    db.source("create schema shop; create table shop.other (id int)").await;
    for (filter, expected) in [
        ("knd = 'a'", "column \"knd\" does not exist"),
        ("exists (select from app.other where id = 1)", "relation \"app.other\" does not exist"),
        (
            "exists (select from other where id = 1)",
            "\"other\" does not exist: write its schema, too: shop.other",
        ),
        ("id", "must be type boolean"),
        ("random() > 0.5", "random is volatile"),
        ("updated_at < clock_timestamp()", "clock_timestamp is volatile"),
        ("true) or (true", "is not one expression"),
        ("updated_at > 'yesterday'", "constant 'yesterday'"),
        ("count(*) > 1", "aggregate functions are not allowed"),
    ] {
        let rule = format!("item.where={filter}");
        db.sync().args(&["-set", &rule]).await.expect_exit(2).expect_said(expected);
    }
    assert_eq!(db.target_value("select count(*) from item").await, "0");
    assert_eq!(db.target_value("select to_regclass('public.sync_log')").await, "null");
}

#[tokio::test]
async fn children_that_all_travel_need_all_their_parents() {
    let db = Pair::with(
        "create table customer (id int primary key, active bool not null);
         create table orders (id int primary key, customer_id int not null references customer)",
    )
    .await;
    db.source("insert into customer values (1, true), (2, false); insert into orders values (1, 1), (2, 2)")
        .await;
    let parent = "customer.where=active";
    db.sync()
        .args(&["-set", parent])
        .await
        .expect_exit(2)
        .expect_said("public.customer")
        .expect_said("public.orders")
        .expect_said("orders_customer_id_fkey");
    assert_eq!(db.target_value("select count(*) from customer").await, "0");
    let child = "orders.where=customer_id in (select id from customer where active)";
    db.sync().args(&["-set", parent, "-set", child]).await.expect_ok();
    assert_eq!(db.target_value("select count(*) from orders").await, "1");
    // A child that refers to what is left out cannot be had.
    let other = "orders.where=id < 10";
    db.sync().args(&["-set", parent, "-set", other]).await.expect_failed(
        "orders",
        &["the where of public.customer leaves out rows to which rows of public.orders refer: change the where of \
           public.orders, such as: customer_id in (select id from public.customer where active)"],
    );
}

#[tokio::test]
async fn a_sub_select_finds_tables_by_the_search_path_and_not_in_the_schema_of_the_run() {
    let tables = "create table app.item (id int primary key); create table app.wanted (id int primary key); \
                  create table wanted (id int primary key)";
    let db = Pair::with(&format!("create schema app; {tables}")).await;
    db.source("insert into app.item values (1), (2), (3); insert into app.wanted values (1); insert into wanted values (2)")
        .await;
    let arrived = "select id::text from app.item";
    for (wanted, expected) in [("wanted", "2"), ("public.wanted", "2"), ("app.wanted", "1")] {
        let rule = format!("item.where=item.id in (select w.id from {wanted} w)");
        db.sync().schema("app").include("item").args(&["-set", &rule]).await.expect_ok();
        assert_eq!(db.target_value(arrived).await, expected, "{wanted}");
    }
}

#[tokio::test]
async fn a_refusal_after_another_where_says_that_it_has_changed() {
    let db = Pair::with("create table item (id int primary key)").await;
    db.source("insert into item select generate_series(1, 100)").await;
    let run = |filter| db.sync().args(&["-max-delete", "20%", "-set", filter]);
    run("item.where=id < 91").await.expect_ok();
    let refused = run("item.where=id < 10").await.expect_exit(5);
    let told = "81 of 90 rows would be deleted, more than -max-delete 20% allows: no row was changed; the where or the columns of the \
                table have changed since the last run: check the where and the source, then allow it for one run: ";
    refused.expect_refused("item", &[told]);
    db.source("delete from item where id > 9").await;
    let refused = run("item.where=id < 91").await.expect_exit(5);
    refused.expect_refused("item", &["no row was changed; check the source, then allow it"]);
}
