//! The source's keys, staged on the target, and what follows from them: rows to fetch, rows to delete.

use super::apply::{Applied, written};
use super::transaction;
use std::ops::Range;

use crate::error::Result;
use crate::pg::{Row, RowSink, Session};
use crate::plan::TablePlan;
use crate::sql::buckets::{Buckets, LoneKey};
use crate::sql::digest::DigestOf;
use crate::sql::keys::{KeyList, NumberedKey};
use crate::sql::sql;
use crate::sql::sync_log::{CteSet, Progress, SyncLog};
use crate::table::ForeignKey;

/// Makes the stage of keys and opens it.
pub async fn stage_keys(session: &Session, plan: &TablePlan) -> Result<RowSink> {
    let (create, copy) = (plan.mapping.create_key_stage(), plan.mapping.copy_into_key_stage());
    let (made, copy) = tokio::join!(
        session.run("creating the stage of keys", &create),
        session.prepare_copy_in("staging keys", &copy),
    );
    session.copy_in(&made.and(copy)?).await
}

/// Ends the COPY of keys and makes the stage ready to be joined.
pub async fn finish_keys(session: &Session, plan: &TablePlan, keys: RowSink) -> Result<()> {
    let analyze = plan.mapping.analyze_key_stage();
    let (staged, analyzed) =
        tokio::join!(keys.finish(), session.run("analysing the stage of keys", &analyze));
    staged.and(analyzed)
}

/// Stores the keys of the target's own rows of some buckets.
pub async fn stage_target_keys(
    session: &Session,
    plan: &TablePlan,
    measure: DigestOf,
    buckets: &Buckets,
) -> Result<()> {
    let create = plan.mapping.create_here(measure, buckets);
    session.run("storing keys in a temporary table", &create).await
}

/// Whether each of the singles was found on one side.
pub async fn all_found(session: &Session, plan: &TablePlan, singles: &[LoneKey]) -> Result<bool> {
    if singles.is_empty() {
        return Ok(true);
    }
    let unfound = plan.mapping.count_unfound(singles);
    Ok(session.row("looking for single keys", &unfound).await?.count(0)? == 0)
}

/// How many of the staged keys the target lacks, or has with another hash.
pub async fn number_missing_keys(session: &Session, plan: &TablePlan) -> Result<u64> {
    session.row("comparing keys", &plan.mapping.number_missing_keys()).await?.count(0)
}

/// Numbers the rows taken down whose keys are not staged; gives their number.
pub async fn list_vanished(session: &Session, plan: &TablePlan) -> Result<u64> {
    session.row("listing vanished keys", &plan.mapping.list_vanished()).await?.count(0)
}

/// Keys number `from` to before `to` of a list.
pub async fn numbered(
    session: &Session,
    plan: &TablePlan,
    list: KeyList,
    from: u64,
    to: u64,
) -> Result<Vec<NumberedKey>> {
    let statement = plan.mapping.numbered_keys(list, from, to);
    let rows = session.rows("reading listed keys", &statement).await?;
    let columns = 1..=plan.mapping.key.len();
    let key = |row: &Row| {
        let values = columns.clone().map(|column| row.needed(column).map(str::to_owned));
        Ok(NumberedKey { number: row.count(0)?, values: values.collect::<Result<_>>()? })
    };
    rows.iter().map(key).collect()
}

/// Takes keys off the list of vanished ones.
pub async fn unlist_vanished(session: &Session, plan: &TablePlan, numbers: &[u64]) -> Result<()> {
    session.run("keeping keys", &plan.mapping.unlist_vanished(numbers)).await
}

/// A table's row in the log of runs.
#[derive(Clone, Copy)]
pub struct LogRow<'l> {
    pub sync_log: &'l SyncLog,
    pub id: u64,
}

/// Deletes the listed rows of `buckets`, in one transaction.
pub async fn delete_vanished(
    session: &Session,
    plan: &TablePlan,
    row: LogRow<'_>,
    buckets: &Buckets,
) -> Result<Applied> {
    let writes = plan.mapping.delete_vanished(buckets);
    let delete = row.sync_log.counted(row.id, &writes, CteSet::Removed, &Progress::default());
    let delete = transaction::committed(plan, &delete);
    let statement =
        sql!("{begin}; {delete}", begin = transaction::begin_to_delete(plan), delete = delete);
    written(plan, &session.query_all("deleting vanished rows", &statement).await?, false)
}

/// Has generated columns of wanted rows of these numbers computed again; `None` where that cannot be.
pub async fn compute_again(
    session: &Session,
    plan: &TablePlan,
    row: LogRow<'_>,
    numbers: Range<u64>,
) -> Result<Option<Applied>> {
    let Some(writes) = plan.mapping.compute_again(&numbers) else { return Ok(None) };
    let update = row.sync_log.counted(row.id, &writes, CteSet::Written, &Progress::default());
    let update = transaction::committed(plan, &update);
    let statement = sql!("{begin}; {update}", begin = transaction::begin(plan), update = update);
    let results = session.query_all("computing generated columns again", &statement).await?;
    Ok(Some(written(plan, &results, false)?))
}

/// How many rows of other tables refer to listed vanished rows, by each of these foreign keys.
pub async fn referring_rows(
    session: &Session,
    plan: &TablePlan,
    keys: &[&ForeignKey],
) -> Result<Vec<u64>> {
    let mut counts = vec![0; keys.len()];
    if keys.is_empty() {
        return Ok(counts);
    }
    let looks = plan.mapping.referring_rows(keys.iter().copied());
    for row in session.rows("looking for rows that refer to vanished ones", &looks).await? {
        let number = usize::try_from(row.count(0)?).ok();
        if let Some(count) = number.and_then(|number| counts.get_mut(number)) {
            *count = row.count(1)?;
        }
    }
    Ok(counts)
}

/// Takes the keys of rows to which rows of another table refer off the list of vanished ones; gives their number.
pub async fn unlist_referred(session: &Session, plan: &TablePlan, key: &ForeignKey) -> Result<u64> {
    session.row("keeping keys", &plan.mapping.unlist_referred(key)).await?.count(0)
}
