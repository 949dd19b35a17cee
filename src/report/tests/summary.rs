//! The table, the failures, the notes and the verdict.

use crate::report::summary;
use crate::report::tests::*;
use crate::stop::Signal;

#[test]
fn a_summary_shows_what_changed_and_a_verdict() {
    let tables = vec![
        done("audit", Strategy::Compare, [0, 0, 0, 0]),
        done("注文", Strategy::Copy, [1_000_000, 1_000_000, 0, 0]),
        TableOutcome { retries: 2, ..done("users", Strategy::Incremental, [1204, 12, 40, 3]) },
    ];
    assert_eq!(
        summary::summary(&run(tables), false),
        "\
table  strategy          rows   inserted  updated  deleted  time  status
audit  compare              0          0        0        0  0.8s  success
注文   copy         1,000,000  1,000,000        0        0  0.8s  success
users  incremental      1,204         12       40        3  0.8s  success
total               1,001,204  1,000,012       40        3  3.2s

in sync: 3 tables, 1,000,055 rows changed in 3.2s, after 2 retries
"
    );
}

#[test]
fn a_summary_gives_every_failure_its_full_error() {
    let mut report = run(mixed());
    report.notes = vec![
        note(None, NoteLevel::Detail, "not shown"),
        note(Some("users"), NoteLevel::Notice, "no key"),
        note(Some("orders"), NoteLevel::Notice, "no key"),
        note(None, NoteLevel::Warning, "the horizon is unknown"),
    ];
    let table = "\
table        strategy      rows  inserted  updated  deleted  time  status
order_lines  copy             0         0        0        0  0.8s  skipped
orders       copy         3,000     3,000        0        0  0.8s  failed
users        incremental  1,204        12       40        3  0.8s  success
total                     4,204     3,012       40        3  3.2s

order_lines - skipped: not tried: orders, which it references, failed
orders - failed: target while writing a batch: new row for relation \"orders\" violates check \
constraint \"orders_sum\" (SQLSTATE 23514); hint: look at it
";
    let rest = "
users, orders - note: no key
warning: the horizon is unknown

NOT in sync: 1 of 3 tables failed, 1 skipped
";
    assert_eq!(summary::summary(&report, false), format!("{table}{rest}"));

    report.notes.clear();
    let detail = "    detail: Failing row contains (1, secret).\n";
    let verdict = "\nNOT in sync: 1 of 3 tables failed, 1 skipped\n";
    assert_eq!(summary::summary(&report, true), format!("{table}{detail}{verdict}"));
}

#[test]
fn a_dry_run_says_would() {
    let mut report = run(vec![done("users", Strategy::Incremental, [1204, 12, 40, 3])]);
    report.dry_run = true;
    assert_eq!(
        summary::summary(&report, false),
        "\
table  strategy      rows  would insert  would update  would delete  time  status
users  incremental  1,204            12            40             3  0.8s  success
total               1,204            12            40             3  3.2s

dry run: 1 table, 55 rows would change; nothing was written; took 3.2s
"
    );
    report.tables[0].status = Status::Failed;
    assert_eq!(summary::verdict(&report), "dry run: 1 of 1 table failed; nothing was written");
}

#[test]
fn a_thousand_unchanged_tables_are_one_line() {
    let mut tables: Vec<_> =
        (1..1000).map(|n| done(&format!("t{n}"), Strategy::Incremental, [0; 4])).collect();
    tables.push(done("users", Strategy::Incremental, [1204, 12, 40, 3]));
    let report = run(tables);
    assert_eq!(
        summary::summary(&report, false),
        "\
table  strategy      rows  inserted  updated  deleted  time  status
users  incremental  1,204        12       40        3  0.8s  success
… 999 tables unchanged
total               1,204        12       40        3  3.2s

in sync: 1,000 tables, 55 rows changed in 3.2s
"
    );
    assert_eq!(summary::summary(&report, true).lines().count(), 1 + 1000 + 1 + 2);
}

#[test]
fn a_thousand_tables_failing_alike_fail_in_one_line() {
    let lacks = |n| ended(&format!("t{n}"), Status::Failed, Error::Blocked("no right".into()));
    let text = summary::summary(&run((1..=1000).map(lacks).collect()), false);
    assert!(text.contains("\nt1, t2, t3 and 997 more - failed: no right\n"), "{text}");
}

#[test]
fn an_ended_run_says_how_it_ended() {
    let stopped = Error::Stopped(Signal::Interrupt);
    let mut report = run(vec![
        done("a", Strategy::Copy, [5, 5, 0, 0]),
        ended("b", Status::Interrupted, stopped.clone()),
        ended("c", Status::Skipped, stopped.clone()),
    ]);
    report.error = Some(stopped);
    assert_eq!(
        summary::summary(&report, false),
        "\
table  strategy  rows  inserted  updated  deleted  time  status
a      copy         5         5        0        0  0.8s  success
b      copy         0         0        0        0  0.8s  interrupted
c      copy         0         0        0        0  0.8s  skipped
total               5         5        0        0  3.2s

NOT in sync: interrupted by SIGINT; 1 of 3 tables done
"
    );
    let cases = [
        (Error::Refused("x".into()), "refused by a safety check"),
        (Error::Locked("x".into()), "another run holds the lock"),
        (Error::Internal("x".into()), "the run ended early"),
    ];
    for (error, why) in cases {
        report.error = Some(error);
        let expected = format!("NOT in sync: {why}; 1 of 3 tables done");
        assert_eq!(summary::verdict(&report), expected);
    }
    report.tables.clear();
    assert_eq!(summary::summary(&report, false), "");
}
