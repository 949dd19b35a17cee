//! What an application still lacks after a first run, and the recipe that brings it.

use std::process::Command;

use crate::support::{Pair, bin_folder};

const SHOP: &str = "create table orders (id int primary key, total int, touched text);
    create view totals as select sum(total) from orders; create view ids as select id from orders;
    create materialized view sums as select sum(total) from orders;
    create function touch() returns trigger language plpgsql as 'begin new.touched := ''yes''; return new; end';
    create trigger touch before insert on orders for each row execute procedure touch();
    create function even(n int) returns boolean language sql immutable as 'select n % 2 = 0';
    create policy own on orders using (true); alter table orders enable row level security;
    create type span as range (subtype = int4); create table spans (id int primary key, s span);
    create table pairs (n int check (even(n)));
    insert into orders values (1, 10)";

const NOTE: &str = "not copied: 2 views, 1 materialized view, 1 trigger, 1 policy, 1 function; ";

#[tokio::test]
async fn what_an_application_lacks_is_named_once_and_comes_with_the_recipe() {
    let db = Pair::fresh().await;
    db.source(SHOP).await;
    db.sync().arg("-dry-run").await.expect_ok().expect_unsaid("not copied");
    db.sync().await.expect_ok().expect_note(NOTE);
    db.sync().await.expect_unchanged().expect_unsaid("not copied");
    follow(&db, &recipe());
    db.target("insert into orders values (2, 5); refresh materialized view sums").await;
    let seen = "select touched || ' ' || (select sum from totals) || ' ' || (select sum from sums) from orders where id = 2";
    assert_eq!(db.target_value(seen).await, "yes 15 15");
    let secured = "select relrowsecurity from pg_class where oid = 'orders'::regclass";
    assert_eq!(db.target_value(secured).await, "t");
}

/// The moment of the kill is any: what a run that ended has said is not said again.
#[tokio::test]
async fn what_an_application_lacks_is_named_by_the_first_run_that_ends() {
    let db = Pair::fresh().await;
    db.source(SHOP).await;
    db.source(
        "create table a_large as select i, repeat('x', 500) as v from generate_series(1, 400000) i",
    )
    .await;
    let run = db.sync().start();
    db.target.until("select count(*) > 0 from pg_class where relname = 'sync_log'").await;
    db.target.until("select count(*) > 0 from sync_log where status = 'running'").await;
    run.signal("KILL");
    tokio::task::spawn_blocking(|| run.finish()).await.expect("the run ends");
    db.until_no_sessions().await;
    assert_eq!(
        db.target_value(
            "select count(*) from sync_log where status = 'running' and table_name = 'a_large'"
        )
        .await,
        "1"
    );
    db.sync().await.expect_ok().expect_note(NOTE);
    db.sync().await.expect_unchanged().expect_unsaid("not copied");
    db.source("create table later (id int)").await;
    db.sync().await.expect_ok().expect_unsaid("not copied");
}

#[tokio::test]
async fn who_names_tables_hears_nothing_of_views() {
    let db = Pair::fresh().await;
    db.source(SHOP).await;
    db.sync().include("orders").await.expect_ok().expect_unsaid("not copied");
    // He has not seen the whole.
    db.sync().await.expect_ok().expect_note(NOTE);
    db.sync().await.expect_unchanged().expect_unsaid("not copied");
}

#[tokio::test]
async fn a_later_run_names_what_lacks_in_the_schemas_that_it_comes_to() {
    let db = Pair::fresh().await;
    db.source(
        "create extension hstore; create table a (id int primary key); create table b (id int primary key);
         create table c (id int primary key); create view v as select from a",
    )
    .await;
    db.sync().await.expect_ok().expect_note("not copied: 1 extension (hstore), 1 view;");
    db.source("create view w as select from a; create schema crm; create table crm.a (id int primary key); create view crm.v as select from crm.a")
        .await;
    let sync = || db.sync().args(&["-schema", "public,crm"]);
    sync().await.expect_ok().expect_note("not copied: 1 view;");
    sync().await.expect_unchanged().expect_unsaid("not copied");
}

#[tokio::test]
async fn an_extension_that_no_table_needs_is_named() {
    let db = Pair::fresh().await;
    db.source(
        "create extension citext; create extension hstore; create extension fuzzystrmatch;
         create table t (id int primary key, c citext); create view v as select levenshtein('a', 'b')",
    )
    .await;
    let run = db.sync().await.expect_ok();
    run.expect_note("not copied: 2 extensions (fuzzystrmatch, hstore), 1 view; ");
}

#[tokio::test]
async fn what_a_range_brings_along_is_not_lacking_in_another_schema() {
    let db = Pair::fresh().await;
    db.source("create type span as range (subtype = int4); create table spans (id int, s span)")
        .await;
    let run = db.sync().args(&["-target-schema", "copy"]).await;
    run.expect_ok().expect_unsaid("not copied");
}

#[tokio::test]
async fn who_chooses_no_schema_hears_once_of_the_others() {
    let db = Pair::fresh().await;
    db.source(
        "create schema shop; create table shop.orders (id int primary key); create schema fns;
         create function fns.f() returns int language sql as 'select 1'; create table item (id int primary key)",
    )
    .await;
    let said = "only the tables of the schema public are selected; there are tables in shop, too: -schema public,shop";
    db.sync().await.expect_ok().expect_note(said);
    db.sync().await.expect_unchanged().expect_unsaid("are selected");
    db.sync().args(&["-schema", "public,shop"]).await.expect_ok().expect_unsaid("are selected");
    let all = Pair::with("create schema shop; create table shop.orders (id int primary key); create table item (id int primary key)").await;
    all.sync().args(&["-schema", "*"]).await.expect_ok().expect_unsaid("are selected");
}

#[tokio::test]
async fn large_objects_come_with_the_recipe_again_and_again() {
    let db = Pair::fresh().await;
    db.source(
        "create table att (id int primary key, body oid); insert into att select i, lo_from_bytea(0, i::text::bytea) from generate_series(1, 3) i",
    )
    .await;
    db.sync().await.expect_ok().expect_note("hold the number of a large object");
    let seen = "select string_agg(convert_from(lo_get(body), 'UTF8'), ' ' order by id) from att";
    for round in ["1 2 3", "1 2 3 4"] {
        assert_eq!(
            errors_of(&db, &recipe_after("uncopied.rs runs it as well")),
            Vec::<String>::new()
        );
        assert_eq!(db.target_value(seen).await, round);
        db.source("insert into att values (4, lo_from_bytea(0, '4')) on conflict do nothing").await;
        db.sync().await.expect_ok();
    }
}

/// The commands of the page that bring views and the like.
fn recipe() -> String {
    recipe_after("uncopied.rs runs it")
}

/// Those behind a comment.
fn recipe_after(comment: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema-changes.md");
    let text = std::fs::read_to_string(page).expect("the page can be read");
    let (_, after) = text
        .split_once(&format!("<!-- not run: tests/ddl/{comment} -->\n```sh\n"))
        .expect("a recipe");
    after.split("```").next().unwrap_or_default().to_owned()
}

fn follow(db: &Pair, recipe: &str) {
    let errors = errors_of(db, recipe);
    // The function that a check needs is there.
    assert!(errors.len() == 1 && errors[0].contains("already exists"), "{errors:?}");
}

/// What goes wrong when somebody runs the commands.
fn errors_of(db: &Pair, recipe: &str) -> Vec<String> {
    let commands = recipe
        .replace("postgres://app@prod/shop", &db.source_url())
        .replace("postgres://app@localhost/shop", &db.target_url());
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(&db.name);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let path =
        format!("{}:{}", bin_folder("SOURCE").display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("bash")
        .args(["-c", &commands])
        .current_dir(&folder)
        .env("PATH", path)
        .output();
    let said = output.expect("bash can be run").stderr;
    let said = String::from_utf8_lossy(&said).into_owned();
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    said.lines().filter(|line| line.contains("error: ")).map(str::to_owned).collect()
}
