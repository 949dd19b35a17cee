//! What the log remembers of a table beside its watermark: under another fingerprint, that says nothing.

use super::missing_key::MissingKey;
use super::{Candidate, PlanContext, digest, masked_before};
use crate::ident::Ident;
use crate::plan::renamed_columns::RenamedColumn;
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
    let column = timestamp.map_or("", |timestamp| timestamp.column.as_str());
    [
        context.source_identity.as_str(),
        &candidate.source.storage,
        &target.storage,
        column,
        &of_columns(mapping, candidate, target, None),
    ]
    .join("/")
        + &masked_before::part_of_fingerprint(candidate, mapping)
}

/// The part of [`of`] about the columns; as it was before the last one to be added was `renamed`, if one is named.
pub(super) fn of_columns(
    mapping: &TableMapping,
    candidate: &Candidate<'_>,
    target: &Table,
    renamed: Option<&RenamedColumn>,
) -> String {
    let source = candidate.source;
    let generated = target.columns.iter().filter(|column| column.generated);
    let columns = mapping.columns.iter().map(|column| (&column.name, &column.target_type));
    let columns = columns.chain(generated.map(|column| (&column.name, &column.type_text)));
    let mut columns: Vec<(&Ident, &String)> = columns.collect();
    if let Some(renamed) = renamed {
        let place = |name: &Ident| target.columns.iter().position(|column| &column.name == name);
        columns.retain(|(name, _)| *name != &renamed.new);
        // The timestamp stands before all others.
        let later = |(name, _): &(&Ident, &String)| place(name) > place(&renamed.old);
        let at = columns.iter().skip(1).position(later).map_or(columns.len(), |at| at + 1);
        let old = target.column(&renamed.old).map(|old| (&old.name, &old.type_text));
        columns.splice(at..at, old);
    }
    let columns = columns.into_iter().map(|(name, kind)| {
        let own = renamed.filter(|renamed| &renamed.old == name).map_or(name, |own| &own.new);
        let defined = |table: &Table, name: &Ident| {
            table.column(name).map(|found| found.definition.clone()).unwrap_or_default()
        };
        let defined = [defined(source, own), defined(target, name)];
        format!("{}:{kind}:{}", name.as_str(), defined.join(":"))
    });
    let columns: Vec<String> = columns.collect();
    let lacks_key = MissingKey::of(candidate, target, mapping).map_or("", |_| " lacks a key");
    digest(&(columns.join(",") + &source.fed + candidate.made + lacks_key))
}
