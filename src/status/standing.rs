//! How one table stands: read from its last runs, the latest first.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::error::Result;
use crate::ident::TableName;
use crate::pg::Row;

/// What became of a table's last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Success,
    /// A run is at work on the table, and the one before succeeded.
    Running,
    Failed,
    /// A safety check held it back.
    Refused,
    Interrupted,
    Skipped,
    /// The source has the table no more.
    Gone,
    /// A word that a later version may write.
    Unknown,
}

impl State {
    /// Of a word of the log.
    fn of(word: &str) -> Self {
        match word {
            "success" => State::Success,
            "running" => State::Running,
            "failed" => State::Failed,
            "refused" => State::Refused,
            "interrupted" => State::Interrupted,
            "skipped" => State::Skipped,
            "gone" => State::Gone,
            _ => State::Unknown,
        }
    }

    /// The word for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            State::Success => "success",
            State::Running => "running",
            State::Failed => "failed",
            State::Refused => "refused",
            State::Interrupted => "interrupted",
            State::Skipped => "skipped",
            State::Gone => "gone",
            State::Unknown => "unknown",
        }
    }

    /// Whether nothing is wrong.
    pub fn is_good(self) -> bool {
        matches!(self, State::Success | State::Running | State::Gone)
    }
}

/// What a run did to a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
}

/// One table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableStatus {
    pub table: TableName,
    /// On the target; none if it is not there.
    pub oid: Option<u32>,
    pub state: State,
    pub last_success: Option<DateTime<Utc>>,
    /// Of the last success.
    pub age: Option<Duration>,
    pub strategy: Option<String>,
    /// What the latest of the last 20 runs did that changed something.
    pub change: Option<Change>,
    /// Runs without success since the last success.
    pub failures: u64,
    /// Seconds of the last 20 runs that ended, the latest first.
    pub durations: Vec<f64>,
    pub watermark: Option<DateTime<Utc>>,
    /// How far it is behind the source, when that was asked for.
    pub lag: Option<Duration>,
    /// Since when all of its rows have been proven equal, if they have been.
    pub proven_since: Option<DateTime<Utc>>,
    /// Why the last run did not succeed; of a table that is gone, what there is to do about it.
    pub error: Option<String>,
    /// The state of the run before one that is going on.
    pub before: Option<State>,
}

impl TableStatus {
    /// Takes in whether the run is still at work that the table's last row tells of.
    pub(super) fn settle_running(&mut self, at_work: bool) {
        self.failures += u64::from(!at_work);
        self.state = match self.before {
            _ if !at_work => State::Interrupted,
            None => State::Running,
            Some(before) if before.is_good() => State::Running,
            Some(before) => before,
        }
    }
}

/// One of the last runs.
struct Run {
    state: State,
    seconds: f64,
    end: Option<DateTime<Utc>>,
    change: Change,
    watermark: Option<DateTime<Utc>>,
}

impl Run {
    /// `status seconds end inserted updated deleted watermark`; none if it is anything else.
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let state = State::of(words.next()?);
        let seconds = words.next()?.parse().ok()?;
        let end = moment(words.next());
        let mut count = || words.next()?.parse().ok();
        let change = Change { inserted: count()?, updated: count()?, deleted: count()? };
        Some(Self { state, seconds, end, change, watermark: moment(words.next()) })
    }
}

/// Reads a row of the answer. None for a table that is gone, or a partition by now: what was right until then is no
/// trouble.
///
/// # Errors
/// The answer is none of the statement.
pub(super) fn of_row(row: &Row) -> Result<Option<TableStatus>> {
    let runs: Vec<Run> = row.needed(4)?.split(',').filter_map(Run::read).collect();
    let state = runs.first().map_or(State::Unknown, |run| run.state);
    // The rows of a partition are those of its parent, which has its own line.
    let is_a_partition = row.is_true(10) && state == State::Gone;
    if is_a_partition || !row.is_true(2) && state.is_good() {
        return Ok(None);
    }
    let success = runs.iter().position(|run| run.state == State::Success);
    let ended = |run: &&Run| run.state != State::Running && run.seconds >= 0.0;
    let (last_success, since) = match success {
        Some(place) => (runs[place].end, place as u64),
        None => (
            moment(row.text(8)),
            row.text(9).and_then(|n| n.parse().ok()).unwrap_or(runs.len() as u64),
        ),
    };
    let now = moment(row.text(3));
    let age = now.zip(last_success).and_then(|(now, then)| (now - then).to_std().ok());
    let failures = match state {
        State::Gone => 0,
        State::Running => since.saturating_sub(1),
        _ => since,
    };
    Ok(Some(TableStatus {
        table: TableName::new(row.needed(0)?, row.needed(1)?),
        oid: row.text(11).and_then(|oid| oid.parse().ok()),
        state,
        last_success,
        age: age.or(last_success.map(|_| Duration::ZERO)),
        strategy: row.text(5).map(str::to_owned),
        change: runs.iter().map(|run| run.change).find(|change| *change != Change::default()),
        failures,
        durations: runs.iter().filter(ended).map(|run| run.seconds).collect(),
        watermark: runs
            .iter()
            .find(|run| run.state != State::Skipped)
            .and_then(|run| run.watermark),
        lag: None,
        proven_since: row.text(7).and_then(|text| text.parse().ok()),
        error: row.text(6).map(str::to_owned).filter(|_| !state.is_good() || state == State::Gone),
        before: runs.get(1).map(|run| run.state),
    }))
}

/// Seconds since 1970 as a moment; 0 is none.
pub(super) fn moment(seconds: Option<&str>) -> Option<DateTime<Utc>> {
    let seconds: f64 = seconds?.parse().ok().filter(|seconds| *seconds != 0.0)?;
    DateTime::from_timestamp_micros((seconds * 1e6) as i64)
}
