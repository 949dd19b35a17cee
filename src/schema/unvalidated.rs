//! Constraints that are NOT VALID on the source: its rows need not keep them, so that a listing has them last.

use std::collections::HashSet;

use super::tally::subject;
use crate::ddl_step::Step;
use crate::schema::diff::SchemaPlan;
use crate::schema_object::Kind;
use crate::sql::statement::Statement;

impl SchemaPlan {
    /// What the steps are about that add a constraint and leave it NOT VALID.
    pub(super) fn unvalidated(&self) -> HashSet<&str> {
        let validates = |step: &&Step| has(step, |text| text.contains(" validate constraint "));
        let validated: HashSet<&str> = self.steps().filter(validates).map(subject).collect();
        let is_constraint = |step: &&Step| matches!(step.kind, Kind::Check | Kind::ForeignKey);
        let adds = self.steps().filter(|step| has(step, |text| text.ends_with(" not valid")));
        let added = adds.filter(is_constraint).map(subject);
        added.filter(|subject| !validated.contains(subject)).collect()
    }
}

fn has(step: &Step, fits: fn(&str) -> bool) -> bool {
    step.statements.iter().map(Statement::as_str).any(fits)
}
