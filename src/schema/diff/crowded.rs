//! New partitions of the source for which a partition that the target has otherwise, or alone, leaves no room, as when the source has
//! divided it: they are not made before that one is gone.

use std::collections::BTreeMap;

use super::left_partitions::LeftPartition;
use crate::ident::Ident;
use crate::schema::diff::DiffInput;
use crate::schema::diff::reword::columns;
use crate::schema_object::make::Make;
use crate::schema_object::text::Name;
use crate::schema_object::{Kind, Object};
use crate::sql::ddl;
use crate::sql::statement::{Statement, statement};

/// By the id of a partition that only the target has, or that holds other rows there: the ids of those that have no room
/// beside it.
pub type Crowded = BTreeMap<String, Vec<String>>;

/// Partitions of one table: one as the target has it, and those that only the source has.
pub struct Crowd<'a> {
    parent: &'a Object,
    pub left: &'a Object,
    pub new: Vec<&'a Object>,
}

impl DiffInput<'_> {
    /// What the target may have no room for.
    pub fn crowds(&self) -> Vec<Crowd<'_>> {
        let renamed = self.renamed_partitions();
        let left = self.left_partitions(&renamed).into_iter().chain(self.other_partitions());
        let crowds = left.filter_map(|LeftPartition { there: left, table }| {
            let parent = parent(left)?;
            let is_new = |here: &&Object| {
                here.kind == Kind::Partition
                    && here.root.as_ref() == Some(&table)
                    && self::parent(here) == Some(parent)
                    && self.target.find(Kind::Table, &here.id).is_none()
                    && renamed.iter().all(|renamed| renamed.id() != here.id)
            };
            let mut new: Vec<&Object> = self.source.objects.iter().filter(is_new).collect();
            new.sort_by_key(|new| &new.id);
            let parent = self.target.find(Kind::Table, &parent.printed())?;
            (!new.is_empty()).then_some(Crowd { parent, left, new })
        });
        crowds.collect()
    }

    /// The ids of the partitions that have no room, and of their own partitions.
    pub(super) fn without_room(&self) -> Vec<&str> {
        let mut without: Vec<&str> = self.crowded.values().flatten().map(String::as_str).collect();
        let mut place = 0;
        while let Some(parent) = without.get(place).and_then(|id| self.source.find(Kind::Table, id))
        {
            let places = self.source.objects.iter().filter(|here| here.kind == Kind::Partition);
            let own = places.filter(|here| self::parent(here) == Some(&parent.at));
            without.extend(own.map(|here| here.id.as_str()));
            place += 1;
        }
        without
    }
}

impl Crowd<'_> {
    /// Makes a temporary table that is divided alike, with the partition that is left.
    pub fn scene(&self) -> Vec<Statement> {
        let definition = self.parent.definition.iter();
        let create = definition.map(|definition| {
            statement!(
                "create temp table pgsync_parent ({columns}){by}",
                columns = columns(definition.columns.iter()),
                by = ddl::partition_by(definition)
            )
        });
        create.chain(place("pgsync_left", self.left)).collect()
    }
}

/// Makes another partition there.
pub fn place(name: &str, partition: &Object) -> Option<Statement> {
    let Some(Make::Partition { bound, .. }) = &partition.make else { return None };
    Some(statement!(
        "create temp table {name} partition of pg_temp.pgsync_parent {bound}",
        name = Ident::new(name),
        bound = bound
    ))
}

/// The table of which it is a partition.
pub fn parent(partition: &Object) -> Option<&Name> {
    match &partition.make {
        Some(Make::Partition { parent, .. }) => Some(parent),
        _ => None,
    }
}
