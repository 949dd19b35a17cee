//! Integers and floating point numbers: read from what SQLite holds, printed as PostgreSQL 12 and later do.

use std::io::Write;

use super::{Reason, Value, text};

/// Bits of a type of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Two,
    Four,
    Eight,
}

impl Width {
    /// How many bytes a number takes in PostgreSQL's binary form.
    pub fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Two => "smallint",
            Self::Four => "integer",
            Self::Eight => "bigint",
        }
    }

    fn holds(self, value: i64) -> bool {
        match self {
            Self::Two => i16::try_from(value).is_ok(),
            Self::Four => i32::try_from(value).is_ok(),
            Self::Eight => true,
        }
    }
}

/// A whole number, however it is stored.
pub fn whole(value: Value, width: Width) -> Result<i64, Reason> {
    let number = match value {
        Value::Integer(number) => number,
        Value::Real(real) => whole_real(real, width.name())?,
        Value::Text(bytes) => whole_text(text::utf8(bytes)?, width.name())?,
        Value::Null | Value::Blob(_) => return Err(Reason::NotOfType(width.name())),
    };
    if width.holds(number) { Ok(number) } else { Err(Reason::OutOfRange(width.name())) }
}

fn whole_real(real: f64, name: &'static str) -> Result<i64, Reason> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63, exactly
    if !(-LIMIT..LIMIT).contains(&real) {
        return Err(Reason::OutOfRange(name));
    }
    // Exact: it is whole and within the range.
    if real.fract() == 0.0 { Ok(real as i64) } else { Err(Reason::Fraction) }
}

fn whole_text(text: &str, name: &'static str) -> Result<i64, Reason> {
    let digits = text::trimmed(text);
    let number = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reason::NotOfType(name));
    }
    digits.parse().map_err(|_| Reason::OutOfRange(name))
}

/// A floating point number of 64 bits.
pub fn double(value: Value) -> Result<f64, Reason> {
    const NAME: &str = "double precision";
    match value {
        Value::Real(real) => Ok(real),
        Value::Integer(number) => {
            let real = number as f64;
            // 2^63 itself would come back as the greatest integer.
            let exact = real < 9.2e18 && real as i64 == number;
            if exact { Ok(real) } else { Err(Reason::OutOfRange(NAME)) }
        }
        Value::Text(bytes) => float_text(text::utf8(bytes)?, NAME),
        Value::Null | Value::Blob(_) => Err(Reason::NotOfType(NAME)),
    }
}

/// A floating point number of 32 bits, rounded as the target rounds the text of the longer one.
pub fn single(value: Value) -> Result<f32, Reason> {
    const NAME: &str = "real";
    match value {
        Value::Text(bytes) => float_text(text::utf8(bytes)?, NAME),
        Value::Integer(number) => Ok(number as f32),
        _ => {
            let real = double(value).map_err(|_| Reason::NotOfType(NAME))?;
            if real.is_finite() { float_text(&format!("{real:e}"), NAME) } else { Ok(real as f32) }
        }
    }
}

/// What the input functions of floating point numbers take; more than they can hold is refused.
fn float_text<F: Float>(text: &str, name: &'static str) -> Result<F, Reason> {
    let text = text::trimmed(text);
    let number = text.parse::<F>().map_err(|_| Reason::NotOfType(name))?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let said =
        text.bytes().any(|byte| byte.is_ascii_alphabetic() && !byte.eq_ignore_ascii_case(&b'e'));
    let vanished = number.is_zero() && mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if vanished || number.is_infinite() && !said {
        return Err(Reason::OutOfRange(name));
    }
    Ok(number)
}

trait Float: std::str::FromStr + std::fmt::Display + std::fmt::LowerExp + Copy + PartialEq {
    /// Whether it is printed without an exponent.
    fn is_plain(self) -> bool;
    fn abs(self) -> Self;
    fn is_zero(self) -> bool;
    fn is_infinite(self) -> bool;
    fn is_nan(self) -> bool;
    fn is_negative(self) -> bool;
    /// Whether a decimal lies halfway to the next number, so that only the rule for halves makes it
    /// this one. PostgreSQL prints no such text.
    fn is_halfway(self, digits: u64, exponent: i32) -> bool;
}

macro_rules! float {
    ($type:ty, $fraction:expr, $bias:expr, $plain:expr) => {
        impl Float for $type {
            fn is_plain(self) -> bool {
                (1e-4..$plain).contains(&self.abs())
            }
            fn abs(self) -> Self {
                self.abs()
            }
            fn is_zero(self) -> bool {
                self == 0.0
            }
            fn is_infinite(self) -> bool {
                self.is_infinite()
            }
            fn is_nan(self) -> bool {
                self.is_nan()
            }
            fn is_negative(self) -> bool {
                self.is_sign_negative()
            }
            fn is_halfway(self, digits: u64, exponent: i32) -> bool {
                let bits = u64::from(self.abs().to_bits());
                let (power, fraction) = (bits >> $fraction, bits & ((1 << $fraction) - 1));
                let (mantissa, power) = if power == 0 {
                    (fraction, 1)
                } else {
                    (fraction | 1 << $fraction, power as i32)
                };
                // Below a power of two the step is half as large; quarters cover that.
                let power = power - $bias - $fraction - 2;
                let steps = if fraction == 0 { vec![2, -1] } else { vec![2, -2] };
                steps.iter().any(|step| {
                    let half = (mantissa as i64 * 4 + step) as u64;
                    same_number(
                        Scaled { number: digits, power: exponent, five: exponent },
                        half,
                        power,
                    )
                })
            }
        }
    };
}

float!(f32, 23, 127, 1e6);
float!(f64, 52, 1023, 1e15);

/// `number × 2^power × 5^five`.
struct Scaled {
    number: u64,
    power: i32,
    five: i32,
}

/// Whether a decimal is `half × 2^power`.
fn same_number(decimal: Scaled, half: u64, power: i32) -> bool {
    // More fives than these do not divide 64 bits.
    if decimal.five.abs() > 27 {
        return false;
    }
    let fives = 5u128.pow(decimal.five.unsigned_abs());
    let (mut left, mut right) = (u128::from(decimal.number), u128::from(half));
    if decimal.five > 0 {
        left *= fives
    } else {
        right *= fives
    }
    let zeros = |number: u128| if number == 0 { 0 } else { number.trailing_zeros() as i32 };
    let (left_power, right_power) = (zeros(left) + decimal.power, zeros(right) + power);
    left_power == right_power && left >> zeros(left) == right >> zeros(right)
}

/// Appends an integer.
pub fn integer(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends the shortest text that is read as the same number.
pub fn float8(value: f64, out: &mut Vec<u8>) {
    shortest(value, 15, out);
}

/// Appends the shortest text that is read as the same number.
pub fn float4(value: f32, out: &mut Vec<u8>) {
    shortest(value, 6, out);
}

/// From `10^plain` on, and below 0.0001, with an exponent.
fn shortest<F: Float>(value: F, plain: i32, out: &mut Vec<u8>) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_negative() {
        out.push(b'-');
    }
    if value.is_infinite() {
        return out.extend_from_slice(b"Infinity");
    }
    if value.is_zero() {
        return out.push(b'0');
    }
    if plainly(value, plain, out) {
        return;
    }
    let Decimal { digits, exponent } = Decimal::of(value);
    let count = digits.len() as i32;
    if !(-4..plain).contains(&exponent) {
        out.extend_from_slice(&digits.as_bytes()[..1]);
        if count > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits.as_bytes()[1..]);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.abs());
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-exponent - 1) as usize));
        out.extend_from_slice(digits.as_bytes());
    } else if count <= exponent + 1 {
        out.extend_from_slice(digits.as_bytes());
        out.extend(std::iter::repeat_n(b'0', (exponent + 1 - count) as usize));
    } else {
        let (before, after) = digits.split_at((exponent + 1) as usize);
        out.extend_from_slice(before.as_bytes());
        out.push(b'.');
        out.extend_from_slice(after.as_bytes());
    }
}

/// Appends a number without an exponent, if it has at most so many digits that no other number has the same: then
/// the shortest text is also the nearest, and does not lie halfway to another number. Six times as fast as trying
/// all candidates.
fn plainly<F: Float>(value: F, digits: i32, out: &mut Vec<u8>) -> bool {
    if !value.is_plain() {
        return false;
    }
    let begin = out.len();
    // Writing into a vector does not fail.
    let _ = write!(out, "{}", value.abs());
    let written = &out[begin..];
    let from = written.iter().position(|byte| !matches!(byte, b'0' | b'.')).unwrap_or_default();
    let count = written[from..].iter().filter(|byte| **byte != b'.').count();
    let is_short = count as i32 <= digits;
    if !is_short {
        out.truncate(begin);
    }
    is_short
}

/// A number in decimal notation.
struct Decimal {
    /// Without zeros at the end.
    digits: String,
    /// The power of ten of the first digit.
    exponent: i32,
}

impl Decimal {
    /// The digits that PostgreSQL prints.
    fn of<F: Float>(value: F) -> Self {
        // Of two that are equally near, PostgreSQL prints the even one, and none that lies halfway. Below a
        // power of two, where numbers are denser, the nearest of so many digits may be another number.
        let shortest = format!("{value:e}");
        let count = Self::parse(&shortest).digits.len();
        let longer = (count + 1..=17).map(|count| format!("{value:.*e}", count - 1));
        let nearest = format!("{value:.*e}", count - 1);
        let mut candidates = [nearest, shortest.clone()].into_iter().chain(longer);
        let printed = candidates.find(|text| {
            let Self { digits, exponent } = Self::parse(text);
            let number = digits.parse().unwrap_or_default();
            text.parse::<F>().is_ok_and(|read| read == value)
                && !value.is_halfway(number, exponent + 1 - digits.len() as i32)
        });
        Self::parse(&printed.unwrap_or(shortest))
    }

    /// Of a text with an exponent.
    fn parse(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let digits = digits.trim_end_matches('0').to_owned();
        Self { digits, exponent: exponent.parse().unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_printed_as_the_server_prints_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (-1.5, "-1.5"),
            (0.0001, "0.0001"),
            (123456.789, "123456.789"),
            (100.0, "100"),
            (0.30000000000000004, "0.30000000000000004"),
            (0.00001, "1e-05"),
            (123456789012345.0, "123456789012345"),
            (1e15, "1e+15"),
            (1234567890123456.0, "1.234567890123456e+15"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
            (9007199254740993.0, "9.007199254740992e+15"),
            // Halfway between two numbers, so that one digit more is printed.
            (2f64.powi(-44), "5.684341886080802e-14"),
        ];
        for (value, expected) in cases {
            let mut out = Vec::new();
            float8(value, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn integers_are_whole_and_within_their_range() {
        let cases = [
            (Value::Integer(-32768), Width::Two, Ok(-32768)),
            (Value::Integer(32768), Width::Two, Err(Reason::OutOfRange("smallint"))),
            (Value::Integer(1 << 31), Width::Four, Err(Reason::OutOfRange("integer"))),
            (Value::Real(3.0), Width::Eight, Ok(3)),
            (Value::Real(3.5), Width::Eight, Err(Reason::Fraction)),
            (Value::Real(9.3e18), Width::Eight, Err(Reason::OutOfRange("bigint"))),
            (Value::Real(f64::NAN), Width::Eight, Err(Reason::OutOfRange("bigint"))),
            (Value::Text(b" -12 "), Width::Eight, Ok(-12)),
            (Value::Text(b"12a"), Width::Eight, Err(Reason::NotOfType("bigint"))),
            (Value::Text(b""), Width::Eight, Err(Reason::NotOfType("bigint"))),
            (Value::Text(b"9223372036854775808"), Width::Eight, Err(Reason::OutOfRange("bigint"))),
            (Value::Blob(b"1"), Width::Eight, Err(Reason::NotOfType("bigint"))),
        ];
        for (value, width, expected) in cases {
            assert_eq!(whole(value, width), expected, "{value:?}");
        }
        let mut out = Vec::new();
        integer(i64::MIN, &mut out);
        assert_eq!(out, b"-9223372036854775808");
    }

    #[test]
    fn a_number_that_a_float_cannot_hold_is_refused() {
        let cases = [
            (Value::Integer(1 << 53), Ok((1u64 << 53) as f64)),
            (Value::Integer((1 << 53) + 1), Err(Reason::OutOfRange("double precision"))),
            (Value::Text(b"1e400"), Err(Reason::OutOfRange("double precision"))),
            (Value::Text(b"1e-400"), Err(Reason::OutOfRange("double precision"))),
            (Value::Text(b"-Infinity"), Ok(f64::NEG_INFINITY)),
            (Value::Text(b" 0.5 "), Ok(0.5)),
            (Value::Text(b"half"), Err(Reason::NotOfType("double precision"))),
        ];
        for (value, expected) in cases {
            assert_eq!(double(value), expected, "{value:?}");
        }
    }
}
