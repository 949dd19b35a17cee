//! What a run would stumble over when it creates definitions is found by a dry run and by `pgsync schema`.

use crate::support::{Pair, pgsync};

/// The default of `bad` calls what pgsync does not copy; `child` refers to it.
const SOURCE: &str = "create function own() returns int language sql security definer as 'select 1';
    create type mood as enum ('a'); create table fine (id int primary key, m mood, check (id > 0)); create index on fine (m);
    create table bad (id int primary key, n int default own()); create table child (id int primary key, bad int references bad);
    insert into fine values (1, 'a'); insert into bad values (1); insert into child values (1, 1)";

async fn relations(db: &Pair) -> String {
    db.target_value("select count(*) from pg_class where relnamespace = 'public'::regnamespace")
        .await
}

#[tokio::test]
async fn what_the_target_refuses_to_create_is_said_as_the_run_says_it() {
    let db = Pair::fresh().await;
    db.source(SOURCE).await;
    let before = relations(&db).await;
    let refused = "creating table public.bad: function public.own() does not exist";
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    assert!(listed.stdout.contains(&format!("-- public.bad: target while {refused}")));
    let foretold = db.sync().arg("-dry-run").await.expect_exit(1);
    foretold.expect_failed("bad", &[refused, "create it on the target first"]);
    assert_eq!(relations(&db).await, before);
    db.sync()
        .await
        .expect_exit(1)
        .expect_failed("bad", &[refused, "create it on the target first"]);
}

#[tokio::test]
async fn what_is_tried_waits_for_nobody_and_needs_no_right() {
    let db = Pair::with("create table old (id int primary key)").await;
    db.source("alter table old add v int default 1; create index on old (v)").await;
    db.source("create table item (id int primary key, old int references old)").await;
    let reader = db.target_session().await;
    reader.run("begin; lock table old in access share mode").await;
    let foretold = db.sync().arg("-dry-run").await.expect_exit(0);
    foretold.expect_note("would create table public.item");
    reader.run("rollback").await;
    let role = db.target_reader().await;
    db.sync().target_role(&role).arg("-dry-run").await.expect_exit(0);
}
