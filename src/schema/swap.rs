//! Puts filled tables in the places of the old ones, all in one transaction if that can be, so that
//! readers see one moment before and another after.

use std::collections::{BTreeSet, HashSet};

use super::anew::Rebuilt;
use super::build;
use super::scratch::drop_scratch;
use crate::definition::Keep;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::outcome::{Status, TableOutcome};
use crate::plan::ddl::Step;
use crate::sql::statement::Statement;
use crate::sql::swap::{StandIn, swap};
use crate::strategy::Engine;

/// Swaps the tables that are in step. One that cannot be swapped fails, and stays as it was.
pub async fn tables(engine: &Engine, rebuilt: &[Rebuilt], outcomes: &mut [TableOutcome]) {
    let filled = |one: &&Rebuilt| {
        outcomes.iter().any(|o| o.table == one.source && o.status == Status::Success)
    };
    let filled: Vec<&Rebuilt> = rebuilt.iter().filter(filled).collect();
    let mut failed = Vec::new();
    if let Err(error) = together(engine, &filled).await {
        match filled.as_slice() {
            [one] => failed.push((*one, error)),
            // One of them is in the way of all.
            several => {
                for one in several {
                    failed.extend(together(engine, &[one]).await.err().map(|error| (*one, error)));
                }
            }
        }
    }
    for (one, error) in failed {
        build::retract(engine, outcomes, &one.source, error).await;
    }
    let scratches: BTreeSet<&Ident> = rebuilt.iter().map(|one| &one.stand_in.scratch).collect();
    for scratch in scratches {
        // What is left there, the next run drops, or says why it cannot.
        let _ = drop_scratch(&engine.target, scratch).await;
    }
}

/// The run ends before the tables are swapped: what was filled is not in its place.
pub fn left(rebuilt: &[Rebuilt], outcomes: &mut [TableOutcome], why: &Error) {
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.status == Status::Success) {
        if rebuilt.iter().any(|one| one.source == outcome.table) {
            outcome.status = Status::Interrupted;
            outcome.error = Some(why.clone());
        }
    }
}

async fn together(engine: &Engine, tables: &[&Rebuilt]) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let mut keeps = Vec::new();
    let schemas: HashSet<&Ident> = tables.iter().map(|one| &one.stand_in.table.schema).collect();
    for schema in schemas {
        let here = tables.iter().map(|one| &one.stand_in).filter(|s| &s.table.schema == schema);
        let here: Vec<&StandIn> = here.collect();
        let names: Vec<&Ident> = here.iter().map(|stand_in| &stand_in.table.name).collect();
        if let Some(first) = here.first() {
            keeps.extend(engine.target.keeper.keep(schema, &first.scratch, &names).await?);
        }
    }
    let keep_of = |table: &TableName| keeps.iter().find(|keep| &keep.table == table);
    let pairs: Option<Vec<(&StandIn, &Keep)>> =
        tables.iter().map(|one| Some((&one.stand_in, keep_of(&one.stand_in.table)?))).collect();
    let gone = || Error::Table("it has gone from the target while it was built anew".to_owned());
    let pairs = pairs.ok_or_else(gone)?;
    let names: Vec<String> = pairs.iter().map(|(one, _)| one.table.to_string()).collect();
    let guards = pairs.iter().map(|(stand_in, _)| stand_in.guard());
    let made = pairs.iter().map(|(one, _)| &one.table);
    let made = engine.log.made(&engine.run_id, &engine.source_name, made);
    let placed = pairs.iter().map(|(one, _)| engine.log.placed(&engine.run_id, &one.table));
    let logged = [made].into_iter().chain(placed).map(Statement::from);
    let guards = guards.map(Statement::from);
    let statements: Vec<Statement> = guards.chain(swap(&pairs)).chain(logged).collect();
    let roots = tables.iter().map(|one| one.source.clone()).collect();
    let step = Step::of_tables(&format!("{} in its new form", names.join(", ")), statements, roots);
    // Once it is done, what stood in is there no more.
    build::at_end(engine, &step, |error| error.sqlstate() == Some("42P01")).await
}
