//! Columns that a table has both of its own and from its parents.

use std::collections::{BTreeMap, BTreeSet};

use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::DiffInput;
use crate::schema_object::text::Name;
use crate::schema_object::{ColumnDefinition, Kind, Object};

/// What a step adds.
struct Addition<'a> {
    table: &'a Object,
    column: &'a ColumnDefinition,
}

impl<'a> DiffInput<'a> {
    /// Puts a child's own column before that of its parent: a column that is added to a parent is added to its children,
    /// unless they have it.
    pub(super) fn children_first(&self, steps: &mut Vec<Step>) {
        let is_heir = |object: &Object| parents(object).next().is_some();
        if !self.source.objects.iter().any(is_heir) {
            return;
        }
        let mut place = 0;
        while place < steps.len() {
            let parent = self.addition(&steps[place]);
            let later = parent.and_then(|parent| {
                let is_of_child = |step: &Step| {
                    self.addition(step).is_some_and(|child| self.joins(&parent, &child))
                };
                steps.iter().skip(place + 1).position(is_of_child)
            });
            match later {
                Some(later) => {
                    let child = steps.remove(place + 1 + later);
                    let level = steps[place].level;
                    steps.insert(place, Step { level, ..child });
                }
                None => place += 1,
            }
        }
    }

    /// New tables that inherit, with their parents.
    pub(super) fn heirs(&self) -> BTreeMap<TableName, BTreeSet<TableName>> {
        let is_new = |object: &&Object| object.kind == Kind::Table && self.there(object).is_none();
        let mut heirs = BTreeMap::new();
        for table in self.source.objects.iter().filter(is_new) {
            let root = |parent: &Name| self.table(parent)?.root.clone();
            let parents: BTreeSet<TableName> = parents(table).filter_map(root).collect();
            if let Some(child) = table.root.as_ref().filter(|_| !parents.is_empty()) {
                heirs.insert(child.clone(), parents);
            }
        }
        heirs
    }

    /// Whether a parent has the column, too: then the type is changed there.
    pub(super) fn is_inherited(&self, table: &Object, column: &ColumnDefinition) -> bool {
        let mut parents =
            parents(table).filter_map(|parent| self.table(parent)?.definition.as_ref());
        parents.any(|parent| parent.column(&column.name).is_some())
    }

    /// Whether a column of a parent, once added, is one with that of the child.
    fn joins(&self, parent: &Addition<'_>, child: &Addition<'_>) -> bool {
        parent.column.name == child.column.name && self.is_below(child.table, parent.table)
    }

    fn is_below(&self, table: &Object, other: &Object) -> bool {
        let mut parents = parents(table).filter_map(|parent| self.table(parent));
        parents.any(|parent| parent.id == other.id || self.is_below(parent, other))
    }

    fn table(&self, name: &Name) -> Option<&'a Object> {
        self.source.find(Kind::Table, &name.printed())
    }

    fn addition(&self, step: &Step) -> Option<Addition<'a>> {
        let names_a_column = step.kind == Kind::Table && step.title.starts_with("column ");
        let table = self.table(step.on.as_ref().filter(|_| names_a_column)?)?;
        let is_added = |column: &&ColumnDefinition| {
            step.title == format!("column {}.{}", table.id, column.name.as_str())
        };
        let column = table.definition.as_ref()?.columns.iter().find(is_added)?;
        Some(Addition { table, column })
    }
}

/// The tables from which it inherits, those of which it is a partition left out.
fn parents(table: &Object) -> impl Iterator<Item = &Name> {
    let definition = table.definition.iter().filter(|definition| !definition.partition);
    definition.flat_map(|definition| &definition.inherits)
}
