//! Timestamps of a file, in every form.

use crate::app::App;
use crate::support::Pair;

/// Three moments in a form: 1969, a leap day, after 2038; with the form's name where only somebody can tell.
const FORMS: &[(&str, &str, [&str; 3])] = &[
    ("blank", "", ["'1969-07-20 20:17:40'", "'2024-02-29 12:30:45'", "'2038-01-19 03:14:08'"]),
    ("letter", "", ["'1969-07-20T20:17:40'", "'2024-02-29T12:30:45.000'", "'2038-01-19T03:14:08'"]),
    ("zulu", "", ["'1969-07-20T20:17:40Z'", "'2024-02-29 12:30:45'", "'2038-01-19T03:14:08Z'"]),
    (
        "distant",
        "",
        ["'1969-07-20 22:17:40+02:00'", "'2024-02-29 12:30:45Z'", "'2038-01-18 22:14:08-0500'"],
    ),
    (
        "go",
        "",
        [
            "'1969-07-20 20:17:40 +0000 UTC'",
            "'2024-02-29 12:30:45.0 +0000 UTC m=+0.01'",
            "'2038-01-19 03:14:08.000000000 +0000 UTC'",
        ],
    ),
    ("seconds", "", ["-14182940", "1709209845", "2147483648"]),
    ("fraction", "", ["-14182940.0", "1709209845.0", "2147483648.0"]),
    ("millis", "unixms", ["-14182940000", "1709209845000", "2147483648000"]),
    ("micros", "unixus", ["-14182940000000", "1709209845000000", "2147483648000000"]),
    ("nanos", "unixns", ["-14182940000000000", "1709209845000000000", "2147483648000000000"]),
    ("julian", "", ["2440423.34560185", "2460370.02135417", "2465442.63481481"]),
    ("apple", "apple", ["-992490140", "730902645", "1169176448"]),
    ("webkit", "webkit", ["11630290660000000", "13353683445000000", "13791957248000000"]),
    ("ticks", "ticks", ["621214138600000000", "638448066450000000", "642830804480000000"]),
];

const EXPECTED: &str = "1969-07-20 20:17:40+00, 2024-02-29 12:30:45+00, 2038-01-19 03:14:08+00";

#[tokio::test]
async fn every_form_means_the_same_instants() {
    let app = App::empty();
    let db = Pair::fresh().await;
    let mut timestamps = Vec::new();
    for (name, form, values) in FORMS {
        // A column without a type keeps values as they are.
        app.run(&format!("create table {name} (id integer primary key, at)"));
        for (place, value) in values.iter().enumerate() {
            app.run(&format!("insert into {name} values ({place}, {value})"));
        }
        db.target(&format!("create table {name} (id int primary key, at timestamptz)")).await;
        if !form.is_empty() {
            timestamps.push(format!("{name}.at={form}"));
        }
    }
    let timestamps = timestamps.join(",");
    let sync = || app.sync(&db).args(&["-timestamps", &timestamps]);
    sync().await.expect_ok();
    for (name, ..) in FORMS {
        let found = format!(
            "set timezone = 'UTC'; select string_agg(date_trunc('second', at + interval '0.5 s')::text, ', ' order by id) from {name}"
        );
        assert_eq!(db.target_value(&found).await, EXPECTED, "{name}");
    }
    sync().await.expect_unchanged();
}

#[tokio::test]
async fn a_column_of_several_forms_fails_by_name_and_changes_nothing() {
    let app = App::with(
        "create table event (id integer primary key, at integer); \
         insert into event values (1, 1709209845), (2, 1709209845000); \
         create table other (id integer primary key); insert into other values (1);",
    );
    let db = Pair::fresh().await;
    db.target("create table event (id int primary key, at timestamptz); create table other (id int primary key)")
        .await;
    let run = app.sync(&db).await.expect_exit(1);
    run.expect_said(
        "column \"at\" holds timestamps of several forms (seconds since 1970: 1, milliseconds since 1970: 1)",
    );
    assert_eq!(db.target_value("select count(*) from event").await, "0");
    assert_eq!(db.target_value("select count(*) from other").await, "1");
}

#[tokio::test]
async fn a_form_that_there_is_not_is_an_error_of_the_configuration() {
    let app = App::with("create table event (id integer primary key, at integer);");
    let db = Pair::fresh().await;
    db.target("create table event (id int primary key, at timestamptz)").await;
    for (given, said) in [
        ("event.at=roman", "must be one of: text, unix"),
        ("event.when=unix", "the file has no column event.when"),
        ("event=unix", "is not TABLE.COLUMN=FORM"),
    ] {
        app.sync(&db).args(&["-timestamps", given]).await.expect_exit(2).expect_said(said);
    }
}

#[tokio::test]
async fn the_run_that_creates_a_column_finds_the_form_of_its_moments() {
    let app = App::with(
        "create table item (id integer primary key, at timestamp with time zone, day date); \
         insert into item values (1, 1700000000123, 1704067200), (2, 1700000001000, 1704153600);",
    );
    let db = Pair::fresh().await;
    app.sync(&db).await.expect_ok().expect_changes("item", (2, 0, 0));
    let rows = "set timezone = 'UTC'; select string_agg(concat_ws('|', id, at, day), ' ' order by id) from item";
    assert_eq!(
        db.target_value(rows).await,
        "1|2023-11-14 22:13:20.123+00|2024-01-01 2|2023-11-14 22:13:21+00|2024-01-02"
    );
    app.sync(&db).await.expect_unchanged();
}

/// More rows than show a run at first how timestamps are written.
const MANY: &str = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1500)";

#[tokio::test]
async fn a_form_that_only_later_rows_have_counts_as_well() {
    let app = App::with(&format!(
        "create table event (id integer primary key, at datetime, day date, gone datetime); \
         {MANY} insert into event select i, datetime(1700000000 + i, 'unixepoch'), '2024-01-02', null from n;"
    ));
    let db = Pair::fresh().await;
    db.target(
        "create table event (id int primary key, at timestamptz, day date, gone timestamptz)",
    )
    .await;
    app.sync(&db).await.expect_ok().expect_changes("event", (1500, 0, 0));
    let at =
        "set timezone = 'UTC'; select concat_ws('|', at, day, gone) from event where id = 1500";
    // All are in UTC then; and where none was, there is a number now.
    app.run("update event set at = '2024-02-29T12:30:45Z', gone = 1709209845 where id = 1500");
    app.sync(&db).await.expect_ok().expect_changes("event", (0, 1, 0));
    let expected = "2024-02-29 12:30:45+00|2024-01-02|2024-02-29 12:30:45+00";
    assert_eq!(db.target_value(at).await, expected);
    for (change, back, said) in [
        (
            "at = '2024-02-29 14:30:45+02:00'",
            "at = '2024-02-29T12:30:45Z'",
            "column \"at\" holds timestamps of several forms (text without an offset: 1499, text with an offset: 1)",
        ),
        (
            "day = '2024-01-03 00:00+02:00'",
            "day = '2024-01-02'",
            "column \"day\" holds timestamps of several forms (text without an offset: 1499, text with an offset: 1)",
        ),
        (
            "at = 'soon'",
            "at = '2024-02-29T12:30:45Z'",
            "row (id) = (1500): column \"at\" holds what the target cannot hold",
        ),
    ] {
        app.run(&format!("update event set {change} where id = 1500"));
        app.sync(&db).await.expect_exit(1).expect_said(said);
        assert_eq!(db.target_value(at).await, expected, "{change}");
        app.run(&format!("update event set {back} where id = 1500"));
    }
    app.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_column_whose_form_is_given_is_made_for_instants() {
    let app = App::with(
        "create table message (id integer primary key, date integer, day date, size integer); \
         insert into message values (1, 730902645, 730857600, 5)",
    );
    let db = Pair::fresh().await;
    let given = "message.date=apple,message.day=apple";
    app.sync(&db).args(&["-timestamps", given]).await.expect_ok();
    let row = "set timezone = 'UTC'; select concat_ws(' ', date, day, size, pg_typeof(date)) from message";
    assert_eq!(
        db.target_value(row).await,
        "2024-02-29 12:30:45+00 2024-02-29 5 timestamp with time zone"
    );
    app.sync(&db).args(&["-timestamps", given]).await.expect_unchanged();
    let run = app.sync(&db).args(&["-timestamps", "message.size=unix"]).await;
    run.expect_note(
        "column \"size\" is bigint on the target: the form that \"timestamps\" gives it",
    );
}
