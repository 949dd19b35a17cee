//! What was written is proven before a table is said to be in sync: here something hostile stands behind
//! a statement that pgsync sends, and a wrong row, a lost row or a row too many must never end with 0.

use crate::support::Pair;

/// A check of the target that does this once in a transaction, when a row of the table is written.
async fn with_hostile_check(pair: &Pair, deed: &str) {
    let function = format!(
        "create function hostile(key int) returns bool language plpgsql as $$ begin
           if coalesce(current_setting('hostile.done', true), '') = '' and key > 1 then
             perform set_config('hostile.done', 'yes', true);
             {deed};
           end if;
           return true;
         end $$;
         alter table item add constraint hostile check (hostile(id)) not valid"
    );
    pair.target(&function).await;
}

const ITEMS: &str = "create table item (id int primary key, name text);
    create function rows() returns setof item language sql as
      $$ select i, 'name ' || i from generate_series(1, 3000) i $$";
const TIMED: &str =
    "create table item (id int primary key, name text, updated_at timestamptz default now());
    create function rows() returns setof item language sql as
      $$ select i, 'name ' || i, now() - interval '1 day' from generate_series(1, 3000) i $$";
const CHANGES: &str = "update item set name = 'changed' where id in (5, 2000)";
const TIMED_CHANGES: &str =
    "update item set name = 'changed', updated_at = now() where id in (5, 2000)";

const DEEDS: [&str; 3] = [
    "update item set name = 'wrong' where id = 1",
    "delete from item where id = 1",
    "insert into item values (99999, 'one too many') on conflict (id) do update set name = 'again'",
];

/// The run fails by name, or has put the row right.
async fn never_in_step_with_other_rows(pair: &Pair, what: &str) {
    let outcome = pair.sync().await;
    let difference = pair.difference("item").await;
    if difference.is_ok() {
        return;
    }
    assert_eq!(outcome.status, 1, "{what}: {outcome}");
    outcome.expect_failed("item", &["still differ"]);
}

#[tokio::test]
async fn a_comparison_behind_which_rows_are_changed_does_not_end_in_step() {
    for deed in DEEDS {
        let pair = Pair::with(ITEMS).await;
        pair.both("insert into item select * from rows()").await;
        with_hostile_check(&pair, deed).await;
        pair.source(CHANGES).await;
        never_in_step_with_other_rows(&pair, deed).await;
    }
}

#[tokio::test]
async fn an_incremental_run_behind_which_rows_are_changed_does_not_end_in_step() {
    for deed in DEEDS {
        let pair = Pair::with(TIMED).await;
        pair.source("insert into item select * from rows()").await;
        pair.sync().await.expect_ok();
        with_hostile_check(&pair, deed).await;
        pair.source(TIMED_CHANGES).await;
        never_in_step_with_other_rows(&pair, deed).await;
    }
}

/// More rows than a look digests: their digest is made of the rows as they pass.
#[tokio::test]
async fn many_changes_behind_which_rows_are_changed_do_not_end_in_step() {
    let deed = "update item set name = 'wrong' where id = 4000";
    for deed in DEEDS.into_iter().chain([deed]) {
        let pair = Pair::with(TIMED).await;
        pair.source("insert into item select * from rows()").await;
        pair.sync().await.expect_ok();
        with_hostile_check(&pair, deed).await;
        let many = "select i, 'new ' || i, now() from generate_series(4000, 16000) i";
        pair.source(&format!("insert into item {many}")).await;
        never_in_step_with_other_rows(&pair, deed).await;
    }
}

#[tokio::test]
async fn a_first_copy_behind_which_rows_are_changed_does_not_end_in_step() {
    for table in [ITEMS, TIMED] {
        for deed in DEEDS {
            let pair = Pair::with(table).await;
            pair.source("insert into item select * from rows()").await;
            with_hostile_check(&pair, deed).await;
            never_in_step_with_other_rows(&pair, deed).await;
        }
    }
}

#[tokio::test]
async fn what_differs_in_the_end_is_said_by_row_and_column() {
    let pair = Pair::with(ITEMS).await;
    pair.both("insert into item select * from rows()").await;
    with_hostile_check(&pair, "update item set name = 'wrong' where id = 1").await;
    pair.source(CHANGES).await;
    let said = "1 row of the table (the first has the key (id) = (1) and differs in column \"name\") still differs";
    pair.sync().await.expect_failed("item", &[said]);
}

#[tokio::test]
async fn a_key_that_only_the_type_of_the_target_takes_is_deleted() {
    let pair = Pair::fresh().await;
    pair.source("create type size as enum ('s', 'm'); create table item (size size primary key)")
        .await;
    pair.target(
        "create type size as enum ('s', 'm', 'l'); create table item (size size primary key)",
    )
    .await;
    pair.source("insert into item values ('s')").await;
    pair.target("insert into item values ('m'), ('l')").await;
    pair.settle().await;
}

#[tokio::test]
async fn key_columns_may_be_named_as_columns_of_our_own() {
    let pair = Pair::with(
        "create table item (pgsync_hash int, pgsync_n int, pgsync_bucket int, name text unique,
           primary key (pgsync_hash, pgsync_n, pgsync_bucket))",
    )
    .await;
    pair.source("insert into item select i, i, i, i::text from generate_series(1, 3000) i").await;
    pair.follow(
        "delete from item where pgsync_n = 7; update item set name = -pgsync_n where pgsync_n % 500 = 0;
         insert into item values (1, 2, 3, 'new')",
    )
    .await;
}
