//! What tables that pgsync did not create have otherwise than the source. A run leaves that as it is, and
//! `pgsync schema` says it.

use std::collections::HashSet;

use super::diff::SchemaPlan;
use super::diff::changed_objects::{Difference, Severity, THEN};
use super::tally::subject;
use crate::context::{Catalogs, RunContext};
use crate::ddl_step::{Step, pasted_under};
use crate::error::Result;
use crate::ident::TableName;
use crate::schema_object::Kind;
use crate::sql::statement::Statement;
use crate::table::Table;

const NOT_OWN: &str = "because pgsync did not create the table";

impl RunContext<'_> {
    /// Adds what a run would do or say of these tables, had pgsync created them, beyond what it does: each
    /// difference, and the statement that ends it, if there is one.
    pub(super) async fn left_to_others(
        &self,
        selected: &[&Table],
        catalogs: &Catalogs,
        created_by_pgsync: &HashSet<TableName>,
        schema_plan: &mut SchemaPlan,
    ) -> Result<()> {
        let there = selected.iter().map(|table| &table.name);
        let there = there.filter(|name| self.is_on_target(name, catalogs)).cloned();
        let others: HashSet<TableName> =
            there.filter(|name| !created_by_pgsync.contains(name)).collect();
        if others.is_empty() {
            return Ok(());
        }
        let all = others.union(created_by_pgsync).cloned().collect();
        let followed = self.plan_changes(selected, catalogs, &all).await?;
        let left = beyond(&followed, schema_plan, &others);
        let keyed = left.iter().filter(|one| one.adds_key).map(|one| one.table.clone());
        schema_plan.named_keys.extend(keyed);
        let said = left.into_iter().map(|Left { table, text, .. }| (table, text));
        schema_plan.left_out.extend(said);
        Ok(())
    }
}

/// A difference of a table, and the statement that ends it, if there is one.
struct Left {
    table: TableName,
    text: String,
    /// Whether the statement adds a key.
    adds_key: bool,
}

/// What the plan that follows these tables has, and the other one has not.
fn beyond(
    followed: &SchemaPlan,
    schema_plan: &SchemaPlan,
    others: &HashSet<TableName>,
) -> Vec<Left> {
    let planned: HashSet<&str> = schema_plan.steps().map(subject).collect();
    let steps = followed.steps().filter(|step| !planned.contains(subject(step)));
    let steps = steps
        .filter_map(|step| Some((step.roots.iter().find(|root| others.contains(root))?, step)));
    // What takes several steps is one difference.
    let mut together: Vec<(&TableName, Vec<&Step>)> = Vec::new();
    for (table, step) in steps {
        let is_same = |(of, known): &&mut (&TableName, Vec<&Step>)| {
            *of == table && subject(known[0]) == subject(step)
        };
        match together.iter_mut().find(is_same) {
            Some((_, known)) => known.push(step),
            None => together.push((table, vec![step])),
        }
    }
    let steps = together.iter();
    let steps = steps.map(|(table, steps)| Left {
        table: (*table).clone(),
        text: told(steps),
        adds_key: steps.iter().any(|step| step.kind == Kind::Key),
    });
    let is_new = |one: &&Difference| {
        let counts = matches!(one.weight, Severity::Part | Severity::Ahead | Severity::Form);
        counts && others.contains(&one.table) && !schema_plan.differs.contains(one)
    };
    let differs = followed.differs.iter().filter(is_new);
    // The next run would create only what is its own matter.
    let own = |text: &str| text.split_once(THEN).map_or(text, |(before, _)| before).to_owned();
    let told = |text: &str| format!("a run leaves this, {NOT_OWN}: {}", own(text));
    let differs = differs.map(|one| Left {
        table: one.table.clone(),
        text: told(&one.text),
        adds_key: false,
    });
    let mut all: Vec<Left> = steps.chain(differs).collect();
    all.sort_by(|one, other| one.table.cmp(&other.table));
    // Of a domain once, however many tables have it.
    let mut known = HashSet::new();
    all.retain(|one| known.insert(one.text.clone()));
    all
}

/// What steps of one subject would do, in words, and their statements.
fn told(steps: &[&Step]) -> String {
    let first = steps[0];
    let is_there = first.is_validation || first.is_change();
    let is = if is_there { "is not as on the source" } else { "exists only on the source" };
    let statements = steps.iter().flat_map(|step| &step.statements).map(Statement::as_str);
    let statements: Vec<&str> = statements.collect();
    let statements = pasted_under(&first.path, &statements.join("; "));
    if let Some(dropped) = first.dropped() {
        return format!(
            "{dropped} exists only on the target; a run leaves that, {NOT_OWN}; to drop it, run: {statements};"
        );
    }
    format!(
        "{} {is}; a run leaves that, {NOT_OWN}; to change that, run: {statements};",
        subject(first)
    )
}
