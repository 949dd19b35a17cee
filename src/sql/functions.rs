//! CREATE FUNCTION.

use super::ddl::word;
use super::statement::{Statement, statement};
use crate::schema_object::make::{Function, FunctionSetting, Parallel, Volatility};
use crate::schema_object::text::Name;
use crate::sql::Literal;

/// What makes a function. Its body is a constant to the server that reads the statement, or stands in
/// parentheses.
pub(super) fn create(name: &Name, function: &Function) -> Statement {
    let arguments = match &function.arguments {
        Some(arguments) => statement!("({all})", all = arguments),
        None => word("()"),
    };
    let settings = function.settings.iter().map(setting);
    statement!(
        "create function {name}{arguments} returns {result} language {language} {volatility}{strict}{parallel}{settings} {body}",
        name = name,
        arguments = arguments,
        result = function.result,
        language = function.language,
        volatility = word(match function.volatility {
            Volatility::Immutable => "immutable",
            Volatility::Stable => "stable",
            Volatility::Volatile => "volatile",
        }),
        strict = word(if function.strict { " strict" } else { "" }),
        parallel = word(match function.parallel {
            Parallel::Safe => " parallel safe",
            Parallel::Restricted => " parallel restricted",
            Parallel::Unsafe => "",
        }),
        settings = Statement::join(settings, ""),
        body = match (&function.body, &function.returned) {
            (_, Some(returned)) => statement!("return {returned}", returned = returned),
            (body, None) => {
                statement!("as {body}", body = Literal(body.as_deref().unwrap_or_default()))
            }
        },
    )
}

fn setting(setting: &FunctionSetting) -> Statement {
    let values = setting.values.iter().map(|value| Literal(value));
    let values = Statement::join(values, ", ");
    statement!(" set {name} to {values}", name = setting.name, values = values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn created(change: serde_json::Value) -> String {
        let mut function = json!({"arguments": "a text DEFAULT 'x'::text", "result": "text", "language": "sql",
            "volatility": "immutable", "parallel": "safe", "strict": true, "settings": [],
            "body": "select 'it''s'", "returned": null});
        for (key, value) in change.as_object().expect("an object") {
            function[key] = value.clone();
        }
        let function: Function = serde_json::from_value(function).expect("a function");
        let name = Name::parse("public.f").expect("a name");
        create(&name, &function).as_str().to_owned()
    }

    #[test]
    fn a_function_is_created_as_it_is() {
        assert_eq!(
            created(json!({})),
            "create function \"public\".\"f\"(a text DEFAULT 'x'::text) returns text language \"sql\" immutable \
             strict parallel safe as 'select ''it''''s'''"
        );
        let settings = json!([{"name": "search_path", "values": ["public", "My Schema"]},
            {"name": "\"TimeZone\"", "values": ["UTC"]}]);
        assert_eq!(
            created(json!({"arguments": null, "result": "TABLE(n integer)", "language": "plpgsql",
                "volatility": "volatile", "parallel": "unsafe", "strict": false, "settings": settings,
                "body": "begin end"})),
            "create function \"public\".\"f\"() returns TABLE(n integer) language \"plpgsql\" volatile \
             set \"search_path\" to 'public', 'My Schema' set \"TimeZone\" to 'UTC' as 'begin end'"
        );
        assert_eq!(
            created(json!({"body": null, "returned": "(a || 'y'::text)"})),
            "create function \"public\".\"f\"(a text DEFAULT 'x'::text) returns text language \"sql\" immutable \
             strict parallel safe return ((a || 'y'::text))"
        );
    }
}
