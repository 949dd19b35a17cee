//! One mask, as users write it: `"email"`, `{"hash": 32}`, `{"json": {"$.a.b": "redact"}}`.

use serde_json::Value;

use crate::config::file::describe;
use crate::ident::Ident;
use crate::rules::{JsonPath, Mask};
use crate::sql::user_expression::UserExpression;
use crate::suggest;

/// What is wrong with a mask, and how far in.
pub struct Wrong {
    pub steps: Vec<String>,
    pub what: String,
}

impl Wrong {
    fn at(mut self, step: &str) -> Self {
        self.steps.insert(0, step.to_owned());
        self
    }
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self { steps: Vec::new(), what }
    }
}

type Expand<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// # Errors
/// What is wrong with it.
pub fn read(given: &Value, expand: Expand) -> Result<Mask, Wrong> {
    match given {
        Value::String(name) => Ok(plain(name)?),
        Value::Object(parts) => {
            let mut said = parts.iter().filter(|(name, _)| !name.starts_with('_'));
            match (said.next(), said.next()) {
                (Some((name, value)), None) => {
                    with_parameter(name, value, expand).map_err(|wrong| wrong.at(name))
                }
                _ => Err("expected one mask, such as {\"hash\": 32}".to_owned().into()),
            }
        }
        other => {
            let found = describe(other);
            Err(format!("expected a mask such as \"email\" or {{\"hash\": 32}}, found {found}")
                .into())
        }
    }
}

/// Digits of a hash where none are asked for.
const DIGITS: u8 = 32;
/// Days that a date moves where none are given.
const DAYS: u32 = 30;
const MOST_DAYS: u64 = 36_500;

fn plain(name: &str) -> Result<Mask, String> {
    Ok(match name {
        "null" => Mask::Null,
        "empty" => Mask::Empty,
        "redact" => Mask::Redact,
        "hash" => Mask::Hash { digits: DIGITS },
        "email" => Mask::Email,
        "uuid" => Mask::Uuid,
        "text" => Mask::Text,
        "lorem" => Mask::Lorem,
        "name.first" => Mask::NameFirst,
        "name.last" => Mask::NameLast,
        "name.full" => Mask::NameFull,
        "phone" => Mask::Phone,
        "ip" => Mask::Ip,
        "url" => Mask::Url,
        "date.year" => Mask::DateYear,
        "date.shift" => Mask::DateShift { days: DAYS, by: None },
        "card" => Mask::Card,
        "value" | "sql" | "json" | "number.noise" | "number.round" => {
            return Err(format!("mask \"{name}\" needs a parameter: {}", example(name)));
        }
        _ => return Err(unknown(name)),
    })
}

fn with_parameter(name: &str, given: &Value, expand: Expand) -> Result<Mask, Wrong> {
    match name {
        "hash" => Ok(Mask::Hash { digits: whole(given, 1, 32)? as u8 }),
        "value" => Ok(Mask::Value(scalar(given, expand)?)),
        "sql" => {
            let text = text(given, expand)?;
            UserExpression::parse(&text)?;
            Ok(Mask::Sql(text))
        }
        "number.round" => Ok(Mask::NumberRound { step: decimal(given, f64::MAX)? }),
        "number.noise" => Ok(Mask::NumberNoise { share: decimal(given, 1.0)? }),
        "date.shift" => shift(given, expand),
        "json" => paths(given, expand),
        _ if Mask::NAMES.contains(&name) => {
            Err(format!("mask \"{name}\" takes no parameter: write \"{name}\"").into())
        }
        _ => Err(unknown(name).into()),
    }
}

fn unknown(name: &str) -> String {
    let near = suggest::did_you_mean(name, Mask::NAMES);
    let near =
        if near.is_empty() { format!("; there are {}", Mask::NAMES.join(", ")) } else { near };
    format!("unknown mask \"{name}\"{near}")
}

/// How a mask that has a parameter is written.
fn example(name: &str) -> &'static str {
    match name {
        "value" => r#"{"value": "x"}"#,
        "sql" => r#"{"sql": "upper(name)"}"#,
        "json" => r#"{"json": {"$.a.b": "redact"}}"#,
        "number.noise" => r#"{"number.noise": 0.1}"#,
        _ => r#"{"number.round": 10}"#,
    }
}

fn whole(given: &Value, least: u64, most: u64) -> Result<u64, String> {
    let number = given.as_u64().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        format!("expected a whole number from {least} to {most}, found {}", shown(given))
    })
}

/// A number above 0 and up to `most`, as written.
fn decimal(given: &Value, most: f64) -> Result<String, String> {
    let number = given.as_f64().filter(|number| *number > 0.0 && *number <= most);
    let expected = if most == 1.0 { "a number above 0 and up to 1" } else { "a number above 0" };
    number
        .map(|_| given.to_string())
        .ok_or_else(|| format!("expected {expected}, found {}", shown(given)))
}

fn shown(given: &Value) -> String {
    match given {
        Value::Number(number) => number.to_string(),
        other => describe(other).to_owned(),
    }
}

fn text(given: &Value, expand: Expand) -> Result<String, String> {
    match given {
        Value::String(text) if text.contains('\0') => Err("contains a zero byte".into()),
        Value::String(text) => expand(text),
        other => Err(format!("expected a string, found {}", describe(other))),
    }
}

fn scalar(given: &Value, expand: Expand) -> Result<String, String> {
    match given {
        Value::String(_) => text(given, expand),
        Value::Number(_) | Value::Bool(_) => Ok(given.to_string()),
        Value::Null => Err("expected a value; for NULL write the mask \"null\"".into()),
        other => {
            Err(format!("expected a string, a number, true or false, found {}", describe(other)))
        }
    }
}

fn shift(given: &Value, expand: Expand) -> Result<Mask, Wrong> {
    let Value::Object(parts) = given else {
        return Ok(Mask::DateShift { days: whole(given, 1, MOST_DAYS)? as u32, by: None });
    };
    let (mut days, mut by) = (DAYS, None);
    for (name, value) in parts.iter().filter(|(name, _)| !name.starts_with('_')) {
        let wrong = |what: String| Wrong::from(what).at(name);
        match name.as_str() {
            "days" => days = whole(value, 1, MOST_DAYS).map_err(wrong)? as u32,
            "by" => by = Some(Ident::new(text(value, expand).map_err(wrong)?)),
            _ => {
                let near = suggest::did_you_mean(name, ["days", "by"]);
                return Err(wrong(format!("is an unknown key{near}")));
            }
        }
    }
    Ok(Mask::DateShift { days, by })
}

fn paths(given: &Value, expand: Expand) -> Result<Mask, Wrong> {
    let Some(parts) = given.as_object().filter(|parts| !parts.is_empty()) else {
        return Err(format!("expected paths and masks, such as {}", example("json")).into());
    };
    let mut masks = Vec::new();
    for (path, value) in parts {
        let wrong = |what: String| Wrong::from(what).at(path);
        let steps = json_path(path)
            .ok_or_else(|| wrong(format!("\"{path}\" is not a path such as $.a or $.a.b")))?;
        let mask = read(value, expand).map_err(|inner| inner.at(path))?;
        if matches!(mask, Mask::Json(_) | Mask::Sql(_)) {
            return Err(wrong(format!("mask \"{}\" cannot stand inside of \"json\"", mask.name())));
        }
        masks.push((steps, mask));
    }
    within_another(&masks).map_or(Ok(Mask::Json(masks)), |what| Err(what.into()))
}

/// A path that leads into what another one masks whole.
fn within_another(masks: &[(JsonPath, Mask)]) -> Option<String> {
    let paths = || masks.iter().map(|(path, _)| path);
    let inner = |outer: &JsonPath| {
        let is_inside = |path: &&JsonPath| path != &outer && path.0.starts_with(&outer.0);
        paths()
            .find(is_inside)
            .map(|path| format!("{path} lies within {outer}, which is masked as a whole"))
    };
    paths().find_map(inner)
}

/// `$.a.b`; a key with dots is written in double quotes, `$."a.b"`.
fn json_path(text: &str) -> Option<JsonPath> {
    let mut rest = text.strip_prefix('$')?;
    let mut keys = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix('.')?;
        let key = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (key, after) = quoted.split_once('"')?;
                rest = after;
                key
            }
            None => {
                let (key, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                rest = after;
                key
            }
        };
        if key.is_empty() || key.contains(['[', ']', '*']) {
            return None;
        }
        keys.push(key.to_owned());
    }
    if keys.is_empty() { None } else { Some(JsonPath(keys)) }
}
