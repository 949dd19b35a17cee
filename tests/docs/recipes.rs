//! The recipes for services: each file is checked by the tool that its readers use.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::page::{self, Page};

/// The blocks whose mark begins like this, as files in a folder of their own.
fn files(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("recipes_{kind}"));
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let mut files = Vec::new();
    for block in page::all().iter().flat_map(Page::blocks) {
        let mark = block.mark.unwrap_or_default();
        if let Some(name) = mark.strip_prefix(kind).and_then(|rest| rest.strip_prefix(": ")) {
            let file = folder.join(name);
            std::fs::write(&file, block.text).expect("the folder can be written");
            files.push(file);
        }
    }
    assert!(!files.is_empty(), "no block is marked as {kind}");
    files
}

/// The program has nothing to say about the files.
fn passes(program: &str, arguments: &[&str], files: &[PathBuf]) {
    let output = Command::new(program).args(arguments).args(files).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{program}: {said}");
}

#[test]
fn systemd_analyze_accepts_the_units() {
    let files = files("unit");
    // What is not installed here would be a fault of its own.
    let program = env!("CARGO_BIN_EXE_pgsync");
    for file in &files {
        let text = std::fs::read_to_string(file).expect("it was written");
        let text =
            text.replace("/usr/local/bin/pgsync", program).replace("User=pgsync", "User=root");
        std::fs::write(file, text).expect("the folder can be written");
    }
    passes("systemd-analyze", &["verify", "--man=no"], &files);
}

#[test]
fn promtool_accepts_the_alerts() {
    passes("promtool", &["check", "rules"], &files("rules"));
}

#[test]
fn a_yaml_parser_accepts_the_jobs() {
    let relaxed = "{extends: relaxed, rules: {line-length: disable}}";
    passes("yamllint", &["-d", relaxed], &files("yaml"));
    passes("yamllint", &["-d", relaxed], &files("rules"));
}

#[test]
fn every_figure_of_an_alert_exists() {
    let known = include_str!("../../src/metrics/mod.rs");
    for file in files("rules") {
        let text = std::fs::read_to_string(file).expect("it was written");
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for figure in words.filter(|word| word.starts_with("pgsync_")) {
            assert!(known.contains(&format!("\"{figure}\"")), "{figure}");
        }
    }
}
