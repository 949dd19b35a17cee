//! What the log remembers of a table beside its watermark: under another fingerprint, that says nothing.

use super::missing_key::MissingKey;
use super::{Candidate, PlanContext, digest, masked_before};
use crate::sql::mapping::{TableMapping, Timestamp};
use crate::table::Table;

/// What a watermark depends on. Everything in it is readable, for whoever wonders why it changed.
pub(super) fn of(
    mapping: &TableMapping,
    candidate: &Candidate<'_>,
    target: &Table,
    timestamp: Option<&Timestamp>,
    context: &PlanContext,
) -> String {
    let (source, made) = (candidate.source, candidate.made);
    let generated = target.columns.iter().filter(|column| column.generated);
    let columns = mapping.columns.iter().map(|column| (&column.name, &column.target_type));
    let columns = columns.chain(generated.map(|column| (&column.name, &column.type_text)));
    let columns = columns.map(|(name, kind)| {
        let defined = |table: &Table| table.column(name).map(|found| found.definition.clone());
        let defined = [source, target].map(|table| defined(table).unwrap_or_default());
        format!("{}:{kind}:{}", name.as_str(), defined.join(":"))
    });
    let columns: Vec<String> = columns.collect();
    let column = timestamp.map_or("", |timestamp| timestamp.column.as_str());
    let lacks_key = MissingKey::of(candidate, target, mapping).map_or("", |_| " lacks a key");
    [
        context.source_identity.as_str(),
        &source.storage,
        &target.storage,
        column,
        &digest(&(columns.join(",") + &source.fed + made + lacks_key)),
    ]
    .join("/")
        + &masked_before::part_of_fingerprint(candidate, mapping)
}
