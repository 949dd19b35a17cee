//! What a GeoPackage says of itself: which tables are its own, and in which reference systems its layers are.

use rusqlite::Connection;

use super::values::{KINDS, Srids};
use crate::ident::{Ident, TableName};
use crate::source::ReferenceSystem;

/// Tables of the standard, and indexes of places.
pub fn is_own(table: &str) -> bool {
    let table = table.to_ascii_lowercase();
    table.starts_with("gpkg_") || table.starts_with("rtree_")
}

/// Whether a file has the tables that make it a GeoPackage with layers.
pub fn is_geopackage(connection: &Connection) -> rusqlite::Result<bool> {
    let statement = "select count(*) = 3 from pragma_table_list where schema = 'main' and name in \
                     ('gpkg_contents', 'gpkg_geometry_columns', 'gpkg_spatial_ref_sys')";
    connection.query_row(statement, [], |row| row.get(0))
}

/// A layer, and what the column of its geometries has to be on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub table: String,
    pub column: String,
    pub kind: String,
    pub srid: i32,
    pub z: Dimension,
    pub m: Dimension,
}

/// Whether geometries have a third or measured dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    Never,
    Always,
    /// Some may.
    Open,
}

impl Layer {
    /// The type that holds it: `geometry(PointZ,4326)`.
    pub fn type_text(&self) -> String {
        let Some(kind) = self.kind_number().filter(|_| self.modifier() != -1) else {
            return "geometry".to_owned();
        };
        let suffix = |dimension, letter| if dimension == Dimension::Always { letter } else { "" };
        let (z, m) = (suffix(self.z, "Z"), suffix(self.m, "M"));
        let srid = if self.srid > 0 { format!(",{}", self.srid) } else { String::new() };
        format!("geometry({}{z}{m}{srid})", KINDS[kind])
    }

    /// The same as PostGIS keeps it (`gserialized_typmod.c`); -1 for any geometry. A column takes one number of
    /// dimensions, or any if it says nothing of its kind.
    pub fn modifier(&self) -> i32 {
        let Some(kind) = self.kind_number() else { return -1 };
        if self.z == Dimension::Open || self.m == Dimension::Open {
            return -1;
        }
        let bit = |dimension, bit| if dimension == Dimension::Always { bit } else { 0 };
        let kind = i32::try_from(kind).unwrap_or_default();
        let modifier = self.srid.max(0) << 8 | kind << 2 | bit(self.z, 2) | bit(self.m, 1);
        if modifier == 0 { -1 } else { modifier }
    }

    /// Whether it is about this column; names have no case.
    pub fn is_of(&self, table: &Ident, column: &Ident) -> bool {
        self.table.eq_ignore_ascii_case(table.as_str())
            && self.column.eq_ignore_ascii_case(column.as_str())
    }

    /// The same for geometries of any kind.
    pub fn of_any_kind(self) -> Self {
        Self { kind: KINDS[0].to_owned(), ..self }
    }

    /// The same for geometries of any kind, number of dimensions and reference system.
    pub fn of_any(self) -> Self {
        Self { z: Dimension::Open, m: Dimension::Open, ..self }
    }

    fn kind_number(&self) -> Option<usize> {
        KINDS.iter().position(|kind| kind.eq_ignore_ascii_case(&self.kind))
    }
}

/// The layers of the file, with the reference system of each. Only for a file that is a GeoPackage.
///
/// # Errors
/// SQLite's.
pub fn layers(connection: &Connection) -> rusqlite::Result<Vec<Layer>> {
    let statement = "select g.table_name, g.column_name, g.geometry_type_name, g.z, g.m, \
                     case when s.srs_id > 0 then s.organization_coordsys_id else 0 end \
                     from gpkg_geometry_columns g left join gpkg_spatial_ref_sys s on s.srs_id = g.srs_id";
    let dimension = |number: i64| match number {
        0 => Dimension::Never,
        1 => Dimension::Always,
        _ => Dimension::Open,
    };
    let mut statement = connection.prepare(statement)?;
    let layers = statement.query_map([], |row| {
        Ok(Layer {
            table: row.get(0)?,
            column: row.get(1)?,
            kind: row.get(2)?,
            z: dimension(row.get(3)?),
            m: dimension(row.get(4)?),
            srid: row.get(5)?,
        })
    })?;
    layers.collect()
}

/// The SRID on the target of each reference system: the number that its authority has given it.
pub fn srids(connection: &Connection) -> rusqlite::Result<Srids> {
    let statement = "select srs_id, organization_coordsys_id from gpkg_spatial_ref_sys";
    let mut statement = connection.prepare(statement)?;
    let srids = statement.query_map([], |row| {
        let (id, code): (i32, i32) = (row.get(0)?, row.get(1)?);
        // These two are of no authority: undefined, on a plane and on a globe.
        Ok((id, if matches!(id, -1 | 0) { 0 } else { code }))
    })?;
    srids.collect()
}

/// The reference systems of the layers.
pub fn systems(connection: &Connection, schema: &Ident) -> rusqlite::Result<Vec<ReferenceSystem>> {
    let statement = "select g.table_name, s.organization_coordsys_id, s.organization, s.definition \
                     from gpkg_geometry_columns g join gpkg_spatial_ref_sys s on s.srs_id = g.srs_id \
                     where s.srs_id not in (-1, 0) order by 1";
    let mut statement = connection.prepare(statement)?;
    let systems = statement.query_map([], |row| {
        let table: String = row.get(0)?;
        Ok(ReferenceSystem {
            table: TableName { schema: schema.clone(), name: Ident::new(table) },
            srid: row.get(1)?,
            authority: row.get(2)?,
            definition: row.get(3)?,
        })
    })?;
    systems.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_systems_have_the_numbers_of_their_authorities() {
        let file = Connection::open_in_memory().expect("a database");
        let made = file.execute_batch(
            "create table gpkg_contents (table_name text); \
             create table gpkg_geometry_columns (table_name text, column_name text, \
               geometry_type_name text, srs_id integer, z integer, m integer); \
             create table gpkg_spatial_ref_sys (srs_id integer, organization text, \
               organization_coordsys_id integer, definition text); \
             insert into gpkg_spatial_ref_sys values (-1, 'NONE', -1, 'undefined'), (0, 'NONE', 0, 'undefined'), \
               (7, 'EPSG', 4326, 'GEOGCS'); \
             insert into gpkg_geometry_columns values ('a', 'geom', 'POINT', 7, 1, 0), \
               ('b', 'geom', 'GEOMETRY', 0, 2, 0), \
               ('c', 'geom', 'GEOMETRY', 0, 0, 0), ('d', 'geom', 'MULTIPOLYGON', 0, 0, 0)",
        );
        made.expect("tables");
        assert!(is_geopackage(&file).expect("an answer"));
        assert_eq!(srids(&file).expect("numbers"), Srids::from([(-1, 0), (0, 0), (7, 4326)]));
        let systems = systems(&file, &Ident::new("public")).expect("systems");
        assert_eq!(systems.len(), 1);
        let types: Vec<String> =
            layers(&file).expect("layers").iter().map(Layer::type_text).collect();
        assert_eq!(
            types,
            ["geometry(PointZ,4326)", "geometry", "geometry", "geometry(MultiPolygon)"]
        );
        let point = Layer {
            table: String::new(),
            column: String::new(),
            kind: "POINT".to_owned(),
            srid: 4326,
            z: Dimension::Never,
            m: Dimension::Never,
        };
        assert_eq!(point.modifier(), 1_107_460);
        assert_eq!((systems[0].table.name.as_str(), systems[0].srid), ("a", 4326));
    }
}
