//! A right without which a run would fail is said by `pgsync schema` and by a dry run in the words of the run.

use crate::support::{Outcome, Pair, Role, pgsync};

struct Roles {
    reader: Role,
    writer: Role,
}

impl Roles {
    async fn of(db: &Pair) -> Self {
        Self { reader: db.source_reader().await, writer: db.target_writer().await }
    }

    async fn schema(&self, args: &[&str]) -> Outcome {
        let ends = ["schema", "-source", &self.reader.url, "-target", &self.writer.url];
        pgsync(&ends).args(args).await
    }

    async fn run(&self, db: &Pair, args: &[&str]) -> Outcome {
        db.sync().source_role(&self.reader).target_role(&self.writer).args(args).await
    }
}

/// What the run says of the table, as people read it.
fn said_by_run(run: &Outcome, table: &str) -> String {
    let error = run.table(table).error;
    let error = error.unwrap_or_else(|| panic!("an error of {table} expected of {run}"));
    let hint = error.hint.map(|hint| format!("; hint: {hint}")).unwrap_or_default();
    error.message + &hint
}

/// What stands in the comments about a table.
fn said_by_schema(listed: &Outcome, table: &str) -> Vec<String> {
    let lines = listed.stdout.lines().filter_map(|line| line.strip_prefix("-- "));
    let of_tables = lines.filter_map(|line| line.split_once(": "));
    let own = of_tables.filter(|(tables, _)| tables.split(", ").any(|one| one == table));
    own.map(|(_, text)| text.to_owned()).collect()
}

#[tokio::test]
async fn what_a_run_may_not_do_is_said_by_schema_and_a_dry_run_in_the_same_words() {
    let tables = [
        "public.no_select_here",
        "hidden.item",
        "public.policy_here",
        "public.policy_there",
        "public.no_select_there",
        "public.no_insert",
        "public.no_update",
        "public.no_delete",
        "public.some_columns",
    ];
    let create: Vec<String> = tables
        .iter()
        .map(|table| format!("create table {table} (id int primary key, v text)"))
        .collect();
    let db = Pair::with(&format!(
        "create schema hidden; {}; create table fine (id int primary key)",
        create.join("; ")
    ))
    .await;
    for table in tables {
        db.source(&format!("insert into {table} select i, 'a' from generate_series(1, 3) i")).await;
        db.target(&format!("insert into {table} select i, 'a' from generate_series(1, 2) i")).await;
    }
    db.target("update no_update set v = 'b'; insert into no_update values (3, 'a')").await;
    db.target("insert into no_delete values (3, 'a'), (4, 'a')").await;
    let roles = Roles::of(&db).await;
    let (reader, writer) = (&roles.reader.name, &roles.writer.name);
    db.source(&format!(
        "revoke select on no_select_here, some_columns from {reader}; grant select (id) on some_columns to {reader};
        revoke usage on schema hidden from {reader}; alter table policy_here enable row level security"
    ))
    .await;
    db.target(&format!(
        "alter table policy_there enable row level security; revoke select on no_select_there from {writer};
        revoke insert on no_insert from {writer}; revoke update on no_update from {writer};
        revoke delete on no_delete from {writer}"
    ))
    .await;
    let args = ["-schema", "public,hidden"];
    let listed = roles.schema(&args).await.expect_exit(1);
    let dry = roles.run(&db, &["-schema", "public,hidden", "-dry-run"]).await.expect_exit(1);
    let run = roles.run(&db, &args).await.expect_exit(1);
    for table in tables {
        assert_eq!(said_by_run(&dry, table), said_by_run(&run, table), "{table}: {dry} {run}");
        assert_eq!(
            said_by_schema(&listed, table),
            [said_by_run(&run, table)],
            "{table}: {listed} {run}"
        );
    }
    assert_eq!(listed.stdout.lines().count(), tables.len(), "{listed}");
    assert_eq!(run.table("fine").status, "success");
}

#[tokio::test]
async fn a_right_that_no_table_needs_is_not_asked_for() {
    let db = Pair::with("create table item (id int primary key, v text)").await;
    db.source("insert into item values (1, 'a')").await;
    let roles = Roles::of(&db).await;
    let writer = &roles.writer.name;
    db.target(&format!("revoke update, delete on item from {writer}")).await;
    let args = ["-set", "item.mode=append"];
    assert_eq!(roles.schema(&args).await.expect_exit(0).stdout, "");
    roles.run(&db, &["-set", "item.mode=append", "-dry-run"]).await.expect_ok();
    roles.run(&db, &args).await.expect_ok();
    // The log is there now, and a run needs all of these.
    assert_eq!(roles.schema(&args).await.expect_exit(0).stdout, "");
    let columns = format!(
        "revoke all on item from {writer}; grant select, insert (id, v), update (v) on item to {writer};
        grant delete on item to {writer}"
    );
    db.target(&columns).await;
    roles.run(&db, &[]).await.expect_ok();
    assert_eq!(roles.schema(&[]).await.expect_exit(0).stdout, "");
}

#[tokio::test]
async fn a_log_that_the_role_may_not_make_or_use_is_said() {
    let db = Pair::with("create table item (id int primary key, v text)").await;
    db.source("insert into item values (1, 'a')").await;
    let roles = Roles::of(&db).await;
    let writer = &roles.writer.name;
    db.target(&format!("revoke create on schema public from public, {writer}")).await;
    db.target(&format!("create schema ops; grant usage on schema ops to {writer}")).await;
    for args in [&[][..], &["-log-table", "ops.sync_log"]] {
        let listed = roles.schema(args).await.expect_exit(1);
        let dry = roles.run(&db, &[args, &["-dry-run"]].concat()).await.expect_exit(1);
        assert_eq!(dry.table("item").status, "success", "{dry}");
        let run = roles.run(&db, args).await.expect_exit(1);
        assert_eq!(dry.json["error"], run.json["error"], "{dry} {run}");
        let log = args.get(1).unwrap_or(&"public.sync_log");
        let said = said_by_schema(&listed, log).concat();
        assert!(!said.is_empty() && run.stderr.contains(&said), "{listed} {run}");
    }
    db.sync().await.expect_ok();
    for right in ["insert", "update"] {
        db.target(&format!("revoke {right} on sync_log from {writer}")).await;
        db.source("insert into item select max(id) + 1 from item").await;
        let listed = roles.schema(&[]).await.expect_exit(1);
        let grant = format!("grant {right} on table public.sync_log to {writer}");
        drop(listed.expect_said("permission denied for table sync_log").expect_said(&grant));
        drop(roles.run(&db, &["-dry-run"]).await.expect_exit(1).expect_said(&grant));
        let run = roles.run(&db, &[]).await.expect_exit(1).expect_said(&grant);
        assert_eq!(run.stderr.matches("permission denied").count(), 1, "{run}");
        db.target(&grant).await;
    }
    assert_eq!(roles.schema(&[]).await.expect_exit(0).stdout, "");
}

#[tokio::test]
async fn rows_that_cannot_be_staged_are_said() {
    let db =
        Pair::with("create table item (id int primary key, v text); create table blank (id int)")
            .await;
    db.source("insert into item values (1, 'a'); insert into blank values (1)").await;
    db.target("insert into item values (1, 'b')").await;
    let roles = Roles::of(&db).await;
    db.target(&format!("revoke temporary on database {} from public", db.name)).await;
    let listed = roles.schema(&[]).await.expect_exit(1);
    let run = roles.run(&db, &[]).await.expect_exit(1);
    assert_eq!(
        said_by_schema(&listed, "public.item"),
        [said_by_run(&run, "item")],
        "{listed} {run}"
    );
    assert_eq!(run.table("blank").status, "success");
    assert_eq!(listed.stdout.lines().count(), 1, "{listed}");
}

/// A column or an object that the role may not make, and the table that lacks it.
struct Change {
    table: &'static str,
    on_source: &'static str,
}

const fn change(table: &'static str, on_source: &'static str) -> Change {
    Change { table, on_source }
}

#[tokio::test]
async fn what_a_run_may_not_create_or_change_is_said_by_schema_and_a_dry_run_in_the_same_words() {
    let db = Pair::with(
        "create schema app; create schema util; create schema kept; create table app.altered (id int primary key, v text);
         create table app.parent (id int primary key); create type app.mood as enum ('a');
         create type app.shut as enum ('a');
         create table app.labelled (id int primary key, m app.mood)",
    )
    .await;
    let roles = Roles::of(&db).await;
    let writer = &roles.writer.name;
    let args = ["-schema", "app,util,kept"];
    // What pgsync has made belongs to the role.
    db.source(
        "create table kept.keyed (id int primary key, v int); create table app.child (id int primary key, p int);
        create table kept.indexed (id int primary key, v int)",
    )
    .await;
    roles.run(&db, &args).await.expect_ok();
    db.target(&format!(
        "revoke usage on type app.shut from public; revoke create on schema util, kept from {writer}"
    ))
    .await;
    let changes = [
        change("util.made", "create table util.made (id int primary key)"),
        change("app.altered", "alter table app.altered add w int"),
        change("kept.keyed", "alter table kept.keyed add unique (v)"),
        change("kept.indexed", "create index on kept.indexed (v)"),
        change("app.typed", "create table app.typed (id int primary key, v app.shut)"),
        change("app.labelled", "alter type app.mood add value 'b'"),
        change(
            "app.calls",
            "create function util.one() returns int language sql immutable as 'select 1';
            create table app.calls (id int primary key, v int default util.one())",
        ),
        change("app.child", "alter table app.child add foreign key (p) references app.parent"),
        change(
            "app.folded",
            "create extension citext schema app; create table app.folded (id int primary key, v app.citext)",
        ),
    ];
    for Change { on_source, .. } in &changes {
        db.source(on_source).await;
    }
    let listed = roles.schema(&args).await.expect_exit(1);
    let dry = roles.run(&db, &["-schema", "app,util,kept", "-dry-run"]).await.expect_exit(1);
    let run = roles.run(&db, &args).await.expect_exit(1);
    for Change { table, .. } in &changes {
        let said = said_by_run(&run, table);
        assert_eq!(said_by_run(&dry, table), said, "{table}: {dry} {run}");
        let listed_text = said_by_schema(&listed, table).concat();
        // What several tables lack alike is listed once, with the same remedy.
        let hint = |text: &str| text.rsplit_once("; hint: ").map(|(_, hint)| hint.to_owned());
        if listed_text.contains("while creating what they need") {
            assert_eq!(hint(&listed_text), hint(&said), "{table}: {listed} {run}");
        } else {
            assert_eq!(listed_text, said, "{table}: {listed} {run}");
        }
    }
}

#[tokio::test]
async fn operators_functions_and_sequences_that_the_role_may_not_use_are_said_by_schema() {
    let db = Pair::fresh().await;
    db.both(
        "create schema ext; create extension citext schema ext; create table folk (mail ext.citext primary key, v text);
         create function slug(text) returns boolean language plpgsql immutable as 'begin return true; end';
         create table called (id int primary key, v text, check (slug(v))); create table counted (id serial primary key)",
    )
    .await;
    db.source("insert into folk values ('a', 'b'); insert into called values (1, 'a'); insert into counted values (1)").await;
    db.target("insert into folk values ('a', 'c'); insert into called values (1, 'b')").await;
    let roles = Roles::of(&db).await;
    let writer = &roles.writer.name;
    db.target(&format!(
        "revoke usage on schema ext from {writer}; revoke execute on function slug(text) from public"
    ))
    .await;
    let listed = roles.schema(&[]).await.expect_exit(1);
    let dry = roles.run(&db, &["-dry-run"]).await.expect_exit(1);
    let run = roles.run(&db, &[]).await.expect_exit(1);
    for table in ["public.folk", "public.called"] {
        let said = said_by_run(&run, table);
        assert_eq!(said_by_run(&dry, table), said, "{table}: {dry} {run}");
        assert_eq!(said_by_schema(&listed, table), [said], "{table}: {listed} {run}");
    }
    let sequence = format!("grant select, update on sequence public.counted_id_seq to {writer}");
    assert!(said_by_schema(&listed, "public.counted").concat().ends_with(&sequence), "{listed}");
    drop(run.expect_said(&sequence));
    drop(dry.expect_said(&sequence));
}

#[tokio::test]
async fn a_table_that_the_role_may_not_rebuild_is_said_by_schema_and_a_dry_run_in_the_same_words() {
    let db =
        Pair::with("create schema app; create table app.item (id int primary key, n int)").await;
    let roles = Roles::of(&db).await;
    let writer = &roles.writer.name;
    db.target(&format!("alter table app.item owner to {writer}")).await;
    db.source("alter table app.item alter n type bigint; insert into app.item values (1, 1)").await;
    let args = ["-schema", "app", "-ddl", "reset"];
    let listed = roles.schema(&args).await.expect_exit(1);
    let dry = roles.run(&db, &[&args[..], &["-dry-run"]].concat()).await.expect_exit(1);
    let run = roles.run(&db, &args).await.expect_exit(1);
    let said = said_by_run(&run, "app.item");
    let grant = format!("grant create on database {} to {writer}", db.name);
    assert!(said.ends_with(&grant), "{said}");
    assert_eq!(said_by_run(&dry, "app.item"), said, "{dry} {run}");
    assert_eq!(said_by_schema(&listed, "app.item"), [said], "{listed} {run}");
    db.target(&grant).await;
    roles.run(&db, &args).await.expect_ok();
}

#[tokio::test]
async fn a_parent_whose_child_could_not_be_made_is_not_in_sync() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (a int primary key); create table c (primary key (a)) inherits (p);
         insert into p values (1); insert into c values (2)",
    )
    .await;
    db.target("create view c as select 1 as a").await;
    let run = db.sync().await.expect_exit(1).expect_failed("c", &["already exists"]);
    drop(
        run.expect_failed(
            "p",
            &["reads of it show fewer rows on the target, which lacks public.c"],
        ),
    );
    db.target("drop view c").await;
    db.sync().await.expect_ok();
    db.settle().await;
}
