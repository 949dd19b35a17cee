//! The limit of `-max-delete`: deletes of a table are counted before its first write, so that a refusal
//! has changed nothing.

use super::delete;
use crate::config::MaxDelete;
use crate::error::{Error, Result};
use crate::plan::many_deletes::ManyDeletes;
use crate::plan::shell_word;
use crate::sql::digest::DigestOf;
use crate::sync::reconcile::{Difference, Probe, Scope, find, stage};
use crate::sync::table_state::TableRun;

/// Refuses when deleting the rows that vanished would exceed the table's limit; their keys are staged.
pub async fn allow_differing(run: &TableRun<'_>, difference: &Difference) -> Result<()> {
    if limit(run).is_none() || difference.is_all_missing() {
        return Ok(());
    }
    let deletes = delete::list(run).await?;
    allow(run, deletes, difference)
}

/// The same for the key digests of an incremental run, which writes before it compares keys.
pub async fn allow_vanished(run: &mut TableRun<'_>, probe: &Probe) -> Result<()> {
    if limit(run).is_none() || probe.keys_equal {
        return Ok(());
    }
    let difference = find(run, DigestOf::Keys, Scope::Table, None).await?;
    if difference.is_none() {
        return Ok(());
    }
    stage(run, &difference).await?;
    allow_differing(run, &difference).await
}

/// The limit that holds for a table, unless it is forced or nothing is deleted at all.
pub fn limit(run: &TableRun<'_>) -> Option<MaxDelete> {
    let settings = &run.round.settings;
    let limit = settings.max_delete_of(&run.state.plan.mapping.source.name);
    limit.filter(|_| !settings.force && run.state.plan.deletes)
}

/// Whether so many deletes of all rows of the target are within the limit.
pub fn allow(run: &TableRun<'_>, deletes: u64, difference: &Difference) -> Result<()> {
    let Some(limit) = limit(run) else { return Ok(()) };
    let words = match limit {
        MaxDelete::Rows(rows) => rows.to_string(),
        MaxDelete::Share(share) => format!("{}%", share * 100.0),
    };
    let rows = difference.target_rows;
    if deletes <= limit.allowed(rows) {
        return Ok(());
    }
    let plan = &run.state.plan;
    let ManyDeletes { keyless, gives_key, is_filtered, has_new_filter, left_partitions, .. } =
        &plan.many_deletes;
    let source_is_empty = difference.source_is_empty;
    let why = match keyless {
        _ if source_is_empty && *is_filtered => "its where takes no row of the source: ",
        _ if source_is_empty => "the table is empty on the source: ",
        keyless => keyless.as_deref().unwrap_or_default(),
    };
    let left = match left_partitions {
        Some(told) => format!("{told}; otherwise, "),
        None => String::new(),
    };
    let first = match gives_key {
        Some(_) if source_is_empty => String::new(),
        Some(statement) => format!("run on the target: {statement}; and "),
        None => String::new(),
    };
    let filter = if *has_new_filter {
        "the where or the columns of the table have changed since the last run: check the where and "
    } else {
        "check "
    };
    Err(Error::Refused(format!(
        "{why}{deletes} of {rows} rows would be deleted, more than -max-delete {words} allows: no row was changed; \
         {left}{filter}the source, then {first}allow it for one run: -set {}, or -force for all tables",
        shell_word::pasted(&format!("{}.maxDelete=off", plan.mapping.source.name))
    )))
}
