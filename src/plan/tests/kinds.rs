//! Which types hold which values.

use super::column;
use crate::plan::kinds::{cast, is_same_in_binary, modifier_fits, same_type, widens};
use crate::sql::mapping::Cast;

/// `atttypmod` of numeric(precision, scale), and of a length.
const fn numeric(precision: i32, scale: i32) -> i32 {
    ((precision << 16) | (scale & 0x7ff)) + 4
}

#[test]
fn a_type_without_a_limit_takes_what_one_with_a_limit_has() {
    let cases = [
        ("varchar", 14, -1, true),
        ("varchar", -1, 14, true),
        ("bpchar", 8, 12, true),
        ("bpchar", 12, 8, false),
        ("bpchar", -1, 8, false),
        ("timestamptz", -1, 3, false),
        ("timestamptz", -1, 6, true),
        ("timestamptz", 3, 4, true),
        ("timestamptz", 4, 3, false),
        ("numeric", numeric(8, 2), numeric(10, 2), true),
        ("numeric", numeric(8, 2), numeric(10, 4), true),
        ("numeric", numeric(8, 2), numeric(9, 4), false),
        ("numeric", numeric(8, 4), numeric(10, 2), false),
        ("numeric", -1, numeric(38, 10), false),
        ("numeric", numeric(3, -2), numeric(5, 0), true),
        ("_numeric", numeric(8, 2), numeric(10, 2), true),
        ("interval", 0, 1, false),
    ];
    for (name, from, to, fits) in cases {
        assert_eq!(modifier_fits(name, from, to), fits, "{name} from {from} to {to}");
    }
}

#[test]
fn another_type_holds_every_value_or_is_refused() {
    let cases = [
        ("int2", "int4", true),
        ("int4", "int2", false),
        ("int8", "float8", false),
        ("int4", "float8", true),
        ("float4", "float8", true),
        ("float8", "numeric", false),
        ("varchar", "text", true),
        ("jsonb", "text", true),
        ("text", "jsonb", false),
        ("date", "timestamptz", true),
        ("timestamptz", "timestamp", false),
        ("cidr", "inet", true),
        ("inet", "cidr", false),
    ];
    for (from, to, holds) in cases {
        let (here, there) = (column("c", from, -1), column("c", to, -1));
        assert_eq!(widens(&here, &there), holds, "{from} into {to}");
        assert!(!same_type(&here, &there), "{from} and {to}");
    }
    let limited = column("c", "numeric", numeric(10, 0));
    assert!(!widens(&column("c", "int4", -1), &limited), "a limited numeric rounds");
}

#[test]
fn a_value_is_cast_only_where_it_prints_otherwise() {
    let cases = [
        ("int4", -1, "int4", -1, None),
        ("int4", -1, "int8", -1, Some("pg_catalog.\"int8\"")),
        ("numeric", -1, "numeric", numeric(10, 4), Some("pg_catalog.numeric(10,4)")),
        ("numeric", numeric(10, 4), "numeric", numeric(10, 4), None),
        ("bpchar", 7, "bpchar", 12, Some("pg_catalog.bpchar(8)")),
        ("varchar", 9, "varchar", 12, None),
        ("bool", -1, "text", -1, Some("pg_catalog.\"text\"")),
        ("jsonb", -1, "text", -1, Some("printed")),
        ("bpchar", -1, "text", -1, Some("printed")),
        ("bpchar", 7, "text", -1, Some("pg_catalog.\"text\"")),
    ];
    for (from, own, to, theirs, expected) in cases {
        let found = cast(&column("c", from, own), &column("c", to, theirs));
        let found = found.map(|cast| match cast {
            Cast::To(to) => to.as_str().to_owned(),
            Cast::Printed => "printed".to_owned(),
        });
        assert_eq!(found.as_deref(), expected, "{from} ({own}) into {to} ({theirs})");
    }
}

#[test]
fn binary_forms_travel_of_types_that_are_the_same_everywhere() {
    for (name, plain) in [("int4", true), ("_uuid", true), ("regclass", false), ("xml", false)] {
        assert_eq!(is_same_in_binary(name), plain, "{name}");
    }
}
