//! Rows that are looked at one by one because they differ: the hash of each column, the values where they are
//! wanted, and the statement that would repair one.

use super::keys::NumberedKey;
use super::read::{operator, value};
use crate::error::Side;
use crate::ident::Ident;
use crate::sql::mapping::{KeyColumn, PlanColumn, TableMapping};
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
        let travels = |name: &Ident| self.columns.iter().any(|column| column.name == *name);
        let values: Vec<&(Ident, Option<String>)> =
            values.iter().filter(|(name, _)| travels(name)).collect();
        sql!(
            "insert into {table} ({names}) overriding system value values ({values})",
            table = self.target.name,
            names = Sql::join(values.iter().map(|(name, _)| name), ", "),
            values = Sql::join(values.iter().map(|(_, value)| value.as_deref().map(Literal)), ", "),
        )
    }

    /// Gives columns of a row of the target these values.
    pub fn update_row(&self, key: &NumberedKey, values: &Values) -> Sql {
        let set = values.iter().map(|(name, value)| {
            sql!("{name} = {value}", name = name, value = value.as_deref().map(Literal))
        });
        sql!(
            "update {table} t set {set} where {matching}",
            table = self.target.name,
            set = Sql::join(set, ", "),
            matching = self.has_key(key),
        )
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
