//! Indexes, constraints and statistics objects that the source does not have, in tables that pgsync
//! made: named with the statement that drops them, and dropped by a run that may, before rows arrive
//! that they would not let in.

use std::collections::HashSet;

use super::changed_objects::{Finding, Severity};
use super::short_locks::is_leftover;
use super::source_parts::title_of;
use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::make::Make;
use crate::schema_object::text::Name;
use crate::schema_object::{ColumnDefinition, Kind, Object, OwnedSequence, TableDefinition};
use crate::sql::objects;

/// Said of the helpers of a NOT NULL, which `pgsync schema` prints too.
const LEFT: &str = "(left by a killed run, or by statements that were not all run)";

impl DiffInput<'_> {
    pub(super) fn give_up(&self, schema_plan: &mut SchemaPlan) {
        let known: HashSet<&TableName> = self
            .selected
            .iter()
            .copied()
            .filter(|table| self.created_by_pgsync.contains(*table))
            .collect();
        let mut drops = Vec::new();
        for there in self.target.objects.iter().filter(|there| self.is_surplus(there)) {
            let table = there.table.as_ref().and_then(|id| self.source.find(Kind::Table, id));
            let root = table.and_then(|table| table.root.as_ref());
            let Some(root) = root.filter(|root| known.contains(root)) else { continue };
            let Some(drop) = objects::drop(there) else { continue };
            if is_leftover(there) {
                let title = format!("drop of {} {LEFT}", there.title());
                let step = Step::about(there, vec![drop], &[root]);
                drops.push(Step { title, optional: true, ..step });
                continue;
            }
            if !self.comparable {
                continue;
            }
            if !self.resets(root) && self.goes_with_a_key(there) {
                continue;
            }
            let is_referred_to = self.is_referred_to(there);
            if self.resets(root) && !is_referred_to {
                let title = format!("drop of {}", there.title());
                let step = Step::about(there, vec![drop], &[root]);
                drops.push(Step { title, optional: true, ..step });
                continue;
            }
            let text = format!("{} exists only on the target", there.title());
            let (weight, text) = if self.resets(root) {
                (Severity::Form, text)
            } else {
                let drops = self.drops(there).unwrap_or_else(|| drop.as_str().to_owned());
                let text = format!("{text}; to drop it, run: {}", self.pasted(&drops));
                (self.weight_of_surplus(there, root), text)
            };
            let part = Some(there.own_name());
            let found = Finding { part, ..Finding::new(weight, text) };
            schema_plan.differs.push(found.of(root.clone()));
        }
        // A foreign key goes before what it refers to.
        drops.sort_by_key(|step| std::cmp::Reverse(step.kind));
        schema_plan.first.extend(drops);
    }

    /// Sequences that columns of the target own beside the source's, whose columns draw from another one: they may be
    /// dropped.
    pub(super) fn left_sequences(
        &self,
        object: &Object,
        there: &Object,
        root: &TableName,
    ) -> Vec<Finding> {
        let Some((here, there)) = object.definition.as_ref().zip(there.definition.as_ref()) else {
            return Vec::new();
        };
        let is_left = |owned: &&OwnedSequence| {
            let column = here.column(&owned.column);
            let draws = |own: &ColumnDefinition| own.default.is_some() || own.identity.is_some();
            let is_same = |own: &OwnedSequence| own.sequence == owned.sequence;
            // A new identity takes the name of the one that it replaces, and that goes before.
            let is_replaced = column.and_then(|own| own.identity.as_ref());
            let is_replaced = is_replaced.is_some_and(|new| new.name == owned.sequence);
            let is_left = !here.owns.iter().any(is_same) && !self.source_has(&owned.sequence);
            column.is_some_and(draws) && !is_replaced && is_left
        };
        let found = there.owns.iter().filter(is_left).map(|owned| {
            let is_ahead = self.is_sequence_of_target_alone(owned, root);
            let weight = if is_ahead { Severity::Ahead } else { Severity::Part };
            let text = format!(
                "{} exists only on the target; to drop it, run: {}",
                title_of(owned),
                self.pasted(&format!("drop sequence {}", owned.sequence.printed()))
            );
            Finding::new(weight, text)
        });
        let free = self.left_free_sequences(here, there);
        let free = free.into_iter().map(|sequence| {
            let drop = self.pasted(&format!("drop sequence {}", sequence.at.printed()));
            let text = format!(
                "{} exists only on the target; to drop it when no default draws from it, run: {drop}",
                sequence.title()
            );
            Finding::new(Severity::Part, text)
        });
        found.chain(free).collect()
    }

    /// Sequences that no column owns and the source does not have, and from which columns will no longer draw.
    fn left_free_sequences(&self, here: &TableDefinition, there: &TableDefinition) -> Vec<&Object> {
        let is_sequence = |object: &&Object| object.kind == Kind::Sequence;
        let objects = self.target.objects.iter();
        let owned = objects.filter_map(|object| object.definition.as_ref());
        let owned: Vec<&Name> = owned.flat_map(|one| &one.owns).map(|one| &one.sequence).collect();
        let other = |old: &&ColumnDefinition| {
            let new = here.column(&old.name).and_then(|new| new.default.as_ref());
            new.is_some() && new != old.default.as_ref()
        };
        let defaults =
            there.columns.iter().filter(other).filter_map(|old| old.default_node.as_ref());
        let needs = defaults.flat_map(|node| self.target.needs.get(node).into_iter().flatten());
        let sequences = needs.filter_map(|node| self.target.at(node)).filter(is_sequence);
        let is_left = |one: &&Object| !owned.contains(&&one.at) && self.source.same(one).is_none();
        sequences.filter(is_left).collect()
    }

    /// A run says what the source gave up, and nothing of what others made on the target.
    pub(super) fn weight_of_surplus(&self, there: &Object, root: &TableName) -> Severity {
        if self.is_of_target_alone(there, root) { Severity::Ahead } else { Severity::Part }
    }

    /// Whether the target's table has another thing of the name, such as a key in place of an index, or a check in place of a
    /// foreign key: that one stays until it is dropped, which is said of it. A partition's index waits with its parent's.
    pub(super) fn is_in_the_way(&self, object: &Object, root: &TableName) -> bool {
        let is_other = |there: &&Object| {
            share_names(there.kind, object.kind)
                && there.kind != object.kind
                && there.table == object.table
        };
        let mut others = self.target.objects.iter().filter(is_other);
        let has_name = |there: &Object| there.own_name() == object.own_name();
        let is_taken = self.comparable
            && !self.resets(root)
            && others.any(|there| has_name(there) && self.is_surplus(there));
        is_taken || self.waits_for_parent(object, root)
    }

    /// Whether an index of a partition would join one that is another one on the target.
    pub(super) fn waits_for_parent(&self, object: &Object, root: &TableName) -> bool {
        let index = match object.kind {
            Kind::AttachedIndex => &object.at,
            _ => match &object.index {
                Some(index) => &index.name,
                None => return false,
            },
        };
        let place = self.source.find(Kind::AttachedIndex, &index.printed());
        let Some(Make::AttachedIndex { parent }) = place.and_then(|place| place.make.as_ref())
        else {
            return false;
        };
        let is_parent = |one: &&Object| one.index.as_ref().is_some_and(|i| &i.name == parent);
        self.source.objects.iter().find(is_parent).is_some_and(|parent| {
            let there = self.there(parent);
            there.is_some_and(|there| self.comparable && self.is_another_part(parent, there))
                || self.is_in_the_way(parent, root)
        })
    }

    /// What a partition has of its parent goes with that. What rules do not carry is no matter of theirs.
    pub(super) fn is_surplus(&self, there: &Object) -> bool {
        let is_part = matches!(
            there.kind,
            Kind::Key | Kind::Index | Kind::Check | Kind::Statistics | Kind::ForeignKey
        );
        let same = self.source.same(there).filter(|here| here.table == there.table);
        let is_uncarried = || self.source.uncarried.contains_key(&there.title());
        is_part
            && same.is_none()
            && !is_uncarried()
            && !self.is_attached(there)
            && !self.is_in_progress(there)
    }

    /// Whether an index of the target, or that of a key, goes with one of the parent's.
    pub(super) fn is_attached(&self, there: &Object) -> bool {
        let mut index = there.needs.iter().filter_map(|need| need.split_once('/'));
        index.any(|(_, oid)| self.target.at(&format!("attached/{oid}")).is_some())
    }
}

/// Whether a table cannot have one of each by the same name.
fn share_names(one: Kind, other: Kind) -> bool {
    let both = |is_one: fn(Kind) -> bool| is_one(one) && is_one(other);
    both(|kind| matches!(kind, Kind::Key | Kind::Index))
        || both(|kind| matches!(kind, Kind::Key | Kind::Check | Kind::ForeignKey))
}
