//! The test language itself: an assertion that cannot fail proves nothing.

use crate::support::{Pair, Session, clusters};

const ITEM: &str = "create table item (id int primary key, name text);
    insert into item values (1, 'one'), (2, null), (3, 'three')";

#[tokio::test]
async fn equal_tables_are_the_same() {
    let db = Pair::with(ITEM).await;
    db.assert_same("item").await;
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_changed_a_missing_and_a_surplus_row_are_each_named() {
    let db = Pair::with(ITEM).await;
    db.target("update item set name = 'uno' where id = 1; delete from item where id = 2").await;
    db.target("insert into item values (4, 'four')").await;
    let difference = db.difference("item").await.expect_err("the tables differ");
    for line in ["- (1,one) ×1", "+ (1,uno) ×1", "- (2,) ×1", "+ (4,four) ×1"] {
        assert!(difference.contains(line), "{line} in:\n{difference}");
    }
}

#[tokio::test]
async fn null_and_empty_text_differ() {
    let db = Pair::with(ITEM).await;
    db.target("update item set name = '' where id = 2").await;
    assert!(db.difference("item").await.is_err());
}

#[tokio::test]
async fn a_duplicate_counts() {
    let db = Pair::with("create table t (a int); insert into t values (1), (1)").await;
    db.target("delete from t where ctid = '(0,1)'").await;
    assert!(db.difference("t").await.is_err());
}

#[tokio::test]
async fn a_row_written_again_with_equal_values_shows_in_the_marks() {
    let db = Pair::with(ITEM).await;
    let (target, source) = (db.target_marks("item").await, db.source_marks().await);
    db.both("update item set name = name where id = 1").await;
    assert_ne!(db.target_marks("item").await, target);
    assert_ne!(db.source_marks().await, source);
}

#[tokio::test]
async fn a_new_relation_on_the_source_shows_in_the_marks() {
    let db = Pair::with(ITEM).await;
    let before = db.source_marks().await;
    db.source("create sequence s").await;
    assert_ne!(db.source_marks().await, before);
}

#[tokio::test]
async fn databases_and_roles_are_gone_after_a_test() {
    let db = Pair::with(ITEM).await;
    let (name, role) = (db.name.clone(), db.target_owner().await.name);
    drop(db);
    let admin = Session::open(&clusters().target.url("postgres")).await;
    let databases = format!("select count(*) from pg_database where datname = '{name}'");
    let roles = format!("select count(*) from pg_roles where rolname = '{role}'");
    assert_eq!(admin.value(&databases).await, "0");
    assert_eq!(admin.value(&roles).await, "0");
}

#[tokio::test]
async fn each_role_has_its_rights_and_no_more() {
    let db = Pair::with(ITEM).await;
    let owner = Session::open(&db.target_owner().await.url).await;
    owner.run("alter table item disable trigger user").await;
    let writer = Session::open(&db.target_writer().await.url).await;
    writer.run("delete from item where id = 1").await;
    assert!(writer.try_run("alter table item disable trigger user").await.is_err());
    let reader = Session::open(&db.source_reader().await.url).await;
    assert_eq!(reader.value("select count(*) from item").await, "3");
    assert!(reader.try_run("delete from item").await.is_err());
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let db = Pair::with(ITEM).await;
    let role = db.source_reader_with_password().await;
    Session::open(&role.url).await;
    let wrong = role.url.replace(&role.password, "wrong");
    assert!(Session::try_open(&wrong).await.is_err());
}

#[tokio::test]
async fn the_two_clusters_are_not_the_same_one() {
    let id = "select system_identifier from pg_control_system()";
    let db = Pair::fresh().await;
    assert_ne!(db.source_value(id).await, db.target_value(id).await);
}
