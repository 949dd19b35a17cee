//! New partitions of a table that has on the target what the source has dropped or renamed: each of its partitions
//! needs that, too.

use std::borrow::Cow;

use super::crowded::parent;
use crate::schema::diff::DiffInput;
use crate::schema_object::{ColumnDefinition, Kind, Object, TableDefinition};

/// The types of a partition's columns are those of its parent.
fn take_type(column: &mut ColumnDefinition, parent: &ColumnDefinition) {
    column.kind = parent.kind.clone();
    column.type_text.clone_from(&parent.type_text);
    column.built_in.clone_from(&parent.built_in);
    column.modifier = parent.modifier;
    column.collation.clone_from(&parent.collation);
}

impl DiffInput<'_> {
    /// The definition of a table that is missing, with the columns and checks without which its parent would not take
    /// it for a partition.
    pub(super) fn joinable<'t>(
        &self,
        table: &Object,
        definition: &'t TableDefinition,
    ) -> Cow<'t, TableDefinition> {
        let Some(parent) = self.parent_there(table) else { return Cow::Borrowed(definition) };
        let mut joining = definition.clone();
        for column in &mut joining.columns {
            if let Some(there) = parent.column(&column.name) {
                take_type(column, there);
            }
        }
        let is_missing = |column: &&ColumnDefinition| definition.column(&column.name).is_none();
        let columns = parent.columns.iter().filter(is_missing).cloned();
        // No partition may have an identity of its own before PostgreSQL 17, and later it has that of its parent.
        joining.columns.extend(columns.map(|column| ColumnDefinition { identity: None, ..column }));
        let names: Vec<_> = definition.checks.iter().map(|check| &check.name).collect();
        let checks = parent.checks.iter().filter(|check| !names.contains(&&check.name));
        joining.checks.extend(checks.cloned());
        Cow::Owned(joining)
    }

    /// What the table of which this one is a partition is on the target, or will be.
    fn parent_there(&self, table: &Object) -> Option<Cow<'_, TableDefinition>> {
        let is_place = |object: &&Object| {
            object.kind == Kind::Partition && object.table.as_ref() == Some(&table.id)
        };
        let name = self.source.objects.iter().find(is_place).and_then(parent)?;
        let parent = self.source.find(Kind::Table, &name.printed())?;
        match self.there(parent) {
            Some(there) => there.definition.as_ref().map(Cow::Borrowed),
            None => Some(self.joinable(parent, parent.definition.as_ref()?)),
        }
    }
}
