//! Partitions of tables that pgsync made, and that the source has no more or calls otherwise: those of another
//! name are renamed, the others named with the statement that drops them.

use std::collections::{HashMap, HashSet};

use super::changed_objects::{Finding, Severity};
use super::crowded;
use super::renamed::names;
use super::table_diff::bounds;
use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::make::Make;
use crate::schema_object::{Kind, Object};
use crate::sql::objects;

/// A partition that has another name on the target.
pub(super) struct RenamedPartition<'a> {
    here: &'a Object,
    there: &'a Object,
    root: TableName,
}

/// A partition that only the target has, or that it has otherwise.
pub(super) struct LeftPartition<'a> {
    pub there: &'a Object,
    /// The source's table, whose counterpart it belongs to.
    pub table: TableName,
}

impl<'a> RenamedPartition<'a> {
    /// The id of the source's table.
    pub fn id(&self) -> &'a str {
        &self.here.id
    }
}

impl DiffInput<'_> {
    /// Partitions that hold the same part of the same table under another name of the same schema. The source may
    /// have given the old name to another one by now.
    pub(super) fn renamed_partitions(&self) -> Vec<RenamedPartition<'_>> {
        let renamed = self.own_partitions().into_iter().filter_map(|(there, root)| {
            let mut places = self.source.objects.iter().filter(|here| here.kind == Kind::Partition);
            let same =
                |here: &&Object| here.make == there.make && here.at.schema == there.at.schema;
            let here = places.find(same)?;
            let is_new = self.target.find(Kind::Table, &here.id).is_none();
            is_new.then_some(RenamedPartition { here, there, root })
        });
        renamed.collect()
    }

    /// Renames those of another name, and names those that the source does not have.
    pub(super) fn settle_left_partitions(
        &self,
        renamed: &[RenamedPartition<'_>],
        schema_plan: &mut SchemaPlan,
    ) {
        let steps = renamed.iter().map(|RenamedPartition { here, there, root }| {
            let step = Step::about(here, vec![objects::rename_table(there, here)], &[root]);
            let (title, names) = (format!("name of {}", here.title()), Some(names(there, here)));
            Step { title, names, optional: true, ..step }
        });
        schema_plan.first.splice(0..0, steps);
        self.tell_late_partitions(renamed, schema_plan);
        let left = self.left_partitions(renamed);
        schema_plan.left_partitions = self.told_by_table(&left);
        self.tell_left_defaults(renamed, schema_plan);
        for LeftPartition { there, table } in left {
            let (title, drop) = (there.title(), self.pasted(&self.drop_of_partition(there)));
            let mut weight = self.weight_of_surplus(there, &table);
            let text = match self.crowded.get(&there.id) {
                Some(new) => {
                    weight = Severity::Part;
                    format!(
                        "{title} exists only on the target, and leaves no room for {}; run on the target: {}; the next run \
                     creates what has room then, with the rows that the source has",
                        new.join(", "),
                        drop
                    )
                }
                None => format!(
                    "{title} exists only on the target; to drop it, run: {drop}; if the source still has rows of it, the \
                     next run brings them back"
                ),
            };
            schema_plan.differs.push(Finding::new(weight, text).of(table));
        }
    }

    /// Says where rows have no place yet, because their partition has a name that another one still has.
    fn tell_late_partitions(&self, renamed: &[RenamedPartition<'_>], schema_plan: &mut SchemaPlan) {
        for RenamedPartition { here, there, root } in renamed {
            if self.source.find(Kind::Partition, &there.id).is_some() {
                let text = format!(
                    "on the source that name is now that of a new partition, and {} is the old one: the next run creates the new one",
                    here.id
                );
                let text = format!("the target lacks {}: {text}", there.title());
                schema_plan.lost_partitions.entry(root.clone()).or_insert(text);
            }
        }
    }

    /// Names the default partitions that the source does not have.
    fn tell_left_defaults(&self, renamed: &[RenamedPartition<'_>], schema_plan: &mut SchemaPlan) {
        for LeftPartition { there, table } in self.left(renamed, is_default_partition) {
            let lacking = self.partitions_missing_beside(there, renamed);
            let drop = self.pasted(&self.drop_of_partition(there));
            let title = there.title();
            let text = match lacking.as_slice() {
                [] => format!("{title} exists only on the target; to drop it, run: {drop}"),
                _ => format!(
                    "{title} exists only on the target, and takes rows of {} as long as the target has no such partition; to drop it \
                     after that, run: {drop}",
                    lacking.join(", ")
                ),
            };
            let weight = self.weight_of_surplus(there, &table);
            schema_plan.differs.push(Finding::new(weight, text).of(table));
        }
    }

    /// The ids of the source's partitions beside one of the target that the target lacks, or has otherwise: their rows may be
    /// in a default partition.
    fn partitions_missing_beside(
        &self,
        default: &Object,
        renamed: &[RenamedPartition<'_>],
    ) -> Vec<&str> {
        let places = self.source.objects.iter().filter(|here| here.kind == Kind::Partition);
        let beside = places.filter(|here| crowded::parent(here) == crowded::parent(default));
        let is_there = |here: &Object| {
            let there = self.target.find(Kind::Partition, &here.id);
            there.is_some_and(|there| there.make == here.make)
                || renamed.iter().any(|one| one.id() == here.id)
        };
        beside.filter(|here| !is_there(here)).map(|here| here.id.as_str()).collect()
    }

    /// A partition that holds other rows than that of the same name on the source, with what it leaves no room for.
    pub(super) fn other_bounds(&self, here: &Object, there: &Object) -> Option<Finding> {
        let finding = bounds(here, there)?;
        if self.has_renamed_parent(here, there) || self.gives_up_its_name(there) {
            return None;
        }
        let Some(Make::Partition { parent, .. }) = &there.make else { return Some(finding) };
        if crowded::parent(here) != Some(parent) {
            return Some(finding);
        }
        let crowded = self.crowded.get(&there.id).map(|new| new.join(", "));
        let crowded =
            crowded.map(|new| format!(", and leaves no room for {new}")).unwrap_or_default();
        let drop = self.pasted(&self.drop_of_partition(there));
        Some(Finding {
            text: format!("{}{crowded}", finding.text),
            remedy: Some(format!("{drop} (the next run creates it again, with the source's rows)")),
            ..finding
        })
    }

    /// Whether a partition of the target gets another name: the source has given its own to another one.
    fn gives_up_its_name(&self, there: &Object) -> bool {
        self.renamed_partitions().iter().any(|one| one.there.id == there.id)
    }

    /// Partitions of the target that hold other rows than those of the same name on the source.
    pub(super) fn other_partitions(&self) -> Vec<LeftPartition<'_>> {
        let places = self.target.objects.iter().filter(|there| there.kind == Kind::Partition);
        let other = places.filter_map(|there| {
            let table = self.source_name(there.root.as_ref()?);
            let here = self.source.find(Kind::Partition, &there.id)?;
            let is_other = here.make != there.make && self.selected.contains(&&table);
            let is_other = is_other && !self.gives_up_its_name(there);
            is_other.then_some(LeftPartition { there, table })
        });
        other.collect()
    }

    /// By table: what is to be done about partitions that only the target has.
    fn told_by_table(&self, left: &[LeftPartition<'_>]) -> HashMap<TableName, String> {
        let mut by_table: HashMap<&TableName, Vec<&Object>> = HashMap::new();
        for LeftPartition { there, table } in left {
            by_table.entry(table).or_default().push(there);
        }
        let told = by_table.into_iter().map(|(table, all)| {
            let names: Vec<&str> = all.iter().map(|there| there.id.as_str()).collect();
            let drops: Vec<String> =
                all.iter().map(|there| self.drop_of_partition(there)).collect();
            let (what, it) = match all.len() {
                1 => ("partition", "exists only on the target: if the source has dropped it"),
                _ => ("partitions", "exist only on the target: if the source has dropped them"),
            };
            let drops = self.pasted(&drops.join("; "));
            (table.clone(), format!("{what} {} {it}, run on the target: {drops}", names.join(", ")))
        });
        told.collect()
    }

    /// Gives them the indexes and keys that their table gets, which would be no valid ones without.
    pub(super) fn index_left_partitions(
        &self,
        renamed: &[RenamedPartition<'_>],
        schema_plan: &mut SchemaPlan,
    ) {
        let is_renamed = |there: &Object| renamed.iter().any(|one| one.there.id == there.id);
        let is_left = |there: &Object| self.source.find(Kind::Table, &there.id).is_none();
        for (there, root) in self.own_partitions() {
            let Some(Make::Partition { parent, .. }) = &there.make else { continue };
            let Some(after) = schema_plan.after.get_mut(&root) else { continue };
            if !is_left(there) || is_renamed(there) || self.is_divided(there) {
                continue;
            }
            let is_made = |object: &&Object| {
                let title = object.title();
                matches!(object.kind, Kind::Key | Kind::Index)
                    && object.table_name() == parent
                    && after.iter().any(|step| step.title == title)
            };
            let made: Vec<&Object> = self.source.objects.iter().filter(is_made).collect();
            let steps = made.into_iter().filter_map(|object| {
                let own = object.in_partition(there)?;
                let (above, below) = (object.index.as_ref()?, own.index.as_ref()?);
                let mut statements = objects::definition(&own);
                statements.push(objects::attach_index(&above.name, &below.name));
                let step = Step::about(&own, statements, &[&root]);
                Some(Step { kind: Kind::AttachedIndex, ..step })
            });
            let steps: Vec<Step> = steps.collect();
            after.extend(steps);
        }
    }

    /// Whether a partition differs in nothing but the name of its parent, which is a partition that gets the source's name.
    fn has_renamed_parent(&self, here: &Object, there: &Object) -> bool {
        let pair = (&here.make, &there.make);
        let (
            Some(Make::Partition { parent: new, bound: own }),
            Some(Make::Partition { parent: old, bound }),
        ) = pair
        else {
            return false;
        };
        let is_it = |one: &RenamedPartition<'_>| one.here.at == *new && one.there.at == *old;
        own == bound && self.renamed_partitions().iter().any(is_it)
    }

    /// Whether a partition of the target has partitions itself.
    fn is_divided(&self, there: &Object) -> bool {
        self.target.objects.iter().any(|one| match &one.make {
            Some(Make::Partition { parent, .. }) => *parent == there.at,
            _ => false,
        })
    }

    /// The statements that drop a partition. As long as it is one, what refers to its parents refers to it.
    fn drop_of_partition(&self, there: &Object) -> String {
        let drop = objects::drop_table(there);
        let keys = self.target.objects.iter().filter(|one| one.kind == Kind::ForeignKey);
        let mut parents = keys.filter_map(|key| key.parent.as_ref());
        let is_referred_to = parents.any(|parent| Some(parent) == there.root.as_ref());
        match &there.make {
            Some(Make::Partition { parent, .. }) if is_referred_to => {
                format!("{}; {}", objects::detach(parent, there).as_str(), drop.as_str())
            }
            _ => drop.as_str().to_owned(),
        }
    }

    /// Those that the source does not have. A default partition may hold what has no other place.
    pub(super) fn left_partitions(
        &self,
        renamed: &[RenamedPartition<'_>],
    ) -> Vec<LeftPartition<'_>> {
        self.left(renamed, |there| !is_default_partition(there))
    }

    /// Those of one sort that the source does not have.
    fn left(
        &self,
        renamed: &[RenamedPartition<'_>],
        is_meant: impl Fn(&Object) -> bool,
    ) -> Vec<LeftPartition<'_>> {
        let is_renamed = |there: &Object| renamed.iter().any(|one| one.there.id == there.id);
        let is_left = |there: &Object| self.source.find(Kind::Table, &there.id).is_none();
        let own = self.own_partitions().into_iter();
        let left = own.filter(|(there, _)| {
            is_left(there)
                && self.has_partitions_here(there)
                && !is_renamed(there)
                && is_meant(there)
        });
        left.map(|(there, table)| LeftPartition { there, table }).collect()
    }

    /// Whether the source's table has partitions, too: where it has none, those of the target hold its rows.
    fn has_partitions_here(&self, there: &Object) -> bool {
        let parent = crowded::parent(there);
        let here = parent.and_then(|parent| self.source.find(Kind::Table, &parent.printed()));
        let definition = here.and_then(|here| here.definition.as_ref());
        definition.is_none_or(|definition| definition.partition_by.is_some())
    }

    /// Partitions of the target's tables that pgsync made, each with the root on the source. Those of a partition
    /// that is left go with that.
    fn own_partitions(&self) -> Vec<(&Object, TableName)> {
        let places = self.target.objects.iter().filter(|there| there.kind == Kind::Partition);
        let places: Vec<&Object> = places.collect();
        let left = places.iter().filter(|there| self.source.find(Kind::Table, &there.id).is_none());
        let left: HashSet<_> = left.map(|there| &there.at).collect();
        let own = places.iter().filter_map(|there| {
            let Some(Make::Partition { parent, .. }) = &there.make else { return None };
            let root = self.source_name(there.root.as_ref()?);
            let is_ours = self.created_by_pgsync.contains(&root) && self.selected.contains(&&root);
            (is_ours && !left.contains(parent)).then_some((*there, root))
        });
        own.collect()
    }
}

fn is_default_partition(place: &Object) -> bool {
    match &place.make {
        Some(Make::Partition { bound, .. }) => bound.as_str().eq_ignore_ascii_case("default"),
        _ => false,
    }
}
