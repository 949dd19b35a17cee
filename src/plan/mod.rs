//! What will be done, as data: per table the columns that travel, the key, the strategy, and what is
//! in the way; between tables the order. Pure: both catalogs and the last watermarks go in.

mod candidate;
pub mod columns;
mod composition;
pub mod dropping;
mod fingerprint;
pub mod guard;
pub mod hints;
pub mod inheritance;
pub mod key;
pub mod kinds;
pub mod late_constraints;
mod left_columns;
pub mod many_deletes;
mod mask_room;
mod masked_before;
pub mod masking;
pub mod misfit;
mod missing_key;
mod moves;
pub mod partition_mismatch;
pub mod placeholder;
mod recall;
pub mod references;
pub mod renamed_columns;
mod resumed;
pub mod schedule;
pub mod shell_word;
pub mod shown;
mod table_plan;
mod takes_null;
#[cfg(test)]
mod tests;
mod triggers;

use crate::ddl_step::Step;
use crate::error::{DbError, Error, Side};
use crate::ident::{Ident, TableName};
use crate::outcome::Strategy;
use crate::rules::{Mode, TableRules};
use crate::schema_object::Kind;
use crate::sql::mapping::{
    OwnedSequence, PlanColumn, Relation, TableMapping, Timestamp, TimestampKind,
};
use crate::table::{Sequence, Table};
pub use candidate::{Candidate, DifferingPart, LastRun, PlanContext, Roles};
use columns::{Columns, MatchedTarget};
use key::ChosenKey;
use left_columns::LeftColumns;
use many_deletes::ManyDeletes;
use missing_key::MissingKey;
use moves::Moves;
pub use recall::RowsBefore;
pub use table_plan::TablePlan;

/// Plans one table.
///
/// # Errors
/// [`Error::Blocked`] with the remedy, when the table cannot be brought in sync as things are.
pub fn table(candidate: Candidate<'_>, context: &PlanContext) -> Result<TablePlan, Error> {
    let Candidate { source, target, target_name, rules, references, .. } = candidate;
    let target = target.ok_or_else(|| missing(target_name))?;
    check_row_security(source, target, context)?;
    let timestamp = columns::timestamp(source, target, rules.target_timestamp());
    let mapping = mapping(&candidate, target, timestamp.as_ref(), context)?;
    let missing_key = MissingKey::of(&candidate, target, &mapping);
    check_rules(&candidate, &mapping, missing_key.as_ref(), context)?;
    let fingerprint = fingerprint::of(&mapping, &candidate, target, timestamp.as_ref(), context);
    let left = left_columns::told(&candidate, target, &mapping);
    let changed = changed(&candidate, &left, missing_key.as_ref(), &fingerprint, context);
    let Followed { watermark, reached, note } =
        Followed::of(&candidate, &fingerprint, timestamp.as_ref(), context);
    let checked = references.checked(&target.name);
    let firing = triggers::firing(target, checked, context);
    let follows = !context.reconcile && !rules.compares() && firing.is_empty();
    let usable = follows && !source.subscribed && !mapping.key.is_empty() && watermark.is_some();
    let moves = Moves::of(&candidate, target, &mapping, context);
    Ok(TablePlan {
        name: target_name.clone(),
        strategy: strategy(&candidate, &mapping, usable, context),
        reached,
        watermark,
        timestamp,
        rows_before: RowsBefore::of(&candidate, &mapping, &fingerprint, context),
        many_deletes: ManyDeletes::of(&candidate, target, &mapping, &fingerprint),
        fingerprint,
        rows: estimate(source),
        bytes: source.bytes,
        storage: source.storage.clone(),
        pages: (!source.partitioned).then_some(source.pages),
        one_statement: checked.deletes && references.are_within(&target.name),
        leave_replica: context.replica_role && checked.writes,
        leave_replica_to_delete: context.replica_role && checked.deletes,
        shared_transaction: false,
        triggers_to_disable: triggers::to_disable(target, references, context)?,
        cascades: references.cascading(&target.name),
        keepers: references.keepers(&target.name),
        sequences: sequences(source, target, candidate.post_data),
        remedies: hints::remedies(&candidate, target, &moves, context),
        left_columns: left.texts,
        notes: [triggers::notes(&firing, context), changed.notes, Vec::from_iter(note)].concat(),
        warnings: [changed.warnings, masked_before::forced(&candidate, &mapping, context)].concat(),
        missing_key: missing_key.map(|key| key.to_string()),
        always_triggers: firing,
        has_triggers: !target.triggers.is_empty(),
        path: context.path.clone(),
        roles: context.roles.clone(),
        can_quiet_triggers: target.owned || !checked.deletes,
        deletes: rules.deletes,
        append: rules.mode == Mode::Append,
        batch_size: rules.batch_size,
        post_data: candidate.post_data.to_vec(),
        is_widened: candidate.is_widened,
        last_failed: candidate.last.is_some_and(|last| last.failed),
        other_mask_key: masked_before::has_another_key(&candidate),
        mapping,
        moves,
    })
}

/// What of the last run counts: its watermark may be one of other columns, another source or another clock.
#[derive(Default)]
struct Followed {
    /// See [`TablePlan::watermark`].
    watermark: Option<String>,
    /// See [`TablePlan::reached`].
    reached: Option<String>,
    /// Why it does not count, where somebody should know.
    note: Option<String>,
}

impl Followed {
    fn of(
        candidate: &Candidate<'_>,
        fingerprint: &str,
        timestamp: Option<&Timestamp>,
        context: &PlanContext,
    ) -> Self {
        let last = candidate.last.filter(|last| last.fingerprint.as_deref() == Some(fingerprint));
        let last = last.filter(|last| last.watermark.is_some() && timestamp.is_some());
        let Some(last) = last else { return Self::default() };
        if is_set_back(last, timestamp, &context.now) {
            return Self { note: Some(SET_BACK.to_owned()), ..Self::default() };
        }
        let watermark = last.settled.clone();
        let reached = last.watermark.clone().filter(|_| watermark.is_some());
        Self { watermark, reached, note: None }
    }
}

const SET_BACK: &str = "the last run saw a later time on the source than this one does, because its clock was set back or \
    another server answers: the table is compared";

/// Whether the watermark of the last run lies behind the source's clock, `now`: rows that are changed until then would
/// be passed over. Of the types without a time zone nobody can say, and their overlap is a day.
fn is_set_back(last: &LastRun, timestamp: Option<&Timestamp>, now: &str) -> bool {
    let has_zone = timestamp.is_some_and(|one| one.source == TimestampKind::Timestamptz);
    // Both in UTC, in one form; of the seconds, no fraction counts.
    let seconds = |text: &str| text.get(..SECONDS).map(str::to_owned);
    let settled = last.settled.as_deref().and_then(seconds);
    has_zone && settled.zip(seconds(now)).is_some_and(|(settled, now)| settled > now)
}

/// The length of `2024-12-13 15:25:30`.
const SECONDS: usize = 19;

/// What is said once, when the columns, the key or the mask key have changed since the last run.
struct Changed {
    /// See [`TablePlan::warnings`].
    warnings: Vec<String>,
    notes: Vec<String>,
}

fn changed(
    candidate: &Candidate<'_>,
    left: &LeftColumns,
    missing_key: Option<&MissingKey>,
    fingerprint: &str,
    context: &PlanContext,
) -> Changed {
    let has_changed = left_columns::have_changed(candidate, fingerprint);
    let left = left.texts.iter().filter(|_| has_changed && left.are_new).cloned();
    let new = missing_key.filter(|_| missing_key::is_new(candidate, fingerprint));
    let notes = new.map(ToString::to_string).into_iter().collect();
    let warnings = left
        .chain(masked_before::other_key(candidate, context))
        .chain(uncompared(candidate.rules).filter(|_| context.only_compares).map(str::to_owned))
        .collect();
    Changed { warnings, notes }
}

/// Which rows a comparison lets be, for a run does not write them either.
fn uncompared(rules: &TableRules) -> Option<&'static str> {
    match (rules.mode, rules.deletes) {
        (Mode::Append, _) => Some("only missing rows count, for its mode is append"),
        (_, false) => Some("rows that only the target has do not count, for runs keep them"),
        _ => None,
    }
}

/// How rows are found, where a watermark may be `usable`.
fn strategy(
    candidate: &Candidate<'_>,
    mapping: &TableMapping,
    usable: bool,
    context: &PlanContext,
) -> Strategy {
    // No list of columns can say that COPY brings none. A dry run only counts, and the table need not be there.
    let may_copy = !mapping.columns.is_empty() || context.dry_run;
    match (candidate.target_is_empty && may_copy, usable) {
        (true, _) => Strategy::Copy,
        (false, true) => Strategy::Incremental,
        (false, false) => Strategy::Compare,
    }
}

fn missing(target: &TableName) -> Error {
    Error::Blocked(format!("missing on the target: create {target} there, or exclude it"))
}

/// Which columns travel, and which of them are the key.
fn mapping(
    candidate: &Candidate<'_>,
    target: &Table,
    timestamp: Option<&Timestamp>,
    context: &PlanContext,
) -> Result<TableMapping, Error> {
    let source = candidate.source;
    let there =
        MatchedTarget { table: target, now: target, foreign_keys: &candidate.references.target };
    let Columns { carried: columns, generated } =
        columns::match_columns(source, &there, candidate.rules, context)
            .map_err(|error| candidate.asked_whether_other(error))?;
    let ChosenKey { columns: key, deferrable } = key::choose_key(source, target, &columns);
    let mut columns = key::arrange(columns, &key, timestamp);
    // Where nothing may be set a conflicting row is left as it is.
    let append = candidate.rules.mode == Mode::Append;
    columns.iter_mut().for_each(|column| column.updatable &= !append);
    let drifting = candidate.references.fk_action_columns(candidate.target_name);
    let drifting =
        columns.iter().filter(|column| column.updatable && drifting.contains(&column.name));
    let computed = generated.iter().filter(|_| candidate.computes_otherwise);
    let drifting = drifting.chain(computed);
    Ok(TableMapping {
        source: Relation { view: candidate.view.cloned(), ..Relation::of(source) },
        target: Relation::of(target).as_a_run_leaves_it(
            &target.columns,
            candidate.grown,
            candidate.detaching,
        ),
        own: own(target, &columns),
        drifting: drifting.filter(|_| !key.is_empty()).cloned().collect(),
        columns,
        generated,
        key,
        cannot_arbitrate: deferrable
            || !target.rules.is_empty()
            || target.checks.iter().any(|check| !check.validated),
        hasher: context.hasher,
    })
}

/// Columns that do not travel, but for those that the target computes.
fn own(target: &Table, columns: &[PlanColumn]) -> Vec<Ident> {
    let travels = |name: &Ident| columns.iter().any(|column| &column.name == name);
    let own = target.columns.iter().filter(|column| !column.generated && !travels(&column.name));
    own.map(|column| column.name.clone()).collect()
}

/// What rules ask for that this table cannot have on the target.
fn check_rules(
    candidate: &Candidate<'_>,
    mapping: &TableMapping,
    missing: Option<&MissingKey>,
    context: &PlanContext,
) -> Result<(), Error> {
    let Candidate { source, rules, target_is_empty: is_empty, .. } = *candidate;
    let (keyless, target) = (mapping.key.is_empty(), &mapping.target.name);
    let names = |columns: &[Ident]| {
        let names = columns.iter().map(|column| rules.target_column(column).as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    // A table that was made just now gets its key behind its rows.
    let is_key = |step: &Step| matches!(step.kind, Kind::Key | Kind::Index);
    let will_have_key = !source.keys.is_empty() && candidate.post_data.iter().any(is_key);
    if let Some(columns) = rules.key.as_ref().filter(|_| keyless && !will_have_key) {
        let (names, advice) = (names(columns), missing.map(MissingKey::advice));
        let advice = advice.unwrap_or_else(|| {
            format!(
                "create a unique index on these columns of {target} there, and make them NOT NULL"
            )
        });
        return Err(Error::Blocked(format!(
            "the key ({names}) that its rules name is no unique key without NULLs on the target: {advice}"
        )));
    }
    // An empty one takes all rows.
    if rules.mode == Mode::Append && keyless && !(is_empty && will_have_key) {
        let advice = missing.map_or_else(|| "give it a key".to_owned(), MissingKey::advice);
        return Err(Error::Blocked(format!(
            "the table has no key, so new rows cannot be told from old ones (mode append): {advice}"
        )));
    }
    if rules.strategy == Some(Strategy::Copy) && !is_empty {
        return Err(Error::Blocked(
            "its strategy is copy, and the target holds rows: take out the strategy, or empty the table"
                .to_owned(),
        ));
    }
    masked_before::check(candidate, mapping, context)
}

/// The error of a table that lacks a right on the target, with the rights that are missing on the source: whoever grants one
/// is to hear of all.
pub fn with_rights_of_source(error: Error, source: &Table, context: &PlanContext) -> Error {
    let is_denied =
        |said: &DbError| said.side == Side::Target && said.sqlstate.as_deref() == Some("42501");
    match error {
        Error::Database(mut said) if is_denied(&said) => {
            if let Some(grants) = hints::grants(Side::Source, source, context) {
                let own = said.hint.take().map_or_else(String::new, |hint| format!("{hint}; and "));
                said.hint = Some(format!("{own}on the source: {grants}"));
            }
            Error::Database(said)
        }
        error => error,
    }
}

/// A policy that hides rows would make them look as if they had vanished.
fn check_row_security(source: &Table, target: &Table, context: &PlanContext) -> Result<(), Error> {
    let hidden = [(Side::Source, source), (Side::Target, target)];
    let Some((side, table)) = hidden.into_iter().find(|(_, table)| table.row_security) else {
        return Ok(());
    };
    let grants = hints::grants(side, table, context);
    let grants = grants.map_or_else(String::new, |grants| format!("; {grants}"));
    let hides = format!("row-level security may hide rows from the {side} role");
    // From an owner it hides rows only where it is forced.
    Err(Error::Blocked(if table.owned {
        format!(
            "{hides}, though it owns the table: run there: alter table {} no force row level security",
            table.name.typed()
        )
    } else {
        format!(
            "{hides}: run there as a superuser: alter role {} bypassrls{grants}; or connect as the table's owner, \
             unless the table has FORCE ROW LEVEL SECURITY",
            context.roles.of(side)
        )
    }))
}

/// The target's sequences, each with the one of the source that serves the same column; among them those of columns that
/// become an identity when the rows are there.
fn sequences(source: &Table, target: &Table, post_data: &[Step]) -> Vec<OwnedSequence> {
    let of_source = |there: &Sequence| {
        let same = || source.sequences.iter().filter(|here| here.column == there.column);
        same().find(|here| here.name.name == there.name.name).or_else(|| same().next())
    };
    let numeric = |name: &Ident| {
        let column = target.column(name).filter(|column| column.is_built_in());
        column.is_some_and(|c| matches!(c.type_name.as_str(), "int2" | "int4" | "int8" | "numeric"))
    };
    let is_numbered =
        |column: &Ident| post_data.iter().any(|step| step.numbers.as_ref() == Some(column));
    let new = source.sequences.iter().filter(|here| !here.serial && is_numbered(&here.column));
    let new = new.map(|here| Sequence {
        name: TableName { schema: target.name.schema.clone(), name: here.name.name.clone() },
        readable: true,
        settable: true,
        ..here.clone()
    });
    let new: Vec<Sequence> = new.collect();
    // One that is in the way of a new one goes.
    let stays = |there: &&Sequence| new.iter().all(|new| new.name != there.name);
    let owned = |sequence: &Sequence, is_new| OwnedSequence {
        source_last: of_source(sequence).and_then(|here| here.last),
        numeric: sequence.plain && numeric(&sequence.column),
        sequence: sequence.clone(),
        is_new,
    };
    let kept = target.sequences.iter().filter(stays).map(|sequence| owned(sequence, false));
    kept.chain(new.iter().map(|sequence| owned(sequence, true))).collect()
}

/// The planner's estimate, or a guess from the size where there is none.
fn estimate(source: &Table) -> u64 {
    match source.rows {
        rows if rows > 0.0 => rows as u64,
        _ => source.bytes / 100,
    }
}

/// FNV-1a, 64 bits: a short name for a long list, stable across builds (`DefaultHasher` is not).
/// <https://www.ietf.org/archive/id/draft-eastlake-fnv-17.html>
pub(crate) fn digest(text: &str) -> String {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}
