//! Types that extensions bring. PostGIS is not part of every server: tests about it are named
//! `postgis_…`, and scripts/test-matrix.sh says that it leaves them out.

use crate::support::Pair;
use crate::values::{carried, nothing_travels};

#[tokio::test]
async fn types_of_contrib_are_carried() {
    let db = Pair::with("create extension hstore; create extension citext; create extension ltree")
        .await;
    carried(
        &db,
        &[
            ("hstore", &[r#"'a=>1, "b c"=>NULL, d=>"x\"\\y"'"#, "''", "null"]),
            ("citext", &["'Straße'", "'ABC'", "'abc'", "''", "null"]),
            ("ltree", &["'Top.Science.Astronomy'", "''", "null"]),
            ("lquery", &["'Top.*{1,2}.!x|y'", "null"]),
            ("citext[]", &["array['A', null, 'b']::citext[]", "'{}'", "null"]),
            ("hstore[]", &["array['a=>1'::hstore, null]", "null"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn types_of_an_extension_in_a_schema_of_its_own_are_carried() {
    let db = Pair::with(
        "create schema ext; create extension citext schema ext; create extension hstore schema ext;
         create table item (id ext.citext primary key, attributes ext.hstore)",
    )
    .await;
    db.source("insert into item select 'Key' || i, 'a=>1' from generate_series(1, 1000) i").await;
    let changes = "update item set id = 'KEY7' where id operator(ext.=) 'key7'::ext.citext;
        update item set attributes = 'b=>2' where id operator(ext.=) 'key8'::ext.citext;
        delete from item where id operator(ext.=) 'key9'::ext.citext";
    db.follow(changes).await.expect_changes("item", (0, 2, 1));
}

#[tokio::test]
async fn a_citext_key_whose_case_changes_is_followed() {
    for stamp in ["updated_at", "at"] {
        let db = Pair::with(&format!(
            "create extension citext;
             create table item (id citext primary key, n int, {stamp} timestamptz default '2024-01-01')"
        ))
        .await;
        db.source("insert into item select 'Key' || i, i from generate_series(1, 2000) i").await;
        let changes = format!(
            "update item set id = upper(id), {stamp} = now() where n % 100 = 0; delete from item where id = 'kEY1'"
        );
        db.follow(&changes).await.expect_changes("item", (0, 20, 1));
        nothing_travels(&db).await;
    }
}

#[tokio::test]
async fn a_case_change_alone_is_found_without_a_timestamp() {
    let db = Pair::with("create extension citext; create table word (w citext primary key)").await;
    db.source("insert into word select 'w' || i from generate_series(1, 1000) i").await;
    db.follow("update word set w = 'W5' where w = 'w5'").await.expect_changes("word", (0, 1, 0));
}

#[tokio::test]
async fn ltree_keys_are_followed() {
    let db =
        Pair::with("create extension ltree; create table node (path ltree primary key, n int)")
            .await;
    db.source("insert into node select ('a.b' || i % 10 || '.c' || i)::ltree, i from generate_series(1, 1000) i")
        .await;
    db.follow(
        "update node set n = 0 where path ~ 'a.b1.*'; delete from node where path ~ 'a.b2.*'",
    )
    .await
    .expect_changes("node", (0, 100, 100));
}

#[tokio::test]
async fn postgis_geometry_is_carried_with_its_srid() {
    let db = Pair::with("create extension postgis").await;
    carried(
        &db,
        &[
            (
                "geometry",
                &[
                    "'SRID=4326;POINT(8.54 47.37)'",
                    "'POINT EMPTY'",
                    "'SRID=2056;POLYGON((0 0,0 1,1 1,0 0))'",
                    "'LINESTRING ZM(0 0 1 2,0.1 1e-300 3 4)'",
                    "null",
                ],
            ),
            ("geometry(Point,4326)", &["'SRID=4326;POINT(0.1 0.30000000000000004)'", "null"]),
            ("geography", &["'POINT(8.54 47.37)'", "null"]),
            ("box2d", &["'BOX(0 0,1 1.5)'", "null"]),
        ],
    )
    .await;
    assert_eq!(
        db.target_value("select distinct st_srid(c2) from many where c2 is not null").await,
        "4326"
    );
}
