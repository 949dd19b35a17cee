//! A source whose definition changes after a first run: what `modes` leaves out.

use crate::dump::assert_same_definitions;
use crate::support::{Outcome, Pair, pgsync};

const ITEM: &str = "
    create type mood as enum ('sad', 'happy');
    create table item (id int primary key, name varchar(20), n int, m mood, updated_at timestamptz not null default now());
    insert into item select i, 'n' || i, i, 'sad' from generate_series(1, 50) i";

/// A pair that pgsync has made equal, whose source then changes.
async fn changed(change: &str) -> Pair {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.settle().await;
    db.source(change).await;
    db
}

async fn without_ddl(db: &Pair) -> Outcome {
    db.sync().args(&["-ddl", "none"]).await
}

#[tokio::test]
async fn a_new_column_with_a_default_and_one_that_is_not_null_are_what_they_are_on_the_source() {
    let db = changed("alter table item add a int not null default 7, add b int; update item set b = id, a = 8 where id < 9;
        update item set b = 0 where b is null; alter table item alter b set not null, add c int generated always as identity,
        add d bigserial; alter table item add e int generated always as (n + 1) stored").await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    db.sync().await.expect_unchanged();
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn new_labels_of_an_enum_get_their_places() {
    let db = changed("alter type mood add value 'fine' after 'sad'; alter type mood add value 'awful' before 'sad'").await;
    db.source("update item set m = 'fine', updated_at = now() where id = 3").await;
    without_ddl(&db).await.expect_exit(1).expect_failed("item", &["add value"]);
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn new_indexes_and_constraints_follow() {
    let db = changed("create index later on item (n) where n > 3; alter table item add check (n > 0), add unique (name);
        create statistics s on n, name from item").await;
    without_ddl(&db).await.expect_ok().expect_note("index public.later is missing on the target");
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_type_that_a_view_holds_stays_and_the_rows_come_all_the_same() {
    let db = changed("alter table item alter name type text; update item set name = 'new', updated_at = now() where id = 1").await;
    db.target("create view shown as select name from item").await;
    db.sync().await.expect_ok().expect_note(
        "column public.item.name stays character varying(20), but it is text on the source: first save view public.shown, which",
    );
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_number_gets_more_digits_without_being_written_again() {
    let db = Pair::with("create table price (id int primary key, amount numeric(6, 2), at timestamptz(0)); insert into price values (1, 1.25, now())").await;
    let file = "select pg_relation_filenode('price')";
    let before = db.target_value(file).await;
    db.source("alter table price alter amount type numeric(12, 2), alter at type timestamptz(3)")
        .await;
    let foretold = db.sync().arg("-dry-run").await.expect_ok();
    foretold.expect_said("type numeric(12, 2)");
    db.source("update price set amount = 1234567.25").await;
    db.settle().await;
    assert_same_definitions(&db).await;
    assert_eq!(db.target_value(file).await, before);
}

#[tokio::test]
async fn a_table_that_was_renamed_is_a_new_one_and_the_old_one_stays() {
    let db = changed("alter table item rename to thing").await;
    db.sync().await.expect_exit(1).expect_failed("thing", &["item_pkey", "already exists"]);
    assert_eq!(db.target_value("select count(*) from item").await, "50");
    db.source("alter index item_pkey rename to thing_pkey").await;
    db.settle().await;
}

#[tokio::test]
async fn a_new_partition_joins_with_its_own_indexes() {
    let db = Pair::fresh().await;
    db.source("create table part (id int, at date, primary key (id, at)) partition by range (at);
        create index by_date on part (at); create table old partition of part for values from ('2023-01-01') to ('2024-01-01');
        insert into part select i, date '2023-01-01' + i from generate_series(1, 50) i").await;
    db.settle().await;
    db.source("create table new (at date not null, id int not null, constraint odd_name primary key (id, at));
        create index odd_index on new (at); alter table part attach partition new for values from ('2024-01-01') to ('2025-01-01');
        insert into part select i, '2024-05-05' from generate_series(1, 9) i").await;
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn partitions_that_the_target_cuts_otherwise_are_not_missing() {
    let db = Pair::fresh().await;
    let parent =
        "create table part (id int, at date, primary key (id, at)) partition by range (at)";
    let place = |name: &str, from: &str, to: &str| {
        format!("create table {name} partition of part for values from ('{from}') to ('{to}')")
    };
    db.both(parent).await;
    db.source(&place("january", "2024-01-01", "2024-02-01")).await;
    db.source(&place("february", "2024-02-01", "2024-03-01")).await;
    db.source(&place("march", "2025-03-01", "2025-04-01")).await;
    db.target(&place("year", "2024-01-01", "2025-01-01")).await;
    db.source("insert into part select i, date '2024-01-01' + i from generate_series(1, 50) i; insert into part values (1, '2025-03-03')").await;
    db.settle().await;
    let parts = "select string_agg(relname, ' ' order by relname) from pg_class where relispartition and relkind = 'r'";
    assert_eq!(db.target_value(parts).await, "march year");
}

#[tokio::test]
async fn a_column_that_the_source_has_no_more_is_named_once() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id int primary key, a int, b int); insert into item values (1, 1, 1)",
    )
    .await;
    db.settle().await;
    db.source("alter table item drop b").await;
    let drop = "alter table public.item drop column b";
    db.sync().await.expect_ok().expect_note(drop);
    db.sync().await.expect_unchanged().expect_unsaid(drop);
    db.target(drop).await;
    db.sync().await.expect_unchanged().expect_unsaid("drop column");
}

#[tokio::test]
async fn a_view_that_keeps_a_column_from_growing_is_named() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, a varchar(3))").await;
    db.settle().await;
    db.target("create view shown as select a from item").await;
    db.source("alter table item alter a type text").await;
    db.sync()
        .await
        .expect_ok()
        .expect_note("save view public.shown, which uses the column")
        .expect_unsaid("software");
}

#[tokio::test]
async fn a_type_that_cannot_grow_in_place_is_named_with_the_statement() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, n int)").await;
    db.settle().await;
    db.source("alter table item alter n type bigint").await;
    let alter = "alter table public.item alter column n type bigint";
    db.sync().await.expect_exit(1).expect_failed("item", &[alter]);
    db.target(alter).await;
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn what_differs_is_not_called_missing_and_statements_have_one_line() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, n int default 1, m int)").await;
    db.settle().await;
    db.source(
        "alter table item alter n set default 2; create table other (id int primary key, n text)",
    )
    .await;
    let run = without_ddl(&db).await.expect_exit(1);
    run.expect_note("default of column public.item.n differs on the target")
        .expect_failed("other", &["create table \"public\".\"other\" (\"id\" "]);
    db.sync().await.expect_ok().expect_note("changed on the target: 1 default");
}

#[tokio::test]
async fn a_column_that_is_not_null_by_now_was_not_created() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id int primary key, agent text); insert into item values (1, 'a')",
    )
    .await;
    db.settle().await;
    db.source("alter table item alter agent set not null").await;
    let foretold = db.sync().arg("-dry-run").await.expect_ok();
    foretold
        .expect_note("would change NOT NULL of column public.item.agent")
        .expect_unsaid("create");
    let run = db
        .sync()
        .await
        .expect_ok()
        .expect_note("changed on the target: 1 NOT NULL set (column public.item.agent)");
    drop(run.expect_unsaid("created"));
    assert_same_definitions(&db).await;
    db.source("alter table item add more int; update item set more = 1; alter table item alter more set not null").await;
    let foretold = db.sync().arg("-dry-run").await.expect_ok();
    foretold
        .expect_changes("item", (0, 1, 0))
        .expect_unsaid("not counted")
        .expect_note("would create column public.item.more; pgsync schema prints the statements");
    let run = db.sync().await.expect_ok().expect_note("created on the target: 1 column");
    drop(run.expect_unsaid("changed on the target"));
}

#[tokio::test]
async fn a_dry_run_counts_the_rows_that_a_new_column_changes() {
    let db = Pair::fresh().await;
    db.source(
        "create table t (id int primary key, at timestamptz default now()); insert into t select generate_series(1, 10);
         create table w (id int); insert into w select generate_series(1, 10); create table c (id int primary key);
         insert into c select generate_series(1, 10); create table p (id int primary key) partition by range (id);
         create table p1 partition of p for values from (0) to (99); insert into p select generate_series(1, 10)",
    )
    .await;
    db.settle().await;
    db.source(
        "alter table t add vip bool, add channel varchar(9) not null default 'it''s'; update t set vip = true where id < 4;
         update t set channel = 'b' where id between 3 and 5; alter table w add n numeric(9, 2); update w set n = id where id < 3;
         alter table c add at timestamptz default now(); alter table p add tags text[] default '{}', add m int default -1;
         update p set tags = '{a}' where id < 3",
    )
    .await;
    let foretold = db.sync().arg("-dry-run").await.expect_ok();
    foretold
        .expect_changes("t", (0, 5, 0))
        .expect_changes("w", (2, 0, 2))
        .expect_changes("p", (0, 2, 0))
        .expect_note("new columns are computed (by a default, an identity or an expression), so a run may change all rows: those are not counted");
    let run = db.sync().await.expect_ok();
    run.expect_changes("t", (0, 5, 0))
        .expect_changes("w", (2, 0, 2))
        .expect_changes("p", (0, 2, 0));
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_dry_run_counts_the_rows_that_a_new_column_of_a_users_type_changes() {
    let db = Pair::fresh().await;
    db.source(
        "create extension citext; create domain addr as text check (value <> ''); create domain work as addr;
         create domain level as int default 3; create type mood as enum ('ok'); create type pair as (a int, b text);
         create table t (id int primary key, contact addr); insert into t select i, 'a' || i from generate_series(1, 40) i;
         create table u (id int primary key); insert into u select generate_series(1, 40);
         create table v (id int primary key); insert into v select generate_series(1, 40)",
    )
    .await;
    db.settle().await;
    db.source(
        "alter table t rename contact to email; alter table u add a addr, add w work, add m mood, add p pair, add c citext,
         add l mood[]; update u set a = 'x', w = 'y' where id <= 5; update u set m = 'ok', p = (1, 'b'), c = 'C' where id = 7;
         update u set l = '{ok}' where id = 8; alter table v add l level",
    )
    .await;
    let foretold = db.sync().arg("-dry-run").await.expect_ok();
    let foretold = foretold.expect_changes("t", (0, 40, 0)).expect_changes("u", (0, 7, 0));
    let unknown = "v - note: new columns are computed (by a default, an identity or an expression), so a run may change all \
                   rows: those are not counted";
    foretold.expect_said(unknown).expect_unsaid("t - note: new").expect_unsaid("u - note: new");
    let run = db.sync().await.expect_ok();
    run.expect_changes("t", (0, 40, 0)).expect_changes("u", (0, 7, 0));
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_primary_key_that_rows_violate_is_named_with_the_way_out() {
    const TABLE: &str = "create table t (id int primary key, d int not null, x text)";
    for made in ["", TABLE] {
        let db = Pair::fresh().await;
        db.source(&format!("{TABLE}; insert into t values (1, 1, 'a')")).await;
        db.target(made).await;
        db.settle().await;
        db.source("alter table t drop constraint t_pkey, add primary key (id, d); insert into t values (1, 9, 'b')")
            .await;
        let table = if made.is_empty() { "\"public\".\"t\"" } else { "public.t" };
        let way_out = format!("run on the target: alter table {table} drop constraint ");
        db.sync().await.expect_exit(1).expect_failed("t", &["duplicate key value", &way_out]);
        db.target("alter table t drop constraint t_pkey").await;
        db.sync().await.expect_ok();
        db.settle().await;
    }
}

/// What is printed before "run these after the next run" is taken by the server at once.
#[tokio::test]
async fn what_is_printed_for_a_key_of_a_new_column_has_one_remedy_and_is_taken() {
    let db = Pair::with("create table other (id int primary key)").await;
    db.source("create table tag (product int, tag int, primary key (product, tag)); insert into tag values (1, 1), (1, 2)")
        .await;
    db.settle().await;
    db.source(
        "alter table tag drop constraint tag_pkey, add id int generated always as identity;
         alter table tag add primary key (id)",
    )
    .await;
    let (source, target) = (db.source_url(), db.target_url());
    for _ in 0..2 {
        let urls = ["schema", "-source", &source, "-target", &target, "-max-delete", "20%"];
        let listed = pgsync(&urls).await.expect_exit(1).stdout;
        let drop = "run on the target: alter table \"public\".\"tag\" drop constraint \"tag_pkey\"";
        assert!(listed.contains(drop) && !listed.contains("lacks the key"), "{listed}");
        let (now, later) = listed.split_once("-- run these after the next run").expect("a line");
        assert!(
            later.contains("validate constraint") && later.contains("set not null"),
            "{listed}"
        );
        let now: Vec<&str> = now.lines().filter(|line| !line.starts_with("--")).collect();
        db.target(&format!("begin; {}; rollback", now.join(" "))).await;
        db.sync().args(&["-max-delete", "20%"]).await.expect_exit(5);
    }
    db.target("alter table tag drop constraint tag_pkey").await;
    db.sync().args(&["-set", "tag.maxDelete=off"]).await.expect_ok();
    db.settle().await;
}
