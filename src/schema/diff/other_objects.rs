//! What the target has under a name of the source and defines otherwise: functions, and what text searches are made of.

use super::missing_objects::DependencyWalk;
use crate::ddl_step::UnmadeFunction;
use crate::ident::TableName;
use crate::schema::diff::DiffInput;
use crate::schema_object::make::Make;
use crate::schema_object::{Kind, Object};

/// Whether the target may have another one of its name, which stays: what is made is then what that one makes it.
pub(super) fn may_be_another(kind: Kind) -> bool {
    matches!(kind, Kind::Function | Kind::Dictionary | Kind::SearchConfiguration)
}

impl<'a> DependencyWalk<'a> {
    /// What is there is never replaced: it may be the target's own.
    pub(super) fn note_other(&mut self, object: &Object, root: &TableName) {
        let there = self.input.there(object);
        if there.is_some_and(|there| self.input.is_another(object, there)) {
            let text = format!(
                "{} is defined differently on the source; the one of the target is used",
                object.title()
            );
            // Once, however many tables need it.
            if self.other.iter().all(|(_, said)| *said != text) {
                self.other.push((root.clone(), text));
            }
        }
    }

    /// Notes a function that is missing and that nobody makes; and those that a function calls which is made: only who
    /// runs it would hear of them.
    pub(super) fn note_unmade(&mut self, object: &'a Object, root: &'a TableName) {
        if object.kind != Kind::Function || self.input.there(object).is_some() {
            return;
        }
        if let Some(what) = &object.unmade {
            let function = UnmadeFunction { name: object.at.name.clone(), what: what.clone() };
            return self.unmade.entry(root).or_default().push(function);
        }
        let needs = self.input.source.needs.get(&object.node).into_iter().flatten();
        let called = needs.filter_map(|node| self.input.source.at(node));
        for called in called.filter(|called| self.input.there(called).is_none()) {
            let Some(what) = &called.unmade else { continue };
            let text = format!(
                "{} is left out, and {} calls it: on the source it is {what}; create it on the target first",
                called.title(),
                object.title()
            );
            if self.other.iter().all(|(_, said)| *said != text) {
                self.other.push((root.clone(), text));
            }
        }
    }

    /// Whether the target has the same function: it looks for what stands in its body when it runs, and something new
    /// makes it run.
    pub(super) fn runs_alike(&self, object: &Object) -> bool {
        let there = self.input.there(object).filter(|_| object.kind == Kind::Function);
        there.is_some_and(|there| object.make.is_some() && !self.input.is_another(object, there))
    }
}

impl DiffInput<'_> {
    /// Whether it does another thing on the target. Other versions word all of a function but its body otherwise.
    fn is_another(&self, here: &Object, there: &Object) -> bool {
        match (&here.make, &there.make) {
            (Some(Make::Function(here)), Some(Make::Function(there))) if !self.same_major => {
                here.body != there.body || here.language != there.language
            }
            (here, there) => here != there,
        }
    }
}
