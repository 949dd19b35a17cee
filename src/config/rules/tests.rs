//! What a user sees of wrong rules: each case is a config file or a flag, and below it what is said.

use crate::config::{Environment, FileText, Flags, resolve};
use crate::error::Error;

const CASES: &str = include_str!("tests/wrong.txt");

fn problems(case: &str) -> Vec<String> {
    let set = case.strip_prefix("-set ").map(str::to_owned);
    let file = match &set {
        Some(_) => "{}",
        None => case,
    };
    let read = |name: &str| match name {
        "c.json" => Ok(Some(FileText { text: file.to_owned(), mode: 0o600 })),
        _ => Ok(None),
    };
    let variables = [
        ("USER", "ann"),
        ("PGSYNC_SOURCE", "host=s"),
        ("PGSYNC_TARGET", "host=t"),
        ("KEY", "0123456789abcdef"),
        ("SHORT", "hunter2"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let flags =
        Flags { config: Some("c.json".into()), set: Vec::from_iter(set), ..Flags::default() };
    match resolve(flags, &Environment { variables, read: &read }) {
        Ok(_) => vec!["(nothing)".into()],
        Err(Error::Config(problems)) => problems,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn wrong_rules_are_told_with_their_place_and_the_nearest_name() {
    let cases: Vec<&str> = CASES.lines().filter(|line| line.starts_with(['{', '-'])).collect();
    let told = |case: &&str| {
        let problems = problems(case).into_iter().map(|problem| format!("  {problem}\n"));
        format!("{case}\n{}", problems.collect::<String>())
    };
    let all = cases.iter().map(told).collect::<Vec<_>>().join("\n");
    assert!(cases.len() >= 60);
    assert!(!all.contains("(nothing)"));
    let shows_the_key = |case: &&&str| problems(case).concat().contains("hunter2");
    assert_eq!(cases.iter().find(shows_the_key), None);
    let changed = all.lines().zip(CASES.lines()).find(|(one, other)| one != other);
    assert!(all == CASES, "{changed:?}");
}
