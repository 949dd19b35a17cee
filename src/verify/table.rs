//! One table: digests of its buckets first; then the keys of those that differ, on the target; then the rows
//! that differ, by pages, so that nothing grows with their number.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::settings::{Repair, VerifyFlags};
use super::verdict::{DifferencePage, RowDifference, RowKind, TableVerdict};
use crate::context::Round;
use crate::error::{Error, Result};
use crate::ident::Ident;
use crate::plan::TablePlan;
use crate::sql::Sql;
use crate::sql::compared::{ColumnQuery, LastRead, Values};
use crate::sql::digest::DigestOf;
use crate::sql::keys::{KeyList, NumberedKey};
use crate::sql::mapping::PlanColumn;
use crate::sql::query::{RowQuery, RowScope};
use crate::sync::batches::Batch;
use crate::sync::reconcile;
use crate::sync::reconcile::delete;
use crate::sync::reconcile::{Difference, Scope};
use crate::sync::table_state::{TableRun, TableState};
use crate::target_side;
use crate::target_side::apply::{Mode, Writer};
use crate::target_side::keys;

/// Rows that are looked at by one statement.
const PAGE: u64 = 1000;
const DOING: &str = "comparing rows";

/// What is wanted of each table, and where its rows go.
pub(super) struct Looking<'a> {
    pub flags: &'a VerifyFlags,
    pub pages: &'a mpsc::Sender<DifferencePage>,
}

/// Compares one table.
pub(super) async fn compare(
    round: &Arc<Round>,
    plan: &Arc<TablePlan>,
    looking: &Looking<'_>,
) -> TableVerdict {
    let started = Instant::now();
    let key: Vec<Ident> = plan.mapping.key.iter().map(|column| column.name.clone()).collect();
    let mut verdict = TableVerdict::new(plan.mapping.source.name.clone(), key);
    verdict.has_triggers = plan.has_triggers;
    verdict.last_failed = plan.last_failed;
    verdict.other_mask_key = plan.other_mask_key;
    let compared = Box::pin(look(round, plan, looking, &mut verdict)).await;
    if let Err(error) = compared {
        verdict.error = Some(plan.add_hint(round.explained(error).await));
    }
    verdict.elapsed = started.elapsed();
    verdict
}

async fn look(
    round: &Arc<Round>,
    plan: &Arc<TablePlan>,
    looking: &Looking<'_>,
    verdict: &mut TableVerdict,
) -> Result<()> {
    let (mut source, mut target) =
        tokio::try_join!(round.source.reader(), round.target.reading_session())?;
    let mut state = TableState::new(round, plan.clone());
    let (source, target) = (&mut source, &mut target);
    let mut run = TableRun { round, source, target, state: &mut state };
    run.lock_against_truncate("looking at the table").await?;
    let difference = match looking.flags.throttle {
        Some(share) => reconcile::gentle::find(&mut run, share).await?,
        None => reconcile::find(&mut run, DigestOf::Rows, Scope::Table, None).await?,
    };
    if !difference.is_none() {
        let mut pages = Pages { plan, looking, verdict };
        if plan.mapping.key.is_empty() {
            without_key(&mut run, &difference, &mut pages).await?;
        } else {
            by_key(&mut run, difference.with_missing_staged(), &mut pages).await?;
        }
    }
    run.source.set_clean();
    run.target.set_clean(true);
    Ok(())
}

/// Rows that differ, on their way out.
struct Pages<'a> {
    plan: &'a TablePlan,
    looking: &'a Looking<'a>,
    verdict: &'a mut TableVerdict,
}

impl Pages<'_> {
    /// Whether changes of the source since the last run may explain a row.
    fn explains(&self, row: &RowDifference) -> bool {
        row.is_behind
            || row.kind == RowKind::Extra
            || self.plan.timestamp.is_none() && !row.is_computed
    }

    async fn send(&mut self, rows: Vec<RowDifference>) -> Result<()> {
        for row in &rows {
            let counter = match row.kind {
                RowKind::Missing => &mut self.verdict.missing,
                RowKind::Extra => &mut self.verdict.extra,
                RowKind::Changed => &mut self.verdict.changed,
            };
            *counter += 1;
            self.verdict.behind += u64::from(row.is_behind);
            self.verdict.computed += u64::from(row.is_computed);
            self.verdict.explained += u64::from(self.explains(row));
        }
        let room = self.looking.flags.limit.saturating_sub(self.verdict.first.len());
        self.verdict.first.extend(rows.iter().take(room).cloned());
        let (table, key) = (self.verdict.table.clone(), self.verdict.key.clone());
        let page = DifferencePage { table, key, rows };
        let gone = |_| Error::Blocked("the rows that differ cannot be written".to_owned());
        self.looking.pages.send(page).await.map_err(gone)
    }

    /// Sends so many rows of which nothing else is known.
    async fn send_alike(&mut self, row: RowDifference, number: u64) -> Result<()> {
        for from in (0..number).step_by(PAGE as usize) {
            let size = usize::try_from((number - from).min(PAGE)).unwrap_or_default();
            self.send(vec![row.clone(); size]).await?;
        }
        Ok(())
    }
}

async fn by_key(
    run: &mut TableRun<'_>,
    difference: Difference,
    pages: &mut Pages<'_>,
) -> Result<()> {
    reconcile::stage(run, &difference).await?;
    let wanted = keys::number_missing_keys(run.target, &run.state.plan).await?;
    let behind = behind(run).await?;
    for from in (1..=wanted).step_by(PAGE as usize) {
        run.round.check_stopped()?;
        let list = KeyList::Wanted;
        let keys = keys::numbered(run.target, &run.state.plan, list, from, from + PAGE).await?;
        let rows = on_the_source(run, &keys, behind.as_ref(), pages.looking.flags).await?;
        pages.send(rows).await?;
    }
    // Rows that stay by the wish of whoever runs this are no difference.
    if !run.state.plan.deletes {
        return Ok(());
    }
    let (mut left, mut from) = (delete::list(run).await?, 1);
    while left > 0 {
        run.round.check_stopped()?;
        let list = KeyList::Vanished;
        let keys = keys::numbered(run.target, &run.state.plan, list, from, from + PAGE).await?;
        (left, from) = (left.saturating_sub(keys.len() as u64), from + PAGE);
        let rows = only_on_the_target(run, &keys, pages.looking.flags).await?;
        pages.send(rows).await?;
    }
    Ok(())
}

/// A row as one side has it: whether the condition holds, hashes and values by column.
struct Seen {
    holds: bool,
    hashes: Vec<Option<String>>,
    values: Vec<Option<String>>,
}

/// Rows by the number of their key.
fn by_number(rows: Vec<Vec<Option<String>>>, columns: usize) -> HashMap<u64, Seen> {
    let seen = |mut row: Vec<Option<String>>| {
        let number = row.first()?.as_ref()?.parse().ok()?;
        let values = row.split_off((2 + columns).min(row.len()));
        let holds = row.get(1).is_some_and(|text| text.as_deref() == Some("t"));
        Some((number, Seen { holds, hashes: row.split_off(2), values }))
    };
    rows.into_iter().filter_map(seen).collect()
}

/// The condition of a row of the source that is later than the snapshot of the last run.
async fn behind(run: &TableRun<'_>) -> Result<Option<Sql>> {
    let TablePlan { timestamp: Some(timestamp), watermark: Some(watermark), mapping, .. } =
        &*run.state.plan
    else {
        return Ok(None);
    };
    let last = LastRead { timestamp, watermark, horizon: &run.round.horizon };
    let was_read = run.target.row(DOING, &last.is_there(mapping)).await?.is_true(0);
    Ok(Some(last.later(!was_read)))
}

/// Rows that the target lacks or has otherwise.
async fn on_the_source(
    run: &TableRun<'_>,
    keys: &[NumberedKey],
    behind: Option<&Sql>,
    flags: &VerifyFlags,
) -> Result<Vec<RowDifference>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (plan, mapping) = (&run.state.plan, &run.state.plan.mapping);
    let values = flags.values || flags.repair == Repair::Print;
    let here = ColumnQuery { keys, condition: behind, values };
    let there = ColumnQuery { keys, condition: None, values };
    let (source, target) = tokio::try_join!(
        run.source.compared_columns(DOING, mapping, &here),
        target_side::digest::compared_columns(run.target, DOING, mapping, &there),
    )?;
    let columns = mapping.compared().count();
    let (source, target) = (by_number(source, columns), by_number(target, columns));
    let rows = keys.iter().filter(|key| !(plan.append && target.contains_key(&key.number)));
    let row = |key: &NumberedKey| {
        let (source, target) = (source.get(&key.number), target.get(&key.number));
        difference(plan, key, Sides { source, target }, flags)
    };
    Ok(rows.map(row).collect())
}

async fn only_on_the_target(
    run: &TableRun<'_>,
    keys: &[NumberedKey],
    flags: &VerifyFlags,
) -> Result<Vec<RowDifference>> {
    let mapping = &run.state.plan.mapping;
    let mut target = HashMap::new();
    if flags.values && !keys.is_empty() {
        let query = ColumnQuery { keys, condition: None, values: true };
        let rows = target_side::digest::compared_columns(run.target, DOING, mapping, &query);
        target = by_number(rows.await?, mapping.compared().count());
    }
    let row = |key: &NumberedKey| RowDifference {
        kind: RowKind::Extra,
        key: key.values.clone(),
        columns: Vec::new(),
        is_behind: false,
        is_computed: false,
        source: None,
        target: target.get(&key.number).map(|seen| named(&run.state.plan, &seen.values)),
        statement: (flags.repair == Repair::Print).then(|| mapping.delete_row(key)),
    };
    Ok(keys.iter().map(row).collect())
}

fn named(plan: &TablePlan, values: &[Option<String>]) -> Values {
    let names = plan.mapping.compared().map(|column| column.name.clone());
    names.zip(values.iter().cloned()).collect()
}

/// A row as each side has it.
struct Sides<'a> {
    source: Option<&'a Seen>,
    target: Option<&'a Seen>,
}

/// What is told of a row that the source has.
fn difference(
    plan: &TablePlan,
    key: &NumberedKey,
    sides: Sides<'_>,
    flags: &VerifyFlags,
) -> RowDifference {
    let Sides { source, target } = sides;
    let hashes = |seen: Option<&Seen>| seen.map(|seen| seen.hashes.clone()).unwrap_or_default();
    let (here, there) = (hashes(source), hashes(target));
    let columns = plan.mapping.compared().zip(here.iter().zip(&there));
    let columns = columns.filter(|(_, (here, there))| here != there);
    let columns: Vec<&PlanColumn> = columns.map(|(column, _)| column).collect();
    // What a run writes is equal already, and the target computes something else.
    let is_computed = !columns.is_empty() && columns.iter().all(|column| column.computed);
    let columns: Vec<Ident> = columns.into_iter().map(|column| column.name.clone()).collect();
    let kind = if target.is_some() { RowKind::Changed } else { RowKind::Missing };
    let shown = |seen: Option<&Seen>| {
        let mut values = named(plan, &seen?.values);
        values.retain(|(name, _)| kind == RowKind::Missing || columns.contains(name));
        Some(values)
    };
    let statement = shown(source).filter(|_| flags.repair == Repair::Print).and_then(|values| {
        if kind == RowKind::Missing {
            Some(plan.mapping.insert_row(&values))
        } else {
            plan.mapping.update_row(key, &values)
        }
    });
    RowDifference {
        kind,
        key: key.values.clone(),
        is_behind: !is_computed && source.is_some_and(|seen| seen.holds),
        is_computed,
        source: shown(source).filter(|_| flags.values),
        target: shown(target).filter(|_| flags.values),
        statement,
        columns,
    }
}

/// In a table without a key the whole row is the key: rows are counted, and not named.
async fn without_key(
    run: &mut TableRun<'_>,
    difference: &Difference,
    pages: &mut Pages<'_>,
) -> Result<()> {
    let buckets = difference.every_bucket();
    let plan = run.state.plan.clone();
    let query = RowQuery::Buckets { buckets: &buckets, scope: RowScope::Table };
    let mut rows = run.source.copy_out("reading rows", &plan.mapping, query).await?;
    let mut batch = Batch::default();
    let mode = Mode::ReplaceRows(buckets);
    let mut writer = Writer::new(run.target, &plan, &run.round.sync_log, None, mode);
    writer.open().await?;
    while let Some(row) = rows.next().await? {
        batch.push(&mut writer, row).await?;
    }
    // Without a row in the log nothing is written, only counted.
    let counts = batch.commit(&mut writer).await?.counts;
    pages.send_alike(RowDifference::of(RowKind::Missing), counts.inserted).await?;
    pages.send_alike(RowDifference::of(RowKind::Extra), counts.deleted).await?;
    // What travels is the same, so what is computed of it differs: of some rows in these buckets, if not of all.
    let generated = plan.mapping.generated.iter().map(|column| column.name.clone());
    let columns: Vec<Ident> = generated.collect();
    if counts.inserted + counts.deleted == 0 && !columns.is_empty() {
        let row =
            RowDifference { columns, is_computed: true, ..RowDifference::of(RowKind::Changed) };
        pages.send_alike(row, difference.source.rows).await?;
    }
    Ok(())
}
