//! What the target's tables are made of: what is missing is made before rows arrive, the rest is
//! handed on to follow them. `build` does what follows.

pub mod anew;
pub mod build;
mod held;
mod judge;
mod make;
mod scratch;
mod spare;
pub mod swap;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::config::Ddl;
use crate::discover::{Ends, Sides};
use crate::error::{Error, Result};
use crate::event::NoteLevel;
use crate::ident::{Ident, TableName};
use crate::pg::catalog::Server;
use crate::pg::definitions::Sketched;
use crate::plan::ddl::{Ask, Outline, Step};
use crate::plan::{Ground, inheritance};
use crate::sql::statement::Statement;
use crate::table::Table;
use crate::target::sync_log;
use anew::{Anew, Planned, Rebuilt, Selection};
use judge::{Weighed, incompatible, lacking};

/// Said where what owners of the source's tables define is evaluated by somebody who may do anything.
const SUPERUSER: &str = "definitions come from the source, and their expressions run on the target as a superuser: \
                         see docs/security.md for a role with less rights";

/// What became of the target's definitions.
#[derive(Default)]
pub struct Shaped {
    /// Tables that cannot be had, and why.
    pub failed: HashMap<TableName, Error>,
    /// By table: what follows its rows.
    pub after: BTreeMap<TableName, Vec<Step>>,
    /// Foreign keys.
    pub last: Vec<Step>,
    /// Tables of the target that were not there at the first look and hold no row, by its names.
    pub empty: HashSet<TableName>,
    /// Tables that are built beside the old ones.
    pub rebuilt: Vec<Rebuilt>,
    /// In a dry run: tables of the target as they would be.
    pub would_be: Vec<Table>,
    /// In a dry run: tables of the source without the columns that the target would get.
    pub reduced: HashMap<TableName, Table>,
}

/// What a run would change, without one.
#[derive(Debug, Default)]
pub struct Listing {
    /// The schema that names without one lead to.
    pub home: Option<Ident>,
    pub statements: Vec<Statement>,
    /// Tables that stay as they are, and why.
    pub obstacles: Vec<(TableName, Error)>,
    /// Tables that would be built beside the old ones.
    pub anew: Vec<Anew>,
    /// What would be left out, by table.
    pub left_out: Vec<(TableName, String)>,
}

impl Listing {
    /// Whether a run would execute nothing. What it could not mend is said, and is no statement.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.anew.is_empty()
    }
}

impl Ends<'_> {
    /// The statements that a run would execute.
    ///
    /// # Errors
    /// What concerns both ends as a whole.
    pub async fn list(&self) -> Result<Listing> {
        let mut sides = self.open().await?;
        let tables = std::mem::take(&mut sides.source.tables);
        let selected = self.select(&tables, &sides)?;
        let ground = self.ground(&sides);
        let made = self.made(&selected).await?;
        let mut obstacles = self.await_held(&selected, &mut sides).await?;
        obstacles.extend(self.broken_trees(&selected, &sides));
        let mut outline = self.outline(&selected, &sides, &made).await?;
        let mut outdated = self.outdated(&selected, &sides);
        outdated.retain(|one| obstacles.iter().all(|(table, _)| table != &one.table.name));
        let differs = std::mem::take(&mut outline.differs);
        let Weighed { fatal, said } = self.weigh(differs, &selected, &mut outdated);
        outline.left_out.extend(said);
        let run = Selection { tables: &selected, made: &made };
        let Planned { all: anew, refused } = self.plan_anew(&outdated, &run, &sides).await?;
        let mut hindered = incompatible(&selected, &sides, self, &ground);
        hindered.retain(|(table, _)| !outdated.iter().any(|one| &one.table.name == table));
        obstacles.extend(hindered);
        obstacles.extend(refused.into_iter().chain(fatal));
        let anew_names = anew.iter().map(|anew| &anew.source);
        let barred = obstacles.iter().map(|(table, _)| table).chain(anew_names);
        barred.for_each(|table| outline.drop_root(table));
        let statements = outline.steps().flat_map(|step| step.statements.clone()).collect();
        let home = self.settings.target_schema.clone();
        Ok(Listing { home, statements, obstacles, left_out: outline.left_out, anew })
    }

    /// Makes what is missing, or says so, as the settings have it.
    pub(crate) async fn shape(
        &self,
        selected: &[&Table],
        sides: &mut Sides,
        ground: &Ground,
    ) -> Result<Shaped> {
        let failed = self.broken_trees(selected, sides);
        let mut shaped = Shaped { failed, ..Shaped::default() };
        self.sweep(sides).await?;
        let made = self.made(selected).await?;
        let mut outdated = self.outdated(selected, sides);
        let lacking = lacking(selected, sides, self.settings);
        if !lacking && outdated.is_empty() && self.is_equal(&made, sides).await? {
            return Ok(shaped);
        }
        shaped.failed.extend(self.await_held(selected, sides).await?);
        outdated.retain(|one| !shaped.failed.contains_key(&one.table.name));
        let mut outline = self.outline(selected, sides, &made).await?;
        let differs = std::mem::take(&mut outline.differs);
        let Weighed { fatal, said } = self.weigh(differs, selected, &mut outdated);
        shaped.failed.extend(fatal);
        outline.left_out.extend(said);
        for (table, text) in std::mem::take(&mut outline.left_out) {
            self.note(NoteLevel::Notice, Some(table), text);
        }
        let run = Selection { tables: selected, made: &made };
        let mut anew = self.plan_anew(&outdated, &run, sides).await?;
        let is_anew = |name: &TableName| anew.all.iter().any(|anew| &anew.source == name);
        let hindered = incompatible(selected, sides, self, ground).into_iter();
        let hindered = hindered.filter(|(name, _)| !is_anew(name));
        shaped.failed.extend(hindered.chain(anew.refused.iter().cloned()));
        anew.all.iter().for_each(|anew| outline.drop_root(&anew.source));
        shaped.failed.keys().for_each(|table| outline.drop_root(table));
        let makes = outline.steps().next().is_some() || !anew.all.is_empty();
        if makes && self.settings.ddl != Ddl::None && sides.target.server.superuser {
            self.note(NoteLevel::Notice, None, SUPERUSER.to_owned());
        }
        match self.settings.ddl {
            Ddl::None => self.name(&outline, &mut shaped),
            _ if self.settings.dry_run => {
                self.foretell(&outline);
                self.pretend(selected, sides, &mut shaped);
                shaped.empty = shaped.would_be.iter().map(|table| table.name.clone()).collect();
            }
            _ => {
                self.make(&outline.first, &mut shaped).await?;
                // What lacks in no outline: a killed run may have made it since the first look.
                if !outline.first.is_empty() || lacking {
                    self.look_again(sides, &mut shaped).await?;
                }
                if !outline.first.is_empty() && !anew.all.is_empty() {
                    // Types that have just been made are there now.
                    anew = self.plan_anew(&outdated, &run, sides).await?;
                }
                (shaped.after, shaped.last) = (outline.after, outline.last);
            }
        }
        self.build_anew(anew.all, selected, &mut shaped).await?;
        Ok(shaped)
    }

    /// Tables of which reads without ONLY show other rows than what travels: nothing of them is changed.
    fn broken_trees(&self, selected: &[&Table], sides: &Sides) -> HashMap<TableName, Error> {
        let settings = self.settings;
        let target_name = |name: &TableName| settings.target_name_of(name);
        inheritance::broken(selected, &sides.target.tables, &settings.schemas, &target_name)
    }

    /// Reads the target's catalog once more, after it was changed.
    async fn look_again(&self, sides: &mut Sides, shaped: &mut Shaped) -> Result<()> {
        let target = &mut sides.target;
        let before: HashSet<TableName> = target.tables.drain(..).map(|table| table.name).collect();
        let catalog = self.target.keeper.catalog(&self.settings.target_schemas()).await?;
        (target.tables, target.foreign_keys) = catalog;
        let appeared = target.tables.iter().filter(|table| !before.contains(&table.name));
        // Not all of them are this run's: a killed one may have filled them since the first look.
        let appeared: Vec<&Table> = appeared.collect();
        shaped.empty = self.target.without_pages(&appeared).await?.into_iter().collect();
        let others = appeared.into_iter().filter(|table| !shaped.empty.contains(&table.name));
        shaped.empty.extend(self.target.empty(&others.collect::<Vec<_>>()).await?);
        Ok(())
    }

    /// What there is to do.
    async fn outline(
        &self,
        selected: &[&Table],
        sides: &Sides,
        made: &HashSet<TableName>,
    ) -> Result<Outline> {
        let settings = self.settings;
        let renamed = settings.schemas.first().zip(settings.target_schema.as_ref());
        let schemas = settings.target_schemas();
        let (source, target) = tokio::try_join!(
            self.source.keeper.definitions(
                &settings.schemas,
                renamed.map(|(from, _)| from),
                &sides.held[0]
            ),
            self.target.keeper.definitions(
                &schemas,
                settings.target_schema.as_ref(),
                &sides.held[1]
            ),
        )?;
        let names: Vec<&TableName> = selected.iter().map(|table| &table.name).collect();
        let ask = Ask {
            source: &source,
            target: &target,
            selected: &names,
            made,
            version: sides.target.server.version,
            alike: alike(sides),
            reset: settings.ddl == Ddl::Reset,
            renamed,
        };
        let mut outline = ask.outline();
        outline.lead(settings.target_schema.as_slice());
        Ok(outline)
    }

    /// Whether a look is enough to know that there is nothing to make: a whole reading costs nearly a
    /// millisecond a table on each side.
    async fn is_equal(&self, made: &HashSet<TableName>, sides: &Sides) -> Result<bool> {
        let settings = self.settings;
        let schemas = settings.target_schemas();
        let alike = alike(sides);
        let followed = !made.is_empty();
        let details = alike && (followed || settings.ddl == Ddl::Reset);
        let log = &self.log.table;
        let renamed = settings.schemas.first().filter(|_| settings.target_schema.is_some());
        let here = Sketched {
            schemas: &settings.schemas,
            log,
            home: renamed,
            version: sides.source.server.version,
            details,
        };
        let there = Sketched {
            schemas: &schemas,
            home: settings.target_schema.as_ref(),
            version: sides.target.server.version,
            ..here
        };
        let (source, target) =
            tokio::try_join!(self.source.keeper.sketch(here), self.target.keeper.sketch(there),)?;
        let in_detail =
            !alike || source.details == target.details && source.computed == target.computed;
        Ok(source.first == target.first && (!followed || source.after == target.after) && in_detail)
    }

    /// Those of the tables that pgsync has made, by their names on the source.
    async fn made(&self, selected: &[&Table]) -> Result<HashSet<TableName>> {
        let names: Vec<&TableName> = selected.iter().map(|table| &table.name).collect();
        if !sync_log::exists(self.target, self.log).await? {
            return Ok(HashSet::new());
        }
        let there: Vec<TableName> =
            names.iter().map(|name| self.settings.target_name_of(name)).collect();
        let made = sync_log::made(self.target, self.log, &there.iter().collect::<Vec<_>>()).await?;
        let is_made = |name: &&&TableName| made.contains(&self.settings.target_name_of(name));
        Ok(names.iter().filter(is_made).map(|name| (*name).clone()).collect())
    }
}

/// Whether both servers word definitions alike: others may say the same thing differently.
fn alike(sides: &Sides) -> bool {
    let major = |server: &Server| server.version / 10_000;
    major(&sides.source.server) == major(&sides.target.server)
}
