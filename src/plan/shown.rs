//! A table of the source as its rules show it: the columns that travel, by the names that they get; and
//! what its rows are read from. All that follows sees nothing else of the table.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::Error;
use crate::ident::Ident;
use crate::rules::{Children, Key, Mask, Mode, TableRules};
use crate::sql::Sql;
use crate::sql::dialect::Dialect;
use crate::sql::mapping::Relation;
use crate::sql::user_expression::UserExpression;
use crate::sql::view::{View, ViewColumn};
use crate::table::{Column, Table};

/// One selected table.
#[derive(Clone, Debug)]
pub struct ShownTable<'a> {
    pub table: Cow<'a, Table>,
    pub rules: TableRules,
    /// What stands in place of the table where rows are read.
    pub view: Option<Sql>,
    /// What the rules make of rows, in words for the fingerprint; empty where they change none.
    pub made: String,
    /// Differs for another key of masks; empty where no mask has one.
    pub mask_key: String,
    /// Why nobody could try its rules: then it fails.
    pub untried: Option<Error>,
}

/// What is the same for all tables that are shown.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// UTC, `2024-12-13 15:25:30.5`.
    pub now: &'a str,
    /// Differs for another key of masks.
    pub mask_key: &'a str,
    /// How the source writes what rules make of a table.
    pub dialect: Dialect,
}

/// What stands in place of the values of some columns, by their names on the source.
pub type Masks = BTreeMap<Ident, Sql>;

impl<'a> ShownTable<'a> {
    /// Shows a table of which `masks` are known.
    ///
    /// # Errors
    /// What is wrong with the rules, each with the place where it stands.
    pub fn new(
        table: &'a Table,
        rules: TableRules,
        masks: &Masks,
        moment: &Moment<'_>,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let travelling = travelling(table, &rules);
        problems.extend(key_problem(table, &rules));
        problems.extend(strategy_problem(table, &rules));
        problems.extend(name_problems(table, &rules, &travelling));
        let filter = rules.filter.as_deref().map(UserExpression::parse);
        let filter = filter.transpose().unwrap_or_else(|why| {
            problems.push(format!("{}: the expression {why}", place(&rules, Key::Where)));
            None
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        let whole = travelling.len() == table.columns.len()
            && travelling.iter().all(|name| rules.target_column(name) == *name)
            && masks.is_empty();
        let with_children = rules.children == Children::Rows && !table.inherited_by.is_empty();
        let is_plain = whole && filter.is_none() && !with_children && rules.key.is_none();
        let made = made(&rules, &travelling, table);
        let is_keyed = rules.mask.values().any(Mask::is_keyed);
        let mask_key = if is_keyed { moment.mask_key.to_owned() } else { String::new() };
        if is_plain {
            let table = Cow::Borrowed(table);
            return Ok(Self { table, rules, view: None, made, mask_key, untried: None });
        }
        let columns = travelling.iter().map(|own| ViewColumn {
            name: rules.target_column(own).clone(),
            own: (*own).clone(),
            mask: masks.get(*own).cloned(),
        });
        let columns = columns.collect();
        let filter = filter.map(|filter| moment.dialect.filter(&filter, moment.now));
        let view = View { columns, filter };
        let view = moment.dialect.view(&view, &table.name, table.partitioned || with_children);
        let shown = as_shown(table, &rules, &travelling);
        let (table, view) = (Cow::Owned(shown), Some(view));
        Ok(Self { table, rules, view, made, mask_key, untried: None })
    }
}

impl ShownTable<'_> {
    /// The table as statements that read its rows name it.
    pub fn relation(&self) -> Relation {
        Relation { view: self.view.clone(), ..Relation::of(&self.table) }
    }
}

/// The columns that travel, by their names on the source. The key and the timestamp always do; of what is
/// masked nothing does that the source computes from it.
pub fn travelling<'t>(table: &'t Table, rules: &TableRules) -> Vec<&'t Ident> {
    let key: Vec<&Ident> = match &rules.key {
        Some(columns) => columns.iter().collect(),
        None => {
            table.keys.first().into_iter().flat_map(|key| &key.columns).map(|c| &c.name).collect()
        }
    };
    let travels = |column: &&Column| {
        let name = &column.name;
        let listed = rules.columns.as_ref().is_none_or(|columns| columns.contains(name));
        let wanted = listed && !rules.exclude_columns.contains(name);
        let computed = column.generated && !rules.mask.contains_key(name);
        let needed = key.contains(&name) || name == &rules.timestamp_column;
        (wanted || needed) && (rules.mask.is_empty() || !computed)
    };
    table.columns.iter().filter(travels).map(|column| &column.name).collect()
}

/// Where a rule stands, for messages.
pub fn place(rules: &TableRules, key: Key) -> String {
    rules.origin(key).map_or_else(|| key.name().to_owned(), ToString::to_string)
}

fn listed<'n>(names: impl IntoIterator<Item = &'n Ident>) -> String {
    names.into_iter().map(Ident::as_str).collect::<Vec<_>>().join(", ")
}

/// A key that is asked for has to be one.
fn key_problem(table: &Table, rules: &TableRules) -> Option<String> {
    let wanted: BTreeSet<&Ident> = rules.key.as_ref()?.iter().collect();
    let is_wanted = |key: &&crate::table::Key| {
        key.columns.iter().map(|column| &column.name).collect::<BTreeSet<_>>() == wanted
    };
    if table.keys.iter().any(|key| is_wanted(&key)) {
        return None;
    }
    let there =
        table.keys.iter().map(|key| format!("({})", listed(key.columns.iter().map(|c| &c.name))));
    let there: Vec<String> = there.collect();
    let there = if there.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", there.join(", "))
    };
    Some(format!(
        "{}: ({}) is no unique key of {} without NULLs: {there}",
        place(rules, Key::Key),
        listed(wanted),
        table.name
    ))
}

/// Changes are found by a timestamp only where there is one.
fn strategy_problem(table: &Table, rules: &TableRules) -> Option<String> {
    let wanted = rules.strategy == Some(crate::outcome::Strategy::Incremental);
    let column = &rules.timestamp_column;
    let serves = |column: &Column| is_time(column) && !column.generated;
    if !wanted || table.column(column).is_some_and(serves) {
        return None;
    }
    Some(format!(
        "{}: {} has no timestamp column \"{}\" by which changes could be found (timestampColumn)",
        place(rules, Key::Strategy),
        table.name,
        column.as_str()
    ))
}

/// Whether a column holds a time by which changes can be found.
pub fn is_time(column: &Column) -> bool {
    column.is_built_in()
        && matches!(column.type_name.as_str(), "timestamptz" | "timestamp" | "date")
}

/// Columns of one table that would get one name.
fn name_problems(table: &Table, rules: &TableRules, travelling: &[&Ident]) -> Vec<String> {
    let mut known: BTreeMap<&Ident, &Ident> = BTreeMap::new();
    let mut problems = Vec::new();
    for own in travelling {
        let name = rules.target_column(own);
        if let Some(other) = known.insert(name, own) {
            problems.push(format!(
                "{}: \"{}\" and \"{}\" of {} would both be called \"{}\"",
                place(rules, Key::Rename),
                other.as_str(),
                own.as_str(),
                table.name,
                name.as_str()
            ));
        }
    }
    problems
}

/// The table with nothing but the columns that travel, under the names that they get.
fn as_shown(table: &Table, rules: &TableRules, travelling: &[&Ident]) -> Table {
    let travels = |name: &Ident| travelling.contains(&name);
    let named = |name: &mut Ident| *name = rules.target_column(name).clone();
    let mut shown = table.clone();
    let columns = Arc::make_mut(&mut shown.columns);
    columns.retain(|column| travels(&column.name));
    for column in columns {
        // What a mask gives is computed here, and nowhere else.
        column.generated &= !rules.mask.contains_key(&column.name);
        named(&mut column.name);
    }
    shown.keys.retain(|key| key.columns.iter().all(|column| travels(&column.name)));
    if let Some(wanted) = &rules.key {
        let is_wanted = |key: &crate::table::Key| {
            key.columns.len() == wanted.len()
                && key.columns.iter().all(|c| wanted.contains(&c.name))
        };
        shown.keys.retain(is_wanted);
    }
    shown.keys.iter_mut().flat_map(|key| &mut key.columns).for_each(|c| named(&mut c.name));
    shown.uniques.retain(|unique| unique.columns.iter().all(travels));
    shown.uniques.iter_mut().flat_map(|unique| &mut unique.columns).for_each(named);
    shown.sequences.retain(|sequence| travels(&sequence.column));
    shown.sequences.iter_mut().for_each(|sequence| named(&mut sequence.column));
    if rules.children == Children::Rows && !shown.inherited_by.is_empty() {
        // A place in a file tells nothing where rows lie in several.
        shown.pages = 0;
        shown.inherited_by = Vec::new();
    }
    shown
}

/// What a watermark depends on.
fn made(rules: &TableRules, travelling: &[&Ident], table: &Table) -> String {
    let mut made = Vec::new();
    if let Some(filter) = &rules.filter {
        made.push(format!("where {filter}"));
    }
    if travelling.len() < table.columns.len() {
        made.push(format!("columns {}", listed(travelling.iter().copied())));
    }
    if !rules.rename.is_empty() {
        let names =
            rules.rename.iter().map(|(own, name)| format!("{}={}", own.as_str(), name.as_str()));
        made.push(format!("rename {}", names.collect::<Vec<_>>().join(",")));
    }
    if !rules.mask.is_empty() {
        let masks = rules.mask.iter().map(|(column, mask)| format!("{}={mask:?}", column.as_str()));
        made.push(format!("mask {}", masks.collect::<Vec<_>>().join(",")));
    }
    if rules.mode == Mode::Append {
        made.push("append".to_owned());
    }
    if rules.children == Children::Rows {
        made.push("children".to_owned());
    }
    made.join("; ")
}
