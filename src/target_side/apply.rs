//! Writing batches: each is one transaction of stage, upsert and log (`docs/how-it-works.md`).

use bytes::Bytes;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::outcome::Counts;
use crate::pg::{CopyIn, Row, RowSink, Session};
use crate::plan::TablePlan;
use crate::sql::buckets::Buckets;
use crate::sql::sync_log::{CteSet, Progress, SyncLog};
use crate::target_side::transaction;

/// What writes did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    pub counts: Counts,
    /// What the sum of the hashes of keys grew by; none where that cannot be told.
    pub keys: Option<i128>,
    /// Whether more was written into the table than what the statements say.
    pub more: bool,
}

impl Applied {
    /// The digest of all keys after these writes, where they tell what they did to it.
    pub fn keys_after(&self, before: Option<Digest>) -> Option<Digest> {
        let (before, sum) = (before?, self.keys?);
        let grown = before.rows + self.counts.inserted;
        Some(Digest { rows: grown.checked_sub(self.counts.deleted)?, sum: before.sum + sum })
    }

    /// Adds what other writes did; the sum of keys is known only if both know theirs.
    pub fn add(&mut self, other: Self) {
        self.counts.add(other.counts);
        self.keys = self.keys.zip(other.keys).map(|(one, two)| one + two);
        self.more |= other.more;
    }
}

/// Rows that PostgreSQL counted as written in a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
}

impl Tally {
    /// From an answer of [`crate::sql::tally::since`].
    pub fn of(row: &Row) -> Option<Self> {
        let numbers = |column| {
            let parts = row.text(column)?.split(',').map(|number| number.parse::<u64>().ok());
            parts.collect::<Option<Vec<u64>>>()
        };
        let (now, before) = (numbers(0)?, numbers(1)?);
        let grown = |at: usize| now.get(at)?.checked_sub(*before.get(at)?);
        Some(Self { inserted: grown(0)?, updated: grown(1)?, deleted: grown(2)? })
    }
}

/// How staged rows become rows of the table.
#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    /// COPY straight into the table: it is empty.
    Direct,
    Upsert,
    /// Rows that differ are taken out together before they go in: unique values may move.
    Replace,
    /// Rows that differ get placeholders before the upsert: unique values may move where rows cannot be
    /// taken out. Their keys are numbered, and the vanished ones listed.
    Displace,
    /// For a table without a key: the rows of these buckets become the staged ones.
    ReplaceRows(Buckets),
}

impl Mode {
    /// Whether all rows go in one batch.
    pub fn takes_all(&self) -> bool {
        matches!(self, Mode::Replace | Mode::Displace)
    }
}

const WRITING: &str = "writing a batch";

/// Writes the rows of one table, batch by batch.
pub struct Writer<'a> {
    session: &'a Session,
    plan: &'a TablePlan,
    sync_log: &'a SyncLog,
    /// The table's row in the log; without one nothing is written, only counted.
    log_id: Option<u64>,
    mode: Mode,
    /// How rows come in, once their stage is made.
    copy: Option<CopyIn>,
    /// Whether the batch's transaction is open.
    begun: bool,
    sink: Option<RowSink>,
}

impl<'a> Writer<'a> {
    /// Begins with no batch open.
    pub fn new(
        session: &'a Session,
        plan: &'a TablePlan,
        sync_log: &'a SyncLog,
        log_id: Option<u64>,
        mode: Mode,
    ) -> Self {
        Self { session, plan, sync_log, log_id, mode, copy: None, begun: false, sink: None }
    }

    /// Adds a row to the open batch; opens one if there is none.
    pub async fn push(&mut self, row: Bytes) -> Result<()> {
        if self.sink.is_none() {
            self.open().await?;
        }
        match &mut self.sink {
            Some(sink) => sink.push(row).await,
            None => Err(Error::Internal("a batch did not open".to_owned())),
        }
    }

    /// Opens a batch though no row has come.
    pub async fn open(&mut self) -> Result<()> {
        let copy = self.way_in().await?;
        self.sink = Some(if self.begun {
            self.session.copy_in(&copy).await?
        } else {
            self.begin(&copy).await?
        });
        self.begun = true;
        Ok(())
    }

    async fn way_in(&mut self) -> Result<CopyIn> {
        if let Some(copy) = &self.copy {
            return Ok(copy.clone());
        }
        let (session, mapping) = (self.session, &self.plan.mapping);
        let copy = match self.mode {
            Mode::Direct => session.prepare_copy_in(WRITING, &mapping.copy_into_target()).await?,
            _ => {
                let (create, copy) = (mapping.create_stage(), mapping.copy_into_stage());
                let (made, copy) = tokio::join!(
                    session.run("creating the stage", &create),
                    session.prepare_copy_in(WRITING, &copy),
                );
                made.and(copy)?
            }
        };
        Ok(self.copy.insert(copy).clone())
    }

    /// Opens a transaction and its COPY in one round trip.
    async fn begin(&self, copy: &CopyIn) -> Result<RowSink> {
        let begin = transaction::begin(self.plan);
        let (begun, sink) =
            tokio::join!(self.session.run("beginning a batch", &begin), self.session.copy_in(copy));
        begun.and(sink)
    }

    /// Frees the session for another statement of the open batch's transaction; rows may follow.
    pub async fn suspend(&mut self) -> Result<()> {
        match self.sink.take() {
            Some(sink) => sink.finish().await.map(drop),
            None => Ok(()),
        }
    }

    /// Writes the open batch and what it means for the log, and commits both: with its end, one round
    /// trip.
    pub async fn commit(&mut self, progress: &Progress) -> Result<Applied> {
        self.finish_batch(progress, false).await
    }

    /// As [`Self::commit`], and the next batch is opened in the same round trip: rows follow. After an
    /// error the session is of no more use; so this is not done within a transaction of several tables.
    pub async fn commit_and_continue(&mut self, progress: &Progress) -> Result<Applied> {
        self.finish_batch(progress, !self.plan.shared_transaction).await
    }

    async fn finish_batch(&mut self, progress: &Progress, more: bool) -> Result<Applied> {
        if !std::mem::take(&mut self.begun) {
            return Ok(Applied::default());
        }
        let applied = match (self.log_id, &self.mode) {
            (None, _) => {
                let counts = self.count_changes().await?;
                let end = transaction::counted(self.plan);
                self.session.run("ending a batch", &end).await?;
                Applied { counts, keys: None, more: false }
            }
            (Some(id), Mode::Direct) => {
                let sink = self.sink.take();
                return self.finish(sink, id, progress).await;
            }
            (Some(id), _) => {
                self.unless_stuck().await?;
                let mode = &self.mode;
                let (writes, has) = match mode {
                    Mode::Replace => (self.plan.mapping.replace(), CteSet::Written),
                    Mode::ReplaceRows(buckets) => {
                        (self.plan.mapping.replace_rows(buckets), CteSet::Both)
                    }
                    Mode::Upsert | Mode::Displace | Mode::Direct => {
                        (self.plan.mapping.write(self.plan.moves.by_replacing), CteSet::Written)
                    }
                };
                let write = self.sync_log.counted(id, &writes, has, progress);
                let write = transaction::committed(self.plan, &write);
                let sink = self.sink.take();
                // A write that fails leaves its transaction aborted, in which nothing begins.
                let (staged, displaced, answers, next) = tokio::join!(
                    finished(sink),
                    self.displace(),
                    self.session.query_all(WRITING, &write),
                    self.next(more),
                );
                staged?;
                displaced?;
                let replaced = *mode == Mode::Replace
                    || self.plan.mapping.writes_by_replacing(self.plan.moves.by_replacing);
                let mut applied = written(self.plan, &answers?, replaced)?;
                // Rows that were put aside were updated for that.
                applied.more &= !matches!(mode, Mode::Displace);
                self.sink = next?;
                self.begun = self.sink.is_some();
                applied
            }
        };
        let counts = Counts {
            processed: progress.processed,
            bytes: progress.bytes,
            batches: progress.batches,
            ..applied.counts
        };
        Ok(Applied { counts, ..applied })
    }

    /// The way in for the next batch, if there is one.
    async fn next(&self, more: bool) -> Result<Option<RowSink>> {
        match self.copy.as_ref().filter(|_| more) {
            Some(copy) => self.begin(copy).await.map(Some),
            None => Ok(None),
        }
    }

    async fn displace(&self) -> Result<()> {
        if self.mode != Mode::Displace {
            return Ok(());
        }
        let TablePlan { mapping, moves, deletes, .. } = self.plan;
        let statement = mapping.displace(&moves.placeholders, *deletes);
        let displaced = self.session.run("putting rows aside", &statement).await;
        displaced.map_err(|error| self.plan.cannot_displace(error))
    }

    /// An update cannot give a row another identity, and these rows cannot be taken out.
    async fn unless_stuck(&mut self) -> Result<()> {
        let Some(look) = self.plan.mapping.stuck(self.plan.moves.by_replacing) else {
            return Ok(());
        };
        self.suspend().await?;
        match self.session.row("looking for new identities", &look).await?.count(0)? {
            0 => Ok(()),
            rows => Err(self.plan.stuck_rows(rows)),
        }
    }

    /// What the open batch would do.
    pub async fn count_changes(&mut self) -> Result<Counts> {
        self.suspend().await?;
        let mapping = &self.plan.mapping;
        let (count, replaced) = match &self.mode {
            Mode::ReplaceRows(buckets) => (mapping.count_replace_rows(buckets), true),
            _ => (mapping.count_upsert(), false),
        };
        let row = self.session.row("counting a batch", &count).await?;
        let (first, second) = (row.count(0)?, row.count(1)?);
        Ok(Counts {
            inserted: first,
            updated: if replaced { 0 } else { second },
            deleted: if replaced { second } else { 0 },
            ..Counts::default()
        })
    }

    /// The end of a copy straight into the table: the server counts the rows, which in binary
    /// come between a header and a trailer of no known place.
    async fn finish(&self, sink: Option<RowSink>, id: u64, progress: &Progress) -> Result<Applied> {
        let inserted = finished(sink).await?;
        let progress = Progress { processed: inserted, ..progress.clone() };
        let sync_log =
            transaction::committed(self.plan, &self.sync_log.copied(id, inserted, &progress));
        let answers = self.session.query_all("committing a batch", &sync_log).await?;
        let tally = answers.iter().flatten().next_back().map(Tally::of);
        let expected = Tally { inserted, ..Tally::default() };
        let counts = Counts {
            processed: inserted,
            inserted,
            bytes: progress.bytes,
            batches: progress.batches,
            ..Counts::default()
        };
        Ok(Applied {
            counts,
            keys: None,
            more: !self.plan.shared_transaction && tally != Some(Some(expected)),
        })
    }
}

/// Ends the COPY that is under way, if one is.
async fn finished(sink: Option<RowSink>) -> Result<u64> {
    match sink {
        Some(sink) => sink.finish().await,
        None => Ok(0),
    }
}

/// What a write and its transaction did, whose last rows are its counts and the tally; there is no tally
/// in a transaction of several tables. Rows that are `replaced` are deleted and inserted again.
pub(super) fn written(plan: &TablePlan, answers: &[Vec<Row>], replaced: bool) -> Result<Applied> {
    let mut rows = answers.iter().flatten().rev();
    let tally = if plan.shared_transaction { None } else { rows.next().and_then(Tally::of) };
    let row = rows.next();
    let row = row.ok_or_else(|| Error::Internal("a write was not counted".to_owned()))?;
    let counts = Counts {
        inserted: row.count(0)?,
        updated: row.count(1)?,
        deleted: row.count(2)?,
        ..Counts::default()
    };
    let Counts { inserted, updated, deleted, .. } = counts;
    let expected = if replaced {
        Tally { inserted: inserted + updated, updated: 0, deleted: deleted + updated }
    } else {
        Tally { inserted, updated, deleted }
    };
    let keys = row.text(3).and_then(|sum| sum.parse().ok());
    Ok(Applied { counts, keys, more: !plan.shared_transaction && tally != Some(expected) })
}

/// Ends a transaction that failed.
pub async fn roll_back(session: &Session, plan: &TablePlan) -> Result<()> {
    session.run("rolling back", &transaction::roll_back(plan)).await
}

/// Begins the transaction that several tables share.
pub async fn begin_joint(session: &Session, plans: &[&TablePlan]) -> Result<()> {
    session.run("beginning a batch", &transaction::begin_joint(plans)).await
}

/// Commits the transaction that several tables share.
pub async fn commit_joint(session: &Session, plans: &[&TablePlan]) -> Result<()> {
    session.run("committing a batch", &transaction::commit_joint(plans)).await
}
