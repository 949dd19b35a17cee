//! Statements about values that stand in each other's way: parking rows, and finding rows that refer
//! to what is not there (any more).

use super::apply::STAGE;
use super::keys::{VANISHED, WANTED};
use super::read::operator;
use crate::error::Side;
use crate::sql::mapping::TableMapping;
use crate::sql::mapping::{Placeholder, PlaceholderValue};
use crate::sql::{Sql, sql};
use crate::table::ForeignKey;

impl TableMapping {
    /// Gives every row that will be written or removed values that are in nobody's way: those of the
    /// numbered keys that the source has otherwise and, if rows are to be deleted, of the listed vanished
    /// ones. Both lists are small beside the table, so each row is found by its key.
    pub fn displace(&self, by: &[Placeholder], deletes: bool) -> Sql {
        let sets = by.iter().map(|placeholder| {
            sql!("{c} = {v}", c = placeholder.column, v = self.filler(placeholder))
        });
        let vanished = sql!(
            " union all select {names} from {vanished} w",
            names = self.key_list("w"),
            vanished = Sql::trusted(VANISHED),
        );
        sql!(
            "update {from} set {sets} from (select w.*, pg_catalog.row_number() over () as {n}, \
             pg_catalog.md5(row({names})::pg_catalog.text) as {name} from \
             (select {names} from {wanted} w{vanished}) w) p where {displaced}",
            n = self.beside_key("pgsync_n"),
            name = self.beside_key("pgsync_name"),
            from = self.from(Side::Target),
            sets = Sql::join(sets, ", "),
            names = self.key_list("w"),
            wanted = Sql::trusted(WANTED),
            vanished = if deletes { vanished } else { Sql::trusted("") },
            displaced = self.matching("p"),
        )
    }

    /// Counts, per foreign key, the rows that refer to vanished rows, without such as have vanished themselves: `number of
    /// the key, rows`.
    pub fn referring_rows<'k>(&self, keys: impl Iterator<Item = &'k ForeignKey>) -> Sql {
        let counts = keys.enumerate().map(|(number, key)| {
            sql!(
                "select {number}, pg_catalog.count(*) from {child} c where exists \
                 (select from {vanished} v join {from} on {matching} where {pairs}){stays}",
                number = number,
                stays = self.stays(key),
                child = key.child,
                vanished = Sql::trusted(VANISHED),
                from = self.from(Side::Target),
                matching = self.matching("v"),
                pairs = pairs(key, "t"),
            )
        });
        Sql::join(counts, " union all ")
    }

    /// Of rows `c` of the table itself those that have not vanished.
    fn stays(&self, key: &ForeignKey) -> Sql {
        if key.child != self.target.name {
            return Sql::trusted("");
        }
        sql!(
            " and not exists (select from {vanished} v join {from} on {matching} \
             where t.tableoid operator(pg_catalog.=) c.tableoid and t.ctid operator(pg_catalog.=) c.ctid)",
            vanished = Sql::trusted(VANISHED),
            from = self.from(Side::Target),
            matching = self.matching("v"),
        )
    }

    /// Takes the keys of rows to which rows of another table refer off the list of vanished ones; gives their number.
    pub fn unlist_referred(&self, key: &ForeignKey) -> Sql {
        sql!(
            "with kept as (delete from {vanished} v using {from}, {child} c where {matching} and {pairs} \
             returning v.*) select pg_catalog.count(*) from kept",
            vanished = Sql::trusted(VANISHED),
            from = self.from(Side::Target),
            child = key.child,
            matching = self.matching("v"),
            pairs = pairs(key, "t"),
        )
    }

    fn filler(&self, placeholder: &Placeholder) -> Sql {
        // Above those that are there, and those that come.
        let greatest = |finite: &'static str| {
            let finite = Sql::trusted(finite);
            sql!(
                "(select greatest((select pg_catalog.max(t.{column}) from {from} where t.{column} {finite}), \
                 (select pg_catalog.max(s.{column}) from {stage} s where s.{column} {finite})))",
                column = placeholder.column,
                from = self.from(Side::Target),
                stage = Sql::trusted(STAGE),
                finite = finite,
            )
        };
        let below = "operator(pg_catalog.<) 'infinity'";
        let (name, n) = (self.beside_key("pgsync_name"), self.beside_key("pgsync_n"));
        match placeholder.filler {
            PlaceholderValue::Null => Sql::trusted("null"),
            PlaceholderValue::Text { length } => {
                sql!(
                    "pg_catalog.substr(p.{name}, 1, {length}::pg_catalog.int4)",
                    name = name,
                    length = length
                )
            }
            PlaceholderValue::Uuid => sql!("p.{name}::pg_catalog.uuid", name = name),
            PlaceholderValue::Bytes => sql!("pg_catalog.decode(p.{name}, 'hex')", name = name),
            PlaceholderValue::Number => {
                sql!("({max} operator(pg_catalog.+) p.{n})", max = greatest("is not null"), n = n)
            }
            PlaceholderValue::Day => sql!(
                "({max} operator(pg_catalog.+) p.{n}::pg_catalog.int4)",
                max = greatest(below),
                n = n
            ),
            PlaceholderValue::Moment => sql!(
                "({max} operator(pg_catalog.+) pg_catalog.make_interval(secs => p.{n}))",
                max = greatest(below),
                n = n
            ),
            PlaceholderValue::Empty => Sql::trusted("'empty'"),
        }
    }
}

/// The number of each foreign key that some row does not keep.
pub fn dangling(keys: &[&ForeignKey]) -> Sql {
    let looks = keys.iter().enumerate().map(|(number, key)| {
        let known =
            key.child_columns.iter().map(|column| sql!("c.{column} is not null", column = column));
        sql!(
            "select {number} where exists (select from {child} c where {known} and not exists \
             (select from {parent} p where {pairs}))",
            number = number,
            child = key.child,
            known = Sql::join(known, " and "),
            parent = key.parent,
            pairs = pairs(key, "p"),
        )
    });
    Sql::join(looks, " union all ")
}

/// Whether row `c` of the child refers to row `parent`.
fn pairs(key: &ForeignKey, parent: &'static str) -> Sql {
    let parent = Sql::trusted(parent);
    let columns = key.parent_columns.iter().zip(&key.child_columns).zip(&key.equals);
    let pairs = columns.map(|((there, here), equals)| {
        sql!(
            "{parent}.{there} {equals} c.{here}",
            parent = parent,
            there = there,
            equals = operator(equals),
            here = here,
        )
    });
    Sql::join(pairs, " and ")
}
