//! What servers of older versions do not have, and tables can do without.

use std::collections::BTreeMap;

use super::make::{Make, Parameter};
use super::{ColumnDefinition, Definitions, Object};
use crate::ident::{Ident, TableName};

/// Sequences go with an unlogged table, or are unlogged by themselves.
const UNLOGGED_SEQUENCES: u32 = 150_000;
const STORED_GENERATED: u32 = 120_000;
/// The first version that knows an option.
const OPTIONS: [(&str, u32); 8] = [
    ("toast_tuple_target", 110_000),
    ("vacuum_index_cleanup", 120_000),
    ("vacuum_truncate", 120_000),
    ("autovacuum_vacuum_insert_threshold", 130_000),
    ("autovacuum_vacuum_insert_scale_factor", 130_000),
    ("deduplicate_items", 130_000),
    ("autovacuum_vacuum_max_threshold", 180_000),
    ("vacuum_max_eager_freeze_failure_rate", 180_000),
];
/// `vacuum_index_cleanup` was a boolean before.
const AUTO: u32 = 140_000;

/// Something of a table of the run that the target does without.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// The table of the run.
    pub root: TableName,
    /// `option fillfactor of table public.item`, for people.
    pub what: String,
    /// The first version that has it.
    pub since: u32,
}

/// Something that is said of a table of the run.
pub struct Remark {
    pub root: TableName,
    pub text: String,
}

/// What was left out, said once for each version that would have it, of the first table.
pub fn told(lost: &[Lost]) -> Vec<Remark> {
    let mut by_version: BTreeMap<u32, Vec<&Lost>> = BTreeMap::new();
    for one in lost {
        by_version.entry(one.since).or_default().push(one);
    }
    let told = by_version.into_iter().filter_map(|(since, all)| {
        let first = all.first()?;
        let others = match all.len() - 1 {
            0 => " is".to_owned(),
            1 => " and 1 other are".to_owned(),
            others => format!(" and {others} others are"),
        };
        let text = format!(
            "{}{others} left out: the target would have to be PostgreSQL {} or later",
            first.what,
            since / 10_000
        );
        Some(Remark { root: first.root.clone(), text })
    });
    told.collect()
}

impl Definitions {
    /// Takes away what a server of a version does not have; gives what tables of the run lose.
    pub fn without_newer(&mut self, version: u32) -> Vec<Lost> {
        self.objects.iter_mut().flat_map(|object| object.without_newer(version)).collect()
    }
}

impl Object {
    fn without_newer(&mut self, version: u32) -> Vec<Lost> {
        if let Some(Make::Sequence(sequence)) = &mut self.described.make {
            sequence.unlogged &= version >= UNLOGGED_SEQUENCES;
        }
        let title = self.title();
        let mut lost = Vec::new();
        let definition = self.described.definition.as_mut();
        lost.extend(definition.into_iter().flat_map(|own| take_newer(&mut own.options, version)));
        if let Some(Make::Index(index)) = &mut self.described.make {
            lost.extend(take_newer(&mut index.options, version));
        }
        if let Some(index) = &mut self.described.index {
            lost.extend(take_newer(&mut index.options, version));
        }
        lost.dedup();
        let column = |own: &ColumnDefinition| {
            let column = format!("{}.{}", self.id, own.name.as_str());
            format!("the expression of generated column {column}")
        };
        let columns = self.definition.iter().flat_map(|own| &own.columns);
        let plain = columns.filter(|own| own.generated.is_some() && version < STORED_GENERATED);
        let Some(root) = &self.root else { return Vec::new() };
        let one = |what, since| Lost { root: root.clone(), what, since };
        let options = lost.iter().map(|Newer { name, since }| {
            one(format!("option {} of {title}", name.as_str()), *since)
        });
        options.chain(plain.map(|own| one(column(own), STORED_GENERATED))).collect()
    }
}

/// An option, and the first version that knows it.
#[derive(PartialEq)]
struct Newer {
    name: Ident,
    since: u32,
}

/// Takes out the options that a server of a version does not know, and gives each with the version that does. Servers
/// before PostgreSQL 11 take names in capital letters.
fn take_newer(options: &mut Vec<Parameter>, version: u32) -> Vec<Newer> {
    options.iter_mut().for_each(|one| one.name = Ident::new(one.name.as_str().to_lowercase()));
    let since = |one: &Parameter| {
        let known = OPTIONS.iter().find(|(name, _)| *name == one.name.as_str());
        let is_auto = one.name.as_str() == "vacuum_index_cleanup" && one.value == "auto";
        if is_auto { AUTO } else { known.map_or(0, |(_, since)| *since) }
    };
    let newer = options.iter().filter(|one| since(one) > version);
    let newer = newer.map(|one| Newer { name: one.name.clone(), since: since(one) }).collect();
    options.retain(|one| since(one) <= version);
    newer
}
