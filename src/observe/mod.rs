//! From two connections to a plan: takes the snapshot, reads both catalogs, selects tables, takes
//! their locks, reads the last watermarks, and lets `plan` decide.

mod fed;
mod last_runs;
mod origin;
mod preconditions;
mod visibility;
mod warnings;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::config::Settings;
use crate::ddl_step::Step;
use crate::error::{Error, Result};
use crate::event::{Event, Events};
use crate::ident::{Ident, TableName};
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::pg::catalog::Server;
use crate::plan;
use crate::plan::references::References;
use crate::plan::schedule;
use crate::plan::schedule::Task;
use crate::plan::{Candidate, PlanContext, TablePlan};
use crate::schema::SchemaOutcome;
use crate::schema::rebuild::plan::RebuiltTable;
use crate::select;
use crate::select::NotSyncable;
use crate::source;
use crate::source::Source;
use crate::sql::Sql;
use crate::sql::digest::HashFamily;
use crate::sql::horizon::Horizon;
use crate::sql::sync_log::SyncLog;
use crate::table::{ForeignKey, Partition, Table};
use crate::target_side;
use crate::target_side::Target;

/// Versions from which a server can do a thing.
const SHORTEST_FLOATS: u32 = 120_000;
const TID_RANGES: u32 = 140_000;

/// What a round of a run sets out to do.
pub struct RunPlan {
    pub plans: Vec<Arc<TablePlan>>,
    /// Tables that cannot be brought in sync as things are.
    pub failed: Vec<TableOutcome>,
    pub tasks: Vec<Task>,
    pub references: References,
    pub horizon: Horizon,
    pub page_ranges: bool,
    /// Foreign keys that are made at the end.
    pub last: Vec<Step>,
    /// Tables that take the places of others before.
    pub rebuilt: Vec<RebuiltTable>,
}

/// Everything that discovery reads and writes through.
pub struct RunContext<'a> {
    pub settings: &'a Settings,
    pub source: &'a Source,
    pub target: &'a Target,
    pub sync_log: &'a SyncLog,
    pub events: &'a Events,
    pub run_id: &'a str,
    pub source_name: &'a str,
}

/// Both sides as they are at the snapshot.
pub(crate) struct Catalogs {
    pub source: source::SourceState,
    pub target: target_side::TargetState,
    /// On each side: tables whose definitions cannot be read, for somebody holds them.
    pub held: [Vec<u32>; 2],
}

impl Catalogs {
    /// How both sides hash, and why not faster.
    fn hasher(&self) -> (HashFamily, Option<&'static str>) {
        let Self { source, target, .. } = self;
        HashFamily::agreed(
            [&source.server.encoding, &target.server.encoding],
            [source.hash_probe.as_deref(), target.hash_probe.as_deref()],
        )
    }
}

impl RunContext<'_> {
    /// The plan of one round.
    ///
    /// # Errors
    /// What concerns the run as a whole; a single table's trouble is in [`RunPlan::failed`].
    pub async fn discover(&self) -> Result<RunPlan> {
        let mut catalogs = self.open().await?;
        self.require_writable(&catalogs.target.server)?;
        let mut tables = std::mem::take(&mut catalogs.source.tables);
        self.note_feeding_runs(&mut tables, &catalogs.source.logs).await?;
        self.refuse_no_tables(&tables, &catalogs.target.tables).await?;
        let selected = self.select(&tables, &catalogs)?;
        self.refuse_swapped(&catalogs, &selected).await?;
        let names: Vec<TableName> = self.target_names(&selected);
        let names: Vec<&TableName> = names.iter().collect();
        self.lock(&names).await?;
        // The source is asked for rows while the target's log is looked at.
        let (empty, sync_log_exists) =
            tokio::join!(self.empty(&selected, &catalogs), self.sync_log_exists());
        let mut empty = empty?;
        // From here on the target is written: whatever refuses a run stands above.
        let context = self.ground(&catalogs);
        self.remark(&catalogs, &context);
        self.remark_timestamp(&selected);
        self.warn_visibility(&catalogs.source.sight, &selected);
        self.remark_fed(&selected);
        self.remark_limits(&tables);
        self.open_log(&catalogs, &names, sync_log_exists?).await?;
        let mut aligned = self.align_schema(&selected, &mut catalogs, &context).await?;
        let last = self.last_runs(&names).await?;
        empty.extend(aligned.empty.drain());
        self.remark_other_source(&catalogs.source.server, &last, &empty);
        catalogs.target.tables.append(&mut aligned.would_be);
        let references = self.references(&catalogs, &names, &context);
        let there: HashMap<&TableName, &Table> =
            catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
        let rebuild: HashMap<&TableName, &Table> =
            aligned.rebuilt.iter().map(|one| (&one.shadow.table, &one.table)).collect();
        let candidates = selected.iter().zip(&names).map(|(source, name)| Candidate {
            source: aligned.reduced.get(&source.name).unwrap_or(source),
            target: rebuild.get(name).or(there.get(name)).copied(),
            target_name: name,
            target_is_empty: empty.contains(*name) || rebuild.contains_key(name),
            last: last.get(*name),
            references: &references,
        });
        let SchemaOutcome { failed, after, .. } = &aligned;
        let (plans, failed) = plan_all(candidates, (failed, after), &context);
        for plan in &plans {
            let table = &plan.mapping.source.name;
            let note =
                |text: &String| self.note(NoteLevel::Notice, Some(table.clone()), text.clone());
            plan.notes.iter().for_each(note);
        }
        let (plans, tasks) = self.order(plans, &references.ordering());
        self.events.send(Event::Planned { tables: selected.len() });
        Ok(RunPlan {
            plans,
            failed,
            tasks,
            references,
            horizon: catalogs.source.sight.horizon,
            page_ranges: catalogs.source.server.version >= TID_RANGES
                && !catalogs.source.server.standby,
            last: aligned.last,
            rebuilt: aligned.rebuilt,
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
    pub(crate) async fn open(&self) -> Result<Catalogs> {
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
        let catalogs = Catalogs { source, target, held: Default::default() };
        self.refuse_same_database(&catalogs).await?;
        preconditions::require_schemas(schemas, &catalogs.source.server)?;
        self.require_log_schema(&catalogs.target.server)?;
        Ok(catalogs)
    }

    /// `tables` are the source's. What else is on both sides is said when somebody asks for it.
    pub(crate) fn select<'s>(
        &self,
        tables: &'s [Table],
        catalogs: &Catalogs,
    ) -> Result<Vec<&'s Table>> {
        let is_log = |table: &Table| table.name == self.sync_log.table || looks_like_log(table);
        let (logs, existing): (Vec<&Table>, Vec<&Table>) =
            tables.iter().partition(|table| is_log(table));
        let names: Vec<TableName> = existing.iter().map(|table| table.name.clone()).collect();
        let partition =
            |one: &Partition| (one.name.clone(), NotSyncable::Partition(one.root.clone()));
        let partitions = catalogs.source.partitions.iter().map(partition);
        let barred = catalogs.target.tables.iter().map(|table| {
            let why = if is_log(table) { NotSyncable::SyncLog } else { NotSyncable::TargetOnly };
            (self.settings.source_name_of(&table.name), why)
        });
        let logs = logs.iter().map(|table| (table.name.clone(), NotSyncable::SyncLog));
        let barred = partitions.chain(logs).chain(barred);
        let barred: Vec<_> = barred.filter(|(name, _)| !names.contains(name)).collect();
        let Settings { include, exclude, .. } = self.settings;
        self.note_rootless(&catalogs.source.partitions);
        let selection = select::select(&names, &barred, include, exclude)?;
        for remark in &selection.remarks {
            self.note(NoteLevel::Notice, None, remark.to_string());
        }
        let chosen: HashSet<&TableName> = selection.tables.iter().collect();
        Ok(existing.into_iter().filter(|table| chosen.contains(&table.name)).collect())
    }

    /// The foreign keys of both sides, by the target's names.
    fn references(
        &self,
        catalogs: &Catalogs,
        names: &[&TableName],
        context: &PlanContext,
    ) -> References {
        let mut source = catalogs.source.foreign_keys.clone();
        for key in &mut source {
            key.child = self.settings.target_name_of(&key.child);
            key.parent = self.settings.target_name_of(&key.parent);
        }
        References {
            source,
            target: catalogs.target.foreign_keys.clone(),
            selected: names.iter().map(|name| (*name).clone()).collect(),
            replica_role: context.replica_role,
        }
    }

    pub(crate) fn ground(&self, catalogs: &Catalogs) -> PlanContext {
        let Catalogs { source, target, .. } = catalogs;
        let (here, there) = (&source.server, &target.server);
        let shortest = |server: &Server| server.version >= SHORTEST_FLOATS;
        PlanContext {
            source_identity: format!("{}{}/{}", here.identity(), here.database, here.timeline),
            timestamp: self.settings.timestamp.clone(),
            hasher: catalogs.hasher().0,
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
    context: &PlanContext,
) -> (Vec<TablePlan>, Vec<TableOutcome>) {
    let (mut plans, mut failed) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let name = &candidate.source.name;
        let planned = match barred.get(name) {
            Some(error) => Err(error.clone()),
            None => plan::table(candidate, context),
        };
        match planned {
            Ok(mut plan) => {
                plan.post_data = owed.get(name).cloned().unwrap_or_default();
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
