//! What a round writes into `sync_log` when its tables have ended.

use std::sync::Arc;
use std::time::Duration;

use crate::context::Round;
use crate::error::Result;
use crate::event::Event;
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Counts, Status, TableOutcome};
use crate::plan::TablePlan;
use crate::sql::sync_log::Entry;
use crate::sync::table_run;
use crate::sync::table_state::PendingLogRow;
use crate::sync_log::store;

/// The word of the log for a table that the source has no more.
const GONE: &str = "gone";

/// Writes the rows of all tables that ended without one, together.
pub(super) async fn write(
    round: &Round,
    outcomes: &mut [TableOutcome],
    unlogged: &[Option<PendingLogRow>],
    failed: &[TableOutcome],
) -> Result<()> {
    if round.settings.dry_run {
        return Ok(());
    }
    if round.stop.requested().is_some() {
        let interrupted = Status::Interrupted.name();
        store::finish_run(&round.target, &round.sync_log, &round.run_id, interrupted).await?;
    }
    let errors: Vec<Option<String>> = outcomes.iter().map(error_text).collect();
    let mut entries = Vec::new();
    let mut places = Vec::new();
    for (place, unlogged) in unlogged.iter().enumerate() {
        let Some(unlogged) = unlogged else { continue };
        let outcome = &outcomes[place];
        let mut entry = table_run::entry(round, &unlogged.plan, outcome.status.name());
        entry.watermark = unlogged.watermark.clone().or(entry.watermark);
        entry.watermark = entry.watermark.filter(|_| !unlogged.distrusted);
        entry.elapsed = Some(outcome.elapsed);
        entry.error = errors[place].as_deref();
        entry.earlier = unlogged.earlier;
        entries.push(entry);
        places.push(place);
    }
    let failures: Vec<(TableName, Option<String>)> =
        failed.iter().map(|outcome| (target_name(round, outcome), error_text(outcome))).collect();
    entries.extend(failed.iter().zip(&failures).map(|(outcome, (table, error))| Entry {
        run_id: &round.run_id,
        source: &round.source_name,
        table,
        sync_type: None,
        status: outcome.status.name(),
        fingerprint: None,
        watermark: None,
        counts: outcome.counts,
        error: error.as_deref(),
        elapsed: Some(outcome.elapsed),
        earlier: round.earlier.get(table).map(|row| row.id),
    }));
    if entries.is_empty() {
        // The locks have to have lasted to the end: without them another run may have been at it.
        return round.target.require_locks().await;
    }
    let watermarks = store::insert_ended(&round.target, &round.sync_log, &entries).await?;
    for (place, watermark) in places.into_iter().zip(watermarks) {
        outcomes[place].watermark = watermark;
    }
    Ok(())
}

/// A table that the source has no more.
pub(super) struct GoneRow<'g> {
    pub table: &'g TableName,
    /// What is to be done, if that is more than to drop it.
    pub open: Option<&'g String>,
}

/// Writes that the source has tables no more, which is said once.
pub(super) async fn write_gone(round: &Round, gone: &[GoneRow<'_>]) -> Result<()> {
    if gone.is_empty() || round.settings.dry_run {
        return Ok(());
    }
    let entries = gone.iter().map(|row| Entry {
        run_id: &round.run_id,
        source: &round.source_name,
        table: row.table,
        sync_type: None,
        status: GONE,
        fingerprint: None,
        watermark: None,
        counts: Counts::default(),
        error: row.open.map(String::as_str),
        elapsed: Some(Duration::ZERO),
        earlier: None,
    });
    let entries: Vec<Entry<'_>> = entries.collect();
    store::insert_ended(&round.target, &round.sync_log, &entries).await.map(drop)
}

/// Keeps what is known of the source's rows. If that cannot be, the next run reads them again.
pub(super) async fn keep_source_rows(round: &Round, plans: &[Arc<TablePlan>]) {
    // What was left out has to be said again as long as it is there.
    let is_complete =
        |plan: &&Arc<TablePlan>| !round.source.has_bad_rows(&plan.mapping.source.name);
    let kept = round.recall.of(plans.iter().filter(is_complete).map(|plan| &plan.name));
    if kept.is_empty() || round.settings.dry_run {
        return;
    }
    let (target, sync_log, run_id) = (&round.target, &round.sync_log, &round.run_id);
    if let Err(error) = store::keep_source_rows(target, sync_log, run_id, &kept).await {
        let text = format!("the next run reads the source, whether it is touched or not: {error}");
        round.events.send(Event::Note(Note { table: None, text, level: NoteLevel::Detail }));
    }
}

fn target_name(round: &Round, outcome: &TableOutcome) -> TableName {
    round.settings.target_name_of(&outcome.table)
}

fn error_text(outcome: &TableOutcome) -> Option<String> {
    outcome.error.as_ref().map(ToString::to_string)
}
