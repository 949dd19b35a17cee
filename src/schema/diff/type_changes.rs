//! Which types of a column a server changes without touching its rows: lengths, precisions and the
//! like that grow. <https://www.postgresql.org/docs/current/sql-altertable.html>, notes.

use crate::builtin_type::{BuiltinType, NumericLimits};
use crate::schema_object::ColumnDefinition;

/// The type of a column's definition; none where it is not built in.
pub fn type_of_definition(column: &ColumnDefinition) -> Option<BuiltinType<'_>> {
    let name = column.built_in.as_deref()?;
    Some(BuiltinType { name, modifier: column.modifier })
}

/// Whether `there` becomes `here` without a look at the rows, and holds more then.
pub fn in_place(here: BuiltinType<'_>, there: BuiltinType<'_>) -> bool {
    if here == there {
        return false;
    }
    let (to, from) = (here.modifier, there.modifier);
    let longer = to == -1 || from != -1 && to > from;
    match (there.name, here.name) {
        ("varchar", "varchar") | ("varbit", "varbit") => longer,
        ("timestamp", "timestamp") | ("timestamptz", "timestamptz") => longer,
        ("time", "time") | ("timetz", "timetz") => longer,
        ("numeric", "numeric") => to == -1 || from != -1 && same_scale(from, to) && to > from,
        ("varchar", "text") | ("cidr", "inet") => true,
        _ => false,
    }
}

fn same_scale(from: i32, to: i32) -> bool {
    NumericLimits::of_modifier(from).scale == NumericLimits::of_modifier(to).scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_without_a_rewrite() {
        let numeric = |precision: i32, scale: i32| ((precision << 16) | scale) + 4;
        let cases = [
            ("varchar", 24, "varchar", 44, true),
            ("varchar", 44, "varchar", 24, false),
            ("varchar", 24, "varchar", -1, true),
            ("varchar", -1, "varchar", 24, false),
            ("varchar", 24, "text", -1, true),
            ("text", -1, "varchar", 24, false),
            ("varbit", 8, "varbit", 9, true),
            ("numeric", numeric(6, 2), "numeric", numeric(9, 2), true),
            ("numeric", numeric(6, 2), "numeric", numeric(9, 3), false),
            ("numeric", numeric(6, 2), "numeric", -1, true),
            ("numeric", -1, "numeric", numeric(6, 2), false),
            ("timestamptz", 3, "timestamptz", 6, true),
            ("timestamptz", 3, "timestamptz", -1, true),
            ("cidr", -1, "inet", -1, true),
            // A rewrite each.
            ("int4", -1, "int8", -1, false),
            ("bpchar", 8, "bpchar", 9, false),
            ("bpchar", 8, "text", -1, false),
            ("text", -1, "text", -1, false),
        ];
        for (name, modifier, wider, to, expected) in cases {
            let there = BuiltinType { name, modifier };
            let here = BuiltinType { name: wider, modifier: to };
            assert_eq!(in_place(here, there), expected, "{there:?} to {here:?}");
        }
    }
}
