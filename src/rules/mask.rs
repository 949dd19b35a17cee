//! The ready-made masks, their parameters and what each leaves of the difference between two values.

use std::fmt;

use crate::ident::Ident;

/// How one column's values are replaced on the source. NULL stays NULL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mask {
    /// NULL.
    Null,
    /// The empty text, or the empty value of the type: 0, false, `{}`.
    Empty,
    /// One value for all rows, as the text that the column's type reads.
    Value(String),
    /// Text that only says that something stood there.
    Redact,
    /// This many hexadecimal digits of the keyed hash, 1 to 32.
    Hash {
        digits: u8,
    },
    /// `u<24 hexadecimal digits>@example.com`; letter case does not count.
    Email,
    Uuid,
    /// Text of the same length and letter classes.
    Text,
    /// Words of about the same length.
    Lorem,
    NameFirst,
    NameLast,
    NameFull,
    /// A telephone number of the same form.
    Phone,
    /// An address of the same network of 16 bits.
    Ip,
    Url,
    /// The first of January of the same year.
    DateYear,
    /// Moved by up to so many days; by the row's key, or by the value of a column of the same row.
    DateShift {
        days: u32,
        by: Option<Ident>,
    },
    /// Changed by up to this share, a decimal number above 0 and up to 1 as written; by the row's key.
    NumberNoise {
        share: String,
    },
    /// The nearest multiple of this, a decimal number above 0 as written.
    NumberRound {
        step: String,
    },
    /// The number of a payment card in a range for tests, with a valid check digit.
    Card,
    /// The values at these paths are masked, each in its own way.
    Json(Vec<(JsonPath, Mask)>),
    /// A SQL expression over the source's table, as the user wrote it.
    Sql(String),
}

/// Whether two different values stay different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Uniqueness {
    /// They do, but for less than one chance in a billion among a billion rows.
    Unique,
    /// They may become equal.
    Lossy,
    /// Nobody can tell.
    Unknown,
}

/// Where in a JSON value: the keys from its root on, `$.a.b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPath(pub Vec<String>);

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|key| match key.contains(['.', '"']) {
            true => write!(f, ".\"{}\"", key.replace('"', "\\\"")),
            false => write!(f, ".{key}"),
        })
    }
}

/// Digits of a hash from which on two values do not become equal by chance.
const UNIQUE_DIGITS: u8 = 24;

impl Mask {
    /// The name of every mask, as users write it.
    pub const NAMES: [&'static str; 22] = [
        "null",
        "empty",
        "value",
        "redact",
        "hash",
        "email",
        "uuid",
        "text",
        "lorem",
        "name.first",
        "name.last",
        "name.full",
        "phone",
        "ip",
        "url",
        "date.year",
        "date.shift",
        "number.noise",
        "number.round",
        "card",
        "json",
        "sql",
    ];

    /// As users write it. Also the domain of its hashes: one value, masked by one kind, is equal everywhere.
    pub fn name(&self) -> &'static str {
        match self {
            Mask::Null => "null",
            Mask::Empty => "empty",
            Mask::Value(_) => "value",
            Mask::Redact => "redact",
            Mask::Hash { .. } => "hash",
            Mask::Email => "email",
            Mask::Uuid => "uuid",
            Mask::Text => "text",
            Mask::Lorem => "lorem",
            Mask::NameFirst => "name.first",
            Mask::NameLast => "name.last",
            Mask::NameFull => "name.full",
            Mask::Phone => "phone",
            Mask::Ip => "ip",
            Mask::Url => "url",
            Mask::DateYear => "date.year",
            Mask::DateShift { .. } => "date.shift",
            Mask::NumberNoise { .. } => "number.noise",
            Mask::NumberRound { .. } => "number.round",
            Mask::Card => "card",
            Mask::Json(_) => "json",
            Mask::Sql(_) => "sql",
        }
    }

    /// Whether what it gives depends on the mask key.
    pub fn is_keyed(&self) -> bool {
        match self {
            Mask::Hash { .. }
            | Mask::Email
            | Mask::Uuid
            | Mask::Text
            | Mask::Lorem
            | Mask::NameFirst
            | Mask::NameLast
            | Mask::NameFull
            | Mask::Phone
            | Mask::Ip
            | Mask::Url
            | Mask::DateShift { .. }
            | Mask::NumberNoise { .. }
            | Mask::Card => true,
            Mask::Json(parts) => parts.iter().any(|(_, mask)| mask.is_keyed()),
            Mask::Null
            | Mask::Empty
            | Mask::Value(_)
            | Mask::Redact
            | Mask::DateYear
            | Mask::NumberRound { .. }
            | Mask::Sql(_) => false,
        }
    }

    /// Whether different values stay different.
    pub fn uniqueness(&self) -> Uniqueness {
        match self {
            Mask::Email | Mask::Uuid | Mask::Url => Uniqueness::Unique,
            Mask::Hash { digits } if *digits >= UNIQUE_DIGITS => Uniqueness::Unique,
            Mask::Json(parts) => {
                let parts = parts.iter().map(|(_, mask)| mask.uniqueness());
                parts.max().unwrap_or(Uniqueness::Unique)
            }
            Mask::Sql(_) => Uniqueness::Unknown,
            _ => Uniqueness::Lossy,
        }
    }
}
