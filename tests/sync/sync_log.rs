//! The log table in the target: its names are an interface.

use crate::support::{Pair, pgsync};

async fn items() -> Pair {
    let db = Pair::with(
        "create table item (id int primary key, name text, updated_at timestamptz); create table plain (id int primary key)",
    )
    .await;
    db.source("insert into item select i, 'n', '2024-01-01' from generate_series(1, 30) i").await;
    db.source("insert into plain values (1), (2)").await;
    db
}

#[tokio::test]
async fn the_log_has_the_documented_columns() {
    let db = items().await;
    db.sync().await.expect_ok();
    let columns = "select string_agg(attname, ' ' order by attnum) from pg_attribute
        where attrelid = 'sync_log'::regclass and attnum > 0 and not attisdropped";
    assert_eq!(
        db.target_value(columns).await,
        "id run_id source schema_name table_name sync_type status start_time end_time watermark fingerprint \
         rows_processed rows_inserted rows_updated rows_deleted batches bytes error_message \
         proven_buckets proven_since definitions source_rows source_parts"
    );
}

#[tokio::test]
async fn every_run_leaves_one_row_per_table() {
    let db = items().await;
    for _ in 0..3 {
        db.sync().await.expect_ok();
    }
    let rows =
        "select table_name, count(*), count(distinct run_id) from sync_log group by 1 order by 1";
    let rows = db.target_rows(rows).await;
    assert_eq!(
        format!("{rows:?}"),
        r#"[[Some("item"), Some("3"), Some("3")], [Some("plain"), Some("3"), Some("3")]]"#
    );
}

#[tokio::test]
async fn the_log_says_what_was_done() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.source("update item set name = 'x', updated_at = now() where id < 3; delete from item where id = 9").await;
    let run = db.sync().await.expect_ok();
    let last = "select schema_name, sync_type, status, rows_inserted, rows_updated, rows_deleted,
        end_time >= start_time, error_message is null from sync_log where table_name = 'item' order by id desc limit 1";
    let row =
        db.target_rows(last).await.remove(0).into_iter().flatten().collect::<Vec<_>>().join(" ");
    assert_eq!(row, "public incremental success 0 2 1 t t");
    let run_id = db.target_value("select run_id from sync_log order by id desc limit 1").await;
    assert_eq!(run.json["run_id"].as_str(), Some(run_id.as_str()));
}

#[tokio::test]
async fn the_log_names_the_source_without_its_password() {
    let db = items().await;
    let reader = db.source_reader_with_password().await;
    db.sync().source_role(&reader).await.expect_ok();
    let expected = format!("{}/{}", db.source_server().address(), db.name);
    assert_eq!(db.target_value("select distinct source from sync_log").await, expected);
    let secrets = format!("select count(*) from sync_log l where l::text ~ '{}'", reader.password);
    assert_eq!(db.target_value(&secrets).await, "0");
}

#[tokio::test]
async fn a_run_that_left_no_trace_of_its_end_is_marked_interrupted_by_the_next() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.target("update sync_log set status = 'running', end_time = null").await;
    db.sync().await.expect_ok();
    let statuses =
        "select string_agg(status, ' ' order by id) from sync_log where table_name = 'item'";
    assert_eq!(db.target_value(statuses).await, "interrupted success");
}

#[tokio::test]
async fn the_log_itself_is_never_copied() {
    let db = items().await;
    db.source("create table sync_log (id int primary key); insert into sync_log values (1)").await;
    let run = db.sync().await.expect_ok();
    run.expect_tables(&["item", "plain"]);
}

#[tokio::test]
async fn the_log_lies_in_the_first_synced_schema() {
    let db = items().await;
    db.both("create schema other; create table other.t (id int primary key)").await;
    db.sync().schema("other,public").await.expect_ok();
    assert_eq!(db.target_value("select to_regclass('other.sync_log') is not null").await, "t");
    assert_eq!(db.target_value("select to_regclass('public.sync_log') is null").await, "t");
}

#[tokio::test]
async fn a_watermark_of_another_source_is_not_trusted() {
    let (one, two) = (items().await, items().await);
    one.sync().await.expect_ok();
    two.source("update item set name = 'two' where id = 5").await;
    let run = one.sync().source_url(two.source_url()).await.expect_ok();
    run.expect_strategy("item", "compare").expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_watermark_for_fewer_columns_is_not_trusted() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.both("alter table item add extra text").await;
    db.source("update item set extra = 'e' where id = 5").await;
    db.sync()
        .await
        .expect_ok()
        .expect_strategy("item", "compare")
        .expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn an_emptied_log_costs_a_comparison_and_nothing_else() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.target("drop table sync_log").await;
    db.sync().await.expect_unchanged().expect_strategy("item", "compare");
}

/// The statement that docs/sync-log.md gives.
#[tokio::test]
async fn old_rows_can_be_pruned_and_runs_go_on_from_what_is_left() {
    let db = items().await;
    let target = db.target_url();
    let prune = || pgsync(&["log", "prune", "-target", &target, "-keep", "90d"]);
    db.target("drop table item").await;
    for _ in 0..2 {
        db.sync().await.expect_ok();
    }
    db.target("update sync_log set start_time = start_time - interval '100 days'").await;
    db.sync().await.expect_ok();
    prune().await.expect_exit(0);
    let left = "select string_agg(table_name || ' ' || sync_type || ' ' || (start_time > now() - interval '1 day'), ', '
        order by id) from sync_log";
    assert_eq!(
        db.target_value(left).await,
        "item create false, item incremental true, plain compare true"
    );
    db.target("update sync_log set start_time = start_time - interval '100 days'").await;
    prune().await.expect_exit(0);
    db.sync().await.expect_unchanged().expect_strategy("item", "incremental");
}

#[tokio::test]
async fn a_log_in_a_schema_that_does_not_exist_is_refused_and_nothing_is_made() {
    let db = items().await;
    db.target("create schema ops").await;
    let run = db.sync().args(&["-log-table", "osp.log"]).await.expect_exit(2);
    run.expect_said(
        "-log-table (logTable): the target has no schema \\\"osp\\\"; it has ops, public; if the name \
         is right, run on the target: create schema osp authorization postgres",
    );
    assert_eq!(db.target_value("select to_regnamespace('osp') is null").await, "t");
    db.sync().args(&["-log-table", "ops.log"]).await.expect_ok();
    assert_eq!(db.target_value("select count(*) > 0 from ops.log").await, "t");
}

#[tokio::test]
async fn a_table_that_cannot_be_planned_is_logged_by_its_name_on_the_target() {
    let db = items().await;
    db.source("alter table item add extra int").await;
    db.target("create schema copy; create table copy.item (id int primary key, name int)").await;
    let args = ["-target-schema", "copy", "-ddl", "none"];
    db.sync().args(&args).include("item").await.expect_exit(1);
    let logged = "select string_agg(schema_name || ' ' || status, ', ') from copy.sync_log";
    assert_eq!(db.target_value(logged).await, "copy failed");
}

/// What the server has read of the log since its numbers were reset: rows of whole scans, and by indexes.
async fn reads_of_the_log(db: &Pair) -> Vec<String> {
    db.until_no_sessions().await;
    let reads = "select seq_tup_read || ' ' || idx_tup_fetch from pg_stat_user_tables where relname = 'sync_log'";
    let reads = db.target_value(reads).await;
    reads.split(' ').map(str::to_owned).collect()
}

const OLD_ROWS: &str = "insert into sync_log (run_id, source, schema_name, table_name, sync_type, status, start_time, fingerprint)
    select 'run' || i / 2, 's', 'public', case when i % 2 = 0 then 'item' else 'plain' end, 'incremental', 'success', now(), 'f'
    from generate_series(1, 200000) i; analyze sync_log";

#[tokio::test]
async fn a_run_reads_no_more_of_a_long_log_than_of_a_short_one() {
    let db = items().await;
    db.sync().await.expect_ok();
    db.target(OLD_ROWS).await;
    // The rows of the log that count are the last ones.
    db.sync().await.expect_ok();
    db.until_no_sessions().await;
    db.target("select pg_stat_reset()").await;
    db.source("update item set name = 'x', updated_at = now() where id = 3").await;
    db.sync().await.expect_ok();
    let reads = reads_of_the_log(&db).await;
    assert_eq!(reads[0], "0", "rows read by scans of the whole log");
    let fetched: u64 = reads[1].parse().expect("a number");
    assert!(fetched < 100, "{fetched} rows fetched by an index");
}

#[tokio::test]
async fn a_log_of_an_older_version_gets_its_indexes_where_the_role_may_make_them() {
    let db = items().await;
    db.sync().await.expect_ok();
    let indexes = "select count(*) from pg_index where indrelid = 'sync_log'::regclass";
    let all = db.target_value(indexes).await;
    let drop = "do $$ declare i regclass; begin for i in select indexrelid from pg_index
        where indrelid = 'sync_log'::regclass and not indisprimary loop execute 'drop index ' || i; end loop; end $$";
    db.target(drop).await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table sync_log in row exclusive mode").await;
    let run = db.sync().arg("-verbose").await.expect_ok();
    run.expect_said("stays without some of its indexes");
    assert_eq!(db.target_value(indexes).await, "1");
    blocker.run("rollback").await;
    db.sync().await.expect_ok().expect_unsaid("indexes");
    assert_eq!(db.target_value(indexes).await, all);
    db.sync().await.expect_ok();
    assert_eq!(db.target_value(indexes).await, all, "made once");
}

/// The log as pgsync makes it, and then something in it.
async fn planted(what: &str) -> Pair {
    let db = items().await;
    db.sync().await.expect_ok();
    db.target(
        "create table pwned (who text); create function evil() returns bigint language plpgsql as
         $$ begin insert into pwned values (current_user); return (random() * 1e9)::int8; end $$;
         create function evil_trigger() returns trigger language plpgsql as
         $$ begin insert into pwned values (current_user); return new; end $$",
    )
    .await;
    db.target(what).await;
    db
}

#[tokio::test]
async fn a_log_in_which_code_of_others_would_run_is_refused() {
    let cases = [
        ("alter table sync_log add extra bigint default evil()", "a default that is computed"),
        (
            "create trigger t before insert on sync_log for each row execute function evil_trigger()",
            "a trigger",
        ),
        ("create rule r as on insert to sync_log do also select evil()", "a rule"),
        ("alter table sync_log add check (evil() > 0)", "a check"),
        ("alter table sync_log enable row level security", "row level security"),
        (
            "create domain d as text check (evil() > 0); alter table sync_log add extra d",
            "a column of a type that somebody made",
        ),
        ("create table heir () inherits (sync_log)", "inherits or is inherited from"),
    ];
    for (what, said) in cases {
        let db = planted(what).await;
        let before = db.target_value("select count(*) from pwned").await;
        db.sync().await.expect_exit(1).expect_said(said).expect_said("-log-table");
        assert_eq!(db.target_value("select count(*) from pwned").await, before, "{what}");
    }
}

#[tokio::test]
async fn a_log_whose_rule_was_dropped_is_taken_again() {
    let db = planted("create rule r as on insert to sync_log do also select evil()").await;
    db.sync().await.expect_exit(1).expect_said("a rule");
    db.target("drop rule r on sync_log").await;
    db.sync().await.expect_ok();
}

#[tokio::test]
async fn a_superuser_takes_no_log_of_a_role_that_it_does_not_belong_to() {
    let db = items().await;
    let other = db.target_writer().await;
    db.sync().target_role(&other).await.expect_ok();
    let said = format!("belongs to {}, whose code would run with the rights of", other.name);
    db.sync().await.expect_exit(1).expect_said(&said);
    // A role that is no superuser trusts whoever made the log for it.
    let writer = db.target_writer().await;
    db.target(&format!("grant select, insert, update on sync_log to {}", writer.name)).await;
    db.sync().target_role(&writer).await.expect_ok();
    db.target(&format!("grant {} to current_user", other.name)).await;
    db.sync().await.expect_ok();
}

/// Rows of the log and entries of its indexes that have been read so far.
async fn read_of_log(db: &Pair) -> u64 {
    let read = "select coalesce(sum(t.seq_tup_read), 0)
        + (select coalesce(sum(i.idx_tup_read), 0) from pg_stat_user_indexes i where i.relname = 'sync_log')
        from pg_stat_user_tables t where t.relname = 'sync_log'";
    db.target_value(read).await.parse().expect("a number")
}

#[tokio::test]
async fn what_a_run_reads_of_the_log_does_not_grow_with_the_log() {
    let db = items().await;
    db.sync().await.expect_ok();
    // Many later rows about another table, and a table that is as new to the log as can be.
    db.target(
        "insert into sync_log (run_id, source, schema_name, table_name, sync_type, status, start_time, end_time, fingerprint)
         select 'run ' || i, 's', 'public', 'another', 'compare', 'success', now(), now(), 'f' from generate_series(1, 50000) i",
    )
    .await;
    db.both("create table newcomer (id int primary key)").await;
    db.target("vacuum analyze sync_log").await;
    let before = read_of_log(&db).await;
    db.sync().await.expect_ok();
    db.sync().arg("-scrub=1/7").await.expect_ok();
    let target = db.target_url();
    pgsync(&["status", "-target", &target]).await.expect_exit(0);
    pgsync(&["status", "-target", &target, "-history", "item"]).await.expect_exit(0);
    let read = read_of_log(&db).await - before;
    assert!(read < 5000, "{read} rows and entries");
}

#[tokio::test]
async fn a_log_that_knows_less_of_the_tables_is_not_advised() {
    let db = Pair::with(
        "create schema crm; create table crm.lead (id int primary key); create table a (id int primary key);
         create table b (id int primary key)",
    )
    .await;
    db.source("insert into crm.lead values (1); insert into a values (1)").await;
    db.sync().schema("crm").await.expect_ok();
    db.sync().await.expect_ok();
    let both = || db.sync().schema("public,crm");
    let run = both().await.expect_ok().expect_note(
        "crm.sync_log knows crm.lead of earlier runs, and public.sync_log does not: this run compares all its rows, and from then on \
         public.sync_log knows it, too",
    );
    drop(run.expect_unsaid("-log-table"));
    both().await.expect_unchanged().expect_unsaid("crm.sync_log");
}
