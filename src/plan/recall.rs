//! What has to be the same for the rows of the source to be the same as in the last run.

use super::{Candidate, PlanContext, digest};
use crate::digest::Digest;
use crate::recall::Recalled;
use crate::sql::mapping::TableMapping;
use crate::sql::user_expression::UserExpression;

/// Functions of a file that give the moment where their arguments do not say which one is meant.
const CLOCKS: &[&str] =
    &["date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"];

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
/// cannot tell, or where rows come and go with time.
fn mark(
    candidate: &Candidate<'_>,
    mapping: &TableMapping,
    fingerprint: &str,
    context: &PlanContext,
) -> Option<String> {
    let source = context.mark.as_ref()?;
    let filter = candidate.rules.filter.as_deref().map(UserExpression::parse);
    let filter = filter.transpose().ok()?;
    let is_timed = filter.is_some_and(|filter| {
        filter.calls().functions.iter().any(|name| CLOCKS.contains(&&*name.to_ascii_lowercase()))
    });
    let read = format!("{fingerprint} {mapping:?}");
    (!is_timed).then(|| format!("{} {}/{source}", env!("CARGO_PKG_VERSION"), digest(&read)))
}
