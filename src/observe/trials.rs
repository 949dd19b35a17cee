//! What users wrote in rules, tried on the servers before a run relies on it: filters, masks, and masked rows
//! against check constraints. Of the source's values only counts come back; what is tried on the target is masked.

use std::collections::{HashMap, HashSet};

use super::masks::BadMasks;
use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::plan::masking;
use crate::plan::shown::{Masks, ShownTable, place};
use crate::rules::{Children, Ddl, Key, Mask};
use crate::source::{MaskVerdict, Reader};
use crate::sql::Sql;
use crate::sql::check::Check;
use crate::sql::mapping::Relation;
use crate::sql::mask::{MaskHash, MaskTrial, MaskedColumn, Sample};
use crate::sql::user_expression::{PinnedExpression, UserExpression};
use crate::sql::view::{View, ViewColumn};
use crate::table::Table;
use crate::target_side::trial::TriedRows;

/// A table whose rules are tried.
pub(super) struct TriedTable<'t> {
    /// As the source has it.
    pub table: &'t Table,
    pub shown: ShownTable<'t>,
    pub masks: Masks,
}

impl TriedTable<'_> {
    fn filter(&self, moment: &str) -> Option<PinnedExpression> {
        let text = self.shown.rules.filter.as_deref()?;
        UserExpression::parse(text).ok().map(|filter| filter.at(moment))
    }

    fn relation(&self) -> Relation {
        let with_children = self.shown.rules.children == Children::Rows;
        let relation = Relation::of(self.table);
        Relation { partitioned: relation.partitioned || with_children, ..relation }
    }

    /// Some rows with the columns that a constraint of the source is about, masks in place of values.
    fn masked_rows(&self, check: &Check, moment: &str) -> Sql {
        let columns = check.columns.iter().map(|name| ViewColumn {
            name: name.clone(),
            own: name.clone(),
            mask: self.masks.get(name).cloned(),
        });
        let view = View { columns: columns.collect(), filter: self.filter(moment) };
        view.sample_of(&self.table.name, self.relation().partitioned)
    }

    /// A masked column that a constraint of the target is about, by its name on the source.
    fn masked_on_target(&self, check: &Check) -> Option<&Ident> {
        let rules = &self.shown.rules;
        self.masks.keys().find(|own| check.columns.contains(rules.target_column(own)))
    }

    /// The columns of the target that a constraint there is about, without those that it computes. Others could keep the rows
    /// from being tried, where a value does not fit.
    fn columns_of(&self, check: &Check, target: &Table) -> Vec<Ident> {
        let is_tried = |name: &&Ident| {
            check.columns.contains(name)
                && target.column(name).is_some_and(|column| !column.generated)
        };
        let names = self.shown.table.columns.iter().map(|column| &column.name);
        names.filter(is_tried).cloned().collect()
    }

    fn breach(&self, column: &Ident, check: &Check, told: &str) -> String {
        format!(
            "{}: the check constraint \"{}\" of {} {told}",
            self.place_of(column),
            check.name.as_str(),
            self.table.name
        )
    }

    fn place_of(&self, column: &Ident) -> String {
        masking::place(&self.shown.rules, column)
    }
}

/// What is tried on the source, and what came of it.
struct SourceTrials<'a> {
    reader: Reader,
    moment: &'a str,
    hash: MaskHash,
    bad: &'a BadMasks,
    problems: Vec<String>,
}

/// What the servers say of rules.
#[derive(Default)]
pub(super) struct Trials {
    pub problems: Vec<String>,
    /// Tables whose rules could not be tried, for a right is missing or somebody has a lock.
    pub untried: Vec<(TableName, Error)>,
    /// Those whose filters the source refuses.
    pub refused: HashSet<TableName>,
}

impl RunContext<'_> {
    /// What the servers say of filters, masks and masked rows. A table with a problem is tried no further.
    pub(super) async fn trials(
        &self,
        tried: &[&TriedTable<'_>],
        bad: &BadMasks,
        catalogs: &Catalogs,
    ) -> Result<Trials> {
        let has_rules = |one: &&&TriedTable<'_>| {
            one.shown.rules.filter.is_some() || !one.shown.rules.mask.is_empty()
        };
        let tried: Vec<&TriedTable<'_>> = tried.iter().filter(has_rules).copied().collect();
        if tried.is_empty() {
            return Ok(Trials::default());
        }
        let mut trials = SourceTrials {
            reader: self.source.reader().await?,
            moment: &catalogs.source.sight.horizon.now,
            hash: self.mask_hash(catalogs),
            bad,
            problems: Vec::new(),
        };
        let (mut fine, mut untried, mut refused) = (Vec::new(), Vec::new(), HashSet::new());
        let mut digests = Digests::new();
        for one in tried {
            let found = trials.problems.len();
            match trials.try_filter_and_masks(one, &mut digests).await {
                Ok(false) => drop(refused.insert(one.shown.table.name.clone())),
                Ok(true) if trials.problems.len() == found && !one.masks.is_empty() => {
                    fine.push(one);
                }
                Ok(true) => {}
                Err(error) if matches!(error.sqlstate(), Some("42501" | "55P03")) => {
                    let error = trials.reader.with_lock_holder(error, &one.table.name).await;
                    untried.push((one.shown.table.name.clone(), error));
                }
                Err(error) => return Err(error),
            }
        }
        if !digests.is_empty() {
            // Another transaction, which begins later: what reads the clock on some way is seen.
            self.source.release(trials.reader, false).await;
            trials.reader = self.source.reader().await?;
            for one in &fine {
                trials.try_again(one, &digests).await?;
            }
        }
        let known = trials.try_checks(&fine).await?;
        // Masks are evaluated by the role's own search path again.
        self.source.release(trials.reader, false).await;
        trials.reader = self.source.reader().await?;
        let of_target = self.breaches_on_target(&trials, &fine, &known, catalogs).await?;
        self.source.release(trials.reader, false).await;
        trials.problems.extend(of_target);
        Ok(Trials { problems: trials.problems, untried, refused })
    }

    /// What the target's own check constraints have against masked rows. Those that the source has too are tried
    /// there, where no row has to travel.
    async fn breaches_on_target(
        &self,
        trials: &SourceTrials<'_>,
        tried: &[&TriedTable<'_>],
        known: &[Check],
        catalogs: &Catalogs,
    ) -> Result<Vec<String>> {
        let there: HashMap<&TableName, &Table> =
            catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
        let pairs = tried.iter().filter_map(|one| {
            let target = there.get(&one.shown.rules.target_name(&one.table.name))?;
            Some((*one, *target))
        });
        let pairs: Vec<(&TriedTable<'_>, &Table)> = pairs.collect();
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let targets: Vec<&Table> = pairs.iter().map(|(_, target)| *target).collect();
        let checks = self.target.checks(&targets).await?;
        let mut problems = Vec::new();
        for (one, target) in pairs {
            let of_table = checks.iter().filter(|check| check.table == target.oid);
            let is_known = |check: &Check| {
                known.iter().any(|known| known.table == one.table.oid && known.says_the_same(check))
            };
            let of_masks: Vec<&Check> = of_table
                .filter(|check| one.masked_on_target(check).is_some() && !is_known(check))
                .collect();
            for check in of_masks {
                let Some(column) = one.masked_on_target(check) else { continue };
                let columns = one.columns_of(check, target);
                let rows = trials.reader.sample(&one.shown.relation(), &columns).await?;
                let Some(rows) = rows else { continue };
                let tried = TriedRows { table: target, columns: &columns, check };
                let breach = if catalogs.target.server.temporary {
                    self.target.breach(&tried, rows.into_stream()).await?
                } else {
                    self.target.breach_in_statements(&tried, rows.into_stream()).await?
                };
                let told = breach.map(|told| format!("on the target {told}"));
                problems.extend(told.map(|told| one.breach(column, check, &told)));
            }
        }
        Ok(problems)
    }
}

/// By table and column: digests of what expressions of users gave.
type Digests = HashMap<(TableName, Ident), String>;

impl SourceTrials<'_> {
    /// Gives whether the filter is right; masks of a table with another one are not tried.
    async fn try_filter_and_masks(
        &mut self,
        one: &TriedTable<'_>,
        digests: &mut Digests,
    ) -> Result<bool> {
        let found = self.problems.len();
        self.try_filter(one).await?;
        if self.problems.len() > found {
            return Ok(false);
        }
        self.try_masks(one, digests).await?;
        Ok(true)
    }

    async fn try_filter(&mut self, one: &TriedTable<'_>) -> Result<()> {
        let Some(text) = one.shown.rules.filter.as_deref() else { return Ok(()) };
        let Ok(filter) = UserExpression::parse(text) else { return Ok(()) };
        let why = self.reader.refuses_filter(&one.relation(), &filter, self.moment).await?;
        let place = place(&one.shown.rules, Key::Where);
        self.problems.extend(why.map(|why| format!("{place}: {why}")));
        Ok(())
    }

    async fn try_masks(&mut self, one: &TriedTable<'_>, digests: &mut Digests) -> Result<()> {
        let key = masking::key_columns(one.table, &one.shown.rules);
        let trials = self.trials(one, &key, |_| true);
        if trials.is_empty() {
            return Ok(());
        }
        let (relation, filter) = (one.relation(), one.filter(self.moment));
        let sample = Sample { relation: &relation, filter: filter.as_ref() };
        let verdicts = self.reader.try_masks(&sample, &trials).await?;
        for (trial, MaskVerdict { objection, digest }) in trials.iter().zip(verdicts) {
            let column = &trial.column.column.name;
            match objection {
                Some(why) => self.problems.push(format!("{}: {why}", one.place_of(column))),
                None if is_expression(trial.mask) => {
                    let key = (one.table.name.clone(), column.clone());
                    digests.insert(key, digest.unwrap_or_default());
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Evaluates the expressions of users once more.
    async fn try_again(&mut self, one: &TriedTable<'_>, digests: &Digests) -> Result<()> {
        let key = masking::key_columns(one.table, &one.shown.rules);
        let trials = self.trials(one, &key, is_expression);
        if trials.is_empty() {
            return Ok(());
        }
        let (relation, filter) = (one.relation(), one.filter(self.moment));
        let sample = Sample { relation: &relation, filter: filter.as_ref() };
        let again = self.reader.mask_digests(&sample, &trials).await?;
        for (trial, digest) in trials.iter().zip(again) {
            let column = &trial.column.column.name;
            let before = digests.get(&(one.table.name.clone(), column.clone()));
            if before.is_some_and(|before| *before != digest.unwrap_or_default()) {
                self.problems.push(format!(
                    "{}: the expression is not deterministic: for the same rows it gives something else when it \
                     is evaluated again",
                    one.place_of(column)
                ));
            }
        }
        Ok(())
    }

    fn trials<'t>(
        &self,
        one: &'t TriedTable<'_>,
        key: &'t [Ident],
        is_wanted: impl Fn(&Mask) -> bool,
    ) -> Vec<MaskTrial<'t>> {
        let masks = one.shown.rules.mask.iter().filter(|(_, mask)| is_wanted(mask));
        let trials = masks.filter_map(|(name, mask)| {
            let is_bad = self.bad.contains(&one.table.name, name);
            let column = one.table.column(name).filter(|_| !is_bad)?;
            let table = &one.table.name.name;
            let column = MaskedColumn { table, column, key, hash: self.hash };
            Some(MaskTrial { column, mask, masked: one.masks.get(name)? })
        });
        trials.collect()
    }

    /// What the check constraints of the source, which the target has or gets, have against masked rows.
    /// Gives those that were tried.
    async fn try_checks(&mut self, tried: &[&TriedTable<'_>]) -> Result<Vec<Check>> {
        let gets_them = |one: &&&TriedTable<'_>| one.shown.rules.ddl != Ddl::None;
        let tables: Vec<&Table> = tried.iter().filter(gets_them).map(|one| one.table).collect();
        if tables.is_empty() {
            return Ok(Vec::new());
        }
        let mut checks = self.reader.checks(&tables).await?;
        checks.retain(Check::is_plain);
        for one in tried {
            for check in checks.iter().filter(|check| check.table == one.table.oid) {
                let masked = check.columns.iter().find(|column| one.masks.contains_key(*column));
                let Some(column) = masked else { continue };
                let breach =
                    self.reader.breach(&one.masked_rows(check, self.moment), check).await?;
                self.problems.extend(breach.map(|told| one.breach(column, check, &told)));
            }
        }
        Ok(checks)
    }
}

fn is_expression(mask: &Mask) -> bool {
    matches!(mask, Mask::Sql(_))
}
