//! How the transaction of a batch begins and ends: what must not fire is put to sleep, and woken again
//! before the commit, so that nothing stays asleep whatever happens in between.

use crate::plan::TablePlan;
use crate::sql::mapping::Relation;
use crate::sql::tally;
use crate::sql::{Sql, sql};

/// Begins a batch: a transaction, or a savepoint in one that several tables share.
pub fn begin(plan: &TablePlan) -> Sql {
    if plan.shared_transaction {
        Sql::trusted("savepoint pgsync")
    } else {
        sql!(
            "{begin}; {count}",
            begin = opened(std::slice::from_ref(&plan), plan.leave_replica),
            count = tally::start(&[&plan.mapping.target])
        )
    }
}

/// The same for a transaction that only deletes rows.
pub fn begin_to_delete(plan: &TablePlan) -> Sql {
    if plan.shared_transaction {
        return begin(plan);
    }
    sql!(
        "{begin}; {count}",
        begin = opened(std::slice::from_ref(&plan), plan.leave_replica_to_delete),
        count = tally::start(&[&plan.mapping.target])
    )
}

fn opened(plans: &[&TablePlan], leave_replica: bool) -> Sql {
    let role = if leave_replica { "; set local session_replication_role = origin" } else { "" };
    let disable = plans.iter().map(|plan| triggers(plan, "disable"));
    let path = plans.iter().find_map(|plan| plan.path.as_ref());
    let path = path.map(|path| sql!("; set local search_path = {path}", path = path));
    sql!(
        "begin{role}{path}{disable}",
        role = Sql::trusted(role),
        path = path.unwrap_or(Sql::trusted("")),
        disable = Sql::join(disable, ""),
    )
}

/// Begins a transaction of several tables that know nothing of each other.
pub fn begin_all(plans: &[&TablePlan]) -> Sql {
    let leave_replica = plans.iter().any(|plan| plan.leave_replica);
    let count = tally::start(&targets(plans));
    sql!("{begin}; {count}", begin = opened(plans, leave_replica), count = count)
}

/// What a transaction of several tables has written so far.
pub fn tally_of_all(plans: &[&TablePlan]) -> Sql {
    tally::since(&targets(plans))
}

fn targets<'p>(plans: &[&'p TablePlan]) -> Vec<&'p Relation> {
    plans.iter().map(|plan| &plan.mapping.target).collect()
}

/// `statement`, and the end of that transaction.
pub fn committed_all(plans: &[&TablePlan], statement: &Sql) -> Sql {
    sql!("{statement}{wake}; commit", statement = statement, wake = wake(plans))
}

/// Begins the transaction of several tables that refer to each other. What keeps values unique is checked in each statement
/// all the same: a value that is in the way can be put aside then.
pub fn begin_joint(plans: &[&TablePlan]) -> Sql {
    let leaves = |plan: &&TablePlan| plan.leave_replica || plan.leave_replica_to_delete;
    let leave_replica = plans.iter().any(leaves);
    let mut unique = plans.iter().flat_map(|plan| &plan.moves.deferrable).peekable();
    let unique = match unique.peek() {
        Some(_) => sql!("; set constraints {names} immediate", names = Sql::join(unique, ", ")),
        None => Sql::trusted(""),
    };
    sql!(
        "{begin}; set constraints all deferred{unique}",
        begin = opened(plans, leave_replica),
        unique = unique
    )
}

/// Checks what was put off, and commits.
pub fn commit_joint(plans: &[&TablePlan]) -> Sql {
    let wake = plans.iter().map(|plan| triggers(plan, "enable"));
    sql!("set constraints all immediate{wake}; commit", wake = Sql::join(wake, ""))
}

/// `statement`, and the end of the batch; but for a transaction of several tables, the last rows are
/// those of `statement`, if it has any, and the tally of what was written.
pub fn committed(plan: &TablePlan, statement: &Sql) -> Sql {
    if plan.shared_transaction {
        sql!("{statement}; release savepoint pgsync", statement = statement)
    } else {
        sql!(
            "{statement}; {tally}{wake}; commit",
            statement = statement,
            tally = tally::since(&[&plan.mapping.target]),
            wake = wake(std::slice::from_ref(&plan))
        )
    }
}

/// The end of a batch that wrote nothing but its stage, which is emptied by a commit alone.
pub fn counted(plan: &TablePlan) -> Sql {
    if plan.shared_transaction { roll_back(plan) } else { Sql::trusted("commit") }
}

/// Undoes a batch: its transaction, or up to its savepoint.
pub fn roll_back(plan: &TablePlan) -> Sql {
    if plan.shared_transaction {
        Sql::trusted("rollback to savepoint pgsync; release savepoint pgsync")
    } else {
        Sql::trusted("rollback")
    }
}

/// Enables what was disabled. A check that a foreign key puts off to the commit comes before: with it
/// pending, no trigger of its table can be altered.
fn wake(plans: &[&TablePlan]) -> Sql {
    let enable = Sql::join(plans.iter().map(|plan| triggers(plan, "enable")), "");
    if enable.as_str().is_empty() {
        return enable;
    }
    sql!("; set constraints all immediate{enable}", enable = enable)
}

/// `; alter table only … disable trigger …` for each trigger that must not fire.
fn triggers(plan: &TablePlan, verb: &'static str) -> Sql {
    let verb = Sql::trusted(verb);
    let statements = plan.triggers_to_disable.iter().map(|trigger| {
        sql!(
            "; alter table only {table} {verb} trigger {trigger}",
            table = trigger.on,
            verb = verb,
            trigger = trigger.name
        )
    });
    Sql::join(statements, "")
}
