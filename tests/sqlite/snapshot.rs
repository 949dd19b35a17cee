//! A run shows the file as it was at one moment: after one of its commits, with all before and none behind it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::app::App;
use crate::packages::{FILE, TABLES, TARGET, rows_of, rows_on_target, swapped};
use crate::support::Pair;

/// Whose row says how many commits there were.
const COUNTER: &str = "create table counter (id integer primary key, commits integer); \
                       insert into counter values (1, 0);";

/// What commit number `{n}` does, each of them in turn; the same from the same rows.
const CHANGES: [&str; 6] = [
    "insert into packages (name, reason, created_at, updated_at) values ('new {n}', 'why not', {at}, {at})",
    "update packages set description = 'changed {n}', updated_at = {at} where id = 1 + {n} % 300",
    "delete from packages where id = 1 + ({n} * 37) % 300",
    "update package_categories set name = 'category x{n}', updated_at = {at} where id = 1 + {n} % 40",
    "insert into package_category_relations (package_id, category_id, created_at, updated_at) \
     select max(id), 1 + {n} % 40, {at}, {at} from packages",
    "delete from package_category_relations where id = ({n} * 13) % 900",
];

/// A connection as the app has it.
fn opened(path: PathBuf) -> Connection {
    let file = Connection::open(path).expect("a file");
    file.busy_timeout(Duration::from_secs(20)).expect("a timeout");
    file.execute_batch("pragma synchronous = off; pragma foreign_keys = on").expect("settings");
    file
}

/// Makes commit `number`.
fn commit(file: &Connection, number: u64) {
    let change = if number.is_multiple_of(10) {
        swapped(number)
    } else {
        let at = format!("datetime({}, 'unixepoch')", 1_700_000_000 + number);
        let change = CHANGES[number as usize % CHANGES.len()];
        change.replace("{n}", &number.to_string()).replace("{at}", &at)
    };
    let counted =
        format!("begin immediate; {change}; update counter set commits = {number}; commit");
    file.execute_batch(&counted).expect("a commit");
}

/// Makes 200 commits a second, until it is told to stop.
fn write(path: PathBuf, stop: Arc<AtomicBool>, commits: Arc<AtomicU64>) {
    let (file, begun) = (opened(path), Instant::now());
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        commit(&file, number);
        commits.store(number, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(number * 5).saturating_sub(begun.elapsed()));
    }
}

/// The file as it was at first, to which the same is done, commit by commit.
struct Replay {
    app: App,
    commits: u64,
}

impl Replay {
    fn of(app: &App) -> Self {
        let copy = App::empty();
        std::fs::copy(app.path(), copy.path()).expect("a copy");
        Self { app: copy, commits: 0 }
    }

    /// The target has to be what the file was behind the commit that it has seen.
    async fn expect_same(&mut self, db: &Pair) {
        let seen = db.target_value("select commits::text from counter").await;
        let seen: u64 = seen.parse().expect("a number");
        assert!(seen >= self.commits, "{seen} after {}", self.commits);
        let file = opened(self.app.path());
        (self.commits + 1..=seen).for_each(|number| commit(&file, number));
        self.commits = seen;
        for table in TABLES {
            let (there, here) = (rows_on_target(db, table).await, rows_of(&file, table));
            assert_eq!(there, here, "{table} behind commit {seen}");
        }
    }
}

#[tokio::test]
async fn a_run_shows_the_file_behind_one_of_its_commits() {
    let app = App::with(&format!("{FILE}{COUNTER}"));
    let db = Pair::fresh().await;
    db.target(TARGET).await;
    db.target("create table counter (id bigint primary key, commits bigint)").await;
    let mut replay = Replay::of(&app);
    let (stop, commits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (path, told, counted) = (app.path(), stop.clone(), commits.clone());
    let writer = std::thread::spawn(move || write(path, told, counted));
    for _ in 0..5 {
        let before = commits.load(Ordering::Relaxed);
        app.sync(&db).await.expect_ok();
        replay.expect_same(&db).await;
        assert!(replay.commits >= before, "what was committed before the run belongs to it");
        assert!(commits.load(Ordering::Relaxed) > replay.commits, "the app wrote on");
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().expect("the writer ends");
    app.sync(&db).await.expect_ok();
    replay.expect_same(&db).await;
    assert_eq!(replay.commits, commits.load(Ordering::Relaxed));
    app.sync(&db).await.expect_unchanged();
}
