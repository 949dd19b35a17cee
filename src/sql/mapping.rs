//! The two relations of a table and what travels between them: all that the builders of statements need to
//! know. `plan` decides it.

use crate::ident::{Ident, TableName};
use crate::sql::digest::HashFamily;
use crate::sql::{Sql, sql};
use crate::table::{Operator, Sequence, Table};

/// The two relations and what travels between them: all that a SQL builder needs.
#[derive(Clone, Debug, PartialEq)]
pub struct TableMapping {
    pub source: Relation,
    pub target: Relation,
    /// The columns that travel, in the target's order.
    pub columns: Vec<PlanColumn>,
    /// What each side computes; digested with the row.
    pub generated: Vec<PlanColumn>,
    /// Columns that only the target has: their values stay, whatever becomes of the rest of a row.
    pub own: Vec<Ident>,
    /// Empty for a table without a key: the whole row is the key then, with its multiplicity.
    pub key: Vec<KeyColumn>,
    /// Whether ON CONFLICT cannot be used: the key is deferrable, there are rules, or rows need not keep a check: that is
    /// looked at before the conflict is found, also of rows that are there and equal.
    pub cannot_arbitrate: bool,
    /// Columns that change on the source without their row's timestamp; digested with the key.
    pub drifting: Vec<PlanColumn>,
    pub hasher: HashFamily,
}

impl TableMapping {
    /// Whether rows arrive as they were sent, whatever their values.
    pub fn is_exact(&self) -> bool {
        self.generated.is_empty() && self.columns.iter().all(|column| column.exact)
    }
}

/// A table of one side, as statements name it.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    pub name: TableName,
    pub partitioned: bool,
    /// See [`Table::partition_tree`].
    pub partition_tree: bool,
    /// What rules show in its place, where rows are read.
    pub view: Option<Sql>,
}

impl Relation {
    /// The name of a table, and whether it has partitions.
    pub fn of(table: &Table) -> Self {
        Self {
            name: table.name.clone(),
            partitioned: table.partitioned,
            partition_tree: table.partition_tree,
            view: None,
        }
    }

    /// Whether the table holds a row: an expression.
    pub fn any_row(&self) -> Sql {
        sql!("exists (select from {rows} t)", rows = self.rows())
    }

    /// The rows of the table: what rules show of them, else all, without the tables that inherit from it.
    pub fn rows(&self) -> Sql {
        match &self.view {
            Some(view) => view.clone(),
            None if self.partitioned => sql!("{name}", name = self.name),
            None => sql!("only {name}", name = self.name),
        }
    }
}

/// One column that travels.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanColumn {
    pub name: Ident,
    /// What the source makes of it, where the two sides' types or limits differ.
    pub cast: Option<Cast>,
    /// As `format_type` prints it on the target.
    pub target_type: String,
    pub hashed: HashMethod,
    /// Whether the source computes it, which COPY gives in queries only.
    pub computed: bool,
    /// Whether both servers mean the same by its binary form.
    pub binary: bool,
    /// Whether what arrives is what was sent, whatever the value: a built-in type, the same with the
    /// same modifier on both sides, and text that no encoding changes. Of all others only digests
    /// of what was written can tell.
    pub exact: bool,
    /// Whether an existing row may need it updated: not a plain key column, not ALWAYS identity.
    pub updatable: bool,
}

/// How a value enters a digest: by its number where that is cheap and exact, else by its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashMethod {
    Integer,
    Uuid,
    /// `text` and `varchar`: as they are.
    Text,
    /// `char(n)`: by its own cast to text, without the blanks that fill it up. How many there are depends
    /// on the encoding: SQL_ASCII counts bytes.
    Filled,
    /// By this output function of a built-in type, which gives what travels. A cast to text may give
    /// something else, that of `bpchar` does, and users can define casts.
    Output(Ident),
    /// By the text of a row of it, for types of users.
    Printed,
    /// By the bytes that this function makes of it: text of floats differs between servers before
    /// and after 12, and that of timestamps costs more.
    Binary(Ident),
}

/// What makes the source print a value as the target will.
#[derive(Clone, Debug, PartialEq)]
pub enum Cast {
    /// To this built-in type, by a cast that no user can define.
    To(Sql),
    /// To the text that travels.
    Printed,
}

/// One key column with the equality of the index on each side.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyColumn {
    pub name: Ident,
    pub cast: Option<Cast>,
    /// Schema and name of the types that the column has, under which its keys are looked up again.
    pub source_type: (Ident, Ident),
    pub target_type: (Ident, Ident),
    pub source_equals: Operator,
    pub target_equals: Operator,
    pub hashed: HashMethod,
    /// Equal values can differ: citext, numeric, a nondeterministic collation.
    pub wide: bool,
    /// What tells the index of the target from another over the same columns that takes other values for
    /// equal: its collation and operator class.
    pub index: Option<Sql>,
}

impl TableMapping {
    /// Whether keys are compared on the target by operators that somebody may not be let use.
    pub fn has_foreign_operators(&self) -> bool {
        self.key.iter().any(|column| column.target_equals.schema.as_str() != "pg_catalog")
    }
}

impl KeyColumn {
    /// The type that its column has on the source.
    pub fn type_on_source(&self) -> Sql {
        sql!("{schema}.{name}", schema = self.source_type.0, name = self.source_type.1)
    }

    /// The type that its column has on the target.
    pub fn type_on_target(&self) -> Sql {
        sql!("{schema}.{name}", schema = self.target_type.0, name = self.target_type.1)
    }
}

/// The column by which changes are found, with its type on each side.
#[derive(Clone, Debug, PartialEq)]
pub struct Timestamp {
    pub column: Ident,
    pub source: TimestampKind,
    pub target: TimestampKind,
}

/// The type of a timestamp column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampKind {
    Timestamptz,
    Timestamp,
    Date,
}

/// A sequence of the target that has to stand beyond the table's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedSequence {
    pub sequence: Sequence,
    /// What the source's sequence gave last.
    pub source_last: Option<i64>,
    /// Whether the column holds numbers to compare with.
    pub numeric: bool,
    /// Whether it is there only once the table has what follows its rows.
    pub is_new: bool,
}

impl OwnedSequence {
    /// Whether the role may move it.
    pub fn is_movable(&self) -> bool {
        self.sequence.readable && self.sequence.settable
    }
}

/// A column and what it holds while its row is put aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Placeholder {
    pub column: Ident,
    pub filler: PlaceholderValue,
}

/// Values that no other row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceholderValue {
    Null,
    /// The md5 of the row's key, cut to the column's length.
    Text {
        length: u32,
    },
    Uuid,
    Bytes,
    /// Beyond the greatest.
    Number,
    Day,
    Moment,
    /// The empty range, which overlaps with nothing.
    Empty,
}
