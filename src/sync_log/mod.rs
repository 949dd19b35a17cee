//! The log of runs on the target: what is read from it before a run, and what is written while tables are
//! worked on and at the end. Its statements are worded in `sql::sync_log`.

pub mod store;
