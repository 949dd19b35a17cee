//! What values occur in columns whose declaration leaves it open.

use rusqlite::Connection;

use super::failure;
use super::row::raw;
use super::snapshot::Wanted;
use super::values::Observed;
use crate::error::Result;
use crate::ident::Ident;
use crate::sql::{Sql, sql};

const LOOKING: &str = "looking at the values of columns";

/// Which rows of a table are looked at.
#[derive(Clone, Copy, Debug)]
pub enum Looked {
    All,
    /// So many, whichever come first.
    First(u64),
}

/// A column, and what was seen of it.
pub struct SeenColumn {
    pub name: Ident,
    pub observed: Observed,
}

/// Blocks: looks at the values of some columns of a table.
///
/// # Errors
/// SQLite's, and that nobody waits any more.
pub fn columns(
    connection: &Connection,
    wanted: &Wanted,
    table: &Ident,
    mut columns: Vec<SeenColumn>,
    looked: Looked,
) -> Result<Vec<Observed>> {
    let told = |error: rusqlite::Error| failure::of(LOOKING, &error);
    let names = Sql::join(columns.iter().map(|column| &column.name), ", ");
    let limit = match looked {
        Looked::All => Sql::trusted(""),
        Looked::First(rows) => sql!(" limit {rows}", rows = rows),
    };
    let statement =
        sql!("select {names} from {table}{limit}", names = names, table = table, limit = limit);
    let mut statement = connection.prepare(statement.as_str()).map_err(told)?;
    let mut rows = statement.query([]).map_err(told)?;
    let mut seen = 0_u64;
    while let Some(row) = rows.next().map_err(told)? {
        seen += 1;
        if seen.is_multiple_of(1024) {
            wanted.check()?;
        }
        for (place, column) in columns.iter_mut().enumerate() {
            column.observed.add(raw(row.get_ref(place).map_err(told)?));
        }
    }
    Ok(columns.into_iter().map(|column| column.observed).collect())
}
