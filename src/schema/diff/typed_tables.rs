//! Tables of a composite type (`create table t of ty`): their columns change with the type, which pgsync does not alter.

use super::kept_types::{ColumnPair, columns_of_both};
use crate::ddl_step::Step;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::text::Name;
use crate::schema_object::{ColumnDefinition, Kind, Object, TableDefinition};
use crate::sql::user_types::{self, AttributeChange};

/// How the attributes of a table's type differ.
struct OtherAttributes<'d> {
    new: Vec<&'d ColumnDefinition>,
    gone: Vec<&'d ColumnDefinition>,
    retyped: Vec<ColumnPair<'d>>,
}

/// The step that gives a table the composite type of the source's, or takes it from it: before columns are added, or after.
#[derive(Default)]
pub(super) struct Retyping {
    pub before: Option<Step>,
    pub after: Option<Step>,
}

impl DiffInput<'_> {
    /// What makes a table one of the type of which the source's is, or of none.
    pub(super) fn composite_type(&self, object: &Object, there: &Object) -> Retyping {
        let kinds = object.definition.as_ref().zip(there.definition.as_ref());
        let kinds = kinds.map(|(here, there)| (&here.of, &there.of));
        let root = object.root.as_ref().filter(|root| self.follows(root));
        let Some(((here, _), root)) = kinds.filter(|(here, there)| here != there).zip(root) else {
            return Retyping::default();
        };
        let change = user_types::set_type_of_table(&object.at, here.as_ref());
        let step = Step {
            title: format!("type of table {}", object.id),
            optional: true,
            ..Step::about(object, vec![change], &[root])
        };
        match here {
            // A table of a type gets no column by itself.
            None => Retyping { before: Some(step), after: None },
            Some(_) => Retyping { before: None, after: Some(step) },
        }
    }

    /// Refuses tables whose type lacks attributes of the source's or has a smaller type for one, and those that would be
    /// rebuilt for the attributes.
    pub(super) fn refuse_other_attributes(&self, schema_plan: &mut SchemaPlan) {
        for object in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let root = object.root.as_ref().filter(|root| self.selected.contains(root));
            let Some((root, there)) = root.zip(self.there(object)) else { continue };
            let Some((here, definition)) =
                object.definition.as_ref().zip(there.definition.as_ref())
            else {
                continue;
            };
            let Some(kind) = definition.of.as_ref().filter(|_| here.of.is_some()) else {
                continue;
            };
            let pairs = columns_of_both(object, there);
            let other = OtherAttributes {
                new: only_in(here, definition),
                gone: only_in(definition, here),
                retyped: pairs.filter(|pair| pair.is_changed_here() && pair.is_known()).collect(),
            };
            let is_too_small = !other.new.is_empty() || other.retyped.iter().any(ColumnPair::grows);
            let is_other = !other.gone.is_empty() || !other.retyped.is_empty();
            if is_too_small || is_other && self.resets(root) {
                schema_plan.blocked.push((root.clone(), self.other_attributes(kind, &other)));
            }
        }
    }

    fn other_attributes(&self, kind: &Name, other: &OtherAttributes<'_>) -> String {
        let drop = other.gone.iter().map(|own| AttributeChange::Drop(&own.name));
        let retype = other.retyped.iter().flat_map(ColumnPair::retyped_attribute);
        let add = other.new.iter().map(|own| AttributeChange::Add(own));
        let changes: Vec<AttributeChange<'_>> = drop.chain(retype).chain(add).collect();
        let change = self.pasted(user_types::change_attributes(kind, &changes).as_str());
        let differs = format!("its type {kind} has other attributes on the source");
        match (&other.new[..], &other.gone[..]) {
            ([new], [old]) if new.type_text == old.type_text && other.retyped.is_empty() => {
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
