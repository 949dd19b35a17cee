//! Tables of which all rows travel, although they refer to tables of which a `where` lets only some rows through.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::ident::{Ident, TableName};
use crate::plan::references::Filter;
use crate::plan::shell_word;
use crate::plan::shown::{ShownTable, place};
use crate::rules::Key;
use crate::table::ForeignKey;

/// What is wrong with rules `where`: one problem for all of them that leave out rows to which others may refer. Of a
/// condition in `refused`, which the source does not take, no other can be made.
pub(super) fn problem(
    shown: &[ShownTable<'_>],
    refused: &HashSet<TableName>,
    keys: &[ForeignKey],
) -> Option<String> {
    let tables = shown.iter().map(|one| (&one.table.name, one)).collect();
    let fitting = FilteredTables { tables, keys }.fitting(refused);
    let is_named = |parent: &&ShownTable<'_>| {
        let mut keys = fitting.iter().flat_map(|one| &one.keys);
        parent.rules.filter.is_some() && keys.any(|key| key.parent == parent.table.name)
    };
    let parents: Vec<&ShownTable<'_>> = shown.iter().filter(is_named).collect();
    (!fitting.is_empty()).then(|| told(&parents, &fitting))
}

/// The tables of a run as rules show them, by their names on the source.
struct FilteredTables<'a> {
    tables: HashMap<&'a TableName, &'a ShownTable<'a>>,
    keys: &'a [ForeignKey],
}

/// A table that refers to a filtered one, at any distance, and the condition that it needs for that.
struct FittingFilter<'a> {
    child: &'a TableName,
    condition: String,
    keys: Vec<&'a ForeignKey>,
    /// The columns that can stay on the source instead.
    leavable: Option<Vec<&'a Ident>>,
}

impl<'a> FilteredTables<'a> {
    /// The tables that have no `where` and refer to one that has a right one, those that refer to these, and so on.
    fn fitting(&self, refused: &HashSet<TableName>) -> Vec<FittingFilter<'a>> {
        let given = self.tables.values().filter(|one| !refused.contains(&one.table.name));
        let given =
            given.filter_map(|one| Some((one.table.name.clone(), one.rules.filter.clone()?)));
        let mut conditions: BTreeMap<TableName, String> = given.collect();
        let mut reached: Vec<TableName> = conditions.keys().cloned().collect();
        let mut at = 0;
        while let Some(table) = reached.get(at).cloned() {
            let children = self.open_keys(&table).map(|key| &key.child);
            let new: Vec<_> = children.filter(|child| !reached.contains(child)).cloned().collect();
            reached.extend(new);
            at += 1;
        }
        let mut open = reached.split_off(conditions.len());
        let mut all = Vec::new();
        while !open.is_empty() {
            let waits = |child: &TableName| {
                let parents = self.keys_of(child).map(|key| &key.parent);
                parents.into_iter().any(|parent| parent != child && open.contains(parent))
            };
            // In a circle no table comes after all of its parents.
            let next = open.iter().position(|child| !waits(child)).unwrap_or_default();
            let one = self.of_child(&open.remove(next), &conditions);
            all.extend(one.inspect(|one| {
                conditions.insert(one.child.clone(), one.condition.clone());
            }));
        }
        all
    }

    fn of_child(
        &self,
        child: &TableName,
        conditions: &BTreeMap<TableName, String>,
    ) -> Option<FittingFilter<'a>> {
        let shown = *self.tables.get(child)?;
        let known = self.keys_of(child).filter_map(|key| Some((key, conditions.get(&key.parent)?)));
        let known: Vec<_> = known.collect();
        let parts = known.iter().map(|(key, condition)| condition_of(key, condition, shown));
        let parts: Vec<String> = parts.collect();
        let condition = match parts.as_slice() {
            [one] => one.clone(),
            several => {
                several.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" and ")
            }
        };
        let keys: Vec<&ForeignKey> = known.into_iter().map(|(key, _)| key).collect();
        let leavable = keys.iter().map(|key| leavable(key, shown)).collect();
        Some(FittingFilter { child: &shown.table.name, condition, keys, leavable })
    }

    /// The foreign keys by which tables without a `where` refer to a table.
    fn open_keys(&self, parent: &TableName) -> impl Iterator<Item = &'a ForeignKey> {
        self.keys.iter().filter(move |key| key.parent == *parent && self.is_open(key))
    }

    fn keys_of(&self, child: &TableName) -> impl Iterator<Item = &'a ForeignKey> {
        self.keys.iter().filter(move |key| key.child == *child && self.is_open(key))
    }

    /// Whether all rows of the child travel, with the columns that refer.
    fn is_open(&self, key: &ForeignKey) -> bool {
        self.tables.get(&key.child).is_some_and(|child| {
            let travels =
                |column: &Ident| child.table.column(child.rules.target_column(column)).is_some();
            child.rules.filter.is_none() && key.child_columns.iter().all(travels)
        })
    }
}

/// Which rows of the child may travel by one foreign key. A row with NULL in such a column refers to nothing.
fn condition_of(key: &ForeignKey, parent: &str, child: &ShownTable<'_>) -> String {
    let filter =
        Filter { table: key.parent.clone(), condition: parent.to_owned(), is_renamed: false };
    let takes_null = |column: &&Ident| {
        let shown = child.table.column(child.rules.target_column(column));
        shown.is_some_and(|column| !column.not_null)
    };
    let nulls = key.child_columns.iter().filter(takes_null);
    let nulls = nulls.map(|column| format!("{} is null or ", column.typed()));
    let nulls: String = nulls.collect();
    nulls + &filter.for_child(&key.child_columns, &key.parent_columns)
}

/// A column that refers, and that can stay on the source: one that is not in the primary key, all of which travels.
fn leavable<'k>(key: &'k ForeignKey, child: &ShownTable<'_>) -> Option<&'k Ident> {
    let mut free = key.child_columns.iter().filter(|column| {
        let name = child.rules.target_column(column);
        let mut first = child.table.keys.iter().take(1);
        !first.any(|key| key.columns.iter().any(|one| one.name == *name))
    });
    free.next()
}

fn told(parents: &[&ShownTable<'_>], fitting: &[FittingFilter<'_>]) -> String {
    let origin = |parent: &&ShownTable<'_>| parent.rules.origin(Key::Where).cloned();
    let by_flag = parents.iter().filter_map(origin).all(|origin| origin.is_flag());
    let rule = |one: &FittingFilter<'_>| {
        if by_flag {
            let word = shell_word::pasted(&format!("{}.where={}", one.child, one.condition));
            return format!("-set {word}");
        }
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let (table, condition) = (json(&one.child.to_string()), json(&one.condition));
        format!("{table}: {{\"where\": {condition}}}")
    };
    let rules: Vec<String> = fitting.iter().map(rule).collect();
    let rules = rules.join(if by_flag { " " } else { ", " });
    let (who, whom) = match fitting {
        [one] => {
            let names: Vec<_> =
                one.keys.iter().map(|key| format!("\"{}\"", key.name.as_str())).collect();
            let keys = if names.len() == 1 { "foreign key" } else { "foreign keys" };
            let who =
                format!("rows of {} may refer to these ({keys} {})", one.child, names.join(", "));
            (who, one.child.to_string())
        }
        several => (
            format!("rows of {} other tables may refer to these", several.len()),
            "each".to_owned(),
        ),
    };
    let without = match fitting {
        [FittingFilter { leavable: Some(columns), .. }] => {
            let names: Vec<String> = columns.iter().map(|column| column.typed()).collect();
            format!("; or leave out {} with excludeColumns", names.join(" and "))
        }
        _ => String::new(),
    };
    let places: Vec<String> =
        parents.iter().map(|parent| place(&parent.rules, Key::Where)).collect();
    let names: Vec<String> = parents.iter().map(|parent| parent.table.name.to_string()).collect();
    let leaves = if parents.len() == 1 { "it leaves" } else { "they leave" };
    format!(
        "{}: {leaves} out rows of {}, and {who}: give {whom} a where, too: {rules}{without}",
        places.join(" and "),
        names.join(" and "),
    )
}
