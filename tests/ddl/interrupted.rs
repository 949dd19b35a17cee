//! First runs that end early: the next one goes on, and nothing is missing in the end.

use std::time::Duration;

use crate::dump::assert_same_definitions;
use crate::everything::{SCHEMAS, full_source};
use crate::support::Random;

const EMPTY: &str = "drop schema if exists app, public, \"Odd name; --\" cascade; create schema public; comment on schema public is 'standard public schema';
    create schema app; create function app.twice(int) returns int language sql immutable as 'select 2 * $1'";

#[tokio::test]
async fn a_first_run_that_is_killed_anywhere_is_finished_by_the_next() {
    let db = full_source().await;
    let mut random = Random::seeded();
    // A run that comes far is as likely as one that hardly begins, and some follow a killed one.
    for _ in 0..10 {
        db.target(EMPTY).await;
        for _ in 0..4 {
            let running = db.sync().schema(SCHEMAS).start();
            tokio::time::sleep(Duration::from_millis(random.below(500))).await;
            running.signal("KILL");
            tokio::task::spawn_blocking(|| running.finish()).await.expect("the run ends");
        }
        // The server may not have noticed yet that the last one is gone, which is another matter.
        db.until_no_sessions().await;
        db.sync().schema(SCHEMAS).await.expect_ok();
        db.assert_all_same().await;
        assert_same_definitions(&db).await;
    }
}
