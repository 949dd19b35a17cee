//! What a run says about transactions that it cannot see, where rows are found by a timestamp.

use std::time::Duration;

use crate::context::RunContext;
use crate::note::NoteLevel;
use crate::plan::columns;
use crate::source::{Doubt, SourceState};
use crate::table::Table;

impl RunContext<'_> {
    /// Only tables that are followed by a timestamp depend on what else is open.
    pub(crate) fn warn_visibility(&self, source: &SourceState, selected: &[&Table]) {
        let sight = &source.sight;
        let column = &self.settings.timestamp;
        let followed = |table: &&Table| columns::timestamp(table, table, column).is_some();
        if let Some(lag) = sight.lag {
            let text = format!(
                "the source is a standby that has replayed nothing of the last {}: what was written since is \
                 not there; if it should be, look at its replication",
                spoken(lag)
            );
            self.note(NoteLevel::Warning, None, text);
        }
        if sight.doubts.contains(&Doubt::Standby) && self.settings.parallel > 1 {
            let text = "the source is a standby, where sessions cannot safely share a snapshot: one session \
                        reads, table after table, and writes alone go on side by side (-parallel)";
            self.note(NoteLevel::Notice, None, text.to_owned());
        }
        // Who compares reads every row.
        if selected.iter().any(followed) && !self.settings.only_compares {
            let texts = sight.doubts.iter().map(|doubt| self.doubtful(*doubt, source));
            texts.for_each(|text| self.note(NoteLevel::Warning, None, text));
        }
    }

    fn doubtful(&self, doubt: Doubt, source: &SourceState) -> String {
        let least = source.sight.horizon.least_overlap;
        let again = spoken(self.settings.overlap.unwrap_or_default().max(least));
        match doubt {
            Doubt::Hidden => format!(
                "the source role cannot see when other sessions began their transactions, so a change that \
                 is committed more than {again} after its timestamp could be missed: let a superuser run \
                 on the source: grant pg_read_all_stats to {}; or set -overlap above the longest transaction and \
                 run with -reconcile once a week",
                source.server.role.typed()
            ),
            Doubt::Standby => format!(
                "the source is a standby, where nobody can see when transactions of its primary began, so a \
                 change that is committed more than {again} after its timestamp could be missed: set -overlap \
                 above the longest transaction, and run with -reconcile once a week"
            ),
            Doubt::Prepared => "transactions are prepared on the source and not committed, and nobody can say \
                 when they began: until they are committed or rolled back (pg_prepared_xacts) each run reads \
                 from where the last one before them started, and compares the tables that have no watermark"
                .to_owned(),
            Doubt::Walsender => "a replication connection (replication=database) has a transaction open on the \
                 source, and nobody can say when it began: until it ends each run reads from where the last one \
                 before it started, and compares the tables that have no watermark"
                .to_owned(),
        }
    }
}

fn spoken(time: Duration) -> String {
    const HOUR: u64 = 3600;
    let seconds = time.as_secs();
    if seconds >= HOUR && seconds.is_multiple_of(HOUR) {
        format!("{} hours", seconds / HOUR)
    } else if seconds >= HOUR || seconds.is_multiple_of(60) {
        format!("{} minutes", seconds / 60)
    } else {
        format!("{seconds} seconds")
    }
}
