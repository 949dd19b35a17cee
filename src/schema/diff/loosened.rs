//! Columns that come to take NULL, and what of the target keeps them from it.

use crate::ident::Ident;
use crate::schema::diff::DiffInput;
use crate::schema_object::make::Make;
use crate::schema_object::{ColumnDefinition, Kind, Object};
use crate::sql::ddl;
use crate::sql::objects;
use crate::sql::statement::Statement;

impl DiffInput<'_> {
    /// The statements that let a column of the target take NULL, after what keeps it from that; none while that stays, or
    /// where they go with the column's identity.
    pub(super) fn loosen(
        &self,
        object: &Object,
        here: &ColumnDefinition,
        there: &ColumnDefinition,
    ) -> Option<Vec<Statement>> {
        if there.identity.is_some() && here.identity.is_none() {
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
        statements.push(ddl::loosen(&object.at, here));
        Some(statements)
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
