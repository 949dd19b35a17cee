//! The JSON config file: its keys, their types, and `${NAME}` in its strings.

use std::collections::BTreeSet;

use serde_json::Value;

use super::conninfo;
use super::environment::Environment;
use super::interpolation;
use super::json;
use super::json::ParsedJson;
use super::layers::{Layer, Layers, Origin, split};
use super::misspelt;
use super::rules::{FILE_KEYS, FileReader, FileRules};
use super::setting::{Kind, Setting};
use crate::rules;

/// Names the JSON Schema, for editors.
pub(super) const SCHEMA: &str = "$schema";

/// What a config file says. No `Debug`: connection strings hold passwords.
#[derive(Default)]
pub struct File {
    pub layer: Layer,
    pub rules: FileRules,
    /// Whether the file itself spells a password.
    pub holds_password: bool,
    /// What has a `${NAME}` in it.
    pub expanded: BTreeSet<Setting>,
    /// What the file may say or says in a way that cannot be read; the problem has been told.
    pub unreadable: BTreeSet<Setting>,
}

impl File {
    /// One that may say anything.
    pub fn unread() -> Self {
        Self { unreadable: Setting::all().collect(), ..Self::default() }
    }
}

/// Reads what it can; every problem is added to `problems`.
pub fn read(name: &str, text: &str, environment: &Environment, problems: &mut Vec<String>) -> File {
    let mut file = File::default();
    let entries = match json::parse(text.trim_start_matches('\u{feff}')) {
        Ok(ParsedJson { value: Value::Object(entries), doubled }) => {
            problems.extend(doubled.iter().map(|place| twice(name, place)));
            entries
        }
        Ok(ParsedJson { value: other, .. }) => {
            problems.push(format!("{name}: expected an object, found {}", describe(&other)));
            return File::unread();
        }
        Err(error) => {
            problems.push(syntax_problem(name, text, &error));
            return File::unread();
        }
    };
    // Neither comments nor empty values say anything.
    let said = |(key, value): &(&String, &Value)| !key.starts_with('_') && !value.is_null();
    for (key, value) in entries.iter().filter(said) {
        let Some(setting) = Setting::by_key(key) else {
            if !FILE_KEYS.contains(&key.as_str()) && key != SCHEMA {
                let near = misspelt::key(key);
                problems.push(format!("{name}: unknown key \"{key}\"{near}"));
            }
            continue;
        };
        let spells = match setting.kind() {
            Kind::Connection => conninfo::holds_password,
            Kind::Secret => spells_secret,
            _ => |_: &str| false,
        };
        file.holds_password |= value.as_str().is_some_and(spells);
        if value.as_str().is_some_and(|text| text.contains("${")) {
            file.expanded.insert(setting);
        }
        let origin = Origin::File(name.to_owned());
        let expand = |text: &str| match setting.kind() {
            Kind::Connection => interpolation::expand_connection(text, environment),
            _ => interpolation::expand(text, environment),
        };
        match texts(setting.kind(), value, &expand) {
            Ok(texts) => drop(file.layer.insert(setting, Layers { origin, texts })),
            Err(problem) => {
                file.unreadable.insert(setting);
                problems.push(format!("{}: {problem}", origin.label(setting)));
            }
        }
    }
    let mut reader = FileReader::new(name, environment, problems);
    for (key, value) in entries.iter().filter(said) {
        if FILE_KEYS.contains(&key.as_str()) {
            reader.read(key, value, &mut file.layer);
        }
    }
    file.rules = reader.finish();
    file
}

/// What is said of a key that stands twice: one of the two would count for nothing.
fn twice(name: &str, place: &[String]) -> String {
    let steps: Vec<&str> = place.iter().map(String::as_str).collect();
    format!("{}: stands there twice; merge the two into one", rules::Origin::in_file(name, &steps))
}

/// Whether a secret stands there itself, and not the name of its place.
fn spells_secret(text: &str) -> bool {
    let named = ["env:", "file:", "@"].iter().any(|start| text.starts_with(start));
    !text.is_empty() && !named && !text.contains("${")
}

/// serde_json ends its messages with the place; ours begin with it.
fn syntax_problem(name: &str, content: &str, error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let what = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    if error.is_eof() && column == 0 && line <= 1 {
        return format!("{name}: the file is empty");
    }
    let plain =
        || PLAIN.iter().find(|(words, _)| what.starts_with(words)).map_or(what, |(_, own)| own);
    let what = if is_comment(content, error) { COMMENT } else { plain() };
    format!("{name}: line {line}, column {column}: {what}")
}

const COMMENT: &str =
    "JSON has no comments; a key that begins with _ is ignored: \"_comment\": \"…\"";

/// Whether a comment of another language stands where the text is no JSON. The library counts bytes from 1.
fn is_comment(content: &str, error: &serde_json::Error) -> bool {
    let content = content.trim_start_matches('\u{feff}');
    let line = content.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let rest = line.as_bytes().get(error.column().saturating_sub(1)..).unwrap_or_default();
    [&b"//"[..], b"/*", b"#"].iter().any(|start| rest.starts_with(start))
}

/// What the library says of mistakes that people make, and what we say.
const PLAIN: [(&str, &str); 5] = [
    ("EOF while parsing", "the text ends too early: a quote, a ] or a } is missing"),
    ("key must be a string", "a key must be in double quotes"),
    ("trailing comma", "a comma stands behind the last entry"),
    ("trailing characters", "something stands behind the last }"),
    ("expected value", "a value is expected; text must be in double quotes"),
];

/// The texts that a flag would have, so that both are read alike from here on.
pub(super) fn texts(
    kind: Kind,
    given: &Value,
    expand: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Vec<String>, String> {
    let expected = match kind {
        Kind::Connection | Kind::Text | Kind::Secret => "a string",
        Kind::List => "a string or a list of strings",
        Kind::Pairs => "an object of strings",
        Kind::Number => "a number",
        Kind::Duration => "a string such as \"30s\" or a number of seconds",
        Kind::Limit => "a string such as \"20%\" or a number of rows",
        Kind::Switch => "true or false",
    };
    // A number can come from the environment: "${JOBS}".
    let is_reference = |text: &str| text.contains("${");
    match (kind, given) {
        (Kind::List, Value::String(text)) => Ok(split(&expand(text)?)),
        (Kind::Pairs, Value::Object(pairs)) => pairs
            .iter()
            .filter(|(name, _)| !name.starts_with('_'))
            .map(|(name, value)| match value {
                Value::String(text) => Ok(format!("{name}={}", expand(text)?)),
                other => Err(format!("expected {expected}, found {} in it", describe(other))),
            })
            .collect(),
        (Kind::List, Value::Array(items)) => items
            .iter()
            .map(|item| match item {
                Value::String(text) => expand(text),
                other => Err(format!("expected {expected}, found {} in it", describe(other))),
            })
            .filter(|item| !matches!(item, Ok(text) if text.is_empty()))
            .collect(),
        (
            Kind::Connection | Kind::Text | Kind::Secret | Kind::Duration | Kind::Limit,
            Value::String(text),
        ) => Ok(vec![expand(text)?]),
        (Kind::Number | Kind::Switch, Value::String(text)) if is_reference(text) => {
            Ok(vec![expand(text)?])
        }
        (Kind::Number | Kind::Duration | Kind::Limit, Value::Number(number)) => {
            Ok(vec![number.to_string()])
        }
        (Kind::Switch, Value::Bool(is_on)) => Ok(vec![is_on.to_string()]),
        (_, other) => Err(format!("expected {expected}, found {}", describe(other))),
    }
}

/// The type only: the value may be a password in the wrong place.
pub(super) fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
