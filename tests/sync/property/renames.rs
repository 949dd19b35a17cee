//! Names that change between runs: of columns, and of an enum's labels.

use super::column::quoted;
use super::schema::Schema;
use super::table::Table;
use crate::support::{Random, Rights};

/// One statement for the source, and what is done on the target with it, if anything is.
pub struct Rename {
    pub on_source: String,
    pub on_target: Option<String>,
}

impl Rename {
    fn on_both(statement: String) -> Self {
        Self { on_target: Some(statement.clone()), on_source: statement }
    }

    fn on_source(statement: String) -> Self {
        Self { on_source: statement, on_target: None }
    }
}

/// Some names of the schema become others; `rights` are those of the role that runs write as.
pub fn draw(schema: &mut Schema, rights: Rights, random: &mut Random) -> Vec<Rename> {
    let mut renames = Vec::new();
    if random.chance(25) {
        renames.extend(labels(schema, rights, random));
    }
    for place in 0..schema.tables.len() {
        // A column that is inherited is renamed with its parent's.
        if schema.tables[place].parent.is_none() && random.chance(25) {
            renames.extend(columns(schema, place, rights, random));
        }
    }
    renames
}

/// What the rows say is another word from then on, and no row is written.
fn labels(schema: &mut Schema, rights: Rights, random: &mut Random) -> Option<Rename> {
    let label = random.below(3) as usize;
    let computes = schema.tables.iter().any(Table::computes_with_a_label);
    match random.below(3) {
        0 => {
            let fresh = schema.fresh_name("müde");
            let statement = rename_label(&schema.labels[label], &fresh);
            schema.labels[label] = fresh;
            Some(Rename::on_both(statement))
        }
        // The run adds the label to the target's type.
        1 if rights == Rights::Superuser && !computes => {
            let fresh = schema.fresh_name("it's");
            let statement = rename_label(&schema.labels[label], &fresh);
            schema.labels[label] = fresh;
            Some(Rename::on_source(statement))
        }
        _ if !computes => {
            let other = (label + 1) % 3;
            let (one, two) = (schema.labels[label].clone(), schema.labels[other].clone());
            schema.labels.swap(label, other);
            let steps = [
                rename_label(&one, "between"),
                rename_label(&two, &one),
                rename_label("between", &two),
            ];
            Some(Rename::on_source(steps.join("; ")))
        }
        _ => None,
    }
}

fn rename_label(from: &str, to: &str) -> String {
    let [from, to] = [from, to].map(|label| label.replace('\'', "''"));
    format!("alter type mood rename value '{from}' to '{to}'")
}

fn columns(
    schema: &mut Schema,
    place: usize,
    rights: Rights,
    random: &mut Random,
) -> Option<Rename> {
    let table = &schema.tables[place];
    let all = table.columns.len() as u64;
    let loose: Vec<usize> = (0..table.columns.len()).filter(|n| table.is_loose(*n)).collect();
    let one = *loose.get(random.below(all) as usize % loose.len().max(1)).unwrap_or(&0);
    let twin = loose.iter().copied().find(|n| {
        *n != one && loose.contains(&one) && table.columns[*n].kind == table.columns[one].kind
    });
    match (twin, random.below(3)) {
        (Some(twin), 0 | 1) => Some(exchange(schema, place, [one, twin])),
        (_, 0) => {
            let column = random.below(all) as usize;
            let fresh = schema.fresh_name("n");
            Some(Rename::on_both(rename(schema, place, column, fresh)))
        }
        // The run adds the column to the target.
        _ if rights != Rights::Writer && loose.contains(&one) => {
            let back = random.chance(50);
            let former = schema.tables[place].columns[one].former.take().filter(|_| back);
            let fresh = former.unwrap_or_else(|| schema.fresh_name("m"));
            let before = schema.tables[place].columns[one].name.clone();
            let statement = rename(schema, place, one, fresh);
            schema.for_family(place, |table| table.columns[one].former = Some(before.clone()));
            Some(Rename::on_source(statement))
        }
        _ => None,
    }
}

fn rename(schema: &mut Schema, place: usize, column: usize, name: String) -> String {
    let table = &schema.tables[place];
    let old = &table.columns[column];
    let statement = format!(
        "alter table {} rename column {} to {}",
        table.quoted(),
        old.quoted(),
        quoted(&name)
    );
    schema.for_family(place, |table| table.columns[column].name = name.clone());
    statement
}

/// Two columns of one type take each other's names: nothing is missing on the target.
fn exchange(schema: &mut Schema, place: usize, columns: [usize; 2]) -> Rename {
    let [one, two] = columns;
    let names = columns.map(|n| schema.tables[place].columns[n].name.clone());
    let steps = [
        rename(schema, place, one, "between".to_owned()),
        rename(schema, place, two, names[0].clone()),
        rename(schema, place, one, names[1].clone()),
    ];
    Rename::on_source(steps.join("; "))
}
