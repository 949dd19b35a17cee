//! Statements about the source's keys, staged on the target: which rows it lacks or has otherwise, and
//! which have vanished.

use super::buckets::{Buckets, LoneKey};
use super::digest::DigestOf;
use super::read::{operator, value};
use crate::error::Side;
use crate::ident::Ident;
use crate::sql::mapping::Cast;
use crate::sql::mapping::HashMethod;
use crate::sql::mapping::KeyColumn;
use crate::sql::mapping::TableMapping;
use crate::sql::{Literal, Sql, sql};

const KEYS: &str = "pg_temp.pgsync_keys";
/// The target's own rows of the buckets of which keys are staged.
pub(super) const HERE: &str = "pg_temp.pgsync_here";
pub(super) const WANTED: &str = "pg_temp.pgsync_wanted";
pub(super) const VANISHED: &str = "pg_temp.pgsync_vanished";

/// A key by the number that a temporary table of the target gave it, as its columns' types print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedKey {
    pub number: u64,
    pub values: Vec<String>,
}

/// A temporary table of numbered keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyList {
    /// Keys that the target lacks or has otherwise.
    Wanted,
    /// Keys that only the target seems to have.
    Vanished,
}

impl KeyList {
    fn table(self) -> Sql {
        Sql::trusted(match self {
            KeyList::Wanted => WANTED,
            KeyList::Vanished => VANISHED,
        })
    }
}

impl TableMapping {
    /// A name for a column beside those of the key, in tables and lists of keys.
    pub(super) fn beside_key(&self, name: &'static str) -> Ident {
        let mut name = name.to_owned();
        while self.key.iter().any(|column| column.name.as_str() == name) {
            name.push('_');
        }
        Ident::new(name)
    }

    /// A stage for the source's keys and hashes of some buckets; it outlives transactions.
    pub fn create_key_stage(&self) -> Sql {
        sql!(
            "drop table if exists {keys}; create temporary table pgsync_keys as select {names}, 0::pg_catalog.int8 as {hash} \
             from {from} with no data",
            keys = Sql::trusted(KEYS),
            hash = self.beside_key("pgsync_hash"),
            names = Sql::join(self.key.iter().map(|c| sql!("t.{n}", n = c.name)), ", "),
            from = self.from(Side::Target),
        )
    }

    /// Loads keys of the source into the stage of keys.
    pub fn copy_into_key_stage(&self) -> Sql {
        sql!("copy {keys} from stdin", keys = Sql::trusted(KEYS))
    }

    /// Without statistics the planner looks for each staged key in all others.
    pub fn analyze_key_stage(&self) -> Sql {
        sql!("analyze {keys}", keys = Sql::trusted(KEYS))
    }

    /// Takes down the target's rows of some buckets, by key, so that they are looked up once, while the
    /// source looks up its own, and not for every statement about them.
    pub fn create_here(&self, measure: DigestOf, buckets: &Buckets) -> Sql {
        sql!(
            "drop table if exists {here}; create temporary table pgsync_here as {rows}; analyze {here}",
            here = Sql::trusted(HERE),
            rows = self.key_hashes(measure, buckets),
        )
    }

    /// Counts the singles that neither side has: what their buckets' sums differ by is not one row.
    pub fn count_unfound(&self, singles: &[LoneKey]) -> Sql {
        let hashes: Vec<String> = singles.iter().map(|single| single.hash.to_string()).collect();
        sql!(
            "select pg_catalog.count(*) from pg_catalog.unnest({hashes}::pg_catalog.int8[]) u(hash) \
             where not exists (select from {here} t where t.{hash} operator(pg_catalog.=) u.hash) \
             and not exists (select from {keys} s where s.{hash} operator(pg_catalog.=) u.hash)",
            hash = self.beside_key("pgsync_hash"),
            hashes = Literal(&format!("{{{}}}", hashes.join(","))),
            here = Sql::trusted(HERE),
            keys = Sql::trusted(KEYS),
        )
    }

    /// Numbers the staged keys that the target lacks or has with another hash; gives their number.
    pub fn number_missing_keys(&self) -> Sql {
        sql!(
            "drop table if exists {wanted}; create temporary table pgsync_wanted as \
             select pg_catalog.row_number() over () as {n}, {names} from {keys} s left join {here} t \
             on {matching} where t.{hash} is null or t.{hash} operator(pg_catalog.<>) s.{hash}; \
             create index on {wanted} ({n}); select pg_catalog.count(*) from {wanted}",
            keys = Sql::trusted(KEYS),
            names = self.key_list("s"),
            here = Sql::trusted(HERE),
            matching = self.matching("s"),
            wanted = Sql::trusted(WANTED),
            n = self.beside_key("pgsync_n"),
            hash = self.beside_key("pgsync_hash"),
        )
    }

    /// Numbers the rows taken down whose keys are not staged; gives their number.
    pub fn list_vanished(&self) -> Sql {
        sql!(
            "drop table if exists {vanished}; create temporary table pgsync_vanished as \
             select pg_catalog.row_number() over () as {n}, {names}, t.{bucket} from {here} t \
             where {unstaged}; create index on {vanished} ({n}); \
             select pg_catalog.count(*) from {vanished}",
            vanished = Sql::trusted(VANISHED),
            names = self.key_list("t"),
            here = Sql::trusted(HERE),
            unstaged = self.unstaged(),
            n = self.beside_key("pgsync_n"),
            bucket = self.beside_key("pgsync_bucket"),
        )
    }

    /// Keys number `from` to before `to` of a list: the number, then each column as its type's output
    /// function prints it. Not by a cast, which a type's owner can define.
    pub fn numbered_keys(&self, list: KeyList, from: u64, to: u64) -> Sql {
        let values =
            self.key.iter().map(|column| sql!("pg_catalog.concat(w.{n})", n = column.name));
        sql!(
            "select w.{n}, {values} from {list} w where w.{n} operator(pg_catalog.>=) {from} \
             and w.{n} operator(pg_catalog.<) {to} order by w.{n}",
            values = Sql::join(values, ", "),
            list = list.table(),
            from = from,
            to = to,
            n = self.beside_key("pgsync_n"),
        )
    }

    /// Takes keys off the list of vanished ones.
    pub fn unlist_vanished(&self, numbers: &[u64]) -> Sql {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        sql!(
            "delete from {vanished} v where v.{n} operator(pg_catalog.=) any ({numbers}::pg_catalog.int8[])",
            vanished = Sql::trusted(VANISHED),
            n = self.beside_key("pgsync_n"),
            numbers = Literal(&format!("{{{}}}", numbers.join(","))),
        )
    }

    /// Deletes the rows on the list of vanished ones; a CTE `removed` of one row `deleted, keys`. A row
    /// that has changed its bucket since it was taken down has been given another key, equal but not
    /// alike, and stays.
    pub fn delete_vanished(&self, buckets: &Buckets) -> Sql {
        sql!(
            "gone as (delete from {from} using (select v.* from {vanished} v limit all) h \
             where {matching} and {still} returning {hash} as key_hash), \
             removed as (select pg_catalog.count(*) as deleted, {keys} as keys from gone)",
            from = self.from(Side::Target),
            vanished = Sql::trusted(VANISHED),
            matching = self.matching("h"),
            still = buckets.same_buckets(self),
            hash = self.tracked_hash(),
            keys = self.tracked_sum("key_hash"),
        )
    }

    /// Which of these keys the source has: their numbers. Where the target tells values apart that the
    /// source takes for equal, it has only those that print alike. A value becomes one of its column's type by
    /// the type's input function, as every constant does.
    pub fn find_keys(&self, keys: &[NumberedKey]) -> Sql {
        let matching = self.key.iter().map(|column| {
            let name = &column.name;
            match (&column.cast, &column.hashed) {
                (None, _) => {
                    let equals = operator(&column.source_equals);
                    sql!(
                        "t.{name} {equals} k.{name}{alike}",
                        name = name,
                        equals = equals,
                        alike = prints_alike(column)
                    )
                }
                // Numbers of several sizes are compared by one index.
                (_, HashMethod::Integer) => {
                    sql!("t.{name} operator(pg_catalog.=) k.{name}", name = name)
                }
                (Some(_), _) => sql!(
                    "{value} operator(pg_catalog.=) k.{name}",
                    value = value(Side::Source, name, column.cast.as_ref()),
                    name = name,
                ),
            }
        });
        let type_of = |column: &KeyColumn| match &column.cast {
            Some(Cast::To(to)) => to.clone(),
            Some(Cast::Printed) => Sql::trusted("pg_catalog.text"),
            None => column.type_on_source(),
        };
        sql!(
            "select k.{n} from {keys} where exists (select from {from} where {matching})",
            n = self.beside_key("pgsync_n"),
            keys = self.key_values_list(keys, type_of),
            from = self.from(Side::Source),
            matching = Sql::join(matching, " and "),
        )
    }

    /// Keys as a relation `k` of their numbers and columns, whose types the first row says.
    fn key_values_list(&self, keys: &[NumberedKey], type_of: impl Fn(&KeyColumn) -> Sql) -> Sql {
        let rows = keys.iter().enumerate().map(|(index, key)| {
            let values = self.key.iter().zip(&key.values).map(|(column, value)| {
                if index == 0 {
                    sql!("{v}::{to}", v = Literal(value), to = type_of(column))
                } else {
                    sql!("{v}", v = Literal(value))
                }
            });
            sql!("({n}, {values})", n = key.number, values = Sql::join(values, ", "))
        });
        sql!(
            "(values {rows}) k({n}, {names})",
            rows = Sql::join(rows, ", "),
            n = self.beside_key("pgsync_n"),
            names = Sql::join(self.key.iter().map(|column| &column.name), ", "),
        )
    }

    /// Keys as a relation `k` of one side's types.
    pub(super) fn keys_of(&self, side: Side, keys: &[NumberedKey]) -> Sql {
        match side {
            Side::Source => self.key_values_list(keys, KeyColumn::type_on_source),
            Side::Target => self.key_values_list(keys, KeyColumn::type_on_target),
        }
    }

    /// Whether row `t` of a side has the key of row `k`, which is of this side's types.
    pub(super) fn matching_of(&self, side: Side) -> Sql {
        match side {
            Side::Target => self.matching("k"),
            Side::Source => {
                let matching = self.key.iter().map(|column| {
                    let equals = operator(&column.source_equals);
                    sql!("t.{name} {equals} k.{name}", name = column.name, equals = equals)
                });
                Sql::join(matching, " and ")
            }
        }
    }

    /// The key's columns of a row, as a list.
    pub(super) fn key_list(&self, row: &'static str) -> Sql {
        let row = Sql::trusted(row);
        Sql::join(self.key.iter().map(|c| sql!("{row}.{n}", row = row, n = c.name)), ", ")
    }

    /// The digest of the rows on the list of wanted keys.
    pub fn digest_wanted(&self) -> Sql {
        sql!(
            "select pg_catalog.count(*), pg_catalog.sum({hash}) from {wanted} w join {from} on {matching}",
            hash = self.hash(Side::Target, DigestOf::Rows),
            wanted = Sql::trusted(WANTED),
            from = self.from(Side::Target),
            matching = self.matching("w"),
        )
    }

    /// Whether what writes do to the digest of keys can be told from the rows that they insert and
    /// delete: no update changes the hash of a key, or what is digested with it.
    pub fn tracks_keys(&self) -> bool {
        !self.key.is_empty()
            && self.drifting.is_empty()
            && self.key.iter().all(|column| !column.wide)
    }

    /// The hash of the key of row `t` of the target, where it is tracked.
    pub(super) fn tracked_hash(&self) -> Sql {
        if self.tracks_keys() {
            self.hash(Side::Target, DigestOf::Keys)
        } else {
            Sql::trusted("null::pg_catalog.int8")
        }
    }

    /// The sum of tracked hashes; NULL where they are not tracked.
    pub(super) fn tracked_sum(&self, column: &'static str) -> Sql {
        if self.tracks_keys() {
            sql!("coalesce(pg_catalog.sum({column}), 0)", column = Sql::trusted(column))
        } else {
            Sql::trusted("null::pg_catalog.numeric")
        }
    }

    /// ` and` the key of row `t` of the target is staged.
    pub(super) fn is_staged(&self) -> Sql {
        sql!(
            " and exists (select from {keys} s where {matching})",
            keys = Sql::trusted(KEYS),
            matching = self.matching("s"),
        )
    }

    /// That the key of row `t` is not staged.
    fn unstaged(&self) -> Sql {
        sql!(
            "not exists (select from {keys} s where {matching})",
            keys = Sql::trusted(KEYS),
            matching = self.matching("s"),
        )
    }
}

/// ` and` both values print alike, where equality on the target is identity and may be wider on the source.
fn prints_alike(column: &KeyColumn) -> Sql {
    if column.wide || matches!(column.hashed, HashMethod::Integer | HashMethod::Uuid) {
        return Sql::trusted("");
    }
    sql!(
        " and pg_catalog.concat(t.{name}) collate pg_catalog.\"C\" operator(pg_catalog.=) pg_catalog.concat(k.{name})",
        name = column.name
    )
}
