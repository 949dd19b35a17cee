//! Keys of every type that can be one: found, matched, followed and removed.

use crate::support::Pair;
use crate::values::nothing_travels;

/// A key of this type whose values are made from a number by `value` (of `i`). Rows change, vanish
/// and come, with and without a timestamp column.
async fn followed(db: &Pair, kind: &str, value: &str) {
    db.both(&format!(
        "create table stamped (id {kind} primary key, n int, updated_at timestamptz not null default '2024-01-01');
         create table plain (id {kind} primary key, n int)"
    ))
    .await;
    let rows = |table, from, to| {
        format!(
            "insert into {table} (id, n) select {value}, i from generate_series({from}, {to}) i"
        )
    };
    for table in ["stamped", "plain"] {
        db.source(&rows(table, 1, 2000)).await;
    }
    db.sync().await.expect_ok();
    db.source("update stamped set n = -n, updated_at = now() where n % 100 = 1").await;
    db.source("update plain set n = -n where n % 100 = 1").await;
    for table in ["stamped", "plain"] {
        db.source(&format!("delete from {table} where n % 100 = 2")).await;
        db.source(&rows(table, 3001, 3010)).await;
    }
    let run = db.settle().await;
    run.expect_changes("plain", (10, 20, 20)).expect_changes("stamped", (10, 20, 20));
    nothing_travels(db).await;
}

macro_rules! keys_are_followed {
    ($($name:ident: $kind:literal, $value:literal $(, since $version:literal)? $(, after $sql:literal)?;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let db = Pair::fresh().await;
            $(if !db.has($version, $kind).await { return; })?
            $(db.both($sql).await;)?
            followed(&db, $kind, $value).await;
        }
    )*};
}

keys_are_followed! {
    numeric_keys_are_followed: "numeric", "i * 0.10";
    limited_numeric_keys_are_followed: "numeric(12,2)", "i / 100.0";
    smallint_keys_are_followed: "smallint", "i - 1000";
    oid_keys_are_followed: "oid", "4294967295 - i";
    double_keys_are_followed: "double precision", "i / 3.0::double precision";
    real_keys_are_followed: "real", "i / 3.0::real";
    date_keys_are_followed: "date", "'2000-01-01'::date + i";
    timestamptz_keys_are_followed: "timestamptz", "'2024-01-01'::timestamptz + i * interval '1.000001 s'";
    timestamp_keys_are_followed: "timestamp", "'0044-03-15 BC'::timestamp + i * interval '1 day'";
    time_keys_are_followed: "time", "'00:00'::time + i * interval '1 s'";
    timetz_keys_are_followed: "timetz", "('00:00+05:45'::timetz + i * interval '1 s')";
    interval_keys_are_followed: "interval", "i * interval '1 mon 1 h'";
    bytea_keys_are_followed: "bytea", "decode(md5(i::text), 'hex')";
    char_keys_are_followed: "char(8)", "'k' || i";
    varchar_keys_are_followed: "varchar(20)", "E'k\\\\\\t' || i";
    name_keys_are_followed: "name", "('n' || i)::name";
    bit_keys_are_followed: "bit(16)", "i::bit(16)";
    varbit_keys_are_followed: "varbit", "i::bit(16)::varbit";
    inet_keys_are_followed: "inet", "'10.0.0.0/8'::inet + i";
    cidr_keys_are_followed: "cidr", "host('10.0.0.0'::inet + i)::cidr";
    macaddr_keys_are_followed: "macaddr", "substr(md5(i::text), 1, 12)::macaddr";
    money_keys_are_followed: "money", "i::money";
    pg_lsn_keys_are_followed: "pg_lsn", "('0/' || i)::pg_lsn";
    array_keys_are_followed: "text[]", "array['a,\"b\\', i::text, null]";
    range_keys_are_followed: "int4range", "int4range(i, i + 2)";
    jsonb_keys_are_followed: "jsonb", "jsonb_build_object('k', i)";
    tsvector_keys_are_followed: "tsvector", "('a b' || i)::tsvector";
    enum_keys_are_followed: "label", "('l' || i)::label", after
        "do $$ begin execute (select 'create type label as enum (' || string_agg(quote_literal('l' || i), ',') || ')'
         from generate_series(1, 3010) i); end $$";
    domain_keys_are_followed: "code", "('c' || i)::code", after
        "create domain code as text check (value <> '')";
    composite_type_keys_are_followed: "pair", "row(i % 7, 'x' || i, i * 0.1)::pair", after
        "create type pair as (a int, b text, c numeric)";
    multirange_keys_are_followed: "int4multirange", "int4multirange(int4range(i, i + 2))", since 14;
}

#[tokio::test]
async fn a_key_of_several_types_is_followed() {
    let db = Pair::with(
        "create type mood as enum ('sad', 'glad');
         create table item (a mood, b inet, c timestamptz, d bytea, e numeric, f boolean, g text collate \"C\", n int,
             primary key (f, e, d, c, b, a, g))",
    )
    .await;
    let row = "(array['sad', 'glad']::mood[])[1 + i % 2], '10.0.0.0'::inet + i % 7, '2024-01-01'::timestamptz + i % 5 * interval '1 h',
        decode(md5((i % 3)::text), 'hex'), i, i % 2 = 0, 'g|' || i % 4, i";
    db.source(&format!("insert into item select {row} from generate_series(1, 2000) i")).await;
    let changes = "update item set n = -n where n % 100 = 0; delete from item where n % 100 = 1;
        update item set e = e + 0.5 where n % 100 = 2";
    db.follow(changes).await.expect_changes("item", (20, 20, 40));
    nothing_travels(&db).await;
}

#[tokio::test]
async fn a_number_key_that_is_only_written_otherwise_is_rewritten() {
    let db = Pair::with("create table item (id numeric primary key, n int)").await;
    db.source("insert into item select i, i from generate_series(1, 1000) i").await;
    let changes =
        "update item set id = 7.00 where id = 7; update item set id = 8.0, n = 0 where id = 8";
    db.follow(changes).await.expect_changes("item", (0, 2, 0));
    nothing_travels(&db).await;
}

#[tokio::test]
async fn a_deferrable_primary_key_is_followed() {
    for stamp in ["updated_at", "at"] {
        let db = Pair::with(&format!(
            "create table item (id int primary key deferrable initially deferred, n int, {stamp} timestamptz default '2024-01-01');
             create table link (a int, b text, primary key (a, b) deferrable)"
        ))
        .await;
        db.source("insert into item select i, i from generate_series(1, 3000) i").await;
        db.source("insert into link select i, 'b' || i from generate_series(1, 1000) i").await;
        let changes = format!(
            "update item set n = -n, {stamp} = now() where id % 100 = 0; delete from item where id % 100 = 1;
             insert into item values (3001, 1, now()); update item set id = 6001 - id, {stamp} = now() where id in (3000, 3001);
             delete from link where a = 5; insert into link values (5, 'other')"
        );
        let run = db.follow(&changes).await;
        run.expect_changes("link", (1, 0, 1));
        nothing_travels(&db).await;
    }
}

#[tokio::test]
async fn a_key_that_forbids_overlaps_is_followed() {
    let db = Pair::fresh().await;
    if !db.has(18, "keys without overlaps").await {
        return;
    }
    db.both(
        "create extension btree_gist; create table stay (room int, during daterange, guest text,
         primary key (room, during without overlaps))",
    )
    .await;
    db.source(
        "insert into stay select i % 10, daterange('2024-01-01'::date + i, '2024-01-01'::date + i + 5), 'g' || i
         from generate_series(1, 500) i",
    )
    .await;
    let changes = "update stay set guest = 'x' where room = 3;
        update stay set during = daterange(lower(during), upper(during) - 1) where room = 4; delete from stay where room = 5";
    db.follow(changes).await;
}

/// ON CONFLICT takes every index over the columns, and the server refuses deferrable ones.
#[tokio::test]
async fn a_deferrable_key_beside_a_plain_unique_index_of_the_same_columns_is_followed() {
    for stamp in ["updated_at", "stamp"] {
        let db = Pair::with(&format!(
            "create table item (id int primary key deferrable, n int, {stamp} timestamptz default '2024-01-01');
             create unique index on item (id);
             create table link (a int, b text, n int, primary key (a, b), unique (b, a) deferrable initially deferred)"
        ))
        .await;
        db.source("insert into item select i, i from generate_series(1, 300) i; insert into link select i, 'b', 1 from generate_series(1, 300) i")
            .await;
        db.follow(&format!(
            "update item set n = -n, {stamp} = '2024-06-01' where id < 30; delete from item where id = 40; insert into item values (1000, 1);
             update link set n = 2 where a < 20; update link set b = 'c' where a = 30; insert into link values (1000, 'x', 1)"
        ))
        .await;
    }
}
