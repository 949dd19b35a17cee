//! Masks of days and moments. Infinite ones stay what they are, and those at the ends of their type come a
//! little nearer.

use super::{ValueKind, bits};
use crate::sql::{Sql, sql};

/// Between these a year's beginning, and days beyond, are in every type.
const EARLIEST: &str = "'4600-01-01 BC'";
const LATEST: &str = "'290000-12-31'";

/// The first of January of the same year.
pub(super) fn year(kind: ValueKind, value: &Sql) -> Sql {
    let begin = match kind {
        ValueKind::Timestamptz => Sql::trusted("pg_catalog.timestamptz"),
        _ => Sql::trusted("pg_catalog.timestamp"),
    };
    let truncated = sql!(
        "pg_catalog.date_trunc('year', {value}::{begin})",
        value = near(kind, value),
        begin = begin
    );
    finite(kind, value, &truncated)
}

/// Up to so many days before or after, never none.
pub(super) fn shift(kind: ValueKind, value: &Sql, days: u32, hash: &Sql) -> Sql {
    // From -days to days - 1, and one more from nought on.
    let number = sql!(
        "({n} operator(pg_catalog.%) {both} operator(pg_catalog.-) {days})",
        n = bits(hash, 1, 7),
        both = days * 2,
        days = days
    );
    let number = sql!(
        "({n} operator(pg_catalog.+) case when {n} operator(pg_catalog.<) 0 then 0 else 1 end)",
        n = number
    );
    let near = near(kind, value);
    let moved = match kind {
        ValueKind::Date => sql!("{near} operator(pg_catalog.+) {n}", near = near, n = number),
        _ => sql!(
            "{near} operator(pg_catalog.+) ({n} operator(pg_catalog.*) '1 day'::pg_catalog.interval)",
            near = near,
            n = number
        ),
    };
    finite(kind, value, &moved)
}

fn name(kind: ValueKind) -> Sql {
    Sql::trusted(match kind {
        ValueKind::Date => "pg_catalog.date",
        ValueKind::Timestamptz => "pg_catalog.timestamptz",
        _ => "pg_catalog.timestamp",
    })
}

/// The value, or the nearest one from which one can go on.
fn near(kind: ValueKind, value: &Sql) -> Sql {
    sql!(
        "least(greatest({value}::{kind}, {earliest}::{kind}), {latest}::{kind})",
        value = value,
        kind = name(kind),
        earliest = Sql::trusted(EARLIEST),
        latest = Sql::trusted(LATEST),
    )
}

fn finite(kind: ValueKind, value: &Sql, masked: &Sql) -> Sql {
    sql!(
        "case when pg_catalog.isfinite({value}) then ({masked})::{kind} else {value}::{kind} end",
        value = value,
        masked = masked,
        kind = name(kind)
    )
}
