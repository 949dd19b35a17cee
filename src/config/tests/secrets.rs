//! Where passwords may stand, and that none is ever told.

use crate::config::tests::*;

#[test]
fn warnings_concern_open_passwords_and_misspelt_variables() {
    let file = Some(r#"{"sourceDb": "postgres://u:hunter2@h/d", "targetDb": "host=t"}"#);
    let variables = &[("PGSYNC_PARALEL", "3"), ("PGSYNC_TEST_URL", "x")];
    let open = Case { file, variables, mode: 0o644, ..Case::default() }.resolve().unwrap();
    assert_eq!(
        open.warnings,
        [
            "variable PGSYNC_PARALEL is not known; did you mean PGSYNC_PARALLEL?",
            "config file config.json contains a password and others can read it; chmod 600 \
             config.json, or name the password's place: env:NAME, ${NAME}, @FILE, ~/.pgpass"
        ]
    );
    let closed = Case { file, mode: 0o600, ..Case::default() }.resolve().unwrap();
    assert_eq!(closed.warnings, [""; 0]);
    assert!(!format!("{open:?}{closed:?}").contains("hunter2"));
}

#[test]
fn a_misspelt_variable_stands_beside_what_is_missing_without_it() {
    let problems = Case {
        variables: &[("PGSYNC_SORCE", "postgres://u:hunter2@h"), ("PGSYNC_TARGET", "host=t")],
        ..Case::default()
    };
    assert_eq!(
        problems.resolve().unwrap_err(),
        "-source (sourceDb): missing; give a connection string such as postgresql://user@host/database, also as \
         PGSYNC_SOURCE or in a -config file\n\
         variable PGSYNC_SORCE is not known; did you mean PGSYNC_SOURCE?"
    );
}

#[test]
fn a_password_is_in_no_problem_wherever_it_stands() {
    let strings = [
        "postgres://u:hunter2@h:x/d?nope=1",
        "postgres://u:hunter2/3@h/d",
        "postgres://u:hunter2%zz@h/d",
        "host=h password=hunter2 hunter2",
        "host=h password='hunter2",
        "password=x hunter2=1",
        "host=u:hunter2@h",
        "u:hunter2@h",
        "mysql://u:hunter2@h",
        "env:hunter2!",
        "${hunter2!}",
    ];
    for text in strings {
        let json =
            serde_json::json!({ "targetDb": text, "sourceDb": { "x": text }, "quiet": text });
        let flags = &[(Setting::Source, text)];
        let by_flag = Case { flags, ..Case::default() }.problems();
        let by_file = Case { file: Some(&json.to_string()), ..Case::default() };
        let by_file = by_file.resolve().unwrap_err();
        assert!(by_flag.starts_with("-source (sourceDb): "), "{by_flag}");
        assert!(
            !by_flag.contains("hunter2") && !by_file.contains("hunter2"),
            "{by_flag}\n{by_file}"
        );
    }
}

#[test]
fn debug_of_settings_shows_no_password() {
    let variables = [
        ("PGSYNC_SOURCE", "postgres://u:hunter2@s/d"),
        ("PGSYNC_TARGET", "host=t password=hunter2"),
    ];
    let resolved = Case { variables: &variables, ..Case::default() }.resolve().unwrap();
    let shown = format!("{resolved:?}");
    assert!(shown.contains("***") && !shown.contains("hunter2"), "{shown}");
}
