//! Where a table failed, the tables around it were brought to another moment than its own; and a source may hold
//! rows that its own foreign keys do not allow. Foreign keys that nothing checked are looked at then: rows that refer
//! to what is not there are no success.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::context::Round;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::plan::TablePlan;
use crate::plan::references::References;
use crate::sql::displace::dangling;
use crate::table::ForeignKey;

/// Turns the success of every table whose rows refer to no row of their parent into a failure. `failed` are the tables that
/// could not even be planned.
pub async fn check(
    round: &Round,
    plans: &[Arc<TablePlan>],
    references: &References,
    outcomes: &mut [TableOutcome],
    failed: &[TableOutcome],
) {
    let all = || outcomes.iter().chain(failed);
    let broken: Vec<TableName> = all()
        .filter(|outcome| outcome.status != Status::Success)
        .map(|outcome| round.settings.target_name_of(&outcome.table))
        .collect();
    let doubtful = |key: &&ForeignKey| broken.contains(&key.child) || broken.contains(&key.parent);
    // What was not read is as it was when it was looked at.
    let read: Vec<TableName> = plans
        .iter()
        .filter(|plan| round.source.may_have_orphans() && plan.is_source_read())
        .map(|plan| round.settings.target_name_of(&plan.name))
        .collect();
    let unknown = |key: &ForeignKey| read.contains(&key.child) || read.contains(&key.parent);
    let keys = references.trusted().filter(|key| doubtful(key) || unknown(key));
    let keys: Vec<&ForeignKey> = keys.collect();
    if keys.is_empty() {
        return;
    }
    for key in (Check { round, failed: &broken }).broken_keys(&keys).await {
        let error = Error::Blocked(words(key, &broken));
        let is_child = |outcome: &&mut TableOutcome| {
            round.settings.target_name_of(&outcome.table) == key.child
        };
        match outcomes.iter_mut().find(is_child) {
            Some(outcome) if outcome.status == Status::Success => {
                round.retract(outcome, error).await;
            }
            _ => warn(round, Some(key.child.clone()), error.to_string()),
        }
    }
}

const LOCK_NOT_AVAILABLE: &str = "55P03";

/// A look at foreign keys.
struct Check<'a> {
    round: &'a Round,
    /// Tables that failed, by their names on the target.
    failed: &'a [TableName],
}

impl Check<'_> {
    /// Those of the keys that some row does not keep. Names those that cannot be looked at.
    async fn broken_keys<'k>(&self, keys: &[&'k ForeignKey]) -> Vec<&'k ForeignKey> {
        match look(self.round, keys).await {
            Ok(broken) => return broken,
            Err(error) if error.sqlstate() == Some(LOCK_NOT_AVAILABLE) => {
                return self.beside_locked(keys).await;
            }
            Err(error) if error.sqlstate().is_none() => {
                self.warn_unchecked(keys, &error.to_string());
                return Vec::new();
            }
            Err(_) => {}
        }
        // What the role may not read stands in the way of no other.
        let mut broken = Vec::new();
        let mut unread: BTreeMap<String, Vec<&ForeignKey>> = BTreeMap::new();
        for key in keys {
            match look(self.round, &[key]).await {
                Ok(found) => broken.extend(found),
                Err(error) => unread.entry(error.to_string()).or_default().push(key),
            }
        }
        unread.iter().for_each(|(why, keys)| self.warn_unchecked(keys, why));
        broken
    }

    /// The same without those of tables that others lock, which are named: each would wait for the same lock again.
    async fn beside_locked<'k>(&self, keys: &[&'k ForeignKey]) -> Vec<&'k ForeignKey> {
        let schemas = self.round.settings.target_schemas();
        let held = self.round.target.control.held(&schemas).await.unwrap_or_default();
        let is_held = |name: &TableName| held.iter().any(|one| one.name == *name);
        let (locked, others): (Vec<&ForeignKey>, Vec<&ForeignKey>) =
            keys.iter().partition(|key| is_held(&key.child) || is_held(&key.parent));
        if locked.is_empty() {
            warn(self.round, None, unchecked(keys, &[]));
            return Vec::new();
        }
        let tables: BTreeSet<&TableName> =
            locked.iter().flat_map(|key| [&key.child, &key.parent]).collect();
        let tables: Vec<&TableName> = tables.into_iter().filter(|name| is_held(name)).collect();
        warn(self.round, None, unchecked(&locked, &tables));
        if others.is_empty() { Vec::new() } else { Box::pin(self.broken_keys(&others)).await }
    }

    /// Says which keys were not checked, and why. What a failed table has or refers to is not in sync anyway.
    fn warn_unchecked(&self, keys: &[&ForeignKey], why: &str) {
        let failed = |table: &TableName| self.failed.contains(table);
        let keys = keys.iter().filter(|key| !failed(&key.child) && !failed(&key.parent));
        let keys: Vec<&ForeignKey> = keys.copied().collect();
        let Some(first) = keys.first() else { return };
        let child = keys.iter().all(|key| key.child == first.child).then(|| first.child.clone());
        let (noun, verb) = if keys.len() == 1 { ("key", "was") } else { ("keys", "were") };
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        let text = format!("the foreign {noun} {} {verb} not checked: {why}", names.join(", "));
        warn(self.round, child, text);
    }
}

/// Says that nobody knows whether rows keep these, because the tables are locked.
fn unchecked(keys: &[&ForeignKey], locked: &[&TableName]) -> String {
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    let (noun, verb) = if names.len() == 1 { ("key", "was") } else { ("keys", "were") };
    let locked = match locked {
        [] => "a table".to_owned(),
        locked => locked.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    format!(
        "the foreign {noun} {} {verb} not checked, because somebody else holds a lock on {locked} of the target: run pgsync \
         again when the lock is released",
        names.join(", ")
    )
}

async fn look<'k>(round: &Round, keys: &[&'k ForeignKey]) -> Result<Vec<&'k ForeignKey>> {
    let statement = dangling(keys);
    let rows = round.target.on_control_session("checking foreign keys", &statement).await?;
    let mut broken = Vec::new();
    for row in rows.iter().flatten() {
        let number = usize::try_from(row.count(0)?).ok();
        broken.extend(number.and_then(|number| keys.get(number)));
    }
    Ok(broken)
}

fn words(key: &ForeignKey, broken: &[TableName]) -> String {
    let (parent, name) = (&key.parent, key.name.as_str());
    let failed = [parent, &key.child].into_iter().find(|table| broken.contains(table));
    let Some(failed) = failed else {
        return format!(
            "rows refer to rows of {parent} that are not there (foreign key \"{name}\"), and the source does not have \
             those either: PRAGMA foreign_key_check lists them there"
        );
    };
    format!(
        "rows refer to rows of {parent} that are not there (foreign key \"{name}\"), because {failed} failed: fix \
         {failed} and run again"
    )
}

fn warn(round: &Round, table: Option<TableName>, text: String) {
    round.events.send(Event::Note(Note { table, text, level: NoteLevel::Warning }));
}
