//! Masks of values within JSON. A list on the way to a value may hold anything, so it is redacted as a whole.

use super::{MaskHash, REDACTED, ValueKind, text};
use crate::rules::{JsonPath, Mask};
use crate::sql::{Literal, Sql, sql};

/// What `json` takes and `jsonb` does not: characters that no text has, and numbers without end.
const ONLY_JSON: &str = r"\\u(0000|[dD][89a-fA-F])|[0-9][eE][+-]?[0-9]{4}";

/// Whether a mask gives text for text.
pub(super) fn takes(mask: &Mask) -> bool {
    matches!(mask, Mask::Null) || text::masked(mask, &Sql::trusted("''"), MaskHash::Md5).is_some()
}

/// The value with what lies at the paths masked.
pub(super) fn masked(
    kind: ValueKind,
    value: &Sql,
    parts: &[(JsonPath, Mask)],
    hash: MaskHash,
) -> Sql {
    let steps = parts.iter().enumerate().map(|(number, (path, mask))| {
        sql!(
            " cross join lateral (select {step} as j from (select m{before}.j offset 0) m offset 0) m{after}",
            step = step(path, mask, hash),
            before = number,
            after = number + 1
        )
    });
    let masked = |value: &Sql| {
        sql!(
            "(select m{last}.j from (select {value}::pg_catalog.jsonb as j offset 0) m0{steps})",
            last = parts.len(),
            value = value,
            steps = Sql::join(steps.collect::<Vec<_>>(), "")
        )
    };
    let masked = masked(value);
    if kind == ValueKind::Jsonb {
        return masked;
    }
    sql!(
        "case when {value}::pg_catalog.text operator(pg_catalog.~) {beyond} \
         then '\"redacted\"' else {masked}::pg_catalog.text end",
        value = value,
        beyond = Literal(ONLY_JSON),
        masked = masked
    )
}

/// The text at a path.
pub(super) fn text_at(document: &Sql, path: &JsonPath) -> Sql {
    sql!(
        "({document}::pg_catalog.jsonb operator(pg_catalog.#>>) {path})",
        document = document,
        path = at(&path.0)
    )
}

/// Whether `jsonb` takes the document, so that a look into it raises no error.
pub(super) fn can_be_read(kind: ValueKind, document: &Sql) -> Sql {
    match kind {
        ValueKind::Jsonb => Sql::trusted("true"),
        _ => sql!(
            "{document}::pg_catalog.text operator(pg_catalog.!~) {beyond}",
            document = document,
            beyond = Literal(ONLY_JSON)
        ),
    }
}

/// `m.j` with what lies at one path masked.
fn step(path: &JsonPath, mask: &Mask, hash: MaskHash) -> Sql {
    let whole = at(&path.0);
    let text = sql!("(m.j operator(pg_catalog.#>>) {path})", path = whole);
    let masked = match text::masked(mask, &text, hash) {
        Some(text) => sql!("pg_catalog.to_jsonb(({text})::pg_catalog.text)", text = text),
        None => Sql::trusted("'null'::pg_catalog.jsonb"),
    };
    let lists = (0..path.0.len()).map(|depth| {
        let way = at(&path.0[..depth]);
        let redacted =
            sql!("pg_catalog.to_jsonb({text}::pg_catalog.text)", text = Literal(REDACTED));
        sql!(
            "when {kind} operator(pg_catalog.=) 'array' then {redacted} ",
            kind = sql!("pg_catalog.jsonb_typeof(m.j operator(pg_catalog.#>) {way})", way = way),
            redacted = match depth {
                0 => redacted,
                _ => sql!(
                    "pg_catalog.jsonb_set(m.j, {way}, {redacted})",
                    way = way,
                    redacted = redacted
                ),
            },
        )
    });
    sql!(
        "case {lists}when {text} is null then m.j \
         else pg_catalog.jsonb_set(m.j, {path}, {masked}, false) end",
        lists = Sql::join(lists, ""),
        text = text,
        path = whole,
        masked = masked,
    )
}

fn at(keys: &[String]) -> Sql {
    sql!(
        "array[{keys}]::pg_catalog.text[]",
        keys = Sql::join(keys.iter().map(|key| Literal(key)), ", ")
    )
}
