//! Which tables additions cannot make equal: a run that may rebuilds them.

use super::type_changes::in_place;
use crate::builtin_type::BuiltinType;
use crate::ident::Ident;
use crate::table::{Column, Key, Table};

/// Why the target's table cannot become the source's by additions; empty when it can.
pub fn reasons(source: &Table, target: &Table) -> Vec<String> {
    let mut reasons = Vec::new();
    if source.partitioned != target.partitioned {
        let side = if source.partitioned { "source" } else { "target" };
        reasons.push(format!("it is partitioned on the {side} only"));
    }
    for there in target.columns.iter() {
        let name = there.name.as_str();
        match source.column(&there.name) {
            None => reasons.push(format!("column \"{name}\" is not on the source")),
            Some(here) if differs(here, there) => reasons.push(format!(
                "column \"{name}\" is {} on the source and {} on the target",
                described(here),
                described(there)
            )),
            Some(_) => {}
        }
    }
    let (here, there) = (primary(source), primary(target));
    if there.is_some() && here != there {
        reasons.push(format!("the primary key is {} on the source", listed(here)));
    }
    reasons
}

/// User-defined types may live in another schema.
fn differs(here: &Column, there: &Column) -> bool {
    let same = here.type_name == there.type_name && here.type_modifier == there.type_modifier;
    let pair = BuiltinType::of_column(here).zip(BuiltinType::of_column(there));
    let grows = pair.is_some_and(|(here, there)| in_place(here, there));
    !same && !grows || here.generated != there.generated
}

fn described(column: &Column) -> String {
    let how = if column.generated { ", generated" } else { "" };
    format!("{}{how}", column.type_text)
}

fn primary(table: &Table) -> Option<Vec<&Ident>> {
    let key: &Key = table.keys.iter().find(|key| key.primary)?;
    Some(key.columns.iter().map(|column| &column.name).collect())
}

fn listed(key: Option<Vec<&Ident>>) -> String {
    match key {
        Some(columns) => {
            let names: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
            format!("({})", names.join(", "))
        }
        None => "missing".to_owned(),
    }
}
