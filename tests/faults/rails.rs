//! What is refused before anything changes (exit status 5), and what `-force` lets through.

use crate::support::{Outcome, OwnServer, Pair, Session};

const LOG_IS_MISSING: &str = "select to_regclass('public.sync_log') is null";

/// Nothing at all was changed on the target, not even a log was made.
async fn refused(db: &Pair, run: Outcome, texts: &[&str]) {
    let run = run.expect_exit(5);
    texts.iter().fold(run, |run, text| run.expect_said(text));
    assert_eq!(db.target_value(LOG_IS_MISSING).await, "t");
}

#[tokio::test]
async fn the_same_database_on_both_ends_is_refused_whatever_its_names() {
    let db = Pair::with("create table t (id int primary key); insert into t values (1)").await;
    let url = db.target_url();
    let names = [url.clone(), url.replace("127.0.0.1", "localhost"), socket(&db, &url).await];
    for name in names {
        let run = db.sync().source_url(name).target_url(&url).await;
        refused(&db, run, &["are the same database", "nothing was changed"]).await;
    }
}

/// The same database by the server's socket.
async fn socket(db: &Pair, url: &str) -> String {
    let folder = db.target_value("show unix_socket_directories").await;
    let port = db.target_value("show port").await;
    let database = url.rsplit('/').next().unwrap_or_default();
    format!("host={folder} port={port} user=postgres dbname={database}")
}

#[tokio::test]
async fn another_database_of_the_same_server_is_fine() {
    let (one, two) = (Pair::fresh().await, Pair::fresh().await);
    one.target("create table t (id int primary key); insert into t values (1)").await;
    two.target("create table t (id int primary key)").await;
    one.sync().source_url(one.target_url()).target_url(two.target_url()).await.expect_ok();
    assert_eq!(two.target_value("select count(*) from t").await, "1");
}

async fn filled(rows: u32) -> Pair {
    let db = Pair::with("create table one (id int primary key); create table two (id int)").await;
    db.target(&format!("insert into one select generate_series(1, {rows} / 2)")).await;
    db.target(&format!("insert into two select generate_series(1, {rows} - {rows} / 2)")).await;
    db
}

#[tokio::test]
async fn a_source_with_nothing_but_empty_tables_is_refused() {
    let db = filled(2).await;
    let run = db.sync().await;
    let texts = ["every selected table of the source is empty", "another origin", "-force"];
    refused(&db, run, &texts).await;
    assert_eq!(db.target_value("select count(*) from one").await, "1");
    db.sync().arg("-force").await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_few_rows_that_came_from_the_source_may_go_when_it_is_empty() {
    for (rows, may) in [(1000, true), (1001, false)] {
        let db =
            Pair::with("create table one (id int primary key); create table two (id int)").await;
        db.source(&format!("insert into one select generate_series(1, {rows})")).await;
        db.sync().await.expect_ok();
        db.source("delete from one").await;
        if may {
            db.settle().await;
        } else {
            let run = db.sync().await.expect_exit(5);
            run.expect_said("the target holds more than 1000 rows").expect_said("swapped?");
        }
    }
}

#[tokio::test]
async fn a_source_without_any_table_is_refused_where_the_target_has_rows() {
    let db = Pair::fresh().await;
    db.target("create table kept (id int primary key)").await;
    db.sync().await.expect_exit(2);
    db.target("insert into kept values (1)").await;
    let run = db.sync().await;
    refused(&db, run, &["the source has no table to sync", "swapped?"]).await;
}

/// Runs from the target to the source.
fn back(db: &Pair) -> crate::support::Sync<'_> {
    db.sync().while_writing().source_url(db.target_url()).target_url(db.source_url())
}

const ORDERS: &str = "create table orders (id int primary key, n int)";

#[tokio::test]
async fn a_target_that_is_named_as_the_source_of_its_own_source_is_refused() {
    for log in ["public.sync_log", "ops.runs"] {
        let db = Pair::with(ORDERS).await;
        db.target("create schema ops").await;
        db.source("insert into orders select i, i from generate_series(1, 50) i").await;
        db.sync().args(&["-log-table", log]).await.expect_ok();
        db.source("insert into orders select i, i from generate_series(51, 100) i").await;
        // The log's schema is only where the rows were brought to.
        for more in [&["-dry-run"][..], &["-log-table", log], &[]] {
            let run = back(&db).args(more).await.expect_exit(5);
            run.expect_said("are source and target swapped?").expect_said(log);
        }
        assert_eq!(db.source_value("select count(*) from orders").await, "100");
        assert_eq!(db.source_value("select to_regclass('sync_log') is null").await, "t");
        db.sync().args(&["-log-table", log]).await.expect_ok();
    }
}

#[tokio::test]
async fn a_direction_that_was_changed_on_purpose_is_asked_about_once() {
    let db = Pair::with(ORDERS).await;
    db.source("insert into orders select i, i from generate_series(1, 50) i").await;
    db.sync().await.expect_ok();
    back(&db).await.expect_exit(5);
    back(&db).arg("-force").await.expect_ok();
    back(&db).await.expect_ok();
    db.sync().while_writing().await.expect_exit(5).expect_said("swapped?");
    // A log that cannot be read asks nothing.
    let reader = db.source_reader().await;
    db.source("revoke all on sync_log from public").await;
    db.source(&format!("revoke all on sync_log from {}", reader.name)).await;
    db.sync().while_writing().source_role(&reader).await.expect_ok();
}

#[tokio::test]
async fn schemas_that_go_opposite_ways_are_not_swapped() {
    let db = Pair::with(
        "create schema a; create schema b; create table a.one (id int primary key);
        create table b.two (id int primary key)",
    )
    .await;
    db.source("insert into a.one values (1)").await;
    db.target("insert into b.two values (2)").await;
    for _ in 0..2 {
        db.sync().schema("a").await.expect_ok();
        back(&db).schema("b").await.expect_ok();
    }
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_chain_of_databases_is_not_swapped_and_another_source_is_named() {
    let (one, two) = (Pair::with(ORDERS).await, Pair::with(ORDERS).await);
    one.source("insert into orders values (1, 1)").await;
    for _ in 0..2 {
        one.sync().await.expect_ok();
        let second = || two.sync().source_url(one.target_url());
        let run = second().await.expect_ok();
        assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
    }
    two.source("insert into orders values (1, 1), (2, 2)").await;
    let run = two.sync().plain().arg("-quiet").await.expect_ok();
    let (old, new) = (format!("/{}", one.name), format!("/{}", two.name));
    let run = run.expect_said("1 table with rows had another source in the last run");
    run.expect_said(&old).expect_said(&new);
    let run = two.sync().await.expect_unchanged();
    assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
}

/// A server with a table in its database `postgres`.
async fn own() -> (OwnServer, Session) {
    let own = OwnServer::start("max_wal_senders = 4");
    let session = Session::open(&own.url("postgres")).await;
    session.run("create table t (id int primary key); insert into t values (1)").await;
    (own, session)
}

#[tokio::test]
async fn a_source_that_was_restored_under_its_name_is_told_as_such() {
    let (own, session) = own().await;
    let db = Pair::with("create table t (id int primary key)").await;
    let url = own.url("shop");
    for restored in [false, true] {
        session.run("drop database if exists shop").await;
        session.run("create database shop").await;
        let shop = Session::open(&url).await;
        shop.run("create table t (id int primary key); insert into t values (1)").await;
        drop(shop);
        let run = db.sync().source_url(&url).await.expect_ok();
        let said =
            "1 table with rows had another source in the last run, another database of the name ";
        let notes = run.notes().concat();
        assert_eq!(notes.contains(said), restored, "{run}");
        assert_eq!(
            notes.contains("restored from a backup?); rows that it does not have are removed"),
            restored
        );
    }
}

#[tokio::test]
async fn a_copy_of_the_source_is_another_database() {
    let (own, session) = own().await;
    let (twin, promoted) = (own.twin(), own.standby(""));
    promoted.promote();
    session.run("insert into t values (2)").await;
    let db = Pair::fresh().await;
    for copy in [&twin, &promoted] {
        let sync = || db.sync().source_url(own.url("postgres")).target_url(copy.url("postgres"));
        let run = sync().await.expect_ok();
        run.expect_changes("t", (1, 0, 0));
    }
}

#[tokio::test]
async fn a_standby_of_the_target_is_no_source() {
    let (own, session) = own().await;
    let standby = own.standby("");
    let db = Pair::fresh().await;
    let run = db.sync().source_url(standby.url("postgres")).target_url(own.url("postgres")).await;
    run.expect_exit(5).expect_said("the source is a standby of the target");
    assert_eq!(session.value("select to_regclass('sync_log') is null").await, "t");
}

#[tokio::test]
async fn the_same_database_by_a_role_that_may_not_read_its_identifier_is_refused() {
    let db = Pair::with("create table t (id int primary key); insert into t values (1)").await;
    db.target("revoke execute on function pg_control_system() from public").await;
    let writer = db.target_writer().await;
    let run = db.sync().source_url(db.target_url()).target_role(&writer).await;
    refused(&db, run, &["are the same database", "nothing was changed"]).await;
}

#[tokio::test]
async fn a_single_emptied_table_is_followed() {
    let db = filled(4000).await;
    db.source("insert into two values (1)").await;
    db.settle().await;
    assert_eq!(db.target_value("select count(*) from one").await, "0");
}

const ITEM: &str = "create table item (id int primary key, n int, updated_at timestamptz)";
const ROWS: &str = "insert into item select i, 0, '2024-01-01' from generate_series(1, 100) i";
/// Thirty rows vanish and ten change.
const CHANGES: &str = "delete from item where id <= 30;
    update item set n = 1, updated_at = now() where id > 90";

async fn item(tables: &str) -> Pair {
    let db = Pair::with(tables).await;
    db.source(ROWS).await;
    db.sync().await.expect_ok();
    db.source(CHANGES).await;
    db
}

async fn held_back(db: &Pair, run: Outcome) {
    let run = run.expect_exit(5);
    let texts =
        ["30 of 100 rows would be deleted", "no row was changed", "-set public.item.maxDelete=off"];
    let run = run.expect_refused("item", &texts);
    if run.json["dry_run"] == false {
        let last = "select status from sync_log where table_name = 'item' order by id desc limit 1";
        assert_eq!(db.target_value(last).await, "refused", "{run}");
    }
    let state = "select count(*) || ' ' || count(*) filter (where n = 1) from item";
    assert_eq!(db.target_value(state).await, "100 0", "nothing of the table was changed");
}

#[tokio::test]
async fn deletes_beyond_the_limit_hold_back_the_whole_table() {
    let db = item(ITEM).await;
    for limit in ["29", "20%", "0"] {
        held_back(&db, db.sync().args(&["-max-delete", limit]).await).await;
        let reconciled = db.sync().args(&["-max-delete", limit, "-reconcile"]).await;
        held_back(&db, reconciled).await;
    }
    db.sync().args(&["-max-delete", "30"]).await.expect_ok().expect_changes("item", (0, 10, 30));
    db.assert_same("item").await;
}

#[tokio::test]
async fn force_lets_deletes_beyond_the_limit_through() {
    let db = item(ITEM).await;
    db.sync().args(&["-max-delete", "1%", "-force"]).await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_table_has_a_limit_of_its_own() {
    let db = item(ITEM).await;
    let config =
        db.file("limits.json", r#"{"maxDelete": "90%", "maxDeleteByTable": {"item": "5%"}}"#);
    let run = db.sync().args(&["-config", &config]).await;
    assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
    held_back(&db, run).await;
    let config =
        db.file("misspelt.json", r#"{"maxDeleteByTable": {"items": "5%", "public.item": "5%"}}"#);
    let run = db.sync().args(&["-config", &config]).await;
    let run = run.expect_note("\"items\", which is no table of the source; did you mean \"item\"?");
    held_back(&db, run).await;
}

#[tokio::test]
async fn deletes_are_counted_before_parents_and_children_are_written_in_order() {
    let tables = "create table item (id int primary key, n int, updated_at timestamptz);
        create table part (id int primary key, item int references item, updated_at timestamptz)";
    let db = item(tables).await;
    let writer = db.target_writer().await;
    let run = db.sync().target_role(&writer).args(&["-max-delete", "10%"]).await;
    held_back(&db, run).await;
    db.sync().target_role(&writer).args(&["-max-delete", "30%"]).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn deletes_from_a_table_without_a_key_are_counted_too() {
    let db = item("create table item (id int, n int, updated_at timestamptz)").await;
    let run = db.sync().args(&["-max-delete", "20%"]).await.expect_exit(5);
    run.expect_refused("item", &["40 of 100 rows would be deleted", "no key", "-force"]);
    assert_eq!(db.target_value("select sum(n) || ' ' || count(*) from item").await, "0 100");
    db.sync().args(&["-max-delete", "40"]).await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_refusal_says_that_the_table_is_empty_on_the_source() {
    let db = Pair::fresh().await;
    db.source(
        "create table kept (id int primary key); insert into kept select generate_series(1, 500);
        create table log (n int); insert into log select generate_series(1, 50);
        create table item (id int primary key); insert into item select generate_series(1, 50)",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("truncate log, item").await;
    let run = db.sync().args(&["-max-delete", "20%"]).await.expect_exit(5);
    for table in ["log", "item"] {
        let error = run.table(table).error.expect("an error").message;
        let said = format!(
            "the table is empty on the source: 50 of 50 rows would be deleted, more than -max-delete 20% allows: no row was \
             changed; check the source, then allow it for one run: -set public.{table}.maxDelete=off, or -force for all tables"
        );
        assert_eq!(error, said, "{run}");
    }
    let lifted = ["-set", "public.log.maxDelete=off", "-set", "public.item.maxDelete=off"];
    db.sync().args(&["-max-delete", "20%"]).args(&lifted).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn what_becomes_of_rows_that_no_run_wrote_is_told_once() {
    let db = Pair::with(
        "create table item (id int primary key, v text); create table same (id int primary key); insert into same values (1)",
    )
    .await;
    db.source("insert into item values (1, 'a'), (2, 'b')").await;
    db.target("insert into item values (1, 'mine'), (2, 'b'), (7, 'x'), (8, 'y')").await;
    let would = "item - warning: the target has rows, and sync_log has no run that wrote any: 2 of them would be deleted and 1 changed, \
                 to be as on the source; if public.item is another table there, rename it on the target, or exclude this one";
    let run = db.sync().arg("-dry-run").await.expect_exit(0);
    run.expect_said(would).expect_unsaid("same - warning");
    let told = "item - warning: the target had rows in public.item before the first run in sync_log: 2 of them were deleted and 1 changed, to be as on \
                the source";
    // A run that has failed before it wrote anything is none.
    db.source("insert into item values (3, 'c')").await;
    db.target("alter table item add constraint few check (id <> 3)").await;
    db.sync().await.expect_exit(1).expect_failed("item", &["few"]);
    db.target("alter table item drop constraint few").await;
    let run = db.sync().await.expect_ok();
    run.expect_said(told).expect_unsaid("same - warning");
    db.target("delete from item where id = 1").await;
    db.sync().arg("-reconcile").await.expect_ok().expect_unsaid("first run");
}

/// A column that is new, and a key that is another one.
#[tokio::test]
async fn a_refusal_names_why_each_row_is_another_one() {
    let db = Pair::fresh().await;
    db.source(
        "create table log (n int); insert into log select generate_series(1, 50);
        create table price (a int primary key, v int); insert into price select i, i from generate_series(1, 50) i",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("alter table log add seq bigserial; alter table price drop constraint price_pkey, add id bigserial primary key").await;
    let limited = ["-max-delete", "20%"];
    let run = db.sync().args(&limited).await.expect_exit(5);
    let run = run.expect_refused(
        "log",
        &["the table has no key, so a changed row counts as one deleted and one inserted; its columns have changed since the last run"],
    );
    let said = "the key is (id) on the source and (a) on the target, so a changed row counts as one deleted and one inserted; its columns have changed since the last run";
    let run = run.expect_refused("price", &[said]);
    run.expect_unsaid("nothing of the table was changed");
    let lifted = ["-set", "public.log.maxDelete=off", "-set", "public.price.maxDelete=off"];
    db.sync().args(&limited).args(&lifted).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_refusal_over_a_partition_that_the_source_dropped_names_it() {
    let db = Pair::fresh().await;
    db.source(
        "create table ev (id int, at date, primary key (id, at)) partition by range (at);
         create table ev_09 partition of ev for values from ('2026-09-01') to ('2026-10-01');
         create table ev_10 partition of ev for values from ('2026-10-01') to ('2026-11-01');
         insert into ev select i, '2026-09-01'::date + i from generate_series(1, 50) i",
    )
    .await;
    db.settle().await;
    db.source("drop table ev_09").await;
    let limited = ["-max-delete", "20%"];
    let drop = "drop table \"public\".\"ev_09\"";
    let advice = format!(
        "no row was changed; partition public.ev_09 exists only on the target: if the source has dropped it, run on the target: {drop}; otherwise, check the source"
    );
    for _ in 0..2 {
        let run = db.sync().args(&limited).await.expect_exit(5);
        run.expect_refused("ev", &[&advice]);
    }
    db.target(drop).await;
    db.sync().args(&limited).await.expect_ok();
    db.settle().await;
}

/// Rows that share the old key.
#[tokio::test]
async fn a_refusal_over_another_key_names_both_steps_in_their_order() {
    let db = Pair::fresh().await;
    db.source(
        "create table tag (item int, name text, primary key (item, name));
         insert into tag select i, 'x' from generate_series(1, 50) i; create table other (id int primary key)",
    )
    .await;
    db.settle().await;
    db.source(
        "alter table tag drop constraint tag_pkey, add id bigserial primary key; insert into tag (item, name) values (1, 'x')",
    )
    .await;
    let limited = ["-max-delete", "20%"];
    let run = db.sync().args(&limited).await.expect_exit(5);
    let drop = "alter table \"public\".\"tag\" drop constraint \"tag_pkey\"";
    let advice = format!(
        "check the source, then run on the target: {drop} (a run creates the source's key); and allow it for one run: -set public.tag.maxDelete=off"
    );
    run.expect_refused("tag", &[&advice]);
    db.target(drop).await;
    db.sync().args(&limited).args(&["-set", "public.tag.maxDelete=off"]).await.expect_ok();
    db.assert_same("tag").await;
    let key = "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'tag'::regclass and contype = 'p'";
    assert_eq!(db.target_value(key).await, "PRIMARY KEY (id)");
    db.settle().await;
}

#[tokio::test]
async fn a_dry_run_says_that_it_would_be_refused() {
    let db = item(ITEM).await;
    held_back(&db, db.sync().args(&["-max-delete", "29", "-dry-run"]).await).await;
}

#[tokio::test]
async fn a_refused_table_does_not_hold_up_the_others() {
    let db = item(&format!("{ITEM}; create table other (id int primary key)")).await;
    db.source("insert into other values (1)").await;
    let run = db.sync().plain().args(&["-max-delete", "20%"]).await.expect_exit(5);
    run.expect_said("item - refused: 30 of 100 rows").expect_said("1 of 2 tables refused");
    db.assert_same("other").await;
}

#[tokio::test]
async fn a_schema_that_cannot_be_synced_is_told_with_the_reason() {
    let db = Pair::with("create table item (id int primary key)").await;
    let cases = [
        ("pg_catalog", "the schema \"pg_catalog\" belongs to the server: name another"),
        ("\"public\"", "it has public; names stand without SQL's quotes here"),
    ];
    for (name, text) in cases {
        db.sync().plain().args(&["-schema", name]).await.expect_exit(2).expect_said(text);
    }
}

#[tokio::test]
async fn another_table_of_the_same_name_is_asked_for_before_its_columns_are_changed() {
    let db = Pair::fresh().await;
    db.source("create table note (id int primary key, t text, d date); insert into note values (1, 'a', now())").await;
    db.target("create table note (id int primary key, t int, d text); insert into note values (5, 5, 'x')").await;
    let asked = "no run has filled public.note on the target: if it is another table, rename it there, or exclude this one; \
                 otherwise, column \"t\" is text on the source and integer on the target";
    for args in [&["-dry-run"][..], &[], &["-ddl", "none"]] {
        let run = db.sync().args(args).await.expect_exit(1);
        drop(run.expect_failed("note", &[asked]));
    }
    // The table that a run has filled is known.
    db.target("alter table note rename to own").await;
    db.target("alter index note_pkey rename to own_pkey").await;
    db.settle().await;
    db.target("alter table note alter t type int using null").await;
    let run = db.sync().await.expect_exit(1).expect_unsaid("another table");
    drop(run.expect_failed("note", &["alter table public.note alter column t type text"]));
}
