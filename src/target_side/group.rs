//! Writing several small tables that are empty in one transaction, statements sent without waiting for
//! the answers of those before.

use bytes::Bytes;
use futures_util::future::try_join_all;

use super::apply::Tally;
use super::transaction;
use crate::error::{Error, Result};
use crate::pg::Session;
use crate::plan::TablePlan;
use crate::sql::sync_log::{Entry, SyncLog};

/// Begins a transaction and copies each table's rows into it, in the format of its shape; gives the
/// number of rows of each.
///
/// # Errors
/// Those of the servers, and when something else has written into the tables, too: each is to be copied
/// and proven on its own then.
pub async fn copy(session: &Session, plans: &[&TablePlan], rows: Vec<Bytes>) -> Result<Vec<u64>> {
    let copies = plans.iter().map(|plan| async {
        session.prepare_copy_in("writing a batch", &plan.mapping.copy_into_target()).await
    });
    let copies = try_join_all(copies).await?;
    let begin = transaction::begin_all(plans);
    let begun = session.run("beginning a batch", &begin);
    let copied = try_join_all(copies.iter().zip(rows).map(|(copy, rows)| async move {
        let mut sink = session.copy_in(copy).await?;
        sink.push(rows).await?;
        sink.finish().await
    }));
    let (begun, copied) = tokio::join!(begun, copied);
    let copied = begun.and(copied)?;
    let tally = session.row("counting what was written", &transaction::tally_of_all(plans)).await?;
    let expected = Tally { inserted: copied.iter().sum(), ..Tally::default() };
    if Tally::of(&tally) == Some(expected) {
        Ok(copied)
    } else {
        Err(Error::Internal("more was written than was copied".to_owned()))
    }
}

/// Writes the tables' rows of the log and commits all; gives the watermark of each.
pub async fn commit(
    session: &Session,
    sync_log: &SyncLog,
    plans: &[&TablePlan],
    entries: &[Entry<'_>],
) -> Result<Vec<Option<String>>> {
    let all = transaction::committed_all(plans, &sync_log.insert(entries));
    let answers = session.query_all("committing a batch", &all).await?;
    Ok(answers.iter().flatten().map(|row| row.text(1).map(str::to_owned)).collect())
}
