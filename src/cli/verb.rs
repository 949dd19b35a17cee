//! The commands of the program: their words, the settings that each knows, and their help.

use clap::{Args, Command};

use super::help;
use super::own;
use crate::config::Setting;

/// Where the log is, and how it is reached.
const OF_THE_LOG: [Setting; 5] = [
    Setting::Target,
    Setting::Schema,
    Setting::TargetSchema,
    Setting::LogTable,
    Setting::LockTimeout,
];

/// What both ends are, what is compared, and how a repair goes.
const OF_A_COMPARISON: [Setting; 21] = [
    Setting::Source,
    Setting::Include,
    Setting::Exclude,
    Setting::Timestamp,
    Setting::Timestamps,
    Setting::Overlap,
    Setting::Deletes,
    Setting::Parallel,
    Setting::BatchSize,
    Setting::Retries,
    Setting::MaxDelete,
    Setting::Force,
    Setting::FireTriggers,
    Setting::Ping,
    Setting::Webhook,
    Setting::WebhookSecret,
    Setting::WebhookOn,
    Setting::WebhookFormat,
    Setting::Verbose,
    Setting::Quiet,
    Setting::Json,
];

/// What decides about definitions, rules and masks.
const OF_DEFINITIONS: [Setting; 11] = [
    Setting::Source,
    Setting::Target,
    Setting::Schema,
    Setting::Include,
    Setting::Exclude,
    Setting::TargetSchema,
    Setting::Ddl,
    Setting::LogTable,
    Setting::LockTimeout,
    Setting::Timestamp,
    Setting::Force,
];

/// Which command a command line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Sync,
    Schema,
    Verify,
    Status,
    LogPrune,
    ConfigShow,
    ConfigSchema,
    MaskSuggest,
    MaskCheck,
    MaskPreview,
}

impl Verb {
    pub(super) const ALL: [Verb; 10] = [
        Verb::Sync,
        Verb::Schema,
        Verb::Verify,
        Verb::Status,
        Verb::LogPrune,
        Verb::ConfigShow,
        Verb::ConfigSchema,
        Verb::MaskSuggest,
        Verb::MaskCheck,
        Verb::MaskPreview,
    ];

    /// The words between the program's name and the flags.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Verb::Sync => &[],
            Verb::Schema => &["schema"],
            Verb::Verify => &["verify"],
            Verb::Status => &["status"],
            Verb::LogPrune => &["log", "prune"],
            Verb::ConfigShow => &["config", "show"],
            Verb::ConfigSchema => &["config", "schema"],
            Verb::MaskSuggest => &["mask", "suggest"],
            Verb::MaskCheck => &["mask", "check"],
            Verb::MaskPreview => &["mask", "preview"],
        }
    }

    /// `pgsync schema`.
    pub(super) fn title(self) -> String {
        let words = self.words().iter().map(|word| format!(" {word}"));
        std::iter::once("pgsync".to_owned()).chain(words).collect()
    }

    /// Whether a table's name may follow its words.
    pub(super) fn takes_table(self) -> bool {
        matches!(self, Verb::ConfigShow | Verb::MaskPreview)
    }

    /// Whether the command has the flag of a setting.
    pub(super) fn knows(self, setting: Setting) -> bool {
        match self {
            // A line that syncs lists what it would create when the word is put into it.
            Verb::Sync | Verb::Schema | Verb::ConfigShow | Verb::MaskCheck => true,
            Verb::Verify => OF_THE_LOG.contains(&setting) || OF_A_COMPARISON.contains(&setting),
            Verb::Status => {
                let more = [
                    Setting::Include,
                    Setting::Exclude,
                    Setting::Json,
                    Setting::Quiet,
                    // How far the target is behind is asked of the source.
                    Setting::Lag,
                    Setting::Source,
                    Setting::Timestamp,
                    Setting::Timestamps,
                ];
                OF_THE_LOG.contains(&setting) || more.contains(&setting)
            }
            Verb::LogPrune => {
                let more = [Setting::DryRun, Setting::Quiet];
                OF_THE_LOG.contains(&setting) || more.contains(&setting)
            }
            Verb::ConfigSchema => false,
            // They read the source only.
            Verb::MaskSuggest => matches!(
                setting,
                Setting::Source | Setting::Schema | Setting::Include | Setting::Exclude
            ),
            Verb::MaskPreview => matches!(
                setting,
                Setting::Source | Setting::Schema | Setting::Timestamp | Setting::LockTimeout
            ),
        }
    }

    /// Whether a setting that it knows does something there. A line that syncs may stand behind the words of the others, too,
    /// and their help leaves out the rest.
    pub(super) fn uses(self, setting: Setting) -> bool {
        match self {
            Verb::Schema => OF_DEFINITIONS.contains(&setting) || setting == Setting::FireTriggers,
            Verb::MaskCheck => OF_DEFINITIONS.contains(&setting),
            _ => true,
        }
    }

    /// The flags that are no settings, and that several commands have.
    pub(super) fn knows_more(self) -> &'static [&'static str] {
        match self {
            Verb::Sync
            | Verb::Schema
            | Verb::Verify
            | Verb::ConfigShow
            | Verb::MaskCheck
            | Verb::MaskPreview => &["config", "set"],
            Verb::Status | Verb::LogPrune | Verb::MaskSuggest => &["config"],
            Verb::ConfigSchema => &[],
        }
    }

    /// The flags that only this command has.
    pub(super) fn own_flags(self, command: Command) -> Command {
        match self {
            Verb::Sync
            | Verb::Schema
            | Verb::ConfigShow
            | Verb::ConfigSchema
            | Verb::MaskSuggest
            | Verb::MaskCheck => command,
            Verb::MaskPreview => own::MaskPreview::augment_args(command),
            Verb::Verify => own::Verify::augment_args(command),
            Verb::Status => own::Status::augment_args(command),
            Verb::LogPrune => own::LogPrune::augment_args(command),
        }
    }

    /// The texts of its help that belong to no flag.
    pub(super) fn help(self) -> &'static help::Texts {
        match self {
            Verb::Sync => &help::SYNC,
            Verb::Schema => &help::SCHEMA,
            Verb::Verify => &help::VERIFY,
            Verb::Status => &help::STATUS,
            Verb::LogPrune => &help::LOG_PRUNE,
            Verb::ConfigShow => &help::CONFIG_SHOW,
            Verb::ConfigSchema => &help::CONFIG_SCHEMA,
            Verb::MaskSuggest => &help::MASK_SUGGEST,
            Verb::MaskCheck => &help::MASK_CHECK,
            Verb::MaskPreview => &help::MASK_PREVIEW,
        }
    }

    /// The command that the first words name.
    pub(super) fn named(texts: &[String]) -> Verb {
        let is_named = |verb: &&Verb| {
            let words = verb.words();
            texts.len() >= words.len() && words.iter().zip(texts).all(|(word, text)| word == text)
        };
        let named = Verb::ALL.iter().filter(is_named).max_by_key(|verb| verb.words().len());
        named.copied().unwrap_or(Verb::Sync)
    }
}
