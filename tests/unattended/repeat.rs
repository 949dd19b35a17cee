//! `-every`: runs that follow each other until a signal comes.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Outcome, OwnServer, Pair, Proxy, Running, Session};

const TABLE: &str = "create table item (id int primary key, n int)";

async fn filled() -> Pair {
    let db = Pair::with(TABLE).await;
    db.source("insert into item select i, i from generate_series(1, 10) i").await;
    db
}

/// Several runs of a program, which is then asked to end. Its last run may be stopped in the middle.
async fn stop(run: Running) -> Outcome {
    run.signal("TERM");
    let outcome = run.end().await;
    assert!([0, 143].contains(&outcome.status), "{outcome}");
    outcome
}

/// The exit statuses of the runs, as their objects say.
fn statuses(lines: &[String]) -> Vec<u64> {
    let status = |line: &String| {
        let object: Value = serde_json::from_str(line).expect("an object per line");
        object["exit_status"].as_u64().expect("a number")
    };
    lines.iter().map(status).collect()
}

/// Until two runs have ended with exit status 1.
async fn until_failed_twice(run: &Running) {
    let mut lines = 1;
    while statuses(&run.until_lines(lines).await).iter().filter(|status| **status == 1).count() < 2
    {
        lines += 1;
    }
}

fn count(outcome: &Outcome, text: &str) -> usize {
    outcome.stderr.matches(text).count()
}

#[tokio::test]
async fn runs_follow_each_other_and_each_that_changed_something_has_one_line() {
    let db = filled().await;
    let run = db.sync().while_writing().args(&["-every", "0s"]).start();
    run.until_lines(5).await;
    db.source("update item set n = -1 where id <= 3").await;
    run.until_said("in sync: 1 table, 3 rows changed", 1).await;
    let lines = run.until_lines(10).await;
    let outcome = stop(run).await;
    assert!(statuses(&lines).iter().all(|status| *status == 0), "{outcome}");
    assert_eq!(count(&outcome, "in sync: 1 table, 10 rows changed"), 1, "{outcome}");
    assert_eq!(count(&outcome, "in sync: "), 2, "{outcome}");
    db.assert_same("item").await;
    db.until_no_sessions().await;
}

#[tokio::test]
async fn without_json_a_repeated_run_prints_nothing_on_stdout_and_with_quiet_nothing_at_all() {
    let db = filled().await;
    for (flags, lines) in [(&["-every", "1h"][..], 1), (&["-every", "1h", "-quiet"], 0)] {
        db.target("drop table if exists sync_log; delete from item").await;
        let run = db.sync().while_writing().plain().args(flags).start();
        db.target.until("select count(*) = 10 from item").await;
        if lines > 0 {
            run.until_said("in sync: 1 table, 10 rows changed", 1).await;
        }
        db.until_no_sessions().await;
        let outcome = stop(run).await;
        assert_eq!(outcome.stdout, "", "{outcome}");
        assert_eq!(count(&outcome, "in sync"), lines, "{outcome}");
    }
}

#[tokio::test]
async fn sigterm_between_two_runs_leaves_at_once_with_0() {
    for signal in ["TERM", "INT"] {
        let db = filled().await;
        let run = db.sync().args(&["-every", "1h"]).start();
        run.until_lines(1).await;
        db.until_no_sessions().await;
        let begun = Instant::now();
        run.signal(signal);
        let outcome = run.end().await.expect_exit(0);
        assert!(begun.elapsed() < Duration::from_millis(200), "{:?} {outcome}", begun.elapsed());
    }
}

#[tokio::test]
async fn sigterm_within_a_run_ends_it_as_ever() {
    let db = filled().await;
    let blocker = db.target_session().await;
    blocker.run("begin; lock table item in exclusive mode").await;
    let run = db.sync().while_writing().args(&["-every", "1h"]).start();
    db.until_blocked().await;
    run.signal("TERM");
    let outcome = run.end().await.expect_exit(143).expect_said("stopped by SIGTERM");
    assert_eq!(outcome.json["status"], "interrupted", "{outcome}");
    db.until_no_sessions().await;
}

#[tokio::test]
async fn sighup_reads_the_configuration_again_and_a_bad_one_is_refused() {
    let db = filled().await;
    db.both("create table other (id int primary key)").await;
    let file = db.file("pgsync.json", r#"{"every": "1h", "includeTables": ["item"]}"#);
    let run = db.sync().while_writing().args(&["-config", &file]).start();
    run.until_lines(1).await;
    for bad in [r#"{"every": "1h", "includeTable": ["other"]}"#, r#"{"includeTables": ["other"]}"#]
    {
        std::fs::write(&file, bad).expect("the file can be written");
        run.signal("HUP");
        run.until_said("warning: SIGHUP received: the configuration stays as it was", 1).await;
    }
    run.until_said("unknown key \"includeTable\"", 1).await;
    run.until_said("-every (every) is missing", 1).await;
    std::fs::write(&file, r#"{"every": "0s", "includeTables": ["other"]}"#).expect("it can");
    run.signal("HUP");
    run.until_said("SIGHUP received: the configuration was read again", 1).await;
    let lines = run.until_lines(3).await;
    stop(run).await;
    assert!(lines[0].contains(r#""table":"item""#), "{}", lines[0]);
    assert!(lines[2].contains(r#""table":"other""#), "{}", lines[2]);
}

#[tokio::test]
async fn a_target_that_is_read_only_for_a_while_is_told_once_and_lived_through() {
    let db = filled().await;
    let run = db.sync().while_writing().args(&["-every", "0s"]).start();
    run.until_lines(2).await;
    let switch =
        |to: &str| format!("alter database {} set default_transaction_read_only = {to}", "%");
    let name = db.target_value("select quote_ident(current_database())").await;
    db.target(&switch("on").replace('%', &name)).await;
    run.until_said("is read-only for this role", 1).await;
    until_failed_twice(&run).await;
    let other = Session::open(&db.target_url()).await;
    other.run("set default_transaction_read_only = off").await;
    other.run(&switch("off").replace('%', &name)).await;
    run.until_said("failed runs: in sync: 1 table", 1).await;
    let outcome = stop(run).await;
    assert_eq!(count(&outcome, "is read-only for this role"), 1, "{outcome}");
    assert_eq!(count(&outcome, "failed runs: "), 1, "{outcome}");
}

#[tokio::test]
async fn a_source_that_cannot_be_reached_for_a_while_is_told_once_and_lived_through() {
    let db = filled().await;
    let proxy = Proxy::to(db.source_server().address()).await;
    let run = db.sync().while_writing().source_url(proxy.url(&db.source_url()));
    let run = run.args(&["-every", "0s"]).start();
    run.until_lines(2).await;
    proxy.refuse(u32::MAX);
    until_failed_twice(&run).await;
    proxy.refuse(0);
    run.until_said("failed runs: in sync: 1 table", 1).await;
    let outcome = stop(run).await;
    // What the proxy does may look in two ways; each is told once.
    let failures = outcome.stderr.lines().filter_map(|line| line.split_once("failed: "));
    let mut failures: Vec<&str> = failures.map(|(_, text)| text).collect();
    let told = failures.len();
    failures.sort_unstable();
    failures.dedup();
    assert!((1..=2).contains(&told) && failures.len() == told, "{outcome}");
    assert_eq!(count(&outcome, ": in sync: 1 table"), 1, "{outcome}");
}

#[tokio::test]
async fn a_target_that_restarts_is_lived_through() {
    let db = filled().await;
    let own = OwnServer::start("");
    let target = Session::open(&own.url("postgres")).await;
    target.run(TABLE).await;
    let run =
        db.sync().while_writing().target_url(own.url("postgres")).args(&["-every", "0s"]).start();
    let mut lines = 2;
    for mode in ["fast", "immediate"] {
        run.until_lines(lines).await;
        own.restart(mode);
        db.source("update item set n = n + 1").await;
        let target = Session::open(&own.url("postgres")).await;
        let sum = db.source_value("select sum(n) from item").await;
        target.until(&format!("select sum(n) = {sum} from item")).await;
        lines = run.lines_so_far() + 2;
    }
    let outcome = stop(run).await;
    assert!(outcome.stderr.lines().count() < 30, "{outcome}");
}

#[tokio::test]
async fn two_programs_on_one_target_are_never_both_at_work_and_none_fails() {
    let db = filled().await;
    let start = || db.sync().while_writing().args(&["-every", "0s"]).start();
    let programs = [start(), start()];
    for round in 0..10 {
        db.source(&format!("update item set n = {round}")).await;
        db.target.until(&format!("select bool_and(n = {round}) from item")).await;
    }
    let mut seen = Vec::new();
    for program in programs {
        seen.extend(statuses(&program.until_lines(10).await));
        let outcome = stop(program).await.expect_unsaid("failed").expect_unsaid("NOT in sync");
        assert!(!outcome.stderr.contains("locked"), "{outcome}");
    }
    assert!(seen.iter().all(|status| [0, 4].contains(status)), "{seen:?}");
    let overlapping = "select count(*) from sync_log one join sync_log other
        on one.run_id < other.run_id and one.start_time < other.end_time and other.start_time < one.end_time";
    assert_eq!(db.target_value(overlapping).await, "0");
    db.until_no_sessions().await;
}

/// The resident memory in KiB and the number of open files of a process.
fn held(pid: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let memory = memory.trim().trim_end_matches(" kB").parse().expect("a number");
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its files").count();
    (memory, files)
}

#[tokio::test]
async fn memory_and_files_do_not_grow_with_the_number_of_runs() {
    let db = filled().await;
    let run = db.sync().args(&["-every", "0s"]).start();
    run.until_lines(40).await;
    let (before, _) = held(run.pid());
    run.until_lines(120).await;
    let (after, files) = held(run.pid());
    let outcome = stop(run).await;
    assert!(after < before + 2048, "{before} KiB, then {after} KiB");
    assert!(files < 30, "{files} open files: {outcome}");
    db.until_no_sessions().await;
}
