//! What one side says of a set of rows: how many there are, and the sum of their hashes.

use super::Scope;
use crate::error::{Error, Result, Side};
use crate::pg::Row;
use crate::sql::Sql;
use crate::sql::digest::DigestOf;
use crate::sync::strategy::TableRun;
use crate::target_side::apply::Applied;

/// The number of rows and the sum of their hashes: equal for equal sets of rows, whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub rows: u64,
    pub sum: i128,
}

impl Digest {
    /// From the first two columns of an answer: `count, sum`.
    ///
    /// # Errors
    /// The answer is none of a digest.
    pub fn of(row: &Row) -> Result<Self> {
        let sum = match row.text(1) {
            None => 0,
            Some(sum) => sum
                .parse()
                .map_err(|_| Error::Internal(format!("\"{sum}\" is not a sum of hashes")))?,
        };
        Ok(Self { rows: row.count(0)?, sum })
    }

    /// Adds the digest of other rows.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum += other.sum;
    }

    /// The digest of keys after these writes, where they tell what they did to it.
    pub fn after(before: Option<Self>, applied: &Applied) -> Option<Self> {
        let (before, sum) = (before?, applied.keys?);
        let grown = before.rows + applied.counts.inserted;
        Some(Self { rows: grown.checked_sub(applied.counts.deleted)?, sum: before.sum + sum })
    }
}

/// Both sides' digests of the table, or of a predicate per side, at once.
pub async fn both(
    run: &TableRun,
    measure: DigestOf,
    scope: Option<(&Sql, &Sql)>,
) -> Result<[Digest; 2]> {
    let (here, there) = tokio::try_join!(
        one(run, Side::Source, measure, scope.map(|(source, _)| source)),
        one(run, Side::Target, measure, scope.map(|(_, target)| target)),
    )?;
    Ok([here, there])
}

/// One side's digest of the table or of a predicate.
pub async fn one(
    run: &TableRun,
    side: Side,
    measure: DigestOf,
    scope: Option<&Sql>,
) -> Result<Digest> {
    let statement = run.plan.mapping.digest(side, measure, scope);
    let session = match side {
        Side::Source => &run.source,
        Side::Target => &run.target,
    };
    Digest::of(&session.row("digesting rows", &statement).await?)
}

/// Whether both sides' digests agree, over the table or over a predicate per side.
pub async fn equal(run: &TableRun, measure: DigestOf, scope: Option<(&Sql, &Sql)>) -> Result<bool> {
    let [source, target] = both(run, measure, scope).await?;
    Ok(source == target)
}

/// The same over the rows of a scope.
pub async fn equal_in(run: &TableRun, scope: Scope) -> Result<bool> {
    let predicate = scope.predicate(run);
    equal(run, DigestOf::Rows, predicate.as_ref().map(|rows| (rows, rows))).await
}
