//! Runs that follow each other remember what tables were. What has changed since is seen by the next one.

use serde_json::Value;

use crate::support::{Pair, Running};

const TABLE: &str =
    "create table item (id serial primary key, n int, updated_at timestamptz default now());
    create table still (id int primary key)";

async fn filled() -> Pair {
    let db = Pair::with(TABLE).await;
    db.source("insert into item (n) select i from generate_series(1, 10) i").await;
    db.source("insert into still select i from generate_series(1, 10) i").await;
    db
}

/// Waits for a run that begins after now, and gives its object.
async fn next_run(run: &Running) -> Value {
    // One may be under way.
    let lines = run.until_lines(run.lines_so_far() + 2).await;
    serde_json::from_str(&lines[lines.len() - 1]).expect("an object per line")
}

fn tables(object: &Value) -> Vec<&str> {
    let tables = object["tables"].as_array().expect("tables");
    tables.iter().map(|table| table["table"].as_str().expect("a name")).collect()
}

async fn repeated(db: &Pair) -> Running {
    let run = db.sync().while_writing().args(&["-every", "0s"]).start();
    run.until_lines(3).await;
    run
}

async fn stop(run: Running) {
    run.signal("TERM");
    let outcome = run.end().await;
    assert!([0, 143].contains(&outcome.status), "{outcome}");
}

#[tokio::test]
async fn columns_that_change_between_two_runs_are_seen_by_the_next() {
    let db = filled().await;
    let run = repeated(&db).await;
    db.both("alter table item add extra text").await;
    db.source("update item set extra = 'more', updated_at = now()").await;
    db.target.until("select count(*) = 10 from item where extra = 'more'").await;
    db.target("alter table item alter n type bigint").await;
    db.source("alter table item alter n type bigint").await;
    db.source("update item set n = 5000000000 + id, updated_at = now()").await;
    db.target.until("select count(*) = 10 from item where n > 5000000000").await;
    db.both("alter table item rename extra to other").await;
    db.source("update item set other = 'again', updated_at = now()").await;
    db.target.until("select count(*) = 10 from item where other = 'again'").await;
    db.both("alter table item drop constraint item_pkey; alter table item add primary key (n)")
        .await;
    db.source("update item set id = id + 100, updated_at = now()").await;
    db.target.until("select count(*) = 10 from item where id > 100").await;
    stop(run).await;
    db.assert_same("item").await;
}

#[tokio::test]
async fn tables_that_come_and_go_between_two_runs_are_seen_by_the_next() {
    let db = filled().await;
    let run = repeated(&db).await;
    assert_eq!(tables(&next_run(&run).await), ["item", "still"]);
    db.both("create table more (id int primary key)").await;
    db.source("insert into more values (1)").await;
    db.target.until("select count(*) = 1 from more").await;
    assert_eq!(tables(&next_run(&run).await), ["item", "more", "still"]);
    // The same again, under another number.
    db.both("drop table more; create table more (id int primary key)").await;
    db.source("insert into more values (1), (2)").await;
    db.target.until("select count(*) = 2 from more").await;
    db.both("drop table more, still").await;
    next_run(&run).await;
    assert_eq!(tables(&next_run(&run).await), ["item"]);
    stop(run).await;
}

#[tokio::test]
async fn where_a_sequence_stands_is_seen_by_the_next_run() {
    let db = filled().await;
    let run = repeated(&db).await;
    db.source("select setval('item_id_seq', 5000)").await;
    db.target.until("select last_value >= 5000 from item_id_seq").await;
    db.both("alter sequence item_id_seq increment by 7").await;
    db.source("select setval('item_id_seq', 7000)").await;
    db.target.until("select last_value >= 7000 from item_id_seq").await;
    stop(run).await;
}

#[tokio::test]
async fn a_right_that_is_taken_away_is_missed_by_the_next_run() {
    let db = filled().await;
    let reader = db.source_reader().await;
    let run = db.sync().while_writing().source_role(&reader).args(&["-every", "0s"]).start();
    run.until_lines(3).await;
    let revoke = format!("revoke select on item from {}", reader.name);
    db.source(&revoke).await;
    run.until_said(&format!("grant select on public.item to {}", reader.name), 1).await;
    db.source(&format!("grant select on item to {}", reader.name)).await;
    db.source("update item set n = -1, updated_at = now()").await;
    db.target.until("select count(*) = 10 from item where n = -1").await;
    stop(run).await;
}
