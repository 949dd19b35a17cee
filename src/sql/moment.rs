//! Whether a table is still the one that the snapshot shows. TRUNCATE, and whatever rewrites a table,
//! gives it new storage in which an older snapshot sees no row: all of them would seem to have vanished,
//! also those that the same transaction has put in again.

use super::{Literal, Sql, sql};
use crate::plan::Relation;

impl Relation {
    /// Keeps others from doing so until the transaction ends, as every read of the table does, and reads
    /// no row.
    pub fn hold(&self) -> Sql {
        let only = Sql::trusted(if self.partitioned { "" } else { "only " });
        sql!("select from {only}{name} limit 0", only = only, name = self.name)
    }

    /// Gives what [`crate::table::Table::storage`] says, of now and not of the snapshot: functions like
    /// `pg_relation_filenode` know no snapshot.
    pub fn storage(&self) -> Sql {
        let root = self.name.quoted();
        let root = sql!("pg_catalog.to_regclass({root})::pg_catalog.oid", root = Literal(&root));
        let file = "p.oid::pg_catalog.text operator(pg_catalog.||) ':' operator(pg_catalog.||) \
             coalesce(pg_catalog.pg_relation_filenode(p.oid), 0)::pg_catalog.text";
        let files = match self.partitioned {
            false => {
                sql!("{file}) from (select {root}) p(oid)", file = Sql::trusted(file), root = root)
            }
            true => sql!(
                "pg_catalog.string_agg({file}, ',' order by p.oid)) from \
                 (with recursive parts(oid) as (select {root} union select h.inhrelid \
                 from pg_catalog.pg_inherits h join parts on parts.oid operator(pg_catalog.=) h.inhparent) \
                 select oid from parts) p",
                file = Sql::trusted(file),
                root = root,
            ),
        };
        sql!("select pg_catalog.md5({files}", files = files)
    }
}
