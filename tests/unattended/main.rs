//! Runs that nobody watches: that follow each other, tell somebody, and are measured.

#[path = "../support/mod.rs"]
mod support;

mod messages;
mod metrics;
mod repeat;
mod service;
