//! What a round writes into `sync_log` when its tables have ended.

use crate::error::Result;
use crate::ident::TableName;
use crate::outcome::{Status, TableOutcome};
use crate::sql::log::Entry;
use crate::strategy::Engine;
use crate::table_job::{self, Unlogged};
use crate::target::sync_log;

/// Writes the rows of all tables that ended without one, together.
pub(super) async fn write(
    engine: &Engine,
    outcomes: &mut [TableOutcome],
    unlogged: &[Option<Unlogged>],
    failed: &[TableOutcome],
) -> Result<()> {
    if engine.settings.dry_run {
        return Ok(());
    }
    if engine.stop.requested().is_some() {
        let interrupted = Status::Interrupted.name();
        sync_log::finish_run(&engine.target, &engine.log, &engine.run_id, interrupted).await?;
    }
    let errors: Vec<Option<String>> = outcomes.iter().map(error_text).collect();
    let mut entries = Vec::new();
    let mut places = Vec::new();
    for (place, unlogged) in unlogged.iter().enumerate() {
        let Some(unlogged) = unlogged else { continue };
        let outcome = &outcomes[place];
        let mut entry = table_job::entry(engine, &unlogged.plan, outcome.status.name());
        entry.watermark = unlogged.watermark.clone().or(entry.watermark);
        entry.elapsed = Some(outcome.elapsed);
        entry.error = errors[place].as_deref();
        entry.earlier = unlogged.earlier;
        entries.push(entry);
        places.push(place);
    }
    let failures: Vec<(TableName, Option<String>)> =
        failed.iter().map(|outcome| (target_name(engine, outcome), error_text(outcome))).collect();
    entries.extend(failed.iter().zip(&failures).map(|(outcome, (table, error))| Entry {
        run_id: &engine.run_id,
        source: &engine.source_name,
        table,
        sync_type: None,
        status: outcome.status.name(),
        fingerprint: None,
        watermark: None,
        counts: outcome.counts,
        error: error.as_deref(),
        elapsed: Some(outcome.elapsed),
        earlier: engine.earlier.get(table).map(|row| row.id),
    }));
    if entries.is_empty() {
        // The locks have to have lasted to the end: without them another run may have been at it.
        return engine.target.require_locks().await;
    }
    let watermarks = sync_log::insert_ended(&engine.target, &engine.log, &entries).await?;
    for (place, watermark) in places.into_iter().zip(watermarks) {
        outcomes[place].watermark = watermark;
    }
    Ok(())
}

fn target_name(engine: &Engine, outcome: &TableOutcome) -> TableName {
    engine.settings.target_name_of(&outcome.table)
}

fn error_text(outcome: &TableOutcome) -> Option<String> {
    outcome.error.as_ref().map(ToString::to_string)
}
