//! How the transaction of a batch begins and ends: what must not fire is put to sleep, and woken again
//! before the commit, so that nothing stays asleep whatever happens in between.

use crate::plan::TablePlan;
use crate::sql::{Sql, sql};

pub fn begin(plan: &TablePlan) -> Sql {
    let role = match plan.leave_replica {
        true => "; set local session_replication_role = origin",
        false => "",
    };
    let begin = if plan.joint { "savepoint pgsync" } else { "begin" };
    sql!(
        "{begin}{role}{silence}",
        begin = Sql::trusted(begin),
        role = Sql::trusted(role),
        silence = triggers(plan, "disable"),
    )
}

/// `statement`, and the end of the batch.
pub fn committed(plan: &TablePlan, statement: &Sql) -> Sql {
    let commit = if plan.joint { "release savepoint pgsync" } else { "commit" };
    sql!(
        "{statement}{enable}; {commit}",
        statement = statement,
        enable = triggers(plan, "enable"),
        commit = Sql::trusted(commit),
    )
}

pub fn roll_back(plan: &TablePlan) -> Sql {
    match plan.joint {
        true => Sql::trusted("rollback to savepoint pgsync; release savepoint pgsync"),
        false => Sql::trusted("rollback"),
    }
}

/// `; alter table only … disable trigger …` for each trigger that must not fire.
fn triggers(plan: &TablePlan, verb: &'static str) -> Sql {
    let verb = Sql::trusted(verb);
    let statements = plan.silence.iter().map(|trigger| {
        sql!(
            "; alter table only {table} {verb} trigger {trigger}",
            table = trigger.on,
            verb = verb,
            trigger = trigger.name
        )
    });
    Sql::join(statements, "")
}
