//! What a role may not do, and what the target does not have: one clear line each.

use crate::support::{Outcome, Pair, Role};

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

/// Runs, pastes what the hint says into the target, and runs again, until all is well.
pub async fn mended(db: &Pair, role: &Role, args: &[&str]) -> Vec<String> {
    let mut pasted = Vec::new();
    for _ in 0..6 {
        let run = db.sync().target_role(role).args(args).await;
        if run.status == 0 {
            return pasted;
        }
        let statement = statement_of(&run);
        assert!(!pasted.contains(&statement), "{statement} has mended nothing: {run}");
        db.target(&statement).await;
        pasted.push(statement);
    }
    panic!("not mended by {pasted:?}");
}

/// The first statement that a run asks for: in a hint, or behind the words of an error.
pub fn statement_of(run: &Outcome) -> String {
    let tables = run.json["tables"].as_array().cloned().unwrap_or_default();
    let errors = tables.iter().map(|table| &table["error"]).chain([&run.json["error"]]);
    let said = |error: &serde_json::Value| {
        let hint = error["hint"].as_str();
        let said = hint.or(error["message"].as_str().filter(|text| text.contains("run there")))?;
        Some(said.rsplit_once("run there").map_or(said, |(_, rest)| rest).to_owned())
    };
    let said = errors.filter_map(said).next();
    let said = said.unwrap_or_else(|| panic!("a hint expected of {run}"));
    let statement = said.strip_prefix(" as a superuser").unwrap_or(&said);
    let statement = statement.strip_prefix(": ").unwrap_or(statement);
    let statement = statement.split("; or ").next().unwrap_or_default();
    let statement = statement.split(" or ").next().unwrap_or_default().to_owned();
    let is_one = ["grant ", "alter ", "create "].iter().any(|verb| statement.starts_with(verb));
    assert!(is_one, "{statement:?} of {run}");
    statement
}

#[tokio::test]
async fn the_grant_that_a_foreign_key_needs_mends_it() {
    let (db, role) = a_parent_of_somebody_else().await;
    let pasted = mended(&db, &role, &["-schema", "public,dim"]).await;
    assert_eq!(pasted, [format!("grant references on table dim.c to {}", role.name)]);
}

#[tokio::test]
async fn the_grants_of_a_log_of_somebody_else_mend_it() {
    let db = Pair::with("create schema \"Log s\"; create table item (id int primary key)").await;
    let args = ["-log-table", "Log s.sync_log"];
    db.sync().args(&args).await.expect_ok();
    let role = db.target_writer().await;
    db.target(&format!(
        "revoke all on \"Log s\".sync_log from {0}; revoke all on schema \"Log s\" from {0}",
        role.name
    ))
    .await;
    let pasted = mended(&db, &role, &args).await;
    assert!(
        pasted.contains(&format!("grant usage on schema \"Log s\" to {}", role.name)),
        "{pasted:?}"
    );
    let log = format!("grant select, insert, update on table \"Log s\".sync_log to {}", role.name);
    assert!(pasted.contains(&log), "{pasted:?}");
}

#[tokio::test]
async fn the_grant_that_creates_a_log_mends_it() {
    let db = Pair::with("create schema app; create table app.item (id int primary key)").await;
    let role = db.target_writer().await;
    db.target(&format!("revoke create on schema app from {}", role.name)).await;
    let pasted = mended(&db, &role, &["-schema", "app"]).await;
    assert_eq!(pasted, [format!("grant create on schema app to {}", role.name)]);
}

#[tokio::test]
async fn the_grants_of_functions_and_of_hidden_types_mend_them() {
    let db = Pair::fresh().await;
    db.source("create schema ext; create extension citext schema ext; create table item (id int primary key, v ext.citext)").await;
    db.target("create schema ext; create extension citext schema ext").await;
    let role = db.target_writer().await;
    db.target(&format!("revoke all on schema ext from {}", role.name)).await;
    let pasted = mended(&db, &role, &[]).await;
    assert_eq!(pasted, [format!("grant usage on schema ext to {}", role.name)]);
    db.target(
        "create schema \"My f\"; create function \"My f\".slug(a text, b int) returns boolean language plpgsql immutable as
         'begin return true; end'; grant usage on schema \"My f\" to public;
         create table other (id int primary key, v text, check (\"My f\".slug(v, 1)));
         revoke execute on function \"My f\".slug(text, int) from public",
    )
    .await;
    db.source("create table other (id int primary key, v text); insert into other values (1, 'a')")
        .await;
    db.target(&format!("grant all on other to {}", role.name)).await;
    let pasted = mended(&db, &role, &[]).await;
    let grant = "grant execute on function \"My f\".slug(a text, b integer) to ";
    assert_eq!(pasted, [format!("{grant}{}", role.name)]);
}

#[tokio::test]
async fn a_right_that_the_owner_of_a_parent_lacks_is_granted_to_the_owner() {
    let db = Pair::with(
        "create schema app; create table app.product (id int primary key);
        create table app.stock (id int primary key, p int references app.product)",
    )
    .await;
    db.source("insert into app.product values (1); insert into app.stock values (1, 1)").await;
    let (role, other) = (db.target_writer().await, db.target_writer().await);
    for table in ["product", "stock"] {
        db.target(&format!("alter table app.{table} owner to {}", other.name)).await;
    }
    db.target(&format!("revoke all on schema app from {}", other.name)).await;
    let pasted = mended(&db, &role, &["-schema", "app"]).await;
    assert_eq!(pasted, [format!("grant usage on schema app to {}", other.name)]);
}

#[tokio::test]
async fn a_log_whose_schema_is_missing_and_may_not_be_made_has_ways_out() {
    let db = Pair::fresh().await;
    db.source("create schema crm; create table crm.person (id int primary key)").await;
    let run = db.sync().args(&["-schema", "crm", "-ddl", "none"]).await.expect_exit(1);
    drop(run.expect_said("schema \"crm\" does not exist (SQLSTATE 3F000); hint: run on the target: create schema crm; or name another place with -log-table, or leave out -ddl none"));
}

#[tokio::test]
async fn no_role_is_to_be_made_a_member_of_its_own_member() {
    let db = Pair::with("create table item (id int primary key)").await;
    let owner = db.target_owner().await;
    db.sync().target_role(&owner).await.expect_ok();
    let role = db.target_writer().await;
    db.hand_over_log(&role).await;
    db.source("alter table item add v text").await;
    let alter = format!("alter table public.item owner to {}", role.name);
    let grant = format!("grant {} to {}", owner.name, role.name);
    let run = db.sync().target_role(&role).await.expect_exit(1);
    run.expect_failed("item", &["must be owner of table item", &format!("{grant}; or {alter}")]);
    db.target(&format!("grant {} to {}", role.name, owner.name)).await;
    let run = db.sync().target_role(&role).await.expect_exit(1).expect_unsaid(&grant);
    run.expect_failed("item", &["must be owner of table item", &alter]);
    db.target(&alter).await;
    db.sync().target_role(&role).await.expect_ok();
}
