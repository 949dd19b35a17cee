//! Whom pgsync's role trusts on the target: code that others put into what it uses for itself would run
//! with its rights.

use crate::sql::{Sql, sql};

/// Whether `owner`, an expression, is the role itself, a role of which it is a member, a superuser or the
/// owner of the database.
pub fn is_trusted(owner: &'static str) -> Sql {
    sql!(
        "(exists (select from pg_catalog.pg_roles o where o.oid operator(pg_catalog.=) {owner} and o.rolsuper) \
         or exists (select from pg_catalog.pg_database d where d.datdba operator(pg_catalog.=) {owner} \
         and d.datname operator(pg_catalog.=) pg_catalog.current_database()) \
         or exists (with recursive own(oid) as ( \
         select r.oid from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) current_user \
         union select m.roleid from pg_catalog.pg_auth_members m join own on own.oid operator(pg_catalog.=) m.member) \
         select from own where own.oid operator(pg_catalog.=) {owner}))",
        owner = Sql::trusted(owner)
    )
}

/// Whether the role may do anything, so that whoever gets hold of it may, too.
pub fn is_superuser() -> Sql {
    Sql::trusted(
        "(select r.rolsuper from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) current_user)",
    )
}
