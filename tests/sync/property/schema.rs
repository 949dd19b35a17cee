//! Random schemas: types, keys, constraints, and a target that differs from the source in what it may.

use super::column::{Column, TYPES, WIDER_TYPES};
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
    /// The type of `updated_at`.
    pub stamp: Option<&'static str>,
    pub references: Vec<Reference>,
    /// A column that both sides number by themselves, and when.
    identity: Option<&'static str>,
    /// Type and expression of a column that is generated, and whether it is on the target, too.
    generated: Option<(&'static str, String, bool)>,
    /// What the target does differently.
    reversed: bool,
    extra: bool,
    wider: bool,
    /// Its triggers refuse every change.
    refuses: bool,
    partitioned: [bool; 2],
}

pub struct Schema {
    pub tables: Vec<Table>,
    /// Whether the target's types of users hold more than the source's.
    wider_types: bool,
}

impl Table {
    fn random(random: &mut Random, number: usize, before: &[Table], version: u32) -> Self {
        let key = match random.below(10) {
            0 | 1 => Key::None,
            2 => Key::Unique,
            3 => Key::Deferrable,
            _ => Key::Primary,
        };
        let width = if key == Key::None { 0 } else { 1 + random.below(5) as usize / 3 };
        let more = random.below(6) as usize + usize::from(key == Key::None);
        let columns: Vec<Column> =
            (0..width + more).map(|n| Column::random(random, n, n < width)).collect();
        let stamps = ["timestamptz", "timestamptz", "timestamptz", "timestamp", "date"];
        let stamp = random.chance(50).then(|| stamps[random.below(5) as usize]);
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
            stamp,
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
            table.refer(random, (parent, before[parent].width), "parent");
        }
        if table.may_be_referred_to() && random.chance(25) {
            table.refer(random, (number, width), "up");
        }
        table
    }

    /// A row that is referred to cannot get another identity, unless the role checks nothing.
    fn may_be_referred_to(&self) -> bool {
        self.key == Key::Primary && self.identity != Some("always")
    }

    fn refer(&mut self, random: &mut Random, (table, width): (usize, usize), name: &str) {
        // SET NULL would change a row without its timestamp.
        let actions = match self.stamp {
            Some(_) => ["cascade", "no action"],
            None => ["set null", "cascade"],
        };
        self.references.push(Reference {
            table,
            columns: (0..width).map(|n| format!("{name}{n}")).collect(),
            action: actions[random.below(2) as usize],
        });
    }

    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }

    pub fn key_names(&self) -> Vec<String> {
        self.columns[..self.width].iter().map(Column::quoted).collect()
    }

    fn create(&self, schema: &Schema, on_target: bool) -> Vec<String> {
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
        if on_target && self.refuses {
            statements.push(format!(
                "create trigger refuse after insert or update or delete on {} for each row execute procedure refuse()",
                self.quoted()
            ));
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
        parts.extend(self.stamp.map(|kind| format!("updated_at {kind}")));
        parts.extend(self.identity.map(|when| format!("number int generated {when} as identity")));
        parts.extend(self.generated.as_ref().map(|(kind, expression, both)| {
            match on_target && !both {
                true => format!("made {kind}"),
                false => format!("made {kind} generated always as ({expression}) stored"),
            }
        }));
        parts
    }
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

impl Schema {
    pub fn random(random: &mut Random, version: u32) -> Self {
        let mut tables = Vec::new();
        for number in 0..1 + random.below(3) as usize {
            tables.push(Table::random(random, number, &tables, version));
        }
        Self { tables, wider_types: random.chance(30) }
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
