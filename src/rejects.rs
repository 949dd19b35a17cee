//! The file of `-rejects`: one JSON object per line and bad value. A reader sees the list of the last run or that
//! of this one, and never a part.

mod place;

use std::fs::File;
use std::io;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use self::place::{Beside, Place, plain};
use crate::error::{Error, Result};
use crate::ident::TableName;
use crate::source::{BadRow, KeyField};

pub use self::place::Protected;

/// A list that is being written, beside its place.
pub struct Rejects {
    /// As it was given.
    path: PathBuf,
    place: Place,
    beside: PathBuf,
    list: Mutex<List>,
}

struct List {
    file: BufWriter<File>,
    /// What has gone wrong first.
    problem: Option<io::Error>,
}

#[derive(Serialize)]
struct Line<'a> {
    schema: &'a str,
    table: &'a str,
    #[serde(serialize_with = "as_object")]
    key: &'a [KeyField],
    column: &'a str,
    stored_as: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

fn as_object<S: Serializer>(key: &[KeyField], serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(Some(key.len()))?;
    for field in key {
        object.serialize_entry(&field.column, &field.value)?;
    }
    object.end()
}

impl Rejects {
    /// Begins an empty list, which replaces none of the files that are `protected`.
    ///
    /// # Errors
    /// [`Error::Config`], where no list may come there, or no file can be made in that folder.
    pub fn begin(path: &Path, protected: &[Protected]) -> Result<Self> {
        let problem = |why: String| Error::Config(vec![told(path, &why)]);
        let place = Place::find(path, protected).map_err(problem)?;
        let begun = place.begin_beside().map_err(|error| problem(plain(&error)));
        let Beside { path: beside, file } = begun?;
        let list = Mutex::new(List { file: BufWriter::new(file), problem: None });
        Ok(Self { path: path.to_owned(), place, beside, list })
    }

    /// Empties the list, for another round of the run.
    pub fn restart(&self) {
        let mut list = self.list();
        let emptied = list.file.rewind().and_then(|()| list.file.get_ref().set_len(0));
        list.problem = emptied.err();
    }

    /// Adds a line for each bad value of a row; the value itself if `verbose`.
    pub fn add(&self, table: &TableName, row: &BadRow, verbose: bool) {
        let mut list = self.list();
        for field in &row.values {
            let line = Line {
                schema: table.schema.as_str(),
                table: table.name.as_str(),
                key: &row.key,
                column: &field.column,
                stored_as: field.class,
                reason: &field.reason,
                value: verbose.then_some(&field.value),
            };
            let written = serde_json::to_writer(&mut list.file, &line).map_err(io::Error::from);
            let written = written.and_then(|()| list.file.write_all(b"\n"));
            list.problem = list.problem.take().or(written.err());
        }
    }

    /// Puts the list in its place.
    ///
    /// # Errors
    /// What the file system has against it; the earlier list stays.
    pub fn place(&self) -> Result<(), String> {
        let mut list = self.list();
        let done = match list.problem.take() {
            Some(problem) => Err(problem),
            None => list.file.flush().and_then(|()| list.file.get_ref().sync_all()),
        };
        let done = done.and_then(|()| std::fs::rename(&self.beside, &self.place.path));
        done.map_err(|error| told(&self.path, &plain(&error)))
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Rejects {
    fn drop(&mut self) {
        // There is none any more where it has come to its place.
        let _ = std::fs::remove_file(&self.beside);
    }
}

fn told(path: &Path, words: &str) -> String {
    format!("-rejects {}: {words}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::BadField;

    fn bad_row() -> BadRow {
        let key = vec![KeyField { column: "id".to_owned(), value: "7".to_owned() }];
        let values = vec![BadField {
            column: "n".to_owned(),
            class: "text",
            reason: "not a value of type integer".to_owned(),
            value: "x\"y".to_owned(),
            widening: None,
        }];
        BadRow { key, values }
    }

    #[test]
    fn the_list_takes_its_place_at_the_end_and_holds_values_on_demand() {
        let path = std::env::temp_dir().join(format!("pgsync-rejects-{}", std::process::id()));
        std::fs::write(&path, "earlier").expect("a file");
        let table = TableName::new("public", "item");
        let rejects = Rejects::begin(&path, &[]).expect("a list");
        rejects.add(&table, &bad_row(), false);
        rejects.restart();
        rejects.add(&table, &bad_row(), false);
        rejects.add(&table, &bad_row(), true);
        let read = || std::fs::read_to_string(&path).expect("a file");
        assert_eq!(read(), "earlier");
        rejects.place().expect("a place");
        let line = r#"{"schema":"public","table":"item","key":{"id":"7"},"column":"n","stored_as":"text","reason":"not a value of type integer""#;
        assert_eq!(read(), format!("{line}}}\n{line},\"value\":\"x\\\"y\"}}\n"));
        drop(rejects);
        std::fs::remove_file(path).expect("the file goes");
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_at_once() {
        let begun = Rejects::begin(Path::new("/no/such/folder/list"), &[]);
        let Err(Error::Config(problems)) = begun else {
            panic!("there is no such folder");
        };
        assert_eq!(problems, ["-rejects /no/such/folder/list: no such file or directory"]);
    }
}
