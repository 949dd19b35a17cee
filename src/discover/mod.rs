//! From two connections to a plan: takes the snapshot, reads both catalogs, selects tables, takes
//! their locks, reads the last watermarks, and lets `plan` decide.

mod fed;
mod log;
mod origin;
mod refusals;
mod remarks;
mod sight;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::event::{Event, Events, Note, NoteLevel};
use crate::filter::{self, Barred};
use crate::ident::{Ident, TableName};
use crate::outcome::{Status, TableOutcome};
use crate::pg::catalog::Server;
use crate::plan::ddl::Step;
use crate::plan::references::References;
use crate::plan::schedule::{self, Task};
use crate::plan::{self, Candidate, Ground, TablePlan};
use crate::schema::Shaped;
use crate::schema::anew::Rebuilt;
use crate::source::{self, Source};
use crate::sql::Sql;
use crate::sql::digest::Hasher;
use crate::sql::horizon::Horizon;
use crate::sql::log::Log;
use crate::table::{ForeignKey, Partition, Table};
use crate::target::{self, Target};

/// Versions from which a server can do a thing.
const SHORTEST_FLOATS: u32 = 120_000;
const TID_RANGES: u32 = 140_000;

/// What a round of a run sets out to do.
pub struct Found {
    pub plans: Vec<Arc<TablePlan>>,
    /// Tables that cannot be brought in step as things are.
    pub failed: Vec<TableOutcome>,
    pub tasks: Vec<Task>,
    pub references: References,
    pub horizon: Horizon,
    pub page_ranges: bool,
    /// Foreign keys that are made at the end.
    pub last: Vec<Step>,
    /// Tables that take the places of others before.
    pub rebuilt: Vec<Rebuilt>,
}

/// Everything that discovery reads and writes through.
pub struct Ends<'a> {
    pub settings: &'a Settings,
    pub source: &'a Source,
    pub target: &'a Target,
    pub log: &'a Log,
    pub events: &'a Events,
    pub run_id: &'a str,
    pub source_name: &'a str,
}

/// Both sides as they are at the snapshot.
pub(crate) struct Sides {
    pub source: source::Opening,
    pub target: target::Opening,
    /// On each side: tables whose definitions cannot be read, for somebody holds them.
    pub held: [Vec<u32>; 2],
}

impl Sides {
    /// How both sides hash, and why not faster.
    fn hasher(&self) -> (Hasher, Option<&'static str>) {
        let Self { source, target, .. } = self;
        Hasher::agreed(
            [&source.server.encoding, &target.server.encoding],
            [source.hash_probe.as_deref(), target.hash_probe.as_deref()],
        )
    }
}

impl Ends<'_> {
    /// The plan of one round.
    ///
    /// # Errors
    /// What concerns the run as a whole; a single table's trouble is in [`Found::failed`].
    pub async fn discover(&self) -> Result<Found> {
        let mut sides = self.open().await?;
        self.require_writable(&sides.target.server)?;
        let mut tables = std::mem::take(&mut sides.source.tables);
        self.note_feeding_runs(&mut tables, &sides.source.logs).await?;
        self.refuse_no_tables(&tables, &sides.target.tables).await?;
        let selected = self.select(&tables, &sides)?;
        self.refuse_swapped(&sides, &selected).await?;
        let names: Vec<TableName> = self.target_names(&selected);
        let names: Vec<&TableName> = names.iter().collect();
        self.lock(&names).await?;
        let mut empty = self.empty(&selected, &sides).await?;
        // From here on the target is written: whatever refuses a run stands above.
        let ground = self.ground(&sides);
        self.remark(&sides, &ground);
        self.remark_timestamp(&selected);
        self.remark_sight(&sides.source.sight, &selected);
        self.remark_fed(&selected);
        self.remark_limits(&tables);
        self.open_log(&sides, &names).await?;
        let mut shaped = self.shape(&selected, &mut sides, &ground).await?;
        let last = self.last_runs(&names).await?;
        empty.extend(shaped.empty.drain());
        self.remark_other_source(&sides.source.server, &last, &empty);
        sides.target.tables.append(&mut shaped.would_be);
        let references = self.references(&sides, &names, &ground);
        let there: HashMap<&TableName, &Table> =
            sides.target.tables.iter().map(|table| (&table.name, table)).collect();
        let anew: HashMap<&TableName, &Table> =
            shaped.rebuilt.iter().map(|one| (&one.stand_in.table, &one.table)).collect();
        let candidates = selected.iter().zip(&names).map(|(source, name)| Candidate {
            source: shaped.reduced.get(&source.name).unwrap_or(source),
            target: anew.get(name).or(there.get(name)).copied(),
            target_name: name,
            target_is_empty: empty.contains(*name) || anew.contains_key(name),
            last: last.get(*name),
            references: &references,
        });
        let Shaped { failed, after, .. } = &shaped;
        let (plans, failed) = plan_all(candidates, (failed, after), &ground);
        for plan in &plans {
            let table = &plan.shape.source.name;
            let note =
                |text: &String| self.note(NoteLevel::Notice, Some(table.clone()), text.clone());
            plan.notes.iter().for_each(note);
        }
        let (plans, tasks) = self.order(plans, &references.ordering());
        self.events.send(Event::Planned { tables: selected.len() });
        Ok(Found {
            plans,
            failed,
            tasks,
            references,
            horizon: sides.source.sight.horizon,
            page_ranges: sides.source.server.version >= TID_RANGES && !sides.source.server.standby,
            last: shaped.last,
            rebuilt: shaped.rebuilt,
        })
    }

    /// The order of work. Tables in a circle share one transaction, unless nothing is written.
    fn order(
        &self,
        mut plans: Vec<TablePlan>,
        keys: &[ForeignKey],
    ) -> (Vec<Arc<TablePlan>>, Vec<Task>) {
        let names: Vec<TableName> = plans.iter().map(|plan| plan.name.clone()).collect();
        let places: Vec<&TableName> = names.iter().collect();
        let rings = match self.settings.dry_run {
            true => Vec::new(),
            false => schedule::rings(&places, keys),
        };
        for ring in &rings {
            let members: Vec<TableName> = ring.iter().map(|table| names[*table].clone()).collect();
            ring.iter().for_each(|table| plans[*table].join(&members));
        }
        let tasks = schedule::ordered(&places, keys, &rings);
        (plans.into_iter().map(Arc::new).collect(), tasks)
    }

    /// Both sides, read and fit to be worked on.
    pub(crate) async fn open(&self) -> Result<Sides> {
        let schemas = &self.settings.schemas;
        let target_schemas = self.settings.target_schemas();
        let asked = self.settings.include.iter().chain(&self.settings.exclude);
        let asked: Vec<&str> = asked.map(String::as_str).collect();
        let (source, target) = tokio::try_join!(
            self.source.open(schemas, &asked, self.settings.overlap),
            self.target.open(&target_schemas),
        )?;
        self.events.send(Event::Connected {
            source: self.settings.source.describe(),
            target: self.settings.target.describe(),
            parallel: self.settings.parallel,
        });
        let sides = Sides { source, target, held: Default::default() };
        self.refuse_same_database(&sides).await?;
        refusals::require_schemas(schemas, &sides.source.server)?;
        self.require_log_schema(&sides.target.server)?;
        Ok(sides)
    }

    /// `tables` are the source's. What else is on both sides is said when somebody asks for it.
    pub(crate) fn select<'s>(&self, tables: &'s [Table], sides: &Sides) -> Result<Vec<&'s Table>> {
        let is_log = |table: &Table| table.name == self.log.table || looks_like_log(table);
        let (logs, existing): (Vec<&Table>, Vec<&Table>) =
            tables.iter().partition(|table| is_log(table));
        let names: Vec<TableName> = existing.iter().map(|table| table.name.clone()).collect();
        let partition = |one: &Partition| (one.name.clone(), Barred::Partition(one.root.clone()));
        let partitions = sides.source.partitions.iter().map(partition);
        let barred = sides.target.tables.iter().map(|table| {
            let why = if is_log(table) { Barred::Log } else { Barred::TargetOnly };
            (self.settings.source_name_of(&table.name), why)
        });
        let logs = logs.iter().map(|table| (table.name.clone(), Barred::Log));
        let barred = partitions.chain(logs).chain(barred);
        let barred: Vec<_> = barred.filter(|(name, _)| !names.contains(name)).collect();
        let Settings { include, exclude, .. } = self.settings;
        self.note_rootless(&sides.source.partitions);
        let selection = filter::select(&names, &barred, include, exclude)?;
        for remark in &selection.remarks {
            self.note(NoteLevel::Notice, None, remark.to_string());
        }
        let chosen: HashSet<&TableName> = selection.tables.iter().collect();
        Ok(existing.into_iter().filter(|table| chosen.contains(&table.name)).collect())
    }

    /// The foreign keys of both sides, by the target's names.
    fn references(&self, sides: &Sides, names: &[&TableName], ground: &Ground) -> References {
        let mut source = sides.source.foreign_keys.clone();
        for key in &mut source {
            key.child = self.settings.target_name_of(&key.child);
            key.parent = self.settings.target_name_of(&key.parent);
        }
        References {
            source,
            target: sides.target.foreign_keys.clone(),
            selected: names.iter().map(|name| (*name).clone()).collect(),
            replica_role: ground.replica_role,
        }
    }

    pub(crate) fn ground(&self, sides: &Sides) -> Ground {
        let Sides { source, target, .. } = sides;
        let (here, there) = (&source.server, &target.server);
        let shortest = |server: &Server| server.version >= SHORTEST_FLOATS;
        Ground {
            source_identity: format!("{}{}/{}", here.identity(), here.database, here.timeline),
            timestamp: self.settings.timestamp.clone(),
            hasher: sides.hasher().0,
            replica_role: there.replica_role,
            fire_triggers: self.settings.fire_triggers,
            dry_run: self.settings.dry_run,
            needs_temporary: (!there.temporary)
                .then(|| format!("temporary on database {}", there.database)),
            reconcile: self.settings.reconcile,
            deletes: self.settings.deletes,
            path: there.prints_names.then(|| search_path(&there.path)),
            same_floats: shortest(here) == shortest(there),
            same_text: here.encoding == there.encoding && comes_back(&here.encoding),
        }
    }

    pub(crate) fn note(&self, level: NoteLevel, table: Option<TableName>, text: String) {
        self.events.send(Event::Note(Note { table, text, level }));
    }
}

/// Whether every text of a database goes into UTF-8 and back unaltered: those that are UTF-8 already, and
/// those of one byte a character. Of East Asian ones several characters can become one.
fn comes_back(encoding: &str) -> bool {
    let single = ["LATIN", "ISO_8859_", "WIN", "KOI8"];
    matches!(encoding, "UTF8" | "SQL_ASCII") || single.iter().any(|name| encoding.starts_with(name))
}

fn search_path(schemas: &[Ident]) -> Sql {
    match schemas {
        [] => Sql::trusted("''"),
        schemas => Sql::join(schemas, ", "),
    }
}

/// A log that another chain of runs keeps on the source.
fn looks_like_log(table: &Table) -> bool {
    table.name.name.as_str() == "sync_log"
        && ["run_id", "sync_type", "watermark", "fingerprint"]
            .iter()
            .all(|name| table.column(&Ident::new(*name)).is_some())
}

fn plan_all<'a>(
    candidates: impl Iterator<Item = Candidate<'a>>,
    (barred, owed): (&HashMap<TableName, Error>, &BTreeMap<TableName, Vec<Step>>),
    ground: &Ground,
) -> (Vec<TablePlan>, Vec<TableOutcome>) {
    let (mut plans, mut failed) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let name = &candidate.source.name;
        let planned = match barred.get(name) {
            Some(error) => Err(error.clone()),
            None => plan::table(candidate, ground),
        };
        match planned {
            Ok(mut plan) => {
                plan.owed = owed.get(name).cloned().unwrap_or_default();
                plans.push(plan);
            }
            Err(error) => failed.push(TableOutcome {
                table: candidate.source.name.clone(),
                strategy: None,
                status: Status::Failed,
                counts: Default::default(),
                elapsed: Duration::ZERO,
                watermark: None,
                error: Some(error),
                retries: 0,
            }),
        }
    }
    (plans, failed)
}
