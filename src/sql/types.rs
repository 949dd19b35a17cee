//! Types of columns in statements, made of their names and modifiers.

use std::fmt;

use crate::ident::Ident;
use crate::schema_object::make::Type;
use crate::sql::{Fragment, Literal};

impl Fragment for Type {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema.as_ref().is_some_and(|schema| schema.as_str() == "pg_catalog") {
            built_in(&self.name, self.modifier, f)?;
        } else {
            if let Some(schema) = &self.schema {
                write!(f, "{}.", schema.quoted())?;
            }
            f.write_str(&self.name.quoted())?;
            limits(self.printed.as_deref().unwrap_or_default(), f)?;
        }
        f.write_str(if self.array { "[]" } else { "" })
    }
}

/// `(Point,4326)`, as a type of an extension prints them. Constants are taken as well as names.
fn limits(printed: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let inside = printed.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let Some(inside) = inside else { return Ok(()) };
    for (place, item) in inside.split(',').enumerate() {
        f.write_str(if place == 0 { "(" } else { ", " })?;
        match item.trim().parse::<i32>() {
            Ok(number) => write!(f, "{number}")?,
            Err(_) => Literal(item.trim()).write(f)?,
        }
    }
    f.write_str(")")
}

/// A type of `pg_catalog` with its limits: in SQL's own words where it has some.
pub fn built_in(name: &Ident, modifier: i32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let limited = modifier >= 0;
    // Lengths are kept with the four bytes of a header.
    let length = modifier - 4;
    match name.as_str() {
        "bool" => f.write_str("boolean"),
        "int2" => f.write_str("smallint"),
        "int4" => f.write_str("integer"),
        "int8" => f.write_str("bigint"),
        "float4" => f.write_str("real"),
        "float8" => f.write_str("double precision"),
        "numeric" if limited => {
            let scale = ((length & 0x7ff) ^ 0x400) - 0x400; // may be negative
            write!(f, "numeric({}, {scale})", (length >> 16) & 0xffff)
        }
        "numeric" => f.write_str("numeric"),
        "varchar" if limited => write!(f, "character varying({length})"),
        "varchar" => f.write_str("character varying"),
        "bpchar" if limited => write!(f, "character({length})"),
        "bit" if limited => write!(f, "bit({modifier})"),
        "varbit" if limited => write!(f, "bit varying({modifier})"),
        "varbit" => f.write_str("bit varying"),
        "timestamp" if limited => write!(f, "timestamp({modifier}) without time zone"),
        "timestamp" => f.write_str("timestamp without time zone"),
        "timestamptz" if limited => write!(f, "timestamp({modifier}) with time zone"),
        "timestamptz" => f.write_str("timestamp with time zone"),
        "time" if limited => write!(f, "time({modifier}) without time zone"),
        "time" => f.write_str("time without time zone"),
        "timetz" if limited => write!(f, "time({modifier}) with time zone"),
        "timetz" => f.write_str("time with time zone"),
        "interval" if limited => match ((modifier >> 16) & 0x7fff, modifier & 0xffff) {
            (0x7fff, precision) => write!(f, "interval({precision})"),
            // By their bits: `interval day to second`.
            (fields, 0xffff) => write!(f, "pg_catalog.\"interval\"({fields})"),
            (fields, precision) => write!(f, "pg_catalog.\"interval\"({fields}, {precision})"),
        },
        "interval" => f.write_str("interval"),
        // Behind its schema any plain word is a name.
        word if word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) => {
            write!(f, "pg_catalog.{word}")
        }
        _ => write!(f, "pg_catalog.{}", name.quoted()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Sql, sql};

    fn printed(schema: &str, name: &str, modifier: i32, printed: &str) -> Sql {
        let kind = Type {
            schema: (!schema.is_empty()).then(|| Ident::new(schema)),
            name: Ident::new(name),
            array: false,
            modifier,
            printed: Some(printed.to_owned()),
        };
        sql!("{kind}", kind = kind)
    }

    #[test]
    fn a_type_is_made_of_its_name_and_numbers() {
        let cases = [
            ("pg_catalog", "numeric", ((12 << 16) | 4) + 4, "", "numeric(12, 4)"),
            ("pg_catalog", "numeric", ((3 << 16) | 0x7fe) + 4, "", "numeric(3, -2)"),
            ("pg_catalog", "numeric", -1, "", "numeric"),
            ("pg_catalog", "bpchar", -1, "", "pg_catalog.bpchar"),
            ("pg_catalog", "bpchar", 7, "", "character(3)"),
            ("pg_catalog", "bit", -1, "", "pg_catalog.bit"),
            ("pg_catalog", "timestamptz", 3, "(3) …", "timestamp(3) with time zone"),
            ("pg_catalog", "interval", (0x7fff << 16) | 2, "", "interval(2)"),
            ("pg_catalog", "interval", (4 << 16) | 0xffff, "", "pg_catalog.\"interval\"(4)"),
            ("pg_catalog", "text; drop table x", -1, "", "pg_catalog.\"text; drop table x\""),
            ("", "mood", -1, "", "\"mood\""),
            ("gis", "geometry", 4, "(Point,4326)", "\"gis\".\"geometry\"('Point', 4326)"),
            ("gis", "geometry", 4, "(1); drop table x", "\"gis\".\"geometry\""),
            ("gis", "geometry", 4, "(1'))", "\"gis\".\"geometry\"('1'')')"),
        ];
        for (schema, name, modifier, limits, expected) in cases {
            assert_eq!(printed(schema, name, modifier, limits).as_str(), expected);
        }
    }
}
