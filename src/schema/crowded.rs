//! Asks the target which new partitions have room beside those that only it has, in temporary tables of a transaction
//! that is rolled back.

use crate::context::RunContext;
use crate::error::Result;
use crate::ident::Ident;
use crate::pg::Session;
use crate::pg::definitions::search_path;
use crate::schema::diff::DiffInput;
use crate::schema::diff::crowded::{Crowded, place};
use crate::sql::Sql;
use crate::sql::statement::Statement;

const DOING: &str = "looking for room for partitions";
/// A partition would overlap another one.
const OVERLAPS: &str = "42P17";

impl RunContext<'_> {
    /// Which partitions of the source have no room.
    pub(super) async fn crowded(&self, input: &DiffInput<'_>, path: &[Ident]) -> Result<Crowded> {
        let crowds = input.crowds();
        let mut crowded = Crowded::new();
        if crowds.is_empty() {
            return Ok(crowded);
        }
        let mut session = self.target.session().await?;
        for crowd in &crowds {
            for new in &crowd.new {
                let mut together = crowd.scene();
                together.extend(place("pgsync_new", new));
                if overlap(&session, path, together).await? {
                    crowded.entry(crowd.left.id.clone()).or_default().push(new.id.clone());
                }
            }
        }
        session.set_clean(true);
        Ok(crowded)
    }
}

/// Whether the target refuses the last of the statements, for there is no room.
async fn overlap(session: &Session, path: &[Ident], scene: Vec<Statement>) -> Result<bool> {
    let before = [Sql::trusted("begin"), search_path(path)].into_iter().map(Statement::from);
    let statements: Vec<Statement> = before.chain(scene).collect();
    let done = session.run_each(DOING, &statements).await;
    session.run(DOING, &Sql::trusted("rollback")).await?;
    match done {
        Err(error) if error.is_transient() => Err(error),
        // What else the target refuses, a run says when it makes the partition.
        done => Ok(done.is_err_and(|error| error.sqlstate() == Some(OVERLAPS))),
    }
}
