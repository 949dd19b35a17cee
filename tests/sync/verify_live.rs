//! `pgsync verify -live` beside people who write: what their work explains is excused, and nothing else is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;

use super::support::{Pair, Random, Session, pgsync};

const TABLES: &str =
    "create table account (id int primary key, name text, updated_at timestamptz not null);
    create table plain (id int primary key, n int)";

/// Rounds of the test; `PGSYNC_ROUNDS` asks for more.
const ROUNDS: u32 = 3;

fn statement(random: &mut Random) -> String {
    let (id, n) = (1000 + random.below(3000), random.below(1000));
    match random.below(4) {
        0 => format!(
            "insert into account values ({id}, 'new', clock_timestamp()) on conflict do nothing"
        ),
        1 => format!(
            "update account set name = 'n{n}', updated_at = clock_timestamp() where id = {id}"
        ),
        2 => format!("delete from account where id = {id}"),
        _ => format!(
            "insert into plain values ({id}, {n}) on conflict (id) do update set n = excluded.n"
        ),
    }
}

async fn write(session: Session, mut random: Random, stop: Arc<AtomicBool>) -> u64 {
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        written += u64::from(session.try_run(&statement(&mut random)).await.is_ok());
    }
    written
}

/// The exit status of a comparison, and its listed rows that the work of the writers does not explain.
async fn compared(db: &Pair) -> (i64, Vec<String>) {
    let (source, target) = (db.source_url(), db.target_url());
    let run = pgsync(&[
        "verify", "-live", "-json", "-limit", "100000", "-source", &source, "-target", &target,
    ]);
    let run = run.while_writing().await;
    let json: serde_json::Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    let table =
        json["tables"].as_array().expect("tables").iter().find(|one| one["table"] == "account");
    let rows = table.expect("the table")["rows"].as_array().expect("rows").iter();
    let unexplained = rows.filter(|row| row["kind"] != "extra" && row["behind"] != true);
    let keys = unexplained.map(|row| format!("{} {}", row["key"]["id"], row["columns"]));
    (json["exit_status"].as_i64().expect("a number"), keys.collect())
}

#[tokio::test]
async fn beside_writers_only_a_row_that_nobody_wrote_counts() {
    let rounds = std::env::var("PGSYNC_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let db = Pair::with(TABLES).await;
    db.source("insert into account select i, 'x', '2024-01-01' from generate_series(1, 4000) i")
        .await;
    db.sync().await.expect_ok();
    let (mut random, stop) = (Random::seeded(), Arc::new(AtomicBool::new(false)));
    let mut writers: Vec<JoinHandle<u64>> = Vec::new();
    for _ in 0..3 {
        let session = db.source_session().await;
        writers.push(tokio::spawn(write(session, Random::new(random.next()), stop.clone())));
    }
    for round in 1..=rounds {
        db.sync().while_writing().await.expect_ok();
        assert_eq!(compared(&db).await, (0, vec![]), "round {round}");
        db.target(&format!("update account set name = 'y' where id = {round}")).await;
        let flipped = (3, vec![format!("\"{round}\" [\"name\"]")]);
        assert_eq!(compared(&db).await, flipped, "round {round}");
        db.target(&format!("update account set name = 'x' where id = {round}")).await;
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.expect("a writer ends") > 0, "every writer has written");
    }
}
