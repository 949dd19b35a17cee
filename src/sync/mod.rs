//! Makes the rows of the tables equal: workers take tasks, each task brings one table in sync by its
//! strategy, and what concerns several tables follows at the end.

pub mod bad_rows;
pub mod batches;
pub mod lag;
pub mod orphan_check;
pub mod reconcile;
pub mod renumbered;
pub mod scrub;
pub mod sequences;
pub mod side_effects;
pub mod strategy;
pub mod table_run;
pub mod table_state;
mod unexplained;
pub mod workers;
