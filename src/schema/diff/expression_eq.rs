//! Whether two expressions, as servers of one version print them, differ in nothing but casts that
//! keep a value: those depend on the types of columns. Knows no grammar: what it does not understand
//! is another expression.

/// Types in which a value stays what it is, or raises an error.
const SAFE: &[&[&str]] =
    &[&["text"], &["character", "varying"], &["smallint"], &["integer"], &["bigint"]];

/// Whether one is the other, but for casts.
pub fn differ_in_casts_only(here: &str, there: &str) -> bool {
    plain(&tokens(here)) == plain(&tokens(there))
}

/// Whether they differ in nothing but casts and parentheses: other expressions may, too, and hardly any that people write.
pub fn differ_in_form_only(here: &str, there: &str) -> bool {
    bare(&tokens(here)) == bare(&tokens(there))
}

/// Whether the expression names the column. Words that are no columns count too.
pub fn names(expression: &str, column: &str) -> bool {
    let quoted = format!("\"{}\"", column.replace('"', "\"\""));
    tokens(expression).iter().any(|token| *token == column || *token == quoted)
}

/// Words, constants, quoted names, `::`, and each other sign by itself.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
        let length = match first {
            '\'' | '"' => quoted(rest, first),
            _ if rest.starts_with("::") => 2,
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// The length of a constant or a name in quotes; a quote in it is doubled.
fn quoted(text: &str, quote: char) -> usize {
    let mut quotes = text.match_indices(quote).map(|(place, _)| place).skip(1).peekable();
    while let Some(place) = quotes.next() {
        if quotes.next_if_eq(&(place + 1)).is_none() {
            return place + 1;
        }
    }
    text.len()
}

/// Without safe casts, and without the parentheses that a cast brings with it.
fn plain<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    let mut plain: Vec<&str> = Vec::new();
    // Where the open parentheses are, and where the pair that ended last began.
    let mut open = Vec::new();
    let mut ended = None;
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        place += 1;
        if let Some(length) = safe_type(&tokens[place..]).filter(|_| *token == "::") {
            place += length;
            continue;
        }
        match *token {
            "(" => open.push(plain.len()),
            ")" => {
                let Some(start) = open.pop() else { return tokens.to_vec() };
                let is_call = start.checked_sub(1).is_some_and(|before| is_name(plain[before]));
                let inner = plain.len() - start - 1;
                // `(v)` is `v`, and `((a + b))` is `(a + b)`.
                if inner == 1 && !is_call {
                    plain.remove(start);
                    ended = None;
                    continue;
                }
                if inner > 1 && ended == Some((start + 1, plain.len())) {
                    plain.remove(start);
                    ended = Some((start, plain.len()));
                    continue;
                }
                plain.push(")");
                ended = Some((start, plain.len()));
                continue;
            }
            _ => {}
        }
        plain.push(token);
    }
    plain
}

/// What follows the first word in the names of types.
const MORE_OF_A_TYPE: &[&str] =
    &["varying", "precision", "with", "without", "time", "zone", "[", "]"];

/// Without casts and parentheses.
fn bare<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    let mut bare = Vec::new();
    let mut rest = tokens.iter();
    while let Some(token) = rest.next() {
        match *token {
            "(" | ")" => {}
            "::" => {
                rest.next();
                let more = rest.as_slice().iter().take_while(|next| MORE_OF_A_TYPE.contains(next));
                let more = more.count();
                rest = rest.as_slice()[more..].iter();
            }
            token => bare.push(token),
        }
    }
    bare
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '"'))
}

/// How many tokens a safe type takes with which these begin. One with a limit cuts values.
fn safe_type(tokens: &[&str]) -> Option<usize> {
    let words = SAFE.iter().find(|words| tokens.starts_with(words))?;
    let goes_on = tokens.get(words.len()).is_some_and(|next| matches!(*next, "(" | "["));
    (!goes_on).then_some(words.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_are_no_difference_and_everything_else_is_one() {
        let cases = [
            ("(upper((v)::text) || 'a'::text)", "(upper(v) || 'a'::text)", true),
            ("((n * 2))::bigint", "(n * 2)", true),
            ("f(((a + b))::bigint)", "f((a + b))", true),
            ("(n * 2)", "(n * (2)::bigint)", true),
            ("(v)::character varying", "v", true),
            ("(v)::character varying(3)", "(v)::character varying(5)", false),
            ("(v)::text[]", "v", false),
            ("(n / 2)", "(n / (2)::numeric)", false),
            ("(n * 2)", "(n * 3)", false),
            ("((a + b) * c)", "(a + (b * c))", false),
            ("upper(v)", "lower(v)", false),
            ("upper(v)", "v", false),
            ("(v || 'x::text'::text)", "(v || 'x'::text)", false),
            ("(v || 'it''s ('::text)", "(v || 'it''s )'::text)", false),
            ("(v || ' a'::text)", "(v || 'a'::text)", false),
        ];
        for (here, there, expected) in cases {
            assert_eq!(differ_in_casts_only(here, there), expected, "{here} and {there}");
            assert_eq!(differ_in_casts_only(there, here), expected, "{there} and {here}");
        }
    }

    #[test]
    fn what_a_server_words_anew_has_another_form_only() {
        let cases = [
            (
                "((VALUE)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
                "((VALUE)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text]))",
                true,
            ),
            ("(VALUE > '1'::double precision)", "(VALUE > (1)::double precision)", false),
            ("((VALUE >= 0) AND (VALUE <= 100))", "((VALUE >= 0) AND (VALUE <= 1000))", false),
            ("((VALUE)::text IS NULL)", "((VALUE)::text IS NOT NULL)", false),
            ("(VALUE <> '2'::text)", "(VALUE <> '3'::text)", false),
        ];
        for (here, there, expected) in cases {
            assert_eq!(differ_in_form_only(here, there), expected, "{here} and {there}");
        }
    }

    #[test]
    fn a_column_is_named_by_its_whole_name_only() {
        assert!(names("((v)::text || \"V v\")", "v"));
        assert!(names("((v)::text || \"V v\")", "V v"));
        assert!(!names("(vv || 'v'::text)", "v"));
    }
}
