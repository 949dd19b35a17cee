//! What the rows of the source were when a run read them, for the next run: where it can tell that nobody has
//! written to the source since, it need not read them again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::digest::Digest;
use crate::ident::TableName;

/// The rows of one table of the source, as `sync_log` keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// Differs wherever the rows may: see `plan::recall`.
    pub mark: String,
    /// Of all rows.
    pub digest: Digest,
}

impl Recalled {
    /// From the text that it was kept as; none from any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, sum) = text.rsplit_once(' ')?;
        let (mark, rows) = rest.rsplit_once(' ')?;
        let digest = Digest::parse(rows.parse().ok()?, Some(sum)).ok()?;
        Some(Self { mark: mark.to_owned(), digest })
    }
}

impl fmt::Display for Recalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.mark, self.digest.rows, self.digest.sum)
    }
}

/// A table of the target, and what is kept of it.
#[derive(Clone, Debug)]
pub struct Kept {
    pub table: TableName,
    pub text: String,
}

/// What a round has learnt of the source's rows, by the target's names.
#[derive(Debug, Default)]
pub struct Recall(Mutex<HashMap<TableName, Recalled>>);

impl Recall {
    /// Takes note of the digest of all rows of a table.
    pub fn note(&self, table: &TableName, mark: Option<&String>, digest: Digest) {
        if let Some(mark) = mark {
            self.all().insert(table.clone(), Recalled { mark: mark.clone(), digest });
        }
    }

    /// What is to be kept of these tables.
    pub fn of<'t>(&self, tables: impl Iterator<Item = &'t TableName>) -> Vec<Kept> {
        let all = self.all();
        let kept = |table: &TableName| {
            Some(Kept { table: table.clone(), text: all.get(table)?.to_string() })
        };
        tables.filter_map(kept).collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<TableName, Recalled>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let kept = Recalled { mark: "1.2 3 4/ab".to_owned(), digest: Digest { rows: 5, sum: -6 } };
        assert_eq!(kept.to_string(), "1.2 3 4/ab 5 -6");
        assert_eq!(Recalled::parse(&kept.to_string()), Some(kept));
        for text in ["", "x", "x 1", "x y 1", "x 1 y"] {
            assert_eq!(Recalled::parse(text), None, "{text}");
        }
    }
}
