//! What has to go on the target before a column takes NULL there.

use std::collections::HashSet;

use crate::ident::Ident;
use crate::table::{Column, ForeignKey, Key, Table};

/// The statements that let a column of a table of the target take NULL, in an order that works: after those of the columns
/// `before`.
pub(super) fn statements(
    target: &Table,
    column: &Column,
    foreign_keys: &[ForeignKey],
    before: &[&Column],
) -> String {
    let table = target.name.typed();
    let has_column =
        |key: &&Key| holds(key, column) && !before.iter().any(|other| holds(key, other));
    let mut statements = Vec::new();
    for key in target.keys.iter().filter(has_column) {
        if key.primary {
            let drop = |child: String, name: &Ident| {
                format!("alter table {child} drop constraint {}", name.typed())
            };
            let refers = |one: &&ForeignKey| refers_to(one, target, key);
            let referring = foreign_keys.iter().filter(refers);
            statements.extend(referring.map(|one| drop(one.child.typed(), &one.name)));
            statements.push(drop(table.clone(), &key.index));
        } else if key.replica_identity {
            statements.push(format!("alter table {table} replica identity default"));
        }
    }
    let alter = format!("alter table {table} alter column {}", column.name.typed());
    statements.extend(column.identity.then(|| format!("{alter} drop identity")));
    statements.push(format!("{alter} drop not null"));
    statements.join("; ")
}

fn holds(key: &Key, column: &Column) -> bool {
    key.columns.iter().any(|one| one.name == column.name)
}

fn refers_to(foreign: &ForeignKey, target: &Table, key: &Key) -> bool {
    let own: HashSet<&Ident> = key.columns.iter().map(|column| &column.name).collect();
    let parents: HashSet<&Ident> = foreign.parent_columns.iter().collect();
    foreign.parent == target.name && own == parents
}
