//! What is asked about the source database itself: definitions, logs of runs, locks, whether there is
//! anything in it.

use super::snapshot::check_not_rewritten;
use super::{Reader, Source};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::pg::Row;
use crate::pg::definitions::{FingerprintOf, LockedTable, SchemaFingerprint};
use crate::pg::uncopied::UncopiedObject;
use crate::schema_object::Definitions;
use crate::source::{FedTable, Filled, ReadTable};
use crate::sql::sync_log::SyncLog;
use crate::sql::user_expression::UserExpression;
use crate::sql::{Literal, Sql, sql};
use crate::table::{OtherRelation, Partition};

const LOOKING_FOR_ROWS: &str = "looking for rows";

impl Source {
    /// Whether any of the tables holds a row; one that is locked, that may not be read or that was dropped meanwhile may.
    ///
    /// # Errors
    /// Others than those, and a table that was rewritten under the snapshot.
    pub async fn any_row(&self, tables: &[ReadTable<'_>]) -> Result<bool> {
        let looks = tables.iter().map(|table| table.relation.any_row());
        let statement = sql!("select {any}", any = Sql::join(looks, " or "));
        let reader = self.reader().await?;
        match reader.session.row(LOOKING_FOR_ROWS, &statement).await {
            Ok(row) => {
                let any = row.is_true(0);
                if !any {
                    require_moment(&reader, tables).await?;
                }
                self.release(reader, false).await;
                Ok(any)
            }
            Err(error) if error.is_of_snapshot() => Ok(true),
            Err(error) if matches!(error.sqlstate(), Some("42501" | "55P03")) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether a partition of `table` is known to hold rows; not of one that may not be read, or is locked or gone.
    ///
    /// # Errors
    /// Others than those.
    pub async fn has_rows_in(&self, partition: &TableName, table: &TableName) -> Result<bool> {
        let statement = sql!("select exists (select from {name})", name = partition);
        let reader = self.reader().await?;
        let found = match reader.session.row(LOOKING_FOR_ROWS, &statement).await {
            Err(error) if error.sqlstate() == Some("42501") => {
                rows_of_partition(&reader, partition, table).await
            }
            found => found.map(|row| row.is_true(0)),
        };
        // Also after an error: on a standby this session is the only one.
        self.release(reader, false).await;
        match found {
            Err(error) if matches!(error.sqlstate(), Some("42501" | "55P03" | "42P01")) => {
                Ok(false)
            }
            found => found,
        }
    }

    /// The tables into which runs of pgsync write, going by a log of such runs; none, where it cannot be
    /// read: it is no part of the run.
    ///
    /// # Errors
    /// A lost connection, and a log that is none.
    pub async fn fed_tables(&self, log: &TableName) -> Result<Vec<FedTable>> {
        let log = SyncLog { table: log.clone() };
        let Some(row) = self.ask_log(&log.written()).await? else { return Ok(Vec::new()) };
        serde_json::from_str(row.needed(0)?)
            .map_err(|error| Error::Internal(format!("a log cannot be read: {error}")))
    }

    /// Which of the tables were last filled from the database with this identity, going by a log of runs.
    ///
    /// # Errors
    /// As [`Source::fed_tables`].
    pub async fn filled_from<'a>(
        &self,
        log: &TableName,
        tables: impl Iterator<Item = &'a TableName>,
        identity: &str,
    ) -> Result<Filled> {
        let log = SyncLog { table: log.clone() };
        let row = self.ask_log(&log.filled_from(tables, identity)).await?;
        row.map_or(Ok(Filled::default()), |row| Filled::of(&row))
    }

    /// What a log of the source answers; nothing, where it cannot.
    async fn ask_log(&self, question: &Sql) -> Result<Option<Row>> {
        let reader = self.reader().await?;
        let answer = reader.session.row("reading a log of the source", question).await;
        // Also after an error: on a standby this session is the only one.
        self.release(reader, false).await;
        match answer {
            Ok(row) => Ok(Some(row)),
            Err(error) if error.outdates_snapshot() || error.sqlstate() == Some("55P03") => {
                Ok(None)
            }
            Err(error) if !error.is_transient() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a session of the same database holds this advisory lock.
    ///
    /// # Errors
    /// The source's.
    pub async fn sees_lock(&self, key: &str) -> Result<bool> {
        let statement = sql!(
            "select exists (select from pg_catalog.pg_locks l \
             join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) l.database \
             where l.locktype operator(pg_catalog.=) 'advisory' and l.granted \
             and d.datname operator(pg_catalog.=) pg_catalog.current_database() \
             and l.objsubid operator(pg_catalog.=) 1 \
             and ((l.classid::pg_catalog.int8 operator(pg_catalog.<<) 32) operator(pg_catalog.|) \
             l.objid::pg_catalog.int8) operator(pg_catalog.=) {key}::pg_catalog.int8)",
            key = Literal(key),
        );
        let rows = self.control.query_all("looking for the target's lock", &statement).await?;
        Ok(rows.iter().flatten().any(|row| row.is_true(0)))
    }

    /// A short name for what the schemas hold: equal where nothing differs.
    ///
    /// # Errors
    /// The source's.
    pub async fn schema_fingerprint(&self, what: FingerprintOf<'_>) -> Result<SchemaFingerprint> {
        self.control.schema_fingerprint(what).await
    }

    /// Another text as soon as a definition has changed.
    ///
    /// # Errors
    /// The source's.
    pub async fn catalog_version(&self) -> Result<String> {
        self.control.catalog_version().await
    }

    /// What the schemas hold; but for the tables `locked`, which cannot be read. Names of objects in the
    /// schemas of `path` are printed without a schema.
    ///
    /// # Errors
    /// The source's.
    pub async fn definitions(
        &self,
        schemas: &[Ident],
        path: &[Ident],
        locked: &[u32],
    ) -> Result<Definitions> {
        self.control.definitions(schemas, path, locked).await
    }

    /// What the schemas hold that pgsync does not copy.
    ///
    /// # Errors
    /// The source's.
    pub async fn uncopied(&self, schemas: &[Ident]) -> Result<Vec<UncopiedObject>> {
        self.control.uncopied(schemas).await
    }

    /// See [`crate::pg::catalog::partitions`].
    ///
    /// # Errors
    /// The source's.
    pub async fn partitions(&self, schemas: &[Ident], names: &[&str]) -> Result<Vec<Partition>> {
        self.control.partitions(schemas, names).await
    }

    /// What these names name outside of the schemas.
    ///
    /// # Errors
    /// The source's.
    pub async fn other_relations(
        &self,
        schemas: &[Ident],
        names: &[&str],
    ) -> Result<Vec<OtherRelation>> {
        self.control.other_relations(schemas, names).await
    }

    /// The tables of which somebody else keeps the definitions from being read.
    ///
    /// # Errors
    /// The source's.
    pub async fn locked_tables(&self, schemas: &[Ident]) -> Result<Vec<LockedTable>> {
        self.control.held(schemas).await
    }
}

impl Filled {
    /// From an answer to [`SyncLog::filled_from`].
    pub(crate) fn of(row: &Row) -> Result<Self> {
        let text = |column| row.text(column).map(str::to_owned);
        Ok(Self { tables: row.count(0)?, latest: text(1), from: text(2) })
    }
}

async fn require_moment(reader: &Reader, tables: &[ReadTable<'_>]) -> Result<()> {
    let relations = tables.iter().map(|table| &table.relation);
    let looks =
        relations.flat_map(|relation| [relation.lock_against_truncate(), relation.storage()]);
    let answers = reader.session.query_all(LOOKING_FOR_ROWS, &Sql::join(looks, "; ")).await?;
    let mut rows = answers.into_iter().flatten();
    tables.iter().try_for_each(|table| {
        check_not_rewritten(&table.relation.name, table.storage, rows.next().as_ref())
    })
}

/// Whether a table has rows that belong to one of its partitions: a role may read those though it may not read the partition.
async fn rows_of_partition(
    reader: &Reader,
    partition: &TableName,
    table: &TableName,
) -> Result<bool> {
    let ask = sql!(
        "select pg_catalog.pg_get_partition_constraintdef({name}::pg_catalog.regclass)",
        name = Literal(&partition.quoted())
    );
    let bounds = reader.session.row(LOOKING_FOR_ROWS, &ask).await?;
    let bounds = bounds.text(0).and_then(|text| UserExpression::parse(text).ok());
    // A default partition without others takes every row.
    let place = bounds.map(|bounds| sql!(" where {bounds}", bounds = bounds.at("epoch")));
    let statement = sql!(
        "select exists (select from {table}{place})",
        table = table,
        place = place.unwrap_or_else(|| Sql::trusted(""))
    );
    Ok(reader.session.row(LOOKING_FOR_ROWS, &statement).await?.is_true(0))
}
