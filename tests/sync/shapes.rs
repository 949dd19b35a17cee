//! Tables of unusual shape and name.

use crate::support::Pair;

#[tokio::test]
async fn a_partitioned_table_is_copied_once_through_its_parent() {
    let db = Pair::with(
        "create table part (id int not null, day date not null, name text, updated_at timestamptz) partition by range (day);
         create table part_a partition of part for values from ('2024-01-01') to ('2024-02-01');
         create table part_b partition of part for values from ('2024-02-01') to ('2025-01-01');
         create unique index on part_a (id, day); create unique index on part_b (id, day)",
    )
    .await;
    if db.has(11, "primary keys of partitioned tables").await {
        db.both("alter table part add primary key (id, day)").await;
    }
    let rows = "insert into part select i, '2024-01-01'::date + i % 100, 'n', '2024-06-01' from generate_series(1, 1000) i";
    db.source(rows).await;
    db.sync().await.expect_ok().expect_tables(&["part"]).expect_changes("part", (1000, 0, 0));
    db.source("update part set name = 'x', updated_at = now() where id % 100 = 0").await;
    db.source(
        "delete from part where id = 5; insert into part values (2000, '2024-03-03', 'new', now())",
    )
    .await;
    db.settle().await;
}

#[tokio::test]
async fn a_row_that_changes_its_partition_moves() {
    let db = Pair::with(
        "create table part (id int not null, area text not null, name text) partition by list (area);
         create table part_n partition of part for values in ('north');
         create table part_s partition of part for values in ('south')",
    )
    .await;
    if db.has(11, "primary keys of partitioned tables").await {
        db.both("alter table part add primary key (id, area)").await;
    }
    db.source("insert into part select i, 'north', 'n' from generate_series(1, 20) i").await;
    db.follow("delete from part where id = 3; insert into part values (3, 'south', 'n')").await;
}

#[tokio::test]
async fn an_inheritance_parent_and_its_children_are_tables_of_their_own() {
    let db = Pair::with(
        "create table base (id int primary key, name text);
         create table derived (extra text, primary key (id)) inherits (base)",
    )
    .await;
    db.source("insert into base values (1, 'base'); insert into derived values (1, 'same id', 'x'), (2, 'd', 'y')")
        .await;
    let run = db
        .follow("delete from only base where id = 1; update derived set extra = 'z' where id = 2")
        .await;
    run.expect_changes("base", (0, 0, 1)).expect_changes("derived", (0, 1, 0));
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let long = "x".repeat(63);
    let names = [
        r#""Upper Case""#,
        r#""with ""quotes""""#,
        r#""semi; drop table x; --""#,
        r#""it's""#,
        r#""select""#,
        r#""user""#,
        r#""back\slash""#,
        r#""ünï""#,
        r#""a.b""#,
        r#""%s""#,
        r#""{}""#,
        r#""$1""#,
        &long,
    ];
    let db = Pair::fresh().await;
    for name in names {
        let columns = format!(
            "\"Id Col\" int primary key, \"table\" text, \"a\"\"b\" text, \"x; --\" int, {long} text, updated_at timestamptz"
        );
        db.both(&format!("create table {name} ({columns})")).await;
        let rows =
            "select i, 't', 'a', i, 'l', '2024-01-01'::timestamptz from generate_series(1, 20) i";
        db.source(&format!("insert into {name} {rows}")).await;
    }
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    for name in names {
        let changed = "set \"a\"\"b\" = 'changed', updated_at = now() where \"Id Col\" = 3";
        db.source(&format!("update {name} {changed}; delete from {name} where \"Id Col\" = 4"))
            .await;
    }
    db.settle().await;
}

#[tokio::test]
async fn a_hostile_schema_name_is_only_a_name() {
    let db = Pair::with(r#"create schema "O'Reilly ""x"" Schema"; create table "O'Reilly ""x"" Schema"."T" (id int primary key)"#)
        .await;
    db.source(r#"insert into "O'Reilly ""x"" Schema"."T" values (1)"#).await;
    db.sync().schema(r#"O'Reilly "x" Schema"#).await.expect_ok().expect_changes("T", (1, 0, 0));
    db.assert_all_same().await;
}

#[tokio::test]
async fn tables_of_several_schemas_are_told_apart() {
    let db = Pair::with(
        "create schema a; create schema b; create table a.item (id int primary key); create table b.item (id int primary key)",
    )
    .await;
    db.source("insert into a.item values (1), (2); insert into b.item values (3)").await;
    let run = db.sync().schema("a,b").await.expect_ok();
    run.expect_changes("a.item", (2, 0, 0)).expect_changes("b.item", (1, 0, 0));
    db.assert_all_same().await;
}

#[tokio::test]
async fn unlogged_tables_are_copied() {
    let db = Pair::with("create unlogged table fast (id int primary key, name text)").await;
    db.source("insert into fast values (1, 'a')").await;
    db.follow("update fast set name = 'b'").await.expect_changes("fast", (0, 1, 0));
}

#[tokio::test]
async fn a_value_of_a_megabyte_is_carried() {
    let db = Pair::with("create table item (id int primary key, body text, raw bytea)").await;
    let rows = "insert into item select i, repeat(md5(i::text), 32768), decode(repeat('00ff5c0a', 100000), 'hex')
        from generate_series(1, 4) i";
    db.source(rows).await;
    db.follow("update item set body = body || E'\\t\\n\\\\end' where id = 2").await;
}
