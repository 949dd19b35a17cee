//! A log line and its two forms: text for people, JSON for programs. Pure; prints nothing.
//!
//! The JSON form is an interface: fields are added, never renamed or removed.
//!
//! ```json
//! {"time":"2024-12-13T15:30:45Z","level":"error|warn|info|debug|trace","run_id":"…"|null,
//!  "table":"public.users"|null,"side":"source|target","library":"rustls::client::hs","message":"…"}
//! ```
//! where `side` is there for an error of a database, and `library` for what a library says.

use std::fmt;

use chrono::{DateTime, Local, Utc};
use serde::Serialize;

use crate::config::{LogFormat, LogLevel};
use crate::error::{Error, Side};
use crate::ident::TableName;
use crate::report::format;
use crate::report::json;

/// Whose time a line of text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// In full, for files.
    Utc,
    /// Of the day only, for whoever watches.
    Local,
}

/// One log line. Printed as text it is `[2024-12-13T15:30:45Z] users - copying`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub time: DateTime<Utc>,
    pub level: LogLevel,
    pub run_id: Option<String>,
    /// `None` when it concerns the whole run.
    pub table: Option<TableName>,
    /// Whose error it tells.
    pub side: Option<Side>,
    /// The library that says it, when it is not pgsync.
    pub library: Option<String>,
    /// On one line, with nothing that a terminal obeys.
    pub message: String,
}

#[derive(Serialize)]
struct Object<'a> {
    time: String,
    level: &'static str,
    run_id: Option<&'a str>,
    table: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<&'a str>,
    message: &'a str,
}

impl Line {
    /// A line about the whole run.
    pub fn new(time: DateTime<Utc>, level: LogLevel, message: impl Into<String>) -> Self {
        let (run_id, table, side, library) = (None, None, None, None);
        Self { time, level, run_id, table, side, library, message: message.into() }
    }

    /// The same about a table.
    pub fn about(self, table: &TableName) -> Self {
        Self { table: Some(table.clone()), ..self }
    }

    /// With the side on which this error happened, if it is one of a database.
    pub fn on_side_of(self, error: Option<&Error>) -> Self {
        match error {
            Some(Error::Database(error)) => Self { side: Some(error.side), ..self },
            _ => self,
        }
    }

    /// The line as it is printed, without a line break. JSON has UTC whatever the clock is.
    pub fn printed(&self, format: LogFormat, clock: Clock) -> String {
        match (format, clock) {
            (LogFormat::Json, _) => self.json(),
            (LogFormat::Text, Clock::Utc) => self.to_string(),
            (LogFormat::Text, Clock::Local) => {
                let time = self.time.with_timezone(&Local).format("%H:%M:%S");
                format!("{time} {}", self.text())
            }
        }
    }

    /// Without the time.
    fn text(&self) -> String {
        let table = self.table.as_ref().map(|table| format!("{} - ", format::table(table)));
        let library = self.library.as_ref().map(|library| format!("{library}: "));
        let message = Some(self.message.clone());
        [table, library, message].into_iter().flatten().collect()
    }

    fn json(&self) -> String {
        let object = Object {
            time: format::moment(self.time),
            level: self.level.name(),
            run_id: self.run_id.as_deref(),
            table: self.table.as_ref().map(TableName::to_string),
            side: self.side.map(|side| side.to_string()),
            library: self.library.as_deref(),
            message: &self.message,
        };
        // Strings always serialize; the type system cannot know.
        json::escaped(&serde_json::to_string(&object).unwrap_or_default())
    }
}

/// A line that waits for the same about other tables.
#[derive(Clone, Debug)]
pub struct Untold {
    pub line: Line,
    /// Whether its text is said of several tables at once.
    pub unites: bool,
}

/// Says of several tables once what is one text, where it is first said.
pub fn united(lines: Vec<Untold>) -> Vec<Line> {
    let alike = |line: &Line, other: &Line| {
        other.table.is_some() && (line.level, &line.message) == (other.level, &other.message)
    };
    let mut told: Vec<(Line, Vec<TableName>)> = Vec::new();
    for Untold { line, unites } in lines {
        let table = line.table.clone().filter(|_| unites);
        match told.iter_mut().find(|(first, _)| table.is_some() && alike(&line, first)) {
            Some((_, tables)) => tables.extend(table),
            None => told.push((line, Vec::from_iter(table))),
        }
    }
    let united = |(line, tables): (Line, Vec<TableName>)| match tables.as_slice() {
        [] | [_] => line,
        tables => {
            let names: Vec<String> = tables.iter().map(format::table).collect();
            let message = format!("{} - {}", names.join(", "), line.message);
            Line { table: None, message, ..line }
        }
    };
    told.into_iter().map(united).collect()
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", format::moment(self.time), self.text())
    }
}
