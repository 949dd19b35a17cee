//! Statements that make tables and change columns. Names in the one renamed schema have none: statements
//! run under a search path that leads there.

use super::not_null;
use super::objects;
use super::statement::{Statement, statement};
use crate::ident::Ident;
use crate::schema_object::make::{
    Compression, Identity, Parameter, PartitionKey, PartitionStrategy, Storage,
};
use crate::schema_object::text::{Enclosed, Name};
use crate::schema_object::{ColumnDefinition, Object, OwnedSequence, TableDefinition};
use crate::sql::{Literal, Sql};

/// Versions from which a server can do a thing.
/// A column is computed when a row is written.
pub const STORED_GENERATED: u32 = 120_000;
const COMPRESSION: u32 = 140_000;
/// A child may compute a column in another way than its parent.
pub const GENERATED_OF_CHILDREN: u32 = 160_000;
const SET_EXPRESSION: u32 = 170_000;
/// Sequences go with an unlogged table, or are unlogged by themselves.
const UNLOGGED_SEQUENCES: u32 = 150_000;
const VIRTUAL_GENERATED: u32 = 180_000;

/// A table with its columns and checks, without keys, and what belongs to it from the start.
pub fn create_table(
    table: &Object,
    table_definition: &TableDefinition,
    version: u32,
) -> Vec<Statement> {
    let items = items(table_definition, version);
    let inherited = table_definition.columns.iter().filter(|column| !column.local);
    let name = &table.at;
    let create = statement!(
        "create {unlogged}table {name}{of}{items}{inherits}{partition}{options}",
        unlogged = word(if table_definition.unlogged { "unlogged " } else { "" }),
        name = name,
        of = match &table_definition.of {
            Some(kind) => statement!(" of {kind}", kind = kind),
            None => word(""),
        },
        items = if items.is_empty() && table_definition.of.is_some() {
            word("")
        } else {
            statement!(" (\n    {items}\n)", items = Statement::join(items, ",\n    "))
        },
        inherits = if table_definition.inherits.is_empty() {
            word("")
        } else {
            statement!(" inherits ({all})", all = Statement::join(&table_definition.inherits, ", "))
        },
        partition = partition_by(table_definition),
        options = if table_definition.options.is_empty() {
            word("")
        } else {
            statement!(" with {options}", options = parameters(&table_definition.options))
        },
    );
    let columns = &table_definition.columns;
    let mut statements = vec![create];
    statements.extend(inherited.flat_map(|column| own_traits(name, column, version)));
    statements.extend(columns.iter().filter_map(|c| not_null::keep_from_child(name, c, version)));
    statements.extend(columns.iter().flat_map(|column| extras(name, column, version)));
    statements.extend(columns.iter().filter_map(|c| not_null::comment(name, c, version)));
    statements.extend(owned(name, table_definition, None));
    let unlogged = table_definition.unlogged;
    statements.extend(columns.iter().filter_map(|c| identity_persistence(c, unlogged, version)));
    statements.extend(objects::settings(table).into_iter().map(|setting| setting.set));
    statements
}

/// How its rows are divided, behind the columns of CREATE TABLE.
pub fn partition_by(table_definition: &TableDefinition) -> Statement {
    match &table_definition.partition_by {
        Some(PartitionKey { strategy, key }) => statement!(
            " partition by {strategy} ({key})",
            strategy = word(match strategy {
                PartitionStrategy::Range => "range",
                PartitionStrategy::List => "list",
                PartitionStrategy::Hash => "hash",
            }),
            key = key
        ),
        None => word(""),
    }
}

/// What stands in the parentheses of CREATE TABLE.
fn items(table_definition: &TableDefinition, version: u32) -> Vec<Statement> {
    let is_local = |column: &&ColumnDefinition| {
        column.local || column.computes_otherwise && version < SET_EXPRESSION
    };
    let (local, inherited): (Vec<&ColumnDefinition>, Vec<&ColumnDefinition>) =
        table_definition.columns.iter().partition(is_local);
    let columns = local.into_iter().filter_map(|column| match &table_definition.of {
        Some(_) => of_type(column, version),
        None => Some(definition(column, version)),
    });
    let not_nulls = inherited.into_iter().filter_map(|column| not_null::of_table(column, version));
    let checks = table_definition.checks.iter().map(objects::check_of);
    columns.chain(not_nulls).chain(checks).collect()
}

/// A column for a table that may hold rows: with the default if all of them get the same, else nullable,
/// and the default is for new ones. A value for each row would rewrite the table while nobody reads it.
pub fn add_column(
    table: &Name,
    table_definition: &TableDefinition,
    column: &ColumnDefinition,
    version: u32,
) -> Vec<Statement> {
    let name = table;
    let mut added = column.clone();
    added.identity = None;
    added.not_null = column.not_null && column.fills_rows();
    added.default = column.default.clone().filter(|_| column.fills_rows());
    let add = statement!(
        "alter table {name} add column {definition}",
        name = name,
        definition = definition(&added, version)
    );
    let mut statements = vec![add];
    let later = column.default.as_ref().filter(|_| added.default.is_none());
    statements.extend(later.map(|value| {
        statement!(
            "alter table {name} alter column {column} set default {value}",
            name = name,
            column = column.name,
            value = value
        )
    }));
    statements.extend(extras(name, column, version));
    statements.extend(not_null::comment(name, &added, version));
    statements.extend(owned(name, table_definition, Some(&column.name)));
    statements
}

/// A type that holds more.
pub fn widen(table: &Name, column: &ColumnDefinition) -> Statement {
    statement!(
        "alter table {table} alter column {column} type {wider}{collation}",
        table = table,
        column = column.name,
        wider = column.kind,
        collation = match &column.collation {
            Some(name) => statement!(" collate {name}", name = name),
            None => word(""),
        },
    )
}

/// A column that is computed as the source computes it.
pub fn recompute(table: &Name, column: &ColumnDefinition, version: u32) -> Statement {
    statement!(
        "alter table {table} drop column {column}, add column {definition}",
        table = table,
        column = column.name,
        definition = definition(column, version)
    )
}

/// Looks whether the rows keep a constraint.
pub fn validate_constraint(table: &Name, name: &Ident) -> Statement {
    statement!("alter table {table} validate constraint {name}", table = table, name = name)
}

/// Takes a column away.
pub fn drop_column(table: &Name, column: &Ident) -> Statement {
    statement!("alter table {table} drop column {column}", table = table, column = column)
}

/// Whether the rows of a table survive a crash.
pub fn set_unlogged(table: &Name, unlogged: bool) -> Statement {
    let how = word(if unlogged { "unlogged" } else { "logged" });
    statement!("alter table {table} set {how}", table = table, how = how)
}

/// Another name of a column.
pub fn rename_column(table: &Name, from: &Ident, to: &Ident) -> Statement {
    statement!(
        "alter table {table} rename column {from} to {to}",
        table = table,
        from = from,
        to = to
    )
}

/// Another type, whose values are made of those that are there. A default may be one of the old type alone.
pub fn retype(table: &Name, column: &ColumnDefinition, there: &ColumnDefinition) -> Statement {
    let (name, kind) = (&column.name, &column.kind);
    let has_default = there.default.is_some();
    statement!(
        "alter table {table} {default}alter column {name} type {kind} using {name}::{kind}",
        table = table,
        default = if has_default {
            statement!("alter column {name} drop default, ", name = name)
        } else {
            word("")
        },
        name = name,
        kind = kind
    )
}

/// A column that takes NULL, in this table alone or in its children, too.
pub fn loosen(table: &Name, column: &ColumnDefinition, only: bool) -> Statement {
    statement!(
        "alter table {only}{table} alter column {column} drop not null",
        only = word(if only { "only " } else { "" }),
        table = table,
        column = column.name
    )
}

/// What a column that was added to rows still lacks, once they are filled.
pub fn tighten(
    table: &Name,
    here: &ColumnDefinition,
    there: &ColumnDefinition,
    version: u32,
) -> Vec<Statement> {
    let not_null = here.not_null && !there.not_null;
    let not_null = not_null.then(|| not_null::set(table, here, version)).into_iter().flatten();
    not_null.collect()
}

/// Makes a column an identity that is none yet. A default has to go before, and a sequence that is in the way.
pub fn number(
    table: &Name,
    here: &ColumnDefinition,
    there: &ColumnDefinition,
    in_the_way: Option<&Name>,
) -> Vec<Statement> {
    let Some(identity) = here.identity.as_ref().filter(|_| there.identity.is_none()) else {
        return Vec::new();
    };
    let alter = |what: Statement| alter_column(table, &here.name, what);
    let default = there.default.as_ref().map(|_| alter(word("drop default")));
    let sequence = in_the_way.map(|name| statement!("drop sequence {name}", name = name));
    let add = add_identity(table, here, identity);
    default.into_iter().chain(sequence).chain([add]).collect()
}

fn alter_column(table: &Name, column: &Ident, what: Statement) -> Statement {
    statement!(
        "alter table {table} alter column {column} {what}",
        table = table,
        column = column,
        what = what
    )
}

/// Prefixes `alter table` and the name to what is to be done.
pub fn alter_table(table: &Name, what: Statement) -> Statement {
    statement!("alter table {table} {what}", table = table, what = what)
}

/// What a change of a column's identity is called.
pub const IDENTITY: &str = "identity";
/// What drops it begins so.
pub const DROP_IDENTITY: &str = "drop identity";

/// `set (…)` and `reset (…)`, where there is something to set and to reset.
pub struct OptionChanges {
    pub set: Option<Statement>,
    pub reset: Option<Statement>,
}

/// What makes options the source's.
pub fn options(here: &[Parameter], there: &[Parameter]) -> OptionChanges {
    let same =
        |one: &Parameter, other: &Parameter| (one.toast, &one.name) == (other.toast, &other.name);
    let new: Vec<Parameter> = here.iter().filter(|o| !there.contains(o)).cloned().collect();
    let gone = there.iter().filter(|own| !here.iter().any(|other| same(own, other)));
    let gone: Vec<Statement> = gone.map(parameter_name).collect();
    let set = (!new.is_empty()).then(|| statement!("set {new}", new = parameters(&new)));
    let gone = (!gone.is_empty()).then(|| Statement::join(gone, ", "));
    OptionChanges { set, reset: gone.map(|gone| statement!("reset ({gone})", gone = gone)) }
}

/// `("fillfactor" = '70')`.
pub(super) fn parameters(all: &[Parameter]) -> Statement {
    let all = all.iter().map(|one| {
        let name = parameter_name(one);
        statement!("{name} = {value}", name = name, value = Literal(&one.value))
    });
    statement!("({all})", all = Statement::join(all, ", "))
}

fn parameter_name(parameter: &Parameter) -> Statement {
    let toast = word(if parameter.toast { "toast." } else { "" });
    statement!("{toast}{name}", toast = toast, name = parameter.name)
}

/// A setting of a column that becomes the source's.
pub struct ColumnChange {
    /// What it is called.
    pub what: &'static str,
    pub statement: Statement,
    /// Whether it takes something away.
    pub drops: bool,
}

/// What makes a column's settings the source's, on a server of a version.
pub fn settings(
    table: &Name,
    here: &ColumnDefinition,
    there: &ColumnDefinition,
    version: u32,
) -> Vec<ColumnChange> {
    let change = |what, how: Statement, drops| {
        let statement = statement!(
            "alter table only {table} alter column {column} {how}",
            table = table,
            column = here.name,
            how = how
        );
        ColumnChange { what, statement, drops }
    };
    let mut found: Vec<ColumnChange> = Vec::new();
    found.extend(value_change(here, there).map(|one| change("default", one.how, one.drops)));
    found.extend(identity_change(here, there).map(|one| change(IDENTITY, one.how, one.drops)));
    if let Some(storage) = here.storage.filter(|_| here.storage != there.storage) {
        let set = statement!("set storage {s}", s = storage_word(storage));
        found.push(change("storage", set, false));
    }
    if here.compression != there.compression && version >= COMPRESSION {
        let method = here.compression;
        let set = statement!("set compression {m}", m = compression_word(method));
        found.push(change("compression", set, method.is_none()));
    }
    if here.statistics != there.statistics {
        let target = i64::from(here.statistics.unwrap_or(-1));
        let set = statement!("set statistics {n}", n = target);
        found.push(change("statistics target", set, here.statistics.is_none()));
    }
    let OptionChanges { set, reset } = options(&here.options, &there.options);
    found.extend(set.map(|set| change("option", set, false)));
    found.extend(reset.map(|reset| change("option", reset, true)));
    if here.comment != there.comment {
        let comment = here.comment.as_deref();
        let statement = statement!(
            "comment on column {table}.{column} is {comment}",
            table = table,
            column = here.name,
            comment = comment.map(Literal)
        );
        found.push(ColumnChange { what: "comment", statement, drops: comment.is_none() });
    }
    found.extend(not_null::changes(table, here, there));
    found
}

/// What is done to a column, and whether that takes something away.
struct Alteration {
    how: Statement,
    drops: bool,
}

/// What makes a column's default the source's, and whether that drops it. Of other types the same default
/// is worded otherwise; that of an identity is its sequence.
fn value_change(here: &ColumnDefinition, there: &ColumnDefinition) -> Option<Alteration> {
    let is_plain =
        |column: &ColumnDefinition| column.generated.is_none() && column.identity.is_none();
    let comparable = here.type_text == there.type_text && is_plain(here) && is_plain(there);
    if here.default == there.default || !comparable {
        return None;
    }
    Some(match &here.default {
        Some(value) => Alteration { how: statement!("set default {v}", v = value), drops: false },
        None => Alteration { how: word("drop default"), drops: true },
    })
}

/// What makes a column's identity the source's, and whether that drops it. While it is an identity it takes no NULL.
fn identity_change(here: &ColumnDefinition, there: &ColumnDefinition) -> Option<Alteration> {
    let always =
        |column: &ColumnDefinition| column.identity.as_ref().map(|identity| identity.always);
    match (always(here), always(there)) {
        (Some(here), Some(there)) if here != there => {
            let how = word(if here { "always" } else { "by default" });
            Some(Alteration { how: statement!("set generated {how}", how = how), drops: false })
        }
        (None, Some(_)) => {
            let and_not_null = here.takes_null_before(there);
            let then = and_not_null
                .then(|| statement!(", alter column {column} drop not null", column = here.name));
            let how = statement!(
                "{drop}{then}",
                drop = word(DROP_IDENTITY),
                then = then.unwrap_or_else(|| word(""))
            );
            Some(Alteration { how, drops: true })
        }
        _ => None,
    }
}

fn definition(column: &ColumnDefinition, version: u32) -> Statement {
    let mut parts = vec![statement!("{n} {t}", n = column.name, t = column.kind)];
    parts.extend(column.collation.as_ref().map(|name| statement!("collate {name}", name = name)));
    parts.extend(traits(column, version));
    Statement::join(parts, " ")
}

/// What a column has beside its composite type's attribute, if anything.
fn of_type(column: &ColumnDefinition, version: u32) -> Option<Statement> {
    let traits = traits(column, version);
    let name = statement!("{n} with options", n = column.name);
    (!traits.is_empty()).then(|| Statement::join(std::iter::once(name).chain(traits), " "))
}

fn traits(column: &ColumnDefinition, version: u32) -> Vec<Statement> {
    let mut parts = Vec::new();
    parts.extend(column.default.as_ref().map(|value| statement!("default {v}", v = value)));
    // Before PostgreSQL 16 a child has its parent's expression, and may not repeat it.
    let comes_along = column.parent_computes && version < GENERATED_OF_CHILDREN;
    let is_known = version >= STORED_GENERATED && !comes_along;
    if let Some(expression) = column.generated.as_ref().filter(|_| is_known) {
        let is_virtual = column.is_virtual && version >= VIRTUAL_GENERATED;
        let how = word(if is_virtual { "virtual" } else { "stored" });
        parts.push(statement!("generated always as {e} {how}", e = expression, how = how));
    }
    parts.extend(column.identity.as_ref().map(identity_of));
    parts.extend(not_null::of_column(column, version));
    parts
}

fn set(table: &Name, column: &ColumnDefinition, what: Statement) -> Statement {
    statement!(
        "alter table only {table} alter column {column} set {what}",
        table = table,
        column = column.name,
        what = what
    )
}

/// What an inherited column has of its own.
fn own_traits(table: &Name, column: &ColumnDefinition, version: u32) -> Vec<Statement> {
    let default = column.default.as_ref();
    let default = default.map(|value| statement!("default {value}", value = value));
    let has_own = not_null::is_own(column) && version < not_null::CONSTRAINTS;
    let own_expression = column.generated.as_ref().filter(|_| column.computes_otherwise);
    let expression = own_expression.filter(|_| version >= SET_EXPRESSION);
    let expression = expression.map(|e| statement!("expression as {e}", e = e));
    let traits = default.into_iter().chain(has_own.then(|| word("not null"))).chain(expression);
    let identity = column.identity.as_ref().map(|identity| add_identity(table, column, identity));
    traits.map(|what| set(table, column, what)).chain(identity).collect()
}

fn add_identity(table: &Name, column: &ColumnDefinition, identity: &Identity) -> Statement {
    alter_column(
        table,
        &column.name,
        statement!("add {identity}", identity = identity_of(identity)),
    )
}

/// The default of a column that has none yet.
pub fn set_default(table: &Name, column: &ColumnDefinition) -> Option<Statement> {
    let value = column.default.as_ref()?;
    Some(set(table, column, statement!("default {value}", value = value)))
}

/// What CREATE TABLE has no words for.
fn extras(table: &Name, column: &ColumnDefinition, version: u32) -> Vec<Statement> {
    let set = |what: Statement| set(table, column, what);
    let compression = column.compression.filter(|_| version >= COMPRESSION);
    let mut statements = Vec::new();
    statements.extend(column.storage.map(|s| set(statement!("storage {s}", s = storage_word(s)))));
    statements.extend(
        compression.map(|c| set(statement!("compression {c}", c = compression_word(Some(c))))),
    );
    statements
        .extend(column.statistics.map(|n| set(statement!("statistics {n}", n = i64::from(n)))));
    if !column.options.is_empty() {
        statements.push(set(parameters(&column.options)));
    }
    statements.extend(column.comment.as_ref().map(|comment| {
        statement!(
            "comment on column {table}.{column} is {comment}",
            table = table,
            column = column.name,
            comment = Literal(comment)
        )
    }));
    statements
}

fn owned(table: &Name, table_definition: &TableDefinition, only: Option<&Ident>) -> Vec<Statement> {
    let wanted =
        table_definition.owns.iter().filter(|owned| only.is_none_or(|only| only == &owned.column));
    wanted.map(|owned| own(table, owned)).collect()
}

/// Lets a sequence go with a column.
pub fn own(table: &Name, owned: &OwnedSequence) -> Statement {
    statement!(
        "alter sequence {sequence} owned by {table}.{column}",
        sequence = owned.sequence,
        table = table,
        column = owned.column
    )
}

/// Lets a sequence stay when the column goes that owns it.
pub fn disown(owned: &OwnedSequence) -> Statement {
    statement!("alter sequence {sequence} owned by none", sequence = owned.sequence)
}

fn identity_of(identity: &Identity) -> Statement {
    statement!(
        "generated {how} as identity (sequence name {name} {numbers})",
        how = word(if identity.always { "always" } else { "by default" }),
        name = identity.name,
        numbers = objects::numbers(&identity.numbers)
    )
}

/// Makes the sequence of an identity as lasting as the source's: it begins as its table does.
fn identity_persistence(
    column: &ColumnDefinition,
    table_is_unlogged: bool,
    version: u32,
) -> Option<Statement> {
    let identity = column.identity.as_ref()?;
    let differs = identity.unlogged != table_is_unlogged && version >= UNLOGGED_SEQUENCES;
    differs.then(|| {
        let how = word(if identity.unlogged { "unlogged" } else { "logged" });
        statement!("alter sequence {name} set {how}", name = identity.name, how = how)
    })
}

fn storage_word(storage: Storage) -> Statement {
    word(match storage {
        Storage::Plain => "plain",
        Storage::External => "external",
        Storage::Main => "main",
        Storage::Extended => "extended",
    })
}

fn compression_word(method: Option<Compression>) -> Statement {
    word(match method {
        Some(Compression::Pglz) => "pglz",
        Some(Compression::Lz4) => "lz4",
        None => "default",
    })
}

pub(super) fn text(text: &Enclosed) -> Statement {
    statement!("{text}", text = text)
}

pub(super) fn word(text: &'static str) -> Statement {
    Sql::trusted(text).into()
}
