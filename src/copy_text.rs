//! Framing of COPY text rows, without decoding them: a row is one message and ends in a line feed;
//! fields are divided by tabs, which inside values are written `\t`.

use bytes::Bytes;

/// The bytes of the first field, as they are.
pub fn first_field(row: &Bytes) -> &[u8] {
    let end = memchr::memchr2(b'\t', b'\n', row).unwrap_or(row.len());
    &row[..end]
}

/// The fields of a row of numbers, which never need escapes.
pub fn fields(row: &Bytes) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(row).unwrap_or_default();
    text.trim_end_matches('\n').split('\t')
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
