//! What a config file does to a run beyond its flags: statements of the user's own, and rules that are wrong for
//! the tables that the source has.

#[path = "../support/mod.rs"]
mod support;

mod statements;
mod suggest;
mod wrong;
