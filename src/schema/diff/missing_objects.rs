//! From tables to what they need before rows arrive: what is missing is made, in the order of the
//! needs; what is there and lacks a column or a label gets it.

use std::collections::{HashMap, HashSet};

use super::kept_types::ColumnPair;
use super::labels;
use super::labels::LeftLabels;
use super::typed_tables::Retyping;
use crate::ddl_step::{self, Growth, Step, UnmadeFunction};
use crate::ident::TableName;
use crate::plan::misfit::are_labels_of_one;
use crate::schema::diff::DiffInput;
use crate::schema_object::make::Make;
use crate::schema_object::{ColumnDefinition, Kind, Object, TableDefinition};
use crate::sql::ddl;
use crate::sql::objects;
use crate::sql::statement::{Statement, statement};

pub(super) struct DependencyWalk<'a> {
    pub(super) input: &'a DiffInput<'a>,
    pub steps: Vec<Step>,
    /// By node: the places of its steps.
    pub placed: HashMap<&'a str, Vec<usize>>,
    /// By node: how many steps, one after the other, it takes until the node is there.
    levels: HashMap<&'a str, usize>,
    /// By table: what it needs, and what is another one on the target, which stays.
    pub other: Vec<(TableName, String)>,
    /// By table: enums that keep labels which the source has no more, beside those that they get.
    pub left_labels: Vec<LeftLabels>,
    /// By table: functions that it needs and that nobody makes.
    pub unmade: HashMap<&'a TableName, Vec<UnmadeFunction>>,
    /// Parts of new tables that come after functions which need the tables.
    late: Vec<&'a str>,
    /// The nodes of tables that are made as partitions, with what they have, in one step each.
    joined: HashSet<&'a str>,
}

/// One object's way down.
struct Visit<'a> {
    root: &'a TableName,
    seen: HashSet<(&'a str, bool, bool, bool)>,
    /// Whether it leads only to what the table may do without.
    lesser: bool,
    /// Whether it leads to the type of a column of a table that is there.
    retypes: bool,
}

/// What the nodes of types begin with: the oid of `pg_type`, which is the same everywhere.
const TYPES: &str = "1247/";

impl<'a> DependencyWalk<'a> {
    /// Begins with no object visited.
    pub fn new(input: &'a DiffInput<'a>) -> Self {
        Self {
            input,
            steps: Vec::new(),
            placed: HashMap::new(),
            levels: HashMap::new(),
            other: Vec::new(),
            left_labels: Vec::new(),
            unmade: HashMap::new(),
            late: Vec::new(),
            joined: HashSet::new(),
        }
    }

    /// Plans what `object` needs and the target lacks, and the object itself, for the table `root`.
    pub fn from(&mut self, object: &'a Object, root: &'a TableName) {
        let visit = || Visit { root, seen: HashSet::new(), lesser: false, retypes: false };
        self.visit(&object.node, true, &mut visit());
        // The level of all that they need is known by now.
        while let Some(part) = self.late.pop() {
            self.visit(part, true, &mut visit());
        }
    }

    /// What is there as it should be needs nothing that is not there: somebody may have made it of
    /// other things. `makes` is false below such an object.
    fn visit(&mut self, node: &'a str, makes: bool, way: &mut Visit<'a>) {
        if !way.seen.insert((node, makes, way.lesser, way.retypes)) {
            return;
        }
        let level = self.place(node, makes, way);
        let known = self.levels.entry(node).or_default();
        *known = level.max(*known);
    }

    /// The same for the type of a column of a table that is there. The column may have another one on the target: whoever
    /// is to change that needs the source's.
    fn visit_type(&mut self, node: &'a str, makes: bool, way: &mut Visit<'a>) {
        let (lesser, retypes) = (way.lesser, way.retypes);
        way.lesser |= !makes;
        way.retypes = true;
        self.visit(node, true, way);
        (way.lesser, way.retypes) = (lesser, retypes);
    }

    /// Places what the node needs, and its own steps; gives its level.
    fn place(&mut self, node: &'a str, makes: bool, way: &mut Visit<'a>) -> usize {
        let input = self.input;
        let object = input.source.at(node);
        let steps = object.map(|object| self.own_steps(object, way)).unwrap_or_default();
        let is_there = object.is_some_and(|object| input.there(object).is_some());
        if !makes && !is_there && object.is_some() {
            return 0;
        }
        if let Some(object) = object {
            self.note_other(object, way.root);
        }
        let makes =
            makes && (!is_there || !steps.is_empty() || object.is_some_and(|o| self.runs_alike(o)));
        let lesser = way.lesser;
        way.lesser |= is_there && !steps.is_empty() && steps.iter().all(|step| step.optional);
        let late = object.map(|object| input.late_parts(object)).unwrap_or_default();
        let needs = input.source.needs.get(node).into_iter().flatten().map(String::as_str);
        let mut level = 0;
        for need in needs.filter(|need| !late.contains(need)) {
            if is_there && need.starts_with(TYPES) && object.is_some_and(is_table) {
                self.visit_type(need, makes, way);
            } else {
                self.visit(need, makes, way);
            }
            level = level.max(self.levels.get(need).copied().unwrap_or_default());
        }
        way.lesser = lesser;
        let Some(object) = object else { return level };
        self.note_unmade(object, way.root);
        if object.kind == Kind::Partition && !is_there && self.joins_parent(object) {
            if let Some(place) = self.new_table_of(object) {
                self.join_at_once(object, place, way.root);
                return level;
            }
            self.indexes_of_partition(object, way.root, level);
            level += 1;
        }
        if steps.is_empty() {
            return level;
        }
        if !self.placed.contains_key(node) {
            let places = (self.steps.len()..self.steps.len() + steps.len()).collect();
            let optional = |step: &Step| step.optional || lesser && !is_there;
            let steps = steps.into_iter();
            self.steps.extend(steps.map(|s| Step { level, optional: optional(&s), ..s }));
            self.placed.insert(node, places);
            self.late.extend(late);
        } else if !lesser && object.kind < Kind::Table {
            let places = self.placed.get(node).into_iter().flatten();
            places.for_each(|place| self.steps[*place].optional = false);
        }
        self.needed_by(node, way);
        level + 1
    }

    /// What makes an object that comes before rows, if that is to be.
    fn own_steps(&self, object: &Object, way: &Visit<'_>) -> Vec<Step> {
        let is_known = way.retypes && self.input.may_be_renamed(object);
        if object.kind.comes_first() && !is_known { self.input.make(object) } else { Vec::new() }
    }

    fn joins_parent(&self, partition: &Object) -> bool {
        let input = self.input;
        let needs = input.source.needs.get(partition.node.as_str()).into_iter().flatten();
        let mut parents = needs.filter_map(|node| input.source.at(node));
        let has_indexes = |parent: &Object| {
            input.there(parent).is_some() || self.joined.contains(parent.node.as_str())
        };
        parents.any(has_indexes)
    }

    /// The step that makes the partition's table.
    fn new_table_of(&self, partition: &Object) -> Option<usize> {
        let table = self.input.source.find(Kind::Table, partition.table.as_ref()?)?;
        let is_new = self.input.there(table).is_none();
        self.placed.get(table.node.as_str()).filter(|_| is_new)?.first().copied()
    }

    /// Makes a table and its place in the parent in one step. The target may divide the rows
    /// otherwise and have no room for it, but for its rows.
    fn join_at_once(&mut self, partition: &'a Object, place: usize, root: &TableName) {
        let mut statements = Vec::new();
        for object in self.own_indexes(partition) {
            self.placed.insert(&object.node, vec![place]);
            statements
                .extend(self.input.follow(object, root).into_iter().flat_map(|s| s.statements));
        }
        statements.extend(objects::create(partition));
        let step = &mut self.steps[place];
        step.title = partition.title();
        // Its parent is there.
        step.creates = None;
        step.table = partition.table.clone();
        step.statements.extend(statements);
        step.room = self.input.room(partition);
        step.has_default = self.input.default_beside(partition).is_some();
        step.optional = true;
        self.placed.insert(&partition.node, vec![place]);
        let table = partition.table.as_ref().and_then(|id| self.input.source.find(Kind::Table, id));
        self.joined.extend(table.map(|table| table.node.as_str()));
    }

    /// A partition joins a parent that has indexes with its own already built: the server would
    /// build them under names of its own.
    fn indexes_of_partition(&mut self, partition: &'a Object, root: &TableName, level: usize) {
        let mut steps = Vec::new();
        for object in self.own_indexes(partition) {
            self.placed.insert(&object.node, vec![self.steps.len() + steps.len()]);
            steps.extend(self.input.follow(object, root));
        }
        // What is built lets readers through, what makes keys of it shuts them out.
        steps.sort_by_key(|step| !step.builds && step.kind == Kind::Key);
        self.steps.extend(steps.into_iter().map(|step| Step { level, ..step }));
    }

    fn own_indexes(&self, partition: &Object) -> Vec<&'a Object> {
        let input = self.input;
        let own = |object: &&Object| {
            matches!(object.kind, Kind::Key | Kind::Index)
                && object.table == partition.table
                && object.since <= input.version
                && input.there(object).is_none()
                && !self.placed.contains_key(object.node.as_str())
                && !object.root.as_ref().is_some_and(|root| input.waits_for_parent(object, root))
        };
        input.source.objects.iter().filter(own).collect()
    }

    fn needed_by(&mut self, node: &str, way: &Visit<'_>) {
        for place in self.placed.get(node).into_iter().flatten() {
            let step = &mut self.steps[*place];
            step.retypes |= way.retypes && step.creates.is_some();
            if step.roots.last() != Some(way.root) && !step.roots.contains(way.root) {
                step.roots.push(way.root.clone());
            }
        }
    }
}

fn is_table(object: &Object) -> bool {
    object.kind == Kind::Table
}

impl DiffInput<'_> {
    /// Whether the target may have a type that it lacks under the name that the source has given up.
    fn may_be_renamed(&self, object: &Object) -> bool {
        if matches!(object.make, Some(Make::Domain(_))) {
            return self.is_renamed_domain(object);
        }
        let has_form = |there: &&Object| {
            there.kind == object.kind
                && are_labels_of_one(&object.labels, &there.labels)
                && there.make == object.make
        };
        let mut alike = self.target.objects.iter().filter(has_form);
        self.there(object).is_none() && alike.any(|there| self.source.same(there).is_none())
    }

    /// What makes an object that comes before rows what it is on the source.
    fn make(&self, object: &Object) -> Vec<Step> {
        let step = |statements| Step::about(object, statements, &[]);
        let new = |statements| Step { creates: Some(object.id.clone()), ..step(statements) };
        match (self.there(object), object.kind, &object.definition) {
            (None, Kind::Schema, _) => {
                let renamed =
                    self.renamed.filter(|(from, _)| object.schema.as_ref() == Some(*from));
                let step = new(self.schema(object));
                let title = renamed.map(|(_, to)| format!("schema {}", to.as_str()));
                vec![Step { title: title.unwrap_or_else(|| step.title.clone()), ..step }]
            }
            (None, Kind::Table, Some(definition)) => {
                let makes = object.name.clone().filter(|name| object.root.as_ref() == Some(name));
                let early = self.without_late_parts(object);
                let definition = early.definition.as_ref().unwrap_or(definition);
                let definition = self.joinable(object, definition);
                let definition = self.without_late_constraints(object, definition);
                let statements = ddl::create_table(&early, &definition, self.version);
                vec![Step { makes, ..new(statements) }]
            }
            // One that cannot be made: what needs it says so.
            (None, Kind::Function, _) if object.make.is_none() => Vec::new(),
            // It comes once the identity is gone.
            (None, Kind::Sequence, _) if self.is_name_of_identity(object) => Vec::new(),
            // It joins what may be there.
            (None, Kind::Partition, _) => {
                vec![Step { room: self.room(object), ..step(objects::create(object)) }]
            }
            (None, ..) => vec![new(objects::create(object))],
            (Some(there), Kind::Enum, _) => labels::missing(object, there, self.path),
            (Some(there), Kind::Table, Some(here)) => {
                let altered =
                    there.definition.as_ref().map(|there| self.alter(object, here, there));
                let settings = self.in_place(object, there);
                let Retyping { before, after } = self.composite_type(object, there);
                let steps = before.into_iter().chain(altered.into_iter().flatten());
                steps.chain(settings).chain(after).collect()
            }
            (Some(_), ..) => Vec::new(),
        }
    }

    /// Columns that are added, and those that come to hold more.
    fn alter(&self, object: &Object, here: &TableDefinition, there: &TableDefinition) -> Vec<Step> {
        let column = |column: &ColumnDefinition, what: &str, statements| Step {
            title: format!("{what}column {}.{}", object.id, column.name.as_str()),
            ..Step::about(object, statements, &[])
        };
        // Rows may fit all the same, a view may hold the column, its owner may be another.
        let optional = |step| Step { optional: true, ..step };
        let mut steps = Vec::new();
        let is_made =
            object.root.as_ref().is_some_and(|root| self.created_by_pgsync.contains(root));
        for own in here.columns.iter().filter(|_| is_made) {
            if let Some(loosen) = self.loosen(object, own, there) {
                steps.push(optional(column(own, ddl_step::NOT_NULL_OF, loosen)));
            }
        }
        // Partitions and children follow their parents.
        for own in here.columns.iter().filter(|column| column.local && !here.partition) {
            let Some(other) = there.column(&own.name) else {
                let add = ddl::add_column(&object.at, here, own, self.version);
                steps.push(column(own, "", add));
                continue;
            };
            let grows = ColumnPair { here: own, there: other }.grows();
            // Attributes of a table's type are told, not altered.
            if grows && there.of.is_none() && !self.is_inherited(object, own) {
                let widen = ddl::widen(&object.at, own);
                let widen = column(own, ddl_step::TYPE_OF, vec![widen]);
                let growth = Growth {
                    column: own.name.clone(),
                    title: format!("column {}.{}", object.id, own.name.as_str()),
                    from: other.type_text.clone(),
                    to: own.type_text.clone(),
                };
                let widen = Step { widens: true, growth: Some(growth), ..widen };
                steps.push(optional(widen));
            }
        }
        steps
    }

    fn schema(&self, object: &Object) -> Vec<Statement> {
        let Some(name) = &object.schema else { return Vec::new() };
        match self.renamed.filter(|(from, _)| *from == name) {
            Some((_, to)) => vec![statement!("create schema {to}", to = to)],
            None => {
                let create = statement!("create schema {name}", name = name);
                std::iter::once(create).chain(objects::create(object)).collect()
            }
        }
    }
}
