//! How names, numbers, times and errors are put in words for people, in one way everywhere.
//!
//! Owns the rule that nothing which came from a database reaches a terminal or a log as it is: every
//! name and message passes through [`sanitize`]. Pure; prints nothing.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use unicode_width::UnicodeWidthStr;

use crate::error::Error;
use crate::ident::TableName;
use crate::outcome::{Counts, Status, TableOutcome};

/// The text on one line and without what a terminal would obey: a table may be named `\x1b[2J`, and
/// a line break in a server's message would forge a log line.
pub fn sanitize(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_terminal_control(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Control characters (C1 too: U+009B is an escape sequence by itself), and the marks that break
/// lines or reverse the direction of what follows.
pub fn is_terminal_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `users`, or `sales.users` outside of `public`.
pub fn table(name: &TableName) -> String {
    match name.schema.as_str() {
        "public" => sanitize(name.name.as_str()),
        _ => sanitize(&name.to_string()),
    }
}

/// The error on one line.
pub fn error(error: &Error) -> String {
    sanitize(&error.to_string())
}

/// The error that this table's own story needs. A table that was not tried because the run ended
/// would only repeat the run's error, a thousand times for a thousand tables.
pub fn own_error(outcome: &TableOutcome) -> Option<&Error> {
    let error = outcome.error.as_ref()?;
    match outcome.status {
        Status::Failed | Status::Refused => Some(error),
        Status::Skipped if matches!(error, Error::Blocked(_)) => Some(error),
        Status::Success | Status::Interrupted | Status::Skipped => None,
    }
}

/// `1234567` as `1,234,567`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 table`, `12 tables`.
pub fn counted(n: u64, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        _ if noun.ends_with('y') => format!("{} {}ies", number(n), noun.trim_end_matches('y')),
        _ => format!("{} {noun}s", number(n)),
    }
}

/// `12 inserted, 40 updated`, or `would insert 12, update 40`; nothing where nothing changes.
pub fn changes(counts: Counts, dry_run: bool) -> Option<String> {
    let kinds = [
        (counts.inserted, "inserted", "insert"),
        (counts.updated, "updated", "update"),
        (counts.deleted, "deleted", "delete"),
    ];
    let some: Vec<String> = kinds
        .into_iter()
        .filter(|(n, _, _)| *n > 0)
        .map(|(n, done, would)| {
            if dry_run { format!("{would} {}", number(n)) } else { format!("{} {done}", number(n)) }
        })
        .collect();
    let prefix = if dry_run { "would " } else { "" };
    (!some.is_empty()).then(|| format!("{prefix}{}", some.join(", ")))
}

/// `12ms`, `3.2s`, `4m05s`, `2h03m`.
pub fn duration(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    let seconds = (time.as_millis() + 500) / 1000;
    match time.as_millis() {
        0..100 => format!("{}ms", time.as_millis()),
        _ if tenths < 600 => format!("{}.{}s", tenths / 10, tenths % 10),
        _ if seconds < 3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `2024-12-13T15:30:45Z`.
pub fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Terminal columns that the text takes: a CJK character takes two.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in exactly `columns` terminal columns: padded, or cut with `…`.
pub fn pad_or_truncate(text: &str, columns: usize) -> String {
    let mut fitted = text.to_owned();
    if width(text) > columns {
        while width(&fitted) + 1 > columns && fitted.pop().is_some() {}
        fitted.push('…');
    }
    let padding = columns.saturating_sub(width(&fitted));
    fitted + &" ".repeat(padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_remains() {
        let cases = [
            ("plain ünï 表 👍", "plain ünï 表 👍"),
            ("two\nlines\r\tand a tab", "two\\nlines\\r\\tand a tab"),
            ("\u{1b}[2Jcleared\u{7}", "\\u{1b}[2Jcleared\\u{7}"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("abc\u{202e}fdp.exe\u{2028}", "abc\\u{202e}fdp.exe\\u{2028}"),
        ];
        for (text, safe) in cases {
            assert_eq!(sanitize(text), safe);
        }
    }

    #[test]
    fn numbers_times_and_widths_read_well() {
        for (n, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(number(n), text);
        }
        assert_eq!(counted(1, "retry"), "1 retry");
        assert_eq!(counted(2, "retry"), "2 retries");
        assert_eq!(counted(0, "row"), "0 rows");
        let times = [
            (0, "0ms"),
            (99, "99ms"),
            (100, "0.1s"),
            (3_249, "3.2s"),
            (59_949, "59.9s"),
            (59_950, "1m00s"),
            (245_000, "4m05s"),
            (7_380_000, "2h03m"),
        ];
        for (millis, text) in times {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(pad_or_truncate("users", 7), "users  ");
        assert_eq!(pad_or_truncate("order_lines", 7), "order_…");
        assert_eq!(pad_or_truncate("注文明細", 6), "注文… ");
    }
}
