//! Partitioned tables whose rows the target divides otherwise than the source, or not at all: the
//! source's partitions have no place there, and are not missing.

use std::collections::HashSet;

use crate::schema_object::{Definitions, Kind, Object};

/// The ids of the source's partitions, at any depth, of tables that stand on the target under
/// another partition key. `there` finds the target's counterpart of an object.
pub fn misplaced<'a, 't>(
    source: &'a Definitions,
    there: impl Fn(&Object) -> Option<&'t Object>,
) -> HashSet<&'a str> {
    let key = |table: &Object| {
        table.definition.as_ref().and_then(|definition| definition.partition_by.clone())
    };
    let places = source.objects.iter().filter(|object| object.kind == Kind::Partition);
    let pairs: Vec<(&str, &Object)> = places
        .filter_map(|place| {
            let own = place.table.as_deref()?;
            let mut ends = place.needs.iter().filter_map(|node| source.at(node));
            Some((own, ends.find(|table| table.kind == Kind::Table && table.id != own)?))
        })
        .collect();
    let mut misplaced = HashSet::new();
    loop {
        let before = misplaced.len();
        for (own, parent) in &pairs {
            let otherwise = there(parent).is_some_and(|there| key(there) != key(parent));
            if otherwise || misplaced.contains(parent.id.as_str()) {
                misplaced.insert(*own);
            }
        }
        if misplaced.len() == before {
            return misplaced;
        }
    }
}
