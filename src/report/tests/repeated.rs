//! What is said of runs that follow each other.

use std::time::{Duration, Instant};

use super::{at, check_violation, done, ended, run};
use crate::config::{LogLevel, Output};
use crate::error::Error;
use crate::outcome::{Counts, RunReport, Status, Strategy, TableOutcome};
use crate::report::line::Line;
use crate::report::repeated::Repeated;

/// Says what is told of runs that end one after another, so many minutes apart.
fn told(output: Output, minutes: u64, runs: &[(Vec<&str>, RunReport)]) -> Vec<Vec<String>> {
    let mut repeated = Repeated::new(output, output.verbose);
    let begun = Instant::now();
    let mut number = 0;
    let mut one = |(warnings, report): &(Vec<&str>, RunReport)| {
        let lines = warnings.iter().map(|text| Line::new(at(0), LogLevel::Warn, *text)).collect();
        let mut lines = repeated.news(lines, false);
        number += 1;
        let moment = begun + Duration::from_secs(60 * minutes * number);
        lines.extend(repeated.ended(at(0), moment, report));
        lines.into_iter().map(|line| line.message).collect()
    };
    runs.iter().map(&mut one).collect()
}

fn quiet() -> RunReport {
    run(vec![done("users", Strategy::Compare, [0; 4])])
}

fn changed() -> RunReport {
    run(vec![done("users", Strategy::Compare, [3, 1, 2, 0])])
}

fn broken() -> RunReport {
    RunReport { error: Some(Error::Blocked("no server, port 5432".into())), ..run(vec![]) }
}

fn locked() -> RunReport {
    RunReport { error: Some(Error::Locked("another run, process 7".into())), ..run(vec![]) }
}

fn failed() -> RunReport {
    let orders = ended("orders", Status::Failed, check_violation());
    run(vec![TableOutcome { counts: Counts::default(), ..orders }])
}

fn runs(reports: Vec<RunReport>) -> Vec<(Vec<&'static str>, RunReport)> {
    reports.into_iter().map(|report| (Vec::new(), report)).collect()
}

#[test]
fn the_first_run_and_each_that_changed_something_have_a_line_and_one_an_hour_has_one() {
    let reports = vec![quiet(), quiet(), changed(), quiet(), locked(), quiet(), quiet()];
    let told = told(Output::default(), 20, &runs(reports));
    let text = told.iter().map(|lines| lines.join("|")).collect::<Vec<_>>();
    let expected = [
        "in sync: 1 table, 0 rows changed in 3.2s",
        "",
        "in sync: 1 table, 3 rows changed in 3.2s",
        "",
        "",
        "in sync: 1 table, 0 rows changed in 3.2s; 3 runs since the last line, 1 found another one at work",
        "",
    ];
    assert_eq!(text, expected);
}

#[test]
fn one_line_an_hour_stays_one_an_hour_when_the_clock_is_set() {
    let mut repeated = Repeated::new(Output::default(), false);
    let begun = Instant::now();
    let hours = [0, 1, -1, 24 * 400, -24 * 30, 0, 0];
    let lines = hours.iter().zip(0..).map(|(hour, number)| {
        let now = at(0) + chrono::Duration::hours(*hour);
        repeated.ended(now, begun + Duration::from_secs(1800 * number), &quiet()).len()
    });
    assert_eq!(lines.collect::<Vec<usize>>(), [1, 0, 1, 0, 1, 0, 1]);
}

#[test]
fn a_failure_is_told_when_it_begins_when_it_changes_once_an_hour_and_when_it_ends() {
    let reports =
        vec![broken(), broken(), locked(), broken(), failed(), failed(), quiet(), broken()];
    let told = told(Output::default(), 25, &runs(reports));
    let text = told.iter().map(|lines| lines.join("|")).collect::<Vec<_>>();
    let expected = [
        "failed: no server, port 5432",
        "",
        "",
        "NOT in sync: an error came before the first table; 3 failed runs; 3 runs since the last line, 1 found another one at work",
        "NOT in sync: 1 of 1 table failed",
        "",
        "after 5 failed runs: in sync: 1 table, 0 rows changed in 3.2s",
        "failed: no server, port 5432",
    ];
    assert_eq!(text, expected);
}

#[test]
fn a_warning_of_every_run_is_told_once_until_it_was_absent() {
    let with = |texts: &[&'static str]| (texts.to_vec(), quiet());
    let warnings = [with(&["slow, 7 s"]), with(&["slow, 9 s"]), with(&[]), with(&["slow, 7 s"])];
    let told = told(Output { quiet: true, ..Output::default() }, 1, &warnings);
    assert_eq!(told, [vec!["slow, 7 s"], vec![], vec![], vec!["slow, 7 s"]]);
}

#[test]
fn verbose_tells_of_every_run() {
    let reports = vec![quiet(), quiet(), locked(), broken(), broken()];
    let verbose = Output { verbose: true, ..Output::default() };
    let told = told(verbose, 1, &runs(reports));
    assert!(told.iter().all(|lines| lines.len() == 1), "{told:?}");
}
