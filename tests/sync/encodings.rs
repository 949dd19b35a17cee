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
    run.expect_failed(
        "item",
        &["a character that the database's encoding does not have in column body", "22P05"],
    );
    db.assert_same("other").await;
}

/// A database of no encoding holds the UTF-8 that a run sends there.
#[tokio::test]
async fn latin_1_is_carried_into_a_database_without_an_encoding() {
    followed("LATIN1", "SQL_ASCII").await;
}

#[tokio::test]
async fn utf_8_is_carried_into_a_database_without_an_encoding() {
    followed("UTF8", "SQL_ASCII").await;
}

#[tokio::test]
async fn a_database_without_an_encoding_is_carried_into_latin_1_where_its_bytes_are_utf_8() {
    followed("SQL_ASCII", "LATIN1").await;
}

#[tokio::test]
async fn japanese_is_carried_between_its_encodings() {
    for (source, target) in [("EUC_JP", "UTF8"), ("EUC_JP", "SQL_ASCII"), ("UTF8", "EUC_JP")] {
        let db = Pair::encoded(source, target).await;
        db.both("create table item (id text primary key, body varchar(9), updated_at timestamptz not null default '2024-01-01');
            create table plain (id text primary key, n int); create table loose (body text)")
            .await;
        db.source("insert into item select '鍵' || i, '日本語' from generate_series(1, 500) i; insert into plain select '鍵' || i, i from generate_series(1, 500) i;
            insert into loose select '行' || i % 5 from generate_series(1, 50) i")
            .await;
        let changes = "update item set body = '仮名', updated_at = now() where id like '%77'; delete from item where id = '鍵5';
            update plain set n = 0 where id like '%7'; delete from plain where id like '%1'; insert into loose values ('外')";
        db.follow(changes)
            .await
            .expect_changes("item", (0, 5, 1))
            .expect_changes("plain", (0, 50, 50));
        nothing_travels(&db).await;
    }
}

/// A chance of one half per row and run to be taken for a vanished one.
#[tokio::test]
async fn keys_of_one_row_are_found_again_whatever_the_encodings() {
    for (source, target) in [("LATIN1", "SQL_ASCII"), ("SQL_ASCII", "LATIN1"), ("LATIN1", "LATIN9")]
    {
        let db = Pair::encoded(source, target).await;
        for n in 0..8 {
            db.both(&format!("create table t{n} (k text primary key, v int)")).await;
            db.source(&format!("insert into t{n} values ('café{n}', {n})")).await;
        }
        for _ in 0..3 {
            db.sync().await.expect_ok();
            db.assert_all_same().await;
        }
        db.sync().await.expect_unchanged();
    }
}

#[tokio::test]
async fn a_char_is_filled_up_by_the_rules_of_each_encoding() {
    for (source, target) in [("UTF8", "SQL_ASCII"), ("LATIN1", "SQL_ASCII"), ("LATIN1", "UTF8")] {
        let db = Pair::encoded(source, target).await;
        db.both("create table item (id char(7) primary key, c char(9))").await;
        db.source("insert into item select 'é' || i, 'ü' from generate_series(1, 50) i").await;
        db.sync().await.expect_ok();
        nothing_travels(&db).await;
        db.source("update item set c = 'ö' where id = 'é7'; delete from item where id = 'é8'")
            .await;
        db.sync().await.expect_ok().expect_changes("item", (0, 1, 1));
        let kept = "select count(*) || (select c || '.' from item where id = 'é7') from item";
        assert_eq!(db.target_value(kept).await.replace(' ', ""), "49ö.");
    }
}

/// What others wrote into a database of no encoding may be no UTF-8: the source's text takes its place.
#[tokio::test]
async fn bytes_of_another_encoding_on_the_target_are_replaced() {
    let db = Pair::encoded("LATIN1", "SQL_ASCII").await;
    db.both("create table item (id int primary key, k text); create table named (k text primary key, v int)").await;
    db.source(
        "insert into item values (1, 'é'), (2, 'e'); insert into named values ('é', 1), ('e', 2)",
    )
    .await;
    let raw = "convert_from('\\xe9', 'SQL_ASCII')";
    db.target(&format!("insert into item values (1, {raw}), (2, 'e'); insert into named values ({raw}, 1), ('e', 2)")).await;
    let run = db.sync().await.expect_ok();
    run.expect_changes("item", (0, 1, 0)).expect_changes("named", (1, 0, 1));
    db.assert_all_same().await;
    nothing_travels(&db).await;
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
    let run =
        run.expect_failed("item", &["bytes that are no text in the database's encoding", "22021"]);
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
