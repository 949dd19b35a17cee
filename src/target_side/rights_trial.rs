//! Which right the role lacks: statements that are planned and not run, and what the catalog tells of the rest.

use std::collections::HashSet;

use super::Target;
use crate::error::{Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::pg::Session;
use crate::plan::TablePlan;
use crate::sql::Sql;
use crate::sql::rights_trial;
use crate::sql::rights_trial::{PlannedUse, Writes};

impl Target {
    /// Has the server plan what a run may do with a table.
    ///
    /// # Errors
    /// The target's, of the first statement that it refuses.
    pub async fn try_rights(&self, plan: &TablePlan) -> Result<()> {
        let mut session = self.session().await?;
        let (updates, deletes) = (!plan.append, plan.deletes && !plan.append);
        try_writes(&session, plan, Writes { inserts: true, updates, deletes }).await?;
        session.set_clean(true);
        Ok(())
    }

    /// Those of the tables with functions that rows may not be written without, and that the role may not call.
    ///
    /// # Errors
    /// The target's.
    pub async fn calling_denied_functions(
        &self,
        tables: &[&TableName],
    ) -> Result<HashSet<TableName>> {
        let mut found = HashSet::new();
        for group in tables.chunks(500) {
            let statement = rights_trial::denied_functions(group);
            let rows = self.on_control_session("looking at functions", &statement).await?;
            let numbers = rows.iter().flatten().map(|row| row.count(0));
            let numbers: Vec<u64> = numbers.collect::<Result<_>>()?;
            let names = numbers.into_iter().filter_map(|n| group.get(usize::try_from(n).ok()?));
            found.extend(names.map(|name| (*name).clone()));
        }
        Ok(found)
    }

    /// Which of these extensions the role may not create.
    ///
    /// # Errors
    /// The target's.
    pub async fn denied_extensions(&self, names: &[&Ident]) -> Result<HashSet<Ident>> {
        if names.is_empty() {
            return Ok(HashSet::new());
        }
        let statement = rights_trial::denied_extensions(names);
        let rows = self.on_control_session("looking at extensions", &statement).await?;
        Ok(rows.iter().flatten().filter_map(|row| row.text(0).map(Ident::new)).collect())
    }

    /// Tries whether the role may make the temporary tables in which keys and rows arrive.
    ///
    /// # Errors
    /// The target's.
    pub async fn try_temporary(&self) -> Result<()> {
        let mut session = self.session().await?;
        session.run(STAGING, &Sql::trusted("begin")).await?;
        let create = "create temporary table pgsync_tried () on commit drop";
        let made = session.run(STAGING, &Sql::trusted(create)).await;
        session.run(STAGING, &Sql::trusted("rollback")).await?;
        session.set_clean(true);
        made
    }
}

/// Has the server plan such writes of a table, on a session in no transaction.
///
/// # Errors
/// The target's, of the first statement that it refuses.
pub async fn try_writes(session: &Session, plan: &TablePlan, writes: Writes) -> Result<()> {
    for PlannedUse { action, statement } in plan.mapping.explain_use(writes) {
        session.run(action, &statement).await?;
    }
    if !writes.inserts {
        return Ok(());
    }
    let functions = rights_trial::denied_functions(&[&plan.mapping.target.name]);
    let denied = session.rows("looking at functions", &functions).await?;
    match denied.first() {
        Some(row) => Err(denied_function(row.needed(1)?)),
        None => Ok(()),
    }
}

/// What the server says when a row is written and a function may not be called.
fn denied_function(name: &str) -> Error {
    let words = format!("permission denied for function {name}");
    Error::denied(Side::Target, "writing a batch", words)
}

/// What a run does when it needs its first temporary table.
const STAGING: &str = "storing keys in a temporary table";
