//! Tables of which all rows travel, although they refer to tables of which a `where` lets only some rows through.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::ident::{Ident, TableName};
use crate::plan::references::Filter;
use crate::plan::shell_word;
use crate::plan::shown::{ShownTable, place};
use crate::rules::Key;
use crate::table::ForeignKey;

/// What is wrong with rules `where`: one problem for each of them that leaves out rows to which others may refer. Of a
/// condition in `refused`, which the source does not take, no other can be made.
pub(super) fn problems(
    shown: &[ShownTable<'_>],
    refused: &HashSet<TableName>,
    keys: &[ForeignKey],
) -> Vec<String> {
    let tables = shown.iter().map(|one| (&one.table.name, one)).collect();
    let filtered = FilteredTables { tables, keys };
    let parents = shown.iter().filter(|one| !refused.contains(&one.table.name));
    let problem = |parent: &ShownTable<'_>| {
        let condition = parent.rules.filter.as_ref()?;
        let fitting = filtered.fitting(&parent.table.name, condition);
        (!fitting.is_empty()).then(|| told(parent, &fitting))
    };
    parents.filter_map(problem).collect()
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
    /// The tables that have no `where` and refer to `parent`, those that refer to these, and so on.
    fn fitting(&self, parent: &TableName, condition: &str) -> Vec<FittingFilter<'a>> {
        let mut reached = vec![parent.clone()];
        let mut at = 0;
        while let Some(table) = reached.get(at).cloned() {
            let children = self.open_keys(&table).map(|key| &key.child);
            let new: Vec<_> = children.filter(|child| !reached.contains(child)).cloned().collect();
            reached.extend(new);
            at += 1;
        }
        let mut conditions = BTreeMap::from([(parent.clone(), condition.to_owned())]);
        let mut open: Vec<TableName> = reached.drain(1..).collect();
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

fn told(parent: &ShownTable<'_>, fitting: &[FittingFilter<'_>]) -> String {
    let by_flag = parent.rules.origin(Key::Where).is_some_and(|origin| origin.is_flag());
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
    format!(
        "{}: it leaves out rows of {}, and {who}: give {whom} a where, too: {rules}{without}",
        place(&parent.rules, Key::Where),
        parent.table.name,
    )
}
