//! Columns that come to take NULL, and what of the target keeps them from it.

use crate::ident::Ident;
use crate::schema::diff::DiffInput;
use crate::schema_object::make::Make;
use crate::schema_object::{ColumnDefinition, Kind, Object, TableDefinition};
use crate::sql::ddl;
use crate::sql::objects;
use crate::sql::statement::Statement;

impl DiffInput<'_> {
    /// The statements that let a column of the target take NULL, after what keeps it from that; none while that stays, or
    /// where they go with the column's identity, or with the NOT NULL of the partitioned table.
    pub(super) fn loosen(
        &self,
        object: &Object,
        here: &ColumnDefinition,
        there: &TableDefinition,
    ) -> Option<Vec<Statement>> {
        let there = there.column(&here.name).filter(|there| here.takes_null_before(there))?;
        if there.identity.is_some() && here.identity.is_none()
            || self.is_loosened_above(object, here)
        {
            return None;
        }
        let resets = object.root.as_ref().is_some_and(|root| self.resets(root));
        let keys = self.target.objects.iter().filter(|key| key.table.as_ref() == Some(&object.id));
        let mut statements = Vec::new();
        for key in keys.filter(|key| has_column(key, &here.name)) {
            let is_primary = matches!(&key.make, Some(Make::Key(key)) if key.primary);
            let is_identity = key.index.as_ref().is_some_and(|index| index.replica_identity);
            if is_primary || is_identity && !resets {
                return None;
            }
            statements.extend(is_identity.then(|| objects::no_replica_identity(&object.at)));
        }
        let is_kept_below = self.is_kept_below(object, &here.name);
        statements.push(ddl::loosen(&object.at, here, is_kept_below));
        Some(statements)
    }

    /// Whether a partition's column loses its NOT NULL with that of the table of which it is a part.
    pub(super) fn is_loosened_above(&self, object: &Object, column: &ColumnDefinition) -> bool {
        let is_partition =
            object.definition.as_ref().is_some_and(|definition| definition.partition);
        let takes_null = |parent: &Object| {
            let here = parent.definition.as_ref().and_then(|here| here.column(&column.name));
            let there = self.column_there(parent, &column.name);
            here.zip(there).is_some_and(|(here, there)| here.takes_null_before(there))
        };
        is_partition && self.parents_of(object).into_iter().any(takes_null)
    }

    /// Whether a child that is no partition keeps the NOT NULL of a column.
    fn is_kept_below(&self, object: &Object, column: &Ident) -> bool {
        let tables = self.source.objects.iter().filter(|table| table.kind == Kind::Table);
        let mut children = tables.filter_map(|table| {
            let here =
                table.definition.as_ref().filter(|here| here.inherits.contains(&object.at))?;
            Some((table, here.column(column)?))
        });
        children
            .any(|(child, own)| own.not_null_rule.is_some() || self.is_kept_below(child, column))
    }

    pub(super) fn column_there(&self, table: &Object, name: &Ident) -> Option<&ColumnDefinition> {
        self.there(table)?.definition.as_ref()?.column(name)
    }
}

/// Whether a key, or an index that may serve as one, has a column.
fn has_column(key: &Object, column: &Ident) -> bool {
    match &key.make {
        Some(Make::Key(own)) => own.columns.contains(column),
        Some(Make::Index(own)) if key.kind == Kind::Index => {
            own.elements.iter().any(|element| element.column.as_ref() == Some(column))
        }
        _ => false,
    }
}
