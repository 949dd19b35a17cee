//! Statements that hold text which a server printed: expressions, bounds, definitions. Such a statement
//! is sent alone, in a message that takes only one: whatever the text says, it begins no other one.

use std::fmt::{self, Write};

use crate::schema_object::text::{Enclosed, Expression};
use crate::sql::{Fragment, STATEMENT, Shown, Sql};

/// One statement, or a piece of one, that is sent alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement(String);

impl Statement {
    /// For `statement!`.
    pub fn of(text: fmt::Arguments<'_>) -> Self {
        Self(text.to_string())
    }

    /// A whole statement that a server printed about itself, to be run on that very server.
    pub fn of_its_own_server(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A whole statement that the user wrote for this server.
    pub fn of_the_user(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The statement's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The statement in one line that can be pasted, unless its values or bodies have lines of their own.
    pub fn on_one_line(&self) -> String {
        if self.0.contains("--") || self.0.contains('$') {
            return self.0.clone();
        }
        let mut line = String::with_capacity(self.0.len());
        let mut quote = None;
        for c in self.0.chars() {
            match (quote, c) {
                (Some(end), c) if end == c => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                _ => {}
            }
            let is_break = quote.is_none() && matches!(c, '\n' | ' ');
            let follows = line.ends_with([' ', '(']) || line.is_empty();
            match c {
                _ if is_break && follows => {}
                '\n' if is_break => line.push(' '),
                ')' if quote.is_none() && line.ends_with(' ') => {
                    line.pop();
                    line.push(c);
                }
                c => line.push(c),
            }
        }
        line
    }

    /// The parts with `separator` between them.
    pub fn join<T: Piece>(parts: impl IntoIterator<Item = T>, separator: &'static str) -> Self {
        let mut text = String::with_capacity(STATEMENT);
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                text.push_str(separator);
            }
            let _ = write!(text, "{}", Placed(&part));
        }
        Self(text)
    }
}

impl From<Sql> for Statement {
    fn from(sql: Sql) -> Self {
        Self(sql.as_str().to_owned())
    }
}

/// What may stand in a statement that is sent alone.
pub trait Piece {
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl<T: Fragment> Piece for T {
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Shown(self), f)
    }
}

impl Piece for Statement {
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Piece for &Statement {
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Always in parentheses, which it does not leave.
impl Piece for Expression {
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.as_str())
    }
}

impl Piece for &Expression {
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).place(f)
    }
}

impl Piece for Enclosed {
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Piece for &Enclosed {
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).place(f)
    }
}

/// Shows a piece to `format_args!`; only `statement!` and [`Statement::join`] use it.
pub struct Placed<'a, T: Piece>(pub &'a T);

impl<T: Piece> fmt::Display for Placed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.place(f)
    }
}

/// `sql!` for statements that are sent alone.
macro_rules! statement {
    ($text:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::sql::statement::Statement::of(
            format_args!($text $(, $name = $crate::sql::statement::Placed(&$value))*))
    };
}
pub(crate) use statement;
