//! Outlines between servers that the integration tests do not have.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::ident::TableName;
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::{Definitions, Object};

fn definitions(default: &str, with_index: bool) -> Definitions {
    let root = json!({"schema": "public", "name": "item"});
    let column = json!({"name": "n", "type": "integer",
        "kind": {"schema": "pg_catalog", "name": "int4", "array": false, "modifier": -1, "printed": null}, "built_in": "int4", "modifier": -1, "collation": null,
        "not_null": false, "local": true, "default": default, "generated": null, "virtual": false,
        "identity": null, "storage": null, "compression": null, "statistics": null, "options": [], "comment": null});
    let definition = json!({"unlogged": false, "partition": false, "partition_by": null, "inherits": [],
        "options": [], "checks": [], "owns": [], "columns": [column]});
    let table = json!({"node": "1", "kind": "table", "id": "public.item", "name": root, "root": root,
        "definition": definition});
    let element = json!({"column": "n", "expression": null, "collation": null, "opclass": null, "options": [],
        "descending": false, "nulls_first": false});
    let make = json!({"index": {"unique": true, "only": false, "method": "btree", "elements": [element],
        "include": [], "nulls_not_distinct": true, "options": [], "predicate": null}});
    let index = json!({"node": "2", "kind": "index", "id": "public.once", "table": "public.item", "root": root,
        "since": 150_000, "make": make});
    let object = |value: Value| serde_json::from_value::<Object>(value).expect("an object");
    let index = with_index.then(|| object(index));
    Definitions::new(std::iter::once(object(table)).chain(index).collect(), HashMap::new())
}

fn outline(version: u32, alike: bool) -> SchemaPlan {
    let (source, target) = (definitions("1", true), definitions("2", false));
    let name = TableName::new("public", "item");
    let created_by_pgsync = HashSet::from([name.clone()]);
    let selected = [&name];
    let ask = DiffInput {
        source: &source,
        target: &target,
        selected: &selected,
        created_by_pgsync: &created_by_pgsync,
        version,
        alike,
        reset: false,
        renamed: None,
    };
    ask.outline()
}

#[test]
fn what_an_older_target_lacks_is_left_out_and_named() {
    let schema_plan = outline(140_000, false);
    let text = "index public.once is left out: the target would have to be PostgreSQL 15 or later";
    assert_eq!(schema_plan.left_out, [(TableName::new("public", "item"), text.to_owned())]);
    assert_eq!(schema_plan.steps().count(), 0, "texts of another version are not compared");
}

#[test]
fn between_servers_that_word_things_alike_a_default_is_followed() {
    let schema_plan = outline(150_000, true);
    let statements = schema_plan.steps().flat_map(|step| &step.statements);
    let statements: Vec<&str> = statements.map(|text| text.as_str()).collect();
    assert_eq!(
        statements,
        [
            "alter table only \"public\".\"item\" alter column \"n\" set default (1)",
            "create unique index \"once\" on \"public\".\"item\" using \"btree\" (\"n\") nulls not distinct",
        ]
    );
}
