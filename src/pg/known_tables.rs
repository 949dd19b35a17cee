//! What tables were at the last reading of a catalog, for runs that follow each other: a table whose description is
//! the same is neither sent nor read once more. The server describes every table each time all the same, so nothing
//! here can be out of date.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::catalog::{parse, unread};
use super::session::Session;
use crate::error::{Error, Result};
use crate::sql::{Literal, Sql, sql};
use crate::table::Table;

/// Of more tables than this nothing is kept: a program that sleeps would hold some 5 kB for each.
const MOST_TABLES: usize = 2_000;

/// Tables of one side, by the digest of the text that describes them.
#[derive(Debug, Default)]
pub struct KnownTables(Mutex<HashMap<String, Table>>);

impl KnownTables {
    /// Sends a statement that describes tables; gives all of them, in its order.
    ///
    /// # Errors
    /// The server's, and an answer that cannot be read.
    pub(super) async fn read(
        &self,
        session: &Session,
        doing: &str,
        catalog: &Sql,
    ) -> Result<Vec<Table>> {
        let statement = self.statement(catalog);
        let rows = session.rows(doing, &statement).await?;
        let mut known = self.all();
        let mut found = HashMap::new();
        let mut tables = Vec::with_capacity(rows.len());
        for row in &rows {
            let digest = row.needed(0)?;
            let table = match row.text(1) {
                Some(text) => parse(text).map_err(|error| unread(session, doing, &error))?,
                // A table that the answer names twice is refused by its name.
                None => known
                    .remove(digest)
                    .or_else(|| found.get(digest).cloned())
                    .ok_or_else(not_known)?,
            };
            if rows.len() <= MOST_TABLES {
                found.insert(digest.to_owned(), table.clone());
            }
            tables.push(table);
        }
        *known = found;
        Ok(tables)
    }

    /// `digest, description` of each table, without the description where it is known.
    fn statement(&self, catalog: &Sql) -> Sql {
        let digests = Vec::from_iter(self.all().keys().cloned()).join(" ");
        let digests = sql!("{digests}", digests = Literal(&digests));
        let holes: &[(&str, &Sql)] = &[("digests", &digests), ("catalog", catalog)];
        Sql::filled(include_str!("known_tables.sql"), holes)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Table>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_known() -> Error {
    Error::Internal("a catalog answer leaves out a table that is not known".to_owned())
}
