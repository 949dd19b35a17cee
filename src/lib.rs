//! pgsync: brings a PostgreSQL database in sync with another, one way, in parallel and incrementally.
//!
//! The map, from the shell down; imports only point down (`scripts/check-layers.sh` holds that):
//!
//! | layer | modules | may do |
//! |---|---|---|
//! | shell | `main`, [`cli`], [`repeat`], [`report`] | print, read argv, files and the environment |
//! | engine | [`run`], [`verify`], [`status`], [`observe`], [`schema`], [`sync`], [`mask_suggestion`], [`mask_preview`], [`context`] | decide the order of I/O |
//! | edges | [`metrics`], [`notify`], [`rejects`], [`pg`], [`source`], [`target_side`], [`sync_log`] | talk to servers, write files |
//! | decisions | [`config`], [`rules`], [`select`], [`plan`], [`scrub`], [`recall`], [`copy_text`], [`ddl_step`], [`sql`], [`suggest`] | compute, nothing else |
//! | words | [`ident`], [`digest`], [`table`], [`schema_object`], [`error`], [`outcome`], [`event`], [`note`], [`stop`], [`backoff`] | be named |
//!
//! `docs/architecture.md` says what each of them owns.

pub mod backoff;
pub mod builtin_type;
pub mod cli;
pub mod config;
pub mod context;
pub mod copy_text;
pub mod ddl_step;
pub mod digest;
pub mod error;
pub mod event;
#[cfg(test)]
mod fuzz;
pub mod ident;
pub mod mask_preview;
pub mod mask_suggestion;
pub mod metrics;
pub mod note;
pub mod notify;
pub mod observe;
pub mod outcome;
pub mod pg;
pub mod plan;
pub mod recall;
pub mod rejects;
pub mod repeat;
pub mod report;
pub mod rules;
pub mod run;
pub mod schema;
pub mod schema_object;
pub mod scrub;
pub mod select;
pub mod source;
pub mod sql;
pub mod status;
pub mod stop;
pub mod suggest;
pub mod sync;
pub mod sync_log;
pub mod table;
pub mod target_side;
pub mod verify;
