//! Columns that only the target has: said once, when the columns of a table have changed since its last run, and whenever
//! definitions are listed.

use crate::ident::Ident;
use crate::plan::renamed_columns::{RenamedColumn, may_be};
use crate::plan::{Candidate, fingerprint};
use crate::rules::Key;
use crate::sql::mapping::TableMapping;
use crate::table::{Column, Table};

/// Whether what rows consist of and are told by has changed since the last run.
pub(super) fn have_changed(candidate: &Candidate<'_>, fingerprint: &str) -> bool {
    columns_before(candidate).is_some_and(|before| Some(before) != columns(fingerprint))
}

/// The part of the last run's fingerprint that is about columns.
fn columns_before<'a>(candidate: &Candidate<'a>) -> Option<&'a str> {
    candidate.last.and_then(|last| last.written_as.as_deref()).and_then(columns)
}

fn columns(fingerprint: &str) -> Option<&str> {
    let text = fingerprint.split_once("/masked ").map_or(fingerprint, |(before, _)| before);
    text.rsplit('/').next()
}

/// The source's name of a column of the target, if the source may have renamed it: as both sides are, or as the last run
/// that wrote rows has seen them.
fn renamed(
    column: &Column,
    candidate: &Candidate<'_>,
    target: &Table,
    mapping: &TableMapping,
) -> Option<RenamedColumn> {
    let seen = candidate.renamed.iter().find(|one| one.old == column.name).cloned();
    seen.or_else(|| {
        let before = columns_before(candidate)?;
        let new = candidate.source.columns.iter().filter(|new| may_be(column, new));
        let mut new = new.map(|new| RenamedColumn {
            old: column.name.clone(),
            new: new.name.clone(),
            is_added: true,
        });
        new.find(|one| fingerprint::of_columns(mapping, candidate, target, Some(one)) == before)
    })
}

/// Whether none of the columns that only the target has now travelled in the last run, because the source has only got new
/// ones since: those stand last on the target.
fn were_left_before(candidate: &Candidate<'_>, target: &Table, mapping: &TableMapping) -> bool {
    let Some(before) = columns_before(candidate) else { return false };
    let travels = |column: &&Column| mapping.columns.iter().any(|one| one.name == column.name);
    let mut old = mapping.clone();
    target.columns.iter().rev().filter(travels).any(|new| {
        old.columns.retain(|column| column.name != new.name);
        fingerprint::of_columns(&old, candidate, target, None) == before
    })
}

/// The statement that drops a column of the target: from the table alone, where children of the source have kept it; from
/// its type, if that gives the table its columns.
pub(super) fn drop_column(source: &Table, target: &Table, column: &Column) -> String {
    if let Some(kind) = &target.of_type {
        return format!("alter type {kind} drop attribute {} cascade", column.name.typed());
    }
    let is_kept = source.inherited_by.iter().any(|child| child.columns.contains(&column.name));
    let only = if is_kept { "only " } else { "" };
    format!("alter table {only}{} drop column {}", target.name.typed(), column.name.typed())
}

/// Columns that only the target has.
#[derive(Default)]
pub(super) struct LeftColumns {
    /// What is said of each.
    pub texts: Vec<String>,
    /// Whether the source may have had one of them in the last run.
    pub are_new: bool,
}

/// Says which columns only the target has.
pub(super) fn told(
    candidate: &Candidate<'_>,
    target: &Table,
    mapping: &TableMapping,
) -> LeftColumns {
    let rules = candidate.rules;
    let lists_them = rules.is_given(Key::Columns) || rules.is_given(Key::TargetTable);
    if lists_them || !candidate.source.fed.is_empty() {
        return LeftColumns::default();
    }
    // Of a table with masks the target computes the generated columns by itself.
    let is_masked = !rules.mask.is_empty();
    let is_named = |name: &Ident| {
        let mut excluded = rules.exclude_columns.iter();
        rules.rename.contains_key(name) || excluded.any(|own| rules.target_column(own) == name)
    };
    let lacks = |column: &&Column| {
        let is_explained = is_masked && column.generated || column.inherited;
        candidate.source.column(&column.name).is_none() && !is_explained && !is_named(&column.name)
    };
    let left: Vec<&Column> = target.columns.iter().filter(lacks).collect();
    let were_left = !left.is_empty() && were_left_before(candidate, target, mapping);
    let note = |column: &&Column| {
        let drop = drop_column(candidate.source, target, column);
        let drop = format!("run on the target: {drop}");
        let renamed = renamed(column, candidate, target, mapping).filter(|_| !were_left);
        let what_to_do = match renamed {
            Some(renamed) => format!(
                "renamed to \"{}\"? Then run on the target: {}; otherwise, to drop it, {drop}",
                renamed.new.as_str(),
                renamed.statements(candidate.source, target)
            ),
            None => format!("if the source has dropped or renamed it, {drop}"),
        };
        format!(
            "only the target has the column \"{}\", which gets no values of the source; if it is the target's own, do nothing; \
             {what_to_do}",
            column.name.as_str(),
        )
    };
    LeftColumns { texts: left.iter().map(note).collect(), are_new: !were_left }
}
