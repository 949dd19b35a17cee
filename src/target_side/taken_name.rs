//! Who has the name that a statement of a definition wanted.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::ident::Ident;
use crate::pg::Session;
use crate::sql::{Literal, Sql, sql};

/// The error, with what has the name in its hint, if that is there and says it.
pub(super) async fn named(session: &Session, error: Error, schemas: &BTreeSet<&Ident>) -> Error {
    let Error::Database(mut error) = error else { return error };
    let is_taken = matches!(error.sqlstate.as_deref(), Some("42P07" | "42710"));
    if let Some(name) = taken(&error.message).filter(|_| is_taken) {
        let rows = session.rows("looking for a name", &holders(name, schemas)).await;
        let rows = rows.unwrap_or_default();
        let belongs_to_a_table = rows.iter().any(|row| row.text(2).is_some());
        let renamed = if belongs_to_a_table {
            "if the source has renamed that table, rename it here, too (a warning of the old table \
             may have the statements); else "
        } else {
            ""
        };
        // A sequence that serves a column goes with it.
        let serves =
            rows.iter().any(|row| row.text(0) == Some("sequence") && row.text(2).is_some());
        let verb = if serves { "rename" } else { "drop or rename" };
        let holders: Vec<String> = rows
            .iter()
            .filter_map(|row| {
                let owner =
                    row.text(2).map(|table| format!(" of table {table}")).unwrap_or_default();
                let extension =
                    row.text(3).map(|name| format!(" of extension {name}")).unwrap_or_default();
                Some(format!("{} {}{owner}{extension}", row.text(0)?, row.text(1)?))
            })
            .collect();
        // Without what belongs to it, an extension does not work any more.
        let is_of_extension = rows.iter().any(|row| row.text(3).is_some());
        let advice = if is_of_extension {
            "exclude the table".to_owned()
        } else {
            format!("{renamed}{verb} it, or exclude the table")
        };
        if !holders.is_empty() {
            let holders = holders.join(" and ");
            error.hint = Some(format!("on the target {holders} has that name: {advice}"));
        }
    }
    Error::Database(error)
}

/// The name in `relation "item" already exists`.
fn taken(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("relation \"").or_else(|| message.strip_prefix("type \""))?;
    rest.strip_suffix("\" already exists")
}

/// `kind, name, table of an index, extension that owns it` of what has a name in some schemas.
fn holders(name: &str, schemas: &BTreeSet<&Ident>) -> Sql {
    let schemas = Sql::join(schemas.iter().map(|schema| Literal(schema.as_str())), ", ");
    sql!(
        "select o.type, o.identity, \
         coalesce(i.indrelid, s.refobjid)::pg_catalog.regclass::pg_catalog.text, e.extname \
         from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace \
         left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) c.oid \
         left join pg_catalog.pg_depend s on c.relkind operator(pg_catalog.=) 'S' \
         and s.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass \
         and s.objid operator(pg_catalog.=) c.oid and s.refclassid operator(pg_catalog.=) s.classid \
         and s.deptype operator(pg_catalog.=) any (array['a', 'i']::pg_catalog.\"char\"[]) \
         left join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) \
         'pg_catalog.pg_class'::pg_catalog.regclass and d.objid operator(pg_catalog.=) c.oid \
         and d.objsubid operator(pg_catalog.=) 0 and d.deptype operator(pg_catalog.=) 'e' \
         left join pg_catalog.pg_extension e on e.oid operator(pg_catalog.=) d.refobjid \
         cross join lateral pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0) o \
         where c.relname operator(pg_catalog.=) {name} and n.nspname operator(pg_catalog.=) any \
         (array[{schemas}]::pg_catalog.name[])",
        name = Literal(name),
        schemas = schemas,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_taken_out_of_the_servers_words() {
        assert_eq!(taken("relation \"item\" already exists"), Some("item"));
        assert_eq!(taken("type \"it\"em\" already exists"), Some("it\"em"));
        assert_eq!(taken("constraint \"c\" for relation \"t\" already exists"), None);
    }
}
