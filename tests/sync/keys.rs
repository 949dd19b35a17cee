//! Keys of every make: what identifies a row must never be joined, folded or reordered.

use crate::support::Pair;
use crate::values::nothing_travels;

const STAMP: &str = "updated_at timestamptz not null default '2024-01-01'";

/// The table once with and once without a timestamp column: both ways of following it.
async fn follow(columns: &str, key: &str, rows: &str, changes: &str) {
    for stamp in [STAMP, "stamp timestamptz default '2024-01-01'"] {
        let table = format!("create table item ({columns}, {stamp}, primary key ({key}))");
        let db = Pair::with(&table).await;
        db.source(rows).await;
        db.follow(changes).await;
    }
}

#[tokio::test]
async fn composite_keys_are_not_confused_by_separators() {
    let rows = "insert into item (a, b, c) values ('a|b', 'c', 1), ('a', 'b|c', 2), ('a,b', 'c', 3), ('a', 'b,c', 4),
        ('', 'x', 5), ('x', '', 6), ('(a', 'b)', 7)";
    let changes = "delete from item where a = 'a' and b = 'b|c';
        insert into item (a, b, c) values ('a|', 'bc', 8), ('', '|', 9)";
    follow("a text, b text, c int", "a, b", rows, changes).await;
}

#[tokio::test]
async fn composite_keys_of_several_types_are_followed() {
    let rows = "insert into item (a, b, c) select i, 'k' || i % 10, '2024-01-01'::date + i % 7 from generate_series(1, 3000) i";
    let changes = "delete from item where a % 100 = 1;
        update item set b = 'moved' where a % 100 = 2;
        insert into item (a, b, c) values (1, 'back', '2024-12-31')";
    follow("a int, b text, c date", "c, a, b", rows, changes).await;
}

#[tokio::test]
async fn uuid_keys_are_followed() {
    let rows = "insert into item (id, name) select md5(i::text)::uuid, 'n' from generate_series(1, 3000) i";
    let changes = "delete from item where id < '01000000-0000-0000-0000-000000000000';
        insert into item (id, name) values (md5('new')::uuid, 'new')";
    follow("id uuid, name text", "id", rows, changes).await;
}

#[tokio::test]
async fn text_keys_with_every_awkward_character_are_followed() {
    let rows = r#"insert into item (id, n) values ('a|b', 1), ('it''s', 2), ('"', 3), ('\', 4), ('\\', 5), ('\N', 6),
        ('\.', 7), (E'tab\there', 8), (E'line\nbreak', 9), (E'\r', 10), ('', 11), (' ', 12), ('NULL', 13), ('ä', 14),
        (U&'a\0308', 15), ('日本語', 16), ('🦀', 17), ('Z', 18), ('z', 19), ('{}', 20), ('%', 21), ('a b', 22), (E'\x01', 23)"#;
    let changes = r#"delete from item where n in (1, 3, 5, 7, 9, 11, 13, 15, 17);
        insert into item (id, n) values ('\\\', 30), ('\t', 31), (E'a\\b', 32), ('''', 33), ('🦀🦀', 34)"#;
    follow("id text, n int", "id", rows, changes).await;
}

#[tokio::test]
async fn text_keys_are_followed_between_two_collations() {
    let db = Pair::fresh().await;
    db.source("create table item (id text collate \"und-x-icu\" primary key, n int)").await;
    db.target("create table item (id text collate \"C\" primary key, n int)").await;
    let rows = "insert into item select v, row_number() over () from unnest(array[
        'a','A','b','B','ä','Ä','z','Z','a-b','ab','a b','_','1','10','2','é','e','ß','ss']) v";
    db.source(rows).await;
    db.source("insert into item select 'k-' || i || '-ü', i from generate_series(1, 3000) i").await;
    let changes = "delete from item where id in ('a', 'Z', 'ä', 'k-7-ü');
        update item set n = -n where n % 100 = 0; insert into item values ('Ö', 0), ('k', 1)";
    db.follow(changes).await;
}

#[tokio::test]
async fn rows_are_matched_by_a_unique_index_where_there_is_no_primary_key() {
    let db = Pair::with(
        "create table item (id int not null, name text); create unique index on item (id)",
    )
    .await;
    db.source("insert into item select i, 'n' from generate_series(1, 100) i").await;
    db.follow("update item set name = 'x' where id < 4; delete from item where id = 9")
        .await
        .expect_changes("item", (0, 3, 1));
}

#[tokio::test]
async fn a_partial_or_nullable_unique_index_is_no_key() {
    let db = Pair::with(
        "create table partial (id int not null, name text);
         create unique index on partial (id) where name is not null;
         create table nullable (id int unique, name text)",
    )
    .await;
    db.source("insert into partial values (1, null), (1, null), (2, 'a')").await;
    db.source("insert into nullable values (null, 'a'), (null, 'a'), (1, 'b')").await;
    db.follow("insert into partial values (1, null); update nullable set name = 'c' where id = 1")
        .await;
}

#[tokio::test]
async fn a_table_of_only_key_columns_is_followed() {
    let db = Pair::with("create table link (a int, b int, primary key (a, b))").await;
    db.source("insert into link select i, i % 7 from generate_series(1, 3000) i").await;
    db.follow("delete from link where a % 300 = 0; insert into link values (1, 100), (0, 0)")
        .await
        .expect_changes("link", (2, 0, 10));
}

#[tokio::test]
async fn a_table_of_only_key_columns_and_a_timestamp_is_followed() {
    let db = Pair::with(
        "create table link (a int, updated_at timestamptz, primary key (a, updated_at))",
    )
    .await;
    db.source("insert into link select i, '2024-01-01' from generate_series(1, 50) i").await;
    db.follow("update link set updated_at = now() where a = 3")
        .await
        .expect_changes("link", (1, 0, 1));
}

#[tokio::test]
async fn duplicates_in_a_table_without_a_key_keep_their_number() {
    let db = Pair::with("create table log (body text, n int)").await;
    db.source("insert into log select 'b' || i % 10, i % 3 from generate_series(1, 300) i").await;
    db.source("insert into log values (null, null), (null, null), ('', null)").await;
    let changes = "delete from log where ctid in (select ctid from log where body = 'b1' limit 3);
        insert into log values ('b2', 2), ('b2', 2), (null, null)";
    db.follow(changes).await;
}

#[tokio::test]
async fn a_keyless_table_with_a_timestamp_keeps_its_duplicates() {
    let db = Pair::with("create table log (body text, updated_at timestamptz)").await;
    db.source("insert into log select 'b', '2024-01-01' from generate_series(1, 20)").await;
    db.follow("insert into log values ('b', now()), ('b', now()), ('b', '2024-01-01')").await;
    db.source("delete from log where ctid in (select ctid from log limit 5)").await;
    db.settle().await;
}

#[tokio::test]
async fn a_keyless_table_that_did_not_change_is_not_written() {
    let db = Pair::with("create table log (body text)").await;
    db.source("insert into log select 'b' from generate_series(1, 100)").await;
    db.sync().await.expect_ok();
    let before = db.target_marks("log").await;
    db.sync().await.expect_unchanged();
    assert_eq!(db.target_marks("log").await, before);
}

#[tokio::test]
async fn values_without_an_equality_operator_are_followed() {
    let db = Pair::with(
        "create table item (id int primary key, j json, p point, updated_at timestamptz);
         create table loose (j json, p point)",
    )
    .await;
    let rows = "select i, '{\"a\":  1}'::json, point(i, 2), '2024-01-01'::timestamptz from generate_series(1, 50) i";
    db.source(&format!("insert into item {rows}")).await;
    db.source("insert into loose select j, p from item").await;
    let changes = "update item set j = '{\"a\": 1}', updated_at = now() where id = 3;
        update loose set j = '[]' where p[0] = 9; delete from loose where p[0] = 10";
    db.follow(changes).await.expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_not_null_that_was_never_validated_makes_no_key() {
    let db = Pair::with("create table item (id int unique, name text)").await;
    if !db.has(18, "a NOT NULL that is not validated").await {
        return;
    }
    db.source("insert into item values (null, 'a'), (null, 'b'), (1, 'c')").await;
    db.both("alter table item add constraint kept not null id not valid").await;
    db.source("alter table item drop constraint kept").await;
    db.sync().await.expect_exit(1);
    db.target("alter table item drop constraint kept").await;
    db.sync().await.expect_ok();
    db.both("alter table item add constraint kept not null id not valid").await;
    db.source("update item set name = 'x' where id = 1; delete from item where name = 'a'").await;
    db.settle().await;
}

/// A collation that takes letters of either case for equal.
const FOLDED: &str =
    "create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";

/// The table followed through updates that change nothing but the case of names.
async fn follow_names(tables: &str, changes: (u64, u64, u64)) {
    for stamp in ["v int", "v int, updated_at timestamptz not null default '2024-01-01'"] {
        let db = Pair::fresh().await;
        if !db.has(12, "nondeterministic collations").await {
            return;
        }
        db.both(FOLDED).await;
        db.both(&tables.replace("$v", stamp)).await;
        db.source("insert into item (name, v) select 'a' || i, i from generate_series(1, 40) i")
            .await;
        let update = if stamp == "v int" { "" } else { ", updated_at = now()" };
        let run = db
            .follow(&format!("update item set name = upper(name), v = -v{update} where v <= 20; delete from item where v = 30"))
            .await;
        run.expect_changes("item", changes);
        nothing_travels(&db).await;
    }
}

#[tokio::test]
async fn an_index_whose_collation_is_wider_than_its_columns_is_no_key() {
    let table = "create table item (name text not null, $v); create unique index on item (name collate folded)";
    follow_names(table, (20, 0, 21)).await;
}

#[tokio::test]
async fn a_key_beside_an_index_with_a_wider_collation_takes_no_row_for_another() {
    let table = "create table item (name text primary key, $v); create unique index aaa on item (name collate folded)";
    follow_names(table, (20, 0, 21)).await;
    let table = "create table item (name text not null, $v); create unique index aaa on item (name collate folded);
        create unique index zzz on item (name)";
    follow_names(table, (20, 0, 21)).await;
}

#[tokio::test]
async fn an_index_whose_collation_is_narrower_than_its_columns_is_no_key() {
    let table = "create table item (name text collate folded not null, $v); create unique index on item (name collate \"C\")";
    follow_names(table, (20, 0, 21)).await;
    let db = Pair::fresh().await;
    if !db.has(12, "nondeterministic collations").await {
        return;
    }
    db.both(FOLDED).await;
    db.both(&table.replace("$v", "v int")).await;
    db.source("insert into item values ('a', 1), ('A', 2), ('b', 3)").await;
    db.follow("update item set v = 4 where name = 'A' collate \"C\"; delete from item where name = 'a' collate \"C\"").await;
}

#[tokio::test]
async fn a_key_with_a_wider_collation_of_its_own_is_followed() {
    let table = "create table item (name text collate folded primary key, $v)";
    follow_names(table, (0, 20, 1)).await;
}

/// Letters of either case are equal.
const OPCLASS: &str = "create function loose_cmp(text, text) returns int language sql immutable as $$ select pg_catalog.bttextcmp(pg_catalog.lower($1), pg_catalog.lower($2)) $$;
    create function loose_lt(text, text) returns bool language sql immutable as $$ select loose_cmp($1, $2) < 0 $$;
    create function loose_le(text, text) returns bool language sql immutable as $$ select loose_cmp($1, $2) <= 0 $$;
    create function loose_eq(text, text) returns bool language sql immutable as $$ select loose_cmp($1, $2) = 0 $$;
    create function loose_ge(text, text) returns bool language sql immutable as $$ select loose_cmp($1, $2) >= 0 $$;
    create function loose_gt(text, text) returns bool language sql immutable as $$ select loose_cmp($1, $2) > 0 $$;
    create operator <~ (leftarg = text, rightarg = text, procedure = loose_lt);
    create operator <=~ (leftarg = text, rightarg = text, procedure = loose_le);
    create operator ==~ (leftarg = text, rightarg = text, procedure = loose_eq, commutator = ==~);
    create operator >=~ (leftarg = text, rightarg = text, procedure = loose_ge);
    create operator >~ (leftarg = text, rightarg = text, procedure = loose_gt);
    create operator class loose_ops for type text using btree as
        operator 1 <~, operator 2 <=~, operator 3 ==~, operator 4 >=~, operator 5 >~, function 1 loose_cmp(text, text)";

#[tokio::test]
async fn keys_that_an_operator_class_of_the_users_takes_for_equal_are_rewritten() {
    for other in ["", "; create unique index aaa on item (name)"] {
        let db = Pair::with(OPCLASS).await;
        db.both(&format!(
            "create table item (name text not null, v int); create unique index zzz on item (name loose_ops){other}"
        ))
        .await;
        db.source("insert into item select 'a' || i, i from generate_series(1, 40) i").await;
        db.follow(
            "update item set name = upper(name) where v <= 20; delete from item where v = 30",
        )
        .await;
        nothing_travels(&db).await;
    }
}

#[tokio::test]
async fn an_index_by_patterns_is_a_key() {
    let db = Pair::with(
        "create table item (name text not null, v int); create unique index on item (name text_pattern_ops)",
    )
    .await;
    db.source("insert into item select 'a' || i, i from generate_series(1, 40) i").await;
    let run = db.follow("update item set v = 0 where v = 20; delete from item where v = 30").await;
    run.expect_changes("item", (0, 1, 1));
}

#[tokio::test]
async fn a_key_that_only_the_source_takes_for_equal_is_followed_when_its_case_changes() {
    let db = Pair::fresh().await;
    if !db.has(12, "nondeterministic collations").await {
        return;
    }
    db.source(FOLDED).await;
    db.source("create table item (id text collate folded primary key, n int)").await;
    db.target("create table item (id text primary key, n int)").await;
    db.source("insert into item select 'key ' || i, i from generate_series(1, 40) i").await;
    db.follow("update item set id = upper(id) where n <= 20").await;
}
