//! Deleting what the source has no more. Digests and staged keys only say which rows of the target
//! seem to have vanished; the source itself is asked for each of their keys, in the run's snapshot, and
//! what it has stays. So nothing that makes two servers hash or compare values differently can
//! delete a row that is right.

use super::Difference;
use crate::error::{Error, Result};
use crate::event::Phase;
use crate::outcome::Counts;
use crate::plan::TablePlan;
use crate::plan::references::CascadingKey;
use crate::sql::keys::{KeyList, NumberedKey};
use crate::sync::table_state::TableRun;
use crate::table::ForeignKey;
use crate::target_side::keys;
use crate::target_side::keys::LogRow;

/// Keys of which the source is asked by one statement.
const ASKED: u64 = 2000;
/// Character not in repertoire: bytes that are no text in UTF-8.
const NOT_TEXT: &str = "22021";

/// Lists the target's rows of the differing buckets whose keys are neither staged nor on the source;
/// gives their number.
pub async fn list(run: &TableRun<'_>) -> Result<u64> {
    let (target, plan) = (&run.target, &run.state.plan);
    let listed = keys::list_vanished(target, plan).await?;
    let mut vanished = listed;
    for from in (1..=listed).step_by(ASKED as usize) {
        run.round.check_stopped()?;
        let asked = readable(run, from, from + ASKED).await?;
        let found = run.source.find_keys("asking for vanished keys", &plan.mapping, &asked).await?;
        if !found.is_empty() {
            keys::unlist_vanished(target, plan, &found).await?;
        }
        vanished -= found.len() as u64;
    }
    Ok(vanished)
}

/// The keys of the list from one number to before another. A database without an encoding can hold bytes
/// that are no text; such a key cannot be read. Nor could it on the source, of which all keys of the
/// bucket were read: it has vanished.
async fn readable(run: &TableRun<'_>, from: u64, to: u64) -> Result<Vec<NumberedKey>> {
    let mut keys = Vec::new();
    let mut open = vec![(from, to)];
    while let Some((from, to)) = open.pop() {
        let list = KeyList::Vanished;
        match keys::numbered(run.target, &run.state.plan, list, from, to).await {
            Ok(read) => keys.extend(read),
            Err(error)
                if error.sqlstate() != Some(NOT_TEXT) || run.state.plan.shared_transaction =>
            {
                return Err(error);
            }
            Err(_) if to - from > 1 => {
                let middle = from.midpoint(to);
                open.extend([(from, middle), (middle, to)]);
            }
            Err(_) => {}
        }
    }
    Ok(keys)
}

/// Vanished rows that stay.
#[derive(Default)]
pub struct Kept {
    pub rows: u64,
    /// Why one of them does, if there are any.
    pub why: Option<String>,
}

/// Takes off the list what this run may not delete, because rows that stay refer to it: no value of such a row can pass
/// to another.
pub async fn unlist_kept(run: &TableRun<'_>) -> Result<Kept> {
    let (target, plan) = (&run.target, &run.state.plan);
    let keys: Vec<&ForeignKey> = plan.keepers.iter().map(|one| &one.key).collect();
    let referring = keys::referring_rows(target, plan, &keys).await?;
    let mut kept = Kept::default();
    for (keeper, rows) in plan.keepers.iter().zip(referring).filter(|(_, rows)| *rows > 0) {
        kept.rows += keys::unlist_referred(target, plan, &keeper.key).await?;
        kept.why = Some(format!(
            "{} hold unique values that other rows have now: {} (foreign key \"{}\"): {}",
            vanished_rows(plan),
            told(&keeper.key, rows),
            keeper.key.name.as_str(),
            keeper.way_out,
        ));
    }
    Ok(kept)
}

/// What is deleted, in words.
fn vanished_rows(plan: &TablePlan) -> &'static str {
    if plan.many_deletes.is_filtered {
        "rows that the source does not have, or that the where leaves out,"
    } else {
        "rows that vanished from the source"
    }
}

/// So many rows by which a key refers to vanished ones, in words.
fn told(key: &ForeignKey, rows: u64) -> String {
    let child = &key.child;
    match rows {
        1 => format!("1 row of {child} still refers to such rows"),
        _ => format!("{rows} rows of {child} still refer to such rows"),
    }
}

/// Deletes the target's rows of the differing buckets whose keys the source has no more.
pub async fn vanished(run: &mut TableRun<'_>, difference: &Difference) -> Result<()> {
    if !run.state.plan.deletes || difference.is_all_missing() {
        return Ok(());
    }
    run.phase(Phase::Deleting);
    let deleted = list(run).await?;
    let Some(id) = run.state.log_id else {
        run.state.counts.add(Counts { deleted, ..Counts::default() });
        return Ok(());
    };
    if deleted == 0 {
        return Ok(());
    }
    let plan = &run.state.plan;
    let leaves_out = |one: &CascadingKey| {
        one.in_circle.as_ref().is_some_and(|child| run.round.source.leaves_rows_out(child))
    };
    // In a circle, rows may refer that are yet to be deleted.
    let tells = |one: &&CascadingKey| {
        let is_done = run.state.deleted_first.contains(&one.key.child);
        one.in_circle.is_none() || is_done || leaves_out(one)
    };
    let telling: Vec<&CascadingKey> = plan.cascades.iter().filter(tells).collect();
    let cascading: Vec<&ForeignKey> = telling.iter().map(|one| &one.key).collect();
    let referring = keys::referring_rows(run.target, plan, &cascading).await?;
    if let Some((one, rows)) = telling.into_iter().zip(referring).find(|(_, rows)| *rows > 0) {
        let (child, name) = (&one.key.child, one.key.name.as_str());
        let bad_rows = format!("correct the bad rows of {child} first");
        let acts = match one.key.on_delete {
            'a' | 'r' => String::new(),
            'c' => format!(", which would delete rows of {child}"),
            _ => format!(", which would change rows of {child}"),
        };
        return Err(Error::Blocked(format!(
            "{} cannot be deleted: {} by the foreign key \"{name}\"{acts}; {}",
            vanished_rows(plan),
            told(&one.key, rows),
            if leaves_out(one) { &bad_rows } else { &one.way_out },
        )));
    }
    let (row, buckets) = (LogRow { sync_log: &run.round.sync_log, id }, difference.differing());
    let applied = keys::delete_vanished(run.target, &run.state.plan, row, &buckets).await?;
    run.state.add(&applied);
    run.state.holds_placeholders = false;
    Ok(())
}
