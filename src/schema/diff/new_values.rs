//! What rows that are there get in a column that is added, where a dry run can tell: a constant, or NULL where the type of
//! a user has no default. Anything else would have to be computed, and functions of users do more than that.

use crate::ident::{Ident, TableName};
use crate::schema::diff::DiffInput;
use crate::schema::diff::other_domains::{domain, type_named};
use crate::schema_object::{ColumnDefinition, Kind};
use crate::sql::view::AddedValue;

/// What all rows have in a column that a table of the run gets.
#[derive(Clone, Debug, PartialEq)]
pub struct NewValue {
    /// The table, by its name on the source.
    pub table: TableName,
    pub column: Ident,
    pub value: AddedValue,
}

impl DiffInput<'_> {
    /// Of all new columns of which it is known. That one of a built-in type without a default has NULL goes without saying.
    pub(super) fn new_values(&self) -> Vec<NewValue> {
        let tables = self.source.objects.iter().filter(|object| object.kind == Kind::Table);
        let pairs = tables.filter_map(|table| {
            let root = table.name.as_ref().filter(|name| self.selected.contains(name))?;
            Some((root, table.definition.as_ref()?, self.there(table)?.definition.as_ref()?))
        });
        let values = pairs.flat_map(|(root, here, there)| {
            let new = here.columns.iter().filter(|column| there.column(&column.name).is_none());
            new.filter_map(|column| {
                let null = || self.is_null_at_first(column).then_some(AddedValue::Null);
                let value = constant(column).map(AddedValue::Constant).or_else(null)?;
                Some(NewValue { table: root.clone(), column: column.name.clone(), value })
            })
        });
        values.collect()
    }

    /// Whether nothing gives a value to a column of a user's type. A domain may have a default that its columns do not show.
    fn is_null_at_first(&self, column: &ColumnDefinition) -> bool {
        let is_computed =
            column.default.is_some() || column.generated.is_some() || column.identity.is_some();
        if is_computed || column.built_in.is_some() {
            return false;
        }
        let mut kind = &column.kind;
        while let Some(own) = type_named(self.source, kind).and_then(domain).filter(|_| !kind.array)
        {
            if own.default.is_some() {
                return false;
            }
            kind = &own.base;
        }
        true
    }
}

/// The default of a column, if it is a constant of the column's own type that the type does not change.
fn constant(column: &ColumnDefinition) -> Option<String> {
    let (kind, default) = (column.built_in.as_deref()?, column.default.as_ref()?.as_str());
    let is_kept = column.modifier == -1 || kind == "varchar";
    if !is_kept || kind.starts_with("reg") {
        return None;
    }
    let is_number =
        |also: &[char]| default.chars().all(|c| c.is_ascii_digit() || also.contains(&c));
    let is_plain = match kind {
        "bool" => matches!(default, "true" | "false"),
        "int2" | "int4" | "int8" => is_number(&[]),
        "numeric" => is_number(&['.']),
        _ => false,
    };
    if is_plain {
        return Some(default.to_owned());
    }
    let quoted = default.strip_prefix('\'')?;
    let (text, cast) = quoted.rsplit_once("'::")?;
    let is_one = !text.replace("''", "").contains('\'');
    let is_own = cast == column.type_text || kind == "varchar" && cast == "character varying";
    (is_one && is_own).then(|| text.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_constant_of_the_columns_own_type_is_told() {
        let cases = [
            ("bool", "boolean", "false", Some("false")),
            ("int4", "integer", "12", Some("12")),
            ("int4", "integer", "1.5", None),
            ("int4", "integer", "'-1'::integer", Some("-1")),
            ("int4", "integer", "'1.5'::numeric", None),
            ("text", "text", "'it''s'::text", Some("it's")),
            ("text", "text", "'a'::text || 'b'::text", None),
            ("varchar", "character varying(9)", "'a'::character varying", Some("a")),
            ("timestamptz", "timestamp with time zone", "now()", None),
            ("_text", "text[]", "'{}'::text[]", Some("{}")),
            ("regclass", "regclass", "'a'::regclass", None),
        ];
        for (kind, type_text, default, expected) in cases {
            let column = ColumnDefinition {
                built_in: Some(kind.to_owned()),
                type_text: type_text.to_owned(),
                modifier: -1,
                default: Some(serde_json::from_value(default.into()).expect("an expression")),
                ..ColumnDefinition::default()
            };
            assert_eq!(constant(&column).as_deref(), expected, "{default}");
        }
    }
}
