//! Columns that only the target has: said once, when the columns of a table have changed since its last run, and whenever
//! definitions are listed.

use crate::plan::Candidate;
use crate::rules::Key;
use crate::table::{Column, Table};

/// Whether what rows consist of and are told by has changed since the last run.
pub(super) fn have_changed(candidate: &Candidate<'_>, fingerprint: &str) -> bool {
    let columns = |text: &str| {
        let text = text.split_once("/masked ").map_or(text, |(before, _)| before);
        text.rsplit('/').next().map(str::to_owned)
    };
    let written_as = candidate.last.and_then(|last| last.written_as.as_deref());
    written_as.is_some_and(|before| columns(before) != columns(fingerprint))
}

/// Says which columns only the target has.
pub(super) fn told(candidate: &Candidate<'_>, target: &Table) -> Vec<String> {
    let reshaped = candidate.rules.shaping().is_some_and(|rule| rule != Key::Mask);
    if reshaped || !candidate.source.fed.is_empty() {
        return Vec::new();
    }
    // Of a table with masks the target computes the generated columns by itself.
    let is_masked = !candidate.rules.mask.is_empty();
    let lacks = |column: &&Column| {
        candidate.source.column(&column.name).is_none()
            && !(is_masked && column.generated)
            && !column.inherited
    };
    let left: Vec<&Column> = target.columns.iter().filter(lacks).collect();
    let note = |column: &&Column| {
        format!(
            "only the target has the column \"{}\", which keeps its values and gets no new ones; if the source has \
             dropped or renamed it, run on the target: alter table {} drop column {}",
            column.name.as_str(),
            target.name.typed(),
            column.name.typed()
        )
    };
    left.iter().map(note).collect()
}
