//! What tells rows apart: a set of columns that is unique and complete on both sides.

use crate::builtin_type::{self, Fact};
use crate::ident::{Ident, OperatorName};
use crate::sql::mapping::KeyColumn;
use crate::sql::mapping::PlanColumn;
use crate::sql::mapping::Timestamp;
use crate::sql::{Sql, sql};
use crate::table;
use crate::table::{Column, Key, ObjectName, Operator, Table};

/// A key that both sides have.
#[derive(Default)]
pub struct ChosenKey {
    /// None, where no set of columns is unique on both sides.
    pub columns: Vec<KeyColumn>,
    /// Whether ON CONFLICT cannot use its index.
    pub deferrable: bool,
}

/// The key: unique on both sides, the target's primary key if it can be. Deferrable ones only when
/// there is no other. Empty when no set of columns is unique on both sides.
pub fn choose_key(source: &Table, target: &Table, columns: &[PlanColumn]) -> ChosenKey {
    let agreed = common_keys(source, target).into_iter().find_map(|CommonKey { here, there }| {
        let columns = key_columns(
            KeyOf { key: here, table: source },
            KeyOf { key: there, table: target },
            columns,
        )?;
        Some(ChosenKey { columns, deferrable: is_checked_late(there, target) })
    });
    agreed.unwrap_or_default()
}

/// The columns by which rows are found, if the first key of both sides can be chosen: the values in them stay whatever is
/// written.
pub fn fixed_columns(source: &Table, target: &Table) -> Vec<Ident> {
    let first = common_keys(source, target).into_iter().next();
    let names: Vec<Ident> = first
        .into_iter()
        .flat_map(|key| &key.there.columns)
        .map(|column| column.name.clone())
        .collect();
    let travels = |table: &Table, name: &Ident| {
        table.column(name).is_some_and(|column| !column.generated && !column.unindexed)
    };
    let all = names.iter().all(|name| travels(source, name) && travels(target, name));
    if all { names } else { Vec::new() }
}

/// A key that both sides have.
struct CommonKey<'k> {
    here: &'k Key,
    there: &'k Key,
}

/// The keys of both sides, the best first.
fn common_keys<'k>(source: &'k Table, target: &'k Table) -> Vec<CommonKey<'k>> {
    let mut candidates: Vec<&Key> =
        target.keys.iter().filter(|key| means_equality(key, target)).collect();
    candidates.sort_by_key(|key| (key.deferrable, !key.primary, key.columns.len()));
    let pairs = candidates.into_iter().filter_map(|there| {
        let mut keys = source.keys.iter().filter(|here| means_equality(here, source));
        let here = keys.find(|here| same_columns(here, there))?;
        Some(CommonKey { here, there })
    });
    pairs.collect()
}

/// Whether ON CONFLICT with the columns of the key would find an index that is deferrable, which the server
/// refuses: it takes every index over these columns that nothing tells from the key's.
fn is_checked_late(key: &Key, target: &Table) -> bool {
    let is_alike = |other: &&Key| {
        same_columns(other, key)
            && key.columns.iter().all(|own| meaning(other, &own.name) == meaning(key, &own.name))
    };
    target.keys.iter().filter(is_alike).any(|other| other.deferrable)
}

/// What a key takes for equal in one of its columns.
#[derive(PartialEq)]
struct Meaning<'k> {
    collation: Option<&'k ObjectName>,
    opclass: &'k ObjectName,
}

fn meaning<'k>(key: &'k Key, column: &Ident) -> Option<Meaning<'k>> {
    let column = key.columns.iter().find(|own| &own.name == column)?;
    Some(Meaning { collation: column.collation.as_ref(), opclass: &column.opclass })
}

/// Whether rows that the index tells apart are those that comparing its columns tells apart. A comparison
/// goes by the column's collation: where that or the index's own is nondeterministic, both have to be one.
pub(super) fn means_equality(key: &Key, table: &Table) -> bool {
    key.columns.iter().all(|own| {
        let column = table.column(&own.name);
        let is_wide = |column: &Column| own.nondeterministic || column.nondeterministic;
        own.as_column || column.is_some_and(|column| !is_wide(column))
    })
}

/// How to name the index in ON CONFLICT, where others over the same columns are otherwise: without it
/// they would arbitrate too.
fn index_of(own: &table::KeyColumn, key: &Key, target: &Table) -> Option<Sql> {
    let mut others = target.keys.iter().filter(|other| same_columns(other, key));
    if others.all(|other| meaning(other, &own.name) == meaning(key, &own.name)) {
        return None;
    }
    let collate = own.collation.as_ref().map(|collation| {
        sql!(" collate {schema}.{name}", schema = collation.schema, name = collation.name)
    });
    let opclass = &own.opclass;
    let opclass = sql!(" {schema}.{name}", schema = opclass.schema, name = opclass.name);
    Some(Sql::join(collate.into_iter().chain([opclass]), ""))
}

fn same_columns(one: &Key, other: &Key) -> bool {
    one.columns.len() == other.columns.len()
        && one.columns.iter().all(|a| other.columns.iter().any(|b| a.name == b.name))
}

/// A key with the table that has it.
struct KeyOf<'k> {
    key: &'k Key,
    table: &'k Table,
}

fn key_columns(
    source: KeyOf<'_>,
    target: KeyOf<'_>,
    columns: &[PlanColumn],
) -> Option<Vec<KeyColumn>> {
    let (KeyOf { key: here, table: source }, KeyOf { key: there, table: target }) =
        (source, target);
    let column = |name: &Ident| {
        let planned = columns.iter().find(|column| &column.name == name)?;
        let described = target.column(name)?;
        let origin = source.column(name)?;
        let type_of = |column: &Column| (column.type_schema.clone(), column.type_name.clone());
        let source = here.columns.iter().find(|column| &column.name == name)?;
        let target_key = there.columns.iter().find(|column| &column.name == name)?;
        let usual = target_key.equals_schema.as_str() == "pg_catalog"
            && target_key.equals_name.as_str() == "=";
        let identical = described.is_built_in()
            && usual
            && builtin_type::is(described.type_name.as_str(), Fact::EqualPrintsAlike);
        let operator = |schema: &Ident, name: &OperatorName| Operator {
            schema: schema.clone(),
            name: name.clone(),
        };
        Some(KeyColumn {
            name: name.clone(),
            cast: planned.cast.clone(),
            source_type: type_of(origin),
            target_type: type_of(described),
            source_equals: operator(&source.equals_schema, &source.equals_name),
            target_equals: operator(&target_key.equals_schema, &target_key.equals_name),
            hashed: planned.hashed.clone(),
            wide: !identical || described.nondeterministic,
            index: index_of(target_key, there, target),
        })
    };
    there.columns.iter().map(|key| column(&key.name)).collect()
}

/// Marks the columns that an update never sets, those of the key whose equality is identity; and
/// puts the timestamp first, so that a row's timestamp is the bytes up to its first tab.
pub fn arrange(
    mut columns: Vec<PlanColumn>,
    key: &[KeyColumn],
    timestamp: Option<&Timestamp>,
) -> Vec<PlanColumn> {
    columns.sort_by_key(|column| timestamp.is_none_or(|first| first.column != column.name));
    for column in &mut columns {
        let fixed = key.iter().any(|key| key.name == column.name && !key.wide);
        column.updatable = column.updatable && !fixed;
    }
    columns
}
