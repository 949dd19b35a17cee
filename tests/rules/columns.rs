//! Columns and names: what travels, what it is called on the target, and how tables are made after rules.

use crate::support::Pair;

const ORDERS: &str = "create table customer (id int primary key, name text not null);
     create table orders (id int primary key, customer_id int not null references customer, total numeric(10, 2) not null default 0,
       note text, inner_note text, updated_at timestamptz not null default now(), check (total >= 0));
     create index orders_total on orders (total);
     create index orders_note on orders (lower(inner_note))";

async fn filled(target: &str) -> Pair {
    let db = Pair::fresh().await;
    db.source(ORDERS).await;
    db.source(
        "insert into customer select i, 'n' || i from generate_series(1, 20) i;
         insert into orders select i, 1 + i % 20, i, 'note', 'inner', '2024-01-01'::timestamptz + i * interval '1 minute'
         from generate_series(1, 300) i",
    )
    .await;
    db.target(target).await;
    db
}

const RULES: &str = r#"{"tables": {"orders": {"columns": ["customer_id", "total", "note"], "rename": {"total": "amount"},
    "targetTable": "sales.purchase"}}}"#;

#[tokio::test]
async fn a_table_is_made_filled_and_followed_as_rules_describe_it() {
    let db = filled("").await;
    let config = db.file("rules.json", RULES);
    let sync = || db.sync().args(&["-config", &config]).no_overlap();
    sync().arg("-dry-run").await.expect_ok();
    let first = sync().await.expect_ok();
    let first = first.expect_changes("orders", (300, 0, 0)).expect_note("orders_note");
    drop(first);
    let columns = "select string_agg(attname, ',' order by attnum) from pg_attribute where attrelid = 'sales.purchase'::regclass and attnum > 0";
    assert_eq!(db.target_value(columns).await, "id,customer_id,amount,note,updated_at");
    let keys = "select string_agg(conname, ',' order by conname) from pg_constraint where conrelid = 'sales.purchase'::regclass and contype in ('p', 'f')";
    assert_eq!(db.target_value(keys).await, "orders_customer_id_fkey,orders_pkey");
    assert_eq!(
        db.target_value(
            "select count(*) from pg_indexes where indexname in ('orders_total', 'orders_note')"
        )
        .await,
        "1"
    );
    sync().await.expect_unchanged();
    db.source("update orders set total = 7, updated_at = now() where id = 3; delete from orders where id = 4; insert into orders values (999, 1, 5, 'x', 'y')")
        .await;
    sync()
        .await
        .expect_ok()
        .expect_changes("orders", (1, 1, 1))
        .expect_strategy("orders", "incremental");
    let source = db.source_value("select string_agg(concat_ws('|', id, customer_id, total, note, updated_at), ';' order by id) from orders").await;
    let target = db.target_value("select string_agg(concat_ws('|', id, customer_id, amount, note, updated_at), ';' order by id) from sales.purchase").await;
    assert_eq!(source, target);
    sync().await.expect_unchanged();
    sync().arg("-reconcile").await.expect_unchanged();
}

#[tokio::test]
async fn a_table_that_is_there_takes_what_travels() {
    let db = filled("create schema sales; create table sales.purchase (id int primary key, customer_id int, amount numeric, note text, own text default 'own', updated_at timestamptz)").await;
    let config = db.file("rules.json", RULES);
    let sync = || db.sync().args(&["-config", &config, "-ddl", "none"]).exclude("customer");
    sync().await.expect_ok().expect_changes("orders", (300, 0, 0));
    sync().await.expect_unchanged();
    assert_eq!(
        db.target_value("select count(*) from sales.purchase where own = 'own' and amount = id")
            .await,
        "300"
    );
}

#[tokio::test]
async fn a_column_takes_the_name_of_one_that_is_left_out() {
    let rules = ["-set", r#"item.rename={"n": "t"}"#, "-set", "item.excludeColumns=t"];
    for target in ["", "create table item (id int primary key, name text, updated_at timestamptz)"]
    {
        let db = Pair::fresh().await;
        db.source(
            "create table item (id int primary key, name text, t text, n int, updated_at timestamptz default now());
             insert into item select i, 'name', 'left out', i * 2 from generate_series(1, 20) i",
        )
        .await;
        db.target(target).await;
        db.sync().args(&rules).await.expect_ok().expect_changes("item", (20, 0, 0));
        assert_eq!(db.target_value("select count(*) from item where t = id * 2").await, "20");
        db.sync().args(&rules).await.expect_unchanged();
    }
}

#[tokio::test]
async fn what_rules_cannot_have_is_said_before_anything_is_written() {
    let db = filled("create table orders (id int primary key, customer_id int not null, updated_at timestamptz, total numeric)").await;
    for (rules, texts) in [
        (
            r#""orders": {"excludeColumns": ["customer_id", "note", "inner_note"]}"#,
            vec!["customer_id", "NOT NULL"],
        ),
        (r#""orders": {"targetTable": "customer"}"#, vec!["public.customer and public.orders"]),
        (
            r#""customer": {"strategy": "incremental"}"#,
            vec!["no timestamp column", "public.customer"],
        ),
        (r#""orders": {"key": ["total"]}"#, vec!["(total) is no unique key", "(id)"]),
        (r#""orders": {"rename": {"note": "total"}}"#, vec!["would both be called"]),
        (r#""orders": {"columns": ["nte"]}"#, vec!["no column", "nte", "note"]),
        (r#""ordrs": {"skip": true}"#, vec!["is no table", "orders"]),
    ] {
        let config = db.file("wrong.json", &format!("{{\"tables\": {{{rules}}}}}"));
        let said = db.sync().args(&["-config", &config]).await.expect_exit(2);
        for text in texts {
            assert!(said.stdout.contains(text), "{rules}: {text}: {said}");
        }
    }
    assert_eq!(db.target_value("select to_regclass('public.sync_log')").await, "null");
}

#[tokio::test]
async fn settings_of_one_table_count_for_it_alone() {
    let db = filled("").await;
    let config = db.file(
        "own.json",
        r#"{"tables": {"customer": {"deletes": false, "batchSize": 7, "strategy": "compare"}, "orders": {"maxDelete": 1, "timestampColumn": "updated_at"}}}"#,
    );
    let sync = || db.sync().args(&["-config", &config]).no_overlap();
    sync().await.expect_ok();
    db.source("insert into customer values (21, 'x'); delete from orders where id in (1, 2); delete from orders where customer_id = 3; delete from customer where id = 3").await;
    let run = sync().await;
    let run = run.expect_refused("orders", &["-max-delete"]);
    assert_eq!(run.table("customer").changes(), (1, 0, 0));
    let skipped = db.file("skip.json", r#"{"tables": {"customer": {"skip": true}}}"#);
    db.sync().args(&["-config", &skipped]).await.expect_ok().expect_tables(&["orders"]);
    let all = db.file("all.json", r#"{"tables": {"*": {"skip": true}}}"#);
    let told = "no table to sync: the rule \"skip\" leaves out all that are selected";
    db.sync().args(&["-config", &all]).await.expect_exit(2).expect_said(&told.replace('"', "\\\""));
}

#[tokio::test]
async fn nothing_is_made_for_a_table_whose_rule_says_so() {
    let db = filled("").await;
    let run = db.sync().args(&["-set", "customer.ddl=none"]).await;
    let run = run.expect_failed("customer", &["missing on the target", "create table"]);
    // Its own rows are there, and refer to none.
    let run =
        run.expect_failed("orders", &["rows refer to rows of public.customer that are not there"]);
    run.expect_changes("orders", (300, 0, 0));
}

#[tokio::test]
async fn rows_of_children_are_rows_of_their_parent_where_a_rule_says_so() {
    let db = Pair::fresh().await;
    db.both("create table event (id int primary key, note text)").await;
    db.source("create table event_2024 (id int primary key, note text) inherits (event); insert into event values (1, 'a'); insert into event_2024 values (2, 'b'), (3, 'c')")
        .await;
    let sync = || db.sync().include("event").args(&["-set", "event.children=rows"]);
    sync().await.expect_ok().expect_changes("event", (3, 0, 0));
    sync().await.expect_unchanged();
    db.source("delete from event_2024 where id = 2; insert into event_2024 values (4, 'd')").await;
    sync().await.expect_ok().expect_changes("event", (1, 0, 1));
}

#[tokio::test]
async fn rows_of_children_that_are_selected_as_well_are_refused() {
    let db = Pair::fresh().await;
    db.source("create table event (id int primary key); create table event_2024 (id int primary key) inherits (event); insert into event_2024 values (2)")
        .await;
    let run = db.sync().args(&["-set", "event.children=rows"]).await.expect_exit(2);
    run.expect_said("the rows of public.event_2024 would be read as rows of public.event, and public.event_2024 is selected");
}

#[tokio::test]
async fn a_table_s_own_timestamp_column_is_known_to_the_warning_and_to_the_lag() {
    let db = Pair::with("create table item (id int primary key, moved timestamptz)").await;
    db.source("insert into item values (1, '2024-05-01 10:00Z')").await;
    let rules = r#"{"timestampColumn": "updated_at", "tables": {"item": {"timestampColumn": "moved", "rename": {"moved": "at"}}}}"#;
    let config = db.file("moved.json", rules);
    db.target("alter table item rename moved to at").await;
    let run = db.sync().args(&["-config", &config]).await.expect_ok();
    run.expect_unsaid("compared whole");
    db.source("update item set moved = '2024-05-01 10:00:02Z'").await;
    let urls = [db.source_url(), db.target_url()];
    let args =
        ["status", "-lag", "-json", "-config", &config, "-source", &urls[0], "-target", &urls[1]];
    let said = crate::support::pgsync(&args).await.expect_exit(0);
    assert!(
        said.stdout.contains("\"lag_seconds\": 2.0") || said.stdout.contains("\"lag_seconds\":2.0"),
        "{said}"
    );
}

#[tokio::test]
async fn a_key_of_ones_choice_is_built_behind_the_rows_of_a_table_that_is_created() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id int primary key, code text not null unique, note text,
           changed timestamptz not null default '2024-01-01');
         insert into item select i, 'c' || i, 'n' from generate_series(1, 50) i",
    )
    .await;
    let rules = r#"{"tables": {"item": {"key": ["code"], "rename": {"code": "sign", "changed": "altered"},
        "targetTable": "sales.thing", "timestampColumn": "changed"}}}"#;
    let config = db.file("key.json", rules);
    let sync = || db.sync().args(&["-config", &config]).no_overlap();
    sync().arg("-dry-run").await.expect_ok().expect_changes("item", (50, 0, 0));
    sync().await.expect_ok().expect_changes("item", (50, 0, 0));
    let keys = "select string_agg(conname, ',' order by conname) from pg_constraint
        where conrelid = 'sales.thing'::regclass and contype in ('p', 'u')";
    assert_eq!(db.target_value(keys).await, "item_code_key,item_pkey");
    sync().await.expect_unchanged();
    // The number that was the key elsewhere may change: the row stays the same one.
    db.source("update item set id = 500, note = 'x', changed = now() where code = 'c3'; delete from item where code = 'c4'")
        .await;
    let run = sync().await.expect_ok().expect_changes("item", (0, 1, 1));
    drop(run.expect_strategy("item", "incremental"));
    sync().arg("-reconcile").await.expect_unchanged();
    assert_eq!(db.target_value("select id from sales.thing where sign = 'c3'").await, "500");
}

#[tokio::test]
async fn a_key_of_ones_choice_that_nobody_builds_is_asked_for() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, code text not null unique); insert into item values (1, 'a')").await;
    db.target("create table item (id int primary key, code text)").await;
    let run = db.sync().args(&["-set", "item.key=code"]).await;
    run.expect_failed("item", &["the key (code)", "add unique (code)"]);
}

#[tokio::test]
async fn what_a_choice_of_columns_does_not_carry_has_its_true_reason() {
    let db = Pair::fresh().await;
    db.source(
        "create table review (id int primary key, stars int constraint few check (stars < 9), body text);
         create index by_next on review ((stars + 1)); create index by_body on review (body); insert into review values (1, 1, 'a')",
    )
    .await;
    let sync = || db.sync().args(&["-set", "review.excludeColumns=body"]);
    let mut run = sync().await.expect_ok();
    for part in ["constraint few of public.review", "index public.by_next"] {
        let why = "columns of the table are masked, left out or renamed, and then pgsync creates no check, expression or statistics object of it";
        run = run.expect_note(&format!("{part} is not created on the target: {why}"));
    }
    drop(run.expect_note(
        "index public.by_body is not created on the target: one of its columns is masked, left out or renamed, or computed from such a column",
    ));
    sync().await.expect_unchanged().expect_unsaid("is not created");
    db.source("alter table review add constraint later check (stars > 0)").await;
    let run = sync()
        .await
        .expect_ok()
        .expect_note("constraint later of public.review is not created on the target: columns of the table are masked,");
    run.expect_unsaid("few").expect_unsaid("by_next");
    sync().await.expect_unchanged().expect_unsaid("is not created");
}

#[tokio::test]
async fn a_column_that_only_the_target_has_needs_no_rule() {
    let db = Pair::with("create table item (id int primary key, n int)").await;
    db.target("alter table item add staging_note text").await;
    db.source("insert into item values (1, 1)").await;
    let run =
        db.sync().plain().args(&["-set", "item.excludeColumns=staging_note"]).await.expect_exit(2);
    drop(run.expect_said(
        "only the target has the column \"staging_note\" of public.item: if the source has renamed it, give its new name here; \
         else take it out here, for a column of the target alone needs no rule",
    ));
    db.sync().await.expect_ok();
    db.target("update item set staging_note = 'mine'").await;
    db.source("update item set n = 2").await;
    db.sync().await.expect_ok();
    assert_eq!(db.target_value("select n || staging_note from item").await, "2mine");
}
