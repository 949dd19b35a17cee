//! Rows with values that the target's columns cannot hold.

use crate::app::App;
use crate::support::Pair;

const FILE: &str = "
    create table item (id integer primary key, n integer, name text, made datetime);
    insert into item values (1, 10, 'a', '2024-01-01'), (2, 'ten', 'secret', '2024-01-01'), (3, 30, 'c', '2024-01-01'),
        (4, 40, 'd', '2024-01-01'), (5, 50, 'e', '2024-01-01');
";
const TARGET: &str =
    "create table item (id bigint primary key, n integer, name varchar(8), made timestamp)";
const ROWS: &str = "select string_agg(concat_ws('|', id, n, name), ' ' order by id) from item";

#[tokio::test]
async fn a_table_with_bad_rows_fails_and_names_how_many() {
    let app = App::with(FILE);
    app.run(
        "update item set name = 'far too long' where id = 4; update item set n = 2.5 where id = 4",
    );
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    db.target("insert into item values (1, 0, 'old', null)").await;
    let list = app.folder.join("rejects");
    let run = app.sync(&db).args(&["-rejects", &list.display().to_string()]).await.expect_exit(1);
    let run = run.expect_said(
        "row (id) = (2): column \"n\" holds what the target cannot hold: not a value of type integer (stored as \
         text); 2 rows hold such values",
    );
    assert!(!run.to_string().contains("secret"), "{run}");
    assert_eq!(db.target_value(ROWS).await, "1|0|old");
    assert_eq!(
        std::fs::read_to_string(&list).expect("a list"),
        "{\"schema\":\"public\",\"table\":\"item\",\"key\":{\"id\":\"2\"},\"column\":\"n\",\"stored_as\":\"text\",\"reason\":\"not a value of type integer\"}\n\
         {\"schema\":\"public\",\"table\":\"item\",\"key\":{\"id\":\"4\"},\"column\":\"n\",\"stored_as\":\"real\",\"reason\":\"holds a fraction, which the column cannot hold\"}\n\
         {\"schema\":\"public\",\"table\":\"item\",\"key\":{\"id\":\"4\"},\"column\":\"name\",\"stored_as\":\"text\",\"reason\":\"longer than 8 characters\"}\n"
    );
    let logged = "select status || ': ' || error_message from sync_log where table_name = 'item' order by id desc limit 1";
    assert!(db.target_value(logged).await.ends_with("2 rows hold such values"));
}

#[tokio::test]
async fn bad_rows_are_left_out_until_they_are_fixed() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    let list = app.folder.join("rejects").display().to_string();
    let sync = || app.sync(&db).args(&["-bad-rows", "skip", "-rejects", &list]);
    // A first copy, then a run with nothing to do.
    for inserted in [4, 0] {
        let run = sync().await.expect_exit(1).expect_changes("item", (inserted, 0, 0));
        run.expect_said(
            "1 row was left out: row (id) = (2): column \"n\" holds what the target cannot hold",
        );
        assert_eq!(db.target_value(ROWS).await, "1|10|a 3|30|c 4|40|d 5|50|e");
        let log =
            "select status || coalesce(watermark::text, '') from sync_log order by id desc limit 1";
        assert_eq!(db.target_value(log).await, "failed");
    }
    // The target keeps its row of a key whose row turns bad; all else is applied.
    app.run("update item set n = 'x', name = 'new' where id = 3; update item set name = 'D' where id = 4; \
             delete from item where id = 5; insert into item values (6, 60, 'f', '2024-01-01')");
    for changes in [(1, 1, 1), (0, 0, 0)] {
        let run = sync().await.expect_exit(1).expect_changes("item", changes);
        run.expect_said("2 rows were left out, the first of them row (id) = (2)");
        assert_eq!(db.target_value(ROWS).await, "1|10|a 3|30|c 4|40|D 6|60|f");
    }
    assert_eq!(std::fs::read_to_string(&list).expect("a list").lines().count(), 2);
    // A bad row that is deleted in the file is deleted on the target.
    app.run("delete from item where id = 3");
    sync().await.expect_exit(1).expect_changes("item", (0, 0, 1));
    app.run("update item set n = 20 where id = 2");
    sync().await.expect_ok().expect_changes("item", (1, 0, 0));
    assert_eq!(std::fs::read_to_string(&list).expect("a list"), "");
    sync().await.expect_unchanged();
    assert_eq!(db.target_value(ROWS).await, "1|10|a 2|20|secret 4|40|D 6|60|f");
}

#[tokio::test]
async fn a_dry_run_and_a_table_without_a_key_leave_bad_rows_out_too() {
    let app = App::with(
        "create table note (n, text); insert into note values (1, 'a'), ('x', 'b'), (3, 'c')",
    );
    let db = Pair::fresh().await;
    db.target("create table note (n integer, text text); insert into note values (9, 'z')").await;
    let list = app.folder.join("rejects").display().to_string();
    let sync = || app.sync(&db).args(&["-bad-rows", "skip", "-verbose", "-rejects", &list]);
    let dry = sync().args(&["-dry-run"]).await.expect_exit(1);
    dry.expect_said("1 row was left out: row (rowid) = (2): column \"n\"")
        .expect_changes("note", (2, 0, 1));
    let rows = "select string_agg(n || text, ' ' order by n) from note";
    assert_eq!(db.target_value(rows).await, "9z");
    for _ in 0..2 {
        sync().await.expect_exit(1);
        assert_eq!(db.target_value(rows).await, "1a 3c");
    }
    let list = std::fs::read_to_string(&list).expect("a list");
    assert!(
        list.contains("\"key\":{\"rowid\":\"2\"}") && list.contains("\"value\":\"x\""),
        "{list}"
    );
}

#[tokio::test]
async fn rows_that_refer_to_a_row_that_was_left_out_are_no_success() {
    let app = App::with(
        "create table parent (id integer primary key, n integer); \
         create table child (id integer primary key, parent integer references parent(id)); \
         insert into parent values (1, 1), (2, 'x'); insert into child values (1, 1), (2, 2);",
    );
    let db = Pair::fresh().await;
    db.target(
        "create table parent (id bigint primary key, n integer); \
               create table child (id bigint primary key, parent bigint references parent(id))",
    )
    .await;
    let run = app.sync(&db).args(&["-bad-rows", "skip"]).await.expect_exit(1);
    run.expect_said("rows refer to rows of public.parent that are not there");
}

#[tokio::test]
async fn a_row_that_was_left_out_and_stands_in_the_way_is_named() {
    let app = App::with(
        "create table item (id integer primary key, n integer, name text unique); \
         insert into item values (1, 10, 'a'), (2, 20, 'b');",
    );
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, n integer, name text unique)").await;
    app.sync(&db).await.expect_ok();
    // The target keeps its row 2, and with it the name.
    app.run(
        "update item set n = 'x', name = 'c' where id = 2; insert into item values (3, 30, 'b')",
    );
    let run = app.sync(&db).args(&["-bad-rows", "skip"]).await.expect_exit(1);
    run.expect_said("duplicate key value violates unique constraint \"item_name_key\"")
        .expect_said("the target's row of its key may still hold the value: fix the bad rows")
        .expect_said("row (id) = (2): column \"n\" holds what the target cannot hold")
        .expect_unsaid("session_replication_role");
    app.run("update item set n = 21 where id = 2");
    app.sync(&db).args(&["-bad-rows", "skip"]).await.expect_ok();
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn null_in_a_key_is_a_bad_value() {
    let app = App::with(
        "create table item (id text primary key, n integer); \
         insert into item values ('a', 1), (null, 2), (null, 3);",
    );
    let db = Pair::fresh().await;
    let said = "row (rowid) = (2): column \"id\" holds what the target cannot hold: NULL, which no part of a key can be";
    // The run that creates the table, and one that finds it.
    for _ in 0..2 {
        app.sync(&db).await.expect_exit(1).expect_said(said).expect_said("2 rows hold such values");
    }
    for inserted in [1, 0] {
        let run = app.sync(&db).args(&["-bad-rows", "skip"]).await.expect_exit(1);
        run.expect_said(said).expect_changes("item", (inserted, 0, 0));
    }
    app.run("delete from item where id is null");
    app.sync(&db).await.expect_unchanged();
    // Without a key on the target it is a value like any other.
    app.run(
        "create table free (id text primary key, n integer); insert into free values (null, 2)",
    );
    db.target("create table free (id text, n integer)").await;
    app.sync(&db).await.expect_ok().expect_changes("free", (1, 0, 0));
}

#[tokio::test]
async fn the_run_that_creates_a_table_names_bad_rows_by_its_key() {
    let app = App::with(
        "create table item (kind text, number integer, at timestamp, primary key (kind, number)) without rowid; \
         insert into item values ('a', 1, '2024-01-01'), ('b', 7, 'soon');",
    );
    let db = Pair::fresh().await;
    let list = app.folder.join("rejects");
    let args = ["-bad-rows", "skip", "-rejects", &list.display().to_string()];
    let run = app.sync(&db).args(&args).await.expect_exit(1);
    run.expect_said("row (kind, number) = (b, 7): column \"at\"");
    let list = std::fs::read_to_string(&list).expect("a list");
    assert!(list.contains("\"key\":{\"kind\":\"b\",\"number\":\"7\"}"), "{list}");
}

#[tokio::test]
async fn numbers_of_a_key_may_be_stored_as_text() {
    let app = App::with(
        "create table item (id primary key, name text); \
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) \
         insert into item select case when i % 3 = 0 then cast(i as text) else i end, 'name ' || i from n;",
    );
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, name text)").await;
    app.sync(&db).await.expect_ok().expect_changes("item", (3000, 0, 0));
    app.run("update item set name = 'new' where id in ('6', 7, '2997'); delete from item where id = '9'");
    app.sync(&db).await.expect_ok().expect_changes("item", (0, 3, 1));
    app.sync(&db).args(&["-reconcile"]).await.expect_unchanged();
    let rows = "select count(*) || ' ' || sum(id) from item";
    assert_eq!(db.target_value(rows).await, format!("2999 {}", 3000 * 3001 / 2 - 9));
    // What is no number is a bad row, and the number that occurs twice is named by the target.
    app.run("insert into item values ('ten', 'x')");
    let run = app.sync(&db).await.expect_exit(1);
    run.expect_said("row (id) = (ten): column \"id\" holds what the target cannot hold: not a value of type bigint");
    app.sync(&db)
        .args(&["-bad-rows", "skip"])
        .await
        .expect_exit(1)
        .expect_changes("item", (0, 0, 0));
    app.run("delete from item where id = 'ten'; insert into item values (6, 'twice')");
    app.sync(&db).await.expect_exit(1).expect_said("item");
}

#[tokio::test]
async fn a_number_without_end_needs_a_numeric_that_has_it() {
    let app = App::with(
        "create table item (id integer primary key, free numeric, held decimal(8,2)); \
         insert into item values (1, 9e999, 1), (2, -9e999, 2);",
    );
    let db = Pair::fresh().await;
    db.target("create table item (id bigint primary key, free numeric, held numeric(8,2))").await;
    let has_infinity =
        db.target_value("select current_setting('server_version_num')::int >= 140000").await;
    let why = "infinite, which numeric is only from PostgreSQL 14 on, and only without a precision";
    if has_infinity == "t" {
        app.sync(&db).await.expect_ok().expect_changes("item", (2, 0, 0));
        app.sync(&db).args(&["-reconcile"]).await.expect_unchanged();
        let rows = "select string_agg(free::text, ' ' order by id) from item";
        assert_eq!(db.target_value(rows).await, "Infinity -Infinity");
    } else {
        app.sync(&db).await.expect_exit(1).expect_said(why);
    }
    app.run("update item set free = 0, held = 9e999 where id = 1");
    let run = app.sync(&db).args(&["-bad-rows", "skip"]).await.expect_exit(1);
    run.expect_said(&format!(
        "row (id) = (1): column \"held\" holds what the target cannot hold: {why}"
    ));
}

#[tokio::test]
async fn verify_leaves_no_row_out() {
    let app = App::with(FILE);
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    app.sync(&db).args(&["-bad-rows", "skip"]).await.expect_exit(1);
    let config = app.folder.join("config.json");
    std::fs::write(&config, "{\"badRows\": \"skip\"}").expect("a file");
    let args = [
        "verify",
        "-config",
        &config.display().to_string(),
        "-source",
        &app.url(),
        "-target",
        &db.target_url(),
    ];
    crate::support::pgsync(&args).await.expect_exit(1).expect_said("row (id) = (2): column \"n\"");
}

#[tokio::test]
async fn postgresql_as_the_source_has_no_bad_rows() {
    let db = Pair::with("create table item (id integer primary key)").await;
    db.sync().args(&["-bad-rows", "fail"]).await.expect_ok();
    for flag in [["-bad-rows", "skip"], ["-rejects", "/tmp/list"]] {
        let run = db.sync().args(&flag).await.expect_exit(2);
        run.expect_said(
            "is for a SQLite source: a column of PostgreSQL holds only values of its type",
        );
    }
}

#[tokio::test]
async fn a_column_that_is_declared_otherwise_now_fails_with_the_statement_that_widens_it() {
    let app = App::with(
        "create table item (id integer primary key, n integer); insert into item values (1, 10)",
    );
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok();
    app.run(
        "create table other (id integer primary key, n real); insert into other values (1, 10.5), (2, 20); \
         drop table item; alter table other rename to item",
    );
    let statement = "alter table public.item alter column n type double precision";
    app.sync(&db).await.expect_exit(1).expect_said(&format!(
        "holds a fraction, which the column cannot hold (stored as real); to give the column the type that the file \
         declares, run on the target: {statement}"
    ));
    db.target(statement).await;
    app.sync(&db).await.expect_ok().expect_changes("item", (1, 1, 0));
    assert_eq!(
        db.target_value("select string_agg(n::text, ' ' order by id) from item").await,
        "10.5 20"
    );
}

/// What stays on the target is not to be deleted by an action of a foreign key either.
#[tokio::test]
async fn rows_to_which_bad_rows_of_their_own_table_refer_stay() {
    for action in ["cascade", "set null", "no action"] {
        let app = App::with(&format!(
            "create table p (id integer primary key, par integer references p on delete {action}, n integer); \
             insert into p values (1, null, 1), (2, 1, 2), (3, null, 3), (4, 1, 4);"
        ));
        let db = Pair::fresh().await;
        let owner = db.target_owner().await;
        app.sync(&db).target_role(&owner).await.expect_ok();
        app.run("update p set par = null, n = 'zzz' where id = 2; delete from p where id in (1, 4); update p set n = 5 where id = 3");
        let skip = ["-bad-rows", "skip"];
        let run = app.sync(&db).target_role(&owner).args(&skip).await.expect_exit(1);
        let told = "rows that vanished from the source cannot be deleted: 1 row of public.p still refers to such rows";
        run.expect_failed("p", &[told, "correct these rows first"])
            .expect_said("row (id) = (2): column \"n\"");
        let rows = "select string_agg(p::text, ' ' order by id) from p";
        assert_eq!(db.target_value(rows).await, "(1,,1) (2,1,2) (3,,5) (4,1,4)", "{action}");
        app.run("update p set n = 7 where id = 2");
        app.sync(&db).target_role(&owner).await.expect_ok();
        assert_eq!(db.target_value(rows).await, "(2,,7) (3,,5)", "{action}");
    }
}

/// The same where tables that refer to each other are written in one transaction.
#[tokio::test]
async fn rows_to_which_bad_rows_in_a_circle_refer_stay() {
    for (action, declared) in [("cascade", true), ("cascade", false), ("set null", true)] {
        for first in ["a", "p"] {
            let child = if first == "a" { "b" } else { "o" };
            let refers = if declared {
                format!("references {first} on delete {action}")
            } else {
                String::new()
            };
            let app = App::with(&format!(
                "create table {first} (id integer primary key, cid integer, n integer);
                 create table {child} (id integer primary key, pid integer {refers}, n integer);
                 insert into {first} values (1, null, 1), (2, null, 2), (3, null, 3);
                 insert into {child} values (1, 1, 1), (2, 2, 2), (3, 3, 3);"
            ));
            let db = Pair::fresh().await;
            db.target(&format!(
                "create table {first} (id bigint primary key, cid bigint, n int);
                 create table {child} (id bigint primary key, pid bigint references {first} on delete {action}, n int);
                 alter table {first} add foreign key (cid) references {child} deferrable"
            ))
            .await;
            let owner = db.target_owner().await;
            app.sync(&db).target_role(&owner).await.expect_ok();
            app.run(&format!(
                "update {child} set pid = null, n = 'zzz' where id = 2; delete from {first} where id = 2"
            ));
            let run = app.sync(&db).target_role(&owner).args(&["-bad-rows", "skip"]);
            let told = format!("1 row of public.{child} still refers to such rows");
            let mend = format!("correct the bad rows of public.{child} first");
            run.await.expect_exit(1).expect_failed(first, &[&told, &mend]);
            let row = format!("select pid || ' ' || n from {child} where id = 2");
            assert_eq!(db.target_value(&row).await, "2 2", "{action} {first}");
            // What vanished on both sides goes.
            app.run(&format!(
                "update {child} set n = 7 where id = 2; delete from {child} where id = 3; delete from {first} where id = 3"
            ));
            app.sync(&db).target_role(&owner).await.expect_ok();
            let left = format!(
                "select (select count(*) from {first}) || ' ' || (select count(*) from {child})"
            );
            assert_eq!(db.target_value(&left).await, "1 2", "{action} {first}");
        }
    }
}
