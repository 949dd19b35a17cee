//! Who has the name that a statement of a definition wanted.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::pg::{Row, Session};
use crate::schema_object::fitting;
use crate::sql::sync_log::SyncLog;
use crate::sql::{Literal, Sql, sql};

/// The error of a step for some tables of the target, with what has the name in its hint, if that is there and says it.
pub(super) async fn named(
    session: &Session,
    error: Error,
    tables: &[TableName],
    log: &SyncLog,
) -> Error {
    let schemas: BTreeSet<&Ident> = tables.iter().map(|table| &table.schema).collect();
    let Error::Database(mut error) = error else { return error };
    let is_taken = matches!(error.sqlstate.as_deref(), Some("42P07" | "42710"));
    if let Some(name) = taken(&error.message).filter(|_| is_taken) {
        let rows = session.rows("looking for a name", &holders(name, &schemas)).await;
        let rows = rows.unwrap_or_default();
        let holders: Vec<Holder<'_>> = rows.iter().filter_map(Holder::read).collect();
        if !holders.is_empty() {
            let is_other = |table: &&str| tables.iter().all(|own| own.typed() != *table);
            let other = holders.iter().filter_map(|holder| holder.table).find(is_other);
            let renaming = match other.zip(tables.first()) {
                Some((old, new)) => renaming(session, old, new, log).await,
                None => None,
            };
            error.hint = Some(advice(&holders, name, renaming.as_deref()));
        }
    }
    Error::Database(error)
}

/// What has a name.
struct Holder<'r> {
    /// `index`, `sequence`, `view`
    kind: &'r str,
    /// With its schema, as it is typed.
    identity: &'r str,
    /// The table whose index or sequence it is.
    table: Option<&'r str>,
    extension: Option<&'r str>,
}

impl<'r> Holder<'r> {
    fn read(row: &'r Row) -> Option<Self> {
        let (kind, identity) = (row.text(0)?, row.text(1)?);
        Some(Self { kind, identity, table: row.text(2), extension: row.text(3) })
    }

    fn title(&self) -> String {
        let of = |what, name: Option<&str>| name.map(|name| format!(" of {what} {name}"));
        let (table, extension) = (of("table", self.table), of("extension", self.extension));
        let owners = [table, extension].into_iter().flatten().collect::<String>();
        format!("{} {}{owners}", self.kind, self.identity)
    }

    /// The statement that gives it another name than `name`.
    fn rename(&self, name: &str) -> String {
        let kind = if self.kind == "composite type" { "type" } else { self.kind };
        let new = fitting(&format!("{name}_old")).typed();
        format!("alter {kind} {} rename to {new}", self.identity)
    }
}

/// What to do about what has the name that some tables want.
fn advice(holders: &[Holder<'_>], name: &str, renaming: Option<&str>) -> String {
    let titles: Vec<String> = holders.iter().map(Holder::title).collect();
    let titles = titles.join(" and ");
    // Without what belongs to it, an extension does not work any more.
    if holders.iter().any(|holder| holder.extension.is_some()) {
        return format!("on the target {titles} has that name: exclude the table");
    }
    let renaming = renaming.map(|renaming| format!("{renaming}; otherwise, "));
    let renaming = renaming.unwrap_or_default();
    let renames: Vec<String> = holders.iter().map(|holder| holder.rename(name)).collect();
    let renames = renames.join("; ");
    format!(
        "on the target {titles} has that name: {renaming}give it another name: {renames}; or exclude the table"
    )
}

/// What to do if another table is the one that a run has made, or is to make, under a new name. Nothing of a table that
/// runs have filled.
async fn renaming(session: &Session, old: &str, new: &TableName, log: &SyncLog) -> Option<String> {
    let row = session.row("looking for a name", &other_table(old, new, log)).await.ok()?;
    let old = TableName::new(row.text(0)?, row.text(1)?);
    let back = row.text(2).map(|statements| format!("{statements}; ")).unwrap_or_default();
    let mut moved = old.clone();
    let mut moves = String::new();
    if old.schema != new.schema {
        moves = format!("; alter table {} set schema {}", old.typed(), new.schema.typed());
        moved.schema = new.schema.clone();
    }
    if old.name != new.name {
        moves += &format!("; alter table {} rename to {}", moved.typed(), new.name.typed());
    }
    Some(format!(
        "if {} is the same table under another name, run on the target: {back}drop table if exists {}{moves}",
        old.typed(),
        new.typed()
    ))
}

/// `schema, name, statements` of a table, if no run has filled another one, `new`, since it was made: the statements give it back what that one
/// has of it, and take away what refers to that one.
fn other_table(old: &str, new: &TableName, log: &SyncLog) -> Sql {
    sql!(
        "with t as (select pg_catalog.to_regclass({old})::pg_catalog.oid as old, \
         pg_catalog.to_regclass({new})::pg_catalog.oid as new) \
         select n.nspname, c.relname, (\
         select pg_catalog.string_agg(s.statement, '; ' order by s.statement) from (\
         select pg_catalog.format('alter sequence %s owned by %s', q.identity, a.identity) as statement \
         from pg_catalog.pg_depend o \
         join pg_catalog.pg_depend u on u.classid operator(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass \
         and u.refclassid operator(pg_catalog.=) o.classid and u.refobjid operator(pg_catalog.=) o.objid \
         join pg_catalog.pg_attrdef d on d.oid operator(pg_catalog.=) u.objid and d.adrelid operator(pg_catalog.=) t.old \
         cross join lateral pg_catalog.pg_identify_object(o.classid, o.objid, 0) q \
         cross join lateral pg_catalog.pg_identify_object(o.refclassid, d.adrelid, d.adnum) a \
         where o.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass \
         and o.refclassid operator(pg_catalog.=) o.classid and o.refobjid operator(pg_catalog.=) t.new \
         and o.deptype operator(pg_catalog.=) 'a' \
         union all select pg_catalog.format('alter table if exists %s drop constraint if exists %I', p.identity, k.conname) \
         from pg_catalog.pg_constraint k \
         cross join lateral pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, k.conrelid, 0) p \
         where k.contype operator(pg_catalog.=) 'f' and k.confrelid operator(pg_catalog.=) t.new \
         and k.conrelid operator(pg_catalog.<>) t.new) s) \
         from t join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) t.old \
         join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace \
         where t.new is null or not coalesce((select l.sync_type operator(pg_catalog.<>) 'create' from {log} l \
         where l.schema_name operator(pg_catalog.=) {schema} and l.table_name operator(pg_catalog.=) {name} \
         and l.status operator(pg_catalog.=) 'success' order by l.id desc limit 1), false)",
        old = Literal(old),
        new = Literal(&new.quoted()),
        log = log.table,
        schema = Literal(new.schema.as_str()),
        name = Literal(new.name.as_str()),
    )
}

/// A name that an index of a table is to get.
pub struct WantedName {
    pub name: TableName,
    pub table: TableName,
}

/// The places of those names that something else has, and no index of the same table.
pub async fn taken_places(session: &Session, wanted: &[WantedName]) -> Result<Vec<usize>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let row = |(place, WantedName { name, table }): (usize, &WantedName)| {
        sql!(
            "({place}, {schema}, {name}, {table})",
            place = place,
            schema = Literal(name.schema.as_str()),
            name = Literal(name.name.as_str()),
            table = Literal(&table.quoted()),
        )
    };
    let query = sql!(
        "select w.place from (values {wanted}) w(place, schema, name, owner) \
         join pg_catalog.pg_namespace n on n.nspname operator(pg_catalog.=) w.schema::pg_catalog.name \
         join pg_catalog.pg_class c on c.relnamespace operator(pg_catalog.=) n.oid \
         and c.relname operator(pg_catalog.=) w.name::pg_catalog.name \
         left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) c.oid \
         where i.indrelid is distinct from pg_catalog.to_regclass(w.owner)::pg_catalog.oid",
        wanted = Sql::join(wanted.iter().enumerate().map(row), ", "),
    );
    let rows = session.rows("looking for names", &query).await?;
    rows.iter().map(|row| Ok(row.count(0)? as usize)).collect()
}

/// The name in `relation "item" already exists`.
fn taken(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("relation \"").or_else(|| message.strip_prefix("type \""))?;
    rest.strip_suffix("\" already exists")
}

/// `kind, name, table of an index or a sequence, extension that owns it` of what has a name in some schemas.
fn holders(name: &str, schemas: &BTreeSet<&Ident>) -> Sql {
    let schemas = Sql::join(schemas.iter().map(|schema| Literal(schema.as_str())), ", ");
    sql!(
        "select o.type, o.identity, t.identity, e.extname \
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
         left join lateral pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, \
         coalesce(i.indrelid, s.refobjid), 0) t on true \
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
