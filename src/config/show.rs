//! `pgsync config show`: what counts, and where it was given. Connections are shown without their secrets, and the
//! key of the masks not at all.

use std::collections::BTreeSet;

use serde_json::Value;

use super::layers::Layer;
use super::setting::{Kind, Setting};
use super::{Environment, Flags, Needs, Settings, resolve};
use crate::error::Result;
use crate::ident::{Ident, TableName};
use crate::rules::{Entry, Given, Key};
use crate::select::schemas;
use crate::suggest::nearest;

/// One line: the name, its value and the place where it was given.
type Row = [String; 3];

/// The effective settings, or those of one table, as a text with columns.
///
/// # Errors
/// [`crate::error::Error::Config`] as a run has it.
pub fn show(flags: Flags, environment: &Environment, table: Option<&str>) -> Result<String> {
    let read = resolve::resolve_with(flags, environment, Needs::BothSides, |_| ())?;
    let settings = &read.resolved.settings;
    let (first, rows) = match table {
        Some(text) => ("rule", of_table(settings, &meant(settings, text))),
        None => ("setting", all(settings, &read.layer)),
    };
    let heading = [first, "value", "from"].map(str::to_owned);
    Ok(aligned(std::iter::once(heading).chain(rows).collect()))
}

/// A table that somebody asks for.
struct Meant {
    table: TableName,
    /// What entries there are beside it.
    remark: String,
}

/// A name without a schema is that of the one entry that has it, whatever its schema; without one, that of a table of the
/// first schema.
fn meant(settings: &Settings, text: &str) -> Meant {
    let table = named(settings, text);
    let rules = &settings.rules;
    let patterns = rules.entries.iter().chain(&rules.set).map(|entry| entry.pattern.as_str());
    let patterns: BTreeSet<&str> = patterns.collect();
    let full = table.to_string();
    let own_name =
        |pattern: &'_ str| pattern.split_once('.').map_or(pattern, |(_, name)| name).to_owned();
    let others = patterns.iter().filter(|pattern| own_name(pattern) == text && **pattern != full);
    let others: Vec<&str> = others.filter(|pattern| **pattern != text).copied().collect();
    let is_known = patterns.contains(text) || patterns.contains(full.as_str());
    match &others[..] {
        [one] if !is_known => return Meant { table: named(settings, one), remark: String::new() },
        [] if is_known => return Meant { table, remark: String::new() },
        [] => {}
        others => {
            let remark = format!("there are entries for {}", others.join(", "));
            return Meant { table, remark };
        }
    }
    let names: Vec<String> = patterns.iter().map(|pattern| own_name(pattern)).collect();
    let near = nearest(table.name.as_str(), names.iter().map(String::as_str), 1);
    let near = near.first().filter(|near| **near != table.name.as_str());
    let near =
        patterns.iter().filter(|pattern| near.is_some_and(|near| own_name(pattern) == *near));
    let near: Vec<&str> = near.copied().collect();
    let mut remark = String::new();
    if !near.is_empty() {
        remark = format!("no entry has this name; there is one for {}", near.join(", "));
    }
    Meant { table, remark }
}

/// `orders` is a table of the first schema, `sales.orders` of another one.
fn named(settings: &Settings, text: &str) -> TableName {
    let fits = |schema: &&Ident| {
        let rest = text.strip_prefix(schema.as_str());
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let split =
        || text.split_once('.').filter(|_| settings.schemas.iter().any(schemas::has_wildcard));
    if let Some(schema) = settings.schemas.iter().find(fits) {
        return TableName::new(schema.as_str(), &text[schema.as_str().len() + 1..]);
    }
    match (split(), settings.schemas.first()) {
        (Some((schema, name)), _) => TableName::new(schema, name),
        (None, Some(schema)) => TableName::new(schema.as_str(), text),
        (None, None) => TableName::new("public", text),
    }
}

fn of_table(settings: &Settings, meant: &Meant) -> Vec<Row> {
    let Meant { table, remark } = meant;
    let rules = settings.rules.effective(table);
    let row = |key: Key| {
        let value = rules.rule(key).map(|rule| text(&rule.written())).unwrap_or_default();
        let from = rules.origin(key).map_or("default".into(), ToString::to_string);
        [key.name().to_owned(), value, from]
    };
    let masks = rules.mask.iter().map(|(column, mask)| {
        let from = rules.mask_origin(column).map(ToString::to_string).unwrap_or_default();
        [format!("mask of {}", column.as_str()), text(&mask.written()), from]
    });
    // Columns have masks of several entries.
    let keys = Key::ALL.into_iter().filter(|key| *key != Key::Mask);
    let name = ["(table)".into(), table.to_string(), remark.clone()];
    std::iter::once(name).chain(keys.map(row)).chain(masks).collect()
}

fn all(settings: &Settings, layer: &Layer) -> Vec<Row> {
    let row = |setting: Setting| match layer.get(&setting) {
        Some(given) => {
            let value = match (setting, setting.kind()) {
                (Setting::Source, _) => settings.source.describe(),
                (Setting::Target, _) => settings.target.describe(),
                // Such an address is a secret: whoever has it can send.
                (Setting::Ping | Setting::Webhook, _) => "(given)".into(),
                (_, Kind::Connection | Kind::Secret) => "(given)".into(),
                (Setting::Deletes, _) => settings.deletes.to_string(),
                _ => given.texts.join(", "),
            };
            [setting.key().to_owned(), value, given.origin.place(setting).to_string()]
        }
        None => [setting.key().to_owned(), default(setting).to_owned(), "default".into()],
    };
    let mut rows: Vec<Row> = Setting::all().map(row).collect();
    let key = if settings.mask_key.is_some() { "(given)" } else { "" };
    rows.push(["maskKey".into(), key.into(), String::new()]);
    rows.push(["unmasked".into(), settings.unmasked.name().into(), String::new()]);
    let statements = [("beforeSql", &settings.before_sql), ("afterSql", &settings.after_sql)];
    for (name, statements) in statements {
        rows.extend(statements.iter().map(|text| [name.into(), text.clone(), String::new()]));
    }
    let rules = &settings.rules;
    rows.extend(rules.defaults.iter().map(|given| of_rule("defaults", given)));
    for kept in &rules.keep {
        let columns = format!("{}.{}", kept.table.pattern, kept.column.text);
        rows.push(["keep".into(), columns, kept.table.origin.to_string()]);
    }
    let of_entry = |entry: &Entry| {
        entry.given.iter().map(|given| of_rule(&entry.pattern, given)).collect::<Vec<_>>()
    };
    rows.extend(rules.entries.iter().chain(&rules.set).flat_map(of_entry));
    rows
}

fn of_rule(pattern: &str, given: &Given) -> Row {
    let name = format!("{pattern}.{}", given.rule.key().name());
    [name, text(&given.rule.written()), given.origin.to_string()]
}

/// Strings without quotes, all else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What counts for a setting that nobody gave; empty where there is none.
pub(super) fn default(setting: Setting) -> &'static str {
    match (setting, setting.kind()) {
        (Setting::Schema, _) => "public",
        (Setting::Timestamp, _) => "updated_at",
        (Setting::Parallel, _) => "4",
        (Setting::BatchSize, _) => "1000",
        (Setting::Retries, _) => "5",
        (Setting::LockTimeout, _) => "30s",
        (Setting::LogFormat | Setting::Summary, _) => "text",
        (Setting::LogLevel, _) => "info",
        (Setting::Ddl, _) => "additive",
        (Setting::MaxDelete, _) => "off",
        (Setting::Deletes, _) => "true",
        (_, Kind::Switch) => "false",
        _ => "",
    }
}

/// Columns of one width each; the last one as wide as it is.
fn aligned(rows: Vec<Row>) -> String {
    let safe = |cell: String| -> String {
        cell.chars()
            .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
            .collect()
    };
    let rows: Vec<Row> = rows.into_iter().map(|row| row.map(safe)).collect();
    let width = |column: usize| {
        // One long expression does not push the places of all others away.
        rows.iter()
            .map(|row| row[column].chars().count())
            .filter(|width| *width <= 48)
            .max()
            .unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    let line = |[name, value, from]: &Row| {
        format!("{name:first$}  {value:second$}  {from}").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
