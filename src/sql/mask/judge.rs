//! Which values a mask is able to change, and whether it has changed them. Masks that give one constant, or that
//! move a value by what they are, need no judge: no value that differs from their result comes out as it was.

use super::{MaskedColumn, ValueKind, json, number};
use crate::rules::Mask;
use crate::sql::{Sql, sql};

/// Letters and digits that a text has at least, if it is not to stay the same by chance.
const TELLING_TEXT: &str = "'([A-Za-z0-9][^A-Za-z0-9]*){6}'";

/// Bits of a network that the mask `ip` chooses among at least, if it is not to stay the same by chance.
const CHOSEN_BITS: u32 = 11;

/// Two conditions over a value and what is shown in its place.
pub(super) struct Judge {
    /// Whether the mask is able to change the value.
    pub able: Sql,
    /// Whether it did not.
    pub same: Sql,
}

impl MaskedColumn<'_> {
    /// How a mask is judged, over `masked`; `None` where what it is says enough.
    pub(super) fn judge(&self, mask: &Mask, masked: &Sql) -> Option<Judge> {
        let value = self.value();
        let kind = ValueKind::of(self.column);
        if let Mask::Json(_) = mask {
            return self.judge_of_json(mask, masked);
        }
        let able = match mask {
            Mask::Null
            | Mask::Empty
            | Mask::Value(_)
            | Mask::Redact
            | Mask::Lorem
            | Mask::DateYear
            | Mask::DateShift { .. }
            | Mask::Json(_) => return None,
            Mask::Text | Mask::Phone => {
                is_telling(&sql!("{value}::pg_catalog.text", value = value))
            }
            Mask::Ip if kind == ValueKind::Cidr => has_chosen_bits(&value),
            Mask::NumberNoise { share } => {
                number::moves(&self.column.under_domains(), &value, share)
            }
            Mask::NumberRound { step } => {
                number::is_between_steps(&self.column.under_domains(), &value, step)
            }
            Mask::Hash { .. }
            | Mask::Email
            | Mask::Uuid
            | Mask::NameFirst
            | Mask::NameLast
            | Mask::NameFull
            | Mask::Ip
            | Mask::Url
            | Mask::Card
            | Mask::Sql(_) => Sql::trusted("true"),
        };
        Some(Judge { able, same: is_same(&value, masked) })
    }

    /// A document is judged by what lies at the paths that are masked.
    fn judge_of_json(&self, mask: &Mask, masked: &Sql) -> Option<Judge> {
        let Mask::Json(parts) = mask else { return None };
        let (value, kind) = (self.value(), ValueKind::of(self.column));
        let keyed = parts.iter().filter(|(_, part)| part.is_keyed());
        let parts = keyed.map(|(path, part)| {
            let text = json::text_at(&value, path);
            let able = match part {
                Mask::Text | Mask::Phone => is_telling(&text),
                _ => sql!("{text} is not null", text = text),
            };
            let same = is_same(&text, &json::text_at(masked, path));
            Judge { same: sql!("{able} and {same}", able = able, same = same), able }
        });
        let parts: Vec<Judge> = parts.collect();
        let any = |pick: fn(&Judge) -> &Sql| {
            let conditions = Sql::join(parts.iter().map(pick), " or ");
            // A case looks into a document only where that is possible.
            sql!(
                "case when {readable} then {conditions} end",
                readable = json::can_be_read(kind, &value),
                conditions = conditions
            )
        };
        (!parts.is_empty())
            .then(|| Judge { able: any(|one| &one.able), same: any(|one| &one.same) })
    }
}

fn is_telling(text: &Sql) -> Sql {
    sql!(
        "{text} operator(pg_catalog.~) {telling}",
        text = text,
        telling = Sql::trusted(TELLING_TEXT)
    )
}

fn is_same(value: &Sql, masked: &Sql) -> Sql {
    sql!(
        "({masked} is not null and pg_catalog.concat({masked}) collate pg_catalog.\"C\" operator(pg_catalog.=) \
         pg_catalog.concat({value}))",
        masked = masked,
        value = value
    )
}

/// A network of few addresses more than the 16 bits that stay can only become few others.
fn has_chosen_bits(network: &Sql) -> Sql {
    sql!(
        "pg_catalog.masklen({network}::pg_catalog.inet) operator(pg_catalog.>=) \
         case when pg_catalog.family({network}::pg_catalog.inet) operator(pg_catalog.=) 4 then {short} else {long} end",
        network = network,
        short = 16 + CHOSEN_BITS,
        long = 112 + CHOSEN_BITS
    )
}
