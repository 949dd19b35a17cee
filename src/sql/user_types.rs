//! Statements about enums and composite types.

use super::Literal;
use super::ddl::word;
use super::statement::{Statement, statement};
use crate::ident::Ident;
use crate::schema_object::ColumnDefinition;
use crate::schema_object::text::Name;

/// A further label of an enum, in its place.
pub fn add_label(name: &Name, label: &str, after: Option<&str>, before: Option<&str>) -> Statement {
    let place = match (after, before) {
        (Some(after), _) => statement!(" after {label}", label = Literal(after)),
        (None, Some(before)) => statement!(" before {label}", label = Literal(before)),
        (None, None) => word(""),
    };
    statement!(
        "alter type {name} add value if not exists {label}{place}",
        name = name,
        label = Literal(label),
        place = place
    )
}

/// What becomes of an attribute of a composite type, and of that column of the tables of the type.
pub enum AttributeChange<'d> {
    Drop(&'d Ident),
    /// Its values are cast.
    Retype(&'d ColumnDefinition),
    Add(&'d ColumnDefinition),
}

/// Changes attributes of a composite type, in this order, and the columns of the tables of the type.
pub fn change_attributes(name: &Name, changes: &[AttributeChange<'_>]) -> Statement {
    let changes = changes.iter().map(|change| match change {
        AttributeChange::Drop(own) => statement!("drop attribute {own} cascade", own = own),
        AttributeChange::Retype(own) => statement!(
            "alter attribute {name} type {kind}{collation} cascade",
            name = own.name,
            kind = own.kind,
            collation = collation_of(own)
        ),
        AttributeChange::Add(own) => statement!(
            "add attribute {name} {kind}{collation} cascade",
            name = own.name,
            kind = own.kind,
            collation = collation_of(own)
        ),
    });
    let changes = Statement::join(changes, ", ");
    statement!("alter type {name} {changes}", name = name, changes = changes)
}

fn collation_of(own: &ColumnDefinition) -> Statement {
    match &own.collation {
        Some(name) => statement!(" collate {name}", name = name),
        None => word(""),
    }
}

/// Makes a table one of a composite type, or of none.
pub fn set_type_of_table(table: &Name, kind: Option<&Name>) -> Statement {
    match kind {
        Some(kind) => statement!("alter table {table} of {kind}", table = table, kind = kind),
        None => statement!("alter table {table} not of", table = table),
    }
}

/// Another name of an attribute, and of the columns of the tables of the type.
pub fn rename_attribute(name: &Name, from: &Ident, to: &Ident) -> Statement {
    statement!(
        "alter type {name} rename attribute {from} to {to} cascade",
        name = name,
        from = from,
        to = to
    )
}

/// Another name of a label of an enum.
pub fn rename_label(name: &Name, from: &str, to: &str) -> Statement {
    statement!(
        "alter type {name} rename value {from} to {to}",
        name = name,
        from = Literal(from),
        to = Literal(to)
    )
}
