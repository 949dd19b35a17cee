//! Rows of a file that SQLite tells apart by their keys, and the target does not: their table fails and says why,
//! whatever the target holds, and no row takes the place of another in silence.

use crate::app::App;
use crate::support::{Pair, pgsync};

const HINT: &str = "two rows of the file have one and the same key or unique value";

/// A file in which two keys are the same for the target, whose table has these columns.
async fn fails(create: &str, rows: &str, there: &str, held: &str) {
    let app = App::with(&format!("{create}; insert into item values {rows}"));
    let db = Pair::fresh().await;
    if !there.is_empty() {
        db.target(&format!("create table item ({there}, primary key (id)); {held}")).await;
    }
    for more in [&[][..], &["-bad-rows", "skip"]] {
        let run = app.sync(&db).args(more).await.expect_exit(1);
        let error = run.table("item").error.expect("an error");
        // A row that is there before is changed, and then found to differ.
        let names_row = error.message.contains("has the key (id) = (");
        let says_why = error.hint.is_some_and(|hint| hint.contains(HINT));
        assert!(says_why || names_row, "{create} {there} {held}: {run}");
    }
    if !there.is_empty() {
        let (source, target) = (app.url(), db.target_url());
        pgsync(&["verify", "-source", &source, "-target", &target]).await.expect_exit(3);
    }
    // With one of them gone, all is well.
    app.run("delete from item where name = 'b'");
    app.sync(&db).await.expect_ok();
    let name = "select string_agg(name, ',' order by name) from item";
    assert_eq!(db.target_value(name).await, "a,c", "{create} {there} {held}");
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_number_and_its_text_are_one_key_on_the_target_and_fail_their_table() {
    let create = "create table item (id primary key, name text)";
    let rows = "(6, 'a'), ('6', 'b'), (7, 'c')";
    fails(create, rows, "", "").await;
    for held in ["(6, 'a')", "(6, 'b')", "(6, 'z')"] {
        let held = format!("insert into item values {held}");
        fails(create, rows, "id bigint, name text", &held).await;
    }
    for kind in ["bigint", "text"] {
        fails(create, rows, &format!("id {kind}, name text"), "").await;
    }
}

#[tokio::test]
async fn other_keys_that_become_the_same_on_the_target_fail_their_table_too() {
    let create = "create table item (id text primary key, name text)";
    let cases = [
        ("('2024-01-01', 'a'), ('2024-01-01 00:00:00', 'b'), ('2024-01-02', 'c')", "date"),
        (
            "('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a'), ('A0EEBC999C0B4EF8BB6D6BB9BD380A11', 'b'), ('00000000-0000-0000-0000-000000000000', 'c')",
            "uuid",
        ),
        ("('x', 'a'), ('x ', 'b'), ('y', 'c')", "char(3)"),
        ("('1', 'a'), ('1.0', 'b'), ('2', 'c')", "numeric"),
    ];
    for (rows, kind) in cases {
        let there = format!("id {kind}, name text");
        fails(create, rows, &there, "").await;
    }
}
