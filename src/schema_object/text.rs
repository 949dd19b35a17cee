//! What a server says of itself and a statement takes in: names, which are quoted again, and text that
//! stays text. The latter is accepted only where it cannot end what it is placed in.

use std::fmt;

use serde::Deserialize;

use crate::ident::Ident;

/// The name of an object. One without a schema is found by the search path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Name {
    pub schema: Option<Ident>,
    pub name: Ident,
}

impl Name {
    /// Of `public."Item"`, as `quote_ident` and `regclass` print it.
    pub fn parse(text: &str) -> Option<Self> {
        let Part { name: first, rest } = part(text)?;
        if rest.is_empty() {
            return Some(Self { schema: None, name: first });
        }
        let Part { name, rest } = part(rest.strip_prefix('.')?)?;
        rest.is_empty().then_some(Self { schema: Some(first), name })
    }

    /// The name as SQL needs it.
    pub fn quoted(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", schema.quoted(), self.name.quoted()),
            None => self.name.quoted(),
        }
    }

    /// As the server prints it.
    pub fn printed(&self) -> String {
        let schema = self.schema.as_ref().map(|schema| format!("{}.", schema.typed()));
        schema.unwrap_or_default() + &self.name.typed()
    }

    /// Another name in the same schema.
    pub fn beside(&self, name: &Ident) -> Self {
        Self { schema: self.schema.clone(), name: name.clone() }
    }
}

/// For people, in quotes where it would be misread without.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.printed())
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not a name"))
    }
}

/// The name with which a text begins, and what follows it.
struct Part<'t> {
    name: Ident,
    rest: &'t str,
}

fn part(text: &str) -> Option<Part<'_>> {
    if let Some(inner) = text.strip_prefix('"') {
        let length = length_in_quotes(inner, '"')?;
        let name = inner[..length].replace("\"\"", "\"");
        return (length > 0).then(|| Part { name: Ident::new(name), rest: &inner[length + 1..] });
    }
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let length = text.find(|c| !is_plain(c)).unwrap_or(text.len());
    let begins_well = !text.starts_with(|c: char| c.is_ascii_digit()) && length > 0;
    begins_well.then(|| Part { name: Ident::new(&text[..length]), rest: &text[length..] })
}

/// How long the text is up to the quote that ends it; doubled ones are part of it.
fn length_in_quotes(text: &str, quote: char) -> Option<usize> {
    let mut quotes = text.match_indices(quote).map(|(place, _)| place).peekable();
    while let Some(place) = quotes.next() {
        if quotes.next_if_eq(&(place + 1)).is_none() {
            return Some(place);
        }
    }
    None
}

/// An expression of a server, which is always placed in parentheses: it does not leave them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Expression(String);

/// A list of expressions, or another part of a definition: no parenthesis and no statement ends in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Enclosed(String);

impl Expression {
    /// The text, without the parentheses around it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Enclosed {
    /// The text, without what surrounds it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Expression {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match closes(&text) {
            Some(Commas::Inside) => Ok(Self(text)),
            _ => Err(format!("{text:?} is not an expression")),
        }
    }
}

impl TryFrom<String> for Enclosed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match closes(&text) {
            Some(_) => Ok(Self(text)),
            None => Err(format!("{text:?} is not a part of a definition")),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Commas {
    Inside,
    Outside,
}

/// Whether all that opens in the text closes in it, and nothing else does, whatever the server that reads
/// it takes for a constant, a comment or the end of a statement; and whether commas stand outside of all
/// parentheses. Knows no more than servers print: dollar quotes, comments and constants in several
/// pieces are refused.
fn closes(text: &str) -> Option<Commas> {
    let (mut open, mut commas, mut after_constant) = (Vec::new(), Commas::Inside, false);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
        let mut length = first.len_utf8();
        let mut ends_constant = false;
        match first {
            '\'' => {
                if after_constant {
                    return None;
                }
                length = 2 + length_in_quotes(&rest[1..], '\'')?;
                ends_constant = true;
            }
            'e' | 'E' if rest[1..].starts_with('\'') => {
                if after_constant {
                    return None;
                }
                length = 3 + length_with_escapes(&rest[2..])?;
                ends_constant = true;
            }
            '"' => length = 2 + length_in_quotes(&rest[1..], '"')?,
            '(' | '[' => open.push(first),
            ')' => (open.pop() == Some('(')).then_some(())?,
            ']' => (open.pop() == Some('[')).then_some(())?,
            ',' if open.is_empty() => commas = Commas::Outside,
            ';' | '$' | '\\' | '\0' => return None,
            _ if rest.starts_with("--") || rest.starts_with("/*") => return None,
            _ if is_word(first) => {
                // Within a name `$` is a letter, after a number it may begin a constant.
                let in_word = |c: char| is_word(c) || c == '$' && !first.is_ascii_digit();
                length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            }
            _ => {}
        }
        after_constant = ends_constant || after_constant && first.is_ascii_whitespace();
        rest = &rest[length..];
    }
    (open.is_empty() && !text.trim().is_empty()).then_some(commas)
}

/// How long the rest of a constant is in which a backslash escapes.
fn length_with_escapes(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut place = 0;
    loop {
        match bytes.get(place)? {
            b'\\' => place += 2,
            b'\'' if bytes.get(place + 1) == Some(&b'\'') => place += 2,
            b'\'' => return Some(place),
            _ => place += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_the_server_quotes_it() {
        let name = |schema: Option<&str>, name: &str| {
            Some(Name { schema: schema.map(Ident::new), name: Ident::new(name) })
        };
        let cases = [
            ("item", name(None, "item")),
            ("public.item", name(Some("public"), "item")),
            ("\"Mixed Case\".\"a\"\".b\"", name(Some("Mixed Case"), "a\".b")),
            ("\"a; drop table x\"", name(None, "a; drop table x")),
            ("a; drop table x", None),
            ("a.b.c", None),
            ("a b", None),
            ("Item", None),
            ("1a", None),
            ("\"a", None),
            ("\"\"", None),
            ("", None),
            ("a.", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Name::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn an_expression_stays_in_its_parentheses() {
        let cases = [
            ("(v > 0)", true),
            ("nextval('public.s'::regclass)", true),
            ("'it''s) ('::text", true),
            ("E'a\\'b)\\\\'::text", true),
            ("(\"odd )\" || lower(x, y))", true),
            ("a$b + 1", true),
            ("ARRAY[1, (2)]", true),
            ("(v - '-1'::integer)", true),
            ("U&'d\\0061t'::text", true),
            ("0), drop column v, add column w int default (1", false),
            ("0, 1", false),
            ("0)", false),
            ("(0", false),
            ("(0]", false),
            ("0; drop table x", false),
            ("0 -- ", false),
            ("0 /* ", false),
            ("$$a$$", false),
            ("1$a$ ) $a$", false),
            ("'a", false),
            ("E'a\\'", false),
            ("E'a'\n'\\' ), drop column v, add w int default ('x'", false),
            ("\"a", false),
            ("\\! true", false),
            ("  ", false),
        ];
        for (text, expected) in cases {
            assert_eq!(Expression::try_from(text.to_owned()).is_ok(), expected, "{text}");
        }
        assert!(Enclosed::try_from("FOR VALUES FROM (1, 2) TO (3, 4), x".to_owned()).is_ok());
        assert!(Enclosed::try_from("DEFAULT; select 1".to_owned()).is_err());
    }
}
