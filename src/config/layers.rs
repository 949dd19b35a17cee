//! What was given for each setting, and where: by flag, by variable or in the config file.

use std::collections::BTreeMap;

use super::environment::Environment;
use super::misspelt;
use super::setting::{Kind, Setting};
use crate::rules;

/// What one place says. No `Debug`: connection strings hold passwords.
pub type Layer = BTreeMap<Setting, Layers>;

/// What one place says about one setting.
#[derive(Clone)]
pub struct Layers {
    pub origin: Origin,
    /// One text, or the items of a list.
    pub texts: Vec<String>,
}

/// In the order in which they count, the last most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    File(String),
    /// `defaults` of the config file.
    Defaults(String),
    Variable,
    Flag,
}

impl Origin {
    /// The start of every problem: `-batch-size (batchSize), from PGSYNC_BATCH_SIZE`.
    pub fn label(&self, setting: Setting) -> String {
        let name = label(setting);
        match self {
            Origin::File(file) => format!("{name}, from {file}"),
            Origin::Defaults(file) => format!("{name}, from defaults of {file}"),
            Origin::Variable => format!("{name}, from {}", setting.variable()),
            Origin::Flag => name,
        }
    }
}

impl Origin {
    /// Whether it stands in the config file.
    pub fn is_file(&self) -> bool {
        matches!(self, Origin::File(_) | Origin::Defaults(_))
    }

    /// Where it was given, as rules name it: `-batch-size`, `PGSYNC_BATCH_SIZE`, `c.json: /batchSize`.
    pub fn place(&self, setting: Setting) -> rules::Origin {
        match self {
            Origin::File(file) => rules::Origin::in_file(file, &[setting.key()]),
            Origin::Defaults(file) => rules::Origin::in_file(file, &["defaults", setting.key()]),
            Origin::Variable => rules::Origin::new(setting.variable()),
            Origin::Flag => rules::Origin::new(format!("-{}", setting.flag())),
        }
    }
}

/// `-batch-size (batchSize)`.
pub fn label(setting: Setting) -> String {
    format!("-{} ({})", setting.flag(), setting.key())
}

/// What the command line says: each flag with its values in their order.
pub fn from_flags(flags: BTreeMap<Setting, Vec<String>>) -> Layer {
    let given = |setting: Setting, values: Vec<String>| match setting.kind() {
        Kind::List | Kind::Pairs => values.iter().flat_map(|value| split(value)).collect(),
        // Of a repeated flag the last one counts: a shell alias can be overruled.
        _ => values.into_iter().last().into_iter().collect(),
    };
    let layer = flags.into_iter().map(|(setting, values)| {
        (setting, Layers { origin: Origin::Flag, texts: given(setting, values) })
    });
    layer.collect()
}

/// What the environment says; an empty variable says nothing.
pub fn from_variables(environment: &Environment) -> Layer {
    let given = |setting: Setting| {
        let value = environment.variable(&setting.variable())?;
        let texts = match setting.kind() {
            Kind::List | Kind::Pairs => split(value),
            _ => vec![value.to_owned()],
        };
        Some((setting, Layers { origin: Origin::Variable, texts }))
    };
    Setting::all().filter_map(given).collect()
}

/// Variables that look like misspelt ones of ours.
pub fn misspelt_variables(environment: &Environment) -> Vec<String> {
    let known: Vec<String> =
        Setting::all().map(Setting::variable).chain(["PGSYNC_CONFIG".into()]).collect();
    let unknown = environment
        .variables
        .keys()
        .filter(|name| name.starts_with("PGSYNC_") && !known.contains(name));
    let warning = |name: &String| {
        let meant = misspelt::variable(name)?;
        Some(format!("variable {name} is not known; did you mean {meant}?"))
    };
    unknown.filter_map(warning).collect()
}

/// The items of a comma list: blanks around them and empty ones do not count.
pub fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
