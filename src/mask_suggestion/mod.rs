//! `pgsync mask suggest`: which columns of the source look personal, by their names and by what a sample of their
//! values looks like. The values are judged on the server: only counts travel.

mod dictionary;
mod judge;
mod printed;

use crate::config::Settings;
use crate::error::{Error, Result, Side};
use crate::pg::{self, Pool, Session, catalog};
use crate::select;
use crate::sql::Sql;
use crate::sql::samples::{self, Look};
use crate::table::{ForeignKey, Table};
use judge::{Judged, judge};

/// What was found in one table.
pub(crate) struct JudgedTable<'a> {
    table: &'a Table,
    columns: Vec<Judged<'a>>,
}

/// A config file with a mask for each column that looks personal, and why.
///
/// # Errors
/// What concerns the source; a table whose rows the role may not read.
pub async fn suggest(settings: &Settings) -> Result<String> {
    let session = pg::Settings { lock_timeout: settings.lock_timeout, ..pg::Settings::default() };
    let pool = Pool::new(settings.source.postgres("mask suggest")?, Side::Source, 1, session)?;
    let session = pool.get().await?;
    session.run("beginning to read", &Sql::trusted(BEGIN)).await?;
    let server = catalog::server(&session).await?;
    let tables = catalog::tables(&session, &settings.schemas, server.user_types).await?;
    let keys = catalog::foreign_keys(&session, &settings.schemas).await?;
    let names: Vec<_> = tables.iter().map(|table| table.name.clone()).collect();
    let selected = select::select(&names, &[], &settings.include, &settings.exclude)?.tables;
    let mut judged = Vec::new();
    for table in tables.iter().filter(|table| selected.contains(&table.name)) {
        judged.push(look_at(&session, table, &keys).await?);
    }
    session.run("ending the reading", &Sql::trusted("rollback")).await?;
    Ok(printed::config(&judged))
}

/// All names in what is evaluated lead to the server's own objects.
const BEGIN: &str =
    "begin transaction isolation level repeatable read read only; set local search_path = ''";

async fn look_at<'a>(
    session: &Session,
    table: &'a Table,
    keys: &[ForeignKey],
) -> Result<JudgedTable<'a>> {
    let statement = samples::of(table);
    let row =
        session.row("looking at a sample", &statement).await.map_err(|error| told(table, error))?;
    let per_column = Look::ALL.len() + 1;
    let mut judged = Vec::new();
    for (index, column) in table.columns.iter().enumerate() {
        let count = |place: usize| row.count(index * per_column + place);
        let values = count(0)?;
        let counts = (1..per_column).map(count).collect::<Result<Vec<u64>>>()?;
        let found = Look::ALL.into_iter().zip(counts).collect();
        let is_child = keys
            .iter()
            .any(|key| key.child == table.name && key.child_columns.contains(&column.name));
        judged.push(judge(table, column, &judge::Sample { values, found, is_child }));
    }
    Ok(JudgedTable { table, columns: judged })
}

/// The error of a table, without the server's text, which may show a value.
fn told(table: &Table, error: Error) -> Error {
    match error {
        Error::Database(mut error) if error.sqlstate.as_deref() != Some("42501") => {
            error.message = format!("a sample of {} cannot be looked at", table.name);
            error.detail = None;
            Error::Database(error)
        }
        other => other,
    }
}
