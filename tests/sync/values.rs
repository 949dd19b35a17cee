//! The test language for values: tables whose columns take turns through lists of values, followed
//! by every strategy, and runs that find nothing without a row on its way.

use crate::support::{Outcome, Pair};

/// A column's type and its values as SQL, without the type: `'NaN'`, `null`.
pub type Column<'a> = (&'a str, &'a [&'a str]);

/// Rows of the large tables.
const MANY: u64 = 5_000;

/// Makes tables of these columns on both sides, fills those of the source, and follows them:
/// `one` row, `many` rows, and `plain` without a timestamp, `loose` without a key.
pub async fn carried(db: &Pair, columns: &[Column<'_>]) {
    let names: Vec<String> = (1..=columns.len()).map(|number| format!("c{number}")).collect();
    let types = columns.iter().zip(&names).map(|((kind, _), name)| format!("{name} {kind}"));
    let types = types.collect::<Vec<_>>().join(", ");
    let stamp = "updated_at timestamptz not null default '2024-01-01'";
    db.both(&format!(
        "create table one (id int primary key, {types}, {stamp});
         create table many (id int primary key, {types}, {stamp});
         create table plain (id int primary key, {types}); create table loose (n int, {types})"
    ))
    .await;
    let names = names.join(", ");
    for (table, id, rows) in
        [("one", "id", 1), ("many", "id", MANY), ("plain", "id", MANY), ("loose", "n", 100)]
    {
        let values = take_turns(columns, "i");
        let insert = format!("insert into {table} ({id}, {names}) select i, {values}");
        db.source(&format!("{insert} from generate_series(1, {rows}) i")).await;
    }
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    nothing_travels(db).await;

    let next = take_turns(columns, "(id + 1)");
    for table in ["one", "many"] {
        let change = format!("update {table} set ({names}, updated_at) = ({next}, now())");
        db.source(&format!("{change} where id % 50 = 1")).await;
    }
    let insert = format!("insert into many (id, {names}) select i, {}", take_turns(columns, "i"));
    db.source(&format!("update plain set ({names}) = row({next}) where id % 500 = 3")).await;
    db.source("delete from many where id % 500 = 4; delete from loose where n = 4").await;
    db.source(&format!("{insert} from generate_series(5001, 5020) i")).await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    nothing_travels(db).await;
}

/// The bytes of an infinite interval are those of the longest one before PostgreSQL 17.
#[tokio::test]
async fn an_interval_is_infinite_on_both_sides_or_fails_its_table() {
    let db = Pair::fresh().await;
    let version = "select current_setting('server_version_num')::int >= 170000";
    let [here, there] = [db.source_value(version).await, db.target_value(version).await];
    let longest = "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807";
    let value = if here == "t" { "infinity" } else { longest };
    db.source(&format!(
        "create table one (id int primary key, i interval); insert into one values (1, '{value}'); \
         create table many (id int primary key, i interval[]); insert into many values (1, array['{value}'::interval])"
    ))
    .await;
    for _ in 0..2 {
        let run = db.sync().await;
        if here == there {
            run.expect_ok();
            db.assert_all_same().await;
            continue;
        }
        let run = run.expect_exit(1);
        for table in ["one", "many"] {
            run.table(table).error.expect("an error");
        }
    }
}

/// Whole rows are compared, found equal, and none is read.
pub async fn nothing_travels(db: &Pair) -> Outcome {
    let run = db.sync().args(&["-reconcile"]).await.expect_unchanged();
    let rows: Vec<_> = run.tables().iter().filter(|t| t.processed > 0).cloned().collect();
    assert!(rows.is_empty(), "rows of equal tables travelled: {rows:?} in {run}");
    run
}

/// One expression per column that gives row number `row` its value, each column at another place
/// of its list.
fn take_turns(columns: &[Column<'_>], row: &str) -> String {
    let cases = columns.iter().enumerate().map(|(number, (kind, values))| {
        let whens = values.iter().enumerate();
        let whens: Vec<_> = whens.map(|(at, v)| format!("when {at} then {v}::{kind}")).collect();
        format!("case ({row} + {number}) % {} {} end", values.len(), whens.join(" "))
    });
    cases.collect::<Vec<_>>().join(", ")
}
