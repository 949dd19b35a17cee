//! Framing of COPY text rows, without decoding them: a row is one message and ends in a line feed;
//! fields are divided by tabs, which inside values are written `\t`.

use bytes::Bytes;

use crate::error::{Error, Result};

/// The bytes of the first field, as they are.
pub fn first_field(row: &Bytes) -> &[u8] {
    let end = memchr::memchr2(b'\t', b'\n', row).unwrap_or(row.len());
    &row[..end]
}

/// The first field of a row, and the row without it.
///
/// # Errors
/// It has no other field.
pub fn without_first_field(row: &Bytes) -> Result<(String, Bytes)> {
    let field = first_field(row);
    let text = std::str::from_utf8(field).ok().filter(|_| row.get(field.len()) == Some(&b'\t'));
    let text = text.ok_or_else(|| Error::Internal("a row came without its hash".to_owned()))?;
    Ok((text.to_owned(), row.slice(field.len() + 1..)))
}

/// The fields of a row of numbers, which never need escapes.
pub fn fields(row: &Bytes) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(row).unwrap_or_default();
    text.trim_end_matches('\n').split('\t')
}

/// The values of a row; `None` for NULL.
pub fn decoded(row: &Bytes) -> Vec<Option<String>> {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let fields = row.split(|byte| *byte == b'\t');
    fields.map(|field| (field != b"\\N").then(|| unescaped(field))).collect()
}

fn unescaped(field: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 0x0b,
                Some(other) => other,
                None => byte,
            },
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let row = Bytes::from_static(b"1\ta\\tb\\n\\\\N\t\\N\t\n");
        let values = ["1", "a\tb\n\\N"].map(|text| Some(text.to_owned()));
        let [one, other] = values;
        assert_eq!(decoded(&row), [one, other, None, Some(String::new())]);
    }

    #[test]
    fn the_first_field_ends_at_the_first_tab_or_at_the_end() {
        let cases: [(&'static [u8], &[u8]); 4] = [
            (b"2024-01-01 00:00:00+00\tx\n", b"2024-01-01 00:00:00+00"),
            (b"\\N\t1\n", b"\\N"),
            (b"alone\n", b"alone"),
            (b"\ta\n", b""),
        ];
        for (row, field) in cases {
            assert_eq!(first_field(&Bytes::from_static(row)), field);
        }
    }

    #[test]
    fn a_first_field_is_taken_off() {
        let (hash, values) =
            without_first_field(&Bytes::from_static(b"-7\t1\tx\n")).expect("two fields");
        assert_eq!((hash.as_str(), &values[..]), ("-7", &b"1\tx\n"[..]));
        assert!(without_first_field(&Bytes::from_static(b"-7\n")).is_err());
    }
}
