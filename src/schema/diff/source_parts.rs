//! Which indexes, constraints and partitions the source has had, as the log remembers it: what only the target has, and
//! the source never had, was made by somebody else, and is no change of the source's.

use std::collections::{BTreeSet, HashMap};

use crate::ident::TableName;
use crate::plan::digest;
use crate::schema::diff::DiffInput;
use crate::schema_object::{Kind, Object, OwnedSequence};

/// How much of a digest is kept of each.
const LENGTH: usize = 8;

/// By table of the source: what it has had, in digests of their titles. Of a table without it nothing is known.
pub type SourceParts = HashMap<TableName, BTreeSet<String>>;

/// The digests as the log has them.
pub fn parse(text: &str) -> BTreeSet<String> {
    text.split(' ').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The text of [`parse`].
pub fn text(parts: &BTreeSet<String>) -> String {
    parts.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Whether the source has not had what has this title so far, as far as that is known.
pub fn is_new(known: &SourceParts, root: &TableName, title: &str) -> bool {
    known.get(root).is_some_and(|parts| !parts.contains(&short(title)))
}

impl DiffInput<'_> {
    /// Whether the source has never had it, as far as that is known.
    pub(super) fn is_of_target_alone(&self, there: &Object, root: &TableName) -> bool {
        is_new(self.source_parts, root, &there.title())
    }

    /// Whether this is remembered of the table.
    pub(super) fn is_known_part(&self, table: &Object, title: &str) -> bool {
        let known = table.root.as_ref().and_then(|root| self.source_parts.get(root));
        known.is_some_and(|parts| parts.contains(&short(title)))
    }

    /// The same of a sequence.
    pub(super) fn is_sequence_of_target_alone(
        &self,
        owned: &OwnedSequence,
        root: &TableName,
    ) -> bool {
        is_new(self.source_parts, root, &title_of(owned))
    }

    /// What is to be remembered of the tables of which that is something new. What only the target has when the memory
    /// begins may have been the source's.
    pub(super) fn new_source_parts(&self) -> SourceParts {
        let is_part = |object: &&Object| {
            let kind = object.kind;
            let is_kind = matches!(kind, Kind::Key | Kind::Index | Kind::Check | Kind::Statistics)
                || matches!(kind, Kind::ForeignKey | Kind::Partition);
            let is_kind = is_kind || kind == Kind::Table;
            is_kind && !object.needs.iter().any(|need| need.starts_with("attached/"))
        };
        let mut all = SourceParts::new();
        for table in self.wanted() {
            let known = self.source_parts.get(table).cloned().unwrap_or_default();
            all.insert(table.clone(), known);
        }
        let here = self.source.objects.iter().filter(is_part);
        let here = here.filter_map(|part| Some((part.root.clone()?, part)));
        let there = self.target.objects.iter().filter(is_part);
        let there = there.filter_map(|part| Some((self.source_name(part.root.as_ref()?), part)));
        let there = there.filter(|(root, _)| !self.source_parts.contains_key(root));
        for (root, part) in here.chain(there) {
            if let Some(parts) = all.get_mut(&root) {
                match part.kind {
                    Kind::Table => {
                        parts.extend(sequences(part));
                        parts.extend(self.held_columns(part).iter().map(|title| short(title)));
                    }
                    _ => drop(parts.insert(short(&part.title()))),
                }
            }
        }
        for (title, root) in &self.source.uncarried {
            if let Some(parts) = root.as_ref().and_then(|root| all.get_mut(root)) {
                parts.insert(short(title));
            }
        }
        all.retain(|root, parts| self.source_parts.get(root) != Some(parts));
        all
    }
}

/// Those of the sequences that a table's columns own.
fn sequences(table: &Object) -> impl Iterator<Item = String> {
    let owned = table.definition.iter().flat_map(|definition| &definition.owns);
    owned.map(|owned| short(&title_of(owned)))
}

/// As [`Object::title`] has it.
pub(super) fn title_of(owned: &OwnedSequence) -> String {
    format!("sequence {}", owned.sequence.printed())
}

fn short(title: &str) -> String {
    digest(title).chars().take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_are_written() {
        for written in ["", "00c0ffee", "00c0ffee 12345678"] {
            assert_eq!(text(&parse(written)), written);
        }
    }
}
