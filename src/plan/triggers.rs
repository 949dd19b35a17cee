//! Triggers and rules of the target, which must not write into the copy.

use crate::error::Error;
use crate::plan::PlanContext;
use crate::plan::hints::replica;
use crate::plan::references::{Checked, References};
use crate::table::{Fires, Table, Trigger};

/// The triggers that would fire and must not, where something is written outside of the replica role.
pub fn to_disable(
    target: &Table,
    references: &References,
    context: &PlanContext,
) -> Result<Vec<Trigger>, Error> {
    let checked = references.checked(&target.name);
    if context.only_compares {
        return Ok(Vec::new());
    }
    no_rules(target, checked, context)?;
    if !checked.deletes || context.fire_triggers {
        return Ok(Vec::new());
    }
    let firing = target.triggers.iter().filter(|trigger| trigger.fires == Fires::Origin);
    let firing: Vec<Trigger> = firing.cloned().collect();
    if let Some(trigger) = firing.iter().find(|trigger| trigger.internal) {
        return Err(Error::Blocked(format!(
            "the target's trigger \"{}\" would fire on rows copied into {}, and before PostgreSQL 13 \
             only a superuser can disable it on a partition: connect as one, or let triggers fire \
             with -fire-triggers",
            trigger.name.as_str(),
            trigger.on
        )));
    }
    if firing.is_empty() || target.owned {
        // To disable one takes a lock that waits for whoever writes.
        return Ok(if context.dry_run { Vec::new() } else { firing });
    }
    let trigger = firing[0].name.as_str();
    // With the right to set it, the role would have to leave it as it is.
    let checks = references.named_checks(&target.name);
    if !checks.is_empty() {
        let way_out = match checks.as_slice() {
            [only] => only.way_out.as_ref().filter(|_| context.replica_role),
            _ => None,
        };
        let way_out = way_out.map_or_else(String::new, |way_out| format!("; or {way_out}"));
        let checks: Vec<String> = checks.into_iter().map(|check| check.text).collect();
        return Err(Error::Blocked(format!(
            "the target's trigger \"{trigger}\" would fire on copied rows, and {} may not disable it; session_replication_role \
             does not help, because it also switches off foreign keys, and the server has to check {}; connect as the \
             table's owner; or use -fire-triggers, if the trigger changes no copied value{way_out}",
            context.roles.target,
            checks.join(", ")
        )));
    }
    Err(Error::Blocked(format!(
        "triggers of the target would fire on copied rows, and the role may not prevent it: connect as the table's owner, \
         or {}; or use -fire-triggers, if triggers change no copied value",
        replica(&context.roles)
    )))
}

/// A rule would rewrite our statements into others.
fn no_rules(target: &Table, checked: Checked, context: &PlanContext) -> Result<(), Error> {
    let fires = |fires: Fires| match fires {
        Fires::Always => true,
        Fires::Origin => checked.deletes,
        Fires::Replica => !checked.writes,
        Fires::Never => false,
    };
    let Some(rule) = target.rules.iter().find(|rule| fires(rule.fires)) else { return Ok(()) };
    let (table, name) = (target.name.typed(), rule.name.typed());
    let mut text = format!(
        "the target's rule \"{}\" would rewrite what is written: run on the target: alter table {table} disable rule {name}",
        rule.name.as_str(),
    );
    if rule.fires == Fires::Origin && !context.replica_role {
        text.push_str(&format!("; or {}", replica(&context.roles)));
    }
    Err(Error::Blocked(text))
}

/// The names of triggers that fire all the same, because their owner said so or the run is asked to let
/// them.
pub fn firing(target: &Table, checked: Checked, context: &PlanContext) -> Vec<String> {
    let fires = |trigger: &&Trigger| match trigger.fires {
        Fires::Always => true,
        Fires::Replica => !checked.writes && !context.fire_triggers,
        Fires::Origin => context.fire_triggers,
        Fires::Never => false,
    };
    let firing = target.triggers.iter().filter(fires);
    let mut names: Vec<String> = firing.map(|trigger| trigger.name.as_str().to_owned()).collect();
    names.dedup();
    names
}

/// Says that triggers fire; with -fire-triggers in the same words of each table.
pub fn notes(firing: &[String], context: &PlanContext) -> Vec<String> {
    if firing.is_empty() {
        return Vec::new();
    }
    if context.fire_triggers {
        let note = "triggers of the target fire, as -fire-triggers asks: the table is compared in each run, and fails if a \
                    trigger changes what was copied";
        return vec![note.to_owned()];
    }
    let note = |name: &String| {
        format!(
            "the target's trigger \"{name}\" is enabled ALWAYS or for replicas, so it fires on what is copied: the table is \
             compared in each run, and fails if the trigger changes what was copied"
        )
    };
    firing.iter().map(note).collect()
}
