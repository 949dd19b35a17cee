"""A GeoPackage as the source, beside ogr2ogr. The target needs PostGIS: without it the case is left out, and says so."""

import shutil
import sqlite3
import struct
import subprocess
import time

from cases import DATABASE
from measure import TOOL, Contender, say

# What a file needs to be one; EPSG 4326 is the only reference system.
STANDARD = """
    pragma application_id = 0x47504b47; pragma user_version = 10300;
    create table gpkg_spatial_ref_sys (srs_name text not null, srs_id integer primary key, organization text not null,
        organization_coordsys_id integer not null, definition text not null, description text);
    insert into gpkg_spatial_ref_sys values
        ('Undefined cartesian', -1, 'NONE', -1, 'undefined', ''), ('Undefined geographic', 0, 'NONE', 0, 'undefined', ''),
        ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],'
            || 'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]', '');
    create table gpkg_contents (table_name text primary key not null, data_type text not null, identifier text unique,
        description text default '', last_change datetime not null default '2024-01-01T00:00:00.000Z',
        min_x double, min_y double, max_x double, max_y double, srs_id integer);
    create table gpkg_geometry_columns (table_name text primary key not null, column_name text not null,
        geometry_type_name text not null, srs_id integer not null, z tinyint not null, m tinyint not null);
    create table parcel (fid integer primary key autoincrement not null, geom polygon, name text, area real);
    insert into gpkg_contents (table_name, data_type, identifier, srs_id) values ('parcel', 'features', 'parcel', 4326);
    insert into gpkg_geometry_columns values ('parcel', 'geom', 'POLYGON', 4326, 0, 0);
"""
CREATE = "create table parcel (fid bigint primary key, geom geometry(Polygon,4326), name text, area double precision)"


def square(number):
    """A closed ring of five points behind the header of a GeoPackage."""
    x, y = number % 3_600 / 10 - 180, number // 3_600 % 1_800 / 10 - 90
    ring = [x, y, x + .05, y, x + .05, y + .05, x, y + .05, x, y]
    return struct.pack("<2sBBi", b"GP", 0, 1, 4326) + struct.pack("<BIII10d", 1, 3, 1, 5, *ring)


def make(path, rows):
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(STANDARD)
    features = ((square(number), f"parcel {number}", number / 8) for number in range(rows))
    connection.executemany("insert into parcel (geom, name, area) values (?, ?, ?)", features)
    connection.commit()
    connection.close()


def geopackage(bench):
    target, path = bench.pair.target, bench.pair.work / "parcels.gpkg"
    bench.pair.target.create(DATABASE)
    try:
        target.run(DATABASE, "create extension postgis")
    except subprocess.CalledProcessError:
        say("geopackage: left out, since the target has no PostGIS")
        return bench.pair.drop(DATABASE)
    make(path, bench.rows)
    target.run(DATABASE, CREATE)
    first(bench, path)
    again(bench, path)
    bench.pair.drop(DATABASE)
    path.unlink()


def sync(bench, path, **expected):
    def run():
        bench.tool.run(f"sqlite://{path}", bench.pair.target.url(DATABASE))
        bench.tool.did(**expected)
    return run


def first(bench, path):
    target = bench.pair.target

    def empty():
        target.run(DATABASE, "truncate parcel", "drop table if exists sync_log, parcel_of_ogr", "checkpoint")

    contenders = [Contender(TOOL, sync(bench, path, inserted=bench.rows), empty)]
    if shutil.which("ogr2ogr"):
        # Into a table that it makes itself, without an index of places, as the other one.
        contenders.append(Contender("ogr2ogr", lambda: subprocess.run(
            ["ogr2ogr", "-f", "PostgreSQL", "-overwrite", "--config", "PG_USE_COPY", "YES", "-nln", "parcel_of_ogr",
             "-lco", "SPATIAL_INDEX=NONE",
             f"PG:host=127.0.0.1 port={target.port} user=postgres dbname={DATABASE}", str(path), "parcel"],
            check=True, stdout=subprocess.DEVNULL), empty))
    bench.measure("geopackage", f"{bench.rows:,} features, first copy", contenders)
    empty()
    sync(bench, path)()


def again(bench, path):
    def change(*statements):
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    def touch():
        change(f"pragma user_version = {10300 + int(time.time()) % 90}")

    bench.measure("geopackage", f"{bench.rows:,} features, touched but equal",
                  [Contender(TOOL, sync(bench, path, processed=0), touch)])

    def six():
        change("delete from parcel where fid in (select fid from parcel order by fid limit 3)",
               "update parcel set area = area + 1 where fid in (select fid from parcel order by fid desc limit 2)",
               "insert into parcel (geom, name, area) select geom, 'new', 1 from parcel limit 1")

    bench.measure("geopackage", f"{bench.rows:,} features, 3 deleted, 2 changed, 1 new",
                  [Contender(TOOL, sync(bench, path, deleted=3, updated=2, inserted=1), six)])


ALL = {"geopackage": geopackage}
