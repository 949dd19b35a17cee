//! First copy into an empty table: COPY straight into it, a large table in parts of its pages that
//! several sessions copy at once. Each part commits for itself, so what a broken copy brought over
//! is not sent again: the next run compares.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::event::Phase;
use crate::outcome::Counts;
use crate::pg::Session;
use crate::source::Reader;
use crate::sql::query::{DigestQuery, RowQuery};
use crate::sql::read::Pages;
use crate::sql::sync_log::Progress;
use crate::sync::reconcile::proof;
use crate::sync::strategy::TOLD;
use crate::sync::table_state::TableRun;
use crate::target_side::apply::{Applied, Mode, Writer};

/// A part below this size is not worth a transaction of its own.
const LEAST_PART: u64 = 8 * 1024 * 1024;
/// A part above this size loses too much when it breaks.
const GREATEST_PART: u64 = 1024 * 1024 * 1024;

/// Copies the whole table, in parts on several sessions where it is large; a dry run counts.
pub async fn run(run: &mut TableRun<'_>) -> Result<()> {
    run.phase(Phase::Copying);
    if run.is_dry() {
        return count(run).await;
    }
    let parts = Parts::new(parts(run));
    let (drained, done) = watch::channel(false);
    let helpers = (1..copy_sessions(run).min(parts.len())).map(|_| help(run, &parts, done.clone()));
    let own = async {
        let copied = parts.copy(run, run.source, run.target).await;
        let _ = drained.send(true);
        copied
    };
    let (own, helped) = tokio::join!(own, join_all(helpers));
    // What the others have committed counts also when one was stopped.
    let mut ended = Ok(());
    for copied in std::iter::once(own).chain(helped) {
        match copied {
            Ok(applied) => run.state.add(&applied),
            Err(error) => ended = ended.and(Err(error)),
        }
    }
    ended?;
    let proven =
        run.state.plan.mapping.is_exact() && !run.round.settings.reconcile && !run.state.more;
    if proven { Ok(()) } else { proof::table(run).await }
}

/// How many sessions may write into the table. Into indexes that are there already, that of its key at
/// least, only one of them appends; the others split pages in the middle, which costs time and leaves
/// them half empty: two sessions took 0.85 x the time of one on two cores, four 1.0 x.
fn copy_sessions(run: &TableRun<'_>) -> usize {
    let indexed = run.state.plan.post_data.is_empty() && !run.state.plan.mapping.key.is_empty();
    if indexed { run.round.settings.parallel.div_ceil(2) } else { run.round.settings.parallel }
}

/// Copies parts on sessions of its own as soon as a slot is free, unless all is done before.
async fn help(
    run: &TableRun<'_>,
    parts: &Parts,
    mut done: watch::Receiver<bool>,
) -> Result<Applied> {
    let slot = tokio::select! {
        slot = run.round.slots.acquire() => slot,
        _ = done.wait_for(|done| *done) => return Ok(Applied::default()),
    };
    let _slot = slot.map_err(|error| Error::Internal(error.to_string()))?;
    if parts.is_empty() {
        return Ok(Applied::default());
    }
    let sessions = tokio::try_join!(run.round.source.reader(), run.round.target.session());
    let (source, mut target) = match sessions {
        Ok(sessions) => sessions,
        // The job's own sessions do the work all the same.
        Err(_) => return Ok(Applied::default()),
    };
    let counts = parts.copy(run, &source, &target).await?;
    target.set_clean(true);
    run.round.source.release(source, false).await;
    Ok(counts)
}

/// The parts that nobody has begun.
struct Parts(Mutex<VecDeque<Option<Pages>>>);

impl Parts {
    fn new(parts: VecDeque<Option<Pages>>) -> Self {
        Self(Mutex::new(parts))
    }

    fn next(&self) -> Option<Option<Pages>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Copies part after part; after an error nobody begins another.
    async fn copy(&self, run: &TableRun<'_>, source: &Reader, target: &Session) -> Result<Applied> {
        let mut applied = Applied::default();
        while let Some(pages) = self.next() {
            match copy_part(run, source, target, pages).await {
                Ok(part) => applied.add(part),
                Err(error) => {
                    self.clear();
                    return Err(error);
                }
            }
        }
        Ok(applied)
    }
}

async fn copy_part(
    run: &TableRun<'_>,
    source: &Reader,
    target: &Session,
    pages: Option<Pages>,
) -> Result<Applied> {
    run.round.check_stopped()?;
    let mut rows =
        source.copy_out("reading rows", &run.state.plan.mapping, RowQuery::All(pages)).await?;
    let mut writer =
        Writer::new(target, &run.state.plan, &run.round.sync_log, run.state.log_id, Mode::Direct);
    let mut progress = Progress { batches: 1, ..Progress::default() };
    let mut untold = 0;
    while let Some(bundle) = rows.next_together().await? {
        progress.processed += bundle.rows;
        progress.bytes += bundle.text.len() as u64;
        untold += bundle.rows;
        writer.push(bundle.text).await?;
        if untold >= TOLD {
            run.moved(untold);
            untold = 0;
            run.round.check_stopped()?;
        }
    }
    run.moved(untold);
    writer.commit(&progress).await
}

/// Slices of pages, the last one open: the table may have grown since its size was read. A page of
/// pointers to long values stands for more bytes than its own.
fn parts(run: &TableRun<'_>) -> VecDeque<Option<Pages>> {
    let plan = &run.state.plan;
    let whole = run.round.settings.parallel == 1
        || !run.round.page_ranges
        || plan.one_statement
        // Whoever disables triggers has the table to himself.
        || !plan.triggers_to_disable.is_empty()
        || plan.bytes < 2 * LEAST_PART;
    let Some(pages) = plan.pages.filter(|_| !whole) else { return VecDeque::from([None]) };
    let wanted = plan.bytes / (run.round.settings.parallel as u64 * 4);
    let count = plan.bytes / wanted.clamp(LEAST_PART, GREATEST_PART);
    let starts: Vec<u64> =
        (0..pages.max(1)).step_by(pages.div_ceil(count).max(1) as usize).collect();
    let results = starts.iter().skip(1).copied().map(Some).chain([None]);
    starts.iter().zip(results).map(|(&from, to)| Some(Pages { from, to })).collect()
}

/// A dry run: an empty table takes every row, if the role may read what a run reads.
async fn count(run: &mut TableRun<'_>) -> Result<()> {
    let mapping = &run.state.plan.mapping;
    run.source.copy_out("reading rows", mapping, RowQuery::None).await?.next().await?;
    let counted = run.source.digest("counting rows", &run.state.plan.mapping, DigestQuery::Keys);
    let rows = counted.await?.rows;
    run.state.counts.add(Counts { processed: rows, inserted: rows, ..Counts::default() });
    Ok(())
}
