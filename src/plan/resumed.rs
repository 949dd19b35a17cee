//! Plans that follow from what was found out since a plan was made. A plan itself does not change.

use super::TablePlan;
use crate::outcome::Strategy;

impl TablePlan {
    /// Whether the source has to be read, for what it holds is not known.
    pub fn is_source_read(&self) -> bool {
        self.rows_before.digest.is_none() || self.strategy == Strategy::Copy
    }

    /// For a table that turned out to have more rows than its statistics say.
    pub fn of_rows(&self, rows: u64) -> Self {
        Self { rows, ..self.clone() }
    }

    /// For the next try, when one broke that had committed up to a watermark, and rows if `changed`: a table
    /// that is not empty any more is compared, and changes are read from there on.
    pub fn resumed(&self, changed: bool, watermark: Option<String>) -> Self {
        let strategy = match self.strategy {
            Strategy::Copy if changed => Strategy::Compare,
            other => other,
        };
        let reached = watermark.filter(|_| self.watermark.is_some());
        Self { strategy, reached, ..self.clone() }
    }
}
