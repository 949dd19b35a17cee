//! Which part of each table a run proves to be equal, and what it has proven.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ident::TableName;
use crate::outcome::{Status, Strategy, TableOutcome};
use crate::plan::TablePlan;
use crate::sql::share::Share;
use crate::sql::sync_log_proofs::Proof;

/// What a run is to prove, and what it has proven. Tables by the target's names.
pub struct Scrub {
    of: u32,
    last: HashMap<TableName, String>,
    proven: Mutex<HashMap<TableName, Proof>>,
    /// Tables of which a part differed.
    differing: Mutex<HashSet<TableName>>,
}

impl Scrub {
    /// With what `sync_log` names as the part of each table that was proven last.
    pub fn new(of: u32, last: HashMap<TableName, String>) -> Self {
        Self { of, last, proven: Mutex::default(), differing: Mutex::default() }
    }

    fn proven(&self) -> MutexGuard<'_, HashMap<TableName, Proof>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a table of which a part differs.
    pub fn note_differing(&self, plan: &TablePlan) {
        self.differing().insert(plan.name.clone());
    }

    /// Whether a part of the table has differed in this run.
    pub fn has_differed(&self, plan: &TablePlan) -> bool {
        self.differing().contains(&plan.name)
    }

    fn differing(&self) -> MutexGuard<'_, HashSet<TableName>> {
        self.differing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part that is the next one of a table. A comparison proves all of it, and a copy comes before.
    pub fn share(&self, plan: &TablePlan) -> Option<Share> {
        let is_followed = plan.strategy == Strategy::Incremental && plan.deletes;
        let last = self.last.get(&plan.name);
        is_followed.then(|| Share::after(last.map(String::as_str), self.of))
    }

    /// Takes note of a proof.
    pub fn note(&self, plan: &TablePlan, share: Share, whole: bool) {
        let table = plan.name.clone();
        self.proven().insert(table.clone(), Proof { table, share, whole });
    }

    /// What was proven of tables that are in sync. Those that were compared were proven as a whole.
    pub fn proofs(&self, plans: &[Arc<TablePlan>], outcomes: &[TableOutcome]) -> Vec<Proof> {
        let proven = self.proven();
        let of_table = |plan: &Arc<TablePlan>| {
            let compared = plan.strategy == Strategy::Compare && plan.deletes && !plan.append;
            let whole =
                Proof { table: plan.name.clone(), share: Share::whole(self.of), whole: true };
            proven.get(&plan.name).cloned().or(compared.then_some(whole))
        };
        let is_in_sync = |plan: &&Arc<TablePlan>| {
            let mut of_plan = outcomes.iter().filter(|one| one.table == plan.mapping.source.name);
            of_plan.any(|outcome| outcome.status == Status::Success)
        };
        plans.iter().filter(is_in_sync).filter_map(of_table).collect()
    }

    /// How many parts a table has.
    pub fn parts(&self) -> u32 {
        self.of
    }
}
