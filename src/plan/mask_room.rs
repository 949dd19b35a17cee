//! Whether a numeric column has room for the digits that a mask gives. Pure.

use crate::rules::Mask;
use crate::table::Column;

/// Digits of what the mask `card` gives.
const CARD: usize = 16;

/// What a mask gives that does not fit, and how much room there is; none where it fits, or nobody can tell.
pub fn overflow(mask: &Mask, column: &Column) -> Option<String> {
    let room = room(column)?;
    let (given, needed) = match mask {
        Mask::Card => (format!("numbers of {CARD} digits"), CARD),
        Mask::Value(constant) => (constant.clone(), digits(constant)?),
        _ => return None,
    };
    (needed > room)
        .then(|| format!("gives {given}, and there is room for {room} digits before the decimals"))
}

/// How many digits a numeric column takes before its decimals.
fn room(column: &Column) -> Option<usize> {
    let base = column.under_domains();
    let is_limited = base.type_name.as_str() == "numeric" && base.type_modifier >= 4;
    let bits = is_limited.then_some(base.type_modifier - 4)?;
    let (precision, scale) = ((bits >> 16) & 0xffff, ((bits & 0x7ff) ^ 0x400) - 0x400);
    usize::try_from((precision - scale).max(0)).ok()
}

/// How many digits a number in plain form has before its decimals.
fn digits(number: &str) -> Option<usize> {
    let whole = number.trim().trim_start_matches(['-', '+']).split('.').next()?;
    let is_plain = number.chars().all(|c| c.is_ascii_digit() || "-+. ".contains(c));
    is_plain.then(|| whole.trim_start_matches('0').len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_before_the_decimals() {
        let cases = [
            ("123456789012", Some(12)),
            ("-00.5", Some(0)),
            ("0099.125", Some(2)),
            ("1e9", None),
            ("NaN", None),
        ];
        for (number, expected) in cases {
            assert_eq!(digits(number), expected, "{number}");
        }
    }
}
