//! The flags that only one command has. clap reads their names and comments; values are read by name.

use clap::Args;

use super::help::heading;

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

// Of `pgsync log prune`.
#[derive(Args)]
pub(super) struct LogPrune {
    /// Keep rows of the log that began less than this long ago, such as 90d
    #[arg(long, help_heading = heading::LOG, value_name = "TIME")]
    keep: Option<String>,
}
