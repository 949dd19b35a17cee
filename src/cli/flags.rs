//! The flags as clap knows them. Values stay texts: `config` reads them beside those of the
//! environment and the config file, so that all problems come at once.

use std::collections::BTreeMap;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, Command};

use super::help::heading;
use super::reading;
use super::stray;
use super::stray::Stray;
use super::verb::Verb;
use crate::config::{Flags, Setting, misspelt};
use crate::error::{Error, Result};

/// What clap makes of the arguments.
pub(super) enum Asked {
    Text(String),
    Flags(Flags),
}

// No `Debug`: connection strings hold passwords. Switches are texts too: `-verbose=false`.
// The first line of a flag's comment is for `-h`, the whole of it for `-help`. `-h` leaves out what
// few people need. Values are read by the flag's name, for each command has its own of these.
#[derive(Args)]
struct Arguments {
    /// Read from this database: a URL, key=value string, env:NAME or @FILE
    ///
    /// Or from a SQLite file: sqlite:///path/app.db.
    #[arg(long, help_heading = heading::CONNECTION, value_name = "URL")]
    source: Option<String>,
    /// Write to this database (same forms)
    #[arg(long, help_heading = heading::CONNECTION, value_name = "URL")]
    target: Option<String>,
    /// Read settings from this JSON file [default: none]
    ///
    /// config.example.json has every key. Flags and PGSYNC_* variables win over the file.
    #[arg(long, help_heading = heading::CONNECTION, value_name = "FILE")]
    config: Option<String>,
    /// Sync the tables of these schemas, names or patterns [default: public]
    #[arg(long, help_heading = heading::SELECTION, value_name = "LIST")]
    schema: Vec<String>,
    /// Sync only tables with these names or patterns [default: all]
    #[arg(long, help_heading = heading::SELECTION, value_name = "LIST")]
    include: Vec<String>,
    /// Skip tables with these names or patterns; wins over -include [default: none]
    #[arg(long, help_heading = heading::SELECTION, value_name = "LIST")]
    exclude: Vec<String>,
    /// Set one rule of a table: TABLE.KEY=VALUE [default: none]
    ///
    /// For example -set "orders.where=created_at > now() - interval '90 days'". It counts more
    /// than everything else that speaks of the table. Repeat the flag for more rules.
    #[arg(long, verbatim_doc_comment, help_heading = heading::SELECTION, value_name = "RULE")]
    set: Vec<String>,
    /// Find changed rows by this column [default: updated_at]
    ///
    /// Every change of a row has to set it. Tables without it are compared by digests.
    #[arg(long, help_heading = heading::CHANGES, value_name = "COLUMN")]
    timestamp: Option<String>,
    /// Read timestamps of a SQLite file as TABLE.COLUMN=FORM says [default: by value]
    ///
    /// FORM is unix, unixms, unixus, unixns, julian, apple, webkit, ticks or text.
    #[arg(long, verbatim_doc_comment, help_heading = heading::CHANGES, value_name = "LIST", hide_short_help = true)]
    timestamps: Vec<String>,
    /// Of a SQLite file's rows that do not fit: fail, skip [default: fail]
    ///
    /// The target cannot hold a value of such a row. fail: its table fails. skip: the row is left
    /// out, the rest arrives, and the exit status is 1.
    #[arg(long, verbatim_doc_comment, help_heading = heading::CHANGES, value_name = "WHAT", hide_short_help = true)]
    bad_rows: Option<String>,
    /// List such rows in this file, one JSON object per line [default: none]
    ///
    /// It is written when the run ends. Bad values themselves are in it with -verbose only.
    #[arg(long, verbatim_doc_comment, help_heading = heading::CHANGES, value_name = "FILE", hide_short_help = true)]
    rejects: Option<String>,
    /// Read again from this long before the newest timestamp [default: 30s]
    ///
    /// The newest timestamp is that of the last run. The default is 26h for a column of type
    /// timestamp and 2 days for a date, because the time zones of their writers are unknown.
    /// Where all of them write UTC, 30s is enough. A value that you give counts for every type.
    /// From 0s to 30d.
    #[arg(long, verbatim_doc_comment, help_heading = heading::CHANGES, value_name = "TIME", allow_hyphen_values = true)]
    overlap: Option<String>,
    /// Compare all rows of every table, and trust no timestamp [default: off]
    #[arg(long, help_heading = heading::CHANGES, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    reconcile: Option<String>,
    /// Prove a part of each table in each run, such as 1/7 [default: off]
    ///
    /// After seven runs every row has been proven to be equal on both sides. What differs is
    /// repaired, and a warning names its keys. sync_log remembers which part is next.
    #[arg(long, verbatim_doc_comment, help_heading = heading::CHANGES, value_name = "1/N")]
    scrub: Option<String>,
    /// Count what a run would change, and change nothing [default: off]
    #[arg(long, help_heading = heading::SAFETY, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dry_run: Option<String>,
    /// Refuse to delete more of a table: 20%, or a row count [default: off]
    ///
    /// Nothing of a table that would lose more is changed. The other tables go on, and the exit
    /// status is 5.
    #[arg(long, verbatim_doc_comment, help_heading = heading::SAFETY, value_name = "LIMIT", allow_hyphen_values = true)]
    max_delete: Option<String>,
    /// Keep rows that no longer exist on the source [default: off]
    ///
    /// A table without a key fails if it differs.
    #[arg(long, help_heading = heading::SAFETY, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_deletes: Option<String>,
    /// Continue where a safety check refuses [default: off]
    #[arg(long, help_heading = heading::SAFETY, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    force: Option<String>,
    /// Create what the target lacks: additive, none or reset [default: additive]
    ///
    /// additive  creates missing tables, columns, indexes and more
    /// none      changes no definition, and names what is missing
    /// reset     also rebuilds tables whose columns or key differ
    #[arg(long, verbatim_doc_comment, help_heading = heading::SCHEMA, value_name = "MODE")]
    ddl: Option<String>,
    /// Give the one schema that is synced this name on the target [default: the same]
    #[arg(long, help_heading = heading::SCHEMA, value_name = "NAME", hide_short_help = true)]
    target_schema: Option<String>,
    /// Print only warnings and errors [default: off]
    ///
    /// The summary is left out too.
    #[arg(long, help_heading = heading::OUTPUT, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    quiet: Option<String>,
    /// Print more log lines, and details of errors [default: off]
    ///
    /// Details can hold values of rows.
    #[arg(long, help_heading = heading::OUTPUT, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    verbose: Option<String>,
    /// Print one JSON object instead of the summary [default: off]
    #[arg(long, help_heading = heading::OUTPUT, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    json: Option<String>,
    /// Show per table how far the target is behind [default: off]
    ///
    /// From the newest timestamp of the target to that of the source by now. An index on the
    /// column makes that cheap. Only for this, `pgsync status` needs the source.
    #[arg(long, verbatim_doc_comment, help_heading = heading::OUTPUT, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_short_help = true)]
    lag: Option<String>,
    /// Print the summary as text, or as markdown: for the page of a CI job [default: text]
    #[arg(long, help_heading = heading::OUTPUT, value_name = "FORMAT", hide_short_help = true)]
    summary: Option<String>,
    /// Print log lines as text, or as json: one object per line [default: text]
    #[arg(long, help_heading = heading::OUTPUT, value_name = "FORMAT", hide_short_help = true)]
    log_format: Option<String>,
    /// Print log lines from this level on: error, warn, info, debug or trace [default: info]
    ///
    /// debug tells what -verbose does, without details of errors, and what the libraries
    /// for PostgreSQL and TLS log: of statements and notices only that there was one, for
    /// their text can hold values of rows. trace tells more of the libraries.
    #[arg(long, verbatim_doc_comment, help_heading = heading::OUTPUT, value_name = "LEVEL", hide_short_help = true)]
    log_level: Option<String>,
    /// Run again and again at this interval, until a signal [default: run once]
    ///
    /// From 0s to 30d. Runs never overlap. After a failed run the interval doubles, up to 10m.
    /// Where another run is at work, nothing is done. SIGHUP reads the configuration again.
    #[arg(long, verbatim_doc_comment, help_heading = heading::UNATTENDED, value_name = "TIME", allow_hyphen_values = true)]
    every: Option<String>,
    /// Tell this URL that a run begins, and how it ended [default: none]
    ///
    /// URL/start, URL after a success, URL/STATUS else: the form of healthchecks.io. Of a URL
    /// neither path nor query is printed. It can be env:NAME or @FILE.
    #[arg(long, verbatim_doc_comment, help_heading = heading::UNATTENDED, value_name = "URL")]
    ping: Option<String>,
    /// Send the object of -json to this URL after a run [default: none]
    #[arg(long, help_heading = heading::UNATTENDED, value_name = "URL")]
    webhook: Option<String>,
    /// Sign what the webhook is sent, with this text, env:NAME or @FILE [default: unsigned]
    ///
    /// X-Pgsync-Signature: sha256=HMAC of the body, in hexadecimal digits.
    #[arg(long, help_heading = heading::UNATTENDED, value_name = "TEXT", hide_short_help = true)]
    webhook_secret: Option<String>,
    /// Call the webhook: always, or on failure, change, recovery [default: always]
    ///
    /// change: rows were changed. recovery: the first success after failures.
    #[arg(long, help_heading = heading::UNATTENDED, value_name = "LIST", hide_short_help = true)]
    webhook_on: Vec<String>,
    /// Send json, or text: a sentence for chat programs [default: json]
    #[arg(long, help_heading = heading::UNATTENDED, value_name = "FORMAT", hide_short_help = true)]
    webhook_format: Option<String>,
    /// Write figures for Prometheus into this file after each run [default: none]
    ///
    /// Its folder is that of node_exporter's textfile collector, which reads *.prom. What the
    /// file says already is counted on.
    #[arg(long, verbatim_doc_comment, help_heading = heading::UNATTENDED, value_name = "FILE")]
    metrics: Option<String>,
    /// Give each table figures also when there are more than 500 [default: off]
    #[arg(long, help_heading = heading::UNATTENDED, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_short_help = true)]
    metrics_tables: Option<String>,
    /// With -every, answer /metrics and /healthz at this address [default: none]
    ///
    /// Such as 127.0.0.1:9187. Whoever reaches the address may ask.
    #[arg(long, help_heading = heading::UNATTENDED, value_name = "ADDRESS", hide_short_help = true)]
    listen: Option<String>,
    /// Work on this many tables at once [default: 4]
    ///
    /// From 1 to 256. A large first copy uses free places, too.
    #[arg(long, verbatim_doc_comment, help_heading = heading::ADVANCED, value_name = "N", allow_hyphen_values = true)]
    parallel: Option<String>,
    /// Write this many rows per transaction [default: 1000]
    ///
    /// From 1 to 10000000. Rows that share a timestamp stay together. A first copy is not cut
    /// into batches.
    #[arg(long, verbatim_doc_comment, help_heading = heading::ADVANCED, value_name = "ROWS", allow_hyphen_values = true)]
    batch_size: Option<String>,
    /// Retry a transient error (lost connection, deadlock, …) this often [default: 5]
    ///
    /// From 0 to 1000.
    #[arg(long, help_heading = heading::ADVANCED, value_name = "N", allow_hyphen_values = true, hide_short_help = true)]
    retries: Option<String>,
    /// Wait at most this long for a lock [default: 30s]
    ///
    /// From 1ms to 24h.
    #[arg(long, help_heading = heading::ADVANCED, value_name = "TIME", allow_hyphen_values = true, hide_short_help = true)]
    lock_timeout: Option<String>,
    /// Keep the log of runs in this table of the target [default: sync_log in the first schema]
    ///
    /// A name, or schema.name. Keep it the same: a run starts from what the log says about the
    /// last one.
    #[arg(long, verbatim_doc_comment, help_heading = heading::ADVANCED, value_name = "TABLE", hide_short_help = true)]
    log_table: Option<String>,
    /// Let the target's triggers fire for rows that are written [default: off]
    ///
    /// A table with triggers is then compared in every run, and fails if they changed its rows.
    #[arg(long, help_heading = heading::ADVANCED, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_short_help = true)]
    fire_triggers: Option<String>,
    /// Build indexes with this much memory, such as 512MB [default: the target's setting]
    #[arg(long, help_heading = heading::ADVANCED, value_name = "SIZE", hide_short_help = true)]
    maintenance_work_mem: Option<String>,
}

/// The flags that `verb` has. clap's own for help and version would stand under a heading of their own, before
/// all others.
fn command(verb: Verb) -> Command {
    let texts = verb.help();
    let own = |name: &'static str, short, action| {
        Arg::new(name).long(name).short(short).action(action).help_heading(heading::OUTPUT)
    };
    let help =
        own("help", 'h', ArgAction::Help).help("Print a short help (-h), or all of it (-help)");
    let version = own("version", 'V', ArgAction::Version).help("Print the version");
    let settings = Arguments::augment_args(Command::new("pgsync"));
    let known = Setting::all().filter(|setting| verb.knows(*setting)).map(Setting::flag);
    let known: Vec<&str> = known.chain(verb.knows_more().iter().copied()).collect();
    let is_known = |arg: &&Arg| arg.get_long().is_some_and(|flag| known.contains(&flag));
    let unused = Setting::all().filter(|setting| !verb.uses(*setting)).map(Setting::flag);
    let unused: Vec<&str> = unused.collect();
    let shown = |arg: &Arg| {
        let is_unused = arg.get_long().is_some_and(|flag| unused.contains(&flag));
        arg.clone().hide(is_unused)
    };
    let command = Command::new("pgsync")
        .version(env!("CARGO_PKG_VERSION"))
        .about(texts.about)
        .override_usage(texts.usage)
        .after_help(texts.short)
        .after_long_help(texts.long)
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(settings.get_arguments().filter(is_known).map(shown));
    let command = reading::worded(verb, command);
    verb.own_flags(command).arg(help).arg(version)
}

/// Reads the arguments after the command's words.
pub(super) fn read(verb: Verb, arguments: Vec<String>) -> Result<Asked> {
    let arguments = normalise(arguments);
    let mut rest = arguments.clone();
    let mut problems = Vec::new();
    loop {
        // `pgsync` itself comes first: clap takes the first argument for the program's name.
        let argv = std::iter::once("pgsync".to_owned()).chain(rest.iter().cloned());
        let error = match command(verb).try_get_matches_from(argv) {
            Ok(mut read) if problems.is_empty() => {
                return Ok(Asked::Flags(settings(verb, &mut read)));
            }
            Ok(_) => return Err(Error::Config(problems)),
            Err(error) => error,
        };
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return Ok(Asked::Text(as_documented(&error.to_string())));
        }
        problems.push(problem(verb, &error, &arguments));
        // clap names the first problem only: it is asked again without it.
        match without_unknown(&rest, &error) {
            Some(others) => rest = others,
            None => return Err(Error::Config(problems)),
        }
    }
}

/// The arguments without the unknown flag that an error is about, and without what looks like its value.
fn without_unknown(arguments: &[String], error: &clap::Error) -> Option<Vec<String>> {
    let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument || !named.starts_with('-') {
        return None;
    }
    let is_named = |text: &String| text.split('=').next() == named.split('=').next();
    let place = arguments.iter().position(is_named)?;
    let has_value = !arguments[place].contains('=')
        && arguments.get(place + 1).is_some_and(|next| !next.starts_with('-'));
    let mut others = arguments.to_vec();
    others.drain(place..=place + usize::from(has_value));
    Some(others)
}

/// What flags of other programs are called here.
const OTHERS: [(&str, &str); 12] = [
    ("-table", "-include"),
    ("-tables", "-include"),
    ("-only", "-include"),
    ("-from", "-source"),
    ("-src", "-source"),
    ("-to", "-target"),
    ("-dest", "-target"),
    ("-dst", "-target"),
    ("-jobs", "-parallel"),
    ("-clean", "-ddl reset"),
    ("-drop", "-ddl reset"),
    ("-watch", "-every"),
];

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
fn problem(verb: Verb, error: &clap::Error, arguments: &[String]) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let named = context(ContextKind::InvalidArg).unwrap_or_default();
    let flag = as_documented(named.split(['=', ' ', '[']).next().unwrap_or_default());
    match error.kind() {
        ErrorKind::UnknownArgument if named.starts_with('-') => {
            let other = OTHERS.iter().find(|(name, _)| *name == flag).map(|(_, own)| (*own).into());
            let suggested = || context(ContextKind::SuggestedArg).map(as_documented);
            let did_you_mean = |flag: String| format!("; did you mean {flag}?");
            let near = other.map(did_you_mean);
            let near = near.or_else(|| misspelt::flag(flag.trim_start_matches('-')));
            let near = near.or_else(|| suggested().map(did_you_mean));
            let elsewhere = || elsewhere(verb, &flag);
            let see = || format!("; see {} -help", verb.title());
            format!("unknown flag {flag}{}", elsewhere().or(near).unwrap_or_else(see))
        }
        ErrorKind::UnknownArgument => {
            let place = arguments.iter().position(|argument| argument == named).unwrap_or(0);
            let before = |count: usize| arguments.get(place.checked_sub(count)?);
            stray::value(Stray {
                verb,
                number: place + 1 + verb.words().len(),
                word: arguments.get(place).map(String::as_str).unwrap_or_default(),
                before: before(1).map(|text| with_one_dash(text)),
                flag: before(2).map(|text| with_one_dash(text)),
            })
        }
        ErrorKind::InvalidValue => format!("{flag} needs a value"),
        kind => format!("{flag}: {kind}"),
    }
}

fn with_one_dash(text: &str) -> &str {
    if text.starts_with("--") { &text[1..] } else { text }
}

/// What to say of a flag that other commands have.
fn elsewhere(verb: Verb, flag: &str) -> Option<String> {
    let name = flag.trim_start_matches('-');
    let has = |other: &&Verb| {
        **other != verb && command(**other).get_arguments().any(|arg| arg.get_long() == Some(name))
    };
    let owner = match Verb::ALL.iter().find(has)? {
        Verb::Sync => "runs".to_owned(),
        other => other.title(),
    };
    Some(format!(" of {}: it is a flag of {owner}; see {} -help", verb.title(), verb.title()))
}

/// Whether clap's name of a flag is that of none that other commands have.
fn is_own(id: &str) -> bool {
    let flag = id.replace('_', "-");
    let is_setting = Setting::all().any(|setting| setting.flag() == flag);
    !is_setting && !["config", "set", "help", "version"].contains(&id)
}

/// The values of the flags that are settings, `-config`, and the command's own.
fn settings(verb: Verb, read: &mut ArgMatches) -> Flags {
    let mut given = |flag: &str| -> Vec<String> {
        // A command that does not have the flag was given none.
        let values = read.try_remove_many(&flag.replace('-', "_")).ok().flatten();
        values.map(Iterator::collect).unwrap_or_default()
    };
    let known = Setting::all().filter(|setting| verb.knows(*setting));
    let values = known.map(|setting| (setting, given(setting.flag())));
    let values = values.filter(|(_, values)| !values.is_empty()).collect();
    let (config, set) = (given("config").pop(), given("set"));
    let command = command(verb);
    let ids = command.get_arguments().map(Arg::get_id).filter(|id| is_own(id.as_str()));
    let mut own = BTreeMap::new();
    for id in ids {
        let value: Option<String> = read.remove_one(id.as_str());
        own.extend(value.map(|value| (id.as_str().replace('_', "-"), value)));
    }
    Flags { values, config, set, own }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_flag_and_every_flag_says_its_default() {
        let command = command(Verb::Sync);
        let flags: Vec<&str> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        for setting in Setting::all() {
            assert!(flags.contains(&setting.flag()), "{setting:?}");
        }
        for argument in command.get_arguments() {
            let flag = argument.get_long().unwrap_or_default();
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let has_no_default = ["source", "target", "help", "version"].contains(&flag);
            assert!(has_no_default || help.contains("[default: "), "{flag}: {help}");
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
