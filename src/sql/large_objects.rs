//! Rows that point to large objects. Those lie outside of all tables, so no copy of a table brings them.

use crate::error::Side;
use crate::sql::mapping::{PlanColumn, TableMapping};
use crate::sql::{Sql, sql};

impl TableMapping {
    /// The columns whose values may be numbers of large objects: of type `oid`, or of `lo` of the extension
    /// of that name.
    pub fn large_object_columns(&self) -> impl Iterator<Item = &PlanColumn> {
        self.columns.iter().filter(|column| {
            let name = column.target_type.rsplit('.').next();
            column.target_type == "oid" || name == Some("lo")
        })
    }

    /// The number of rows of the source whose `column` is the number of a large object that exists.
    pub fn count_large_objects(&self, column: &PlanColumn) -> Sql {
        sql!(
            "select pg_catalog.count(*) from {from} where exists (select from pg_catalog.pg_largeobject_metadata m \
             where m.oid operator(pg_catalog.=) t.{column}::pg_catalog.oid)",
            from = self.from(Side::Source),
            column = column.name,
        )
    }
}

/// Whether a database has any large object.
pub const ANY_LARGE_OBJECT: &str = "select exists (select from pg_catalog.pg_largeobject_metadata)";
