//! Statements that write to the target: stage and upsert, the removal of vanished keys, and the
//! replacement of whole rows where there is no key.
//!
//! Each write counts what it did. `xmax = 0` tells an inserted row from an updated one; a partitioned
//! table cannot show `xmax`, there the rows that exist before are counted instead.

use super::digest::{Buckets, Measure};
use super::read::operator;
use super::{Sql, sql};
use crate::error::Side;
use crate::ident::Ident;
use crate::plan::Shape;

const STAGE: &str = "pg_temp.pgsync_stage";
pub(super) const KEYS: &str = "pg_temp.pgsync_keys";
const WANTED: &str = "pg_temp.pgsync_wanted";

impl Shape {
    fn names(&self) -> Sql {
        Sql::join(self.columns.iter().map(|column| &column.name), ", ")
    }

    fn key_names(&self) -> Sql {
        Sql::join(self.key.iter().map(|column| &column.name), ", ")
    }

    /// `copy t (…) from stdin`: straight into the target.
    pub fn copy_into_target(&self) -> Sql {
        sql!(
            "copy {table} ({names}) from stdin{format}",
            table = self.target.name,
            names = self.names(),
            format = self.format(),
        )
    }

    /// A stage that holds one batch.
    pub fn create_stage(&self) -> Sql {
        sql!(
            "drop table if exists {stage}; create temporary table pgsync_stage on commit delete rows \
             as select {values} from {from} with no data",
            stage = Sql::trusted(STAGE),
            values = self.values(Side::Target),
            from = self.from(Side::Target),
        )
    }

    pub fn copy_into_stage(&self) -> Sql {
        Sql::trusted(format!("copy {STAGE} from stdin"))
    }

    /// Writes the stage into the target; a CTE `written` of one row `inserted, updated`.
    pub fn upsert(&self) -> Sql {
        match (self.key_deferrable, self.target.partitioned) {
            (true, _) => self.update_then_insert(),
            (false, true) => self.upsert_counting_before(),
            (false, false) => sql!(
                "touched as ({upsert} returning (xmax operator(pg_catalog.=) 0) as fresh), \
                 written as (select pg_catalog.count(*) filter (where fresh) as inserted, \
                 pg_catalog.count(*) filter (where not fresh) as updated from touched)",
                upsert = self.insert_on_conflict(),
            ),
        }
    }

    fn upsert_counting_before(&self) -> Sql {
        sql!(
            "touched as ({upsert} returning 1), \
             before as (select pg_catalog.count(*) as staged, pg_catalog.count(*) filter (where exists \
             (select from {from} where {matching})) as known from {stage} s), \
             written as (select b.staged operator(pg_catalog.-) b.known as inserted, \
             (select pg_catalog.count(*) from touched) operator(pg_catalog.-) \
             (b.staged operator(pg_catalog.-) b.known) as updated from before b)",
            upsert = self.insert_on_conflict(),
            from = self.from(Side::Target),
            matching = self.matching("s"),
            stage = Sql::trusted(STAGE),
        )
    }

    fn insert_on_conflict(&self) -> Sql {
        let settable: Vec<&Ident> = self.settable().collect();
        let action = if settable.is_empty() {
            Sql::trusted("do nothing")
        } else {
            let prefixed = |prefix: &'static str| {
                let prefix = Sql::trusted(prefix);
                Sql::join(settable.iter().map(|c| sql!("{p}.{c}", p = prefix, c = c)), ", ")
            };
            sql!(
                "do update set ({names}) = row({new}) where {differs}",
                names = Sql::join(settable.iter(), ", "),
                new = prefixed("excluded"),
                differs = images_differ(&settable, "old", "excluded"),
            )
        };
        sql!(
            "insert into {table} as old ({names}) overriding system value select {names} from {stage} \
             on conflict ({key}) {action}",
            table = self.target.name,
            names = self.names(),
            stage = Sql::trusted(STAGE),
            key = self.key_names(),
            action = action,
        )
    }

    /// For a key that cannot arbitrate: update what is there, then insert what is not.
    fn update_then_insert(&self) -> Sql {
        let settable: Vec<&Ident> = self.settable().collect();
        let changed = if settable.is_empty() {
            sql!("select 1 where false")
        } else {
            let sets = settable.iter().map(|c| sql!("{c} = s.{c}", c = c));
            sql!(
                "update {from} set {sets} from {stage} s where {matching} and {differs} returning 1",
                from = self.from(Side::Target),
                sets = Sql::join(sets, ", "),
                stage = Sql::trusted(STAGE),
                matching = self.matching("s"),
                differs = self.differs(),
            )
        };
        sql!(
            "changed as ({changed}), added as (insert into {table} ({names}) overriding system value \
             select {names} from {stage} s where not exists (select from {from} where {matching}) \
             returning 1), written as (select (select pg_catalog.count(*) from added) as inserted, \
             (select pg_catalog.count(*) from changed) as updated)",
            changed = changed,
            table = self.target.name,
            names = self.names(),
            stage = Sql::trusted(STAGE),
            from = self.from(Side::Target),
            matching = self.matching("s"),
        )
    }

    /// Replaces the rows that differ: all are taken out before the first goes in, in one statement,
    /// so unique values can move freely among them.
    pub fn replace(&self) -> Sql {
        sql!(
            "gone as (delete from {from} using {stage} s where {matching} and {differs} returning 1), \
             n as (select pg_catalog.count(*) as gone from gone), \
             added as (insert into {table} ({names}) overriding system value select {staged} \
             from n cross join {stage} s where n.gone operator(pg_catalog.>=) 0 and not exists \
             (select from {from} where {matching} and not {differs}) returning 1), \
             written as (select (select pg_catalog.count(*) from added) operator(pg_catalog.-) n.gone \
             as inserted, n.gone as updated from n)",
            from = self.from(Side::Target),
            stage = Sql::trusted(STAGE),
            matching = self.matching("s"),
            differs = self.differs(),
            table = self.target.name,
            names = self.names(),
            staged = Sql::join(self.columns.iter().map(|c| sql!("s.{n}", n = c.name)), ", "),
        )
    }

    /// What [`Shape::upsert`] would do, counted and not done.
    pub fn count_upsert(&self) -> Sql {
        sql!(
            "select pg_catalog.count(*) filter (where t.ctid is null) as inserted, \
             pg_catalog.count(*) filter (where t.ctid is not null and {differs}) as updated \
             from {stage} s left join {from} on {matching}",
            differs = self.differs(),
            stage = Sql::trusted(STAGE),
            from = self.from(Side::Target),
            matching = self.matching("s"),
        )
    }

    fn settable(&self) -> impl Iterator<Item = &Ident> {
        self.columns.iter().filter(|column| column.settable).map(|column| &column.name)
    }

    /// Whether row `t` and staged row `s` differ in their images.
    fn differs(&self) -> Sql {
        let names: Vec<&Ident> = self.columns.iter().map(|column| &column.name).collect();
        images_differ(&names, "t", "s")
    }

    /// Whether row `t` has the key of row `other`.
    pub(super) fn matching(&self, other: &'static str) -> Sql {
        let other = Sql::trusted(other);
        let pairs = self.key.iter().map(|column| {
            sql!(
                "t.{name} {equals} {other}.{name}",
                name = column.name,
                equals = operator(&column.target_equals),
                other = other,
            )
        });
        Sql::join(pairs, " and ")
    }

    /// A stage for the source's keys and hashes of some buckets; it outlives transactions.
    pub fn create_key_stage(&self) -> Sql {
        sql!(
            "drop table if exists {keys}; create temporary table pgsync_keys as select {names}, 0::pg_catalog.int8 as pgsync_hash \
             from {from} with no data",
            keys = Sql::trusted(KEYS),
            names = Sql::join(self.key.iter().map(|c| sql!("t.{n}", n = c.name)), ", "),
            from = self.from(Side::Target),
        )
    }

    pub fn copy_into_key_stage(&self) -> Sql {
        Sql::trusted(format!("copy {KEYS} from stdin"))
    }

    /// Without statistics the planner looks for each staged key in all others.
    pub fn analyze_key_stage(&self) -> Sql {
        Sql::trusted(format!("analyze {KEYS}"))
    }

    /// Numbers the staged keys that the target lacks or has with another hash; gives their number.
    pub fn want(&self, measure: Measure, buckets: &Buckets) -> Sql {
        sql!(
            "drop table if exists {wanted}; create temporary table pgsync_wanted as \
             select pg_catalog.row_number() over () as pgsync_n, {names} from {keys} s left join {rows} \
             on {matching} where t.ctid is null or t.pgsync_hash operator(pg_catalog.<>) s.pgsync_hash; \
             select pg_catalog.count(*) from {wanted}",
            keys = Sql::trusted(KEYS),
            names = Sql::join(self.key.iter().map(|c| sql!("s.{n}", n = c.name)), ", "),
            rows = buckets.target_rows(self, measure),
            matching = self.matching("s"),
            wanted = Sql::trusted(WANTED),
        )
    }

    /// Wanted keys number `from` to before `to`: per key column one array literal of texts.
    pub fn wanted(&self, from: u64, to: u64) -> Sql {
        let arrays = self.key.iter().map(|column| {
            sql!(
                "pg_catalog.array_agg(w.{n}::pg_catalog.text order by w.pgsync_n)::pg_catalog.text",
                n = column.name
            )
        });
        sql!(
            "select {arrays} from {wanted} w where w.pgsync_n operator(pg_catalog.>=) {from} \
             and w.pgsync_n operator(pg_catalog.<) {to}",
            arrays = Sql::join(arrays, ", "),
            wanted = Sql::trusted(WANTED),
            from = from,
            to = to,
        )
    }

    /// Counts the target's rows in some buckets whose keys are not staged.
    pub fn count_vanished(&self, buckets: &Buckets) -> Sql {
        sql!(
            "select pg_catalog.count(*) from {buckets} join {from} on {condition} where not exists \
             (select from {keys} s where {matching})",
            buckets = buckets.relation,
            from = self.from(Side::Target),
            condition = buckets.condition(self, Side::Target),
            keys = Sql::trusted(KEYS),
            matching = self.matching("s"),
        )
    }

    /// Deletes them; a CTE `removed` of one row `deleted`.
    pub fn delete_vanished(&self, buckets: &Buckets) -> Sql {
        sql!(
            "gone as (delete from {from} using {buckets} where {condition} and not exists \
             (select from {keys} s where {matching}) returning 1), \
             removed as (select pg_catalog.count(*) as deleted from gone)",
            from = self.from(Side::Target),
            buckets = buckets.relation,
            condition = buckets.condition(self, Side::Target),
            keys = Sql::trusted(KEYS),
            matching = self.matching("s"),
        )
    }

    /// For a table without a key, with the whole rows of some buckets staged: the surplus of each
    /// row is deleted, then what is short is inserted. CTEs `removed` and `written`.
    pub fn replace_rows(&self, buckets: &Buckets) -> Sql {
        let staged = self.columns.iter().map(|c| sql!("s.{n}", n = c.name));
        sql!(
            "{ranked}, gone as (delete from {from} using here where t.ctid operator(pg_catalog.=) here.at \
             and t.tableoid operator(pg_catalog.=) here.part and not exists (select from there \
             where there.image operator(pg_catalog.=) here.image and there.n operator(pg_catalog.=) here.n) \
             returning 1), \
             n as (select pg_catalog.count(*) as gone from gone), \
             added as (insert into {table}{names} overriding system value select {staged} \
             from n join there on n.gone operator(pg_catalog.>=) 0 join {stage} s on s.ctid operator(pg_catalog.=) there.at where not exists \
             (select from here where here.image operator(pg_catalog.=) there.image \
             and here.n operator(pg_catalog.=) there.n) returning 1), \
             removed as (select n.gone as deleted from n), \
             written as (select pg_catalog.count(*) as inserted, 0 as updated from added)",
            ranked = self.ranked(buckets),
            from = self.from(Side::Target),
            table = self.target.name,
            names = match self.columns.is_empty() {
                true => Sql::trusted(""),
                false => sql!(" ({names})", names = self.names()),
            },
            staged = Sql::join(staged, ", "),
            stage = Sql::trusted(STAGE),
        )
    }

    /// What [`Shape::replace_rows`] would do: `inserted, deleted`.
    pub fn count_replace_rows(&self, buckets: &Buckets) -> Sql {
        sql!(
            "with {ranked} select pg_catalog.count(*) filter (where here.image is null), \
             pg_catalog.count(*) filter (where there.image is null) from there full join here \
             on here.image operator(pg_catalog.=) there.image and here.n operator(pg_catalog.=) there.n",
            ranked = self.ranked(buckets),
        )
    }

    /// The rows of both sides as text, equal ones numbered.
    fn ranked(&self, buckets: &Buckets) -> Sql {
        let text = |prefix: &'static str| {
            let prefix = Sql::trusted(prefix);
            let values = self.columns.iter().map(|c| sql!("{p}.{c}", p = prefix, c = c.name));
            sql!("row({values})::pg_catalog.text", values = Sql::join(values, ", "))
        };
        sql!(
            "here as (select x.*, pg_catalog.row_number() over (partition by x.image) as n from \
             (select t.ctid as at, t.tableoid as part, {target} as image from {buckets} join {from} \
             on {condition}) x), \
             there as (select x.*, pg_catalog.row_number() over (partition by x.image) as n from \
             (select s.ctid as at, {staged} as image from {stage} s) x)",
            target = text("t"),
            buckets = buckets.relation,
            from = self.from(Side::Target),
            condition = buckets.condition(self, Side::Target),
            staged = text("s"),
            stage = Sql::trusted(STAGE),
        )
    }
}

/// Whether the images of two rows differ: true for types without equality, and tells 1.0 from 1.00.
/// Sub-selects, because a bare `row(…) *<> row(…)` is expanded column by column. The row is named
/// unlike any column, which would be taken for it.
fn images_differ(names: &[&Ident], one: &'static str, other: &'static str) -> Sql {
    let mut row = "r".to_owned();
    while names.iter().any(|name| name.as_str() == row) {
        row.push('r');
    }
    let row = Sql::trusted(row);
    let values = |prefix: &'static str| {
        let prefix = Sql::trusted(prefix);
        Sql::join(names.iter().map(|name| sql!("{p}.{n}", p = prefix, n = name)), ", ")
    };
    sql!(
        "((select {row} from (select {one}) {row}) operator(pg_catalog.*<>) \
         (select {row} from (select {other}) {row}))",
        row = row,
        one = values(one),
        other = values(other),
    )
}
