//! Moments: how far a run has certainly seen everything, where the next one starts, and how a moment
//! is written and shown.

use std::time::Duration;

use crate::sql::mapping::{Timestamp, TimestampKind};
use crate::sql::{Literal, Sql, sql};

/// The first moment that PostgreSQL has. What lies less than an overlap behind it counts as just so
/// far behind: the statement that says so writes about other tables as well.
const LEAST: &str = "'4714-11-24 00:00:00 BC'::pg_catalog.timestamp";

/// The moment before which nothing can change any more, and how far to stay behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// UTC, as `2024-12-13 15:25:30.5`.
    pub horizon: String,
    pub now: String,
    /// What was asked for, for columns of every kind.
    pub overlap: Option<Duration>,
    /// No overlap is less than this.
    pub least_overlap: Duration,
    /// Whether a transaction is pending of which nobody can say when it began: watermarks stay.
    pub held: bool,
}

/// The overlap of a column when none is asked for. Clocks of writers differ by seconds; where a value has
/// no zone, by as much as zones do: it is noon in +14 when it is 10 o'clock of the day before in -12.
fn usual_overlap(kind: TimestampKind) -> Duration {
    const HOUR: u64 = 3600;
    Duration::from_secs(match kind {
        TimestampKind::Timestamptz => 30,
        TimestampKind::Timestamp => 26 * HOUR,
        TimestampKind::Date => 48 * HOUR,
    })
}

impl Horizon {
    /// Where the next run starts, given the greatest timestamp read: a `timestamptz` expression. None while
    /// the watermark has to stay where it is. The zone of other writers is unknown for types without one, so
    /// there only the distance to the horizon counts; NULL for a date in the future.
    pub fn watermark(&self, timestamp: &Timestamp, greatest: &str) -> Option<Sql> {
        if self.held {
            return None;
        }
        let horizon = sql!("{h}::pg_catalog.timestamp", h = Literal(&self.horizon));
        if timestamp.source == TimestampKind::Timestamptz {
            return Some(sql!(
                "(greatest(least({greatest}::pg_catalog.timestamptz, pg_catalog.timezone('UTC', {horizon})), \
                 pg_catalog.timezone('UTC', {least} operator(pg_catalog.+) {overlap})) \
                 operator(pg_catalog.-) {overlap})",
                greatest = Literal(greatest),
                horizon = horizon,
                least = Sql::trusted(LEAST),
                overlap = self.overlap_of(timestamp.source),
            ));
        }
        // A day begins at the same moment for both sides, whichever types they have.
        let whole_days = timestamp.source == TimestampKind::Date;
        Some(sql!(
            "(case when {greatest}::pg_catalog.timestamp operator(pg_catalog.<=) {latest} then \
             pg_catalog.timezone('UTC', (greatest({greatest}::pg_catalog.timestamp, {least} \
             operator(pg_catalog.+) ({now}::pg_catalog.timestamp operator(pg_catalog.-) {horizon}) \
             operator(pg_catalog.+) {overlap}) operator(pg_catalog.-) \
             ({now}::pg_catalog.timestamp operator(pg_catalog.-) {horizon}) \
             operator(pg_catalog.-) {overlap}){days}) end)",
            greatest = Literal(greatest),
            least = Sql::trusted(LEAST),
            latest = self.latest(),
            now = Literal(&self.now),
            horizon = horizon,
            overlap = self.overlap_of(timestamp.source),
            days = Sql::trusted(if whole_days {
                "::pg_catalog.date::pg_catalog.timestamp"
            } else {
                ""
            }),
        ))
    }

    fn overlap_of(&self, kind: TimestampKind) -> Sql {
        interval(self.overlap.unwrap_or(usual_overlap(kind)).max(self.least_overlap))
    }

    /// The least overlap that a run with these settings takes.
    pub fn shortest_overlap(&self, kind: TimestampKind) -> Sql {
        interval(self.overlap.unwrap_or(usual_overlap(kind)))
    }

    /// What no clock on earth shows yet, as a `timestamp`: a value beyond it is a date in the future
    /// and says nothing about when rows were written.
    pub fn latest(&self) -> Sql {
        sql!(
            "({now}::pg_catalog.timestamp operator(pg_catalog.+) '14 hours'::pg_catalog.interval)",
            now = Literal(&self.now),
        )
    }
}

fn interval(time: Duration) -> Sql {
    let text = format!("{} milliseconds", time.as_millis());
    sql!("{text}::pg_catalog.interval", text = Literal(&text))
}

/// A moment as `sync_log` hands it out, UTC without a zone.
pub fn utc(moment: &str) -> Sql {
    sql!("pg_catalog.timezone('UTC', {moment}::pg_catalog.timestamp)", moment = Literal(moment))
}

/// A moment as people and JSON see it.
pub fn shown(moment: &Sql) -> Sql {
    sql!(
        "pg_catalog.replace(pg_catalog.timezone('UTC', {moment})::pg_catalog.text, ' ', 'T') \
         operator(pg_catalog.||) 'Z'",
        moment = moment
    )
}
