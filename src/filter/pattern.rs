//! One include or exclude pattern, read and matched. Knows nothing of tables that exist.
//!
//! Written by hand because path globs differ where it matters: their `?` and classes match bytes
//! (`?` would miss `é`), and braces, backslashes, `**` and `[^x]` mean something that is not
//! promised here.

use crate::ident::TableName;

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
    schema: Option<Vec<Token>>,
    name: Vec<Token>,
}

impl Pattern {
    /// The error says what is wrong with `text`, naming it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text).map_err(|wrong| format!("pattern \"{text}\" {wrong}"))?;
        // The first dot outside brackets separates; names with dots are reached by qualifying them.
        Ok(match tokens.iter().position(|token| *token == Token::Char('.')) {
            Some(dot) => {
                Self { schema: Some(tokens[..dot].to_vec()), name: tokens[dot + 1..].to_vec() }
            }
            None => Self { schema: None, name: tokens },
        })
    }

    /// Whether it can match more than the name that it spells.
    pub fn has_wildcard(&self) -> bool {
        let wild = |tokens: &[Token]| tokens.iter().any(|token| !matches!(token, Token::Char(_)));
        wild(&self.name) || self.schema.as_deref().is_some_and(wild)
    }

    pub fn matches(&self, table: &TableName) -> bool {
        let schema = |tokens: &Vec<Token>| matches(tokens, table.schema.as_str());
        self.schema.as_ref().is_none_or(schema) && matches(&self.name, table.name.as_str())
    }
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
                let (class, length) = class(&chars[at..])?;
                tokens.push(class);
                at += length;
            }
            c => tokens.push(Token::Char(c)),
        }
    }
    Ok(tokens)
}

/// Reads a class after its `[`; also says how many characters it takes, `]` included.
fn class(chars: &[char]) -> Result<(Token, usize), String> {
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
    Ok((Token::Class { negated, ranges }, end + 1))
}

/// Matches in time proportional to the product of both lengths: on a mismatch only the last `*`
/// takes one more character.
fn matches(tokens: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut token, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(token), name.get(at)) {
            (Some(Token::Many), _) => {
                retry = Some((token, at));
                token += 1;
            }
            (Some(wanted), Some(&c)) if wanted.accepts(c) => {
                token += 1;
                at += 1;
            }
            (None, None) => return true,
            _ => match retry {
                Some((star, taken)) if taken < name.len() => {
                    retry = Some((star, taken + 1));
                    (token, at) = (star + 1, taken + 1);
                }
                _ => return false,
            },
        }
    }
}

impl Token {
    fn accepts(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::One => true,
            Token::Many => false,
            Token::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
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
