//! Rows on their way into the target, cut into batches. Each batch is a transaction of its own, with its
//! counters and, where rows come in the order of their timestamp, the watermark behind it.

use bytes::Bytes;

use crate::context::Round;
use crate::copy_text;
use crate::error::Result;
use crate::pg::Session;
use crate::plan::TablePlan;
use crate::sql::horizon::Watermark;
use crate::sql::sync_log::Progress;
use crate::sync::table_state::TableState;
use crate::target_side::apply::{Applied, Mode, Writer};

/// Where a stream of rows may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Behind any row.
    Anywhere,
    /// Where the timestamp changes, which is the first field and the order: there the next run could go on.
    AtTimestamps,
    /// Nowhere: all rows are one batch.
    Nowhere,
}

/// A stream of rows under way into the target. What was committed is counted in the table's state.
pub struct Batches<'r> {
    round: &'r Round,
    plan: &'r TablePlan,
    state: &'r mut TableState,
    writer: Writer<'r>,
    batch: Batch,
    cut: Cut,
    /// Whether rows come in the order of their timestamp.
    in_order: bool,
}

impl<'r> Batches<'r> {
    /// Begins with no batch open.
    pub fn new(
        round: &'r Round,
        target: &'r Session,
        plan: &'r TablePlan,
        state: &'r mut TableState,
        mode: Mode,
    ) -> Self {
        let writer = Writer::new(target, plan, &round.sync_log, state.log_id, mode);
        let (batch, cut, in_order) = (Batch::default(), Cut::Anywhere, false);
        Self { round, plan, state, writer, batch, cut, in_order }
    }

    /// The rows come in the order of their timestamp.
    pub fn in_order(self) -> Self {
        let cut = Cut::AtTimestamps;
        Self { cut, in_order: true, ..self }
    }

    /// All rows are one batch, if `together`.
    pub fn together(self, together: bool) -> Self {
        let cut = if together { Cut::Nowhere } else { self.cut };
        Self { cut, ..self }
    }

    /// Adds a row; commits what came before where the batch is full.
    pub async fn push(&mut self, row: Bytes) -> Result<()> {
        if self.ends_before(&row) {
            let progress = self.progress();
            let applied = self.writer.commit_and_continue(&progress).await?;
            self.state.add(&applied);
            self.round.check_stopped()?;
        }
        self.batch.push(&mut self.writer, row).await
    }

    /// Ends the COPY under way, so that something else can be asked of the target.
    pub async fn suspend(&mut self) -> Result<()> {
        self.writer.suspend().await
    }

    /// Commits what is left.
    pub async fn finish(mut self) -> Result<()> {
        if self.batch.rows == 0 {
            return Ok(());
        }
        let progress = self.progress();
        let applied = self.writer.commit(&progress).await?;
        self.state.add(&applied);
        Ok(())
    }

    /// Whether the batch is full and ends before `row`: rows that share a timestamp stay together.
    fn ends_before(&self, row: &Bytes) -> bool {
        let is_full = self.batch.rows >= self.plan.batch_size;
        is_full
            && match self.cut {
                Cut::Anywhere => true,
                Cut::AtTimestamps => copy_text::first_field(row) != &self.batch.first_field[..],
                Cut::Nowhere => false,
            }
    }

    /// Takes stock of the batch, and begins the next.
    fn progress(&mut self) -> Progress {
        let batch = std::mem::take(&mut self.batch);
        self.round.moved(self.plan, batch.rows);
        let greatest = self.in_order.then(|| batch.greatest());
        let watermark = greatest.and_then(|greatest| self.round.watermark(self.plan, &greatest));
        batch.progress(watermark)
    }
}

/// What an open batch holds.
#[derive(Debug, Default)]
pub struct Batch {
    pub rows: u64,
    pub bytes: u64,
    /// Of the last row.
    first_field: Bytes,
}

impl Batch {
    /// Counts a row, keeps its first field and hands it to the writer.
    pub async fn push(&mut self, writer: &mut Writer<'_>, row: Bytes) -> Result<()> {
        self.rows += 1;
        self.bytes += row.len() as u64;
        self.first_field = row.slice(..copy_text::first_field(&row).len());
        writer.push(row).await
    }

    /// Commits it; gives what was done.
    pub async fn commit(self, writer: &mut Writer<'_>) -> Result<Applied> {
        writer.commit(&self.progress(None)).await
    }

    /// The timestamp of the last row, as the source printed it.
    fn greatest(&self) -> String {
        String::from_utf8_lossy(&self.first_field).into_owned()
    }

    fn progress(self, watermark: Option<Watermark>) -> Progress {
        Progress { processed: self.rows, bytes: self.bytes, batches: 1, watermark }
    }
}
