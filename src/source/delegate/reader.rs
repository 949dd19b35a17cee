//! The questions of one who reads.

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::{Either, try_join_all};

use crate::digest::Digest;
use crate::digest::buckets::BucketStream;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::plan::TablePlan;
use crate::source::{
    Answer, Asked, BadRow, Lock, MaskVerdict, Question, Reader, RowBundle, SourceRows, postgres,
    sqlite,
};
use crate::sql::Sql;
use crate::sql::check::Check;
use crate::sql::compared::ColumnQuery;
use crate::sql::horizon::Horizon;
use crate::sql::keys::NumberedKey;
use crate::sql::mapping::{PlanColumn, Relation, TableMapping, Timestamp};
use crate::sql::mask::{MaskHash, MaskTrial, Sample};
use crate::sql::query::{BucketQuery, DigestQuery, RowQuery};
use crate::sql::user_expression::UserExpression;
use crate::table::Table;

impl Reader {
    /// For work that reads nothing.
    pub fn none() -> Self {
        Self::Postgres(postgres::Reader::none())
    }

    /// Ends it, and with it what is under way.
    pub fn close(&mut self) {
        each!(Self: self, one => one.close())
    }

    /// The reader, which its holder needs no longer.
    pub fn take(&mut self) -> Self {
        match self {
            Self::Postgres(reader) => Self::Postgres(reader.take()),
            Self::Sqlite(reader) => Self::Sqlite(reader.take()),
        }
    }

    /// Says that nothing is under way any more: it can be used again.
    pub fn set_clean(&mut self) {
        match self {
            Self::Postgres(reader) => reader.set_clean(),
            Self::Sqlite(_) => {}
        }
    }

    /// Reads rows, as COPY text.
    ///
    /// # Errors
    /// The source's. Errors in the middle of the stream come with the rows.
    pub async fn copy_out(
        &self,
        doing: &'static str,
        mapping: &TableMapping,
        query: RowQuery<'_>,
    ) -> Result<SourceRows> {
        match self {
            Self::Postgres(reader) => {
                reader.copy_out(doing, mapping, query).await.map(SourceRows::Postgres)
            }
            Self::Sqlite(reader) => {
                reader.copy_out(doing, mapping, query).await.map(SourceRows::Sqlite)
            }
        }
    }

    /// The digest of rows.
    ///
    /// # Errors
    /// The source's, and an answer that is no digest.
    pub async fn digest(
        &self,
        doing: &str,
        mapping: &TableMapping,
        query: DigestQuery<'_>,
    ) -> Result<Digest> {
        each!(Self: self, one => one.digest(doing, mapping, query).await)
    }

    /// The digest of the rows with these keys.
    ///
    /// # Errors
    /// As [`Reader::digest`].
    pub async fn digest_of_keys(
        &self,
        doing: &str,
        mapping: &TableMapping,
        keys: &[NumberedKey],
    ) -> Result<Digest> {
        each!(Self: self, one => one.digest_of_keys(doing, mapping, keys).await)
    }

    /// The digest of every bucket that holds rows.
    ///
    /// # Errors
    /// As [`Reader::copy_out`].
    pub async fn bucket_digests(
        &self,
        doing: &'static str,
        mapping: &TableMapping,
        query: BucketQuery<'_>,
    ) -> Result<BucketStream> {
        each!(Self: self, one => one.bucket_digests(doing, mapping, query).await)
    }

    /// From now on one server process digests, not one and its parallel workers.
    ///
    /// # Errors
    /// The source's.
    pub async fn without_helpers(&self, doing: &str) -> Result<()> {
        match self {
            Self::Postgres(reader) => reader.without_helpers(doing).await,
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// The hash of each column of the row with this key, if there is one.
    ///
    /// # Errors
    /// The source's.
    pub async fn column_hashes(
        &self,
        doing: &str,
        mapping: &TableMapping,
        key: &NumberedKey,
    ) -> Result<Option<Vec<Option<String>>>> {
        each!(Self: self, one => one.column_hashes(doing, mapping, key).await)
    }

    /// The columns of the rows with these keys: see [`TableMapping::compared_columns`].
    ///
    /// # Errors
    /// The source's.
    pub async fn compared_columns(
        &self,
        doing: &str,
        mapping: &TableMapping,
        query: &ColumnQuery<'_>,
    ) -> Result<Vec<Vec<Option<String>>>> {
        each!(Self: self, one => one.compared_columns(doing, mapping, query).await)
    }

    /// The least and the greatest key of a table with one integer key column.
    ///
    /// # Errors
    /// The source's.
    pub async fn key_bounds(&self, doing: &str, mapping: &TableMapping) -> Result<Vec<i128>> {
        each!(Self: self, one => one.key_bounds(doing, mapping).await)
    }

    /// Where the keys of a table with one integer key column lie, and whether rows lie in their order; nothing of
    /// a source that cannot look up a bucket for less than reading the table.
    ///
    /// # Errors
    /// The source's.
    pub async fn neighbours(&self, doing: &str, mapping: &TableMapping) -> Result<Vec<i128>> {
        match self {
            Self::Postgres(reader) => reader.neighbours(doing, mapping).await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// The greatest finite timestamp that may move a watermark.
    ///
    /// # Errors
    /// The source's.
    pub async fn greatest_timestamp(
        &self,
        mapping: &TableMapping,
        timestamp: &Timestamp,
        horizon: &Horizon,
    ) -> Result<Option<String>> {
        each!(Self: self, one => one.greatest_timestamp(mapping, timestamp, horizon).await)
    }

    /// Makes sure that the snapshot still shows the rows of a table.
    ///
    /// # Errors
    /// [`crate::error::Cause::Snapshot`], where it does not.
    pub async fn check_not_rewritten(
        &self,
        doing: &str,
        plan: &TablePlan,
        lock: Lock,
    ) -> Result<()> {
        match self {
            Self::Postgres(reader) => reader.check_not_rewritten(doing, plan, lock).await,
            // Whatever becomes of a file, the snapshot of it stays.
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Answers to all questions, once it is sure that the snapshot still shows the table's rows.
    ///
    /// # Errors
    /// As [`Reader::check_not_rewritten`].
    pub async fn answers(
        &self,
        doing: &str,
        plan: &TablePlan,
        lock: Lock,
        questions: &[Question<'_>],
    ) -> Result<Vec<Answer>> {
        match self {
            Self::Postgres(reader) => reader.answers(doing, plan, lock, questions).await,
            Self::Sqlite(reader) => reader.answers(doing, &plan.mapping, questions).await,
        }
    }

    /// The answers about each of several tables, as [`Reader::answers`] gives them.
    ///
    /// # Errors
    /// As [`Reader::answers`], of any of the tables.
    pub async fn answers_of_several(
        &self,
        doing: &str,
        lock: Lock,
        asked: &[Asked<'_>],
    ) -> Result<Vec<Vec<Answer>>> {
        match self {
            Self::Postgres(reader) => reader.answers_of_several(doing, lock, asked).await,
            Self::Sqlite(reader) => {
                let answers = asked.iter().map(|Asked { plan, questions }| {
                    reader.answers(doing, &plan.mapping, questions)
                });
                try_join_all(answers).await
            }
        }
    }

    /// Which row is the first whose text is not UTF-8, in words.
    ///
    /// # Errors
    /// The source's.
    pub async fn unreadable_row(&self, mapping: &TableMapping) -> Result<Option<String>> {
        match self {
            Self::Postgres(reader) => reader.unreadable_row(mapping).await,
            // A value that is no text fails with the name of its row.
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// Hands on all rows of a table with a value that the target cannot hold.
    ///
    /// # Errors
    /// The source's, and those of `each`.
    pub async fn bad_rows(
        &self,
        mapping: &TableMapping,
        each: impl FnMut(&BadRow) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Sqlite(reader) => reader.bad_rows(mapping, each).await,
        }
    }

    /// Whether the database holds large objects.
    ///
    /// # Errors
    /// The source's.
    pub async fn has_large_objects(&self) -> Result<bool> {
        match self {
            Self::Postgres(reader) => reader.has_large_objects().await,
            Self::Sqlite(_) => Ok(false),
        }
    }

    /// How many rows hold the number of a large object in a column.
    ///
    /// # Errors
    /// The source's.
    pub async fn count_large_objects(
        &self,
        mapping: &TableMapping,
        column: &PlanColumn,
    ) -> Result<u64> {
        match self {
            Self::Postgres(reader) => reader.count_large_objects(mapping, column).await,
            Self::Sqlite(_) => Ok(0),
        }
    }

    /// Which of the keys the source has: their numbers. A key that its type does not take there, say a label
    /// that an enum does not have, is a key that no row has.
    ///
    /// # Errors
    /// The source's, other than of values that its types do not take.
    pub async fn find_keys(
        &self,
        doing: &str,
        mapping: &TableMapping,
        keys: &[NumberedKey],
    ) -> Result<Vec<u64>> {
        each!(Self: self, one => one.find_keys(doing, mapping, keys).await)
    }

    /// What the source has against a filter of a table's rows.
    ///
    /// # Errors
    /// The source's, other than about the filter.
    pub async fn refuses_filter(
        &self,
        relation: &Relation,
        filter: &UserExpression,
        moment: &str,
    ) -> Result<Option<String>> {
        match self {
            Self::Postgres(reader) => reader.refuses_filter(relation, filter, moment).await,
            Self::Sqlite(reader) => reader.refuses_filter(relation, filter, moment).await,
        }
    }

    /// What becomes of each of the masks of one table.
    ///
    /// # Errors
    /// The source's, other than about the masks.
    pub async fn try_masks(
        &self,
        sample: &Sample<'_>,
        trials: &[MaskTrial<'_>],
    ) -> Result<Vec<MaskVerdict>> {
        match self {
            Self::Postgres(reader) => reader.try_masks(sample, trials).await,
            Self::Sqlite(_) => {
                let none =
                    MaskVerdict { objection: Some(sqlite::NO_MASKS.to_owned()), digest: None };
                Ok(vec![none; trials.len()])
            }
        }
    }

    /// The error with who holds a lock of the table, if it is about one that was not to be had.
    pub async fn with_lock_holder(&self, error: Error, table: &TableName) -> Error {
        match self {
            Self::Postgres(reader) => reader.with_lock_holder(error, table).await,
            Self::Sqlite(_) => error,
        }
    }

    /// Digests of what expressions of users give for a sample, in the order of `trials`.
    ///
    /// # Errors
    /// The source's.
    pub async fn mask_digests(
        &self,
        sample: &Sample<'_>,
        trials: &[MaskTrial<'_>],
    ) -> Result<Vec<Option<String>>> {
        match self {
            Self::Postgres(reader) => reader.mask_digests(sample, trials).await,
            Self::Sqlite(_) => Ok(vec![None; trials.len()]),
        }
    }

    /// The conditions that tables lay down for their rows.
    ///
    /// # Errors
    /// The source's.
    pub async fn checks(&self, tables: &[&Table]) -> Result<Vec<Check>> {
        match self {
            Self::Postgres(reader) => reader.checks(tables).await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// For how many of some rows a condition does not hold, in words.
    ///
    /// # Errors
    /// The source's, other than about the condition.
    pub async fn breach(&self, rows: &Sql, check: &Check) -> Result<Option<String>> {
        match self {
            Self::Postgres(reader) => reader.breach(rows, check).await,
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// Some rows as rules show them, as COPY text; none of a source without masks.
    ///
    /// # Errors
    /// The source's. Errors in the middle of the stream come with the rows.
    pub async fn sample(
        &self,
        relation: &Relation,
        columns: &[Ident],
    ) -> Result<Option<SourceRows>> {
        match self {
            Self::Postgres(reader) => {
                Ok(Some(SourceRows::Postgres(reader.sample(relation, columns).await?)))
            }
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// A word that is another one for another key of masks.
    ///
    /// # Errors
    /// The source's.
    pub async fn mask_key_mark(&self, hash: MaskHash) -> Result<String> {
        match self {
            Self::Postgres(reader) => reader.mask_key_mark(hash).await,
            Self::Sqlite(_) => Ok(String::new()),
        }
    }
}

impl SourceRows {
    /// The next row, or `None` at the end.
    ///
    /// # Errors
    /// The source's.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        each!(Self: self, one => one.next().await)
    }

    /// The next rows, as many as the source has at once, or `None` at the end.
    ///
    /// # Errors
    /// The source's.
    pub async fn next_together(&mut self) -> Result<Option<RowBundle>> {
        match self {
            Self::Postgres(rows) => Ok(rows.next().await?.map(|text| RowBundle { text, rows: 1 })),
            Self::Sqlite(rows) => rows.next_together().await,
        }
    }

    /// The rows as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Unpin {
        match self {
            Self::Postgres(rows) => Either::Left(rows.into_stream()),
            Self::Sqlite(rows) => Either::Right(Box::pin(rows.into_stream())),
        }
    }
}
