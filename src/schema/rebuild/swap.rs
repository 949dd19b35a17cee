//! Puts filled tables in the places of the old ones, all in one transaction if that can be, so that
//! readers see one moment before and another after.

use std::collections::{BTreeSet, HashSet};

use super::plan::RebuiltTable;
use super::shadow_schema::drop_shadow_schema;
use crate::context::Round;
use crate::ddl_step::Step;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::outcome::{Status, TableOutcome};
use crate::schema::post_data;
use crate::schema_object::Dependents;
use crate::sql::statement::Statement;
use crate::sql::swap::{ShadowTable, swap};

/// Swaps the tables that are in sync. One that cannot be swapped fails, and stays as it was.
pub async fn tables(round: &Round, rebuilt: &[RebuiltTable], outcomes: &mut [TableOutcome]) {
    let filled = |one: &&RebuiltTable| {
        outcomes.iter().any(|o| o.table == one.source && o.status == Status::Success)
    };
    let filled: Vec<&RebuiltTable> = rebuilt.iter().filter(filled).collect();
    let mut failed = Vec::new();
    if let Err(error) = together(round, &filled).await {
        match filled.as_slice() {
            [one] => failed.push((*one, error)),
            // One of them is in the way of all.
            several => {
                for one in several {
                    failed.extend(together(round, &[one]).await.err().map(|error| (*one, error)));
                }
            }
        }
    }
    for (one, error) in failed {
        post_data::retract(round, outcomes, &one.source, error).await;
    }
    let scratches: BTreeSet<&Ident> = rebuilt.iter().map(|one| &one.shadow.shadow_schema).collect();
    for shadow_schema in scratches {
        // What is left there, the next run drops, or says why it cannot.
        let _ = drop_shadow_schema(&round.target, shadow_schema).await;
    }
}

/// The run ends before the tables are swapped: what was filled is not in its place.
pub fn not_swapped(rebuilt: &[RebuiltTable], outcomes: &mut [TableOutcome], why: &Error) {
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.status == Status::Success) {
        if rebuilt.iter().any(|one| one.source == outcome.table) {
            outcome.status = Status::Interrupted;
            outcome.error = Some(why.clone());
        }
    }
}

async fn together(round: &Round, tables: &[&RebuiltTable]) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let mut keeps = Vec::new();
    let schemas: HashSet<&Ident> = tables.iter().map(|one| &one.shadow.table.schema).collect();
    for schema in schemas {
        let here = tables.iter().map(|one| &one.shadow).filter(|s| &s.table.schema == schema);
        let here: Vec<&ShadowTable> = here.collect();
        let names: Vec<&Ident> = here.iter().map(|shadow| &shadow.table.name).collect();
        if let Some(first) = here.first() {
            keeps.extend(round.target.control.keep(schema, &first.shadow_schema, &names).await?);
        }
    }
    let keep_of = |table: &TableName| keeps.iter().find(|dependents| &dependents.table == table);
    let pairs: Option<Vec<(&ShadowTable, &Dependents)>> =
        tables.iter().map(|one| Some((&one.shadow, keep_of(&one.shadow.table)?))).collect();
    let gone = || Error::Blocked("it has gone from the target while it was rebuilt".to_owned());
    let pairs = pairs.ok_or_else(gone)?;
    let names: Vec<String> = pairs.iter().map(|(one, _)| one.table.to_string()).collect();
    let guards = pairs.iter().map(|(shadow, _)| shadow.guard());
    let made = pairs.iter().map(|(one, _)| &one.table);
    let made = round.sync_log.created_tables(&round.run_id, &round.source_name, made);
    let placed = pairs.iter().map(|(one, _)| round.sync_log.placed(&round.run_id, &one.table));
    let logged = [made].into_iter().chain(placed).map(Statement::from);
    let guards = guards.map(Statement::from);
    let statements: Vec<Statement> = guards.chain(swap(&pairs)).chain(logged).collect();
    let roots = tables.iter().map(|one| one.source.clone()).collect();
    let step = Step::of_tables(&format!("{} in its new form", names.join(", ")), statements, roots);
    // Once it is done, what stood in is there no more.
    post_data::retry_foreign_keys(round, &step, |error| error.sqlstate() == Some("42P01")).await
}
