//! Columns of every declared type, values of every storage class, and what the server makes of them.

use rusqlite::types::ValueRef;

use super::texts::Texts;
use crate::support::Random;

/// A declared type, the types that the target's column may have where it is there before, and what is surely a
/// value of all of them.
struct Kind {
    declared: &'static str,
    there: &'static [&'static str],
    plain: fn(&mut Random) -> String,
}

const fn kind(
    declared: &'static str,
    there: &'static [&'static str],
    plain: fn(&mut Random) -> String,
) -> Kind {
    Kind { declared, there, plain }
}

const NUMBERS: &[&str] = &["bigint", "smallint", "numeric", "float8", "real", "text", "varchar(5)"];
const TEXTS: &[&str] = &["text", "varchar(9)", "char(8)", "bytea"];

const KINDS: &[Kind] = &[
    kind("integer", NUMBERS, small),
    kind("int", NUMBERS, small),
    kind("tinyint(1)", &["boolean"], |random| random.below(2).to_string()),
    kind("unsigned big int", NUMBERS, small),
    kind("real", &["float8", "real", "numeric", "text"], quarter),
    kind("double precision", &["float8", "numeric(8,2)"], quarter),
    kind("float", &["float8"], quarter),
    kind("numeric", &["numeric", "float8"], quarter),
    kind("decimal(8,2)", &["numeric(8,2)", "numeric(12,4)", "text"], quarter),
    kind("text", TEXTS, word),
    kind("varchar(10)", TEXTS, word),
    kind("clob", TEXTS, word),
    kind("string", &["text"], small),
    kind("blob", &["bytea"], |random| format!("x'{:06x}'", random.below(1 << 24))),
    kind("boolean", &["boolean", "smallint"], |random| random.below(2).to_string()),
    kind("uuid", &["uuid"], |random| format!("x'{:016x}{:016x}'", random.next(), random.next())),
    kind("json", &["json", "jsonb", "text"], json),
    kind("date", &["date"], |random| format!("'2024-02-{:02}'", 1 + random.below(29))),
    kind("time", &["time", "time(0)"], |random| format!("'0{}:59:58.5'", random.below(10))),
    kind("datetime", MOMENTS, null),
    kind("timestamp", MOMENTS, null),
    kind("timestamp with time zone", MOMENTS, null),
    kind("", &["text"], null),
    kind("any", &["bigint", "bytea"], null),
    kind("money", &["numeric"], null),
];

const MOMENTS: &[&str] = &["timestamp", "timestamptz", "timestamptz(3)"];

fn null(_: &mut Random) -> String {
    "null".to_owned()
}

fn small(random: &mut Random) -> String {
    random.below(30_000).to_string()
}

fn quarter(random: &mut Random) -> String {
    format!("{:?}", random.below(4_000) as f64 / 4.0)
}

fn word(random: &mut Random) -> String {
    format!("'é{}'", random.below(1_000_000))
}

fn json(random: &mut Random) -> String {
    format!("'{{\"b\": [{}, null],  \"a\": 1.50}}'", random.below(100))
}

/// How all moments of a column are written.
#[derive(Clone, Copy, PartialEq)]
enum Written {
    Local,
    Zoned,
    Seconds,
    Millis,
}

pub struct Column {
    pub name: String,
    kind: &'static Kind,
    written: Written,
    /// Its type on a target that has it before.
    pub there: &'static str,
}

impl Column {
    pub fn draw(random: &mut Random, number: usize) -> Self {
        let kind = &KINDS[random.below(KINDS.len() as u64) as usize];
        let forms = [Written::Local, Written::Zoned, Written::Seconds, Written::Millis];
        let there = kind.there[random.below(kind.there.len() as u64) as usize];
        let written = forms[random.below(4) as usize];
        Self { name: format!("c{number}"), kind, written, there }
    }

    pub fn declared(&self) -> &'static str {
        self.kind.declared
    }

    fn has_moments(&self) -> bool {
        self.kind.there == MOMENTS
    }

    /// A value that the target takes, whatever its column is.
    pub fn plain(&self, random: &mut Random) -> String {
        if self.has_moments() { self.moment(random) } else { (self.kind.plain)(random) }
    }

    /// A value of any storage class.
    pub fn any(&self, random: &mut Random) -> String {
        if random.chance(35) {
            return self.plain(random);
        }
        let texts = ["word", "", "é 語🦀", "a\tb\\c\nd", "\\N", "\\.", "t", "  x  ", "NaN"];
        let text = format!("'{}'", texts[random.below(texts.len() as u64) as usize]);
        let blobs = ["x''", "x'00ff'", "cast(x'ff41' as text)", "cast(x'410042' as text)"];
        let blob = blobs[random.below(4) as usize].to_owned();
        // A number or a date would be a second form of a column of moments, and text that is no JSON is refused
        // by the target only.
        let is_json = self.kind.declared == "json";
        match random.below(12) {
            0 => "null".to_owned(),
            1 | 2 => blob,
            3 | 4 if !is_json => text,
            _ if self.has_moments() || self.kind.declared == "date" => blob,
            5 => (random.next() as i64 >> random.below(63)).to_string(),
            6 => random.below(3).to_string(),
            7 => format!("{:?}", (random.next() as i64 >> random.below(60)) as f64 / 8.0),
            8 if !is_json => ["9e999", "-9e999", "-0.0", "1e300", "4e-320", "0.1"]
                [random.below(6) as usize]
                .to_owned(),
            9 if !is_json => format!("'{}'", random.below(100_000)),
            10 if !is_json => format!("' -{}.50 '", random.below(1_000)),
            11 if !is_json => "'2024-02-29 24:00:00'".to_owned(),
            _ => random.below(1_000).to_string(),
        }
    }

    fn moment(&self, random: &mut Random) -> String {
        let seconds = 1_600_000_000 + random.below(400_000_000);
        let local = format!("2024-02-{:02} 10:0{}:00", 1 + random.below(29), random.below(10));
        match self.written {
            Written::Local => format!("'{local}.25'"),
            Written::Zoned => format!("'{}Z'", local.replace(' ', "T")),
            Written::Seconds => seconds.to_string(),
            Written::Millis => format!("{seconds}125"),
        }
    }

    /// What the server makes of a value for a column of this type, as SQL.
    pub fn expected(&self, value: ValueRef<'_>, type_text: &str, texts: &Texts) -> String {
        let is_moment = type_text.starts_with("timestamp") || type_text == "date";
        let text = match value {
            ValueRef::Null => return "null".to_owned(),
            ValueRef::Integer(number) if is_moment => self.instant(number, type_text),
            ValueRef::Integer(number) => format!("'{number}'"),
            ValueRef::Real(number) => real(number, type_text, texts),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) if type_text == "bytea" => {
                format!("'\\x{}'", hex(bytes))
            }
            ValueRef::Text(bytes) => {
                format!("'{}'", String::from_utf8_lossy(bytes).replace('\'', "''"))
            }
            ValueRef::Blob(bytes) => format!("'{}'", hex(bytes)),
        };
        format!("{text}::{type_text}::text")
    }

    fn instant(&self, number: i64, type_text: &str) -> String {
        let unit = if self.written == Written::Millis { "millisecond" } else { "second" };
        // Moments without a zone are in UTC, which is the session's.
        let plain = type_text.split('(').next().unwrap_or_default();
        let whole = if plain.len() < type_text.len() { "timestamptz" } else { plain };
        format!("('epoch'::{whole} + {number} * interval '1 {unit}')")
    }
}

fn real(number: f64, type_text: &str, texts: &Texts) -> String {
    let written = match number {
        f64::INFINITY => "'Infinity'".to_owned(),
        f64::NEG_INFINITY => "'-Infinity'".to_owned(),
        number => format!("'{number:e}'"),
    };
    match type_text {
        "boolean" => format!("{written}::numeric::integer"),
        "bigint" | "smallint" => format!("{written}::numeric"),
        text if text.starts_with("char") || text == "text" || text.starts_with("json") => {
            format!("'{}'", texts.text(number))
        }
        _ => written,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
