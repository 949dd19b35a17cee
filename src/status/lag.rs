//! How far the target is behind: from the newest timestamp of each of its tables to that of the source. The
//! only part of a status that needs the source.

use std::collections::HashSet;
use std::time::Duration;

use super::TableStatus;
use crate::config::Settings;
use crate::error::{Result, Side};
use crate::ident::TableName;
use crate::pg;
use crate::pg::{Pool, PooledSession, Row};
use crate::sql::{Sql, newest};

const ACTION: &str = "looking how far the target is behind";

/// Measures each table that has the timestamp column on both sides.
///
/// # Errors
/// The source's or the target's.
pub(super) async fn measure(settings: &Settings, tables: &mut [TableStatus]) -> Result<()> {
    let ours: Vec<TableName> = tables.iter().map(|table| table.table.clone()).collect();
    let theirs: Vec<TableName> = ours.iter().map(|table| settings.source_name_of(table)).collect();
    let session =
        || pg::Settings { lock_timeout: settings.lock_timeout, ..pg::Settings::default() };
    let source = Pool::new(settings.source.postgres("status -lag")?, Side::Source, 1, session())?;
    let target = Pool::new(&settings.target, Side::Target, 1, session())?;
    // The target first: what comes to the source meanwhile counts.
    let measured = async {
        let target = newest_of(&target.get().await?, settings, &ours).await?;
        let source = newest_of(&source.get().await?, settings, &theirs).await?;
        Ok([source, target])
    };
    let measured: Result<[Vec<Option<f64>>; 2]> = measured.await;
    source.close(None).await;
    target.close(None).await;
    let [source, target] = measured?;
    for (table, (source, target)) in tables.iter_mut().zip(source.into_iter().zip(target)) {
        let seconds = source.zip(target).map(|(source, target)| (source - target).max(0.0));
        table.lag = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    }
    Ok(())
}

/// The newest timestamp of each table of one side, in their order.
async fn newest_of(
    session: &PooledSession,
    settings: &Settings,
    tables: &[TableName],
) -> Result<Vec<Option<f64>>> {
    let column = &settings.timestamp;
    let known = session.rows(ACTION, &newest::with_timestamp(column, tables.iter())).await?;
    let known: HashSet<TableName> =
        known.iter().filter_map(|row| Some(TableName::new(row.text(0)?, row.text(1)?))).collect();
    let timed: Vec<&TableName> = tables.iter().filter(|table| known.contains(*table)).collect();
    let newest = timed.iter().map(|table| newest::newest(table, column));
    let answers = session.query_all(ACTION, &Sql::join(newest, "; ")).await?;
    let number = |rows: &Vec<Row>| rows.first()?.text(0)?.parse().ok();
    let place = |table: &TableName| timed.iter().position(|timed| *timed == table);
    Ok(tables.iter().map(|table| number(answers.get(place(table)?)?)).collect())
}
