//! What runs of one program that follow each other leave to the next one in memory. It holds of one run only, so it
//! does not grow with their number.

use std::sync::Arc;

use crate::pg::KnownTables;

/// What earlier runs of this program have learnt.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Nothing where no other run follows.
    pub(super) known: Option<KnownSides>,
}

/// The tables of both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownSides {
    pub(super) source: Arc<KnownTables>,
    pub(super) target: Arc<KnownTables>,
}

impl Memory {
    /// For runs that follow each other.
    pub fn of_repeated_runs() -> Self {
        Self { known: Some(KnownSides::default()) }
    }
}
