//! Plans between servers that the integration tests do not have.

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

/// What is planned for `public.item`, a table of pgsync's.
fn planned(
    source: &Definitions,
    target: &Definitions,
    version: u32,
    comparable: bool,
    reset: bool,
) -> SchemaPlan {
    let name = TableName::new("public", "item");
    let created_by_pgsync = HashSet::from([name.clone()]);
    let selected = [&name];
    let rebuilt = reset.then(|| name.clone()).into_iter().collect();
    let input = DiffInput {
        source,
        target,
        selected: &selected,
        created_by_pgsync: &created_by_pgsync,
        source_parts: &Default::default(),
        version,
        comparable,
        same_major: comparable,
        reset: &rebuilt,
        renamed: None,
        path: &[],
        crowded: &Default::default(),
        makes: false,
    };
    input.schema_plan()
}

fn plan_of_pieces(version: u32, comparable: bool) -> SchemaPlan {
    planned(&definitions("1", true), &definitions("2", false), version, comparable, false)
}

#[test]
fn what_an_older_target_lacks_is_left_out_and_named() {
    let schema_plan = plan_of_pieces(140_000, false);
    let text = "index public.once is left out: the target would have to be PostgreSQL 15 or later";
    assert_eq!(schema_plan.left_out, [(TableName::new("public", "item"), text.to_owned())]);
    assert_eq!(schema_plan.steps().count(), 0, "texts that nobody can word are not compared");
}

#[test]
fn where_one_server_words_both_sides_a_default_is_followed() {
    let schema_plan = plan_of_pieces(150_000, true);
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

fn key(primary: bool, columns: &[&str], more: &[(&str, Value)]) -> Value {
    let mut key = json!({"primary": primary, "columns": columns, "include": [], "nulls_not_distinct": false,
        "without_overlaps": false, "deferrable": false, "deferred": false});
    more.iter().for_each(|(name, value)| key[*name] = value.clone());
    json!({"key": key})
}

/// The statements that make a constraint of a table that has none, of which the target has `there`.
fn made(make: Value, partitioned: bool, there: Option<Value>) -> Vec<String> {
    let root = json!({"schema": "public", "name": "item"});
    let by = partitioned.then(|| json!({"strategy": "list", "key": "id"}));
    let definition = json!({"unlogged": false, "partition": false, "partition_by": by, "inherits": [],
        "options": [], "checks": [], "owns": [], "columns": []});
    let object = |value: Value| serde_json::from_value::<Object>(value).expect("an object");
    let table = || {
        object(
            json!({"node": "1", "kind": "table", "id": "public.item", "name": root, "root": root,
            "definition": definition}),
        )
    };
    let kind = if make.get("check").is_some() { "check" } else { "key" };
    let settings = json!({"name": "public.own", "options": [], "clustered": true, "replica_identity": false,
        "statistics": [], "comment": null});
    let constraint = object(
        json!({"node": "2", "kind": kind, "id": "public.item own", "own": "own",
        "table": "public.item", "root": root, "make": make, "index": (kind == "key").then_some(settings)}),
    );
    let index = there.map(|index| {
        object(json!({"node": "3", "kind": "index", "id": "public.own", "table": "public.item", "root": root,
            "make": {"index": index}}))
    });
    let source = Definitions::new(vec![table(), constraint], HashMap::new());
    let target = Definitions::new(std::iter::once(table()).chain(index).collect(), HashMap::new());
    let schema_plan = planned(&source, &target, 180_000, true, true);
    let statements = schema_plan.steps().flat_map(|step| &step.statements);
    statements.map(|statement| statement.as_str().to_owned()).collect()
}

#[test]
fn a_key_is_made_of_an_index_that_is_built_before_where_a_server_can_do_that() {
    let cluster = "alter table \"public\".\"item\" cluster on \"own\"";
    let (attach, build) = (
        "alter table only \"public\".\"item\" add constraint \"own\" ",
        "create unique index \"own\" on \"public\".\"item\" using \"btree\" ",
    );
    let of = |start: &str, end: &str| format!("{start}{end}");
    assert_eq!(
        made(key(true, &["id", "n"], &[]), false, None),
        [
            of(build, "(\"id\", \"n\")"),
            of(attach, "primary key using index \"own\""),
            cluster.into()
        ]
    );
    let more = [
        ("include", json!(["v"])),
        ("nulls_not_distinct", json!(true)),
        ("deferrable", json!(true)),
        ("deferred", json!(true)),
    ];
    assert_eq!(
        made(key(false, &["n"], &more), false, None),
        [
            of(build, "(\"n\") include (\"v\") nulls not distinct"),
            of(attach, "unique using index \"own\" deferrable initially deferred"),
            cluster.into()
        ]
    );
    // Its partitions have the indexes; an index excludes no overlaps.
    assert_eq!(
        made(key(true, &["id"], &[]), true, None),
        [of(attach, "primary key (\"id\")"), cluster.into()]
    );
    assert_eq!(
        made(key(true, &["id", "n"], &[("without_overlaps", json!(true))]), false, None),
        [of(attach, "primary key (\"id\", \"n\" without overlaps)"), cluster.into()]
    );
}

#[test]
fn an_index_that_a_killed_run_built_becomes_the_key_and_no_other() {
    let element = |descending: bool| {
        json!({"column": "id", "expression": null, "collation": null, "opclass": "public.citext_ops", "options": [],
            "descending": descending, "nulls_first": false})
    };
    let index = |unique: bool, descending: bool| {
        json!({"unique": unique, "only": false, "method": "btree", "elements": [element(descending)], "include": [],
            "nulls_not_distinct": false, "options": [], "predicate": null})
    };
    for (there, is_used) in
        [(index(true, false), true), (index(false, false), false), (index(true, true), false)]
    {
        let created_by_pgsync = made(key(true, &["id"], &[]), false, Some(there.clone()));
        let builds =
            created_by_pgsync.iter().any(|statement| statement.starts_with("create unique index"));
        let drops = created_by_pgsync.iter().any(|statement| statement.starts_with("drop index"));
        assert_eq!((builds, drops), (!is_used, !is_used), "{there}: {created_by_pgsync:?}");
    }
}

#[test]
fn rows_are_looked_at_after_a_check_is_there() {
    let check = |validated: bool, enforced: bool| {
        json!({"check": {"name": "own", "expression": "n > 0",
        "validated": validated, "enforced": enforced}})
    };
    let add = "alter table \"public\".\"item\" add constraint \"own\" check (n > 0)";
    let validate = "alter table \"public\".\"item\" validate constraint \"own\"";
    let later = format!("{add} not valid");
    assert_eq!(made(check(true, true), false, None), [later.as_str(), validate]);
    assert_eq!(made(check(false, true), false, None), [later.as_str()]);
    assert_eq!(made(check(false, false), false, None), [format!("{add} not enforced")]);
}
