//! What has to be the same for the rows of the source to be the same as in the last run.

use super::{Candidate, PlanContext, digest};
use crate::digest::Digest;
use crate::recall::Recalled;
use crate::sql::mapping::TableMapping;

/// What is known of the source's rows before they are read.
#[derive(Clone, Debug, Default)]
pub struct RowsBefore {
    /// Differs from that of an earlier run wherever what is read may.
    pub mark: Option<String>,
    /// The digest of all rows, where none of them can have changed since it was kept.
    pub digest: Option<Digest>,
}

impl RowsBefore {
    pub(super) fn of(
        candidate: &Candidate<'_>,
        mapping: &TableMapping,
        fingerprint: &str,
        context: &PlanContext,
    ) -> Self {
        let mark = mark(candidate, mapping, fingerprint, context);
        let kept = candidate.last.and_then(|last| Recalled::parse(last.rows.as_deref()?));
        let kept = kept.filter(|kept| !context.reconcile && Some(&kept.mark) == mark.as_ref());
        Self { mark, digest: kept.map(|kept| kept.digest) }
    }
}

/// What is read of a source that can tell whether somebody has written to it: another word for other columns,
/// types, rules, ways of hashing, and versions of pgsync, which may read a value in another way. None where it
/// cannot tell, and where a condition chooses rows: they may come and go with time, be it by way of a view.
fn mark(
    candidate: &Candidate<'_>,
    mapping: &TableMapping,
    fingerprint: &str,
    context: &PlanContext,
) -> Option<String> {
    let source = context.mark.as_ref()?;
    let read = format!("{fingerprint} {mapping:?}");
    let is_whole = candidate.rules.filter.is_none();
    is_whole.then(|| format!("{} {}/{source}", env!("CARGO_PKG_VERSION"), digest(&read)))
}
