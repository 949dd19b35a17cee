//! Whatever the schema and whatever is done to the source: a run brings all in step, and the next
//! finds nothing to do. `PGSYNC_TEST_CASES` says how many schemas are tried. Case n has the seed
//! `PGSYNC_TEST_SEED` + n; a case that failed prints its own, to be run again as the only one.

mod changes;
mod column;
mod schema;

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
        for number in (lane..cases).step_by(AT_ONCE as usize) {
            case(seed.wrapping_add(number)).await;
        }
    });
    join_all(lanes).await;
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

async fn case(seed: u64) {
    let mut random = Random::new(seed);
    let mut story = Story { seed, lines: Vec::new() };
    let db = Pair::fresh().await;
    let schema = Schema::random(&mut random, db.version().await);
    for (side, on, statements) in
        [("source", &db.source, schema.source()), ("target", &db.target, schema.target())]
    {
        for statement in statements {
            story.lines.push(format!("-- {side}\n{statement}"));
            on.run(&statement).await;
        }
    }
    let role = match random.below(4) {
        0 => db.target_role(Rights::Owner).await,
        1 if !schema.needs_an_owner() => db.target_role(Rights::Writer).await,
        _ => db.target_superuser(),
    };
    for round in 0..ROUNDS {
        for statement in changes::script(&schema, &mut random, round == 0) {
            // What the constraints forbid is not done, and that is all right.
            if db.source.try_run(&statement).await.is_ok() {
                story.lines.push(statement);
            }
        }
        for statement in changes::disturbance(&schema, &mut random) {
            if round > 0 && db.target.try_run(&statement).await.is_ok() {
                story.lines.push(format!("-- target\n{statement}"));
            }
        }
        settle(&db, &role, &mut random, &mut story).await;
    }
}

async fn settle(db: &Pair, role: &Role, random: &mut Random, story: &mut Story) {
    let batch = [1, 7, 1000][random.below(3) as usize];
    story.lines.push(format!("-- run as {} with -batch-size {batch}", role.name));
    db.sync().target_role(role).batch_size(batch).await.expect_ok();
    db.assert_all_same().await;
    db.sync().target_role(role).await.expect_unchanged();
}
