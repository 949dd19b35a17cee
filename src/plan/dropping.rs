//! The statements that drop a table of the target which the source has no more.

use crate::ident::TableName;
use crate::table::ForeignKey;

/// Statements that drop a table, and before it the foreign keys of other tables that refer to it. Where several are dropped,
/// each finds what the others have left, in any order.
pub fn statements<'k>(name: &TableName, keys: impl IntoIterator<Item = &'k ForeignKey>) -> String {
    let keys = keys.into_iter().filter(|key| key.parent == *name && key.child != *name);
    let keys = keys.map(foreign_key);
    let drop = format!("drop table {}", name.typed());
    keys.chain([drop]).collect::<Vec<String>>().join("; ")
}

/// The statement that drops a foreign key, if it and its table are still there.
pub fn foreign_key(key: &ForeignKey) -> String {
    let (child, key) = (key.child.typed(), key.name.typed());
    format!("alter table if exists {child} drop constraint if exists {key}")
}
