//! Which masks are for which columns.

use super::json;
use crate::rules::Mask;
use crate::table::Column;

/// What a column holds, as far as masks tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Text,
    Uuid,
    Inet,
    Cidr,
    Integer,
    Numeric,
    Float,
    Date,
    Timestamp,
    Timestamptz,
    Json,
    Jsonb,
    Bool,
    Bytes,
    Xml,
    TextArray,
    Array,
    Other,
}

impl ValueKind {
    /// That of a column, a domain's by what is under it.
    pub fn of(column: &Column) -> Self {
        let base = column.under_domains();
        let name = base.type_name.as_str();
        if !base.is_built_in() {
            return if name == "citext" { Self::Text } else { Self::Other };
        }
        match name {
            "text" | "varchar" | "bpchar" | "name" => Self::Text,
            "uuid" => Self::Uuid,
            "inet" => Self::Inet,
            "cidr" => Self::Cidr,
            "int2" | "int4" | "int8" => Self::Integer,
            "numeric" => Self::Numeric,
            "float4" | "float8" => Self::Float,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            "timestamptz" => Self::Timestamptz,
            "json" => Self::Json,
            "jsonb" => Self::Jsonb,
            "bool" => Self::Bool,
            "bytea" => Self::Bytes,
            "xml" => Self::Xml,
            "_text" | "_varchar" => Self::TextArray,
            _ if name.starts_with('_') => Self::Array,
            _ => Self::Other,
        }
    }

    /// Whether people are told by what such values say: what has to be masked or kept.
    pub fn is_telling(self) -> bool {
        !matches!(
            self,
            Self::Uuid
                | Self::Integer
                | Self::Numeric
                | Self::Float
                | Self::Date
                | Self::Timestamp
                | Self::Timestamptz
                | Self::Bool
        )
    }
}

/// Whether a mask has values for a column of this kind.
pub fn fits(mask: &Mask, kind: ValueKind) -> bool {
    use ValueKind::*;
    match mask {
        Mask::Null | Mask::Value(_) | Mask::Sql(_) => true,
        Mask::Empty => {
            !matches!(kind, Uuid | Inet | Cidr | Date | Timestamp | Timestamptz | Xml | Other)
        }
        Mask::Redact => matches!(kind, Text | Json | Jsonb | Xml | TextArray),
        Mask::Uuid => matches!(kind, Uuid | Text),
        Mask::Ip => matches!(kind, Inet | Cidr | Text),
        Mask::Card => matches!(kind, Text | Numeric),
        Mask::DateYear | Mask::DateShift { .. } => matches!(kind, Date | Timestamp | Timestamptz),
        Mask::NumberNoise { .. } | Mask::NumberRound { .. } => {
            matches!(kind, Integer | Numeric | Float)
        }
        Mask::Json(parts) => {
            matches!(kind, Json | Jsonb) && parts.iter().all(|(_, part)| json::takes(part))
        }
        Mask::Hash { .. }
        | Mask::Email
        | Mask::Text
        | Mask::Lorem
        | Mask::NameFirst
        | Mask::NameLast
        | Mask::NameFull
        | Mask::Phone
        | Mask::Url => kind == Text,
    }
}

/// How many characters a mask gives that keeps different values apart.
pub fn unique_length(mask: &Mask) -> Option<i32> {
    match mask {
        Mask::Hash { digits } => Some(i32::from(*digits)),
        Mask::Email => Some(37),
        Mask::Uuid => Some(36),
        Mask::Url => Some(44),
        _ => None,
    }
}
