//! The source and the target of a run, which live through all of its rounds.

use std::path::Path;
use std::sync::Arc;

use super::memory::Memory;
use super::statements;
use crate::config::Settings;
use crate::context::RunContext;
use crate::error::{Error, Result, Side};
use crate::event::{Event, Events};
use crate::note::{Note, NoteLevel};
use crate::pg;
use crate::pg::Pool;
use crate::rejects::{Protected, Rejects};
use crate::select::schemas;
use crate::source::Source;
use crate::sql::sync_log::SyncLog;
use crate::target_side::Target;

/// Both ends, with a pool of sessions each.
#[derive(Clone)]
pub(crate) struct Endpoints {
    pub source: Arc<Source>,
    pub target: Arc<Target>,
    pub before_sql_done: statements::Done,
    /// The list of bad rows, where one is asked for.
    pub rejects: Option<Arc<Rejects>>,
}

impl Endpoints {
    /// Reads what connecting needs, such as certificates; connects to nothing yet.
    pub(crate) fn open(settings: &Settings) -> Result<Self> {
        Self::open_knowing(settings, &Memory::default())
    }

    /// The same, with what earlier runs have left in memory.
    pub(crate) fn open_knowing(settings: &Settings, memory: &Memory) -> Result<Self> {
        // One session per job, and the control session of the locks.
        let size = settings.parallel + 1;
        let lock_timeout = settings.lock_timeout;
        let replica_role = !settings.fire_triggers;
        let session = pg::Settings { lock_timeout, replica_role, ..pg::Settings::default() };
        let target = Pool::new(&settings.target, Side::Target, size, session)?;
        let masking =
            pg::Masking { key: settings.mask_key.clone(), discreet: settings.rules.has_masks() };
        let mut source = Source::new(&settings.source, settings.parallel, lock_timeout, masking)?;
        let mut target = Target::new(target).reading(settings.only_compares);
        if let Some(known) = &memory.known {
            source = source.knowing(known.source.clone());
            target = target.knowing(known.target.clone());
        }
        Ok(Self {
            source: Arc::new(source),
            target: Arc::new(target),
            before_sql_done: Default::default(),
            rejects: None,
        })
    }

    /// The same, for a run, which may list bad rows.
    ///
    /// # Errors
    /// The list cannot be written, or it would replace what the run reads.
    pub(crate) fn with_rejects(self, settings: &Settings) -> Result<Self> {
        let begin = |path: &Path| Rejects::begin(path, &Protected::of(settings));
        let rejects = settings.rejects.as_deref().map(begin).transpose()?;
        Ok(Self { rejects: rejects.map(Arc::new), ..self })
    }

    /// Puts the list of bad rows in its place, when the run has come to its end.
    pub(crate) fn place_rejects(&self, events: &Events) {
        let placed = self.rejects.as_ref().map(|rejects| rejects.place());
        if let Some(Err(text)) = placed {
            events.send(Event::Note(Note { table: None, text, level: NoteLevel::Warning }));
        }
    }

    /// What work on both ends is handed.
    pub(crate) fn context<'a>(
        &'a self,
        settings: &'a Arc<Settings>,
        events: &'a Events,
        run_id: &'a str,
    ) -> RunContext<'a> {
        RunContext {
            settings,
            source: &self.source,
            target: &self.target,
            sync_log: SyncLog { table: settings.log_table_name() },
            events,
            run_id,
            source_name: settings.source.describe(),
        }
    }

    /// The settings with the schemas of the source that their patterns match.
    ///
    /// # Errors
    /// A pattern matches none; what concerns the source as a whole.
    pub(crate) async fn with_schemas(&self, settings: &Arc<Settings>) -> Result<Arc<Settings>> {
        if !settings.schemas.iter().any(schemas::has_wildcard) {
            return Ok(settings.clone());
        }
        let existing = self.source.schemas().await?;
        let schemas = schemas::matching(&settings.schemas, &existing)?;
        let log_table = Some(settings.log_table_name());
        let schema_patterns = settings.schemas.clone();
        Ok(Arc::new(Settings { schemas, schema_patterns, log_table, ..(**settings).clone() }))
    }

    /// Ends all sessions; new ones can be opened.
    pub(crate) async fn close(&self) {
        tokio::join!(self.source.close(), self.target.close());
    }

    /// Asks both servers to cancel what they are working on for this run.
    pub(crate) async fn cancel_all(&self) {
        tokio::join!(self.source.cancel_all(), self.target.pool.cancel_all());
    }

    /// Whether a round that did not come to work is tried again: a server that answers that it is
    /// starting or full, or one that was there before. A name that leads nowhere is said at once.
    pub(crate) fn may_recover_from(&self, error: &Error) -> bool {
        let Error::Database(error) = error else { return false };
        let reached = match error.side {
            Side::Source => self.source.was_reached(),
            Side::Target => self.target.pool.was_reached(),
        };
        error.is_transient() && (reached || error.sqlstate.is_some())
    }
}
