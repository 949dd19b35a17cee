//! A partition that the source has cut out of the default one: the target has its rows there.

use crate::dump::assert_same_definitions;
use crate::support::Pair;

async fn cut_out(schema: &str, cut: &str, drop: &str) {
    let db = Pair::fresh().await;
    if !db.has(11, "default partitions").await {
        return;
    }
    db.source(schema).await;
    db.settle().await;
    db.source(cut).await;
    for _ in 0..2 {
        let run = db.sync().await.expect_ok();
        run.expect_note(&format!(
            "run on the target: {drop}; the next run creates the partition and brings the rows"
        ));
    }
    db.target(drop).await;
    db.sync().await.expect_ok();
    assert_same_definitions(&db).await;
    db.settle().await;
}

#[tokio::test]
async fn rows_of_a_partition_that_was_cut_out_of_the_default_one_are_told_to_make_room() {
    let list = "create table m (id int, tenant int, at timestamptz default now(), primary key (id, tenant)) partition by list (tenant); create table m1 partition of m for values in (1); create table rest partition of m default;
        insert into m select i, i % 5, '2024-01-01' from generate_series(1, 50) i";
    cut_out(
        list,
        "begin; alter table m detach partition rest; create table m3 partition of m for values in (3); insert into m select * from rest where tenant = 3; delete from rest where tenant = 3; alter table m attach partition rest default; commit",
        "delete from public.rest where tenant in (3)",
    )
    .await;
    let range = "create table e (id int, d date, primary key (id, d)) partition by range (d); create table e1 partition of e for values from ('2026-10-01') to ('2026-11-01'); create table rest partition of e default;
        insert into e select i, '2026-10-20'::date + i from generate_series(1, 50) i";
    cut_out(
        range,
        "begin; alter table e detach partition rest; create table e2 partition of e for values from ('2026-11-01') to ('2026-12-01'); insert into e select * from rest where d < '2026-12-01'; delete from rest where d < '2026-12-01'; alter table e attach partition rest default; commit",
        "delete from public.rest where d >= '2026-11-01' and d < '2026-12-01'",
    )
    .await;
}
