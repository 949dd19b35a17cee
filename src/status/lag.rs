//! How far the target is behind: from the newest timestamp of each of its tables to that of the source. The
//! only part of a status that needs the source.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::TableStatus;
use crate::config::Settings;
use crate::error::{Result, Side};
use crate::ident::{Ident, TableName};
use crate::pg;
use crate::pg::{Pool, PooledSession, Row, rights};
use crate::sql::{Sql, newest};

const ACTION: &str = "looking how far the target is behind";

/// Measures each table that has the timestamp column on both sides; says which of them the roles may not read.
///
/// # Errors
/// The source's or the target's.
pub(super) async fn measure(
    settings: &Settings,
    tables: &mut [TableStatus],
) -> Result<Vec<String>> {
    let theirs: Vec<TimedTable> = tables
        .iter()
        .map(|table| {
            let name = settings.source_name_of(&table.table);
            TimedTable { column: settings.rules.effective(&name).timestamp_column, name }
        })
        .collect();
    let ours = tables.iter().zip(&theirs).map(|(table, theirs)| {
        let rules = settings.rules.effective(&theirs.name);
        TimedTable {
            name: table.table.clone(),
            column: rules.target_column(&theirs.column).clone(),
        }
    });
    let ours: Vec<TimedTable> = ours.collect();
    let session =
        || pg::Settings { lock_timeout: settings.lock_timeout, ..pg::Settings::default() };
    let source = Pool::new(settings.source.postgres("status -lag")?, Side::Source, 1, session())?;
    let target = Pool::new(&settings.target, Side::Target, 1, session())?;
    // The target first: what comes to the source meanwhile counts.
    let measured = async {
        let target = newest_of(&target.get().await?, &ours).await?;
        let source = newest_of(&source.get().await?, &theirs).await?;
        Ok([source, target])
    };
    let measured: Result<[Newest; 2]> = measured.await;
    source.close(None).await;
    target.close(None).await;
    let [source, target] = measured?;
    let ends = source.seconds.into_iter().zip(target.seconds);
    for (table, (source, target)) in tables.iter_mut().zip(ends) {
        let seconds = source.zip(target).map(|(source, target)| (source - target).max(0.0));
        table.lag = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    }
    Ok([source.denied, target.denied].concat())
}

/// The newest timestamps of one side.
struct Newest {
    /// In the order of the tables.
    seconds: Vec<Option<f64>>,
    /// What is said of tables that the role may not read.
    denied: Vec<String>,
}

/// A table of one side, and the column by which its changes are found.
struct TimedTable {
    name: TableName,
    column: Ident,
}

/// The newest timestamp of each table of one side, in their order.
async fn newest_of(session: &PooledSession, tables: &[TimedTable]) -> Result<Newest> {
    let columns: BTreeSet<&Ident> = tables.iter().map(|table| &table.column).collect();
    let mut timed: Vec<&TimedTable> = Vec::new();
    for column in columns {
        let of_column = || tables.iter().filter(|table| table.column == *column);
        let names = of_column().map(|table| &table.name);
        let known = session.rows(ACTION, &newest::with_timestamp(column, names)).await?;
        let known: HashSet<TableName> = known
            .iter()
            .filter_map(|row| Some(TableName::new(row.text(0)?, row.text(1)?)))
            .collect();
        timed.extend(of_column().filter(|table| known.contains(&table.name)));
    }
    let newest = timed.iter().map(|table| newest::newest(&table.name, &table.column));
    let newest: Vec<Sql> = newest.collect();
    let mut denied = Vec::new();
    let answers = match session.query_all(ACTION, &Sql::join(&newest, "; ")).await {
        Err(error) if error.sqlstate() == Some("42501") => {
            one_by_one(session, &newest, &mut denied).await?
        }
        answers => answers?,
    };
    let number = |rows: &Vec<Row>| rows.first()?.text(0)?.parse().ok();
    let place = |name: &TableName| timed.iter().position(|timed| timed.name == *name);
    let number_of = |table: &TimedTable| number(answers.get(place(&table.name)?)?);
    Ok(Newest { seconds: tables.iter().map(number_of).collect(), denied })
}

/// Asks of each table alone: those that the role may not read have no answer, and are said.
async fn one_by_one(
    session: &PooledSession,
    statements: &[Sql],
    denied: &mut Vec<String>,
) -> Result<Vec<Vec<Row>>> {
    let mut answers = Vec::new();
    for statement in statements {
        match session.rows(ACTION, statement).await {
            Err(error) if error.sqlstate() == Some("42501") => {
                let error = rights::explained_of(session, error, true, statement.as_str()).await;
                denied.push(error.to_string());
                answers.push(Vec::new());
            }
            rows => answers.push(rows?),
        }
    }
    Ok(answers)
}
