//! `pgsync status` and `pgsync log prune`: what they say of real logs, and what they leave.

use super::support::{Outcome, Pair, pgsync};

const TABLES: &str =
    "create table item (id int primary key, n int, updated_at timestamptz not null default now());
    create table other (id int primary key)";

async fn status(db: &Pair, args: &[&str]) -> Outcome {
    let target = db.target_url();
    pgsync(&["status", "-target", &target]).args(args).await
}

/// Gives the value of a field of a table in `status -json`.
async fn field(db: &Pair, table: &str, field: &str) -> serde_json::Value {
    let run = status(db, &["-json"]).await;
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let tables = json["tables"].as_array().expect("tables").clone();
    let found = tables.iter().find(|entry| entry["table"] == table);
    found.unwrap_or_else(|| panic!("{table} expected of {run}"))[field].clone()
}

#[tokio::test]
async fn status_tells_success_failure_and_that_nothing_has_run() {
    let db = Pair::with(TABLES).await;
    status(&db, &[])
        .await
        .expect_exit(1)
        .expect_said("has no table public.sync_log: no run has written there, or one with another -log-table, -schema or -target-schema");
    db.source("insert into item values (1, 1), (2, 2)").await;
    db.sync().await.expect_ok();
    status(&db, &[]).await.expect_exit(0).expect_said("All 2 tables in sync as of");
    let run = status(&db, &["-schema", "pg_catalog"]).await.expect_exit(1);
    run.expect_said("the target has a log of this name: public.sync_log; to read it, use -log-table public.sync_log");
    assert_eq!(field(&db, "item", "rows_inserted").await, 2);
    assert_eq!(field(&db, "item", "failures").await, 0);
    assert!(field(&db, "item", "watermark").await.is_string());
    status(&db, &["-stale", "1h"]).await.expect_exit(0);
    status(&db, &["-include", "nothing*"]).await.expect_exit(1);
    db.target("update sync_log set end_time = end_time - interval '2 hours'").await;
    status(&db, &["-stale", "1h"]).await.expect_exit(1).expect_said("last success 2h ago");

    db.target("alter table item add check (n < 3)").await;
    db.source("insert into item values (3, 3)").await;
    db.sync().await.expect_exit(1);
    db.sync().await.expect_exit(1);
    let run = status(&db, &["-failed"]).await.expect_exit(1).expect_said("item (failed)");
    run.expect_said("item_n_check").expect_unsaid("\nother");
    assert_eq!(field(&db, "item", "failures").await, 2);
    assert_eq!(field(&db, "item", "state").await, "failed");
    let run = status(&db, &["-history", "item"]).await.expect_exit(0);
    assert_eq!(run.stdout.matches("failed").count(), 2, "{run}");
    status(&db, &["-history", "none"]).await.expect_exit(1);
}

#[tokio::test]
async fn a_run_that_was_killed_is_interrupted_before_the_next_one_says_so() {
    let db = Pair::with(TABLES).await;
    db.sync().await.expect_ok();
    let row = "insert into sync_log (run_id, source, schema_name, table_name, sync_type, status, start_time)
               values ('dead', 's', 'public', 'item', 'incremental', 'running', now())";
    db.target(row).await;
    status(&db, &[]).await.expect_exit(1).expect_said("item (interrupted)");
    assert_eq!(field(&db, "item", "failures").await, 1);
    db.target(row).await;
    assert_eq!(field(&db, "item", "failures").await, 2);
}

#[tokio::test]
async fn a_log_with_other_columns_is_read() {
    let db = Pair::with(TABLES).await;
    db.sync().await.expect_ok();
    db.target("alter table sync_log add column later_version jsonb").await;
    status(&db, &[]).await.expect_exit(0);
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn a_table_that_is_gone_is_no_trouble_unless_it_failed() {
    let db = Pair::with(TABLES).await;
    db.sync().await.expect_ok();
    db.both("drop table other").await;
    status(&db, &[]).await.expect_exit(0).expect_said("1 table in sync as of");
}

#[tokio::test]
async fn a_table_that_the_source_has_no_more_is_said_once_and_is_no_trouble() {
    let db = Pair::with(TABLES).await;
    db.sync().await.expect_ok();
    db.target("alter table other add check (id < 3)").await;
    db.source("insert into other values (3)").await;
    db.sync().await.expect_exit(1);
    db.source("drop table other").await;
    db.sync().include("item").await.expect_ok().expect_unsaid("no longer");
    db.sync().plain().arg("-quiet").await.expect_exit(0).expect_said(
        "other - warning: the source no longer has this table; the target keeps it with the rows that it has; \
         to drop it, run on the target: drop table public.other",
    );
    db.sync().await.expect_unchanged().expect_unsaid("no longer");
    db.target(
        "update sync_log set end_time = end_time - interval '2 days' where table_name = 'other'",
    )
    .await;
    let run = status(&db, &["-stale", "1d"]).await.expect_exit(0);
    run.expect_said("1 table in sync as of")
        .expect_said("Gone from the source: other; to drop what is left, run on the target: drop table public.other");
    assert_eq!(field(&db, "other", "state").await, "gone");
    assert_eq!(field(&db, "other", "trouble").await, false);
    db.target("drop table other").await;
    status(&db, &[]).await.expect_exit(0).expect_unsaid("other");
    db.source("create table other (id int primary key); insert into other values (1)").await;
    db.sync().await.expect_changes("other", (1, 0, 0));
    status(&db, &[]).await.expect_exit(0).expect_said("All 2 tables in sync");
}

#[tokio::test]
async fn a_schema_that_the_source_has_no_more_was_chosen_by_a_pattern() {
    let db = Pair::fresh().await;
    db.source(
        "create schema tenant_a; create table tenant_a.t (id int primary key); insert into tenant_a.t values (1);
         create schema tenant_b; create table tenant_b.t (id int primary key)",
    )
    .await;
    let run = || db.sync().args(&["-schema", "tenant_*"]);
    run().await.expect_ok();
    db.source("drop schema tenant_a cascade").await;
    let said = "the source no longer has this table; the target keeps it with the rows that it has; \
                to drop it, run on the target: drop table tenant_a.t";
    run().arg("-dry-run").await.expect_ok().expect_said(said);
    run().await.expect_ok().expect_said(said);
    run().await.expect_unchanged().expect_unsaid("no longer");
}

#[tokio::test]
async fn a_table_that_the_config_file_skips_is_not_said_to_be_in_sync() {
    let db = Pair::with(TABLES).await;
    db.sync().await.expect_ok();
    let config = db.file("skip.json", r#"{"tables": {"other": {"skip": true}}}"#);
    db.target(
        "update sync_log set end_time = end_time - interval '2 days' where table_name = 'other'",
    )
    .await;
    status(&db, &["-stale", "1d"]).await.expect_exit(1).expect_said("other (last success 2d ago)");
    let run = status(&db, &["-stale", "1d", "-config", &config]).await.expect_exit(0);
    run.expect_said("1 table in sync as of").expect_unsaid("other");
    let all = db.file("all.json", r#"{"tables": {"*": {"skip": true}}}"#);
    let run = status(&db, &["-config", &all]).await;
    run.expect_said("is selected: look at -include, -exclude and the rule skip.");
}

/// A run has seen it as a table by itself, and the next ones as a part of another.
#[tokio::test]
async fn a_partition_that_was_a_table_for_a_while_is_not_gone() {
    let db = Pair::fresh().await;
    db.source(
        "create table t (id int, at date) partition by range (at);
         create table t1 partition of t for values from ('2024-01-01') to ('2025-01-01') partition by list (id);
         create table t11 partition of t1 for values in (1); insert into t values (1, '2024-05-05')",
    )
    .await;
    db.sync().await.expect_ok();
    let detach = "alter table t1 detach partition t11; alter table t detach partition t1";
    db.source(detach).await;
    db.sync().await.expect_ok().expect_tables(&["t", "t1", "t11"]);
    db.source(
        "alter table t1 attach partition t11 for values in (1);
         alter table t attach partition t1 for values from ('2024-01-01') to ('2025-01-01')",
    )
    .await;
    for _ in 0..2 {
        db.sync().await.expect_ok().expect_unsaid("no longer").expect_unsaid("drop table");
        let run = status(&db, &["-stale", "1d"]).await.expect_exit(0);
        run.expect_unsaid("Gone").expect_unsaid("t1").expect_said("1 table in sync");
    }
    db.target(
        "update sync_log set end_time = end_time - interval '2 days' where table_name <> 't'",
    )
    .await;
    status(&db, &["-stale", "1d"]).await.expect_exit(0);
    db.source("alter table t detach partition t1; drop table t1").await;
    let run = db.sync().await.expect_ok();
    run.expect_note("exists only on the target; to drop it, run: drop table");
}

#[tokio::test]
async fn a_table_that_was_renamed_is_named_with_its_new_name() {
    let db = Pair::with("create table customer (id int primary key, x text)").await;
    db.source("insert into customer values (1, 'a')").await;
    db.sync().await.expect_ok();
    db.source(
        "alter table customer rename to client; alter index customer_pkey rename to client_pkey",
    )
    .await;
    let run = db.sync().await.expect_ok();
    let settles =
        "drop table if exists public.client; alter table public.customer rename to client";
    run.expect_said(&format!(
        "renamed to public.client? Then run on the target: {settles}, and run pgsync once with -reconcile"
    ));
    db.target(settles).await;
    db.source("insert into client values (2, 'b')").await;
    db.sync().arg("-reconcile").await.expect_changes("client", (1, 0, 0));
    db.sync().await.expect_unchanged().expect_unsaid("customer");
}

/// What the log says of the creation goes by the table, whatever it is called.
#[tokio::test]
async fn a_table_that_was_renamed_by_the_printed_statement_is_still_followed() {
    let db = Pair::fresh().await;
    db.source(
        "create table a (id serial primary key, n text not null); insert into a (n) values ('x')",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("alter table a rename to b; alter index a_pkey rename to b_pkey").await;
    let run = db.sync().await.expect_ok();
    let settles = "alter sequence public.a_id_seq owned by public.a.id; drop table if exists public.b; \
                   alter table public.a rename to b";
    drop(run.expect_said(&format!("run on the target: {settles}, and")));
    db.target(settles).await;
    db.sync().arg("-reconcile").await.expect_ok();
    db.source(
        "alter table b alter n drop not null, alter n set default 'y', add check (n <> 'q');
         create unique index own on b (n)",
    )
    .await;
    db.settle().await;
    let made = "select concat_ws(' ', a.attnotnull, d.adbin is not null, (select count(*) from pg_constraint
                where conrelid = 'b'::regclass and contype = 'c'), to_regclass('own'))
                from pg_attribute a left join pg_attrdef d on (adrelid, adnum) = (attrelid, attnum)
                where attrelid = 'b'::regclass and attname = 'n'";
    assert_eq!(db.target_value(made).await, db.source_value(made).await);
}

#[tokio::test]
async fn a_table_that_others_refer_to_is_dropped_by_what_is_printed() {
    let db = Pair::fresh().await;
    db.source("create table a (id int primary key); create table child (a int constraint up references a)")
        .await;
    db.sync().await.expect_ok();
    db.source("drop table a cascade").await;
    let drops =
        "alter table if exists public.child drop constraint if exists up; drop table public.a";
    db.sync().await.expect_ok().expect_said(&format!("to drop it, run on the target: {drops}"));
    db.target(drops).await;
    db.sync().await.expect_unchanged();
}

/// Its indexes keep their names, which are in the way as long as the old table is there.
#[tokio::test]
async fn a_renamed_table_that_cannot_be_made_is_named_until_it_can() {
    let db = Pair::with("create table customer (id int primary key, x text)").await;
    db.sync().await.expect_ok();
    db.source("alter table customer rename to client").await;
    db.sync().arg("-dry-run").await.expect_exit(1).expect_said("renamed to public.client?");
    for _ in 0..2 {
        let run = db.sync().await.expect_exit(1).expect_failed("client", &["customer_pkey"]);
        run.expect_said("renamed to public.client?");
        db.target("update sync_log set end_time = end_time - interval '2 days'").await;
        let statements =
            "drop table if exists public.client; alter table public.customer rename to client";
        status(&db, &["-stale", "1d"])
            .await
            .expect_exit(1)
            .expect_said("1 of 1 table is NOT in sync: client (failed).")
            .expect_said(&format!(
                "\ncustomer - gone: the source no longer has this table; the target keeps it with the rows that it has; renamed to \
                 public.client? Then run on the target: {statements}, and run pgsync once with -reconcile; otherwise, to drop it, run \
                 on the target: drop table public.customer\n"
            ))
            .expect_unsaid("Gone from the source");
        assert_eq!(field(&db, "customer", "state").await, "gone");
        assert_eq!(field(&db, "customer", "failures").await, 0);
    }
    db.target("drop table if exists client; alter table customer rename to client").await;
    db.sync().arg("-reconcile").await.expect_ok().expect_unsaid("customer");
    status(&db, &[]).await.expect_ok().expect_said("1 table in sync").expect_unsaid("customer");
}

/// The first run that fails has made the new table, which owns the sequence by then.
#[tokio::test]
async fn a_renamed_serial_column_has_statements_that_work_after_each_run() {
    for runs in [1, 2, 3] {
        let db = Pair::with(
            "create table c (id serial primary key, n text); create table x (id int primary key)",
        )
        .await;
        db.source("insert into c (n) values ('a'); insert into x values (1)").await;
        db.sync().await.expect_ok();
        db.source("alter table c rename to sc; drop table x").await;
        let settles = "alter sequence public.c_id_seq owned by public.c.id; drop table if exists public.sc; \
                       alter table public.c rename to sc";
        for number in 1..=runs {
            let run = db.sync().await.expect_failed("sc", &["c_pkey"]);
            let run = run.expect_said(&format!("run on the target: {settles}, and"));
            // Which is in nobody's way.
            if number == 1 {
                run.expect_said("drop table public.x");
            } else {
                run.expect_unsaid("drop table public.x");
            }
        }
        db.target(settles).await;
        db.sync().arg("-reconcile").await.expect_ok();
        db.source("insert into sc (n) values ('b')").await;
        db.settle().await;
        assert_eq!(db.target_value("insert into sc (n) values ('c') returning id").await, "3");
    }
}

#[tokio::test]
async fn pruning_keeps_what_runs_go_by() {
    let db = Pair::with("create table other (id int primary key)").await;
    db.source(
        "create table item (id int primary key, updated_at timestamptz not null default now())",
    )
    .await;
    for id in 1..5 {
        db.source(&format!("insert into item values ({id})")).await;
        db.sync().await.expect_ok();
    }
    let target = db.target_url();
    let prune = |args: &'static [&'static str]| {
        let target = target.clone();
        async move { pgsync(&["log", "prune", "-target", &target]).args(args).await }
    };
    let count = "select count(*) from sync_log";
    let before = db.target_value(count).await;
    prune(&["-keep", "0s", "-dry-run"])
        .await
        .expect_exit(0)
        .expect_said("6 rows of public.sync_log would be deleted");
    assert_eq!(db.target_value(count).await, before);
    prune(&["-keep", "1d"]).await.expect_exit(0).expect_said("0 rows");
    let quiet = prune(&["-keep", "1d", "-quiet"]).await.expect_exit(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    prune(&["-keep", "0s"]).await.expect_exit(0).expect_said("6 rows of public.sync_log deleted");
    // Who made it, and the last word about each table.
    assert_eq!(db.target_value(count).await, "3");
    db.source("insert into item values (9)").await;
    db.sync().await.expect_changes("item", (1, 0, 0)).expect_strategy("item", "incremental");
    prune(&[]).await.expect_exit(2).expect_said("-keep: missing");
    drop(prune(&["-keep", "90"]).await.expect_exit(2).expect_said("write days as 90d"));
}

#[tokio::test]
async fn a_command_refuses_the_flags_of_others() {
    let run = pgsync(&["status", "-target", "postgres://localhost/x", "-batch-size", "3"]).await;
    run.expect_exit(2)
        .expect_said("unknown flag -batch-size of pgsync status: it is a flag of runs;");
    pgsync(&["-keep", "3d"]).await.expect_exit(2).expect_said("it is a flag of pgsync log prune");
}

#[tokio::test]
async fn the_history_of_a_table_is_found_in_any_schema_and_keeps_its_times_beside_an_error() {
    let db = Pair::with(
        "create schema shop; create schema crm; create table shop.orders (id int primary key, n int); create table shop.note (id int primary key);
         create table crm.note (id int primary key)",
    )
    .await;
    let args = ["-schema", "public,shop,crm"];
    db.sync().args(&args).await.expect_ok();
    let limit = "l".repeat(60);
    db.target(&format!("alter table shop.orders add constraint {limit} check (n < 3)")).await;
    db.source("insert into shop.orders values (1, 7)").await;
    db.sync().args(&args).await.expect_exit(1);
    let moment = db.target_value("select to_char(max(start_time) at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI') from sync_log").await;
    for name in ["orders", "shop.orders"] {
        let run = status(&db, &["-history", name]).await.expect_exit(0);
        assert!(
            run.stdout.matches(&moment[..16]).count() >= 1 && run.stdout.contains(&limit),
            "{run}"
        );
        assert!(!run.stdout.contains('…'), "{run}");
    }
    let mistyped = status(&db, &["-history", "ordres"]).await.expect_exit(1);
    mistyped.expect_said("No run of this table is recorded; did you mean shop.orders?");
    let several = status(&db, &["-history", "note"]).await.expect_exit(1);
    several.expect_said("did you mean crm.note, shop.note?");
}
