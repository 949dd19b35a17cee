//! Rows that are looked at one by one because they differ: the hash of each column, the values where they are
//! wanted, and the statement that would repair one.

use super::horizon::Horizon;
use super::keys::NumberedKey;
use super::read::{operator, value};
use crate::error::Side;
use crate::ident::Ident;
use crate::sql::mapping::{KeyColumn, PlanColumn, TableMapping, Timestamp, TimestampKind};
use crate::sql::{Literal, Sql, sql};

/// What is asked about rows of given keys.
#[derive(Clone, Copy, Debug)]
pub struct ColumnQuery<'q> {
    pub keys: &'q [NumberedKey],
    /// A condition of the side that is told beside.
    pub condition: Option<&'q Sql>,
    /// Whether the values come, too.
    pub values: bool,
}

/// The last moment that a run has certainly read: its watermark without the overlap. All that it has read may
/// be a row of this very moment, and so may be a change that was under way.
#[derive(Clone, Copy, Debug)]
pub struct LastRead<'q> {
    pub timestamp: &'q Timestamp,
    /// UTC, as `2024-12-13 15:25:30.5`.
    pub watermark: &'q str,
    pub horizon: &'q Horizon,
}

impl LastRead<'_> {
    /// The condition that a row of the source is later, or `at` this moment, or without a finite timestamp.
    pub fn later(&self, at: bool) -> Sql {
        // A day that was read was not over.
        let at = at || self.timestamp.source == TimestampKind::Date;
        sql!(
            "(t.{column} operator(pg_catalog.{compares}) {moment} or {timeless})",
            column = self.timestamp.column,
            compares = Sql::trusted(if at { ">=" } else { ">" }),
            moment = self.moment(Side::Source),
            timeless = self.timestamp.without_timestamp(),
        )
    }

    /// Whether the target has a row of this moment: then it was read.
    pub fn is_there(&self, mapping: &TableMapping) -> Sql {
        sql!(
            "select exists (select from {from} where t.{column} operator(pg_catalog.=) {moment})",
            from = mapping.from(Side::Target),
            column = self.timestamp.column,
            moment = self.moment(Side::Target),
        )
    }

    fn moment(&self, side: Side) -> Sql {
        let overlap = self.horizon.shortest_overlap(self.timestamp.source);
        self.timestamp.moment(side, self.watermark, Some(&overlap))
    }
}

/// The values of a row by the names of its columns.
pub type Values = Vec<(Ident, Option<String>)>;

impl TableMapping {
    /// The columns that are compared, in the order of their hashes.
    pub fn compared(&self) -> impl Iterator<Item = &PlanColumn> {
        self.columns.iter().chain(&self.generated)
    }

    /// `number, condition`, the hash of each compared column, then the value of each, of the rows with these
    /// keys.
    pub fn compared_columns(&self, side: Side, query: &ColumnQuery<'_>) -> Sql {
        let values = self.compared().filter(|_| query.values).map(|column| {
            sql!(
                "case when pg_catalog.num_nulls({v}) operator(pg_catalog.=) 0 then pg_catalog.concat({v}) end",
                v = value(side, &column.name, column.cast.as_ref())
            )
        });
        let values = self.column_hash_list(side).into_iter().chain(values);
        sql!(
            "select {list} from {keys} join {from} on {matching}",
            list = Sql::join(
                [
                    sql!("k.{n}", n = self.beside_key("pgsync_n")),
                    query.condition.cloned().unwrap_or(Sql::trusted("false")),
                ]
                .into_iter()
                .chain(values),
                ", "
            ),
            keys = self.keys_of(side, query.keys),
            from = self.from(side),
            matching = self.matching_of(side),
        )
    }

    /// Puts a row into the target.
    pub fn insert_row(&self, values: &Values) -> Sql {
        let values: Vec<&(Ident, Option<String>)> =
            values.iter().filter(|(name, _)| self.travels(name)).collect();
        sql!(
            "insert into {table} ({names}) overriding system value values ({values})",
            table = self.target.name,
            names = Sql::join(values.iter().map(|(name, _)| name), ", "),
            values = Sql::join(values.iter().map(|(_, value)| value.as_deref().map(Literal)), ", "),
        )
    }

    /// Gives columns of a row of the target these values; nothing where the target computes all of them.
    pub fn update_row(&self, key: &NumberedKey, values: &Values) -> Option<Sql> {
        let travelling = values.iter().filter(|(name, _)| self.travels(name));
        let set: Vec<Sql> = travelling
            .map(|(name, value)| {
                sql!("{name} = {value}", name = name, value = value.as_deref().map(Literal))
            })
            .collect();
        let update = sql!(
            "update {table} t set {set} where {matching}",
            table = self.target.name,
            set = Sql::join(&set, ", "),
            matching = self.has_key(key),
        );
        (!set.is_empty()).then_some(update)
    }

    fn travels(&self, name: &Ident) -> bool {
        self.columns.iter().any(|column| column.name == *name)
    }

    /// Removes a row from the target.
    pub fn delete_row(&self, key: &NumberedKey) -> Sql {
        sql!(
            "delete from {table} t where {matching}",
            table = self.target.name,
            matching = self.has_key(key),
        )
    }

    fn has_key(&self, key: &NumberedKey) -> Sql {
        let equal = |(column, value): (&KeyColumn, &String)| {
            sql!(
                "t.{name} {equals} {value}",
                name = column.name,
                equals = operator(&column.target_equals),
                value = Literal(value),
            )
        };
        Sql::join(self.key.iter().zip(&key.values).map(equal), " and ")
    }
}
