//! The forms in which a column may keep its moments.

use std::fmt;
use std::str::FromStr;

/// How all values of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampForm {
    Text(Zone),
    /// A number since 1970; by size only as long as each value has the size that this unit has.
    Unix {
        unit: Unit,
        by_size: bool,
    },
    /// Days since noon of 4714-11-24 BC.
    Julian,
    /// Seconds since 2001; nanoseconds, where the number is too large for seconds.
    Apple,
    /// Microseconds since 1601.
    WebKit,
    /// Units of 100 nanoseconds since the year 1.
    Ticks,
}

/// What text says of its offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// No value has one.
    None,
    /// It is 0, or there is none, which means the same.
    Utc,
    /// Every value has one.
    Given,
    /// As somebody has decided: where there is none, it is UTC.
    Any,
}

/// What a number of Unix time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Second,
    Milli,
    Micro,
    Nano,
}

impl TimestampForm {
    /// For people; equal forms have equal names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text(Zone::None) => "text without an offset",
            Self::Text(Zone::Utc) => "text in UTC",
            Self::Text(Zone::Given) => "text with an offset",
            Self::Text(Zone::Any) => "text",
            Self::Unix { unit: Unit::Second, .. } => "seconds since 1970",
            Self::Unix { unit: Unit::Milli, .. } => "milliseconds since 1970",
            Self::Unix { unit: Unit::Micro, .. } => "microseconds since 1970",
            Self::Unix { unit: Unit::Nano, .. } => "nanoseconds since 1970",
            Self::Julian => "julian days",
            Self::Apple => "time since 2001 (Apple)",
            Self::WebKit => "microseconds since 1601 (WebKit)",
            Self::Ticks => ".NET ticks",
        }
    }

    /// Whether a value that is written in another form cannot be read in this one, so that it is the form of a column
    /// of which all values can be read.
    pub fn refuses_all_others(self) -> bool {
        match self {
            Self::Text(zone) => zone != Zone::Any,
            Self::Unix { by_size, .. } => by_size,
            _ => false,
        }
    }

    /// Whether its values name an instant and no mere time on a wall.
    pub fn is_instant(self) -> bool {
        self != Self::Text(Zone::None)
    }
}

impl fmt::Display for TimestampForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The words of the configuration.
pub const WORDS: &[(&str, TimestampForm)] = &[
    ("text", TimestampForm::Text(Zone::Any)),
    ("unix", TimestampForm::Unix { unit: Unit::Second, by_size: false }),
    ("unixms", TimestampForm::Unix { unit: Unit::Milli, by_size: false }),
    ("unixus", TimestampForm::Unix { unit: Unit::Micro, by_size: false }),
    ("unixns", TimestampForm::Unix { unit: Unit::Nano, by_size: false }),
    ("julian", TimestampForm::Julian),
    ("apple", TimestampForm::Apple),
    ("webkit", TimestampForm::WebKit),
    ("ticks", TimestampForm::Ticks),
];

impl FromStr for TimestampForm {
    /// The words that there are.
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, form)| *form).ok_or_else(|| {
            let known: Vec<_> = WORDS.iter().map(|(known, _)| *known).collect();
            format!("must be one of: {}", known.join(", "))
        })
    }
}
