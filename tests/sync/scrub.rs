//! `-scrub`: parts of tables that are proven beside the usual run, and what `-reconcile` finds unexplained.

use super::support::Pair;

const ITEM: &str = "create table item (id int primary key, name text, updated_at timestamptz not null default now())";

/// Rows that are too many to be compared as a whole on the way.
async fn filled(definition: &str, rows: &str) -> Pair {
    let db = Pair::with(definition).await;
    db.source(rows).await;
    db.sync().await.expect_ok();
    db
}

#[tokio::test]
async fn seven_runs_prove_every_row_and_find_a_flipped_byte_in_each_part() {
    for (key, nth) in [("int", "i * 1024"), ("uuid", "md5(i::text)::uuid")] {
        let db = filled(
            &ITEM.replace("id int", &format!("id {key}")),
            &format!("insert into item select {nth}, 'name ' || i, case when i = 7000 then now() else '2024-01-01' end from generate_series(1, 7000) i"),
        )
        .await;
        for part in 1..=7 {
            // A row of the part that is next.
            let number = if key == "int" {
                "((id >> 10) & 2147483647)".to_owned()
            } else {
                "(uuid_hash_extended(id, 1) & 2147483647)".to_owned()
            };
            if !db.has(11, "hash functions with a seed").await && key == "uuid" {
                break;
            }
            let flip = format!(
                "update item set name = 'flipped' where id = (select id from item where mod({number}, 7) = {part} - 1 order by id limit 1) returning id"
            );
            let id = db.target_value(&flip).await;
            let run = db.sync().arg("-scrub").arg("1/7").await.expect_ok();
            run.expect_note(&format!("id = {id}"));
            db.assert_same("item").await;
            // The whole table was compared, and the next part is the first one again.
            let state = "select proven_buckets || ' ' || (proven_since = start_time) from sync_log order by id desc limit 1";
            assert_eq!(db.target_value(state).await, "7/7 true");
            for proven in 1..=part {
                let run = db.sync().arg("-scrub=1/7").await.expect_ok();
                run.expect_unsaid("differed");
                let state = "select proven_buckets from sync_log order by id desc limit 1";
                assert_eq!(db.target_value(state).await, format!("{proven}/7"));
            }
        }
    }
}

#[tokio::test]
async fn the_log_says_since_when_all_parts_are_proven() {
    let db = filled(
        ITEM,
        "insert into item select i, 'n', '2024-01-01' from generate_series(1, 3000) i",
    )
    .await;
    // The log of an older version.
    db.target("alter table sync_log drop column proven_buckets, drop column proven_since").await;
    db.sync().await.expect_unchanged();
    let since = "select coalesce(proven_since::text, '') from sync_log order by id desc limit 1";
    for _ in 1..=2 {
        db.sync().args(&["-scrub", "1/3"]).await.expect_unchanged();
        assert_eq!(db.target_value(since).await, "");
    }
    // A run without it remembers nothing, and one that fails proves nothing.
    db.sync().await.expect_unchanged();
    let first = "select min(start_time)::text from sync_log where proven_buckets is not null";
    db.source("insert into item values (3001, 'new')").await;
    db.sync().args(&["-scrub", "1/3"]).await.expect_changes("item", (1, 0, 0));
    assert_eq!(db.target_value(since).await, db.target_value(first).await);
    db.sync().args(&["-scrub", "1/3"]).await.expect_unchanged();
    let second = "select start_time::text from sync_log where proven_buckets = '2/3'";
    assert_eq!(db.target_value(since).await, db.target_value(second).await);
    // Other parts begin with the first.
    db.sync().args(&["-scrub", "1/2"]).await.expect_unchanged();
    assert_eq!(
        db.target_value("select proven_buckets from sync_log order by id desc limit 1").await,
        "2/2"
    );
}

#[tokio::test]
async fn tables_that_are_compared_are_proven_and_others_are_said_to_be_left_out() {
    let db = Pair::with(ITEM).await;
    db.both("create table keyless (a int)").await;
    db.source("insert into keyless values (1), (1); insert into item values (1, 'a', now())").await;
    db.sync().await.expect_ok();
    let run = db.sync().args(&["-scrub", "1/7"]).await.expect_ok();
    run.expect_unsaid("differed");
    let proven = "select string_agg(table_name || ' ' || proven_buckets, ',' order by table_name) from sync_log
                  where run_id = (select run_id from sync_log order by id desc limit 1)";
    assert_eq!(db.target_value(proven).await, "item 1/7,keyless 7/7");
    let run = db.sync().args(&["-scrub", "1/7", "-no-deletes"]).await.expect_ok();
    run.expect_note("-scrub leaves it out: rows that vanished from the source stay");
    db.sync().args(&["-scrub", "2/7"]).await.expect_exit(2);
}

#[tokio::test]
async fn reconcile_warns_of_rows_that_are_older_than_the_watermark() {
    let db = filled(ITEM, "insert into item select i, 'n', '2024-01-01' from generate_series(1, 2000) i; insert into item values (3000)").await;
    db.source("insert into item values (3001); update item set name = 'new', updated_at = now() where id = 5").await;
    db.sync().arg("-reconcile").await.expect_changes("item", (1, 1, 0)).expect_unsaid("differed");
    db.target("update item set name = 'm' where id in (7, 1007); delete from item where id between 1200 and 1400").await;
    db.source("update item set name = 'newer', updated_at = now() where id = 6").await;
    let run = db.sync().plain().args(&["-reconcile", "-quiet"]).await.expect_ok();
    run.expect_said("203 rows older than the watermark differed").expect_said("id = ");
    db.sync().arg("-reconcile").await.expect_unchanged().expect_unsaid("differed");
}

#[tokio::test]
async fn a_part_that_a_run_did_not_come_to_is_proven_by_the_next_one() {
    let db = filled(
        ITEM,
        "insert into item select i, 'n', case when i = 5000 then now() else '2024-01-01' end from generate_series(1, 5000) i",
    )
    .await;
    let part = "select proven_buckets from sync_log where proven_buckets is not null order by id desc limit 1";
    db.sync().arg("-scrub=1/3").await.expect_ok();
    assert_eq!(db.target_value(part).await, "1/3");
    for signal in ["TERM", "KILL"] {
        let blocker = db.target_session().await;
        blocker.run("begin; lock table item").await;
        let run = db.sync().arg("-scrub=1/3").start();
        db.until_blocked().await;
        run.signal(signal);
        run.end().await;
        blocker.run("rollback").await;
        assert_eq!(db.target_value(part).await, "1/3", "after {signal}");
    }
    // A row of the second part, which the two have left over.
    db.target("update item set name = 'flipped' where id = 1500").await;
    db.sync().arg("-scrub=1/3").await.expect_ok().expect_note("id = 1500");
    db.assert_same("item").await;
}

#[tokio::test]
async fn parts_of_a_table_in_the_order_of_its_keys_are_looked_up() {
    let db = filled(
        ITEM,
        "insert into item select i, 'name ' || i, case when i = 30000 then now() else '2024-01-01' end
           from generate_series(1, 30000) i",
    )
    .await;
    db.both("vacuum (analyze) item").await;
    let flip = "update item set name = 'flipped' where id = 20000";
    let mut found = 0;
    db.target(flip).await;
    for part in 1..=7 {
        let run = db.sync().arg("-scrub=1/7").await.expect_ok();
        let is_part = (20000 >> 10) % 7 == part - 1;
        let notes = run.notes().join(" ");
        assert_eq!(notes.contains("id = 20000"), is_part, "{part}: {notes}");
        found += i32::from(is_part);
        if is_part {
            break;
        }
    }
    assert_eq!(found, 1);
    db.assert_same("item").await;
    // One side whose rows lie in another order reads all of them: the digests are the same.
    db.target(
        "create table other as select * from item order by md5(id::text); truncate item;
               insert into item select * from other; drop table other",
    )
    .await;
    db.target("vacuum (analyze) item").await;
    for _ in 1..=8 {
        db.sync().arg("-scrub=1/7").await.expect_ok().expect_unsaid("differed");
    }
}
