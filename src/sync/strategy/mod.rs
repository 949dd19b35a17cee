//! The three ways to bring a table in sync.

pub mod compare;
pub mod copy;
pub mod incremental;

/// Rows between two words about progress, within one batch.
const TOLD: u64 = 4096;
