//! Masks of numbers. What would leave the column's range stays at its end.

use super::bits;
use crate::sql::{Literal, Sql, sql};
use crate::table::Column;

/// Changed by a share that the hash says, up to `share` either way.
pub(super) fn noise(column: &Column, value: &Sql, share: &str, hash: &Sql) -> Sql {
    // From -1 to 1 in steps of 2^-27.
    let part = sql!(
        "({n}::pg_catalog.{to} operator(pg_catalog./) 134217728 operator(pg_catalog.-) 1)",
        n = bits(hash, 1, 7),
        to = working_type(column)
    );
    let factor = sql!(
        "(1 operator(pg_catalog.+) ({part} operator(pg_catalog.*) {share}::pg_catalog.{to}))",
        part = part,
        share = Literal(share),
        to = working_type(column)
    );
    let near = in_range(column, &working(column, value));
    let moved = sql!("{near} operator(pg_catalog.*) {factor}", near = near, factor = factor);
    finished(column, value, moved)
}

/// The nearest multiple of `step`.
pub(super) fn round(column: &Column, value: &Sql, step: &str) -> Sql {
    let step = sql!("{step}::pg_catalog.{to}", step = Literal(step), to = working_type(column));
    let near = in_range(column, &working(column, value));
    let rounded = sql!(
        "pg_catalog.round({near} operator(pg_catalog./) {step}) operator(pg_catalog.*) {step}",
        near = near,
        step = step
    );
    finished(column, value, rounded)
}

/// Whether noise of this share moves a value so far that it hardly ever comes out as it was: by five hundred
/// units of its last digit, and within the range.
pub(super) fn moves(column: &Column, value: &Sql, share: &str) -> Sql {
    let number = working(column, value);
    let size = sql!("pg_catalog.abs({number})", number = number);
    if is_float(column) {
        return sql!(
            "({size} operator(pg_catalog.>) 1e-30 and {size} operator(pg_catalog.<) 1e36)",
            size = size
        );
    }
    sql!(
        "({size} operator(pg_catalog.*) {share}::pg_catalog.numeric operator(pg_catalog.>=) (500 operator(pg_catalog.*) \
         pg_catalog.power(10::pg_catalog.numeric, 0 operator(pg_catalog.-) pg_catalog.scale({number}))) \
         and {size} operator(pg_catalog.*) 2 operator(pg_catalog.<) {greatest}::pg_catalog.numeric)",
        size = size,
        share = Literal(share),
        number = number,
        greatest = Literal(&range(column)[1]),
    )
}

/// Whether a value is no multiple of the step, so that rounding changes it.
pub(super) fn is_between_steps(column: &Column, value: &Sql, step: &str) -> Sql {
    let number = working(column, value);
    let size = sql!("pg_catalog.abs({number})", number = number);
    let step = sql!("{step}::pg_catalog.{to}", step = Literal(step), to = working_type(column));
    if is_float(column) {
        return sql!(
            "({size} operator(pg_catalog.<) 1e15 and {number} operator(pg_catalog./) {step} operator(pg_catalog.<>) \
             pg_catalog.round({number} operator(pg_catalog./) {step}))",
            size = size,
            number = number,
            step = step
        );
    }
    // What is no number has no scale.
    sql!(
        "(pg_catalog.scale({number}) is not null and {number} operator(pg_catalog.%) {step} operator(pg_catalog.<>) 0 \
         and {size} operator(pg_catalog.+) {step} operator(pg_catalog.<) {greatest}::pg_catalog.numeric)",
        number = number,
        step = step,
        size = size,
        greatest = Literal(&range(column)[1]),
    )
}

fn is_float(column: &Column) -> bool {
    column.type_name.as_str().starts_with("float")
}

/// In what is computed: no step of it is beyond this type.
fn working_type(column: &Column) -> Sql {
    Sql::trusted(if is_float(column) { "float8" } else { "numeric" })
}

fn working(column: &Column, value: &Sql) -> Sql {
    sql!("{value}::pg_catalog.{to}", value = value, to = working_type(column))
}

/// The least and the greatest that the column takes, or that can be computed with.
fn range(column: &Column) -> [String; 2] {
    let of = |text: &str| [format!("-{text}"), text.to_owned()];
    match column.type_name.as_str() {
        "int2" => ["-32768".to_owned(), "32767".to_owned()],
        "int4" => ["-2147483648".to_owned(), "2147483647".to_owned()],
        "int8" => ["-9223372036854775808".to_owned(), "9223372036854775807".to_owned()],
        "float4" => of("1e37"),
        "float8" => of("1e300"),
        _ if column.type_modifier >= 4 => {
            let bits = column.type_modifier - 4;
            let (precision, scale) = ((bits >> 16) & 0xffff, ((bits & 0x7ff) ^ 0x400) - 0x400);
            of(&format!("{}e{}", "9".repeat(precision.max(1) as usize), -scale))
        }
        // As many digits as no sum and no product of it is beyond.
        _ => of("1e100000"),
    }
}

fn in_range(column: &Column, number: &Sql) -> Sql {
    let [least, greatest] = range(column);
    sql!(
        "least(greatest({number}, {least}::pg_catalog.{to}), {greatest}::pg_catalog.{to})",
        number = number,
        least = Literal(&least),
        greatest = Literal(&greatest),
        to = working_type(column)
    )
}

/// With as many decimals as the value has, in the range. What is no number stays so.
fn finished(column: &Column, value: &Sql, number: Sql) -> Sql {
    let number =
        if is_float(column) { in_range(column, &number) } else { rounded(column, value, &number) };
    match column.type_name.as_str() {
        "int2" | "int4" | "int8" => number,
        _ => sql!(
            "case when {value}::pg_catalog.text operator(pg_catalog.=) any (array['NaN', 'Infinity', '-Infinity']) \
             then {value}::pg_catalog.{to} else {number} end",
            value = value,
            number = number,
            to = working_type(column)
        ),
    }
}

fn rounded(column: &Column, value: &Sql, number: &Sql) -> Sql {
    let scale = match column.type_name.as_str() {
        "numeric" => sql!("coalesce(pg_catalog.scale({value}), 0)", value = value),
        _ => Sql::trusted("0"),
    };
    let rounded = sql!("pg_catalog.round({number}, {scale})", number = number, scale = scale);
    in_range(column, &rounded)
}
