//! The key=value notation: `host=db port=5432 password='two words'`, with blanks around `=` allowed
//! and a backslash before a quote or a backslash that is meant as such.

use std::iter::Peekable;
use std::str::Chars;

use super::parameters;
use super::parameters::Parameters;

/// Every unknown parameter is reported; what cannot be read ends the reading.
pub fn read(text: &str) -> Result<Parameters, Vec<String>> {
    let mut found = Parameters::default();
    let mut problems = Vec::new();
    let mut chars = text.chars().peekable();
    // What follows an unquoted password can be the rest of it: `password=two words`.
    let mut may_be_secret = false;
    loop {
        skip_blanks(&mut chars);
        if chars.peek().is_none() {
            break;
        }
        let name = take_name(&mut chars);
        skip_blanks(&mut chars);
        if chars.next_if_eq(&'=').is_none() {
            problems.push(
                "a word without = (not shown); a value with blanks needs single quotes".into(),
            );
            break;
        }
        skip_blanks(&mut chars);
        let is_quoted = chars.next_if_eq(&'\'').is_some();
        let value = if is_quoted { take_quoted(&mut chars) } else { Some(take_bare(&mut chars)) };
        let Some(value) = value else {
            problems.push("a single quote is not closed".into());
            break;
        };
        match parameters::known(&name) {
            Some(known) => found.set(known, value),
            None => problems.push(parameters::unknown(&name, may_be_secret)),
        }
        may_be_secret |= name == "password" && !is_quoted;
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn skip_blanks(chars: &mut Peekable<Chars>) {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
}

fn take_name(chars: &mut Peekable<Chars>) -> String {
    std::iter::from_fn(|| chars.next_if(|c| *c != '=' && !c.is_whitespace())).collect()
}

fn take_bare(chars: &mut Peekable<Chars>) -> String {
    let mut value = String::new();
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        match c {
            '\\' => value.extend(chars.next()),
            c => value.push(c),
        }
    }
    value
}

/// Up to the closing quote; `None` when there is none.
fn take_quoted(chars: &mut Peekable<Chars>) -> Option<String> {
    let mut value = String::new();
    loop {
        match chars.next()? {
            '\'' => return Some(value),
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
}
