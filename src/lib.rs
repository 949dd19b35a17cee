//! pgsync: brings a PostgreSQL database in step with another, one way, in parallel and incrementally.
//!
//! The map, from the shell down; imports only point down (`scripts/check-layers.sh` holds that):
//!
//! | layer | modules | may do |
//! |---|---|---|
//! | shell | `main`, [`cli`], [`report`] | print, read argv, files and the environment |
//! | engine | [`run`], [`workers`], [`table_job`], [`discover`], [`schema`], [`strategy`], [`reconcile`], [`sequences`], [`side_effects`], [`survivors`] | decide the order of I/O |
//! | edges | [`pg`], [`source`], [`target`] | talk to servers |
//! | decisions | [`config`], [`filter`], [`plan`], [`copy_text`], [`sql`] | compute, nothing else |
//! | words | [`ident`], [`table`], [`definition`], [`error`], [`outcome`], [`event`], [`stop`], [`suggest`] | be named |

pub mod cli;
pub mod config;
pub mod copy_text;
pub mod definition;
pub mod discover;
pub mod error;
pub mod event;
pub mod filter;
#[cfg(test)]
mod fuzz;
pub mod ident;
pub mod outcome;
pub mod pg;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod run;
pub mod schema;
pub mod sequences;
pub mod side_effects;
pub mod source;
pub mod sql;
pub mod stop;
pub mod strategy;
pub mod suggest;
pub mod survivors;
pub mod table;
pub mod table_job;
pub mod target;
pub mod workers;
