//! Columns that a table has both of its own and from its parents.

use crate::dump::assert_same_definitions;
use crate::support::Pair;

#[tokio::test]
async fn a_column_that_parents_and_children_got_is_added_to_each_of_them() {
    let db = Pair::fresh().await;
    db.source(
        "create table a (id int primary key); create table b (x int) inherits (a); create table c (y int) inherits (b);
         insert into a values (1); insert into b values (2, 2); insert into c values (3, 3, 3)",
    )
    .await;
    db.settle().await;
    db.source("alter table c add z text default 'c'; alter table b add z text default 'b'; alter table a add z text default 'a'").await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn a_column_that_grows_in_a_parent_grows_in_its_child() {
    let db = Pair::fresh().await;
    db.source(
        "create table a (id int primary key, v varchar(5)); create table c (v varchar(5)) inherits (a);
         insert into a values (1, 'a'); insert into c values (2, 'c')",
    )
    .await;
    db.settle().await;
    db.source("alter table a alter v type text; update c set v = 'more than five'").await;
    db.sync().await.expect_ok().expect_unsaid("left out");
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
}
