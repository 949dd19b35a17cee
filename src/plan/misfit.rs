//! What is said of a column of the target that cannot take the source's values, with the statement that settles it.

use super::composition::Misfit as TypeMisfit;
use super::kinds::{Conversion, conversion, same_type, widens};
use crate::ident::{Ident, TableName};
use crate::rules::{Ddl, TableRules};
use crate::schema_object::text::Name;
use crate::sql::user_types;
use crate::table::{Column, Table, TypeKind, TypePart};

/// What may be advised for a table of the target.
pub(super) struct Advice<'a> {
    table: &'a TableName,
    rules: &'a TableRules,
}

impl<'a> Advice<'a> {
    /// Of the target's table, which `rules` are about.
    pub fn new(target: &'a Table, rules: &'a TableRules) -> Self {
        Self { table: &target.name, rules }
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
        let drops = conversion(&to, &from) == Conversion::Impossible;
        Problem::OtherType(Retype { differs, change: self.retype(here, there), drops })
    }

    /// What gives the column the source's type, as a part of ALTER TABLE.
    fn retype(&self, here: &Column, there: &Column) -> String {
        let (column, kind) = (there.name.typed(), here.typed());
        let (from, to) = (here.under_domains(), there.under_domains());
        let default = if there.has_default {
            format!("alter column {column} drop default, ")
        } else {
            String::new()
        };
        let change = format!("alter column {column} type {kind}");
        let converts = same_type(&to, &from) || widens(&to, &from);
        // A domain may take no NULL.
        let may_be_null = !there.not_null && from.type_text == here.type_text;
        match conversion(&to, &from) {
            Conversion::Impossible if self.rules.ddl == Ddl::None => {
                format!("drop column {column}, add column {column} {kind}")
            }
            Conversion::Impossible => format!("drop column {column}"),
            Conversion::Assigned if converts || !may_be_null => change,
            Conversion::Assigned => format!("{change} using null::{kind}"),
            // The values come from the source anyway, and those of the target may be no values of the type.
            Conversion::Cast if may_be_null => format!("{default}{change} using null::{kind}"),
            Conversion::Cast => format!("{default}{change} using {column}::{kind}"),
        }
    }

    /// What is said of all columns of other types, with one statement.
    fn other_types(&self, columns: &[Retype]) -> String {
        let differs: Vec<&str> = columns.iter().map(|one| one.differs.as_str()).collect();
        let changes: Vec<&str> = columns.iter().map(|one| one.change.as_str()).collect();
        let reset = if may_ask_for_reset(self.rules) { "use -ddl reset, or " } else { "" };
        let comes_back = columns.iter().any(|one| one.drops) && self.rules.ddl != Ddl::None;
        let is_emptied = columns.iter().any(|one| one.change.contains(" using null::"));
        let then = match (comes_back, is_emptied) {
            (true, _) => ", and the next run creates again what is dropped",
            (false, true) => ", which empties the column until the next run fills it",
            (false, false) => "",
        };
        format!(
            "{}, and the target's type has to be the same, or a wider one: {reset}run on the target{then}: alter table {} {}",
            differs.join(", "),
            self.table.typed(),
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
    /// What changes it, as a part of ALTER TABLE.
    change: String,
    /// Whether that drops it.
    drops: bool,
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
