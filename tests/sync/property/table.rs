//! A random table: columns, key, references, and what its twin on the target has otherwise.

use super::clock::Clocks;
use super::column::{Column, LABELS};
use super::schema::Schema;
use crate::support::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    None,
    Primary,
    Unique,
    Deferrable,
}

/// Columns that hold the key of another table, or of the table itself.
pub struct Reference {
    /// The parent, by its place among the tables.
    pub table: usize,
    pub columns: Vec<String>,
    action: &'static str,
}

pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub key: Key,
    /// So many of the first columns are the key.
    pub width: usize,
    /// Who sets `updated_at`, if there is such a column.
    pub clocks: Option<Clocks>,
    /// The table that this one inherits from.
    pub parent: Option<usize>,
    pub references: Vec<Reference>,
    /// A column that both sides number by themselves, and when.
    identity: Option<&'static str>,
    /// Type and expression of a column that is generated, and whether it is on the target, too.
    generated: Option<(&'static str, String, bool)>,
    /// What the target does differently.
    reversed: bool,
    pub extra: bool,
    wider: bool,
    /// Its triggers refuse every change.
    pub refuses: bool,
    pub partitioned: [bool; 2],
}

impl Table {
    pub fn random(random: &mut Random, number: usize, before: &[Table], version: u32) -> Self {
        let key = match random.below(10) {
            0 | 1 => Key::None,
            2 => Key::Unique,
            3 => Key::Deferrable,
            _ => Key::Primary,
        };
        let width = if key == Key::None { 0 } else { 1 + random.below(5) as usize / 3 };
        let more = random.below(6) as usize + usize::from(key == Key::None);
        let mut columns: Vec<Column> = Vec::new();
        for number in 0..width + more {
            let column = Column::random(random, number, number < width);
            let like_the_last = columns.last().filter(|_| number > width && random.chance(30));
            columns.push(like_the_last.map(|last| last.twin(&column.name)).unwrap_or(column));
        }
        let divisible = version >= 12
            && key == Key::Primary
            && columns.iter().all(|column| !column.unique)
            && columns[0].is_hashable();
        let makers = columns.iter().filter_map(Column::makes).next();
        let mut table = Self {
            name: ["one", "Two", "three"][number].to_owned(),
            columns,
            key,
            width,
            clocks: random.chance(60).then(|| Clocks::random(random)),
            parent: None,
            references: Vec::new(),
            identity: random.chance(15).then(|| ["always", "by default"][random.below(2) as usize]),
            generated: makers
                .filter(|_| version >= 12 && random.chance(50))
                .map(|(kind, expression)| (kind, expression, random.chance(70))),
            reversed: random.chance(30),
            extra: random.chance(30),
            wider: random.chance(30),
            refuses: random.chance(20),
            partitioned: [divisible && random.chance(40), divisible && random.chance(40)],
        };
        if table.partitioned.contains(&true) {
            table.identity = None; // a partitioned table has none before 17
        }
        let parents: Vec<usize> = (0..number).filter(|n| before[*n].may_be_referred_to()).collect();
        if !parents.is_empty() && random.chance(60) {
            let parent = parents[random.below(parents.len() as u64) as usize];
            let columns = numbered("parent", before[parent].width);
            table.refer(random, parent, columns);
        }
        if table.may_be_referred_to() && random.chance(25) {
            table.refer(random, number, numbered("up", width));
        }
        table
    }

    /// A row that is referred to cannot get another identity, unless the role checks nothing.
    fn may_be_referred_to(&self) -> bool {
        self.key == Key::Primary && self.identity != Some("always")
    }

    fn refer(&mut self, random: &mut Random, table: usize, columns: Vec<String>) {
        // SET NULL would change a row without its timestamp.
        let actions = match self.clocks {
            Some(_) => ["cascade", "no action"],
            None => ["set null", "cascade"],
        };
        self.references.push(Reference {
            table,
            columns,
            action: actions[random.below(2) as usize],
        });
    }

    /// A table with the same columns whose rows the parent shows as well.
    pub fn heir(&self, random: &mut Random, parent: usize) -> Self {
        let keyed = self.key != Key::None && random.chance(70);
        Self {
            name: "heir".to_owned(),
            columns: self.columns.iter().map(|column| column.twin(&column.name)).collect(),
            key: if keyed { Key::Primary } else { Key::None },
            width: if keyed { self.width } else { 0 },
            clocks: self.clocks.clone(),
            parent: Some(parent),
            references: Vec::new(),
            identity: None,
            generated: self.generated.clone(),
            refuses: random.chance(20),
            ..*self
        }
    }

    pub fn may_have_heirs(&self) -> bool {
        // An heir would have to number its rows by itself.
        self.identity.is_none() && !self.partitioned.contains(&true)
    }

    /// Whether a column's definition names a label of the enum.
    pub fn computes_with_a_label(&self) -> bool {
        self.generated.as_ref().is_some_and(|(_, expression, _)| expression.contains(LABELS[0]))
    }

    /// Whether the target can do without this column, and have it once more under another name.
    pub fn is_loose(&self, place: usize) -> bool {
        let column = &self.columns[place];
        let computed = self.generated.is_some() && column.makes().is_some();
        place >= self.width && !column.not_null && !column.unique && !computed
    }

    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }

    pub fn key_names(&self) -> Vec<String> {
        self.columns[..self.width].iter().map(Column::quoted).collect()
    }

    pub fn create(&self, schema: &Schema, on_target: bool) -> Vec<String> {
        let mut statements = match self.parent {
            Some(parent) => vec![self.create_heir(&schema.tables[parent])],
            None => self.create_root(schema, on_target),
        };
        if on_target && self.refuses {
            statements.push(format!(
                "create trigger refuse after insert or update or delete on {} for each row execute procedure refuse()",
                self.quoted()
            ));
        }
        statements
    }

    fn create_heir(&self, parent: &Table) -> String {
        let names = self.key_names().join(", ");
        let key = if names.is_empty() { names } else { format!("primary key ({names})") };
        format!("create table {} ({key}) inherits ({})", self.quoted(), parent.quoted())
    }

    fn create_root(&self, schema: &Schema, on_target: bool) -> Vec<String> {
        let mut parts = self.own_columns(on_target);
        for reference in &self.references {
            parts.extend(reference.create(&schema.tables[reference.table]));
        }
        if on_target && self.reversed {
            parts.reverse();
        }
        if on_target && self.extra {
            parts.insert(0, "extra int not null default 7".to_owned());
        }
        let key = self.key_names().join(", ");
        match self.key {
            Key::None => {}
            Key::Primary => parts.push(format!("primary key ({key})")),
            Key::Unique => parts.push(format!("unique ({key})")),
            Key::Deferrable => {
                parts.push(format!("primary key ({key}) deferrable initially deferred"))
            }
        }
        for reference in &self.references {
            parts.push(reference.constraint(&schema.tables[reference.table]));
        }
        let mut statements = vec![format!("create table {} ({})", self.quoted(), parts.join(", "))];
        if self.partitioned[usize::from(on_target)] {
            statements[0] += &format!(" partition by hash ({})", self.columns[0].quoted());
            statements.extend((0..3).map(|n| {
                format!(
                    "create table \"{}_{n}\" partition of {} for values with (modulus 3, remainder {n})",
                    self.name,
                    self.quoted()
                )
            }));
        }
        statements
    }

    fn own_columns(&self, on_target: bool) -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            let generating = self.generated.is_some() || column.unique || place < self.width;
            let wider = column.wider().filter(|_| on_target && self.wider && !generating);
            let kind = wider.unwrap_or(column.kind.0);
            let not_null = if column.not_null { " not null" } else { "" };
            let unique = if column.unique { " unique" } else { "" };
            parts.push(format!("{} {kind}{not_null}{unique}", column.quoted()));
        }
        parts.extend(self.clocks.as_ref().map(|clocks| format!("updated_at {}", clocks.kind)));
        parts.extend(self.identity.map(|when| format!("number int generated {when} as identity")));
        parts.extend(self.generated.as_ref().map(|(kind, expression, both)| {
            let computed = format!(" generated always as ({expression}) stored");
            format!("made {kind}{}", if on_target && !both { "" } else { &computed })
        }));
        parts
    }
}

fn numbered(name: &str, width: usize) -> Vec<String> {
    (0..width).map(|n| format!("{name}{n}")).collect()
}

impl Reference {
    /// The columns; the constraint comes once all columns are there.
    fn create(&self, parent: &Table) -> Vec<String> {
        let kinds = parent.columns.iter().map(|column| column.kind.0);
        self.columns.iter().zip(kinds).map(|(name, kind)| format!("{name} {kind}")).collect()
    }

    fn constraint(&self, parent: &Table) -> String {
        format!(
            "foreign key ({}) references {} ({}) on delete {}",
            self.columns.join(", "),
            parent.quoted(),
            parent.key_names().join(", "),
            self.action
        )
    }
}
