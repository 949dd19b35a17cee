//! Columns whose values earlier runs have masked: whoever lets them travel as they are has to say so.

use crate::error::Error;
use crate::ident::Ident;
use crate::plan::{Candidate, PlanContext, digest};
use crate::sql::mapping::TableMapping;

/// Stands in a fingerprint before the names of the masked columns, a JSON array.
const MASKED: &str = "/masked ";

/// Stands behind these names, before what differs for another key.
const WITH: &str = " with ";

/// What earlier runs have masked, as the log remembers it.
enum Remembered<'r> {
    Known {
        columns: Vec<String>,
        /// Of the masks that have one.
        key: Option<&'r str>,
    },
    /// Somebody has changed the log.
    Unreadable,
}

/// What a fingerprint says of masked columns; nothing of a table without any. Those that earlier runs have masked, and
/// that do not travel now, stay known.
pub(super) fn part_of_fingerprint(candidate: &Candidate<'_>, mapping: &TableMapping) -> String {
    let rests = |name: &String| !travels(mapping, name);
    let earlier = match earlier(candidate) {
        Remembered::Known { columns, .. } => columns,
        // Such a table comes this far only if somebody says so.
        Remembered::Unreadable => Vec::new(),
    };
    let mut names: Vec<String> = earlier.into_iter().filter(rests).collect();
    names.extend(masked(candidate).map(|name| name.as_str().to_owned()));
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => String::new(),
        names => {
            let key = Some(candidate.mask_key).filter(|key| !key.is_empty());
            let key = key.map_or_else(String::new, |key| format!("{WITH}{}", digest(key)));
            format!("{MASKED}{}{key}", serde_json::Value::from(names))
        }
    }
}

/// Whether this run masks with another key than the last one.
pub(super) fn has_another_key(candidate: &Candidate<'_>) -> bool {
    let Remembered::Known { key: Some(key), .. } = earlier(candidate) else { return false };
    !candidate.mask_key.is_empty() && digest(candidate.mask_key) != key
}

/// Says so.
pub(super) fn other_key(candidate: &Candidate<'_>, context: &PlanContext) -> Option<String> {
    if !has_another_key(candidate) {
        return None;
    }
    let effect = match (context.only_compares, context.dry_run) {
        (true, _) => "masked values differ: verify with the key of the last run",
        (false, true) => "masked values would change",
        (false, false) => "masked values change",
    };
    Some(format!("the mask key is not the one of the last run, so {effect}"))
}

/// Refuses what would put the source's values in the place of masked ones.
pub(super) fn check(
    candidate: &Candidate<'_>,
    mapping: &TableMapping,
    context: &PlanContext,
) -> Result<(), Error> {
    if context.force {
        return Ok(());
    }
    let Some(bare) = bare(candidate, mapping) else {
        return Err(Error::Refused(
            "sync_log says that an earlier run masked columns of this table, but not legibly which: use -force once if \
             the values that this run writes may be seen on the target"
                .to_owned(),
        ));
    };
    if bare.is_empty() {
        return Ok(());
    }
    let bare = bare.join(", ");
    Err(Error::Refused(if context.only_compares {
        format!(
            "an earlier run masked {bare}, and this configuration does not: give the columns their masks again"
        )
    } else {
        format!(
            "an earlier run masked {bare}, and this one would write what the source holds: give the columns their masks \
             again, or use -force once if their values may be seen on the target"
        )
    }))
}

/// Says that a run which is forced puts the source's values in the place of masked ones.
pub(super) fn forced(
    candidate: &Candidate<'_>,
    mapping: &TableMapping,
    context: &PlanContext,
) -> Vec<String> {
    let is_meant = context.force && !context.only_compares;
    let bare = bare(candidate, mapping).filter(|bare| is_meant && !bare.is_empty());
    let writes = if context.dry_run { "would write" } else { "writes" };
    let told = bare.map(|bare| {
        format!(
            "an earlier run masked {}, and this one {writes} what the source holds, as -force allows",
            bare.join(", ")
        )
    });
    Vec::from_iter(told)
}

/// What earlier runs have masked and now travels as it is; none if the log tells it no more.
fn bare(candidate: &Candidate<'_>, mapping: &TableMapping) -> Option<Vec<String>> {
    let Remembered::Known { columns: earlier, .. } = earlier(candidate) else { return None };
    let is_bare = |name: &String| {
        travels(mapping, name) && !masked(candidate).any(|column| column.as_str() == name)
    };
    Some(earlier.into_iter().filter(is_bare).collect())
}

/// The columns of the target that earlier runs have masked. Other parts of a fingerprint are names, too, which may look
/// like the mark.
fn earlier<'c>(candidate: &Candidate<'c>) -> Remembered<'c> {
    let text = candidate.last.and_then(|last| last.written_as.as_deref()).unwrap_or_default();
    let rests = text.match_indices(MASKED).map(|(place, _)| &text[place + MASKED.len()..]);
    let mut lists = rests.filter(|rest| rest.starts_with('[')).peekable();
    if lists.peek().is_none() {
        return Remembered::Known { columns: Vec::new(), key: None };
    }
    let read = |list: &'c str| {
        let mut first = serde_json::Deserializer::from_str(list).into_iter::<Vec<String>>();
        let columns = first.next()?.ok()?;
        match &list[first.byte_offset()..] {
            "" => Some(Remembered::Known { columns, key: None }),
            rest => Some(Remembered::Known { columns, key: Some(rest.strip_prefix(WITH)?) }),
        }
    };
    lists.filter_map(read).next().unwrap_or(Remembered::Unreadable)
}

fn travels(mapping: &TableMapping, name: &str) -> bool {
    mapping.columns.iter().any(|column| column.name.as_str() == name)
}

/// By their names on the target.
fn masked<'c>(candidate: &'c Candidate<'_>) -> impl Iterator<Item = &'c Ident> {
    let rules = candidate.rules;
    rules.mask.keys().map(|column| rules.target_column(column))
}
