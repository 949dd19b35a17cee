//! Where sequences stand, and which of them are there.

use std::collections::HashMap;

use serde::Deserialize;

use super::catalog::{names, objects};
use super::session::Session;
use crate::error::{Cause, Error, Result};
use crate::ident::{Ident, TableName};
use crate::sql::{Literal, Sql, sql};

/// Where the sequences of `schemas` stand, as far as the role may know.
#[derive(Debug, Default)]
pub struct SequenceValues {
    /// Of those of tables, by name.
    pub of_tables: HashMap<TableName, i64>,
    /// All of them.
    pub all: Vec<SequenceValue>,
}

/// A sequence, and where it stands.
#[derive(Clone, Debug, Deserialize)]
pub struct SequenceValue {
    #[serde(flatten)]
    pub name: TableName,
    /// Whether no column owns it or draws from it by default.
    pub free: bool,
    /// Whether the role may not read it.
    #[serde(default)]
    pub hidden: bool,
    /// The number that it gave last, if it has given one.
    pub last: Option<i64>,
}

/// How often sequences are read before a round is lost to those that somebody drops meanwhile.
const TRIES: u32 = 10;

/// Not for a session inside a transaction.
pub async fn sequence_values(session: &Session, schemas: &[Ident]) -> Result<SequenceValues> {
    let statement = Sql::filled(include_str!("sequences.sql"), &[("schemas", &names(schemas))]);
    let mut tries = 1;
    let values: Vec<SequenceValue> = loop {
        match objects(session, "reading sequences", &statement).await.map_err(unless_dropped) {
            // A pause would help nobody: the next one may be dropped at any time.
            Err(error) if error.outdates_snapshot() && tries < TRIES => tries += 1,
            values => break values?,
        }
    };
    let of_tables = values.iter().filter(|value| !value.free);
    let of_tables = of_tables.filter_map(|value| Some((value.name.clone(), value.last?))).collect();
    Ok(SequenceValues { of_tables, all: values })
}

/// A sequence is read by its name, too: what has none any more is an undefined table or schema.
fn unless_dropped(error: Error) -> Error {
    match error {
        Error::Database(mut error)
            if matches!(error.sqlstate.as_deref(), Some("42P01" | "3F000")) =>
        {
            error.sqlstate = None;
            error.cause = Cause::Snapshot;
            Error::Database(error)
        }
        error => error,
    }
}

/// A sequence that is there.
#[derive(Debug, Deserialize)]
pub struct KnownSequence {
    #[serde(flatten)]
    pub name: TableName,
    /// What it gave last, if it gave something and the role may read it.
    pub last: Option<i64>,
    /// Negative for one that descends.
    pub increment: i64,
    pub least: i64,
    pub greatest: i64,
    /// Whether the role may read and set it.
    pub settable: bool,
    /// Whether a column owns it or draws from it by default.
    pub drawn: bool,
}

/// Those of some sequences that are there.
pub async fn known_sequences(
    session: &Session,
    sequences: &[TableName],
) -> Result<Vec<KnownSequence>> {
    let name = |name: &TableName| format!("{}.{}", name.schema.as_str(), name.name.as_str());
    let listed: Vec<String> = sequences.iter().map(name).collect();
    let listed = Sql::join(listed.iter().map(|name| Literal(name)), ", ");
    let listed = sql!("array[{listed}]", listed = listed);
    let statement = Sql::filled(include_str!("free_sequences.sql"), &[("names", &listed)]);
    let known: Vec<KnownSequence> = objects(session, "looking for sequences", &statement).await?;
    Ok(known.into_iter().filter(|known| sequences.contains(&known.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{DbError, Side};

    #[test]
    fn a_sequence_without_a_name_was_dropped_meanwhile() {
        for (state, is_dropped) in [("42P01", true), ("3F000", true), ("42501", false)] {
            let error = unless_dropped(Error::Database(Box::new(DbError {
                side: Side::Source,
                action: "reading sequences".to_owned(),
                sqlstate: Some(state.to_owned()),
                message: "relation \"public.s\" does not exist".to_owned(),
                detail: None,
                hint: None,
                constraint: None,
                inner_right: None,
                cause: Cause::Server,
            })));
            assert_eq!(error.outdates_snapshot(), is_dropped, "{state}");
        }
    }
}
