//! `mode`: what is written of what differs.

use crate::support::{Outcome, Pair, pgsync};

async fn filled() -> Pair {
    let db = Pair::with("create table event (id int primary key, note text, updated_at timestamptz not null default '2024-01-01')").await;
    db.source("insert into event (id, note) select i, 'n' from generate_series(1, 500) i").await;
    db
}

async fn verify(db: &Pair, rule: &str) -> Outcome {
    let (source, target) = (db.source_url(), db.target_url());
    pgsync(&["verify", "-source", &source, "-target", &target, "-set", rule]).await
}

const MARKS: &str = "select md5(string_agg(id || ':' || xmin::text || note, ',' order by id)) from event where id <= 500";

#[tokio::test]
async fn append_inserts_new_rows_and_touches_no_other() {
    let db = filled().await;
    let sync = || db.sync().args(&["-set", "event.mode=append"]);
    sync().await.expect_ok().expect_changes("event", (500, 0, 0));
    let before = db.target_value(MARKS).await;
    db.source(
        "update event set note = 'changed', updated_at = now() where id < 20;
         delete from event where id between 100 and 120;
         insert into event (id, note) select i, 'new' from generate_series(501, 510) i",
    )
    .await;
    sync().arg("-dry-run").await.expect_ok().expect_changes("event", (10, 0, 0));
    sync().await.expect_ok().expect_changes("event", (10, 0, 0));
    assert_eq!(db.target_value(MARKS).await, before);
    assert_eq!(db.target_value("select count(*) from event").await, "510");
    sync().await.expect_unchanged();
    let verified = verify(&db, "event.mode=append").await.expect_exit(0).expect_said("equal: 1");
    drop(
        verified.expect_said("event - warning: only missing rows count, for its mode is append\n"),
    );
    // A mirror again: everything is made equal.
    db.sync().await.expect_ok();
    db.assert_same("event").await;
}

#[tokio::test]
async fn append_over_many_rows_leaves_their_storage_alone() {
    let db = Pair::with("create table event (id bigint primary key, note text)").await;
    db.source("insert into event select i, md5(i::text) from generate_series(1, 100000) i").await;
    let sync = || db.sync().args(&["-set", "event.mode=append"]);
    sync().await.expect_ok();
    let marks = "select sum(hashtext(id || xmin::text)::int8) from event where id <= 100000";
    let before = db.target_value(marks).await;
    db.source("delete from event where id % 5 = 0; update event set note = 'x' where id % 7 = 0; insert into event values (200000, 'new')")
        .await;
    sync().await.expect_ok().expect_changes("event", (1, 0, 0));
    assert_eq!(db.target_value(marks).await, before);
}

#[tokio::test]
async fn upsert_deletes_nothing() {
    let db = filled().await;
    let sync = || db.sync().args(&["-set", "event.mode=upsert"]);
    sync().await.expect_ok();
    db.source("delete from event where id = 1; update event set note = 'x', updated_at = now() where id = 2; insert into event values (600, 'y', now())")
        .await;
    sync().await.expect_ok().expect_changes("event", (1, 1, 0));
    sync().await.expect_unchanged();
    let verified = verify(&db, "event.mode=upsert").await.expect_exit(0).expect_said("equal: 1");
    let kept = "event - warning: rows that only the target has do not count, for runs keep them\n";
    drop(verified.expect_said(kept));
}

#[tokio::test]
async fn append_needs_a_key() {
    let db = Pair::with("create table event (note text)").await;
    db.source("insert into event values ('a')").await;
    db.sync().args(&["-set", "event.mode=append"]).await.expect_failed("event", &["no key"]);
}

#[tokio::test]
async fn a_table_without_a_key_that_keeps_rows_is_told_with_the_rule_that_keeps_them() {
    let db = Pair::with("create table event (n int, t text)").await;
    db.source("insert into event values (1, 'a')").await;
    db.sync().await.expect_ok();
    db.source("update event set t = 'b'").await;
    let rules: [(&[&str], &str); 3] = [
        (&["-set", "event.mode=upsert"], "-set event.mode"),
        (&["-set", "event.deletes=false"], "-set event.deletes"),
        (&["-no-deletes"], "-no-deletes"),
    ];
    for (args, place) in rules {
        let told = format!("let runs delete its rows (take out {place})");
        db.sync().args(args).await.expect_exit(1).expect_failed("event", &[&told]);
    }
}
