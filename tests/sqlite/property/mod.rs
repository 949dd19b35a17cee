//! Whatever stands in a file: each row either arrives as the server itself reads its values, or is listed as a
//! bad one, and the next run changes nothing. `PGSYNC_TEST_CASES` says how many schemas are tried; case n has the
//! seed `PGSYNC_TEST_SEED` + n, which a case that fails prints.

mod column;
mod table;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::app::App;
use crate::support::{Outcome, Pair, Random};
use table::{Key, Table};
use texts::Texts;

/// Of the suite, the same ones each time.
const CASES: u64 = 5;
const SEED: u64 = 17;
/// Change scripts per case.
const ROUNDS: u64 = 3;

/// As sessions of pgsync pin them.
const PINNED: &str = "set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set extra_float_digits = 3; \
                      set bytea_output = 'hex'";

/// The numbers of rows, by table.
type Numbers = BTreeMap<String, BTreeSet<i64>>;

#[tokio::test]
async fn whatever_stands_in_a_file_arrives_as_it_is_or_is_listed() {
    let given = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let seed: u64 = given("PGSYNC_TEST_SEED").unwrap_or(SEED);
    for number in 0..given("PGSYNC_TEST_CASES").unwrap_or(CASES) {
        Case::prepare(seed.wrapping_add(number)).await.run().await;
    }
}

struct Case {
    app: App,
    db: Pair,
    tables: Vec<Table>,
    random: Random,
    list: PathBuf,
    story: Story,
}

/// What a case did, printed when it fails.
struct Story {
    seed: u64,
    lines: Vec<String>,
}

impl Drop for Story {
    #[allow(clippy::print_stderr)] // the test runner shows it for failed tests only
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("PGSYNC_TEST_CASES=1 PGSYNC_TEST_SEED={}", self.seed);
            eprintln!("{};", self.lines.join(";\n"));
        }
    }
}

impl Case {
    async fn prepare(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (app, db) = (App::empty(), Pair::fresh().await);
        db.target(PINNED).await;
        let list = app.folder.join("rejects");
        let tables: Vec<Table> = (0..3).map(|number| Table::draw(&mut random, number)).collect();
        let mut case = Self { app, db, tables, random, list, story: Story { seed, lines: vec![] } };
        for number in 0..case.tables.len() {
            case.do_in_file(&case.tables[number].create());
            if case.tables[number].exists {
                let create = case.tables[number].create_on_target();
                case.db.target(&create).await;
                case.story.lines.push(format!("-- target\n{create}"));
            }
        }
        case
    }

    fn do_in_file(&mut self, statement: &str) {
        self.story.lines.push(statement.to_owned());
        self.app.run(statement);
    }

    async fn run(mut self) {
        for round in 0..ROUNDS {
            for number in 0..self.tables.len() {
                let statements = self.tables[number].change(&mut self.random, round == 0);
                self.do_in_file(&format!("begin;\n{};\ncommit", statements.join(";\n")));
            }
            let run = self.sync().await;
            let bad = self.listed();
            for table in &self.tables {
                self.check(table, &run, &bad[&table.name]).await;
            }
            let again = self.sync().await;
            assert!(again.tables().iter().all(|table| table.changes() == (0, 0, 0)), "{again}");
        }
        self.end_without_bad_rows().await;
    }

    async fn sync(&self) -> Outcome {
        let list = self.list.display().to_string();
        self.app.sync(&self.db).args(&["-bad-rows", "skip", "-rejects", &list]).await
    }

    /// The rows of the file that were listed as bad ones.
    fn listed(&self) -> Numbers {
        let file = self.app.open();
        let by_key = self.tables.iter().map(|table| (table.name.as_str(), table.numbers(&file)));
        let by_key: BTreeMap<&str, BTreeMap<String, i64>> = by_key.collect();
        let mut numbers: Numbers =
            self.tables.iter().map(|table| (table.name.clone(), BTreeSet::new())).collect();
        for line in std::fs::read_to_string(&self.list).expect("a list").lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let table = line["table"].as_str().expect("a table");
            let key = line["key"].to_string();
            let number = by_key[table].get(&key);
            let number = *number.unwrap_or_else(|| panic!("no row of {table} has the key {key}"));
            numbers.get_mut(table).expect("a table").insert(number);
        }
        numbers
    }

    async fn check(&self, table: &Table, run: &Outcome, bad: &BTreeSet<i64>) {
        let name = &table.name;
        let expected = if bad.is_empty() { "success" } else { "failed" };
        assert_eq!(run.table(name).status, expected, "{name}, bad rows {bad:?}: {run}");
        let wrongly: Vec<_> = table.plain.intersection(bad).collect();
        assert!(wrongly.is_empty(), "rows {wrongly:?} of {name} are no bad ones: {run}");
        let types = "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a \
                     where a.attrelid = $name::regclass and a.attnum > 0";
        let types = self.db.target_rows(&types.replace("$name", &format!("'{name}'"))).await;
        let types = types.into_iter().map(|row| (row[0].clone(), row[1].clone()));
        let types: BTreeMap<String, String> = types
            .map(|(name, kind)| (name.unwrap_or_default(), kind.unwrap_or_default()))
            .collect();
        let file = self.app.open();
        let texts = Texts::of(&self.db, &table.reals(&file)).await;
        let good = table.good_rows(&file, bad, |column, value| {
            column.expected(value, &types[&column.name], &texts)
        });
        let wrong = self.db.target_rows(&table.wrong_rows(&good)).await;
        assert_eq!(wrong, Vec::<Vec<Option<String>>>::new(), "{name} has other rows: {run}");
        // Nothing else is there but rows whose rows in the file are bad now.
        let allowed = if table.key == Key::None { BTreeSet::new() } else { bad.clone() };
        let numbers = self.db.target_rows(&format!("select no::text from {name}")).await;
        let numbers = numbers.into_iter().map(|row| row[0].clone().unwrap_or_default());
        for number in numbers.map(|number| number.parse().expect("a number")) {
            let is_known = good.iter().any(|(good, _)| *good == number);
            assert!(is_known || allowed.contains(&number), "row {number} of {name}: {run}");
        }
    }

    /// Where the bad rows go, all is in sync.
    async fn end_without_bad_rows(&mut self) {
        for (table, bad) in self.listed() {
            let bad: Vec<String> = bad.iter().map(i64::to_string).collect();
            self.do_in_file(&format!("delete from {table} where no in ({})", bad.join(", ")));
        }
        self.app.sync(&self.db).await.expect_ok();
        self.app.sync(&self.db).args(&["-reconcile"]).await.expect_unchanged();
    }
}
