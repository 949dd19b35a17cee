//! Constraints of partitions and other children that are validated while their parents' are not: they come from the parent,
//! and nothing but a look at the child's own rows makes them valid.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::ddl_step::Step;
use crate::ident::{Ident, TableName};
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::make::Make;
use crate::schema_object::text::Name;
use crate::schema_object::{ColumnDefinition, Kind, Object, TableDefinition};
use crate::sql::ddl;
use crate::sql::not_null;
use crate::sql::statement::Statement;

/// What a table of the target has of a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Missing,
    Open,
    Validated,
}

impl State {
    fn of(validated: bool) -> Self {
        if validated { Self::Validated } else { Self::Open }
    }
}

/// A child of the source, and what is known of it.
#[derive(Clone, Copy)]
struct Child<'d> {
    table: &'d Object,
    here: &'d TableDefinition,
    there: Option<&'d Object>,
    root: &'d TableName,
}

impl DiffInput<'_> {
    /// Plans the looks at their rows, when all tables have theirs: the parent may be another table of the run, which gets the
    /// constraint after its own.
    pub(super) fn validate_in_children(
        &self,
        wanted: &HashSet<&TableName>,
        schema_plan: &mut SchemaPlan,
    ) {
        for table in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let root = table.root.as_ref().filter(|root| wanted.contains(root));
            let Some((root, here)) = root.zip(table.definition.as_ref()) else { continue };
            let child = Child { table, here, there: self.there(table), root };
            let steps = self.inherited_checks(child).into_iter();
            let steps = steps.chain(self.inherited_not_nulls(child));
            let of_followed = |step: &Step| step.roots.iter().all(|root| wanted.contains(root));
            schema_plan.last.extend(steps.filter(of_followed));
        }
    }

    fn inherited_checks(&self, child: Child<'_>) -> Vec<Step> {
        let validated = child.here.inherited_checks.iter().filter(|check| check.validated);
        let steps = validated.filter_map(|check| {
            let top =
                self.open_above(child.table, &|parent| has_open_check(self, parent, &check.name))?;
            let is_owed = self.state_of_check(child, &check.name) != State::Validated;
            let validate = || ddl::validate_constraint(&child.table.at, &check.name);
            is_owed.then(|| child.validation(top, &check.name, vec![validate()]))
        });
        steps.collect()
    }

    fn state_of_check(&self, child: Child<'_>, name: &Ident) -> State {
        let Some(there) = child.there else { return self.state_when_new(child) };
        let mut inherited =
            there.definition.iter().flat_map(|definition| &definition.inherited_checks);
        let known = inherited.find(|check| check.name == *name).map(|check| check.validated);
        let own = || {
            let id = format!("{} {}", there.id, name.typed());
            Some(self.target.find(Kind::Check, &id)?.is_validated())
        };
        known.or_else(own).map_or(State::Missing, State::of)
    }

    /// A partition is made with them, unless its parent is new, too.
    fn state_when_new(&self, child: Child<'_>) -> State {
        let is_made_so = child.here.partition && !self.has_new_parents(child.table);
        if is_made_so { State::Validated } else { State::Missing }
    }

    fn has_new_parents(&self, table: &Object) -> bool {
        self.parents_of(table).into_iter().all(|parent| self.there(parent).is_none())
    }

    /// A new partition without what its new parent gives it when the rows are there: it would stay there when the parent
    /// has lost it.
    pub(super) fn without_late_constraints<'t>(
        &self,
        table: &Object,
        definition: Cow<'t, TableDefinition>,
    ) -> Cow<'t, TableDefinition> {
        if !definition.partition || !self.has_new_parents(table) {
            return definition;
        }
        let inherited = definition.inherited_checks.iter().map(|check| &check.name);
        let is_late = |name: &&Ident| {
            self.open_above(table, &|parent| has_open_check(self, parent, name)).is_some()
        };
        let late: HashSet<Ident> = inherited.filter(is_late).cloned().collect();
        let is_late = |column: &ColumnDefinition| {
            let is_late = column.not_null_rule.as_ref().is_some_and(|rule| rule.late);
            is_late && !self.is_named_apart(table, column)
        };
        if late.is_empty() && !definition.columns.iter().any(is_late) {
            return definition;
        }
        let mut made = definition.into_owned();
        made.checks.retain(|check| !late.contains(&check.name));
        for column in made.columns.iter_mut().filter(|column| is_late(column)) {
            (column.not_null, column.not_null_rule) = (false, None);
        }
        Cow::Owned(made)
    }

    /// Whether a NOT NULL has another name than that of the parent, or one above has: the server would give it the parent's,
    /// but for one that is there before.
    fn is_named_apart(&self, table: &Object, column: &ColumnDefinition) -> bool {
        let own = not_null::name(&table.at, column);
        self.parents_of(table).into_iter().any(|parent| {
            let above = parent.definition.as_ref().and_then(|above| above.column(&column.name));
            let above = above.filter(|above| above.not_null_rule.is_some());
            above.is_some_and(|above| {
                not_null::name(&parent.at, above) != own || self.is_named_apart(parent, above)
            })
        })
    }

    /// The state of a NOT NULL in a new table: that of a parent makes it so at once, unless that gets its own later.
    fn not_null_when_new(&self, child: Child<'_>, column: &ColumnDefinition) -> State {
        let is_late = column.not_null_rule.as_ref().is_some_and(|rule| rule.late);
        let is_own = child.here.partition && self.is_named_apart(child.table, column);
        if is_late && !is_own { self.state_when_new(child) } else { State::Validated }
    }

    fn inherited_not_nulls(&self, child: Child<'_>) -> Vec<Step> {
        if self.version < not_null::CONSTRAINTS {
            return Vec::new();
        }
        let comes_along = |column: &&ColumnDefinition| {
            column.not_null && (child.here.partition || column.only_inherits_not_null())
        };
        let steps = child.here.columns.iter().filter(comes_along).filter_map(|column| {
            let is_open = |parent: &Object| {
                let definition = parent.definition.as_ref();
                let above = definition.and_then(|definition| definition.column(&column.name));
                above.is_some_and(|above| above.open_not_null().is_some())
            };
            let top = self.open_above(child.table, &is_open)?;
            let there =
                child.there.and_then(|there| there.definition.as_ref()?.column(&column.name));
            let state = match there.and_then(|there| there.not_null_rule.as_ref()) {
                Some(rule) => State::of(rule.validated),
                None if child.there.is_none() => self.not_null_when_new(child, column),
                None => State::Missing,
            };
            let known = there.filter(|_| state == State::Open).unwrap_or(column);
            let name = not_null::name(&child.table.at, known)?;
            let validate = ddl::validate_constraint(&child.table.at, &name);
            let comment = not_null::comment_of(&child.table.at, column);
            let comment = comment.filter(|_| state == State::Missing);
            let statements = || std::iter::once(validate).chain(comment).collect();
            (state != State::Validated).then(|| child.validation(top, &name, statements()))
        });
        steps.collect()
    }

    /// The topmost table of the run above a table that has the constraint NOT VALID, with all between them.
    fn open_above<'s>(
        &'s self,
        table: &Object,
        is_open: &dyn Fn(&Object) -> bool,
    ) -> Option<&'s TableName> {
        let parent = self.parents_of(table).into_iter().find(|parent| is_open(parent))?;
        self.open_above(parent, is_open).or(parent.root.as_ref())
    }

    pub(super) fn parents_of(&self, table: &Object) -> Vec<&Object> {
        let inherits = table.definition.iter().flat_map(|definition| &definition.inherits);
        let place = self.source.find(Kind::Partition, &table.id).and_then(|one| one.make.as_ref());
        let whole = match place {
            Some(Make::Partition { parent, .. }) => Some(parent),
            _ => None,
        };
        let find = |name: &Name| self.source.find(Kind::Table, &name.printed());
        inherits.chain(whole).filter_map(find).collect()
    }
}

impl Child<'_> {
    fn validation(&self, top: &TableName, name: &Ident, statements: Vec<Statement>) -> Step {
        Step {
            kind: Kind::Check,
            title: format!("validation of {}", Kind::Check.title_of(&name.typed(), &self.table.id)),
            table: Some(self.table.id.clone()),
            is_validation: true,
            ..Step::about(self.table, statements, &[self.root, top])
        }
    }
}

fn has_open_check(input: &DiffInput<'_>, table: &Object, name: &Ident) -> bool {
    let inherited = table.definition.iter().flat_map(|definition| &definition.inherited_checks);
    let mut open = inherited.filter(|check| !check.validated);
    let id = format!("{} {}", table.id, name.typed());
    let own = input.source.find(Kind::Check, &id);
    own.is_some_and(|own| !own.is_validated()) || open.any(|check| check.name == *name)
}
