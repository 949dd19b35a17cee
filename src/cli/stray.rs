//! Words of a command line that name no command and follow no flag, and what to type in their place.
//!
//! A word may be a connection string with a password, or a part of one: only what can be neither is shown.

use super::verb::Verb;
use crate::config::{Setting, is_switch};
use crate::suggest;

/// What commands of other programs are here.
struct Foreign {
    words: &'static [&'static str],
    remedy: &'static str,
}

const FOREIGN: [Foreign; 7] = [
    Foreign {
        words: &[
            "sync",
            "run",
            "start",
            "copy",
            "clone",
            "pull",
            "push",
            "replicate",
            "migrate",
            "load",
        ],
        remedy: "to sync, leave the word out: pgsync -source URL -target URL",
    },
    Foreign {
        words: &["diff", "compare", "equal", "test"],
        remedy: "pgsync verify compares all rows: pgsync verify -source URL -target URL",
    },
    Foreign {
        words: &["check", "validate", "lint"],
        remedy: "pgsync verify compares all rows, and pgsync mask check looks at the configuration",
    },
    Foreign {
        words: &["plan", "dry-run", "preview"],
        remedy: "to count what a run would change: pgsync -source URL -target URL -dry-run",
    },
    Foreign {
        words: &["ddl", "dump", "structure", "init"],
        remedy: "pgsync schema prints what the target lacks: pgsync schema -source URL -target URL",
    },
    Foreign {
        words: &["watch", "daemon", "serve"],
        remedy: "to run again and again: pgsync -source URL -target URL -every 5m",
    },
    Foreign { words: &["version"], remedy: "pgsync -version prints the version" },
];

/// What is wrong with a first word that names no command, if it is meant for one.
pub(super) fn misspelt(texts: &[String]) -> Option<String> {
    let first = texts.first().filter(|first| !first.starts_with('-'))?;
    let whole = Verb::ALL.iter().filter(|verb| verb.words().first() == Some(&first.as_str()));
    let whole: Vec<String> = whole.map(|verb| verb.title()).collect();
    if !whole.is_empty() {
        return Some(format!("the commands that begin with {first} are {}", whole.join(", ")));
    }
    if let Some(remedy) = foreign(first) {
        return Some(format!("\"{first}\" is no command; {remedy}"));
    }
    let near = near(first)?;
    Some(format!("the first word is no command; did you mean pgsync {near}? See pgsync help"))
}

/// What is wrong with `help WORD` where the word names no command.
pub(super) fn without_help(word: &str) -> String {
    let shown = if is_plain(word) { format!(" \"{word}\"") } else { String::new() };
    let remedy = foreign(word).map(str::to_owned).or_else(|| {
        let near = near(word)?;
        Some(format!("did you mean pgsync help {near}?"))
    });
    let remedy = remedy.unwrap_or_else(|| format!("the commands are {}", titles()));
    format!("help: there is no command{shown}; {remedy}")
}

fn foreign(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    FOREIGN.iter().find(|one| one.words.contains(&word.as_str())).map(|one| one.remedy)
}

fn near(word: &str) -> Option<&'static str> {
    let titles = Verb::ALL.iter().filter_map(|verb| verb.words().first().copied());
    suggest::nearest(word, titles.chain(["help"]), 1).first().copied()
}

fn titles() -> String {
    let titles: Vec<String> = Verb::ALL.iter().skip(1).map(|verb| verb.title()).collect();
    titles.join(", ")
}

fn is_plain(word: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | ',' | '%');
    !word.is_empty() && word.len() < 64 && word.chars().all(is_plain)
}

/// Whether it names a config file, and can be no connection string.
fn is_config_file(word: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    word.len() > 5 && word.ends_with(".json") && word.chars().all(is_plain)
}

/// Where a value stands that no flag takes.
pub(super) struct Stray<'a> {
    pub verb: Verb,
    /// What people would count it as.
    pub number: usize,
    pub word: &'a str,
    /// The argument before it; flags have one dash.
    pub before: Option<&'a str>,
    /// The argument before that.
    pub flag: Option<&'a str>,
}

/// What to say of a value that no flag takes.
pub(super) fn value(stray: Stray) -> String {
    let Stray { verb, number, word, before, .. } = stray;
    let is_file = is_config_file(word);
    let is_shown = is_plain(word) || is_file;
    let shown = if is_shown { format!(" (\"{word}\")") } else { String::new() };
    let is_command = |verb: &&Verb| verb.words().first() == Some(&word);
    let command = Verb::ALL.iter().find(is_command).map(|verb| verb.title());
    let switch = before.filter(|before| before.starts_with('-') && is_switch(word));
    let remedy = match before {
        _ if command.is_some() => {
            format!("a command comes first, before all flags: {}", command.unwrap_or_default())
        }
        _ if looks_like_connection(word) => {
            "a connection string follows its flag: pgsync -source URL -target URL".to_owned()
        }
        _ if is_file && verb.knows_more().contains(&"config") => {
            format!("a config file follows its flag: {} -config {word}", verb.title())
        }
        Some(_) if verb.takes_table() => {
            format!("the table comes before the flags: {} TABLE [flags]", verb.title())
        }
        None if is_plain(word) => {
            format!("the commands are {}; a sync is pgsync -source URL -target URL", titles())
        }
        Some(before) if before.ends_with(',') || word.starts_with(',') => {
            "a list has no blanks, or stands in quotes: -include \"users, orders\"".to_owned()
        }
        _ => match (switch, stray.joined(), stray.rule()) {
            (Some(flag), ..) => format!("write {flag}={word}"),
            (None, Some(joined), _) => format!("a value has no blanks: {joined}"),
            (None, None, Some(rule)) => {
                format!("a rule and its value are joined by =: -set {rule}={word}")
            }
            (None, None, None) if stray.continues_a_list() => {
                let flag = stray.flag.unwrap_or_default();
                format!(
                    "a list has commas: {flag} …,{word}; a name with a space stands in quotes: {flag} \"… {word}\""
                )
            }
            (None, None, None) if is_plain(word) && verb.knows(Setting::Include) => format!(
                "a table is named after its flag: -include {word}; other values follow their flags, too"
            ),
            (None, None, None) => {
                "a value follows its flag, as in -source URL, and a switch is turned off as in \
                             -verbose=false; patterns stand in quotes: -include 'order*'"
                    .to_owned()
            }
        },
    };
    format!("argument {number}{shown} belongs to no flag; {remedy}")
}

/// Units that people write behind a blank.
const UNITS: [&str; 13] =
    ["%", "ms", "s", "m", "h", "d", "sec", "min", "kB", "MB", "GB", "TB", "rows"];

impl Stray<'_> {
    /// The rule before it, to which no value was given.
    fn rule(&self) -> Option<&str> {
        let is_rule = |text: &&str| text.contains('.') && is_plain(&text.replace('.', ""));
        self.before.filter(|_| self.flag == Some("-set")).filter(is_rule)
    }

    /// Whether it stands behind a name of a list of names.
    fn continues_a_list(&self) -> bool {
        let is_list =
            self.flag.is_some_and(|flag| ["-include", "-exclude", "-schema"].contains(&flag));
        is_list && is_plain(self.word) && self.before.is_some_and(is_plain)
    }

    /// `-max-delete 20%`, where a blank stands between a number and its unit.
    fn joined(&self) -> Option<String> {
        let is_unit = UNITS.iter().any(|unit| unit.eq_ignore_ascii_case(self.word));
        let number = self.before.filter(|before| is_unit && before.parse::<f64>().is_ok())?;
        let flag = self.flag.filter(|flag| flag.starts_with('-'))?;
        let unit = match self.word {
            "rows" => "",
            "sec" => "s",
            "min" => "m",
            unit => unit,
        };
        Some(format!("{flag} {number}{unit}"))
    }
}

fn looks_like_connection(word: &str) -> bool {
    let starts = ["env:", "file:", "sqlite:", "@"];
    word.contains("://")
        || starts.iter().any(|start| word.starts_with(start))
        || ["host=", "dbname="].iter().any(|parameter| word.contains(parameter))
}
