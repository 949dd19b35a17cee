//! What a user sees of the command line itself.

use crate::cli::*;
use crate::config::{Output, Setting, Settings};

const BOTH: [&str; 4] = ["-source", "postgres://s/d", "-target", "postgres://t/d"];

fn parse_texts(arguments: &[&str]) -> Result<Command> {
    let argv = ["pgsync"].iter().chain(arguments).map(OsString::from);
    let variables = [("USER".to_owned(), "ann".to_owned())].into();
    parse_in(argv, &Environment { variables, read: &|_| Ok(None) })
}

fn settings(arguments: &[&str]) -> Settings {
    match parse_texts(&[&BOTH, arguments].concat()) {
        Ok(Command::Sync(resolved)) => *resolved.settings,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

fn text(arguments: &[&str]) -> String {
    match parse_texts(arguments) {
        Ok(Command::Text(text) | Command::Prose(text)) => text,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

#[test]
fn a_flag_has_four_forms_and_a_switch_its_own() {
    for form in
        [vec!["-parallel", "8"], vec!["-parallel=8"], vec!["--parallel", "8"], vec!["--parallel=8"]]
    {
        assert_eq!(settings(&form).parallel, 8, "{form:?}");
    }
    let cases = [
        (vec!["-verbose"], true),
        (vec!["--verbose"], true),
        (vec!["-verbose=true"], true),
        (vec!["-verbose=false"], false),
        (vec!["--verbose=0"], false),
        (vec!["-verbose", "-verbose=false"], false),
        (vec![], false),
    ];
    for (form, verbose) in cases {
        let expected = Output { verbose, ..Output::default() };
        assert_eq!(settings(&form).output, expected, "{form:?}");
    }
    assert!(!settings(&["-no-deletes"]).deletes);
    assert!(settings(&["-no-deletes=false"]).deletes);
}

#[test]
fn lists_have_commas_or_repeated_flags() {
    let settings = settings(&[
        "-include",
        "user_*, order_*",
        "-exclude=temp_*,*_log,audit_[0-9]*",
        "-include",
        "x",
        "-schema",
        "a,b",
    ]);
    assert_eq!(settings.include, ["user_*", "order_*", "x"]);
    assert_eq!(settings.exclude, ["temp_*", "*_log", "audit_[0-9]*"]);
    assert_eq!(settings.schemas.len(), 2);
}

#[test]
fn usage_errors_are_one_clear_line_and_show_no_value() {
    let stray = |argument: &str| {
        format!(
            "argument {argument} belongs to no flag; a value follows its flag, as in -source URL, \
             and a switch is turned off as in -verbose=false; patterns stand in quotes: -include 'order*'"
        )
    };
    let connection = |argument: &str| {
        format!(
            "argument {argument} belongs to no flag; a connection string follows its flag: pgsync \
             -source URL -target URL"
        )
    };
    let blanks = |argument: &str| {
        format!(
            "argument {argument} belongs to no flag; a list has no blanks, or stands in quotes: \
             -include \"users, orders\""
        )
    };
    let cases = [
        (vec!["-paralel", "3"], "unknown flag -paralel; did you mean -parallel?".into()),
        (
            vec!["-sorce=postgres://u:hunter2@h"],
            "unknown flag -sorce; did you mean -source?".into(),
        ),
        (vec!["-zzzzzz"], "unknown flag -zzzzzz; see pgsync -help".into()),
        (vec!["postgres://u:hunter2@h"], connection("1")),
        (vec!["-source", "a", "hunter2 x"], stray("3")),
        (
            vec!["-verbose", "false"],
            "argument 2 (\"false\") belongs to no flag; write -verbose=false".into(),
        ),
        (
            vec!["-source", "a", "b"],
            "argument 3 (\"b\") belongs to no flag; a table is named after its flag: -include b; other values follow \
             their flags, too"
                .into(),
        ),
        (vec!["-include", "users", "orders"], "argument 3 (\"orders\") belongs to no flag; a list has commas: -include …,orders; a name with a space stands in quotes: -include \"… orders\"".into()),
        (
            vec!["-set", "users.maxDelete", "off"],
            "argument 3 (\"off\") belongs to no flag; a rule and its value are joined by =: -set users.maxDelete=off".into(),
        ),
        (vec!["-include", "users,", "orders"], blanks("3 (\"orders\")")),
        (vec!["-include", "users", ",orders"], blanks("3 (\",orders\")")),
        (
            vec!["-config", "f", "status"],
            "argument 3 (\"status\") belongs to no flag; a command comes first, before all flags: pgsync status".into(),
        ),
        (
            vec!["shop"],
            "argument 1 (\"shop\") belongs to no flag; the commands are pgsync schema, pgsync verify, pgsync status, \
             pgsync log prune, pgsync config show, pgsync config schema, pgsync mask suggest, pgsync mask check, \
             pgsync mask preview; a sync is pgsync -source URL -target URL"
                .into(),
        ),
        (vec!["c.json"], "argument 1 (\"c.json\") belongs to no flag; a config file follows its flag: pgsync -config c.json".into()),
        (
            vec!["verify", "-json", "/etc/ci.json"],
            "argument 3 (\"/etc/ci.json\") belongs to no flag; a config file follows its flag: pgsync verify -config /etc/ci.json".into(),
        ),
        (vec!["-max-delete", "20", "%"], "argument 3 (\"%\") belongs to no flag; a value has no blanks: -max-delete 20%".into()),
        (vec!["-overlap", "30", "s"], "argument 3 (\"s\") belongs to no flag; a value has no blanks: -overlap 30s".into()),
        (vec!["postgres://u:hunter2@h", "postgres://u:hunter2@t"], connection("1")),
        (vec!["-source", "postgres://u:hunter2@h", "host=t dbname=d password=hunter2"], connection("3")),
        (
            vec!["config", "show", "-config", "f", "customer"],
            "argument 5 (\"customer\") belongs to no flag; the table comes before the flags: pgsync config show \
             TABLE [flags]"
                .into(),
        ),
        (vec!["-includeTables", "x"], "unknown flag -includeTables; did you mean -include?".into()),
        (vec!["-where", "x"], "unknown flag -where; it is a rule of a table: -set TABLE.where=VALUE".into()),
        (vec!["-table", "users"], "unknown flag -table; did you mean -include?".into()),
        (
            vec!["-paralel", "3", "-sorce=x", "-target", "y", "-zzzzzz"],
            "unknown flag -paralel; did you mean -parallel?\n\
             unknown flag -sorce; did you mean -source?\n\
             unknown flag -zzzzzz; see pgsync -help"
                .into(),
        ),
        (vec!["-source"], "-source needs a value".into()),
        (vec!["-source", "-target", "x"], "-source needs a value".into()),
        (
            vec!["-source=a", "-target=b", "-parallel", "-5", "-overlap", "-1s", "-retries", "-x"],
            "-parallel (parallel): \"-5\" is no whole number from 1 to 256\n\
             -overlap (overlap): \"-1s\" is not a valid duration (expected 30s, 1h30m, 2d or 500ms)\n\
             -retries (retries): \"-x\" is no whole number from 0 to 1000"
                .into(),
        ),
    ];
    for (arguments, expected) in cases {
        let error = parse_texts(&arguments).unwrap_err();
        assert!(matches!(error, Error::Config(_)));
        assert_eq!(error.to_string(), expected, "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_texts() {
    let (short, long) = (text(&["-h"]), text(&["-help"]));
    assert_eq!(text(&["--help"]), long);
    for help in [&short, &long] {
        assert!(help.contains("Usage: pgsync -source URL -target URL [flags]"), "{help}");
        assert!(help.contains("Examples:") && !help.contains("--"), "{help}");
        let examples = help.lines().filter(|line| line.starts_with("  pgsync ")).count();
        assert_eq!(examples, 5, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
    assert!(long.contains("Exit status:"), "{long}");
    assert!(short.lines().count() < long.lines().count() / 2, "{short}");
    for form in ["-version", "--version", "-V"] {
        assert_eq!(text(&[form]), format!("pgsync {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn the_help_of_what_only_reads_does_not_say_that_it_writes() {
    for verb in Verb::ALL.into_iter().filter(|verb| !matches!(verb, Verb::Sync | Verb::ConfigShow))
    {
        for asks in ["-h", "-help"] {
            let help = text(&[verb.words(), &[asks]].concat());
            for word in ["Write to", "Sync ", "What to sync"] {
                assert!(!help.contains(word), "{verb:?}: {help}");
            }
        }
    }
}

#[test]
fn a_command_has_a_help_of_its_own_and_is_asked_for_in_two_ways() {
    assert_eq!(text(&["help"]), text(&["-help"]));
    for verb in Verb::ALL.iter().filter(|verb| !verb.words().is_empty()) {
        let asked = [verb.words(), &["-help"]].concat();
        let help = text(&asked);
        assert_eq!(text(&[&["help"], verb.words()].concat()), help);
        assert!(help.contains(&format!("Usage: {} ", verb.title())), "{help}");
        assert!(!help.contains("--"), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        let listed = text(&["-help"]);
        let words = format!("\n  {}", verb.words().join(" "));
        assert!(listed.contains(&words), "{listed}");
    }
}

#[test]
fn the_help_of_a_command_leaves_out_flags_that_do_nothing_there() {
    for verb in ["schema", "mask check"] {
        let help = text(&[&["help"], verb.split(' ').collect::<Vec<_>>().as_slice()].concat());
        for flag in ["-ping", "-batch-size", "-dry-run", "-metrics", "-lag"] {
            assert!(!help.contains(flag), "{flag} in {help}");
        }
        assert!(help.contains("-target-schema") && help.contains("-set"), "{help}");
        let args = [
            verb.split(' ').collect::<Vec<_>>(),
            vec!["-ping", "https://a.test", "-source", "a", "-target", "b"],
        ];
        assert!(parse_texts(&args.concat()).is_ok());
    }
}

#[test]
fn a_misspelt_command_is_suggested_and_not_shown() {
    let error = parse_texts(&["shcema", "-source", "a"]).unwrap_err();
    let expected = "the first word is no command; did you mean pgsync schema? See pgsync help";
    assert_eq!(error.to_string(), expected);
    let error = parse_texts(&["mask", "-source", "a"]).unwrap_err();
    let expected = "the commands that begin with mask are pgsync mask suggest, pgsync mask check, pgsync mask preview";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_command_of_another_program_leads_to_the_one_here() {
    let cases: [(&[&str], &str); 7] = [
        (
            &["sync", "-source", "a"],
            "\"sync\" is no command; to sync, leave the word out: pgsync -source URL -target URL",
        ),
        (
            &["diff"],
            "\"diff\" is no command; pgsync verify compares all rows: pgsync verify -source URL -target URL",
        ),
        (
            &["check"],
            "\"check\" is no command; pgsync verify compares all rows, and pgsync mask check looks at the \
             configuration",
        ),
        (
            &["help", "foo"],
            "help: there is no command \"foo\"; the commands are pgsync schema, pgsync verify, pgsync status, \
             pgsync log prune, pgsync config show, pgsync config schema, pgsync mask suggest, pgsync mask check, \
             pgsync mask preview",
        ),
        (
            &["help", "shcema"],
            "help: there is no command \"shcema\"; did you mean pgsync help schema?",
        ),
        (
            &["help", "compare"],
            "help: there is no command \"compare\"; pgsync verify compares all rows: pgsync verify -source URL \
             -target URL",
        ),
        (
            &["help", "mask"],
            "the commands that begin with mask are pgsync mask suggest, pgsync mask check, pgsync mask preview",
        ),
    ];
    for (arguments, expected) in cases {
        let error = parse_texts(arguments).unwrap_err();
        assert_eq!(error.to_string(), expected, "{arguments:?}");
    }
}

#[test]
fn a_wrong_command_line_still_says_what_to_print() {
    let output =
        |arguments: &[&str]| asked_output(["pgsync"].iter().chain(arguments).map(OsString::from));
    let markdown = Output { summary: SummaryFormat::Markdown, ..Output::default() };
    let json = Output { json: true, ..Output::default() };
    let cases: [(&[&str], Output); 8] = [
        (&["-summary", "markdown", "-sorce"], markdown),
        (&["-wrong", "--summary=markdown"], markdown),
        (&["-summary=text", "-summary", "markdown"], markdown),
        (&["-summary"], Output::default()),
        (&["-summary", "markdwon"], Output::default()),
        (&["schema", "-summary", "markdown"], Output::default()),
        (&["-x", "--json"], json),
        (&["-json", "-json=false"], Output::default()),
    ];
    for (arguments, expected) in cases {
        assert_eq!(output(arguments), expected, "{arguments:?}");
    }
}

#[test]
fn help_lists_every_flag_under_a_heading() {
    let help = text(&["-help"]);
    for setting in Setting::all() {
        assert!(help.contains(&format!("\n      -{}", setting.flag())), "{setting:?}: {help}");
    }
    let headings = [
        "Connection",
        "What to sync",
        "How changes are found",
        "Safety",
        "Schema",
        "Output",
        "Unattended",
        "Advanced",
    ];
    let found: Vec<usize> =
        headings.iter().filter_map(|name| help.find(&format!("\n{name}:\n"))).collect();
    assert_eq!(found.len(), headings.len(), "{help}");
    assert!(found.is_sorted() && !help.contains("Options:"), "{help}");
}

#[cfg(unix)]
#[test]
fn what_is_no_text_is_named_without_being_shown() {
    use std::os::unix::ffi::OsStringExt;
    let bad = || OsString::from_vec(vec![b'h', 0xff]);
    let argv = ["pgsync".into(), "-source".into(), bad()].into_iter();
    let environment = Environment { variables: BTreeMap::new(), read: &|_| Ok(None) };
    let error = parse_in(argv, &environment).unwrap_err();
    assert_eq!(error.to_string(), "argument 2 is not valid UTF-8");
    let all = [("PGPASSWORD".into(), bad()), ("OTHER".into(), bad()), ("A".into(), "b".into())];
    let mut all = BTreeMap::from(all);
    let error = variables(all.clone()).unwrap_err();
    assert_eq!(error.to_string(), "variable PGPASSWORD is not valid UTF-8");
    all.remove(&OsString::from("PGPASSWORD"));
    assert_eq!(variables(all).unwrap().len(), 1);
}

#[test]
fn files_are_read_with_their_permissions() {
    let folder = std::env::temp_dir().join(format!("pgsync-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.json");
    std::fs::write(&file, "{}").unwrap();
    let read = read_file(file.to_str().unwrap()).unwrap().unwrap();
    assert_eq!((read.text.as_str(), read.mode & 0o600), ("{}", 0o600));
    assert!(read_file(folder.join("none").to_str().unwrap()).unwrap().is_none());
    assert_eq!(read_file(folder.to_str().unwrap()).err().unwrap(), "is a directory");
    std::fs::write(&file, [0xff]).unwrap();
    assert_eq!(read_file(file.to_str().unwrap()).err().unwrap(), "it is not valid UTF-8");
    std::fs::remove_dir_all(&folder).unwrap();
}
