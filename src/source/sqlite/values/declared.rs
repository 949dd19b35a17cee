//! The type of a column that is created on the target, from the type that SQLite's table declares. SQLite does
//! not check it, so some declarations need to know what values there are.

use std::sync::Arc;

use super::geometry::{self, GeometryLimits, Misfit, Srids};
use super::moment::{Mixed, Tally};
use super::numeric::{self, Limits};
use super::{StorageClass, Value, text};

/// What occurs in a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    integers: bool,
    reals: bool,
    texts: bool,
    blobs: bool,
    fit: Fit,
    /// Whether there is a value that does not fit.
    misfits: bool,
    /// The same of geometries, because of their dimensions or their reference system.
    misplaced: bool,
    timestamps: Tally,
}

/// What values have to be, so that a column can have the type that its declaration asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    #[default]
    Any,
    Boolean,
    /// A number that these limits do not round.
    Exact(Limits),
    Json,
    Geometry {
        srids: Arc<Srids>,
        limits: GeometryLimits,
    },
}

impl Observed {
    /// Nothing yet, of a column whose type depends on what fits.
    pub fn of(fit: Fit) -> Self {
        Self { fit, ..Self::default() }
    }

    /// Takes note of one value of the column.
    pub fn add(&mut self, value: Value) {
        match value {
            Value::Null => return,
            Value::Integer(_) => self.integers = true,
            Value::Real(_) => self.reals = true,
            Value::Text(_) => self.texts = true,
            Value::Blob(_) => self.blobs = true,
        }
        match (&self.fit, value) {
            (Fit::Any, _) => self.timestamps.add(value),
            (Fit::Boolean, _) => self.misfits |= text::boolean(value).is_err(),
            (Fit::Json, _) => self.misfits |= text::json(value).is_err(),
            (Fit::Exact(limits), _) => self.misfits |= !numeric::is_exact(value, *limits),
            (Fit::Geometry { srids, limits }, Value::Blob(blob)) => {
                match geometry::misfit(blob, srids, *limits) {
                    Some(Misfit::Kind(_)) => self.misfits = true,
                    Some(Misfit::Space(_)) => self.misplaced = true,
                    None => {}
                }
            }
            (Fit::Geometry { .. }, _) => {}
        }
    }

    /// What another reader has seen.
    pub fn merge(&mut self, other: &Self) {
        self.integers |= other.integers;
        self.reals |= other.reals;
        self.texts |= other.texts;
        self.blobs |= other.blobs;
        self.misfits |= other.misfits;
        self.misplaced |= other.misplaced;
        self.timestamps.merge(&other.timestamps);
    }

    /// In which forms moments are written.
    pub fn timestamps(&self) -> &Tally {
        &self.timestamps
    }

    /// Why the column cannot have the type of its layer.
    pub fn strays(&self) -> Option<Departure> {
        match (self.misplaced, self.misfits) {
            (true, _) => Some(Departure::Space),
            (false, true) => Some(Departure::Kind),
            (false, false) => None,
        }
    }

    /// The only storage class that occurs.
    fn class(&self) -> Option<StorageClass> {
        match (self.integers, self.reals, self.texts, self.blobs) {
            (true, false, false, false) => Some(StorageClass::Integer),
            (false, true, false, false) => Some(StorageClass::Real),
            (false, false, true, false) => Some(StorageClass::Text),
            (false, false, false, true) => Some(StorageClass::Blob),
            _ => None,
        }
    }
}

/// A built-in type for a column that is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedType {
    /// As `pg_type` has it.
    pub name: &'static str,
    /// -1 where there is none.
    pub modifier: i32,
    /// As `format_type` prints it.
    pub text: String,
    /// Why it is not the declared one.
    pub departure: Option<Departure>,
}

/// Why a column is not made as it is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Departure {
    Length,
    Scale,
    Bits,
    Words,
    Json,
    Kind,
    Space,
}

impl Departure {
    /// What is said of columns, behind their names.
    pub fn text(self) -> &'static str {
        match self {
            Self::Length => "text without a limit: SQLite does not check the declared length",
            Self::Scale => "numeric without a limit: some values do not fit the declared one",
            Self::Bits => "bigint and not boolean: there are other values than 0 and 1",
            Self::Words => "text and not boolean: there are other values than true and false",
            Self::Json => "text and not json: there are values that are no JSON",
            Self::Kind => "made for geometries of any kind: some are of another kind than declared",
            Self::Space => {
                "made for any geometry: some have another SRID or other dimensions than declared"
            }
        }
    }
}

/// What a declaration means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Plain(&'static str, &'static str),
    Text {
        limited: bool,
    },
    Numeric,
    Boolean,
    Json,
    Timestamp,
    /// Nothing: the values decide.
    Unknown,
}

/// What the type of a column of this declaration depends on; none where it depends on no value.
pub fn needed_fit(declared: &str) -> Option<Fit> {
    match meaning(declared) {
        Meaning::Boolean => Some(Fit::Boolean),
        Meaning::Json => Some(Fit::Json),
        Meaning::Timestamp | Meaning::Unknown => Some(Fit::Any),
        Meaning::Numeric => Limits::of_modifier(numeric(declared).modifier).map(Fit::Exact),
        Meaning::Plain(..) | Meaning::Text { .. } => None,
    }
}

/// The type for a column whose values are moments, whatever it is declared as.
pub fn created_moment(declared: &str) -> CreatedType {
    match meaning(declared) {
        Meaning::Plain("date", text) => plain("date", text),
        _ => plain("timestamptz", "timestamp with time zone"),
    }
}

/// The type for a column of this declaration with these values.
///
/// # Errors
/// [`Mixed`] where timestamps are written in several forms.
pub fn created_type(declared: &str, observed: &Observed) -> Result<CreatedType, Mixed> {
    let kept = match meaning(declared) {
        Meaning::Plain(name, text) => plain(name, text),
        Meaning::Text { limited: false } => plain("text", "text"),
        Meaning::Text { limited: true } => {
            CreatedType { departure: Some(Departure::Length), ..plain("text", "text") }
        }
        Meaning::Numeric if observed.misfits => {
            CreatedType { departure: Some(Departure::Scale), ..plain("numeric", "numeric") }
        }
        Meaning::Numeric => numeric(declared),
        Meaning::Boolean if observed.misfits => match observed.class() {
            Some(StorageClass::Integer) => {
                CreatedType { departure: Some(Departure::Bits), ..plain("int8", "bigint") }
            }
            _ => CreatedType { departure: Some(Departure::Words), ..plain("text", "text") },
        },
        // JSON in SQLite's own binary form.
        Meaning::Json if observed.class() == Some(StorageClass::Blob) => plain("bytea", "bytea"),
        Meaning::Json if observed.misfits => {
            CreatedType { departure: Some(Departure::Json), ..plain("text", "text") }
        }
        Meaning::Json => plain("json", "json"),
        Meaning::Boolean => plain("bool", "boolean"),
        Meaning::Timestamp => match observed.timestamps.judge()? {
            Some(form) if form.is_instant() => plain("timestamptz", "timestamp with time zone"),
            _ => plain("timestamp", "timestamp without time zone"),
        },
        Meaning::Unknown => match observed.class() {
            Some(StorageClass::Integer) => plain("int8", "bigint"),
            Some(StorageClass::Real) => plain("float8", "double precision"),
            Some(StorageClass::Blob) => plain("bytea", "bytea"),
            _ => plain("text", "text"),
        },
    };
    Ok(kept)
}

fn plain(name: &'static str, text: &str) -> CreatedType {
    CreatedType { name, modifier: -1, text: text.to_owned(), departure: None }
}

fn meaning(declared: &str) -> Meaning {
    let upper = declared.to_ascii_uppercase();
    let (name, limits) = upper.split_once('(').unwrap_or((&upper, ""));
    let name = name.trim();
    let words: Vec<_> = name.split_ascii_whitespace().collect();
    let zoned = upper.contains("WITH TIME ZONE") || name == "TIMESTAMPTZ";
    let first = words.first().copied().unwrap_or_default();
    if words.iter().any(|word| is_integer(word)) {
        return Meaning::Plain("int8", "bigint");
    }
    match first {
        _ if first.starts_with("BOOL") => Meaning::Boolean,
        _ if zoned => Meaning::Plain("timestamptz", "timestamp with time zone"),
        "REAL" | "FLOAT" | "FLOAT4" | "FLOAT8" | "DOUBLE" => {
            Meaning::Plain("float8", "double precision")
        }
        "NUMERIC" | "DECIMAL" | "DEC" | "NUMBER" => Meaning::Numeric,
        "UUID" | "GUID" | "UNIQUEIDENTIFIER" => Meaning::Plain("uuid", "uuid"),
        "JSON" | "JSONB" => Meaning::Json,
        "DATE" => Meaning::Plain("date", "date"),
        "TIME" => Meaning::Plain("time", "time without time zone"),
        "DATETIME" | "TIMESTAMP" => Meaning::Timestamp,
        "BYTEA" | "BINARY" | "VARBINARY" => Meaning::Plain("bytea", "bytea"),
        // The rules by which SQLite itself reads a declaration.
        _ if ["CHAR", "CLOB", "TEXT"].iter().any(|word| name.contains(word)) => {
            Meaning::Text { limited: !limits.is_empty() }
        }
        "STRING" => Meaning::Text { limited: !limits.is_empty() },
        _ if name.contains("BLOB") => Meaning::Plain("bytea", "bytea"),
        _ => Meaning::Unknown,
    }
}

/// `INTEGER`, `BIGINT`, `INT8`; not `POINT` or `INTERVAL`, which hold the word as well.
fn is_integer(word: &str) -> bool {
    let word = ["TINY", "SMALL", "MEDIUM", "BIG"]
        .iter()
        .find_map(|size| word.strip_prefix(size))
        .unwrap_or(word);
    let digits = word.strip_prefix("INT").unwrap_or("-");
    digits.is_empty() || digits == "EGER" || matches!(digits, "2" | "4" | "8")
}

/// With the limits, where PostgreSQL takes them.
fn numeric(declared: &str) -> CreatedType {
    let inside = declared.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let mut numbers = inside.map_or("", |(inside, _)| inside).split(',');
    let mut next = || numbers.next().and_then(|number| number.trim().parse::<i32>().ok());
    let (Some(precision @ 1..=1000), scale) = (next(), next().unwrap_or_default()) else {
        return plain("numeric", "numeric");
    };
    if !(0..=precision).contains(&scale) {
        return plain("numeric", "numeric");
    }
    CreatedType {
        modifier: (precision << 16 | scale) + 4,
        ..plain("numeric", &format!("numeric({precision},{scale})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(declared: &str, values: &[Value]) -> String {
        let mut observed = Observed::of(needed_fit(declared).unwrap_or_default());
        for value in values {
            observed.add(*value);
        }
        let created = created_type(declared, &observed).expect("one form of timestamps");
        let limits = Limits::of_modifier(created.modifier);
        assert_eq!(limits.is_some(), created.text.contains('('), "{declared}");
        created.text
    }

    #[test]
    fn declarations_have_types() {
        let cases = [
            ("INTEGER", "bigint"),
            ("unsigned big int", "bigint"),
            ("TINYINT(1)", "bigint"),
            ("INT8", "bigint"),
            ("POINT", "text"),
            ("interval", "text"),
            ("REAL", "double precision"),
            ("DOUBLE PRECISION", "double precision"),
            ("decimal(10, 2)", "numeric(10,2)"),
            ("NUMERIC(5)", "numeric(5,0)"),
            ("NUMERIC", "numeric"),
            ("NUMERIC(2,5)", "numeric"),
            ("TEXT", "text"),
            ("VARCHAR(64)", "text"),
            ("native character(70)", "text"),
            ("CLOB", "text"),
            ("BLOB", "bytea"),
            ("uuid", "uuid"),
            ("JSON", "json"),
            ("jsonb", "json"),
            ("DATE", "date"),
            ("TIME", "time without time zone"),
            ("TIMESTAMP WITH TIME ZONE", "timestamp with time zone"),
            ("timestamp(3) with time zone", "timestamp with time zone"),
            ("ANY", "text"),
            ("", "text"),
        ];
        for (declared, expected) in cases {
            assert_eq!(created(declared, &[]), expected, "{declared}");
        }
    }

    #[test]
    fn values_decide_where_the_declaration_does_not() {
        let cases: [(&str, &[Value], &str); 24] = [
            ("BOOLEAN", &[Value::Integer(0), Value::Null, Value::Integer(1)], "boolean"),
            ("bool", &[Value::Integer(2)], "bigint"),
            ("bool", &[Value::Text(b"t"), Value::Text(b"False"), Value::Integer(1)], "boolean"),
            ("bool", &[Value::Text(b"maybe"), Value::Integer(1)], "text"),
            ("bool", &[Value::Integer(2), Value::Text(b"true")], "text"),
            ("decimal(10,2)", &[Value::Real(1.25), Value::Integer(7)], "numeric(10,2)"),
            ("decimal(10,2)", &[Value::Real(1.239)], "numeric"),
            ("decimal(10,2)", &[Value::Text(b"1.500")], "numeric(10,2)"),
            ("DECIMAL(5)", &[Value::Real(12_345.6)], "numeric"),
            ("number(4)", &[Value::Integer(10_000)], "numeric"),
            ("json", &[Value::Text(b"{}"), Value::Integer(1)], "json"),
            ("json", &[Value::Text(b"{}"), Value::Text(b"")], "text"),
            ("JSONB", &[Value::Blob(b"\x4c")], "bytea"),
            ("decimal(4,1)", &[Value::Text(b"none")], "numeric(4,1)"),
            ("DATETIME", &[], "timestamp without time zone"),
            ("DATETIME", &[Value::Text(b"2024-01-01 10:00:00")], "timestamp without time zone"),
            ("DATETIME", &[Value::Text(b"2024-01-01T10:00:00Z")], "timestamp with time zone"),
            ("timestamp", &[Value::Integer(1_700_000_000)], "timestamp with time zone"),
            ("timestamp(6)", &[Value::Real(2_460_000.5)], "timestamp with time zone"),
            ("", &[Value::Integer(1)], "bigint"),
            ("", &[Value::Real(1.5), Value::Null], "double precision"),
            ("", &[Value::Blob(b"x")], "bytea"),
            ("ANY", &[Value::Integer(1), Value::Text(b"x")], "text"),
            ("money", &[Value::Integer(1), Value::Integer(2)], "bigint"),
        ];
        for (declared, values, expected) in cases {
            assert_eq!(created(declared, values), expected, "{declared} {values:?}");
            assert!(needed_fit(declared).is_some(), "{declared}");
        }
        let mut mixed = Observed::default();
        mixed.add(Value::Integer(1_700_000_000));
        let mut other = Observed::default();
        other.add(Value::Text(b"2024-01-01"));
        mixed.merge(&other);
        assert!(created_type("DATETIME", &mixed).is_err());
    }

    #[test]
    fn what_gets_lost_is_noted() {
        let why = |declared| {
            created_type(declared, &Observed::default()).map(|created| created.departure)
        };
        assert_eq!(why("VARCHAR(64)"), Ok(Some(Departure::Length)));
        assert_eq!(why("TEXT"), Ok(None));
    }
}
