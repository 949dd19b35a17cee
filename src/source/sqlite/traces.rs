//! What writing to a file leaves behind: as long as it is the same, nobody has written.
//!
//! The counter in the header of a file does not tell, because in WAL mode it stays as it is. So everything that
//! writing changes is looked at: which file it is, its size, when it was written and when anything about it was
//! changed, its header; the same of the `-wal`, and how much of that the index in `-shm` counts as committed,
//! because what stands in the `-wal` may become a commit some time later.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::plan::digest;

/// What was written so short a time ago, in nanoseconds, may be written again without another time: the
/// coarsest file systems count in steps of two seconds.
const FRESH: i128 = 2_000_000_000;
/// The header of a file.
const HEADER: usize = 100;
/// The header of a `-wal`, which has two numbers that change when it starts over.
const WAL_HEADER: usize = 32;
/// The end of a `-wal`.
const WAL_TAIL: usize = 24;
/// Where the index has what is committed: the number of pages, their checksum, and the numbers of that `-wal`.
/// <https://www.sqlite.org/walformat.html#the_wal_index_header>
const COMMITTED: u64 = 16;
const COMMITTED_LENGTH: usize = 24;

/// Files that were opened to look at them. Closing one lets go of all locks that SQLite has on it in this
/// process, so all of them stay open as long as this.
#[derive(Debug, Default)]
pub struct Traces(Mutex<Vec<Arc<File>>>);

/// The files that stand beside a file in WAL mode.
#[derive(Debug)]
pub struct Beside {
    pub wal: PathBuf,
    pub index: PathBuf,
}

impl Traces {
    /// The traces of those who have written so far; none where somebody may be at it.
    pub fn read(&self, path: &Path, beside: Option<&Beside>) -> Option<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let before = i128::try_from(now.as_nanos()).ok()? - FRESH;
        let main = self.open(path).ok()?;
        // Whoever sets back the time at which it was written cannot set back this one.
        let found = main.metadata().ok()?;
        let changed = moment(found.ctime(), found.ctime_nsec());
        let seen_main = seen(&main, before, &[part(&main, 0, HEADER)?])?;
        let main = (changed <= before).then(|| format!("{changed}.{seen_main}"))?;
        let Some(beside) = beside else { return Some(main) };
        match beside.wal.metadata() {
            Ok(found) if found.len() > 0 => {}
            Err(error) if error.kind() != ErrorKind::NotFound => return None,
            // Empty, or not there.
            _ => return Some(main),
        }
        let wal = self.open(&beside.wal).ok()?;
        let tail = wal.metadata().ok()?.len().checked_sub(WAL_TAIL as u64)?;
        let parts = [part(&wal, 0, WAL_HEADER)?, part(&wal, tail, WAL_TAIL)?];
        // Its other time says nothing: whenever root opens it, SQLite gives it to the owner of the file.
        let wal = seen(&wal, before, &parts)?;
        let committed = part(&*self.open(&beside.index).ok()?, COMMITTED, COMMITTED_LENGTH)?;
        Some(format!("{main} {wal} {}", digest(&committed)))
    }

    /// The first bytes of a file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn head(&self, path: &Path, bytes: usize) -> std::io::Result<Vec<u8>> {
        let mut head = Vec::new();
        (&*self.open(path)?).take(bytes as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Whether this user lacks the permission to write a file. It is opened, and nothing is written.
    pub fn is_denied(&self, path: &Path) -> bool {
        match File::options().write(true).open(path) {
            Ok(file) => {
                self.keep(&Arc::new(file));
                false
            }
            Err(error) => error.kind() == ErrorKind::PermissionDenied,
        }
    }

    /// Opens a file, which stays open.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(&self, path: &Path) -> std::io::Result<Arc<File>> {
        let file = Arc::new(File::open(path)?);
        self.keep(&file);
        Ok(file)
    }

    fn keep(&self, file: &Arc<File>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(file.clone());
    }
}

/// What a file is by its entry in the file system and by parts of what it holds; none where it was written after
/// `before`.
fn seen(file: &File, before: i128, parts: &[String]) -> Option<String> {
    let found = file.metadata().ok()?;
    let written = moment(found.mtime(), found.mtime_nsec());
    let (device, inode, size) = (found.dev(), found.ino(), found.size());
    let parts = digest(&parts.concat());
    (written <= before).then(|| format!("{device}.{inode}.{size}.{written}.{parts}"))
}

/// In nanoseconds.
fn moment(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}

/// A part of a file, in hexadecimal digits.
fn part(file: &File, from: u64, length: usize) -> Option<String> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, from).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
