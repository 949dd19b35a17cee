//! A session that reads the run's snapshot, and the words of what is asked of it.

use super::SourceRows;
use super::snapshot::{IMPORT_AGAIN, check_not_rewritten, import_again};
use crate::digest::Digest;
use crate::digest::buckets::BucketStream;
use crate::error::{Error, Result, Side};
use crate::pg::{PooledSession, Row, Session};
use crate::plan::TablePlan;
use crate::source::{Answer, Asked, Lock, Question};
use crate::sql::compared::ColumnQuery;
use crate::sql::horizon::Horizon;
use crate::sql::keys::NumberedKey;
use crate::sql::large_objects::ANY_LARGE_OBJECT;
use crate::sql::mapping::{PlanColumn, TableMapping, Timestamp};
use crate::sql::query::{BucketQuery, DigestQuery, RowQuery, WITHOUT_HELPERS};
use crate::sql::{Sql, sql};

/// One who reads the source. Several questions may be under way at once.
pub struct Reader {
    pub(super) session: PooledSession,
}

impl Reader {
    /// For work that reads nothing.
    pub fn none() -> Self {
        Self { session: PooledSession::none() }
    }

    /// Ends it, and with it what is under way.
    pub fn close(&mut self) {
        self.session.close();
    }

    /// The reader, which its holder needs no longer.
    pub fn take(&mut self) -> Self {
        Self { session: self.session.take() }
    }

    /// Says that nothing is under way any more: it can be used again.
    pub fn set_clean(&mut self) {
        self.session.set_clean(true);
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
        self.stream(doing, &wording(mapping, query)).await
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
        self.session.row(doing, &query.statement(Side::Source, mapping)).await?.digest()
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
        self.session.row(doing, &mapping.digest_of_keys(keys)).await?.digest()
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
        let rows = self.session.copy_out(doing, &query.statement(Side::Source, mapping)).await?;
        Ok(rows.into_buckets())
    }

    /// From now on one server process digests, not one and its parallel workers.
    ///
    /// # Errors
    /// The source's.
    pub async fn without_helpers(&self, doing: &str) -> Result<()> {
        self.session.run(doing, &Sql::trusted(WITHOUT_HELPERS)).await
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
        let statement = mapping.column_hashes(Side::Source, std::slice::from_ref(key));
        Ok(self.session.rows(doing, &statement).await?.first().map(Row::texts))
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
        let statement = mapping.compared_columns(Side::Source, query);
        Ok(self.session.rows(doing, &statement).await?.iter().map(Row::texts).collect())
    }

    /// The least and the greatest key of a table with one integer key column.
    ///
    /// # Errors
    /// The source's.
    pub async fn key_bounds(&self, doing: &str, mapping: &TableMapping) -> Result<Vec<i128>> {
        self.session.row(doing, &mapping.key_bounds(Side::Source)).await.map(|row| row.numbers())
    }

    /// See [`TableMapping::neighbours`]. What rules show is read as a whole.
    ///
    /// # Errors
    /// The source's.
    pub async fn neighbours(&self, doing: &str, mapping: &TableMapping) -> Result<Vec<i128>> {
        if mapping.source.view.is_some() {
            return Ok(Vec::new());
        }
        self.session.row(doing, &mapping.neighbours(Side::Source)).await.map(|row| row.numbers())
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
        let statement = timestamp.greatest(mapping, horizon);
        let rows = self.session.rows("reading the greatest timestamp", &statement).await?;
        Ok(rows.first().and_then(|row| row.text(0)).map(str::to_owned))
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
        self.answers(doing, plan, lock, &[]).await.map(drop)
    }

    /// Answers to all questions, once it is sure that the snapshot still shows the table's rows; in one
    /// round trip.
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
        let asked = Asked { plan, questions };
        let answers = self.answers_of_several(doing, lock, &[asked]).await?.pop();
        answers.ok_or_else(incomplete)
    }

    /// The answers about each of several tables, in one round trip and one message: so the server answers
    /// at once, and nobody is woken table by table.
    ///
    /// # Errors
    /// As [`Reader::check_not_rewritten`], of any of the tables.
    pub async fn answers_of_several(
        &self,
        doing: &str,
        lock: Lock,
        asked: &[Asked<'_>],
    ) -> Result<Vec<Vec<Answer>>> {
        let let_go = self.session.snapshot().filter(|_| lock == Lock::LetGo).map(import_again);
        let all = Sql::join(asked.iter().map(|one| statements(one, let_go.as_ref())), "; ");
        let mut rows = self.session.query_all(doing, &all).await?.into_iter();
        let mut answers = Vec::new();
        for Asked { plan, questions } in asked {
            let reads: Vec<Vec<Row>> = rows.by_ref().take(questions.len().max(1)).collect();
            let storage = rows.next().unwrap_or_default();
            check_not_rewritten(&plan.mapping.source.name, &plan.storage, storage.first())?;
            if let_go.is_some() {
                rows.by_ref().take(IMPORT_AGAIN).for_each(drop);
            }
            let answer =
                |(question, rows): (&Question<'_>, &Vec<Row>)| answer(question, rows.first());
            answers
                .push(questions.iter().zip(&reads).map(answer).collect::<Result<Vec<Answer>>>()?);
        }
        Ok(answers)
    }

    /// Which row is the first whose text is not UTF-8, in words.
    ///
    /// # Errors
    /// The source's.
    pub async fn unreadable_row(&self, mapping: &TableMapping) -> Result<Option<String>> {
        let row = self.session.row("looking for the row", &mapping.unreadable_row()).await?;
        Ok(row.text(0).map(str::to_owned))
    }

    /// Whether the database holds large objects.
    ///
    /// # Errors
    /// The source's.
    pub async fn has_large_objects(&self) -> Result<bool> {
        let statement = Sql::trusted(ANY_LARGE_OBJECT);
        Ok(self.session.row("looking for large objects", &statement).await?.is_true(0))
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
        let statement = mapping.count_large_objects(column);
        self.session.row("counting rows that point to large objects", &statement).await?.count(0)
    }

    /// Which of the keys the source has: their numbers. A key that its type does not take there, say a label
    /// that an enum does not have, is a key that no row has; to tell which, the others are asked for apart.
    ///
    /// # Errors
    /// The source's, other than of values that its types do not take.
    pub async fn find_keys(
        &self,
        doing: &str,
        mapping: &TableMapping,
        keys: &[NumberedKey],
    ) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        let mut open = Vec::from_iter(Some(keys).filter(|keys| !keys.is_empty()));
        while let Some(keys) = open.pop() {
            match find_all(&self.session, doing, &mapping.find_keys(keys)).await {
                Ok(numbers) => found.extend(numbers),
                Err(error) if !is_invalid_value(&error) => return Err(error),
                Err(_) if keys.len() > 1 => {
                    let (first, second) = keys.split_at(keys.len() / 2);
                    open.extend([first, second]);
                }
                Err(_) => {}
            }
        }
        Ok(found)
    }

    async fn stream(&self, doing: &'static str, statement: &Sql) -> Result<SourceRows> {
        self.session.copy_out(doing, statement).await.map(SourceRows)
    }
}

/// Which rows, in SQL.
fn wording(mapping: &TableMapping, query: RowQuery<'_>) -> Sql {
    match query {
        RowQuery::All(pages) => mapping.copy_all(pages),
        RowQuery::None => mapping.copy_none(),
        RowQuery::InOrder(since) => {
            mapping.copy_ordered(since.timestamp, &since.window(Side::Source))
        }
        RowQuery::InOrderHashed(since) => {
            mapping.copy_hashed(since.timestamp, &since.window(Side::Source))
        }
        RowQuery::Buckets { buckets, scope } => {
            mapping.copy_buckets(buckets, scope.condition(Side::Source).as_ref())
        }
        RowQuery::Keys { keys, scope } => {
            mapping.copy_wanted(keys, scope.condition(Side::Source).as_ref())
        }
        RowQuery::KeyHashes { buckets, of, scope } => {
            mapping.copy_keys(buckets, of, scope.condition(Side::Source).as_ref())
        }
    }
}

/// What is asked about one table, the look whether it is still the one of the snapshot, and what lets it go.
fn statements(asked: &Asked<'_>, let_go: Option<&Sql>) -> Sql {
    let Asked { plan: TablePlan { mapping, .. }, questions } = asked;
    // The first statement holds the table, so others than reads of it must not stand there.
    let mut all: Vec<Sql> = questions.iter().map(|question| statement(mapping, question)).collect();
    if questions.is_empty() {
        all.push(mapping.source.lock_against_truncate());
    }
    all.push(mapping.source.storage());
    Sql::join(all.iter().chain(let_go), "; ")
}

fn incomplete() -> Error {
    Error::Internal("an answer came back incomplete".to_owned())
}

fn statement(mapping: &TableMapping, question: &Question<'_>) -> Sql {
    match question {
        Question::Digest(query) => query.statement(Side::Source, mapping),
        Question::Greatest { timestamp, horizon } => timestamp.greatest(mapping, horizon),
    }
}

fn answer(question: &Question<'_>, row: Option<&Row>) -> Result<Answer> {
    let text = |column| row.and_then(|row| row.text(column)).map(str::to_owned);
    match (question, row) {
        (Question::Greatest { .. }, _) => {
            Ok(Answer { greatest: text(0), digest: Digest::default() })
        }
        (Question::Digest(_), Some(row)) => Ok(Answer { digest: row.digest()?, greatest: text(2) }),
        (Question::Digest(_), None) => Err(incomplete()),
    }
}

/// A failed statement ends the snapshot's transaction, unless a savepoint stands before it.
async fn find_all(session: &Session, doing: &str, statement: &Sql) -> Result<Vec<u64>> {
    let set = Sql::trusted("savepoint pgsync_ask");
    let (set, rows) = tokio::join!(session.run(doing, &set), session.rows(doing, statement));
    set?;
    let back = if rows.is_err() { "rollback to savepoint pgsync_ask; " } else { "" };
    let end = sql!("{back}release savepoint pgsync_ask", back = Sql::trusted(back));
    let ended = session.run(doing, &end).await;
    let rows = rows?;
    ended?;
    rows.iter().map(|row| row.count(0)).collect()
}

/// What an input function says of a text that is none of a value of its type: invalid text, out of range,
/// a date that there is not, a character that the encoding lacks. Other errors, of an operator say, tell
/// nothing about the key.
const INVALID: &[&str] = &["22P02", "22003", "22007", "22008", "22P05", "22021"];

fn is_invalid_value(error: &Error) -> bool {
    error.sqlstate().is_some_and(|state| INVALID.contains(&state))
}
