//! What tables on the target are made of, going by a file: columns, keys, indexes and foreign keys, in the words
//! in which a server describes its own.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::catalog::{Catalog, Details, IndexDetails};
use super::values::{CreatedDefault, CreatedType, created_default};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::schema_object::text::Name;
use crate::schema_object::{Definitions, Object};
use crate::table::{Column, ForeignKey, Table};

/// The longest name that a server keeps.
const LONGEST: usize = 63;

/// Columns that every table has.
const OF_THE_SYSTEM: &[&str] = &["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// Why a table cannot be made with columns of these names; none where it can.
pub fn unusable(table: &Ident, columns: &[Ident]) -> Option<String> {
    if table.as_str().is_empty() || columns.iter().any(|name| name.as_str().is_empty()) {
        return Some(
            "a table or a column without a name cannot be on the target: exclude it".to_owned(),
        );
    }
    let long = [table].into_iter().chain(columns).find(|name| name.as_str().len() > LONGEST);
    if let Some(long) = long {
        return Some(format!(
            "PostgreSQL keeps {LONGEST} bytes of a name, and \"{}\" is longer: give it a shorter one on the target \
             (targetTable, rename), or leave it out",
            long.as_str()
        ));
    }
    let own = columns.iter().find(|name| OF_THE_SYSTEM.contains(&name.as_str()))?;
    Some(format!(
        "every table of PostgreSQL has a column \"{}\" of its own: give this one another name (rename), or leave it out \
         (excludeColumns)",
        own.as_str()
    ))
}

/// What stays undone, by table.
pub type LeftOut = Vec<(TableName, String)>;

/// The objects of all tables. Names in the schemas of `path` have no schema.
///
/// # Errors
/// [`Error::Internal`], where a description cannot be read.
pub fn of(catalog: &Catalog, path: &[Ident]) -> Result<Definitions> {
    let mut found = Vec::new();
    let tables = catalog.tables.iter().zip(&catalog.details);
    for (table, details) in tables.filter(|(table, _)| is_named(table)) {
        let writer = Writer { table, details, path };
        found.push(writer.schema());
        found.push(writer.table());
        found.extend(writer.keys());
        found.extend(writer.indexes());
        let keys = catalog.foreign_keys.iter().filter(|key| key.child == table.name);
        found.extend(keys.map(|key| writer.foreign_key(key)));
    }
    let read = |described: Value| {
        serde_json::from_value::<Object>(described)
            .map_err(|error| Error::Internal(format!("a table cannot be described: {error}")))
    };
    let mut objects: Vec<Object> = Vec::new();
    for described in found {
        let object = read(described)?;
        if objects.iter().all(|other| other.node != object.node) {
            objects.push(object);
        }
    }
    Ok(Definitions::new(objects, Default::default()))
}

/// What of the tables that `is_made` says cannot be had on the target.
pub fn left_out(catalog: &Catalog, is_made: impl Fn(&TableName) -> bool) -> LeftOut {
    let mut left_out = Vec::new();
    let tables = catalog.tables.iter().zip(&catalog.details);
    for (table, details) in tables.filter(|(table, _)| is_made(&table.name)) {
        for (column, found) in table.columns.iter().zip(&details.columns) {
            if let Some(written) = &found.default
                && created_default(written, &created(column)) == CreatedDefault::LeftOut
            {
                let text = format!(
                    "the default of column \"{}\" is left out: it is no constant of its type (default {written})",
                    column.name.as_str()
                );
                left_out.push((table.name.clone(), text));
            }
        }
        for index in details.indexes.iter().filter(|index| !can_be_made(index)) {
            let text = format!(
                "the index {} is left out: it is partial, or one over expressions",
                index.name
            );
            left_out.push((table.name.clone(), text));
        }
    }
    left_out
}

/// Whether the table and its columns have names: SQLite takes empty ones.
fn is_named(table: &Table) -> bool {
    let mut names = table.columns.iter().map(|column| &column.name).chain([&table.name.name]);
    names.all(|name| !name.as_str().is_empty())
}

fn can_be_made(index: &IndexDetails) -> bool {
    !index.is_partial && index.columns.iter().all(|column| column.name.is_some())
}

/// Writes down one table.
struct Writer<'w> {
    table: &'w Table,
    details: &'w Details,
    path: &'w [Ident],
}

impl Writer<'_> {
    fn printed(&self, schema: &Ident, name: &Ident) -> String {
        let schema = Some(schema).filter(|schema| !self.path.contains(schema)).cloned();
        Name { schema, name: name.clone() }.printed()
    }

    fn id(&self) -> String {
        self.printed(&self.table.name.schema, &self.table.name.name)
    }

    fn root(&self) -> Value {
        named(&self.table.name)
    }

    fn schema(&self) -> Value {
        let schema = &self.table.name.schema;
        let id = Name { schema: None, name: schema.clone() }.printed();
        json!({
            "node": format!("schema/{id}"), "kind": "schema", "id": id, "schema": schema,
        })
    }

    fn table(&self) -> Value {
        let columns = self.table.columns.iter().zip(&self.details.columns);
        let columns: Vec<Value> = columns
            .map(|(column, details)| self.column(column, details.default.as_deref()))
            .collect();
        let schema = Name { schema: None, name: self.table.name.schema.clone() }.printed();
        json!({
            "node": format!("table/{}", self.id()), "kind": "table", "id": self.id(),
            "name": self.root(), "root": self.root(), "needs": [format!("schema/{schema}")],
            "definition": {
                "unlogged": false, "partition": false, "partition_by": null, "inherits": [], "options": [],
                "checks": [], "owns": [], "columns": columns,
            },
        })
    }

    fn column(&self, column: &Column, default: Option<&str>) -> Value {
        let is_built_in = column.is_built_in();
        let identity = self.numbered().filter(|own| **own == column.name).map(|own| {
            let name = object_name(&self.called(), &own.as_str().to_ascii_lowercase(), "seq");
            json!({
                "always": false, "name": self.printed(&self.table.name.schema, &name), "start": 1,
                "increment": 1, "least": 1, "greatest": i64::MAX, "cache": 1, "cycle": false,
            })
        });
        let default = default.filter(|_| identity.is_none());
        let default = default.map(|written| created_default(written, &created(column)));
        let default = match default {
            Some(CreatedDefault::Expression(expression)) => Some(expression),
            _ => None,
        };
        // PostGIS reads its limits from words.
        let words = column.type_text.strip_prefix(column.type_name.as_str());
        let words = words.filter(|words| !is_built_in && !words.is_empty());
        let schema = Some(&column.type_schema).filter(|schema| !self.path.contains(schema));
        json!({
            "name": column.name, "type": column.type_text,
            "kind": {
                "schema": schema, "name": column.type_name, "array": false,
                "modifier": column.type_modifier,
                "printed": words,
            },
            "built_in": is_built_in.then_some(&column.type_name), "modifier": column.type_modifier,
            "collation": null, "not_null": column.not_null, "local": true, "default": default,
            "generated": null, "virtual": false, "identity": identity, "storage": null,
            "compression": null, "statistics": null, "options": [], "comment": null,
        })
    }

    /// The column whose numbers never come again.
    fn numbered(&self) -> Option<&Ident> {
        self.details.autoincrement?;
        let key = self.table.keys.iter().find(|key| key.primary)?;
        key.columns.first().map(|column| &column.name)
    }

    /// The name of the table on the target: what belongs to it is named after it, as two files may have tables of
    /// one name.
    fn called(&self) -> String {
        match &self.details.called {
            Some(called) => called.as_str().to_owned(),
            None => self.table.name.name.as_str().to_ascii_lowercase(),
        }
    }

    fn keys(&self) -> Vec<Value> {
        let table = self.called();
        let mut names = Names::default();
        let primary = self.table.keys.iter().filter(|key| key.primary).map(|key| {
            let columns: Vec<&str> =
                key.columns.iter().map(|column| column.name.as_str()).collect();
            self.key(&names.distinct(&table, "", "pkey"), true, &columns)
        });
        let primary: Vec<Value> = primary.collect();
        let constraints = self.details.indexes.iter().filter(|index| index.is_constraint);
        let mut constraints: Vec<&IndexDetails> = constraints.collect();
        // The file names them by their place in the table.
        constraints.sort_by_key(|index| (index.name.as_str().len(), index.name.as_str()));
        let unique = constraints.into_iter().map(|index| {
            let columns = self.columns_of(index);
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let name = names.distinct(&table, &columns.join("_").to_ascii_lowercase(), "key");
            self.key(&name, false, &columns)
        });
        primary.into_iter().chain(unique).collect()
    }

    /// The columns of an index, by the names that they get.
    fn columns_of(&self, index: &IndexDetails) -> Vec<String> {
        let names = index.columns.iter().flat_map(|column| &column.name);
        let settled = |name: &String| {
            let mut own = self.table.columns.iter().map(|column| column.name.as_str());
            own.find(|own| own.eq_ignore_ascii_case(name)).unwrap_or(name).to_owned()
        };
        names.map(settled).collect()
    }

    fn key(&self, name: &Ident, primary: bool, columns: &[&str]) -> Value {
        let own = Name { schema: None, name: name.clone() }.printed();
        json!({
            "node": format!("constraint/{} {own}", self.id()), "kind": "key",
            "id": format!("{} {own}", self.id()), "own": name, "table": self.id(), "root": self.root(),
            "index": self.index_settings(name),
            "make": {"key": {
                "primary": primary, "columns": columns, "include": [], "nulls_not_distinct": false,
                "without_overlaps": false, "deferrable": false, "deferred": false,
            }},
        })
    }

    fn index_settings(&self, name: &Ident) -> Value {
        json!({
            "name": self.printed(&self.table.name.schema, name), "options": [], "clustered": false,
            "replica_identity": false, "statistics": [], "comment": null,
        })
    }

    fn indexes(&self) -> Vec<Value> {
        let own = self.details.indexes.iter();
        let made = own.filter(|index| !index.is_constraint && can_be_made(index));
        let mut made: Vec<&IndexDetails> = made.collect();
        made.sort_by_key(|index| index.name.as_str());
        let mut names = Names::default();
        made.into_iter().map(|index| self.index(index, &mut names)).collect()
    }

    fn index(&self, index: &IndexDetails, names: &mut Names) -> Value {
        let own = index.name.as_str().to_ascii_lowercase();
        let name = match &self.details.called {
            Some(called) => names.distinct(called.as_str(), &own, ""),
            None => names.distinct(&own, "", ""),
        };
        let columns = self.columns_of(index);
        let elements = columns.iter().zip(&index.columns);
        let elements: Vec<Value> = elements
            .map(|(name, column)| {
                json!({
                    "column": name, "expression": null, "collation": null, "opclass": null, "options": [],
                    "descending": column.descending, "nulls_first": column.descending,
                })
            })
            .collect();
        let id = self.printed(&self.table.name.schema, &name);
        json!({
            "node": format!("index/{id}"), "kind": "index", "id": id, "table": self.id(),
            "root": self.root(), "index": self.index_settings(&name),
            "make": {"index": {
                "unique": index.unique, "only": false, "method": "btree", "elements": elements,
                "include": [], "nulls_not_distinct": false, "options": [], "predicate": null,
            }},
        })
    }

    fn foreign_key(&self, key: &ForeignKey) -> Value {
        let name = Ident::new(cut(&key.name.as_str().to_ascii_lowercase(), LONGEST));
        let own = Name { schema: None, name: name.clone() }.printed();
        json!({
            "node": format!("constraint/{} {own}", self.id()), "kind": "foreign_key",
            "id": format!("{} {own}", self.id()), "own": name, "table": self.id(), "root": self.root(),
            "parent": named(&key.parent), "validate": true,
            "make": {"foreign_key": {
                "partitioned": false, "columns": key.child_columns,
                "parent": self.printed(&key.parent.schema, &key.parent.name),
                "parent_columns": key.parent_columns, "match_full": false,
                "on_update": key.on_update, "on_delete": key.on_delete, "set_columns": [],
                "validated": true, "enforced": true, "period": false, "deferrable": false,
                "deferred": false,
            }},
        })
    }
}

fn named(table: &TableName) -> Value {
    json!({"schema": table.schema, "name": table.name})
}

/// The type of a column that is made.
fn created(column: &Column) -> CreatedType {
    CreatedType {
        name: known(column.type_name.as_str()),
        modifier: column.type_modifier,
        text: column.type_text.clone(),
        departure: None,
    }
}

/// The same name, of those that are made.
fn known(name: &str) -> &'static str {
    const MADE: &[&str] = &[
        "bool",
        "bytea",
        "date",
        "float4",
        "float8",
        "int2",
        "int4",
        "int8",
        "json",
        "numeric",
        "text",
        "time",
        "timestamp",
        "timestamptz",
        "uuid",
        "varchar",
    ];
    MADE.iter().find(|made| **made == name).copied().unwrap_or("text")
}

/// The name of what belongs to a table, made as PostgreSQL makes it: of what is too long, the longer one of both names is
/// cut, and never the `label`.
fn object_name(table: &str, columns: &str, label: &str) -> Ident {
    let parts = [columns, label].into_iter().filter(|part| !part.is_empty()).count();
    let room = LONGEST - label.len() - parts;
    let (mut first, mut second) = (table.len(), columns.len());
    while first + second > room {
        if first > second { first -= 1 } else { second -= 1 }
    }
    let words = [cut(table, first), cut(columns, second), label.to_owned()];
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    Ident::new(words.join("_"))
}

/// Names that a table has given already.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// As [`object_name`], with a number behind the label where the name is taken, as PostgreSQL does it.
    fn distinct(&mut self, table: &str, columns: &str, label: &str) -> Ident {
        let number = |n: usize| if n == 0 { String::new() } else { n.to_string() };
        let mut names =
            (0..).map(|n| object_name(table, columns, &format!("{label}{}", number(n))));
        names
            .find(|name| self.0.insert(name.as_str().to_owned()))
            .unwrap_or_else(|| object_name(table, columns, label))
    }
}

/// So much of a name as has room in so many bytes.
fn cut(name: &str, bytes: usize) -> String {
    name[..name.floor_char_boundary(bytes)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_table_is_named_as_postgresql_names_it() {
        let long = "n".repeat(63);
        let name = |table: &str, columns: &str, label: &str| {
            object_name(table, columns, label).as_str().to_owned()
        };
        assert_eq!(name("North", "", "pkey"), "North_pkey");
        assert_eq!(name("item", "a_b", "key"), "item_a_b_key");
        assert_eq!(name(&long, "", "pkey"), format!("{}_pkey", "n".repeat(58)));
        // As `create table` with a column of 63 bytes, too, names its unique constraint.
        assert_eq!(
            name(&long, &"c".repeat(63), "key"),
            format!("{}_{}_key", "n".repeat(29), "c".repeat(29))
        );
        assert_eq!(name(&"ä".repeat(31), "", "pkey"), format!("{}_pkey", "ä".repeat(29)));
        assert_eq!(name(&long, "own", ""), format!("{}_own", "n".repeat(59)));
        let mut names = Names::default();
        let mut distinct = |columns: &str| names.distinct("t", columns, "key").as_str().to_owned();
        assert_eq!(distinct("a"), "t_a_key");
        assert_eq!(distinct("a"), "t_a_key1");
        assert_eq!(distinct("b"), "t_b_key");
    }
}
