//! Databases that others know: the demo's shop, and pgbench's.

use crate::dump::assert_same_definitions;
use crate::support::Pair;

/// As `pgbench -i --foreign-keys` makes them, with fewer rows.
const PGBENCH: &str = "
    create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
    create table pgbench_tellers (tid int not null, bid int, tbalance int, filler char(84)) with (fillfactor = 100);
    create table pgbench_accounts (aid int not null, bid int, abalance int, filler char(84)) with (fillfactor = 100);
    create table pgbench_branches (bid int not null, bbalance int, filler char(88)) with (fillfactor = 100);
    insert into pgbench_branches (bid, bbalance) values (1, 0);
    insert into pgbench_tellers (tid, bid, tbalance) select tid, 1, 0 from generate_series(1, 10) tid;
    insert into pgbench_accounts (aid, bid, abalance, filler) select aid, 1, 0, '' from generate_series(1, 2000) aid;
    insert into pgbench_history select 1 + i % 10, 1, i, i % 7, now(), null from generate_series(1, 300) i;
    alter table pgbench_branches add primary key (bid);
    alter table pgbench_tellers add primary key (tid);
    alter table pgbench_accounts add primary key (aid);
    alter table pgbench_tellers add constraint pgbench_tellers_bid_fkey foreign key (bid) references pgbench_branches;
    alter table pgbench_accounts add constraint pgbench_accounts_bid_fkey foreign key (bid) references pgbench_branches;
    alter table pgbench_history add constraint pgbench_history_bid_fkey foreign key (bid) references pgbench_branches;
    alter table pgbench_history add constraint pgbench_history_tid_fkey foreign key (tid) references pgbench_tellers;
    alter table pgbench_history add constraint pgbench_history_aid_fkey foreign key (aid) references pgbench_accounts";

async fn becomes(db: &Pair) {
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(db).await;
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn the_demos_shop_becomes_equal_on_an_empty_target() {
    let db = Pair::fresh().await;
    // Without its triggers and their function, which no run copies.
    let schema = include_str!("../../scripts/demo/schema.sql");
    let (tables, rest) = schema.split_once("create function").expect("a function in the middle");
    let (_, indexes) = rest.split_once("create index").expect("indexes at the end");
    db.source(&format!("{tables}; create index {indexes}")).await;
    // A thousandth of its rows.
    db.source(&include_str!("../../scripts/demo/data.sql").replace("000", "")).await;
    becomes(&db).await;
}

#[tokio::test]
async fn pgbenchs_tables_become_equal_on_an_empty_target() {
    let db = Pair::fresh().await;
    db.source(PGBENCH).await;
    becomes(&db).await;
}
