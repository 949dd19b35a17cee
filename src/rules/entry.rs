//! What was said about some tables: a pattern and its rules, each with the place where it stands.

use std::collections::BTreeMap;

use super::mask::Mask;
use super::table_rules::{Children, Ddl, MaxDelete, Mode, Origin, TargetTable};
use crate::ident::{Ident, TableName};
use crate::outcome::Strategy;
use crate::select::pattern::Pattern;

/// The rules of the tables that one pattern names.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As written.
    pub pattern: String,
    /// `None` when the text is a name and never a pattern.
    pub(super) compiled: Option<Pattern>,
    /// `config.json: /tables/orders`, or `-set orders`.
    pub origin: Origin,
    pub given: Vec<Given>,
    /// Whether it may name a table that does not exist.
    pub may_match_nothing: bool,
}

/// One rule and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    pub rule: Rule,
    pub origin: Origin,
}

/// One key of an entry, with its value.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    Skip(bool),
    Where(String),
    Columns(Vec<Ident>),
    ExcludeColumns(Vec<Ident>),
    Rename(BTreeMap<Ident, Ident>),
    TargetTable(TargetTable),
    TargetSchema(Ident),
    Key(Vec<Ident>),
    TimestampColumn(Ident),
    Strategy(Strategy),
    Mode(Mode),
    Deletes(bool),
    /// `None` for no limit.
    MaxDelete(Option<MaxDelete>),
    BatchSize(u64),
    Ddl(Ddl),
    Mask(BTreeMap<Ident, Mask>),
    Keep(Vec<ColumnPattern>),
    Children(Children),
}

/// The keys of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Skip,
    Where,
    Columns,
    ExcludeColumns,
    Rename,
    TargetTable,
    TargetSchema,
    Key,
    TimestampColumn,
    Strategy,
    Mode,
    Deletes,
    MaxDelete,
    BatchSize,
    Ddl,
    Mask,
    Keep,
    Children,
}

impl Key {
    /// Every key, in the order of the documents.
    pub const ALL: [Key; 18] = [
        Key::Skip,
        Key::Where,
        Key::Columns,
        Key::ExcludeColumns,
        Key::Rename,
        Key::TargetTable,
        Key::TargetSchema,
        Key::Key,
        Key::TimestampColumn,
        Key::Strategy,
        Key::Mode,
        Key::Deletes,
        Key::MaxDelete,
        Key::BatchSize,
        Key::Ddl,
        Key::Mask,
        Key::Keep,
        Key::Children,
    ];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            Key::Skip => "skip",
            Key::Where => "where",
            Key::Columns => "columns",
            Key::ExcludeColumns => "excludeColumns",
            Key::Rename => "rename",
            Key::TargetTable => "targetTable",
            Key::TargetSchema => "targetSchema",
            Key::Key => "key",
            Key::TimestampColumn => "timestampColumn",
            Key::Strategy => "strategy",
            Key::Mode => "mode",
            Key::Deletes => "deletes",
            Key::MaxDelete => "maxDelete",
            Key::BatchSize => "batchSize",
            Key::Ddl => "ddl",
            Key::Mask => "mask",
            Key::Keep => "keep",
            Key::Children => "children",
        }
    }

    /// The key that is written so.
    pub fn by_name(name: &str) -> Option<Key> {
        Key::ALL.into_iter().find(|key| key.name() == name)
    }
}

impl Rule {
    /// The key that it stands under.
    pub fn key(&self) -> Key {
        match self {
            Rule::Skip(_) => Key::Skip,
            Rule::Where(_) => Key::Where,
            Rule::Columns(_) => Key::Columns,
            Rule::ExcludeColumns(_) => Key::ExcludeColumns,
            Rule::Rename(_) => Key::Rename,
            Rule::TargetTable(_) => Key::TargetTable,
            Rule::TargetSchema(_) => Key::TargetSchema,
            Rule::Key(_) => Key::Key,
            Rule::TimestampColumn(_) => Key::TimestampColumn,
            Rule::Strategy(_) => Key::Strategy,
            Rule::Mode(_) => Key::Mode,
            Rule::Deletes(_) => Key::Deletes,
            Rule::MaxDelete(_) => Key::MaxDelete,
            Rule::BatchSize(_) => Key::BatchSize,
            Rule::Ddl(_) => Key::Ddl,
            Rule::Mask(_) => Key::Mask,
            Rule::Keep(_) => Key::Keep,
            Rule::Children(_) => Key::Children,
        }
    }
}

/// A column, or a pattern of columns.
#[derive(Clone, Debug)]
pub struct ColumnPattern {
    pub text: String,
    compiled: Pattern,
}

impl ColumnPattern {
    /// # Errors
    /// What is wrong with the pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), compiled: Pattern::of_name(text)? })
    }

    /// Whether it can match more than the name that it spells.
    pub fn has_wildcard(&self) -> bool {
        self.compiled.has_wildcard()
    }

    /// Whether it names this column.
    pub fn matches(&self, column: &Ident) -> bool {
        self.text == column.as_str()
            || self.compiled.matches(&TableName { schema: Ident::default(), name: column.clone() })
    }
}

impl PartialEq for ColumnPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// One item of the top-level `keep`: columns of tables.
#[derive(Clone, Debug)]
pub struct KeepEverywhere {
    pub table: Entry,
    pub column: ColumnPattern,
}

/// How special an entry is for a table; the most special one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    level: Level,
    has_schema: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// `*`
    All,
    Pattern,
    Name,
}

impl Entry {
    /// # Errors
    /// What is wrong with the pattern.
    pub fn new(pattern: &str, origin: Origin) -> Result<Self, String> {
        let compiled = Some(Pattern::parse(pattern)?);
        let pattern = pattern.to_owned();
        Ok(Self { pattern, compiled, origin, given: Vec::new(), may_match_nothing: false })
    }

    /// An entry for one table, which need not exist.
    pub fn of_name(name: &str, origin: Origin) -> Self {
        let pattern = name.to_owned();
        Self { pattern, compiled: None, origin, given: Vec::new(), may_match_nothing: true }
    }

    /// Whether it can name more than one table of a schema.
    pub fn has_wildcard(&self) -> bool {
        self.compiled.as_ref().is_some_and(Pattern::has_wildcard)
    }

    /// How special the entry is for this table; `None` when it does not name it.
    pub fn rank(&self, table: &TableName) -> Option<Rank> {
        // A table may be called `a.b` or `a[1]`: its own name wins over any other reading.
        if self.pattern == table.name.as_str() {
            return Some(Rank { level: Level::Name, has_schema: false });
        }
        if self.pattern == table.to_string() {
            return Some(Rank { level: Level::Name, has_schema: true });
        }
        let compiled = self.compiled.as_ref().filter(|compiled| compiled.matches(table))?;
        let level = match compiled.has_wildcard() {
            true if compiled.is_everything() => Level::All,
            true => Level::Pattern,
            false => Level::Name,
        };
        Some(Rank { level, has_schema: compiled.has_schema() })
    }
}
