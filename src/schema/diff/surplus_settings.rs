//! What is set on the target beside what an object is, and not on the source.

use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::Object;
use crate::sql::objects;
use crate::sql::objects::Setting;
use crate::sql::statement::Statement;

/// What takes away that only the target's object has.
pub(super) struct Gone {
    /// A comment, or a setting.
    pub what: &'static str,
    pub statements: Vec<Statement>,
}

impl DiffInput<'_> {
    /// Statements that take away what only the target's has beside its definition. By what a subscriber finds rows, a table
    /// says once: it or one of its indexes.
    pub(super) fn given_up(&self, object: &Object, there: &Object) -> Vec<Statement> {
        let own = objects::settings(object);
        let is_own = |theirs: &Setting| own.iter().any(|own| own.subject == theirs.subject);
        let gone = objects::settings(there).into_iter().filter(|theirs| !is_own(theirs));
        let gone = gone.filter(|theirs| !self.is_set_beside(object, theirs));
        gone.filter_map(|setting| setting.unset).collect()
    }

    /// Plans what is set on a part of a table, and gives what only the target's has and keeps.
    pub(super) fn settings_of_part(
        &self,
        object: &Object,
        there: &Object,
        root: &TableName,
        schema_plan: &mut SchemaPlan,
    ) -> Gone {
        let mut change = |what: &str, statements| {
            let title = format!("{what} of {}", object.title());
            let step = Step { title, ..Step::about(object, statements, &[root]) };
            schema_plan.after.entry(root.clone()).or_default().push(step);
        };
        let theirs = objects::settings(there);
        let new = objects::settings(object).into_iter().filter(|own| !theirs.contains(own));
        let new: Vec<Statement> = new.map(|setting| setting.set).collect();
        if !new.is_empty() {
            change(if new.iter().all(is_comment) { "comment" } else { "setting" }, new);
        }
        let mut statements = self.given_up(object, there);
        let what = if statements.iter().all(is_comment) { "comment" } else { "setting" };
        if self.resets(root) && !statements.is_empty() {
            change(what, std::mem::take(&mut statements));
        }
        Gone { what, statements }
    }

    fn is_set_beside(&self, object: &Object, theirs: &Setting) -> bool {
        let of_table = |other: &&Object| other.table_name() == object.table_name();
        let mut beside = self.source.objects.iter().filter(of_table).flat_map(objects::settings);
        beside.any(|own| own.subject == theirs.subject)
    }
}

pub(super) fn is_comment(statement: &Statement) -> bool {
    statement.as_str().starts_with("comment on ")
}
