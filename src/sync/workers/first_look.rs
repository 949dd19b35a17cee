//! The look at small tables before more than one pair of sessions is open: where nobody has changed
//! anything, it is all that a run does, and no other session has to be opened, pinned and closed.

use std::sync::Arc;

use super::queue::Queue;
use super::{close, look};
use crate::context::Round;

/// Looks at small tables, group by group. Those that have changed go back to the queue, with what was found.
pub(super) async fn first_look(round: Arc<Round>, queue: Arc<Queue>) {
    if queue.small_tables(&round) > MOST_TABLES {
        return;
    }
    let Ok(_slot) = round.slots.acquire().await else { return };
    let mut budget = Budget { tables: MOST_TABLES, bytes: MOST_BYTES };
    loop {
        let mut assignments = queue.take_small(&round, &mut budget);
        if assignments.is_empty() {
            return;
        }
        let is_known = look(&round, &mut assignments).await;
        for assignment in assignments {
            match assignment.ended(&round) {
                Some(end) => close(&round, &queue, assignment.task, vec![end]),
                None => queue.put_back(assignment),
            }
        }
        if !is_known {
            return;
        }
    }
}

/// Beyond this several sessions at once are worth their price, which is some 10 ms; where there are more tables
/// they begin without a look.
const MOST_TABLES: usize = 256;
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// What may still be looked at over one pair of sessions.
pub(super) struct Budget {
    pub(super) tables: usize,
    pub(super) bytes: u64,
}

impl Budget {
    /// Whether a table of this size fits in; if so, it is counted.
    pub(super) fn takes(&mut self, bytes: u64) -> bool {
        let fits = self.tables > 0 && bytes <= self.bytes;
        if fits {
            self.tables -= 1;
            self.bytes -= bytes;
        }
        fits
    }
}
