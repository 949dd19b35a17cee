//! The one JSON object.

use crate::report::json;
use crate::report::tests::*;
use crate::stop::Signal;

#[test]
fn the_json_object_has_the_promised_shape() {
    let mut report = run(vec![
        TableOutcome { strategy: None, ..ended("orders", Status::Failed, check_violation()) },
        TableOutcome {
            watermark: Some("2024-12-13T15:25:30.5Z".into()),
            retries: 1,
            ..done("users", Strategy::Incremental, [1204, 12, 40, 3])
        },
    ]);
    report.notes = vec![
        note(Some("users"), NoteLevel::Notice, "no \"key\""),
        note(None, NoteLevel::Detail, "x"),
    ];
    report.retries = 2;
    let expected = concat!(
        r#"{"pgsync":"VERSION","run_id":"0193c1","source":"a:5432/shop","target":"b:5432/shop","#,
        r#""status":"failed","exit_status":1,"dry_run":false,"started":"2024-12-13T15:30:45Z","#,
        r#""elapsed_seconds":3.21,"retries":2,"tables":["#,
        r#"{"schema":"public","table":"orders","strategy":null,"status":"failed","#,
        r#""rows_processed":3000,"rows_inserted":3000,"rows_updated":0,"rows_deleted":0,"#,
        r#""batches":3,"bytes":300000,"elapsed_seconds":0.812,"watermark":null,"lag_seconds":null,"retries":0,"#,
        r#""error":{"message":"target while writing a batch: new row for relation \"orders\" "#,
        r#"violates check constraint \"orders_sum\" (SQLSTATE 23514)","sqlstate":"23514","#,
        r#""constraint":"orders_sum","hint":"look at it","detail":null}},"#,
        r#"{"schema":"public","table":"users","strategy":"incremental","status":"success","#,
        r#""rows_processed":1204,"rows_inserted":12,"rows_updated":40,"rows_deleted":3,"#,
        r#""batches":2,"bytes":120400,"elapsed_seconds":0.812,"#,
        r#""watermark":"2024-12-13T15:25:30.5Z","lag_seconds":null,"retries":1,"error":null}],"#,
        r#""totals":{"rows_processed":4204,"rows_inserted":3012,"rows_updated":40,"#,
        r#""rows_deleted":3,"batches":5,"bytes":420400},"#,
        r#""notes":[{"table":"public.users","level":"notice","text":"no \"key\""},"#,
        r#"{"table":null,"level":"detail","text":"x"}],"error":null}"#,
        "\n"
    )
    .replace("VERSION", env!("CARGO_PKG_VERSION"));
    assert_eq!(json::object(&report, false).expect("json"), expected);
    let detail =
        expected.replace(r#""detail":null"#, r#""detail":"Failing row contains (1, secret).""#);
    assert_eq!(json::object(&report, true).expect("json"), detail);
}

#[test]
fn the_json_object_names_the_end_of_a_run() {
    let cases = [
        (Error::Stopped(Signal::Terminate), r#""status":"interrupted","exit_status":143,"#),
        (Error::Refused("x".into()), r#""status":"refused","exit_status":5,"#),
        (Error::Locked("x".into()), r#""status":"locked","exit_status":4,"#),
        (Error::Config(vec!["x".into()]), r#""status":"invalid","exit_status":2,"#),
        (check_violation(), r#""status":"failed","exit_status":1,"#),
    ];
    for (error, status) in cases {
        let object = json::object(&RunReport { error: Some(error), ..run(Vec::new()) }, false);
        assert!(object.as_ref().is_ok_and(|text| text.contains(status)), "{object:?}");
    }
}
