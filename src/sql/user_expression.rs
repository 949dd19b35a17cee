//! An expression that a user wrote about a row of a table of the source: a filter, a mask. It is one
//! expression and stays in its parentheses, whatever it says; what it says of the clock is of one moment,
//! the same for every session that reads for a run.

use std::fmt;

use crate::schema_object::text::Expression;
use crate::sql::{Fragment, Literal, Sql, sql};

/// The text, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserExpression(String);

/// Functions that give the moment at which a transaction or a statement began.
const CLOCKS: &[&str] = &["now", "transaction_timestamp", "statement_timestamp"];

/// Keywords that do, with the type that they give.
const CLOCK_WORDS: &[(&str, &str)] = &[
    ("current_timestamp", "timestamptz"),
    ("localtimestamp", "timestamp"),
    ("current_time", "timetz"),
    ("localtime", "time"),
    ("current_date", "date"),
];

/// Words that a constant of a date or a time may be made of, and that mean the moment at which it is read.
const SPECIAL: &[&str] = &["now", "today", "tomorrow", "yesterday"];

impl UserExpression {
    /// As the user wrote it.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Takes a text that is one expression.
    ///
    /// # Errors
    /// What it is, in words that follow "the expression".
    pub fn parse(text: &str) -> Result<Self, String> {
        let expression = Self(text.trim().to_owned());
        if expression.0.is_empty() {
            return Err("is empty".to_owned());
        }
        if Expression::try_from(expression.0.clone()).is_err() {
            return Err(
                "is not one expression: parentheses and quotes have to close, and it may hold no \
                        semicolon, no comment, no dollar quote and no comma outside of parentheses"
                    .to_owned(),
            );
        }
        let tokens = expression.tokens();
        if tokens.windows(3).any(|three| begins_unicode_escapes(three)) {
            return Err(
                "has a constant or a name with Unicode escapes (U&): write the characters \
                        themselves"
                    .to_owned(),
            );
        }
        if let Some(word) = tokens.iter().find_map(Token::special_moment) {
            return Err(format!(
                "has the constant '{word}', which means another moment for each session: write now() or \
                 current_date; where the text is meant, write it in two pieces joined by ||; \
                 for a SQLite file write datetime(current_timestamp, '-30 days') and the like"
            ));
        }
        if expression.asks_for_age_until_today(&tokens) {
            return Err(
                "calls age with one argument, which means another day for each session: write \
                        age(current_date, …)"
                    .to_owned(),
            );
        }
        Ok(expression)
    }

    /// As the user wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it means something else at another moment.
    pub fn reads_the_clock(&self) -> bool {
        let tokens = self.tokens();
        (0..tokens.len()).any(|at| clock_at(&tokens, at).is_some())
    }

    /// Whether this word stands in it, in lower or upper case letters.
    pub fn has_word(&self, word: &str) -> bool {
        let is_it =
            |token: &Token<'_>| token.kind == Kind::Word && token.text.eq_ignore_ascii_case(word);
        self.tokens().iter().any(is_it)
    }

    /// The names that are called as functions, and the names before a dot, which may be schemas of such.
    pub fn calls(&self) -> Calls {
        let tokens = self.tokens();
        let before = |sign: &str| {
            let pairs = tokens.windows(2).filter(|pair| pair[1].text == sign);
            let mut names: Vec<String> = pairs.filter_map(|pair| pair[0].name()).collect();
            names.sort();
            names.dedup();
            names
        };
        Calls { functions: before("("), schemas: before(".") }
    }

    /// The expression as it is at a moment (UTC, `2024-12-13 15:25:30.5`).
    pub fn at(&self, moment: &str) -> PinnedExpression {
        self.pinned(|clock| clock.reading(moment))
    }

    /// The expression with what is said for each clock that it reads.
    pub(super) fn pinned(&self, reading: impl Fn(&Clock<'_>) -> Sql) -> PinnedExpression {
        let tokens = self.tokens();
        let (mut pinned, mut copied, mut at) = (String::new(), 0, 0);
        while at < tokens.len() {
            match clock_at(&tokens, at) {
                Some(clock) => {
                    let last = &tokens[at + clock.tokens - 1];
                    pinned.push_str(&self.0[copied..tokens[at].from]);
                    pinned.push_str(reading(&clock).as_str());
                    copied = last.from + last.text.len();
                    at += clock.tokens;
                }
                None => at += 1,
            }
        }
        pinned.push_str(&self.0[copied..]);
        PinnedExpression(pinned)
    }

    fn asks_for_age_until_today(&self, tokens: &[Token<'_>]) -> bool {
        let calls = tokens.windows(2).enumerate();
        let calls = calls.filter(|(_, two)| two[0].is_named("age") && two[1].text == "(");
        calls.into_iter().any(|(at, _)| arguments(&tokens[at + 1..]) == 1)
    }

    /// The text in pieces; blanks are none.
    fn tokens(&self) -> Vec<Token<'_>> {
        let (mut tokens, mut from) = (Vec::new(), 0);
        while let Some(first) = self.0[from..].chars().next() {
            let rest = &self.0[from..];
            let (kind, length) = match first {
                '\'' => (Kind::Constant, quoted_length(rest, '\'')),
                '"' => (Kind::Quoted, quoted_length(rest, '"')),
                'e' | 'E' if rest[1..].starts_with('\'') => (Kind::Constant, escaped_length(rest)),
                _ if is_word(first) => {
                    let in_word = |c: char| is_word(c) || c == '$' && !first.is_ascii_digit();
                    (Kind::Word, rest.find(|c| !in_word(c)).unwrap_or(rest.len()))
                }
                _ => (Kind::Sign, first.len_utf8()),
            };
            if !first.is_whitespace() {
                tokens.push(Token { kind, text: &rest[..length], from });
            }
            from += length;
        }
        tokens
    }
}

/// What an expression calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub functions: Vec<String>,
    pub schemas: Vec<String>,
}

impl Calls {
    /// Which of the functions may give something else each time they are called: their names.
    pub fn volatile(&self) -> Sql {
        let list =
            |names: &[String]| Sql::join(names.iter().map(|name| Literal(name.as_str())), ", ");
        sql!(
            "select distinct p.proname from pg_catalog.pg_proc p \
             join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace \
             where p.proname operator(pg_catalog.=) any (array[{functions}]::pg_catalog.name[]) \
             and p.provolatile operator(pg_catalog.=) 'v' \
             and (pg_catalog.pg_function_is_visible(p.oid) \
             or n.nspname operator(pg_catalog.=) any (array[{schemas}]::pg_catalog.name[])) order by 1",
            functions = list(&self.functions),
            schemas = list(&self.schemas),
        )
    }
}

/// An expression of one moment, in parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedExpression(String);

impl Fragment for PinnedExpression {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Quoted,
    Constant,
    Sign,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    from: usize,
}

impl Token<'_> {
    /// The name that it is, as the catalog has it.
    fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word if self.text.starts_with(|c: char| c.is_ascii_digit()) => None,
            Kind::Word => Some(self.text.to_lowercase()),
            Kind::Quoted => Some(self.text[1..self.text.len() - 1].replace("\"\"", "\"")),
            Kind::Constant | Kind::Sign => None,
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.name().is_some_and(|own| own == name)
    }

    /// The word that makes a constant another moment for each reader, if it may be one of a time.
    fn special_moment(&self) -> Option<&'static str> {
        let text = (self.kind == Kind::Constant).then(|| self.text.to_lowercase())?;
        let mut words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
        let mut found = None;
        let all_of_time = words.all(|word| {
            let special = SPECIAL.iter().find(|special| **special == word);
            found = found.or(special);
            special.is_some() || ["e", "z", "utc", "am", "pm", "t"].contains(&word)
        });
        found.copied().filter(|_| all_of_time)
    }
}

/// What reads the clock.
pub(super) struct Clock<'a> {
    /// How many tokens it takes.
    tokens: usize,
    /// The type that it gives, such as `timestamptz`.
    pub(super) kind: &'static str,
    precision: Option<&'a str>,
}

impl Clock<'_> {
    fn reading(&self, moment: &str) -> Sql {
        let day = moment.split(' ').next().unwrap_or_default();
        let time = moment.split(' ').nth(1).unwrap_or_default();
        let text = match self.kind {
            "date" => day.to_owned(),
            "time" => time.to_owned(),
            "timetz" => format!("{time}+00"),
            "timestamptz" => format!("{moment}+00"),
            _ => moment.to_owned(),
        };
        let precision: Option<u32> = self.precision.and_then(|digits| digits.parse().ok());
        let precision = precision.map(|digits| sql!("({digits})", digits = digits));
        sql!(
            "({text}::pg_catalog.{kind}{precision})",
            text = Literal(&text),
            kind = Sql::trusted(self.kind),
            precision = precision.unwrap_or(Sql::trusted(""))
        )
    }
}

/// What reads the clock from this token on.
fn clock_at<'a>(tokens: &[Token<'a>], at: usize) -> Option<Clock<'a>> {
    let follows_dot = at > 0 && tokens[at - 1].text == ".";
    let sign = |place: usize, text: &str| tokens.get(place).is_some_and(|t| t.text == text);
    if follows_dot {
        return None;
    }
    let qualified = tokens[at].is_named("pg_catalog") && sign(at + 1, ".");
    let name = if qualified { at + 2 } else { at };
    let called = CLOCKS.iter().any(|clock| tokens.get(name).is_some_and(|t| t.is_named(clock)));
    if called && sign(name + 1, "(") && sign(name + 2, ")") {
        return Some(Clock { tokens: name + 3 - at, kind: "timestamptz", precision: None });
    }
    let own = (tokens[at].kind == Kind::Word).then(|| tokens[at].text.to_lowercase())?;
    let (_, kind) = CLOCK_WORDS.iter().find(|(word, _)| *word == own)?;
    let digits = tokens.get(at + 2).map(|token| token.text);
    let precision = digits.filter(|digits| {
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        sign(at + 1, "(") && sign(at + 3, ")") && is_number && *kind != "date"
    });
    let tokens = if precision.is_some() { 4 } else { 1 };
    Some(Clock { tokens, kind, precision })
}

/// How many arguments stand in the parenthesis with which the tokens begin.
fn arguments(tokens: &[Token<'_>]) -> usize {
    let (mut depth, mut commas, mut any) = (0, 0, false);
    for token in tokens {
        match token.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "," if depth == 1 => commas += 1,
            _ => any = true,
        }
        if depth == 0 {
            break;
        }
    }
    if any { commas + 1 } else { 0 }
}

/// `U&'…'` or `U&"…"`, without blanks between.
fn begins_unicode_escapes(three: &[Token<'_>]) -> bool {
    let [first, sign, quote] = three else { return false };
    let joined = sign.from == first.from + 1 && quote.from == sign.from + 1;
    first.text.eq_ignore_ascii_case("u")
        && sign.text == "&"
        && matches!(quote.kind, Kind::Constant | Kind::Quoted)
        && joined
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// The length of what begins with a quote and is known to end with one; doubled ones are part of it.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut places = text.match_indices(quote).map(|(place, _)| place).skip(1).peekable();
    while let Some(place) = places.next() {
        if places.next_if_eq(&(place + 1)).is_none() {
            return place + 1;
        }
    }
    text.len()
}

/// The same of a constant in which a backslash escapes.
fn escaped_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut place = 2;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'\\' => place += 2,
            b'\'' if bytes.get(place + 1) == Some(&b'\'') => place += 2,
            b'\'' => return place + 1,
            _ => place += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Shown;

    const MOMENT: &str = "2024-12-13 15:25:30.5";

    fn pinned(text: &str) -> String {
        let parsed = UserExpression::parse(text).expect("the case is an expression");
        format!("{}", Shown(&parsed.at(MOMENT)))
    }

    #[test]
    fn the_clock_stands_still() {
        let zoned = "('2024-12-13 15:25:30.5+00'::pg_catalog.timestamptz)";
        let cases = [
            ("at > now()", format!("(at > {zoned})")),
            ("at > NOW ( ) - interval '1 day'", format!("(at > {zoned} - interval '1 day')")),
            ("at > pg_catalog.now()", format!("(at > {zoned})")),
            ("at > \"now\"()", format!("(at > {zoned})")),
            ("at>current_timestamp", format!("(at>{zoned})")),
            (
                "at > current_timestamp(3)",
                "(at > ('2024-12-13 15:25:30.5+00'::pg_catalog.timestamptz(3)))".to_owned(),
            ),
            ("day = current_date", "(day = ('2024-12-13'::pg_catalog.date))".to_owned()),
            (
                "day = (current_date - 1)",
                "(day = (('2024-12-13'::pg_catalog.date) - 1))".to_owned(),
            ),
            (
                "at < localtimestamp",
                "(at < ('2024-12-13 15:25:30.5'::pg_catalog.timestamp))".to_owned(),
            ),
            ("at < transaction_timestamp()", format!("(at < {zoned})")),
            // What only looks like it.
            ("t.now > 1", "(t.now > 1)".to_owned()),
            ("\"current_date\" = 'ask now()'", "(\"current_date\" = 'ask now()')".to_owned()),
            ("note = 'it''s now()' or note = E'\\'ask now()'", {
                "(note = 'it''s now()' or note = E'\\'ask now()')".to_owned()
            }),
            ("app.now()", "(app.now())".to_owned()),
            ("now = 1", "(now = 1)".to_owned()),
            ("knows_now(1)", "(knows_now(1))".to_owned()),
        ];
        for (text, expected) in cases {
            assert_eq!(pinned(text), expected, "{text}");
        }
        assert!(UserExpression::parse("at > now()").is_ok_and(|e| e.reads_the_clock()));
        assert!(UserExpression::parse("at > '2024-01-01'").is_ok_and(|e| !e.reads_the_clock()));
    }

    #[test]
    fn what_is_not_one_expression_of_one_moment_is_refused() {
        let cases = [
            ("", "is empty"),
            ("true; drop table x", "is not one expression"),
            ("true) or (true", "is not one expression"),
            ("true -- ", "is not one expression"),
            ("/* */ true", "is not one expression"),
            ("a, b", "is not one expression"),
            ("note = $$x$$", "is not one expression"),
            ("note = 'x", "is not one expression"),
            ("U&\"\\006eow\"() > at", "Unicode escapes"),
            ("at > 'now'", "constant 'now'"),
            ("at > timestamp ' Yesterday 10:00'", "constant 'yesterday'"),
            ("age(at) > '1 day'", "age with one argument"),
        ];
        for (text, expected) in cases {
            let problem = UserExpression::parse(text).expect_err(text);
            assert!(problem.contains(expected), "{text}: {problem}");
        }
        for text in ["note = 'now or never'", "age(now(), at) > '1 day'", "id in (1, 2)"] {
            assert!(UserExpression::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_an_expression_calls_is_looked_up() {
        let text = "exists (select from app.x where Lower(note) = \"My F\"(1)) and random() > 0.5";
        let calls = UserExpression::parse(text).map(|e| e.calls()).unwrap_or_default();
        assert_eq!(calls.functions, ["My F", "exists", "lower", "random"]);
        assert_eq!(calls.schemas, ["app"]);
    }
}
