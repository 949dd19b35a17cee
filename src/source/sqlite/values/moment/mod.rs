//! Dates and times: how SQLite files write them, and how PostgreSQL prints them.
//!
//! A moment is counted in microseconds since 2000-01-01 00:00 UTC, as PostgreSQL does. Text without an offset is
//! in UTC, as for SQLite's own functions.

mod calendar;
mod form;
mod number;
mod print;
mod read;
mod tally;

pub use form::{TimestampForm, Unit, Zone};
pub use print::{print_date, print_time, print_timestamp};
pub use tally::{Mixed, Tally};

use super::{Reason, Value, text};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The first microsecond that PostgreSQL has, and the first that it does not have any more.
const RANGE: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;

/// The moment that a value means, in this form, for a column of so many decimals.
pub fn moment(value: Value, form: TimestampForm, decimals: u32) -> Result<i64, Reason> {
    let read = match (value, form) {
        (Value::Text(bytes), TimestampForm::Text(zone)) => {
            let text = text::utf8(bytes)?;
            match endless(text) {
                Some(endless) => return Ok(endless),
                None => read::timestamp(text)?.moment(zone)?,
            }
        }
        (Value::Integer(_) | Value::Real(_), TimestampForm::Text(_)) | (Value::Text(_), _) => {
            return Err(Reason::OtherForm(form.name()));
        }
        (Value::Integer(_) | Value::Real(_), form) => number::moment(value, form)?,
        (Value::Null | Value::Blob(_), _) => return Err(Reason::NotOfType("timestamp")),
    };
    let rounded = round(read, decimals);
    if RANGE.contains(&rounded) { Ok(rounded) } else { Err(Reason::OutOfRange("timestamp")) }
}

/// The day that a value means: days since 2000-01-01.
pub fn date(value: Value, form: TimestampForm) -> Result<i32, Reason> {
    let at = match (value, form) {
        (Value::Text(bytes), TimestampForm::Text(zone)) => {
            let text = text::utf8(bytes)?;
            match endless(text) {
                Some(i64::MAX) => return Ok(i32::MAX),
                Some(_) => return Ok(i32::MIN),
                // The day is the one that is written, wherever that is.
                None => {
                    let written = read::timestamp(text)?;
                    written.moment(zone)?;
                    // 24:00:00 and 23:59:60 are the beginning of another day.
                    if written.local != written.day {
                        return Err(Reason::TimeOfDay);
                    }
                    written.day
                }
            }
        }
        _ => moment(value, form, 6)?,
    };
    if at.rem_euclid(DAY) != 0 {
        return Err(Reason::TimeOfDay);
    }
    i32::try_from(at.div_euclid(DAY)).map_err(|_| Reason::OutOfRange("date"))
}

/// The time of day that a value means: microseconds since midnight.
pub fn time(value: Value, decimals: u32) -> Result<i64, Reason> {
    match value {
        Value::Text(bytes) => Ok(round(read::time(text::utf8(bytes)?)?, decimals)),
        _ => Err(Reason::NotOfType("time")),
    }
}

fn endless(text: &str) -> Option<i64> {
    match text {
        "infinity" => Some(i64::MAX),
        "-infinity" => Some(i64::MIN),
        _ => None,
    }
}

/// To so many decimals; halves away from 2000, as the target does.
fn round(at: i64, decimals: u32) -> i64 {
    let Some(step @ 2..) = 6u32.checked_sub(decimals).map(|zeros| 10i64.pow(zeros)) else {
        return at;
    };
    let up = |at: i64| (at + step / 2) / step * step;
    if at >= 0 { up(at) } else { -up(-at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(value: Value, form: TimestampForm) -> Result<String, Reason> {
        let mut out = Vec::new();
        print_timestamp(moment(value, form, 6)?, b"", &mut out);
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn text_in_all_its_forms() {
        let cases = [
            ("2024-02-29 12:30:45", "2024-02-29 12:30:45"),
            ("2024-02-29T12:30:45", "2024-02-29 12:30:45"),
            ("2024-02-29", "2024-02-29 00:00:00"),
            ("2024-02-29 12:30", "2024-02-29 12:30:00"),
            ("2024-02-29 12:30:45.5", "2024-02-29 12:30:45.5"),
            ("2024-02-29 12:30:45.123456789", "2024-02-29 12:30:45.123457"),
            ("2024-02-29 23:59:59.9999999", "2024-03-01 00:00:00"),
            ("2024-02-29T12:30:45Z", "2024-02-29 12:30:45"),
            ("2024-02-29 12:30:45+02", "2024-02-29 10:30:45"),
            ("2024-02-29 12:30:45.25-03:30", "2024-02-29 16:00:45.25"),
            ("2024-02-29 12:30:45 +0100", "2024-02-29 11:30:45"),
            ("2024-02-29 12:30:45.000000001 +0000 UTC", "2024-02-29 12:30:45"),
            ("2024-02-29 12:30:45.1 +0000 UTC m=+0.000123", "2024-02-29 12:30:45.1"),
            ("2024-02-29 12:30:45 +0200 CEST m=-1.5", "2024-02-29 10:30:45"),
            ("2024-02-29 12:30:45 UTC", "2024-02-29 12:30:45"),
            ("1969-07-20 20:17:40", "1969-07-20 20:17:40"),
            ("2038-01-19 03:14:08", "2038-01-19 03:14:08"),
            ("9999-12-31 23:59:59", "9999-12-31 23:59:59"),
            ("0001-01-01 00:00:00", "0001-01-01 00:00:00"),
            ("0001-01-01 00:00:00+01", "0001-12-31 23:00:00 BC"),
            ("infinity", "infinity"),
        ];
        for (given, expected) in cases {
            let read = printed(Value::Text(given.as_bytes()), TimestampForm::Text(Zone::Any));
            assert_eq!(read.as_deref(), Ok(expected), "{given}");
        }
    }

    #[test]
    fn text_that_means_no_moment() {
        let not = Reason::NotOfType("timestamp");
        let cases = [
            ("", not.clone()),
            ("yesterday", not.clone()),
            ("12:30", not.clone()),
            ("2024-02-30", Reason::NoSuchDate),
            ("2023-02-29", Reason::NoSuchDate),
            ("2024-13-01", Reason::NoSuchDate),
            ("0000-01-01", Reason::YearZero),
            ("2024-01-01 24:00:01", Reason::NoSuchDate),
            ("2024-01-01 10:61", Reason::NoSuchDate),
            ("2024-01-01 10:00:00 Europe/Berlin", not.clone()),
            ("2024-01-01 10:00:00.", not.clone()),
            ("2024-1-1", not.clone()),
            ("999999-01-01", Reason::OutOfRange("timestamp")),
        ];
        for (given, expected) in cases {
            let read = printed(Value::Text(given.as_bytes()), TimestampForm::Text(Zone::Any));
            assert_eq!(read, Err(expected), "{given}");
        }
    }

    #[test]
    fn numbers_in_all_their_forms() {
        let unix = |unit| TimestampForm::Unix { unit, by_size: false };
        let cases = [
            (Value::Integer(1_709_209_845), unix(Unit::Second), "2024-02-29 12:30:45"),
            (Value::Integer(-14_182_940), unix(Unit::Second), "1969-07-20 20:17:40"),
            (Value::Integer(0), unix(Unit::Second), "1970-01-01 00:00:00"),
            (Value::Real(1_709_209_845.25), unix(Unit::Second), "2024-02-29 12:30:45.25"),
            (Value::Real(-0.5), unix(Unit::Second), "1969-12-31 23:59:59.5"),
            (Value::Integer(2_147_483_648_001), unix(Unit::Milli), "2038-01-19 03:14:08.001"),
            (Value::Integer(-1), unix(Unit::Milli), "1969-12-31 23:59:59.999"),
            (
                Value::Integer(1_709_209_845_123_456),
                unix(Unit::Micro),
                "2024-02-29 12:30:45.123456",
            ),
            (
                Value::Integer(1_709_209_845_123_456_789),
                unix(Unit::Nano),
                "2024-02-29 12:30:45.123457",
            ),
            (Value::Integer(-1_000_000_500), unix(Unit::Nano), "1969-12-31 23:59:59"),
            (Value::Real(2_440_587.5), TimestampForm::Julian, "1970-01-01 00:00:00"),
            (Value::Integer(2_451_545), TimestampForm::Julian, "2000-01-01 12:00:00"),
            (Value::Real(2_460_370.021_354_167), TimestampForm::Julian, "2024-02-29 12:30:45"),
            (Value::Real(0.0), TimestampForm::Apple, "2001-01-01 00:00:00"),
            (Value::Real(730_902_645.5), TimestampForm::Apple, "2024-02-29 12:30:45.5"),
            (
                Value::Integer(730_902_645_500_000_000),
                TimestampForm::Apple,
                "2024-02-29 12:30:45.5",
            ),
            (Value::Integer(13_353_683_445_000_000), TimestampForm::WebKit, "2024-02-29 12:30:45"),
            (Value::Integer(638_448_066_450_000_005), TimestampForm::Ticks, "2024-02-29 12:30:45"),
        ];
        for (given, form, expected) in cases {
            assert_eq!(printed(given, form).as_deref(), Ok(expected), "{given:?} {form:?}");
        }
    }

    #[test]
    fn a_value_in_another_form_than_its_columns_is_refused() {
        let seconds = TimestampForm::Unix { unit: Unit::Second, by_size: true };
        for (given, form) in [
            (Value::Integer(1_709_209_845_000), seconds),
            (Value::Text(b"2024-02-29"), seconds),
            (Value::Integer(1), TimestampForm::Text(Zone::Any)),
            (Value::Text(b"2024-02-29 12:00Z"), TimestampForm::Text(Zone::None)),
            (Value::Text(b"2024-02-29 12:00+01"), TimestampForm::Text(Zone::Utc)),
            (Value::Text(b"2024-02-29 12:00"), TimestampForm::Text(Zone::Given)),
        ] {
            assert_eq!(printed(given, form), Err(Reason::OtherForm(form.name())), "{given:?}");
        }
    }

    #[test]
    fn a_date_has_no_time_of_day() {
        let text = TimestampForm::Text(Zone::Any);
        assert_eq!(date(Value::Text(b"2000-01-02"), text), Ok(1));
        assert_eq!(date(Value::Text(b"2000-01-02 00:00:00+02"), text), Ok(1));
        for timed in ["2000-01-02 00:00:01", "2000-01-02 24:00:00", "2000-01-02 23:59:60"] {
            let read = date(Value::Text(timed.as_bytes()), text);
            assert_eq!(read, Err(Reason::TimeOfDay), "{timed}");
        }
        let seconds = TimestampForm::Unix { unit: Unit::Second, by_size: true };
        assert_eq!(date(Value::Integer(946_684_800 - 86_400), seconds), Ok(-1));
    }

    #[test]
    fn moments_are_rounded_as_the_target_does() {
        for (at, decimals, expected) in
            [(1_500, 3, 2_000), (-1_500, 3, -2_000), (1_499, 3, 1_000), (7, 6, 7), (499_999, 0, 0)]
        {
            assert_eq!(round(at, decimals), expected);
        }
        assert_eq!(time(Value::Text(b"10:00:00.0005"), 3), Ok(36_000_001_000));
        assert_eq!(time(Value::Text(b"24:00"), 6), Ok(DAY));
    }
}
