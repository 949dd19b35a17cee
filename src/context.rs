//! What all of a run's work is handed: both ends, the settings, where to say something, and the log.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::config::Settings;
use crate::error::{Error, Result, Side};
use crate::event::{Event, Events};
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::outcome::{Status, TableOutcome};
use crate::plan::{Roles, TablePlan};
use crate::recall::Recall;
use crate::rejects::Rejects;
use crate::scrub::Scrub;
use crate::source::{Source, SourceState};
use crate::sql::digest::{HashChoice, HashFamily};
use crate::sql::horizon::Horizon;
use crate::sql::horizon::Watermark;
use crate::sql::sync_log::SyncLog;
use crate::stop::Stop;
use crate::sync_log::store::EarlierRow;
use crate::target_side::{Target, TargetState};

/// Everything that a round reads and writes through before its work begins.
pub struct RunContext<'a> {
    pub settings: &'a Arc<Settings>,
    pub source: &'a Arc<Source>,
    pub target: &'a Arc<Target>,
    pub sync_log: SyncLog,
    pub events: &'a Events,
    /// Empty where nothing is logged.
    pub run_id: &'a str,
    /// `host:port/database` of the source.
    pub source_name: String,
}

impl RunContext<'_> {
    /// A round that follows no other, and that no other may follow.
    pub(crate) fn round(&self, stop: &Stop, horizon: Horizon, page_ranges: bool) -> Round {
        Round {
            source: self.source.clone(),
            target: self.target.clone(),
            sync_log: self.sync_log.clone(),
            horizon,
            events: self.events.clone(),
            stop: stop.clone(),
            run_id: self.run_id.to_owned(),
            source_name: self.source_name.clone(),
            settings: self.settings.clone(),
            last_round: true,
            slots: Semaphore::new(self.settings.parallel),
            page_ranges,
            scrub: None,
            recall: Recall::default(),
            rejects: None,
            earlier: HashMap::new(),
            roles: Roles::default(),
        }
    }

    /// Says something to whoever watches.
    pub(crate) fn note(&self, level: NoteLevel, table: Option<TableName>, text: String) {
        self.events.send(Event::Note(Note { table, text, level }));
    }
}

/// Both sides as they are at the snapshot.
pub(crate) struct Catalogs {
    pub source: SourceState,
    pub target: TargetState,
    /// On each side: tables whose definitions cannot be read, for somebody holds them.
    pub held: [Vec<u32>; 2],
}

impl Catalogs {
    /// How both sides hash, and why not faster.
    pub(crate) fn hasher(&self) -> HashChoice {
        let Self { source, target, .. } = self;
        HashFamily::agreed(
            [&source.server.encoding, &target.server.encoding],
            [source.hash_probe.as_deref(), target.hash_probe.as_deref()],
        )
    }
}

/// What all jobs of a run share.
pub struct Round {
    pub source: Arc<Source>,
    pub target: Arc<Target>,
    pub sync_log: SyncLog,
    pub horizon: Horizon,
    pub events: Events,
    pub stop: Stop,
    pub run_id: String,
    /// `host:port/database` of the source.
    pub source_name: String,
    pub settings: Arc<Settings>,
    /// Whether no other round may follow: a table that was replaced under the snapshot fails alone.
    pub last_round: bool,
    /// As many as jobs may run at once; a large copy takes more than one when there are free ones.
    pub slots: Semaphore,
    /// Whether the source can read a range of pages without a full scan (PostgreSQL 14).
    pub page_ranges: bool,
    /// What is proven beside, where that is asked for.
    pub scrub: Option<Scrub>,
    /// What it learns of the source's rows, for the next run.
    pub recall: Recall,
    /// The list of bad rows, where one is asked for.
    pub rejects: Option<Arc<Rejects>>,
    /// What earlier rounds of this run did, by the target's names.
    pub earlier: HashMap<TableName, EarlierRow>,
    /// Whom rights are granted to.
    pub roles: Roles,
}

impl Round {
    /// Says that so many more rows of a table have travelled.
    pub fn moved(&self, plan: &TablePlan, rows: u64) {
        let table = plan.mapping.source.name.clone();
        self.events.send(Event::Rows { table, rows });
    }

    /// Where the next run starts if nothing later than `greatest` was read.
    pub fn watermark(&self, plan: &TablePlan, greatest: &str) -> Option<Watermark> {
        self.horizon.watermark(plan.timestamp.as_ref()?, greatest)
    }

    /// The error with what to grant, where a right is missing on its side.
    pub async fn explained(&self, error: Error) -> Error {
        match &error {
            Error::Database(said) if said.side == Side::Source => {
                self.source.explained(error).await
            }
            Error::Database(_) => self.target.explained(error).await,
            _ => error,
        }
    }

    /// Turns the end of a table into a failure, which is told and logged.
    pub async fn retract(&self, outcome: &mut TableOutcome, error: Error) {
        let error = self.explained(error).await;
        let text = error.to_string();
        outcome.status = Status::Failed;
        outcome.error = Some(error);
        self.events.send(Event::Retracted(Box::new(outcome.clone())));
        if self.settings.dry_run {
            return;
        }
        let table = self.settings.target_name_of(&outcome.table);
        let statement = self.sync_log.retract(&self.run_id, &table, &text);
        if let Err(error) = self.target.on_control_session("writing sync_log", &statement).await {
            let text = format!("sync_log still says success: {error}");
            let level = NoteLevel::Warning;
            self.events.send(Event::Note(Note { table: Some(table), text, level }));
        }
    }

    /// To be asked between batches.
    pub fn check_stopped(&self) -> Result<()> {
        match self.stop.requested() {
            Some(signal) => Err(Error::Stopped(signal)),
            None => Ok(()),
        }
    }
}
