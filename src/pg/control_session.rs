//! The one session of a side that lives as long as a run, and holds what dies with it: the source's
//! snapshot, the target's locks.

use tokio::sync::{Mutex, MutexGuard};

use super::catalog;
use super::catalog::ForeignKeys;
use super::definitions;
use super::definitions::{FingerprintOf, LockedTable, SchemaFingerprint};
use super::holders;
use super::holders::HeldColumn;
use super::lock_holder;
use super::lock_holder::LockHolder;
use super::pool::PooledSession;
use super::rights;
use super::sequences;
use super::sequences::KnownSequence;
use super::session::Row;
use super::uncopied;
use super::uncopied::UncopiedObject;
use crate::error::{Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::schema_object::{Definitions, Dependents};
use crate::sql::Sql;
use crate::table::{OtherRelation, Partition, Table};

/// The tables of some schemas, and their foreign keys.
pub struct TablesAndKeys {
    pub tables: Vec<Table>,
    pub foreign_keys: ForeignKeys,
}

/// The place of one side's session: the source's holds the snapshot, the target's the locks.
pub struct ControlSession {
    side: Side,
    /// Behind a lock because it is replaced, round by round.
    session: Mutex<Option<PooledSession>>,
}

impl ControlSession {
    /// Begins without a session.
    pub fn new(side: Side) -> Self {
        Self { side, session: Mutex::new(None) }
    }

    /// Puts a session in place of the last one.
    pub async fn set(&self, session: PooledSession) {
        *self.session.lock().await = Some(session);
    }

    /// The session, to be closed: what it holds is let go.
    pub async fn take(&self) -> Option<PooledSession> {
        self.session.lock().await.take()
    }

    /// Sends statements on the session; gives the rows of each.
    pub async fn query_all(&self, doing: &str, statements: &Sql) -> Result<Vec<Vec<Row>>> {
        self.kept(&self.session.lock().await)?.query_all(doing, statements).await
    }

    /// The error with what to grant; see [`rights::explained`].
    pub(crate) async fn explained(&self, error: Error, only_reads: bool) -> Error {
        self.explained_of(error, only_reads, "").await
    }

    /// The same of a statement; see [`rights::explained_of`].
    pub(crate) async fn explained_of(
        &self,
        error: Error,
        only_reads: bool,
        statement: &str,
    ) -> Error {
        match self.kept(&self.session.lock().await) {
            Ok(session) => rights::explained_of(session, error, only_reads, statement).await,
            Err(_) => error,
        }
    }

    /// Whether what the session holds is still held.
    ///
    /// # Errors
    /// That of the session, if it is gone.
    pub async fn require(&self, doing: &str) -> Result<()> {
        self.query_all(doing, &Sql::trusted("select 1")).await.map(drop)
    }

    /// The catalog once more, after it was changed.
    pub async fn catalog(&self, schemas: &[Ident]) -> Result<TablesAndKeys> {
        let session = self.session.lock().await;
        let session = self.kept(&session)?;
        let (tables, foreign_keys) = tokio::try_join!(
            catalog::tables(session, schemas, true),
            catalog::foreign_keys(session, schemas),
        )?;
        Ok(TablesAndKeys { tables, foreign_keys })
    }

    /// See [`catalog::partitions`].
    pub async fn partitions(&self, schemas: &[Ident], names: &[&str]) -> Result<Vec<Partition>> {
        catalog::partitions(self.kept(&self.session.lock().await)?, schemas, names).await
    }

    /// See [`catalog::other_relations`].
    pub async fn other_relations(
        &self,
        schemas: &[Ident],
        names: &[&str],
    ) -> Result<Vec<OtherRelation>> {
        catalog::other_relations(self.kept(&self.session.lock().await)?, schemas, names).await
    }

    /// See [`sequences::known_sequences`].
    pub async fn known_sequences(&self, names: &[TableName]) -> Result<Vec<KnownSequence>> {
        sequences::known_sequences(self.kept(&self.session.lock().await)?, names).await
    }

    /// See [`definitions::schema_fingerprint`].
    pub async fn schema_fingerprint(&self, what: FingerprintOf<'_>) -> Result<SchemaFingerprint> {
        definitions::schema_fingerprint(self.kept(&self.session.lock().await)?, what).await
    }

    /// See [`definitions::catalog_version`].
    pub async fn catalog_version(&self) -> Result<String> {
        definitions::catalog_version(self.kept(&self.session.lock().await)?).await
    }

    /// See [`definitions::read`].
    pub async fn definitions(
        &self,
        schemas: &[Ident],
        path: &[Ident],
        held: &[u32],
    ) -> Result<Definitions> {
        definitions::read(self.kept(&self.session.lock().await)?, schemas, path, held).await
    }

    /// See [`definitions::held`].
    pub async fn held(&self, schemas: &[Ident]) -> Result<Vec<LockedTable>> {
        definitions::held(self.kept(&self.session.lock().await)?, schemas).await
    }

    /// See [`lock_holder::find`].
    pub async fn lock_holder(&self, table: &TableName) -> Result<Option<LockHolder>> {
        lock_holder::find(self.kept(&self.session.lock().await)?, table).await
    }

    /// See [`holders::held_columns`].
    pub async fn held_columns(&self, tables: &[u32]) -> Result<Vec<HeldColumn>> {
        holders::held_columns(self.kept(&self.session.lock().await)?, tables).await
    }

    /// See [`catalog::logs`].
    pub async fn logs(&self) -> Result<Vec<TableName>> {
        catalog::logs(self.kept(&self.session.lock().await)?).await
    }

    /// See [`catalog::all_logs`].
    pub async fn all_logs(&self) -> Result<Vec<catalog::Log>> {
        catalog::all_logs(self.kept(&self.session.lock().await)?).await
    }

    /// See [`catalog::filled_schemas`].
    pub async fn filled_schemas(&self) -> Result<Vec<Ident>> {
        catalog::filled_schemas(self.kept(&self.session.lock().await)?).await
    }

    /// See [`uncopied::uncopied`].
    pub async fn uncopied(&self, schemas: &[Ident]) -> Result<Vec<UncopiedObject>> {
        uncopied::uncopied(self.kept(&self.session.lock().await)?, schemas).await
    }

    /// See [`definitions::dependents`].
    pub async fn dependents(
        &self,
        schema: &Ident,
        shadow_schema: &Ident,
        names: &[&Ident],
    ) -> Result<Vec<Dependents>> {
        definitions::dependents(
            self.kept(&self.session.lock().await)?,
            schema,
            shadow_schema,
            names,
        )
        .await
    }

    /// # Errors
    /// None has been given to hold.
    fn kept<'l>(
        &self,
        session: &'l MutexGuard<'_, Option<PooledSession>>,
    ) -> Result<&'l PooledSession> {
        let missing = || Error::Internal(format!("the {} is not open", self.side));
        session.as_ref().ok_or_else(missing)
    }
}
