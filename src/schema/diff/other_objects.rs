//! What the target has under a name of the source and defines otherwise: functions, and what text searches are made of.

use std::collections::{BTreeSet, HashSet};

use super::missing_objects::DependencyWalk;
use crate::ddl_step::UnmadeFunction;
use crate::ident::TableName;
use crate::schema::diff::DiffInput;
use crate::schema_object::make::Make;
use crate::schema_object::{Kind, Object};
use crate::sql::ddl;

/// Whether the target may have another one of its name, which stays: what is made is then what that one makes it.
fn may_be_another(kind: Kind) -> bool {
    matches!(kind, Kind::Function | Kind::Dictionary | Kind::SearchConfiguration)
}

impl<'a> DependencyWalk<'a> {
    /// What is there is never replaced: it may be the target's own.
    pub(super) fn note_other(&mut self, object: &Object, root: &TableName) {
        if object.kind == Kind::Enum {
            return self.note_left_labels(object, root);
        }
        let there = self.input.there(object).filter(|_| may_be_another(object.kind));
        if there.is_some_and(|there| self.input.is_another(object, there)) {
            let way_out = match object.kind {
                Kind::Function => format!(
                    "{}; to have that of the source, {}",
                    self.input.failing_over(object),
                    replacing(object)
                ),
                _ => String::new(),
            };
            let text = format!(
                "{} is defined differently on the source; the one of the target is used{way_out}",
                object.title()
            );
            // Once, however many tables need it.
            if self.other.iter().all(|(_, said)| *said != text) {
                self.other.push((root.clone(), text));
            }
        }
    }

    /// Notes labels of an enum that the target keeps beside those that it gets: the source may have renamed them.
    fn note_left_labels(&mut self, object: &Object, root: &TableName) {
        let Some(there) = self.input.there(object) else { return };
        let left = only_in(&there.labels, &object.labels);
        let new = only_in(&object.labels, &there.labels);
        let (Some(first), Some(_)) = (left.first(), new.first()) else { return };
        let way_out = match &new[..] {
            _ if self.input.makes => {
                "pgsync adds the labels that it lacks, and the old one may stay".to_owned()
            }
            [new] if left.len() == 1 => format!(
                "if the source has renamed it to '{new}', run on the target before pgsync adds that: {}",
                ddl::rename_label(&there.at, first, new).as_str()
            ),
            _ => "a label that the source has renamed is to be renamed on the target before pgsync adds the new one"
                .to_owned(),
        };
        let left: Vec<String> = left.iter().map(|label| format!("'{label}'")).collect();
        let text = format!(
            "{} keeps {}, which the source has no more; {way_out}",
            object.title(),
            left.join(", ")
        );
        if self.other.iter().all(|(_, said)| *said != text) {
            self.other.push((root.clone(), text));
        }
    }

    /// Notes a function that is missing and that nobody makes; and those that a function calls which is made: only who
    /// runs it would hear of them.
    pub(super) fn note_unmade(&mut self, object: &'a Object, root: &'a TableName) {
        if object.kind != Kind::Function || self.input.there(object).is_some() {
            return;
        }
        if let Some(what) = &object.unmade {
            let function = UnmadeFunction { name: object.at.name.clone(), what: what.clone() };
            return self.unmade.entry(root).or_default().push(function);
        }
        let needs = self.input.source.needs.get(&object.node).into_iter().flatten();
        let called = needs.filter_map(|node| self.input.source.at(node));
        for called in called.filter(|called| self.input.there(called).is_none()) {
            let Some(what) = &called.unmade else { continue };
            let text = format!(
                "{} is left out, and {} calls it: on the source it is {what}; create it on the target first",
                called.title(),
                object.title()
            );
            if self.other.iter().all(|(_, said)| *said != text) {
                self.other.push((root.clone(), text));
            }
        }
    }

    /// Whether the target has the same function: it looks for what stands in its body when it runs, and something new
    /// makes it run.
    pub(super) fn runs_alike(&self, object: &Object) -> bool {
        let there = self.input.there(object).filter(|_| object.kind == Kind::Function);
        there.is_some_and(|there| object.make.is_some() && !self.input.is_another(object, there))
    }
}

/// The labels that others do not have.
fn only_in<'l>(labels: &'l [String], others: &[String]) -> Vec<&'l str> {
    labels.iter().filter(|label| !others.contains(label)).map(String::as_str).collect()
}

/// Whether the name of the function stands in what the table's columns are generated by.
fn generates_by(table: &Object, function: &Object) -> bool {
    let columns = table.definition.iter().flat_map(|definition| &definition.columns);
    let mut generated = columns.filter_map(|column| column.generated.as_ref());
    generated.any(|expression| expression.as_str().contains(function.at.name.as_str()))
}

/// How somebody gives the target the source's function.
fn replacing(function: &Object) -> String {
    format!("run on the target what \\sf {} prints in psql on the source", function.id)
}

impl DiffInput<'_> {
    /// What is said of a part of a table that uses a function which does another thing on the target.
    pub(super) fn use_of_others(&self, object: &Object) -> Option<String> {
        let functions = self.other_functions(object);
        let first = functions.first()?;
        let titles: Vec<String> = functions.iter().map(|function| function.title()).collect();
        let reindex = match object.index.as_ref() {
            Some(index) => format!("; then: reindex index {}", index.name),
            None => String::new(),
        };
        Some(format!(
            "{} uses {}, defined differently on the source: {}{reindex}",
            object.title(),
            titles.join(", "),
            replacing(first)
        ))
    }

    /// Says which tables fail if a function of the target computes other values, or refuses rows.
    fn failing_over(&self, function: &Object) -> String {
        let needs_it = |object: &&Object| {
            let mut others = self.other_functions(object).into_iter();
            others.any(|other| other.node == function.node)
        };
        let checks = self.source.objects.iter().filter(|object| object.kind == Kind::Check);
        let checks = checks.filter(|check| self.there(check).is_some()).filter(needs_it);
        let checked: BTreeSet<String> =
            checks.filter_map(|check| Some(check.root.as_ref()?.to_string())).collect();
        // What a table needs is also what its checks need.
        let tables = self.source.objects.iter().filter(|table| self.computes_otherwise(table));
        let computing = tables.filter(needs_it).filter_map(|table| {
            let root = table.root.as_ref()?.to_string();
            (generates_by(table, function) || !checked.contains(&root)).then_some(root)
        });
        let computing: BTreeSet<String> = computing.collect();
        let failing = [
            (checked, "a check refuses a row by it"),
            (computing, "a generated column gets another value by it"),
        ];
        let failing = failing.into_iter().filter(|(roots, _)| !roots.is_empty());
        let texts = failing.map(|(roots, when)| {
            let roots: Vec<String> = roots.into_iter().collect();
            let verb = if roots.len() == 1 { "fails" } else { "fail" };
            format!(", and {} {verb} if {when}", roots.join(", "))
        });
        texts.collect()
    }

    /// Whether both sides have a table with generated columns, and functions that do another thing on the target.
    fn computes_otherwise(&self, table: &Object) -> bool {
        let definition = table.definition.as_ref().filter(|_| table.kind == Kind::Table);
        let mut columns = definition.into_iter().flat_map(|definition| &definition.columns);
        columns.any(|column| column.generated.is_some())
            && self.there(table).is_some()
            && !self.other_functions(table).is_empty()
    }

    /// The tables that both sides have, with generated columns and with functions that do another thing on the target:
    /// values may differ in rows that nobody has changed.
    pub(super) fn computing_otherwise(&self) -> HashSet<TableName> {
        let roots = self.source.objects.iter().filter(|table| self.computes_otherwise(table));
        let roots = roots.filter_map(|table| table.root.clone());
        roots.filter(|root| self.selected.contains(&root)).collect()
    }

    /// The functions that an object needs, and that others of the target have the names of.
    pub(super) fn other_functions(&self, object: &Object) -> Vec<&Object> {
        let mut others = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut nodes = vec![object.node.as_str()];
        while let Some(node) = nodes.pop() {
            for need in self.source.needs.get(node).into_iter().flatten() {
                let needed = self.source.at(need);
                // An operator is no object, and leads to its function.
                let leads_on = needed.is_none_or(|needed| needed.kind == Kind::Function);
                if !leads_on || !seen.insert(need) {
                    continue;
                }
                nodes.push(need);
                others.extend(needed.filter(|needed| {
                    self.there(needed).is_some_and(|there| self.is_another(needed, there))
                }));
            }
        }
        others
    }

    /// Whether it does another thing on the target. Other versions word all of a function but its body otherwise.
    fn is_another(&self, here: &Object, there: &Object) -> bool {
        match (&here.make, &there.make) {
            (Some(Make::Function(here)), Some(Make::Function(there))) if !self.same_major => {
                here.body != there.body || here.language != there.language
            }
            (here, there) => here != there,
        }
    }
}
