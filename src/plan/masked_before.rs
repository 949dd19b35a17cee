//! Columns whose values earlier runs have masked: whoever lets them travel as they are has to say so.

use crate::error::Error;
use crate::ident::Ident;
use crate::plan::{Candidate, PlanContext};
use crate::sql::mapping::TableMapping;

/// Stands in a fingerprint before the names of the masked columns, a JSON array.
const MASKED: &str = "/masked ";

/// What a fingerprint says of masked columns; nothing of a table without any.
pub(super) fn part_of_fingerprint(candidate: &Candidate<'_>) -> String {
    let mut names: Vec<&str> = masked(candidate).map(Ident::as_str).collect();
    names.sort_unstable();
    match names.as_slice() {
        [] => String::new(),
        names => format!("{MASKED}{}", serde_json::Value::from(names)),
    }
}

/// Refuses what would put the source's values in the place of masked ones.
pub(super) fn check(
    candidate: &Candidate<'_>,
    mapping: &TableMapping,
    context: &PlanContext,
) -> Result<(), Error> {
    let earlier = candidate.last.and_then(|last| last.written_as.as_deref());
    let names = earlier.and_then(|text| text.split_once(MASKED)).map(|(_, names)| names);
    let names = names.and_then(|names| serde_json::from_str::<Vec<String>>(names).ok());
    let bare = |name: &String| {
        let travels = mapping.columns.iter().any(|column| column.name.as_str() == name);
        travels && !masked(candidate).any(|column| column.as_str() == name)
    };
    let bare: Vec<String> = names.unwrap_or_default().into_iter().filter(bare).collect();
    if bare.is_empty() || context.force {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "an earlier run masked {}, and this one would write what the source holds: give the columns their masks again, \
         or use -force once if their values may be seen on the target",
        bare.join(", ")
    )))
}

/// By their names on the target.
fn masked<'c>(candidate: &'c Candidate<'_>) -> impl Iterator<Item = &'c Ident> {
    let rules = candidate.rules;
    rules.mask.keys().map(|column| rules.target_column(column))
}
