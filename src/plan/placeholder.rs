//! Values that take a row out of the way of a unique index or an exclusion constraint, for the length
//! of a transaction: where unique values move between rows that cannot be deleted and inserted again.

use crate::plan::references::References;
use crate::sql::mapping::PlanColumn;
use crate::sql::mapping::{Placeholder, PlaceholderValue};
use crate::table::{Column, Table, Unique};

/// A placeholder for each way in which two rows must not be alike, where there is one.
pub fn placeholders(
    target: &Table,
    columns: &[PlanColumn],
    references: &References,
) -> Vec<Placeholder> {
    let mut chosen: Vec<Placeholder> = Vec::new();
    for unique in &target.uniques {
        if unique.columns.iter().any(|name| chosen.iter().any(|other| &other.column == name)) {
            continue;
        }
        let fillers = unique.columns.iter().filter_map(|name| {
            let column = target.column(name)?;
            let settable = columns.iter().any(|planned| &planned.name == name && planned.updatable);
            let filler = filler(column, unique, settable.then_some(references)?, target)?;
            Some(Placeholder { column: name.clone(), filler })
        });
        // NULL fits every type and every expression.
        chosen
            .extend(fillers.min_by_key(|placeholder| placeholder.filler != PlaceholderValue::Null));
    }
    chosen
}

fn filler(
    column: &Column,
    unique: &Unique,
    references: &References,
    target: &Table,
) -> Option<PlaceholderValue> {
    let keys = || references.target.iter();
    let referenced =
        keys().any(|key| key.parent == target.name && key.parent_columns.contains(&column.name));
    let refers =
        keys().any(|key| key.child == target.name && key.child_columns.contains(&column.name));
    let checked = references.are_writes_checked(&target.name);
    if !column.not_null && (unique.nulls_distinct || unique.exclusion) && !(checked && referenced) {
        return Some(PlaceholderValue::Null);
    }
    if checked && (referenced || refers) { None } else { invented(column, unique) }
}

/// A value by the column's type.
fn invented(column: &Column, unique: &Unique) -> Option<PlaceholderValue> {
    let modifier = u32::try_from(column.type_modifier.saturating_sub(4)).unwrap_or(0);
    let length = if modifier == 0 { 32 } else { modifier.min(32) };
    match column.type_name.as_str() {
        "text" | "varchar" | "bpchar" | "name" | "citext" => {
            Some(PlaceholderValue::Text { length })
        }
        "uuid" => Some(PlaceholderValue::Uuid),
        "bytea" => Some(PlaceholderValue::Bytes),
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" => {
            Some(PlaceholderValue::Number)
        }
        "date" => Some(PlaceholderValue::Day),
        "timestamp" | "timestamptz" => Some(PlaceholderValue::Moment),
        range if unique.exclusion && range.ends_with("range") => Some(PlaceholderValue::Empty),
        _ => None,
    }
}
