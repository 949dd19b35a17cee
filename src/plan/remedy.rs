//! What to try, worded when the table is planned: by then both catalogs are at hand.

use crate::error::{DbError, Error, Side};
use crate::ident::{Ident, TableName};
use crate::plan::references::References;
use crate::plan::{Candidate, Ground, TablePlan};
use crate::table::{ForeignKey, Table};

/// The right that makes most of what follows unnecessary.
const REPLICA: &str = "let the target role set session_replication_role (a superuser, or GRANT SET ON \
                       PARAMETER from PostgreSQL 15 on)";

/// What to try when a statement fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    trouble: Trouble,
    text: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Trouble {
    /// A right is missing on this side.
    Denied(Side),
    /// This constraint or unique index of the target is violated.
    Violated(Ident),
}

impl Remedy {
    pub fn helps(&self, error: &DbError) -> Option<&str> {
        let fits = match &self.trouble {
            Trouble::Denied(side) => {
                error.side == *side && error.sqlstate.as_deref() == Some("42501")
            }
            Trouble::Violated(name) => error.constraint.as_deref() == Some(name.as_str()),
        };
        fits.then_some(&self.text)
    }
}

impl TablePlan {
    /// The error with what to try, where the server did not say it.
    pub fn advise(&self, error: Error) -> Error {
        let Error::Database(mut error) = error else { return error };
        let helpful = || self.remedies.iter().find_map(|remedy| remedy.helps(&error));
        error.hint = error.hint.clone().or_else(|| helpful().map(str::to_owned));
        Error::Database(error)
    }

    /// The error of a placeholder that some constraint does not take. Whatever that says about the
    /// constraint, the rows of the source do keep it.
    pub fn cannot_park(&self, error: Error) -> Error {
        let Error::Database(mut error) = error else { return error };
        let parked = !error.is_transient() && error.hint.is_none();
        error.hint = parked.then(not_aside).or(error.hint);
        Error::Database(error)
    }
}

fn not_aside() -> String {
    format!("a value moved between rows and could not be put aside: {REPLICA}")
}

pub fn remedies(candidate: &Candidate<'_>, target: &Table, ground: &Ground) -> Vec<Remedy> {
    let denied = [
        denied(Side::Source, candidate.source, &["select"], None),
        denied(
            Side::Target,
            target,
            &["select", "insert", "update", "delete"],
            ground.needs_temporary.as_deref(),
        ),
    ];
    let references = candidate.references;
    let keys = references.target.iter();
    let keys = keys.filter(|key| key.child == target.name || key.parent == target.name);
    let keys = keys.map(|key| Remedy {
        trouble: Trouble::Violated(key.name.clone()),
        text: reference(key, &target.name, references),
    });
    let uniques = target.uniques.iter().map(|unique| Remedy {
        trouble: Trouble::Violated(unique.name.clone()),
        text: match ground.deletes {
            true => not_aside(),
            false => {
                "a row that vanished from the source may hold the value: leave out -no-deletes"
                    .to_owned()
            }
        },
    });
    denied.into_iter().flatten().chain(keys).chain(uniques).collect()
}

fn denied(side: Side, table: &Table, needed: &[&str], more: Option<&str>) -> Option<Remedy> {
    let lacking: Vec<&str> = needed
        .iter()
        .copied()
        .filter(|right| table.lacks.iter().any(|lack| lack == right))
        .collect();
    let grant = (!lacking.is_empty()).then(|| format!("{} on {}", lacking.join(", "), table.name));
    let grants: Vec<String> = grant.into_iter().chain(more.map(str::to_owned)).collect();
    (!grants.is_empty()).then(|| Remedy {
        trouble: Trouble::Denied(side),
        text: format!("grant {} to the {side} role", grants.join(" and ")),
    })
}

/// What to try where a foreign key stops the table `own`.
fn reference(key: &ForeignKey, own: &TableName, references: &References) -> String {
    if let Some(outside) = references.outside(key) {
        return format!("{outside} is not part of this run: include it, or drop the constraint");
    }
    if !references.is_sound(key) {
        return "the source does not have this constraint, and its rows do not keep it: mend them, or \
                drop the constraint"
            .to_owned();
    }
    if references.closes_a_circle(key) {
        return format!(
            "tables that refer to each other need a DEFERRABLE constraint, or {REPLICA}"
        );
    }
    let other = if key.child == *own { &key.parent } else { &key.child };
    format!("{other} is not in step: mend what stopped it, and run again")
}
