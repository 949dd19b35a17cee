//! What the target's tables are made of: what is missing is made before rows arrive, the rest is
//! handed on to follow them. `build` does what follows.

pub mod build;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::config::{Ddl, Settings};
use crate::discover::{Ends, Sides};
use crate::error::{Error, Result};
use crate::event::NoteLevel;
use crate::ident::{Ident, TableName};
use crate::plan::ddl::{Ask, Outline, Step};
use crate::plan::{Ground, columns};
use crate::sql::Sql;
use crate::table::Table;
use crate::target::ddl::Workshop;
use crate::target::sync_log;

/// Steps that one transaction takes together, for speed.
const GROUP: usize = 50;

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
    pub statements: Vec<Sql>,
    /// Tables that stay as they are, and why.
    pub obstacles: Vec<(TableName, Error)>,
    /// What would be left out, by table.
    pub left_out: Vec<(TableName, String)>,
}

impl Ends<'_> {
    /// The statements that a run would execute.
    ///
    /// # Errors
    /// What concerns both ends as a whole.
    pub async fn list(&self) -> Result<Listing> {
        let mut sides = self.open().await?;
        let tables = std::mem::take(&mut sides.source.tables);
        let selected = self.select(&tables, &sides.target.tables)?;
        let ground = self.ground(&sides);
        let made = self.made(&selected).await?;
        let mut outline = self.outline(&selected, &sides, &made).await?;
        let obstacles = incompatible(&selected, &sides, self, &ground);
        obstacles.iter().for_each(|(table, _)| outline.drop_root(table));
        let statements = outline.steps().flat_map(|step| step.statements.clone()).collect();
        let home = self.settings.target_schema.clone();
        Ok(Listing { home, statements, obstacles, left_out: outline.left_out })
    }

    /// Makes what is missing, or says so, as the settings have it.
    pub(crate) async fn shape(
        &self,
        selected: &[&Table],
        sides: &mut Sides,
        ground: &Ground,
    ) -> Result<Shaped> {
        let mut shaped = Shaped::default();
        let made = self.made(selected).await?;
        if self.is_equal(&made).await? {
            // A killed run may have made it so since the first look.
            if !self.settings.dry_run && lacking(selected, sides, self.settings) {
                self.look_again(sides, &mut shaped).await?;
            }
            return Ok(shaped);
        }
        let mut outline = self.outline(selected, sides, &made).await?;
        for (table, text) in std::mem::take(&mut outline.left_out) {
            self.note(NoteLevel::Notice, Some(table), text);
        }
        for (table, error) in incompatible(selected, sides, self, ground) {
            outline.drop_root(&table);
            shaped.failed.insert(table, error);
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
                if !outline.first.is_empty() || lacking(selected, sides, self.settings) {
                    self.look_again(sides, &mut shaped).await?;
                }
                (shaped.after, shaped.last) = (outline.after, outline.last);
            }
        }
        Ok(shaped)
    }

    /// Reads the target's catalog once more, after it was changed.
    async fn look_again(&self, sides: &mut Sides, shaped: &mut Shaped) -> Result<()> {
        let target = &mut sides.target;
        let before: HashSet<TableName> = target.tables.drain(..).map(|table| table.name).collect();
        let catalog = self.target.catalog(&self.settings.target_schemas()).await?;
        (target.tables, target.foreign_keys) = catalog;
        let appeared = target.tables.iter().filter(|table| !before.contains(&table.name));
        // Not all of them are this run's: a killed one may have filled them since the first look.
        let appeared: Vec<&Table> = appeared.collect();
        shaped.empty = self.target.empty(&appeared).await?.into_iter().collect();
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
            self.source.definitions(&settings.schemas, renamed.map(|(from, _)| from)),
            self.target.definitions(&schemas, settings.target_schema.as_ref()),
        )?;
        let names: Vec<&TableName> = selected.iter().map(|table| &table.name).collect();
        let ask = Ask {
            source: &source,
            target: &target,
            selected: &names,
            made,
            version: sides.target.server.version,
            renamed,
        };
        Ok(ask.outline())
    }

    /// Whether a look is enough to know that there is nothing to make: a whole reading costs nearly a
    /// millisecond a table on each side.
    async fn is_equal(&self, made: &HashSet<TableName>) -> Result<bool> {
        let schemas = self.settings.target_schemas();
        let (source, target) = tokio::try_join!(
            self.source.sketch(&self.settings.schemas, &self.log.table),
            self.target.sketch(&schemas, &self.log.table),
        )?;
        Ok(source.first == target.first && (made.is_empty() || source.after == target.after))
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

    /// Runs the steps. One that fails takes along the tables that need it; the others go on.
    async fn make(&self, steps: &[Step], shaped: &mut Shaped) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        let mut session = self.target.session().await?;
        let shop = Workshop::of(self.settings);
        for group in steps.chunk_by(|one, other| !one.alone && !other.alone) {
            for group in group.chunks(GROUP) {
                let made = self.made_by(group);
                if group.len() > 1
                    && shop.run(&session, "making tables", group, &made).await.is_ok()
                {
                    continue;
                }
                for step in group {
                    if step.roots.iter().all(|root| shaped.failed.contains_key(root)) {
                        continue;
                    }
                    let doing = format!("making {}", step.title);
                    let done = match step.alone {
                        true => shop.run_alone(&session, &doing, &step.statements).await,
                        false => shop.run(&session, &doing, [step], &self.made_by([step])).await,
                    };
                    match done {
                        Ok(()) => {}
                        Err(error) if error.is_transient() => return Err(error),
                        Err(error) => {
                            let roots = step.roots.iter().cloned();
                            shaped.failed.extend(roots.map(|root| (root, error.clone())));
                        }
                    }
                }
            }
        }
        session.set_clean(true);
        self.note(NoteLevel::Notice, None, counted(steps, &shaped.failed));
        Ok(())
    }

    /// That tables are ours.
    fn made_by<'s>(&self, steps: impl IntoIterator<Item = &'s Step>) -> Vec<Sql> {
        let made = steps.into_iter().filter_map(|step| step.makes.as_ref()).map(|table| {
            let table = self.settings.target_name_of(table);
            self.log.made(self.run_id, self.source_name, &table)
        });
        made.collect()
    }

    /// Nothing is made: tables that lack something fail, with the statements that they need.
    fn name(&self, outline: &Outline, shaped: &mut Shaped) {
        let mut owed: BTreeMap<&TableName, Vec<&Step>> = BTreeMap::new();
        for step in &outline.first {
            step.roots.iter().for_each(|root| owed.entry(root).or_default().push(step));
        }
        for (table, steps) in owed {
            let what: Vec<&str> = steps.iter().map(|step| step.title.as_str()).collect();
            let error = Error::Table(format!(
                "missing on the target: {}; run there: {}",
                what.join(", "),
                texts(steps)
            ));
            shaped.failed.insert(table.clone(), error);
        }
        let after =
            outline.after.iter().flat_map(|(table, steps)| steps.iter().map(move |s| (table, s)));
        let last = outline.last.iter().filter_map(|step| Some((step.roots.first()?, step)));
        for (table, step) in after.chain(last) {
            if !shaped.failed.contains_key(table) {
                let text = format!(
                    "{} is missing on the target; run there: {}",
                    step.title,
                    texts([step])
                );
                self.note(NoteLevel::Notice, Some(table.clone()), text);
            }
        }
    }

    fn foretell(&self, outline: &Outline) {
        for step in outline.steps() {
            let text = format!("would make {}: {}", step.title, texts([step]));
            self.note(NoteLevel::Notice, step.roots.first().cloned(), text);
        }
    }

    /// For a dry run: both sides as they would agree.
    fn pretend(&self, selected: &[&Table], sides: &Sides, shaped: &mut Shaped) {
        for table in selected {
            let name = self.settings.target_name_of(&table.name);
            match sides.target.tables.iter().find(|there| there.name == name) {
                None => shaped.would_be.push(Table {
                    name,
                    owned: true,
                    triggers: Vec::new(),
                    rules: Vec::new(),
                    ..(*table).clone()
                }),
                Some(there) => {
                    let known = |column: &Ident| there.column(column).is_some();
                    if !table.columns.iter().all(|column| known(&column.name)) {
                        let mut reduced = (*table).clone();
                        reduced.columns.retain(|column| known(&column.name));
                        reduced.keys.retain(|key| key.columns.iter().all(|c| known(&c.name)));
                        shaped.reduced.insert(table.name.clone(), reduced);
                    }
                }
            }
        }
    }
}

/// Whether the target, as it is known, lacks a table or a column.
fn lacking(selected: &[&Table], sides: &Sides, settings: &Settings) -> bool {
    let there: HashMap<&TableName, &Table> =
        sides.target.tables.iter().map(|table| (&table.name, table)).collect();
    selected.iter().any(|table| {
        let there = there.get(&settings.target_name_of(&table.name));
        there.is_none_or(|there| table.columns.iter().any(|c| there.column(&c.name).is_none()))
    })
}

/// Tables on both sides of which the target's cannot hold the source's rows, whatever is added.
fn incompatible(
    selected: &[&Table],
    sides: &Sides,
    ends: &Ends<'_>,
    ground: &Ground,
) -> Vec<(TableName, Error)> {
    let judge = |table: &&Table| {
        let name = ends.settings.target_name_of(&table.name);
        let there = sides.target.tables.iter().find(|there| there.name == name)?;
        let added = table.columns.iter().filter(|column| there.column(&column.name).is_none());
        let mut grown = there.clone();
        grown.columns.extend(added.cloned());
        let error = columns::agree(table, &grown, ground).err()?;
        Some((table.name.clone(), error))
    };
    selected.iter().filter_map(judge).collect()
}

/// `made on the target: 3 tables, 1 type`.
fn counted(steps: &[Step], failed: &HashMap<TableName, Error>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let done = |step: &&Step| !step.roots.iter().any(|root| failed.contains_key(root));
    for step in steps.iter().filter(done) {
        *counts.entry(step.title.split(' ').next().unwrap_or_default()).or_default() += 1;
    }
    let counts = counts.into_iter().map(|(noun, count)| match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    });
    let counts: Vec<String> = counts.collect();
    match counts.is_empty() {
        true => "nothing was made on the target".to_owned(),
        false => format!("made on the target: {}", counts.join(", ")),
    }
}

/// The statements of some steps as one may run them.
pub fn texts<'a>(steps: impl IntoIterator<Item = &'a Step>) -> String {
    let statements = steps.into_iter().flat_map(|step| &step.statements);
    let texts: Vec<&str> = statements.map(Sql::as_str).collect();
    texts.join("; ")
}
