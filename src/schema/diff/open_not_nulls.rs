//! NOT NULL that the source's old rows may break: added once the rows are there, where the target can have it so.

use std::collections::HashSet;

use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::{ColumnDefinition, Kind, Object};
use crate::sql::not_null;

impl DiffInput<'_> {
    /// Plans what is NOT VALID on the source and missing on the target, or says that it cannot be had.
    pub(super) fn open_not_nulls(
        &self,
        wanted: &HashSet<&TableName>,
        schema_plan: &mut SchemaPlan,
    ) {
        for object in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let root = object.root.as_ref().filter(|root| wanted.contains(root));
            let Some((root, here)) = root.zip(object.definition.as_ref()) else { continue };
            let there = self.there(object).and_then(|there| there.definition.as_ref());
            for column in &here.columns {
                let other = there.and_then(|there| there.column(&column.name));
                match self.open_not_null(object, column, other, root) {
                    Owed::Step(step) => {
                        schema_plan.after.entry(root.clone()).or_default().push(*step);
                    }
                    Owed::Newer(text) => schema_plan.left_out.push((root.clone(), text)),
                    Owed::Nothing => {}
                }
            }
        }
    }

    fn open_not_null(
        &self,
        object: &Object,
        here: &ColumnDefinition,
        there: Option<&ColumnDefinition>,
        root: &TableName,
    ) -> Owed {
        let Some(rule) = &here.not_null_rule else { return Owed::Nothing };
        let column = format!("column {}.{}", object.id, here.name.as_str());
        let newer = |what: &str| {
            let text = format!(
                "{what} of {column} is left out: the target would have to be PostgreSQL 18 or later"
            );
            Owed::Newer(text)
        };
        let comes_along = rule.inherited;
        let is_there = there.is_some_and(|there| there.open_not_null().is_some());
        match (rule.validated, self.version >= not_null::CONSTRAINTS) {
            (false, true) if !comes_along && !is_there => {
                let statements = not_null::add_open(&object.at, here);
                let name = not_null::name(&object.at, here).unwrap_or_default();
                let title = Kind::Check.title_of(&name.typed(), &object.id);
                let step = Step::about(object, statements, &[root]);
                Owed::Step(Box::new(Step {
                    title,
                    kind: Kind::Check,
                    table: Some(object.id.clone()),
                    ..step
                }))
            }
            (false, false) if !comes_along => newer("NOT NULL NOT VALID"),
            (true, false) if rule.comment.is_some() => newer("the comment on NOT NULL"),
            _ => Owed::Nothing,
        }
    }

    /// Whether the statement that makes a parent's column NOT NULL makes that of its child so, or the one that looks at
    /// the child's own rows does.
    pub(super) fn parent_tightens(
        &self,
        child: &Object,
        column: &ColumnDefinition,
        wanted: &HashSet<&TableName>,
    ) -> bool {
        let is_constraint = self.version >= not_null::CONSTRAINTS;
        let gives = |parent: &Object| {
            let is_followed = parent.root.as_ref().is_some_and(|root| wanted.contains(root));
            let above = parent.definition.as_ref().and_then(|above| above.column(&column.name));
            let rule = above.and_then(|above| above.not_null_rule.as_ref());
            let passes_on =
                rule.is_some_and(|rule| !rule.no_inherit && (is_constraint || rule.validated));
            let there = self.column_there(parent, &column.name);
            is_followed
                && passes_on
                && (is_constraint || !there.is_some_and(|there| there.not_null))
        };
        let is_added = child.definition.as_ref().is_some_and(|child| column.is_added_by(child));
        let comes_along = !is_added || is_constraint && column.only_inherits_not_null();
        comes_along && self.parents_of(child).into_iter().any(gives)
    }
}

/// What a column's NOT NULL asks for.
enum Owed {
    Step(Box<Step>),
    /// What only a newer target could have.
    Newer(String),
    Nothing,
}
