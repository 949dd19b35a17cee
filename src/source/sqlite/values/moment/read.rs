//! Text that means a moment: ISO 8601 with a blank or `T`, and what Go prints.

use super::calendar::Day;
use super::form::{TimestampForm, Zone};
use super::{DAY, SECOND};
use crate::source::sqlite::values::{Reason, text};

const NOT: Reason = Reason::NotOfType("timestamp");

/// What text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The beginning of the day that is written.
    pub day: i64,
    /// As a clock on the wall shows it.
    pub local: i64,
    /// Seconds east of UTC.
    pub offset: Option<i64>,
}

impl Written {
    /// The moment, if the offset is as the column's form says.
    pub fn moment(self, zone: Zone) -> Result<i64, Reason> {
        let fits = match zone {
            Zone::None => self.offset.is_none(),
            Zone::Utc => self.offset.unwrap_or_default() == 0,
            Zone::Given => self.offset.is_some(),
            Zone::Any => true,
        };
        if !fits {
            return Err(Reason::OtherForm(TimestampForm::Text(zone).name()));
        }
        Ok(self.local - self.offset.unwrap_or_default() * SECOND)
    }
}

/// A date, with a time and an offset or without.
pub fn timestamp(text: &str) -> Result<Written, Reason> {
    let mut rest = Rest(text::trimmed(text).as_bytes());
    let day = rest.day()?;
    let mut written = Written { day, local: day, offset: None };
    if rest.0.is_empty() {
        return Ok(written);
    }
    if !rest.skip(b" ") && !rest.skip(b"T") && !rest.skip(b"t") {
        return Err(NOT);
    }
    written.local += rest.time(NOT)?;
    written.offset = rest.offset()?;
    if rest.0.is_empty() { Ok(written) } else { Err(NOT) }
}

/// A time of day; after 2000-01-01, which Rails writes before it.
pub fn time(text: &str) -> Result<i64, Reason> {
    let text = text::trimmed(text);
    let mut rest = Rest(text.strip_prefix("2000-01-01 ").unwrap_or(text).as_bytes());
    let time = rest.time(Reason::NotOfType("time"))?;
    if rest.0.is_empty() { Ok(time) } else { Err(Reason::NotOfType("time")) }
}

/// What is still to be read.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn skip(&mut self, word: &[u8]) -> bool {
        self.0.strip_prefix(word).inspect(|rest| self.0 = rest).is_some()
    }

    /// A number of this many digits.
    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
        let end = self.0.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        // `+0200` holds two numbers.
        let end = end.min(*digits.end());
        if !digits.contains(&end) {
            return None;
        }
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(number.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    }

    fn day(&mut self) -> Result<i64, Reason> {
        let year = self.number(4..=6).ok_or(NOT)?;
        let month = self.skip(b"-").then(|| self.number(2..=2)).flatten().ok_or(NOT)?;
        let day = self.skip(b"-").then(|| self.number(2..=2)).flatten().ok_or(NOT)?;
        let day = Day { year, month, day };
        if year == 0 {
            return Err(Reason::YearZero);
        }
        if year > 294_276 {
            return Err(Reason::OutOfRange("timestamp"));
        }
        if day.exists() { Ok(day.number() * DAY) } else { Err(Reason::NoSuchDate) }
    }

    fn time(&mut self, not: Reason) -> Result<i64, Reason> {
        let hours = self.number(2..=2).ok_or(not.clone())?;
        let minutes = self.skip(b":").then(|| self.number(2..=2)).flatten().ok_or(not.clone())?;
        let (mut seconds, mut fraction) = (0, 0);
        if self.skip(b":") {
            seconds = self.number(2..=2).ok_or(not.clone())?;
            if self.skip(b".") || self.skip(b",") {
                fraction = self.fraction().ok_or(not)?;
            }
        }
        let time = ((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction;
        let exists = hours <= 24 && minutes < 60 && seconds <= 60 && time <= DAY;
        if exists { Ok(time) } else { Err(Reason::NoSuchDate) }
    }

    /// Microseconds, rounded as PostgreSQL rounds them: as a floating point number, halves to even.
    fn fraction(&mut self) -> Option<i64> {
        let end = self.0.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        if digits.is_empty() {
            return None;
        }
        if digits.len() <= 6 {
            let number = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            return Some(number * 10i64.pow(6 - digits.len() as u32));
        }
        let digits = String::from_utf8_lossy(digits);
        let fraction: f64 = format!("0.{digits}").parse().ok()?;
        Some((fraction * 1e6).round_ties_even() as i64)
    }

    /// `Z`, `+02`, `+0200`, `+02:00`, `+02:00:00`, ` UTC`, ` +0200 CEST m=+0.1`.
    fn offset(&mut self) -> Result<Option<i64>, Reason> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let apart = self.skip(b" ");
        if matches!(self.0, b"Z" | b"z" | b"UTC" | b"GMT") {
            self.0 = b"";
            return Ok(Some(0));
        }
        let east = if self.skip(b"+") {
            1
        } else if self.skip(b"-") {
            -1
        } else {
            return Err(NOT);
        };
        let mut offset = self.number(2..=2).ok_or(NOT)? * 3_600;
        let mut divided = self.skip(b":");
        for unit in [60, 1] {
            match self.number(2..=2) {
                Some(number) if number < 60 => offset += number * unit,
                None if !divided => break,
                _ => return Err(NOT),
            }
            divided = self.skip(b":");
        }
        if divided || offset >= 16 * 3_600 {
            return Err(NOT);
        }
        if apart {
            self.go_names();
        }
        Ok(Some(east * offset))
    }

    /// What Go prints behind the offset: the name of the zone, and a reading of another clock.
    fn go_names(&mut self) {
        let rest = String::from_utf8_lossy(self.0);
        let is_name = |word: &str| {
            let word = word.trim_start_matches(['+', '-']);
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        let is_clock = |word: &str| {
            let clock = word.strip_prefix("m=").and_then(|clock| clock.strip_prefix(['+', '-']));
            clock.is_some_and(|clock| {
                clock.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            })
        };
        let words: Vec<_> = rest.split(' ').collect();
        let known = match words[..] {
            ["", name] => is_name(name) || is_clock(name),
            ["", name, clock] => is_name(name) && is_clock(clock),
            _ => false,
        };
        if known {
            self.0 = b"";
        }
    }
}
