//! `pgsync config schema`: a JSON Schema of the config file, by which editors complete and check it.

use serde_json::{Map, Value, json};

use super::rules::FILE_KEYS;
use super::setting::{Kind, Setting};
use super::{LogFormat, LogLevel, SummaryFormat, Unmasked};
use crate::outcome::Strategy;
use crate::rules::{Children, Ddl, Key, Mask, Mode};

/// The schema as a text.
pub fn json_schema() -> String {
    let settings = Setting::all().map(|setting| (setting.key().to_owned(), of_setting(setting)));
    let own = FILE_KEYS.map(|key| (key.to_owned(), of_file_key(key)));
    let name = ("$schema".to_owned(), json!({"type": "string"}));
    let keys = settings.chain(own).chain([name]).collect();
    let of_rules = Key::ALL.map(|key| (key.name().to_owned(), of_rule(key)));
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of pgsync",
        "description": "docs/configuration.md explains every key.",
        "$defs": {"entry": object(of_rules.into_iter().collect()), "mask": mask()},
    });
    let mut schema = schema.as_object().cloned().unwrap_or_default();
    schema.extend(object(keys).as_object().cloned().unwrap_or_default());
    format!("{:#}\n", Value::Object(schema))
}

/// An object that has these keys and no others but comments. A value `null` counts as not given.
fn object(keys: Map<String, Value>) -> Value {
    let keys: Map<String, Value> =
        keys.into_iter().map(|(key, value)| (key, or_null(value))).collect();
    json!({
        "type": "object",
        "properties": keys,
        "patternProperties": {"^_": {}},
        "additionalProperties": false
    })
}

fn or_null(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

fn text() -> Value {
    json!({"type": "string", "minLength": 1})
}

/// A text that stands for a variable.
fn reference() -> Value {
    json!({"type": "string", "pattern": "\\$\\{"})
}

fn list() -> Value {
    json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
}

fn number(least: u64, most: u64) -> Value {
    json!({"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, reference()]})
}

fn switch() -> Value {
    json!({"anyOf": [{"type": "boolean"}, reference()]})
}

fn limit() -> Value {
    json!({"anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": "^\\s*(off|[0-9]+|[0-9.]+%)\\s*$"},
        reference()
    ]})
}

fn one_of<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Value {
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    json!({"anyOf": [{"enum": names}, reference()]})
}

fn with(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

fn of_setting(setting: Setting) -> Value {
    match (setting, setting.kind()) {
        (Setting::Ddl, _) => one_of(&Ddl::ALL, Ddl::name),
        (Setting::LogFormat, _) => one_of(&LogFormat::ALL, LogFormat::name),
        (Setting::Summary, _) => one_of(&SummaryFormat::ALL, SummaryFormat::name),
        (Setting::LogLevel, _) => one_of(&LogLevel::ALL, LogLevel::name),
        (Setting::Parallel, _) => number(1, 256),
        (Setting::BatchSize, _) => number(1, 10_000_000),
        (Setting::Retries, _) => number(0, 1_000),
        (_, Kind::Number) => number(0, u64::from(u32::MAX)),
        (_, Kind::Connection | Kind::Text | Kind::Secret) => json!({"type": "string"}),
        (_, Kind::List) => list(),
        (_, Kind::Pairs) => json!({
            "type": "object", "patternProperties": {"^_": {}}, "additionalProperties": {"type": "string"}
        }),
        (_, Kind::Duration) => json!({"type": ["string", "number"]}),
        (_, Kind::Limit) => limit(),
        (_, Kind::Switch) => switch(),
    }
}

fn of_file_key(key: &str) -> Value {
    let entry = json!({"$ref": "#/$defs/entry"});
    match key {
        "defaults" => with(entry, "Rules for all tables; flags count more."),
        "tables" => json!({
            "description": "Rules for the tables of a name or pattern; the more special entry counts more.",
            "type": "object", "patternProperties": {"^_": {}}, "additionalProperties": or_null(entry)
        }),
        "keep" => json!({
            "description": "Columns that may travel unmasked, such as *.currency.",
            "type": "array", "items": {"type": "string", "pattern": "."}
        }),
        "includeColumns" => json!({
            "description": "Another program's word for the rule columns.",
            "type": "object", "additionalProperties": list()
        }),
        "maxDeleteByTable" => json!({
            "description": "Limits on the deleted rows of single tables.",
            "type": "object", "patternProperties": {"^_": {}}, "additionalProperties": limit()
        }),
        "maskKey" => json!({
            "description": "Where the key of the masks stands: env:NAME, @FILE or ${NAME}.",
            "type": "string", "pattern": "^(env:.+|@.+|file:.+|\\$\\{[^{}$]+\\})$"
        }),
        "unmasked" => with(
            one_of(&Unmasked::ALL, Unmasked::name),
            "What happens to a column of text without mask and without keep, once any column is masked.",
        ),
        "beforeSql" => with(list(), "Statements on the target before the first table."),
        _ => with(list(), "Statements on the target when every table is in sync."),
    }
}

fn of_rule(key: Key) -> Value {
    let strategies = [Strategy::Copy, Strategy::Incremental, Strategy::Compare];
    let (schema, description) = match key {
        Key::Skip => (switch(), "Leave the table alone."),
        Key::Where => (text(), "Only the rows for which this SQL expression is true."),
        Key::Columns => (list(), "Only these columns."),
        Key::ExcludeColumns => (list(), "All columns but these."),
        Key::Rename => (
            json!({"type": "object", "patternProperties": {"^_": {}}, "additionalProperties": or_null(text())}),
            "Names of columns on the target.",
        ),
        Key::TargetTable => (text(), "The table's name on the target: table or schema.table."),
        Key::TargetSchema => (text(), "The schema on the target."),
        Key::Key => (list(), "The columns that tell rows apart."),
        Key::TimestampColumn => (text(), "The column that every change of a row sets."),
        Key::Strategy => (one_of(&strategies, Strategy::name), "How the table is synced."),
        Key::Mode => (one_of(&Mode::ALL, Mode::name), "Which rows are written."),
        Key::Deletes => (switch(), "Delete rows that no longer exist on the source."),
        Key::MaxDelete => (limit(), "Refuse to delete more: a share, a number of rows, or off."),
        Key::BatchSize => (number(1, 10_000_000), "Rows per transaction."),
        Key::Ddl => {
            (one_of(&Ddl::ALL, Ddl::name), "What happens to missing and changed definitions.")
        }
        Key::Mask => (
            json!({
                "type": "object", "patternProperties": {"^_": {}},
                "additionalProperties": or_null(json!({"$ref": "#/$defs/mask"}))
            }),
            "How values of columns are replaced.",
        ),
        Key::Keep => (list(), "Columns that may travel unmasked although others are masked."),
        Key::Children => {
            (one_of(&Children::ALL, Children::name), "Whose the rows of inheritance children are.")
        }
    };
    with(schema, description)
}

/// A mask's name, or an object with one mask and its parameter.
fn mask() -> Value {
    let plain: Vec<&str> = Mask::NAMES.into_iter().filter(|name| !needs_parameter(name)).collect();
    let with_parameter = Mask::NAMES.iter().filter_map(|name| {
        let parameter = parameter(name)?;
        Some(json!({
            "type": "object", "properties": {*name: parameter}, "required": [name],
            "patternProperties": {"^_": {}}, "additionalProperties": false
        }))
    });
    Value::Object(Map::from_iter([(
        "anyOf".to_owned(),
        std::iter::once(json!({"enum": plain})).chain(with_parameter).collect(),
    )]))
}

fn needs_parameter(name: &str) -> bool {
    ["value", "sql", "json", "number.noise", "number.round"].contains(&name)
}

/// What stands beside the name of a mask, where something may.
fn parameter(name: &str) -> Option<Value> {
    let days = json!({"type": "integer", "minimum": 1, "maximum": 36_500});
    Some(match name {
        "hash" => json!({"type": "integer", "minimum": 1, "maximum": 32}),
        "value" => json!({"type": ["string", "number", "boolean"]}),
        "sql" => text(),
        "number.round" => json!({"type": "number", "exclusiveMinimum": 0}),
        "number.noise" => json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
        "date.shift" => json!({"anyOf": [days, {
            "type": "object", "properties": {"days": days, "by": text()},
            "patternProperties": {"^_": {}}, "additionalProperties": false
        }]}),
        "json" => json!({
            "type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/mask"}
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_every_key_and_the_stored_one_is_the_same() {
        let text = json_schema();
        let schema: Value = serde_json::from_str(&text).unwrap();
        for key in Setting::all().map(Setting::key).chain(FILE_KEYS) {
            assert!(schema["properties"].get(key).is_some(), "{key}");
        }
        for key in Key::ALL {
            assert!(schema["$defs"]["entry"]["properties"].get(key.name()).is_some(), "{key:?}");
        }
        let stored = include_str!("../../config.schema.json");
        assert!(stored == text, "pgsync config schema > config.schema.json");
    }

    /// The files of configurations in a document.
    fn examples(document: &str) -> Vec<Value> {
        let blocks = document.split("<!-- file: ").skip(1);
        let json = blocks.filter_map(|block| block.split_once("```json\n")?.1.split_once("```"));
        json.map(|(text, _)| serde_json::from_str(text).unwrap()).collect()
    }

    #[test]
    fn the_example_and_those_of_the_documents_are_valid() {
        let schema = serde_json::from_str(&json_schema()).unwrap();
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        let wrong =
            |value: &Value| schemas.validate(value, index).err().map(|error| error.to_string());
        let example = serde_json::from_str(include_str!("../../config.example.json")).unwrap();
        assert_eq!(wrong(&example), None);
        let documents = [
            include_str!("../../README.md"),
            include_str!("../../docs/configuration.md"),
            include_str!("../../docs/masking.md"),
        ];
        let all: Vec<Value> = documents.iter().flat_map(|document| examples(document)).collect();
        assert!(all.len() >= 3);
        for value in all {
            assert_eq!(wrong(&value), None, "{value}");
        }
        // What a run refuses, an editor marks.
        for text in [
            r#"{"paralel": 4}"#,
            r#"{"tables": {"orders": {"wehre": "a"}}}"#,
            r#"{"tables": {"orders": {"mask": {"email": "emial"}}}}"#,
            r#"{"tables": {"orders": {"mask": {"email": {"hash": 99}}}}}"#,
            r#"{"maskKey": "hunter2"}"#,
            r#"{"maxDelete": "lots"}"#,
        ] {
            let value = serde_json::from_str(text).unwrap();
            assert!(wrong(&value).is_some(), "{text}");
        }
    }
}
