//! Counts what steps create or change on the target, by noun.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::ddl_step::Step;
use crate::schema_object::Kind;

/// Titles of what steps create or change, by noun. What takes several steps counts once, a partition among the
/// partitions only.
pub(super) struct Tally<'s> {
    titles: BTreeMap<&'s str, BTreeSet<&'s str>>,
    /// The ids of tables that some step attaches to another one.
    partitions: HashSet<&'s str>,
}

impl<'s> Tally<'s> {
    /// Begins with nothing; the steps say which tables are partitions.
    pub fn of(steps: impl IntoIterator<Item = &'s Step>) -> Self {
        let attach = steps.into_iter().filter(|step| step.kind == Kind::Partition);
        let partitions = attach.filter_map(|step| step.table.as_deref()).collect();
        Self { titles: BTreeMap::new(), partitions }
    }

    /// Counts what the step is about.
    pub fn add(&mut self, step: &'s Step) {
        let is_partition = |id: &String| self.partitions.contains(id.as_str());
        if step.kind != Kind::Table || !step.creates.as_ref().is_some_and(is_partition) {
            self.titles.entry(noun(step)).or_default().insert(subject(step));
        }
    }

    /// `created on the target: 1 index`, of what was created and of what was changed.
    pub fn told(created: &Self, changed: &Self) -> Vec<String> {
        let both = [("created", created), ("changed", changed)].into_iter();
        let both = both.filter(|(_, tally)| !tally.is_empty());
        both.map(|(done, tally)| format!("{done} on the target: {tally}")).collect()
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.titles.is_empty()
    }
}

impl std::fmt::Display for Tally<'_> {
    /// `3 tables, 1 type`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.titles.iter().map(|(noun, titles)| match titles.len() {
            1 => format!("1 {noun}"),
            count if noun.ends_with('x') => format!("{count} {noun}es"),
            count => match noun.strip_suffix("ty") {
                Some(stem) => format!("{count} {stem}ties"),
                None => format!("{count} {noun}s"),
            },
        });
        f.write_str(&counts.collect::<Vec<_>>().join(", "))
    }
}

/// The title of what a step is about: a validation is about what it validates.
pub(super) fn subject(step: &Step) -> &str {
    step.title.strip_prefix("validation of ").unwrap_or(&step.title)
}

/// `table`, of `table public.item`; `label`, of `label 'a' of type public.mood`; `statistics target`, of `statistics target of column public.item.name`.
fn noun(step: &Step) -> &str {
    let noun = step.kind.noun();
    let of = || step.title.split_once(" of ").map(|(changed, _)| changed);
    let first = || step.title.split(' ').next().unwrap_or_default();
    match step.kind {
        _ if step.title.starts_with(noun) => noun,
        Kind::Enum => first(),
        _ => of().unwrap_or_else(first),
    }
}
