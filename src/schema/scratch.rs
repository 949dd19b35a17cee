//! The schemas in which tables are built to take the places of others: made when they are needed,
//! dropped by the run that made them or by the next one, never by cascade.

use crate::config::Ddl;
use crate::discover::{Ends, Sides};
use crate::error::{Error, Result};
use crate::event::NoteLevel;
use crate::ident::Ident;
use crate::sql::swap::{self, MARK};
use crate::sql::{Literal, Sql, sql};
use crate::target::Target;

impl Ends<'_> {
    /// Drops what killed runs left behind, unless another run is at it.
    pub(super) async fn sweep(&self, sides: &Sides) -> Result<()> {
        if self.settings.dry_run || self.settings.ddl == Ddl::None {
            return Ok(());
        }
        for schema in self.settings.target_schemas() {
            let scratch = swap::scratch(&schema);
            let is_there = sides.target.server.schemas.contains(&scratch);
            if is_there && self.target.lock_scratch(&scratch).await? {
                match drop_scratch(self.target, &scratch).await {
                    Err(error) if error.is_transient() => return Err(error),
                    Err(error) => {
                        let text = format!(
                            "schema {} of a killed run stays on the target: {error}; move what is \
                             not pgsync's out of it, then drop it",
                            scratch.as_str()
                        );
                        self.note(NoteLevel::Warning, None, text);
                    }
                    Ok(()) => {}
                }
            }
        }
        Ok(())
    }

    pub(super) async fn make_scratch(&self, scratch: &Ident) -> Result<()> {
        if !self.target.lock_scratch(scratch).await? {
            return Err(Error::Table(format!(
                "another run is building tables anew in schema {}: wait for its end",
                scratch.as_str()
            )));
        }
        if is_marked(self.target, scratch).await? {
            return Ok(());
        }
        let create = sql!(
            "create schema {scratch}; comment on schema {scratch} is {mark}",
            scratch = scratch,
            mark = Literal(MARK)
        );
        self.target.on_keeper("making a schema to build tables in", &create).await.map(drop)
    }
}

/// Whether there is such a schema, and it is one of pgsync's.
async fn is_marked(target: &Target, scratch: &Ident) -> Result<bool> {
    let look = sql!(
        "select from pg_catalog.pg_namespace n where n.nspname operator(pg_catalog.=) {name} \
         and pg_catalog.obj_description(n.oid, 'pg_namespace') operator(pg_catalog.=) {mark}",
        name = Literal(scratch.as_str()),
        mark = Literal(MARK)
    );
    let rows = target.on_keeper("looking for a schema", &look).await?;
    Ok(rows.iter().flatten().next().is_some())
}

/// To be called with the schema's lock.
pub(super) async fn drop_scratch(target: &Target, scratch: &Ident) -> Result<()> {
    if !is_marked(target, scratch).await? {
        return Ok(());
    }
    // Not by cascade: that would take along what depends on anything else that is in it.
    let tables = sql!(
        "select pg_catalog.string_agg(c.oid::pg_catalog.regclass::pg_catalog.text, ', ') \
         from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace \
         where n.nspname operator(pg_catalog.=) {name} and not c.relispartition \
         and c.relkind operator(pg_catalog.=) any (array['r', 'p']::pg_catalog.\"char\"[])",
        name = Literal(scratch.as_str())
    );
    let doing = "dropping a schema in which tables were built";
    let rows = target.on_keeper(doing, &tables).await?;
    let tables = rows.iter().flatten().next().and_then(|row| row.text(0));
    let tables = tables.map(|tables| format!("drop table {tables}; ")).unwrap_or_default();
    let drop =
        sql!("{tables}drop schema {scratch}", tables = Sql::trusted(tables), scratch = scratch);
    target.on_keeper(doing, &drop).await.map(std::mem::drop)
}
