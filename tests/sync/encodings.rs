//! Databases that store text in an encoding other than the other side's.

use crate::support::Pair;
use crate::values::nothing_travels;

const TABLES: &str = "create table item (id int primary key, body text, tags text[], updated_at timestamptz not null default '2024-01-01');
    create table plain (id text primary key, body varchar(20)); create table \"Größe\" (\"Länge\" text)";
const ROWS: &str =
    "insert into item select i, 'Zürich ' || i, array['é', 'ÿ'] from generate_series(1, 2000) i;
    insert into plain select 'schlüssel ' || i, 'ñ' from generate_series(1, 2000) i;
    insert into \"Größe\" select 'µ' || i % 5 from generate_series(1, 50) i";
const CHANGES: &str = "update item set body = 'Genève', updated_at = now() where id % 100 = 0;
    update plain set body = 'ß' where id like '%7'; delete from plain where id = 'schlüssel 1';
    insert into \"Größe\" values ('¿')";

async fn followed(source: &str, target: &str) {
    let db = Pair::encoded(source, target).await;
    db.both(TABLES).await;
    db.source(ROWS).await;
    let run = db.follow(CHANGES).await;
    run.expect_changes("item", (0, 20, 0)).expect_changes("plain", (0, 200, 1));
    nothing_travels(&db).await;
}

#[tokio::test]
async fn latin_1_is_carried_into_utf_8() {
    followed("LATIN1", "UTF8").await;
}

#[tokio::test]
async fn utf_8_is_carried_into_latin_1_where_it_can() {
    followed("UTF8", "LATIN1").await;
    let db = Pair::encoded("UTF8", "LATIN1").await;
    db.both("create table item (id int primary key, body text); create table other (id int)").await;
    db.source("insert into item values (1, 'ä'), (2, '日本'); insert into other values (1)").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("item", &["has no equivalent in encoding \"LATIN1\"", "22P05"]);
    db.assert_same("other").await;
}

#[tokio::test]
async fn a_database_without_an_encoding_is_carried_where_its_bytes_are_utf_8() {
    followed("SQL_ASCII", "UTF8").await;
}

#[tokio::test]
async fn a_row_whose_bytes_are_not_utf_8_is_named() {
    let db = Pair::encoded("SQL_ASCII", "UTF8").await;
    db.both(
        "create table item (id int, part text, body text, updated_at timestamptz not null default '2024-01-01', primary key (id, part));
         create table loose (body text); create table good (id int primary key, body text)",
    )
    .await;
    db.source("insert into item select i, 'p', 'ä' from generate_series(1, 100) i; insert into good values (1, 'ä')").await;
    let bad =
        |id| format!("insert into item values ({id}, 'p', convert_from('\\x5ae4e4', 'SQL_ASCII'))");
    db.source(&bad(400)).await;
    db.source("insert into loose values (convert_from('\\xff', 'SQL_ASCII'))").await;
    let run = db.sync().arg("-verbose").await.expect_exit(1);
    let run = run.expect_failed("item", &["invalid byte sequence for encoding \"UTF8\"", "22021"]);
    let detail =
        |name: &str| run.table(name).error.and_then(|error| error.detail).unwrap_or_default();
    assert!(detail("item").contains("(id, part) = (400,p)"), "the row is named in {run}");
    assert!(detail("loose").contains("ctid = (0,1)"), "the row is named in {run}");
    db.assert_same("good").await;
    db.source("delete from item where id = 400; truncate loose").await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    db.source("update item set updated_at = now() where id = 7").await;
    db.source(&bad(401)).await;
    let run = db.sync().arg("-verbose").await.expect_exit(1);
    assert!(run.stdout.contains("(401,p)"), "the row is named in {run}");
}
