//! The commands of the program: their words, the settings that each knows, and their help.

use clap::Command;

use super::help;
use crate::config::Setting;
use crate::suggest;

/// Which command a command line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Sync,
    Schema,
}

impl Verb {
    pub(super) const ALL: [Verb; 2] = [Verb::Sync, Verb::Schema];

    /// The words between the program's name and the flags.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Verb::Sync => &[],
            Verb::Schema => &["schema"],
        }
    }

    /// `pgsync schema`.
    pub(super) fn title(self) -> String {
        let words = self.words().iter().map(|word| format!(" {word}"));
        std::iter::once("pgsync".to_owned()).chain(words).collect()
    }

    /// Whether the command has the flag of a setting.
    pub(super) fn knows(self, _: Setting) -> bool {
        match self {
            // A line that syncs lists what it would create when the word is put into it.
            Verb::Sync | Verb::Schema => true,
        }
    }

    /// The flags that are no settings.
    pub(super) fn own_flags(self, command: Command) -> Command {
        match self {
            Verb::Sync | Verb::Schema => command,
        }
    }

    /// The texts of its help that belong to no flag.
    pub(super) fn help(self) -> &'static help::Texts {
        match self {
            Verb::Sync => &help::SYNC,
            Verb::Schema => &help::SCHEMA,
        }
    }

    /// The command that the first words name, and how many words that are.
    pub(super) fn named(texts: &[String]) -> (Verb, usize) {
        let is_named = |verb: &&Verb| {
            let words = verb.words();
            texts.len() >= words.len() && words.iter().zip(texts).all(|(word, text)| word == text)
        };
        let named = Verb::ALL.iter().filter(is_named).max_by_key(|verb| verb.words().len());
        let verb = named.copied().unwrap_or(Verb::Sync);
        (verb, verb.words().len())
    }

    /// What is wrong with a first word that names no command, if it is meant for one. What it says is not
    /// shown: it may be a connection string.
    pub(super) fn misspelt(texts: &[String]) -> Option<String> {
        let first = texts.first().filter(|first| !first.starts_with('-'))?;
        let titles = Verb::ALL.iter().filter_map(|verb| verb.words().first().copied());
        let near = suggest::nearest(first, titles.chain(["help"]), 1);
        let near = near.first()?;
        Some(format!("the first word is no command; did you mean pgsync {near}? See pgsync help"))
    }
}
