//! Defaults of columns that are created: constants and the time of now. Others mean something to SQLite only.

use super::form::{Form, TargetType};
use super::{CreatedType, Datum, Value};

/// What becomes of a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreatedDefault {
    /// There is none, or it is NULL.
    None,
    /// As PostgreSQL prints expressions.
    Expression(String),
    /// It cannot be had on the target.
    LeftOut,
}

/// The default of a created column. `written` is as SQLite's catalog has it.
pub fn created_default(written: &str, created: &CreatedType) -> CreatedDefault {
    let written = without_parentheses(written.trim());
    if let Some(now) = now(written, created.name) {
        return now
            .map_or(CreatedDefault::LeftOut, |now| CreatedDefault::Expression(now.to_owned()));
    }
    let Some(constant) = Constant::read(written) else { return CreatedDefault::LeftOut };
    let target =
        TargetType { schema: "pg_catalog", name: created.name, modifier: created.modifier };
    let form = Form::of(target, None);
    match form.read(constant.value()) {
        Ok(Datum::Null) => CreatedDefault::None,
        Ok(datum) => CreatedDefault::Expression(literal(&datum, &created.text)),
        Err(_) => CreatedDefault::LeftOut,
    }
}

fn without_parentheses(text: &str) -> &str {
    match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        // `(1) + (2)` is no constant, and remains none.
        Some(inner) => without_parentheses(inner.trim()),
        None => text,
    }
}

/// The time of now, which SQLite means in UTC; `None` inside where the type has no use of it.
fn now(written: &str, target: &str) -> Option<Option<&'static str>> {
    let word: String = written.chars().filter(|letter| !letter.is_whitespace()).collect();
    let word = word.to_ascii_lowercase().replace('"', "'");
    let known = match word.as_str() {
        "current_timestamp" | "datetime('now')" | "datetime()" => match target {
            "timestamptz" => Some("CURRENT_TIMESTAMP"),
            "timestamp" => Some("timezone('UTC'::text, CURRENT_TIMESTAMP)"),
            "text" => Some(
                "to_char(timezone('UTC'::text, CURRENT_TIMESTAMP), 'YYYY-MM-DD HH24:MI:SS'::text)",
            ),
            _ => None,
        },
        "current_date" | "date('now')" | "date()" => match target {
            "date" => Some("(timezone('UTC'::text, CURRENT_TIMESTAMP))::date"),
            "text" => Some("to_char(timezone('UTC'::text, CURRENT_TIMESTAMP), 'YYYY-MM-DD'::text)"),
            _ => None,
        },
        "current_time" | "time('now')" | "time()" => match target {
            "time" => Some("(timezone('UTC'::text, CURRENT_TIMESTAMP))::time without time zone"),
            "text" => Some("to_char(timezone('UTC'::text, CURRENT_TIMESTAMP), 'HH24:MI:SS'::text)"),
            _ => None,
        },
        _ => return None,
    };
    Some(known)
}

/// A constant of SQLite.
enum Constant {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Constant {
    fn read(written: &str) -> Option<Self> {
        match written.to_ascii_lowercase().as_str() {
            "" | "null" => return Some(Self::Null),
            "true" => return Some(Self::Integer(1)),
            "false" => return Some(Self::Integer(0)),
            _ => {}
        }
        // Text in double quotes is text, too, where no column can be meant.
        for quote in ['\'', '"'] {
            if let Some(text) = quoted(written, quote) {
                return Some(Self::Text(text));
            }
        }
        if let Some(digits) = written.strip_prefix(['x', 'X']) {
            return bytes(&quoted(digits, '\'')?).map(Self::Blob);
        }
        let is_number =
            written.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        if !is_number {
            return None;
        }
        let integer = written.parse().map(Self::Integer);
        integer.or_else(|_| written.parse().map(Self::Real)).ok()
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(*number),
            Self::Real(number) => Value::Real(*number),
            Self::Text(text) => Value::Text(text.as_bytes()),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

/// What is between quotes; none where they end before the end.
fn quoted(written: &str, quote: char) -> Option<String> {
    let inner = written.strip_prefix(quote)?.strip_suffix(quote)?;
    let twice = format!("{quote}{quote}");
    if inner.replace(&twice, "").contains(quote) {
        return None;
    }
    Some(inner.replace(&twice, &quote.to_string()))
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// As PostgreSQL prints a constant of this type.
fn literal(datum: &Datum, type_text: &str) -> String {
    let mut printed = Vec::new();
    datum.print(&mut printed);
    let text = String::from_utf8_lossy(&printed);
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match datum {
        Datum::Boolean(value) => value.to_string(),
        Datum::Integer(_) | Datum::Numeric(_) | Datum::Float8(_) if is_plain => text.into_owned(),
        _ => {
            let mark = if text.contains('\\') { "E" } else { "" };
            let quoted = text.replace('\\', "\\\\").replace('\'', "''");
            format!("{mark}'{quoted}'::{type_text}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::declared::{Observed, created_type};
    use super::*;

    #[test]
    fn defaults_are_translated() {
        let cases = [
            ("0", "INTEGER", "0"),
            ("-1", "INTEGER", "'-1'::bigint"),
            ("(5)", "INTEGER", "5"),
            ("'7'", "INTEGER", "7"),
            ("1", "BOOLEAN", "true"),
            ("FALSE", "BOOLEAN", "false"),
            ("1.5", "REAL", "1.5"),
            ("1.5", "DECIMAL(10,2)", "1.50"),
            ("'it''s'", "TEXT", "'it''s'::text"),
            ("\"draft\"", "TEXT", "'draft'::text"),
            ("'a\\b'", "TEXT", "E'a\\\\b'::text"),
            ("''", "TEXT", "''::text"),
            ("5", "TEXT", "'5'::text"),
            ("x'00FF'", "BLOB", "E'\\\\x00ff'::bytea"),
            ("'2024-01-01'", "DATE", "'2024-01-01'::date"),
            ("CURRENT_DATE", "DATE", "(timezone('UTC'::text, CURRENT_TIMESTAMP))::date"),
            ("CURRENT_TIMESTAMP", "DATETIME", "timezone('UTC'::text, CURRENT_TIMESTAMP)"),
            ("(datetime( 'now' ))", "TIMESTAMPTZ", "CURRENT_TIMESTAMP"),
        ];
        for (written, declared, expected) in cases {
            let created = created_type(declared, &Observed::default()).expect("a type");
            let default = created_default(written, &created);
            assert_eq!(default, CreatedDefault::Expression(expected.to_owned()), "{written}");
        }
    }

    #[test]
    fn others_are_left_out() {
        let created = |declared| created_type(declared, &Observed::default()).expect("a type");
        for (written, declared) in [
            ("(random())", "INTEGER"),
            ("(1) + (2)", "INTEGER"),
            ("'a' || 'b'", "TEXT"),
            ("(datetime('now', 'localtime'))", "DATETIME"),
            ("CURRENT_TIMESTAMP", "INTEGER"),
            ("0", "DATETIME"),
            ("'never'", "DATETIME"),
            ("x'0'", "BLOB"),
            ("(strftime('%s', 'now'))", "INTEGER"),
        ] {
            let default = created_default(written, &created(declared));
            assert_eq!(default, CreatedDefault::LeftOut, "{written}");
        }
        assert_eq!(created_default("NULL", &created("TEXT")), CreatedDefault::None);
        assert_eq!(created_default("(null)", &created("TEXT")), CreatedDefault::None);
    }
}
