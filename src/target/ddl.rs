//! Runs statements that change what tables are made of. Each step is one transaction, which says of
//! what tables it is.

use std::collections::BTreeSet;

use super::lock;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::pg::Session;
use crate::pg::definitions::{search_path, search_path_with_that_of_the_role};
use crate::plan::ddl::Step;
use crate::sql::statement::Statement;
use crate::sql::{Literal, Sql, sql};

/// Under what settings definitions are changed.
#[derive(Clone, Debug, Default)]
pub struct Workshop {
    /// The schema in which the tables lie, unless it is the source's.
    pub home: Option<Ident>,
    /// `maintenance_work_mem`, unless it is the target's own.
    pub memory: Option<String>,
}

impl Workshop {
    /// Does the steps in one transaction, with `more` at its end.
    pub async fn run<'a>(
        &self,
        session: &Session,
        doing: &str,
        steps: impl IntoIterator<Item = &'a Step> + Clone,
        more: &[Sql],
    ) -> Result<()> {
        let done = self.try_run(session, doing, (steps.clone(), more), PathTail::Nothing).await;
        match done {
            Err(error) if is_unknown_name(&error) => self
                .try_run(session, doing, (steps, more), PathTail::OfTheRole)
                .await
                .or(Err(error)),
            done => done,
        }
        .map_err(explained)
    }

    /// Does the steps within a transaction that is open.
    pub async fn run_within<'a>(
        &self,
        session: &Session,
        doing: &str,
        steps: impl IntoIterator<Item = &'a Step> + Clone,
    ) -> Result<()> {
        let statements = self.statements(steps, PathTail::Nothing);
        session.run_each(doing, &statements).await.map_err(explained)
    }

    async fn try_run<'a>(
        &self,
        session: &Session,
        doing: &str,
        (steps, more): (impl IntoIterator<Item = &'a Step> + Clone, &[Sql]),
        tail: PathTail,
    ) -> Result<()> {
        let mut all: Vec<Statement> = vec![Sql::trusted("begin").into()];
        all.extend(self.statements(steps, tail));
        all.extend(more.iter().cloned().map(Statement::from));
        // After an error it rolls back.
        all.push(Sql::trusted("commit").into());
        session.run_each(doing, &all).await
    }

    /// The statements of the steps, after those that prepare the transaction.
    fn statements<'a>(
        &self,
        steps: impl IntoIterator<Item = &'a Step> + Clone,
        tail: PathTail,
    ) -> Vec<Statement> {
        let tables: BTreeSet<TableName> =
            steps.clone().into_iter().flat_map(|step| &step.roots).map(|t| self.name(t)).collect();
        let tables: Vec<&TableName> = tables.iter().collect();
        // Steps that are done together are of one outline.
        let path = steps.clone().into_iter().next().map_or(&[][..], |step| &step.path);
        let path = match tail {
            PathTail::Nothing => search_path(path),
            PathTail::OfTheRole => search_path_with_that_of_the_role(path),
        };
        let before = [lock::changing(&tables), path].into_iter().chain(self.memory());
        let statements = steps.into_iter().flat_map(|step| step.statements.iter().cloned());
        before.map(Statement::from).chain(statements).collect()
    }

    /// Runs statements that a server before PostgreSQL 12 takes in no transaction. It does no harm
    /// when they run once more.
    pub async fn run_alone(&self, session: &Session, doing: &str, step: &Step) -> Result<()> {
        let path: Vec<String> = step.path.iter().map(Ident::quoted).collect();
        let path = path.join(", ");
        let set =
            sql!("select pg_catalog.set_config('search_path', {p}, false)", p = Literal(&path));
        session.run(doing, &set).await?;
        for statement in &step.statements {
            session.run_alone(doing, statement).await.map_err(explained)?;
        }
        session.run(doing, &Sql::trusted("reset search_path")).await
    }

    /// What a table of the source is called on the target.
    fn name(&self, table: &TableName) -> TableName {
        let schema = self.home.as_ref().unwrap_or(&table.schema).clone();
        TableName { schema, name: table.name.clone() }
    }

    fn memory(&self) -> Option<Sql> {
        let size = self.memory.as_ref()?;
        Some(sql!(
            "select pg_catalog.set_config('maintenance_work_mem', {size}, true)",
            size = Literal(size)
        ))
    }
}

/// What the search path holds behind the schemas to which names without one lead.
#[derive(Clone, Copy)]
enum PathTail {
    Nothing,
    /// Before PostgreSQL 17 functions of indexes and checks run under the session's path, and their
    /// bodies may need the one that the role has.
    OfTheRole,
}

/// Whether something was not found that may be in the role's own search path.
fn is_unknown_name(error: &Error) -> bool {
    matches!(error.sqlstate(), Some("42883" | "42P01" | "42704" | "42703"))
}

/// Says what to do where the server leaves it open.
fn explained(error: Error) -> Error {
    let hint = match error.sqlstate() {
        Some("42501") => {
            "let the owner run the statements that `pgsync schema` prints, or grant the right"
        }
        Some("42P07" | "42710") => {
            "something else has that name on the target: drop or rename it, or exclude the table"
        }
        Some("0A000" | "58P01" | "42704" | "42883") => {
            "make it on the target first; pgsync copies no functions and installs no software"
        }
        _ => return error,
    };
    match error {
        Error::Database(mut error) => {
            error.hint.get_or_insert_with(|| hint.to_owned());
            Error::Database(error)
        }
        other => other,
    }
}
