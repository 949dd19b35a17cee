//! An app that keeps its data in a SQLite file, in a folder of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use md5::{Digest, Md5};
use rusqlite::Connection;

use crate::support::{Pair, Sync};

static APPS: AtomicU32 = AtomicU32::new(0);

pub struct App {
    pub folder: PathBuf,
}

/// What can be seen of the files of a folder: their bytes and when they were written.
pub type Seen = BTreeMap<String, (String, std::time::SystemTime)>;

impl App {
    /// A folder without the file.
    pub fn empty() -> Self {
        let number = APPS.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("pgsync-app-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self { folder }
    }

    /// A file that these statements have made.
    pub fn with(sql: &str) -> Self {
        let app = Self::empty();
        app.run(sql);
        app
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join("app.db")
    }

    pub fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    pub fn open(&self) -> Connection {
        let connection = Connection::open(self.path()).expect("a file");
        connection.busy_timeout(Duration::from_secs(20)).expect("a timeout");
        connection
    }

    /// Runs statements and closes the file.
    pub fn run(&self, sql: &str) {
        self.open().execute_batch(sql).expect(sql);
    }

    /// A run from the file to the target.
    pub fn sync<'a>(&self, db: &'a Pair) -> Sync<'a> {
        db.sync().while_writing().source_url(self.url())
    }

    /// What stands in the folder.
    pub fn seen(&self) -> Seen {
        let files = std::fs::read_dir(&self.folder).expect("a folder");
        let file = |entry: std::io::Result<std::fs::DirEntry>| {
            let entry = entry.expect("an entry");
            let bytes = std::fs::read(entry.path()).expect("a file");
            let digest = Md5::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            let modified = entry.metadata().and_then(|found| found.modified()).expect("a time");
            (entry.file_name().to_string_lossy().into_owned(), (digest, modified))
        };
        files.map(file).collect()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
