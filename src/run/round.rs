//! One round: prepare, work on the tables, finish. All of it reads one snapshot of the source.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::endpoints::Endpoints;
use super::prepare::RunPlan;
use super::stopping::cancelled_on_stop;
use super::sync_log::GoneRow;
use super::{statements, sync_log};
use crate::config::Settings;
use crate::context::Round;
use crate::ddl_step::Step;
use crate::error::{Error, Result};
use crate::event::{Event, Events};
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::observe::gone::GoneTable;
use crate::outcome::{RunReport, TableOutcome};
use crate::pg::sequences::SequenceValue;
use crate::plan::TablePlan;
use crate::plan::references::References;
use crate::schema::foreign_keys;
use crate::schema::holders::KeptType;
use crate::schema::post_data;
use crate::schema::rebuild::plan::RebuiltTable;
use crate::schema::rebuild::swap;
use crate::stop::Stop;
use crate::sync::lag;
use crate::sync::orphan_check;
use crate::sync::renumbered;
use crate::sync::scrub;
use crate::sync::sequences;
use crate::sync::workers;
use crate::sync_log::store;

/// One snapshot's work. Gives the reason when another round has to follow.
///
/// # Errors
/// What concerns the run as a whole, such as a server that cannot be reached.
pub(super) async fn round(
    settings: &Arc<Settings>,
    endpoints: &Endpoints,
    events: &Events,
    stop: &Stop,
    report: &mut RunReport,
) -> Result<Option<Error>> {
    let context = endpoints.context(settings, events, &report.run_id);
    let prepared = cancelled_on_stop(stop, endpoints, Box::pin(context.prepare())).await?;
    cancelled_on_stop(stop, endpoints, statements::before(settings, endpoints, events)).await?;
    let earlier = if report.retries > 0 && !settings.dry_run {
        store::of_run(context.target, &context.sync_log, &report.run_id).await?
    } else {
        HashMap::new()
    };
    let scrub = match settings.scrub.filter(|_| !settings.dry_run) {
        Some(parts) => {
            let names: Vec<&TableName> = prepared.plans.iter().map(|plan| &plan.name).collect();
            Some(scrub::begin(context.target, &context.sync_log, parts, &names).await?)
        }
        None => None,
    };
    let round = Arc::new(Round {
        last_round: report.retries >= settings.retries,
        scrub,
        rejects: endpoints.rejects.clone(),
        earlier,
        roles: prepared.roles.clone(),
        ..context.round(stop, prepared.horizon.clone(), prepared.page_ranges)
    });
    report.log_denied = prepared.log_denied.is_some();
    work(&round, prepared, endpoints, report).await
}

/// Works on the tables, finishes what concerns several of them, and completes log and report. Gives the
/// reason when another round has to follow.
async fn work(
    round: &Arc<Round>,
    plan: RunPlan,
    endpoints: &Endpoints,
    report: &mut RunReport,
) -> Result<Option<Error>> {
    let RunPlan { plans, failed, tasks, references, last, rebuilt, sequences, gone, .. } = plan;
    let log_denied = plan.log_denied.map_or(Ok(()), Err);
    let kept_types = plan.kept_types;
    let stop = &round.stop;
    scrub::remark(round, &plans);
    let planned = plans.clone();
    let unended = plans
        .iter()
        .map(|plan| TableOutcome::unended(plan.mapping.source.name.clone(), plan.strategy));
    let before = std::mem::replace(&mut report.tables, unended.chain(failed.clone()).collect());
    let ended = cancelled_on_stop(stop, endpoints, workers::run(round, &plans, tasks)).await;
    let (mut outcomes, mut unlogged): (Vec<_>, Vec<_>) = ended.outcomes.into_iter().unzip();
    let early = stop.requested().map(Error::Stopped).or(ended.lost.clone());
    let finish =
        Finish { plans, failed: &failed, references, foreign_keys: last, rebuilt, sequences };
    let is_whole = early.is_none();
    let keys = finish.tables(round, early, &mut outcomes).await;
    let renumbered =
        renumbered::check(round, &finish.rebuilt, &planned, &mut outcomes, &mut unlogged).await;
    post_data::remark(round, &planned, &outcomes, &keys);
    let mut logged = sync_log::write(round, &mut outcomes, &unlogged, &failed).await;
    if logged.is_ok() {
        logged = renumbered;
    }
    if logged.is_ok() {
        logged = scrub::write(round, &planned, &outcomes).await;
        sync_log::keep_source_rows(round, &planned).await;
        if is_whole {
            logged = logged.and(write_gone(round, &gone, outcomes.iter().chain(&failed)).await);
        }
    }
    for outcome in &failed {
        round.events.send(Event::Finished(Box::new(outcome.clone())));
    }
    remark_kept_types(round, &kept_types, &outcomes);
    // Another snapshot may show what could not be read in this one.
    let mut errors = failed.iter().filter_map(|outcome| outcome.error.as_ref());
    let changed = errors.find(|error| error.is_of_snapshot()).cloned();
    let changed = changed.filter(|_| !round.last_round && stop.requested().is_none());
    report.tables = outcomes.into_iter().chain(failed).collect();
    carry_over(&mut report.tables, &before);
    match (ended.lost, logged) {
        (Some(lost), _) => Ok(Some(lost)),
        // The rows are in sync; that has to be said where the next run looks for it.
        (None, Err(error)) if error.is_transient() => Ok(Some(error)),
        (None, logged) => logged.and(log_denied).map(|()| changed),
    }
}

/// What is left to do once the rows of all tables are there.
struct Finish<'a> {
    plans: Vec<Arc<TablePlan>>,
    failed: &'a [TableOutcome],
    references: References,
    foreign_keys: Vec<Step>,
    rebuilt: Vec<RebuiltTable>,
    /// Those of the source that belong to no table.
    sequences: Vec<SequenceValue>,
}

impl Finish<'_> {
    /// Moves sequences, swaps what was rebuilt, looks for orphans, creates foreign keys, and gives these; nothing of it
    /// after a round that ended `early`.
    async fn tables(
        &self,
        round: &Round,
        early: Option<Error>,
        outcomes: &mut [TableOutcome],
    ) -> Vec<&Step> {
        if round.settings.dry_run {
            // Nothing was written that could be put in its place.
            sequences::remark_all_denied(round, &self.plans, outcomes);
            sequences::remark_hidden(round, &self.sequences).await;
            return Vec::new();
        }
        if let Some(why) = early {
            swap::not_swapped(round, &self.rebuilt, outcomes, &why);
            return Vec::new();
        }
        sequences::raise(round, &self.plans, outcomes).await;
        sequences::raise_free(round, &self.sequences, &self.plans).await;
        swap::tables(round, &self.rebuilt, &self.references, outcomes).await;
        orphan_check::check(round, &self.plans, &self.references, outcomes, self.failed).await;
        let source = &self.references.source;
        let keys = foreign_keys::create(round, &self.foreign_keys, source, outcomes).await;
        if round.settings.lag {
            lag::measure(round, &self.plans, outcomes).await;
        }
        keys
    }
}

/// Writes that the source has tables no more.
async fn write_gone<'o>(
    round: &Round,
    gone: &[GoneTable],
    outcomes: impl Iterator<Item = &'o TableOutcome>,
) -> Result<()> {
    let failing = outcomes.filter(|one| one.error.is_some());
    let failing: HashSet<&TableName> = failing.map(|outcome| &outcome.table).collect();
    // What is in the way of its new name is said again as long as it is.
    let is_in_the_way =
        |one: &GoneTable| one.renamed.as_ref().is_some_and(|new| failing.contains(&new.table));
    let rows = gone.iter().map(|one| GoneRow {
        table: &one.name,
        open: one.text.as_ref().filter(|_| one.is_elsewhere || is_in_the_way(one)),
    });
    sync_log::write_gone(round, &rows.collect::<Vec<_>>()).await
}

/// Says which columns keep their types, of tables that did not fail: a failure says it itself.
fn remark_kept_types(
    round: &Round,
    kept_types: &BTreeMap<TableName, Vec<KeptType>>,
    outcomes: &[TableOutcome],
) {
    // Rows that need it may come in any later run.
    let makes = round.settings.changes_definitions();
    let level = if makes { NoteLevel::Warning } else { NoteLevel::Notice };
    for outcome in outcomes.iter().filter(|outcome| outcome.error.is_none()) {
        for kept in kept_types.get(&outcome.table).into_iter().flatten() {
            let (table, text) = (Some(outcome.table.clone()), kept.text.clone());
            round.events.send(Event::Note(Note { table, text, level }));
        }
    }
}

/// The time and the retries of earlier rounds of this run; what they did stands in the log.
fn carry_over(tables: &mut [TableOutcome], before: &[TableOutcome]) {
    for table in tables {
        if let Some(earlier) = before.iter().find(|earlier| earlier.table == table.table) {
            table.elapsed += earlier.elapsed;
            table.retries += earlier.retries;
        }
    }
}
