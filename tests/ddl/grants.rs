//! The grant in a message mends what the role lacks, wherever it is met.

use crate::rights::mended;
use crate::support::{Pair, pgsync};

/// A table with one row.
async fn one_row() -> Pair {
    let db = Pair::with("create table item (id int primary key, v text)").await;
    db.source("insert into item values (1, 'a')").await;
    db
}

#[tokio::test]
async fn a_view_in_a_condition_is_granted() {
    let db = one_row().await;
    db.source("create view wanted as select 1 as id").await;
    let reader = db.source_reader().await;
    db.source(&format!("revoke select on wanted from {}", reader.name)).await;
    let args = ["-set", "item.where=id in (select id from wanted)"];
    let grant = format!("grant select on table public.wanted to {}", reader.name);
    let run = db.sync().source_role(&reader).args(&args).await;
    assert_ne!(run.status, 0, "{run}");
    drop(run.expect_said(&grant));
    db.source(&grant).await;
    db.sync().source_role(&reader).args(&args).await.expect_ok();
    db.source("create table hidden (id int); alter table hidden enable row level security").await;
    db.source(&format!("grant select on hidden to {}", reader.name)).await;
    let args = ["-set", "item.where=id not in (select id from hidden)"];
    let alter = format!("alter role {} bypassrls", reader.name);
    drop(db.sync().source_role(&reader).args(&args).await.expect_exit(1).expect_said(&alter));
    db.source(&alter).await;
    db.sync().source_role(&reader).args(&args).await.expect_ok();
}

#[tokio::test]
async fn verify_names_the_grants_of_both_sides() {
    let db = one_row().await;
    db.sync().await.expect_ok();
    let (reader, other) = (db.source_reader().await, db.target_reader().await);
    db.source(&format!("revoke select on item from {}", reader.name)).await;
    db.target(&format!("revoke select on item from {}", other.name)).await;
    let verify = || pgsync(&["verify", "-source", &reader.url, "-target", &other.url]);
    let grants = [
        (true, format!("grant select on public.item to {}", reader.name)),
        (false, format!("grant select on public.item to {}", other.name)),
    ];
    for _ in &grants {
        let found = verify().await.expect_exit(1);
        let named = grants
            .iter()
            .find(|(_, grant)| found.stdout.contains(grant) || found.stderr.contains(grant));
        let (of_source, grant) = named.unwrap_or_else(|| panic!("a grant expected of {found}"));
        if *of_source { db.source(grant).await } else { db.target(grant).await }
    }
    verify().await.expect_exit(0);
}

#[tokio::test]
async fn a_database_that_refuses_the_role_is_granted() {
    let db = one_row().await;
    let (reader, writer) = (db.source_reader().await, db.target_writer().await);
    let revoke = format!("revoke connect on database {} from public", db.name);
    db.source(&revoke).await;
    db.target(&revoke).await;
    let grant = |role: &str| format!("grant connect on database {} to {role}", db.name);
    let as_reader = || db.sync().source_role(&reader);
    drop(as_reader().await.expect_exit(1).expect_said(&grant(&reader.name)));
    db.source(&grant(&reader.name)).await;
    as_reader().await.expect_ok();
    let as_writer = || db.sync().target_role(&writer);
    drop(as_writer().await.expect_exit(1).expect_said(&grant(&writer.name)));
    db.target(&grant(&writer.name)).await;
    as_writer().await.expect_ok();
}

#[tokio::test]
async fn some_columns_of_a_source_table_are_enough_where_rules_name_them() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v text, secret text); insert into item values (1, 'a', 'b')").await;
    let reader = db.source_reader().await;
    db.source(&format!("revoke select on item from {}", reader.name)).await;
    let args = ["-set", "item.columns=id,v"];
    let run = || db.sync().source_role(&reader).args(&args);
    db.source(&format!("grant select (id) on item to {}", reader.name)).await;
    let refused = run().await.expect_exit(1);
    let columns = format!("grant select (v, ctid) on public.item to {}", reader.name);
    let both = format!("grant select on public.item to {}; or {columns}", reader.name);
    let hint = refused.expect_failed("item", &[]).table("item").error.and_then(|error| error.hint);
    assert_eq!(hint, Some(both));
    db.source(&columns).await;
    run().await.expect_ok();
    db.source("insert into item values (2, 'c', 'd')").await;
    run().await.expect_ok();
    assert_eq!(db.target_value("select string_agg(v, ' ' order by id) from item").await, "a c");
}

#[tokio::test]
async fn the_index_of_a_new_unique_constraint_needs_the_schema() {
    let db = Pair::with("create schema app").await;
    db.source(
        "create table app.item (id int primary key, v text); insert into app.item values (1, 'a')",
    )
    .await;
    let (writer, args) = (db.target_writer().await, ["-schema", "app"]);
    db.sync().target_role(&writer).args(&args).await.expect_ok();
    db.target(&format!("revoke create on schema app from {}", writer.name)).await;
    db.source("alter table app.item add unique (v)").await;
    let pasted = mended(&db, &writer, &args).await;
    assert_eq!(pasted, [format!("grant create on schema app to {}", writer.name)]);
    db.assert_all_same().await;
}

#[tokio::test]
async fn what_deletes_old_rows_of_the_log_is_granted_with_its_schema() {
    let db = Pair::with("create schema app; create table app.item (id int primary key)").await;
    db.sync().args(&["-schema", "app"]).await.expect_ok();
    // A log of others is not meant.
    db.target("create schema ops; create table ops.sync_log (id int)").await;
    let role = db.target_reader().await;
    db.target(&format!("revoke all on ops.sync_log from {}", role.name)).await;
    let prune = || pgsync(&["log", "prune", "-schema", "app", "-keep", "0s", "-target", &role.url]);
    let grant = format!("grant delete on table app.sync_log to {}", role.name);
    drop(prune().await.expect_exit(1).expect_said(&format!("; hint: {grant}\n")));
    db.target(&grant).await;
    prune().await.expect_exit(0);
}

#[tokio::test]
async fn a_rule_or_a_trigger_on_the_log_is_dropped_by_the_statement_that_is_said() {
    let db = Pair::with("create table item (id int primary key)").await;
    db.sync().await.expect_ok();
    for (make, drop) in [
        (
            "create rule \"My r\" as on delete to sync_log do instead nothing",
            "drop rule \"My r\" on public.sync_log",
        ),
        (
            "create function act() returns trigger language plpgsql as 'begin return new; end';
             create trigger act before insert on sync_log for each row execute procedure act()",
            "drop trigger act on public.sync_log",
        ),
    ] {
        db.target(make).await;
        let run = db.sync().await.expect_exit(1);
        std::mem::drop(run.expect_said(&format!("run there: {drop}; or name another table")));
        db.target(drop).await;
        db.sync().await.expect_ok();
    }
}

const MASKED: &str =
    "{\"maskKey\": \"env:MASK_KEY\", \"tables\": {\"item\": {\"mask\": {\"v\": \"text\"}}}}";

#[tokio::test]
async fn a_masked_table_that_may_not_be_read_fails_alone_and_is_granted() {
    let db = Pair::with(
        "create schema app; create table app.item (id int primary key, v text); create table app.other (id int)",
    )
    .await;
    db.source("insert into app.item select i, 'value' || i from generate_series(1, 20) i").await;
    let reader = db.source_reader().await;
    db.source(&format!("revoke select on app.item from {}", reader.name)).await;
    let config = db.file("masked.json", MASKED);
    let target = db.target_url();
    let both = ["-source", &reader.url, "-target", &target, "-config", &config, "-schema", "app"];
    let check = || pgsync(&["mask", "check"]).args(&both).env("MASK_KEY", "0123456789abcdef");
    let preview = || {
        let args = ["mask", "preview", "item", "-source", &reader.url, "-config", &config];
        pgsync(&args).args(&["-schema", "app"]).env("MASK_KEY", "0123456789abcdef")
    };
    let run = || {
        let run = db.sync().source_role(&reader).args(&["-config", &config, "-schema", "app"]);
        run.env("MASK_KEY", "0123456789abcdef")
    };
    let grant = format!("grant select on app.item to {}", reader.name);
    let failed = run().await.expect_exit(1).expect_failed("app.item", &[&grant]);
    assert_eq!(failed.table("app.other").status, "success");
    let grant = format!("grant select on table app.item to {}", reader.name);
    drop(check().await.expect_exit(2).expect_said(&grant));
    drop(preview().await.expect_exit(1).expect_said(&grant));
    db.source(&format!("grant select (id, v) on app.item to {}", reader.name)).await;
    let grant = format!("grant select (ctid) on app.item to {}", reader.name);
    drop(check().await.expect_exit(2).expect_said(&grant));
    drop(run().await.expect_exit(1).expect_failed("app.item", &[&grant]));
    db.source(&grant).await;
    check().await.expect_exit(0);
    preview().await.expect_exit(0);
    run().await.expect_ok();
}

#[tokio::test]
async fn rows_without_a_partition_that_the_role_may_not_make_name_its_owner() {
    let db = Pair::with(
        "create table event (day int, v text) partition by range (day);
         create table event_1 partition of event for values from (0) to (10)",
    )
    .await;
    let writer = db.target_writer().await;
    db.sync().target_role(&writer).await.expect_ok();
    db.source("create table event_2 partition of event for values from (10) to (20)").await;
    let alter = format!("alter table public.event owner to {}", writer.name);
    let dry = || db.sync().target_role(&writer).arg("-dry-run");
    let left_out = "would be left out: target while creating partition public.event_2: must be owner of table event";
    let empty = dry().await.expect_ok().expect_note(left_out).expect_note(&alter);
    drop(empty.expect_unsaid("would create"));
    db.source("insert into event values (11, 'a')").await;
    let needed = dry().await.expect_exit(1).expect_unsaid("would create");
    drop(needed.expect_failed("event", &["must be owner of table event", &alter]));
    let (source, target) = (db.source_url(), writer.url.clone());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    drop(listed.expect_said("-- public.event: target while creating partition public.event_2"));
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    drop(run.expect_failed(
        "event",
        &["no partition of relation", "must be owner of table event", &alter],
    ));
    db.target(&alter).await;
    db.sync().target_role(&writer).await.expect_ok();
    db.assert_same("event").await;
}

#[tokio::test]
async fn a_schema_that_the_role_may_not_use_is_no_matter_of_a_log_in_another_one() {
    let db = Pair::with(
        "create schema app; create schema ops; create table app.item (id int primary key)",
    )
    .await;
    let writer = db.target_writer().await;
    let args = ["-schema", "app", "-ddl", "none", "-log-table", "ops.sync_log"];
    let run = || db.sync().target_role(&writer).args(&args);
    run().await.expect_ok();
    db.target(&format!("revoke usage on schema app from {}", writer.name)).await;
    let grant = format!("grant usage on schema app to {}", writer.name);
    drop(run().await.expect_exit(1).expect_failed("app.item", &[&grant]));
    let status =
        pgsync(&["status", "-schema", "app", "-log-table", "ops.sync_log", "-target", &writer.url]);
    drop(status.await.expect_exit(1).expect_said("app.item").expect_unsaid("reading sync_log"));
}

#[tokio::test]
async fn the_lag_of_tables_is_told_beside_one_that_may_not_be_read() {
    let columns = "(id int primary key, updated_at timestamptz not null default now())";
    let db = Pair::with(&format!(
        "create schema app; create table app.item {columns}; create table app.other {columns}"
    ))
    .await;
    db.source("insert into app.item values (1); insert into app.other values (1)").await;
    db.sync().args(&["-schema", "app"]).await.expect_ok();
    let (reader, other) = (db.source_reader().await, db.target_reader().await);
    db.source(&format!("revoke select on app.item from {}", reader.name)).await;
    let args = ["status", "-lag", "-schema", "app", "-source", &reader.url, "-target", &other.url];
    let status = pgsync(&args).await.expect_exit(0);
    let grant = format!("; hint: grant select on table app.item to {}\n", reader.name);
    assert!(status.stderr.contains(&grant), "{status}");
    let other = status.stdout.lines().find(|line| line.starts_with("app.other"));
    assert!(other.is_some_and(|line| line.ends_with("ms")), "{status}");
}

#[tokio::test]
async fn the_sequence_of_a_table_that_a_run_makes_is_no_matter_of_the_sources_role() {
    let db = Pair::fresh().await;
    db.source("create table item (id int generated always as identity primary key, n serial); insert into item default values")
        .await;
    let reader = db.source_reader().await;
    let target = db.target_url();
    let listed = pgsync(&["schema", "-source", &reader.url, "-target", &target]).await;
    assert!(!listed.stdout.contains("is not moved"), "{listed}");
    let dry = db.sync().source_role(&reader).arg("-dry-run").await.expect_ok();
    drop(dry.expect_unsaid("is not moved"));
}

#[tokio::test]
async fn a_language_that_the_role_may_not_use_is_granted() {
    let db = Pair::fresh().await;
    db.source(
        "create function norm(t text) returns text language plpgsql immutable as 'begin return lower(t); end'; \
         create table item (id int primary key, v text check (norm(v) = v)); insert into item values (1, 'a')",
    )
    .await;
    db.target("revoke usage on language plpgsql from public").await;
    let writer = db.target_writer().await;
    db.target(&format!("grant create on schema public to {}", writer.name)).await;
    let grant = format!("grant usage on language plpgsql to {}", writer.name);
    drop(db.sync().target_role(&writer).await.expect_exit(1).expect_said(&grant));
    db.target(&grant).await;
    db.sync().target_role(&writer).await.expect_ok();
}

#[tokio::test]
async fn who_may_not_rename_an_index_is_given_its_table() {
    let db = one_row().await;
    db.both("drop table item").await;
    db.source("create table item (id int primary key, v text); create index item_v on item (v)")
        .await;
    db.sync().await.expect_ok();
    db.source("alter index item_v rename to item_w").await;
    let writer = db.target_writer().await;
    let alter = format!("alter table public.item owner to {}", writer.name);
    drop(db.sync().target_role(&writer).await.expect_said(&alter));
}

#[tokio::test]
async fn a_trigger_function_that_the_role_may_not_call_is_granted_with_its_schema() {
    let db = one_row().await;
    db.target(
        "create function noted() returns trigger language plpgsql as 'begin return new; end'",
    )
    .await;
    db.target("create trigger noted after update on item for each row execute function noted()")
        .await;
    let writer = db.target_writer().await;
    db.target(&format!(
        "alter table item owner to {role}; grant create on schema public to {role}; revoke execute on function noted from public; \
         do $$ begin execute format('grant create on database %I to {role}', current_database()); end $$",
        role = writer.name
    ))
    .await;
    db.source("alter table item alter id type bigint").await;
    let run = || db.sync().target_role(&writer).args(&["-ddl", "reset"]);
    let grant = format!("grant execute on function public.noted() to {}", writer.name);
    drop(run().await.expect_exit(1).expect_said(&grant));
    db.target(&grant).await;
    run().await.expect_ok();
}

#[tokio::test]
async fn rights_that_are_missing_on_both_sides_are_told_at_once() {
    let db = Pair::with("create schema app; create table app.item (id int primary key)").await;
    db.source("create table app.tax (id int primary key); insert into app.tax values (1)").await;
    let (reader, writer) = (db.source_reader().await, db.target_writer().await);
    db.source(&format!("revoke select on app.tax from {}", reader.name)).await;
    db.target(&format!("revoke create on schema app from {}", writer.name)).await;
    let create = format!("grant create on schema app to {}", writer.name);
    let select = format!("grant select on app.tax to {}", reader.name);
    let both = format!("{create}; and on the source: {select}");
    let run = || db.sync().source_role(&reader).target_role(&writer).args(&["-schema", "app"]);
    let log = ["-log-table", "public.sync_log"];
    db.target(&format!("grant create on schema public to {}", writer.name)).await;
    drop(run().args(&log).arg("-dry-run").await.expect_exit(1).expect_failed("app.tax", &[&both]));
    drop(run().args(&log).await.expect_exit(1).expect_failed("app.tax", &[&both]));
    let ends = ["schema", "-source", &reader.url, "-target", &writer.url, "-schema", "app"];
    let listed = pgsync(&[&ends[..], &log].concat()).await.expect_exit(1).expect_said(&both);
    assert_eq!(listed.stdout.matches(&select).count(), 1, "{listed}");
    db.target(&create).await;
    db.source(&select).await;
    run().args(&log).await.expect_ok();
}
