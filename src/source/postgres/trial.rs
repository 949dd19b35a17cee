//! Has the source try what users wrote for its rows, before a run relies on it.

use super::Reader;
use crate::error::{Cause, Error, Result};
use crate::sql::mapping::Relation;
use crate::sql::user_expression::UserExpression;
use crate::sql::{Sql, sql};

const TRYING: &str = "trying the expressions of rules";

impl Reader {
    /// What the server has against a filter of a table's rows.
    ///
    /// # Errors
    /// The source's, other than about the filter.
    pub async fn refuses_filter(
        &self,
        relation: &Relation,
        filter: &UserExpression,
        moment: &str,
    ) -> Result<Option<String>> {
        match self.refuses(&relation.trial_of_filter(&filter.at(moment))).await? {
            Some(why) => Ok(Some(why)),
            None => self.is_volatile(filter).await,
        }
    }

    /// The server is left as if the statement had not been sent.
    async fn refuses(&self, statement: &Sql) -> Result<Option<String>> {
        let session = &self.session;
        session.run(TRYING, &Sql::trusted("savepoint pgsync_try")).await?;
        let tried = session.run_alone(TRYING, &statement.clone().into()).await;
        let back = if tried.is_err() { "rollback to savepoint pgsync_try; " } else { "" };
        let end = sql!("{back}release savepoint pgsync_try", back = Sql::trusted(back));
        session.run(TRYING, &end).await?;
        match tried {
            Ok(()) => Ok(None),
            // What an expression names and the table does not have is no fault of the snapshot.
            Err(Error::Database(error))
                if error.cause == Cause::Snapshot || !error.is_transient() =>
            {
                Ok(Some(error.message))
            }
            Err(error) => Err(error),
        }
    }

    /// Says which functions of an expression may answer otherwise each time.
    async fn is_volatile(&self, expression: &UserExpression) -> Result<Option<String>> {
        let calls = expression.calls();
        if calls.functions.is_empty() {
            return Ok(None);
        }
        let rows = self.session.rows(TRYING, &calls.volatile()).await?;
        let names: Vec<&str> = rows.iter().filter_map(|row| row.text(0)).collect();
        let names = names.join(", ");
        Ok((!names.is_empty()).then(|| {
            format!("{names} is volatile: it may give something else to each session that reads")
        }))
    }
}
