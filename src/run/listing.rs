//! `pgsync schema`: what a run would change in the target's definitions, and over which tables it would fail.

use std::collections::{HashMap, HashSet};

use super::lacking::lacks_rights;
use super::prepare::{Observed, Planned, told};
use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::TableName;
use crate::outcome::{Strategy, TableOutcome};
use crate::plan::shown::ShownTable;
use crate::plan::{LastRun, PlanContext, TablePlan, with_rights_of_source};
use crate::rules::Mode;
use crate::schema::{Listing, SchemaOutcome};
use crate::sync_log::store;
use crate::table::Table;

impl RunContext<'_> {
    /// The statements that a run would execute, and the tables that it would fail over.
    ///
    /// # Errors
    /// What concerns both ends as a whole.
    pub(super) async fn list(&self) -> Result<Listing> {
        let mut catalogs = self.open().await?;
        let tables = std::mem::take(&mut catalogs.source.tables);
        let selected = self.select(&tables, &catalogs)?;
        self.require_log_schema(&catalogs.target.server)?;
        let shown = self.shown(&selected, &tables, &catalogs).await?;
        let selected: Vec<&Table> = shown.iter().map(|shown| &*shown.table).collect();
        self.warn_visibility(&catalogs.source, &selected);
        let context = self.ground(&catalogs);
        let gone = self.gone_tables(&tables, &selected, &catalogs).await?;
        let mut aligned = self.before_changes(&selected, &catalogs);
        let mut listing =
            self.list_definitions(&selected, &mut catalogs, &context, &mut aligned).await?;
        for (name, error) in &mut listing.obstacles {
            if let Some(table) = selected.iter().find(|table| table.name == *name) {
                *error = with_rights_of_source(error.clone(), table, &context);
            }
        }
        aligned.failed.extend(listing.obstacles.iter().cloned());
        let planned = self.planned(&shown, &catalogs, &aligned, &context).await?;
        let Planned { mut plans, mut failed } = planned;
        self.name_holders(told(&mut plans, &mut failed), &catalogs).await?;
        let is_rebuilt =
            |table: &TableName| listing.rebuilds.iter().any(|rebuild| &rebuild.source == table);
        let is_new = |table: &TableName| !is_rebuilt(table) && !aligned.failed.contains_key(table);
        for (table, kept) in std::mem::take(&mut aligned.kept_types) {
            let is_said = failed.iter().any(|outcome| outcome.table == table);
            let told = kept.into_iter().filter(|_| !is_said).map(|one| (table.clone(), one.text));
            listing.left_out.extend(told);
        }
        let failed = failed.into_iter().filter(|outcome| is_new(&outcome.table));
        let obstacle = |outcome: TableOutcome| Some((outcome.table, outcome.error?));
        let obstacles: Vec<(TableName, Error)> = failed.filter_map(obstacle).collect();
        let plans = plans.iter().filter(|plan| !is_rebuilt(&plan.mapping.source.name));
        let plans: Vec<&TablePlan> = plans.collect();
        let names = plans.iter().map(|plan| (&plan.mapping.source.name, &plan.missing_key));
        let lacking = names.filter(|(name, _)| !aligned.named_keys.contains(*name));
        let lacking = lacking.filter_map(|(name, key)| Some((name.clone(), key.clone()?)));
        listing.left_out.extend(lacking);
        for plan in &plans {
            let told = plan.left_columns.iter().cloned();
            listing.left_out.extend(told.map(|text| (plan.mapping.source.name.clone(), text)));
        }
        listing.left_out.extend(gone.into_iter().filter_map(|one| Some((one.name, one.text?))));
        listing.obstacles.extend(obstacles);
        self.list_lacking_rights(&plans, &shown, &catalogs, &mut listing).await?;
        Ok(listing)
    }

    /// What a run would set out to do with the tables, once their definitions are as it makes them.
    async fn planned(
        &self,
        shown: &[ShownTable<'_>],
        catalogs: &Catalogs,
        aligned: &SchemaOutcome,
        context: &PlanContext,
    ) -> Result<Planned> {
        let selected: Vec<&Table> = shown.iter().map(|shown| &*shown.table).collect();
        let names: Vec<TableName> = self.target_names(&selected);
        let names: Vec<&TableName> = names.iter().collect();
        let mut last = self.last_runs_if_any(&names).await?;
        self.add_other_logs(&mut last, &names, &catalogs.target).await?;
        let empty = self.empty_where_it_matters(shown, catalogs, aligned).await?;
        let references = self.references(catalogs, shown, &names, context);
        let target = catalogs.target.tables.iter().chain(&aligned.would_be);
        let target: Vec<Table> = target.cloned().collect();
        let observed = Observed {
            tables: shown,
            names: &names,
            target: &target,
            empty: &empty,
            last: &last,
            references: &references,
        };
        Ok(observed.planned(aligned, context))
    }

    async fn last_runs_if_any(&self, names: &[&TableName]) -> Result<HashMap<TableName, LastRun>> {
        if !store::exists(self.target, &self.sync_log).await? {
            return Ok(HashMap::new());
        }
        store::last_runs(self.target, &self.sync_log, names).await
    }

    /// The target's tables without rows, among those whose rules ask for that.
    async fn empty_where_it_matters(
        &self,
        shown: &[ShownTable<'_>],
        catalogs: &Catalogs,
        aligned: &SchemaOutcome,
    ) -> Result<HashSet<TableName>> {
        let temporary = catalogs.target.server.temporary;
        let matters = |shown: &&ShownTable<'_>| {
            let rules = &shown.rules;
            !temporary
                || lacks_rights(&shown.table)
                || rules.mode == Mode::Append
                || rules.strategy == Some(Strategy::Copy)
        };
        let there = |shown: &ShownTable<'_>| {
            let name = self.settings.target_name_of(&shown.table.name);
            catalogs.target.tables.iter().find(|table| table.name == name)
        };
        let asked: Vec<&Table> = shown.iter().filter(matters).filter_map(there).collect();
        let mut empty: HashSet<TableName> = HashSet::new();
        if !asked.is_empty() {
            empty.extend(self.target.empty(&asked).await?);
        }
        empty.extend(aligned.would_be.iter().map(|table| table.name.clone()));
        Ok(empty)
    }
}
