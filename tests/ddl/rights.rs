//! What a role may not do, and what the target does not have: one clear line each.

use crate::support::{Pair, Role};

const ITEM: &str = "create table item (id int primary key)";

#[tokio::test]
async fn a_role_without_create_is_told_so_by_table() {
    let db = Pair::with(ITEM).await;
    db.sync().await.expect_ok();
    let role = db.target_writer().await;
    db.target(&format!("revoke create on schema public from public, {}", role.name)).await;
    db.source("create table other (id int)").await;
    let run = db.sync().target_role(&role).await.expect_exit(1);
    let run = run.expect_failed("other", &["creating table public.other", "permission denied"]);
    assert_eq!(run.table("item").status, "success");
}

#[tokio::test]
async fn a_target_that_only_reads_is_named() {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.target(&format!("alter database {} set default_transaction_read_only = on", db.name)).await;
    db.sync().await.expect_exit(1).expect_said("read-only");
}

#[tokio::test]
async fn an_extension_that_the_target_does_not_have_fails_its_tables_alone() {
    let db = Pair::fresh().await;
    db.source(
        "create extension citext; create table other (id int); create table item (id citext)",
    )
    .await;
    db.source("update pg_extension set extname = 'no_such_thing' where extname = 'citext'").await;
    let run = db.sync().await.expect_exit(1);
    let run = run.expect_failed("item", &["creating extension no_such_thing"]);
    assert_eq!(run.table("other").status, "success");
}

#[tokio::test]
async fn indexes_are_built_with_the_memory_that_is_given() {
    let db = Pair::fresh().await;
    let told = "create function told(int) returns int language plpgsql immutable as";
    db.source(&format!(
        "{told} 'begin return $1; end'; create table item (n int); create index on item (told(n));
        insert into item values (1)"
    ))
    .await;
    // The server says what it has while it builds.
    db.target(&format!(
        "{told} $$ begin raise exception 'with %', current_setting('maintenance_work_mem'); end $$"
    ))
    .await;
    let run = || db.sync().args(&["-maintenance-work-mem", "33MB"]);
    // What a function raises can be anything: it is shown to those who ask for it.
    run().await.expect_exit(1).expect_unsaid("with 33MB");
    run().arg("-verbose").await.expect_exit(1).expect_said("with 33MB");
    db.target(
        "create or replace function told(int) returns int language sql immutable as 'select $1'",
    )
    .await;
    run().await.expect_ok();
    db.assert_all_same().await;
}

/// Two tables; the role of the target may write the one that the other refers to, and no more.
async fn a_parent_of_somebody_else() -> (Pair, Role) {
    let db = Pair::with("create schema dim; create table dim.c (id int primary key)").await;
    db.source(
        "create table o (id int primary key, c int references dim.c);
        insert into dim.c values (1); insert into o values (1, 1)",
    )
    .await;
    let role = db.target_writer().await;
    (db, role)
}

#[tokio::test]
async fn a_table_that_fails_when_all_are_done_says_so_on_stderr_also_of_a_quiet_run() {
    for args in [&["-quiet"][..], &["-quiet", "-log-format", "json"], &[]] {
        let (db, role) = a_parent_of_somebody_else().await;
        let run = db.sync().plain().args(&["-schema", "public,dim"]).args(args).target_role(&role);
        let run = run.await.expect_exit(1);
        for text in ["permission denied for table c", "references"] {
            assert!(run.stderr.contains(text), "{text:?} expected on stderr of {run}");
        }
    }
}
