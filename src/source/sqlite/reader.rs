//! What is asked of a file, answered in its snapshot.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::bad_rows::{self, BadRowTables};
use super::digested::Digested;
use super::failure;
use super::forms::Forms;
use super::row::{BINARY_HEAD, BINARY_TAIL, RowShape, encode, printed};
use super::rows::SourceRows;
use super::scan::{Rows, Scan};
use super::scope::{self, Moments};
use super::snapshot::{Lease, Wanted};
use crate::config::source::BadRows;
use crate::digest::Digest;
use crate::digest::buckets::{BucketStream, OpenBuckets};
use crate::error::{Error, Result};
use crate::source::{Answer, BadRow, Question};
use crate::sql::buckets::Bucketing;
use crate::sql::compared::ColumnQuery;
use crate::sql::digest::DigestOf;
use crate::sql::horizon::Horizon;
use crate::sql::keys::NumberedKey;
use crate::sql::mapping::{Relation, TableMapping, Timestamp};
use crate::sql::query::{BucketQuery, DigestQuery, RowQuery, RowScope};
use crate::sql::{Sql, sql};

/// One who reads the file.
pub struct Reader {
    lease: Option<Lease>,
    forms: Forms,
    bad_rows: BadRowTables,
    digested: Digested,
}

impl Reader {
    pub(super) fn new(
        lease: Lease,
        forms: Forms,
        bad_rows: BadRowTables,
        digested: Digested,
    ) -> Self {
        Self { lease: Some(lease), forms, bad_rows, digested }
    }

    /// Ends it, and with it what is under way.
    pub fn close(&mut self) {
        self.lease = None;
    }

    /// The reader, which its holder needs no longer.
    pub fn take(&mut self) -> Self {
        let (forms, bad_rows) = (self.forms.clone(), self.bad_rows.clone());
        Self { lease: self.lease.take(), forms, bad_rows, digested: self.digested.clone() }
    }

    pub(super) fn lease(&self) -> Result<&Lease> {
        self.lease.as_ref().ok_or_else(|| Error::Internal("a reader was closed".to_owned()))
    }

    async fn shape(&self, mapping: &TableMapping) -> Result<RowShape> {
        self.forms.look(&mapping.source.name, self.lease()?).await?;
        RowShape::of(mapping, &self.forms)
    }

    /// The shape of the key. What it does not need to know is not looked for.
    async fn key_shape(&self, mapping: &TableMapping) -> Result<RowShape> {
        let table = &mapping.source.name;
        let drifting = mapping.drifting.iter().map(|column| &column.name);
        let mut read = mapping.key.iter().map(|column| &column.name).chain(drifting);
        if mapping.key.is_empty() || read.any(|name| self.forms.is_open(table, name)) {
            return Ok(self.shape(mapping).await?.keys_only());
        }
        Ok(RowShape::of(mapping, &self.forms)?.keys_only())
    }

    /// Has all rows of a table read. Where the forms of timestamps are still to be found, the rows are read in those
    /// that the first of them show, and only if that does not succeed they are looked at before.
    async fn read_all<T: Send + 'static>(
        &self,
        mapping: &TableMapping,
        whole: Whole<'_>,
        work: impl Fn(&Scan, &Connection, &Wanted) -> Result<T> + Clone + Send + 'static,
    ) -> Result<T> {
        let Whole { of, rows, scope } = whole;
        let (table, lease) = (&mapping.source.name, self.lease()?);
        // A condition may leave out a row whose timestamp is written in another form.
        let is_whole = mapping.source.view.is_none() && of == DigestOf::Rows;
        let likely = if is_whole { self.forms.likely(table, lease).await? } else { None };
        if let Some(likely) = likely
            && let Some(shape) = RowShape::of(mapping, &self.forms)?.with_likely(&likely)
        {
            // A row that cannot be read is none of the file's bad rows yet.
            let apart = BadRowTables::new(BadRows::Fail);
            let moments = Moments::of(&shape, scope)?;
            let (from, watch) = (shown(&mapping.source), apart.watch(table));
            let scan = Scan { from, shape, rows: rows.clone(), moments, watch };
            let work = work.clone();
            let done = lease.ask(move |connection, wanted| work(&scan, connection, wanted)).await;
            if done.is_ok() {
                self.forms.confirm(table, likely);
            }
            if !apart.are_in(table) {
                return done;
            }
        }
        let shape = self.digested_shape(mapping, of, scope).await?;
        let scan = self.scan(mapping, shape, rows, scope)?;
        lease.ask(move |connection, wanted| work(&scan, connection, wanted)).await
    }

    fn scan(
        &self,
        mapping: &TableMapping,
        shape: RowShape,
        rows: Rows,
        scope: RowScope<'_>,
    ) -> Result<Scan> {
        let moments = Moments::of(&shape, scope)?;
        let watch = self.bad_rows.watch(&mapping.source.name);
        Ok(Scan { from: shown(&mapping.source), shape, rows, moments, watch })
    }

    /// Whether a table holds a row.
    pub async fn has_row(&self, relation: &Relation) -> Result<bool> {
        let statement = sql!("select exists (select 1 from {from})", from = shown(relation));
        let told = |error: rusqlite::Error| failure::of("looking for rows", &error);
        let asked = self.lease()?.ask(move |connection, _| {
            connection.query_row(statement.as_str(), [], |row| row.get(0)).map_err(told)
        });
        asked.await
    }

    /// Reads rows, as COPY text; all rows of a table in binary where its mapping says so.
    pub async fn copy_out(
        &self,
        _doing: &'static str,
        mapping: &TableMapping,
        query: RowQuery<'_>,
    ) -> Result<SourceRows> {
        let shape = self.shape(mapping).await?;
        let (rows, scope) = match query {
            RowQuery::All(_) => (Rows::All, RowScope::Table),
            RowQuery::None => (Rows::Keys(Vec::new()), RowScope::Table),
            RowQuery::InOrder(since) | RowQuery::InOrderHashed(since) => {
                (Rows::By(since.timestamp.column.clone()), RowScope::Since(since))
            }
            RowQuery::Buckets { buckets, scope } => (Rows::Buckets(buckets.clone()), scope),
            RowQuery::Keys { keys, scope } => (Rows::Keys(keys.to_vec()), scope),
            RowQuery::KeyHashes { buckets, of, scope } => {
                return self.key_hashes(mapping, Rows::Buckets(buckets.clone()), of, scope).await;
            }
        };
        let digested = matches!(query, RowQuery::All(_)).then(|| self.digested.clone());
        let binary = matches!(query, RowQuery::All(_)) && mapping.is_binary();
        let with_hash = matches!(query, RowQuery::InOrderHashed(_));
        let scan = self.scan(mapping, shape, rows, scope)?;
        SourceRows::of(self.lease()?, move |connection, wanted, outlet| {
            let mut digest = Digest::default();
            if binary {
                outlet.frame(BINARY_HEAD)?;
            }
            scan.run(connection, wanted, &mut |values| {
                if digested.is_some() {
                    let sum = scan.shape.hash(values, DigestOf::Rows).into();
                    digest.add(Digest { rows: 1, sum });
                }
                if binary {
                    return outlet.push(|out| scan.shape.send(values, out));
                }
                outlet.push(|out| {
                    if with_hash {
                        let hash = scan.shape.hash(values, DigestOf::Rows);
                        out.extend_from_slice(format!("{hash}\t").as_bytes());
                    }
                    encode(values, out);
                })
            })?;
            if binary {
                outlet.frame(BINARY_TAIL)?;
            }
            if let Some(digested) = digested {
                digested.keep(&scan.from, &scan.shape, digest);
            }
            Ok(())
        })
    }

    async fn key_hashes(
        &self,
        mapping: &TableMapping,
        rows: Rows,
        of: DigestOf,
        scope: RowScope<'_>,
    ) -> Result<SourceRows> {
        let scan =
            self.scan(mapping, self.digested_shape(mapping, of, scope).await?, rows, scope)?;
        SourceRows::of(self.lease()?, move |connection, wanted, outlet| {
            scan.run(connection, wanted, &mut |values| {
                let hash = scan.shape.hash(values, of);
                outlet.push(|out| {
                    scan.shape.encode_key(values, out);
                    out.extend_from_slice(format!("{hash}\n").as_bytes());
                })
            })
        })
    }

    /// What has to be read for a digest: keys alone are often in an index.
    async fn digested_shape(
        &self,
        mapping: &TableMapping,
        of: DigestOf,
        scope: RowScope<'_>,
    ) -> Result<RowShape> {
        let shape = self.shape(mapping).await?;
        Ok(match (of, scope) {
            (DigestOf::Keys, RowScope::Table) => shape.keys_only(),
            _ => shape,
        })
    }

    /// Hands on all rows with a value that the target cannot hold.
    pub async fn bad_rows(
        &self,
        mapping: &TableMapping,
        mut each: impl FnMut(&BadRow) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let (shape, from) = (self.shape(mapping).await?, shown(&mapping.source));
        let asked = self.lease()?.ask(move |connection, wanted| {
            bad_rows::list(connection, wanted, &shape, &from, &mut each)
        });
        asked.await
    }

    /// The digest of rows.
    pub async fn digest(
        &self,
        _doing: &str,
        mapping: &TableMapping,
        query: DigestQuery<'_>,
    ) -> Result<Digest> {
        self.answer(mapping, query).await.map(|answer| answer.digest)
    }

    async fn answer(&self, mapping: &TableMapping, query: DigestQuery<'_>) -> Result<Answer> {
        let (of, rows, scope) = match query {
            DigestQuery::Keys => (DigestOf::Keys, Rows::All, RowScope::Table),
            DigestQuery::Rows(scope) => (DigestOf::Rows, Rows::All, scope),
            DigestQuery::Buckets { buckets, scope } => {
                (DigestOf::Rows, Rows::Buckets(buckets.clone()), scope)
            }
            DigestQuery::Share(share) | DigestQuery::LookedUp { share, .. } => {
                (DigestOf::Rows, Rows::Share(share, share.bucketing(mapping)), RowScope::Table)
            }
            DigestQuery::FirstSince { since, .. } => {
                (DigestOf::Rows, Rows::All, RowScope::Since(since))
            }
        };
        if matches!(query, DigestQuery::Rows(RowScope::Table)) {
            return self.whole_digest(mapping).await;
        }
        let scan =
            self.scan(mapping, self.digested_shape(mapping, of, scope).await?, rows, scope)?;
        let mut first = match query {
            DigestQuery::FirstSince { since, limit, horizon } => {
                Greatest::of(&scan.shape, since.timestamp, horizon)?.limited(limit)
            }
            _ => Greatest::default(),
        };
        let limit = first.limit;
        let asked = self.lease()?.ask(move |connection, wanted| {
            let mut digest = Digest::default();
            let mut is_full = false;
            let read = scan.run(connection, wanted, &mut |values| {
                digest.add(Digest { rows: 1, sum: scan.shape.hash(values, of).into() });
                first.see(values);
                is_full = limit.is_some_and(|limit| digest.rows >= limit);
                if is_full { Err(full()) } else { Ok(()) }
            });
            match read {
                Err(_) if is_full => {}
                read => read?,
            }
            Ok(Answer { digest, greatest: first.text })
        });
        asked.await
    }

    /// The digest of all rows, unless a copy has made it.
    async fn whole_digest(&self, mapping: &TableMapping) -> Result<Answer> {
        let from = shown(&mapping.source);
        let known = RowShape::of(mapping, &self.forms).ok();
        let known = known.and_then(|shape| self.digested.of(&from, &shape));
        if let Some(digest) = known {
            return Ok(Answer { digest, greatest: None });
        }
        let whole = Whole { of: DigestOf::Rows, rows: Rows::All, scope: RowScope::Table };
        let read = self.read_all(mapping, whole, |scan, connection, wanted| {
            let mut digest = Digest::default();
            scan.run(connection, wanted, &mut |values| {
                let sum = scan.shape.hash(values, DigestOf::Rows).into();
                digest.add(Digest { rows: 1, sum });
                Ok(())
            })?;
            Ok(digest)
        });
        Ok(Answer { digest: read.await?, greatest: None })
    }

    /// The digest of the rows with these keys.
    pub async fn digest_of_keys(
        &self,
        _doing: &str,
        mapping: &TableMapping,
        keys: &[NumberedKey],
    ) -> Result<Digest> {
        let rows = Rows::Keys(keys.to_vec());
        let scan = self.scan(mapping, self.shape(mapping).await?, rows, RowScope::Table)?;
        let asked = self.lease()?.ask(move |connection, wanted| {
            let mut digest = Digest::default();
            scan.run(connection, wanted, &mut |values| {
                let sum = scan.shape.hash(values, DigestOf::Rows).into();
                digest.add(Digest { rows: 1, sum });
                Ok(())
            })?;
            Ok(digest)
        });
        asked.await
    }

    /// The digest of every bucket that holds rows.
    pub async fn bucket_digests(
        &self,
        _doing: &'static str,
        mapping: &TableMapping,
        query: BucketQuery<'_>,
    ) -> Result<BucketStream> {
        let BucketQuery { of, bucketing, scope, within } = query;
        let within = within.cloned();
        let rows = match bucketing {
            Bucketing::Range { .. } => Rows::ByKey,
            Bucketing::Hash { .. } => Rows::All,
        };
        let whole = Whole { of, rows, scope };
        let read = self.read_all(mapping, whole, move |scan, connection, wanted| {
            let mut open = match bucketing {
                Bucketing::Range { .. } if scan.is_in_order(connection)? => OpenBuckets::in_order(),
                Bucketing::Range { .. } => OpenBuckets::anywhere(),
                Bucketing::Hash { mask } => OpenBuckets::numbered(0..=mask),
            };
            scan.run(connection, wanted, &mut |values| {
                let row = scan.shape.hashed_bucket_of(values, of, bucketing);
                if within.as_ref().is_some_and(|within| !within.contains(&row.number)) {
                    return Ok(());
                }
                open.add(row)
            })?;
            Ok(open)
        });
        Ok(read.await?.into_stream(0))
    }

    /// The hash of each column of the row with this key, if there is one.
    pub async fn column_hashes(
        &self,
        _doing: &str,
        mapping: &TableMapping,
        key: &NumberedKey,
    ) -> Result<Option<Vec<Option<String>>>> {
        let query = ColumnQuery { keys: std::slice::from_ref(key), condition: None, values: false };
        let rows = self.compared_columns(_doing, mapping, &query).await?;
        Ok(rows.into_iter().next().map(|mut row| row.split_off(2)))
    }

    /// `number, condition`, the hash of each column, then the value of each, of the rows with these keys.
    pub async fn compared_columns(
        &self,
        _doing: &str,
        mapping: &TableMapping,
        query: &ColumnQuery<'_>,
    ) -> Result<Vec<Vec<Option<String>>>> {
        let (keys, with_values) = (query.keys.to_vec(), query.values);
        let rows = Rows::Keys(keys.clone());
        let scan = self.scan(mapping, self.shape(mapping).await?, rows, RowScope::Table)?;
        let asked = self.lease()?.ask(move |connection, wanted| {
            let mut found = Vec::new();
            scan.run(connection, wanted, &mut |values| {
                let text = scan.shape.key_text(values);
                let number = keys.iter().find(|key| Some(&key.values) == text.as_ref());
                let number = number.map(|key| key.number.to_string());
                let mut row = vec![number, Some("f".to_owned())];
                row.extend(
                    scan.shape.column_hashes(values).iter().map(|hash| Some(hash.to_string())),
                );
                if with_values {
                    row.extend(values.iter().map(printed));
                }
                found.push(row);
                Ok(())
            })?;
            Ok(found)
        });
        asked.await
    }

    /// The least and the greatest key of a table with one integer key column.
    pub async fn key_bounds(&self, _doing: &str, mapping: &TableMapping) -> Result<Vec<i128>> {
        let shape = self.key_shape(mapping).await?;
        let scan = self.scan(mapping, shape, Rows::All, RowScope::Table)?;
        let asked = self.lease()?.ask(move |connection, wanted| {
            let bounds = match indexed_bounds(connection, &scan)? {
                Some(bounds) => bounds,
                None => read_bounds(connection, wanted, &scan)?,
            };
            Ok(bounds.into_iter().flatten().map(i128::from).collect())
        });
        asked.await
    }

    /// The greatest finite timestamp that may move a watermark.
    pub async fn greatest_timestamp(
        &self,
        mapping: &TableMapping,
        timestamp: &Timestamp,
        horizon: &Horizon,
    ) -> Result<Option<String>> {
        let shape = self.shape(mapping).await?;
        let mut greatest = Greatest::of(&shape, timestamp, horizon)?;
        let scan = self.scan(mapping, shape, Rows::All, RowScope::Table)?;
        let asked = self.lease()?.ask(move |connection, wanted| {
            scan.run(connection, wanted, &mut |values| {
                greatest.see(values);
                Ok(())
            })?;
            Ok(greatest.text)
        });
        asked.await
    }

    /// Answers to all questions, one after the other.
    pub async fn answers(
        &self,
        _doing: &str,
        mapping: &TableMapping,
        questions: &[Question<'_>],
    ) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        for question in questions {
            answers.push(match question {
                Question::Digest(query) => self.answer(mapping, *query).await?,
                Question::Greatest { timestamp, horizon } => Answer {
                    digest: Digest::default(),
                    greatest: self.greatest_timestamp(mapping, timestamp, horizon).await?,
                },
            });
        }
        Ok(answers)
    }

    /// Which of the keys the file has: their numbers.
    pub async fn find_keys(
        &self,
        _doing: &str,
        mapping: &TableMapping,
        keys: &[NumberedKey],
    ) -> Result<Vec<u64>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys = keys.to_vec();
        let shape = self.shape(mapping).await?.keys_only();
        let scan = self.scan(mapping, shape, Rows::Keys(keys.clone()), RowScope::Table)?;
        let asked = self.lease()?.ask(move |connection, wanted| {
            let numbers: BTreeMap<&Vec<String>, u64> =
                keys.iter().map(|key| (&key.values, key.number)).collect();
            let mut found = Vec::new();
            scan.run(connection, wanted, &mut |values| {
                let key = scan.shape.key_text(values);
                found.extend(key.and_then(|key| numbers.get(&key).copied()));
                Ok(())
            })?;
            Ok(found)
        });
        asked.await
    }
}

/// Rows of which none is left out but by a condition on their timestamps.
struct Whole<'q> {
    of: DigestOf,
    rows: Rows,
    scope: RowScope<'q>,
}

/// The least and the greatest key, where there is a row.
type Bounds = [Option<i64>; 2];

/// Asks SQLite, which looks at the ends of an index; none where its order is not that of numbers.
fn indexed_bounds(connection: &Connection, scan: &Scan) -> Result<Option<Bounds>> {
    let Some(key) = scan.shape.key_names().next() else { return Ok(Some([None, None])) };
    if !scan.is_in_order(connection)? {
        return Ok(None);
    }
    // Asked for both at once, SQLite looks at all rows.
    let statement = sql!(
        "select (select min({key}) from {from}), (select max({key}) from {from})",
        key = key,
        from = scan.from
    );
    let read = connection.query_row(statement.as_str(), [], |row| {
        // Behind the numbers there may be text.
        Ok(row.get(0).and_then(|least| Ok([least, row.get(1)?])).ok())
    });
    read.map_err(|error| failure::of("reading the bounds of keys", &error))
}

/// Looks at all rows.
fn read_bounds(connection: &Connection, wanted: &Wanted, scan: &Scan) -> Result<Bounds> {
    let mut bounds: Bounds = [None, None];
    scan.run(connection, wanted, &mut |values| {
        if let Some(key) = scan.shape.integer_key(values) {
            let [least, greatest] = bounds.map(|bound| bound.unwrap_or(key));
            bounds = [Some(least.min(key)), Some(greatest.max(key))];
        }
        Ok(())
    })?;
    Ok(bounds)
}

/// The table, or what rules show of it.
fn shown(relation: &Relation) -> Sql {
    let table = || sql!("{table}", table = relation.name.name);
    relation.view.clone().unwrap_or_else(table)
}

/// The greatest of some timestamps.
#[derive(Clone, Debug, Default)]
struct Greatest {
    column: Option<usize>,
    latest: i64,
    at: Option<i64>,
    text: Option<String>,
    /// After so many rows no more are looked at.
    limit: Option<u64>,
}

impl Greatest {
    fn of(shape: &RowShape, timestamp: &Timestamp, horizon: &Horizon) -> Result<Self> {
        let column = Some(scope::place(shape, &timestamp.column)?);
        let latest = scope::latest(timestamp, horizon)?;
        Ok(Self { column, latest, ..Self::default() })
    }

    fn limited(self, limit: u64) -> Self {
        Self { limit: Some(limit), ..self }
    }

    fn see(&mut self, values: &[super::values::Datum<'_>]) {
        let Some(value) = self.column.map(|column| &values[column]) else { return };
        let at = scope::moment(value).filter(|at| *at <= self.latest);
        if at > self.at {
            (self.at, self.text) = (at, printed(value));
        }
    }
}

/// Ends a scan that has seen enough.
fn full() -> Error {
    Error::Internal("enough rows".to_owned())
}
