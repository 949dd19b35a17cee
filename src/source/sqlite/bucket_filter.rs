//! SQLite itself passes over the rows of other buckets: it decodes nothing of them but their keys.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::failure;
use super::row::{RowShape, raw};
use crate::error::Result;
use crate::ident::Ident;
use crate::sql::buckets::{Bucketing, Buckets};
use crate::sql::{Sql, sql};

const NAME: &str = "pgsync_may_be_meant";
/// SQLite takes no more arguments; a table without a key can have more columns.
const MOST_ARGUMENTS: usize = 100;

/// A function of a connection, as long as it is wanted. Statements that call it have to end before it.
pub struct BucketFilter<'c> {
    connection: &'c Connection,
    key: Vec<Ident>,
}

impl<'c> BucketFilter<'c> {
    /// Defines the function of a key's columns that tells whether a row can lie in some buckets; none where SQLite
    /// can have none.
    ///
    /// # Errors
    /// SQLite's.
    pub fn define(
        connection: &'c Connection,
        shape: &RowShape,
        buckets: &Buckets,
    ) -> Result<Option<Self>> {
        let Bucketing::Hash { mask } = buckets.bucketing() else { return Ok(None) };
        let key: Vec<Ident> = shape.key_names().cloned().collect();
        if key.len() > MOST_ARGUMENTS {
            return Ok(None);
        }
        let (shape, meant) = (shape.keys_only(), BucketSet::of(buckets, mask));
        let flags = FunctionFlags::SQLITE_UTF8
            | FunctionFlags::SQLITE_DETERMINISTIC
            | FunctionFlags::SQLITE_DIRECTONLY;
        let defined = connection.create_scalar_function(NAME, key.len() as i32, flags, {
            move |call| {
                let values = (0..call.len()).map(|place| raw(call.get_raw(place)));
                // A key that the target cannot hold makes its row a bad one, which is told.
                let bucket = shape.hashed_bucket(values, mask);
                Ok(bucket.is_none_or(|bucket| meant.has(bucket)))
            }
        });
        defined.map_err(|error| failure::of("reading rows", &error))?;
        Ok(Some(Self { connection, key }))
    }

    /// What a row fulfils that can lie in one of the buckets.
    pub fn condition(&self) -> Sql {
        sql!("{name}({key})", name = Sql::trusted(NAME), key = Sql::join(&self.key, ", "))
    }
}

impl Drop for BucketFilter<'_> {
    fn drop(&mut self) {
        // The next one replaces what stays.
        let _ = self.connection.remove_function(NAME, self.key.len() as i32);
    }
}

/// Numbers of buckets, a bit for each that there can be.
struct BucketSet(Vec<u64>);

impl BucketSet {
    fn of(buckets: &Buckets, mask: i64) -> Self {
        let mut words = vec![0; (mask as usize >> 6) + 1];
        for number in buckets.numbers() {
            if let Some(word) = words.get_mut(number as usize >> 6) {
                *word |= 1 << (number & 63);
            }
        }
        Self(words)
    }

    fn has(&self, number: i64) -> bool {
        self.0.get(number as usize >> 6).is_some_and(|word| word >> (number & 63) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_its_buckets_and_no_others() {
        let mask = 255;
        let buckets = Buckets::new(Bucketing::Hash { mask }, &[0..=0, 62..=65, 255..=255]);
        let meant = BucketSet::of(&buckets, mask);
        let has: Vec<i64> = (0..=mask).filter(|number| meant.has(*number)).collect();
        assert_eq!(has, [0, 62, 63, 64, 65, 255]);
    }
}
