//! PostgreSQL's own types: what pgsync concludes from the name of one, and what its modifier limits.

use Fact::{EqualPrintsAlike, Impersonal, SameBinary, WrittenHere};

use crate::table::Column;

/// A built-in type with its modifier (`atttypmod`), -1 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltinType<'a> {
    pub name: &'a str,
    pub modifier: i32,
}

impl<'a> BuiltinType<'a> {
    /// The type of a table's column; none where it is not built in.
    pub fn of_column(column: &'a Column) -> Option<Self> {
        let (name, modifier) = (column.type_name.as_str(), column.type_modifier);
        column.is_built_in().then_some(Self { name, modifier })
    }
}

/// What is true of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Its equality is identity: equal values print alike.
    EqualPrintsAlike,
    /// Its binary form is the same in every version, and names nothing that one server numbers
    /// otherwise than another, as `regclass` does.
    SameBinary,
    /// pgsync itself writes its binary form, where the source is no server.
    WrittenHere,
    /// Its values are no words of people, and no kind of value that a mask of its own is for.
    Impersonal,
}

struct Known {
    name: &'static str,
    facts: &'static [Fact],
}

const fn known(name: &'static str, facts: &'static [Fact]) -> Known {
    Known { name, facts }
}

/// Every type of which something is concluded, in the order of the alphabet.
const TYPES: &[Known] = &[
    known("_bool", &[Impersonal]),
    known("_date", &[Impersonal]),
    known("_float4", &[Impersonal]),
    known("_float8", &[Impersonal]),
    known("_int2", &[Impersonal]),
    known("_int4", &[Impersonal]),
    known("_int8", &[Impersonal]),
    known("_numeric", &[Impersonal]),
    known("_timestamp", &[Impersonal]),
    known("_timestamptz", &[Impersonal]),
    known("_uuid", &[Impersonal]),
    known("bit", &[EqualPrintsAlike, SameBinary, Impersonal]),
    known("bool", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("bpchar", &[SameBinary, WrittenHere]),
    known("bytea", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("char", &[EqualPrintsAlike, Impersonal]),
    known("cidr", &[SameBinary]),
    known("date", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("daterange", &[Impersonal]),
    known("float4", &[SameBinary, WrittenHere]),
    known("float8", &[SameBinary, WrittenHere]),
    known("inet", &[SameBinary]),
    known("int2", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("int4", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("int4range", &[Impersonal]),
    known("int8", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("int8range", &[Impersonal]),
    known("interval", &[SameBinary, Impersonal]),
    known("json", &[SameBinary, WrittenHere]),
    known("jsonb", &[SameBinary]),
    known("macaddr", &[EqualPrintsAlike, SameBinary]),
    known("macaddr8", &[EqualPrintsAlike]),
    known("money", &[Impersonal]),
    known("name", &[EqualPrintsAlike]),
    known("numeric", &[SameBinary]),
    known("numrange", &[Impersonal]),
    known("oid", &[EqualPrintsAlike, Impersonal]),
    known("pg_lsn", &[EqualPrintsAlike, Impersonal]),
    known("text", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("time", &[EqualPrintsAlike, SameBinary, WrittenHere, Impersonal]),
    known("timestamp", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("timestamptz", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("timetz", &[SameBinary, Impersonal]),
    known("tsrange", &[Impersonal]),
    known("tstzrange", &[Impersonal]),
    known("uuid", &[EqualPrintsAlike, SameBinary, WrittenHere]),
    known("varbit", &[EqualPrintsAlike, SameBinary, Impersonal]),
    known("varchar", &[EqualPrintsAlike, SameBinary, WrittenHere]),
];

/// Whether it is true of the built-in type of this name, as `pg_type.typname` has it.
pub fn is(name: &str, fact: Fact) -> bool {
    TYPES.iter().any(|known| known.name == name && known.facts.contains(&fact))
}

/// What a modifier leaves to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumericLimits {
    /// Digits in all.
    pub precision: i32,
    /// Digits behind the point; may be negative.
    pub scale: i32,
}

impl NumericLimits {
    /// `atttypmod` of numeric is `((precision << 16) | scale) + 4`.
    pub fn of_modifier(modifier: i32) -> Self {
        let bits = modifier - 4;
        Self { precision: (bits >> 16) & 0xffff, scale: ((bits & 0x7ff) ^ 0x400) - 0x400 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_stand_in_order_and_once() {
        assert!(TYPES.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn what_pgsync_writes_means_the_same_to_every_server() {
        let written = TYPES.iter().filter(|known| known.facts.contains(&WrittenHere));
        assert!(written.clone().count() > 0);
        assert!(written.map(|known| known.name).all(|name| is(name, SameBinary)));
    }

    #[test]
    fn a_modifier_of_numeric_is_a_precision_and_a_scale() {
        let modifier = |precision: i32, scale: i32| ((precision << 16) | (scale & 0x7ff)) + 4;
        for (precision, scale) in [(8, 2), (1000, 0), (3, -2)] {
            let limits = NumericLimits::of_modifier(modifier(precision, scale));
            assert_eq!(limits, NumericLimits { precision, scale });
        }
    }
}
