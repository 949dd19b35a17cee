//! Types of the target that the file knows nothing of: enums, domains, jsonb.

use crate::app::App;
use crate::support::Pair;

#[tokio::test]
async fn enums_domains_and_jsonb_are_compared_as_the_target_prints_them() {
    let app = App::with(
        "create table task (id integer primary key, state text, code text, amount integer, body json, at datetime); \
         insert into task values (1, 'open', 'ab', 5, '{\"b\":1, \"aa\":[1.0,2e2] ,\"b\":\"\\u00e9\"}', '2024-01-01 10:00:00'), \
             (2, 'not done', 'x', 0, ' [ ] ', '2024-02-01 10:00:00'), (3, null, null, null, null, null), \
             (4, 'Open', 'y', 7, 12.50, '2024-03-01 10:00:00');",
    );
    let db = Pair::fresh().await;
    db.target(
        "create schema kinds; create type kinds.state as enum ('open', 'not done', 'Open'); \
         create domain kinds.code as varchar(2) check (value <> 'zz'); create domain kinds.amount as integer; \
         create domain kinds.moment as timestamptz; create domain kinds.fine as kinds.state; \
         create table task (id bigint primary key, state kinds.fine, code kinds.code, amount kinds.amount, \
             body jsonb, at kinds.moment)",
    )
    .await;
    app.sync(&db).await.expect_ok().expect_changes("task", (4, 0, 0));
    let rows = "set timezone = 'UTC'; select string_agg(concat_ws('|', id, state, code, amount, body, at), E'\\n' order by id) from task";
    assert_eq!(
        db.target_value(rows).await,
        "1|open|ab|5|{\"b\": \"é\", \"aa\": [1.0, 200]}|2024-01-01 10:00:00+00\n\
         2|not done|x|0|[]|2024-02-01 10:00:00+00\n3\n4|Open|y|7|12.5|2024-03-01 10:00:00+00"
    );
    app.sync(&db).await.expect_unchanged();
    // Other text of the same jsonb is no change.
    app.run("update task set body = '[]' where id = 2; update task set body = '{}', state = 'open' where id = 4");
    app.sync(&db).await.expect_ok().expect_changes("task", (0, 1, 0));
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn values_that_such_types_do_not_have_are_bad_rows() {
    let app = App::with(
        "create table task (id integer primary key, state text, body text); \
         insert into task values (1, 'open', '{}'), (2, 'closed', '{}'), (3, 'open', '{a:1}'), (4, 'open', '\"\\u0000\"');",
    );
    let db = Pair::fresh().await;
    db.target("create type state as enum ('open'); create table task (id bigint primary key, state state, body jsonb)")
        .await;
    let run = app
        .sync(&db)
        .args(&["-bad-rows", "skip"])
        .await
        .expect_exit(1)
        .expect_changes("task", (1, 0, 0));
    run.expect_said("none of the labels of the column's type")
        .expect_said("row (id) = (3): column \"body\" holds what the target cannot hold: not a value of type jsonb")
        .expect_said("row (id) = (4): column \"body\" holds what the target cannot hold: holds a NUL");
}

#[tokio::test]
async fn an_enum_is_a_key_like_any_other() {
    let app = App::with(
        "create table price (state text, day date, n integer, primary key (state, day)) without rowid; \
         insert into price values ('open', '2024-01-01', 1), ('done', '2024-01-01', 2), ('done', '2024-01-02', 3);",
    );
    let db = Pair::fresh().await;
    db.target(
        "create type state as enum ('open', 'done'); \
               create table price (state state, day date, n integer, primary key (state, day))",
    )
    .await;
    app.sync(&db).await.expect_ok().expect_changes("price", (3, 0, 0));
    app.run(
        "delete from price where state = 'open'; update price set n = 4 where day = '2024-01-02'",
    );
    app.sync(&db).await.expect_ok().expect_changes("price", (0, 1, 1));
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_number_in_a_column_of_text_is_the_same_on_every_version_of_the_server() {
    let app = App::with(
        "create table reading (id integer primary key, level, body json); \
         insert into reading values (1, 0.1, 0.1), (2, 2.123378262133052e17, 1e25), (3, 'low', null);",
    );
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok().expect_changes("reading", (3, 0, 0));
    let rows =
        "select string_agg(concat_ws('|', id, level, body), E'\\n' order by id) from reading";
    assert_eq!(db.target_value(rows).await, "1|0.1|0.1\n2|2.1233782621330522e+17|1e+25\n3|low");
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn other_types_are_refused_by_name() {
    let app = App::with(
        "create table task (id integer primary key, took text); insert into task values (1, '1 day')",
    );
    let db = Pair::fresh().await;
    for type_text in ["interval", "integer[]", "inet"] {
        db.target(&format!(
            "drop table if exists task; create table task (id bigint primary key, took {type_text})"
        ))
        .await;
        let run = app.sync(&db).await.expect_exit(1);
        run.expect_said(&format!(
            "column \"took\" is {type_text} on the target, and a SQLite source cannot compare"
        ));
    }
}

#[tokio::test]
async fn a_column_that_is_made_holds_what_its_declaration_does_not_allow() {
    let app = App::with(
        "create table item (id integer primary key, price decimal(10,2), cost decimal(10,2), code number(4), \
             done boolean, open bool, level bool, body json, raw jsonb, name varchar(10), other varchar(20)); \
         insert into item values (1, 1.001, 1.25, 12345, 't', 'maybe', 2, '', '{}', 'a', 'b'), \
             (2, 1.239, 7, 3.7, 'False', 'no', 0, '{}', '[1]', 'a', 'b'), (3, null, null, null, 1, null, null, null, null, null, null)",
    );
    let db = Pair::fresh().await;
    let run = app.sync(&db).await.expect_ok().expect_changes("item", (3, 0, 0));
    run.expect_note("columns \"price\", \"code\" are numeric without a limit")
        .expect_note("column \"open\" is text and not boolean")
        .expect_note("column \"level\" is bigint and not boolean")
        .expect_note("column \"body\" is text and not json")
        .expect_note("columns \"name\", \"other\" are text without a limit");
    let types = "select string_agg(format_type(atttypid, atttypmod), ', ' order by attnum) from pg_attribute \
                 where attrelid = 'item'::regclass and attnum > 1";
    assert_eq!(
        db.target_value(types).await,
        "numeric, numeric(10,2), numeric, boolean, text, bigint, text, json, text, text"
    );
    let row = "select concat_ws('|', price, cost, code, done, open, level, body, raw) from item where id = 1";
    assert_eq!(db.target_value(row).await, "1.001|1.25|12345|t|maybe|2||{}");
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn text_that_is_no_json_is_a_bad_row_of_json_too() {
    let app = App::with(
        "create table item (id integer primary key, body text); \
         insert into item values (1, '{\"a\" :1}'), (2, '[1'), (3, ''), (4, 'NaN')",
    );
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, body json)").await;
    let run = app.sync(&db).args(&["-bad-rows", "skip"]).await.expect_exit(1);
    run.expect_changes("item", (1, 0, 0)).expect_said(
        "row (id) = (2): column \"body\" holds what the target cannot hold: not a value of type json",
    );
    assert_eq!(db.target_value("select body from item").await, "{\"a\" :1}");
}
