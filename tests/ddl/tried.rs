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

/// The function writes to a sequence, which no transaction rolls back, and only on the target.
#[tokio::test]
async fn nothing_that_is_tried_runs_a_function_of_the_source() {
    let db = Pair::fresh().await;
    let port = db.target_value("show port").await;
    db.source(&format!(
        "create function f() returns int immutable language plpgsql as $$begin
           if current_setting('port') = '{port}' then perform nextval('victim'); end if; return 1; end$$;
         create table item (id int primary key, a int, check (a > f()));
         create index on item ((a + f())); create index on item (a) where a > f();
         alter table item add exclude using btree ((a + f()) with =)"
    ))
    .await;
    db.target("create sequence victim").await;
    let (source, target) = (db.source_url(), db.target_url());
    pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    db.sync().arg("-dry-run").await.expect_exit(0);
    assert_eq!(db.target_value("select is_called from victim").await, "f");
}

#[tokio::test]
async fn what_is_not_tried_is_no_failure_of_what_needs_it() {
    let db = Pair::fresh().await;
    db.source("create type mood as enum ('a'); create table old (id int primary key, m mood)")
        .await;
    db.sync().await.expect_ok();
    db.source(
        "alter type mood add value 'new'; alter index old_pkey rename to older;
         create function low(m mood) returns int immutable language sql as 'select case when m > ''a'' then 1 else 0 end'",
    )
    .await;
    db.source(
        "create table young (id int primary key, m mood default 'new', check (low(m) >= 0));
         create index old_pkey on young (m)",
    )
    .await;
    db.sync().arg("-dry-run").await.expect_exit(0);
    db.sync().await.expect_ok();
}

#[tokio::test]
async fn what_is_tried_waits_for_nobody() {
    let db = Pair::with("create table old (id int primary key)").await;
    db.source("alter table old add v int default 1; create index on old (v)").await;
    db.source("create table item (id int primary key, old int references old)").await;
    let reader = db.target_session().await;
    reader.run("begin; lock table old in access share mode").await;
    let foretold = db.sync().arg("-dry-run").await.expect_exit(0);
    foretold.expect_note("would create table public.item");
    reader.run("rollback").await;
}

#[tokio::test]
async fn what_a_role_may_not_do_waits_for_nobody_and_is_said() {
    let db = Pair::with("create table old (id int primary key)").await;
    let role = db.target_writer().await;
    db.target(&format!("revoke create on schema public from public, {}", role.name)).await;
    db.sync().await.expect_ok();
    db.source("alter table old add v int default 1; create table item (id int primary key)").await;
    let reader = db.target_session().await;
    reader.run("begin; lock table old in access share mode").await;
    let listed = pgsync(&["schema", "-source", &db.source_url(), "-target", &role.url]).await;
    let listed = listed.expect_exit(1);
    let foretold = db.sync().target_role(&role).arg("-dry-run").await.expect_exit(1);
    reader.run("rollback").await;
    let create = format!("grant create on schema public to {}", role.name);
    assert!(listed.stdout.contains("must be owner of table old"), "{listed}");
    assert!(listed.stdout.contains(&create), "{listed}");
    let foretold = foretold.expect_failed("old", &["must be owner of table old"]);
    drop(foretold.expect_failed("item", &[&create]));
}

#[tokio::test]
async fn a_trial_that_ends_early_says_so() {
    let db = Pair::fresh().await;
    db.source(
        "do $$begin for i in 1..1001 loop execute 'create table t' || i || '(a int)'; end loop; end$$",
    )
    .await;
    let said = "trying what a run would create ended after 1000 statements";
    db.sync().arg("-dry-run").await.expect_ok().expect_note(said);
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    assert!(listed.stdout.contains(&format!("-- {said}")));
}

#[tokio::test]
async fn values_of_a_type_that_grows_are_no_failure_of_a_dry_run() {
    let db = Pair::fresh().await;
    db.source(
        "create type mood as enum ('a'); create table felt (id int primary key, m mood, updated_at timestamptz default now());
         create table named (id int primary key, v varchar(3)); create table fine (id int primary key);
         create table moods (id int primary key, m mood[]);
         insert into felt values (1, 'a'); insert into named values (1, 'abc'); insert into moods values (1, '{a}')",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("alter type mood add value 'b'; alter table named alter v type varchar(9)").await;
    db.source("insert into felt values (2, 'b'); insert into named values (2, 'abcdef'); insert into fine values (1); insert into moods values (2, '{b}')").await;
    let dry = db.sync().arg("-dry-run").await.expect_exit(0);
    dry.expect_note("not all rows are counted, for the run changes a type")
        .expect_changes("felt", (1, 0, 0))
        .expect_changes("named", (1, 0, 0))
        .expect_changes("fine", (1, 0, 0));
    db.sync().await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn what_the_owner_of_a_schema_may_drop_is_not_tried() {
    let db = Pair::fresh().await;
    db.source("create schema app; create table app.item (id int primary key, v text)").await;
    db.sync().args(&["-schema", "app"]).await.expect_ok();
    db.target("create index own on app.item (v)").await;
    let role = db.target_writer().await;
    db.target(&format!("alter schema app owner to {}", role.name)).await;
    let reader = db.target_session().await;
    reader.run("begin; lock table app.item in access share mode").await;
    let args = ["-schema", "app", "-ddl", "reset"];
    let dry = db.sync().target_role(&role).args(&args).arg("-dry-run").await.expect_exit(0);
    reader.run("rollback").await;
    dry.expect_unsaid("trying what a run would create ended")
        .expect_note("would drop index app.own");
}

#[tokio::test]
async fn a_name_that_something_else_has_is_foreseen_and_named() {
    let db = Pair::fresh().await;
    db.source("create table newtab (id int primary key); insert into newtab values (1)").await;
    db.target("create view newtab as select 1 as x").await;
    let said = ["\"newtab\" already exists", "view public.newtab has that name"];
    let listed =
        pgsync(&["schema", "-source", &db.source_url(), "-target", &db.target_url()]).await;
    drop(listed.expect_exit(1).expect_said(said[0]));
    db.sync().arg("-dry-run").await.expect_exit(1).expect_failed("newtab", &said);
    db.sync().await.expect_exit(1).expect_failed("newtab", &said);
}

#[tokio::test]
async fn a_key_that_a_run_creates_is_not_said_to_be_lacking() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v int); insert into item values (1, 1)")
        .await;
    db.settle().await;
    db.target("alter table item drop constraint item_pkey; insert into item values (1, 1)").await;
    let foretold = db.sync().arg("-dry-run").await.expect_ok();
    drop(
        foretold
            .expect_said("would create constraint item_pkey of public.item")
            .expect_unsaid("the target lacks the key"),
    );
    db.sync().await.expect_ok().expect_unsaid("the target lacks the key");
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_rename_elsewhere_keeps_no_taken_name_from_being_foretold() {
    let db =
        Pair::with("create table prod (id int primary key, n int constraint ck check (n > 0))")
            .await;
    db.settle().await;
    db.target("create view newt as select 1 as id").await;
    for rename in
        ["alter index prod_pkey rename to prod_pk", "alter table prod rename constraint ck to ck2"]
    {
        db.source(&format!(
            "drop table if exists newt; {rename}; create table newt (id int primary key)"
        ))
        .await;
        let dry = db.sync().arg("-dry-run").await.expect_exit(1);
        drop(dry.expect_failed("newt", &["relation \"newt\" already exists"]));
    }
    db.sync().await.expect_exit(1).expect_failed("newt", &["relation \"newt\" already exists"]);
    // A name that a rename frees is free.
    db.target("drop view newt").await;
    db.source("alter table prod rename constraint ck2 to ck3; create table other (id int constraint ck2 primary key)").await;
    db.sync().arg("-dry-run").await.expect_ok();
    db.settle().await;
}
