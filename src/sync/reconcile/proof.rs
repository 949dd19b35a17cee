//! The closing proof: what was written is digested again on the target, and has to be what the source
//! has. Nothing that came before is trusted here: a trigger, a type that changes values, another
//! writer or a fault of this program leaves a difference, and the table fails by it.

use super::delete;
use super::digest;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::ident::Ident;
use crate::plan::TablePlan;
use crate::sql::digest::DigestOf;
use crate::sql::keys::KeyList;
use crate::sql::mapping::TableMapping;
use crate::sql::query::{DigestQuery, RowScope};
use crate::sync::reconcile::{Difference, LOOKUP, Scope, find, stage};
use crate::sync::table_state::TableRun;
use crate::target_side;
use crate::target_side::keys;
use crate::target_side::keys::LogRow;

const DOING: &str = "proving what was written";

/// Proves the buckets in which the sides differed. Where vanished rows stay, those of the target count
/// only whose keys the source has.
///
/// # Errors
/// [`Error::Blocked`] saying what still differs.
pub async fn buckets(run: &mut TableRun<'_>, difference: &Difference) -> Result<()> {
    if run.is_dry() || difference.is_none() {
        return Ok(());
    }
    let only_staged = !run.state.plan.deletes && !difference.is_all_missing();
    let (mapping, scope) = (&run.state.plan.mapping, difference.scope.rows(&run.state.plan));
    let mut target = Digest::default();
    let all = if only_staged {
        let staged = &difference.differing();
        target.add(target_side::digest::staged(run.target, DOING, mapping, staged, scope).await?);
        difference.only_missing()
    } else {
        difference.every_bucket()
    };
    let all = DigestQuery::Buckets { buckets: &all, scope };
    target.add(target_side::digest::rows(run.target, DOING, mapping, all).await?);
    if target == difference.source {
        return Ok(());
    }
    unequal(run, difference.scope).await
}

/// Proves the whole table.
///
/// # Errors
/// [`Error::Blocked`] saying what differs.
pub async fn table(run: &mut TableRun<'_>) -> Result<()> {
    if run.is_dry() || digest::equal(run, DigestQuery::Rows(RowScope::Table)).await? {
        return Ok(());
    }
    unequal(run, Scope::Table).await
}

/// Whether the rows that were fetched by the digests of keys are what the source has: the listed ones
/// of which `wanted` is the number, and those of buckets that only the source had.
pub async fn fetched(run: &TableRun<'_>, difference: &Difference, wanted: u64) -> Result<bool> {
    if run.is_dry() {
        return Ok(true);
    }
    let mapping = &run.state.plan.mapping;
    if difference.has_missing() {
        let buckets = difference.only_missing();
        let query = DigestQuery::Buckets { buckets: &buckets, scope: RowScope::Table };
        let (source, target) = tokio::try_join!(
            run.source.digest(DOING, mapping, query),
            target_side::digest::rows(run.target, DOING, mapping, query),
        )?;
        if source != target {
            return Ok(false);
        }
    }
    let mut source = Digest::default();
    for from in (1..=wanted).step_by(LOOKUP as usize) {
        let list = KeyList::Wanted;
        let keys = keys::numbered(run.target, &run.state.plan, list, from, from + LOOKUP).await?;
        source.add(run.source.digest_of_keys(DOING, mapping, &keys).await?);
    }
    if wanted == 0 {
        return Ok(true);
    }
    Ok(source == target_side::digest::listed(run.target, DOING, mapping).await?)
}

/// Says which rows differ, and why that can be. Those are computed again before that differ in generated columns: the target
/// may have computed them by a function that is another one now.
async fn unequal(run: &mut TableRun<'_>, scope: Scope) -> Result<()> {
    let Some(mut found) = look(run, scope).await? else { return Ok(()) };
    if computed_again(run, &found).await? {
        match look(run, scope).await? {
            Some(left) => found = left,
            None => return Ok(()),
        }
    }
    Err(failed(run, &found.what, found.column.as_deref()))
}

/// Rows that differ.
struct Unequal {
    what: String,
    /// The first column in which the first one differs.
    column: Option<String>,
    /// The number of listed keys of the source.
    wanted: u64,
}

/// Has the listed rows computed again, if the first one differs in a generated column, and is then as it is on the source.
async fn computed_again(run: &mut TableRun<'_>, found: &Unequal) -> Result<bool> {
    let plan = run.state.plan.clone();
    let is_generated =
        |name: &str| plan.mapping.generated.iter().any(|one| one.name.as_str() == name);
    let computed = found.column.as_deref().filter(|name| is_generated(name));
    let Some(id) =
        run.state.log_id.filter(|_| computed.is_some() && plan.always_triggers.is_empty())
    else {
        return Ok(false);
    };
    let row = LogRow { sync_log: &run.round.sync_log, id };
    let one = keys::compute_again(run.target, &plan, row, 1..2).await?;
    let Some(first_row) = one else { return Ok(false) };
    run.state.add(&first_row);
    if first(run, KeyList::Wanted).await?.column.as_deref() == computed {
        return Ok(false);
    }
    for from in (2..=found.wanted).step_by(LOOKUP as usize) {
        run.round.check_stopped()?;
        let span = from..from + LOOKUP;
        if let Some(rows) = keys::compute_again(run.target, &plan, row, span).await? {
            run.state.add(&rows);
        }
    }
    Ok(true)
}

/// Whether rows of the table differ, beside those that stay by a rule.
///
/// # Errors
/// Those of both sides.
pub async fn differs(run: &mut TableRun<'_>) -> Result<bool> {
    Ok(look(run, Scope::Table).await?.is_some())
}

/// Looks for rows that differ; none, if those do that stay by a rule.
async fn look(run: &mut TableRun<'_>, scope: Scope) -> Result<Option<Unequal>> {
    // Rows that are there stay as they are in mode append.
    let measure = if run.state.plan.append { DigestOf::Keys } else { DigestOf::Rows };
    let difference = find(run, measure, scope, None).await?;
    if difference.is_none() {
        return Ok(None);
    }
    if run.state.plan.mapping.key.is_empty() {
        let rows = difference.source.rows.max(1);
        let what = format!(
            "up to {rows} rows of the table, which has no key that both sides have, still differ"
        );
        return Ok(Some(Unequal { what, column: None, wanted: 0 }));
    }
    stage(run, &difference).await?;
    let wanted = keys::number_missing_keys(run.target, &run.state.plan).await?;
    let vanished = if run.state.plan.deletes { delete::list(run).await? } else { 0 };
    let missing = difference.missing_digest(run).await?.rows;
    let rows = wanted + vanished + missing;
    // The target's rows of keys whose rows were left out are none of the source's.
    let table = &run.state.plan.mapping.source.name;
    let stays = !run.state.plan.deletes || run.round.source.leaves_rows_out(table);
    if rows == 0 && stays {
        return Ok(None);
    }
    let FirstRow { text, column } = if wanted > 0 {
        first(run, KeyList::Wanted).await?
    } else if vanished > 0 {
        first(run, KeyList::Vanished).await?
    } else {
        FirstRow::default()
    };
    let (noun, verb) = if rows == 1 { ("row", "differs") } else { ("rows", "differ") };
    let what = format!("{rows} {noun} of the table{text} still {verb}");
    Ok(Some(Unequal { what, column, wanted }))
}

/// The first row that differs.
#[derive(Default)]
struct FirstRow {
    /// How it is told, in brackets.
    text: String,
    /// The first column in which it differs.
    column: Option<String>,
}

/// The first key of a list, and in what it differs.
async fn first(run: &TableRun<'_>, list: KeyList) -> Result<FirstRow> {
    let mapping = &run.state.plan.mapping;
    let keys = keys::numbered(run.target, &run.state.plan, list, 1, 1 + LOOKUP).await?;
    let Some(key) = keys.first() else { return Ok(FirstRow::default()) };
    let names: Vec<&str> = mapping.key.iter().map(|column| column.name.as_str()).collect();
    let name = format!("({}) = ({})", names.join(", "), key.values.join(", "));
    if list == KeyList::Vanished {
        let text = format!(" (the first has the key {name}, which the source does not have)");
        return Ok(FirstRow { text, column: None });
    }
    let looking = "looking for what differs";
    let (source, target) = tokio::try_join!(
        run.source.column_hashes(looking, mapping, key),
        target_side::digest::column_hashes(run.target, looking, mapping, key),
    )?;
    let column = source.as_ref().zip(target.as_ref());
    let column = column.and_then(|(source, target)| differing_column(mapping, source, target));
    let what = match (source.as_ref(), target.as_ref()) {
        (Some(_), Some(_)) => match column {
            Some(column) => format!("differs in column \"{column}\""),
            None => "is found by another key on the target".to_owned(),
        },
        (_, None) => "is missing on the target".to_owned(),
        (None, _) => "is not found again on the source".to_owned(),
    };
    let text = format!(" (the first has the key {name} and {what})");
    Ok(FirstRow { text, column: column.map(str::to_owned) })
}

/// The first column whose hashes differ.
fn differing_column<'m>(
    mapping: &'m TableMapping,
    source: &[Option<String>],
    target: &[Option<String>],
) -> Option<&'m str> {
    let columns = mapping.columns.iter().chain(&mapping.generated);
    let mut hashes = columns.zip(source.iter().zip(target));
    let differing = hashes.find(|(_, (source, target))| source != target);
    differing.map(|(column, _)| column.name.as_str())
}

/// `differing` is a column of which it is known that it differs.
fn failed(run: &TableRun<'_>, what: &str, differing: Option<&str>) -> Error {
    let plan = &run.state.plan;
    let is_generated =
        |name: &&str| plan.mapping.generated.iter().any(|one| one.name.as_str() == *name);
    let computed = differing.filter(is_generated);
    let inexact: Vec<&str> = plan
        .mapping
        .columns
        .iter()
        .filter(|column| !column.exact && computed.is_none())
        .map(|column| column.name.as_str())
        .collect();
    let why = if !plan.always_triggers.is_empty() {
        format!(
            "the trigger \"{}\" fires on what is copied and has changed or swallowed rows: {}",
            plan.always_triggers.join("\", \""),
            quieted(run)
        )
    } else if !inexact.is_empty() {
        format!(
            "a type, domain, collation or encoding of the target makes other values of the columns \
             \"{}\", or somebody else writes to the table: give the columns the source's definition, \
             keep others from writing, and run again",
            inexact.join("\", \"")
        )
    } else if let Some(made) =
        computed.or(plan.mapping.generated.first().map(|one| one.name.as_str()))
    {
        format!(
            "the generated column \"{made}\" has another value on the target: give the target the source's function (\\sf in \
             psql prints it), collation and expression{}, and run again; if it has them, these rows of the source are older: leave \
             the column out with the rule excludeColumns",
            recomputed(plan)
        )
    } else {
        "somebody else writes to the table on the target, or an index of it is damaged (amcheck finds \
         that): keep others from writing, and run again"
            .to_owned()
    };
    Error::Blocked(format!("{what} from the source after the write: {why}"))
}

/// How to keep triggers from firing on what is copied.
fn quieted(run: &TableRun<'_>) -> String {
    let (plan, fires) = (&run.state.plan, run.round.settings.fire_triggers);
    let (table, verb) = (plan.name.typed(), if fires { "disable" } else { "enable" });
    let statement = |name: &String| {
        format!("alter table {table} {verb} trigger {}", Ident::new(name.clone()).typed())
    };
    let statements: Vec<String> = plan.always_triggers.iter().map(statement).collect();
    let statements = statements.join("; ");
    match (fires, plan.can_quiet_triggers) {
        (true, true) => format!("leave out -fire-triggers, or run on the target: {statements}"),
        (true, false) => format!("run on the target: {statements}"),
        (false, _) => {
            format!("to let it fire on others' writes only, run on the target: {statements}")
        }
    }
}

/// How to have generated columns computed again that no run can have computed again: PostgreSQL does so only where a column
/// is set that the expression names.
fn recomputed(plan: &TablePlan) -> String {
    let mapping = &plan.mapping;
    if !mapping.key.is_empty() && mapping.compute_again(&(1..2)).is_some() {
        return String::new();
    }
    let fixed: Vec<&Ident> = mapping.identities().collect();
    let names = mapping.columns.iter().map(|column| &column.name);
    let names = names.filter(|name| !fixed.contains(name)).map(Ident::typed);
    let set: Vec<String> = names.map(|name| format!("{name} = {name}")).collect();
    if set.is_empty() {
        return String::new();
    }
    format!(", run on the target: update {} set {}", plan.name.typed(), set.join(", "))
}
