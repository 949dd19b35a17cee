//! Foreign keys to tables that failed: a key that rows keep is there all the same, and rows that refer to nothing are no
//! success, in this run and in every later one.

use crate::support::{Outcome, Pair, Rights};

const TABLES: &str = "create table c (id int primary key, x int); create table d (id int primary key, x int, c int references c); create table e (id int primary key, c int references c);
    insert into c values (1, 1), (2, 2); insert into d values (1, 1, 2); insert into e values (1, 2)";
/// A reset rebuilds the first two.
const REDUCED: &str = "alter table c drop x; alter table d drop x";

async fn reset(db: &Pair) -> Outcome {
    db.sync().args(&["-ddl", "reset"]).await
}

/// Of which tables the target has keys to `c`.
async fn children(db: &Pair) -> String {
    db.target_value("select string_agg(conrelid::regclass::text, ' ' order by conrelid::regclass::text) from pg_constraint where contype = 'f' and convalidated and confrelid = 'c'::regclass").await
}

#[tokio::test]
async fn a_rebuilt_child_refers_to_its_old_parent_if_its_rows_do() {
    for in_the_way in [
        "create view v as select * from c",
        "create table gg (c int references c); insert into gg values (1)",
    ] {
        for rights in [Rights::Superuser, Rights::Owner] {
            let db = Pair::with("").await;
            let role = db.target_role(rights).await;
            let grant = format!(
                "do $$ begin execute format('grant create on database %I to {}', current_database()); end $$",
                role.name
            );
            db.target(&grant).await;
            db.source(TABLES).await;
            db.settle_as(&role).await;
            db.source(REDUCED).await;
            db.source("delete from c where id = 1; insert into d values (2, 2); insert into e values (2, 2)").await;
            db.target(in_the_way).await;
            db.target(&format!("grant all on all tables in schema public to {}", role.name)).await;
            for mode in ["reset", "reset", "additive"] {
                let run = db.sync().args(&["-ddl", mode]).target_role(&role).await;
                assert_eq!(run.table("d").status, "success", "{run}");
                assert!(mode != "reset" || run.table("c").status == "failed", "{run}");
                assert_eq!(children(&db).await.replace(" gg", ""), "d e", "{run}");
            }
        }
    }
}

#[tokio::test]
async fn a_rebuilt_child_whose_rows_refer_to_nothing_is_never_a_success() {
    let db = Pair::fresh().await;
    db.source(TABLES).await;
    db.settle().await;
    db.source(REDUCED).await;
    db.source("insert into c values (3); insert into d values (3, 3)").await;
    db.target("create view v as select * from c").await;
    for _ in 0..3 {
        let run = reset(&db).await.expect_exit(1);
        run.expect_failed("d", &["refer to rows of public.c that are not there"]);
    }
    db.target("drop view v").await;
    reset(&db).await.expect_ok();
    assert_eq!(children(&db).await, "d e");
}

const UNMADE: &str = "create table c (id int primary key); create table d (id int primary key, c int references c); create table e (id int primary key, c int references c);
    insert into c values (1); insert into d values (1, 1); insert into e values (1, null);
    create function fc(int) returns int language internal immutable as 'int4abs'; alter table c add check (fc(id) > 0)";

#[tokio::test]
async fn rows_that_refer_to_a_table_that_could_not_be_made_are_no_success() {
    for rights in [Rights::Superuser, Rights::Owner] {
        for mode in ["additive", "reset"] {
            let db = Pair::fresh().await;
            let role = db.target_role(rights).await;
            db.source(UNMADE).await;
            for _ in 0..3 {
                let run = db.sync().args(&["-ddl", mode]).target_role(&role).await.expect_exit(1);
                let run = run.expect_failed("d", &["refer to rows of public.c that are not there"]);
                assert_eq!(run.table("e").status, "success", "{run}");
                run.expect_note("foreign key e_c_fkey of public.e is missing on the target until public.c is in sync");
            }
            db.target(
                "create function fc(int) returns int language internal immutable as 'int4abs'",
            )
            .await;
            db.sync().target_role(&role).await.expect_ok();
            assert_eq!(children(&db).await, "d e");
        }
    }
}
