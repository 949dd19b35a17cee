//! Has the source try what users wrote for its rows, before a run relies on it.

use super::Reader;
use crate::error::{Cause, Error, Result};
use crate::ident::{Ident, TableName};
use crate::pg::Row;
use crate::rules::Mask;
use crate::sql::mapping::Relation;
use crate::sql::mask;
use crate::sql::mask::MaskHash;
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

    /// What there is against a mask of a column: the server's words, or that it changes nothing.
    ///
    /// # Errors
    /// The source's, other than about the mask.
    pub async fn refuses_mask(
        &self,
        table: &TableName,
        column: &Ident,
        (mask, masked): (&Mask, &Sql),
    ) -> Result<Option<String>> {
        if let Some(why) = self.refuses(&mask::trial(table, masked)).await? {
            return Ok(Some(why));
        }
        let expression = match mask {
            Mask::Sql(text) => UserExpression::parse(text).ok(),
            _ => None,
        };
        if let Some(expression) = &expression
            && let Some(why) = self.is_volatile(expression).await?
        {
            return Ok(Some(why));
        }
        let Some(able) = mask::able_to_change(table, column, mask) else { return Ok(None) };
        let looked = self.try_row(&mask::unchanged(table, column, masked, &able)).await?;
        let row = match looked {
            Ok(row) => row,
            Err(why) => return Ok(Some(why)),
        };
        let (values, unchanged) = (row.count(0)?, row.count(1)?);
        Ok((values > 0 && values == unchanged).then(|| {
            format!(
                "the mask changes nothing: of {table} {values} values of {} were looked at, and each comes \
                 out as it is",
                column.as_str()
            )
        }))
    }

    /// A word that is another one for another key of masks.
    ///
    /// # Errors
    /// The source's.
    pub async fn mask_key_mark(&self, hash: MaskHash) -> Result<String> {
        let row = self.session.row("looking at the mask key", &mask::key_mark(hash)).await?;
        Ok(row.needed(0)?.to_owned())
    }

    /// The only row of an answer, or what the server has against the statement.
    async fn try_row(&self, statement: &Sql) -> Result<std::result::Result<Row, String>> {
        let session = &self.session;
        session.run(TRYING, &Sql::trusted("savepoint pgsync_try")).await?;
        let answer = session.row(TRYING, statement).await;
        self.take_back(answer.is_err()).await?;
        match answer {
            Ok(row) => Ok(Ok(row)),
            Err(Error::Database(error)) if !error.is_transient() => {
                Ok(Err(match &error.sqlstate {
                    Some(state) => format!("{} (SQLSTATE {state})", error.message),
                    None => error.message,
                }))
            }
            Err(error) => Err(error),
        }
    }

    async fn take_back(&self, failed: bool) -> Result<()> {
        let back = Sql::trusted(if failed { "rollback to savepoint pgsync_try; " } else { "" });
        self.session.run(TRYING, &sql!("{back}release savepoint pgsync_try", back = back)).await
    }

    /// The server is left as if the statement had not been sent.
    async fn refuses(&self, statement: &Sql) -> Result<Option<String>> {
        let session = &self.session;
        session.run(TRYING, &Sql::trusted("savepoint pgsync_try")).await?;
        let tried = session.run_alone(TRYING, &statement.clone().into()).await;
        self.take_back(tried.is_err()).await?;
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
