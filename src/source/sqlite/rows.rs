//! Rows on their way from a thread that reads to whoever waits for them.

use std::vec::IntoIter;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::snapshot::{Lease, Unwanted, Wanted};
use crate::error::{Error, Result};
use crate::source::RowBundle;

/// Bytes that travel at once: a message for each row would cost more than the row. The first are fewer, as somebody
/// waits for them, and each bundle may hold twice as many as the one before.
const FIRST_BUNDLE: usize = 8 * 1024;
const BUNDLE: usize = 256 * 1024;
/// Bundles that wait for their reader, who may do something else first: the keys of some hundred thousand rows,
/// which are read while the target takes down its own.
const WAITING: usize = 32;

/// Rows as COPY text, with their line feeds, or as binary COPY has them.
pub struct SourceRows {
    bundles: mpsc::Receiver<Result<Bundle>>,
    bundle: Bytes,
    /// The lengths of the rows in it.
    lengths: IntoIter<usize>,
    /// The thread that reads, until it has ended.
    reading: Option<JoinHandle<()>>,
    /// The reading ends with whoever waits for its rows.
    _unless_done: Unwanted,
}

/// Whole rows, one behind the other.
#[derive(Default)]
struct Bundle {
    rows: Vec<u8>,
    lengths: Vec<usize>,
    /// Of these lengths, the ones of what is no row.
    frames: u64,
}

impl Bundle {
    fn count(&self) -> u64 {
        self.lengths.len() as u64 - self.frames
    }
}

/// Where a thread puts its rows.
pub struct Outlet {
    sender: mpsc::Sender<Result<Bundle>>,
    bundle: Bundle,
    /// The bytes that it may hold.
    most: usize,
}

impl SourceRows {
    /// Rows that `read` puts into its outlet, in a thread that may block.
    ///
    /// # Errors
    /// There is no connection.
    pub fn of(
        lease: &Lease,
        read: impl FnOnce(&rusqlite::Connection, &Wanted, &mut Outlet) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let handle = lease.handle()?;
        let (sender, bundles) = mpsc::channel(WAITING);
        let wanted = Wanted::new(&handle);
        let unless_done = Unwanted(Some(wanted.clone()));
        let reading = tokio::task::spawn_blocking(move || {
            let mut outlet = Outlet { sender, bundle: Bundle::default(), most: FIRST_BUNDLE };
            let connection = handle.connection();
            let done = wanted.check().and_then(|()| read(&connection, &wanted, &mut outlet));
            let done = handle.require_same().and(done);
            wanted.finish();
            match done {
                Ok(()) => drop(outlet.flush()),
                // Whoever has gone hears nothing.
                Err(error) => drop(outlet.sender.blocking_send(Err(error))),
            }
        });
        Ok(Self {
            bundles,
            bundle: Bytes::new(),
            lengths: Vec::new().into_iter(),
            reading: Some(reading),
            _unless_done: unless_done,
        })
    }

    /// The next rows, as many as came at once, or `None` at the end.
    pub async fn next_together(&mut self) -> Result<Option<RowBundle>> {
        // What `next` has left.
        if self.lengths.len() > 0 {
            let rows = std::mem::take(&mut self.lengths).len() as u64;
            return Ok(Some(RowBundle { text: std::mem::take(&mut self.bundle), rows }));
        }
        match self.bundles.recv().await.transpose()? {
            Some(bundle) => {
                let rows = bundle.count();
                Ok(Some(RowBundle { text: bundle.rows.into(), rows }))
            }
            None => self.end().await.map(|()| None),
        }
    }

    /// The next row, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(length) = self.lengths.next() {
                return Ok(Some(self.bundle.split_to(length)));
            }
            match self.bundles.recv().await.transpose()? {
                Some(Bundle { rows, lengths, .. }) => {
                    (self.bundle, self.lengths) = (rows.into(), lengths.into_iter());
                }
                None => return self.end().await.map(|()| None),
            }
        }
    }

    /// The rows are all there only if the thread has not panicked on its way.
    async fn end(&mut self) -> Result<()> {
        let Some(reading) = self.reading.take() else { return Ok(()) };
        reading.await.map_err(|_| Error::Internal("a reader of the file panicked".to_owned()))
    }

    /// The rows as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> {
        futures_util::stream::try_unfold(self, |mut rows| async move {
            Ok(rows.next().await?.map(|row| (row, rows)))
        })
    }
}

impl Outlet {
    /// Adds a row, which `write` appends to what is there.
    ///
    /// # Errors
    /// Nobody waits any more.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let before = self.bundle.rows.len();
        write(&mut self.bundle.rows);
        self.bundle.lengths.push(self.bundle.rows.len() - before);
        if self.bundle.rows.len() < self.most { Ok(()) } else { self.flush() }
    }

    /// Adds what comes before or behind all rows.
    ///
    /// # Errors
    /// Nobody waits any more.
    pub fn frame(&mut self, bytes: &[u8]) -> Result<()> {
        self.bundle.frames += 1;
        self.push(|out| out.extend_from_slice(bytes))
    }

    fn flush(&mut self) -> Result<()> {
        if self.bundle.lengths.is_empty() {
            return Ok(());
        }
        self.most = BUNDLE.min(self.most * 2);
        let rows = Vec::with_capacity(self.most + self.most / 4);
        let next = Bundle { rows, ..Bundle::default() };
        let bundle = std::mem::replace(&mut self.bundle, next);
        let sent = self.sender.blocking_send(Ok(bundle));
        sent.map_err(|_| Error::Internal("reading the file was given up".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::file::Database;
    use super::super::snapshot::Snapshot;
    use super::*;
    use crate::config::source::SqliteFile;

    #[tokio::test]
    async fn a_thread_that_panics_is_no_end_of_the_rows() {
        let path = std::env::temp_dir().join(format!("pgsync-rows-{}.db", std::process::id()));
        let made = rusqlite::Connection::open(&path).expect("a file");
        made.execute_batch("create table t (a)").expect("a table");
        let file = SqliteFile { path: path.clone(), ..SqliteFile::default() };
        let database = Database::look(&file, Duration::from_secs(1)).expect("a database");
        let snapshot = Arc::new(Snapshot::take(database, 1).expect("a snapshot"));
        let lease = snapshot.lease().await.expect("a connection");
        let read = |lease: &Lease, panics: bool| {
            SourceRows::of(lease, move |_, _, outlet| {
                outlet.push(|out| out.extend_from_slice(b"1\n"))?;
                outlet.flush()?;
                assert!(!panics, "on purpose");
                Ok(())
            })
        };
        let mut rows = read(&lease, true).expect("rows");
        assert_eq!(rows.next().await.expect("a row"), Some(Bytes::from_static(b"1\n")));
        assert!(rows.next().await.is_err());
        let mut rows = read(&lease, false).expect("rows");
        assert!(rows.next().await.expect("a row").is_some());
        assert_eq!(rows.next().await.expect("the end"), None);
        assert_eq!(rows.next().await.expect("still the end"), None);
        let mut rows = read(&lease, false).expect("rows");
        let together = rows.next_together().await.expect("a row");
        assert_eq!(together, Some(RowBundle { text: Bytes::from_static(b"1\n"), rows: 1 }));
        assert_eq!(rows.next_together().await.expect("the end"), None);
        std::fs::remove_file(path).expect("the file goes");
    }
}
