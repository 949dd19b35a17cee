//! The definitions of a table as its rules show it: with the columns that travel, under the names that they
//! get. What speaks of other columns by an expression is not carried, and is named.

use std::collections::{BTreeSet, HashMap};

use super::make::{Element, Make};
use super::text::Name;
use super::{ColumnDefinition, Definitions, Described, Kind, Object, TableDefinition};
use crate::ident::{Ident, TableName};

/// How one table is to be on the target.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Its name there, as names are printed.
    pub name: Name,
    /// The names of the columns that travel, by those on the source.
    pub columns: HashMap<Ident, Ident>,
    /// Whether all columns travel under their own names.
    pub whole: bool,
    /// Columns that are computed on the source only, by their names there.
    pub masked: BTreeSet<Ident>,
    /// Whether all other columns travel under their own names: then the target computes the generated ones, of masked
    /// values.
    pub computes: bool,
    /// Columns that the rules choose, and that neither travel nor are computed there.
    pub lost: Vec<Ident>,
}

/// By the source's names of tables.
pub type Shapes = HashMap<TableName, Shape>;

/// What of a table is not carried, and why.
#[derive(Debug)]
pub struct NotCarried {
    pub root: TableName,
    /// [`Object::title`].
    pub title: String,
    why: &'static str,
}

impl NotCarried {
    /// In words.
    pub fn told(&self) -> String {
        format!("{} is not created on the target: {}", self.title, self.why)
    }
}

/// Definitions with tables in their shapes, and what they lose by that.
#[derive(Debug)]
pub struct Reshaped {
    pub definitions: Definitions,
    pub not_carried: Vec<NotCarried>,
}

impl Definitions {
    /// Gives tables their shapes.
    pub fn reshaped(self, shapes: &Shapes) -> Reshaped {
        let (mut objects, mut not_carried) = (Vec::new(), Vec::new());
        let mut uncarried = HashMap::new();
        let mut needs = self.needs;
        let tables: HashMap<Name, TableName> = self
            .objects
            .iter()
            .filter(|object| object.kind == Kind::Table)
            .filter_map(|object| Some((object.at.clone(), object.name.clone()?)))
            .collect();
        let parents = |name: &Name| shapes.get(tables.get(name)?);
        for object in self.objects {
            let shape = object.root.as_ref().and_then(|root| shapes.get(root));
            let title = object.title();
            let root = object.root.clone();
            let is_root = object.kind == Kind::Table && object.name == object.root;
            if let (true, Some(shape), Some(table)) = (is_root, shape, &root) {
                for column in &shape.lost {
                    let title = format!("column {table}.{}", column.as_str());
                    uncarried.insert(title.clone(), root.clone());
                    not_carried.push(NotCarried { root: table.clone(), title, why: COMPUTED });
                }
            }
            match object.in_shape(shape, &parents) {
                Carried::Yes(object) => objects.push(*object),
                Carried::Silently => {}
                Carried::No(why) => {
                    not_carried.extend(root.clone().map(|root| NotCarried {
                        root,
                        title: title.clone(),
                        why,
                    }));
                    uncarried.insert(title, root);
                }
            }
        }
        let schemas: BTreeSet<&Ident> =
            shapes.values().filter_map(|shape| shape.name.schema.as_ref()).collect();
        for schema in schemas {
            let known = |object: &Object| object.schema.as_ref() == Some(schema);
            if !objects.iter().any(known)
                && let Some(made) = made_schema(schema)
            {
                let inside = objects.iter().filter(|object| {
                    object.kind == Kind::Table && object.at.schema.as_ref() == Some(schema)
                });
                for table in inside {
                    needs.entry(table.node.clone()).or_default().push(made.node.clone());
                }
                objects.push(made);
            }
        }
        Reshaped { definitions: Self { uncarried, ..Self::new(objects, needs) }, not_carried }
    }
}

const COMPUTED: &str = "the source computes it from columns of which some are masked, and by the rules the target cannot: give it a mask of its own";
const OTHER_COLUMNS: &str =
    "one of its columns is masked, left out or renamed, or computed from such a column";
const NO_EXPRESSIONS: &str = "columns of the table are masked, left out or renamed, and then pgsync creates no check, expression or statistics object of it";

/// Whether an index, or an exclusion constraint, is one of expressions.
fn has_expressions(make: &Option<Make>) -> bool {
    match make {
        Some(Make::Index(index)) => {
            let is_expression = |element: &Element| element.column.is_none();
            index.elements.iter().any(is_expression) || index.predicate.is_some()
        }
        _ => false,
    }
}

/// What becomes of an object.
enum Carried {
    Yes(Box<Object>),
    /// And why.
    No(&'static str),
    /// Nobody would miss it.
    Silently,
}

fn made_schema(schema: &Ident) -> Option<Object> {
    let name = Name { schema: None, name: schema.clone() };
    let described = serde_json::json!({
        "node": format!("pgsync/{}", name.printed()),
        "kind": "schema",
        "id": name.printed(),
        "schema": schema.as_str(),
    });
    serde_json::from_value(described).ok()
}

impl Object {
    fn in_shape<'s>(
        mut self,
        shape: Option<&Shape>,
        parent_shape: &impl Fn(&Name) -> Option<&'s Shape>,
    ) -> Carried {
        let mut described = self.described.clone();
        if let Some(Make::ForeignKey(key)) = &mut described.make
            && let Some(parent) = parent_shape(&key.parent)
        {
            let Some(columns) = parent.all(&key.parent_columns) else {
                return Carried::No(OTHER_COLUMNS);
            };
            key.parent_columns = columns;
            key.parent = parent.name.clone();
        }
        let Some(shape) = shape else {
            self.described = described;
            return Carried::Yes(Box::new(self));
        };
        if matches!(self.kind, Kind::Partition | Kind::AttachedIndex)
            || self.kind == Kind::Table && self.name != self.root
            || self.kind != Kind::Table && !self.belongs_to_root()
        {
            return Carried::Silently;
        }
        match self.kind {
            Kind::Table => {
                described.id = shape.name.printed();
                self.at = shape.name.clone();
                self.on = shape.name.clone();
                described.definition = described.definition.map(|own| shape.definition(own));
            }
            Kind::Check | Kind::Statistics if !shape.whole => return Carried::No(NO_EXPRESSIONS),
            _ => {
                if !described.make.as_mut().is_some_and(|make| shape.fits(make)) {
                    let is_chosen = !shape.whole && has_expressions(&described.make);
                    let why = if is_chosen { NO_EXPRESSIONS } else { OTHER_COLUMNS };
                    return Carried::No(why);
                }
                self.move_to(shape, &mut described);
            }
        }
        self.described = described;
        Carried::Yes(Box::new(self))
    }

    /// Whether it is of the table itself, and not of one of its partitions.
    fn belongs_to_root(&self) -> bool {
        let root = self.root.as_ref();
        root.is_some_and(|root| self.on.name == root.name)
    }

    fn move_to(&mut self, shape: &Shape, described: &mut Described) {
        let moved =
            |name: &Name| Name { schema: shape.name.schema.clone(), name: name.name.clone() };
        described.table = Some(shape.name.printed());
        self.on = shape.name.clone();
        match self.kind {
            Kind::Key | Kind::Check | Kind::ForeignKey => {
                let own = described.own.clone().unwrap_or_default();
                let own = Name { schema: None, name: own };
                described.id = format!("{} {}", shape.name.printed(), own.printed());
                self.at = shape.name.clone();
            }
            _ => {
                self.at = moved(&self.at);
                described.id = self.at.printed();
            }
        }
        if let Some(index) = &mut described.index {
            index.name = moved(&index.name);
        }
    }
}

impl Shape {
    fn all(&self, columns: &[Ident]) -> Option<Vec<Ident>> {
        columns.iter().map(|column| self.columns.get(column).cloned()).collect()
    }

    /// CREATE TABLE of the columns that travel, as a table of its own.
    fn definition(&self, own: TableDefinition) -> TableDefinition {
        let mut shaped = own;
        shaped.partition_by = None;
        shaped.inherits = Vec::new();
        shaped.of = None;
        if !self.whole {
            shaped.checks = Vec::new();
        }
        let is_computed = |column: &ColumnDefinition| {
            self.computes && column.generated.is_some() && !self.masked.contains(&column.name)
        };
        let travels = |column: &ColumnDefinition| self.columns.contains_key(&column.name);
        shaped.columns.retain(|column| travels(column) || is_computed(column));
        for column in &mut shaped.columns {
            if !is_computed(column) && (!self.whole || self.masked.contains(&column.name)) {
                column.generated = None;
                column.is_virtual = false;
            }
            column.local = true;
            column.parent_computes = false;
            column.computes_otherwise = false;
            column.parent_not_null = false;
            if let Some(rule) = &mut column.not_null_rule {
                (rule.local, rule.inherited, rule.no_inherit) = (true, false, false);
            }
            if let Some(identity) = &mut column.identity {
                identity.name.schema = self.name.schema.clone();
            }
            if let Some(name) = self.columns.get(&column.name) {
                column.name = name.clone();
            }
        }
        shaped.owns.retain(|owned| {
            self.columns.contains_key(&owned.column) && owned.sequence.schema == self.name.schema
        });
        for owned in &mut shaped.owns {
            owned.column = self.columns[&owned.column].clone();
        }
        shaped
    }

    /// Gives a key, an index or the like the names of the columns; false where one does not travel.
    fn fits(&self, make: &mut Make) -> bool {
        let rename = |columns: &mut Vec<Ident>| match self.all(columns) {
            Some(named) => {
                *columns = named;
                true
            }
            None => false,
        };
        let elements = |elements: &mut Vec<Element>| {
            elements.iter_mut().all(|element| match &element.column {
                Some(column) => match self.columns.get(column) {
                    Some(named) => {
                        element.column = Some(named.clone());
                        true
                    }
                    None => false,
                },
                None => self.whole,
            })
        };
        match make {
            Make::Key(key) => rename(&mut key.columns) && rename(&mut key.include),
            Make::ForeignKey(key) => rename(&mut key.columns) && rename(&mut key.set_columns),
            Make::Index(index) => {
                (self.whole || index.predicate.is_none())
                    && elements(&mut index.elements)
                    && rename(&mut index.include)
            }
            Make::Exclusion(exclusion) => {
                (self.whole || exclusion.predicate.is_none())
                    && elements(&mut exclusion.elements)
                    && rename(&mut exclusion.include)
            }
            _ => self.whole,
        }
    }
}
