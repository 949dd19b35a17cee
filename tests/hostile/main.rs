//! Servers that lie: between pgsync and a real server stands somebody who changes what that answers.
//! Nothing of it becomes a command on the other side, which the statements show that are recorded there, and a
//! run ends, in time, with one line, and with little memory.

#[path = "../support/mod.rs"]
mod support;

mod chance;
mod liar;
mod recorded;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use liar::{Liar, Lie};
use support::{Outcome, Pair, Running, peak};

const LIMIT: Duration = Duration::from_secs(90);

/// Of the memory of a run, in KiB: an answer is read up to 512 MB, and a name of 10 MB is held in many places.
const MEMORY: u64 = 768 * 1024;

/// Runs with lies by chance, unless told otherwise.
const RUNS: u64 = 30;

const ITEM: &str = "create type mood as enum ('glad');
    create table item (id int primary key, v text default 'seven', n numeric(10, 2), m mood, check (n > 0));
    create index by_v on item (lower(v)) where n > 1; create statistics item_s on v, n from item;
    comment on table item is 'things'";

async fn source() -> Pair {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.source("insert into item select i, 'x', i, 'glad' from generate_series(1, 20) i").await;
    db
}

/// The run ended by itself, without a panic, or did not begin: a lie can look like swapped sides, and a session
/// that a lie has ended can still hold a lock. Nothing was made on either side that a lie asked for.
async fn harmless(db: &Pair, lie: &str, run: Running) -> Outcome {
    let ended = tokio::time::timeout(LIMIT, peak(run)).await;
    let (run, peak) = ended.unwrap_or_else(|_| panic!("no end after {lie}"));
    // A run may end before the first look at it.
    assert!(peak <= MEMORY, "{peak} KiB after {lie}");
    // The catalog may have been told to be empty.
    let is_empty = run.status == 2 && run.stderr.contains("no table to sync");
    assert!(is_empty || matches!(run.status, 0 | 1 | 4 | 5), "{lie}: {run}");
    assert!(!run.stderr.contains("panic"), "{lie}: {run}");
    let made = "select count(*) from pg_class where relname in ('pwned', 'x')";
    assert_eq!(db.target_value(made).await, "0", "{lie}: on the target: {run}");
    assert_eq!(db.source_value(made).await, "0", "{lie}: on the source: {run}");
    run
}

fn long(prefix: &str) -> String {
    format!("{prefix}{}\"", "y".repeat(10 * 1024 * 1024))
}

#[tokio::test]
async fn nothing_that_a_source_says_is_a_command_on_the_target() {
    let end = "; create table public.pwned(); --";
    let lies: Vec<(&str, String)> = vec![
        (r#""name" : "v""#, format!(r#""name" : "v\"{end}""#)),
        (r#""name" : "item""#, format!(r#""name" : "item\"{end}""#)),
        (r#""id" : "public.item""#, format!(r#""id" : "public.item{end}""#)),
        (r#""table" : "public.item""#, format!(r#""table" : "public.item (id){end}""#)),
        (r#""own" : "item_pkey""#, format!(r#""own" : "k\"{end}""#)),
        (r#""default" : "'seven'::text""#, format!(r#""default" : "7{end}""#)),
        (
            r#""default" : "'seven'::text""#,
            r#""default" : "7), add column x int default (8""#.into(),
        ),
        (r#""default" : "'seven'::text""#, r#""default" : "$$ $$""#.into()),
        (r#""default" : "'seven'::text""#, r#""default" : "E'\n' '\\'""#.into()),
        (r#""expression" : "(n > (0)::numeric)""#, format!(r#""expression" : "true){end}""#)),
        (r#""predicate" : "(n > (1)::numeric)""#, format!(r#""predicate" : "true){end}""#)),
        (r#""expression" : "lower(v)""#, format!(r#""expression" : "v){end}""#)),
        (r#""method" : "btree""#, format!(r#""method" : "btree (v){end}""#)),
        (r#""id" : "public.item_s""#, format!(r#""id" : "public.s on v, n from item{end}""#)),
        (r#""comment" : "things""#, format!(r#""comment" : "'{end}""#)),
        (r#""labels" : ["glad"]"#, format!(r#""labels" : ["glad'){end}"]"#)),
        (r#""name" : "numeric""#, format!(r#""name" : "numeric){end}""#)),
        (r#""printed" : "(10,2)""#, format!(r#""printed" : "(10,2)){end}""#)),
        (r#""name" : "item""#, long(r#""name" : ""#)),
        (r#""comment" : "things""#, r#""comment" : "a\u0001\u001b[2J\u009b""#.into()),
        (r#""kind" : "table""#, r#""kind" : "trigger""#.into()),
        (r#""columns" : ["#, r#""columns" : [7, "#.into()),
        (r#""modifier" : -1"#, r#""modifier" : 99999999999"#.into()),
    ];
    for (truth, lie) in lies {
        let db = source().await;
        let liar = Liar::before(db.source_server().address(), Lie::Text(truth, lie.clone())).await;
        let target = Liar::before(db.target_server().address(), Lie::Nothing).await;
        let run = db.sync().source_url(liar.url(&db.source_url())).args(&["-retries", "0"]);
        let run = run.target_url(target.url(&db.target_url()));
        harmless(&db, &lie[..lie.len().min(80)], run.start()).await;
        assert!(liar.lied(), "{truth} was never said");
        assert!(target.recorded.len() > 0, "the target was told nothing");
        assert_eq!(target.recorded.outside_of_quotes("pwned"), None, "{lie}");
    }
}

#[tokio::test]
async fn nothing_that_a_target_says_is_a_command_on_the_source() {
    let end = "; rollback; create table public.pwned(); --";
    let lies: Vec<(&str, String)> = vec![
        (r#""type_text" : "numeric(12,4)""#, format!(r#""type_text" : "numeric){end}""#)),
        (r#""type_name" : "numeric""#, format!(r#""type_name" : "numeric\"){end}""#)),
        (r#""equals_name" : "=""#, format!(r#""equals_name" : "=) t.id{end}""#)),
        (r#""equals_name" : "=""#, r#""equals_name" : "--""#.into()),
        (r#""name" : "v""#, format!(r#""name" : "v\"{end}""#)),
        (r#""output" : "numeric_out""#, r#""output" : "pg_sleep""#.into()),
    ];
    for (truth, lie) in lies {
        let db = source().await;
        db.target("create table item (id int primary key, v text, n numeric(12, 4), m text)").await;
        db.target("insert into item values (1, 'y', 3), (99, 'z', 4)").await;
        let liar = Liar::before(db.target_server().address(), Lie::Text(truth, lie.clone())).await;
        let args = ["-retries", "0", "-ddl", "none"];
        let source = Liar::before(db.source_server().address(), Lie::Nothing).await;
        let run = db.sync().target_url(liar.url(&db.target_url())).args(&args);
        harmless(&db, &lie, run.source_url(source.url(&db.source_url())).start()).await;
        assert!(source.recorded.len() > 0, "the source was told nothing");
        assert_eq!(source.recorded.outside_of_quotes("pwned"), None, "{lie}");
    }
}

#[tokio::test]
async fn a_catalog_that_names_a_table_twice_is_refused() {
    for is_source in [true, false] {
        let db = source().await;
        db.target(ITEM).await;
        let server = if is_source { db.source_server() } else { db.target_server() };
        let liar = Liar::before(server.address(), Lie::Twice(r#""name" : "item""#)).await;
        let run = db.sync().plain().args(&["-retries", "0"]);
        let run = match is_source {
            true => run.source_url(liar.url(&db.source_url())),
            false => run.target_url(liar.url(&db.target_url())),
        };
        let run = harmless(&db, "a row told twice", run.start()).await.expect_exit(1);
        assert!(liar.lied(), "{run}");
        assert!(run.stderr.contains("names public.item twice"), "{run}");
    }
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_ends_the_run_with_one_line() {
    let lies = [
        Lie::NoColumns,
        Lie::HalfAMessage,
        Lie::UnknownMessage,
        Lie::Length(i32::MAX),
        Lie::Length(3),
        Lie::Length(-1),
        Lie::NotUtf8,
        Lie::Forever,
    ];
    for lie in lies {
        for is_source in [true, false] {
            let db = source().await;
            let (server, url) = match is_source {
                true => (db.source_server(), db.source_url()),
                false => (db.target_server(), db.target_url()),
            };
            let liar = Liar::before(server.address(), lie.clone()).await;
            let url = format!("{}&connect_timeout=5", liar.url(&url));
            let run = db.sync().plain().args(&["-retries", "0"]);
            let run = if is_source { run.source_url(url) } else { run.target_url(url) };
            let run = harmless(&db, &format!("{lie:?}"), run.start()).await.expect_exit(1);
            let failed = run.stderr.lines().filter(|line| line.contains("failed")).count();
            assert_eq!(failed, 1, "one line expected after {lie:?}: {run}");
        }
    }
}

/// `PGSYNC_HOSTILE_RUNS` and `PGSYNC_HOSTILE_SEED` say how many runs there are and with which seed the first
/// one lies.
#[tokio::test]
async fn no_lie_by_chance_is_a_command_or_a_panic() {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let first = number("PGSYNC_HOSTILE_SEED").unwrap_or(1);
    let (mut lied, mut failed) = (0, Vec::new());
    for seed in first..first + number("PGSYNC_HOSTILE_RUNS").unwrap_or(RUNS) {
        match AssertUnwindSafe(lie_by_chance(seed)).catch_unwind().await {
            Ok(has_lied) => lied += u64::from(has_lied),
            Err(_) => failed.push(seed),
        }
    }
    assert!(failed.is_empty(), "PGSYNC_HOSTILE_SEED {failed:?} did harm");
    assert!(lied > 0, "all servers told the truth");
}

/// Whether there was a lie.
async fn lie_by_chance(seed: u64) -> bool {
    let db = source().await;
    let (who, state) = (seed % 2, seed % 3);
    if state > 0 {
        db.target(ITEM).await;
        db.target("insert into item values (1, 'y', 3, 'glad'), (99, 'z', 4, null)").await;
    }
    if state > 1 {
        db.target("alter table item alter v set default 'eight', add own int, drop m").await;
    }
    let ways: &[&[&str]] =
        &[&[], &["-ddl", "reset"], &["-reconcile"], &["-dry-run"], &["-ddl", "none"]];
    let [source_lie, target_lie] = match who {
        0 => [Lie::Chance(seed), Lie::Nothing],
        _ => [Lie::Nothing, Lie::Chance(seed)],
    };
    let source = Liar::before(db.source_server().address(), source_lie).await;
    let target = Liar::before(db.target_server().address(), target_lie).await;
    let run = db.sync().plain().args(&["-retries", "1"]).args(ways[(seed / 6 % 5) as usize]);
    let [of_source, of_target] = [source.url(&db.source_url()), target.url(&db.target_url())];
    let run = run
        .source_url(format!("{of_source}&connect_timeout=3"))
        .target_url(format!("{of_target}&connect_timeout=3"));
    harmless(&db, &format!("the lies of seed {seed}"), run.start()).await;
    let other = if who == 0 { &target } else { &source };
    assert_eq!(other.recorded.outside_of_quotes("pwned"), None, "seed {seed}");
    source.lied() || target.lied()
}
