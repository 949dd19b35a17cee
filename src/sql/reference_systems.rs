//! Spatial reference systems that PostGIS knows.

use crate::ident::Ident;
use crate::sql::{Literal, Sql, sql};

/// The schemas that hold PostGIS's list of them.
pub const LISTS: &str = "select n.nspname from pg_catalog.pg_extension e \
     join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) e.extnamespace \
     where e.extname operator(pg_catalog.=) 'postgis'";

/// The greatest number that the list takes.
pub const GREATEST: i32 = 998_999;

/// Those of these numbers that the list in `schema` has, each with who has given it.
pub fn known(schema: &Ident, srids: &[i64]) -> Sql {
    sql!(
        "select s.srid, s.auth_name from {schema}.spatial_ref_sys s where s.srid operator(pg_catalog.=) any (array[{srids}])",
        schema = schema,
        srids = Sql::join(srids, ", "),
    )
}

/// What somebody runs to add one.
pub fn insert(schema: &Ident, srid: i64, authority: &str, definition: &str) -> Sql {
    sql!(
        "insert into {schema}.spatial_ref_sys (srid, auth_name, auth_srid, srtext) \
         values ({srid}, {authority}, {srid}, {definition})",
        schema = schema,
        srid = srid,
        authority = Literal(authority),
        definition = Literal(definition),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_added_by_its_statement() {
        let statement = insert(&Ident::new("public"), 9_999, "Ours", "LOCAL_CS[\"it's\"]");
        assert_eq!(
            statement.as_str(),
            "insert into \"public\".spatial_ref_sys (srid, auth_name, auth_srid, srtext) \
             values (9999, 'Ours', 9999, 'LOCAL_CS[\"it''s\"]')"
        );
    }
}
