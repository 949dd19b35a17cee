//! First copies, and what follows them.

use crate::app::App;
use crate::support::Pair;

/// Every kind of key, and values that COPY has to escape.
const FILE: &str = "
    create table author (id integer primary key, name text not null unique, born date, score real, photo blob);
    create table book (isbn text primary key not null, title varchar(40), author_id integer references author);
    create table shelf (room integer not null, place integer not null, isbn text, primary key (room, place)) without rowid;
    create table remark (said text, at datetime);
    insert into author values (1, 'Ann \\ tab\t', '1969-07-20', 1.5, x'00ff'), (2, 'Bé', null, -0.1, null);
    insert into book values ('978', 'One', 1), ('979', null, 2), ('980', 'line
break', null);
    insert into shelf values (1, 1, '978'), (1, 2, null), (2, 1, '979');
    insert into remark values ('twice', '2024-02-29 12:00:00'), ('twice', '2024-02-29 12:00:00'), (null, null);
";

const TARGET: &str = "
    create table author (id bigint primary key, name text not null unique, born date, score double precision, photo bytea);
    create table book (isbn text primary key, title varchar(40), author_id bigint references author);
    create table shelf (room int, place int, isbn text, primary key (room, place));
    create table remark (said text, at timestamp);
";

#[tokio::test]
async fn a_file_is_copied_and_a_second_run_changes_nothing() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    let run = app.sync(&db).await.expect_ok();
    run.expect_tables(&["author", "book", "remark", "shelf"]).expect_changes("author", (2, 0, 0));
    let rows = db.target_rows("select t::text from author t order by id").await;
    assert_eq!(rows.len(), 2);
    let photo = db.target_value("select photo::text from author where id = 1").await;
    assert_eq!(photo, "\\x00ff");
    assert_eq!(db.target_value("select name from author where id = 1").await, "Ann \\ tab\t");
    assert_eq!(
        db.target_value("select count(*)::text from remark where said = 'twice'").await,
        "2"
    );
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn changes_of_rows_with_every_kind_of_key_arrive() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    app.sync(&db).await.expect_ok();
    app.run(
        "update author set score = 2.5 where id = 2; insert into author values (7, 'New', null, null, null); \
         update book set title = 'Other' where isbn = '978'; delete from book where isbn = '980'; \
         update shelf set isbn = '979' where room = 1 and place = 2; delete from shelf where room = 2; \
         delete from remark where said is null; insert into remark values ('once', null);",
    );
    let run = app.sync(&db).await.expect_ok();
    let run = run.expect_changes("author", (1, 1, 0)).expect_changes("book", (0, 1, 1));
    run.expect_changes("shelf", (0, 1, 1)).expect_changes("remark", (1, 0, 1));
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_value_that_the_target_cannot_hold_fails_its_table_by_name() {
    let app = App::with(
        "create table item (id integer primary key, number integer); \
         insert into item values (1, 5), (2, 'five');",
    );
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, number bigint)").await;
    let run = app.sync(&db).await.expect_exit(1);
    run.expect_said("row (id) = (2): column \"number\"");
    assert_eq!(db.target_value("select count(*)::text from item").await, "0");
}

#[tokio::test]
async fn names_differ_by_case_alone() {
    let app = App::with(
        "create table Item (Id integer primary key, theName text); insert into Item values (1, 'x');",
    );
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, \"theName\" text)").await;
    app.sync(&db).await.expect_ok().expect_changes("item", (1, 0, 0));
    app.sync(&db).await.expect_unchanged();
}
