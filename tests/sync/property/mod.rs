//! Whatever the schema and whatever is done to the source: a run brings all in sync, and the next
//! finds nothing to do. `PGSYNC_TEST_CASES` says how many schemas are tried. Case n has the seed
//! `PGSYNC_TEST_SEED` + n; each case that failed prints its own, to be run again as the only one.

mod changes;
mod clock;
mod column;
mod renames;
mod rules;
mod schema;
mod table;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::support::{Pair, Random, Rights, Role};
use schema::Schema;

/// Enough to meet most pairs of features in every run of the suite.
const CASES: u64 = 16;
/// Cases under way at once.
const AT_ONCE: u64 = 2;
/// Change scripts per case.
const ROUNDS: u64 = 3;

#[tokio::test]
async fn whatever_is_done_to_the_source_one_run_brings_all_in_step() {
    let seed = Random::seed();
    let given = std::env::var("PGSYNC_TEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases: u64 = given.unwrap_or(CASES);
    let lanes = (0..AT_ONCE).map(|lane| async move {
        let mut failed = Vec::new();
        for number in (lane..cases).step_by(AT_ONCE as usize) {
            let seed = seed.wrapping_add(number);
            if AssertUnwindSafe(case(seed)).catch_unwind().await.is_err() {
                failed.push(seed);
            }
        }
        failed
    });
    let failed = join_all(lanes).await.concat();
    assert!(
        failed.is_empty(),
        "{} of {cases} cases failed, PGSYNC_TEST_SEED {failed:?}",
        failed.len()
    );
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
            let words = format!("PGSYNC_TEST_CASES=1 PGSYNC_TEST_SEED={}", self.seed);
            eprintln!("{words}\n{};", self.lines.join(";\n"));
        }
    }
}

/// Two databases with a schema, the role that runs write the target as, and what was done so far.
struct Case {
    db: Pair,
    schema: Schema,
    rights: Rights,
    role: Role,
    random: Random,
    story: Story,
    /// Rules of all tables, in one case of four.
    rules: Option<Vec<rules::TableRules>>,
}

async fn case(seed: u64) {
    let mut case = Case::prepare(seed).await;
    for round in 0..ROUNDS {
        case.change_the_source(round == 0).await;
        if round > 0 {
            // Rules name columns.
            if case.rules.is_none() {
                case.rename().await;
            }
            case.disturb_the_target().await;
        }
        case.settle().await;
    }
}

impl Case {
    async fn prepare(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let encodings = schema::encodings(&mut random);
        let mut story = Story { seed, lines: vec![format!("-- {encodings:?}")] };
        let db = Pair::encoded(encodings[0], encodings[1]).await;
        let schema = Schema::random(&mut random, db.version().await, encodings);
        for (side, on, statements) in
            [("source", &db.source, schema.source()), ("target", &db.target, schema.target())]
        {
            for statement in statements {
                story.lines.push(format!("-- {side}\n{statement}"));
                on.run(&statement).await;
            }
        }
        let rights = match random.below(4) {
            0 => Rights::Owner,
            1 if !schema.needs_an_owner() => Rights::Writer,
            _ => Rights::Superuser,
        };
        let role = db.target_role(rights).await;
        let rules = random.chance(25).then(|| rules::draw(&mut random, &schema));
        Self { db, schema, rights, role, random, story, rules }
    }

    async fn change_the_source(&mut self, first: bool) {
        for statement in changes::script(&self.schema, &mut self.random, first) {
            let statement = self.schema.spelled(&statement);
            // What the constraints forbid is not done, and that is all right.
            if self.db.source.try_run(&statement).await.is_ok() {
                self.story.lines.push(statement);
            }
        }
    }

    async fn rename(&mut self) {
        for rename in renames::draw(&mut self.schema, self.rights, &mut self.random) {
            self.db.source.run(&rename.on_source).await;
            self.story.lines.push(rename.on_source);
            if let Some(statement) = rename.on_target {
                self.db.target.run(&statement).await;
                self.story.lines.push(format!("-- target\n{statement}"));
            }
        }
    }

    async fn disturb_the_target(&mut self) {
        let mut statements = changes::disturbance(&self.schema, &mut self.random);
        statements.extend(changes::own_values(&self.schema, &mut self.random));
        for statement in statements {
            let statement = self.schema.spelled(&statement);
            if self.db.target.try_run(&statement).await.is_ok() {
                self.story.lines.push(format!("-- target\n{statement}"));
            }
        }
    }

    async fn settle(&mut self) {
        let batch = [1, 7, 1000][self.random.below(3) as usize];
        let role = &self.role;
        self.story.lines.push(format!("-- run as {} with -batch-size {batch}", role.name));
        let before = self.schema.own_values(&self.db).await;
        let mut flags: Vec<String> = Vec::new();
        if let Some(rules) = &self.rules {
            let config = rules::config(rules);
            flags.extend(["-config".to_owned(), self.db.file("rules.json", &config)]);
            self.story.lines.push(format!("-- {config}"));
        }
        let sync = || {
            let sync = self.db.sync().target_role(role).env("MASK_KEY", rules::KEY);
            flags.iter().fold(sync, |sync, flag| sync.arg(flag))
        };
        sync().batch_size(batch).await.expect_ok();
        match &self.rules {
            None => self.db.assert_all_same().await,
            Some(rules) => {
                for table in rules {
                    table.assert_shown(&self.db).await;
                }
            }
        }
        for (row, value) in self.schema.own_values(&self.db).await {
            let kept = before.get(&row).is_none_or(|before| *before == value);
            assert!(kept, "{row} has lost the target's own value {:?}: {value}", before.get(&row));
        }
        sync().await.expect_unchanged();
    }
}
