//! The documents are true: what README and docs show is run, what they list exists, what exists is
//! listed, and no link is dead.
//!
//! A fenced block says by its language what it is: `sh` and `crontab` are commands, `sql source` and
//! `sql target` are statements for a side, `json` and `text` are only shown. A comment right above a
//! block says more: `<!-- not run: why -->`, `<!-- file: name -->` for what later commands read,
//! `<!-- output -->` for what the command before prints, `<!-- unit: name -->` and the like for a file that
//! a tool of its own checks (`recipes`).

#[path = "../support/mod.rs"]
mod support;

mod blocks;
mod links;
mod lists;
mod page;
mod recipes;
