//! Connections that break in the middle of something: the work is tried again, and nothing is done
//! twice.

use crate::support::{Outcome, Pair, Proxy, Sync, Then, Way, When};

const TABLES: &str = "create table inc (id int primary key, body text, updated_at timestamptz);
    create table cmp (id int primary key, body text); create table bag (n int, body text)";
/// About 600 kB per table.
const ROWS: &str = "
    insert into inc select i, repeat('i', 200), '2024-01-01'::timestamptz + i * interval '1 s' from generate_series(1, 3000) i;
    insert into cmp select i, repeat('c', 200) from generate_series(1, 3000) i;
    insert into bag select i % 1000, repeat('b', 200) from generate_series(1, 3000) i";
const CHANGES: &str = "
    update inc set body = repeat('j', 200), updated_at = '2024-02-01'::timestamptz + id * interval '1 s';
    update cmp set body = repeat('d', 200); update bag set body = repeat('e', 200)";

struct Broken {
    db: Pair,
    source: Proxy,
    target: Proxy,
}

impl Broken {
    async fn fresh() -> Self {
        let db = Pair::with(TABLES).await;
        db.source(ROWS).await;
        let source = Proxy::to(db.source_server().address()).await;
        let target = Proxy::to(db.target_server().address()).await;
        Self { db, source, target }
    }

    fn sync(&self) -> Sync<'_> {
        let sync = self.db.sync().while_writing().no_overlap().batch_size(200);
        let (source, target) = (self.db.source_url(), self.db.target_url());
        sync.source_url(self.source.url(&source)).target_url(self.target.url(&target))
    }

    /// A first run and one after changes, each with the same faults; all is well in the end, every
    /// change is counted once, and the faults are counted too.
    async fn lives_through(&self, harm: impl Fn(&Self)) {
        for (changes, counts) in [("", (3000, 0, 0)), (CHANGES, (0, 3000, 0))] {
            self.db.source(changes).await;
            let before = self.source.harm() + self.target.harm();
            harm(self);
            let run = self.sync().await.expect_ok();
            self.db.assert_all_same().await;
            assert!(self.source.harm() + self.target.harm() > before, "no harm was done to {run}");
            assert!(retries(&run) > 0, "retries are counted in {run}");
            self.counted(&run, "inc", counts).await;
            self.counted(&run, "cmp", counts).await;
            self.db.until_no_sessions().await;
        }
        self.sync().await.expect_unchanged();
    }

    /// What the run says of a table, which is what the log says in one row.
    async fn counted(&self, run: &Outcome, table: &str, counts: (u64, u64, u64)) {
        assert_eq!(run.table(table).changes(), counts, "{table} in {run}");
        let logged = format!(
            "select string_agg(status || ' ' || rows_inserted || ' ' || rows_updated || ' ' || rows_deleted, '; ')
             from sync_log where table_name = '{table}' and run_id = '{}'",
            run.json["run_id"].as_str().unwrap_or_default()
        );
        let expected = format!("success {} {} {}", counts.0, counts.1, counts.2);
        assert_eq!(self.db.target_value(&logged).await, expected, "{table} in {run}");
    }
}

fn retries(run: &Outcome) -> u64 {
    let own: u64 = run.tables().iter().map(|table| table.retries).sum();
    own + run.json["retries"].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn a_source_that_is_cut_off_while_it_sends_rows_is_asked_again() {
    let broken = Broken::fresh().await;
    broken.lives_through(|at| at.source.fault(Way::Down, When::Bytes(200_000), Then::Cut)).await;
}

#[tokio::test]
async fn a_target_that_is_cut_off_while_it_takes_rows_is_written_again() {
    let broken = Broken::fresh().await;
    broken.lives_through(|at| at.target.fault(Way::Up, When::Bytes(150_000), Then::Cut)).await;
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_done_again() {
    let broken = Broken::fresh().await;
    broken.lives_through(|at| at.target.fault(Way::Up, When::Text("; commit"), Then::Cut)).await;
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_not_done_twice() {
    let broken = Broken::fresh().await;
    broken
        .lives_through(|at| {
            for _ in 0..3 {
                at.target.fault(Way::Up, When::Text("; commit"), Then::Pass);
            }
        })
        .await;
}

#[tokio::test]
async fn several_faults_on_both_sides_are_lived_through() {
    let broken = Broken::fresh().await;
    broken
        .lives_through(|at| {
            at.source.fault(Way::Down, When::Bytes(100_000), Then::Cut);
            at.source.fault(Way::Up, When::Text("set transaction snapshot"), Then::Cut);
            at.target.fault(Way::Up, When::Text("insert into"), Then::Pass);
            at.target.fault(Way::Up, When::Text("; commit"), Then::Pass);
        })
        .await;
}

#[tokio::test]
async fn a_slow_line_is_no_fault() {
    let broken = Broken::fresh().await;
    broken.source.delay(10);
    broken.target.delay(20);
    for changes in ["", CHANGES] {
        broken.db.source(changes).await;
        let run = broken.sync().await.expect_ok();
        assert_eq!(retries(&run), 0, "{run}");
        broken.db.assert_all_same().await;
    }
    broken.sync().await.expect_unchanged();
}

#[tokio::test]
async fn a_keeper_of_the_snapshot_that_is_cut_off_costs_another_round() {
    let broken = Broken::fresh().await;
    broken.source.fault(Way::Up, When::Text("pg_export_snapshot"), Then::Pass);
    broken.source.fault(Way::Up, When::Text("set transaction snapshot"), Then::Cut);
    let run = broken.sync().await.expect_ok();
    assert_ne!(run.json["retries"], 0, "{run}");
    broken.db.assert_all_same().await;
    broken.counted(&run, "inc", (3000, 0, 0)).await;
}

/// The run loses its worker in the middle of the second table, and then finds its snapshot gone.
#[tokio::test]
async fn another_round_goes_on_with_the_rows_of_the_log_and_counts_nothing_twice() {
    for dry in [true, false] {
        let broken = Broken::fresh().await;
        broken.sync().await.expect_ok();
        broken.db.source(CHANGES).await;
        broken.source.fault(Way::Down, When::Bytes(1_000_000), Then::Cut);
        broken.source.fault(Way::Up, When::Text("select 1\0"), Then::Cut);
        let switch = format!("-dry-run={dry}");
        let run = broken.sync().arg(switch).parallel(1).exclude("bag").await.expect_ok();
        assert_eq!((broken.source.harm(), run.json["retries"].as_u64()), (2, Some(1)), "{run}");
        for table in ["inc", "cmp"] {
            match dry {
                true => assert_eq!(run.table(table).changes(), (0, 3000, 0), "{table} in {run}"),
                false => broken.counted(&run, table, (0, 3000, 0)).await,
            }
        }
    }
}

#[tokio::test]
async fn a_round_that_is_lost_for_good_leaves_no_row_that_says_running() {
    let broken = Broken::fresh().await;
    broken.sync().await.expect_ok();
    broken.db.source(CHANGES).await;
    for _round in 0..2 {
        broken.source.fault(Way::Down, When::Bytes(200_000), Then::Cut);
        broken.source.fault(Way::Up, When::Text("select 1\0"), Then::Cut);
    }
    let run = broken.sync().include("inc").args(&["-retries", "1"]).await.expect_exit(1);
    let logged = format!(
        "select string_agg(status || ': ' || error_message, '; ') from sync_log where run_id = '{}'",
        run.json["run_id"].as_str().unwrap_or_default()
    );
    let logged = broken.db.target_value(&logged).await;
    assert!(logged.starts_with("failed: source while "), "{logged} after {run}");
}

/// Rows without a key would be there twice if they were copied once more.
#[tokio::test]
async fn small_tables_whose_commit_was_not_answered_are_not_copied_twice() {
    let broken = Broken::fresh().await;
    let few =
        "delete from inc where id > 10; delete from cmp where id > 10; delete from bag where n > 3;
        vacuum full inc; vacuum full cmp; vacuum full bag";
    for statement in few.split(';') {
        broken.db.source(statement).await;
    }
    broken.target.fault(Way::Up, When::Text("; commit"), Then::Pass);
    let run = broken.sync().parallel(1).await.expect_ok();
    broken.db.assert_all_same().await;
    assert_eq!(broken.target.harm(), 1, "no harm was done to {run}");
    assert!(retries(&run) > 0, "retries are counted in {run}");
    let rows = "select string_agg(table_name || ' ' || status, ', ' order by id) from sync_log
        where rows_inserted > 0";
    let logged = broken.db.target_value(rows).await;
    assert_eq!(logged.matches("success").count(), 3, "{logged} after {run}");
    broken.sync().await.expect_unchanged();
}

#[tokio::test]
async fn work_that_a_broken_session_left_on_the_server_is_ended_before_it_is_tried_again() {
    let broken = Broken::fresh().await;
    broken.sync().await.expect_ok();
    broken.db.source(CHANGES).await;
    let blocker = broken.db.target_session().await;
    blocker.run("begin; update inc set body = body where id = 1").await;
    broken.target.fault(Way::Up, When::Text("; commit"), Then::Pass);
    let run = broken.sync().include("inc").start();
    while broken.target.harm() == 0 {
        tokio::task::yield_now().await;
    }
    let cut = broken.db.target_value("select clock_timestamp()").await;
    let waiting = format!(
        "select coalesce(bool_and(backend_start > '{cut}'), false) from pg_stat_activity where wait_event_type = 'Lock'
         and datname = current_database() and application_name = 'pgsync'"
    );
    broken.db.target.until(&waiting).await;
    blocker.run("rollback").await;
    let run = run.end().await.expect_ok();
    assert_eq!(run.table("inc").retries, 1, "{run}");
    broken.counted(&run, "inc", (0, 3000, 0)).await;
    broken.db.assert_same("inc").await;
}

#[tokio::test]
async fn a_fault_that_does_not_pass_fails_after_the_retries_by_name() {
    let broken = Broken::fresh().await;
    for _ in 0..20 {
        broken.source.fault(Way::Down, When::Bytes(200_000), Then::Cut);
    }
    let run = broken.sync().include("cmp").args(&["-retries", "2"]).await.expect_exit(1);
    let run = run.expect_failed("cmp", &["source while reading rows", "connection"]);
    assert_eq!(run.table("cmp").retries, 2, "{run}");
    assert_eq!(broken.db.target_value("select count(*) from cmp").await, "0");
}

#[tokio::test]
async fn a_server_that_refuses_from_the_start_is_named_at_once() {
    let broken = Broken::fresh().await;
    broken.target.refuse(100);
    let run = broken.sync().await.expect_exit(1);
    assert_eq!(run.json["retries"], 0, "{run}");
    run.expect_said("target while connecting to 127.0.0.1:");
}

#[tokio::test]
async fn connections_refused_for_a_while_are_tried_again() {
    let broken = Broken::fresh().await;
    broken.sync().include("inc").await.expect_ok();
    broken.source.fault(Way::Down, When::Bytes(100_000), Then::Cut);
    let run = broken.sync().parallel(1).start();
    while broken.source.harm() == 0 {
        tokio::task::yield_now().await;
    }
    broken.source.refuse(2);
    run.end().await.expect_ok();
    broken.db.assert_all_same().await;
}

#[tokio::test]
async fn a_stalled_server_does_not_hold_up_the_end_of_a_run_that_is_told_to_stop() {
    let broken = Broken::fresh().await;
    broken.source.fault(Way::Down, When::Bytes(100_000), Then::Stall);
    let run = broken.sync().start();
    while broken.source.harm() == 0 {
        tokio::task::yield_now().await;
    }
    let begun = std::time::Instant::now();
    run.signal("TERM");
    let run = run.end().await.expect_exit(143);
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{run}");
    broken.db.until_no_sessions().await;
}

#[tokio::test]
async fn a_session_that_is_ended_before_it_has_its_settings_is_opened_again() {
    let broken = Broken::fresh().await;
    for side in [&broken.source, &broken.target] {
        for then in [Then::Cut, Then::Pass] {
            side.fault(Way::Up, When::Text("client_encoding', 'UTF8"), then);
            let harm = side.harm();
            let run = broken.sync().await.expect_ok();
            assert_eq!((side.harm() - harm, run.json["retries"].as_u64()), (1, Some(1)), "{run}");
        }
    }
    broken.db.assert_all_same().await;
}
