//! What both sides have under one name and define otherwise: what is set in place, and what is only
//! said, or rebuilt by a run that may. What servers word differently has been written in the target's
//! words before.

use super::surplus_settings::{Gone, is_comment};
use super::table_diff::{forms, have_same_types};
use crate::ddl_step::Step;
use crate::ident::{Ident, TableName};
use crate::plan::digest;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::make::Make;
use crate::schema_object::{Kind, Object};
use crate::sql::ddl;
use crate::sql::ddl::{ColumnChange, OptionChanges};
use crate::sql::objects;
use crate::sql::statement::Statement;

/// A difference that no statement of this run fixes.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The table of the run, by its name on the source.
    pub table: TableName,
    pub text: String,
    pub weight: Severity,
    /// The constraint or index that rows may violate for it.
    pub part: Option<Ident>,
    /// What to do about [`Severity::Values`].
    pub remedy: Option<String>,
}

/// Something that differs in a table, before it is known whether that counts.
pub(super) struct Finding {
    pub weight: Severity,
    pub text: String,
    pub part: Option<Ident>,
    pub remedy: Option<String>,
}

impl Finding {
    /// About the whole object.
    pub fn new(weight: Severity, text: String) -> Self {
        Self { weight, text, part: None, remedy: None }
    }

    /// About a table of the run.
    pub fn of(self, table: TableName) -> Difference {
        let Self { weight, text, part, remedy } = self;
        Difference { table, text, weight, part, remedy }
    }
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Values that the target computes are others than the source's.
    Values,
    /// The rows are equal, and the table would have to be rebuilt.
    Form,
    /// A column keeps another type: only said, and not where the table fails over that.
    Type,
    /// Something on the table.
    Part,
    /// The same where the source has changed nothing: only a listing says it.
    Ahead,
    /// What is said of its cause, and of the table only if rows violate it.
    Hint,
}

/// A change of something that is there.
pub(super) struct Change {
    pub title: String,
    pub statement: Statement,
    /// Whether the target loses something.
    pub drops: bool,
}

/// What happens once the target has dropped what differs.
pub const THEN: &str = "; the next run creates ";

impl DiffInput<'_> {
    /// What a table that pgsync made is given in place, each change by itself.
    pub(super) fn in_place(&self, object: &Object, there: &Object) -> Vec<Step> {
        let Some(root) = object.root.as_ref().filter(|root| self.follows(root)) else {
            return Vec::new();
        };
        let changes = self.changes(object, there).into_iter();
        let changes = changes.filter(|change| self.resets(root) || !change.drops);
        let steps = changes.map(|change| Step {
            title: change.title,
            optional: true,
            ..Step::about(object, vec![change.statement], &[root])
        });
        steps.collect()
    }

    /// What of a table is set without touching a row.
    fn changes(&self, object: &Object, there: &Object) -> Vec<Change> {
        let (Some(here), Some(other)) = (&object.definition, &there.definition) else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        let mut add = |title: String, statement: Statement, drops: bool| {
            changes.push(Change { title, statement, drops });
        };
        let OptionChanges { set, reset } = ddl::options(&here.options, &other.options);
        let table = |what: Statement| ddl::alter_table(&object.at, what);
        if let Some(set) = set {
            add(format!("option of table {}", object.id), table(set), false);
        }
        if let Some(reset) = reset {
            add(format!("option of table {}", object.id), table(reset), true);
        }
        let theirs = objects::settings(there);
        for new in objects::settings(object).into_iter().filter(|own| !theirs.contains(own)) {
            add(format!("setting of table {}", object.id), new.set, false);
        }
        for gone in self.given_up(object, there) {
            let what = if is_comment(&gone) { "comment" } else { "setting" };
            add(format!("{what} of table {}", object.id), gone, true);
        }
        for own in &here.columns {
            let Some(other) = other.column(&own.name) else { continue };
            let column = format!("column {}.{}", object.id, own.name.as_str());
            for ColumnChange { what, statement, drops } in
                ddl::settings(&object.at, own, other, self.version)
            {
                add(format!("{what} of {column}"), statement, drops);
            }
        }
        changes.extend(self.after_identities(object, there));
        changes.extend(self.freed_sequences(object, there));
        changes
    }

    /// Whether the definitions of the table are followed in detail.
    pub(super) fn follows(&self, root: &TableName) -> bool {
        self.comparable && self.created_by_pgsync.contains(root)
    }

    /// Adds what differs in the run's tables and is not fixed in place.
    pub(super) fn compare(&self, schema_plan: &mut SchemaPlan) {
        if !self.comparable {
            return;
        }
        for object in &self.source.objects {
            let root = object.root.as_ref().filter(|root| self.selected.contains(root));
            let Some((root, there)) = root.zip(self.there(object)) else { continue };
            let found: Vec<Finding> = match object.kind {
                Kind::Table => self.of_table(object, there, root),
                Kind::Partition if self.old_holder(object, there).is_some() => Vec::new(),
                Kind::Partition => self.other_bounds(object, there).into_iter().collect(),
                kind if kind.comes_first() || !self.follows(root) => Vec::new(),
                _ => self.part(object, there, root, schema_plan).into_iter().collect(),
            };
            // The form of what others made is theirs.
            let counts = |weight: Severity| {
                weight != Severity::Form || self.resets(root) || self.follows(root)
            };
            let found = found.into_iter().filter(|one| counts(one.weight));
            let found = found.map(|one| one.of(root.clone()));
            schema_plan.differs.extend(found);
            schema_plan.differs.extend(self.moved(object, there));
        }
    }

    /// What differs in the form of a table. Where other versions compute with other types, the rows tell.
    fn forms(&self, object: &Object, there: &Object, root: &TableName) -> Vec<Finding> {
        let lacks_functions = self.lacks_functions(object);
        let found = forms(object, there, self.version, lacks_functions).into_iter();
        let counts = self.same_major
            || have_same_types(object, there) && (self.resets(root) || self.follows(root));

        let found = found.filter(|one| counts || one.weight != Severity::Values);
        let found = found.map(|one| {
            let remedy = one.remedy.as_deref().map(|remedy| self.pasted(remedy));
            Finding { remedy, ..one }
        });
        found.collect()
    }

    /// Whether values of the table of which an object is a partition differ: that one is altered then, not the partition.
    fn is_told_of_its_root(&self, object: &Object, root: &TableName) -> bool {
        let tables = self.source.objects.iter().filter(|one| one.kind == Kind::Table);
        let mut tops = tables.filter(|one| one.name.as_ref() == Some(root) && one.id != object.id);
        let pair = tops.next().and_then(|top| Some((top, self.there(top)?)));
        pair.is_some_and(|(top, there)| {
            self.forms(top, there, root).iter().any(|one| one.weight == Severity::Values)
        })
    }

    /// Whether the target lacks a function that an object needs.
    fn lacks_functions(&self, object: &Object) -> bool {
        let needs = |node: &str| self.source.needs.get(node).into_iter().flatten();
        let mut parts = needs(&object.node).chain([&object.node]);
        parts.any(|part| {
            let needed = needs(part).filter_map(|node| self.source.at(node));
            let mut functions = needed.filter(|needed| needed.kind == Kind::Function);
            functions.any(|function| self.there(function).is_none())
        })
    }

    /// A partition that belongs to another table on the target: that one has to give it up.
    fn moved(&self, object: &Object, there: &Object) -> Option<Difference> {
        let (root, holder) = (object.root.as_ref()?, self.source_name(there.root.as_ref()?));
        let counts = self.resets(&holder) || self.follows(&holder);
        let is_moved = object.kind == Kind::Partition && *root != holder && counts;
        (is_moved && self.selected.contains(&&holder)).then(|| {
            let text = format!("partition {} belongs to {root} on the source", object.id);
            Finding::new(Severity::Form, text).of(holder)
        })
    }

    pub(super) fn source_name(&self, there: &TableName) -> TableName {
        match self.renamed.filter(|(_, to)| there.schema == **to) {
            Some((from, _)) => TableName { schema: from.clone(), name: there.name.clone() },
            None => there.clone(),
        }
    }

    /// An index, a constraint or a statistics object of the same name.
    fn part(
        &self,
        object: &Object,
        there: &Object,
        root: &TableName,
        schema_plan: &mut SchemaPlan,
    ) -> Option<Finding> {
        if self.is_another_part(object, there) {
            // Its parent's is another one, too, and they go together.
            if self.is_attached(there) {
                return None;
            }
            let here = objects::definition(object);
            let here = here.first().map(Statement::as_str).unwrap_or_default();
            // What it is there, and nothing to run.
            let here = here.split_once(" add ").map_or(here, |(_, part)| part);
            // It is made so, and validated later.
            let later = here.strip_suffix(" not valid").filter(|_| object.validate);
            let here = later.unwrap_or(here);
            let text = format!("{} is defined differently on the source ({here})", object.title());
            if self.resets(root) && self.is_referred_to(there) {
                return Some(Finding::new(Severity::Form, text));
            }
            if self.resets(root) && self.replace_around_rows(object, there, root, schema_plan) {
                return None;
            }
            if let Some(steps) = self.again(object, root).filter(|_| self.resets(root)) {
                schema_plan.after.entry(root.clone()).or_default().extend(steps);
                return None;
            }
            if self.goes_with_a_key(there) {
                return None;
            }
            let drops = self.drops(there)?;
            let what = if drops.contains("; ") { "them" } else { "it" };
            let drops = self.pasted(&drops);
            if object.kind == Kind::Key {
                schema_plan.named_keys.insert(root.clone());
                schema_plan.other_keys.insert(root.clone(), drops.clone());
            }
            let text =
                format!("{text}; run on the target: {drops}{THEN}{what} as the source has {what}");
            let keeps_out = keeps_rows_out(there) || there.kind == Kind::Key;
            let part = keeps_out.then(|| there.own_name());
            return Some(Finding { part, ..Finding::new(self.weight_of_another(object), text) });
        }
        let Gone { what, statements } = self.settings_of_part(object, there, root, schema_plan);
        let gone: Vec<&str> = statements.iter().map(Statement::as_str).collect();
        if gone.is_empty() {
            let part = keeps_rows_out(there).then(|| there.own_name());
            let text = self.use_of_others(object).filter(|_| part.is_some())?;
            return Some(Finding { part, ..Finding::new(Severity::Hint, text) });
        }
        let text = format!(
            "{what} of {} exists only on the target; to drop it, run: {}",
            object.title(),
            self.pasted(&gone.join("; "))
        );
        Some(Finding::new(Severity::Part, text))
    }

    /// Whether a part of the target of the same name is another one, as far as that can be told.
    pub(super) fn is_another_part(&self, object: &Object, there: &Object) -> bool {
        !is_same(object, there) && self.is_comparable(object, there)
    }

    /// What it counts that a part is another one on the target. A foreign key may refer to a table that the target lacks: if
    /// that is another name of the one that the target's key refers to, the key goes with it; and what is said of that
    /// table names the key.
    fn weight_of_another(&self, object: &Object) -> Severity {
        let mut tables = self.source.objects.iter().filter(|object| object.kind == Kind::Table);
        let parent = object.parent.as_ref().filter(|_| object.kind == Kind::ForeignKey);
        let parent = tables.find(|table| parent.is_some() && table.name.as_ref() == parent);
        let is_new = parent.is_some_and(|parent| self.there(parent).is_none());
        if is_new { Severity::Hint } else { Severity::Part }
    }

    /// Plans the drop of a constraint before the rows, which may violate it, and the source's after them. Gives
    /// whether that can be: parts of partitions go with those of their parents.
    fn replace_around_rows(
        &self,
        object: &Object,
        there: &Object,
        root: &TableName,
        schema_plan: &mut SchemaPlan,
    ) -> bool {
        let is_plain = object.kind == Kind::ForeignKey || !self.is_of_partitions(object);
        let drop = objects::drop(there).filter(|_| is_plain && keeps_rows_out(there));
        let Some(drop) = drop else { return false };
        let title = format!("drop of {}", there.title());
        let step = Step::about(there, vec![drop], &[root]);
        schema_plan.first.push(Step { title, optional: true, ..step });
        let create = match &object.make {
            Some(Make::Check(check)) => self.check(object, check, root),
            Some(Make::Key(_)) => self.key(object, root),
            Some(Make::ForeignKey(_)) => {
                let selected = self.selected.iter().copied().collect();
                self.make_foreign_key(object, root, &selected, schema_plan);
                return true;
            }
            _ => vec![Step::about(object, objects::create(object), &[root])],
        };
        schema_plan.after.entry(root.clone()).or_default().extend(create);
        true
    }

    fn is_of_partitions(&self, object: &Object) -> bool {
        let table = object.table.as_ref().and_then(|id| self.source.find(Kind::Table, id));
        let definition = table.and_then(|table| table.definition.as_ref());
        definition.is_none_or(|one| one.partition || one.partition_by.is_some())
    }

    /// Whether foreign keys of the target keep a key, or a unique index, from being dropped.
    pub(super) fn is_referred_to(&self, key: &Object) -> bool {
        if key.kind == Kind::Index {
            return self.serves_alone(key);
        }
        let keys = self.target.objects.iter().filter(|object| object.kind == Kind::ForeignKey);
        key.kind == Kind::Key && keys.into_iter().any(|foreign| foreign.parent == key.root)
    }

    /// Creates one again in the place of the old one, for whole tables: parts of partitions go with
    /// those of their parents.
    fn again(&self, object: &Object, root: &TableName) -> Option<Vec<Step>> {
        if self.is_of_partitions(object) {
            return None;
        }
        let step = |statements| Step::about(object, statements, &[root]);
        let create = objects::create(object).into_iter();
        let replace = |object| objects::drop(object).into_iter();
        Some(match &object.make {
            // Readers wait for the last statement alone.
            Some(Make::Index(_)) => {
                let aside = Ident::new(format!("pgsync_old_{}", digest(&object.id)));
                let drop = std::iter::once(objects::drop_aside(object, &aside));
                let rename = std::iter::once(objects::move_aside(object, &aside));
                vec![step(rename.chain(create).chain(drop).collect())]
            }
            Some(Make::Key(_)) => self
                .replace_key(object, root)
                .unwrap_or_else(|| vec![step(replace(object).chain(create).collect())]),
            Some(Make::Check(check)) => {
                let mut steps = self.check(object, check, root);
                if let Some(add) = steps.first_mut() {
                    add.statements.splice(..0, replace(object));
                }
                steps
            }
            _ => {
                let validation = self.validation(object, root).filter(|_| object.validate);
                let replace = step(replace(object).chain(create).collect());
                std::iter::once(replace).chain(validation).collect()
            }
        })
    }

    /// What differs in a table and is set in place, or is said.
    fn of_table(&self, object: &Object, there: &Object, root: &TableName) -> Vec<Finding> {
        let mut found = self.forms(object, there, root);
        if self.is_told_of_its_root(object, root) {
            found.retain(|one| one.weight != Severity::Values);
        }
        if self.resets(root) || !self.follows(root) {
            return found;
        }
        let kept = self.changes(object, there).into_iter();
        found.extend(kept.filter(|change| change.drops).map(|change| {
            let run = change.statement;
            let text = format!(
                "{} exists only on the target; to drop it, run: {}",
                change.title,
                self.pasted(run.as_str())
            );
            Finding::new(Severity::Part, text)
        }));
        found.extend(self.plain_columns(object, there));
        found.extend(self.left_sequences(object, there, root));
        found.extend(self.kept_types(object, there));
        found
    }
}

/// Whether rows may violate it. What finds rows by the primary key has to stay while they are written.
fn keeps_rows_out(object: &Object) -> bool {
    match &object.make {
        Some(Make::Check(_) | Make::Exclusion(_) | Make::ForeignKey(_)) => true,
        Some(Make::Index(index)) => index.unique,
        Some(Make::Key(key)) => !key.primary,
        _ => false,
    }
}

/// Whether both are defined alike, but for their names and for what says whether rows were looked at.
pub(super) fn is_same(here: &Object, there: &Object) -> bool {
    let bare = |object: &Object| {
        let mut make = object.make.clone();
        match &mut make {
            Some(Make::Check(check)) => {
                check.validated = true;
                check.name = Ident::new("");
            }
            Some(Make::ForeignKey(key)) => key.validated = true,
            Some(Make::Statistics(statistics)) => statistics.target = None,
            _ => {}
        }
        make
    };
    bare(here) == bare(there)
}
