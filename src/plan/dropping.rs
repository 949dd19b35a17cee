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

/// A view that reads a table.
#[derive(PartialEq)]
pub struct View<'n> {
    /// `view`, `materialized view`
    pub noun: &'static str,
    pub name: &'n TableName,
}

/// What is said of a table that can be dropped. `views` read it, and have to go first.
pub fn told<'k>(
    name: &TableName,
    keys: impl IntoIterator<Item = &'k ForeignKey>,
    views: &[View<'_>],
) -> String {
    let drop = statements(name, keys);
    if views.is_empty() {
        return format!("to drop it, run on the target: {drop}");
    }
    let read = if views.len() == 1 { "which reads it" } else { "which read it" };
    // Statements for other tables may have dropped them by then.
    let drops =
        views.iter().map(|view| format!("drop {} if exists {}; ", view.noun, view.name.typed()));
    let names = views.iter().map(|view| format!("{} {}", view.noun, view.name.typed()));
    format!(
        "to drop it together with {names}, {read}, run on the target: {drops}{drop}",
        names = names.collect::<Vec<_>>().join(" and "),
        drops = drops.collect::<String>(),
    )
}

/// The statement that drops a foreign key, if it and its table are still there.
pub fn foreign_key(key: &ForeignKey) -> String {
    let (child, key) = (key.child.typed(), key.name.typed());
    format!("alter table if exists {child} drop constraint if exists {key}")
}
