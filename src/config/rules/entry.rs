//! One rule of one entry: from JSON to a [`Rule`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::mask;
use crate::config::file::{self, describe};
use crate::config::setting::Kind;
use crate::config::value;
use crate::ident::Ident;
use crate::outcome::Strategy;
use crate::rules::{Children, ColumnPattern, Given, Key, Mode, Origin, Rule, TargetTable};
use crate::sql::user_expression::UserExpression;

/// Rows of a batch, at most.
pub const MOST_ROWS: u64 = 10_000_000;

/// Reads rules and tells what is wrong with them.
pub struct EntryReader<'a> {
    /// Puts variables in their places, in a file.
    pub expand: &'a dyn Fn(&str) -> Result<String, String>,
    pub problems: &'a mut Vec<String>,
}

impl EntryReader<'_> {
    /// Adds a problem with its place.
    pub fn problem(&mut self, origin: &Origin, what: &str) {
        self.problems.push(format!("{origin}: {what}"));
    }

    /// The rule, unless the value is wrong; then the problem has been told.
    pub fn rule(&mut self, key: Key, value: &Value, origin: &Origin) -> Option<Rule> {
        match key {
            Key::Mask => return self.masks(value, origin),
            Key::Rename => return self.rename(value, origin),
            _ => {}
        }
        self.simple(key, value).map_err(|what| self.problem(origin, &what)).ok()
    }

    fn simple(&self, key: Key, given: &Value) -> Result<Rule, String> {
        let text = || self.one(Kind::Text, given);
        match key {
            Key::Skip => Ok(Rule::Skip(self.switch(given)?)),
            Key::Deletes => Ok(Rule::Deletes(self.switch(given)?)),
            Key::BatchSize => {
                let text = self.one(Kind::Number, given)?;
                Ok(Rule::BatchSize(value::number(&text, 1..=MOST_ROWS)?))
            }
            Key::MaxDelete => Ok(Rule::MaxDelete(value::limit(&self.one(Kind::Limit, given)?)?)),
            Key::Where => {
                let text = text()?;
                UserExpression::parse(&text)?;
                Ok(Rule::Where(text))
            }
            Key::TargetTable => Ok(Rule::TargetTable(target_table(&text()?)?)),
            Key::TargetSchema => Ok(Rule::TargetSchema(name(text()?)?)),
            Key::TimestampColumn => Ok(Rule::TimestampColumn(name(text()?)?)),
            Key::Strategy => {
                let all = [Strategy::Copy, Strategy::Incremental, Strategy::Compare];
                Ok(Rule::Strategy(value::one_of(&text()?, &all, |one| one.name())?))
            }
            Key::Mode => Ok(Rule::Mode(value::one_of(&text()?, &Mode::ALL, |one| one.name())?)),
            Key::Ddl => Ok(Rule::Ddl(value::ddl(&text()?)?)),
            Key::Children => {
                Ok(Rule::Children(value::one_of(&text()?, &Children::ALL, |one| one.name())?))
            }
            Key::Columns => Ok(Rule::Columns(some(self.columns(given)?)?)),
            Key::ExcludeColumns => Ok(Rule::ExcludeColumns(self.columns(given)?)),
            Key::Key => Ok(Rule::Key(some(self.columns(given)?)?)),
            Key::Keep | Key::Mask | Key::Rename => {
                let names = self.columns(given)?;
                let patterns = names.iter().map(|name| ColumnPattern::parse(name.as_str()));
                Ok(Rule::Keep(patterns.collect::<Result<_, _>>()?))
            }
        }
    }

    fn one(&self, kind: Kind, given: &Value) -> Result<String, String> {
        let text = file::texts(kind, given, self.expand)?.concat();
        if text.contains('\0') { Err("contains a zero byte".into()) } else { Ok(text) }
    }

    fn switch(&self, given: &Value) -> Result<bool, String> {
        value::switch(&self.one(Kind::Switch, given)?)
    }

    fn columns(&self, given: &Value) -> Result<Vec<Ident>, String> {
        let names = file::texts(Kind::List, given, self.expand)?;
        let mut seen = BTreeSet::new();
        match names.iter().find(|name| !seen.insert(*name)) {
            Some(twice) => Err(format!("names \"{twice}\" twice")),
            None => Ok(names.into_iter().map(Ident::new).collect()),
        }
    }

    fn rename(&mut self, given: &Value, origin: &Origin) -> Option<Rule> {
        let Some(names) = given.as_object() else {
            let found = describe(given);
            let what =
                format!("expected an object such as {{\"total\": \"amount\"}}, found {found}");
            self.problem(origin, &what);
            return None;
        };
        let mut renamed = BTreeMap::new();
        let mut sources: BTreeMap<Ident, &str> = BTreeMap::new();
        for (column, value) in names.iter().filter(|(name, value)| super::is_said(name, value)) {
            let place = origin.at(column);
            let target = match self.one(Kind::Text, value).and_then(name) {
                Ok(target) => target,
                Err(what) => {
                    self.problem(&place, &what);
                    continue;
                }
            };
            if let Some(other) = sources.insert(target.clone(), column) {
                let what =
                    format!("gives \"{other}\" and \"{column}\" one name, \"{}\"", target.as_str());
                self.problem(origin, &what);
            }
            renamed.insert(Ident::new(column), target);
        }
        Some(Rule::Rename(renamed))
    }

    fn masks(&mut self, given: &Value, origin: &Origin) -> Option<Rule> {
        let Some(columns) = given.as_object() else {
            let found = describe(given);
            let what =
                format!("expected an object such as {{\"email\": \"email\"}}, found {found}");
            self.problem(origin, &what);
            return None;
        };
        let mut masks = BTreeMap::new();
        for (column, value) in columns.iter().filter(|(name, value)| super::is_said(name, value)) {
            match mask::read(value, self.expand) {
                Ok(mask) => drop(masks.insert(Ident::new(column), mask)),
                Err(wrong) => {
                    let place =
                        wrong.steps.iter().fold(origin.at(column), |place, step| place.at(step));
                    self.problem(&place, &wrong.what);
                }
            }
        }
        Some(Rule::Mask(masks))
    }

    /// What one entry says in two ways.
    pub fn contradictions(&mut self, given: &[Given]) {
        let find = |key: Key| given.iter().find(|given| given.rule.key() == key);
        if let (
            Some(Given { rule: Rule::Mask(masks), origin }),
            Some(Given { rule: Rule::Keep(kept), .. }),
        ) = (find(Key::Mask), find(Key::Keep))
        {
            let both =
                masks.keys().filter(|column| kept.iter().any(|kept| kept.text == column.as_str()));
            for column in both {
                self.problem(&origin.at(column.as_str()), "the column is in \"keep\", too");
            }
        }
        if let (
            Some(Given { rule: Rule::Columns(columns), .. }),
            Some(Given { rule: Rule::ExcludeColumns(excluded), origin }),
        ) = (find(Key::Columns), find(Key::ExcludeColumns))
        {
            for column in excluded.iter().filter(|column| columns.contains(column)) {
                let what = format!("\"{}\" is in \"columns\", too", column.as_str());
                self.problem(origin, &what);
            }
        }
        if let (
            Some(Given { rule: Rule::Mode(mode), .. }),
            Some(Given { rule: Rule::Deletes(true), origin }),
        ) = (find(Key::Mode), find(Key::Deletes))
            && *mode != Mode::Mirror
        {
            let what = format!("mode \"{}\" deletes nothing", mode.name());
            self.problem(origin, &what);
        }
        if let (Some(Given { rule: Rule::TargetTable(table), .. }), Some(Given { origin, .. })) =
            (find(Key::TargetTable), find(Key::TargetSchema))
            && table.schema.is_some()
        {
            self.problem(origin, "\"targetTable\" names a schema, too");
        }
    }
}

fn some(columns: Vec<Ident>) -> Result<Vec<Ident>, String> {
    if columns.is_empty() { Err("names no column".into()) } else { Ok(columns) }
}

fn name(text: String) -> Result<Ident, String> {
    if text.is_empty() { Err("is empty".into()) } else { Ok(Ident::new(text)) }
}

fn target_table(text: &str) -> Result<TargetTable, String> {
    let (schema, name) = match text.split_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, text),
    };
    if schema == Some("") || name.is_empty() || name.contains('.') {
        return Err(format!("\"{text}\" is not a name such as orders or sales.orders"));
    }
    Ok(TargetTable { schema: schema.map(Ident::new), name: Ident::new(name) })
}
