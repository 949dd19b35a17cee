//! What a server says of itself, its tables and its foreign keys; the same statements on both sides.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::known_tables::KnownTables;
use super::session::Session;
use crate::error::{Cause, DbError, Error, Result};
use crate::ident::{Ident, TableName};
use crate::select::schemas as chosen;
use crate::sql::check::Check;
use crate::sql::{Literal, Sql, sql};
use crate::table::{Column, ForeignKey, Key, OtherRelation, Partition, Table};

/// The numbers of objects that do not come with the server begin here.
const FIRST_USER_OID: u32 = 16_384;

/// One server and database.
#[derive(Clone, Debug, Deserialize)]
pub struct Server {
    /// `server_version_num`, say 150018.
    pub version: u32,
    pub system: String,
    pub database: String,
    pub database_oid: u64,
    pub timeline: String,
    pub standby: bool,
    /// Whether a transaction that asks for nothing may not write.
    pub read_only: bool,
    pub encoding: String,
    /// Whether triggers and foreign keys are off in this session.
    pub replica_role: bool,
    /// Whether columns may be compressed with it.
    pub lz4: bool,
    /// Whether the role may make temporary tables.
    pub temporary: bool,
    pub role: Ident,
    /// Whether the role may do anything.
    pub superuser: bool,
    pub schemas: Vec<Ident>,
    /// The schemas of the role's search path.
    pub path: Vec<Ident>,
    /// Whether some table has a column whose text depends on that path: of a `reg…` type, or one made of
    /// such, which [`prints_names`] tells.
    pub prints_names: bool,
    /// Whether some table has a column of a user-defined type.
    pub user_types: bool,
}

impl Server {
    /// What the fingerprints of runs that read this database begin with.
    pub fn identity(&self) -> String {
        format!("{}/{}/", self.system, self.database_oid)
    }

    /// Whether the system identifier is known, which outlives restarts.
    pub fn is_lasting(&self) -> bool {
        self.system.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether the identifiers leave it open that both are one database. A copied data directory has
    /// those of its original, and who may not read the system identifier has another one.
    pub fn may_be(&self, other: &Server) -> bool {
        let known = self.is_lasting() && other.is_lasting();
        self.database_oid == other.database_oid
            && self.database == other.database
            && (!known || self.system == other.system)
    }

    /// Whether this is a standby of `primary`, as far as one can tell: its timeline may be behind, for it
    /// is that of the last checkpoint, but never ahead.
    pub fn follows(&self, primary: &Server) -> bool {
        let is_ahead = match (self.timeline_number(), primary.timeline_number()) {
            (Some(own), Some(other)) => own > other,
            _ => false,
        };
        self.standby && self.system == primary.system && !is_ahead
    }

    /// A primary names its timeline as its WAL files do, in hexadecimal.
    fn timeline_number(&self) -> Option<u32> {
        let radix = if self.standby { 10 } else { 16 };
        u32::from_str_radix(&self.timeline, radix).ok()
    }
}

/// Who the server is. Not for a session inside a transaction: where the role may not read the control
/// file the statement fails first, and the moment at which the server started has to do. A watermark
/// is good until the next restart then.
pub async fn server(session: &Session) -> Result<Server> {
    let known = who(
        "(select s.system_identifier::pg_catalog.text from pg_catalog.pg_control_system() s)",
        "(select c.timeline_id::pg_catalog.text from pg_catalog.pg_control_checkpoint() c)",
    );
    let row = match session.row(WHO, &known).await {
        Err(error) if error.sqlstate() == Some("42501") => {
            let started =
                who("pg_catalog.pg_postmaster_start_time()::pg_catalog.text", "'standby'");
            session.row(WHO, &started).await?
        }
        row => row?,
    };
    parse(row.needed(0)?).map_err(|error| unread(session, WHO, &error))
}

const WHO: &str = "asking the server who it is";

fn who(system: &'static str, timeline: &'static str) -> Sql {
    let holes: &[(&str, &Sql)] =
        &[("system", &Sql::trusted(system)), ("timeline", &Sql::trusted(timeline))];
    Sql::filled(include_str!("server.sql"), holes)
}

/// What the digests' hash functions make of a fixed set of values; `None` where they are missing.
/// Not for a session inside a transaction: where they are missing the statement fails.
pub async fn hash_probe(session: &Session) -> Result<Option<String>> {
    let statement = Sql::trusted(include_str!("hash_probe.sql"));
    match session.row("trying the hash functions", &statement).await {
        Ok(row) => Ok(row.text(0).map(str::to_owned)),
        Err(error) if error.sqlstate() == Some("42883") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether some table has a column whose text depends on the search path.
pub async fn prints_names(session: &Session, server: &Server) -> Result<bool> {
    if server.prints_names || !server.user_types {
        return Ok(server.prints_names);
    }
    Ok(!tables_that_print_names(session).await?.is_empty())
}

/// The tables that have such a column. What stands there is the number of a relation, a type or a function.
pub async fn tables_that_print_names(session: &Session) -> Result<HashSet<TableName>> {
    let statement = Sql::trusted(include_str!("prints_names.sql"));
    let rows = session.rows("looking for types that print names", &statement).await?;
    rows.iter().map(|row| Ok(TableName::new(row.needed(0)?, row.needed(1)?))).collect()
}

/// What a reading of tables has to go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Depth {
    /// What user-defined types and operator classes are made of: to plan that takes a server 7 ms.
    user_types: bool,
    /// TimescaleDB is there, and its catalog says which of the tables are hypertables.
    hypertables: bool,
}

/// The ordinary and partitioned tables of `schemas`. They are read again where there is more to be
/// asked than it seemed; `user_types` says whether there are user-defined ones, as far as is known.
pub async fn tables(session: &Session, schemas: &[Ident], user_types: bool) -> Result<Vec<Table>> {
    tables_knowing(session, schemas, user_types, None).await
}

/// As [`tables`], with what is `known` of them from an earlier reading.
pub async fn tables_knowing(
    session: &Session,
    schemas: &[Ident],
    user_types: bool,
    known: Option<&KnownTables>,
) -> Result<Vec<Table>> {
    let depth = Depth { user_types, hypertables: false };
    let tables = read_tables(session, schemas, depth, known).await?;
    let needed = Depth {
        user_types: user_types
            || tables.iter().flat_map(|table| table.columns.iter()).any(is_user_defined)
            || tables.iter().flat_map(|table| &table.keys).any(has_user_defined_class),
        hypertables: tables.iter().any(|table| table.hypertables),
    };
    if needed == depth { Ok(tables) } else { read_tables(session, schemas, needed, None).await }
}

/// Whether a column's type is user-defined, or may be made of others: of all other types the output
/// function is known.
fn is_user_defined(column: &Column) -> bool {
    column.type_oid >= FIRST_USER_OID || column.output.is_none()
}

/// Whether a key's index compares by an operator class of a user, which the short statement does not name.
fn has_user_defined_class(key: &Key) -> bool {
    key.columns.iter().any(|column| column.opclass.schema.as_str().is_empty())
}

/// What the statement says where there are hypertables, and where there are none.
struct Hypertables {
    /// Whether `n.nspname, c.relname` is one.
    is_one: &'static str,
    /// Leaves out what inherits from one.
    not_chunk: &'static str,
}

const NO_HYPERTABLES: Hypertables = Hypertables { is_one: "false", not_chunk: "" };

const HYPERTABLES: Hypertables = Hypertables {
    is_one: "exists (select from _timescaledb_catalog.hypertable x \
             where x.schema_name operator(pg_catalog.=) n.nspname and x.table_name operator(pg_catalog.=) c.relname)",
    not_chunk: "and not exists (select from pg_catalog.pg_inherits h \
                join pg_catalog.pg_class hc on hc.oid operator(pg_catalog.=) h.inhparent \
                join pg_catalog.pg_namespace hn on hn.oid operator(pg_catalog.=) hc.relnamespace \
                join _timescaledb_catalog.hypertable x on x.schema_name operator(pg_catalog.=) hn.nspname \
                and x.table_name operator(pg_catalog.=) hc.relname where h.inhrelid operator(pg_catalog.=) c.oid)",
};

/// What the statement says where there are user-defined types or operator classes, and where there are none.
struct UserTypes {
    floats: &'static str,
    parts: &'static str,
    user_types: &'static str,
    opclass: &'static str,
}

const USER_TYPES: UserTypes = UserTypes {
    floats: include_str!("catalog/floats.sql"),
    parts: include_str!("catalog/parts.sql"),
    user_types: include_str!("catalog/user_types.sql"),
    opclass: include_str!("catalog/opclass.sql"),
};

const NO_USER_TYPES: UserTypes = UserTypes {
    floats: include_str!("catalog/own_floats.sql"),
    parts: "'[]'::pg_catalog.json",
    user_types: "select null::pg_catalog.jsonb as types",
    opclass: include_str!("catalog/own_opclass.sql"),
};

async fn read_tables(
    session: &Session,
    schemas: &[Ident],
    depth: Depth,
    known: Option<&KnownTables>,
) -> Result<Vec<Table>> {
    let hypertables = if depth.hypertables { HYPERTABLES } else { NO_HYPERTABLES };
    let types = if depth.user_types { USER_TYPES } else { NO_USER_TYPES };
    let holes: &[(&str, &Sql)] = &[
        ("schemas", &names(schemas)),
        ("hypertable", &Sql::trusted(hypertables.is_one)),
        ("not_chunk", &Sql::trusted(hypertables.not_chunk)),
        ("floats", &Sql::trusted(types.floats)),
        ("parts", &Sql::trusted(types.parts)),
        ("user_types", &Sql::trusted(types.user_types)),
        ("opclass", &Sql::trusted(types.opclass)),
    ];
    let statement = Sql::filled(include_str!("catalog.sql"), holes);
    let doing = "reading the catalog of tables";
    let tables: Vec<Table> = match known {
        Some(known) => known.read(session, doing, &statement).await.map_err(unless_gone)?,
        None => objects(session, doing, &statement).await?,
    };
    refuse_twins(&tables)?;
    Ok(tables)
}

/// An answer that names a table twice is none: a catalog is damaged, or something between has repeated a row.
fn refuse_twins(tables: &[Table]) -> Result<()> {
    let mut seen = HashSet::new();
    match tables.iter().find(|table| !seen.insert(&table.name)) {
        Some(twin) => Err(Error::Internal(format!("a catalog answer names {} twice", twin.name))),
        None => Ok(()),
    }
}

/// Partitions in `schemas` whose root is elsewhere, and those that `named` has, as `t` or `schema.t`.
pub async fn partitions(
    session: &Session,
    schemas: &[Ident],
    named: &[&str],
) -> Result<Vec<Partition>> {
    let named = Sql::join(named.iter().map(|name| Literal(name)), ", ");
    let holes: &[(&str, &Sql)] =
        &[("schemas", &names(schemas)), ("names", &sql!("array[{named}]", named = named))];
    let statement = Sql::filled(include_str!("partitions.sql"), holes);
    objects(session, "reading the catalog of partitions", &statement).await
}

/// The schemas of users, without those of extensions.
pub async fn schemas(session: &Session) -> Result<Vec<Ident>> {
    objects(session, "reading the catalog of schemas", &Sql::trusted(include_str!("schemas.sql")))
        .await
}

/// The schemas of users that have tables that this role may read.
pub async fn filled_schemas(session: &Session) -> Result<Vec<Ident>> {
    let statement = Sql::trusted(include_str!("filled_schemas.sql"));
    objects(session, "reading the catalog of schemas", &statement).await
}

/// The schemas that are asked for by names and patterns: see [`chosen::matching`].
pub async fn chosen_schemas(session: &Session, asked: &[Ident]) -> Result<Vec<Ident>> {
    if !asked.iter().any(chosen::has_wildcard) {
        return Ok(asked.to_vec());
    }
    chosen::matching(asked, &schemas(session).await?)
}

/// The names of the tables of some schemas, and nothing else of them: whatever may be synced, and perhaps more.
pub async fn table_names(session: &Session, schemas: &[Ident]) -> Result<Vec<TableName>> {
    let statement = Sql::filled(include_str!("table_names.sql"), &[("schemas", &names(schemas))]);
    let rows = session.rows("reading the names of tables", &statement).await?;
    rows.iter().map(|row| Ok(TableName::new(row.needed(0)?, row.needed(1)?))).collect()
}

/// What `named` names besides tables of `schemas`, as `t` or `schema.t`.
pub async fn other_relations(
    session: &Session,
    schemas: &[Ident],
    named: &[&str],
) -> Result<Vec<OtherRelation>> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let named = Sql::join(named.iter().map(|name| Literal(name)), ", ");
    let holes: &[(&str, &Sql)] =
        &[("schemas", &names(schemas)), ("names", &sql!("array[{named}]", named = named))];
    let statement = Sql::filled(include_str!("other_relations.sql"), holes);
    objects(session, "reading the catalog of other relations", &statement).await
}

/// The conditions that tables lay down for their rows, by their own columns.
pub async fn checks(session: &Session, tables: &[&Table]) -> Result<Vec<Check>> {
    let numbers = Sql::join(tables.iter().map(|table| table.oid), ", ");
    let statement = Sql::filled(
        include_str!("checks.sql"),
        &[("tables", &sql!("array[{numbers}]", numbers = numbers))],
    );
    objects(session, "reading the catalog of check constraints", &statement).await
}

/// The foreign keys of one side.
pub struct ForeignKeys {
    pub of_tables: Vec<ForeignKey>,
    /// Those that a partition has or leads to, and its topmost parent does not: between the topmost parents.
    pub of_partitions: Vec<ForeignKey>,
    /// No foreign keys: from tables to those that functions of their checks name.
    pub of_checks: Vec<ForeignKey>,
}

/// The foreign keys with an end in `schemas`.
pub async fn foreign_keys(session: &Session, schemas: &[Ident]) -> Result<ForeignKeys> {
    #[derive(Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum What {
        Table,
        Partition,
        Check,
    }
    #[derive(Deserialize)]
    struct Listed {
        #[serde(flatten)]
        key: ForeignKey,
        what: What,
    }
    let statement = Sql::filled(include_str!("foreign_keys.sql"), &[("schemas", &names(schemas))]);
    let mut listed: Vec<Listed> =
        objects(session, "reading the catalog of foreign keys", &statement).await?;
    let place = |key: &ForeignKey| (key.child.clone(), key.name.clone());
    listed.sort_by_key(|one| place(&one.key));
    let of = |what: What| {
        let keys = listed.iter().filter(|one| one.what == what);
        keys.map(|one| one.key.clone()).collect()
    };
    Ok(ForeignKeys {
        of_tables: of(What::Table),
        of_partitions: of(What::Partition),
        of_checks: of(What::Check),
    })
}

/// A table that looks like a log of runs.
#[derive(Debug, Deserialize)]
pub struct Log {
    #[serde(flatten)]
    pub name: TableName,
    /// Whether this role may read it whole.
    pub is_readable: bool,
}

/// The logs of runs that this role may read, in any schema and of any name.
pub async fn logs(session: &Session) -> Result<Vec<TableName>> {
    let logs = all_logs(session).await?.into_iter();
    Ok(logs.filter(|log| log.is_readable).map(|log| log.name).collect())
}

/// The same, with those that it may not read.
pub async fn all_logs(session: &Session) -> Result<Vec<Log>> {
    objects(session, "looking for logs", &Sql::trusted(include_str!("logs.sql"))).await
}

pub(super) async fn objects<T: DeserializeOwned>(
    session: &Session,
    doing: &str,
    statement: &Sql,
) -> Result<Vec<T>> {
    let rows = session.rows(doing, statement).await.map_err(unless_gone)?;
    rows.iter()
        .map(|row| parse(row.needed(0)?).map_err(|error| unread(session, doing, &error)))
        .collect()
}

/// Functions like `pg_get_indexdef` know no snapshot: what it has may be dropped by now, which they call
/// an internal error. With another one the same statement can do.
pub(super) fn unless_gone(error: Error) -> Error {
    match error {
        Error::Database(mut error) if error.sqlstate.as_deref() == Some("XX000") => {
            error.sqlstate = None;
            error.cause = Cause::Snapshot;
            Error::Database(error)
        }
        error => error,
    }
}

pub(super) fn parse<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    serde_json::from_str(json)
}

/// An answer of the catalog that cannot be read. What functions say of an object that was dropped meanwhile is
/// NULL; with another snapshot the same statement can do.
pub(super) fn unread(session: &Session, doing: &str, error: &serde_json::Error) -> Error {
    Error::Database(Box::new(DbError {
        side: session.side(),
        action: doing.to_owned(),
        sqlstate: None,
        message: format!("an answer of the catalog cannot be read: {error}"),
        detail: None,
        hint: Some("a table or a type may have been dropped meanwhile: run again".to_owned()),
        constraint: None,
        inner_right: None,
        cause: Cause::Snapshot,
    }))
}

/// An array of names of schemas.
pub(super) fn names(schemas: &[Ident]) -> Sql {
    let names = Sql::join(schemas.iter().map(|schema| Literal(schema.as_str())), ", ");
    sql!("array[{names}]", names = names)
}
