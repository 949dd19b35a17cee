//! What the rules say of tables and columns that the source does not have, and what they say in two ways. Needs
//! names only; whoever has read the source's catalog asks.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{ColumnPattern, Entry, Given, Key, Rank, Rule};
use super::{Mask, Origin, Rules};
use crate::ident::{Ident, TableName};
use crate::outcome::Strategy;
use crate::suggest;

/// A table of the source and its columns.
#[derive(Clone, Debug)]
pub struct SourceColumns<'a> {
    pub table: &'a TableName,
    pub columns: Vec<&'a Ident>,
    /// Those by which rows are found.
    pub key: Vec<Ident>,
    /// Those that hold no time by which changes could be found.
    pub timeless: Vec<Timeless<'a>>,
    /// Those that travel, and that the target's table does not have yet.
    pub new: Vec<&'a Ident>,
    /// Those that only the target's table has, as far as that is known.
    pub only_on_target: Vec<&'a Ident>,
}

/// A column of another type than a time.
#[derive(Clone, Debug)]
pub struct Timeless<'a> {
    pub name: &'a Ident,
    pub type_text: &'a str,
}

impl Rules {
    /// Everything that is wrong with the rules for these tables, which are all of the source's in the selected
    /// schemas, also those that `-include` leaves out.
    pub fn problems(&self, tables: &[SourceColumns]) -> Vec<String> {
        let kept = self.keep.iter().map(|kept| &kept.table);
        let entries = self.entries.iter().chain(&self.set);
        let unmatched =
            kept.chain(entries.clone()).filter_map(|entry| matches_nothing(entry, tables));
        let kept = self.keep.iter().filter_map(|kept| {
            let origin = &kept.table.origin;
            missing_pattern(&kept.column, origin, &named(&kept.table, tables))
        });
        let columns = entries.flat_map(|entry| {
            let named = named(entry, tables);
            entry.given.iter().flat_map(move |given| missing_columns(given, &named))
        });
        let every: Vec<&SourceColumns> = tables.iter().collect();
        let defaults = self.defaults.iter().flat_map(|given| missing_columns(given, &every));
        let all = unmatched.chain(kept).chain(defaults).chain(columns);
        let all = all.chain(self.useless(tables)).chain(self.contradictions(tables));
        // A pattern may be written twice, once in the file and once with -set.
        let mut seen = BTreeSet::new();
        all.filter(|problem| seen.insert(problem.clone())).collect()
    }

    /// What is said of a table by its name, and has no effect: a key column travels, and what is no time tells no changes.
    fn useless(&self, tables: &[SourceColumns]) -> Vec<String> {
        let entries = self.entries.iter().chain(&self.set).filter(|entry| !entry.has_wildcard());
        let found = entries.flat_map(|entry| {
            let named = named(entry, tables).into_iter();
            named.flat_map(|one| entry.given.iter().flat_map(|given| self.useless_rule(given, one)))
        });
        found.collect()
    }

    fn useless_rule(&self, given: &Given, one: &SourceColumns) -> Vec<String> {
        let (origin, table) = (&given.origin, one.table);
        match &given.rule {
            Rule::ExcludeColumns(columns) => {
                let of_key = columns.iter().filter(|column| one.key.contains(column));
                let told = of_key.map(|column| {
                    format!(
                        "{origin}: the rows of {table} are found by \"{}\", so it travels all the same: take it out here, and mask \
                         it if nobody may see its values",
                        column.as_str()
                    )
                });
                told.collect()
            }
            // Where changes have to be found by it, that is told with its rule.
            Rule::TimestampColumn(column)
                if self.effective(table).strategy != Some(Strategy::Incremental) =>
            {
                let timeless = one.timeless.iter().filter(|other| other.name == column);
                let told = timeless.map(|column| {
                    format!(
                        "{origin}: \"{}\" of {table} is {}, by which no change can be found: give a column of type timestamptz, \
                         timestamp or date, or take it out here, and runs compare all rows",
                        column.name.as_str(),
                        column.type_text
                    )
                });
                told.collect()
            }
            _ => Vec::new(),
        }
    }

    /// Entries of one rank that say one key differently, for a table where nothing more special says it.
    fn contradictions(&self, tables: &[SourceColumns]) -> Vec<String> {
        let mut told = BTreeSet::new();
        let mut problems = Vec::new();
        for SourceColumns { table, .. } in tables {
            for found in self.contradictions_of(table) {
                let Contradiction { one, other } = &found;
                let problem = format!(
                    "{one} and {other} contradict each other for {table}; give the rule under the \
                     table's name"
                );
                if told.insert(found) {
                    problems.push(problem);
                }
            }
        }
        problems
    }

    fn contradictions_of(&self, table: &TableName) -> Vec<Contradiction> {
        let mut said: BTreeMap<Topic, Said> = BTreeMap::new();
        for (entries, is_set) in [(&self.entries, false), (&self.set, true)] {
            let ranked = entries.iter().filter_map(|entry| Some((entry.rank(table)?, entry)));
            for (rank, entry) in ranked {
                for Statement { topic, says } in entry.given.iter().flat_map(statements) {
                    let new =
                        Said { place: (is_set, rank), pattern: &entry.pattern, says, other: None };
                    match said.get_mut(&topic) {
                        None => drop(said.insert(topic, new)),
                        Some(old) => old.meet(new),
                    }
                }
            }
        }
        let contradiction =
            |said: Said<'_>| Some(Contradiction { one: said.says.origin, other: said.other? });
        said.into_values().filter_map(contradiction).collect()
    }
}

/// Two places that say one thing differently.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Contradiction {
    one: Origin,
    other: Origin,
}

/// What a rule is about: a key, and of masks and kept columns one column.
type Topic = (Key, Option<Ident>);

/// What is said about a topic.
struct Says {
    rule: Rule,
    origin: Origin,
}

/// One thing that a rule says.
struct Statement {
    topic: Topic,
    says: Says,
}

/// The most special thing said about a topic so far.
struct Said<'a> {
    place: (bool, Rank),
    pattern: &'a str,
    says: Says,
    /// Where the opposite is said, as specially.
    other: Option<Origin>,
}

impl<'a> Said<'a> {
    fn meet(&mut self, new: Said<'a>) {
        let is_set = new.place.0;
        if new.place > self.place || is_set && new.pattern == self.pattern {
            // Of a repeated flag the last one counts.
            *self = new;
        } else if new.place == self.place && new.says.rule != self.says.rule {
            self.other.get_or_insert(new.says.origin);
        }
    }
}

/// A mask and a kept column are one topic: they contradict each other.
fn statements(given: &Given) -> Vec<Statement> {
    let of_column = |column: &Ident, rule: Rule, origin: Origin| {
        let topic = (Key::Mask, Some(column.clone()));
        Statement { topic, says: Says { rule, origin } }
    };
    match &given.rule {
        Rule::Mask(masks) => masks
            .iter()
            .map(|(column, mask)| {
                let rule = Rule::Mask([(column.clone(), mask.clone())].into());
                of_column(column, rule, given.origin.at(column.as_str()))
            })
            .collect(),
        Rule::Keep(columns) => columns
            .iter()
            .filter(|column| !column.has_wildcard())
            .map(|column| {
                let rule = Rule::Keep(vec![column.clone()]);
                of_column(&Ident::new(&column.text), rule, given.origin.clone())
            })
            .collect(),
        rule => {
            let says = Says { rule: rule.clone(), origin: given.origin.clone() };
            vec![Statement { topic: (rule.key(), None), says }]
        }
    }
}

/// The tables that the entry names.
fn named<'a, 't>(entry: &Entry, tables: &'t [SourceColumns<'a>]) -> Vec<&'t SourceColumns<'a>> {
    tables.iter().filter(|one| entry.rank(one.table).is_some()).collect()
}

fn matches_nothing(entry: &Entry, tables: &[SourceColumns]) -> Option<String> {
    if entry.may_match_nothing || !named(entry, tables).is_empty() {
        return None;
    }
    let near = match entry.pattern.split_once('.') {
        _ if entry.has_wildcard() => String::new(),
        Some(_) => {
            let names: Vec<String> = tables.iter().map(|one| one.table.to_string()).collect();
            suggest::did_you_mean(&entry.pattern, names.iter().map(String::as_str))
        }
        None => {
            let names = tables.iter().map(|one| one.table.name.as_str());
            suggest::did_you_mean(&entry.pattern, names)
        }
    };
    let origin = &entry.origin;
    Some(format!(
        "{origin}: \"{}\" is no table of the selected schemas on the source{near}",
        entry.pattern
    ))
}

/// The columns that a rule names and that none of the tables has.
fn missing_columns(given: &Given, tables: &[&SourceColumns]) -> Vec<String> {
    let Given { rule, origin } = given;
    let in_place = |columns: &[Ident]| {
        columns.iter().filter_map(|column| missing(column, origin, tables)).collect::<Vec<_>>()
    };
    match rule {
        Rule::Columns(columns) | Rule::Key(columns) => in_place(columns),
        Rule::ExcludeColumns(columns) => {
            columns.iter().filter_map(|column| missing_exclusion(column, origin, tables)).collect()
        }
        Rule::TimestampColumn(column) => in_place(std::slice::from_ref(column)),
        Rule::Rename(names) => names
            .keys()
            .filter_map(|column| missing(column, &origin.at(column.as_str()), tables))
            .collect(),
        Rule::Keep(columns) => {
            columns.iter().filter_map(|column| missing_pattern(column, origin, tables)).collect()
        }
        Rule::Mask(masks) => masks
            .iter()
            .flat_map(|(column, mask)| {
                let place = origin.at(column.as_str());
                let by = match mask {
                    Mask::DateShift { by: Some(by), .. } => {
                        missing(by, &place.at("date.shift").at("by"), tables)
                    }
                    _ => None,
                };
                missing(column, &place, tables).into_iter().chain(by)
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn missing_pattern(
    column: &ColumnPattern,
    origin: &Origin,
    tables: &[&SourceColumns],
) -> Option<String> {
    if column.has_wildcard() {
        return None;
    }
    missing(&Ident::new(&column.text), origin, tables)
}

/// What is left out holds what nobody may see: neither a key, which travels all the same, is offered in its place, nor is it
/// kept quiet that the column may have another name now.
fn missing_exclusion(column: &Ident, origin: &Origin, tables: &[&SourceColumns]) -> Option<String> {
    let told = missing(column, origin, tables)?;
    let [one] = tables else { return Some(told) };
    if one.only_on_target.contains(&column) {
        return Some(told);
    }
    let listed = |names: &[&Ident]| names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
    let near = if one.new.is_empty() {
        let others = one.columns.iter().filter(|name| !one.key.contains(name));
        suggest::did_you_mean(column.as_str(), others.map(|name| name.as_str()))
    } else {
        format!(
            "; new on the source is {}: if that is its new name, give that here",
            listed(&one.new)
        )
    };
    Some(format!("{origin}: {} has no column \"{}\"{near}", one.table, column.as_str()))
}

fn missing(column: &Ident, origin: &Origin, tables: &[&SourceColumns]) -> Option<String> {
    if tables.is_empty() || tables.iter().any(|one| one.columns.contains(&column)) {
        return None;
    }
    if let [one] = tables
        && one.only_on_target.contains(&column)
    {
        return Some(format!(
            "{origin}: only the target has the column \"{1}\" of {0}: if the source has renamed it, give its new name here; \
             else take it out here, for a column of the target alone needs no rule",
            one.table,
            column.as_str()
        ));
    }
    let names = tables.iter().flat_map(|one| one.columns.iter().map(|column| column.as_str()));
    let near = suggest::did_you_mean(column.as_str(), names);
    let who = match tables {
        [one] => format!("{} has no column", one.table),
        several => format!("none of these {} tables has a column", several.len()),
    };
    Some(format!("{origin}: {who} \"{}\"{near}", column.as_str()))
}
