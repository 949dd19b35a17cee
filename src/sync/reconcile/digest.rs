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
    let (source, target) =
        tokio::try_join!(one(run, Side::Source, query), one(run, Side::Target, query))?;
    Ok(source == target)
}

/// The same over the rows of a scope.
pub async fn equal_in(run: &TableRun<'_>, scope: Scope) -> Result<bool> {
    equal(run, DigestQuery::Rows(scope.rows(&run.state.plan))).await
}
