//! How unique values move between rows of the target, and what to try where they are in each other's way.

use std::collections::BTreeSet;

use crate::ident::{Ident, TableName};
use crate::plan::hints::{Remedy, Trouble, broken_by, not_of_the_source, replica};
use crate::plan::placeholder::placeholders;
use crate::plan::references::References;
use crate::plan::{Candidate, PlanContext, Roles, dropping};
use crate::rules::Mode;
use crate::sql::mapping::{Placeholder, TableMapping};
use crate::table::{ForeignKey, Key, Table, Unique};

/// What to try where a row of the target that a run keeps may hold a value.
fn kept(mode: Mode) -> String {
    let row = match mode {
        Mode::Append => "a row of the target, which \"mode\": \"append\" leaves as it is,",
        Mode::Upsert => "a row that only the target has, which \"mode\": \"upsert\" keeps,",
        Mode::Mirror => {
            "a row that only the target has, which \"deletes\": false or -no-deletes keeps,"
        }
    };
    let runs = if mode == Mode::Append { "" } else { ", or let runs delete such rows" };
    format!(
        "{row} may hold the value (-verbose shows it): change or delete that row on the target{runs}"
    )
}

/// How unique values move between rows.
#[derive(Clone, Debug)]
pub struct Moves {
    /// Whether rows may be deleted and inserted again within one statement: nothing cascades.
    pub by_replacing: bool,
    /// What rows hold for a moment otherwise.
    pub placeholders: Vec<Placeholder>,
    /// Constraints that the server may check at the end of a transaction only, when no value can be put aside any more.
    pub deferrable: Vec<TableName>,
    /// What to try where a placeholder does not fit.
    pub hint: String,
    /// What to try for each unique index of the target, and each key that is not the one by which rows are found.
    pub(super) remedies: Vec<Remedy>,
}

impl Moves {
    pub(super) fn of(
        candidate: &Candidate<'_>,
        target: &Table,
        mapping: &TableMapping,
        context: &PlanContext,
    ) -> Self {
        let (name, references) = (&target.name, candidate.references);
        let is_checked = references.are_writes_checked(name);
        let moves = Self {
            by_replacing: !is_checked || references.wait_for_the_end(name),
            placeholders: placeholders(target, &mapping.columns, references),
            deferrable: deferrable(target),
            hint: not_aside(name, &BTreeSet::new(), references, &context.roles),
            remedies: Vec::new(),
        };
        let source = candidate.source;
        let of_keys = target.keys.iter().filter(|key| is_other(key, target, mapping));
        let of_keys = of_keys.map(|key| Distinct {
            name: &key.index,
            columns: names(key),
            is_on_the_source: source.keys.iter().any(|own| names(own) == names(key)),
            drop: dropping_constraint(target, &key.index),
        });
        let of_indexes = target.uniques.iter().map(|unique| Distinct {
            name: &unique.name,
            columns: unique.columns.iter().collect(),
            is_on_the_source: source.uniques.iter().any(|own| own.columns == unique.columns),
            drop: dropping_index(target, unique),
        });
        let all = of_keys.chain(of_indexes);
        let remedy = |one: Distinct<'_>| Remedy {
            text: moves.text(&one, candidate, name, &context.roles),
            trouble: Trouble::Violated(one.name.clone()),
        };
        let remedies = all.map(remedy).collect();
        Self { remedies, ..moves }
    }

    /// What to try where two rows of `table` must not be alike. Whether those of the source are, nobody knows if the source
    /// does not say so.
    fn text(
        &self,
        one: &Distinct<'_>,
        candidate: &Candidate<'_>,
        table: &TableName,
        roles: &Roles,
    ) -> String {
        let references = candidate.references;
        let holds = |placeholder: &Placeholder| one.columns.contains(&placeholder.column);
        // Where deletes are checked, rows that vanished go when all is written.
        let are_taken_out = self.by_replacing && !references.are_checked(table);
        let move_freely = are_taken_out || self.placeholders.iter().any(holds);
        let not_aside = || not_aside(table, &one.columns, references, roles);
        let drop = || one.dropped(table, references);
        let broken = || broken_by(one.columns.iter().copied(), candidate.rules);
        match (one.is_on_the_source, candidate.rules.deletes) {
            (true, true) => not_aside(),
            (true, false) => kept(candidate.rules.mode),
            (false, true) if move_freely => {
                let broken = not_of_the_source(one.columns.iter().copied(), candidate.rules);
                format!("{broken}: {}", drop())
            }
            (false, true) => format!(
                "only the target has this constraint: {}; if {}, or run on the target: {}",
                not_aside(),
                broken(),
                drop()
            ),
            (false, false) => format!(
                "{}; only the target has this constraint: if {}, or run on the target: {}",
                kept(candidate.rules.mode),
                broken(),
                drop()
            ),
        }
    }
}

/// What to try where values of these columns cannot be put aside for a moment.
fn not_aside(
    table: &TableName,
    columns: &BTreeSet<&Ident>,
    references: &References,
    roles: &Roles,
) -> String {
    let keys: Vec<&ForeignKey> = references.always_checked(table).collect();
    let holds = |key: &&&ForeignKey| {
        let held = |at: &TableName, names: &[Ident]| {
            at == table && names.iter().any(|name| columns.contains(name))
        };
        held(&key.child, &key.child_columns) || held(&key.parent, &key.parent_columns)
    };
    let of_columns: Vec<&ForeignKey> = keys.iter().filter(holds).copied().collect();
    // Without one that holds the values themselves, any keeps the row from being taken out.
    let keys = if of_columns.is_empty() { keys } else { of_columns };
    let remedy = if keys.is_empty() { replica(roles) } else { without(&keys, references) };
    format!("another row of the target has the value, and it could not be put aside: {remedy}")
}

/// Says that foreign keys are in the way, and what settles that.
fn without(keys: &[&ForeignKey], references: &References) -> String {
    let drops: Vec<String> = keys.iter().map(|key| dropping::foreign_key(key)).collect();
    // A key that only the target has is checked with both of its tables in the run, too.
    let outside = |key: &&ForeignKey| {
        let outside = references.outside(key).filter(|_| references.is_on_the_source(key))?;
        Some(references.source_name(outside).to_string())
    };
    let outside: Option<BTreeSet<String>> = keys.iter().map(outside).collect();
    let include = outside.map_or_else(String::new, |names| {
        format!("include {}, or ", names.into_iter().collect::<Vec<String>>().join(", "))
    });
    format!(
        "foreign keys that only the target has, or whose other table is not in this run, keep rows from being taken out: \
         {include}run on the target: {}",
        drops.join("; ")
    )
}

/// What makes rows of the target differ.
struct Distinct<'t> {
    name: &'t Ident,
    columns: BTreeSet<&'t Ident>,
    is_on_the_source: bool,
    /// The statement that drops it.
    drop: String,
}

impl Distinct<'_> {
    /// The statements that drop it, and before it the foreign keys that need it.
    fn dropped(&self, table: &TableName, references: &References) -> String {
        let needs = |key: &&ForeignKey| {
            key.parent == *table
                && key.parent_columns.iter().collect::<BTreeSet<&Ident>>() == self.columns
        };
        let keys = references.target.iter().filter(needs).map(dropping::foreign_key);
        keys.chain([self.drop.clone()]).collect::<Vec<String>>().join("; ")
    }
}

fn deferrable(target: &Table) -> Vec<TableName> {
    let keys = target.keys.iter().filter(|key| key.deferrable).map(|key| &key.index);
    let uniques = target.uniques.iter().filter(|unique| unique.deferrable);
    let names: BTreeSet<&Ident> = keys.chain(uniques.map(|unique| &unique.name)).collect();
    let schema = &target.name.schema;
    let names =
        names.into_iter().map(|name| TableName { schema: schema.clone(), name: name.clone() });
    names.collect()
}

fn names(key: &Key) -> BTreeSet<&Ident> {
    key.columns.iter().map(|column| &column.name).collect()
}

/// Whether rows are found by another key, and no unique index of the same name is known.
fn is_other(key: &Key, target: &Table, mapping: &TableMapping) -> bool {
    let found_by: BTreeSet<&Ident> = mapping.key.iter().map(|column| &column.name).collect();
    !mapping.key.is_empty()
        && names(key) != found_by
        && target.uniques.iter().all(|unique| unique.name != key.index)
}

fn dropping_constraint(target: &Table, name: &Ident) -> String {
    format!("alter table {} drop constraint {}", target.name.typed(), name.typed())
}

/// The statement that drops what keeps rows of a table unique.
pub(super) fn dropping_index(target: &Table, unique: &Unique) -> String {
    if unique.constraint {
        return dropping_constraint(target, &unique.name);
    }
    let index = TableName { schema: target.name.schema.clone(), name: unique.name.clone() };
    format!("drop index {}", index.typed())
}
