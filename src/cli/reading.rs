//! What flags mean in the commands that sync nothing: the words of a sync would say that they write.

use clap::Command;

use super::verb::Verb;

/// A flag, and its line in the help of a command.
pub(super) struct OtherWords {
    flag: &'static str,
    help: &'static str,
}

const fn words(flag: &'static str, help: &'static str) -> OtherWords {
    OtherWords { flag, help }
}

const SELECTED: &str = "Which tables";

const SCHEMA: &[OtherWords] = &[
    words("target", "Look at the definitions of this database (same forms)"),
    words("schema", "Look at the tables of these schemas, names or patterns [default: public]"),
    words("include", "Look only at tables with these names or patterns [default: all]"),
];

const VERIFY: &[OtherWords] = &[
    words("target", "Compare with this database (same forms); only -repair writes to it"),
    words("schema", "Compare the tables of these schemas, names or patterns [default: public]"),
    words("include", "Compare only tables with these names or patterns [default: all]"),
];

const STATUS: &[OtherWords] = &[
    words("source", "With -lag: the database that is asked for its newest timestamps"),
    words("target", "Read the log of this database: a URL, key=value string, env:NAME or @FILE"),
    words("schema", "As in your runs: the log is in the first of these schemas [default: public]"),
    words("target_schema", "As in your runs: the log is in this schema [default: that of -schema]"),
    words("include", "Show only tables with these names or patterns [default: all]"),
    words("exclude", "Leave out tables with these names or patterns [default: none]"),
    words(
        "log_table",
        "Read the log of runs in this table of the target [default: sync_log in the first schema]",
    ),
];

const LOG_PRUNE: &[OtherWords] = &[
    words("target", "Prune the log of this database: a URL, key=value string, env:NAME or @FILE"),
    words("schema", "As in your runs: the log is in the first of these schemas [default: public]"),
    words("target_schema", "As in your runs: the log is in this schema [default: that of -schema]"),
    words("dry_run", "Count the rows, and delete none [default: off]"),
    words(
        "log_table",
        "The log of runs is this table of the target [default: sync_log in the first schema]",
    ),
];

const OF_MASKS: &[OtherWords] = &[
    words("target", "Try the masks on this database, and read its definitions (same forms)"),
    words("schema", "Look at the tables of these schemas, names or patterns [default: public]"),
    words("include", "Look only at tables with these names or patterns [default: all]"),
];

/// The command with the words that flags have in it.
pub(super) fn worded(verb: Verb, command: Command) -> Command {
    let of_verb = match verb {
        Verb::Sync | Verb::ConfigShow | Verb::ConfigSchema => return command,
        Verb::Schema => SCHEMA,
        Verb::Verify => VERIFY,
        Verb::Status => STATUS,
        Verb::LogPrune => LOG_PRUNE,
        Verb::MaskSuggest | Verb::MaskCheck | Verb::MaskPreview => OF_MASKS,
    };
    command.mut_args(|arg| {
        let is_selection =
            matches!(arg.get_id().as_str(), "schema" | "include" | "exclude" | "set");
        let arg = if is_selection { arg.help_heading(SELECTED) } else { arg };
        match of_verb.iter().find(|one| arg.get_id() == one.flag) {
            Some(one) => arg.help(one.help).long_help(one.help),
            None => arg,
        }
    })
}
