//! The schemas in which tables are built to take the places of others: made when they are needed,
//! dropped by the run that made them or by the next one, never by cascade.

use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result, denied};
use crate::ident::{Ident, TableName};
use crate::note::NoteLevel;
use crate::sql::swap;
use crate::sql::swap::MARK;
use crate::sql::trust::is_trusted;
use crate::sql::{Literal, Sql, sql};
use crate::target_side::Target;

impl RunContext<'_> {
    /// Drops what killed runs left behind, unless another run is at it.
    pub(in crate::schema) async fn drop_leftovers(&self, catalogs: &Catalogs) -> Result<()> {
        if self.settings.dry_run || !self.settings.changes_definitions() {
            return Ok(());
        }
        for schema in self.settings.target_schemas() {
            let shadow_schema = swap::shadow_schema_of(&schema);
            let is_there = catalogs.target.server.schemas.contains(&shadow_schema);
            if is_there && self.target.lock_shadow_schema(&shadow_schema).await? {
                match drop_shadow_schema(self.target, &shadow_schema).await {
                    Err(error) if error.is_transient() => return Err(error),
                    Err(error) => {
                        let text = format!(
                            "schema {} of a killed run stays on the target: {error}; move what is \
                             not pgsync's out of it, then drop it",
                            shadow_schema.as_str()
                        );
                        self.note(NoteLevel::Warning, None, text);
                    }
                    Ok(()) => {}
                }
            }
        }
        Ok(())
    }

    pub(in crate::schema) async fn create_shadow_schema(
        &self,
        shadow_schema: &Ident,
    ) -> Result<()> {
        if !self.target.lock_shadow_schema(shadow_schema).await? {
            return Err(Error::Blocked(format!(
                "another run is rebuilding tables in schema {}: wait for its end",
                shadow_schema.as_str()
            )));
        }
        if let Found::Own = look_at(self.target, shadow_schema).await? {
            return Ok(());
        }
        let made = self.target.on_control_session(MAKING, &create(shadow_schema)).await;
        made.map(drop).map_err(|error| match error.sqlstate() {
            Some("42P06") => foreign(shadow_schema),
            _ => error,
        })
    }
}

/// Why no table can be built there.
fn foreign(shadow_schema: &Ident) -> Error {
    Error::Blocked(format!(
        "schema {} already exists on the target, and is not pgsync's or belongs to a role that it does not \
         trust: drop or rename it",
        shadow_schema.as_str()
    ))
}

/// What stands where tables are to be built.
enum Found {
    Nothing,
    /// A schema that pgsync has made.
    Own,
    /// Another one: somebody else can give one the mark of pgsync.
    Foreign,
}

/// Why tables cannot be built there: there is a schema that pgsync cannot use, or the role may not make one, which is
/// tried, and nothing stays of it.
pub(in crate::schema) async fn hindrance(
    target: &Target,
    shadow_schema: &Ident,
) -> Result<Option<Error>> {
    match look_at(target, shadow_schema).await? {
        Found::Own => return Ok(None),
        Found::Foreign => return Ok(Some(foreign(shadow_schema))),
        Found::Nothing => {}
    }
    let mut session = target.session().await?;
    session.run(MAKING, &Sql::trusted("begin")).await?;
    let made = session.run(MAKING, &create(shadow_schema)).await;
    session.run(MAKING, &Sql::trusted("rollback")).await?;
    session.set_clean(true);
    match denied(made)? {
        Some(error) => Ok(Some(target.explained(error).await)),
        None => Ok(None),
    }
}

const MAKING: &str = "making a schema to build tables in";

fn create(shadow_schema: &Ident) -> Sql {
    sql!(
        "create schema {shadow_schema}; comment on schema {shadow_schema} is {mark}",
        shadow_schema = shadow_schema,
        mark = Literal(MARK)
    )
}

async fn look_at(target: &Target, shadow_schema: &Ident) -> Result<Found> {
    let look = sql!(
        "select coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace') operator(pg_catalog.=) {mark}, false) \
         and {trusted} from pg_catalog.pg_namespace n where n.nspname operator(pg_catalog.=) {name}",
        name = Literal(shadow_schema.as_str()),
        mark = Literal(MARK),
        trusted = is_trusted("n.nspowner")
    );
    let rows = target.on_control_session("looking for a schema", &look).await?;
    Ok(match rows.iter().flatten().next() {
        None => Found::Nothing,
        Some(row) if row.is_true(0) => Found::Own,
        Some(_) => Found::Foreign,
    })
}

/// To be called with the schema's lock.
pub(in crate::schema) async fn drop_shadow_schema(
    target: &Target,
    shadow_schema: &Ident,
) -> Result<()> {
    if !matches!(look_at(target, shadow_schema).await?, Found::Own) {
        return Ok(());
    }
    // Not by cascade: that would take along what depends on anything else that is in it.
    let relations = sql!(
        "select c.relname, c.relkind operator(pg_catalog.=) 'S' from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace \
         where n.nspname operator(pg_catalog.=) {name} and not c.relispartition \
         and c.relkind operator(pg_catalog.=) any (array['r', 'p', 'S']::pg_catalog.\"char\"[])",
        name = Literal(shadow_schema.as_str())
    );
    let doing = "dropping a schema in which tables were built";
    let rows = target.on_control_session(doing, &relations).await?;
    let named = |is_sequence: bool| {
        let rows = rows.iter().flatten().filter(move |row| row.is_true(1) == is_sequence);
        let names = rows.filter_map(|row| row.text(0));
        let names: Vec<TableName> = names
            .map(|name| TableName { schema: shadow_schema.clone(), name: Ident::new(name) })
            .collect();
        names
    };
    let (tables, sequences) = (named(false), named(true));
    let mut drops = Vec::new();
    if !tables.is_empty() {
        drops.push(sql!("drop table {tables}", tables = Sql::join(tables, ", ")));
    }
    // Those that columns own are gone with the tables by then.
    if !sequences.is_empty() {
        let sequences = Sql::join(sequences, ", ");
        drops.push(sql!("drop sequence if exists {sequences}", sequences = sequences));
    }
    drops.push(sql!("drop schema {shadow_schema}", shadow_schema = shadow_schema));
    let drop = Sql::join(drops, "; ");
    target.on_control_session(doing, &drop).await.map(std::mem::drop)
}
