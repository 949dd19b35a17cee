//! What was found, as a config file.

use serde_json::{Map, Value, json};

use super::JudgedTable;
use crate::ident::Ident;

/// A config file that masks what looks personal and keeps what does not; `_why` has the evidence. What was not looked
/// at stays open: a run asks for it.
pub(super) fn config(judged: &[JudgedTable<'_>], schemas: &[Ident]) -> String {
    let tables: Map<String, Value> =
        judged.iter().filter_map(|one| Some((one.table.name.to_string(), entry(one)?))).collect();
    let mut config = json!({
        "_comment": "Look at each line: a sample shows what is likely, not what is true. openssl rand -hex 32 makes a key.",
        "maskKey": "env:PGSYNC_MASK_KEY",
        "tables": tables
    });
    let schemas: Vec<&str> = schemas.iter().map(Ident::as_str).collect();
    // The default needs no word.
    if schemas != ["public"] {
        config["schema"] = schemas.into();
    }
    format!("{config:#}\n")
}

fn entry(judged: &JudgedTable<'_>) -> Option<Value> {
    let name = |column: &super::judge::Judged<'_>| column.column.name.as_str().to_owned();
    // What the target computes from masked values needs no mask of its own.
    let computes = judged.columns.iter().any(|one| one.mask.is_some() && !one.column.generated);
    let travelling = judged.columns.iter().filter(|one| !(computes && one.column.generated));
    let masked = travelling.clone().filter(|column| column.mask.is_some());
    let masks: Map<String, Value> = masked
        .clone()
        .filter_map(|column| Some((name(column), column.mask.as_ref()?.written())))
        .collect();
    let others = travelling.filter(|column| column.mask.is_none() && column.holds_text);
    let why: Map<String, Value> = masked
        .chain(others.clone())
        .map(|column| (name(column), column.why.as_str().into()))
        .collect();
    if why.is_empty() {
        return None;
    }
    let mut entry = Map::from_iter([("_why".to_owned(), Value::Object(why))]);
    if !masks.is_empty() {
        entry.insert("mask".into(), Value::Object(masks));
    }
    let kept = others.filter(|column| column.is_seen);
    let kept: Vec<Value> = kept.map(|column| Value::from(name(column))).collect();
    if !kept.is_empty() {
        entry.insert("keep".into(), Value::Array(kept));
    }
    Some(Value::Object(entry))
}
