//! Tables that SpatiaLite keeps for itself: PostGIS has its own of the same names.

use rusqlite::Connection;

/// Those that no program would name so otherwise.
const OWN: &[&str] = &[
    "data_licenses",
    "elementarygeometries",
    "knn",
    "knn2",
    "rl2map_configurations",
    "spatialindex",
    "spatialite_history",
    "sql_statements_log",
];

/// The same by their beginning.
const FAMILIES: &[&str] = &[
    "geometry_columns",
    "iso_metadata",
    "raster_coverages",
    "se_raster_style",
    "se_vector_style",
    "spatial_ref_sys",
    "splite_metacatalog",
    "vector_coverages",
    "views_geometry_columns",
    "virts_geometry_columns",
];

/// Whether SpatiaLite has made its tables in a file.
pub fn is_spatialite(connection: &Connection) -> rusqlite::Result<bool> {
    let statement = "select count(*) = 2 from pragma_table_list where schema = 'main' and type = 'table' \
                     and name collate nocase in ('geometry_columns', 'spatial_ref_sys')";
    connection.query_row(statement, [], |row| row.get(0))
}

/// Whether a table of such a file is its own.
pub fn is_own(table: &str) -> bool {
    let table = table.to_ascii_lowercase();
    OWN.contains(&table.as_str()) || FAMILIES.iter().any(|begin| table.starts_with(begin))
}
