//! What a transaction has really written into a table, as PostgreSQL counts it: not only what our
//! statements say they did, but also what stands behind them, such as a function that a check or an index
//! calls, a trigger, or the action of a foreign key.
//!
//! The counters belong to the session and go on until an idle moment, so the difference between a
//! transaction's begin and its end is taken; a setting keeps the former.

use crate::sql::mapping::Relation;
use crate::sql::{Literal, Sql, sql};

/// The numbers of the rows of these tables that the session has inserted, updated and deleted.
fn counters(tables: &[&Relation]) -> Sql {
    let names: Vec<String> = tables.iter().map(|table| table.name.quoted()).collect();
    let sum = |counter: &'static str| {
        sql!("pg_catalog.sum(pg_catalog.{counter}(p.oid))", counter = Sql::trusted(counter))
    };
    sql!(
        "(with recursive parts(oid) as (select pg_catalog.to_regclass(n)::pg_catalog.oid \
         from pg_catalog.unnest(array[{names}]::pg_catalog.text[]) n union \
         select h.inhrelid from pg_catalog.pg_inherits h join parts on parts.oid operator(pg_catalog.=) h.inhparent) \
         select pg_catalog.concat_ws(',', {inserted}, {updated}, {deleted}) from parts p)",
        names = Sql::join(names.iter().map(|name| Literal(name)), ", "),
        inserted = sum("pg_stat_get_xact_tuples_inserted"),
        updated = sum("pg_stat_get_xact_tuples_updated"),
        deleted = sum("pg_stat_get_xact_tuples_deleted"),
    )
}

/// Keeps the counters for [`since`] until the transaction ends.
pub fn start(tables: &[&Relation]) -> Sql {
    sql!(
        "select pg_catalog.set_config('pgsync.counters', {counters}, true)",
        counters = counters(tables)
    )
}

/// Gives the counters of now, and those that were kept.
pub fn since(tables: &[&Relation]) -> Sql {
    sql!(
        "select {counters}, pg_catalog.current_setting('pgsync.counters', true)",
        counters = counters(tables)
    )
}
