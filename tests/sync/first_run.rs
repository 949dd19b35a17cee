//! A run into empty tables, and the one after it.

use crate::support::Pair;

const SHOP: &str = "
    create table customer (id int primary key, name text, updated_at timestamptz not null);
    create table purchase (id bigint primary key, customer_id int not null references customer,
                           amount numeric(12,2), updated_at timestamptz not null);
    create table tag (purchase_id bigint references purchase, word text, primary key (purchase_id, word));
    create table note (body text)";

const ROWS: &str = "
    insert into customer select i, 'c' || i, '2024-01-01'::timestamptz + i * interval '1 minute'
        from generate_series(1, 500) i;
    insert into purchase select i, 1 + i % 500, i * 1.07, '2024-01-02'::timestamptz + i * interval '1 second'
        from generate_series(1, 3000) i;
    insert into tag select 1 + i % 3000, 'w' || i from generate_series(1, 2000) i;
    insert into note select 'n' || i % 7 from generate_series(1, 50) i";

async fn shop() -> Pair {
    let db = Pair::with(SHOP).await;
    db.source(ROWS).await;
    db
}

#[tokio::test]
async fn all_tables_are_equal_after_the_first_run() {
    let db = shop().await;
    let run = db.sync().await.expect_ok();
    db.assert_all_same().await;
    assert_eq!(run.table("purchase").changes(), (3000, 0, 0));
    assert_eq!(run.table("note").changes(), (50, 0, 0));
}

#[tokio::test]
async fn empty_tables_are_filled_by_copy() {
    let db = shop().await;
    let run = db.sync().await.expect_ok();
    let strategies = run.tables().into_iter().map(|table| table.strategy);
    assert!(strategies.eq(vec![Some("copy".to_string()); 4]), "copy expected in {run}");
}

#[tokio::test]
async fn the_second_run_changes_nothing() {
    let db = shop().await;
    db.sync().await.expect_ok();
    db.sync().await.expect_unchanged();
    db.assert_all_same().await;
}

#[tokio::test]
async fn the_second_run_writes_no_row_again() {
    let db = shop().await;
    db.sync().await.expect_ok();
    let tables = ["customer", "purchase", "tag", "note"];
    let mut before = Vec::new();
    for table in tables {
        before.push(db.target_marks(table).await);
    }
    db.sync().await.expect_unchanged();
    for (table, before) in tables.into_iter().zip(before) {
        assert_eq!(db.target_marks(table).await, before, "a row of {table} was written again");
    }
}

#[tokio::test]
async fn a_run_with_nothing_to_copy_succeeds() {
    let db = Pair::with(SHOP).await;
    db.sync().await.expect_unchanged();
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn equal_rows_that_were_there_before_the_first_run_are_not_written_again() {
    let db = Pair::with(SHOP).await;
    db.both(ROWS).await;
    let before = db.target_marks("purchase").await;
    db.sync().await.expect_unchanged();
    assert_eq!(db.target_marks("purchase").await, before);
}

#[tokio::test]
async fn a_target_with_other_rows_is_brought_in_step_by_the_first_run() {
    let db = Pair::with(SHOP).await;
    db.both(ROWS).await;
    db.target("update customer set name = 'x' where id = 7; delete from tag where word = 'w3'")
        .await;
    db.target(
        "insert into note values ('surplus'); insert into customer values (0, 'only here', now())",
    )
    .await;
    db.settle().await.expect_changes("customer", (0, 1, 1)).expect_changes("tag", (1, 0, 0));
}

#[tokio::test]
async fn rows_of_any_batch_size_and_number_of_workers_arrive() {
    for (size, workers) in [(1, 1), (7, 3), (100_000, 16)] {
        let db = shop().await;
        db.target("insert into customer values (1, 'old', '2020-01-01')").await;
        db.sync().batch_size(size).parallel(workers).await.expect_ok();
        db.assert_all_same().await;
    }
}
