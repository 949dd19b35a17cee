//! Keys, indexes and constraints that have another name on the target and are the same: they are renamed,
//! and for all that follows they have the source's name already. So is a primary key that is another one:
//! a table has only one, and what differs is said of it.

use std::collections::{HashMap, HashSet};

use super::changed_objects::is_same;
use crate::ddl_step::Step;
use crate::ident::{Ident, TableName};
use crate::plan::digest;
use crate::schema::diff::DiffInput;
use crate::schema_object::make::{Key, Make};
use crate::schema_object::text::Name;
use crate::schema_object::{Definitions, Kind, Object};
use crate::sql::objects;

/// The target as if it had been renamed, and what renames it.
pub(super) struct Renamed {
    pub target: Definitions,
    pub steps: Vec<Step>,
}

/// A part of the source's table, and that of the target's.
type Pair<'a> = (&'a Object, &'a Object);

impl DiffInput<'_> {
    pub(super) fn renamed_parts(&self) -> Option<Renamed> {
        let pairs = self.pairs_of_other_names();
        if pairs.is_empty() {
            return None;
        }
        let (exchanged, plain): (Vec<Pair<'_>>, Vec<Pair<'_>>) =
            pairs.iter().copied().partition(|pair| is_exchanged(*pair, &pairs));
        let steps = plain.iter().filter_map(|(here, there)| {
            let root = here.root.as_ref()?;
            let rename = objects::rename(there, here)?;
            let title = format!("name of {}", here.title());
            let step = Step::about(here, vec![rename], &[root]);
            Some(Step { title, names: Some(names(there, here)), optional: true, ..step })
        });
        let steps = steps.chain(exchange(&exchanged)).collect();
        let indexes = pairs.iter().filter_map(|(here, there)| {
            let (here, there) = (here.index.as_ref()?, there.index.as_ref()?);
            Some((there.name.clone(), here.name.clone()))
        });
        // What each index of the target is called, and what it will be.
        let indexes: Vec<(Name, Name)> = indexes.collect();
        let by_node: HashMap<&str, &Object> =
            pairs.iter().map(|(here, there)| (there.node.as_str(), *here)).collect();
        let target = self.target.objects.iter().map(|there| {
            let mut object = there.clone();
            match by_node.get(there.node.as_str()) {
                Some(here) => object.take_name(here),
                None => object.follow_names(&indexes),
            }
            object
        });
        let target = Definitions::new(target.collect(), self.target.needs.clone());
        Some(Renamed { target, steps })
    }

    fn pairs_of_other_names(&self) -> Vec<Pair<'_>> {
        let others = self.without_counterpart();
        let mut taken: HashSet<&str> = HashSet::new();
        let mut pairs = Vec::new();
        for here in self.source.objects.iter().filter(|here| is_part(here.kind)) {
            let root = here.root.as_ref().filter(|root| self.is_made(root));
            if root.is_none() || self.there(here).is_some() {
                continue;
            }
            let candidates = here.table.as_deref().and_then(|table| others.get(table));
            let mut candidates = candidates.into_iter().flatten().copied();
            let fits = |there: &&Object| {
                !taken.contains(there.node.as_str())
                    && there.kind == here.kind
                    && (are_primary(here, there) || is_same(here, there))
            };
            if let Some(there) = candidates.find(fits) {
                taken.insert(&there.node);
                pairs.push((here, there));
            }
        }
        pairs
    }

    fn is_made(&self, root: &TableName) -> bool {
        self.created_by_pgsync.contains(root) && self.selected.contains(&root)
    }

    /// By the id of their table: parts of the target whose names the source does not have.
    pub(super) fn without_counterpart(&self) -> HashMap<&str, Vec<&Object>> {
        let mut others: HashMap<&str, Vec<&Object>> = HashMap::new();
        for there in self.target.objects.iter().filter(|there| is_part(there.kind)) {
            let same = self.source.same(there).filter(|here| here.table == there.table);
            if let (None, Some(table)) = (same, there.table.as_deref()) {
                others.entry(table).or_default().push(there);
            }
        }
        others
    }
}

/// Whether an index has a name that another one is to have, or is to have the name of another one.
fn is_exchanged((here, there): Pair<'_>, pairs: &[Pair<'_>]) -> bool {
    let name = |object: &Object| object.index.as_ref().map(|index| index.name.clone());
    let (new, old) = (name(here), name(there));
    let meets = |(other_here, other_there): &Pair<'_>| {
        other_there.node != there.node
            && (new.is_some() && new == name(other_there)
                || old.is_some() && old == name(other_here))
    };
    pairs.iter().any(meets)
}

/// Gives indexes the names of one another, all at once: each has a name of its own in between.
fn exchange(pairs: &[Pair<'_>]) -> Option<Step> {
    let (first, _) = pairs.first()?;
    let (mut aside, mut rename) = (Vec::new(), Vec::new());
    let (mut titles, mut both) = (Vec::new(), Vec::new());
    let mut roots: Vec<&TableName> = Vec::new();
    for (here, there) in pairs {
        let (new, old) = (&here.index.as_ref()?.name, &there.index.as_ref()?.name);
        let between = Ident::new(format!("pgsync_old_{}", digest(&old.printed())));
        aside.push(objects::rename_index(old, &between));
        rename.push(objects::rename_index(&old.beside(&between), &new.name));
        titles.push(here.title());
        both.push(names(there, here));
        roots.extend(here.root.as_ref().filter(|root| !roots.contains(root)));
    }
    let title = format!("name of {}", titles.join(", "));
    let statements = aside.into_iter().chain(rename).collect();
    let step = Step::about(first, statements, &roots);
    Some(Step { title, names: Some(both.join(", ")), optional: true, ..step })
}

/// What the target has, and the name that it gets.
pub(super) fn names(there: &Object, here: &Object) -> String {
    format!("{} to {}", there.title(), here.own_name().as_str())
}

fn is_part(kind: Kind) -> bool {
    matches!(kind, Kind::Key | Kind::Index | Kind::Check | Kind::Statistics | Kind::ForeignKey)
}

fn are_primary(here: &Object, there: &Object) -> bool {
    let is_primary =
        |object: &Object| matches!(&object.make, Some(Make::Key(Key { primary: true, .. })));
    is_primary(here) && is_primary(there)
}
