//! `numeric`: exact decimal numbers, rounded to the scale of the column as the target rounds them.

use super::{Reason, Value, number, text};

const NAME: &str = "numeric";

/// Digits that PostgreSQL keeps before and after the point.
const MOST_BEFORE: i64 = 131_072;
const MOST_AFTER: i64 = 16_383;

/// `numeric(precision, scale)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub precision: i64,
    /// May be negative, from PostgreSQL 15 on.
    pub scale: i64,
}

impl Limits {
    /// From a modifier of the catalog.
    pub fn of_modifier(modifier: i32) -> Option<Self> {
        let bits = i64::from(modifier).checked_sub(4).filter(|bits| *bits >= 0)?;
        Some(Self { precision: bits >> 16 & 0xffff, scale: ((bits & 0x7ff) ^ 0x400) - 0x400 })
    }
}

/// Whether a column with these limits holds the number as it is. What is no number does not tell.
pub fn is_exact(value: Value, limits: Limits) -> bool {
    let Ok(whole) = numeric(value, None, true) else { return true };
    let digits = |text: &str| {
        let kept = text.trim_end_matches('0').trim_end_matches('.');
        if text.contains('.') { kept.to_owned() } else { text.to_owned() }
    };
    numeric(value, Some(limits), true).is_ok_and(|limited| digits(&limited) == digits(&whole))
}

/// The text that PostgreSQL prints for the number. Infinite ones are refused unless the target has them.
pub fn numeric(value: Value, limits: Option<Limits>, has_infinity: bool) -> Result<String, Reason> {
    let mut printed = Vec::new();
    let text = match value {
        Value::Integer(value) => {
            number::integer(value, &mut printed);
            std::str::from_utf8(&printed)
        }
        Value::Real(value) => {
            number::float8(value, &mut printed);
            std::str::from_utf8(&printed)
        }
        Value::Text(bytes) => Ok(text::trimmed(text::utf8(bytes)?)),
        Value::Null | Value::Blob(_) => return Err(Reason::NotOfType(NAME)),
    };
    let text = text.map_err(|_| Reason::Encoding)?;
    if text.eq_ignore_ascii_case("nan") {
        return Ok("NaN".to_owned());
    }
    if let Some(infinite) = infinite(text) {
        let fits = has_infinity && limits.is_none();
        return if fits { Ok(infinite.to_owned()) } else { Err(Reason::Infinite) };
    }
    let mut decimal = Decimal::read(text)?;
    if let Some(limits) = limits {
        decimal.round(limits.scale);
        if decimal.before() > limits.precision - limits.scale {
            return Err(Reason::OutOfRange(NAME));
        }
    } else if decimal.places > MOST_AFTER {
        decimal.round(MOST_AFTER);
    }
    if decimal.before() > MOST_BEFORE {
        return Err(Reason::OutOfRange(NAME));
    }
    Ok(decimal.print())
}

/// The words that PostgreSQL takes for infinite numbers.
fn infinite(text: &str) -> Option<&'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_word = ["inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word));
    is_word.then_some(if text.starts_with('-') { "-Infinity" } else { "Infinity" })
}

/// `digits × 10^-places`, without zeros before.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    /// May be negative.
    places: i64,
    /// Decimals that are printed.
    shown: i64,
}

impl Decimal {
    fn read(text: &str) -> Result<Self, Reason> {
        let bad = Reason::NotOfType(NAME);
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            None => (unsigned, 0),
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(bad);
                }
                (mantissa, exponent.parse::<i32>().map_err(|_| Reason::OutOfRange(NAME))?)
            }
        };
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [before, after].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad);
        }
        let digits = digits.trim_start_matches('0').as_bytes().to_vec();
        let places = after.len() as i64 - i64::from(exponent);
        let decimal =
            Self { negative: text.starts_with('-'), digits, places, shown: places.max(0) };
        // Before anything of this size is made.
        let too_large = decimal.before() > MOST_BEFORE || i64::from(exponent).abs() > 1 << 20;
        if too_large { Err(Reason::OutOfRange(NAME)) } else { Ok(decimal) }
    }

    /// Digits before the point; negative where zeros follow it.
    fn before(&self) -> i64 {
        if self.digits.is_empty() { i64::MIN } else { self.digits.len() as i64 - self.places }
    }

    /// To this number of decimals, halves away from zero.
    fn round(&mut self, scale: i64) {
        self.shown = scale.max(0);
        let surplus = self.places - scale;
        if surplus <= 0 {
            return;
        }
        let kept = self.digits.len() as i64 - surplus;
        let up = kept >= 0 && self.digits.get(kept as usize).is_some_and(|digit| *digit >= b'5');
        self.digits.truncate(kept.max(0) as usize);
        self.places = scale;
        if up {
            self.add_one();
        }
    }

    fn add_one(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits.insert(0, b'1');
    }

    fn print(mut self) -> String {
        let is_zero = self.digits.iter().all(|digit| *digit == b'0');
        if is_zero {
            self.digits.clear();
        }
        // To the number of decimals that is shown: there are never more.
        let zeros = if is_zero { 0 } else { self.shown - self.places };
        self.digits.extend(std::iter::repeat_n(b'0', zeros.max(0) as usize));
        let after = self.shown.max(0) as usize;
        let missing = (after + 1).saturating_sub(self.digits.len());
        self.digits.splice(0..0, std::iter::repeat_n(b'0', missing));
        let point = self.digits.len() - after;
        let mut text = String::with_capacity(self.digits.len() + 2);
        if self.negative && !is_zero {
            text.push('-');
        }
        let digits = String::from_utf8_lossy(&self.digits);
        text.push_str(&digits[..point]);
        if after > 0 {
            text.push('.');
            text.push_str(&digits[point..]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_limits_keep_their_digits() {
        let cases = [
            (Value::Text(b"1.50"), "1.50"),
            (Value::Text(b" -007.10 "), "-7.10"),
            (Value::Text(b".5"), "0.5"),
            (Value::Text(b"5."), "5"),
            (Value::Text(b"1e3"), "1000"),
            (Value::Text(b"1.5e1"), "15"),
            (Value::Text(b"1.50e1"), "15.0"),
            (Value::Text(b"12e-4"), "0.0012"),
            (Value::Text(b"0e-3"), "0.000"),
            (Value::Text(b"-0.00"), "0.00"),
            (Value::Text(b"0"), "0"),
            (Value::Text(b"nan"), "NaN"),
            (Value::Integer(i64::MIN), "-9223372036854775808"),
            (Value::Real(0.1), "0.1"),
            (Value::Real(1e20), "100000000000000000000"),
            (Value::Real(-1.5e-7), "-0.00000015"),
        ];
        for (given, expected) in cases {
            assert_eq!(numeric(given, None, false).as_deref(), Ok(expected), "{given:?}");
        }
    }

    #[test]
    fn numbers_are_rounded_to_their_scale() {
        let cases = [
            ("1.005", 5, 2, Ok("1.01")),
            ("-1.005", 5, 2, Ok("-1.01")),
            ("1.0049", 5, 2, Ok("1.00")),
            ("0.004", 5, 2, Ok("0.00")),
            ("-0.005", 5, 2, Ok("-0.01")),
            ("999.995", 5, 2, Err(Reason::OutOfRange("numeric"))),
            ("999.994", 5, 2, Ok("999.99")),
            ("9.99", 2, 0, Ok("10")),
            ("7", 5, 2, Ok("7.00")),
            ("0.0123", 2, 3, Ok("0.012")),
            ("0.5", 2, 3, Err(Reason::OutOfRange("numeric"))),
            ("12345", 3, -2, Ok("12300")),
            ("12350", 3, -2, Ok("12400")),
            ("49", 3, -2, Ok("0")),
            ("50", 3, -2, Ok("100")),
            ("4", 3, -2, Ok("0")),
            ("1e-200000", 5, 2, Ok("0.00")),
        ];
        for (given, precision, scale, expected) in cases {
            let limits = Some(Limits { precision, scale });
            let read = numeric(Value::Text(given.as_bytes()), limits, false);
            assert_eq!(read.as_deref(), expected.as_ref().map(|text| *text), "{given}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for given in ["", "1,5", "1.2.3", "0x10", "1e", "e5", "--1", "."] {
            let read = numeric(Value::Text(given.as_bytes()), None, false);
            assert_eq!(read, Err(Reason::NotOfType("numeric")), "{given}");
        }
        for given in ["1e200000", "1e9999999999"] {
            let read = numeric(Value::Text(given.as_bytes()), None, false);
            assert_eq!(read, Err(Reason::OutOfRange("numeric")), "{given}");
        }
    }

    #[test]
    fn infinite_numbers_need_a_server_that_has_them_and_no_precision() {
        let limits = Some(Limits { precision: 5, scale: 2 });
        for (given, expected) in [
            (Value::Real(f64::INFINITY), "Infinity"),
            (Value::Real(f64::NEG_INFINITY), "-Infinity"),
            (Value::Text(b" +inf "), "Infinity"),
            (Value::Text(b"-infinity"), "-Infinity"),
        ] {
            assert_eq!(numeric(given, None, true).as_deref(), Ok(expected), "{given:?}");
            assert_eq!(numeric(given, None, false), Err(Reason::Infinite), "{given:?}");
            assert_eq!(numeric(given, limits, true), Err(Reason::Infinite), "{given:?}");
        }
    }

    #[test]
    fn a_modifier_holds_precision_and_scale() {
        let cases = [(((12 << 16) | 4) + 4, 12, 4), (((3 << 16) | 0x7fe) + 4, 3, -2)];
        for (modifier, precision, scale) in cases {
            assert_eq!(Limits::of_modifier(modifier), Some(Limits { precision, scale }));
        }
        assert_eq!(Limits::of_modifier(-1), None);
    }
}
