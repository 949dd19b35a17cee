//! A random table of a file: its columns and key, and what is done to it.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::column::Column;
use crate::support::Random;

/// What rows are told by. Values of a key are made from the number of their row, so that no two are equal on the
/// target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Key {
    /// `integer primary key`.
    Rowid,
    /// Of one column, which may be NULL.
    Single(&'static Kind),
    /// Of two, `without rowid`.
    Double(&'static Kind),
    None,
}

/// The declared type of a key's column, that of the target, and a value for number `$`.
#[derive(Debug, PartialEq)]
pub struct Kind {
    declared: &'static str,
    there: &'static str,
    value: &'static str,
}

const KINDS: &[Kind] = &[
    Kind { declared: "text", there: "varchar(20)", value: "'k ' || $" },
    Kind { declared: "int", there: "integer", value: "$" },
    Kind { declared: "", there: "bigint", value: "$" },
    Kind { declared: "blob", there: "bytea", value: "cast('k' || $ as blob)" },
    Kind { declared: "numeric", there: "numeric", value: "$" },
    Kind { declared: "real", there: "float8", value: "$ + 0.5" },
    Kind { declared: "date", there: "date", value: "date('2000-01-01', $ || ' days')" },
    Kind { declared: "uuid", there: "uuid", value: "printf('a%031d', $)" },
];

pub struct Table {
    pub name: String,
    pub key: Key,
    columns: Vec<Column>,
    /// Whether the target has it before.
    pub exists: bool,
    /// The number of the last row.
    last: i64,
    /// Rows that the target can hold for sure.
    pub plain: BTreeSet<i64>,
}

impl Table {
    pub fn draw(random: &mut Random, number: usize) -> Self {
        let kind = &KINDS[random.below(KINDS.len() as u64) as usize];
        let key = match random.below(6) {
            0 | 1 => Key::Rowid,
            2 | 3 => Key::Single(kind),
            4 => Key::Double(kind),
            _ => Key::None,
        };
        let columns = (0..2 + random.below(5)).map(|place| Column::draw(random, place as usize));
        let columns = columns.collect();
        let exists = random.chance(40);
        Self { name: format!("t{number}"), key, columns, exists, last: 0, plain: BTreeSet::new() }
    }

    pub fn create(&self) -> String {
        let columns =
            self.columns.iter().map(|column| format!("{} {}", column.name, column.declared()));
        let columns: Vec<String> = columns.collect();
        let columns = columns.join(", ");
        let name = &self.name;
        match self.key {
            Key::Rowid => format!("create table {name} (no integer primary key, {columns})"),
            Key::Single(kind) => {
                format!(
                    "create table {name} (k {} primary key, no integer, {columns})",
                    kind.declared
                )
            }
            Key::Double(kind) => format!(
                "create table {name} (k {}, no integer, {columns}, primary key (no, k)) without rowid",
                kind.declared
            ),
            Key::None => format!("create table {name} (no integer, {columns})"),
        }
    }

    pub fn create_on_target(&self) -> String {
        let columns = self.columns.iter().map(|column| format!("{} {}", column.name, column.there));
        let columns: Vec<String> = columns.collect();
        let columns = columns.join(", ");
        let name = &self.name;
        match self.key {
            Key::Rowid => format!("create table {name} (no bigint primary key, {columns})"),
            Key::Single(kind) => {
                format!("create table {name} (k {} primary key, no bigint, {columns})", kind.there)
            }
            Key::Double(kind) => format!(
                "create table {name} (k {}, no bigint, {columns}, primary key (no, k))",
                kind.there
            ),
            Key::None => format!("create table {name} (no bigint, {columns})"),
        }
    }

    /// Statements that change it.
    pub fn change(&mut self, random: &mut Random, first: bool) -> Vec<String> {
        let mut statements = Vec::new();
        for _ in 0..if first { 40 } else { random.below(15) } {
            statements.push(self.insert(random));
        }
        for _ in 0..if first { 0 } else { random.below(12) } {
            let number = 1 + random.below(self.last as u64) as i64;
            let column = &self.columns[random.below(self.columns.len() as u64) as usize];
            statements.push(if random.chance(25) {
                format!("delete from {} where no = {number}", self.name)
            } else {
                self.plain.remove(&number);
                let value = column.any(random);
                format!("update {} set {} = {value} where no = {number}", self.name, column.name)
            });
        }
        statements
    }

    fn insert(&mut self, random: &mut Random) -> String {
        self.last += 1;
        let is_plain = random.chance(30);
        if is_plain {
            self.plain.insert(self.last);
        }
        let mut values = vec![self.last.to_string()];
        let key = |kind: &Kind| kind.value.replace('$', &self.last.to_string());
        values.extend(match self.key {
            Key::Single(_) if !is_plain && random.chance(5) => Some("null".to_owned()),
            Key::Single(kind) | Key::Double(kind) => Some(key(kind)),
            Key::Rowid | Key::None => None,
        });
        let of = |column: &Column, random: &mut Random| {
            if is_plain { column.plain(random) } else { column.any(random) }
        };
        values.extend(self.columns.iter().map(|column| of(column, random)));
        let names = self.columns.iter().map(|column| column.name.as_str());
        let key = if matches!(self.key, Key::Rowid | Key::None) { None } else { Some("k") };
        let names: Vec<&str> = ["no"].into_iter().chain(key).chain(names).collect();
        format!("insert into {} ({}) values ({})", self.name, names.join(", "), values.join(", "))
    }

    /// The number of each row, by what a list of bad rows has of its key.
    pub fn numbers(&self, file: &Connection) -> BTreeMap<String, i64> {
        let names = match self.key {
            Key::Rowid => vec!["no"],
            Key::Single(_) => vec!["k"],
            Key::Double(_) => vec!["no", "k"],
            Key::None => vec!["rowid"],
        };
        let rowid = if matches!(self.key, Key::Double(_)) { "null" } else { "rowid" };
        let selected = format!("select no, {rowid}, {} from {}", names.join(", "), self.name);
        let mut statement = file.prepare(&selected).expect(&selected);
        let mut rows = statement.query([]).expect("rows");
        let mut numbers = BTreeMap::new();
        while let Some(row) = rows.next().expect("a row") {
            let mut key = serde_json::Map::new();
            for (place, name) in names.iter().enumerate() {
                let value = row.get_ref(place + 2).expect("a value");
                key.insert((*name).to_owned(), shown(value).into());
            }
            if key.values().any(|value| value == "null") {
                let rowid: i64 = row.get(1).expect("a rowid");
                key = serde_json::Map::from_iter([("rowid".to_owned(), rowid.to_string().into())]);
            }
            let key = serde_json::Value::Object(key).to_string();
            numbers.insert(key, row.get(0).expect("a number"));
        }
        numbers
    }

    /// The real numbers that stand in it.
    pub fn reals(&self, file: &Connection) -> Vec<f64> {
        let mut reals = Vec::new();
        self.good_rows(file, &BTreeSet::new(), |_, value| {
            if let ValueRef::Real(real) = value {
                reals.push(real);
            }
            String::new()
        });
        reals
    }

    /// Each row but these, with what is `made` of its values.
    pub fn good_rows(
        &self,
        file: &Connection,
        bad: &BTreeSet<i64>,
        mut made: impl FnMut(&Column, ValueRef<'_>) -> String,
    ) -> Vec<(i64, Vec<String>)> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let selected = format!("select no, {} from {} order by no", names.join(", "), self.name);
        let mut statement = file.prepare(&selected).expect(&selected);
        let mut rows = statement.query([]).expect("rows");
        let mut good = Vec::new();
        while let Some(row) = rows.next().expect("a row") {
            let number: i64 = row.get(0).expect("a number");
            if bad.contains(&number) {
                continue;
            }
            let value = |(place, column): (usize, &Column)| {
                made(column, row.get_ref(place + 1).expect("a value"))
            };
            good.push((number, self.columns.iter().enumerate().map(value).collect()));
        }
        good
    }

    /// Asks the target for rows that are not, or not once, as they should be.
    pub fn wrong_rows(&self, good: &[(i64, Vec<String>)]) -> String {
        if good.is_empty() {
            return "select 1::text where false".to_owned();
        }
        let columns: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let selects: Vec<String> = good
            .iter()
            .map(|(number, values)| format!("select {number}::bigint, {}", values.join(", ")))
            .collect();
        let texts: Vec<String> = columns.iter().map(|name| format!("e.{name}::text")).collect();
        let found: Vec<String> = columns.iter().map(|name| format!("t.{name}::text")).collect();
        format!(
            "select e.no::text, array[{0}]::text[]::text, array[{1}]::text[]::text \
             from ({2}) e(no, {3}) left join {4} t on t.no = e.no \
             where t.no is null or row({0}) is distinct from row({1}) \
                or (select count(*) from {4} o where o.no = e.no) <> 1",
            texts.join(", "),
            found.join(", "),
            selects.join(" union all "),
            columns.join(", "),
            self.name,
        )
    }
}

/// As the list of bad rows shows a value.
fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("x'{hex}'")
        }
    }
}
