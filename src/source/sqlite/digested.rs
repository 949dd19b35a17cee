//! Digests of whole tables that a copy has made beside its work: it is proven without a second look at the file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::row::RowShape;
use crate::digest::Digest;
use crate::sql::Sql;

/// Of one snapshot.
#[derive(Clone, Debug, Default)]
pub struct Digested(Arc<Mutex<HashMap<String, DigestedTable>>>);

/// All rows of a table, or of what rules show of it, read in this shape.
#[derive(Debug)]
struct DigestedTable {
    shape: RowShape,
    digest: Digest,
}

impl Digested {
    /// Keeps the digest of all rows.
    pub fn keep(&self, from: &Sql, shape: &RowShape, digest: Digest) {
        let table = DigestedTable { shape: shape.clone(), digest };
        self.all().insert(from.as_str().to_owned(), table);
    }

    /// The digest of all rows, if they were read in the same shape.
    pub fn of(&self, from: &Sql, shape: &RowShape) -> Option<Digest> {
        let all = self.all();
        let table = all.get(from.as_str()).filter(|table| table.shape == *shape)?;
        Some(table.digest)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, DigestedTable>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
