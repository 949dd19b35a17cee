//! Names that nobody knows here: what was most likely meant. One name has several forms, as a flag, as a key
//! and as a variable, and people write one in the place of another.

use super::rules::FILE_KEYS;
use super::setting::Setting;
use crate::rules::Key;
use crate::suggest;

/// What to say behind an unknown key of a config file.
pub fn key(name: &str) -> String {
    if let Some(setting) = Setting::by_any_name(name) {
        return instead(setting);
    }
    if let Some(key) = FILE_KEYS.iter().find(|key| is_one_name(key, name)) {
        return format!("; did you mean \"{key}\"?");
    }
    if let Some(rule) = rule(name) {
        return of_a_table(rule);
    }
    let names = Setting::all().flat_map(|setting| [setting.key(), setting.flag()]);
    let names = names.chain(FILE_KEYS).chain(Key::ALL.map(Key::name));
    let near = suggest::nearest(name, names, 1);
    let Some(near) = near.first() else { return String::new() };
    match (Setting::by_any_name(near), rule(near)) {
        (Some(setting), _) => instead(setting),
        (None, Some(rule)) if !FILE_KEYS.contains(near) => of_a_table(rule),
        _ => format!("; did you mean \"{near}\"?"),
    }
}

/// What to say behind an unknown rule of a table.
pub fn rule_of_a_table(name: &str) -> String {
    let setting = Setting::by_any_name(name);
    let meant = rule(name).or_else(|| Key::by_name(setting?.key()));
    match (meant, setting) {
        (Some(rule), _) => format!("; did you mean \"{}\"?", rule.name()),
        (None, Some(setting)) => format!(
            "; it is for the whole run: -{}, or \"{}\" beside \"tables\"",
            setting.flag(),
            setting.key()
        ),
        (None, None) => suggest::did_you_mean(name, Key::ALL.map(Key::name)),
    }
}

/// What to say behind an unknown flag, which stands here without its dashes.
pub fn flag(name: &str) -> Option<String> {
    if let Some(setting) = Setting::by_any_name(name) {
        return Some(format!("; did you mean -{}?", setting.flag()));
    }
    if let Some(rule) = rule(name) {
        return Some(format!("; it is a rule of a table: -set TABLE.{}=VALUE", rule.name()));
    }
    let key = FILE_KEYS.iter().find(|key| is_one_name(key, name) && **key != "tables")?;
    Some(format!("; \"{key}\" is a key of the config file (-config)"))
}

/// The variable that was meant.
pub fn variable(name: &str) -> Option<String> {
    let word = name.strip_prefix("PGSYNC_")?;
    if let Some(setting) = Setting::by_any_name(word) {
        return Some(setting.variable());
    }
    // Measured without the common start, which would make them all alike.
    let flags: Vec<String> =
        Setting::all().map(|setting| setting.flag().replace('-', "_")).collect();
    let near = suggest::nearest(word, flags.iter().map(String::as_str).chain(["config"]), 1);
    near.first().map(|near| format!("PGSYNC_{}", near.to_uppercase()))
}

/// Whether two names differ in the case of letters, dashes and underscores at most.
pub(super) fn is_one_name(one: &str, other: &str) -> bool {
    let letters = |name: &str| -> Vec<char> {
        let letters = name.chars().filter(|c| !matches!(c, '-' | '_'));
        letters.flat_map(char::to_lowercase).collect()
    };
    letters(one) == letters(other)
}

fn rule(name: &str) -> Option<Key> {
    Key::ALL.into_iter().find(|key| is_one_name(key.name(), name))
}

fn instead(setting: Setting) -> String {
    let opposite = match setting {
        Setting::Deletes => " It says the opposite of -no-deletes",
        _ => "",
    };
    format!("; did you mean \"{}\"?{opposite}", setting.key())
}

fn of_a_table(rule: Key) -> String {
    format!("; it is a rule of a table: \"tables\": {{\"NAME\": {{\"{}\": …}}}}", rule.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_setting_leads_to_its_key_its_flag_and_its_variable() {
        for setting in Setting::all() {
            for name in [setting.flag(), setting.key(), &setting.variable()["PGSYNC_".len()..]] {
                let meant = format!("; did you mean \"{}\"?", setting.key());
                assert!(key(name).starts_with(&meant), "{name}: {}", key(name));
                assert_eq!(flag(name), Some(format!("; did you mean -{}?", setting.flag())));
                assert_eq!(variable(&format!("PGSYNC_{name}")), Some(setting.variable()));
            }
        }
    }

    #[test]
    fn an_unknown_key_leads_to_what_was_meant() {
        let rule = |name| {
            format!("; it is a rule of a table: \"tables\": {{\"NAME\": {{\"{name}\": …}}}}")
        };
        let cases = [
            ("source", "; did you mean \"sourceDb\"?".to_owned()),
            ("sorce", "; did you mean \"sourceDb\"?".to_owned()),
            ("sourceUrl", "; did you mean \"sourceDb\"?".to_owned()),
            ("excludes", "; did you mean \"excludeTables\"?".to_owned()),
            (
                "no-deletes",
                "; did you mean \"deletes\"? It says the opposite of -no-deletes".to_owned(),
            ),
            ("table", "; did you mean \"tables\"?".to_owned()),
            ("mask", rule("mask")),
            ("masks", rule("mask")),
            ("exclude_columns", rule("excludeColumns")),
            ("Keep", "; did you mean \"keep\"?".to_owned()),
            ("mask-key", "; did you mean \"maskKey\"?".to_owned()),
            ("keeps", "; did you mean \"keep\"?".to_owned()),
            ("colour", String::new()),
        ];
        for (name, expected) in cases {
            assert_eq!(key(name), expected, "{name}");
        }
    }

    #[test]
    fn an_unknown_rule_leads_to_the_rule_or_to_the_setting() {
        let cases = [
            ("timestamp", "; did you mean \"timestampColumn\"?"),
            ("batch-size", "; did you mean \"batchSize\"?"),
            ("masks", "; did you mean \"mask\"?"),
            ("parallel", "; it is for the whole run: -parallel, or \"parallel\" beside \"tables\""),
            ("colour", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(rule_of_a_table(name), expected, "{name}");
        }
    }

    #[test]
    fn an_unknown_flag_leads_to_a_rule_or_to_a_key_of_the_file() {
        let cases = [
            ("where", Some("; it is a rule of a table: -set TABLE.where=VALUE")),
            ("mask-key", Some("; \"maskKey\" is a key of the config file (-config)")),
            ("colour", None),
        ];
        for (name, expected) in cases {
            assert_eq!(flag(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_misspelt_variable_leads_to_the_right_one() {
        let cases = [
            ("PGSYNC_SORCE", Some("PGSYNC_SOURCE")),
            ("PGSYNC_SOURCE_DB", Some("PGSYNC_SOURCE")),
            ("PGSYNC_INCLUDE_TABLES", Some("PGSYNC_INCLUDE")),
            ("PGSYNC_MAXDELETE", Some("PGSYNC_MAX_DELETE")),
            ("PGSYNC_CONFG", Some("PGSYNC_CONFIG")),
            ("PGSYNC_COLOUR", None),
        ];
        for (name, expected) in cases {
            assert_eq!(variable(name).as_deref(), expected, "{name}");
        }
    }
}
