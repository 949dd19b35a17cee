//! A dry run counts exactly what a run would do, and writes nothing.

use crate::support::Pair;

const TABLES: &str = "
    create table inc (id int primary key, n int, updated_at timestamptz);
    create table cmp (id int primary key, n int);
    create table bag (a int, b text);
    create table fresh (id serial primary key, n int);
    create table quiet (id int primary key, updated_at timestamptz)";
const ROWS: &str = "
    insert into inc select i, 0, '2024-01-01'::timestamptz + i * interval '1 s' from generate_series(1, 3000) i;
    insert into cmp select i, 0 from generate_series(1, 3000) i;
    insert into bag select i % 50, 'b' from generate_series(1, 300) i;
    insert into quiet values (1, '2024-01-01')";
const CHANGES: &str = "
    update inc set n = 1, updated_at = '2024-02-01' where id % 100 = 0; delete from inc where id between 500 and 520;
    insert into inc select i, 2, '2024-02-02' from generate_series(5001, 5017) i;
    update inc set updated_at = null where id in (7, 8); delete from inc where id = 2000;
    update cmp set n = 1 where id % 70 = 0; delete from cmp where id > 2990; insert into cmp values (0, 0);
    delete from bag where a = 7; insert into bag values (1, 'b'), (99, 'new'), (99, 'new');
    insert into fresh select from generate_series(1, 5)";

/// Everything on the target that a run could change: where every row lies and who wrote it, the log,
/// every sequence, and every relation with its file.
async fn marks(db: &Pair) -> Vec<String> {
    db.until_no_sessions().await; // their temporary tables are gone with them
    let mut marks = db.target_marks_of_all().await;
    marks
        .push(db.target_value("select string_agg(l::text, ' ' order by id) from sync_log l").await);
    let sequences = "select coalesce(string_agg(schemaname || '.' || sequencename || ' ' || last_value, ' ' order by 1), '') from pg_sequences";
    marks.push(db.target_value(sequences).await);
    marks
}

async fn changed() -> Pair {
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    db.sync().await.expect_ok();
    db.source(CHANGES).await;
    db
}

#[tokio::test]
async fn a_dry_run_counts_exactly_what_the_run_then_does() {
    for args in [&[][..], &["-reconcile"], &["-no-overlap"]] {
        let args = if args == ["-no-overlap"] { &["-overlap", "0s"][..] } else { args };
        let db = changed().await;
        let before = marks(&db).await;
        let dry = db.sync().arg("-dry-run").args(args).batch_size(10).await.expect_ok();
        assert_eq!(marks(&db).await, before, "something was written by {dry}");
        assert_eq!(dry.json["dry_run"], true);
        let real = db.sync().args(args).batch_size(10).await.expect_ok();
        for table in real.tables() {
            let counted = dry.table(&table.table);
            assert_eq!(counted.changes(), table.changes(), "{}: {dry}\n{real}", table.table);
            assert_eq!(counted.strategy, table.strategy, "{dry}");
        }
        db.assert_all_same().await;
    }
}

#[tokio::test]
async fn rows_without_a_timestamp_are_counted_once() {
    let db = changed().await;
    db.source("insert into inc values (6001, 1, null), (6002, 1, 'infinity')").await;
    db.sync().await.expect_ok();
    db.target("delete from inc where id in (6001, 6002, 7, 3)").await;
    let dry = db.sync().arg("-dry-run").await.expect_ok();
    dry.expect_changes("inc", (4, 0, 0));
    db.sync().await.expect_ok().expect_changes("inc", (4, 0, 0));
}

#[tokio::test]
async fn a_dry_run_of_a_first_run_makes_no_log() {
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    let dry = db.sync().arg("-dry-run").await.expect_ok();
    assert_eq!(dry.table("cmp").changes(), (3000, 0, 0), "{dry}");
    assert_eq!(dry.table("bag").changes(), (300, 0, 0), "{dry}");
    assert_eq!(db.target_value("select to_regclass('public.sync_log') is null").await, "t");
    assert_eq!(db.target_value("select count(*) from cmp").await, "0");
}

#[tokio::test]
async fn a_dry_run_without_the_rights_to_write_counts_all_the_same_and_ends_as_the_run_would() {
    let db = changed().await;
    let before = marks(&db).await;
    let reader = db.target_reader().await;
    let dry = db.sync().target_role(&reader).arg("-dry-run").await.expect_exit(1);
    assert_eq!(marks(&db).await, before, "something was written by {dry}");
    let grant = format!("grant insert, update, delete on public.inc to {}", reader.name);
    let log = format!("grant insert, update on table public.sync_log to {}", reader.name);
    let dry = dry.expect_failed("inc", &["permission denied for table inc", &grant]);
    let dry = dry.expect_said(&log);
    assert_eq!(dry.table("quiet").status, "success", "nothing is to be written: {dry}");
    let real = db.sync().await.expect_ok();
    assert_eq!(dry.table("inc").changes(), real.table("inc").changes(), "{dry}");
}

#[tokio::test]
async fn a_dry_run_works_beside_a_run_that_holds_the_locks() {
    let db = changed().await;
    let holder = db.target_session().await;
    holder.run("begin; update cmp set n = n where id = 1").await;
    db.sync().while_writing().arg("-dry-run").await.expect_ok();
}

#[tokio::test]
async fn a_dry_run_says_what_it_cannot_know() {
    let db = changed().await;
    let dry = db.sync().arg("-dry-run").await.expect_ok();
    dry.expect_note("constraints and triggers of the target are not tried");
}

#[tokio::test]
async fn a_dry_run_without_the_right_to_temporary_tables_says_so() {
    let db = changed().await;
    let reader = db.target_reader().await;
    db.target(&format!("revoke temporary on database {} from public", db.name)).await;
    let dry = db.sync().target_role(&reader).arg("-dry-run").await.expect_exit(1);
    dry.expect_failed("cmp", &["temporary", "grant temporary on database"]);
}

#[tokio::test]
async fn a_dry_run_leaves_triggers_alone_and_so_waits_for_no_writer() {
    let db = changed().await;
    let owner = db.target_owner().await;
    db.target(
        "create function act() returns trigger language plpgsql as 'begin return new; end';
         create trigger act before insert or update on cmp for each row execute procedure act()",
    )
    .await;
    let holder = db.target_session().await;
    holder.run("begin; update cmp set n = n where id = 1").await;
    db.sync().target_role(&owner).while_writing().arg("-dry-run").await.expect_ok();
}

/// A planner without statistics about the stage used to go through the whole table for each batch.
#[tokio::test]
async fn the_batches_of_a_dry_run_go_by_the_key() {
    let db =
        Pair::with("create table big (id int primary key, n int, updated_at timestamptz)").await;
    db.source("insert into big select i, 0, '2024-01-01' from generate_series(1, 200000) i").await;
    db.sync().await.expect_ok();
    db.target("vacuum analyze big").await;
    db.source("update big set n = 1, updated_at = '2024-02-01'::timestamptz + id * interval '1 s' where id <= 40000").await;
    let scans = "select seq_scan from pg_stat_user_tables where relname = 'big'";
    db.until_no_sessions().await;
    let before: u64 = db.target_value(scans).await.parse().expect("a number");
    let dry = db.sync().arg("-dry-run").await.expect_ok();
    assert_eq!(dry.table("big").changes(), (0, 40000, 0), "{dry}");
    db.until_no_sessions().await;
    let after: u64 = db.target_value(scans).await.parse().expect("a number");
    // Of 40 batches none; the looks are counted once for each process that takes part.
    assert!(after - before < 20, "{} scans of the whole table", after - before);
}

/// Rows of the source have values that the target's columns do not hold yet.
#[tokio::test]
async fn a_dry_run_counts_rows_for_which_columns_would_grow() {
    for key in ["id int primary key", "id int"] {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create type mood as enum ('sad'); create table long ({key}, v varchar(5), t varchar(5), n numeric(4, 1));
             create table glad ({key}, m mood, updated_at timestamptz not null default '2024-01-01');
             insert into long select i, 'a', 'a', 1 from generate_series(1, 50) i; insert into glad select i, 'sad' from generate_series(1, 50) i"
        ))
        .await;
        db.settle().await;
        db.source("alter type mood add value 'glad'").await;
        db.source(
            "alter table long alter v type varchar(20), alter t type text, alter n type numeric(8, 1);
             insert into long values (51, 'a long value', 'a long value', 123456.1); update long set t = 'b' where id = 4;
             insert into glad values (51, 'glad'); update glad set m = 'glad', updated_at = now() where id = 3",
        )
        .await;
        let dry = db.sync().arg("-dry-run").await.expect_ok();
        let run = db.sync().await.expect_ok();
        for table in ["long", "glad"] {
            assert_eq!(
                dry.table(table).changes(),
                run.table(table).changes(),
                "{table} in {dry} and {run}"
            );
        }
        db.settle().await;
    }
}

#[tokio::test]
async fn a_dry_run_whose_run_could_not_write_its_log_says_so_last_and_counts_all_the_same() {
    let db = Pair::with(
        "create table item (id int primary key); create table part (id int primary key)",
    )
    .await;
    db.source("insert into item values (1); insert into part values (1)").await;
    let writer = db.target_writer().await;
    db.target(&format!("revoke create on schema public from {}, public", writer.name)).await;
    let dry = || db.sync().target_role(&writer).plain().arg("-dry-run");
    let run = dry().await.expect_exit(1);
    let ends = "dry run: a run would fail, for it could not write its log; 2 tables counted; nothing was written\n";
    assert!(run.stdout.ends_with(ends), "{run}");
    let hint = format!(
        "hint: grant create on schema public to {}; or let somebody else create",
        writer.name
    );
    let denied = "failed: target while creating sync_log: permission denied for schema public (SQLSTATE 42501); ";
    assert!(run.stdout.contains(&format!("\n{denied}{hint}")), "{run}");
    db.target(&format!("revoke insert on part from {}", writer.name)).await;
    let run = dry().await.expect_exit(1);
    let ends = "dry run: a run would fail, for it could not write its log; 1 of 2 tables failed; nothing was written\n";
    assert!(run.stdout.ends_with(ends), "{run}");
}

#[tokio::test]
async fn a_dry_run_fails_where_the_role_may_not_read_a_column_of_a_table_that_is_new() {
    let db = Pair::fresh().await;
    db.source("create table salary (id int primary key, name text, amount int); insert into salary values (1, 'a', 2);
        create table free (id int primary key)")
        .await;
    let reader = db.source_reader().await;
    db.source(&format!(
        "revoke select on salary from {0}; grant select (id, name) on salary to {0}",
        reader.name
    ))
    .await;
    let told = format!("grant select (amount, ctid) on public.salary to {}", reader.name);
    for args in [&["-dry-run"][..], &[]] {
        let run = db.sync().source_role(&reader).args(args).await.expect_exit(1);
        let run = run.expect_failed("salary", &["permission denied for table salary"]);
        assert!(
            run.stderr.contains(&told) || run.stderr.contains("grant select (amount)"),
            "{run}"
        );
    }
}

#[tokio::test]
async fn a_dry_run_fails_over_a_partition_that_only_its_table_lets_the_role_read() {
    let db = Pair::fresh().await;
    db.source("create table event (id int, at int) partition by range (at); create table early partition of event for values from (0) to (10)")
        .await;
    db.sync().await.expect_ok();
    let (reader, writer) = (db.source_reader().await, db.target_writer().await);
    db.target(&format!("revoke create on schema public from {}, public", writer.name)).await;
    db.source("create table late partition of event for values from (10) to (20)").await;
    let dry = || db.sync().source_role(&reader).target_role(&writer).arg("-dry-run");
    dry().await.expect_ok();
    db.source("insert into event values (1, 15)").await;
    dry().await.expect_exit(1).expect_failed("event", &["permission denied for schema public"]);
}
