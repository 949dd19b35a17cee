//! Tables of the source that still are partitions on the target: detached where pgsync made the
//! partitioned table, else named with the statement that does it.

use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::make::Make;
use crate::schema_object::text::Name;
use crate::schema_object::{Kind, Object};
use crate::sql::objects;

/// A table of the target that is a partition there.
struct OwnPartition<'d> {
    there: &'d Object,
    parent: &'d Name,
}

impl DiffInput<'_> {
    pub(super) fn detach(&self, schema_plan: &mut SchemaPlan) {
        let mut steps = Vec::new();
        for object in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let is_own = object.definition.as_ref().is_some_and(|definition| !definition.partition);
            let root = object.root.as_ref().filter(|root| self.selected.contains(root));
            let (true, Some(root)) = (is_own, root) else { continue };
            let Some(OwnPartition { there, parent }) = self.place_on_the_target(object) else {
                continue;
            };
            let detach = objects::detach(parent, there);
            if let Some(holder) = self.created_holder(there) {
                let detached = schema_plan.detaching.entry(holder.clone()).or_default();
                detached.extend(there.name.clone());
                let step = Step::about(object, vec![detach], &[root]);
                let title = format!("detachment of {} from {parent}", object.id);
                steps.push(Step { title, makes: object.name.clone(), ..step });
                continue;
            }
            let text = format!(
                "it is a partition of {parent} on the target and a table by itself on the source: run on the target: \
                 {}; or exclude it",
                self.pasted(detach.as_str())
            );
            schema_plan.blocked.push((root.clone(), text));
        }
        schema_plan.first.splice(0..0, steps);
    }

    /// The target's table of the same name, and its parent, if it is a partition.
    fn place_on_the_target(&self, object: &Object) -> Option<OwnPartition<'_>> {
        let there = self.there(object)?;
        match &self.target.find(Kind::Partition, &there.id)?.make {
            Some(Make::Partition { parent, .. }) => Some(OwnPartition { there, parent }),
            _ => None,
        }
    }

    /// The table of which one of the target is a partition, if pgsync made it: its name on the source.
    fn created_holder(&self, partition: &Object) -> Option<&TableName> {
        let mut tables = self.target.objects.iter().filter(|table| table.kind == Kind::Table);
        let root = tables.find(|table| table.name.is_some() && table.name == partition.root);
        let here = root.and_then(|root| self.source.find(Kind::Table, &root.id));
        let root = here.and_then(|here| here.root.as_ref());
        root.filter(|root| self.created_by_pgsync.contains(*root))
    }
}
