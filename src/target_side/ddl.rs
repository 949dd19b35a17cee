//! Runs statements that change what tables are made of. Each step is one transaction, which says of
//! what tables it is.
//!
//! Most of them need their table to themselves, and whoever asks for that while somebody reads it holds
//! up all others who come to read it: so they ask for a moment only, let the others pass, and ask again.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::ddl_hints::explained;
use super::lock;
use super::taken_name;
use crate::ddl_step::Step;
use crate::error::{Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::pg::Session;
use crate::pg::definitions::{search_path, search_path_with_that_of_the_role};
use crate::pg::rights;
use crate::sql::statement::Statement;
use crate::sql::sync_log::SyncLog;
use crate::sql::{Literal, Sql, sql};

/// How long a transaction waits for the locks of its tables: so long may others wait behind it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long others pass before it asks again: at first, and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Under what settings definitions are changed.
#[derive(Clone, Debug)]
pub struct DdlRunner {
    /// The schema in which the tables lie, unless it is the source's.
    pub home: Option<Ident>,
    /// `maintenance_work_mem`, unless it exists only on the target.
    pub memory: Option<String>,
    /// How long all tries to get a lock may take.
    pub lock_timeout: Duration,
    /// Tells which tables runs have filled.
    pub log: SyncLog,
}

impl DdlRunner {
    /// Does the steps in one transaction, with `more` at its end; tries again while somebody else has
    /// one of the tables.
    pub async fn run<'a>(
        &self,
        session: &Session,
        doing: &str,
        steps: impl IntoIterator<Item = &'a Step> + Clone,
        more: &[Sql],
    ) -> Result<()> {
        let until = Instant::now() + self.lock_timeout;
        let mut pause = PAUSE;
        loop {
            let done = self.run_once(session, doing, steps.clone(), more).await;
            let is_locked =
                done.as_ref().is_err_and(|error| error.sqlstate() == Some(LOCK_NOT_AVAILABLE));
            if !is_locked || Instant::now() + pause >= until {
                return done;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The same with one try, for steps that are done one by one where that fails.
    pub async fn run_once<'a>(
        &self,
        session: &Session,
        doing: &str,
        steps: impl IntoIterator<Item = &'a Step> + Clone,
        more: &[Sql],
    ) -> Result<()> {
        let all = self.transaction(steps.clone(), more, PathTail::Nothing);
        let done = match session.run_each(doing, &all).await {
            Err(error) if is_unknown_name(&error) => {
                let all = self.transaction(steps.clone(), more, PathTail::OfTheRole);
                session.run_each(doing, &all).await.or(Err(error))
            }
            done => done,
        };
        match done {
            Err(error) => Err(self.explained(session, error, steps).await),
            Ok(()) => Ok(()),
        }
    }

    /// Does the steps within a transaction that is open.
    pub async fn run_within<'a>(
        &self,
        session: &Session,
        doing: &str,
        steps: impl IntoIterator<Item = &'a Step> + Clone,
    ) -> Result<()> {
        let statements = self.statements(steps.clone(), PathTail::Nothing);
        session.run_each(doing, &statements).await.map_err(|error| explained(error, steps))
    }

    /// Tries a step within a transaction that is open and stays so: what fails leaves nothing behind.
    pub async fn try_within(&self, session: &Session, doing: &str, step: &Step) -> Result<()> {
        let tried = |tail| {
            let before = Statement::from(Sql::trusted("savepoint pgsync_try"));
            let after = Statement::from(Sql::trusted("release savepoint pgsync_try"));
            let statements = self.statements([step], tail);
            std::iter::once(before).chain(statements).chain([after]).collect::<Vec<_>>()
        };
        let back = Sql::trusted("rollback to savepoint pgsync_try");
        let Err(error) = session.run_each(doing, &tried(PathTail::Nothing)).await else {
            return Ok(());
        };
        session.run(doing, &back).await?;
        if is_unknown_name(&error) {
            if session.run_each(doing, &tried(PathTail::OfTheRole)).await.is_ok() {
                return Ok(());
            }
            session.run(doing, &back).await?;
        }
        Err(self.explained(session, error, [step]).await)
    }

    /// The error with what to do about it.
    async fn explained<'a>(
        &self,
        session: &Session,
        error: Error,
        steps: impl IntoIterator<Item = &'a Step> + Clone,
    ) -> Error {
        let roots: Vec<TableName> =
            steps.clone().into_iter().flat_map(|step| &step.roots).map(|t| self.name(t)).collect();
        let error = taken_name::named(session, explained(error, steps), &roots, &self.log).await;
        rights::explained(session, error, true).await
    }

    /// What the server would say in these words if the step were done.
    pub async fn denied(
        &self,
        session: &Session,
        doing: &str,
        step: &Step,
        words: String,
    ) -> Error {
        let error = Error::denied(Side::Target, doing, words);
        rights::explained(session, explained(error, [step]), true).await
    }

    /// What the server would say of a step that makes an index whose name something else has.
    pub async fn taken(&self, session: &Session, step: &Step) -> Error {
        let name = step.index.as_ref().map_or("", |index| index.name.as_str());
        let message = format!("relation \"{name}\" already exists");
        let error = Error::said(Side::Target, &step.doing(), "42P07", message);
        self.explained(session, error, [step]).await
    }

    /// The statements of the steps, and more, in a transaction of their own.
    fn transaction<'a>(
        &self,
        steps: impl IntoIterator<Item = &'a Step> + Clone,
        more: &[Sql],
        tail: PathTail,
    ) -> Vec<Statement> {
        let mut all: Vec<Statement> = vec![Sql::trusted("begin").into()];
        all.extend(self.statements(steps, tail));
        all.extend(more.iter().cloned().map(Statement::from));
        // After an error it rolls back.
        all.push(Sql::trusted("commit").into());
        all
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
        // Steps that are done together are of one plan.
        let path = steps.clone().into_iter().next().map_or(&[][..], |step| &step.path);
        let path = match tail {
            PathTail::Nothing => search_path(path),
            PathTail::OfTheRole => search_path_with_that_of_the_role(path),
        };
        let before = [self.patience(tables.len()), lock::changing(&tables), path];
        let before = before.into_iter().chain(self.memory());
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
            if let Err(error) = session.run_alone(doing, statement).await {
                return Err(self.explained(session, error, [step]).await);
            }
        }
        session.run(doing, &Sql::trusted("reset search_path")).await
    }

    /// What a table of the source is called on the target.
    fn name(&self, table: &TableName) -> TableName {
        let schema = self.home.as_ref().unwrap_or(&table.schema).clone();
        TableName { schema, name: table.name.clone() }
    }

    /// Who waits for the second table has the first one already, and its readers wait, too.
    fn patience(&self, tables: usize) -> Sql {
        let each = PATIENCE / u32::try_from(tables.clamp(1, 20)).unwrap_or(1);
        let each = each.min(self.lock_timeout).as_millis().max(1).to_string();
        sql!("select pg_catalog.set_config('lock_timeout', {each}, true)", each = Literal(&each))
    }

    fn memory(&self) -> Option<Sql> {
        let size = self.memory.as_ref()?;
        Some(sql!(
            "select pg_catalog.set_config('maintenance_work_mem', {size}, true)",
            size = Literal(size)
        ))
    }
}

const LOCK_NOT_AVAILABLE: &str = "55P03";

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
