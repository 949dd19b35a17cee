//! Names that no table has, and which tables may be meant.

use crate::ident::TableName;
use crate::suggest;

/// Up to three tables whose names are near.
pub(super) fn near<'a>(existing: &'a [TableName], text: &str) -> Vec<&'a TableName> {
    // With the schema left on, its letters would make every name in it look near.
    let (schema, word) = match text.split_once('.') {
        Some((schema, name)) if existing.iter().any(|t| t.schema.as_str() == schema) => {
            (Some(schema), name)
        }
        _ => (None, text),
    };
    let is_there = |table: &&TableName| schema.is_none_or(|schema| table.schema.as_str() == schema);
    let candidates: Vec<&TableName> = existing.iter().filter(is_there).collect();
    let mut near = suggest::nearest(word, candidates.iter().map(|table| table.name.as_str()), 3);
    near.dedup();
    let called = |name: &str| {
        let name = name.to_owned();
        candidates.iter().copied().filter(move |table| table.name.as_str() == name)
    };
    near.into_iter().flat_map(called).take(3).collect()
}

/// `public.users or public.user_roles`.
pub(super) fn either(names: &[&TableName]) -> String {
    names.iter().map(|name| name.to_string()).collect::<Vec<_>>().join(" or ")
}

/// What is wrong with an excluded name that no table has, if one of the tables that travel is most likely meant.
/// Tables come and go, so any other name is only remarked on.
pub(super) fn mistyped(travelling: &[TableName], text: &str) -> Option<String> {
    let mut near = near(travelling, text);
    // Of `log_2023` and `log_2024` each may be right.
    near.retain(|table| differs_in_letters(table, text));
    let names = either(&near);
    let optional = optional(text);
    let problem =
        format!("no table \"{text}\" in the selected schemas; did you mean {names}?{optional}");
    (!near.is_empty()).then_some(problem)
}

fn differs_in_letters(table: &TableName, text: &str) -> bool {
    let letters = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    let text = letters(text);
    text != letters(table.name.as_str()) && text != letters(&table.to_string())
}

/// How a name may be excluded that only some databases have: as a pattern that matches no other.
fn optional(text: &str) -> String {
    let name = text.split_once('.').map_or(0, |(schema, _)| schema.len() + 1);
    let first = text[name..].char_indices().find(|(_, c)| c.is_alphanumeric());
    first.map_or(String::new(), |(place, first)| {
        let (before, after) = (&text[..name + place], &text[name + place + first.len_utf8()..]);
        format!(" If only some databases have it, write it as a pattern: {before}[{first}]{after}")
    })
}
