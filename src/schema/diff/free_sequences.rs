//! Sequences that belong to no table.

use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::DiffInput;
use crate::schema_object::{Kind, Object};
use crate::sql::objects;

impl DiffInput<'_> {
    /// Makes those of some sequences of the source that the target lacks. A table of the run stands for
    /// each, one of its schema if there is one.
    pub fn free_sequences(&self, names: &[&TableName]) -> Vec<Step> {
        let is_wanted = |object: &&Object| {
            let is_it = |name: &&&TableName| {
                let schema = &object.at.schema;
                object.at.name == name.name && schema.as_ref().is_none_or(|s| s == &name.schema)
            };
            object.kind == Kind::Sequence && names.iter().any(|name| is_it(&name))
        };
        let missing = self.source.objects.iter().filter(is_wanted);
        let missing = missing.filter(|object| self.there(object).is_none());
        let steps = missing.filter_map(|object| {
            let near = |table: &&&TableName| Some(&table.schema) == object.at.schema.as_ref();
            let root = self.selected.iter().find(near).or(self.selected.first())?;
            let step = Step::about(object, objects::create(object), &[root]);
            Some(Step { optional: true, shared: true, ..step })
        });
        steps.collect()
    }
}
