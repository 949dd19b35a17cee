//! Tables without a timestamp column: only what differs travels, whatever their size.

use crate::support::Pair;

const BIG: &str = "create table big (id bigint primary key, body text not null, amount numeric)";
const ROWS: &str =
    "insert into big select i, repeat(md5(i::text), 5), i * 1.5 from generate_series(1, 200000) i";
/// About 34 MB of COPY text.
const WHOLE: u64 = 200_000 * 170;

#[tokio::test]
async fn of_200_000_rows_only_the_buckets_that_differ_travel() {
    let db = Pair::with(BIG).await;
    db.both(ROWS).await;
    db.source("update big set body = 'changed' where id % 2000 = 0").await;
    db.source("delete from big where id between 77001 and 77050").await;
    let run = db.sync().await.expect_ok();
    db.assert_same("big").await;
    let run = run.expect_strategy("big", "compare").expect_changes("big", (0, 100, 50));
    let logged = "select bytes from sync_log where table_name = 'big'";
    let bytes: u64 = db.target_value(logged).await.parse().expect("bytes is a number");
    assert!(bytes > 0 && bytes < WHOLE / 4, "{bytes} of {WHOLE} bytes travelled in {run}");
}

#[tokio::test]
async fn changes_in_one_place_cost_next_to_nothing() {
    let db = Pair::with(BIG).await;
    db.both(ROWS).await;
    db.source("update big set body = 'changed' where id between 5000 and 5009").await;
    db.source("delete from big where id between 5020 and 5029").await;
    let run = db.sync().await.expect_ok().expect_changes("big", (0, 10, 10));
    assert!(run.table("big").bytes < WHOLE / 50, "little travels in {run}");
}

#[tokio::test]
async fn text_keys_are_compared_by_bucket_too() {
    let db = Pair::with("create table big (id text primary key, body text)").await;
    db.both("insert into big select md5(i::text), repeat(md5(i::text), 5) from generate_series(1, 50000) i")
        .await;
    db.source(
        "update big set body = 'changed' where id < '001'; delete from big where id like 'fff%'",
    )
    .await;
    let run = db.sync().await.expect_ok().expect_strategy("big", "compare");
    db.assert_same("big").await;
    assert!(run.table("big").bytes < 50_000 * 170 / 4, "little travels in {run}");
}

#[tokio::test]
async fn keys_spread_over_the_whole_range_of_bigint_are_compared() {
    let db = Pair::with(BIG).await;
    let rows = "insert into big select case i % 2 when 0 then 9223372036854775807 - i else -9223372036854775808 + i end, 'b', i
        from generate_series(0, 9999) i";
    db.both(rows).await;
    db.source("update big set body = 'x' where id % 1000 = 7; delete from big where id = 9223372036854775807")
        .await;
    db.target("delete from big where id = -9223372036854775807").await;
    db.settle().await;
}

#[tokio::test]
async fn two_rows_that_exchange_their_values_are_both_found() {
    let db = Pair::with(BIG).await;
    db.both("insert into big select i, 'body ' || i, i from generate_series(1, 5000) i").await;
    let swap =
        "update big set body = 'body ' || case id when 10 then 11 else 10 end where id in (10, 11)";
    db.source(swap).await;
    db.settle().await.expect_changes("big", (0, 2, 0));
}

#[tokio::test]
async fn a_value_that_moves_to_another_column_is_found() {
    let db = Pair::with("create table t (id int primary key, a text, b text)").await;
    db.both("insert into t select i, 'x', null from generate_series(1, 3000) i").await;
    db.source("update t set a = b, b = a where id = 1500").await;
    db.source("update t set a = '', b = 'x' where id = 1501").await;
    db.settle().await.expect_changes("t", (0, 2, 0));
}

#[tokio::test]
async fn most_of_a_table_deleted_is_followed() {
    let db = Pair::with(BIG).await;
    db.both("insert into big select i, 'body', i from generate_series(1, 30000) i").await;
    db.source("delete from big where id % 10 <> 0").await;
    db.settle().await.expect_changes("big", (0, 0, 27_000));
}

/// Keys of hashed buckets: one that differs alone is known by its hash, several are not.
#[tokio::test]
async fn vanished_and_late_keys_are_told_apart_however_they_share_their_buckets() {
    let db = Pair::with(
        "create table thing (id uuid primary key, n int not null, updated_at timestamptz not null);
        create table named (kind text, name text, updated_at timestamptz not null, primary key (kind, name))",
    )
    .await;
    let add = |from: u32, to: u32| {
        format!(
            "insert into thing select md5(i::text)::uuid, i, '2024-01-01' from generate_series({from}, {to}) i;
            insert into named select 'k' || i % 3, 'name ' || i, '2024-01-01' from generate_series({from}, {to}) i"
        )
    };
    db.source(&add(1, 6000)).await;
    db.settle().await;
    // Few of many, so that most are alone; then so many that most are not, with others in exchange
    // whose timestamps are old.
    for (every, from, to) in [(1000, 0, 0), (40, 0, 0), (7, 7000, 7300), (5, 7301, 9000)] {
        db.source(&format!(
            "delete from thing where n % {every} = 1; delete from named where substr(name, 6)::int % {every} = 1"
        ))
        .await;
        if to > 0 {
            db.source(&add(from, to)).await;
        }
        db.sync().await.expect_ok();
        db.assert_same("thing").await;
        db.assert_same("named").await;
    }
}

#[tokio::test]
async fn values_that_the_servers_hash_alike_are_told_apart() {
    let db = Pair::with(
        "create table number (id int primary key, n bigint); create table key (id bigint primary key);
        create table pair (a bigint, b bigint, primary key (a, b)); create table bag (n bigint);
        create table moment (id int primary key, at timestamp, zoned timestamptz)",
    )
    .await;
    db.source(
        "insert into number values (1, 1), (2, 0), (3, -1); insert into key values (1), (7);
        insert into pair values (1, 2); insert into bag values (1);
        insert into moment values (1, '2000-01-01', '2000-01-01 00:00:00+00')",
    )
    .await;
    db.follow(
        "update number set n = 4294967296 where id = 1; update number set n = -4294967296 where id = 2;
        update number set n = 4294967295 where id = 3; update key set id = 4294967296 where id = 1;
        update pair set a = 4294967296; update bag set n = 4294967296;
        update moment set at = at + 4294967297 * interval '1 us', zoned = zoned + 4294967297 * interval '1 us'",
    )
    .await;
}
