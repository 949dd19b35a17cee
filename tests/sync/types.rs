//! Values of the built-in types at their extremes: carried exactly by every strategy, and known
//! again by their digests.

use crate::support::Pair;
use crate::values::carried;

#[tokio::test]
async fn whole_numbers_are_carried() {
    let db = Pair::fresh().await;
    carried(
        &db,
        &[
            ("smallint", &["(-32768)", "32767", "0", "null"]),
            ("int", &["(-2147483648)", "2147483647", "0", "null"]),
            ("bigint", &["(-9223372036854775808)", "9223372036854775807", "0", "null"]),
            ("oid", &["0", "4294967295", "null"]),
            ("boolean", &["true", "false", "null"]),
            ("money", &["'-92233720368547758.08'", "'92233720368547758.07'", "'0.01'", "null"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn exact_numbers_are_carried_to_the_last_digit() {
    let db = Pair::fresh().await;
    let thousand = format!("'{}'", "1234567890".repeat(100));
    let fraction = format!("'-0.{}1'", "0".repeat(998));
    let mut values =
        vec!["'NaN'", "0", "'1.0'", "'1.00'", "'-0.0000001'", "null", &thousand, &fraction];
    if db.has(14, "infinite numerics").await {
        values.extend(["'Infinity'", "'-Infinity'"]);
    }
    let limited: &[&str] = &["'12345678.90'", "'-99999999.99'", "'NaN'", "0", "null"];
    carried(&db, &[("numeric", &values), ("numeric(10,2)", limited)]).await;
}

#[tokio::test]
async fn floating_numbers_are_carried_bit_by_bit() {
    let db = Pair::fresh().await;
    let double = [
        "'NaN'",
        "'Infinity'",
        "'-Infinity'",
        "'-0'",
        "'0'",
        "'4.94065645841246544e-324'",
        "'2.2250738585072014e-308'",
        "'1.7976931348623157e308'",
        "'0.1'",
        "'0.30000000000000004'",
        "'1e23'",
        "null",
    ];
    let real =
        ["'NaN'", "'-Infinity'", "'-0'", "'1.4e-45'", "'3.4028235e38'", "'0.1'", "'16777217'"];
    carried(
        &db,
        &[
            ("double precision", &double),
            ("real", &real),
            ("double precision[]", &["'{0.1,-0,NaN,NULL}'", "'{0.30000000000000004}'", "null"]),
            ("point", &["'(0.1,0.30000000000000004)'", "'(-0,1e300)'", "'(NaN,Infinity)'"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn text_is_carried_with_every_awkward_character() {
    let db = Pair::fresh().await;
    let awkward = [
        "''",
        r"E'\t'",
        r"E'\n'",
        r"E'\r\n'",
        r"'\N'",
        r"'\.'",
        r"'\'",
        r"'\\'",
        r"E'a\\\tb\n\\.\n'",
        "'🦀 👩‍👩‍👧'",
        r"U&'\FEFFbom'",
        r"E'\x01\x7f'",
        "' trailing '",
        "'NULL'",
        "null",
    ];
    carried(
        &db,
        &[
            ("text", &awkward),
            ("varchar", &awkward),
            ("varchar(20)", &["''", "' x  '", "'äöü'", "null"]),
            ("char(7)", &["''", "'a'", "' ä'", "'1234567'", "null"]),
            ("\"char\"", &["''", "'x'", "'\\'", "null"]),
            ("name", &["''", "'a name'", "repeat('x', 63)", "null"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_text_of_twenty_megabytes_is_carried() {
    let db = Pair::with(
        "create table large (id int primary key, body text, raw bytea, updated_at timestamptz)",
    )
    .await;
    let rows =
        "insert into large values (1, repeat('20 MB of text ', 1497966), null, '2024-01-01'),
        (2, '', decode(repeat('00ff5c0a', 1310720), 'hex'), '2024-01-01')";
    db.source(rows).await;
    db.follow(r"update large set body = body || E'\t\n\\end', updated_at = now() where id = 1")
        .await
        .expect_changes("large", (0, 1, 0));
}

#[tokio::test]
async fn bytes_and_bits_are_carried() {
    let db = Pair::fresh().await;
    let all = (0..=255).map(|byte| format!("{byte:02x}")).collect::<String>();
    let all = format!(r"'\x{all}'");
    carried(
        &db,
        &[
            (
                "bytea",
                &[&all, "''", r"decode(md5('sixteen'), 'hex')", r"'\x00'", r"'\x5c'", "null"],
            ),
            ("bit(3)", &["B'101'", "B'000'", "null"]),
            ("bit", &["B'1'", "B'0'"]),
            ("varbit", &["B''", "B'10101010101010101'", "null"]),
            ("varbit(5)", &["B''", "B'10101'"]),
            ("uuid", &["'00000000-0000-0000-0000-000000000000'", "md5('x')::uuid", "null"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn times_are_carried_from_before_christ_to_infinity() {
    let db = Pair::fresh().await;
    let moments = [
        "'infinity'",
        "'-infinity'",
        "'4713-01-01 00:00:00 BC'",
        "'0044-03-15 12:00:00.000001 BC'",
        "'1883-11-18 12:03:58'",
        "'294276-12-31 23:59:59.999999'",
        "'1999-12-31 24:00:00'",
        "null",
    ];
    let spans = [
        "'0'",
        "'-178000000 years'",
        "'1 mon -1 day +00:00:00.000001'",
        "'P1Y2M3DT4H5M6.789S'",
        "'24:00:00'",
        "null",
    ];
    carried(
        &db,
        &[
            ("date", &["'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'", "null"]),
            ("time", &["'00:00'", "'24:00:00'", "'23:59:59.999999'", "null"]),
            ("timetz", &["'24:00:00+15:59'", "'00:00:00.000001-12'", "'12:00+05:45'", "null"]),
            ("timestamp", &moments),
            ("timestamptz", &moments),
            ("timestamp(0)", &["'2024-02-29 23:59:59'", "'infinity'"]),
            ("interval", &spans),
            ("interval day to second(3)", &["'1 day 02:03:04.567'", "'-1 day'"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn documents_are_carried_with_their_spacing_and_order() {
    let db = Pair::fresh().await;
    carried(
        &db,
        &[
            (
                "json",
                &[
                    r#"'{"b": 1,  "a":[1.0, 1.00], "b": 2}'"#,
                    r#"'"\u00e4\n"'"#,
                    r#"E'{\n\t"a" : null }'"#,
                    "'null'",
                    "null",
                ],
            ),
            (
                "jsonb",
                &[
                    r#"'{"b": 1, "a":[1.0, 1.00], "b": 2}'"#,
                    r#"'"\\ \" \u00e4"'"#,
                    "'1e-1000'",
                    "null",
                ],
            ),
            (
                "xml",
                &[
                    "'<a b=\"1\">ä &amp; <!-- c --></a>'",
                    "'<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>'",
                    "'<?xml version=\"1.0\" standalone=\"yes\"?><a/>'",
                    "'text <b/>'",
                    "''",
                    "null",
                ],
            ),
            (
                "xml[]",
                &["array['<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>'::xml, '<b/>']", "null"],
            ),
            ("tsvector", &["'a:1A fat:2B,4C ''it''''s'':3'", "''", "'\\\\'", "null"]),
            ("tsquery", &["'fat & (rat | !cat) <-> b:*A'", "''", "null"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn addresses_and_numbers_of_the_server_are_carried() {
    let db = Pair::fresh().await;
    carried(
        &db,
        &[
            ("inet", &["'10.1.2.3'", "'10.1.2.3/8'", "'::1'", "'2001:db8::ff/64'", "null"]),
            ("cidr", &["'10.0.0.0/8'", "'0.0.0.0/0'", "'2001:db8::/32'", "'10.1.2.3/32'", "null"]),
            ("macaddr", &["'08:00:2b:01:02:03'", "null"]),
            ("macaddr8", &["'08:00:2b:01:02:03:04:05'", "null"]),
            ("pg_lsn", &["'0/0'", "'FFFFFFFF/FFFFFFFF'", "null"]),
            ("txid_snapshot", &["'10:20:10,14,15'", "'1:1:'", "null"]),
            ("regclass", &["'pg_class'", "null"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn shapes_are_carried() {
    let db = Pair::fresh().await;
    carried(
        &db,
        &[
            ("point", &["'(1,2)'", "'(-0,0.1)'", "null"]),
            ("line", &["'{1,-1,0}'", "'{0.1,0.2,0.3}'", "null"]),
            ("lseg", &["'[(0,0),(1,0.1)]'", "null"]),
            ("box", &["'((1,1),(0,0))'", "'((0.1,3),(0,0.2))'", "null"]),
            ("path", &["'((0,0),(1,1),(2,0.1))'", "'[(0,0),(1,1)]'", "null"]),
            ("polygon", &["'((0,0),(1,1),(2,0.1))'", "null"]),
            ("circle", &["'<(0.1,0),3>'", "null"]),
            ("point[]", &["array['(0.1,2)'::point, null]", "'{}'"]),
            ("box[]", &["'{(1,1),(0,0.1);(2,2),(1,1)}'", "null"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_relation_is_carried_by_its_name_not_by_its_number() {
    let db = Pair::fresh().await;
    db.source("create table first (id int primary key)").await;
    db.both("create table later (id int primary key); create table item (id int primary key, what regclass)")
        .await;
    db.source("insert into item values (1, 'later')").await;
    db.sync().include("item").await.expect_ok();
    assert_eq!(db.target_value("select what::text from item").await, "later");
}

#[tokio::test]
async fn blanks_at_the_end_of_a_char_without_a_length_are_carried() {
    let db = Pair::with(
        "create domain padded as bpchar; create type pair as (a bpchar, b text);
        create type span as range (subtype = bpchar)",
    )
    .await;
    let blanks: &[&str] = &["'ab'", "'ab  '", "' '", "''", "null"];
    carried(
        &db,
        &[
            ("bpchar", blanks),
            ("padded", blanks),
            ("bpchar[]", &["array['ab'::bpchar, 'ab  ']", "array['ab  '::bpchar, 'ab']", "'{}'"]),
            ("pair", &["row('ab', 'ab')", "row('ab ', 'ab')", "row('ab', 'ab ')", "null"]),
            ("span", &["span('ab', 'b')", "span('ab ', 'b')", "span('ab', 'b  ')"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_value_that_differs_in_blanks_alone_is_rewritten() {
    let db = Pair::with(
        "create table item (id int primary key, v bpchar); create table loose (v bpchar);
        create table key (id bpchar primary key, v int)",
    )
    .await;
    db.source("insert into item select i, 'ab' from generate_series(1, 100) i; insert into loose values ('x'), ('x');
        insert into key values ('k', 1), ('l', 2)")
        .await;
    let changes =
        "update item set v = 'ab   ' where id = 7; update loose set v = 'x ' where ctid = '(0,1)';
        update key set id = 'k  ' where id = 'k'";
    let run = db.follow(changes).await;
    run.expect_changes("item", (0, 1, 0))
        .expect_changes("loose", (1, 0, 1))
        .expect_changes("key", (0, 1, 0));
}

/// Casts of built-in types are a superuser's; of others, of whoever owns the type.
#[tokio::test]
async fn a_cast_of_the_users_hides_no_change() {
    let db = Pair::with(
        "create type mood as enum ('sad', 'glad'); create domain code as text;
        create function same(jsonb) returns text language sql immutable as $$ select 'same' $$;
        create function same(numeric) returns text language sql immutable as $$ select 'same' $$;
        create function same(mood) returns text language sql immutable as $$ select 'same' $$;
        create cast (jsonb as text) with function same(jsonb) as assignment;
        create cast (numeric as text) with function same(numeric) as assignment;
        create cast (mood as text) with function same(mood) as assignment;
        create table item (id int primary key, j jsonb, n numeric, m mood, c code)",
    )
    .await;
    db.source("insert into item select i, '1', i, 'sad', 'c' from generate_series(1, 50) i").await;
    let changes = "update item set j = '2' where id = 1; update item set n = 1.5 where id = 2; update item set m = 'glad' where id = 3;
        update item set c = 'd' where id = 4";
    let run = db.follow(changes).await;
    run.expect_changes("item", (0, 4, 0));
}

#[tokio::test]
async fn a_key_is_looked_up_whatever_casts_there_are() {
    let db = Pair::with(
        "create type mood as enum ('sad', 'glad');
        create function same(mood) returns text language sql immutable as $$ select 'same' $$;
        create function same(text) returns mood language sql immutable as $$ select (enum_range(null::mood))[1] $$;
        create cast (mood as text) with function same(mood) as assignment;
        create cast (text as mood) with function same(text) as implicit;
        create table key (n numeric, m mood, v int, primary key (n, m))",
    )
    .await;
    db.source("insert into key select i, m, i from generate_series(1, 50) i, unnest(enum_range(null::mood)) m").await;
    let changes = "delete from key where n = 5 and m = 'glad'; update key set v = 0 where n = 6 and m = 'glad'";
    db.follow(changes).await.expect_changes("key", (0, 1, 1));
}
