//! What a server says of a set of rows: how many there are, and the sum of their hashes.

pub mod buckets;

use crate::error::{Error, Result};

/// The number of rows and the sum of their hashes: equal for equal sets of rows, whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub rows: u64,
    pub sum: i128,
}

impl Digest {
    /// From a count and a sum as a server prints them; no rows have no sum.
    ///
    /// # Errors
    /// The sum is no number.
    pub fn parse(rows: u64, sum: Option<&str>) -> Result<Self> {
        let parsed = sum.map_or(Ok(0), str::parse);
        let no_sum =
            |_| Error::Internal(format!("\"{}\" is not a sum of hashes", sum.unwrap_or_default()));
        Ok(Self { rows, sum: parsed.map_err(no_sum)? })
    }

    /// Adds the digest of other rows.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum += other.sum;
    }
}
