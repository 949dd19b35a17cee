//! Names of indexes and constraints that come to be those of other ones on the source.

use crate::dump::assert_same_definitions;
use crate::support::{Outcome, Pair};

async fn changed(before: &str, change: &str) -> Pair {
    let db = Pair::fresh().await;
    db.source(before).await;
    db.settle().await;
    db.source(change).await;
    db
}

async fn mode(db: &Pair, mode: &str) -> Outcome {
    db.sync().args(&["-ddl", mode]).await
}

const PARTITIONED: &str = "create table p (id int, x int, y int) partition by range (id);
    create table p1 partition of p for values from (0) to (10); insert into p values (1, 1, 2)";

#[tokio::test]
async fn an_index_of_a_partitioned_table_that_is_another_one_is_a_note_and_no_failure() {
    let cases = [
        ("create index i on p (y)", "drop index i; create index i on p (y, x)", "drop index i"),
        ("create index i on p (y)", "drop index i; create index i on p (x)", "drop index i"),
        ("create index i on p (y)", "drop index i; create index i on p (y desc)", "drop index i"),
        (
            "create unique index i on p (id, y)",
            "drop index i; create unique index i on p (id, x)",
            "drop index i",
        ),
        (
            "alter table p add constraint i unique (id, x)",
            "alter table p drop constraint i, add constraint i unique (id, y)",
            "alter table p drop constraint i",
        ),
    ];
    for (before, change, drop) in cases {
        let db = changed(&format!("{PARTITIONED}; {before}"), change).await;
        db.source("insert into p values (2, 2, 2); create table p2 partition of p for values from (10) to (20); insert into p values (11, 1, 1)").await;
        for ddl in ["additive", "reset", "additive"] {
            let run = mode(&db, ddl)
                .await
                .expect_ok()
                .expect_note("is defined differently on the source");
            assert_eq!(
                run.notes().iter().filter(|note| note.contains("defined differently")).count(),
                1,
                "{run}"
            );
        }
        db.assert_all_same().await;
        db.target(drop).await;
        db.sync().await.expect_ok();
        assert_same_definitions(&db).await;
    }
}

#[tokio::test]
async fn a_name_that_went_to_another_kind_of_constraint_waits_until_it_is_free() {
    let kinds =
        ["check (x > 0)", "foreign key (x) references b", "unique (x)", "exclude (x with =)"];
    let pairs = kinds.iter().flat_map(|one| kinds.iter().map(move |other| [one, other]));
    let pairs = pairs.filter(|[before, after]| before != after).enumerate();
    let (mut before, mut change) = (
        vec!["create table b (id int primary key); insert into b values (1)".to_owned()],
        Vec::new(),
    );
    for (number, [old, new]) in pairs {
        before.push(format!("create table a{number} (x int, constraint n{number} {old}); insert into a{number} values (1)"));
        change.push(format!("alter table a{number} drop constraint n{number}; alter table a{number} add constraint n{number} {new}"));
    }
    let db = changed(&before.join("; "), &change.join("; ")).await;
    for _ in 0..2 {
        let run = mode(&db, "additive").await.expect_unchanged();
        assert_eq!(
            run.notes().iter().filter(|note| note.contains(" drop constraint ")).count(),
            change.len(),
            "{run}"
        );
    }
    assert_eq!(db.target_value("select count(*) from pg_class where relname like 'n%' and relkind = 'i' and oid not in (select conindid from pg_constraint)").await, "0");
    mode(&db, "reset").await.expect_ok();
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_unique_index_to_which_others_refer_comes_to_be_a_constraint_by_a_reset() {
    let before = "create table a (id int primary key, x int, y int, constraint u1 check (x > 0)); create unique index i1 on a (y);
        create table k (y int references a (y)); insert into a values (1, 1, 5); insert into k values (5)";
    let db = changed(
        before,
        "alter table a drop constraint u1; alter table a add constraint u1 unique using index i1",
    )
    .await;
    mode(&db, "additive").await.expect_unchanged().expect_note("drop constraint \"u1\"");
    mode(&db, "reset").await.expect_ok();
    assert_same_definitions(&db).await;
    mode(&db, "reset").await.expect_unchanged();
}

#[tokio::test]
async fn indexes_that_have_exchanged_their_names_are_renamed() {
    let db = Pair::fresh().await;
    db.source("create table a (x int, constraint ua unique (x)); create table b (x int, constraint ub unique (x)); create table c (x int);
        create index ia on a (x); create index ib on b (x); create index ic on c (x)").await;
    db.settle().await;
    db.source("alter index ia rename to t; alter index ic rename to ia; alter index ib rename to ic; alter index t rename to ib;
        alter table a rename constraint ua to t; alter table b rename constraint ub to ua; alter table a rename constraint t to ub").await;
    mode(&db, "additive").await.expect_unchanged();
    assert_same_definitions(&db).await;
    db.sync().await.expect_unchanged().expect_unsaid("renam");
}
