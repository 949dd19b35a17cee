//! A SQLite file as the source. Everything is read in one snapshot, in threads that may block; rows become COPY
//! text here, and digests are computed here as the target computes them.

mod bad_rows;
mod bucket_filter;
mod catalog;
mod definitions;
mod digested;
mod failure;
mod file;
mod filter;
mod forms;
mod geopackage;
mod hash;
mod observe;
mod reader;
mod references;
mod row;
mod rows;
mod scan;
mod scope;
mod settle;
mod size;
mod snapshot;
mod spatialite;
mod traces;
mod types;
pub mod values;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::RwLock;

use crate::config::source::SqliteFile;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::pg::catalog::Server;
use crate::plan::TablePlan;
use crate::schema_object::Definitions;
use crate::source::{ReadTable, SourceState, Visibility};
use crate::sql::dialect::Dialect;
use crate::sql::horizon::Horizon;
use crate::sql::read::TimedTable;
use bad_rows::BadRowTables;
use catalog::Catalog;
use digested::Digested;
use file::Database;
use forms::Forms;
pub use reader::Reader;
pub use rows::SourceRows;
use snapshot::Snapshot;

/// Why a mask of a column is refused.
pub const NO_MASKS: &str = "masks are computed by a PostgreSQL source, and this one is a SQLite file: leave the column out, or let \
     the file's program fill a table without it";

/// No horizon is known: nobody can see when transactions of other programs began.
const OVERLAP: Duration = Duration::from_secs(300);

/// How often a file is opened that another one replaces.
const TRIES: usize = 5;

/// One file.
pub struct Source {
    file: SqliteFile,
    readers: usize,
    lock_timeout: Duration,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    was_reached: AtomicBool,
    forms: Mutex<Forms>,
    bad_rows: BadRowTables,
    /// Of the last snapshot.
    catalog: Mutex<Catalog>,
    /// Of the last snapshot, too.
    digested: Mutex<Digested>,
}

impl Source {
    /// Opens nothing yet.
    pub fn new(file: SqliteFile, readers: usize, lock_timeout: Duration) -> Self {
        let (snapshot, was_reached) = (RwLock::default(), AtomicBool::default());
        let bad_rows = BadRowTables::new(file.bad_rows);
        Self {
            file,
            readers,
            lock_timeout,
            snapshot,
            was_reached,
            forms: Mutex::default(),
            bad_rows,
            catalog: Mutex::default(),
            digested: Mutex::default(),
        }
    }

    /// A file has no schemas: `-schema` names the target's.
    pub async fn schemas(&self) -> Result<Vec<Ident>> {
        let problem = "-schema names the target's schema where the source is a SQLite file, so it cannot be a \
                       pattern";
        Err(Error::Config(vec![problem.to_owned()]))
    }

    /// Takes the snapshot and reads the catalog in it.
    pub async fn open(
        &self,
        schemas: &[Ident],
        _names: &[&str],
        overlap: Option<Duration>,
    ) -> Result<SourceState> {
        let [schema] = schemas else {
            let problem = "-schema names the target's schema where the source is a SQLite file, so it can be \
                           only one";
            return Err(Error::Config(vec![problem.to_owned()]));
        };
        let (file, readers, lock_timeout) = (self.file.clone(), self.readers, self.lock_timeout);
        let taken =
            tokio::task::spawn_blocking(move || take_snapshot(&file, lock_timeout, readers));
        let taken =
            taken.await.map_err(|_| Error::Internal("opening the file panicked".to_owned()))?;
        let snapshot = Arc::new(taken?);
        self.was_reached.store(true, Ordering::Relaxed);
        *self.snapshot.write().await = Some(snapshot.clone());
        self.bad_rows.forget();
        *self.digested.lock().unwrap_or_else(PoisonError::into_inner) = Digested::default();
        let (schema, bytes) = (schema.clone(), snapshot.database.bytes);
        let own = schema.clone();
        let reading = "reading the catalog of tables";
        let lease = snapshot.lease().await?;
        let catalog = lease.ask(move |connection, _| {
            catalog::read(connection, &schema, bytes).map_err(|error| failure::of(reading, &error))
        });
        let catalog = catalog.await?;
        let (tables, foreign_keys) = (catalog.tables.clone(), catalog.foreign_keys.clone());
        let (systems, others) = (catalog.systems.clone(), catalog.others.clone());
        *self.catalog.lock().unwrap_or_else(PoisonError::into_inner) = catalog;
        Ok(SourceState {
            server: self.server(own, &snapshot.database),
            tables,
            foreign_keys,
            sequences: Vec::new(),
            partitions: Vec::new(),
            others,
            elsewhere: Vec::new(),
            logs: Vec::new(),
            sight: sight(overlap),
            hash_probe: Some(hash::probe()),
            page_ranges: false,
            local: true,
            dialect: Dialect::Sqlite,
            failed: Vec::new(),
            notes: Vec::new(),
            systems,
            mark: snapshot.mark.as_ref().map(|mark| format!("{mark} {:?}", self.file.timestamps)),
        })
    }

    /// The file in the place of a server.
    fn server(&self, schema: Ident, database: &Database) -> Server {
        Server {
            version: 0,
            system: format!("sqlite.{}", database.identity),
            database: self.file.path.display().to_string(),
            database_oid: 0,
            timeline: "0".to_owned(),
            standby: false,
            read_only: true,
            encoding: "UTF8".to_owned(),
            replica_role: false,
            lz4: false,
            temporary: false,
            role: Ident::new(""),
            superuser: false,
            schemas: vec![schema.clone()],
            path: vec![schema],
            prints_names: false,
            user_types: false,
        }
    }

    /// Not measured: a file has no clock of its own.
    pub async fn newest(
        &self,
        _doing: &str,
        tables: &[TimedTable<'_>],
        _horizon: &Horizon,
    ) -> Result<Vec<Option<f64>>> {
        Ok(vec![None; tables.len()])
    }

    /// One that reads the run's snapshot.
    pub async fn reader(&self) -> Result<Reader> {
        let snapshot = self.opened().await?;
        let forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let digested = self.digested.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Reader::new(snapshot.lease().await?, forms, self.bad_rows.clone(), digested))
    }

    async fn opened(&self) -> Result<Arc<Snapshot>> {
        let snapshot = self.snapshot.read().await.clone();
        snapshot.ok_or_else(|| Error::Internal("the file is not open".to_owned()))
    }

    /// Whether any of the tables holds a row.
    pub async fn any_row(&self, tables: &[ReadTable<'_>]) -> Result<bool> {
        let reader = self.reader().await?;
        for table in tables {
            if reader.has_row(&table.relation).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What tables on the target are made of.
    pub fn definitions(&self, path: &[Ident]) -> Result<Definitions> {
        definitions::of(&self.catalog.lock().unwrap_or_else(PoisonError::into_inner), path)
    }

    /// A row of a table that refers to nothing in the file as it is now, if there is one and somebody can tell.
    pub async fn orphan(&self, child: &TableName, parent: Option<&TableName>) -> Option<String> {
        let table = {
            let catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
            settle::find(&catalog.tables, child)?.clone()
        };
        // The run has let its snapshot go when all rows are there.
        let (file, lock_timeout) = (self.file.clone(), self.lock_timeout);
        let taken = tokio::task::spawn_blocking(move || take_snapshot(&file, lock_timeout, 1));
        let lease = Arc::new(taken.await.ok()?.ok()?).lease().await.ok()?;
        let parent = parent.map(|parent| parent.name.clone());
        let look =
            move |connection: &_, _: &_| references::orphan(connection, &table, parent.as_ref());
        lease.ask(look).await.ok()?
    }

    /// Adds how large the tables are that will be read.
    pub async fn measure(&self, plans: &mut [TablePlan]) -> Result<()> {
        let mut read: Vec<&mut TablePlan> =
            plans.iter_mut().filter(|plan| plan.is_source_read()).collect();
        let names: Vec<Ident> =
            read.iter().map(|plan| plan.mapping.source.name.name.clone()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let snapshot = self.opened().await?;
        let bytes = snapshot.database.bytes;
        let told = |error: rusqlite::Error| failure::of("looking how large tables are", &error);
        let asked = snapshot.lease().await?;
        let sizes =
            asked.ask(move |connection, _| size::of(connection, &names, bytes).map_err(told));
        for (plan, size) in read.iter_mut().zip(sizes.await?) {
            (plan.rows, plan.bytes) = (size.rows, size.bytes);
        }
        Ok(())
    }

    /// Ends what is under way.
    pub async fn cancel_all(&self) {
        if let Some(snapshot) = &*self.snapshot.read().await {
            snapshot.interrupt();
        }
    }

    /// Tables with bad rows, as far as they were read.
    pub fn bad_rows(&self) -> &BadRowTables {
        &self.bad_rows
    }

    /// Whether the file could be opened.
    pub fn was_reached(&self) -> bool {
        self.was_reached.load(Ordering::Relaxed)
    }

    /// Lets the snapshot go.
    pub async fn close(&self) {
        let snapshot = self.snapshot.write().await.take();
        // Closing a file waits for the disk.
        let _ = tokio::task::spawn_blocking(move || drop(snapshot)).await;
    }
}

/// Blocks: takes a snapshot whose readers all have the same file, though others may take its place meanwhile.
fn take_snapshot(file: &SqliteFile, lock_timeout: Duration, readers: usize) -> Result<Snapshot> {
    for _ in 0..TRIES {
        let snapshot = Snapshot::take(Database::look(file, lock_timeout)?, readers)?;
        if snapshot.database.is_in_place() {
            return Ok(snapshot);
        }
    }
    let why = format!("another file took the place of {} each time", file.path.display());
    Err(failure::refused("opening the file", why, Some("run again when it is left in its place")))
}

fn sight(overlap: Option<Duration>) -> Visibility {
    let now = chrono::Utc::now().format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let horizon =
        Horizon { horizon: now.clone(), now, overlap, least_overlap: OVERLAP, held: false };
    Visibility { horizon, doubts: Vec::new(), lag: None }
}
