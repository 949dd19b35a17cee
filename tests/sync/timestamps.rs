//! The timestamp column in all its moods: shared, missing, infinite, ahead of the clock, and of
//! three types. Most runs here have no overlap, so that the watermark alone has to be right.

use crate::support::Pair;

fn item(kind: &str) -> String {
    format!("create table item (id int primary key, name text, updated_at {kind})")
}

#[tokio::test]
async fn rows_sharing_the_last_timestamp_are_not_lost_between_batches() {
    let db = Pair::with(&item("timestamptz")).await;
    db.source("insert into item select i, 'n', '2024-01-01' from generate_series(1, 25) i").await;
    db.sync().batch_size(10).await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn ten_thousand_rows_with_one_timestamp_arrive_in_batches_of_a_hundred() {
    let db = Pair::with(&item("timestamptz")).await;
    db.source("insert into item values (0, 'first', '2024-01-01')").await;
    db.sync().no_overlap().await.expect_ok();
    db.source("insert into item select i, 'n', '2024-02-01' from generate_series(1, 10000) i")
        .await;
    let run = db.sync().batch_size(100).no_overlap().await.expect_ok();
    run.expect_strategy("item", "incremental").expect_changes("item", (10_000, 0, 0));
    db.assert_same("item").await;

    db.source("update item set name = 'later' where id % 3 = 0").await;
    let run = db.sync().batch_size(100).no_overlap().await.expect_ok();
    run.expect_strategy("item", "incremental").expect_changes("item", (0, 3333, 0));
}

#[tokio::test]
async fn batches_that_end_exactly_where_the_timestamp_changes_lose_nothing() {
    let db = Pair::with(&item("timestamptz")).await;
    db.source("insert into item values (0, 'first', '2024-01-01')").await;
    db.sync().no_overlap().await.expect_ok();
    let rows =
        "insert into item select i, 'n', '2024-02-01'::timestamptz + (i / 10) * interval '1 s'
        from generate_series(10, 109) i";
    db.source(rows).await;
    let run = db.sync().batch_size(10).no_overlap().await.expect_ok();
    db.assert_same("item").await;
    assert!(run.table("item").batches >= 10, "ten batches in {run}");
    db.sync().batch_size(10).no_overlap().await.expect_unchanged();
}

#[tokio::test]
async fn null_infinite_and_future_timestamps_are_carried_and_followed() {
    for kind in ["timestamptz", "timestamp", "date"] {
        let db = Pair::with(&item(kind)).await;
        db.source(
            "insert into item values (1, 'null', null), (2, 'end', 'infinity'), (3, 'start', '-infinity'),
             (4, 'ahead', now() + interval '3 years'), (5, 'usual', '2024-01-01')",
        )
        .await;
        db.sync().no_overlap().await.expect_ok();
        db.assert_same("item").await;
        db.source("update item set name = name || '!' where id <> 5").await;
        db.source(
            "insert into item values (6, 'null', null), (7, 'end', 'infinity'), (8, 'now', now())",
        )
        .await;
        db.source("update item set name = 'changed', updated_at = now() where id = 5").await;
        db.sync().no_overlap().await.expect_ok();
        db.assert_same("item").await;
        db.sync().no_overlap().await.expect_unchanged();
    }
}

#[tokio::test]
async fn a_table_with_only_null_timestamps_is_followed() {
    let db = Pair::with(&item("timestamptz")).await;
    db.source("insert into item select i, 'n', null from generate_series(1, 2000) i").await;
    db.follow("update item set name = 'x' where id % 500 = 1; delete from item where id = 3")
        .await
        .expect_changes("item", (0, 4, 1));
}

#[tokio::test]
async fn a_timestamp_that_becomes_null_or_infinite_is_followed() {
    let db = Pair::with(&item("timestamptz")).await;
    db.source("insert into item select i, 'n', '2024-01-01' from generate_series(1, 20) i").await;
    db.follow(
        "update item set updated_at = null, name = 'a' where id = 1;
         update item set updated_at = 'infinity', name = 'b' where id = 2",
    )
    .await;
    db.source("update item set updated_at = now(), name = 'back' where id in (1, 2)").await;
    db.settle().await;
}

#[tokio::test]
async fn a_future_timestamp_does_not_hide_later_changes() {
    let db = Pair::with(&item("timestamptz")).await;
    db.source(
        "insert into item values (1, 'ahead', now() + interval '1 year'), (2, 'n', '2024-01-01')",
    )
    .await;
    db.sync().no_overlap().await.expect_ok();
    db.source("update item set name = 'changed', updated_at = now() where id = 2").await;
    db.sync().no_overlap().await.expect_ok().expect_changes("item", (0, 1, 0));
    db.assert_same("item").await;
}

#[tokio::test]
async fn each_type_of_timestamp_column_is_followed_incrementally() {
    for kind in ["timestamptz", "timestamp", "date", "timestamptz(0)", "timestamp(3)"] {
        let db = Pair::with(&item(kind)).await;
        let rows =
            "insert into item select i, 'n', '2024-01-01'::date + i from generate_series(1, 300) i";
        db.source(rows).await;
        db.sync().no_overlap().await.expect_ok();
        db.source("update item set name = 'x', updated_at = now() where id % 100 = 0").await;
        let run = db.sync().no_overlap().batch_size(10).await.expect_ok();
        run.expect_strategy("item", "incremental").expect_changes("item", (0, 3, 0));
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn later_writes_with_a_timestamp_already_seen_arrive() {
    for kind in ["timestamptz", "timestamp", "date"] {
        let db = Pair::with(&item(kind)).await;
        db.source("insert into item select i, 'n', '2024-05-05' from generate_series(1, 20) i")
            .await;
        db.sync().no_overlap().await.expect_ok();
        db.source("update item set name = 'x' where id = 4").await;
        db.source("insert into item values (21, 'n', '2024-05-05')").await;
        db.sync().no_overlap().await.expect_ok().expect_changes("item", (1, 1, 0));
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn microseconds_are_not_rounded_away_by_the_watermark() {
    let db = Pair::with(&item("timestamptz")).await;
    db.source("insert into item values (1, 'a', '2024-05-05 10:00:00.123456')").await;
    db.sync().no_overlap().await.expect_ok();
    db.source("update item set name = 'b' where id = 1").await;
    db.sync().no_overlap().await.expect_ok().expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn another_timestamp_column_can_be_named() {
    let db =
        Pair::with("create table item (id int primary key, name text, modified_at timestamptz)")
            .await;
    db.source("insert into item select i, 'n', '2024-05-05' from generate_series(1, 20) i").await;
    db.sync().timestamp("modified_at").await.expect_ok();
    db.source("update item set name = 'x', modified_at = now() where id = 4").await;
    let run = db.sync().timestamp("modified_at").await.expect_ok();
    run.expect_strategy("item", "incremental").expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_table_is_compared_when_another_timestamp_column_is_named() {
    let table = "create table item (id int primary key, name text, a timestamptz, b timestamptz)";
    let db = Pair::with(table).await;
    db.source(
        "insert into item select i, 'n', '2024-05-05', '2030-01-01' from generate_series(1, 20) i",
    )
    .await;
    db.sync().timestamp("a").await.expect_ok();
    db.source("update item set name = 'x' where id = 4").await;
    let run = db.sync().timestamp("b").await.expect_ok();
    run.expect_strategy("item", "compare").expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_column_of_that_name_that_is_no_timestamp_is_not_used() {
    for kind in ["text", "bigint", "time"] {
        let db = Pair::with(&item(kind)).await;
        db.source("insert into item select i, 'n', null from generate_series(1, 20) i").await;
        db.follow("update item set name = 'x' where id = 4")
            .await
            .expect_strategy("item", "compare");
    }
}

#[tokio::test]
async fn a_restored_older_source_is_compared_and_followed_back() {
    let db = Pair::with(&item("timestamptz")).await;
    db.source("insert into item select i, 'n', '2024-05-05' from generate_series(1, 20) i").await;
    db.sync().await.expect_ok();
    let other = Pair::with(&item("timestamptz")).await;
    other
        .source("insert into item select i, 'older', '2023-05-05' from generate_series(1, 20) i")
        .await;
    let run = db.sync().source_url(other.source_url()).await.expect_ok();
    run.expect_strategy("item", "compare").expect_changes("item", (0, 20, 0));
}

#[tokio::test]
async fn a_table_that_was_compared_and_found_equal_is_followed_from_then_on() {
    let db = Pair::with("create table item (id int primary key, updated_at timestamptz)").await;
    db.source("insert into item select i, '2024-01-01' from generate_series(1, 100) i").await;
    db.sync().await.expect_ok();
    db.target("drop table sync_log").await;
    for compared in [&[][..], &["-reconcile"]] {
        db.sync().args(compared).await.expect_unchanged().expect_strategy("item", "compare");
        db.sync().await.expect_unchanged().expect_strategy("item", "incremental");
    }
}

#[tokio::test]
async fn a_date_in_the_future_does_not_take_the_watermark_away_from_runs_without_changes() {
    let db = Pair::with("create table day (id int primary key, updated_at date); create table stamp (id int primary key, updated_at timestamp)").await;
    db.source("insert into day select i, '2024-01-01' from generate_series(1, 2000) i; insert into day values (0, '2099-01-01');
        insert into stamp select id, updated_at from day; analyze")
        .await;
    db.sync().await.expect_ok();
    for _ in 0..3 {
        let run = db.sync().await.expect_ok().expect_unchanged();
        run.expect_strategy("day", "incremental").expect_strategy("stamp", "incremental");
    }
}

#[tokio::test]
async fn the_first_moment_that_there_is_spoils_no_watermark() {
    let tables = ["timestamptz", "timestamp", "date"].map(|kind| {
        format!("create table {kind}s (id int primary key, n int, updated_at {kind});")
    });
    let db = Pair::with(&tables.concat()).await;
    let first = "'4714-11-24 00:00:00+00 BC'";
    for table in ["timestamptzs", "timestamps", "dates"] {
        db.source(&format!(
            "insert into {table} select i, 0, {first} from generate_series(1, 20) i"
        ))
        .await;
    }
    for change in [
        "select",
        "update timestamptzs set n = 1; update timestamps set n = 1; update dates set n = 1",
    ] {
        db.source(change).await;
        let run = db.sync().await.expect_ok();
        for table in run.tables() {
            assert!(table.watermark.is_some(), "{run}");
        }
        db.assert_all_same().await;
    }
    let rows = "select count(*) from sync_log where status = 'success' and sync_type <> 'create'";
    assert_eq!(db.target_value(rows).await, "6");
}

#[tokio::test]
async fn a_clock_of_another_zone_hides_no_later_change() {
    // The greatest and the least distance between the clocks of two zones, and the end of summer time.
    for (kind, ahead, behind) in [
        ("timestamp", "13:59", "-11:59"),
        ("timestamp", "00:00", "-01:00"),
        ("date", "14:00", "-12:00"),
    ] {
        let db = Pair::with(&item(kind)).await;
        db.source("insert into item select i, 'n', '2024-01-01' from generate_series(1, 2000) i")
            .await;
        db.sync().await.expect_ok();
        let at = |shift: &str| format!("timezone('UTC', now()) + interval '{shift}'");
        let ahead =
            format!("update item set name = 'ahead', updated_at = {} where id = 1", at(ahead));
        db.source(&ahead).await;
        db.sync().await.expect_ok().expect_strategy("item", "incremental");
        let behind =
            format!("update item set name = 'behind', updated_at = {} where id = 2", at(behind));
        db.source(&behind).await;
        let run = db.sync().await.expect_ok();
        run.expect_strategy("item", "incremental").expect_changes("item", (0, 1, 0));
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn an_overlap_that_is_asked_for_counts_for_columns_without_zone_too() {
    for kind in ["timestamp", "date"] {
        let db = Pair::with(&item(kind)).await;
        let rows = "insert into item select i, 'n', timezone('UTC', now()) - i * interval '5 hours'
            from generate_series(0, 2000) i";
        db.source(rows).await;
        let mut read = Vec::new();
        for overlap in [&["-overlap", "1h"][..], &[]] {
            db.sync().args(overlap).await.expect_ok();
            db.source("update item set name = name || 'x' where id = 0").await;
            let run = db.sync().args(overlap).await.expect_ok().expect_changes("item", (0, 1, 0));
            read.push(run.table("item").processed);
        }
        assert!(read[0] < read[1], "{kind}: {read:?} rows were read");
    }
}

#[tokio::test]
async fn a_date_that_is_a_timestamp_on_the_target_is_followed_incrementally() {
    let db = Pair::fresh().await;
    db.source(&item("date")).await;
    db.target(&item("timestamp")).await;
    db.source("insert into item select i, 'n', now() - i * interval '1 day' from generate_series(0, 2000) i")
        .await;
    db.sync().await.expect_ok();
    db.source("update item set name = 'x', updated_at = now() where id = 1000").await;
    let run = db.sync().await.expect_ok();
    // Where the two windows began at different moments the whole table would be compared.
    run.expect_strategy("item", "incremental").expect_said("");
    db.sync().await.expect_unchanged().expect_strategy("item", "incremental");
}

#[tokio::test]
async fn a_row_that_went_back_in_time_beside_one_that_fails_is_found_by_the_next_run() {
    for kind in ["timestamptz", "timestamp"] {
        let db = Pair::with(&item(kind)).await;
        db.source("insert into item select i, 'n', '2024-01-01' from generate_series(1, 2000) i")
            .await;
        db.sync().no_overlap().await.expect_ok();
        db.source(
            "update item set name = 'back', updated_at = '2020-01-01' where id = 1;
             update item set name = 'good', updated_at = now() - interval '2 s' where id = 4;
             update item set name = 'bad', updated_at = now() - interval '1 s' where id = 5",
        )
        .await;
        db.target("alter table item add constraint good check (name <> 'bad')").await;
        let run = db.sync().no_overlap().batch_size(1).await;
        run.expect_failed("item", &["good"]);
        assert_eq!(db.target_value("select name from item where id = 4").await, "good");
        db.target("alter table item drop constraint good").await;
        db.sync().no_overlap().await.expect_ok().expect_strategy("item", "incremental");
        db.assert_same("item").await;
    }
}

/// An insert would have it checked before it is seen that they are there.
#[tokio::test]
async fn rows_that_are_equal_need_not_keep_a_check_that_is_not_valid() {
    let db = Pair::fresh().await;
    db.source(
        "create table t (id int primary key, n int, updated_at timestamptz not null default now());
         insert into t select i, 1 from generate_series(1, 5) i",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("alter table t add constraint ck check (n < 0) not valid").await;
    db.settle().await;
    db.source("delete from t where id = 3; insert into t values (6, -1)").await;
    db.sync().await.expect_ok().expect_changes("t", (1, 0, 1));
    db.assert_same("t").await;
    db.sync().await.expect_unchanged();
}
