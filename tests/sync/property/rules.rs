//! Random rules for random tables: filters, columns that are left out, and masks.

use serde_json::{Map, Value, json};

use super::schema::Schema;
use super::table::Table;
use crate::support::{Pair, Random};

pub const KEY: &str = "0123456789abcdef-property";

/// Masks for some types; NULL is for all.
const MASKS: &[(&str, &[&str])] = &[
    ("text", &["\"text\"", "{\"hash\": 12}", "\"email\"", "\"lorem\"", "\"redact\""]),
    ("varchar(30)", &["\"name.full\"", "\"phone\"", "\"card\""]),
    ("int", &["{\"number.round\": 7}", "\"empty\""]),
    ("numeric", &["{\"number.round\": 0.5}", "{\"value\": \"1.50\"}"]),
    ("timestamptz", &["\"date.year\""]),
    ("timestamp", &["\"date.year\""]),
    ("date", &["\"date.year\"", "{\"date.shift\": {\"days\": 20, \"by\": \"$\"}}"]),
    ("uuid", &["\"uuid\""]),
    ("inet", &["\"ip\""]),
    ("jsonb", &["{\"json\": {\"$.k\": \"redact\"}}", "\"empty\""]),
    ("json", &["{\"json\": {\"$.b\": \"uuid\"}}", "\"redact\""]),
    ("bytea", &["\"empty\""]),
    ("text[]", &["\"redact\""]),
    ("xml", &["\"redact\""]),
    ("code", &["\"text\"", "\"empty\""]),
];

/// What the rules of one table are.
pub struct TableRules {
    pub table: String,
    pub filter: Option<String>,
    pub left_out: Vec<String>,
    masks: Map<String, Value>,
}

pub fn draw(random: &mut Random, schema: &Schema) -> Vec<TableRules> {
    let places = 0..schema.tables.len();
    places.map(|place| of_table(random, schema, place)).collect()
}

fn of_table(random: &mut Random, schema: &Schema, place: usize) -> TableRules {
    let table = &schema.tables[place];
    // Rows of parents and children belong together.
    let is_alone = schema.tables.iter().enumerate().all(|(number, other)| {
        let refers = other.references.iter().any(|reference| reference.table == place);
        !refers && other.parent != Some(place) && (number != place || other.parent.is_none())
    });
    let first = table.columns[0].quoted();
    let filter = format!("coalesce(length({first}::text), 0) % 3 <> {}", random.below(3));
    let mut rules = TableRules {
        table: table.name.clone(),
        filter: (is_alone && random.chance(50)).then_some(filter),
        left_out: Vec::new(),
        masks: Map::new(),
    };
    let has_family =
        table.parent.is_some() || schema.tables.iter().any(|t| t.parent == Some(place));
    for (number, column) in table.columns.iter().enumerate() {
        if has_family || !table.is_loose(number) {
            continue;
        }
        match random.below(4) {
            0 => rules.left_out.push(column.name.clone()),
            1 | 2 => {
                let mask = mask_for(random, table, number);
                rules.masks.insert(column.name.clone(), mask);
            }
            _ => {}
        }
    }
    rules
}

fn mask_for(random: &mut Random, table: &Table, place: usize) -> Value {
    let column = &table.columns[place];
    let known = MASKS.iter().find(|(kind, _)| *kind == column.kind.0);
    let Some((_, masks)) = known.filter(|_| random.chance(80)) else { return json!("null") };
    let mask = masks[random.below(masks.len() as u64) as usize];
    let mut mask: Value = serde_json::from_str(mask).expect("a mask is JSON");
    if let Some(by) = mask.pointer_mut("/date.shift/by") {
        *by = json!(table.columns[0].name);
    }
    mask
}

/// The config file of a run.
pub fn config(rules: &[TableRules]) -> String {
    let tables = rules.iter().map(|one| {
        let mut entry = json!({"excludeColumns": one.left_out, "mask": one.masks});
        if let Some(filter) = &one.filter {
            entry["where"] = json!(filter);
        }
        (one.table.clone(), entry)
    });
    let tables: Map<String, Value> = tables.collect();
    json!({"maskKey": "env:MASK_KEY", "unmasked": "off", "tables": tables}).to_string()
}

impl TableRules {
    /// What is neither masked nor left out is the same on both sides, for the rows that the filter lets through.
    pub async fn assert_shown(&self, db: &Pair) {
        let mut without: Vec<String> = self.left_out.clone();
        without.extend(self.masks.keys().cloned());
        // Beside masks each side computes for itself.
        if !self.masks.is_empty() || !self.left_out.is_empty() {
            without.push("made".to_owned());
        }
        let table = format!("\"{}\"", self.table);
        db.assert_same_shown(&table, &without, self.filter.as_deref().unwrap_or("true")).await;
    }
}
