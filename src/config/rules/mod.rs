//! The part of a configuration that speaks of tables: `defaults`, `tables`, `keep`, `includeColumns` and `-set`,
//! with what masks need. Reads JSON into [`crate::rules`]; every problem has the place where it stands.

mod entry;
mod everywhere;
mod mask;
mod mask_key;
mod set;

pub use everywhere::everywhere;
pub use mask_key::read as mask_key;
pub use set::read as set;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::file::describe;
use super::layers::{Layer, Layers, Origin as LayerOrigin};
use super::setting::{Kind, Setting};
use super::{Unmasked, file, interpolation, misspelt, value};
use crate::config::Environment;
use crate::rules::{
    ColumnPattern, Entry, Given, KeepEverywhere, Key, MaxDelete, Origin, Rule, Rules, written_limit,
};
use entry::EntryReader;

/// Keys of the config file that have no flag.
pub const FILE_KEYS: [&str; 9] = [
    "defaults",
    "tables",
    "keep",
    "includeColumns",
    "maxDeleteByTable",
    "maskKey",
    "unmasked",
    "beforeSql",
    "afterSql",
];

/// What `maskKey` says, and where it stands.
pub struct MaskKeyText {
    pub text: String,
    pub origin: Origin,
}

/// What a config file says beside the settings that have flags. No `Debug`: it can hold a key that was
/// written into the file.
#[derive(Default)]
pub struct FileRules {
    pub rules: Rules,
    pub mask_key: Option<MaskKeyText>,
    pub unmasked: Unmasked,
    pub before_sql: Vec<String>,
    pub after_sql: Vec<String>,
    /// By the names that `maxDeleteByTable` has.
    pub max_delete_by_table: BTreeMap<String, MaxDelete>,
    pub notes: Vec<String>,
}

/// Reads the keys of [`FILE_KEYS`], one after another.
pub struct FileReader<'a> {
    file: &'a str,
    environment: &'a Environment<'a>,
    problems: &'a mut Vec<String>,
    read: FileRules,
}

impl<'a> FileReader<'a> {
    /// A reader of the file of this name.
    pub fn new(
        file: &'a str,
        environment: &'a Environment<'a>,
        problems: &'a mut Vec<String>,
    ) -> Self {
        Self { file, environment, problems, read: FileRules::default() }
    }

    /// Reads one key, which is among [`FILE_KEYS`].
    pub fn read(&mut self, key: &str, value: &Value, layer: &mut Layer) {
        let origin = Origin::in_file(self.file, &[key]);
        match key {
            "defaults" => self.defaults(value, &origin, layer),
            "tables" => self.tables(value, &origin),
            "keep" => self.keep(value, &origin),
            "includeColumns" => self.include_columns(value, &origin),
            "maxDeleteByTable" => self.max_delete_by_table(value),
            "unmasked" => {
                let read = self.text(value, &origin).map(|text| value::unmasked(&text));
                if let Some(unmasked) = self.told(read, &origin) {
                    self.read.unmasked = unmasked;
                }
            }
            "maskKey" => match value {
                Value::String(text) => {
                    self.read.mask_key = Some(MaskKeyText { text: text.clone(), origin });
                }
                other => {
                    let what = format!("expected a string, found {}", describe(other));
                    self.problem(&origin, &what);
                }
            },
            "beforeSql" => self.read.before_sql = self.statements(value, &origin),
            _ => self.read.after_sql = self.statements(value, &origin),
        }
    }

    /// Everything that was read.
    pub fn finish(self) -> FileRules {
        self.read
    }

    fn problem(&mut self, origin: &Origin, what: &str) {
        self.problems.push(format!("{origin}: {what}"));
    }

    fn told<T>(&mut self, read: Option<Result<T, String>>, origin: &Origin) -> Option<T> {
        read?.map_err(|what| self.problem(origin, &what)).ok()
    }

    fn text(&mut self, value: &Value, origin: &Origin) -> Option<String> {
        let expand = |text: &str| interpolation::expand(text, self.environment);
        let texts = file::texts(Kind::Text, value, &expand);
        self.told(Some(texts), origin).map(|texts| texts.concat())
    }

    fn object<'v>(&mut self, value: &'v Value, origin: &Origin) -> Option<&'v Map<String, Value>> {
        let found = describe(value);
        let object = value.as_object();
        if object.is_none() {
            self.problem(origin, &format!("expected an object, found {found}"));
        }
        object
    }

    fn entry(&mut self, mut entry: Entry, value: &Value) -> Option<Entry> {
        let origin = entry.origin.clone();
        let keys = self.object(value, &origin)?;
        let environment = self.environment;
        let expand = |text: &str| interpolation::expand(text, environment);
        let mut reader = EntryReader { expand: &expand, problems: self.problems };
        for (name, value) in keys.iter().filter(|(name, value)| is_said(name, value)) {
            let place = origin.at(name);
            let Some(key) = Key::by_name(name) else {
                let near = misspelt::rule_of_a_table(name);
                reader.problem(&place, &format!("is an unknown key{near}"));
                continue;
            };
            let rule = reader.rule(key, value, &place);
            entry.given.extend(rule.map(|rule| Given { rule, origin: place }));
        }
        reader.contradictions(&entry.given);
        Some(entry)
    }

    fn tables(&mut self, value: &Value, origin: &Origin) {
        let Some(tables) = self.object(value, origin) else { return };
        for (pattern, value) in tables.iter().filter(|(name, value)| is_said(name, value)) {
            let place = origin.at(pattern);
            let entry = Entry::new(pattern, place.clone());
            let entry = self.told(Some(entry), &place).and_then(|entry| self.entry(entry, value));
            self.read.rules.entries.extend(entry);
        }
    }

    /// What has a flag goes to the settings, below variables and flags. The rest is less special than any entry.
    fn defaults(&mut self, value: &Value, origin: &Origin, layer: &mut Layer) {
        let Some(mut entry) = self.entry(Entry::of_name("", origin.clone()), value) else { return };
        for given in std::mem::take(&mut entry.given) {
            let key = given.rule.key();
            if key == Key::TargetTable {
                self.problem(&given.origin, "is a name for one table, and this is for all tables");
                continue;
            }
            let Some(SettingText { setting, text }) = as_setting(&given.rule) else {
                entry.given.push(given);
                continue;
            };
            let origin = LayerOrigin::Defaults(self.file.to_owned());
            if layer.insert(setting, Layers { origin, texts: vec![text] }).is_some() {
                let other = Origin::in_file(self.file, &[key.name()]);
                let what = format!("says the same as {other}; give one of them");
                self.problem(&given.origin, &what);
            }
        }
        self.read.rules.defaults = entry.given;
    }

    fn keep(&mut self, value: &Value, origin: &Origin) {
        let Some(items) = value.as_array() else {
            let found = describe(value);
            let what = format!("expected a list such as [\"*.currency\"], found {found}");
            return self.problem(origin, &what);
        };
        for (number, item) in items.iter().enumerate() {
            let place = origin.at(&number.to_string());
            let Some(text) = self.text(item, &place) else { continue };
            let kept = kept_columns(&text, &place);
            let kept = self.told(Some(kept), &place);
            self.read.rules.keep.extend(kept);
        }
    }

    fn include_columns(&mut self, value: &Value, origin: &Origin) {
        let Some(tables) = self.object(value, origin) else { return };
        self.read
            .notes
            .push(format!("{origin}: is taken as \"columns\" of \"tables\": write it there"));
        for (pattern, columns) in tables.iter().filter(|(name, value)| is_said(name, value)) {
            let place = origin.at(pattern);
            let entry = Entry::new(pattern, place.clone());
            let Some(mut entry) = self.told(Some(entry), &place) else { continue };
            let expand = |text: &str| interpolation::expand(text, self.environment);
            let mut reader = EntryReader { expand: &expand, problems: self.problems };
            let rule = reader.rule(Key::Columns, columns, &place);
            entry.given.extend(rule.map(|rule| Given { rule, origin: place }));
            self.read.rules.entries.push(entry);
        }
    }

    fn max_delete_by_table(&mut self, value: &Value) {
        let label = format!("-max-delete (maxDeleteByTable), from {}", self.file);
        let Some(tables) = value.as_object() else {
            let found = describe(value);
            let what = format!("expected an object of tables and limits, found {found}");
            return self.problems.push(format!("{label}: {what}"));
        };
        let expand = |text: &str| interpolation::expand(text, self.environment);
        for (table, given) in tables.iter().filter(|(table, _)| !table.starts_with('_')) {
            let read = file::texts(Kind::Limit, given, &expand);
            match read.and_then(|texts| value::limit(&texts.concat())) {
                Ok(limit) => self.limit(table, limit),
                Err(what) => self.problems.push(format!("{label}: table \"{table}\": {what}")),
            }
        }
    }

    fn limit(&mut self, table: &str, limit: Option<MaxDelete>) {
        // Beside a limit for all, "off" means that this table has none.
        let limit = limit.unwrap_or(MaxDelete::Share(1.0));
        let origin = Origin::in_file(self.file, &["maxDeleteByTable", table]);
        let mut entry = Entry::of_name(table, origin.clone());
        entry.given.push(Given { rule: Rule::MaxDelete(Some(limit)), origin });
        self.read.rules.entries.push(entry);
        self.read.max_delete_by_table.insert(table.to_owned(), limit);
    }

    fn statements(&mut self, value: &Value, origin: &Origin) -> Vec<String> {
        let items = match value {
            Value::Array(items) => items.iter().collect(),
            Value::String(_) => vec![value],
            other => {
                let found = describe(other);
                let what = format!("expected a statement or a list of statements, found {found}");
                self.problem(origin, &what);
                return Vec::new();
            }
        };
        let mut statements = Vec::new();
        for (number, item) in items.into_iter().enumerate() {
            let place =
                if value.is_array() { origin.at(&number.to_string()) } else { origin.clone() };
            let Some(text) = self.text(item, &place) else { continue };
            if text.trim().is_empty() || text.contains('\0') {
                self.problem(&place, "is no statement");
            } else {
                statements.push(text);
            }
        }
        statements
    }
}

/// Neither comments nor empty values say anything.
fn is_said(key: &str, value: &Value) -> bool {
    !key.starts_with('_') && !value.is_null()
}

/// A setting, and what is said of it.
struct SettingText {
    setting: Setting,
    text: String,
}

/// The setting that says the same for all tables.
fn as_setting(rule: &Rule) -> Option<SettingText> {
    let text = match rule {
        Rule::BatchSize(rows) => rows.to_string(),
        Rule::TimestampColumn(name) | Rule::TargetSchema(name) => name.as_str().to_owned(),
        Rule::Deletes(deletes) => deletes.to_string(),
        Rule::MaxDelete(limit) => written_limit(*limit),
        Rule::Ddl(ddl) => ddl.name().to_owned(),
        _ => return None,
    };
    Some(SettingText { setting: Setting::by_key(rule.key().name())?, text })
}

/// `TABLE.COLUMN` or `SCHEMA.TABLE.COLUMN`; both parts may be patterns.
fn kept_columns(text: &str, origin: &Origin) -> Result<KeepEverywhere, String> {
    let parts =
        text.rsplit_once('.').filter(|(table, column)| !table.is_empty() && !column.is_empty());
    let (table, column) = parts
        .ok_or_else(|| format!("\"{text}\" is not a column such as orders.status or *.currency"))?;
    let table = Entry::new(table, origin.clone())?;
    Ok(KeepEverywhere { table, column: ColumnPattern::parse(column)? })
}

#[cfg(test)]
mod tests;
