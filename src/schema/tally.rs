//! Counts what steps create or change on the target, by noun.

use std::collections::{BTreeMap, HashSet};

use crate::ddl_step::{NOT_NULL_OF, Step, TYPE_OF};
use crate::schema_object::Kind;

/// So many of each noun are named.
const NAMED: usize = 3;

/// What is a part of something that was there before: its name tells what was changed. So many of each noun are named.
const PARTS: [&str; 4] = ["attribute", "column", "constraint", "label"];
const NAMED_PARTS: usize = 2;

/// Titles of what steps create or change, and what is named of it, by noun. What takes several steps counts once, a partition among the
/// partitions only.
pub(super) struct Tally<'s> {
    titles: BTreeMap<&'s str, BTreeMap<&'s str, &'s str>>,
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
            self.titles.entry(noun(step)).or_default().insert(subject(step), named(step));
        }
    }

    /// `created on the target: 1 index`, of what was created; what was changed is named.
    pub fn told(created: &Self, changed: &Self) -> Vec<String> {
        let created = (!created.is_empty()).then(|| format!("created on the target: {created}"));
        let changed =
            (!changed.is_empty()).then(|| format!("changed on the target: {}", changed.named()));
        created.into_iter().chain(changed).collect()
    }

    /// `2 names (index public.a to b, table public.c to d)`: the first of each noun are named.
    pub fn named(&self) -> String {
        let counts = self.titles.iter().map(|(noun, titles)| {
            let names: Vec<&str> = titles.values().take(NAMED).copied().collect();
            let more = match titles.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{} ({}{more})", counted(titles.len(), noun), names.join(", "))
        });
        counts.collect::<Vec<_>>().join(", ")
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.titles.is_empty()
    }
}

impl std::fmt::Display for Tally<'_> {
    /// `3 tables, 1 label ('a' of type public.mood)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.titles.iter().map(|(noun, titles)| {
            let names: Vec<&str> = titles.values().copied().collect();
            let is_named = PARTS.contains(noun) && names.len() <= NAMED_PARTS;
            let names = if is_named { format!(" ({})", names.join(", ")) } else { String::new() };
            counted(titles.len(), noun) + &names
        });
        f.write_str(&counts.collect::<Vec<_>>().join(", "))
    }
}

/// `1 index`, `3 tables`.
fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count if noun.starts_with("NOT NULL") => format!("{count} {noun}"),
        count if noun.ends_with('x') => format!("{count} {noun}es"),
        count => match noun.strip_suffix("ty") {
            Some(stem) => format!("{count} {stem}ties"),
            None => format!("{count} {noun}s"),
        },
    }
}

/// What a change is named by: `column public.item.v`, of `default of column public.item.v`.
fn named(step: &Step) -> &str {
    let title = subject(step);
    let rest = title.strip_prefix(NOT_NULL_OF).or_else(|| title.strip_prefix(noun(step)));
    let rest = rest.map(str::trim_start);
    let rest = rest.map(|rest| rest.strip_prefix("of ").unwrap_or(rest)).unwrap_or(title);
    step.names.as_deref().unwrap_or(rest)
}

/// The title of what a step is about: a validation is about what it validates.
pub(super) fn subject(step: &Step) -> &str {
    step.title.strip_prefix("validation of ").unwrap_or(&step.title)
}

/// `table`, of `table public.item`; `label`, of `label 'a' of type public.mood`; `statistics target`, of `statistics target of column public.item.name`.
fn noun(step: &Step) -> &str {
    let noun = step.kind.noun();
    let of = || step.title.split_once(" of ").map(|(changed, _)| changed);
    if step.title.starts_with(NOT_NULL_OF) {
        return if step.drops_not_null() { "NOT NULL dropped" } else { "NOT NULL set" };
    }
    if step.kind == Kind::Table && step.title.starts_with(TYPE_OF) {
        return "column type";
    }
    let first = || step.title.split(' ').next().unwrap_or_default();
    match step.kind {
        _ if step.title.starts_with(noun) => noun,
        Kind::Enum => first(),
        _ => of().unwrap_or_else(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Sql;

    fn step(title: &str, kind: Kind, names: Option<&str>) -> Step {
        let statements = vec![Sql::trusted("alter table t alter column c set default 1").into()];
        let names = names.map(str::to_owned);
        Step { kind, names, ..Step::of_tables(title, statements, Vec::new()) }
    }

    fn tally(steps: &[Step]) -> Tally<'_> {
        let mut tally = Tally::of(steps);
        steps.iter().for_each(|step| tally.add(step));
        tally
    }

    #[test]
    fn what_is_changed_is_named_and_what_is_created_counted() {
        let changed: Vec<Step> = (1..=5)
            .map(|n| step(&format!("default of column public.item.c{n}"), Kind::Table, None))
            .chain([
                step("name of index public.b", Kind::Index, Some("index public.a to b")),
                step("column public.item.v as text", Kind::Table, None),
            ])
            .collect();
        let created = [
            step("label 'x' of type public.mood", Kind::Enum, None),
            step("index public.a", Kind::Index, None),
            step("index public.b", Kind::Index, None),
        ];
        assert_eq!(
            Tally::told(&tally(&created), &tally(&changed)),
            [
                "created on the target: 2 indexes, 1 label ('x' of type public.mood)",
                "changed on the target: 1 column (public.item.v as text), 5 defaults (column public.item.c1, column \
                 public.item.c2, column public.item.c3 and 2 more), 1 name (index public.a to b)",
            ]
        );
    }
}
