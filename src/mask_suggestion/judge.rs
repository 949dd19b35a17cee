//! From a column's name, its type and what a sample of it looks like to a mask, with the evidence in words.

use std::collections::BTreeMap;

use super::dictionary::{Topic, topic};
use crate::plan::guard;
use crate::rules::Mask;
use crate::sql::samples::Look;
use crate::table::{Column, Table, TypeKind};

/// What a sample of a column looks like.
pub(super) struct Sample {
    /// Values that are not empty.
    pub values: u64,
    pub found: BTreeMap<Look, u64>,
    /// Whether a foreign key of the table begins at the column.
    pub is_child: bool,
}

/// A column and what was found out.
pub(super) struct Judged<'a> {
    pub column: &'a Column,
    /// `None` when nothing personal was found.
    pub mask: Option<Mask>,
    pub why: String,
    /// Whether a run asks what is to become of it.
    pub holds_text: bool,
    /// Whether its values were looked at.
    pub is_seen: bool,
}

pub(super) fn judge<'a>(table: &Table, column: &'a Column, sample: &Sample) -> Judged<'a> {
    // A domain holds what its base type does.
    let base = column.under_domains();
    let kind = Kind::of(&base);
    let holds_text = guard::is_telling(column);
    let nothing =
        |why: &str| Judged { column, mask: None, why: why.to_owned(), holds_text, is_seen: true };
    if sample.is_child {
        return nothing(
            "a foreign key: a run masks it as the column that it refers to, if that is masked",
        );
    }
    let by_name = topic(table.name.name.as_str(), column.name.as_str());
    let by_values = looks(sample);
    let found = match (by_values, by_name) {
        (Some(Majority { topic, name, count }), named) => {
            let why = format!("{count} of {} values look like {name}", sample.values);
            let why = if named == Some(topic) { format!("the column's name; {why}") } else { why };
            Some((topic, why))
        }
        (None, Some(topic)) => Some((topic, "the column's name".to_owned())),
        (None, None) => None,
    };
    let masked = found.and_then(|(topic, why)| Some((mask(topic, kind, &base)?, why)));
    match masked {
        Some((mask, why)) => {
            let mask = if is_unique(table, column) { unique(mask, kind) } else { mask };
            Judged { column, mask: Some(mask), why, holds_text, is_seen: true }
        }
        None if is_made_of_others(&base) => Judged {
            is_seen: false,
            ..nothing(&format!(
                "not looked at: a value of type {} can hold anything; give the column a mask, or add it to keep",
                column.type_text
            ))
        },
        None => nothing(&format!("nothing personal was found in {} values", sample.values)),
    }
}

/// Whether what stands in a value is not looked at: that of documents, arrays and composite types.
fn is_made_of_others(base: &Column) -> bool {
    let own = base.parts.iter().find(|part| part.oid == base.type_oid);
    let is_composite = own.is_some_and(|part| part.kind == TypeKind::Composite);
    let is_array = base.type_name.as_str().starts_with('_');
    is_array || is_composite || is_document(base)
}

fn is_document(base: &Column) -> bool {
    ["json", "jsonb", "xml", "hstore", "bytea"].contains(&base.type_name.as_str())
}

/// What half of the values or more look like, and how many do.
struct Majority {
    topic: Topic,
    name: &'static str,
    count: u64,
}

fn looks(sample: &Sample) -> Option<Majority> {
    let looks = [
        (Look::Email, Topic::Email, "e-mail addresses"),
        (Look::Card, Topic::Card, "numbers of payment cards"),
        (Look::Iban, Topic::Iban, "IBANs"),
        (Look::Ip, Topic::Ip, "network addresses"),
        (Look::Phone, Topic::Phone, "telephone numbers"),
        (Look::LongText, Topic::FreeText, "free text"),
    ];
    looks.into_iter().find_map(|(look, topic, name)| {
        let count = sample.found.get(&look).copied().unwrap_or_default();
        (count > 0 && count * 2 >= sample.values).then_some(Majority { topic, name, count })
    })
}

/// What a column's type can hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Date,
    Number,
    /// Of a network.
    Address,
    Other,
}

impl Kind {
    fn of(column: &Column) -> Self {
        match column.type_name.as_str() {
            "text" | "varchar" | "bpchar" | "citext" | "name" | "json" | "jsonb" | "xml"
            | "hstore" | "bytea" => Kind::Text,
            "inet" | "cidr" => Kind::Address,
            "date" | "timestamp" | "timestamptz" => Kind::Date,
            "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "money" => Kind::Number,
            _ => Kind::Other,
        }
    }
}

/// Characters that an address as the mask `email` makes it has.
const EMAIL_LENGTH: i32 = 37;

fn mask(topic: Topic, kind: Kind, column: &Column) -> Option<Mask> {
    let is_document = is_document(column);
    match (topic, kind) {
        (Topic::FreeText, Kind::Text) if is_document => None,
        (_, Kind::Text) if is_document => match column.type_name.as_str() {
            "json" | "jsonb" => Some(Mask::Empty),
            "xml" => Some(Mask::Redact),
            _ => Some(Mask::Null).filter(|_| !column.not_null),
        },
        (_, Kind::Address) => Some(Mask::Ip),
        (Topic::BirthDate, Kind::Date) => Some(Mask::DateYear),
        (Topic::Income, Kind::Number) => Some(Mask::NumberNoise { share: "0.1".into() }),
        (Topic::Income, _) => None,
        (Topic::Identifier | Topic::Phone | Topic::Card, Kind::Number) => {
            Some(Mask::Null).filter(|_| !column.not_null)
        }
        (_, Kind::Date | Kind::Number | Kind::Other) => None,
        (Topic::Email, Kind::Text) => Some(match length(column) {
            Some(length) if length < EMAIL_LENGTH => digits(length),
            _ => Mask::Email,
        }),
        (Topic::Phone, Kind::Text) => Some(Mask::Phone),
        (Topic::FirstName, Kind::Text) => Some(Mask::NameFirst),
        (Topic::LastName, Kind::Text) => Some(Mask::NameLast),
        (Topic::FullName, Kind::Text) => Some(Mask::NameFull),
        (Topic::Address | Topic::Iban, Kind::Text) => Some(Mask::Text),
        (Topic::BirthDate, Kind::Text) => Some(Mask::Redact),
        (Topic::Login | Topic::Identifier | Topic::Secret, Kind::Text) => {
            Some(digits(length(column).unwrap_or(32)))
        }
        (Topic::Card, Kind::Text) => Some(Mask::Card),
        (Topic::Ip, Kind::Text) => Some(Mask::Ip),
        (Topic::FreeText, Kind::Text) => Some(Mask::Redact),
    }
}

/// The characters that the type allows.
fn length(column: &Column) -> Option<i32> {
    let is_limited = ["varchar", "bpchar"].contains(&column.type_name.as_str());
    Some(column.type_modifier - 4).filter(|length| is_limited && *length > 0)
}

fn digits(length: i32) -> Mask {
    Mask::Hash { digits: u8::try_from(length.clamp(1, 32)).unwrap_or(32) }
}

fn is_unique(table: &Table, column: &Column) -> bool {
    let of_keys = table.keys.iter().flat_map(|key| &key.columns).any(|one| one.name == column.name);
    of_keys || table.uniques.iter().any(|unique| unique.columns.contains(&column.name))
}

/// Where two rows may not have one value, different values have to stay different.
fn unique(mask: Mask, kind: Kind) -> Mask {
    match mask {
        Mask::Email | Mask::Hash { .. } => mask,
        _ if kind == Kind::Text => Mask::Hash { digits: 32 },
        other => other,
    }
}
