//! Keys, indexes and constraints that were only renamed.

use crate::dump::assert_same_definitions;
use crate::support::{Pair, pgsync};

const ITEM: &str = "create table parent (id int primary key);
    create table item (id int primary key, n int, state varchar(9), parent int, constraint once unique (n), constraint small check (n < 100),
        constraint known check (state in ('a', 'b')), constraint up foreign key (parent) references parent);
    create index by_n on item (n) where state in ('a', 'b'); create statistics s on n, parent from item;
    comment on constraint item_pkey on item is 'the key'; alter table item cluster on item_pkey;
    insert into parent values (1); insert into item select i, i, 'a', 1 from generate_series(1, 50) i";

const RENAMED: &str = "alter table item rename constraint item_pkey to things_pkey; alter table item rename constraint once to \"Once\";
    alter table item rename constraint small to little; alter table item rename constraint known to known_states; alter table item rename constraint up to upwards;
    alter index by_n rename to \"By n\"; alter statistics s rename to t; alter table parent rename constraint parent_pkey to parents_pkey";

#[tokio::test]
async fn what_was_only_renamed_is_renamed_in_place() {
    let db = Pair::fresh().await;
    db.source(ITEM).await;
    db.settle().await;
    let files = "select string_agg(pg_relation_filenode(indexrelid)::text, ' ' order by 1) from pg_index where indrelid = 'item'::regclass";
    let before = db.target_value(files).await;
    db.source(&format!("{RENAMED}; insert into item values (60, 60, 'b', 1); comment on constraint things_pkey on item is 'still the key'")).await;
    for mode in ["none", "additive"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_ok();
        db.assert_all_same().await;
        run.expect_unsaid("exists only on the target").expect_unsaid("on the source");
    }
    let names = "select string_agg(name, ' ' order by name) from (
        select conname::text as name from pg_constraint where conrelid in ('item'::regclass, 'parent'::regclass) and contype <> 'n'
        union all select indexrelid::regclass::text from pg_index where indrelid in ('item'::regclass, 'parent'::regclass)
        union all select stxname from pg_statistic_ext) n(name)";
    assert_eq!(db.target_value(names).await, db.source_value(names).await);
    assert_eq!(db.target_value(files).await, before);
    let run = db.sync().args(&["-ddl", "reset"]).await.expect_unchanged();
    assert_eq!(run.notes(), Vec::<String>::new());
}

#[tokio::test]
async fn keys_and_indexes_of_partitions_are_renamed_with_those_of_their_parent() {
    let db = Pair::fresh().await;
    if !db.has(11, "keys of partitioned tables").await {
        return;
    }
    db.source(
        "create table part (id int, at date, primary key (id, at)) partition by range (at);
         create table early partition of part for values from ('2023-01-01') to ('2024-01-01');
         create index by_at on part (at); insert into part values (1, '2023-05-05')",
    )
    .await;
    db.settle().await;
    db.source(
        "alter table part rename constraint part_pkey to parts_pkey; alter table early rename constraint early_pkey to earlier_pkey;
         alter index by_at rename to at_first; alter index early_at_idx rename to early_first; insert into part values (2, '2023-06-06')",
    )
    .await;
    db.sync().await.expect_ok().expect_unsaid("exists only on the target");
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
    let run = db.sync().await.expect_unchanged();
    assert_eq!(run.notes(), Vec::<String>::new());
}

#[tokio::test]
async fn another_primary_key_under_another_name_is_named_and_made_by_a_reset() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id int primary key, n int not null); insert into item values (1, 1)",
    )
    .await;
    db.settle().await;
    db.source("alter table item drop constraint item_pkey, add constraint both_s primary key (id, n); insert into item values (2, 2)").await;
    for _ in 0..2 {
        let run = db.sync().await.expect_ok();
        run.expect_note("constraint both_s of public.item is defined differently on the source");
        db.assert_all_same().await;
    }
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn tables_that_others_made_keep_the_names_of_their_keys() {
    let db = Pair::fresh().await;
    db.source("create table item (id int constraint mine primary key)").await;
    db.target("create table item (id int constraint theirs primary key)").await;
    db.source("insert into item values (1)").await;
    db.settle().await;
    assert_eq!(db.target_value("select to_regclass('theirs') is not null").await, "t");
}

#[tokio::test]
async fn a_table_that_was_renamed_is_asked_for_by_the_listing_too() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v text); insert into item values (1, 'a')")
        .await;
    db.settle().await;
    db.source("alter table item rename to thing").await;
    let (source, target) = (db.source_url(), db.target_url());
    let asked = "renamed to public.thing? Then run on the target: drop table if exists public.thing; alter table \
                 public.item rename to thing";
    for _ in 0..2 {
        let listed =
            pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
        assert!(listed.stdout.starts_with("-- public."), "{listed}");
        assert!(listed.stdout.contains(asked), "{listed}");
        let is_taken = "relation \"item_pkey\" already exists";
        assert!(listed.stdout.contains(is_taken) && !listed.stdout.contains("\nalter"), "{listed}");
        db.sync().arg("-dry-run").await.expect_note(asked);
        // What a run makes before it fails does not hide the question.
        let run = db.sync().await.expect_exit(1).expect_note(asked);
        run.expect_failed(
            "thing",
            &["on the target index public.item_pkey of table public.item has that name: if public.item is the same table under \
               another name, run on the target: drop table if exists public.thing; alter table public.item rename to thing; \
               otherwise, give it another name: alter index public.item_pkey rename to item_pkey_old; or exclude the table"],
        );
    }
    db.target("drop table if exists thing; alter table item rename to thing").await;
    db.sync().args(&["-reconcile"]).await.expect_ok();
    db.settle().await;
    pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(0);
}

#[tokio::test]
async fn a_sequence_that_serves_a_renamed_table_is_told_with_that_table() {
    let db = Pair::fresh().await;
    db.source("create table ev (id int generated always as identity primary key); alter index ev_pkey rename to own").await;
    db.settle().await;
    db.source("alter table ev rename to evs; alter index own rename to evs_pkey").await;
    let run = db.sync().await.expect_exit(1);
    let told = "sequence public.ev_id_seq of table public.ev has that name: if public.ev is the same table under another name, run \
                on the target: drop table if exists public.evs; alter table public.ev rename to evs; otherwise, give it another \
                name: alter sequence public.ev_id_seq rename to ev_id_seq_old; or exclude the table";
    run.expect_failed("evs", &[told]);
    db.target("alter sequence public.ev_id_seq rename to ev_id_seq_old").await;
    db.sync().await.expect_ok();
}

#[tokio::test]
async fn a_table_that_the_target_has_renamed_gets_its_name_back_by_what_is_told() {
    let db = Pair::fresh().await;
    db.source("create table ev (id serial primary key); create table \"Part\" (id int primary key, ev int references ev);
        insert into ev default values; insert into \"Part\" values (1, 1)")
        .await;
    db.settle().await;
    db.target("alter table ev rename to \"Old\"").await;
    let told = "if public.\"Old\" is the same table under another name, run on the target: ";
    let settles = "alter sequence public.ev_id_seq owned by public.\"Old\".id; drop table if exists public.ev; alter table public.\"Old\" \
                   rename to ev";
    let run = db.sync().await.expect_exit(1);
    run.expect_failed(
        "ev",
        &[&format!("{told}{settles}; otherwise, give it another name: alter index public.ev_pkey")],
    );
    db.sync().await.expect_exit(1).expect_failed("ev", &[told]);
    db.target(settles).await;
    db.settle().await;
    assert_eq!(db.target_value("insert into ev default values returning id").await, "2");
}

#[tokio::test]
async fn a_sequence_that_was_renamed_leaves_the_old_one_with_the_statement_that_drops_it() {
    let db = Pair::fresh().await;
    db.source("create table item (id serial primary key, v int); insert into item (v) values (1)")
        .await;
    db.settle().await;
    db.source("alter sequence item_id_seq rename to items_seq").await;
    let drop = "drop sequence public.item_id_seq";
    db.sync().await.expect_unchanged().expect_note(drop);
    db.target(drop).await;
    db.sync().await.expect_unchanged().expect_unsaid("only on the target");
    // One that others made.
    db.target("create sequence theirs owned by item.v").await;
    db.source("create index on item (v)").await;
    db.sync().await.expect_ok().expect_unsaid("theirs");
}

#[tokio::test]
async fn an_index_that_gets_the_sources_name_is_told_by_both_names() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v int, w int)").await;
    db.settle().await;
    db.target("create index mine on item (v)").await;
    db.source("create index by_v on item (v); alter table item rename constraint item_pkey to own")
        .await;
    let run = db.sync().await.expect_unchanged();
    assert_eq!(
        run.notes(),
        [
            "changed on the target: 2 names (constraint item_pkey of public.item to own, index public.mine to by_v)"
        ]
    );
}

#[tokio::test]
async fn a_sequence_of_its_own_that_was_renamed_leaves_the_old_one_with_the_statement_that_drops_it()
 {
    let db = Pair::fresh().await;
    db.source(
        "create sequence numbers; create table item (id int primary key default nextval('numbers')); insert into item values (default)",
    )
    .await;
    db.settle().await;
    db.source("alter sequence numbers rename to digits").await;
    let drop = "drop sequence public.numbers";
    let told = format!(
        "sequence public.numbers exists only on the target; to drop it when no default draws from it, run: {drop}"
    );
    db.sync().arg("-dry-run").await.expect_unchanged().expect_note(&told);
    db.sync().await.expect_unchanged().expect_note(&told);
    db.target(drop).await;
    db.settle().await.expect_unsaid("numbers");
}

#[tokio::test]
async fn an_index_whose_name_another_table_of_the_target_has_is_settled_by_what_is_told() {
    let db = Pair::fresh().await;
    db.source("create table a (id int primary key, v int)").await;
    db.settle().await;
    db.target("create table own (v int); create index by_v on own (v)").await;
    db.source("create index by_v on a (v)").await;
    let told = "relation \"by_v\" already exists";
    let hint = "on the target index public.by_v of table public.own has that name: give it another name: alter index public.by_v rename \
                to by_v_old; or exclude the table";
    let (source, target) = (db.source_url(), db.target_url());
    let list = || pgsync(&["schema", "-source", &source, "-target", &target]);
    let listed = list().await.expect_exit(1);
    assert!(listed.stdout.contains(told) && listed.stdout.contains(hint), "{listed}");
    assert!(listed.stdout.lines().all(|line| line.starts_with("--")), "{listed}");
    for args in [&["-dry-run"][..], &[]] {
        db.sync().args(args).await.expect_exit(1).expect_failed("a", &[told, hint]);
    }
    db.target("alter index public.by_v rename to by_v_old").await;
    db.target(&list().await.expect_exit(1).stdout).await;
    db.settle().await;
}

#[tokio::test]
async fn a_key_with_columns_in_another_order_is_dropped_with_the_foreign_keys_that_a_run_creates() {
    let db = Pair::fresh().await;
    db.source("create table a (x int, y int, v text, primary key (x, y)); create table c (x int, y int, foreign key (x, y) references a);
        insert into a values (1, 2, 'v'); insert into c values (1, 2)")
        .await;
    db.settle().await;
    db.source("alter table a drop constraint a_pkey cascade; alter table a add primary key (y, x); alter table c add foreign key (y, x) references a (y, x)").await;
    let run = db.sync().await.expect_ok();
    let lines = run.notes();
    let told = lines.iter().find_map(|note| {
        let (_, rest) =
            note.split_once("a_pkey of public.a is defined differently on the source")?;
        let (_, told) = rest.split_once("run on the target: ")?;
        Some(told.split_once("; the next run")?.0.to_owned())
    });
    db.target(&told.expect("statements")).await;
    db.sync().await.expect_ok();
    assert_same_definitions(&db).await;
}
