//! What is said of a column of the target that cannot take the source's values, with the statement that settles it.

use super::composition::Misfit as TypeMisfit;
use super::kinds::{Conversion, conversion, same_type, widens};
use crate::ident::{Ident, TableName};
use crate::rules::{Ddl, TableRules};
use crate::schema_object::text::Name;
use crate::sql::user_types;
use crate::table::{Column, Table, TypeKind, TypePart};

/// Begins what is said of a column that is dropped, and that a run adds again.
pub const COMES_BACK: &str = "the next run creates";

/// What may be advised for a table of the target.
pub(super) struct Advice<'a> {
    table: &'a TableName,
    /// The composite type that gives it its columns.
    of_type: Option<&'a str>,
    rules: &'a TableRules,
}

impl<'a> Advice<'a> {
    /// Of the target's table, which `rules` are about.
    pub fn new(target: &'a Table, rules: &'a TableRules) -> Self {
        Self { table: &target.name, of_type: target.of_type.as_deref(), rules }
    }

    /// Of a column that the source has, and that has to travel.
    pub fn missing(&self, here: &Column) -> String {
        format!(
            "column \"{name}\" is missing on the target: let pgsync add it (-ddl additive), or run on the target: \
             alter table {table} add column {column} {kind}",
            name = here.name.as_str(),
            table = self.table.typed(),
            column = here.name.typed(),
            kind = here.typed()
        )
    }

    /// Of a column that the target alone computes.
    pub fn computed_there(&self, there: &Column) -> String {
        format!(
            "column \"{}\" is generated on the target only, so the source's values cannot be kept there: run on the \
             target: alter table {} alter column {} drop expression",
            there.name.as_str(),
            self.table.typed(),
            there.name.typed()
        )
    }

    /// Of a column of a type that may not stand for the source's.
    pub fn other_type(&self, here: &Column, there: &Column) -> Problem {
        let (from, to) = (here.under_domains(), there.under_domains());
        let differs = format!(
            "column \"{}\" is {} on the source and {} on the target",
            there.name.as_str(),
            shown(here, &from),
            shown(there, &to)
        );
        if let Some(rename) = renamed_type(here, there) {
            return Problem::Told(format!(
                "{differs}: if the source has renamed the type, run on the target: {rename}"
            ));
        }
        let change = match self.of_type {
            Some(_) => retype_attribute(here, there),
            None => self.retype(here, there),
        };
        Problem::OtherType(Retype { differs, change })
    }

    /// What gives the column the source's type, as a part of ALTER TABLE.
    fn retype(&self, here: &Column, there: &Column) -> Change {
        let (column, kind) = (there.name.typed(), here.typed());
        let (from, to) = (here.under_domains(), there.under_domains());
        let default = if there.has_default {
            format!("alter column {column} drop default, ")
        } else {
            String::new()
        };
        let change = format!("alter column {column} type {kind}");
        let converts = same_type(&to, &from) || widens(&to, &from);
        let may_be_null = may_be_null(here, there);
        match conversion(&to, &from) {
            Conversion::Impossible if self.rules.ddl == Ddl::None => {
                Effect::Empties.of(format!("drop column {column}, add column {column} {kind}"))
            }
            Conversion::Impossible => Effect::Drops.of(format!("drop column {column}")),
            Conversion::Assigned if converts || !may_be_null => Effect::Keeps.of(change),
            Conversion::Assigned => Effect::Empties.of(format!("{change} using null::{kind}")),
            // The values come from the source anyway, and those of the target may be no values of the type.
            Conversion::Cast if may_be_null => {
                Effect::Empties.of(format!("{default}{change} using null::{kind}"))
            }
            Conversion::Cast => {
                Effect::Keeps.of(format!("{default}{change} using {column}::{kind}"))
            }
        }
    }

    /// What is said of all columns of other types, with one statement.
    fn other_types(&self, columns: &[Retype]) -> String {
        let differs: Vec<&str> = columns.iter().map(|one| one.differs.as_str()).collect();
        let changes: Vec<&str> = columns.iter().map(|one| one.change.text.as_str()).collect();
        // A run does not alter the type of a table.
        let may_reset = self.of_type.is_none() && may_ask_for_reset(self.rules);
        let reset = if may_reset { "use -ddl reset, or " } else { "" };
        let then = match columns.iter().map(|one| one.change.effect).max() {
            Some(Effect::Drops) => format!(", and {COMES_BACK} again what is dropped"),
            Some(Effect::Empties) => {
                ", which empties the column until the next run fills it".into()
            }
            _ => String::new(),
        };
        let altered = match self.of_type {
            Some(kind) => format!("type {kind}"),
            None => format!("table {}", self.table.typed()),
        };
        format!(
            "{}, and the target's type has to be the same, or a wider one: {reset}run on the target{then}: alter {altered} {}",
            differs.join(", "),
            changes.join(", ")
        )
    }

    /// What is said of all columns that keep a table from being synced.
    pub fn told(&self, problems: Vec<Problem>) -> String {
        let (mut told, mut retyped) = (Vec::new(), Vec::new());
        for problem in problems {
            match problem {
                Problem::Told(text) => told.push(text),
                Problem::OtherType(retype) => retyped.push(retype),
            }
        }
        told.extend((!retyped.is_empty()).then(|| self.other_types(&retyped)));
        told.join("; ")
    }
}

/// Why a column of the target cannot take the source's values.
pub(super) enum Problem {
    /// In words, with what settles it.
    Told(String),
    OtherType(Retype),
}

/// A column that is to get another type.
pub(super) struct Retype {
    /// How it differs, in words.
    differs: String,
    change: Change,
}

/// What gives a column another type.
struct Change {
    /// A part of ALTER TABLE, or of ALTER TYPE.
    text: String,
    effect: Effect,
}

/// What becomes of a column's values when it gets another type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Keeps,
    /// Until the next run fills the column.
    Empties,
    /// With the column, which the next run creates again.
    Drops,
}

impl Effect {
    fn of(self, text: String) -> Change {
        Change { text, effect: self }
    }
}

/// Whether its values may be NULL for a while: a domain may take none.
fn may_be_null(here: &Column, there: &Column) -> bool {
    !there.not_null && here.under_domains().type_text == here.type_text
}

/// What gives the column of a table of a composite type the source's type, as a part of ALTER TYPE.
fn retype_attribute(here: &Column, there: &Column) -> Change {
    let (column, kind) = (there.name.typed(), here.typed());
    let (from, to) = (here.under_domains(), there.under_domains());
    let converts = same_type(&to, &from) || widens(&to, &from) || !may_be_null(here, there);
    if converts && conversion(&to, &from) == Conversion::Assigned {
        return Effect::Keeps.of(format!("alter attribute {column} type {kind} cascade"));
    }
    let again = format!("drop attribute {column} cascade, add attribute {column} {kind} cascade");
    Effect::Empties.of(again)
}

/// Whether it is of use to ask for -ddl reset: a table after rules is never rebuilt, nor one whose rows may not all go.
pub(super) fn may_ask_for_reset(rules: &TableRules) -> bool {
    let may_go = rules.deletes && rules.max_delete.is_none();
    rules.ddl != Ddl::Reset && rules.shaping().is_none() && may_go
}

/// Of a column whose type of the user is made otherwise.
pub(super) fn other_parts(column: &Ident, misfit: &TypeMisfit) -> String {
    let remedy = match &misfit.remedy {
        Some(statement) => format!("run on the target: {statement}"),
        None => "alter the type on the target".to_owned(),
    };
    format!(
        "column \"{}\" is {}, so its values would be others: {remedy}",
        column.as_str(),
        misfit.what
    )
}

/// A type as people read it, a domain with what is under it.
fn shown(column: &Column, base: &Column) -> String {
    if base.type_text == column.type_text {
        return column.type_text.clone();
    }
    format!("{} (a domain over {})", column.type_text, base.type_text)
}

/// Whether enums may be one, some of whose labels have other names: at least half of them are where they were.
pub fn are_labels_of_one(here: &[String], there: &[String]) -> bool {
    let same = here.iter().zip(there).filter(|(here, there)| here == there).count();
    here.len() == there.len() && same * 2 >= here.len()
}

/// The statements that rename a type of the user, where both sides' differ in nothing but names.
fn renamed_type(here: &Column, there: &Column) -> Option<String> {
    let (here, there) = (element(here)?, element(there)?);
    let names = |part: &TypePart| -> Vec<Option<Ident>> {
        part.members.iter().map(|member| member.name.clone()).collect()
    };
    let under = |part: &TypePart| -> Vec<String> {
        part.members.iter().map(|member| member.text.clone()).collect()
    };
    let is_same = match (here.kind, there.kind) {
        (TypeKind::Enum, TypeKind::Enum) => are_labels_of_one(&here.labels, &there.labels),
        (TypeKind::Composite, TypeKind::Composite) => names(here) == names(there),
        (TypeKind::Domain, TypeKind::Domain) | (TypeKind::Range, TypeKind::Range) => {
            under(here) == under(there) && here.rules == there.rules
        }
        _ => false,
    };
    let name = TableName { schema: there.schema.clone(), name: there.name.clone() };
    let noun = if here.kind == TypeKind::Domain { "domain" } else { "type" };
    let rename = format!("alter {noun} {} rename to {}", name.typed(), here.name.typed());
    let renamed = Name { schema: Some(there.schema.clone()), name: here.name.clone() };
    let labels = here.labels.iter().zip(&there.labels).filter(|(here, there)| here != there);
    let labels = labels.map(|(here, there)| user_types::rename_label(&renamed, there, here));
    let labels = labels.map(|rename| format!("; {}", rename.as_str()));
    (is_same && here.name != there.name)
        .then(|| std::iter::once(rename).chain(labels).collect::<String>())
}

/// The type of a column, or of the elements of an array.
fn element(column: &Column) -> Option<&TypePart> {
    let part = |oid: u32| column.parts.iter().find(|part| part.oid == oid);
    let own = part(column.type_oid)?;
    match own.kind {
        TypeKind::Array => part(own.members.first()?.oid),
        _ => Some(own),
    }
}
