//! Flags, keys, columns, fields and exit statuses: what exists is documented, and the reverse.

use std::collections::BTreeSet;

use super::page::{self, Page, spans};
use super::support::{Pair, pgsync};

type Names = BTreeSet<String>;

const CONFIGURATION: &str = "docs/configuration.md";

/// The commands with flags of their own, and the pages that list these.
const COMMANDS: [(&[&str], &str); 4] = [
    (&["verify"], "docs/verify.md"),
    (&["status"], "docs/sync-log.md"),
    (&["log", "prune"], "docs/sync-log.md"),
    (&["mask", "preview"], "docs/masking.md"),
];

/// What the built program lists in the help of a sync, without dashes.
async fn flags() -> Names {
    flags_of(&[]).await
}

/// The flags of all commands.
async fn all_flags() -> Names {
    let mut all = flags().await;
    for (words, _) in COMMANDS {
        all.extend(flags_of(words).await);
    }
    all
}

/// What the built program lists in the help of a command.
async fn flags_of(words: &[&str]) -> Names {
    let help = pgsync(&[words, &["-help"]].concat()).await.expect_exit(0).stdout;
    let lines = help.lines().filter(|line| line.starts_with("  -") || line.starts_with("      -"));
    let flag = |line: &str| {
        let long =
            line.split_whitespace().find(|word| word.starts_with('-') && !word.ends_with(','))?;
        let end = long.find(['[', '<', '=']).unwrap_or(long.len());
        Some(long[1..end].to_owned())
    };
    lines.filter_map(flag).collect()
}

/// The spans of code in a column of the tables of settings.
fn settings(column: usize) -> Names {
    let rows = Page::read(CONFIGURATION).rows("| flag | key |");
    rows.iter().flat_map(|row| spans(&row[column])).collect()
}

#[tokio::test]
async fn every_flag_is_documented_and_every_documented_flag_exists() {
    let documented: Names =
        settings(0).iter().map(|flag| flag.trim_start_matches('-').to_owned()).collect();
    assert_eq!(documented, flags().await);
}

#[tokio::test]
async fn every_flag_of_one_command_is_documented_and_every_documented_one_exists() {
    let common = flags().await;
    for (words, page) in COMMANDS {
        let rows = Page::read(page).rows(&format!("| flag of `{}` |", words.join(" ")));
        let flag = |code: &String| {
            code.trim_start_matches('-').split([' ', '=']).next().map(str::to_owned)
        };
        let documented: Names =
            rows.iter().flat_map(|row| spans(&row[0])).filter_map(|code| flag(&code)).collect();
        let own: Names = flags_of(words).await.difference(&common).cloned().collect();
        assert_eq!(documented, own, "{words:?}");
    }
}

#[tokio::test]
async fn no_page_speaks_of_a_flag_that_does_not_exist() {
    let flags = all_flags().await;
    for page in page::all() {
        for code in page.code().iter().filter(|code| code.starts_with('-')) {
            let name = code.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default();
            assert!(name == "h" || flags.contains(name), "{}: `{code}`", page.path);
        }
    }
}

#[test]
fn every_key_is_documented_and_every_documented_key_exists() {
    let example = include_str!("../../config.example.json");
    let example: serde_json::Value = serde_json::from_str(example).expect("JSON");
    let keys = example.as_object().expect("an object").keys();
    // A test beside the code holds that the example has every key.
    let keys: Names = keys.filter(|key| !key.starts_with(['_', '$'])).cloned().collect();
    assert_eq!(settings(1), keys);
}

#[tokio::test]
async fn every_column_of_sync_log_is_documented_and_every_documented_column_exists() {
    let db = Pair::with("create table item (id int primary key)").await;
    db.sync().await.expect_ok();
    let columns =
        "select column_name from information_schema.columns where table_name = 'sync_log'";
    let columns: Names = db.target.column(columns).await.into_iter().collect();
    let rows = Page::read("docs/sync-log.md").rows("| column |");
    let documented: Names = rows.iter().flat_map(|row| spans(&row[0])).collect();
    assert_eq!(documented, columns);
}

#[tokio::test]
async fn every_field_of_the_json_result_is_documented_and_every_documented_field_exists() {
    let db = Pair::with("create table item (id int primary key)").await;
    let run = db.sync().await.expect_ok();
    let fields: Names = run.json.as_object().expect("an object").keys().cloned().collect();
    let rows = Page::read(CONFIGURATION).rows("| field |");
    let documented: Names = rows.iter().flat_map(|row| spans(&row[0])).collect();
    assert_eq!(documented, fields);
}

#[tokio::test]
async fn every_exit_status_is_documented_and_every_documented_one_exists() {
    let help = pgsync(&["-help"]).await.expect_exit(0).stdout;
    let (_, section) = help.split_once("Exit status:\n").expect("a section of the help");
    let lines = section.lines().take_while(|line| !line.is_empty());
    let numbers = |text: &str| -> Names {
        let numbers = text.split(|c: char| !c.is_ascii_digit());
        numbers.filter(|number| !number.is_empty()).map(str::to_owned).collect()
    };
    let first = |line: &str| line.split_whitespace().next().map(numbers).unwrap_or_default();
    let known: Names = lines.flat_map(first).collect();
    for path in ["README.md", "docs/operations.md"] {
        let rows = Page::read(path).rows("| status | meaning |");
        let documented: Names = rows.iter().flat_map(|row| numbers(&row[0])).collect();
        assert_eq!(documented, known, "{path}");
    }
}
