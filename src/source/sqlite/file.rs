//! Opens a file so that it and its folder look afterwards as before.
//!
//! | the file | how it is opened |
//! |---|---|
//! | WAL mode, no `-wal` beside it | to read and write, and told to write nothing: so `-wal` and `-shm` go when it is closed |
//! | all else | read only |
//! | `?immutable=1` | without locks |
//!
//! A file with rows in its `-wal` is never checkpointed: that is its program's to do.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::failure::{hot_journal, of, refused};
use super::traces::{Beside, Traces};
use crate::config::source::SqliteFile;
use crate::error::{Error, Result};

const OPENING: &str = "opening the file";
/// The length of the header.
const HEADER: usize = 100;
/// Where the header says how the file is written: 2 is WAL mode.
const WRITE_VERSION: usize = 18;
/// Pages of the cache of one connection, in KiB.
const CACHE: i64 = 2048;
const UNWRITABLE: &str = "is in WAL mode, and this user may only read it: SQLite would leave files beside it that its app may not write";
const UNREAD_WAL: &str =
    "may hold what the file itself does not have, and with ?immutable=1 it is not read";
const UNREAD_WAL_HINT: &str = "leave out ?immutable=1 where the folder may be written; else let its app close the file, \
     or copy the file with its -wal elsewhere and read the copy";
/// How a journal begins that can be rolled back: <https://www.sqlite.org/fileformat2.html#the_rollback_journal>.
const JOURNAL: &[u8] = &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const UNWRITABLE_HINT: &str = "run pgsync as the user of the app; a file that nobody writes can be read with ?immutable=1 behind its path";

/// A file that was looked at.
#[derive(Clone, Debug)]
pub struct Database {
    /// As it was named.
    path: PathBuf,
    /// Where the links of this path lead: beside that SQLite keeps the other files.
    real: PathBuf,
    immutable: bool,
    lock_timeout: Duration,
    /// Changes when another file takes its place.
    pub identity: String,
    pub bytes: u64,
    /// How all connections are opened: what the first one brings along says nothing to the next.
    is_writable: bool,
    /// As long as somebody reads it, nobody who goes by SQLite's locks writes into it; none where that is not so.
    locked: Option<Arc<File>>,
    /// Dropped behind the last connection.
    looks: Arc<Traces>,
}

impl Database {
    /// Looks at the file before SQLite does, which creates what is missing and takes its time.
    ///
    /// # Errors
    /// What is there is no database that can be read as it is.
    pub fn look(file: &SqliteFile, lock_timeout: Duration) -> Result<Self> {
        let SqliteFile { path, immutable, .. } = file.clone();
        let found = regular_file(&path)?;
        let bad = |what: &str| Err(refused(OPENING, format!("{} {what}", path.display()), None));
        let real = path.canonicalize();
        let real = real.map_err(|error| {
            refused(OPENING, format!("{}: {}", path.display(), plain(&error)), None)
        })?;
        let looks = Arc::new(Traces::default());
        let header = looks.head(&path, HEADER).map_err(|error| {
            refused(OPENING, format!("{}: {}", path.display(), plain(&error)), None)
        })?;
        if !header.starts_with(b"SQLite format 3\0") {
            return bad(
                "is no SQLite database, or it is encrypted: it does not begin with \"SQLite format 3\"",
            );
        }
        let is_wal = match header.get(WRITE_VERSION) {
            Some(version) if header.len() == HEADER => *version == 2,
            _ => return bad("is cut off: it is shorter than the header of a SQLite database"),
        };
        let (identity, bytes) = (identity(&found), found.len());
        let (is_writable, locked) = (false, None);
        let database = Self {
            path,
            real,
            immutable,
            lock_timeout,
            identity,
            bytes,
            is_writable,
            locked,
            looks,
        };
        let is_writable = is_wal && !immutable && !database.beside("-wal").exists();
        if is_writable && database.looks.is_denied(&database.real) {
            let why = format!("{} {UNWRITABLE}", database.path.display());
            return Err(refused(OPENING, why, Some(UNWRITABLE_HINT)));
        }
        if let Some(refusal) = database.unread().filter(|_| immutable) {
            return Err(refusal);
        }
        // As long as somebody writes, pages may be elsewhere.
        let is_whole = !database.beside("-wal").exists() && !database.beside("-journal").exists();
        match missing_pages(&header, bytes).filter(|_| is_whole) {
            Some(pages) => {
                let why = format!("is cut off: {pages} of its pages are missing");
                Err(refused(OPENING, format!("{} {why}", database.path.display()), None))
            }
            // In WAL mode its app may bring what stands in the -wal into the file.
            None => {
                let locked = if is_wal && !immutable {
                    None
                } else {
                    database.looks.open(&database.real).ok()
                };
                Ok(Self { is_writable, locked, ..database })
            }
        }
    }

    /// Why the file alone is not what its program has committed: as immutable, what stands beside it is not read.
    fn unread(&self) -> Option<Error> {
        let wal = self.beside("-wal");
        if wal.metadata().is_ok_and(|found| found.len() > 0) {
            let why = format!("{} {UNREAD_WAL}", wal.display());
            return Some(refused(OPENING, why, Some(UNREAD_WAL_HINT)));
        }
        let journal = self.looks.head(&self.beside("-journal"), JOURNAL.len());
        let is_hot = journal.is_ok_and(|head| head == JOURNAL);
        is_hot.then(hot_journal)
    }

    /// A connection that cannot write. Files that it brings along go again only if SQLite may write the file itself.
    ///
    /// # Errors
    /// SQLite's.
    pub fn connect(&self) -> Result<Connection> {
        let told = |error: rusqlite::Error| of(OPENING, &error);
        let access = if self.is_writable {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        } else {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        };
        let flags = access | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.uri(), flags).map_err(told)?;
        connection.busy_timeout(self.lock_timeout).map_err(told)?;
        connection.pragma_update(None, "query_only", true).map_err(told)?;
        connection.pragma_update(None, "cache_size", -CACHE).map_err(told)?;
        // What a file says of itself is evaluated here: only what is harmless.
        connection.pragma_update(None, "trusted_schema", false).map_err(told)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(told)?;
        Ok(connection)
    }

    /// When the file was last written, and how large it is, where nobody may change that; else nothing.
    pub fn written(&self) -> Option<Written> {
        let found = self.locked.as_ref()?.metadata().ok()?;
        Some(Written { size: found.size(), moment: (found.mtime(), found.mtime_nsec()) })
    }

    /// Whether the path still leads to the file that was looked at. Each connection opens it by its path.
    pub fn is_in_place(&self) -> bool {
        self.path.metadata().is_ok_and(|found| identity(&found) == self.identity)
    }

    /// What is another word once somebody has written; none where somebody may be at it.
    pub fn traces(&self) -> Option<String> {
        let beside = Beside { wal: self.beside("-wal"), index: self.beside("-shm") };
        // Of an immutable file, what stands beside it is not read.
        self.looks.read(&self.real, Some(&beside).filter(|_| !self.immutable))
    }

    /// Lets a `-wal` go with the connection that brought it along, where nobody has written into it.
    pub fn before_closing(&self, connection: &Connection) {
        let is_ours = self.beside("-wal").metadata().is_ok_and(|wal| wal.len() == 0);
        if is_ours {
            // What cannot be tidied up stays: it holds nothing.
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
    }

    /// As a URI of SQLite.
    fn uri(&self) -> String {
        let mut uri = "file:".to_owned();
        for byte in self.real.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    uri.push(char::from(*byte));
                }
                byte => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        uri + if self.immutable { "?immutable=1" } else { "" }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.real.clone().into_os_string();
        path.push(suffix);
        path.into()
    }
}

/// What the system says of a file that is more than nothing.
fn regular_file(path: &Path) -> Result<Metadata> {
    let found = path.metadata();
    let found = found.map_err(|error| {
        refused(OPENING, format!("{}: {}", path.display(), plain(&error)), None)
    })?;
    let bad = |what: &str| Err(refused(OPENING, format!("{} {what}", path.display()), None));
    if found.is_dir() {
        return bad("is a directory, not a SQLite database");
    }
    if !found.is_file() {
        return bad("is no regular file, so it is no SQLite database");
    }
    if found.len() == 0 {
        return bad("is empty (0 bytes): it holds no SQLite database");
    }
    Ok(found)
}

/// What writing into a file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    size: u64,
    moment: (i64, i64),
}

fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ => error.to_string(),
    }
}

/// Pages that the header counts and the file does not have. The count is good only where the change counter
/// stands beside it twice: <https://www.sqlite.org/fileformat2.html#in_header_database_size>.
fn missing_pages(header: &[u8], bytes: u64) -> Option<u64> {
    let number = |from: usize| {
        header
            .get(from..from + 4)
            .map(|bytes| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    };
    let size = match header.get(16..18)? {
        [0, 1] => 65_536,
        [high, low] => u64::from(*high) << 8 | u64::from(*low),
        _ => return None,
    };
    let is_valid = number(24)? == number(92)?;
    let missing = number(28)?.saturating_sub(bytes / size.max(1));
    Some(missing).filter(|missing| *missing > 0 && is_valid)
}

fn identity(found: &Metadata) -> String {
    format!("{}.{}", found.dev(), found.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_in_the_place_of_one_is_seen() {
        let place = |name: &str| {
            std::env::temp_dir().join(format!("pgsync-{name}-{}.db", std::process::id()))
        };
        let (path, other) = (place("file"), place("other"));
        for path in [&path, &other] {
            let made = Connection::open(path).expect("a file");
            made.execute_batch("create table t (a)").expect("a table");
        }
        let file = SqliteFile { path: path.clone(), ..SqliteFile::default() };
        let database = Database::look(&file, Duration::from_secs(1)).expect("a database");
        assert!(database.is_in_place());
        std::fs::rename(&other, &path).expect("a rename");
        assert!(!database.is_in_place());
        std::fs::remove_file(&path).expect("the file goes");
        assert!(!database.is_in_place());
    }
}
