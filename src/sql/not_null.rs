//! NOT NULL of columns. From PostgreSQL 18 on it is a constraint of the table: it has a name and a comment, may be kept
//! from children, and may hold for new rows only.

use super::ddl::{ColumnChange, word};
use super::statement::{Statement, statement};
use crate::ident::Ident;
use crate::schema_object::ColumnDefinition;
use crate::schema_object::make::NotNull;
use crate::schema_object::text::Name;
use crate::sql::Literal;

/// The first version in which it is a constraint.
pub const CONSTRAINTS: u32 = 180_000;

/// Whether a column has one that is not merely inherited.
pub(super) fn is_own(column: &ColumnDefinition) -> bool {
    column.not_null && !column.only_inherits_not_null()
}

/// What a column of CREATE TABLE says of it.
pub(super) fn of_column(column: &ColumnDefinition, version: u32) -> Option<Statement> {
    let rule = column.not_null_rule.as_ref().filter(|_| has_own_form(column, version));
    is_own(column).then(|| match rule {
        Some(rule) => statement!("{n}not null{i}", n = own_name(rule), i = no_inherit(rule)),
        None => word("not null"),
    })
}

/// The same of an inherited column, as a constraint of the table.
pub(super) fn of_table(column: &ColumnDefinition, version: u32) -> Option<Statement> {
    (is_own(column) && version >= CONSTRAINTS).then(|| constraint(column))
}

/// What adds it to a column.
pub(super) fn set(table: &Name, column: &ColumnDefinition, version: u32) -> Vec<Statement> {
    let set = if has_own_form(column, version) {
        statement!("alter table {table} add {n}", table = table, n = constraint(column))
    } else {
        statement!(
            "alter table {table} alter column {c} set not null",
            table = table,
            c = column.name
        )
    };
    std::iter::once(set).chain(comment(table, column, version)).collect()
}

/// Adds one that old rows may break.
pub fn add_open(table: &Name, column: &ColumnDefinition) -> Vec<Statement> {
    let add =
        statement!("alter table {table} add {n} not valid", table = table, n = constraint(column));
    std::iter::once(add).chain(commented(table, column)).collect()
}

/// Looks whether the rows keep that of the target's column.
pub fn validate(table: &Name, there: &ColumnDefinition) -> Option<Statement> {
    there.open_not_null()?;
    let name = name(table, there)?;
    Some(statement!("alter table {table} validate constraint {name}", table = table, name = name))
}

/// Lets a column of a child hold NULL that takes no NOT NULL from its parent. From PostgreSQL 18 on the parent keeps
/// its own from children.
pub(super) fn keep_from_child(
    table: &Name,
    column: &ColumnDefinition,
    version: u32,
) -> Option<Statement> {
    let takes_null = column.parent_not_null && !column.not_null && version < CONSTRAINTS;
    takes_null.then(|| {
        statement!(
            "alter table only {table} alter column {column} drop not null",
            table = table,
            column = column.name
        )
    })
}

/// Its comment, if it has one.
pub fn comment_of(table: &Name, column: &ColumnDefinition) -> Option<Statement> {
    commented(table, column)
}

/// Its comment, once it is there.
pub(super) fn comment(table: &Name, column: &ColumnDefinition, version: u32) -> Option<Statement> {
    let is_late = column.not_null_rule.as_ref().is_some_and(|rule| rule.late);
    let is_there = column.not_null && version >= CONSTRAINTS && !is_late;
    commented(table, column).filter(|_| is_there)
}

/// What it is called in a table.
pub fn name(table: &Name, column: &ColumnDefinition) -> Option<Ident> {
    let rule = column.not_null_rule.as_ref()?;
    let (table, column) = (table.name.as_str(), column.name.as_str());
    let by_default = |_: &Ident| Ident::new(format!("{table}_{column}_not_null"));
    let name = rule.name.as_ref();
    if rule.by_default { name.map(by_default) } else { name.cloned() }
}

/// What makes it the source's, where it is a constraint on both sides.
pub(super) fn changes(
    table: &Name,
    here: &ColumnDefinition,
    there: &ColumnDefinition,
) -> Vec<ColumnChange> {
    let names = name(table, here).zip(name(table, there));
    let rules = here.not_null_rule.as_ref().zip(there.not_null_rule.as_ref());
    let Some(((new, old), (own, other))) = names.zip(rules) else { return Vec::new() };
    let alter = |how: Statement| statement!("alter table {table} {how}", table = table, how = how);
    let change = |what, statement| ColumnChange { what, statement, drops: false };
    let mut found = Vec::new();
    // Children and partitions follow their parents.
    let is_root = !own.inherited && !other.inherited;
    if is_root && new != old {
        let rename = statement!("rename constraint {old} to {new}", old = old, new = new);
        found.push(change("name of NOT NULL", alter(rename)));
    }
    if is_root && own.no_inherit != other.no_inherit {
        let how = word(if own.no_inherit { "no inherit" } else { "inherit" });
        let how = statement!("alter constraint {name} {how}", name = new, how = how);
        found.push(change("inheritance of NOT NULL", alter(how)));
    }
    if own.comment != other.comment {
        let statement = comment_on(table, &new, own.comment.as_deref());
        let drops = own.comment.is_none();
        found.push(ColumnChange { what: "comment of NOT NULL", statement, drops });
    }
    found
}

fn commented(table: &Name, column: &ColumnDefinition) -> Option<Statement> {
    let comment = column.not_null_rule.as_ref()?.comment.as_deref()?;
    Some(comment_on(table, &name(table, column)?, Some(comment)))
}

fn comment_on(table: &Name, name: &Ident, comment: Option<&str>) -> Statement {
    statement!(
        "comment on constraint {name} on {table} is {comment}",
        name = name,
        table = table,
        comment = comment.map(Literal)
    )
}

/// Whether it is more than the words NOT NULL to a server of a version.
fn has_own_form(column: &ColumnDefinition, version: u32) -> bool {
    let is_more = |rule: &NotNull| rule.no_inherit || !rule.by_default;
    version >= CONSTRAINTS && column.not_null_rule.as_ref().is_some_and(is_more)
}

/// `constraint … not null "a" no inherit`.
fn constraint(column: &ColumnDefinition) -> Statement {
    let rule = column.not_null_rule.as_ref();
    statement!(
        "{name}not null {column}{no_inherit}",
        name = rule.map_or_else(|| word(""), own_name),
        column = column.name,
        no_inherit = rule.map_or_else(|| word(""), no_inherit)
    )
}

/// `constraint … `, where the server would choose another name.
fn own_name(rule: &NotNull) -> Statement {
    match rule.name.as_ref().filter(|_| !rule.by_default) {
        Some(name) => statement!("constraint {name} ", name = name),
        None => word(""),
    }
}

fn no_inherit(rule: &NotNull) -> Statement {
    word(if rule.no_inherit { " no inherit" } else { "" })
}
