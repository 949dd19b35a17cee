//! What will be done, as data: per table the columns that travel, the key, the strategy, and what is
//! in the way; between tables the order. Pure: both catalogs and the last watermarks go in.

pub mod columns;
pub mod schedule;

use crate::error::Error;
use crate::ident::{Ident, TableName};
use crate::outcome::Strategy;
use crate::sql::digest::Hasher;
use crate::table::{Fires, ForeignKey, Table};
use columns::{KeyColumn, PlanColumn};

/// How one table is brought in step.
#[derive(Clone, Debug)]
pub struct TablePlan {
    pub strategy: Strategy,
    pub shape: Shape,
    pub timestamp: Option<Timestamp>,
    /// Set for the incremental strategy: read from here, inclusive (UTC, `2024-12-13 15:25:30.5`).
    pub watermark: Option<String>,
    /// What a watermark of this plan will be good for.
    pub fingerprint: String,
    /// Rows of the source as its planner estimates them.
    pub rows: u64,
    /// Size of the source table in bytes.
    pub bytes: u64,
    /// Whether the source table is one file of pages that can be read in parts by ctid.
    pub pages: bool,
    /// A self reference that is checked per statement: everything goes in one batch.
    pub one_statement: bool,
    /// Triggers of the target that have to be disabled while a batch is written.
    pub silence: Vec<Ident>,
    /// Whether rows may be deleted and inserted again within one statement: nothing cascades.
    pub replaceable: bool,
    /// Whether vanished rows are removed.
    pub deletes: bool,
}

/// The two relations and what travels between them: all that a SQL builder needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub source: Relation,
    pub target: Relation,
    /// The columns that travel, in the target's order. Never empty.
    pub columns: Vec<PlanColumn>,
    /// Empty for a table without a key: the whole row is the key then, with its multiplicity.
    pub key: Vec<KeyColumn>,
    /// A deferrable key cannot arbitrate ON CONFLICT.
    pub key_deferrable: bool,
    pub hasher: Hasher,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    pub name: TableName,
    pub partitioned: bool,
}

/// The column by which changes are found, with its type on each side.
#[derive(Clone, Debug, PartialEq)]
pub struct Timestamp {
    pub column: Ident,
    pub source: TimestampKind,
    pub target: TimestampKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampKind {
    Timestamptz,
    Timestamp,
    Date,
}

/// What the last run left in `sync_log` for a table.
#[derive(Clone, Debug, PartialEq)]
pub struct LastRun {
    pub watermark: Option<String>,
    pub fingerprint: Option<String>,
}

/// What is the same for every table of a run.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Source system, database and timeline, and the hash family.
    pub source_identity: String,
    pub timestamp: Ident,
    pub hasher: Hasher,
    /// Whether triggers and foreign keys are off on the target.
    pub replica_role: bool,
    pub fire_triggers: bool,
    pub reconcile: bool,
    pub deletes: bool,
    /// Both servers print numbers alike (both before PostgreSQL 12, or neither).
    pub same_floats: bool,
}

/// One selected table with what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub source: &'a Table,
    pub target: Option<&'a Table>,
    pub target_name: &'a TableName,
    pub target_is_empty: bool,
    pub last: Option<&'a LastRun>,
    /// The foreign keys of the target.
    pub foreign_keys: &'a [ForeignKey],
}

/// Plans one table.
///
/// # Errors
/// [`Error::Table`] with the remedy, when the table cannot be brought in step as things are.
pub fn table(candidate: Candidate<'_>, ground: &Ground) -> Result<TablePlan, Error> {
    let Candidate { source, target, target_name, .. } = candidate;
    let target = target.ok_or_else(|| {
        Error::Table(format!("missing on the target: create {target_name} there, or exclude it"))
    })?;
    let columns = columns::agree(source, target, ground)?;
    let (key, key_deferrable) = columns::key(source, target, &columns);
    let timestamp = columns::timestamp(source, target, &ground.timestamp);
    let shape = Shape {
        source: Relation { name: source.name.clone(), partitioned: source.partitioned },
        target: Relation { name: target.name.clone(), partitioned: target.partitioned },
        columns: columns::arrange(columns, &key, timestamp.as_ref()),
        key,
        key_deferrable,
        hasher: ground.hasher,
    };
    let fingerprint = fingerprint(&shape, source, target, timestamp.as_ref(), ground);
    let trusted = candidate.last.filter(|last| last.fingerprint.as_deref() == Some(&fingerprint));
    let watermark = trusted.and_then(|last| last.watermark.clone()).filter(|_| timestamp.is_some());
    let usable = !ground.reconcile && !shape.key.is_empty() && watermark.is_some();
    let references = |key: &&ForeignKey| key.parent == target.name;
    let cascades = |key: &ForeignKey| key.on_delete != 'a' || key.on_update != 'a';
    let own = |key: &ForeignKey| key.child == target.name && key.parent == target.name;
    Ok(TablePlan {
        strategy: match (candidate.target_is_empty, usable) {
            (true, _) => Strategy::Copy,
            (false, true) => Strategy::Incremental,
            (false, false) => Strategy::Compare,
        },
        watermark,
        timestamp,
        fingerprint,
        rows: estimate(source),
        bytes: source.bytes,
        pages: !source.partitioned,
        one_statement: !ground.replica_role && candidate.foreign_keys.iter().any(own),
        silence: silenced(target, ground)?,
        replaceable: ground.replica_role
            || !candidate.foreign_keys.iter().filter(references).any(cascades),
        deletes: ground.deletes,
        shape,
    })
}

/// The planner's estimate, or a guess from the size where there is none.
fn estimate(source: &Table) -> u64 {
    match source.rows {
        rows if rows > 0.0 => rows as u64,
        _ => source.bytes / 100,
    }
}

/// What a watermark depends on. Everything in it is readable, for whoever wonders why it changed.
fn fingerprint(
    shape: &Shape,
    source: &Table,
    target: &Table,
    timestamp: Option<&Timestamp>,
    ground: &Ground,
) -> String {
    let columns: Vec<String> = shape
        .columns
        .iter()
        .map(|column| format!("{}:{}", column.name.as_str(), column.target_type))
        .collect();
    let column = timestamp.map_or("", |timestamp| timestamp.column.as_str());
    [
        ground.source_identity.as_str(),
        &source.storage,
        &target.storage,
        column,
        &digest(&columns.join(",")),
    ]
    .join("/")
}

/// FNV-1a, 64 bits: a short name for a long list, stable across builds (`DefaultHasher` is not).
/// <https://www.ietf.org/archive/id/draft-eastlake-fnv-17.html>
fn digest(text: &str) -> String {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// The triggers that would fire and must not, when the role cannot silence all of them at once.
fn silenced(target: &Table, ground: &Ground) -> Result<Vec<Ident>, Error> {
    if ground.replica_role || ground.fire_triggers {
        return Ok(Vec::new());
    }
    let firing = target.triggers.iter().filter(|trigger| trigger.fires == Fires::Origin);
    let names: Vec<Ident> = firing.map(|trigger| trigger.name.clone()).collect();
    if names.is_empty() || target.owned {
        return Ok(names);
    }
    Err(Error::Table(format!(
        "the target's trigger \"{}\" would fire on copied rows, and the role may not prevent it: \
         connect as the table's owner, grant it SET on parameter session_replication_role \
         (PostgreSQL 15 and later), or let triggers fire with -fire-triggers",
        names[0].as_str()
    )))
}
