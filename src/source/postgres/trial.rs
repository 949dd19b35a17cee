//! Has the source try what users wrote for its rows, before a run relies on it.

use super::{Reader, SourceRows};
use crate::error::{Cause, DbError, Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::pg::Row;
use crate::pg::catalog;
use crate::pg::failure::{condition, grant_on, may_quote_a_value};
use crate::pg::lock_holder;
use crate::pg::rights;
use crate::rules::Mask;
use crate::sql::check;
use crate::sql::check::Check;
use crate::sql::mapping::Relation;
use crate::sql::mask;
use crate::sql::mask::{MaskHash, MaskTrial, Sample};
use crate::sql::statement::Statement;
use crate::sql::user_expression::UserExpression;
use crate::sql::{Literal, Sql, sql};
use crate::table::Table;

const SYNTAX_ERROR: &str = "42601";
const TRYING: &str = "trying the expressions of rules";

impl Reader {
    /// What the server has against a filter of a table's rows.
    ///
    /// # Errors
    /// The source's, other than about the filter: also that a right is missing to what the filter reads.
    pub async fn refuses_filter(
        &self,
        relation: &Relation,
        filter: &UserExpression,
        moment: &str,
    ) -> Result<Option<String>> {
        match self.refuses(&relation.trial_of_filter(&filter.at(moment)).into()).await? {
            Some(error) if is_denied(&error) => Err(Error::Database(error)),
            Some(error) if self.hides_words(&error) => {
                let statement = relation.look_at_filter(filter);
                Ok(Some(format!(
                    "the source refuses the expression{}; {}; to see them, run on the source: {statement}",
                    condition(&error),
                    error.message
                )))
            }
            Some(error) if error.sqlstate.as_deref() == Some(SYNTAX_ERROR) => {
                Ok(Some(format!("{}, in ({})", error.message, filter.text())))
            }
            Some(error) => Ok(Some(self.told(&relation.name, &error).await?)),
            None => self.is_volatile(filter).await,
        }
    }

    /// What becomes of each of the masks of one table: what there is against it, in the server's words or in
    /// ours, and the digest of what it gives where it is an expression of a user.
    ///
    /// # Errors
    /// The source's, other than about the masks.
    pub async fn try_masks(
        &self,
        sample: &Sample<'_>,
        trials: &[MaskTrial<'_>],
    ) -> Result<Vec<MaskVerdict>> {
        self.session.run(TRYING, &Sql::trusted(Sample::SETTINGS)).await?;
        let mut verdicts = match self.try_row(&sample.trial(trials)).await? {
            Ok(row) => MaskVerdict::all(&row, trials)?,
            // One of them fails: each is asked on its own.
            Err(_) => {
                let mut verdicts = Vec::new();
                for trial in trials {
                    verdicts.push(self.try_mask(sample, trial).await?);
                }
                verdicts
            }
        };
        for (verdict, trial) in verdicts.iter_mut().zip(trials) {
            if let (None, Mask::Sql(text)) = (&verdict.objection, trial.mask) {
                verdict.objection = self.calls_volatile(text).await?;
            }
        }
        Ok(verdicts)
    }

    async fn try_mask(&self, sample: &Sample<'_>, trial: &MaskTrial<'_>) -> Result<MaskVerdict> {
        // Without rows the server's words quote no value.
        let statement = mask::trial_without_rows(sample.relation, trial.masked);
        if let Some(error) = self.refuses(&statement.into()).await? {
            if is_denied(&error) {
                return Err(Error::Database(error));
            }
            let why = match (trial.mask, &error.sqlstate) {
                // A constant is the user's own, and no value of a row.
                (Mask::Value(constant), Some(state)) if state.starts_with("22") => {
                    format!(
                        "\"{constant}\" is no value of type {} (SQLSTATE {state})",
                        trial.column.column.type_text
                    )
                }
                _ if self.hides_words(&error) => hidden(&error),
                _ => self.told(&sample.relation.name, &error).await?,
            };
            return Ok(MaskVerdict { objection: Some(why), digest: None });
        }
        let trials = std::slice::from_ref(trial);
        let verdicts = match self.try_row(&sample.trial(trials)).await? {
            Ok(row) => MaskVerdict::all(&row, trials)?,
            Err(why) => vec![MaskVerdict { objection: Some(why), digest: None }],
        };
        Ok(verdicts.into_iter().next().unwrap_or_default())
    }

    /// Digests of what expressions of users give for a sample, in the order of `trials`.
    ///
    /// # Errors
    /// The source's.
    pub async fn mask_digests(
        &self,
        sample: &Sample<'_>,
        trials: &[MaskTrial<'_>],
    ) -> Result<Vec<Option<String>>> {
        self.session.run(TRYING, &Sql::trusted(Sample::SETTINGS)).await?;
        let row = self.session.row(TRYING, &sample.trial(trials)).await?;
        let verdicts = MaskVerdict::all(&row, trials)?;
        Ok(verdicts.into_iter().map(|verdict| verdict.digest).collect())
    }

    async fn calls_volatile(&self, text: &str) -> Result<Option<String>> {
        match UserExpression::parse(text) {
            Ok(expression) => self.is_volatile(&expression).await,
            Err(_) => Ok(None),
        }
    }

    /// For how many of some rows a condition does not hold, in words; none where it holds, or where nobody can
    /// tell before the rows are written.
    ///
    /// # Errors
    /// The source's, other than about the condition.
    pub async fn breach(&self, rows: &Sql, check: &Check) -> Result<Option<String>> {
        let counted = self.refuses(&check.count_breaches(rows)).await?;
        match counted {
            Some(_) => Ok(None),
            None => {
                let row = self.session.row(TRYING, &Sql::trusted(check::BREACHES)).await?;
                Ok(check::told(row.count(0)?, row.count(1)?))
            }
        }
    }

    /// The conditions that tables lay down for their rows, all their names with schemas. From here on the search
    /// path is empty, until the reader is released.
    ///
    /// # Errors
    /// The source's.
    pub async fn checks(&self, tables: &[&Table]) -> Result<Vec<Check>> {
        self.session.run(TRYING, &Sql::trusted("set local search_path = ''")).await?;
        catalog::checks(&self.session, tables).await
    }

    /// Some rows as rules show them, as COPY text.
    ///
    /// # Errors
    /// The source's. Errors in the middle of the stream come with the rows.
    pub async fn sample(&self, relation: &Relation, columns: &[Ident]) -> Result<SourceRows> {
        let statement = sql!(
            "copy (select {columns} from {rows} t limit {sampled}) to stdout",
            columns = Sql::join(columns, ", "),
            rows = relation.rows(),
            sampled = mask::SAMPLED
        );
        Ok(SourceRows(self.session.copy_out(TRYING, &statement).await?))
    }

    /// The error with who holds a lock of the table, if it is about one that was not to be had.
    pub async fn with_lock_holder(&self, error: Error, table: &TableName) -> Error {
        let Error::Database(mut said) = error else { return error };
        if said.sqlstate.as_deref() == Some("55P03") {
            let holder = lock_holder::find(&self.session, table).await.unwrap_or_default();
            said.hint = holder.map(|holder| holder.told(Side::Source, table)).or(said.hint);
        }
        Error::Database(said)
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
            Err(Error::Database(error))
                if error.cause == Cause::Snapshot || !error.is_transient() =>
            {
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
    async fn refuses(&self, statement: &Statement) -> Result<Option<Box<DbError>>> {
        let session = &self.session;
        session.run(TRYING, &Sql::trusted("savepoint pgsync_try")).await?;
        let tried = session.run_alone(TRYING, statement).await;
        self.take_back(tried.is_err()).await?;
        match tried {
            Ok(()) => Ok(None),
            // What an expression names and the table does not have is no fault of the snapshot.
            Err(Error::Database(error))
                if error.cause == Cause::Snapshot || !error.is_transient() =>
            {
                match rights::explained(session, Error::Database(error), true).await {
                    Error::Database(error) => Ok(Some(error)),
                    other => Err(other),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the server's words were left out, for they may quote a value.
    fn hides_words(&self, error: &DbError) -> bool {
        self.session.is_discreet() && may_quote_a_value(error)
    }

    /// The server's words, with the right that is missing, or the schema.
    async fn told(&self, table: &TableName, error: &DbError) -> Result<String> {
        let policy = || error.hint.clone().filter(|hint| hint.starts_with("alter role "));
        if let Some(grant) = grant_on(table, error).or_else(policy) {
            return Ok(format!("{}: {grant}", error.message));
        }
        let missing = error.message.strip_prefix("relation \"");
        let missing = missing.and_then(|rest| rest.strip_suffix("\" does not exist"));
        let Some(name) = missing else {
            return Ok(error.message.clone());
        };
        let rows = self.session.rows(TRYING, &homes(name)).await?;
        let homes: Vec<&str> = rows.iter().filter_map(|row| row.text(0)).collect();
        Ok(if homes.is_empty() {
            error.message.clone()
        } else {
            format!("{}: write its schema, too: {}", error.message, homes.join(" or "))
        })
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

fn is_denied(error: &DbError) -> bool {
    error.sqlstate.as_deref() == Some("42501")
}

/// What is said in place of the server's words.
fn hidden(error: &DbError) -> String {
    format!("{}{}", error.message, condition(error))
}

/// The full names of tables and views that people call `name`.
fn homes(name: &str) -> Sql {
    sql!(
        "select pg_catalog.format('%I.%I', n.nspname, c.relname) from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace \
         where c.relname operator(pg_catalog.=) {name} and c.relkind in ('r', 'p', 'v', 'm', 'f') \
         and n.nspname not in ('pg_catalog', 'information_schema') order by 1 limit 3",
        name = Literal(name)
    )
}

/// What became of a mask that was tried on some rows.
#[derive(Clone, Debug, Default)]
pub struct MaskVerdict {
    /// What there is against it.
    pub objection: Option<String>,
    /// Of what an expression of a user gives.
    pub digest: Option<String>,
}

/// Values that come out as they are by chance: so few are no fault of a ready-made mask.
const BY_CHANCE: u64 = 3;

impl MaskVerdict {
    /// Of the answer to [`Sample::trial`].
    fn all(row: &Row, trials: &[MaskTrial<'_>]) -> Result<Vec<Self>> {
        let verdict = |(number, trial): (usize, &MaskTrial<'_>)| {
            let (able, unchanged) = (row.count(number * 3)?, row.count(number * 3 + 1)?);
            let digest = row.text(number * 3 + 2).map(str::to_owned);
            Ok(Self { objection: changes_nothing(trial, able, unchanged), digest })
        };
        trials.iter().enumerate().map(verdict).collect()
    }
}

/// Of so many values that a mask is able to change, too many stayed as they were.
fn changes_nothing(trial: &MaskTrial<'_>, able: u64, unchanged: u64) -> Option<String> {
    let tolerated = if matches!(trial.mask, Mask::Sql(_)) { 0 } else { BY_CHANCE };
    (unchanged * 100 > able && unchanged > tolerated).then(|| {
        format!(
            "the mask changes nothing in {unchanged} of {able} values of {} that it is able to change",
            trial.column.column.name.as_str()
        )
    })
}
