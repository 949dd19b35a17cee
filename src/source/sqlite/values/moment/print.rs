//! Moments as PostgreSQL prints them with `DateStyle=ISO`.

use std::io::Write;

use super::calendar::Day;
use super::{DAY, SECOND};

/// `2024-02-29`
pub fn print_date(days: i32, out: &mut Vec<u8>) {
    match days {
        i32::MAX => out.extend_from_slice(b"infinity"),
        i32::MIN => out.extend_from_slice(b"-infinity"),
        days => {
            let day = Day::of_number(i64::from(days));
            print_day(day, out);
            print_era(day, out);
        }
    }
}

/// `12:30:45.5`
pub fn print_time(time: i64, out: &mut Vec<u8>) {
    let (seconds, fraction) = (time / SECOND, time % SECOND);
    // Writing into a vector does not fail.
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    two_digits(hours, out);
    out.push(b':');
    two_digits(minutes, out);
    out.push(b':');
    two_digits(seconds % 60, out);
    if fraction > 0 {
        let from = out.len();
        let _ = write!(out, ".{fraction:06}");
        let end = out[from..].iter().rposition(|digit| *digit != b'0').unwrap_or_default();
        out.truncate(from + end + 1);
    }
}

/// `2024-02-29 12:30:45.5`, then the offset.
pub fn print_timestamp(at: i64, offset: &[u8], out: &mut Vec<u8>) {
    match at {
        i64::MAX => out.extend_from_slice(b"infinity"),
        i64::MIN => out.extend_from_slice(b"-infinity"),
        at => {
            let day = Day::of_number(at.div_euclid(DAY));
            print_day(day, out);
            out.push(b' ');
            print_time(at.rem_euclid(DAY), out);
            out.extend_from_slice(offset);
            print_era(day, out);
        }
    }
}

fn print_day(day: Day, out: &mut Vec<u8>) {
    let year = if day.year > 0 { day.year } else { 1 - day.year };
    if year < 10_000 {
        two_digits(year / 100, out);
        two_digits(year % 100, out);
    } else {
        let _ = write!(out, "{year}");
    }
    out.push(b'-');
    two_digits(day.month, out);
    out.push(b'-');
    two_digits(day.day, out);
}

fn print_era(day: Day, out: &mut Vec<u8>) {
    if day.year <= 0 {
        out.extend_from_slice(b" BC");
    }
}

/// Of a number below 100.
fn two_digits(number: i64, out: &mut Vec<u8>) {
    out.push(b'0' + (number / 10) as u8);
    out.push(b'0' + (number % 10) as u8);
}
