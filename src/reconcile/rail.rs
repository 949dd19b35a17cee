//! The rail of `-max-delete`: deletes of a table are counted before its first write, so that a refusal
//! has changed nothing (DESIGN §4.7).

use super::{Difference, Probe, Scope, delete, find, stage};
use crate::config::MaxDelete;
use crate::error::{Error, Result};
use crate::sql::digest::Measure;
use crate::strategy::Job;

/// Refuses when deleting the rows that vanished would exceed the table's limit; their keys are staged.
pub async fn allow_differing(job: &Job, difference: &Difference) -> Result<()> {
    if limit(job).is_none() || difference.is_all_absent() {
        return Ok(());
    }
    let deletes = delete::list(job).await?;
    allow(job, deletes, difference.target_rows)
}

/// The same for the key digests of an incremental run, which writes before it compares keys.
pub async fn allow_vanished(job: &mut Job, probe: &Probe) -> Result<()> {
    if limit(job).is_none() || probe.keys_equal {
        return Ok(());
    }
    let difference = find(job, Measure::Keys, Scope::Table, None).await?;
    if difference.is_none() {
        return Ok(());
    }
    stage(job, &difference).await?;
    allow_differing(job, &difference).await
}

/// The limit that holds for a table, unless it is forced or nothing is deleted at all.
pub fn limit(job: &Job) -> Option<MaxDelete> {
    let settings = &job.engine.settings;
    let limit = settings.max_delete_of(&job.plan.shape.source.name);
    limit.filter(|_| !settings.force && job.plan.deletes)
}

/// Whether so many deletes of so many rows are within the limit.
pub fn allow(job: &Job, deletes: u64, rows: u64) -> Result<()> {
    let Some(limit) = limit(job) else { return Ok(()) };
    let (allowed, words) = match limit {
        MaxDelete::Rows(rows) => (rows, rows.to_string()),
        MaxDelete::Share(share) => ((rows as f64 * share) as u64, format!("{}%", share * 100.0)),
    };
    if deletes <= allowed {
        return Ok(());
    }
    let keyless = match job.plan.shape.key.is_empty() {
        true => " (the table has no key: a changed row counts as one deleted and one inserted)",
        false => "",
    };
    Err(Error::Refused(format!(
        "{deletes} of {rows} rows would be deleted{keyless}, more than -max-delete {words} allows: \
         nothing of the table was changed; check the source, then raise the limit or use -force"
    )))
}
