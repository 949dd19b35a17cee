//! What differs in the form of a table that both sides have: how its columns are computed and sorted,
//! and how its rows are kept. Values that are computed otherwise are never passed over.

use super::changed_objects::{Finding, Severity, THEN};
use super::expression_eq::{differ_in_casts_only, names};
use super::type_changes::{in_place, type_of_definition};
use crate::ident::Ident;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::make::Make;
use crate::schema_object::text::Name;
use crate::schema_object::{ColumnDefinition, Kind, Object, TableDefinition};
use crate::sql::ddl;
use crate::sql::objects;

pub(super) fn have_same_types(here: &Object, there: &Object) -> bool {
    let (Some(here), Some(there)) = (&here.definition, &there.definition) else { return false };
    let mut pairs = here.columns.iter().map(|own| (own, there.column(&own.name)));
    pairs.all(|(own, other)| other.is_some_and(|other| own.type_text == other.type_text))
}

/// What differs in a table's form.
pub(super) fn forms(
    object: &Object,
    there: &Object,
    version: u32,
    lacks_functions: bool,
) -> Vec<Finding> {
    let (Some(here), Some(other)) = (&object.definition, &there.definition) else {
        return Vec::new();
    };
    let tables = TablePair { object, here, there: other, version, lacks_functions };
    let of_column = |own: &ColumnDefinition| {
        tables.computed(own).or_else(|| form(object, own, other.column(&own.name)?))
    };
    let mut found: Vec<Finding> = here.columns.iter().filter_map(of_column).collect();
    let layout = |definition: &TableDefinition| match &definition.partition_by {
        Some(by) => {
            let strategy = format!("{:?}", by.strategy).to_uppercase();
            format!("partitioned by {strategy} ({})", by.key.as_str())
        }
        None => "not partitioned".to_owned(),
    };
    if here.unlogged != other.unlogged {
        let word =
            |definition: &TableDefinition| if definition.unlogged { "unlogged" } else { "logged" };
        let text = format!(
            "table {} is {} on the source and {} on the target",
            object.id,
            word(here),
            word(other)
        );
        let statement = ddl::set_unlogged(&object.at, here.unlogged).as_str().to_owned();
        let remedy = here.partition_by.is_none().then_some(statement);
        found.push(Finding { remedy, ..Finding::new(Severity::Form, text) });
    }
    if here.partition_by != other.partition_by {
        let text = format!(
            "table {} is {} on the source and {} on the target",
            object.id,
            layout(here),
            layout(other)
        );
        found.push(Finding::new(Severity::Form, text));
    }
    found
}

fn form(object: &Object, own: &ColumnDefinition, other: &ColumnDefinition) -> Option<Finding> {
    let column = format!("column {}.{}", object.id, own.name.as_str());
    if own.type_text != other.type_text || own.collation == other.collation {
        return None;
    }
    let of = |definition: &ColumnDefinition| {
        definition.collation.as_ref().map_or_else(|| "default".to_owned(), Name::to_string)
    };
    let (here, there) = (of(own), of(other));
    let text = format!("{column} has the collation {here} on the source and {there} on the target");
    Some(Finding::new(Severity::Form, text))
}

/// A table as both sides define it.
struct TablePair<'d> {
    object: &'d Object,
    here: &'d TableDefinition,
    there: &'d TableDefinition,
    /// The target's.
    version: u32,
    /// Whether the target lacks a function that the table needs.
    lacks_functions: bool,
}

impl TablePair<'_> {
    /// A column that both sides compute, otherwise or of other types.
    fn computed(&self, own: &ColumnDefinition) -> Option<Finding> {
        let other = self.there.column(&own.name)?;
        let (text, other_text) =
            (own.generated.as_ref()?.as_str(), other.generated.as_ref()?.as_str());
        let uses = |column: &&ColumnDefinition| {
            let name = column.name.as_str();
            column.name == own.name || names(text, name) || names(other_text, name)
        };
        let used = self.here.columns.iter().filter(uses);
        let used: Vec<TypeRelation> =
            used.map(|column| typing(column, self.there.column(&column.name))).collect();
        let name = format!("column {}.{}", self.object.id, own.name.as_str());
        if text == other_text {
            // Types alone can round otherwise.
            let (mine, theirs) = (&own.type_text, &other.type_text);
            let others = used.contains(&TypeRelation::Other);
            return (rounds(own, other) || others).then(|| {
                let text = format!(
                    "{name} is generated as {text} of other types: it is {mine} on the source and {theirs} \
                     on the target"
                );
                let remedy = (!others).then(|| self.recompute(own));
                Finding { remedy, ..Finding::new(Severity::Values, text) }
            });
        }
        // Of other types the same expression is worded otherwise.
        let is_same = used.contains(&TypeRelation::Alike)
            && !rounds(own, other)
            && used.iter().all(|typing| matches!(typing, TypeRelation::Same | TypeRelation::Alike))
            && differ_in_casts_only(text, other_text);
        (!is_same).then(|| {
            let said = format!(
                "{name} is generated as {text} on the source and as {other_text} on the target"
            );
            match self.renamed(text, other_text) {
                Some(renamed) => renamed.finding(said),
                None => Finding {
                    remedy: Some(self.recompute(own)),
                    ..Finding::new(Severity::Values, said)
                },
            }
        })
    }

    fn recompute(&self, own: &ColumnDefinition) -> String {
        if self.lacks_functions {
            let drop = ddl::drop_column(&self.object.at, &own.name);
            return format!("{}{THEN}the column and what it needs", drop.as_str());
        }
        ddl::recompute(&self.object.at, own, self.version).as_str().to_owned()
    }

    /// The column that the source's expression reads, if the target's reads one of another name in its place.
    fn renamed(&self, text: &str, other_text: &str) -> Option<RenamedColumn<'_>> {
        let here = own_column(self.here, self.there, text)?;
        let there = own_column(self.there, self.here, other_text)?;
        let renamed =
            RenamedColumn { table: &self.object.at, here: &here.name, there: &there.name };
        (here.type_text == there.type_text).then_some(renamed)
    }
}

/// The one column that the text names and the others do not have.
fn own_column<'d>(
    own: &'d TableDefinition,
    others: &TableDefinition,
    text: &str,
) -> Option<&'d ColumnDefinition> {
    let is_own = |column: &&ColumnDefinition| others.column(&column.name).is_none();
    let mut named = own.columns.iter().filter(is_own).filter(|own| names(text, own.name.as_str()));
    named.next().filter(|_| named.next().is_none())
}

/// A column that seems to have another name on the target.
struct RenamedColumn<'d> {
    table: &'d Name,
    here: &'d Ident,
    there: &'d Ident,
}

impl RenamedColumn<'_> {
    fn finding(&self, said: String) -> Finding {
        let Self { table, here, there } = self;
        let text = format!(
            "{said}, which has no column \"{}\" (\"{}\" may be it)",
            here.as_str(),
            there.as_str()
        );
        let rename = ddl::rename_column(table, there, here);
        Finding { remedy: Some(rename.as_str().to_owned()), ..Finding::new(Severity::Values, text) }
    }
}

impl DiffInput<'_> {
    /// Columns that only the source computes: the target gets their values.
    pub(super) fn plain_columns(&self, object: &Object, there: &Object) -> Vec<Finding> {
        let pair = object.definition.as_ref().zip(there.definition.as_ref());
        let Some((here, there)) = pair.filter(|_| self.version >= ddl::STORED_GENERATED) else {
            return Vec::new();
        };
        // A partition's columns, and inherited ones, are those of a parent.
        let is_plain = |own: &&ColumnDefinition| {
            own.generated.is_some()
                && own.local
                && !here.partition
                && there.column(&own.name).is_some_and(|other| other.generated.is_none())
        };
        let found = here.columns.iter().filter(is_plain).map(|own| {
            let text = format!(
                "column {}.{} is generated on the source and not on the target, which keeps its values; to change that, run: {}",
                object.id,
                own.name.as_str(),
                self.pasted(ddl::recompute(&object.at, own, self.version).as_str())
            );
            Finding::new(Severity::Part, text)
        });
        found.collect()
    }

    /// Before PostgreSQL 16 a child computes what its parent computes, whatever it is told.
    pub(super) fn refuse_own_expressions(&self, schema_plan: &mut SchemaPlan) {
        if self.version >= ddl::GENERATED_OF_CHILDREN {
            return;
        }
        let is_new = |table: &&Object| table.kind == Kind::Table && self.there(table).is_none();
        for table in self.source.objects.iter().filter(is_new) {
            let root = table.root.as_ref().filter(|root| self.selected.contains(root));
            let Some((root, definition)) = root.zip(table.definition.as_ref()) else { continue };
            let own = |column: &&ColumnDefinition| {
                column.generated.is_some() && column.computes_otherwise
            };
            if let Some(column) = definition.columns.iter().find(own) {
                let text = format!(
                    "column {}.{} is generated in another way than its parent's, which the target can have from \
                     PostgreSQL 16 on: make them alike on the source, or exclude the table",
                    table.id,
                    column.name.as_str()
                );
                schema_plan.blocked.push((root.clone(), text));
            }
        }
    }
}

/// How two columns' types stand to each other in an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TypeRelation {
    Same,
    /// Values of both are computed with alike.
    Alike,
    /// They may be rounded, divided or printed otherwise.
    Other,
    /// Not to be told: of users' types, or missing.
    Unknown,
}

pub(super) fn typing(own: &ColumnDefinition, other: Option<&ColumnDefinition>) -> TypeRelation {
    let Some(other) = other else { return TypeRelation::Unknown };
    if own.type_text == other.type_text {
        return TypeRelation::Same;
    }
    let (Some(here), Some(there)) = (own.built_in.as_deref(), other.built_in.as_deref()) else {
        return TypeRelation::Unknown;
    };
    let families: [&[&str]; 2] = [&["varchar", "text"], &["int2", "int4", "int8"]];
    let related = families.iter().any(|family| family.contains(&here) && family.contains(&there));
    // Of one type with other limits: rows that do not fit fail before.
    if related || here == there { TypeRelation::Alike } else { TypeRelation::Other }
}

/// Whether the same value may be kept otherwise in the two. What is only shorter raises an error.
fn rounds(own: &ColumnDefinition, other: &ColumnDefinition) -> bool {
    let Some((here, there)) = type_of_definition(own).zip(type_of_definition(other)) else {
        return false;
    };
    let same_scale = || in_place(here, there) || in_place(there, here);
    match (here.name, there.name) {
        ("numeric", "numeric") => {
            let limited = here.modifier != -1 && there.modifier != -1;
            here != there && !(limited && same_scale())
        }
        (one, same) if one == same => {
            let is_time = matches!(one, "timestamp" | "timestamptz" | "time" | "timetz");
            here != there && (is_time || matches!(one, "interval" | "bpchar" | "bit"))
        }
        _ => typing(own, Some(other)) == TypeRelation::Other,
    }
}

/// Another place of a partition of the same name.
pub(super) fn bounds(object: &Object, there: &Object) -> Option<Finding> {
    let here = objects::definition(object).into_iter().next()?;
    (object.make != there.make).then(|| {
        let here = here.as_str();
        // Not as a statement: it has to be detached before.
        let here = here.strip_prefix("alter table only ").unwrap_or(here);
        let parent = |make: &Option<Make>| match make {
            Some(Make::Partition { parent, .. }) => Some(parent.clone()),
            _ => None,
        };
        let is_moved = parent(&object.make) != parent(&there.make);
        let what = if is_moved { "another parent" } else { "other bounds" };
        let text = format!("partition {} has {what} on the source ({here})", object.id);
        Finding::new(Severity::Form, text)
    })
}
