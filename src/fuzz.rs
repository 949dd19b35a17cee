//! Texts that nobody would write, in great number and with a fixed seed: what reads text of people and of
//! servers never panics, and lets nothing out of its place.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use crate::config::conninfo;
use crate::config::file;
use crate::config::{Environment, FileText};
use crate::copy_text;
use crate::ident::{Ident, OperatorName, TableName};
use crate::schema_object::text::{Enclosed, Expression, Name};
use crate::select::pattern::Pattern;

/// As many cases and with that seed, unless `PGSYNC_FUZZ_CASES` and `PGSYNC_FUZZ_SEED` say otherwise.
fn config() -> Config {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    Config {
        cases: number("PGSYNC_FUZZ_CASES").unwrap_or(4_000),
        failure_persistence: None,
        max_global_rejects: u32::MAX,
        rng_seed: RngSeed::Fixed(number("PGSYNC_FUZZ_SEED").map_or(20_260_711, u64::from)),
        ..Config::default()
    }
}

/// Text put together of pieces that mean something, and of anything else.
fn text(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(pieces).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

const SQL: &[&str] = &[
    "'",
    "''",
    "\"",
    "\"\"",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    "--",
    "/*",
    "*/",
    "$$",
    "$a$",
    "E'",
    "e'",
    "U&'",
    "\\",
    "\\'",
    " ",
    "\n",
    "a",
    "1",
    "::text",
    "x.y",
    ".",
    "\u{0}",
    "é",
    "create table pwned()",
];

const CONNECTION: &[&str] = &[
    "postgres://",
    "host=",
    "port=",
    "password=s3cr3t ",
    "user=",
    "dbname=",
    "@",
    ":",
    "/",
    "?",
    "&",
    "=",
    "%",
    "%00",
    "%zz",
    "[::1]",
    "sslmode=",
    "require",
    "connect_timeout=",
    "9999999999",
    "'",
    "\\",
    " ",
    ",",
    "${X}",
    "service=",
];

const PATTERNS: &[&str] =
    &["*", "?", "[", "]", "!", "-", ".", "a", "z", "é", "**", "[a-", "[!", "\\", "{", ","];

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\"sourceDb\":",
    "\"parallel\":",
    "1",
    "-1",
    "1e999",
    "null",
    "true",
    "\"maxDeleteByTable\":",
    "\"20%\"",
    "\"_c\":",
    "${X}",
    "\\u0000",
    "\u{feff}",
    " ",
];

fn environment<'a>(read: &'a dyn Fn(&str) -> Result<Option<FileText>, String>) -> Environment<'a> {
    let variables = [("X", "x"), ("USER", "ann"), ("HOME", "/home/ann")];
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Environment { variables, read }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_connection_string_is_read_or_refused_and_its_password_kept(text in text(CONNECTION)) {
        let read = |_: &str| Ok(None);
        if let Err(problems) = conninfo::parse(&text, &environment(&read)) {
            prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn a_pattern_matches_or_is_refused_in_no_time(pattern in text(PATTERNS), name in text(PATTERNS)) {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            pattern.matches(&TableName::new("public", name));
        }
    }

    #[test]
    fn a_config_file_is_read_or_refused(text in text(JSON)) {
        let read = |_: &str| Ok(None);
        let mut problems = Vec::new();
        file::read("pgsync.json", &text, &environment(&read), &mut problems);
    }

    #[test]
    fn the_first_field_of_a_row_is_what_was_written_first(fields in prop::collection::vec(any::<String>(), 1..5)) {
        let escape = |field: &String| {
            field.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
        };
        let fields: Vec<String> = fields.iter().map(escape).collect();
        let row = Bytes::from(format!("{}\n", fields.join("\t")));
        prop_assert_eq!(copy_text::first_field(&row), fields[0].as_bytes());
    }

    #[test]
    fn bytes_that_are_no_row_are_framed_all_the_same(row in prop::collection::vec(any::<u8>(), 0..64)) {
        let row = Bytes::from(row);
        prop_assert!(copy_text::first_field(&row).len() <= row.len());
        prop_assert!(copy_text::fields(&row).count() > 0);
    }

    #[test]
    fn a_name_comes_back_as_it_was(name in text(SQL), schema in text(SQL)) {
        prop_assume!(!name.is_empty() && !schema.is_empty());
        let name = Name { schema: Some(Ident::new(schema)), name: Ident::new(name) };
        prop_assert_eq!(Name::parse(&name.quoted()), Some(name));
    }

    #[test]
    fn a_text_that_is_no_name_is_none(text in text(SQL)) {
        if let Some(name) = Name::parse(&text) {
            prop_assert_eq!(Name::parse(&name.quoted()), Some(name));
        }
        let _ = OperatorName::try_from(text);
    }

    #[test]
    fn an_expression_that_is_accepted_leaves_no_parenthesis(text in text(SQL)) {
        if Expression::try_from(text.clone()).is_ok() {
            prop_assert!(Enclosed::try_from(text.clone()).is_ok());
            // In the parentheses in which it is placed it is one again, and half of it is none.
            let accepted = |text: String| Expression::try_from(text).is_ok();
            let (whole, closed, open) =
                (["(", &text, ")"].concat(), [&text, ")"].concat(), ["(", &text].concat());
            prop_assert!(accepted(whole));
            prop_assert!(!accepted(closed) && !accepted(open));
            prop_assert!(!accepted([&text, "; select 1"].concat()));
        }
    }
}
