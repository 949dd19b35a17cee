//! Puts filled tables in the places of the old ones, all in one transaction if that can be, so that
//! readers see one moment before and another after.

use std::collections::{BTreeSet, HashSet};

use super::plan::RebuiltTable;
use super::shadow_schema::drop_shadow_schema;
use crate::context::Round;
use crate::ddl_step::Step;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::ident::{Ident, TableName};
use crate::outcome::{Status, TableOutcome};
use crate::plan::references::References;
use crate::schema::post_data;
use crate::schema_object::Dependents;
use crate::sql::displace::dangling;
use crate::sql::statement::Statement;
use crate::sql::swap::{ShadowTable, Validation, swap, validations};
use crate::table::ForeignKey;

/// Foreign keys of the target.
#[derive(Clone, Copy)]
struct IncomingKeys<'r> {
    keys: &'r [ForeignKey],
    references: &'r References,
}

/// Swaps the tables that are in sync. One that cannot be swapped fails, and stays as it was.
pub async fn tables(
    round: &Round,
    rebuilt: &[RebuiltTable],
    references: &References,
    outcomes: &mut [TableOutcome],
) {
    let keys = references.in_the_end();
    let incoming = IncomingKeys { keys: &keys, references };
    let filled = |one: &&RebuiltTable| {
        outcomes.iter().any(|o| o.table == one.source && o.status == Status::Success)
    };
    let filled: Vec<&RebuiltTable> = rebuilt.iter().filter(filled).collect();
    let (mut failed, mut validations) = (Vec::new(), Vec::new());
    let mut unchecked = incoming;
    let ready = match keep_parents(round, filled.clone(), incoming).await {
        Ok(Kept { ready, barred }) => {
            failed.extend(barred);
            unchecked.keys = &[];
            ready
        }
        // Each of them says it again.
        Err(_) => filled,
    };
    match together(round, &ready, unchecked).await {
        Ok(steps) => validations.extend(steps),
        Err(error) => match ready.as_slice() {
            [one] => failed.push((one.source.clone(), error)),
            // One of them is in the way of all.
            several => {
                for one in several {
                    match together(round, &[one], incoming).await {
                        Ok(steps) => validations.extend(steps),
                        Err(error) => failed.push((one.source.clone(), error)),
                    }
                }
            }
        },
    }
    for step in validations {
        if let Some((error, table)) = validate(round, &step).await.zip(step.roots.first()) {
            failed.push((table.clone(), error));
        }
    }
    for (table, error) in failed {
        post_data::retract(round, outcomes, &table, error).await;
    }
    let scratches: BTreeSet<&Ident> = rebuilt.iter().map(|one| &one.shadow.shadow_schema).collect();
    for shadow_schema in scratches {
        // What is left there, the next run drops, or says why it cannot.
        let _ = drop_shadow_schema(&round.target, shadow_schema).await;
    }
}

/// Looks whether rows keep a foreign key that was added again; says why it cannot.
async fn validate(round: &Round, step: &Step) -> Option<Error> {
    let error = post_data::retry_foreign_keys(round, step, |_| false).await.err()?;
    let texts: Vec<&str> = step.statements.iter().map(Statement::as_str).collect();
    let text = texts.join("; ");
    Some(Error::Blocked(format!(
        "{error}; the foreign key stays NOT VALID until there is run: {text}"
    )))
}

/// The run ends before the tables are swapped: what was filled is not in its place.
pub fn not_swapped(
    round: &Round,
    rebuilt: &[RebuiltTable],
    outcomes: &mut [TableOutcome],
    why: &Error,
) {
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.status == Status::Success) {
        if rebuilt.iter().any(|one| one.source == outcome.table) {
            outcome.status = Status::Interrupted;
            outcome.error = Some(why.clone());
            round.events.send(Event::Retracted(Box::new(outcome.clone())));
        }
    }
}

/// Tables that can take their places, and those that others' rows bar from that.
struct Kept<'r> {
    ready: Vec<&'r RebuiltTable>,
    barred: Vec<(TableName, Error)>,
}

/// Takes out the tables to which rows refer that the new ones do not have: the others are swapped together all the same.
async fn keep_parents<'r>(
    round: &Round,
    mut ready: Vec<&'r RebuiltTable>,
    incoming: IncomingKeys<'_>,
) -> Result<Kept<'r>> {
    let mut barred = Vec::new();
    while let Some(key) = broken(round, &to_others(&ready, incoming.keys)).await? {
        let is_barred = |one: &&RebuiltTable| {
            one.shadow.shadow_schema == key.parent.schema
                && one.shadow.table.name == key.parent.name
        };
        let place = ready.iter().position(is_barred).ok_or_else(|| incoming.barred_by(&key))?;
        barred.push((ready.remove(place).source.clone(), incoming.barred_by(&key)));
    }
    Ok(Kept { ready, barred })
}

/// Swaps some tables, if rows keep the foreign keys `incoming`; gives what is left to be looked at.
async fn together(
    round: &Round,
    tables: &[&RebuiltTable],
    incoming: IncomingKeys<'_>,
) -> Result<Vec<Step>> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    require_parents(round, tables, incoming).await?;
    let mut keeps = Vec::new();
    let schemas: HashSet<&Ident> = tables.iter().map(|one| &one.shadow.table.schema).collect();
    for schema in schemas {
        let here = tables.iter().map(|one| &one.shadow).filter(|s| &s.table.schema == schema);
        let here: Vec<&ShadowTable> = here.collect();
        let names: Vec<&Ident> = here.iter().map(|shadow| &shadow.table.name).collect();
        if let Some(first) = here.first() {
            keeps.extend(
                round.target.control.dependents(schema, &first.shadow_schema, &names).await?,
            );
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
    post_data::retry_foreign_keys(round, &step, |error| error.sqlstate() == Some("42P01")).await?;
    let validations = tables.iter().zip(&pairs).flat_map(|(one, pair)| {
        validations(&pairs, pair.1).into_iter().map(|Validation { child, statement }| {
            let title = format!("validation of a foreign key of {child}");
            Step::of_tables(&title, vec![statement], vec![one.source.clone()])
        })
    });
    Ok(validations.collect())
}

/// Fails where rows of a table that stays refer to what is not in the new one: the keys are added again
/// without a look at them.
async fn require_parents(
    round: &Round,
    tables: &[&RebuiltTable],
    incoming: IncomingKeys<'_>,
) -> Result<()> {
    match broken(round, &to_others(tables, incoming.keys)).await? {
        None => Ok(()),
        Some(key) => Err(incoming.barred_by(&key)),
    }
}

/// The foreign keys of tables that stay, to the new tables where they were built.
fn to_others(tables: &[&RebuiltTable], incoming: &[ForeignKey]) -> Vec<ForeignKey> {
    let swapped =
        |name: &TableName| tables.iter().map(|one| &one.shadow).find(|one| &one.table == name);
    let beside = |key: &ForeignKey| {
        let shadow =
            swapped(&key.parent).filter(|_| key.validated && swapped(&key.child).is_none())?;
        let parent =
            TableName { schema: shadow.shadow_schema.clone(), name: key.parent.name.clone() };
        Some(ForeignKey { parent, ..key.clone() })
    };
    incoming.iter().filter_map(beside).collect()
}

impl IncomingKeys<'_> {
    fn barred_by(self, key: &ForeignKey) -> Error {
        // Its parent may be the new table, beside the old one.
        let mut own = self.keys.iter().filter(|own| own.child == key.child && own.name == key.name);
        let key = own.next().unwrap_or(key);
        Error::Blocked(format!(
            "it cannot take its place: rows of {} refer to rows that the source does not have (foreign key \"{}\"): {}",
            key.child,
            key.name.as_str(),
            self.references.way_out(key)
        ))
    }
}

/// The first of the keys that rows do not keep. One that cannot be compared cannot be added again, which says more: it
/// hides no other.
async fn broken(round: &Round, keys: &[ForeignKey]) -> Result<Option<ForeignKey>> {
    if keys.is_empty() {
        return Ok(None);
    }
    let look = dangling(&keys.iter().collect::<Vec<_>>());
    let rows = match round.target.on_control_session("checking foreign keys", &look).await {
        Ok(rows) => rows,
        Err(error) if error.is_transient() => return Err(error),
        Err(_) => {
            let (one, rest) = keys.split_at(keys.len() / 2);
            if one.is_empty() {
                return Ok(None);
            }
            let first = Box::pin(broken(round, one)).await?;
            return match first {
                Some(key) => Ok(Some(key)),
                None => Box::pin(broken(round, rest)).await,
            };
        }
    };
    let number = rows.iter().flatten().next().map(|row| row.count(0)).transpose()?;
    let number = number.and_then(|number| usize::try_from(number).ok());
    Ok(number.and_then(|number| keys.get(number)).cloned())
}
