//! SQL as text that can be seen: fixed queries are `.sql` files beside this one, variable ones come
//! from the pure builders below. Statements are of type [`Sql`]; `sql!` accepts names, literals and
//! other `Sql`, never a plain string, so an unquoted name or value does not compile.
//!
//! Everything that is not a table's own object is written with `pg_catalog.`: the search path is
//! the role's, and objects that somebody put into `public` must not be picked up.

pub mod apply;
pub mod buckets;
pub mod ddl;
pub mod digest;
pub mod horizon;
pub mod keys;
pub mod log;
mod log_indexes;
mod made;
mod moment;
mod origin;
pub mod park;
pub mod read;
pub mod rows;
pub mod sequence;
pub mod statement;
pub mod swap;
pub mod tally;

use std::fmt::{self, Write};

use crate::ident::{Ident, TableName};

/// A statement, or a piece of one, that is safe to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql(String);

impl Sql {
    /// For text that stands in this program and for `sql!`.
    pub fn trusted(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts with `separator` between them.
    pub fn join<T: Fragment>(parts: impl IntoIterator<Item = T>, separator: &str) -> Self {
        let mut text = String::new();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                text.push_str(separator);
            }
            let _ = write!(text, "{}", Shown(&part));
        }
        Self(text)
    }
}

/// What may stand in a statement.
pub trait Fragment {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// A value as a string constant. Sound because every session pins `standard_conforming_strings`.
#[derive(Clone, Copy, Debug)]
pub struct Literal<'a>(pub &'a str);

impl Fragment for Literal<'_> {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

/// A value as a string constant, or NULL.
impl Fragment for Option<Literal<'_>> {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Some(literal) => literal.write(f),
            None => f.write_str("null"),
        }
    }
}

impl Fragment for Sql {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Fragment for Ident {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.quoted())
    }
}

impl Fragment for TableName {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.quoted())
    }
}

impl<T: Fragment> Fragment for &T {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).write(f)
    }
}

macro_rules! numbers_are_fragments {
    ($($number:ty),*) => {$(
        impl Fragment for $number {
            fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
    )*};
}
numbers_are_fragments!(u32, u64, i64, usize, bool);

/// Shows a fragment to `format!`; only `sql!` and [`Sql::join`] use it.
pub struct Shown<'a, T: Fragment>(pub &'a T);

impl<T: Fragment> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f)
    }
}

/// `format!` for statements: `sql!("select {column} from {table}", column = name, table = table)`.
macro_rules! sql {
    ($text:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::sql::Sql::trusted(format!($text $(, $name = $crate::sql::Shown(&$value))*))
    };
}
pub(crate) use sql;

#[cfg(test)]
mod tests;
