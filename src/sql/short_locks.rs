//! Statements for changes that look at every row. What looks at the rows takes a lock that lets readers
//! through; what shuts readers out looks at no row.

use super::ddl::word;
use super::objects::{constraint, index_of, timing};
use super::statement::{Statement, statement};
use crate::ident::Ident;
use crate::schema_object::Object;
use crate::schema_object::make::{Check, Element, Index, Key, Make};
use crate::schema_object::text::Name;

/// The index that a key consists of.
pub fn index_of_key(key: &Key) -> Index {
    let element = |column: &Ident| Element {
        column: Some(column.clone()),
        expression: None,
        collation: None,
        opclass: None,
        options: Vec::new(),
        descending: false,
        nulls_first: false,
    };
    Index {
        unique: true,
        only: false,
        method: Ident::new("btree"),
        elements: key.columns.iter().map(element).collect(),
        include: key.include.clone(),
        nulls_not_distinct: key.nulls_not_distinct,
        options: Vec::new(),
        predicate: None,
    }
}

/// Builds a key's index under a name. Others read the table meanwhile.
pub fn create_key_index(object: &Object, key: &Key, index: &Ident) -> Statement {
    index_of(index, object.table_name(), &index_of_key(key))
}

/// Makes a key of an index. The index takes the key's name.
pub fn attach_key_index(object: &Object, key: &Key, index: &Ident) -> Option<Statement> {
    Some(statement!(
        "alter table only {table} add constraint {own} {sort} using index {index}{timing}",
        table = object.table_name(),
        own = object.own.as_ref()?,
        sort = word(if key.primary { "primary key" } else { "unique" }),
        index = index,
        timing = timing(key.timing)
    ))
}

/// Adds a check that holds for new rows; `objects::validate` looks at the others.
pub fn add_unvalidated_check(object: &Object, check: &Check) -> Option<Statement> {
    let check = Check { validated: false, ..check.clone() };
    constraint(object, &Make::Check(check))
}

/// A check that proves to the server that a column holds no NULL: `set not null` looks at no row then.
pub struct NotNullProof<'a> {
    pub table: &'a Name,
    pub column: &'a Ident,
    /// The name of the check.
    pub check: &'a Ident,
}

impl NotNullProof<'_> {
    /// Adds the check without a look at the rows.
    pub fn add(&self) -> Statement {
        statement!(
            "alter table {table} add constraint {check} check ({column} is not null) not valid",
            table = self.table,
            check = self.check,
            column = self.column
        )
    }

    /// Looks at the rows, while others may write.
    pub fn validate(&self) -> Statement {
        statement!(
            "alter table {table} validate constraint {check}",
            table = self.table,
            check = self.check
        )
    }

    /// Takes the check away again.
    pub fn drop(&self) -> Statement {
        statement!(
            "alter table {table} drop constraint if exists {check}",
            table = self.table,
            check = self.check
        )
    }
}
