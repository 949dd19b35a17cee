//! `ddl` of one table beside another one for all.

use crate::support::Pair;

const TYPE_OF_N: &str =
    "select coalesce(string_agg(table_name || ' ' || data_type, ', ' order by table_name), 'none')
    from information_schema.columns where column_name = 'n' and table_schema = 'public'";

async fn two_that_differ() -> Pair {
    let db = Pair::fresh().await;
    db.source(
        "create table a (id int primary key, n text); create table b (id int primary key, n text)",
    )
    .await;
    db.source("insert into a values (1, 'x'), (2, 'y'); insert into b select * from a").await;
    db.target(
        "create table a (id int primary key, n int); create table b (id int primary key, n int)",
    )
    .await;
    db
}

#[tokio::test]
async fn one_table_is_rebuilt_and_the_other_stays() {
    let db = two_that_differ().await;
    let sync = || db.sync().args(&["-set", "a.ddl=reset"]);
    let dry = sync().arg("-dry-run").await.expect_note("would be rebuilt");
    drop(dry.expect_failed("b", &["column \"n\" is text on the source and integer on the target"]));
    let run = sync().await.expect_note("is rebuilt");
    drop(run.expect_failed("b", &["column \"n\" is text on the source and integer on the target"]));
    assert_eq!(db.target_value(TYPE_OF_N).await, "a text, b integer");
    db.assert_same("a").await;
    // What only the target has goes from that table alone.
    db.target("drop table b").await;
    sync().await.expect_ok();
    db.target("create index a_own on a (n); create index b_own on b (n)").await;
    sync().arg("-reconcile").await.expect_ok();
    let indexes =
        "select string_agg(indexname, ',') from pg_indexes where indexname like '%\\_own'";
    assert_eq!(db.target_value(indexes).await, "b_own");
}

#[tokio::test]
async fn a_table_may_be_exempt_from_a_reset() {
    let db = two_that_differ().await;
    let run = db.sync().args(&["-ddl", "reset", "-set", "a.ddl=additive"]).await;
    drop(run.expect_failed("a", &["column \"n\" is text on the source and integer on the target"]));
    assert_eq!(db.target_value(TYPE_OF_N).await, "a integer, b text");
    db.assert_same("b").await;
}

#[tokio::test]
async fn one_table_is_created_where_nothing_else_is() {
    let db = Pair::fresh().await;
    db.source("create table a (id int primary key, n text); create table b (id int primary key, n text); insert into a values (1, 'x')")
        .await;
    let sync = || db.sync().args(&["-ddl", "none", "-set", "a.ddl=additive"]);
    let run = sync().await;
    drop(run.expect_failed("b", &["missing on the target: table public.b"]));
    db.assert_same("a").await;
    assert_eq!(db.target_value(TYPE_OF_N).await, "a text");
    drop(sync().include("a").await.expect_unchanged());
    // A comparison changes no definition, whatever the rules of a table say.
    db.source("alter table a add column m int").await;
    let (source, target) = (db.source_url(), db.target_url());
    let verify = [
        "verify",
        "-source",
        &source,
        "-target",
        &target,
        "-set",
        "a.ddl=additive",
        "-include",
        "a",
    ];
    crate::support::pgsync(&verify).await.expect_exit(1).expect_said("not comparable");
    crate::support::pgsync(&verify).arg("-repair").await.expect_exit(1);
    assert_eq!(
        db.target_value("select count(*) from information_schema.columns where table_name = 'a'")
            .await,
        "2"
    );
}

#[tokio::test]
async fn what_cannot_be_rebuilt_is_refused_by_its_name() {
    let db = two_that_differ().await;
    db.target("create schema other; create table other.b (id int primary key, n int)").await;
    let marks = db.target_marks_of_all().await;
    let rules = r#"{"tables": {"a": {"ddl": "reset", "excludeColumns": ["n"]},
        "b": {"ddl": "reset", "targetSchema": "other"}}}"#;
    let config = db.file("reset.json", rules);
    let run = db.sync().args(&["-config", &config]).plain().await.expect_exit(2);
    for text in [
        "/tables/a/ddl: reset rebuilds public.a as it is on the source, and",
        "/tables/a/excludeColumns wants it otherwise",
        "/tables/b/ddl: reset rebuilds public.b as it is on the source, and",
        "/tables/b/targetSchema wants it otherwise",
    ] {
        assert!(run.stderr.contains(text), "{text}: {run}");
    }
    assert_eq!(db.target_marks_of_all().await, marks);
    // For all tables it is no error: those that rules want otherwise are not rebuilt.
    let rules = r#"{"ddl": "reset", "tables": {"b": {"targetSchema": "other"}}}"#;
    let config = db.file("all.json", rules);
    let run = db.sync().args(&["-config", &config]).await;
    drop(run.expect_failed("b", &["column \"n\" is text on the source and integer on the target"]));
    db.assert_same("a").await;
}
