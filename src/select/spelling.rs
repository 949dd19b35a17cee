//! How names and patterns are spelled for globset: each character as `u` and its number in six
//! hexadecimal digits, `é` as `u0000e9`.
//!
//! globset matches paths, byte by byte: its `?` and its classes would miss `é`, and `/`, `{a,b}`, `\`,
//! `**`, `[^x]` and `[[:alpha:]]` mean something that is not promised here. So spelled, all characters are
//! equally long and none has a meaning of its own. Only `u` begins a character, so that a `*` ends where
//! a character does.

const DIGITS: usize = 6;
const LAST: u32 = char::MAX as u32;

/// A glob for any one character.
pub const ANY: &str = "u??????";

/// The spelling of one character: text to match, and a glob that matches only it.
pub fn char(c: char) -> String {
    format!("u{:0DIGITS$x}", u32::from(c))
}

/// The spelling of a name.
pub fn text(name: &str) -> String {
    name.chars().map(char).collect()
}

/// A glob for one character of these ranges, bounds included.
pub fn one_of(ranges: &[(char, char)]) -> String {
    let numbers = ranges.iter().map(|(low, high)| (u32::from(*low), u32::from(*high)));
    any_of(&numbers.collect::<Vec<_>>())
}

/// A glob for one character outside of these ranges.
pub fn none_of(ranges: &[(char, char)]) -> String {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut gaps = Vec::new();
    let mut next = 0;
    for (low, high) in sorted {
        if next < u32::from(low) {
            gaps.push((next, u32::from(low) - 1));
        }
        next = next.max(u32::from(high) + 1);
    }
    if next <= LAST {
        gaps.push((next, LAST));
    }
    any_of(&gaps)
}

/// A glob for one character whose number is in one of these ranges; of none, one that nothing matches.
fn any_of(ranges: &[(u32, u32)]) -> String {
    let globs: Vec<String> =
        ranges.iter().map(|(low, high)| between(*low, *high, DIGITS)).collect();
    if globs.is_empty() { "uu".to_owned() } else { format!("u{{{}}}", globs.join(",")) }
}

/// A glob for the numbers from `low` to `high`, written with this many digits.
fn between(low: u32, high: u32, digits: usize) -> String {
    let Some(rest) = digits.checked_sub(1) else { return String::new() };
    let unit = 16_u32.pow(rest as u32);
    let (first, last) = (low / unit, high / unit);
    if first == last {
        return format!("{first:x}{}", between(low % unit, high % unit, rest));
    }
    let mut parts = vec![
        format!("{first:x}{}", between(low % unit, unit - 1, rest)),
        format!("{last:x}{}", between(0, high % unit, rest)),
    ];
    if last - first > 1 {
        // In ASCII nothing that is written here lies between 9 and a, so a class may reach over both.
        parts.push(format!("[{:x}-{:x}]{}", first + 1, last - 1, "?".repeat(rest)));
    }
    format!("{{{}}}", parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_spelled_digit_by_digit() {
        let cases = [
            (('a', 'a'), "u{000061}"),
            (('0', '9'), "u{00003{0,9,[1-8]}}"),
            (('a', 'z'), "u{0000{6{1,f,[2-e]},7{0,a,[1-9]}}}"),
        ];
        for (range, glob) in cases {
            assert_eq!(one_of(&[range]), glob);
        }
        assert_eq!(none_of(&[('\0', char::MAX)]), "uu");
        assert_eq!(text("aé"), "u000061u0000e9");
    }
}
