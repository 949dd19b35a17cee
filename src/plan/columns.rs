//! Which columns travel, and under which types. Both sides are agreed by name; a pair of types is
//! accepted only when every value of the source's arrives unaltered.

use crate::error::Error;
use crate::ident::Ident;
use crate::plan::{Ground, Timestamp, TimestampKind};
use crate::sql::{Sql, sql};
use crate::table::{Column, Table};

/// One column that travels.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanColumn {
    pub name: Ident,
    /// The built-in type to which the source casts it, where the two sides' types or limits differ.
    pub cast: Option<Sql>,
    /// As `format_type` prints it on the target.
    pub target_type: String,
    pub hashed: Hashed,
    /// Whether the source computes it, which COPY gives in queries only.
    pub computed: bool,
    /// Whether both servers mean the same by its binary form.
    pub binary: bool,
    /// Whether what arrives is what was sent, whatever the value: a built-in type, the same with the
    /// same modifier on both sides, and text that no encoding changes. Of all others only digests
    /// of what was written can tell.
    pub exact: bool,
    /// Whether an existing row may need it updated: not a plain key column, not ALWAYS identity.
    pub settable: bool,
}

/// How a value enters a digest: by its number where that is cheap and exact, else by its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hashed {
    Integer,
    Uuid,
    /// By a cast, which for most built-in types prints the value.
    Text,
    /// As it travels: casts of xml and of types by users may print something else.
    Printed,
    /// By the bytes that this function makes of it: text of floats differs between servers before
    /// and after 12, and that of timestamps costs more.
    Binary(Ident),
}

/// The columns that travel. None do where the source has none but generated ones: such a table has
/// nothing but a number of rows.
///
/// # Errors
/// [`Error::Table`] naming every column in the way and the remedy.
pub fn agree(source: &Table, target: &Table, ground: &Ground) -> Result<Vec<PlanColumn>, Error> {
    let mut columns = Vec::new();
    let mut problems = Vec::new();
    for there in target.columns.iter().filter(|column| !column.generated) {
        match source.column(&there.name) {
            Some(here) => match carry(here, there, ground) {
                Ok(column) => columns.push(column),
                Err(problem) => problems.push(problem),
            },
            None if there.not_null && !there.has_default => problems.push(format!(
                "column \"{}\" is NOT NULL without a default on the target and missing on the source",
                there.name.as_str()
            )),
            None => {}
        }
    }
    let missing = source.columns.iter().filter(|here| target.column(&here.name).is_none());
    problems.extend(missing.filter(|here| !here.generated).map(|here| {
        format!(
            "column \"{}\" is missing on the target: add it there ({})",
            here.name.as_str(),
            here.type_text
        )
    }));
    let computed = target.columns.iter().filter(|there| there.generated);
    let kept = computed.filter(|there| source.column(&there.name).is_some_and(|h| !h.generated));
    problems.extend(kept.map(|there| {
        format!(
            "column \"{}\" is generated on the target only, so the source's values cannot be kept \
             there: drop the expression",
            there.name.as_str()
        )
    }));
    match problems.is_empty() {
        true => Ok(columns),
        false => Err(Error::Table(problems.join("; "))),
    }
}

fn carry(here: &Column, there: &Column, ground: &Ground) -> Result<PlanColumn, String> {
    let fits = same_type(here, there) || widens(here, there);
    if !fits {
        return Err(format!(
            "column \"{}\" is {} on the source and {} on the target, which cannot hold every value: \
             alter it there",
            here.name.as_str(),
            here.type_text,
            there.type_text
        ));
    }
    Ok(PlanColumn {
        name: there.name.clone(),
        cast: cast(here, there),
        target_type: there.type_text.clone(),
        hashed: hashed(there, ground),
        computed: here.generated,
        binary: binary(here, there),
        exact: exact(here, there) && ground.same_text,
        settable: !there.identity_always,
    })
}

/// What makes the source print a value as the target will.
fn cast(here: &Column, there: &Column) -> Option<Sql> {
    if here.type_name != there.type_name {
        return Some(sql!("pg_catalog.{name}", name = there.type_name));
    }
    // `1.5` becomes `1.5000`, `a` becomes `a    `. For these two types format_type prints keywords.
    let reprinted = matches!(there.type_name.as_str(), "numeric" | "bpchar");
    let limited = there.type_modifier != -1 && there.type_modifier != here.type_modifier;
    (reprinted && limited).then(|| Sql::trusted(there.type_text.clone()))
}

/// The same type by name (user-defined ones may live in another schema), no narrower a modifier.
fn same_type(here: &Column, there: &Column) -> bool {
    let built_in = |column: &Column| column.type_schema.as_str() == "pg_catalog";
    here.type_name == there.type_name
        && built_in(here) == built_in(there)
        && modifier_fits(here, there)
}

/// A modifier limits length, precision or scale. A target without one takes everything; a text
/// type that is too short raises an error by itself, but numbers and times would be rounded.
fn modifier_fits(here: &Column, there: &Column) -> bool {
    let (from, to) = (here.type_modifier, there.type_modifier);
    if to == -1 || from == to {
        return true;
    }
    match there.type_name.as_str().trim_start_matches('_') {
        "varchar" | "varbit" => true,
        "bpchar" => from != -1 && to >= from,
        "timestamp" | "timestamptz" | "time" | "timetz" => from != -1 && to >= from || to >= 6,
        "numeric" => from != -1 && numeric_fits(from, to),
        _ => false,
    }
}

/// `atttypmod` of numeric is `((precision << 16) | scale) + 4`.
fn numeric_fits(from: i32, to: i32) -> bool {
    let scale = |modifier: i32| (((modifier - 4) & 0x7ff) ^ 0x400) - 0x400; // may be negative
    let parts = |modifier: i32| (((modifier - 4) >> 16) & 0xffff, scale(modifier));
    let ((from_digits, from_scale), (to_digits, to_scale)) = (parts(from), parts(to));
    to_scale >= from_scale && to_digits - to_scale >= from_digits - from_scale
}

/// Pairs of built-in types in which the second holds every value of the first.
const WIDER: &[(&str, &[&str])] = &[
    ("int2", &["int4", "int8", "numeric", "float4", "float8"]),
    ("int4", &["int8", "numeric", "float8"]),
    ("int8", &["numeric"]),
    ("float4", &["float8"]),
    ("bpchar", &["text", "varchar"]),
    ("varchar", &["text"]),
    ("text", &["varchar"]),
    ("name", &["text", "varchar"]),
    ("date", &["timestamp", "timestamptz"]),
    ("timestamp", &["timestamptz"]),
    ("cidr", &["inet"]),
    ("bit", &["varbit"]),
];

fn widens(here: &Column, there: &Column) -> bool {
    let built_in = |column: &Column| column.type_schema.as_str() == "pg_catalog";
    if !built_in(there) {
        return false;
    }
    // Text is what travels, so text holds anything that has a text form.
    if there.type_name.as_str() == "text" {
        return true;
    }
    let (from, to) = (here.type_name.as_str(), there.type_name.as_str());
    let listed = WIDER.iter().any(|(narrow, wide)| *narrow == from && wide.contains(&to));
    // A limited numeric can round; a limited varchar raises an error by itself.
    let limited =
        there.type_modifier != -1 && matches!(to, "numeric" | "timestamp" | "timestamptz");
    built_in(here) && listed && !limited
}

fn hashed(there: &Column, ground: &Ground) -> Hashed {
    if let Some(send) = there.floats.as_ref().filter(|_| !ground.same_floats) {
        return Hashed::Binary(send.clone());
    }
    if there.type_schema.as_str() != "pg_catalog" {
        return Hashed::Printed;
    }
    match there.type_name.as_str() {
        "int2" | "int4" | "int8" => Hashed::Integer,
        // Their own hash folds 64 bits to 32.
        "timestamp" => Hashed::Binary(Ident::new("timestamp_send")),
        "timestamptz" => Hashed::Binary(Ident::new("timestamptz_send")),
        "uuid" => Hashed::Uuid,
        "xml" => Hashed::Printed,
        _ => Hashed::Text,
    }
}

/// Types whose binary form is the same in every version, and names nothing that one server numbers
/// otherwise than another, as `regclass` does. Arrays of them too.
const BINARY: &[&str] = &[
    "bool",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "text",
    "varchar",
    "bpchar",
    "bytea",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "inet",
    "cidr",
    "macaddr",
    "bit",
    "varbit",
];

fn binary(here: &Column, there: &Column) -> bool {
    let built_in = |column: &Column| column.type_schema.as_str() == "pg_catalog";
    let listed = BINARY.contains(&there.type_name.as_str().trim_start_matches('_'));
    let same = here.type_name == there.type_name && cast(here, there).is_none();
    listed && same && built_in(here) && built_in(there)
}

/// A text or a bit string that is too long is cut without an error where its end are blanks; a domain
/// rounds and cuts as its base type does.
fn exact(here: &Column, there: &Column) -> bool {
    binary(here, there) && here.type_modifier == there.type_modifier
}

/// The column by which changes are found, if both sides have it with a type that can serve.
pub fn timestamp(source: &Table, target: &Table, name: &Ident) -> Option<Timestamp> {
    let kind = |table: &Table| {
        let column = table.column(name).filter(|column| !column.generated)?;
        match (column.type_schema.as_str(), column.type_name.as_str()) {
            ("pg_catalog", "timestamptz") => Some(TimestampKind::Timestamptz),
            ("pg_catalog", "timestamp") => Some(TimestampKind::Timestamp),
            ("pg_catalog", "date") => Some(TimestampKind::Date),
            _ => None,
        }
    };
    Some(Timestamp { column: name.clone(), source: kind(source)?, target: kind(target)? })
}
