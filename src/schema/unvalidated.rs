//! Constraints that the target's rows may violate before a run: a listing has them last.

use std::collections::HashSet;

use super::tally::subject;
use crate::ddl_step::Step;
use crate::schema::diff::SchemaPlan;
use crate::schema::diff::short_locks::NOT_NULL;
use crate::schema_object::Kind;
use crate::sql::statement::Statement;

impl SchemaPlan {
    /// The steps that have to wait for the rows of a run.
    pub(super) fn after_rows(&self) -> Vec<&Step> {
        let unvalidated = self.unvalidated();
        let made: HashSet<&str> = self.steps().filter_map(|step| step.creates.as_deref()).collect();
        let is_new = |step: &Step| step.table.as_deref().is_some_and(|table| made.contains(table));
        // A foreign key of a table that has rows, perhaps to one that has none yet; or what a child has from its parent.
        let comes_late = |step: &Step| step.kind == Kind::Check || !is_new(step);
        let looks = |step: &Step| step.is_validation && comes_late(step);
        // Of a column that is added to rows, or whose rows a run has not filled yet.
        let not_null = |step: &Step| {
            let sets =
                |text: &str| text.contains(" alter column ") && text.ends_with(" set not null");
            let is_of_rows = step.creates.is_none() && !is_new(step);
            is_of_rows && (has(step, sets) || has(step, |text| text.contains(NOT_NULL)))
        };
        // A primary key takes no NULL.
        let filled_later = self.steps().filter(|step| not_null(step));
        let filled_later: HashSet<&str> =
            filled_later.filter_map(|step| step.table.as_deref()).collect();
        let is_key = |step: &Step| {
            let of_table = step.table.as_deref().is_some_and(|table| filled_later.contains(table));
            step.kind == Kind::Key && of_table
        };
        let waits = |step: &&Step| {
            unvalidated.contains(subject(step)) || looks(step) || not_null(step) || is_key(step)
        };
        self.steps().filter(waits).collect()
    }

    /// What the steps are about that add a constraint and leave it NOT VALID.
    fn unvalidated(&self) -> HashSet<&str> {
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
