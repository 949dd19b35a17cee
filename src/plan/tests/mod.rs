//! Tables of cases for what is decided about one table: its columns, key, strategy and what stands in the
//! way. They need no server.

mod keys;
mod kinds;
mod references;
mod strategy;
mod triggers;

use std::sync::Arc;

use serde_json::{Value, json};

use super::references::References;
use super::{Candidate, LastRun, PlanContext, TablePlan};
use crate::error::Error;
use crate::ident::{Ident, TableName};
use crate::rules::TableRules;
use crate::sql::digest::HashFamily;
use crate::table::{Column, ForeignKey, Key, Table};

/// A column of a built-in type, as the catalog describes it.
fn column(name: &str, type_name: &str, type_modifier: i32) -> Column {
    read(json!({
        "name": name, "type_schema": "pg_catalog", "type_name": type_name, "type_text": type_name,
        "type_modifier": type_modifier, "not_null": false, "generated": false,
        "identity_always": false, "has_default": false, "nondeterministic": false, "floats": null,
        "output": null, "type_oid": 0, "parts": [], "definition": "",
    }))
}

/// A table `public.NAME` with these columns, and no more.
fn table(name: &str, columns: &[Column]) -> Table {
    let table: Table = read(json!({
        "oid": 1, "schema": "public", "name": name, "partitioned": false, "partition_tree": false,
        "hypertables": false, "inherited_by": [], "rows": 10.0, "bytes": 8192, "pages": 1,
        "storage": "1", "columns": [], "keys": [], "uniques": [], "sequences": [], "triggers": [],
        "rules": [], "owned": true, "row_security": false, "subscribed": false,
        "missing_privileges": [],
    }));
    Table { columns: Arc::new(columns.to_vec()), ..table }
}

/// A unique index over columns.
fn key(index: &str, primary: bool, columns: &[&str]) -> Key {
    let columns: Vec<Value> = columns
        .iter()
        .map(|name| {
            json!({
                "name": name, "equals_schema": "pg_catalog", "equals_name": "=",
                "opclass": {"schema": "pg_catalog", "name": "int4_ops"}, "collation": null,
                "nondeterministic": false, "as_column": true,
            })
        })
        .collect();
    read(json!({"index": index, "primary": primary, "deferrable": false, "columns": columns}))
}

/// A foreign key between `public` tables, which is validated and does nothing when a parent goes.
fn foreign_key(child: &str, column: &str, parent: &str) -> ForeignKey {
    ForeignKey {
        name: Ident::new(format!("{child}_{column}_fkey")),
        child: TableName::new("public", child),
        child_columns: vec![Ident::new(column)],
        parent: TableName::new("public", parent),
        parent_columns: vec![Ident::new("id")],
        on_delete: 'a',
        on_update: 'a',
        deferrable: false,
        validated: true,
        equals: Vec::new(),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the catalog's form")
}

/// A run without foreign keys, in which all of these tables are selected.
fn references(selected: &[&str]) -> References {
    References {
        source: Vec::new(),
        target: Vec::new(),
        of_partitions: Vec::new(),
        of_checks: Vec::new(),
        loosened: Vec::new(),
        selected: selected.iter().map(|name| TableName::new("public", *name)).collect(),
        names: Default::default(),
        filtered: Default::default(),
        keeping: Default::default(),
        appended: Default::default(),
        fixed: Default::default(),
        checked_late: Default::default(),
        replica_role: true,
    }
}

/// A run whose role may do everything, between servers that are alike.
fn context() -> PlanContext {
    PlanContext {
        local: false,
        source_identity: "7/5/app/1".to_owned(),
        hasher: HashFamily::Extended,
        replica_role: true,
        fire_triggers: false,
        dry_run: false,
        only_compares: false,
        needs_temporary: None,
        roles: crate::plan::Roles {
            source: "reader".to_owned(),
            target: "writer".to_owned(),
            target_database: "app".to_owned(),
            target_grants_parameters: true,
        },
        reconcile: false,
        force: false,
        path: None,
        same_floats: true,
        same_intervals: true,
        same_text: true,
        mark: None,
        now: "2024-12-13 15:25:30.5".to_owned(),
    }
}

/// What is known about a table, to be planned.
struct Case {
    source: Table,
    target: Option<Table>,
    is_empty: bool,
    last: Option<LastRun>,
    references: References,
    context: PlanContext,
    rules: TableRules,
}

impl Case {
    /// Both sides have the same table, which holds rows.
    fn of(table: Table) -> Self {
        Self {
            references: references(&[table.name.name.as_str()]),
            target: Some(table.clone()),
            source: table,
            is_empty: false,
            last: None,
            context: context(),
            rules: TableRules::default(),
        }
    }

    fn plan(&self) -> Result<TablePlan, Error> {
        let candidate = Candidate {
            source: &self.source,
            target: self.target.as_ref(),
            target_name: &self.source.name,
            target_is_empty: self.is_empty,
            last: self.last.as_ref(),
            references: &self.references,
            rules: &self.rules,
            view: None,
            made: "",
            mask_key: "",
            post_data: &[],
            differing: &[],
            is_widened: false,
            lost_partition: None,
            key_is_named: false,
            other_key: None,
            left_partitions: None,
            computes_otherwise: false,
            detaching: &[],
            grown: &[],
            renamed: &[],
        };
        super::table(candidate, &self.context)
    }

    /// Why the table cannot be planned.
    fn refusal(&self) -> String {
        self.plan().expect_err("the table cannot be brought in sync").to_string()
    }
}
