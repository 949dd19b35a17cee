//! Statements that the user wrote, run as in a session of the role's own.

use std::time::Duration;

use super::Target;
use crate::error::{Error, Result};
use crate::pg::failure::with_words_of;
use crate::pg::rights;
use crate::sql::statement::Statement;
use crate::sql::{Literal, Sql, sql};

impl Target {
    /// Runs one statement in a session of its own, with the settings of the role, its search path and its
    /// triggers. Only the wait for locks is that of the run. Gives what the server warns of.
    ///
    /// # Errors
    /// What the server says; also of a text that holds more than one statement.
    pub async fn run_of_the_user(
        &self,
        doing: &str,
        text: &str,
        lock_timeout: Duration,
    ) -> Result<Vec<String>> {
        let session = self.session().await?;
        let wait = lock_timeout.as_millis().max(1).to_string();
        let wait = sql!(
            "select pg_catalog.set_config('lock_timeout', {wait}, false)",
            wait = Literal(&wait)
        );
        session.run(doing, &Sql::trusted("reset all")).await?;
        session.run(doing, &wait).await?;
        // The session is not used again: it is closed when the loan ends.
        let ran = session.run_alone(doing, &Statement::of_the_user(text)).await;
        let Err(error) = ran else { return Ok(session.take_warnings()) };
        let mut error = with_words_of(text, error);
        if let Error::Database(said) = &mut error {
            said.inner_right = said.inner_right.or(rights::right_of(text));
        }
        Err(rights::explained(&session, error, false).await)
    }
}
