//! One include or exclude pattern, read here and matched by globset. Knows nothing of tables that exist.
//!
//! What a pattern promises is less than what globset reads: there are `*`, `?` and classes, and nothing
//! else. So the pattern is read here, and globset is given it in [`spelling`].

use globset::{Glob, GlobSet};

use super::spelling;
use crate::ident::{Ident, TableName};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
    /// `[a-z_]`, `[!0-9]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// A pattern as written, ready to match.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Set when the pattern is qualified: `schema.table`.
    schema: Option<GlobSet>,
    name: GlobSet,
    has_wildcard: bool,
    is_everything: bool,
}

impl Pattern {
    /// # Errors
    /// What is wrong with `text`, naming it.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|wrong| format!("pattern \"{text}\" {wrong}"))
    }

    fn read(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        // The first dot outside brackets separates; names with dots are reached by qualifying them.
        let (schema, name) = match tokens.iter().position(|token| *token == Token::Char('.')) {
            Some(dot) => (Some(&tokens[..dot]), &tokens[dot + 1..]),
            None => (None, &tokens[..]),
        };
        Ok(Self::new(schema.map(compile).transpose()?, compile(name)?, &tokens))
    }

    /// A pattern for names without a schema: its dots are characters like others.
    ///
    /// # Errors
    /// What is wrong with `text`, naming it.
    pub fn of_name(text: &str) -> Result<Self, String> {
        let read = || {
            let tokens = tokens(text)?;
            Ok(Self::new(None, compile(&tokens)?, &tokens))
        };
        read().map_err(|wrong: String| format!("pattern \"{text}\" {wrong}"))
    }

    fn new(schema: Option<GlobSet>, name: GlobSet, tokens: &[Token]) -> Self {
        let is_wild = |token: &Token| !matches!(token, Token::Char(_));
        Self {
            schema,
            name,
            has_wildcard: tokens.iter().any(is_wild),
            is_everything: tokens.last() == Some(&Token::Many)
                && matches!(tokens[..tokens.len() - 1], [] | [.., Token::Char('.')]),
        }
    }

    /// Whether it is qualified: `schema.table`.
    pub fn has_schema(&self) -> bool {
        self.schema.is_some()
    }

    /// Whether it matches every table, or every table of the schemas that it names: `*`, `public.*`.
    pub fn is_everything(&self) -> bool {
        self.is_everything
    }

    /// Whether it can match more than the name that it spells.
    pub fn has_wildcard(&self) -> bool {
        self.has_wildcard
    }

    /// Whether this name of a schema is one of those that the pattern names.
    pub fn matches_name(&self, name: &Ident) -> bool {
        self.name.is_match(spelling::text(name.as_str()))
    }

    /// Whether the table is one of those that the pattern names.
    pub fn matches(&self, table: &TableName) -> bool {
        let fits = |glob: &GlobSet, name: &str| glob.is_match(spelling::text(name));
        self.schema.as_ref().is_none_or(|schema| fits(schema, table.schema.as_str()))
            && fits(&self.name, table.name.as_str())
    }
}

/// A set of one: unlike a single `GlobMatcher`, it says when a pattern is too large instead of panicking.
fn compile(tokens: &[Token]) -> Result<GlobSet, String> {
    let glob: String = tokens.iter().map(Token::spelled).collect();
    let compiled = Glob::new(&glob).and_then(|glob| GlobSet::builder().add(glob).build());
    compiled.map_err(|error| format!("cannot be used: {}", error.kind()))
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            // Two stars match what one does; one is cheaper.
            '*' if tokens.last() == Some(&Token::Many) => {}
            '*' => tokens.push(Token::Many),
            '?' => tokens.push(Token::One),
            '[' => {
                let class = class(&chars[at..])?;
                tokens.push(class.token);
                at += class.length;
            }
            c => tokens.push(Token::Char(c)),
        }
    }
    Ok(tokens)
}

/// A class of characters, and how many characters it takes in the pattern: its `]`, but not its `[`.
struct Class {
    token: Token,
    length: usize,
}

/// Reads a class after its `[`.
fn class(chars: &[char]) -> Result<Class, String> {
    let negated = chars.first() == Some(&'!');
    let start = usize::from(negated);
    // A `]` in first place is one of the class, as in a shell.
    let end = (start + 1..chars.len()).find(|&i| chars[i] == ']');
    let end = end.ok_or("has a [ without a ]; a [ in a name is written [[]")?;
    let mut ranges = Vec::new();
    let mut rest = &chars[start..end];
    while let Some(&low) = rest.first() {
        let high = match rest {
            [_, '-', high, ..] => {
                rest = &rest[3..];
                *high
            }
            _ => {
                rest = &rest[1..];
                low
            }
        };
        if high < low {
            return Err(format!("has the range {low}-{high}, which runs backwards"));
        }
        ranges.push((low, high));
    }
    Ok(Class { token: Token::Class { negated, ranges }, length: end + 1 })
}

impl Token {
    /// What globset is to match in place of it.
    fn spelled(&self) -> String {
        match self {
            Token::Char(c) => spelling::char(*c),
            Token::One => spelling::ANY.to_owned(),
            Token::Many => "*".to_owned(),
            Token::Class { negated: false, ranges } => spelling::one_of(ranges),
            Token::Class { negated: true, ranges } => spelling::none_of(ranges),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_promised() {
        let cases = [
            ("users", "users", true),
            ("users", "Users", false),
            ("user_*", "user_", true),
            ("user_*", "xuser_a", false),
            ("*", "", true),
            ("*", "a.b/c", true),
            ("**", "a/b", true),
            ("**/b", "b", false),
            ("*_log", "audit_log", true),
            ("*_log", "audit_logs", false),
            ("*a*b*c", "xxaxbxbxc", true),
            ("*a*b*c", "xxaxbxbx", false),
            ("audit_[0-9]*", "audit_2024", true),
            ("audit_[0-9]*", "audit_x", false),
            ("[!a-c]x", "dx", true),
            ("[!a-c]x", "bx", false),
            ("[^x]", "^", true),
            ("[^x]", "x", true),
            ("[^x]", "y", false),
            ("[]a]", "]", true),
            ("[!]a]", "]", false),
            ("[a-]", "-", true),
            ("[[]1]", "[1]", true),
            ("[.]", ".", true),
            ("?", "é", true),
            ("?", "名", true),
            ("?", "", false),
            ("[é]", "é", true),
            ("[à-ü]x", "éx", true),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("a\\*", "a\\b", true),
            ("a\\*", "a*", false),
            ("a]", "a]", true),
        ];
        for (pattern, name, expected) in cases {
            let table = TableName::new("public", name);
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(&table), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_qualified_pattern_matches_both_parts() {
        let cases = [
            ("app.users", "app", "users", true),
            ("app.users", "public", "users", false),
            ("*.users", "app", "users", true),
            ("app.*", "app", "a.b", true),
            ("app_?.v1.*", "app_1", "v1.x", true),
            ("v1.*", "public", "v1.x", false),
            ("a[.]b*", "public", "a.bc", true),
        ];
        for (pattern, schema, name, expected) in cases {
            let table = TableName::new(schema, name);
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(&table), expected, "{pattern} on {table}");
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        let pattern = Pattern::parse(&"*a".repeat(200)).unwrap();
        assert!(!pattern.matches(&TableName::new("public", "a".repeat(199))));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let unclosed = "has a [ without a ]; a [ in a name is written [[]";
        for text in ["[a", "a[", "[]", "[!]", "x[!a"] {
            assert_eq!(Pattern::parse(text).unwrap_err(), format!("pattern \"{text}\" {unclosed}"));
        }
        assert_eq!(
            Pattern::parse("[z-a]").unwrap_err(),
            "pattern \"[z-a]\" has the range z-a, which runs backwards"
        );
    }
}
