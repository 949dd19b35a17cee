//! From two connections to a plan: what is observed, what is selected, what refuses a run, what the target's
//! definitions become, and what `plan` makes of all that.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::context::RunContext;
use crate::ddl_step::Step;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::outcome::{Status, TableOutcome};
use crate::pg::sequences::FreeSequence;
use crate::plan::references::References;
use crate::plan::schedule::{self, Task};
use crate::plan::{self, Candidate, PlanContext, TablePlan};
use crate::schema::SchemaOutcome;
use crate::schema::rebuild::plan::RebuiltTable;
use crate::sql::horizon::Horizon;
use crate::table::{ForeignKey, Table};

/// What a round of a run sets out to do.
pub struct RunPlan {
    pub plans: Vec<Arc<TablePlan>>,
    /// Tables that cannot be brought in sync as things are.
    pub failed: Vec<TableOutcome>,
    pub tasks: Vec<Task>,
    pub references: References,
    pub horizon: Horizon,
    pub page_ranges: bool,
    /// Foreign keys that are made at the end.
    pub last: Vec<Step>,
    /// Tables that take the places of others before.
    pub rebuilt: Vec<RebuiltTable>,
    /// Those of the source that belong to no table, and to the run.
    pub sequences: Vec<FreeSequence>,
}

impl RunContext<'_> {
    /// The plan of one round.
    ///
    /// # Errors
    /// What concerns the run as a whole; a single table's trouble is in the plan's `failed`.
    pub async fn prepare(&self) -> Result<RunPlan> {
        let mut catalogs = self.open().await?;
        self.require_writable(&catalogs.target.server)?;
        let mut tables = std::mem::take(&mut catalogs.source.tables);
        self.note_feeding_runs(&mut tables, &catalogs.source.logs).await?;
        self.refuse_no_tables(&tables, &catalogs.target.tables).await?;
        let selected = self.select(&tables, &catalogs)?;
        self.refuse_swapped(&catalogs, &selected).await?;
        let shown = self.shown(&selected, &tables, &catalogs).await?;
        let selected: Vec<&Table> = shown.iter().map(|shown| &*shown.table).collect();
        let names: Vec<TableName> = self.target_names(&selected);
        let names: Vec<&TableName> = names.iter().collect();
        self.lock(&names).await?;
        // The source is asked for rows while the target's log is looked at.
        let (empty, sync_log_exists) =
            tokio::join!(self.empty(&shown, &catalogs), self.sync_log_exists());
        let mut empty = empty?;
        // From here on the target is written: whatever refuses a run stands above.
        let context = self.ground(&catalogs);
        self.remark(&catalogs, &context);
        self.remark_timestamp(&selected);
        self.warn_visibility(&catalogs.source.sight, &selected);
        self.remark_fed(&selected);
        self.remark_limits(&tables);
        let sync_log_exists = sync_log_exists?;
        self.open_log(&catalogs, &names, sync_log_exists).await?;
        let mut aligned = self.align_schema(&selected, &mut catalogs, &context).await?;
        if !sync_log_exists {
            self.note_uncopied().await?;
        }
        aligned.failed.extend(catalogs.source.failed.drain(..));
        for (table, text) in catalogs.source.notes.drain(..) {
            self.note(NoteLevel::Notice, Some(table), text);
        }
        let last = self.last_runs(&names).await?;
        empty.extend(aligned.empty.drain());
        self.remark_other_source(&catalogs.source.server, &last, &empty);
        catalogs.target.tables.append(&mut aligned.would_be);
        let references = self.references(&catalogs, &shown, &names, &context);
        let there: HashMap<&TableName, &Table> =
            catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
        let rebuild: HashMap<&TableName, &Table> =
            aligned.rebuilt.iter().map(|one| (&one.shadow.table, &one.table)).collect();
        let candidates = shown.iter().zip(&names).map(|(shown, name)| Candidate {
            source: aligned.reduced.get(&shown.table.name).unwrap_or(&shown.table),
            target: rebuild.get(name).or(there.get(name)).copied(),
            target_name: name,
            target_is_empty: empty.contains(*name) || rebuild.contains_key(name),
            last: last.get(*name),
            references: &references,
            rules: &shown.rules,
            view: shown.view.as_ref(),
            made: &shown.made,
        });
        let SchemaOutcome { failed, after, .. } = &aligned;
        let (plans, failed) = plan_all(candidates, (failed, after), &context);
        for plan in &plans {
            let table = &plan.mapping.source.name;
            let note =
                |text: &String| self.note(NoteLevel::Notice, Some(table.clone()), text.clone());
            plan.notes.iter().for_each(note);
        }
        let (plans, tasks) = self.order(plans, &references.ordering());
        self.note_large_objects(&plans).await?;
        self.events.send(Event::Planned { tables: selected.len() });
        Ok(RunPlan {
            sequences: self.free_sequences(&catalogs).to_vec(),
            plans,
            failed,
            tasks,
            references,
            horizon: catalogs.source.sight.horizon,
            page_ranges: catalogs.source.page_ranges,
            last: aligned.last,
            rebuilt: aligned.rebuilt,
        })
    }

    /// The order of work. Tables in a circle share one transaction, unless nothing is written.
    fn order(
        &self,
        mut plans: Vec<TablePlan>,
        keys: &[ForeignKey],
    ) -> (Vec<Arc<TablePlan>>, Vec<Task>) {
        let names: Vec<TableName> = plans.iter().map(|plan| plan.name.clone()).collect();
        let places: Vec<&TableName> = names.iter().collect();
        let rings = if self.settings.dry_run { Vec::new() } else { schedule::rings(&places, keys) };
        for ring in &rings {
            let members: Vec<TableName> = ring.iter().map(|table| names[*table].clone()).collect();
            ring.iter().for_each(|table| plans[*table].join(&members));
        }
        let tasks = schedule::ordered(&places, keys, &rings);
        (plans.into_iter().map(Arc::new).collect(), tasks)
    }
}

fn plan_all<'a>(
    candidates: impl Iterator<Item = Candidate<'a>>,
    (barred, owed): (&HashMap<TableName, Error>, &BTreeMap<TableName, Vec<Step>>),
    context: &PlanContext,
) -> (Vec<TablePlan>, Vec<TableOutcome>) {
    let (mut plans, mut failed) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let name = &candidate.source.name;
        let planned = match barred.get(name) {
            Some(error) => Err(error.clone()),
            None => plan::table(candidate, context),
        };
        match planned {
            Ok(mut plan) => {
                plan.post_data = owed.get(name).cloned().unwrap_or_default();
                plans.push(plan);
            }
            Err(error) => failed.push(TableOutcome {
                table: candidate.source.name.clone(),
                strategy: None,
                status: Status::Failed,
                counts: Default::default(),
                elapsed: Duration::ZERO,
                watermark: None,
                lag: None,
                error: Some(error),
                retries: 0,
            }),
        }
    }
    (plans, failed)
}
