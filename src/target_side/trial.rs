//! Rows that are tried against the constraints of a table before any row is written: in a temporary table, which
//! goes with its transaction.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::Target;
use crate::error::{Error, Result, Side};
use crate::ident::Ident;
use crate::pg::{Session, catalog};
use crate::sql::check;
use crate::sql::check::Check;
use crate::sql::{Sql, sql};
use crate::table::Table;

const TRYING: &str = "trying masked rows against check constraints";

/// The temporary table.
const TRIED: &str = "pg_temp.pgsync_tried";

/// Rows that are tried: COPY text of these columns of a table.
pub struct TriedRows<'a> {
    pub table: &'a Table,
    pub columns: &'a [Ident],
    pub checks: &'a [&'a Check],
}

/// A condition that does not hold.
pub struct Breach {
    /// Its place among those that were tried.
    pub check: usize,
    /// Why, in words that follow its name.
    pub told: String,
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

    /// Which of the conditions do not hold. Where rows cannot come in at all, their table's own job says why.
    ///
    /// # Errors
    /// The target's, other than about the rows; the stream's.
    pub async fn breaches(
        &self,
        tried: &TriedRows<'_>,
        rows: impl Stream<Item = Result<Bytes>> + Unpin,
    ) -> Result<Vec<Breach>> {
        let mut session = self.session().await?;
        session.run(TRYING, &Sql::trusted("begin")).await?;
        let found = match load(&session, tried, rows).await {
            Ok(()) => broken(&session, tried.checks).await,
            Err(error) => Err(error),
        };
        session.run(TRYING, &Sql::trusted("rollback")).await?;
        session.set_clean(true);
        match found {
            Err(Error::Database(error))
                if error.side == Side::Target
                    && error.sqlstate.is_some()
                    && !error.is_transient() =>
            {
                Ok(Vec::new())
            }
            found => found,
        }
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

async fn broken(session: &Session, checks: &[&Check]) -> Result<Vec<Breach>> {
    let mut broken = Vec::new();
    for (place, check) in checks.iter().enumerate() {
        session.run(TRYING, &Sql::trusted("savepoint pgsync_try")).await?;
        let counted = session.run_alone(TRYING, &check.count_breaches(&Sql::trusted(TRIED))).await;
        match counted {
            Ok(()) => {
                let row = session.row(TRYING, &Sql::trusted(check::BREACHES)).await?;
                let told = check::told(row.count(0)?, row.count(1)?);
                broken.extend(told.map(|told| Breach { check: place, told }));
            }
            Err(Error::Database(error)) if error.sqlstate.is_some() && !error.is_transient() => {
                let back = Sql::trusted("rollback to savepoint pgsync_try");
                session.run(TRYING, &back).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(broken)
}
