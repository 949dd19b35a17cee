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
async fn five_hundred_columns_are_carried() {
    let db = Pair::with(
        "do $$ begin execute 'create table wide (id int primary key, updated_at timestamptz, '
         || (select string_agg(format('c%s %s', i, (array['int','text','numeric','boolean','date'])[1 + i % 5]), ',')
             from generate_series(1, 498) i) || ')'; end $$",
    )
    .await;
    let rows = "insert into wide (id, updated_at, c1, c2, c4, c6, c496, c498)
        select i, '2024-01-01', 'text', i, current_date, 't', 'x', true from generate_series(1, 200) i";
    db.source(rows).await;
    db.follow("update wide set c497 = id, c3 = true, updated_at = now() where id % 50 = 0; delete from wide where id = 1")
        .await
        .expect_changes("wide", (0, 4, 1));
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
async fn generated_and_identity_columns_hold_the_sources_values() {
    let db = Pair::with(
        "create table item (id int generated always as identity primary key, a int,
        other int generated by default as identity, updated_at timestamptz default '2024-01-01')",
    )
    .await;
    if db.has(12, "generated columns").await {
        db.both("alter table item add twice int generated always as (a * 2) stored").await;
    }
    db.source("insert into item (a) select i from generate_series(1, 50) i; delete from item where id < 10").await;
    db.source("update item set other = 1000 + id").await;
    db.follow("update item set a = -a, updated_at = now() where id = 20; insert into item (a) values (99)").await;
}

#[tokio::test]
async fn a_virtual_column_is_left_to_each_side_and_may_become_a_plain_one() {
    let db = Pair::fresh().await;
    if !db.has(18, "virtual columns").await {
        return;
    }
    db.both("create table item (id int primary key, a int, twice int generated always as (a * 2) virtual)").await;
    db.source("create table other (id int primary key, a int, twice int generated always as (a * 2) virtual)").await;
    db.target("create table other (id int primary key, a int, twice int)").await;
    for table in ["item", "other"] {
        db.source(&format!("insert into {table} select i, i from generate_series(1, 100) i")).await;
    }
    db.follow("update item set a = -a where id = 20; update other set a = -a where id = 20").await;
}

#[tokio::test]
async fn a_column_that_only_the_target_generates_is_refused_by_name() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.source("create table item (id int primary key, a int, twice int)").await;
    db.target("create table item (id int primary key, a int, twice int generated always as (a * 2) stored)").await;
    db.source("insert into item values (1, 1, 7)").await;
    db.sync()
        .await
        .expect_exit(1)
        .expect_failed("item", &["\"twice\" is generated on the target only"]);
}

#[tokio::test]
async fn columns_in_another_order_and_extra_columns_on_the_target_are_fine() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, a text, b text, updated_at timestamptz)")
        .await;
    db.target("create table item (extra int not null default 7, b text, updated_at timestamptz, a text, id int primary key)")
        .await;
    db.source("insert into item select i, 'a', 'b', '2024-01-01' from generate_series(1, 20) i")
        .await;
    db.follow("update item set a = 'x', updated_at = now() where id = 4; insert into item values (21, 'n', 'n', now())")
        .await;
    assert_eq!(db.target_value("select count(*) from item where extra = 7").await, "21");
}

#[tokio::test]
async fn dropped_columns_leave_no_trace() {
    let db =
        Pair::with("create table item (gone int, id int primary key, a text, gone2 text, b text)")
            .await;
    db.source("alter table item drop gone").await;
    db.both("alter table item drop gone2").await;
    db.target("alter table item drop gone").await;
    db.source("insert into item values (1, 'a', 'b'), (2, 'a', 'b')").await;
    db.follow("update item set b = 'c' where id = 2").await.expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_table_without_columns_has_as_many_rows_as_the_sources() {
    let db = Pair::with("create table bare (); create table empty ()").await;
    db.source("create table more (); insert into more select from generate_series(1, 3)").await;
    db.target("create table more (extra int default 7)").await;
    db.source("insert into bare select from generate_series(1, 2000)").await;
    let run = db.follow("insert into bare select from generate_series(1, 9)").await;
    run.expect_changes("bare", (9, 0, 0)).expect_changes("more", (0, 0, 0));
    db.source("delete from bare where ctid in (select ctid from bare limit 20)").await;
    db.sync().arg("-dry-run").await.expect_ok().expect_changes("bare", (0, 0, 20));
    db.settle().await.expect_changes("bare", (0, 0, 20));
    assert_eq!(db.target_value("select string_agg(extra::text, ' ') from more").await, "7 7 7");
}

#[tokio::test]
async fn a_table_of_generated_columns_only_has_as_many_rows_as_the_sources() {
    let db = Pair::fresh().await;
    if !db.has(12, "generated columns").await {
        return;
    }
    db.both("create table made (seven int generated always as (7) stored)").await;
    db.source("insert into made select from generate_series(1, 30)").await;
    db.follow("delete from made where ctid in (select ctid from made limit 4)").await;
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

#[tokio::test]
async fn a_column_named_like_an_alias_of_ours_hides_no_change() {
    let columns =
        "id int primary key, r int, t int, s int, old int, n int, b int, at int, gone int";
    let db = Pair::with(&format!("create table alias ({columns})")).await;
    db.source("insert into alias select i, i, i, i, i, i, i, i, i from generate_series(1, 9) i")
        .await;
    let changes = "update alias set t = -1 where id = 4; update alias set r = -1 where id = 5;
        delete from alias where id = 9";
    db.follow(changes).await.expect_changes("alias", (0, 2, 1));
}

#[tokio::test]
async fn sixteen_hundred_columns_are_carried() {
    let columns = |key: &str| {
        let rest = (3..=1600).map(|n| format!("c{n} {}", ["int", "text", "bool"][n % 3]));
        format!("(id int{key}, updated_at timestamptz, {})", rest.collect::<Vec<_>>().join(", "))
    };
    let db = Pair::fresh().await;
    db.both(&format!(
        "create table wide {}; create table late {}; create table loose {}",
        columns(" primary key"),
        columns(" primary key deferrable"),
        columns("")
    ))
    .await;
    for table in ["wide", "late", "loose"] {
        db.source(&format!(
            "insert into {table} (id, updated_at, c3, c4, c5, c1595, c1599, c1600)
             select i, '2024-01-01', i, 'four', true, true, i, 'last' from generate_series(1, 200) i"
        ))
        .await;
    }
    let change = "set c3 = -1, c1600 = 'changed', updated_at = now() where id % 50 = 0";
    let changes = ["wide", "late", "loose"].map(|table| {
        format!("update {table} {change}; delete from {table} where id = 1; insert into {table} (id) values (999)")
    });
    let run = db.follow(&changes.join("; ")).await;
    run.expect_changes("wide", (1, 4, 1)).expect_changes("late", (1, 4, 1));
    db.sync().arg("-dry-run").await.expect_unchanged();
}
