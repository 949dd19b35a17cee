//! The `sync_log` table: what was done, table by table, and where the next run starts.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::outcome::Counts;
use crate::pg::{Row, Session};
use crate::plan::LastRun;
use crate::recall::Kept;
use crate::sql::rights_trial::PlannedUse;
use crate::sql::sync_log::{Entry, Progress, SyncLog};
use crate::sql::sync_log_proofs::Proof;
use crate::sql::{Sql, sql};
use crate::target_side::Target;

/// Columns that a log must have.
const COLUMNS: u64 = 18;

/// Rows written by one statement.
const ROWS: usize = 1000;

/// Whether the log is there; an error, if something else is there, or something in which code of others
/// would run with the rights of the role.
pub async fn exists(target: &Target, sync_log: &SyncLog) -> Result<bool> {
    let rows =
        target.on_control_session("looking for sync_log", &sync_log.exists_query()).await?.pop();
    let rows = rows.unwrap_or_default();
    let Some(row) = rows.first() else { return Ok(false) };
    let (owner, role) = (row.needed(2)?, row.needed(3)?);
    let why = if row.count(0)? != COLUMNS {
        "lacks columns of a log of pgsync (docs/sync-log.md lists them): add them, or rename it, so that runs forget which \
         tables they have created"
            .to_owned()
    } else if let Some(odd) = row.text(4) {
        let drop = drop_of(row, sync_log);
        format!("{odd}, and what runs there would run with the rights of {role}: {drop}")
    } else if !row.is_true(1) {
        format!(
            "belongs to {owner}, whose code would run with the rights of {role}, a superuser: look what \
             is in it, and give it to {role}"
        )
    } else {
        return Ok(true);
    };
    Err(Error::Blocked(format!(
        "{} on the target {why}; or name another table with -log-table",
        sync_log.table
    )))
}

/// What rids the log of a rule or a trigger, as far as it is said by one statement.
fn drop_of(row: &Row, sync_log: &SyncLog) -> String {
    let kinds = [("a rule", "rule", 5), ("a trigger", "trigger", 6)];
    let kind = kinds.iter().find(|(odd, ..)| row.text(4).is_some_and(|text| text.ends_with(odd)));
    let named = kind.and_then(|(_, kind, place)| Some((kind, Ident::new(row.text(*place)?))));
    match named {
        Some((kind, name)) => {
            format!("run there: drop {kind} {} on {}", name.typed(), sync_log.table.typed())
        }
        None => "drop that".to_owned(),
    }
}

/// Creates the table on the target; one that another run has created meanwhile is as good.
pub async fn create(target: &Target, sync_log: &SyncLog) -> Result<()> {
    match target.on_control_session(CREATING, &sync_log.create()).await {
        Ok(_) => Ok(()),
        // Another run was faster between the look and the statement.
        Err(error) if matches!(error.sqlstate(), Some("23505" | "42P07")) => Ok(()),
        Err(error) => Err(with_ways_out(error, sync_log)),
    }
}

const CREATING: &str = "creating sync_log";

/// Tries whether the role may create the table, and `schema` before, if that is missing; nothing stays of it.
pub async fn try_to_create(
    target: &Target,
    sync_log: &SyncLog,
    schema: Option<&Ident>,
) -> Result<()> {
    let mut session = target.session().await?;
    session.run(CREATING, &Sql::trusted("begin")).await?;
    let create = async {
        if let Some(schema) = schema {
            session.run(CREATING_SCHEMA, &sql!("create schema {schema}", schema = schema)).await?;
        }
        session.run(CREATING, &sync_log.create()).await
    };
    let created = create.await;
    session.run(CREATING, &Sql::trusted("rollback")).await?;
    session.set_clean(true);
    match created {
        Err(error) => Err(with_ways_out(target.explained(error).await, sync_log)),
        Ok(()) => Ok(()),
    }
}

/// What a run is doing when it makes the schema of its log.
pub const CREATING_SCHEMA: &str = "creating the schema of sync_log";

/// Tries whether the role may use the table as a run does; reads and writes no row.
pub async fn try_to_use(target: &Target, sync_log: &SyncLog) -> Result<()> {
    for PlannedUse { action, statement } in sync_log.explain_use() {
        target.on_control_session(action, &statement).await?;
    }
    Ok(())
}

/// Tries whether the role may write rows of the table; writes none.
pub async fn try_to_write(target: &Target, sync_log: &SyncLog) -> Result<()> {
    let PlannedUse { action, statement } = sync_log.explain_write();
    target.on_control_session(action, &statement).await.map(drop)
}

/// The error with all ways to a log, where a right to create it is missing.
fn with_ways_out(error: Error, sync_log: &SyncLog) -> Error {
    match error {
        Error::Database(mut error)
            if error.sqlstate.as_deref() == Some("42501") && error.action == CREATING =>
        {
            let grant = error.hint.filter(|hint| hint.starts_with("grant "));
            let grant = grant.unwrap_or_else(|| "let the role create it".to_owned());
            error.hint = Some(format!(
                "{grant}; or let somebody else create {} once (docs/sync-log.md), or name another table with -log-table",
                sync_log.table
            ));
            Error::Database(error)
        }
        Error::Database(mut error)
            if error.sqlstate.as_deref() == Some("3F000") && error.action == CREATING =>
        {
            let schema = sync_log.table.schema.typed();
            error.hint = Some(format!(
                "run on the target: create schema {schema}; or name another place with -log-table, or leave out -ddl none"
            ));
            Error::Database(error)
        }
        error => error,
    }
}

/// The last word about each table.
pub async fn last_runs(
    target: &Target,
    sync_log: &SyncLog,
    tables: &[&TableName],
) -> Result<HashMap<TableName, LastRun>> {
    let mut last = HashMap::new();
    for group in tables.chunks(ROWS) {
        let statement = sync_log.last_rows(group.iter().copied());
        let rows = target.on_control_session("reading sync_log", &statement).await?.pop();
        for row in rows.unwrap_or_default() {
            let run = LastRun {
                watermark: row.text(2).map(str::to_owned),
                fingerprint: row.text(3).map(str::to_owned),
                source: row.text(4).map(str::to_owned),
                settled: row.text(5).map(str::to_owned),
                rows: None,
                written_as: row.text(6).map(str::to_owned),
                interrupted: row.is_true(7),
                failed: row.is_true(8),
            };
            last.insert(TableName::new(row.needed(0)?, row.needed(1)?), run);
        }
    }
    Ok(last)
}

/// What the last row of each table keeps of the source's rows.
pub async fn source_rows(
    target: &Target,
    sync_log: &SyncLog,
    tables: &[&TableName],
) -> Result<HashMap<TableName, String>> {
    let mut kept = HashMap::new();
    for group in tables.chunks(ROWS) {
        let statement = sync_log.source_rows(group.iter().copied());
        let rows = target.on_control_session("reading sync_log", &statement).await?.pop();
        for row in rows.unwrap_or_default() {
            kept.insert(TableName::new(row.needed(0)?, row.needed(1)?), row.needed(2)?.to_owned());
        }
    }
    Ok(kept)
}

/// Keeps what the run `run_id` has learnt of the source's rows. The log of an older version gets its column.
pub async fn keep_source_rows(
    target: &Target,
    sync_log: &SyncLog,
    run_id: &str,
    kept: &[Kept],
) -> Result<()> {
    let doing = "writing sync_log";
    for group in kept.chunks(ROWS) {
        let statement = sync_log.keep_source_rows(run_id, group);
        match target.on_control_session(doing, &statement).await {
            Err(error) if error.sqlstate() == Some("42703") => {
                target.on_control_session(doing, &sync_log.add_source_rows()).await?;
                target.on_control_session(doing, &statement).await?;
            }
            written => drop(written?),
        }
    }
    Ok(())
}

/// A table that earlier runs had to do with.
pub struct KnownTable {
    pub name: TableName,
    /// `relkind` of what has its name on the target now.
    pub kind: Option<char>,
    /// Whether the last run with it failed.
    pub has_failed: bool,
    /// Whether a run has said that it is gone.
    pub is_said: bool,
}

/// The tables that runs from this source had to do with, but those that are said to be gone, if nothing is left to be done.
pub async fn known_from(
    target: &Target,
    sync_log: &SyncLog,
    source: &str,
) -> Result<Vec<KnownTable>> {
    let statement = sync_log.known_from(source);
    let rows = target.on_control_session("reading sync_log", &statement).await?.pop();
    let known = |row: &Row| {
        Ok(KnownTable {
            name: TableName::new(row.needed(0)?, row.needed(1)?),
            kind: row.text(2).and_then(|kind| kind.chars().next()),
            has_failed: row.is_true(3),
            is_said: row.is_true(4),
        })
    };
    rows.unwrap_or_default().iter().map(known).collect()
}

/// Which of the tables pgsync has made, each with what is remembered of its definitions.
pub async fn created_tables(
    target: &Target,
    sync_log: &SyncLog,
    tables: &[&TableName],
) -> Result<HashMap<TableName, Option<String>>> {
    let mut made = HashMap::new();
    for group in tables.chunks(ROWS) {
        let statement = sync_log.made_tables(group.iter().copied());
        let rows = target.on_control_session("reading sync_log", &statement).await?.pop();
        for row in rows.unwrap_or_default() {
            let definitions = row.text(2).map(str::to_owned);
            made.insert(TableName::new(row.needed(0)?, row.needed(1)?), definitions);
        }
    }
    Ok(made)
}

/// What is remembered of the source's parts of the tables that pgsync has made, where something is.
pub async fn source_parts(
    target: &Target,
    sync_log: &SyncLog,
    tables: &[&TableName],
) -> Result<HashMap<TableName, String>> {
    let mut parts = HashMap::new();
    for group in tables.chunks(ROWS) {
        let statement = sync_log.source_parts(group.iter().copied());
        let rows = target.on_control_session("reading sync_log", &statement).await?.pop();
        for row in rows.unwrap_or_default() {
            let table = TableName::new(row.needed(0)?, row.needed(1)?);
            parts.extend(row.text(2).map(|text| (table, text.to_owned())));
        }
    }
    Ok(parts)
}

/// Which of the tables pgsync has made under another name.
pub async fn renamed_tables(
    target: &Target,
    sync_log: &SyncLog,
    tables: &[&TableName],
) -> Result<Vec<TableName>> {
    let mut renamed = Vec::new();
    for group in tables.chunks(ROWS) {
        let statement = sync_log.renamed_tables(group.iter().copied());
        let rows = target.on_control_session("reading sync_log", &statement).await?.pop();
        for row in rows.unwrap_or_default() {
            renamed.push(TableName::new(row.needed(0)?, row.needed(1)?));
        }
    }
    Ok(renamed)
}

/// Whether pgsync has ever made a table, or failed over something that it was to make, as far as the log goes back.
pub async fn has_tried_to_create(target: &Target, sync_log: &SyncLog) -> Result<bool> {
    let statement = sync_log.has_tried_to_create();
    let rows = target.on_control_session("reading sync_log", &statement).await?;
    Ok(rows.iter().flatten().any(|row| row.is_true(0)))
}

/// Whether all that another run than this one wrote into the log is about tables that came to their end.
pub async fn has_ended_run(target: &Target, sync_log: &SyncLog, run_id: &str) -> Result<bool> {
    let statement = sync_log.has_ended_run(run_id);
    let rows = target.on_control_session("reading sync_log", &statement).await?;
    Ok(rows.iter().flatten().any(|row| row.is_true(0)))
}

/// Remembers what both sides were when the definitions of these tables were equal. A log that is not the
/// role's own may lack the column: then definitions are read whole in every run.
pub async fn remember_definitions(
    target: &Target,
    sync_log: &SyncLog,
    tables: &[&TableName],
    digest: &str,
) -> Result<()> {
    let look = sync_log.has_definitions();
    let there = target.on_control_session("looking at sync_log", &look).await?;
    if !there.iter().flatten().any(|row| row.is_true(0)) {
        let add = sync_log.add_definitions();
        match target.on_control_session("adding a column to sync_log", &add).await {
            Err(error) if error.sqlstate().is_some() && !error.is_transient() => return Ok(()),
            Err(error) if error.sqlstate() == Some("55P03") => return Ok(()),
            added => added.map(drop)?,
        }
    }
    for group in tables.chunks(ROWS) {
        let statement = sync_log.write_definitions(group.iter().copied(), digest);
        target.on_control_session("writing sync_log", &statement).await?;
    }
    Ok(())
}

/// Remembers what the source has of tables that pgsync has made. A log that is not the role's own may lack the column:
/// then every run says what only the target has.
pub async fn remember_source_parts(
    target: &Target,
    sync_log: &SyncLog,
    kept: &[Kept],
) -> Result<()> {
    let doing = "writing sync_log";
    for group in kept.chunks(ROWS) {
        let statement = sync_log.write_source_parts(group);
        match target.on_control_session(doing, &statement).await {
            Err(error) if error.sqlstate() == Some("42703") => {
                let add = sync_log.add_source_parts();
                match target.on_control_session("adding a column to sync_log", &add).await {
                    // Somebody else uses the log: there is another run.
                    Err(error) if error.sqlstate() == Some("55P03") => return Ok(()),
                    added => added.map(drop)?,
                }
                target.on_control_session(doing, &statement).await?;
            }
            written => drop(written?),
        }
    }
    Ok(())
}

/// Closes rows of dead runs, and makes the indexes that a log of an older version lacks; gives what
/// hindered the latter, if something did: without them it is only slower.
pub async fn tidy(
    target: &Target,
    sync_log: &SyncLog,
    run_id: &str,
    tables: &[&TableName],
) -> Result<Option<Error>> {
    let mut missing = Vec::new();
    for group in tables.chunks(ROWS) {
        let close = sync_log.close_stale(run_id, group.iter().copied());
        let both = sql!("{look}; {close}", look = sync_log.missing_indexes(), close = close);
        let rows =
            target.on_control_session("closing rows of sync_log", &both).await?.into_iter().next();
        missing = rows.unwrap_or_default();
    }
    for row in missing {
        let number = usize::try_from(row.count(0)?).unwrap_or_default();
        let Some(make) = sync_log.make_index(number) else { continue };
        match target.on_control_session("making an index of sync_log", &make).await {
            Err(error) if error.sqlstate().is_some() => return Ok(Some(error)),
            made => made.map(drop)?,
        }
    }
    Ok(None)
}

/// Writes rows about tables that have ended; gives the watermark of each.
pub async fn insert_ended(
    target: &Target,
    sync_log: &SyncLog,
    entries: &[Entry<'_>],
) -> Result<Vec<Option<String>>> {
    let mut watermarks = Vec::new();
    for group in entries.chunks(ROWS) {
        // Neighbours that are new make one statement.
        let alike = group.chunk_by(|one, other| one.earlier.is_none() && other.earlier.is_none());
        let statements = alike.map(|entries| written(sync_log, entries));
        let statements = Sql::join(statements, "; ");
        let rows = target.on_control_session("writing sync_log", &statements).await?;
        watermarks.extend(rows.iter().flatten().map(|row| row.text(1).map(str::to_owned)));
    }
    Ok(watermarks)
}

/// Entries that are all new, or one that need not be.
fn written(sync_log: &SyncLog, entries: &[Entry<'_>]) -> Sql {
    match entries {
        [Entry { earlier: Some(id), .. }] => sync_log.take_up(*id, &entries[0]),
        new => sync_log.insert(new),
    }
}

/// What earlier rounds of a run wrote about a table.
pub struct EarlierRow {
    pub id: u64,
    pub counts: Counts,
}

/// Reads what earlier rounds of the run `run_id` wrote, by table.
pub async fn of_run(
    target: &Target,
    sync_log: &SyncLog,
    run_id: &str,
) -> Result<HashMap<TableName, EarlierRow>> {
    let rows = target.on_control_session("reading sync_log", &sync_log.of_run(run_id)).await?.pop();
    let mut earlier = HashMap::new();
    for row in rows.unwrap_or_default() {
        let table = TableName::new(row.needed(0)?, row.needed(1)?);
        earlier.insert(table, EarlierRow { id: row.count(2)?, counts: counts(&row, 3)? });
    }
    Ok(earlier)
}

/// Counts as `sync_log` gives them, from a column on.
fn counts(row: &Row, from: usize) -> Result<Counts> {
    Ok(Counts {
        processed: row.count(from)?,
        inserted: row.count(from + 1)?,
        updated: row.count(from + 2)?,
        deleted: row.count(from + 3)?,
        batches: row.count(from + 4)?,
        bytes: row.count(from + 5)?,
    })
}

/// What the transactions of one table's row have committed.
pub struct Committed {
    pub counts: Counts,
    /// UTC, without a zone.
    pub watermark: Option<String>,
}

/// Reads what the transactions of row `id` have committed.
pub async fn committed(target: &Target, sync_log: &SyncLog, id: u64) -> Result<Committed> {
    let rows = target.on_control_session("reading sync_log", &sync_log.committed(id)).await?;
    let row = rows.iter().flatten().next();
    let row = row.ok_or_else(|| gone(sync_log, id))?;
    Ok(Committed { counts: counts(row, 0)?, watermark: row.text(6).map(str::to_owned) })
}

fn gone(sync_log: &SyncLog, id: u64) -> Error {
    Error::Blocked(format!("row {id} of {} is gone", sync_log.table))
}

/// Ends row `id` from outside the table's own sessions, which may be broken; gives what they have
/// committed.
pub async fn finish_from_outside(
    target: &Target,
    sync_log: &SyncLog,
    id: u64,
    status: &str,
    error: Option<&str>,
) -> Result<Counts> {
    let statement = sync_log.finish(id, status, error, &Progress::default());
    let rows = target.on_control_session("writing sync_log", &statement).await?;
    let row = rows.iter().flatten().next();
    counts(row.ok_or_else(|| gone(sync_log, id))?, 1)
}

/// Ends every row of this run that still says `running`.
pub async fn finish_run(
    target: &Target,
    sync_log: &SyncLog,
    run_id: &str,
    status: &str,
) -> Result<()> {
    let statement = sync_log.finish_run(run_id, status);
    target.on_control_session("closing rows of sync_log", &statement).await.map(drop)
}

/// Writes the row of a table whose work begins; gives its id.
pub async fn begin(session: &Session, sync_log: &SyncLog, entry: Entry<'_>) -> Result<u64> {
    session.row("writing sync_log", &written(sync_log, &[entry])).await?.count(0)
}

/// Ends row `id`, without an error; gives the watermark that the next run will start from.
pub async fn finish(
    session: &Session,
    sync_log: &SyncLog,
    id: u64,
    status: &str,
    progress: &Progress,
) -> Result<Option<String>> {
    let row = session.row("writing sync_log", &sync_log.finish(id, status, None, progress)).await?;
    Ok(row.text(0).map(str::to_owned))
}

/// Sees to it that the log has the columns of proofs.
///
/// # Errors
/// It has not, and they cannot be added.
pub async fn add_proofs(target: &Target, sync_log: &SyncLog) -> Result<()> {
    let there = target.on_control_session("looking at sync_log", &sync_log.has_proofs()).await?;
    if there.iter().flatten().any(|row| row.is_true(0)) {
        return Ok(());
    }
    match target.on_control_session("adding columns to sync_log", &sync_log.add_proofs()).await {
        Ok(_) => Ok(()),
        Err(Error::Database(mut error)) if error.sqlstate.as_deref() == Some("42501") => {
            error.hint = Some(format!(
                "-scrub remembers in {} how far it got: let the table's owner add its columns \
                 proven_buckets and proven_since (docs/sync-log.md), or leave out -scrub",
                sync_log.table
            ));
            Err(Error::Database(error))
        }
        Err(error) => Err(error),
    }
}

/// The part of each table that was proven last.
pub async fn last_proofs(
    target: &Target,
    sync_log: &SyncLog,
    tables: &[&TableName],
) -> Result<HashMap<TableName, String>> {
    let mut last = HashMap::new();
    for group in tables.chunks(ROWS) {
        let statement = sync_log.last_proofs(group.iter().copied());
        let rows = target.on_control_session("reading sync_log", &statement).await?.pop();
        for row in rows.unwrap_or_default() {
            last.insert(TableName::new(row.needed(0)?, row.needed(1)?), row.needed(2)?.to_owned());
        }
    }
    Ok(last)
}

/// Writes what the run `run_id` has proven, of tables that have so many parts.
pub async fn write_proofs(
    target: &Target,
    sync_log: &SyncLog,
    run_id: &str,
    parts: u32,
    proofs: &[Proof],
) -> Result<()> {
    for group in proofs.chunks(ROWS) {
        let statement = sync_log.write_proofs(run_id, parts, group);
        target.on_control_session("writing sync_log", &statement).await?;
    }
    Ok(())
}
