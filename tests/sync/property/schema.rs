//! Random schemas: types, keys, constraints, and a target that differs from the source in what it may.

use crate::support::Random;

/// A type, whether it can be a key, and what makes a value of it: `$` is a random number.
type Kind = (&'static str, bool, &'static str);

const KINDS: &[Kind] = &[
    ("int", true, "$ - 500"),
    ("bigint", true, "$::bigint * 9007199254740993"),
    ("smallint", true, "$"),
    (
        "text",
        true,
        "'t' || $ || (array['', ' ', E'\\t', '\\', 'ä', '|', E'\\n', '🦀', 'NULL', '\"'])[1 + $ % 10]",
    ),
    ("text", true, "left(md5($::text), $ % 5)"),
    ("varchar(30)", true, "'v' || $"),
    ("uuid", true, "md5($::text)::uuid"),
    ("numeric", true, "round($ / 7.0, $ % 4)"),
    ("numeric(8,3)", true, "$ / 1000.0"),
    ("timestamptz", true, "'2024-01-01'::timestamptz + $ * interval '1.000001 h'"),
    (
        "timestamp",
        true,
        "case $ % 9 when 0 then 'infinity' else '2024-01-01'::timestamp + $ * interval '1 h' end",
    ),
    ("date", true, "'1999-12-31'::date + $"),
    ("time", true, "'00:00'::time + $ * interval '1 s'"),
    ("interval", true, "$ * interval '1 day 1 s'"),
    ("char(6)", true, "'c' || $ % 1000"),
    ("name", true, "('n' || $)::name"),
    ("bytea", true, "decode(md5($::text), 'hex')"),
    ("boolean", true, "$ % 2 = 0"),
    ("inet", true, "'10.0.0.0/8'::inet + $"),
    ("macaddr", true, "substr(md5($::text), 1, 12)::macaddr"),
    (
        "double precision",
        true,
        "(array[$ / 3.0, '-0', 'NaN', 1e300, '-Infinity'])[1 + $ % 5]::double precision",
    ),
    ("real", true, "$ / 3.0"),
    ("bit(10)", true, "($ % 1024)::bit(10)"),
    ("int[]", true, "array[$, null, $ % 3]"),
    ("text[]", true, "('[0:1]={a' || $ || ',\"b,\\\"c\"}')::text[]"),
    ("jsonb", true, "jsonb_build_object('k', $, 'a', array[1.0, $ / 10.0])"),
    ("int4range", true, "int4range($, $ + 3)"),
    ("mood", true, "(array['sad', 'it''s ok', 'glad']::mood[])[1 + $ % 3]"),
    ("positive", true, "$ + 1"),
    ("part", true, "row($, 'p,' || $ % 5, null)::part"),
    ("money", true, "$::money"),
    ("tsvector", true, "('a b' || $ || ':3')::tsvector"),
    ("json", false, "('{\"b\":  ' || $ || ', \"a\": [ ] }')::json"),
    ("xml", false, "('<a b=\"' || $ || '\"/>')::xml"),
    ("point", false, "point($ / 3.0, $)"),
    ("part[]", false, "array[row($, 'x\"', 'sad')::part, null]"),
];

const TYPES: &str = "create type mood as enum ('sad', 'it''s ok', 'glad');
    create domain positive as int check (value > 0);
    create type part as (a int, b text, m mood)";

/// What the target may have instead.
const WIDER: &[(&str, &str)] =
    &[("int", "bigint"), ("smallint", "int"), ("varchar(30)", "text"), ("numeric(8,3)", "numeric")];

/// Types by whose hash a table can be partitioned.
const HASHABLE: &[&str] = &["int", "bigint", "text", "uuid", "timestamptz", "numeric", "inet"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    None,
    Primary,
    Unique,
    Deferrable,
}

pub struct Column {
    pub name: String,
    kind: Kind,
    not_null: bool,
    unique: bool,
}

pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub key: Key,
    /// So many of the first columns are the key.
    pub width: usize,
    /// The type of `updated_at`.
    pub stamp: Option<&'static str>,
    /// The table whose key the column `parent` holds, and what its deletion does.
    pub parent: Option<(usize, &'static str)>,
    /// What the target does differently.
    reversed: bool,
    extra: bool,
    wider: bool,
    partitioned: [bool; 2],
}

pub struct Schema {
    pub tables: Vec<Table>,
}

impl Column {
    fn random(random: &mut Random, number: usize, in_key: bool) -> Self {
        let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| kind.1 || !in_key).collect();
        let kind = *kinds[random.below(kinds.len() as u64) as usize];
        // Few of these values are different ones.
        let narrow = ["boolean", "mood"].contains(&kind.0);
        Self {
            name: ["a", "b", "Column C", "d", "e", "select", "g\"h", "i"][number].to_owned(),
            kind,
            not_null: in_key || random.chance(20),
            unique: !in_key && kind.1 && !narrow && random.chance(8),
        }
    }

    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.name.replace('"', "\"\""))
    }

    /// A random value as SQL.
    pub fn value(&self, random: &mut Random) -> String {
        if !self.not_null && random.chance(15) {
            return format!("null::{}", self.kind.0);
        }
        let number = random.below(1000).to_string();
        format!("({})::{}", self.kind.2.replace('$', &number), self.kind.0)
    }
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
        let parents: Vec<usize> = before
            .iter()
            .enumerate()
            .filter(|(_, table)| {
                table.key == Key::Primary && table.width == 1 && table.partitioned == [false; 2]
            })
            .map(|(place, _)| place)
            .collect();
        // SET NULL would change a row without its timestamp.
        let actions =
            if stamp.is_some() { ["cascade", "no action"] } else { ["set null", "cascade"] };
        let parent = (!parents.is_empty() && random.chance(50)).then(|| {
            (
                parents[random.below(parents.len() as u64) as usize],
                actions[random.below(2) as usize],
            )
        });
        let divisible = version >= 11
            && key == Key::Primary
            && parent.is_none()
            && columns.iter().all(|column| !column.unique)
            && HASHABLE.contains(&columns[0].kind.0);
        Self {
            name: ["one", "Two", "three"][number].to_owned(),
            columns,
            key,
            width,
            stamp,
            parent,
            reversed: random.chance(30),
            extra: random.chance(30),
            wider: random.chance(30),
            partitioned: [divisible && random.chance(40), divisible && random.chance(40)],
        }
    }

    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }

    fn create(&self, schema: &Schema, on_target: bool) -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            let wider = WIDER.iter().find(|(narrow, _)| *narrow == column.kind.0);
            let wider =
                wider.filter(|_| on_target && self.wider && place >= self.width && !column.unique);
            let kind = wider.map_or(column.kind.0, |(_, wide)| wide);
            let not_null = if column.not_null { " not null" } else { "" };
            let unique = if column.unique { " unique" } else { "" };
            parts.push(format!("{} {kind}{not_null}{unique}", column.quoted()));
        }
        parts.extend(self.stamp.map(|kind| format!("updated_at {kind}")));
        if let Some((parent, action)) = self.parent {
            let parent = &schema.tables[parent];
            let (key, kind) = (parent.columns[0].quoted(), parent.columns[0].kind.0);
            parts.push(format!(
                "parent {kind} references {} ({key}) on delete {action}",
                parent.quoted()
            ));
        }
        if on_target && self.reversed {
            parts.reverse();
        }
        if on_target && self.extra {
            parts.insert(0, "extra int not null default 7".to_owned());
        }
        let key: Vec<String> = self.columns[..self.width].iter().map(Column::quoted).collect();
        let key = key.join(", ");
        match self.key {
            Key::None => {}
            Key::Primary => parts.push(format!("primary key ({key})")),
            Key::Unique => parts.push(format!("unique ({key})")),
            Key::Deferrable => {
                parts.push(format!("primary key ({key}) deferrable initially deferred"))
            }
        }
        let table = format!("create table {} ({})", self.quoted(), parts.join(", "));
        if !self.partitioned[usize::from(on_target)] {
            return vec![table];
        }
        let part = |n| {
            format!(
                "create table \"{}_{n}\" partition of {} for values with (modulus 3, remainder {n})",
                self.name,
                self.quoted()
            )
        };
        let divided = format!("{table} partition by hash ({})", self.columns[0].quoted());
        vec![divided, part(0), part(1), part(2)]
    }
}

impl Schema {
    pub fn random(random: &mut Random, version: u32) -> Self {
        let mut tables = Vec::new();
        for number in 0..1 + random.below(3) as usize {
            tables.push(Table::random(random, number, &tables, version));
        }
        Self { tables }
    }

    pub fn source(&self) -> Vec<String> {
        self.create(false)
    }

    pub fn target(&self) -> Vec<String> {
        self.create(true)
    }

    fn create(&self, on_target: bool) -> Vec<String> {
        let tables = self.tables.iter().flat_map(|table| table.create(self, on_target));
        std::iter::once(TYPES.to_owned()).chain(tables).collect()
    }
}
