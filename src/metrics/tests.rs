//! The text of figures, run by run.

use std::time::Duration;

use super::*;
use crate::error::Error;
use crate::ident::TableName;
use crate::outcome::Counts;

fn table(name: &str, status: Status) -> TableOutcome {
    TableOutcome {
        table: TableName::new("public", name),
        strategy: Some(Strategy::Incremental),
        status,
        counts: Counts { inserted: 3, updated: 2, bytes: 100, ..Counts::default() },
        elapsed: Duration::ZERO,
        watermark: None,
        lag: None,
        error: None,
        retries: 1,
    }
}

fn run(at: i64, tables: Vec<TableOutcome>) -> RunReport {
    RunReport {
        run_id: "r".into(),
        source: "a".into(),
        target: "b".into(),
        started: DateTime::from_timestamp(at, 0).expect("a moment"),
        elapsed: Duration::from_millis(1500),
        dry_run: false,
        tables,
        notes: Vec::new(),
        error: None,
        log_denied: false,
        retries: 0,
    }
}

/// What is said of one family.
fn samples(metrics: &Metrics, name: &str) -> Vec<String> {
    let text = metrics.text(DateTime::from_timestamp(2000, 0).expect("a moment"));
    text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
}

#[test]
fn a_run_has_all_figures() {
    let mut metrics = Metrics::new(false);
    let mut odd = table("o\"d\\d", Status::Success);
    odd.watermark = Some("1970-01-01T00:16:30Z".into());
    metrics.observe(&run(1000, vec![odd]));
    let text = metrics.text(DateTime::from_timestamp(2000, 0).expect("a moment"));
    let values: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let version = concat!("pgsync_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1");
    let expected = [
        version,
        "pgsync_last_run_timestamp_seconds 1001.5",
        "pgsync_last_run_status 0",
        "pgsync_run_duration_seconds 1.5",
        "pgsync_last_success_timestamp_seconds 1001.5",
        r#"pgsync_last_success_timestamp_seconds{table="public.o\"d\\d"} 1001.5"#,
        r#"pgsync_rows_total{table="public.o\"d\\d",op="deleted"} 0"#,
        r#"pgsync_rows_total{table="public.o\"d\\d",op="inserted"} 3"#,
        r#"pgsync_rows_total{table="public.o\"d\\d",op="updated"} 2"#,
        "pgsync_bytes_total 100",
        r#"pgsync_table_failed{table="public.o\"d\\d"} 0"#,
        r#"pgsync_watermark_lag_seconds{table="public.o\"d\\d"} 11.5"#,
        "pgsync_consecutive_failures 0",
        "pgsync_retries_total 1",
    ];
    assert_eq!(values, expected);
    assert_eq!(text.lines().filter(|line| line.starts_with("# TYPE")).count(), 11);
}

#[test]
fn what_was_written_is_read_back_and_counted_on() {
    let mut one = Metrics::new(false);
    one.observe(&run(1000, vec![table("a", Status::Success), table("b", Status::Success)]));
    let text = one.text(DateTime::from_timestamp(2000, 0).expect("a moment"));
    let mut metrics = Metrics::from_text(&text, false);
    assert_eq!(metrics, one);
    metrics.observe(&run(1500, vec![table("a", Status::Success), table("b", Status::Failed)]));
    let expected = [
        "pgsync_last_success_timestamp_seconds 1001.5",
        "pgsync_last_success_timestamp_seconds{table=\"public.a\"} 1501.5",
        "pgsync_last_success_timestamp_seconds{table=\"public.b\"} 1001.5",
    ];
    assert_eq!(samples(&metrics, "pgsync_last_success"), expected);
    assert_eq!(samples(&metrics, "pgsync_last_run_status"), ["pgsync_last_run_status 1"]);
    assert_eq!(samples(&metrics, "pgsync_consecutive"), ["pgsync_consecutive_failures 1"]);
    assert_eq!(samples(&metrics, "pgsync_bytes"), ["pgsync_bytes_total 400"]);
    let failed = ["{table=\"public.a\"} 0", "{table=\"public.b\"} 1"];
    assert_eq!(
        samples(&metrics, "pgsync_table_failed"),
        failed.map(|end| format!("pgsync_table_failed{end}"))
    );
    let early = RunReport { error: Some(Error::Blocked("x".into())), ..run(1600, Vec::new()) };
    metrics.observe(&early);
    assert_eq!(samples(&metrics, "pgsync_consecutive"), ["pgsync_consecutive_failures 2"]);
    assert_eq!(samples(&metrics, "pgsync_table_failed").len(), 2);
}

#[test]
fn a_table_that_is_no_longer_selected_has_no_figures() {
    let mut metrics = Metrics::new(false);
    metrics.observe(&run(1000, vec![table("a", Status::Success), table("b", Status::Success)]));
    metrics.observe(&run(1500, vec![table("b", Status::Success)]));
    let text = metrics.text(DateTime::from_timestamp(2000, 0).expect("a moment"));
    assert!(!text.contains("public.a") && text.contains("public.b"), "{text}");
}

#[test]
fn many_tables_are_summed_up_unless_each_is_asked_for() {
    let tables = || (0..501).map(|n| table(&format!("t{n}"), Status::Failed)).collect::<Vec<_>>();
    let mut metrics = Metrics::new(false);
    metrics.observe(&run(1000, tables()[..2].to_vec()));
    metrics.observe(&run(1000, tables()));
    metrics.observe(&run(1000, tables()));
    assert_eq!(samples(&metrics, "pgsync_table_failed"), ["pgsync_table_failed 501"]);
    assert_eq!(
        samples(&metrics, "pgsync_rows_total")[1],
        "pgsync_rows_total{op=\"inserted\"} 3006"
    );
    let mut metrics = Metrics::new(true);
    metrics.observe(&run(1000, tables()));
    assert_eq!(samples(&metrics, "pgsync_table_failed").len(), 501);
}

#[test]
fn a_proof_is_a_success_that_compared_all_rows() {
    let mut metrics = Metrics::new(false);
    let compared =
        |status| TableOutcome { strategy: Some(Strategy::Compare), ..table("a", status) };
    metrics.observe(&run(1000, vec![compared(Status::Success), table("b", Status::Success)]));
    assert_eq!(samples(&metrics, "pgsync_proven"), [""; 0]);
    metrics.observe(&run(1200, vec![compared(Status::Success)]));
    metrics.observe(&run(1300, vec![compared(Status::Failed)]));
    assert_eq!(samples(&metrics, "pgsync_proven"), ["pgsync_proven_age_seconds 798.5"]);
}

#[test]
fn a_skip_a_dry_run_and_a_stop_are_no_failures() {
    let mut metrics = Metrics::new(false);
    let ended = |error| RunReport { error: Some(error), ..run(1000, Vec::new()) };
    metrics.observe(&ended(Error::Locked("x".into())));
    metrics.observe(&RunReport { dry_run: true, ..run(1000, vec![table("a", Status::Success)]) });
    assert_eq!(metrics, Metrics::new(false));
    metrics.observe(&ended(Error::Stopped(crate::stop::Signal::Terminate)));
    assert_eq!(samples(&metrics, "pgsync_consecutive"), ["pgsync_consecutive_failures 0"]);
    assert_eq!(samples(&metrics, "pgsync_last_run_status"), ["pgsync_last_run_status 143"]);
}
