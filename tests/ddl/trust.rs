//! What the source says never becomes a command on the target, and whose rights definitions run with.

use crate::dump::assert_same_definitions;
use crate::support::{Pair, Role};

/// Each would make a table if it left its place.
const NAMES: [&str; 5] = [
    "s ON a,b FROM t;create table pwned();--",
    "a\"; create table pwned(); --",
    "a'; create table pwned(); --",
    "a) ; create table pwned(); $$ /*",
    "\\! touch pwned \u{1b}[2J",
];

#[tokio::test]
async fn a_name_stays_a_name_whatever_has_it() {
    for name in NAMES {
        let db = Pair::fresh().await;
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let literal = format!("'{}'", name.replace('\'', "''"));
        let own = |n: &str| format!("{}{n}\"", &quoted[..quoted.len() - 1]);
        let sequence_name = format!("'{}'", own("q").replace('\'', "''"));
        db.source(&format!(
            "create schema {quoted}; set search_path = {quoted}, public;
             create type {kind} as enum ({literal}, 'b'); create domain {domain} as text check (value <> {literal});
             create collation {quoted} from \"C\"; create sequence {sequence};
             create table {quoted} ({quoted} int primary key, a text collate {quoted} default {literal}, b {kind}, d {domain},
                 n int default nextval({sequence_name}), constraint {check} check (a <> {literal}));
             create index {index} on {quoted} (a, (lower(a) || {literal})) where a > {literal};
             create statistics {statistics} on a, b from {quoted};
             create table {child} ({quoted} int references {quoted}, constraint {unique} unique ({quoted}));
             comment on table {quoted} is {literal}; comment on column {quoted}.{quoted} is {literal};
             comment on index {index} is {literal};
             alter table {quoted} set (fillfactor = 70);
             insert into {quoted} ({quoted}, a) values (1, 'x'); insert into {child} values (1)",
            kind = own("k"), domain = own("d"), sequence = own("q"), check = own("c"), index = own("i"),
            statistics = own("s"), child = own("h"), unique = own("u"),
            sequence_name = sequence_name,
        ))
        .await;
        db.source(&format!("alter schema {quoted} rename to hostile")).await;
        db.sync().args(&["-schema", "hostile"]).await.expect_ok();
        assert_same_definitions(&db).await;
        let made = "select count(*) from pg_class where relname = 'pwned'";
        assert_eq!(db.target_value(made).await, "0", "{name}");
    }
}

const ROLE_NOTE: &str = "their expressions run on the target as a superuser: see docs/security.md";

#[tokio::test]
async fn definitions_made_as_a_superuser_are_noted_once_and_as_another_role_not() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key)").await;
    db.sync().arg("-dry-run").await.expect_ok().expect_note(ROLE_NOTE);
    db.sync().await.expect_ok().expect_note(ROLE_NOTE);
    db.sync().await.expect_unchanged().expect_unsaid(ROLE_NOTE);
    db.source("create table other (id int primary key); alter table item add v text").await;
    db.sync().arg("-dry-run").await.expect_ok().expect_unsaid(ROLE_NOTE);
    db.sync().include("other").await.expect_ok().expect_unsaid(ROLE_NOTE);
    db.sync().await.expect_ok().expect_unsaid(ROLE_NOTE);
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key)").await;
    let owner = db.target_owner().await;
    db.sync().target_role(&owner).await.expect_ok().expect_unsaid(ROLE_NOTE);
}

#[tokio::test]
async fn what_fails_to_be_created_does_not_repeat_the_note_on_superusers() {
    let db = Pair::with("create table t (a int primary key)").await;
    db.source(
        "create function own() returns int language sql security definer as 'select 1'; create table c (f int default own())",
    )
    .await;
    db.sync().args(&["-ddl", "none"]).await.expect_exit(1).expect_unsaid(ROLE_NOTE);
    db.sync().await.expect_exit(1).expect_note(ROLE_NOTE);
    db.sync().await.expect_exit(1).expect_unsaid(ROLE_NOTE);
    db.sync().arg("-dry-run").await.expect_unsaid(ROLE_NOTE);
}

#[tokio::test]
async fn an_index_needs_what_its_functions_find_by_the_roles_own_path() {
    let db = Pair::fresh().await;
    db.both(
        "create function plain(v text) returns text language plpgsql immutable as
         $$ begin return translate(v, 'é', 'e'); end $$;
         create function slug(v text) returns text language plpgsql immutable as
         $$ begin return lower(plain(v)); end $$",
    )
    .await;
    db.source("create table town (id int primary key, name text); create index on town (slug(name)); insert into town values (1, 'Orléans')").await;
    let run = db.sync().await;
    // From PostgreSQL 17 on the server itself runs them without that path.
    if db.version().await < 170_000 {
        run.expect_ok();
        assert_same_definitions(&db).await;
    }
}

/// The recipes of the page, on this pair: names of roles and of the database are the test's own.
async fn recipe(db: &Pair, kind: &str, role: &str, side_is_source: bool) -> Role {
    let page = include_str!("../../docs/security.md");
    let (_, after) = page.split_once(&format!("```sql {kind}\n")).expect("a recipe");
    let (recipe, _) = after.split_once("```").expect("its end");
    let name = format!("{role}_{}", db.name);
    let recipe =
        recipe.replace(role, &name).replace("database shop", &format!("database {}", db.name));
    // Here the tables are made by who runs the recipe.
    let recipe = recipe.replace("for role shop_owner", "for role current_user");
    // What everybody may do by default, a careful administrator has revoked.
    let recipe = format!("revoke all on database {} from public; {recipe}", db.name);
    let server = if side_is_source { db.source_server() } else { db.target_server() };
    match side_is_source {
        true => db.source(&recipe).await,
        false => db.target(&recipe).await,
    }
    let url = server.url_as(&name, "secret", &db.name);
    Role { name, password: "secret".into(), url }
}

const SHOP: &str = "create schema app; create table app.parent (id serial primary key, name text, updated_at timestamptz default now());
    create table app.child (id int primary key, parent int references app.parent)";

#[tokio::test]
async fn the_recipe_for_rows_only_is_enough() {
    let db = Pair::with(SHOP).await;
    let reader = recipe(&db, "source", "pgsync_reader", true).await;
    let writer = recipe(&db, "target", "pgsync_writer", false).await;
    let args = ["-schema", "app", "-ddl", "none", "-log-table", "pgsync.sync_log"];
    let run = || db.sync().source_role(&reader).target_role(&writer).args(&args);
    db.source("insert into app.parent (name) select 'p' from generate_series(1, 5); insert into app.child values (1, 2)").await;
    run().await.expect_ok();
    db.assert_all_same().await;
    db.source("delete from app.child; delete from app.parent where id = 2; update app.parent set name = 'q', updated_at = now()").await;
    run().await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn the_recipe_for_a_schema_of_its_own_is_enough() {
    let db = Pair::fresh().await;
    db.source(SHOP).await;
    let reader = recipe(&db, "source", "pgsync_reader", true).await;
    let owner = recipe(&db, "owner", "pgsync_owner", false).await;
    let run = || db.sync().source_role(&reader).target_role(&owner).args(&["-schema", "app"]);
    db.source("insert into app.parent (name) values ('p')").await;
    run().await.expect_ok().expect_unsaid(ROLE_NOTE);
    db.source("alter table app.parent add n int default 7; insert into app.child values (1, 1)")
        .await;
    run().await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
}
