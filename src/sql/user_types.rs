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

/// Gives a composite type attributes, and takes others away, with the columns of the tables of the type.
pub fn change_attributes(
    name: &Name,
    new: &[&ColumnDefinition],
    gone: &[&ColumnDefinition],
) -> Statement {
    let drop = gone.iter().map(|own| statement!("drop attribute {name} cascade", name = own.name));
    let add = new.iter().map(|own| {
        let collation =
            own.collation.as_ref().map(|name| statement!(" collate {name}", name = name));
        statement!(
            "add attribute {name} {kind}{collation} cascade",
            name = own.name,
            kind = own.kind,
            collation = collation.unwrap_or_else(|| word(""))
        )
    });
    let changes = Statement::join(drop.chain(add), ", ");
    statement!("alter type {name} {changes}", name = name, changes = changes)
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
