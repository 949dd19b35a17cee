//! Small tables that are empty on the target are copied together: one transaction holds the rows of
//! all of them, what follows their rows, and their lines in the log. It costs a round trip per table
//! where a table alone costs ten. Rows are held in memory until all are read, so their size is bounded.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::future::try_join_all;

use crate::context::Round;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::outcome::{Counts, Status, Strategy, TableOutcome};
use crate::pg::{PooledSession, Session};
use crate::plan::TablePlan;
use crate::schema::post_data;
use crate::source::{Lock, Question, Reader};
use crate::sql::query::RowQuery;
use crate::sql::sync_log::Entry;
use crate::sync::table_run::entry;
use crate::sync::table_state::{TableState, TaskResult};
use crate::target_side::apply;
use crate::target_side::group;

/// A table larger than this is copied alone, in bytes.
const TINY: u64 = 64 * 1024;
/// Bytes that the rows of a group may take: the size of a table is an estimate.
const MOST: usize = 4 * 1024 * 1024;

/// Whether a table is small enough to be copied with others. What arrives is not proven here, so it has to
/// be what was sent by construction.
pub fn fits(plan: &TablePlan) -> bool {
    plan.strategy == Strategy::Copy
        && plan.bytes <= TINY
        && plan.always_triggers.is_empty()
        && plan.mapping.is_exact()
}

/// A table as it was read from the source.
struct Copied {
    rows: Bytes,
    /// The greatest timestamp, when there is one to go on from.
    greatest: Option<String>,
}

/// Copies all tables, or none; what hindered that comes back, and need not be said, for each table is
/// tried on its own then.
///
/// # Errors
/// The connection broke at the commit, so that nobody knows whether the rows are there: none of the
/// tables may be copied once more, for one without a key would take its rows twice.
pub async fn copy(round: &Round, states: &[&TableState]) -> Result<Result<Vec<TaskResult>>> {
    let read = read_all(round, states).await;
    let ReadTables { source, mut target, tables } = match read {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    let plans: Vec<&TablePlan> = states.iter().map(|state| &*state.plan).collect();
    let writing = write(round, &target, &plans, &tables);
    let (inserted, ()) = tokio::join!(writing, round.source.release(source, false));
    let inserted = match inserted {
        Ok(inserted) => inserted,
        Err(error) => {
            // Nothing is committed. What was sent behind the statement that failed is in the way of all
            // others, and the locks of what is tried next.
            target.close();
            return Ok(Err(error));
        }
    };
    let counted: Vec<(&Copied, u64)> = tables.iter().zip(inserted).collect();
    let committed = commit(round, &target, states, &counted).await;
    if committed.is_err() && round.stop.requested().is_some() {
        // The stop has cancelled a statement, and would cancel those that follow.
        return Ok(committed);
    }
    if let Err(error) = &committed {
        // Its locks would be in the way of what is tried next.
        apply::roll_back(&target, plans[0]).await.map_err(|_| error.clone())?;
    }
    target.set_clean(true);
    Ok(committed)
}

/// The tables of the source, the session that has read them, and one of the target in which nothing has
/// been done.
struct ReadTables {
    source: Reader,
    target: PooledSession,
    tables: Vec<Copied>,
}

async fn read_all(round: &Round, states: &[&TableState]) -> Result<ReadTables> {
    let (source, target) = tokio::try_join!(round.source.reader(), round.target.session())?;
    let room = AtomicUsize::new(MOST);
    let tables = states.iter().map(|state| read(round, &state.plan, &source, &room));
    let tables = try_join_all(tables).await?;
    Ok(ReadTables { source, target, tables })
}

async fn read(
    round: &Round,
    plan: &TablePlan,
    source: &Reader,
    room: &AtomicUsize,
) -> Result<Copied> {
    let horizon = &round.horizon;
    let greatest = plan.timestamp.iter().map(|timestamp| Question::Greatest { timestamp, horizon });
    let greatest: Vec<Question<'_>> = greatest.collect();
    let answers = source.answers("looking at the table", plan, Lock::Kept, &greatest).await?;
    let greatest = answers.into_iter().next().and_then(|answer| answer.greatest);
    let mut rows = BytesMut::new();
    let mut stream = source.copy_out("reading rows", &plan.mapping, RowQuery::All(None)).await?;
    while let Some(row) = stream.next().await? {
        let less = |left: usize| left.checked_sub(row.len());
        room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .map_err(|_| Error::Internal("a group of small tables is not small".to_owned()))?;
        rows.extend_from_slice(&row);
    }
    if plan.mapping.source.partitioned {
        // One may have been attached since it was asked.
        source.check_not_rewritten("looking at the table again", plan, Lock::Kept).await?;
    }
    Ok(Copied { rows: rows.freeze(), greatest })
}

/// Writes all rows, and what follows them; gives the number of rows of each table.
async fn write(
    round: &Round,
    target: &Session,
    plans: &[&TablePlan],
    tables: &[Copied],
) -> Result<Vec<u64>> {
    let rows = tables.iter().map(|table| table.rows.clone()).collect();
    let inserted = group::copy(target, plans, rows).await?;
    post_data::follow_group(round, target, plans).await?;
    Ok(inserted)
}

/// Writes the log, and commits all.
async fn commit(
    round: &Round,
    target: &Session,
    states: &[&TableState],
    copied: &[(&Copied, u64)],
) -> Result<Vec<TaskResult>> {
    let plans: Vec<&TablePlan> = states.iter().map(|state| &*state.plan).collect();
    let entries: Vec<Entry<'_>> = states
        .iter()
        .zip(copied)
        .map(|(state, (table, inserted))| line(round, state, table, *inserted))
        .collect();
    let watermarks = group::commit(target, &round.sync_log, &plans, &entries).await?;
    let results = states.iter().zip(&entries).zip(watermarks);
    Ok(results.map(|((state, entry), moment)| ended(round, state, entry.counts, moment)).collect())
}

/// A table's line in the log.
fn line<'w>(round: &'w Round, state: &'w TableState, table: &Copied, inserted: u64) -> Entry<'w> {
    let counts = Counts {
        processed: inserted,
        inserted,
        bytes: table.rows.len() as u64,
        batches: 1,
        ..Counts::default()
    };
    let entry = entry(round, &state.plan, state.plan.filled());
    let greatest = table.greatest.as_deref();
    let watermark = greatest.and_then(|greatest| round.watermark(&state.plan, greatest));
    Entry {
        counts,
        watermark: watermark.or(entry.watermark),
        elapsed: Some(state.elapsed()),
        ..entry
    }
}

/// Says what was done, and how it ended.
fn ended(
    round: &Round,
    state: &TableState,
    counts: Counts,
    watermark: Option<String>,
) -> TaskResult {
    let table = state.plan.mapping.source.name.clone();
    let strategy = state.plan.strategy;
    let rows = counts.inserted;
    round.events.send(Event::Started {
        table: table.clone(),
        strategy,
        watermark: None,
        rows: Some(rows),
    });
    round.events.send(Event::Rows { table, rows });
    let outcome = TableOutcome { counts, watermark, ..state.outcome(Status::Success, None) };
    TaskResult::Done(Box::new(outcome), None)
}
