//! What `pgsync status` and `pgsync log prune` are asked.

use std::time::Duration;

use crate::config::{OwnFlags, Settings};
use crate::ident::TableName;

/// What `pgsync status` is asked.
#[derive(Clone, Debug)]
pub struct StatusSettings {
    /// The target, the selection of tables and the form of the output count.
    pub base: Box<Settings>,
    pub log: TableName,
    /// How old a success may be.
    pub stale: Option<Duration>,
    /// Show only tables in trouble.
    pub only_failed: bool,
    /// Show the runs of this table; without a schema it may be in any that the log knows.
    pub history: Option<TableName>,
}

/// The flags of `pgsync status`.
#[derive(Clone, Debug)]
pub struct StatusFlags {
    stale: Option<Duration>,
    only_failed: bool,
    history: Option<TableName>,
}

impl StatusFlags {
    /// Reads them.
    pub fn read(flags: &mut OwnFlags) -> Self {
        Self {
            stale: flags.duration("stale", ["1s", "3650d"]),
            only_failed: flags.switch("failed"),
            history: flags.table("history"),
        }
    }

    /// With the settings that go with them.
    pub fn with(self, base: Box<Settings>) -> StatusSettings {
        let log = base.log_table_name();
        let Self { stale, only_failed, history } = self;
        StatusSettings { log, base, stale, only_failed, history }
    }
}

/// What `pgsync log prune` is asked.
#[derive(Clone, Debug)]
pub struct PruneSettings {
    /// The target and whether it is a dry run count.
    pub base: Box<Settings>,
    pub log: TableName,
    /// Rows that began longer ago may go.
    pub keep: Duration,
}

/// The flags of `pgsync log prune`.
#[derive(Clone, Debug)]
pub struct PruneFlags {
    keep: Duration,
}

impl PruneFlags {
    /// Reads them. How much is kept has to be said.
    pub fn read(flags: &mut OwnFlags) -> Self {
        let text = flags.text("keep");
        let given = text.is_some();
        // Seconds elsewhere, and nobody keeps rows for so short.
        let bare = text.filter(|text| text.parse::<u32>().is_ok_and(|number| number > 0));
        if let Some(number) = bare {
            flags.problem("keep", &format!("\"{number}\" has no unit; write days as {number}d"));
        }
        let keep = flags.duration("keep", ["0s", "36500d"]);
        if !given {
            flags.problem("keep", "missing; say how long rows are kept, as in -keep 90d");
        }
        Self { keep: keep.unwrap_or_default() }
    }

    /// With the settings that go with them.
    pub fn with(self, base: Box<Settings>) -> PruneSettings {
        PruneSettings { log: base.log_table_name(), base, keep: self.keep }
    }
}
