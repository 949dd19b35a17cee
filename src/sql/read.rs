//! Statements that read: streams of COPY text from the source, and the predicates that say which
//! rows. The table is `t` in all of them.

use super::buckets::Buckets;
use super::digest::DigestOf;
use super::horizon::Horizon;
use super::keys::NumberedKey;
use crate::error::Side;
use crate::ident::Ident;
use crate::sql::mapping::Cast;
use crate::sql::mapping::PlanColumn;
use crate::sql::mapping::{TableMapping, Timestamp, TimestampKind};
use crate::sql::{Literal, Sql, sql};
use crate::table::Operator;

/// A slice of the pages of a table: from one ctid to before another; the last slice is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    pub from: u64,
    pub to: Option<u64>,
}

/// Column `name` of `t`, on the source as the target's type. `concat` prints what COPY does, and makes
/// nothing of NULL; a composite value `is null` also when its attributes are.
pub fn value(side: Side, name: &Ident, cast: Option<&Cast>) -> Sql {
    match cast.filter(|_| side == Side::Source) {
        Some(Cast::To(to)) => sql!("(t.{name}::{to})", name = name, to = to),
        Some(Cast::Printed) => sql!(
            "case when pg_catalog.num_nulls(t.{name}) operator(pg_catalog.=) 0 \
             then pg_catalog.concat(t.{name}) end",
            name = name
        ),
        None => sql!("t.{name}", name = name),
    }
}

/// The operator with its schema, for use between two values.
pub fn operator(operator: &Operator) -> Sql {
    sql!("operator({schema}.{name})", schema = operator.schema, name = operator.name)
}

impl TableMapping {
    /// The rows of a side's table, as `t`.
    pub fn from(&self, side: Side) -> Sql {
        let relation = match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        };
        sql!("{rows} t", rows = relation.rows())
    }

    /// The values that travel, in order.
    pub fn values(&self, side: Side) -> Sql {
        let values = self.columns.iter().map(|c| value(side, &c.name, c.cast.as_ref()));
        Sql::join(values, ", ")
    }

    /// All rows, or those of a slice of pages, in the format of [`TableMapping::format`].
    pub fn copy_all(&self, pages: Option<Pages>) -> Sql {
        if pages.is_none() && self.is_read_as_it_is() {
            // Without a query nothing has to be planned.
            return sql!(
                "copy {table} ({names}) to stdout{format}",
                table = self.source.name,
                names = self.names(),
                format = self.format(),
            );
        }
        let scope = match pages {
            None => Sql::trusted(""),
            Some(Pages { from, to: None }) => sql!(
                " where t.ctid operator(pg_catalog.>=) '({from},0)'::pg_catalog.tid",
                from = from
            ),
            Some(Pages { from, to: Some(to) }) => sql!(
                " where t.ctid operator(pg_catalog.>=) '({from},0)'::pg_catalog.tid \
                 and t.ctid operator(pg_catalog.<) '({to},0)'::pg_catalog.tid",
                from = from,
                to = to,
            ),
        };
        sql!(
            "copy (select {values} from {from}{scope}) to stdout{format}",
            values = self.values(Side::Source),
            from = self.from(Side::Source),
            scope = scope,
            format = self.format(),
        )
    }

    /// No row: the server looks whether the role may read what a run reads.
    pub fn copy_none(&self) -> Sql {
        sql!(
            "copy (select {values} from {from} where false) to stdout",
            values = self.values(Side::Source),
            from = self.from(Side::Source),
        )
    }

    /// Whether the source's columns travel as they are, and lie in one table.
    fn is_read_as_it_is(&self) -> bool {
        let made = |column: &PlanColumn| column.cast.is_some() || column.computed;
        let as_one = !self.source.partitioned && self.source.view.is_none();
        as_one && !self.columns.is_empty() && !self.columns.iter().any(made)
    }

    /// How rows travel that go straight into the target: binary where that is the same, which spares
    /// both servers the printing and reading of values (measured: 0.8 of the time), else as text.
    pub fn format(&self) -> Sql {
        Sql::trusted(if self.is_binary() { " (format binary)" } else { "" })
    }

    /// Whether rows that go straight into the target travel in binary.
    pub fn is_binary(&self) -> bool {
        self.columns.iter().all(|column| column.binary)
    }

    /// The rows of `window` in the order of their timestamp, which is their first column.
    pub fn copy_ordered(&self, timestamp: &Timestamp, window: &Sql) -> Sql {
        sql!(
            "copy (select {values} from {from} where {window} order by t.{column}) to stdout",
            column = timestamp.column,
            values = self.values(Side::Source),
            from = self.from(Side::Source),
            window = window,
        )
    }

    /// The same with the hash of each row before its values. What a view computes, masks say, is computed
    /// once for both: `offset 0` keeps the planner from taking the inner query apart.
    pub fn copy_hashed(&self, timestamp: &Timestamp, window: &Sql) -> Sql {
        let (from, column) = (self.from(Side::Source), &timestamp.column);
        let rows = match &self.source.view {
            Some(_) => sql!(
                "(select t.* from {from} where {window} order by t.{column} offset 0) t",
                from = from,
                window = window,
                column = column,
            ),
            None => sql!("{from} where {window}", from = from, window = window),
        };
        sql!(
            "copy (select {hash}, {values} from {rows} order by t.{column}) to stdout",
            hash = self.hash(Side::Source, DigestOf::Rows),
            values = self.values(Side::Source),
            rows = rows,
            column = column,
        )
    }

    /// The rows of some buckets.
    pub fn copy_buckets(&self, buckets: &Buckets, scope: Option<&Sql>) -> Sql {
        sql!(
            "copy (select {values} from {buckets} join {from} on {condition}{scope}) to stdout",
            values = self.values(Side::Source),
            buckets = buckets.relation(),
            from = self.from(Side::Source),
            condition = buckets.condition(self, Side::Source),
            scope = also(scope),
        )
    }

    /// Key and hash of the rows of some buckets.
    pub fn copy_keys(&self, buckets: &Buckets, measure: DigestOf, scope: Option<&Sql>) -> Sql {
        let keys = self.key.iter().map(|c| value(Side::Source, &c.name, c.cast.as_ref()));
        sql!(
            "copy (select {keys}, {hash} from {buckets} join {from} on {condition}{scope}) to stdout",
            keys = Sql::join(keys, ", "),
            hash = self.hash(Side::Source, measure),
            buckets = buckets.relation(),
            from = self.from(Side::Source),
            condition = buckets.condition(self, Side::Source),
            scope = also(scope),
        )
    }

    /// The rows whose keys are given, as the source's types print them.
    pub fn copy_wanted(&self, keys: &[NumberedKey], scope: Option<&Sql>) -> Sql {
        sql!(
            "copy (select {values} from {keys} join {from} on {matching}{scope}) to stdout",
            values = self.values(Side::Source),
            keys = self.keys_of(Side::Source, keys),
            from = self.from(Side::Source),
            matching = self.matching_of(Side::Source),
            scope = also(scope),
        )
    }

    /// The digest of the rows whose keys are given.
    pub fn digest_of_keys(&self, keys: &[NumberedKey]) -> Sql {
        sql!(
            "select pg_catalog.count(*), pg_catalog.sum({hash}) from {keys} join {from} on {matching}",
            hash = self.hash(Side::Source, DigestOf::Rows),
            keys = self.keys_of(Side::Source, keys),
            from = self.from(Side::Source),
            matching = self.matching_of(Side::Source),
        )
    }

    /// Says which row of the source is the first whose text is not UTF-8: `(key) = (values)`, with
    /// bytes as they are escaped. The pattern stands for <https://www.rfc-editor.org/rfc/rfc3629>.
    pub fn unreadable_row(&self) -> Sql {
        let bytes = |text: Sql| sql!("pg_catalog.convert_to({text}, 'SQL_ASCII')", text = text);
        let names: Vec<&str> = self.key.iter().map(|column| column.name.as_str()).collect();
        let keys = self.key.iter().map(|column| sql!("t.{name}", name = column.name));
        let (name, key) = if names.is_empty() {
            ("ctid".to_owned(), Sql::trusted("t.ctid::pg_catalog.text"))
        } else {
            let keys = Sql::join(keys, ", ");
            (format!("({})", names.join(", ")), sql!("row({keys})::pg_catalog.text", keys = keys))
        };
        sql!(
            "select pg_catalog.concat({name}::pg_catalog.text, ' = ', pg_catalog.encode({key}, 'escape')) \
             from {from} where pg_catalog.encode({row}, 'hex') operator(pg_catalog.!~) \
             '^([0-7].|(c[2-9a-f]|d.)[89ab].|e0[ab].[89ab].|e[1-9a-cef]([89ab].){{2}}|ed[89].[89ab].\
             |f0[9ab].([89ab].){{2}}|f[1-3]([89ab].){{3}}|f48.([89ab].){{2}})*$' limit 1",
            name = Literal(&name),
            key = bytes(key),
            from = self.from(Side::Source),
            row = bytes(sql!("row({row})::pg_catalog.text", row = self.values(Side::Source))),
        )
    }
}

fn also(scope: Option<&Sql>) -> Sql {
    scope.map_or(Sql::trusted(""), |scope| sql!(" where {scope}", scope = scope))
}

impl Timestamp {
    fn kind(&self, side: Side) -> TimestampKind {
        match side {
            Side::Source => self.source,
            Side::Target => self.target,
        }
    }

    /// The finite timestamps from `watermark` on, inclusive. A date takes in its whole day.
    pub fn window(&self, side: Side, watermark: &str) -> Sql {
        sql!(
            "t.{column} operator(pg_catalog.>=) {from} and t.{column} operator(pg_catalog.<) 'infinity'",
            column = self.column,
            from = self.moment(side, watermark, None),
        )
    }

    /// The rows that have no finite timestamp: they belong to every run.
    pub fn without_timestamp(&self) -> Sql {
        sql!(
            "(t.{column} is null or t.{column} operator(pg_catalog.=) 'infinity' \
             or t.{column} operator(pg_catalog.=) '-infinity')",
            column = self.column,
        )
    }

    /// A moment in UTC, or so much later, as a value of the column.
    pub(super) fn moment(&self, side: Side, utc: &str, later: Option<&Sql>) -> Sql {
        let plain = sql!("{utc}::pg_catalog.timestamp", utc = Literal(utc));
        let plain = match later {
            Some(later) => {
                sql!("({plain} operator(pg_catalog.+) {later})", plain = plain, later = later)
            }
            None => plain,
        };
        match self.kind(side) {
            TimestampKind::Timestamptz => {
                sql!("pg_catalog.timezone('UTC', {plain})", plain = plain)
            }
            TimestampKind::Timestamp => plain,
            TimestampKind::Date => sql!("{plain}::pg_catalog.date", plain = plain),
        }
    }

    /// What a value that may move a watermark fulfils: `operator value`.
    pub fn in_time(&self, side: Side, horizon: &Horizon) -> Sql {
        let kind = match side {
            Side::Source => self.source,
            Side::Target => self.target,
        };
        match kind {
            TimestampKind::Timestamptz => Sql::trusted("operator(pg_catalog.<) 'infinity'"),
            _ => sql!("operator(pg_catalog.<=) {latest}", latest = horizon.latest()),
        }
    }

    /// The greatest finite timestamp of the source as text; no row when there is none. Without a zone
    /// only those count that some clock may show by now.
    pub fn greatest(&self, mapping: &TableMapping, horizon: &Horizon) -> Sql {
        let before = self.in_time(Side::Source, horizon);
        sql!(
            "select t.{column}::pg_catalog.text from {from} \
             where t.{column} {before} and t.{column} operator(pg_catalog.>) '-infinity' \
             order by t.{column} desc limit 1",
            column = self.column,
            before = before,
            from = mapping.from(Side::Source),
        )
    }
}

/// A table with its timestamp column.
#[derive(Clone, Copy, Debug)]
pub struct TimedTable<'a> {
    pub mapping: &'a TableMapping,
    pub timestamp: &'a Timestamp,
}

impl TimedTable<'_> {
    /// The greatest finite timestamp of one side in seconds of Unix time; null where there is none.
    pub fn newest(&self, horizon: &Horizon, side: Side) -> Sql {
        sql!(
            "select pg_catalog.date_part('epoch', (select t.{column} from {from} \
             where t.{column} {before} and t.{column} operator(pg_catalog.>) '-infinity' \
             order by t.{column} desc limit 1))::pg_catalog.text",
            column = self.timestamp.column,
            before = self.timestamp.in_time(side, horizon),
            from = self.mapping.from(side),
        )
    }
}

/// The rows for which a predicate does not hold or is unknown.
pub fn not(predicate: Sql) -> Sql {
    sql!("not coalesce({predicate}, false)", predicate = predicate)
}
