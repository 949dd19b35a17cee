//! Where sequences stand, and which of them are there.

use std::collections::HashMap;

use serde::Deserialize;

use super::catalog::{names, objects};
use super::session::Session;
use crate::error::Result;
use crate::ident::{Ident, TableName};
use crate::sql::{Literal, Sql, sql};

/// Where the sequences of `schemas` stand, as far as the role may know.
#[derive(Debug, Default)]
pub struct SequenceValues {
    /// Of those of tables, by name.
    pub of_tables: HashMap<TableName, i64>,
    /// Those that no column owns or draws from by default.
    pub free: Vec<FreeSequence>,
}

/// A sequence that belongs to no table.
#[derive(Clone, Debug, Deserialize)]
pub struct FreeSequence {
    #[serde(flatten)]
    pub name: TableName,
    free: bool,
    /// Whether the role may not read it.
    #[serde(default)]
    pub hidden: bool,
    /// The number that it gave last, if it has given one.
    pub last: Option<i64>,
}

/// Not for a session inside a transaction.
pub async fn sequence_values(session: &Session, schemas: &[Ident]) -> Result<SequenceValues> {
    let statement = Sql::filled(include_str!("sequences.sql"), &[("schemas", &names(schemas))]);
    let values: Vec<FreeSequence> = objects(session, "reading sequences", &statement).await?;
    let (free, owned): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| value.free);
    let of_tables = owned.into_iter().filter_map(|value| Some((value.name, value.last?))).collect();
    Ok(SequenceValues { of_tables, free })
}

/// A sequence that is there.
#[derive(Debug, Deserialize)]
pub struct KnownSequence {
    #[serde(flatten)]
    pub name: TableName,
    /// Negative for one that descends.
    pub increment: i64,
    pub least: i64,
    pub greatest: i64,
    /// Whether the role may read and set it.
    pub settable: bool,
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
