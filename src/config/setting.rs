//! The list of settings: the flag, the config key and the kind of each. Flags, variables and keys
//! are all derived from here, so that none exists in one place and is missing in another.

use super::misspelt::is_one_name;

/// One thing a user can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    Source,
    Target,
    Schema,
    Include,
    Exclude,
    Timestamp,
    Parallel,
    BatchSize,
    Verbose,
    Reconcile,
    Overlap,
    Deletes,
    Quiet,
    Json,
    DryRun,
    Force,
    FireTriggers,
    MaxDelete,
    Retries,
    LockTimeout,
    LogTable,
    Summary,
    LogFormat,
    LogLevel,
    Ddl,
    TargetSchema,
    MaintenanceWorkMem,
    Every,
    Ping,
    Webhook,
    WebhookSecret,
    WebhookOn,
    WebhookFormat,
    Metrics,
    MetricsTables,
    Listen,
    Lag,
    Timestamps,
    Scrub,
    BadRows,
    Rejects,
}

/// What a setting's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Connection,
    /// Names or patterns, separated by commas or as a JSON list.
    List,
    /// Texts with names, separated by commas or as a JSON object: `orders.created=unixms`.
    Pairs,
    Text,
    /// A text that nobody else may know.
    Secret,
    Number,
    Duration,
    /// A share or a number of rows.
    Limit,
    Switch,
}

/// What there is to say of one setting.
struct Row {
    setting: Setting,
    flag: &'static str,
    key: &'static str,
    kind: Kind,
}

const fn row(setting: Setting, flag: &'static str, key: &'static str, kind: Kind) -> Row {
    Row { setting, flag, key, kind }
}

const SETTINGS: &[Row] = &[
    row(Setting::Source, "source", "sourceDb", Kind::Connection),
    row(Setting::Target, "target", "targetDb", Kind::Connection),
    row(Setting::Schema, "schema", "schema", Kind::List),
    row(Setting::Include, "include", "includeTables", Kind::List),
    row(Setting::Exclude, "exclude", "excludeTables", Kind::List),
    row(Setting::Timestamp, "timestamp", "timestampColumn", Kind::Text),
    row(Setting::Parallel, "parallel", "parallel", Kind::Number),
    row(Setting::BatchSize, "batch-size", "batchSize", Kind::Number),
    row(Setting::Verbose, "verbose", "verbose", Kind::Switch),
    row(Setting::Reconcile, "reconcile", "reconcile", Kind::Switch),
    row(Setting::Overlap, "overlap", "overlap", Kind::Duration),
    // The one whose flag says the opposite of its key.
    row(Setting::Deletes, "no-deletes", "deletes", Kind::Switch),
    row(Setting::Quiet, "quiet", "quiet", Kind::Switch),
    row(Setting::Json, "json", "json", Kind::Switch),
    row(Setting::DryRun, "dry-run", "dryRun", Kind::Switch),
    row(Setting::Force, "force", "force", Kind::Switch),
    row(Setting::FireTriggers, "fire-triggers", "fireTriggers", Kind::Switch),
    row(Setting::MaxDelete, "max-delete", "maxDelete", Kind::Limit),
    row(Setting::Retries, "retries", "retries", Kind::Number),
    row(Setting::LockTimeout, "lock-timeout", "lockTimeout", Kind::Duration),
    row(Setting::LogTable, "log-table", "logTable", Kind::Text),
    row(Setting::Summary, "summary", "summary", Kind::Text),
    row(Setting::LogFormat, "log-format", "logFormat", Kind::Text),
    row(Setting::LogLevel, "log-level", "logLevel", Kind::Text),
    row(Setting::Ddl, "ddl", "ddl", Kind::Text),
    row(Setting::TargetSchema, "target-schema", "targetSchema", Kind::Text),
    row(Setting::MaintenanceWorkMem, "maintenance-work-mem", "maintenanceWorkMem", Kind::Text),
    row(Setting::Every, "every", "every", Kind::Duration),
    row(Setting::Ping, "ping", "ping", Kind::Text),
    row(Setting::Webhook, "webhook", "webhook", Kind::Text),
    row(Setting::WebhookSecret, "webhook-secret", "webhookSecret", Kind::Secret),
    row(Setting::WebhookOn, "webhook-on", "webhookOn", Kind::List),
    row(Setting::WebhookFormat, "webhook-format", "webhookFormat", Kind::Text),
    row(Setting::Metrics, "metrics", "metrics", Kind::Text),
    row(Setting::MetricsTables, "metrics-tables", "metricsTables", Kind::Switch),
    row(Setting::Listen, "listen", "listen", Kind::Text),
    row(Setting::Lag, "lag", "lag", Kind::Switch),
    row(Setting::Timestamps, "timestamps", "timestamps", Kind::Pairs),
    row(Setting::Scrub, "scrub", "scrub", Kind::Text),
    row(Setting::BadRows, "bad-rows", "badRows", Kind::Text),
    row(Setting::Rejects, "rejects", "rejects", Kind::Text),
];

impl Setting {
    /// Every setting, in the order of their list.
    pub fn all() -> impl Iterator<Item = Setting> {
        SETTINGS.iter().map(|row| row.setting)
    }

    /// Finds a setting by its key in the config file: `batchSize`.
    pub fn by_key(key: &str) -> Option<Setting> {
        SETTINGS.iter().find(|row| row.key == key).map(|row| row.setting)
    }

    /// Finds a setting by any form of its flag, its key or its variable: `BATCH_SIZE`.
    pub fn by_any_name(name: &str) -> Option<Setting> {
        let is_it = |row: &&Row| is_one_name(row.flag, name) || is_one_name(row.key, name);
        SETTINGS.iter().find(is_it).map(|row| row.setting)
    }

    /// Without dashes: `batch-size`.
    pub fn flag(self) -> &'static str {
        self.row().flag
    }

    /// The key in the config file: `batchSize`.
    pub fn key(self) -> &'static str {
        self.row().key
    }

    /// The form of its values.
    pub fn kind(self) -> Kind {
        self.row().kind
    }

    /// `PGSYNC_BATCH_SIZE`.
    pub fn variable(self) -> String {
        format!("PGSYNC_{}", self.flag().to_uppercase().replace('-', "_"))
    }

    fn row(self) -> &'static Row {
        // The variants and the rows have one order; a test holds that.
        &SETTINGS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_and_rows_have_one_order() {
        assert!(Setting::all().enumerate().all(|(index, setting)| setting as usize == index));
        assert_eq!(Setting::all().last(), Some(Setting::Rejects));
        assert_eq!(Setting::BatchSize.variable(), "PGSYNC_BATCH_SIZE");
        assert_eq!(Setting::by_key("batchSize"), Some(Setting::BatchSize));
    }
}
