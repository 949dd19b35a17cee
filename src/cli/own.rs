//! The flags that only one command has. clap reads their names and comments; values are read by name.

use clap::Args;

use super::help::heading;

// Of `pgsync verify`. A doc comment would take the place of the help's first sentence.
#[derive(Args)]
pub(super) struct Verify {
    /// List so many of the rows of a table that differ [default: 20]
    #[arg(long, help_heading = heading::VERIFY, value_name = "N")]
    limit: Option<String>,
    /// Show the values of rows that differ [default: off]
    #[arg(long, help_heading = heading::VERIFY, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    values: Option<String>,
    /// Write every row that differs into this file, as lines of JSON [default: none]
    #[arg(long, help_heading = heading::VERIFY, value_name = "FILE")]
    rows: Option<String>,
    /// Write every row that differs into this file, as CSV [default: none]
    #[arg(long, help_heading = heading::VERIFY, value_name = "FILE")]
    csv: Option<String>,
    /// Write the report into this file, as a page of HTML [default: none]
    #[arg(long, help_heading = heading::VERIFY, value_name = "FILE")]
    html: Option<String>,
    /// Excuse what changes of the source since the last run explain [default: off]
    #[arg(long, help_heading = heading::VERIFY, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    live: Option<String>,
    /// Let the servers compare for this share of the time, such as 25% [default: off]
    #[arg(long, help_heading = heading::VERIFY, value_name = "SHARE")]
    throttle: Option<String>,
    /// Bring the tables that differ in sync; or print the statements, with =print [default: off]
    #[arg(long, help_heading = heading::VERIFY, value_name = "print", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    repair: Option<String>,
}

// Of `pgsync status`. A doc comment would take the place of the help's first sentence.
#[derive(Args)]
pub(super) struct Status {
    /// Fail also when the last success of a table is older than this [default: off]
    #[arg(long, help_heading = heading::STATUS, value_name = "TIME")]
    stale: Option<String>,
    /// Show only tables in trouble [default: off]
    #[arg(long, help_heading = heading::STATUS, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    failed: Option<String>,
    /// Show the last 50 runs of this table instead [default: none]
    ///
    /// A name, or schema.name, as the target calls it.
    #[arg(long, help_heading = heading::STATUS, value_name = "TABLE")]
    history: Option<String>,
}

// Of `pgsync mask preview`. A doc comment would take the place of the help's first sentence.
#[derive(Args)]
pub(super) struct MaskPreview {
    /// Show so many rows [default: 10]
    #[arg(long, help_heading = heading::STATUS, value_name = "N")]
    limit: Option<String>,
}

// Of `pgsync log prune`.
#[derive(Args)]
pub(super) struct LogPrune {
    /// Keep rows of the log that began less than this long ago, such as 90d
    #[arg(long, help_heading = heading::LOG, value_name = "TIME")]
    keep: Option<String>,
}
