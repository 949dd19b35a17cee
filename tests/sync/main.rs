//! What a run does to two real databases, told from outside: every test makes a pair of databases,
//! runs the built program and compares contents by plain SQL. One module per subject.

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod children;
mod columns;
mod composed;
mod definitions;
mod digests;
mod encodings;
mod extensions;
mod failures;
mod first_run;
mod foreign_keys;
mod harness;
mod inheritance;
mod key_types;
mod keys;
mod late_commit;
mod line_feeds;
mod not_null;
mod older;
mod partitions;
mod proof;
mod property;
mod reference_case;
mod rights;
mod scrub;
mod selection;
mod sequences;
mod settings;
mod shapes;
mod status;
mod sync_log;
mod timestamps;
mod triggers;
mod types;
mod unique;
mod values;
mod verify;
mod verify_live;
mod widening;
mod wording;
mod writers;
