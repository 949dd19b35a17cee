//! What is to be done with one table, after every rule was applied. After this nothing is optional that has a
//! default.

use std::collections::BTreeMap;
use std::fmt;

use super::entry::{ColumnPattern, Key};
use super::mask::Mask;
use crate::ident::{Ident, TableName};
use crate::outcome::Strategy;

/// The effective rules of one table. Columns have the source's names in every field but the values of `rename`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRules {
    /// The table is left alone, as if it were excluded.
    pub skip: bool,
    /// `where`: a boolean SQL expression over the source's table, as the user wrote it.
    pub filter: Option<String>,
    /// The columns that travel; `None` for all. The key and the timestamp column travel anyway.
    pub columns: Option<Vec<Ident>>,
    /// Columns that do not travel, also of those in `columns`.
    pub exclude_columns: Vec<Ident>,
    /// Names on the target, by names on the source.
    pub rename: BTreeMap<Ident, Ident>,
    pub target_table: Option<TargetTable>,
    /// The schema on the target; `None` for the same as on the source.
    pub target_schema: Option<Ident>,
    /// Columns that tell rows apart, in place of those that the catalog's keys name.
    pub key: Option<Vec<Ident>>,
    pub timestamp_column: Ident,
    /// The strategy that was asked for; `None` leaves it to the plan.
    pub strategy: Option<Strategy>,
    pub mode: Mode,
    /// Whether rows that vanished on the source are deleted. False in every mode but [`Mode::Mirror`].
    pub deletes: bool,
    pub max_delete: Option<MaxDelete>,
    /// Rows per batch, 1 or more.
    pub batch_size: u64,
    pub ddl: Ddl,
    pub mask: BTreeMap<Ident, Mask>,
    /// Columns that may travel as they are although others are masked.
    pub keep: Keep,
    pub children: Children,
    /// Where each rule was given; what is not in it was not given.
    pub(super) origins: BTreeMap<Key, Origin>,
    /// Where the mask of a column was given.
    pub(super) mask_origins: BTreeMap<Ident, Origin>,
}

impl TableRules {
    /// Whether every run compares all rows.
    pub fn compares(&self) -> bool {
        self.mode == Mode::Append || self.strategy == Some(Strategy::Compare)
    }

    /// What the table is called on the target.
    pub fn target_name(&self, source: &TableName) -> TableName {
        let own = self.target_table.as_ref();
        let schema = own.and_then(|own| own.schema.as_ref()).or(self.target_schema.as_ref());
        TableName {
            schema: schema.unwrap_or(&source.schema).clone(),
            name: own.map_or(&source.name, |own| &own.name).clone(),
        }
    }

    /// What a column of the source is called on the target.
    pub fn target_column<'a>(&'a self, source: &'a Ident) -> &'a Ident {
        self.rename.get(source).unwrap_or(source)
    }

    /// What the timestamp column is called on the target.
    pub fn target_timestamp(&self) -> &Ident {
        self.target_column(&self.timestamp_column)
    }

    /// Where the rule was given: `config.json: /tables/orders/where`. `None` when nobody gave it.
    pub fn origin(&self, key: Key) -> Option<&Origin> {
        self.origins.get(&key)
    }

    /// Where the mask of this column was given.
    pub fn mask_origin(&self, column: &Ident) -> Option<&Origin> {
        self.mask_origins.get(column)
    }

    /// Notes where a rule for all tables was given.
    pub fn set_origin(&mut self, key: Key, origin: Origin) {
        self.origins.insert(key, origin);
    }
}

impl Default for TableRules {
    fn default() -> Self {
        Self {
            skip: false,
            filter: None,
            columns: None,
            exclude_columns: Vec::new(),
            rename: BTreeMap::new(),
            target_table: None,
            target_schema: None,
            key: None,
            timestamp_column: Ident::new("updated_at"),
            strategy: None,
            mode: Mode::default(),
            deletes: true,
            max_delete: None,
            batch_size: 1_000,
            ddl: Ddl::default(),
            mask: BTreeMap::new(),
            keep: Keep::default(),
            children: Children::default(),
            origins: BTreeMap::new(),
            mask_origins: BTreeMap::new(),
        }
    }
}

/// Where a rule was given, as a message names it: `config.json: /tables/orders/where`, `-set orders.where`,
/// `-batch-size`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// A place in words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A place in the config file, by its JSON pointer.
    pub fn in_file(file: &str, steps: &[&str]) -> Self {
        let escaped = steps.iter().map(|step| step.replace('~', "~0").replace('/', "~1"));
        let pointer: String = escaped.map(|step| format!("/{step}")).collect();
        Self(format!("{file}: {pointer}"))
    }

    /// Whether it was given on the command line.
    pub fn is_flag(&self) -> bool {
        self.0.starts_with('-')
    }

    /// The place one step further in.
    pub fn at(&self, step: &str) -> Self {
        Self(format!("{}/{}", self.0, step.replace('~', "~0").replace('/', "~1")))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A table's name on the target, with or without its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetTable {
    pub schema: Option<Ident>,
    pub name: Ident,
}

/// Which columns may travel unmasked. A mask of the column counts more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keep(pub Vec<ColumnPattern>);

impl Keep {
    /// Whether the column was named.
    pub fn contains(&self, column: &Ident) -> bool {
        self.0.iter().any(|pattern| pattern.matches(column))
    }
}

/// Which writes a table gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The target equals the source: inserts, updates and deletes.
    #[default]
    Mirror,
    /// Inserts and updates.
    Upsert,
    /// Inserts rows with new keys, and touches no other.
    Append,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 3] = [Mode::Mirror, Mode::Upsert, Mode::Append];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Mirror => "mirror",
            Mode::Upsert => "upsert",
            Mode::Append => "append",
        }
    }
}

/// Whose the rows of inheritance children are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Children {
    /// Each child is a table of its own, and has to be selected too.
    #[default]
    Tables,
    /// They are read as rows of the parent.
    Rows,
}

impl Children {
    /// Every choice.
    pub const ALL: [Children; 2] = [Children::Tables, Children::Rows];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            Children::Tables => "tables",
            Children::Rows => "rows",
        }
    }
}

/// What a run does about tables that differ in their definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ddl {
    /// Makes what is missing.
    #[default]
    Additive,
    /// Says what is missing.
    None,
    /// Makes what is missing, and rebuilds a table that additions cannot make equal.
    Reset,
}

impl Ddl {
    /// Every choice.
    pub const ALL: [Ddl; 3] = [Ddl::Additive, Ddl::None, Ddl::Reset];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            Ddl::Additive => "additive",
            Ddl::None => "none",
            Ddl::Reset => "reset",
        }
    }
}

/// A limit on the rows deleted from one table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxDelete {
    Rows(u64),
    /// Of the rows that the target holds, 0.0 to 1.0.
    Share(f64),
}

impl MaxDelete {
    /// How many of so many rows may be deleted.
    pub fn allowed(self, rows: u64) -> u64 {
        match self {
            MaxDelete::Rows(allowed) => allowed,
            MaxDelete::Share(share) => (rows as f64 * share) as u64,
        }
    }
}

/// What happens to a column of text that is neither masked nor kept, once any column is masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmasked {
    /// Nothing is written, and the run is refused.
    #[default]
    Fail,
    /// A note names it.
    Note,
    /// Nothing.
    Off,
}

impl Unmasked {
    /// Every choice.
    pub const ALL: [Unmasked; 3] = [Unmasked::Fail, Unmasked::Note, Unmasked::Off];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            Unmasked::Fail => "fail",
            Unmasked::Note => "note",
            Unmasked::Off => "off",
        }
    }
}
