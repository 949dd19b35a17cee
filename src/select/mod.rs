//! Which of the existing tables are selected. Pure: names in, names and remarks out.
//!
//! A pattern is first taken as the exact name of an existing table, then as a pattern; include and
//! exclude combine, exclude wins, no include means all.

pub(crate) mod pattern;
pub mod schemas;
mod spelling;

use std::collections::HashSet;
use std::fmt;

use crate::error::{Error, Result};
use crate::ident::TableName;
use crate::suggest;
use pattern::Pattern;

/// Names that an error lists before it says "and N more".
const LISTED: usize = 10;

/// The outcome of filtering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Never empty; in the order in which the tables were given.
    pub tables: Vec<TableName>,
    pub remarks: Vec<Remark>,
}

/// Something about a pattern that the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    IncludeMatchesNothing(String),
    ExcludeMatchesNothing(String),
    /// An excluded exact name that no table has.
    ExcludeMissing(String),
    /// An excluded exact name of a partition of this table.
    ExcludePartition(String, TableName),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remark::IncludeMatchesNothing(text) => {
                write!(f, "-include pattern \"{text}\" matches no table")
            }
            Remark::ExcludeMatchesNothing(text) => {
                write!(f, "-exclude pattern \"{text}\" matches no table")
            }
            Remark::ExcludeMissing(text) => {
                write!(f, "-exclude names \"{text}\", which does not exist")
            }
            Remark::ExcludePartition(text, root) => write!(
                f,
                "-exclude names \"{text}\", a partition of {root}: its rows are that table's, and \
                 travel with it"
            ),
        }
    }
}

/// Why a table that somebody may ask for is not among those to select from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSyncable {
    /// It is a log of runs.
    SyncLog,
    /// Its rows are those of this table.
    Partition(TableName),
    TargetOnly,
    /// It is no table but this, with an article.
    Kind(String),
    /// It is a table of a schema that is not selected.
    OtherSchema,
}

/// A name that somebody may ask for in vain.
#[derive(Clone, Debug)]
pub struct Barred {
    pub name: TableName,
    pub why: NotSyncable,
}

/// Selects from the tables of the chosen schemas. All problems come back at once, as
/// [`Error::Config`]: a missing or malformed include, or a selection of nothing.
pub fn select(
    existing: &[TableName],
    barred: &[Barred],
    include: &[String],
    exclude: &[String],
) -> Result<Selection> {
    let mut problems = Vec::new();
    let mut remarks = Vec::new();
    let mut included = HashSet::new();
    let mut excluded = HashSet::new();
    for text in include {
        match find(existing, barred, text) {
            Ok(Found::Tables(tables)) => included.extend(tables),
            Ok(Found::Nothing) => remarks.push(Remark::IncludeMatchesNothing(text.clone())),
            Ok(Found::Missing) => problems.push(match find_barred(barred, text) {
                Some(Barred { name, why }) => barred_include(text, name, why),
                None => missing(existing, text),
            }),
            Err(problem) => problems.push(format!("-include (includeTables): {problem}")),
        }
    }
    for text in exclude {
        match find(existing, barred, text) {
            Ok(Found::Tables(tables)) => excluded.extend(tables),
            Ok(Found::Nothing) => remarks.push(Remark::ExcludeMatchesNothing(text.clone())),
            Ok(Found::Missing) => match find_barred(barred, text).map(|one| &one.why) {
                Some(NotSyncable::Partition(root)) => {
                    remarks.push(Remark::ExcludePartition(text.clone(), root.clone()));
                }
                // What is never selected may be excluded, too.
                Some(_) => {}
                None => remarks.push(Remark::ExcludeMissing(text.clone())),
            },
            Err(problem) => problems.push(format!("-exclude (excludeTables): {problem}")),
        }
    }
    let wanted = |table: &&TableName| {
        (include.is_empty() || included.contains(table)) && !excluded.contains(table)
    };
    let tables: Vec<TableName> = existing.iter().filter(wanted).cloned().collect();
    if problems.is_empty() && tables.is_empty() {
        problems.push(nothing_selected(existing, include, exclude));
    }
    if problems.is_empty() {
        Ok(Selection { tables, remarks })
    } else {
        Err(Error::Config(problems))
    }
}

enum Found<'a> {
    Tables(Vec<&'a TableName>),
    /// A pattern with wildcards that matches no table.
    Nothing,
    /// An exact name that no table has.
    Missing,
}

fn find<'a>(existing: &'a [TableName], barred: &[Barred], text: &str) -> Result<Found<'a>, String> {
    // A table may be called `a.b` or `a[1]`: its own name wins over any other reading.
    let by_name = those(existing, |table| table.name.as_str() == text);
    if !by_name.is_empty() {
        return Ok(Found::Tables(by_name));
    }
    let by_full_name = those(existing, |table| table.to_string() == text);
    if !by_full_name.is_empty() {
        return Ok(Found::Tables(by_full_name));
    }
    // A malformed pattern may be the name of something that is never selected, which is said of it.
    let pattern = match Pattern::parse(text) {
        Err(_) if find_barred(barred, text).is_some() => return Ok(Found::Missing),
        parsed => parsed?,
    };
    let tables = those(existing, |table| pattern.matches(table));
    Ok(match (tables.is_empty(), pattern.has_wildcard()) {
        (false, _) => Found::Tables(tables),
        (true, true) => Found::Nothing,
        (true, false) => Found::Missing,
    })
}

fn those(existing: &[TableName], wanted: impl Fn(&TableName) -> bool) -> Vec<&TableName> {
    existing.iter().filter(|table| wanted(table)).collect()
}

fn find_barred<'b>(barred: &'b [Barred], text: &str) -> Option<&'b Barred> {
    let is_it = |name: &TableName| name.name.as_str() == text || name.to_string() == text;
    barred.iter().find(|one| is_it(&one.name))
}

/// Whether the patterns would select a table of this name.
pub fn would_select(name: &TableName, include: &[String], exclude: &[String]) -> bool {
    let one = std::slice::from_ref(name);
    let fits = |text: &String| matches!(find(one, &[], text), Ok(Found::Tables(_)));
    (include.is_empty() || include.iter().any(fits)) && !exclude.iter().any(fits)
}

fn barred_include(text: &str, name: &TableName, why: &NotSyncable) -> String {
    let why = match why {
        NotSyncable::SyncLog => "a log of pgsync's own runs, which is never synced".to_owned(),
        NotSyncable::Partition(root) => {
            format!("a partition of {root}, whose rows it holds: select that table")
        }
        NotSyncable::TargetOnly => {
            "on the target only: there is nothing on the source to bring it in sync with".to_owned()
        }
        NotSyncable::Kind(kind) => format!("{kind}: only tables are synced"),
        NotSyncable::OtherSchema => format!(
            "a table of the schema {schema}, which is not selected: add {schema} to -schema",
            schema = name.schema.as_str()
        ),
    };
    format!("-include (includeTables): \"{text}\" is {why}")
}

fn missing(existing: &[TableName], text: &str) -> String {
    let start = format!("-include (includeTables): no table \"{text}\" in the selected schemas");
    let unquoted = text.replace('"', "");
    if unquoted != text && matches!(find(existing, &[], &unquoted), Ok(Found::Tables(_))) {
        return format!("{start}; names stand without SQL's quotes here: {unquoted}");
    }
    // With the schema left on, its letters would make every name in it look near.
    let (schema, word) = match text.split_once('.') {
        Some((schema, name)) if existing.iter().any(|t| t.schema.as_str() == schema) => {
            (Some(schema), name)
        }
        _ => (None, text),
    };
    let candidates =
        those(existing, |table| schema.is_none_or(|schema| table.schema.as_str() == schema));
    let mut near = suggest::nearest(word, candidates.iter().map(|table| table.name.as_str()), 3);
    near.dedup();
    let tables = near.iter().flat_map(|name| {
        candidates.iter().filter(move |table| table.name.as_str() == *name).map(|t| t.to_string())
    });
    match tables.take(3).collect::<Vec<_>>().as_slice() {
        [] => format!("{start}; there are {}", list(existing)),
        names => format!("{start}; did you mean {}?", names.join(" or ")),
    }
}

fn nothing_selected(existing: &[TableName], include: &[String], exclude: &[String]) -> String {
    if existing.is_empty() {
        return "no table to sync: the selected schemas have none (-schema)".into();
    }
    format!(
        "no table selected by -include (includeTables) {} and -exclude (excludeTables) {}; there are {}",
        quoted(include),
        quoted(exclude),
        list(existing)
    )
}

fn quoted(patterns: &[String]) -> String {
    format!("\"{}\"", patterns.join(","))
}

fn list(existing: &[TableName]) -> String {
    if existing.is_empty() {
        return "none".into();
    }
    let names: Vec<String> = existing.iter().take(LISTED).map(TableName::to_string).collect();
    match existing.len().saturating_sub(LISTED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
