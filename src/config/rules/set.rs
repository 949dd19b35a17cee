//! `-set TABLE.KEY=VALUE`: one rule on the command line. The value is JSON if the key can take it as such, else
//! text.

use serde_json::Value;

use super::entry::{EntryReader, MOST_ROWS};
use crate::config::{json, misspelt, value};
use crate::rules::{Entry, Given, Key, Origin};

/// The entries of all `-set` flags, in their order; problems are added.
pub fn read(texts: &[String], problems: &mut Vec<String>) -> Vec<Entry> {
    texts.iter().filter_map(|text| one(text, problems)).collect()
}

fn one(text: &str, problems: &mut Vec<String>) -> Option<Entry> {
    let parts = match split(text) {
        Ok(parts) => parts,
        Err(what) => {
            problems.push(format!("-set: {what}"));
            return None;
        }
    };
    let origin = Origin::new(format!("-set {}.{}", parts.table, parts.key.name()));
    let mut entry = match Entry::new(parts.table, Origin::new(format!("-set {}", parts.table))) {
        Ok(entry) => entry,
        Err(what) => {
            problems.push(format!("{origin}: {what}"));
            return None;
        }
    };
    let rule = rule(parts.key, parts.value, &origin, problems)?;
    entry.given.push(Given { rule, origin });
    Some(entry)
}

struct Parts<'a> {
    table: &'a str,
    key: Key,
    value: &'a str,
}

/// A table's name may hold `=` and `.`: the first `=` that follows a key ends the name.
fn split(text: &str) -> Result<Parts<'_>, String> {
    let place = |at: usize| {
        let (table, name) = text[..at].rsplit_once('.')?;
        let key = Key::by_name(name)?;
        (!table.is_empty()).then_some(Parts { table, key, value: &text[at + 1..] })
    };
    let found = text.match_indices('=').find_map(|(at, _)| place(at));
    found.ok_or_else(|| {
        let start = text.split('=').next().unwrap_or_default();
        match start.rsplit_once('.') {
            Some((rule, part)) if rule_of(rule).is_some() && text.contains('=') => {
                let value = text.split_once('=').map_or("", |(_, value)| value);
                let object = serde_json::json!({ part: value });
                format!("{rule} is given as a whole: write -set '{rule}={object}'")
            }
            Some((table, name)) if !table.is_empty() && text.contains('=') => {
                let near = misspelt::rule_of_a_table(name);
                format!("{table}: unknown key \"{name}\"{near}")
            }
            _ => "expected TABLE.KEY=VALUE, such as orders.batchSize=500".to_owned(),
        }
    })
}

/// The rule that stands behind the last point, if a table stands before it.
fn rule_of(text: &str) -> Option<Key> {
    let (table, key) = text.rsplit_once('.')?;
    Key::by_name(key).filter(|_| !table.is_empty())
}

fn rule(
    key: Key,
    text: &str,
    origin: &Origin,
    problems: &mut Vec<String>,
) -> Option<crate::rules::Rule> {
    // What was typed is meant as it is: nothing is a reference to a variable.
    let expand = |text: &str| Ok(text.to_owned());
    let parsed = json::parse(text).ok().filter(|json| !json.value.is_null());
    if let Some(place) = parsed.as_ref().and_then(|json| json.doubled.first()) {
        let place = place.iter().fold(origin.clone(), |place, step| place.at(step));
        problems.push(format!("{place}: stands there twice; merge the two into one"));
        return None;
    }
    let as_json = parsed.map(|json| json.value);
    let mut first = Vec::new();
    if let Some(json) = &as_json
        && let Some(rule) =
            (EntryReader { expand: &expand, problems: &mut first }).rule(key, json, origin)
        && first.is_empty()
    {
        return Some(rule);
    }
    if as_json.is_some_and(|json| json.is_object() || json.is_array()) {
        problems.append(&mut first);
        return None;
    }
    let json = match key {
        Key::BatchSize => value::number(text, 1..=MOST_ROWS).map(Value::from),
        Key::Skip | Key::Deletes => value::switch(text).map(Value::from),
        _ => Ok(Value::from(text)),
    };
    match json {
        Ok(json) => (EntryReader { expand: &expand, problems }).rule(key, &json, origin),
        Err(what) => {
            problems.push(format!("{origin}: {what}"));
            None
        }
    }
}
