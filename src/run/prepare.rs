//! From two connections to a plan: what is observed, what is selected, what refuses a run, what the target's
//! definitions become, and what `plan` makes of all that.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::context::{Catalogs, RunContext};
use crate::ddl_step::Step;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::observe::gone::{self, GoneTable};
use crate::observe::uncopied::NewTables;
use crate::outcome::{Counts, Status, TableOutcome};
use crate::pg::sequences::SequenceValue;
use crate::plan::hints::Remedy;
use crate::plan::references::References;
use crate::plan::schedule::{self, Task};
use crate::plan::shown::ShownTable;
use crate::plan::{self, Candidate, LastRun, PlanContext, Roles, TablePlan};
use crate::schema::SchemaOutcome;
use crate::schema::holders::{KeptType, Told};
use crate::schema::rebuild::plan::RebuiltTable;
use crate::select;
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
    /// Those of the source that belong to no table.
    pub sequences: Vec<SequenceValue>,
    pub roles: Roles,
    /// By table: columns that keep their types, because something holds them.
    pub kept_types: BTreeMap<TableName, Vec<KeptType>>,
    /// Tables that the source has no more.
    pub gone: Vec<GoneTable>,
    /// In a dry run: what a run would say of its log, if the role may not write it.
    pub log_denied: Option<Error>,
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
        self.require_right_ends(&catalogs, &selected).await?;
        let shown = self.shown(&selected, &tables, &catalogs).await?;
        let selected: Vec<&Table> = shown.iter().map(|shown| &*shown.table).collect();
        let names = self.target_names(&selected);
        let names: Vec<&TableName> = names.iter().collect();
        self.lock(&names).await?;
        // The source is asked for rows while the target's log is looked at.
        let (mut empty, sync_log_exists) =
            tokio::try_join!(self.without_pages(&shown, &catalogs), self.sync_log_exists())?;
        // From here on the target is written: whatever refuses a run stands above.
        let context = self.ground(&catalogs);
        self.remark_observed(&catalogs, &tables, &selected, &context);
        let log_denied = self.open_log(&catalogs, &names, sync_log_exists).await?;
        let gone = self.note_gone_tables(&tables, &selected, &catalogs).await?;
        let mut aligned = self.aligned(&selected, &mut catalogs, &context, &gone).await?;
        let last = self.last_runs(&names, &catalogs).await?;
        self.note_uncopied(&NewTables::among(&selected, &names, &last)).await?;
        empty.extend(aligned.empty.drain());
        self.add_without_rows(&mut empty, &shown, &catalogs, &last).await?;
        self.remark_other_source(&catalogs.source.server, &last, &empty);
        catalogs.target.tables.append(&mut aligned.would_be);
        let mut references = self.references(&catalogs, &shown, &names, &context);
        self.loosen_keys(&mut references, &mut aligned).await?;
        let observed = Observed {
            tables: &shown,
            names: &names,
            target: &catalogs.target.tables,
            empty: &empty,
            last: &last,
            references: &references,
        };
        let Planned { mut plans, mut failed } = observed.planned(&aligned, &context);
        self.name_holders(told(&mut plans, &mut failed), &catalogs).await?;
        self.note_plans(&plans);
        let Schedule { plans, tasks } = self.schedule(plans, &references).await?;
        self.note_large_objects(&plans).await?;
        self.events.send(Event::Planned { tables: selected.len() });
        Ok(RunPlan {
            sequences: catalogs.source.sequences.clone(),
            plans,
            failed,
            tasks,
            references,
            horizon: catalogs.source.sight.horizon,
            page_ranges: catalogs.source.page_ranges,
            last: aligned.last,
            kept_types: aligned.kept_types,
            rebuilt: aligned.rebuilt,
            roles: context.roles,
            gone,
            log_denied,
        })
    }

    /// What the selected tables are called on the target, for whoever locks them before he plans; perhaps some
    /// names more. No snapshot is held then.
    ///
    /// # Errors
    /// As for [`RunContext::prepare`].
    pub async fn names_to_lock(&self) -> Result<Vec<TableName>> {
        let settings = self.settings;
        let (names, ()) = tokio::try_join!(
            self.source.table_names(&settings.schemas),
            self.target.open_for_locks()
        )?;
        let Some(names) = names else { return self.selected_names().await };
        let is_wanted = |name: &&TableName| {
            select::would_select(name, &settings.include, &settings.exclude)
                && !settings.rules.effective(name).skip
        };
        Ok(names.iter().filter(is_wanted).map(|name| settings.target_name_of(name)).collect())
    }

    /// The same from both catalogs.
    async fn selected_names(&self) -> Result<Vec<TableName>> {
        let catalogs = self.open().await?;
        // Whoever holds the locks looks at the source again.
        self.source.close().await;
        self.require_log_schema(&catalogs.target.server)?;
        let tables = &catalogs.source.tables;
        self.refuse_no_tables(tables, &catalogs.target.tables).await?;
        Ok(self.target_names(&self.select(tables, &catalogs)?))
    }

    /// What somebody should know of both sides and the selected tables.
    fn remark_observed(
        &self,
        catalogs: &Catalogs,
        tables: &[Table],
        selected: &[&Table],
        context: &PlanContext,
    ) {
        self.remark(catalogs, context);
        self.remark_timestamp(selected);
        self.warn_visibility(&catalogs.source, selected);
        self.remark_fed(selected);
        self.remark_limits(tables);
    }

    /// Makes the definitions, and says what was found on the way.
    async fn aligned(
        &self,
        selected: &[&Table],
        catalogs: &mut Catalogs,
        context: &PlanContext,
        gone: &[GoneTable],
    ) -> Result<SchemaOutcome> {
        let mut aligned = self.align_schema(selected, catalogs, context).await?;
        gone::tell_renames(gone, &mut aligned);
        self.note_read(catalogs);
        Ok(aligned)
    }

    /// What was found when the source was read.
    fn note_read(&self, catalogs: &mut Catalogs) {
        for (table, text) in catalogs.source.notes.drain(..) {
            self.note(NoteLevel::Notice, Some(table), text);
        }
    }

    /// What the plans say of their tables.
    fn note_plans(&self, plans: &[TablePlan]) {
        for plan in plans {
            let table = &plan.mapping.source.name;
            let note = |level, text: &String| self.note(level, Some(table.clone()), text.clone());
            plan.warnings.iter().for_each(|text| note(NoteLevel::Warning, text));
            plan.notes.iter().for_each(|text| note(NoteLevel::Notice, text));
        }
    }

    /// Puts the work in its order. Tables in a circle share one transaction, unless nothing is written.
    async fn schedule(
        &self,
        mut plans: Vec<TablePlan>,
        references: &References,
    ) -> Result<Schedule> {
        let keys = &references.ordering();
        self.source.measure(&mut plans).await?;
        let names: Vec<TableName> = plans.iter().map(|plan| plan.name.clone()).collect();
        let places: Vec<&TableName> = names.iter().collect();
        let rings = if self.settings.dry_run { Vec::new() } else { schedule::rings(&places, keys) };
        for ring in &rings {
            let names = ring.iter().map(|table| &plans[*table]);
            let members: HashMap<TableName, TableName> =
                names.map(|plan| (plan.name.clone(), plan.mapping.source.name.clone())).collect();
            ring.iter().for_each(|table| plans[*table].join(&members));
        }
        let holds_up = |key: &ForeignKey| references.holds_up(key);
        let tasks = schedule::ordered(&places, keys, &rings, holds_up);
        Ok(Schedule { plans: plans.into_iter().map(Arc::new).collect(), tasks })
    }
}

/// What is said of tables that have no plan, what plans say, and what will be said of values that are too long.
pub(super) fn told<'e>(
    plans: &'e mut [TablePlan],
    failed: &'e mut [TableOutcome],
) -> impl Iterator<Item = Told<'e>> {
    let failed = failed.iter_mut().filter_map(|one| Told::by(&one.table, one.error.as_mut()?));
    let of_plans = plans.iter_mut().flat_map(|plan| {
        let table = &plan.mapping.source.name;
        let texts = plan.remedies.iter_mut().filter_map(Remedy::of_length);
        let texts = texts.map(move |text| Told { table, text, fails: true });
        let notes = plan.notes.iter_mut().chain(&mut plan.warnings).chain(&mut plan.left_columns);
        texts.chain(notes.map(move |text| Told::in_note(table, text)))
    });
    failed.chain(of_plans)
}

/// The plans that can be worked on, and the tables that have none.
pub(super) struct Planned {
    pub plans: Vec<TablePlan>,
    pub failed: Vec<TableOutcome>,
}

/// The plans, and the tasks in the order of work.
struct Schedule {
    plans: Vec<Arc<TablePlan>>,
    tasks: Vec<Task>,
}

/// The selected tables as both sides and the log of runs have them.
pub(super) struct Observed<'o> {
    pub tables: &'o [ShownTable<'o>],
    /// What they are called on the target.
    pub names: &'o [&'o TableName],
    /// Those of the target.
    pub target: &'o [Table],
    /// Names of the target's tables without rows.
    pub empty: &'o HashSet<TableName>,
    pub last: &'o HashMap<TableName, LastRun>,
    pub references: &'o References,
}

impl Observed<'_> {
    /// The plans of the tables, once definitions are as `aligned` has them.
    pub fn planned(&self, aligned: &SchemaOutcome, context: &PlanContext) -> Planned {
        let there: HashMap<&TableName, &Table> =
            self.target.iter().map(|table| (&table.name, table)).collect();
        let rebuild: HashMap<&TableName, &Table> =
            aligned.rebuilt.iter().map(|one| (&one.shadow.table, &one.table)).collect();
        let mut planned = Planned { plans: Vec::new(), failed: Vec::new() };
        let mut unplanned: Vec<TableName> = Vec::new();
        for (shown, name) in self.tables.iter().zip(self.names) {
            let is_rebuilt = rebuild.contains_key(name);
            let reduced = aligned.reduced.get(&shown.table.name).filter(|_| !is_rebuilt);
            let source = reduced.unwrap_or(&shown.table);
            let post_data = aligned.after.get(&source.name).map(Vec::as_slice);
            let differing = aligned.differing.get(&source.name).map(Vec::as_slice);
            let detaching = aligned.detaching.get(&source.name).filter(|_| context.dry_run);
            let left_partitions = aligned.left_partitions.get(&source.name);
            let candidate = Candidate {
                source,
                target: rebuild.get(name).or(there.get(name)).copied(),
                target_name: name,
                target_is_empty: self.empty.contains(*name) || rebuild.contains_key(name),
                last: self.last.get(*name),
                references: self.references,
                rules: &shown.rules,
                view: shown.view.as_ref(),
                made: &shown.made,
                mask_key: &shown.mask_key,
                post_data: post_data.unwrap_or_default(),
                differing: differing.unwrap_or_default(),
                is_widened: aligned.widened.contains(&source.name),
                lost_partition: aligned.lost_partitions.get(&source.name).map(String::as_str),
                key_is_named: aligned.named_keys.contains(&source.name),
                other_key: aligned.other_keys.get(&source.name).map(String::as_str),
                left_partitions: left_partitions.map(String::as_str),
                computes_otherwise: aligned.computing_otherwise.contains(&source.name),
                detaching: detaching.map(Vec::as_slice).unwrap_or_default(),
                grown: aligned.grown.get(&source.name).map(Vec::as_slice).unwrap_or_default(),
                renamed: aligned.renamed.get(&source.name).map(Vec::as_slice).unwrap_or_default(),
            };
            let failed = aligned.failed.get(&source.name).or(shown.untried.as_ref());
            let plan = match failed {
                Some(error) => {
                    let error = candidate.asked_whether_other(error.clone());
                    Err(plan::with_rights_of_source(error, source, context))
                }
                None => plan::table(candidate, context),
            };
            match plan {
                Ok(plan) => planned.plans.push(plan),
                Err(error) => {
                    unplanned.push((*name).clone());
                    planned.failed.push(without_plan(&source.name, error));
                }
            }
        }
        planned.plans.iter_mut().for_each(|plan| plan.blame(&unplanned, self.references));
        planned
    }
}

/// The outcome of a table that cannot be brought in sync as things are.
fn without_plan(table: &TableName, error: Error) -> TableOutcome {
    TableOutcome {
        table: table.clone(),
        strategy: None,
        status: if matches!(error, Error::Refused(_)) { Status::Refused } else { Status::Failed },
        counts: Counts::default(),
        elapsed: Duration::ZERO,
        watermark: None,
        lag: None,
        error: Some(error),
        retries: 0,
    }
}
