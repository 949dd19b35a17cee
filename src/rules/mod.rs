//! The rules of each table: which rows and columns travel, under which names, how they are masked and written.
//!
//! Owns the words (what a rule can say) and the merging (which of several rules counts for a table). Reads no
//! file and talks to no server: `config` turns JSON and flags into [`Rules`], and whoever works on a table asks
//! [`Rules::effective`] once.

mod check;
mod entry;
mod mask;
mod merge;
mod table_rules;
mod written;

pub use check::{SourceColumns, Timeless};
pub use entry::{ColumnPattern, Entry, Given, KeepEverywhere, Key, Rule};
pub use mask::{JsonPath, Mask, Uniqueness};
pub use merge::KeyedMask;
pub use table_rules::{
    Children, Ddl, Keep, MaxDelete, Mode, Origin, TableRules, TargetTable, Unmasked,
};
pub use written::written_limit;

/// Everything that was said about tables, for all of them and for some.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What counts for a table that no entry names: built-in values, the file's top level and flags.
    pub everywhere: TableRules,
    /// `defaults` that have no flag.
    pub defaults: Vec<Given>,
    /// The top-level `keep`: less special than any entry.
    pub keep: Vec<KeepEverywhere>,
    /// Of the config file, in its order; [`Entry::rank`] orders them for a table.
    pub entries: Vec<Entry>,
    /// By `-set`, in their order. They count more than every entry of the file.
    pub set: Vec<Entry>,
}

#[cfg(test)]
mod tests;
