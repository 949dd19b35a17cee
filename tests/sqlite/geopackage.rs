//! Layers of a GeoPackage arrive as ogr2ogr brings them. The files are made by ogr2ogr, so the names of these tests
//! begin with `ogr_`, and scripts/test.sh leaves them out where it is not installed.

use std::path::PathBuf;
use std::process::Command;

use crate::app::App;
use crate::support::{Pair, Sync};

/// Every kind of geometry, filled and empty, with `#` in the place of dimensions and `!` of their values.
const SHAPES: &[&str] = &[
    "POINT# (1 2!)",
    "LINESTRING# (1 2!, 3 4!)",
    "POLYGON# ((0 0!, 1 0!, 1 1!, 0 0!))",
    "MULTIPOINT# ((1 2!), (3 4!))",
    "MULTILINESTRING# ((1 2!, 3 4!))",
    "MULTIPOLYGON# (((0 0!, 1 0!, 1 1!, 0 0!)))",
    "GEOMETRYCOLLECTION# (POINT# (1 2!), LINESTRING# (1 2!, 3 4!))",
    "CIRCULARSTRING# (0 0!, 1 1!, 2 0!)",
    "COMPOUNDCURVE# (CIRCULARSTRING# (0 0!, 1 1!, 2 0!), (2 0!, 3 3!))",
    "CURVEPOLYGON# (CIRCULARSTRING# (0 0!, 1 1!, 2 0!, 1 -1!, 0 0!))",
    "MULTICURVE# ((1 2!, 3 4!), CIRCULARSTRING# (0 0!, 1 1!, 2 0!))",
    "MULTISURFACE# (((0 0!, 1 0!, 1 1!, 0 0!)))",
];

/// Names of layers, their dimensions and what these hold.
const DIMENSIONS: &[(&str, &str, &str)] =
    &[("xy", "", ""), ("xyz", "Z", " 7"), ("xym", "M", " -8.5"), ("xyzm", "ZM", " 7 8")];

/// One table for each of the dimensions, in a reference system.
fn tables(srid: u32) -> String {
    let table = |(name, dimensions, more): &(&str, &str, &str)| {
        let filled = SHAPES.iter().map(|shape| shape.replace('!', more));
        let empty = SHAPES.iter().map(|shape| {
            let kind = shape.split(['#', ' ']).next().unwrap_or_default();
            format!("{kind}# EMPTY")
        });
        let word = if dimensions.is_empty() { String::new() } else { format!(" {dimensions}") };
        let shapes = filled.chain(empty).map(|shape| format!("('{}')", shape.replace('#', &word)));
        format!(
            "create table {name} (id serial primary key, name text, geom geometry(geometry{dimensions}, {srid})); \
             insert into {name} (name, geom) select w, ST_GeomFromText(w, {srid}) \
             from (values {}, (null)) v(w); ",
            shapes.collect::<Vec<_>>().join(", ")
        )
    };
    DIMENSIONS.iter().map(table).collect()
}

struct GeoPackage {
    app: App,
}

impl GeoPackage {
    /// What these statements make in a database with PostGIS.
    async fn of(db: &Pair, sql: &str) -> Self {
        db.both("create extension postgis").await;
        db.source(sql).await;
        let package = Self { app: App::empty() };
        let source = connection(&db.source_url());
        ogr2ogr(&["-f", "GPKG", &package.path().display().to_string(), &source]);
        package
    }

    fn path(&self) -> PathBuf {
        self.app.folder.join("app.gpkg")
    }

    fn run(&self, sql: &str) {
        let file = rusqlite::Connection::open(self.path()).expect("a file");
        // Triggers of the file call functions that only its programs have.
        let triggers = "select group_concat('drop trigger \"' || name || '\";', ' ') from sqlite_schema \
                        where type = 'trigger' and name like 'rtree%'";
        let drops: Option<String> =
            file.query_row(triggers, [], |row| row.get(0)).expect("triggers");
        file.execute_batch(&drops.unwrap_or_default()).expect("no triggers");
        file.execute_batch(sql).expect(sql);
    }

    fn sync<'p>(&self, db: &'p Pair) -> Sync<'p> {
        db.sync().while_writing().source_url(format!("sqlite://{}", self.path().display()))
    }
}

/// A URL of PostgreSQL as ogr2ogr takes it.
fn connection(url: &str) -> String {
    let parts: Vec<&str> = url.split(['/', '@', ':']).filter(|part| !part.is_empty()).collect();
    let [_, user, host, port, database] = parts[..] else { panic!("another URL: {url}") };
    format!("PG:host={host} port={port} user={user} dbname={database}")
}

fn ogr2ogr(arguments: &[&str]) {
    let done = Command::new("ogr2ogr").args(arguments).output();
    let done = done.expect("ogr2ogr of gdal-bin is needed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn ogr_brings_the_same_geometries_of_every_kind_and_dimension() {
    let db = Pair::fresh().await;
    let package = GeoPackage::of(&db, &tables(4326)).await;
    let target = connection(&db.target_url());
    db.target("create schema theirs").await;
    let file = package.path().display().to_string();
    ogr2ogr(&["-f", "PostgreSQL", &target, &file, "-lco", "SCHEMA=theirs"]);
    for (name, dimensions, _) in DIMENSIONS {
        db.target(&format!(
            "create table {name} (id int primary key, name text, geom geometry(geometry{dimensions}, 4326))"
        ))
        .await;
    }
    let names: Vec<&str> = DIMENSIONS.iter().map(|(name, ..)| *name).collect();
    let rows = 2 * SHAPES.len() as u64 + 1;
    let mut run = package.sync(&db).await.expect_ok();
    for name in names {
        run = run.expect_changes(name, (rows, 0, 0));
        let differing = format!(
            "select o.name, ST_AsText(o.geom), ST_AsText(t.geom) from {name} o full join theirs.{name} t using (id) \
             where ST_AsEWKB(o.geom) is distinct from ST_AsEWKB(t.geom) or o.name is distinct from t.name"
        );
        assert_eq!(db.target_rows(&differing).await, Vec::<Vec<Option<String>>>::new(), "{name}");
    }
    package.sync(&db).await.expect_unchanged();
    package.run(
        "delete from xyz where id in (1, 2, 3); update xyz set name = 'other' where id in (4, 5); \
         insert into xyz (id, name) values (99, 'new')",
    );
    package.sync(&db).await.expect_ok().expect_changes("xyz", (1, 2, 3));
    package.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn ogr_writes_a_reference_system_that_the_target_may_lack() {
    let db = Pair::fresh().await;
    let made = "create table place (id serial primary key, geom geometry(point, 3857)); \
                insert into place (geom) values (ST_SetSRID(ST_MakePoint(1, 2), 3857))";
    let package = GeoPackage::of(&db, made).await;
    db.target("create table place (id int primary key, geom geometry(point, 3857))").await;
    db.target("delete from spatial_ref_sys where srid = 3857").await;
    let run = package.sync(&db).await.expect_exit(1);
    run.expect_said("the target does not know the reference system EPSG:3857 of its geometries")
        .expect_said("insert into \"public\".spatial_ref_sys (srid, auth_name, auth_srid, srtext)");
    assert_eq!(db.target_value("select count(*) from place").await, "0");
    db.target(
        "insert into spatial_ref_sys (srid, auth_name, auth_srid, srtext) values (3857, 'EPSG', 3857, '')",
    )
    .await;
    package.sync(&db).await.expect_ok().expect_changes("place", (1, 0, 0));
}

#[tokio::test]
async fn ogr_writes_reference_systems_whose_number_is_anothers_on_the_target() {
    let db = Pair::fresh().await;
    let made = "create table place (id serial primary key, geom geometry(point, 3857)); \
                insert into place (geom) values (ST_SetSRID(ST_MakePoint(1, 2), 3857))";
    let package = GeoPackage::of(&db, made).await;
    let system = |organization: &str, number: i64| {
        package.run(&format!(
            "update gpkg_spatial_ref_sys set organization = '{organization}', \
             organization_coordsys_id = {number} where srs_id = 3857"
        ));
    };
    system("MyOrg", 3857);
    package.sync(&db).await.expect_exit(1).expect_failed(
        "place",
        &["does not know the reference system MyOrg:3857", "the number 3857 is that of EPSG:3857"],
    );
    // PostGIS has no place for it.
    system("MyOrg", 9_000_001);
    let run = package.sync(&db).await.expect_exit(1);
    run.expect_failed("place", &["MyOrg:9000001", "PostGIS takes numbers from 1 to 998999 only"])
        .expect_unsaid("insert into");
    assert_eq!(db.target_value("select to_regclass('place') is null").await, "t");
    system("epsg", 3857);
    package.sync(&db).await.expect_ok().expect_changes("place", (1, 0, 0));
}

#[tokio::test]
async fn ogr_writes_layers_whose_tables_are_made() {
    let db = Pair::fresh().await;
    let made = "create table place (id serial primary key, name text, geom geometry(pointz, 4326)); \
                insert into place (name, geom) values ('a', ST_SetSRID(ST_MakePoint(1, 2, 3), 4326)), ('b', null); \
                create table way (id serial primary key, geom geometry(multilinestring, 3857)); \
                insert into way (geom) values (ST_GeomFromText('MULTILINESTRING((1 2, 3 4))', 3857)); \
                create table thing (id serial primary key, geom geometry)";
    let package = GeoPackage::of(&db, made).await;
    let types = "select string_agg(attrelid::regclass || ' ' || format_type(atttypid, atttypmod), ', ' order by attrelid::regclass::text) \
                 from pg_attribute where attname = 'geom' and attrelid in (select oid from pg_class where relname in ('place', 'way') and relkind = 'r')";
    package.sync(&db).args(&["-dry-run"]).await.expect_ok().expect_changes("place", (2, 0, 0));
    for schema in ["public", "gis"] {
        db.target(&format!(
            "drop table if exists place, way, thing; create schema if not exists {schema}; \
                            drop extension postgis; create extension postgis schema {schema}"
        ))
        .await;
        package.sync(&db).await.expect_ok().expect_changes("place", (2, 0, 0));
        let found = db.target_value(types).await.replace("gis.", "");
        assert_eq!(found, "place geometry(PointZ,4326), way geometry(MultiLineString,3857)");
        let point = format!("select {schema}.ST_AsEWKT(geom) from place where name = 'a'");
        assert_eq!(db.target_value(&point).await, "SRID=4326;POINT(1 2 3)");
        package.sync(&db).await.expect_unchanged();
    }
    db.target("drop table place, way, thing; drop extension postgis").await;
    let run = package.sync(&db).await.expect_exit(1);
    run.expect_said("install PostGIS and run on the target: create extension postgis");
    assert_eq!(db.target_value("select to_regclass('place') is null").await, "t");
}

#[tokio::test]
async fn ogr_writes_geometries_that_are_not_as_their_layer_says() {
    let db = Pair::fresh().await;
    let made = "create table parcel (id serial primary key, geom geometry(geometry, 4326)); \
                insert into parcel (geom) select ST_GeomFromText(w, 4326) from (values \
                ('MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))'), ('POLYGON((0 0, 1 0, 1 1, 0 0))'), (null)) v(w); \
                create table peak (id serial primary key, geom geometry(pointz, 4326)); \
                insert into peak (geom) values (ST_GeomFromText('POINT Z(1 2 3)', 4326))";
    let package = GeoPackage::of(&db, made).await;
    package.run(
        "update gpkg_geometry_columns set geometry_type_name = 'MULTIPOLYGON' where table_name = 'parcel'; \
         update gpkg_geometry_columns set z = 0 where table_name = 'peak'",
    );
    let run = package.sync(&db).await.expect_ok().expect_changes("parcel", (3, 0, 0));
    run.expect_note("column \"geom\" is made for geometries of any kind")
        .expect_note("column \"geom\" is made for any geometry");
    let types = "select string_agg(format_type(atttypid, atttypmod), ' ' order by attrelid::regclass::text) \
                 from pg_attribute where attname = 'geom' and attrelid in ('parcel'::regclass, 'peak'::regclass)";
    assert_eq!(db.target_value(types).await, "geometry(Geometry,4326) geometry");
    package.sync(&db).await.expect_unchanged();
    db.target(
        "drop table parcel; create table parcel (id bigint primary key, geom geometry(multipolygon, 4326)); \
         alter table peak alter geom type geometry(point, 4326) using ST_Force2D(geom)",
    )
    .await;
    let run = package.sync(&db).args(&["-bad-rows", "skip"]).await.expect_exit(1);
    run.expect_changes("parcel", (2, 0, 0))
        .expect_said("row (id) = (2): column \"geom\" holds what the target cannot hold: is a Polygon, and the column takes MultiPolygon")
        .expect_said("is a PointZ, and the column takes Point");
    // Without a reference system it has that of the column, as PostGIS says.
    package.run("update parcel set geom = cast(substr(geom, 1, 4) || x'00000000' || substr(geom, 9) as blob) where id = 1; \
                 delete from parcel where id = 2; delete from peak");
    package.sync(&db).await.expect_ok().expect_changes("parcel", (0, 0, 0));
    package.sync(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_layer_without_its_geometries_needs_no_postgis() {
    let app = App::with(
        "create table gpkg_contents (table_name text); \
         create table gpkg_geometry_columns (table_name text, column_name text, geometry_type_name text, \
             srs_id integer, z integer, m integer); \
         create table gpkg_spatial_ref_sys (srs_id integer, organization text, organization_coordsys_id integer, \
             definition text); \
         insert into gpkg_geometry_columns values ('place', 'geom', 'POINT', 0, 0, 0); \
         create table place (id integer primary key, name text, geom point, at datetime); \
         insert into place values (1, 'a', null, 1700000000), (2, 'b', null, '2024-01-01')",
    );
    let db = Pair::fresh().await;
    let rule = |rule: &str| format!("place.{rule}");
    for rule in [rule("excludeColumns=geom,at"), rule("columns=id,name")] {
        let run = app.sync(&db).args(&["-set", &rule]).await.expect_ok();
        run.expect_changes("place", (2, 0, 0));
        let rows = "select string_agg(p::text, ' ' order by id) from place p";
        assert_eq!(db.target_value(rows).await, "(1,a) (2,b)");
        db.target("drop table place").await;
    }
    let run = app.sync(&db).args(&["-set", "place.excludeColumns=at"]).await.expect_exit(1);
    run.expect_failed("place", &["install PostGIS"]);
}

#[tokio::test]
async fn ogr_or_not_what_belongs_to_postgis_is_not_to_be_dropped() {
    let app = App::with("create table geometry_columns (id integer primary key)");
    let db = Pair::fresh().await;
    db.target("create extension postgis").await;
    let run = app.sync(&db).await.expect_exit(1);
    run.expect_said(
        "on the target view public.geometry_columns of extension postgis has that name: exclude the table",
    )
    .expect_unsaid("drop or rename");
}
