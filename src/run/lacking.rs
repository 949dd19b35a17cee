//! What a run would fail over for want of a right, in its own words: the servers plan what it would do, and do nothing
//! of it. Asked only of tables of which the catalog says that some right is missing.

use std::collections::HashMap;

use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result, Side, denied};
use crate::ident::TableName;
use crate::outcome::Strategy;
use crate::plan::TablePlan;
use crate::plan::shown::ShownTable;
use crate::schema::Listing;
use crate::sync::sequences;
use crate::table::Table;

/// What is tried of one table.
struct Tried {
    source: bool,
    target: bool,
    /// Whether its rows arrive in a temporary table, which the role may not make.
    temporary: bool,
}

impl RunContext<'_> {
    /// Adds the tables that a run would fail over, and its log.
    pub(super) async fn list_lacking_rights(
        &self,
        plans: &[&TablePlan],
        shown: &[ShownTable<'_>],
        catalogs: &Catalogs,
        listing: &mut Listing,
    ) -> Result<()> {
        let here = shown.iter().map(|shown| (&shown.table.name, &*shown.table));
        let here: HashMap<&TableName, &Table> = here.collect();
        let there = catalogs.target.tables.iter().map(|table| (&table.name, table));
        let there: HashMap<&TableName, &Table> = there.collect();
        let names: Vec<&TableName> = plans.iter().map(|plan| &plan.name).collect();
        let calling = self.target.calling_denied_functions(&names).await?;
        name_sequences(plans, catalogs, listing);
        for plan in plans {
            let target = there.get(&plan.name);
            let may_arrive_in_stage = target.is_some() && plan.strategy != Strategy::Copy;
            let tried = Tried {
                source: here
                    .get(&plan.mapping.source.name)
                    .is_some_and(|table| lacks_rights(table)),
                target: target.is_some_and(|table| lacks_rights(table))
                    || calling.contains(&plan.name)
                    || plan.mapping.has_foreign_operators(),
                temporary: may_arrive_in_stage && !catalogs.target.server.temporary,
            };
            if let Some(error) = denied(self.try_rights(plan, &tried).await)? {
                let error = plan.add_hint(self.explained(error).await);
                listing.obstacles.push((plan.mapping.source.name.clone(), error));
            }
        }
        if let Some(error) = self.log_denied(catalogs).await? {
            listing.obstacles.push((self.sync_log.table.clone(), error));
        }
        Ok(())
    }

    async fn try_rights(&self, plan: &TablePlan, tried: &Tried) -> Result<()> {
        if tried.source {
            self.source.try_rights(plan).await?;
        }
        if tried.target {
            self.target.try_rights(plan).await?;
        }
        if tried.temporary {
            self.target.try_temporary().await?;
        }
        Ok(())
    }

    /// The error with what to grant, where a right is missing.
    async fn explained(&self, error: Error) -> Error {
        match &error {
            Error::Database(said) if said.side == Side::Source => {
                self.source.explained(error).await
            }
            _ => self.target.explained(error).await,
        }
    }
}

/// Adds what a run will say of sequences that it may not move.
fn name_sequences(plans: &[&TablePlan], catalogs: &Catalogs, listing: &mut Listing) {
    let with_denied =
        plans.iter().filter(|plan| plan.sequences.iter().any(|owned| !owned.is_movable()));
    let with_denied: Vec<&&TablePlan> = with_denied.collect();
    let sequences = with_denied.iter().flat_map(|plan| &plan.sequences);
    let denied = sequences.filter(|owned| !owned.is_movable()).map(|owned| &owned.sequence.name);
    let role = catalogs.target.server.role.typed();
    let text = sequences::denied(&denied.collect::<Vec<_>>(), sequences::BEYOND_ROWS, &role);
    let first = with_denied.first().map(|plan| plan.mapping.source.name.clone());
    listing.left_out.extend(first.zip(text));
}

/// Whether the catalog says that the role may not do all with the table.
pub(super) fn lacks_rights(table: &Table) -> bool {
    let missing = table.missing_privileges.iter().any(|right| right != "references");
    missing || !table.partial_privileges.is_empty()
}
