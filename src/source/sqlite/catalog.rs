//! What a file says of its tables, in the terms of `crate::table`.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use super::geopackage::{self, Layer};
use super::references::LostReference;
use super::spatialite;
use super::values::Srids;
use crate::ident::{Ident, OperatorName, TableName};
use crate::source::ReferenceSystem;
use crate::table::{
    Column, ForeignKey, Key, KeyColumn, ObjectName, Operator, OtherRelation, Table, Unique,
};

/// The tables of a file, by the names that it gives them, in a schema.
#[derive(Debug, Default)]
pub struct Catalog {
    pub tables: Vec<Table>,
    pub foreign_keys: Vec<ForeignKey>,
    pub lost_references: Vec<LostReference>,
    /// What somebody may take for one of the tables.
    pub others: Vec<OtherRelation>,
    /// What tables that are made of them need to know, in the same order.
    pub details: Vec<Details>,
    /// Of a GeoPackage.
    pub srids: Option<Arc<Srids>>,
    pub layers: Vec<Layer>,
    pub systems: Vec<ReferenceSystem>,
}

/// What a file says of a table beside that.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// What a rule calls the table on the target, if one does.
    pub called: Option<Ident>,
    pub columns: Vec<ColumnDetails>,
    /// Whether its integer key never takes a number again (AUTOINCREMENT), and the last one that it took.
    pub autoincrement: Option<i64>,
    pub indexes: Vec<IndexDetails>,
}

/// How a column is declared.
#[derive(Clone, Debug)]
pub struct ColumnDetails {
    pub declared: String,
    /// As it is written.
    pub default: Option<String>,
}

/// An index that is no primary key.
#[derive(Clone, Debug)]
pub struct IndexDetails {
    pub name: String,
    pub unique: bool,
    pub is_partial: bool,
    /// Whether it comes from a UNIQUE constraint, and has no name of its own.
    pub is_constraint: bool,
    pub columns: Vec<IndexedColumn>,
}

/// One column of an index; without a name it is an expression.
#[derive(Clone, Debug)]
pub struct IndexedColumn {
    pub name: Option<String>,
    pub descending: bool,
}

/// A column as SQLite has it.
struct Found {
    name: String,
    declared: String,
    not_null: bool,
    default: Option<String>,
    /// Its place in the primary key, from 1 on; 0 for none.
    key_place: i64,
}

/// An index that no two rows are alike in.
struct FoundIndex {
    name: String,
    is_partial: bool,
}

type Read<T> = rusqlite::Result<T>;

/// Reads all tables but those that SQLite and its extensions keep for themselves; of rows it reads none.
pub fn read(connection: &Connection, schema: &Ident, bytes: u64) -> Read<Catalog> {
    let mut names = texts(
        connection,
        "select name from pragma_table_list where schema = 'main' and type = 'table' \
         and name not like 'sqlite\\_%' escape '\\' order by name",
    )?;
    let mut catalog = Catalog::default();
    if geopackage::is_geopackage(connection)? {
        names.retain(|name| !geopackage::is_own(name));
        catalog.srids = Some(Arc::new(geopackage::srids(connection)?));
        catalog.layers = geopackage::layers(connection)?;
        catalog.systems = geopackage::systems(connection, schema)?;
    }
    if spatialite::is_spatialite(connection)? {
        names.retain(|name| !spatialite::is_own(name));
    }
    for name in &names {
        let found = columns(connection, name)?;
        catalog.tables.push(table(connection, schema, name, &found)?);
        catalog.details.push(details(connection, name, &found)?);
    }
    catalog.others = others(connection, schema, &names)?;
    // How large each table is shows only what lies outside of the schema: see `size`.
    let share = bytes / catalog.tables.len().max(1) as u64;
    catalog.tables.iter_mut().for_each(|table| table.bytes = share);
    for name in &names {
        for reference in foreign_keys(connection, schema, name, &catalog.tables)? {
            match reference {
                Ok(key) => catalog.foreign_keys.push(key),
                Err(lost) => catalog.lost_references.push(lost),
            }
        }
    }
    Ok(catalog)
}

/// What else has a name, with what it is.
fn others(connection: &Connection, schema: &Ident, tables: &[String]) -> Read<Vec<OtherRelation>> {
    let statement = "select name, case type when 'table' then 'a table of the file''s own' \
                     when 'shadow' then 'a table of a virtual table' when 'virtual' then 'a virtual table' \
                     else 'a view' end from pragma_table_list where schema = 'main' order by name";
    let read = |row: &Row| {
        let name = TableName { schema: schema.clone(), name: Ident::new(row.get::<_, String>(0)?) };
        Ok(OtherRelation { name, kind: Some(row.get(1)?) })
    };
    let mut statement = connection.prepare(statement)?;
    let mut others: Vec<OtherRelation> = statement.query_map([], read)?.collect::<Read<_>>()?;
    others.retain(|one| !tables.iter().any(|table| one.name.name.as_str() == table));
    Ok(others)
}

fn texts(connection: &Connection, statement: &str) -> Read<Vec<String>> {
    connection.prepare(statement)?.query_map([], |row| row.get(0))?.collect()
}

fn table(connection: &Connection, schema: &Ident, name: &str, found: &[Found]) -> Read<Table> {
    let keys = keys(connection, name, found)?;
    Ok(Table {
        oid: 0,
        name: TableName { schema: schema.clone(), name: Ident::new(name) },
        partitioned: false,
        partition_tree: false,
        hypertables: false,
        inherited_by: Vec::new(),
        of_type: None,
        rows: -1.0,
        bytes: 0,
        pages: 0,
        storage: String::new(),
        columns: Arc::new(found.iter().map(column).collect()),
        keys,
        uniques: uniques(connection, name)?,
        checks: Vec::new(),
        sequences: Vec::new(),
        triggers: Vec::new(),
        rules: Vec::new(),
        owned: true,
        row_security: false,
        subscribed: false,
        fed: String::new(),
        missing_privileges: Vec::new(),
        partial_privileges: Vec::new(),
        hidden_columns: Vec::new(),
    })
}

fn details(connection: &Connection, table: &str, found: &[Found]) -> Read<Details> {
    let columns = found.iter();
    let columns = columns.map(|column| ColumnDetails {
        declared: column.declared.clone(),
        default: column.default.clone(),
    });
    let statement = "select name, \"unique\", partial, origin = 'u' from pragma_index_list(?1) \
                     where origin <> 'pk' order by name";
    let index = |row: &Row<'_>| {
        Ok(IndexDetails {
            name: row.get(0)?,
            unique: row.get(1)?,
            is_partial: row.get(2)?,
            is_constraint: row.get(3)?,
            columns: Vec::new(),
        })
    };
    let indexes =
        connection.prepare(statement)?.query_map([table], index)?.collect::<Read<Vec<_>>>()?;
    let statement = "select name, \"desc\" from pragma_index_xinfo(?1) where key order by seqno";
    let column = |row: &Row<'_>| Ok(IndexedColumn { name: row.get(0)?, descending: row.get(1)? });
    let indexes = indexes.into_iter().map(|index| {
        let mut statement = connection.prepare(statement)?;
        let columns = statement.query_map([&index.name], column)?.collect::<Read<_>>()?;
        Ok(IndexDetails { columns, ..index })
    });
    Ok(Details {
        called: None,
        columns: columns.collect(),
        autoincrement: autoincrement(connection, table)?,
        indexes: indexes.collect::<Read<_>>()?,
    })
}

fn autoincrement(connection: &Connection, table: &str) -> Read<Option<i64>> {
    let written = "select coalesce(sql, '') from sqlite_schema where type = 'table' and name = ?1";
    let written: String = connection.query_row(written, [table], |row| row.get(0))?;
    if !written.to_ascii_uppercase().contains("AUTOINCREMENT") {
        return Ok(None);
    }
    let last = "select coalesce(max(seq), 0) from sqlite_sequence where name = ?1";
    connection.query_row(last, [table], |row| row.get(0)).map(Some)
}

fn columns(connection: &Connection, table: &str) -> Read<Vec<Found>> {
    // Hidden columns of virtual tables are 1; what is generated, 2 and 3, is read as a value.
    let statement = "select name, type, \"notnull\", dflt_value, pk from pragma_table_xinfo(?1) \
                     where hidden <> 1 order by cid";
    let found = |row: &Row<'_>| {
        Ok(Found {
            name: row.get(0)?,
            declared: row.get(1)?,
            not_null: row.get(2)?,
            default: row.get(3)?,
            key_place: row.get(4)?,
        })
    };
    connection.prepare(statement)?.query_map([table], found)?.collect()
}

fn column(found: &Found) -> Column {
    Column {
        name: Ident::new(&*found.name),
        type_schema: Ident::new("pg_catalog"),
        type_name: Ident::new("text"),
        type_text: "text".to_owned(),
        type_modifier: -1,
        not_null: found.not_null || found.key_place > 0,
        generated: false,
        identity_always: false,
        identity: false,
        has_default: found.default.is_some(),
        // Text of timestamps has no order of its own: tables are compared.
        unindexed: true,
        inherited: false,
        nondeterministic: false,
        floats: None,
        output: Some(Ident::new("textout")),
        type_oid: 25,
        parts: Vec::new(),
        definition: found.declared.clone(),
    }
}

/// The primary key, and unique indexes over all rows whose columns are never NULL.
fn keys(connection: &Connection, table: &str, columns: &[Found]) -> Read<Vec<Key>> {
    let mut primary: Vec<&Found> = columns.iter().filter(|column| column.key_place > 0).collect();
    primary.sort_by_key(|column| column.key_place);
    let mut keys = Vec::new();
    if !primary.is_empty() {
        let names = primary.iter().map(|column| column.name.as_str());
        keys.push(key(&format!("{table}_pkey"), true, names));
    }
    for index in unique_indexes(connection, table, false)? {
        let names = index_columns(connection, &index.name)?;
        let is_complete = |name: &Option<String>| {
            let column = columns.iter().find(|column| Some(&column.name) == name.as_ref());
            column.is_some_and(|column| column.not_null || column.key_place > 0)
        };
        if !index.is_partial && names.iter().all(is_complete) {
            keys.push(key(&index.name, false, names.iter().flatten().map(String::as_str)));
        }
    }
    Ok(keys)
}

fn key<'n>(index: &str, primary: bool, names: impl Iterator<Item = &'n str>) -> Key {
    let Operator { schema, name } = equals();
    let columns = names.map(|column| KeyColumn {
        name: Ident::new(column),
        equals_schema: schema.clone(),
        equals_name: name.clone(),
        opclass: ObjectName { schema: schema.clone(), name: Ident::new("text_ops") },
        collation: None,
        nondeterministic: false,
        as_column: true,
    });
    let (index, columns) = (Ident::new(index), columns.collect());
    Key { index, primary, deferrable: false, replica_identity: false, columns }
}

fn equals() -> Operator {
    let name = OperatorName::try_from("=".to_owned()).unwrap_or_else(|_| unreachable!("a sign"));
    Operator { schema: Ident::new("pg_catalog"), name }
}

fn uniques(connection: &Connection, table: &str) -> Read<Vec<Unique>> {
    let mut uniques = Vec::new();
    for index in unique_indexes(connection, table, false)? {
        let columns = index_columns(connection, &index.name)?;
        if index.is_partial || columns.iter().any(Option::is_none) {
            continue;
        }
        uniques.push(Unique {
            name: Ident::new(&*index.name),
            exclusion: false,
            constraint: false,
            deferrable: false,
            nulls_distinct: true,
            columns: columns.into_iter().flatten().map(Ident::new).collect(),
        });
    }
    Ok(uniques)
}

fn unique_indexes(connection: &Connection, table: &str, primary: bool) -> Read<Vec<FoundIndex>> {
    let statement = "select name, partial from pragma_index_list(?1) \
                     where \"unique\" and (origin = 'pk') = ?2 order by seq";
    let found = |row: &Row<'_>| Ok(FoundIndex { name: row.get(0)?, is_partial: row.get(1)? });
    connection.prepare(statement)?.query_map(params![table, primary], found)?.collect()
}

/// The columns of an index; none for an expression.
fn index_columns(connection: &Connection, index: &str) -> Read<Vec<Option<String>>> {
    let statement = "select name from pragma_index_info(?1) order by seqno";
    connection.prepare(statement)?.query_map([index], |row| row.get(0))?.collect()
}

/// One column of a foreign key as SQLite lists them.
struct FoundReference {
    id: i64,
    parent: String,
    from: String,
    to: Option<String>,
    on_update: String,
    on_delete: String,
}

fn foreign_keys(
    connection: &Connection,
    schema: &Ident,
    table: &str,
    tables: &[Table],
) -> Read<Vec<Result<ForeignKey, LostReference>>> {
    let statement = "select id, \"table\", \"from\", \"to\", on_update, on_delete \
                     from pragma_foreign_key_list(?1) order by id, seq";
    let found = |row: &Row<'_>| {
        Ok(FoundReference {
            id: row.get(0)?,
            parent: row.get(1)?,
            from: row.get(2)?,
            to: row.get(3)?,
            on_update: row.get(4)?,
            on_delete: row.get(5)?,
        })
    };
    let found: Vec<FoundReference> =
        connection.prepare(statement)?.query_map([table], found)?.collect::<Read<_>>()?;
    let by_name: HashMap<String, &Table> =
        tables.iter().map(|table| (table.name.name.as_str().to_ascii_lowercase(), table)).collect();
    let child = TableName { schema: schema.clone(), name: Ident::new(table) };
    let key = |columns: &[FoundReference]| {
        let first = columns.first()?;
        // SQLite takes a reference to a table that is not there.
        let parent = by_name.get(&first.parent.to_ascii_lowercase())?;
        let primary = parent.keys.iter().find(|key| key.primary);
        let to = columns.iter().enumerate().map(|(place, column)| match &column.to {
            Some(name) => Some(Ident::new(&**name)),
            None => Some(primary?.columns.get(place)?.name.clone()),
        });
        let from: Vec<Ident> = columns.iter().map(|column| Ident::new(&*column.from)).collect();
        let names: Vec<&str> = from.iter().map(Ident::as_str).collect();
        Some(ForeignKey {
            name: Ident::new(format!("{table}_{}_fkey", names.join("_"))),
            child: child.clone(),
            parent: parent.name.clone(),
            parent_columns: to.collect::<Option<_>>()?,
            on_delete: action(&first.on_delete),
            on_update: action(&first.on_update),
            deferrable: false,
            // SQLite looks at rows only where a connection asks for it.
            validated: true,
            equals: from.iter().map(|_| equals()).collect(),
            child_columns: from,
        })
    };
    let read = |columns: &[FoundReference]| {
        key(columns).ok_or_else(|| LostReference {
            child: child.clone(),
            columns: columns.iter().map(|column| column.from.clone()).collect(),
            parent: columns.first().map_or_else(String::new, |first| first.parent.clone()),
        })
    };
    Ok(found.chunk_by(|one, other| one.id == other.id).map(read).collect())
}

/// As `confdeltype` has it.
fn action(words: &str) -> char {
    match words {
        "RESTRICT" => 'r',
        "CASCADE" => 'c',
        "SET NULL" => 'n',
        "SET DEFAULT" => 'd',
        _ => 'a',
    }
}
