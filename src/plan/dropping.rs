//! The statements that drop a table of the target which the source has no more.

use crate::ident::{Ident, TableName};
use crate::schema_object::view::{self, View};
use crate::table::ForeignKey;

/// Statements that drop a table, and before it the foreign keys of other tables that refer to it. Where several are dropped,
/// each finds what the others have left, in any order.
pub fn statements<'k>(name: &TableName, keys: impl IntoIterator<Item = &'k ForeignKey>) -> String {
    let keys = keys.into_iter().filter(|key| key.parent == *name && key.child != *name);
    whole(name, keys.map(foreign_key), &[])
}

/// The same with views that read it, and statements that drop foreign keys.
pub fn whole(name: &TableName, keys: impl Iterator<Item = String>, views: &[View]) -> String {
    // Statements for other tables may have dropped them by then.
    let views = views.iter().map(View::drop_if_exists);
    let drop = format!("drop table {}", name.typed());
    views.chain(keys).chain([drop]).collect::<Vec<String>>().join("; ")
}

/// What is said of a table that can be dropped. `views` read it, and have to go first.
pub fn told<'k>(
    name: &TableName,
    keys: impl IntoIterator<Item = &'k ForeignKey>,
    views: &[View],
) -> String {
    let keys = keys.into_iter().filter(|key| key.parent == *name && key.child != *name);
    let drop = whole(name, keys.map(foreign_key), views);
    let names = view::named(views);
    match views.len() {
        0 => format!("to drop it, run on the target: {drop}"),
        1 => format!("to drop it together with {names}, which reads it, run on the target: {drop}"),
        _ => format!("to drop it together with {names}, which read it, run on the target: {drop}"),
    }
}

/// The statement that drops a foreign key, if it and its table are still there.
pub fn foreign_key(key: &ForeignKey) -> String {
    named_key(&key.child, &key.name)
}

/// The same, by names.
pub fn named_key(child: &TableName, name: &Ident) -> String {
    format!("alter table if exists {} drop constraint if exists {}", child.typed(), name.typed())
}
