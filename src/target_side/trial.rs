//! Rows that are tried against the constraints of a table before any row is written, in a temporary table, which
//! goes with its transaction.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::Target;
use crate::copy_text;
use crate::error::{Error, Result, Side};
use crate::ident::Ident;
use crate::pg::{Session, catalog};
use crate::sql::check;
use crate::sql::check::Check;
use crate::sql::{Literal, Sql, sql};
use crate::table::{Column, Table};

const TRYING: &str = "trying masked rows against check constraints";

/// The temporary table.
const TRIED: &str = "pg_temp.pgsync_tried";

/// Rows that are tried against a condition: COPY text of these columns of a table.
pub struct TriedRows<'a> {
    pub table: &'a Table,
    pub columns: &'a [Ident],
    pub check: &'a Check,
}

impl Target {
    /// The conditions that tables lay down for their rows.
    ///
    /// # Errors
    /// The target's.
    pub async fn checks(&self, tables: &[&Table]) -> Result<Vec<Check>> {
        let mut session = self.session().await?;
        let checks = catalog::checks(&session, tables).await?;
        session.set_clean(true);
        Ok(checks)
    }

    /// For how many rows the condition does not hold, in words that follow its name. Where rows cannot come in at all, their
    /// table's own job says why.
    ///
    /// # Errors
    /// The target's, other than about the rows; the stream's.
    pub async fn breach(
        &self,
        tried: &TriedRows<'_>,
        rows: impl Stream<Item = Result<Bytes>> + Unpin,
    ) -> Result<Option<String>> {
        let mut session = self.session().await?;
        session.run(TRYING, &Sql::trusted("begin")).await?;
        let found = match load(&session, tried, rows).await {
            Ok(()) => counted_breaches(&session, tried.check, &Sql::trusted(TRIED)).await,
            Err(error) => Err(error),
        };
        session.run(TRYING, &Sql::trusted("rollback")).await?;
        session.set_clean(true);
        unless_refused(found)
    }

    /// The same for a role that may make no temporary table: the rows stand in the statements.
    ///
    /// # Errors
    /// As above.
    pub async fn breach_in_statements(
        &self,
        tried: &TriedRows<'_>,
        mut rows: impl Stream<Item = Result<Bytes>> + Unpin,
    ) -> Result<Option<String>> {
        let mut session = self.session().await?;
        session.run(TRYING, &Sql::trusted("begin")).await?;
        let mut counted = Counted::default();
        let (mut part, mut size, mut result) = (Vec::new(), 0, Ok(()));
        while result.is_ok() {
            let row = rows.next().await.transpose()?;
            let is_last = row.is_none();
            if let Some(row) = row {
                let row = composite(tried, &row);
                size += row.len();
                part.push(row);
            }
            if is_last || size > PART {
                result = count(&session, tried, &part, &mut counted).await;
                part.clear();
                size = 0;
            }
            if is_last {
                break;
            }
        }
        session.run(TRYING, &Sql::trusted("rollback")).await?;
        session.set_clean(true);
        unless_refused(result.map(|()| Some(counted)))
    }
}

/// Bytes of rows in one statement, about.
const PART: usize = 256 * 1024;

/// Rows that break a condition, and all that were tried.
#[derive(Clone, Copy, Default)]
struct Counted {
    broken: u64,
    all: u64,
}

/// What is refused is no row of the table, and its own job says why.
fn unless_refused(found: Result<Option<Counted>>) -> Result<Option<String>> {
    match found {
        Err(Error::Database(error))
            if error.side == Side::Target && error.sqlstate.is_some() && !error.is_transient() =>
        {
            Ok(None)
        }
        found => Ok(found?.and_then(|counted| check::told(counted.broken, counted.all))),
    }
}

/// A row of COPY text as the text of a row of the table: `("1","a",)`.
fn composite(tried: &TriedRows<'_>, row: &Bytes) -> String {
    let values: HashMap<&Ident, Option<String>> =
        tried.columns.iter().zip(copy_text::decoded(row)).collect();
    let value = |column: &Column| {
        let value = values.get(&column.name)?.as_ref()?;
        Some(format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\"\"")))
    };
    let fields = tried.table.columns.iter().map(|column| value(column).unwrap_or_default());
    format!("({})", fields.collect::<Vec<_>>().join(","))
}

/// Adds what the condition says of some rows.
async fn count(
    session: &Session,
    tried: &TriedRows<'_>,
    rows: &[String],
    counted: &mut Counted,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let values = rows.iter().map(|row| sql!("({row}::pg_catalog.text)", row = Literal(row)));
    let relation = sql!(
        "(select (p.r).* from (select v.r::{table} as r from (values {values}) v(r) offset 0) p) t",
        table = tried.table.name,
        values = Sql::join(values, ", ")
    );
    if let Some(new) = counted_breaches(session, tried.check, &relation).await? {
        counted.broken += new.broken;
        counted.all += new.all;
    }
    Ok(())
}

/// What a condition says of rows; nothing where it cannot be evaluated.
async fn counted_breaches(session: &Session, check: &Check, rows: &Sql) -> Result<Option<Counted>> {
    session.run(TRYING, &Sql::trusted("savepoint pgsync_try")).await?;
    match session.run_alone(TRYING, &check.count_breaches(rows)).await {
        Ok(()) => {
            let row = session.row(TRYING, &Sql::trusted(check::BREACHES)).await?;
            Ok(Some(Counted { broken: row.count(0)?, all: row.count(1)? }))
        }
        Err(Error::Database(error)) if error.sqlstate.is_some() && !error.is_transient() => {
            let back = Sql::trusted("rollback to savepoint pgsync_try");
            session.run(TRYING, &back).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn load(
    session: &Session,
    tried: &TriedRows<'_>,
    mut rows: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<()> {
    let names = Sql::join(tried.columns, ", ");
    let create = sql!(
        "create temporary table pgsync_tried on commit drop as select * from {table} with no data",
        table = tried.table.name
    );
    session.run(TRYING, &create).await?;
    let copy =
        sql!("copy {tried} ({names}) from stdin", tried = Sql::trusted(TRIED), names = names);
    let copy = session.prepare_copy_in(TRYING, &copy).await?;
    let mut sink = session.copy_in(&copy).await?;
    while let Some(row) = rows.next().await {
        sink.push(row?).await?;
    }
    sink.finish().await.map(|_| ())
}
