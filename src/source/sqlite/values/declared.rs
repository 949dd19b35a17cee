//! The type of a column that is created on the target, from the type that SQLite's table declares. SQLite does
//! not check it, so some declarations need to know what values there are.

use super::moment::{Mixed, Tally};
use super::{StorageClass, Value};

/// What occurs in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    integers: bool,
    reals: bool,
    texts: bool,
    blobs: bool,
    /// Something that is neither 0 nor 1.
    no_bits: bool,
    timestamps: Tally,
}

impl Observed {
    /// Takes note of one value of the column.
    pub fn add(&mut self, value: Value) {
        match value {
            Value::Null => return,
            Value::Integer(_) => self.integers = true,
            Value::Real(_) => self.reals = true,
            Value::Text(_) => self.texts = true,
            Value::Blob(_) => self.blobs = true,
        }
        self.no_bits |= !matches!(value, Value::Integer(0 | 1));
        self.timestamps.add(value);
    }

    /// What another reader has seen.
    pub fn merge(&mut self, other: &Self) {
        self.integers |= other.integers;
        self.reals |= other.reals;
        self.texts |= other.texts;
        self.blobs |= other.blobs;
        self.no_bits |= other.no_bits;
        self.timestamps.merge(&other.timestamps);
    }

    /// In which forms moments are written.
    pub fn timestamps(&self) -> &Tally {
        &self.timestamps
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
    /// What the declaration says and the type does not.
    pub note: Option<String>,
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
    Timestamp,
    /// Nothing: the values decide.
    Unknown,
}

/// Whether the type depends on the values.
pub fn needs_values(declared: &str) -> bool {
    matches!(meaning(declared), Meaning::Boolean | Meaning::Timestamp | Meaning::Unknown)
}

/// The type for a column of this declaration with these values.
///
/// # Errors
/// [`Mixed`] where timestamps are written in several forms.
pub fn created_type(declared: &str, observed: &Observed) -> Result<CreatedType, Mixed> {
    let kept = match meaning(declared) {
        Meaning::Plain(name, text) => plain(name, text),
        Meaning::Text { limited: false } => plain("text", "text"),
        Meaning::Text { limited: true } => CreatedType {
            note: Some(format!("{declared} becomes text: SQLite does not check the length")),
            ..plain("text", "text")
        },
        Meaning::Numeric => numeric(declared),
        Meaning::Boolean if observed.no_bits => CreatedType {
            note: Some(format!("{declared} becomes bigint: it holds more than 0 and 1")),
            ..plain("int8", "bigint")
        },
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
    CreatedType { name, modifier: -1, text: text.to_owned(), note: None }
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
        "JSON" => Meaning::Plain("json", "json"),
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
        let mut observed = Observed::default();
        for value in values {
            observed.add(*value);
        }
        let created = created_type(declared, &observed).expect("one form of timestamps");
        let limits = super::super::numeric::Limits::of_modifier(created.modifier);
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
        let cases: [(&str, &[Value], &str); 12] = [
            ("BOOLEAN", &[Value::Integer(0), Value::Null, Value::Integer(1)], "boolean"),
            ("bool", &[Value::Integer(2)], "bigint"),
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
            assert!(needs_values(declared), "{declared}");
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
        let note = |declared: &str| created_type(declared, &Observed::default()).map(|t| t.note);
        let expected = "VARCHAR(64) becomes text: SQLite does not check the length".to_owned();
        assert_eq!(note("VARCHAR(64)"), Ok(Some(expected)));
        assert_eq!(note("TEXT"), Ok(None));
    }
}
