//! What a user sees of flags, variables and config file together.

use std::collections::BTreeMap;

use crate::config::rules::FILE_KEYS;
use crate::config::*;
use crate::error::Error;

mod secrets;

/// What one test gives: flags, variables and the content of `config.json`.
#[derive(Default)]
struct Case<'a> {
    flags: &'a [(Setting, &'a str)],
    variables: &'a [(&'a str, &'a str)],
    file: Option<&'a str>,
    mode: u32,
}

impl Case<'_> {
    fn resolve(&self) -> Result<Resolved, String> {
        let mut flags =
            Flags { config: self.file.map(|_| "config.json".into()), ..Flags::default() };
        for (setting, value) in self.flags {
            flags.values.entry(*setting).or_default().push(value.to_string());
        }
        let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        let mut variables: BTreeMap<String, String> = self.variables.iter().map(owned).collect();
        variables.insert("USER".into(), "ann".into());
        let read = |name: &str| match (name, self.file) {
            ("config.json", Some(text)) => {
                Ok(Some(FileText { text: text.into(), mode: self.mode }))
            }
            _ => Ok(None),
        };
        resolve(flags, &Environment { variables, read: &read }).map_err(|error| match error {
            Error::Config(problems) => problems.join("\n"),
            other => panic!("{other:?}"),
        })
    }

    /// With both databases named by variables.
    fn with_both(&self) -> Result<Resolved, String> {
        let both = [("PGSYNC_SOURCE", "postgres://s/d"), ("PGSYNC_TARGET", "postgres://t/d")];
        let variables = [&both, self.variables].concat();
        Case { variables: &variables, ..*self }.resolve()
    }

    fn settings(self) -> Settings {
        *self.with_both().unwrap().settings
    }

    fn problems(self) -> String {
        self.with_both().unwrap_err()
    }
}

fn names(idents: &[Ident]) -> Vec<&str> {
    idents.iter().map(Ident::as_str).collect()
}

#[test]
fn defaults() {
    let settings = Case::default().settings();
    assert_eq!(settings.source.describe(), "s:5432/d");
    assert_eq!(settings.target.describe(), "t:5432/d");
    assert_eq!(names(&settings.schemas), ["public"]);
    assert_eq!((&settings.include, &settings.exclude), (&vec![], &vec![]));
    assert_eq!(settings.timestamp.as_str(), "updated_at");
    assert_eq!((settings.parallel, settings.batch_size, settings.retries), (4, 1000, 5));
    assert_eq!(settings.overlap, None);
    assert_eq!(settings.lock_timeout, Duration::from_secs(30));
    assert!(settings.deletes && !settings.timestamp_given && !settings.reconcile);
    assert!(!settings.dry_run && !settings.force && !settings.fire_triggers);
    assert_eq!((settings.max_delete, settings.log_table), (None, None));
    assert_eq!(settings.output, Output::default());
}

#[test]
fn a_flag_counts_before_its_variable_before_the_file_before_the_default() {
    let file = Some(r#"{"parallel": 2, "includeTables": ["a,b", " c"], "deletes": false}"#);
    let variables = &[("PGSYNC_PARALLEL", "3"), ("PGSYNC_NO_DELETES", "false")];
    let flags = &[(Setting::Parallel, "9"), (Setting::Parallel, "5")];
    let by_file = Case { file, ..Case::default() }.settings();
    assert_eq!((by_file.parallel, by_file.deletes), (2, false));
    assert_eq!(by_file.include, ["a,b", " c"]);
    let by_variable = Case { file, variables, ..Case::default() }.settings();
    assert_eq!((by_variable.parallel, by_variable.deletes), (3, true));
    let by_flag = Case { file, variables, flags, ..Case::default() }.settings();
    assert_eq!(by_flag.parallel, 5);
    let flags =
        &[(Setting::Include, "x, y,,"), (Setting::Include, "z"), (Setting::Deletes, "true")];
    let lists = Case { file, flags, ..Case::default() }.settings();
    assert_eq!((lists.include, lists.deletes), (vec!["x".into(), "y".into(), "z".into()], false));
}

#[test]
fn every_value_arrives() {
    let flags = &[
        (Setting::Schema, "b, a,b"),
        (Setting::Timestamp, "modified_at"),
        (Setting::BatchSize, "10"),
        (Setting::Overlap, "1h30m"),
        (Setting::MaxDelete, "20%"),
        (Setting::LockTimeout, "500ms"),
        (Setting::LogTable, "log"),
        (Setting::Json, "true"),
        (Setting::Verbose, "true"),
        (Setting::Verbose, "false"),
    ];
    let settings = Case { flags, ..Case::default() }.settings();
    assert_eq!(names(&settings.schemas), ["b", "a"]);
    assert_eq!(settings.timestamp.as_str(), "modified_at");
    assert_eq!(settings.batch_size, 10);
    assert_eq!(
        (settings.overlap, settings.timestamp_given),
        (Some(Duration::from_secs(5400)), true)
    );
    assert_eq!(settings.max_delete, Some(MaxDelete::Share(0.2)));
    assert_eq!(settings.lock_timeout, Duration::from_millis(500));
    assert_eq!(settings.log_table, Some(TableName::new("b", "log")));
    assert_eq!(settings.output, Output { json: true, ..Output::default() });
}

#[test]
fn all_problems_come_at_once_and_name_flag_and_key() {
    let flags = &[
        (Setting::Parallel, "0"),
        (Setting::BatchSize, "-5"),
        (Setting::Overlap, "banana"),
        (Setting::Schema, ","),
        (Setting::Target, "host=t sslmode=on"),
        (Setting::Timestamp, ""),
    ];
    let variables = &[("PGSYNC_RETRIES", "many"), ("PGSYNC_LOCK_TIMEOUT", "0")];
    let file = Some(
        r#"{"paralel": 1, "quiet": "yes", "maxDelete": "lots", "verbose": null, "_x": "${NO}",
            "excludeTables": [1], "json": "${NO}", "maxDeleteByTable": {"t": true, "u": "9%"}}"#,
    );
    assert_eq!(
        Case { flags, variables, file, ..Case::default() }.problems(),
        "-exclude (excludeTables), from config.json: expected a string or a list of strings, \
         found a number in it\n\
         -json (json), from config.json: names ${NO}, which is not set\n\
         config.json: unknown key \"paralel\"; did you mean \"parallel\"?\n\
         -quiet (quiet), from config.json: expected true or false, found a string\n\
         -max-delete (maxDeleteByTable), from config.json: table \"t\": expected a string such as \
         \"20%\" or a number of rows, found true or false\n\
         -target (targetDb): sslmode \"on\" must be one of: \
         disable, allow, prefer, require, verify-ca, verify-full\n\
         -schema (schema): names no schema\n\
         -timestamp (timestampColumn): is empty\n\
         -parallel (parallel): \"0\" is no whole number from 1 to 256\n\
         -batch-size (batchSize): \"-5\" is no whole number from 1 to 10000000\n\
         -overlap (overlap): \"banana\" is not a valid duration (expected 30s, 1h30m, 2d or 500ms)\n\
         -max-delete (maxDelete), from config.json: \"lots\" is neither a share such as 20%, a \
         number of rows, nor off\n\
         -retries (retries), from PGSYNC_RETRIES: \"many\" is no whole number from 0 to 1000\n\
         -lock-timeout (lockTimeout), from PGSYNC_LOCK_TIMEOUT: \"0\" is not from 1ms to 24h"
    );
}

#[test]
fn what_is_missing_or_contradicts_itself_is_said() {
    let missing = |flag, key, variable| {
        format!(
            "-{flag} ({key}): missing; give a connection string such as \
             postgresql://user@host/database, also as {variable} or in a -config file"
        )
    };
    assert_eq!(
        Case::default().resolve().unwrap_err(),
        [
            missing("source", "sourceDb", "PGSYNC_SOURCE"),
            missing("target", "targetDb", "PGSYNC_TARGET")
        ]
        .join("\n")
    );
    assert_eq!(
        Case { variables: &[("PGSYNC_CONFIG", "/no")], ..Case::default() }.problems(),
        "-config: file /no does not exist"
    );
    let flags = &[(Setting::Include, " , ")];
    assert_eq!(
        Case { flags, ..Case::default() }.problems(),
        "-include (includeTables): names no table; leave it out for all tables"
    );
    let flags = &[(Setting::Quiet, "true"), (Setting::Verbose, "true")];
    assert_eq!(
        Case { flags, ..Case::default() }.problems(),
        "-quiet (quiet) and -verbose (verbose) cannot be used together"
    );
    let settings = Case { flags: &flags[1..], file: Some(r#"{"quiet": true}"#), ..Case::default() };
    assert_eq!(settings.settings().output, Output { verbose: true, ..Output::default() });
}

#[test]
fn a_level_of_log_lines_that_contradicts_quiet_or_verbose_is_a_problem_or_overrules_it() {
    let level = |level| (Setting::LogLevel, level);
    let (quiet, verbose) = ((Setting::Quiet, "true"), (Setting::Verbose, "true"));
    let exclude = |name| format!("{name} and -log-level (logLevel) cannot be used together");
    for (flags, name) in [
        ([quiet, level("info")], "-quiet (quiet)"),
        ([verbose, level("info")], "-verbose (verbose)"),
    ] {
        assert_eq!(Case { flags: &flags, ..Case::default() }.problems(), exclude(name));
    }
    for flags in [[quiet, level("error")], [quiet, level("warn")], [verbose, level("debug")]] {
        let settings = Case { flags: &flags, ..Case::default() }.settings();
        assert_eq!(settings.logging.level.map(LogLevel::name), Some(flags[1].1));
        assert!(settings.output.quiet || settings.output.verbose);
    }
    let file = Some(r#"{"quiet": true, "logFormat": "json"}"#);
    let settings = Case { flags: &[level("debug")], file, ..Case::default() }.settings();
    assert!(!settings.output.quiet);
    let json = Logging { format: LogFormat::Json, level: Some(LogLevel::Debug) };
    assert_eq!(settings.logging, json);
    let file = Some(r#"{"logLevel": "error"}"#);
    let settings = Case { flags: &[verbose], file, ..Case::default() }.settings();
    assert_eq!((settings.output.verbose, settings.logging.level), (true, None));
}

#[test]
fn a_reference_that_no_shell_has_replaced_is_told() {
    let problem =
        |case: Case| case.resolve().unwrap_err().lines().next().unwrap_or_default().to_owned();
    for text in ["$SRC", "${SRC}", " ${SRC} "] {
        assert_eq!(
            problem(Case { flags: &[(Setting::Source, text)], ..Case::default() }),
            format!(
                "-source (sourceDb): is {} itself, which nobody has replaced: write it in double quotes, or env:SRC",
                text.trim()
            )
        );
    }
    assert_eq!(
        problem(Case { variables: &[("PGSYNC_SOURCE", "$SRC")], ..Case::default() }),
        "-source (sourceDb), from PGSYNC_SOURCE: is $SRC itself, which nobody has replaced: write the string, or env:SRC"
    );
    assert_eq!(
        problem(Case { file: Some(r#"{"sourceDb": "$SRC"}"#), ..Case::default() }),
        "-source (sourceDb), from config.json: is $SRC itself, which nobody has replaced: write ${SRC}, or env:SRC"
    );
    // A password may be like that.
    let flags = &[(Setting::Source, "host=s password=${x}")];
    assert!(Case { flags, ..Case::default() }.with_both().is_ok());
}

#[test]
fn a_value_that_spoils_the_string_around_it_is_told_without_being_shown() {
    let variables = &[("ODD", "hunter2 'x\\")];
    let file = Some(r#"{"sourceDb": "host=s password=${ODD}"}"#);
    let problems = Case { variables, file, ..Case::default() }.resolve().unwrap_err();
    let expected =
        "-source (sourceDb), from config.json: what ${NAME} stands for is put in as it is: ";
    assert!(problems.contains(expected) && !problems.contains("hunter2"), "{problems}");
    let file = Some(r#"{"sourceDb": "host=s password"}"#);
    let problems = Case { file, ..Case::default() }.resolve().unwrap_err();
    assert!(!problems.contains("${NAME}"), "{problems}");
}

#[test]
fn what_is_given_but_cannot_be_read_is_not_called_missing() {
    let cases = [
        (
            r#"{"sourceDb": "${NO}", "targetDb": "postgres://h/d"}"#,
            "-source (sourceDb), from config.json: names ${NO}, which is not set",
        ),
        (
            r#"{"sourceDb": "postgres://h/d", "targetDb": 5}"#,
            "-target (targetDb), from config.json: expected a string, found a number",
        ),
        (
            "{",
            "config.json: line 1, column 1: the text ends too early: a quote, a ] or a } is missing",
        ),
        ("5", "config.json: expected an object, found a number"),
    ];
    for (text, expected) in cases {
        let problems = Case { file: Some(text), ..Case::default() }.resolve().unwrap_err();
        assert_eq!(problems, expected, "{text}");
    }
    let missing = Case { variables: &[("PGSYNC_CONFIG", "/no")], ..Case::default() };
    assert_eq!(missing.resolve().unwrap_err(), "-config: file /no does not exist");
}

#[test]
fn a_broken_config_file_is_located() {
    let cases = [
        (
            "{\n  \"parallel\": 4,\n}",
            "config.json: line 3, column 1: a comma stands behind the last entry",
        ),
        (
            "{\n  \"schema\": hello",
            "config.json: line 2, column 13: a value is expected; text must be in double quotes",
        ),
        ("{'parallel': 4}", "config.json: line 1, column 2: a key must be in double quotes"),
        (
            "{ \"sourceDb\": \"a\", // prod\n  \"parallel\": 4 }",
            "config.json: line 1, column 20: JSON has no comments; a key that begins with _ is ignored: \"_comment\": \"…\"",
        ),
        (
            "# prod\n{}",
            "config.json: line 1, column 1: JSON has no comments; a key that begins with _ is ignored: \"_comment\": \"…\"",
        ),
        (
            "{ \"parallel\": 4 /* jobs */ }",
            "config.json: line 1, column 17: JSON has no comments; a key that begins with _ is ignored: \"_comment\": \"…\"",
        ),
        ("{} x", "config.json: line 1, column 4: something stands behind the last }"),
        ("[]", "config.json: expected an object, found a list"),
        ("", "config.json: the file is empty"),
        (
            "{\"maxDeleteByTable\": 5}",
            "-max-delete (maxDeleteByTable), from config.json: \
             expected an object of tables and limits, found a number",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(Case { file: Some(text), ..Case::default() }.problems(), expected, "{text}");
    }
}

#[test]
fn what_a_reference_leads_to_is_told_with_the_reference() {
    let file = Some(r#"{"sourceDb": "env:SOURCE_URL", "targetDb": "host=t"}"#);
    let told = |value| {
        let variables = &[("SOURCE_URL", value)];
        Case { file, variables, ..Case::default() }.resolve().unwrap_err().to_string()
    };
    let start = "-source (sourceDb), from config.json: the value of env:SOURCE_URL";
    assert_eq!(
        told("\"postgres://h/d\""),
        format!(
            "{start}: a URL must begin with postgresql:// or postgres://, and this one begins with a quotation mark"
        )
    );
    assert_eq!(
        told("@/run/secrets/db"),
        format!("{start} is itself env:NAME or @FILE: write that here, in place of env:SOURCE_URL")
    );
}

#[test]
fn variables_are_expanded_in_the_config_file() {
    let file = Some(
        r#"{"sourceDb": "postgres://u:${PW}@${HOST}/d", "targetDb": "env:TARGET_URL",
            "parallel": "${JOBS}", "excludeTables": "${LIST}, z", "quiet": "${QUIET}"}"#,
    );
    let variables = &[
        ("PW", "p%40ss"),
        ("HOST", "h"),
        ("TARGET_URL", "host=t2"),
        ("JOBS", "7"),
        ("LIST", "x,y"),
        ("QUIET", "true"),
    ];
    let resolved = Case { file, variables, mode: 0o644, ..Case::default() }.resolve().unwrap();
    let settings = resolved.settings;
    assert_eq!(settings.source.describe(), "h:5432/d");
    let source = settings.source.postgres("this").expect("a database");
    assert_eq!(source.password, Some(conninfo::Secret::new("p@ss")));
    assert_eq!(settings.target.describe(), "t2:5432/ann");
    assert_eq!((settings.parallel, settings.output.quiet), (7, true));
    assert_eq!(settings.exclude, ["x", "y", "z"]);
    assert_eq!(resolved.warnings, [""; 0]);
}

#[test]
fn the_example_config_parses_and_has_every_key() {
    let text = include_str!("../../config.example.json");
    let Resolved { settings, warnings } =
        Case { file: Some(text), mode: 0o644, ..Case::default() }.resolve().unwrap();
    assert_eq!(settings.source.describe(), "prod.example.com:5432/shop");
    assert_eq!(settings.max_delete, Some(MaxDelete::Share(0.2)));
    assert_eq!(warnings, [""; 0]);
    // Whoever begins with a copy of it leaves out nothing unawares, and keeps what suits a column.
    assert_eq!(settings.overlap, None);
    assert_eq!(settings.exclude, [""; 0]);
    // Another program's word for `columns`, which nobody should begin with.
    let keys = FILE_KEYS.into_iter().filter(|key| *key != "includeColumns");
    for key in Setting::all().map(Setting::key).chain(keys) {
        assert!(text.contains(&format!("\"{key}\":")), "{key}");
    }
}

#[test]
fn a_table_may_have_a_limit_of_its_own() {
    let text = r#"{"sourceDb": "host=s", "targetDb": "host=t", "maxDelete": "20%",
        "maxDeleteByTable": {"public.sessions": "off", "orders": 1000}}"#;
    let case = Case { file: Some(text), mode: 0o644, ..Case::default() };
    let settings = case.resolve().unwrap().settings;
    let limit = |schema, name| settings.max_delete_of(&TableName::new(schema, name));
    assert_eq!(limit("public", "orders"), Some(MaxDelete::Rows(1000)));
    assert_eq!(limit("public", "sessions"), Some(MaxDelete::Share(1.0)));
    assert_eq!(limit("app", "sessions"), Some(MaxDelete::Share(0.2)));
}

#[test]
fn what_counts_is_shown_with_its_place_and_without_secrets() {
    let text = r#"{"sourceDb": "postgres://u:hunter2@s/d", "targetDb": "host=t password=${PW}",
        "maskKey": "${KEY}", "defaults": {"batchSize": 5}, "keep": ["*.currency"],
        "tables": {"*": {"mask": {"email": "email"}}, "app.orders": {"where": "id > 5", "rename": {"a": "b"}}}}"#;
    let read = |_: &str| Ok(Some(FileText { text: text.into(), mode: 0o600 }));
    let variables = [("USER", "ann"), ("PW", "hunter2"), ("KEY", "hunter2hunter2hunter2")];
    let variables: BTreeMap<String, String> =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let shown = |table| {
        let flags = Flags {
            values: [
                (Setting::Deletes, vec!["true".into()]),
                (Setting::Schema, vec!["app".into()]),
            ]
            .into(),
            config: Some("c.json".into()),
            set: vec!["orders.key=a,b".into()],
            ..Flags::default()
        };
        let environment = Environment { variables: variables.clone(), read: &read };
        show(flags, &environment, table).unwrap()
    };
    let cells = |text: &str| -> Vec<String> {
        let line = |line: &str| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect::<Vec<_>>()
                .join(" | ")
        };
        text.lines().map(line).collect()
    };
    let all = cells(&shown(None));
    for expected in [
        "setting | value | from",
        "sourceDb | s:5432/d | c.json: /sourceDb",
        "batchSize | 5 | c.json: /defaults/batchSize",
        "deletes | false | -no-deletes",
        "parallel | 4 | default",
        "maskKey | (given)",
        "keep | *.currency | c.json: /keep/0",
        r#"*.mask | {"email":"email"} | c.json: /tables/*/mask"#,
        r#"orders.key | ["a","b"] | -set orders.key"#,
    ] {
        assert!(all.iter().any(|line| line == expected), "{expected}: {all:#?}");
    }
    let orders = cells(&shown(Some("orders")));
    assert_eq!(orders, cells(&shown(Some("app.orders"))));
    for expected in [
        "(table) | app.orders",
        "where | id > 5 | c.json: /tables/app.orders/where",
        "batchSize | 5 | c.json: /defaults/batchSize",
        "deletes | false | -no-deletes",
        "mode | mirror | default",
        r#"key | ["a","b"] | -set orders.key"#,
        "mask of email | email | c.json: /tables/*/mask/email",
    ] {
        assert!(orders.iter().any(|line| line == expected), "{expected}: {orders:#?}");
    }
    assert!(!all.concat().contains("hunter2") && !orders.concat().contains("hunter2"));
}
