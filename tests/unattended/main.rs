//! Runs that nobody watches: that follow each other, tell somebody, and are measured.

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod comparisons;
mod known;
mod lag;
mod messages;
mod metrics;
mod repeat;
mod service;
