//! From what was said to what counts for one table: entries from the least to the most special one, key by key;
//! masks and kept columns column by column.

use std::fmt;

use super::entry::{Entry, Given, Key, Rule};
use super::table_rules::{Ddl, Mode, TableRules};
use super::{Mask, Origin, Rules};
use crate::ident::{Ident, TableName};

impl Rules {
    /// What counts for this table of the source.
    pub fn effective(&self, table: &TableName) -> TableRules {
        let mut rules = self.everywhere.clone();
        self.defaults.iter().for_each(|given| rules.apply(given));
        for kept in self.keep.iter().filter(|kept| kept.table.rank(table).is_some()) {
            let rule = Rule::Keep(vec![kept.column.clone()]);
            rules.apply(&Given { rule, origin: kept.table.origin.clone() });
        }
        for entry in ranked(&self.entries, table).into_iter().chain(ranked(&self.set, table)) {
            entry.given.iter().for_each(|given| rules.apply(given));
        }
        rules.deletes &= rules.mode == Mode::Mirror;
        rules
    }

    /// What a table of the source is called on the target.
    pub fn target_name(&self, table: &TableName) -> TableName {
        let is_name =
            |given: &Given| matches!(given.rule.key(), Key::TargetTable | Key::TargetSchema);
        // To merge all rules for each name of many tables would cost as much as to plan them.
        if self.given().any(is_name) {
            self.effective(table).target_name(table)
        } else {
            self.everywhere.target_name(table)
        }
    }

    /// Whether any rule masks a column.
    pub fn has_masks(&self) -> bool {
        self.given().any(|given| matches!(given.rule, Rule::Mask(_)))
    }

    /// A mask that needs the key, if there is one.
    pub fn keyed_mask(&self) -> Option<KeyedMask<'_>> {
        self.given().find_map(|given| match &given.rule {
            Rule::Mask(masks) => {
                let (column, mask) = masks.iter().find(|(_, mask)| mask.is_keyed())?;
                Some(KeyedMask { mask, origin: given.origin.at(column.as_str()) })
            }
            _ => None,
        })
    }

    /// The schemas of the target that rules of some tables name.
    pub fn target_schemas(&self) -> impl Iterator<Item = &Ident> {
        self.given().filter_map(|given| match &given.rule {
            Rule::TargetSchema(schema) => Some(schema),
            Rule::TargetTable(table) => table.schema.as_ref(),
            _ => None,
        })
    }

    /// What rules of some tables say about definitions.
    pub fn ddl_choices(&self) -> impl Iterator<Item = Ddl> {
        self.given().filter_map(|given| match given.rule {
            Rule::Ddl(ddl) => Some(ddl),
            _ => None,
        })
    }

    /// Where a table's own rule asks for a rebuild.
    pub fn reset_origins(&self) -> impl Iterator<Item = &Origin> {
        let resets = self.given().filter(|given| given.rule == Rule::Ddl(Ddl::Reset));
        resets.map(|given| &given.origin)
    }

    /// Lets no definition be changed, whatever was said.
    pub fn without_ddl(&mut self) {
        self.everywhere.ddl = Ddl::None;
        let all = self.entries.iter_mut().chain(&mut self.set).map(|entry| &mut entry.given);
        let all = all.chain(std::iter::once(&mut self.defaults));
        all.for_each(|given| given.retain(|one| one.rule.key() != Key::Ddl));
    }

    fn given(&self) -> impl Iterator<Item = &Given> {
        let entries = self.entries.iter().chain(&self.set).flat_map(|entry| &entry.given);
        self.defaults.iter().chain(entries)
    }
}

/// A mask that needs the key.
#[derive(Clone, Debug)]
pub struct KeyedMask<'r> {
    mask: &'r Mask,
    /// Where it stands.
    origin: Origin,
}

impl fmt::Display for KeyedMask<'_> {
    /// What to say where no key is given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mask, origin } = self;
        write!(
            f,
            "{origin}: mask \"{}\" needs a secret key, which the config file (-config) names: \"maskKey\": \"env:MASK_KEY\"; ",
            mask.name()
        )?;
        f.write_str("openssl rand -hex 32 makes one")
    }
}

/// The entries that name the table, the most special one last. Of equal ones the later one is last.
fn ranked<'a>(entries: &'a [Entry], table: &TableName) -> Vec<&'a Entry> {
    let mut ranked: Vec<_> =
        entries.iter().filter_map(|entry| Some((entry.rank(table)?, entry))).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, entry)| entry).collect()
}

impl TableRules {
    /// Lets one more rule count, over all that were applied before.
    fn apply(&mut self, given: &Given) {
        let Given { rule, origin } = given;
        self.origins.insert(rule.key(), origin.clone());
        match rule.clone() {
            Rule::Skip(skip) => self.skip = skip,
            Rule::Where(filter) => self.filter = Some(filter),
            Rule::Columns(columns) => self.columns = Some(columns),
            Rule::ExcludeColumns(columns) => self.exclude_columns = columns,
            Rule::Rename(names) => self.rename = names,
            Rule::TargetTable(table) => self.target_table = Some(table),
            Rule::TargetSchema(schema) => self.target_schema = Some(schema),
            Rule::Key(columns) => self.key = Some(columns),
            Rule::TimestampColumn(column) => self.timestamp_column = column,
            Rule::Strategy(strategy) => self.strategy = Some(strategy),
            Rule::Mode(mode) => self.mode = mode,
            Rule::Deletes(deletes) => self.deletes = deletes,
            Rule::MaxDelete(limit) => self.max_delete = limit,
            Rule::BatchSize(rows) => self.batch_size = rows,
            Rule::Ddl(ddl) => self.ddl = ddl,
            Rule::Children(children) => self.children = children,
            Rule::Mask(masks) => {
                for (column, mask) in masks {
                    self.mask_column(column, mask, origin);
                }
            }
            Rule::Keep(columns) => {
                for column in columns {
                    // Only a column that is named outright loses a mask.
                    self.mask.retain(|masked, _| column.text != masked.as_str());
                    self.mask_origins.retain(|masked, _| column.text != masked.as_str());
                    self.keep.0.push(column);
                }
            }
        }
    }

    fn mask_column(&mut self, column: Ident, mask: Mask, origin: &Origin) {
        self.keep.0.retain(|kept| kept.text != column.as_str());
        self.mask_origins.insert(column.clone(), origin.at(column.as_str()));
        self.mask.insert(column, mask);
    }

    /// Gives a column the mask that `parent` has for one of its own, which was given there.
    pub fn inherit_mask(&mut self, column: &Ident, parent: &TableRules, of: &Ident) {
        if let Some(mask) = parent.mask.get(of) {
            self.mask.insert(column.clone(), mask.clone());
        }
        if let Some(origin) = parent.mask_origins.get(of) {
            self.mask_origins.insert(column.clone(), origin.clone());
        }
    }

    /// The first of the rules that want the table otherwise than it is on the source.
    pub fn shaping(&self) -> Option<Key> {
        const SHAPING: [Key; 5] =
            [Key::Columns, Key::ExcludeColumns, Key::Rename, Key::TargetTable, Key::Mask];
        SHAPING.into_iter().find(|key| self.is_given(*key))
    }

    /// Whether anybody gave this rule, for this table or for all.
    pub fn is_given(&self, key: Key) -> bool {
        self.origins.contains_key(&key)
    }
}
