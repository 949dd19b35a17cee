//! The table, the failures, the notes and the verdict.

use crate::ident::Ident;
use crate::report::format;
use crate::report::grid::Page;
use crate::report::markdown;
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
        summary::summary(&run(tables), false, Page::Paper),
        "\
table  strategy          rows   inserted  updated  deleted  time
audit  compare              0          0        0        0  0.8s
注文   copy         1,000,000  1,000,000        0        0  0.8s
users  incremental      1,204         12       40        3  0.8s
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
users        incremental  1,204        12       40        3  0.8s
total                     4,204     3,012       40        3  3.2s

orders - failed: target while writing a batch: new row for relation \"orders\" violates check \
constraint \"orders_sum\" (SQLSTATE 23514); hint: look at it
";
    // Causes come before what follows from them.
    let skipped = "order_lines - skipped: not tried: orders, which it references, failed\n";
    let rest = "
users, orders - note: no key
warning: the horizon is unknown

NOT in sync: 1 of 3 tables failed, 1 skipped
";
    assert_eq!(summary::summary(&report, false, Page::Paper), format!("{table}{skipped}{rest}"));

    report.notes.clear();
    let detail = "    detail: Failing row contains (1, secret).\n";
    let verdict = "\nNOT in sync: 1 of 3 tables failed, 1 skipped\n";
    let expected = format!("{table}{detail}{skipped}{verdict}");
    assert_eq!(summary::summary(&report, true, Page::Paper), expected);
}

#[test]
fn a_dry_run_says_would() {
    let mut report = run(vec![done("users", Strategy::Incremental, [1204, 12, 40, 3])]);
    report.dry_run = true;
    assert_eq!(
        summary::summary(&report, false, Page::Paper),
        "\
table  strategy      rows  would insert  would update  would delete  time
users  incremental  1,204            12            40             3  0.8s
total               1,204            12            40             3  3.2s

dry run: 1 table, 55 rows would change; nothing was written; took 3.2s
"
    );
    let denied = Error::denied(Side::Target, "creating sync_log", "permission denied".into());
    (report.error, report.log_denied) = (Some(denied), true);
    assert_eq!(
        summary::summary(&report, false, Page::Paper),
        "\
table  strategy      rows  would insert  would update  would delete  time
users  incremental  1,204            12            40             3  0.8s
total               1,204            12            40             3  3.2s

failed: target while creating sync_log: permission denied (SQLSTATE 42501)

dry run: a run would fail, for it could not write its log; 1 table counted; nothing was written
"
    );
    report.tables[0].status = Status::Failed;
    assert_eq!(
        summary::verdict(&report),
        "dry run: a run would fail, for it could not write its log; 1 of 1 table failed; nothing was written"
    );
    (report.error, report.log_denied) = (None, false);
    assert_eq!(summary::verdict(&report), "dry run: 1 of 1 table failed; nothing was written");
}

#[test]
fn a_thousand_unchanged_tables_are_one_line() {
    let mut tables: Vec<_> =
        (1..1000).map(|n| done(&format!("t{n}"), Strategy::Incremental, [0; 4])).collect();
    tables.push(done("users", Strategy::Incremental, [1204, 12, 40, 3]));
    let report = run(tables);
    assert_eq!(
        summary::summary(&report, false, Page::Paper),
        "\
table  strategy      rows  inserted  updated  deleted  time
users  incremental  1,204        12       40        3  0.8s
… 999 tables unchanged
total               1,204        12       40        3  3.2s

in sync: 1,000 tables, 55 rows changed in 3.2s
"
    );
    assert_eq!(summary::summary(&report, true, Page::Paper).lines().count(), 1 + 1000 + 1 + 2);
}

#[test]
fn a_thousand_tables_failing_alike_fail_in_one_line() {
    let lacks = |n| ended(&format!("t{n}"), Status::Failed, Error::Blocked("no right".into()));
    let text = summary::summary(&run((1..=1000).map(lacks).collect()), false, Page::Paper);
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
        summary::summary(&report, false, Page::Paper),
        "\
table  strategy  rows  inserted  time  status
a      copy         5         5  0.8s
b      copy         0         0  0.8s  interrupted
c      copy         0         0  0.8s  skipped
total               5         5  3.2s

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
    assert_eq!(summary::summary(&report, false, Page::Paper), "");
}

#[test]
fn what_says_the_same_of_every_table_is_left_out() {
    let tables =
        vec![done("orders", Strategy::Compare, [0; 4]), done("users", Strategy::Compare, [0; 4])];
    assert_eq!(
        summary::summary(&run(tables), false, Page::Paper),
        "\
table   strategy  time
orders  compare   0.8s
users   compare   0.8s
total             3.2s

in sync: 2 tables, 0 rows changed in 3.2s
"
    );
}

/// A table with a long name, one with large numbers, and one that failed.
fn wide() -> RunReport {
    let name = "customer_subscription_invoice_line_items";
    run(vec![
        done(name, Strategy::Incremental, [12_345_678, 1_234_567, 2_345_678, 345_678]),
        ended("orders", Status::Failed, Error::Blocked("no right".into())),
    ])
}

#[test]
fn a_summary_fits_its_page_and_names_are_cut_on_a_terminal_only() {
    let table = |page| {
        let text = summary::summary(&wide(), false, page);
        text.split("\n\n").next().unwrap_or_default().to_owned()
    };
    assert_eq!(
        table(Page::Terminal(80)),
        "\
table                                      inserted    updated  deleted  status
customer_subscription_invoice_line_items  1,234,567  2,345,678  345,678
orders                                        3,000          0        0  failed
total                                     1,237,567  2,345,678  345,678"
    );
    for columns in [60, 80, 132] {
        let text = table(Page::Terminal(columns));
        assert!(text.lines().all(|line| format::width(line) <= columns), "{columns}: {text}");
        assert!(text.contains("customer_sub") && text.contains("2,345,678"), "{text}");
    }
    assert!(table(Page::Terminal(132)).contains("incremental"));
    assert!(table(Page::Paper).contains("customer_subscription_invoice_line_items"));
}

#[test]
fn of_many_tables_those_that_failed_and_those_that_changed_most_come_first() {
    let changed = |n: u64| done(&format!("t{n}"), Strategy::Copy, [n, n, 0, 0]);
    let mut tables: Vec<_> = (0..=40).map(changed).collect();
    tables.push(ended("zebra", Status::Failed, Error::Blocked("no right".into())));
    let text = summary::summary(&run(tables), false, Page::Paper);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("zebra") && lines[2].starts_with("t40 "), "{text}");
    assert_eq!(
        lines[21..24].join("\n"),
        "… 21 more tables changed (231 rows)\n… 1 table unchanged\ntotal            3,820     3,820  3.2s",
        "{text}"
    );
}

#[test]
fn of_many_unchanged_tables_those_are_listed_whose_lag_was_asked_for() {
    let unchanged = |n: u64| done(&format!("t{n}"), Strategy::Incremental, [0; 4]);
    let mut tables: Vec<_> = (0..=40).map(unchanged).collect();
    tables[30].lag = Some(Duration::from_secs(7));
    tables[35].lag = Some(Duration::from_secs(90));
    let text = summary::summary(&run(tables), false, Page::Paper);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("t35 ") && lines[2].starts_with("t30 "), "{text}");
    assert_eq!(lines[3], "… 39 more tables unchanged", "{text}");
}

#[test]
fn a_page_of_a_job_shows_the_summary_in_markdown() {
    let mut report = wide();
    report.notes = vec![
        note(Some("a|b"), NoteLevel::Warning, "<script> is \u{1b}[2J *bold*"),
        note(None, NoteLevel::Warning, "grant select on app.payments to ci_reader"),
        note(None, NoteLevel::Warning, "``a` and `"),
    ];
    report.tables[0].table.name = Ident::new("a|b_c");
    assert_eq!(
        markdown::summary(&report, false),
        "\
### pgsync: NOT in sync: 1 of 2 tables failed

a:5432/shop → b:5432/shop

| table | strategy | rows | inserted | updated | deleted | time | status |
| --- | --- | --: | --: | --: | --: | --: | --- |
| a\\|b\\_c | incremental | 12,345,678 | 1,234,567 | 2,345,678 | 345,678 | 0.8s |  |
| orders | copy | 3,000 | 3,000 | 0 | 0 | 0.8s | failed |
| total |  | 12,348,678 | 1,237,567 | 2,345,678 | 345,678 | 3.2s |  |

- `orders - failed: no right`

- `a|b - warning: <script> is \\u{1b}[2J *bold*`
- `warning: grant select on app.payments to ci_reader`
- ``` warning: ``a` and ` ```
"
    );
}

#[test]
fn a_page_of_a_job_that_never_ran_has_the_heading_and_every_problem() {
    let problems = vec!["unknown flag -paralel".into(), "-source: missing".into()];
    assert_eq!(
        markdown::summary(&RunReport::of_no_run(Error::Config(problems)), false),
        "### pgsync: NOT in sync: wrong usage or configuration\n\n- `unknown flag -paralel`\n- `-source: missing`\n"
    );
}
