//! Reads rows of a table: which of them, in which order.

use std::collections::HashMap;

use rusqlite::types::Value as Bound;
use rusqlite::{Connection, Statement, params_from_iter};

use super::bad_rows::BadRowWatch;
use super::bucket_filter::BucketFilter;
use super::failure;
use super::row::RowShape;
use super::scope::Moments;
use super::snapshot::Wanted;
use super::values::Datum;
use crate::error::Result;
use crate::ident::Ident;
use crate::sql::buckets::{Bucketing, Buckets};
use crate::sql::digest::DigestOf;
use crate::sql::keys::NumberedKey;
use crate::sql::share::Share;
use crate::sql::{Sql, sql};

const READING: &str = "reading rows";
/// Rows after which it is asked whether anybody still waits.
const ASKED: u64 = 1024;

/// Rows of one table.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The table, or what rules show of it.
    pub from: Sql,
    pub shape: RowShape,
    pub rows: Rows,
    /// Of those, the ones that fulfil a condition on their timestamps.
    pub moments: Option<Moments>,
    pub watch: BadRowWatch,
}

/// Which rows.
#[derive(Clone, Debug)]
pub enum Rows {
    All,
    /// All; in the order of the integer key where that is [`Scan::is_in_order`].
    ByKey,
    /// All, in the order of a column.
    By(Ident),
    Buckets(Buckets),
    Keys(Vec<NumberedKey>),
    /// Those whose bucket lies in a part.
    Share(Share, Bucketing),
}

/// What becomes of each row.
type Visit<'v> = &'v mut dyn FnMut(&[Datum<'_>]) -> Result<()>;

impl Scan {
    /// Hands each row on.
    ///
    /// # Errors
    /// SQLite's, a row that the target cannot hold unless such are left out, those of `visit`, and that nobody waits any more.
    pub fn run(&self, connection: &Connection, wanted: &Wanted, visit: Visit<'_>) -> Result<()> {
        let mut walk = Walk { scan: self, wanted, visit, seen: 0 };
        match &self.rows {
            Rows::All => walk.all(connection, &Sql::trusted("")),
            Rows::ByKey if !self.is_in_order(connection)? => {
                walk.all(connection, &Sql::trusted(""))
            }
            Rows::ByKey => {
                let names = Sql::join(self.shape.key_names(), ", ");
                walk.all(connection, &sql!(" order by {names}", names = names))
            }
            Rows::By(column) => walk.all(connection, &sql!(" order by {column}", column = column)),
            Rows::Buckets(buckets) => match buckets.bucketing() {
                Bucketing::Range { shift } if self.is_in_order(connection)? => {
                    walk.ranges(connection, buckets, shift)
                }
                _ => walk.filtered(connection, buckets),
            },
            Rows::Keys(keys) => walk.keys(connection, keys),
            Rows::Share(share, bucketing) => walk.share(connection, *share, *bucketing),
        }
    }

    /// Whether SQLite orders and finds integer keys as the target does.
    ///
    /// # Errors
    /// SQLite's.
    pub fn is_in_order(&self, connection: &Connection) -> Result<bool> {
        let statement = prepare(connection, &self.statement(&Sql::trusted("")))?;
        Ok(self.shape.has_ordered_key(&statement))
    }

    fn statement(&self, more: &Sql) -> Sql {
        let names = Sql::join(self.shape.columns.iter().map(|column| &column.name), ", ");
        sql!("select {names} from {from}{more}", names = names, from = self.from, more = more)
    }
}

/// A scan under way.
struct Walk<'w> {
    scan: &'w Scan,
    wanted: &'w Wanted,
    visit: Visit<'w>,
    seen: u64,
}

impl Walk<'_> {
    fn all(&mut self, connection: &Connection, more: &Sql) -> Result<()> {
        let mut statement = prepare(connection, &self.scan.statement(more))?;
        self.read(&mut statement, Vec::new(), |_, _| true)
    }

    fn ranges(&mut self, connection: &Connection, buckets: &Buckets, shift: u32) -> Result<()> {
        let Some(key) = self.scan.shape.key_names().next() else { return Ok(()) };
        let between = sql!(" where {key} >= ?1 and {key} <= ?2", key = key);
        let mut statement = prepare(connection, &self.scan.statement(&between))?;
        for range in buckets.key_ranges(shift) {
            let ends = vec![Bound::Integer(*range.start()), Bound::Integer(*range.end())];
            self.read(&mut statement, ends, |_, _| true)?;
        }
        Ok(())
    }

    fn filtered(&mut self, connection: &Connection, buckets: &Buckets) -> Result<()> {
        let filter = BucketFilter::define(connection, &self.scan.shape, buckets)?;
        let of_buckets = filter.as_ref().map(BucketFilter::condition);
        let of_buckets =
            of_buckets.map(|condition| sql!(" where {condition}", condition = condition));
        let statement = self.scan.statement(&of_buckets.unwrap_or_else(|| Sql::trusted("")));
        let mut statement = prepare(connection, &statement)?;
        self.read(&mut statement, Vec::new(), |shape, values| {
            let bucket = shape.bucket(values, buckets.bucketing());
            buckets.hold(bucket, || shape.hash(values, DigestOf::Keys))
        })
    }

    fn share(&mut self, connection: &Connection, share: Share, bucketing: Bucketing) -> Result<()> {
        let mut statement = prepare(connection, &self.scan.statement(&Sql::trusted("")))?;
        self.read(&mut statement, Vec::new(), |shape, values| {
            share.holds(shape.bucket(values, bucketing))
        })
    }

    /// By the index of the key where equal values print alike; else all rows are looked at.
    fn keys(&mut self, connection: &Connection, keys: &[NumberedKey]) -> Result<()> {
        let names: Vec<&Ident> = self.scan.shape.key_names().collect();
        let equal = names.iter().enumerate();
        let equal = equal.map(|(place, name)| sql!("{name} = ?{n}", name = name, n = place + 1));
        let equal = sql!(" where {equal}", equal = Sql::join(equal, " and "));
        let mut one = prepare(connection, &self.scan.statement(&equal))?;
        if self.scan.shape.is_found_by_key(&one) {
            for key in keys {
                if let Some(bound) = self.scan.shape.bound_key(&key.values) {
                    self.read(&mut one, bound, |shape, values| {
                        shape.key_text(values).as_ref() == Some(&key.values)
                    })?;
                }
            }
            return Ok(());
        }
        drop(one);
        let asked: HashMap<&Vec<String>, u64> =
            keys.iter().map(|key| (&key.values, key.number)).collect();
        let mut statement = prepare(connection, &self.scan.statement(&Sql::trusted("")))?;
        self.read(&mut statement, Vec::new(), |shape, values| {
            shape.key_text(values).is_some_and(|key| asked.contains_key(&key))
        })
    }

    fn read(
        &mut self,
        statement: &mut Statement<'_>,
        bound: Vec<Bound>,
        is_meant: impl Fn(&RowShape, &[Datum<'_>]) -> bool,
    ) -> Result<()> {
        let told = |error: rusqlite::Error| failure::of(READING, &error);
        let shape = &self.scan.shape;
        let mut rows = statement.query(params_from_iter(bound)).map_err(told)?;
        while let Some(row) = rows.next().map_err(told)? {
            self.seen += 1;
            if self.seen.is_multiple_of(ASKED) {
                self.wanted.check()?;
            }
            let Some(values) = shape.read(row)? else {
                let bad = shape.bad_row(row)?.unwrap_or_default();
                self.scan.watch.meet(&bad)?;
                continue;
            };
            let in_time = self.scan.moments.as_ref().is_none_or(|moments| moments.hold(&values));
            if in_time && is_meant(shape, &values) {
                (self.visit)(&values)?;
            }
        }
        Ok(())
    }
}

fn prepare<'c>(connection: &'c Connection, statement: &Sql) -> Result<Statement<'c>> {
    connection.prepare(statement.as_str()).map_err(|error| failure::of(READING, &error))
}
