//! The pages as these tests see them: blocks, headings, links and spans of code.

use std::fs;
use std::path::{Path, PathBuf};

pub struct Page {
    /// Below the root of the project: `docs/security.md`.
    pub path: String,
    pub text: String,
}

/// What stands between two fences.
pub struct Block {
    /// Where it begins: `README.md:12`.
    pub place: String,
    pub language: String,
    /// What the comment above it says.
    pub mark: Option<String>,
    pub text: String,
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn all() -> Vec<Page> {
    let folder = fs::read_dir(root().join("docs")).expect("there is a folder docs");
    let names = folder.map(|entry| entry.expect("docs can be read").file_name());
    let mut paths: Vec<String> =
        names.map(|name| format!("docs/{}", name.to_string_lossy())).collect();
    paths.sort();
    let above = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(String::from);
    above.into_iter().chain(paths).map(|path| Page::read(&path)).collect()
}

impl Page {
    pub fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path));
        let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text }
    }

    pub fn folder(&self) -> PathBuf {
        root().join(Path::new(&self.path).parent().unwrap_or(Path::new("")))
    }

    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut is_open = false;
        let mut above = "";
        for (number, line) in self.text.lines().enumerate() {
            match line.strip_prefix("```") {
                Some(_) if is_open => is_open = false,
                Some(language) => {
                    is_open = true;
                    let mark = above.strip_prefix("<!-- ").and_then(|m| m.strip_suffix(" -->"));
                    blocks.push(Block {
                        place: format!("{}:{}", self.path, number + 1),
                        language: language.to_owned(),
                        mark: mark.map(str::to_owned),
                        text: String::new(),
                    });
                }
                None if is_open => {
                    let block = blocks.last_mut().expect("a block is open");
                    block.text += &format!("{line}\n");
                }
                None => {}
            }
            above = line;
        }
        assert!(!is_open, "{}: the last block has no end", self.path);
        blocks
    }

    /// The lines outside of blocks.
    pub fn prose(&self) -> Vec<&str> {
        let mut is_open = false;
        let outside = |line: &&str| {
            let is_fence = line.starts_with("```");
            is_open ^= is_fence;
            !is_open && !is_fence
        };
        self.text.lines().filter(outside).collect()
    }

    /// The anchors of the headings, as GitHub makes them.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.prose().into_iter().filter(|line| line.starts_with('#'));
        headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
    }

    /// Where its links lead: `file.md#anchor`.
    pub fn links(&self) -> Vec<String> {
        let prose = self.prose().join("\n");
        let after = prose.split("](").skip(1);
        after.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
    }

    /// What stands between backticks in the prose.
    pub fn code(&self) -> Vec<String> {
        let lines = self.prose();
        lines.iter().flat_map(|line| spans(line)).collect()
    }

    /// The cells of the rows of all tables whose header begins like this.
    pub fn rows(&self, header: &str) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let mut is_inside = false;
        for line in self.prose() {
            match line.starts_with('|') {
                false => is_inside = false,
                true if line.starts_with(header) => is_inside = true,
                true if is_inside && !line.starts_with("|-") => {
                    let line = line.replace("\\|", "/");
                    let cells = line.split('|').skip(1);
                    rows.push(cells.map(|cell| cell.trim().to_owned()).collect());
                }
                true => {}
            }
        }
        assert!(!rows.is_empty(), "{}: no table begins {header}", self.path);
        rows
    }
}

pub fn spans(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}
