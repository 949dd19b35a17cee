//! Sequences that no column owns and that a default draws from: an insert on the target goes on.

use crate::dump::assert_same_definitions;
use crate::support::Pair;

const ORDERS: &str = "create sequence numbers; create sequence down increment -1; create sequence tens;
    create table a (id int default nextval('numbers') primary key, below int default nextval('down'), v text);
    create table b (id bigint default nextval('numbers') primary key, ten int default nextval('tens') * 10, name text default 'n' || nextval('tens'));
    insert into a (v) select 'v' from generate_series(1, 7); insert into b (ten) select nextval('tens') * 10 from generate_series(1, 4)";

#[tokio::test]
async fn an_insert_after_a_first_run_does_not_collide_though_no_column_owns_the_sequence() {
    let db = Pair::fresh().await;
    db.source(ORDERS).await;
    db.settle().await;
    assert_same_definitions(&db).await;
    let insert = "insert into a (v) values ('here') returning id || ' ' || below";
    assert_eq!(db.target_value(insert).await, "12 -8");
    let insert = "insert into b default values returning id || ' ' || ten || ' ' || name";
    assert_eq!(db.target_value(insert).await, "13 90 n10");
}

#[tokio::test]
async fn a_shared_sequence_follows_rows_of_either_table_and_never_goes_back() {
    let db = Pair::with(
        "create sequence numbers; create table a (id int default nextval('numbers') primary key);
        create table b (id int default nextval('numbers') primary key)",
    )
    .await;
    db.target("select setval('numbers', 5)").await;
    db.source("insert into a values (300); insert into b values (20)").await;
    db.settle().await;
    assert_eq!(db.target_value("select nextval('numbers')").await, "301");
    db.source("select setval('numbers', 400)").await;
    db.sync().await.expect_unchanged();
    assert_eq!(db.target_value("select nextval('numbers')").await, "401");
}

#[tokio::test]
async fn a_sequence_that_the_role_may_not_set_is_named() {
    let db = Pair::with(
        "create sequence numbers; create table a (id int default nextval('numbers') primary key)",
    )
    .await;
    let role = db.target_writer().await;
    db.target(&format!("revoke all on sequence numbers from {}", role.name)).await;
    db.source("insert into a select from generate_series(1, 3)").await;
    let run = db.sync().target_role(&role).await.expect_ok();
    run.expect_note("the sequence public.numbers was not moved beyond the rows");
}
