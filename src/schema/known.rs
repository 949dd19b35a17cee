//! What earlier runs know of definitions: which tables pgsync has made, and what both sides were when a run last
//! found no difference. As long as both are that still, nothing is read whole and nobody is asked.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::config::Ddl;
use crate::context::{Catalogs, RunContext};
use crate::error::Result;
use crate::ident::{Ident, TableName};
use crate::note::NoteLevel;
use crate::pg::catalog::Server;
use crate::pg::definitions::{FingerprintOf, SchemaFingerprint};
use crate::plan::digest;
use crate::recall::Kept;
use crate::schema::diff::source_parts::{self, SourceParts};
use crate::sync_log::store;
use crate::table::Table;

/// Raised when definitions are compared in another way: then what earlier versions found does not count.
const FORM: u32 = 6;

/// What the log says of the selected tables.
#[derive(Default)]
pub(super) struct Known {
    /// Those that pgsync has made, by their names on the source.
    pub created: HashSet<TableName>,
    /// What both sides were when no difference was found, if it is one for all of these.
    found_equal: Option<FoundEqual>,
}

/// What both sides were when no difference was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FoundEqual {
    /// The digest of what [`SchemaFingerprint`] says of them.
    fingerprints: String,
    /// The digest of their catalogs' versions: as long as it is the same, so are the fingerprints.
    versions: Option<String>,
}

impl FoundEqual {
    /// From the log, which has it as [`FoundEqual::text`].
    fn read(text: &str) -> Self {
        let (fingerprints, versions) = match text.split_once(' ') {
            Some((fingerprints, versions)) => (fingerprints, Some(versions.to_owned())),
            None => (text, None),
        };
        Self { fingerprints: fingerprints.to_owned(), versions }
    }

    fn text(&self) -> String {
        match &self.versions {
            Some(versions) => format!("{} {versions}", self.fingerprints),
            None => self.fingerprints.clone(),
        }
    }
}

/// What a short look at both sides says.
#[derive(Default)]
pub(super) struct Look {
    /// Whether it is enough to know that there is nothing to make.
    pub is_equal: bool,
    /// What to remember of both sides if they are equal, if they were looked at in detail.
    found: Option<FoundEqual>,
}

impl RunContext<'_> {
    /// Looks whether there may be anything to make: a whole reading costs nearly a millisecond a table on
    /// each side.
    pub(super) async fn look(
        &self,
        known: &Known,
        selected: &[&Table],
        catalogs: &Catalogs,
    ) -> Result<Look> {
        let settings = self.settings;
        let schemas = settings.target_schemas();
        let followed = !known.created.is_empty();
        let reset = self.rebuilt_tables(selected);
        let log = &self.sync_log.table;
        let renamed = settings.schemas.first().filter(|_| settings.target_schema.is_some());
        let here = FingerprintOf {
            schemas: &settings.schemas,
            log,
            home: renamed,
            version: catalogs.source.server.version,
            details: are_comparable(catalogs) && (followed || !reset.is_empty()),
        };
        let there = FingerprintOf {
            schemas: &schemas,
            home: settings.target_schema.as_ref(),
            version: catalogs.target.server.version,
            ..here
        };
        let covered = here.details && self.is_covered(known, selected);
        let selection = covered.then(|| self.selection_text(selected, catalogs));
        let versions = match &selection {
            Some(selection) => self.catalog_versions(selection).await?,
            None => None,
        };
        let known_versions = known.found_equal.as_ref().and_then(|found| found.versions.as_ref());
        if versions.is_some() && versions.as_ref() == known_versions {
            return Ok(Look { is_equal: true, found: None });
        }
        let (source, target) = tokio::try_join!(
            self.source.schema_fingerprint(here),
            self.target.control.schema_fingerprint(there),
        )?;
        // A source that is no server says nothing of itself in short.
        let selection = selection.filter(|_| source.first.is_some());
        let found = selection.map(|selection| {
            let (source, target) = (joined(&source), joined(&target));
            FoundEqual { fingerprints: digest(&format!("{selection} {source} {target}")), versions }
        });
        let fingerprints =
            |found: &Option<FoundEqual>| found.as_ref().map(|found| found.fingerprints.clone());
        let was_equal = found.is_some() && fingerprints(&found) == fingerprints(&known.found_equal);
        let same = source.first == target.first && (!followed || source.after == target.after);
        let same_in_detail = if are_of_one_major(catalogs) {
            let same = source.details == target.details && source.computed == target.computed;
            same && source.own.is_none() && target.own.is_none()
        } else {
            !here.details
        };
        Ok(Look { is_equal: was_equal || same && same_in_detail, found })
    }

    /// What is compared: of other tables nothing is known when these are equal.
    fn selection_text(&self, selected: &[&Table], catalogs: &Catalogs) -> String {
        let settings = self.settings;
        let mut names: Vec<String> = selected.iter().map(|table| table.name.to_string()).collect();
        names.sort_unstable();
        let rebuilt = self.rebuilt_tables(selected);
        let rebuilt: Vec<String> = rebuilt.iter().map(ToString::to_string).collect();
        let list = |schemas: &[Ident]| {
            schemas.iter().map(Ident::quoted).collect::<Vec<String>>().join(" ")
        };
        format!(
            "{FORM} {} / {} {} {} / {} / {} / {}",
            rebuilt.join(" "),
            catalogs.source.server.version,
            catalogs.target.server.version,
            self.sync_log.table,
            list(&settings.schemas),
            list(&settings.target_schemas()),
            names.join(" "),
        )
    }

    /// The digest of both catalogs' versions, where both sides can tell them.
    async fn catalog_versions(&self, selection: &str) -> Result<Option<String>> {
        let (source, target) = tokio::try_join!(
            self.source.catalog_version(),
            self.target.control.catalog_version(),
        )?;
        Ok(source.map(|source| digest(&format!("{selection} {source} / {target}"))))
    }

    /// Whether what is known of the tables that pgsync has made is enough for all of these.
    fn is_covered(&self, known: &Known, selected: &[&Table]) -> bool {
        let is_plain = |table: &Table| {
            self.settings.ddl_of(&table.name) != Ddl::Reset
                && table.columns.iter().all(|column| !column.generated)
        };
        selected.iter().all(|table| {
            (known.created.contains(&table.name) || is_plain(table)) && !self.is_shaped(&table.name)
        })
    }

    /// Remembers that both sides are equal as they are. Versions change with things that concern no table here,
    /// so that they are written alone, and once.
    pub(super) async fn remember(&self, known: &Known, look: &Look) -> Result<()> {
        let earlier = known.found_equal.as_ref();
        let found = look.found.as_ref().filter(|found| earlier != Some(found));
        let Some(found) = found.filter(|_| !self.settings.dry_run) else {
            return Ok(());
        };
        let mut tables: Vec<TableName> =
            known.created.iter().map(|name| self.settings.target_name_of(name)).collect();
        tables.sort_unstable();
        let mut tables: Vec<&TableName> = tables.iter().collect();
        if earlier.is_some_and(|earlier| earlier.fingerprints == found.fingerprints) {
            tables.truncate(1);
        }
        let written =
            store::remember_definitions(self.target, &self.sync_log, &tables, &found.text()).await;
        match written {
            Err(error) if !error.is_transient() => {
                let text = format!("definitions will be read whole again: {error}");
                self.note(NoteLevel::Detail, None, text);
                Ok(())
            }
            written => written,
        }
    }

    /// What the source has had of tables that pgsync has made, by their names on the source.
    pub(super) async fn source_parts(&self, created: &HashSet<TableName>) -> Result<SourceParts> {
        if created.is_empty() || !store::exists(self.target, &self.sync_log).await? {
            return Ok(SourceParts::new());
        }
        let names: Vec<TableName> =
            created.iter().map(|name| self.settings.target_name_of(name)).collect();
        let there: Vec<&TableName> = names.iter().collect();
        let mut parts = store::source_parts(self.target, &self.sync_log, &there).await?;
        let known = created.iter().zip(&names);
        let known = known.filter_map(|(name, there)| {
            Some((name.clone(), source_parts::parse(&parts.remove(there)?)))
        });
        Ok(known.collect())
    }

    /// Remembers what the source has of tables that pgsync has made, those of this run included.
    pub(super) async fn remember_source_parts(&self, parts: &SourceParts) -> Result<()> {
        let kept = parts.iter().map(|(table, parts)| Kept {
            table: self.settings.target_name_of(table),
            text: source_parts::text(parts),
        });
        let kept: Vec<Kept> = kept.collect();
        match store::remember_source_parts(self.target, &self.sync_log, &kept).await {
            Err(error) if !error.is_transient() => {
                let text = format!("what only the target has will be said again: {error}");
                self.note(NoteLevel::Detail, None, text);
                Ok(())
            }
            written => written,
        }
    }

    /// The tables that a run may rebuild, and whose target may lose what the source does not have.
    pub(super) fn rebuilt_tables(&self, selected: &[&Table]) -> BTreeSet<TableName> {
        let names = selected.iter().map(|table| &table.name);
        names.filter(|name| self.settings.ddl_of(name) == Ddl::Reset).cloned().collect()
    }

    /// What is known of the tables; nothing where there is no log.
    pub(super) async fn known(&self, selected: &[&Table]) -> Result<Known> {
        if store::exists(self.target, &self.sync_log).await? {
            self.known_from_log(selected).await
        } else {
            Ok(Known::default())
        }
    }

    /// The same in a run: that has looked at its log by now, or made it.
    pub(super) async fn known_in_run(&self, selected: &[&Table]) -> Result<Known> {
        if self.settings.dry_run {
            self.known(selected).await
        } else {
            self.known_from_log(selected).await
        }
    }

    /// Whether any run has made a table, selected or not, or failed over something that it was to make.
    pub(super) async fn has_tried_to_create(&self) -> Result<bool> {
        let is_there = !self.settings.dry_run || store::exists(self.target, &self.sync_log).await?;
        Ok(is_there && store::has_tried_to_create(self.target, &self.sync_log).await?)
    }

    async fn known_from_log(&self, selected: &[&Table]) -> Result<Known> {
        let there: Vec<TableName> =
            selected.iter().map(|table| self.settings.target_name_of(&table.name)).collect();
        let there: Vec<&TableName> = there.iter().collect();
        let mut known = store::created_tables(self.target, &self.sync_log, &there).await?;
        let renamed = self.renamed_on_the_target(&known, &there).await?;
        known.extend(renamed.into_iter().map(|name| (name, None)));
        // The first one has the versions.
        let first = known.iter().min_by_key(|(name, _)| *name);
        let first = first.and_then(|(_, made)| made.as_ref());
        let found_equal = first.map(|text| FoundEqual::read(text)).filter(|first| {
            known.values().all(|other| {
                let other = other.as_ref().map(|text| FoundEqual::read(text));
                other.is_some_and(|other| other.fingerprints == first.fingerprints)
            })
        });
        let names = selected.iter().map(|table| &table.name);
        let created = names.filter(|name| known.contains_key(&self.settings.target_name_of(name)));
        Ok(Known { created: created.cloned().collect(), found_equal })
    }
}

impl RunContext<'_> {
    /// Tables that pgsync has made, and that were renamed on the target since; a run writes their new names.
    async fn renamed_on_the_target(
        &self,
        known: &HashMap<TableName, Option<String>>,
        there: &[&TableName],
    ) -> Result<Vec<TableName>> {
        let unknown = there.iter().copied().filter(|name| !known.contains_key(*name));
        let unknown: Vec<&TableName> = unknown.collect();
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let renamed = store::renamed_tables(self.target, &self.sync_log, &unknown).await?;
        if !renamed.is_empty() && !self.settings.dry_run && !self.run_id.is_empty() {
            let log = &self.sync_log;
            let write = log.created_tables(self.run_id, &self.source_name, renamed.iter());
            self.target.on_control_session("writing sync_log", &write).await?;
        }
        Ok(renamed)
    }
}

/// All that a fingerprint says.
fn joined(fingerprint: &SchemaFingerprint) -> String {
    let SchemaFingerprint { first, after, details, computed, own } = fingerprint;
    let all = [first, after, details, computed, own];
    all.map(|text| text.as_deref().unwrap_or("-")).join(" ")
}

/// Whether one server can word what both sides define: servers of one major version word it in the same way, and
/// else the target is asked, in temporary tables.
pub(super) fn are_comparable(catalogs: &Catalogs) -> bool {
    are_of_one_major(catalogs) || catalogs.target.server.temporary
}

pub(super) fn are_of_one_major(catalogs: &Catalogs) -> bool {
    let major = |server: &Server| server.version / 10_000;
    major(&catalogs.source.server) == major(&catalogs.target.server)
}
