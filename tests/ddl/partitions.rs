//! Tables whose partitions come to be others on the source.

use crate::dump::assert_same_definitions;
use crate::support::{Outcome, Pair, pgsync};

const PARTED: &str = "create table part (id int, at date, v text, primary key (id, at)) partition by range (at);
    create table early partition of part for values from ('2023-01-01') to ('2024-01-01');
    create table late partition of part for values from ('2024-01-01') to ('2025-01-01'); create index by_v on part (v)";
const PLAIN: &str = "create table part (id int, at date, v text, primary key (id, at)); create index by_v on part (v)";
const ROWS: &str =
    "insert into part select i, date '2023-06-01' + i, 'v' from generate_series(1, 300) i";

/// A pair that pgsync has made equal, whose source table is then created again.
async fn changed(before: &str, after: &str) -> Pair {
    let db = Pair::fresh().await;
    db.source(&format!("{before}; {ROWS}")).await;
    db.settle().await;
    db.source(&format!("drop table part; {after}; {ROWS}; update part set v = 'w' where id < 9"))
        .await;
    db
}

async fn reset(db: &Pair) -> Outcome {
    db.sync().args(&["-ddl", "reset"]).await
}

async fn settles(db: &Pair) {
    reset(db).await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(db).await;
    db.sync().await.expect_unchanged().expect_unsaid("on the source");
}

#[tokio::test]
async fn a_new_partition_joins_a_table_with_columns_that_the_source_has_no_more() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (id int primary key, x int not null default 7, y text, n int generated always as (1) stored,
           constraint small check (x < 100)) partition by range (id);
         create table p1 partition of p for values from (0) to (10); insert into p values (1, 1, 'a')",
    )
    .await;
    db.sync().await.expect_ok();
    db.source(
        "alter table p drop x, drop n; alter table p rename y to z;
         create table p2 partition of p for values from (10) to (20) partition by range (id);
         create table p2a partition of p2 for values from (10) to (15); insert into p values (11, 'b')",
    )
    .await;
    db.sync().await.expect_ok();
    assert_eq!(db.target_value("select string_agg(concat_ws(' ', tableoid::regclass, id, z, x, n), ', ' order by id) from p").await, "p1 1 a 1 1, p2a 11 b 7 1");
    db.sync().await.expect_ok().expect_unchanged();
    db.source("create table p3 (like p); alter table p attach partition p3 for values from (20) to (30); insert into p values (21, 'c')").await;
    db.sync().await.expect_ok();
    db.sync().await.expect_ok().expect_unchanged();
    assert_eq!(db.target_value("select x || z from p3").await, "7c");
}

#[tokio::test]
async fn a_table_that_came_to_be_partitioned_is_named_and_rebuilt_by_a_reset() {
    let db = changed(PLAIN, PARTED).await;
    for mode in ["additive", "none"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_ok();
        run.expect_note("table public.part is partitioned by RANGE (at) on the source and not partitioned on the target");
        db.assert_all_same().await;
    }
    let foretold = db.sync().args(&["-ddl", "reset", "-dry-run"]).await.expect_ok();
    foretold.expect_note("would be rebuilt: it is partitioned on the source only");
    settles(&db).await;
}

#[tokio::test]
async fn a_table_that_is_partitioned_no_more_is_named_and_rebuilt_by_a_reset() {
    let db = changed(PARTED, PLAIN).await;
    for mode in ["additive", "none"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_ok();
        run.expect_note(
            "not partitioned on the source and partitioned by RANGE (at) on the target",
        );
        db.assert_all_same().await;
    }
    settles(&db).await;
}

#[tokio::test]
async fn rows_for_which_the_targets_partitions_have_no_place_fail_their_table_with_a_remedy() {
    let moved = PARTED.replace("'2023-01-01'", "'2020-01-01'");
    let db = changed(PARTED, &moved).await;
    db.sync()
        .await
        .expect_ok()
        .expect_note("partition public.early has other bounds on the source")
        .expect_note("drop table \"public\".\"early\" (the next run creates it again, with the source's rows)");
    db.assert_all_same().await;
    db.source("insert into part values (7, '2021-01-01')").await;
    for mode in ["additive", "none"] {
        let run = db.sync().args(&["-ddl", mode]).await.expect_exit(1);
        run.expect_failed(
            "part",
            &["no partition of relation \"part\"", "attach a partition", "-ddl reset"],
        );
    }
    settles(&db).await;
}

#[tokio::test]
async fn another_partition_key_is_named_and_rebuilt_by_a_reset() {
    let listed = "create table part (id int, at date, v text, primary key (id, at)) partition by hash (id);
        create table early partition of part for values with (modulus 2, remainder 0);
        create table late partition of part for values with (modulus 2, remainder 1); create index by_v on part (v)";
    let db = changed(PARTED, listed).await;
    db.sync().await.expect_ok().expect_note("partitioned by HASH (id) on the source");
    settles(&db).await;
}

const DAYS: &str = "create table ev (id int, at date not null, v text, primary key (id, at)) partition by range (at);
    create table ev_2025 partition of ev for values from ('2025-01-01') to ('2026-01-01'); create table ev_rest partition of ev default;
    create index by_v on ev (v);
    insert into ev select g, '2025-05-01', 'a' from generate_series(1, 5) g; insert into ev select g, '2026-05-01', 'b' from generate_series(11, 15) g";

/// The rows move to a partition of their own, for which the target's default partition leaves no room.
async fn leaves_no_room(partitioned: &str, of_it: &str) {
    let db = Pair::fresh().await;
    if !db.has(11, "default partitions").await {
        return;
    }
    db.source(DAYS).await;
    db.settle().await;
    db.source(&format!(
        "begin; create table ev_2026 (like ev including all){partitioned}; {of_it};
         with moved as (delete from ev_rest returning *) insert into ev_2026 select * from moved;
         alter table ev attach partition ev_2026 for values from ('2026-01-01') to ('2027-01-01');
         insert into ev values (99, '2026-06-06', 'new'); commit"
    ))
    .await;
    for _ in 0..2 {
        let run = db
            .sync()
            .await
            .expect_ok()
            .expect_note("is left out: target while creating partition public.ev_2026");
        assert_eq!(run.notes().iter().filter(|note| note.contains("left out")).count(), 1, "{run}");
        db.assert_same("ev").await;
    }
    // Once there is room, it is made.
    db.target("delete from ev_rest").await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_partition_for_which_there_is_no_room_is_left_out_in_every_run_alike() {
    leaves_no_room("", "select").await;
}

#[tokio::test]
async fn a_partition_with_partitions_for_which_there_is_no_room_is_left_out_in_every_run_alike() {
    leaves_no_room(
        " partition by list (id)",
        "create table ev_2026_rest partition of ev_2026 default",
    )
    .await;
}

#[tokio::test]
async fn a_partition_that_was_detached_is_a_table_on_the_target_too() {
    let db = Pair::fresh().await;
    db.source(&format!("{PARTED}; {ROWS}")).await;
    db.settle().await;
    db.source(
        "alter table part detach partition early; insert into early values (1000, '2023-07-07')",
    )
    .await;
    let foretold = db.sync().arg("-dry-run").await.expect_ok();
    foretold
        .expect_note("alter table \"public\".\"part\" detach partition \"public\".\"early\"")
        .expect_changes("part", (0, 0, 0))
        .expect_changes("early", (1, 0, 0));
    let limit = ["-max-delete", "0"];
    db.sync().arg("-dry-run").args(&limit).await.expect_ok().expect_changes("early", (1, 0, 0));
    db.sync().args(&limit).await.expect_ok().expect_changes("early", (1, 0, 0));
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
    let run = db.sync().await.expect_unchanged();
    assert_eq!(run.notes(), Vec::<String>::new());
    db.source(
        "alter table part attach partition early for values from ('2023-01-01') to ('2024-01-01')",
    )
    .await;
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_table_that_is_a_partition_of_what_others_made_is_named_as_such() {
    let db = Pair::with(PARTED).await;
    db.source(
        "alter table part detach partition early; insert into early values (1, '2023-07-07')",
    )
    .await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed(
        "early",
        &["it is a partition of public.part on the target", "detach partition"],
    );
    assert_eq!(db.sync().await.table("part").status, "success");
    db.target("alter table part detach partition early").await;
    db.settle().await;
}

/// A partition with its rows goes from `part` to `other`, which pgsync has made both.
async fn moved() -> Pair {
    let db = Pair::fresh().await;
    let other = PARTED.lines().next().unwrap_or_default().replace("table part", "table other");
    db.source(&format!("{PARTED}; {other} {ROWS}")).await;
    db.settle().await;
    db.source(
        "alter table part detach partition early;
         alter table other attach partition early for values from ('2023-01-01') to ('2024-01-01')",
    )
    .await;
    db
}

#[tokio::test]
async fn a_partition_that_went_to_another_table_goes_there_by_a_reset() {
    let db = moved().await;
    let run = db.sync().await.expect_exit(1);
    run.expect_note("partition public.early belongs to public.other on the source")
        .expect_failed("other", &["no partition of relation \"other\"", "-ddl reset"]);
    settles(&db).await;
    assert_eq!(db.target_value("select count(*) > 0 from only early").await, "t");
}

#[tokio::test]
async fn a_partition_that_went_to_another_table_is_named_where_its_old_one_is_not_selected() {
    let db = moved().await;
    let run = db.sync().include("other").args(&["-ddl", "reset"]).await.expect_exit(1);
    let words =
        "public.early is its partition on the source, and belongs to public.part on the target";
    run.expect_failed("other", &[words]);
    settles(&db).await;
}

#[tokio::test]
async fn a_partition_that_the_source_dropped_stays_without_its_rows_and_is_named() {
    let db = Pair::fresh().await;
    db.source(&format!("{PARTED}; {ROWS}")).await;
    db.settle().await;
    db.source("drop table early").await;
    let drop = "drop table \"public\".\"early\"";
    for mode in ["additive", "none", "reset"] {
        db.sync().args(&["-ddl", mode]).await.expect_ok().expect_note(drop);
        db.assert_all_same().await;
        assert_eq!(db.target_value("select count(*) from early").await, "0");
    }
    db.target(drop).await;
    db.sync().await.expect_unchanged().expect_unsaid("partition");
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_partition_that_holds_more_rows_on_the_target_is_named_where_it_leaves_no_room() {
    let db = Pair::fresh().await;
    db.source("create table part (at date) partition by range (at); create table p1 partition of part for values from ('2022-01-01') to ('2023-01-01')").await;
    db.settle().await;
    db.target("create table p2 partition of part for values from ('2023-01-01') to ('2025-01-01')")
        .await;
    db.source(
        "create table p2 partition of part for values from ('2023-01-01') to ('2024-01-01');
         create table p3 partition of part for values from ('2024-01-01') to ('2025-01-01');
         insert into part values ('2022-02-02'), ('2023-02-02'), ('2024-02-02')",
    )
    .await;
    let told = "partition public.p2 has other bounds on the source (\"public\".\"part\" attach partition \"public\".\"p2\" FOR VALUES FROM \
                ('2023-01-01') TO ('2024-01-01')), and leaves no room for public.p3; to change it, use -ddl reset, or run on the \
                target: drop table \"public\".\"p2\" (the next run creates it again, with the source's rows)";
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_ok();
    assert_eq!(listed.stdout, format!("-- public.part: {told}\n"));
    for args in [&["-dry-run"][..], &[]] {
        db.sync().args(args).await.expect_ok().expect_note(told).expect_unsaid("overlap");
    }
    db.assert_all_same().await;
    db.target("drop table \"public\".\"p2\"").await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    db.settle().await.expect_unsaid("partition");
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn partitions_that_were_divided_take_the_place_of_the_old_one_once_that_is_dropped() {
    let db = Pair::fresh().await;
    db.source(&format!("{PARTED}; {ROWS}")).await;
    db.settle().await;
    db.source(
        "alter table part detach partition early; alter table early rename to old;
         create table first partition of part for values from ('2023-01-01') to ('2023-09-01');
         create table second partition of part for values from ('2023-09-01') to ('2024-01-01');
         insert into part select * from old; drop table old",
    )
    .await;
    let drop = "leaves no room for public.first, public.second; run on the target: drop table \"public\".\"early\"";
    for args in [vec!["-dry-run"], vec![], vec!["-ddl", "reset"]] {
        let run = db.sync().args(&args).await.expect_ok();
        run.expect_note(drop).expect_unsaid("overlap").expect_unsaid("would create");
    }
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await;
    let listed = listed.expect_ok().stdout;
    assert!(listed.contains(drop) && !listed.contains("create table"), "{listed}");
    db.assert_all_same().await;
    let drop = "drop table \"public\".\"early\"";
    db.target(drop).await;
    db.sync().await.expect_ok().expect_unsaid("overlap");
    db.assert_all_same().await;
    db.sync().await.expect_unchanged().expect_unsaid("partition");
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_partition_of_another_name_is_renamed() {
    let db = Pair::fresh().await;
    db.source(&format!("{PARTED}; {ROWS}; create table rest partition of part default")).await;
    db.settle().await;
    db.source("alter table early rename to \"Before\"; alter table late rename to now; alter table rest rename to others").await;
    let none = db.sync().args(&["-ddl", "none"]).await.expect_ok();
    none.expect_note("alter table \"public\".\"late\" rename to \"now\"");
    db.sync().await.expect_ok().expect_unsaid("left out");
    db.assert_all_same().await;
    db.sync().await.expect_unchanged().expect_unsaid("partition");
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_partition_whose_name_goes_to_the_next_one_is_renamed() {
    let db = Pair::fresh().await;
    db.source(&format!("{PARTED}; {ROWS}")).await;
    db.settle().await;
    db.source(
        "alter table late rename to of_2024; alter index late_pkey rename to of_2024_pkey; alter index late_v_idx rename to of_2024_v_idx;
         create table late partition of part for values from ('2025-01-01') to ('2026-01-01'); insert into part values (999, '2025-02-02', 'v')",
    )
    .await;
    // The new one has its place when the old one has its name.
    let run = db.sync().await.expect_unsaid("other bounds");
    drop(
        run.expect_failed(
            "part",
            &["no partition of relation", "the next run creates the new one"],
        ),
    );
    db.sync().await.expect_ok();
    settles(&db).await;
}

#[tokio::test]
async fn a_default_partition_that_the_source_dropped_is_named() {
    let db = Pair::fresh().await;
    if !db.has(11, "default partitions").await {
        return;
    }
    db.source(
        "create table reg (id int, r text) partition by list (r); create table ra partition of reg for values in ('jp');
         create table ruk partition of reg default; insert into reg values (1, 'jp'), (2, 'uk')",
    )
    .await;
    db.settle().await;
    db.source("drop table ruk").await;
    let drop = "drop table \"public\".\"ruk\"";
    let told = format!("partition public.ruk exists only on the target; to drop it, run: {drop}");
    for mode in ["additive", "reset"] {
        db.sync().args(&["-ddl", mode]).await.expect_ok().expect_note(&told);
    }
    db.source(
        "create table rx partition of reg for values in ('uk'); insert into reg values (3, 'uk')",
    )
    .await;
    let taken = "and takes rows of public.rx as long as the target has no such partition";
    db.sync().args(&["-ddl", "none"]).await.expect_ok().expect_note(taken);
    db.target("delete from ruk").await;
    db.sync().arg("-reconcile").await.expect_ok();
    db.target(drop).await;
    settles(&db).await;
}

#[tokio::test]
async fn rows_of_a_partition_that_is_not_made_are_told_with_what_makes_it() {
    let db = Pair::fresh().await;
    db.source(
        "create table m (id int) partition by range (id); create table m1 partition of m for values from (0) to (10)",
    )
    .await;
    db.settle().await;
    db.source(
        "create table m2 partition of m for values from (10) to (20); insert into m values (15)",
    )
    .await;
    let lead = "partition public.m2 is missing on the target: let pgsync create what is missing (-ddl additive), or run there: create table";
    let run = db.sync().args(&["-ddl", "none", "-quiet"]).await.expect_exit(1);
    run.expect_failed("m", &["no partition of relation", lead, "attach partition"])
        .expect_unsaid("-ddl reset");
    let run = db.sync().args(&["-ddl", "none"]).await;
    let notes = run.notes();
    let lead = "partition public.m2 is missing on the target; run there: ";
    let statements = notes.iter().find_map(|note| note.strip_prefix(lead)).expect("a note");
    db.target(statements).await;
    db.sync().args(&["-ddl", "none"]).await.expect_ok();
    settles(&db).await;
}

#[tokio::test]
async fn of_many_tables_too_one_that_cannot_be_made_says_why_and_not_what_its_partition_lacks() {
    let db = Pair::fresh().await;
    db.source(
        "create operator class my_ops for type int using hash as operator 1 =, function 2 hashint4extended(int, bigint);
         create table pk (a int) partition by hash (a my_ops);
         create table pk0 partition of pk for values with (modulus 1, remainder 0);
         do $$ begin for i in 1..60 loop execute format('create table x%s (a int primary key)', i); end loop; end $$",
    )
    .await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("public.pk", &["operator class", "my_ops", "does not exist"]);
    assert_eq!(
        db.target_value("select count(*) from pg_class where relname ~ '^x[0-9]+$'").await,
        "60"
    );
}

#[tokio::test]
async fn a_partition_to_which_rows_referred_is_detached_by_another_run() {
    let db = Pair::fresh().await;
    if !db.has(12, "foreign keys to partitioned tables").await {
        return;
    }
    db.source("create table p (id int primary key) partition by range (id); create table p1 partition of p for values from (0) to (10);
        create table p2 partition of p for values from (10) to (20); create table k (id int references p); insert into p values (1), (11); insert into k values (11), (1)").await;
    db.settle().await;
    db.source("delete from k where id = 11; alter table p detach partition p2").await;
    db.sync().await.expect_exit(1).expect_failed("p2", &["another run detaches the partition"]);
    db.settle().await;
}

const REFERRED_TO: &str = "create table o (id int, d int, primary key (id, d)) partition by range (d);
    create table o1 partition of o for values from (0) to (10); create table o2 partition of o for values from (10) to (20);
    create table i (id int primary key, oid int, d int, foreign key (oid, d) references o (id, d));
    insert into o values (1, 1), (2, 11); insert into i values (1, 1, 1), (2, 2, 11)";

#[tokio::test]
async fn a_partition_of_a_table_to_which_another_refers_is_dropped_by_what_is_told() {
    let db = Pair::fresh().await;
    if !db.has(12, "foreign keys to partitioned tables").await {
        return;
    }
    db.source(REFERRED_TO).await;
    db.settle().await;
    db.source("delete from i where d < 10; alter table o detach partition o1; drop table o1").await;
    let run = db.sync().await.expect_ok();
    let note = run.notes().into_iter().find(|note| note.contains("to drop it, run: "));
    let note = note.unwrap_or_else(|| panic!("a note expected of {run}"));
    let (_, told) = note.split_once("to drop it, run: ").expect("statements");
    let (statements, _) = told.split_once("; if the source").expect("an end");
    db.target(statements).await;
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_partition_that_could_not_be_detached_is_told_once_when_it_is_gone() {
    let db = Pair::fresh().await;
    if !db.has(12, "foreign keys to partitioned tables").await {
        return;
    }
    db.source(REFERRED_TO).await;
    db.settle().await;
    db.target("create table mine (id int, d int, foreign key (id, d) references o (id, d)); insert into mine values (1, 1)")
        .await;
    db.source("delete from i where d < 10; alter table o detach partition o1").await;
    db.sync().await.expect_exit(1);
    db.source("drop table o1").await;
    db.target("drop table mine").await;
    for _ in 0..2 {
        let run = db.sync().await.expect_ok().expect_unsaid("no longer has this table");
        run.expect_note("partition public.o1 exists only on the target");
    }
}

/// Without an index of its own in it, that of the whole table would not be valid.
#[tokio::test]
async fn a_partition_that_only_the_target_has_gets_the_keys_and_indexes_of_its_table() {
    let db = Pair::fresh().await;
    if !db.has(11, "keys of partitioned tables").await {
        return;
    }
    db.source(
        "create table visit (region text, id int, hits int, primary key (region, id)) partition by list (region);
         create table visit_eu partition of visit for values in ('eu'); create table visit_us partition of visit for values in ('us');
         insert into visit values ('eu', 1, 1), ('us', 2, 2)",
    )
    .await;
    db.settle().await;
    db.source(
        "drop table visit_us; alter table visit drop constraint visit_pkey, alter hits set not null, add primary key (region, id, hits);
         create index by_hits on visit (hits)",
    )
    .await;
    db.target("delete from visit_us; alter table visit drop constraint visit_pkey").await;
    let run = db.sync().await.expect_ok();
    run.expect_note("partition public.visit_us exists only on the target");
    let open = "select count(*) from pg_index where not indisvalid";
    assert_eq!(db.target_value(open).await, "0");
    let keys = "select string_agg(conrelid::regclass::text, ' ' order by conrelid::regclass::text) from pg_constraint where contype = 'p' and conrelid::regclass::text ~ 'visit'";
    assert_eq!(db.target_value(keys).await, "visit visit_eu visit_us");
    db.sync().await.expect_unchanged().expect_unsaid("lacks the key");
}

#[tokio::test]
async fn of_a_partition_that_is_missing_nothing_else_is_told() {
    let db = Pair::fresh().await;
    if !db.has(11, "keys of partitioned tables").await {
        return;
    }
    db.source(
        "create table view (id int, at date, primary key (id, at)) partition by range (at); create index on view (at);
         create table view_1 partition of view for values from ('2026-01-01') to ('2027-01-01')",
    )
    .await;
    db.settle().await;
    db.source(
        "create table view_2 partition of view for values from ('2027-01-01') to ('2028-01-01');
         alter table view_2 add check (id > 0)",
    )
    .await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_ok();
    let notes = run.notes();
    let lead = "partition public.view_2 is missing on the target; run there: ";
    let statements = notes.iter().find_map(|note| note.strip_prefix(lead)).expect("a note");
    assert_eq!(
        notes.iter().filter(|note| note.contains("missing on the target")).count(),
        1,
        "{run}"
    );
    db.target(statements).await;
    let run = db.sync().args(&["-ddl", "none"]).await.expect_ok();
    run.expect_unsaid("attach partition");
    db.sync().await.expect_ok();
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_partition_that_has_partitions_is_renamed() {
    for reset in [false, true] {
        let db = Pair::fresh().await;
        if !db.has(11, "keys of partitioned tables").await {
            return;
        }
        db.source("create table reg (id int, r text, primary key (id, r)) partition by list (r);
            create table ra partition of reg for values in ('jp') partition by range (id);
            create table ra1 partition of ra for values from (0) to (1000); insert into reg values (1, 'jp')")
            .await;
        db.settle().await;
        db.source("alter table ra rename to rasia; alter index ra_pkey rename to rasia_pkey").await;
        let args: &[&str] = if reset { &["-ddl", "reset"] } else { &[] };
        let run = db.sync().args(args).await.expect_unchanged();
        run.expect_unsaid("another parent").expect_unsaid("rebuilt");
        db.settle().await;
        assert_same_definitions(&db).await;
    }
}

#[tokio::test]
async fn partitions_of_a_table_that_is_plain_on_the_source_are_not_offered_to_be_dropped() {
    let db = Pair::fresh().await;
    db.source("create table b (id int, k int not null, v text, primary key (id, k)); insert into b values (1, 1, 'x')").await;
    db.target("create table b (id int, k int not null, v text, primary key (id, k)) partition by list (k);
        create table b1 partition of b for values in (1)")
        .await;
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target]).await;
    assert!(listed.stdout.contains("table public.b is not partitioned on the source"), "{listed}");
    assert!(!listed.stdout.contains("drop table"), "{listed}");
}

#[tokio::test]
async fn a_partition_whose_name_goes_to_the_next_one_is_no_reason_to_rebuild() {
    let db = Pair::fresh().await;
    db.source("create table m (id int, v text) partition by range (id); create table cur partition of m for values from (0) to (100);
        insert into m select i, 'v' from generate_series(0, 50, 50) i")
        .await;
    db.settle().await;
    db.source("alter table cur rename to m_0; create table cur partition of m for values from (100) to (200)").await;
    let reset = || db.sync().args(&["-ddl", "reset", "-max-delete", "20%"]);
    reset().await.expect_unchanged().expect_unsaid("rebuilt");
    reset().await.expect_ok();
    db.source("insert into m values (150, 'w')").await;
    reset().await.expect_ok();
    assert_same_definitions(&db).await;
}
