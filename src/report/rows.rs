//! Files with a line per row that differs, written as the rows are found: JSON lines, and CSV.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::report::json;
use crate::sql::compared::Values;
use crate::verify::{DifferencePage, RowDifference, VerifyFlags};

/// Pages that may wait to be written.
const WAITING: usize = 4;

type Named<'a> = BTreeMap<&'a str, Option<&'a str>>;

/// One row, as a line of `-rows`.
#[derive(Serialize)]
pub struct Line<'a> {
    table: String,
    kind: &'static str,
    /// None in a table without a key.
    key: Option<Named<'a>>,
    columns: Vec<&'a str>,
    behind: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Named<'a>>,
}

impl<'a> Line<'a> {
    /// Of a row.
    pub fn of(table: &TableName, key: &'a [Ident], row: &'a RowDifference) -> Self {
        let values = |(name, value): (&'a Ident, &'a String)| (name.as_str(), Some(value.as_str()));
        let key: Named<'a> = key.iter().zip(&row.key).map(values).collect();
        Self {
            table: table.to_string(),
            kind: row.kind.name(),
            key: Some(key).filter(|key| !key.is_empty()),
            columns: row.columns.iter().map(Ident::as_str).collect(),
            behind: row.is_behind,
            source: row.source.as_ref().map(named),
            target: row.target.as_ref().map(named),
        }
    }
}

fn named(values: &Values) -> Named<'_> {
    values.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect()
}

/// The files of one comparison.
pub struct RowFiles {
    json: Option<BufWriter<File>>,
    csv: Option<BufWriter<File>>,
}

impl RowFiles {
    /// Creates those that are wanted.
    ///
    /// # Errors
    /// [`Error::Config`], for a file that cannot be created.
    pub fn create(flags: &VerifyFlags) -> Result<Self> {
        let (json, mut csv) =
            (create("rows", flags.rows.as_deref())?, create("csv", flags.csv.as_deref())?);
        if let Some(csv) = &mut csv {
            writeln!(csv, "table,kind,key,columns,source,target").map_err(unwritten)?;
        }
        Ok(Self { json, csv })
    }

    /// Writes what comes, on a thread of its own; ends when nobody sends any more.
    pub fn listen(mut self) -> (mpsc::Sender<DifferencePage>, JoinHandle<Result<()>>) {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let listen = move || {
            while let Some(page) = receiver.blocking_recv() {
                self.write(&page).map_err(unwritten)?;
            }
            self.json
                .into_iter()
                .chain(self.csv)
                .try_for_each(|mut file| file.flush())
                .map_err(unwritten)
        };
        (sender, tokio::task::spawn_blocking(listen))
    }

    fn write(&mut self, page: &DifferencePage) -> io::Result<()> {
        for row in &page.rows {
            let line = Line::of(&page.table, &page.key, row);
            if let Some(file) = &mut self.json {
                let text = serde_json::to_string(&line)?;
                writeln!(file, "{}", json::escaped(&text))?;
            }
            if let Some(file) = &mut self.csv {
                writeln!(file, "{}", record(&line)?)?;
            }
        }
        Ok(())
    }
}

/// A record of CSV: key and values as JSON.
fn record(line: &Line<'_>) -> io::Result<String> {
    let object = |values: &Option<Named<'_>>| match values {
        Some(values) => serde_json::to_string(values).map(|text| json::escaped(&text)),
        None => Ok(String::new()),
    };
    let columns = json::escaped(&line.columns.join(" "));
    let fields = [
        line.table.clone(),
        line.kind.to_owned(),
        object(&line.key)?,
        columns,
        object(&line.source)?,
        object(&line.target)?,
    ];
    Ok(fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(","))
}

/// As RFC 4180 has it; also what a spreadsheet would take for a formula is only text.
fn quoted(field: &str) -> String {
    let guard = if field.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if guard.is_empty() && !field.contains([',', '"', '\n', '\r']) {
        return field.to_owned();
    }
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

/// Writes the page of `-html`.
///
/// # Errors
/// The file cannot be written.
pub fn write_page(flags: &VerifyFlags, page: &str) -> Result<()> {
    match create("html", flags.html.as_deref())? {
        Some(mut file) => {
            file.write_all(page.as_bytes()).and_then(|()| file.flush()).map_err(unwritten)
        }
        None => Ok(()),
    }
}

fn create(flag: &str, name: Option<&str>) -> Result<Option<BufWriter<File>>> {
    let Some(name) = name else { return Ok(None) };
    let created = File::create(name).map_err(|error| {
        Error::Config(vec![format!("-{flag}: file {name} cannot be written: {}", error.kind())])
    });
    created.map(|file| Some(BufWriter::new(file)))
}

fn unwritten(error: io::Error) -> Error {
    Error::Blocked(format!("a file of the report cannot be written: {}", error.kind()))
}
