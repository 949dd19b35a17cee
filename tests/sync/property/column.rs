//! Random columns: types and values of them.

use crate::support::Random;

/// A type, whether it can be a key, and what makes a value of it: `$` is a random number.
pub type Kind = (&'static str, bool, &'static str);

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
    ("varchar(30)", true, "'vé' || $"),
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
    ("mood", true, "(enum_range(null::mood))[1 + $ % 3]"),
    ("positive", true, "$ + 1"),
    ("part", true, "row($, 'p,' || $ % 5, (enum_range(null::mood))[$ % 4])::part"),
    ("bpchar", true, "'b' || $ % 300 || repeat(' ', $ % 4)"),
    ("padded", true, "'p' || $ % 300 || repeat(' ', $ % 4)"),
    ("bpchar[]", true, "array['b' || repeat(' ', $ % 4), 'c' || $]"),
    ("code", true, "'c' || $ || repeat(' ', $ % 3)"),
    ("price", true, "$ / 10.0"),
    ("mood[]", true, "array[enum_last(null::mood), null, (enum_range(null::mood))[1 + $ % 2]]"),
    ("span", true, "span('a' || $ % 9, 'b' || $)"),
    ("\"char\"", true, "chr(65 + $ % 26)"),
    ("money", true, "$::money"),
    ("tsvector", true, "('a b' || $ || ':3')::tsvector"),
    ("json", false, "('{\"b\":  ' || $ || ', \"a\": [ ] }')::json"),
    ("xml", false, "('<a b=\"' || $ || '\"/>')::xml"),
    ("point", false, "point($ / 3.0, $)"),
    ("part[]", false, "array[row($, 'x\"', enum_first(null::mood))::part, null]"),
];

/// The labels of `mood`.
pub const LABELS: [&str; 3] = ["sad", "it's ok", "glad"];

pub const TYPES: &str = "create type mood as enum ('sad', 'it''s ok', 'glad');
    create domain positive as int check (value > 0);
    create domain padded as bpchar; create domain code as varchar(12); create domain price as numeric(8,2);
    create type span as range (subtype = text, collation = \"C\");
    create type part as (a int, b text, m mood)";

/// The same with what the target may have otherwise: all that holds every value.
pub const WIDER_TYPES: &str = "create type mood as enum ('new', 'glad', 'it''s ok', 'sad');
    create domain positive as bigint check (value > -1);
    create domain padded as bpchar check (value <> 'x'); create domain code as text; create domain price as numeric(10,2);
    create type span as range (subtype = text, collation = \"C\");
    create type part as (a int, b text, m mood)";

/// What the target may have instead.
const WIDER: &[(&str, &str)] = &[
    ("int", "bigint"),
    ("smallint", "int"),
    ("varchar(30)", "text"),
    ("numeric(8,3)", "numeric"),
    ("bpchar", "text"),
    ("mood", "text"),
    ("part", "text"),
    ("code", "text"),
    ("price", "numeric"),
    ("padded", "varchar"),
    ("positive", "int"),
];

/// Types by whose hash a table can be partitioned.
const HASHABLE: &[&str] = &["int", "bigint", "text", "uuid", "timestamptz", "numeric", "inet"];

/// Types of which a row can hold a value for a moment that no other row has, whatever the role.
const PARKABLE: &[&str] = &[
    "int",
    "bigint",
    "smallint",
    "text",
    "varchar(30)",
    "uuid",
    "numeric",
    "numeric(8,3)",
    "timestamptz",
    "timestamp",
    "date",
    "name",
    "bytea",
];

/// What a column that is generated makes of another one of these types.
const MAKERS: &[(&str, &str, &str)] = &[
    ("int", "bigint", "$::bigint * 2"),
    ("text", "text", "upper($ collate \"C\")"),
    ("numeric(8,3)", "numeric", "$ * 1.0"),
    ("date", "date", "$ + 1"),
    ("int[]", "int", "$[1]"),
    ("mood", "bool", "$ = 'sad'"),
    ("bpchar", "int", "octet_length($)"),
    ("code", "text", "$ || '.'"),
    ("part", "text", "($).b"),
    ("double precision", "real", "$ / 1e300"),
];

#[derive(Clone)]
pub struct Column {
    pub name: String,
    /// What only the source has called otherwise since: the target has that column, too.
    pub former: Option<String>,
    pub kind: Kind,
    pub not_null: bool,
    pub unique: bool,
}

impl Column {
    pub fn random(random: &mut Random, number: usize, in_key: bool) -> Self {
        let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| kind.1 || !in_key).collect();
        let kind = *kinds[random.below(kinds.len() as u64) as usize];
        let not_null = in_key || random.chance(20);
        // Few of these values are different ones.
        let narrow = ["boolean", "mood"].contains(&kind.0);
        let distinct = !narrow && kind.1 && (!not_null || PARKABLE.contains(&kind.0));
        Self {
            name: ["a", "b", "Column C", "d", "e", "select", "g\"h", "ö"][number].to_owned(),
            former: None,
            kind,
            not_null,
            unique: !in_key && distinct && random.chance(15),
        }
    }

    /// Another one whose values have the same type.
    pub fn twin(&self, name: &str) -> Self {
        Self { name: name.to_owned(), unique: false, ..self.clone() }
    }

    pub fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// A random value as SQL.
    pub fn value(&self, random: &mut Random) -> String {
        if !self.not_null && random.chance(15) {
            return format!("null::{}", self.kind.0);
        }
        let number = random.below(1000).to_string();
        format!("({})::{}", self.kind.2.replace('$', &number), self.kind.0)
    }

    pub fn wider(&self) -> Option<&'static str> {
        let wider = WIDER.iter().find(|(narrow, _)| *narrow == self.kind.0);
        wider.map(|(_, wide)| *wide)
    }

    pub fn is_hashable(&self) -> bool {
        HASHABLE.contains(&self.kind.0)
    }

    /// The type and the expression of a column that can be generated from this one.
    pub fn makes(&self) -> Option<(&'static str, String)> {
        let (_, kind, expression) = MAKERS.iter().find(|(from, ..)| *from == self.kind.0)?;
        Some((kind, expression.replace('$', &self.quoted())))
    }
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
