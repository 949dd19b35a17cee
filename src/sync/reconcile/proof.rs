//! The closing proof: what was written is digested again on the target, and has to be what the source
//! has. Nothing that came before is trusted here: a trigger, a type that changes values, another
//! writer or a fault of this program leaves a difference, and the table fails by it.

use super::delete;
use super::digest;
use crate::error::{Error, Result, Side};
use crate::pg::Row;
use crate::sql::digest::DigestOf;
use crate::sql::keys::KeyList;
use crate::sync::reconcile::{Difference, Digest, LOOKUP, Scope, find, stage};
use crate::sync::strategy::TableRun;
use crate::target_side::keys;

/// Proves the buckets in which the sides differed. Where vanished rows stay, those of the target count
/// only whose keys the source has.
///
/// # Errors
/// [`Error::Blocked`] saying what still differs.
pub async fn buckets(run: &mut TableRun, difference: &Difference) -> Result<()> {
    if run.log_id.is_none() || difference.is_none() {
        return Ok(());
    }
    let only_staged = !run.plan.deletes && !difference.is_all_missing();
    let scope = difference.scope.predicate(run);
    let mut target = Digest::default();
    let parts = if only_staged {
        vec![(difference.differing(), true), (difference.only_missing(), false)]
    } else {
        vec![(difference.every_bucket(), false)]
    };
    for (buckets, staged) in parts {
        let mapping = &run.plan.mapping;
        let statement = mapping.digest_buckets(Side::Target, &buckets, staged, scope.as_ref());
        target.add(Digest::of(&run.target.row("proving what was written", &statement).await?)?);
    }
    if target == difference.source {
        return Ok(());
    }
    unequal(run, difference.scope).await
}

/// Proves the whole table.
///
/// # Errors
/// [`Error::Blocked`] saying what differs.
pub async fn table(run: &mut TableRun) -> Result<()> {
    if run.log_id.is_none() || digest::equal(run, DigestOf::Rows, None).await? {
        return Ok(());
    }
    unequal(run, Scope::Table).await
}

/// Whether the rows that were fetched by the digests of keys are what the source has: the listed ones
/// of which `wanted` is the number, and those of buckets that only the source had.
pub async fn fetched(run: &TableRun, difference: &Difference, wanted: u64) -> Result<bool> {
    if run.log_id.is_none() {
        return Ok(true);
    }
    let mapping = &run.plan.mapping;
    if difference.has_missing() {
        let buckets = difference.only_missing();
        let statement = |side| mapping.digest_buckets(side, &buckets, false, None);
        let (source, target) = (statement(Side::Source), statement(Side::Target));
        let (source, target) = tokio::try_join!(
            run.source.row("proving what was written", &source),
            run.target.row("proving what was written", &target),
        )?;
        if Digest::of(&source)? != Digest::of(&target)? {
            return Ok(false);
        }
    }
    let mut source = Digest::default();
    for from in (1..=wanted).step_by(LOOKUP as usize) {
        let list = KeyList::Wanted;
        let keys = keys::numbered(&run.target, &run.plan, list, from, from + LOOKUP).await?;
        let row =
            run.source.row("proving what was written", &mapping.digest_of_keys(&keys)).await?;
        source.add(Digest::of(&row)?);
    }
    if wanted == 0 {
        return Ok(true);
    }
    let target = run.target.row("proving what was written", &mapping.digest_wanted()).await?;
    Ok(source == Digest::of(&target)?)
}

/// Says which rows differ, and why that can be.
async fn unequal(run: &mut TableRun, scope: Scope) -> Result<()> {
    let difference = find(run, DigestOf::Rows, scope, None).await?;
    if difference.is_none() {
        return Ok(());
    }
    if run.plan.mapping.key.is_empty() {
        let rows = difference.source.rows.max(1);
        return Err(failed(run, &format!("up to {rows} rows of the table, which has no key,")));
    }
    stage(run, &difference).await?;
    let wanted = keys::number_missing_keys(&run.target, &run.plan).await?;
    let vanished = if run.plan.deletes { delete::list(run).await? } else { 0 };
    let missing = difference.missing_digest(run).await?.rows;
    let rows = wanted + vanished + missing;
    if rows == 0 && !run.plan.deletes {
        return Ok(());
    }
    let first = if wanted > 0 {
        first(run, KeyList::Wanted).await?
    } else if vanished > 0 {
        first(run, KeyList::Vanished).await?
    } else {
        String::new()
    };
    Err(failed(run, &format!("{rows} {} of the table{first}", plural(rows))))
}

fn plural(rows: u64) -> &'static str {
    if rows == 1 { "row" } else { "rows" }
}

/// The first key of a list, and in what it differs.
async fn first(run: &TableRun, list: KeyList) -> Result<String> {
    let mapping = &run.plan.mapping;
    let keys = keys::numbered(&run.target, &run.plan, list, 1, 1 + LOOKUP).await?;
    let Some(key) = keys.first() else { return Ok(String::new()) };
    let names: Vec<&str> = mapping.key.iter().map(|column| column.name.as_str()).collect();
    let name = format!("({}) = ({})", names.join(", "), key.values.join(", "));
    if list == KeyList::Vanished {
        return Ok(format!(" (the first has the key {name}, which the source does not have)"));
    }
    let source = mapping.column_hashes(Side::Source, std::slice::from_ref(key));
    let target = mapping.column_hashes(Side::Target, std::slice::from_ref(key));
    let (source, target) = tokio::try_join!(
        run.source.rows("looking for what differs", &source),
        run.target.rows("looking for what differs", &target),
    )?;
    let what = match (source.first(), target.first()) {
        (Some(source), Some(target)) => match differing_column(run, source, target) {
            Some(column) => format!("differs in column \"{column}\""),
            None => "is found by another key on the target".to_owned(),
        },
        (_, None) => "is missing on the target".to_owned(),
        (None, _) => "is not found again on the source".to_owned(),
    };
    Ok(format!(" (the first has the key {name} and {what})"))
}

fn differing_column<'j>(run: &'j TableRun, source: &Row, target: &Row) -> Option<&'j str> {
    let mapping = &run.plan.mapping;
    let columns = mapping.columns.iter().chain(&mapping.generated).enumerate();
    let mut differing = columns.filter(|(at, _)| source.text(*at) != target.text(*at));
    differing.next().map(|(_, column)| column.name.as_str())
}

fn failed(run: &TableRun, what: &str) -> Error {
    let plan = &run.plan;
    let inexact: Vec<&str> = plan
        .mapping
        .columns
        .iter()
        .filter(|column| !column.exact)
        .map(|column| column.name.as_str())
        .collect();
    let why = if !plan.always_triggers.is_empty() {
        format!(
            "the trigger \"{}\" fires on what is copied and has changed or swallowed rows: disable it, \
             or enable it for others' writes only (alter table … enable trigger …)",
            plan.always_triggers.join("\", \"")
        )
    } else if !inexact.is_empty() {
        format!(
            "a type, domain, collation or encoding of the target makes other values of the columns \
             \"{}\", or somebody else writes to the table: give the columns the source's definition, \
             keep others from writing, and run again",
            inexact.join("\", \"")
        )
    } else if let Some(made) = plan.mapping.generated.first() {
        format!(
            "a generated column, say \"{}\", computes something else on the target (by a function, a collation \
             or its expression), or somebody else writes to the table: give it the source's definition, \
             keep others from writing, and run again",
            made.name.as_str()
        )
    } else {
        "somebody else writes to the table on the target, or an index of it is damaged (amcheck finds \
         that): keep others from writing, and run again"
            .to_owned()
    };
    Error::Blocked(format!("{what} still differ from the source after they were written: {why}"))
}
