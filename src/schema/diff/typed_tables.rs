//! Tables of a composite type (`create table t of ty`): their columns change with the type, which pgsync does not alter.

use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::text::Name;
use crate::schema_object::{ColumnDefinition, Kind, TableDefinition};
use crate::sql::user_types;

impl DiffInput<'_> {
    /// Refuses tables whose type lacks attributes of the source's, and those that would be rebuilt for the attributes.
    pub(super) fn refuse_other_attributes(&self, schema_plan: &mut SchemaPlan) {
        for object in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let root = object.root.as_ref().filter(|root| self.selected.contains(root));
            let there = self.there(object).and_then(|there| there.definition.as_ref());
            let Some((root, (here, there))) = root.zip(object.definition.as_ref().zip(there))
            else {
                continue;
            };
            let Some(kind) = there.of.as_ref().filter(|_| here.of.is_some()) else { continue };
            let (new, gone) = (only_in(here, there), only_in(there, here));
            if !new.is_empty() || !gone.is_empty() && self.resets(root) {
                let text = self.other_attributes(kind, &new, &gone);
                schema_plan.blocked.push((root.clone(), text));
            }
        }
    }

    fn other_attributes(
        &self,
        kind: &Name,
        new: &[&ColumnDefinition],
        gone: &[&ColumnDefinition],
    ) -> String {
        let change = self.pasted(user_types::change_attributes(kind, new, gone).as_str());
        let differs = format!("its type {kind} has other attributes on the source");
        match (new, gone) {
            ([new], [old]) if new.type_text == old.type_text => {
                let rename = user_types::rename_attribute(kind, &old.name, &new.name);
                format!(
                    "{differs}; if the source has renamed the attribute \"{}\" to \"{}\", run on the target: {}; \
                     otherwise, run on the target: {change}",
                    old.name.as_str(),
                    new.name.as_str(),
                    self.pasted(rename.as_str())
                )
            }
            _ => format!("{differs}: run on the target: {change}"),
        }
    }
}

/// The columns that the other one does not have.
fn only_in<'d>(one: &'d TableDefinition, other: &TableDefinition) -> Vec<&'d ColumnDefinition> {
    one.columns.iter().filter(|column| other.column(&column.name).is_none()).collect()
}
