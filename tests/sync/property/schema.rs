//! Random schemas: encodings, types and tables, and a target that differs from the source in what it may.

use std::collections::BTreeMap;

use super::column::{LABELS, TYPES, WIDER_TYPES};
use super::table::{Key, Table};
use crate::support::{Pair, Random};

/// The encodings of source and target that are drawn; most pairs have the usual one.
const ENCODINGS: [[&str; 2]; 7] = [
    ["LATIN1", "UTF8"],
    ["UTF8", "LATIN1"],
    ["UTF8", "SQL_ASCII"],
    ["SQL_ASCII", "UTF8"],
    ["LATIN1", "SQL_ASCII"],
    ["SQL_ASCII", "LATIN1"],
    ["LATIN1", "LATIN1"],
];

pub struct Schema {
    pub tables: Vec<Table>,
    pub encodings: [&'static str; 2],
    /// The source's names for the values of `mood`, in their order.
    pub labels: Vec<String>,
    /// So many names have been made up.
    fresh: u32,
    /// Whether the target's types of users hold more than the source's.
    wider_types: bool,
}

/// The encodings of a case's two databases.
pub fn encodings(random: &mut Random) -> [&'static str; 2] {
    let drawn = ENCODINGS[random.below(ENCODINGS.len() as u64) as usize];
    if random.chance(30) { drawn } else { ["UTF8", "UTF8"] }
}

impl Schema {
    pub fn random(random: &mut Random, version: u32, encodings: [&'static str; 2]) -> Self {
        let mut tables = Vec::new();
        for number in 0..1 + random.below(3) as usize {
            tables.push(Table::random(random, number, &tables, version));
        }
        let parent = random.below(tables.len() as u64) as usize;
        if tables[parent].may_have_heirs() && random.chance(30) {
            tables.push(tables[parent].heir(random, parent));
        }
        Self {
            tables,
            encodings,
            labels: LABELS.map(str::to_owned).to_vec(),
            fresh: 0,
            wider_types: random.chance(30),
        }
    }

    /// A statement with the characters that both sides have.
    pub fn spelled(&self, statement: &str) -> String {
        let all = self.encodings.iter().all(|encoding| *encoding != "LATIN1");
        if all { statement.to_owned() } else { statement.replace('🦀', "ÿ") }
    }

    /// A name that nothing has.
    pub fn fresh_name(&mut self, start: &str) -> String {
        self.fresh += 1;
        format!("{start} {}", self.fresh)
    }

    /// Does the same to a table and to what inherits from it.
    pub fn for_family(&mut self, place: usize, change: impl Fn(&mut Table)) {
        let family = |(n, table): &(usize, &mut Table)| *n == place || table.parent == Some(place);
        self.tables.iter_mut().enumerate().filter(family).for_each(|(_, table)| change(table));
    }

    /// The target's own values, each with the key of its row.
    pub async fn own_values(&self, db: &Pair) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        for table in self.tables.iter().filter(|table| table.extra && table.key != Key::None) {
            let only = if table.partitioned[1] { "" } else { "only" };
            let (name, key) = (table.quoted(), table.key_names().join(", "));
            let rows = format!("select row({key})::text, extra from {only} {name}");
            for row in db.target_rows(&rows).await {
                let [key, value] = [0, 1].map(|n| row[n].clone().unwrap_or_default());
                values.insert(format!("{name} {key}"), value);
            }
        }
        values
    }

    /// Whether a role has to own the target's tables, or be a superuser.
    pub fn needs_an_owner(&self) -> bool {
        self.tables.iter().any(|table| table.refuses)
    }

    pub fn source(&self) -> Vec<String> {
        self.create(false)
    }

    pub fn target(&self) -> Vec<String> {
        let refuse = "create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$";
        std::iter::once(refuse.to_owned()).chain(self.create(true)).collect()
    }

    fn create(&self, on_target: bool) -> Vec<String> {
        let tables = self.tables.iter().flat_map(|table| table.create(self, on_target));
        let types = if on_target && self.wider_types { WIDER_TYPES } else { TYPES };
        std::iter::once(types.to_owned()).chain(tables).collect()
    }
}
