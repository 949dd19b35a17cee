//! Numbers that mean a moment.

use super::form::{TimestampForm, Unit};
use super::{DAY, SECOND};
use crate::source::sqlite::values::{Reason, Value};

/// 1970, in microseconds since 2000.
const UNIX: i64 = -10_957 * DAY;
/// 2001.
const APPLE: i64 = 366 * DAY;
/// 1601.
const WEBKIT: i64 = -145_731 * DAY;
/// The year 1.
const TICKS: i64 = -730_119 * DAY;
/// The julian day of 2000-01-01 00:00, in milliseconds.
const JULIAN: f64 = 2_451_544.5 * 86_400_000.0;

const TOO_LARGE: Reason = Reason::OutOfRange("timestamp");

/// From these on no number is seconds, milliseconds or microseconds, where size decides: those of the year
/// 5138, and in 1973 the next unit reaches them.
const SIZES: [(f64, Unit); 3] = [(1e11, Unit::Second), (1e14, Unit::Milli), (1e17, Unit::Micro)];

/// What the size of a number says of its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 0 is 1970 in every unit.
    Zero,
    Unit(Unit),
    Julian,
    /// A column of julian days keeps noon as an integer, which would be seconds of early 1970 as well.
    JulianOrSecond,
}

/// The size of a number; none of what is not finite.
pub fn size(value: Value) -> Option<Size> {
    let (number, is_real) = match value {
        Value::Integer(number) => (number as f64, false),
        Value::Real(number) if number.is_finite() => (number, true),
        _ => return None,
    };
    if number == 0.0 {
        return Some(Size::Zero);
    }
    if (1.7e6..5.4e6).contains(&number) {
        return Some(if is_real { Size::Julian } else { Size::JulianOrSecond });
    }
    let unit = SIZES.iter().find(|(limit, _)| number.abs() < *limit);
    Some(Size::Unit(unit.map_or(Unit::Nano, |(_, unit)| *unit)))
}

/// The moment that a number means, in this form.
pub fn moment(value: Value, form: TimestampForm) -> Result<i64, Reason> {
    if matches!(value, Value::Real(number) if !number.is_finite()) {
        return Err(TOO_LARGE);
    }
    match form {
        TimestampForm::Unix { unit, by_size } => {
            let fits = match size(value) {
                Some(Size::Unit(size)) => size == unit,
                Some(Size::JulianOrSecond) => unit == Unit::Second,
                Some(Size::Julian) => false,
                _ => true,
            };
            if by_size && !fits {
                return Err(Reason::OtherForm(form.name()));
            }
            since(UNIX, value, per_unit(unit))
        }
        TimestampForm::Julian => julian(value),
        TimestampForm::Apple => match size(value) {
            Some(Size::Unit(Unit::Micro | Unit::Nano)) => since(APPLE, value, per_unit(Unit::Nano)),
            _ => since(APPLE, value, per_unit(Unit::Second)),
        },
        TimestampForm::WebKit => since(WEBKIT, value, Step { times: 1, parts: 1 }),
        TimestampForm::Ticks => since(TICKS, value, Step { times: 1, parts: 10 }),
        TimestampForm::Text(_) => Err(Reason::OtherForm(form.name())),
    }
}

/// `times / parts` microseconds.
#[derive(Clone, Copy)]
struct Step {
    times: i64,
    parts: i64,
}

fn per_unit(unit: Unit) -> Step {
    match unit {
        Unit::Second => Step { times: SECOND, parts: 1 },
        Unit::Milli => Step { times: 1_000, parts: 1 },
        Unit::Micro => Step { times: 1, parts: 1 },
        Unit::Nano => Step { times: 1, parts: 1_000 },
    }
}

/// Rounded to microseconds, halves to even.
fn since(start: i64, value: Value, step: Step) -> Result<i64, Reason> {
    let passed = match value {
        Value::Integer(number) => {
            let scaled = i128::from(number) * i128::from(step.times);
            halves_to_even(scaled, i128::from(step.parts))
        }
        Value::Real(number) => {
            // Apart, for a product of both would have too few digits.
            let (whole, fraction) = (number.trunc(), number.fract());
            let scaled = whole as i128 * i128::from(step.times);
            let fraction = (fraction * step.times as f64 / step.parts as f64).round_ties_even();
            halves_to_even(scaled, i128::from(step.parts)).saturating_add(fraction as i128)
        }
        _ => return Err(Reason::NotOfType("timestamp")),
    };
    i64::try_from(passed.saturating_add(i128::from(start))).map_err(|_| TOO_LARGE)
}

fn halves_to_even(number: i128, parts: i128) -> i128 {
    let (whole, rest) = (number.div_euclid(parts), number.rem_euclid(parts));
    let up = rest * 2 > parts || rest * 2 == parts && whole % 2 != 0;
    whole + i128::from(up)
}

/// A number of this size holds no more than milliseconds, to which SQLite's functions round it, too.
fn julian(value: Value) -> Result<i64, Reason> {
    let days = match value {
        Value::Integer(number) => number as f64,
        Value::Real(number) => number,
        _ => return Err(Reason::NotOfType("timestamp")),
    };
    let millis = (days * 86_400_000.0 + 0.5).floor() - JULIAN;
    // Beyond what PostgreSQL has.
    if millis.abs() > 1e16 {
        return Err(TOO_LARGE);
    }
    (millis as i64).checked_mul(1_000).ok_or(TOO_LARGE)
}
