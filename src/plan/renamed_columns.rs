//! Columns of the target that may be columns of the source under another name: a server that renames a column leaves it
//! in its place, and the key that holds it stays.

use std::collections::HashSet;

use crate::ident::{Ident, TableName};
use crate::plan::kinds::{same_type, widens};
use crate::table::{Column, Key, Sequence, Table};

/// A column that the source may have renamed.
#[derive(Clone, Debug, PartialEq)]
pub struct RenamedColumn {
    /// Its name on the target, which the source does not have.
    pub old: Ident,
    /// Its name on the source.
    pub new: Ident,
    /// Whether the target has a column of the new name, too: an earlier run has added it.
    pub is_added: bool,
}

impl RenamedColumn {
    /// The statements that give the target's column its new name, with the sequence that a run may have given to a column
    /// of that name meanwhile.
    pub fn statements(&self, source: &Table, target: &Table) -> String {
        let (table, new) = (target.name.typed(), self.new.typed());
        let serial = |name: &Ident| {
            let mut sequences = source.sequences.iter().filter(|one| one.column == self.new);
            sequences.any(|one| one.serial && &one.name.name == name)
        };
        let taken = |one: &&Sequence| one.column == self.old && serial(&one.name.name);
        let back = target.sequences.iter().filter(taken).map(|one| {
            format!("alter sequence {} owned by {table}.{}; ", one.name.typed(), self.old.typed())
        });
        let back: String = back.collect();
        format!("{back}alter table {table} drop column if exists {new}; {}", self.rename(&table))
    }

    /// The statement where the target does not have the new name.
    pub fn statement(&self, table: &TableName) -> String {
        self.rename(&table.typed())
    }

    fn rename(&self, table: &str) -> String {
        format!("alter table {table} rename column {} to {}", self.old.typed(), self.new.typed())
    }
}

/// Columns of `target` that the source may have renamed.
pub fn among(source: &Table, target: &Table) -> Vec<RenamedColumn> {
    let mut renamed = in_their_places(source, target);
    for old in target.columns.iter().filter(|old| source.column(&old.name).is_none()) {
        if renamed.iter().all(|one| one.old != old.name) {
            let open = |new: &&Column| {
                target.column(&new.name).is_none()
                    && may_be(old, new)
                    && renamed.iter().all(|one| one.new != new.name)
            };
            let open: Vec<&Column> = source.columns.iter().filter(open).collect();
            let new = in_its_key(old, &open, source, target)
                .or_else(|| the_only_one(old, &open, source, target));
            renamed.extend(new.map(|new| pair(old, new, target)));
        }
    }
    renamed
}

fn pair(old: &Column, new: &Column, target: &Table) -> RenamedColumn {
    let is_added = target.column(&new.name).is_some();
    RenamedColumn { old: old.name.clone(), new: new.name.clone(), is_added }
}

/// Whether a column of the new name would not do: the table would have no key in common with the source, so that no row is
/// found again; or its sequence would need the name of the old one's.
pub fn cannot_go_on(renamed: &RenamedColumn, source: &Table, target: &Table) -> bool {
    let is_identity = |table: &Table, name: &Ident| table.column(name).is_some_and(|c| c.identity);
    !renamed.is_added
        && (takes_the_key(renamed, source, target)
            || is_identity(target, &renamed.old) && is_identity(source, &renamed.new))
}

fn takes_the_key(renamed: &RenamedColumn, source: &Table, target: &Table) -> bool {
    let is_shared = |own: &Key| source.keys.iter().any(|key| names(key) == names(own));
    let holds = |key: &Key, name: &Ident| key.columns.iter().any(|column| &column.name == name);
    target.keys.iter().any(|key| holds(key, &renamed.old))
        && source.keys.iter().any(|key| holds(key, &renamed.new))
        && !target.keys.iter().any(is_shared)
}

/// Those between the same neighbours on both sides.
fn in_their_places(source: &Table, target: &Table) -> Vec<RenamedColumn> {
    let place = |name: &Ident| source.columns.iter().position(|column| &column.name == name);
    // What runs have added stands behind all others on the target, and before some of them on the source.
    let mut last = None;
    let mut fixed: Vec<&Ident> = Vec::new();
    for column in target.columns.iter() {
        let own = place(&column.name).filter(|own| last.is_none_or(|last| *own > last));
        if own.is_some() {
            last = own;
            fixed.push(&column.name);
        }
    }
    let is_known = |column: &&Column| source.column(&column.name).is_some();
    let old = between(target, &fixed, |column| !is_known(column));
    let new = between(source, &fixed, |_| true);
    let mut renamed = Vec::new();
    for (old, new) in old.iter().zip(&new) {
        let mut seen = HashSet::new();
        for kind in old.iter().map(|column| &column.type_text) {
            if seen.insert(kind) {
                let of_kind = |one: &&&Column| &one.type_text == kind;
                let olds: Vec<&&Column> = old.iter().filter(of_kind).collect();
                let news = new.iter().filter(|one| may_be(olds[0], one));
                let news: Vec<&&Column> = news.collect();
                // Of fewer new ones nobody can say which they are.
                let pairs = olds.iter().zip(&news).filter(|_| news.len() >= olds.len());
                renamed.extend(pairs.map(|(old, new)| pair(old, new, target)));
            }
        }
        if let ([old], [new]) = (old.as_slice(), new.as_slice())
            && needs_value(old)
            && may_have_grown(old, new)
        {
            renamed.push(pair(old, new, target));
        }
    }
    renamed
}

/// The columns before, between and behind those that stand in one order on both sides.
fn between<'t>(
    table: &'t Table,
    fixed: &[&Ident],
    is_meant: impl Fn(&&Column) -> bool,
) -> Vec<Vec<&'t Column>> {
    let mut all = vec![Vec::new()];
    for column in table.columns.iter() {
        if fixed.contains(&&column.name) {
            all.push(Vec::new());
        } else if let Some(last) = all.last_mut().filter(|_| is_meant(&column)) {
            last.push(column);
        }
    }
    all
}

/// The one that takes its place in a key.
fn in_its_key<'t>(
    old: &Column,
    open: &[&'t Column],
    source: &Table,
    target: &Table,
) -> Option<&'t Column> {
    let becomes = |own: &Key, new: &Column| {
        let mut wanted = names(own);
        wanted.remove(&old.name) && wanted.insert(&new.name) && {
            source.keys.iter().any(|key| key.primary == own.primary && names(key) == wanted)
        }
    };
    let fits = |new: &&&Column| target.keys.iter().any(|own| becomes(own, new));
    let mut all = open.iter().filter(fits);
    all.next().filter(|_| all.next().is_none()).copied()
}

/// The one new column of its type, where the table cannot do without asking and no other of the target needs one.
fn the_only_one<'t>(
    old: &Column,
    open: &[&'t Column],
    source: &Table,
    target: &Table,
) -> Option<&'t Column> {
    let rivals = target.columns.iter().filter(|other| {
        source.column(&other.name).is_none() && may_be(other, old) && needs_value(other)
    });
    let [new] = open else { return None };
    (needs_value(old) && rivals.count() == 1).then_some(*new)
}

/// Whether rows without a value of it are refused.
fn needs_value(column: &Column) -> bool {
    column.not_null && !column.has_default && !column.generated
}

/// Whether the one may be the other under a new name.
pub(super) fn may_be(old: &Column, new: &Column) -> bool {
    old.type_text == new.type_text
        && old.type_schema == new.type_schema
        && old.generated == new.generated
}

/// Whether the one may be the other under a new name and with a wider type.
fn may_have_grown(old: &Column, new: &Column) -> bool {
    let (from, to) = (old.under_domains(), new.under_domains());
    !may_be(old, new)
        && old.generated == new.generated
        && (same_type(&from, &to) || widens(&from, &to))
}

fn names(key: &Key) -> HashSet<&Ident> {
    key.columns.iter().map(|column| &column.name).collect()
}
