//! Small tables that are empty on the target are copied together: one transaction holds the rows of
//! all of them, what follows their rows, and their lines in the log. It costs a round trip per table
//! where a table alone costs ten. Rows are held in memory until all are read, so their size is bounded.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::future::try_join_all;

use super::{End, Work, entry};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::outcome::{Counts, Status, Strategy, TableOutcome};
use crate::pg::{Lease, Session};
use crate::plan::TablePlan;
use crate::reconcile::{self, Lock};
use crate::schema::build;
use crate::sql::Sql;
use crate::sql::log::Entry;
use crate::strategy::Engine;
use crate::target::{apply, group};

/// A table larger than this is copied alone, in bytes.
const TINY: u64 = 64 * 1024;
/// Bytes that the rows of a group may take: the size of a table is an estimate.
const MOST: usize = 4 * 1024 * 1024;

/// Whether a table is small enough to be copied with others. What arrives is not proven here, so it has to
/// be what was sent by construction.
pub fn fits(plan: &TablePlan) -> bool {
    plan.strategy == Strategy::Copy
        && plan.bytes <= TINY
        && plan.meddling.is_empty()
        && plan.shape.is_exact()
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
pub async fn copy(engine: &Engine, works: &[&Work]) -> Result<Result<Vec<End>>> {
    let read = read_all(engine, works).await;
    let (source, mut target, tables) = match read {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    let plans: Vec<&TablePlan> = works.iter().map(|work| &*work.plan).collect();
    let writing = write(engine, &target, &plans, &tables);
    let (inserted, ()) = tokio::join!(writing, engine.source.release(source, false));
    let inserted = match inserted {
        Ok(inserted) => inserted,
        Err(error) => {
            // Nothing is committed. What was sent behind the statement that failed is in the way of all
            // others, and the locks of what is tried next.
            target.close();
            return Ok(Err(error));
        }
    };
    let committed = commit(engine, &target, works, &plans, (&tables, inserted)).await;
    if committed.is_err() && engine.stop.requested().is_some() {
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
async fn read_all(engine: &Engine, works: &[&Work]) -> Result<(Lease, Lease, Vec<Copied>)> {
    let (source, target) = tokio::try_join!(engine.source.session(), engine.target.session())?;
    let room = AtomicUsize::new(MOST);
    let tables = works.iter().map(|work| read(engine, &work.plan, &source, &room));
    let tables = try_join_all(tables).await?;
    Ok((source, target, tables))
}

async fn read(
    engine: &Engine,
    plan: &TablePlan,
    source: &Session,
    room: &AtomicUsize,
) -> Result<Copied> {
    let greatest = plan.timestamp.iter();
    let greatest = greatest.map(|timestamp| timestamp.greatest(&plan.shape, &engine.horizon));
    let greatest: Vec<Sql> = greatest.collect();
    let mut answers =
        reconcile::of_one_moment(plan, source, Lock::Kept, "looking at the table", &greatest)
            .await?;
    let greatest = answers.next().and_then(|row| row.text(0).map(str::to_owned));
    let mut rows = BytesMut::new();
    let mut stream = source.copy_out("reading rows", &plan.shape.copy_all(None)).await?;
    while let Some(row) = stream.next().await? {
        let less = |left: usize| left.checked_sub(row.len());
        room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .map_err(|_| Error::Internal("a group of small tables is not small".to_owned()))?;
        rows.extend_from_slice(&row);
    }
    if plan.shape.source.partitioned {
        // One may have been attached since it was asked.
        let again = "looking at the table again";
        reconcile::of_one_moment(plan, source, Lock::Kept, again, &[]).await.map(drop)?;
    }
    Ok(Copied { rows: rows.freeze(), greatest })
}

/// Writes all rows, and what follows them; gives the number of rows of each table.
async fn write(
    engine: &Engine,
    target: &Session,
    plans: &[&TablePlan],
    tables: &[Copied],
) -> Result<Vec<u64>> {
    let rows = tables.iter().map(|table| table.rows.clone()).collect();
    let inserted = group::copy(target, plans, rows).await?;
    build::follow_group(engine, target, plans).await?;
    Ok(inserted)
}

/// Writes the log, and commits all.
async fn commit(
    engine: &Engine,
    target: &Session,
    works: &[&Work],
    plans: &[&TablePlan],
    (tables, inserted): (&[Copied], Vec<u64>),
) -> Result<Vec<End>> {
    let entries: Vec<Entry<'_>> = works
        .iter()
        .zip(tables.iter().zip(inserted))
        .map(|(work, (table, inserted))| line(engine, work, table, inserted))
        .collect();
    let watermarks = group::commit(target, &engine.log, plans, &entries).await?;
    let ends = works.iter().zip(&entries).zip(watermarks);
    Ok(ends.map(|((work, entry), moment)| ended(engine, work, entry.counts, moment)).collect())
}

/// A table's line in the log.
fn line<'w>(engine: &'w Engine, work: &'w Work, table: &Copied, inserted: u64) -> Entry<'w> {
    let counts = Counts {
        processed: inserted,
        inserted,
        bytes: table.rows.len() as u64,
        batches: 1,
        ..Counts::default()
    };
    let entry = entry(engine, &work.plan, work.plan.filled());
    let greatest = table.greatest.as_deref().zip(work.plan.timestamp.as_ref());
    let watermark =
        greatest.and_then(|(greatest, timestamp)| engine.horizon.watermark(timestamp, greatest));
    Entry {
        counts,
        watermark: watermark.or(entry.watermark),
        elapsed: Some(work.elapsed()),
        ..entry
    }
}

/// Says what was done, and how it ended.
fn ended(engine: &Engine, work: &Work, counts: Counts, watermark: Option<String>) -> End {
    let table = work.plan.shape.source.name.clone();
    let strategy = work.plan.strategy;
    let rows = counts.inserted;
    engine.events.send(Event::Started {
        table: table.clone(),
        strategy,
        watermark: None,
        rows: Some(rows),
    });
    engine.events.send(Event::Rows { table, rows });
    let outcome = TableOutcome { counts, watermark, ..work.outcome(Status::Success, None) };
    End::Done(Box::new(outcome), None)
}
