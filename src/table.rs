//! A table as a catalog describes it. Read from JSON that the catalog query builds on the server
//! (`pg/catalog.sql`), so one statement describes every table of a side.

use serde::Deserialize;

use crate::ident::{Ident, TableName};

/// One table of one side.
#[derive(Clone, Debug, Deserialize)]
pub struct Table {
    pub oid: u32,
    #[serde(flatten)]
    pub name: TableName,
    /// A partitioned table: its rows are those of its partitions.
    pub partitioned: bool,
    /// Rows as the planner estimates them; negative when never analysed.
    pub rows: f64,
    /// Size of the table and its partitions, in bytes, without indexes.
    pub bytes: u64,
    /// Changes when the storage is replaced (TRUNCATE, VACUUM FULL, an attached partition).
    pub storage: String,
    pub columns: Vec<Column>,
    /// Unique, not null, complete, immediate or not, b-tree; the primary key first.
    pub keys: Vec<Key>,
    pub triggers: Vec<Trigger>,
    /// Names of enabled rewrite rules.
    pub rules: Vec<Ident>,
    /// Whether the session's role has the rights of the owner.
    pub owned: bool,
}

/// One live column, in the table's order.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Column {
    pub name: Ident,
    /// `pg_catalog`, or the schema of a user-defined type.
    pub type_schema: Ident,
    pub type_name: Ident,
    /// The type with its modifier, as `format_type` prints it.
    pub type_text: String,
    pub type_modifier: i32,
    pub not_null: bool,
    pub generated: bool,
    pub identity_always: bool,
    pub has_default: bool,
    /// Whether equal values of this column can differ byte by byte by collation.
    pub nondeterministic: bool,
    /// For a type whose text shows floating point numbers: the function that gives its bytes.
    pub floats: Option<Ident>,
}

/// A set of columns that tells rows apart.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Key {
    pub index: Ident,
    pub primary: bool,
    pub deferrable: bool,
    pub columns: Vec<KeyColumn>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct KeyColumn {
    pub name: Ident,
    /// The equality operator of the index, which may live in an extension's schema.
    pub equals_schema: Ident,
    pub equals_name: String,
}

/// A user trigger.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Trigger {
    pub name: Ident,
    pub fires: Fires,
}

/// When a trigger fires, as `pg_trigger.tgenabled` has it; disabled ones are not listed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum Fires {
    #[serde(rename = "O")]
    Origin,
    #[serde(rename = "A")]
    Always,
    #[serde(rename = "R")]
    Replica,
}

/// A foreign key, by the names of its tables.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct ForeignKey {
    pub name: Ident,
    pub child: TableName,
    pub child_columns: Vec<Ident>,
    pub parent: TableName,
    pub parent_columns: Vec<Ident>,
    /// `confdeltype`: a no action, r restrict, c cascade, n set null, d set default.
    pub on_delete: char,
    pub on_update: char,
    pub deferrable: bool,
}

impl Table {
    pub fn column(&self, name: &Ident) -> Option<&Column> {
        self.columns.iter().find(|column| &column.name == name)
    }
}
