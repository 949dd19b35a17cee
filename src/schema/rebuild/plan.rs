//! Tables that additions cannot make equal, built beside the old ones in a schema of their own. The
//! usual job fills them; `swap` puts them in their places.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::slice::from_ref;

use super::guard::{GONE, left_behind, lost_keys, obstacles, refusal};
use super::shadow_schema;
use crate::config::Settings;
use crate::context::{Catalogs, RunContext};
use crate::ddl_step::Step;
use crate::error::{Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::note::NoteLevel;
use crate::pg::definitions;
use crate::plan::renamed_columns;
use crate::schema::SchemaOutcome;
use crate::schema::compatibility::would_be;
use crate::schema::diff::crowded::Crowded;
use crate::schema::diff::rebuild_reasons;
use crate::schema::diff::sequence_owners::keep_for_new_tables;
use crate::schema::diff::source_parts::SourceParts;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::{Definitions, Dependents, IncomingKey, Kind, Object};
use crate::sql::statement::{Statement, statement};
use crate::sql::swap;
use crate::sql::swap::ShadowTable;
use crate::table::Table;

/// A table that is to be rebuilt.
pub struct NeedsRebuild<'a> {
    pub table: &'a Table,
    pub reasons: Vec<String>,
}

/// The tables of a run, and those of them that pgsync made.
pub(in crate::schema) struct Selection<'a> {
    pub tables: &'a [&'a Table],
    pub created_by_pgsync: &'a HashSet<TableName>,
}

impl Selection<'_> {
    /// Whether a table of the target keeps its foreign keys: it has no new form, and it does not follow the source's, whose
    /// keys it has, or loses others before the rows.
    fn keeps_keys(&self, there: &TableName, rebuilt: &[TableName], settings: &Settings) -> bool {
        let name = settings.source_name_of(there);
        let mut names = self.tables.iter().map(|table| &table.name);
        let follows = self.created_by_pgsync.contains(&name) && names.any(|one| one == &name);
        !follows && !rebuilt.contains(there)
    }
}

/// What is to be rebuilt, and what cannot be.
#[derive(Default)]
pub(in crate::schema) struct RebuildPlan {
    pub all: Vec<Rebuild>,
    pub refused: Vec<(TableName, Error)>,
}

impl RebuildPlan {
    /// Whether a table, by its name on the source, is rebuilt.
    pub fn contains(&self, name: &TableName) -> bool {
        self.all.iter().any(|rebuild| &rebuild.source == name)
    }

    /// Refuses new tables whose parents are rebuilt: they would inherit from the old ones.
    pub fn leave_heirs(&mut self, heirs: &BTreeMap<TableName, BTreeSet<TableName>>) {
        let mut waiting: BTreeSet<&TableName> = BTreeSet::new();
        loop {
            let waits = |parent: &&TableName| self.contains(parent) || waiting.contains(*parent);
            let next = heirs.iter().find_map(|(child, parents)| {
                let parent = parents.iter().find(waits)?;
                (!waiting.contains(child)).then_some((child, parent))
            });
            let Some((child, parent)) = next else { return };
            let text = format!(
                "{parent}, from which it inherits, gets a new form in this run: the next run creates it"
            );
            self.refused.push((child.clone(), Error::Blocked(text)));
            waiting.insert(child);
        }
    }
}

/// How one table is rebuilt.
#[derive(Debug)]
pub struct Rebuild {
    pub source: TableName,
    pub reasons: String,
    pub shadow: ShadowTable,
    pub schema_plan: SchemaPlan,
    pub dependents: Dependents,
    /// What only the target's old table has, in words.
    pub lost: Vec<String>,
}

/// A table that stands ready to be filled.
#[derive(Clone, Debug)]
pub struct RebuiltTable {
    pub source: TableName,
    pub shadow: ShadowTable,
    /// As the target's catalog has it.
    pub table: Table,
    /// The foreign keys of other tables that refer to the old one.
    pub keys: Vec<IncomingKey>,
}

impl Rebuild {
    /// What runs before the rows.
    pub fn statements_before(&self) -> Vec<Statement> {
        let shadow_schema =
            statement!("create schema {shadow_schema}", shadow_schema = self.shadow.shadow_schema);
        let path = statement!(
            "set search_path = {shadow_schema}, {home}",
            shadow_schema = self.shadow.shadow_schema,
            home = self.shadow.table.schema
        );
        let own = self.schema_plan.first.iter().flat_map(|step| step.statements.clone());
        [shadow_schema, path].into_iter().chain(own).collect()
    }

    /// What runs after them.
    pub fn statements_after(&self) -> Vec<Statement> {
        let SchemaPlan { after, last, .. } = &self.schema_plan;
        let swapped = [(&self.shadow, &self.dependents)];
        let statements = |step: &Step| step.statements.clone();
        let validations = swap::validations(&swapped, &self.dependents);
        // In a run it may be gone by then.
        let guard = Statement::from(self.shadow.guard());
        let own = after.values().flatten().flat_map(statements).filter(|one| *one != guard);
        own.chain(swap::swap(&swapped))
            .chain(validations.into_iter().map(|one| one.statement))
            .chain(last.iter().flat_map(statements))
            .collect()
    }
}

/// What is known of a schema some of whose tables are to be rebuilt.
struct SchemaOfBoth<'s> {
    /// By its name on the source.
    schema: &'s Ident,
    shadow_schema: Ident,
    source: Definitions,
    target: Definitions,
    /// What depends on the target's tables.
    dependents: Vec<Dependents>,
    catalogs: &'s Catalogs,
}

impl RunContext<'_> {
    /// The tables that the mode wants rebuilt.
    pub(in crate::schema) fn outdated<'s>(
        &self,
        selected: &[&'s Table],
        catalogs: &Catalogs,
    ) -> Vec<NeedsRebuild<'s>> {
        let may_be = |table: &&&Table| self.may_rebuild(&table.name);
        let selected: Vec<&'s Table> = selected.iter().filter(may_be).copied().collect();
        if selected.is_empty() {
            return Vec::new();
        }
        let there: HashMap<&TableName, &Table> =
            catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
        let judge = |table: &'s Table| {
            let there = there.get(&self.settings.target_name_of(&table.name))?;
            let reasons = rebuild_reasons::reasons(table, there);
            (!reasons.is_empty()).then_some(NeedsRebuild { table, reasons })
        };
        selected.into_iter().filter_map(judge).collect()
    }

    /// How the tables are rebuilt, or why they cannot be.
    pub(in crate::schema) async fn plan_rebuilds(
        &self,
        outdated: &[NeedsRebuild<'_>],
        run: &Selection<'_>,
        catalogs: &Catalogs,
    ) -> Result<RebuildPlan> {
        // What is not there, because its partitions still belong to a table of another name, is made and not rebuilt.
        let is_there = |one: &&NeedsRebuild<'_>| self.is_on_target(&one.table.name, catalogs);
        let outdated: Vec<&NeedsRebuild<'_>> = outdated.iter().filter(is_there).collect();
        let mut schemas: Vec<&Ident> = outdated.iter().map(|one| &one.table.name.schema).collect();
        schemas.sort();
        schemas.dedup();
        let mut planned = RebuildPlan::default();
        for schema in schemas {
            let of_schema = outdated.iter().filter(|one| &one.table.name.schema == schema);
            let of_schema: Vec<&NeedsRebuild<'_>> = of_schema.copied().collect();
            let shadow_schema = swap::shadow_schema_of(self.settings.target_schema_of(schema));
            if let Some(why) = shadow_schema::hindrance(self.target, &shadow_schema).await? {
                let refused = of_schema.iter().map(|one| (one.table.name.clone(), why.clone()));
                planned.refused.extend(refused);
                continue;
            }
            let read = self.read_for_rebuild(schema, &of_schema, catalogs).await?;
            self.plan_schema(read, &of_schema, run, &mut planned);
        }
        Ok(planned)
    }

    /// Reads what a schema's tables are made of on both sides, and what depends on them.
    async fn read_for_rebuild<'s>(
        &self,
        schema: &'s Ident,
        outdated: &[&NeedsRebuild<'_>],
        catalogs: &'s Catalogs,
    ) -> Result<SchemaOfBoth<'s>> {
        let settings = self.settings;
        let home = settings.target_schema_of(schema);
        let shadow_schema = swap::shadow_schema_of(home);
        let schemas = settings.target_schemas();
        let names: Vec<&Ident> = outdated.iter().map(|one| &one.table.name.name).collect();
        let control = &self.target.control;
        let on_target = async {
            let target = control.definitions(&schemas, from_ref(home), &catalogs.held[1]).await?;
            Ok((target, control.dependents(home, &shadow_schema, &names).await?))
        };
        let (mut source, (target, dependents)) = tokio::try_join!(
            self.source.definitions(&settings.schemas, from_ref(schema), &catalogs.held[0]),
            on_target
        )?;
        source = definitions::whole(Side::Source, source)?;
        let target = definitions::whole(Side::Target, target)?;
        if !catalogs.target.server.lz4 {
            source.without_lz4();
        }
        source.without_newer(catalogs.target.server.version);
        Ok(SchemaOfBoth { schema, shadow_schema, source, target, dependents, catalogs })
    }

    /// Plans the tables of a schema, or says why they cannot be rebuilt.
    fn plan_schema(
        &self,
        read: SchemaOfBoth<'_>,
        outdated: &[&NeedsRebuild<'_>],
        run: &Selection<'_>,
        planned: &mut RebuildPlan,
    ) {
        let SchemaOfBoth { schema, shadow_schema, source, target, dependents, catalogs } = read;
        let settings = self.settings;
        let tables = || outdated.iter().map(|one| &one.table.name);
        let places: Vec<TableName> = tables().map(|name| settings.target_name_of(name)).collect();
        let names: Vec<&Ident> = tables().map(|table| &table.name).collect();
        let selected: Vec<&TableName> = run.tables.iter().map(|table| &table.name).collect();
        let whole = target;
        let target = whole.clone().without(&places.iter().collect());
        let input = DiffInput {
            source: &source,
            target: &target,
            selected: &selected,
            created_by_pgsync: run.created_by_pgsync,
            source_parts: &SourceParts::new(),
            version: catalogs.target.server.version,
            comparable: false,
            same_major: false,
            reset: &tables().cloned().collect(),
            renamed: settings.target_schema.as_ref().map(|to| (schema, to)),
            path: &[],
            crowded: &Crowded::new(),
            makes: true,
        };
        let mut schema_plan = steps_of(&input, &whole, &places);
        lead(&mut schema_plan, &shadow_schema, settings.target_schema_of(schema));
        let stays = |child: &TableName| run.keeps_keys(child, &places, settings);
        for (one, place) in outdated.iter().zip(&places) {
            let name = one.table.name.clone();
            let own = dependents.iter().find(|own| &own.table == place);
            let old = catalogs.target.tables.iter().find(|old| &old.name == place);
            let Some((dependents, old)) = own.zip(old) else {
                planned.refused.push((name, refusal(&one.reasons, &[GONE.to_owned()])));
                continue;
            };
            let behind = left_behind(&source, &whole, &name, &selected);
            let mut hindered = self.kept_by_settings(one.table, &behind);
            hindered.extend(obstacles(dependents, &source, &target, one.table, old));
            hindered.extend(lost_keys(dependents, &source, &name, stays));
            if !hindered.is_empty() {
                planned.refused.push((name, self.refused(one, old, &hindered)));
                continue;
            }
            let shadow = shadow_table(&source, &name, place, &shadow_schema);
            planned.all.push(Rebuild {
                schema_plan: of_table(&schema_plan, &name, &shadow, &names),
                source: name,
                reasons: one.reasons.join("; "),
                shadow,
                dependents: dependents.clone(),
                lost: only_there(&source, &whole, place),
            });
        }
    }

    /// Why a table is not rebuilt. If the source has renamed columns of it, it need not be.
    fn refused(&self, one: &NeedsRebuild<'_>, old: &Table, obstacles: &[String]) -> Error {
        let asked = self.asked(&one.table.name, &renamed_columns::among(one.table, old));
        match (asked, refusal(&one.reasons, obstacles)) {
            (Some(asked), Error::Blocked(text)) => {
                Error::Blocked(format!("{asked}; otherwise: {text}"))
            }
            (_, error) => error,
        }
    }

    /// Makes the tables, empty and beside the old ones; in a dry run only says so.
    pub(in crate::schema) async fn build_shadow_tables(
        &self,
        all: Vec<Rebuild>,
        selected: &[&Table],
        aligned: &mut SchemaOutcome,
    ) -> Result<()> {
        if !self.settings.dry_run {
            self.make(&shared(&all), aligned).await?;
        }
        for rebuild in all {
            let source = rebuild.source.clone();
            // What it shares with others could not be made.
            if aligned.failed.contains_key(&source) {
                continue;
            }
            let notice = |text| self.note(NoteLevel::Notice, Some(source.clone()), text);
            let word = if self.settings.dry_run { "would be" } else { "is" };
            notice(format!("{word} rebuilt: {}", rebuild.reasons));
            if !rebuild.lost.is_empty() {
                notice(format!("goes with the old table: {}", rebuild.lost.join(", ")));
            }
            let table = if self.settings.dry_run {
                let table = selected.iter().find(|table| table.name == source);
                table.map(|table| would_be(table, rebuild.shadow.table.clone()))
            } else {
                self.make_beside(&rebuild, aligned).await?
            };
            if let Some(table) = table {
                if !self.settings.dry_run {
                    aligned.after.extend(rebuild.schema_plan.after);
                    let is_new =
                        |step: &Step| !aligned.last.iter().any(|known| known.is_of_same_part(step));
                    let (new, _): (Vec<Step>, Vec<Step>) =
                        rebuild.schema_plan.last.into_iter().partition(is_new);
                    aligned.last.extend(new);
                }
                let keys = rebuild.dependents.keys;
                aligned.rebuilt.push(RebuiltTable { source, shadow: rebuild.shadow, table, keys });
            }
        }
        Ok(())
    }

    async fn make_beside(
        &self,
        rebuild: &Rebuild,
        aligned: &mut SchemaOutcome,
    ) -> Result<Option<Table>> {
        let shadow_schema = &rebuild.shadow.shadow_schema;
        if let Err(error) = self.create_shadow_schema(shadow_schema).await {
            if error.is_transient() {
                return Err(error);
            }
            aligned.failed.insert(rebuild.source.clone(), error);
            return Ok(None);
        }
        let own = rebuild.schema_plan.first.iter().filter(|step| !step.shared);
        self.make_shadow(&own.cloned().collect::<Vec<Step>>(), aligned).await?;
        let name = TableName { schema: shadow_schema.clone(), name: rebuild.source.name.clone() };
        let tables = self.target.control.catalog(std::slice::from_ref(shadow_schema)).await?.tables;
        Ok(tables.into_iter().find(|table| table.name == name))
    }
}

/// Tables are made in `scratch`; what others share with them, and foreign keys, in its place.
fn lead(schema_plan: &mut SchemaPlan, shadow_schema: &Ident, home: &Ident) {
    schema_plan.lead(&[shadow_schema.clone(), home.clone()]);
    let shared = schema_plan.first.iter_mut().filter(|step| step.shared);
    shared.chain(&mut schema_plan.last).for_each(|step| step.path = vec![home.clone()]);
}

/// What the tables need that belongs to none of them, each once.
fn shared(all: &[Rebuild]) -> Vec<Step> {
    let mut shared: Vec<Step> = Vec::new();
    for step in all.iter().flat_map(|rebuild| &rebuild.schema_plan.first).filter(|step| step.shared)
    {
        // Each label of an enum has a step of its own.
        let is_same = |known: &&mut Step| {
            known.title == step.title
                && known.path == step.path
                && known.statements == step.statements
        };
        match shared.iter_mut().find(is_same) {
            Some(known) => known.roots.extend(step.roots.iter().cloned()),
            None => shared.push(step.clone()),
        }
    }
    shared
}

/// The tables of which a table of the source consists.
pub(in crate::schema) fn parts<'d>(
    source: &'d Definitions,
    name: &'d TableName,
) -> impl Iterator<Item = &'d TableName> {
    let tables = source.objects.iter().filter(|object| object.kind == Kind::Table);
    tables.filter(move |table| table.root.as_ref() == Some(name)).filter_map(|t| t.name.as_ref())
}

fn shadow_table(
    source: &Definitions,
    name: &TableName,
    place: &TableName,
    shadow_schema: &Ident,
) -> ShadowTable {
    let is_own =
        |object: &&Object| object.kind == Kind::Statistics && object.root.as_ref() == Some(name);
    ShadowTable {
        table: place.clone(),
        shadow_schema: shadow_schema.clone(),
        tables: parts(source, name).map(|part| part.name.clone()).collect(),
        statistics: source.objects.iter().filter(is_own).map(|o| o.at.name.clone()).collect(),
    }
}

/// The table's own steps; what it shares with others is made in its own place. What follows rows makes sure that it does not hit the old table.
fn of_table(
    all: &SchemaPlan,
    name: &TableName,
    shadow: &ShadowTable,
    rebuild: &[&Ident],
) -> SchemaPlan {
    let first = all.first.iter().filter(|step| step.roots.contains(name));
    let first = first.map(|step| Step { makes: None, ..step.clone() });
    let guarded = |step: &Step| {
        let guard = std::iter::once(shadow.guard().into());
        Step { statements: guard.chain(step.statements.clone()).collect(), ..step.clone() }
    };
    let after = all.after.get(name).map(|steps| steps.iter().map(guarded).collect());
    let others = |child: &TableName| child.schema != name.schema || !rebuild.contains(&&child.name);
    let last = all.last.iter().filter(|step| match step.roots.as_slice() {
        [child, parent] => child == name || parent == name && others(child),
        _ => false,
    });
    SchemaPlan {
        first: first.collect(),
        after: after.map(|steps| (name.clone(), steps)).into_iter().collect(),
        last: last.cloned().collect(),
        ..SchemaPlan::default()
    }
}

/// The steps that make new tables in some places of the whole target.
fn steps_of(input: &DiffInput<'_>, whole: &Definitions, places: &[TableName]) -> SchemaPlan {
    let mut schema_plan = input.schema_plan();
    keep_for_new_tables(&mut schema_plan.first, input.source, whole, places);
    schema_plan
}

/// What only the target's table has, in words.
fn only_there(source: &Definitions, target: &Definitions, place: &TableName) -> Vec<String> {
    let counts = |kind| {
        matches!(kind, Kind::Key | Kind::Index | Kind::Check | Kind::ForeignKey | Kind::Statistics)
    };
    let own = target.objects.iter().filter(|object| object.root.as_ref() == Some(place));
    let lost = own.filter(|object| counts(object.kind) && source.same(object).is_none());
    lost.map(|object| format!("{} {}", object.kind.noun(), object.id)).collect()
}
