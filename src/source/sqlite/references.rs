//! Foreign keys of a file: those that PostgreSQL cannot have, and rows that refer to nothing. SQLite lets both be.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};

use super::definitions::LeftOut;
use super::failure;
use super::settle::find;
use crate::error::Result;
use crate::ident::{Ident, TableName};
use crate::source::{SourceState, TargetView};
use crate::sql::{Sql, sql};
use crate::table::{Column, ForeignKey, Table};

const LOOKING: &str = "looking for a row that refers to nothing";

/// A foreign key whose parent has no table, or no key, of which the file says what it means.
#[derive(Clone, Debug)]
pub struct LostReference {
    pub child: TableName,
    pub columns: Vec<String>,
    pub parent: String,
}

/// The foreign keys that the target can have.
pub fn possible(state: &SourceState, target: &TargetView<'_>) -> Vec<ForeignKey> {
    let keys = state.foreign_keys.iter();
    keys.filter(|key| obstacle(key, state, target).is_none()).cloned().collect()
}

/// What is said of the others, in tables that are made.
pub fn left_out(
    state: &SourceState,
    target: &TargetView<'_>,
    lost: &[LostReference],
    is_made: impl Fn(&TableName) -> bool,
) -> LeftOut {
    let text = |columns: String, parent: &str, why: &str| {
        format!("the foreign key ({columns}) to {parent} is left out: {why}")
    };
    let mut left_out = Vec::new();
    for key in state.foreign_keys.iter().filter(|key| is_made(&key.child)) {
        if let Some(why) = obstacle(key, state, target) {
            let names: Vec<&str> = key.child_columns.iter().map(Ident::as_str).collect();
            let parent = key.parent.name.as_str();
            left_out.push((key.child.clone(), text(names.join(", "), parent, &why)));
        }
    }
    for lost in lost {
        let child = find(&state.tables, &lost.child).map(|table| &table.name);
        if let Some(child) = child.filter(|child| is_made(child)) {
            let why = "the file has no such table, or that one has no such key";
            left_out.push((child.clone(), text(lost.columns.join(", "), &lost.parent, why)));
        }
    }
    left_out
}

/// Why the target cannot have a foreign key; none where it can.
fn obstacle(key: &ForeignKey, state: &SourceState, target: &TargetView<'_>) -> Option<String> {
    let child = find(&state.tables, &key.child)?;
    let parent = find(&state.tables, &key.parent)?;
    let there = find(target.tables, &(target.named)(&key.parent));
    let called = |name: &Ident| match there {
        Some(_) => (target.column)(&key.parent, name),
        None => name.clone(),
    };
    let wanted: BTreeSet<Ident> = key.parent_columns.iter().map(called).collect();
    if !is_unique(there.unwrap_or(parent), &wanted) {
        let names: Vec<&str> = key.parent_columns.iter().map(Ident::as_str).collect();
        return Some(format!("no unique constraint is over ({}) there", names.join(", ")));
    }
    let pairs = key.child_columns.iter().zip(&key.parent_columns);
    pairs.into_iter().find_map(|(own, other)| {
        let (own, other) = (child.column(own)?, parent.column(other)?);
        let why = || {
            format!(
                "\"{}\" is {}, and \"{}\" is {}",
                own.name.as_str(),
                own.type_text,
                other.name.as_str(),
                other.type_text
            )
        };
        (!are_comparable(own, other)).then(why)
    })
}

/// Whether no two rows of the table are alike in these columns.
fn is_unique(table: &Table, columns: &BTreeSet<Ident>) -> bool {
    let keys = table.keys.iter().map(|key| key.columns.iter().map(|column| &column.name).collect());
    let uniques = table.uniques.iter().filter(|unique| !unique.exclusion);
    let uniques = uniques.map(|unique| unique.columns.iter().collect());
    let wanted: BTreeSet<&Ident> = columns.iter().collect();
    keys.chain(uniques).any(|own: BTreeSet<&Ident>| own == wanted)
}

/// Whether PostgreSQL compares a column with the one that it refers to.
fn are_comparable(child: &Column, parent: &Column) -> bool {
    const INTEGERS: &[&str] = &["int2", "int4", "int8"];
    const TEXTS: &[&str] = &["text", "varchar", "bpchar"];
    const MOMENTS: &[&str] = &["date", "timestamp", "timestamptz"];
    const FLOATS: &[&str] = &["float4", "float8"];
    let (own, other) = (child.under_domains(), parent.under_domains());
    let (own, other) = (own.type_name.as_str(), other.type_name.as_str());
    let both = |kin: &[&str]| kin.contains(&own) && kin.contains(&other);
    let grows = INTEGERS.contains(&own) && (other == "numeric" || FLOATS.contains(&other))
        || own == "numeric" && FLOATS.contains(&other);
    own == other || both(INTEGERS) || both(TEXTS) || both(MOMENTS) || both(FLOATS) || grows
}

/// Blocks: a row of the table that refers to a row which the file does not have, for people. `parent` is the table that
/// lacks the row, if that is known.
///
/// # Errors
/// SQLite's.
pub fn orphan(
    connection: &Connection,
    child: &Table,
    parent: Option<&Ident>,
) -> Result<Option<String>> {
    let told = |error: rusqlite::Error| failure::of(LOOKING, &error);
    let statement = "select rowid, parent from pragma_foreign_key_check(?1) \
                     where ?2 is null or parent = ?2 collate nocase";
    let read = |row: &rusqlite::Row<'_>| Ok(Orphan { rowid: row.get(0)?, parent: row.get(1)? });
    let names = [Some(child.name.name.as_str()), parent.map(Ident::as_str)];
    let found = connection.query_row(statement, names, read).optional();
    let Some(Orphan { rowid, parent }) = found.map_err(told)? else { return Ok(None) };
    let row = match rowid {
        Some(rowid) => named(connection, child, rowid).map_err(told)?,
        None => "a row".to_owned(),
    };
    Ok(Some(format!(
        "{row} refers to a row of {parent} that the file does not have; PRAGMA foreign_key_check lists \
         such rows: change or delete them"
    )))
}

/// A row without its parent.
struct Orphan {
    /// None in a table without one.
    rowid: Option<i64>,
    parent: String,
}

/// The row by its key, or by its rowid.
fn named(connection: &Connection, table: &Table, rowid: i64) -> rusqlite::Result<String> {
    let key = table.keys.iter().find(|key| key.primary);
    let columns: Vec<&Ident> =
        key.into_iter().flat_map(|key| &key.columns).map(|column| &column.name).collect();
    if columns.is_empty() {
        return Ok(format!("the row with the rowid {rowid}"));
    }
    let texts = columns.iter().map(|name| sql!("cast({name} as text)", name = *name));
    let statement = sql!(
        "select {texts} from {table} where rowid = {rowid}",
        texts = Sql::join(texts, " || ', ' || "),
        table = &table.name.name,
        rowid = rowid,
    );
    let values: Option<String> = connection.query_row(statement.as_str(), [], |row| row.get(0))?;
    let names: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
    let values = values.unwrap_or_default();
    Ok(format!("row ({}) = ({values})", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::*;

    #[test]
    fn a_row_without_its_parent_is_named_by_its_key() {
        let file = Connection::open_in_memory().expect("a database");
        let made = "pragma foreign_keys = off; create table p (id integer primary key); \
                    create table c (id integer primary key, p integer references p(id)); \
                    create table w (a text, b integer references p(id), primary key (a, b)); \
                    create table bare (p integer references p(id)); insert into bare values (9); \
                    insert into c values (3, 99); insert into w values ('x', 98)";
        file.execute_batch(made).expect("tables");
        let catalog = catalog::read(&file, &Ident::new("public"), 0).expect("a catalog");
        let told = |table: &Table| {
            let told = orphan(&file, table, None).expect("an answer");
            told.map(|told| told.split(" refers").next().unwrap_or_default().to_owned())
        };
        let rows: Vec<_> = catalog.tables.iter().map(told).collect();
        let row = |text: &str| Some(text.to_owned());
        let expected = [
            row("the row with the rowid 1"),
            row("row (id) = (3)"),
            None,
            row("row (a, b) = (x, 98)"),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_row_without_its_parent_is_one_of_the_parent_that_is_meant() {
        let file = Connection::open_in_memory().expect("a database");
        let made = "pragma foreign_keys = off; create table p (id integer primary key); create table q (id integer primary key); \
                    create table c (id integer primary key, q integer references q(id), p integer references \"P\"(id)); \
                    insert into c values (1, 9, null), (2, null, 9)";
        file.execute_batch(made).expect("tables");
        let catalog = catalog::read(&file, &Ident::new("public"), 0).expect("a catalog");
        let child = catalog.tables.iter().find(|table| table.name.name.as_str() == "c").expect("c");
        for (parent, row) in [("p", 2), ("q", 1)] {
            let told =
                orphan(&file, child, Some(&Ident::new(parent))).expect("an answer").expect("a row");
            assert!(told.starts_with(&format!("row (id) = ({row}) refers to a row of ")), "{told}");
        }
    }
}
