//! Flags that only one command has. They are no settings: no variable and no key of the config file gives them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::value;
use crate::ident::TableName;

/// Which sides a command connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    BothSides,
    Source,
    Target,
}

/// The values of such flags, by name, and what is wrong with them.
pub struct OwnFlags {
    texts: BTreeMap<String, String>,
    pub(super) problems: Vec<String>,
}

impl OwnFlags {
    pub(super) fn new(texts: BTreeMap<String, String>) -> Self {
        Self { texts, problems: Vec::new() }
    }

    /// The value of a flag as `parse` has it; none when it is not given, or is wrong.
    pub fn read<T>(
        &mut self,
        flag: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = parse(self.texts.get(flag)?);
        parsed.map_err(|problem| self.problem(flag, &problem)).ok()
    }

    /// Says what is wrong with a flag.
    pub fn problem(&mut self, flag: &str, what: &str) {
        self.problems.push(format!("-{flag}: {what}"));
    }

    /// The text of a flag, as it is.
    pub fn text(&mut self, flag: &str) -> Option<String> {
        self.texts.get(flag).cloned()
    }

    /// Whether a switch is on.
    pub fn switch(&mut self, flag: &str) -> bool {
        self.read(flag, value::switch).unwrap_or_default()
    }

    /// A length of time within bounds that are written alike.
    pub fn duration(&mut self, flag: &str, bounds: [&str; 2]) -> Option<Duration> {
        let [least, most] = bounds;
        self.read(flag, |text| value::duration(text, least, most))
    }

    /// A whole number within bounds.
    pub fn number(&mut self, flag: &str, least: u64, most: u64) -> Option<u64> {
        self.read(flag, |text| value::number(text, least..=most))
    }

    /// `table`, or `schema.table`; the schema is empty when none is named.
    pub fn table(&mut self, flag: &str) -> Option<TableName> {
        let text = self.texts.get(flag)?;
        let (schema, name) = text.split_once('.').unwrap_or(("", text));
        Some(TableName::new(schema, name))
    }
}
