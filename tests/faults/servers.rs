//! Servers that restart, fill up, follow others and take their place.

use crate::support::{OwnServer, Pair, Session, SmallDisk};

const TABLES: &str = "create table one (id int primary key, n int, updated_at timestamptz);
    create table two (id int primary key, n int)";
const ROWS: &str = "insert into one select i, i, '2024-01-01' from generate_series(1, 1000) i;
    insert into two select i, i from generate_series(1, 1000) i";

#[tokio::test]
async fn a_restart_of_the_target_in_the_middle_of_a_batch_is_lived_through() {
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    let own = OwnServer::start("");
    for mode in ["fast", "immediate"] {
        let target = Session::open(&own.url("postgres")).await;
        let made = "drop table if exists one, two, sync_log";
        target.run(&format!("{made}; {TABLES}")).await;
        target.run("begin; lock table one in exclusive mode").await;
        let run = db.sync().while_writing().target_url(own.url("postgres")).start();
        let other = Session::open(&own.url("postgres")).await;
        other.until("select exists (select from pg_stat_activity where application_name = 'pgsync' and wait_event_type = 'Lock')").await;
        own.restart(mode);
        let run = run.end().await.expect_ok();
        assert_ne!(run.json["retries"], 0, "{run}");
        let target = Session::open(&own.url("postgres")).await;
        assert_eq!(target.value("select count(*) || ' ' || sum(n) from one").await, "1000 500500");
        assert_eq!(target.value("select count(*) from two").await, "1000");
    }
}

#[tokio::test]
async fn a_full_disk_on_the_target_fails_the_table_by_name_and_no_other() {
    let small = SmallDisk::mounted("2m");
    let own = OwnServer::start("");
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    db.source("create table big (id int primary key, body text); insert into big select i, repeat(md5(i::text), 30) from generate_series(1, 5000) i").await;
    let target = Session::open(&own.url("postgres")).await;
    target.run(&format!("create tablespace small location '{}'", small.0.display())).await;
    target.run(TABLES).await;
    target.run("create table big (id int primary key, body text) tablespace small").await;
    let run = db.sync().target_url(own.url("postgres")).await.expect_exit(1);
    let run = run.expect_failed("big", &["target", "No space left on device", "53100"]);
    assert_eq!(run.table("big").retries, 0, "{run}");
    assert_eq!(target.value("select count(*) from big").await, "0");
    assert_eq!(target.value("select count(*) from two").await, "1000");
}

#[tokio::test]
async fn a_standby_is_a_source_also_when_it_cancels_us_and_takes_the_primarys_place() {
    let primary = OwnServer::start("hot_standby = on\nautovacuum = off");
    let source = Session::open(&primary.url("postgres")).await;
    source.run(TABLES).await;
    source.run(ROWS).await;
    let standby = primary.standby("max_standby_streaming_delay = 0\nhot_standby_feedback = off");
    let db = Pair::with(TABLES).await;
    let sync = || db.sync().while_writing().source_url(standby.url("postgres"));
    let there = Session::open(&standby.url("postgres")).await;
    let run = db.sync().target_url(standby.url("postgres")).await.expect_exit(1);
    run.expect_said("is a standby, which nobody can write");
    let follow = async || {
        let position = source.value("select pg_current_wal_insert_lsn()").await;
        there.until(&format!("select pg_last_wal_replay_lsn() >= '{position}'")).await;
    };
    follow().await;
    sync().await.expect_ok().expect_note("standby");

    // Rows that the run still reads are vacuumed away on the primary.
    source.run("update one set n = n + 1, updated_at = now()").await;
    follow().await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table one, two in exclusive mode").await;
    let run = sync().start();
    db.until_blocked().await;
    source.run("delete from two where id <= 500").await;
    source.run("vacuum two").await;
    follow().await;
    blocker.run("rollback").await;
    let run = run.end().await.expect_ok();
    assert_ne!(run.json["retries"], 0, "{run}");
    sync().await.expect_ok();
    assert_eq!(db.target_value("select count(*) from two").await, "500");

    // The watermark was made for another time line.
    standby.promote();
    there.until("select not pg_is_in_recovery()").await;
    there.run("delete from one where id = 1").await;
    sync().await.expect_ok().expect_strategy("one", "compare").expect_changes("one", (0, 0, 1));
}

#[tokio::test]
async fn the_servers_have_nothing_to_complain_about_in_their_logs() {
    let own = OwnServer::start("");
    let db = Pair::with("").await;
    let source = Session::open(&own.url("postgres")).await;
    source.run("create database copy").await;
    source.run(TABLES).await;
    source.run(ROWS).await;
    for _ in 0..2 {
        db.sync().source_url(own.url("postgres")).target_url(own.url("copy")).await.expect_ok();
        source.run("update one set n = n + 1, updated_at = now()").await;
    }
    let log = own.log();
    let of_ours = log
        .lines()
        .filter(|line| line.contains("@postgres pgsync") || line.contains("@copy pgsync"));
    assert_eq!(of_ours.collect::<Vec<_>>(), Vec::<&str>::new());
}
