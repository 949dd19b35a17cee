//! From layers to [`Settings`]: flag before variable before config file before default. Every
//! problem is found before any is reported, and none is fixed in silence.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::conninfo;
use super::environment::Environment;
use super::file;
use super::interpolation;
use super::layers;
use super::layers::{Layer, Layers, Origin};
use super::own_flags::{Needs, OwnFlags};
use super::rules;
use super::setting::Setting;
use super::source::{
    ParsedSource, Refused, SourceInfo, SourceOptions, is_file_url, parse_source, parse_target,
};
use super::value;
use crate::config::{LogLevel, Logging, Output, Resolved, Settings};
use crate::error::{Error, Result};
use crate::ident::Ident;
use crate::rules::{Ddl, Rules};
use crate::select::schemas;
use conninfo::{ConnInfo, Secret};

/// What is said beside a connection string that cannot be read.
const RAW_VALUE: &str = "what ${NAME} stands for is put in as it is: where it has blanks, quotes or signs of a URL, \
                         write it as the string needs it, or give the password in ~/.pgpass";

/// What the command line says.
#[derive(Default)]
pub struct Flags {
    /// The values of each given flag, in their order.
    pub values: BTreeMap<Setting, Vec<String>>,
    /// `-config`
    pub config: Option<String>,
    /// Each `-set`: `TABLE.KEY=VALUE`.
    pub set: Vec<String>,
    /// The values of flags that only one command has, by their names without dashes.
    pub own: BTreeMap<String, String>,
}

/// The intent of one run, or [`Error::Config`] with everything that is wrong.
pub fn resolve(flags: Flags, environment: &Environment) -> Result<Resolved> {
    resolve_with(flags, environment, Needs::BothSides, |_| ()).map(|read| read.resolved)
}

/// The same for a command with flags of its own, which `own` reads.
///
/// # Errors
/// [`Error::Config`] with everything that is wrong, in these flags too.
pub fn resolve_with<T>(
    flags: Flags,
    environment: &Environment,
    needs: Needs,
    own: impl FnOnce(&mut OwnFlags) -> T,
) -> Result<Read<T>> {
    let mut problems = Vec::new();
    let mut own_flags = OwnFlags::new(flags.own);
    let own = own(&mut own_flags);
    problems.append(&mut own_flags.problems);
    let mut misspelt = layers::misspelt_variables(environment);
    let mut warnings = misspelt.clone();
    let named = flags.config.as_deref().or_else(|| environment.variable("PGSYNC_CONFIG"));
    let mut file = match named {
        Some(name) => config_file(name, environment, &mut problems, &mut warnings),
        None => file::File::default(),
    };
    file.layer.extend(layers::from_variables(environment));
    file.layer.extend(layers::from_flags(flags.values));
    warnings.append(&mut file.rules.notes);
    let mut reader = Reader::new(&mut file, problems);
    let lag = reader.switch(Setting::Lag, false);
    let source = match needs {
        Needs::BothSides | Needs::Source => reader.source(environment, &mut warnings),
        Needs::Target if lag => reader.source(environment, &mut warnings),
        Needs::Target => None,
    };
    let target = match needs {
        Needs::BothSides | Needs::Target => reader.target(environment, &mut warnings),
        Needs::Source => None,
    };
    let mask_key = file.rules.mask_key.take();
    let mut settings = settings(&mut reader, Sides { source, target }, file, environment);
    settings.lag = lag;
    settings.config_file = named.map(PathBuf::from);
    settings.rules.set = rules::set(&flags.set, &mut reader.problems);
    settings.rules.everywhere = rules::everywhere(&settings, &reader.layer);
    settings.mask_key = reader.mask_key(mask_key, environment, &mut warnings);
    if let Some(why) = settings.source.no_reset() {
        if settings.ddl == Ddl::Reset {
            reader.refuse(Setting::Ddl, why);
        }
        let refused = |origin| format!("{origin}: {why}");
        reader.problems.extend(settings.rules.reset_origins().map(refused));
    }
    if settings.mask_key.is_none() && needs == Needs::BothSides {
        reader.refuse_keyed_masks(&settings.rules);
    }
    if reader.problems.is_empty() {
        let resolved = Resolved { settings: Box::new(settings), warnings };
        Ok(Read { resolved, layer: reader.layer, own })
    } else {
        // Most likely it is why something is missing.
        reader.problems.append(&mut misspelt);
        Err(Error::Config(reader.problems))
    }
}

/// Settings, what was given for them and where, and the flags of the command's own.
pub struct Read<T> {
    pub resolved: Resolved,
    pub(super) layer: Layer,
    pub own: T,
}

/// What each side is connected by, where that is needed and right.
struct Sides {
    source: Option<SourceInfo>,
    target: Option<ConnInfo>,
}

/// All settings, without what rules and masks need of each other.
fn settings(
    reader: &mut Reader,
    sides: Sides,
    file: file::File,
    environment: &Environment,
) -> Settings {
    let Sides { source, target } = sides;
    let schemas = reader.schemas();
    let target_schema = reader.target_schema(&schemas);
    let mut output = reader.output();
    let logging = reader.logging(&mut output);
    Settings {
        source: source.unwrap_or_else(|| SourceInfo::Postgres(ConnInfo::placeholder())),
        target: target.unwrap_or_else(ConnInfo::placeholder),
        include: reader.list(Setting::Include),
        exclude: reader.list(Setting::Exclude),
        timestamp: Ident::new(reader.text(Setting::Timestamp).unwrap_or("updated_at".into())),
        timestamp_given: reader.layer.contains_key(&Setting::Timestamp),
        parallel: usize::try_from(reader.number(Setting::Parallel, 4, 1, 256)).unwrap_or(1),
        batch_size: reader.number(Setting::BatchSize, 1_000, 1, 10_000_000),
        overlap: reader.read(Setting::Overlap, |text| value::duration(text, "0s", "30d")),
        reconcile: reader.switch(Setting::Reconcile, false),
        deletes: reader.switch(Setting::Deletes, true),
        scrub: reader.read(Setting::Scrub, value::scrub).flatten(),
        dry_run: reader.switch(Setting::DryRun, false),
        only_compares: false,
        rules_of_runs: None,
        repair: false,
        force: reader.switch(Setting::Force, false),
        fire_triggers: reader.switch(Setting::FireTriggers, false),
        max_delete: reader.read(Setting::MaxDelete, value::limit).flatten(),
        max_delete_by_table: file.rules.max_delete_by_table,
        retries: u32::try_from(reader.number(Setting::Retries, 5, 0, 1_000)).unwrap_or(0),
        lock_timeout: reader.duration(Setting::LockTimeout, "30s", ["1ms", "24h"]),
        log_table: {
            let first = schemas.first().filter(|first| !schemas::has_wildcard(first));
            let schema = target_schema.as_ref().or(first).map_or("public", Ident::as_str);
            reader.read(Setting::LogTable, |text| value::table(text, schema))
        },
        ddl: reader.read(Setting::Ddl, value::ddl).unwrap_or_default(),
        maintenance_work_mem: reader.read(Setting::MaintenanceWorkMem, value::memory),
        rules: file.rules.rules,
        mask_key: None,
        messages: reader.messages(environment),
        lag: false,
        metrics: reader.metrics(),
        rejects: reader.text(Setting::Rejects).map(PathBuf::from),
        config_file: None,
        every: reader.read(Setting::Every, |text| value::duration(text, "0s", "30d")),
        unmasked: file.rules.unmasked,
        before_sql: file.rules.before_sql,
        after_sql: file.rules.after_sql,
        target_schema,
        schemas,
        schema_patterns: Vec::new(),
        output,
        logging,
    }
}

fn config_file(
    name: &str,
    environment: &Environment,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> file::File {
    let content = match (environment.read)(name) {
        Ok(Some(content)) => content,
        Ok(None) => {
            problems.push(format!("-config: file {name} does not exist"));
            return file::File::unread();
        }
        Err(why) => {
            problems.push(format!("-config: file {name} cannot be read: {why}"));
            return file::File::unread();
        }
    };
    let file = file::read(name, &content.text, environment, problems);
    if file.holds_password && content.is_readable_by_others() {
        warnings.push(format!(
            "config file {name} contains a password and others can read it; chmod 600 {name}, or \
             name the password's place: env:NAME, ${{NAME}}, @FILE, ~/.pgpass"
        ));
    }
    file
}

/// Reads settings from what was given and collects what is wrong.
pub(super) struct Reader {
    pub(super) layer: Layer,
    problems: Vec<String>,
    /// What was given and is among the problems already.
    unreadable: BTreeSet<Setting>,
    /// What has a `${NAME}` in it, in the config file.
    expanded: BTreeSet<Setting>,
    /// Whether a mask key was given, right or wrong.
    has_mask_key: bool,
}

impl Reader {
    /// Reads from the layer of the file, in which variables and flags have been put.
    fn new(file: &mut file::File, problems: Vec<String>) -> Self {
        let layer = std::mem::take(&mut file.layer);
        let unreadable = std::mem::take(&mut file.unreadable);
        let expanded = std::mem::take(&mut file.expanded);
        Self { layer, problems, unreadable, expanded, has_mask_key: false }
    }

    pub(super) fn problem(&mut self, setting: Setting, origin: &Origin, what: &str) {
        self.problems.push(format!("{}: {what}", origin.label(setting)));
    }

    /// Refuses what was given, or what stands for it.
    fn refuse(&mut self, setting: Setting, what: &str) {
        match self.layer.get(&setting).map(|given| given.origin.clone()) {
            Some(origin) => self.problem(setting, &origin, what),
            None => self.problems.push(format!("{}: {what}", layers::label(setting))),
        }
    }

    /// The value as `parse` has it; `None` when it is not given or is wrong.
    pub(super) fn read<T>(
        &mut self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Layers { origin, texts } = self.layer.get(&setting)?.clone();
        let text = texts.concat();
        let parsed =
            if text.contains('\0') { Err("contains a zero byte".into()) } else { parse(&text) };
        parsed.map_err(|problem| self.problem(setting, &origin, &problem)).ok()
    }

    fn number(&mut self, setting: Setting, default: u64, least: u64, most: u64) -> u64 {
        self.read(setting, |text| value::number(text, least..=most)).unwrap_or(default)
    }

    fn duration(&mut self, setting: Setting, default: &str, bounds: [&str; 2]) -> Duration {
        let [least, most] = bounds;
        let given = self.read(setting, |text| value::duration(text, least, most));
        given.or_else(|| value::duration(default, least, most).ok()).unwrap_or_default()
    }

    pub(super) fn switch(&mut self, setting: Setting, default: bool) -> bool {
        let is_opposite = setting == Setting::Deletes
            && self.layer.get(&setting).is_some_and(|g| !g.origin.is_file());
        self.read(setting, value::switch).map_or(default, |is_on| is_on != is_opposite)
    }

    pub(super) fn text(&mut self, setting: Setting) -> Option<String> {
        self.read(setting, |text| {
            if text.is_empty() { Err("is empty".into()) } else { Ok(text.to_owned()) }
        })
    }

    pub(super) fn list(&mut self, setting: Setting) -> Vec<String> {
        let Some(given) = self.layer.get(&setting).cloned() else { return Vec::new() };
        if given.texts.iter().any(|text| text.contains('\0')) {
            self.problem(setting, &given.origin, "contains a zero byte");
        }
        // `-include "$TABLES"` with nothing in it would mean all tables, surely not what was meant.
        let is_from_file = given.origin.is_file();
        if given.texts.is_empty() && setting == Setting::Include && !is_from_file {
            self.problem(setting, &given.origin, "names no table; leave it out for all tables");
        }
        given.texts
    }

    fn schemas(&mut self) -> Vec<Ident> {
        let mut schemas: Vec<Ident> = Vec::new();
        for name in self.list(Setting::Schema).into_iter().map(Ident::new) {
            if !schemas.contains(&name) {
                schemas.push(name);
            }
        }
        match self.layer.get(&Setting::Schema).map(|given| given.origin.clone()) {
            Some(origin) if schemas.is_empty() => {
                self.problem(Setting::Schema, &origin, "names no schema");
            }
            None => schemas.push(Ident::new("public")),
            Some(_) => {}
        }
        schemas
    }

    fn target_schema(&mut self, schemas: &[Ident]) -> Option<Ident> {
        let schema = self.text(Setting::TargetSchema).map(Ident::new)?;
        let what = match schemas {
            [one] if !schemas::has_wildcard(one) => return Some(schema),
            [_] => "takes the place of one schema, and -schema is a pattern",
            _ => "takes the place of one schema, and -schema names several",
        };
        let origin = self.layer.get(&Setting::TargetSchema)?.origin.clone();
        self.problem(Setting::TargetSchema, &origin, what);
        Some(schema)
    }

    fn source(
        &mut self,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Option<SourceInfo> {
        let parsed = self.connection(Setting::Source, environment, parse_source)?;
        let ParsedSource { mut info, warnings: new } = parsed;
        warn(warnings, new);
        let options = SourceOptions {
            timestamps: self.list(Setting::Timestamps),
            bad_rows: self.read(Setting::BadRows, value::bad_rows).unwrap_or_default(),
            rejects: self.text(Setting::Rejects).is_some(),
        };
        for Refused { setting, why } in info.take(&options) {
            self.refuse(setting, &why);
        }
        Some(info)
    }

    fn target(
        &mut self,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Option<ConnInfo> {
        let parsed = self.connection(Setting::Target, environment, parse_target)?;
        warn(warnings, parsed.warnings);
        Some(parsed.info)
    }

    fn connection<T>(
        &mut self,
        setting: Setting,
        environment: &Environment,
        parse: fn(&str, &Environment) -> Result<T, Vec<String>>,
    ) -> Option<T> {
        let given = self.layer.get(&setting).cloned();
        let Some(Layers { origin, texts }) = given.filter(|given| !given.texts.concat().is_empty())
        else {
            if !self.unreadable.contains(&setting) {
                self.problems.push(format!(
                    "{}: missing; give a connection string such as \
                     postgresql://user@host/database, also as {} or in a -config file",
                    layers::label(setting),
                    setting.variable()
                ));
            }
            return None;
        };
        let text = texts.concat();
        if let Some(name) = interpolation::unreplaced(text.trim()) {
            let remedy = match origin {
                Origin::Flag => "write it in double quotes",
                Origin::Variable => "write the string",
                Origin::File(_) | Origin::Defaults(_) => &format!("write ${{{name}}}"),
            };
            let what = format!(
                "is {} itself, which nobody has replaced: {remedy}, or env:{name}",
                text.trim()
            );
            self.problem(setting, &origin, &what);
            return None;
        }
        match follow_and_parse(text.trim(), environment, parse) {
            Ok(parsed) => Some(parsed),
            Err(problems) => {
                problems.iter().for_each(|problem| self.problem(setting, &origin, problem));
                if origin.is_file() && self.expanded.contains(&setting) {
                    self.problem(setting, &origin, RAW_VALUE);
                }
                None
            }
        }
    }

    fn mask_key(
        &mut self,
        given: Option<rules::MaskKeyText>,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Option<Secret> {
        let rules::MaskKeyText { text, origin } = given?;
        let key = rules::mask_key(&text, environment, warnings, &origin);
        self.has_mask_key = true;
        key.map_err(|what| self.problems.push(format!("{origin}: {what}"))).ok()
    }

    /// A mask that needs the key, when there is none.
    fn refuse_keyed_masks(&mut self, rules: &Rules) {
        if let Some(mask) = rules.keyed_mask().filter(|_| !self.has_mask_key) {
            self.problems.push(mask.to_string());
        }
    }

    fn output(&mut self) -> Output {
        let mut output = Output {
            json: self.switch(Setting::Json, false),
            quiet: self.switch(Setting::Quiet, false),
            verbose: self.switch(Setting::Verbose, false),
            summary: self.read(Setting::Summary, value::summary_format).unwrap_or_default(),
        };
        if output.quiet && output.verbose {
            match self.precedence(Setting::Quiet, Setting::Verbose) {
                Ordering::Less => output.quiet = false,
                Ordering::Greater => output.verbose = false,
                Ordering::Equal => {}
            }
        }
        output
    }

    /// A level that tells more than `-quiet` or less than `-verbose` contradicts it.
    fn logging(&mut self, output: &mut Output) -> Logging {
        let mut level = self.read(Setting::LogLevel, value::log_level);
        if output.quiet && level > Some(LogLevel::Warn) {
            match self.precedence(Setting::Quiet, Setting::LogLevel) {
                Ordering::Less => output.quiet = false,
                Ordering::Greater => level = None,
                Ordering::Equal => {}
            }
        }
        if output.verbose && level.is_some_and(|level| level < LogLevel::Debug) {
            match self.precedence(Setting::Verbose, Setting::LogLevel) {
                Ordering::Less => output.verbose = false,
                Ordering::Greater => level = None,
                Ordering::Equal => {}
            }
        }
        let format = self.read(Setting::LogFormat, value::log_format).unwrap_or_default();
        Logging { format, level }
    }

    /// Which of two settings that contradict each other counts: `-verbose` on the command line overrules
    /// a quiet config file, and the reverse. Layers in one place they are a problem.
    fn precedence(&mut self, one: Setting, other: Setting) -> Ordering {
        let origin = |setting| self.layer.get(&setting).map(|given| given.origin.clone());
        let order = origin(one).cmp(&origin(other));
        if order == Ordering::Equal {
            let names = [layers::label(one), layers::label(other)];
            self.problems.push(format!("{} cannot be used together", names.join(" and ")));
        }
        order
    }
}

/// Both sides may have the same password file.
/// Reads a connection string, or what `own` leads to; problems of that say so.
fn follow_and_parse<T>(
    own: &str,
    environment: &Environment,
    parse: fn(&str, &Environment) -> Result<T, Vec<String>>,
) -> Result<T, Vec<String>> {
    if is_file_url(own) || !interpolation::is_reference(own) {
        return parse(own, environment);
    }
    let text = interpolation::follow(own, environment).map_err(|problem| vec![problem])?;
    if interpolation::is_reference(&text) {
        return Err(vec![format!(
            "the value of {own} is itself env:NAME or @FILE: write that here, in place of {own}"
        )]);
    }
    let told = |problem: &String| format!("the value of {own}: {problem}");
    parse(&text, environment).map_err(|problems| problems.iter().map(told).collect())
}

fn warn(warnings: &mut Vec<String>, new: Vec<String>) {
    for text in new {
        if !warnings.contains(&text) {
            warnings.push(text);
        }
    }
}
