//! From a text to a value. A problem repeats the text and says what it should look like; nothing
//! is clamped or guessed.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::source::BadRows;
use crate::config::{
    Ddl, LogFormat, LogLevel, MaxDelete, Occasion, SummaryFormat, Unmasked, WebhookFormat,
};
use crate::ident::TableName;

/// A whole number within `range`.
pub fn number(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let (low, high) = (range.start(), range.end());
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("\"{text}\" is no whole number from {low} to {high}"))
}

/// The words for yes and no that Go, YAML and people use.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" => Ok(true),
        "false" | "f" | "0" | "no" | "n" | "off" => Ok(false),
        _ => Err(format!("\"{text}\" is neither true nor false")),
    }
}

/// Whether a text says yes.
pub fn is_on(text: &str) -> bool {
    switch(text) == Ok(true)
}

/// Whether a text says yes or no.
pub fn is_switch(text: &str) -> bool {
    switch(text).is_ok()
}

const UNITS: &[(&str, f64)] =
    &[("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)];

/// `30s`, `1h30m`, `500ms`, `1.5h`; a plain number counts seconds. The bounds are written alike.
pub fn duration(text: &str, least: &str, most: &str) -> Result<Duration, String> {
    let read = |text: &str| match text.trim().parse::<u32>() {
        Ok(seconds) => Some(Duration::from_secs(seconds.into())),
        Err(_) => terms(text.trim()),
    };
    match read(text) {
        Some(found) if read(least) <= Some(found) && Some(found) <= read(most) => Ok(found),
        Some(_) => Err(format!("\"{text}\" is not from {least} to {most}")),
        None => {
            Err(format!("\"{text}\" is not a valid duration (expected 30s, 1h30m, 2d or 500ms)"))
        }
    }
}

/// The sum of numbers with units; `None` when the text is anything else.
fn terms(text: &str) -> Option<Duration> {
    let mut sum = None;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let term = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        sum = Some(sum.unwrap_or(Duration::ZERO).checked_add(term)?);
        rest = after;
    }
    sum
}

/// `20%`, `1000`, or `off` for no limit.
pub fn limit(text: &str) -> Result<Option<MaxDelete>, String> {
    let trimmed = text.trim();
    let wrong = || format!("\"{text}\" is neither a share such as 20%, a number of rows, nor off");
    if trimmed == "off" {
        return Ok(None);
    }
    let Some(share) = trimmed.strip_suffix('%') else {
        return trimmed.parse().map(|rows| Some(MaxDelete::Rows(rows))).map_err(|_| wrong());
    };
    let is_plain = share.starts_with(|c: char| c.is_ascii_digit());
    match share.parse::<f64>() {
        Ok(share) if is_plain && (0.0..=100.0).contains(&share) => {
            Ok(Some(MaxDelete::Share(share / 100.0)))
        }
        _ => Err(wrong()),
    }
}

/// `1/7`, or `off` for no part.
pub fn scrub(text: &str) -> Result<Option<u32>, String> {
    if text.trim() == "off" {
        return Ok(None);
    }
    let parts = text.trim().strip_prefix("1/").and_then(|parts| parts.parse().ok());
    let parts = parts.filter(|parts| (1..=1000).contains(parts));
    parts
        .map(Some)
        .ok_or_else(|| format!("\"{text}\" is neither a part from 1/1 to 1/1000 nor off"))
}

/// The one of a closed set that is called so.
pub fn one_of<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().find(|one| name(**one) == text.trim());
    let names = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    found.copied().ok_or_else(|| format!("\"{text}\" must be one of: {}", names()))
}

/// `additive`, `none` or `reset`.
pub fn ddl(text: &str) -> Result<Ddl, String> {
    one_of(text, &Ddl::ALL, Ddl::name)
}

/// `fail` or `skip`.
pub fn bad_rows(text: &str) -> Result<BadRows, String> {
    one_of(text, &BadRows::ALL, BadRows::name)
}

/// `fail`, `note` or `off`.
pub fn unmasked(text: &str) -> Result<Unmasked, String> {
    one_of(text, &Unmasked::ALL, Unmasked::name)
}

/// `text` or `json`.
pub fn log_format(text: &str) -> Result<LogFormat, String> {
    one_of(text, &LogFormat::ALL, LogFormat::name)
}

/// `text` or `markdown`.
pub fn summary_format(text: &str) -> Result<SummaryFormat, String> {
    one_of(text, &SummaryFormat::ALL, SummaryFormat::name)
}

/// `json` or `text`.
pub fn webhook_format(text: &str) -> Result<WebhookFormat, String> {
    match text.trim() {
        "json" => Ok(WebhookFormat::Json),
        "text" => Ok(WebhookFormat::Text),
        _ => Err(format!("\"{text}\" must be one of: json, text")),
    }
}

/// `always`, `failure`, `change` or `recovery`.
pub fn occasion(text: &str) -> Result<Occasion, String> {
    match text.trim() {
        "always" => Ok(Occasion::Always),
        "failure" => Ok(Occasion::Failure),
        "change" => Ok(Occasion::Change),
        "recovery" => Ok(Occasion::Recovery),
        _ => Err(format!("\"{text}\" must be one of: always, failure, change, recovery")),
    }
}

/// `127.0.0.1:9187`, `[::1]:9187`.
pub fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let wrong = |_| format!("\"{text}\" is no address such as 127.0.0.1:9187");
    text.trim().parse().map_err(wrong)
}

/// `error` to `trace`.
pub fn log_level(text: &str) -> Result<LogLevel, String> {
    one_of(text, &LogLevel::ALL, LogLevel::name)
}

/// A size as PostgreSQL writes it: `512MB`.
pub fn memory(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    let unit = trimmed.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_size = unit.len() < trimmed.len() && ["kB", "MB", "GB", "TB"].contains(&unit);
    if is_size {
        Ok(trimmed.to_owned())
    } else {
        Err(format!("\"{text}\" is no size such as 64MB or 2GB"))
    }
}

/// `table`, or `schema.table`; without a schema it is in `default_schema`.
pub fn table(text: &str, default_schema: &str) -> Result<TableName, String> {
    let (schema, name) = text.split_once('.').unwrap_or((default_schema, text));
    if schema.is_empty() || name.is_empty() || name.contains('.') {
        Err(format!("\"{text}\" is not a name such as sync_log or schema.sync_log"))
    } else {
        Ok(TableName::new(schema, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<T: std::fmt::Debug>(result: Result<T, String>) -> String {
        result.map_or_else(|problem| format!("error: {problem}"), |value| format!("{value:?}"))
    }

    #[test]
    fn modes_and_sizes() {
        assert_eq!(ddl("none"), Ok(Ddl::None));
        assert_eq!(ddl("reset"), Ok(Ddl::Reset));
        assert_eq!(log_format("json"), Ok(LogFormat::Json));
        assert_eq!(shown(log_format("xml")), "error: \"xml\" must be one of: text, json");
        assert_eq!(log_level(" warn "), Ok(LogLevel::Warn));
        assert_eq!(
            shown(log_level("all")),
            "error: \"all\" must be one of: error, warn, info, debug, trace"
        );
        assert_eq!(shown(ddl("all")), "error: \"all\" must be one of: additive, none, reset");
        assert_eq!(shown(memory("512MB")), "\"512MB\"");
        assert_eq!(shown(memory("MB")), "error: \"MB\" is no size such as 64MB or 2GB");
    }

    #[test]
    fn durations() {
        let wrong = |text| {
            format!("error: \"{text}\" is not a valid duration (expected 30s, 1h30m, 2d or 500ms)")
        };
        let cases = [
            ("30s", "30s".into()),
            ("30", "30s".into()),
            (" 5m ", "300s".into()),
            ("1h30m", "5400s".into()),
            ("500ms", "500ms".into()),
            ("1.5h", "5400s".into()),
            ("0", "0ns".into()),
            ("1d", "86400s".into()),
            ("banana", wrong("banana")),
            ("", wrong("")),
            ("-5s", wrong("-5s")),
            ("5 m", wrong("5 m")),
            ("1e9s", wrong("1e9s")),
            ("..s", wrong("..s")),
            ("30sé", wrong("30sé")),
            ("99999999999999999999999999h", wrong("99999999999999999999999999h")),
            ("2d", "error: \"2d\" is not from 0s to 24h".into()),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(duration(text, "0s", "24h")), expected, "{text}");
        }
    }

    #[test]
    fn limits_numbers_switches_and_tables() {
        let wrong = |text| {
            format!("error: \"{text}\" is neither a share such as 20%, a number of rows, nor off")
        };
        let cases = [
            ("20%", "Some(Share(0.2))".into()),
            ("12.5%", "Some(Share(0.125))".into()),
            ("1000", "Some(Rows(1000))".into()),
            ("0", "Some(Rows(0))".into()),
            ("off", "None".into()),
            ("101%", wrong("101%")),
            ("-1", wrong("-1")),
            ("0.2", wrong("0.2")),
            ("NaN%", wrong("NaN%")),
            ("%", wrong("%")),
            ("", wrong("")),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(limit(text)), expected, "{text}");
        }
        assert_eq!(shown(number("256", 1..=256)), "256");
        for text in ["0", "257", "-5", "4.5", "x", ""] {
            let expected = format!("error: \"{text}\" is no whole number from 1 to 256");
            assert_eq!(shown(number(text, 1..=256)), expected);
        }
        assert_eq!(switch("TRUE"), Ok(true));
        assert_eq!(switch("0"), Ok(false));
        assert_eq!(shown(switch("maybe")), "error: \"maybe\" is neither true nor false");
        assert_eq!(table("log", "app"), Ok(TableName::new("app", "log")));
        assert_eq!(table("ops.log", "app"), Ok(TableName::new("ops", "log")));
        for text in ["ops.", ".log", "", "shop.ops.log"] {
            let expected =
                format!("error: \"{text}\" is not a name such as sync_log or schema.sync_log");
            assert_eq!(shown(table(text, "app")), expected);
        }
    }
}
