//! Masks as SQL expressions over a row of a table of the source. Each is deterministic, leaves NULL alone,
//! has the type of its column and raises no error, whatever the value.
//!
//! What is keyed is derived from one hash of the key, the mask's name and the value, so that a value masked
//! by one kind is equal in every table. The key is a setting of the session, which no statement shows.

mod json;
mod judge;
mod kind;
mod number;
mod text;
mod time;
mod trial;

pub use kind::{ValueKind, fits, unique_length};
pub use trial::{MaskTrial, SAMPLED, Sample, trial_without_rows};

use crate::ident::Ident;
use crate::rules::Mask;
use crate::schema_object::make::Type;
use crate::sql::user_expression::UserExpression;
use crate::sql::{Literal, Sql, sql};
use crate::table::Column;

/// The setting that holds the key.
pub const KEY_SETTING: &str = "pgsync.mask_key";

/// What comes in place of what cannot be masked in part.
const REDACTED: &str = "redacted";

/// By what values are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskHash {
    /// From PostgreSQL 11.
    Sha256,
    Md5,
}

/// One column that is masked.
#[derive(Clone, Copy, Debug)]
pub struct MaskedColumn<'a> {
    /// The name by which the table is called in the statement.
    pub table: &'a Ident,
    pub column: &'a Column,
    /// What tells the row apart.
    pub key: &'a [Ident],
    pub hash: MaskHash,
}

impl MaskedColumn<'_> {
    /// What is shown in place of the column's values.
    pub fn masked(&self, mask: &Mask) -> Sql {
        let value = self.value();
        let kind = ValueKind::of(self.column);
        let text = || sql!("{value}::pg_catalog.text", value = value);
        let masked = match mask {
            Mask::Null => return sql!("(null::{to})", to = self.kind()),
            Mask::Value(constant) => {
                sql!("{constant}::{to}", constant = Literal(constant), to = self.kind())
            }
            Mask::Sql(expression) => match UserExpression::parse(expression) {
                Ok(expression) => sql!("{e}", e = expression.at("")),
                // Refused before it comes to this.
                Err(_) => Sql::trusted("null"),
            },
            Mask::Empty => empty(kind),
            Mask::Redact => redacted(kind),
            Mask::Uuid if kind == ValueKind::Uuid => {
                sql!("{h}::pg_catalog.uuid", h = self.hash.hex(mask.name(), &text()))
            }
            Mask::Ip if kind != ValueKind::Text => self.address(&value, mask.name()),
            Mask::DateYear => time::year(kind, &value),
            Mask::DateShift { days, by } => {
                let by = by.as_ref().map_or(self.key, std::slice::from_ref);
                time::shift(kind, &value, *days, &self.hash.hex(mask.name(), &self.joined(by)))
            }
            Mask::NumberNoise { share } => {
                let hash = self.hash.hex(mask.name(), &self.joined(self.key));
                number::noise(&self.column.under_domains(), &value, share, &hash)
            }
            Mask::NumberRound { step } => number::round(&self.column.under_domains(), &value, step),
            Mask::Json(parts) => json::masked(kind, &value, parts, self.hash),
            _ => {
                self.shortened(text::masked(mask, &text(), self.hash).unwrap_or_else(|| sql!("''")))
            }
        };
        sql!(
            "(case when {value} is not null then {masked} end)::{to}",
            value = value,
            masked = masked,
            to = self.kind(),
        )
    }

    /// The column's value as it is.
    pub fn value(&self) -> Sql {
        sql!("{table}.{name}", table = self.table, name = self.column.name)
    }

    fn kind(&self) -> Type {
        Type {
            schema: Some(self.column.type_schema.clone()),
            name: self.column.type_name.clone(),
            array: false,
            modifier: self.column.type_modifier,
            printed: None,
        }
    }

    /// Cut to what the column takes.
    fn shortened(&self, text: Sql) -> Sql {
        let base = self.column.under_domains();
        let limited =
            base.type_modifier > 4 && matches!(base.type_name.as_str(), "varchar" | "bpchar");
        match limited {
            true => sql!(
                "pg_catalog.left({text}, {length})",
                text = text,
                length = i64::from(base.type_modifier - 4)
            ),
            false => text,
        }
    }

    /// The values of columns, one after the other.
    fn joined(&self, columns: &[Ident]) -> Sql {
        let values =
            columns.iter().map(|name| sql!("{table}.{name}", table = self.table, name = name));
        sql!(
            "pg_catalog.concat_ws(pg_catalog.chr(31), {values})",
            values = Sql::join(values.chain([Sql::trusted("''")]), ", ")
        )
    }

    /// Another address of the same network of 16 bits.
    fn address(&self, value: &Sql, domain: &'static str) -> Sql {
        let hash = self.hash.hex(domain, &sql!("pg_catalog.host({value})", value = value));
        let network = sql!(
            "pg_catalog.network(pg_catalog.set_masklen({value}::pg_catalog.inet, 16))",
            value = value
        );
        let address = sql!(
            "pg_catalog.set_masklen({network}::pg_catalog.inet operator(pg_catalog.+) {host}, \
             pg_catalog.masklen({value}::pg_catalog.inet))",
            network = network,
            host = sql!("{n}::pg_catalog.int8", n = bits(&hash, 1, 4)),
            value = value
        );
        if ValueKind::of(self.column) == ValueKind::Cidr {
            sql!("pg_catalog.network({address})::pg_catalog.cidr", address = address)
        } else {
            address
        }
    }
}

/// The version from which a server has `sha256`.
const SHA256: u32 = 110_000;

impl MaskHash {
    /// That of a server of this version.
    pub fn of(version: u32) -> Self {
        if version >= SHA256 { Self::Sha256 } else { Self::Md5 }
    }

    /// 32 hexadecimal digits for a text.
    pub fn hex(self, domain: &'static str, text: &Sql) -> Sql {
        let keyed = keyed(domain, text);
        match self {
            Self::Sha256 => sql!(
                "pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256({bytes}), 'hex'), 1, 32)",
                bytes = in_own_encoding(&keyed)
            ),
            Self::Md5 => sql!("pg_catalog.md5({keyed})", keyed = keyed),
        }
    }

    /// The same as 16 bytes, of which the first ones count.
    fn bytes(self, domain: &'static str, text: &Sql) -> Sql {
        let keyed = keyed(domain, text);
        match self {
            Self::Sha256 => sql!("pg_catalog.sha256({bytes})", bytes = in_own_encoding(&keyed)),
            Self::Md5 => sql!("pg_catalog.decode(pg_catalog.md5({keyed}), 'hex')", keyed = keyed),
        }
    }
}

/// A word that is another one for another key.
pub fn key_mark(hash: MaskHash) -> Sql {
    sql!("select {mark}", mark = hash.hex("key", &Sql::trusted("'pgsync'")))
}

/// The key first: whoever knows a hash of it cannot go on from there, for half of it is cut off.
fn keyed(domain: &'static str, text: &Sql) -> Sql {
    sql!(
        "((select pg_catalog.concat(pg_catalog.current_setting({setting}), pg_catalog.chr(31), {domain}, \
         pg_catalog.chr(31))) operator(pg_catalog.||) {text})",
        setting = Literal(KEY_SETTING),
        domain = Literal(domain),
        text = text
    )
}

/// The bytes that the database stores: recoding them could fail.
fn in_own_encoding(text: &Sql) -> Sql {
    sql!("pg_catalog.convert_to({text}, pg_catalog.getdatabaseencoding())", text = text)
}

/// The number that some digits of a hash are, seven at most: not negative.
fn bits(hash: &Sql, from: u32, digits: u32) -> Sql {
    sql!(
        "('x' operator(pg_catalog.||) pg_catalog.substr({hash}, {from}, {digits}))\
         ::pg_catalog.bit({bits})::pg_catalog.int4",
        hash = hash,
        from = from,
        digits = digits,
        bits = digits * 4,
    )
}

fn empty(kind: ValueKind) -> Sql {
    Sql::trusted(match kind {
        ValueKind::Integer | ValueKind::Numeric | ValueKind::Float => "'0'",
        ValueKind::Bool => "'false'",
        ValueKind::Json | ValueKind::Jsonb | ValueKind::Array | ValueKind::TextArray => "'{}'",
        _ => "''",
    })
}

fn redacted(kind: ValueKind) -> Sql {
    Sql::trusted(match kind {
        ValueKind::Json | ValueKind::Jsonb => "'\"redacted\"'",
        ValueKind::Xml => "'<redacted/>'",
        ValueKind::TextArray => "'{redacted}'",
        _ => "'redacted'",
    })
}

#[cfg(test)]
mod tests;
