//! Columns of which the target keeps another type: they are named with the statement that changes them. Expressions
//! that use such a column are worded by its type: those are compared as far as both wordings can mean the same.

use super::changed_objects::{Finding, Severity, is_same};
use super::expression_eq::names;
use super::table_diff::{TypeRelation, typing};
use super::type_changes::{in_place, type_of_definition};
use crate::schema::diff::DiffInput;
use crate::schema_object::texts::PlacedText;
use crate::schema_object::{ColumnDefinition, Kind, Object, TableDefinition};
use crate::sql::ddl;
use crate::sql::user_types::{self, AttributeChange};

/// One table of both sides.
#[derive(Clone, Copy)]
struct TablePair<'d> {
    here: &'d TableDefinition,
    there: &'d TableDefinition,
}

/// A column of both sides.
#[derive(Clone, Copy)]
pub(super) struct ColumnPair<'d> {
    pub here: &'d ColumnDefinition,
    pub there: &'d ColumnDefinition,
}

/// The columns that both sides have of a table.
pub(super) fn columns_of_both<'d>(
    here: &'d Object,
    there: &'d Object,
) -> impl Iterator<Item = ColumnPair<'d>> {
    TablePair::of(here, there).into_iter().flat_map(TablePair::columns)
}

impl DiffInput<'_> {
    /// Whether two objects that are not the same differ in what they mean: expressions are worded by the types of their
    /// columns, indexes by whether there are partitions.
    pub(super) fn is_comparable(&self, object: &Object, there: &Object) -> bool {
        let table = object.table.as_ref().and_then(|id| self.source.find(Kind::Table, id));
        let tables = table.and_then(|table| TablePair::of(table, self.there(table)?));
        tables.is_some_and(|tables| {
            let words = tables.can_be_compared(object, there);
            words && tables.here.partition_by.is_some() == tables.there.partition_by.is_some()
        })
    }

    /// What is said of columns of which the target keeps another type.
    pub(super) fn kept_types(&self, table: &Object, there: &Object) -> Vec<Finding> {
        // A partition's columns are its parent's.
        let is_partition = table.definition.as_ref().is_some_and(|one| one.partition);
        let columns = columns_of_both(table, there).filter(|_| !is_partition);
        let kept = columns.filter(ColumnPair::is_kept);
        let said = kept.map(|column| {
            // Nothing comes of it, so that a run says it once.
            let title = column.held_title();
            let is_known = title.is_some_and(|title| self.is_known_part(table, &title));
            let weight = if is_known { Severity::Ahead } else { Severity::Type };
            Finding::new(weight, self.kept_type(table, column))
        });
        said.collect()
    }

    /// Names of what is said of a table's columns once.
    pub(super) fn held_columns(&self, table: &Object) -> Vec<String> {
        let columns = self.there(table).into_iter().flat_map(|there| columns_of_both(table, there));
        columns.filter(ColumnPair::is_kept).filter_map(|column| column.held_title()).collect()
    }

    /// What is said of one, with the statement that gives it the source's type.
    pub(super) fn kept_type(&self, table: &Object, column: ColumnPair<'_>) -> String {
        let until = match self.uncompared(table, column) {
            parts if parts.is_empty() => String::new(),
            parts => format!("; until then not compared: {}", parts.join(", ")),
        };
        let of = self.there(table).and_then(|there| there.definition.as_ref()?.of.as_ref());
        let retyped = match of {
            Some(kind) => user_types::change_attributes(kind, &column.retyped_attribute()),
            None if column.is_alike() => ddl::widen(&table.at, column.here),
            None => ddl::retype(&table.at, column.here, column.there),
        };
        // The values that the target has may be none of the domain's, until the source's are there.
        let when = if self.is_checked_domain(column.here) {
            "when a run has brought the rows, "
        } else {
            ""
        };
        let held = if column.is_held() { ", which holds all its values" } else { "" };
        format!(
            "column {}.{} is {} on the source and {} on the target{held}; to change it, {when}run on the target: {}{until}",
            table.id,
            column.here.name.as_str(),
            column.here.type_text,
            column.there.type_text,
            self.pasted(retyped.as_str()),
        )
    }

    /// What of the table may be another thing on the target, and cannot be told because of the column.
    fn uncompared(&self, table: &Object, column: ColumnPair<'_>) -> Vec<String> {
        let own = self.source.objects.iter().filter(|part| part.table.as_ref() == Some(&table.id));
        let parts = own.filter(|part| !part.kind.comes_first()).filter(|part| {
            let there = self.there(part).filter(|there| !is_same(part, there));
            there.is_some_and(|there| !column.is_alike() && column.is_named(&texts(part, there)))
        });
        parts.map(Object::title).collect()
    }
}

fn texts(here: &Object, there: &Object) -> Vec<PlacedText> {
    here.texts().into_iter().chain(there.texts()).collect()
}

impl<'d> TablePair<'d> {
    fn of(here: &'d Object, there: &'d Object) -> Option<Self> {
        Some(Self { here: here.definition.as_ref()?, there: there.definition.as_ref()? })
    }

    fn columns(self) -> impl Iterator<Item = ColumnPair<'d>> {
        let pair = move |here: &'d ColumnDefinition| {
            Some(ColumnPair { here, there: self.there.column(&here.name)? })
        };
        self.here.columns.iter().filter_map(pair)
    }

    /// Whether no text of the two names a column that the target lacks, or has with a type that words it otherwise.
    fn can_be_compared(self, object: &Object, there: &Object) -> bool {
        let texts = texts(object, there);
        let lacks = |column: &&ColumnDefinition| self.there.column(&column.name).is_none();
        let mut missing = self.here.columns.iter().filter(lacks);
        let mut retyped = self.columns().filter(|column| column.is_retyped() && !column.is_alike());
        !retyped.any(|column| column.is_named(&texts))
            && !missing.any(|column| is_named(column, &texts))
    }
}

impl<'d> ColumnPair<'d> {
    fn is_retyped(&self) -> bool {
        self.here.type_text != self.there.type_text
    }

    /// Whether expressions over both mean the same, however they are worded.
    fn is_alike(&self) -> bool {
        typing(self.here, Some(self.there)) == TypeRelation::Alike
    }

    fn is_named(&self, texts: &[PlacedText]) -> bool {
        is_named(self.here, texts)
    }

    /// Whether the target's type holds all values of the source's, and prints them alike.
    fn is_held(&self) -> bool {
        const INTEGERS: [&str; 3] = ["int2", "int4", "int8"];
        let types = type_of_definition(self.here).zip(type_of_definition(self.there));
        types.is_some_and(|(here, there)| {
            let rank = |name: &str| INTEGERS.iter().position(|one| *one == name);
            let ranks = rank(here.name).zip(rank(there.name));
            in_place(there, here) || ranks.is_some_and(|(here, there)| here < there)
        })
    }

    /// Names the difference where the target's type holds all values.
    fn held_title(&self) -> Option<String> {
        let name = || format!("type {} of column {}", self.here.type_text, self.here.name.as_str());
        self.is_held().then(name)
    }

    /// What gives it the source's type where a composite type gives the table its columns.
    pub(super) fn retyped_attribute(&self) -> Vec<AttributeChange<'d>> {
        let reversed = Self { here: self.there, there: self.here };
        if self.is_alike() || self.is_held() || reversed.is_held() {
            return vec![AttributeChange::Retype(self.here)];
        }
        vec![AttributeChange::Drop(&self.there.name), AttributeChange::Add(self.here)]
    }

    /// Whether the target's type grows to the source's, and no row is written again.
    pub(super) fn grows(&self) -> bool {
        let types = type_of_definition(self.here).zip(type_of_definition(self.there));
        types.is_some_and(|(here, there)| in_place(here, there))
    }

    /// Whether its type stays, and is known: the target may call a type of its own otherwise. A child follows its parent,
    /// and what is computed is compared by its expression.
    fn is_kept(&self) -> bool {
        self.is_changed_here() && !self.grows() && self.is_known()
    }

    /// Whether one of its types is built in.
    pub(super) fn is_known(&self) -> bool {
        self.here.built_in.is_some() || self.there.built_in.is_some()
    }

    /// Whether it has another type, and gets that by a statement of its own.
    pub(super) fn is_changed_here(&self) -> bool {
        let is_plain = self.here.generated.is_none() && self.there.generated.is_none();
        self.is_retyped() && self.here.local && is_plain
    }
}

fn is_named(column: &ColumnDefinition, texts: &[PlacedText]) -> bool {
    texts.iter().any(|one| names(one.text.as_str(), column.name.as_str()))
}
