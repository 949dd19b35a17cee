//! What to try, worded when the table is planned: by then both catalogs are at hand.

use std::collections::BTreeSet;

use crate::error::{DbError, Error, IF_NULLABLE, Side};
use crate::ident::{Ident, TableName};
use crate::plan::masking;
use crate::plan::misfit;
use crate::plan::moves::Moves;
use crate::plan::references::References;
use crate::plan::shown::ShownTable;
use crate::plan::takes_null;
use crate::plan::{Candidate, PlanContext, Roles, TablePlan};
use crate::rules::TableRules;
use crate::table::{Check, ForeignKey, Key, Table};

/// The right that makes most of what follows unnecessary.
pub(super) fn replica(roles: &Roles) -> String {
    if roles.target_grants_parameters {
        format!(
            "run on the target as a superuser: grant set on parameter session_replication_role to {}",
            roles.target
        )
    } else {
        "connect to the target as a superuser".to_owned()
    }
}

/// Why values that come do not keep a constraint on these columns of the target, and what to do about it but to drop it.
pub(super) fn broken_by<'n>(
    columns: impl IntoIterator<Item = &'n Ident>,
    rules: &TableRules,
) -> String {
    let columns: BTreeSet<&Ident> = columns.into_iter().collect();
    let masked = rules.mask.keys().filter(|own| columns.contains(rules.target_column(own)));
    let places: Vec<String> = masked.map(|own| masking::place(rules, own)).collect();
    if places.is_empty() {
        return "rows of the source break it: leave them out with a where".to_owned();
    }
    format!("masked values break it: choose another mask ({})", places.join(", "))
}

/// What is said where only the target has the constraint, before the statement that drops it.
pub(super) fn not_of_the_source<'n>(
    columns: impl IntoIterator<Item = &'n Ident>,
    rules: &TableRules,
) -> String {
    let broken = broken_by(columns, rules);
    format!("only the target has this constraint, and {broken}, or run on the target")
}

const OTHER_PARTITIONS: &str =
    "the target is partitioned otherwise than the source: attach a partition for such rows there";

/// What to try when a statement fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    pub(super) trouble: Trouble,
    pub(super) text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// A right is missing on this side.
    Denied(Side),
    /// This constraint or unique index of the target is violated.
    Violated(Ident),
    /// The target's partitions have no place for a row.
    Unplaced,
    /// This column of the target takes no NULL.
    Null(Ident),
    /// A value is too long for this column of the target.
    TooLong(Ident),
    /// A function of the target names a function or a table without its schema, and the search path does not lead there.
    Unfound,
    /// Two rows have one key, in a batch or in a table whose key is created when its rows are there.
    Repeated,
}

impl Remedy {
    /// What is said where a value is too long for a column that could get another type.
    pub fn of_length(&mut self) -> Option<&mut String> {
        matches!(self.trouble, Trouble::TooLong(_)).then_some(&mut self.text)
    }

    /// What to try, if the error is the one that this is for.
    fn helps(&self, error: &DbError) -> Option<&str> {
        let fits = match &self.trouble {
            Trouble::Denied(side) => {
                error.side == *side && error.sqlstate.as_deref() == Some("42501")
            }
            Trouble::Unplaced => {
                error.side == Side::Target
                    && error.sqlstate.as_deref() == Some("23514")
                    && error.constraint.is_none()
            }
            Trouble::Violated(name) => error.constraint.as_deref() == Some(name.as_str()),
            Trouble::Null(column) => {
                let place = format!("null value in column \"{}\" ", column.as_str());
                error.side == Side::Target
                    && error.sqlstate.as_deref() == Some("23502")
                    && error.message.starts_with(&place)
            }
            Trouble::TooLong(column) => {
                let place = format!(" in column {}", column.as_str());
                error.side == Side::Target
                    && error.sqlstate.as_deref() == Some("22001")
                    && error.message.ends_with(&place)
            }
            Trouble::Unfound => {
                // What pgsync names itself has a schema.
                error.side == Side::Target
                    && matches!(error.sqlstate.as_deref(), Some("42883" | "42P01"))
                    && !error.message.contains('.')
            }
            Trouble::Repeated => match error.sqlstate.as_deref() {
                Some("21000") => error.side == Side::Target,
                Some("23505") => error.action.starts_with("creating "),
                _ => false,
            },
        };
        fits.then_some(&self.text)
    }
}

impl TablePlan {
    /// The error with what to try, where nobody has said it better. One right alone may not be enough, and the server names
    /// a table without its schema: here all rights that are missing are known.
    pub fn add_hint(&self, error: Error) -> Error {
        let Error::Database(mut error) = error else { return error };
        let table = match error.side {
            Side::Source => &self.mapping.source.name,
            Side::Target => &self.mapping.target.name,
        };
        let names = [table.typed(), table.name.typed()].map(|name| format!(" on table {name} to "));
        let schema = format!(" on schema {} to ", table.schema.typed());
        // The third one is for somebody who has written the statement.
        let poor = [
            "grant temporary on ",
            "Ensure that no rows proposed for insertion ",
            "No function matches the given name",
            IF_NULLABLE,
        ];
        let is_poor = |hint: &str| {
            let is_own = names.iter().chain([&schema]).any(|place| hint.contains(place));
            is_own || poor.iter().any(|poor| hint.starts_with(poor))
        };
        if error.hint.as_deref().is_none_or(is_poor) {
            let helpful = self.remedies.iter().find_map(|remedy| remedy.helps(&error));
            let helpful = helpful.map(str::to_owned).or_else(|| violated_check(&error, table));
            error.hint = helpful.or(error.hint);
        }
        Error::Database(error)
    }

    /// The error of a placeholder that some constraint does not take. Whatever that says about the
    /// constraint, the rows of the source do keep it.
    pub fn cannot_displace(&self, error: Error) -> Error {
        let Error::Database(mut error) = error else { return error };
        let displaced = !error.is_transient() && error.hint.is_none();
        let text = || {
            // A placeholder is no value of the source: but for that values are alike, nothing that it breaks tells.
            let is_alike = error.sqlstate.as_deref() == Some("23505");
            let helpful = self.remedies.iter().find_map(|remedy| remedy.helps(&error));
            let helpful = helpful.filter(|_| is_alike).map(str::to_owned);
            helpful.unwrap_or_else(|| self.moves.hint.clone())
        };
        error.hint = displaced.then(text).or(error.hint);
        Error::Database(error)
    }

    /// Blames tables that have no plan for violated foreign keys from or to them, whatever else may be wrong.
    pub fn blame(&mut self, unplanned: &[TableName], references: &References) {
        let own = &self.name;
        let blamed = references.target.iter().filter_map(|key| {
            let other = match (&key.child == own, &key.parent == own) {
                (true, _) => &key.parent,
                (_, true) => &key.child,
                _ => return None,
            };
            let text = unplanned.contains(other).then(|| not_in_sync(other))?;
            Some(Remedy { trouble: Trouble::Violated(key.name.clone()), text })
        });
        self.remedies.splice(0..0, blamed);
    }

    /// Why rows with another identity than before cannot be written.
    pub fn stuck_rows(&self, rows: u64) -> Error {
        let names: Vec<&str> = self.mapping.identities().map(Ident::as_str).collect();
        let alter =
            |name: &Ident| format!("alter column {} set generated by default", name.typed());
        let alter: Vec<String> = self.mapping.identities().map(alter).collect();
        Error::Blocked(format!(
            "{rows} {verb} another value in \"{}\", which is GENERATED ALWAYS on the target, and cannot be deleted and \
             inserted again because a foreign key would act on other rows: {}; or run on the target: alter table {table} {}, \
             and let runs leave that so (-set {rule}.ddl=none)",
            names.join("\", \""),
            replica(&self.roles),
            alter.join(", "),
            table = self.mapping.target.name.typed(),
            verb = if rows == 1 { "row has" } else { "rows have" },
            rule = self.mapping.source.name,
        ))
    }
}

/// What to try where a row violates a check of the target's table, or of a domain of it, of which nothing is known here.
fn violated_check(error: &DbError, table: &TableName) -> Option<String> {
    let name = error.constraint.as_ref().filter(|_| error.sqlstate.as_deref() == Some("23514"))?;
    let name = Ident::new(name.clone()).typed();
    let domain = error.message.strip_prefix("value for domain ");
    let domain = domain.and_then(|rest| rest.split_once(" violates ")).map(|(domain, _)| domain);
    let drop = match domain {
        Some(domain) => format!("alter domain {domain} drop constraint {name}"),
        None => format!("alter table {} drop constraint {name}", table.typed()),
    };
    let is_of_target = error.side == Side::Target;
    is_of_target.then(|| {
        format!(
            "the source does not have this constraint, has another one of its name, or has rows that break it: to bring \
             them, run on the target: {drop}"
        )
    })
}

/// Of rows that refer to nothing, which a file may hold.
const OF_THE_FILE: &str = "if the file itself lacks the row that is referred to, PRAGMA foreign_key_check lists such rows of it; otherwise, ";

/// Of keys that a file tells apart, and the target does not.
const SAME_KEY: &str = "two rows of the file have one and the same key or unique value on the target, as the number 6 \
                        and the text '6' have: change or delete one of them (-verbose shows the value)";

const READS: &[&str] = &["usage", "select"];
const WRITES: &[&str] = &["usage", "select", "insert", "update", "delete"];

/// The grants of the rights that the role lacks on a table of this side.
pub(super) fn grants(side: Side, table: &Table, context: &PlanContext) -> Option<String> {
    let only_reads = side == Side::Source || context.only_compares;
    let needed = if only_reads { READS } else { WRITES };
    denied(side, table, needed, None, context).map(|remedy| remedy.text)
}

/// What to try for each failure that rights, partitions, constraints and unique indexes may cause.
pub fn remedies(
    candidate: &Candidate<'_>,
    target: &Table,
    moves: &Moves,
    context: &PlanContext,
) -> Vec<Remedy> {
    let columns = column_grant(candidate.source, candidate.rules, context.roles.of(Side::Source));
    let columns = columns.map(|grant| format!("; or {grant}"));
    let denied = [
        denied(Side::Source, candidate.source, READS, None, context)
            .map(|remedy| Remedy { text: remedy.text + &columns.unwrap_or_default(), ..remedy }),
        denied(
            Side::Target,
            target,
            if context.only_compares { READS } else { WRITES },
            context.needs_temporary.as_deref(),
            context,
        ),
    ];
    let (references, rules) = (candidate.references, candidate.rules);
    let roles = &context.roles;
    let keys = references.target.iter();
    let keys = keys.filter(|key| key.child == target.name || key.parent == target.name);
    let keys = keys.map(|key| {
        let text = reference(key, &target.name, references, roles);
        let text = if context.local { format!("{OF_THE_FILE}{text}") } else { text };
        Remedy { trouble: Trouble::Violated(key.name.clone()), text }
    });
    let unplaced = target.partitioned.then(|| Remedy {
        trouble: Trouble::Unplaced,
        text: candidate.lost_partition.map_or_else(|| other_partitions(rules), str::to_owned),
    });
    let same_keys = target.keys.iter().map(|key| Trouble::Violated(key.index.clone()));
    let same_keys = same_keys.chain([Trouble::Repeated]).filter(|_| context.local);
    let same_keys = same_keys.map(|trouble| Remedy { trouble, text: SAME_KEY.to_owned() });
    let of_target =
        unplaced.into_iter().chain(keys).chain(moves.remedies.iter().cloned()).chain(same_keys);
    let of_target = of_target.chain(other_keys(candidate, target));
    let checks = checks(candidate, target).filter(|_| !context.local);
    let of_target = of_target.chain(checks);
    let of_target = of_target.chain([unfound(target, roles)]);
    let of_target = of_target.chain(too_short(candidate, target));
    let of_target = of_target.chain(no_null(candidate, target));
    let differing = candidate.differing.iter().map(|part| Remedy {
        trouble: Trouble::Violated(part.name.clone()),
        text: part.text.clone(),
    });
    denied.into_iter().flatten().chain(differing).chain(of_target).collect()
}

/// What to try where the body of a function names something without its schema.
fn unfound(target: &Table, roles: &Roles) -> Remedy {
    let schema = target.name.schema.typed();
    let path = if schema == "public" { schema } else { format!("{schema}, public") };
    Remedy {
        trouble: Trouble::Unfound,
        text: format!(
            "a function that the table uses names it without a schema, and the search_path of the role does not lead to it: run \
             on the target: alter role {} in database {} set search_path = {path}",
            roles.target, roles.target_database
        ),
    }
}

/// What to try where the target has no partition for a row.
fn other_partitions(rules: &TableRules) -> String {
    let reset = if misfit::may_ask_for_reset(rules) { ", or use -ddl reset" } else { "" };
    format!("{OTHER_PARTITIONS}{reset}")
}

/// What to try where rows violate a primary key that the source does not have.
fn other_keys<'t>(
    candidate: &Candidate<'t>,
    target: &'t Table,
) -> impl Iterator<Item = Remedy> + 't {
    let (source, rules) = (candidate.source, candidate.rules);
    let columns = |key: &Key| -> BTreeSet<Ident> {
        key.columns.iter().map(|column| column.name.clone()).collect()
    };
    let is_other =
        move |key: &&Key| key.primary && source.keys.iter().all(|own| columns(own) != columns(key));
    target.keys.iter().filter(is_other).map(|key| Remedy {
        trouble: Trouble::Violated(key.index.clone()),
        text: format!(
            "{}: alter table {} drop constraint {}",
            not_of_the_source(key.columns.iter().map(|column| &column.name), rules),
            target.name.typed(),
            key.index.typed()
        ),
    })
}

/// What to try where a value is too long for a column that the source has longer.
fn too_short<'t>(
    candidate: &Candidate<'t>,
    target: &'t Table,
) -> impl Iterator<Item = Remedy> + 't {
    let source = candidate.source;
    target.columns.iter().filter_map(move |there| {
        let here = source.column(&there.name).filter(|here| here.type_text != there.type_text)?;
        let (name, kind) = (there.name.typed(), here.typed());
        let alter = match &target.of_type {
            Some(of) => format!("alter type {of} alter attribute {name} type {kind} cascade"),
            None => {
                format!("alter table {} alter column {name} type {kind}", target.name.typed())
            }
        };
        let text =
            format!("the source has the column as {}: run on the target: {alter}", here.type_text);
        Some(Remedy { trouble: Trouble::TooLong(there.name.clone()), text })
    })
}

/// What to try where a column takes NULL on the source only.
fn no_null<'t>(candidate: &Candidate<'t>, target: &'t Table) -> impl Iterator<Item = Remedy> + 't {
    let (source, keys) = (candidate.source, &candidate.references.target);
    target.columns.iter().filter(|there| there.not_null).filter_map(move |there| {
        source.column(&there.name).filter(|here| !here.not_null)?;
        let run = takes_null::statements(target, there, keys, &[]);
        let text = format!("the column takes NULL on the source: run on the target: {run}");
        Some(Remedy { trouble: Trouble::Null(there.name.clone()), text })
    })
}

/// What to try where a row violates a check of the target.
fn checks<'t>(candidate: &Candidate<'t>, target: &'t Table) -> impl Iterator<Item = Remedy> + 't {
    let (source, rules) = (candidate.source, candidate.rules);
    let is_masked = |check: &Check| {
        rules.mask.keys().any(|own| check.columns.contains(rules.target_column(own)))
    };
    target.checks.iter().map(move |check| {
        let drop = format!(
            "alter table {} drop constraint {}",
            target.name.typed(),
            check.name.typed()
        );
        let text = match source.checks.iter().find(|other| other.name == check.name) {
            None => format!("{}: {drop}", not_of_the_source(&check.columns, rules)),
            Some(_) if is_masked(check) => broken_by(&check.columns, rules),
            Some(same) if same.validated => format!(
                "the source's check of this name is another one, or it calls another function: to drop that of the target, \
                 run on the target: {drop}"
            ),
            Some(_) => format!(
                "the constraint is NOT VALID on the source, whose rows need not keep it: leave such rows out with a where, \
                 or run on the target: {drop}; if pgsync has created the table, the next run adds it after the rows"
            ),
        };
        Remedy { trouble: Trouble::Violated(check.name.clone()), text }
    })
}

fn denied(
    side: Side,
    table: &Table,
    needed: &[&str],
    more: Option<&str>,
    context: &PlanContext,
) -> Option<Remedy> {
    let lacks = table.missing_privileges.iter().chain(&table.partial_privileges);
    let is_lacking = |right: &&str| lacks.clone().any(|lack| lack == right);
    let lacking: Vec<&str> = needed.iter().copied().filter(is_lacking).collect();
    if lacking.is_empty() && more.is_none() {
        return None;
    }
    let (of_schema, of_table): (Vec<&str>, _) =
        lacking.iter().partition(|right| **right == "usage");
    let schema = format!("schema {}", table.name.schema.typed());
    let role = context.roles.of(side);
    let grants: Vec<String> = [(of_schema, schema), (of_table, table.name.typed())]
        .into_iter()
        .filter(|(rights, _)| !rights.is_empty())
        .map(|(rights, on)| format!("{} on {on}", rights.join(", ")))
        .chain(more.map(str::to_owned))
        .map(|right| format!("grant {right} to {role}"))
        .collect();
    Some(Remedy { trouble: Trouble::Denied(side), text: grants.join("; ") })
}

/// The grant of those columns of a source's table that a run reads and the role may not, where it may read others.
/// `shown` has the columns by the names that rules give them.
pub fn column_grant(shown: &Table, rules: &TableRules, role: &str) -> Option<String> {
    let hidden: Vec<String> = hidden(shown, rules).map(Ident::typed).collect();
    let (names, table) = (hidden.join(", "), shown.name.typed());
    (!hidden.is_empty()).then(|| format!("grant select ({names}) on {table} to {role}"))
}

/// Whether the role may read all columns of a source's table that travel.
pub fn is_readable(shown: &ShownTable<'_>) -> bool {
    shown.table.is_readable() && hidden(&shown.table, &shown.rules).all(|c| c.as_str() == "ctid")
}

/// Columns that a run reads and the role may not, by their names on the source.
pub fn hidden<'t>(shown: &'t Table, rules: &'t TableRules) -> impl Iterator<Item = &'t Ident> {
    let is_read = move |own: &&Ident| {
        own.as_str() == "ctid" || shown.column(rules.target_column(own)).is_some()
    };
    shown.hidden_columns.iter().filter(is_read)
}

/// What to try where a filter leaves out rows to which others refer.
fn of_filters(key: &ForeignKey, own: &TableName, references: &References) -> Option<String> {
    let fitting = references.where_for_child(key);
    let fitting = fitting.map_or_else(String::new, |own| format!(", such as: {own}"));
    if references.filtered.contains_key(&key.parent) && references.filtered.contains_key(&key.child)
    {
        let (child, parent) = (&key.child, &key.parent);
        return Some(if child == own {
            format!(
                "the where of {parent} leaves out rows to which rows of {child} refer: change the where of {child}{fitting}"
            )
        } else {
            format!(
                "{child} was not brought in sync in this run, or its where and that of {parent} do not fit together"
            )
        });
    }
    if references.filtered.contains_key(&key.parent) {
        return Some(format!(
            "the filter (where) of {} leaves out rows to which rows of {} refer: filter both alike{fitting}",
            key.parent, key.child
        ));
    }
    None
}

/// What to try where a foreign key from or to `outside`, which is not in the run, stops the table `own`.
fn of_outside(
    key: &ForeignKey,
    own: &TableName,
    references: &References,
    outside: &TableName,
) -> String {
    if key.parent == *own {
        return format!(
            "rows of {outside}, which is not part of this run, refer to rows that the run deletes (-verbose shows one): {}",
            references.way_out(key)
        );
    }
    let source = references.source_name(outside);
    let (include, known) = if !references.is_on_the_source(key) {
        (String::new(), ", which the source does not have")
    } else if source == outside {
        ("include it, or ".to_owned(), "")
    } else {
        (format!("include {source}, or "), "")
    };
    format!(
        "{outside} is not part of this run: {include}add the missing rows to it on the target (-verbose shows one); to give \
         up the foreign key{known}, run on the target: alter table {} drop constraint {}",
        key.child.typed(),
        key.name.typed()
    )
}

fn not_in_sync(table: &TableName) -> String {
    format!("{table} is not in sync: fix what stopped it, and run again")
}

/// What to try where a foreign key stops the table `own`.
fn reference(key: &ForeignKey, own: &TableName, references: &References, roles: &Roles) -> String {
    let drop = format!("alter table {} drop constraint {}", key.child.typed(), key.name.typed());
    if let Some(outside) = references.outside(key) {
        return of_outside(key, own, references, outside);
    }
    if references.outlives(key) && key.parent == *own {
        return references.way_out(key);
    }
    if let Some(text) = of_filters(key, own, references) {
        return text;
    }
    if references.is_not_valid_on_the_source(key) {
        let otherwise = if key.validated {
            "make it NOT VALID on the target, too".to_owned()
        } else {
            replica(roles)
        };
        return format!(
            "the constraint is NOT VALID on the source, whose rows need not keep it: fix them there, or {otherwise}"
        );
    }
    let other = if key.child == *own { &key.parent } else { &key.child };
    // The server looks at a deferrable one when all tables of a circle are written. A key that source and rules do not keep is
    // checked in any role.
    let is_known = references.is_on_the_source(key);
    let circle = (references.closes_a_circle(key) && !key.deferrable).then(|| {
        let unchecked = (references.is_sound(key) && !references.replica_role)
            .then(|| format!(", or {}", replica(roles)));
        let unchecked = unchecked.unwrap_or_default();
        format!(
            "{child} and {parent} refer to each other, through other tables or not: run on the target: alter table {typed} \
             alter constraint {name} deferrable{unchecked}",
            child = key.child,
            parent = key.parent,
            typed = key.child.typed(),
            name = key.name.typed(),
        )
    });
    if is_known {
        return circle.unwrap_or_else(|| not_in_sync(other));
    }
    let cause = circle.unwrap_or_else(|| format!("if {other} failed in this run, fix that first"));
    if key.child != *own {
        return format!(
            "{cause}; otherwise, rows of {} on the source still refer to rows that it has no more: change or delete these rows \
             there, or leave them out with a where; or give up the constraint, which only the target has: run on the target: {drop}",
            references.source_name(other)
        );
    }
    format!(
        "{cause}; if rows of the source break this constraint, which only the target has: leave them out with a where, or \
         run on the target: {drop}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgsync_names_itself_is_no_name_in_the_body_of_a_function() {
        let remedy = Remedy { trouble: Trouble::Unfound, text: "set search_path".to_owned() };
        let cases = [
            (Side::Target, "function norm(text) does not exist", true),
            (Side::Target, "relation \"rate\" does not exist", true),
            (Side::Target, "relation \"public.item\" does not exist", false),
            (Side::Target, "function public.norm(text) does not exist", false),
            (Side::Source, "function norm(text) does not exist", false),
        ];
        for (side, message, helps) in cases {
            let Error::Database(error) = Error::denied(side, "writing", message.to_owned()) else {
                unreachable!("an error of a database");
            };
            let error = DbError { sqlstate: Some("42883".to_owned()), ..*error };
            assert_eq!(remedy.helps(&error).is_some(), helps, "{side}: {message}");
        }
    }
}
