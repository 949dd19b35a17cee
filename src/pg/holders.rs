//! What keeps columns from getting another type, or from being dropped: asked only of tables of which that is told.

use serde::Deserialize;

use super::catalog::objects;
use super::definitions::{search_path, views};
use super::session::Session;
use crate::error::Result;
use crate::ident::{Ident, TableName};
use crate::schema_object::view::View;
use crate::sql::{Sql, sql};

/// A column that something holds, or a table.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct HeldColumn {
    /// The table's oid.
    pub table: u32,
    /// None where a view reads the table's rows, and no column of them.
    pub column: Option<Ident>,
    pub holder: Holder,
}

/// What holds a column.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    View(View),
    /// A rule, a trigger, a policy and the like, in the server's words.
    Other(String),
    /// A column that is computed of it.
    Generated(Ident),
    PartitionKey(String),
    /// A table from which it is inherited.
    Parent(TableName),
    /// Of another table, whose rows refer to it.
    ForeignKey(HoldingKey),
    /// A foreign key of the table itself.
    OwnKey(HoldingKey),
    /// A check of the table itself.
    OwnCheck(OwnCheck),
}

/// A check of the table itself.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct OwnCheck {
    pub name: Ident,
    /// Of the column's type, as `pg_type.typcategory` has it.
    pub category: char,
}

/// A foreign key.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct HoldingKey {
    pub table: TableName,
    pub name: Ident,
    /// `FOREIGN KEY (parent) REFERENCES public.parent(id)`
    pub definition: String,
}

/// What holds columns of these tables; views in the order in which they can be dropped.
pub async fn held_columns(session: &Session, tables: &[u32]) -> Result<Vec<HeldColumn>> {
    let tables = Sql::join(tables, ", ");
    let tables = sql!("array[{tables}]::oid[]", tables = tables);
    let query = Sql::filled(
        include_str!("definitions/holders.sql"),
        &[("tables", &tables), ("views", &views("select root, oid from scope"))],
    );
    let statement = sql!("{path}; {query}", path = search_path(None), query = query);
    objects(session, "looking for what holds columns", &statement).await
}
