//! Tables that additions cannot make equal, built beside the old ones in a schema of their own. The
//! usual job fills them; `swap` puts them in their places.

use std::collections::{HashMap, HashSet};

use super::Shaped;
use super::judge::would_be;
use super::spare::{allowed, left_behind};
use crate::config::Ddl;
use crate::definition::{Definitions, Keep, Kind, Object};
use crate::discover::{Ends, Sides};
use crate::error::{Error, Result};
use crate::event::NoteLevel;
use crate::ident::{Ident, TableName};
use crate::plan::ddl::{Ask, Outline, Step, reset};
use crate::sql::statement::{Statement, statement};
use crate::sql::swap::{self, StandIn};
use crate::table::Table;

/// A table that is to be built anew.
pub struct Outdated<'a> {
    pub table: &'a Table,
    pub reasons: Vec<String>,
}

/// The tables of a run, and those of them that pgsync made.
pub(super) struct Selection<'a> {
    pub tables: &'a [&'a Table],
    pub made: &'a HashSet<TableName>,
}

/// What is to be built anew, and what cannot be.
#[derive(Default)]
pub(super) struct Planned {
    pub all: Vec<Anew>,
    pub refused: Vec<(TableName, Error)>,
}

/// How one table is built anew.
#[derive(Debug)]
pub struct Anew {
    pub source: TableName,
    pub reasons: String,
    pub stand_in: StandIn,
    pub outline: Outline,
    pub keep: Keep,
    /// What only the target's old table has, in words.
    pub lost: Vec<String>,
}

/// A table that stands ready to be filled.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    pub source: TableName,
    pub stand_in: StandIn,
    /// As the target's catalog has it.
    pub table: Table,
}

impl Anew {
    /// What runs before the rows, and after them.
    pub fn statements(&self) -> (Vec<Statement>, Vec<Statement>) {
        let scratch = statement!("create schema {scratch}", scratch = self.stand_in.scratch);
        let of = |steps: &mut dyn Iterator<Item = &Step>| -> Vec<Statement> {
            steps.flat_map(|step| step.statements.clone()).collect()
        };
        let mut before = vec![scratch];
        before.extend(of(&mut self.outline.first.iter()));
        let mut after = of(&mut self.outline.after.values().flatten());
        after.extend(swap::swap(&[(&self.stand_in, &self.keep)]));
        after.extend(of(&mut self.outline.last.iter()));
        (before, after)
    }
}

impl Ends<'_> {
    /// The tables that the mode wants built anew.
    pub(super) fn outdated<'s>(&self, selected: &[&'s Table], sides: &Sides) -> Vec<Outdated<'s>> {
        if self.settings.ddl != Ddl::Reset {
            return Vec::new();
        }
        let there: HashMap<&TableName, &Table> =
            sides.target.tables.iter().map(|table| (&table.name, table)).collect();
        let judge = |table: &&'s Table| {
            let there = there.get(&self.settings.target_name_of(&table.name))?;
            let reasons = reset::reasons(table, there);
            (!reasons.is_empty()).then_some(Outdated { table, reasons })
        };
        selected.iter().filter_map(judge).collect()
    }

    /// How the tables are built anew, or why they cannot be.
    pub(super) async fn plan_anew(
        &self,
        outdated: &[Outdated<'_>],
        run: &Selection<'_>,
        sides: &Sides,
    ) -> Result<Planned> {
        let mut schemas: Vec<&Ident> = outdated.iter().map(|one| &one.table.name.schema).collect();
        schemas.sort();
        schemas.dedup();
        let mut planned = Planned::default();
        for schema in schemas {
            let of_schema = outdated.iter().filter(|one| &one.table.name.schema == schema);
            let of_schema: Vec<&Outdated<'_>> = of_schema.collect();
            self.plan_schema(schema, &of_schema, run, (sides, &mut planned)).await?;
        }
        Ok(planned)
    }

    async fn plan_schema(
        &self,
        schema: &Ident,
        outdated: &[&Outdated<'_>],
        run: &Selection<'_>,
        (sides, planned): (&Sides, &mut Planned),
    ) -> Result<()> {
        let settings = self.settings;
        let home = settings.target_schema_of(schema);
        let scratch = swap::scratch(home);
        let schemas = settings.target_schemas();
        let names: Vec<&Ident> = outdated.iter().map(|one| &one.table.name.name).collect();
        let on_target = async {
            let target =
                self.target.keeper.definitions(&schemas, Some(home), &sides.held[1]).await?;
            Ok((target, self.target.keeper.keep(home, &scratch, &names).await?))
        };
        let (source, (target, keeps)) = tokio::try_join!(
            self.source.keeper.definitions(&settings.schemas, Some(schema), &sides.held[0]),
            on_target
        )?;
        let place = |one: &&Outdated<'_>| settings.target_name_of(&one.table.name);
        let places: Vec<TableName> = outdated.iter().map(place).collect();
        let lost: Vec<Vec<String>> =
            places.iter().map(|place| only_there(&source, &target, place)).collect();
        let selected: Vec<&TableName> = run.tables.iter().map(|table| &table.name).collect();
        let behind =
            |one: &&Outdated<'_>| left_behind((&source, &target), &one.table.name, &selected);
        let behind: Vec<Option<&Object>> = outdated.iter().map(behind).collect();
        let target = target.without(&places.iter().collect());
        let ask = Ask {
            source: &source,
            target: &target,
            selected: &selected,
            made: run.made,
            version: sides.target.server.version,
            alike: false,
            reset: true,
            renamed: settings.target_schema.as_ref().map(|to| (schema, to)),
        };
        let mut outline = ask.outline();
        lead(&mut outline, &scratch, home);
        let old = places.iter().zip(lost.into_iter().zip(behind));
        for (one, (place, (lost, behind))) in outdated.iter().zip(old) {
            let name = one.table.name.clone();
            let keep = keeps.iter().find(|keep| &keep.table == place);
            let there = sides.target.tables.iter().find(|table| &table.name == place);
            match self.spares(one.table, behind).and(allowed(keep, there, &source, &name)) {
                Err(error) => planned.refused.push((name, error)),
                Ok(keep) => {
                    let stand_in = stand_in(&source, &name, place, &scratch);
                    let outline = of_table(&outline, &name, &stand_in, &names);
                    let (reasons, keep) = (one.reasons.join("; "), keep.clone());
                    planned.all.push(Anew { source: name, reasons, stand_in, outline, keep, lost });
                }
            }
        }
        Ok(())
    }

    /// Makes the tables, empty and beside the old ones; in a dry run only says so.
    pub(super) async fn build_anew(
        &self,
        all: Vec<Anew>,
        selected: &[&Table],
        shaped: &mut Shaped,
    ) -> Result<()> {
        if !self.settings.dry_run {
            self.make(&shared(&all), shaped).await?;
        }
        for anew in all {
            let source = anew.source.clone();
            // What it shares with others could not be made.
            if shaped.failed.contains_key(&source) {
                continue;
            }
            let notice = |text| self.note(NoteLevel::Notice, Some(source.clone()), text);
            let word = if self.settings.dry_run { "would be" } else { "is" };
            notice(format!("{word} built anew: {}", anew.reasons));
            if !anew.lost.is_empty() {
                notice(format!("goes with the old table: {}", anew.lost.join(", ")));
            }
            let table = match self.settings.dry_run {
                true => {
                    self.foretell(&anew.outline);
                    let table = selected.iter().find(|table| table.name == source);
                    table.map(|table| would_be(table, anew.stand_in.table.clone()))
                }
                false => self.make_beside(&anew, shaped).await?,
            };
            if let Some(table) = table {
                if !self.settings.dry_run {
                    shaped.after.extend(anew.outline.after);
                    shaped.last.extend(anew.outline.last);
                }
                shaped.rebuilt.push(Rebuilt { source, stand_in: anew.stand_in, table });
            }
        }
        Ok(())
    }

    async fn make_beside(&self, anew: &Anew, shaped: &mut Shaped) -> Result<Option<Table>> {
        let scratch = &anew.stand_in.scratch;
        if let Err(error) = self.make_scratch(scratch).await {
            if error.is_transient() {
                return Err(error);
            }
            shaped.failed.insert(anew.source.clone(), error);
            return Ok(None);
        }
        let own = anew.outline.first.iter().filter(|step| !step.shared);
        self.make(&own.cloned().collect::<Vec<Step>>(), shaped).await?;
        let name = TableName { schema: scratch.clone(), name: anew.source.name.clone() };
        let tables = self.target.keeper.catalog(std::slice::from_ref(scratch)).await?.0;
        Ok(tables.into_iter().find(|table| table.name == name))
    }
}

/// Tables are made in `scratch`; what others share with them, and foreign keys, in its place.
fn lead(outline: &mut Outline, scratch: &Ident, home: &Ident) {
    outline.lead(&[scratch.clone(), home.clone()]);
    let shared = outline.first.iter_mut().filter(|step| step.shared);
    shared.chain(&mut outline.last).for_each(|step| step.path = vec![home.clone()]);
}

/// What the tables need that belongs to none of them, each once.
fn shared(all: &[Anew]) -> Vec<Step> {
    let mut shared: Vec<Step> = Vec::new();
    for step in all.iter().flat_map(|anew| &anew.outline.first).filter(|step| step.shared) {
        match shared.iter_mut().find(|known| known.title == step.title && known.path == step.path) {
            Some(known) => known.roots.extend(step.roots.iter().cloned()),
            None => shared.push(step.clone()),
        }
    }
    shared
}

/// The tables of which a table of the source consists.
pub(super) fn parts<'d>(
    source: &'d Definitions,
    name: &'d TableName,
) -> impl Iterator<Item = &'d TableName> {
    let tables = source.objects.iter().filter(|object| object.kind == Kind::Table);
    tables.filter(move |table| table.root.as_ref() == Some(name)).filter_map(|t| t.name.as_ref())
}

fn stand_in(source: &Definitions, name: &TableName, place: &TableName, scratch: &Ident) -> StandIn {
    let is_own =
        |object: &&Object| object.kind == Kind::Statistics && object.root.as_ref() == Some(name);
    StandIn {
        table: place.clone(),
        scratch: scratch.clone(),
        tables: parts(source, name).map(|part| part.name.clone()).collect(),
        statistics: source.objects.iter().filter(is_own).map(|o| o.at.name.clone()).collect(),
    }
}

/// The table's own steps; what it shares with others is made in its own place. What follows rows makes sure that it does not hit the old table.
fn of_table(all: &Outline, name: &TableName, stand_in: &StandIn, anew: &[&Ident]) -> Outline {
    let first = all.first.iter().filter(|step| step.roots.contains(name));
    let first = first.map(|step| Step { makes: None, ..step.clone() });
    let guarded = |step: &Step| {
        let guard = std::iter::once(stand_in.guard().into());
        Step { statements: guard.chain(step.statements.clone()).collect(), ..step.clone() }
    };
    let after = all.after.get(name).map(|steps| steps.iter().map(guarded).collect());
    let others = |child: &TableName| child.schema != name.schema || !anew.contains(&&child.name);
    let last = all.last.iter().filter(|step| match step.roots.as_slice() {
        [child, parent] => child == name || parent == name && others(child),
        _ => false,
    });
    Outline {
        first: first.collect(),
        after: after.map(|steps| (name.clone(), steps)).into_iter().collect(),
        last: last.cloned().collect(),
        ..Outline::default()
    }
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
