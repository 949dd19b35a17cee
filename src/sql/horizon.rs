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

/// Where the next run starts: a moment that was read, and what the watermark is for it. They are apart because
/// the rule is most often one for all tables, and a server takes longer to read it than to write a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// A `timestamptz` expression without columns.
    pub(super) moment: Sql,
    rule: WatermarkRule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum WatermarkRule {
    AsItIs,
    Behind(Horizon, TimestampKind),
}

impl Watermark {
    /// One that an earlier run left, UTC without a zone.
    pub fn left(moment: &str) -> Self {
        Self { moment: utc(moment), rule: WatermarkRule::AsItIs }
    }

    /// A `timestamptz` expression.
    pub fn sql(&self) -> Sql {
        self.of(&self.moment)
    }

    /// What its rule makes of any moment, a `timestamptz` expression.
    pub(super) fn of(&self, moment: &Sql) -> Sql {
        match &self.rule {
            WatermarkRule::AsItIs => moment.clone(),
            WatermarkRule::Behind(horizon, kind) => horizon.behind(*kind, moment),
        }
    }
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
    /// Where the next run starts, given the greatest timestamp read. None while the watermark has to stay
    /// where it is.
    pub fn watermark(&self, timestamp: &Timestamp, greatest: &str) -> Option<Watermark> {
        let kind = timestamp.source;
        let moment = match kind {
            TimestampKind::Timestamptz => {
                sql!("{greatest}::pg_catalog.timestamptz", greatest = Literal(greatest))
            }
            TimestampKind::Timestamp | TimestampKind::Date => utc(greatest),
        };
        let rule = WatermarkRule::Behind(self.clone(), kind);
        (!self.held).then_some(Watermark { moment, rule })
    }

    /// So far behind the greatest timestamp, a `timestamptz`. The zone of other writers is unknown for types
    /// without one, so there only the distance to the horizon counts; NULL for a date in the future.
    fn behind(&self, kind: TimestampKind, greatest: &Sql) -> Sql {
        let horizon = sql!("{h}::pg_catalog.timestamp", h = Literal(&self.horizon));
        if kind == TimestampKind::Timestamptz {
            return sql!(
                "(greatest(least({greatest}, pg_catalog.timezone('UTC', {horizon})), \
                 pg_catalog.timezone('UTC', {least} operator(pg_catalog.+) {overlap})) \
                 operator(pg_catalog.-) {overlap})",
                greatest = greatest,
                horizon = horizon,
                least = Sql::trusted(LEAST),
                overlap = self.overlap_of(kind),
            );
        }
        // A day begins at the same moment for both sides, whichever types they have.
        let whole_days = kind == TimestampKind::Date;
        sql!(
            "(case when pg_catalog.timezone('UTC', {greatest}) operator(pg_catalog.<=) {latest} then \
             pg_catalog.timezone('UTC', (greatest(pg_catalog.timezone('UTC', {greatest}), {least} \
             operator(pg_catalog.+) ({now}::pg_catalog.timestamp operator(pg_catalog.-) {horizon}) \
             operator(pg_catalog.+) {overlap}) operator(pg_catalog.-) \
             ({now}::pg_catalog.timestamp operator(pg_catalog.-) {horizon}) \
             operator(pg_catalog.-) {overlap}){days}) end)",
            greatest = greatest,
            least = Sql::trusted(LEAST),
            latest = self.latest(),
            now = Literal(&self.now),
            horizon = horizon,
            overlap = self.overlap_of(kind),
            days = Sql::trusted(if whole_days {
                "::pg_catalog.date::pg_catalog.timestamp"
            } else {
                ""
            }),
        )
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
