//! What a run said and how it ended, with the assertions that tests make about it. Each prints the
//! whole run when it fails.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

pub struct Outcome {
    pub command: String,
    /// The exit status; 128 + n for a process that signal n ended.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    /// What `-json` printed; null when it printed none.
    pub json: Value,
}

/// One table's part of the JSON result.
#[derive(Clone, Debug, Deserialize)]
pub struct TableResult {
    pub schema: String,
    pub table: String,
    pub strategy: Option<String>,
    pub status: String,
    #[serde(rename = "rows_processed")]
    pub processed: u64,
    #[serde(rename = "rows_inserted")]
    pub inserted: u64,
    #[serde(rename = "rows_updated")]
    pub updated: u64,
    #[serde(rename = "rows_deleted")]
    pub deleted: u64,
    pub batches: u64,
    pub bytes: u64,
    pub watermark: Option<String>,
    pub retries: u64,
    pub error: Option<TableError>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct TableError {
    pub message: String,
    pub sqlstate: Option<String>,
    pub constraint: Option<String>,
    pub hint: Option<String>,
    pub detail: Option<String>,
}

impl TableResult {
    /// Inserted, updated, deleted.
    pub fn changes(&self) -> (u64, u64, u64) {
        (self.inserted, self.updated, self.deleted)
    }
}

impl Outcome {
    /// Exit status 0, and no table that is not a success.
    #[track_caller]
    pub fn expect_ok(self) -> Self {
        assert_eq!(self.status, 0, "exit status 0 expected of {self}");
        let bad = self.tables().iter().any(|table| table.status != "success");
        assert!(!bad, "success of every table expected of {self}");
        self
    }

    #[track_caller]
    pub fn expect_exit(self, status: i32) -> Self {
        assert_eq!(self.status, status, "exit status {status} expected of {self}");
        self
    }

    /// Nothing was inserted, updated or deleted, and all is well.
    #[track_caller]
    pub fn expect_unchanged(self) -> Self {
        let this = self.expect_ok();
        let quiet = this.tables().iter().all(|table| table.changes() == (0, 0, 0));
        assert!(quiet, "no change expected of {this}");
        this
    }

    /// What was inserted, updated and deleted in a table.
    #[track_caller]
    pub fn expect_changes(self, table: &str, changes: (u64, u64, u64)) -> Self {
        assert_eq!(self.table(table).changes(), changes, "(inserted, updated, deleted) of {self}");
        self
    }

    #[track_caller]
    pub fn expect_strategy(self, table: &str, strategy: &str) -> Self {
        assert_eq!(self.table(table).strategy.as_deref(), Some(strategy), "strategy in {self}");
        self
    }

    /// The names of the tables that were selected are exactly these.
    #[track_caller]
    pub fn expect_tables(self, names: &[&str]) -> Self {
        let mut found: Vec<String> = self.tables().into_iter().map(|table| table.table).collect();
        found.sort();
        assert_eq!(found, names, "tables of {self}");
        self
    }

    /// One of the notes contains this text.
    #[track_caller]
    pub fn expect_note(self, text: &str) -> Self {
        let found = self.notes().iter().any(|note| note.contains(text));
        assert!(found, "a note with {text:?} expected of {self}");
        self
    }

    /// Somewhere in what was printed, on stdout or stderr, stands this text.
    #[track_caller]
    pub fn expect_said(self, text: &str) -> Self {
        assert!(self.said(text), "{text:?} expected of {self}");
        self
    }

    /// Nowhere in what was printed stands this text.
    #[track_caller]
    pub fn expect_unsaid(self, text: &str) -> Self {
        assert!(!self.said(text), "{text:?} not expected of {self}");
        self
    }

    /// The table failed, and its message contains all of these texts.
    #[track_caller]
    pub fn expect_failed(self, table: &str, texts: &[&str]) -> Self {
        self.expect_status(table, "failed", texts)
    }

    /// A safety check refused the table, with a message that contains all of these texts.
    #[track_caller]
    pub fn expect_refused(self, table: &str, texts: &[&str]) -> Self {
        self.expect_status(table, "refused", texts)
    }

    #[track_caller]
    fn expect_status(self, table: &str, status: &str, texts: &[&str]) -> Self {
        let result = self.table(table);
        assert_eq!(result.status, status, "status of {table} in {self}");
        let words = |error: TableError| error.message + "; " + &error.hint.unwrap_or_default();
        let message = result.error.map(words).unwrap_or_default();
        for text in texts {
            assert!(message.contains(text), "{text:?} expected in the error of {table} in {self}");
        }
        self
    }

    /// A table by name, or `schema.table` where several have the name.
    #[track_caller]
    pub fn table(&self, name: &str) -> TableResult {
        let is_it = |table: &TableResult| {
            table.table == name || format!("{}.{}", table.schema, table.table) == name
        };
        let found = self.tables().into_iter().find(is_it);
        found.unwrap_or_else(|| panic!("no table {name} in {self}"))
    }

    #[track_caller]
    pub fn tables(&self) -> Vec<TableResult> {
        let tables = self.json.get("tables").cloned().unwrap_or(Value::Array(Vec::new()));
        serde_json::from_value(tables).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    pub fn notes(&self) -> Vec<String> {
        let notes = self.json["notes"].as_array().cloned().unwrap_or_default();
        notes.iter().filter_map(|note| note["text"].as_str().map(Into::into)).collect()
    }

    fn said(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, status, stdout, stderr, .. } = self;
        write!(f, "{command}\nexit status {status}\n--- stdout\n{stdout}--- stderr\n{stderr}---")
    }
}
