//! SQL as text that can be seen: fixed queries are `.sql` files beside this one, variable ones come
//! from the pure builders below. Statements are of type [`Sql`]; `sql!` accepts names, literals and
//! other `Sql`, never a plain string, so an unquoted name or value does not compile.
//!
//! Everything that is not a table's own object is written with `pg_catalog.`: the search path is
//! the role's, and objects that somebody put into `public` must not be picked up.

pub mod apply;
pub mod buckets;
pub mod check;
pub mod compared;
mod created_tables;
pub mod ddl;
pub mod dialect;
pub mod digest;
pub mod displace;
pub mod domains;
mod functions;
pub mod horizon;
pub mod keyless;
pub mod keys;
pub mod large_objects;
pub mod mapping;
pub mod mask;
pub mod newest;
pub mod not_null;
pub mod objects;
mod origin;
pub mod query;
pub mod read;
pub mod reference_systems;
mod rewrite_check;
pub mod rights_trial;
pub mod samples;
pub mod sequence;
pub mod share;
pub mod short_locks;
pub mod statement;
pub mod swap;
pub mod sync_log;
mod sync_log_indexes;
pub mod sync_log_proofs;
mod sync_log_rows;
mod sync_log_status;
pub mod tally;
mod text_search;
pub mod trust;
mod types;
pub mod user_expression;
pub mod user_types;
pub mod view;

use std::fmt::{self, Write};

use crate::ident::{Ident, OperatorName, TableName, write_doubled};
use crate::schema_object::text::Name;

/// Room for most statements: a text that grows from nothing is copied half a dozen times.
const STATEMENT: usize = 256;

/// A statement, or a piece of one, that is safe to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql(String);

impl Sql {
    /// For text that stands in this program: what a server or a user says does not compile here.
    pub fn trusted(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// For `sql!` alone, which takes nothing but fragments (`scripts/check-layers.sh` looks).
    pub fn assembled(text: fmt::Arguments<'_>) -> Self {
        let mut assembled = String::with_capacity(STATEMENT);
        let _ = assembled.write_fmt(text);
        Self(assembled)
    }

    /// A text of this program with each of its holes, `$name`, filled once. Its comments are left out: what fills
    /// a hole may have a line feed, and that ends a comment.
    pub fn filled(text: &'static str, holes: &[(&str, &Sql)]) -> Self {
        let text = without_comments(text);
        let (mut filled, mut rest) = (String::with_capacity(text.len()), text.as_str());
        while let Some((before, after)) = rest.split_once('$') {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, behind) = after.split_at(end.unwrap_or(after.len()));
            let hole = holes.iter().find(|(hole, _)| *hole == name);
            filled.push_str(before);
            match hole {
                Some((_, sql)) => filled.push_str(&sql.0),
                None => filled.extend(["$", name]),
            }
            rest = behind;
        }
        Self(filled + rest)
    }

    /// The statement's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts with `separator` between them.
    pub fn join<T: Fragment>(parts: impl IntoIterator<Item = T>, separator: &str) -> Self {
        let mut text = String::with_capacity(STATEMENT);
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                text.push_str(separator);
            }
            let _ = write!(text, "{}", Shown(&part));
        }
        Self(text)
    }
}

/// A text of this program without what stands behind `--`, except in quotes.
fn without_comments(text: &'static str) -> String {
    let (mut kept, mut quote) = (String::with_capacity(text.len()), None);
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"', '-']) {
        let (before, found) = rest.split_at(at);
        kept.push_str(before);
        let behind = if quote.is_none() && found.starts_with("--") {
            found.find('\n').unwrap_or(found.len())
        } else {
            let sign = found.as_bytes()[0];
            quote = match quote {
                _ if sign == b'-' => quote,
                None => Some(sign),
                Some(open) => Some(open).filter(|open| *open != sign),
            };
            kept.push_str(&found[..1]);
            1
        };
        rest = &found[behind..];
    }
    kept + rest
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
        f.write_str("'")?;
        write_doubled(f, self.0, '\'')?;
        f.write_str("'")
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
        self.write_quoted(f)
    }
}

impl Fragment for TableName {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_quoted(f)
    }
}

impl Fragment for OperatorName {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Fragment for Name {
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
        $crate::sql::Sql::assembled(format_args!($text $(, $name = $crate::sql::Shown(&$value))*))
    };
}
pub(crate) use sql;

#[cfg(test)]
mod tests;
