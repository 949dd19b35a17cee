//! Whether a text can be one SQL expression. It is put into statements in parentheses, so a text that ends the
//! parenthesis, the statement or its last line would say something else than it seems to. What the expression
//! means is the server's to judge.

/// # Errors
/// What keeps the text from being one expression.
pub fn check(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("is empty".into());
    }
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '\'' if is_escape_string(text, rest) => after_escaped(&rest[1..])?,
            '\'' => after(&rest[1..], "'").ok_or("has a ' that nothing closes")?,
            '"' => after(&rest[1..], "\"").ok_or("has a \" that nothing closes")?,
            '$' if is_dollar_quote(text, rest) => after_dollar(rest)?,
            '-' if rest.starts_with("--") => return Err("has a comment; leave it out".into()),
            '/' if rest.starts_with("/*") => return Err("has a comment; leave it out".into()),
            ';' => return Err("has a ; and is more than one expression".into()),
            '(' | '[' => {
                open.push(c);
                &rest[1..]
            }
            ')' | ']' => {
                let opened = if c == ')' { '(' } else { '[' };
                if open.pop() != Some(opened) {
                    return Err(format!("has a {c} that nothing opens"));
                }
                &rest[1..]
            }
            c => &rest[c.len_utf8()..],
        };
    }
    open.pop().map_or(Ok(()), |c| Err(format!("has a {c} that nothing closes")))
}

fn after<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.split_once(end).map(|(_, after)| after)
}

/// What stands before `rest` in `text`.
fn before<'a>(text: &'a str, rest: &str) -> &'a str {
    &text[..text.len() - rest.len()]
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// `E'it\'s'`, where a backslash escapes.
fn is_escape_string(text: &str, rest: &str) -> bool {
    let mut letters = before(text, rest).chars().rev();
    matches!(letters.next(), Some('e' | 'E')) && !letters.next().is_some_and(is_word)
}

fn after_escaped(mut rest: &str) -> Result<&str, String> {
    while let Some(at) = rest.find(['\\', '\'']) {
        if rest[at..].starts_with('\'') {
            return Ok(&rest[at + 1..]);
        }
        let escaped = rest[at + 1..].chars().next().map_or(0, char::len_utf8);
        rest = &rest[at + 1 + escaped..];
    }
    Err("has a ' that nothing closes".into())
}

/// `$tag$`, where no name goes on.
fn is_dollar_quote(text: &str, rest: &str) -> bool {
    let tag = rest[1..].split_once('$').map(|(tag, _)| tag);
    tag.is_some_and(|tag| {
        tag.chars().all(is_word) && !tag.starts_with(|c: char| c.is_ascii_digit())
    }) && !before(text, rest).ends_with(is_word)
}

fn after_dollar(rest: &str) -> Result<&str, String> {
    let tag = rest[1..].split_once('$').map_or(0, |(tag, _)| tag.len()) + 2;
    after(&rest[tag..], &rest[..tag])
        .ok_or_else(|| format!("has a {} that nothing closes", &rest[..tag]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_expression_or_says_why_not() {
        let cases = [
            ("created_at > now() - interval '90 days'", ""),
            ("a in (select b from c where d = 'x;y')", ""),
            ("name = 'it''s' and \"odd;\"\"name\" = 1", ""),
            (r"a = E'it\'s;' and b = e'\\'", ""),
            (r"rate = '\' and x", ""),
            ("a = $$;)--$$ or b = $t$ ( $t$", ""),
            ("a$1$ = 1", ""),
            ("tags[1] = 'a'", ""),
            ("a - -1 > 0 and b / 2 > 0", ""),
            ("", "is empty"),
            (" ", "is empty"),
            ("a; drop table b", "has a ; and is more than one expression"),
            ("a) or (b", "has a ) that nothing opens"),
            ("(a", "has a ( that nothing closes"),
            ("(a]", "has a ] that nothing opens"),
            ("a -- b", "has a comment; leave it out"),
            ("a /* b */", "has a comment; leave it out"),
            ("a = 'b", "has a ' that nothing closes"),
            (r"a = E'b\'", "has a ' that nothing closes"),
            ("\"a", "has a \" that nothing closes"),
            ("a = $x$ b", "has a $x$ that nothing closes"),
        ];
        for (text, expected) in cases {
            assert_eq!(check(text).err().unwrap_or_default(), expected, "{text}");
        }
    }
}
