//! Counts in which forms the values of a column are written, and says which one is the column's.

use super::form::{TimestampForm, Unit, Zone};
use super::number::{Size, size};
use super::{Value, endless, read, text};

/// How many values are written in each form. Those that mean no moment do not count: they are bad values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    text: u64,
    utc: u64,
    offset: u64,
    zero: u64,
    units: [u64; 4],
    julian: u64,
    julian_or_second: u64,
}

/// More than one form in a column: how many values each has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "holds timestamps of several forms ({}): say which one it is with \"timestamps\" in the configuration",
    list(.0)
)]
pub struct Mixed(pub Vec<Counted>);

/// A form, and how many values are written in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub form: TimestampForm,
    pub values: u64,
}

const UNITS: [Unit; 4] = [Unit::Second, Unit::Milli, Unit::Micro, Unit::Nano];

impl Tally {
    /// Takes note of one value of the column.
    pub fn add(&mut self, value: Value) {
        match value {
            Value::Text(bytes) => self.add_text(bytes),
            Value::Integer(_) | Value::Real(_) => match size(value) {
                Some(Size::Zero) => self.zero += 1,
                Some(Size::Unit(unit)) => self.units[unit as usize] += 1,
                Some(Size::Julian) => self.julian += 1,
                Some(Size::JulianOrSecond) => self.julian_or_second += 1,
                None => {}
            },
            Value::Null | Value::Blob(_) => {}
        }
    }

    fn add_text(&mut self, bytes: &[u8]) {
        let Ok(text) = text::utf8(bytes) else { return };
        if endless(text).is_some() {
            return;
        }
        match read::timestamp(text).map(|written| written.offset) {
            Ok(None) => self.text += 1,
            Ok(Some(0)) => self.utc += 1,
            Ok(Some(_)) => self.offset += 1,
            Err(_) => {}
        }
    }

    /// What another reader has counted.
    pub fn merge(&mut self, other: &Self) {
        self.text += other.text;
        self.utc += other.utc;
        self.offset += other.offset;
        self.zero += other.zero;
        self.julian += other.julian;
        self.julian_or_second += other.julian_or_second;
        for (sum, more) in self.units.iter_mut().zip(other.units) {
            *sum += more;
        }
    }

    /// The form of the column; none where nothing tells.
    ///
    /// # Errors
    /// [`Mixed`] where there are several.
    pub fn judge(&self) -> Result<Option<TimestampForm>, Mixed> {
        let mut forms = self.forms();
        match forms.len() {
            0 => Ok(None),
            1 => Ok(forms.pop().map(|counted| counted.form)),
            _ => Err(Mixed(forms)),
        }
    }

    fn forms(&self) -> Vec<Counted> {
        let is_julian = self.julian > 0;
        let mut units = self.units;
        // 0 is neutral; alone it is seconds, and so is what could be a julian day.
        let julian = if is_julian {
            self.julian + self.julian_or_second
        } else {
            units[0] += self.julian_or_second;
            0
        };
        let numbers = UNITS.iter().zip(units).map(|(unit, values)| Counted {
            form: TimestampForm::Unix { unit: *unit, by_size: true },
            values,
        });
        let text = |zone, values| Counted { form: TimestampForm::Text(zone), values };
        let texts = match (self.text, self.utc, self.offset) {
            (none, utc, 0) if utc > 0 => vec![text(Zone::Utc, none + utc)],
            (none, 0, 0) => vec![text(Zone::None, none)],
            (none, utc, offset) => {
                vec![text(Zone::None, none), text(Zone::Given, utc + offset)]
            }
        };
        let julian = Counted { form: TimestampForm::Julian, values: julian };
        let all = texts.into_iter().chain(numbers).chain([julian]);
        let mut forms: Vec<_> = all.filter(|counted| counted.values > 0).collect();
        let is_number = |counted: &Counted| !matches!(counted.form, TimestampForm::Text(_));
        if self.zero > 0 && !forms.iter().any(is_number) {
            let form = TimestampForm::Unix { unit: Unit::Second, by_size: true };
            forms.push(Counted { form, values: self.zero });
        }
        forms
    }
}

fn list(forms: &[Counted]) -> String {
    let forms = forms.iter().map(|counted| format!("{}: {}", counted.form, counted.values));
    forms.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(values: &[Value]) -> Result<Option<TimestampForm>, Mixed> {
        let mut tally = Tally::default();
        let (first, second) = values.split_at(values.len() / 2);
        for value in first {
            tally.add(*value);
        }
        let mut other = Tally::default();
        for value in second {
            other.add(*value);
        }
        tally.merge(&other);
        tally.judge()
    }

    #[test]
    fn a_column_has_one_form() {
        let unix = |unit| TimestampForm::Unix { unit, by_size: true };
        let text = |text: &'static str| Value::Text(text.as_bytes());
        let cases: [(&[Value], TimestampForm); 12] = [
            (&[text("2024-01-01"), text("1969-12-31T10:00")], TimestampForm::Text(Zone::None)),
            (
                &[text("2024-01-01 10:00:00"), text("2024-01-01T10:00Z")],
                TimestampForm::Text(Zone::Utc),
            ),
            (
                &[text("2024-01-01 10:00+01"), text("2024-01-01T10:00Z")],
                TimestampForm::Text(Zone::Given),
            ),
            (&[text("2024-01-01 10:00"), text(""), text("soon")], TimestampForm::Text(Zone::None)),
            (&[Value::Integer(0)], unix(Unit::Second)),
            (&[Value::Integer(0), Value::Integer(1_709_209_845_000)], unix(Unit::Milli)),
            (&[Value::Integer(-1), Value::Real(1.5e9)], unix(Unit::Second)),
            (&[Value::Integer(1_709_209_845_000_000)], unix(Unit::Micro)),
            (&[Value::Integer(1_709_209_845_000_000_000)], unix(Unit::Nano)),
            (&[Value::Real(2_460_000.5), Value::Integer(2_460_000)], TimestampForm::Julian),
            (&[Value::Integer(2_460_000)], unix(Unit::Second)),
            (&[Value::Null, Value::Integer(5), Value::Blob(b"x")], unix(Unit::Second)),
        ];
        for (values, expected) in cases {
            assert_eq!(judged(values), Ok(Some(expected)), "{values:?}");
        }
        assert_eq!(judged(&[Value::Null, text("")]), Ok(None));
    }

    #[test]
    fn a_column_of_several_forms_is_told() {
        let mixed = judged(&[
            Value::Integer(1_709_209_845),
            Value::Integer(1_709_209_845_000),
            Value::Text(b"2024-01-01"),
            Value::Text(b"2024-01-01 10:00:00+02"),
        ]);
        let error = mixed.expect_err("there are four forms");
        assert_eq!(
            error.to_string(),
            "holds timestamps of several forms (text without an offset: 1, text with an offset: 1, \
             seconds since 1970: 1, milliseconds since 1970: 1): say which one it is with \"timestamps\" \
             in the configuration"
        );
    }
}
