//! Text, and what is written as text: booleans, UUIDs.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::{Datum, Reason, Value, number};

/// Text that PostgreSQL can store.
pub fn utf8(bytes: &[u8]) -> Result<&str, Reason> {
    let text = std::str::from_utf8(bytes).map_err(|_| Reason::Encoding)?;
    if memchr::memchr(0, bytes).is_some() { Err(Reason::Nul) } else { Ok(text) }
}

/// Without the white space that input functions of numbers skip.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

/// Text as it is; a number as PostgreSQL prints it.
pub fn text<'a>(value: Value<'a>, name: &'static str) -> Result<Cow<'a, str>, Reason> {
    let mut printed = Vec::new();
    match value {
        Value::Text(bytes) => return Ok(Cow::Borrowed(utf8(bytes)?)),
        Value::Integer(value) => number::integer(value, &mut printed),
        Value::Real(value) => number::float8(value, &mut printed),
        Value::Null | Value::Blob(_) => return Err(Reason::NotOfType(name)),
    }
    Ok(Cow::Owned(String::from_utf8_lossy(&printed).into_owned()))
}

/// Text that is JSON, as it is written.
pub fn json(value: Value<'_>) -> Result<Cow<'_, str>, Reason> {
    const NAME: &str = "json";
    let text = text(value, NAME)?;
    // It looks at all, however deep it is nested, and makes nothing of it.
    let read: Result<IgnoredAny, _> = serde_json::from_str(&text);
    if read.is_ok() { Ok(text) } else { Err(Reason::NotOfType(NAME)) }
}

/// Text of at most so many characters. More than these are cut off where they are blanks, as PostgreSQL does.
pub fn limited(text: Cow<'_, str>, longest: u32) -> Result<Cow<'_, str>, Reason> {
    // No character is shorter than a byte.
    let longest_bytes = longest as usize;
    if text.len() <= longest_bytes {
        return Ok(text);
    }
    let Some((cut, _)) = text.char_indices().nth(longest_bytes) else { return Ok(text) };
    if text[cut..].bytes().any(|byte| byte != b' ') {
        return Err(Reason::TooLong(longest));
    }
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..cut]),
        Cow::Owned(text) => Cow::Owned(text[..cut].to_owned()),
    })
}

/// `char(n)`.
pub fn padded<'a>(value: Value<'a>, width: u32) -> Result<Datum<'a>, Reason> {
    let text = match limited(text(value, "character")?, width)? {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(' ')),
        Cow::Owned(text) => Cow::Owned(text.trim_end_matches(' ').to_owned()),
    };
    Ok(Datum::Padded(text, width))
}

/// 0 and 1, and the words that PostgreSQL takes.
pub fn boolean(value: Value) -> Result<bool, Reason> {
    const NAME: &str = "boolean";
    let text = match value {
        Value::Integer(0) => return Ok(false),
        Value::Integer(1) => return Ok(true),
        Value::Real(real) if real == 0.0 || real == 1.0 => return Ok(real == 1.0),
        Value::Text(bytes) => trimmed(utf8(bytes)?).to_ascii_lowercase(),
        _ => return Err(Reason::NotOfType(NAME)),
    };
    // From this length on what is left out of a word leaves no doubt.
    let words = [("true", 1, true), ("yes", 1, true), ("on", 2, true), ("1", 1, true)];
    let noes = [("false", 1, false), ("no", 1, false), ("off", 2, false), ("0", 1, false)];
    let mut known = words.into_iter().chain(noes);
    let found = known.find(|(word, least, _)| text.len() >= *least && word.starts_with(&text));
    found.map(|(_, _, meant)| meant).ok_or(Reason::NotOfType(NAME))
}

/// 16 bytes, or 32 hexadecimal digits as PostgreSQL takes them: hyphens may follow every fourth digit, braces
/// may be around.
pub fn uuid(value: Value) -> Result<[u8; 16], Reason> {
    let bad = Reason::NotOfType("uuid");
    let text = match value {
        Value::Blob(bytes) => return bytes.try_into().map_err(|_| bad),
        Value::Text(bytes) => utf8(bytes)?,
        _ => return Err(bad),
    };
    let text = match text.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}').ok_or(bad.clone())?,
        None => text,
    };
    let mut uuid = [0; 16];
    let mut rest = text.as_bytes();
    for (place, byte) in uuid.iter_mut().enumerate() {
        if place > 0 && place % 2 == 0 {
            rest = rest.strip_prefix(b"-").unwrap_or(rest);
        }
        let (pair, after) = rest.split_at_checked(2).ok_or(bad.clone())?;
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return Err(bad) };
        *byte = (high << 4 | low) as u8;
        rest = after;
    }
    if rest.is_empty() { Ok(uuid) } else { Err(bad) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_without_nul() {
        assert_eq!(utf8(b"caf\xc3\xa9"), Ok("café"));
        assert_eq!(utf8(b"caf\xe9"), Err(Reason::Encoding));
        assert_eq!(utf8(b"a\0b"), Err(Reason::Nul));
        assert_eq!(text(Value::Blob(b"a"), "text"), Err(Reason::NotOfType("text")));
        assert_eq!(text(Value::Real(1e20), "text"), Ok("1e+20".into()));
    }

    #[test]
    fn json_is_that_of_postgresql() {
        let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
        let good = [
            " {\"a\" :1, \"a\": \"\\u0000\\ud800\"} ",
            "-0.5e+3",
            "null",
            &deep,
            "1e999",
            "\"\u{7f}\"",
        ];
        for given in good {
            assert_eq!(json(Value::Text(given.as_bytes())).as_deref(), Ok(given));
        }
        for given in
            ["", "[1", "{a:1}", "NaN", "01", "'a'", "[1,]", "\"\n\"", "\"\\x\"", "1 2", "True"]
        {
            let read = json(Value::Text(given.as_bytes()));
            assert_eq!(read, Err(Reason::NotOfType("json")), "{given}");
        }
        assert_eq!(json(Value::Integer(7)), Ok("7".into()));
        assert!(json(Value::Real(f64::INFINITY)).is_err());
    }

    #[test]
    fn only_blanks_are_cut_off() {
        let cases = [
            ("äöü", 3, Ok("äöü")),
            ("äöü   ", 4, Ok("äöü ")),
            ("äöüß", 3, Err(Reason::TooLong(3))),
            ("", 1, Ok("")),
        ];
        for (given, longest, expected) in cases {
            assert_eq!(limited(given.into(), longest).as_deref(), expected.as_deref(), "{given}");
        }
        assert_eq!(padded(Value::Text(b"a  "), 2), Ok(Datum::Padded("a".into(), 2)));
    }

    #[test]
    fn booleans_are_those_of_postgresql() {
        for (given, expected) in
            [("TRUE", true), ("y", true), ("of", false), (" off ", false), ("0", false)]
        {
            assert_eq!(boolean(Value::Text(given.as_bytes())), Ok(expected), "{given}");
        }
        for given in ["o", "", "2", "truer"] {
            assert!(boolean(Value::Text(given.as_bytes())).is_err(), "{given}");
        }
        assert!(boolean(Value::Integer(2)).is_err());
    }

    #[test]
    fn uuids_are_those_of_postgresql() {
        let expected = *b"\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11";
        for given in [
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
            "{a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11}",
        ] {
            assert_eq!(uuid(Value::Text(given.as_bytes())), Ok(expected), "{given}");
        }
        assert_eq!(uuid(Value::Blob(&expected)), Ok(expected));
        for given in
            ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "a-0eebc999c0b4ef8bb6d6bb9bd380a11", ""]
        {
            assert!(uuid(Value::Text(given.as_bytes())).is_err(), "{given}");
        }
    }
}
