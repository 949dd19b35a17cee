//! What one object is made of, column by column of the catalog. `sql/ddl` makes statements of it.

use serde::Deserialize;

use super::text::{Enclosed, Expression, Name};
use crate::ident::Ident;
use crate::table::Operator;

/// What an object is, beside its name.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Make {
    /// The schema is none where the search path leads to it.
    Extension {
        schema: Option<Ident>,
    },
    Collation(Collation),
    /// Its labels are the object's.
    Enum {},
    Domain(Domain),
    Composite {
        attributes: Vec<Attribute>,
    },
    Range(Range),
    Dictionary(Dictionary),
    SearchConfiguration(SearchConfiguration),
    Function(Function),
    Sequence(Sequence),
    Partition {
        parent: Name,
        bound: Enclosed,
    },
    Key(Key),
    Exclusion(Exclusion),
    Check(Check),
    ForeignKey(ForeignKey),
    Index(Index),
    AttachedIndex {
        parent: Name,
    },
    Statistics(Statistics),
}

/// A type with its limits.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Type {
    pub schema: Option<Ident>,
    /// Of an array: its elements'.
    pub name: Ident,
    pub array: bool,
    /// `atttypmod`: -1 for none.
    pub modifier: i32,
    /// The limits as a type that is not built in prints them: `(Point,4326)`.
    pub printed: Option<String>,
}

/// A storage parameter.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Parameter {
    /// Whether it is one of the table's long values.
    pub toast: bool,
    pub name: Ident,
    pub value: String,
}

/// The library that a collation sorts by.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Icu,
    Libc,
    Builtin,
}

/// What CREATE COLLATION is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Collation {
    pub provider: Provider,
    pub locale: Option<String>,
    pub collate: Option<String>,
    pub ctype: Option<String>,
    pub deterministic: bool,
    pub rules: Option<String>,
}

/// What CREATE DOMAIN is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Domain {
    pub base: Type,
    pub collation: Option<Name>,
    pub default: Option<Expression>,
    pub not_null: bool,
    pub checks: Vec<Check>,
}

/// One attribute of a composite type.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Attribute {
    pub name: Ident,
    #[serde(rename = "type")]
    pub kind: Type,
    pub collation: Option<Name>,
}

/// What CREATE TYPE … AS RANGE is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Range {
    pub subtype: Type,
    pub opclass: Option<Name>,
    pub collation: Option<Name>,
    pub canonical: Option<Name>,
    pub subtype_diff: Option<Name>,
    pub multirange: Option<Name>,
}

/// What CREATE TEXT SEARCH DICTIONARY is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Dictionary {
    pub template: Name,
    pub options: Option<Enclosed>,
}

/// What CREATE TEXT SEARCH CONFIGURATION is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct SearchConfiguration {
    pub parser: Name,
    pub mappings: Vec<TokenMapping>,
}

/// The dictionaries that look up a kind of token, in order.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct TokenMapping {
    pub token: Ident,
    pub dictionaries: Vec<Name>,
}

/// What CREATE FUNCTION is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Function {
    /// With their names, types and defaults.
    pub arguments: Option<Enclosed>,
    pub result: Enclosed,
    pub language: Ident,
    pub volatility: Volatility,
    pub parallel: Parallel,
    /// Whether it gives NULL for a NULL.
    pub strict: bool,
    /// Settings that count while it runs.
    pub settings: Vec<FunctionSetting>,
    /// In its language, as a constant; none where `returned` is the body.
    pub body: Option<String>,
    /// What RETURN gives.
    pub returned: Option<Expression>,
}

/// How often a function gives the same for the same.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

/// Whether parallel workers may call a function.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Parallel {
    Safe,
    Restricted,
    Unsafe,
}

/// A setting that counts while a function runs.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct FunctionSetting {
    /// One of an extension has its name before.
    pub name: Name,
    pub values: Vec<String>,
}

/// The type of a sequence's numbers.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Integer {
    Smallint,
    Integer,
    Bigint,
}

/// What CREATE SEQUENCE is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Sequence {
    pub unlogged: bool,
    #[serde(rename = "type")]
    pub kind: Integer,
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// What a sequence gives.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Numbers {
    pub start: i64,
    pub increment: i64,
    pub least: i64,
    pub greatest: i64,
    pub cache: i64,
    pub cycle: bool,
}

/// The sequence of an identity column.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Identity {
    pub always: bool,
    #[serde(default)]
    pub unlogged: bool,
    pub name: Name,
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// What PARTITION BY of a partitioned table is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct PartitionKey {
    pub strategy: PartitionStrategy,
    pub key: Enclosed,
}

/// How a partitioned table tells its partitions apart.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum PartitionStrategy {
    Range,
    List,
    Hash,
}

/// What a CHECK constraint is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Check {
    pub name: Ident,
    pub expression: Expression,
    #[serde(default)]
    pub no_inherit: bool,
    pub validated: bool,
    #[serde(default = "enforced")]
    pub enforced: bool,
    /// Of a check that is made with its table.
    #[serde(default)]
    pub comment: Option<String>,
}

/// The NOT NULL of a column.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct NotNull {
    /// None before PostgreSQL 18, where it is no constraint.
    pub name: Option<Ident>,
    /// Whether the server would choose that name by itself.
    pub by_default: bool,
    /// Not merely inherited.
    pub local: bool,
    /// Whether a parent gives it.
    pub inherited: bool,
    pub no_inherit: bool,
    pub validated: bool,
    /// Whether it comes from parents that get theirs, NOT VALID, when the rows are there.
    #[serde(default)]
    pub late: bool,
    pub comment: Option<String>,
}

/// A primary or a unique key.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Key {
    pub primary: bool,
    pub columns: Vec<Ident>,
    pub include: Vec<Ident>,
    pub nulls_not_distinct: bool,
    pub without_overlaps: bool,
    #[serde(flatten)]
    pub timing: Timing,
}

/// When a constraint is checked.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct Timing {
    pub deferrable: bool,
    pub deferred: bool,
}

/// What an EXCLUDE constraint is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Exclusion {
    pub method: Ident,
    pub elements: Vec<Element>,
    pub operators: Vec<Operator>,
    pub include: Vec<Ident>,
    pub predicate: Option<Expression>,
    #[serde(flatten)]
    pub timing: Timing,
}

/// What a FOREIGN KEY constraint is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct ForeignKey {
    /// Whether the table is partitioned.
    pub partitioned: bool,
    pub columns: Vec<Ident>,
    pub parent: Name,
    pub parent_columns: Vec<Ident>,
    pub match_full: bool,
    pub on_update: char,
    pub on_delete: char,
    /// Those that a deletion sets; none for all.
    pub set_columns: Vec<Ident>,
    pub validated: bool,
    pub enforced: bool,
    /// Whether the last column is a period.
    pub period: bool,
    #[serde(flatten)]
    pub timing: Timing,
}

/// What CREATE INDEX is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Index {
    pub unique: bool,
    /// Whether it is one of a partitioned table, whose partitions have their own.
    pub only: bool,
    pub method: Ident,
    pub elements: Vec<Element>,
    pub include: Vec<Ident>,
    pub nulls_not_distinct: bool,
    pub options: Vec<Parameter>,
    pub predicate: Option<Expression>,
}

/// A column or an expression of an index.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Element {
    pub column: Option<Ident>,
    pub expression: Option<Expression>,
    pub collation: Option<Name>,
    pub opclass: Option<Name>,
    /// Of the operator class.
    pub options: Vec<Parameter>,
    pub descending: bool,
    pub nulls_first: bool,
}

/// What CREATE STATISTICS is built from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Statistics {
    pub kinds: Vec<StatisticsKind>,
    pub columns: Vec<Ident>,
    pub expressions: Option<Enclosed>,
    pub target: Option<i32>,
}

/// One kind of extended statistics.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum StatisticsKind {
    Ndistinct,
    Dependencies,
    Mcv,
}

/// What is set on an index, that of a constraint too.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct IndexSettings {
    pub name: Name,
    /// Those that its definition does not hold.
    pub options: Vec<Parameter>,
    pub clustered: bool,
    pub replica_identity: bool,
    pub statistics: Vec<ColumnTarget>,
    pub comment: Option<String>,
}

/// How finely ANALYZE samples one column of an index, which is known by its number.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct ColumnTarget {
    pub column: u32,
    pub target: i32,
}

/// What the write-ahead log holds of an old row, where no index says it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaIdentity {
    Full,
    Nothing,
}

/// How a column keeps long values.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    Plain,
    External,
    Main,
    Extended,
}

/// How a column compresses long values.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    Pglz,
    Lz4,
}

fn enforced() -> bool {
    true
}
