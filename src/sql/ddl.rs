//! Statements that make tables and change columns, from parts that the source's server printed. Parts
//! name what is in the one renamed schema without it: they run under a search path that leads there.

use super::statement::{Statement, statement};
use super::{Literal, Sql};
use crate::definition::{ColumnShape, Object, TableShape};
use crate::ident::Ident;

/// Versions from which a server can do a thing.
const STORED_GENERATED: u32 = 120_000;
const COMPRESSION: u32 = 140_000;
const VIRTUAL_GENERATED: u32 = 180_000;

/// A table with its columns and checks, without keys, and what belongs to it from the start.
pub fn create_table(table: &Object, shape: &TableShape, version: u32) -> Vec<Statement> {
    let local = || shape.columns.iter().filter(|column| column.local);
    let columns = local().filter_map(|column| match &shape.of {
        Some(_) => of_type(column, version),
        None => Some(definition(column, version)),
    });
    let checks = shape.checks.iter().map(|check| text(check));
    let items: Vec<Statement> = columns.chain(checks).collect();
    let name = text(&table.id);
    let create = statement!(
        "create {unlogged}table {name}{of}{items}{inherits}{partition}{options}",
        unlogged = word(if shape.unlogged { "unlogged " } else { "" }),
        name = name,
        of = match &shape.of {
            Some(kind) => statement!(" of {kind}", kind = text(kind)),
            None => word(""),
        },
        items = match items.is_empty() && shape.of.is_some() {
            true => word(""),
            false => statement!(" (\n    {items}\n)", items = Statement::join(items, ",\n    ")),
        },
        inherits = listed(" inherits (", &shape.inherits, ")"),
        partition = match &shape.partition_by {
            Some(by) => statement!(" partition by {by}", by = text(by)),
            None => word(""),
        },
        options = listed(" with (", &shape.options, ")"),
    );
    let inherited = shape.columns.iter().filter(|column| !column.local);
    let mut statements = vec![create];
    statements.extend(inherited.flat_map(|column| own_traits(&name, column)));
    statements.extend(shape.columns.iter().flat_map(|column| extras(&name, column, version)));
    statements.extend(owned(&name, shape, None));
    statements.extend(table.create.iter().map(|create| text(create)));
    statements
}

/// A column for a table that may hold rows: with the default if there is one, else nullable.
pub fn add_column(
    table: &str,
    shape: &TableShape,
    column: &ColumnShape,
    version: u32,
) -> Vec<Statement> {
    let name = text(table);
    let mut added = column.clone();
    added.identity = None;
    added.not_null = column.not_null && column.default.is_some();
    let add = statement!(
        "alter table {name} add column {definition}",
        name = name,
        definition = definition(&added, version)
    );
    let mut statements = vec![add];
    statements.extend(extras(&name, column, version));
    statements.extend(owned(&name, shape, Some(&column.name)));
    statements
}

/// A type that holds more.
pub fn widen(table: &str, column: &ColumnShape) -> Statement {
    statement!(
        "alter table {table} alter column {column} type {wider}{collation}",
        table = text(table),
        column = column.name,
        wider = text(&column.type_text),
        collation = match &column.collation {
            Some(name) => statement!(" collate {name}", name = text(name)),
            None => word(""),
        },
    )
}

/// A column that takes NULL.
pub fn loosen(table: &str, column: &ColumnShape) -> Statement {
    statement!(
        "alter table {table} alter column {column} drop not null",
        table = text(table),
        column = column.name
    )
}

/// What a column that was added to rows still lacks, once they are filled.
pub fn tighten(table: &str, here: &ColumnShape, there: &ColumnShape) -> Vec<Statement> {
    let alter = |what: Statement| {
        statement!(
            "alter table {table} alter column {column} {what}",
            table = text(table),
            column = here.name,
            what = what
        )
    };
    let not_null = (here.not_null && !there.not_null).then(|| alter(word("set not null")));
    let identity = here.identity.as_ref().filter(|_| there.identity.is_none());
    let identity =
        identity.map(|identity| alter(statement!("add generated {i}", i = text(identity))));
    not_null.into_iter().chain(identity).collect()
}

pub fn alter_table(table: &str, what: Statement) -> Statement {
    statement!("alter table {table} {what}", table = text(table), what = what)
}

/// `set (…)` and `reset (…)` that make options the source's: `name='value'` each.
pub fn options(here: &[String], there: &[String]) -> (Option<Statement>, Option<Statement>) {
    let name = |option: &String| option.split('=').next().unwrap_or_default().to_owned();
    let names: Vec<String> = here.iter().map(name).collect();
    let new: Vec<String> = here.iter().filter(|o| !there.contains(o)).cloned().collect();
    let gone: Vec<String> = there.iter().map(name).filter(|o| !names.contains(o)).collect();
    let some =
        |before, items: Vec<String>| (!items.is_empty()).then(|| listed(before, &items, ")"));
    (some("set (", new), some("reset (", gone))
}

/// What makes a column's settings the source's: what it is, the statement, and whether it takes
/// something away.
pub fn settings(
    table: &str,
    here: &ColumnShape,
    there: &ColumnShape,
) -> Vec<(&'static str, Statement, bool)> {
    let name = text(table);
    let alter = |what: Statement| {
        statement!(
            "alter table only {table} alter column {column} {what}",
            table = name,
            column = here.name,
            what = what
        )
    };
    let mut found = Vec::new();
    // Of other types the same default is worded otherwise; that of an identity is its sequence.
    let comparable = here.type_text == there.type_text
        && [here, there]
            .iter()
            .all(|column| column.generated.is_none() && column.identity.is_none());
    match (&here.default, &there.default) {
        (here, there) if here == there || !comparable => {}
        (Some(value), _) => {
            found.push(("default", alter(statement!("set default {v}", v = text(value))), false));
        }
        (None, _) => found.push(("default", alter(word("drop default")), true)),
    }
    let always = |column: &ColumnShape| {
        column.identity.as_ref().map(|identity| identity.starts_with("always"))
    };
    match (always(here), always(there)) {
        (Some(here), Some(there)) if here != there => {
            let how = word(if here { "always" } else { "by default" });
            found.push(("identity", alter(statement!("set generated {how}", how = how)), false));
        }
        (None, Some(_)) => found.push(("identity", alter(word("drop identity")), true)),
        _ => {}
    }
    if let Some(storage) = here.storage.as_ref().filter(|_| here.storage != there.storage) {
        found.push(("storage", alter(statement!("set storage {s}", s = text(storage))), false));
    }
    if here.compression != there.compression {
        let method = here.compression.as_deref();
        let set = statement!("set compression {m}", m = text(method.unwrap_or("default")));
        found.push(("compression", alter(set), method.is_none()));
    }
    if here.statistics != there.statistics {
        let target = i64::from(here.statistics.unwrap_or(-1));
        let drops = here.statistics.is_none();
        found.push((
            "target of statistics",
            alter(statement!("set statistics {n}", n = target)),
            drops,
        ));
    }
    let (set, reset) = options(&here.options, &there.options);
    found.extend(set.map(|set| ("option", alter(set), false)));
    found.extend(reset.map(|reset| ("option", alter(reset), true)));
    if here.comment != there.comment {
        let comment = here.comment.as_deref();
        let statement = statement!(
            "comment on column {table}.{column} is {comment}",
            table = name,
            column = here.name,
            comment = text(comment.unwrap_or("null"))
        );
        found.push(("comment", statement, comment.is_none()));
    }
    found
}

/// A further label of an enum, in its place.
pub fn add_label(name: &str, label: &str, after: Option<&str>, before: Option<&str>) -> Statement {
    let place = match (after, before) {
        (Some(after), _) => statement!(" after {label}", label = Literal(after)),
        (None, Some(before)) => statement!(" before {label}", label = Literal(before)),
        (None, None) => word(""),
    };
    statement!(
        "alter type {name} add value if not exists {label}{place}",
        name = text(name),
        label = Literal(label),
        place = place
    )
}

fn definition(column: &ColumnShape, version: u32) -> Statement {
    let mut parts = vec![statement!("{n} {t}", n = column.name, t = text(&column.type_text))];
    parts.extend(
        column.collation.as_ref().map(|name| statement!("collate {name}", name = text(name))),
    );
    parts.extend(traits(column, version));
    Statement::join(parts, " ")
}

/// What a column has beside its composite type's attribute, if anything.
fn of_type(column: &ColumnShape, version: u32) -> Option<Statement> {
    let traits = traits(column, version);
    let name = statement!("{n} with options", n = column.name);
    (!traits.is_empty()).then(|| Statement::join(std::iter::once(name).chain(traits), " "))
}

fn traits(column: &ColumnShape, version: u32) -> Vec<Statement> {
    let mut parts = Vec::new();
    parts.extend(column.default.as_ref().map(|value| statement!("default {v}", v = text(value))));
    if let Some(expression) = column.generated.as_ref().filter(|_| version >= STORED_GENERATED) {
        let is_virtual = column.is_virtual && version >= VIRTUAL_GENERATED;
        let how = word(if is_virtual { "virtual" } else { "stored" });
        parts.push(statement!("generated always as ({e}) {how}", e = text(expression), how = how));
    }
    parts.extend(
        column.identity.as_ref().map(|what| statement!("generated {what}", what = text(what))),
    );
    parts.extend(column.not_null.then(|| word("not null")));
    parts
}

fn set(table: &Statement, column: &ColumnShape, what: Statement) -> Statement {
    statement!(
        "alter table only {table} alter column {column} set {what}",
        table = table,
        column = column.name,
        what = what
    )
}

/// What an inherited column has of its own.
fn own_traits(table: &Statement, column: &ColumnShape) -> Vec<Statement> {
    let default = column.default.as_ref();
    let default = default.map(|value| statement!("default {value}", value = text(value)));
    let traits = default.into_iter().chain(column.not_null.then(|| word("not null")));
    traits.map(|what| set(table, column, what)).collect()
}

/// What CREATE TABLE has no words for.
fn extras(table: &Statement, column: &ColumnShape, version: u32) -> Vec<Statement> {
    let set = |what: Statement| set(table, column, what);
    let compression = column.compression.as_ref().filter(|_| version >= COMPRESSION);
    let mut statements = Vec::new();
    statements.extend(column.storage.as_ref().map(|s| set(statement!("storage {s}", s = text(s)))));
    statements.extend(compression.map(|c| set(statement!("compression {c}", c = text(c)))));
    statements
        .extend(column.statistics.map(|n| set(statement!("statistics {n}", n = i64::from(n)))));
    if !column.options.is_empty() {
        statements.push(set(listed("(", &column.options, ")")));
    }
    statements.extend(column.comment.as_ref().map(|comment| {
        statement!(
            "comment on column {table}.{column} is {comment}",
            table = table,
            column = column.name,
            comment = text(comment)
        )
    }));
    statements
}

fn owned(table: &Statement, shape: &TableShape, only: Option<&Ident>) -> Vec<Statement> {
    let wanted = shape.owns.iter().filter(|owned| only.is_none_or(|only| only == &owned.column));
    let own = wanted.map(|owned| {
        statement!(
            "alter sequence {sequence} owned by {table}.{column}",
            sequence = text(&owned.sequence),
            table = table,
            column = owned.column
        )
    });
    own.collect()
}

fn text(text: &str) -> Statement {
    Statement::of_its_own_server(text)
}

fn word(text: &'static str) -> Statement {
    Sql::trusted(text).into()
}

/// Nothing, where there is nothing to list.
fn listed(before: &'static str, items: &[String], after: &'static str) -> Statement {
    match items.is_empty() {
        true => word(""),
        false => Statement::of(format_args!("{before}{}{after}", items.join(", "))),
    }
}
