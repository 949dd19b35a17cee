//! Which tables of a real database are brought in sync.

use crate::support::Pair;

#[tokio::test]
async fn only_tables_that_hold_rows_of_their_own_are_copied() {
    let db =
        Pair::with("create table item (id int primary key); create table ext (id int primary key)")
            .await;
    db.source(
        "create view v as select * from item; create materialized view m as select * from item;
         create foreign data wrapper none; create server nowhere foreign data wrapper none;
         create foreign table f (id int) server nowhere; create temp table tmp (id int primary key);
         create sequence s; create type kind as (a int); alter extension plpgsql add table ext",
    )
    .await;
    db.source("insert into item values (1); insert into ext values (1)").await;
    db.sync().await.expect_ok().expect_tables(&["item"]);
    db.source("alter extension plpgsql drop table ext").await;
}

async fn many() -> Pair {
    let db = Pair::fresh().await;
    for name in [
        "users",
        "user_roles",
        "order_lines",
        "temp_users",
        "user_log",
        "audit_1",
        "audit_x",
        "\"User_Case\"",
    ] {
        db.both(&format!("create table {name} (id int primary key)")).await;
    }
    db
}

#[tokio::test]
async fn include_and_exclude_combine_and_exclude_wins() {
    let db = many().await;
    let sync = db.sync().include("user_*,order_*").exclude("temp_*,*_log,audit_[0-9]*");
    sync.await.expect_ok().expect_tables(&["order_lines", "user_roles"]);
}

#[tokio::test]
async fn exclude_alone_leaves_the_rest() {
    let db = many().await;
    let run = db.sync().exclude("temp_*, *_log , audit_[0-9]*,User*").await.expect_ok();
    run.expect_tables(&["audit_x", "order_lines", "user_roles", "users"]);
}

#[tokio::test]
async fn every_form_of_pattern_selects() {
    let db = many().await;
    for (pattern, tables) in [
        ("user?", vec!["users"]),
        ("audit_[0-9]", vec!["audit_1"]),
        ("audit_[!0-9]", vec!["audit_x"]),
        ("[tu]*_users", vec!["temp_users"]),
        ("public.audit_*", vec!["audit_1", "audit_x"]),
        ("public.users", vec!["users"]),
        ("User_Case", vec!["User_Case"]),
    ] {
        db.sync().include(pattern).await.expect_ok().expect_tables(&tables);
    }
}

#[tokio::test]
async fn an_exact_name_is_tried_before_it_is_read_as_a_pattern() {
    let db = Pair::with(
        "create table \"a[1]\" (id int primary key); create table a1 (id int primary key)",
    )
    .await;
    db.sync().include("a[1]").await.expect_ok().expect_tables(&["a[1]"]);
}

#[tokio::test]
async fn an_exact_name_is_taken_where_it_would_be_a_malformed_pattern() {
    let db =
        Pair::with("create table \"[x\" (id int primary key); create table y (id int primary key)")
            .await;
    db.sync().include("[x").await.expect_ok().expect_tables(&["[x"]);
    db.sync().exclude("[x").await.expect_ok().expect_tables(&["y"]);
    db.sync().include("[z").await.expect_exit(2).expect_said("has a [ without a ]");
}

#[tokio::test]
async fn an_included_name_that_does_not_exist_is_an_error_with_the_choice() {
    let db = many().await;
    db.sync().include("users,usres").await.expect_exit(2).expect_said("usres").expect_said("users");
}

#[tokio::test]
async fn an_excluded_name_that_is_mistyped_is_an_error_before_anything_is_written() {
    let db = many().await;
    db.source("insert into users values (1)").await;
    let run = db.sync().exclude("usrs").await.expect_exit(2);
    run.expect_said("no table \\\"usrs\\\" in the selected schemas; did you mean public.users?");
    let run = db.sync().exclude("\"User_Case\"").await.expect_exit(2);
    run.expect_said("names stand without SQL's quotes here: User_Case");
    assert_eq!(db.target_value("select count(*)::text from users").await, "0");
    let pattern = || db.sync().exclude("[u]srs");
    pattern().arg("-dry-run").await.expect_ok().expect_note("[u]srs");
    pattern().plain().await.expect_ok().expect_unsaid("[u]srs");
    let run = db.sync().exclude("staging_area").args(&["-quiet"]).plain().await.expect_ok();
    run.expect_said(
        "-exclude names \"staging_area\", which no table of the selected schemas is called",
    );
}

#[tokio::test]
async fn where_the_schema_has_no_table_those_are_named_that_have_one() {
    let db = Pair::fresh().await;
    let run = db.sync().await.expect_exit(2);
    run.expect_said(
        "no table to sync: schema public (the default) has none on the source (-schema), and in no other schema is a table",
    );
    db.source("create schema app; create table app.item (id int primary key); create schema empty")
        .await;
    db.source("create schema hr; create table hr.pay (id int primary key)").await;
    let run = db.sync().await.expect_exit(2);
    run.expect_said("no table to sync: schema public (the default) has none on the source; ")
        .expect_said("may read tables of others: -schema app,hr");
    db.sync().schema("app,hr").await.expect_ok().expect_tables(&["item", "pay"]);
}

#[tokio::test]
async fn a_wildcard_that_matches_nothing_is_a_note() {
    let db = many().await;
    let run = db.sync().include("users,nothing_*").exclude("never_?").await.expect_ok();
    run.expect_tables(&["users"]).expect_note("nothing_*").expect_note("never_?");
}

#[tokio::test]
async fn an_empty_selection_is_an_error() {
    let db = many().await;
    db.sync().include("nothing_*").await.expect_exit(2).expect_said("nothing_*");
    db.sync().include("users").exclude("use*").await.expect_exit(2);
}

#[tokio::test]
async fn a_schema_that_does_not_exist_is_an_error_with_the_choice() {
    let db = many().await;
    db.both("create schema shop").await;
    db.sync().schema("shoop").await.expect_exit(2).expect_said("shoop").expect_said("shop");
}

#[tokio::test]
async fn a_malformed_pattern_is_an_error() {
    let db = many().await;
    db.sync().include("users,a[").await.expect_exit(2).expect_said("a[");
}

#[tokio::test]
async fn tables_left_out_are_not_touched() {
    let db = many().await;
    db.source("insert into users values (1); insert into audit_1 values (1)").await;
    db.target("insert into audit_1 values (9)").await;
    db.sync().exclude("audit_*").await.expect_ok();
    assert_eq!(db.target_value("select id from audit_1").await, "9");
    db.assert_same("users").await;
}

#[tokio::test]
async fn what_cannot_be_included_is_named_for_what_it_is() {
    let db = Pair::with("create table item (id int primary key)").await;
    db.target("create table old (id int primary key)").await;
    db.sync().await.expect_ok().expect_tables(&["item"]);
    let run = db.sync().include("item,sync_log,old").await.expect_exit(2);
    let run =
        run.expect_said("\\\"sync_log\\\" is a log of pgsync's own runs, which is never synced");
    run.expect_said("\\\"old\\\" is on the target only");
    let run = db.sync().exclude("sync_log,old").await.expect_ok();
    assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
}

#[tokio::test]
async fn a_timestamp_column_that_no_table_has_is_remarked_on_when_it_was_asked_for() {
    let db = Pair::with("create table item (id int primary key, modified_at timestamptz)").await;
    let run = db.sync().timestamp("modifed_at").await.expect_ok();
    run.expect_note("has the column \"modifed_at\" (-timestamp), so each is compared whole; did you mean \"modified_at\"?");
    for run in [db.sync().await, db.sync().timestamp("modified_at").await] {
        assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
    }
}

#[tokio::test]
async fn what_is_no_table_of_the_selected_schemas_is_named_for_what_it_is() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id serial primary key); create view totals as select 1 as n;
         create materialized view daily as select 1 as n; create schema app;
         create table app.place (id int primary key); insert into item default values",
    )
    .await;
    for (name, what) in [
        ("totals", "a view: only tables are synced"),
        ("public.daily", "a materialized view: only tables are synced"),
        ("item_id_seq", "a sequence: only tables are synced"),
        ("item_pkey", "an index: only tables are synced"),
        ("place", "a table of the schema app, which is not selected: add app to -schema"),
        ("\"item\"", "names stand without SQL's quotes here: item"),
    ] {
        db.sync().include(name).await.expect_exit(2).expect_said(what);
    }
    db.sync().exclude("totals,place").await.expect_ok().expect_unsaid("does not exist");
    db.assert_same("item").await;
}

#[tokio::test]
async fn rows_that_point_to_large_objects_are_counted_in_the_first_copy() {
    let db = Pair::fresh().await;
    db.both("create domain public.lo as oid").await;
    db.source(
        "create table document (id int primary key, body oid, face lo);
         insert into document values (1, lo_create(0), null), (2, lo_create(0), lo_create(0)), (3, 1, null)",
    )
    .await;
    let run = db.sync().await.expect_ok();
    run.expect_note(
        "2 rows of column body hold the number of a large object; large objects are not copied",
    )
    .expect_note("1 row of column face holds the number of a large object");
    db.sync().await.expect_ok().expect_unsaid("large object");
    db.assert_same("document").await;
}

#[tokio::test]
async fn schemas_are_selected_by_patterns() {
    let db = Pair::fresh().await;
    let tenant = |name: &str| {
        format!(
            "create schema {name}; create table {name}.item (id int primary key); insert into {name}.item values (1); "
        )
    };
    db.source(&["tenant_a", "tenant_b", "other"].map(tenant).concat()).await;
    db.sync().schema("tenant_*").await.expect_ok().expect_tables(&["item", "item"]);
    // The log stays where it is, whichever schema comes first.
    db.source(&tenant("tenant_")).await;
    db.sync().schema("tenant_*").await.expect_ok();
    let runs = "select count(distinct run_id)::text from public.sync_log";
    assert_eq!(db.target_value(runs).await, "2");
    db.sync().schema("*").await.expect_ok().expect_tables(&["item", "item", "item", "item"]);
    db.sync()
        .schema("x_*")
        .await
        .expect_exit(2)
        .expect_said("pattern \"x_*\" matches no schema of the source");
}
