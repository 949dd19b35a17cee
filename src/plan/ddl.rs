//! Which statements make the target's tables what the source's are, in order: what has to be there
//! before rows arrive, what is built once a table's rows are there, and foreign keys last. Pure:
//! both sides' definitions go in. What is on the target and not on the source stays.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::definition::{Definitions, Kind, Object, TableShape};
use crate::ident::{Ident, TableName};
use crate::sql::{Sql, ddl, sql};

/// Both sides, and what is known about the tables.
pub struct Ask<'a> {
    pub source: &'a Definitions,
    pub target: &'a Definitions,
    /// The tables of the run, by their names on the source.
    pub selected: &'a [&'a TableName],
    /// Those of them that pgsync made: only their indexes and constraints are its matter.
    pub made: &'a HashSet<TableName>,
    /// Of the target.
    pub version: u32,
    /// The schema that has another name on the target, and that name.
    pub renamed: Option<(&'a Ident, &'a Ident)>,
}

/// One change, whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub kind: Kind,
    /// `index public.item_name_idx`, for people.
    pub title: String,
    /// The id of the table that is changed.
    pub table: Option<String>,
    pub statements: Vec<Sql>,
    /// The tables of the run that need it, by their names on the source.
    pub roots: Vec<TableName>,
    /// The table of the run that this makes, by its name on the source.
    pub makes: Option<TableName>,
    /// Whether older servers take it in no transaction.
    pub alone: bool,
    /// Whether it only looks at the rows of a foreign key that is there.
    pub looks: bool,
}

/// Everything that is to be done.
#[derive(Debug, Default, PartialEq)]
pub struct Outline {
    pub first: Vec<Step>,
    /// By table: what follows its rows.
    pub after: BTreeMap<TableName, Vec<Step>>,
    /// Foreign keys; all are made before any looks at rows.
    pub last: Vec<Step>,
    /// What stays undone, by table and why.
    pub left_out: Vec<(TableName, String)>,
}

impl Outline {
    /// All steps, in the order in which they run.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.first.iter().chain(self.after.values().flatten()).chain(&self.last)
    }

    /// Takes a table out: nothing is done for it alone.
    pub fn drop_root(&mut self, root: &TableName) {
        for step in self.first.iter_mut().chain(&mut self.last) {
            step.roots.retain(|other| other != root);
        }
        self.first.retain(|step| !step.roots.is_empty());
        self.last.retain(|step| step.roots.len() == 2);
        self.after.remove(root);
    }
}

impl Ask<'_> {
    pub fn outline(&self) -> Outline {
        let mut outline = Outline::default();
        let wanted = self.wanted();
        let mut walk = Walk { ask: self, steps: Vec::new(), placed: HashMap::new() };
        let selected: HashSet<&TableName> = self.selected.iter().copied().collect();
        for object in &self.source.objects {
            let Some(root) = object.root.as_ref().filter(|root| selected.contains(root)) else {
                continue;
            };
            let follows = !object.kind.comes_first();
            if follows && (!wanted.contains(root) || self.there(object).is_some()) {
                continue;
            }
            if follows && object.since > self.version {
                outline.left_out.extend(self.too_new(object, root));
                continue;
            }
            walk.visit(&object.node, root, &mut HashSet::new());
        }
        let Walk { steps, placed, .. } = walk;
        outline.first = steps;
        for object in self.source.objects.iter().filter(|object| !object.kind.comes_first()) {
            let Some(root) = object.root.as_ref().filter(|root| wanted.contains(root)) else {
                continue;
            };
            if placed.contains_key(object.node.as_str()) || object.since > self.version {
                continue;
            }
            match object.kind {
                Kind::ForeignKey => self.foreign_key(object, root, &selected, &mut outline),
                _ => {
                    outline.after.entry(root.clone()).or_default().extend(self.follow(object, root))
                }
            }
        }
        self.tighten(&wanted, &mut outline);
        outline.after.retain(|_, steps| !steps.is_empty());
        outline.after.values_mut().for_each(|steps| steps.sort_by_key(|step| step.kind));
        outline.last.sort_by_key(|step| step.looks);
        outline
    }

    /// Tables whose indexes and constraints are completed: those that pgsync has made or will make.
    fn wanted(&self) -> HashSet<&TableName> {
        let is_new = |object: &&Object| object.kind == Kind::Table && self.there(object).is_none();
        let new = self.source.objects.iter().filter(is_new).filter_map(|table| {
            table.root.as_ref().filter(|root| table.name.as_ref() == Some(*root))
        });
        let wanted = self.selected.iter().copied().filter(|table| self.made.contains(*table));
        let selected: HashSet<&TableName> = self.selected.iter().copied().collect();
        wanted.chain(new.filter(|root| selected.contains(root))).collect()
    }

    fn there(&self, object: &Object) -> Option<&Object> {
        match (&object.schema, self.renamed) {
            (Some(schema), Some((from, to))) if schema == from => {
                self.target.objects.iter().find(|other| other.schema.as_ref() == Some(to))
            }
            _ => self.target.same(object),
        }
    }

    fn too_new(&self, object: &Object, root: &TableName) -> Option<(TableName, String)> {
        let text = format!(
            "{} is left out: the target would have to be PostgreSQL {} or later",
            title(object),
            object.since / 10_000
        );
        (object.kind != Kind::AttachedIndex).then(|| (root.clone(), text))
    }

    /// What makes an object that comes before rows what it is on the source.
    fn make(&self, object: &Object) -> Vec<Step> {
        let step = |statements| Step {
            kind: object.kind,
            title: title(object),
            table: object.table.clone(),
            statements,
            roots: Vec::new(),
            makes: object.name.clone().filter(|name| object.root.as_ref() == Some(name)),
            alone: false,
            looks: false,
        };
        match (self.there(object), object.kind, &object.shape) {
            (None, Kind::Schema, _) => vec![step(self.schema(object))],
            (None, Kind::Table, Some(shape)) => {
                vec![step(ddl::create_table(object, shape, self.version))]
            }
            (None, ..) => vec![step(texts(&object.create))],
            (Some(there), Kind::Enum, _) => labels(object, there)
                .into_iter()
                .map(|statement| Step { alone: true, ..step(vec![statement]) })
                .collect(),
            (Some(there), Kind::Table, Some(here)) => {
                let there = there.shape.as_ref();
                let missing = there.map(|there| missing_columns(here, there)).unwrap_or_default();
                let add = missing.into_iter().map(|column| Step {
                    title: format!("column {}.{}", object.id, column.name.as_str()),
                    makes: None,
                    ..step(ddl::add_column(&object.id, here, column, self.version))
                });
                add.collect()
            }
            (Some(_), ..) => Vec::new(),
        }
    }

    fn schema(&self, object: &Object) -> Vec<Sql> {
        let Some(name) = &object.schema else { return Vec::new() };
        match self.renamed.filter(|(from, _)| *from == name) {
            Some((_, to)) => vec![sql!("create schema {to}", to = to)],
            None => {
                let create = sql!("create schema {name}", name = name);
                std::iter::once(create).chain(texts(&object.create)).collect()
            }
        }
    }

    fn follow(&self, object: &Object, root: &TableName) -> Option<Step> {
        let table = object.table.as_ref().and_then(|id| self.source.find(Kind::Table, id));
        let is_new = table.is_some_and(|table| self.there(table).is_none());
        if self.there(object).is_some() {
            return None;
        }
        // A new table has its checks from the start.
        let came_along = object.kind == Kind::Check
            && is_new
            && object.create.first().is_some_and(|text| !text.ends_with("NOT VALID"));
        let statements = texts(&object.create[usize::from(came_along)..]);
        (!statements.is_empty()).then(|| Step {
            kind: object.kind,
            title: title(object),
            table: object.table.clone(),
            statements,
            roots: vec![root.clone()],
            makes: None,
            alone: false,
            looks: false,
        })
    }

    fn foreign_key(
        &self,
        object: &Object,
        root: &TableName,
        selected: &HashSet<&TableName>,
        outline: &mut Outline,
    ) {
        let there = self.there(object);
        let unlooked = |there: &Object| object.validate.is_some() && there.validate.is_none();
        let owed = there.is_none_or(unlooked);
        let Some(parent) = object.parent.as_ref().filter(|_| owed) else { return };
        if !selected.contains(parent) {
            let text = format!("{} is left out: {parent} is not selected", title(object));
            return outline.left_out.push((root.clone(), text));
        }
        let step = |title, statements, looks| Step {
            kind: object.kind,
            title,
            table: object.table.clone(),
            statements,
            roots: vec![root.clone(), parent.clone()],
            makes: None,
            alone: false,
            looks,
        };
        if there.is_none() {
            outline.last.push(step(title(object), texts(&object.create), false));
        }
        if let Some(validate) = &object.validate {
            let title = format!("validation of {}", title(object));
            outline.last.push(step(title, vec![Sql::trusted(validate)], true));
        }
    }

    /// Columns that were added to rows, and are now filled.
    fn tighten(&self, wanted: &HashSet<&TableName>, outline: &mut Outline) {
        for object in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let Some(root) = object.root.as_ref().filter(|root| wanted.contains(root)) else {
                continue;
            };
            let there = self.there(object).and_then(|there| there.shape.as_ref());
            let (Some(here), Some(there)) = (&object.shape, there) else { continue };
            for column in here.columns.iter().filter(|column| column.local && !here.partition) {
                let added = there.column(&column.name).cloned().unwrap_or_else(|| {
                    let not_null = column.not_null && column.default.is_some();
                    crate::definition::ColumnShape { not_null, ..Default::default() }
                });
                let statements = ddl::tighten(&object.id, column, &added);
                if !statements.is_empty() {
                    let step = Step {
                        kind: Kind::Check,
                        title: format!("column {}.{}", object.id, column.name.as_str()),
                        table: Some(object.id.clone()),
                        statements,
                        roots: vec![root.clone()],
                        makes: None,
                        alone: false,
                        looks: false,
                    };
                    outline.after.entry(root.clone()).or_default().push(step);
                }
            }
        }
    }
}

/// A walk from tables to what they need, parents first.
struct Walk<'a> {
    ask: &'a Ask<'a>,
    steps: Vec<Step>,
    /// By node: the places of its steps.
    placed: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, node: &'a str, root: &TableName, seen: &mut HashSet<&'a str>) {
        if !seen.insert(node) {
            return;
        }
        let source = self.ask.source;
        let object = source.at(node);
        let is_there = object.is_some_and(|object| self.ask.there(object).is_some());
        // What is there needs nothing more, unless it is about to change.
        if is_there && object.is_none_or(|object| self.ask.make(object).is_empty()) {
            return;
        }
        for need in source.needs.get(node).into_iter().flatten() {
            self.visit(need, root, seen);
        }
        let Some(object) = object else { return };
        if object.kind == Kind::Partition {
            self.indexes_of_partition(object, root);
        }
        if !object.kind.comes_first() {
            return;
        }
        if !self.placed.contains_key(node) {
            let steps = self.ask.make(object);
            let places = (self.steps.len()..self.steps.len() + steps.len()).collect();
            self.steps.extend(steps);
            self.placed.insert(node, places);
        }
        self.needed_by(node, root);
    }

    /// A partition joins a parent that has indexes with its own already built: the server would
    /// build them under names of its own.
    fn indexes_of_partition(&mut self, partition: &'a Object, root: &TableName) {
        let ask = self.ask;
        let parents = ask.source.needs.get(partition.node.as_str()).into_iter().flatten();
        let mut parents = parents.filter_map(|node| ask.source.at(node));
        if !parents.any(|parent| ask.there(parent).is_some()) {
            return;
        }
        let own = |object: &&Object| {
            matches!(object.kind, Kind::Key | Kind::Index)
                && object.table == partition.table
                && object.since <= ask.version
                && ask.there(object).is_none()
        };
        for object in ask.source.objects.iter().filter(own) {
            if !self.placed.contains_key(object.node.as_str()) {
                self.placed.insert(&object.node, vec![self.steps.len()]);
                self.steps.extend(ask.follow(object, root));
            }
        }
    }

    fn needed_by(&mut self, node: &str, root: &TableName) {
        for place in self.placed.get(node).into_iter().flatten() {
            let roots = &mut self.steps[*place].roots;
            if roots.last() != Some(root) && !roots.contains(root) {
                roots.push(root.clone());
            }
        }
    }
}

fn missing_columns<'a>(
    here: &'a TableShape,
    there: &TableShape,
) -> Vec<&'a crate::definition::ColumnShape> {
    // Partitions and heirs take them from their parents.
    let own = here.columns.iter().filter(|column| column.local && !here.partition);
    own.filter(|column| there.column(&column.name).is_none()).collect()
}

/// Labels of the source's enum that the target's lacks, each in its place.
fn labels(here: &Object, there: &Object) -> Vec<Sql> {
    let mut statements = Vec::new();
    for (place, label) in here.labels.iter().enumerate() {
        if there.labels.contains(label) {
            continue;
        }
        // The label before is there by now.
        let after = place.checked_sub(1).map(|before| here.labels[before].as_str());
        let before = there.labels.first().map(String::as_str);
        statements.push(ddl::add_label(&here.id, label, after, before));
    }
    statements
}

fn texts(texts: &[String]) -> Vec<Sql> {
    texts.iter().map(Sql::trusted).collect()
}

fn title(object: &Object) -> String {
    format!("{} {}", object.kind.noun(), object.id)
}
