//! Tables that the source no longer has: the statements that drop them are ones that the target takes, in any order.

use crate::support::{Outcome, Pair, pgsync};

/// The statements behind `run on the target: ` of what is said of tables that are gone.
fn drops(run: &Outcome) -> Vec<String> {
    let of_note = |note: String| {
        let (_, statements) = note.rsplit_once("run on the target: ")?;
        note.contains("the source no longer has this table").then(|| statements.to_owned())
    };
    run.notes().into_iter().filter_map(of_note).collect()
}

async fn tables(db: &Pair) -> String {
    db.target_value("select string_agg(relname, ' ' order by relname) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'sync_log'").await
}

const FAMILY: &str = "create table b (id int primary key); create table a (id int primary key, b int references b); create table k (id int primary key, b int references b, a int references a);
    alter table b add a int references a; create table t (id int primary key);
    insert into b values (1), (2); insert into a values (1, 1), (2, 2); insert into k values (1, 1, 1), (2, 2, 2); insert into t values (1)";

#[tokio::test]
async fn statements_for_several_dropped_tables_work_in_any_order() {
    for mode in ["additive", "reset"] {
        for backwards in [false, true] {
            let db = Pair::fresh().await;
            db.source(FAMILY).await;
            db.settle().await;
            db.source("alter table k drop a, drop b; drop table a, b cascade").await;
            let run = db.sync().args(&["-ddl", mode]).await.expect_ok();
            let mut drops = drops(&run);
            assert_eq!(drops.len(), 2, "{run}");
            if backwards {
                drops.reverse();
            }
            for one in drops {
                db.target(&one).await;
            }
            assert_eq!(tables(&db).await, "k t");
            db.settle().await;
        }
    }
}

#[tokio::test]
async fn a_reset_asks_for_a_rename_that_its_new_keys_allow() {
    let db = Pair::fresh().await;
    db.source("create table t (id int primary key, v text); create table k (id int primary key, t int references t); insert into t values (1); insert into k values (1, 1)").await;
    db.settle().await;
    db.source("alter table t rename to t2; alter index t_pkey rename to t2_pkey").await;
    let run = db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    let renames = "alter table if exists public.k drop constraint if exists k_t_fkey; drop table if exists public.t2; \
                   alter table public.t rename to t2";
    let run = run
        .expect_said(&format!("renamed to public.t2? Then run on the target: {renames}, and run"));
    assert_eq!(drops(&run), ["drop table public.t"]);
    db.target(renames).await;
    db.sync().args(&["-ddl", "reset", "-reconcile"]).await.expect_ok();
    let keys =
        "select count(*) from pg_constraint where contype = 'f' and confrelid = 't2'::regclass";
    assert_eq!(db.target_value(keys).await, "1");
    db.settle().await;
}

#[tokio::test]
async fn a_table_that_the_source_has_is_not_told_to_be_dropped() {
    let db = Pair::fresh().await;
    db.source("create table j (id int primary key); create table r (id int primary key, j int references j on delete cascade); insert into j values (1), (2); insert into r values (1, 1), (2, 2)").await;
    db.settle().await;
    db.source("alter table r drop column j; delete from j where id = 1").await;
    let run = db.sync().await.expect_exit(1).expect_unsaid("drop table");
    let drop = "alter table public.r drop constraint r_j_fkey";
    run.expect_failed("j", &["1 row of public.r still refers", drop]);
    db.target(drop).await;
    db.sync().await.expect_ok();
    db.assert_same("j").await;
}

#[tokio::test]
async fn a_table_that_is_gone_and_to_which_another_refers_can_be_dropped_in_every_run() {
    for mode in ["additive", "reset"] {
        let db = Pair::fresh().await;
        db.source("create table p (id int primary key, x int); create table c (id int primary key, p int references p on delete cascade); create table g (id int primary key, c int references c);
            insert into p values (1), (2); insert into c values (1, 1), (2, 2); insert into g values (1, 1)").await;
        db.settle().await;
        db.source("drop table g, c; alter table p drop x; delete from p where id = 1").await;
        let drop = "alter table public.c drop constraint c_p_fkey";
        for _ in 0..2 {
            db.sync().args(&["-ddl", mode]).await.expect_failed("p", &["public.c", drop]);
        }
        db.target(drop).await;
        db.sync().args(&["-ddl", mode]).await.expect_ok();
        db.assert_same("p").await;
    }
}

#[tokio::test]
async fn partitions_that_became_tables_are_not_dropped_with_their_table() {
    let db = Pair::with(
        "create table p (id int primary key) partition by range (id); \
         create table p1 partition of p for values from (0) to (10); \
         create table p2 partition of p for values from (10) to (20); insert into p values (1), (11)",
    )
    .await;
    db.sync().await.expect_ok();
    db.source("alter table p detach partition p2; drop table p; insert into p2 values (12)").await;
    let detach = "alter table public.p detach partition public.p2";
    let run = db.sync().await.expect_exit(1).expect_unsaid("renamed to");
    run.expect_said(&format!(
        "it holds public.p2, which the source still has: before all else, run on the target: {detach}; then, to drop it, \
         run on the target: drop table public.p"
    ));
    db.target(detach).await;
    db.sync().await.expect_ok();
    db.target("drop table public.p").await;
    db.sync().await.expect_unchanged();
    assert_eq!(
        db.target_value("select string_agg(id::text, ' ' order by id) from p2").await,
        "11 12"
    );
}

#[tokio::test]
async fn a_table_that_a_rule_brings_elsewhere_is_not_gone_from_the_source() {
    let moved = "a rule brings public.t of the source to public.t2 now; this table keeps the rows that earlier runs brought; ";
    let db = Pair::fresh().await;
    db.source("create table t (id int primary key, v text); insert into t values (1)").await;
    db.settle().await;
    let run = || db.sync().args(&["-set", "t.targetTable=t2"]);
    // The old table holds the name of the new one's key.
    let refused = run().await.expect_failed("t", &["t_pkey"]).expect_unsaid("no longer");
    let statements = "to go on with them, run on the target: drop table if exists public.t2; alter table public.t rename to t2";
    refused.expect_said(&format!("{moved}{statements}, and run pgsync once with -reconcile"));
    db.target("drop table if exists public.t2; alter table public.t rename to t2").await;
    run().arg("-reconcile").await.expect_unchanged();
    run().await.expect_unchanged().expect_unsaid("brings");
}

#[tokio::test]
async fn a_table_that_a_rule_brings_elsewhere_is_told_once() {
    let db = Pair::fresh().await;
    db.source("create table t (id int primary key, v text); insert into t values (1)").await;
    db.target("create table t2 (id int primary key, v text)").await;
    db.settle().await;
    let run = || db.sync().args(&["-set", "t.targetTable=t2"]);
    let said = "this table keeps the rows that earlier runs brought; to drop it, run on the target: drop table public.t";
    run().arg("-dry-run").await.expect_ok().expect_said(said);
    run().await.expect_ok().expect_said(said).expect_unsaid("no longer");
    run().await.expect_unchanged().expect_unsaid("to drop it");
}

#[tokio::test]
async fn a_view_that_reads_a_dropped_table_is_dropped_by_the_statements() {
    let db = Pair::fresh().await;
    db.source("create table a (id int primary key, v int); create table b (id int primary key, v int); create table t (id int primary key)").await;
    db.settle().await;
    db.target("create view both_of_them as select a.id, a.v, b.v as w from a join b using (id); create materialized view of_a as select v from a").await;
    db.source("drop table a, b").await;
    let run = db.sync().args(&[]).await.expect_ok();
    let run = run.expect_said(
        "to drop it together with view public.both_of_them and materialized view public.of_a, which read it, run on the target: ",
    );
    let run = run.expect_said(
        "to drop it together with view public.both_of_them, which reads it, run on the target: ",
    );
    let target = db.target_url();
    let told = "drop view if exists public.both_of_them; drop materialized view if exists public.of_a; drop table public.a; \
                 drop view if exists public.both_of_them; drop table public.b";
    pgsync(&["status", "-target", &target]).await.expect_ok().expect_said(&format!(
        "Gone from the source: a, b; to drop what is left, run on the target: {told}"
    ));
    for one in drops(&run) {
        db.target(&one).await;
    }
    assert_eq!(tables(&db).await, "t");
    db.settle().await;
}

#[tokio::test]
async fn views_on_views_and_those_that_only_count_rows_are_dropped_in_their_order() {
    let db = Pair::fresh().await;
    db.source("create table a (id int primary key, v int); create table t (id int primary key)")
        .await;
    db.settle().await;
    db.target(
        "create view counts as select count(*) from a; create view reads as select v from a; create view z as select * from reads;
         create materialized view on_top as select * from z, counts",
    )
    .await;
    db.source("drop table a").await;
    let told = "drop materialized view if exists public.on_top; drop view if exists public.z; drop view if exists public.reads; \
                drop view if exists public.counts; drop table public.a";
    let run = db.sync().await.expect_ok();
    run.expect_said(&format!(
        "to drop it together with materialized view public.on_top, view public.z, view public.reads and view public.counts, which read \
         it, run on the target: {told}"
    ));
    pgsync(&["status", "-target", &db.target_url()])
        .await
        .expect_ok()
        .expect_said(&format!("to drop what is left, run on the target: {told}"));
    db.target(told).await;
    assert_eq!(tables(&db).await, "t");
    db.settle().await;
}

#[tokio::test]
async fn a_table_that_was_moved_to_another_schema_is_moved_by_what_is_told() {
    let db = Pair::fresh().await;
    db.source("create table a (id serial primary key, v int); create table t (id int primary key); insert into a (v) values (1)")
        .await;
    db.settle().await;
    db.target("create view reads as select v from a").await;
    db.source("create schema hr; alter table a set schema hr; insert into hr.a (v) values (2)")
        .await;
    let statements = "create schema hr; alter table public.a set schema hr";
    let told = format!(
        "the source no longer has this table; the target keeps it with the rows that it has; moved to schema hr? Then run on the \
         target: {statements}, and select that schema, too: -schema public,hr; otherwise, to drop it together with view public.reads, \
         which reads it, run on the target: drop view if exists public.reads; drop table public.a"
    );
    db.sync().arg("-dry-run").await.expect_ok().expect_note(&told);
    db.sync().await.expect_ok().expect_note(&told);
    db.sync().await.expect_ok().expect_unsaid("no longer");
    let run = pgsync(&["status", "-target", &db.target_url()]).await.expect_ok();
    run.expect_said(&format!("\na - gone: {told}\n")).expect_unsaid("Gone from the source");
    db.target(statements).await;
    db.sync().args(&["-schema", "public,hr"]).await.expect_ok().expect_changes("a", (1, 0, 0));
    db.sync().args(&["-schema", "public,hr"]).await.expect_unchanged();
    assert_eq!(db.target_value("select sum(v) from reads").await, "3");
    pgsync(&["status", "-target", &db.target_url()]).await.expect_ok().expect_unsaid("gone");
}
