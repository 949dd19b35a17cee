//! Says what is missing on the target, or would be made there, with statements that can be pasted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::SchemaOutcome;
use super::tally::{Tally, subject};
use crate::context::RunContext;
use crate::ddl_step::{LabelRename, Step, pasted_under};
use crate::error::Error;
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::plan::renamed_columns::RenamedColumn;
use crate::rules::Ddl;
use crate::schema::diff::SchemaPlan;
use crate::schema_object::Kind;
use crate::sql::statement::Statement;

/// Statements are told in one line with what is missing if they have so many characters at most; more are for `pgsync schema`.
const TOLD: usize = 300;
/// The same of all tables together.
const TOLD_OF_ALL: usize = 600;

const MANY_PARTITIONS: &str = "partitions are missing on the target: let pgsync create them (-ddl additive), or run there what pgsync schema prints";

const PRINTED: &str = "pgsync schema, with the same settings, prints the statements";

/// A dry run names so many things that it would make, with their statements; more are counted.
const ANNOUNCED: usize = 10;

const ALL_STATEMENTS: &str = "pgsync schema, with the same settings, prints the statements of all tables in the order in which they can be run";

impl RunContext<'_> {
    /// Nothing is made: tables that lack something fail, with the statements that they need.
    pub(super) fn name(&self, schema_plan: &SchemaPlan, aligned: &mut SchemaOutcome) {
        tell_new_partitions(schema_plan, aligned);
        let all_owed = owed(schema_plan);
        let only_compares = self.settings.only_compares;
        let is_little =
            texts(all_owed.values().flat_map(|owed| &owed.steps).copied()).len() <= TOLD_OF_ALL;
        let is_told = |owed: &Owed<'_>| is_little || owed.can_be_told();
        if all_owed.len() > 1 && !only_compares && all_owed.values().any(is_told) {
            self.note(NoteLevel::Notice, None, ALL_STATEMENTS.to_owned());
        }
        for (table, owed) in &all_owed {
            let rules = self.settings.rules_of_runs.as_ref();
            let rules = rules.map(|rules| rules.effective(table)).filter(|_| only_compares);
            let text = match rules {
                Some(rules) => owed.in_short(rules.ddl != Ddl::None),
                None if is_told(owed) => owed.to_string(),
                None => format!("{}; {PRINTED}", owed.what()),
            };
            let renamed = aligned.renamed.get(*table).filter(|_| !only_compares);
            let columns = renamed.and_then(|renamed| self.asked(table, renamed));
            let labels = asked_of_labels(&owed.steps).filter(|_| !only_compares);
            let asked = columns.into_iter().chain(labels).collect::<Vec<_>>();
            aligned.failed.insert((*table).clone(), Error::Blocked(otherwise(&asked, text)));
        }
        // A partition that joins its table brings its indexes with it; all else of it is told when it is there.
        let new: HashSet<&str> = schema_plan.first.iter().filter_map(Step::new_table).collect();
        let is_of_old =
            |step: &Step| step.table.as_deref().is_none_or(|table| !new.contains(table));
        let after = schema_plan.after.iter();
        let after = after.flat_map(|(table, steps)| {
            steps.iter().map(move |step| StepOf { table: Some(table), step })
        });
        let after = after.filter(|one| is_of_old(one.step));
        // A type that a failed table needs is no table's.
        let is_said = |step: &&Step| !step.roots.is_empty() || !only_compares;
        let can_do_without = schema_plan.first.iter().filter(|step| step.optional);
        let others = can_do_without.filter(is_said);
        let keys = schema_plan.last.iter().filter(|step| is_of_old(step));
        let others = others.chain(keys);
        let others = others.map(|step| StepOf { table: step.roots.first(), step });
        for Subject { table, steps } in by_subject(after.chain(others)) {
            if table.is_none_or(|table| !aligned.failed.contains_key(table)) {
                let title = &steps[0].title;
                let is = if steps[0].is_change() { "differs" } else { "is missing" };
                let text = format!("{title} {is} on the target; run there: {}", pasted(&steps));
                let asked = asked_of_labels(&steps).filter(|_| !only_compares);
                let text = otherwise(&asked.into_iter().collect::<Vec<_>>(), text);
                self.note(NoteLevel::Notice, table.cloned(), text);
                let names_key = steps.iter().any(|step| step.kind == Kind::Key);
                aligned.named_keys.extend(table.filter(|_| names_key).cloned());
            }
        }
    }

    /// Adds to why a table cannot be brought in sync what it lacks, too, where nothing is made.
    pub(super) fn name_owed(&self, table: &TableName, error: &mut Error, schema_plan: &SchemaPlan) {
        let Error::Blocked(text) = error else { return };
        if self.settings.ddl_of(table) != Ddl::None || self.settings.only_compares {
            return;
        }
        if let Some(owed) = owed(schema_plan).get(table).filter(|owed| owed.can_be_told()) {
            *text += &format!("; {owed}");
        }
        // Rows may be too long for them.
        let is_own = |step: &&Step| step.growth.is_some() && step.roots.first() == Some(table);
        for step in schema_plan.first.iter().filter(is_own) {
            let run = pasted(&[step]);
            *text += &format!("; {} differs on the target; run there: {run}", step.title);
        }
    }

    /// Asks whether columns that a table lacks are others of it, renamed.
    pub(super) fn asked(&self, table: &TableName, renamed: &[RenamedColumn]) -> Option<String> {
        let lacking: Vec<&RenamedColumn> = renamed.iter().filter(|one| !one.is_added).collect();
        let asked = lacking
            .iter()
            .map(|one| format!("the column \"{}\" to \"{}\"", one.old.as_str(), one.new.as_str()));
        let asked = asked.collect::<Vec<_>>().join(" and ");
        let name = self.settings.target_name_of(table);
        let run = lacking.iter().map(|one| one.statement(&name)).collect::<Vec<_>>().join("; ");
        (!lacking.is_empty())
            .then(|| format!("if the source has renamed {asked}, run on the target: {run}"))
    }

    pub(super) fn announce(&self, schema_plan: &SchemaPlan) {
        let steps = schema_plan.steps();
        let steps = steps.map(|step| StepOf { table: step.roots.first(), step });
        let subjects = by_subject(steps);
        if subjects.len() > ANNOUNCED {
            let made = schema_plan.steps().filter_map(|step| step.creates.as_deref());
            let made: HashSet<&str> = made.collect();
            // What belongs to a new table goes without saying.
            let is_own = |step: &&Step| {
                let is_part = !matches!(step.kind, Kind::Table | Kind::Partition | Kind::Sequence);
                let is_new = step.table.as_deref().is_some_and(|table| made.contains(table));
                !(is_part && is_new)
            };
            let tally = |changes: bool| {
                let mut tally = Tally::of(schema_plan.steps());
                let steps = subjects.iter().map(|one| one.steps[0]).filter(is_own);
                steps.filter(|step| step.is_change() == changes).for_each(|step| tally.add(step));
                tally
            };
            let (create, change) = (tally(false), tally(true));
            let create = (!create.is_empty()).then(|| format!("would create {create}"));
            let change = (!change.is_empty()).then(|| format!("would change {}", change.named()));
            let all: Vec<String> = create.into_iter().chain(change).collect();
            let text = format!("{}; pgsync schema prints the statements", all.join("; "));
            return self.note(NoteLevel::Notice, None, text);
        }
        for Subject { table, steps } in subjects {
            let (deed, statements) = (steps[0].deed(), pasted(&steps));
            let text = if statements.len() <= TOLD {
                format!("would {deed}: {statements}")
            } else {
                format!("would {deed}; pgsync schema prints the statements")
            };
            self.note(NoteLevel::Notice, table.cloned(), text);
        }
    }
}

/// Says where rows have no place what makes the partitions that the target lacks.
fn tell_new_partitions(schema_plan: &SchemaPlan, aligned: &mut SchemaOutcome) {
    let mut by_table: BTreeMap<&TableName, Vec<&Step>> = BTreeMap::new();
    for step in schema_plan.first.iter().filter(|step| step.makes_partition()) {
        if let Some(table) = step.roots.first() {
            by_table.entry(table).or_default().push(step);
        }
    }
    for (table, steps) in by_table {
        let mut titles: Vec<&str> = steps.iter().map(|step| step.title.as_str()).collect();
        titles.dedup();
        let (titles, run) = (titles.join(", "), pasted(&steps));
        let is = if steps.len() == 1 { "is" } else { "are" };
        let text = if run.len() <= TOLD {
            format!(
                "{titles} {is} missing on the target: let pgsync create what is missing (-ddl additive), or run there: {run}"
            )
        } else {
            MANY_PARTITIONS.to_owned()
        };
        aligned.lost_partitions.entry(table.clone()).or_insert(text);
    }
}

/// Asks whether labels that enums would get are others of them, renamed.
fn asked_of_labels(steps: &[&Step]) -> Option<String> {
    let renames = steps.iter().flat_map(|step| &step.renames);
    LabelRename::asked(&renames.collect::<Vec<_>>())
}

/// What is to be done if nothing of what is asked is so.
fn otherwise(asked: &[String], text: String) -> String {
    if asked.is_empty() { text } else { format!("{}; otherwise: {text}", asked.join("; ")) }
}

/// The title of a step, and whether that changes something that is there.
struct Title<'s> {
    text: &'s str,
    is_change: bool,
    /// Whether it is that of the table itself, which is missing.
    is_table: bool,
}

/// What a table lacks, and the steps that make it.
#[derive(Default)]
struct Owed<'s> {
    titles: Vec<Title<'s>>,
    /// Those that no table before this one has.
    steps: Vec<&'s Step>,
    /// The tables whose steps have to come first: one of them makes what this one needs, too.
    behind: BTreeSet<&'s TableName>,
    /// Whether all of it is there, and otherwise.
    differs: bool,
    /// Whether the table itself is missing.
    is_new: bool,
}

/// What has to be there before the rows, by table; and all else that a new table has.
fn owed(schema_plan: &SchemaPlan) -> BTreeMap<&TableName, Owed<'_>> {
    let made = schema_plan.first.iter().filter_map(|step| step.makes.as_ref());
    let new: HashSet<&TableName> = made.collect();
    let is_new = |root: &&TableName| new.contains(root);
    let mut owed: BTreeMap<&TableName, Owed<'_>> = BTreeMap::new();
    for step in &schema_plan.first {
        if step.optional && !step.roots.iter().any(|root| is_new(&root)) {
            continue;
        }
        let Some(first) = step.roots.iter().min() else { continue };
        for root in &step.roots {
            let one = owed.entry(root).or_insert_with(|| Owed { differs: true, ..Owed::default() });
            let is_table = step.makes.as_ref() == Some(root);
            one.titles.push(Title { text: &step.title, is_change: step.is_change(), is_table });
            one.is_new |= is_new(&root);
            one.differs &= step.is_change();
            if root == first {
                one.steps.push(step);
            } else {
                one.behind.insert(first);
            }
        }
    }
    for (root, steps) in schema_plan.after.iter().filter(|(root, _)| is_new(root)) {
        owed.entry(root).or_default().steps.extend(steps);
    }
    for step in &schema_plan.last {
        // A foreign key follows the later one of its tables.
        let Some(later) = step.roots.iter().filter(is_new).max() else { continue };
        let one = owed.entry(later).or_default();
        one.behind.extend(step.roots.iter().filter(|root| is_new(root) && *root != later));
        one.steps.push(step);
    }
    owed
}

impl Owed<'_> {
    /// Without the statements, for somebody who only compares; `is_done` tells whether runs change definitions.
    fn in_short(&self, is_done: bool) -> String {
        let (what, run) = if self.is_new {
            ("the target has no such table".to_owned(), "creates it")
        } else if self.differs {
            let verb = if self.titles.len() == 1 { "differs" } else { "differ" };
            (format!("{} {verb} from the source's", self.titles()), "changes that")
        } else {
            (format!("{}: {}", self.state(), self.titles()), "creates that")
        };
        if is_done {
            format!("{what}; pgsync schema prints how a run {run}, or what is in the way")
        } else {
            format!(
                "{what}; no run {run} with -ddl none: run on the target what pgsync schema prints"
            )
        }
    }

    /// Whether few statements end it, and they stand here.
    fn can_be_told(&self) -> bool {
        let is_short = texts(self.steps.iter().copied()).len() <= TOLD;
        !self.is_new && self.behind.is_empty() && is_short
    }

    /// What is missing, or is otherwise: of a table that is not there at all, only that.
    fn what(&self) -> String {
        match self.titles.iter().find(|title| title.is_table) {
            Some(table) => format!("{}: {}", self.state(), table.text),
            None => format!("{}: {}", self.state(), self.titles()),
        }
    }

    /// What is there and otherwise is said to be so among what is missing.
    fn titles(&self) -> String {
        let title = |title: &Title<'_>| {
            let is_told = title.is_change && !self.differs;
            format!("{}{}", title.text, if is_told { " (not as on the source)" } else { "" })
        };
        self.titles.iter().map(title).collect::<Vec<_>>().join(", ")
    }

    fn state(&self) -> &'static str {
        if self.differs { "not as on the source" } else { "missing on the target" }
    }
}

impl std::fmt::Display for Owed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is = self.state();
        let behind: Vec<String> = self.behind.iter().map(ToString::to_string).collect();
        let behind = behind.join(", ");
        write!(f, "{is}: {}; run there", self.titles())?;
        match (self.steps.is_empty(), behind.is_empty()) {
            (true, _) => write!(f, " the statements of {behind}"),
            (false, true) => write!(f, ": {}", pasted(&self.steps)),
            (false, false) => {
                write!(f, ", after the statements of {behind}: {}", pasted(&self.steps))
            }
        }
    }
}

/// A step with the table that it is about.
struct StepOf<'s, T> {
    table: T,
    step: &'s Step,
}

/// The steps of one title that are about one table, validations among them.
struct Subject<'s, T> {
    table: T,
    steps: Vec<&'s Step>,
}

/// Steps of one title and their validations together, each in the place of the first: people are told once of what is made
/// step by step.
fn by_subject<'s, T: Eq + Hash + Copy>(
    steps: impl Iterator<Item = StepOf<'s, T>>,
) -> Vec<Subject<'s, T>> {
    let mut subjects: Vec<Subject<'s, T>> = Vec::new();
    let mut places = HashMap::new();
    for StepOf { table, step } in steps {
        let place = *places.entry((table, subject(step))).or_insert(subjects.len());
        match subjects.get_mut(place) {
            Some(known) => known.steps.push(step),
            None => subjects.push(Subject { table, steps: vec![step] }),
        }
    }
    subjects
}

/// The statements of some steps as one may paste them: names without a schema lead to where they would lead a run.
fn pasted(steps: &[&Step]) -> String {
    let path = steps.first().map_or(&[][..], |step| &step.path);
    pasted_under(path, &texts(steps.iter().copied()))
}

/// The statements of some steps.
fn texts<'a>(steps: impl IntoIterator<Item = &'a Step>) -> String {
    let statements = steps.into_iter().flat_map(|step| &step.statements);
    let texts: Vec<String> = statements.map(Statement::on_one_line).collect();
    texts.join("; ")
}
