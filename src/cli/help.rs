//! The help texts that belong to no single flag: what a run is, the forms of values, where settings
//! come from, exit statuses and examples. clap prints them before and after the list of flags.

/// The headings under which flags are listed.
pub mod heading {
    /// How the two databases are reached.
    pub const CONNECTION: &str = "Connection";
    /// Which tables and schemas take part.
    pub const SELECTION: &str = "What to sync";
    /// How the rows that differ are found.
    pub const CHANGES: &str = "How changes are found";
    /// Limits on what a run changes.
    pub const SAFETY: &str = "Safety";
    /// What a run does about definitions of tables.
    pub const SCHEMA: &str = "Schema";
    /// What is printed, and in which form.
    pub const OUTPUT: &str = "Output";
    /// Runs that nobody watches.
    pub const UNATTENDED: &str = "Unattended";
    /// What `pgsync verify` shows and does.
    pub const VERIFY: &str = "What to show and repair";
    /// What `pgsync status` shows.
    pub const STATUS: &str = "What to show";
    /// What `pgsync log prune` keeps.
    pub const LOG: &str = "What to keep";
    /// What few runs need.
    pub const ADVANCED: &str = "Advanced";
}

/// The texts of one command's help that belong to no flag.
pub struct Texts {
    /// The sentence at the top.
    pub about: &'static str,
    /// The forms of the command line, one a line.
    pub usage: &'static str,
    /// After `-h`.
    pub short: &'static str,
    /// After `-help`.
    pub long: &'static str,
}

/// Of a sync.
pub const SYNC: Texts = Texts { about: ABOUT, usage: USAGE, short: SHORT, long: LONG };

/// Of `pgsync schema`.
pub const SCHEMA: Texts = Texts {
    about: "Prints the statements that would create what the target lacks, in order, and runs none of them.",
    usage: "pgsync schema -source URL -target URL [flags]
       pgsync schema -config FILE [flags]",
    short: "It exits with 1 if there are any statements.
It accepts the other flags of a sync, too.",
    long: "It exits with 1 if there are any statements.
It accepts the other flags of a sync, too.",
};

/// Of `pgsync verify`.
pub const VERIFY: Texts = Texts {
    about: "Compares all rows of both databases, and says which differ. Writes nothing without -repair.",
    usage: "pgsync verify -source URL -target URL [flags]
       pgsync verify -config FILE [flags]",
    short: VERIFY_END,
    long: VERIFY_END,
};

const VERIFY_END: &str = "\
Exit status:
  0  all tables are equal
  1  a table could not be compared, and no other differs
  2  wrong usage or configuration
  3  rows differ
  4  a run is working on one of these tables
  5  a safety check refused
  With -repair it is the status of the second comparison: 0 if the repair worked. If the repair
  itself fails, it is that of its run: 1, 4, or 5 (-max-delete).

Examples:
  pgsync verify -source postgres://app@prod/shop -target postgres://app@localhost/shop
  pgsync verify -config pgsync.json -rows differences.jsonl -html report.html
  pgsync verify -config pgsync.json -include orders -repair";

/// Of `pgsync status`.
pub const STATUS: Texts = Texts {
    about: "Shows how each table stands, as the log of runs on the target has it. Needs no source.",
    usage: "pgsync status -target URL [flags]",
    short: STATUS_END,
    long: STATUS_END,
};

const STATUS_END: &str = "\
Exits with 1 if the last run of a table did not succeed, if a last success is older than -stale, or
if no run is recorded.

Examples:
  pgsync status -target postgres://app@localhost/shop -stale 26h
  pgsync status -config pgsync.json -failed -json";

/// Of `pgsync log prune`.
pub const LOG_PRUNE: Texts = Texts {
    about: "Deletes old rows of the log of runs. What runs go by stays: the last rows of each table.",
    usage: "pgsync log prune -target URL -keep TIME [flags]",
    short: LOG_PRUNE_END,
    long: LOG_PRUNE_END,
};

const LOG_PRUNE_END: &str = "\
Example:
  pgsync log prune -target postgres://app@localhost/shop -keep 90d";

/// Of `pgsync config show`.
pub const CONFIG_SHOW: Texts = Texts {
    about: "Prints the settings that count, or the rules of one table, and where each was given.",
    usage: "pgsync config show [TABLE] [flags]",
    short: "It takes the flags of a sync, connects to no server, and shows no secret.",
    long: "It takes the flags of a sync, connects to no server, and shows no secret.",
};

/// Of `pgsync config schema`.
pub const CONFIG_SCHEMA: Texts = Texts {
    about: "Prints a JSON Schema of the config file, by which editors complete and check it.",
    usage: "pgsync config schema > config.schema.json",
    short: "A config file names it: {\"$schema\": \"./config.schema.json\"}",
    long: "A config file names it: {\"$schema\": \"./config.schema.json\"}",
};

/// Of `pgsync mask suggest`.
pub const MASK_SUGGEST: Texts = Texts {
    about: "Prints a config file with a mask for each column of the source that looks personal.",
    usage: "pgsync mask suggest -source URL [flags]",
    short: "Names and a sample of 1,000 values are judged on the source; no value leaves it.",
    long: "Names and a sample of 1,000 values are judged on the source; no value leaves it.",
};

/// Of `pgsync mask check`.
pub const MASK_CHECK: Texts = Texts {
    about: "Checks rules and masks as a run does before the first row leaves the source, and writes nothing.",
    usage: "pgsync mask check -source URL -target URL [flags]
       pgsync mask check -config FILE [flags]",
    short: "It prints all problems at once, and exits with 2 if there are any.
It accepts the other flags of a sync, too.",
    long: "It prints all problems at once, and exits with 2 if there are any.
It accepts the other flags of a sync, too.",
};

/// Of `pgsync mask preview`.
pub const MASK_PREVIEW: Texts = Texts {
    about: "Prints some rows of a table as a run would read them: masked. Needs no target.",
    usage: "pgsync mask preview TABLE -source URL -config FILE [flags]",
    short: "Columns that are neither masked nor kept are not read.",
    long: "Columns that are neither masked nor kept are not read.",
};

const ABOUT: &str = "Keeps a PostgreSQL database in sync with another: one way, in parallel, moving \
                         only what changed.";

const USAGE: &str = "pgsync -source URL -target URL [flags]
       pgsync -config FILE [flags]
       pgsync COMMAND [flags]";

const SHORT: &str = "\
Examples:
  # Count what a run would change, and change nothing.
  pgsync -source postgres://app@prod/shop -target postgres://app@localhost/shop -dry-run
  # Sync every table of the schema public.
  pgsync -source postgres://app@prod/shop -target postgres://app@localhost/shop
  # Choose tables; keep passwords out of the command line.
  pgsync -source @prod.url -target env:DATABASE_URL -include \"user_*,order_*\" -exclude \"*_log\"
  # A nightly job: settings from a file, one object of JSON as the result.
  pgsync -config pgsync.json -max-delete 20% -json
  # Print the statements that would create what the target lacks, and run none of them.
  pgsync schema -config pgsync.json

`pgsync -help` shows all flags, with details, the other commands, and the exit statuses.";

const LONG: &str = "\
How flags are written:
  With one dash or two. The value follows after a space or an equals sign: -parallel 8, -parallel=8.
  A switch takes no value, or =true or =false: -verbose, -verbose=false.
  LIST   names with commas, or the flag repeated. Patterns know * ? [a-z] [!x]. The name
         schema.table is a table of one schema. An exact name wins over a pattern.
  TIME   30s, 5m, 1h30m, 500ms, 2d, or a number of seconds.

Where settings come from:
  A flag wins over its environment variable (PGSYNC_SOURCE, PGSYNC_BATCH_SIZE, …), the variable
  over the config file, and the file over the default. What the file says of single tables (tables,
  maxDeleteByTable) wins over flags, and -set over all.
  A connection string is what psql takes. PG* variables, ~/.pgpass and service files fill in what
  it leaves open. Other users of the machine can see a password on the command line: use ~/.pgpass,
  PGSYNC_SOURCE, env:NAME or @FILE instead.

Commands (`pgsync help COMMAND` or `pgsync COMMAND -help` shows the flags of each):
  schema   Prints the statements that would create what the target lacks, in order, and runs none
           of them. Exits with 1 if there are any.
  verify   Compares all rows, and says which differ. Exits with 3 if any do.
  status   Shows how each table stands, from the log on the target alone.
  log prune   Deletes old rows of the log.
  config show [TABLE]
           Prints the settings that count, or the rules of a table, and where each was given.
  config schema
           Prints a JSON Schema of the config file, for editors.
  mask suggest
           Prints a config file with a mask for each column of the source that looks personal.
  mask check
           Checks rules and masks as a run does, and writes nothing. Exits with 2 if one is wrong.
  mask preview TABLE
           Prints some masked rows of a table.

Exit status:
  0        every selected table is in sync
  1        a table failed, or the run could not proceed
  2        wrong usage or configuration
  3        pgsync verify found rows that differ
  4        another run is working on one of these tables
  5        a safety check refused: nothing was changed (with -max-delete, or without a mask
           that earlier runs had: nothing of that table)
  130/143  stopped by SIGINT or SIGTERM

Examples:
  pgsync -source postgres://app@prod/shop -target postgres://app@localhost/shop -dry-run
  pgsync -source postgres://app@prod/shop -target postgres://app@localhost/shop
  pgsync -source @prod.url -target env:DATABASE_URL -include \"user_*,order_*\" -exclude \"*_log\"
  pgsync -config pgsync.json -max-delete 20% -json
  pgsync schema -config pgsync.json";
