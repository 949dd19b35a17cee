//! What a database is made of: the objects of some tables, what each is made of, and what each needs.
//! Read from JSON that `pg/definitions/*.sql` builds.

pub mod compression;
pub mod make;
pub mod older;
pub mod reshape;
pub mod text;
pub mod texts;
pub mod view;

use std::collections::{HashMap, HashSet};
use std::ops::Deref;

use serde::Deserialize;

use crate::ident::{Ident, TableName};
use make::{
    Check, Compression, Identity, IndexSettings, Make, NotNull, Parameter, PartitionKey,
    ReplicaIdentity, Storage, Type,
};
use text::{Expression, Name};
use view::View;

/// One side's objects.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    pub objects: Vec<Object>,
    /// By node: the nodes that have to be there before. A node may be no object (an operator).
    pub needs: HashMap<String, Vec<String>>,
    /// Tables of which something could not be read, for it was changed or dropped meanwhile; nothing of them is here.
    pub unread: HashSet<TableName>,
    /// The titles of what the source has, and rules do not carry.
    pub uncarried: HashMap<String, Option<TableName>>,
    ids: HashMap<Kind, HashMap<String, usize>>,
    nodes: HashMap<String, usize>,
}

/// What an object is, in the order in which kinds are made when nothing else decides.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Schema,
    Extension,
    Collation,
    Enum,
    Type,
    /// Of text searches.
    Dictionary,
    SearchConfiguration,
    Function,
    Sequence,
    Table,
    /// The place of a partition in its parent.
    Partition,
    /// Primary, unique and exclusion constraints.
    Key,
    Index,
    /// The place of a partition's index in its parent's.
    AttachedIndex,
    Check,
    Statistics,
    ForeignKey,
}

/// One object.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Described")]
pub struct Object {
    /// Its name; of a constraint: its table's.
    pub at: Name,
    /// The table it belongs to, or itself.
    on: Name,
    described: Described,
}

/// One object, as the server describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Described {
    /// Names it on its own side.
    pub node: String,
    pub kind: Kind,
    /// Names it on both sides, within its kind.
    pub id: String,
    /// The id of the table it belongs to.
    #[serde(default)]
    pub table: Option<String>,
    /// Its own name, where the id has more than that.
    #[serde(default)]
    pub own: Option<Ident>,
    /// Of a function: its name, where the id has the types of its arguments too.
    #[serde(default)]
    pub called: Option<Name>,
    /// The table whose rows it serves: for a partition, the topmost parent.
    #[serde(default)]
    pub root: Option<TableName>,
    /// Set for a table.
    #[serde(default)]
    pub name: Option<TableName>,
    /// The root of the table that a foreign key refers to.
    #[serde(default)]
    pub parent: Option<TableName>,
    /// Set for a schema.
    #[serde(default)]
    pub schema: Option<Ident>,
    /// Set for all but schemas and tables.
    #[serde(default)]
    pub make: Option<Make>,
    #[serde(default)]
    pub comment: Option<String>,
    /// Of an index, and of a constraint that has one.
    #[serde(default)]
    pub index: Option<IndexSettings>,
    #[serde(default)]
    pub replica_identity: Option<ReplicaIdentity>,
    /// Whether it is a foreign key that is made without a look at the rows, and then looks.
    #[serde(default)]
    pub validate: bool,
    /// The first version that can have it.
    #[serde(default)]
    pub since: u32,
    #[serde(default)]
    pub needs: Vec<String>,
    /// Of a function that cannot be made: what it is, as `in C`.
    #[serde(default)]
    pub unmade: Option<String>,
    /// Of an enum, in order.
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default)]
    pub definition: Option<TableDefinition>,
}

/// What CREATE TABLE is built from.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TableDefinition {
    pub unlogged: bool,
    /// The composite type that gives it its columns.
    #[serde(default)]
    pub of: Option<Name>,
    pub partition: bool,
    pub partition_by: Option<PartitionKey>,
    pub inherits: Vec<Name>,
    pub options: Vec<Parameter>,
    pub checks: Vec<Check>,
    /// Those that come from a parent alone.
    #[serde(default)]
    pub inherited_checks: Vec<InheritedCheck>,
    pub owns: Vec<OwnedSequence>,
    pub columns: Vec<ColumnDefinition>,
}

/// A check that a table has from its parent.
#[derive(Clone, Debug, Deserialize)]
pub struct InheritedCheck {
    pub name: Ident,
    /// Whether the child's own rows are known to keep it.
    pub validated: bool,
}

/// A sequence that goes with a column of the table.
#[derive(Clone, Debug, Deserialize)]
pub struct OwnedSequence {
    pub column: Ident,
    pub sequence: Name,
}

/// What one column of CREATE TABLE is built from.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ColumnDefinition {
    pub name: Ident,
    /// The type in the server's words, for people and comparisons.
    #[serde(rename = "type")]
    pub type_text: String,
    pub kind: Type,
    /// The type's own name, if it is built in.
    pub built_in: Option<String>,
    /// `atttypmod`: -1 for none.
    pub modifier: i32,
    pub collation: Option<Name>,
    /// Whether it is known to hold no NULL.
    pub not_null: bool,
    /// Its NOT NULL, valid or not; none of a source that is no server.
    #[serde(default)]
    pub not_null_rule: Option<NotNull>,
    /// Whether a parent that is no partitioned table has it NOT NULL.
    #[serde(default)]
    pub parent_not_null: bool,
    /// Not merely inherited.
    pub local: bool,
    /// Whether a parent that is no partitioned table has it too, and computes it.
    #[serde(default)]
    pub parent_computes: bool,
    /// Whether such a parent computes it otherwise.
    #[serde(default)]
    pub computes_otherwise: bool,
    /// Names the default among the needs of the table.
    #[serde(default)]
    pub default_node: Option<String>,
    pub default: Option<Expression>,
    /// Whether the default is another value for each row.
    #[serde(default)]
    pub volatile: bool,
    pub generated: Option<Expression>,
    /// Generated when it is read.
    #[serde(rename = "virtual")]
    pub is_virtual: bool,
    pub identity: Option<Identity>,
    pub storage: Option<Storage>,
    pub compression: Option<Compression>,
    pub statistics: Option<i32>,
    pub options: Vec<Parameter>,
    pub comment: Option<String>,
}

/// What hangs on a table and goes with it, and what forbids that it goes.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Dependents {
    pub table: TableName,
    /// Those that read it, also by way of each other, in the order in which they can be dropped.
    pub views: Vec<View>,
    /// What else forbids it, in words.
    pub blockers: Vec<String>,
    /// Rights that the target role has not, in words.
    pub lacks: Vec<String>,
    /// Statements that give its owner, grants and triggers to another table of its name.
    pub restore_statements: Vec<String>,
    /// Foreign keys of other tables that refer to it.
    pub keys: Vec<IncomingKey>,
}

/// A foreign key of another table, with the statements that drop it and add it again.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct IncomingKey {
    pub child: TableName,
    pub name: Ident,
    /// The table that it names: a partition, too.
    pub parent: Ident,
    pub parent_columns: Vec<Ident>,
    pub drop: String,
    /// Without a look at rows, where a key can be added so.
    pub add: String,
    /// Looks at the rows, if the key held for them.
    pub validate: Option<String>,
}

/// As much of a name as PostgreSQL keeps of it.
pub fn fitting(name: &str) -> Ident {
    const LONGEST: usize = 63;
    let end = (0..=LONGEST.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    Ident::new(&name[..end.unwrap_or_default()])
}

impl TryFrom<Described> for Object {
    type Error = String;

    fn try_from(mut described: Described) -> Result<Self, String> {
        let parse = |text: &String| {
            Name::parse(text).ok_or_else(|| format!("{text:?} is not the name of an object"))
        };
        let on = match &described.called {
            Some(name) => name.clone(),
            None => parse(described.table.as_ref().unwrap_or(&described.id))?,
        };
        let at = match described.kind {
            Kind::Key | Kind::Check | Kind::ForeignKey | Kind::Function => on.clone(),
            _ => parse(&described.id)?,
        };
        // A word that one version quotes, another one does not.
        if let Some(table) = described.table.as_mut().filter(|_| described.called.is_none()) {
            *table = on.printed();
        }
        match (described.kind, &described.own) {
            (Kind::Function, _) => {}
            (Kind::Key | Kind::Check | Kind::ForeignKey, Some(own)) => {
                described.id = format!("{} {}", on.printed(), own.typed());
            }
            (Kind::Key | Kind::Check | Kind::ForeignKey, None) => {}
            _ => described.id = at.printed(),
        }
        Ok(Self { at, on, described })
    }
}

impl Deref for Object {
    type Target = Described;

    fn deref(&self) -> &Described {
        &self.described
    }
}

impl Object {
    /// What errors call it: the name of a constraint or an index without its schema.
    pub fn own_name(&self) -> Ident {
        self.own.clone().unwrap_or_else(|| self.at.name.clone())
    }

    /// `index public.item_name_idx`, `constraint item_check of public.item`, for people.
    pub fn title(&self) -> String {
        let own = |table: &str| self.id.strip_prefix(table)?.strip_prefix(' ');
        match self.table.as_ref().and_then(|table| Some((own(table)?, table))) {
            Some((name, table)) => self.kind.title_of(name, table),
            None => format!("{} {}", self.kind.noun(), self.id),
        }
    }

    /// Whether it can run functions of users when it is made: building an index computes constants.
    pub fn runs_code(&self) -> bool {
        matches!(self.kind, Kind::Extension | Kind::Function | Kind::Index)
            || matches!(self.make, Some(Make::Exclusion(_)))
    }

    /// The table it belongs to, or the table it is.
    pub fn table_name(&self) -> &Name {
        &self.on
    }

    /// The same table with another definition.
    pub fn redefined(&self, definition: TableDefinition) -> Self {
        let mut redefined = self.clone();
        redefined.described.definition = Some(definition);
        redefined
    }

    /// Gives it the name of an object of its kind and table.
    pub fn take_name(&mut self, other: &Object) {
        self.at = other.at.clone();
        self.described.id = other.id.clone();
        self.described.own = other.own.clone();
        if let (Some(index), Some(named)) = (&mut self.described.index, &other.index) {
            index.name = named.name.clone();
        }
        if let (Some(Make::Check(own)), Some(Make::Check(named))) =
            (&mut self.described.make, &other.make)
        {
            own.name = named.name.clone();
        }
    }

    /// An index of a partitioned table, or a key with one, as a partition gets it that only the target has.
    pub fn in_partition(&self, partition: &Object) -> Option<Self> {
        let own = fitting(&format!("{}_{}", partition.at.name.as_str(), self.own_name().as_str()));
        let name = Name { schema: partition.at.schema.clone(), name: own.clone() };
        let mut given = self.clone();
        given.on = partition.at.clone();
        let described = &mut given.described;
        let settings = described.index.as_mut()?;
        settings.name = name.clone();
        (settings.clustered, settings.replica_identity, settings.comment) = (false, false, None);
        (described.table, described.comment) = (Some(partition.id.clone()), None);
        if let Some(Make::Index(index)) = &mut described.make {
            index.only = false;
            described.id = name.printed();
            given.at = name;
        } else {
            described.id = format!("{} {}", partition.id, own.typed());
            described.own = Some(own);
            given.at = partition.at.clone();
        }
        Some(given)
    }

    /// Gives it a schema, where its name has none.
    fn put_into(&mut self, schema: &Ident) {
        self.at.schema = Some(schema.clone());
        self.on.schema = Some(schema.clone());
        self.described.id = format!("{}.{}", schema.typed(), self.described.id);
    }

    /// Lets a partition's index follow indexes, its own or its parent's, to other names.
    pub fn follow_names(&mut self, renamed: &[(Name, Name)]) {
        let Some(Make::AttachedIndex { parent }) = &mut self.described.make else { return };
        let new = |old: &Name| renamed.iter().find(|(from, _)| from == old).map(|(_, to)| to);
        if let Some(name) = new(parent) {
            *parent = name.clone();
        }
        if let Some(name) = new(&self.at) {
            self.described.id = name.printed();
            self.at = name.clone();
        }
    }

    /// Whether the rows are known to keep a check; true for all that is none.
    pub fn is_validated(&self) -> bool {
        !matches!(&self.make, Some(Make::Check(check)) if !check.validated)
    }
}

impl Kind {
    /// Whether nothing but the statements that make it has its name as it was read, and not as SQL finds it.
    pub fn is_told_by_its_schema(self) -> bool {
        let of_searches = matches!(self, Kind::Dictionary | Kind::SearchConfiguration);
        of_searches || matches!(self, Kind::Collation | Kind::Enum | Kind::Type | Kind::Function)
    }

    /// Made before any row arrives; the others after the rows of their table.
    pub fn comes_first(self) -> bool {
        self <= Kind::Partition
    }

    /// What messages call an object of this kind.
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Schema => "schema",
            Kind::Extension => "extension",
            Kind::Collation => "collation",
            Kind::Enum | Kind::Type => "type",
            Kind::Dictionary => "text search dictionary",
            Kind::SearchConfiguration => "text search configuration",
            Kind::Function => "function",
            Kind::Sequence => "sequence",
            Kind::Table => "table",
            Kind::Partition => "partition",
            Kind::Key | Kind::Check => "constraint",
            Kind::Index | Kind::AttachedIndex => "index",
            Kind::Statistics => "statistics object",
            Kind::ForeignKey => "foreign key",
        }
    }

    /// What messages call an object of a table that has its name beside others of that table only.
    pub fn title_of(self, name: &str, table: &str) -> String {
        format!("{} {name} of {table}", self.noun())
    }
}

impl Definitions {
    /// The objects with what the catalog says of their needs beside what they say themselves.
    pub fn new(objects: Vec<Object>, mut needs: HashMap<String, Vec<String>>) -> Self {
        for object in objects.iter().filter(|object| !object.needs.is_empty()) {
            needs.entry(object.node.clone()).or_default().extend(object.needs.iter().cloned());
        }
        let mut ids: HashMap<Kind, HashMap<String, usize>> = HashMap::new();
        for (place, object) in objects.iter().enumerate() {
            ids.entry(object.kind).or_default().insert(object.id.clone(), place);
        }
        let nodes = objects.iter().enumerate().map(|(place, o)| (o.node.clone(), place)).collect();
        Self { objects, needs, unread: HashSet::new(), uncarried: HashMap::new(), ids, nodes }
    }

    /// As if these tables were not there, with what belongs to them.
    pub fn without(self, tables: &HashSet<&TableName>) -> Self {
        let is_theirs = |object: &Object| object.root.as_ref().is_some_and(|r| tables.contains(r));
        let shapes =
            self.objects.iter().filter(|o| is_theirs(o)).filter_map(|o| o.definition.as_ref());
        let owned: HashSet<Name> = shapes
            .flat_map(|definition| &definition.owns)
            .map(|owned| owned.sequence.clone())
            .collect();
        let is_owned =
            |object: &Object| object.kind == Kind::Sequence && owned.contains(&object.at);
        let left = self.objects.iter().filter(|object| !is_theirs(object) && !is_owned(object));
        Self::new(left.cloned().collect(), self.needs)
    }

    /// With the schemas that `qualified` has in the names of types, functions, sequences and the like, where those lie elsewhere than
    /// in the first schema that names without one lead to.
    pub fn placed_as(self, qualified: &Self, home: Option<&Ident>) -> Self {
        let Self { mut objects, needs, unread, uncarried, .. } = self;
        let has_a_place =
            |kind: Kind| kind.is_told_by_its_schema() || matches!(kind, Kind::Sequence);
        for object in objects.iter_mut().filter(|object| has_a_place(object.kind)) {
            let schema = qualified.at(&object.node).and_then(|known| known.at.schema.as_ref());
            let schema = schema.filter(|schema| Some(*schema) != home);
            if let Some(schema) = schema.filter(|_| object.at.schema.is_none()) {
                object.put_into(schema);
            }
        }
        Self { unread, uncarried, ..Self::new(objects, needs) }
    }

    /// The object of the other side's kind and id.
    pub fn same(&self, other: &Object) -> Option<&Object> {
        self.find(other.kind, &other.id)
    }

    /// The object of this kind and id.
    pub fn find(&self, kind: Kind, id: &str) -> Option<&Object> {
        self.ids.get(&kind)?.get(id).map(|place| &self.objects[*place])
    }

    /// The object of this node.
    pub fn at(&self, node: &str) -> Option<&Object> {
        self.nodes.get(node).map(|place| &self.objects[*place])
    }
}

impl ColumnDefinition {
    /// Whether nothing but a parent makes it NOT NULL.
    pub fn only_inherits_not_null(&self) -> bool {
        self.not_null_rule.as_ref().is_some_and(|rule| rule.inherited && !rule.local)
    }

    /// Its NOT NULL that is not validated, if it has one.
    pub fn open_not_null(&self) -> Option<&NotNull> {
        self.not_null_rule.as_ref().filter(|rule| !rule.validated)
    }

    /// Whether another one takes less of NULL: of old rows only, or of none.
    pub fn takes_null_before(&self, other: &Self) -> bool {
        let is_gone = self.not_null_rule.is_none() && other.open_not_null().is_some();
        !self.not_null && (other.not_null || is_gone)
    }

    /// Whether it is added to this table, and not with that of a parent.
    pub fn is_added_by(&self, table: &TableDefinition) -> bool {
        self.local && !table.partition
    }

    /// Whether rows have its default when it is added to them, without a rewrite of the table.
    pub fn fills_rows(&self) -> bool {
        self.default.is_some() && !self.volatile
    }
}

impl TableDefinition {
    /// The column of this name.
    pub fn column(&self, name: &Ident) -> Option<&ColumnDefinition> {
        self.columns.iter().find(|column| &column.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_one_name_whatever_words_its_server_quotes() {
        let id = |object: serde_json::Value| {
            serde_json::from_value::<Object>(object)
                .map(|object| object.title())
                .expect("an object")
        };
        let table = |name: &str| id(serde_json::json!({"node": "n", "kind": "table", "id": name}));
        assert_eq!(table(r#"test."json_table""#), table("test.json_table"));
        assert_eq!(table(r#"public."Order Notes""#), r#"table public."Order Notes""#);
        let check = |table: &str, name: &str| {
            id(
                serde_json::json!({"node": "n", "kind": "check", "id": format!("{table} {name}"), "own": "json_table", "table": table}),
            )
        };
        assert_eq!(check(r#""json_table""#, r#""json_table""#), check("json_table", "json_table"));
    }
}
