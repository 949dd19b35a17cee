//! Partitioned tables and inheritance: what one side divides, the other may divide otherwise.

use crate::support::Pair;
use crate::values::nothing_travels;

const RANGE: &str = "create table part (id int not null, day date not null, area text not null, n int,
        updated_at timestamptz not null default '2024-01-01', primary key (id, day, area)) partition by range (day);
    create table part_old partition of part for values from (minvalue) to ('2024-03-01');
    create table part_new partition of part for values from ('2024-03-01') to (maxvalue);";
const LIST: &str = "create table part (id int not null, day date not null, area text not null, n int,
        updated_at timestamptz not null default '2024-01-01', primary key (id, day, area)) partition by list (area);
    create table part_n partition of part for values in ('north'); create table part_s partition of part for values in ('south');
    create table part_rest partition of part default;";
const HASH: &str = "create table part (id int not null, day date not null, area text not null, n int,
        updated_at timestamptz not null default '2024-01-01', primary key (id, day, area)) partition by hash (id);
    create table part_0 partition of part for values with (modulus 2, remainder 0);
    create table part_1 partition of part for values with (modulus 2, remainder 1);";
const SUB: &str = "create table part (id int not null, day date not null, area text not null, n int,
        updated_at timestamptz not null default '2024-01-01', primary key (id, day, area)) partition by range (day);
    create table part_old partition of part for values from (minvalue) to ('2024-03-01') partition by list (area);
    create table part_old_n partition of part_old for values in ('north');
    create table part_old_rest partition of part_old default;
    create schema elsewhere; create table elsewhere.part_new partition of part for values from ('2024-03-01') to (maxvalue);";
const PLAIN: &str =
    "create table part (id int not null, day date not null, area text not null, n int,
        updated_at timestamptz not null default '2024-01-01', primary key (id, day, area));";

/// Rows that change, vanish, come and move to another partition, with and without a timestamp.
async fn followed(source: &str, target: &str) {
    let db = Pair::fresh().await;
    if !db.has(11, "primary keys of partitioned tables").await {
        return;
    }
    for (side, sql) in [(&db.source, source), (&db.target, target)] {
        side.run(sql).await;
        let at = sql
            .replace("elsewhere", "further")
            .replace("part", "quiet")
            .replace("quietition", "partition");
        side.run(&at.replace("updated_at", "at")).await;
    }
    for table in ["part", "quiet"] {
        let row =
            "i, '2024-01-01'::date + i % 120, (array['north', 'south', 'west'])[1 + i % 3], i";
        let insert = format!(
            "insert into {table} (id, day, area, n) select {row} from generate_series(1, 2000) i"
        );
        db.source(&insert).await;
    }
    let run = db.sync().await.expect_ok().expect_tables(&["part", "quiet"]);
    run.expect_changes("part", (2000, 0, 0));
    for (table, stamp) in [("part", "updated_at"), ("quiet", "at")] {
        db.source(&format!(
            "update {table} set n = 0, {stamp} = now() where id % 100 = 0; delete from {table} where id % 100 = 1;
             update {table} set day = '2024-04-30', {stamp} = now() where id = 2;
             update {table} set area = 'north', {stamp} = now() where id = 4; insert into {table} values (5000, '2024-02-02', 'east', 1)"
        ))
        .await;
    }
    db.source("update part set id = id + 6000, updated_at = now() where id in (7, 8)").await;
    db.settle().await.expect_changes("quiet", (3, 20, 22));
    nothing_travels(&db).await;
}

macro_rules! partitions_are_followed {
    ($($name:ident: $source:ident to $target:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            followed($source, $target).await;
        }
    )*};
}

partitions_are_followed! {
    range_partitions_are_followed: RANGE to RANGE;
    list_partitions_are_followed: LIST to LIST;
    hash_partitions_are_followed: HASH to HASH;
    sub_partitions_are_followed: SUB to SUB;
    a_partitioned_table_is_copied_into_a_plain_one: SUB to PLAIN;
    a_plain_table_is_copied_into_a_partitioned_one: PLAIN to RANGE;
    a_table_may_be_partitioned_otherwise_on_the_target: LIST to HASH;
}

#[tokio::test]
async fn a_row_without_a_partition_on_the_target_fails_by_name() {
    let db = Pair::fresh().await;
    if !db.has(11, "primary keys of partitioned tables").await {
        return;
    }
    db.source("create table part (id int primary key, n int)").await;
    db.target(
        "create table part (id int primary key, n int) partition by range (id);
         create table part_a partition of part for values from (0) to (10)",
    )
    .await;
    db.both("create table other (id int primary key)").await;
    db.source("insert into part values (5, 5), (50, 50); insert into other values (1)").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("part", &["no partition of relation \"part\" found for row", "23514"]);
    db.assert_same("other").await;
    db.target("create table part_b partition of part for values from (10) to (100)").await;
    db.settle().await;
}

#[tokio::test]
async fn rows_of_a_detached_partition_vanish() {
    let db = Pair::with(
        "create table part (id int not null, day date not null) partition by range (day);
         create table part_a partition of part for values from ('2024-01-01') to ('2024-02-01');
         create table part_b partition of part for values from ('2024-02-01') to ('2024-03-01')",
    )
    .await;
    db.source(
        "insert into part select i, '2024-01-01'::date + i % 60 from generate_series(1, 300) i",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("alter table part detach partition part_a; drop table part_a").await;
    db.settle().await;
}

#[tokio::test]
async fn an_inheritance_tree_is_followed_table_by_table() {
    let db = Pair::with(
        "create table place (id int primary key, name text, updated_at timestamptz not null default '2024-01-01');
         create table city (inhabitants int, primary key (id)) inherits (place);
         create table capital (country text, primary key (id)) inherits (city);
         create table plain (id int primary key, name text)",
    )
    .await;
    db.source(
        "insert into place select i, 'p' from generate_series(1, 50) i;
         insert into city select i, 'c', '2024-01-01', i from generate_series(40, 90) i;
         insert into capital select i, 'k', '2024-01-01', i, 'x' from generate_series(80, 100) i",
    )
    .await;
    let changes = "update place set name = 'all', updated_at = now() where id in (45, 85);
        delete from place where id = 88; delete from only city where id = 50";
    let run = db.follow(changes).await;
    run.expect_changes("place", (0, 1, 0))
        .expect_changes("city", (0, 2, 2))
        .expect_changes("capital", (0, 1, 1));
}

#[tokio::test]
async fn a_partition_whose_root_is_not_selected_is_named() {
    let db = Pair::fresh().await;
    db.source(
        "create schema app; create table item (id int primary key);
         create table app.log (k int) partition by list (k);
         create table log_1 partition of app.log for values in (1) partition by list (k);
         create table log_1_1 partition of log_1 for values in (1);
         create table log_2 partition of app.log for values in (2)",
    )
    .await;
    let warning = "not synced: public.log_1, public.log_1_1, public.log_2: of app.log";
    db.sync().await.expect_ok().expect_tables(&["item"]).expect_note(warning);
    db.sync().include("item").await.expect_ok().expect_unsaid("app.log");
    let run = db.sync().exclude("log_1*").await.expect_ok();
    run.expect_note("not synced: public.log_2: of app.log");
    db.sync().schema("public,app").await.expect_ok().expect_tables(&["item", "log"]);
}

#[tokio::test]
async fn a_partition_that_is_asked_for_is_named_with_its_table() {
    let db = Pair::fresh().await;
    db.source(
        "create table log (k int) partition by list (k);
         create table log_1 partition of log for values in (1); insert into log values (1)",
    )
    .await;
    db.sync().include("log_1").await.expect_exit(2).expect_said("a partition of public.log");
    let run = db.sync().exclude("public.log_1").await.expect_ok();
    run.expect_note("a partition of public.log");
    db.assert_same("log").await;
}
