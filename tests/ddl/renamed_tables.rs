//! Tables that the source has renamed, some with their columns: whoever pastes what is printed has them again, whatever
//! was pasted before.

use crate::support::{Outcome, Pair, pgsync};

/// What the warning of a table says that somebody is to run: to rename it, and to drop it.
struct Told {
    rename: String,
    drop: String,
}

fn told(run: &Outcome, old: &str, new: &str) -> Told {
    let asked = format!("renamed to public.{new}? Then run on the target: ");
    let notes = run.notes();
    let of_old = |note: &&String| note.contains(&asked) && note.ends_with(&format!("public.{old}"));
    let note = notes.iter().find(of_old).unwrap_or_else(|| panic!("a question of {old}: {run}"));
    let (_, rest) = note.split_once(&asked).expect("a statement");
    let (rename, rest) =
        rest.split_once(", and run pgsync once with -reconcile; ").expect("an end");
    let drop = rest.strip_prefix("otherwise, to drop it, run on the target: ").expect("a drop");
    Told { rename: rename.to_owned(), drop: drop.to_owned() }
}

async fn assert_settled(db: &Pair) {
    db.sync().arg("-reconcile").await.expect_ok();
    db.settle().await;
    let run = db.sync().await.expect_unchanged();
    assert_eq!(run.notes(), Vec::<String>::new(), "{run}");
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(0);
    assert_eq!(listed.stdout, "", "{listed}");
}

#[tokio::test]
async fn a_table_that_was_renamed_with_a_column_is_asked_for() {
    let changes = [
        "alter table thing rename column v to name",
        "alter table thing rename column id to thing_id; alter index item_pkey rename to thing_pkey",
        "alter table thing rename column w to note, add column x text",
        "alter table thing drop column w",
    ];
    let first = "create table item (id int primary key, v text, w text, a int, b int); insert into item values (1, 'v', 'w')";
    for change in changes {
        let db = Pair::fresh().await;
        db.source(first).await;
        db.settle().await;
        db.source("alter table item rename to thing").await;
        for change in change.split(", ") {
            let own = if change.starts_with("add") { "alter table thing " } else { "" };
            db.source(&format!("{own}{change}")).await;
        }
        let run = db.sync().await;
        db.target(&told(&run, "item", "thing").rename).await;
        let left = db.sync().arg("-reconcile").await.expect_ok().notes();
        for note in left {
            if let Some((_, drop)) = note.split_once("run on the target: ") {
                db.target(drop).await;
            }
        }
        assert_settled(&db).await;
    }
}

#[tokio::test]
async fn another_table_that_came_meanwhile_is_not_asked_for() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v text, w text)").await;
    db.settle().await;
    db.source("drop table item; create table thing (id uuid primary key, v text, w text); create table other (id int primary key, a text, b text, c text)")
        .await;
    db.sync().await.expect_ok().expect_unsaid("renamed to").expect_note("drop table public.item");
}

#[tokio::test]
async fn partitions_of_a_table_that_was_renamed_with_a_column_are_not_asked_for_again() {
    for partition in ["", "; alter table early rename to first"] {
        let db = Pair::fresh().await;
        if !db.has(11, "keys of partitioned tables").await {
            return;
        }
        db.source(
            "create table part (id int primary key, v text, w text) partition by range (id);
             create table early partition of part for values from (0) to (100); insert into part values (1, 'v', 'w')",
        )
        .await;
        db.settle().await;
        db.source(&format!("alter table part rename to divided; alter table divided rename column v to name{partition}"))
            .await;
        for _ in 0..2 {
            let run = db.sync().await.expect_exit(1).expect_unsaid("attach a partition");
            let run = run.expect_unsaid("another parent");
            told(&run, "part", "divided");
        }
        db.target(&told(&db.sync().await, "part", "divided").rename).await;
        assert_settled(&db).await;
    }
}

#[tokio::test]
async fn statements_for_several_renamed_tables_work_in_any_order() {
    for (backwards, drops) in [(false, false), (true, false), (false, true)] {
        let db = Pair::fresh().await;
        db.source(
            "create table boss (id int primary key, v text, w text); create table worker (id int primary key, boss int references boss, w text);
             insert into boss values (1, 'v', 'w'); insert into worker values (1, 1, 'w')",
        )
        .await;
        db.settle().await;
        db.source(
            "alter table boss rename to chief; alter index boss_pkey rename to chief_pkey;
             alter table worker rename to hand; alter index worker_pkey rename to hand_pkey; alter table chief rename column v to name",
        )
        .await;
        let run = db.sync().await.expect_ok();
        let (boss, worker) = (told(&run, "boss", "chief"), told(&run, "worker", "hand"));
        let boss = if drops { boss.drop } else { boss.rename };
        let mut pasted = vec![worker.rename, boss];
        if backwards {
            pasted.reverse();
        }
        for statements in pasted {
            db.target(&statements).await;
        }
        assert_settled(&db).await;
    }
}

#[tokio::test]
async fn a_renamed_table_whose_rows_find_no_partition_is_told_with_statements_that_work() {
    let db = Pair::fresh().await;
    db.source(
        "create table event (id serial, at date not null, primary key (id, at)) partition by range (at);
         create table event_10 partition of event for values from ('2026-10-01') to ('2026-11-01');
         insert into event (at) select '2026-10-05'::date + i from generate_series(1, 9) i",
    )
    .await;
    db.settle().await;
    db.source("alter table event rename to events; insert into events (at) values ('2026-10-30')")
        .await;
    let failed = db.sync().await.expect_exit(1).table("events").error.expect("an error");
    let hint = failed.hint.expect("a hint");
    let (why, statements) = hint.split_once("run on the target: ").expect(&hint);
    assert_eq!(
        why,
        "its partitions belong to public.event on the target: if the source has renamed that table, "
    );
    db.target(statements).await;
    db.sync().args(&["-reconcile"]).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn the_listing_prints_no_statement_of_a_table_for_which_a_renamed_one_has_the_names() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id int primary key, v text); create index by_v on item (v);
         create table line (id int primary key, item int references item);
         insert into item values (1, 'a'); insert into line values (1, 1)",
    )
    .await;
    db.settle().await;
    db.source("alter table item rename to thing; create table other (id int primary key)").await;
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
    let (comments, statements): (Vec<&str>, Vec<&str>) =
        listed.stdout.lines().partition(|line| line.starts_with("-- "));
    assert_eq!(
        statements.join("\n"),
        "create table \"public\".\"other\" (\n    \"id\" integer not null\n);\n\
         create unique index \"other_pkey\" on \"public\".\"other\" using \"btree\" (\"id\");\n\
         alter table only \"public\".\"other\" add constraint \"other_pkey\" primary key using index \"other_pkey\";",
        "{listed}"
    );
    let rename = "drop table if exists public.thing; alter table public.item rename to thing, and run pgsync once with -reconcile";
    assert_eq!(comments.len(), 2, "{listed}");
    assert!(comments[0].starts_with("-- public.thing: target while creating "), "{listed}");
    assert!(comments[1].contains(rename), "{listed}");
    db.sync().arg("-dry-run").await.expect_exit(1).expect_unsaid("line_item_fkey is defined");
    db.sync().await.expect_exit(1).expect_unsaid("line_item_fkey is defined");
    db.target("drop table if exists thing; alter table item rename to thing").await;
    db.sync().arg("-reconcile").await.expect_ok();
    db.settle().await;
}

#[tokio::test]
async fn a_parent_that_was_renamed_is_told_with_the_statements_that_rename_it_in_each_run() {
    let db = Pair::fresh().await;
    db.source(
        "create table par (id int primary key, a text); create table ch (b int) inherits (par);
        insert into par values (1, 'a'); insert into ch values (2, 'b', 1)",
    )
    .await;
    db.settle().await;
    db.source("alter table par rename to parent").await;
    let renames = "drop table if exists public.parent; alter table public.par rename to parent";
    let told = format!(
        "if the source has renamed public.par, run on the target: {renames}; otherwise, on the source public.ch inherits"
    );
    drop(db.sync().await.expect_exit(1).expect_note(renames));
    for _ in 0..2 {
        let run = db.sync().await.expect_exit(1);
        drop(run.expect_failed("parent", &[&told]));
    }
    db.target(renames).await;
    db.sync().arg("-reconcile").await.expect_ok();
    db.settle().await;
}
