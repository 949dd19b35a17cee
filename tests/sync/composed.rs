//! Values that are made of others: ranges, arrays, and the types of users.

use crate::support::Pair;
use crate::values::carried;

#[tokio::test]
async fn ranges_are_carried() {
    let db = Pair::with("create type span as range (subtype = float8)").await;
    let texts: &[&str] = &["'[2024-01-01,2024-02-01)'", "'(,)'", "'empty'", "'[2024-01-01,)'"];
    let mut columns: Vec<(&str, &[&str])> = vec![
        ("int4range", &["'[1,5)'", "'empty'", "'(,)'", "'[,7]'", "null"]),
        ("int8range", &["'[-9223372036854775808,0)'", "null"]),
        ("numrange", &["'[1.0,1.00]'", "'(0.1,NaN)'", "null"]),
        ("tsrange", texts),
        ("tstzrange", texts),
        ("daterange", texts),
        ("int4range[]", &["'{\"[1,3)\",empty}'", "null"]),
        ("span", &["'[0.1,0.30000000000000004)'", "'empty'"]),
    ];
    if db.has(14, "multiranges").await {
        columns.push(("int4multirange", &["'{[1,3),[5,7)}'", "'{}'", "null"]));
        columns.push(("datemultirange", &["'{[2024-01-01,2024-02-01),[2024-03-01,)}'", "null"]));
        columns.push(("nummultirange[]", &["array['{(1,2.0)}'::nummultirange, '{}']", "null"]));
    }
    carried(&db, &columns).await;
}

#[tokio::test]
async fn arrays_are_carried_with_their_bounds() {
    let db = Pair::fresh().await;
    carried(
        &db,
        &[
            (
                "int[]",
                &["'{}'", "'{1,NULL,3}'", "'[5:6]={7,8}'", "'[-1:0][2:3]={{1,2},{3,4}}'", "null"],
            ),
            (
                "text[]",
                &[r#"'{NULL,"NULL","",a\\b,"c,d","{}"," x "}'"#, r#"array[E'\t\n', '"']"#, "null"],
            ),
            ("timestamptz[]", &["'{2024-01-01 00:00:00+00,infinity,NULL}'", "null"]),
            ("jsonb[]", &[r#"array['{"a": [1, "x"]}'::jsonb, null]"#, "'{}'"]),
            ("numeric(6,2)[]", &["'{1.10,NaN,-0.01}'", "null"]),
            ("varchar(3)[]", &["'{abc,\"\"}'", "null"]),
            ("bytea[]", &[r"array['\x00ff'::bytea, '']", "null"]),
            ("uuid[]", &["array[md5('a')::uuid]", "null"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn domains_that_come_with_the_server_are_carried() {
    let db = Pair::fresh().await;
    carried(
        &db,
        &[
            ("information_schema.cardinal_number", &["0", "2147483647", "null"]),
            ("information_schema.character_data", &["'a'", "'A b'", "null"]),
            ("refcursor", &["'some cursor'", "null"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn types_of_the_user_are_carried() {
    let db = Pair::with(
        r#"create type mood as enum ('sad', 'it''s ok', 'a,b', '"', '');
         create domain positive as int check (value > 0);
         create domain short as varchar(5) not null;
         create domain exact as double precision;
         create type part as (n numeric(5,1), at timestamptz, mood mood, note text);
         create type nest as (part part, list part[], positive positive);
         create type spot as (x real, y double precision);
         create schema "Other"; create type "Other"."Own Type" as enum ('x', 'y')"#,
    )
    .await;
    let parts: &[&str] = &[
        r#"'(1.5,"2024-01-01 00:00:00+00","it''s ok","a ""quoted"" \\ , (text)")'"#,
        "'(,,,)'",
        "null",
    ];
    let mut columns: Vec<(&str, &[&str])> = vec![
        ("mood", &["'sad'", "'it''s ok'", "'a,b'", "'\"'", "''", "null"]),
        ("mood[]", &[r#"array['a,b', '"', '', null]::mood[]"#, "'{}'", "null"]),
        ("positive", &["1", "2147483647", "null"]),
        ("short", &["''", "'12345'"]),
        ("exact", &["'0.1'", "'0.30000000000000004'", "'-0'"]),
        ("part", parts),
        ("part[]", &["array[null, row(2, 'infinity', 'sad', '')::part]", "'{}'", "null"]),
        ("nest", &["row(row(1, null, '', ''), array[row(2, null, null, 'x')]::part[], 7)", "null"]),
        ("spot", &["row(0.1, 0.30000000000000004)", "row('NaN', '-0')", "null"]),
        ("\"Other\".\"Own Type\"", &["'x'", "'y'", "null"]),
        ("\"Other\".\"Own Type\"[]", &["'{x,NULL}'", "null"]),
    ];
    if db.has(11, "arrays of domains").await {
        columns.push(("positive[]", &["'{1,NULL,3}'", "null"]));
    }
    carried(&db, &columns).await;
}
