//! Statements that say which right a role lacks: the server plans them, which takes the same rights as to run them, and
//! runs none.

use crate::error::Side;
use crate::ident::{Ident, TableName};
use crate::schema_object::text::Name;
use crate::sql::mapping::TableMapping;
use crate::sql::read::operator;
use crate::sql::statement::{Statement, statement};
use crate::sql::sync_log::SyncLog;
use crate::sql::{Literal, Sql, sql};

/// In which ways rows of a table are written.
#[derive(Clone, Copy, Debug)]
pub struct Writes {
    pub inserts: bool,
    pub updates: bool,
    pub deletes: bool,
}

/// A statement that is planned, and what a run is doing when it sends such a one.
pub struct PlannedUse {
    pub action: &'static str,
    pub statement: Sql,
}

impl PlannedUse {
    fn of(action: &'static str, statement: &Sql) -> Self {
        let statement = sql!("explain (costs false) {statement}", statement = statement);
        Self { action, statement }
    }
}

/// What takes the same right in the schema as to make anything else beside `name`.
pub fn create_beside(name: &Name) -> Statement {
    let tried = name.beside(&Ident::new("pgsync_tried"));
    statement!("create type {tried} as enum ()", tried = tried)
}

/// What takes the same right as any other change of a type, and changes the type least.
pub fn change_type(name: &Name) -> Statement {
    statement!("comment on type {name} is null", name = name)
}

/// Which of these extensions the role may not create; one row each.
pub fn denied_extensions(names: &[&Ident]) -> Sql {
    let names = Sql::join(names.iter().map(|name| Literal(name.as_str())), ", ");
    sql!(
        "select e.name from (values (false)) older(trusted) cross join pg_catalog.pg_available_extensions e \
         join pg_catalog.pg_available_extension_versions v on v.name operator(pg_catalog.=) e.name \
         and v.version operator(pg_catalog.=) e.default_version \
         where e.name operator(pg_catalog.=) any (array[{names}]::pg_catalog.name[]) and v.superuser \
         and not ((select trusted from (select v.*) x) \
         and pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create'))",
        names = names
    )
}

/// Functions that checks, generated columns and indexes of these tables call and the role may not; each row has the
/// number of the table and a name. A domain's checks are those of the columns that have it.
pub fn denied_functions(tables: &[&TableName]) -> Sql {
    let names: Vec<String> = tables.iter().map(|table| table.quoted()).collect();
    let names = Sql::join(names.iter().map(|name| Literal(name)), ", ");
    Sql::filled(include_str!("denied_functions.sql"), &[("tables", &names)])
}

impl TableMapping {
    /// Reads the columns that travel.
    pub fn explain_read(&self, side: Side, action: &'static str) -> PlannedUse {
        let read =
            sql!("select {values} from {from}", values = self.values(side), from = self.from(side));
        PlannedUse::of(action, &read)
    }

    /// Reads and writes the target's table in each way in which a run may.
    pub fn explain_use(&self, writes: Writes) -> Vec<PlannedUse> {
        const WRITING: &str = "writing a batch";
        let table = &self.target.name;
        let names = Sql::join(self.columns.iter().map(|column| &column.name), ", ");
        let mut uses = vec![self.explain_read(Side::Target, "digesting rows")];
        if !self.key.is_empty() {
            let equal = self.key.iter().map(|column| {
                let equals = operator(&column.target_equals);
                sql!("t.{name} {equals} t.{name}", name = column.name, equals = equals)
            });
            let compare = sql!(
                "select from {from} where {equal}",
                from = self.from(Side::Target),
                equal = Sql::join(equal, " and ")
            );
            uses.push(PlannedUse::of("comparing keys", &compare));
        }
        if writes.inserts && !self.columns.is_empty() {
            let insert = sql!(
                "insert into {table} ({names}) overriding system value select {values} from {from}",
                table = table,
                names = names,
                values = self.values(Side::Target),
                from = self.from(Side::Target)
            );
            uses.push(PlannedUse::of(WRITING, &insert));
        }
        let set = self.columns.iter().filter(|column| column.updatable);
        let set: Vec<Sql> = set
            .map(|column| sql!("{name} = t.{name}", name = column.name))
            .filter(|_| writes.updates && !self.key.is_empty())
            .collect();
        if !set.is_empty() {
            let set = Sql::join(set, ", ");
            let update = sql!("update {table} t set {set}", table = table, set = set);
            uses.push(PlannedUse::of(WRITING, &update));
        }
        if writes.deletes {
            let delete = sql!("delete from {table}", table = table);
            uses.push(PlannedUse::of("deleting vanished rows", &delete));
        }
        uses
    }
}

impl SyncLog {
    /// Reads and writes the log.
    pub fn explain_use(&self) -> [PlannedUse; 3] {
        let table = &self.table;
        let read = sql!("select run_id from {table}", table = table);
        let close = sql!("update {table} set run_id = run_id", table = table);
        [
            PlannedUse::of("reading sync_log", &read),
            PlannedUse::of("closing rows of sync_log", &close),
            self.explain_write(),
        ]
    }

    /// Writes rows of the log.
    pub fn explain_write(&self) -> PlannedUse {
        let write = sql!("insert into {table} (run_id) values ('')", table = self.table);
        PlannedUse::of("writing sync_log", &write)
    }
}
