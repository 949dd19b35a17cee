//! A table as a catalog describes it. Read from JSON that the catalog query builds on the server
//! (`pg/catalog.sql`), so one statement describes every table of a side.

use std::sync::Arc;

use serde::Deserialize;

use crate::ident::{Ident, OperatorName, TableName};

/// One table of one side.
#[derive(Clone, Debug, Deserialize)]
pub struct Table {
    pub oid: u32,
    #[serde(flatten)]
    pub name: TableName,
    /// A partitioned table, or a hypertable of TimescaleDB: its rows are those of its partitions or
    /// chunks, and it is read and written through its root.
    pub partitioned: bool,
    /// Whether it is partitioned and the server can tell its partitions of now (PostgreSQL 12).
    pub partition_tree: bool,
    /// Whether the session can read TimescaleDB's list of hypertables.
    pub hypertables: bool,
    /// The tables that inherit from it, at any depth, each with the parent that leads there. None of a
    /// partitioned table.
    pub inherited_by: Vec<InheritedChild>,
    /// The composite type that gives it its columns, as people write it.
    #[serde(default)]
    pub of_type: Option<String>,
    /// Rows as the planner estimates them; negative when never analysed.
    pub rows: f64,
    /// Size of the table and its partitions with their long values, in bytes, without indexes.
    pub bytes: u64,
    /// Pages of the table and its partitions, without long values.
    pub pages: u64,
    /// Changes when the storage is replaced (TRUNCATE, VACUUM FULL, a partition that comes or goes).
    pub storage: String,
    /// Shared by the copies of a table: most of it is columns.
    pub columns: Arc<Vec<Column>>,
    /// Unique, not null, complete, immediate or not, b-tree; the primary key first.
    pub keys: Vec<Key>,
    /// Every other rule that two rows cannot be alike.
    pub uniques: Vec<Unique>,
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The sequences that its columns own, and those that their defaults draw from.
    pub sequences: Vec<Sequence>,
    /// Enabled user triggers of the table and its partitions.
    pub triggers: Vec<Trigger>,
    pub rules: Vec<Rule>,
    /// Whether the session's role has the rights of the owner.
    pub owned: bool,
    /// Whether a policy hides rows from the role.
    pub row_security: bool,
    /// Whether a subscription writes its rows, with the times of another server.
    pub subscribed: bool,
    /// What other runs have written into it, which changes with each that has; see `observe/fed.rs`.
    #[serde(default)]
    pub fed: String,
    /// The rights among usage (of the schema), select, insert, update, delete and references that the role does not have.
    pub missing_privileges: Vec<String>,
    /// Those that the role has for some columns only, or for each of them and not for the table.
    #[serde(default)]
    pub partial_privileges: Vec<String>,
    /// Where the role may read some columns only: the others, and `ctid`, if it may not read that.
    #[serde(default)]
    pub hidden_columns: Vec<Ident>,
}

/// A table that inherits from another: reads of the parent without ONLY show its rows, too.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct InheritedChild {
    #[serde(flatten)]
    pub name: TableName,
    /// `relkind`: r for a table, f for a foreign one.
    pub kind: char,
    pub parent: TableName,
    pub columns: Vec<Ident>,
}

/// A partition that is no table of its own: its rows are those of its root.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Partition {
    #[serde(flatten)]
    pub name: TableName,
    pub root: TableName,
}

/// Something that somebody may take for a table to sync, and that is none.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct OtherRelation {
    #[serde(flatten)]
    pub name: TableName,
    /// What it is, with its article; `None` for a table of a schema that is not selected.
    pub kind: Option<String>,
}

/// One live column, in the table's order.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Column {
    pub name: Ident,
    /// `pg_catalog`, or the schema of a user-defined type.
    pub type_schema: Ident,
    pub type_name: Ident,
    /// The type with its modifier, as `format_type` prints it.
    pub type_text: String,
    pub type_modifier: i32,
    pub not_null: bool,
    pub generated: bool,
    pub identity_always: bool,
    /// Whether it is an identity of either kind.
    #[serde(default)]
    pub identity: bool,
    pub has_default: bool,
    /// Whether rows can be found by it only with a look at all of them, so that no watermark is worth it.
    #[serde(default)]
    pub unindexed: bool,
    /// Whether a parent has it, too: then it goes with that one's.
    #[serde(default)]
    pub inherited: bool,
    /// Whether equal values of this column can differ byte by byte by collation.
    pub nondeterministic: bool,
    /// For a type whose text shows floating point numbers: the function that gives its bytes.
    pub floats: Option<Ident>,
    /// The output function of a built-in type.
    pub output: Option<Ident>,
    pub type_oid: u32,
    /// For a user-defined type: itself and every type that it is made of.
    pub parts: Vec<TypePart>,
    /// Changes when a change of definition alters what existing values say.
    pub definition: String,
}

/// One of the types of which a column's type is made.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct TypePart {
    pub oid: u32,
    pub schema: Ident,
    pub name: Ident,
    pub kind: TypeKind,
    /// The base of a domain, the element of an array, the subtype of a range, the range of a multirange,
    /// the attributes of a composite type. None of built-in types.
    pub members: Vec<TypeMember>,
    /// Of an enum, in order.
    pub labels: Vec<String>,
    /// Of a range: its operator class, collation and canonical function.
    pub rules: Option<String>,
}

/// The kinds of types that the catalog tells apart.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    Array,
    Base,
    Composite,
    Domain,
    Enum,
    Range,
    Multirange,
}

/// One type that another is made of, with its modifier.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct TypeMember {
    /// Of an attribute.
    pub name: Option<Ident>,
    pub oid: u32,
    pub modifier: i32,
    /// As `format_type` prints it.
    pub text: String,
}

/// A set of columns that tells rows apart.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Key {
    pub index: Ident,
    pub primary: bool,
    pub deferrable: bool,
    /// Whether subscribers find rows by it: then its columns stay NOT NULL.
    #[serde(default)]
    pub replica_identity: bool,
    pub columns: Vec<KeyColumn>,
}

/// One column of a key, with how its values are compared.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct KeyColumn {
    pub name: Ident,
    /// The equality operator of the index, which may live in an extension's schema.
    pub equals_schema: Ident,
    pub equals_name: OperatorName,
    pub opclass: ObjectName,
    /// Of the index; none where the type has none.
    pub collation: Option<ObjectName>,
    /// Whether equal values can differ by the index's collation.
    pub nondeterministic: bool,
    /// Whether the column has the same collation.
    pub as_column: bool,
}

/// A name with its schema, of something that is no table.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct ObjectName {
    pub schema: Ident,
    pub name: Ident,
}

/// A unique index beside the primary key, or the index of an exclusion constraint.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Unique {
    pub name: Ident,
    pub exclusion: bool,
    /// Whether it belongs to a constraint of its name.
    #[serde(default)]
    pub constraint: bool,
    /// Whether its constraint may be checked at the end of a transaction.
    #[serde(default)]
    pub deferrable: bool,
    /// Whether rows with a NULL are never alike.
    pub nulls_distinct: bool,
    /// What it is made of, columns before those of expressions; none that only its predicate names.
    pub columns: Vec<Ident>,
}

/// A check constraint.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Check {
    pub name: Ident,
    /// False if rows need not keep it, because it is NOT VALID.
    pub validated: bool,
    /// The columns that it is about; none where it is about the row as a whole.
    #[serde(default)]
    pub columns: Vec<Ident>,
}

/// A sequence of a column: of `serial`, of an identity, or one that its default draws from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Sequence {
    #[serde(flatten)]
    pub name: TableName,
    pub column: Ident,
    pub start: i64,
    /// Negative for one that descends; never zero.
    pub increment: i64,
    pub least: i64,
    pub greatest: i64,
    /// Whether the role may read where it stands, and whether it may set it.
    pub readable: bool,
    pub settable: bool,
    /// What it gave last; none when it never gave anything, or may not be read. Known of the source only:
    /// it is no part of the catalog.
    #[serde(default)]
    pub last: Option<i64>,
    /// Whether the column holds its numbers, and nothing made of them.
    pub plain: bool,
    /// Whether the column owns it, and is no identity.
    #[serde(default)]
    pub serial: bool,
    /// Whether an index answers at once what the greatest value of the column is.
    pub indexed: bool,
}

/// A user trigger.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Trigger {
    pub name: Ident,
    pub fires: Fires,
    /// Whether only a superuser can disable it.
    pub internal: bool,
    /// The table, or one of its partitions.
    pub on: TableName,
}

/// A rewrite rule.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Rule {
    pub name: Ident,
    pub fires: Fires,
}

/// When a trigger or a rule fires, as `pg_trigger.tgenabled` has it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum Fires {
    #[serde(rename = "O")]
    Origin,
    #[serde(rename = "A")]
    Always,
    #[serde(rename = "R")]
    Replica,
    #[serde(rename = "D")]
    Never,
}

/// A foreign key, by the names of its tables.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct ForeignKey {
    pub name: Ident,
    pub child: TableName,
    pub child_columns: Vec<Ident>,
    pub parent: TableName,
    pub parent_columns: Vec<Ident>,
    /// `confdeltype`: a no action, r restrict, c cascade, n set null, d set default.
    pub on_delete: char,
    pub on_update: char,
    pub deferrable: bool,
    /// Whether all rows are known to keep it.
    pub validated: bool,
    /// By which operators a parent's columns equal the child's.
    pub equals: Vec<Operator>,
}

impl ForeignKey {
    /// Whether it is one, and not merely what the body of a check's function names.
    pub fn has_columns(&self) -> bool {
        !self.child_columns.is_empty()
    }
}

/// An operator by its name.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Operator {
    pub schema: Ident,
    pub name: OperatorName,
}

impl Column {
    /// Whether its type comes with PostgreSQL.
    pub fn is_built_in(&self) -> bool {
        self.type_schema.as_str() == "pg_catalog"
    }

    /// Lets the column have the type of another.
    pub fn take_type(&mut self, other: &Column) {
        *self = Self {
            name: self.name.clone(),
            not_null: self.not_null,
            generated: self.generated,
            identity_always: self.identity_always,
            identity: self.identity,
            has_default: self.has_default,
            unindexed: self.unindexed,
            inherited: self.inherited,
            nondeterministic: self.nondeterministic,
            ..other.clone()
        };
    }
}

impl Table {
    /// Whether the role may read rows of it.
    pub fn is_readable(&self) -> bool {
        !self.lacks("usage") && !self.lacks("select")
    }

    /// Whether the role does not have this right at all.
    pub fn lacks(&self, right: &str) -> bool {
        self.missing_privileges.iter().any(|missing| missing == right)
    }

    /// The column of this name.
    pub fn column(&self, name: &Ident) -> Option<&Column> {
        self.columns.iter().find(|column| &column.name == name)
    }
}
