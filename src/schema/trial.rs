//! Tries what a run would create, in one transaction that is rolled back: what the target refuses is known
//! before a run stumbles over it. Only what makes new objects is tried, so nobody waits for a lock of it, and
//! nothing that can run functions of users: what they do beside the rows is not rolled back. Of all else it is tried
//! whether the role has the right.

use std::collections::HashSet;

use super::SchemaOutcome;
use super::pre_data::MissingExtensions;
use super::rights::{RightTrial, RoleRights, full_name};
use crate::context::{Catalogs, RunContext};
use crate::ddl_step::{Growth, Step};
use crate::error::{Error, Result};
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::pg::Session;
use crate::schema::diff::SchemaPlan;
use crate::schema_object::Kind;
use crate::sql::Sql;
use crate::table::Table;
use crate::target_side::ddl::DdlRunner;
use crate::target_side::taken_name::{self, WantedName};

/// Steps that are tried at most: each takes locks, and the server has room for so many.
const TRIED: usize = 1000;

const TRYING: &str = "trying what a run would create";

/// What the target refused.
#[derive(Default)]
pub(super) struct Refused {
    pub failed: Vec<(TableName, Error)>,
    /// What tables can do without.
    pub left_out: Vec<LeftOut>,
    /// Says that the trial ended early, and why.
    pub cut_short: Option<String>,
}

/// A step that a table can do without.
pub(super) struct LeftOut {
    pub table: TableName,
    pub error: Error,
    title: String,
    growth: Option<Growth>,
    /// The partition that rows have no place without.
    partition: Option<TableName>,
}

impl LeftOut {
    fn of(step: &Step, error: Error) -> Option<Self> {
        let is_needed =
            step.joins_parent() && !step.has_default && error.sqlstate() == Some(DENIED);
        let on = step.on.as_ref().filter(|_| is_needed);
        let partition =
            on.and_then(|on| Some(TableName { schema: on.schema.clone()?, name: on.name.clone() }));
        Some(Self {
            table: step.roots.first()?.clone(),
            error,
            title: step.title.clone(),
            growth: step.growth.clone(),
            partition,
        })
    }

    /// What is said of it.
    pub fn text(&self) -> String {
        match &self.growth {
            Some(growth) => format!("{}: {}", growth.kept(), self.error),
            None => format!("{} would be left out: {}", self.title, self.error),
        }
    }
}

/// What has been tried so far.
#[derive(Default)]
struct Trial<'s> {
    /// Objects that are there until the transaction is rolled back: no others are touched.
    made: HashSet<&'s str>,
    /// Tables of the run among them.
    made_tables: HashSet<&'s TableName>,
    /// Tables of which no more is tried.
    given_up: HashSet<&'s TableName>,
    /// Steps that are not tried and may free a name.
    freeing: Vec<&'s Step>,
    /// Tables of which some step was left out: what is refused of them then may be for want of that.
    untried: HashSet<&'s TableName>,
    refused: Refused,
    /// How many steps have been tried.
    tried: usize,
}

/// What a dry run counts otherwise than a run.
const GROWING: &str = "new columns are computed (by a default, an identity or an expression), so a run may change all rows: those are not counted";

impl RunContext<'_> {
    /// For a dry run: says what a run would create, and what the target would refuse of it.
    pub(super) async fn simulate_changes(
        &self,
        mut schema_plan: SchemaPlan,
        selected: &[&Table],
        catalogs: &mut Catalogs,
        aligned: &mut SchemaOutcome,
    ) -> Result<()> {
        let Refused { failed, left_out, cut_short } = self.try_out(&schema_plan, catalogs).await?;
        failed.iter().for_each(|(table, _)| schema_plan.drop_root(table));
        aligned.failed.extend(failed);
        for one in left_out {
            self.note(NoteLevel::Notice, Some(one.table.clone()), one.text());
            schema_plan.first.retain(|step| step.title != one.title);
        }
        if let Some(text) = cut_short {
            self.note(NoteLevel::Notice, None, text);
        }
        let widening = schema_plan.first.iter().filter(|step| step.widens);
        aligned.widened = widening.flat_map(|step| step.roots.iter().cloned()).collect();
        self.announce(&schema_plan);
        let is_key = |step: &Step| step.kind == Kind::Key;
        let keyed = schema_plan.after.iter().filter(|(_, steps)| steps.iter().any(is_key));
        aligned.named_keys.extend(keyed.map(|(table, _)| table.clone()));
        self.simulate(selected, &schema_plan.new_values, catalogs, aligned);
        self.note_counted_otherwise(&schema_plan, aligned);
        // What is detached has rows.
        let detached: Vec<&TableName> = aligned.detaching.values().flatten().collect();
        let new = aligned.would_be.iter().filter(|table| !detached.contains(&&table.name));
        aligned.empty = new.map(|table| table.name.clone()).collect();
        Ok(())
    }

    /// Says of which tables a dry run does not count what a run would write.
    fn note_counted_otherwise(&self, schema_plan: &SchemaPlan, aligned: &SchemaOutcome) {
        let grows = |table: &&TableName| schema_plan.steps().any(|step| step.roots.contains(table));
        for table in aligned.reduced.keys().filter(grows) {
            self.note(NoteLevel::Notice, Some(table.clone()), GROWING.to_owned());
        }
    }

    /// Tries what a listing prints. What would not work when it is pasted is taken out: the
    /// statements of tables for which something has a name already.
    pub(super) async fn try_listed(
        &self,
        schema_plan: &mut SchemaPlan,
        catalogs: &Catalogs,
    ) -> Result<Refused> {
        if !self.settings.changes_definitions() {
            return Ok(Refused::default());
        }
        let refused = self.try_out(schema_plan, catalogs).await?;
        let is_taken =
            |error: &Error| matches!(error.sqlstate(), Some(DUPLICATE_RELATION | DUPLICATE_OBJECT));
        let taken = refused.failed.iter().filter(|(_, error)| is_taken(error));
        taken.for_each(|(table, _)| schema_plan.drop_root(table));
        Ok(refused)
    }

    /// Tries the steps that make new objects, and whether the role has the rights for the others.
    pub(super) async fn try_out(
        &self,
        schema_plan: &SchemaPlan,
        catalogs: &Catalogs,
    ) -> Result<Refused> {
        let freeing = schema_plan.steps().filter(|step| step.frees_a_name()).collect();
        let mut trial = Trial { freeing, ..Trial::default() };
        if schema_plan.steps().next().is_none() {
            return Ok(trial.refused);
        }
        let rights = self.role_rights(schema_plan.steps(), catalogs).await?;
        let runner = DdlRunner::of(self.settings);
        let mut session = self.target.session().await?;
        session.run(TRYING, &Sql::trusted("begin")).await?;
        let taken = taken_names(&session, schema_plan).await?;
        let means = Means { runner, session: &session, rights, taken };
        for step in schema_plan.steps() {
            if let Some(why) = self.try_step(step, &means, &mut trial).await {
                trial.refused.cut_short = Some(cut_short(&why));
                break;
            }
        }
        end(&mut session).await?;
        let mut refused = trial.refused;
        self.fail_over_lost_partitions(&mut refused).await?;
        let extensions = MissingExtensions::of(&schema_plan.first);
        refused.failed.iter_mut().for_each(|(table, error)| extensions.name_all(table, error));
        Ok(refused)
    }
}

/// With what steps are tried.
struct Means<'m> {
    runner: DdlRunner,
    session: &'m Session,
    rights: RoleRights,
    /// Steps that make an index whose name something else has.
    taken: Vec<&'m Step>,
}

impl RunContext<'_> {
    /// Tries a step, or whether the role has the right for it; gives why the trial cannot go on.
    async fn try_step<'s>(
        &self,
        step: &'s Step,
        means: &Means<'_>,
        trial: &mut Trial<'s>,
    ) -> Option<String> {
        let Means { runner, session, rights, taken } = means;
        if trial.is_given_up(step) {
            trial.untried.extend(&step.roots);
            return None;
        }
        let whole = trial.is_new(step) && !step.runs_code;
        if !whole && taken.iter().any(|one| std::ptr::eq(*one, step)) {
            trial.end_of_name(step, runner.taken(session, step).await);
        }
        let right = if whole { None } else { self.right_trial(step, rights) };
        if !whole {
            trial.untried.extend(&step.roots);
        }
        if !whole && right.is_none() {
            return None;
        }
        if trial.tried == TRIED {
            return Some(format!("after {TRIED} statements, so as to leave others their locks"));
        }
        trial.tried += 1;
        let ended = match right {
            None => trial.end(step, runner.try_within(session, &step.doing(), step).await),
            Some(right) => trial.end_of_right(step, try_right(runner, session, step, right).await),
        };
        ended.map(|error| format!("at an error: {error}"))
    }

    /// A table fails over a partition for whose rows it has no other place. Which rows a filter lets through is not known.
    async fn fail_over_lost_partitions(&self, refused: &mut Refused) -> Result<()> {
        let mut left_out = Vec::new();
        for one in std::mem::take(&mut refused.left_out) {
            let is_whole = self.settings.rules.effective(&one.table).filter.is_none();
            let partition = one.partition.as_ref().filter(|_| is_whole);
            let is_needed = match partition {
                Some(partition) => self.source.has_rows_in(partition, &one.table).await?,
                None => false,
            };
            if !is_needed {
                left_out.push(one);
            } else if refused.failed.iter().all(|(table, _)| table != &one.table) {
                refused.failed.push((one.table, one.error));
            }
        }
        refused.left_out = left_out;
        Ok(())
    }
}

/// The steps of a plan that make an index whose name something else has.
async fn taken_names<'s>(session: &Session, schema_plan: &'s SchemaPlan) -> Result<Vec<&'s Step>> {
    let wanted = schema_plan.steps().filter_map(|step| {
        let (index, table) = (step.new_index()?, step.on.as_ref()?);
        let name = WantedName { name: full_name(index, step)?, table: full_name(table, step)? };
        Some((step, name))
    });
    let (steps, names): (Vec<&Step>, Vec<WantedName>) = wanted.unzip();
    let taken = taken_name::taken_places(session, &names).await?;
    Ok(taken.into_iter().filter_map(|place| steps.get(place).copied()).collect())
}

async fn try_right(
    runner: &DdlRunner,
    session: &Session,
    step: &Step,
    right: RightTrial,
) -> Result<()> {
    // The words of the step itself, whatever is tried in its place.
    let doing = step.doing();
    match right {
        RightTrial::Refused => runner.try_within(session, &doing, step).await,
        RightTrial::Statement(statement) => {
            let step = Step { statements: vec![statement], ..step.clone() };
            runner.try_within(session, &doing, &step).await
        }
        RightTrial::Denied(words) => Err(runner.denied(session, &doing, step, words).await),
    }
}

fn cut_short(why: &str) -> String {
    format!("{TRYING} ended {why}; what comes after that may fail in a run")
}

async fn end(session: &mut Session) -> Result<()> {
    session.run(TRYING, &Sql::trusted("rollback")).await?;
    session.set_clean(true);
    Ok(())
}

impl<'s> Trial<'s> {
    /// What one of several tables can do without is tried for the others.
    fn is_given_up(&self, step: &Step) -> bool {
        let is_given_up = |root| self.given_up.contains(root);
        match step.kind {
            Kind::ForeignKey => step.roots.iter().any(is_given_up),
            _ => step.roots.iter().all(is_given_up),
        }
    }

    /// Whether the step touches nothing but what the trial has made.
    fn is_new(&self, step: &Step) -> bool {
        let is_made = |id: &String| self.made.contains(id.as_str());
        let is_new = match step.kind {
            Kind::ForeignKey => step.roots.iter().all(|root| self.made_tables.contains(root)),
            _ => step.creates.is_some() || step.table.as_ref().is_some_and(is_made),
        };
        is_new && !step.alone
    }

    /// Whether a step that is not tried speaks of the name that is taken.
    fn may_be_freed(&self, error: &Error) -> bool {
        let Error::Database(error) = error else { return true };
        let name = error.message.split('"').nth(1).map(|name| format!("\"{name}\""));
        let Some(name) = name else { return true };
        let mut statements = self.freeing.iter().flat_map(|step| &step.statements);
        statements.any(|statement| statement.as_str().contains(&name))
    }

    /// Takes in whether the role has the right for a step; gives the error after which the trial cannot go on.
    fn end_of_right(&mut self, step: &'s Step, done: Result<()>) -> Option<Error> {
        match done {
            // Less was asked for than the step does, so other words of the server are not about the step.
            Err(error) if error.sqlstate() == Some(DENIED) => self.end(step, Err(error)),
            Err(error) if error.sqlstate().is_none() || error.is_transient() => Some(error),
            _ => None,
        }
    }

    /// Takes in that something else has the name of the index that the step makes.
    fn end_of_name(&mut self, step: &'s Step, error: Error) {
        let root = step.roots.first().filter(|root| !self.given_up.contains(root));
        let Some(root) = root.filter(|_| !self.may_be_freed(&error)) else { return };
        if step.optional {
            self.refused.left_out.extend(LeftOut::of(step, error));
        } else {
            self.refused.failed.push((root.clone(), error));
            self.given_up.insert(root);
        }
    }

    /// Takes in how the step ended; gives the error after which the trial cannot go on.
    fn end(&mut self, step: &'s Step, done: Result<()>) -> Option<Error> {
        let error = match done {
            Ok(()) => {
                self.made.extend(step.creates.as_deref());
                self.made_tables.extend(&step.makes);
                return None;
            }
            Err(error) => error,
        };
        let goes_on = !matches!(error.sqlstate(), None | Some(READ_ONLY | OUT_OF_MEMORY))
            && !error.is_transient();
        let is_taken = matches!(error.sqlstate(), Some(DUPLICATE_RELATION | DUPLICATE_OBJECT));
        // Who has a name already may be renamed or dropped by a step that is not tried.
        let is_of_the_step = !(is_taken && self.may_be_freed(&error))
            && step.roots.iter().all(|root| !self.untried.contains(root));
        let tells = goes_on && (is_of_the_step || error.sqlstate() == Some(DENIED));
        if tells && step.optional {
            self.refused.left_out.extend(LeftOut::of(step, error));
            return None;
        }
        // A foreign key is that of its child.
        let count = if step.kind == Kind::ForeignKey { 1 } else { step.roots.len() };
        let failed = step.roots.iter().take(count);
        // The first error of a table is the one that is said.
        let failed: Vec<&TableName> = failed.filter(|root| !self.given_up.contains(root)).collect();
        if tells {
            let failed = failed.iter().map(|root| ((*root).clone(), error.clone()));
            self.refused.failed.extend(failed);
        }
        self.given_up.extend(failed);
        (!goes_on).then_some(error)
    }
}

const DENIED: &str = "42501";
const DUPLICATE_RELATION: &str = "42P07";
const DUPLICATE_OBJECT: &str = "42710";
const READ_ONLY: &str = "25006";
/// Of locks, most likely.
const OUT_OF_MEMORY: &str = "53200";
