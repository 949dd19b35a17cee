//! Whatever rules a table has and whatever is done to the source: a run brings what the rules show, and the
//! next finds nothing to do. `PGSYNC_TEST_SEED` and `PGSYNC_TEST_CASES` as in `tests/sync/property`.

use serde_json::{Map, Value, json};

use crate::support::{Pair, Random};

const CASES: u64 = 6;
const ROUNDS: u64 = 3;
const KEY: &str = "0123456789abcdef-one";

const CREATE: &str = "create table item (id int primary key, kind text not null, name text, phone text, born date, pay numeric(10, 2),
       doc jsonb, code uuid, moved timestamptz not null default now())";

/// Columns that may be left out, and masks that each may have.
const COLUMNS: [(&str, &[&str]); 7] = [
    (
        "kind",
        &[
            "\"text\"",
            "\"redact\"",
            "{\"hash\": 8}",
            "{\"value\": \"x\"}",
            "{\"sql\": \"upper(kind) || id\"}",
        ],
    ),
    ("name", &["\"name.full\"", "\"email\"", "\"null\"", "\"lorem\"", "\"empty\"", "\"url\""]),
    ("phone", &["\"phone\"", "\"card\"", "\"ip\"", "\"uuid\""]),
    (
        "born",
        &[
            "\"date.year\"",
            "{\"date.shift\": {\"days\": 9}}",
            "{\"date.shift\": {\"days\": 40, \"by\": \"code\"}}",
        ],
    ),
    ("pay", &["{\"number.round\": 10}", "{\"number.noise\": 0.5}", "\"null\""]),
    (
        "doc",
        &["{\"json\": {\"$.a\": \"redact\", \"$.b.c\": \"email\"}}", "\"redact\"", "\"empty\""],
    ),
    ("code", &["\"uuid\"", "\"null\""]),
];

const FILTERS: [&str; 6] = [
    "id % 3 <> 0",
    "kind in ('a', 'b')",
    "moved > now() - interval '1 hour'",
    "coalesce(pay, 0) > 40",
    "name is null or length(name) < 12",
    "exists (select from wanted where wanted.kind = item.kind)",
];

/// What the rules of a case are.
struct Rules {
    filter: Option<&'static str>,
    left_out: Vec<&'static str>,
    masks: Map<String, Value>,
}

impl Rules {
    fn draw(random: &mut Random) -> Self {
        let filter = (random.below(4) > 0).then(|| FILTERS[random.below(6) as usize]);
        let (mut left_out, mut masks) = (Vec::new(), Map::new());
        for (name, kinds) in COLUMNS {
            match random.below(5) {
                0 => left_out.push(name),
                1 | 2 => {
                    let mask = kinds[random.below(kinds.len() as u64) as usize];
                    masks.insert(
                        name.to_owned(),
                        serde_json::from_str(mask).expect("a mask is JSON"),
                    );
                }
                _ => {}
            }
        }
        Self { filter, left_out, masks }
    }

    fn config(&self) -> String {
        let mut item = json!({"excludeColumns": self.left_out, "mask": self.masks});
        if let Some(filter) = self.filter {
            item["where"] = json!(filter);
        }
        json!({"maskKey": "env:MASK_KEY", "unmasked": "off", "timestampColumn": "moved", "tables": {"item": item}}).to_string()
    }

    /// What of a row is the same on both sides.
    fn plain(&self) -> String {
        let columns = COLUMNS.iter().map(|(name, _)| *name).chain(["id", "moved"]);
        let travels =
            |name: &&str| !self.left_out.contains(name) && !self.masks.contains_key(*name);
        columns.filter(travels).collect::<Vec<_>>().join(", ")
    }
}

/// Rows from here to there, as random as a seed makes them.
fn insert(from: u64, to: u64, seed: u64) -> String {
    format!(
        "insert into item select i, chr(97 + (i * 7 + {seed}) % 5), case when (i + {seed}) % 4 > 0 then repeat('Nä ' || i, 1 + i % 4) end,
           case when i % 3 > 0 then '+49 30 ' || i * {seed} end, '1990-01-01'::date + (i * {seed}) % 9000,
           case when i % 5 > 0 then (i * {seed}) % 100 + 0.5 end,
           case i % 4 when 0 then null when 1 then '[1]' when 2 then '{{\"a\": 1}}' else jsonb_build_object('a', 'x' || i, 'b', jsonb_build_object('c', i)) end,
           md5(i::text || {seed})::uuid, now() - (i % 4) * interval '30 minutes'
         from generate_series({from}, {to}) i"
    )
}

fn change(random: &mut Random, round: u64) -> String {
    let (one, other) = (2 + random.below(9), 2 + random.below(9));
    match random.below(5) {
        0 => format!("delete from item where id % {one} = 0"),
        1 => format!("update item set kind = 'b', pay = 50, moved = now() where id % {one} = 1"),
        2 => format!(
            "update item set name = 'short', moved = now() where id % {one} = 0; delete from item where id % {other} = 1"
        ),
        3 => format!(
            "{}; update item set phone = '12345' || id, moved = now() where id % {one} = 0",
            insert(1000 * round, 1000 * round + 50, one)
        ),
        _ => format!(
            "delete from wanted where ascii(kind) % 2 = {}; insert into wanted values ('c')",
            one % 2
        ),
    }
}

#[tokio::test]
async fn whatever_the_rules_one_run_brings_what_they_show() {
    let seed = Random::seed();
    let given = std::env::var("PGSYNC_TEST_CASES").ok().and_then(|cases| cases.parse().ok());
    for number in 0..given.unwrap_or(CASES) {
        case(seed.wrapping_add(number)).await;
    }
}

async fn case(seed: u64) {
    let mut random = Random::new(seed);
    let rules = Rules::draw(&mut random);
    let config = rules.config();
    let db = Pair::fresh().await;
    db.source(&format!(
        "{CREATE}; create table wanted (kind text); insert into wanted values ('a'), ('b'); {}",
        insert(1, 300, 3)
    ))
    .await;
    let file = db.file("case.json", &config);
    let sync = || db.sync().include("item").args(&["-config", &file]).env("MASK_KEY", KEY);
    for round in 1..=ROUNDS {
        let run = sync().await.expect_ok();
        let rows = |filter: &str| {
            format!(
                "select coalesce(md5(string_agg(row({})::text, ';' order by id)), '') from item where {filter}",
                rules.plain()
            )
        };
        // A window that moves with the clock has moved on since the run.
        if rules.filter.is_none_or(|filter| !filter.contains("now()")) {
            let shown = db.source_value(&rows(rules.filter.unwrap_or("true"))).await;
            let there = db.target_value(&rows("true")).await;
            assert_eq!(there, shown, "PGSYNC_TEST_SEED={seed} round {round} {config}: {run}");
        }
        sync().await.expect_unchanged();
        sync().arg("-reconcile").await.expect_unchanged();
        db.source(&change(&mut random, round)).await;
    }
}
