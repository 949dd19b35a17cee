//! A value of the target, and its text.

use std::borrow::Cow;
use std::io::Write;

use super::number::Width;
use super::{moment, number};

/// A value of a type of the target.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum<'a> {
    Null,
    Integer(i64),
    Boolean(bool),
    Text(Cow<'a, str>),
    /// `char(n)`: without the blanks that fill it up to so many characters.
    Padded(Cow<'a, str>, u32),
    Bytes(&'a [u8]),
    Uuid([u8; 16]),
    Float4(f32),
    Float8(f64),
    Numeric(String),
    /// Days since 2000-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 2000-01-01.
    Timestamp(i64),
    /// Microseconds since 2000-01-01 UTC.
    Timestamptz(i64),
    /// PostGIS's own form of a geometry, little-endian.
    Geometry(Vec<u8>),
    /// Text for the input function of the target's type, which may print something else.
    Input(Cow<'a, str>),
}

impl Datum<'_> {
    /// Appends what PostgreSQL prints for the value; nothing for NULL, which has no text.
    pub fn print(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Integer(value) => number::integer(*value, out),
            Self::Boolean(value) => out.push(if *value { b't' } else { b'f' }),
            Self::Text(text) | Self::Input(text) => out.extend_from_slice(text.as_bytes()),
            Self::Padded(text, width) => {
                out.extend_from_slice(text.as_bytes());
                let filled = text.chars().count();
                out.extend(std::iter::repeat_n(b' ', (*width as usize).saturating_sub(filled)));
            }
            Self::Bytes(bytes) => {
                out.extend_from_slice(b"\\x");
                hex(bytes, b"0123456789abcdef", out);
            }
            Self::Uuid(bytes) => uuid(bytes, out),
            Self::Float4(value) => number::float4(*value, out),
            Self::Float8(value) => number::float8(*value, out),
            Self::Numeric(text) => out.extend_from_slice(text.as_bytes()),
            Self::Date(days) => moment::print_date(*days, out),
            Self::Time(time) => moment::print_time(*time, out),
            Self::Timestamp(at) => moment::print_timestamp(*at, b"", out),
            Self::Timestamptz(at) => moment::print_timestamp(*at, b"+00", out),
            Self::Geometry(ewkb) => hex(ewkb, b"0123456789ABCDEF", out),
        }
    }

    /// Appends the value as a field of COPY text.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"\\N"),
            Self::Text(text) | Self::Input(text) => escape(text.as_bytes(), out),
            Self::Padded(text, width) => {
                let filled = text.chars().count();
                escape(text.as_bytes(), out);
                out.extend(std::iter::repeat_n(b' ', (*width as usize).saturating_sub(filled)));
            }
            Self::Bytes(_) => {
                out.push(b'\\');
                self.print(out);
            }
            _ => self.print(out),
        }
    }

    /// Appends the value as a field of binary COPY: its length, and what the type's receive function takes, for a
    /// type that has one of ours. `width` is that of an integer.
    pub fn send(&self, width: Width, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        match self {
            Self::Null => return,
            Self::Integer(value) => {
                out.extend_from_slice(&value.to_be_bytes()[8 - width.bytes()..]);
            }
            Self::Boolean(value) => out.push(u8::from(*value)),
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
            Self::Uuid(bytes) => out.extend_from_slice(bytes),
            Self::Float4(value) => out.extend_from_slice(&value.to_be_bytes()),
            Self::Float8(value) => out.extend_from_slice(&value.to_be_bytes()),
            Self::Timestamp(at) | Self::Timestamptz(at) | Self::Time(at) => {
                out.extend_from_slice(&at.to_be_bytes());
            }
            Self::Date(days) => out.extend_from_slice(&days.to_be_bytes()),
            // What is received as it is printed.
            _ => self.print(out),
        }
        // SQLite holds no value of more bytes.
        let length = (out.len() - begin - 4) as i32;
        out[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// The text of the bytes that the type's send function makes, as `float8send(x)::text` shows them; none
    /// where text is what is hashed.
    pub fn sent_text(&self) -> Option<SentText> {
        let text = match self {
            Self::Float4(value) => SentText::of(&value.to_be_bytes()),
            Self::Float8(value) => SentText::of(&value.to_be_bytes()),
            Self::Timestamp(at) | Self::Timestamptz(at) | Self::Time(at) => {
                SentText::of(&at.to_be_bytes())
            }
            Self::Date(days) => SentText::of(&days.to_be_bytes()),
            _ => return None,
        };
        Some(text)
    }
}

/// Up to eight bytes as `bytea` shows them, in no memory of its own.
#[derive(Clone, Copy, Debug)]
pub struct SentText {
    text: [u8; 18],
    length: usize,
}

impl SentText {
    fn of(bytes: &[u8]) -> Self {
        let (mut text, digits) = ([0; 18], b"0123456789abcdef");
        text[..2].copy_from_slice(b"\\x");
        for (pair, byte) in text[2..].chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
        Self { text, length: 2 + 2 * bytes.len() }
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

fn hex(bytes: &[u8], digits: &[u8; 16], out: &mut Vec<u8>) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push(digits[usize::from(byte >> 4)]);
        out.push(digits[usize::from(byte & 15)]);
    }
}

fn uuid(bytes: &[u8; 16], out: &mut Vec<u8>) {
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        // Writing into a vector does not fail.
        let _ = write!(out, "{byte:02x}");
    }
}

/// As COPY writes them: what divides fields and rows, and the backslash.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    // Most text has none of them; without an early end this takes many bytes at once.
    if !text.iter().fold(false, |found, byte| found | (*byte == b'\\') | (*byte < b' ')) {
        return out.extend_from_slice(text);
    }
    let mut rest = text;
    while let Some(place) = rest.iter().position(|byte| *byte == b'\\' || *byte < b' ') {
        let letter = match rest[place] {
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0b => b'v',
            0x0c => b'f',
            b'\r' => b'r',
            b'\\' => b'\\',
            other => {
                out.extend_from_slice(&rest[..place]);
                out.push(other);
                rest = &rest[place + 1..];
                continue;
            }
        };
        out.extend_from_slice(&rest[..place]);
        out.extend_from_slice(&[b'\\', letter]);
        rest = &rest[place + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(datum: &Datum) -> String {
        let mut out = Vec::new();
        datum.encode(&mut out);
        String::from_utf8(out).expect("COPY text of ours is UTF-8")
    }

    #[test]
    fn a_field_is_what_copy_writes() {
        let cases = [
            (Datum::Null, "\\N"),
            (Datum::Integer(-7), "-7"),
            (Datum::Boolean(true), "t"),
            (
                Datum::Text("a\tb\\c\n\u{1}d\r\u{8}\u{b}\u{c}".into()),
                "a\\tb\\\\c\\n\u{1}d\\r\\b\\v\\f",
            ),
            (Datum::Text("\\N".into()), "\\\\N"),
            (Datum::Padded("é".into(), 3), "é  "),
            (Datum::Bytes(b"\x00\xff"), "\\\\x00ff"),
            (Datum::Geometry(vec![1, 0xab]), "01AB"),
            (
                Datum::Uuid(*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"),
                "00112233-4455-6677-8899-aabbccddeeff",
            ),
        ];
        for (datum, expected) in cases {
            assert_eq!(encoded(&datum), expected, "{datum:?}");
        }
    }

    #[test]
    fn a_field_of_binary_copy_has_its_length_before_it() {
        let cases: [(Datum, Width, &[u8]); 9] = [
            (Datum::Null, Width::Four, b"\xff\xff\xff\xff"),
            (Datum::Integer(-2), Width::Two, b"\0\0\0\x02\xff\xfe"),
            (Datum::Integer(258), Width::Four, b"\0\0\0\x04\0\0\x01\x02"),
            (Datum::Integer(-1), Width::Eight, b"\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xff"),
            (Datum::Boolean(true), Width::Eight, b"\0\0\0\x01\x01"),
            (Datum::Text("a\té".into()), Width::Eight, b"\0\0\0\x04a\t\xc3\xa9"),
            (Datum::Padded("é".into(), 2), Width::Eight, b"\0\0\0\x03\xc3\xa9 "),
            (Datum::Bytes(b""), Width::Eight, b"\0\0\0\0"),
            (Datum::Date(-1), Width::Eight, b"\0\0\0\x04\xff\xff\xff\xff"),
        ];
        for (datum, width, expected) in cases {
            let mut out = Vec::new();
            datum.send(width, &mut out);
            assert_eq!(out, expected, "{datum:?}");
        }
    }

    #[test]
    fn what_is_sent_is_shown_as_bytes() {
        let shown = |datum: Datum| datum.sent_text().map(|text| text.as_bytes().to_vec());
        assert_eq!(shown(Datum::Float8(1.5)).as_deref(), Some(&b"\\x3ff8000000000000"[..]));
        assert_eq!(shown(Datum::Float4(1.5)).as_deref(), Some(&b"\\x3fc00000"[..]));
        assert_eq!(shown(Datum::Integer(1)), None);
    }
}
