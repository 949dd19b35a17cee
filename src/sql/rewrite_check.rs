//! Whether a table is still the one that the snapshot shows. TRUNCATE, and whatever rewrites a table,
//! gives it new storage in which an older snapshot sees no row: all of them would seem to have vanished,
//! also those that the same transaction has put in again. A partition that comes or goes is the same fault.

use crate::sql::mapping::Relation;
use crate::sql::{Literal, Sql, sql};

impl Relation {
    /// Keeps others from most of it until the transaction ends, as every read of the table does, and
    /// reads no row. A partition can still be attached, which locks the table against writers only.
    pub fn lock_against_truncate(&self) -> Sql {
        let only = Sql::trusted(if self.partitioned { "" } else { "only " });
        sql!("select from {only}{name} limit 0", only = only, name = self.name)
    }

    /// Gives what [`crate::table::Table::storage`] says, of now and not of the snapshot: functions like
    /// `pg_relation_filenode` know no snapshot. Reads do not either, where they look for the partitions
    /// of a table: one that was detached since then shows no row of its own, one that was attached shows
    /// all that the snapshot knows. `pg_partition_tree` finds those that a read finds.
    pub fn storage(&self) -> Sql {
        let root = self.name.quoted();
        let root = sql!("pg_catalog.to_regclass({root})", root = Literal(&root));
        let file = "p.oid::pg_catalog.text operator(pg_catalog.||) ':' operator(pg_catalog.||) \
             coalesce(pg_catalog.pg_relation_filenode(p.oid), 0)::pg_catalog.text";
        let files = match (self.partitioned, self.partition_tree) {
            (false, _) => sql!(
                "{file}) from (select {root}::pg_catalog.oid) p(oid)",
                file = Sql::trusted(file),
                root = root,
            ),
            (true, true) => sql!(
                "pg_catalog.string_agg({file}, ',' order by p.oid)) from \
                 (select t.relid::pg_catalog.oid from pg_catalog.pg_partition_tree({root}) t) p(oid)",
                file = Sql::trusted(file),
                root = root,
            ),
            // The snapshot's partitions, and whether they are partitions. Before PostgreSQL 12 nothing
            // tells of others; a hypertable's chunks that it does not know hold no row that it knows.
            (true, false) => sql!(
                "pg_catalog.string_agg({file} operator(pg_catalog.||) p.parted, ',' order by p.oid)) from \
                 (with recursive parts(oid, partition) as (select {root}::pg_catalog.oid, false union \
                 select h.inhrelid, c.relispartition from pg_catalog.pg_inherits h \
                 join parts on parts.oid operator(pg_catalog.=) h.inhparent \
                 join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) h.inhrelid) \
                 select oid, case when partition and pg_catalog.pg_get_partition_constraintdef(oid) is null \
                 then ' detached' else '' end as parted from parts) p",
                file = Sql::trusted(file),
                root = root,
            ),
        };
        sql!("select pg_catalog.md5({files}", files = files)
    }
}
