//! What is said of a column of the target that cannot take the source's values, with the statement that settles it.

use super::composition::Misfit as TypeMisfit;
use super::kinds::{Conversion, conversion};
use crate::ident::{Ident, TableName};
use crate::rules::{Ddl, TableRules};
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

    /// Of a column whose type cannot hold every value.
    pub fn other_type(&self, here: &Column, there: &Column) -> String {
        let (from, to) = (here.under_domains(), there.under_domains());
        let differs = format!(
            "column \"{}\" is {} on the source and {} on the target",
            there.name.as_str(),
            shown(here, &from),
            shown(there, &to)
        );
        if let Some(rename) = renamed_type(here, there) {
            return format!(
                "{differs}: if the source has renamed the type, run on the target: {rename}"
            );
        }
        let reset = if may_ask_for_reset(self.rules) { "use -ddl reset, or " } else { "" };
        format!(
            "{differs}, which cannot hold every value: {reset}{}",
            self.retype(here, there, conversion(&to, &from))
        )
    }

    /// The statement that gives the column the source's type.
    fn retype(&self, here: &Column, there: &Column, conversion: Conversion) -> String {
        let (table, column, kind) = (self.table.typed(), there.name.typed(), here.typed());
        let default = if there.has_default {
            format!("alter column {column} drop default, ")
        } else {
            String::new()
        };
        match conversion {
            Conversion::Assigned => {
                format!("run on the target: alter table {table} alter column {column} type {kind}")
            }
            Conversion::Cast => format!(
                "run on the target: alter table {table} {default}alter column {column} type {kind} using \
                 {column}::{kind}"
            ),
            Conversion::Impossible if self.rules.ddl == Ddl::None => format!(
                "run on the target: alter table {table} drop column {column}, add column {column} {kind}"
            ),
            Conversion::Impossible => format!(
                "run on the target, and the next run creates the column again: alter table {table} drop column {column}"
            ),
        }
    }
}

/// Whether it is of use to ask for -ddl reset: a table after rules is never rebuilt.
pub(super) fn may_ask_for_reset(rules: &TableRules) -> bool {
    rules.ddl != Ddl::Reset && rules.shaping().is_none()
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

/// The statement that renames a type of the user, where both sides' differ in nothing but the name.
fn renamed_type(here: &Column, there: &Column) -> Option<String> {
    let (here, there) = (element(here)?, element(there)?);
    let names = |part: &TypePart| -> Vec<Option<Ident>> {
        part.members.iter().map(|member| member.name.clone()).collect()
    };
    let is_same = match (here.kind, there.kind) {
        (TypeKind::Enum, TypeKind::Enum) => here.labels == there.labels,
        (TypeKind::Composite, TypeKind::Composite) => names(here) == names(there),
        _ => false,
    };
    let name = TableName { schema: there.schema.clone(), name: there.name.clone() };
    (is_same && here.name != there.name)
        .then(|| format!("alter type {} rename to {}", name.typed(), here.name.typed()))
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
