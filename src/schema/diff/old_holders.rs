//! Partitions that still belong to a table of the target which the source has no more: that table may be theirs under its
//! old name.

use crate::ident::TableName;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::{Kind, Object};

impl DiffInput<'_> {
    /// Says of each table where its partitions are, and what brings them to it.
    pub(super) fn name_old_holders(&self, schema_plan: &mut SchemaPlan) {
        for object in self.source.objects.iter().filter(|one| one.kind == Kind::Partition) {
            let root = object.root.as_ref().filter(|root| self.selected.contains(root));
            let Some((root, there)) = root.zip(self.there(object)) else { continue };
            let known = schema_plan.lost_partitions.get(root);
            let Some(holder) = self.old_holder(object, there).filter(|_| known.is_none()) else {
                continue;
            };
            // What a run has made in its place holds no row.
            let place = TableName { schema: holder.schema.clone(), name: root.name.clone() };
            let text = format!(
                "partition {} belongs to {holder} on the target, which the source no longer has: if the source has renamed that \
                 table, run on the target: drop table if exists {}; alter table {} rename to {}",
                object.id,
                place.typed(),
                holder.typed(),
                place.name.typed()
            );
            schema_plan.lost_partitions.insert(root.clone(), text);
        }
    }

    /// The target's table that a partition belongs to, if that is in the same schema, and the source has no such table.
    pub(super) fn old_holder<'t>(
        &self,
        object: &Object,
        there: &'t Object,
    ) -> Option<&'t TableName> {
        let (root, holder) = (object.root.as_ref()?, there.root.as_ref()?);
        let here = self.source_name(holder);
        let mut tables = self.source.objects.iter().filter(|one| one.kind == Kind::Table);
        let is_gone = here.schema == root.schema
            && here != *root
            && object.kind == Kind::Partition
            && tables.all(|table| table.name.as_ref() != Some(&here));
        is_gone.then_some(holder)
    }
}
