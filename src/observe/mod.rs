//! Both sides as they are: takes the snapshot, reads both catalogs, selects tables, takes their locks, reads
//! the last watermarks, and says what somebody should know. Writes nothing but a missing `sync_log`.

mod fed;
mod filtered_parents;
pub(crate) mod gone;
mod large_objects;
mod last_runs;
mod masks;
mod origin;
mod other_logs;
mod preconditions;
mod reference_systems;
mod renamed_tables;
pub(crate) mod rules;
mod trials;
pub(crate) mod uncopied;
mod visibility;
mod warnings;

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use crate::config::Settings;
use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::ident::{Ident, TableName};
use crate::note::NoteLevel;
use crate::pg::catalog::Server;
use crate::plan::key::fixed_columns;
use crate::plan::late_constraints::has_own_late_constraint;
use crate::plan::references::{Filter, References};
use crate::plan::shown::{ShownTable, travelling};
use crate::plan::{PlanContext, Roles};
use crate::rules::Mode;
use crate::select;
use crate::select::{Barred, NotSyncable};
use crate::source::{SourceState, TargetView};
use crate::sql::Sql;
use crate::table::{OtherRelation, Partition, Table};

/// Versions from which a server can do a thing.
const SHORTEST_FLOATS: u32 = 120_000;
/// The first version in which the right to set a parameter can be granted.
const GRANTS_PARAMETERS: u32 = 150_000;
/// The first version with infinite intervals.
const INFINITE_INTERVALS: u32 = 170_000;

/// How long the other side is waited for when one has failed: what is wrong with it is most often known by then.
const MOMENT: Duration = Duration::from_millis(500);

impl RunContext<'_> {
    /// The error of one side, once it is said what is wrong with the other.
    async fn after_other<T>(&self, error: Error, other: impl Future<Output = Result<T>>) -> Error {
        if let Ok(Err(too)) = tokio::time::timeout(MOMENT, other).await {
            // A run that tries again may succeed.
            let passes = error.is_transient() && self.settings.retries > 0;
            let level = if passes { NoteLevel::Notice } else { NoteLevel::Warning };
            self.note(level, None, too.to_string());
        }
        error
    }

    /// Both sides, read and fit to be worked on.
    pub(crate) async fn open(&self) -> Result<Catalogs> {
        let schemas = &self.settings.schemas;
        let target_schemas = self.settings.target_schemas();
        let asked = self.settings.include.iter().chain(&self.settings.exclude);
        let asked: Vec<&str> = asked.map(String::as_str).collect();
        let mut source = pin!(self.source.open(schemas, &asked, self.settings.overlap));
        let mut target = pin!(self.target.open(&target_schemas));
        let (source, mut target) = tokio::select! {
            opened = &mut source => match opened {
                Ok(source) => (source, target.await?),
                Err(error) => return Err(self.after_other(error, target).await),
            },
            opened = &mut target => match opened {
                Ok(target) => (source.await?, target),
                Err(error) => return Err(self.after_other(error, source).await),
            },
        };
        self.events.send(Event::Connected {
            source: self.settings.source.describe(),
            target: self.settings.target.describe(),
            parallel: self.settings.parallel,
        });
        // What is created has the source's types.
        if source.server.prints_names {
            target.server.prints_names = true;
            self.target.print_names();
        }
        let mut catalogs = Catalogs { source, target, held: Default::default() };
        let named = |name: &TableName| self.settings.target_name_of(name);
        let Settings { include, exclude, .. } = &**self.settings;
        let wanted = |name: &TableName| select::would_select(name, include, exclude);
        let column = |table: &TableName, column: &Ident| {
            self.settings.rules.effective(table).target_column(column).clone()
        };
        let travelling = |table: &Table| self.travelling(table);
        let tables = &catalogs.target.tables;
        let postgis = self.postgis(&catalogs.source).await?;
        let postgis = postgis.as_ref();
        let there = TargetView {
            version: catalogs.target.server.version,
            tables,
            named: &named,
            column: &column,
            travelling: &travelling,
            postgis,
            wanted: &wanted,
        };
        self.source.settle(&mut catalogs.source, &there).await?;
        self.require_reference_systems(&mut catalogs.source, postgis).await?;
        let is_log = |table: &Table| table.name == self.sync_log.table || looks_like_log(table);
        if catalogs.source.tables.iter().all(is_log) {
            catalogs.source.elsewhere = self.source.filled_schemas().await?;
        }
        self.refuse_same_database(&catalogs).await?;
        preconditions::require_schemas(schemas, &catalogs.source.server)?;
        Ok(catalogs)
    }

    fn travelling(&self, table: &Table) -> Vec<Ident> {
        let rules = self.settings.rules.effective(&table.name);
        travelling(table, &rules).into_iter().cloned().collect()
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
        self.note_taken_name(&logs);
        let names: Vec<TableName> = existing.iter().map(|table| table.name.clone()).collect();
        let bar = |name: &TableName, why| Barred { name: name.clone(), why };
        let partition = |one: &Partition| bar(&one.name, NotSyncable::Partition(one.root.clone()));
        let partitions = catalogs.source.partitions.iter().map(partition);
        let barred = catalogs.target.tables.iter().map(|table| {
            let why = if is_log(table) { NotSyncable::SyncLog } else { NotSyncable::TargetOnly };
            Barred { name: self.settings.source_name_of(&table.name), why }
        });
        let logs = logs.iter().map(|table| bar(&table.name, NotSyncable::SyncLog));
        let other = |one: &OtherRelation| {
            let why = match &one.kind {
                Some(kind) => NotSyncable::Kind(kind.clone()),
                None => NotSyncable::OtherSchema,
            };
            bar(&one.name, why)
        };
        // A view says more of a name than a table of the target does; a table elsewhere says less.
        let (near, far): (Vec<_>, Vec<_>) =
            catalogs.source.others.iter().partition(|one| one.kind.is_some());
        let near = near.into_iter().map(other);
        let barred =
            partitions.chain(logs).chain(near).chain(barred).chain(far.into_iter().map(other));
        let barred: Vec<_> = barred.filter(|one| !names.contains(&one.name)).collect();
        let Settings { include, exclude, .. } = &**self.settings;
        self.note_rootless(&catalogs.source.partitions);
        let selection = select::select(&names, Some(&barred), include, exclude)
            .map_err(|error| self.with_schemas_that_have_tables(error, catalogs))?;
        for remark in &selection.remarks {
            let level = match remark {
                remark if remark.is_warning() => NoteLevel::Warning,
                remark if remark.is_detail() && !self.settings.dry_run => NoteLevel::Detail,
                _ => NoteLevel::Notice,
            };
            self.note(level, None, remark.to_string());
        }
        let chosen: HashSet<&TableName> = selection.tables.iter().collect();
        let rules = &self.settings.rules;
        let is_wanted =
            |table: &&Table| chosen.contains(&table.name) && !rules.effective(&table.name).skip;
        let wanted: Vec<&Table> = existing.into_iter().filter(is_wanted).collect();
        if wanted.is_empty() && !chosen.is_empty() {
            let text = "no table to sync: the rule \"skip\" leaves out all that are selected";
            return Err(Error::Config(vec![text.to_owned()]));
        }
        Ok(wanted)
    }

    /// Says in place of "no table to sync" where there are some.
    fn with_schemas_that_have_tables(&self, error: Error, catalogs: &Catalogs) -> Error {
        let Error::Config(problems) = error else { return error };
        let told = |problem: String| match problem.as_str() {
            select::NO_TABLE => no_table(&self.settings.schemas, &catalogs.source),
            _ => problem,
        };
        Error::Config(problems.into_iter().map(told).collect())
    }

    /// A table that only has the name of the log is no log, and stays out all the same.
    fn note_taken_name(&self, logs: &[&Table]) {
        let Settings { include, exclude, .. } = &**self.settings;
        let is_meant = |table: &&&Table| {
            !looks_like_log(table) && select::would_select(&table.name, include, exclude)
        };
        for table in logs.iter().filter(is_meant) {
            let text = "is left out: pgsync's own log on the target has that name; -log-table gives the log \
                        another";
            self.note(NoteLevel::Warning, Some(table.name.clone()), text.to_owned());
        }
    }

    /// The foreign keys of both sides, by the target's names.
    pub(crate) fn references(
        &self,
        catalogs: &Catalogs,
        shown: &[ShownTable<'_>],
        names: &[&TableName],
        context: &PlanContext,
    ) -> References {
        let all = || shown.iter().zip(names);
        let filtered = all().filter_map(|(shown, name)| {
            let filter = Filter {
                table: shown.table.name.clone(),
                condition: shown.rules.filter.clone()?,
                is_renamed: !shown.rules.rename.is_empty(),
            };
            Some(((*name).clone(), filter))
        });
        let keeping = all().filter(|(shown, _)| !shown.rules.deletes);
        let appended = all().filter(|(shown, _)| shown.rules.mode == Mode::Append);
        let source = catalogs.source.foreign_keys.iter();
        let source = source.map(|key| rules::as_shown(key, &self.settings.rules)).collect();
        let fixed = all().filter_map(|(shown, name)| {
            let there = catalogs.target.tables.iter().find(|there| there.name == **name)?;
            Some(((*name).clone(), fixed_columns(&shown.table, there)))
        });
        let checked_late = all().filter(|(shown, name)| {
            let mut there = catalogs.target.tables.iter();
            there
                .find(|there| there.name == ***name)
                .is_some_and(|there| has_own_late_constraint(&shown.table, there, &shown.rules))
        });
        // Tables that are not in the run are known by their keys only.
        let ends = catalogs.source.foreign_keys.iter().flat_map(|key| [&key.child, &key.parent]);
        let named = catalogs.source.tables.iter().map(|table| &table.name).chain(ends);
        let other_names = named.filter_map(|name| {
            let there = self.settings.target_name_of(name);
            (there != *name).then(|| (there, name.clone()))
        });
        References {
            source,
            names: other_names.collect(),
            checked_late: checked_late.map(|(_, name)| (*name).clone()).collect(),
            fixed: fixed.collect(),
            target: catalogs.target.foreign_keys.of_tables.clone(),
            of_checks: catalogs.target.foreign_keys.of_checks.clone(),
            of_partitions: catalogs.target.foreign_keys.of_partitions.clone(),
            loosened: Vec::new(),
            filtered: filtered.collect(),
            keeping: keeping.map(|(_, name)| (*name).clone()).collect(),
            appended: appended.map(|(_, name)| (*name).clone()).collect(),
            selected: names.iter().map(|name| (*name).clone()).collect(),
            replica_role: context.replica_role,
        }
    }

    pub(crate) fn ground(&self, catalogs: &Catalogs) -> PlanContext {
        let Catalogs { source, target, .. } = catalogs;
        let (here, there) = (&source.server, &target.server);
        let shortest = |server: &Server| server.version >= SHORTEST_FLOATS;
        let infinite = |server: &Server| server.version >= INFINITE_INTERVALS;
        PlanContext {
            source_identity: format!("{}{}/{}", here.identity(), here.database, here.timeline),
            hasher: catalogs.hasher().family,
            replica_role: there.replica_role,
            fire_triggers: self.settings.fire_triggers,
            dry_run: self.settings.dry_run,
            only_compares: self.settings.only_compares,
            needs_temporary: (!there.temporary)
                .then(|| format!("temporary on database {}", Ident::new(&there.database).typed())),
            roles: Roles {
                source: here.role.typed(),
                target: there.role.typed(),
                target_database: Ident::new(&there.database).typed(),
                target_grants_parameters: there.version >= GRANTS_PARAMETERS,
            },
            reconcile: self.settings.reconcile,
            force: self.settings.force,
            path: there.prints_names.then(|| search_path(&there.path)),
            local: source.local,
            // The bytes of a number are the same everywhere, its text is not.
            same_floats: !source.local && shortest(here) == shortest(there),
            same_intervals: infinite(here) == infinite(there),
            same_text: here.encoding == there.encoding && comes_back(&here.encoding),
            mark: source.mark.clone(),
            now: source.sight.horizon.now.clone(),
        }
    }
}

fn no_table(schemas: &[Ident], source: &SourceState) -> String {
    if source.local {
        return "no table to sync: the file has none".to_owned();
    }
    select::no_table(schemas, &source.elsewhere, &source.server.role.typed())
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
