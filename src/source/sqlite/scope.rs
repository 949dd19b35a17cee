//! Conditions on the timestamps of rows, as `sql/query.rs` and `sql/read.rs` have them.

use super::row::RowShape;
use super::values::{Datum, Form, TargetType, Value};
use crate::error::{Error, Result};
use crate::ident::Ident;
use crate::sql::horizon::Horizon;
use crate::sql::mapping::Timestamp;
use crate::sql::query::RowScope;

const DAY: i64 = 86_400_000_000;
/// What no clock on earth shows yet: see [`Horizon::latest`].
const AHEAD: i64 = 14 * 3_600_000_000;

/// What the timestamp of a row has to be.
#[derive(Clone, Debug)]
pub struct Moments {
    column: usize,
    which: Which,
}

/// Moments in microseconds since 2000-01-01.
#[derive(Clone, Copy, Debug)]
enum Which {
    Since(i64),
    NotSince(i64),
    Before(i64),
    Timeless,
}

impl Moments {
    /// The condition of a scope; none where all rows are meant.
    ///
    /// # Errors
    /// The column does not travel.
    pub fn of(shape: &RowShape, scope: RowScope<'_>) -> Result<Option<Self>> {
        let (timestamp, which) = match scope {
            RowScope::Table => return Ok(None),
            RowScope::Since(since) => (since.timestamp, Which::Since(parsed(since.from)?)),
            RowScope::NotSince(since) => (since.timestamp, Which::NotSince(parsed(since.from)?)),
            RowScope::Before(since) => (since.timestamp, Which::Before(parsed(since.from)?)),
            RowScope::WithoutTimestamp(timestamp) => (timestamp, Which::Timeless),
        };
        let column = place(shape, &timestamp.column)?;
        Ok(Some(Self { column, which }))
    }

    /// Whether a row fulfils it.
    pub fn hold(&self, values: &[Datum<'_>]) -> bool {
        let value = &values[self.column];
        let moment = moment(value);
        let since = |from: i64| moment.is_some_and(|moment| moment >= from_of(value, from));
        match self.which {
            Which::Since(from) => since(from),
            Which::NotSince(from) => !since(from),
            Which::Before(from) => moment.is_some() && !since(from),
            Which::Timeless => moment.is_none(),
        }
    }
}

/// The place of a timestamp among the columns that are read.
///
/// # Errors
/// It is not there.
pub fn place(shape: &RowShape, name: &Ident) -> Result<usize> {
    let place = shape.columns.iter().position(|column| &column.name == name);
    place.ok_or_else(|| Error::Internal("a timestamp is not among the columns".to_owned()))
}

/// A finite moment; none of NULL and of what is infinite.
pub fn moment(value: &Datum<'_>) -> Option<i64> {
    match value {
        Datum::Timestamp(at) | Datum::Timestamptz(at) => {
            Some(*at).filter(|at| *at != i64::MAX && *at != i64::MIN)
        }
        Datum::Date(day) => {
            Some(i64::from(*day) * DAY).filter(|_| *day != i32::MAX && *day != i32::MIN)
        }
        _ => None,
    }
}

/// A date takes in its whole day.
fn from_of(value: &Datum<'_>, from: i64) -> i64 {
    if matches!(value, Datum::Date(_)) { from - from.rem_euclid(DAY) } else { from }
}

/// The last moment that may move a watermark.
///
/// # Errors
/// The horizon is no moment.
pub fn latest(timestamp: &Timestamp, horizon: &Horizon) -> Result<i64> {
    match timestamp.source {
        crate::sql::mapping::TimestampKind::Timestamptz => Ok(i64::MAX),
        _ => Ok(parsed(&horizon.now)? + AHEAD),
    }
}

/// UTC, as `2024-12-13 15:25:30.5`.
fn parsed(utc: &str) -> Result<i64> {
    let target = TargetType { schema: "pg_catalog", name: "timestamp", modifier: -1 };
    let form = Form::of(target, None);
    match form.read(Value::Text(utc.as_bytes())) {
        Ok(Datum::Timestamp(at)) => Ok(at),
        _ => Err(Error::Internal(format!("\"{utc}\" is no moment"))),
    }
}
