//! Columns whose type the target has widened: every value arrives, is known again, and what cannot
//! be held is refused by name.

use crate::support::Pair;
use crate::values::nothing_travels;

#[tokio::test]
async fn wider_types_on_the_target_hold_every_value() {
    let columns = [
        ("smallint", "int", "i"),
        ("int", "bigint", "i * 1000"),
        ("int", "numeric", "-i"),
        ("bigint", "numeric", "9223372036854775807 - i"),
        ("int", "double precision", "i"),
        ("real", "double precision", "i / 3.0"),
        ("numeric(6,2)", "numeric", "i / 100.0"),
        ("numeric(6,2)", "numeric(12,4)", "i / 100.0"),
        ("varchar(10)", "text", "'v' || i"),
        ("varchar(10)", "varchar(20)", "'v' || i"),
        ("varchar(10)[]", "varchar(20)[]", "array['v' || i]"),
        ("char(8)", "text", "'c ' || i"),
        ("char(8)", "char(12)", "'c' || i"),
        ("char(8)", "varchar(8)", "'c' || i"),
        ("name", "text", "'n' || i"),
        ("date", "timestamp", "'2024-01-01'::date + i"),
        ("date", "timestamptz", "'2024-01-01'::date + i"),
        ("timestamp", "timestamptz", "'2024-01-01'::timestamp + i * interval '1.000001 s'"),
        ("timestamp(0)", "timestamp(3)", "'2024-01-01'::timestamp + i * interval '1 s'"),
        ("cidr", "inet", "'10.0.0.0/8'"),
        ("bit(4)", "varbit", "i::bit(4)"),
        ("json", "text", "'{\"a\":  1}'"),
        ("xml", "text", "'<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>'"),
        ("int[]", "text", "array[i, null]"),
        ("boolean", "text", "i % 2 = 0"),
        ("uuid", "text", "md5(i::text)::uuid"),
    ];
    let list = |pick: fn(&(&str, &str, &str)) -> String| {
        let texts: Vec<String> = columns.iter().map(pick).collect();
        texts
            .iter()
            .enumerate()
            .map(|(n, text)| text.replace('$', &n.to_string()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let narrow = list(|(from, _, _)| format!("c$ {from}"));
    let wide = list(|(_, to, _)| format!("c$ {to}"));
    let values = list(|(from, _, value)| format!("({value})::{from}"));
    let db = Pair::fresh().await;
    for (side, columns) in [(&db.source, narrow), (&db.target, wide)] {
        side.run(&format!(
            "create table stamped (id int primary key, {columns}, updated_at timestamptz default '2024-01-01');
             create table plain (id int primary key, {columns}); create table loose (n int, {columns})"
        ))
        .await;
    }
    for table in ["stamped", "plain", "loose"] {
        db.source(&format!(
            "insert into {table} select i, {values} from generate_series(1, 2000) i"
        ))
        .await;
    }
    db.sync().await.expect_ok();
    nothing_travels(&db).await;
    db.source("update stamped set c0 = -1, updated_at = now() where id % 100 = 0; delete from stamped where id = 1").await;
    db.source("update plain set c0 = -1 where id % 100 = 0; delete from plain where id = 1").await;
    db.source("update loose set c0 = -1 where n % 1000 = 0").await;
    let run = db.sync().await.expect_ok();
    run.expect_changes("stamped", (0, 20, 1))
        .expect_changes("plain", (0, 20, 1))
        .expect_changes("loose", (2, 0, 2));
    nothing_travels(&db).await;
    let same = "select count(*) from stamped where c0 = -1 and c1 = id * 1000 and c7 = id / 100.0 and c8 = 'v' || id
        and c12 = 'c' || id and c17 = timestamptz '2024-01-01 00:00:00+00' + id * interval '1.000001 s'";
    assert_eq!(db.target_value(same).await, "20");
}

#[tokio::test]
async fn a_widened_key_and_a_widened_timestamp_are_followed() {
    let db = Pair::fresh().await;
    db.source("create table item (id int, code varchar(10), n numeric(6,2), updated_at timestamp not null default '2024-01-01', body text, primary key (id, code, n))").await;
    db.target("create table item (id bigint, code text, n numeric(8,3), updated_at timestamptz not null, body text, primary key (id, code, n))").await;
    db.source("insert into item select i, 'c' || i, i / 10.0 from generate_series(1, 2000) i")
        .await;
    db.sync().await.expect_ok().expect_changes("item", (2000, 0, 0));
    nothing_travels(&db).await;
    db.source("update item set body = 'x', updated_at = now() at time zone 'UTC' where id % 100 = 0; delete from item where id = 1").await;
    db.sync().await.expect_ok().expect_changes("item", (0, 20, 1));
    nothing_travels(&db).await;
    db.source("update item set body = 'quiet' where id = 5").await;
    db.sync().arg("-reconcile").await.expect_ok().expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn a_type_that_cannot_hold_every_value_is_refused_by_name() {
    let pairs = [
        ("bigint", "int"),
        ("numeric", "numeric(6,2)"),
        ("numeric(6,2)", "numeric(6,1)"),
        ("numeric", "bigint"),
        ("double precision", "real"),
        ("timestamptz", "timestamp"),
        ("timestamp", "date"),
        ("timestamp", "timestamp(0)"),
        ("char(8)", "char(4)"),
        ("text", "int"),
        ("text", "uuid"),
        ("bit(8)", "bit(4)"),
        ("int[]", "bigint[]"),
    ];
    let db = Pair::fresh().await;
    for (number, (from, to)) in pairs.iter().enumerate() {
        db.source(&format!("create table t{number} (id int primary key, v {from})")).await;
        db.target(&format!("create table t{number} (id int primary key, v {to})")).await;
    }
    db.both("create table good (id int primary key)").await;
    db.source("insert into good values (1)").await;
    // With additions allowed some of them grow.
    let mut run = db.sync().args(&["-ddl", "none"]).await.expect_exit(1);
    for number in 0..pairs.len() {
        let table = format!("t{number}");
        run = run.expect_failed(&table, &["column \"v\"", "on the source", "on the target"]);
    }
    db.assert_same("good").await;
}

#[tokio::test]
async fn a_value_too_long_for_the_target_fails_its_table_by_name() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, v varchar(20))").await;
    db.target("create table item (id int primary key, v varchar(5))").await;
    db.source("insert into item values (1, 'short')").await;
    let run = || db.sync().args(&["-ddl", "none"]);
    run().await.expect_ok();
    db.source("insert into item values (2, 'much too long')").await;
    let statement = "alter table public.item alter column v type character varying(20)";
    let told = [
        "value too long",
        "22001",
        "the source has the column as character varying(20)",
        statement,
    ];
    run().await.expect_exit(1).expect_failed("item", &told);
    // With additions allowed the column grows.
    db.settle().await;
}

#[tokio::test]
async fn values_are_what_the_servers_casts_make_of_them() {
    let db = Pair::fresh().await;
    db.source("create table item (id int primary key, r real, b boolean, c char(4), d date, t timestamp, u timestamp);
        insert into item values (1, 0.1, true, 'x', '2024-03-31', '2024-03-31 02:30', '2024-03-31 00:00')").await;
    db.target("create table item (id int primary key, r double precision, b text, c text, d timestamptz, t timestamptz, u text)").await;
    let name = db.target_value("select current_database()").await;
    db.target(&format!("alter database \"{name}\" set timezone = 'Europe/Berlin'")).await;
    db.sync().await.expect_ok();
    nothing_travels(&db).await;
    let kept = "select concat_ws('|', round(r::numeric, 12), b, c || '.', d at time zone 'UTC', t at time zone 'UTC', u) from item";
    assert_eq!(
        db.target_value(kept).await,
        "0.100000001490|true|x.|2024-03-31 00:00:00|2024-03-31 02:30:00|2024-03-31 00:00:00"
    );
}

#[tokio::test]
async fn a_text_on_the_target_holds_what_prints_and_not_what_a_users_cast_makes() {
    let db = Pair::fresh().await;
    db.source(
        "create type mood as enum ('sad', 'glad'); create type pair as (a int, b text); create domain whole as int;
        create function same(mood) returns text language sql immutable as $$ select 'same' $$;
        create cast (mood as text) with function same(mood) as implicit;
        create table item (id int primary key, m mood, p pair, q pair, w whole, b bpchar, c bpchar);
        insert into item values (1, 'sad', row(1, 'x'), row(null, null), 7, 'ab  ', 'cd '), (2, null, null, null, null, null, null)",
    )
    .await;
    db.target(
        "create table item (id int primary key, m text, p text, q text, w text, b text, c varchar)",
    )
    .await;
    db.sync().await.expect_ok();
    nothing_travels(&db).await;
    let kept = "select string_agg(concat_ws('|', id, m, p, q, w, b || '.', c || '.'), ' ' order by id) from item";
    assert_eq!(db.target_value(kept).await, "1|sad|(1,x)|(,)|7|ab  .|cd . 2");
    db.source("update item set m = 'glad' where id = 1").await;
    db.sync().await.expect_ok().expect_changes("item", (0, 1, 0));
    nothing_travels(&db).await;
}

#[tokio::test]
async fn a_domain_is_held_by_what_holds_its_base_type() {
    let db = Pair::fresh().await;
    db.source(
        "create domain code as varchar(5); create domain positive as int check (value > 0); create domain price as numeric(6,1);
        create table item (id positive primary key, c code, p price, q price);
        insert into item select i, 'c' || i, i / 10.0, i from generate_series(1, 100) i",
    )
    .await;
    db.target(
        "create domain code as text; create domain id as bigint; create domain price as numeric(8,3);
        create table item (id id primary key, c code, p price, q numeric(9,2))",
    )
    .await;
    db.sync().await.expect_ok().expect_changes("item", (100, 0, 0));
    nothing_travels(&db).await;
    db.source("update item set c = 'x', q = 0.5 where id = 7; delete from item where id = 8").await;
    db.sync().await.expect_ok().expect_changes("item", (0, 1, 1));
    nothing_travels(&db).await;
    assert_eq!(
        db.target_value("select concat_ws('|', c, p, q) from item where id = 7").await,
        "x|0.700|0.50"
    );
}

/// The text of a value would be read all the same.
#[tokio::test]
async fn a_type_of_one_name_that_means_something_else_is_refused_by_name() {
    let types = [
        ("domain %s as text", "domain %s as int", "text"),
        ("domain %s as numeric(6,2)", "domain %s as numeric(6,1)", "numeric(6,1)"),
        ("type %s as (a int, b int)", "type %s as (b int, a int)", "(b integer, a integer)"),
        ("type %s as (a int, b text)", "type %s as (a int)", "(a integer, b text)"),
        ("type %s as (a numeric(6,2))", "type %s as (a numeric(6,0))", "numeric(6,0)"),
        ("type %s as (a text)", "type %s as (a int)", "integer"),
        ("type %s as range (subtype = int8)", "type %s as range (subtype = int4)", "integer"),
        (
            "type %s as range (subtype = text, collation = \"C\")",
            "type %s as range (subtype = text)",
            "of the range",
        ),
        ("type %s as enum ('a')", "domain %s as int", "integer"),
        (
            "type %s as range (subtype = text)",
            "type %s as range (subtype = text, subtype_opclass = text_pattern_ops)",
            "text_pattern_ops",
        ),
    ];
    let db = Pair::fresh().await;
    if !db.has(11, "arrays of domains").await {
        return;
    }
    for (number, (from, to, _)) in types.iter().enumerate() {
        for (side, definition) in [(&db.source, from), (&db.target, to)] {
            let definition = definition.replace("%s", &format!("t{number}"));
            side.run(&format!(
                "create {definition}; create type n{number} as (x t{number}, y t{number}[]);
                create table one{number} (id int primary key, v t{number}); create table many{number} (id int primary key, v t{number}[]);
                create table nest{number} (id int primary key, v n{number}[])"
            ))
            .await;
        }
    }
    db.both("create table good (id int primary key)").await;
    db.source("insert into good values (1)").await;
    for mode in ["none", "additive"] {
        let mut run = db.sync().args(&["-ddl", mode]).await.expect_exit(1);
        for (number, (_, _, text)) in types.iter().enumerate() {
            for table in ["one", "many", "nest"] {
                run = run.expect_failed(&format!("{table}{number}"), &["column \"v\"", text]);
            }
        }
    }
    db.assert_same("good").await;
}

#[tokio::test]
async fn an_enum_with_more_labels_in_another_order_holds_every_value() {
    let db = Pair::fresh().await;
    let table = "create table item (m mood primary key, n mood[], v int)";
    db.source(&format!("create type mood as enum ('sad', 'glad', 'so so'); {table}")).await;
    db.target(&format!("create type mood as enum ('new', 'so so', 'glad', 'sad'); {table}")).await;
    db.source(
        "insert into item values ('sad', '{sad,glad}', 1), ('glad', '{}', 2), ('so so', null, 3)",
    )
    .await;
    db.settle().await;
    db.source("delete from item where m = 'glad'; update item set n = '{glad,sad}' where v = 1")
        .await;
    db.settle().await.expect_changes("item", (0, 1, 1));
}

/// SQL has a text that is too long cut without an error, where what is cut off are blanks.
#[tokio::test]
async fn blanks_that_a_shorter_type_cuts_off_are_no_silent_difference() {
    let columns = [
        ("varchar(10)", "varchar(3)", "'ab'", "'ab    '"),
        ("text", "varchar(3)", "'ab'", "'ab    '"),
        ("varchar(10)[]", "varchar(3)[]", "array['ab']", "array['ab    ']"),
        ("bpchar", "varchar(3)", "'ab'", "'ab    '"),
        ("long", "varchar(3)", "'ab'", "'ab    '"),
        ("short", "short", "'ab'", "'ab    '"),
        ("pair", "pair", "row(1, 'ab')", "row(1, 'ab    ')"),
    ];
    let db = Pair::fresh().await;
    db.source("create domain long as varchar(10); create domain short as varchar(10); create type pair as (a int, b varchar(10))").await;
    db.target("create domain short as varchar(3); create type pair as (a int, b varchar(3))").await;
    let stamp = "updated_at timestamptz not null default '2024-01-01'";
    for (number, (from, to, fits, _)) in columns.iter().enumerate() {
        for (side, kind) in [(&db.source, from), (&db.target, to)] {
            side.run(&format!(
                "create table plain{number} (id int primary key, v {kind}); create table stamped{number} (id int primary key, v {kind}, {stamp});
                create table loose{number} (v {kind})"
            ))
            .await;
        }
        for table in ["plain", "stamped", "loose"] {
            let id = if table == "loose" { "" } else { "id, " };
            let one = if table == "loose" { "" } else { "1, " };
            db.source(&format!("insert into {table}{number} ({id}v) values ({one}{fits})")).await;
        }
    }
    let run = || db.sync().args(&["-ddl", "none"]);
    let names = |number| ["plain", "stamped", "loose"].map(|table| format!("{table}{number}"));
    run().await.expect_ok();
    for (number, (_, _, _, cut)) in columns.iter().enumerate() {
        db.source(&format!(
            "update plain{number} set v = {cut}; update loose{number} set v = {cut}"
        ))
        .await;
        db.source(&format!("update stamped{number} set v = {cut}, updated_at = now()")).await;
    }
    for _ in 0..2 {
        let mut failed = run().await.expect_exit(1);
        for name in (0..columns.len()).flat_map(names) {
            failed = failed.expect_failed(&name, &["still differ"]);
        }
    }
    let tables: Vec<String> = (0..columns.len()).flat_map(names).collect();
    db.target(&format!("truncate {}", tables.join(", "))).await;
    // A first copy.
    let mut failed = run().await.expect_exit(1);
    for name in tables {
        failed = failed.expect_failed(&name, &["still differ"]);
    }
}

/// What hangs on a table is read in words that every version of the target understands.
#[tokio::test]
async fn a_table_whose_column_shrank_is_rebuilt_by_a_reset() {
    let db = Pair::fresh().await;
    db.both("create table shrunk (id int primary key, v text)").await;
    db.source("alter table shrunk alter v type varchar(5); insert into shrunk values (1, 'a')")
        .await;
    db.target("create sequence counted owned by shrunk.v; grant select on shrunk to public").await;
    let run = || db.sync().args(&["-ddl", "reset"]);
    run().await.expect_ok();
    db.assert_same("shrunk").await;
    run().await.expect_unchanged();
}
