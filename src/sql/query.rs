//! What is asked about the rows of a table, as data: which rows, in which order, what of them is hashed. The
//! engine asks either side in these terms. The words for a digest stand here, because both sides are asked
//! for digests; those for reading rows stand beside the source.

use std::ops::RangeInclusive;

use super::buckets::{Bucketing, Buckets};
use super::digest::{DigestOf, FirstRows, RowHashes};
use super::horizon::Horizon;
use super::keys::NumberedKey;
use super::read::{Pages, not};
use super::share::Share;
use crate::error::Side;
use crate::sql::mapping::{TableMapping, Timestamp};
use crate::sql::{Sql, sql};

/// For a session: its statements have no parallel workers.
pub const WITHOUT_HELPERS: &str = "set max_parallel_workers_per_gather = 0";

/// The rows with a finite timestamp from a moment on, inclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Since<'q> {
    pub timestamp: &'q Timestamp,
    /// UTC, as `2024-12-13 15:25:30.5`.
    pub from: &'q str,
}

/// Which rows of a table are meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RowScope<'q> {
    /// All of them.
    Table,
    Since(Since<'q>),
    /// All but those.
    NotSince(Since<'q>),
    /// Those with a finite timestamp before.
    Before(Since<'q>),
    /// Those without a finite timestamp.
    WithoutTimestamp(&'q Timestamp),
}

/// Which rows are read, and in which order. The answer is a stream of COPY text, one row a message.
#[derive(Clone, Copy, Debug)]
pub enum RowQuery<'q> {
    /// All rows, or those of a slice of pages, in the format of [`TableMapping::format`].
    All(Option<Pages>),
    /// No row: whether they may be read.
    None,
    /// In the order of the timestamp, which is the first column.
    InOrder(Since<'q>),
    /// The same, with the hash of each row as one more field before the others.
    InOrderHashed(Since<'q>),
    /// The rows of some buckets.
    Buckets { buckets: &'q Buckets, scope: RowScope<'q> },
    /// The rows with these keys.
    Keys { keys: &'q [NumberedKey], scope: RowScope<'q> },
    /// Not the rows of some buckets, but the key and the hash of each.
    KeyHashes { buckets: &'q Buckets, of: DigestOf, scope: RowScope<'q> },
}

/// Which rows are digested.
#[derive(Clone, Copy, Debug)]
pub enum DigestQuery<'q> {
    /// The keys of all rows, and what drifts.
    Keys,
    Rows(RowScope<'q>),
    /// The rows from a moment on, of which at most `limit` are taken, whichever they are. The answer has
    /// the greatest of their timestamps that may move a watermark, too.
    FirstSince {
        since: Since<'q>,
        limit: u64,
        horizon: &'q Horizon,
    },
    /// The rows of some buckets.
    Buckets {
        buckets: &'q Buckets,
        scope: RowScope<'q>,
    },
    /// One of several parts of all rows.
    Share(Share),
    /// The same in a table with one integer key column, whose keys lie in these buckets: see
    /// [`Share::looked_up`].
    LookedUp {
        share: Share,
        buckets: &'q RangeInclusive<i64>,
    },
}

/// The digests of all buckets of a table.
#[derive(Clone, Copy, Debug)]
pub struct BucketQuery<'q> {
    pub of: DigestOf,
    pub bucketing: Bucketing,
    pub scope: RowScope<'q>,
    /// The buckets that are digested, if not all are.
    pub within: Option<&'q RangeInclusive<i64>>,
}

impl RowScope<'_> {
    /// What a row of `t` fulfils; nothing where all rows are meant.
    pub fn condition(self, side: Side) -> Option<Sql> {
        match self {
            RowScope::Table => None,
            RowScope::Since(since) => Some(since.window(side)),
            RowScope::NotSince(since) => Some(not(since.window(side))),
            RowScope::Before(since) => Some(not(sql!(
                "({window}) or ({timeless})",
                window = since.window(side),
                timeless = since.timestamp.without_timestamp(),
            ))),
            RowScope::WithoutTimestamp(timestamp) => Some(timestamp.without_timestamp()),
        }
    }
}

impl Since<'_> {
    /// The condition of a side.
    pub fn window(self, side: Side) -> Sql {
        self.timestamp.window(side, self.from)
    }
}

impl DigestQuery<'_> {
    /// A statement whose only row begins with `count, sum`.
    pub fn statement(&self, side: Side, mapping: &TableMapping) -> Sql {
        match self {
            Self::Keys => mapping.digest(side, DigestOf::Keys, None),
            Self::Rows(scope) => {
                mapping.digest(side, DigestOf::Rows, scope.condition(side).as_ref())
            }
            Self::FirstSince { since, limit, horizon } => {
                let (timestamp, limit) = (since.timestamp, *limit);
                let first = FirstRows { limit, timestamp, horizon };
                mapping.digest_up_to(side, &since.window(side), first)
            }
            Self::Share(share) => mapping.digest_share(side, *share),
            Self::LookedUp { share, buckets } => mapping.digest_looked_up(side, *share, buckets),
            Self::Buckets { buckets, scope } => {
                mapping.digest_buckets(side, buckets, false, scope.condition(side).as_ref())
            }
        }
    }
}

impl BucketQuery<'_> {
    /// A statement that gives `bucket, count, sum` in the order of buckets, as COPY text.
    pub fn statement(&self, side: Side, mapping: &TableMapping) -> Sql {
        let within = self.within.map(|buckets| mapping.between(side, self.bucketing, buckets));
        let conditions: Vec<Sql> = within.into_iter().chain(self.scope.condition(side)).collect();
        let scope = (!conditions.is_empty()).then(|| Sql::join(&conditions, " and "));
        mapping.bucket_digests(side, self.of, self.bucketing, scope.as_ref())
    }

    /// The bucket and the hash of each row of the target.
    pub fn hashes(&self, mapping: &TableMapping) -> RowHashes {
        mapping.bucket_hashes(self.of, self.bucketing, self.scope.condition(Side::Target).as_ref())
    }
}
