//! The typed intent of one run. Strings and options end here: after this nothing is optional that
//! has a default, and nothing is invalid. Pure: files and the environment are handed in.

pub mod conninfo;
mod environment;
pub(crate) mod file;
mod interpolation;
mod json;
mod json_schema;
mod layers;
mod messages;
pub mod misspelt;
mod own_flags;
mod resolve;
mod rules;
mod setting;
mod show;
pub mod source;
mod value;

pub use environment::{Environment, FileText};
pub use json_schema::json_schema;
pub use messages::{Messages, MetricsSettings, Occasion, WebAddress, Webhook, WebhookFormat};
pub use own_flags::{Needs, OwnFlags};
pub use resolve::{Flags, Read, resolve, resolve_with};
pub use setting::{Kind, Setting};
pub use show::show;
pub use value::{is_on, is_switch, log_format, summary_format};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::ident::{Ident, TableName};
pub use crate::rules::{Ddl, MaxDelete, Unmasked};
use crate::rules::{Key, Rules};
use crate::select::schemas;
use conninfo::{ConnInfo, Secret};
use source::SourceInfo;

/// Settings, and what the user should know about where they come from.
#[derive(Debug)]
pub struct Resolved {
    pub settings: Box<Settings>,
    pub warnings: Vec<String>,
}

/// Everything a run needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    pub source: SourceInfo,
    pub target: ConnInfo,
    /// Never empty. Patterns stand here until the source has said which schemas it has.
    pub schemas: Vec<Ident>,
    /// The schemas as they were asked for, where patterns were among them.
    pub schema_patterns: Vec<Ident>,
    /// Patterns as written; `filter` compiles them.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    pub timestamp: Ident,
    /// Whether it was asked for: then some table should have it.
    pub timestamp_given: bool,
    /// Jobs at once, 1 or more.
    pub parallel: usize,
    /// Rows per batch, 1 or more.
    pub batch_size: u64,
    /// As given for all columns; else each kind of column has its own.
    pub overlap: Option<Duration>,
    /// Compare every table by digest, whatever its watermark.
    pub reconcile: bool,
    /// Whether vanished rows are removed.
    pub deletes: bool,
    /// Each run proves one of so many parts of each table.
    pub scrub: Option<u32>,
    pub dry_run: bool,
    /// Whether rows are compared and nothing follows (`pgsync verify`): no right to write is needed.
    pub only_compares: bool,
    /// The rules of a run, where such work leaves out that it changes definitions.
    pub rules_of_runs: Option<Box<Rules>>,
    /// Whether the run repairs what a comparison has found: it is no last run of its tables.
    pub repair: bool,
    pub force: bool,
    pub fire_triggers: bool,
    /// Deletes of one table beyond this are refused; by table, then for all.
    pub max_delete: Option<MaxDelete>,
    pub max_delete_by_table: BTreeMap<String, MaxDelete>,
    /// Times that a transient fault is tried again.
    pub retries: u32,
    pub lock_timeout: Duration,
    /// Where `sync_log` lives, unless it is the first synced schema.
    pub log_table: Option<TableName>,
    pub ddl: Ddl,
    /// What the one schema is called on the target, unless it has the same name.
    pub target_schema: Option<Ident>,
    /// For building indexes, as PostgreSQL writes sizes.
    pub maintenance_work_mem: Option<String>,
    /// What counts for each table. What is said above for all tables is in it too.
    pub rules: Rules,
    /// 16 bytes or more; there is one when a mask needs it.
    pub mask_key: Option<Secret>,
    pub unmasked: Unmasked,
    /// Statements on the target before the first table.
    pub before_sql: Vec<String>,
    /// Statements on the target when every table is in sync.
    pub after_sql: Vec<String>,
    /// Runs follow each other at this interval; one run when it is not set.
    pub every: Option<Duration>,
    pub messages: Messages,
    /// Whether it is measured how far the target is behind.
    pub lag: bool,
    pub metrics: MetricsSettings,
    /// The file that lists rows of a SQLite file that the target cannot hold.
    pub rejects: Option<PathBuf>,
    /// The config file that was read.
    pub config_file: Option<PathBuf>,
    pub output: Output,
    pub logging: Logging,
}

impl Settings {
    /// What a schema of the source is called on the target.
    pub fn target_schema_of<'a>(&'a self, schema: &'a Ident) -> &'a Ident {
        self.target_schema.as_ref().unwrap_or(schema)
    }

    /// What a table of the source is called on the target.
    pub fn target_name_of(&self, table: &TableName) -> TableName {
        self.rules.target_name(table)
    }

    /// The same the other way round.
    pub fn source_name_of(&self, table: &TableName) -> TableName {
        let renamed = self.schemas.iter().find(|own| self.target_schema_of(own) == &table.schema);
        let schema = renamed.unwrap_or(&table.schema).clone();
        TableName { schema, name: table.name.clone() }
    }

    /// The target's schemas, in the order of the source's, then those that rules of some tables name.
    pub fn target_schemas(&self) -> Vec<Ident> {
        let own = self.schemas.iter().map(|schema| self.target_schema_of(schema));
        let mut schemas: Vec<Ident> = Vec::new();
        for schema in own.chain(self.rules.target_schemas()) {
            if !schemas.contains(schema) {
                schemas.push(schema.clone());
            }
        }
        schemas
    }

    /// Where `sync_log` lives: what was asked for, or the first synced schema. Which schema a pattern finds first
    /// may change from run to run, so the log is not kept there.
    pub fn log_table_name(&self) -> TableName {
        let first = self.schemas.first().filter(|first| !schemas::has_wildcard(first));
        let first =
            first.map(|schema| self.target_schema_of(schema)).map_or("public", Ident::as_str);
        self.log_table.clone().unwrap_or_else(|| TableName::new(first, "sync_log"))
    }

    /// What happens to the definition of a table of the source.
    pub fn ddl_of(&self, table: &TableName) -> Ddl {
        self.rules.effective(table).ddl
    }

    /// The rule that keeps a table from being rebuilt: a table is rebuilt as it is on the source, and beside the
    /// others of its schema.
    pub fn prevents_rebuild(&self, table: &TableName) -> Option<Key> {
        let rules = self.rules.effective(table);
        let is_elsewhere = &rules.target_name(table).schema != self.target_schema_of(&table.schema);
        rules.shaping().or(is_elsewhere.then_some(Key::TargetSchema))
    }

    /// Whether it is said what a run would do, and nothing is written: a dry run.
    pub fn foretells(&self) -> bool {
        self.dry_run && !self.only_compares
    }

    /// Whether definitions of any table may be changed.
    pub fn changes_definitions(&self) -> bool {
        self.ddl != Ddl::None || self.rules.ddl_choices().any(|ddl| ddl != Ddl::None)
    }

    /// The same settings for work that changes no definition.
    pub fn without_ddl(mut self) -> Self {
        self.ddl = Ddl::None;
        self.rules.without_ddl();
        self
    }

    /// The limit on deletes of one table.
    pub fn max_delete_of(&self, table: &TableName) -> Option<MaxDelete> {
        self.rules.effective(table).max_delete
    }
}

/// What the user wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub json: bool,
    pub quiet: bool,
    pub verbose: bool,
    pub summary: SummaryFormat,
}

/// The form of the summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SummaryFormat {
    #[default]
    Text,
    /// For the page of a CI job.
    Markdown,
}

impl SummaryFormat {
    /// Every form.
    pub const ALL: [SummaryFormat; 2] = [SummaryFormat::Text, SummaryFormat::Markdown];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            SummaryFormat::Text => "text",
            SummaryFormat::Markdown => "markdown",
        }
    }
}

/// Which log lines are printed, and in which form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    pub format: LogFormat,
    /// The least important ones; `None` for those that `-quiet` and `-verbose` ask for.
    pub level: Option<LogLevel>,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    /// One object per line.
    Json,
}

/// How much a log line matters; what matters less is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogFormat {
    /// Every form.
    pub const ALL: [LogFormat; 2] = [LogFormat::Text, LogFormat::Json];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }
}

impl LogLevel {
    /// Every level, by importance.
    pub const ALL: [LogLevel; 5] =
        [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

#[cfg(test)]
mod tests;
