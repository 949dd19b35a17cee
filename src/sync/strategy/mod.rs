//! The three ways to bring a table in sync, and what they share: the job at hand.

pub mod compare;
pub mod copy;
pub mod incremental;

use std::sync::Arc;

use bytes::Bytes;

use crate::context::Round;
use crate::copy_text;
use crate::digest::Digest;
use crate::error::Result;
use crate::event::{Event, Phase};
use crate::outcome::Counts;
use crate::pg::PooledSession;
use crate::plan::TablePlan;
use crate::source::{Lock, Reader};
use crate::sql::Sql;
use crate::sql::sync_log::Progress;
use crate::sync::reconcile::Difference;
use crate::target_side::apply::{Applied, Writer};

/// Rows between two words about progress, within one batch.
const TOLD: u64 = 4096;

/// One table's work under way.
pub struct TableRun {
    pub round: Arc<Round>,
    pub plan: Arc<TablePlan>,
    pub source: Reader,
    pub target: PooledSession,
    /// The table's row in the log; none in a dry run.
    pub log_id: Option<u64>,
    /// What has been committed.
    pub counts: Counts,
    /// Bytes of keys and digests that have travelled, not yet in the log.
    pub travelled: u64,
    /// The digest of the target's keys as the job's writes have left them, while that is known.
    pub keys: Option<Digest>,
    /// Whether something wrote into the table behind our statements: only a look at all rows tells then.
    pub more: bool,
    /// What a comparison found when it wrote, until vanished rows are deleted and all is proven.
    pub unproven: Option<Difference>,
}

impl TableRun {
    /// Counts what a transaction has committed.
    pub fn add(&mut self, applied: &Applied) {
        self.counts.add(applied.counts);
        self.keys = applied.keys_after(self.keys);
        self.more |= applied.more;
    }

    /// Tells whoever looks.
    pub fn phase(&self, phase: Phase) {
        let table = self.plan.mapping.source.name.clone();
        self.round.events.send(Event::Phase { table, phase });
    }

    /// How many rows will travel from here on.
    pub fn expect(&self, rows: u64) {
        let table = self.plan.mapping.source.name.clone();
        self.round.events.send(Event::Expected { table, rows });
    }

    /// Reports that so many more rows have travelled.
    pub fn moved(&self, rows: u64) {
        let table = self.plan.mapping.source.name.clone();
        self.round.events.send(Event::Rows { table, rows });
    }

    /// A reader in place of one that is in the middle of a stream.
    pub async fn renew_source(&mut self) -> Result<()> {
        self.source.close();
        self.source = self.round.source.reader().await?;
        self.lock_against_truncate("reading again").await
    }

    /// Takes the table's lock on the source, once it is sure that the snapshot still shows its rows.
    pub async fn lock_against_truncate(&self, doing: &str) -> Result<()> {
        self.source.check_not_rewritten(doing, &self.plan, Lock::Kept).await
    }

    /// A target session in place of one whose batch failed, perhaps with another opened behind it.
    pub async fn renew_target(&mut self) -> Result<()> {
        self.target.close();
        self.target = self.round.target.reading_session().await?;
        Ok(())
    }

    /// Where the next run starts if nothing later than `greatest` was read.
    pub fn watermark(&self, greatest: &str) -> Option<Sql> {
        let timestamp = self.plan.timestamp.as_ref()?;
        self.round.horizon.watermark(timestamp, greatest)
    }

    /// The watermark after the whole table was read in the snapshot.
    pub async fn final_watermark(&self) -> Result<Option<Sql>> {
        let Some(timestamp) = &self.plan.timestamp else { return Ok(None) };
        let (mapping, horizon) = (&self.plan.mapping, &self.round.horizon);
        let greatest = self.source.greatest_timestamp(mapping, timestamp, horizon).await?;
        Ok(greatest.and_then(|greatest| self.watermark(&greatest)))
    }
}

/// What an open batch holds.
#[derive(Debug, Default)]
pub struct Batch {
    pub rows: u64,
    pub bytes: u64,
    last: Bytes,
}

impl Batch {
    /// Whether the batch is full and ends before `row`: rows that share a first field stay together.
    pub fn ends_before(&self, row: &Bytes, batch_size: u64) -> bool {
        self.rows >= batch_size && copy_text::first_field(row) != copy_text::first_field(&self.last)
    }

    /// Counts a row, keeps its first field and hands it to the writer.
    pub async fn push(&mut self, writer: &mut Writer<'_>, row: Bytes) -> Result<()> {
        self.rows += 1;
        self.bytes += row.len() as u64;
        self.last = row.slice(..copy_text::first_field(&row).len());
        writer.push(row).await
    }

    /// The timestamp of the last row, as the source printed it.
    pub fn last(&self) -> String {
        String::from_utf8_lossy(&self.last).into_owned()
    }

    /// Commits the last batch; gives what was done.
    pub async fn commit(
        &mut self,
        writer: &mut Writer<'_>,
        watermark: Option<Sql>,
    ) -> Result<Applied> {
        writer.commit(&self.progress(watermark)).await
    }

    /// Commits and opens the next; gives what was done.
    pub async fn commit_and_continue(
        &mut self,
        writer: &mut Writer<'_>,
        watermark: Option<Sql>,
    ) -> Result<Applied> {
        writer.commit_and_continue(&self.progress(watermark)).await
    }

    fn progress(&mut self, watermark: Option<Sql>) -> Progress {
        let batch = std::mem::take(self);
        Progress { processed: batch.rows, bytes: batch.bytes, batches: 1, watermark }
    }
}
