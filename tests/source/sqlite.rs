//! A SQLite file as the source.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use pgsync::config::source::{SourceInfo, SqliteFile};
use rusqlite::{Connection, params};

use crate::kind::{Item, Kind};
use crate::support::Pair;

pub struct Sqlite {
    folder: PathBuf,
}

static FILES: AtomicU32 = AtomicU32::new(0);

impl Sqlite {
    fn path(&self) -> PathBuf {
        self.folder.join("app.db")
    }

    fn open(&self) -> Connection {
        let connection = Connection::open(self.path()).expect("a file");
        connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout");
        connection
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Kind for Sqlite {
    async fn with_items(_: &Pair) -> Self {
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("pgsync-source-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let kind = Self { folder };
        kind.open()
            .execute_batch(
                "pragma journal_mode = wal; \
                 create table item (id integer primary key, name text, updated_at datetime)",
            )
            .expect("a table");
        kind
    }

    fn info(&self, _: &Pair) -> SourceInfo {
        SourceInfo::Sqlite(SqliteFile { path: self.path(), ..SqliteFile::default() })
    }

    async fn put(&self, _: &Pair, items: &[Item]) {
        let mut connection = self.open();
        let transaction = connection.transaction().expect("a transaction");
        for Item { id, name, updated_at } in items {
            transaction
                .execute(
                    "insert or replace into item values (?, ?, ?)",
                    params![id, name, updated_at],
                )
                .expect("a row");
        }
        transaction.commit().expect("a commit");
    }

    async fn remove(&self, _: &Pair, ids: &[i64]) {
        for id in ids {
            self.open().execute("delete from item where id = ?", [id]).expect("a delete");
        }
    }

    async fn empty(&self, _: &Pair) {
        self.open().execute("delete from item", []).expect("a delete");
    }
}
