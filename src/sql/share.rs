//! Parts of a table of about the same size, by its keys: a row stays in its part however the table grows.

use std::fmt;

use super::buckets::Bucketing;
use super::digest::DigestOf;
use crate::error::Side;
use crate::sql::mapping::TableMapping;
use crate::sql::{Sql, sql};

/// Integer keys that lie together are in the same part: 2^10 of them.
const NEIGHBOURS: Bucketing = Bucketing::Range { shift: 10 };
/// What of a bucket's number, or of a hash, says the part.
const BITS: i64 = 0x7fff_ffff;

/// Part `part` of `of`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub part: u32,
    pub of: u32,
}

impl Share {
    /// The part after the one that `sync_log` names, or the first.
    pub fn after(text: Option<&str>, of: u32) -> Self {
        let part = text.and_then(|text| text.split_once('/')?.0.parse::<u32>().ok());
        Self { part: part.filter(|part| *part < of).unwrap_or(0) + 1, of }
    }

    /// How the keys of a table are cut, so that each bucket lies in one part.
    pub fn bucketing(self, mapping: &TableMapping) -> Bucketing {
        if mapping.has_integer_key() { NEIGHBOURS } else { Bucketing::Hash { mask: BITS } }
    }

    /// Whether a bucket lies in the part.
    pub fn holds(self, bucket: i64) -> bool {
        (bucket & BITS) % i64::from(self.of) == i64::from(self.part) - 1
    }

    /// All parts, the last of which was just proven.
    pub fn whole(of: u32) -> Self {
        Self { part: of, of }
    }
}

/// As `sync_log` has it: `3/7`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

impl TableMapping {
    /// The digest of the rows of a part.
    pub fn digest_share(&self, side: Side, share: Share) -> Sql {
        let number = self.bucket(side, share.bucketing(self));
        let scope = sql!(
            "pg_catalog.mod({number} operator(pg_catalog.&) {bits}::pg_catalog.int8, {of}::pg_catalog.int8) \
             operator(pg_catalog.=) {part}::pg_catalog.int8",
            number = number,
            bits = BITS,
            of = share.of,
            part = share.part - 1,
        );
        self.digest(side, DigestOf::Rows, Some(&scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_after_the_last_is_the_first() {
        let after = |text, of| Share::after(text, of).to_string();
        assert_eq!(after(None, 7), "1/7");
        assert_eq!(after(Some("3/7"), 7), "4/7");
        assert_eq!(after(Some("7/7"), 7), "1/7");
        assert_eq!(after(Some("9/12"), 7), "1/7");
        assert_eq!(after(Some("x"), 1), "1/1");
        assert!(Share { part: 5, of: 7 }.holds(-5), "2147483643 is 4 modulo 7");
        assert_eq!((1..=7).filter(|part| Share { part: *part, of: 7 }.holds(i64::MIN)).count(), 1);
        assert_eq!(Share::whole(7), Share { part: 7, of: 7 });
    }
}
