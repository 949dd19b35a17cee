//! Rows that a comparison brings in sync though no change explains that they differ: their timestamp is before the
//! watermark, or a run had just brought the table in sync. Somebody has to hear of them.

use crate::error::{Result, Side};
use crate::event::Event;
use crate::note::{Note, NoteLevel};
use crate::sql::compared::ColumnQuery;
use crate::sql::keys::{KeyList, NumberedKey};
use crate::sql::query::{RowScope, Since};
use crate::sync::reconcile::Difference;
use crate::sync::reconcile::delete;
use crate::sync::scrub;
use crate::sync::table_state::TableRun;
use crate::target_side::keys;

const DOING: &str = "looking for rows that no change explains";
/// Keys that are looked up by one statement.
const PAGE: u64 = 1000;
/// Keys that are named.
const NAMED: usize = 5;

/// Why rows that differ are unexplained.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suspicion {
    /// They are older than the watermark.
    Older,
    /// They were left after the run, in a part that was to be proven.
    LeftOver,
}

/// What is unusual about rows that differ, if it is looked for.
fn suspicion(run: &TableRun<'_>) -> Option<Suspicion> {
    let plan = &run.state.plan;
    if plan.mapping.key.is_empty() || plan.append {
        return None;
    }
    if scrub::has_differed(run.round, plan) {
        return Some(Suspicion::LeftOver);
    }
    let is_older = run.round.settings.reconcile && !run.round.settings.repair;
    let has_watermark = plan.timestamp.is_some() && plan.watermark.is_some();
    (is_older && has_watermark).then_some(Suspicion::Older)
}

/// Whether every row that differs has to be known by its key.
pub fn is_wanted(run: &TableRun<'_>) -> bool {
    suspicion(run).is_some()
}

/// Warns of the rows among those that differ; the keys are staged.
///
/// # Errors
/// Those of both sides.
pub async fn warn(run: &TableRun<'_>, difference: &Difference) -> Result<()> {
    let Some(suspicion) = suspicion(run) else { return Ok(()) };
    let mut found = Found::default();
    let wanted = keys::number_missing_keys(run.target, &run.state.plan).await?;
    for from in (1..=wanted).step_by(PAGE as usize) {
        run.round.check_stopped()?;
        let list = KeyList::Wanted;
        let keys = keys::numbered(run.target, &run.state.plan, list, from, from + PAGE).await?;
        match suspicion {
            Suspicion::LeftOver => found.take(keys),
            Suspicion::Older => found.take(older(run, keys).await?),
        }
    }
    if suspicion == Suspicion::LeftOver && run.state.plan.deletes && !difference.is_all_missing() {
        let vanished = delete::list(run).await?;
        let list = KeyList::Vanished;
        // Numbers of keys that the source has after all are missing in the list.
        found.take(keys::numbered(run.target, &run.state.plan, list, 1, PAGE).await?);
        found.rows = wanted + vanished;
    }
    if found.rows > 0 {
        tell(run, suspicion, &found);
    }
    Ok(())
}

/// Rows that nothing explains.
#[derive(Default)]
struct Found {
    rows: u64,
    first: Vec<NumberedKey>,
}

impl Found {
    fn take(&mut self, keys: Vec<NumberedKey>) {
        self.rows += keys.len() as u64;
        let room = NAMED.saturating_sub(self.first.len());
        self.first.extend(keys.into_iter().take(room));
    }
}

/// Those of the keys whose rows of the source have a timestamp before the watermark.
async fn older(run: &TableRun<'_>, keys: Vec<NumberedKey>) -> Result<Vec<NumberedKey>> {
    let (Some(timestamp), Some(from)) = (&run.state.plan.timestamp, &run.state.plan.watermark)
    else {
        return Ok(Vec::new());
    };
    let before = RowScope::Before(Since { timestamp, from }).condition(Side::Source);
    let query = ColumnQuery { keys: &keys, condition: before.as_ref(), values: false };
    let rows = run.source.compared_columns(DOING, &run.state.plan.mapping, &query).await?;
    let is_older =
        |row: &Vec<Option<String>>| row.get(1).is_some_and(|t| t.as_deref() == Some("t"));
    let number = |row: Vec<Option<String>>| row.into_iter().next()??.parse::<u64>().ok();
    let numbers: Vec<u64> = rows.into_iter().filter(is_older).filter_map(number).collect();
    Ok(keys.into_iter().filter(|key| numbers.contains(&key.number)).collect())
}

fn tell(run: &TableRun<'_>, suspicion: Suspicion, found: &Found) {
    let names: Vec<&str> =
        run.state.plan.mapping.key.iter().map(|column| column.name.as_str()).collect();
    let key = |key: &NumberedKey| {
        let parts = names.iter().zip(&key.values).map(|(name, value)| format!("{name} = {value}"));
        parts.collect::<Vec<_>>().join(", ")
    };
    let mut keys: Vec<String> = found.first.iter().map(key).collect();
    if found.rows > keys.len() as u64 {
        keys.push("…".to_owned());
    }
    let rows = if found.rows == 1 { "1 row".to_owned() } else { format!("{} rows", found.rows) };
    let that = match suspicion {
        Suspicion::Older => "older than the watermark",
        Suspicion::LeftOver => "that no run would have found",
    };
    let text = format!(
        "{rows} {that} differed ({}): somebody writes to the target, or changes \
         rows of the source without their timestamp",
        keys.join("; ")
    );
    let table = Some(run.state.plan.mapping.source.name.clone());
    run.round.events.send(Event::Note(Note { table, text, level: NoteLevel::Warning }));
}
