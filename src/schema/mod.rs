//! What the target's tables are made of: what is missing is made before rows arrive, the rest is
//! handed on to follow them. `build` does what follows.

mod compatibility;
mod crowded;
pub mod diff;
mod extensions;
pub mod foreign_keys;
pub(crate) mod holders;
mod known;
mod left_to_others;
mod locked_tables;
mod named;
pub mod post_data;
mod pre_data;
pub mod rebuild;
mod reword;
mod rights;
mod sequences;
mod shapes;
mod tally;
mod trial;
mod unvalidated;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::context::{Catalogs, RunContext};
use crate::ddl_step::Step;
use crate::error::{Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::note::NoteLevel;
use crate::pg::definitions::changed_meanwhile;
use crate::plan::inheritance;
use crate::plan::renamed_columns::RenamedColumn;
use crate::plan::{DifferingPart, PlanContext};
use crate::schema::diff::crowded::Crowded;
use crate::schema::diff::source_parts::{self, SourceParts};
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::Definitions as Objects;
use crate::schema_object::compression;
use crate::schema_object::older;
use crate::schema_object::older::Remark;
use crate::schema_object::reshape::{NotCarried, Reshaped};
use crate::sql::statement::Statement;
use crate::sql::view::GrownColumn;
use crate::table::Table;
use compatibility::{Classified, has_missing_objects};
use extensions::Definitions;
use holders::{KeptType, Told};
use known::{Known, Look, are_comparable, are_of_one_major};
use rebuild::plan::{NeedsRebuild, Rebuild, RebuildPlan, RebuiltTable, Selection};

/// Said where what owners of the source's tables define is evaluated by somebody who may do anything.
const SUPERUSER: &str = "definitions come from the source, and their expressions run on the target as a superuser: \
                         see docs/security.md for a role with less rights";

/// What became of the target's definitions.
#[derive(Default)]
pub struct SchemaOutcome {
    /// Tables that cannot be had, and why.
    pub failed: HashMap<TableName, Error>,
    /// By table: what follows its rows.
    pub after: BTreeMap<TableName, Vec<Step>>,
    /// Foreign keys.
    pub last: Vec<Step>,
    /// Tables of the target that were not there at the first look and have no page, by its names.
    pub empty: HashSet<TableName>,
    /// Tables that are built beside the old ones.
    pub rebuilt: Vec<RebuiltTable>,
    /// Tables that pgsync made, by their names on the source.
    pub created: HashSet<TableName>,
    /// In a dry run: tables of the target as they would be.
    pub would_be: Vec<Table>,
    /// In a dry run: tables of which columns would take more values than they do.
    pub widened: HashSet<TableName>,
    /// In a dry run: tables of the source without the columns that the target would get.
    pub reduced: HashMap<TableName, Table>,
    /// By table: what to do where rows have no place, because the role may not make a partition for them.
    pub lost_partitions: HashMap<TableName, String>,
    /// In a dry run: columns of the target that would grow, by the names of their tables on the source.
    pub grown: HashMap<TableName, Vec<GrownColumn>>,
    /// By table: columns that keep their types, because something holds them.
    pub kept_types: BTreeMap<TableName, Vec<KeptType>>,
    /// By table: what the target has otherwise, and rows may violate.
    pub differing: HashMap<TableName, Vec<DifferingPart>>,
    /// Tables of which it has been said that a key is missing.
    pub named_keys: HashSet<TableName>,
    /// See [`SchemaPlan::other_keys`].
    pub other_keys: HashMap<TableName, String>,
    /// See [`SchemaPlan::left_partitions`].
    pub left_partitions: HashMap<TableName, String>,
    /// Tables of which the target may compute other values, by a function of its own.
    pub computing_otherwise: HashSet<TableName>,
    /// By table: columns that only the target has, and that the source may have renamed.
    pub renamed: HashMap<TableName, Vec<RenamedColumn>>,
    /// By table: its partitions that are detached, by their names on the target.
    pub detaching: BTreeMap<TableName, Vec<TableName>>,
}

/// What a run would change, without one.
#[derive(Debug, Default)]
pub struct Listing {
    /// The schemas that names without one lead to.
    pub path: Vec<Ident>,
    pub statements: Vec<Statement>,
    /// Those that rows of the source may violate: the rows come before them.
    pub after_rows: Vec<Statement>,
    /// Tables that stay as they are, and why.
    pub obstacles: Vec<(TableName, Error)>,
    /// Tables that would be built beside the old ones.
    pub rebuilds: Vec<Rebuild>,
    /// What would be left out, by table.
    pub left_out: Vec<(TableName, String)>,
    /// Says that not all statements were tried, and why.
    pub trial_cut_short: Option<String>,
}

impl Listing {
    /// The statements of a plan.
    fn of_steps(schema_plan: &SchemaPlan) -> Self {
        let after = schema_plan.after_rows();
        let steps = schema_plan.steps().filter(|step| !after.contains(step));
        let path = schema_plan.steps().next().map(|step| step.path.clone());
        Self {
            path: path.unwrap_or_default(),
            statements: steps.flat_map(|step| step.statements.clone()).collect(),
            after_rows: after.iter().flat_map(|step| step.statements.clone()).collect(),
            ..Self::default()
        }
    }

    /// Whether a run would execute nothing and fail over nothing.
    pub fn is_empty(&self) -> bool {
        let has_statements = !self.statements.is_empty() || !self.after_rows.is_empty();
        !has_statements && self.rebuilds.is_empty() && self.obstacles.is_empty()
    }
}

impl RunContext<'_> {
    /// The statements that a run would execute, and the tables that it would fail over for their definitions. `aligned`
    /// learns what both sides would be then.
    ///
    /// # Errors
    /// What concerns both ends as a whole.
    pub(crate) async fn list_definitions(
        &self,
        selected: &[&Table],
        catalogs: &mut Catalogs,
        context: &PlanContext,
        aligned: &mut SchemaOutcome,
    ) -> Result<Listing> {
        let created_by_pgsync = &self.known(selected).await?.created;
        let held = self.await_held(selected, catalogs).await?;
        let mut obstacles: Vec<(TableName, Error)> = held.into_iter().collect();
        obstacles.extend(self.unreadable(selected, catalogs));
        let mut schema_plan = self.plan_changes(selected, catalogs, created_by_pgsync).await?;
        schema_plan.tell_all();
        self.left_to_others(selected, catalogs, created_by_pgsync, &mut schema_plan).await?;
        let mut outdated = self.outdated(selected, catalogs);
        outdated.retain(|one| obstacles.iter().all(|(table, _)| table != &one.table.name));
        let mut hindered = self.incompatible(selected, catalogs, context, &schema_plan).await?;
        let mut refused = take_refused(&mut schema_plan, &mut outdated, &mut hindered);
        let told = refused.iter_mut().chain(hindered.iter_mut());
        let told = told.filter_map(|(table, error)| Told::by(table, error));
        self.name_holders(told, catalogs).await?;
        obstacles.extend(refused);
        schema_plan.settle_types(&hindered, created_by_pgsync);
        let differs = schema_plan.take_listed();
        let Classified { mut fatal, said } = self.weigh(differs, selected, &mut outdated);
        schema_plan.left_out.extend(said);
        self.name_holders_in_listing(&mut fatal, &mut schema_plan, catalogs).await?;
        let run = Selection { tables: selected, created_by_pgsync };
        let mut planned = self.plan_rebuilds(&outdated, &run, catalogs).await?;
        planned.leave_heirs(&schema_plan.heirs);
        let RebuildPlan { all: rebuild, refused } = planned;
        hindered.retain(|table, _| !outdated.iter().any(|one| &one.table.name == table));
        obstacles.extend(hindered);
        obstacles.extend(refused.into_iter().chain(fatal));
        let rebuilt_names = rebuild.iter().map(|rebuild| &rebuild.source);
        let failed = obstacles.iter_mut();
        failed.for_each(|(table, error)| self.name_owed(table, error, &schema_plan));
        let barred = obstacles.iter().map(|(table, _)| table).chain(rebuilt_names);
        barred.for_each(|table| schema_plan.drop_root(table));
        aligned.kept_types = self.leave_held(&mut schema_plan, catalogs).await?;
        let refused = self.try_listed(&mut schema_plan, catalogs).await?;
        obstacles.extend(refused.failed);
        let left_out = refused.left_out.iter().map(|one| (one.table.clone(), one.text()));
        schema_plan.left_out.extend(left_out);
        let listing = Listing::of_steps(&schema_plan);
        self.simulate(selected, &schema_plan.new_values, catalogs, aligned);
        (aligned.after, aligned.named_keys) = (schema_plan.after, schema_plan.named_keys);
        Ok(Listing {
            obstacles,
            left_out: schema_plan.left_out,
            rebuilds: rebuild,
            trial_cut_short: refused.cut_short,
            ..listing
        })
    }

    /// Makes what is missing, or says so, as the settings have it.
    pub(crate) async fn align_schema(
        &self,
        selected: &[&Table],
        catalogs: &mut Catalogs,
        context: &PlanContext,
    ) -> Result<SchemaOutcome> {
        let failed = self.unreadable(selected, catalogs);
        let mut aligned = SchemaOutcome { failed, ..self.before_changes(selected, catalogs) };
        self.drop_leftovers(catalogs).await?;
        let known = self.known_in_run(selected).await?;
        let mut outdated = self.outdated(selected, catalogs);
        let lacking = has_missing_objects(selected, catalogs, self.settings)
            || self.lacks_sequences(catalogs).await?;
        let mut look = Look::default();
        if !lacking && outdated.is_empty() {
            look = self.look(&known, selected, catalogs).await?;
        }
        if look.is_equal {
            self.remember(&known, &look).await?;
            return Ok(aligned);
        }
        aligned.failed.extend(self.await_held(selected, catalogs).await?);
        outdated.retain(|one| !aligned.failed.contains_key(&one.table.name));
        let mut schema_plan = self.plan_changes(selected, catalogs, &known.created).await?;
        if schema_plan.is_nothing() && aligned.failed.is_empty() {
            self.remember(&known, &look).await?;
        }
        schema_plan.tell_unselected(|table| !self.is_on_target(table, catalogs));
        let mut hindered = self.incompatible(selected, catalogs, context, &schema_plan).await?;
        aligned.failed.extend(take_refused(&mut schema_plan, &mut outdated, &mut hindered));
        schema_plan.settle_types(&hindered, &known.created);
        self.name_holders_in_notes(&mut schema_plan, catalogs).await?;
        self.classify(&mut schema_plan, selected, &mut outdated, &mut aligned);
        let run = Selection { tables: selected, created_by_pgsync: &known.created };
        let mut rebuild = self.plan_rebuilds(&outdated, &run, catalogs).await?;
        rebuild.leave_heirs(&schema_plan.heirs);
        let hindered = hindered.into_iter().filter(|(name, _)| !rebuild.contains(name));
        aligned.failed.extend(hindered.chain(rebuild.refused.iter().cloned()));
        rebuild.all.iter().for_each(|rebuild| schema_plan.leave_to_rebuild(&rebuild.source));
        self.drop_failed(&mut schema_plan, &mut aligned);
        aligned.kept_types = self.leave_held(&mut schema_plan, catalogs).await?;
        self.leave_to_others(selected, &mut schema_plan, &mut aligned);
        let has_changes = schema_plan.steps().next().is_some() || !rebuild.all.is_empty();
        self.note_superuser(has_changes, catalogs, &known).await?;
        if !self.settings.changes_definitions() {
            self.name(&schema_plan, &mut aligned);
        } else if self.settings.dry_run {
            self.simulate_changes(schema_plan, selected, catalogs, &mut aligned).await?;
        } else {
            let has_made = self.make_first(schema_plan, lacking, catalogs, &mut aligned).await?;
            if has_made && !rebuild.all.is_empty() {
                // Types that have just been made are there now.
                rebuild = self.plan_rebuilds(&outdated, &run, catalogs).await?;
                aligned.failed.extend(rebuild.refused.iter().cloned());
            }
        }
        self.build_shadow_tables(rebuild.all, selected, &mut aligned).await?;
        aligned.created = known.created;
        Ok(self.without_children(aligned, selected, catalogs))
    }

    /// Lets parents fail whose children failed before the target had them.
    fn without_children(
        &self,
        mut aligned: SchemaOutcome,
        selected: &[&Table],
        catalogs: &Catalogs,
    ) -> SchemaOutcome {
        let is_there = |name: &TableName| self.is_on_target(name, catalogs);
        let parents = inheritance::without_a_child(selected, &aligned.failed, is_there);
        // Those of one that is rebuilt come with the next run, and say so.
        let is_rebuilt = |name: &TableName| aligned.rebuilt.iter().any(|one| &one.source == name);
        let parents: Vec<_> = parents.into_iter().filter(|(name, _)| !is_rebuilt(name)).collect();
        for (parent, error) in parents {
            aligned.failed.entry(parent).or_insert(error);
        }
        aligned
    }

    /// Whether what is missing is made now, and not only told.
    fn makes_now(&self) -> bool {
        let is_run = !self.settings.dry_run && !self.run_id.is_empty();
        is_run && self.settings.changes_definitions()
    }

    /// Whether the target has this table of the source.
    pub(in crate::schema) fn is_on_target(&self, name: &TableName, catalogs: &Catalogs) -> bool {
        let name = self.settings.target_name_of(name);
        catalogs.target.tables.iter().any(|table| table.name == name)
    }

    /// Says it until the log tells of a table that was made so, or failed to be: whoever keeps to a superuser then knows.
    async fn note_superuser(
        &self,
        has_changes: bool,
        catalogs: &Catalogs,
        known: &Known,
    ) -> Result<()> {
        let is_asked_for =
            has_changes && self.settings.changes_definitions() && catalogs.target.server.superuser;
        if is_asked_for && known.created.is_empty() && !self.has_tried_to_create().await? {
            self.note(NoteLevel::Notice, None, SUPERUSER.to_owned());
        }
        Ok(())
    }

    /// Says what differs: of a table that cannot be brought in sync as it is, in its failure; of one that
    /// the mode wants rebuilt, among the `outdated`; else in a note.
    fn classify<'s>(
        &self,
        schema_plan: &mut SchemaPlan,
        selected: &[&'s Table],
        outdated: &mut Vec<NeedsRebuild<'s>>,
        aligned: &mut SchemaOutcome,
    ) {
        let differs = std::mem::take(&mut schema_plan.differs);
        aligned.named_keys.extend(std::mem::take(&mut schema_plan.named_keys));
        aligned.other_keys.extend(std::mem::take(&mut schema_plan.other_keys));
        aligned.left_partitions.extend(std::mem::take(&mut schema_plan.left_partitions));
        let computing_otherwise = std::mem::take(&mut schema_plan.computing_otherwise);
        aligned.computing_otherwise.extend(computing_otherwise);
        aligned.detaching.extend(std::mem::take(&mut schema_plan.detaching));
        aligned.lost_partitions.extend(std::mem::take(&mut schema_plan.lost_partitions));
        for one in &differs {
            let Some(name) = one.part.clone() else { continue };
            let part = DifferingPart { name, text: one.text.clone() };
            aligned.differing.entry(one.table.clone()).or_default().push(part);
        }
        let Classified { fatal, said } = self.weigh(differs, selected, outdated);
        aligned.failed.extend(fatal);
        for (table, text) in std::mem::take(&mut schema_plan.left_out).into_iter().chain(said) {
            self.note(NoteLevel::Notice, Some(table), text);
        }
    }

    /// Leaves out what only tables need that have failed; what is said of labels depends on it.
    fn drop_failed(&self, schema_plan: &mut SchemaPlan, aligned: &mut SchemaOutcome) {
        let failed = aligned.failed.iter_mut();
        failed.for_each(|(table, error)| self.name_owed(table, error, schema_plan));
        aligned.failed.keys().for_each(|table| schema_plan.drop_root(table));
        self.note_left_labels(schema_plan);
    }

    /// Warns of labels that the source no longer has: who asks for one of them finds fewer rows from now on.
    fn note_left_labels(&self, schema_plan: &mut SchemaPlan) {
        let compares = self.settings.only_compares;
        let level = if compares { NoteLevel::Notice } else { NoteLevel::Warning };
        if self.settings.changes_definitions() || compares {
            for left in std::mem::take(&mut schema_plan.left_labels) {
                // Tables that fail take the steps of their types along.
                let is_made = self.makes_now() && schema_plan.gives_labels(&left.of);
                let text = if is_made { left.made } else { left.planned };
                self.note(level, Some(left.root), text);
            }
        }
    }

    /// Makes what the rows need; what follows them is left for later. Gives whether anything was made.
    async fn make_first(
        &self,
        mut schema_plan: SchemaPlan,
        lacking: bool,
        catalogs: &mut Catalogs,
        aligned: &mut SchemaOutcome,
    ) -> Result<bool> {
        let left_out = self.make(&schema_plan.first, aligned).await?;
        self.remember_source_parts(&schema_plan.source_parts).await?;
        schema_plan.leave_out(&left_out);
        let has_made = !schema_plan.first.is_empty();
        // What lacks in no plan: a killed run may have made it since the first look.
        if has_made || lacking {
            self.look_again(catalogs, aligned).await?;
        }
        schema_plan.last.append(&mut schema_plan.doubtful);
        schema_plan.last.sort_by_key(|step| step.is_validation);
        (aligned.after, aligned.last) = (schema_plan.after, schema_plan.last);
        Ok(has_made)
    }

    /// Tables that cannot be read: nothing is made for them.
    fn unreadable(
        &self,
        selected: &[&Table],
        catalogs: &mut Catalogs,
    ) -> HashMap<TableName, Error> {
        let mut failed = self.broken_trees(selected, catalogs);
        failed.extend(catalogs.source.failed.drain(..));
        failed
    }

    /// Tables of which reads without ONLY show other rows than what travels: nothing of them is changed.
    fn broken_trees(&self, selected: &[&Table], catalogs: &Catalogs) -> HashMap<TableName, Error> {
        let settings = self.settings;
        let target_name = |name: &TableName| settings.target_name_of(name);
        inheritance::broken(selected, &catalogs.target.tables, settings, &target_name)
    }

    /// Reads the target's catalog once more, after it was changed.
    async fn look_again(&self, catalogs: &mut Catalogs, aligned: &mut SchemaOutcome) -> Result<()> {
        let target = &mut catalogs.target;
        let before: HashSet<TableName> = target.tables.drain(..).map(|table| table.name).collect();
        let catalog = self.target.control.catalog(&self.settings.target_schemas()).await?;
        (target.tables, target.foreign_keys) = (catalog.tables, catalog.foreign_keys);
        let appeared = target.tables.iter().filter(|table| !before.contains(&table.name));
        // Not all of them are this run's: a killed one may have filled them since the first look.
        let appeared: Vec<&Table> = appeared.collect();
        aligned.empty = self.target.without_pages(&appeared).await?.into_iter().collect();
        Ok(())
    }

    /// Takes away what the target's server does not have and tables can do without; gives what is said of new tables.
    fn leave_out_unknown(
        &self,
        source: &mut Objects,
        selected: &[&TableName],
        catalogs: &Catalogs,
    ) -> Vec<Remark> {
        let server = &catalogs.target.server;
        let is_new =
            |name: &TableName| selected.contains(&name) && !self.is_on_target(name, catalogs);
        let mut uncompressed = if server.lz4 { Vec::new() } else { source.without_lz4() };
        uncompressed.retain(|one| is_new(&one.root));
        let mut lost = source.without_newer(server.version);
        lost.retain(|one| is_new(&one.root));
        let first = uncompressed.first().map(|first| Remark {
            root: first.root.clone(),
            text: compression::left_out(first, uncompressed.len()),
        });
        first.into_iter().chain(older::told(&lost)).collect()
    }

    /// What rules do not carry, with its table. It is said when the table is made, or when the source gets it.
    fn new_losses(
        &self,
        not_carried: Vec<NotCarried>,
        source_parts: &SourceParts,
        catalogs: &Catalogs,
    ) -> impl Iterator<Item = NotCarried> {
        let is_new = |one: &NotCarried| {
            !self.is_on_target(&one.root, catalogs)
                || source_parts::is_new(source_parts, &one.root, &one.title)
        };
        not_carried.into_iter().filter(is_new)
    }

    /// What there is to do.
    async fn plan_changes(
        &self,
        selected: &[&Table],
        catalogs: &Catalogs,
        created_by_pgsync: &HashSet<TableName>,
    ) -> Result<SchemaPlan> {
        let settings = self.settings;
        let renamed = settings.schemas.first().zip(settings.target_schema.as_ref());
        let Definitions { source, target, path } = self.definitions(catalogs).await?;
        let is_read = |table: &&Table| !source.unread.contains(&table.name);
        let (selected, unread): (Vec<&Table>, Vec<&Table>) =
            selected.iter().copied().partition(is_read);
        let selected = &selected[..];
        let shapes = self.shapes(selected, &source, &path);
        let Reshaped { definitions: mut source, not_carried } = source.reshaped(&shapes);
        let names: Vec<&TableName> = selected.iter().map(|table| &table.name).collect();
        let source_parts = self.source_parts(created_by_pgsync).await?;
        let lost = self.new_losses(not_carried, &source_parts, catalogs);
        let mut left_out: Vec<_> = lost.map(|one| (one.root.clone(), one.told())).collect();
        let unknown = self.leave_out_unknown(&mut source, &names, catalogs).into_iter();
        left_out.extend(unknown.map(|Remark { root, text }| (root, text)));
        let reset = self.rebuilt_tables(selected);
        let mut input = DiffInput {
            source: &source,
            target: &target,
            selected: &names,
            created_by_pgsync,
            source_parts: &source_parts,
            version: catalogs.target.server.version,
            comparable: are_comparable(catalogs),
            same_major: are_of_one_major(catalogs),
            reset: &reset,
            renamed,
            path: &path,
            crowded: &Crowded::new(),
            makes: self.makes_now(),
        };
        let (mut reworded, mut crowded) = (None, Crowded::new());
        if catalogs.target.server.temporary {
            reworded = self.reworded(&input, &path).await?;
            crowded = self.crowded(&input, &path).await?;
        }
        input.crowded = &crowded;
        if let Some(reworded) = &reworded {
            input.source = reworded;
        }
        let mut schema_plan = input.schema_plan();
        schema_plan.left_out.extend(left_out);
        schema_plan.unread = unread.into_iter().map(|table| table.name.clone()).collect();
        let sequences = self.free_sequences(catalogs);
        let sequences: Vec<&TableName> = sequences.iter().map(|one| &one.name).collect();
        let mut free = input.free_sequences(&sequences);
        // Those from which a function draws come before it.
        free.retain(|step| schema_plan.first.iter().all(|first| first.title != step.title));
        schema_plan.first.extend(free);
        schema_plan.lead(&path);
        Ok(schema_plan)
    }
}

/// The tables that cannot be had as things are: they are not rebuilt, and nothing else is said of their columns.
fn take_refused(
    schema_plan: &mut SchemaPlan,
    outdated: &mut Vec<NeedsRebuild<'_>>,
    hindered: &mut BTreeMap<TableName, Error>,
) -> BTreeMap<TableName, Error> {
    let blocked = std::mem::take(&mut schema_plan.blocked).into_iter();
    let blocked = blocked.map(|(table, why)| (table, Error::Blocked(why)));
    let unread = std::mem::take(&mut schema_plan.unread).into_iter();
    let unread = unread.map(|table| (table, changed_meanwhile(Side::Source)));
    let refused: BTreeMap<TableName, Error> = blocked.chain(unread).collect();
    outdated.retain(|one| !refused.contains_key(&one.table.name));
    hindered.retain(|table, _| !refused.contains_key(table));
    refused
}
