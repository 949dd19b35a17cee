//! SQLite files as the source, by the built program against a real PostgreSQL.

#[path = "../support/mod.rs"]
mod support;

mod app;
mod bad_rows;
mod failures;
mod first_run;
mod folder;
mod geopackage;
mod memory;
mod packages;
mod property;

mod rejects;
mod rules;
mod same_keys;
mod snapshot;
mod tables;
mod timestamps;
mod types;
mod untouched;
mod values;
mod wrong_files;
