//! What a source is: a PostgreSQL database, or a SQLite file with the URL that names it; and the settings that
//! a kind of source takes or refuses.
//!
//! `sqlite:` always means a file. A bare path and `file:` mean one only if the file begins as SQLite's do:
//! all else keeps the meaning that it has for a database.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::conninfo::{ConnInfo, Parsed};
use super::environment::Environment;
use super::{Setting, conninfo};
use crate::error::Error;

/// Where rows come from.
#[allow(clippy::large_enum_variant, reason = "a run has one")]
#[derive(Clone, Debug)]
pub enum SourceInfo {
    Postgres(ConnInfo),
    Sqlite(SqliteFile),
}

/// A SQLite file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqliteFile {
    /// Absolute.
    pub path: PathBuf,
    /// Whether nobody changes the file as long as it is read, on the user's word.
    pub immutable: bool,
    /// In which forms columns keep their moments, on the user's word.
    pub timestamps: Vec<GivenTimestamps>,
    pub bad_rows: BadRows,
}

/// Settings that not every kind of source takes.
#[derive(Clone, Debug, Default)]
pub struct SourceOptions {
    /// As `-timestamps` has them.
    pub timestamps: Vec<String>,
    pub bad_rows: BadRows,
    /// Whether bad rows are to be listed.
    pub rejects: bool,
}

/// A setting that a source does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub setting: Setting,
    pub why: String,
}

impl SourceOptions {
    /// The settings that are given.
    fn given(&self) -> impl Iterator<Item = Setting> {
        let given = [
            (!self.timestamps.is_empty()).then_some(Setting::Timestamps),
            (self.bad_rows == BadRows::Skip).then_some(Setting::BadRows),
            self.rejects.then_some(Setting::Rejects),
        ];
        given.into_iter().flatten()
    }
}

impl Refused {
    fn new(setting: Setting, why: impl Into<String>) -> Self {
        Self { setting, why: why.into() }
    }

    /// What PostgreSQL has against a setting that is for files.
    fn by_postgres(setting: Setting) -> Self {
        let why = match setting {
            Setting::Timestamps => "PostgreSQL's columns say themselves what they hold",
            _ => "a column of PostgreSQL holds only values of its type",
        };
        Self::new(setting, format!("is for a SQLite source: {why}"))
    }
}

/// The file that is a source.
#[derive(Clone, Copy, Debug)]
pub struct FileSource<'a> {
    pub path: &'a Path,
    /// The ends of names of files that belong to it and stand beside it.
    pub beside: &'static [&'static str],
    /// What such a file is.
    pub what: &'static str,
}

/// What becomes of a row with a value that the target's column cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadRows {
    /// Its table fails.
    #[default]
    Fail,
    /// It is left out; its table fails when all others have arrived.
    Skip,
}

/// The form of a column's timestamps, such as `unixms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenTimestamps {
    pub table: String,
    pub column: String,
    pub form: String,
}

impl GivenTimestamps {
    /// Whether it is about this column.
    pub fn names(&self, table: &str, column: &str) -> bool {
        self.table.eq_ignore_ascii_case(table) && self.column.eq_ignore_ascii_case(column)
    }

    /// Of `table.column=form`.
    pub fn read(text: &str) -> Result<Self, String> {
        let pair =
            text.split_once('=').and_then(|(name, form)| Some((name.split_once('.')?, form)));
        let Some(((table, column), form)) = pair else {
            return Err(format!("\"{text}\" is not TABLE.COLUMN=FORM"));
        };
        let part = |text: &str| text.trim().to_owned();
        Ok(Self { table: part(table), column: part(column), form: part(form) })
    }
}

impl BadRows {
    /// Every treatment.
    pub const ALL: [Self; 2] = [Self::Fail, Self::Skip];

    /// The word in flags and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// A source and what the user should know about how it came to be.
#[derive(Debug)]
pub struct ParsedSource {
    pub info: SourceInfo,
    pub warnings: Vec<String>,
}

impl SourceInfo {
    /// Takes the settings that are for it, and says which are not.
    pub fn take(&mut self, options: &SourceOptions) -> Vec<Refused> {
        match self {
            Self::Postgres(_) => options.given().map(Refused::by_postgres).collect(),
            Self::Sqlite(file) => file.take(options),
        }
    }

    /// Why tables cannot be rebuilt from it, if they cannot.
    pub fn no_reset(&self) -> Option<&'static str> {
        match self {
            Self::Postgres(_) => None,
            Self::Sqlite(_) => Some("reset is not supported for a SQLite source"),
        }
    }

    /// The file that it is, if it is one.
    pub fn file(&self) -> Option<FileSource<'_>> {
        match self {
            Self::Postgres(_) => None,
            Self::Sqlite(file) => Some(FileSource {
                path: &file.path,
                beside: &["-wal", "-shm", "-journal"],
                what: "a file that SQLite keeps beside the source",
            }),
        }
    }

    /// For work that leaves no row out.
    pub fn complete(self) -> Self {
        match self {
            Self::Sqlite(file) => Self::Sqlite(SqliteFile { bad_rows: BadRows::Fail, ..file }),
            postgres => postgres,
        }
    }

    /// As logs and `sync_log.source` have it.
    pub fn describe(&self) -> String {
        match self {
            Self::Postgres(info) => info.describe(),
            Self::Sqlite(file) => format!("sqlite:{}", file.path.display()),
        }
    }

    /// The connection, where the source has to be PostgreSQL for what `needs` it.
    ///
    /// # Errors
    /// It is a file.
    pub fn postgres(&self, needs: &str) -> Result<&ConnInfo, Error> {
        match self {
            Self::Postgres(info) => Ok(info),
            Self::Sqlite(_) => {
                let problem =
                    format!("{needs} needs a PostgreSQL source: it does not read SQLite files");
                Err(Error::Config(vec![problem]))
            }
        }
    }
}

impl SqliteFile {
    /// Whether the file begins as SQLite's do.
    fn is_there(&self) -> bool {
        // Opening a FIFO would wait for somebody who writes.
        let is_file = self.path.metadata().is_ok_and(|found| found.is_file());
        let mut begin = [0; 16];
        let mut read = || File::open(&self.path)?.read_exact(&mut begin);
        is_file && read().is_ok() && &begin == b"SQLite format 3\0"
    }

    fn take(&mut self, options: &SourceOptions) -> Vec<Refused> {
        self.bad_rows = options.bad_rows;
        let mut refused = Vec::new();
        for text in &options.timestamps {
            match GivenTimestamps::read(text) {
                Ok(given) => self.timestamps.push(given),
                Err(why) => refused.push(Refused::new(Setting::Timestamps, why)),
            }
        }
        refused
    }
}

/// Reads what names a source. Returns every problem found.
pub fn parse_source(text: &str, environment: &Environment) -> Result<ParsedSource, Vec<String>> {
    let text = text.trim();
    let file = match text.strip_prefix("sqlite:") {
        Some(rest) => Some(url(rest).map_err(|problem| vec![problem])?),
        // A file of that very name comes before one with parameters behind it.
        None => match named(text) {
            None if is_path(text) => Some(url(text).map_err(|problem| vec![problem])?),
            named => named,
        },
    };
    if let Some(file) = file {
        return Ok(ParsedSource { info: SourceInfo::Sqlite(file), warnings: Vec::new() });
    }
    let parsed = conninfo::parse(text, environment).map_err(|problems| {
        let told = |problem: String| match problem.as_str() {
            conninfo::FORMS => format!("{problem}; or sqlite:///path for a SQLite file"),
            _ => problem,
        };
        problems.into_iter().map(told).collect::<Vec<_>>()
    });
    let Parsed { info, warnings } = parsed?;
    Ok(ParsedSource { info: SourceInfo::Postgres(info), warnings })
}

/// Reads what names a target. Returns every problem found.
pub fn parse_target(text: &str, environment: &Environment) -> Result<Parsed, Vec<String>> {
    if text.trim().starts_with("sqlite:") || is_path(text) || named(text.trim()).is_some() {
        let text = "the target has to be a PostgreSQL database, as in postgres://user@host/database; a SQLite file can only \
                    be the source";
        return Err(vec![text.to_owned()]);
    }
    conninfo::parse(text, environment)
}

/// Whether a text is `file:` with a SQLite file behind it, and not with one that holds a connection string.
pub fn is_file_url(text: &str) -> bool {
    text.starts_with("file:") && named(text).is_some()
}

/// How names of SQLite files end.
const ENDS: &[&str] = &[".db", ".sqlite", ".sqlite3", ".gpkg"];

/// How paths begin. `host/database`, with a slash too, is a URL that lacks its beginning.
const BEGINS: &[&str] = &["/", "./", "../", "~/"];

/// Whether a text can only mean a file, be it there or not. What may hold a password is none.
fn is_path(text: &str) -> bool {
    let path = text.split_once('?').map_or(text, |(path, _)| path);
    let may_be_secret = path.contains(['@', ':', '=', '$']);
    let is_one = BEGINS.iter().any(|begin| path.starts_with(begin))
        || ENDS.iter().any(|end| path.ends_with(end));
    is_one && !may_be_secret
}

/// A path, or `file:` with one, of a file that is SQLite's.
fn named(text: &str) -> Option<SqliteFile> {
    let whole = || absolute(text, false).ok().filter(SqliteFile::is_there);
    let url = || url(text.strip_prefix("file:").unwrap_or(text)).ok();
    whole().or_else(|| url().filter(SqliteFile::is_there))
}

/// What follows `sqlite:`: `///path`, `path`, with `?immutable=1` behind it.
fn url(rest: &str) -> Result<SqliteFile, String> {
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let path = match place
        .strip_prefix("//")
        .map(|place| place.split_at(place.find('/').unwrap_or(place.len())))
    {
        Some(("" | "localhost", path)) => path,
        Some(_) => {
            return Err("sqlite:// names a host before the path: write sqlite:///path for an absolute path, \
                        sqlite:path for another"
                .to_owned());
        }
        None => place,
    };
    let mut immutable = false;
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        immutable = match parameter.split_once('=') {
            Some(("immutable", "1")) => true,
            Some(("immutable", "0")) => false,
            _ => return Err("a SQLite file has no other parameter than immutable=1".to_owned()),
        };
    }
    absolute(&decoded(path)?, immutable)
}

fn absolute(path: &str, immutable: bool) -> Result<SqliteFile, String> {
    if path.is_empty() {
        return Err("sqlite: names no file".to_owned());
    }
    let path = std::path::absolute(path);
    let path =
        path.map_err(|error| format!("the path of the SQLite file cannot be used: {error}"))?;
    Ok(SqliteFile { path, immutable, timestamps: Vec::new(), bad_rows: BadRows::default() })
}

/// A path without its `%41`.
fn decoded(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        match digit().zip(digit()) {
            Some((high, low)) if (high, low) != (0, 0) => bytes.push((high * 16 + low) as u8),
            _ => {
                return Err(
                    "the path of the SQLite file holds a % without two digits (write %25)".into()
                );
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| "the path of the SQLite file is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_sqlite_names_a_file() {
        let here = std::env::current_dir().expect("a folder").display().to_string();
        let cases = [
            ("///data/app.db", Ok(("/data/app.db".to_owned(), false))),
            ("//localhost/data/app.db", Ok(("/data/app.db".to_owned(), false))),
            ("/data/app.db", Ok(("/data/app.db".to_owned(), false))),
            ("app.db", Ok((format!("{here}/app.db"), false))),
            ("///a%20b%3f.db?immutable=1", Ok(("/a b?.db".to_owned(), true))),
            ("///a.db?immutable=0", Ok(("/a.db".to_owned(), false))),
            ("///a.db?mode=rw", Err("no other parameter")),
            ("//data/app.db", Err("names a host")),
            ("", Err("names no file")),
            ("///a%2", Err("% without two digits")),
        ];
        for (text, expected) in cases {
            let found = url(text).map(|file| (file.path.display().to_string(), file.immutable));
            match expected {
                Ok(expected) => assert_eq!(found, Ok(expected), "{text}"),
                Err(part) => assert!(found.expect_err(text).contains(part), "{text}"),
            }
        }
    }

    #[test]
    fn what_can_only_be_a_path_is_one() {
        for text in ["/tmp/none", "./none", "app.db", "a.gpkg?immutable=1", "data/x.sqlite3"] {
            assert!(is_path(text), "{text}");
        }
        let others = [
            "shop",
            "localhost/shop",
            "host=db",
            "postgres:/u:pw@h/db",
            "u:pw@h/x.db",
            "host=/run dbname=a.db",
            "${DB}/x",
        ];
        for text in others {
            assert!(!is_path(text), "{text}");
        }
    }

    #[test]
    fn a_path_means_a_file_only_if_the_file_is_sqlites() {
        let folder = std::env::temp_dir().join(format!("pgsync-source-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("app.db").display().to_string();
        assert_eq!(named(&path), None);
        std::fs::write(&path, "not a database").expect("a file");
        assert_eq!(named(&path), None);
        std::fs::write(&path, "SQLite format 3\0and more").expect("a file");
        let named_as =
            |text: &str| named(text).map(|file| (file.path.display().to_string(), file.immutable));
        assert_eq!(named_as(&path), Some((path.clone(), false)));
        assert_eq!(named_as(&format!("{path}?immutable=1")), Some((path.clone(), true)));
        assert_eq!(named_as(&format!("file://{path}")), Some((path.clone(), false)));
        assert_eq!(named_as(&format!("file:{path}?immutable=1")), Some((path.clone(), true)));
        assert_eq!(named(&folder.display().to_string()), None);
        assert!(is_file_url(&format!("file:{path}")) && !is_file_url(&path));
        std::fs::remove_dir_all(&folder).expect("the folder goes");
    }
}
