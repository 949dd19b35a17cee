//! What pgsync says to a server, without what stands in quotes.

use std::sync::{Arc, Mutex, PoisonError};

/// The statements that a server was sent.
#[derive(Clone, Default)]
pub struct Recorded(Arc<Mutex<Vec<Statement>>>);

struct Statement {
    /// A simple query may hold several statements. Of one that is parsed the server accepts one only.
    is_simple: bool,
    text: String,
}

impl Recorded {
    /// A message of the client, by its kind.
    pub fn message(&self, kind: u8, body: &[u8]) {
        let texts: Vec<&[u8]> = body.split(|byte| *byte == 0).collect();
        let text = match kind {
            b'Q' => texts.first(),
            b'P' => texts.get(1),
            _ => return,
        };
        let text = String::from_utf8_lossy(text.copied().unwrap_or_default()).into_owned();
        let statement = Statement { is_simple: kind == b'Q', text };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(statement);
    }

    /// How many statements there were.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The first simple query in which `word` stands outside of all quotes.
    pub fn outside_of_quotes(&self, word: &str) -> Option<String> {
        let statements = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let simple = statements.iter().filter(|statement| statement.is_simple);
        simple.map(|statement| unquoted(&statement.text)).find(|text| text.contains(word))
    }
}

/// The statement without comments, and with a blank for each name and each constant in quotes. See "Lexical
/// Structure" in PostgreSQL's manual.
fn unquoted(statement: &str) -> String {
    let (mut kept, mut rest) = (String::new(), statement);
    while let Some(c) = rest.chars().next() {
        let before = kept.chars().next_back();
        let length = match c {
            '\'' if matches!(before, Some('e' | 'E')) => quoted(rest, '\'', true),
            '\'' | '"' => quoted(rest, c, false),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '$' => dollar_quoted(rest).unwrap_or(0),
            _ => 0,
        };
        if length == 0 {
            kept.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            kept.push(' ');
            rest = &rest[length..];
        }
    }
    kept
}

/// How many bytes stand in the quotes, these included.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && escapes {
            characters.next();
        } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + c.len_utf8();
        }
    }
    text.len()
}

fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = text[1..].find('$').map(|end| &text[..end + 2])?;
    let is_tag = tag[1..tag.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
    let end = is_tag.then(|| text[tag.len()..].find(tag))?;
    Some(end.map_or(text.len(), |end| end + 2 * tag.len()))
}

#[test]
fn quotes_end_where_the_server_ends_them() {
    let cases = [
        ("select 'a''b' x", "select   x"),
        (r"select 'a\' x", "select   x"),
        (r"select E'a\' x' y", "select E  y"),
        (r#"select "a""; b" x"#, "select   x"),
        ("select 1 -- x\nfrom y", "select 1  \nfrom y"),
        ("select $a$ x $$ $a$ y", "select   y"),
        ("select $1 x", "select $1 x"),
    ];
    for (statement, expected) in cases {
        assert_eq!(unquoted(statement), expected);
    }
}
