//! Indexes, constraints and statistics objects that the source gave up.

use crate::dump::assert_same_definitions;
use crate::support::{Pair, pgsync};

const ITEM: &str = "create table parent (id int primary key, code int constraint once_there unique);
    create table item (id int primary key, n int, parent int, constraint once unique (n), constraint small check (n < 100),
        constraint up foreign key (parent) references parent);
    create index \"By N\" on item (n) where n > 3; create statistics s on n, parent from item;
    create table event (id int, at int, primary key (id, at), constraint odd check (id > 0)) partition by range (at);
    create table event_1 partition of event for values from (0) to (100); create index by_at on event (at);
    create index only_1 on event_1 (id desc);
    insert into parent values (1, 1); insert into item select i, i, 1 from generate_series(1, 50) i; insert into event values (1, 1)";

const GONE: &str =
    "alter table item drop constraint once, drop constraint small, drop constraint up;
    drop index \"By N\", by_at, only_1; drop statistics s; alter table event drop constraint odd";

#[tokio::test]
async fn what_the_source_gave_up_is_named_with_its_end_and_dropped_by_a_reset() {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.settle().await.expect_unsaid("exists only on the target");
    db.source(GONE).await;
    let drops = [
        "alter table \"public\".\"item\" drop constraint \"once\"",
        "alter table \"public\".\"item\" drop constraint \"small\"",
        "alter table \"public\".\"item\" drop constraint \"up\"",
        "drop index \"public\".\"By N\"",
        "drop index \"public\".\"by_at\"",
        "drop index \"public\".\"only_1\"",
        "drop statistics \"public\".\"s\"",
        "alter table \"public\".\"event\" drop constraint \"odd\"",
    ];
    for way in ["additive", "none"] {
        let mut run = db.sync().args(&["-ddl", way]).await.expect_unchanged();
        for drop in drops {
            run = run.expect_note(&format!("exists only on the target; to drop it, run: {drop}"));
        }
        let named =
            run.notes().iter().filter(|note| note.contains("exists only on the target")).count();
        assert_eq!(named, drops.len(), "{:#?}", run.notes());
    }
    // Rows that it would not let in.
    db.source("insert into item values (98, 7, 1), (99, 500, 2)").await;
    let foretold = db.sync().args(&["-ddl", "reset", "-dry-run"]).await.expect_ok();
    foretold.expect_note("would drop index public.\"By N\"");
    let run = db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    run.expect_note("8 drops").expect_unsaid("rebuilt");
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
    db.sync().await.expect_unchanged().expect_unsaid("exists only on the target");
}

#[tokio::test]
async fn a_key_that_the_source_gave_up_in_a_table_to_which_others_refer_goes_with_the_old_table() {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.settle().await;
    db.source("alter table parent drop constraint once_there").await;
    let run = db.sync().await.expect_unchanged();
    run.expect_note("alter table \"public\".\"parent\" drop constraint \"once_there\"");
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn tables_that_others_made_keep_what_is_their_own_in_silence() {
    let db = Pair::fresh().await;
    db.both("create table item (id int primary key, n int)").await;
    db.source("insert into item values (1, 1); create table ours (id int primary key)").await;
    db.target("create index theirs on item (n)").await;
    db.settle().await.expect_unsaid("theirs");
    db.sync().args(&["-ddl", "reset"]).await.expect_unchanged();
    assert_eq!(db.target_value("select to_regclass('theirs') is not null").await, "t");
}

#[tokio::test]
async fn what_others_made_on_the_target_is_only_listed() {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.settle().await;
    db.target(
        "create index theirs on item (parent); create unique index theirs_too on item ((n + 1));
         alter table parent add constraint their_check check (code < 9), add seen int constraint their_key references item;
         create table event_2 partition of event for values from (100) to (200); create statistics their_s on id, n from item",
    )
    .await;
    for way in ["additive", "none", "additive"] {
        let run = db.sync().args(&["-ddl", way]).await.expect_unchanged();
        run.expect_unsaid("exists only on the target");
    }
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(0);
    let of_parent = ["their_check of public.parent", "their_key of public.parent"];
    for name in ["theirs", "theirs_too", "event_2", "their_s"].into_iter().chain(of_parent) {
        let named = format!("{name} exists only on the target; to drop it, run: ");
        assert!(listed.stdout.contains(&named), "{name}: {listed}");
    }
    // What the source gave up is told, also what it got later.
    db.source("create index late on item (parent, n)").await;
    db.sync().await.expect_ok();
    db.source("drop index late; drop index \"By N\"").await;
    for _ in 0..2 {
        let run = db.sync().await.expect_unchanged().expect_unsaid("their");
        run.expect_note("late exists only on the target")
            .expect_note("drop index \"public\".\"By N\"");
    }
    // Rows that it keeps out.
    db.source("insert into parent values (9, 9)").await;
    let run = db.sync().await;
    run.expect_failed(
        "parent",
        &["their_check", "alter table \"public\".\"parent\" drop constraint \"their_check\""],
    );
}

#[tokio::test]
async fn what_only_the_target_has_is_told_where_the_log_is_of_an_older_version() {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.settle().await;
    db.source("drop index \"By N\"").await;
    db.target("alter table sync_log drop column source_parts").await;
    for _ in 0..2 {
        db.sync().await.expect_unchanged().expect_note("drop index \"public\".\"By N\"");
    }
    db.target("create index theirs on item (parent)").await;
    db.sync().await.expect_unchanged().expect_unsaid("theirs").expect_note("By N");
}

#[tokio::test]
async fn a_log_that_the_role_may_not_alter_hinders_no_run() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, n int); create index by_n on item (n)").await;
    let role = db.target_writer().await;
    db.target(&format!("grant create on schema public to {}", role.name)).await;
    db.sync().target_role(&role).await.expect_ok();
    db.target(&format!(
        "alter table sync_log drop column source_parts, owner to current_user; grant select, insert, update on sync_log to {}",
        role.name
    ))
    .await;
    db.source("drop index by_n").await;
    db.target("create index theirs on item ((n + 1))").await;
    let run = db.sync().target_role(&role).await.expect_unchanged().expect_note("theirs");
    run.expect_note("by_n");
}
