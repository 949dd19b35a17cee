//! Which types hold which values: pairs of built-in types, and what their modifiers limit.

use crate::builtin_type::{self, Fact, NumericLimits};
use crate::sql::mapping::Cast;
use crate::sql::sql;
use crate::table::Column;

/// The same type by name (user-defined ones may live in another schema), no narrower a modifier.
pub fn same_type(here: &Column, there: &Column) -> bool {
    here.type_name == there.type_name
        && here.is_built_in() == there.is_built_in()
        && modifier_fits(there.type_name.as_str(), here.type_modifier, there.type_modifier)
}

/// A modifier limits length, precision or scale. A target without one takes everything; a text
/// type that is too short raises an error by itself, but numbers and times would be rounded.
pub fn modifier_fits(name: &str, from: i32, to: i32) -> bool {
    if to == -1 || from == to {
        return true;
    }
    match name.trim_start_matches('_') {
        "varchar" | "varbit" => true,
        "bpchar" => from != -1 && to >= from,
        "timestamp" | "timestamptz" | "time" | "timetz" => from != -1 && to >= from || to >= 6,
        "numeric" => from != -1 && numeric_fits(from, to),
        _ => false,
    }
}

fn numeric_fits(from: i32, to: i32) -> bool {
    let (from, to) = (NumericLimits::of_modifier(from), NumericLimits::of_modifier(to));
    to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale
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

/// Whether the target's built-in type holds every value of the source's other type.
pub fn widens(here: &Column, there: &Column) -> bool {
    if !there.is_built_in() {
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
    here.is_built_in() && listed && !limited
}

/// How values of one type become those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// Without being told.
    Assigned,
    /// By a cast.
    Cast,
    Impossible,
}

/// The built-in casts from a type (`pg_cast`).
struct Casts {
    from: &'static str,
    /// Made without being told.
    assigned: &'static [&'static str],
    explicit: &'static [&'static str],
}

const fn casts(
    from: &'static str,
    assigned: &'static [&'static str],
    explicit: &'static [&'static str],
) -> Casts {
    Casts { from, assigned, explicit }
}

const CASTS: &[Casts] = &[
    casts("bit", &["varbit"], &["int4", "int8"]),
    casts("bool", &[], &["int4"]),
    casts("cidr", &["inet"], &[]),
    casts("date", &["timestamp", "timestamptz"], &[]),
    casts("float4", &["float8", "int2", "int4", "int8", "numeric"], &[]),
    casts("float8", &["float4", "int2", "int4", "int8", "numeric"], &[]),
    casts("inet", &["cidr"], &[]),
    casts("int2", &["float4", "float8", "int4", "int8", "numeric", "oid"], &[]),
    casts(
        "int4",
        &["float4", "float8", "int2", "int8", "money", "numeric", "oid"],
        &["bit", "bool"],
    ),
    casts("int8", &["float4", "float8", "int2", "int4", "money", "numeric", "oid"], &["bit"]),
    casts("interval", &["time"], &[]),
    casts("json", &["jsonb"], &[]),
    casts("jsonb", &["json"], &["bool", "float4", "float8", "int2", "int4", "int8", "numeric"]),
    casts("macaddr", &["macaddr8"], &[]),
    casts("macaddr8", &["macaddr"], &[]),
    casts("money", &["numeric"], &[]),
    casts("numeric", &["float4", "float8", "int2", "int4", "int8", "money"], &[]),
    casts("oid", &["int4", "int8"], &[]),
    casts("time", &["interval", "timetz"], &[]),
    casts("timestamp", &["date", "time", "timestamptz"], &[]),
    casts("timestamptz", &["date", "time", "timestamp", "timetz"], &[]),
    casts("timetz", &["time"], &[]),
    casts("varbit", &["bit"], &[]),
];

/// Types of text: everything can be written as one, and be read from one by a cast.
const TEXTS: &[&str] = &["text", "varchar", "bpchar", "name"];

/// How a server converts values of a column that gets another type.
pub fn conversion(from: &Column, to: &Column) -> Conversion {
    let is_text =
        |column: &Column| column.is_built_in() && TEXTS.contains(&column.type_name.as_str());
    let is_same = from.type_name == to.type_name && from.type_schema == to.type_schema;
    if is_same || is_text(to) {
        return Conversion::Assigned;
    }
    if is_text(from) {
        return Conversion::Cast;
    }
    if !from.is_built_in() || !to.is_built_in() {
        return Conversion::Impossible;
    }
    let (from, to) = (from.type_name.as_str(), to.type_name.as_str());
    // Arrays are converted as their elements are.
    let (from, to) = from.strip_prefix('_').zip(to.strip_prefix('_')).unwrap_or((from, to));
    if TEXTS.contains(&to) {
        return Conversion::Assigned;
    }
    let known = CASTS.iter().find(|casts| casts.from == from);
    if known.is_some_and(|casts| casts.assigned.contains(&to)) {
        Conversion::Assigned
    } else if known.is_some_and(|casts| casts.explicit.contains(&to)) || TEXTS.contains(&from) {
        Conversion::Cast
    } else {
        Conversion::Impossible
    }
}

/// Built-in types whose cast to text is their own function, and what it gives another text than what
/// travels. For all others somebody could define one.
const CAST_TO_TEXT: &[&str] = &["bool", "char", "name", "cidr", "inet", "xml", "bpchar", "varchar"];

/// None where a value of the source prints as the target will print it.
pub fn cast(here: &Column, there: &Column) -> Option<Cast> {
    let name = here.type_name.as_str();
    if here.type_name != there.type_name || here.is_built_in() != there.is_built_in() {
        // Blanks at the end of a `bpchar` without length fill up nothing.
        let unfilled = name == "bpchar" && here.type_modifier == -1;
        let own_cast = here.is_built_in() && CAST_TO_TEXT.contains(&name) && !unfilled;
        if there.type_name.as_str() == "text" && !own_cast || unfilled {
            return Some(Cast::Printed);
        }
        return Some(Cast::To(sql!("pg_catalog.{name}", name = there.type_name)));
    }
    // `1.5` becomes `1.5000`, `a` becomes `a    `.
    let to = there.type_modifier;
    if !here.is_built_in() || to == -1 || to == here.type_modifier {
        return None;
    }
    let limited = match name {
        "numeric" => {
            let NumericLimits { precision, scale } = NumericLimits::of_modifier(to);
            sql!(
                "pg_catalog.numeric({precision},{scale})",
                precision = i64::from(precision),
                scale = i64::from(scale)
            )
        }
        "bpchar" => sql!("pg_catalog.bpchar({length})", length = i64::from(to - 4)),
        _ => return None,
    };
    Some(Cast::To(limited))
}

/// Whether both servers mean the same by the binary form of this built-in type, or of an array of it.
pub fn is_same_in_binary(name: &str) -> bool {
    builtin_type::is(name.trim_start_matches('_'), Fact::SameBinary)
}
