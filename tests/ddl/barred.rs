//! What cannot be rebuilt as the rest of the target is, told before rows are copied.

use crate::dump::assert_same_definitions;
use crate::support::{Outcome, Pair};

async fn reset(db: &Pair) -> Outcome {
    db.sync().args(&["-ddl", "reset"]).await
}

#[tokio::test]
async fn a_table_that_is_gone_and_refers_to_one_in_its_old_form_is_named_with_the_statement() {
    let db = Pair::fresh().await;
    db.source("create table pk (a int, b int, primary key (a, b)); create table fk (a int, b int, foreign key (a, b) references pk);
        insert into pk values (1, 1); insert into fk values (1, 1)").await;
    db.settle().await;
    db.source("drop table fk; drop table pk; create table pk (c int primary key); insert into pk values (5)").await;
    for _ in 0..2 {
        let run = reset(&db).await.expect_exit(1);
        let fails = [
            "foreign key fk_a_b_fkey of public.fk refers to (a, b), which is no key on the source",
        ];
        let run = run.expect_failed("pk", &fails);
        assert_eq!(run.table("pk").processed, 0);
    }
    let run = db.sync().await.expect_exit(1);
    let error = run.table("pk").error.expect("the table failed").message;
    for of_column in error.split("; only the target has the column ") {
        let (_, rest) = of_column.split_once("run on the target: ").expect("statements");
        let (statements, _) = rest.split_once("; if the source has dropped ").expect("an end");
        db.target(statements).await;
    }
    db.sync().await.expect_ok();
    reset(&db).await.expect_ok();
    db.assert_same("pk").await;
}

#[tokio::test]
async fn a_child_of_a_table_that_is_rebuilt_is_created_by_the_next_run() {
    let db = Pair::fresh().await;
    db.source("create table st (f1 int, f2 int); insert into st values (1, 1)").await;
    db.settle().await;
    db.source("drop table st; create table st (a int, b int); create table sc () inherits (st); create table sd () inherits (sc);
        insert into st values (1, 1); insert into sc values (1, 2)").await;
    let run = reset(&db).await.expect_exit(1);
    let run = run.expect_failed("sc", &["public.st", "the next run creates it"]);
    let run = run.expect_failed("sd", &["public.sc", "the next run creates it"]);
    assert_eq!(run.table("st").status, "success");
    reset(&db).await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
    reset(&db).await.expect_unchanged();
}
