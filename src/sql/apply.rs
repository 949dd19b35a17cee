//! Statements that write rows by their key: stage, upsert, and what takes the upsert's place where
//! ON CONFLICT cannot be used or unique values move.
//!
//! Each write counts what it did. `xmax = 0` tells an inserted row from an updated one; a partitioned
//! table cannot show `xmax`, there the rows that exist before are counted instead.

use std::ops::Range;

use super::keys::WANTED;
use super::read::operator;
use crate::error::Side;
use crate::ident::Ident;
use crate::sql::mapping::TableMapping;
use crate::sql::{Sql, sql};

pub(super) const STAGE: &str = "pg_temp.pgsync_stage";

impl TableMapping {
    /// Writes the stage into the target, as [`TableMapping::upsert`] does where it can. Rows may be
    /// deleted and inserted again with `reinsert`.
    pub fn write(&self, reinsert: bool) -> Sql {
        if self.writes_by_replacing(reinsert) { self.replace() } else { self.upsert() }
    }

    /// Whether rows that differ are deleted and inserted again, where they may be.
    pub fn writes_by_replacing(&self, reinsert: bool) -> bool {
        reinsert && self.identities().next().is_some()
    }

    /// Counts the staged rows with another identity than the target's, where those cannot be replaced.
    pub fn stuck(&self, reinsert: bool) -> Option<Sql> {
        let names: Vec<&Ident> = self.identities().collect();
        (!reinsert && !names.is_empty()).then(|| {
            sql!(
                "select pg_catalog.count(*) from {stage} s join {from} on {matching} where {differs}",
                stage = Sql::trusted(STAGE),
                from = self.from(Side::Target),
                matching = self.matching("s"),
                differs = images_differ(&names, "t", "s"),
            )
        })
    }

    /// The columns outside of the key that are GENERATED ALWAYS as identity: an insert can bring their
    /// values, an update cannot.
    pub fn identities(&self) -> impl Iterator<Item = &Ident> {
        let fixed =
            self.columns.iter().filter(|column| !column.updatable).map(|column| &column.name);
        fixed.filter(|name| self.key.iter().all(|column| column.name != **name))
    }

    pub(super) fn names(&self) -> Sql {
        Sql::join(self.columns.iter().map(|column| &column.name), ", ")
    }

    /// The key's columns as ON CONFLICT has them.
    fn arbiter(&self) -> Sql {
        let own = |index: &Option<Sql>| index.clone().unwrap_or(Sql::trusted(""));
        let columns = self.key.iter();
        let columns = columns.map(|c| sql!("{name}{own}", name = c.name, own = own(&c.index)));
        Sql::join(columns, ", ")
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

    /// Loads the rows of a batch into the stage.
    pub fn copy_into_stage(&self) -> Sql {
        sql!("copy {stage} from stdin", stage = Sql::trusted(STAGE))
    }

    /// Writes the stage into the target; a CTE `written` of one row `inserted, updated`.
    pub fn upsert(&self) -> Sql {
        match (self.cannot_arbitrate, self.target.partitioned) {
            (true, _) => self.update_then_insert(),
            (false, true) => self.upsert_counting_before(),
            (false, false) => sql!(
                "touched as ({upsert} returning (t.xmax operator(pg_catalog.=) 0) as fresh, \
                 case when t.xmax operator(pg_catalog.=) 0 then {hash} end as key_hash), \
                 written as (select pg_catalog.count(*) filter (where fresh) as inserted, \
                 pg_catalog.count(*) filter (where not fresh) as updated, {keys} as keys from touched)",
                upsert = self.insert_on_conflict(),
                hash = self.tracked_hash(),
                keys = self.tracked_sum("key_hash"),
            ),
        }
    }

    /// All parts of a statement see the table as it was before: a row that was written and is not found
    /// there was inserted.
    fn upsert_counting_before(&self) -> Sql {
        let keys = self.key.iter().map(|column| sql!("t.{name}", name = column.name));
        sql!(
            "touched as ({upsert} returning {key}, {hash} as {hash_name}), \
             known as (select w.{hash_name} as key_hash, exists (select from {from} where {matching}) as known \
             from touched w), \
             written as (select pg_catalog.count(*) filter (where not known) as inserted, \
             pg_catalog.count(*) filter (where known) as updated, {keys} as keys \
             from (select known, case when not known then key_hash end as key_hash from known) w)",
            upsert = self.insert_on_conflict(),
            key = Sql::join(keys, ", "),
            hash = self.tracked_hash(),
            hash_name = self.beside_key("pgsync_hash"),
            from = self.from(Side::Target),
            matching = self.matching("w"),
            keys = self.tracked_sum("key_hash"),
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
                differs = images_differ(&settable, "t", "excluded"),
            )
        };
        sql!(
            "insert into {table} as t ({names}) overriding system value select {names} from {stage} \
             on conflict ({key}) {action}",
            table = self.target.name,
            names = self.names(),
            stage = Sql::trusted(STAGE),
            key = self.arbiter(),
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
            "changed as ({changed}), added as (insert into {table} as t ({names}) overriding system value \
             select {names} from {stage} s where not exists (select from {from} where {matching}) \
             returning {hash} as key_hash), written as (select pg_catalog.count(*) as inserted, \
             (select pg_catalog.count(*) from changed) as updated, {keys} as keys from added)",
            hash = self.tracked_hash(),
            keys = self.tracked_sum("key_hash"),
            changed = changed,
            table = self.target.name,
            names = self.names(),
            stage = Sql::trusted(STAGE),
            from = self.from(Side::Target),
            matching = self.matching("s"),
        )
    }

    /// Replaces the rows that differ: all are taken out before the first goes in, in one statement,
    /// so unique values can move freely among them. A row takes the values of the columns that only the
    /// target has with it; these are no part of the stage.
    pub fn replace(&self) -> Sql {
        if self.own.is_empty() {
            return self.replace_whole();
        }
        let numbered = |shown: &dyn Fn(usize, &Ident) -> Sql| {
            Sql::join(self.own.iter().enumerate().map(|(number, name)| shown(number, name)), ", ")
        };
        sql!(
            "gone as (delete from {from} using {stage} s where {matching} and {differs} \
             returning s.ctid as pgsync_at, {taken}), \
             n as (select pg_catalog.count(*) as gone from gone), \
             back as (insert into {table} ({names}, {own}) overriding system value select {staged}, {given} \
             from n cross join gone g join {stage} s on s.ctid operator(pg_catalog.=) g.pgsync_at \
             where n.gone operator(pg_catalog.>=) 0 returning 1), \
             added as (insert into {table} ({names}) overriding system value select {staged} \
             from n cross join {stage} s where n.gone operator(pg_catalog.>=) 0 and not exists \
             (select from {from} where {matching}) returning 1), \
             written as (select (select pg_catalog.count(*) from added) as inserted, \
             (select pg_catalog.count(*) from back) as updated, null::pg_catalog.numeric as keys)",
            from = self.from(Side::Target),
            stage = Sql::trusted(STAGE),
            matching = self.matching("s"),
            differs = self.differs(),
            taken =
                numbered(&|number, name| sql!("t.{name} as pgsync_{n}", name = name, n = number)),
            given = numbered(&|number, _| sql!("g.pgsync_{n}", n = number)),
            table = self.target.name,
            names = self.names(),
            own = Sql::join(&self.own, ", "),
            staged = self.staged(),
        )
    }

    fn replace_whole(&self) -> Sql {
        sql!(
            "gone as (delete from {from} using {stage} s where {matching} and {differs} returning 1), \
             n as (select pg_catalog.count(*) as gone from gone), \
             added as (insert into {table} ({names}) overriding system value select {staged} \
             from n cross join {stage} s where n.gone operator(pg_catalog.>=) 0 and not exists \
             (select from {from} where {matching} and not {differs}) returning 1), \
             written as (select (select pg_catalog.count(*) from added) operator(pg_catalog.-) n.gone \
             as inserted, n.gone as updated, null::pg_catalog.numeric as keys from n)",
            from = self.from(Side::Target),
            stage = Sql::trusted(STAGE),
            matching = self.matching("s"),
            differs = self.differs(),
            table = self.target.name,
            names = self.names(),
            staged = self.staged(),
        )
    }

    fn staged(&self) -> Sql {
        Sql::join(self.columns.iter().map(|c| sql!("s.{n}", n = c.name)), ", ")
    }

    /// What [`TableMapping::upsert`] would do, counted and not done; row by row, as that does. A planner that
    /// knows nothing of the stage prefers to go through the whole table for every batch.
    pub fn count_upsert(&self) -> Sql {
        sql!(
            "set local enable_hashjoin = off; select pg_catalog.count(*) filter (where t.ctid is null) as inserted, \
             pg_catalog.count(*) filter (where t.ctid is not null and {differs}) as updated \
             from {stage} s left join {from} on {matching}",
            differs = self.differs(),
            stage = Sql::trusted(STAGE),
            from = self.from(Side::Target),
            matching = self.matching("s"),
        )
    }

    /// Has generated columns of wanted rows of these numbers computed again: PostgreSQL does so where a
    /// column is set that the expression names. A CTE `written`, or None where no column can be set.
    pub fn compute_again(&self, numbers: &Range<u64>) -> Option<Sql> {
        let sets = self.settable().map(|c| sql!("{c} = t.{c}", c = c));
        let sets = Sql::join(sets, ", ");
        let is_any = self.settable().next().is_some() && !self.generated.is_empty();
        is_any.then(|| {
            sql!(
                "again as (update {table} set {sets} from {wanted} w where w.{n} operator(pg_catalog.>=) {first} \
                 and w.{n} operator(pg_catalog.<) {end} and {matching} returning 1), written as (select 0 as inserted, \
                 pg_catalog.count(*) as updated, null::pg_catalog.numeric as keys from again)",
                table = self.from(Side::Target),
                sets = sets,
                wanted = Sql::trusted(WANTED),
                n = self.beside_key("pgsync_n"),
                first = numbers.start,
                end = numbers.end,
                matching = self.matching("w"),
            )
        })
    }

    fn settable(&self) -> impl Iterator<Item = &Ident> {
        self.columns.iter().filter(|column| column.updatable).map(|column| &column.name)
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
}

/// Whether the images of two rows differ: true for types without equality, and tells 1.0 from 1.00.
/// Sub-selects, because a bare `row(…) *<> row(…)` is expanded column by column. The row is named
/// unlike any column, which would be taken for it, also one that does not travel.
fn images_differ(names: &[&Ident], one: &'static str, other: &'static str) -> Sql {
    let mut row = Sql::trusted("pgsync_row");
    while names.iter().any(|name| name.as_str() == row.as_str()) {
        row = sql!("{row}_", row = row);
    }
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
