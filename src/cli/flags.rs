//! The flags as clap knows them. Values stay texts: `config` reads them beside those of the
//! environment and the config file, so that all problems come at once.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser};

use crate::config::{Flags, Setting};
use crate::error::{Error, Result};

/// What clap makes of the arguments.
pub enum Asked {
    Text(String),
    Run(Flags),
}

// No `Debug`: connection strings hold passwords. Switches are texts too: `-verbose=false`.
#[derive(Parser)]
#[command(
    name = "pgsync",
    version,
    about = "Brings a PostgreSQL database in step with another: one way, in parallel, \
             incrementally, exactly.",
    override_usage = "pgsync -source URL -target URL [flags]\n       pgsync -config FILE [flags]\n       pgsync schema -source URL -target URL [flags]",
    after_help = AFTER_HELP,
    args_override_self = true,
    next_line_help = false
)]
struct Arguments {
    /// Database to read: URL, key=value string, env:NAME, or @FILE that holds it
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// Database to bring in step, written alike
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Schemas to sync [default: public]
    #[arg(long, value_name = "LIST")]
    schema: Vec<String>,
    /// Only tables with these names or patterns [default: all]
    #[arg(long, value_name = "LIST")]
    include: Vec<String>,
    /// Not these tables; wins over -include [default: none]
    #[arg(long, value_name = "LIST")]
    exclude: Vec<String>,
    /// Column that every change of a row sets [default: updated_at]
    #[arg(long, value_name = "COLUMN")]
    timestamp: Option<String>,
    /// Tables worked on at once, 1 to 256 [default: 4]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    parallel: Option<String>,
    /// Rows per transaction [default: 1000]
    #[arg(long, value_name = "ROWS", allow_hyphen_values = true)]
    batch_size: Option<String>,
    /// Compare every table whole, whatever its timestamps say [default: off]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    reconcile: Option<String>,
    /// How far before the last timestamp the next run reads again, for columns of every type [default:
    /// 30s; 26h for timestamp without time zone, 2 days for date, because the clocks of writers in several
    /// zones differ: where all write UTC, 30s does]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    overlap: Option<String>,
    /// Leave rows that vanished from the source [default: off]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_deletes: Option<String>,
    /// Refuse to delete more of a table: a share such as 20%, or rows [default: off]
    #[arg(long, value_name = "LIMIT", allow_hyphen_values = true)]
    max_delete: Option<String>,
    /// Count what a run would change, and change nothing [default: off]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dry_run: Option<String>,
    /// Go on where a safety rail refuses (exit status 5) [default: off]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    force: Option<String>,
    /// Let the target's triggers fire for synced rows [default: off]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    fire_triggers: Option<String>,
    /// Times a passing fault (lost connection, deadlock, …) is tried again [default: 5]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    retries: Option<String>,
    /// Longest wait for a lock [default: 30s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    lock_timeout: Option<String>,
    /// Table of the log of runs [default: sync_log in the first schema]
    #[arg(long, value_name = "TABLE")]
    log_table: Option<String>,
    /// What is missing on the target: additive makes it, none names it, reset also builds tables anew
    /// whose columns or key differ [default: additive]
    #[arg(long, value_name = "MODE")]
    ddl: Option<String>,
    /// Name on the target of the one schema that is synced [default: the same]
    #[arg(long, value_name = "NAME")]
    target_schema: Option<String>,
    /// Memory for building an index, such as 512MB [default: the target's setting]
    #[arg(long, value_name = "SIZE")]
    maintenance_work_mem: Option<String>,
    /// Print one JSON object in place of the summary [default: off]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    json: Option<String>,
    /// No progress and no log lines but warnings and errors [default: off]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    quiet: Option<String>,
    /// More log lines, and details of errors [default: off]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    verbose: Option<String>,
    /// JSON file with settings; see config.example.json [default: none]
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
}

const AFTER_HELP: &str = "\
A flag takes one dash or two, and its value after a blank or =. A LIST has commas, or the flag is
repeated. Patterns know * ? [a-z] [!x]; schema.table names a table of one schema; an exact name
wins over a pattern. A TIME is 30s, 5m, 1h30m, 500ms or a number of seconds.

A flag counts before its variable (PGSYNC_SOURCE, PGSYNC_BATCH_SIZE, …), that before the config
file, that before the default. Connection strings are what psql takes; PG* variables, ~/.pgpass
and service files fill in what they leave open. A password is best kept out of the command line,
where other users of the machine can see it: use ~/.pgpass, PGSYNC_SOURCE, env:NAME or @FILE.

`pgsync schema` prints the statements by which a run would make what is missing on the target, in
order, runs none of them, and exits 1 if there are any.

Exit status:
  0        every selected table is in step
  1        a table failed, or the run could not proceed
  2        wrong usage or configuration
  4        another run is at work on these tables
  5        a safety rail refused: nothing was changed, or with -max-delete nothing of that table
  130/143  stopped by SIGINT or SIGTERM

Examples:
  pgsync -source postgres://app@prod/shop -target postgres://app@localhost/shop
  pgsync -source @prod.url -target env:DATABASE_URL -include \"user_*,order_*\" -exclude \"*_log\"
  pgsync -config config.json -dry-run";

/// Reads the arguments after the program's name.
pub fn read(arguments: Vec<String>) -> Result<Asked> {
    let arguments = normalise(arguments);
    // `pgsync` itself comes first: clap takes the first argument for the program's name.
    let argv = std::iter::once("pgsync".to_owned()).chain(arguments.iter().cloned());
    let read = Arguments::command()
        .try_get_matches_from(argv)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    match read {
        Ok(read) => Ok(Asked::Run(read.into_flags())),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Asked::Text(as_documented(&error.to_string())))
            }
            _ => Err(Error::Config(vec![problem(&error, &arguments)])),
        },
    }
}

/// Makes `-name` and `-name=x` what clap expects, `--name`. A number such as `-5` is a value.
fn normalise(arguments: Vec<String>) -> Vec<String> {
    let is_single = |text: &str| match text.as_bytes() {
        [b'-', first, _, ..] => first.is_ascii_alphabetic(),
        _ => false,
    };
    arguments
        .into_iter()
        .map(|text| if is_single(&text) { format!("-{text}") } else { text })
        .collect()
}

/// Flags are documented with one dash.
fn as_documented(help: &str) -> String {
    help.replace("--", "-")
}

/// clap's error in our words; a value is never shown.
fn problem(error: &clap::Error, arguments: &[String]) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let named = context(ContextKind::InvalidArg).unwrap_or_default();
    let flag = as_documented(named.split(['=', ' ', '[']).next().unwrap_or_default());
    match error.kind() {
        ErrorKind::UnknownArgument if named.starts_with('-') => {
            let near = context(ContextKind::SuggestedArg).map(as_documented);
            let near = near.map(|flag| format!("; did you mean {flag}?"));
            format!("unknown flag {flag}{}", near.unwrap_or_else(|| "; see pgsync -help".into()))
        }
        ErrorKind::UnknownArgument => {
            let place = arguments.iter().position(|argument| argument == named).unwrap_or(0) + 1;
            format!(
                "argument {place} belongs to no flag; a value follows its flag, as in -source URL, \
                 and a switch is turned off as in -verbose=false"
            )
        }
        ErrorKind::InvalidValue => format!("{flag} needs a value"),
        kind => format!("{flag}: {kind}"),
    }
}

impl Arguments {
    fn into_flags(self) -> Flags {
        let single = [
            (Setting::Source, self.source),
            (Setting::Target, self.target),
            (Setting::Timestamp, self.timestamp),
            (Setting::Parallel, self.parallel),
            (Setting::BatchSize, self.batch_size),
            (Setting::Verbose, self.verbose),
            (Setting::Reconcile, self.reconcile),
            (Setting::Overlap, self.overlap),
            (Setting::Deletes, self.no_deletes),
            (Setting::Quiet, self.quiet),
            (Setting::Json, self.json),
            (Setting::DryRun, self.dry_run),
            (Setting::Force, self.force),
            (Setting::FireTriggers, self.fire_triggers),
            (Setting::MaxDelete, self.max_delete),
            (Setting::Retries, self.retries),
            (Setting::LockTimeout, self.lock_timeout),
            (Setting::LogTable, self.log_table),
            (Setting::Ddl, self.ddl),
            (Setting::TargetSchema, self.target_schema),
            (Setting::MaintenanceWorkMem, self.maintenance_work_mem),
        ];
        let lists = [
            (Setting::Schema, self.schema),
            (Setting::Include, self.include),
            (Setting::Exclude, self.exclude),
        ];
        let single = single.into_iter().map(|(setting, value)| (setting, Vec::from_iter(value)));
        let values = single.chain(lists).filter(|(_, values)| !values.is_empty()).collect();
        Flags { values, config: self.config }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_flag_and_every_flag_says_its_default() {
        let command = Arguments::command();
        let flags: Vec<&str> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        for setting in Setting::all() {
            assert!(flags.contains(&setting.flag()), "{setting:?}");
        }
        for argument in command.get_arguments() {
            let flag = argument.get_long().unwrap_or_default();
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let is_needed = ["source", "target"].contains(&flag);
            assert!(is_needed || help.contains("[default: "), "{flag}: {help}");
        }
    }

    #[test]
    fn a_dash_is_added_to_single_dash_flags_only() {
        let cases = [
            ("-source", "--source"),
            ("-source=-x", "--source=-x"),
            ("--source", "--source"),
            ("-h", "-h"),
            ("-5", "-5"),
            ("-", "-"),
            ("--", "--"),
            ("-é=", "-é="),
            ("x-y", "x-y"),
        ];
        for (written, expected) in cases {
            assert_eq!(normalise(vec![written.into()]), [expected]);
        }
    }
}
