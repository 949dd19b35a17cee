//! Values that the target's type cannot hold.

use std::fmt;

/// One of SQLite's storage classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StorageClass {
    Null,
    Integer,
    Real,
    Text,
    Blob,
}

/// Why a value does not fit; without the value, which may be personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (stored as {class})")]
pub struct BadValue {
    pub class: StorageClass,
    pub reason: Reason,
}

/// Why a value cannot be one of its column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// With the type of the column.
    #[error("not a value of type {0}")]
    NotOfType(&'static str),
    #[error("holds a fraction, which the column cannot hold")]
    Fraction,
    #[error("out of the range of {0}")]
    OutOfRange(&'static str),
    #[error("longer than {0} characters")]
    TooLong(u32),
    #[error("holds a NUL, which PostgreSQL cannot store in text")]
    Nul,
    #[error("not valid UTF-8")]
    Encoding,
    #[error("none of the labels of the column's type")]
    NoLabel,
    #[error("nested more than {0} levels deep")]
    TooDeep(usize),
    /// PostgreSQL's calendar goes from 1 BC to 1 AD.
    #[error("the year 0, which PostgreSQL does not have")]
    YearZero,
    #[error("no date or time of day that exists")]
    NoSuchDate,
    #[error("has a time of day, which a date cannot hold")]
    TimeOfDay,
    /// Written in another form than the column's: the form of the column, and what is to do.
    #[error("not in the column's form of timestamps, {0}; set \"timestamps\" in the configuration")]
    OtherForm(&'static str),
    #[error("infinite, which numeric is only from PostgreSQL 14 on, and only without a precision")]
    Infinite,
    #[error("NULL, which no part of a key can be")]
    NullInKey,
    #[error("{0}")]
    Geometry(String),
}

impl Reason {
    /// The same of another type, where it names one.
    pub fn of_type(self, name: &'static str) -> Self {
        match self {
            Self::NotOfType(_) => Self::NotOfType(name),
            reason => reason,
        }
    }
}

impl StorageClass {
    /// SQLite's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Text => "text",
            Self::Blob => "blob",
        }
    }
}

impl fmt::Display for StorageClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
