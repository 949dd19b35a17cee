//! `beforeSql` and `afterSql`.

use super::support::{Outcome, Pair};

/// A table with a row, and on the target one that is marked.
async fn marked() -> Pair {
    let db = Pair::with("create table item (id int primary key, name text)").await;
    db.source("insert into item values (1, 'a')").await;
    db.target("create table mark (what text)").await;
    db
}

async fn run(db: &Pair, before: &str, after: &str, flags: &[&str]) -> Outcome {
    let text = format!(r#"{{"beforeSql": {before}, "afterSql": {after}}}"#);
    let file = db.file("statements.json", &text);
    db.sync().args(&["-config", &file]).args(flags).await
}

async fn marks(db: &Pair) -> String {
    db.target_value("select coalesce(string_agg(what, ',' order by what), '') from mark").await
}

const BEFORE: &str = r#"["insert into mark values ('1 before ' || (select count(*) from item))"]"#;
const AFTER: &str =
    r#"["insert into mark values ('2 after ' || (select count(*) from item))", "analyze item"]"#;

#[tokio::test]
async fn statements_run_before_the_first_table_and_after_the_last() {
    let db = marked().await;
    run(&db, BEFORE, AFTER, &["-dry-run"]).await.expect_ok();
    assert_eq!(marks(&db).await, "");
    run(&db, BEFORE, AFTER, &[]).await.expect_ok();
    assert_eq!(marks(&db).await, "1 before 0,2 after 1");
    db.assert_same("item").await;
}

#[tokio::test]
async fn after_a_table_that_failed_no_statement_follows() {
    let db = marked().await;
    db.target("insert into item values (1, 'a'), (2, 'b')").await;
    run(&db, BEFORE, AFTER, &["-max-delete", "0"]).await.expect_exit(5);
    assert_eq!(marks(&db).await, "1 before 2");
}

#[tokio::test]
async fn a_statement_that_fails_makes_the_run_fail_and_those_before_it_stand() {
    let db = marked().await;
    let after = r#"["insert into mark values ('2 after')", "insert into gone values (1)"]"#;
    let told = run(&db, "[]", after, &[]).await.expect_exit(1);
    told.expect_said(
        "target while running afterSql, statement 2: relation \"gone\" does not exist",
    );
    assert_eq!(marks(&db).await, "2 after");
    db.assert_same("item").await;
    db.source("insert into item values (2, 'b')").await;
    let before =
        r#"["insert into mark values ('3 before'); insert into mark values ('4 before')"]"#;
    let told = run(&db, before, AFTER, &[]).await.expect_exit(1);
    told.expect_said(
        "target while running beforeSql, statement 1: cannot insert multiple commands",
    );
    assert_eq!(marks(&db).await, "2 after");
    assert_eq!(db.target_value("select count(*) from item").await, "1");
}

#[tokio::test]
async fn a_statement_has_the_settings_of_its_role_and_fires_triggers() {
    let db = marked().await;
    db.target(
        "create table seen (what text);
         create function see() returns trigger language plpgsql as
             $$ begin insert into seen values (new.what); return new; end $$;
         create trigger see after insert on mark for each row execute procedure see()",
    )
    .await;
    let before = r#"["insert into mark values (current_setting('session_replication_role'))"]"#;
    run(&db, before, "[]", &[]).await.expect_ok();
    assert_eq!(db.target_value("select string_agg(what, ',') from seen").await, "origin");
}

#[tokio::test]
async fn a_statement_that_names_what_is_not_there_or_not_allowed_is_told_in_the_servers_words() {
    let db = marked().await;
    let role = db.target_writer().await;
    db.target(&format!("revoke all on mark from {}; create table gift (name text)", role.name))
        .await;
    db.target("insert into gift values ('secret')").await;
    let cases = [
        ("truncate app.nope", "schema \"app\" does not exist (SQLSTATE 3F000)", false),
        ("truncate \"Nope\"", "relation \"Nope\" does not exist (SQLSTATE 42P01)", false),
        (
            "alter table item drop column gone",
            "column \"gone\" of relation \"item\" does not exist",
            false,
        ),
        ("alter system set work_mem = 1", "(SQLSTATE 42501)", true),
        ("truncate mark", "permission denied for table mark", true),
        // What names the table is a value of a row.
        ("select name::regclass from gift", "a value names what does not exist there", false),
    ];
    for (statement, said, is_poor) in cases {
        let file =
            db.file("statements.json", &serde_json::json!({"beforeSql": [statement]}).to_string());
        let sync = db.sync().args(&["-config", &file]);
        let run = if is_poor { sync.target_role(&role).await } else { sync.await };
        let told = run.expect_exit(1).expect_said(said);
        let hidden = said.starts_with("a value");
        let told = if hidden { told } else { told.expect_unsaid("-verbose") };
        drop(told.expect_unsaid("secret"));
    }
}

#[tokio::test]
async fn a_right_that_a_statement_lacks_is_named_by_its_first_word() {
    let db = Pair::with("create table item (id int primary key)").await;
    let owner = db.target_owner().await;
    db.target("create schema own; create table own.flag (id int, on_ boolean)").await;
    db.target(&format!(
        "grant usage on schema own to {0}; revoke update on own.flag from {0}",
        owner.name
    ))
    .await;
    let after = db.file("after.json", r#"{"afterSql": ["update own.flag set on_ = true"]}"#);
    let run = || db.sync().target_role(&owner).args(&["-config", &after]);
    let grant = format!("grant update on table own.flag to {}", owner.name);
    let told = run().plain().await.expect_exit(1).expect_said(&format!("hint: {grant}"));
    told.expect_said(
        "failed: 1 table in sync, but a later step failed (running afterSql, statement 1)",
    );
    db.target(&grant).await;
    run().await.expect_ok();
}

#[tokio::test]
async fn what_the_server_warns_of_is_a_warning_of_the_run() {
    let db = Pair::with("create table item (id int primary key)").await;
    db.target(
        "create table other (i int);
         create function told() returns void language plpgsql as 'begin raise warning ''zq7secret''; end'",
    )
    .await;
    let role = db.target_writer().await;
    db.target(&format!("grant select on other to {} with grant option", role.name)).await;
    let config =
        db.file("warned.json", r#"{"afterSql": ["vacuum other", "select told()", "select 1"]}"#);
    let run = db.sync().target_role(&role).args(&["-config", &config]).await.expect_ok();
    let run = run.expect_said("warning: afterSql, statement 1: the target warns: ");
    let run = run.expect_said(
        "warning: afterSql, statement 2: the target warns: a warning whose words may quote a value",
    );
    drop(run.expect_unsaid("zq7secret").expect_unsaid("statement 3"));
}
