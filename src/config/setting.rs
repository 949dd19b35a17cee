//! The list of settings: the flag, the config key and the kind of each. Flags, variables and keys
//! are all derived from here, so that none exists in one place and is missing in another.

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

const SETTINGS: &[(Setting, &str, &str, Kind)] = &[
    (Setting::Source, "source", "sourceDb", Kind::Connection),
    (Setting::Target, "target", "targetDb", Kind::Connection),
    (Setting::Schema, "schema", "schema", Kind::List),
    (Setting::Include, "include", "includeTables", Kind::List),
    (Setting::Exclude, "exclude", "excludeTables", Kind::List),
    (Setting::Timestamp, "timestamp", "timestampColumn", Kind::Text),
    (Setting::Parallel, "parallel", "parallel", Kind::Number),
    (Setting::BatchSize, "batch-size", "batchSize", Kind::Number),
    (Setting::Verbose, "verbose", "verbose", Kind::Switch),
    (Setting::Reconcile, "reconcile", "reconcile", Kind::Switch),
    (Setting::Overlap, "overlap", "overlap", Kind::Duration),
    // The one whose flag says the opposite of its key.
    (Setting::Deletes, "no-deletes", "deletes", Kind::Switch),
    (Setting::Quiet, "quiet", "quiet", Kind::Switch),
    (Setting::Json, "json", "json", Kind::Switch),
    (Setting::DryRun, "dry-run", "dryRun", Kind::Switch),
    (Setting::Force, "force", "force", Kind::Switch),
    (Setting::FireTriggers, "fire-triggers", "fireTriggers", Kind::Switch),
    (Setting::MaxDelete, "max-delete", "maxDelete", Kind::Limit),
    (Setting::Retries, "retries", "retries", Kind::Number),
    (Setting::LockTimeout, "lock-timeout", "lockTimeout", Kind::Duration),
    (Setting::LogTable, "log-table", "logTable", Kind::Text),
    (Setting::Summary, "summary", "summary", Kind::Text),
    (Setting::LogFormat, "log-format", "logFormat", Kind::Text),
    (Setting::LogLevel, "log-level", "logLevel", Kind::Text),
    (Setting::Ddl, "ddl", "ddl", Kind::Text),
    (Setting::TargetSchema, "target-schema", "targetSchema", Kind::Text),
    (Setting::MaintenanceWorkMem, "maintenance-work-mem", "maintenanceWorkMem", Kind::Text),
    (Setting::Every, "every", "every", Kind::Duration),
    (Setting::Ping, "ping", "ping", Kind::Text),
    (Setting::Webhook, "webhook", "webhook", Kind::Text),
    (Setting::WebhookSecret, "webhook-secret", "webhookSecret", Kind::Secret),
    (Setting::WebhookOn, "webhook-on", "webhookOn", Kind::List),
    (Setting::WebhookFormat, "webhook-format", "webhookFormat", Kind::Text),
    (Setting::Metrics, "metrics", "metrics", Kind::Text),
    (Setting::MetricsTables, "metrics-tables", "metricsTables", Kind::Switch),
    (Setting::Listen, "listen", "listen", Kind::Text),
    (Setting::Lag, "lag", "lag", Kind::Switch),
    (Setting::Timestamps, "timestamps", "timestamps", Kind::Pairs),
    (Setting::Scrub, "scrub", "scrub", Kind::Text),
];

impl Setting {
    /// Every setting, in the order of their list.
    pub fn all() -> impl Iterator<Item = Setting> {
        SETTINGS.iter().map(|(setting, ..)| *setting)
    }

    /// Finds a setting by its key in the config file: `batchSize`.
    pub fn by_key(key: &str) -> Option<Setting> {
        SETTINGS.iter().find(|(_, _, own, _)| *own == key).map(|(setting, ..)| *setting)
    }

    /// Without dashes: `batch-size`.
    pub fn flag(self) -> &'static str {
        self.row().1
    }

    /// The key in the config file: `batchSize`.
    pub fn key(self) -> &'static str {
        self.row().2
    }

    /// The form of its values.
    pub fn kind(self) -> Kind {
        self.row().3
    }

    /// `PGSYNC_BATCH_SIZE`.
    pub fn variable(self) -> String {
        format!("PGSYNC_{}", self.flag().to_uppercase().replace('-', "_"))
    }

    fn row(self) -> &'static (Setting, &'static str, &'static str, Kind) {
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
        assert_eq!(Setting::all().last(), Some(Setting::Scrub));
        assert_eq!(Setting::BatchSize.variable(), "PGSYNC_BATCH_SIZE");
        assert_eq!(Setting::by_key("batchSize"), Some(Setting::BatchSize));
    }
}
