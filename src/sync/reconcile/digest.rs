//! Both sides' digests of the same rows.

use super::Scope;
use crate::digest::Digest;
use crate::error::{Result, Side};
use crate::sql::query::{DigestQuery, RowScope};
use crate::sync::table_state::TableRun;
use crate::target_side;

const DOING: &str = "digesting rows";

/// One side's digest.
pub async fn one(run: &TableRun<'_>, side: Side, query: DigestQuery<'_>) -> Result<Digest> {
    let mapping = &run.state.plan.mapping;
    match side {
        Side::Source => {
            let digest = run.source.digest(DOING, mapping, query).await?;
            if matches!(query, DigestQuery::Rows(RowScope::Table)) {
                run.note_source(digest);
            }
            Ok(digest)
        }
        Side::Target => target_side::digest::rows(run.target, DOING, mapping, query).await,
    }
}

/// Whether both sides' digests agree; both are asked at once.
pub async fn equal(run: &TableRun<'_>, query: DigestQuery<'_>) -> Result<bool> {
    equal_knowing(run, query, &mut None).await
}

/// The same where the source's digest may be known already: if not, it is asked for, and known from then on.
pub async fn equal_knowing(
    run: &TableRun<'_>,
    query: DigestQuery<'_>,
    source: &mut Option<Digest>,
) -> Result<bool> {
    let known = *source;
    let ask = async {
        match known {
            Some(digest) => Ok(digest),
            None => one(run, Side::Source, query).await,
        }
    };
    let (asked, target) = tokio::try_join!(ask, one(run, Side::Target, query))?;
    *source = Some(asked);
    Ok(asked == target)
}

/// The same over the rows of a scope.
pub async fn equal_in(run: &TableRun<'_>, scope: Scope) -> Result<bool> {
    equal(run, DigestQuery::Rows(scope.rows(&run.state.plan))).await
}
