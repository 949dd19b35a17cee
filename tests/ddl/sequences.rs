//! Sequences that no column owns and that a default draws from: an insert on the target goes on.

use crate::dump::assert_same_definitions;
use crate::support::{Pair, pgsync};

const ORDERS: &str = "create sequence numbers; create sequence down increment -1; create sequence tens;
    create table a (id int default nextval('numbers') primary key, below int default nextval('down'), v text);
    create table b (id bigint default nextval('numbers') primary key, ten int default nextval('tens') * 10, name text default 'n' || nextval('tens'));
    insert into a (v) select 'v' from generate_series(1, 7); insert into b (ten) select nextval('tens') * 10 from generate_series(1, 4)";

#[tokio::test]
async fn an_insert_after_a_first_run_does_not_collide_though_no_column_owns_the_sequence() {
    let db = Pair::fresh().await;
    db.source(ORDERS).await;
    db.settle().await;
    assert_same_definitions(&db).await;
    let insert = "insert into a (v) values ('here') returning id || ' ' || below";
    assert_eq!(db.target_value(insert).await, "12 -8");
    let insert = "insert into b default values returning id || ' ' || ten || ' ' || name";
    assert_eq!(db.target_value(insert).await, "13 90 n10");
}

#[tokio::test]
async fn a_shared_sequence_follows_rows_of_either_table_and_never_goes_back() {
    let db = Pair::with(
        "create sequence numbers; create table a (id int default nextval('numbers') primary key);
        create table b (id int default nextval('numbers') primary key)",
    )
    .await;
    db.target("select setval('numbers', 5)").await;
    db.source("insert into a values (300); insert into b values (20)").await;
    db.settle().await;
    assert_eq!(db.target_value("select nextval('numbers')").await, "301");
    db.source("select setval('numbers', 400)").await;
    db.sync().await.expect_unchanged();
    assert_eq!(db.target_value("select nextval('numbers')").await, "401");
}

#[tokio::test]
async fn a_sequence_that_the_role_may_not_set_is_named() {
    let db = Pair::with(
        "create sequence numbers; create table a (id int default nextval('numbers') primary key)",
    )
    .await;
    let role = db.target_writer().await;
    db.target(&format!("revoke all on sequence numbers from {}", role.name)).await;
    db.source("insert into a select from generate_series(1, 3)").await;
    let run = db.sync().target_role(&role).await.expect_ok();
    run.expect_note("has no right to set the sequence public.numbers, so inserts on the target can fail with a duplicate key");
    // As long as it is so, also by a quiet run that finds nothing to do.
    let run = db.sync().target_role(&role).arg("-quiet").await.expect_unchanged();
    assert!(
        run.stderr.contains("no right to set the sequence public.numbers, so inserts"),
        "{run}"
    );
}

#[tokio::test]
async fn a_restart_is_carried_before_the_first_number_is_given() {
    let db = Pair::with(
        "create table a (id serial primary key, down int); create sequence free; create sequence down increment -1;
        create table b (id bigint default nextval('free') primary key); create sequence alone increment 5",
    )
    .await;
    let restart = "alter sequence a_id_seq restart with 1000; alter sequence free restart with 70;
        alter sequence down restart with -300; select setval('alone', 50, false)";
    db.source(restart).await;
    db.sync().await.expect_ok();
    let next = "select nextval('a_id_seq') || ' ' || nextval('free') || ' ' || nextval('down') || ' ' || nextval('alone')";
    assert_eq!(db.target_value(next).await, "1000 70 -300 50");
    // Never back.
    db.source("alter sequence a_id_seq restart with 10; truncate a restart identity").await;
    db.sync().await.expect_unchanged();
    assert_eq!(db.target_value("select nextval('a_id_seq')").await, "1001");
}

/// As Hibernate, and whoever numbers tickets, has them.
const ALONE: &str = "create sequence order_seq increment by 50; create sequence down increment -1; create sequence unused start 7; create sequence \"Odd one\" cycle maxvalue 9; create sequence round minvalue 5 start 32 increment 4;
    create table orders (id bigint primary key); insert into orders select nextval('order_seq') from generate_series(1, 20);
    select setval('\"Odd one\"', 5), setval('round', 5)";

#[tokio::test]
async fn sequences_that_belong_to_no_table_are_made_and_moved() {
    let db = Pair::fresh().await;
    db.source(ALONE).await;
    db.settle().await;
    assert_same_definitions(&db).await;
    let next = "select nextval('order_seq') || ' ' || nextval('unused') || ' ' || nextval('\"Odd one\"') || ' ' || nextval('round')";
    assert_eq!(db.target_value(next).await, "1001 7 6 9");
    // The target got further, and does not go back.
    db.target("select setval('order_seq', 5000)").await;
    db.source("select nextval('order_seq'); create sequence later; select setval('later', 3, false); select setval('down', -40)").await;
    let foretold = db.sync().arg("-dry-run").await.expect_unchanged();
    foretold.expect_note("would create sequence public.later");
    db.sync().await.expect_unchanged();
    assert_eq!(
        db.target_value(
            "select nextval('order_seq') || ' ' || nextval('later') || ' ' || nextval('down')"
        )
        .await,
        "5050 3 -41"
    );
    let run = db.sync().await.expect_unchanged();
    assert_eq!(run.notes(), Vec::<String>::new());
}

#[tokio::test]
async fn sequences_that_belong_to_no_table_are_named_where_they_are_left_out() {
    let db = Pair::fresh().await;
    db.source(ALONE).await;
    db.target("create table orders (id bigint primary key)").await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_ok();
    run.expect_note("sequence public.order_seq is missing on the target")
        .expect_note("create sequence \"public\".\"order_seq\"");
    db.target("create sequence order_seq increment by 50").await;
    let role = db.target_writer().await;
    db.hand_over_log(&role).await;
    db.target(&format!("revoke all on sequence order_seq from {}", role.name)).await;
    let run = db.sync().args(&["-ddl", "none"]).target_role(&role).await.expect_ok();
    run.expect_note(
        "has no right to set the sequence public.order_seq to where the source's stands, so its numbers can collide: run on the target: grant",
    );
    // Who names tables means no more than those.
    db.sync().include("orders").await.expect_unchanged().expect_unsaid("sequence");
    assert_eq!(
        db.target_value("select count(*) from pg_class where relname in ('unused', 'down')").await,
        "0"
    );
}

#[tokio::test]
async fn sequences_that_belong_to_no_table_are_made_in_a_schema_of_another_name() {
    let db = Pair::fresh().await;
    db.source(ALONE).await;
    for _ in 0..2 {
        db.sync().args(&["-target-schema", "copy"]).await.expect_ok();
    }
    assert_eq!(db.target_value("select nextval('copy.order_seq')").await, "1001");
}

/// Another session drops a table between the snapshot of a run and its look at the rights to the table's sequence.
#[tokio::test]
async fn a_sequence_that_is_dropped_during_the_look_at_the_catalog_spoils_no_look() {
    let db = Pair::fresh().await;
    db.source("create table gone (id serial primary key)").await;
    db.both("create table item (id int primary key)").await;
    db.source("insert into item values (1)").await;
    let other = db.source_session().await;
    // The catalog of tables is the first to read it, and is read in the snapshot.
    other.run("begin; lock table pg_trigger in access exclusive mode").await;
    let run = db.sync().args(&["-exclude", "gone", "-ddl", "none"]).start();
    let waits = "select exists (select from pg_locks where relation = 'pg_trigger'::regclass and not granted
        and database = (select oid from pg_database where datname = current_database()))";
    db.source.until(waits).await;
    other.run("drop table gone; commit").await;
    run.end().await.expect_ok().expect_unsaid("while reading the catalog of tables");
    db.assert_same("item").await;
}

#[tokio::test]
async fn the_sequence_of_an_identity_lasts_as_on_the_source() {
    let db = Pair::fresh().await;
    if !db.has(15, "unlogged sequences").await {
        return;
    }
    db.source(
        "create table a (id int generated always as identity); alter sequence a_id_seq set unlogged;
         create unlogged table b (id int generated always as identity); alter sequence b_id_seq set logged;
         create unlogged table c (id int generated always as identity); create table d (id int generated always as identity)",
    )
    .await;
    db.settle().await;
    let lasting = "select string_agg(relname || relpersistence::text, ' ' order by relname) from pg_class where relkind = 'S' and relname like '__id_seq'";
    assert_eq!(db.target_value(lasting).await, db.source_value(lasting).await);
}

#[tokio::test]
async fn sequences_that_the_role_may_not_set_are_named_in_one_warning_with_one_statement() {
    let db = Pair::with(
        "create table a (id serial primary key); create table b (id serial primary key)",
    )
    .await;
    let role = db.target_writer().await;
    db.target(&format!("revoke all on sequence a_id_seq, b_id_seq from {}", role.name)).await;
    db.source("insert into a values (default); insert into b values (default)").await;
    let grant = format!(
        "grant select, update on sequence public.a_id_seq, public.b_id_seq to {}",
        role.name
    );
    let said = format!(
        "has no right to set 2 sequences, so inserts on the target can fail with a duplicate key: run on the target: {grant}"
    );
    let listed = pgsync(&["schema", "-source", &db.source_url(), "-target", &role.url]).await;
    assert_eq!(listed.stdout.matches(&said).count(), 1, "{listed}");
    let dry = db.sync().target_role(&role).arg("-dry-run").await.expect_ok();
    drop(dry.expect_note(&said));
    let run = db.sync().target_role(&role).await.expect_ok().expect_note(&said);
    assert_eq!(run.stderr.matches("no right to set").count(), 1, "{run}");
    db.target(&grant).await;
    drop(db.sync().target_role(&role).await.expect_ok().expect_unsaid("no right to set"));
}

/// A table whose sequence is owned by no column since the table became a partitioned one.
const PARTITIONED: &str = "alter table s rename to s_old; alter sequence s_id_seq owned by none;
    create table s (id bigint not null default nextval('s_id_seq'), moved date not null, primary key (id, moved)) partition by range (moved);
    create table s_p partition of s for values from ('2026-01-01') to ('2027-01-01'); insert into s select * from s_old; drop table s_old";

#[tokio::test]
async fn a_sequence_that_no_column_owns_any_more_is_taken_from_the_targets_column() {
    let db = Pair::fresh().await;
    db.source("create table a (id serial primary key, v int); insert into a (v) values (1)").await;
    db.settle().await;
    db.source("alter sequence a_id_seq owned by none").await;
    let (source, target) = (db.source_url(), db.target_url());
    let list = || pgsync(&["schema", "-source", &source, "-target", &target]);
    let listed = list().await.expect_exit(1);
    let owned_by_none = "alter sequence \"public\".\"a_id_seq\" owned by none;";
    assert!(listed.stdout.contains(owned_by_none), "{listed}");
    assert!(!listed.stdout.contains("drop sequence"), "{listed}");
    let run = db.sync().await.expect_unchanged();
    assert_eq!(run.notes(), ["changed on the target: 1 sequence (column public.a.id)"]);
    assert_same_definitions(&db).await;
    assert_eq!(list().await.expect_exit(0).stdout, "");
}

#[tokio::test]
async fn a_table_that_became_partitioned_keeps_its_sequence_when_it_is_rebuilt() {
    for settled in [true, false] {
        let db = Pair::fresh().await;
        if !db.has(11, "keys of partitioned tables").await {
            return;
        }
        db.source("create table s (id bigserial primary key, moved date not null); insert into s (moved) values ('2026-10-01')")
            .await;
        db.settle().await;
        db.source(PARTITIONED).await;
        if settled {
            db.sync().await.expect_exit(0).expect_unsaid("drop sequence");
        }
        db.sync().args(&["-ddl", "reset"]).await.expect_ok();
        db.assert_all_same().await;
        assert_same_definitions(&db).await;
        let insert = "insert into s (moved) values ('2026-11-01') returning id";
        assert_eq!(db.target_value(insert).await, "2");
    }
}
