//! NOT NULL, which is a constraint with a name of its own from PostgreSQL 18 on: pgsync makes it as the source has it.

use crate::support::Pair;

/// Each NOT NULL of tables, as the catalog of PostgreSQL 18 has it.
const ALL: &str = "select string_agg(concat_ws(' ', k.conrelid::regclass, a.attname, k.conname, k.conislocal, k.coninhcount,
        k.connoinherit, k.convalidated, obj_description(k.oid, 'pg_constraint')), E'\n' order by k.conrelid::regclass::text, a.attname)
    from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
    where k.contype = 'n' and k.connamespace = 'public'::regnamespace and k.conrelid::regclass::text !~ 'sync_log'";

async fn version(db: &Pair, of_source: bool) -> u32 {
    let sql = "select current_setting('server_version_num')::int / 10000";
    let text = if of_source { db.source_value(sql).await } else { db.target_value(sql).await };
    text.parse().expect("a number")
}

pub async fn assert_same_not_nulls(db: &Pair) {
    let (source, target) = (db.source_value(ALL).await, db.target_value(ALL).await);
    assert_eq!(target, source);
}

/// A run makes the target the source's, and the next says nothing.
async fn settles(db: &Pair) {
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    assert_same_not_nulls(db).await;
    db.sync().await.expect_unchanged().expect_unsaid("on the target").expect_unsaid("left out");
}

#[tokio::test]
async fn it_is_made_with_its_name_its_comment_and_whether_children_have_it() {
    let db = Pair::fresh().await;
    if !db.has(18, "NOT NULL as a constraint").await {
        return;
    }
    db.source(
        "create table pa (id int primary key, a int not null, b int constraint bb not null);
         create table ch (x int constraint \"of x\" not null) inherits (pa);
         create table own (a int, b int constraint mine not null) inherits (pa);
         create table late () inherits (ch); alter table late alter a set not null;
         create table p (id int primary key, a int constraint nx not null no inherit, b int not null no inherit);
         create table c (z int) inherits (p); create table cc (constraint ny not null a, not null b) inherits (p);
         create table part (id int not null, k int constraint kk not null) partition by range (id);
         create table part_a partition of part for values from (0) to (10);
         create table part_b (id int constraint other not null, k int not null); alter table part attach partition part_b for values from (10) to (20);
         comment on constraint bb on pa is 'why'; comment on constraint nx on p is 'not of children';
         insert into ch values (1, 2, 3, 4); insert into c values (1, null, null, 5); insert into cc values (2, 1, 1);
         insert into p values (7, 1, 1); insert into part values (1, 1), (11, 2)",
    )
    .await;
    settles(&db).await;
}

/// Before PostgreSQL 18 a child could drop it for itself alone.
#[tokio::test]
async fn one_that_is_dropped_from_a_parent_goes_from_its_children_and_from_them_alone() {
    let db = Pair::fresh().await;
    db.source(
        "create table pa (id int primary key, a int not null, b int not null);
         create table ch (x int, primary key (id)) inherits (pa); create table own (a int not null, primary key (id)) inherits (pa);
         insert into pa values (1, 1, 1); insert into ch values (2, 2, 2, 2)",
    )
    .await;
    db.settle().await;
    db.source("alter table pa alter a drop not null; insert into pa values (3, null, 1); insert into ch values (4, null, 1)")
        .await;
    db.settle().await;
    let nulls = "select string_agg(concat_ws(' ', attrelid::regclass, attname, attnotnull), E'\n' order by attrelid::regclass::text, attname)
        from pg_attribute where attrelid::regclass::text in ('pa', 'ch', 'own') and attnum > 0";
    assert_eq!(db.target_value(nulls).await, db.source_value(nulls).await);
}

/// From PostgreSQL 18 on it is NO INHERIT then.
#[tokio::test]
async fn a_child_may_hold_null_where_its_parent_may_not() {
    let db = Pair::fresh().await;
    let no_inherit = if version(&db, true).await >= 18 { "no inherit" } else { "" };
    db.source(&format!(
        "create table pa (id int primary key, a int not null {no_inherit});
         create table ch (x int, primary key (id)) inherits (pa); create table other (x int, primary key (id)) inherits (pa);
         alter table ch alter a drop not null; alter table other alter a set not null;
         insert into pa values (1, 1); insert into ch values (2, null, 2); insert into other values (3, 3, 3)"
    ))
    .await;
    db.settle().await.expect_unsaid("left out");
    let nulls = "select string_agg(concat_ws(' ', attrelid::regclass, attname, attnotnull), E'\n' order by attrelid::regclass::text, attname)
        from pg_attribute where attrelid::regclass::text in ('pa', 'ch', 'other') and attnum > 0";
    assert_eq!(db.target_value(nulls).await, db.source_value(nulls).await);
    db.sync().await.expect_unchanged().expect_unsaid("on the target");
}

const OPEN: &str = "create table t (id int primary key, a int, b int not null); insert into t values (1, null, 1), (2, 2, 2);
    create table part (id int not null, a int) partition by range (id); create table part_a partition of part for values from (0) to (10);
    insert into part values (1, null);
    alter table t add constraint p4nn not null a not valid; alter table part add constraint pnn not null a not valid;
    comment on constraint p4nn on t is 'one day'";

#[tokio::test]
async fn one_that_old_rows_break_is_made_after_the_rows_and_validated_later() {
    let db = Pair::fresh().await;
    if !db.has(18, "a NOT NULL that is not validated").await {
        return;
    }
    db.source(OPEN).await;
    let (source, target) = (db.source_url(), db.target_url());
    let listed = crate::support::pgsync(&["schema", "-source", &source, "-target", &target]).await;
    let listed = listed.expect_exit(1).stdout;
    let place = |text: &str| listed.find(text).unwrap_or_else(|| panic!("{text} in {listed}"));
    assert!(
        place("-- run these after the next run")
            < place("add constraint \"p4nn\" not null \"a\" not valid")
    );
    settles(&db).await;
    db.source("update t set a = 1; alter table t validate constraint p4nn; delete from part; alter table part alter a drop not null")
        .await;
    settles(&db).await;
    db.source("alter table t alter a drop not null; insert into t values (3, null, 3); alter table t add constraint again not null a not valid")
        .await;
    settles(&db).await;
}

#[tokio::test]
async fn an_older_target_leaves_the_column_nullable_and_names_what_it_lacks() {
    let db = Pair::fresh().await;
    if version(&db, true).await < 18 || version(&db, false).await >= 18 {
        return;
    }
    db.source("create table quiet (id int primary key, a int constraint named not null)").await;
    db.sync().await.expect_ok().expect_unsaid("left out");
    db.sync().await.expect_unchanged().expect_unsaid("left out");
    db.source(OPEN).await;
    let open = "NOT NULL NOT VALID of column public.t.a is left out: the target would have to be PostgreSQL 18 or later";
    let run = db.sync().await.expect_ok().expect_note(open);
    run.expect_note("NOT VALID of column public.part.a").expect_unsaid("part_a");
    db.assert_all_same().await;
    db.source("update t set a = 1; alter table t validate constraint p4nn").await;
    let comment = "the comment on NOT NULL of column public.t.a is left out";
    db.sync()
        .await
        .expect_ok()
        .expect_note(comment)
        .expect_unsaid("column public.t.a is left out: NOT VALID");
    let not_null =
        "select attnotnull from pg_attribute where attrelid = 't'::regclass and attname = 'a'";
    assert_eq!(db.target_value(not_null).await, "t");
}

#[tokio::test]
async fn what_is_changed_of_it_on_the_source_is_changed_on_the_target() {
    let db = Pair::fresh().await;
    if !db.has(18, "NOT NULL as a constraint").await {
        return;
    }
    db.source(
        "create table t (id int primary key, a int not null, b int constraint bb not null); comment on constraint bb on t is 'why';
         create table part (id int not null) partition by range (id); create table part_a partition of part for values from (0) to (10);
         insert into t values (1, 1, 1)",
    )
    .await;
    settles(&db).await;
    db.source(
        "alter table t rename constraint t_a_not_null to renamed; alter table t alter constraint renamed no inherit;
         comment on constraint bb on t is 'because'; alter table part rename constraint part_id_not_null to pp;
         alter table t add c int; update t set c = 1; alter table t add constraint cc not null c no inherit;
         comment on constraint cc on t is 'new'; alter table t add d int constraint dd not null default 3",
    )
    .await;
    let run = db.sync().await.expect_ok().expect_unsaid("left out");
    run.expect_note("changed on the target");
    settles(&db).await;
    db.source("alter table t alter constraint renamed inherit; alter table t rename constraint dd to t_d_not_null").await;
    settles(&db).await;
}

#[tokio::test]
async fn a_table_that_is_rebuilt_has_it_as_the_source() {
    let db = Pair::fresh().await;
    if !db.has(18, "NOT NULL as a constraint").await {
        return;
    }
    db.source("create table t (id int primary key, a int constraint aa not null); insert into t values (1, 1)").await;
    settles(&db).await;
    db.source("alter table t drop a, add a bigint; update t set a = 1; alter table t add constraint ab not null a not valid").await;
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    assert_same_not_nulls(&db).await;
    settles(&db).await;
}

#[tokio::test]
async fn a_renamed_column_that_needs_a_value_has_the_statement_that_renames_it() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, name text not null unique check (name <> '')); insert into item values (1, 'a')").await;
    db.settle().await;
    db.source("alter table item rename column name to title; update item set title = 'b'").await;
    for _ in 0..2 {
        let renames = "renamed to \"title\"? Then run on the target: alter table public.item rename column name to title; ";
        let run = db.sync().await.expect_exit(1).expect_failed("item", &[renames]);
        drop(run.expect_unsaid("item_name_key"));
    }
    db.target("alter table public.item rename column name to title").await;
    db.settle().await;
    assert_eq!(db.target_value("select title from item").await, "b");
}

#[tokio::test]
async fn one_whose_name_a_copy_of_the_table_has_is_made_with_its_name() {
    let db = Pair::fresh().await;
    if !db.has(18, "NOT NULL as a constraint").await {
        return;
    }
    db.source("create table p (f1 int not null) partition by range (f1); create table p1 partition of p for values from (0) to (10);
        create table a (like p1); create table c (x int not null); create table b (like c); create table h () inherits (c)").await;
    settles(&db).await;
}

#[tokio::test]
async fn a_child_that_keeps_what_its_parent_may_not_is_validated_by_itself() {
    let db = Pair::fresh().await;
    if !db.has(18, "a NOT NULL that is not validated").await {
        return;
    }
    db.source(
        "create table p (id int primary key, a int); create table c (primary key (id)) inherits (p); create table cc () inherits (c);
         create table part (id int, a int) partition by range (id); create table part_a partition of part for values from (0) to (10);
         create table part_b partition of part for values from (10) to (20);
         insert into p values (1, null); insert into c values (2, 2); insert into cc values (3, 3);
         insert into part values (1, 1), (11, null);
         alter table p add constraint pnn not null a not valid; alter table c validate constraint pnn;
         comment on constraint pnn on c is 'here it holds';
         alter table part add constraint nn not null a not valid; alter table part_a validate constraint nn",
    )
    .await;
    settles(&db).await;
    db.source("update part set a = 1; alter table part_b validate constraint nn").await;
    settles(&db).await;
}

#[tokio::test]
async fn a_partition_that_is_valid_under_another_name_is_made_so() {
    let db = Pair::fresh().await;
    if !db.has(18, "a NOT NULL that is not validated").await {
        return;
    }
    db.source(
        "create table p (id int, c int) partition by list (id); alter table p add constraint dummy not null id not valid;
         create table p1 (c int, id int, constraint another not null id); alter table p attach partition p1 for values in (1);
         create table p2 (id int not null, c int); alter table p attach partition p2 for values in (2);
         create table p3 (id int, c int, constraint third not null id) partition by list (c); create table p31 partition of p3 for values in (1);
         alter table p attach partition p3 for values in (3); insert into p values (1, 1), (2, 2), (3, 1)",
    )
    .await;
    db.settle().await;
    let names = "select string_agg(concat_ws(' ', conrelid::regclass, conname, convalidated), E'\n' order by conrelid::regclass::text)
        from pg_constraint where contype = 'n' and conrelid::regclass::text ~ '^p[0-9]*$'";
    assert_eq!(db.target_value(names).await, db.source_value(names).await);
    db.source("alter table p alter id drop not null; alter table p3 alter id drop not null; alter table p1 alter id drop not null").await;
    db.sync().await.expect_ok();
    db.settle().await;
    assert_eq!(db.target_value(names).await, db.source_value(names).await);
}

#[tokio::test]
async fn a_child_of_two_parents_of_which_one_is_valid_is_made_at_once() {
    let db = Pair::fresh().await;
    if !db.has(18, "a NOT NULL that is not validated").await {
        return;
    }
    db.source(
        "create table p (a int); alter table p add constraint nn_p not null a not valid; create table p3 (a int not null);
         create table c3 () inherits (p, p3); create table cc () inherits (c3); insert into p3 values (1); insert into c3 values (2); insert into cc values (3)",
    )
    .await;
    db.settle().await;
    let valid = "select string_agg(concat_ws(' ', conrelid::regclass, convalidated), E'\n' order by conrelid::regclass::text)
        from pg_constraint where contype = 'n' and conrelid::regclass::text in ('p', 'p3', 'c3', 'cc')";
    assert_eq!(db.target_value(valid).await, db.source_value(valid).await);
}

#[tokio::test]
async fn a_child_that_is_validated_later_is_validated_on_the_target() {
    let db = Pair::fresh().await;
    if !db.has(18, "a NOT NULL that is not validated").await {
        return;
    }
    db.source(
        "create table p (id int primary key, a int); create table c (primary key (id)) inherits (p);
         insert into p values (1, null); insert into c values (2, null);
         alter table p add constraint pnn not null a not valid",
    )
    .await;
    settles(&db).await;
    db.source("update c set a = 1; alter table c validate constraint pnn; comment on constraint pnn on c is 'now'").await;
    settles(&db).await;
}
