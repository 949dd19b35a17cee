//! Rules as users write them: for people who ask what counts, and for configurations that are printed.

use serde_json::{Map, Value, json};

use super::entry::{Key, Rule};
use super::table_rules::{MaxDelete, TableRules, TargetTable};
use super::{ColumnPattern, Mask};
use crate::ident::Ident;

impl Mask {
    /// As the config file has it: `"email"`, `{"hash": 32}`.
    pub fn written(&self) -> Value {
        let number = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        let parameter = match self {
            Mask::Value(text) | Mask::Sql(text) => Value::from(text.as_str()),
            Mask::Hash { digits } => Value::from(*digits),
            Mask::DateShift { days, by: None } => Value::from(*days),
            Mask::DateShift { days, by: Some(by) } => json!({"days": days, "by": by.as_str()}),
            Mask::NumberNoise { share } => number(share),
            Mask::NumberRound { step } => number(step),
            Mask::Json(parts) => parts
                .iter()
                .map(|(path, mask)| (path.to_string(), mask.written()))
                .collect::<Map<_, _>>()
                .into(),
            _ => return Value::from(self.name()),
        };
        Value::Object(Map::from_iter([(self.name().to_owned(), parameter)]))
    }
}

impl Rule {
    /// As the config file has its value.
    pub fn written(&self) -> Value {
        match self {
            Rule::Skip(is_on) | Rule::Deletes(is_on) => Value::from(*is_on),
            Rule::Where(text) => Value::from(text.as_str()),
            Rule::Columns(columns) | Rule::ExcludeColumns(columns) | Rule::Key(columns) => {
                names(columns.iter().map(Ident::as_str))
            }
            Rule::Rename(columns) => {
                let pairs = columns
                    .iter()
                    .map(|(one, other)| (one.as_str().to_owned(), other.as_str().into()));
                Value::Object(pairs.collect())
            }
            Rule::TargetTable(TargetTable { schema: None, name }) => Value::from(name.as_str()),
            Rule::TargetTable(TargetTable { schema: Some(schema), name }) => {
                Value::from(format!("{}.{}", schema.as_str(), name.as_str()))
            }
            Rule::TargetSchema(name) | Rule::TimestampColumn(name) => Value::from(name.as_str()),
            Rule::Strategy(strategy) => Value::from(strategy.name()),
            Rule::Mode(mode) => Value::from(mode.name()),
            Rule::MaxDelete(limit) => Value::from(written_limit(*limit)),
            Rule::BatchSize(rows) => Value::from(*rows),
            Rule::Ddl(ddl) => Value::from(ddl.name()),
            Rule::Mask(masks) => {
                let pairs =
                    masks.iter().map(|(column, mask)| (column.as_str().to_owned(), mask.written()));
                Value::Object(pairs.collect())
            }
            Rule::Keep(columns) => names(columns.iter().map(|column| column.text.as_str())),
            Rule::Children(children) => Value::from(children.name()),
        }
    }
}

impl TableRules {
    /// The rule of this key; `None` where nothing counts: no filter, all columns, the same name.
    pub fn rule(&self, key: Key) -> Option<Rule> {
        Some(match key {
            Key::Skip => Rule::Skip(self.skip),
            Key::Where => Rule::Where(self.filter.clone()?),
            Key::Columns => Rule::Columns(self.columns.clone()?),
            Key::ExcludeColumns => Rule::ExcludeColumns(some(&self.exclude_columns)?),
            Key::Rename => {
                Rule::Rename(Some(self.rename.clone()).filter(|names| !names.is_empty())?)
            }
            Key::TargetTable => Rule::TargetTable(self.target_table.clone()?),
            Key::TargetSchema => Rule::TargetSchema(self.target_schema.clone()?),
            Key::Key => Rule::Key(self.key.clone()?),
            Key::TimestampColumn => Rule::TimestampColumn(self.timestamp_column.clone()),
            Key::Strategy => Rule::Strategy(self.strategy?),
            Key::Mode => Rule::Mode(self.mode),
            Key::Deletes => Rule::Deletes(self.deletes),
            Key::MaxDelete => Rule::MaxDelete(self.max_delete),
            Key::BatchSize => Rule::BatchSize(self.batch_size),
            Key::Ddl => Rule::Ddl(self.ddl),
            Key::Mask => Rule::Mask(Some(self.mask.clone()).filter(|masks| !masks.is_empty())?),
            Key::Keep => Rule::Keep(some::<ColumnPattern>(&self.keep.0)?),
            Key::Children => Rule::Children(self.children),
        })
    }
}

/// A limit as the config file has it: `20%`, `1000` or `off`.
pub fn written_limit(limit: Option<MaxDelete>) -> String {
    match limit {
        None => "off".into(),
        Some(MaxDelete::Rows(rows)) => rows.to_string(),
        Some(MaxDelete::Share(share)) => format!("{}%", share * 100.0),
    }
}

fn some<T: Clone>(items: &[T]) -> Option<Vec<T>> {
    if items.is_empty() { None } else { Some(items.to_vec()) }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    names.map(Value::from).collect()
}
