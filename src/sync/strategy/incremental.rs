//! The usual run: the rows changed since the watermark come as one ordered stream, cut into batches
//! where the timestamp changes; then the keys are reconciled.

use super::compare;
use crate::copy_text;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::Phase;
use crate::plan::schedule::Pass;
use crate::sql::query::{DigestQuery, RowQuery, RowScope, Since};
use crate::sync::batches::Batches;
use crate::sync::reconcile;
use crate::sync::reconcile::digest;
use crate::sync::reconcile::{Probe, Scope, Window};
use crate::sync::table_state::TableRun;
use crate::target_side::apply::Mode;

/// What a look at both sides found is followed up; what was equal is left alone.
pub async fn run(run: &mut TableRun<'_>, probe: &Probe, pass: Pass) -> Result<()> {
    let changed = changes(run, probe, pass).await;
    if changed.as_ref().is_err_and(|error| run.state.plan.one_statement && comes_too_early(error)) {
        compare::start_over(run).await?;
        return compare::run(run, pass).await;
    }
    match compare::split_unique_violation(changed)? {
        Ok(()) => Ok(()),
        Err(collision) => compare::resolve_unique_conflicts(run, pass, collision).await,
    }
}

/// Whether a row refers to one of its own table that is not there yet, because it has no finite
/// timestamp, or none that changed: only a comparison writes all of them in one statement.
fn comes_too_early(error: &Error) -> bool {
    error.sqlstate() == Some("23503")
}

async fn changes(run: &mut TableRun<'_>, probe: &Probe, pass: Pass) -> Result<()> {
    // The digest of the source's window, as soon as it is known.
    let mut source = probe.source_window;
    if pass != Pass::Delete {
        reconcile::max_delete::allow_vanished(run, probe).await?;
        if window_differs(run, probe, &mut source).await? {
            run.phase(Phase::Applying);
            stream(run, &mut source).await?;
        }
        if !probe.timeless_equal {
            compare::without_timestamp(run).await?;
        }
    }
    let fetched = reconcile::keys(run, probe, pass).await?;
    let proven = fetched && (pass == Pass::Write || is_settled(run, probe, source).await?);
    if proven { Ok(()) } else { compare::rows(run, Pass::Whole).await }
}

/// The windows must be equal now, and so must be the keys and the rows without a timestamp. Where they
/// are not, a row has left the source's window backwards in time, somebody else writes to the target, or
/// what was written is not what arrived: the whole table is compared, and proven.
async fn is_settled(run: &TableRun<'_>, probe: &Probe, mut source: Option<Digest>) -> Result<bool> {
    if run.is_dry() || !run.state.counts.changed() && probe.unchanged() {
        return Ok(true);
    }
    if run.state.more {
        return Ok(false);
    }
    if !probe.timeless_equal && !digest::equal_in(run, Scope::Timeless).await? {
        return Ok(false);
    }
    let keys = !run.state.plan.deletes || reconcile::keys_equal(run, probe).await?;
    if probe.window == Window::Equal || !keys {
        return Ok(keys);
    }
    let window = DigestQuery::Rows(RowScope::Since(window(run)?));
    digest::equal_knowing(run, window, &mut source).await
}

/// A large window was not digested by the look, and is now.
async fn window_differs(
    run: &TableRun<'_>,
    probe: &Probe,
    source: &mut Option<Digest>,
) -> Result<bool> {
    match probe.window {
        Window::Equal => Ok(false),
        Window::Differs => Ok(true),
        Window::Large => {
            let window = DigestQuery::Rows(RowScope::Since(window(run)?));
            Ok(!digest::equal_knowing(run, window, source).await?)
        }
    }
}

/// What has to be equal in the end: everything since the last run that has settled it.
fn window<'r>(run: &'r TableRun<'_>) -> Result<Since<'r>> {
    match (&run.state.plan.timestamp, &run.state.plan.watermark) {
        (Some(timestamp), Some(from)) => Ok(Since { timestamp, from }),
        _ => Err(Error::Internal("an incremental plan without a watermark".to_owned())),
    }
}

/// Applies the window, batch by batch, without what an earlier try or run has brought over. Where the digest
/// of the source's window is not known yet, the rows that pass tell it: nothing is read twice.
async fn stream(run: &mut TableRun<'_>, source: &mut Option<Digest>) -> Result<()> {
    let plan = run.state.plan.clone();
    let (Some(timestamp), Some(from)) = (&plan.timestamp, plan.reads_from()) else {
        return Ok(());
    };
    let since = Since { timestamp, from };
    let is_whole = plan.watermark.as_deref() == Some(from);
    let mut digest = (source.is_none() && is_whole && !run.is_dry()).then(Digest::default);
    let window = match digest {
        Some(_) => RowQuery::InOrderHashed(since),
        None => RowQuery::InOrder(since),
    };
    let mut rows = run.source.copy_out("reading changed rows", &plan.mapping, window).await?;
    let batches = Batches::new(run.round, run.target, &plan, run.state, Mode::Upsert);
    let mut batches = batches.in_order().together(plan.one_statement);
    while let Some(mut row) = rows.next().await? {
        if let Some(digest) = &mut digest {
            let (hash, values) = copy_text::without_first_field(&row)?;
            digest.add(Digest::parse(1, Some(&hash))?);
            row = values;
        }
        batches.push(row).await?;
    }
    batches.finish().await?;
    *source = source.or(digest);
    Ok(())
}
