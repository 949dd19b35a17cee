//! Which of the existing tables are selected. Pure: names in, names and remarks out.
//!
//! A pattern is first taken as the exact name of an existing table, then as a pattern; include and
//! exclude combine, exclude wins, no include means all.

mod absent;
pub(crate) mod pattern;
pub mod schemas;
mod spelling;

use std::collections::HashSet;
use std::fmt;

use crate::error::{Error, Result};
use crate::ident::{Ident, TableName, as_argument};
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
    /// An excluded exact name that no table has, and none that travels nearly.
    ExcludeMissing(String),
    /// An excluded exact name of a partition of this table.
    ExcludePartition(String, TableName),
}

impl Remark {
    /// Whether it is a precaution that has nothing to do yet.
    pub fn is_detail(&self) -> bool {
        matches!(self, Remark::ExcludeMatchesNothing(_))
    }

    /// Whether rows may travel that somebody wants to leave out.
    pub fn is_warning(&self) -> bool {
        matches!(self, Remark::ExcludeMissing(_) | Remark::ExcludePartition(..))
    }
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
            Remark::ExcludeMissing(text) if text.contains('%') => write!(
                f,
                "-exclude names \"{text}\", which no table of the selected schemas is called: it leaves nothing out; a pattern is \
                 written with *: \"{}\"",
                text.replace('%', "*")
            ),
            Remark::ExcludeMissing(text) => write!(
                f,
                "-exclude names \"{text}\", which no table of the selected schemas is called: it leaves nothing out"
            ),
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

/// What is said where there is no table to select from, and nobody has asked yet what other schemas have.
pub const NO_TABLE: &str = "no table to sync: the selected schemas have none (-schema)";

/// What is said in its place, of these schemas. `others` have tables that the role may read.
pub fn no_table(schemas: &[Ident], others: &[Ident], role: &str) -> String {
    let names = |schemas: &[&Ident]| {
        schemas.iter().map(|schema| schema.as_str().to_owned()).collect::<Vec<_>>()
    };
    let which = match schemas {
        [only] if only.as_str() == "public" => "schema public (the default) has".to_owned(),
        [only] => format!("schema {} has", only.as_str()),
        several => {
            format!("schemas {} have", names(&several.iter().collect::<Vec<_>>()).join(", "))
        }
    };
    let others: Vec<&Ident> = others.iter().filter(|schema| !schemas.contains(schema)).collect();
    let start = format!("no table to sync: {which} none on the source");
    if others.is_empty() {
        return format!(
            "{start} (-schema), and in no other schema is a table that {role} may read"
        );
    }
    let others = names(&others);
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    format!("{start}; {role} may read tables of others: -schema {}", as_argument(&others))
}

/// Selects from the tables of the chosen schemas. All problems come back at once, as
/// [`Error::Config`]: a missing or malformed include, an exclude that is most likely mistyped, so that what should
/// stay out would travel, or a selection of nothing.
///
/// `barred` is nothing where it is not known what else there is: then an excluded name may be that of
/// something else.
pub fn select(
    existing: &[TableName],
    barred: Option<&[Barred]>,
    include: &[String],
    exclude: &[String],
) -> Result<Selection> {
    let knows_all = barred.is_some();
    let barred = barred.unwrap_or_default();
    let mut problems = Vec::new();
    let mut remarks = Vec::new();
    let mut included = HashSet::new();
    let mut excluded = HashSet::new();
    let mut absent = Vec::new();
    for text in include {
        match find(existing, barred, text) {
            Ok(Found::Tables(tables)) => included.extend(tables),
            Ok(Found::Quoted(plain)) => problems.push(quoted_name(INCLUDE, text, &plain)),
            Ok(Found::Nothing) => remarks.push(Remark::IncludeMatchesNothing(text.clone())),
            Ok(Found::Missing) => problems.push(match find_barred(barred, text) {
                Some(Barred { name, why }) => barred_include(text, name, why),
                None => missing(existing, text),
            }),
            Err(problem) => problems.push(format!("{INCLUDE}: {problem}")),
        }
    }
    for text in exclude {
        match find(existing, barred, text) {
            Ok(Found::Tables(tables)) => excluded.extend(tables),
            Ok(Found::Quoted(plain)) => problems.push(quoted_name(EXCLUDE, text, &plain)),
            Ok(Found::Nothing) => remarks.push(Remark::ExcludeMatchesNothing(text.clone())),
            Ok(Found::Missing) => match find_barred(barred, text).map(|one| &one.why) {
                Some(NotSyncable::Partition(root)) => {
                    remarks.push(Remark::ExcludePartition(text.clone(), root.clone()));
                }
                // What is never selected may be excluded, too.
                Some(_) => {}
                None => absent.extend(knows_all.then_some(text)),
            },
            Err(problem) => problems.push(format!("{EXCLUDE}: {problem}")),
        }
    }
    let wanted = |table: &&TableName| {
        (include.is_empty() || included.contains(table)) && !excluded.contains(table)
    };
    let tables: Vec<TableName> = existing.iter().filter(wanted).cloned().collect();
    for text in absent {
        match absent::mistyped(&tables, text) {
            Some(problem) => problems.push(format!("{EXCLUDE}: {problem}")),
            None => remarks.push(Remark::ExcludeMissing(text.clone())),
        }
    }
    if problems.is_empty() && tables.is_empty() {
        problems.push(nothing_selected(existing, include, exclude));
    }
    if problems.is_empty() {
        Ok(Selection { tables, remarks })
    } else {
        Err(Error::Config(problems))
    }
}

const INCLUDE: &str = "-include (includeTables)";
const EXCLUDE: &str = "-exclude (excludeTables)";

enum Found<'a> {
    Tables(Vec<&'a TableName>),
    /// Tables have it without the quotes that it has; then it is this.
    Quoted(String),
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
    let plain = text.replace('"', "");
    if tables.is_empty() && plain != text && finds_any(existing, &plain) {
        return Ok(Found::Quoted(plain));
    }
    Ok(match (tables.is_empty(), pattern.has_wildcard()) {
        (false, _) => Found::Tables(tables),
        (true, true) => Found::Nothing,
        (true, false) => Found::Missing,
    })
}

fn finds_any(existing: &[TableName], text: &str) -> bool {
    matches!(find(existing, &[], text), Ok(Found::Tables(_)))
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
    let fits = |text: &String| finds_any(one, text);
    (include.is_empty() || include.iter().any(fits)) && !exclude.iter().any(fits)
}

fn barred_include(text: &str, name: &TableName, why: &NotSyncable) -> String {
    let why = match why {
        NotSyncable::SyncLog => "a log of pgsync's own runs, which is never synced".to_owned(),
        NotSyncable::Partition(root) => {
            format!(
                "a partition of {root}: select {root}, and the rows of all its partitions come with it"
            )
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
    format!("{INCLUDE}: \"{text}\" is {why}")
}

fn quoted_name(setting: &str, text: &str, plain: &str) -> String {
    format!("{setting}: names stand without SQL's quotes here: {plain}, and not {text}")
}

fn missing(existing: &[TableName], text: &str) -> String {
    let start = format!("{INCLUDE}: no table \"{text}\" in the selected schemas");
    match absent::near(existing, text).as_slice() {
        // The wildcards of LIKE.
        _ if text.contains('%') => {
            format!("{start}; a pattern is written with *: \"{}\"", text.replace('%', "*"))
        }
        // The quotes of SQL.
        [] if text.contains('"') => {
            let plain = text.replace('"', "");
            let near = absent::near(existing, &plain);
            let near = match near.as_slice() {
                [] => format!("there are {}", list(existing)),
                names => format!("did you mean {}?", absent::either(names)),
            };
            format!("{start}; names stand without SQL's quotes here; {near}")
        }
        [] => format!("{start}; there are {}", list(existing)),
        names => format!("{start}; did you mean {}?", absent::either(names)),
    }
}

/// `; upper and lower case count: shop.Mixed Case has others`, of tables that patterns would match otherwise.
fn in_other_case(existing: &[TableName], patterns: &[String]) -> String {
    let lower = |text: &str| text.to_lowercase();
    let parsed = patterns.iter().filter_map(|text| Pattern::parse(&lower(text)).ok());
    let parsed: Vec<Pattern> = parsed.collect();
    let fits = |table: &TableName| {
        let name = TableName::new(lower(table.schema.as_str()), lower(table.name.as_str()));
        parsed.iter().any(|pattern| pattern.matches(&name))
    };
    let found: Vec<TableName> = existing.iter().filter(|table| fits(table)).cloned().collect();
    if found.is_empty() {
        return String::new();
    }
    format!("; upper and lower case count: in another case, there is {}", list(&found))
}

fn nothing_selected(existing: &[TableName], include: &[String], exclude: &[String]) -> String {
    if existing.is_empty() {
        return NO_TABLE.into();
    }
    let given = [(INCLUDE, include), (EXCLUDE, exclude)].into_iter();
    let given = given.filter(|(_, patterns)| !patterns.is_empty());
    let by: Vec<String> =
        given.map(|(setting, patterns)| format!("{setting} {}", quoted(patterns))).collect();
    let is_pattern = |text: &String| Pattern::parse(text).is_ok_and(|one| one.has_wildcard());
    let no_views = if include.iter().any(is_pattern) {
        " (patterns match no views and no partitions)"
    } else {
        ""
    };
    let unselected = unselected_schemas(existing, include);
    if let [schema] = unselected.as_slice()
        && include.len() == 1
    {
        return format!(
            "{INCLUDE}: {} names the schema {schema}, which is not selected: add {schema} to -schema",
            quoted(include)
        );
    }
    let add = match unselected.as_slice() {
        [] => String::new(),
        schemas => format!("; to look into {0}, add {0} to -schema", schemas.join(",")),
    };
    let other_case = in_other_case(existing, include);
    let there = match other_case.as_str() {
        "" => format!("; there are {}", list(existing)),
        told => told.to_owned(),
    };
    format!("no table selected by {}{no_views}{there}{add}", by.join(" and "))
}

/// Schemas that patterns name, and that no table is of.
fn unselected_schemas<'p>(existing: &[TableName], include: &'p [String]) -> Vec<&'p str> {
    let is_plain = |text: &str| Pattern::parse(text).is_ok_and(|one| !one.has_wildcard());
    let named = include.iter().filter_map(|text| Some(text.split_once('.')?.0));
    let unknown = |schema: &&str| existing.iter().all(|one| one.schema.as_str() != *schema);
    named.filter(|schema| is_plain(schema)).filter(unknown).collect()
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
