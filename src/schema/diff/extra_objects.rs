//! Indexes, constraints and statistics objects that the source does not have, in tables that pgsync
//! made: named with the statement that drops them, and dropped by a run that may, before rows arrive
//! that they would not let in.

use std::collections::HashSet;

use super::changed_objects::{Finding, Severity};
use super::short_locks::is_leftover;
use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::{Kind, Object};
use crate::sql::objects;

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
                let title = format!("drop of {}, left by a killed run", there.title());
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
                (Severity::Part, format!("{text}; to drop it, run: {drops}"))
            };
            let part = Some(there.own_name());
            let found = Finding { part, ..Finding::new(weight, text) };
            schema_plan.differs.push(found.of(root.clone()));
        }
        // A foreign key goes before what it refers to.
        drops.sort_by_key(|step| std::cmp::Reverse(step.kind));
        schema_plan.first.extend(drops);
    }

    /// Whether the target's table has a key of the name that an index is to have, or the reverse: that one stays until it is
    /// dropped, which is said of it.
    pub(super) fn is_in_the_way(&self, object: &Object, root: &TableName) -> bool {
        let is_index = |kind: Kind| matches!(kind, Kind::Key | Kind::Index);
        let is_other = |there: &&Object| {
            is_index(there.kind) && there.kind != object.kind && there.table == object.table
        };
        let mut others = self.target.objects.iter().filter(is_other);
        let has_name = |there: &Object| there.own_name() == object.own_name();
        is_index(object.kind)
            && self.comparable
            && !self.resets(root)
            && others.any(|there| has_name(there) && self.is_surplus(there))
    }

    /// What a partition has of its parent goes with that. What rules do not carry is no matter of theirs.
    pub(super) fn is_surplus(&self, there: &Object) -> bool {
        let is_part = matches!(
            there.kind,
            Kind::Key | Kind::Index | Kind::Check | Kind::Statistics | Kind::ForeignKey
        );
        let is_attached = || {
            let mut index = there.needs.iter().filter_map(|need| need.split_once('/'));
            index.any(|(_, oid)| self.target.at(&format!("attached/{oid}")).is_some())
        };
        let same = self.source.same(there).filter(|here| here.table == there.table);
        let is_uncarried = || self.source.uncarried.contains(&there.title());
        is_part
            && same.is_none()
            && !is_uncarried()
            && !is_attached()
            && !self.is_in_progress(there)
    }
}
