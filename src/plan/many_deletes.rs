//! Why many rows of a table may count as deleted, and what settles that: for a run that `-max-delete` refuses.

use crate::plan::Candidate;
use crate::plan::left_columns::have_changed;
use crate::plan::missing_key::MissingKey;
use crate::sql::mapping::TableMapping;
use crate::table::{Key, Table};

/// What may make many deletes.
#[derive(Clone, Debug)]
pub struct ManyDeletes {
    /// Why rows are told by all their columns, if they are, and whether each of them may differ for it.
    pub keyless: Option<String>,
    /// What gives the target the source's key, or lets a run do that.
    pub gives_key: Option<String>,
    /// Whether a `where` leaves out rows of the source.
    pub is_filtered: bool,
    /// Whether that may be new.
    pub has_new_filter: bool,
    /// What is to be done about partitions that only the target has.
    pub left_partitions: Option<String>,
    /// Whether the target has rows, and no run is known to have written any.
    pub are_of_others: bool,
}

impl ManyDeletes {
    pub(super) fn of(
        candidate: &Candidate<'_>,
        target: &Table,
        mapping: &TableMapping,
        fingerprint: &str,
    ) -> Self {
        let is_keyless = mapping.key.is_empty();
        let missing = MissingKey::of(candidate, target, mapping);
        let other_key = candidate.other_key.filter(|_| is_keyless);
        let dropped = other_key.map(|drops| format!("{drops} (a run creates the source's key)"));
        Self {
            keyless: is_keyless.then(|| why_keyless(candidate, target, fingerprint)),
            gives_key: dropped.or_else(|| missing.map(|key| key.statement().to_owned())),
            is_filtered: candidate.rules.filter.is_some(),
            has_new_filter: candidate.rules.filter.is_some()
                && have_changed(candidate, fingerprint),
            left_partitions: candidate.left_partitions.map(str::to_owned),
            are_of_others: candidate.has_rows_of_others(),
        }
    }
}

fn why_keyless(candidate: &Candidate<'_>, target: &Table, fingerprint: &str) -> String {
    let why = match (candidate.source.keys.first(), target.keys.first()) {
        (None, None) => "the table has no key".to_owned(),
        (None, Some(_)) => "the source's table has no key".to_owned(),
        (Some(_), None) => "the target's table has no key".to_owned(),
        (Some(here), Some(there)) => {
            format!("the key is {} on the source and {} on the target", listed(here), listed(there))
        }
    };
    let changed = if have_changed(candidate, fingerprint) {
        "; its columns have changed since the last run, so that every row may differ"
    } else {
        ""
    };
    format!("{why}, so a changed row counts as one deleted and one inserted{changed}; ")
}

/// The columns of a key: `(product_id, tag)`
fn listed(key: &Key) -> String {
    let names: Vec<&str> = key.columns.iter().map(|column| column.name.as_str()).collect();
    format!("({})", names.join(", "))
}
