//! Checks and defaults of a new table that call a function which needs the table, for its row type: they are made after
//! the function, which is made after the table.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::{ColumnDefinition, Kind, Object};
use crate::sql::ddl;

impl<'a> DiffInput<'a> {
    /// The nodes of such checks and defaults of a table that the target lacks.
    pub(super) fn late_parts(&self, table: &'a Object) -> BTreeSet<&'a str> {
        if table.kind != Kind::Table || self.there(table).is_some() {
            return BTreeSet::new();
        }
        let nodes = self.needs(&table.node).filter(|node| self.source.at(node).is_none());
        nodes.filter(|node| self.calls_back(node, &table.node)).collect()
    }

    fn needs(&self, node: &str) -> impl Iterator<Item = &'a str> {
        self.source.needs.get(node).into_iter().flatten().map(String::as_str)
    }

    /// Whether a part of a table needs a function that needs the table.
    fn calls_back(&self, part: &str, table: &str) -> bool {
        let is_function =
            |node: &&str| self.source.at(node).is_some_and(|object| object.kind == Kind::Function);
        let mut open: Vec<&str> = self.needs(part).filter(is_function).collect();
        let mut seen: HashSet<&str> = HashSet::new();
        while let Some(node) = open.pop() {
            if node == table {
                return true;
            }
            if seen.insert(node) {
                open.extend(self.needs(node));
            }
        }
        false
    }

    /// A new table without its late parts.
    pub(super) fn without_late_parts<'t>(&self, table: &'t Object) -> Cow<'t, Object>
    where
        'a: 't,
    {
        let known = self.source.at(&table.node);
        let late = known.map(|table| self.late_parts(table)).unwrap_or_default();
        let Some(definition) = table.definition.as_ref().filter(|_| !late.is_empty()) else {
            return Cow::Borrowed(table);
        };
        let mut early = definition.clone();
        early.checks.retain(|check| {
            let id = format!("{} {}", table.id, check.name.typed());
            let check = self.source.find(Kind::Check, &id);
            check.is_none_or(|check| !self.is_late(check, &late))
        });
        for column in early.columns.iter_mut().filter(|column| has_late_default(column, &late)) {
            column.default = None;
        }
        Cow::Owned(table.redefined(early))
    }

    fn is_late(&self, check: &Object, late: &BTreeSet<&str>) -> bool {
        self.needs(&check.node).any(|node| late.contains(node))
    }

    /// Whether a check does not come with its table.
    pub(super) fn follows_its_function(&self, check: &Object) -> bool {
        let table = check.table.as_ref().and_then(|id| self.source.find(Kind::Table, id));
        table.is_some_and(|table| self.is_late(check, &self.late_parts(table)))
    }

    /// Plans the late defaults of new tables.
    pub(super) fn late_defaults(&self, wanted: &HashSet<&TableName>, schema_plan: &mut SchemaPlan) {
        for table in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let root = table.root.as_ref().filter(|root| wanted.contains(root));
            let Some((root, definition)) = root.zip(table.definition.as_ref()) else { continue };
            let late = self.late_parts(table);
            for column in definition.columns.iter().filter(|column| has_late_default(column, &late))
            {
                let title = format!("default of column {}.{}", table.id, column.name.as_str());
                let set = ddl::set_default(&table.at, column).into_iter().collect();
                let step = Step { title, ..Step::about(table, set, &[root]) };
                let step = Step { table: Some(table.id.clone()), ..step };
                schema_plan.after.entry(root.clone()).or_default().push(step);
            }
        }
    }
}

fn has_late_default(column: &ColumnDefinition, late: &BTreeSet<&str>) -> bool {
    column.default.is_some()
        && column.default_node.as_ref().is_some_and(|node| late.contains(node.as_str()))
}
