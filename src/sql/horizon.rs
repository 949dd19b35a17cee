//! Moments: how far a run has certainly seen everything, where the next one starts, and how a moment
//! is written and shown.

use std::time::Duration;

use super::{Literal, Sql, sql};
use crate::error::Side;
use crate::plan::{Timestamp, TimestampKind};

/// The first moment that PostgreSQL has. What lies less than an overlap behind it counts as just so
/// far behind: the statement that says so writes about other tables as well.
const LEAST: &str = "'4714-11-24 00:00:00 BC'::pg_catalog.timestamp";

/// The moment before which nothing can change any more, and how far to stay behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// UTC, as `2024-12-13 15:25:30.5`.
    pub horizon: String,
    pub now: String,
    pub overlap: Duration,
}

impl Horizon {
    /// Where the next run starts, given the greatest timestamp read (as the target prints it): a
    /// `timestamptz` expression. The zone of other writers is unknown for types without one, so
    /// there only the distance to the horizon counts; NULL for a date in the future.
    pub fn watermark(&self, timestamp: &Timestamp, side: Side, greatest: &str) -> Sql {
        let kind = match side {
            Side::Source => timestamp.source,
            Side::Target => timestamp.target,
        };
        let horizon = sql!("{h}::pg_catalog.timestamp", h = Literal(&self.horizon));
        let overlap = format!("{} milliseconds", self.overlap.as_millis());
        let overlap = sql!("{overlap}::pg_catalog.interval", overlap = Literal(&overlap));
        match kind {
            TimestampKind::Timestamptz => sql!(
                "(greatest(least({greatest}::pg_catalog.timestamptz, pg_catalog.timezone('UTC', {horizon})), \
                 pg_catalog.timezone('UTC', {least} operator(pg_catalog.+) {overlap})) \
                 operator(pg_catalog.-) {overlap})",
                greatest = Literal(greatest),
                horizon = horizon,
                least = Sql::trusted(LEAST),
                overlap = overlap,
            ),
            TimestampKind::Timestamp | TimestampKind::Date => sql!(
                "(case when {greatest}::pg_catalog.timestamp operator(pg_catalog.<=) {latest} then \
                 pg_catalog.timezone('UTC', greatest({greatest}::pg_catalog.timestamp, {least} \
                 operator(pg_catalog.+) ({now}::pg_catalog.timestamp operator(pg_catalog.-) {horizon}) \
                 operator(pg_catalog.+) {overlap}) operator(pg_catalog.-) \
                 ({now}::pg_catalog.timestamp operator(pg_catalog.-) {horizon}) \
                 operator(pg_catalog.-) {overlap}) end)",
                greatest = Literal(greatest),
                least = Sql::trusted(LEAST),
                latest = self.latest(),
                now = Literal(&self.now),
                horizon = horizon,
                overlap = overlap,
            ),
        }
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
