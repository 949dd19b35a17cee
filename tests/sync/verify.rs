//! `pgsync verify`: what it names, what it leaves alone, and what it repairs.

use serde_json::Value;

use super::support::{Outcome, Pair, pgsync};

const ITEM: &str = "create table item (id int primary key, name text, price numeric, note text, \
                    updated_at timestamptz not null default now())";

async fn verify(db: &Pair, args: &[&str]) -> Outcome {
    let (source, target) = (db.source_url(), db.target_url());
    pgsync(&["verify", "-source", &source, "-target", &target]).args(args).await
}

/// The object of `-json`, whatever the exit status.
async fn found(db: &Pair, args: &[&str]) -> Value {
    let run = verify(db, &[args, &["-json"]].concat()).await;
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

/// `kind key: columns` of each row that was listed, in order.
fn rows(found: &Value) -> Vec<String> {
    let row = |row: &Value| {
        let columns: Vec<&str> =
            row["columns"].as_array().expect("columns").iter().filter_map(Value::as_str).collect();
        format!("{} {}: {}", row["kind"].as_str().expect("kind"), row["key"], columns.join(","))
    };
    let tables = found["tables"].as_array().expect("tables").iter();
    let mut rows: Vec<String> =
        tables.flat_map(|table| table["rows"].as_array().expect("rows")).map(row).collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn exactly_the_rows_and_columns_that_differ_are_named_and_repaired() {
    let db = Pair::with(ITEM).await;
    db.source(
        "insert into item select i, 'name ' || i, 0.1, null, '2024-01-01' from generate_series(1, 5000) i",
    )
    .await;
    db.sync().await.expect_ok();
    verify(&db, &[]).await.expect_exit(0).expect_said("equal: 1 table");
    db.target(
        "update item set name = 'nane 7' where id = 7; update item set price = 0.10 where id = 8;
         update item set note = '' where id = 9; delete from item where id = 10;
         insert into item values (6000, 'extra', 1, 'secret-token', '2024-01-01');
         update item set id = -1 where id = 11; update item set id = 11 where id = 12; update item set id = 12 where id = -1",
    )
    .await;
    let log = "select count(*) from sync_log";
    let before = (db.target_value(log).await, db.target_marks("item").await);
    let json = found(&db, &[]).await;
    let expected = [
        r#"changed {"id":"11"}: name"#,
        r#"changed {"id":"12"}: name"#,
        r#"changed {"id":"7"}: name"#,
        r#"changed {"id":"8"}: price"#,
        r#"changed {"id":"9"}: note"#,
        r#"extra {"id":"6000"}: "#,
        r#"missing {"id":"10"}: "#,
    ];
    assert_eq!(rows(&json), expected);
    assert_eq!(json["exit_status"], 3);
    let after = (db.target_value(log).await, db.target_marks("item").await);
    assert_eq!(after, before, "a comparison writes nothing");

    let watermark =
        "select watermark from sync_log where sync_type <> 'repair' order by id desc limit 1";
    let watermark_before = db.target_value(watermark).await;
    let run = verify(&db, &["-repair"]).await.expect_exit(0);
    run.expect_said("7 rows differ").expect_said("equal: 1 table");
    let rewritten =
        db.target_marks("item").await.iter().filter(|mark| !before.1.contains(mark)).count();
    assert_eq!(rewritten, 6, "six rows are written and one is deleted");
    db.assert_same("item").await;
    assert_eq!(db.target_value(watermark).await, watermark_before);
    let repair =
        "select sync_type || ' ' || rows_inserted || ' ' || rows_updated || ' ' || rows_deleted
                  from sync_log order by id desc limit 1";
    assert_eq!(db.target_value(repair).await, "repair 1 5 1");
    db.sync().await.expect_unchanged().expect_strategy("item", "incremental");
}

#[tokio::test]
async fn values_are_shown_only_on_request_and_are_escaped() {
    let db = Pair::with(ITEM).await;
    db.source("insert into item values (1, 'token-one', 1, null, '2024-01-01'), (2, '<script>', 1, null, '2024-01-01')")
        .await;
    db.sync().await.expect_ok();
    db.target("update item set name = 'token-two'; insert into item values (3, 'token-three', 1, null, now())").await;
    let files = ["rows.jsonl", "rows.csv", "page.html"].map(|name| db.file(name, ""));
    let [json, csv, page] = &files;
    let to_files = ["-rows", json, "-csv", csv, "-html", page];
    let read = || {
        files.iter().map(|file| std::fs::read_to_string(file).expect("a file")).collect::<String>()
    };
    let run = verify(&db, &to_files).await.expect_exit(3);
    run.expect_unsaid("token").expect_unsaid("script>");
    assert!(!read().contains("token"), "{}", read());
    assert_eq!(std::fs::read_to_string(json).expect("a file").lines().count(), 3);
    assert_eq!(std::fs::read_to_string(csv).expect("a file").lines().count(), 4);
    let run = verify(&db, &[&to_files[..], &["-values"]].concat()).await.expect_exit(3);
    run.expect_said("source: name = 'token-one'").expect_said("token-three");
    let page = std::fs::read_to_string(page).expect("a file");
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    // All that is printed is SQL.
    let printed = verify(&db, &["-repair=print"]).await.expect_exit(3);
    db.target(&printed.stdout).await;
    verify(&db, &[]).await.expect_exit(0);
}

#[tokio::test]
async fn rows_of_a_table_without_a_key_are_counted_and_not_listed() {
    let db = Pair::with("create table plain (name text)").await;
    db.source("insert into plain values ('a'), ('b'), (null)").await;
    db.target("insert into plain values ('x')").await;
    let listed = "plain  4 rows differ (3 missing, 1 extra)\nNOT equal: 1 of 1 table";
    verify(&db, &[]).await.expect_exit(3).expect_said(listed);
    let printed = verify(&db, &["-repair=print"]).await.expect_exit(3);
    printed.expect_said("--   no statements, for the table has no key: -repair repairs it");
    verify(&db, &["-repair"]).await.expect_exit(0);
}

#[tokio::test]
async fn what_changes_since_the_last_run_explain_is_excused_on_a_live_source() {
    let db = Pair::with(ITEM).await;
    db.both("create table plain (id int primary key, name text)").await;
    db.source(
        "insert into item select i, 'x', 1, null, '2024-01-01' from generate_series(1, 100) i",
    )
    .await;
    db.source("insert into plain values (1, 'a'); insert into item values (102)").await;
    db.sync().await.expect_ok();
    db.source("update item set name = 'new', updated_at = now() where id = 5; delete from item where id = 6;
               insert into item values (101); update plain set name = 'b'")
        .await;
    verify(&db, &[]).await.expect_exit(3).expect_said("2 of them the next run brings");
    verify(&db, &["-live"]).await.expect_exit(0);
    db.target("update item set price = 2 where id = 50").await;
    let json = found(&db, &["-live"]).await;
    assert_eq!(json["exit_status"], 3);
    assert!(
        json["sentence"]
            .as_str()
            .expect("text")
            .starts_with("NOT equal: 1 of 2 tables not equal, 1 row"),
        "{json}"
    );
}

#[tokio::test]
async fn tables_of_every_shape_are_compared() {
    let db = Pair::fresh().await;
    db.both(
        "create table keyless (a int, b text);
             create table part (id int not null, n text) partition by range (id);
             create table part_1 partition of part for values from (0) to (100);
             create table wide (id numeric primary key, t text)",
    )
    .await;
    let has_key = db.has(11, "keys of partitioned tables").await;
    if has_key {
        db.both("alter table part add primary key (id)").await;
    }
    db.source("create table kinds (id int primary key, n int)").await;
    db.target("create table kinds (id bigint primary key, n bigint)").await;
    db.source("insert into keyless values (1, 'x'), (1, 'x'), (2, 'y'); insert into part values (1, 'a'), (2, 'b');
               insert into wide values (1.50, 'a'); insert into kinds values (1, 1), (2, 2)")
        .await;
    db.sync().await.expect_ok();
    verify(&db, &[]).await.expect_exit(0).expect_said("equal: 4 tables");
    db.target("delete from keyless where ctid = (select ctid from keyless where a = 1 limit 1); update part set n = 'c' where id = 2;
               update kinds set n = 7 where id = 2; update wide set t = 'b'")
        .await;
    let json = found(&db, &[]).await;
    let keyed = [r#"changed {"id":"2"}: n"#, "missing null: "];
    let keyless = ["extra null: ", "missing null: ", "missing null: "];
    let others: &[&str] = if has_key { &keyed } else { &keyless };
    let named = [r#"changed {"id":"1.50"}: t"#, r#"changed {"id":"2"}: n"#];
    let expected = [&named[..], others].concat();
    assert_eq!(rows(&json), expected);
    verify(&db, &["-repair"]).await.expect_exit(0);
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_table_that_cannot_be_compared_is_no_success() {
    let db = Pair::with(ITEM).await;
    db.sync().await.expect_ok();
    db.source("create table only_here (id int primary key)").await;
    verify(&db, &[]).await.expect_exit(1).expect_said("not comparable");
    db.target("insert into item values (1)").await;
    verify(&db, &[]).await.expect_exit(3);
    let run = verify(&db, &["-rows", "/nonexistent/rows"]).await;
    run.expect_exit(2).expect_said("-rows: file /nonexistent/rows cannot be written");
}

#[tokio::test]
async fn what_the_last_run_has_read_is_not_behind_though_the_next_one_reads_it_again() {
    for kind in ["timestamptz", "timestamp", "date"] {
        let db = Pair::with(&format!(
            "create table item (id int primary key, n int, updated_at {kind})"
        ))
        .await;
        db.source("insert into item select i, 1, now() from generate_series(1, 30) i; insert into item values (31)")
            .await;
        db.sync().await.expect_ok();
        db.target("update item set n = 2 where id = 7").await;
        let behind = u32::from(kind == "date");
        let json = found(&db, &["-live"]).await;
        assert_eq!(json["tables"][0]["behind"], behind, "{kind}: a day that was read was not over");
        assert_eq!(json["exit_status"], 3 - 3 * behind, "{json}");
        // A row that belongs to every run is behind, whatever was done to it.
        db.target("update item set n = 1 where id = 7; update item set n = 2 where id = 31").await;
        assert_eq!(found(&db, &["-live"]).await["exit_status"], 0);
        db.source("insert into item values (32, 1, now() + interval '1 day')").await;
        let json = found(&db, &["-live"]).await;
        assert_eq!((&json["tables"][0]["behind"], &json["exit_status"]), (&2.into(), &0.into()));
    }
}

#[tokio::test]
async fn a_repair_that_cannot_begin_always_says_why() {
    let db = Pair::with("create table item (id int primary key)").await;
    db.source("insert into item values (1)").await;
    let writer = db.target_writer().await;
    db.target(&format!("revoke create on schema public from {}, public", writer.name)).await;
    let (source, target) = (db.source_url(), &writer.url);
    for _ in 0..5 {
        let run = pgsync(&["verify", "-source", &source, "-target", target, "-repair"]).await;
        run.expect_exit(1).expect_said("while creating sync_log: permission denied");
    }
}

#[tokio::test]
async fn a_generated_column_is_compared_by_what_each_side_computes() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.both(
        "create table item (id int primary key, name text, size int,
           twice text generated always as (name || size::text) stored, updated_at timestamptz not null)",
    )
    .await;
    db.source(
        "insert into item (id, name, size, updated_at) select i, 'n', i, '2024-01-01' from generate_series(1, 300) i",
    )
    .await;
    db.sync().await.expect_ok();
    verify(&db, &[]).await.expect_exit(0);
    // What both compute from differs, and so does what is computed.
    db.target("update item set name = 'm' where id = 7").await;
    let json = found(&db, &[]).await;
    assert_eq!(rows(&json), [r#"changed {"id":"7"}: name,twice"#]);
    verify(&db, &["-repair"]).await.expect_exit(0);
    db.assert_same("item").await;
    // Another expression on the target: no row can be repaired, and each that differs is named.
    db.target("alter table item drop column twice; alter table item add column twice text generated always as (case when id = 9 then 'x' else name || size::text end) stored")
        .await;
    // Servers of one version say it by the definitions, others by the rows.
    let run = verify(&db, &[]).await;
    assert!(matches!(run.status, 1 | 3) && run.stdout.contains("twice"), "{run}");
    let run = verify(&db, &["-repair"]).await;
    assert!(run.status != 0, "{run}");
}

#[tokio::test]
async fn a_role_that_may_not_keep_triggers_and_rules_quiet_compares_all_the_same() {
    let db = Pair::with(
        "create table item (id int primary key, v text); create table other (id int primary key)",
    )
    .await;
    db.source("insert into item values (1, 'a'); insert into other values (1)").await;
    db.sync().await.expect_ok();
    db.target(
        "create function act() returns trigger language plpgsql as 'begin return new; end';
         create trigger act before insert on item for each row execute procedure act();
         create rule act as on insert to other do instead nothing; update item set v = 'b'",
    )
    .await;
    let reader = db.target_reader().await;
    let verify = pgsync(&["verify", "-source", &db.source_url(), "-target", &reader.url]).await;
    drop(verify.expect_exit(3).expect_said("1 row differs").expect_unsaid("not comparable"));
    let dry = db.sync().target_role(&reader).arg("-dry-run").await.expect_exit(1);
    let dry = dry.expect_failed("item", &["triggers of the target would fire"]);
    drop(dry.expect_failed("other", &["rule \"act\" would rewrite"]));
}

#[tokio::test]
async fn a_table_that_the_target_lacks_is_told_in_a_few_words() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key); create table part (id int primary key, item int references item)")
        .await;
    let run = verify(&db, &[]).await.expect_exit(1);
    let lines = run.stdout.lines().filter(|line| line.contains("not comparable: "));
    let told = "not comparable: the target has no such table; pgsync schema prints how a run creates it, or what is in the way";
    assert_eq!(lines.filter(|line| line.ends_with(told)).count(), 2, "{run}");
    run.expect_unsaid("create table");
    let config = db.file("none.json", r#"{"ddl": "none"}"#);
    let run = verify(&db, &["-config", &config]).await.expect_exit(1);
    run.expect_said(
        "not comparable: the target has no such table; no run creates it with -ddl none: run on the target what pgsync \
         schema prints",
    );
}

#[tokio::test]
async fn a_label_that_a_type_lacks_is_told_by_what_runs_do_about_it() {
    let db = Pair::with(
        "create type mood as enum ('sad'); create table item (id int primary key, m mood)",
    )
    .await;
    db.source("alter type mood add value 'glad'").await;
    let run = verify(&db, &[]).await.expect_exit(1);
    run.expect_said(
        "not comparable: missing on the target: label 'glad' of type public.mood; pgsync schema prints how a run creates that, or what \
         is in the way",
    );
    let run = verify(&db, &["-set", "item.ddl=none"]).await.expect_exit(1);
    run.expect_said(
        "not comparable: missing on the target: label 'glad' of type public.mood; no run creates that with -ddl none: run on the target \
         what pgsync schema prints",
    );
}

#[tokio::test]
async fn rows_that_the_target_computes_otherwise_are_not_promised_to_the_next_run() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source(
        "create function vat(n int) returns int immutable language sql as 'select n * 2';
         create table item (id int primary key, n int, gross int generated always as (vat(n)) stored,
             updated_at timestamptz default now());
         insert into item (id, n) values (1, 1), (2, 2)",
    )
    .await;
    db.settle().await;
    db.source(
        "create or replace function vat(n int) returns int immutable language sql as 'select n * 3';
         update item set n = 5, updated_at = now() + interval '1 minute' where id = 1",
    )
    .await;
    db.sync().await.expect_exit(1);
    let run = verify(&db, &[]).await.expect_exit(3);
    let run = run.expect_said(
        "1 row differs (1 changed; 1 of them only in columns that the target computes otherwise",
    );
    run.expect_unsaid("the next run brings").expect_unsaid("behind");
    let run = verify(&db, &["-json"]).await.expect_exit(3);
    run.expect_said("defined differently").expect_unsaid("a dry run");
}

#[tokio::test]
async fn what_a_table_without_a_key_computes_otherwise_is_a_difference() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source(
        "create function vat(int) returns int language sql immutable as 'select $1 * 2';
         create table item (n int, gross int generated always as (vat(n)) stored); insert into item values (1), (2)",
    )
    .await;
    db.sync().await.expect_ok();
    verify(&db, &[]).await.expect_exit(0);
    db.target(
        "create or replace function vat(int) returns int language sql immutable as 'select $1 * 3'; update item set n = n",
    )
    .await;
    let found = found(&db, &[]).await;
    assert_eq!(found["exit_status"], 3, "{found}");
    let changed = ["changed null: gross", "changed null: gross"];
    assert_eq!(rows(&found), changed, "{found}");
    verify(&db, &[])
        .await
        .expect_exit(3)
        .expect_said("2 of them only in columns that the target computes otherwise");
}

#[tokio::test]
async fn what_is_printed_for_a_repair_lets_no_trigger_fire() {
    let db = Pair::with("create table item (id int primary key, name text, at timestamptz)").await;
    db.source("insert into item select i, 'n', '2024-01-01' from generate_series(1, 9) i").await;
    db.sync().await.expect_ok();
    db.target(
        "update item set name = 'x' where id = 3;
         create table audit (id int); create function touch() returns trigger language plpgsql as
           $$ begin new.at := now(); insert into audit values (new.id); return new; end $$;
         create trigger touch before update on item for each row execute procedure touch()",
    )
    .await;
    let printed = verify(&db, &["-repair=print"]).await.expect_exit(3);
    db.target(&printed.stdout).await;
    verify(&db, &[]).await.expect_exit(0);
    assert_eq!(db.target_value("select count(*) from audit").await, "0");
}

#[tokio::test]
async fn of_many_tables_those_that_are_equal_are_counted() {
    let db = Pair::fresh().await;
    let tables: String =
        (1..=21).map(|n| format!("create table t{n} (id int primary key);")).collect();
    db.both(&tables).await;
    db.source("insert into t7 values (1)").await;
    let run = verify(&db, &[]).await.expect_exit(3);
    let listed = "t7  1 row differs (1 missing)\n  id = 1  missing\n… 20 tables equal; -verbose lists them\nNOT equal: 1 of 21 tables";
    let run = run.expect_said(listed);
    run.expect_said("to make them equal: pgsync verify -repair, or a run with -reconcile");
    verify(&db, &["-verbose"]).await.expect_exit(3).expect_said("t8   equal");
}

#[tokio::test]
async fn rows_of_a_table_whose_last_run_failed_are_not_promised_to_the_next_run() {
    let db = Pair::with(&format!("{ITEM}; create table plain (id int primary key, v int)")).await;
    db.source(
        "insert into item values (1, 'a', 1, null, '2024-01-01'); insert into plain values (1, 1)",
    )
    .await;
    db.sync().await.expect_ok();
    db.target(
        "alter table item add check (note is not null) not valid; alter table plain add check (v < 5) not valid",
    )
    .await;
    db.source("insert into item values (2, 'b', 1, null, now()); insert into plain values (2, 9)")
        .await;
    // Nothing has failed yet.
    let run = verify(&db, &["-include", "item"]).await.expect_exit(3);
    run.expect_said("item  behind: 1 row (1 missing), which the next run brings");
    db.sync().await.expect_exit(1);
    let run = verify(&db, &[]).await.expect_exit(3);
    let failed = "the last run did not bring it in sync: see pgsync status";
    let run = run.expect_said(&format!("item   behind: 1 row (1 missing); {failed}"));
    let run = run.expect_said(&format!("plain  1 row differs (1 missing); {failed}"));
    drop(run.expect_unsaid("the next run brings").expect_unsaid("-repair"));
    let json = found(&db, &[]).await;
    assert_eq!(json["tables"][0]["last_run_failed"], true, "{json}");
    // A repair fails over the same.
    db.target("alter table item drop constraint item_note_check").await;
    verify(&db, &["-repair"]).await.expect_exit(1);
    let run = verify(&db, &[]).await.expect_exit(3);
    drop(run.expect_said("item   equal").expect_said(failed));
    db.target("alter table plain drop constraint plain_v_check").await;
    verify(&db, &["-repair"]).await.expect_exit(0);
    db.source("insert into plain values (3, 1)").await;
    let run = verify(&db, &[]).await.expect_exit(3).expect_unsaid(failed);
    run.expect_said("to make them equal: pgsync verify -repair, or a run with -reconcile");
}
