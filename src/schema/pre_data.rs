//! Makes what comes before rows.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::SchemaOutcome;
use super::tally::Tally;
use crate::context::RunContext;
use crate::ddl_step::Step;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::pg::Session;
use crate::schema_object::Kind;
use crate::sql::Sql;
use crate::target_side::ddl::DdlRunner;

/// Steps that one transaction takes together, for speed.
const GROUP: usize = 50;

/// What came of steps.
#[derive(Default)]
struct Made {
    /// The ids of partitions that are not there, and that their tables can do without.
    left_out: HashSet<String>,
    /// What was created and what was changed, for a note each.
    told: Vec<String>,
}

impl RunContext<'_> {
    /// Runs the steps, and says what is created and changed. Gives the ids of partitions that are not there, and that
    /// their tables can do without.
    pub(super) async fn make(
        &self,
        steps: &[Step],
        aligned: &mut SchemaOutcome,
    ) -> Result<HashSet<String>> {
        let Made { left_out, told } = self.run_steps(steps, aligned).await?;
        for text in told {
            self.note(NoteLevel::Notice, None, text);
        }
        Ok(left_out)
    }

    /// Runs the steps that make a table beside the one whose place it takes: it is no new one.
    pub(super) async fn make_shadow(
        &self,
        steps: &[Step],
        aligned: &mut SchemaOutcome,
    ) -> Result<()> {
        self.run_steps(steps, aligned).await.map(drop)
    }

    /// One that fails takes along the tables that need it; the others go on.
    async fn run_steps(&self, steps: &[Step], aligned: &mut SchemaOutcome) -> Result<Made> {
        let mut left_out = HashSet::new();
        if steps.is_empty() {
            return Ok(Made::default());
        }
        let (mut created, mut changed) = (Tally::of(steps), Tally::of(steps));
        let mut extensions = MissingExtensions::of(steps);
        let many = steps.len() > GROUP && steps.iter().all(|step| step.kind != Kind::Partition);
        let together = |one: &Step, other: &Step| {
            let alike = one.level == other.level && one.kind == other.kind;
            (alike || !many) && !one.alone && !other.alone
        };
        for layer in steps.chunk_by(together) {
            // Tables of one level know nothing of each other; of other things one cannot be sure.
            let tables = many && layer.iter().all(|step| step.kind == Kind::Table);
            let at_once = if tables { self.settings.parallel } else { 1 };
            let groups = layer.chunks(GROUP).map(|group| self.make_group(group, &aligned.failed));
            let groups = stream::iter(groups).buffer_unordered(at_once);
            let ended: Vec<Result<Vec<StepResult<'_>>>> = groups.collect().await;
            for group in ended {
                for StepResult { step, error } in group? {
                    let error = error.map(|error| with_room(step, error));
                    if error.is_none() {
                        extensions.0.retain(|missing| !std::ptr::eq(*missing, step));
                    }
                    match error {
                        None if step.is_change() => changed.add(step),
                        None => created.add(step),
                        Some(error) if step.optional => {
                            self.leave_out(step, &error, &mut left_out, aligned);
                        }
                        Some(error) => {
                            // The first is the cause: a later group does not know yet what failed.
                            for root in &step.roots {
                                aligned.failed.entry(root.clone()).or_insert(error.clone());
                            }
                        }
                    }
                }
            }
        }
        aligned.failed.iter_mut().for_each(|(table, error)| extensions.name_all(table, error));
        // Where nothing could be made, the tables say why.
        Ok(Made { left_out, told: Tally::told(&created, &changed) })
    }

    /// Says that a table does without a step; nothing of a partition whose parent was left out.
    fn leave_out(
        &self,
        step: &Step,
        error: &Error,
        left_out: &mut HashSet<String>,
        aligned: &mut SchemaOutcome,
    ) {
        let is_part = is_within(step, error, left_out);
        left_out.extend(step.table.clone().filter(|_| step.joins_parent()));
        if is_part {
            return;
        }
        let table = step.roots.first().cloned();
        aligned.lost_partitions.extend(table.clone().zip(denied_partition(step, error)));
        // Rows that need it may come in any later run.
        if let Some(growth) = &step.growth {
            return self.note(NoteLevel::Warning, table, format!("{}: {error}", growth.kept()));
        }
        let is = if step.is_change() { "stays as it is" } else { "is left out" };
        self.note(NoteLevel::Notice, table, format!("{} {is}: {error}", step.title));
    }

    /// Runs some steps in one transaction, or where that fails one by one.
    async fn make_group<'s>(
        &self,
        group: &'s [Step],
        failed: &HashMap<TableName, Error>,
    ) -> Result<Vec<StepResult<'s>>> {
        let mut session = self.target.session().await?;
        let shop = DdlRunner::of(self.settings);
        let more = self.made_by(group);
        // As long as a run as a whole would try again.
        let until = Instant::now() + self.settings.lock_timeout * (self.settings.retries + 1);
        let several = group.len() > 1;
        if several && shop.run_once(&session, "creating tables", group, &more).await.is_ok() {
            session.set_clean(true);
            return Ok(group.iter().map(|step| StepResult { step, error: None }).collect());
        }
        let mut ended: Vec<StepResult<'s>> = Vec::new();
        let mut lost: HashSet<&TableName> = failed.keys().collect();
        for step in group {
            if !step.retypes && step.roots.iter().all(|root| lost.contains(root)) {
                continue;
            }
            let doing = step.doing();
            let mut done = self.make_one(&session, step, &doing).await;
            let mut tries = 0;
            while let Err(error) = &done
                && is_locked(error)
                && Instant::now() < until
            {
                tries += 1;
                self.announce_wait(step, error, tries).await;
                done = self.make_one(&session, step, &doing).await;
            }
            match done {
                Err(error) if error.is_transient() && !is_locked(&error) => return Err(error),
                Err(error) => {
                    let error = self.with_lock_holder(step, error).await;
                    if !step.optional {
                        lost.extend(&step.roots);
                    }
                    ended.push(StepResult { step, error: Some(error) });
                }
                Ok(()) => ended.push(StepResult { step, error: None }),
            }
        }
        session.set_clean(true);
        Ok(ended)
    }

    async fn make_one(&self, session: &Session, step: &Step, doing: &str) -> Result<()> {
        let shop = DdlRunner::of(self.settings);
        if step.alone {
            return shop.run_alone(session, doing, step).await;
        }
        shop.run(session, doing, [step], &self.made_by([step])).await
    }

    /// Says who is waited for.
    async fn announce_wait(&self, step: &Step, error: &Error, attempt: u32) {
        let table = step.roots.first();
        let name = table.map(|table| self.settings.target_name_of(table));
        let holder = match &name {
            Some(name) => self.target.lock_holder(error, name).await.map(|one| one.has(name)),
            None => None,
        };
        let holder = holder.map_or_else(String::new, |holder| format!("; {holder}"));
        self.events.send(Event::Retry {
            table: table.cloned(),
            error: format!("{error}{holder}"),
            attempt: attempt.min(self.settings.retries),
            of: self.settings.retries,
        });
    }

    /// The error of a step with who holds its table.
    async fn with_lock_holder(&self, step: &Step, error: Error) -> Error {
        let Some(table) = step.roots.first() else { return error };
        self.target.with_lock_holder(error, &self.settings.target_name_of(table)).await
    }

    /// That tables are ours.
    fn made_by<'s>(&self, steps: impl IntoIterator<Item = &'s Step>) -> Vec<Sql> {
        let made = steps.into_iter().filter_map(|step| step.makes.as_ref());
        let made: Vec<TableName> = made.map(|table| self.settings.target_name_of(table)).collect();
        let line = || self.sync_log.created_tables(self.run_id, &self.source_name, made.iter());
        (!made.is_empty()).then(line).into_iter().collect()
    }
}

/// Extensions that were not created: whoever may create one is to hear of all that a table needs.
pub(super) struct MissingExtensions<'s>(Vec<&'s Step>);

impl<'s> MissingExtensions<'s> {
    /// Those among the steps.
    pub fn of(steps: &'s [Step]) -> Self {
        Self(steps.iter().filter(|step| step.kind == Kind::Extension).collect())
    }

    /// Adds the others to what a table that failed over one of them says.
    pub fn name_all(&self, table: &TableName, error: &mut Error) {
        let Error::Database(said) = error else { return };
        let of_table = self.0.iter().filter(|step| step.roots.contains(table));
        let is_said = |step: &&&Step| step.doing() == said.action;
        let (said_of, others): (Vec<&&Step>, Vec<&&Step>) = of_table.partition(is_said);
        if let Some(hint) = said.hint.as_mut().filter(|_| !said_of.is_empty()) {
            for statement in others.iter().flat_map(|step| &step.statements) {
                *hint += &format!("; {}", statement.on_one_line());
            }
        }
    }
}

/// Whether somebody else holds what was to be changed.
fn is_locked(error: &Error) -> bool {
    error.sqlstate() == Some("55P03")
}

/// How a step ended.
struct StepResult<'s> {
    step: &'s Step,
    error: Option<Error>,
}

/// The error with what makes room for a partition whose rows are in the default one.
fn with_room(step: &Step, error: Error) -> Error {
    match (error, &step.room) {
        (Error::Database(mut said), Some(room))
            if said.sqlstate.as_deref() == Some("23514")
                && said.message.starts_with("updated partition constraint for default ") =>
        {
            said.hint = Some(format!(
                "its rows are in the default partition: run on the target: {room}; the next run creates the partition \
                 and brings the rows"
            ));
            Error::Database(said)
        }
        (error, _) => error,
    }
}

/// What to do where rows would go into a partition that the role may not make.
fn denied_partition(step: &Step, error: &Error) -> Option<String> {
    let Error::Database(said) = error else { return None };
    let is_denied = step.joins_parent() && said.sqlstate.as_deref() == Some("42501");
    let hint = said.hint.as_ref().filter(|_| is_denied)?;
    Some(format!("{} failed ({}): {hint}", said.action, said.message))
}

/// Whether a partition has no parent to join, because that was left out.
fn is_within(step: &Step, error: &Error, left_out: &HashSet<String>) -> bool {
    step.joins_parent() && !left_out.is_empty() && error.sqlstate() == Some("42P01")
}
