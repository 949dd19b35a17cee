//! The command line, and what it takes from the machine: variables and files. Decides nothing about
//! values; `config` does. clap is used in this module only.
//!
//! Flags are written as in Go programs, with one dash or two: `-source x`, `-source=x`,
//! `--source x`, `--source=x`, `-verbose`, `-verbose=false`.

mod flags;
mod help;
mod own;
mod reading;
mod stray;
mod verb;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

use crate::config;
use crate::config::{
    Environment, FileText, Kind, LogFormat, Needs, Output, Read, Resolved, Setting, SummaryFormat,
};
use crate::error::{Error, Result};
use crate::mask_preview::PreviewSettings;
use crate::status::{PruneFlags, PruneSettings, StatusFlags, StatusSettings};
use crate::verify::{VerifyFlags, VerifySettings};
use verb::Verb;

/// What a command line asks for, with the settings of that.
#[derive(Debug)]
pub enum Command {
    /// Sync.
    Sync(Resolved),
    /// Print what a sync would change in the target's definitions.
    Schema(Resolved),
    /// Compare all rows; with warnings about the configuration.
    Verify(VerifySettings, Vec<String>),
    /// Print how the tables stand; with warnings about the configuration.
    Status(StatusSettings, Vec<String>),
    /// Delete old rows of the log; with warnings about the configuration.
    LogPrune(PruneSettings, Vec<String>),
    /// Print masks for what looks personal on the source; the target is none.
    MaskSuggest(Resolved),
    /// Check rules and masks.
    MaskCheck(Resolved),
    /// Print masked rows; with warnings about the configuration. The target is none.
    MaskPreview(PreviewSettings, Vec<String>),
    /// To be printed on stdout as it is, exit status 0.
    Text(String),
    /// Help, or a table of settings: the same, with lines as wide as the terminal.
    Prose(String),
}

/// Reads the command line (program name first), the environment and the files that they name.
/// Fails with [`Error::Config`] only.
pub fn parse(argv: impl Iterator<Item = OsString>) -> Result<Command> {
    let mut variables = variables(std::env::vars_os().collect())?;
    // Cron and containers set neither USER nor LOGNAME; like psql, ask the system who runs this.
    if !["USER", "LOGNAME"].iter().any(|name| variables.contains_key(*name))
        && let Ok(user) = whoami::username()
    {
        variables.insert("USER".to_owned(), user);
    }
    parse_in(argv, &Environment { variables, read: &read_file })
}

/// What a command line that may be wrong asks for on stdout: with flags, or variables.
pub fn asked_output(argv: impl Iterator<Item = OsString>) -> Output {
    let texts = readable(argv);
    let given = |setting: Setting| given(&texts, setting);
    let is_on = |setting| config::is_on(&given(setting));
    let summary = match Verb::named(&texts) {
        // What other commands print is no page of a job.
        Verb::Sync => config::summary_format(&given(Setting::Summary)).unwrap_or_default(),
        _ => SummaryFormat::default(),
    };
    Output { json: is_on(Setting::Json), quiet: is_on(Setting::Quiet), verbose: false, summary }
}

/// The form of log lines that such a command line asks for.
pub fn asked_log_format(argv: impl Iterator<Item = OsString>) -> LogFormat {
    config::log_format(&given(&readable(argv), Setting::LogFormat)).unwrap_or_default()
}

fn readable(argv: impl Iterator<Item = OsString>) -> Vec<String> {
    argv.skip(1).filter_map(|text| text.into_string().ok()).collect()
}

/// What a flag or its variable says; nothing where neither does.
fn given(texts: &[String], setting: Setting) -> String {
    let variable = || std::env::var(setting.variable()).ok();
    asked(texts, setting).or_else(variable).unwrap_or_default()
}

/// The value of a flag, wherever it stands; `true` of a switch without one.
fn asked(texts: &[String], setting: Setting) -> Option<String> {
    let is_flag = |text: &str| {
        let name = text.strip_prefix("--").or_else(|| text.strip_prefix('-'));
        name == Some(setting.flag())
    };
    let place =
        texts.iter().rposition(|text| is_flag(text.split('=').next().unwrap_or_default()))?;
    match texts[place].split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None if setting.kind() == Kind::Switch => Some("true".to_owned()),
        None => texts.get(place + 1).cloned(),
    }
}

fn parse_in(argv: impl Iterator<Item = OsString>, environment: &Environment) -> Result<Command> {
    let texts = helped(texts(argv)?)?;
    // Words without a dash come first, and name the command.
    let verb = Verb::named(&texts);
    let words = verb.words().len();
    let is_operand = |text: &&String| verb.takes_table() && !text.starts_with('-');
    let table = texts.get(words).filter(is_operand).cloned();
    let words = words + usize::from(table.is_some());
    if let Some(problem) = stray::misspelt(&texts[words..]) {
        return Err(Error::Config(vec![problem]));
    }
    let flags = match flags::read(verb, texts[words..].to_vec())? {
        flags::Asked::Text(text) => return Ok(Command::Prose(text)),
        flags::Asked::Flags(flags) => flags,
    };
    Ok(match verb {
        Verb::Sync => Command::Sync(config::resolve(flags, environment)?),
        Verb::Schema => Command::Schema(config::resolve(flags, environment)?),
        Verb::Verify => {
            let read =
                config::resolve_with(flags, environment, Needs::BothSides, VerifyFlags::read);
            let Read { resolved: Resolved { settings, warnings }, own, .. } = read?;
            Command::Verify(own.with(settings), warnings)
        }
        Verb::Status => {
            let read = config::resolve_with(flags, environment, Needs::Target, StatusFlags::read);
            let Read { resolved: Resolved { settings, warnings }, own, .. } = read?;
            Command::Status(own.with(settings), warnings)
        }
        Verb::LogPrune => {
            let read = config::resolve_with(flags, environment, Needs::Target, PruneFlags::read);
            let Read { resolved: Resolved { settings, warnings }, own, .. } = read?;
            Command::LogPrune(own.with(settings), warnings)
        }
        Verb::ConfigShow => Command::Prose(config::show(flags, environment, table.as_deref())?),
        Verb::ConfigSchema => Command::Text(config::json_schema()),
        Verb::MaskSuggest => {
            let read = config::resolve_with(flags, environment, Needs::Source, |_| ());
            Command::MaskSuggest(read?.resolved)
        }
        Verb::MaskCheck => Command::MaskCheck(config::resolve(flags, environment)?),
        Verb::MaskPreview => {
            let read =
                config::resolve_with(flags, environment, Needs::Source, PreviewSettings::limit);
            let Read { resolved: Resolved { settings: base, warnings }, own: limit, .. } = read?;
            Command::MaskPreview(PreviewSettings { base, table, limit }, warnings)
        }
    })
}

/// `help COMMAND` as `COMMAND -help`, and the help of a command by its first word, where that is one command's.
///
/// # Errors
/// The word after `help` names none.
fn helped(mut texts: Vec<String>) -> Result<Vec<String>> {
    if texts.first().is_some_and(|first| first == "help") {
        texts.remove(0);
        let words: Vec<&str> = Verb::ALL.iter().flat_map(|verb| verb.words()).copied().collect();
        let unknown = |text: &&String| !text.starts_with('-') && !words.contains(&text.as_str());
        if let Some(word) = texts.first().filter(unknown) {
            return Err(Error::Config(vec![stray::without_help(word)]));
        }
        texts.push("-help".to_owned());
    }
    let is_help = |text: &String| matches!(text.as_str(), "-h" | "-help" | "--help");
    if texts.len() == 2 && is_help(&texts[1]) {
        let begins = |verb: &&Verb| verb.words().first() == Some(&texts[0].as_str());
        let begun: Vec<&Verb> = Verb::ALL.iter().filter(begins).collect();
        if let [verb] = begun.as_slice() {
            let rest = verb.words().iter().skip(1).map(|word| (*word).to_owned());
            let rest: Vec<String> = rest.collect();
            texts.splice(1..1, rest);
        }
    }
    Ok(texts)
}

/// The arguments without the program's name. One that is no text is named by its number: what it
/// says may be a password.
fn texts(argv: impl Iterator<Item = OsString>) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut problems = Vec::new();
    for (number, argument) in argv.enumerate().skip(1) {
        match argument.into_string() {
            Ok(text) => texts.push(text),
            Err(_) => problems.push(format!("argument {number} is not valid UTF-8")),
        }
    }
    if problems.is_empty() { Ok(texts) } else { Err(Error::Config(problems)) }
}

/// The environment. A variable of ours or libpq's that is no text is a problem, others are nothing
/// to us.
fn variables(all: BTreeMap<OsString, OsString>) -> Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, value) in all {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => drop(variables.insert(name, value)),
            (Ok(name), Err(_)) if name.starts_with("PG") => {
                problems.push(format!("variable {name} is not valid UTF-8"));
            }
            _ => {}
        }
    }
    if problems.is_empty() { Ok(variables) } else { Err(Error::Config(problems)) }
}

fn read_file(name: &str) -> Result<Option<FileText>, String> {
    let content = std::fs::metadata(name).and_then(|data| Ok((mode(&data), std::fs::read(name)?)));
    match content {
        Ok((mode, bytes)) => {
            let text = String::from_utf8(bytes).map_err(|_| "it is not valid UTF-8".to_owned())?;
            Ok(Some(FileText { text, mode }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(without_number(&error)),
    }
}

/// `Permission denied`, without the `(os error 13)` that Rust adds.
fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(unix)]
fn mode(data: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&data.permissions())
}

/// Permission bits are a Unix notion; elsewhere nothing is said about them.
#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> u32 {
    0o600
}

#[cfg(test)]
mod tests;
