//! Which statements make the target's tables what the source's are, in order: what has to be there
//! before rows arrive, what is built once a table's rows are there, and foreign keys last. Pure:
//! both sides' definitions go in. What is on the target and not on the source stays.

pub mod changed_objects;
mod child_checks;
pub mod crowded;
mod default_partition;
mod detached;
mod domains;
mod dropped_identities;
pub mod dropped_keys;
mod expression_eq;
mod extra_objects;
mod free_sequences;
mod joining;
mod kept_types;
mod labels;
mod late_parts;
mod left_partitions;
mod loosened;
mod merged_columns;
mod missing_objects;
pub mod new_values;
mod old_holders;
mod open_not_nulls;
mod other_domains;
mod other_objects;
pub mod rebuild_reasons;
mod renamed;
pub mod reword;
pub(super) mod sequence_owners;
pub(super) mod short_locks;
pub mod source_parts;
mod surplus_settings;
mod table_diff;
#[cfg(test)]
mod tests;
mod too_old;
pub mod type_changes;
mod typed_tables;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::ddl_step::{Step, pasted_under};
use crate::error::Error;
use crate::ident::{Ident, TableName};
use crate::plan::partition_mismatch;
use crate::schema_object::make::Make;
use crate::schema_object::text::Name;
use crate::schema_object::{ColumnDefinition, Definitions, Kind, Object};
use crate::sql::objects;
use changed_objects::{Difference, Severity};
use crowded::Crowded;
use left_partitions::RenamedPartition;
use missing_objects::DependencyWalk;
use new_values::NewValue;
use source_parts::SourceParts;

/// Both sides, and what is known about the tables.
#[derive(Clone, Copy)]
pub struct DiffInput<'a> {
    pub source: &'a Definitions,
    pub target: &'a Definitions,
    /// The tables of the run, by their names on the source.
    pub selected: &'a [&'a TableName],
    /// Those of them that pgsync made: only their indexes and constraints are its matter.
    pub created_by_pgsync: &'a HashSet<TableName>,
    /// What the source has had of them.
    pub source_parts: &'a SourceParts,
    /// Of the target.
    pub version: u32,
    /// Whether what both sides have is compared in detail: one server words the definitions of both.
    pub comparable: bool,
    /// Whether both servers are of one major version.
    pub same_major: bool,
    /// The tables whose target may lose what the source does not have, by their names on the source.
    pub reset: &'a BTreeSet<TableName>,
    /// The schema that has another name on the target, and that name.
    pub renamed: Option<(&'a Ident, &'a Ident)>,
    /// The schemas to which names without one lead on the target.
    pub path: &'a [Ident],
    /// What the target has no room for.
    pub crowded: &'a Crowded,
    /// Whether what is missing is made now, and not only told.
    pub makes: bool,
}

/// Everything that is to be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaPlan {
    pub first: Vec<Step>,
    /// By table: what follows its rows.
    pub after: BTreeMap<TableName, Vec<Step>>,
    /// Foreign keys; all are made before any looks at rows.
    pub last: Vec<Step>,
    /// Foreign keys that refer to tables that failed: they are tried all the same.
    pub doubtful: Vec<Step>,
    /// What stays undone, by table and why.
    pub left_out: Vec<(TableName, String)>,
    /// By table: enums that keep labels which the source has no more; tables that fail over a label say so themselves.
    pub left_labels: Vec<labels::LeftLabels>,
    /// What is left out for the selection's sake: a run says it of the tables that it makes.
    pub unselected: Vec<(TableName, String)>,
    /// What is there and another thing than on the source.
    pub differs: Vec<Difference>,
    /// Tables of which a key is named that is another one on the target.
    pub named_keys: HashSet<TableName>,
    /// By table: what drops the key that is another one on the target.
    pub other_keys: HashMap<TableName, String>,
    /// By table: what is to be done about partitions that only the target has.
    pub left_partitions: HashMap<TableName, String>,
    /// By table: its partitions that are detached, by their names on the target.
    pub detaching: BTreeMap<TableName, Vec<TableName>>,
    /// Tables with generated columns, and functions that are others on the target.
    pub computing_otherwise: HashSet<TableName>,
    /// By new table that inherits: the tables that it needs for it.
    pub heirs: BTreeMap<TableName, BTreeSet<TableName>>,
    /// Tables that cannot be had as things are, and why.
    pub blocked: Vec<(TableName, String)>,
    /// What rows that are there get in new columns.
    pub new_values: Vec<NewValue>,
    /// Tables of the source whose definitions could not be read, for they were changed meanwhile.
    pub unread: Vec<TableName>,
    /// What is to be remembered of what the source has.
    pub source_parts: SourceParts,
    /// By table: what to do where rows have no place, because its partitions belong to another table.
    pub lost_partitions: HashMap<TableName, String>,
}

impl SchemaPlan {
    /// All steps, in the order in which they run.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.first.iter().chain(self.after.values().flatten()).chain(&self.last)
    }

    /// Whether there is nothing to make, and nothing to say but of what is not selected.
    pub fn is_nothing(&self) -> bool {
        let bare =
            || Self { unselected: Vec::new(), source_parts: SourceParts::new(), ..self.clone() };
        self.steps().next().is_none() && bare() == Self::default()
    }

    /// Says what is left out for the selection's sake of the tables that a run makes.
    pub fn tell_unselected(&mut self, is_made: impl Fn(&TableName) -> bool) {
        let unselected = std::mem::take(&mut self.unselected).into_iter();
        self.left_out.extend(unselected.filter(|(table, _)| is_made(table)));
    }

    /// Whether the enum of this title gets a label.
    pub fn gives_labels(&self, of: &str) -> bool {
        let is_own = |step: &Step| step.renames.iter().any(|one| one.of == of);
        self.first.iter().any(is_own)
    }

    /// Says what a listing says of all tables, whatever a run makes of them.
    pub fn tell_all(&mut self) {
        self.left_out.append(&mut self.unselected);
        let labels = std::mem::take(&mut self.left_labels).into_iter();
        self.left_out.extend(labels.map(|left| (left.root, left.planned)));
    }

    /// Says where names without a schema lead.
    pub fn lead(&mut self, path: &[Ident]) {
        let after = self.after.values_mut().flatten();
        let all = self.first.iter_mut().chain(after).chain(&mut self.last);
        all.for_each(|step| step.path = path.to_vec());
    }

    /// Takes out what would follow rows on tables that were not made, by their ids.
    pub fn leave_out(&mut self, tables: &HashSet<String>) {
        let is_there =
            |step: &Step| step.table.as_ref().is_none_or(|table| !tables.contains(table));
        self.after.values_mut().for_each(|steps| steps.retain(is_there));
        self.last.retain(is_there);
        self.doubtful.retain(is_there);
    }

    /// Takes a table out that is rebuilt: nothing is done for it alone, but that foreign keys go which the source does not
    /// have. They would guard rows of other tables until the new table takes its place. Those that others get are made
    /// when it has.
    pub fn leave_to_rebuild(&mut self, root: &TableName) {
        let frees = |step: &Step| step.kind == Kind::ForeignKey && step.drops();
        let freed: Vec<Step> = self
            .first
            .iter()
            .filter(|step| frees(step) && step.roots.contains(root))
            .cloned()
            .collect();
        let refers = |step: &&Step| {
            step.kind == Kind::ForeignKey
                && step.roots.last() == Some(root)
                && step.roots.first() != Some(root)
        };
        let referring: Vec<Step> = self.last.iter().filter(refers).cloned().collect();
        self.take_out(root);
        self.first.extend(freed);
        self.last.extend(referring);
    }

    /// Takes a table out that failed. Foreign keys of others that refer to it are tried when all is done: their rows may
    /// be there from before.
    pub fn drop_root(&mut self, root: &TableName) {
        let is_of_child = |step: &Step| step.roots.first() == Some(root);
        self.doubtful.retain(|step| !is_of_child(step));
        let refers = |step: &&Step| {
            let is_key = step.kind == Kind::ForeignKey;
            is_key && step.roots.last() == Some(root) && !is_of_child(step)
        };
        self.doubtful.extend(self.last.iter().filter(refers).cloned());
        self.take_out(root);
    }

    /// Takes a table out: nothing is done for it alone.
    fn take_out(&mut self, root: &TableName) {
        for step in self.first.iter_mut().chain(&mut self.last) {
            step.roots.retain(|other| other != root);
        }
        self.first.retain(|step| !step.roots.is_empty() || step.retypes);
        self.last.retain(|step| step.roots.len() == 2);
        self.after.remove(root);
    }

    /// Takes out the differences, also those of which only a listing speaks.
    pub fn take_listed(&mut self) -> Vec<Difference> {
        let mut differs = std::mem::take(&mut self.differs);
        let ahead = differs.iter_mut().filter(|one| one.weight == Severity::Ahead);
        ahead.for_each(|one| one.weight = Severity::Part);
        differs
    }

    /// Says nothing of columns' types, nor of what belongs to a table, where the tables fail over their columns: those may
    /// have other names by then. Where they neither fail nor are pgsync's matter,
    /// types that columns have on the source only are left to others, too.
    pub fn settle_types(
        &mut self,
        failing: &BTreeMap<TableName, Error>,
        created_by_pgsync: &HashSet<TableName>,
    ) {
        self.differs.retain(|one| {
            !matches!(one.weight, Severity::Type | Severity::Part)
                || !failing.contains_key(&one.table)
        });
        let is_told =
            |root: &TableName| failing.contains_key(root) || created_by_pgsync.contains(root);
        self.first.retain(|step| !step.retypes || !step.optional || step.roots.iter().any(is_told));
        // A type changes once what stands in its way is dropped.
        self.differs.sort_by_key(|one| one.weight == Severity::Type);
    }
}

impl DiffInput<'_> {
    /// Whether the table's target may lose what the source does not have.
    fn resets(&self, root: &TableName) -> bool {
        self.reset.contains(root)
    }

    /// Statements for the target as one may paste them.
    fn pasted(&self, statements: &str) -> String {
        pasted_under(self.path, statements)
    }

    /// Plans the steps that make the target's definitions like the source's, renamed partitions
    /// first.
    pub fn schema_plan(&self) -> SchemaPlan {
        let renamed = self.renamed_parts();
        let mut schema_plan = match &renamed {
            Some(renamed) => DiffInput { target: &renamed.target, ..*self }.plan_by_names(),
            None => self.plan_by_names(),
        };
        self.detach(&mut schema_plan);
        schema_plan.first.splice(0..0, renamed.into_iter().flat_map(|renamed| renamed.steps));
        schema_plan
    }

    /// The plan where what is the same has the same name.
    fn plan_by_names(&self) -> SchemaPlan {
        let mut schema_plan = SchemaPlan::default();
        let wanted = self.wanted();
        let renamed = self.renamed_partitions();
        let mut misplaced = partition_mismatch::misplaced(self.source, |object| self.there(object));
        misplaced.extend(renamed.iter().map(RenamedPartition::id));
        misplaced.extend(self.without_room());
        let is_misplaced =
            |object: &Object| misplaced.contains(object.table.as_deref().unwrap_or(&object.id));
        let selected: HashSet<&TableName> = self.selected.iter().copied().collect();
        let walk = self.walk(&wanted, &selected, is_misplaced, &mut schema_plan);
        let DependencyWalk { steps, placed, other, left_labels, unmade, .. } = walk;
        schema_plan.left_out.extend(other);
        schema_plan.left_labels = left_labels;
        schema_plan.first = self.in_order(steps);
        for object in self.source.objects.iter().filter(|object| !object.kind.comes_first()) {
            let is_owed = !placed.contains_key(object.node.as_str()) && !is_misplaced(object);
            let root = object.root.as_ref().filter(|root| wanted.contains(root));
            let is_owed = is_owed && object.since <= self.version;
            let Some(root) = root.filter(|root| is_owed && !self.is_in_the_way(object, root))
            else {
                continue;
            };
            if object.kind == Kind::ForeignKey {
                self.foreign_key(object, root, &selected, &mut schema_plan);
            } else {
                let after = schema_plan.after.entry(root.clone()).or_default();
                after.extend(self.follow(object, root));
            }
        }
        self.tighten(&wanted, &mut schema_plan);
        self.open_not_nulls(&wanted, &mut schema_plan);
        self.validate_in_children(&wanted, &mut schema_plan);
        self.late_defaults(&wanted, &mut schema_plan);
        self.refuse_own_expressions(&mut schema_plan);
        self.refuse_new_partitions(&mut schema_plan);
        self.refuse_other_attributes(&mut schema_plan);
        schema_plan.computing_otherwise = self.computing_otherwise();
        schema_plan.heirs = self.heirs();
        schema_plan.new_values = self.new_values();
        schema_plan.source_parts = self.new_source_parts();
        self.name_old_holders(&mut schema_plan);
        self.compare(&mut schema_plan);
        self.compare_domains(&mut schema_plan);
        self.compare_other_domains(&mut schema_plan);
        self.give_up(&mut schema_plan);
        self.settle_left_partitions(&renamed, &mut schema_plan);
        self.index_left_partitions(&renamed, &mut schema_plan);
        schema_plan.after.retain(|_, steps| !steps.is_empty());
        let order = |step: &Step| (step.kind, !step.builds);
        schema_plan.after.values_mut().for_each(|steps| steps.sort_by_key(order));
        schema_plan.last.sort_by_key(|step| step.is_validation);
        let after = schema_plan.after.values_mut().flatten();
        for step in schema_plan.first.iter_mut().chain(after) {
            let lacks = step.roots.iter().filter_map(|root| unmade.get(root));
            step.unmade = lacks.flatten().cloned().collect();
        }
        schema_plan
    }

    /// Walks from what is missing of the selected tables to all that it needs.
    fn walk(
        &self,
        wanted: &HashSet<&TableName>,
        selected: &HashSet<&TableName>,
        is_misplaced: impl Fn(&Object) -> bool,
        schema_plan: &mut SchemaPlan,
    ) -> DependencyWalk<'_> {
        let mut walk = DependencyWalk::new(self);
        for object in self.source.objects.iter().filter(|object| !is_misplaced(object)) {
            let Some(root) = object.root.as_ref().filter(|root| selected.contains(root)) else {
                continue;
            };
            let follows = !object.kind.comes_first();
            let is_there = self.there(object).is_some();
            if follows && is_there && self.follows(root) {
                for function in self.other_functions(object) {
                    walk.note_other(function, root);
                }
            }
            if follows && (is_there || !wanted.contains(root)) {
                continue;
            }
            if follows && object.since > self.version {
                let left_out = too_new(object).map(|text| (root.clone(), text));
                schema_plan.left_out.extend(left_out);
                continue;
            }
            walk.from(object, root);
        }
        walk
    }

    /// The steps before the rows in the order of their levels: tables of one level are made side by side.
    /// Partitioned ones stay in their order, so that as much of one as can be is made at once.
    fn in_order(&self, mut steps: Vec<Step>) -> Vec<Step> {
        let owned = self.owned();
        for step in &mut steps {
            step.shared = step.kind < Kind::Table && !owned.contains(&step.title);
        }
        if steps.iter().any(|step| step.kind == Kind::Partition) {
            steps.iter_mut().for_each(|step| step.level = 0)
        } else {
            steps.sort_by_key(|step| (step.level, step.kind))
        }
        self.children_first(&mut steps);
        self.identities_first(&mut steps);
        steps
    }

    /// The sequences that columns of the run's tables own, as their steps are called.
    fn owned(&self) -> HashSet<String> {
        let objects = &self.source.objects;
        let is_selected = |object: &&Object| {
            object.root.as_ref().is_some_and(|root| self.selected.contains(&root))
        };
        let tables = objects.iter().filter(is_selected);
        let shapes = tables.filter_map(|object| object.definition.as_ref());
        let owned: HashSet<&Name> =
            shapes.flat_map(|definition| &definition.owns).map(|owned| &owned.sequence).collect();
        let is_owned =
            |object: &&Object| object.kind == Kind::Sequence && owned.contains(&object.at);
        objects.iter().filter(is_owned).map(Object::title).collect()
    }

    /// Tables whose indexes and constraints are completed: those that pgsync has made or will make.
    fn wanted(&self) -> HashSet<&TableName> {
        let is_new = |object: &&Object| object.kind == Kind::Table && self.there(object).is_none();
        let new = self.source.objects.iter().filter(is_new).filter_map(|table| {
            table.root.as_ref().filter(|root| table.name.as_ref() == Some(*root))
        });
        let wanted =
            self.selected.iter().copied().filter(|table| self.created_by_pgsync.contains(*table));
        let selected: HashSet<&TableName> = self.selected.iter().copied().collect();
        wanted.chain(new.filter(|root| selected.contains(root))).collect()
    }

    fn there(&self, object: &Object) -> Option<&Object> {
        match (&object.schema, self.renamed) {
            (Some(schema), Some((from, to))) if schema == from => {
                self.target.objects.iter().find(|other| other.schema.as_ref() == Some(to))
            }
            // An index's name may be taken by another table's.
            _ => self.target.same(object).filter(|there| there.table == object.table),
        }
    }

    /// What follows the rows of a table: nothing if it is there.
    fn follow(&self, object: &Object, root: &TableName) -> Vec<Step> {
        let table = object.table.as_ref().and_then(|id| self.source.find(Kind::Table, id));
        let is_new = table.is_some_and(|table| self.there(table).is_none());
        match (&object.make, self.there(object)) {
            (Some(Make::Check(check)), Some(there)) => {
                let is_same = !self.comparable || changed_objects::is_same(object, there);
                let is_owed = check.validated && !there.is_validated() && is_same;
                is_owed.then(|| self.validation(object, root)).flatten().into_iter().collect()
            }
            (_, Some(_)) => Vec::new(),
            // A new table has its checks from the start.
            (Some(Make::Check(check)), None)
                if is_new && check.validated && !self.follows_its_function(object) =>
            {
                Vec::new()
            }
            (Some(Make::Check(check)), None) => self.check(object, check, root),
            (Some(Make::Key(_)), None) => self.key(object, root),
            (_, None) => vec![Step::about(object, objects::create(object), &[root])],
        }
    }

    fn foreign_key(
        &self,
        object: &Object,
        root: &TableName,
        selected: &HashSet<&TableName>,
        schema_plan: &mut SchemaPlan,
    ) {
        let there = self.there(object);
        let unlooked = |there: &Object| object.validate && !there.validate;
        match there {
            None => self.make_foreign_key(object, root, selected, schema_plan),
            Some(there) if unlooked(there) => {
                self.validate_foreign_key(object, root, selected, schema_plan);
            }
            Some(_) => {}
        }
    }

    /// Plans a foreign key that the target lacks, or will lack by then.
    fn make_foreign_key(
        &self,
        object: &Object,
        root: &TableName,
        selected: &HashSet<&TableName>,
        schema_plan: &mut SchemaPlan,
    ) {
        if let Some(parent) = object.parent.as_ref().filter(|parent| selected.contains(parent)) {
            let step = Step::about(object, objects::create(object), &[root, parent]);
            schema_plan.last.push(step);
        }
        self.validate_foreign_key(object, root, selected, schema_plan);
    }

    fn validate_foreign_key(
        &self,
        object: &Object,
        root: &TableName,
        selected: &HashSet<&TableName>,
        schema_plan: &mut SchemaPlan,
    ) {
        let Some(parent) = object.parent.as_ref() else { return };
        if !selected.contains(parent) {
            let name = object.own_name();
            let text =
                format!("foreign key {} is left out: {parent} is not selected", name.as_str());
            return schema_plan.unselected.push((root.clone(), text));
        }
        let step = |statements| Step::about(object, statements, &[root, parent]);
        if let Some(validate) = objects::validate(object).filter(|_| object.validate) {
            let title = format!("validation of {}", object.title());
            schema_plan.last.push(Step { title, is_validation: true, ..step(vec![validate]) });
        }
    }

    /// Columns that were added to rows, and are now filled.
    fn tighten(&self, wanted: &HashSet<&TableName>, schema_plan: &mut SchemaPlan) {
        for object in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let Some(root) = object.root.as_ref().filter(|root| wanted.contains(root)) else {
                continue;
            };
            let there = self.there(object).and_then(|there| there.definition.as_ref());
            let (Some(here), Some(there)) = (&object.definition, there) else { continue };
            for column in &here.columns {
                let mut added = there.column(&column.name).cloned().unwrap_or_else(|| {
                    let not_null =
                        column.is_added_by(here) && column.not_null && column.fills_rows();
                    ColumnDefinition { not_null, ..Default::default() }
                });
                added.not_null &= !self.is_loosened_above(object, column);
                if self.parent_tightens(object, column, wanted) {
                    added.not_null = column.not_null;
                }
                let steps = self.complete_column(object, column, &added, root);
                schema_plan.after.entry(root.clone()).or_default().extend(steps);
            }
        }
    }
}

/// Says what is left out because the target's server does not know it.
fn too_new(object: &Object) -> Option<String> {
    (object.kind != Kind::AttachedIndex).then(|| {
        format!(
            "{} is left out: the target would have to be PostgreSQL {} or later",
            object.title(),
            object.since / 10_000
        )
    })
}
