//! Partitions that an older target cannot have: their tables fail before anything of them is made.

use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::make::{Make, PartitionStrategy};
use crate::schema_object::{Kind, Object};

/// The first version with default partitions, and with those by hash.
const PARTITIONS: u32 = 110_000;

impl DiffInput<'_> {
    /// Refuses tables with partitions that the target would have from PostgreSQL 11 on only.
    pub(super) fn refuse_new_partitions(&self, schema_plan: &mut SchemaPlan) {
        if self.version >= PARTITIONS {
            return;
        }
        for object in self.source.objects.iter().filter(|object| self.there(object).is_none()) {
            let root = object.root.as_ref().filter(|root| self.selected.contains(root));
            if let Some((root, what)) = root.zip(newer_partition(object)) {
                let text = format!(
                    "{what}, which the target can have from PostgreSQL 11 on: exclude the table"
                );
                schema_plan.blocked.push((root.clone(), text));
            }
        }
    }
}

fn newer_partition(object: &Object) -> Option<String> {
    let by = object.definition.as_ref().and_then(|own| own.partition_by.as_ref());
    if by.is_some_and(|by| by.strategy == PartitionStrategy::Hash) {
        return Some(format!("table {} is partitioned by hash", object.id));
    }
    let Some(Make::Partition { bound, .. }) = &object.make else { return None };
    let is_default =
        object.kind == Kind::Partition && bound.as_str().eq_ignore_ascii_case("default");
    is_default.then(|| format!("{} is a default partition", object.id))
}
