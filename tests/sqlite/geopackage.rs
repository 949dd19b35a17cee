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
    run.expect_said("install PostGIS and run there: create extension postgis");
    assert_eq!(db.target_value("select to_regclass('place') is null").await, "t");
}
