//! Random changes to a random schema.

use super::schema::Schema;
use super::table::{Key, Table};
use crate::support::Random;

/// Statements for the source, each a transaction of its own. Some will break a constraint.
pub fn script(schema: &Schema, random: &mut Random, first: bool) -> Vec<String> {
    let mut statements = Vec::new();
    for table in &schema.tables {
        for _ in 0..1 + random.below(4) {
            statements.extend(change(schema, table, random, first));
        }
    }
    statements
}

/// Statements for the target that a run has to undo: rows removed, and where every row is compared,
/// rows changed.
pub fn disturbance(schema: &Schema, random: &mut Random) -> Vec<String> {
    let tables = schema.tables.iter().filter(|_| random.chance(20)).collect::<Vec<_>>();
    let disturb = |table: &Table| {
        if table.clocks.is_none() && random.chance(50) {
            return update(table, random, "");
        }
        format!("delete from {} where {}", table.quoted(), some(table, random, 20))
    };
    tables.into_iter().map(disturb).collect()
}

/// What only the target knows of its rows, which a run has to leave alone.
pub fn own_values(schema: &Schema, random: &mut Random) -> Vec<String> {
    let tables = schema.tables.iter().filter(|table| table.extra);
    let change = |table: &Table| {
        let (name, value) = (table.quoted(), random.below(1000));
        format!(
            "set local session_replication_role = replica; update {name} set extra = extra + {value} where {}",
            some(table, random, 40)
        )
    };
    tables.map(change).collect()
}

fn change(schema: &Schema, table: &Table, random: &mut Random, first: bool) -> Vec<String> {
    let now = table.clocks.as_ref().map(|clocks| clocks.now(random));
    let stamp = now.map(|now| format!(", updated_at = {now}")).unwrap_or_default();
    match random.below(20) {
        0..8 => insert(schema, table, random, first),
        8..14 => vec![update(table, random, &stamp)],
        14..16 => swap(table, random, &stamp).into_iter().collect(),
        16..18 => vec![format!("delete from {} where {}", table.quoted(), some(table, random, 30))],
        18 => vec![format!("truncate {} cascade", table.quoted())],
        _ => vec![format!("update {0} set {1} = {1}", table.quoted(), table.columns[0].quoted())],
    }
}

fn insert(schema: &Schema, table: &Table, random: &mut Random, first: bool) -> Vec<String> {
    let mut names: Vec<String> = table.columns.iter().map(|column| column.quoted()).collect();
    names.extend(table.clocks.as_ref().map(|_| "updated_at".to_owned()));
    names.extend(table.references.iter().flat_map(|reference| reference.columns.clone()));
    // ON CONFLICT knows no deferrable constraint: there one row goes at a time.
    let rows = [1, 3, 40, 300][random.below(4) as usize];
    let (group, unless) = match table.key {
        Key::Deferrable => (1, ""),
        _ => (rows, " on conflict do nothing"),
    };
    let rows: Vec<String> = (0..rows).map(|_| row(schema, table, random, first)).collect();
    let into = format!("insert into {} ({})", table.quoted(), names.join(", "));
    rows.chunks(group).map(|rows| format!("{into} values {}{unless}", rows.join(", "))).collect()
}

fn row(schema: &Schema, table: &Table, random: &mut Random, first: bool) -> String {
    let mut values: Vec<String> = table.columns.iter().map(|column| column.value(random)).collect();
    values.extend(table.clocks.as_ref().map(|clocks| match random.below(4) {
        0 => "null".to_owned(),
        1 => "'infinity'".to_owned(),
        // A change sets the timestamp: only at first may a row be old.
        2 if first => "'2020-02-02'".to_owned(),
        _ => clocks.now(random),
    }));
    for reference in &table.references {
        let parent = &schema.tables[reference.table];
        let (key, place) = (parent.key_names(), random.below(20));
        let order = key.join(", ");
        values.extend(key.iter().map(|column| {
            format!(
                "(select {column} from {} order by {order} offset {place} limit 1)",
                parent.quoted()
            )
        }));
    }
    format!("({})", values.join(", "))
}

/// One column of some rows gets one value; of a key, only one row does.
fn update(table: &Table, random: &mut Random, stamp: &str) -> String {
    let place = random.below(table.columns.len() as u64) as usize;
    let column = &table.columns[place];
    let most = if place < table.width { 1 } else { 40 };
    let (name, value) = (column.quoted(), column.value(random));
    format!(
        "update {} set {name} = {value}{stamp} where {}",
        table.quoted(),
        some(table, random, most)
    )
}

/// Two rows change places in one column, a unique one if there is any: by a third value, since the
/// source checks every single statement.
fn swap(table: &Table, random: &mut Random, stamp: &str) -> Option<String> {
    let free = &table.columns[table.width..];
    let column = free.iter().find(|column| column.unique).or(free.first())?;
    let (name, value) = (column.quoted(), column.value(random));
    let key = table.key_names();
    if key.is_empty() {
        return None;
    }
    let key = |alias: &str| {
        let names: Vec<String> = key.iter().map(|name| format!("{alias}.{name}")).collect();
        format!("({})", names.join(", "))
    };
    let set = |value: &str, number: u32| {
        format!(
            "update {0} t set {name} = {value}{stamp} from two, two other where two.n = {number} and other.n = 3 - two.n and {1} = {2};",
            table.quoted(),
            key("t"),
            key("two")
        )
    };
    let from = random.below(50);
    Some(format!(
        "create temporary table two as select row_number() over () as n, x.* from (select * from {} x order by md5(x::text) offset {from} limit 2) x; {} {} {} drop table two",
        table.quoted(),
        set(&value, 1),
        set(&format!("other.{name}"), 2),
        set(&format!("other.{name}"), 1),
    ))
}

/// Some rows, the same ones whenever the case is run again.
fn some(table: &Table, random: &mut Random, most: u64) -> String {
    let (from, rows) = (random.below(50), 1 + random.below(most));
    format!(
        "ctid in (select ctid from {0} x order by md5(x::text) offset {from} limit {rows})",
        table.quoted()
    )
}
